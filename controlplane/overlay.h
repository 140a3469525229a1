/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The EVPN side of a gateway: BGP sessions, RIB and MAC table joined, and the VTEPs that BGP tells of brought
 * to the underlay and to the data plane. What a peer announces is in the FDB in the same turn of the loop;
 * what the MAC table decides is on its way to the peers in the same turn.
 *
 *   session -> evpn_rib -> overlay -> MAC table -> FDB          MAC table -> overlay -> evpn_rib -> sessions
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_OVERLAY_H
#define CONTROLPLANE_OVERLAY_H

#include "controlplane/bgp.h"
#include "controlplane/evpn_rib.h"
#include "controlplane/gateway.h"

struct overlay;

/* With conf->bgp.asn set only. Creates the RIB with the gateway's networks; sessions start with
 * overlay_run(). NULL with a sentence in err. */
struct overlay *overlay_start(struct gateway *g, char *err, size_t err_len);
/* Opens the sessions: to be called when the gateway is ready to forward. 0 or -errno with a sentence in err.
 */
int overlay_run(struct overlay *o, char *err, size_t err_len);
/* A network comes or is another one; goes. What that means for routes that are there follows with
 * overlay_apply(). 0 or -errno. */
int overlay_network_set(struct overlay *o, const struct gateway_network *net);
void overlay_network_remove(struct overlay *o, dp_net_id net);
void overlay_apply(struct overlay *o);
/* Whether overlay_configure() can be done; listens where the new peers need it. 0, or -errno with a sentence
 * in err: nothing changed. */
int overlay_prepare(struct overlay *o, const struct conf *conf, char *err, size_t err_len);
/* Peers come, go and change as g->conf has it now; only sessions that must are reset. 0, or -errno with a
 * sentence in err about the first one that could not be changed. */
int overlay_configure(struct overlay *o, const struct conf *was, char *err, size_t err_len);
/* Our own routes, as the MAC table decides them. */
void overlay_advertise(struct overlay *o, dp_net_id net, struct mac mac, const struct ipaddr *ip,
                       uint32_t sequence, bool sticky);
void overlay_withdraw(struct overlay *o, dp_net_id net, struct mac mac, const struct ipaddr *ip);
/* See struct mactable_ops. */
bool overlay_lost_sequence(const struct overlay *o, dp_net_id net, struct mac mac, uint32_t *sequence);
/* All established peers have got our routes, and there is one. */
bool overlay_all_sent(const struct overlay *o);
/* Once a second. */
void overlay_poll(struct overlay *o);
/* R2.7: each peer has told all its routes since we are here. */
bool overlay_all_told(const struct overlay *o);
/* Ends all sessions; silently: without a word, so that the peers keep our routes for the time of a graceful
 * restart, because frames go on here. NULL is fine. */
void overlay_stop(struct overlay *o, bool silently);

struct bgp *overlay_bgp(const struct overlay *o);
struct evpn_rib *overlay_rib(const struct overlay *o);
/* The RIB's peer of a session, and the other way round (NULL: none). */
rib_peer_id overlay_rib_peer(const struct overlay *o, const struct bgp_session *s);
struct bgp_session *overlay_session(const struct overlay *o, rib_peer_id peer);

#endif
