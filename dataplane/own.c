/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See own.h. Which function belongs to which thread is said there.
 */
#include "dataplane/own.h"

#include "dataplane/forward.h"
#include "dataplane/segments.h"

#include <errno.h>
#include <stdio.h>

#include <rte_ring_elem.h>

#define ETH_LEN   14u
#define FRAME_MIN 60u /* without FCS */

int own_init(struct own *o, const void *id)
{
    char name[RTE_RING_NAMESIZE];

    snprintf(name, sizeof(name), "cw_od_%p", id);
    o->down = rte_ring_create_elem(name, sizeof(struct own_order), OWN_DOWN_RING, SOCKET_ID_ANY,
                                   RING_F_SP_ENQ | RING_F_SC_DEQ);
    snprintf(name, sizeof(name), "cw_ou_%p", id);
    o->up = rte_ring_create_elem(name, sizeof(struct dp_own_frame), OWN_UP_RING, SOCKET_ID_ANY,
                                 RING_F_SP_ENQ | RING_F_SC_DEQ);
    snprintf(name, sizeof(name), "cw_oo_%p", id);
    o->oam = rte_ring_create_elem(name, sizeof(struct dp_own_frame), OWN_OAM_RING, SOCKET_ID_ANY,
                                  RING_F_SP_ENQ | RING_F_SC_DEQ);
    return o->down && o->up && o->oam ? 0 : -ENOMEM;
}

void own_fini(struct own *o)
{
    struct own_order order;

    while (o->down && rte_ring_sc_dequeue_elem(o->down, &order, sizeof(order)) == 0)
        rte_pktmbuf_free(order.m);
    rte_ring_free(o->down);
    rte_ring_free(o->up);
    rte_ring_free(o->oam);
    *o = (struct own){0};
}

/* ---- control thread ---- */

int own_send(struct own *o, struct rte_mempool *pool, uint16_t longest, struct own_order order,
             const void *frame, size_t len)
{
    static const uint8_t padding[FRAME_MIN];

    if (len < ETH_LEN || len > longest)
        return -EINVAL;
    order.m = rte_pktmbuf_alloc(pool);
    if (!order.m)
        return -ENOBUFS;
    if (!segments_append(order.m, frame, (uint32_t)len) ||
        !segments_append(order.m, padding, len < FRAME_MIN ? FRAME_MIN - (uint32_t)len : 0) ||
        rte_ring_sp_enqueue_elem(o->down, &order, sizeof(order)) != 0) {
        rte_pktmbuf_free(order.m);
        return -ENOBUFS;
    }
    return 0;
}

bool own_pop(struct own *o, struct dp_own_frame *out)
{
    return own_pop_oam(o, out) || rte_ring_sc_dequeue_elem(o->up, out, sizeof(*out)) == 0;
}

bool own_pop_oam(struct own *o, struct dp_own_frame *out)
{
    return rte_ring_sc_dequeue_elem(o->oam, out, sizeof(*out)) == 0;
}

/* ---- worker ---- */

/* The access port that the frame's own source is behind, as the worker sees it; DP_NO_PORT: none. The order
 * is a moment old: what was to make switches relearn a MAC must not leave by the port where that MAC has just
 * come. */
static dp_port_id port_of_source(const struct worker *w, const struct frame *f)
{
    uint64_t key = fdb_key(f->net->id, rte_pktmbuf_mtod(f->m, const uint8_t *) + 6);
    uint64_t hash = fdb_hash(w->fdb, key);
    const struct fdb_value *v = fdb_find_hashed(w->fdb, key, hash);
    uint32_t where = v ? fdb_where(v) : 0, newer = report_undecided(w, key, hash, where);

    if (newer != 0)
        where = newer;
    return fdb_kind(where) == DP_WHERE_PORT && fdb_target(where) < DP_OWN_PORT ? fdb_target(where)
                                                                               : DP_NO_PORT;
}

static void to_one_port(struct worker *w, struct frame *f, dp_port_id port)
{
    if (port == port_of_source(w, f))
        worker_drop(w, f->m, DROP_source_here);
    else
        forward_to_port(w, f, port, f->m, FORWARD_KNOWN);
}

/* except is where the control thread had the source; if it is behind another port by now, that one is left
 * out, and the next announcement will leave out the right one. */
static void to_all_ports(struct worker *w, const struct snapshot *s, struct frame *f, dp_port_id except)
{
    dp_port_id here = port_of_source(w, f);

    if (here != DP_NO_PORT)
        except = here;
    if (except < DP_OWN_PORT)
        f->place = except;
    if (forward_flood_targets(f, false) == 0)
        worker_drop(w, f->m, here != DP_NO_PORT ? DROP_source_here : DROP_no_target);
    else
        forward_flood(w, s, f, false);
}

static void serve(struct worker *w, const struct snapshot *s, const struct own_order *order)
{
    struct frame f = {.m = order->m, .from = DP_WHERE_PORT, .place = DP_OWN_PORT, .port = DP_OWN_PORT};
    struct inner_info info;

    w->counters.totals.originated++;
    if (order->m->nb_segs > 1)
        segments_expect(w);
    /* The topology may be another one than when the order was given. */
    if (order->net >= s->n_nets || s->nets[order->net].id == 0) {
        worker_drop(w, order->m, DROP_no_target);
        return;
    }
    f.net = &s->nets[order->net];
    switch (order->kind) {
    case OWN_TO_PORT:
        if (order->target == DP_ALL_PORTS)
            to_all_ports(w, s, &f, order->except);
        else
            to_one_port(w, &f, order->target);
        break;
    case OWN_TO_VTEP:
        info = inner_parse(rte_pktmbuf_mtod(f.m, const uint8_t *), rte_pktmbuf_data_len(f.m));
        forward_to_vtep(w, s, f.net, order->target, f.m, &info, FORWARD_KNOWN);
        break;
    default:
        access_forward_own(w, s, &f);
    }
}

unsigned own_serve(struct worker *w, const struct snapshot *s)
{
    struct own_order orders[WORKER_BURST];
    unsigned n = rte_ring_sc_dequeue_burst_elem(w->own.down, orders, sizeof(orders[0]), WORKER_BURST, NULL);

    for (unsigned i = 0; i < n; i++)
        serve(w, s, &orders[i]);
    return n;
}

static void hand_up(struct worker *w, const struct frame *f, struct rte_mbuf *m, struct rte_ring *ring,
                    enum drop_reason full)
{
    struct dp_own_frame up = {.net = f->net->id,
                              .from = (enum dp_where)f->from,
                              .source = f->place,
                              .at = mono_now(),
                              .len = (uint16_t)rte_pktmbuf_pkt_len(m)};

    memcpy(up.data, rte_pktmbuf_mtod(m, const void *), RTE_MIN(rte_pktmbuf_data_len(m), DP_OWN_SNAP));
    if (rte_ring_sp_enqueue_elem(ring, &up, sizeof(up)) != 0) {
        worker_drop(w, m, full);
        return;
    }
    w->report.queued = true;
    w->counters.totals.taken++;
    rte_pktmbuf_free(m);
}

void own_punt(struct worker *w, const struct frame *f, struct rte_mbuf *m)
{
    if (storm_pass(&w->own_limits[f->port], OWN_LIMIT, w->now, w->hz))
        hand_up(w, f, m, w->own.up, DROP_own_full);
    else
        worker_drop(w, m, DROP_own_limit);
}

void own_punt_oam(struct worker *w, const struct frame *f, struct rte_mbuf *m)
{
    hand_up(w, f, m, w->own.oam, DROP_oam_full);
}
