/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The authoritative MAC table: where each MAC of each network is. Pure: it takes events and `now`, and tells
 * what to do through its ops (program the FDB, remove from it, advertise, withdraw, alert); it knows no DPDK,
 * BGP, socket or timer, so every order of events can be tried in a test. The FDB and our own type 2 routes
 * follow it and can be replayed from it (mactable_replay(), mactable_replay_routes()).
 *
 * One entry per (network, MAC). It has one owner, and beside it the best route that the peers advertise:
 *
 *   configured       static or flood: nothing moves it. Static at a port is advertised as sticky (R4.8).
 *   local            seen on an access port: advertised, with a sequence.
 *   EVPN             the best route of the peers; it never ages, it is withdrawn.
 *   remote           seen in frames of a static peer (R1.10): ages, is not advertised.
 *
 * Who wins (RFC 7432 section 15, mac_mobility.c): configured; else a sticky route; else, between local and a
 * route, the newer sequence, and of equal ones the lower VTEP address; else the route; else the static peer.
 * A frame on an access port makes a MAC local whatever route there is (unless that is sticky), with the
 * route's sequence + 1. Between ports and static peers the last place wins. A static peer's frame never
 * overrides a route: the gateway that advertises it hears the frame, too, and withdraws.
 *
 * Duplicates (R5.1): moves between here and another gateway are counted at both, moves between our own ports
 * or to, from and among static peers here; moves among other gateways are not. At the Nth within M seconds
 * this gateway stands back: the MAC is left where it is (a frame that would have been the Nth move is not
 * acted upon; a route that is the Nth move is followed, the last one), and from then on nothing is
 * advertised, followed or aged, and no withdrawal heeded. So the gateway that is left, and all that watch,
 * point to one place, and who freezes adds no swing. What was frozen at one of our ports stays advertised as
 * it was, for else nobody would find it; and if a third one turns up behind another gateway, its route is
 * followed, the last one, or two would advertise it. Only one exception: when the place itself is gone
 * (mactable_clear_at()), so is the freeze.
 *
 * IPs (R3.6, R4.9, R6.2): those of a local MAC are advertised beside the MAC alone, with its sequence. When
 * it becomes local, the IPs that its routes carried are taken over; when it leaves, ours are remembered for a
 * minute, in case it comes back before the other gateway has said them.
 *
 * Calls may not be made from within an op. Control thread only.
 */
#ifndef CONTROLPLANE_MACTABLE_H
#define CONTROLPLANE_MACTABLE_H

#include "conf/types.h"
#include "dataplane/dp.h"

struct mactable;

enum mac_origin {
    MAC_LOCAL,  /* learned on an access port */
    MAC_REMOTE, /* learned from frames of a static peer (R1.10) */
    MAC_STATIC, /* configured: never moved, never aged */
    MAC_FLOOD,  /* configured R8.2 exception: flooded on purpose */
    MAC_EVPN,   /* told by BGP */
};

/* As in struct dp_dest; where 0: none. */
struct mac_place {
    uint16_t target;
    uint8_t where;
};

struct mac_entry {
    mono_t since; /* at this place */
    struct mac mac;
    dp_net_id net;
    uint32_t moves;        /* times it changed place */
    uint32_t seq;          /* when advertised: with this sequence (0: without the community, R4.2) */
    uint32_t route_seq;    /* the best route of the peers, whoever owns the MAC ... */
    dp_vtep_id route_vtep; /* ... 0: none */
    uint16_t route_es;
    uint16_t target;
    struct mac_place last; /* where it was before */
    enum mac_origin origin : 8;
    enum dp_where where : 8; /* with target, as in struct dp_dest */
    bool route_sticky : 1;
    bool sticky : 1;      /* local, and advertised as sticky */
    bool advertised : 1;  /* we have a route out for it */
    bool duplicate : 1;   /* frozen (R5.1) */
    bool ips_refused : 1; /* it had more IPs than are kept, and that was said */
};

enum mac_alert {
    MAC_ALERT_NET_LIMIT,  /* R8.4: first MAC refused since the network was last below its limit */
    MAC_ALERT_PORT_LIMIT, /* R8.4: the same for an access port */
    MAC_ALERT_FDB_FULL,
    MAC_ALERT_DUPLICATE,     /* R5.1: frozen */
    MAC_ALERT_DUPLICATE_END, /* its hold-down ended */
    MAC_ALERT_STICKY_MOVED,  /* R4.8: a sticky or static MAC shows up elsewhere */
    MAC_ALERT_IP_LIMIT,      /* a MAC has more IPs than are kept; the others are not advertised */
    MAC_ALERT_N
};

/* The first three have net and port; all others net, mac and the evidence. */
struct mac_alert_info {
    enum mac_alert what;
    dp_net_id net;
    dp_port_id port;
    struct mac mac;
    struct mac_place held, seen; /* where it is held, and where else it showed up */
    mono_t held_since, seen_at;
    unsigned moves; /* MAC_ALERT_DUPLICATE: within the window */
    bool goes;      /* MAC_ALERT_STICKY_MOVED: to where it was seen; else it stays */
};

/* What made a MAC move. */
enum mac_cause {
    MAC_BY_FRAME, /* of it, with this evidence (R6.1) */
    MAC_BY_ROUTE, /* of a peer */
    MAC_BY_US,    /* its time was over, it was cleared, or configured */
    MAC_CAUSES
};

/* Where a MAC was and is; where 0: not known to the table (new, or gone). */
struct mac_moved {
    dp_net_id net;
    struct mac mac;
    struct mac_place from, to;
    enum mac_origin before, after; /* of an end whose where is 0: not set */
    uint32_t seq;                  /* of whoever owns it now */
    bool expected;                 /* R5.2: announced by mactable_expect_move() */
    bool port_down;                /* by mactable_clear_port() */
    enum mac_cause cause;
    enum dp_evidence evidence;
    mono_t at;        /* when the frame was at the worker, or now */
    mono_t last_seen; /* last frame from it at the old place, 0: never or not known */
};

struct mactable_ops {
    /* 0 or -ENOSPC: then the MAC is not learned. Adds, or replaces in one store (R4.10). */
    int (*program)(void *arg, dp_net_id net, struct mac mac, struct dp_dest dest);
    void (*remove)(void *arg, dp_net_id net, struct mac mac);
    /* When a frame from it was last seen, by the clock of `now`; false: unknown. */
    bool (*seen)(void *arg, dp_net_id net, struct mac mac, mono_t *seen);
    /* It came, went, or is at another place (R6.3). After `program`, and before the peers are told of the new
     * place; of a MAC that goes, after `remove` and `withdraw`. May read the table: the entry says what `m`
     * does, and has the IPs of before. NULL: not wanted. */
    void (*moved)(void *arg, const struct mac_moved *m);
    void (*alert)(void *arg, const struct mac_alert_info *info);
    /* Our type 2 routes; ip NULL: the MAC alone. Advertising what is out replaces it. NULL without BGP. */
    void (*advertise)(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, uint32_t seq,
                      bool sticky);
    void (*withdraw)(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip);
    /* R4.3: the newest sequence of the peers' routes for a MAC that are no choice here because their VTEPs
     * are lost, but that other gateways may still follow; false: there are none. NULL: never. */
    bool (*lost_seq)(void *arg, dp_net_id net, struct mac mac, uint32_t *seq);
};

/* Serial arithmetic (R4.6): <0, 0, >0 as a is older than, equal to, newer than b. Half a round apart, where
 * RFC 1982 leaves it open, the larger number is newer, so that both ends agree. */
static inline int mac_seq_cmp(uint32_t a, uint32_t b)
{
    uint32_t d = a - b;

    if (d == 0)
        return 0;
    if (d == 0x80000000u)
        return a > b ? 1 : -1;
    return d < 0x80000000u ? 1 : -1;
}

/* ---- life and settings */

/* max_macs: most entries in all. NULL without memory. */
struct mactable *mactable_new(uint32_t max_macs, const struct mactable_ops *ops, void *arg);
void mactable_free(struct mactable *t);

/* Per network: ageing in seconds (0: never) and MAC limit (UINT32_MAX: none). Must precede events of that
 * network. Routes count for the limit but are never refused by it: that is what maximum prefixes are for
 * (R2.6), and a refused route would not come again. */
void mactable_set_network(struct mactable *t, dp_net_id net, uint32_t ageing_s, uint32_t mac_limit);
/* The network is no more: forgets all of its MACs, configured and frozen ones too, and withdraws them. After
 * the last route of it went (mactable_remote()). Returns how many. */
unsigned mactable_remove_network(struct mactable *t, dp_net_id net, mono_t now);
void mactable_set_port(struct mactable *t, dp_port_id port, uint32_t mac_limit);
/* MACs that are learned on this port from now on are sticky. */
void mactable_set_port_sticky(struct mactable *t, dp_port_id port, bool sticky);
/* The Ethernet segment of a port: a number that the caller gives each non-zero ESI; 0: none (R4.4). */
void mactable_set_port_es(struct mactable *t, dp_port_id port, uint16_t es);
/* Our VTEP address, one per family: what equal sequences are compared with (R4.5). Before the first route. */
void mactable_set_own_vtep(struct mactable *t, const struct ipaddr *address);
/* The gateway's own, at DP_OWN_PORT of every network; the FDB has it without the table. Nobody else can have
 * it: a frame or a route that says so changes nothing, and is counted and told as of a static MAC. */
void mactable_set_own_mac(struct mactable *t, struct mac mac);

#define MAC_DUP_MOVES     5
#define MAC_DUP_WINDOW_S  180
#define MAC_DUP_MAX_MOVES 32
/* R5.1. moves 0: no detection; hold_s 0: frozen until mactable_clear_duplicate(). -EINVAL. */
int mactable_set_duplicates(struct mactable *t, unsigned moves, uint32_t window_s, uint32_t hold_s);

/* A static or flood entry. 0, -EEXIST, -ENOSPC, -EINVAL. */
int mactable_add_static(struct mactable *t, dp_net_id net, struct mac mac, struct dp_dest dest, mono_t now);
/* The same for one that is configured already: replaced in one store (R4.10). 0, -ENOENT, -ENOSPC, -EINVAL.
 */
int mactable_change_static(struct mactable *t, dp_net_id net, struct mac mac, struct dp_dest dest,
                           mono_t now);
/* Back to the peers' route, if there is one. 0 or -ENOENT. */
int mactable_remove_static(struct mactable *t, dp_net_id net, struct mac mac, mono_t now);

/* ---- events */

/* The data plane saw this source at this place. */
void mactable_source_seen(struct mactable *t, const struct dp_event *event, mono_t now);

/* A type 2 route as the tie-break needs it. The address belongs to the id: give the same each time. */
struct mac_route {
    dp_vtep_id vtep;
    uint16_t es; /* as in mactable_set_port_es() */
    struct ipaddr address;
    uint32_t seq;
    bool sticky;
};
/* The best route of all peers (sticky first, then the newest sequence, then the lowest VTEP address) is
 * another one, or changed; NULL: none is left. */
void mactable_remote(struct mactable *t, dp_net_id net, struct mac mac, const struct mac_route *best,
                     mono_t now);
/* Routes were refused for want of room, and there is some again: give all best routes once more. */
bool mactable_missed_routes(struct mactable *t);

#define MAC_MAX_IPS 32
/* An ARP or NA on an access port showed the IP of a MAC (after mactable_source_seen() for that frame), or it
 * has it no longer. 0; -ENOENT: the MAC is not local, or frozen; -ENOSPC, -ENOMEM, -EINVAL. */
int mactable_local_ip(struct mactable *t, dp_net_id net, struct mac mac, const struct ipaddr *ip);
int mactable_local_ip_gone(struct mactable *t, dp_net_id net, struct mac mac, const struct ipaddr *ip);
/* Some peer's route carries the IP (after mactable_remote() for that route), or none does any more. As above;
 * -ENOENT: the MAC is unknown. */
int mactable_remote_ip(struct mactable *t, dp_net_id net, struct mac mac, const struct ipaddr *ip,
                       bool known);

/* R5.2: the next move to that VTEP (0: to here) is not counted when it comes before `until`; moves to other
 * places are, meanwhile, and so is the 41st in a window that was announced. until 0: it is expected no
 * longer. 0; -ENOENT: the MAC is unknown, so its appearance is no move; -ENOMEM. */
int mactable_expect_move(struct mactable *t, dp_net_id net, struct mac mac, dp_vtep_id vtep, mono_t until);

/* Looks at up to `budget` entries, going round, and removes those that aged out (back to the route, if there
 * is one). Returns how many it removed. Ends hold-downs and drops old history on the way. Call it so that a
 * round takes no longer than a few seconds. */
unsigned mactable_age(struct mactable *t, mono_t now, unsigned budget);
/* Forgets what was learned (not routes): all, or of one network (net != 0), or one MAC (mac != NULL, with net
 * or in all). Returns how many. */
unsigned mactable_clear(struct mactable *t, dp_net_id net, const struct mac *mac, mono_t now);
/* Ends the freeze of duplicates, chosen as above; returns how many were frozen. The route of now is followed;
 * without one the MAC is forgotten until its next frame. Moves so far count no more, of MACs that are not
 * frozen here neither: an operator clears at all gateways. */
unsigned mactable_clear_duplicate(struct mactable *t, dp_net_id net, const struct mac *mac, mono_t now);
/* A port or VTEP is gone: forgets what was learned there, and routes to there, in one step (R9.5). Of a VTEP,
 * after mactable_remote() for the MACs that the RIB has another route for: these move without a gap. If the
 * RIB keeps routes to it, it must give them again, with their IPs, when the VTEP is back. */
unsigned mactable_clear_at(struct mactable *t, enum dp_where where, uint16_t target, mono_t now);
/* A port is down: forgets what was learned there, in slots from *cursor (0 at first) on, `budget` of them.
 * True: that was all; start again from 0 if mactable_learned_at_port() says so. */
bool mactable_clear_port(struct mactable *t, dp_port_id port, uint32_t *cursor, unsigned budget, mono_t now);
/* Programs every entry again. */
void mactable_replay(struct mactable *t);
/* Advertises everything of ours again. */
void mactable_replay_routes(struct mactable *t);

/* ---- reading */

uint32_t mactable_count(const struct mactable *t);
uint32_t mactable_count_network(const struct mactable *t, dp_net_id net);
uint32_t mactable_count_at(const struct mactable *t, enum dp_where where, uint16_t target);
uint32_t mactable_learned_at_port(const struct mactable *t, dp_port_id port);
const struct mac_entry *mactable_find(const struct mactable *t, dp_net_id net, struct mac mac);
/* Walks the table in a stable order of slots: *cursor starts at 0; NULL at the end. Entries added or removed
 * during a walk over several loop turns may or may not be seen; others are seen once. */
const struct mac_entry *mactable_next(const struct mactable *t, uint32_t *cursor);

/* The sequence of whoever owns it. */
static inline uint32_t mac_entry_seq(const struct mac_entry *e)
{
    return e->origin == MAC_EVPN ? e->route_seq : e->seq;
}

struct mac_ip_info {
    struct ipaddr ip;
    bool local;  /* ours: advertised */
    bool remote; /* in a peer's route */
};
/* Up to n IPs of a MAC; returns how many. */
unsigned mactable_ips(const struct mactable *t, dp_net_id net, struct mac mac, struct mac_ip_info *out,
                      unsigned n);

struct mac_move {
    mono_t at;
    struct mac_place from, to;
};
/* Up to n of the last counted moves, the newest first; returns how many. */
unsigned mactable_moves(const struct mactable *t, dp_net_id net, struct mac mac, struct mac_move *out,
                        unsigned n);

/* Where else a sticky or static MAC showed up last, when, and how often (R4.8). False: nowhere, or it was
 * forgotten since. */
struct mac_offence {
    struct mac_place seen;
    mono_t at;
    uint32_t count; /* at all places */
};
bool mactable_offence(const struct mactable *t, dp_net_id net, struct mac mac, struct mac_offence *out);

struct mactable_stats {
    uint64_t added[MAC_CAUSES]; /* new entries, by what brought them */
    uint64_t aged;
    uint64_t refused;      /* frames and routes of new MACs that found no room, or a limit reached (R8.4) */
    uint64_t moves;        /* changes of place */
    uint64_t duplicates;   /* MACs that were frozen */
    uint64_t sticky_moves; /* frames and routes of a sticky or static MAC elsewhere */
    uint64_t routes_missed;
    uint32_t frozen; /* now */
};
struct mactable_stats mactable_stats(const struct mactable *t);

#endif
