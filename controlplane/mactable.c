/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See mactable.h. Entries live in an array of slots that never move: a slot number is the cursor of a walk,
 * the link of a hash chain and of the free list. The hash is keyed with a random secret, so hosts cannot aim
 * at one chain.
 *
 * Tricky: the counts per network, port and VTEP, and the "limit was hit" marks, change in entry_place() and
 * entry_unplace() only; every path goes through these two. R8.4's limits count learned MACs; what an operator
 * configured does not use up the room.
 *
 * Control thread only.
 */
#include "controlplane/mactable.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define SLOT_NONE UINT32_MAX

struct slot {
    struct mac_entry e; /* e.net 0: the slot is free */
    uint32_t next;      /* hash chain, or free list */
};

struct place {
    uint32_t total;   /* entries here */
    uint32_t learned; /* those that count for the limit */
    uint32_t limit;
    bool refused; /* a MAC was refused since learned was last below limit */
};

struct network {
    struct place p;
    bool known;
    uint32_t ageing_s;
};

struct mactable {
    struct mactable_ops ops;
    void *arg;
    uint64_t key[2];
    uint32_t max;
    uint32_t count;
    uint32_t high; /* slots from here on were never used */
    uint32_t free; /* free list below high */
    uint32_t age_cursor;
    bool full; /* a MAC found no room since one last did */
    uint32_t flood_total;
    uint32_t bucket_mask;
    uint32_t *buckets;
    struct slot *slots;
    struct network networks[DP_MAX_NETWORKS + 1];
    struct place ports[DP_MAX_PORTS];
    struct place vteps[DP_MAX_VTEPS];
};

struct mactable *mactable_new(uint32_t max_macs, const struct mactable_ops *ops, void *arg)
{
    struct mactable *t = calloc(1, sizeof(*t));
    uint32_t n_buckets = 16;

    if (!t)
        return NULL;
    while (n_buckets < max_macs && n_buckets < 1u << 30)
        n_buckets *= 2;
    t->ops = *ops;
    t->arg = arg;
    t->max = max_macs;
    t->free = SLOT_NONE;
    t->bucket_mask = n_buckets - 1;
    t->buckets = malloc(n_buckets * sizeof(*t->buckets));
    t->slots = calloc(max_macs ? max_macs : 1, sizeof(*t->slots));
    if (!t->buckets || !t->slots || getrandom(t->key, sizeof(t->key), 0) != sizeof(t->key)) {
        mactable_free(t);
        return NULL;
    }
    memset(t->buckets, 0xff, n_buckets * sizeof(*t->buckets));
    for (unsigned i = 0; i <= DP_MAX_NETWORKS; i++)
        t->networks[i].p.limit = UINT32_MAX;
    for (unsigned i = 0; i < DP_MAX_PORTS; i++)
        t->ports[i].limit = UINT32_MAX;
    for (unsigned i = 0; i < DP_MAX_VTEPS; i++)
        t->vteps[i].limit = UINT32_MAX;
    return t;
}

void mactable_free(struct mactable *t)
{
    if (!t)
        return;
    free(t->slots);
    free(t->buckets);
    free(t);
}

/* ---- places and limits */

static bool limit_reached(const struct place *p)
{
    return p->learned >= p->limit;
}

static void limit_recheck(struct place *p)
{
    if (!limit_reached(p))
        p->refused = false;
}

void mactable_set_network(struct mactable *t, dp_net_id net, uint32_t ageing_s, uint32_t mac_limit)
{
    if (net == 0 || net > DP_MAX_NETWORKS)
        return;
    t->networks[net].known = true;
    t->networks[net].ageing_s = ageing_s;
    t->networks[net].p.limit = mac_limit;
    limit_recheck(&t->networks[net].p);
}

void mactable_set_port(struct mactable *t, dp_port_id port, uint32_t mac_limit)
{
    if (port >= DP_MAX_PORTS)
        return;
    t->ports[port].limit = mac_limit;
    limit_recheck(&t->ports[port]);
}

static bool net_known(const struct mactable *t, dp_net_id net)
{
    return net > 0 && net <= DP_MAX_NETWORKS && t->networks[net].known;
}

static bool place_valid(enum dp_where where, uint16_t target)
{
    switch (where) {
    case DP_WHERE_PORT:
        return target < DP_MAX_PORTS;
    case DP_WHERE_VTEP:
        return target > 0 && target < DP_MAX_VTEPS;
    default:
        return false;
    }
}

static struct place *place_of(struct mactable *t, enum dp_where where, uint16_t target)
{
    if (!place_valid(where, target))
        return NULL;
    return where == DP_WHERE_PORT ? &t->ports[target] : &t->vteps[target];
}

static bool is_learned(const struct mac_entry *e)
{
    return e->origin == MAC_LOCAL || e->origin == MAC_REMOTE;
}

/* Counts an entry where its fields say it is. */
static void entry_place(struct mactable *t, const struct mac_entry *e)
{
    struct place *net = &t->networks[e->net].p;
    struct place *at = place_of(t, e->where, e->target);

    net->total++;
    net->learned += is_learned(e);
    if (at) {
        at->total++;
        at->learned += is_learned(e);
    } else {
        t->flood_total++;
    }
}

static void entry_unplace(struct mactable *t, const struct mac_entry *e)
{
    struct place *net = &t->networks[e->net].p;
    struct place *at = place_of(t, e->where, e->target);

    net->total--;
    net->learned -= is_learned(e);
    limit_recheck(net);
    if (at) {
        at->total--;
        at->learned -= is_learned(e);
        limit_recheck(at);
    } else {
        t->flood_total--;
    }
}

/* R8.4: one alert when the limit starts to refuse, the next only after it had room again. */
static void refuse(struct mactable *t, bool *mark, enum mac_alert alert, dp_net_id net, dp_port_id port)
{
    if (*mark)
        return;
    *mark = true;
    t->ops.alert(t->arg, alert, net, port);
}

/* ---- hash */

static uint32_t bucket_of(const struct mactable *t, dp_net_id net, struct mac mac)
{
    uint64_t k = (uint64_t)net << 48;
    unsigned __int128 m;

    for (unsigned i = 0; i < 6; i++)
        k |= (uint64_t)mac.b[i] << (8 * i);
    /* Two keyed multiplications folded: the secret decides which keys share a bucket. */
    m = (unsigned __int128)(k ^ t->key[0]) * (t->key[1] | 1);
    k = (uint64_t)m ^ (uint64_t)(m >> 64);
    m = (unsigned __int128)(k ^ t->key[1]) * (t->key[0] | 1);
    return (uint32_t)((uint64_t)m ^ (uint64_t)(m >> 64)) & t->bucket_mask;
}

static uint32_t slot_find(const struct mactable *t, dp_net_id net, struct mac mac)
{
    uint32_t i = t->buckets[bucket_of(t, net, mac)];

    while (i != SLOT_NONE && (t->slots[i].e.net != net || !mac_eq(t->slots[i].e.mac, mac)))
        i = t->slots[i].next;
    return i;
}

static bool has_room(const struct mactable *t)
{
    return t->count < t->max;
}

/* There must be room. */
static void slot_insert(struct mactable *t, const struct mac_entry *e)
{
    uint32_t b = bucket_of(t, e->net, e->mac);
    uint32_t i = t->free;

    if (i != SLOT_NONE)
        t->free = t->slots[i].next;
    else
        i = t->high++;
    t->slots[i].e = *e;
    t->slots[i].next = t->buckets[b];
    t->buckets[b] = i;
    t->count++;
    entry_place(t, e);
}

static void slot_remove(struct mactable *t, uint32_t i)
{
    struct mac_entry e = t->slots[i].e;
    uint32_t *link = &t->buckets[bucket_of(t, e.net, e.mac)];

    while (*link != i)
        link = &t->slots[*link].next;
    *link = t->slots[i].next;
    t->slots[i].e = (struct mac_entry){0};
    t->slots[i].next = t->free;
    t->free = i;
    t->count--;
    entry_unplace(t, &e);
    t->ops.remove(t->arg, e.net, e.mac);
}

static struct dp_dest dest_of(const struct mac_entry *e)
{
    return (struct dp_dest){.where = e->where, .target = e->target, .is_static = e->origin == MAC_STATIC};
}

static int entry_program(struct mactable *t, const struct mac_entry *e)
{
    return t->ops.program(t->arg, e->net, e->mac, dest_of(e));
}

/* ---- changes */

int mactable_add_static(struct mactable *t, dp_net_id net, struct mac mac, struct dp_dest dest, mono_t now)
{
    struct mac_entry e = {
        .net = net,
        .mac = mac,
        .origin = dest.where == DP_WHERE_FLOOD ? MAC_FLOOD : MAC_STATIC,
        .where = dest.where,
        .target = dest.where == DP_WHERE_FLOOD ? 0 : dest.target,
        .since = now,
    };
    uint32_t i;

    if (!net_known(t, net) || mac_is_group(mac) || mac_is_zero(mac))
        return -EINVAL;
    if (dest.where != DP_WHERE_FLOOD && !place_valid(dest.where, dest.target))
        return -EINVAL;
    i = slot_find(t, net, mac);
    if (i != SLOT_NONE && !is_learned(&t->slots[i].e))
        return -EEXIST;
    if ((i == SLOT_NONE && !has_room(t)) || entry_program(t, &e) < 0)
        return -ENOSPC;
    if (i == SLOT_NONE) {
        slot_insert(t, &e);
        return 0;
    }
    entry_unplace(t, &t->slots[i].e);
    t->slots[i].e = e;
    entry_place(t, &e);
    return 0;
}

static bool port_accepts(struct mactable *t, const struct mac_entry *e)
{
    struct place *at = place_of(t, e->where, e->target);

    if (e->where != DP_WHERE_PORT || !limit_reached(at))
        return true;
    refuse(t, &at->refused, MAC_ALERT_PORT_LIMIT, e->net, e->target);
    return false;
}

static void learn(struct mactable *t, const struct mac_entry *e)
{
    struct network *net = &t->networks[e->net];

    if (limit_reached(&net->p)) {
        refuse(t, &net->p.refused, MAC_ALERT_NET_LIMIT, e->net, e->target);
        return;
    }
    if (!port_accepts(t, e))
        return;
    if (!has_room(t) || entry_program(t, e) < 0) {
        refuse(t, &t->full, MAC_ALERT_FDB_FULL, e->net, e->target);
        return;
    }
    t->full = false;
    slot_insert(t, e);
}

/* The last place wins: between sites without EVPN there is no other evidence. The network's limit is not
 * asked, for the network does not grow; the new port's is (R8.4). One store in the FDB moves it (R4.10). */
static void move(struct mactable *t, struct mac_entry *old, const struct mac_entry *e)
{
    if (!port_accepts(t, e))
        return;
    if (entry_program(t, e) < 0) {
        refuse(t, &t->full, MAC_ALERT_FDB_FULL, e->net, e->target);
        return;
    }
    entry_unplace(t, old);
    old->origin = e->origin;
    old->where = e->where;
    old->target = e->target;
    old->since = e->since;
    old->moves++;
    entry_place(t, old);
}

void mactable_source_seen(struct mactable *t, const struct dp_event *event, mono_t now)
{
    struct mac_entry e = {
        .net = event->net,
        .mac = event->mac,
        .origin = event->where == DP_WHERE_PORT ? MAC_LOCAL : MAC_REMOTE,
        .where = event->where,
        .target = event->target,
        .since = now,
    };
    struct mac_entry *old;
    uint32_t i;

    if (event->type != DP_EVENT_SOURCE || !net_known(t, event->net) ||
        !place_valid(event->where, event->target) || mac_is_group(event->mac) || mac_is_zero(event->mac))
        return;
    i = slot_find(t, event->net, event->mac);
    if (i == SLOT_NONE) {
        learn(t, &e);
        return;
    }
    old = &t->slots[i].e;
    /* The worker reports a new MAC once per frame until the FDB has it, so most repeats end here. */
    if (!is_learned(old) || (old->where == e.where && old->target == e.target))
        return;
    move(t, old, &e);
}

static bool aged_out(struct mactable *t, const struct mac_entry *e, uint32_t now_s)
{
    uint32_t ageing_s = t->networks[e->net].ageing_s;
    uint32_t seen_s;

    if (!is_learned(e) || ageing_s == 0)
        return false;
    if (!t->ops.seen(t->arg, e->net, e->mac, &seen_s))
        seen_s = (uint32_t)(e->since.ns / 1000000000);
    /* Both are whole seconds, rounded down: only "more than" is never early. */
    return (int32_t)(now_s - seen_s) > 0 && now_s - seen_s > ageing_s;
}

unsigned mactable_age(struct mactable *t, mono_t now, unsigned budget)
{
    uint32_t now_s = (uint32_t)(now.ns / 1000000000);
    unsigned removed = 0;

    if (budget > t->high)
        budget = t->high;
    for (; budget > 0; budget--) {
        uint32_t i = t->age_cursor < t->high ? t->age_cursor : 0;

        t->age_cursor = i + 1;
        if (t->slots[i].e.net == 0 || !aged_out(t, &t->slots[i].e, now_s))
            continue;
        slot_remove(t, i);
        removed++;
    }
    return removed;
}

static unsigned clear_one(struct mactable *t, dp_net_id net, struct mac mac)
{
    uint32_t i = slot_find(t, net, mac);

    if (i == SLOT_NONE || !is_learned(&t->slots[i].e))
        return 0;
    slot_remove(t, i);
    return 1;
}

unsigned mactable_clear(struct mactable *t, dp_net_id net, const struct mac *mac)
{
    unsigned removed = 0;

    if (mac && net)
        return clear_one(t, net, *mac);
    if (mac) {
        for (unsigned n = 1; n <= DP_MAX_NETWORKS; n++)
            if (t->networks[n].known)
                removed += clear_one(t, (dp_net_id)n, *mac);
        return removed;
    }
    for (uint32_t i = 0; i < t->high; i++) {
        const struct mac_entry *e = &t->slots[i].e;

        if (e->net == 0 || (net && e->net != net) || !is_learned(e))
            continue;
        slot_remove(t, i);
        removed++;
    }
    return removed;
}

unsigned mactable_clear_at(struct mactable *t, enum dp_where where, uint16_t target)
{
    unsigned removed = 0;

    for (uint32_t i = 0; i < t->high; i++) {
        const struct mac_entry *e = &t->slots[i].e;

        if (e->net == 0 || e->where != where || e->target != target || !is_learned(e))
            continue;
        slot_remove(t, i);
        removed++;
    }
    return removed;
}

void mactable_replay(struct mactable *t)
{
    for (uint32_t i = 0; i < t->high; i++) {
        const struct mac_entry *e = &t->slots[i].e;

        if (e->net == 0 || entry_program(t, e) == 0)
            continue;
        refuse(t, &t->full, MAC_ALERT_FDB_FULL, e->net, e->target);
        /* A learned MAC that the FDB does not hold would never be reported again; forgotten, it is. */
        if (is_learned(e))
            slot_remove(t, i);
    }
}

/* ---- reading */

uint32_t mactable_count(const struct mactable *t)
{
    return t->count;
}

uint32_t mactable_count_network(const struct mactable *t, dp_net_id net)
{
    return net <= DP_MAX_NETWORKS ? t->networks[net].p.total : 0;
}

uint32_t mactable_count_at(const struct mactable *t, enum dp_where where, uint16_t target)
{
    if (where == DP_WHERE_FLOOD)
        return t->flood_total;
    if (!place_valid(where, target))
        return 0;
    return where == DP_WHERE_PORT ? t->ports[target].total : t->vteps[target].total;
}

const struct mac_entry *mactable_find(const struct mactable *t, dp_net_id net, struct mac mac)
{
    uint32_t i = net ? slot_find(t, net, mac) : SLOT_NONE;

    return i == SLOT_NONE ? NULL : &t->slots[i].e;
}

const struct mac_entry *mactable_next(const struct mactable *t, uint32_t *cursor)
{
    while (*cursor < t->high) {
        const struct mac_entry *e = &t->slots[(*cursor)++].e;

        if (e->net != 0)
            return e;
    }
    return NULL;
}
