/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Software spreading: where a port has fewer receive queues than there are workers, the worker that receives
 * deals its frames out to all by a hash of the flow, as RSS does in a NIC. Frames of one flow go to one
 * worker by one ring, so they stay in order. Only where it is asked for: a frame that changes cores brings
 * its cache lines along, which takes longer than forwarding it. It pays where much is to be done with each.
 *
 * At an access port the flow is that of the frame (inner.h), whatever tag it has; at the underlay it is the
 * outer packet's, whose UDP source port stands for the inner flow (R1.2). A ring that is full drops
 * (worker_full); the counters of the port say what came in, and those of the worker that has it what became
 * of it.
 *
 * Worker threads, but for spread_connect() and spread_fini(). One ring for each pair of workers, with one
 * producer and one consumer.
 */
#ifndef DATAPLANE_SPREAD_H
#define DATAPLANE_SPREAD_H

#include "dataplane/dp.h"

struct rte_mbuf;
struct rte_ring;
struct snapshot;
struct worker;

#define SPREAD_RING                                                                                          \
    2048 /* frames from one worker to another, as many as a NIC's ring has: the other may sleep */

struct spread {
    unsigned n, self;                    /* workers, and which this is; n < 2: there is nothing to do */
    struct rte_ring *to[DP_MAX_WORKERS]; /* the other's `from` */
    struct rte_ring *from[DP_MAX_WORKERS];
};

/* ---- control thread ---- */

/* Makes the rings between them, before they run. 0 or -ENOMEM: spread_fini() each. */
int spread_connect(struct worker *const *workers, unsigned n);
/* Waits until what is in this one's `from` was taken, while the workers run. */
void spread_wait(const struct spread *sp);
/* Frees what is in this one's `from`, and these. */
void spread_fini(struct spread *sp);

/* ---- worker ---- */

/* Hands to others what is theirs, and returns how many of the burst stay, in m. */
unsigned spread_burst(struct worker *w, dp_port_id port, struct rte_mbuf **m, unsigned n);
/* Takes up to a burst from each of the others; returns how many. */
unsigned spread_serve(struct worker *w, const struct snapshot *s);

#endif
