/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rate limit for flooded frames (R8.3): one per access port, network and class. The generic cell rate
 * algorithm: the state is the time at which the next frame would be on schedule; a frame may be early by the
 * burst. 8 bytes of state, which all workers share: the limit is that of the port, whoever has its frames.
 */
#ifndef DATAPLANE_STORM_H
#define DATAPLANE_STORM_H

#include <stdbool.h>
#include <stdint.h>

struct storm {
    uint64_t next; /* cycles */
};

/* Frames that may come at once: a tenth of a second's worth, at least 10. */
static inline uint64_t storm_burst(uint32_t rate)
{
    return rate > 100 ? rate / 10 : 10;
}

/* now, hz: cycles and cycles per second. rate: frames/s; UINT32_MAX: no limit; 0: nothing passes. */
static inline bool storm_pass(struct storm *s, uint32_t rate, uint64_t now, uint64_t hz)
{
    uint64_t cost, next, was = __atomic_load_n(&s->next, __ATOMIC_RELAXED);

    if (rate == UINT32_MAX)
        return true;
    if (rate == 0)
        return false;
    cost = hz / rate;
    do {
        next = was > now ? was : now;
        if (next - now > cost * (storm_burst(rate) - 1))
            return false;
    } while (
        !__atomic_compare_exchange_n(&s->next, &was, next + cost, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return true;
}

#endif
