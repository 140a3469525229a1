/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The session with one BGP peer: does what the state machine (bgp_fsm.h) decides, with libevent and the
 * kernel's sockets. Reads messages, decodes them, reports them to the state machine and hands UPDATEs on;
 * writes what it is told to, and pulls UPDATEs while there is room, so that a slow peer costs BGP_CONN_OUT
 * bytes and then, by the send hold timer (RFC 9687), its session. Each peer does a bounded amount of work per
 * turn of the loop.
 *
 * Whoever holds the routes is behind struct bgp_ops; this file knows none. The ops may call
 * bgp_session_wake(), bgp_session_exceeded(), bgp_session_give_up() and what only reads; nothing else of this
 * header, nor of bgp.h.
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_BGP_SESSION_H
#define CONTROLPLANE_BGP_SESSION_H

#include "controlplane/bgp_conn.h"
#include "controlplane/bgp_peer.h"
#include "controlplane/bgp_update.h"

#define BGP_ERROR_WORDS 512

struct bgp_session;

/* All are required. */
struct bgp_ops {
    /* Established: from now on there may be something to pull. Non-zero: no memory, the session is ended. */
    int (*up)(void *arg, struct bgp_session *peer, const struct bgp_fsm_session *session);
    /* No longer. graceful (R2.7): its routes stay, as stale; stale_end or end_of_rib follows. */
    void (*down)(void *arg, struct bgp_session *peer, bool graceful);
    /* The time for stale routes is over, or the peer came back without having kept its forwarding state. */
    void (*stale_end)(void *arg, struct bgp_session *peer);
    /* Only of an Established session, and only what RFC 7606 lets live. Holds until the return. */
    void (*update)(void *arg, struct bgp_session *peer, const struct bgp_update *update);
    void (*end_of_rib)(void *arg, struct bgp_session *peer);
    /* The peer wants all our EVPN routes again (RFC 2918). */
    void (*refresh)(void *arg, struct bgp_session *peer);
    /* Writes one whole UPDATE of at most `size` bytes and returns its length. 0: nothing is left, until
     * bgp_session_wake(). */
    size_t (*pull)(void *arg, struct bgp_session *peer, uint8_t *msg, size_t size);
};

/* Allowed from inside of the ops: there is something to pull for this peer; it is pulled in the same turn of
 * the loop. */
void bgp_session_wake(struct bgp_session *s);
/* The peer announced more than its limit (R2.6): ends the session with Cease/1. */
void bgp_session_exceeded(struct bgp_session *s);
/* Ends the session with Cease/8 (out of resources), and begins again. why: static text for the log. */
void bgp_session_give_up(struct bgp_session *s, const char *why);

/* ---- what an operator does */

void bgp_session_start(struct bgp_session *s);
/* text: shutdown communication (RFC 9003), may be NULL. */
void bgp_session_stop(struct bgp_session *s, const char *text);
/* Ends the session and begins again. */
void bgp_session_reset(struct bgp_session *s, const char *text);
/* Asks the peer for all its routes again. -ENOTCONN: no session, -EOPNOTSUPP: the peer cannot. */
int bgp_session_refresh(struct bgp_session *s);

/* ---- what there is to see */

struct bgp_session_counters {
    struct bgp_traffic in, out;                          /* since the peer was added */
    uint64_t msg_errors;                                 /* what arrived and ended the session */
    uint64_t withdrawn_updates;                          /* RFC 7606: treat-as-withdraw */
    uint64_t discarded_attrs;                            /* RFC 7606: attribute discard */
    uint64_t unknown_routes, bad_routes, other_families; /* stepped over (R2.2) */
    uint64_t refused_ttl;                                /* connections from too far away (RFC 5082) */
    uint64_t md5_errors;    /* segments with bad signatures while this peer was among the suspects */
    uint64_t dial_errors;   /* dials that failed on the spot: no route, no such source address */
    uint64_t unfinished;    /* connections that ended in the middle of a message */
    uint64_t ends_of_rib;   /* received */
    uint64_t stale_expired; /* times that stale routes were given up */
};

struct bgp_session_status {
    enum bgp_state state;
    bool ebgp;
    bool stale;      /* routes of the last session are kept */
    bool pending;    /* not everything was told to the peer yet */
    bool restarting; /* R2.7: it has not heard yet that we restarted, and may hold our routes */
    mono_t since;    /* of the session while Established, else of its end; .ns 0: there was none yet */
    struct ipaddr local, remote;
    uint16_t local_port, remote_port;
    size_t queued;                            /* bytes that the socket did not take yet */
    const struct bgp_fsm_session *negotiated; /* NULL unless Established */
    const struct bgp_caps *capabilities;      /* the peer's; NULL before its first OPEN */
    const struct bgp_fsm_counters *fsm;
    const struct bgp_session_counters *counters;
};

void bgp_session_status(const struct bgp_session *s, struct bgp_session_status *out);
/* "" when there was no error. Returns buf. */
const char *bgp_session_last_error(const struct bgp_session *s, char buf[BGP_ERROR_WORDS]);
const struct bgp_peer_config *bgp_session_config(const struct bgp_session *s);
/* The address in text, for the log. */
const char *bgp_session_name(const struct bgp_session *s);
/* Whatever the user of the ops hangs to it. */
void bgp_session_set_user(struct bgp_session *s, uintptr_t user);
uintptr_t bgp_session_user(const struct bgp_session *s);

#endif
