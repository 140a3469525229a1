/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A hash table of 8-byte keys and 8-byte values that one thread writes and any number read without locks.
 * What keys and values mean is the business of those above it: fdb.h, neigh.h, bicast.h.
 *
 * Buckets of two cache lines, each with four keys and their values beside them. A key has two buckets, chosen
 * by a hash with a secret seed, so that nobody can aim keys at one bucket, and in each of them a line where
 * it is at home. It is in its home line of the first bucket, where a reader looks first and nearly all keys
 * are, until the bucket is rather full; then in the emptier one of the two. So a look-up is one line, and one
 * that finds nothing as well: for each line it is counted how many keys that are at home there are elsewhere.
 * The table is made four times as large as what it must hold. At that load hardly one key in a hundred is not
 * at home, whose look-up waits for memory that nobody has asked for in time; and a full pair of buckets is
 * not to be expected (tests/unit/test_fdb.c fills a million), so keys are never displaced, and a key's slot
 * is the same from insertion to deletion.
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

#ifdef __AVX2__
#include <immintrin.h>
#endif

struct rte_rcu_qsbr;

#define TABLE_LINE_SLOTS 4
#define TABLE_EMPTY      UINT64_C(0) /* no key may have this value, nor the next */
#define TABLE_TOMBSTONE  UINT64_MAX
#define TABLE_MAX        (UINT32_C(1) << 21)
#define TABLE_HASH_SHIFT 37 /* so many bits are left as the offset of a line in the largest table has */

struct table_slot {
    uint64_t key, value;
};

/* An even one and the next are a bucket. */
struct table_line {
    struct table_slot slot[TABLE_LINE_SLOTS];
} __attribute__((aligned(64)));

struct table {
    struct table_line *lines;
    uint8_t *strays;    /* a line each: how many keys at home there are elsewhere; at 255: or were ever */
    uint64_t offsets;   /* (number of lines - 1) * bytes of a line: bits of a hash and this, an offset */
    uint64_t seed[2];   /* secret */
    uint32_t capacity;  /* what it was made for */
    uint32_t deletions; /* ever; readers look at it */
    struct rte_rcu_qsbr *qsbr;
    size_t bytes; /* of lines and strays */
    void *mapped; /* the lines may begin later */
    size_t mapped_bytes;
    /* Written with each key that is added; readers need what is above for each frame. */
    uint32_t used __attribute__((aligned(64))); /* keys present */
    uint32_t additions;                         /* ever; readers look at it */
    struct table_grave *graves;                 /* tombstones that wait for their grace period: a ring */
    uint32_t grave_head, grave_count, grave_size;
};

/* Both halves of a product whose factors both have the key in them: with a constant factor, keys that count
 * up would form a pattern. With one seed in some hundreds they still do, in a few bits; the second product
 * spreads those over its upper bits, of which the lines are made. */
static inline uint64_t table_hash(const struct table *t, uint64_t key)
{
    unsigned __int128 product =
        (unsigned __int128)(key ^ t->seed[0]) * ((key << 32 | key >> 32) ^ t->seed[1]);

    return ((uint64_t)product ^ (uint64_t)(product >> 64)) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline struct table_line *table_line_at(const struct table *t, uint64_t offset)
{
    return (struct table_line *)((char *)t->lines + (offset & t->offsets));
}

/* Where the key is at home in its first bucket. */
static inline struct table_line *table_home(const struct table *t, uint64_t hash)
{
    return table_line_at(t, hash >> TABLE_HASH_SHIFT);
}

/* Whether there are keys at home in this line that are elsewhere. */
static inline bool table_has_strays(const struct table *t, const struct table_line *home)
{
    return __atomic_load_n(&t->strays[home - t->lines], __ATOMIC_RELAXED) != 0;
}

static inline struct table_line *table_prefetch(const struct table *t, uint64_t hash)
{
    struct table_line *home = table_home(t, hash);

    rte_prefetch0(home);
    return home;
}

/* Which 8 bytes of the line are the key: a bit each, of which every other one, those of the values, is
 * clear; at most one is set. A vector load is not atomic as a whole, but each aligned 8 bytes of it are, on
 * every x86 processor that has these. */
static inline unsigned table_line_hits(const struct table_line *l, uint64_t key)
{
#if defined(__AVX512F__)
    return _mm512_cmpeq_epi64_mask(_mm512_load_si512((const void *)l), _mm512_set1_epi64((long long)key)) &
           0x55u;
#elif defined(__AVX2__)
    __m256i wanted = _mm256_set1_epi64x((long long)key);
    __m256i low = _mm256_cmpeq_epi64(_mm256_load_si256((const void *)&l->slot[0]), wanted);
    __m256i high = _mm256_cmpeq_epi64(_mm256_load_si256((const void *)&l->slot[2]), wanted);

    return ((unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(low)) |
            (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(high)) << 4) &
           0x55u;
#else
    unsigned hits = 0;

    for (unsigned i = 0; i < TABLE_LINE_SLOTS; i++)
        hits |= (unsigned)(__atomic_load_n(&l->slot[i].key, __ATOMIC_RELAXED) == key) << i * 2;
    return hits;
#endif
}

static inline uint64_t *table_line_find(struct table_line *l, uint64_t key)
{
    unsigned hits = table_line_hits(l, key);

    if (hits == 0)
        return NULL;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return (uint64_t *)l + __builtin_ctz(hits) + 1; /* a value is behind its key */
}

/* Of a key that is not in its home line, but may be elsewhere. */
uint64_t *table_find_stray(const struct table *t, uint64_t key, uint64_t hash);
/* Starts the memory reads of table_find_stray(). */
void table_prefetch_strays(const struct table *t, uint64_t hash);

/* Of a key that is not in its home line. */
static inline uint64_t *table_find_elsewhere(const struct table *t, const struct table_line *home,
                                             uint64_t key, uint64_t hash)
{
    return table_has_strays(t, home) ? table_find_stray(t, key, hash) : NULL;
}

/* Lock-free. The result stays valid until the caller's next quiescent state; NULL: not in the table. */
static inline uint64_t *table_find_hashed(const struct table *t, uint64_t key, uint64_t hash)
{
    struct table_line *home = table_home(t, hash);
    uint64_t *v = table_line_find(home, key);

    return likely(v != NULL) ? v : table_find_elsewhere(t, home, key, hash);
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
