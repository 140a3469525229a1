/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands about the MAC table: show macs, clear macs. Control thread only.
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
    }
    return "unknown";
}

/* "port":NAME, "vtep":ADDRESS, or neither when it is flooded on purpose. */
static void mac_where(const struct gateway *g, const struct mac_entry *e, cJSON *row)
{
    const struct gateway_port *port;
    const struct gateway_vtep *vtep;

    if (e->where == DP_WHERE_PORT) {
        port = gateway_port(g, e->target);
        json_text(row, "port", port ? port->name : "unknown");
    } else if (e->where == DP_WHERE_VTEP) {
        vtep = gateway_vtep(g, e->target);
        if (vtep) {
            json_address(row, "vtep", &vtep->address);
        } else {
            json_text(row, "vtep", "unknown");
        }
    }
}

static void mac_row(const struct gateway *g, const struct mac_entry *e, mono_t now, cJSON *row)
{
    const struct gateway_network *net = gateway_network(g, e->net);
    uint64_t now_s = now.ns / 1000000000u,
             since_s = now.ns > e->since.ns ? (now.ns - e->since.ns) / 1000000000u : 0;
    uint32_t seen_s;

    json_text(row, "network", net ? net->conf->name : "unknown");
    json_mac(row, "mac", e->mac);
    json_text(row, "origin", origin_text(e->origin));
    mac_where(g, e, row);
    if (e->where != DP_WHERE_FLOOD && dp_fdb_seen(g->dp, e->net, e->mac, &seen_s)) {
        uint64_t age_s = now_s > seen_s ? now_s - seen_s : 0;

        /* seen_s is of whole seconds: never older than the entry. */
        json_u64(row, "age_s", age_s < since_s ? age_s : since_s);
    }
    json_u64(row, "since_s", since_s);
    json_u64(row, "moves", e->moves);
}

/* One MAC, looked up in one network or in each: no walk. The cursor is the index of the network. */
static void show_one_mac(const struct gateway *g, const struct gateway_network *net, struct mac mac,
                         uint32_t first, cJSON *result, cJSON *rows)
{
    mono_t now = mono_now();
    unsigned n = 0;
    uint32_t i;

    for (i = first; i < g->n_networks && n < MACS_PAGE; i++) {
        const struct mac_entry *e;

        if (net && net != &g->networks[i])
            continue;
        e = mactable_find(g->macs, g->networks[i].id, mac);
        if (e) {
            mac_row(g, e, now, json_row(rows));
            n++;
        }
    }
    if (i < g->n_networks)
        json_u64(result, "next", i);
}

int cmd_show_macs(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const union api_value *after = api_arg(args, AFTER), *mac = api_arg(args, MAC);
    uint32_t cursor = after ? after->number : 0;
    const struct gateway_network *net;
    const struct mac_entry *e = NULL;
    mono_t now = mono_now();
    unsigned n = 0, walked;
    cJSON *rows;
    int rc = cmd_find_network(g, args, &net, err);

    if (rc != 0)
        return rc;
    json_u64(result, "total", net ? mactable_count_network(g->macs, net->id) : mactable_count(g->macs));
    rows = json_array(result, "macs");
    if (mac) {
        show_one_mac(g, net, mac->mac, cursor, result, rows);
        return 0;
    }
    for (walked = 0; walked < MACS_WALK && n < MACS_PAGE; walked++) {
        e = mactable_next(g->macs, &cursor);
        if (!e)
            break;
        if (net && e->net != net->id)
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
    json_u64(result, "cleared", mactable_clear(g->macs, net ? net->id : 0, mac ? &mac->mac : NULL));
    return 0;
}
