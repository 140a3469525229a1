/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands that list what the gateway is made of: show ports, networks, vteps. Control thread only.
 */
#include "controlplane/cmd.h"

#include "ebpf/xdp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NETWORKS_PAGE 500
#define VTEPS_PAGE    250

/* ---- ports */

static const char *role_text(enum dp_port_role role)
{
    switch (role) {
    case DP_PORT_ACCESS:
        return "access";
    case DP_PORT_UNDERLAY:
        return "underlay";
    case DP_PORT_KERNEL:
        return "kernel";
    }
    return "unknown";
}

static void port_row(const struct gateway *g, const struct gateway_port *port, cJSON *row)
{
    struct dp_port_counters c;
    struct dp_port_status s;

    dp_port_status(g->dp, port->id, &s);
    dp_port_counters(g->dp, port->id, &c);
    json_text(row, "name", port->name);
    json_text(row, "role", role_text(s.role));
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

    dp_net_counters(g->dp, id, &c);
    for (int i = 0; i < 4; i++) {
        cJSON *o = json_object(counters, names[i]);

        json_count(o, "unicast", values[i][0]);
        json_count(o, "flooded", values[i][1]);
    }
}

static void network_row(const struct gateway *g, const struct gateway_network *net, cJSON *row)
{
    const struct conf_network *conf = net->conf;
    cJSON *limits;

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
    json_u64(row, "ageing_s", conf->ageing);
    json_u64(row, "macs", mactable_count_network(g->macs, net->id));
    json_limit(row, "mac_limit", conf->mac_limit);
    json_u64(row, "vteps", conf->n_peers);
    network_counters(g, net->id, row);
}

/* Only for one network that was asked for by name: all of them would be long. */
static void network_peers(const struct gateway *g, const struct conf_network *conf, cJSON *row)
{
    cJSON *peers = json_array(row, "peers");

    for (size_t i = 0; i < conf->n_peers; i++) {
        const struct underlay_hop *hop = underlay_hop(g->underlay, &conf->peers[i].address);
        cJSON *peer = json_row(peers);

        json_address(peer, "vtep", &conf->peers[i].address);
        json_bool(peer, "learning", conf->peers[i].learning);
        json_text(peer, "state", hop ? underlay_state_text(hop->state) : "unknown");
    }
}

int cmd_show_networks(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const union api_value *after = api_arg(args, AFTER);
    uint32_t first = after ? after->number : 0, i;
    const struct gateway_network *net;
    int rc = cmd_find_network(g, args, &net, err);
    cJSON *rows;

    if (rc != 0)
        return rc;
    rows = json_array(result, "networks");
    if (net) {
        cJSON *row = json_row(rows);

        network_row(g, net, row);
        network_peers(g, net->conf, row);
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
    struct ipaddr address;
    uint32_t networks;
};

static int vtep_use_cmp(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ipaddr));
}

/* How many networks have each of these VTEPs: one pass over all peers, because a VTEP does not know its
 * networks. use[] gets sorted by address. */
static void count_networks(const struct gateway *g, const struct gateway_vtep *vteps, size_t n,
                           struct vtep_use *use)
{
    for (size_t i = 0; i < n; i++)
        use[i] = (struct vtep_use){.address = vteps[i].address};
    qsort(use, n, sizeof(*use), vtep_use_cmp);
    for (unsigned i = 0; i < g->n_networks; i++) {
        const struct conf_network *conf = g->networks[i].conf;

        for (size_t j = 0; j < conf->n_peers; j++) {
            struct vtep_use *u = bsearch(&conf->peers[j].address, use, n, sizeof(*use), vtep_use_cmp);

            if (u)
                u->networks++;
        }
    }
}

static void vtep_row(const struct gateway *g, const struct gateway_vtep *vtep, uint32_t networks, cJSON *row)
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
    json_u64(row, "networks", networks);
    json_u64(row, "macs", mactable_count_at(g->macs, DP_WHERE_VTEP, vtep->id));
    dp_vtep_counters(g->dp, vtep->id, &c);
    json_count(row, "rx", c.rx);
    json_count(row, "tx", c.tx);
}

/* Only for one VTEP that was asked for by address. */
static void vtep_networks(const struct gateway *g, const struct ipaddr *address, cJSON *row)
{
    cJSON *names = json_array(row, "network_names");

    for (unsigned i = 0; i < g->n_networks; i++) {
        const struct conf_network *conf = g->networks[i].conf;

        for (size_t j = 0; j < conf->n_peers; j++)
            if (ipaddr_eq(&conf->peers[j].address, address))
                cJSON_AddItemToArray(names, cJSON_CreateString(conf->name));
    }
}

static int show_one_vtep(const struct gateway *g, const struct ipaddr *address, cJSON *rows,
                         char err[API_ERR_LEN])
{
    struct vtep_use use;

    for (unsigned i = 0; i < g->n_vteps; i++) {
        if (ipaddr_eq(&g->vteps[i].address, address)) {
            cJSON *row = json_row(rows);

            count_networks(g, &g->vteps[i], 1, &use);
            vtep_row(g, &g->vteps[i], use.networks, row);
            vtep_networks(g, address, row);
            return 0;
        }
    }
    snprintf(err, API_ERR_LEN, "no VTEP with that address; \"show vteps\" lists them");
    return -ENOENT;
}

int cmd_show_vteps(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const union api_value *after = api_arg(args, AFTER), *one = api_arg(args, VTEP);
    cJSON *rows = json_array(result, "vteps");
    struct vtep_use use[VTEPS_PAGE];
    uint32_t first = after ? after->number : 0, n;

    if (one)
        return show_one_vtep(g, &one->address, rows, err);
    if (first > g->n_vteps)
        first = g->n_vteps;
    n = g->n_vteps - first < VTEPS_PAGE ? g->n_vteps - first : VTEPS_PAGE;
    count_networks(g, g->vteps + first, n, use);
    for (uint32_t i = first; i < first + n; i++) {
        const struct vtep_use *u = bsearch(&g->vteps[i].address, use, n, sizeof(*use), vtep_use_cmp);

        vtep_row(g, &g->vteps[i], u ? u->networks : 0, json_row(rows));
    }
    if (first + n < g->n_vteps)
        json_u64(result, "next", first + n);
    return 0;
}
