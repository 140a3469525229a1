/* SPDX-License-Identifier: BSD-3-Clause
 *
 * dp.h's counters: the sums of what each worker counts. Single words with one writer, read as they stand.
 * Control thread only.
 */
#include "dataplane/dp_private.h"

/* All counters are structs of such words. */
static void add_words(void *to, const void *from, size_t size)
{
    const uint64_t *f = from;
    uint64_t *t = to;

    for (size_t i = 0; i < size / sizeof(*t); i++)
        t[i] += f[i];
}

void dp_port_counters(const struct dp *dp, dp_port_id port, struct dp_port_counters *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < dp->n_workers; i++)
        add_words(out, &dp->workers[i]->counters.ports[port], sizeof(*out));
    out->missed = port_missed(&dp->ports[port]);
    /* What the worker handed over, less what the kernel did not take: that is a drop. */
    out->tx.frames -= dp->ports[port].tap.lost;
    out->tx.bytes -= dp->ports[port].tap.lost_bytes;
}

uint32_t dp_bounce_counter(const struct dp *dp, dp_net_id net, struct mac mac, uint32_t *frames)
{
    uint32_t i = fdb_hash(&dp->fdb, fdb_key(net, mac.b)) % DP_BOUNCE_COUNTERS;

    *frames = 0;
    for (unsigned k = 0; k < dp->n_workers; k++)
        *frames += dp->workers[k]->counters.bounced[i];
    return i;
}

void dp_net_counters(const struct dp *dp, dp_net_id net, struct dp_net_counters *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < dp->n_workers; i++)
        add_words(out, &dp->workers[i]->counters.nets[net], sizeof(*out));
}

void dp_vtep_counters(const struct dp *dp, dp_vtep_id vtep, struct dp_vtep_counters *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < dp->n_workers; i++)
        add_words(out, &dp->workers[i]->counters.vteps[vtep], sizeof(*out));
}

void dp_totals(const struct dp *dp, struct dp_totals *out)
{
    const struct port *p = dp_kernel_port(dp);

    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < dp->n_workers; i++)
        add_words(out, &dp->workers[i]->counters.totals, sizeof(*out));
    out->drops[DROP_tx_full] += p ? p->tap.lost : 0;
}

unsigned dp_worker_number(const struct dp *dp)
{
    return dp->n_workers;
}

void dp_worker_totals(const struct dp *dp, unsigned worker, struct dp_totals *out)
{
    *out = dp->workers[worker]->counters.totals;
}

uint64_t dp_cycles_hz(const struct dp *dp)
{
    return dp->workers[0]->hz;
}
