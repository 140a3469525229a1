/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See burst.h. Control thread.
 */
#include "dataplane/burst.h"

#include "dataplane/dp.h"

extern const struct burst burst_base;
#ifdef __x86_64__
extern const struct burst burst_v3, burst_v4;
#endif

const struct burst *burst_pick(unsigned i)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("x86-64-v4") && i-- == 0)
        return &burst_v4;
    if (__builtin_cpu_supports("x86-64-v3") && i-- == 0)
        return &burst_v3;
#endif
    return i == 0 ? &burst_base : NULL;
}

const char *dp_isa(void)
{
    return burst_pick(0)->isa;
}
