/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The BGP speaker of a gateway: listening sockets, the peers and their sessions. Incoming connections go to
 * the peer that has their source address. What peers say and what they are told is behind struct bgp_ops
 * (bgp_session.h).
 *
 * Order: bgp_new(), bgp_peer_add(), bgp_session_set_user(), bgp_session_start(). Control thread only.
 */
#ifndef CONTROLPLANE_BGP_H
#define CONTROLPLANE_BGP_H

#include "controlplane/bgp_md5.h"
#include "controlplane/bgp_session.h"

#define BGP_MAX_LISTEN 16
#define BGP_ERR_LEN    256

struct bgp;

struct bgp_config {
    struct bgp_local local;
    const struct ipaddr *listen; /* addresses; 0.0.0.0 and :: are allowed, none at all too */
    size_t n_listen;
    uint16_t port; /* 0: BGP_PORT */
};

struct bgp_counters {
    uint64_t accepted;
    uint64_t unknown; /* connections from addresses that are no peer's */
    uint64_t accept_errors;
    struct bgp_md5_counts md5; /* since the start, of the whole network namespace */
};

/* NULL with a sentence in err. */
struct bgp *bgp_new(struct event_base *base, const struct bgp_config *config, const struct bgp_ops *ops,
                    void *arg, char err[BGP_ERR_LEN]);
/* Listens on these addresses and this port from now on: opens what is new and, unless something fails, closes
 * what is no longer there. Connections stay. 0 or -errno with a sentence in err. */
int bgp_listen(struct bgp *b, const struct ipaddr *addresses, size_t n, uint16_t port, char err[BGP_ERR_LEN]);
/* Closes everything without a NOTIFICATION and without calling the ops: peers that can (RFC 4724) keep our
 * routes until we are back. NULL is fine. */
void bgp_free(struct bgp *b);
/* Ends all sessions for good (Cease/2): the peers drop our routes. text may be NULL. */
void bgp_shutdown(struct bgp *b, const char *text);

/* A new peer, stopped. NULL with a sentence in err. */
struct bgp_session *bgp_peer_add(struct bgp *b, const struct bgp_peer_config *config, char err[BGP_ERR_LEN]);
/* Ends its session (Cease/3) and frees it. */
void bgp_peer_remove(struct bgp *b, struct bgp_session *s);
/* Another configuration for the same address; ends the session (Cease/6) if it must. 0 or -errno with a
 * sentence. */
int bgp_peer_change(struct bgp *b, struct bgp_session *s, const struct bgp_peer_config *config,
                    char err[BGP_ERR_LEN]);
struct bgp_session *bgp_peer_find(const struct bgp *b, const struct ipaddr *address);
/* NULL: the first. In order of addition. */
struct bgp_session *bgp_peer_next(const struct bgp *b, const struct bgp_session *s);

const struct bgp_counters *bgp_counters(const struct bgp *b);
const struct bgp_local *bgp_local(const struct bgp *b);

#endif
