/* SPDX-License-Identifier: BSD-3-Clause
 *
 * For log lines that somebody outside could repeat at will: one in so many seconds, and how many were held
 * back since. A value, no clock of its own.
 */
#ifndef CONTROLPLANE_QUIET_H
#define CONTROLPLANE_QUIET_H

#include "conf/types.h"

#include <stdio.h>

#define QUIET_TEXT 48

struct quiet {
    mono_t until;
    uint64_t held;
};

/* True: write the line now; *held is how many were not written since the last one. */
static inline bool quiet_over(struct quiet *q, mono_t now, unsigned seconds, uint64_t *held)
{
    if (now.ns < q->until.ns) {
        q->held++;
        return false;
    }
    *held = q->held;
    q->held = 0;
    q->until.ns = now.ns + seconds * UINT64_C(1000000000);
    return true;
}

/* " (and 7 more before)", or nothing. Returns buf. */
static inline const char *quiet_more(uint64_t held, char buf[QUIET_TEXT])
{
    buf[0] = '\0';
    if (held)
        snprintf(buf, QUIET_TEXT, " (and %llu more before)", (unsigned long long)held);
    return buf;
}

#endif
