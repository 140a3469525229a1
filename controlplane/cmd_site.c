/* SPDX-License-Identifier: BSD-3-Clause
 *
 * show site: what is still at a site, so that an operator who empties one sees it getting empty. Control
 * thread only.
 */
#include "controlplane/cmd.h"
#include "controlplane/site.h"

#include <stdio.h>

#define SITE_PAGE 1000   /* MACs of a reply */
#define SITE_WALK 100000 /* entries looked at for a reply */
#define ACTIVE_S  10     /* seen within that time: active */

struct here {
    const struct gateway *g;
    struct site site;
    const struct gateway_network *net; /* NULL: all */
};

static bool is_there(const struct here *h, const struct mac_entry *e)
{
    const struct gateway_vtep *v;

    if (h->net && e->net != h->net->id)
        return false;
    if (h->site.own)
        return e->where == DP_WHERE_PORT && e->target != DP_OWN_PORT;
    v = e->where == DP_WHERE_VTEP ? gateway_vtep(h->g, e->target) : NULL;
    for (size_t i = 0; v && i < h->site.n_vteps; i++)
        if (ipaddr_eq(&v->address, &h->site.vteps[i]))
            return true;
    return false;
}

/* Frames between us and the site. */
static void site_traffic(const struct here *h, cJSON *result)
{
    cJSON *rows = json_array(result, h->site.own ? "ports" : "vteps");

    for (unsigned i = 0; h->site.own && i < h->g->n_ports; i++) {
        const struct gateway_port *p = &h->g->ports[i];
        struct dp_port_counters c;
        cJSON *row;

        if (!p->access)
            continue;
        row = json_row(rows);
        fwd_port_counters(h->g->fwd, p->id, &c);
        json_text(row, "port", p->name);
        json_u64(row, "macs", mactable_count_at(h->g->macs, DP_WHERE_PORT, p->id));
        json_count(row, "from_site", c.rx);
        json_count(row, "to_site", c.tx);
    }
    for (unsigned i = 0; !h->site.own && i < h->g->n_vteps; i++) {
        const struct gateway_vtep *v = &h->g->vteps[i];
        struct dp_vtep_counters c;
        bool ours = false;
        cJSON *row;

        for (size_t n = 0; n < h->site.n_vteps; n++)
            ours |= v->address.family && ipaddr_eq(&v->address, &h->site.vteps[n]);
        if (!ours)
            continue;
        row = json_row(rows);
        fwd_vtep_counters(h->g->fwd, v->id, &c);
        json_address(row, "vtep", &v->address);
        json_u64(row, "macs", mactable_count_at(h->g->macs, DP_WHERE_VTEP, v->id));
        json_count(row, "from_site", c.rx);
        json_count(row, "to_site", c.tx);
    }
}

static void site_mac(const struct here *h, const struct mac_entry *e, cJSON *row)
{
    const struct gateway_network *net = gateway_network(h->g, e->net);
    uint64_t seen_s = 0;
    mono_t seen;

    json_text(row, "network", net ? net->conf->name : "unknown");
    json_mac(row, "mac", e->mac);
    cmd_json_where(h->g, e->where, e->target, row);
    cmd_json_ips(h->g, e, row);
    if (fwd_fdb_seen(h->g->fwd, e->net, e->mac, &seen)) {
        seen_s = cmd_seconds_since(seen);
        json_u64(row, "seen_s", seen_s);
        json_bool(row, "active", seen_s < ACTIVE_S);
    }
    json_u64(row, "since_s", cmd_seconds_since(e->since));
}

int cmd_show_site(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    struct here h = {.g = ctx};
    const union api_value *name = api_arg(args, SITE), *after = api_arg(args, AFTER);
    uint32_t cursor = after ? after->number : 0;
    const struct mac_entry *e = NULL;
    unsigned n = 0;
    cJSON *rows;
    int rc = cmd_find_network(h.g, args, &h.net, err);

    if (rc == 0)
        rc = site_find(h.g->conf, name ? name->text : h.g->conf->site, &h.site, err, API_ERR_LEN);
    if (rc < 0)
        return rc;
    json_text(result, "site", h.site.name);
    json_bool(result, "own", h.site.own);
    if (cursor == 0)
        site_traffic(&h, result);
    rows = json_array(result, "macs");
    for (unsigned walked = 0; walked < SITE_WALK && n < SITE_PAGE; walked++) {
        e = mactable_next(h.g->macs, &cursor);
        if (!e)
            break;
        if (!is_there(&h, e))
            continue;
        site_mac(&h, e, json_row(rows));
        n++;
    }
    if (e)
        json_u64(result, "next", cursor);
    return 0;
}
