/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What there is to see of a session, for `show bgp peers` and metrics.
 */
#include "controlplane/bgp_session_private.h"

#include <stdio.h>

/* The connection that says most: of the session, else the one that got farther. */
static const struct bgp_conn *shown_conn(const struct bgp_session *s)
{
    if (s->up)
        return &s->slots[s->up_conn].conn;
    for (unsigned c = 0; c < BGP_FSM_CONNS; c++)
        if (s->slots[c].conn.open && !s->slots[c].conn.connecting)
            return &s->slots[c].conn;
    return &s->slots[0].conn;
}

void bgp_session_status(const struct bgp_session *s, struct bgp_session_status *out)
{
    const struct bgp_conn *conn = shown_conn(s);

    *out = (struct bgp_session_status){.state = bgp_fsm_state(&s->fsm),
                                       .ebgp = s->rules.ebgp,
                                       .stale = s->stale,
                                       .pending = s->pull_wanted,
                                       .restarting = bgp_fsm_restarting(&s->fsm, mono_now()),
                                       .since = s->since,
                                       .negotiated = bgp_fsm_session(&s->fsm),
                                       .capabilities = s->has_caps ? &s->caps : NULL,
                                       .fsm = &s->fsm.counters,
                                       .counters = &s->counters};
    if (!conn->open)
        return;
    out->local = conn->local;
    out->local_port = conn->local_port;
    out->remote = conn->remote;
    out->remote_port = conn->remote_port;
    out->queued = bgp_conn_queued(conn);
}

const char *bgp_session_last_error(const struct bgp_session *s, char buf[BGP_ERROR_WORDS])
{
    const struct bgp_fsm_fault *last = &s->fsm.last;
    size_t n;

    bgp_fsm_words(last, s->fsm.text, buf, BGP_FSM_WORDS_LEN);
    n = strlen(buf);
    if (last->why == BGP_WHY_MSG_ERROR)
        snprintf(buf + n, BGP_ERROR_WORDS - n, " (%s)", s->detail);
    else if (last->why == BGP_WHY_ADMIN_RESET && s->gave_up)
        snprintf(buf + n, BGP_ERROR_WORDS - n, " (not by an operator: %s)", s->gave_up);
    return buf;
}

const struct bgp_peer_config *bgp_session_config(const struct bgp_session *s)
{
    return &s->cfg;
}

const char *bgp_session_name(const struct bgp_session *s)
{
    return s->name;
}

void bgp_session_set_user(struct bgp_session *s, uintptr_t user)
{
    s->user = user;
}

uintptr_t bgp_session_user(const struct bgp_session *s)
{
    return s->user;
}
