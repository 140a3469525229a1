/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The one interface through which the control plane programs whatever moves frames, and reads what was moved:
 * topology, MACs, second copies, counters. Below it is DPDK's worker (dataplane/dp.h), whose functions these
 * are named after: what they take and give back is said there.
 *
 * Ports, events, neighbours and frames of our own are the worker's alone: dp_*().
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_FORWARDING_H
#define CONTROLPLANE_FORWARDING_H

#include "conf/forwarding.h"

struct dp;
struct forwarding;

/* NULL: no memory. dp is the caller's, and outlives it. */
struct forwarding *fwd_new(struct dp *dp);
/* NULL is fine. */
void fwd_free(struct forwarding *f);

int fwd_publish(struct forwarding *f, const struct dp_topology *t);

/* ---- MACs */

int fwd_fdb_set(struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest dest);
int fwd_fdb_del(struct forwarding *f, dp_net_id net, struct mac mac);
bool fwd_fdb_get(const struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest *out);
bool fwd_fdb_seen(const struct forwarding *f, dp_net_id net, struct mac mac, mono_t *seen);
void fwd_fdb_usage(const struct forwarding *f, uint32_t *used, uint32_t *capacity);
/* R6.5 */
uint32_t fwd_bounce_counter(const struct forwarding *f, dp_net_id net, struct mac mac, uint32_t *frames);

int fwd_bicast_set(struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest also);
int fwd_bicast_del(struct forwarding *f, dp_net_id net, struct mac mac);
bool fwd_bicast_count(const struct forwarding *f, dp_net_id net, struct mac mac, uint64_t *frames);

/* ---- counters */

void fwd_port_counters(const struct forwarding *f, dp_port_id port, struct dp_port_counters *out);
void fwd_net_counters(const struct forwarding *f, dp_net_id net, struct dp_net_counters *out);
void fwd_vtep_counters(const struct forwarding *f, dp_vtep_id vtep, struct dp_vtep_counters *out);
void fwd_totals(const struct forwarding *f, struct dp_totals *out);

#endif
