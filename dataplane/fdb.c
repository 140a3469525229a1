/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The writer's side of the FDB; see fdb.h. Control thread only.
 */
#include "dataplane/fdb.h"

#include <errno.h>
#include <sys/mman.h>

/* The worker's clock may be a little ahead of `now`, which was taken before. */
#define AHEAD_MS 1000u

_Static_assert(sizeof(struct fdb_value) == sizeof(uint64_t), "a value of the table");

int fdb_init(struct fdb *f, uint32_t max_macs, struct rte_rcu_qsbr *qsbr)
{
    int rc = max_macs <= FDB_MAX_MACS ? table_init(&f->t, max_macs, qsbr) : -EINVAL;

    /* A million MACs are 64 MB: without huge pages every look-up would also miss the TLB. */
    if (rc == 0)
        (void)madvise(f->t.lines, f->t.bytes, MADV_HUGEPAGE);
    return rc;
}

void fdb_fini(struct fdb *f)
{
    table_fini(&f->t);
}

int fdb_set(struct fdb *f, uint64_t key, uint32_t where, mono_t now)
{
    struct fdb_value *v = fdb_find(f, key), add = {.where = where, .seen_ms = fdb_ms(now)};
    uint64_t value;

    if (!v) {
        memcpy(&value, &add, sizeof(value));
        return table_add(&f->t, key, value);
    }
    if ((fdb_where(v) ^ where) & FDB_PLACE_MASK)
        __atomic_store_n(&v->seen_ms, add.seen_ms, __ATOMIC_RELAXED);
    __atomic_store_n(&v->where, where, __ATOMIC_RELEASE);
    return 0;
}

int fdb_del(struct fdb *f, uint64_t key)
{
    return table_del(&f->t, key);
}

void fdb_mark(struct fdb *f, uint64_t key, uint32_t mark, bool on)
{
    struct fdb_value *v = fdb_find(f, key);

    if (v && on)
        __atomic_fetch_or(&v->where, mark, __ATOMIC_RELEASE);
    else if (v)
        __atomic_fetch_and(&v->where, ~mark, __ATOMIC_RELEASE);
}

mono_t fdb_seen(const struct fdb_value *v, mono_t now)
{
    uint64_t now_ms = now.ns / 1000000;
    uint32_t age = (uint32_t)now_ms - __atomic_load_n(&v->seen_ms, __ATOMIC_RELAXED);

    /* Serial arithmetic: a difference just below zero is a time that is just ahead. */
    if (age > UINT32_MAX - AHEAD_MS || age > now_ms)
        age = 0;
    return (mono_t){(now_ms - age) * 1000000};
}
