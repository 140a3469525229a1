/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See bgp_rib_glue.h. A session's user word is its id in the RIB.
 */
#include "controlplane/bgp_rib_glue.h"

#include "conf/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ASK_AGAIN_S 30 /* a peer whose routes find no room again and again */

struct seat {
    struct bgp_session *session;
    mono_t asked; /* for all its routes, as there is room for them again */
};

struct bgp_rib_glue {
    struct evpn_rib *rib;
    unsigned max_peers;
    struct bgp_rib_glue_hooks hooks;
    void *hooks_arg;
    struct seat seats[]; /* by id - 1 */
};

struct bgp_rib_glue *bgp_rib_glue_new(struct evpn_rib *rib, unsigned max_peers)
{
    struct bgp_rib_glue *g = calloc(1, sizeof(*g) + max_peers * sizeof(g->seats[0]));

    if (!g)
        return NULL;
    g->rib = rib;
    g->max_peers = max_peers;
    return g;
}

void bgp_rib_glue_free(struct bgp_rib_glue *g)
{
    free(g);
}

void bgp_rib_glue_set_hooks(struct bgp_rib_glue *g, const struct bgp_rib_glue_hooks *hooks, void *arg)
{
    g->hooks = *hooks;
    g->hooks_arg = arg;
}

rib_peer_id bgp_rib_glue_id(const struct bgp_session *s)
{
    return (rib_peer_id)bgp_session_user(s);
}

struct bgp_session *bgp_rib_glue_session(const struct bgp_rib_glue *g, rib_peer_id peer)
{
    return peer >= 1 && peer <= g->max_peers ? g->seats[peer - 1].session : NULL;
}

/* ---- sessions to RIB */

static int up(void *arg, struct bgp_session *s, const struct bgp_fsm_session *session)
{
    struct bgp_rib_glue *g = arg;
    const struct evpn_rib_session rs = {.router_id = session->peer.router_id, .as4 = session->as4};

    if (g->hooks.changed)
        g->hooks.changed(g->hooks_arg, s, true);
    return evpn_rib_peer_up(g->rib, bgp_rib_glue_id(s), &rs);
}

static void down(void *arg, struct bgp_session *s, bool graceful)
{
    struct bgp_rib_glue *g = arg;

    if (g->hooks.changed)
        g->hooks.changed(g->hooks_arg, s, false);
    evpn_rib_peer_down(g->rib, bgp_rib_glue_id(s), graceful);
}

static void sweep(void *arg, struct bgp_session *s)
{
    struct bgp_rib_glue *g = arg;
    unsigned n = evpn_rib_sweep(g->rib, bgp_rib_glue_id(s));

    if (n)
        log_info("bgp", "%s: %u stale routes dropped", bgp_session_name(s), n);
}

static void update(void *arg, struct bgp_session *s, const struct bgp_update *u)
{
    struct bgp_rib_glue *g = arg;

    evpn_rib_update(g->rib, bgp_rib_glue_id(s), u);
}

static void refresh(void *arg, struct bgp_session *s)
{
    struct bgp_rib_glue *g = arg;

    evpn_rib_refresh(g->rib, bgp_rib_glue_id(s));
}

static size_t pull(void *arg, struct bgp_session *s, uint8_t *msg, size_t size)
{
    struct bgp_rib_glue *g = arg;
    int n = evpn_rib_pull(g->rib, bgp_rib_glue_id(s), msg, size);

    if (n < 0)
        bgp_session_give_up(s, "a route of ours does not fit into an UPDATE");
    if (n == 0 && g->hooks.sent)
        g->hooks.sent(g->hooks_arg);
    return n > 0 ? (size_t)n : 0;
}

const struct bgp_ops bgp_rib_glue_ops = {.up = up,
                                         .down = down,
                                         .stale_end = sweep,
                                         .update = update,
                                         .end_of_rib = sweep,
                                         .refresh = refresh,
                                         .pull = pull};

/* ---- RIB to sessions */

void bgp_rib_glue_writable(struct bgp_rib_glue *g, rib_peer_id peer)
{
    struct bgp_session *s = bgp_rib_glue_session(g, peer);

    if (s)
        bgp_session_wake(s);
}

void bgp_rib_glue_alert(struct bgp_rib_glue *g, rib_peer_id peer, enum evpn_rib_alert alert)
{
    struct bgp_session *s = bgp_rib_glue_session(g, peer);
    const struct evpn_rib_counts *counts;
    const struct bgp_peer_config *c;
    struct evpn_rib_totals totals;

    if (!s)
        return;
    counts = evpn_rib_counts(g->rib, peer);
    evpn_rib_totals(g->rib, &totals);
    c = bgp_session_config(s);
    switch (alert) {
    case EVPN_RIB_WARNING:
        log_warning("bgp", "%s: more than %u %% of its limit of %u routes", bgp_session_name(s),
                    c->warning_percent, c->max_prefixes);
        break;
    case EVPN_RIB_EXCEEDED:
        bgp_session_exceeded(s);
        break;
    case EVPN_RIB_REFUSED:
        log_warning("bgp",
                    "%s: no room for all of its routes (it has %u, all peers %u): those over its share are "
                    "ignored, until there is room again",
                    bgp_session_name(s), counts->macs + counts->vteps, totals.routes);
        break;
    case EVPN_RIB_SLOW:
        bgp_session_give_up(s, "it is too slow to take our withdrawals");
        break;
    case EVPN_RIB_ALERT_N:
        break;
    }
}

static void ask_again(struct bgp_session *s)
{
    if (bgp_session_refresh(s) == 0)
        log_info("bgp", "%s: there is room for its routes again, and it is asked for them",
                 bgp_session_name(s));
    else
        log_warning(
            "bgp",
            "%s: there is room for its routes again, but it does not offer route refresh; clear bgp %s "
            "brings them",
            bgp_session_name(s), bgp_session_name(s));
}

void bgp_rib_glue_poll(struct bgp_rib_glue *g, mono_t now)
{
    for (unsigned i = 0; i < g->max_peers; i++) {
        struct seat *seat = &g->seats[i];

        if (!seat->session ||
            (seat->asked.ns && now.ns - seat->asked.ns < ASK_AGAIN_S * UINT64_C(1000000000)) ||
            !evpn_rib_room_again(g->rib, (rib_peer_id)(i + 1)))
            continue;
        seat->asked = now;
        ask_again(seat->session);
    }
}

/* ---- peers */

static struct evpn_rib_peer rib_config(const struct bgp_peer_config *c, const struct bgp_local *local)
{
    return (struct evpn_rib_peer){.address = c->address,
                                  .ebgp = bgp_peer_is_ebgp(c, local),
                                  .require_encap = c->require_encap,
                                  .max_routes = c->max_prefixes,
                                  .warning_percent = c->warning_percent};
}

/* Its part of the RIB, told to the session. */
static int join(struct bgp_rib_glue *g, struct bgp_session *s, const struct evpn_rib_peer *config)
{
    int id = evpn_rib_peer_add(g->rib, config);

    if (id < 1)
        return id < 0 ? id : -ENOSPC;
    g->seats[id - 1] = (struct seat){.session = s};
    bgp_session_set_user(s, (uintptr_t)id);
    return 0;
}

static void part(struct bgp_rib_glue *g, rib_peer_id id)
{
    evpn_rib_peer_remove(g->rib, id);
    g->seats[id - 1] = (struct seat){.session = NULL};
}

struct bgp_session *bgp_rib_glue_peer_add(struct bgp_rib_glue *g, struct bgp *bgp,
                                          const struct bgp_peer_config *config, char err[BGP_ERR_LEN])
{
    const struct evpn_rib_peer rib = rib_config(config, bgp_local(bgp));
    struct bgp_session *s = bgp_peer_add(bgp, config, err);

    if (!s)
        return NULL;
    if (join(g, s, &rib) < 0) {
        snprintf(err, BGP_ERR_LEN, "BGP: %s: there are %u peers already", bgp_session_name(s), g->max_peers);
        bgp_peer_remove(bgp, s);
        return NULL;
    }
    bgp_session_start(s);
    return s;
}

int bgp_rib_glue_peer_change(struct bgp_rib_glue *g, struct bgp *bgp, struct bgp_session *s,
                             const struct bgp_peer_config *config, char err[BGP_ERR_LEN])
{
    const struct evpn_rib_peer rib = rib_config(config, bgp_local(bgp));
    bool was_ebgp = bgp_peer_is_ebgp(bgp_session_config(s), bgp_local(bgp));
    int rc = bgp_peer_change(bgp, s, config, err);

    if (rc)
        return rc;
    if (was_ebgp == rib.ebgp) {
        evpn_rib_peer_change(g->rib, bgp_rib_glue_id(s), &rib);
        return 0;
    }
    /* Another AS ended the session. The id that was freed is there for join(). */
    part(g, bgp_rib_glue_id(s));
    return join(g, s, &rib);
}

void bgp_rib_glue_peer_remove(struct bgp_rib_glue *g, struct bgp *bgp, struct bgp_session *s)
{
    rib_peer_id id = bgp_rib_glue_id(s);

    bgp_peer_remove(bgp, s); /* tells the RIB that it is down */
    part(g, id);
}

int bgp_rib_glue_soft_clear(struct bgp_rib_glue *g, struct bgp_session *s)
{
    int rc = bgp_session_refresh(s);

    if (rc != -ENOTCONN) {
        evpn_rib_refresh(g->rib, bgp_rib_glue_id(s));
        bgp_session_wake(s);
    }
    return rc;
}
