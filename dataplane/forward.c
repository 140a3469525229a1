/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See forward.h. Worker threads.
 */
#include "dataplane/forward.h"

#include "dataplane/vlan.h"

bool forward_check_source(struct worker *w, struct frame *f, bool learn)
{
    struct fdb_value *v;

    if (f->checked)
        return true;
    v = fdb_find_hashed(w->fdb, f->src_key, f->src_hash);
    if (unlikely(!v || (fdb_where(v) & FDB_PLACE_MASK) != FDB_WHERE(f->from, f->place, 0)))
        return forward_source_elsewhere(w, f, v, learn);
    fdb_touch(v, w->now_ms);
    return true;
}

/* Gives a frame the tag that it leaves with. False: no headroom. */
static bool tag(const struct worker_port *p, struct rte_mbuf *m, uint16_t vlan)
{
    if (vlan == 0)
        return true;
    if (!p->inserts)
        return vlan_insert(m, vlan_tag(vlan));
    vlan_leave_to_nic(m, vlan);
    return true;
}

bool forward_to_port(struct worker *w, const struct frame *f, dp_port_id port, struct rte_mbuf *m,
                     enum forward_flood flood)
{
    const struct snap_net *net = f->net;
    uint32_t len = rte_pktmbuf_pkt_len(m);
    uint16_t vlan = net->vlan_of_port[port];
    enum drop_reason reason;

    if (unlikely(vlan == SNAP_NOT_A_MEMBER)) { /* DP_OWN_PORT is in no list of members */
        if (port == DP_OWN_PORT)
            own_punt(w, f, m);
        else
            worker_drop(w, m, DROP_no_target);
        return port == DP_OWN_PORT;
    }
    reason = forward_port_verdict(w, net, port, len, rte_pktmbuf_mtod(m, const uint8_t *));
    if (unlikely(reason != DROP_N)) {
        worker_drop(w, m, reason);
        return false;
    }
    if (unlikely(!tag(&w->ports[port], m, vlan))) {
        worker_drop(w, m, DROP_no_buffer);
        return false;
    }
    worker_count(&w->counters.nets[net->id].access_out[flood], len);
    worker_transmit(w, port, m);
    return true;
}

/* Puts the outer header in front and counts, or drops. */
static inline bool encapsulate(struct worker *w, const struct snapshot *s, const struct snap_net *net,
                               dp_vtep_id vtep, struct rte_mbuf *m, const struct inner_info *info,
                               enum forward_flood flood)
{
    const struct snap_vtep *v = &s->vteps[vtep];
    uint32_t len = rte_pktmbuf_pkt_len(m);
    enum drop_reason reason = forward_vtep_verdict(s, vtep, len);

    if (unlikely(reason != DROP_N)) {
        worker_drop(w, m, reason);
        return false;
    }
    if (unlikely(vxlan_encapsulate(m, &v->header, net->vni, net->dscp, info) < 0)) {
        worker_drop(w, m, DROP_no_buffer);
        return false;
    }
    worker_count(&w->counters.nets[net->id].wan_out[flood], len);
    worker_count(&w->counters.vteps[vtep].tx, len);
    return true;
}

bool forward_to_vtep(struct worker *w, const struct snapshot *s, const struct snap_net *net, dp_vtep_id vtep,
                     struct rte_mbuf *m, const struct inner_info *info, enum forward_flood flood)
{
    if (unlikely(!encapsulate(w, s, net, vtep, m, info, flood)))
        return false;
    worker_transmit(w, s->underlay, m);
    return true;
}

bool forward_on(struct worker *w, const struct snapshot *s, const struct frame *f, dp_vtep_id vtep,
                struct rte_mbuf *m)
{
    struct inner_info info;

    if (vtep == f->place) { /* never back to where it came from */
        worker_drop_received(w, f->port, m, DROP_split_horizon);
        return false;
    }
    if (!forward_may_go_on(s, f)) {
        worker_drop_received(w, f->port, m, DROP_bounce_ttl);
        return false;
    }
    info = inner_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m));
    if (!encapsulate(w, s, f->net, vtep, m, &info, FORWARD_KNOWN))
        return false;
    vxlan_lower_ttl(m, s->bounced_ttl); /* less than f->ttl */
    worker_transmit(w, s->underlay, m);
    return true;
}

struct rte_mbuf *forward_copy(struct worker *w, struct rte_mbuf *m)
{
    struct rte_mbuf *copy = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);

    w->counters.totals.replicas++;
    if (unlikely(!copy))
        w->counters.totals.drops[DROP_no_buffer]++;
    return copy;
}

unsigned forward_flood_targets(const struct frame *f, bool to_wan)
{
    bool from_member = f->from == DP_WHERE_PORT && f->net->vlan_of_port[f->place] != SNAP_NOT_A_MEMBER;

    return f->net->n_members - (unsigned)from_member + (to_wan ? f->net->n_flood : 0u);
}

void forward_flood(struct worker *w, const struct snapshot *s, const struct frame *f, bool to_wan)
{
    const struct snap_net *net = f->net;
    unsigned left = forward_flood_targets(f, to_wan);
    struct inner_info info = {0};
    struct rte_mbuf *m;

    if (to_wan && net->n_flood > 0)
        info = inner_parse(rte_pktmbuf_mtod(f->m, const uint8_t *), rte_pktmbuf_data_len(f->m));
    for (unsigned i = 0; i < net->n_members; i++) {
        if (f->from == DP_WHERE_PORT && net->members[i].port == f->place)
            continue;
        m = --left == 0 ? f->m : forward_copy(w, f->m); /* headers go in front of each */
        if (likely(m))
            forward_to_port(w, f, net->members[i].port, m, FORWARD_FLOODED);
    }
    for (unsigned i = 0; to_wan && i < net->n_flood; i++) {
        m = --left == 0 ? f->m : forward_copy(w, f->m); /* headers go in front of each */
        if (likely(m))
            forward_to_vtep(w, s, net, net->flood[i], m, &info, FORWARD_FLOODED);
    }
}
