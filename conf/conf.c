/* SPDX-License-Identifier: BSD-3-Clause
 *
 * struct conf itself: defaults, look-ups, the end of its life. Any thread.
 */
#include "conf/conf.h"

#include "conf/conf_default.h"
#include "conf/conf_rt.h"

#include <stdlib.h>

#define BGP_PORT 179

void conf_default(struct conf *c)
{
    c->underlay.prefix_len = 0xff;
    c->underlay.vxlan_port = 4789; /* R1.1 */
    c->underlay.ttl = 64;          /* R1.8 */
    c->underlay.offloads = true;
    c->dataplane.max_macs = 131072;
    c->dataplane.workers = 1;
    c->dataplane.cpu = -1;
    strcpy(c->fastpath.dir, CONF_FASTPATH_DIR);
    c->fastpath.punt_limit = 250000;
    strcpy(c->api_socket, CONF_API_SOCKET);
    c->log_level = LOG_LEVEL_INFO;
    c->log_format = LOG_FORMAT_TEXT;
    c->moves.repeats = 2;        /* R6.3 */
    c->moves.interval_ms = 1100; /* Linux's locktime is a second */
    c->moves.limit = 1000;
    c->moves.bounce = 5; /* R6.5 */
    c->moves.journal_size = 10000;
    c->bgp.port = BGP_PORT;
    c->bgp.hold_time = 9;
    c->bgp.connect_retry = 5;
    c->bgp.graceful_restart = 120; /* R2.7 */
    c->bgp.duplicate_moves = 5;    /* R5.1 */
    c->bgp.duplicate_seconds = 180;
}

void conf_default_access(void *access)
{
    struct conf_access *a = access;

    a->mac_limit = CONF_NO_LIMIT;
    a->offloads = true;
}

void conf_default_network(void *network)
{
    struct conf_network *n = network;

    n->dscp = CONF_DSCP_INHERIT; /* R1.8 */
    n->limit_broadcast = 1000;   /* R8.3 */
    n->limit_multicast = 5000;
    n->limit_unknown_unicast = 1000;
    n->mac_limit = 16384; /* R8.4 */
    n->ageing = 300;
    n->proxy = true; /* R7.2 */
}

void conf_default_bgp_peer(void *bgp_peer)
{
    struct conf_bgp_peer *p = bgp_peer;

    p->port = BGP_PORT;
    p->max_prefixes_warning = 80;
    p->graceful_restart = true; /* R2.7 */
    p->default_vxlan = true;    /* R3.4 */
}

/* R3.3. VLANs are unique in the file, and untagged networks too few to reach 65,535. */
static void complete_rds(struct conf *c)
{
    static const struct conf_rd none;
    uint16_t untagged = VLAN_ID_MAX + 1;

    for (size_t i = 0; i < c->n_networks; i++) {
        struct conf_network *n = &c->networks[i];
        uint16_t number = n->vlan == CONF_VLAN_NONE ? untagged++ : n->vlan;

        n->rd_auto = memcmp(&n->rd, &none, sizeof(none)) == 0;
        if (n->rd_auto && c->bgp.router_id != 0)
            n->rd = conf_rd_make(c->bgp.router_id, number);
    }
}

/* The address that a session runs from when its peer names none: that of the section, or else the underlay's.
 */
static struct ipaddr default_source(const struct conf *c, const struct ipaddr *peer)
{
    if (c->bgp.source.family == peer->family)
        return c->bgp.source;
    if (c->underlay.address.family == peer->family)
        return c->underlay.address;
    return (struct ipaddr){0};
}

static void complete_bgp(struct conf *c)
{
    const struct ipaddr *own = &c->underlay.address;
    struct conf_bgp *b = &c->bgp;

    if (b->router_id == 0 && own->family == 4)
        b->router_id =
            (uint32_t)own->b[0] << 24 | (uint32_t)own->b[1] << 16 | (uint32_t)own->b[2] << 8 | own->b[3];
    if (b->source.family == 0)
        b->source = *own;
    if (b->keepalive == 0)
        b->keepalive = b->hold_time / 3;
    for (size_t i = 0; i < b->n_peers; i++) {
        struct conf_bgp_peer *p = &b->peers[i];

        if (p->asn == 0)
            p->asn = b->asn;
        /* R2.6: MAC-only, IPv4 and IPv6 route of each MAC. Less than the RIB has room for. */
        if (p->max_prefixes == 0)
            p->max_prefixes = c->dataplane.max_macs * 3;
        if (p->source.family == 0)
            p->source = default_source(c, &p->address);
    }
}

void conf_complete(struct conf *c)
{
    if (c->underlay.port.kind != CONF_PORT_INTERFACE && c->underlay.tap[0] == '\0')
        strcpy(c->underlay.tap, CONF_DEFAULT_TAP);
    if (c->bgp.on)
        complete_bgp(c);
    complete_rds(c);
}

void conf_free(struct conf *c)
{
    if (!c)
        return;
    free(c->underlay.routes);
    for (size_t i = 0; i < c->n_access; i++)
        free(c->access[i].networks);
    free(c->access);
    for (size_t i = 0; i < c->n_networks; i++) {
        free(c->networks[i].flood_macs);
        free(c->networks[i].static_macs);
        free(c->networks[i].peers);
        free(c->networks[i].routers);
        free(c->networks[i].rt_import);
        free(c->networks[i].rt_export);
    }
    free(c->networks);
    for (size_t i = 0; i < c->n_sites; i++)
        free(c->sites[i].vteps);
    free(c->sites);
    free(c->bgp.peers);
    free(c);
}

const struct conf_network *conf_network_find(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->n_networks; i++) {
        if (strcmp(c->networks[i].name, name) == 0)
            return &c->networks[i];
    }
    return NULL;
}

uint16_t conf_network_mtu(const struct conf_network *n)
{
    return n->mtu ? n->mtu : 1500;
}

const struct conf_bgp_peer *conf_bgp_peer_find(const struct conf_bgp *b, const struct ipaddr *address)
{
    for (size_t i = 0; i < b->n_peers; i++)
        if (ipaddr_eq(&b->peers[i].address, address))
            return &b->peers[i];
    return NULL;
}

const char *conf_bgp_peer_name(const struct conf_bgp *b, const struct ipaddr *address)
{
    const struct conf_bgp_peer *p = conf_bgp_peer_find(b, address);

    return p ? p->name : "";
}

bool conf_access_carries(const struct conf_access *a, const struct conf_network *n, uint16_t *vlan)
{
    bool carried = a->n_networks == 0 && a->untagged[0] == '\0';

    if (strcmp(a->untagged, n->name) == 0) {
        *vlan = CONF_VLAN_NONE;
        return true;
    }
    for (size_t i = 0; i < a->n_networks && !carried; i++)
        carried = strcmp(a->networks[i], n->name) == 0;
    if (carried)
        *vlan = n->vlan;
    return carried;
}

static bool port_needs_sys_admin(const struct conf_port *p)
{
    /* A virtual device of DPDK is content without, but the one that attaches to an interface as we do. */
    return p->kind != CONF_PORT_DPDK || strncmp(p->device, "net_af_xdp", strlen("net_af_xdp")) == 0;
}

bool conf_needs_sys_admin(const struct conf *c)
{
    for (size_t i = 0; i < c->n_access; i++)
        if (port_needs_sys_admin(&c->access[i].port))
            return true;
    return port_needs_sys_admin(&c->underlay.port);
}

unsigned conf_overhead(const struct conf *c)
{
    return c->underlay.address.family == 6 ? 70 : 50; /* R1.7 */
}
