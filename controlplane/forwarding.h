/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The one interface through which the control plane programs whatever moves frames, and reads what was moved:
 * topology, MACs, second copies, counters. Below it are DPDK's worker (dataplane/dp.h) and, where there is
 * one, the fast path (ebpf/fastpath.h). Functions are named after those of dp.h, which say what they take and
 * give back; counters are the sums of both, and a MAC was seen when the later of the two saw it.
 *
 * The worker is told first, and it alone says whether there is room: what the fast path does not know it
 * hands to the worker.
 *
 * Ports, events, neighbours and frames of our own are the worker's alone: dp_*().
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_FORWARDING_H
#define CONTROLPLANE_FORWARDING_H

#include "conf/forwarding.h"

struct dp;
struct fastpath;
struct fastpath_port;
struct fastpath_port_work;
struct forwarding;
struct trace;
struct trace_frame;

/* NULL: no memory. dp is the caller's, and outlives it. */
struct forwarding *fwd_new(struct dp *dp);
/* NULL is fine. */
void fwd_free(struct forwarding *f);

/* The fast path is there from now on, before anything is programmed. The caller's; it outlives f. */
void fwd_set_fastpath(struct forwarding *f, struct fastpath *fp);
/* Nothing is programmed into it any more; what it counted still counts. */
void fwd_leave_fastpath(struct forwarding *f);
/* NULL: there is none, or it was left. f NULL is fine. */
struct fastpath *fwd_fastpath(const struct forwarding *f);
/* A port of the fast path, for fwd_publish(); true: that is another state of it than before. */
bool fwd_set_port(struct forwarding *f, dp_port_id port, const struct fastpath_port *state);

/* What either says. If the worker does not take it nothing changed; if only the fast path does not, it has
 * none until the next one, and the worker gets all frames: the two never differ. */
int fwd_publish(struct forwarding *f, const struct dp_topology *t);

/* ---- MACs */

int fwd_fdb_set(struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest dest);
int fwd_fdb_del(struct forwarding *f, dp_net_id net, struct mac mac);
bool fwd_fdb_get(const struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest *out);
bool fwd_fdb_seen(const struct forwarding *f, dp_net_id net, struct mac mac, mono_t *seen);
/* The same at less cost, for who asks for all MACs again and again: a time that is less than `fresh_ns` ago
 * need not be the last one. */
bool fwd_fdb_seen_lately(struct forwarding *f, dp_net_id net, struct mac mac, uint64_t fresh_ns,
                         mono_t *seen);
void fwd_fdb_set_seen(struct forwarding *f, dp_net_id net, struct mac mac, mono_t seen);
/* The worker has told the first frame for a watched MAC (DP_EVENT_FIRST). */
void fwd_fdb_watched(struct forwarding *f, dp_net_id net, struct mac mac);
void fwd_fdb_usage(const struct forwarding *f, uint32_t *used, uint32_t *capacity);
/* R6.5 */
uint32_t fwd_bounce_counter(const struct forwarding *f, dp_net_id net, struct mac mac, uint32_t *frames);

int fwd_bicast_set(struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest also);
int fwd_bicast_del(struct forwarding *f, dp_net_id net, struct mac mac);
bool fwd_bicast_count(const struct forwarding *f, dp_net_id net, struct mac mac, uint64_t *frames);

/* What the worker would do with a frame that it gets: dp_trace(). Whether it gets it ebpf/fastpath_trace.h
 * says. */
int fwd_trace(const struct forwarding *f, const struct trace_frame *frame, struct trace *out);

/* MACs that the fast path did not take, so that the worker carries their frames. */
uint64_t fwd_refused(const struct forwarding *f);

/* ---- counters */

/* The id is another port's from now on, which has counted so much already: its counters go on from there. */
void fwd_port_begin(struct forwarding *f, dp_port_id port, const struct dp_port_counters *so_far);
void fwd_port_counters(const struct forwarding *f, dp_port_id port, struct dp_port_counters *out);
/* What of it the fast path did, since the id is this port's, and what else it did there; zeros without one.
 */
void fwd_port_fast(const struct forwarding *f, dp_port_id port, struct dp_port_counters *counters,
                   struct fastpath_port_work *work);
/* The id is another network's from now on: its counters begin at 0. */
void fwd_net_begin(struct forwarding *f, dp_net_id net);
void fwd_net_counters(const struct forwarding *f, dp_net_id net, struct dp_net_counters *out);
void fwd_vtep_counters(const struct forwarding *f, dp_vtep_id vtep, struct dp_vtep_counters *out);
void fwd_totals(const struct forwarding *f, struct dp_totals *out);

#endif
