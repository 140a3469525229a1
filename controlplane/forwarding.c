/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See forwarding.h. Control thread only.
 */
#include "controlplane/forwarding.h"

#include "dataplane/dp.h"

#include <stdlib.h>

struct forwarding {
    struct dp *dp;
};

struct forwarding *fwd_new(struct dp *dp)
{
    struct forwarding *f = calloc(1, sizeof(*f));

    if (f)
        f->dp = dp;
    return f;
}

void fwd_free(struct forwarding *f)
{
    free(f);
}

int fwd_publish(struct forwarding *f, const struct dp_topology *t)
{
    return dp_publish(f->dp, t);
}

/* ---- MACs */

int fwd_fdb_set(struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    return dp_fdb_set(f->dp, net, mac, dest);
}

int fwd_fdb_del(struct forwarding *f, dp_net_id net, struct mac mac)
{
    return dp_fdb_del(f->dp, net, mac);
}

bool fwd_fdb_get(const struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest *out)
{
    return dp_fdb_get(f->dp, net, mac, out);
}

bool fwd_fdb_seen(const struct forwarding *f, dp_net_id net, struct mac mac, mono_t *seen)
{
    return dp_fdb_seen(f->dp, net, mac, seen);
}

void fwd_fdb_usage(const struct forwarding *f, uint32_t *used, uint32_t *capacity)
{
    dp_fdb_usage(f->dp, used, capacity);
}

uint32_t fwd_bounce_counter(const struct forwarding *f, dp_net_id net, struct mac mac, uint32_t *frames)
{
    return dp_bounce_counter(f->dp, net, mac, frames);
}

int fwd_bicast_set(struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest also)
{
    return dp_bicast_set(f->dp, net, mac, also);
}

int fwd_bicast_del(struct forwarding *f, dp_net_id net, struct mac mac)
{
    return dp_bicast_del(f->dp, net, mac);
}

bool fwd_bicast_count(const struct forwarding *f, dp_net_id net, struct mac mac, uint64_t *frames)
{
    return dp_bicast_count(f->dp, net, mac, frames);
}

/* ---- counters */

void fwd_port_counters(const struct forwarding *f, dp_port_id port, struct dp_port_counters *out)
{
    dp_port_counters(f->dp, port, out);
}

void fwd_net_counters(const struct forwarding *f, dp_net_id net, struct dp_net_counters *out)
{
    dp_net_counters(f->dp, net, out);
}

void fwd_vtep_counters(const struct forwarding *f, dp_vtep_id vtep, struct dp_vtep_counters *out)
{
    dp_vtep_counters(f->dp, vtep, out);
}

void fwd_totals(const struct forwarding *f, struct dp_totals *out)
{
    dp_totals(f->dp, out);
}
