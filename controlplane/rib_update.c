/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One received UPDATE: which of its routes are to be used, which are ignored and why, and the limit of the
 * peer. Storing them is rib_in.c's.
 *
 * Control thread only.
 */
#include "controlplane/rib.h"

#define ACCEPTED EVPN_RIB_IGNORED_N

/* Whether the RIB holds routes of this type. */
static bool is_held(const struct evpn_nlri *n)
{
    return n->type == EVPN_MACIP || n->type == EVPN_IMET;
}

/* What speaks against all routes of the UPDATE alike. */
static enum evpn_rib_ignored judge_attrs(const struct evpn_rib *rib, const struct rib_peer *p,
                                         const struct bgp_update *u)
{
    const struct bgp_attrs *a = &u->attrs;
    int vxlan = bgp_attrs_is_vxlan(a);

    if (u->verdict >= BGP_TREAT_AS_WITHDRAW)
        return EVPN_RIB_IGNORED_MALFORMED;
    if (bgp_as_path_contains(&a->as_path, rib->config.asn))
        return EVPN_RIB_IGNORED_AS_LOOP;
    if (bgp_attrs_has(a, BGP_ORIGINATOR_ID) && a->originator_id == rib->config.router_id)
        return EVPN_RIB_IGNORED_ORIGINATOR;
    if (vxlan == 0 || (vxlan < 0 && p->config.require_encap))
        return EVPN_RIB_IGNORED_ENCAP;
    return ACCEPTED;
}

static enum evpn_rib_ignored judge_route(const struct evpn_rib *rib, const struct rib_arrival *in,
                                         const struct evpn_nlri *n)
{
    struct ipaddr vtep;

    if (n->etag != 0)
        return EVPN_RIB_IGNORED_TAG;
    if (n->type == EVPN_MACIP && (mac_is_zero(n->mac) || mac_is_group(n->mac)))
        return EVPN_RIB_IGNORED_MAC;
    if (n->type == EVPN_IMET && in->endpoint.family == 0)
        return EVPN_RIB_IGNORED_TUNNEL;
    vtep = rib_arrival_vtep(in, n);
    if (!ipaddr_is_vtep(&vtep) || vtep.family != rib->config.vtep.family ||
        ipaddr_eq(&vtep, &rib->config.vtep))
        return EVPN_RIB_IGNORED_NEXT_HOP;
    return ACCEPTED;
}

/* R2.6: is there room for one more of this peer? */
static bool within_limit(struct evpn_rib *rib, rib_peer_id peer)
{
    struct rib_peer *p = peer_at(rib, peer);

    if (p->config.max_routes == 0)
        return true;
    if (rib_in_counted(p) >= p->config.max_routes) {
        if (!p->exceeded) {
            p->exceeded = true;
            rib->ops.alert(rib->arg, peer, EVPN_RIB_EXCEEDED);
        }
        return false;
    }
    if (p->config.warning_percent && rib_in_counted(p) + 1 >= rib_in_warning_level(p) && !p->warned) {
        p->warned = true;
        rib->ops.alert(rib->arg, peer, EVPN_RIB_WARNING);
    }
    return true;
}

static void withdraw(struct evpn_rib *rib, rib_peer_id peer, const struct evpn_nlri *n, bool only_marked)
{
    uint32_t rd = rib_rd_find(rib, &n->rd, n->etag), i;
    struct rib_key k = rib_key_make(peer, n, rd);

    if (rd == RIB_NONE)
        return;
    i = rib_in_find(rib, &k);
    if (i != RIB_NONE && (!only_marked || route_at(rib, i)->going))
        rib_in_withdraw(rib, &k);
}

static enum evpn_rib_ignored install(struct evpn_rib *rib, rib_peer_id peer, struct rib_arrival *in,
                                     const struct evpn_nlri *n)
{
    uint32_t rd = rib_rd_ref(rib, &n->rd, n->etag), attr, have;
    struct rib_key k = rib_key_make(peer, n, rd);
    enum evpn_rib_ignored why = EVPN_RIB_IGNORED_ROOM;

    if (rd == RIB_NONE)
        return why;
    have = rib_in_find(rib, &k);
    if ((have == RIB_NONE || route_at(rib, have)->stale) && !within_limit(rib, peer)) {
        why = EVPN_RIB_IGNORED_LIMIT;
    } else if ((attr = rib_attr_ref(rib, in, n)) != RIB_NONE) {
        rib_in_place(rib, &k, attr, false);
        if (attr_at(rib, attr)->wrong_label) /* held all the same: the networks may change */
            rib_in_ignore(rib, peer, EVPN_RIB_IGNORED_LABEL);
        rib_attr_unref(rib, attr);
        why = ACCEPTED;
    }
    rib_rd_unref(rib, rd);
    return why;
}

static void announce(struct evpn_rib *rib, rib_peer_id peer, const struct bgp_update *u)
{
    struct rib_peer *p = peer_at(rib, peer);
    enum evpn_rib_ignored verdict = judge_attrs(rib, p, u);
    struct buf_in list = u->reach;
    struct rib_arrival in;
    struct evpn_nlri n;

    if (rib_arrival_init(rib, peer, &in, &u->attrs) < 0 && verdict == ACCEPTED)
        verdict = EVPN_RIB_IGNORED_ROOM;
    while (bgp_update_next(&list, &n)) {
        enum evpn_rib_ignored why = verdict;

        p->counts.announced[n.type < EVPN_RIB_TYPES ? n.type : 0]++;
        if (!is_held(&n)) {
            rib_in_ignore(rib, peer, EVPN_RIB_IGNORED_TYPE);
            continue;
        }
        if (why == ACCEPTED)
            why = judge_route(rib, &in, &n);
        if (why == ACCEPTED)
            why = install(rib, peer, &in, &n);
        if (why == ACCEPTED)
            continue;
        /* The route is no longer what it was, and what it is now cannot be used. */
        if (why == EVPN_RIB_IGNORED_ROOM)
            rib_in_refuse(rib, peer);
        else
            rib_in_ignore(rib, peer, why);
        withdraw(rib, peer, &n, false);
    }
    rib_arrival_fini(rib, &in);
}

/* RFC 4271 section 3.1: a route that the same UPDATE announces is not withdrawn. So all that are withdrawn
 * are marked, what is announced loses its mark, and what still has it goes: linear, however long the lists
 * are. */
static void mark_withdrawn(struct evpn_rib *rib, rib_peer_id peer, const struct bgp_update *u)
{
    struct buf_in list = u->unreach;
    struct evpn_nlri n;

    while (bgp_update_next(&list, &n)) {
        uint32_t rd = is_held(&n) ? rib_rd_find(rib, &n.rd, n.etag) : RIB_NONE;
        struct rib_key k = rib_key_make(peer, &n, rd);

        if (rd != RIB_NONE)
            rib_in_mark_going(rib, &k);
    }
}

/* A MAC that goes from one route to another in one UPDATE is never without any (R4.10): what changed is told
 * at the end, each MAC once. */
void evpn_rib_update(struct evpn_rib *rib, rib_peer_id peer, const struct bgp_update *u)
{
    struct evpn_rib_counts *c = &peer_at(rib, peer)->counts;
    struct buf_in list = u->unreach;
    struct evpn_nlri n;

    if (!peer_at(rib, peer)->up)
        return;
    c->updates++;
    c->announced[0] += u->n_unknown;
    c->ignored[EVPN_RIB_IGNORED_TYPE] += u->n_unknown;
    c->ignored[EVPN_RIB_IGNORED_MALFORMED] += u->n_bad;
    if (u->has_reach) {
        mark_withdrawn(rib, peer, u);
        announce(rib, peer, u);
    }
    while (bgp_update_next(&list, &n)) {
        c->withdrawn++;
        if (is_held(&n))
            withdraw(rib, peer, &n, u->has_reach);
    }
    rib_dests_flush(rib);
}

const char *evpn_rib_ignored_name(enum evpn_rib_ignored why)
{
    static const char *const names[EVPN_RIB_IGNORED_N] = {
        [EVPN_RIB_IGNORED_AS_LOOP] = "AS loop",           [EVPN_RIB_IGNORED_ORIGINATOR] = "own originator id",
        [EVPN_RIB_IGNORED_ENCAP] = "encapsulation",       [EVPN_RIB_IGNORED_NEXT_HOP] = "next hop",
        [EVPN_RIB_IGNORED_TUNNEL] = "tunnel type",        [EVPN_RIB_IGNORED_MAC] = "MAC address",
        [EVPN_RIB_IGNORED_TYPE] = "route type",           [EVPN_RIB_IGNORED_MALFORMED] = "malformed",
        [EVPN_RIB_IGNORED_LIMIT] = "over the limit",      [EVPN_RIB_IGNORED_ROOM] = "no room",
        [EVPN_RIB_IGNORED_CROWD] = "too many of one MAC", [EVPN_RIB_IGNORED_LABEL] = "label",
        [EVPN_RIB_IGNORED_TAG] = "Ethernet tag",
    };

    return (unsigned)why < EVPN_RIB_IGNORED_N ? names[why] : "unknown";
}
