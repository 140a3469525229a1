/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of announcements share and nobody else sees. Control thread only.
 *
 *   announce.c        who is announced when: queues, turns, time
 *   announce_burst.c  what a burst is, and the limit
 *   announce_frame.c  the frames
 */
#ifndef CONTROLPLANE_ANNOUNCE_PRIVATE_H
#define CONTROLPLANE_ANNOUNCE_PRIVATE_H

#include "controlplane/announce.h"
#include "controlplane/rib_table.h"

#include <sys/queue.h>

TAILQ_HEAD(announce_entries, announce_entry);
TAILQ_HEAD(announce_networks, announce_network);

enum queue { QUEUE_NONE, QUEUE_FIRST, QUEUE_REPEAT, QUEUE_WAIT, QUEUE_DONE };
enum ring { RING_NONE, RING_FIRST, RING_REPEAT, RING_ASIDE, RINGS };

struct announce_entry {
    uint32_t next; /* hash chain */
    uint32_t self;
    struct mac mac;
    dp_net_id net;
    TAILQ_ENTRY(announce_entry) link;
    uint64_t due; /* wait: the next burst; done: forget it */
    uint32_t sent;
    /* Of the burst that is due or under way: frames that are out; what they were made for. */
    uint64_t ips; /* a digest: the same IPs in the same order, or others */
    uint8_t out;
    struct mac_place place;
    uint8_t bursts; /* complete */
    uint8_t queue;  /* enum queue */
    bool arrived;
    bool held; /* this burst is counted in `limited` */
};

struct announce_network {
    TAILQ_ENTRY(announce_network) link;
    struct announce_entries first, repeat;
    uint32_t n_due; /* in both */
    enum ring ring;
    dp_net_id id;
    uint64_t schedule; /* when the next frame would be, if all came at the rate of the limit */
    uint64_t back;     /* RING_ASIDE: until then */
    struct conf_router routers[CONF_MAX_ROUTERS];
    size_t n_routers;
    struct announce_counts counts;
};

struct announce {
    struct announce_ops ops;
    void *arg;
    struct mac own;
    unsigned repeats;
    uint64_t interval;
    uint64_t cost;    /* time that a frame takes of the limit; 0: no limit */
    uint64_t depth;   /* time that may be taken at once ... */
    uint64_t reserve; /* ... of which repeats leave that much */
    uint64_t aside;
    uint64_t now;     /* never runs backwards: the order of the lists hangs on it */
    uint64_t stalled; /* nothing is sent before */
    uint64_t key[2];
    struct rib_table table;
    struct announce_entries wait, done;
    struct announce_networks rings[RINGS];
    struct announce_network *networks[DP_MAX_NETWORKS + 1];
};

/* Sends the burst of e that is due, or what is left of it: 0 when all of it is out, -EAGAIN: the limit,
 * -ENOBUFS: the data plane. */
int announce_burst(struct announce *a, struct announce_network *n, struct announce_entry *e);

/* R6.3 for one IP that its last burst did not have, beside whatever is due: 0, also when there is nothing to
 * say; else as above, and part of it may be out. */
int announce_burst_ip(struct announce *a, struct announce_network *n, struct announce_entry *e,
                      const struct ipaddr *ip);

#endif
