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

static struct fp_fdb_home home_of(const struct fp_table *t, uint64_t key)
{
    return fp_fdb_home(t->seed, t->mask, key);
}

/* The entry of a key in a bucket, or with key 0 a free slot. */
static struct fp_fdb_entry *find_in(const struct fp_table *t, uint32_t bucket, uint64_t key)
{
    struct fp_fdb_bucket *b = &t->buckets[bucket];

    for (unsigned way = 0; way < FP_FDB_WAYS; way++) {
        if (load_key(&b->entry[way]) == key)
            return &b->entry[way];
    }
    return NULL;
}

uint32_t fp_table_buckets(uint32_t max_macs)
{
    uint32_t n = MIN_BUCKETS;

    while ((uint64_t)n * FP_FDB_WAYS * 4 / 5 < max_macs)
        n <<= 1;
    return n;
}

void fp_table_init(struct fp_table *t, void *buckets, uint64_t *bounced, uint32_t n_buckets, uint64_t seed)
{
    struct fp_fdb_entry *e;
    uint64_t cursor = 0;

    *t = (struct fp_table){.buckets = buckets, .bounced = bounced, .mask = n_buckets - 1, .seed = seed};
    while ((e = fp_table_next(t, &cursor))) {
        if (fp_table_find(t, e->key) == e)
            t->used++;
        else
            __atomic_store_n(&e->key, 0, __ATOMIC_SEQ_CST);
    }
}

struct fp_fdb_entry *fp_table_find(const struct fp_table *t, uint64_t key)
{
    struct fp_fdb_home home = home_of(t, key);
    struct fp_fdb_entry *e;

    if (!key)
        return NULL;
    e = find_in(t, home.bucket, key);
    return e ? e : find_in(t, home.bucket ^ home.other, key);
}

static void write_entry(struct fp_table *t, struct fp_fdb_entry *e, uint64_t key, uint32_t where,
                        uint32_t seen, uint64_t bounced)
{
    __atomic_store_n(fp_table_bounced(t, e), bounced, __ATOMIC_RELAXED);
    __atomic_store_n(&e->seen, seen, __ATOMIC_RELAXED);
    __atomic_store_n(&e->where, where, __ATOMIC_RELAXED);
    __atomic_store_n(&e->key, key, __ATOMIC_RELEASE);
}

static void move_entry(struct fp_table *t, struct fp_fdb_entry *to, struct fp_fdb_entry *from)
{
    write_entry(t, to, from->key, from->where, __atomic_load_n(&from->seen, __ATOMIC_RELAXED),
                __atomic_load_n(fp_table_bounced(t, from), __ATOMIC_RELAXED));
    __atomic_store_n(&from->key, 0, __ATOMIC_SEQ_CST);
}

/* A free slot in the other bucket of an entry, which is in this one; NULL: that is full, too. */
static struct fp_fdb_entry *way_out(const struct fp_table *t, uint32_t bucket, const struct fp_fdb_entry *e)
{
    return find_in(t, bucket ^ home_of(t, e->key).other, 0);
}

/* Moves an entry out of a full bucket, if need be after another one out of the bucket that it goes to. NULL:
 * cannot be done. */
static struct fp_fdb_entry *make_room(struct fp_table *t, uint32_t bucket)
{
    struct fp_fdb_entry *e, *free_slot;

    for (unsigned way = 0; way < FP_FDB_WAYS; way++) {
        e = &t->buckets[bucket].entry[way];
        free_slot = way_out(t, bucket, e);
        if (free_slot) {
            move_entry(t, free_slot, e);
            return e;
        }
    }
    for (unsigned way = 0; way < FP_FDB_WAYS; way++) {
        uint32_t next;

        e = &t->buckets[bucket].entry[way];
        next = bucket ^ home_of(t, e->key).other;
        for (unsigned i = 0; i < FP_FDB_WAYS; i++) {
            struct fp_fdb_entry *second = &t->buckets[next].entry[i];

            free_slot = way_out(t, next, second);
            if (free_slot) {
                move_entry(t, free_slot, second);
                move_entry(t, second, e);
                return e;
            }
        }
    }
    return NULL;
}

static struct fp_fdb_entry *find_room(struct fp_table *t, uint64_t key)
{
    struct fp_fdb_home home = home_of(t, key);
    struct fp_fdb_entry *e = find_in(t, home.bucket, 0);

    if (!e)
        e = find_in(t, home.bucket ^ home.other, 0);
    if (!e)
        e = make_room(t, home.bucket);
    if (!e)
        e = make_room(t, home.bucket ^ home.other);
    return e;
}

int fp_table_set(struct fp_table *t, uint64_t key, uint32_t where, uint32_t seen)
{
    struct fp_fdb_entry *e;

    if (!key)
        return -EINVAL;
    e = fp_table_find(t, key);
    if (e) {
        uint32_t old = __atomic_load_n(&e->where, __ATOMIC_RELAXED);

        __atomic_store_n(&e->where, where, __ATOMIC_RELAXED);
        if ((old ^ where) & FP_PLACE_MASK)
            __atomic_store_n(&e->seen, seen, __ATOMIC_RELAXED);
        return 0;
    }
    e = find_room(t, key);
    if (!e)
        return -ENOSPC;
    write_entry(t, e, key, where, seen, 0);
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
