/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the MAC table share and nobody else sees. Control thread only.
 *
 *   mactable.c      slots, hash, counts and limits, configured MACs, ageing, clearing, reading
 *   mac_mobility.c  section 4: who owns a MAC, and what follows from it
 *   mac_dup.c       section 5: counted moves, freezing, announced moves, alerts about conflicts
 *   mac_ip.c        the IPs of a MAC, and all that is said to the peers
 *
 * Tricky: counts per network, port and VTEP, and the "limit was hit" marks, change in mac_slot_add(),
 * mac_slot_remove(), mac_slot_put() and mac_slot_redirect() only; every path goes through these, and all but
 * the last tell of moves. Why it moves is noted by each event at its beginning (mac_event()), for they are
 * deep below.
 */
#ifndef CONTROLPLANE_MACTABLE_PRIVATE_H
#define CONTROLPLANE_MACTABLE_PRIVATE_H

#include "controlplane/mactable.h"

#define MAC_SLOT_NONE UINT32_MAX

struct mac_ip;
struct mac_history;

struct mac_slot {
    struct mac_entry e; /* e.net 0: the slot is free */
    struct mac_ip *ips;
    struct mac_history *history;
    uint32_t next; /* hash chain, or free list */
};

struct mac_count {
    uint32_t total;   /* entries here */
    uint32_t learned; /* those that count for the limit: all but the configured ones */
    uint32_t limit;
    bool refused; /* a MAC was refused since learned was last below limit */
};

struct mac_network {
    struct mac_count count;
    bool known;
    uint32_t ageing_s;
};

struct mac_port {
    struct mac_count count;
    uint16_t es;
    bool sticky;
};

struct mac_vtep {
    struct mac_count count;
    struct ipaddr address; /* as in the last route from it */
};

/* What is going on. */
struct mac_event {
    enum mac_cause cause;
    enum dp_evidence evidence;
    bool port_down;
    mono_t at;
};

struct mactable {
    struct mactable_ops ops;
    void *arg;
    uint64_t key[2];
    struct mac_event event;
    uint32_t max;
    uint32_t count;
    uint32_t high; /* slots from here on were never used */
    uint32_t free; /* free list below high */
    uint32_t age_cursor;
    bool full; /* a MAC found no room since one last did */
    uint32_t flood_total;
    bool missed; /* a route found no room when there were missed_at entries */
    uint32_t missed_at;
    unsigned dup_moves;
    uint32_t dup_window_s, dup_hold_s;
    struct mactable_stats stats;
    struct ipaddr own4, own6;
    struct mac own_mac;
    mono_t own_alerted; /* somebody else had it; 0: never */
    uint32_t bucket_mask;
    uint32_t *buckets;
    struct mac_slot *slots;
    struct mac_network networks[DP_MAX_NETWORKS + 1];
    struct mac_port ports[DP_MAX_PORTS];
    struct mac_vtep vteps[DP_MAX_VTEPS];
};

/* ---- mactable.c */

/* An event begins; the last one is over. */
static inline void mac_event(struct mactable *t, enum mac_cause cause, mono_t at)
{
    t->event = (struct mac_event){.cause = cause, .at = at};
}

bool mac_net_known(const struct mactable *t, dp_net_id net);
bool mac_place_valid(struct mac_place place);
/* NULL when there is none. */
struct mac_slot *mac_slot_find(const struct mactable *t, dp_net_id net, struct mac mac);
bool mac_has_room(const struct mactable *t);
/* Programs a new entry and stores it. NULL when there is no room, in the table or the FDB. */
struct mac_slot *mac_slot_add(struct mactable *t, const struct mac_entry *e);
/* Takes it out of the FDB and the table; its routes must have been withdrawn. */
void mac_slot_remove(struct mactable *t, struct mac_slot *s);
/* What the entry of a slot becomes with another owner or place, for mac_slot_put(). */
struct mac_entry mac_slot_changed(const struct mac_slot *s, enum mac_origin origin, struct mac_place place);
/* Programs an existing entry as `changed` has it, in one store (R4.10), and counts the move when the place is
 * another one. 0, or -ENOSPC with nothing changed. */
int mac_slot_put(struct mactable *t, struct mac_slot *s, const struct mac_entry *changed, mono_t now);
/* The same for the same owner at another place of the same Ethernet segment, which is no move (R4.4). */
int mac_slot_redirect(struct mactable *t, struct mac_slot *s, struct mac_place place);
/* R8.4: false, and an alert for the first one, when the port or the network takes no more. */
bool mac_port_accepts(struct mactable *t, dp_net_id net, struct mac_place place);
bool mac_network_accepts(struct mactable *t, dp_net_id net, struct mac_place place);
/* The alert, once, that table or FDB are full. */
void mac_refuse_full(struct mactable *t, dp_net_id net, dp_port_id port);

static inline struct mac_place mac_place_of(const struct mac_entry *e)
{
    return (struct mac_place){e->target, (uint8_t)e->where};
}

static inline struct mac_place mac_place_port(dp_port_id port)
{
    return (struct mac_place){port, DP_WHERE_PORT};
}

static inline struct mac_place mac_place_vtep(dp_vtep_id vtep)
{
    return (struct mac_place){vtep, DP_WHERE_VTEP};
}

static inline bool mac_place_eq(struct mac_place a, struct mac_place b)
{
    return a.where == b.where && a.target == b.target;
}

static inline bool mac_is_configured(const struct mac_entry *e)
{
    return e->origin == MAC_STATIC || e->origin == MAC_FLOOD;
}

static inline bool mac_is_learned(const struct mac_entry *e)
{
    return e->origin == MAC_LOCAL || e->origin == MAC_REMOTE;
}

/* Ours to advertise. */
static inline bool mac_is_here(const struct mac_entry *e)
{
    return e->origin == MAC_LOCAL || (e->origin == MAC_STATIC && e->where == DP_WHERE_PORT);
}

/* ---- mac_mobility.c */

/* What held it is over (aged, gone, freeze or configuration ended): ends a freeze, withdraws what is ours,
 * and leaves the MAC to the peers' route, or forgets it. The slot may be gone afterwards. */
void mac_follow_route(struct mactable *t, struct mac_slot *s, mono_t now);
/* A route found no room, and the entry is not there. */
void mac_route_missed(struct mactable *t);

/* ---- mac_dup.c */

/* A move is about to be made. True: it is the Nth, the MAC is frozen now.
 * One that was announced is not counted (R5.2). */
bool mac_dup_count(struct mactable *t, struct mac_slot *s, struct mac_place to, mono_t now);
/* A move is made: whether it was announced. One announcement is for one move. */
bool mac_dup_expected(const struct mactable *t, struct mac_slot *s, struct mac_place to, mono_t now);
/* Ends a freeze. */
void mac_dup_release(struct mactable *t, struct mac_slot *s);
/* The moves so far count no more. */
void mac_dup_forget(struct mac_slot *s);
/* R4.8: counts, and alerts unless it did so for the same two places a minute ago or less. */
void mac_sticky_moved(struct mactable *t, struct mac_slot *s, struct mac_place seen, bool goes, mono_t now);
/* It is the gateway's own MAC, and seen elsewhere: as above, but nothing holds it in the table. */
bool mac_own_claimed(struct mactable *t, dp_net_id net, struct mac mac, struct mac_place seen, mono_t now);
/* The MAC's turn in a round of ageing: drops history that says nothing any more. True: its hold-down ended.
 */
bool mac_dup_age(struct mactable *t, struct mac_slot *s, mono_t now);
void mac_history_free(struct mac_slot *s);

/* ---- mac_ip.c */

/* Advertises the MAC and its IPs with what the entry says. */
void mac_advertise(struct mactable *t, struct mac_slot *s);
/* Withdraws what is out. Our IPs become former ones. */
void mac_withdraw(struct mactable *t, struct mac_slot *s);
/* The MAC is here now: all IPs known for it are ours (R6.2). Advertises nothing. */
void mac_ips_take_over(struct mac_slot *s);
/* Forgets former IPs after their time. */
void mac_ips_age(struct mac_slot *s, mono_t now);
void mac_ips_free(struct mac_slot *s);

#endif
