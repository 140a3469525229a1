/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which of the routes for one (network, MAC) is used, and telling the owner of the RIB when that changed.
 *
 * Order: sticky before others (RFC 7432 section 15.2), higher sequence (7.7, 15), lowest VTEP address (7.7,
 * R4.5); so far that decides where frames go. Then, among routes to one VTEP, BGP's own order (RFC 4271
 * section 9.1.2.2, RFC 4456 section 9): local preference, AS path length, origin, MED, eBGP before iBGP,
 * originator or router id, cluster list length, peer address; and at last RD, tag and IP, so that no two
 * routes are ever equal.
 *
 * Tricky: sequence numbers wrap (R4.6), and "newer, seen over half the circle" is no order for three numbers
 * spread over all of it. So sequences are compared by their distance from the largest one among the
 * candidates: the same result when all lie within half the circle, and one result in any order of arrival
 * when they do not. MEDs are compared whatever the neighbouring AS, for the same reason.
 *
 * Control thread only.
 */
#include "controlplane/rib.h"

static int cmp_u32(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

static int cmp_address(const struct ipaddr *a, const struct ipaddr *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->b, b->b, sizeof(a->b));
}

bool evpn_rib_lost_sequence(const struct evpn_rib *rib, dp_net_id net, struct mac mac, uint32_t *sequence)
{
    uint32_t dest = rib->n_lost ? rib_in_find_mac(rib, net, mac) : RIB_NONE;
    bool found = false;

    *sequence = 0;
    for (uint32_t i = dest == RIB_NONE ? RIB_NONE : dest_at(rib, dest)->head; i != RIB_NONE;
         i = route_at(rib, i)->dest_next) {
        const struct rib_attr *a = attr_at(rib, route_at(rib, i)->attr);

        if (!vtep_at(rib, a->vtep)->lost)
            continue;
        if (!found || (int32_t)(a->fixed.sequence - *sequence) > 0)
            *sequence = a->fixed.sequence;
        found = true;
    }
    return found;
}

static bool usable(const struct evpn_rib *rib, const struct rib_attr *a)
{
    return !vtep_at(rib, a->vtep)->lost;
}

/* RFC 4456 section 9: the ORIGINATOR_ID stands for the router id. */
static uint32_t origin_id(const struct evpn_rib *rib, const struct rib_route *r, const struct rib_attr *a)
{
    return a->fixed.has_originator ? a->fixed.originator : peer_at(rib, r->peer)->session.router_id;
}

static int cmp_bgp(const struct evpn_rib *rib, const struct rib_route *ra, const struct rib_route *rb)
{
    const struct rib_attr *a = attr_at(rib, ra->attr), *b = attr_at(rib, rb->attr);
    const struct rib_peer *pa = peer_at(rib, ra->peer), *pb = peer_at(rib, rb->peer);
    int c;

    if ((c = -cmp_u32(a->fixed.local_pref, b->fixed.local_pref)) != 0)
        return c;
    if ((c = cmp_u32(a->fixed.as_path_len, b->fixed.as_path_len)) != 0)
        return c;
    if ((c = cmp_u32(a->fixed.origin, b->fixed.origin)) != 0)
        return c;
    if ((c = cmp_u32(a->fixed.med, b->fixed.med)) != 0)
        return c;
    if ((c = cmp_u32(!pa->config.ebgp, !pb->config.ebgp)) != 0)
        return c;
    if ((c = cmp_u32(origin_id(rib, ra, a), origin_id(rib, rb, b))) != 0)
        return c;
    if ((c = cmp_u32(a->fixed.n_clusters, b->fixed.n_clusters)) != 0)
        return c;
    return cmp_address(&pa->config.address, &pb->config.address);
}

static int cmp_key(const struct evpn_rib *rib, const struct rib_route *a, const struct rib_route *b)
{
    const struct rib_rd *da = rd_at(rib, a->rd), *db = rd_at(rib, b->rd);
    int c = memcmp(&da->rd, &db->rd, sizeof(da->rd));

    if (c == 0)
        c = cmp_u32(da->etag, db->etag);
    if (c == 0)
        c = cmp_u32(a->ip_family, b->ip_family);
    return c ? c : memcmp(a->ip, b->ip, sizeof(a->ip));
}

/* <0: a is better. newest: see select_best(). */
static int cmp_routes(const struct evpn_rib *rib, uint32_t newest, const struct rib_route *ra,
                      const struct rib_route *rb)
{
    const struct rib_attr *a = attr_at(rib, ra->attr), *b = attr_at(rib, rb->attr);
    int32_t age_a = (int32_t)(a->fixed.sequence - newest), age_b = (int32_t)(b->fixed.sequence - newest);
    int c;

    if (a->fixed.sticky != b->fixed.sticky)
        return a->fixed.sticky ? -1 : 1;
    if (age_a != age_b)
        return age_a > age_b ? -1 : 1;
    if (a->vtep != b->vtep &&
        (c = cmp_address(&vtep_at(rib, a->vtep)->address, &vtep_at(rib, b->vtep)->address)))
        return c;
    c = cmp_bgp(rib, ra, rb);
    return c ? c : cmp_key(rib, ra, rb);
}

/* The largest sequence among the candidates that matter: the usable ones, sticky ones alone if there are any.
 */
static uint32_t largest_sequence(const struct evpn_rib *rib, const struct rib_dest *d)
{
    uint32_t largest = 0;
    bool sticky = false;

    for (uint32_t i = d->head; i != RIB_NONE; i = route_at(rib, i)->dest_next) {
        const struct rib_attr *a = attr_at(rib, route_at(rib, i)->attr);

        if (!usable(rib, a) || (sticky && !a->fixed.sticky))
            continue;
        if (a->fixed.sticky && !sticky) {
            sticky = true;
            largest = 0;
        }
        if (a->fixed.sequence > largest)
            largest = a->fixed.sequence;
    }
    return largest;
}

static uint32_t select_best(const struct evpn_rib *rib, const struct rib_dest *d)
{
    uint32_t best = RIB_NONE, newest;

    /* One route is the common case by far. */
    if (d->head != RIB_NONE && route_at(rib, d->head)->dest_next == RIB_NONE)
        return usable(rib, attr_at(rib, route_at(rib, d->head)->attr)) ? d->head : RIB_NONE;
    newest = largest_sequence(rib, d);
    for (uint32_t i = d->head; i != RIB_NONE; i = route_at(rib, i)->dest_next) {
        if (!usable(rib, attr_at(rib, route_at(rib, i)->attr)))
            continue;
        if (best == RIB_NONE || cmp_routes(rib, newest, route_at(rib, i), route_at(rib, best)) < 0)
            best = i;
    }
    return best;
}

static bool same_place(const struct rib_attr *a, const struct rib_attr *b)
{
    return a->vtep == b->vtep && a->fixed.sequence == b->fixed.sequence &&
           a->fixed.sticky == b->fixed.sticky &&
           memcmp(&a->fixed.esi, &b->fixed.esi, sizeof(a->fixed.esi)) == 0;
}

void rib_best_fill(const struct evpn_rib *rib, uint32_t route, struct evpn_rib_best *out)
{
    const struct rib_route *r = route_at(rib, route);
    const struct rib_attr *a = attr_at(rib, r->attr);

    *out = (struct evpn_rib_best){
        .vtep = vtep_at(rib, a->vtep)->address,
        .sequence = a->fixed.sequence,
        .sticky = a->fixed.sticky,
        .esi = a->fixed.esi,
        .es = (uint16_t)a->es,
        .vni = a->fixed.label,
        .peer = r->peer,
    };
}

static void tell(struct evpn_rib *rib, const struct rib_dest *d, const struct rib_attr *was)
{
    struct evpn_rib_best best;

    if (d->kind == RIB_DEST_VTEP) {
        if (!was != (d->best == RIB_NONE))
            rib->ops.flood(rib->arg, d->net, &vtep_at(rib, d->vtep)->address,
                           d->best == RIB_NONE ? 0 : route_at(rib, d->best)->peer);
        return;
    }
    if (d->best == RIB_NONE) {
        if (was)
            rib->ops.mac(rib->arg, d->net, d->mac, NULL);
        return;
    }
    if (was && same_place(was, attr_at(rib, route_at(rib, d->best)->attr)))
        return;
    rib_best_fill(rib, d->best, &best);
    rib->ops.mac(rib->arg, d->net, d->mac, &best);
}

static void evaluate(struct evpn_rib *rib, uint32_t dest)
{
    struct rib_dest *d = dest_at(rib, dest);
    uint32_t was = d->told;

    d->best = select_best(rib, d);
    d->told = d->best == RIB_NONE ? RIB_NONE : route_at(rib, d->best)->attr;
    if (d->told != was && d->told != RIB_NONE)
        attr_at(rib, d->told)->refs++;
    /* `was` is still referred to: the owner may announce and withdraw from inside of this. */
    if (d->kind == RIB_DEST_MAC && was != RIB_NONE && d->told == RIB_NONE)
        rib_in_tell_bindings(rib, d, false);
    tell(rib, d, was == RIB_NONE ? NULL : attr_at(rib, was));
    if (d->kind == RIB_DEST_MAC && d->told != RIB_NONE)
        rib_in_tell_bindings(rib, d, true);
    if (d->told != was && was != RIB_NONE)
        rib_attr_unref(rib, was);
    if (d->head == RIB_NONE) {
        if (d->kind == RIB_DEST_VTEP)
            rib_vtep_unref(rib, d->vtep);
        rib_table_unlink(&rib->dests, dest);
        rib_table_free(&rib->dests, dest);
    }
}

void rib_dest_touch(struct evpn_rib *rib, uint32_t dest)
{
    struct rib_dest *d = dest_at(rib, dest);

    if (d->dirty)
        return;
    d->dirty = true;
    d->dirty_next = RIB_NONE;
    if (rib->dirty_last != RIB_NONE)
        dest_at(rib, rib->dirty_last)->dirty_next = dest;
    else
        rib->dirty_first = dest;
    rib->dirty_last = dest;
}

void rib_dests_flush(struct evpn_rib *rib)
{
    while (rib->dirty_first != RIB_NONE) {
        uint32_t dest = rib->dirty_first;
        struct rib_dest *d = dest_at(rib, dest);

        rib->dirty_first = d->dirty_next;
        if (rib->dirty_first == RIB_NONE)
            rib->dirty_last = RIB_NONE;
        d->dirty = false;
        d->dirty_next = RIB_NONE;
        evaluate(rib, dest);
    }
}
