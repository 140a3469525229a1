/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See bicast.h. Which function belongs to which thread is said there.
 */
#include "dataplane/bicast.h"

#include "dataplane/forward.h"

#include <errno.h>

_Static_assert(sizeof(struct bicast_value) == sizeof(uint64_t), "a value of the table");

/* ---- control thread ---- */

static struct bicast_value *find(const struct bicast *b, uint64_t key)
{
    return (struct bicast_value *)table_find(&b->t, key);
}

int bicast_init(struct bicast *b, struct rte_rcu_qsbr *qsbr)
{
    return table_init(&b->t, DP_MAX_BICASTS, qsbr);
}

void bicast_fini(struct bicast *b)
{
    table_fini(&b->t);
}

int bicast_set(struct bicast *b, struct fdb *fdb, uint64_t key, uint32_t also)
{
    struct bicast_value *v = find(b, key), add = {.also = also};
    uint64_t value;
    int rc = 0;

    if (v) {
        __atomic_store_n(&v->also, also, __ATOMIC_RELAXED);
    } else {
        memcpy(&value, &add, sizeof(value));
        rc = table_add(&b->t, key, value);
    }
    if (rc == 0)
        fdb_mark(fdb, key, FDB_BICAST, true);
    return rc;
}

int bicast_del(struct bicast *b, struct fdb *fdb, uint64_t key)
{
    fdb_mark(fdb, key, FDB_BICAST, false);
    return table_del(&b->t, key);
}

uint32_t bicast_mark(const struct bicast *b, uint64_t key)
{
    return b->t.used > 0 && find(b, key) ? FDB_BICAST : 0;
}

uint32_t bicast_also(const struct bicast *b, uint64_t key)
{
    const struct bicast_value *v = find(b, key);

    return v ? __atomic_load_n(&v->also, __ATOMIC_RELAXED) : 0;
}

bool bicast_count(const struct bicast *b, uint64_t key, uint64_t *frames)
{
    const struct bicast_value *v = find(b, key);

    if (v)
        *frames = __atomic_load_n(&v->frames, __ATOMIC_RELAXED);
    return v != NULL;
}

/* ---- worker ---- */

static void count(struct worker *w, const struct frame *f, struct bicast_value *v)
{
    w->counters.nets[f->net->id].bicast++;
    if (__atomic_load_n(&v->frames, __ATOMIC_RELAXED) < UINT32_MAX - DP_MAX_WORKERS)
        __atomic_fetch_add(&v->frames, 1, __ATOMIC_RELAXED);
}

static bool to_vtep(struct worker *w, const struct snapshot *s, const struct frame *f, dp_vtep_id vtep,
                    struct rte_mbuf *m)
{
    struct inner_info info;

    if (!m)
        return false;
    info = inner_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m));
    return forward_to_vtep(w, s, f->net, vtep, m, &info, FORWARD_KNOWN);
}

bool bicast_from_access(struct worker *w, const struct snapshot *s, const struct frame *f, uint32_t where)
{
    struct bicast_value *v = find(w->bicast, f->dst_key);
    uint32_t also = v ? __atomic_load_n(&v->also, __ATOMIC_RELAXED) : 0;
    unsigned kind = fdb_kind(where);

    if (fdb_kind(also) == DP_WHERE_VTEP && (where & FDB_PLACE_MASK) != also && kind != DP_WHERE_FLOOD) {
        /* It was on the port that the frame came from: a switch that does not know where it went asks us. */
        bool same = kind == DP_WHERE_PORT && fdb_target(where) == f->place;

        if (to_vtep(w, s, f, fdb_target(also), same ? f->m : forward_copy(w, f->m)))
            count(w, f, v);
        return same;
    }
    if (fdb_kind(also) == DP_WHERE_FLOOD && kind == DP_WHERE_VTEP && forward_flood_targets(f, false) > 0) {
        struct frame copy = *f;

        copy.m = forward_copy(w, f->m);
        if (copy.m) {
            forward_flood(w, s, &copy, false);
            count(w, f, v);
        }
    }
    return false;
}

bool bicast_from_wan(struct worker *w, const struct snapshot *s, const struct frame *f, uint32_t where)
{
    struct bicast_value *v = find(w->bicast, f->dst_key);
    uint32_t also = v ? __atomic_load_n(&v->also, __ATOMIC_RELAXED) : 0;
    struct rte_mbuf *m;

    if (fdb_kind(also) == DP_WHERE_VTEP && fdb_kind(where) == DP_WHERE_PORT) {
        /* What may not go on is not copied: the frame itself arrives. */
        if (fdb_target(also) == f->place || !forward_may_go_on(s, f))
            return false;
        m = forward_copy(w, f->m);
        if (m && forward_on(w, s, f, fdb_target(also), m))
            count(w, f, v);
        return false;
    }
    if (fdb_kind(also) == DP_WHERE_FLOOD && fdb_kind(where) == DP_WHERE_VTEP &&
        fdb_target(where) == f->place && forward_flood_targets(f, false) > 0) {
        forward_flood(w, s, f, false);
        count(w, f, v);
        return true;
    }
    return false;
}
