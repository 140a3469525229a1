/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The authoritative MAC table: where each MAC of each network is. Pure: it takes events and `now`, and tells
 * what to do through its ops (program the FDB, remove from it, alert); it knows no DPDK, socket or timer, so
 * every order of events can be tried in a test. The data plane's FDB follows it and can be replayed from it
 * (mactable_replay()).
 *
 * Control thread only.
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
};

struct mac_entry {
    dp_net_id net;
    struct mac mac;
    enum mac_origin origin;
    enum dp_where where; /* with target, as in struct dp_dest */
    uint16_t target;
    mono_t since;   /* at this place */
    uint32_t moves; /* times it changed place */
};

enum mac_alert {
    MAC_ALERT_NET_LIMIT,  /* R8.4: first MAC refused since the network was last below its limit */
    MAC_ALERT_PORT_LIMIT, /* R8.4: the same for an access port */
    MAC_ALERT_FDB_FULL,
};

struct mactable_ops {
    /* 0 or -ENOSPC: then the MAC is not learned. */
    int (*program)(void *arg, dp_net_id net, struct mac mac, struct dp_dest dest);
    void (*remove)(void *arg, dp_net_id net, struct mac mac);
    /* Seconds (of the same clock as `now`) when a frame from it was last seen; false: unknown. */
    bool (*seen)(void *arg, dp_net_id net, struct mac mac, uint32_t *seen_s);
    void (*alert)(void *arg, enum mac_alert alert, dp_net_id net, dp_port_id port);
};

/* max_macs: most entries in all. NULL without memory. */
struct mactable *mactable_new(uint32_t max_macs, const struct mactable_ops *ops, void *arg);
void mactable_free(struct mactable *t);

/* Per network: ageing in seconds (0: never) and MAC limit (UINT32_MAX: none). Must precede events of that
 * network. */
void mactable_set_network(struct mactable *t, dp_net_id net, uint32_t ageing_s, uint32_t mac_limit);
void mactable_set_port(struct mactable *t, dp_port_id port, uint32_t mac_limit);

/* A static or flood entry. 0, -EEXIST, -ENOSPC. */
int mactable_add_static(struct mactable *t, dp_net_id net, struct mac mac, struct dp_dest dest, mono_t now);
/* The data plane saw this source at this place. */
void mactable_source_seen(struct mactable *t, const struct dp_event *event, mono_t now);
/* Looks at up to `budget` entries, going round, and removes those that aged out. Returns how many it removed.
 * Call it so that a round takes no longer than a few seconds. */
unsigned mactable_age(struct mactable *t, mono_t now, unsigned budget);
/* Forgets learned entries: all, or those of one network (net != 0), or one MAC (mac != NULL, with net or in
 * all). */
unsigned mactable_clear(struct mactable *t, dp_net_id net, const struct mac *mac);
/* Forgets what was learned at a place, in one step (a port or VTEP that is gone). */
unsigned mactable_clear_at(struct mactable *t, enum dp_where where, uint16_t target);
/* Programs every entry again. */
void mactable_replay(struct mactable *t);

uint32_t mactable_count(const struct mactable *t);
uint32_t mactable_count_network(const struct mactable *t, dp_net_id net);
uint32_t mactable_count_at(const struct mactable *t, enum dp_where where, uint16_t target);
const struct mac_entry *mactable_find(const struct mactable *t, dp_net_id net, struct mac mac);
/* Walks the table in a stable order of slots: *cursor starts at 0; NULL at the end. Entries added or removed
 * during a walk over several loop turns may or may not be seen; others are seen once. */
const struct mac_entry *mactable_next(const struct mactable *t, uint32_t *cursor);

#endif
