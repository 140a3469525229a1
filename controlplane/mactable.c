/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See mactable.h and mactable_private.h. Entries live in an array of slots that never move: a slot number is
 * the cursor of a walk, the link of a hash chain and of the free list. The hash is keyed with a random
 * secret, so hosts cannot aim at one chain. What few MACs have (IPs, moves of late) hangs beside the slot.
 *
 * R8.4's limits count what is learned or routed; what an operator configured does not use up the room.
 *
 * Control thread only.
 */
#include "controlplane/mac_hash.h"
#include "controlplane/mactable_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static void limits_init(struct mactable *t)
{
    for (unsigned i = 0; i <= DP_MAX_NETWORKS; i++)
        t->networks[i].count.limit = UINT32_MAX;
    for (unsigned i = 0; i < DP_MAX_PORTS; i++)
        t->ports[i].count.limit = UINT32_MAX;
    for (unsigned i = 0; i < DP_MAX_VTEPS; i++)
        t->vteps[i].count.limit = UINT32_MAX;
}

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
    t->free = MAC_SLOT_NONE;
    t->dup_moves = MAC_DUP_MOVES;
    t->dup_window_s = MAC_DUP_WINDOW_S;
    t->bucket_mask = n_buckets - 1;
    t->buckets = malloc(n_buckets * sizeof(*t->buckets));
    t->slots = calloc(max_macs ? max_macs : 1, sizeof(*t->slots));
    if (!t->buckets || !t->slots || getrandom(t->key, sizeof(t->key), 0) != sizeof(t->key)) {
        mactable_free(t);
        return NULL;
    }
    memset(t->buckets, 0xff, n_buckets * sizeof(*t->buckets));
    limits_init(t);
    return t;
}

void mactable_free(struct mactable *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; i < t->high; i++) {
        mac_ips_free(&t->slots[i]);
        mac_history_free(&t->slots[i]);
    }
    free(t->slots);
    free(t->buckets);
    free(t);
}

/* ---- places and limits */

static bool limit_reached(const struct mac_count *c)
{
    return c->learned >= c->limit;
}

static void limit_recheck(struct mac_count *c)
{
    if (!limit_reached(c))
        c->refused = false;
}

void mactable_set_network(struct mactable *t, dp_net_id net, uint32_t ageing_s, uint32_t mac_limit)
{
    if (net == 0 || net > DP_MAX_NETWORKS)
        return;
    t->networks[net].known = true;
    t->networks[net].ageing_s = ageing_s;
    t->networks[net].count.limit = mac_limit;
    limit_recheck(&t->networks[net].count);
}

void mactable_set_port(struct mactable *t, dp_port_id port, uint32_t mac_limit)
{
    if (port >= DP_MAX_PORTS)
        return;
    t->ports[port].count.limit = mac_limit;
    limit_recheck(&t->ports[port].count);
}

void mactable_set_port_sticky(struct mactable *t, dp_port_id port, bool sticky)
{
    if (port < DP_MAX_PORTS)
        t->ports[port].sticky = sticky;
}

void mactable_set_port_es(struct mactable *t, dp_port_id port, uint16_t es)
{
    if (port < DP_MAX_PORTS)
        t->ports[port].es = es;
}

void mactable_set_own_vtep(struct mactable *t, const struct ipaddr *address)
{
    if (address->family == 4)
        t->own4 = *address;
    else if (address->family == 6)
        t->own6 = *address;
}

void mactable_set_own_mac(struct mactable *t, struct mac mac)
{
    t->own_mac = mac;
}

bool mac_net_known(const struct mactable *t, dp_net_id net)
{
    return net > 0 && net <= DP_MAX_NETWORKS && t->networks[net].known;
}

bool mac_place_valid(struct mac_place place)
{
    switch (place.where) {
    case DP_WHERE_PORT:
        return place.target < DP_MAX_PORTS;
    case DP_WHERE_VTEP:
        return place.target > 0 && place.target < DP_MAX_VTEPS;
    default:
        return false;
    }
}

static struct mac_count *count_at(struct mactable *t, struct mac_place place)
{
    if (!mac_place_valid(place))
        return NULL;
    return place.where == DP_WHERE_PORT ? &t->ports[place.target].count : &t->vteps[place.target].count;
}

/* Counts an entry where its fields say it is, or (sign -1) no longer. */
static void entry_count(struct mactable *t, const struct mac_entry *e, int sign)
{
    struct mac_count *net = &t->networks[e->net].count, *at = count_at(t, mac_place_of(e));
    uint32_t one = (uint32_t)sign, learned = mac_is_configured(e) ? 0 : one;

    net->total += one;
    net->learned += learned;
    limit_recheck(net);
    if (at) {
        at->total += one;
        at->learned += learned;
        limit_recheck(at);
    } else {
        t->flood_total += one;
    }
}

/* R8.4: one alert when the limit starts to refuse, the next only after it had room again. */
static void refuse(struct mactable *t, bool *mark, enum mac_alert what, dp_net_id net, dp_port_id port)
{
    struct mac_alert_info info = {.what = what, .net = net, .port = port};

    t->stats.refused++;
    if (*mark)
        return;
    *mark = true;
    t->ops.alert(t->arg, &info);
}

bool mac_port_accepts(struct mactable *t, dp_net_id net, struct mac_place place)
{
    struct mac_count *c = count_at(t, place);

    if (place.where != DP_WHERE_PORT || !limit_reached(c))
        return true;
    refuse(t, &c->refused, MAC_ALERT_PORT_LIMIT, net, place.target);
    return false;
}

bool mac_network_accepts(struct mactable *t, dp_net_id net, struct mac_place place)
{
    struct mac_count *c = &t->networks[net].count;

    if (!limit_reached(c))
        return true;
    refuse(t, &c->refused, MAC_ALERT_NET_LIMIT, net, place.target);
    return false;
}

void mac_refuse_full(struct mactable *t, dp_net_id net, dp_port_id port)
{
    refuse(t, &t->full, MAC_ALERT_FDB_FULL, net, port);
}

/* ---- slots and hash */

static uint32_t bucket_of(const struct mactable *t, dp_net_id net, struct mac mac)
{
    return mac_hash(t->key, net, mac) & t->bucket_mask;
}

struct mac_slot *mac_slot_find(const struct mactable *t, dp_net_id net, struct mac mac)
{
    uint32_t i = net ? t->buckets[bucket_of(t, net, mac)] : MAC_SLOT_NONE;

    while (i != MAC_SLOT_NONE && (t->slots[i].e.net != net || !mac_eq(t->slots[i].e.mac, mac)))
        i = t->slots[i].next;
    return i == MAC_SLOT_NONE ? NULL : &t->slots[i];
}

bool mac_has_room(const struct mactable *t)
{
    return t->count < t->max;
}

static int entry_program(struct mactable *t, const struct mac_entry *e)
{
    struct dp_dest dest = {.where = e->where, .target = e->target, .is_static = e->origin == MAC_STATIC};

    return t->ops.program(t->arg, e->net, e->mac, dest);
}

/* ---- moves */

#define SEEN_STEP_NS 2000000 /* the data plane's clock, and more */

/* R6.3: from before to after (net 0: none), and the event of now says why. */
static void tell_moved(struct mactable *t, const struct mac_entry *before, const struct mac_entry *after,
                       mono_t last_seen, bool expected)
{
    const struct mac_entry *e = after->net ? after : before;
    struct mac_moved m = {
        .net = e->net,
        .mac = e->mac,
        .from = mac_place_of(before),
        .to = mac_place_of(after),
        .before = before->origin,
        .after = after->origin,
        .seq = after->net ? mac_entry_seq(after) : 0,
        .expected = expected,
        .port_down = t->event.port_down,
        .cause = t->event.cause,
        .evidence = t->event.evidence,
        .at = t->event.at,
        .last_seen = last_seen,
    };

    if (t->ops.moved)
        t->ops.moved(t->arg, &m);
}

/* To be asked before the FDB is told another place. What only a route said to be there was not seen when its
 * entry was made. */
static mono_t last_seen(struct mactable *t, const struct mac_entry *e)
{
    mono_t seen;

    if (!t->ops.moved || !t->ops.seen(t->arg, e->net, e->mac, &seen) || mac_is_configured(e) ||
        (e->origin == MAC_EVPN && seen.ns <= e->since.ns + SEEN_STEP_NS))
        return (mono_t){0};
    return seen;
}

struct mac_slot *mac_slot_add(struct mactable *t, const struct mac_entry *e)
{
    static const struct mac_entry none;
    uint32_t b = bucket_of(t, e->net, e->mac);
    uint32_t i = t->free;

    if (!mac_has_room(t) || entry_program(t, e) < 0) {
        mac_refuse_full(t, e->net, e->target);
        return NULL;
    }
    t->full = false;
    if (i != MAC_SLOT_NONE)
        t->free = t->slots[i].next;
    else
        i = t->high++;
    t->slots[i] = (struct mac_slot){.e = *e, .next = t->buckets[b]};
    t->buckets[b] = i;
    t->count++;
    t->stats.added[t->event.cause]++;
    entry_count(t, e, 1);
    tell_moved(t, &none, e, (mono_t){0}, false);
    return &t->slots[i];
}

void mac_slot_remove(struct mactable *t, struct mac_slot *s)
{
    static const struct mac_entry none;
    uint32_t i = (uint32_t)(s - t->slots);
    struct mac_entry e = s->e;
    uint32_t *link = &t->buckets[bucket_of(t, e.net, e.mac)];
    mono_t seen = last_seen(t, &e);

    while (*link != i)
        link = &t->slots[*link].next;
    *link = s->next;
    mac_dup_release(t, s);
    mac_history_free(s);
    mac_ips_free(s);
    s->e = (struct mac_entry){0};
    s->next = t->free;
    t->free = i;
    t->count--;
    entry_count(t, &e, -1);
    t->ops.remove(t->arg, e.net, e.mac);
    tell_moved(t, &e, &none, seen, false);
}

struct mac_entry mac_slot_changed(const struct mac_slot *s, enum mac_origin origin, struct mac_place place)
{
    struct mac_entry e = s->e;

    e.origin = origin;
    e.where = (enum dp_where)place.where;
    e.target = place.target;
    return e;
}

/* 0, or -ENOSPC with nothing changed. */
static int slot_change(struct mactable *t, struct mac_slot *s, const struct mac_entry *e)
{
    bool elsewhere = !mac_place_eq(mac_place_of(&s->e), mac_place_of(e));
    int rc = 0;

    if (elsewhere || (e->origin == MAC_STATIC) != (s->e.origin == MAC_STATIC))
        rc = entry_program(t, e);
    if (rc < 0)
        return rc;
    entry_count(t, &s->e, -1);
    s->e = *e;
    entry_count(t, e, 1);
    return 0;
}

int mac_slot_put(struct mactable *t, struct mac_slot *s, const struct mac_entry *changed, mono_t now)
{
    struct mac_entry before = s->e, e = *changed;
    bool moved = !mac_place_eq(mac_place_of(&before), mac_place_of(&e));
    mono_t seen = moved ? last_seen(t, &before) : (mono_t){0};
    int rc;

    if (moved) {
        e.last = mac_place_of(&before);
        e.since = t->event.cause == MAC_BY_FRAME && mac_is_learned(&e) ? t->event.at : now;
        e.moves++;
    }
    rc = slot_change(t, s, &e);
    if (rc < 0 || !moved)
        return rc;
    t->stats.moves++;
    tell_moved(t, &before, &e, seen, mac_dup_expected(t, s, mac_place_of(&e), now));
    return 0;
}

int mac_slot_redirect(struct mactable *t, struct mac_slot *s, struct mac_place place)
{
    struct mac_entry e = mac_slot_changed(s, s->e.origin, place);

    return slot_change(t, s, &e);
}

/* ---- configured MACs */

static int static_check(const struct mactable *t, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    if (!mac_net_known(t, net) || mac_is_group(mac) || mac_is_zero(mac))
        return -EINVAL;
    if (dest.where != DP_WHERE_FLOOD && !mac_place_valid((struct mac_place){dest.target, dest.where}))
        return -EINVAL;
    return 0;
}

/* known: there must be such an entry; else there must not. */
static int put_static(struct mactable *t, dp_net_id net, struct mac mac, struct dp_dest dest, bool known,
                      mono_t now)
{
    enum mac_origin origin = dest.where == DP_WHERE_FLOOD ? MAC_FLOOD : MAC_STATIC;
    struct mac_place place = {origin == MAC_FLOOD ? 0 : dest.target, dest.where};
    struct mac_entry e = {
        .net = net, .mac = mac, .origin = origin, .where = dest.where, .target = place.target, .since = now};
    struct mac_slot *s;
    int rc = static_check(t, net, mac, dest);

    if (rc < 0)
        return rc;
    mac_event(t, MAC_BY_US, now);
    s = mac_slot_find(t, net, mac);
    if ((s && mac_is_configured(&s->e)) != known)
        return known ? -ENOENT : -EEXIST;
    if (!s && !(s = mac_slot_add(t, &e)))
        return -ENOSPC;
    e = mac_slot_changed(s, origin, place);
    if (mac_slot_put(t, s, &e, now) < 0)
        return -ENOSPC;
    mac_dup_release(t, s);
    s->e.since = now;
    s->e.moves = 0;
    s->e.seq = 0;
    s->e.sticky = mac_is_here(&s->e);
    if (s->e.sticky) {
        mac_ips_take_over(s);
        mac_advertise(t, s); /* in place of what is out for it */
    } else {
        mac_withdraw(t, s);
    }
    return 0;
}

int mactable_add_static(struct mactable *t, dp_net_id net, struct mac mac, struct dp_dest dest, mono_t now)
{
    return put_static(t, net, mac, dest, false, now);
}

int mactable_change_static(struct mactable *t, dp_net_id net, struct mac mac, struct dp_dest dest, mono_t now)
{
    return put_static(t, net, mac, dest, true, now);
}

int mactable_remove_static(struct mactable *t, dp_net_id net, struct mac mac, mono_t now)
{
    struct mac_slot *s = mac_slot_find(t, net, mac);

    if (!s || !mac_is_configured(&s->e))
        return -ENOENT;
    mac_event(t, MAC_BY_US, now);
    mac_follow_route(t, s, now);
    return 0;
}

/* ---- ageing and clearing */

static bool aged_out(struct mactable *t, const struct mac_entry *e, mono_t now)
{
    uint32_t ageing_s = t->networks[e->net].ageing_s;
    mono_t seen;

    if (!mac_is_learned(e) || e->duplicate || ageing_s == 0)
        return false;
    if (!t->ops.seen(t->arg, e->net, e->mac, &seen))
        seen = e->since;
    return now.ns > seen.ns && now.ns - seen.ns > ageing_s * UINT64_C(1000000000);
}

static bool age_slot(struct mactable *t, struct mac_slot *s, mono_t now)
{
    if (aged_out(t, &s->e, now)) {
        t->stats.aged++;
        mac_follow_route(t, s, now);
        return true;
    }
    mac_ips_age(s, now);
    if (mac_dup_age(t, s, now))
        mac_follow_route(t, s, now);
    return false;
}

unsigned mactable_age(struct mactable *t, mono_t now, unsigned budget)
{
    unsigned removed = 0;

    mac_event(t, MAC_BY_US, now);
    if (budget > t->high)
        budget = t->high;
    for (; budget > 0; budget--) {
        uint32_t i = t->age_cursor < t->high ? t->age_cursor : 0;

        t->age_cursor = i + 1;
        if (t->slots[i].e.net != 0)
            removed += age_slot(t, &t->slots[i], now);
    }
    return removed;
}

typedef bool slot_action(struct mactable *t, struct mac_slot *s, mono_t now);

/* Does it to all entries, those of a network, or one MAC; returns how many it was done to. */
static unsigned for_chosen(struct mactable *t, dp_net_id net, const struct mac *mac, mono_t now,
                           slot_action *action)
{
    unsigned first = net ? net : 1, last = net ? net : DP_MAX_NETWORKS, done = 0;

    mac_event(t, MAC_BY_US, now);
    if (mac) {
        for (unsigned n = first; n <= last; n++) {
            struct mac_slot *s = mac_net_known(t, (dp_net_id)n) ? mac_slot_find(t, (dp_net_id)n, *mac) : NULL;

            done += s && action(t, s, now);
        }
        return done;
    }
    for (uint32_t i = 0; i < t->high; i++) {
        struct mac_slot *s = &t->slots[i];

        if (s->e.net != 0 && (!net || s->e.net == net))
            done += action(t, s, now);
    }
    return done;
}

static bool clear_slot(struct mactable *t, struct mac_slot *s, mono_t now)
{
    if (!mac_is_learned(&s->e))
        return false;
    mac_follow_route(t, s, now);
    return true;
}

unsigned mactable_clear(struct mactable *t, dp_net_id net, const struct mac *mac, mono_t now)
{
    return for_chosen(t, net, mac, now, clear_slot);
}

static bool remove_slot(struct mactable *t, struct mac_slot *s, mono_t now)
{
    mac_dup_forget(s);
    s->e.route_vtep = 0;
    mac_follow_route(t, s, now);
    return true;
}

unsigned mactable_remove_network(struct mactable *t, dp_net_id net, mono_t now)
{
    unsigned n = mac_net_known(t, net) ? for_chosen(t, net, NULL, now, remove_slot) : 0;

    if (net > 0 && net <= DP_MAX_NETWORKS)
        t->networks[net] = (struct mac_network){.count = {.limit = UINT32_MAX}};
    return n;
}

static bool clear_duplicate(struct mactable *t, struct mac_slot *s, mono_t now)
{
    mac_dup_forget(s);
    if (!s->e.duplicate)
        return false;
    mac_follow_route(t, s, now);
    return true;
}

unsigned mactable_clear_duplicate(struct mactable *t, dp_net_id net, const struct mac *mac, mono_t now)
{
    return for_chosen(t, net, mac, now, clear_duplicate);
}

/* True when an entry was there, or led there. */
static bool clear_place(struct mactable *t, struct mac_slot *s, struct mac_place gone, mono_t now)
{
    bool was_there = mac_place_eq(mac_place_of(&s->e), gone) && !mac_is_configured(&s->e);
    bool to_vtep = gone.where == DP_WHERE_VTEP && s->e.route_vtep == gone.target;

    if (to_vtep)
        s->e.route_vtep = 0;
    if (!was_there)
        return false;
    mac_follow_route(t, s, now);
    return true;
}

unsigned mactable_clear_at(struct mactable *t, enum dp_where where, uint16_t target, mono_t now)
{
    struct mac_place gone = {target, (uint8_t)where};
    unsigned removed = 0;

    mac_event(t, MAC_BY_US, now);
    for (uint32_t i = 0; i < t->high; i++)
        if (t->slots[i].e.net != 0)
            removed += clear_place(t, &t->slots[i], gone, now);
    return removed;
}

bool mactable_clear_port(struct mactable *t, dp_port_id port, uint32_t *cursor, unsigned budget, mono_t now)
{
    mac_event(t, MAC_BY_US, now);
    t->event.port_down = true;
    for (; budget > 0 && *cursor < t->high; budget--, (*cursor)++)
        if (t->slots[*cursor].e.net != 0)
            (void)clear_place(t, &t->slots[*cursor], mac_place_port(port), now);
    return *cursor >= t->high;
}

void mactable_replay(struct mactable *t)
{
    for (uint32_t i = 0; i < t->high; i++) {
        struct mac_slot *s = &t->slots[i];
        bool missed;

        if (s->e.net == 0 || entry_program(t, &s->e) == 0)
            continue;
        mac_event(t, MAC_BY_US, s->e.since);
        mac_refuse_full(t, s->e.net, s->e.target);
        if (mac_is_configured(&s->e))
            continue;
        /* A learned MAC that the FDB does not hold would never be reported again; forgotten, it is. */
        missed = s->e.route_vtep != 0;
        mac_withdraw(t, s);
        mac_slot_remove(t, s);
        if (missed)
            mac_route_missed(t);
    }
}

void mactable_replay_routes(struct mactable *t)
{
    for (uint32_t i = 0; i < t->high; i++)
        if (t->slots[i].e.net != 0 && t->slots[i].e.advertised)
            mac_advertise(t, &t->slots[i]);
}

bool mactable_missed_routes(struct mactable *t)
{
    if (!t->missed || t->count >= t->missed_at)
        return false;
    t->missed = false;
    return true;
}

/* ---- reading */

uint32_t mactable_count(const struct mactable *t)
{
    return t->count;
}

uint32_t mactable_count_network(const struct mactable *t, dp_net_id net)
{
    return net <= DP_MAX_NETWORKS ? t->networks[net].count.total : 0;
}

uint32_t mactable_count_at(const struct mactable *t, enum dp_where where, uint16_t target)
{
    if (where == DP_WHERE_FLOOD)
        return t->flood_total;
    if (!mac_place_valid((struct mac_place){target, (uint8_t)where}))
        return 0;
    return where == DP_WHERE_PORT ? t->ports[target].count.total : t->vteps[target].count.total;
}

uint32_t mactable_learned_at_port(const struct mactable *t, dp_port_id port)
{
    return port < DP_MAX_PORTS ? t->ports[port].count.learned : 0;
}

const struct mac_entry *mactable_find(const struct mactable *t, dp_net_id net, struct mac mac)
{
    const struct mac_slot *s = mac_slot_find(t, net, mac);

    return s ? &s->e : NULL;
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

struct mactable_stats mactable_stats(const struct mactable *t)
{
    return t->stats;
}
