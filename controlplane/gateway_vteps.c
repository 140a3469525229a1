/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The VTEPs of a running gateway: the configured peers, and those that BGP tells of. A VTEP has its id for as
 * long as anything refers to it: a configured network, a flood list, or a MAC's best route. What nobody
 * refers to is let go by the poll timer, not at once, so that a route that is withdrawn and comes back finds
 * its VTEP resolved. One that the underlay lost stays as long as a peer has a route to it, although nothing
 * here follows that: else nobody would see that it is back.
 *
 * Ids are few, and shared among the peers by who told of a VTEP first (share.h). What was refused is
 * remembered as one mark: when an id is free again the overlay goes through all routes once more.
 *
 * Control thread only.
 */
#include "controlplane/gateway_fastpath.h"
#include "controlplane/gateway_private.h"

#include "conf/log.h"
#include "controlplane/overlay.h"
#include "controlplane/share.h"

#include <errno.h>
#include <stdlib.h>

#define LOST_LINES   16 /* in one turn; more are summed up */
#define ROOM_QUIET_S 60

dp_vtep_id gateway_vtep_find(const struct gateway *g, const struct ipaddr *address)
{
    dp_vtep_id last = g->priv->last_vtep; /* routes come in runs from one VTEP */

    if (last >= 1 && last <= g->n_vteps && ipaddr_eq(&g->vteps[last - 1].address, address))
        return last;
    for (unsigned i = 0; i < g->n_vteps; i++)
        if (ipaddr_eq(&g->vteps[i].address, address))
            return g->priv->last_vtep = g->vteps[i].id;
    return 0;
}

/* An id that is not in use, or 0: none is left, or none for this peer. */
static dp_vtep_id free_id(const struct gateway *g, uint16_t peer)
{
    unsigned mine = 0, used = 0;
    dp_vtep_id id = 0;

    for (unsigned i = 0; i < g->n_vteps; i++) {
        if (g->vteps[i].address.family == 0) {
            id = id ? id : (dp_vtep_id)(i + 1);
            continue;
        }
        used++;
        mine += g->vteps[i].peer == peer;
    }
    if (!share_allows(mine, used, g->max_vteps, 1))
        return 0;
    /* New ids first: counters of one that was in use before go on from where they were. */
    return g->n_vteps < g->max_vteps ? (dp_vtep_id)(g->n_vteps + 1) : id;
}

static void refuse(struct gateway *g, const struct ipaddr *address, uint16_t peer)
{
    const struct bgp_session *s = overlay_session(g->overlay, peer);
    char text[IPADDR_STRLEN], more[QUIET_TEXT];
    uint64_t held;

    g->priv->vteps_missed = true;
    if (quiet_over(&g->priv->quiet_vteps, mono_now(), ROOM_QUIET_S, &held))
        log_warning("gateway",
                    "no room for VTEP %s of BGP peer %s: its routes wait until others of the %u go%s",
                    ipaddr_format(address, text), s ? bgp_session_name(s) : "?", g->max_vteps,
                    quiet_more(held, more));
}

dp_vtep_id gateway_vtep_get(struct gateway *g, const struct ipaddr *address, uint16_t peer)
{
    dp_vtep_id id = gateway_vtep_find(g, address);
    struct gateway_vtep *v;

    if (id && g->vteps[id - 1].kept && !g->vteps[id - 1].peer)
        g->vteps[id - 1].peer = peer;
    if (id || address->family != g->conf->underlay.address.family)
        return id;
    id = free_id(g, peer);
    if (!id || underlay_track(g->underlay, address) < 0) {
        refuse(g, address, peer);
        return 0;
    }
    v = &g->vteps[id - 1];
    *v = (struct gateway_vtep){.id = id, .address = *address, .peer = peer};
    memset(&g->priv->hop_seen[id - 1], 0, sizeof(g->priv->hop_seen[0]));
    if (id > g->n_vteps)
        g->n_vteps = id;
    gateway_topology_changed(g);
    return id;
}

int gateway_vtep_flood(struct gateway *g, dp_net_id net, const struct ipaddr *address, uint16_t peer)
{
    dp_vtep_id id = peer ? gateway_vtep_get(g, address, peer) : gateway_vtep_find(g, address);
    int changed = id ? topology_flood(&g->priv->topology, net, id, peer != 0) : 0;

    if (changed <= 0)
        return changed;
    if (peer)
        g->vteps[id - 1].floods++;
    else
        g->vteps[id - 1].floods--;
    gateway_topology_changed(g);
    return 0;
}

/* ---- configured */

/* Room in ids for those that are not there yet. */
static bool has_room(const struct gateway *g, const struct gateway_vtep *wanted, unsigned n)
{
    unsigned free = g->max_vteps, more = 0;

    for (unsigned i = 0; i < g->n_vteps; i++)
        free -= g->vteps[i].address.family != 0;
    for (unsigned i = 0; i < n; i++)
        more += gateway_vtep_find(g, &wanted[i].address) == 0;
    return more <= free;
}

/* New ids first, as in free_id(). */
static dp_vtep_id static_id(const struct gateway *g, const struct ipaddr *address)
{
    dp_vtep_id id = gateway_takeover_vtep(g, address);
    unsigned i = 0;

    if (id && g->vteps[id - 1].address.family == 0)
        return id;
    while (i < g->n_vteps && g->vteps[i].address.family)
        i++;
    return (dp_vtep_id)(g->n_vteps < g->max_vteps ? g->n_vteps + 1u : i + 1);
}

static int add_static(struct gateway *g, const struct ipaddr *address)
{
    dp_vtep_id id = gateway_vtep_find(g, address);
    int rc;

    if (id) {
        g->vteps[id - 1].is_static = true;
        return 0;
    }
    rc = underlay_track(g->underlay, address);
    if (rc < 0)
        return rc;
    id = static_id(g, address);
    g->vteps[id - 1] = (struct gateway_vtep){.id = id, .address = *address, .is_static = true};
    memset(&g->priv->hop_seen[id - 1], 0, sizeof(g->priv->hop_seen[0]));
    if (id > g->n_vteps)
        g->n_vteps = id;
    return 0;
}

int gateway_vteps_configure(struct gateway *g, const struct conf *conf)
{
    struct gateway_vtep *wanted = NULL;
    unsigned n = 0;
    int rc = topology_collect_vteps(conf, &wanted, &n);

    if (rc == 0 && !has_room(g, wanted, n))
        rc = -E2BIG;
    if (rc == 0)
        for (unsigned i = 0; i < g->n_vteps; i++)
            g->vteps[i].is_static = false;
    for (unsigned i = 0; i < n && rc == 0; i++)
        rc = add_static(g, &wanted[i].address);
    free(wanted);
    return rc == -E2BIG ? -ENOSPC : rc;
}

/* ---- missed */

bool gateway_vteps_missed(struct gateway *g)
{
    bool again = g->priv->vteps_missed && g->priv->vteps_freed;

    if (again)
        g->priv->vteps_missed = false;
    g->priv->vteps_freed = false;
    return again;
}

void gateway_vtep_count_mac(struct gateway *g, dp_vtep_id id, int change)
{
    if (id >= 1 && id <= g->n_vteps)
        g->vteps[id - 1].macs += (uint32_t)change;
}

static const struct log_fields *vtep_fields(struct log_fields *f, const char *event,
                                            const struct gateway_vtep *v)
{
    char text[IPADDR_STRLEN];

    log_field(f, "event", "%s", event);
    log_field(f, "vtep", "%s", ipaddr_format(&v->address, text));
    return f;
}

/* One that no peer has a route to is the business of the underlay's own lines alone. */
static void lose(struct gateway *g, struct gateway_vtep *v, enum underlay_state state, bool say)
{
    struct log_fields f = {0};
    char text[IPADDR_STRLEN];

    if (evpn_rib_vtep_lost(overlay_rib(g->overlay), &v->address) < 0)
        return; /* no memory; tried again at the next change */
    v->lost = true;
    if (say && evpn_rib_vtep_used(overlay_rib(g->overlay), &v->address))
        log_event(LOG_LEVEL_WARNING, "gateway", vtep_fields(&f, "vtep-lost", v),
                  "VTEP %s is lost (%s): %u MAC routes and %u flood lists do without it",
                  ipaddr_format(&v->address, text), underlay_state_text(state), v->macs, v->floods);
}

static void find(struct gateway *g, struct gateway_vtep *v, bool say)
{
    struct log_fields f = {0};
    char text[IPADDR_STRLEN];

    evpn_rib_vtep_found(overlay_rib(g->overlay), &v->address);
    v->lost = false;
    if (say && evpn_rib_vtep_used(overlay_rib(g->overlay), &v->address))
        log_event(LOG_LEVEL_INFO, "gateway", vtep_fields(&f, "vtep-back", v),
                  "VTEP %s is back: its routes are followed again", ipaddr_format(&v->address, text));
}

/* What the RIB did not take from a lost VTEP: frozen duplicates, whose place is gone now. Not at a static
 * peer: what was learned from its frames has no other place to be, and would have to be learned again. */
static void forget_frozen(struct gateway *g)
{
    for (unsigned i = 0; i < g->n_vteps; i++) {
        const struct gateway_vtep *v = &g->vteps[i];

        if (v->lost && !v->is_static && mactable_count_at(g->macs, DP_WHERE_VTEP, v->id) > 0)
            mactable_clear_at(g->macs, DP_WHERE_VTEP, v->id, mono_now());
    }
}

void gateway_vteps_judge(struct gateway *g)
{
    unsigned changed = 0;

    for (unsigned i = 0; g->overlay && i < g->n_vteps; i++) {
        struct gateway_vtep *v = &g->vteps[i];
        const struct underlay_hop *hop = v->address.family ? underlay_hop(g->underlay, &v->address) : NULL;

        if (!hop || underlay_is_lost(hop->state, v->lost) == v->lost)
            continue;
        if (v->lost)
            find(g, v, changed < LOST_LINES);
        else
            lose(g, v, hop->state, changed < LOST_LINES);
        changed++;
    }
    if (changed == 0)
        return;
    if (changed > LOST_LINES)
        log_warning("gateway", "%u more VTEPs are lost or back", changed - LOST_LINES);
    evpn_rib_vteps_apply(overlay_rib(g->overlay));
    forget_frozen(g);
}

/* The RIB remembers the lost ones for as long as somebody has a route to them. */
static bool is_awaited(struct gateway *g, struct gateway_vtep *v)
{
    if (!v->lost || !g->overlay)
        return false;
    if (evpn_rib_vtep_used(overlay_rib(g->overlay), &v->address))
        return true;
    find(g, v, false);
    evpn_rib_vteps_apply(overlay_rib(g->overlay));
    return false;
}

/* Ids that are let go are published as free at once: who gets one in this turn of the loop has MACs there
 * before it is in the topology, and their frames must not go to the one before. */
void gateway_vteps_sweep(struct gateway *g)
{
    unsigned freed = 0;

    for (unsigned i = 0; i < g->n_vteps; i++) {
        struct gateway_vtep *v = &g->vteps[i];

        if (v->address.family == 0 || v->is_static || v->kept || v->floods || v->macs ||
            mactable_count_at(g->macs, DP_WHERE_VTEP, v->id) > 0 || is_awaited(g, v))
            continue;
        underlay_untrack(g->underlay, &v->address);
        v->address.family = 0;
        g->priv->vteps_freed = true;
        freed++;
    }
    if (freed > 0)
        gateway_publish(g);
}
