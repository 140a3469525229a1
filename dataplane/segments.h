/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Frames in several packet buffers. A driver that is asked for it puts a frame that is longer than an
 * ordinary buffer into a chain of these; some do so without being asked, and what comes by memif or vhost is
 * cut where its sender likes. Worker threads, but for segments_append().
 *
 * What comes in is brought into order first, so that all others may take it for granted: a frame that is in
 * several buffers has in the first one all that anybody looks at (SEGMENTS_FIRST bytes, less the outer header
 * once that is off), none of them is empty, and they are no more than a NIC takes (SEGMENTS_MAX). So a chain
 * goes the way of every frame; only what goes over a whole frame must walk it: checksums, cutting off its
 * end, captures, neighbour discovery with long options.
 */
#ifndef DATAPLANE_SEGMENTS_H
#define DATAPLANE_SEGMENTS_H

#include "dataplane/dp.h"

#include <rte_mbuf.h>

#define SEGMENTS_MAX   8
#define SEGMENTS_FIRST 640

struct snoop;
struct worker;

/* Frames that a port received, of which at least one is a chain: what is too long for any buffer is dropped
 * (too_long), what is not in order is copied, or dropped without a buffer to do so (no_buffer). How many are
 * left. */
uint16_t segments_receive(struct worker *w, dp_port_id port, struct rte_mbuf **m, uint16_t n);
/* Chains that wait to leave by a port whose driver takes none are copied to a buffer each of the port's own,
 * or dropped: no_buffer, port_mtu where one does not hold them. */
void segments_join(struct worker *w, dp_port_id port);
/* From now on there may be chains: also what the gateway itself makes. */
void segments_expect(struct worker *w);
/* snoop_look(), whatever the length of the frame. */
void segments_snoop(const struct rte_mbuf *m, struct snoop *out);

/* ---- one frame */

/* Folded sum of the 16-bit words of len bytes, as they lie in memory. False: they are not there. */
bool segments_sum(const struct rte_mbuf *m, uint32_t from, uint32_t len, uint16_t *sum);
/* Cuts off its end. len: at most what it has. */
void segments_trim(struct rte_mbuf *m, uint32_t len);
/* Adds bytes, in further buffers of the same pool where the last one is full. False: there is none. */
bool segments_append(struct rte_mbuf *m, const void *data, uint32_t len);

#endif
