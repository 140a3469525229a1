/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Messages received: from frames to events of the state machine and calls of the ops. Each is reported to the
 * state machine before anything is made of it, and may end the connection that it came by: then what follows
 * is thrown away.
 */
#include "controlplane/bgp_session_private.h"

#include "conf/log.h"
#include "controlplane/bgp_notify.h"

#include <stdio.h>

#define LOG_AGAIN_S 60

static void message_error(struct bgp_session *s, unsigned c, const struct bgp_error *err)
{
    s->counters.msg_errors++;
    snprintf(s->detail, sizeof(s->detail), "%s", err->text);
    bgp_session_step(s, &(struct bgp_fsm_event){.type = BGP_EV_MSG_ERROR,
                                                .conn = (uint8_t)c,
                                                .code = err->code,
                                                .subcode = err->subcode,
                                                .data = err->data,
                                                .len = err->data_len});
}

static void got_open(struct bgp_session *s, unsigned c, const struct bgp_frame *frame)
{
    struct bgp_error *err = &s->env->error;
    struct bgp_fsm_open open;
    struct bgp_open decoded;

    if (bgp_open_decode(frame->body, frame->body_len, &decoded, err) < 0) {
        message_error(s, c, err);
        return;
    }
    s->caps = decoded.caps;
    s->has_caps = true;
    bgp_peer_open_decode(&decoded, &open);
    bgp_session_step(s, &(struct bgp_fsm_event){.type = BGP_EV_OPEN, .conn = (uint8_t)c, .open = &open});
}

/* RFC 7606 section 8: what is wrong but lets the session live is told to the operator. */
static void note_errors(struct bgp_session *s, const struct bgp_update *u)
{
    char text[BGP_ERROR_TEXT], more[QUIET_TEXT];
    uint64_t held;

    s->counters.unknown_routes += u->n_unknown;
    s->counters.bad_routes += u->n_bad;
    s->counters.other_families += u->n_other;
    s->counters.withdrawn_updates += u->verdict == BGP_TREAT_AS_WITHDRAW;
    for (unsigned i = 0; i < u->n_errors && i < BGP_UPDATE_ERRORS; i++)
        s->counters.discarded_attrs += u->errors[i].verdict == BGP_ATTRIBUTE_DISCARD;
    if (u->n_errors == 0 && u->n_bad == 0)
        return;
    if (!quiet_over(&s->quiet_update, mono_now(), LOG_AGAIN_S, &held))
        return;
    if (u->n_errors > 0)
        bgp_attr_error_format(&u->errors[0], text);
    else
        snprintf(text, sizeof(text), "a route that cannot be used: %s", u->bad_why);
    log_warning("bgp", "%s: UPDATE with errors: %s (%u routes)%s", s->name, text, u->n_reach,
                quiet_more(held, more));
}

static bool is_up_on(const struct bgp_session *s, unsigned c)
{
    return s->up && s->up_conn == c;
}

static void got_update(struct bgp_session *s, unsigned c, const struct bgp_frame *frame)
{
    struct bgp_env *env = s->env;
    const struct bgp_update *u = &env->update;
    uint32_t serial = s->slots[c].conn.serial;

    if (is_up_on(s, c) &&
        bgp_update_decode(frame->body, frame->body_len, &s->rules, &env->update, &env->error) < 0) {
        message_error(s, c, &env->error);
        return;
    }
    bgp_session_step(s, &(struct bgp_fsm_event){.type = BGP_EV_UPDATE, .conn = (uint8_t)c});
    if (!is_up_on(s, c) || s->slots[c].conn.serial != serial)
        return;
    note_errors(s, u);
    if (!u->end_of_rib) {
        env->ops->update(env->arg, s, u);
        return;
    }
    s->counters.ends_of_rib++;
    s->stale = false;
    env->ops->end_of_rib(env->arg, s);
}

static void got_notification(struct bgp_session *s, unsigned c, const struct bgp_frame *frame)
{
    struct bgp_notification n;

    bgp_notification_decode(frame->body, frame->body_len, &n);
    bgp_session_step(s, &(struct bgp_fsm_event){.type = BGP_EV_NOTIFICATION,
                                                .conn = (uint8_t)c,
                                                .code = n.code,
                                                .subcode = n.subcode,
                                                .data = n.data,
                                                .len = (uint16_t)n.data_len});
}

static void got_refresh(struct bgp_session *s, unsigned c, const struct bgp_frame *frame)
{
    struct bgp_env *env = s->env;
    struct bgp_refresh r;

    if (bgp_refresh_decode(frame->body, frame->body_len, &r, &env->error) < 0) {
        message_error(s, c, &env->error);
        return;
    }
    bgp_session_step(s, &(struct bgp_fsm_event){.type = BGP_EV_REFRESH, .conn = (uint8_t)c});
    if (is_up_on(s, c) && r.subtype == BGP_REFRESH_REQUEST && bgp_family_is_evpn(r.family)) {
        env->ops->refresh(env->arg, s);
        s->pull_wanted = true;
    }
}

static void got_frame(struct bgp_session *s, unsigned c, const struct bgp_frame *frame)
{
    s->counters.in.messages[frame->type]++;
    s->counters.in.bytes += frame->body_len + BGP_HEADER_LEN;
    switch ((enum bgp_type)frame->type) {
    case BGP_OPEN:
        got_open(s, c, frame);
        break;
    case BGP_UPDATE:
        got_update(s, c, frame);
        break;
    case BGP_NOTIFICATION:
        got_notification(s, c, frame);
        break;
    case BGP_KEEPALIVE:
        bgp_session_step(s, &(struct bgp_fsm_event){.type = BGP_EV_KEEPALIVE, .conn = (uint8_t)c});
        break;
    case BGP_ROUTE_REFRESH:
        got_refresh(s, c, frame);
        break;
    }
}

void bgp_session_messages(struct bgp_session *s, unsigned c)
{
    struct bgp_conn *conn = &s->slots[c].conn;
    uint32_t serial = conn->serial;

    /* Past its limit a peer is not listened to any more: the session ends as soon as this returns. */
    while (conn->open && conn->serial == serial && !s->exceeded && !s->give_up) {
        bool extended = is_up_on(s, c) && bgp_fsm_session(&s->fsm)->extended_message;
        struct bgp_frame frame;
        int n = bgp_conn_next(conn, extended ? BGP_MSG_EXT_MAX : BGP_MSG_MAX, &frame, &s->env->error);

        if (n == 0)
            break;
        if (n < 0)
            message_error(s, c, &s->env->error);
        else
            got_frame(s, c, &frame);
    }
}
