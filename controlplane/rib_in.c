/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Received routes (Adj-RIB-In of all peers): stored, replaced, imported, stale, lost with their peer.
 *
 * Tricky: a route that several networks import is several rib_route with one key (peer, RD, Ethernet tag,
 * MAC, IP). They are in one hash chain; what counts routes counts keys, so both ends of a key's life look for
 * others of it.
 *
 * Order of what is told: a MAC's route before its IPs when it comes, its IPs before the route when it goes.
 * IPs are told while the MAC has a route that was told (dest->told), for a MAC whose VTEPs are all lost is
 * nowhere. One route of each IP `tells` its binding, and hands that on to another one when it goes; what is
 * `fresh` waits for rib_dests_flush(), so that a big UPDATE costs one look at each MAC.
 *
 * Control thread only.
 */
#include "controlplane/rib.h"

static uint32_t key_hash(const struct evpn_rib *rib, const struct rib_key *k)
{
    uint64_t w[4] = {(uint64_t)k->peer << 32 | k->rd, (uint64_t)k->type << 56 | (uint64_t)k->ip_family << 48,
                     0, 0};

    memcpy(&w[2], k->ip, 16);
    for (unsigned i = 0; i < 6; i++)
        w[1] |= (uint64_t)k->mac.b[i] << (8 * i);
    return rib_hash_bytes(rib->key, w, k->ip_family ? sizeof(w) : 16);
}

static struct rib_key key_of(const struct rib_route *r)
{
    struct rib_key k = {
        .peer = r->peer, .type = r->type, .ip_family = r->ip_family, .mac = r->mac, .rd = r->rd};

    memcpy(k.ip, r->ip, sizeof(k.ip));
    return k;
}

struct rib_key rib_key_make(rib_peer_id peer, const struct evpn_nlri *n, uint32_t rd)
{
    struct rib_key k = {.peer = peer, .type = n->type, .ip_family = n->ip.family, .mac = n->mac, .rd = rd};

    memcpy(k.ip, n->ip.b, sizeof(k.ip));
    return k;
}

static bool has_key(const struct rib_route *r, const struct rib_key *k)
{
    return r->peer == k->peer && r->rd == k->rd && r->type == k->type && mac_eq(r->mac, k->mac) &&
           r->ip_family == k->ip_family && memcmp(r->ip, k->ip, sizeof(k->ip)) == 0;
}

/* The first with this key in a chain that starts at i. */
static uint32_t find_from(const struct evpn_rib *rib, const struct rib_key *k, uint32_t i)
{
    while (i != RIB_NONE && !has_key(route_at(rib, i), k))
        i = route_at(rib, i)->next;
    return i;
}

uint32_t rib_in_find(const struct evpn_rib *rib, const struct rib_key *k)
{
    return find_from(rib, k, rib_table_first(&rib->routes, key_hash(rib, k)));
}

/* ---- hashes of the two tables */

static uint32_t route_hash(const void *owner, const void *elem)
{
    struct rib_key k = key_of(elem);

    return key_hash(owner, &k);
}

static uint64_t dest_bits(const struct rib_dest *d)
{
    uint64_t bits = (uint64_t)d->net << 48;

    if (d->kind == RIB_DEST_VTEP)
        return bits | 1ull << 63 | d->vtep;
    for (unsigned i = 0; i < 6; i++)
        bits |= (uint64_t)d->mac.b[i] << (8 * i);
    return bits;
}

static uint32_t dest_hash(const void *owner, const void *elem)
{
    return rib_mix(((const struct evpn_rib *)owner)->key, dest_bits(elem));
}

int rib_in_init(struct evpn_rib *rib)
{
    int rc = rib_table_init(&rib->routes, sizeof(struct rib_route), route_hash, rib);

    return rc ? rc : rib_table_init(&rib->dests, sizeof(struct rib_dest), dest_hash, rib);
}

void rib_in_fini(struct evpn_rib *rib)
{
    rib_table_fini(&rib->routes);
    rib_table_fini(&rib->dests);
}

/* ---- destinations */

static bool same_dest(const struct rib_dest *a, const struct rib_dest *b)
{
    if (a->kind != b->kind || a->net != b->net)
        return false;
    return a->kind == RIB_DEST_VTEP ? a->vtep == b->vtep : mac_eq(a->mac, b->mac);
}

static uint32_t dest_find(const struct evpn_rib *rib, const struct rib_dest *want)
{
    uint32_t i = rib_table_first(&rib->dests, dest_hash(rib, want));

    while (i != RIB_NONE && !same_dest(dest_at(rib, i), want))
        i = dest_at(rib, i)->next;
    return i;
}

static struct rib_dest dest_for(dp_net_id net, const struct rib_key *k, const struct rib_attr *a)
{
    struct rib_dest d = {.kind = k->type == EVPN_MACIP ? RIB_DEST_MAC : RIB_DEST_VTEP, .net = net};

    if (d.kind == RIB_DEST_MAC)
        d.mac = k->mac;
    else
        d.vtep = a->vtep;
    return d;
}

static uint32_t dest_get(struct evpn_rib *rib, const struct rib_dest *want)
{
    uint32_t i = dest_find(rib, want);

    if (i != RIB_NONE)
        return i;
    i = rib_table_alloc(&rib->dests);
    if (i == RIB_NONE)
        return i;
    *dest_at(rib, i) = *want;
    if (want->kind == RIB_DEST_VTEP)
        vtep_at(rib, want->vtep)->refs++;
    rib_table_link(&rib->dests, i);
    return i;
}

uint32_t rib_in_find_mac(const struct evpn_rib *rib, dp_net_id net, struct mac mac)
{
    struct rib_dest want = {.kind = RIB_DEST_MAC, .net = net, .mac = mac};

    return dest_find(rib, &want);
}

bool evpn_rib_best(const struct evpn_rib *rib, dp_net_id net, struct mac mac, struct evpn_rib_best *out)
{
    uint32_t i = rib_in_find_mac(rib, net, mac);

    if (i == RIB_NONE || dest_at(rib, i)->best == RIB_NONE)
        return false;
    rib_best_fill(rib, dest_at(rib, i)->best, out);
    return true;
}

static bool same_ip(const struct rib_route *a, const struct rib_route *b)
{
    return a->ip_family == b->ip_family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* A route of this destination other than `but` that has the IP of `but`: one by which it was told, if there
 * is one; else any, or NULL. */
static struct rib_route *ip_elsewhere(const struct evpn_rib *rib, const struct rib_dest *d,
                                      const struct rib_route *but)
{
    struct rib_route *found = NULL;

    for (uint32_t i = d->head; i != RIB_NONE; i = route_at(rib, i)->dest_next) {
        struct rib_route *r = route_at(rib, i);

        if (r == but || !same_ip(r, but))
            continue;
        if (r->tells)
            return r;
        found = r;
    }
    return found;
}

/* R7.4: with IPv4, R and O mean nothing. */
static uint8_t nd_flags(const struct evpn_rib *rib, const struct rib_route *r)
{
    uint8_t flags = attr_at(rib, r->attr)->fixed.nd_flags;

    return flags &
           (r->ip_family == 6 ? BGP_ND_ROUTER | BGP_ND_OVERRIDE | BGP_ND_IMMUTABLE : BGP_ND_IMMUTABLE);
}

static void tell_binding(const struct evpn_rib *rib, dp_net_id net, const struct rib_route *r, bool present)
{
    struct ipaddr ip = {.family = r->ip_family};

    memcpy(ip.b, r->ip, sizeof(ip.b));
    rib->ops.binding(rib->arg, net, r->mac, &ip, present, nd_flags(rib, r));
}

static bool has_binding(const struct rib_route *r)
{
    return r->type == EVPN_MACIP && r->ip_family != 0;
}

static void set_fresh(struct rib_dest *d, struct rib_route *r, bool fresh)
{
    if (r->fresh == fresh)
        return;
    r->fresh = fresh;
    d->n_fresh = (uint16_t)(d->n_fresh + (fresh ? 1 : -1));
}

static void tell_fresh_bindings(struct evpn_rib *rib, struct rib_dest *d)
{
    for (uint32_t i = d->head; d->n_fresh > 0 && i != RIB_NONE; i = route_at(rib, i)->dest_next) {
        struct rib_route *r = route_at(rib, i), *other;

        if (!r->fresh)
            continue;
        set_fresh(d, r, false);
        other = ip_elsewhere(rib, d, r);
        if (r->tells || (other && other->tells))
            continue;
        r->tells = true;
        tell_binding(rib, d->net, r, true);
    }
}

static void take_bindings_back(struct evpn_rib *rib, struct rib_dest *d)
{
    for (uint32_t i = d->head; i != RIB_NONE; i = route_at(rib, i)->dest_next) {
        struct rib_route *r = route_at(rib, i);

        set_fresh(d, r, has_binding(r));
        if (r->tells)
            tell_binding(rib, d->net, r, false);
        r->tells = false;
    }
}

void rib_in_tell_bindings(struct evpn_rib *rib, struct rib_dest *d, bool present)
{
    if (present)
        tell_fresh_bindings(rib, d);
    else
        take_bindings_back(rib, d);
}

/* The route leaves: its binding is told by another one from now on, or is gone. */
static void hand_binding_on(struct evpn_rib *rib, struct rib_dest *d, struct rib_route *r)
{
    struct rib_route *heir = r->tells ? ip_elsewhere(rib, d, r) : NULL;

    set_fresh(d, r, false);
    if (heir) {
        heir->tells = true;
        if (nd_flags(rib, heir) != nd_flags(rib, r))
            tell_binding(rib, d->net, heir, true);
    } else if (r->tells) {
        tell_binding(rib, d->net, r, false);
    }
    r->tells = false;
}

/* ---- one rib_route */

static void dest_link(struct evpn_rib *rib, uint32_t route, uint32_t dest)
{
    struct rib_route *r = route_at(rib, route);
    struct rib_dest *d = dest_at(rib, dest);

    r->dest = dest;
    r->dest_prev = RIB_NONE;
    r->dest_next = d->head;
    if (d->head != RIB_NONE)
        route_at(rib, d->head)->dest_prev = route;
    d->head = route;
    d->n++;
    set_fresh(d, r, has_binding(r));
    peer_at(rib, r->peer)->counts.imported++;
    rib_dest_touch(rib, dest);
}

static void dest_unlink(struct evpn_rib *rib, uint32_t route)
{
    struct rib_route *r = route_at(rib, route);
    struct rib_dest *d = dest_at(rib, r->dest);

    if (has_binding(r))
        hand_binding_on(rib, d, r);
    if (d->best == route)
        d->best = RIB_NONE;
    if (r->dest_prev != RIB_NONE)
        route_at(rib, r->dest_prev)->dest_next = r->dest_next;
    else
        d->head = r->dest_next;
    if (r->dest_next != RIB_NONE)
        route_at(rib, r->dest_next)->dest_prev = r->dest_prev;
    d->n--;
    peer_at(rib, r->peer)->counts.imported--;
    rib_dest_touch(rib, r->dest);
}

static uint32_t *count_of(struct evpn_rib *rib, rib_peer_id peer, uint8_t type)
{
    struct evpn_rib_counts *c = &peer_at(rib, peer)->counts;

    return type == EVPN_MACIP ? &c->macs : &c->vteps;
}

static uint32_t total(const struct rib_peer *p)
{
    return p->counts.macs + p->counts.vteps;
}

uint32_t rib_in_counted(const struct rib_peer *p)
{
    return total(p) > p->counts.stale ? total(p) - p->counts.stale : 0;
}

static void set_stale(struct evpn_rib *rib, struct rib_route *r, bool stale)
{
    if (r->stale == stale)
        return;
    r->stale = stale;
    if (stale)
        peer_at(rib, r->peer)->counts.stale++;
    else
        peer_at(rib, r->peer)->counts.stale--;
}

uint32_t rib_in_warning_level(const struct rib_peer *p)
{
    return (uint32_t)((uint64_t)p->config.max_routes * p->config.warning_percent / 100);
}

static void route_remove(struct evpn_rib *rib, uint32_t i)
{
    struct rib_route *r = route_at(rib, i);
    struct rib_peer *p = peer_at(rib, r->peer);
    struct rib_key k = key_of(r);

    if (r->dest != RIB_NONE)
        dest_unlink(rib, i);
    set_stale(rib, r, false);
    p->n_routes--;
    rib_table_unlink(&rib->routes, i);
    if (rib_in_find(rib, &k) == RIB_NONE) {
        --*count_of(rib, k.peer, k.type);
        if (rib_in_counted(p) < rib_in_warning_level(p))
            p->warned = false;
    }
    rib_attr_unref(rib, r->attr);
    rib_rd_unref(rib, r->rd);
    rib_table_free(&rib->routes, i);
}

void rib_in_ignore(struct evpn_rib *rib, rib_peer_id peer, enum evpn_rib_ignored why)
{
    peer_at(rib, peer)->counts.ignored[why]++;
}

void rib_in_refuse(struct evpn_rib *rib, rib_peer_id peer)
{
    struct rib_peer *p = peer_at(rib, peer);

    rib_in_ignore(rib, peer, EVPN_RIB_IGNORED_ROOM);
    if (p->refused)
        return;
    p->refused = true;
    rib->ops.alert(rib->arg, peer, EVPN_RIB_REFUSED);
}

/* An eighth more than it has, lest each route that it takes back makes it send all of them again. */
bool evpn_rib_room_again(struct evpn_rib *rib, rib_peer_id peer)
{
    struct rib_peer *p = peer_at(rib, peer);

    if (!p->refused || !p->up ||
        !share_allows(p->n_routes, rib->routes.count, rib->config.max_routes, p->n_routes / 8 + 1) ||
        !share_allows(p->attr_bytes, rib->attr_bytes, rib->config.max_attr_bytes,
                      p->attr_bytes / 8 + sizeof(struct rib_attr)))
        return false;
    p->refused = false;
    return true;
}

/* One MAC's routes are few enough to be looked at one by one, and no peer may have most of their places. */
static bool dest_has_room(const struct evpn_rib *rib, const struct rib_dest *d, rib_peer_id peer)
{
    unsigned mine = 0;

    if (share_allows(d->n, d->n, RIB_MAX_DEST_ROUTES, 1))
        return true;
    for (uint32_t i = d->head; i != RIB_NONE; i = route_at(rib, i)->dest_next)
        mine += route_at(rib, i)->peer == peer;
    return share_allows(mine, d->n, RIB_MAX_DEST_ROUTES, 1);
}

/* Adds the route to one network (none: 0); without room it is counted and not there. */
static void route_add(struct evpn_rib *rib, const struct rib_key *k, uint32_t attr, dp_net_id net, bool stale)
{
    struct rib_peer *p = peer_at(rib, k->peer);
    uint32_t dest = RIB_NONE, i;
    struct rib_route *r;

    if (!share_allows(p->n_routes, rib->routes.count, rib->config.max_routes, 1) ||
        (i = rib_table_alloc(&rib->routes)) == RIB_NONE) {
        rib_in_refuse(rib, k->peer);
        return;
    }
    if (net != 0) {
        struct rib_dest want = dest_for(net, k, attr_at(rib, attr));

        dest = dest_get(rib, &want);
        if (dest == RIB_NONE || !dest_has_room(rib, dest_at(rib, dest), k->peer)) {
            rib_table_free(&rib->routes, i);
            if (dest == RIB_NONE)
                rib_in_refuse(rib, k->peer);
            else
                rib_in_ignore(rib, k->peer, EVPN_RIB_IGNORED_CROWD);
            return;
        }
    }
    r = route_at(rib, i);
    *r = (struct rib_route){.rd = k->rd,
                            .attr = attr,
                            .peer = k->peer,
                            .mac = k->mac,
                            .type = k->type,
                            .ip_family = k->ip_family};
    memcpy(r->ip, k->ip, sizeof(r->ip));
    if (rib_in_find(rib, k) == RIB_NONE)
        ++*count_of(rib, k->peer, k->type);
    p->n_routes++;
    rd_at(rib, k->rd)->refs++;
    attr_at(rib, attr)->refs++;
    rib_table_link(&rib->routes, i);
    if (dest != RIB_NONE)
        dest_link(rib, i, dest);
    set_stale(rib, r, stale);
}

/* ---- all rib_routes of one key */

void rib_in_withdraw(struct evpn_rib *rib, const struct rib_key *k)
{
    for (uint32_t i; (i = rib_in_find(rib, k)) != RIB_NONE;)
        route_remove(rib, i);
}

void rib_in_mark_going(struct evpn_rib *rib, const struct rib_key *k)
{
    for (uint32_t i = rib_in_find(rib, k); i != RIB_NONE; i = find_from(rib, k, route_at(rib, i)->next))
        route_at(rib, i)->going = true;
}

/* The place of net in the list of a's networks, or -1. Not imported at all is place 0, and net 0. */
static int place_of(const struct rib_attr *a, dp_net_id net)
{
    if (a->n_nets == 0)
        return net == 0 ? 0 : -1;
    for (unsigned i = 0; i < a->n_nets; i++)
        if (a->nets[i] == net)
            return (int)i;
    return -1;
}

/* Whether a route that has the key may stay where it hangs when it gets attribute set a. */
static int stays_at(const struct evpn_rib *rib, const struct rib_route *r, const struct rib_attr *a)
{
    const struct rib_dest *d = r->dest == RIB_NONE ? NULL : dest_at(rib, r->dest);

    if (d && d->kind == RIB_DEST_VTEP && d->vtep != a->vtep)
        return -1;
    return place_of(a, d ? d->net : 0);
}

/* Another attribute set for a route that stays where it is. */
static void route_change(struct evpn_rib *rib, struct rib_route *r, uint32_t attr)
{
    uint8_t before = nd_flags(rib, r);

    attr_at(rib, attr)->refs++;
    rib_attr_unref(rib, r->attr);
    r->attr = attr;
    if (r->dest != RIB_NONE)
        rib_dest_touch(rib, r->dest);
    if (r->tells && nd_flags(rib, r) != before)
        tell_binding(rib, dest_at(rib, r->dest)->net, r, true);
}

void rib_in_place(struct evpn_rib *rib, const struct rib_key *k, uint32_t attr, bool stale)
{
    struct rib_attr *a = attr_at(rib, attr);
    uint32_t chain = rib_table_first(&rib->routes, key_hash(rib, k));
    unsigned n_places = a->n_nets ? a->n_nets : 1;
    uint32_t have = 0;

    a->refs++;
    for (uint32_t i = find_from(rib, k, chain), next; i != RIB_NONE; i = next) {
        struct rib_route *r = route_at(rib, i);
        int place = stays_at(rib, r, a);

        next = find_from(rib, k, r->next);
        if (place < 0)
            continue;
        have |= 1u << place;
        set_stale(rib, r, stale);
        r->going = false;
        if (r->attr != attr)
            route_change(rib, r, attr);
    }
    for (unsigned p = 0; p < n_places; p++) {
        if (!(have & 1u << p))
            route_add(rib, k, attr, a->n_nets ? a->nets[p] : 0, stale);
    }
    /* Those that hang where they no longer belong go last: the MAC never is without a route in between. */
    for (uint32_t i = rib_in_find(rib, k), next; i != RIB_NONE; i = next) {
        next = find_from(rib, k, route_at(rib, i)->next);
        if (route_at(rib, i)->attr != attr || stays_at(rib, route_at(rib, i), a) < 0)
            route_remove(rib, i);
    }
    rib_attr_unref(rib, attr);
}

void rib_in_reimport(struct evpn_rib *rib)
{
    for (uint32_t i = 1; i < rib->routes.high; i++) {
        const struct rib_route *r = route_at(rib, i);
        struct rib_key k = key_of(r);
        uint32_t attr = r->attr;

        if (r->peer == 0 || !attr_at(rib, attr)->changed)
            continue;
        rd_at(rib, k.rd)->refs++;
        rib_in_place(rib, &k, attr, r->stale);
        rib_rd_unref(rib, k.rd);
    }
    rib_dests_flush(rib);
}

void rib_in_reconsider(struct evpn_rib *rib, rib_peer_id peer)
{
    for (uint32_t i = 1; i < rib->routes.high; i++) {
        const struct rib_route *r = route_at(rib, i);

        if (r->peer != 0 && r->dest != RIB_NONE &&
            (r->peer == peer || vtep_at(rib, attr_at(rib, r->attr)->vtep)->changed))
            rib_dest_touch(rib, r->dest);
    }
}

unsigned rib_in_drop(struct evpn_rib *rib, rib_peer_id peer, enum rib_drop drop)
{
    const struct rib_peer *p = peer_at(rib, peer);
    uint32_t before = total(p);

    if (before == 0 || (drop == RIB_DROP_STALE && p->counts.stale == 0))
        return 0;
    /* All go first, then each MAC is told once (R9.5). */
    for (uint32_t i = 1; i < rib->routes.high; i++) {
        struct rib_route *r = route_at(rib, i);

        if (r->peer != peer)
            continue;
        if (r->stale || drop == RIB_DROP_ALL)
            route_remove(rib, i);
        else if (drop == RIB_DROP_STALE_MARK_OTHERS)
            set_stale(rib, r, true);
    }
    rib_dests_flush(rib);
    return before - total(p);
}
