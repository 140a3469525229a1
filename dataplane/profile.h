/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where a worker's cycles go, stage by stage: each mark gives the time since the mark before to the stage
 * that has just ended. Only in a build made for it (make profile); else a mark is nothing. One worker's:
 * others would write the same words. tests/bench/README.md says what each stage is.
 */
#ifndef DATAPLANE_PROFILE_H
#define DATAPLANE_PROFILE_H

#define PROFILE_STAGES(X)                                                                                    \
    X(round)                                                                                                 \
    X(receive)                                                                                               \
    X(arrive)                                                                                                \
    X(check)                                                                                                 \
    X(look_up)                                                                                               \
    X(way)                                                                                                   \
    X(out)                                                                                                   \
    X(odd)                                                                                                   \
    X(count)                                                                                                 \
    X(queue)                                                                                                 \
    X(send)

#ifdef DATAPLANE_PROFILE

#include <stdint.h>

#define PROFILE_ENUM(name) PROFILE_##name,
enum profile_stage { PROFILE_STAGES(PROFILE_ENUM) PROFILE_N };

struct profile {
    uint64_t last;
    struct {
        uint64_t cycles, marks;
    } stage[PROFILE_N];
};

extern struct profile profile;

static inline void profile_mark(enum profile_stage stage)
{
    uint64_t now = __builtin_ia32_rdtsc();

    profile.stage[stage].cycles += now - profile.last;
    profile.stage[stage].marks++;
    profile.last = now;
}

#define PROFILE(name) profile_mark(PROFILE_##name)
#else
#define PROFILE(name) ((void)0)
#endif

#endif
