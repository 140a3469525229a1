/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands about the MAC table: show macs, clear macs, clear duplicate. Control thread only.
 */
#include "controlplane/cmd.h"

#include <errno.h>
#include <stdio.h>

#define MACS_PAGE 1000   /* entries of a reply */
#define MACS_WALK 100000 /* entries looked at for a reply: a filter may match few */

static const char *origin_text(enum mac_origin origin)
{
    switch (origin) {
    case MAC_LOCAL:
        return "local";
    case MAC_REMOTE:
        return "remote";
    case MAC_STATIC:
        return "static";
    case MAC_FLOOD:
        return "flood";
    case MAC_EVPN:
        return "evpn";
    }
    return "unknown";
}

void cmd_json_where(const struct gateway *g, enum dp_where where, uint16_t target, cJSON *o)
{
    const struct gateway_port *port;
    const struct gateway_vtep *vtep;

    if (where == DP_WHERE_PORT) {
        port = gateway_port(g, target);
        json_text(o, "port", port ? port->name : target == DP_OWN_PORT ? "(gateway)" : "unknown");
    } else if (where == DP_WHERE_VTEP) {
        vtep = gateway_vtep(g, target);
        if (vtep) {
            json_address(o, "vtep", &vtep->address);
        } else {
            json_text(o, "vtep", "unknown");
        }
    }
}

/* The best route of the peers, whoever owns the MAC. */
static void mac_route(const struct gateway *g, const struct mac_entry *e, cJSON *row)
{
    const struct gateway_vtep *vtep = e->route_vtep ? gateway_vtep(g, e->route_vtep) : NULL;
    cJSON *route;

    if (e->route_vtep == 0)
        return;
    route = json_object(row, "route");
    if (vtep)
        json_address(route, "vtep", &vtep->address);
    json_u64(route, "sequence", e->route_seq);
    json_bool(route, "sticky", e->route_sticky);
}

void cmd_json_ips(const struct gateway *g, const struct mac_entry *e, cJSON *row)
{
    struct mac_ip_info ips[2 * MAC_MAX_IPS];
    unsigned n = mactable_ips(g->macs, e->net, e->mac, ips, 2 * MAC_MAX_IPS);
    cJSON *array = n ? json_array(row, "ips") : NULL;
    char text[IPADDR_STRLEN];

    for (unsigned i = 0; i < n; i++)
        json_add_text(array, ipaddr_format(&ips[i].ip, text));
}

static void mac_row(const struct gateway *g, const struct mac_entry *e, mono_t now, cJSON *row)
{
    const struct gateway_network *net = gateway_network(g, e->net);
    uint64_t since_s = now.ns > e->since.ns ? (now.ns - e->since.ns) / 1000000000u : 0;
    bool has_sequence = e->origin == MAC_EVPN || e->advertised;
    mono_t seen;

    json_text(row, "network", net ? net->conf->name : "unknown");
    json_mac(row, "mac", e->mac);
    json_text(row, "origin", origin_text(e->origin));
    cmd_json_where(g, e->where, e->target, row);
    if (has_sequence)
        json_u64(row, "sequence", mac_entry_seq(e));
    json_bool(row, "sticky", e->origin == MAC_EVPN ? e->route_sticky : e->sticky);
    json_bool(row, "advertised", e->advertised);
    json_bool(row, "duplicate", e->duplicate);
    cmd_json_ips(g, e, row);
    if (e->where != DP_WHERE_FLOOD && fwd_fdb_seen(g->fwd, e->net, e->mac, &seen)) {
        uint64_t age_s = cmd_seconds_since(seen);

        /* The data plane's clock ticks in steps: never older than the entry. */
        json_u64(row, "age_s", age_s < since_s ? age_s : since_s);
    }
    json_u64(row, "since_s", since_s);
    json_u64(row, "moves", e->moves);
}

/* R4.8: somebody else claims to have it. */
static void mac_offence(const struct gateway *g, const struct mac_entry *e, cJSON *row)
{
    struct mac_offence o;
    cJSON *offence;

    if (!mactable_offence(g->macs, e->net, e->mac, &o))
        return;
    offence = json_object(row, "seen_elsewhere");
    json_u64(offence, "count", o.count);
    json_u64(offence, "ago_s", cmd_seconds_since(o.at));
    cmd_json_where(g, (enum dp_where)o.seen.where, o.seen.target, offence);
}

/* For a MAC that was asked for: the route beside it, and the moves that count for a duplicate (R5.1). */
static void mac_details(const struct gateway *g, const struct mac_entry *e, cJSON *row)
{
    struct mac_move moves[MAC_DUP_MAX_MOVES];
    unsigned n = mactable_moves(g->macs, e->net, e->mac, moves, MAC_DUP_MAX_MOVES);
    cJSON *rows = json_array(row, "recent_moves");

    mac_route(g, e, row);
    mac_offence(g, e, row);
    for (unsigned i = 0; i < n; i++) {
        cJSON *move = json_row(rows);

        json_u64(move, "ago_s", cmd_seconds_since(moves[i].at));
        cmd_json_where(g, (enum dp_where)moves[i].from.where, moves[i].from.target,
                       json_object(move, "from"));
        cmd_json_where(g, (enum dp_where)moves[i].to.where, moves[i].to.target, json_object(move, "to"));
    }
}

/* What the arguments leave of the table. */
struct macs_filter {
    const struct gateway_network *net;
    bool duplicates;
};

static bool passes(const struct macs_filter *f, const struct mac_entry *e)
{
    return (!f->net || e->net == f->net->id) && (!f->duplicates || e->duplicate);
}

/* One MAC, looked up in one network or in each: no walk. The cursor is the index of the network. */
static void show_one_mac(const struct gateway *g, const struct macs_filter *f, struct mac mac, uint32_t first,
                         cJSON *result, cJSON *rows)
{
    mono_t now = mono_now();
    unsigned n = 0;
    uint32_t i;

    for (i = first; i < g->n_networks && n < MACS_PAGE; i++) {
        const struct mac_entry *e = mactable_find(g->macs, g->networks[i].id, mac);

        if (e && passes(f, e)) {
            cJSON *row = json_row(rows);

            mac_row(g, e, now, row);
            mac_details(g, e, row);
            n++;
        }
    }
    if (i < g->n_networks)
        json_u64(result, "next", i);
}

int cmd_show_macs(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const union api_value *mac = api_arg(args, MAC);
    struct macs_filter f = {.duplicates = api_flag(args, DUPLICATES)};
    uint32_t cursor = cmd_page_start(args);
    const struct mac_entry *e = NULL;
    mono_t now = mono_now();
    unsigned n = 0, walked;
    cJSON *rows;
    int rc = cmd_find_network(g, args, &f.net, err);

    if (rc != 0)
        return rc;
    json_u64(result, "total", f.net ? mactable_count_network(g->macs, f.net->id) : mactable_count(g->macs));
    json_u64(result, "frozen", mactable_stats(g->macs).frozen);
    json_u64(result, "sticky_moves", mactable_stats(g->macs).sticky_moves);
    rows = json_array(result, "macs");
    if (mac) {
        show_one_mac(g, &f, mac->mac, cursor, result, rows);
        return 0;
    }
    for (walked = 0; walked < MACS_WALK && n < MACS_PAGE; walked++) {
        e = mactable_next(g->macs, &cursor);
        if (!e)
            break;
        if (!passes(&f, e))
            continue;
        mac_row(g, e, now, json_row(rows));
        n++;
    }
    if (e)
        json_u64(result, "next", cursor);
    return 0;
}

int cmd_clear_macs(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const union api_value *mac = api_arg(args, MAC);
    const struct gateway_network *net;
    int rc = cmd_find_network(g, args, &net, err);

    if (rc != 0)
        return rc;
    json_u64(result, "cleared",
             mactable_clear(g->macs, net ? net->id : 0, mac ? &mac->mac : NULL, mono_now()));
    return 0;
}

/* R5.1 and R7.5. A MAC stands for its IPs, too: those that it holds, and those that it was seen with. */
int cmd_clear_duplicate(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const union api_value *mac = api_arg(args, MAC), *ip = api_arg(args, IP);
    bool all = api_flag(args, ALL);
    const struct gateway_network *net;
    int rc = cmd_find_network(g, args, &net, err);
    unsigned macs = 0, ips;

    if (rc != 0)
        return rc;
    if (all + (mac != NULL) + (ip != NULL) != 1) {
        snprintf(err, API_ERR_LEN, "%s",
                 all ? "one MAC or IP, or all? not both" : "which MAC, or which IP address? or all");
        return -EINVAL;
    }
    if (!ip)
        macs = mactable_clear_duplicate(g->macs, net ? net->id : 0, mac ? &mac->mac : NULL, mono_now());
    ips = neighbor_clear_duplicate(g->neighbors, net ? net->id : 0, mac ? &mac->mac : NULL,
                                   ip ? &ip->address : NULL);
    if (!all && macs + ips == 0) {
        snprintf(err, API_ERR_LEN,
                 ip ? "that IP address is not frozen; \"show neighbors\" with duplicates lists those that are"
                    : "that MAC is not frozen; \"show macs\" with duplicates lists those that are");
        return -ENOENT;
    }
    json_u64(result, "cleared", macs);
    json_u64(result, "cleared_ips", ips);
    return 0;
}
