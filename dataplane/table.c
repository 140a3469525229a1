/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The writer's side; see table.h for the layout and the rules between threads. Control thread only.
 */
#include "dataplane/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include <rte_rcu_qsbr.h>

/* A first bucket with more free slots than this takes the next key; the rest is for those whose second bucket
 * is full. */
#define TABLE_RESERVE 2

struct table_grave {
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

int table_init(struct table *t, uint32_t capacity, struct rte_rcu_qsbr *qsbr)
{
    uint32_t n;

    if (capacity == 0 || capacity > TABLE_MAX)
        return -EINVAL;
    memset(t, 0, sizeof(*t));
    n = pow2_at_least(RTE_MAX((capacity * 2 + TABLE_BUCKET_SLOTS - 1) / TABLE_BUCKET_SLOTS, 2u));
    if (getrandom(t->seed, sizeof(t->seed), 0) != sizeof(t->seed))
        return -errno;
    t->bytes = (size_t)n * sizeof(struct table_bucket);
    t->buckets = mmap(NULL, t->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (t->buckets == MAP_FAILED) {
        t->buckets = NULL;
        return -ENOMEM;
    }
    t->offsets = (uint64_t)(n - 1) * sizeof(struct table_bucket);
    t->capacity = capacity;
    t->qsbr = qsbr;
    return 0;
}

void table_fini(struct table *t)
{
    if (t->buckets)
        munmap(t->buckets, t->bytes);
    free(t->graves);
    memset(t, 0, sizeof(*t));
}

static unsigned bucket_free(const struct table_bucket *b)
{
    unsigned n = 0;

    for (unsigned i = 0; i < TABLE_BUCKET_SLOTS; i++)
        n += b->key[i] == TABLE_EMPTY;
    return n;
}

static void bucket_insert(struct table_bucket *b, uint64_t key, uint64_t value)
{
    unsigned i = 0;

    while (b->key[i] != TABLE_EMPTY)
        i++;
    __atomic_store_n(&b->value[i], value, __ATOMIC_RELAXED);
    __atomic_store_n(&b->key[i], key, __ATOMIC_RELEASE);
}

int table_add(struct table *t, uint64_t key, uint64_t value)
{
    uint64_t hash = table_hash(t, key);
    struct table_bucket *b1 = table_bucket_1(t, hash), *b2 = table_bucket_2(t, hash);
    unsigned free1, free2;

    table_reclaim(t);
    free1 = bucket_free(b1);
    free2 = bucket_free(b2);
    if (t->used >= t->capacity || free1 + free2 == 0)
        return -ENOSPC;
    bucket_insert(free1 > TABLE_RESERVE || free1 >= free2 ? b1 : b2, key, value);
    t->used++;
    __atomic_store_n(&t->additions, t->additions + 1, __ATOMIC_RELEASE); /* behind the key */
    return 0;
}

/* Room for one more grave; false without memory. */
static bool graves_grow(struct table *t)
{
    uint32_t size = t->grave_size ? t->grave_size * 2 : 64;
    struct table_grave *g;

    if (t->grave_count < t->grave_size)
        return true;
    g = calloc(size, sizeof(*g));
    if (!g)
        return false;
    for (uint32_t i = 0; i < t->grave_count; i++)
        g[i] = t->graves[(t->grave_head + i) & (t->grave_size - 1)];
    free(t->graves);
    t->graves = g;
    t->grave_size = size;
    t->grave_head = 0;
    return true;
}

int table_del(struct table *t, uint64_t key)
{
    uint64_t *v = table_find(t, key);
    struct table_bucket *b;
    uint64_t *slot;

    if (!v)
        return -ENOENT;
    b = (struct table_bucket *)((uintptr_t)v & ~(uintptr_t)(sizeof(*b) - 1));
    slot = &b->key[v - b->value];
    t->used--;
    __atomic_store_n(&t->deletions, t->deletions + 1, __ATOMIC_RELAXED);
    if (!t->qsbr) {
        *slot = TABLE_EMPTY;
        return 0;
    }
    __atomic_store_n(slot, TABLE_TOMBSTONE, __ATOMIC_RELEASE);
    table_reclaim(t);
    if (!graves_grow(t)) {
        rte_rcu_qsbr_synchronize(t->qsbr, RTE_QSBR_THRID_INVALID);
        __atomic_store_n(slot, TABLE_EMPTY, __ATOMIC_RELEASE);
        return 0;
    }
    t->graves[(t->grave_head + t->grave_count) & (t->grave_size - 1)] =
        (struct table_grave){.slot = slot, .token = rte_rcu_qsbr_start(t->qsbr)};
    t->grave_count++;
    return 0;
}

void table_reclaim(struct table *t)
{
    while (t->grave_count > 0) {
        struct table_grave *g = &t->graves[t->grave_head];

        if (rte_rcu_qsbr_check(t->qsbr, g->token, false) != 1)
            return;
        __atomic_store_n(g->slot, TABLE_EMPTY, __ATOMIC_RELEASE);
        t->grave_head = (t->grave_head + 1) & (t->grave_size - 1);
        t->grave_count--;
    }
}
