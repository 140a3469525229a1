/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The writer's side of the FDB; see fdb.h for the layout and the rules between threads.
 */
#include "dataplane/fdb.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include <rte_rcu_qsbr.h>

struct fdb_grave {
    uint64_t *slot;
    uint64_t token;
};

static uint32_t pow2_at_least(uint32_t n)
{
    uint32_t p = 1;

    while (p < n)
        p <<= 1;
    return p;
}

int fdb_init(struct fdb *f, uint32_t max_macs, struct rte_rcu_qsbr *qsbr)
{
    uint32_t n;

    if (max_macs == 0 || max_macs > FDB_MAX_MACS)
        return -EINVAL;
    memset(f, 0, sizeof(*f));
    n = pow2_at_least((max_macs * 2 + FDB_BUCKET_SLOTS - 1) / FDB_BUCKET_SLOTS);
    if (getrandom(f->seed, sizeof(f->seed), 0) != sizeof(f->seed))
        return -errno;
    f->seed[1] |= 1;
    f->bytes = (size_t)n * sizeof(struct fdb_bucket);
    f->buckets = mmap(NULL, f->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (f->buckets == MAP_FAILED) {
        f->buckets = NULL;
        return -ENOMEM;
    }
    /* A million MACs are 32 MB: without huge pages every look-up would also miss the TLB. */
    (void)madvise(f->buckets, f->bytes, MADV_HUGEPAGE);
    f->mask = n - 1;
    f->capacity = max_macs;
    f->qsbr = qsbr;
    return 0;
}

void fdb_fini(struct fdb *f)
{
    if (f->buckets)
        munmap(f->buckets, f->bytes);
    free(f->graves);
    memset(f, 0, sizeof(*f));
}

static unsigned bucket_free(const struct fdb_bucket *b)
{
    unsigned n = 0;

    for (unsigned i = 0; i < FDB_BUCKET_SLOTS; i++)
        n += b->key[i] == FDB_EMPTY;
    return n;
}

static void bucket_insert(struct fdb_bucket *b, uint64_t key, struct fdb_value value)
{
    unsigned i = 0;

    while (b->key[i] != FDB_EMPTY)
        i++;
    __atomic_store_n(&b->value[i].where, value.where, __ATOMIC_RELAXED);
    __atomic_store_n(&b->value[i].seen_s, value.seen_s, __ATOMIC_RELAXED);
    __atomic_store_n(&b->key[i], key, __ATOMIC_RELEASE);
}

int fdb_set(struct fdb *f, uint64_t key, uint32_t where, uint32_t now_s)
{
    uint64_t hash = fdb_hash(f, key);
    struct fdb_value *v = fdb_find_hashed(f, key, hash);
    struct fdb_bucket *b1 = fdb_bucket_1(f, hash), *b2 = fdb_bucket_2(f, hash);
    unsigned free1, free2;

    if (v) {
        __atomic_store_n(&v->seen_s, now_s, __ATOMIC_RELAXED);
        __atomic_store_n(&v->where, where, __ATOMIC_RELEASE);
        return 0;
    }
    fdb_reclaim(f);
    free1 = bucket_free(b1);
    free2 = bucket_free(b2);
    if (f->used >= f->capacity || free1 + free2 == 0)
        return -ENOSPC;
    bucket_insert(free1 >= free2 ? b1 : b2, key, (struct fdb_value){.where = where, .seen_s = now_s});
    f->used++;
    return 0;
}

/* Room for one more grave; false without memory. */
static bool graves_grow(struct fdb *f)
{
    uint32_t size = f->grave_size ? f->grave_size * 2 : 64;
    struct fdb_grave *g;

    if (f->grave_count < f->grave_size)
        return true;
    g = calloc(size, sizeof(*g));
    if (!g)
        return false;
    for (uint32_t i = 0; i < f->grave_count; i++)
        g[i] = f->graves[(f->grave_head + i) & (f->grave_size - 1)];
    free(f->graves);
    f->graves = g;
    f->grave_size = size;
    f->grave_head = 0;
    return true;
}

int fdb_del(struct fdb *f, uint64_t key)
{
    struct fdb_value *v = fdb_find(f, key);
    struct fdb_bucket *b;
    uint64_t *slot;

    if (!v)
        return -ENOENT;
    b = (struct fdb_bucket *)((uintptr_t)v & ~(uintptr_t)(sizeof(*b) - 1));
    slot = &b->key[v - b->value];
    f->used--;
    __atomic_store_n(&f->deletions, f->deletions + 1, __ATOMIC_RELAXED);
    if (!f->qsbr) {
        *slot = FDB_EMPTY;
        return 0;
    }
    __atomic_store_n(slot, FDB_TOMBSTONE, __ATOMIC_RELEASE);
    fdb_reclaim(f);
    if (!graves_grow(f)) {
        rte_rcu_qsbr_synchronize(f->qsbr, RTE_QSBR_THRID_INVALID);
        __atomic_store_n(slot, FDB_EMPTY, __ATOMIC_RELEASE);
        return 0;
    }
    f->graves[(f->grave_head + f->grave_count) & (f->grave_size - 1)] =
        (struct fdb_grave){.slot = slot, .token = rte_rcu_qsbr_start(f->qsbr)};
    f->grave_count++;
    return 0;
}

void fdb_reclaim(struct fdb *f)
{
    while (f->grave_count > 0) {
        struct fdb_grave *g = &f->graves[f->grave_head];

        if (rte_rcu_qsbr_check(f->qsbr, g->token, false) != 1)
            return;
        __atomic_store_n(g->slot, FDB_EMPTY, __ATOMIC_RELEASE);
        f->grave_head = (f->grave_head + 1) & (f->grave_size - 1);
        f->grave_count--;
    }
}
