/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A burst of frames from an access port or of packets from the underlay. What nearly all of them are (source
 * where the FDB has it, destination known) is done here, in loops that compile as one piece; whatever is odd
 * about a frame is left to access.c and wan.c, which do one frame at a time and name every drop. Frames of a
 * burst leave in the order in which they came, whoever does them.
 *
 * burst.c is compiled several times, for what newer processors can do; burst_pick() says which is used here.
 */
#ifndef DATAPLANE_BURST_H
#define DATAPLANE_BURST_H

#include "conf/forwarding.h"
#include "conf/types.h"

#include <stddef.h>

struct rte_mbuf;
struct snapshot;
struct worker;

typedef void burst_fn(struct worker *w, const struct snapshot *s, dp_port_id port, struct rte_mbuf **m,
                      unsigned n);

struct burst {
    const char *isa; /* "x86-64-v3" */
    burst_fn *access, *wan;
};

/* The i-th of those that this processor can run, the best one first; NULL: there are no more. */
const struct burst *burst_pick(unsigned i);

#endif
