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

/* The same for lines that name who caused them, each by itself: one stranger who calls all the time hides no
 * other. QUIET_SOURCES of them at a time; those beyond share one. */
#define QUIET_SOURCES 16

struct quiet_sources {
    struct {
        struct ipaddr from; /* family 0: free */
        struct quiet quiet;
    } known[QUIET_SOURCES];
    struct quiet others;
};

static inline bool quiet_source_over(struct quiet_sources *q, const struct ipaddr *from, mono_t now,
                                     unsigned seconds, uint64_t *held)
{
    struct quiet *mine = NULL;
    unsigned room = QUIET_SOURCES;

    for (unsigned i = 0; i < QUIET_SOURCES && !mine; i++) {
        if (q->known[i].from.family && ipaddr_eq(&q->known[i].from, from))
            mine = &q->known[i].quiet;
        else if (q->known[i].from.family == 0 || now.ns >= q->known[i].quiet.until.ns)
            room = i;
    }
    if (!mine && room < QUIET_SOURCES) {
        q->known[room].from = *from;
        mine = &q->known[room].quiet;
        *mine = (struct quiet){0};
    }
    return quiet_over(mine ? mine : &q->others, now, seconds, held);
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
