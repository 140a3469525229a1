/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How often a time fell between fixed bounds, from a millisecond to a minute: what Prometheus calls a
 * histogram. A value; any thread, one at a time.
 */
#ifndef CONTROLPLANE_HISTOGRAM_H
#define CONTROLPLANE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BOUNDS 15

struct histogram {
    uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* up to each bound, and above all of them; not cumulative */
    uint64_t sum_ns;
};

/* An upper bound, which belongs to its bucket; text is the same in seconds, always with a point, so that a
 * series has one name in all text formats. */
struct histogram_bound {
    uint64_t ns;
    const char *text;
};
extern const struct histogram_bound histogram_bounds[HISTOGRAM_BOUNDS];

void histogram_add(struct histogram *h, uint64_t ns);

#endif
