/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See burst.h. Control thread.
 */
#include "dataplane/burst.h"

#include "dataplane/dp.h"

#include <stdbool.h>

extern const struct burst burst_base;
#ifdef __x86_64__
extern const struct burst burst_v3, burst_v4;
#endif

const struct burst *burst_pick(unsigned i)
{
#ifdef __x86_64__
    bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
    bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512vl");

    if (v4 && i-- == 0)
        return &burst_v4;
    if (v3 && i-- == 0)
        return &burst_v3;
#endif
    return i == 0 ? &burst_base : NULL;
}

const char *dp_isa(void)
{
    return burst_pick(0)->isa;
}
