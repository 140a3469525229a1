/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The data plane's MAC table: (network, MAC) -> where, in 8-byte keys and 8-byte values.
 *
 * Buckets of eight keys (one cache line) and their eight values (the next line). A key lives in one of two
 * buckets, chosen by a hash with a secret seed, so that nobody can aim MACs at one bucket. The table is made
 * twice as large as what it must hold: at that load a full pair of buckets is not to be expected
 * (tests/unit/test_fdb.c fills a million), so keys are never displaced, and a key's slot is the same from
 * insertion to deletion.
 *
 * Threads: one writer (the control thread), any number of lock-free readers (workers).
 *   - insert: value first, then key (release). A reader that finds the key finds its value.
 *   - replace: one atomic store of the value's `where` half (R4.10). The key does not move.
 *   - delete: the key becomes a tombstone; the slot is used again only after every reader has passed a
 * quiescent state (QSBR), so a value read under a key belongs to that key.
 *   - `seen` is the half that readers write: the second in which the source was last seen there.
 */
#ifndef DATAPLANE_FDB_H
#define DATAPLANE_FDB_H

#include "conf/types.h"

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

struct rte_rcu_qsbr;

#define FDB_BUCKET_SLOTS 8
#define FDB_EMPTY        UINT64_C(0) /* network 0 does not exist */
#define FDB_TOMBSTONE    UINT64_MAX  /* network 0xffff does not exist */
#define FDB_MAX_MACS     1048576u

struct fdb_value {
    uint32_t where;  /* FDB_WHERE(): written by the control thread only */
    uint32_t seen_s; /* CLOCK_MONOTONIC seconds: written by workers, and at insertion */
};

struct fdb_bucket {
    uint64_t key[FDB_BUCKET_SLOTS];
    struct fdb_value value[FDB_BUCKET_SLOTS];
} __attribute__((aligned(64)));

struct fdb {
    struct fdb_bucket *buckets;
    uint32_t mask;      /* number of buckets - 1 */
    uint64_t seed[2];   /* secret; [1] is odd */
    uint32_t used;      /* keys present */
    uint32_t capacity;  /* what it was made for */
    uint32_t deletions; /* ever; readers look at it */
    struct rte_rcu_qsbr *qsbr;
    struct fdb_grave *graves; /* tombstones that wait for their grace period: a ring */
    uint32_t grave_head, grave_count, grave_size;
    size_t bytes;
};

/* where: target in bits 0-15, kind (enum dp_where) in 16-23, static in bit 24. Never 0 for an entry. */
#define FDB_WHERE(kind, target, is_static)                                                                   \
    ((uint32_t)(kind) << 16 | (uint32_t)(target) | (uint32_t)(is_static) << 24)
#define FDB_PLACE_MASK 0x00ffffffu /* kind and target: where a source is expected */
#define FDB_STATIC     0x01000000u

static inline uint16_t fdb_target(uint32_t where)
{
    return (uint16_t)where;
}

static inline unsigned fdb_kind(uint32_t where)
{
    return (where >> 16) & 0xff;
}

/* mac points at 6 bytes of a frame (or of a struct mac). */
static inline uint64_t fdb_key(uint16_t net, const uint8_t *mac)
{
    uint32_t hi;
    uint16_t lo;

    memcpy(&hi, mac, 4);
    memcpy(&lo, mac + 4, 2);
    return (uint64_t)net << 48 | (uint64_t)lo << 32 | hi;
}

static inline uint64_t fdb_hash(const struct fdb *f, uint64_t key)
{
    uint64_t h = (key ^ f->seed[0]) * f->seed[1];

    h ^= h >> 32;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static inline struct fdb_bucket *fdb_bucket_1(const struct fdb *f, uint64_t hash)
{
    return &f->buckets[(uint32_t)hash & f->mask];
}

static inline struct fdb_bucket *fdb_bucket_2(const struct fdb *f, uint64_t hash)
{
    return &f->buckets[(uint32_t)(hash >> 32) & f->mask];
}

static inline void fdb_prefetch(const struct fdb *f, uint64_t hash)
{
    const struct fdb_bucket *b = fdb_bucket_1(f, hash);

    rte_prefetch0(b->key);
    rte_prefetch0(b->value);
}

static inline struct fdb_value *fdb_bucket_find(struct fdb_bucket *b, uint64_t key)
{
    unsigned hits = 0;

    for (unsigned i = 0; i < FDB_BUCKET_SLOTS; i++)
        hits |= (unsigned)(__atomic_load_n(&b->key[i], __ATOMIC_RELAXED) == key) << i;
    if (hits == 0)
        return NULL;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return &b->value[__builtin_ctz(hits)];
}

/* Lock-free. The result stays valid until the caller's next quiescent state; NULL: not in the table. */
static inline struct fdb_value *fdb_find_hashed(const struct fdb *f, uint64_t key, uint64_t hash)
{
    struct fdb_value *v = fdb_bucket_find(fdb_bucket_1(f, hash), key);

    return likely(v != NULL) ? v : fdb_bucket_find(fdb_bucket_2(f, hash), key);
}

static inline struct fdb_value *fdb_find(const struct fdb *f, uint64_t key)
{
    return fdb_find_hashed(f, key, fdb_hash(f, key));
}

static inline uint32_t fdb_where(const struct fdb_value *v)
{
    return __atomic_load_n(&v->where, __ATOMIC_RELAXED);
}

/* How many entries were ever deleted: the same number twice, and what was not found is new or unwanted. */
static inline uint32_t fdb_deletions(const struct fdb *f)
{
    return __atomic_load_n(&f->deletions, __ATOMIC_RELAXED);
}

/* The line is written at most once a second per MAC, so that it stays shared between readers. */
static inline void fdb_touch(struct fdb_value *v, uint32_t now_s)
{
    if (__atomic_load_n(&v->seen_s, __ATOMIC_RELAXED) != now_s)
        __atomic_store_n(&v->seen_s, now_s, __ATOMIC_RELAXED);
}

/* ---- the writer's side: control thread only ---- */

/* A table for at least max_macs (up to FDB_MAX_MACS). qsbr: the readers' quiescent state variable; NULL when
 * there are no readers besides the writer. 0, -EINVAL or -ENOMEM. */
int fdb_init(struct fdb *f, uint32_t max_macs, struct rte_rcu_qsbr *qsbr);
void fdb_fini(struct fdb *f);

/* Adds or replaces. 0, or -ENOSPC when the table holds its capacity or both buckets are full. */
int fdb_set(struct fdb *f, uint64_t key, uint32_t where, uint32_t now_s);
/* 0 or -ENOENT. */
int fdb_del(struct fdb *f, uint64_t key);
/* Gives back slots whose grace period is over; called by fdb_set() and fdb_del() as well. */
void fdb_reclaim(struct fdb *f);

#endif
