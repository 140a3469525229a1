/* SPDX-License-Identifier: BSD-3-Clause
 *
 * For qsort(): doubles, the least first.
 */
#ifndef TESTS_BENCH_ASCENDING_H
#define TESTS_BENCH_ASCENDING_H

static inline int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

#endif
