/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which id a port gets: one that nobody ever had, else one that was given back and has rested for a while,
 * as what is still under way with an old id (events, frames that wait) must not be taken for the new port's.
 * Pure; control thread only.
 */
#ifndef DATAPLANE_PORT_SLOTS_H
#define DATAPLANE_PORT_SLOTS_H

#include "conf/forwarding.h"
#include "conf/types.h"

#define PORT_SLOTS_REST_NS UINT64_C(2000000000)

struct port_slots {
    unsigned n; /* highest id so far + 1 */
    struct {
        bool used, named;
        mono_t freed; /* since then, if it was named by then */
    } at[DP_OWN_PORT];
};

/* The id of the next port, or -ENOSPC. wish: the id that it would have, + 1, which it gets if nobody ever had
 * it, or it has rested; 0: any. So what this says once it says again when that is the wish, also later. */
int port_slots_next(const struct port_slots *s, unsigned wish, mono_t now);
void port_slots_take(struct port_slots *s, dp_port_id id);
/* A topology names it: from now on frames and events may have this id. */
void port_slots_name(struct port_slots *s, dp_port_id id);
void port_slots_give_back(struct port_slots *s, dp_port_id id, mono_t now);
bool port_slots_used(const struct port_slots *s, dp_port_id id);

#endif
