/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of a session share: bgp_session.c has life, the state machine's actions and timers,
 * bgp_session_msg.c the messages received, bgp_session_show.c what there is to see; bgp.c makes and frees
 * sessions. For nobody else but tests, which may do without sockets: see bgp_session_feed().
 */
#ifndef CONTROLPLANE_BGP_SESSION_PRIVATE_H
#define CONTROLPLANE_BGP_SESSION_PRIVATE_H

#include "controlplane/bgp_session.h"
#include "controlplane/quiet.h"

/* What all sessions of an instance share. */
struct bgp_env {
    struct event_base *base;
    const struct bgp_ops *ops;
    void *arg;
    struct bgp_local local;
    struct bgp_update update; /* work areas: one message is decoded at a time */
    struct bgp_error error;
};

struct bgp_session {
    struct bgp_env *env;
    struct bgp_session *next; /* bgp.c's list */
    struct bgp_peer_config cfg;
    char name[IPADDR_STRLEN];
    uintptr_t user;
    struct bgp_fsm fsm;
    struct bgp_slot {
        struct bgp_session *session;
        struct bgp_conn conn;
        int dial_err; /* to be reported when the actions under way are done */
    } slots[BGP_FSM_CONNS];
    bool has_incoming;
    int incoming_fd;
    unsigned depth; /* of enter() */
    struct event *timer, *kick;
    mono_t timer_at;
    bool up;
    unsigned up_conn;
    struct bgp_rules rules;
    bool pull_wanted, refresh_due, exceeded;
    const char *give_up; /* why the session is to be ended, or NULL */
    bool stale;
    mono_t stale_until;
    mono_t since;
    enum bgp_state shown_state;
    bool has_caps;
    struct bgp_caps caps;        /* of the peer's last OPEN */
    char detail[BGP_ERROR_TEXT]; /* of the last message that could not be used */
    const char *gave_up;         /* why we ended the last session by ourselves, or NULL */
    size_t unfinished;           /* bytes of half a message, when the last connection was closed */
    struct quiet quiet_update, quiet_ttl, quiet_md5;
    bool was_down; /* at the last look at MD5 errors */
    struct bgp_session_counters counters;
};

/* ---- for bgp.c and tests */

/* Stopped. NULL without memory. */
struct bgp_session *bgp_session_new(struct bgp_env *env, const struct bgp_peer_config *cfg);
/* Without a word to the peer or the ops. */
void bgp_session_free(struct bgp_session *s);
/* An accepted connection from the peer's address, which is taken over. -1: one without a socket, for tests.
 */
void bgp_session_incoming(struct bgp_session *s, int fd);
/* Holds from the next dial or OPEN on. */
void bgp_session_configure(struct bgp_session *s, const struct bgp_peer_config *cfg);
/* STOP and RESET with all that they may have; a silent stop keeps our routes at the peer. */
void bgp_session_admin(struct bgp_session *s, enum bgp_ev type, uint8_t subcode, const char *text,
                       bool silent);
/* For tests: `len` bytes as if they had come by connection 0 or 1. */
void bgp_session_feed(struct bgp_session *s, unsigned conn, const void *data, size_t len);

/* ---- between the parts */

/* bgp_session_act.c: reports an event to the state machine and does what it wants. */
void bgp_session_step(struct bgp_session *s, const struct bgp_fsm_event *ev);
void bgp_session_act(struct bgp_session *s, const struct bgp_fsm_actions *list, mono_t now);
void bgp_session_send_refresh(struct bgp_session *s);
void bgp_session_count(struct bgp_session *s, const struct bgp_traffic *sent);
/* bgp_session.c: what the connections' events call, with their slot. */
void bgp_session_on_socket(evutil_socket_t fd, short what, void *arg);
/* bgp_session_msg.c: everything that lies whole in the read buffer of a connection. */
void bgp_session_messages(struct bgp_session *s, unsigned conn);

#endif
