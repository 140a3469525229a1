/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Entries of the journal for tests, and whether two are the same.
 */
#ifndef TESTS_UNIT_JOURNAL_SAMPLE_H
#define TESTS_UNIT_JOURNAL_SAMPLE_H

#include "controlplane/journal.h"

#include <check.h>
#include <stdio.h>

/* The n-th MAC, moved at that second. */
static inline struct journal_entry sample(unsigned n, uint64_t s)
{
    return (struct journal_entry){
        .network = "web",
        .net = 1,
        .mac = {{2, 0, 0x5e, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}},
        .n_ips = 2,
        .ips = {{4, {10, 0, 0, 1}}, {6, {0x20, 1, 0xd, 0xb8, [15] = 7}}},
        .from = {.site = "paris", .vtep = {4, {198, 18, 0, 1}}},
        .to = {.site = "london", .port = "trunk"},
        .how = JOURNAL_RARP,
        .sequence = 3,
        .wall_ns = 1777636800123456789,
        .at = {s * 1000000000},
        .announced = 4,
        .bounced = JOURNAL_UNKNOWN,
        .bicast = JOURNAL_UNKNOWN,
        .silent_ns = 230000000,
        .fdb_ns = 61000,
        .bgp_ns = JOURNAL_UNKNOWN,
        .first_ns = 310000,
    };
}

static inline bool same_place(const struct journal_place *a, const struct journal_place *b)
{
    return strcmp(a->site, b->site) == 0 && strcmp(a->port, b->port) == 0 && ipaddr_eq(&a->vtep, &b->vtep);
}

/* But for net and open, which are of a run. */
static inline bool same_entry(const struct journal_entry *a, const struct journal_entry *b)
{
    for (unsigned i = 0; i < JOURNAL_IPS; i++)
        if (!ipaddr_eq(&a->ips[i], &b->ips[i]))
            return false;
    return a->id == b->id && strcmp(a->network, b->network) == 0 && mac_eq(a->mac, b->mac) &&
           a->n_ips == b->n_ips && same_place(&a->from, &b->from) && same_place(&a->to, &b->to) &&
           a->how == b->how && a->sequence == b->sequence && a->expected == b->expected &&
           a->prepared == b->prepared && a->wall_ns == b->wall_ns && a->at.ns == b->at.ns &&
           a->announced == b->announced && a->left_out == b->left_out && a->bounced == b->bounced &&
           a->bicast == b->bicast && a->silent_ns == b->silent_ns && a->fdb_ns == b->fdb_ns &&
           a->bgp_ns == b->bgp_ns && a->first_ns == b->first_ns;
}

#endif
