/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See neighbor.h and neighbor_private.h. Control thread only.
 */
#include "controlplane/neighbor_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* ---- life and settings */

static uint32_t ip_hash(const struct neighbors *t, dp_net_id net, uint8_t family, const uint8_t *ip)
{
    uint64_t w[3] = {(uint64_t)net << 8 | family};

    memcpy(&w[1], ip, 16);
    return rib_hash_bytes(t->key, w, sizeof(w));
}

static uint32_t binding_hash(const void *owner, const void *elem)
{
    const struct neighbor *b = elem;

    return ip_hash(owner, binding_net(owner, b), b->family, b->ip);
}

static uint32_t mac_key_hash(const struct neighbors *t, dp_net_id net, struct mac mac)
{
    uint64_t k = (uint64_t)net << 48;

    for (unsigned i = 0; i < 6; i++)
        k |= (uint64_t)mac.b[i] << (8 * i);
    return rib_mix(t->key, k);
}

static uint32_t mac_hash(const void *owner, const void *elem)
{
    const struct neighbor_mac *m = elem;

    return mac_key_hash(owner, m->net, m->mac);
}

struct neighbors *neighbor_new(uint32_t max, const struct neighbor_ops *ops, void *arg)
{
    struct neighbors *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->ops = *ops;
    t->arg = arg;
    t->max = max;
    t->tokens = NEIGHBOR_PROBES_BURST;
    t->dup_changes = MAC_DUP_MOVES;
    t->dup_window_s = MAC_DUP_WINDOW_S;
    if (rib_table_init(&t->bindings, sizeof(struct neighbor), binding_hash, t) < 0 ||
        rib_table_init(&t->macs, sizeof(struct neighbor_mac), mac_hash, t) < 0 ||
        rib_table_init(&t->dups, sizeof(struct neighbor_dup), neighbor_dup_hash, t) < 0 ||
        getrandom(t->key, sizeof(t->key), 0) != sizeof(t->key)) {
        neighbor_free(t);
        return NULL;
    }
    return t;
}

void neighbor_free(struct neighbors *t)
{
    if (!t)
        return;
    rib_table_fini(&t->bindings);
    rib_table_fini(&t->macs);
    rib_table_fini(&t->dups);
    free(t);
}

static bool net_known(const struct neighbors *t, dp_net_id net)
{
    return net > 0 && net <= DP_MAX_NETWORKS && t->nets[net].known;
}

static bool is_of(const struct neighbors *t, uint32_t i, dp_net_id net)
{
    const struct neighbor *b = binding_at(t, i);

    return b->family != 0 && binding_net(t, b) == net;
}

void neighbor_set_network(struct neighbors *t, dp_net_id net, uint32_t ageing_s, bool proxy)
{
    bool again = net_known(t, net) && t->nets[net].proxy != proxy;

    if (net == 0 || net > DP_MAX_NETWORKS)
        return;
    t->nets[net] = (struct neighbor_net){.ageing_s = ageing_s, .known = true, .proxy = proxy};
    for (uint32_t i = 1; again && i < t->bindings.high; i++)
        if (is_of(t, i, net))
            binding_program(t, binding_at(t, i));
}

void neighbor_remove_network(struct neighbors *t, dp_net_id net)
{
    if (!net_known(t, net))
        return;
    (void)neighbor_clear_duplicate(t, net, NULL, NULL);
    for (uint32_t i = 1; i < t->bindings.high; i++) {
        if (!is_of(t, i, net))
            continue;
        binding_at(t, i)->state &= (uint8_t)~STATE_FROZEN;
        binding_unspeak(t, i, SPEAKS_LOCAL | SPEAKS_REMOTE | SPEAKS_FORMER);
    }
    t->nets[net] = (struct neighbor_net){.known = false};
}

/* ---- finding */

uint32_t binding_same_ip(const struct neighbors *t, uint32_t i, dp_net_id net, const struct ipaddr *ip)
{
    for (; i != RIB_NONE; i = binding_at(t, i)->next) {
        const struct neighbor *b = binding_at(t, i);

        if (b->family == ip->family && memcmp(b->ip, ip->b, sizeof(b->ip)) == 0 && binding_net(t, b) == net)
            break;
    }
    return i;
}

uint32_t binding_first(const struct neighbors *t, dp_net_id net, const struct ipaddr *ip)
{
    return binding_same_ip(t, rib_table_first(&t->bindings, ip_hash(t, net, ip->family, ip->b)), net, ip);
}

static uint32_t binding_next(const struct neighbors *t, uint32_t i, dp_net_id net, const struct ipaddr *ip)
{
    return binding_same_ip(t, binding_at(t, i)->next, net, ip);
}

uint32_t binding_find(const struct neighbors *t, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    uint32_t i = binding_first(t, net, ip);

    while (i != RIB_NONE && !mac_eq(binding_mac(t, binding_at(t, i)), mac))
        i = binding_next(t, i, net, ip);
    return i;
}

uint32_t binding_used(const struct neighbors *t, dp_net_id net, const struct ipaddr *ip)
{
    uint32_t i = binding_first(t, net, ip);

    while (i != RIB_NONE && !(binding_at(t, i)->state & STATE_USED))
        i = binding_next(t, i, net, ip);
    return i;
}

uint32_t binding_mac_find(const struct neighbors *t, dp_net_id net, struct mac mac)
{
    uint32_t i = rib_table_first(&t->macs, mac_key_hash(t, net, mac));

    while (i != RIB_NONE && (mac_at(t, i)->net != net || !mac_eq(mac_at(t, i)->mac, mac)))
        i = mac_at(t, i)->next;
    return i;
}

/* ---- slots */

static uint32_t mac_get(struct neighbors *t, dp_net_id net, struct mac mac)
{
    uint32_t i = binding_mac_find(t, net, mac);

    if (i != RIB_NONE || (i = rib_table_alloc(&t->macs)) == RIB_NONE)
        return i;
    mac_at(t, i)->net = net;
    mac_at(t, i)->mac = mac;
    rib_table_link(&t->macs, i);
    return i;
}

static void mac_release(struct neighbors *t, uint32_t mac)
{
    if (mac_at(t, mac)->first != RIB_NONE)
        return;
    rib_table_unlink(&t->macs, mac);
    rib_table_free(&t->macs, mac);
}

static unsigned mac_count(const struct neighbors *t, dp_net_id net, struct mac mac)
{
    uint32_t m = binding_mac_find(t, net, mac);
    unsigned n = 0;

    for (uint32_t i = m == RIB_NONE ? RIB_NONE : mac_at(t, m)->first; i != RIB_NONE;
         i = binding_at(t, i)->mac_next)
        n++;
    return n;
}

/* A quarter of all room is the routes' alone. */
static bool has_room(const struct neighbors *t, bool local)
{
    return t->bindings.count < (local ? t->max - t->max / 4 : t->max);
}

static void refuse_full(struct neighbors *t, dp_net_id net, struct mac mac, const struct ipaddr *ip,
                        mono_t now)
{
    const struct neighbor_alert_info info = {
        .what = NEIGHBOR_ALERT_FULL, .net = net, .ip = *ip, .seen = mac, .seen_at = now};

    t->stats.refused_full++;
    if (!t->full)
        t->ops.alert(t->arg, &info);
    t->full = true;
}

/* A binding that nothing speaks for yet, and that is not used. */
static uint32_t binding_add(struct neighbors *t, dp_net_id net, struct mac mac, const struct ipaddr *ip,
                            bool local, mono_t now)
{
    uint32_t i = RIB_NONE, mac_index;
    struct neighbor *b;

    if (mac_count(t, net, mac) >= MAC_MAX_IPS)
        return RIB_NONE; /* the MAC table says so */
    if (has_room(t, local))
        i = rib_table_alloc(&t->bindings);
    if (i == RIB_NONE) {
        refuse_full(t, net, mac, ip, now);
        return RIB_NONE;
    }
    mac_index = mac_get(t, net, mac);
    if (mac_index == RIB_NONE) {
        rib_table_free(&t->bindings, i);
        return RIB_NONE;
    }
    b = binding_at(t, i);
    b->mac = mac_index;
    b->mac_next = mac_at(t, mac_index)->first;
    mac_at(t, mac_index)->first = i;
    b->family = ip->family;
    memcpy(b->ip, ip->b, sizeof(b->ip));
    b->flags = ip->family == 6 ? NEIGHBOR_OVERRIDE : 0;
    b->since = b->confirmed = b->at = tenths(now);
    rib_table_link(&t->bindings, i);
    t->full = false;
    return i;
}

/* Nothing speaks for it, and it is not used. */
static void binding_drop(struct neighbors *t, uint32_t i)
{
    uint32_t mac = binding_at(t, i)->mac, *link = &mac_at(t, mac)->first;

    while (*link != i)
        link = &binding_at(t, *link)->mac_next;
    *link = binding_at(t, i)->mac_next;
    rib_table_unlink(&t->bindings, i);
    rib_table_free(&t->bindings, i);
    mac_release(t, mac);
}

static void speak(struct neighbors *t, struct neighbor *b, unsigned add, unsigned take)
{
    unsigned was = b->speaks;

    b->speaks = (uint8_t)((was & ~take) | add);
    t->stats.local += (b->speaks & SPEAKS_LOCAL) - (was & SPEAKS_LOCAL);
}

/* ---- which one is used */

void binding_program(struct neighbors *t, struct neighbor *b)
{
    const struct ipaddr ip = binding_ip(b);
    dp_net_id net = binding_net(t, b);
    bool want = b->state & STATE_USED && b->speaks && t->nets[net].proxy;

    if (want && t->ops.program(t->arg, net, &ip, binding_mac(t, b), b->flags) == 0) {
        b->state |= STATE_ANSWERED;
    } else if (b->state & STATE_ANSWERED) {
        b->state &= (uint8_t)~STATE_ANSWERED;
        t->ops.remove(t->arg, net, &ip);
    }
}

/* In place of `from`, which may be none: one store in the data plane (R4.10). */
static void use(struct neighbors *t, struct neighbor *b, struct neighbor *from)
{
    if (from) {
        b->state |= from->state & STATE_ANSWERED;
        from->state = 0;
    }
    b->state |= STATE_USED;
    binding_program(t, b);
    neighbor_dup_used(t, b);
}

/* The newest of those of the IP that are not used. */
static uint32_t newest_other(const struct neighbors *t, uint32_t used)
{
    const struct neighbor *u = binding_at(t, used);
    const struct ipaddr ip = binding_ip(u);
    dp_net_id net = binding_net(t, u);
    uint32_t best = RIB_NONE;

    for (uint32_t i = binding_first(t, net, &ip); i != RIB_NONE; i = binding_next(t, i, net, &ip))
        if (i != used && (best == RIB_NONE || binding_at(t, i)->since > binding_at(t, best)->since))
            best = i;
    return best;
}

void binding_unspeak(struct neighbors *t, uint32_t i, unsigned speaks)
{
    struct neighbor *b = binding_at(t, i);
    uint32_t other;

    speak(t, b, 0, speaks);
    if (b->speaks)
        return;
    if (b->state & STATE_FROZEN) {
        binding_program(t, b);
        return;
    }
    other = b->state & STATE_USED ? newest_other(t, i) : RIB_NONE;
    if (other != RIB_NONE)
        use(t, binding_at(t, other), b);
    else
        binding_program(t, b);
    binding_drop(t, i);
}

/* R7.5: the new place is used at once. No other one of the IP is local any more. */
static void use_newest(struct neighbors *t, uint32_t i, mono_t now)
{
    struct neighbor *b = binding_at(t, i), *old;
    const struct ipaddr ip = binding_ip(b);
    dp_net_id net = binding_net(t, b);
    uint32_t used = binding_used(t, net, &ip);
    bool was_ours;
    struct mac owner;
    tenths_t heard;

    b->since = tenths(now);
    if (used == RIB_NONE) {
        use(t, b, NULL);
        return;
    }
    old = binding_at(t, used);
    was_ours = old->speaks & SPEAKS_LOCAL;
    owner = binding_mac(t, old);
    heard = old->confirmed;
    use(t, b, old);
    speak(t, old, 0, SPEAKS_LOCAL | SPEAKS_FORMER);
    if (!old->speaks)
        binding_drop(t, used);
    if (!was_ours)
        return; /* its own gateway asks it */
    t->ops.gone(t->arg, net, owner, &ip);
    neighbor_dup_check(t, net, &ip, owner, heard, now);
}

/* Whether a binding of mac may be used from now on in place of the one that is. */
static bool may_take(struct neighbors *t, dp_net_id net, const struct ipaddr *ip, struct mac mac,
                     uint8_t flags, bool routed, mono_t now)
{
    uint32_t i = binding_used(t, net, ip);
    struct neighbor *used = i == RIB_NONE ? NULL : binding_at(t, i);

    /* RFC 9047 section 3.2: only what is immutable as well comes in its place. */
    if (used && used->flags & NEIGHBOR_IMMUTABLE && !(routed && flags & NEIGHBOR_IMMUTABLE)) {
        neighbor_dup_immutable(t, used, mac, routed, now);
        return false;
    }
    return neighbor_dup_may(t, net, ip, used, mac, routed, now);
}

/* ---- frames */

/* RFC 4861 section 7.2.5: without override nothing is taken from another MAC. */
static bool keeps_off(const struct neighbors *t, const struct dp_event *e, uint8_t flags)
{
    uint32_t used = binding_used(t, e->net, &e->ip);

    return e->ip.family == 6 && !(flags & NEIGHBOR_OVERRIDE) && used != RIB_NONE &&
           !mac_eq(binding_mac(t, binding_at(t, used)), e->mac);
}

/* known: the binding of that MAC, if there is one. An NA that does not say so has O as it was before: that is
 * how hosts answer our probes. */
static uint8_t event_flags(const struct dp_event *e, const struct neighbor *known)
{
    uint8_t flags = e->flags & (NEIGHBOR_ROUTER | NEIGHBOR_OVERRIDE);

    if (e->ip.family != 6)
        return 0;
    if (e->evidence != DP_EVIDENCE_NA && e->evidence != DP_EVIDENCE_UNSOLICITED_NA)
        return NEIGHBOR_OVERRIDE;
    if (e->flags & DP_NEIGH_UNSAID)
        flags = (uint8_t)((flags & NEIGHBOR_ROUTER) |
                          (known ? known->flags & NEIGHBOR_OVERRIDE : NEIGHBOR_OVERRIDE));
    return flags;
}

/* The binding is local from now on, if the MAC table takes it. */
static int confirm(struct neighbors *t, uint32_t i, uint8_t flags, mono_t now)
{
    struct neighbor *b = binding_at(t, i);
    const struct ipaddr ip = binding_ip(b);
    bool was_used = b->state & STATE_USED, was_local = b->speaks & SPEAKS_LOCAL, others;
    int rc;

    flags |= b->flags & NEIGHBOR_IMMUTABLE;
    others = flags != b->flags;
    b->flags = flags; /* before the MAC table announces it */
    rc = t->ops.learned(t->arg, binding_net(t, b), binding_mac(t, b), &ip, was_local && others);
    if (rc < 0) {
        binding_unspeak(t, i, SPEAKS_LOCAL);
        return rc;
    }
    speak(t, b, SPEAKS_LOCAL, SPEAKS_FORMER);
    b->confirmed = b->at = tenths(now);
    if (!was_used)
        use_newest(t, i, now);
    else if (others || !(b->state & STATE_ANSWERED))
        binding_program(t, b);
    return 0;
}

int neighbor_seen(struct neighbors *t, const struct dp_event *e, mono_t now)
{
    const dp_port_id port = e->target;
    uint8_t flags;
    uint32_t i;

    if (e->type != DP_EVENT_NEIGHBOUR || e->where != DP_WHERE_PORT || !net_known(t, e->net) ||
        !ipaddr_is_vtep(&e->ip) || mac_is_group(e->mac) || mac_is_zero(e->mac))
        return -EINVAL; /* R7.1; what a VTEP can have, any host can */
    /* A port that the MAC was refused at (R8.4, R5.1, R4.8) says nothing about its IPs either. */
    if (!t->ops.here(t->arg, e->net, e->mac, &port))
        return -ENOENT;
    i = binding_find(t, e->net, e->mac, &e->ip);
    flags = event_flags(e, i == RIB_NONE ? NULL : binding_at(t, i));
    if (i == RIB_NONE || !(binding_at(t, i)->state & STATE_USED)) {
        if (keeps_off(t, e, flags) || !may_take(t, e->net, &e->ip, e->mac, flags, false, now))
            return -EEXIST;
        if (i == RIB_NONE)
            i = binding_add(t, e->net, e->mac, &e->ip, true, now);
        if (i == RIB_NONE)
            return -ENOSPC;
    }
    return confirm(t, i, flags, now);
}

/* ---- routes */

static uint8_t route_flags(const struct ipaddr *ip, uint8_t flags)
{
    /* RFC 9047 section 3: R and O mean nothing with IPv4. */
    return flags &
           (ip->family == 6 ? NEIGHBOR_ROUTER | NEIGHBOR_OVERRIDE | NEIGHBOR_IMMUTABLE : NEIGHBOR_IMMUTABLE);
}

/* A route of a MAC that is here by now: the MAC table announces the IP, unless another MAC has it (R6.2). */
static void route_of_ours(struct neighbors *t, uint32_t i, mono_t now)
{
    struct neighbor *b = binding_at(t, i);
    const struct ipaddr ip = binding_ip(b);
    dp_net_id net = binding_net(t, b);

    if (binding_used(t, net, &ip) == RIB_NONE)
        use_newest(t, i, now);
    if (b->speaks & SPEAKS_LOCAL)
        return;
    if (!(b->state & STATE_USED)) {
        t->ops.gone(t->arg, net, binding_mac(t, b), &ip);
    } else if (t->ops.learned(t->arg, net, binding_mac(t, b), &ip, true) == 0) {
        speak(t, b, SPEAKS_LOCAL, SPEAKS_FORMER); /* and the flags of the route are announced with it */
        b->confirmed = b->at = tenths(now);
    }
}

static void route_here(struct neighbors *t, dp_net_id net, struct mac mac, const struct ipaddr *ip,
                       uint8_t flags, mono_t now)
{
    uint32_t i = binding_find(t, net, mac, ip);
    struct neighbor *b;
    bool known, others;

    if (i == RIB_NONE)
        i = binding_add(t, net, mac, ip, false, now);
    if (i == RIB_NONE)
        return;
    b = binding_at(t, i);
    known = b->speaks & SPEAKS_REMOTE;
    speak(t, b, SPEAKS_REMOTE, SPEAKS_FORMER);
    others = !(b->speaks & SPEAKS_LOCAL) && b->flags != flags;
    if (others)
        b->flags = flags;
    if (b->state & STATE_USED && (others || !(b->state & STATE_ANSWERED)))
        binding_program(t, b); /* a frozen one may have had no voice */
    if (t->ops.here(t->arg, net, mac, NULL))
        route_of_ours(t, i, now);
    else if (!known && !(b->state & STATE_USED) && may_take(t, net, ip, mac, flags, true, now))
        use_newest(t, i, now);
}

void neighbor_route(struct neighbors *t, dp_net_id net, struct mac mac, const struct ipaddr *ip, bool present,
                    uint8_t flags, mono_t now)
{
    uint32_t i;

    if (!net_known(t, net) || (ip->family != 4 && ip->family != 6))
        return;
    if (present) {
        route_here(t, net, mac, ip, route_flags(ip, flags), now);
        return;
    }
    i = binding_find(t, net, mac, ip);
    if (i != RIB_NONE)
        binding_unspeak(t, i, SPEAKS_REMOTE);
}

/* ---- MACs that move */

static void retract(struct neighbors *t, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    /* One MAC moves at a time, and has no more IPs than there is room here. */
    if (t->n_retract < sizeof(t->retract) / sizeof(t->retract[0]))
        t->retract[t->n_retract++] = (struct neighbor_retract){net, mac, *ip};
}

/* It is here now, and the MAC table announces each of these for it (R6.2). */
static void bring_ip(struct neighbors *t, const struct mac_moved *m, const struct ipaddr *ip)
{
    uint32_t i = binding_find(t, m->net, m->mac, ip), used = binding_used(t, m->net, ip);

    if (i == RIB_NONE && used == RIB_NONE)
        i = binding_add(t, m->net, m->mac, ip, true, m->at);
    if (i == RIB_NONE || (used != RIB_NONE && used != i)) {
        retract(t, m->net, m->mac, ip);
        return;
    }
    speak(t, binding_at(t, i), SPEAKS_LOCAL, SPEAKS_FORMER);
    binding_at(t, i)->confirmed = binding_at(t, i)->at = tenths(m->at);
    if (used == RIB_NONE)
        use_newest(t, i, m->at);
    else
        binding_program(t, binding_at(t, i));
}

static void mac_came(struct neighbors *t, const struct mac_moved *m)
{
    struct mac_ip_info ips[MAC_MAX_IPS];
    unsigned n = t->ops.ips(t->arg, m->net, m->mac, ips, MAC_MAX_IPS);

    for (unsigned i = 0; i < n; i++)
        bring_ip(t, m, &ips[i].ip);
}

/* What was local is former; gone: nothing speaks for any. */
static void mac_left(struct neighbors *t, const struct mac_moved *m, bool gone)
{
    uint32_t mac = binding_mac_find(t, m->net, m->mac);

    for (uint32_t i = mac == RIB_NONE ? RIB_NONE : mac_at(t, mac)->first, next; i != RIB_NONE; i = next) {
        struct neighbor *b = binding_at(t, i);

        next = b->mac_next;
        if (gone) {
            binding_unspeak(t, i, SPEAKS_LOCAL | SPEAKS_REMOTE | SPEAKS_FORMER);
        } else if (b->speaks & SPEAKS_LOCAL) {
            speak(t, b, SPEAKS_FORMER, SPEAKS_LOCAL);
            b->at = tenths(m->at);
        }
    }
}

void neighbor_mac_moved(struct neighbors *t, const struct mac_moved *m)
{
    bool here = m->to.where == DP_WHERE_PORT, was_here = m->from.where == DP_WHERE_PORT;

    if (!net_known(t, m->net))
        return;
    if (m->to.where == 0)
        mac_left(t, m, true);
    else if (was_here && !here)
        mac_left(t, m, false);
    else if (here && !was_here && m->from.where != 0)
        mac_came(t, m);
}

void neighbor_settle(struct neighbors *t)
{
    while (t->n_retract > 0) {
        const struct neighbor_retract r = t->retract[--t->n_retract];
        uint32_t i = binding_find(t, r.net, r.mac, &r.ip);

        if (i == RIB_NONE || !(binding_at(t, i)->speaks & SPEAKS_LOCAL))
            t->ops.gone(t->arg, r.net, r.mac, &r.ip);
    }
}
