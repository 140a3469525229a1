/* SPDX-License-Identifier: BSD-3-Clause
 *
 * calm.h for the benchmarks of programs that are not ours.
 *
 *   bench_calm     prints one line of JSON; BENCH_CPU: of which CPU
 */
#include "tests/bench/calm.h"

#include <stdio.h>

int main(void)
{
    printf("{\"calm\": [%.3f]}\n", calm_cycles());
    return 0;
}
