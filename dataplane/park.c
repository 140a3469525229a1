/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See park.h. Worker threads.
 *
 * Tricky: a frame outlives the snapshot it came under, so its network is looked up again by its id.
 */
#include "dataplane/park.h"

#include "dataplane/forward.h"

static bool has_place(const struct park *p, uint64_t src_key)
{
    unsigned n = 0;

    if (p->n == PARK_MAX)
        return false;
    for (unsigned i = 0; i < p->n; i++)
        n += p->frames[i].src_key == src_key;
    return n < PARK_PER_SOURCE;
}

bool park_frame(struct worker *w, const struct frame *f, bool copy)
{
    struct park *p = &w->park;
    struct rte_mbuf *m;

    if (!has_place(p, f->src_key))
        return false;
    m = copy ? rte_pktmbuf_copy(f->m, f->m->pool, 0, UINT32_MAX) : f->m;
    if (!m)
        return false;
    if (p->n == 0)
        p->look = true; /* what was added since the frame was looked up */
    p->frames[p->n++] = (struct parked){.m = m,
                                        .src_key = f->src_key,
                                        .dst_key = f->dst_key,
                                        .until = w->now + w->hz / 1000000 * PARK_US,
                                        .net = f->net->id,
                                        .place = f->place,
                                        .port = f->port,
                                        .copy = copy};
    return true;
}

/* Sends it if its destination is known now. */
static bool try_again(struct worker *w, const struct snapshot *s, const struct parked *p)
{
    struct frame f = {.m = p->m,
                      .src_key = p->src_key,
                      .dst_key = p->dst_key,
                      .dst_hash = fdb_hash(w->fdb, p->dst_key),
                      .src_hash = fdb_hash(w->fdb, p->src_key),
                      .from = DP_WHERE_PORT,
                      .place = p->place,
                      .port = p->port};
    uint32_t where = forward_look_up(w, &f, rte_pktmbuf_mtod(p->m, const uint8_t *));

    if (where == 0 || p->net >= s->n_nets || s->nets[p->net].id == 0)
        return false;
    f.net = &s->nets[p->net];
    if (p->place != DP_OWN_PORT && f.net->vlan_of_port[p->place] == SNAP_NOT_A_MEMBER)
        return false;
    if (p->copy && fdb_kind(where) != DP_WHERE_VTEP) { /* it has been there */
        rte_pktmbuf_free(p->m);
        return true;
    }
    w->counters.totals.replicas += p->copy;
    access_forward_known(w, s, &f, where);
    return true;
}

/* Its port was removed, and its buffer is about to go, too. */
static bool is_gone(const struct worker *w, const struct parked *p)
{
    return p->port < DP_OWN_PORT && !__atomic_load_n(&w->ports[p->port].pool, __ATOMIC_RELAXED);
}

static bool any_gone(const struct worker *w)
{
    for (unsigned i = 0; i < w->park.n; i++)
        if (is_gone(w, &w->park.frames[i]))
            return true;
    return false;
}

static void give_up(struct worker *w, const struct parked *p)
{
    if (p->copy)
        rte_pktmbuf_free(p->m);
    else
        worker_drop_received(w, p->port, p->m, DROP_unknown_unicast);
}

void park_serve(struct worker *w, const struct snapshot *s)
{
    struct park *p = &w->park;
    uint32_t additions = fdb_additions(w->fdb);
    bool look = p->look || additions != p->additions;
    unsigned kept = 0;

    if (!look && w->now < p->frames[0].until && !any_gone(w))
        return;
    p->look = false;
    p->additions = additions;
    for (unsigned i = 0; i < p->n; i++) {
        bool gone = is_gone(w, &p->frames[i]);

        if (!gone && look && try_again(w, s, &p->frames[i]))
            continue;
        if (gone || w->now >= p->frames[i].until)
            give_up(w, &p->frames[i]);
        else
            p->frames[kept++] = p->frames[i];
    }
    p->n = kept;
}

void park_fini(struct park *p)
{
    for (unsigned i = 0; i < p->n; i++)
        rte_pktmbuf_free(p->frames[i].m);
    p->n = 0;
}
