/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the neighbour table share and nobody else sees. Control thread only.
 *
 *   neighbor.c       bindings: stored, chosen among, told to the data plane and to the MAC table
 *   neighbor_age.c   ageing and probing (R7.3), reading
 *   neighbor_dup.c   IPs that change their MAC: counted, checked, frozen (R7.5)
 *
 * Three tables: bindings, found by (network, IP), several of one IP in one chain; MACs that have any, each
 * with the list of its bindings; IPs that changed of late.
 *
 * Tricky: a slot is freed in binding_unspeak() and binding_drop() only, and both may free others of the same
 * IP's chain never, of the same MAC's list only the one they were called for; so a walk along either reads
 * the next link before.
 */
#ifndef CONTROLPLANE_NEIGHBOR_PRIVATE_H
#define CONTROLPLANE_NEIGHBOR_PRIVATE_H

#include "controlplane/neighbor.h"
#include "controlplane/rib_table.h"

#define NEIGHBOR_PROBES_BURST (NEIGHBOR_PROBES_S / 5) /* what may go out at once */

/* Tenths of a second since the machine started: 13 years in four bytes. */
typedef uint32_t tenths_t;

#define NEIGHBOR_QUIET_TENTHS 2 /* more than dataplane/worker.c's DECIDED_US, whatever the rounding */

/* What speaks for a binding. */
#define SPEAKS_LOCAL  1u
#define SPEAKS_REMOTE 2u
#define SPEAKS_FORMER 4u

#define STATE_USED     1u /* of those of its IP; exactly one is, if there is any */
#define STATE_ANSWERED 2u /* the data plane has it */
#define STATE_FROZEN   4u /* R7.5: stays, and stays used, even when nothing speaks for it */

/* 44 bytes: there may be millions. */
struct neighbor {
    uint32_t next;
    uint32_t mac; /* its MAC and network; none: the slot is free */
    uint32_t mac_next;
    tenths_t since, confirmed;
    tenths_t at; /* local: last probe; former: when the MAC left */
    uint8_t ip[16];
    uint8_t family;
    uint8_t speaks;
    uint8_t state;
    uint8_t flags;
};

struct neighbor_mac {
    uint32_t next;
    uint32_t first; /* its bindings */
    dp_net_id net;  /* 0: the slot is free */
    struct mac mac;
};

struct neighbor_dup {
    uint32_t next;
    tenths_t frozen_at, alerted;
    tenths_t check_from;
    mono_t checked;
    struct mac last;  /* who has it, or had it last; frozen: who keeps it */
    struct mac other; /* whom that was about */
    struct mac owner; /* to be checked */
    dp_net_id net;    /* 0: the slot is free */
    struct ipaddr ip;
    bool frozen;
    bool check; /* owner is still to be asked */
    uint8_t n, newest;
    tenths_t changes[MAC_DUP_MAX_MOVES]; /* a ring of dup_changes */
};

struct neighbor_net {
    uint32_t ageing_s;
    bool known, proxy;
};

struct neighbor_retract {
    dp_net_id net;
    struct mac mac;
    struct ipaddr ip;
};

struct neighbors {
    struct neighbor_ops ops;
    void *arg;
    uint64_t key[2];
    uint32_t max;
    bool full; /* alerted, and no room since */
    struct rib_table bindings, macs, dups;
    uint32_t age_cursor, evict_cursor;
    unsigned dup_changes;
    uint32_t dup_window_s, dup_hold_s;
    mono_t tokens_at;
    unsigned tokens; /* probes that may be sent now */
    struct neighbor_stats stats;
    unsigned n_retract; /* what neighbor_mac_moved() leaves to neighbor_settle() */
    struct neighbor_retract retract[2 * MAC_MAX_IPS];
    struct neighbor_net nets[DP_MAX_NETWORKS + 1];
};

static inline struct neighbor *binding_at(const struct neighbors *t, uint32_t i)
{
    return rib_table_at(&t->bindings, i);
}

static inline struct neighbor_mac *mac_at(const struct neighbors *t, uint32_t i)
{
    return rib_table_at(&t->macs, i);
}

static inline struct neighbor_dup *dup_at(const struct neighbors *t, uint32_t i)
{
    return rib_table_at(&t->dups, i);
}

static inline tenths_t tenths(mono_t at)
{
    return (tenths_t)(at.ns / 100000000u);
}

/* 0 when it is to come. */
static inline tenths_t tenths_since(tenths_t then, mono_t now)
{
    return tenths(now) > then ? tenths(now) - then : 0;
}

static inline struct ipaddr binding_ip(const struct neighbor *b)
{
    struct ipaddr ip = {.family = b->family};

    memcpy(ip.b, b->ip, sizeof(ip.b));
    return ip;
}

static inline dp_net_id binding_net(const struct neighbors *t, const struct neighbor *b)
{
    return mac_at(t, b->mac)->net;
}

static inline struct mac binding_mac(const struct neighbors *t, const struct neighbor *b)
{
    return mac_at(t, b->mac)->mac;
}

/* ---- neighbor.c: indexes; RIB_NONE: there is none */

uint32_t binding_first(const struct neighbors *t, dp_net_id net, const struct ipaddr *ip);
/* The next one of the same network and IP, from i on. */
uint32_t binding_same_ip(const struct neighbors *t, uint32_t i, dp_net_id net, const struct ipaddr *ip);
uint32_t binding_find(const struct neighbors *t, dp_net_id net, struct mac mac, const struct ipaddr *ip);
uint32_t binding_used(const struct neighbors *t, dp_net_id net, const struct ipaddr *ip);
uint32_t binding_mac_find(const struct neighbors *t, dp_net_id net, struct mac mac);
/* The proxy answers as the binding says, or no longer. */
void binding_program(struct neighbors *t, struct neighbor *b);
/* These speak for it no more. If nothing does, another one of the IP is used, and the slot is gone, unless it
 * is frozen. Tells the data plane; not the MAC table. */
void binding_unspeak(struct neighbors *t, uint32_t i, unsigned speaks);

/* ---- neighbor_dup.c */

uint32_t neighbor_dup_hash(const void *owner, const void *elem);
/* Whether the IP may go to another MAC than the one that has it (used; NULL: nobody has now): counts the
 * change, and freezes the IP when it is the Nth. */
bool neighbor_dup_may(struct neighbors *t, dp_net_id net, const struct ipaddr *ip, struct neighbor *used,
                      struct mac to, bool routed, mono_t now);
/* The binding is used from now on. */
void neighbor_dup_used(struct neighbors *t, struct neighbor *b);
/* R7.5: asks the MAC that had the IP until now, and was last heard then, at once or as soon as that is
 * allowed.
 */
void neighbor_dup_check(struct neighbors *t, dp_net_id net, const struct ipaddr *ip, struct mac owner,
                        tenths_t heard, mono_t now);
/* Another MAC wants an immutable IP. */
void neighbor_dup_immutable(struct neighbors *t, const struct neighbor *used, struct mac seen, bool routed,
                            mono_t now);
/* What is due: checks, ends of hold-downs, and forgetting. */
void neighbor_dup_age(struct neighbors *t, mono_t now);

/* ---- neighbor_age.c */

enum neighbor_probed {
    NEIGHBOR_PROBE_SENT,
    NEIGHBOR_PROBE_LIMITED, /* too many in this second: later */
    NEIGHBOR_PROBE_FAILED,  /* this one cannot be probed, or not now */
};
/* Within the limit, and counted. */
enum neighbor_probed neighbor_probe(struct neighbors *t, dp_net_id net, struct mac mac,
                                    const struct ipaddr *ip);

#endif
