/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands that list what the gateway is made of: show ports, networks, vteps. Control thread only.
 */
#include "controlplane/cmd.h"

#include "conf/conf_rt.h"
#include "controlplane/bgp_extcom.h"
#include "ebpf/xdp.h"

#include <errno.h>
#include <stdio.h>

#define NETWORKS_PAGE 500
#define VTEPS_PAGE    250

/* ---- ports */

static void port_row(const struct gateway *g, const struct gateway_port *port, cJSON *row)
{
    struct dp_port_counters c;
    struct dp_port_status s;

    dp_port_status(g->dp, port->id, &s);
    fwd_port_counters(g->fwd, port->id, &c);
    json_text(row, "name", port->name);
    json_text(row, "role", dp_port_role_name(s.role));
    json_bool(row, "up", s.up);
    json_text(row, "driver", s.driver);
    json_text(row, "device", s.device);
    if (port->xdp)
        json_text(row, "xdp", xdp_mode(port->xdp));
    json_mac(row, "mac", s.mac);
    json_u64(row, "mtu", s.mtu);
    json_count(row, "rx", c.rx);
    json_count(row, "tx", c.tx);
    json_u64(row, "drops", c.drops);
    json_u64(row, "missed", c.missed);
    if (port->access) {
        json_u64(row, "macs", mactable_count_at(g->macs, DP_WHERE_PORT, port->id));
        json_limit(row, "mac_limit", port->access->mac_limit);
    }
}

int cmd_show_ports(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    cJSON *rows = json_array(result, "ports");

    (void)args;
    (void)err;
    for (unsigned i = 0; i < g->n_ports; i++)
        port_row(g, &g->ports[i], json_row(rows));
    return 0;
}

/* ---- networks */

/* A tag in JSON: null is untagged. */
static void json_vlan(cJSON *o, uint16_t vlan)
{
    if (vlan == 0) {
        cJSON_AddNullToObject(o, "vlan");
    } else {
        json_u64(o, "vlan", vlan);
    }
}

static void network_ports(const struct gateway *g, const struct conf_network *conf, cJSON *row)
{
    cJSON *rows = json_array(row, "ports");

    for (unsigned i = 0; i < g->n_ports; i++) {
        uint16_t vlan;

        if (g->ports[i].access && conf_access_carries(g->ports[i].access, conf, &vlan)) {
            cJSON *port = json_row(rows);

            json_text(port, "port", g->ports[i].name);
            json_vlan(port, vlan);
        }
    }
}

static void network_counters(const struct gateway *g, dp_net_id id, cJSON *row)
{
    static const char *const names[] = {"access_in", "access_out", "wan_in", "wan_out"};
    cJSON *counters = json_object(row, "counters");
    struct dp_net_counters c;
    const struct dp_count *values[] = {c.access_in, c.access_out, c.wan_in, c.wan_out};

    fwd_net_counters(g->fwd, id, &c);
    for (int i = 0; i < 4; i++) {
        cJSON *o = json_object(counters, names[i]);

        json_count(o, "unicast", values[i][0]);
        json_count(o, "flooded", values[i][1]);
    }
    json_u64(counters, "proxy_arp", c.proxy_arp);
    json_u64(counters, "proxy_nd", c.proxy_nd);
    json_u64(counters, "bounced", c.bounced);
    json_u64(counters, "bicast", c.bicast);
}

/* The automatic target; what is imported by it may have any AS number. */
static void add_auto_target(const struct conf *conf, const struct conf_network *n, bool import, cJSON *array)
{
    struct bgp_extcom rt = conf->bgp.rt_form == CONF_RT_RFC8365 ? bgp_extcom_rt_rfc8365(conf->bgp.asn, n->vni)
                                                                : bgp_extcom_rt_vni(conf->bgp.asn, n->vni);
    char text[BGP_EXTCOM_TEXT], any[BGP_EXTCOM_TEXT];

    bgp_extcom_format(&rt, text);
    snprintf(any, sizeof(any), "*%s", strrchr(text, ':'));
    json_add_text(array, import ? any : text + strlen("RT:"));
}

static void network_targets(const struct conf *conf, const struct conf_network *n, bool import, cJSON *row)
{
    const struct conf_rt *list = import ? n->rt_import : n->rt_export;
    size_t n_list = import ? n->n_rt_import : n->n_rt_export;
    cJSON *array = json_array(row, import ? "import_targets" : "export_targets");
    char text[CONF_RT_STRLEN];

    for (size_t i = 0; i < n_list; i++)
        json_add_text(array, conf_rt_format(&list[i], text));
    if (n_list == 0)
        add_auto_target(conf, n, import, array);
}

/* R3.3 */
static void network_bgp(const struct conf *conf, const struct conf_network *n, cJSON *row)
{
    char text[CONF_RT_STRLEN];

    if (!conf->bgp.on)
        return;
    json_text(row, "rd", conf_rd_format(&n->rd, text));
    network_targets(conf, n, true, row);
    network_targets(conf, n, false, row);
}

static void network_row(const struct gateway *g, const struct gateway_network *net, cJSON *row)
{
    const struct conf_network *conf = net->conf;
    cJSON *limits;
    size_t n_peers;

    json_text(row, "name", conf->name);
    json_vlan(row, conf->vlan);
    json_u64(row, "vni", conf->vni);
    network_ports(g, conf, row);
    json_text(row, "unknown_unicast", conf->flood_unknown ? "flood" : "drop");
    json_u64(row, "flood_macs", conf->n_flood_macs);
    limits = json_object(row, "limits");
    json_limit(limits, "broadcast", conf->limit_broadcast);
    json_limit(limits, "multicast", conf->limit_multicast);
    json_limit(limits, "unknown_unicast", conf->limit_unknown_unicast);
    json_bool(row, "qinq", conf->qinq);
    json_bool(row, "proxy", conf->proxy);
    json_u64(row, "ageing_s", conf->ageing);
    json_u64(row, "macs", mactable_count_network(g->macs, net->id));
    json_limit(row, "mac_limit", conf->mac_limit);
    (void)gateway_peers(g, net->id, &n_peers);
    json_u64(row, "vteps", n_peers);
    network_bgp(g->conf, conf, row);
    network_counters(g, net->id, row);
}

/* Nobody: it is about to be forgotten. */
static const char *known_by(bool is_static, bool bgp)
{
    return is_static && bgp ? "static, bgp" : is_static ? "static" : bgp ? "bgp" : "nobody";
}

static void peer_row(const struct gateway *g, const struct gateway_peer *p, cJSON *rows)
{
    const struct gateway_vtep *vtep = gateway_vtep(g, p->vtep);
    const struct underlay_hop *hop = vtep ? underlay_hop(g->underlay, &vtep->address) : NULL;
    cJSON *row = json_row(rows);

    if (vtep)
        json_address(row, "vtep", &vtep->address);
    json_text(row, "known_by", known_by(p->is_static, p->bgp));
    json_bool(row, "learning", p->learning);
    json_text(row, "state", hop ? underlay_state_text(hop->state) : "unknown");
}

/* Only for one network that was asked for by name: all of them would be long. */
static void network_peers(const struct gateway *g, const struct gateway_network *net, cJSON *row)
{
    cJSON *peers = json_array(row, "peers");
    size_t n;
    const struct gateway_peer *list = gateway_peers(g, net->id, &n);

    for (size_t i = 0; i < n; i++)
        peer_row(g, &list[i], peers);
}

int cmd_show_networks(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    uint32_t first = cmd_page_start(args), i;
    const struct gateway_network *net;
    int rc = cmd_find_network(g, args, &net, err);
    cJSON *rows;

    if (rc != 0)
        return rc;
    rows = json_array(result, "networks");
    if (net) {
        cJSON *row = json_row(rows);

        network_row(g, net, row);
        network_peers(g, net, row);
        return 0;
    }
    for (i = first; i < g->n_networks && i - first < NETWORKS_PAGE; i++)
        network_row(g, &g->networks[i], json_row(rows));
    if (i < g->n_networks)
        json_u64(result, "next", i);
    return 0;
}

/* ---- VTEPs */

struct vtep_use {
    uint32_t networks; /* whose flood list it is on */
    uint32_t fixed;    /* of these, configured */
};

/* One pass over all flood lists, because a VTEP does not know its networks. use[] is of the n VTEPs from the
 * index `first` on. */
static void count_networks(const struct gateway *g, uint32_t first, uint32_t n, struct vtep_use *use)
{
    memset(use, 0, n * sizeof(*use));
    for (unsigned i = 0; i < g->n_networks; i++) {
        size_t n_peers;
        const struct gateway_peer *list = gateway_peers(g, g->networks[i].id, &n_peers);

        for (size_t j = 0; j < n_peers; j++) {
            uint32_t at = list[j].vtep - 1u - first;

            if (list[j].vtep == 0 || at >= n)
                continue;
            use[at].networks++;
            use[at].fixed += list[j].is_static;
        }
    }
}

static void vtep_row(const struct gateway *g, const struct gateway_vtep *vtep, const struct vtep_use *use,
                     cJSON *row)
{
    const struct underlay_hop *hop = underlay_hop(g->underlay, &vtep->address);
    struct dp_vtep_counters c;

    json_address(row, "address", &vtep->address);
    json_bool(row, "resolved", hop && hop->state == UNDERLAY_RESOLVED);
    json_text(row, "state", hop ? underlay_state_text(hop->state) : "unknown");
    if (hop) {
        json_address(row, "next_hop", &hop->next_hop);
        if (hop->state == UNDERLAY_RESOLVED)
            json_mac(row, "next_hop_mac", hop->mac);
        json_text(row, "interface", hop->interface);
        json_u64(row, "mtu", hop->mtu);
    }
    json_bool(row, "lost", vtep->lost);
    json_text(row, "known_by", known_by(vtep->is_static, vtep->floods > 0 || vtep->macs > 0 || vtep->lost));
    json_u64(row, "networks", use->networks);
    json_u64(row, "networks_static", use->fixed);
    json_u64(row, "networks_bgp", vtep->floods);
    json_u64(row, "mac_routes", vtep->macs);
    json_u64(row, "macs", mactable_count_at(g->macs, DP_WHERE_VTEP, vtep->id));
    fwd_vtep_counters(g->fwd, vtep->id, &c);
    json_count(row, "rx", c.rx);
    json_count(row, "tx", c.tx);
}

/* Only for one VTEP that was asked for by address. */
static void vtep_networks(const struct gateway *g, dp_vtep_id id, cJSON *row)
{
    cJSON *names = json_array(row, "network_names");

    for (unsigned i = 0; i < g->n_networks; i++) {
        size_t n;
        const struct gateway_peer *list = gateway_peers(g, g->networks[i].id, &n);

        for (size_t j = 0; j < n; j++)
            if (list[j].vtep == id)
                json_add_text(names, g->networks[i].conf->name);
    }
}

static int show_one_vtep(const struct gateway *g, const struct ipaddr *address, cJSON *rows,
                         char err[API_ERR_LEN])
{
    struct vtep_use use;

    for (unsigned i = 0; i < g->n_vteps; i++) {
        if (ipaddr_eq(&g->vteps[i].address, address)) {
            cJSON *row = json_row(rows);

            count_networks(g, i, 1, &use);
            vtep_row(g, &g->vteps[i], &use, row);
            vtep_networks(g, g->vteps[i].id, row);
            return 0;
        }
    }
    snprintf(err, API_ERR_LEN, "no VTEP with that address; \"show vteps\" lists them");
    return -ENOENT;
}

int cmd_show_vteps(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const union api_value *one = api_arg(args, VTEP);
    cJSON *rows = json_array(result, "vteps");
    struct vtep_use use[VTEPS_PAGE];
    uint32_t first = cmd_page_start(args), n;

    if (one)
        return show_one_vtep(g, &one->address, rows, err);
    if (first > g->n_vteps)
        first = g->n_vteps;
    n = g->n_vteps - first < VTEPS_PAGE ? g->n_vteps - first : VTEPS_PAGE;
    count_networks(g, first, n, use);
    for (uint32_t i = 0; i < n; i++)
        if (g->vteps[first + i].address.family)
            vtep_row(g, &g->vteps[first + i], &use[i], json_row(rows));
    if (first + n < g->n_vteps)
        json_u64(result, "next", first + n);
    return 0;
}
