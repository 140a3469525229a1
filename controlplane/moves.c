/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See moves.h. Here: the marks in the FDB, what is done when a MAC moves, and the one timer behind it all.
 *
 * Tricky: op `moved` comes from deep within the MAC table, which may not be called from there; what must call
 * it (the end of a prepared move) waits for the timer, which then is due at once. What the timer does may
 * make it due again.
 */
#include "controlplane/moves_private.h"

#include "controlplane/announce.h"
#include "controlplane/gateway_private.h"
#include "controlplane/overlay.h"
#include "controlplane/rehearse.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#define NS_PER_S 1000000000ull

static bool is_place(struct mac_place p)
{
    return p.where == DP_WHERE_PORT || p.where == DP_WHERE_VTEP;
}

/* ---- marks */

struct dp_dest moves_mark(const struct moves *m, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    const struct mac_entry *e;
    struct dp_dest old;

    if (dest.is_static || dest.where == DP_WHERE_FLOOD)
        return dest;
    if (!fwd_fdb_get(m->g->fwd, net, mac, &old)) {
        const struct move_gone *gone = move_gones_find(m->gones, net, mac, mono_now());

        dest.watch = gone && (gone->from.where != dest.where || gone->from.target != dest.target);
        return dest;
    }
    if (old.is_static || old.where == DP_WHERE_FLOOD)
        return dest;
    if (old.where == dest.where && old.target == dest.target) {
        dest.bounce = old.bounce;
        dest.watch = old.watch;
        return dest;
    }
    dest.watch = true;
    if (!m->bounce || dest.where != DP_WHERE_VTEP)
        return dest;
    /* R6.5: it left this site, or did so shortly before, and a route says for where. A static peer's frames
     * are no word of a gateway that has it: it may be a loop. */
    e = mactable_find(m->g->macs, net, mac);
    dest.bounce = (old.where == DP_WHERE_PORT || old.bounce) && e && e->route_vtep == dest.target;
    return dest;
}

/* ---- a move */

/* Of one that is on the list no longer. */
static void end_bounce(struct moves *m, const struct move_bounce *over)
{
    struct dp_dest dest;

    moves_journal_bounced(m, over->net, over->mac);
    if (!fwd_fdb_get(m->g->fwd, over->net, over->mac, &dest) || !dest.bounce)
        return;
    dest.bounce = false;
    fwd_fdb_set(m->g->fwd, over->net, over->mac, dest);
}

/* Keeps the list of bounces as the FDB has the mark; true: it bounces now. */
static bool follow_bounce(struct moves *m, const struct mac_moved *moved, mono_t now)
{
    struct move_bounce ended;
    struct dp_dest dest;
    uint32_t frames;
    bool full;

    if (!is_place(moved->from))
        return false;
    if (!fwd_fdb_get(m->g->fwd, moved->net, moved->mac, &dest) || !dest.bounce) {
        move_bounces_drop(m->bounces, moved->net, moved->mac);
        return false;
    }
    if (moved->from.where == DP_WHERE_VTEP)
        return true; /* on to another one: the time of the first holds */
    full = move_bounces_begin(m->bounces, moved->net, moved->mac,
                              fwd_bounce_counter(m->g->fwd, moved->net, moved->mac, &frames), now, &ended);
    if (full)
        end_bounce(m, &ended);
    return !full || ended.net != moved->net || !mac_eq(ended.mac, moved->mac);
}

static bool is_configured(enum mac_origin origin)
{
    return origin == MAC_STATIC || origin == MAC_FLOOD;
}

static bool went(const struct mac_moved *m)
{
    return m->to.where == 0 &&
           ((m->before == MAC_EVPN && m->cause == MAC_BY_ROUTE && m->from.where == DP_WHERE_VTEP) ||
            (m->before == MAC_LOCAL && m->port_down && m->from.where == DP_WHERE_PORT));
}

/* A route that was withdrawn, or a port that went down, and the MAC new at another place is a move
 * (move_gone.h). */
static struct mac_moved join(struct moves *m, const struct mac_moved *moved, mono_t now)
{
    struct mac_moved out = *moved;
    const struct move_gone *gone;

    if (went(moved)) {
        move_gones_add(m->gones,
                       &(struct move_gone){moved->net, moved->mac, moved->from, now, moved->last_seen});
    } else if (moved->from.where == 0 && is_place(moved->to)) {
        gone = move_gones_find(m->gones, moved->net, moved->mac, now);
        if (gone && (gone->from.where != moved->to.where || gone->from.target != moved->to.target)) {
            out.from = gone->from;
            out.before = gone->from.where == DP_WHERE_PORT ? MAC_LOCAL : MAC_EVPN;
            out.last_seen = gone->last_seen;
        }
        move_gones_drop(m->gones, moved->net, moved->mac);
    }
    return out;
}

void moves_moved(struct moves *m, const struct mac_moved *told)
{
    mono_t now = mono_now(); /* the FDB has it */
    const struct mac_moved moved = join(m, told, now);
    uint64_t prepared = move_prepare_moved(m->prepared, &moved, now);
    bool bounces = follow_bounce(m, &moved, now);

    /* One that is new, or gone, or was configured, is no move: nobody sends to a wrong place. */
    if (is_place(moved.from) && is_place(moved.to) && !is_configured(moved.before) &&
        !is_configured(moved.after)) {
        if (!m->g->rehearse || !rehearse_is_ours(m->g->rehearse, moved.net, moved.mac))
            moves_journal_add(m, &moved, bounces, prepared, now);
        if (moved.cause == MAC_BY_ROUTE && moved.to.where == DP_WHERE_VTEP)
            announce_routed(m->g->announce, moved.net, moved.mac, now);
        else
            announce_mac(m->g->announce, moved.net, moved.mac,
                         moved.to.where == DP_WHERE_PORT && moved.from.where == DP_WHERE_VTEP, now);
    }
    moves_due(m);
}

void moves_first_frame(struct moves *m, const struct dp_event *e)
{
    const struct mac_entry *entry = mactable_find(m->g->macs, e->net, e->mac);
    struct journal_entry *j = journal_find(m->journal, e->net, e->mac);
    uint64_t fdb_at;

    /* One of the place before may still have been on its way up. */
    if (!j || j->first_ns != JOURNAL_UNKNOWN || !entry || entry->where != e->where ||
        entry->target != e->target)
        return;
    fdb_at = j->at.ns + j->fdb_ns;
    j->first_ns = e->at.ns > fdb_at ? e->at.ns - fdb_at : 0;
    moves_journal_tell(m, j, true);
}

/* ---- routes to the peers */

void moves_advertised(struct moves *m, dp_net_id net, struct mac mac)
{
    const struct journal_entry *j = journal_find(m->journal, net, mac);

    if (j && j->bgp_ns == JOURNAL_UNKNOWN && m->n_said < MOVES_SAID)
        m->said[m->n_said++] = (struct moves_said){net, mac, j->id};
}

void moves_sent(struct moves *m)
{
    if (m->n_said)
        moves_due(m); /* looks once in a turn, however many peers there are */
}

static void note_sent(struct moves *m, mono_t now)
{
    if (m->n_said == 0 || !overlay_all_sent(m->g->overlay))
        return;
    for (unsigned i = 0; i < m->n_said; i++) {
        struct journal_entry *j = journal_find(m->journal, m->said[i].net, m->said[i].mac);

        /* It may have moved on meanwhile. */
        if (j && j->id == m->said[i].id && j->bgp_ns == JOURNAL_UNKNOWN)
            j->bgp_ns = now.ns - (j->at.ns + j->fdb_ns);
    }
    m->n_said = 0;
}

/* ---- time */

static void end_bounces(struct moves *m, mono_t now)
{
    struct move_bounce over;

    while (move_bounces_over(m->bounces, now, &over))
        end_bounce(m, &over);
}

static void sooner(mono_t *at, bool any, mono_t other)
{
    if (any && other.ns < at->ns)
        *at = other;
}

static void arm(struct moves *m)
{
    mono_t now = mono_now(), at = {UINT64_MAX}, other = {0};
    struct timeval tv;
    uint64_t us;
    bool any;

    any = journal_next(m->journal, &other);
    sooner(&at, any, other);
    any = move_prepare_next(m->prepared, &other);
    sooner(&at, any, other);
    any = move_bounces_next(m->bounces, &other);
    sooner(&at, any, other);
    if (m->turn)
        at = now;
    /* event_add() and event_del() take back what moves_due() has activated. */
    m->turn = false;
    if (at.ns == UINT64_MAX) {
        event_del(m->timer);
        return;
    }
    us = at.ns > now.ns ? (at.ns - now.ns + 999) / 1000 : 0;
    tv = (struct timeval){.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
    event_add(m->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct moves *m = arg;
    mono_t now = mono_now();

    (void)fd, (void)what;
    m->turn = false;
    note_sent(m, now);
    moves_prepared_run(m, now);
    end_bounces(m, now);
    journal_run(m->journal, now);
    arm(m);
}

/* Once in a turn of the loop, however many MACs move in it. */
void moves_due(struct moves *m)
{
    if (!m->turn)
        event_active(m->timer, EV_TIMEOUT, 0);
    m->turn = true;
}

/* ---- life */

void moves_configure(struct moves *m)
{
    m->bounce = m->g->conf->moves.bounce > 0;
    move_bounces_set_time(m->bounces, m->g->conf->moves.bounce * NS_PER_S);
    if (m->journal) /* else it is not read yet */
        moves_journal_configure(m);
}

int moves_start(struct gateway *g, char *err, size_t err_len)
{
    struct moves *m = calloc(1, sizeof(*m));
    int rc = -ENOMEM;

    g->moves = m;
    if (m) {
        m->g = g;
        LIST_INIT(&m->questions);
        LIST_INIT(&m->calls);
        m->timer = evtimer_new(g->base, on_timer, m);
        m->gones = move_gones_new();
        m->bounces = move_bounces_new(0);
        if (m->bounces)
            moves_configure(m);
        if (m->timer && m->gones && m->bounces)
            rc = moves_journal_start(m);
        if (rc == 0)
            rc = moves_prepared_start(m);
    }
    if (rc < 0)
        snprintf(err, err_len, "moves: %s", strerror(-rc));
    return rc;
}

void moves_stop(struct gateway *g)
{
    struct moves *m = g->moves;

    g->moves = NULL;
    if (!m)
        return;
    moves_journal_stop(m);
    moves_prepared_stop(m);
    move_bounces_free(m->bounces);
    move_gones_free(m->gones);
    if (m->timer)
        event_free(m->timer);
    free(m);
}

unsigned moves_bouncing(const struct moves *m)
{
    return move_bounces_count(m->bounces);
}

const struct move_times *moves_times(const struct moves *m)
{
    return &m->times;
}

const struct journal *moves_journal(const struct moves *m)
{
    return m->journal;
}
