/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The kernel's TCP as BGP wants it: listening, dialling, TCP MD5 (RFC 2385), GTSM (RFC 5082), TTL
 * of eBGP, DSCP CS6. No libevent, no state. Control thread only.
 *
 * Tricky, GTSM: a listener serves peers with and without it, so the smallest TTL can be asked for only once a
 * connection was accepted. The listener therefore sends with TTL 255 (the peer may insist on it) and keeps
 * each SYN, so that the TTL of the SYN can be judged on accept: what was sent from too far away never gets a
 * session and has a name.
 */
#ifndef CONTROLPLANE_BGP_SOCKET_H
#define CONTROLPLANE_BGP_SOCKET_H

#include "controlplane/bgp_peer.h"

/* A listening socket on this address, which need not exist yet (or may be 0.0.0.0, ::). fd or -errno. */
int bgp_socket_listen(const struct ipaddr *local, uint16_t port);
/* Sets or, with "", removes the key for connections from and to `peer`: on listeners for every peer of their
 * family, else on the socket itself. 0 or -errno. */
int bgp_socket_password(int fd, const struct ipaddr *peer, const char *password);
/* A connection that is being opened (writable: see SO_ERROR). fd or -errno. */
int bgp_socket_dial(const struct bgp_peer_config *c, bool ebgp);
/* Makes an accepted socket this peer's. 0, -EACCES: GTSM, its SYN came with TTL *ttl, or -errno. */
int bgp_socket_adopt(int fd, const struct bgp_peer_config *c, bool ebgp, int *ttl);
/* Closes so that what was sent arrives, unless the peer goes on sending: a close with unread bytes resets the
 * connection. */
void bgp_socket_finish(int fd);
/* Closes with a reset and so without leaving anything in the kernel. */
void bgp_socket_abort(int fd);

#endif
