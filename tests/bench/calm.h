/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How much of a core there is at this moment. On a virtual machine the other hardware thread of the core may
 * be somebody else's; then there is about half of it, and nothing on this machine shows that.
 */
#ifndef TESTS_BENCH_CALM_H
#define TESTS_BENCH_CALM_H

/* TSC cycles for a turn of a loop that keeps the units of the core busy: the median of some, for about 15 ms.
 * Of the CPU that the environment's BENCH_CPU names, to which the calling thread moves meanwhile; without it,
 * of the one where it runs. */
double calm_cycles(void);

#endif
