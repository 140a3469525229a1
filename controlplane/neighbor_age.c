/* SPDX-License-Identifier: BSD-3-Clause
 *
 * R7.3: ageing of bindings and probing of silent hosts, never more than NEIGHBOR_PROBES_S a second; and
 * reading the table. Control thread only.
 */
#include "controlplane/neighbor_private.h"

/* ---- probes */

static void tokens_refill(struct neighbors *t, mono_t now)
{
    uint64_t ns = now.ns > t->tokens_at.ns ? now.ns - t->tokens_at.ns : 0;
    uint64_t more = ns / (1000000000u / NEIGHBOR_PROBES_S);

    if (t->tokens_at.ns == 0 || more + t->tokens >= NEIGHBOR_PROBES_BURST) {
        t->tokens = NEIGHBOR_PROBES_BURST;
        t->tokens_at = now;
    } else {
        t->tokens += (unsigned)more;
        t->tokens_at.ns += more * (1000000000u / NEIGHBOR_PROBES_S);
    }
}

enum neighbor_probed neighbor_probe(struct neighbors *t, dp_net_id net, struct mac mac,
                                    const struct ipaddr *ip)
{
    if (t->tokens == 0) {
        t->stats.probes_limited++;
        return NEIGHBOR_PROBE_LIMITED;
    }
    if (!t->ops.probe(t->arg, net, mac, ip))
        return NEIGHBOR_PROBE_FAILED; /* and cost nothing: others need the room */
    t->tokens--;
    t->stats.probes++;
    return NEIGHBOR_PROBE_SENT;
}

/* ---- ageing */

static void probe(struct neighbors *t, struct neighbor *b, mono_t now)
{
    const struct ipaddr ip = binding_ip(b);

    if (neighbor_probe(t, binding_net(t, b), binding_mac(t, b), &ip) == NEIGHBOR_PROBE_SENT)
        b->at = tenths(now);
}

/* True: the slot may be gone. */
static bool age_local(struct neighbors *t, uint32_t i, mono_t now)
{
    struct neighbor *b = binding_at(t, i);
    const struct ipaddr ip = binding_ip(b);
    dp_net_id net = binding_net(t, b);
    uint64_t ageing = t->nets[net].ageing_s * UINT64_C(10), idle = tenths_since(b->confirmed, now);

    if (ageing == 0)
        return false;
    if (idle > ageing) {
        t->stats.aged++;
        t->ops.gone(t->arg, net, binding_mac(t, b), &ip);
        binding_unspeak(t, i, SPEAKS_LOCAL);
        return true;
    }
    if (idle * 3 >= ageing && tenths_since(b->at, now) * UINT64_C(3) >= ageing)
        probe(t, b, now);
    return false;
}

static void age_binding(struct neighbors *t, uint32_t i, mono_t now)
{
    struct neighbor *b = binding_at(t, i);

    if (b->mac == RIB_NONE)
        return;
    if (b->speaks & SPEAKS_LOCAL && age_local(t, i, now))
        return;
    if (b->speaks & SPEAKS_FORMER && tenths_since(b->at, now) > NEIGHBOR_FORMER_S * 10) {
        binding_unspeak(t, i, SPEAKS_FORMER);
        return;
    }
    /* The data plane had no room for it. */
    if ((b->state & (STATE_USED | STATE_ANSWERED)) == STATE_USED)
        binding_program(t, b);
}

void neighbor_age(struct neighbors *t, mono_t now, unsigned budget)
{
    tokens_refill(t, now);
    neighbor_dup_age(t, now);
    if (budget > t->bindings.high)
        budget = t->bindings.high;
    for (; budget > 0; budget--) {
        uint32_t i = t->age_cursor + 1 < t->bindings.high ? t->age_cursor + 1 : 1;

        t->age_cursor = i;
        if (i < t->bindings.high)
            age_binding(t, i, now);
    }
}

/* ---- reading */

static void describe(const struct neighbors *t, const struct neighbor *b, struct neighbor_info *out)
{
    *out = (struct neighbor_info){
        .net = binding_net(t, b),
        .ip = binding_ip(b),
        .mac = binding_mac(t, b),
        .flags = b->flags,
        .local = b->speaks & SPEAKS_LOCAL,
        .remote = b->speaks & SPEAKS_REMOTE,
        .former = b->speaks & SPEAKS_FORMER,
        .used = b->state & STATE_USED,
        .answered = b->state & STATE_ANSWERED,
        .frozen = b->state & STATE_FROZEN,
        .since = {b->since * UINT64_C(100000000)},
        .confirmed = {b->confirmed * UINT64_C(100000000)},
    };
}

static bool found(const struct neighbors *t, uint32_t i, uint32_t *cursor, struct neighbor_info *out)
{
    if (cursor)
        *cursor = i;
    if (i == RIB_NONE)
        return false;
    describe(t, binding_at(t, i), out);
    return true;
}

bool neighbor_find(const struct neighbors *t, dp_net_id net, const struct ipaddr *ip,
                   struct neighbor_info *out)
{
    return found(t, binding_used(t, net, ip), NULL, out);
}

uint8_t neighbor_flags(const struct neighbors *t, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    uint32_t i = binding_find(t, net, mac, ip);

    if (i != RIB_NONE)
        return binding_at(t, i)->flags;
    return ip->family == 6 ? NEIGHBOR_OVERRIDE : 0;
}

bool neighbor_next(const struct neighbors *t, uint32_t *cursor, struct neighbor_info *out)
{
    while (*cursor + 1 < t->bindings.high) {
        const struct neighbor *b = binding_at(t, ++*cursor);

        if (b->mac == RIB_NONE)
            continue;
        describe(t, b, out);
        return true;
    }
    return false;
}

bool neighbor_next_of_mac(const struct neighbors *t, dp_net_id net, struct mac mac, uint32_t *cursor,
                          struct neighbor_info *out)
{
    uint32_t m;

    if (*cursor != RIB_NONE)
        return found(t, binding_at(t, *cursor)->mac_next, cursor, out);
    m = binding_mac_find(t, net, mac);
    return m != RIB_NONE && found(t, mac_at(t, m)->first, cursor, out);
}

bool neighbor_next_of_ip(const struct neighbors *t, dp_net_id net, const struct ipaddr *ip, uint32_t *cursor,
                         struct neighbor_info *out)
{
    uint32_t i = *cursor == RIB_NONE ? binding_first(t, net, ip)
                                     : binding_same_ip(t, binding_at(t, *cursor)->next, net, ip);

    return found(t, i, cursor, out);
}

struct neighbor_stats neighbor_stats(const struct neighbors *t)
{
    struct neighbor_stats s = t->stats;

    s.bindings = t->bindings.count;
    s.macs = t->macs.count;
    s.changing = t->dups.count;
    s.bytes =
        sizeof(*t) + rib_table_bytes(&t->bindings) + rib_table_bytes(&t->macs) + rib_table_bytes(&t->dups);
    return s;
}
