/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Our own routes, and what each peer has still to be told. See evpn_rib.h for the idea: groups of routes with
 * equal attributes, each a list in the order of the last change, and one cursor per group and peer.
 *
 * What must hold: a peer that is up has been told exactly the routes of a group that stand before its cursor;
 * its bit in `dirty` is set exactly when it has a cursor there. A peer that is down has no cursors. Only
 * own_join() and own_leave() change lists, so only they look after the cursors. Withdrawn routes are group
 * RIB_GROUP_GONE, served first, so that a withdrawal is never written after a newer announcement of the same
 * key.
 *
 * Control thread only.
 */
#include "controlplane/rib.h"

#include <errno.h>
#include <stdlib.h>

/* ---- hashes */

static uint32_t own_hash(const void *owner, const void *elem)
{
    const struct rib_own *o = elem;
    uint64_t w[4] = {(uint64_t)o->network << 32 | (uint64_t)o->type << 8 | o->ip_family, 0, 0, 0};

    memcpy(&w[1], o->mac.b, 6);
    memcpy(&w[2], o->ip, 16);
    return rib_hash_bytes(((const struct evpn_rib *)owner)->key, w, o->ip_family ? sizeof(w) : 16);
}

static bool same_own(const struct rib_own *a, const struct rib_own *b)
{
    return a->network == b->network && a->type == b->type && a->ip_family == b->ip_family &&
           mac_eq(a->mac, b->mac) && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static uint32_t own_find(const struct evpn_rib *rib, const struct rib_own *want)
{
    uint32_t i = rib_table_first(&rib->own, own_hash(rib, want));

    while (i != RIB_NONE && !same_own(own_at(rib, i), want))
        i = own_at(rib, i)->next;
    return i;
}

static uint32_t group_hash(const void *owner, const void *elem)
{
    const struct rib_group *g = elem;
    uint64_t w[2] = {(uint64_t)g->network << 32 | g->sequence,
                     (uint64_t)g->nd << 16 | (uint64_t)g->type << 8 | g->sticky};

    return rib_hash_bytes(((const struct evpn_rib *)owner)->key, w, sizeof(w));
}

static bool same_group(const struct rib_group *a, const struct rib_group *b)
{
    return a->network == b->network && a->sequence == b->sequence && a->type == b->type && a->nd == b->nd &&
           a->sticky == b->sticky;
}

/* ---- life */

int rib_out_init(struct evpn_rib *rib)
{
    size_t group_size = sizeof(struct rib_group) + (rib->config.max_peers + 1) * sizeof(uint32_t);
    int rc = rib_table_init(&rib->own, sizeof(struct rib_own), own_hash, rib);

    if (rc == 0)
        rc = rib_table_init(&rib->groups, group_size, group_hash, rib);
    if (rc == 0 && rib_table_alloc(&rib->groups) != RIB_GROUP_GONE)
        rc = -ENOMEM;
    if (rc < 0)
        return rc;
    group_at(rib, RIB_GROUP_GONE)->used = true;
    rib_table_link(&rib->groups, RIB_GROUP_GONE);
    return 0;
}

void rib_out_fini(struct evpn_rib *rib)
{
    for (unsigned p = 1; p <= rib->config.max_peers; p++)
        free(rib->peers[p].dirty);
    rib_table_fini(&rib->own);
    rib_table_fini(&rib->groups);
}

/* ---- cursors */

void rib_out_cursor_set(struct evpn_rib *rib, uint32_t group, rib_peer_id peer, uint32_t own)
{
    struct rib_group *g = group_at(rib, group);
    struct rib_peer *p = peer_at(rib, peer);
    uint64_t bit = 1ull << (group & 63);

    if (g->cursor[peer] == RIB_NONE && own != RIB_NONE) {
        p->dirty[group >> 6] |= bit;
        p->n_dirty++;
    } else if (g->cursor[peer] != RIB_NONE && own == RIB_NONE) {
        p->dirty[group >> 6] &= ~bit;
        p->n_dirty--;
    }
    g->cursor[peer] = own;
}

/* Room in the bitmap of every peer that is up for the highest group. */
static int dirty_reserve(struct rib_peer *p, uint32_t groups)
{
    uint32_t words = (groups >> 6) + 1;
    uint64_t *dirty;

    if (words <= p->dirty_words)
        return 0;
    words *= 2;
    dirty = realloc(p->dirty, words * sizeof(*dirty));
    if (!dirty)
        return -ENOMEM;
    memset(dirty + p->dirty_words, 0, (words - p->dirty_words) * sizeof(*dirty));
    p->dirty = dirty;
    p->dirty_words = words;
    return 0;
}

static void notify(struct evpn_rib *rib, rib_peer_id peer)
{
    struct rib_peer *p = peer_at(rib, peer);

    if (!p->up || p->notified)
        return;
    p->notified = true;
    rib->ops.writable(rib->arg, peer);
}

static void notify_all(struct evpn_rib *rib)
{
    for (unsigned p = 1; p <= rib->config.max_peers; p++)
        if (rib->peers[p].n_dirty > 0)
            notify(rib, (rib_peer_id)p);
}

/* ---- groups */

static uint32_t group_get(struct evpn_rib *rib, const struct rib_group *want)
{
    uint32_t i = rib_table_first(&rib->groups, group_hash(rib, want));
    struct rib_group *g;

    while (i != RIB_NONE && !same_group(group_at(rib, i), want))
        i = group_at(rib, i)->next;
    if (i != RIB_NONE)
        return i;
    i = rib_table_alloc(&rib->groups);
    if (i == RIB_NONE)
        return i;
    for (unsigned p = 1; p <= rib->config.max_peers; p++) {
        if (rib->peers[p].up && dirty_reserve(&rib->peers[p], i) < 0) {
            rib_table_free(&rib->groups, i);
            return RIB_NONE;
        }
    }
    g = group_at(rib, i);
    g->network = want->network;
    g->sequence = want->sequence;
    g->type = want->type;
    g->nd = want->nd;
    g->sticky = want->sticky;
    g->used = true;
    rib_table_link(&rib->groups, i);
    return i;
}

static void own_join(struct evpn_rib *rib, uint32_t i, uint32_t group)
{
    struct rib_group *g = group_at(rib, group);
    struct rib_own *o = own_at(rib, i);

    o->group = group;
    o->before = g->last;
    o->after = RIB_NONE;
    if (g->last != RIB_NONE)
        own_at(rib, g->last)->after = i;
    else
        g->first = i;
    g->last = i;
    g->n++;
    for (unsigned p = 1; p <= rib->config.max_peers; p++)
        if (rib->peers[p].up && g->cursor[p] == RIB_NONE)
            rib_out_cursor_set(rib, group, (rib_peer_id)p, i);
}

static void own_leave(struct evpn_rib *rib, uint32_t i)
{
    struct rib_own *o = own_at(rib, i);
    struct rib_group *g = group_at(rib, o->group);

    for (unsigned p = 1; p <= rib->config.max_peers; p++)
        if (g->cursor[p] == i)
            rib_out_cursor_set(rib, o->group, (rib_peer_id)p, o->after);
    if (o->before != RIB_NONE)
        own_at(rib, o->before)->after = o->after;
    else
        g->first = o->after;
    if (o->after != RIB_NONE)
        own_at(rib, o->after)->before = o->before;
    else
        g->last = o->before;
    if (--g->n == 0 && o->group != RIB_GROUP_GONE) {
        rib_table_unlink(&rib->groups, o->group);
        rib_table_free(&rib->groups, o->group);
    }
    o->group = RIB_NONE;
}

static void own_free(struct evpn_rib *rib, uint32_t i)
{
    uint32_t network = own_at(rib, i)->network;

    own_leave(rib, i);
    rib_table_unlink(&rib->own, i);
    rib_table_free(&rib->own, i);
    rib_network_unref(rib, network);
}

/* ---- withdrawn routes */

static bool anybody_at(const struct evpn_rib *rib, const struct rib_group *g, uint32_t own, rib_peer_id *who)
{
    for (unsigned p = 1; p <= rib->config.max_peers; p++) {
        if (g->cursor[p] == own) {
            *who = (rib_peer_id)p;
            return true;
        }
    }
    return false;
}

/* A withdrawn route can be forgotten when no cursor stands at it or before it. */
void rib_out_forget_withdrawn(struct evpn_rib *rib)
{
    const struct rib_group *g = group_at(rib, RIB_GROUP_GONE);
    rib_peer_id who;

    while (g->first != RIB_NONE && !anybody_at(rib, g, g->first, &who))
        own_free(rib, g->first);
}

static void watch_slow(struct evpn_rib *rib)
{
    const struct rib_group *g = group_at(rib, RIB_GROUP_GONE);
    rib_peer_id who;

    if (rib->config.max_withdrawn == 0 || g->n <= rib->config.max_withdrawn ||
        !anybody_at(rib, g, g->first, &who) || peer_at(rib, who)->slow)
        return;
    peer_at(rib, who)->slow = true;
    rib->ops.alert(rib->arg, who, EVPN_RIB_SLOW);
}

static void own_withdraw(struct evpn_rib *rib, uint32_t i)
{
    own_leave(rib, i);
    own_join(rib, i, RIB_GROUP_GONE);
    rib_out_forget_withdrawn(rib);
}

/* ---- changes */

static int own_set(struct evpn_rib *rib, const struct rib_own *want, uint32_t sequence, bool sticky,
                   unsigned nd)
{
    struct rib_group g = {.network = want->network,
                          .sequence = sequence,
                          .type = want->type,
                          .nd = (uint8_t)nd,
                          .sticky = sticky};
    uint32_t group = group_get(rib, &g), i = own_find(rib, want);

    if (group == RIB_NONE)
        return -ENOMEM;
    if (i != RIB_NONE && own_at(rib, i)->group == group)
        return 0;
    if (i == RIB_NONE) {
        i = rib_table_alloc(&rib->own);
        if (i == RIB_NONE) {
            if (group_at(rib, group)->n == 0) {
                rib_table_unlink(&rib->groups, group);
                rib_table_free(&rib->groups, group);
            }
            return -ENOMEM;
        }
        *own_at(rib, i) = *want;
        network_at(rib, want->network)->refs++;
        rib_table_link(&rib->own, i);
    } else {
        own_leave(rib, i);
    }
    own_join(rib, i, group);
    return 0;
}

static struct rib_own own_key(uint32_t network, uint8_t type, struct mac mac, const struct ipaddr *ip)
{
    struct rib_own o = {.network = network, .type = type, .mac = mac};

    if (ip) {
        o.ip_family = ip->family;
        memcpy(o.ip, ip->b, sizeof(o.ip));
    }
    return o;
}

static uint32_t network_find(const struct evpn_rib *rib, dp_net_id net)
{
    return net <= DP_MAX_NETWORKS ? rib->network_of[net] : RIB_NONE;
}

/* RFC 9047 section 3.1: an IPv6 route says R and O, whatever they are; an IPv4 one has no use for them. */
static unsigned nd_carried(const struct ipaddr *ip, uint8_t flags)
{
    if (ip && ip->family == 6)
        return RIB_ND_CARRIED | (flags & (BGP_ND_ROUTER | BGP_ND_OVERRIDE | BGP_ND_IMMUTABLE));
    return ip && flags & BGP_ND_IMMUTABLE ? RIB_ND_CARRIED | BGP_ND_IMMUTABLE : 0;
}

int evpn_rib_announce(struct evpn_rib *rib, dp_net_id net, struct mac mac, const struct ipaddr *ip,
                      uint32_t sequence, bool sticky, uint8_t nd_flags)
{
    uint32_t network = network_find(rib, net);
    struct rib_own want;
    int rc;

    if (network == RIB_NONE)
        return -ENOENT;
    if (mac_is_group(mac) || mac_is_zero(mac) || (ip && ip->family != 4 && ip->family != 6))
        return -EINVAL;
    want = own_key(network, EVPN_MACIP, mac, ip);
    rc = own_set(rib, &want, sequence, sticky, nd_carried(ip, nd_flags));
    /* One that came back from being withdrawn may have held up others before which no cursor stands. */
    rib_out_forget_withdrawn(rib);
    notify_all(rib);
    return rc;
}

int evpn_rib_withdraw(struct evpn_rib *rib, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    uint32_t network = network_find(rib, net), i;
    struct rib_own want;

    if (network == RIB_NONE)
        return -ENOENT;
    want = own_key(network, EVPN_MACIP, mac, ip);
    i = own_find(rib, &want);
    if (i == RIB_NONE || own_at(rib, i)->group == RIB_GROUP_GONE)
        return -ENOENT;
    own_withdraw(rib, i);
    notify_all(rib);
    watch_slow(rib);
    return 0;
}

int rib_out_add_network(struct evpn_rib *rib, uint32_t network)
{
    struct rib_own want = own_key(network, EVPN_IMET, (struct mac){{0}}, &rib->config.vtep);
    int rc = own_set(rib, &want, 0, false, 0);

    notify_all(rib);
    return rc;
}

void rib_out_remove_network(struct evpn_rib *rib, uint32_t network, uint32_t heir)
{
    network_at(rib, network)->gone = true;
    for (uint32_t i = 1; i < rib->own.high; i++) {
        struct rib_own *o = own_at(rib, i), moved = *o;
        const struct rib_group *g;

        if (o->type == 0 || o->network != network || o->group == RIB_GROUP_GONE)
            continue;
        g = group_at(rib, o->group);
        moved.network = heir;
        if (heir != RIB_NONE && o->type == EVPN_MACIP)
            own_set(rib, &moved, g->sequence, g->sticky, g->nd);
        own_withdraw(rib, i);
    }
    rib_network_unref(rib, network);
    notify_all(rib);
    watch_slow(rib);
}

/* ---- peers */

/* All groups from their first route; what was withdrawn stays where it is. */
static void start_over(struct evpn_rib *rib, rib_peer_id peer)
{
    for (uint32_t i = RIB_GROUP_GONE + 1; i < rib->groups.high; i++)
        if (group_at(rib, i)->used)
            rib_out_cursor_set(rib, i, peer, group_at(rib, i)->first);
}

int rib_out_peer_up(struct evpn_rib *rib, rib_peer_id peer)
{
    struct rib_peer *p = peer_at(rib, peer);

    if (dirty_reserve(p, rib->groups.high) < 0)
        return -ENOMEM;
    p->up = true;
    p->eor_due = true;
    p->notified = false;
    p->slow = false;
    p->turn = 0;
    start_over(rib, peer);
    notify(rib, peer);
    return 0;
}

void rib_out_peer_down(struct evpn_rib *rib, rib_peer_id peer)
{
    for (uint32_t i = RIB_GROUP_GONE; i < rib->groups.high; i++)
        if (group_at(rib, i)->used)
            rib_out_cursor_set(rib, i, peer, RIB_NONE);
    peer_at(rib, peer)->up = false;
    peer_at(rib, peer)->eor_due = false;
    rib_out_forget_withdrawn(rib);
}

void evpn_rib_refresh(struct evpn_rib *rib, rib_peer_id peer)
{
    if (!peer_at(rib, peer)->up)
        return;
    start_over(rib, peer);
    notify(rib, peer);
}
