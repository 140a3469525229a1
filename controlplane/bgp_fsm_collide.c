/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From the peer's OPEN to Established, where a peer may have two connections (RFC 4271 section 6.8).
 *
 * Tricky: the letter of section 6.8 loses both when the ways differ in delay. One side still compares
 * identifiers and closes the connection of the lower one, while on the other side that one is Established
 * already and therefore costs the other its life. So one side alone decides, the one with the higher
 * identifier, whose connection is to stay:
 *
 *  - It answers an OPEN on the other's connection with KEEPALIVE only when it has decided for it. Until then
 *    the other side cannot be Established on it. It decides for its own when that brings the OPEN, and for
 * the other's when its own is not connected yet (then it never said anything), fails, or is BGP_FSM_YIELD_S
 * old.
 *  - The side with the lower identifier closes nothing before a KEEPALIVE has come, which says what was
 *    decided. Its own connection also waits, at most as long, for the other to go: a peer that follows the
 *    letter says KEEPALIVE first and may decide later. It would decide by the same rule, so this is good
 *    against it too, and against one that never decides.
 *
 * Beside an Established connection only an incoming candidate may exist. Its OPEN decides: if the peer can
 * restart gracefully, the old session is dead and gives way (RFC 4724 section 4.2); else the candidate loses.
 * It is the OPEN and not the mere connection that decides, so that nobody ends a session by connecting to the
 * port. A session younger than BGP_FSM_COLLISION_S never gives way: then the new connection is the late half
 * of a collision.
 *
 * tests/unit/test_bgp_fsm_collision.c tries all orders, against ours and against what others do. Control
 * thread only.
 */
#include "controlplane/bgp_fsm_private.h"

static bool is_under_way(const struct bgp_fsm_conn *c)
{
    return c->state >= BGP_CONNECT && c->state <= BGP_OPENCONFIRM;
}

/* The other connection is kept. A dial under way has nobody to notify, and is not worth a word. */
static void lose(struct bgp_fsm_step *s, unsigned c)
{
    if (s->f->conn[c].state == BGP_CONNECT) {
        s->f->conn[c] = bgp_fsm_no_conn;
        bgp_fsm_emit(s, BGP_ACT_CLOSE, c);
    } else {
        bgp_fsm_drop_plain(s, c, BGP_WHY_COLLISION, BGP_ERR_CEASE, BGP_CEASE_COLLISION);
    }
}

/* True: connection c, which just got its OPEN, goes on beside the session or instead of it. */
static bool replaces_session(struct bgp_fsm_step *s, unsigned c)
{
    struct bgp_fsm *f = s->f;
    bool wins = bgp_fsm_wins(&f->conn[c], &f->conn[!c]);
    bool young = !bgp_fsm_older(s, f->up_since, BGP_FSM_COLLISION_S);

    if (!young && f->session.helper) {
        bgp_fsm_drop_plain(s, !c, BGP_WHY_REPLACED, 0, 0); /* and no NOTIFICATION on it */
        return true;
    }
    if (young && wins && !f->session.incoming) /* the peer decides */
        return true;
    wins = wins && f->cfg.collision_established;
    lose(s, wins ? !c : c);
    return wins;
}

/* True: connection c, which just got its OPEN, goes on. */
static bool collide(struct bgp_fsm_step *s, unsigned c)
{
    const struct bgp_fsm_conn *conn = &s->f->conn[c], *other = &s->f->conn[!c];
    bool wins;

    if (other->state == BGP_ESTABLISHED)
        return replaces_session(s, c);
    if (!is_under_way(other))
        return true;
    wins = bgp_fsm_wins(conn, other);
    if (wins && other->state == BGP_CONNECT) {
        lose(s, !c);
        return true;
    }
    if ((wins ? conn : other)->incoming || other->state != BGP_OPENCONFIRM) /* not for us, or not yet */
        return true;
    lose(s, wins ? !c : c);
    return wins;
}

static void establish(struct bgp_fsm_step *s, unsigned c)
{
    struct bgp_fsm *f = s->f;
    struct bgp_fsm_conn *conn = &f->conn[c], *other = &f->conn[!c];

    /* The peer's, if its identifier is the higher, is for the peer to close. */
    if (other->state == BGP_ESTABLISHED ||
        (is_under_way(other) && (!other->incoming || bgp_fsm_wins(conn, other))))
        lose(s, !c);
    conn->state = BGP_ESTABLISHED;
    conn->hold_at = conn->hold_s ? bgp_fsm_in(s->now, conn->hold_s) : bgp_fsm_never;
    bgp_fsm_restart_send_hold(s, c);
    f->session = (struct bgp_fsm_session){.conn = c,
                                          .incoming = conn->incoming,
                                          .hold_s = conn->hold_s,
                                          .keepalive_s = conn->keepalive_s,
                                          .local = conn->local,
                                          .peer = conn->peer};
    bgp_fsm_share(&f->session);
    f->up_since = s->now;
    f->counters.established++;
    memset(f->logged, 0, sizeof(f->logged)); /* what goes wrong after this is news again */
    bgp_fsm_emit(s, BGP_ACT_UP, c)->session = &f->session;
}

/* Whether the other connection may still be the one that stays. */
static bool must_wait(struct bgp_fsm_step *s, unsigned c)
{
    struct bgp_fsm_conn *conn = &s->f->conn[c], *other = &s->f->conn[!c];

    if (!is_under_way(other) || bgp_fsm_wins(conn, other))
        return false;
    if (conn->wait_until.ns == BGP_FSM_NEVER)
        conn->wait_until = bgp_fsm_in(other->began, BGP_FSM_YIELD_S);
    return conn->wait_until.ns > s->now.ns;
}

/* Answers the OPEN of connection c, unless that must wait. */
static void confirm(struct bgp_fsm_step *s, unsigned c)
{
    struct bgp_fsm_conn *conn = &s->f->conn[c], *other = &s->f->conn[!c];

    if (must_wait(s, c))
        return;
    conn->wait_until = bgp_fsm_never;
    if (is_under_way(other) && !other->incoming && !bgp_fsm_wins(conn, other))
        lose(s, !c); /* ours brought no OPEN in time */
    conn->confirmed = true;
    conn->keepalive_at = bgp_fsm_next_keepalive(s, conn->keepalive_s);
    bgp_fsm_emit(s, BGP_ACT_SEND_KEEPALIVE, c);
    if (conn->heard)
        establish(s, c);
}

void bgp_fsm_opened(struct bgp_fsm_step *s, unsigned c)
{
    struct bgp_fsm *f = s->f;
    struct bgp_fsm_conn *conn = &f->conn[c];

    if (!collide(s, c))
        return;
    bgp_fsm_negotiate(&f->cfg, conn);
    conn->state = BGP_OPENCONFIRM;
    /* Without a hold time the wait for the KEEPALIVE is still bounded. */
    conn->hold_at = bgp_fsm_in(s->now, conn->hold_s ? conn->hold_s : f->cfg.open_wait_s);
    confirm(s, c);
}

void bgp_fsm_confirmed(struct bgp_fsm_step *s, unsigned c)
{
    struct bgp_fsm_conn *conn = &s->f->conn[c];

    conn->heard = true;
    conn->hold_at = bgp_fsm_in(s->now, conn->hold_s ? conn->hold_s : s->f->cfg.open_wait_s);
    if (conn->confirmed)
        establish(s, c);
}

void bgp_fsm_stop_waiting(struct bgp_fsm_step *s)
{
    for (unsigned c = 0; c < BGP_FSM_CONNS; c++)
        if (s->f->conn[c].wait_until.ns != BGP_FSM_NEVER)
            confirm(s, c);
}
