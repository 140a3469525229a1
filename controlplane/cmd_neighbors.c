/* SPDX-License-Identifier: BSD-3-Clause
 *
 * show neighbors: which MAC has an IP, in each network, and what the proxy answers (section 7). Control
 * thread only.
 */
#include "controlplane/cmd.h"

#define PAGE 1000
#define WALK 100000 /* bindings looked at for a reply: a filter may match few */

/* "local": frames here show it; "evpn": a route says it; "both"; "former": its MAC left, and nobody has said
 * it since; "none": it is frozen, and that is all. */
static const char *origin_text(const struct neighbor_info *n)
{
    if (n->local)
        return n->remote ? "both" : "local";
    if (n->remote)
        return "evpn";
    return n->former ? "former" : "none";
}

static void neighbor_row(const struct gateway *g, const struct neighbor_info *n, cJSON *row)
{
    const struct gateway_network *net = gateway_network(g, n->net);
    const struct mac_entry *e = mactable_find(g->macs, n->net, n->mac);

    json_text(row, "network", net ? net->conf->name : "unknown");
    json_address(row, "ip", &n->ip);
    json_mac(row, "mac", n->mac);
    if (e)
        cmd_json_where(g, e->where, e->target, row);
    json_text(row, "origin", origin_text(n));
    json_bool(row, "used", n->used);
    json_bool(row, "answered", n->answered);
    json_bool(row, "router", n->flags & NEIGHBOR_ROUTER);
    json_bool(row, "override", n->flags & NEIGHBOR_OVERRIDE);
    json_bool(row, "immutable", n->flags & NEIGHBOR_IMMUTABLE);
    json_bool(row, "frozen", n->frozen);
    if (n->local)
        json_u64(row, "age_s", cmd_seconds_since(n->confirmed));
    json_u64(row, "since_s", cmd_seconds_since(n->since));
}

/* What the arguments leave of the table. */
struct filter {
    const struct gateway_network *net;
    const union api_value *mac, *ip;
    bool duplicates;
};

static bool passes(const struct filter *f, const struct neighbor_info *n)
{
    return (!f->net || n->net == f->net->id) && (!f->mac || mac_eq(n->mac, f->mac->mac)) &&
           (!f->ip || ipaddr_eq(&n->ip, &f->ip->address)) && (!f->duplicates || n->frozen);
}

/* One MAC or one IP, looked up in each network: no walk. The cursor is the index of the network. */
static void show_few(const struct gateway *g, const struct filter *f, uint32_t first, cJSON *result,
                     cJSON *rows)
{
    struct neighbor_info n;
    unsigned shown = 0;
    uint32_t i;

    for (i = first; i < g->n_networks && shown < PAGE; i++) {
        dp_net_id net = g->networks[i].id;
        uint32_t cursor = 0;

        while (f->ip ? neighbor_next_of_ip(g->neighbors, net, &f->ip->address, &cursor, &n)
                     : neighbor_next_of_mac(g->neighbors, net, f->mac->mac, &cursor, &n)) {
            if (!passes(f, &n))
                continue;
            neighbor_row(g, &n, json_row(rows));
            shown++;
        }
    }
    if (i < g->n_networks)
        json_u64(result, "next", i);
}

static void show_all(const struct gateway *g, const struct filter *f, uint32_t cursor, cJSON *result,
                     cJSON *rows)
{
    struct neighbor_info n;
    unsigned shown = 0;

    for (unsigned walked = 0; walked < WALK && shown < PAGE; walked++) {
        if (!neighbor_next(g->neighbors, &cursor, &n))
            return;
        if (!passes(f, &n))
            continue;
        neighbor_row(g, &n, json_row(rows));
        shown++;
    }
    json_u64(result, "next", cursor);
}

static void totals(const struct gateway *g, cJSON *result)
{
    const struct neighbor_stats s = neighbor_stats(g->neighbors);

    json_u64(result, "total", s.bindings);
    json_u64(result, "max", g->conf->dataplane.max_macs * UINT64_C(2));
    json_u64(result, "local", s.local);
    json_u64(result, "frozen", s.frozen);
    json_u64(result, "changes", s.changes);
    json_u64(result, "duplicates", s.duplicates);
    json_u64(result, "refused_frozen", s.refused_frozen);
    json_u64(result, "refused_immutable", s.immutable);
    json_u64(result, "refused_full", s.refused_full);
    json_u64(result, "aged", s.aged);
    json_u64(result, "probes", s.probes);
    json_u64(result, "probes_limited", s.probes_limited);
}

int cmd_show_neighbors(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    struct filter f = {
        .mac = api_arg(args, MAC), .ip = api_arg(args, IP), .duplicates = api_flag(args, DUPLICATES)};
    int rc = cmd_find_network(g, args, &f.net, err);
    cJSON *rows;

    if (rc != 0)
        return rc;
    totals(g, result);
    rows = json_array(result, "neighbors");
    if (f.mac || f.ip)
        show_few(g, &f, cmd_page_start(args), result, rows);
    else
        show_all(g, &f, cmd_page_start(args), result, rows);
    return 0;
}
