/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One burst: looks where the MAC is, and sends what R6.3 and R6.4 ask for, as far as the limit lets it. The
 * limit is the generic cell rate algorithm: its state is the time at which the next frame would be on
 * schedule. Control thread only.
 */
#include "controlplane/announce_frame.h"
#include "controlplane/announce_private.h"

#include <errno.h>

/* ---- the limit */

/* Repeats leave half a second's worth, so that who moves next does not wait behind them. */
static bool limit_allows(const struct announce *a, const struct announce_network *n, bool repeat)
{
    uint64_t from = n->schedule > a->now ? n->schedule : a->now;

    return from + a->cost <= a->now + a->depth - (repeat ? a->reserve : 0);
}

static void limit_take(const struct announce *a, struct announce_network *n)
{
    n->schedule = (n->schedule > a->now ? n->schedule : a->now) + a->cost;
}

/* ---- the frames of a burst */

struct burst {
    struct announce *a;
    struct announce_network *n;
    struct announce_entry *e;
    unsigned k; /* frames so far, those that were out before included */
    int rc;     /* 0: go on; -EAGAIN: the limit; -ENOBUFS */
};

/* The next frame of the burst. False: the burst stops here. */
static bool burst_put(struct burst *b, enum announce_kind kind, dp_port_id port, dp_port_id except,
                      const uint8_t *frame, size_t len)
{
    struct announce_counts *c = &b->n->counts;
    int rc;

    if (b->k++ < b->e->out)
        return true;
    if (!limit_allows(b->a, b->n, b->e->bursts > 0)) {
        b->rc = -EAGAIN;
        return false;
    }
    rc = b->a->ops.send(b->a->arg, b->n->id, port, except, frame, len);
    c->failed += rc != 0;
    if (rc == -ENOBUFS) {
        b->rc = rc;
        return false;
    }
    if (rc == 0) {
        limit_take(b->a, b->n);
        c->sent[kind]++;
        b->e->sent++;
    }
    b->e->out++;
    return true;
}

/* R6.3 for one IP. */
static bool burst_ip(struct burst *b, dp_port_id except, const struct ipaddr *ip)
{
    const struct announce_ops *ops = &b->a->ops;
    uint8_t f[ANNOUNCE_FRAME_MAX];
    struct mac mac = b->e->mac;
    bool router;

    if (ip->family == 6) {
        router = ops->is_router && ops->is_router(b->a->arg, b->n->id, mac, ip);
        return burst_put(b, ANNOUNCE_NA, DP_ALL_PORTS, except, f, announce_frame_na(f, mac, ip, router));
    }
    return burst_put(b, ANNOUNCE_GARP_REQUEST, DP_ALL_PORTS, except, f,
                     announce_frame_garp(f, mac, ip, false)) &&
           burst_put(b, ANNOUNCE_GARP_REPLY, DP_ALL_PORTS, except, f, announce_frame_garp(f, mac, ip, true));
}

/* R6.3: to where the MAC is not. */
static bool burst_around(struct burst *b, const struct ipaddr *ips, unsigned n_ips)
{
    dp_port_id except = b->e->place.where == DP_WHERE_PORT ? b->e->place.target : DP_NO_PORT;
    const struct announce_ops *ops = &b->a->ops;
    uint8_t f[ANNOUNCE_FRAME_MAX];

    if (ops->reaches && !ops->reaches(b->a->arg, b->n->id, except))
        return true;
    if (n_ips == 0)
        return burst_put(b, ANNOUNCE_RARP, DP_ALL_PORTS, except, f, announce_frame_rarp(f, b->e->mac));
    for (unsigned i = 0; i < n_ips; i++) {
        if (!burst_ip(b, except, &ips[i]))
            return false;
    }
    return true;
}

/* R6.4: to where it is. */
static bool burst_gateways(struct burst *b)
{
    dp_port_id port = b->e->place.target;
    uint8_t f[ANNOUNCE_FRAME_MAX];

    if (!b->e->arrived || b->e->place.where != DP_WHERE_PORT || port == DP_OWN_PORT)
        return true;
    for (size_t i = 0; i < b->n->n_routers; i++) {
        const struct conf_router *r = &b->n->routers[i];

        for (int reply = 0; reply < (r->address.family == 4 ? 2 : 1); reply++) {
            if (!burst_put(b, ANNOUNCE_GATEWAY, port, DP_NO_PORT, f,
                           announce_frame_gateway(f, b->a->own, b->e->mac, r, reply)))
                return false;
        }
    }
    return true;
}

/* Keyed with the secret of the table: which addresses there are, hosts decide. */
static uint64_t digest(const struct announce *a, const struct ipaddr *ips, unsigned n)
{
    uint64_t d = n;

    for (unsigned i = 0; i < n; i++) {
        uint64_t word[3] = {ips[i].family};

        memcpy(&word[1], ips[i].b, 16);
        for (unsigned k = 0; k < 3; k++) {
            unsigned __int128 m = (unsigned __int128)(d ^ word[k] ^ a->key[0]) * (a->key[1] | 1);

            d = (uint64_t)m ^ (uint64_t)(m >> 64);
        }
    }
    return d;
}

int announce_burst(struct announce *a, struct announce_network *n, struct announce_entry *e)
{
    struct burst b = {.a = a, .n = n, .e = e};
    struct ipaddr ips[ANNOUNCE_MAX_IPS];
    struct mac_place place = {0};
    unsigned n_ips = 0;
    uint64_t d;

    if (!a->ops.look(a->arg, e->net, e->mac, &place, ips, ANNOUNCE_MAX_IPS, &n_ips) ||
        (place.where != DP_WHERE_PORT && place.where != DP_WHERE_VTEP))
        return 0;
    d = digest(a, ips, n_ips);
    if (place.where != e->place.where || place.target != e->place.target || d != e->ips)
        e->out = 0; /* it was for something else */
    e->place = place;
    e->ips = d;
    if (!burst_around(&b, ips, n_ips) || !burst_gateways(&b))
        return b.rc;
    return 0;
}

static bool has_ip(const struct ipaddr *ips, unsigned n, const struct ipaddr *ip)
{
    unsigned i = 0;

    while (i < n && !ipaddr_eq(&ips[i], ip))
        i++;
    return i < n;
}

int announce_burst_ip(struct announce *a, struct announce_network *n, struct announce_entry *e,
                      const struct ipaddr *ip)
{
    struct announce_entry first = *e; /* counts as a first burst; where the next one is stays as it is */
    struct burst b = {.a = a, .n = n, .e = &first};
    struct ipaddr ips[ANNOUNCE_MAX_IPS];
    struct mac_place place = {0};
    dp_port_id except;
    unsigned n_ips = 0;

    first.out = first.bursts = 0;
    if (!a->ops.look(a->arg, e->net, e->mac, &place, ips, ANNOUNCE_MAX_IPS, &n_ips) ||
        !has_ip(ips, n_ips, ip) || place.where != e->place.where || place.target != e->place.target)
        return 0;
    except = place.where == DP_WHERE_PORT ? place.target : DP_NO_PORT;
    if (a->ops.reaches && !a->ops.reaches(a->arg, n->id, except))
        return 0;
    (void)burst_ip(&b, except, ip);
    e->sent = first.sent;
    return b.rc;
}
