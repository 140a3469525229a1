/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The EVPN RIB: what all peers have announced, which of it is best, and what we announce ourselves. Pure: it
 * knows no socket, timer or DPDK; it takes decoded UPDATEs and words about peers, tells what changed through
 * its ops, and writes our own routes as whole UPDATE messages when a peer's session pulls them.
 *
 * In:   evpn_rib_update() stores, chooses the best route of each (network, MAC) and tells it at once
 * (ops.mac, ops.binding, ops.flood). A peer that is lost, or a VTEP, takes all of its routes along in one
 * pass, and each MAC that is concerned is told once (R9.5). Import is by route target alone (R3.3). Out:
 * evpn_rib_announce() and evpn_rib_withdraw() change our own routes. Those with equal attributes form a
 *       group, in the order of their last change, and each peer has a cursor into each group; withdrawn
 * routes are a group too and stay until all established peers passed them. So a slow peer costs no copy of
 * anything, and what it gets when it pulls at last is packed as well as a first full table. Received routes
 * are never announced again.
 *
 * Control thread only; no globals. The ops may call evpn_rib_announce(), evpn_rib_withdraw() and what only
 * reads; nothing else.
 */
#ifndef CONTROLPLANE_EVPN_RIB_H
#define CONTROLPLANE_EVPN_RIB_H

#include "conf/types.h"
#include "controlplane/bgp_update.h"
#include "controlplane/evpn.h"
#include "dataplane/dp.h"

struct evpn_rib;
typedef uint16_t rib_peer_id; /* 1..max_peers; 0: nobody */

/* ---- what is told */

struct evpn_rib_best {
    struct ipaddr vtep;
    uint32_t sequence; /* 0 when the route carries none */
    bool sticky;
    struct evpn_esi esi;
    uint16_t
        es; /* R4.4: a number that stands for the ESI while any route has it; 0: none, or too many others */
    uint32_t vni; /* the route's label */
    rib_peer_id peer;
};

#define EVPN_RIB_MAX_ES 4095

enum evpn_rib_alert {
    EVPN_RIB_WARNING,  /* R2.6: the peer passed the warning level of its limit; again only after it fell below
                        */
    EVPN_RIB_EXCEEDED, /* R2.6: it announced more than its limit; what is over was ignored. Once a session */
    EVPN_RIB_REFUSED,  /* a route of it found no room, or its attributes did not; again after
                          evpn_rib_room_again() */
    EVPN_RIB_SLOW,     /* max_withdrawn routes wait for this peer alone to hear of them. Once a session */
    EVPN_RIB_ALERT_N
};

struct evpn_rib_ops {
    /* The best route of a MAC is another one, or says something else; NULL: there is none any more. */
    void (*mac)(void *arg, dp_net_id net, struct mac mac, const struct evpn_rib_best *best);
    /* While a MAC has a best route: the first route with this IP for it came, or the last went. All of its
     * IPs come after ops.mac has told the first route, and go before it tells that there is none. Told again
     * with other flags (R7.4, BGP_ND_*; override alone without the community): of several routes with the IP,
     * one speaks for all while it is there. */
    void (*binding)(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, bool present,
                    uint8_t nd_flags);
    /* R8.1, R1.9: a VTEP is on the flood list of a network, by a route of this peer; 0: no longer. */
    void (*flood)(void *arg, dp_net_id net, const struct ipaddr *vtep, rib_peer_id peer);
    /* There is something to pull for this peer. Not again before evpn_rib_pull() has returned 0. Do not pull
     * from inside of it. */
    void (*writable)(void *arg, rib_peer_id peer);
    void (*alert)(void *arg, rib_peer_id peer, enum evpn_rib_alert alert);
};

/* ---- life */

struct evpn_rib_config {
    uint32_t asn;
    uint32_t router_id;     /* host order */
    struct ipaddr vtep;     /* R2.5: the next hop of all our routes */
    unsigned max_peers;     /* 1..1,024 */
    uint32_t max_routes;    /* received ones, all peers together, shared as share.h says; what is over is
                               ignored and counted */
    size_t max_attr_bytes;  /* of received attribute sets; the same */
    uint32_t max_withdrawn; /* see EVPN_RIB_SLOW; 0: never */
};

/* NULL without memory. */
struct evpn_rib *evpn_rib_new(const struct evpn_rib_config *config, const struct evpn_rib_ops *ops,
                              void *arg);
/* max_routes of the configuration; what is over stays. */
void evpn_rib_set_max_routes(struct evpn_rib *rib, uint32_t max_routes);
/* Tells nothing. NULL is fine. */
void evpn_rib_free(struct evpn_rib *rib);

/* ---- networks */

/* R3.3: a route target; by default bgp_extcom_rt_vni(), which is AS:VNI, of a 4-octet AS with its low 16 bits
 * as FRR has it. any_as (import only): whatever AS stands before the number, a target of this form matches.
 * That is how FRR imports by its automatic targets, and what lets gateways of different AS meet without
 * configuration. */
struct evpn_rib_rt {
    struct bgp_extcom rt;
    bool any_as;
};

struct evpn_rib_network {
    dp_net_id id;
    uint32_t vni;
    struct evpn_rd rd; /* R3.3 */
    const struct evpn_rib_rt *import_rts;
    size_t n_import;
    const struct evpn_rib_rt *export_rts;
    size_t n_export; /* at most EVPN_RIB_MAX_EXPORT */
};

#define EVPN_RIB_MAX_EXPORT 60 /* with encapsulation and mobility they must fit BGP_EXTCOMS */

/* Adds or changes a network, and announces its type 3 route. Everything is copied. When VNI, RD or export
 * targets change, the routes of the network are withdrawn and announced anew. Import takes effect for routes
 * that are there already with evpn_rib_apply(), so that many changes cost one pass. 0, -EINVAL, -ENOMEM. */
int evpn_rib_network_set(struct evpn_rib *rib, const struct evpn_rib_network *network);
/* Withdraws all of its routes. evpn_rib_apply() then takes the received ones out of it. */
void evpn_rib_network_remove(struct evpn_rib *rib, dp_net_id net);
void evpn_rib_apply(struct evpn_rib *rib);

/* ---- peers */

struct evpn_rib_peer {
    struct ipaddr address;
    bool ebgp;
    bool require_encap;      /* R3.4: ignore routes without encapsulation community; else they are VXLAN */
    uint32_t max_routes;     /* R2.6; 0: no limit */
    uint8_t warning_percent; /* of it; 0: no warning */
};

struct evpn_rib_session {
    uint32_t router_id; /* of the peer, host order */
    bool as4;           /* RFC 6793: both sides have 4-octet AS numbers */
};

/* Its id, or -ENOSPC. */
int evpn_rib_peer_add(struct evpn_rib *rib, const struct evpn_rib_peer *config);
/* Limits and require_encap may change at any time; address and ebgp must not. */
void evpn_rib_peer_change(struct evpn_rib *rib, rib_peer_id peer, const struct evpn_rib_peer *config);
/* Drops its routes. */
void evpn_rib_peer_remove(struct evpn_rib *rib, rib_peer_id peer);

/* Established: from now on there are all our routes and then an End-of-RIB to pull. -ENOMEM: end the session.
 */
int evpn_rib_peer_up(struct evpn_rib *rib, rib_peer_id peer, const struct evpn_rib_session *session);
/* keep_stale (R2.7): its routes stay in use, until they come again, evpn_rib_sweep(), or the session is lost
 * once more (RFC 4724 section 4.2: then what is still stale goes). Else all go now. */
void evpn_rib_peer_down(struct evpn_rib *rib, rib_peer_id peer, bool keep_stale);
/* Drops what is still stale: the peer's End-of-RIB came, its restart time is over, or it came back without
 * having kept its forwarding state. Returns how many. */
unsigned evpn_rib_sweep(struct evpn_rib *rib, rib_peer_id peer);

/* R10.1, R9.5: nothing reaches this VTEP, whatever peers say: its routes are no choice until it is found
 * again. Takes effect with evpn_rib_vteps_apply(), so that many VTEPs that go at once cost one pass; call it
 * before anything else. 0 or -ENOMEM. */
int evpn_rib_vtep_lost(struct evpn_rib *rib, const struct ipaddr *vtep);
void evpn_rib_vtep_found(struct evpn_rib *rib, const struct ipaddr *vtep);
void evpn_rib_vteps_apply(struct evpn_rib *rib);
/* Whether some peer has a route to it. */
bool evpn_rib_vtep_used(const struct evpn_rib *rib, const struct ipaddr *vtep);
/* R4.3: the newest sequence in the routes of a MAC to lost VTEPs: others may still follow them. False: there
 * is no such route. */
bool evpn_rib_lost_sequence(const struct evpn_rib *rib, dp_net_id net, struct mac mac, uint32_t *sequence);

/* ---- received */

/* One decoded UPDATE of an established peer. What must not be used is ignored and counted, and replaces what
 * the route was before. An End-of-RIB is the session's business: evpn_rib_sweep(). */
void evpn_rib_update(struct evpn_rib *rib, rib_peer_id peer, const struct bgp_update *update);

/* Whether routes of this peer were ignored for want of room, and now there is some: it should be asked for
 * all of them again (RFC 2918). True once. */
bool evpn_rib_room_again(struct evpn_rib *rib, rib_peer_id peer);

/* ---- announced */

/* Our route for a MAC (ip NULL: MAC-only) appears or changes. R4.2: sequence 0 and not sticky: without
 * mobility community. nd_flags (R7.4): BGP_ND_*; an IPv6 route always carries them, an IPv4 one only when it
 * is immutable (RFC 9047 section 3.1). 0, -ENOENT (no such network), -EINVAL, -ENOMEM. */
int evpn_rib_announce(struct evpn_rib *rib, dp_net_id net, struct mac mac, const struct ipaddr *ip,
                      uint32_t sequence, bool sticky, uint8_t nd_flags);
/* 0 or -ENOENT. */
int evpn_rib_withdraw(struct evpn_rib *rib, dp_net_id net, struct mac mac, const struct ipaddr *ip);

/* Writes the next message for this peer, as full as can be, and returns its length; 0 when it has been told
 * everything. size: BGP_MSG_MAX, or BGP_MSG_EXT_MAX when the session has it. -ENOSPC: size is too small for
 * one route.
 */
int evpn_rib_pull(struct evpn_rib *rib, rib_peer_id peer, uint8_t *msg, size_t size);
/* The peer asked for all again (RFC 2918), or we want to send it again. */
void evpn_rib_refresh(struct evpn_rib *rib, rib_peer_id peer);
/* Whether evpn_rib_pull() would write something. */
bool evpn_rib_pending(const struct evpn_rib *rib, rib_peer_id peer);

/* ---- reading */

/* Why a received route is not used. Those that are ignored for their label are held, the others not. */
enum evpn_rib_ignored {
    EVPN_RIB_IGNORED_AS_LOOP,    /* R2.4 */
    EVPN_RIB_IGNORED_ORIGINATOR, /* R2.4 */
    EVPN_RIB_IGNORED_ENCAP,      /* R3.4: none where required, or not VXLAN */
    EVPN_RIB_IGNORED_NEXT_HOP,   /* no usable VTEP address: ours, of the other family, not unicast */
    EVPN_RIB_IGNORED_TUNNEL,     /* R3.5: type 3 without ingress replication */
    EVPN_RIB_IGNORED_MAC,        /* zero or a group */
    EVPN_RIB_IGNORED_TYPE,       /* R3.7: not of type 2 or 3 */
    EVPN_RIB_IGNORED_MALFORMED,  /* RFC 7606: taken as withdrawn */
    EVPN_RIB_IGNORED_LIMIT,      /* R2.6 */
    EVPN_RIB_IGNORED_ROOM,       /* the peer's share of max_routes or max_attr_bytes; memory */
    EVPN_RIB_IGNORED_CROWD,      /* too many routes of one MAC */
    EVPN_RIB_IGNORED_LABEL,      /* its route target leads to networks that have another VNI */
    EVPN_RIB_IGNORED_TAG,        /* R3.2: an Ethernet tag other than 0, which is another service's */
    EVPN_RIB_IGNORED_N
};
/* "AS loop", ... */
const char *evpn_rib_ignored_name(enum evpn_rib_ignored why);

#define EVPN_RIB_TYPES 6 /* types 1..5; 0 is all others, announced or withdrawn */

struct evpn_rib_counts {
    uint32_t macs,
        vteps;      /* routes of type 2 and 3 that are held; those that are not stale count for the limit */
    uint32_t stale; /* of these; one that several networks import counts for each */
    uint32_t imported;                             /* pairs of route and network */
    uint64_t updates;                              /* received */
    uint64_t announced[EVPN_RIB_TYPES], withdrawn; /* routes in them */
    uint64_t ignored[EVPN_RIB_IGNORED_N];
    uint64_t sent_updates, sent_routes, sent_withdrawn;
};

const struct evpn_rib_counts *evpn_rib_counts(const struct evpn_rib *rib, rib_peer_id peer);

struct evpn_rib_totals {
    uint32_t routes; /* received; one that several networks import counts for each */
    uint32_t dests;  /* (network, MAC) and (network, VTEP) that have routes */
    uint32_t attrs, vteps, segments, rds;
    uint32_t own, groups; /* our routes, and distinct attributes of them */
    uint32_t withdrawn;   /* ours that some peer has still to hear of */
    size_t bytes;         /* all memory, freed slots included */
};
void evpn_rib_totals(const struct evpn_rib *rib, struct evpn_rib_totals *out);

/* The best route of a MAC; false: none. */
bool evpn_rib_best(const struct evpn_rib *rib, dp_net_id net, struct mac mac, struct evpn_rib_best *out);

/* All zero: everything. */
struct evpn_rib_filter {
    uint8_t type;
    dp_net_id net;
    rib_peer_id peer;
    bool by_mac;
    struct mac mac;
};

/* One line of `show routes`. A received route that several networks import is several. */
struct evpn_rib_route {
    bool own; /* peer is 0 then */
    bool best, stale;
    bool wrong_label; /* EVPN_RIB_IGNORED_LABEL; net is 0 */
    rib_peer_id peer;
    dp_net_id net;    /* 0: no network imports it */
    uint8_t nd_flags; /* R7.4, of a received one */
    struct ipaddr vtep;
    struct evpn_nlri nlri;
};

/* The next route that passes the filter, our own ones first; false at the end, or when as many slots were
 * looked at as *budget says (NULL: no bound), which is counted down: 0 then, and one may go on from the
 * cursor. *cursor starts at 0, only grows, and may be kept over turns of the loop: routes that come or go
 * meanwhile may or may not be seen, others are seen once. attrs (NULL: not wanted) is filled with all path
 * attributes; ours as an iBGP peer gets them. */
bool evpn_rib_next(const struct evpn_rib *rib, const struct evpn_rib_filter *filter, uint64_t *cursor,
                   struct evpn_rib_route *out, struct bgp_attrs *attrs, unsigned *budget);

#endif
