/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The BGP state machine itself: events and timers in, actions out. What each event means in each state of a
 * connection is the table `handlers`; the events of the peer are handled by the function of their name.
 *
 * Tricky: the two connections. Each is a machine of its own from OpenSent on; the peer's state is the highest
 * of them. At most one is dialled by us and, while none is Established, at most one by the peer: a second
 * incoming one replaces the first, which its maker must have given up. Which of the two becomes the session
 * is in bgp_fsm_collide.c.
 *
 * bgp_fsm_plan() ends every step and keeps the one rule against standing still: a running peer that may dial
 * has a time to do so. Control thread only.
 */
#include "controlplane/bgp_fsm_private.h"

#define NSEC UINT64_C(1000000000)

static bool due(mono_t at, mono_t now)
{
    return at.ns <= now.ns && at.ns != BGP_FSM_NEVER;
}

/* ---- events of the peer */

static void start(struct bgp_fsm_step *s)
{
    struct bgp_fsm *f = s->f;

    if (f->mode == BGP_FSM_RUNNING) /* RFC 4271 section 8.2.2: ignored outside Idle */
        return;
    if (f->begun.ns == 0)
        f->begun = s->now;
    f->mode = BGP_FSM_RUNNING;
    f->idle_until = bgp_fsm_never;
    f->backoff_s = f->cfg.idle_hold_min_s;
    if (!f->cfg.passive)
        bgp_fsm_dial(s);
}

static void end_all(struct bgp_fsm_step *s, enum bgp_why why, uint8_t subcode)
{
    struct bgp_fsm *f = s->f;
    struct bgp_fsm_data data = bgp_fsm_shutdown_text(s, subcode);

    for (unsigned c = 0; c < BGP_FSM_CONNS; c++) {
        struct bgp_fsm_fault fault = {.why = why};

        if (f->conn[c].state == BGP_IDLE)
            continue;
        if (f->conn[c].state >= BGP_OPENSENT && !s->ev->silent) {
            fault.code = BGP_ERR_CEASE;
            fault.subcode = subcode;
            fault.hard = s->ev->hard;
        }
        bgp_fsm_drop(s, c, fault, data);
    }
}

static void stop(struct bgp_fsm_step *s)
{
    struct bgp_fsm *f = s->f;

    end_all(s, BGP_WHY_ADMIN_STOP, s->ev->subcode ? s->ev->subcode : BGP_CEASE_SHUTDOWN);
    f->mode = BGP_FSM_STOPPED;
    f->idle_until = bgp_fsm_never;
}

/* The redial waits a moment: it must not overtake the NOTIFICATION on the old connection. */
static void reset(struct bgp_fsm_step *s)
{
    struct bgp_fsm *f = s->f;

    if (f->mode == BGP_FSM_STOPPED)
        return;
    end_all(s, BGP_WHY_ADMIN_RESET, s->ev->subcode ? s->ev->subcode : BGP_CEASE_RESET);
    f->mode = BGP_FSM_RUNNING;
    f->idle_until = bgp_fsm_never;
    f->backoff_s = f->cfg.idle_hold_min_s;
    f->retry_at = bgp_fsm_in_jittered(s, f->cfg.idle_hold_min_s);
}

/* Where an incoming connection goes: on the one that it replaces, else beside our dial or the session. */
static unsigned incoming_place(const struct bgp_fsm *f)
{
    for (unsigned c = 0; c < BGP_FSM_CONNS; c++)
        if (f->conn[c].incoming && f->conn[c].state != BGP_ESTABLISHED)
            return c;
    return f->conn[0].state != BGP_IDLE;
}

static void incoming(struct bgp_fsm_step *s)
{
    struct bgp_fsm *f = s->f;
    unsigned c = incoming_place(f);

    if (f->mode != BGP_FSM_RUNNING) {
        struct bgp_fsm_action *a = bgp_fsm_emit(s, BGP_ACT_REJECT, 0);

        a->code = BGP_ERR_CEASE;
        a->subcode = BGP_CEASE_REJECTED;
        f->counters.rejected++;
        bgp_fsm_report(s, 0, &(struct bgp_fsm_fault){.why = BGP_WHY_REFUSED});
        return;
    }
    if (f->conn[c].state != BGP_IDLE)
        bgp_fsm_drop_plain(s, c, BGP_WHY_COLLISION, BGP_ERR_CEASE, BGP_CEASE_COLLISION);
    f->counters.accepted++;
    bgp_fsm_emit(s, BGP_ACT_ADOPT, c);
    bgp_fsm_begin(s, c, true);
    if (f->conn[!c].state == BGP_IDLE) /* gives it the time of a dial before we add one of ours */
        f->retry_at = bgp_fsm_in_jittered(s, f->cfg.connect_retry_s);
}

static void max_prefixes(struct bgp_fsm_step *s)
{
    struct bgp_fsm *f = s->f;
    uint32_t pause_s = f->cfg.max_prefix_restart_s;

    if (bgp_fsm_state(f) != BGP_ESTABLISHED)
        return;
    /* A candidate beside it goes first, so that nothing is left when the pause begins. */
    if (f->conn[!f->session.conn].state != BGP_IDLE)
        bgp_fsm_drop_plain(s, !f->session.conn, BGP_WHY_REFUSED, BGP_ERR_CEASE, BGP_CEASE_REJECTED);
    bgp_fsm_drop(s, f->session.conn,
                 (struct bgp_fsm_fault){
                     .why = BGP_WHY_MAX_PREFIXES, .code = BGP_ERR_CEASE, .subcode = BGP_CEASE_MAX_PREFIXES},
                 (struct bgp_fsm_data){s->ev->data, s->ev->data ? s->ev->len : 0});
    /* RFC 4486 section 4: no reconnecting at once. */
    bgp_fsm_pause(f, pause_s ? bgp_fsm_in(s->now, pause_s) : bgp_fsm_never);
}

/* ---- events of a connection */

/* An event that this connection cannot have, or that changes nothing. */
static void ignore(struct bgp_fsm_step *s, unsigned c)
{
    (void)s;
    (void)c;
}

static void connected(struct bgp_fsm_step *s, unsigned c)
{
    bgp_fsm_begin(s, c, false);
}

static void connect_failed(struct bgp_fsm_step *s, unsigned c)
{
    bgp_fsm_drop(s, c, (struct bgp_fsm_fault){.why = BGP_WHY_CONNECT_FAILED, .err = s->ev->err},
                 (struct bgp_fsm_data){NULL, 0});
}

static void lost(struct bgp_fsm_step *s, unsigned c)
{
    bgp_fsm_drop(s, c, (struct bgp_fsm_fault){.why = BGP_WHY_LOST, .err = s->ev->err},
                 (struct bgp_fsm_data){NULL, 0});
}

static void notified(struct bgp_fsm_step *s, unsigned c)
{
    struct bgp_fsm_fault fault;

    bgp_fsm_read_notification(s->ev, &fault, s->f->text);
    bgp_fsm_drop(s, c, fault, (struct bgp_fsm_data){NULL, 0});
}

static void msg_error(struct bgp_fsm_step *s, unsigned c)
{
    const struct bgp_fsm_event *ev = s->ev;

    bgp_fsm_drop(s, c,
                 (struct bgp_fsm_fault){.why = BGP_WHY_MSG_ERROR, .code = ev->code, .subcode = ev->subcode},
                 (struct bgp_fsm_data){ev->data, ev->data ? ev->len : 0});
}

/* RFC 6608: the state in the subcode, the type of the message in the data. */
static void unexpected(struct bgp_fsm_step *s, unsigned c)
{
    static const uint8_t message[BGP_N_EVENTS] = {
        [BGP_EV_OPEN] = 1, [BGP_EV_UPDATE] = 2, [BGP_EV_KEEPALIVE] = 4, [BGP_EV_REFRESH] = 5};
    static const uint8_t subcode[BGP_N_STATES] = {[BGP_OPENSENT] = BGP_FSM_OPENSENT,
                                                  [BGP_OPENCONFIRM] = BGP_FSM_OPENCONFIRM,
                                                  [BGP_ESTABLISHED] = BGP_FSM_ESTABLISHED};

    bgp_fsm_drop(s, c,
                 (struct bgp_fsm_fault){
                     .why = BGP_WHY_UNEXPECTED, .code = BGP_ERR_FSM, .subcode = subcode[s->f->conn[c].state]},
                 (struct bgp_fsm_data){&message[s->ev->type], 1});
}

static void opened(struct bgp_fsm_step *s, unsigned c)
{
    struct bgp_fsm *f = s->f;
    struct bgp_fsm_fault fault;
    struct bgp_fsm_data data;

    bgp_fsm_check_open(&f->cfg, s->ev->open, &fault, &data);
    if (fault.why != BGP_WHY_NONE) {
        bgp_fsm_drop(s, c, fault, data);
        return;
    }
    f->conn[c].peer = *s->ev->open;
    bgp_fsm_opened(s, c);
}

static void heard(struct bgp_fsm_step *s, unsigned c)
{
    struct bgp_fsm_conn *conn = &s->f->conn[c];

    if (conn->hold_s)
        conn->hold_at = bgp_fsm_in(s->now, conn->hold_s);
}

static void sent(struct bgp_fsm_step *s, unsigned c)
{
    struct bgp_fsm_conn *conn = &s->f->conn[c];

    bgp_fsm_restart_send_hold(s, c);
    if (s->ev->update)
        conn->keepalive_at = bgp_fsm_next_keepalive(s, conn->keepalive_s);
}

/* Every event of a connection in every state of it. A connection is never ACTIVE: that is the peer. IDLE
 * means that there is no such connection; a message there, or while it is being dialled, would be the shell's
 * mistake. */
typedef void (*handler)(struct bgp_fsm_step *s, unsigned c);
static const handler handlers[BGP_N_EVENTS][BGP_N_STATES] = {
    /* columns: IDLE, CONNECT, ACTIVE, OPENSENT, OPENCONFIRM, ESTABLISHED */
    [BGP_EV_CONNECTED] = {ignore, connected, ignore, ignore, ignore, ignore},
    [BGP_EV_CONNECT_FAILED] = {ignore, connect_failed, ignore, ignore, ignore, ignore},
    [BGP_EV_LOST] = {ignore, connect_failed, ignore, lost, lost, lost},
    [BGP_EV_OPEN] = {ignore, ignore, ignore, opened, unexpected, unexpected},
    [BGP_EV_UPDATE] = {ignore, ignore, ignore, unexpected, unexpected, heard},
    [BGP_EV_NOTIFICATION] = {ignore, ignore, ignore, notified, notified, notified},
    [BGP_EV_KEEPALIVE] = {ignore, ignore, ignore, unexpected, bgp_fsm_confirmed, heard},
    [BGP_EV_REFRESH] = {ignore, ignore, ignore, unexpected, unexpected, heard},
    [BGP_EV_MSG_ERROR] = {ignore, ignore, ignore, msg_error, msg_error, msg_error},
    [BGP_EV_SENT] = {ignore, ignore, ignore, ignore, ignore, sent},
};

/* ---- entry points */

static uint32_t at_least(uint32_t value, uint32_t least)
{
    return value < least ? least : value;
}

void bgp_fsm_init(struct bgp_fsm *f, const struct bgp_fsm_config *cfg, uint64_t seed)
{
    *f = (struct bgp_fsm){.conn = {bgp_fsm_no_conn, bgp_fsm_no_conn},
                          .idle_until = bgp_fsm_never,
                          .retry_at = bgp_fsm_never,
                          .random = seed};
    bgp_fsm_set_config(f, cfg);
    f->backoff_s = f->cfg.idle_hold_min_s;
}

void bgp_fsm_set_config(struct bgp_fsm *f, const struct bgp_fsm_config *cfg)
{
    struct bgp_fsm_config *c = &f->cfg;

    *c = *cfg;
    if (c->local.hold_s == 1 || c->local.hold_s == 2)
        c->local.hold_s = 3;
    c->connect_retry_s = at_least(c->connect_retry_s, 1);
    c->open_wait_s = at_least(c->open_wait_s, 1);
    c->idle_hold_min_s = at_least(c->idle_hold_min_s, 1);
    c->idle_hold_max_s = at_least(c->idle_hold_max_s, c->idle_hold_min_s);
}

void bgp_fsm_event(struct bgp_fsm *f, const struct bgp_fsm_event *ev, mono_t now, struct bgp_fsm_actions *out)
{
    struct bgp_fsm_step s = {f, ev, now, out};

    out->n = 0;
    switch (ev->type) {
    case BGP_EV_START:
        start(&s);
        break;
    case BGP_EV_STOP:
        stop(&s);
        break;
    case BGP_EV_RESET:
        reset(&s);
        break;
    case BGP_EV_INCOMING:
        incoming(&s);
        break;
    case BGP_EV_MAX_PREFIXES:
        max_prefixes(&s);
        break;
    default:
        if (ev->type < BGP_N_EVENTS && ev->conn < BGP_FSM_CONNS)
            handlers[ev->type][f->conn[ev->conn].state](&s, ev->conn);
    }
    bgp_fsm_stop_waiting(&s);
    bgp_fsm_plan(&s);
}

static void conn_timers(struct bgp_fsm_step *s, unsigned c)
{
    struct bgp_fsm_conn *conn = &s->f->conn[c];

    if (due(conn->hold_at, s->now)) {
        bgp_fsm_drop_plain(s, c, conn->state == BGP_OPENSENT ? BGP_WHY_OPEN_TIMEOUT : BGP_WHY_HOLD_TIMER,
                           BGP_ERR_HOLD_TIMER, 0);
    } else if (due(conn->send_hold_at, s->now)) {
        bgp_fsm_drop_plain(s, c, BGP_WHY_SEND_HOLD_TIMER, BGP_ERR_SEND_HOLD, 0);
    } else if (due(conn->keepalive_at, s->now)) {
        bgp_fsm_emit(s, BGP_ACT_SEND_KEEPALIVE, c);
        conn->keepalive_at = bgp_fsm_next_keepalive(s, conn->keepalive_s);
    }
}

/* The dial under way took too long, or it is time for one. */
static void retry(struct bgp_fsm_step *s)
{
    struct bgp_fsm *f = s->f;

    for (unsigned c = 0; c < BGP_FSM_CONNS; c++)
        if (f->conn[c].state == BGP_CONNECT)
            bgp_fsm_drop_plain(s, c, BGP_WHY_CONNECT_TIMEOUT, 0, 0);
    bgp_fsm_dial(s);
}

void bgp_fsm_timer(struct bgp_fsm *f, mono_t now, struct bgp_fsm_actions *out)
{
    struct bgp_fsm_step s = {f, NULL, now, out};

    out->n = 0;
    for (unsigned c = 0; c < BGP_FSM_CONNS; c++)
        conn_timers(&s, c);
    if (f->mode == BGP_FSM_PAUSED && due(f->idle_until, now)) {
        f->mode = BGP_FSM_RUNNING;
        f->idle_until = bgp_fsm_never;
        if (!f->cfg.passive)
            bgp_fsm_dial(&s);
    } else if (due(f->retry_at, now) && bgp_fsm_may_dial(f)) {
        retry(&s);
    }
    bgp_fsm_stop_waiting(&s);
    bgp_fsm_plan(&s);
}

mono_t bgp_fsm_next_deadline(const struct bgp_fsm *f)
{
    uint64_t at = f->idle_until.ns < f->retry_at.ns ? f->idle_until.ns : f->retry_at.ns;

    for (unsigned c = 0; c < BGP_FSM_CONNS; c++) {
        const mono_t t[] = {f->conn[c].hold_at, f->conn[c].keepalive_at, f->conn[c].send_hold_at,
                            f->conn[c].wait_until};

        for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++)
            if (t[i].ns < at)
                at = t[i].ns;
    }
    return (mono_t){at};
}

enum bgp_state bgp_fsm_state(const struct bgp_fsm *f)
{
    enum bgp_state a = f->conn[0].state, b = f->conn[1].state;

    if (a == BGP_IDLE && b == BGP_IDLE)
        return f->mode == BGP_FSM_RUNNING ? BGP_ACTIVE : BGP_IDLE;
    return a > b ? a : b;
}

const struct bgp_fsm_session *bgp_fsm_session(const struct bgp_fsm *f)
{
    return bgp_fsm_state(f) == BGP_ESTABLISHED ? &f->session : NULL;
}

const struct bgp_fsm_open *bgp_fsm_local_open(const struct bgp_fsm *f, unsigned conn)
{
    return &f->conn[conn].local;
}

bool bgp_fsm_restarting(const struct bgp_fsm *f, mono_t now)
{
    const struct bgp_fsm_caps *c = &f->cfg.local.caps;

    return c->gr && c->gr_restarting && f->counters.established == 0 &&
           now.ns - f->begun.ns < c->gr_time_s * NSEC;
}
