/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Between BGP sessions (bgp.h) and the EVPN RIB (evpn_rib.h), which do not know each other: what a session
 * hears goes to the RIB, what the RIB has to tell is pulled by the session. Who makes the RIB gives it ops
 * that pass `writable` and `alert` on to here. Order:
 *
 *     glue = bgp_rib_glue_new(rib, max_peers);      bgp = bgp_new(base, &config, &bgp_rib_glue_ops, glue,
 * err); bgp_rib_glue_peer_add(glue, bgp, &peer, err); ... bgp_free(bgp); bgp_rib_glue_free(glue);
 * evpn_rib_free(rib);
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_BGP_RIB_GLUE_H
#define CONTROLPLANE_BGP_RIB_GLUE_H

#include "controlplane/bgp.h"
#include "controlplane/evpn_rib.h"

struct bgp_rib_glue;

/* max_peers: as in the RIB's configuration. NULL without memory. */
struct bgp_rib_glue *bgp_rib_glue_new(struct evpn_rib *rib, unsigned max_peers);
/* NULL is fine. */
void bgp_rib_glue_free(struct bgp_rib_glue *g);

extern const struct bgp_ops bgp_rib_glue_ops;

/* What others like to know; each may be NULL. */
struct bgp_rib_glue_hooks {
    /* A session has taken all there was for its peer. */
    void (*sent)(void *arg);
    /* It is established, or no longer. */
    void (*changed)(void *arg, const struct bgp_session *s, bool up);
};
void bgp_rib_glue_set_hooks(struct bgp_rib_glue *g, const struct bgp_rib_glue_hooks *hooks, void *arg);

/* For the RIB's ops. */
void bgp_rib_glue_writable(struct bgp_rib_glue *g, rib_peer_id peer);
void bgp_rib_glue_alert(struct bgp_rib_glue *g, rib_peer_id peer, enum evpn_rib_alert alert);

/* Once a second: asks peers again for routes that had found no room, when there is some. */
void bgp_rib_glue_poll(struct bgp_rib_glue *g, mono_t now);

/* Adds a peer to both sides and starts it. NULL with a sentence in err. */
struct bgp_session *bgp_rib_glue_peer_add(struct bgp_rib_glue *g, struct bgp *bgp,
                                          const struct bgp_peer_config *config, char err[BGP_ERR_LEN]);
/* The RIB's side follows. A peer that goes from internal to external, or back, begins with nothing. 0 or
 * -errno. */
int bgp_rib_glue_peer_change(struct bgp_rib_glue *g, struct bgp *bgp, struct bgp_session *s,
                             const struct bgp_peer_config *config, char err[BGP_ERR_LEN]);
void bgp_rib_glue_peer_remove(struct bgp_rib_glue *g, struct bgp *bgp, struct bgp_session *s);
/* `clear bgp PEER soft`: all routes again, both ways. 0, -ENOTCONN, -EOPNOTSUPP: ours go out, the peer's
 * cannot be asked for. */
int bgp_rib_glue_soft_clear(struct bgp_rib_glue *g, struct bgp_session *s);
/* The peer of a RIB id, for show commands; NULL: none. */
struct bgp_session *bgp_rib_glue_session(const struct bgp_rib_glue *g, rib_peer_id peer);
rib_peer_id bgp_rib_glue_id(const struct bgp_session *s);

#endif
