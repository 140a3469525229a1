/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Life of the RIB, its peers and its VTEPs' reachability; see evpn_rib.h, and rib.h for the parts.
 *
 * Control thread only.
 */
#include "controlplane/rib.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/random.h>

#define MAX_PEERS 1024

struct evpn_rib *evpn_rib_new(const struct evpn_rib_config *config, const struct evpn_rib_ops *ops, void *arg)
{
    struct evpn_rib *rib;

    if (config->max_peers == 0 || config->max_peers > MAX_PEERS)
        return NULL;
    rib = calloc(1, sizeof(*rib));
    if (!rib)
        return NULL;
    rib->config = *config;
    rib->ops = *ops;
    rib->arg = arg;
    rib->imports_stale = true;
    rib->peers = calloc(config->max_peers + 1, sizeof(*rib->peers));
    if (!rib->peers || getrandom(rib->key, sizeof(rib->key), 0) != sizeof(rib->key) ||
        rib_attr_init(rib) < 0 || rib_import_init(rib) < 0 || rib_in_init(rib) < 0 || rib_out_init(rib) < 0) {
        evpn_rib_free(rib);
        return NULL;
    }
    return rib;
}

void evpn_rib_set_max_routes(struct evpn_rib *rib, uint32_t max_routes)
{
    rib->config.max_routes = max_routes;
}

void evpn_rib_free(struct evpn_rib *rib)
{
    if (!rib)
        return;
    rib_out_fini(rib);
    rib_in_fini(rib);
    rib_import_fini(rib);
    rib_attr_fini(rib);
    free(rib->peers);
    free(rib);
}

/* ---- peers */

int evpn_rib_peer_add(struct evpn_rib *rib, const struct evpn_rib_peer *config)
{
    for (unsigned p = 1; p <= rib->config.max_peers; p++) {
        if (rib->peers[p].used)
            continue;
        rib->peers[p] = (struct rib_peer){.used = true, .config = *config};
        return (int)p;
    }
    return -ENOSPC;
}

void evpn_rib_peer_change(struct evpn_rib *rib, rib_peer_id peer, const struct evpn_rib_peer *config)
{
    struct rib_peer *p = peer_at(rib, peer);

    p->config.require_encap = config->require_encap;
    p->config.max_routes = config->max_routes;
    p->config.warning_percent = config->warning_percent;
    p->warned = p->exceeded = false;
}

void evpn_rib_peer_remove(struct evpn_rib *rib, rib_peer_id peer)
{
    struct rib_peer *p = peer_at(rib, peer);

    evpn_rib_peer_down(rib, peer, false);
    free(p->dirty);
    *p = (struct rib_peer){.used = false};
}

int evpn_rib_peer_up(struct evpn_rib *rib, rib_peer_id peer, const struct evpn_rib_session *session)
{
    struct rib_peer *p = peer_at(rib, peer);

    if (p->up)
        rib_out_peer_down(rib, peer);
    if (p->session.router_id != session->router_id)
        rib_in_reconsider(rib, peer);
    p->session = *session;
    p->warned = p->exceeded = p->refused = false;
    rib_dests_flush(rib);
    return rib_out_peer_up(rib, peer);
}

void evpn_rib_peer_down(struct evpn_rib *rib, rib_peer_id peer, bool keep_stale)
{
    if (peer_at(rib, peer)->up)
        rib_out_peer_down(rib, peer);
    rib_in_drop(rib, peer, keep_stale ? RIB_DROP_STALE_MARK_OTHERS : RIB_DROP_ALL);
}

unsigned evpn_rib_sweep(struct evpn_rib *rib, rib_peer_id peer)
{
    return rib_in_drop(rib, peer, RIB_DROP_STALE);
}

const struct evpn_rib_counts *evpn_rib_counts(const struct evpn_rib *rib, rib_peer_id peer)
{
    return &peer_at(rib, peer)->counts;
}

/* ---- VTEPs */

int evpn_rib_vtep_lost(struct evpn_rib *rib, const struct ipaddr *address)
{
    uint32_t i = rib_vtep_ref(rib, address);
    struct rib_vtep *v;

    if (i == RIB_NONE)
        return -ENOMEM;
    v = vtep_at(rib, i);
    if (v->lost) {
        rib_vtep_unref(rib, i);
        return 0;
    }
    v->lost = v->changed = true;
    rib->n_lost++;
    return 0;
}

void evpn_rib_vtep_found(struct evpn_rib *rib, const struct ipaddr *address)
{
    uint32_t i = rib_vtep_find(rib, address);

    if (i == RIB_NONE || !vtep_at(rib, i)->lost)
        return;
    vtep_at(rib, i)->lost = false;
    vtep_at(rib, i)->changed = true;
    rib->n_lost--;
    rib_vtep_unref(rib, i);
}

void evpn_rib_vteps_apply(struct evpn_rib *rib)
{
    bool any = false;

    for (uint32_t i = 1; i < rib->vteps.high; i++)
        any |= vtep_at(rib, i)->changed;
    if (!any)
        return;
    rib_in_reconsider(rib, 0);
    for (uint32_t i = 1; i < rib->vteps.high; i++)
        vtep_at(rib, i)->changed = false;
    rib_dests_flush(rib);
}

/* Destinations refer to it only while they have routes, so attribute sets are all that matters. */
bool evpn_rib_vtep_used(const struct evpn_rib *rib, const struct ipaddr *address)
{
    uint32_t i = rib_vtep_find(rib, address);

    return i != RIB_NONE && vtep_at(rib, i)->refs > (vtep_at(rib, i)->lost ? 1u : 0u);
}

/* ---- reading */

void evpn_rib_totals(const struct evpn_rib *rib, struct evpn_rib_totals *out)
{
    *out = (struct evpn_rib_totals){
        .routes = rib->routes.count,
        .dests = rib->dests.count,
        .attrs = rib->attrs.count,
        .vteps = rib->vteps.count,
        .segments = rib->segments.count,
        .rds = rib->rds.count,
        .own = rib->own.count - group_at(rib, RIB_GROUP_GONE)->n,
        .groups = rib->groups.count - 1,
        .withdrawn = group_at(rib, RIB_GROUP_GONE)->n,
        .bytes = rib_table_bytes(&rib->routes) + rib_table_bytes(&rib->dests) + rib_table_bytes(&rib->attrs) +
                 rib_table_bytes(&rib->vteps) + rib_table_bytes(&rib->segments) + rib_table_bytes(&rib->rds) +
                 rib_table_bytes(&rib->own) + rib_table_bytes(&rib->groups) +
                 rib_table_bytes(&rib->networks) + rib->attr_bytes -
                 rib->attrs.count * sizeof(struct rib_attr),
    };
}

static bool own_next(const struct evpn_rib *rib, const struct evpn_rib_filter *f, uint32_t i,
                     struct evpn_rib_route *out, struct bgp_attrs *attrs)
{
    const struct rib_own *o = own_at(rib, i);
    dp_net_id net;

    if (o->type == 0 || o->group == RIB_GROUP_GONE)
        return false;
    net = network_at(rib, o->network)->id;
    if (f->peer || (f->type && f->type != o->type) || (f->net && f->net != net) ||
        (f->by_mac && !(o->type == EVPN_MACIP && mac_eq(f->mac, o->mac))))
        return false;
    *out = (struct evpn_rib_route){.own = true, .net = net, .vtep = rib->config.vtep};
    rib_own_nlri(rib, o, &out->nlri);
    if (attrs)
        rib_own_attrs(rib, group_at(rib, o->group), false, attrs);
    return true;
}

static bool route_next(const struct evpn_rib *rib, const struct evpn_rib_filter *f, uint32_t i,
                       struct evpn_rib_route *out, struct bgp_attrs *attrs)
{
    const struct rib_route *r = route_at(rib, i);
    const struct rib_dest *d = r->dest == RIB_NONE ? NULL : dest_at(rib, r->dest);
    const struct rib_attr *a;

    if (r->peer == 0 || (f->peer && f->peer != r->peer) || (f->type && f->type != r->type) ||
        (f->net && (!d || d->net != f->net)) ||
        (f->by_mac && !(r->type == EVPN_MACIP && mac_eq(f->mac, r->mac))))
        return false;
    a = attr_at(rib, r->attr);
    *out = (struct evpn_rib_route){
        .best = d && d->best == i,
        .stale = r->stale,
        .peer = r->peer,
        .net = d ? d->net : 0,
        .nd_flags = a->fixed.nd_flags,
        .wrong_label = a->wrong_label,
        .vtep = a->fixed.vtep,
        .nlri = {.type = r->type,
                 .rd = rd_at(rib, r->rd)->rd,
                 .etag = rd_at(rib, r->rd)->etag,
                 .mac = r->mac,
                 .ip = {.family = r->ip_family},
                 .esi = a->fixed.esi,
                 .n_labels = a->fixed.n_labels,
                 .label = r->type == EVPN_MACIP ? a->fixed.label : 0,
                 .label2 = a->fixed.label2},
    };
    memcpy(out->nlri.ip.b, r->ip, sizeof(out->nlri.ip.b));
    if (attrs)
        rib_attr_decode(a, attrs);
    return true;
}

/* The upper half of the cursor says how far the own routes were read, the lower one the received ones. */
bool evpn_rib_next(const struct evpn_rib *rib, const struct evpn_rib_filter *filter, uint64_t *cursor,
                   struct evpn_rib_route *out, struct bgp_attrs *attrs, unsigned *budget)
{
    uint32_t own = (uint32_t)(*cursor >> 32), route = (uint32_t)*cursor;
    unsigned endless = UINT_MAX, *left = budget ? budget : &endless;
    bool found = false;

    for (; !found && *left > 0 && route == 0 && own + 1 < rib->own.high; --*left)
        found = own_next(rib, filter, ++own, out, attrs);
    for (; !found && *left > 0 && route + 1 < rib->routes.high; --*left)
        found = route_next(rib, filter, ++route, out, attrs);
    *cursor = (uint64_t)own << 32 | route;
    return found;
}
