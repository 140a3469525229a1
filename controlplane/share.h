/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How room of which there is a bounded amount is shared among peers that want it, so that none can take what
 * the others need. Nobody may hold more than four times what is left: one alone gets four fifths of all, n
 * that want all get 4 parts of 4n + 1 each, and for one that holds little there is always something left. No
 * part is reserved for peers that do not want it, and nobody needs to know how many there are.
 */
#ifndef CONTROLPLANE_SHARE_H
#define CONTROLPLANE_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#define SHARE_TIMES 4

/* Whether one that holds `mine` may have `more`, when `all` of `max` are taken. */
static inline bool share_allows(uint64_t mine, uint64_t all, uint64_t max, uint64_t more)
{
    return all <= max && more <= max - all && mine + more <= SHARE_TIMES * (max - all - more);
}

#endif
