/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path's MAC table, written: fp.h says how it is laid out. The memory is the maps fp_fdb and
 * fp_bounced, mapped; so a move is one 32-bit store that every program sees at once (R4.10), and there is no
 * system call in it.
 *
 * One writer, any number of programs that read without locks. What makes that safe: a key is the last thing
 * to be written and the first to be taken away, and a program reads it again after `where`. Where both
 * buckets of a new key are full, others move to their other bucket: they are in both for a moment, and a
 * program that looks from one to the other at the wrong time finds none; then the worker has the frame.
 *
 * Pure but for the memory; control thread only.
 */
#ifndef EBPF_FP_TABLE_H
#define EBPF_FP_TABLE_H

#include "ebpf/fp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fp_table {
    struct fp_fdb_bucket *buckets;
    uint64_t *bounced;
    uint32_t mask; /* buckets - 1 */
    uint64_t seed;
    uint32_t used;
};

/* Buckets for max_macs entries: a power of two, max_entries of fp_fdb; times FP_FDB_WAYS that of fp_bounced.
 * Four fifths of the slots are used at most: the fewer cache lines the MACs are in, the sooner they are
 * found, and with two buckets for each that much finds room. */
uint32_t fp_table_buckets(uint32_t max_macs);

/* Over memory that may have entries already; they are counted, and one that was in two places when its writer
 * died is in one afterwards. A wrong mask or seed loses them. */
void fp_table_init(struct fp_table *t, void *buckets, uint64_t *bounced, uint32_t n_buckets, uint64_t seed);

/* NULL: not there. */
struct fp_fdb_entry *fp_table_find(const struct fp_table *t, uint64_t key);
/* Adds or replaces; a new entry, or one whose place changes, has seen. 0; -ENOSPC: no slot where the key
 * belongs; -EINVAL: key 0. */
int fp_table_set(struct fp_table *t, uint64_t key, uint32_t where, uint32_t seen);
/* False: it was not there. */
bool fp_table_del(struct fp_table *t, uint64_t key);
void fp_table_clear(struct fp_table *t);
/* Where the entry's count of bounced frames is. */
uint64_t *fp_table_bounced(const struct fp_table *t, const struct fp_fdb_entry *e);
/* Walks the entries: the next one from *cursor on, which begins with 0; NULL: that was the last. */
struct fp_fdb_entry *fp_table_next(const struct fp_table *t, uint64_t *cursor);

#endif
