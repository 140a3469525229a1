/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What every step of the BGP state machine is made of: emit actions, open and drop connections, say why, plan
 * the next dial. bgp_fsm.c calls these. Control thread only.
 */
#include "controlplane/bgp_fsm_private.h"

/* ---- time */

mono_t bgp_fsm_in(mono_t now, uint32_t secs)
{
    return (mono_t){now.ns + secs * BGP_FSM_NSEC};
}

mono_t bgp_fsm_in_jittered(struct bgp_fsm_step *s, uint32_t secs)
{
    return (mono_t){s->now.ns + bgp_fsm_jitter(&s->f->random, secs)};
}

mono_t bgp_fsm_next_keepalive(struct bgp_fsm_step *s, uint16_t secs)
{
    mono_t at;

    if (!secs)
        return bgp_fsm_never;
    at = bgp_fsm_in_jittered(s, secs);
    if (at.ns < s->now.ns + BGP_FSM_NSEC) /* never more than one a second: RFC 4271 section 4.4 */
        at.ns = s->now.ns + BGP_FSM_NSEC;
    return at;
}

bool bgp_fsm_older(const struct bgp_fsm_step *s, mono_t since, uint32_t secs)
{
    return s->now.ns - since.ns >= secs * BGP_FSM_NSEC;
}

/* ---- actions */

struct bgp_fsm_action *bgp_fsm_emit(struct bgp_fsm_step *s, enum bgp_act type, unsigned conn)
{
    struct bgp_fsm_actions *out = s->out;
    /* The limit is never reached; the tests assert it. */
    struct bgp_fsm_action *a = &out->a[out->n < BGP_FSM_MAX_ACTIONS ? out->n++ : BGP_FSM_MAX_ACTIONS - 1];

    *a = (struct bgp_fsm_action){.type = type, .conn = conn};
    return a;
}

/* `last` is what the operator asks for: a collision is no error, and a refusal does not tell why we pause. */
static bool worth_keeping(const struct bgp_fsm_fault *fault)
{
    return fault->why != BGP_WHY_COLLISION && fault->why != BGP_WHY_REFUSED &&
           !(fault->code == BGP_ERR_CEASE && fault->subcode == BGP_CEASE_COLLISION);
}

static void emit_fault(struct bgp_fsm_step *s, enum bgp_act type, unsigned c,
                       const struct bgp_fsm_fault *fault)
{
    struct bgp_fsm *f = s->f;
    struct bgp_fsm_action *a = bgp_fsm_emit(s, type, c);

    f->logged[fault->why].fault = *fault;
    f->logged[fault->why].at = s->now;
    a->fault = *fault;
    a->text = fault->by_peer && worth_keeping(fault) ? f->text : NULL;
}

/* Logs the fault, unless it was the last one too: a peer that is off refuses every dial. */
void bgp_fsm_report(struct bgp_fsm_step *s, unsigned c, const struct bgp_fsm_fault *fault)
{
    struct bgp_fsm *f = s->f;
    const struct bgp_fsm_fault *before = &f->logged[fault->why].fault;
    mono_t at = f->logged[fault->why].at;
    bool again = at.ns != 0 && before->code == fault->code && before->subcode == fault->subcode &&
                 before->err == fault->err;

    if (worth_keeping(fault))
        f->last = *fault;
    if (!again || bgp_fsm_older(s, at, BGP_FSM_LOG_AGAIN_S))
        emit_fault(s, BGP_ACT_LOG, c, fault);
}

static void session_down(struct bgp_fsm_step *s, unsigned c, const struct bgp_fsm_fault *fault)
{
    struct bgp_fsm *f = s->f;
    struct bgp_fsm_action *a;

    if (worth_keeping(fault))
        f->last = *fault;
    emit_fault(s, BGP_ACT_DOWN, c, fault);
    a = &s->out->a[s->out->n - 1];
    a->graceful = bgp_fsm_graceful(&f->session, fault);
    a->stale_s = a->graceful ? f->session.peer.caps.gr_time_s : 0;
    a->session = &f->session;
    f->counters.dropped++;
}

/* The NOTIFICATION of a fault of our finding. To a peer that knows RFC 8538 some Ceases go inside a Hard
 * Reset: its two octets precede the data, where bgp_fsm_shutdown_text() left room for them. */
static void notify(struct bgp_fsm_step *s, unsigned c, const struct bgp_fsm_fault *fault,
                   struct bgp_fsm_data data)
{
    struct bgp_fsm_action *a = bgp_fsm_emit(s, BGP_ACT_SEND_NOTIFICATION, c);
    uint8_t *buf = s->out->buf;

    a->code = fault->code;
    a->subcode = fault->subcode;
    a->data = data.p;
    a->len = data.len;
    if (!fault->hard)
        return;
    if (data.len > sizeof(s->out->buf) - 2)
        data.len = sizeof(s->out->buf) - 2;
    if (data.len)
        memmove(buf + 2, data.p, data.len);
    buf[0] = fault->code;
    buf[1] = fault->subcode;
    a->subcode = BGP_CEASE_HARD_RESET;
    a->data = buf;
    a->len = data.len + 2;
}

/* RFC 9003: length and text, for the subcodes that may carry it. */
struct bgp_fsm_data bgp_fsm_shutdown_text(struct bgp_fsm_step *s, uint8_t subcode)
{
    const struct bgp_fsm_event *ev = s->ev;
    uint8_t *buf = s->out->buf + 2;

    if (!ev->data || (subcode != BGP_CEASE_SHUTDOWN && subcode != BGP_CEASE_RESET))
        return (struct bgp_fsm_data){NULL, 0};
    return (struct bgp_fsm_data){buf, (uint16_t)bgp_shutdown_data(ev->data, ev->len, buf)};
}

/* ---- connections */

void bgp_fsm_pause(struct bgp_fsm *f, mono_t until)
{
    f->mode = BGP_FSM_PAUSED;
    f->idle_until = until;
}

/* The last connection has gone: wait for the next dial, or pause. */
static void settle(struct bgp_fsm_step *s, bool was_up, const struct bgp_fsm_fault *fault)
{
    struct bgp_fsm *f = s->f;
    const struct bgp_fsm_config *cfg = &f->cfg;
    bool stable = was_up && bgp_fsm_older(s, f->up_since, cfg->stable_s);

    if (stable)
        f->backoff_s = cfg->idle_hold_min_s;
    if (bgp_fsm_damps(fault)) {
        bgp_fsm_pause(f, bgp_fsm_in_jittered(s, f->backoff_s));
        f->backoff_s = f->backoff_s > cfg->idle_hold_max_s / 2 ? cfg->idle_hold_max_s : f->backoff_s * 2;
    } else {
        f->retry_at = bgp_fsm_in_jittered(s, stable ? cfg->idle_hold_min_s : cfg->connect_retry_s);
    }
}

/* NOTIFICATION if the fault has one of ours, CLOSE, then DOWN or a line for the log. */
void bgp_fsm_drop(struct bgp_fsm_step *s, unsigned c, struct bgp_fsm_fault fault, struct bgp_fsm_data data)
{
    struct bgp_fsm *f = s->f;
    bool was_up = f->conn[c].state == BGP_ESTABLISHED;

    if (fault.code && !fault.by_peer) {
        fault.hard = was_up && f->session.graceful_notification && fault.code == BGP_ERR_CEASE &&
                     (fault.hard || bgp_fsm_hard_cease(fault.subcode));
        notify(s, c, &fault, data);
    }
    if (fault.why == BGP_WHY_COLLISION)
        f->counters.collisions++;
    bgp_fsm_emit(s, BGP_ACT_CLOSE, c);
    f->conn[c] = bgp_fsm_no_conn;
    if (was_up)
        session_down(s, c, &fault);
    else
        bgp_fsm_report(s, c, &fault);
    if (f->conn[!c].state == BGP_IDLE)
        settle(s, was_up, &fault);
}

void bgp_fsm_drop_plain(struct bgp_fsm_step *s, unsigned c, enum bgp_why why, uint8_t code, uint8_t subcode)
{
    bgp_fsm_drop(s, c, (struct bgp_fsm_fault){.why = why, .code = code, .subcode = subcode},
                 (struct bgp_fsm_data){NULL, 0});
}

/* RFC 4724 section 3: R and F, as struct bgp_fsm_config has it. */
static struct bgp_fsm_open our_open(const struct bgp_fsm_step *s)
{
    struct bgp_fsm_open open = s->f->cfg.local;

    open.caps.gr_restarting = bgp_fsm_restarting(s->f, s->now);
    if (s->f->counters.established > 0)
        open.caps.gr_forwarding = open.caps.gr;
    return open;
}

/* Its TCP connection is there: send our OPEN. */
void bgp_fsm_begin(struct bgp_fsm_step *s, unsigned c, bool incoming)
{
    struct bgp_fsm_conn *conn = &s->f->conn[c];

    *conn = bgp_fsm_no_conn;
    conn->state = BGP_OPENSENT;
    conn->incoming = incoming;
    conn->began = s->now;
    conn->local = our_open(s);
    conn->hold_at = bgp_fsm_in(s->now, s->f->cfg.open_wait_s);
    bgp_fsm_emit(s, BGP_ACT_SEND_OPEN, c);
}

void bgp_fsm_restart_send_hold(struct bgp_fsm_step *s, unsigned c)
{
    struct bgp_fsm_conn *conn = &s->f->conn[c];
    uint32_t secs = s->f->cfg.send_hold_s;

    if (!secs)
        secs = conn->hold_s * 2u > 480 ? conn->hold_s * 2u : 480;
    if (secs <= conn->hold_s)
        secs = conn->hold_s + 1u; /* RFC 9687 section 4.4: longer than the hold time */
    conn->send_hold_at = conn->hold_s ? bgp_fsm_in(s->now, secs) : bgp_fsm_never;
}

/* There is room: while we may dial, the peer has at most one connection. */
void bgp_fsm_dial(struct bgp_fsm_step *s)
{
    struct bgp_fsm *f = s->f;
    unsigned c = f->conn[0].state != BGP_IDLE;

    f->conn[c] = bgp_fsm_no_conn;
    f->conn[c].state = BGP_CONNECT;
    f->conn[c].began = s->now;
    f->retry_at = bgp_fsm_in_jittered(s, f->cfg.connect_retry_s);
    f->counters.dials++;
    bgp_fsm_emit(s, BGP_ACT_CONNECT, c);
}

/* While no connection of ours got through and none of the peer's is past its OPEN. */
bool bgp_fsm_may_dial(const struct bgp_fsm *f)
{
    if (f->mode != BGP_FSM_RUNNING || f->cfg.passive)
        return false;
    for (unsigned c = 0; c < BGP_FSM_CONNS; c++)
        if (f->conn[c].state >= (f->conn[c].incoming ? BGP_OPENCONFIRM : BGP_OPENSENT))
            return false;
    return true;
}

void bgp_fsm_plan(struct bgp_fsm_step *s)
{
    struct bgp_fsm *f = s->f;

    if (!bgp_fsm_may_dial(f))
        f->retry_at = bgp_fsm_never;
    else if (f->retry_at.ns == BGP_FSM_NEVER)
        f->retry_at = bgp_fsm_in_jittered(s, f->cfg.connect_retry_s);
}
