/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which MAC has an IP, in each network (section 7; RFC 9161, RFC 9047). Pure: it takes events and `now`, and
 * tells what to do through its ops: what the data plane's proxy answers (R7.2), which IPs of ours the MAC
 * table may announce, whom to probe, what an operator should hear. The MAC table knows the IPs of a MAC; this
 * knows the MAC of an IP, so that an IP that turns up at another MAC leaves no old route behind.
 *
 * A binding is one (network, IP, MAC) with what speaks for it:
 *
 *   local    an ARP packet or NA of that MAC on an access port, or its MAC came here and brought it (R6.2);
 *            we announce it; it goes when nothing confirms it for the network's ageing time
 *   remote   a peer's route carries it; it goes with the last such route
 *   former   it was local when its MAC left for another site; kept for a minute, until the peer says it
 * (R6.2)
 *
 * Several may speak for one IP; one of them is used: announced if it is local, and answered by the proxy. The
 * newest is (R7.5: the new place is used at once), whether a frame or a route brought it, and then no other
 * one is local any more: its route is withdrawn, and if it was ours its owner is probed. A host that still
 * has the IP answers, is the newest again, and that is how two hosts with one IP are found within seconds
 * (RFC 9161 section 3.7); checks of one IP are a second apart, so that a failover in which both have it for a
 * moment is no alarm. An NA without the override flag takes nothing from another MAC (RFC 4861
 * section 7.2.5), and nothing does from a route that is marked immutable (RFC 9047).
 *
 * R7.5: the Nth change within M seconds (the numbers of R5.1) freezes the IP: it stays where it is (a frame
 * that would have been the Nth change is not acted upon; a route is followed, the last one), so that all
 * gateways are left with one answer. What was frozen and goes is not answered for any more, and not replaced
 * either, until an operator clears it or the hold-down ends.
 *
 * R7.3: a local binding that was not confirmed for a third of the ageing time is probed, again after two
 * thirds.
 *
 * Bounds: `max` bindings in all, a quarter of them kept free of local ones, so that a flood at an access port
 * does not cost the routes their room; MAC_MAX_IPS for each MAC; NEIGHBOR_MAX_DUPS IPs that change; and
 * NEIGHBOR_PROBES_S probes a second.
 *
 * Calls may not be made from within an op; the ops `learned` and `gone` are not called from within
 * neighbor_mac_moved(), which may itself be called from within an op of the MAC table: what it has to say is
 * said by neighbor_settle(). Control thread only.
 */
#ifndef CONTROLPLANE_NEIGHBOR_H
#define CONTROLPLANE_NEIGHBOR_H

#include "controlplane/mactable.h"

#define NEIGHBOR_MAX_DUPS 4096
#define NEIGHBOR_PROBES_S 1000
#define NEIGHBOR_CHECK_MS 1000 /* between two checks of the owner of one IP */
#define NEIGHBOR_FORMER_S 60   /* as the MAC table keeps them */

/* R7.4: the flags of a binding, as in the data plane (DP_NEIGH_*) and in the community (BGP_ND_*). */
#define NEIGHBOR_ROUTER    0x01
#define NEIGHBOR_OVERRIDE  0x02
#define NEIGHBOR_IMMUTABLE 0x08

struct neighbors;

enum neighbor_alert {
    NEIGHBOR_ALERT_DUPLICATE,     /* R7.5: frozen */
    NEIGHBOR_ALERT_DUPLICATE_END, /* its hold-down ended */
    NEIGHBOR_ALERT_IMMUTABLE,     /* another MAC wants an IP that a route says is immutable */
    NEIGHBOR_ALERT_FULL,          /* no room for a binding; once until there is room again */
};

struct neighbor_alert_info {
    enum neighbor_alert what;
    dp_net_id net;
    struct ipaddr ip;
    struct mac held, seen; /* who has it, and who else was seen with it */
    mono_t held_since, seen_at;
    bool routed;      /* a route brought `seen`, not a frame here */
    unsigned changes; /* NEIGHBOR_ALERT_DUPLICATE: within the window */
};

struct neighbor_ops {
    /* The proxy answers for this IP with this MAC (dp_neigh_set()). 0 or -ENOSPC: it is tried again. */
    int (*program)(void *arg, dp_net_id net, const struct ipaddr *ip, struct mac mac, uint8_t flags);
    void (*remove)(void *arg, dp_net_id net, const struct ipaddr *ip);
    /* Whether the MAC is behind one of our ports (port not NULL: this one), as the MAC table has it. */
    bool (*here)(void *arg, dp_net_id net, struct mac mac, const dp_port_id *port);
    /* All IPs that the MAC table has of it. */
    unsigned (*ips)(void *arg, dp_net_id net, struct mac mac, struct mac_ip_info *out, unsigned n);
    /* mactable_local_ip(): the IP is ours to announce. again: it was before, but with other flags. */
    int (*learned)(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, bool again);
    /* mactable_local_ip_gone() */
    void (*gone)(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip);
    /* Asks the MAC, at the port that owns it, whether it has the IP; false: it could not be sent. */
    bool (*probe)(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip);
    void (*alert)(void *arg, const struct neighbor_alert_info *info);
};

/* ---- life and settings */

/* NULL without memory. */
struct neighbors *neighbor_new(uint32_t max, const struct neighbor_ops *ops, void *arg);
void neighbor_free(struct neighbors *t);
/* ageing in seconds (0: never; then nothing is probed either). proxy false: bindings are kept and announced,
 * but not programmed. Must precede what concerns the network. */
void neighbor_set_network(struct neighbors *t, dp_net_id net, uint32_t ageing_s, bool proxy);
/* The network is no more: forgets all of its bindings, former and frozen ones too. After its MACs went. */
void neighbor_remove_network(struct neighbors *t, dp_net_id net);
/* As mactable_set_duplicates(). */
int neighbor_set_duplicates(struct neighbors *t, unsigned changes, uint32_t window_s, uint32_t hold_s);

/* ---- events */

/* R7.1: an ARP packet or NA on an access port, after mactable_source_seen() for that frame. 0; -EINVAL: such
 * an address is not learned; -ENOENT: the MAC is not at that port; -ENOSPC; -EEXIST: another MAC keeps the
 * IP. */
int neighbor_seen(struct neighbors *t, const struct dp_event *event, mono_t now);
/* Some peer's route says that the MAC has the IP, with these flags (also when they change), or none does any
 * more. After mactable_remote_ip(), and only if that took it. */
void neighbor_route(struct neighbors *t, dp_net_id net, struct mac mac, const struct ipaddr *ip, bool present,
                    uint8_t flags, mono_t now);
/* The MAC table's op `moved`: bindings go with their MAC, come with it, or become former. */
void neighbor_mac_moved(struct neighbors *t, const struct mac_moved *m);
/* Tells the MAC table what neighbor_mac_moved() could not: to be called after the call of the MAC table that
 * it came from, whichever that was. Costs nothing when there is nothing to say. */
void neighbor_settle(struct neighbors *t);
/* Looks at up to `budget` bindings, going round, as mactable_age() does; at all IPs that changed of late.
 * Several times a second. */
void neighbor_age(struct neighbors *t, mono_t now, unsigned budget);
/* Ends the freeze of IPs: of a network (0: all), of a MAC that holds it or was seen with it (NULL: any), of
 * one IP (NULL: any). What else changed of late counts no more. Returns how many were frozen. */
unsigned neighbor_clear_duplicate(struct neighbors *t, dp_net_id net, const struct mac *mac,
                                  const struct ipaddr *ip);

/* ---- reading */

struct neighbor_info {
    dp_net_id net;
    struct ipaddr ip;
    struct mac mac;
    uint8_t flags; /* NEIGHBOR_* */
    bool local, remote, former;
    bool used;        /* of all that speak for the IP, this one */
    bool answered;    /* the data plane has it */
    bool frozen;      /* R7.5 */
    mono_t since;     /* that it is used, or known */
    mono_t confirmed; /* local: by a frame, or by the arrival of its MAC; to a tenth of a second */
};

/* The binding that is used for an IP; one that is frozen, and that nobody speaks for any more, too. */
bool neighbor_find(const struct neighbors *t, dp_net_id net, const struct ipaddr *ip,
                   struct neighbor_info *out);
/* R7.4: the flags of one binding of ours; what they are by default when there is none. */
uint8_t neighbor_flags(const struct neighbors *t, dp_net_id net, struct mac mac, const struct ipaddr *ip);
/* In a stable order of slots: *cursor starts at 0; false at the end. As mactable_next(). */
bool neighbor_next(const struct neighbors *t, uint32_t *cursor, struct neighbor_info *out);
/* The bindings of one MAC, or of one IP, in the same way, but in one go. */
bool neighbor_next_of_mac(const struct neighbors *t, dp_net_id net, struct mac mac, uint32_t *cursor,
                          struct neighbor_info *out);
bool neighbor_next_of_ip(const struct neighbors *t, dp_net_id net, const struct ipaddr *ip, uint32_t *cursor,
                         struct neighbor_info *out);

struct neighbor_stats {
    uint32_t bindings, macs; /* now */
    uint32_t local;
    uint32_t changing, frozen;
    uint64_t changes;        /* an IP is at another MAC */
    uint64_t duplicates;     /* IPs that were frozen */
    uint64_t refused_frozen; /* frames and routes that a frozen IP was kept from */
    uint64_t immutable;      /* ... or an immutable one */
    uint64_t refused_full;
    uint64_t aged;
    uint64_t probes, probes_limited;
    size_t bytes; /* all memory, freed slots included */
};
struct neighbor_stats neighbor_stats(const struct neighbors *t);

#endif
