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

/* A large table begins where a huge page may, so that all its lines can be in such pages. */
#define HUGEPAGE ((size_t)2 << 20)

_Static_assert(TABLE_MAX * sizeof(struct table_line) <= UINT64_C(1) << (64 - TABLE_HASH_SHIFT),
               "a hash reaches every line, of which there are as many as keys to hold");

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
    size_t align;

    if (capacity == 0 || capacity > TABLE_MAX)
        return -EINVAL;
    memset(t, 0, sizeof(*t));
    n = pow2_at_least(RTE_MAX(capacity, 4u)); /* lines of four slots */
    if (getrandom(t->seed, sizeof(t->seed), 0) != sizeof(t->seed))
        return -errno;
    t->bytes = n * (sizeof(*t->lines) + sizeof(*t->strays));
    align = t->bytes >= HUGEPAGE ? HUGEPAGE : sizeof(*t->lines);
    t->mapped_bytes = t->bytes + align;
    t->mapped = mmap(NULL, t->mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (t->mapped == MAP_FAILED) {
        t->mapped = NULL;
        return -ENOMEM;
    }
    t->lines = RTE_PTR_ALIGN_CEIL(t->mapped, align);
    t->strays = (uint8_t *)(t->lines + n);
    t->offsets = (uint64_t)(n - 1) * sizeof(*t->lines);
    t->capacity = capacity;
    t->qsbr = qsbr;
    return 0;
}

void table_fini(struct table *t)
{
    if (t->mapped)
        munmap(t->mapped, t->mapped_bytes);
    free(t->graves);
    memset(t, 0, sizeof(*t));
}

/* Where a key is at home in its second bucket, which is never the first one. */
static struct table_line *second_home(const struct table *t, uint64_t hash)
{
    return table_line_at(t, hash >> TABLE_HASH_SHIFT ^ (hash >> 19 | sizeof(struct table_line) * 2));
}

/* The other line of the bucket. */
static struct table_line *neighbour(const struct table *t, struct table_line *l)
{
    return t->lines + ((l - t->lines) ^ 1);
}

uint64_t *table_find_stray(const struct table *t, uint64_t key, uint64_t hash)
{
    struct table_line *first = table_home(t, hash), *second = second_home(t, hash);
    uint64_t *v = table_line_find(neighbour(t, first), key);

    if (!v)
        v = table_line_find(second, key);
    return v ? v : table_line_find(neighbour(t, second), key);
}

void table_prefetch_strays(const struct table *t, uint64_t hash)
{
    struct table_line *second = second_home(t, hash);

    rte_prefetch0(neighbour(t, table_home(t, hash)));
    rte_prefetch0(second);
    rte_prefetch0(neighbour(t, second));
}

/* More when there are more keys elsewhere, or fewer. At 255 they are not counted any more. */
static void strays_change(struct table *t, const struct table_line *home, int by)
{
    uint8_t *n = &t->strays[home - t->lines];

    if (*n != UINT8_MAX)
        __atomic_store_n(n, (uint8_t)(*n + by), __ATOMIC_RELAXED);
}

static unsigned line_free(const struct table_line *l)
{
    unsigned n = 0;

    for (unsigned i = 0; i < TABLE_LINE_SLOTS; i++)
        n += l->slot[i].key == TABLE_EMPTY;
    return n;
}

static unsigned bucket_free(const struct table *t, struct table_line *l)
{
    return line_free(l) + line_free(neighbour(t, l));
}

/* There is a free slot. */
static void line_insert(struct table_line *l, uint64_t key, uint64_t value)
{
    struct table_slot *s = l->slot;

    while (s->key != TABLE_EMPTY)
        s++;
    __atomic_store_n(&s->value, value, __ATOMIC_RELAXED);
    __atomic_store_n(&s->key, key, __ATOMIC_RELEASE);
}

int table_add(struct table *t, uint64_t key, uint64_t value)
{
    uint64_t hash = table_hash(t, key);
    struct table_line *home = table_home(t, hash), *second = second_home(t, hash), *to;
    unsigned free1, free2;

    table_reclaim(t);
    free1 = bucket_free(t, home);
    free2 = bucket_free(t, second);
    if (t->used >= t->capacity || free1 + free2 == 0)
        return -ENOSPC;
    to = free1 > TABLE_RESERVE || free1 >= free2 ? home : second;
    if (line_free(to) == 0)
        to = neighbour(t, to);
    if (to != home)
        strays_change(t, home, 1); /* before the key, which a reader would miss else */
    line_insert(to, key, value);
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
    uint64_t hash = table_hash(t, key), *v = table_find_hashed(t, key, hash);
    const struct table_line *home = table_home(t, hash);
    struct table_slot *s;
    uint64_t *slot;

    if (!v)
        return -ENOENT;
    s = (struct table_slot *)((char *)v - offsetof(struct table_slot, value));
    slot = &s->key;
    t->used--;
    __atomic_store_n(&t->deletions, t->deletions + 1, __ATOMIC_RELAXED);
    if (s < home->slot || s >= home->slot + TABLE_LINE_SLOTS)
        strays_change(t, home, -1);
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
