/* SPDX-License-Identifier: BSD-3-Clause
 *
 * IPs that change their MAC (R7.5, RFC 9161 section 3.7). What is remembered of an IP for that lives from its
 * first change until a window after its last one; there is room for NEIGHBOR_MAX_DUPS. When all is taken, one
 * that is not frozen makes room: an attacker who changes thousands of IPs gains that the changes of others
 * may go uncounted, no more.
 *
 * Control thread only.
 */
#include "controlplane/neighbor_private.h"

#include <errno.h>

#define EVICT_TRIES      16
#define CHECK_TENTHS     100 /* a check that could not be sent for so long is none any more */
#define IMMUTABLE_TENTHS 600 /* a minute between two alerts about one IP */

static uint32_t key_hash(const struct neighbors *t, dp_net_id net, const struct ipaddr *ip)
{
    uint64_t w[3] = {(uint64_t)net << 8 | ip->family};

    memcpy(&w[1], ip->b, 16);
    return rib_hash_bytes(t->key, w, sizeof(w));
}

uint32_t neighbor_dup_hash(const void *owner, const void *elem)
{
    const struct neighbor_dup *d = elem;

    return key_hash(owner, d->net, &d->ip);
}

static struct neighbor_dup *dup_find(const struct neighbors *t, dp_net_id net, const struct ipaddr *ip)
{
    uint32_t i = t->dups.count ? rib_table_first(&t->dups, key_hash(t, net, ip)) : RIB_NONE;

    while (i != RIB_NONE && (dup_at(t, i)->net != net || !ipaddr_eq(&dup_at(t, i)->ip, ip)))
        i = dup_at(t, i)->next;
    return i == RIB_NONE ? NULL : dup_at(t, i);
}

static void dup_free(struct neighbors *t, uint32_t i)
{
    rib_table_unlink(&t->dups, i);
    rib_table_free(&t->dups, i);
}

static void evict_one(struct neighbors *t)
{
    for (unsigned try = 0; try < EVICT_TRIES; try++) {
        uint32_t i = t->evict_cursor + 1 < t->dups.high ? t->evict_cursor + 1 : 1;

        t->evict_cursor = i;
        if (dup_at(t, i)->net != 0 && !dup_at(t, i)->frozen) {
            dup_free(t, i);
            return;
        }
    }
}

/* NULL: no room. */
static struct neighbor_dup *dup_get(struct neighbors *t, dp_net_id net, const struct ipaddr *ip)
{
    struct neighbor_dup *d = dup_find(t, net, ip);
    uint32_t i;

    if (d)
        return d;
    if (t->dups.count >= NEIGHBOR_MAX_DUPS)
        evict_one(t);
    if (t->dups.count >= NEIGHBOR_MAX_DUPS || (i = rib_table_alloc(&t->dups)) == RIB_NONE)
        return NULL;
    d = dup_at(t, i);
    d->net = net;
    d->ip = *ip;
    rib_table_link(&t->dups, i);
    return d;
}

int neighbor_set_duplicates(struct neighbors *t, unsigned changes, uint32_t window_s, uint32_t hold_s)
{
    if (changes > MAC_DUP_MAX_MOVES || window_s == 0)
        return -EINVAL;
    /* The rings have another size from now on; counting starts anew. */
    for (uint32_t i = 1; changes != t->dup_changes && i < t->dups.high; i++)
        if (dup_at(t, i)->net != 0 && !dup_at(t, i)->frozen)
            dup_free(t, i);
    t->dup_changes = changes;
    t->dup_window_s = window_s;
    t->dup_hold_s = hold_s;
    return 0;
}

/* ---- changes */

/* True: that was the Nth within the window. */
static bool count(struct neighbors *t, struct neighbor_dup *d, mono_t now)
{
    if (t->dup_changes == 0)
        return false;
    d->newest = (uint8_t)(d->n ? (d->newest + 1u) % t->dup_changes : 0);
    d->changes[d->newest] = tenths(now);
    if (d->n < t->dup_changes)
        d->n++;
    return d->n == t->dup_changes &&
           tenths_since(d->changes[(d->newest + 1u) % t->dup_changes], now) <= t->dup_window_s * 10;
}

static void freeze(struct neighbors *t, struct neighbor_dup *d, struct neighbor *used, struct mac to,
                   bool routed, mono_t now)
{
    /* A frame does not get it; a route does, and so does whoever comes when nobody has it. */
    bool goes = routed || !used;
    struct mac had = used ? binding_mac(t, used) : d->last;
    const struct neighbor_alert_info info = {
        .what = NEIGHBOR_ALERT_DUPLICATE,
        .net = d->net,
        .ip = d->ip,
        .held = goes ? to : had,
        .seen = goes ? had : to,
        .held_since = {(used ? used->since : tenths(now)) * UINT64_C(100000000)},
        .seen_at = now,
        .routed = routed,
        .changes = d->n,
    };

    d->frozen = true;
    d->frozen_at = tenths(now);
    d->check = false;
    d->last = info.held;
    d->other = info.seen;
    if (!goes)
        used->state |= STATE_FROZEN;
    t->stats.frozen++;
    t->stats.duplicates++;
    t->ops.alert(t->arg, &info);
}

bool neighbor_dup_may(struct neighbors *t, dp_net_id net, const struct ipaddr *ip, struct neighbor *used,
                      struct mac to, bool routed, mono_t now)
{
    struct neighbor_dup *d = used ? dup_get(t, net, ip) : dup_find(t, net, ip);

    if (!d) {
        t->stats.changes += used != NULL;
        return true; /* nobody had it of late, or there is no room: the change is worth more than its count */
    }
    if (d->frozen) {
        bool own = mac_eq(d->last, to);

        t->stats.refused_frozen += !own;
        return own;
    }
    if (!used && mac_eq(d->last, to))
        return true;
    t->stats.changes++;
    d->other = used ? binding_mac(t, used) : d->last;
    if (!count(t, d, now))
        return true;
    freeze(t, d, used, to, routed, now);
    return routed || !used;
}

void neighbor_dup_used(struct neighbors *t, struct neighbor *b)
{
    const struct ipaddr ip = binding_ip(b);
    struct neighbor_dup *d = dup_find(t, binding_net(t, b), &ip);

    if (!d)
        return;
    if (!d->frozen)
        d->last = binding_mac(t, b);
    else if (mac_eq(d->last, binding_mac(t, b)))
        b->state |= STATE_FROZEN;
}

/* ---- the owner's word */

static void check_now(struct neighbors *t, struct neighbor_dup *d, mono_t now)
{
    uint32_t used = binding_used(t, d->net, &d->ip);

    /* It has it again, or is elsewhere and asked there; or it waited too long among others. Nobody has it:
     * two gateways have just heard of each other's, and each gave way. */
    if (d->frozen || (used != RIB_NONE && mac_eq(binding_mac(t, binding_at(t, used)), d->owner)) ||
        !t->ops.here(t->arg, d->net, d->owner, NULL) || tenths_since(d->check_from, now) > CHECK_TENTHS) {
        d->check = false;
        return;
    }
    if (neighbor_probe(t, d->net, d->owner, &d->ip) == NEIGHBOR_PROBE_LIMITED)
        return;
    /* While nobody has it, it is asked again: one frame may be lost, and no other would bring the IP back. */
    d->check = used == RIB_NONE;
    d->checked = now;
}

static bool check_due(const struct neighbor_dup *d, mono_t now)
{
    return d->check && tenths(now) >= d->check_from &&
           (d->checked.ns == 0 || now.ns >= d->checked.ns + NEIGHBOR_CHECK_MS * UINT64_C(1000000));
}

/* The data plane does not report the same MAC and IP twice within some milliseconds: an answer that follows a
 * frame of the owner so closely would not be heard. */
void neighbor_dup_check(struct neighbors *t, dp_net_id net, const struct ipaddr *ip, struct mac owner,
                        tenths_t heard, mono_t now)
{
    struct neighbor_dup *d = dup_find(t, net, ip);

    if (!d)
        return;
    d->owner = owner;
    d->check = true;
    d->check_from = heard + NEIGHBOR_QUIET_TENTHS;
    if (check_due(d, now))
        check_now(t, d, now);
}

void neighbor_dup_immutable(struct neighbors *t, const struct neighbor *used, struct mac seen, bool routed,
                            mono_t now)
{
    const struct neighbor_alert_info info = {
        .what = NEIGHBOR_ALERT_IMMUTABLE,
        .net = binding_net(t, used),
        .ip = binding_ip(used),
        .held = binding_mac(t, used),
        .seen = seen,
        .held_since = {used->since * UINT64_C(100000000)},
        .seen_at = now,
        .routed = routed,
    };
    struct neighbor_dup *d = dup_get(t, info.net, &info.ip);

    t->stats.immutable++;
    if (!d || (d->alerted && mac_eq(d->other, seen) && tenths_since(d->alerted, now) < IMMUTABLE_TENTHS))
        return;
    d->last = info.held;
    d->other = seen;
    d->alerted = tenths(now);
    t->ops.alert(t->arg, &info);
}

/* ---- the end of it */

/* The IP is as free as any other. */
static void release(struct neighbors *t, uint32_t i)
{
    struct neighbor_dup d = *dup_at(t, i);
    uint32_t held;

    dup_free(t, i);
    if (!d.frozen)
        return;
    t->stats.frozen--;
    held = binding_find(t, d.net, d.last, &d.ip);
    if (held == RIB_NONE || !(binding_at(t, held)->state & STATE_FROZEN))
        return;
    binding_at(t, held)->state &= (uint8_t)~STATE_FROZEN;
    if (!binding_at(t, held)->speaks)
        binding_unspeak(t, held, 0);
}

static void hold_down_ends(struct neighbors *t, uint32_t i, mono_t now)
{
    const struct neighbor_dup *d = dup_at(t, i);
    const struct neighbor_alert_info info = {.what = NEIGHBOR_ALERT_DUPLICATE_END,
                                             .net = d->net,
                                             .ip = d->ip,
                                             .held = d->last,
                                             .seen = d->other,
                                             .seen_at = now};

    release(t, i);
    t->ops.alert(t->arg, &info);
}

static bool forgotten(const struct neighbors *t, const struct neighbor_dup *d, mono_t now)
{
    bool counts = d->n > 0 && tenths_since(d->changes[d->newest], now) <= t->dup_window_s * 10;
    bool alerted = d->alerted && tenths_since(d->alerted, now) < IMMUTABLE_TENTHS;

    return !counts && !alerted && !d->check &&
           (d->checked.ns == 0 || now.ns > d->checked.ns + NEIGHBOR_CHECK_MS * UINT64_C(1000000));
}

void neighbor_dup_age(struct neighbors *t, mono_t now)
{
    for (uint32_t i = 1; i < t->dups.high; i++) {
        struct neighbor_dup *d = dup_at(t, i);

        if (d->net == 0)
            continue;
        if (d->frozen) {
            if (t->dup_hold_s && tenths_since(d->frozen_at, now) > t->dup_hold_s * 10)
                hold_down_ends(t, i, now);
            continue;
        }
        if (check_due(d, now))
            check_now(t, d, now);
        if (forgotten(t, d, now))
            dup_free(t, i);
    }
}

static bool is_about(const struct neighbor_dup *d, struct mac mac)
{
    return mac_eq(d->last, mac) || mac_eq(d->other, mac);
}

unsigned neighbor_clear_duplicate(struct neighbors *t, dp_net_id net, const struct mac *mac,
                                  const struct ipaddr *ip)
{
    unsigned frozen = 0;

    for (uint32_t i = 1; i < t->dups.high; i++) {
        const struct neighbor_dup *d = dup_at(t, i);

        if (d->net == 0 || (net && d->net != net) || (mac && !is_about(d, *mac)) ||
            (ip && !ipaddr_eq(&d->ip, ip)))
            continue;
        frozen += d->frozen;
        release(t, i);
    }
    return frozen;
}
