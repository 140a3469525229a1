/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Packet buffers of ports that were removed. Frames that came in by such a port may still wait: in the worker
 * for a moment, and in the transmit rings of other ports' drivers, which let go of a frame only when they
 * need its place in the ring. So a pool is freed when all its buffers are back, or else (AF_XDP never gives
 * back those of its own rings) when every port that keeps frames has sent more than a ring of others since,
 * or is gone. Control thread only.
 */
#ifndef DATAPLANE_OLD_POOLS_H
#define DATAPLANE_OLD_POOLS_H

#include "dataplane/worker.h"

#define OLD_POOLS_WAIT_NS UINT64_C(100000000) /* longer than a frame waits in the worker */

struct rte_mempool;

struct old_pools {
    struct worker *const *workers;
    unsigned n_workers;
    struct old_pool {
        struct rte_mempool *pool;
        mono_t since;
        /* by ports that keep frames; 0: this one does not, or no longer */
        uint64_t sent[DP_MAX_PORTS][DP_MAX_WORKERS];
    } at[DP_MAX_PORTS];
    unsigned n;
};

/* The workers stay the caller's. */
void old_pools_init(struct old_pools *o, struct worker *const *workers, unsigned n_workers);
/* Room for another one. */
bool old_pools_room(const struct old_pools *o);
/* No worker polls its port any more. There is room. */
void old_pools_add(struct old_pools *o, struct rte_mempool *pool, mono_t now);
/* A port was closed: what its driver kept has come back. */
void old_pools_port_closed(struct old_pools *o, dp_port_id port);
/* Frees those that nobody holds a buffer of any more. */
void old_pools_sweep(struct old_pools *o, mono_t now);
/* After all ports were closed. */
void old_pools_fini(struct old_pools *o);

#endif
