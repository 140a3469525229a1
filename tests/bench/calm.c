/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See calm.h.
 */
#include "tests/bench/calm.h"
#include "tests/bench/ascending.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define ROUNDS 15
#define TURNS  400000 /* about a millisecond */

static double cycles_of_turns(void)
{
    uint64_t start = __builtin_ia32_rdtsc(), a = 0, b = 0, c = 0, d = 0;

    for (uint64_t i = 0; i < TURNS; i++)
        __asm__ volatile("add %4, %0; lea 1(%1), %1; add %4, %2; lea 1(%3), %3;"
                         "xor %4, %0; lea 2(%1), %1; xor %4, %2; lea 2(%3), %3"
                         : "+r"(a), "+r"(b), "+r"(c), "+r"(d)
                         : "r"(i));
    return (double)(__builtin_ia32_rdtsc() - start) / TURNS;
}

double calm_cycles(void)
{
    const char *cpu = getenv("BENCH_CPU");
    double rounds[ROUNDS];
    cpu_set_t here, there;
    bool moved = false;

    if (cpu && sched_getaffinity(0, sizeof(here), &here) == 0) {
        CPU_ZERO(&there);
        CPU_SET((unsigned)atoi(cpu), &there);
        moved = sched_setaffinity(0, sizeof(there), &there) == 0;
    }
    for (unsigned i = 0; i < ROUNDS; i++)
        rounds[i] = cycles_of_turns();
    if (moved)
        sched_setaffinity(0, sizeof(here), &here);
    qsort(rounds, ROUNDS, sizeof(*rounds), ascending);
    return rounds[ROUNDS / 2];
}
