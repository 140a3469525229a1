/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The data plane's MAC table: (network, MAC) -> where, and when a frame from there was last seen. It is a
 * table.h, whose rules between threads hold, with the two halves of a value written by different threads:
 *   - `where`: by the control thread, one atomic store per change (R4.10). Workers do one thing to it: they
 *     take the watch mark off, by compare-and-swap, so that a store of the control thread wins.
 *   - `seen`: by workers, and by the control thread when the place changes or it knows better.
 */
#ifndef DATAPLANE_FDB_H
#define DATAPLANE_FDB_H

#include "conf/types.h"
#include "dataplane/table.h"

#define FDB_MAX_MACS 1048576u

struct fdb_value {
    uint32_t where;   /* FDB_WHERE() and marks */
    uint32_t seen_ms; /* CLOCK_MONOTONIC milliseconds, the low 32 bits of them: fdb_seen() */
};

struct fdb {
    struct table t;
};

/* where: target in bits 0-15, kind (enum dp_where) in 16-19, marks in 20-22, static in 24. Never 0 for an
 * entry. */
#define FDB_WHERE(kind, target, is_static)                                                                   \
    ((uint32_t)(kind) << 16 | (uint32_t)(target) | (uint32_t)(is_static) << 24)
#define FDB_PLACE_MASK 0x000fffffu /* kind and target: where a source is expected */
#define FDB_BOUNCE     0x00100000u /* struct dp_dest */
#define FDB_WATCH      0x00200000u
#define FDB_BICAST     0x00400000u /* there is an entry in the bi-cast table */
#define FDB_STATIC     0x01000000u

static inline uint16_t fdb_target(uint32_t where)
{
    return (uint16_t)where;
}

static inline unsigned fdb_kind(uint32_t where)
{
    return (where >> 16) & 0xf;
}

/* The kind, or a number that is no kind when there is a mark: so that the frame path, which branches by kind
 * anyway, does not have to ask for marks. */
static inline unsigned fdb_kind_unmarked(uint32_t where)
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

/* Of both MACs of a frame. first, last: bytes 0-7 and 4-11 of it, as loaded. */
static inline void fdb_keys(uint16_t net, uint64_t first, uint64_t last, uint64_t *dst, uint64_t *src)
{
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "as fdb_key() makes it");

    *dst = first << 16 >> 16 | (uint64_t)net << 48;
    *src = last >> 16 | (uint64_t)net << 48;
}

static inline struct mac fdb_key_mac(uint64_t key)
{
    struct mac mac;
    uint32_t hi = (uint32_t)key;
    uint16_t lo = (uint16_t)(key >> 32);

    memcpy(mac.b, &hi, 4);
    memcpy(mac.b + 4, &lo, 2);
    return mac;
}

static inline uint64_t fdb_hash(const struct fdb *f, uint64_t key)
{
    return table_hash(&f->t, key);
}

/* Starts the memory read of a look-up, and returns where it begins: for fdb_find_home(). */
static inline struct table_line *fdb_prefetch(const struct fdb *f, uint64_t hash)
{
    return table_prefetch(&f->t, hash);
}

/* Lock-free. The result stays valid until the caller's next quiescent state; NULL: not in the table. */
static inline struct fdb_value *fdb_find_hashed(const struct fdb *f, uint64_t key, uint64_t hash)
{
    return (struct fdb_value *)table_find_hashed(&f->t, key, hash);
}

/* The two steps of fdb_find_hashed(): where the look-up begins; then, if it is not there, elsewhere. */
static inline struct fdb_value *fdb_find_home(struct table_line *home, uint64_t key)
{
    return (struct fdb_value *)table_line_find(home, key);
}

static inline struct fdb_value *fdb_find_elsewhere(const struct fdb *f, const struct table_line *home,
                                                   uint64_t key, uint64_t hash)
{
    return (struct fdb_value *)table_find_elsewhere(&f->t, home, key, hash);
}

static inline struct fdb_value *fdb_find(const struct fdb *f, uint64_t key)
{
    return fdb_find_hashed(f, key, fdb_hash(f, key));
}

static inline uint32_t fdb_where(const struct fdb_value *v)
{
    return __atomic_load_n(&v->where, __ATOMIC_RELAXED);
}

/* How many entries were ever added: the same number twice, and what was not found is still not there. */
static inline uint32_t fdb_additions(const struct fdb *f)
{
    return __atomic_load_n(&f->t.additions, __ATOMIC_ACQUIRE);
}

/* How many entries were ever deleted: the same number twice, and what was not found is new or unwanted. */
static inline uint32_t fdb_deletions(const struct fdb *f)
{
    return __atomic_load_n(&f->t.deletions, __ATOMIC_RELAXED);
}

/* The line is written at most once a millisecond per MAC. */
static inline void fdb_touch(struct fdb_value *v, uint32_t now_ms)
{
    if (__atomic_load_n(&v->seen_ms, __ATOMIC_RELAXED) != now_ms)
        __atomic_store_n(&v->seen_ms, now_ms, __ATOMIC_RELAXED);
}

/* Takes the watch mark off the entry if it still says `where`; false: it does not. */
static inline bool fdb_unwatch(struct fdb_value *v, uint32_t where)
{
    return __atomic_compare_exchange_n(&v->where, &where, where & ~FDB_WATCH, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
}

static inline uint32_t fdb_ms(mono_t now)
{
    return (uint32_t)(now.ns / 1000000);
}

/* ---- the writer's side: control thread only ---- */

/* A table for at least max_macs (up to FDB_MAX_MACS). qsbr: as in table_init(). 0, -EINVAL or -ENOMEM. */
int fdb_init(struct fdb *f, uint32_t max_macs, struct rte_rcu_qsbr *qsbr);
void fdb_fini(struct fdb *f);

/* Adds or replaces; `seen` is now when the entry is new or its place changes. 0, or -ENOSPC. */
int fdb_set(struct fdb *f, uint64_t key, uint32_t where, mono_t now);
/* 0 or -ENOENT. */
int fdb_del(struct fdb *f, uint64_t key);
/* Sets or takes off a mark, whatever a worker does to the others meanwhile; nothing if there is no entry. */
void fdb_mark(struct fdb *f, uint64_t key, uint32_t mark, bool on);
/* When the source was last seen, to the millisecond: right for 49 days back. */
mono_t fdb_seen(const struct fdb_value *v, mono_t now);

#endif
