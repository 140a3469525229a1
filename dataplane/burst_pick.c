/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See burst.h. Control thread.
 */
#include "dataplane/burst.h"

#include "dataplane/dp.h"

#include <cpuid.h>
#include <stdbool.h>

#include <rte_common.h>
#include <rte_cpuflags.h>

extern const struct burst burst_base;
#ifdef __x86_64__
extern const struct burst burst_v3, burst_v4;

static bool has(const enum rte_cpu_flag_t *flags, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (rte_cpu_get_flag_enabled(flags[i]) <= 0)
            return false;
    return true;
}

/* DPDK 22.11 asks for another bit (ECX 4), which only AMD's processors have. */
static bool has_lzcnt(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & 1u << 5);
}

/* All that a compiler may use under that name (x86-64 psABI), and the kernel keeps the registers (the
 * built-in asks it, DPDK does not). */
static bool has_v3(void)
{
    static const enum rte_cpu_flag_t flags[] = {RTE_CPUFLAG_AVX2, RTE_CPUFLAG_BMI1, RTE_CPUFLAG_BMI2,
                                                RTE_CPUFLAG_F16C, RTE_CPUFLAG_FMA,  RTE_CPUFLAG_MOVBE};

    return __builtin_cpu_supports("avx2") && has_lzcnt() && has(flags, RTE_DIM(flags));
}

static bool has_v4(void)
{
    static const enum rte_cpu_flag_t flags[] = {RTE_CPUFLAG_AVX512F, RTE_CPUFLAG_AVX512BW,
                                                RTE_CPUFLAG_AVX512CD, RTE_CPUFLAG_AVX512DQ,
                                                RTE_CPUFLAG_AVX512VL};

    return has_v3() && __builtin_cpu_supports("avx512f") && has(flags, RTE_DIM(flags));
}
#endif

const struct burst *burst_pick(unsigned i)
{
#ifdef __x86_64__
    if (has_v4() && i-- == 0)
        return &burst_v4;
    if (has_v3() && i-- == 0)
        return &burst_v3;
#endif
    return i == 0 ? &burst_base : NULL;
}

const char *dp_isa(void)
{
    return burst_pick(0)->isa;
}
