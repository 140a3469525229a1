/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Copies of the frames that the workers receive, send and drop, for who wants to look at them. They put what
 * the filter lets through, cut to its first bytes, into a ring; what finds the ring full is counted and
 * forgotten. One capture at a time. While there is none a worker looks at one pointer per burst.
 *
 * Frames are as they were received (from an access port with its tag, from the WAN with its outer header), as
 * they are given to the port to be sent, or as they were when they were dropped: without what was taken off
 * until then; where the NIC fills in checksums, without these. What the fast path carries or drops is not
 * seen here, but in ebpf/fastpath_capture.h.
 *
 * Threads: control thread, but for capture_received() and the like, which are the worker's.
 */
#ifndef DATAPLANE_CAPTURE_H
#define DATAPLANE_CAPTURE_H

#include "conf/capture.h"

#define CAPTURE_SLOTS 1024u /* power of two */

struct dp;

/* 0; -EBUSY: one is under way, or the worker has not let go of the last one yet; -ENOMEM, -EINVAL. */
int dp_capture_start(struct dp *dp, const struct capture_filter *filter);
/* False: nothing waits. */
bool dp_capture_pop(struct dp *dp, struct capture_frame *out);
/* Frames that found the ring full, in this capture or the last. */
uint64_t dp_capture_lost(const struct dp *dp);
/* What waits may still be taken. */
void dp_capture_stop(struct dp *dp);

/* ---- of dp.c and the worker */

struct capture;
struct rte_mbuf;
struct worker;

struct capture *capture_new(void);
void capture_free(struct capture *c);
/* While no worker uses it. */
void capture_reset(struct capture *c, const struct capture_filter *filter);
bool capture_pop(struct capture *c, struct capture_frame *out);
uint64_t capture_lost(const struct capture *c);

/* A burst that came in by a port, or is about to leave by it. */
void capture_burst(const struct worker *w, struct capture *c, enum capture_what what, dp_port_id port,
                   struct rte_mbuf *const *m, unsigned n);
void capture_dropped(const struct worker *w, struct capture *c, const struct rte_mbuf *m,
                     enum drop_reason reason);

#endif
