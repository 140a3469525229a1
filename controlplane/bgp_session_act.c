/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the state machine wants done: dial, adopt, reject, close, send, and the news that a session is up or
 * down.
 */
#include "controlplane/bgp_session_private.h"

#include "conf/log.h"
#include "controlplane/bgp_notify.h"
#include "controlplane/bgp_socket.h"

#include <errno.h>
#include <stdio.h>

#define NSEC UINT64_C(1000000000)

static struct bgp_conn *conn_of(struct bgp_session *s, unsigned c)
{
    return &s->slots[c].conn;
}

/* ---- sending */

static void send_control(struct bgp_session *s, unsigned c,
                         int (*encode)(const void *what, uint8_t *msg, size_t size), const void *what)
{
    struct bgp_conn *conn = conn_of(s, c);
    uint8_t *at = bgp_conn_room(conn, BGP_MSG_MAX, true);
    int n = at ? encode(what, at, BGP_MSG_MAX) : -ENOSPC;

    if (n > 0)
        bgp_conn_put(conn, (size_t)n);
    else
        log_warning("bgp", "%s: no room for a control message", s->name);
}

static int encode_open(const void *what, uint8_t *msg, size_t size)
{
    struct bgp_open open;

    bgp_peer_open_encode(what, &open);
    return bgp_open_encode(&open, msg, size);
}

static int encode_keepalive(const void *what, uint8_t *msg, size_t size)
{
    (void)what;
    return bgp_keepalive_encode(msg, size);
}

static int encode_notification(const void *what, uint8_t *msg, size_t size)
{
    const struct bgp_fsm_action *a = what;
    struct bgp_notification n = {a->code, a->subcode, a->data, a->len};

    return bgp_notification_encode(&n, msg, size);
}

static int encode_refresh(const void *what, uint8_t *msg, size_t size)
{
    return bgp_refresh_encode(what, msg, size);
}

void bgp_session_send_refresh(struct bgp_session *s)
{
    const struct bgp_refresh refresh = {{BGP_AFI_L2VPN, BGP_SAFI_EVPN}, BGP_REFRESH_REQUEST};

    send_control(s, s->up_conn, encode_refresh, &refresh);
}

/* Whatever waits already will tell the peer that we live; else a peer that does not read would collect them.
 */
static void send_keepalive(struct bgp_session *s, unsigned c)
{
    if (!s->up || s->up_conn != c || bgp_conn_queued(conn_of(s, c)) == 0)
        send_control(s, c, encode_keepalive, NULL);
}

/* The session is over: the NOTIFICATION passes what waits. */
static void send_notification(struct bgp_session *s, const struct bgp_fsm_action *a)
{
    if (!conn_of(s, a->conn)->open)
        return;
    bgp_conn_drop_unsent(conn_of(s, a->conn));
    send_control(s, a->conn, encode_notification, a);
}

void bgp_session_count(struct bgp_session *s, const struct bgp_traffic *sent)
{
    for (unsigned i = 0; i < BGP_TYPES; i++)
        s->counters.out.messages[i] += sent->messages[i];
    s->counters.out.bytes += sent->bytes;
}

/* ---- the state machine's actions */

static void open_conn(struct bgp_session *s, unsigned c, int fd, bool connecting)
{
    struct bgp_slot *slot = &s->slots[c];

    slot->dial_err = -bgp_conn_open(&slot->conn, s->env->base, fd, connecting, bgp_session_on_socket, slot);
}

static void dial(struct bgp_session *s, unsigned c)
{
    int fd = bgp_socket_dial(&s->cfg, s->rules.ebgp);

    if (fd < 0)
        s->slots[c].dial_err = -fd;
    else
        open_conn(s, c, fd, true);
}

static void reject(struct bgp_session *s, const struct bgp_fsm_action *a)
{
    uint8_t msg[BGP_MSG_MAX];
    int n = encode_notification(a, msg, sizeof(msg));

    if (s->incoming_fd < 0)
        return;
    if (n > 0 && send(s->incoming_fd, msg, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) == n)
        s->counters.out.messages[BGP_NOTIFICATION]++;
    bgp_socket_finish(s->incoming_fd);
}

static void close_conn(struct bgp_session *s, unsigned c)
{
    struct bgp_conn *conn = conn_of(s, c);
    struct bgp_traffic sent;

    s->slots[c].dial_err = 0;
    s->unfinished = conn->open ? bgp_conn_unfinished(conn) : 0;
    if (!conn->open)
        return;
    if (bgp_conn_flush(conn, &sent)) /* no event: the connection is no longer one */
        bgp_session_count(s, &sent);
    bgp_conn_close(conn);
}

static void went_up(struct bgp_session *s, const struct bgp_fsm_action *a, mono_t now)
{
    const struct bgp_fsm_session *session = a->session;
    struct log_fields f = {0};
    char id[BGP_ID_TEXT];

    log_field(&f, "event", "session-up");
    log_field(&f, "peer", "%s", s->name);
    log_field(&f, "asn", "%u", session->peer.asn);
    log_event(LOG_LEVEL_INFO, "bgp", &f, "%s: session established: AS %u, router id %s, hold time %u s%s",
              s->name, session->peer.asn, bgp_id_format(session->peer.router_id, id), session->hold_s,
              s->stale ? ", after a restart" : "");
    s->up = true;
    s->up_conn = a->conn;
    s->since = now;
    s->rules.as4 = session->as4;
    s->pull_wanted = true;
    if (s->env->ops->up(s->env->arg, s, session))
        s->give_up = "no memory";
    if (!s->stale)
        return;
    /* RFC 4724 section 4.2: only what the peer went on forwarding may wait for its End-of-RIB. */
    if (session->helper && session->peer.caps.gr_forwarding) {
        s->stale_until.ns = now.ns + s->cfg.stale_path_s * NSEC;
        return;
    }
    s->stale = false;
    s->env->ops->stale_end(s->env->arg, s);
}

/* No reason to worry: somebody wanted it. */
static bool is_ours(const struct bgp_session *s, const struct bgp_fsm_fault *f)
{
    return f->why == BGP_WHY_ADMIN_STOP || f->why == BGP_WHY_COLLISION ||
           (f->why == BGP_WHY_ADMIN_RESET && !s->gave_up);
}

/* event NULL: it was no session yet. Half a message that was waiting says more than a timer. */
static void log_fault(struct bgp_session *s, const char *event, const char *what,
                      const struct bgp_fsm_action *a)
{
    struct log_fields fields = {0};
    const struct bgp_fsm_fault *f = &a->fault;
    bool silent = f->why == BGP_WHY_HOLD_TIMER || f->why == BGP_WHY_OPEN_TIMEOUT || f->why == BGP_WHY_LOST;
    char words[BGP_FSM_WORDS_LEN], more[BGP_ERROR_TEXT + 32] = "";

    bgp_fsm_words(f, a->text, words, sizeof(words));
    if (f->why == BGP_WHY_MSG_ERROR)
        snprintf(more, sizeof(more), " (%s)", s->detail);
    else if (f->why == BGP_WHY_ADMIN_RESET && s->gave_up)
        snprintf(more, sizeof(more), " (not by an operator: %s)", s->gave_up);
    else if (silent && s->unfinished > 0)
        snprintf(more, sizeof(more), " (after %zu bytes of an unfinished message)", s->unfinished);
    s->counters.unfinished += silent && s->unfinished > 0;
    if (event)
        log_field(&fields, "event", "%s", event);
    log_field(&fields, "peer", "%s", s->name);
    if (f->code) {
        log_field(&fields, "notification", "%u/%u", f->code, f->subcode);
        log_field(&fields, "by", f->by_peer ? "peer" : "us");
    }
    log_event(is_ours(s, f) ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "bgp", &fields, "%s: %s%s%s", s->name, what,
              words, more);
}

static void went_down(struct bgp_session *s, const struct bgp_fsm_action *a, mono_t now)
{
    log_fault(s, "session-down",
              a->graceful ? "session down, its routes are kept for a while: " : "session down: ", a);
    s->up = s->pull_wanted = s->refresh_due = s->exceeded = false;
    s->give_up = NULL;
    s->since = now;
    s->stale = a->graceful;
    s->stale_until.ns = now.ns + a->stale_s * NSEC;
    s->env->ops->down(s->env->arg, s, a->graceful);
}

static void act_one(struct bgp_session *s, const struct bgp_fsm_action *a, mono_t now)
{
    switch (a->type) {
    case BGP_ACT_CONNECT:
        dial(s, a->conn);
        break;
    case BGP_ACT_ADOPT:
        open_conn(s, a->conn, s->incoming_fd, false);
        s->has_incoming = false;
        break;
    case BGP_ACT_REJECT:
        reject(s, a);
        s->has_incoming = false;
        break;
    case BGP_ACT_CLOSE:
        close_conn(s, a->conn);
        break;
    case BGP_ACT_SEND_OPEN:
        if (conn_of(s, a->conn)->open) /* else it is reported as lost in a moment */
            send_control(s, a->conn, encode_open, bgp_fsm_local_open(&s->fsm, a->conn));
        break;
    case BGP_ACT_SEND_KEEPALIVE:
        send_keepalive(s, a->conn);
        break;
    case BGP_ACT_SEND_NOTIFICATION:
        send_notification(s, a);
        break;
    case BGP_ACT_UP:
        went_up(s, a, now);
        break;
    case BGP_ACT_DOWN:
        went_down(s, a, now);
        break;
    case BGP_ACT_LOG:
        log_fault(s, NULL, "", a);
        break;
    }
}

void bgp_session_act(struct bgp_session *s, const struct bgp_fsm_actions *list, mono_t now)
{
    enum bgp_state state = bgp_fsm_state(&s->fsm);

    for (unsigned i = 0; i < list->n; i++)
        act_one(s, &list->a[i], now);
    if (state != s->shown_state)
        log_debug("bgp", "%s: %s -> %s", s->name, bgp_state_name(s->shown_state), bgp_state_name(state));
    s->shown_state = state;
}

void bgp_session_step(struct bgp_session *s, const struct bgp_fsm_event *ev)
{
    struct bgp_fsm_actions list = {.n = 0};
    mono_t now = mono_now();

    bgp_fsm_event(&s->fsm, ev, now, &list);
    bgp_session_act(s, &list, now);
}
