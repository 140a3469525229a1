/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One running gateway: turns a struct conf into ports, XDP programs, TAP, underlay, topology and MAC table,
 * and keeps them together while the event loop turns. The API reads it through these structs.
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_GATEWAY_H
#define CONTROLPLANE_GATEWAY_H

#include "conf/conf.h"
#include "controlplane/forwarding.h"
#include "controlplane/mactable.h"
#include "controlplane/neighbor.h"
#include "controlplane/underlay.h"
#include "dataplane/dp.h"

struct announce;
struct conf_diff;
struct api;
struct event_base;
struct gateway_capture;
struct moves;
struct oam;
struct overlay;
struct rehearse;
struct survey;
struct reload;
struct xdp;

struct gateway_port {
    dp_port_id id;
    const struct conf_access *access; /* NULL: the underlay port or the TAP */
    struct xdp *xdp;                  /* NULL unless `interface:` */
    char name[CONF_NAME_LEN];
};

struct gateway_network {
    dp_net_id id; /* its own for as long as it lives, whatever others come and go */
    const struct conf_network *conf;
};

struct gateway_vtep {
    dp_vtep_id id;         /* index + 1 */
    struct ipaddr address; /* family 0: this id is not in use */
    bool is_static;        /* a configured peer */
    bool kept;             /* the fast path that was taken over has it; until the peers told all */
    bool has_hop;          /* and knew hop; until the kernel says something of its neighbour */
    struct mac hop;
    bool lost;       /* R9.5: no frame reaches it, so no route to it is followed */
    uint16_t peer;   /* the RIB's peer that told of it first; 0: configured */
    uint16_t floods; /* networks whose flood list it is on by BGP (R8.1) */
    uint32_t macs;   /* MACs whose best route it is, owner or not */
};

/* A VTEP that may send for a network, and gets what is flooded in it: configured, told by BGP, or both
 * (R8.1). */
struct gateway_peer {
    dp_vtep_id vtep;
    bool is_static, learning; /* as configured */
    bool bgp;
    bool kept; /* the fast path that was taken over has it */
};

struct gateway {
    const struct conf *conf; /* another one after a reload: whoever keeps a pointer into it loses it */
    size_t macs_left;        /* of a reload that is under way: configured MACs that were not looked at yet */
    uint64_t generation; /* of the configuration: 1 at the start, and one more with each that is applied */
    struct event_base *base;
    struct dp *dp;
    struct forwarding *fwd;
    struct underlay *underlay;
    struct mactable *macs;
    struct neighbors *neighbors;
    struct overlay *overlay; /* NULL without bgp */
    struct moves *moves;
    struct announce *announce;
    struct oam *oam;
    struct rehearse *rehearse;
    struct gateway_capture *capture; /* NULL: none */
    struct survey *survey;           /* NULL until a doctor comes */
    uint64_t survey_call;            /* whose it is (api_reply()) */
    struct reload *reload;           /* NULL before it is there, and after */
    struct api *api; /* NULL before it is there, and after; for those who have something to tell (api.h) */
    struct gateway_port ports[DP_MAX_PORTS];
    unsigned n_ports;
    struct gateway_network *networks; /* in the order of the configuration */
    unsigned n_networks;
    unsigned max_networks;      /* highest id there may be */
    struct gateway_vtep *vteps; /* by id - 1; static peers, and with BGP those that peers tell of */
    unsigned n_vteps;           /* highest id so far */
    unsigned max_vteps;         /* room in vteps */
    mono_t started;
    uint64_t started_unix_ns; /* the same by CLOCK_REALTIME */
    bool hugepages;
    struct gateway_private *priv; /* timers and the like, gateway*.c only */
};

/* Brings everything up, in order; on failure undoes it in reverse and says why in err. */
struct gateway *gateway_start(struct event_base *base, const struct conf *conf, char *err, size_t err_len);
/* Another configuration, of which conf_diff() says that no change needs a restart: goes over to it without
 * touching what is the same in both. 0: conf is g->conf now, and the caller's to keep, and
 * gateway_reload_more() is to be called. -errno with a sentence in err: nothing has changed. What could not
 * be done although the rest was is in warnings, a line each. */
#define GATEWAY_WARNINGS_LEN 2048
int gateway_reload(struct gateway *g, const struct conf *conf, const struct conf_diff *diff,
                   char warnings[GATEWAY_WARNINGS_LEN], char *err, size_t err_len);
/* The configured MACs, GATEWAY_RELOAD_MACS of them; adds to warnings. True: some are left, for another turn
 * of the loop. Until it says false the configuration of before must stay, and there is no other reload. */
#define GATEWAY_RELOAD_MACS 500
bool gateway_reload_more(struct gateway *g, char warnings[GATEWAY_WARNINGS_LEN]);
/* Detaches and frees everything. NULL is fine. */
void gateway_stop(struct gateway *g);

const struct gateway_network *gateway_network(const struct gateway *g, dp_net_id id);
const struct gateway_vtep *gateway_vtep(const struct gateway *g, dp_vtep_id id);
const struct gateway_port *gateway_port(const struct gateway *g, dp_port_id id);
/* A network's flood list, *n of them; holds until the loop turns. */
const struct gateway_peer *gateway_peers(const struct gateway *g, dp_net_id net, size_t *n);
/* Whether that VTEP serves the network now. */
bool gateway_has_peer(const struct gateway *g, dp_net_id net, dp_vtep_id vtep);
/* A message was sent by g->oam, or a rehearsal started: something may be due earlier now. */
void gateway_oam_changed(struct gateway *g);

#endif
