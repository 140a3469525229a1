/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See old_pools.h. Control thread only.
 */
#include "dataplane/old_pools.h"

#include <rte_mempool.h>

#define LARGEST_RING 4096 /* twice what port.c asks drivers for */

void old_pools_init(struct old_pools *o, struct worker *const *workers, unsigned n_workers)
{
    o->workers = workers;
    o->n_workers = n_workers;
}

bool old_pools_room(const struct old_pools *o)
{
    return o->n < DP_MAX_PORTS;
}

/* The TAP gets frames of the underlay alone, whose port stays. */
static bool keeps(const struct worker_port *p)
{
    return p->pool && p->keeps && p->role != DP_PORT_KERNEL;
}

static uint64_t sent_by(const struct old_pools *o, unsigned port, unsigned worker)
{
    return o->workers[worker]->counters.ports[port].tx.frames;
}

void old_pools_add(struct old_pools *o, struct rte_mempool *pool, mono_t now)
{
    struct old_pool *p = &o->at[o->n++];

    memset(p, 0, sizeof(*p));
    p->pool = pool;
    p->since = now;
    for (unsigned i = 0; i < DP_MAX_PORTS; i++)
        for (unsigned w = 0; w < o->n_workers && keeps(&o->workers[w]->ports[i]); w++)
            p->sent[i][w] = sent_by(o, i, w);
}

void old_pools_port_closed(struct old_pools *o, dp_port_id port)
{
    for (unsigned i = 0; i < o->n; i++)
        memset(o->at[i].sent[port], 0, sizeof(o->at[i].sent[port]));
}

static bool is_free(const struct old_pools *o, const struct old_pool *p, mono_t now)
{
    if (rte_mempool_full(p->pool))
        return true;
    if (now.ns - p->since.ns < OLD_POOLS_WAIT_NS)
        return false;
    for (unsigned i = 0; i < DP_MAX_PORTS; i++)
        for (unsigned w = 0; w < o->n_workers; w++)
            if (p->sent[i][w] != 0 && sent_by(o, i, w) - p->sent[i][w] < LARGEST_RING)
                return false;
    return true;
}

void old_pools_sweep(struct old_pools *o, mono_t now)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < o->n; i++) {
        if (is_free(o, &o->at[i], now))
            rte_mempool_free(o->at[i].pool);
        else
            o->at[kept++] = o->at[i];
    }
    o->n = kept;
}

void old_pools_fini(struct old_pools *o)
{
    while (o->n > 0)
        rte_mempool_free(o->at[--o->n].pool);
}
