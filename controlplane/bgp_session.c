/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A session's life: events of libevent in, the state machine's actions out.
 *
 * Tricky: nothing here runs twice at once. Every entry from outside is between enter() and leave(); what
 * comes up on the way (a dial that failed on the spot, a limit that was passed, something to pull) is noted
 * and done by leave(), when no list of actions and no frame is in use.
 */
#include "controlplane/bgp_session_private.h"

#include "conf/log.h"
#include "controlplane/bgp_notify.h"
#include "controlplane/bgp_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NSEC UINT64_C(1000000000)

static struct bgp_conn *conn_of(struct bgp_session *s, unsigned c)
{
    return &s->slots[c].conn;
}

/* ---- out */

static void flush(struct bgp_session *s, unsigned c)
{
    struct bgp_traffic sent;

    if (!bgp_conn_flush(conn_of(s, c), &sent))
        return;
    bgp_session_count(s, &sent);
    bgp_session_step(s, &(struct bgp_fsm_event){.type = BGP_EV_SENT,
                                                .conn = (uint8_t)c,
                                                .update = sent.messages[BGP_UPDATE] > 0});
}

/* Pulls while there is room; bounded by the buffer. */
static void fill(struct bgp_session *s)
{
    struct bgp_conn *conn = conn_of(s, s->up_conn);
    size_t max = bgp_fsm_session(&s->fsm)->extended_message ? BGP_MSG_EXT_MAX : BGP_MSG_MAX, n;
    uint8_t *at;

    if (s->refresh_due) {
        s->refresh_due = false;
        bgp_session_send_refresh(s);
    }
    while (s->pull_wanted && (at = bgp_conn_room(conn, max, false))) {
        n = s->env->ops->pull(s->env->arg, s, at, max);
        if (n == 0)
            s->pull_wanted = false;
        bgp_conn_put(conn, n);
    }
}

/* One round per turn of the loop: what is left waits for the socket. */
static void pump(struct bgp_session *s)
{
    if (s->up)
        fill(s);
    for (unsigned c = 0; c < BGP_FSM_CONNS; c++) {
        struct bgp_conn *conn = conn_of(s, c);

        if (!conn->open || conn->connecting)
            continue;
        flush(s, c);
        bgp_conn_want_write(conn, bgp_conn_queued(conn) > 0 || (s->up && s->up_conn == c && s->pull_wanted));
    }
}

/* ---- entering and leaving */

static void enter(struct bgp_session *s)
{
    s->depth++;
}

static void rearm(struct bgp_session *s)
{
    mono_t at = bgp_fsm_next_deadline(&s->fsm), now;
    struct timeval tv;
    uint64_t us;

    if (s->stale && s->stale_until.ns < at.ns)
        at = s->stale_until;
    /* Later than planned is no reason to touch the timer: it fires early, harmlessly, and is set anew. */
    if (at.ns >= s->timer_at.ns)
        return;
    now = mono_now();
    us = at.ns > now.ns ? (at.ns - now.ns + 999) / 1000 : 0;
    tv = (struct timeval){.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
    s->timer_at = evtimer_add(s->timer, &tv) == 0 ? at : (mono_t){BGP_FSM_NEVER};
}

static bool do_deferred(struct bgp_session *s)
{
    for (unsigned c = 0; c < BGP_FSM_CONNS; c++) {
        int err = s->slots[c].dial_err;

        if (!err)
            continue;
        s->slots[c].dial_err = 0;
        s->counters.dial_errors++;
        /* Of a connection that was adopted, LOST; of a dial, CONNECT_FAILED: the state machine takes either.
         */
        bgp_session_step(s, &(struct bgp_fsm_event){.type = BGP_EV_LOST, .conn = (uint8_t)c, .err = err});
        return true;
    }
    if (s->exceeded) {
        /* RFC 4486 section 4: AFI, SAFI, upper bound. */
        uint32_t n = s->cfg.max_prefixes;
        const uint8_t data[7] = {0,
                                 BGP_AFI_L2VPN,
                                 BGP_SAFI_EVPN,
                                 (uint8_t)(n >> 24),
                                 (uint8_t)(n >> 16),
                                 (uint8_t)(n >> 8),
                                 (uint8_t)n};

        s->exceeded = false;
        bgp_session_step(
            s, &(struct bgp_fsm_event){.type = BGP_EV_MAX_PREFIXES, .data = data, .len = sizeof(data)});
        return true;
    }
    if (s->give_up) {
        s->gave_up = s->give_up;
        s->give_up = NULL;
        bgp_session_step(s, &(struct bgp_fsm_event){.type = BGP_EV_RESET, .subcode = BGP_CEASE_RESOURCES});
        return true;
    }
    return false;
}

static void leave(struct bgp_session *s)
{
    if (s->depth == 1) {
        while (do_deferred(s))
            ;
        pump(s);
        while (do_deferred(s)) /* a pull may have found something too */
            ;
        for (unsigned c = 0; c < BGP_FSM_CONNS; c++)
            bgp_conn_reap(conn_of(s, c));
        rearm(s);
    }
    s->depth--;
}

/* ---- in */

static void read_conn(struct bgp_session *s, unsigned c)
{
    struct bgp_conn *conn = conn_of(s, c);
    int err;

    switch (bgp_conn_read(conn, &err)) {
    case BGP_READ_NOTHING:
        break;
    case BGP_READ_BYTES:
        bgp_session_messages(s, c);
        break;
    case BGP_READ_END:
        bgp_session_step(s, &(struct bgp_fsm_event){.type = BGP_EV_LOST, .conn = (uint8_t)c, .err = err});
    }
}

/* Both, if there are two: what one says may end the other (collision), which should then not have said more.
 */
static void read_all(struct bgp_session *s)
{
    for (unsigned c = 0; c < BGP_FSM_CONNS; c++)
        if (conn_of(s, c)->open && !conn_of(s, c)->connecting)
            read_conn(s, c);
}

void bgp_session_on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct bgp_slot *slot = arg;
    struct bgp_session *s = slot->session;
    unsigned c = (unsigned)(slot - s->slots);

    (void)fd;
    enter(s);
    if (slot->conn.connecting) {
        int err = bgp_conn_finish_connect(&slot->conn);

        bgp_session_step(s, &(struct bgp_fsm_event){.type = err ? BGP_EV_CONNECT_FAILED : BGP_EV_CONNECTED,
                                                    .conn = (uint8_t)c,
                                                    .err = err});
    } else if (what & EV_READ) {
        read_all(s);
    }
    leave(s); /* writes */
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
    struct bgp_session *s = arg;

    (void)fd;
    (void)what;
    enter(s);
    leave(s);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct bgp_session *s = arg;
    struct bgp_fsm_actions list = {.n = 0};
    mono_t now;

    (void)fd;
    (void)what;
    s->timer_at.ns = BGP_FSM_NEVER;
    enter(s);
    /* A late loop must not end a session whose messages wait in the socket. */
    read_all(s);
    now = mono_now();
    bgp_fsm_timer(&s->fsm, now, &list);
    bgp_session_act(s, &list, now);
    if (s->stale && s->stale_until.ns <= now.ns) {
        s->stale = false;
        s->counters.stale_expired++;
        log_warning("bgp", "%s: the time for its stale routes is over", s->name);
        s->env->ops->stale_end(s->env->arg, s);
    }
    leave(s);
}

void bgp_session_feed(struct bgp_session *s, unsigned c, const void *data, size_t len)
{
    const uint8_t *p = data;

    enter(s);
    while (len > 0 && conn_of(s, c)->open) {
        size_t n = bgp_conn_feed(conn_of(s, c), p, len);

        p += n;
        len -= n;
        bgp_session_messages(s, c);
        while (do_deferred(s))
            ;
    }
    leave(s);
}

/* ---- from outside */

void bgp_session_wake(struct bgp_session *s)
{
    if (!s->up || s->pull_wanted)
        return;
    s->pull_wanted = true;
    event_active(s->kick, 0, 0);
}

void bgp_session_exceeded(struct bgp_session *s)
{
    if (!s->up || s->exceeded)
        return;
    s->exceeded = true;
    event_active(s->kick, 0, 0);
}

void bgp_session_give_up(struct bgp_session *s, const char *why)
{
    if (!s->up || s->give_up)
        return;
    s->give_up = why;
    event_active(s->kick, 0, 0);
}

void bgp_session_admin(struct bgp_session *s, enum bgp_ev type, uint8_t subcode, const char *text,
                       bool silent)
{
    size_t n = text ? strlen(text) : 0;

    enter(s);
    s->gave_up = NULL;
    bgp_session_step(s, &(struct bgp_fsm_event){.type = type,
                                                .subcode = subcode,
                                                .silent = silent,
                                                .data = (const uint8_t *)text,
                                                .len = (uint16_t)(n > UINT16_MAX ? UINT16_MAX : n)});
    if ((type == BGP_EV_STOP || type == BGP_EV_RESET) &&
        s->stale) { /* nobody comes back, or is to begin anew */
        s->stale = false;
        s->env->ops->stale_end(s->env->arg, s);
    }
    leave(s);
}

void bgp_session_start(struct bgp_session *s)
{
    bgp_session_admin(s, BGP_EV_START, 0, NULL, false);
}

void bgp_session_stop(struct bgp_session *s, const char *text)
{
    bgp_session_admin(s, BGP_EV_STOP, BGP_CEASE_SHUTDOWN, text, false);
}

void bgp_session_reset(struct bgp_session *s, const char *text)
{
    bgp_session_admin(s, BGP_EV_RESET, BGP_CEASE_RESET, text, false);
}

int bgp_session_refresh(struct bgp_session *s)
{
    const struct bgp_fsm_session *session = bgp_fsm_session(&s->fsm);

    if (!session)
        return -ENOTCONN;
    if (!session->refresh)
        return -EOPNOTSUPP;
    enter(s);
    s->refresh_due = true;
    leave(s);
    return 0;
}

void bgp_session_incoming(struct bgp_session *s, int fd)
{
    int ttl, rc = fd < 0 ? 0 : bgp_socket_adopt(fd, &s->cfg, s->rules.ebgp, &ttl);
    char more[QUIET_TEXT];
    uint64_t held;

    if (rc) {
        if (rc == -EACCES)
            s->counters.refused_ttl++;
        if (quiet_over(&s->quiet_ttl, mono_now(), 60, &held))
            log_warning("bgp", "%s: connection refused: %s (TTL %d)%s", s->name,
                        rc == -EACCES ? "it comes from farther away than ttl_security allows" : strerror(-rc),
                        ttl, quiet_more(held, more));
        bgp_socket_abort(fd);
        return;
    }
    enter(s);
    s->incoming_fd = fd;
    s->has_incoming = true;
    bgp_session_step(s, &(struct bgp_fsm_event){.type = BGP_EV_INCOMING});
    if (s->has_incoming && fd >= 0)
        bgp_socket_abort(fd);
    s->has_incoming = false;
    s->incoming_fd = -1;
    leave(s);
}

void bgp_session_configure(struct bgp_session *s, const struct bgp_peer_config *cfg)
{
    struct bgp_fsm_config fsm;

    s->cfg = *cfg;
    s->rules.ebgp = s->rules.check_first_as = bgp_peer_is_ebgp(cfg, &s->env->local);
    s->rules.peer_as = cfg->asn;
    bgp_peer_fsm_config(cfg, &s->env->local, &fsm);
    bgp_fsm_set_config(&s->fsm, &fsm);
}

struct bgp_session *bgp_session_new(struct bgp_env *env, const struct bgp_peer_config *cfg)
{
    struct bgp_session *s = calloc(1, sizeof(*s));
    struct bgp_fsm_config fsm;

    if (!s)
        return NULL;
    s->env = env;
    s->incoming_fd = -1;
    s->timer_at.ns = BGP_FSM_NEVER;
    ipaddr_format(&cfg->address, s->name);
    for (unsigned c = 0; c < BGP_FSM_CONNS; c++) {
        s->slots[c].session = s;
        s->slots[c].conn.fd = -1;
    }
    s->timer = evtimer_new(env->base, on_timer, s);
    s->kick = event_new(env->base, -1, 0, on_kick, s);
    if (!s->timer || !s->kick) {
        bgp_session_free(s);
        return NULL;
    }
    bgp_peer_fsm_config(cfg, &env->local, &fsm);
    bgp_fsm_init(&s->fsm, &fsm, mono_now().ns ^ (uintptr_t)s);
    bgp_session_configure(s, cfg);
    return s;
}

void bgp_session_free(struct bgp_session *s)
{
    if (!s)
        return;
    for (unsigned c = 0; c < BGP_FSM_CONNS; c++) {
        bgp_conn_close(conn_of(s, c));
        bgp_conn_reap(conn_of(s, c));
    }
    if (s->timer)
        event_free(s->timer);
    if (s->kick)
        event_free(s->kick);
    free(s);
}
