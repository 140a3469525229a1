/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A hash table of 8-byte keys and 8-byte values that one thread writes and any number read without locks.
 * What keys and values mean is the business of those above it: fdb.h, neigh.h, bicast.h.
 *
 * Buckets of eight keys (one cache line) and their eight values (the next line). A key lives in one of two
 * buckets, chosen by a hash with a secret seed, so that nobody can aim keys at one bucket. The table is made
 * twice as large as what it must hold: at that load a full pair of buckets is not to be expected
 * (tests/unit/test_fdb.c fills a million), so keys are never displaced, and a key's slot is the same from
 * insertion to deletion.
 *
 * Threads: one writer (the control thread), any number of lock-free readers (workers).
 *   - insert: value first, then key (release). A reader that finds the key finds its value.
 *   - replace: one atomic store into the value. The key does not move.
 *   - delete: the key becomes a tombstone; the slot is used again only after every reader has passed a
 * quiescent state (QSBR), so a value read under a key belongs to that key.
 */
#ifndef DATAPLANE_TABLE_H
#define DATAPLANE_TABLE_H

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rte_rcu_qsbr;

#define TABLE_BUCKET_SLOTS 8
#define TABLE_EMPTY        UINT64_C(0) /* no key may have this value, nor the next */
#define TABLE_TOMBSTONE    UINT64_MAX
#define TABLE_MAX          (UINT32_C(1) << 21)

struct table_bucket {
    uint64_t key[TABLE_BUCKET_SLOTS];
    uint64_t value[TABLE_BUCKET_SLOTS];
} __attribute__((aligned(64)));

struct table {
    struct table_bucket *buckets;
    uint32_t mask;      /* number of buckets - 1 */
    uint64_t seed[2];   /* secret; [1] is odd */
    uint32_t used;      /* keys present */
    uint32_t capacity;  /* what it was made for */
    uint32_t additions; /* ever; readers look at it, and at the next */
    uint32_t deletions;
    struct rte_rcu_qsbr *qsbr;
    struct table_grave *graves; /* tombstones that wait for their grace period: a ring */
    uint32_t grave_head, grave_count, grave_size;
    size_t bytes;
};

static inline uint64_t table_hash(const struct table *t, uint64_t key)
{
    uint64_t h = (key ^ t->seed[0]) * t->seed[1];

    h ^= h >> 32;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static inline struct table_bucket *table_bucket_1(const struct table *t, uint64_t hash)
{
    return &t->buckets[(uint32_t)hash & t->mask];
}

static inline struct table_bucket *table_bucket_2(const struct table *t, uint64_t hash)
{
    return &t->buckets[(uint32_t)(hash >> 32) & t->mask];
}

static inline void table_prefetch(const struct table *t, uint64_t hash)
{
    const struct table_bucket *b = table_bucket_1(t, hash);

    rte_prefetch0(b->key);
    rte_prefetch0(b->value);
}

static inline uint64_t *table_bucket_find(struct table_bucket *b, uint64_t key)
{
    unsigned hits = 0;

    for (unsigned i = 0; i < TABLE_BUCKET_SLOTS; i++)
        hits |= (unsigned)(__atomic_load_n(&b->key[i], __ATOMIC_RELAXED) == key) << i;
    if (hits == 0)
        return NULL;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return &b->value[__builtin_ctz(hits)];
}

/* Lock-free. The result stays valid until the caller's next quiescent state; NULL: not in the table. */
static inline uint64_t *table_find_hashed(const struct table *t, uint64_t key, uint64_t hash)
{
    uint64_t *v = table_bucket_find(table_bucket_1(t, hash), key);

    return likely(v != NULL) ? v : table_bucket_find(table_bucket_2(t, hash), key);
}

static inline uint64_t *table_find(const struct table *t, uint64_t key)
{
    return table_find_hashed(t, key, table_hash(t, key));
}

/* ---- the writer's side: control thread only ---- */

/* A table for at least `capacity` keys (up to TABLE_MAX). qsbr: the readers' quiescent state variable; NULL
 * when there are no readers besides the writer. 0, -EINVAL or -ENOMEM. */
int table_init(struct table *t, uint32_t capacity, struct rte_rcu_qsbr *qsbr);
/* Also of one that is all zero. */
void table_fini(struct table *t);

/* Adds a key that is not there (the writer has looked). 0, or -ENOSPC when the table holds its capacity or
 * both buckets are full. */
int table_add(struct table *t, uint64_t key, uint64_t value);
/* 0 or -ENOENT. */
int table_del(struct table *t, uint64_t key);
/* Gives back slots whose grace period is over; called by table_add() and table_del() as well. */
void table_reclaim(struct table *t);

#endif
