/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A hash table of 8-byte keys and 8-byte values that one thread writes and any number read without locks.
 * What keys and values mean is the business of those above it: fdb.h, neigh.h, bicast.h.
 *
 * Buckets of eight keys (one cache line, compared at once) and their eight values (the next line). A key
 * lives in one of two buckets, chosen by a hash with a secret seed, so that nobody can aim keys at one
 * bucket. The first is preferred, for a reader looks there first, until it is rather full; then the emptier
 * one of the two. The table is made twice as large as what it must hold: at that load a full pair of buckets
 * is not to be expected (tests/unit/test_fdb.c fills a million), so keys are never displaced, and a key's
 * slot is the same from insertion to deletion.
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

#ifdef __SSE4_1__
#include <immintrin.h>
#endif

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
    uint64_t offsets;   /* (number of buckets - 1) * bytes of a bucket: bits of a hash and this, an offset */
    uint64_t seed[2];   /* secret */
    uint32_t capacity;  /* what it was made for */
    uint32_t deletions; /* ever; readers look at it */
    struct rte_rcu_qsbr *qsbr;
    size_t bytes;
    /* Written with each key that is added; readers need what is above for each frame. */
    uint32_t used __attribute__((aligned(64))); /* keys present */
    uint32_t additions;                         /* ever; readers look at it */
    struct table_grave *graves;                 /* tombstones that wait for their grace period: a ring */
    uint32_t grave_head, grave_count, grave_size;
};

/* Both halves of a product whose factors both have the key in them: with a constant factor, keys that count
 * up would form a pattern. With one seed in some hundreds they still do, in a few bits; the second product
 * spreads those over its upper bits, of which the buckets are made. */
static inline uint64_t table_hash(const struct table *t, uint64_t key)
{
    unsigned __int128 product =
        (unsigned __int128)(key ^ t->seed[0]) * ((key << 32 | key >> 32) ^ t->seed[1]);

    return ((uint64_t)product ^ (uint64_t)(product >> 64)) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline struct table_bucket *table_bucket_1(const struct table *t, uint64_t hash)
{
    return (struct table_bucket *)((char *)t->buckets + (hash >> 38 & t->offsets));
}

/* Never the first one again. */
static inline struct table_bucket *table_bucket_2(const struct table *t, uint64_t hash)
{
    return (struct table_bucket *)((char *)t->buckets +
                                   ((hash >> 38 ^ (hash >> 19 | sizeof(struct table_bucket))) & t->offsets));
}

static inline void table_prefetch(const struct table *t, uint64_t hash)
{
    const struct table_bucket *b = table_bucket_1(t, hash);

    rte_prefetch0(b->key);
    rte_prefetch0(b->value);
}

/* Which slots hold the key: a bit each, at most one is set. A vector load is not atomic as a whole, but each
 * aligned 8 bytes of it are, on every x86 processor that has these. */
static inline unsigned table_bucket_hits(const struct table_bucket *b, uint64_t key)
{
#if defined(__AVX512F__)
    __m512i keys = _mm512_load_si512((const void *)b->key);

    return _mm512_cmpeq_epi64_mask(keys, _mm512_set1_epi64((long long)key));
#elif defined(__AVX2__)
    __m256i wanted = _mm256_set1_epi64x((long long)key);
    __m256i low = _mm256_cmpeq_epi64(_mm256_load_si256((const void *)b->key), wanted);
    __m256i high = _mm256_cmpeq_epi64(_mm256_load_si256((const void *)(b->key + 4)), wanted);

    return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(low)) |
           (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(high)) << 4;
#elif defined(__SSE4_1__)
    __m128i wanted = _mm_set1_epi64x((long long)key), hit[4];

    for (unsigned i = 0; i < 4; i++)
        hit[i] = _mm_cmpeq_epi64(_mm_load_si128((const void *)(b->key + 2 * i)), wanted);
    hit[0] = _mm_packs_epi32(_mm_packs_epi32(hit[0], hit[1]), _mm_packs_epi32(hit[2], hit[3]));
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(hit[0], _mm_setzero_si128()));
#else
    unsigned hits = 0;

    for (unsigned i = 0; i < TABLE_BUCKET_SLOTS; i++)
        hits |= (unsigned)(__atomic_load_n(&b->key[i], __ATOMIC_RELAXED) == key) << i;
    return hits;
#endif
}

static inline uint64_t *table_bucket_find(struct table_bucket *b, uint64_t key)
{
    unsigned hits = table_bucket_hits(b, key);

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
