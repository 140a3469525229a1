/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See fp_table.h. Control thread only.
 */
#include "ebpf/fp_table.h"

#include <errno.h>
#include <string.h>

#define MIN_BUCKETS 64u

static uint64_t load_key(const struct fp_fdb_entry *e)
{
    return __atomic_load_n(&e->key, __ATOMIC_RELAXED);
}

uint32_t fp_table_buckets(uint32_t max_macs)
{
    uint32_t n = MIN_BUCKETS;

    while (n < max_macs && n < 1u << 28)
        n <<= 1;
    return n;
}

void fp_table_init(struct fp_table *t, void *buckets, uint64_t *bounced, uint32_t n_buckets, uint64_t seed)
{
    uint64_t cursor = 0;

    *t = (struct fp_table){.buckets = buckets, .bounced = bounced, .mask = n_buckets - 1, .seed = seed};
    while (fp_table_next(t, &cursor))
        t->used++;
}

/* The entry of a key or, with key 0, a free slot; home: of the key that is meant. */
static struct fp_fdb_entry *probe(const struct fp_table *t, uint32_t home, uint64_t key)
{
    for (uint32_t i = 0; i < FP_FDB_PROBES; i++) {
        struct fp_fdb_bucket *b = &t->buckets[(home + i) & t->mask];

        for (unsigned way = 0; way < FP_FDB_WAYS; way++) {
            if (load_key(&b->entry[way]) == key)
                return &b->entry[way];
        }
    }
    return NULL;
}

struct fp_fdb_entry *fp_table_find(const struct fp_table *t, uint64_t key)
{
    return key ? probe(t, fp_fdb_home(t->seed, t->mask, key), key) : NULL;
}

int fp_table_set(struct fp_table *t, uint64_t key, uint32_t where, uint32_t seen)
{
    uint32_t home = fp_fdb_home(t->seed, t->mask, key);
    struct fp_fdb_entry *e;

    if (!key)
        return -EINVAL;
    e = probe(t, home, key);
    if (e) {
        uint32_t old = __atomic_load_n(&e->where, __ATOMIC_RELAXED);

        __atomic_store_n(&e->where, where, __ATOMIC_RELAXED);
        if ((old ^ where) & FP_PLACE_MASK)
            __atomic_store_n(&e->seen, seen, __ATOMIC_RELAXED);
        return 0;
    }
    e = probe(t, home, 0);
    if (!e)
        return -ENOSPC;
    __atomic_store_n(fp_table_bounced(t, e), 0, __ATOMIC_RELAXED);
    __atomic_store_n(&e->seen, seen, __ATOMIC_RELAXED);
    __atomic_store_n(&e->where, where, __ATOMIC_RELAXED);
    __atomic_store_n(&e->key, key, __ATOMIC_RELEASE);
    t->used++;
    return 0;
}

static void remove_entry(struct fp_table *t, struct fp_fdb_entry *e)
{
    __atomic_store_n(&e->key, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&e->where, 0, __ATOMIC_RELAXED);
    t->used--;
}

bool fp_table_del(struct fp_table *t, uint64_t key)
{
    struct fp_fdb_entry *e = fp_table_find(t, key);

    if (e)
        remove_entry(t, e);
    return e != NULL;
}

void fp_table_clear(struct fp_table *t)
{
    struct fp_fdb_entry *e;
    uint64_t cursor = 0;

    while ((e = fp_table_next(t, &cursor)))
        remove_entry(t, e);
}

uint64_t *fp_table_bounced(const struct fp_table *t, const struct fp_fdb_entry *e)
{
    return &t->bounced[e - &t->buckets[0].entry[0]];
}

struct fp_fdb_entry *fp_table_next(const struct fp_table *t, uint64_t *cursor)
{
    uint64_t n = ((uint64_t)t->mask + 1) * FP_FDB_WAYS;

    while (*cursor < n) {
        struct fp_fdb_entry *e = &t->buckets[*cursor / FP_FDB_WAYS].entry[*cursor % FP_FDB_WAYS];

        ++*cursor;
        if (load_key(e))
            return e;
    }
    return NULL;
}
