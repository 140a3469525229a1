/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See histogram.h.
 */
#include "controlplane/histogram.h"

#define MS 1000000ull

const struct histogram_bound histogram_bounds[HISTOGRAM_BOUNDS] = {
    {1 * MS, "0.001"},    {5 * MS / 2, "0.0025"}, {5 * MS, "0.005"},   {10 * MS, "0.01"},
    {25 * MS, "0.025"},   {50 * MS, "0.05"},      {100 * MS, "0.1"},   {250 * MS, "0.25"},
    {500 * MS, "0.5"},    {1000 * MS, "1.0"},     {2500 * MS, "2.5"},  {5000 * MS, "5.0"},
    {10000 * MS, "10.0"}, {30000 * MS, "30.0"},   {60000 * MS, "60.0"}};

void histogram_add(struct histogram *h, uint64_t ns)
{
    unsigned i = 0;

    while (i < HISTOGRAM_BOUNDS && ns > histogram_bounds[i].ns)
        i++;
    h->counts[i]++;
    h->sum_ns += ns;
}
