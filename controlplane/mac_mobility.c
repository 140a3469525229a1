/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who owns a MAC (RULES.md section 4, RFC 7432 sections 7.7 and 15), given a frame or a change of the peers'
 * best route. See mactable.h for the order of owners.
 *
 * Tricky: the FDB is always told before the peers, so that frames which they send at once find their way; and
 * each function ends with the FDB, the entry and what is advertised saying the same, for calls do not nest.
 *
 * A lost tie (R4.5) forgets the local place. If the host is here all the same, its next frame is reported by
 * the data plane, for the FDB points away, and wins with the route's sequence + 1. Two hosts with one MAC
 * would go on like that for ever; each turn is a counted move, and R5.1 ends it. So it does for two hosts
 * behind two of our ports, or behind two static peers, where no route is involved.
 *
 * Control thread only.
 */
#include "controlplane/mactable_private.h"

/* ---- comparing */

static const struct ipaddr *route_address(const struct mactable *t, const struct mac_entry *e)
{
    return &t->vteps[e->route_vtep].address;
}

/* R4.5. A gateway reaches another one by the family of the route, so that is the family of ours to compare;
 * where we have none, IPv4 is lower than IPv6. */
static bool route_is_lower(const struct mactable *t, const struct mac_entry *e)
{
    const struct ipaddr *route = route_address(t, e), *own = route->family == 6 ? &t->own6 : &t->own4;

    if (own->family == 0)
        return route->family == 4;
    return memcmp(route->b, own->b, sizeof(own->b)) < 0;
}

/* Whether a route beats our advertisement, both sticky or neither. */
static bool route_wins(const struct mactable *t, const struct mac_entry *e)
{
    int c = mac_seq_cmp(e->route_seq, e->seq);

    return c > 0 || (c == 0 && route_is_lower(t, e));
}

/* R4.4: the route comes from another gateway of the Ethernet segment that this place is on. */
static bool same_segment(const struct mactable *t, const struct mac_entry *e, struct mac_place place)
{
    return e->route_vtep && e->route_es && place.where == DP_WHERE_PORT &&
           t->ports[place.target].es == e->route_es;
}

/* ---- changes of owner */

/* Called with the table as full as it was when there was no room. */
void mac_route_missed(struct mactable *t)
{
    t->stats.routes_missed++;
    t->missed = true;
    t->missed_at = t->count;
}

void mac_follow_route(struct mactable *t, struct mac_slot *s, mono_t now)
{
    struct mac_entry e = mac_slot_changed(s, MAC_EVPN, mac_place_vtep(s->e.route_vtep));
    bool missed;

    mac_dup_release(t, s);
    e.duplicate = e.sticky = false;
    if (s->e.route_vtep && mac_slot_put(t, s, &e, now) == 0) {
        mac_withdraw(t, s);
        return;
    }
    missed = s->e.route_vtep != 0;
    mac_withdraw(t, s);
    mac_slot_remove(t, s);
    if (missed)
        mac_route_missed(t);
}

/* The sequence of a MAC that has just become local (R4.2, R4.3, R4.4, R4.8). It must beat what other gateways
 * may hold, so routes to a VTEP that is lost to us alone count too. */
static uint32_t local_seq(const struct mactable *t, const struct mac_entry *e)
{
    uint32_t lost;

    if (e->sticky)
        return 0;
    if (t->ops.lost_seq && t->ops.lost_seq(t->arg, e->net, e->mac, &lost) &&
        (!e->route_vtep || mac_seq_cmp(lost, e->route_seq) > 0))
        return lost + 1;
    if (!e->route_vtep)
        return 0;
    return same_segment(t, e, mac_place_of(e)) ? e->route_seq : e->route_seq + 1;
}

/* It is at this port now, and was not ours before. */
static void become_local(struct mactable *t, struct mac_slot *s, struct mac_place port, mono_t now)
{
    struct mac_entry e = mac_slot_changed(s, MAC_LOCAL, port);

    e.sticky = t->ports[port.target].sticky;
    e.seq = local_seq(t, &e);
    if (mac_slot_put(t, s, &e, now) < 0) {
        mac_refuse_full(t, s->e.net, port.target);
        return;
    }
    mac_ips_take_over(s);
    mac_advertise(t, s);
}

static void change_port(struct mactable *t, struct mac_slot *s, struct mac_place port, mono_t now)
{
    struct mac_entry e = mac_slot_changed(s, MAC_LOCAL, port);
    bool said =
        e.sticky == t->ports[port.target].sticky && t->ports[s->e.target].es == t->ports[port.target].es;

    e.sticky = t->ports[port.target].sticky;
    if (e.sticky)
        e.seq = 0;
    else if (!said && e.route_vtep && mac_seq_cmp(e.route_seq, e.seq) >= 0)
        e.seq = local_seq(t, &e); /* it left a shared segment */
    if (mac_slot_put(t, s, &e, now) < 0)
        mac_refuse_full(t, s->e.net, port.target);
    else if (!said) /* else nobody needs to know: what the route says of the place is the same */
        mac_advertise(t, s);
}

/* ---- frames */

static void learn(struct mactable *t, const struct dp_event *event, struct mac_place place)
{
    struct mac_entry e = {
        .net = event->net,
        .mac = event->mac,
        .origin = place.where == DP_WHERE_PORT ? MAC_LOCAL : MAC_REMOTE,
        .where = event->where,
        .target = place.target,
        .since = t->event.at,
    };
    struct mac_slot *s;

    if (!mac_network_accepts(t, e.net, place) || !mac_port_accepts(t, e.net, place))
        return;
    if (e.origin == MAC_LOCAL) {
        e.sticky = t->ports[place.target].sticky;
        e.seq = local_seq(t, &e);
    }
    s = mac_slot_add(t, &e);
    if (s && e.origin == MAC_LOCAL)
        mac_advertise(t, s); /* R3.6: at once; R4.2: without a sequence, as nobody else has it */
}

/* R5.1: a frame at another place counts, wherever the two places are; behind two links of one Ethernet
 * segment it is at one place (R4.4). */
static bool is_move(const struct mactable *t, const struct mac_entry *e, struct mac_place port)
{
    if (e->origin == MAC_LOCAL)
        return t->ports[port.target].es == 0 || t->ports[port.target].es != t->ports[e->target].es;
    return e->origin != MAC_EVPN || !same_segment(t, e, port);
}

/* A frame of a MAC that is known elsewhere came in by a port. The network's limit is not asked, for the
 * network does not grow; the new port's is (R8.4). */
static void seen_here(struct mactable *t, struct mac_slot *s, struct mac_place port, mono_t now)
{
    struct mac_entry *e = &s->e;

    if (e->duplicate)
        return;
    if (e->origin == MAC_EVPN && e->route_sticky && !same_segment(t, e, port)) {
        mac_sticky_moved(t, s, port, false, now);
        return;
    }
    if (!mac_port_accepts(t, e->net, port))
        return;
    if (is_move(t, e, port) && mac_dup_count(t, s, port, now))
        return;
    if (e->origin == MAC_LOCAL)
        change_port(t, s, port, now);
    else
        become_local(t, s, port, now);
}

/* A frame of a MAC that is known elsewhere came from a static peer. */
static void seen_at_peer(struct mactable *t, struct mac_slot *s, struct mac_place vtep, mono_t now)
{
    struct mac_entry e = mac_slot_changed(s, MAC_REMOTE, vtep);

    if (s->e.origin == MAC_EVPN || s->e.duplicate || mac_dup_count(t, s, vtep, now))
        return;
    if (s->e.route_vtep) {
        mac_follow_route(t, s, now); /* not here any more; and a route beats a static peer */
        return;
    }
    e.seq = 0;
    if (mac_slot_put(t, s, &e, now) < 0) {
        mac_refuse_full(t, s->e.net, vtep.target);
        return;
    }
    mac_withdraw(t, s);
}

/* Each worker keeps what it saw for a moment before it tells it (dataplane/report.h), so of a MAC that went
 * from one worker's port to another's the earlier frame may be told of last. A place that a frame gave it is
 * not lost to one that was before that frame. */
static bool came_before(const struct dp_event *event, const struct mac_entry *e)
{
    return (e->origin == MAC_LOCAL || e->origin == MAC_REMOTE) && event->at.ns != 0 &&
           event->at.ns < e->since.ns;
}

void mactable_source_seen(struct mactable *t, const struct dp_event *event, mono_t now)
{
    struct mac_place place = {event->target, (uint8_t)event->where};
    struct mac_slot *s;

    if (event->type != DP_EVENT_SOURCE || !mac_net_known(t, event->net) || !mac_place_valid(place) ||
        mac_is_group(event->mac) || mac_is_zero(event->mac))
        return;
    if (event->at.ns > now.ns) /* it came while those before it were dealt with */
        now = event->at;
    t->event = (struct mac_event){.cause = MAC_BY_FRAME,
                                  .evidence = (enum dp_evidence)event->evidence,
                                  .at = event->at.ns ? event->at : now};
    if (mac_own_claimed(t, event->net, event->mac, place, now))
        return;
    s = mac_slot_find(t, event->net, event->mac);
    if (!s) {
        learn(t, event, place);
        return;
    }
    /* The worker reports a new MAC once per frame until the FDB has it, so most repeats end here. */
    if (s->e.origin == MAC_FLOOD || mac_place_eq(mac_place_of(&s->e), place) || came_before(event, &s->e))
        return;
    if (s->e.origin == MAC_STATIC || s->e.sticky)
        mac_sticky_moved(t, s, place, false, now);
    else if (place.where == DP_WHERE_PORT)
        seen_here(t, s, place, now);
    else
        seen_at_peer(t, s, place, now);
}

/* ---- routes */

/* A gateway of the same segment has it, too: no move; the highest sequence is repeated (R4.4). */
static void share(struct mactable *t, struct mac_slot *s)
{
    if (s->e.sticky || s->e.duplicate || mac_seq_cmp(s->e.route_seq, s->e.seq) <= 0)
        return;
    s->e.seq = s->e.route_seq;
    mac_advertise(t, s);
}

/* R4.5: the route's gateway has it. The last route that is followed when that makes it a duplicate; or when
 * it is one, frozen at a place of ours: all others follow that route, and nobody else advertises it any more.
 */
static void yield(struct mactable *t, struct mac_slot *s, mono_t now)
{
    struct mac_place vtep = mac_place_vtep(s->e.route_vtep);
    bool counted = !s->e.sticky && !s->e.route_sticky && !s->e.duplicate;
    bool frozen = s->e.duplicate || (counted && mac_dup_count(t, s, vtep, now));
    struct mac_entry e = mac_slot_changed(s, MAC_EVPN, vtep);

    if (frozen && mac_slot_put(t, s, &e, now) == 0)
        mac_withdraw(t, s); /* frozen, so it stays there */
    else
        mac_follow_route(t, s, now);
}

static void local_meets_route(struct mactable *t, struct mac_slot *s, mono_t now)
{
    struct mac_entry *e = &s->e;
    bool goes = e->sticky != e->route_sticky ? e->route_sticky : route_wins(t, e);

    if (same_segment(t, e, mac_place_of(e))) {
        share(t, s);
        return;
    }
    if (e->sticky || e->route_sticky)
        mac_sticky_moved(t, s, mac_place_vtep(e->route_vtep), goes, now);
    if (goes)
        yield(t, s, now);
}

static void add_routed(struct mactable *t, dp_net_id net, struct mac mac, const struct mac_route *best,
                       mono_t now)
{
    struct mac_entry e = {
        .net = net,
        .mac = mac,
        .origin = MAC_EVPN,
        .where = DP_WHERE_VTEP,
        .target = best->vtep,
        .since = now,
        .route_vtep = best->vtep,
        .route_seq = best->seq,
        .route_es = best->es,
        .route_sticky = best->sticky,
    };

    if (!mac_slot_add(t, &e))
        mac_route_missed(t);
}

/* True when the entry knows another best route than before. */
static bool note_route(struct mac_entry *e, const struct mac_route *best)
{
    struct mac_route b = best ? *best : (struct mac_route){0};
    bool same = e->route_vtep == b.vtep && e->route_seq == b.seq && e->route_es == b.es &&
                e->route_sticky == b.sticky;

    e->route_vtep = b.vtep;
    e->route_seq = b.seq;
    e->route_es = b.es;
    e->route_sticky = b.sticky;
    return !same;
}

/* R4.4: whether the MAC is where it was, behind another gateway of the Ethernet segment that it was on. */
static bool on_same_segment(const struct mac_entry *e, uint16_t was_es)
{
    return was_es != 0 && e->route_vtep && e->route_es == was_es;
}

/* was_es: the segment of the route before. */
static void route_changed(struct mactable *t, struct mac_slot *s, uint16_t was_es, mono_t now)
{
    bool route = s->e.route_vtep != 0;

    switch (s->e.origin) {
    case MAC_FLOOD:
        break;
    case MAC_STATIC:
        if (route && !mac_place_eq(mac_place_of(&s->e), mac_place_vtep(s->e.route_vtep)))
            mac_sticky_moved(t, s, mac_place_vtep(s->e.route_vtep), false, now);
        break;
    case MAC_LOCAL: /* R4.7: what is withdrawn elsewhere takes nothing from here */
        if (route)
            local_meets_route(t, s, now);
        break;
    case MAC_REMOTE: /* learned from a static peer: any route is better (R1.10) */
        if (route && s->e.duplicate)
            yield(t, s, now);
        else if (route)
            mac_follow_route(t, s, now);
        break;
    case MAC_EVPN: /* whatever the sequence is: the RIB has compared, and an old path may be gone (R4.7) */
        if (s->e.duplicate)
            break;
        if (!on_same_segment(&s->e, was_es) || mac_slot_redirect(t, s, mac_place_vtep(s->e.route_vtep)) < 0)
            mac_follow_route(t, s, now);
        break;
    }
}

void mactable_remote(struct mactable *t, dp_net_id net, struct mac mac, const struct mac_route *best,
                     mono_t now)
{
    struct mac_slot *s;
    uint16_t was_es;

    if (!mac_net_known(t, net) || mac_is_group(mac) || mac_is_zero(mac) ||
        (best && !mac_place_valid(mac_place_vtep(best->vtep))))
        return;
    mac_event(t, MAC_BY_ROUTE, now);
    if (best && mac_own_claimed(t, net, mac, mac_place_vtep(best->vtep), now))
        return;
    if (best)
        t->vteps[best->vtep].address = best->address;
    s = mac_slot_find(t, net, mac);
    if (s) {
        was_es = s->e.route_es;
        if (note_route(&s->e, best))
            route_changed(t, s, was_es, now);
    } else if (best) {
        add_routed(t, net, mac, best, now);
    }
}
