/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files that make up dp.h's contract share: the data plane itself. Nobody else includes this.
 * Control thread only; what workers share is in worker.h.
 */
#ifndef DATAPLANE_DP_PRIVATE_H
#define DATAPLANE_DP_PRIVATE_H

#include "dataplane/dp.h"
#include "dataplane/old_pools.h"
#include "dataplane/port.h"
#include "dataplane/port_slots.h"
#include "dataplane/worker.h"

#define DP_TAKEN 32

/* Events of one worker that are on their way to the caller. */
struct dp_taken {
    struct dp_event event[DP_TAKEN];
    unsigned n, next;
};

struct dp {
    struct dp_config config;
    bool hugepages;
    unsigned running;                /* workers */
    struct port ports[DP_MAX_PORTS]; /* by id */
    struct port_slots slots;
    unsigned opened; /* how many ever were, for names that are their own */
    struct old_pools old_pools;
    struct fdb fdb;
    struct neigh neigh;
    struct bicast bicast;
    struct rte_rcu_qsbr *qsbr;
    struct worker *workers[DP_MAX_WORKERS];
    unsigned n_workers;
    unsigned turn;   /* whose frames are taken first, next time */
    unsigned queues; /* receive queues that were dealt out, one by one */
    struct dp_taken taken[DP_MAX_WORKERS];
    struct snapshot *current;
    struct capture *capture;    /* kept from the first one on */
    uint64_t capture_token;     /* of its end */
    struct dp_retired *retired; /* snapshots that wait for their grace period, oldest first */
};

/* The TAP, or NULL. */
static inline struct port *dp_kernel_port(const struct dp *dp)
{
    int id = dp->workers[0]->kernel_port;

    return id >= 0 ? (struct port *)&dp->ports[id] : NULL;
}

#endif
