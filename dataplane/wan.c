/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One packet from the underlay, whatever it is: VXLAN for us is checked (R1.3, R1.4, R1.9), unpacked and
 * given to the access side, never back to the WAN (R1.11) but for the bounce (R6.5) and bi-cast; everything
 * else goes to the kernel by the TAP, where there is one. And the other way: what the kernel sends by the TAP
 * goes out as it is. The usual packets do not come here: burst.c. Worker threads.
 */
#include "dataplane/forward.h"
#include "dataplane/segments.h"

#define ETH_LEN 14u

static void to_kernel(struct worker *w, dp_port_id port, struct rte_mbuf *m)
{
    if (w->kernel_port >= 0)
        worker_transmit(w, (dp_port_id)w->kernel_port, m);
    else
        worker_drop_received(w, port, m, DROP_outer_not_ours);
}

/* R1.9: the VNI is ours and the sender is one of its VTEPs. Fills f; DROP_N when all is well. */
static enum drop_reason check_tunnel(const struct snapshot *s, const struct vxlan_packet *p, struct frame *f)
{
    f->net = snapshot_net_by_vni(s, p->vni);
    if (unlikely(!f->net))
        return DROP_vni_unknown;
    f->place = snapshot_vtep_by_addr(s, &p->source);
    if (unlikely(f->place == 0 || !snapshot_bit(f->net->known, f->place)))
        return DROP_vtep_unknown;
    f->from = DP_WHERE_VTEP;
    f->told = f->checked = false;
    return DROP_N;
}

/* Leaves the inner frame alone in m. */
static enum drop_reason unpack(struct rte_mbuf *m, const struct vxlan_packet *p, const struct snap_net *net)
{
    uint32_t tail = rte_pktmbuf_pkt_len(m) - p->inner_offset - p->inner_len;
    enum drop_reason reason;
    uint8_t *frame;

    if (unlikely(p->inner_len < ETH_LEN || rte_pktmbuf_data_len(m) < p->inner_offset + ETH_LEN))
        return DROP_inner_truncated;
    frame = (uint8_t *)rte_pktmbuf_adj(m, p->inner_offset);
    if (unlikely(tail > 0))
        segments_trim(m, p->inner_len);
    reason = forward_check_macs(frame, inner_load16(frame + 12));
    if (unlikely(reason != DROP_N))
        return reason;
    if (unlikely(forward_is_tag(inner_load16(frame + 12)) && !net->qinq))
        return DROP_inner_tagged; /* R1.6 */
    if (unlikely(!vxlan_ecn_restore(frame, rte_pktmbuf_data_len(m), p->tos)))
        return DROP_ecn_ce;
    return DROP_N;
}

bool wan_unpack(struct worker *w, const struct snapshot *s, dp_port_id port, struct rte_mbuf *m,
                struct frame *f)
{
    struct vxlan_packet p;
    int verdict = vxlan_parse(m, &s->local, &p);
    enum drop_reason reason;

    if (verdict == VXLAN_NOT_OURS) {
        to_kernel(w, port, m);
        return false;
    }
    if (unlikely(verdict != VXLAN_FOR_US)) {
        worker_drop_received(w, port, m, (enum drop_reason)verdict);
        return false;
    }
    reason = check_tunnel(s, &p, f);
    if (likely(reason == DROP_N))
        reason = unpack(m, &p, f->net);
    if (unlikely(reason == DROP_gateway_frame)) {
        worker_count(&w->counters.vteps[f->place].rx, p.inner_len);
        own_punt_oam(w, f, m);
        return false;
    }
    if (unlikely(reason != DROP_N)) {
        worker_drop_received(w, port, m, reason);
        return false;
    }
    f->m = m;
    f->port = port;
    f->ttl = p.ttl;
    worker_count(&w->counters.vteps[f->place].rx, p.inner_len);
    forward_prepare(w, f, rte_pktmbuf_mtod(m, const uint8_t *));
    return true;
}

/* A destination that is unknown, behind a VTEP, or marked. */
static __rte_noinline void forward_odd(struct worker *w, const struct snapshot *s, struct frame *f,
                                       uint32_t where)
{
    bool left = false;

    if ((where & FDB_BICAST) && bicast_from_wan(w, s, f, where))
        return;
    switch (fdb_kind(where)) {
    case DP_WHERE_PORT:
        left = forward_to_port(w, f, fdb_target(where), f->m, FORWARD_KNOWN);
        break;
    case DP_WHERE_VTEP:
        if (where & FDB_BOUNCE) {
            left = forward_on(w, s, f, fdb_target(where), f->m);
            w->counters.nets[f->net->id].bounced += left;
            w->counters.bounced[f->dst_hash % DP_BOUNCE_COUNTERS] += left;
        } else {
            worker_drop_received(w, f->port, f->m, DROP_split_horizon); /* R1.11 */
        }
        break;
    default:
        if (unlikely(forward_flood_targets(f, false) == 0))
            worker_drop_received(w, f->port, f->m, DROP_no_target);
        else
            forward_flood(w, s, f, false);
    }
    if (left && (where & FDB_WATCH))
        report_first(w, f, where);
}

void wan_forward(struct worker *w, const struct snapshot *s, struct frame *f)
{
    const uint8_t *frame = rte_pktmbuf_mtod(f->m, const uint8_t *);
    uint32_t where;

    /* R1.10: only from peers that speak no EVPN, and only when switched on for the peer. */
    if (unlikely(!forward_check_source(w, f, snapshot_bit(f->net->learning, f->place)))) {
        worker_drop_received(w, f->port, f->m, DROP_src_static);
        return;
    }
    where = forward_look_up(w, f, frame);
    worker_count(&w->counters.nets[f->net->id].wan_in[where == 0], rte_pktmbuf_pkt_len(f->m));
    if (likely(fdb_kind_unmarked(where) == DP_WHERE_PORT))
        forward_to_port(w, f, fdb_target(where), f->m, FORWARD_KNOWN);
    else
        forward_odd(w, s, f, where);
}

void kernel_receive(struct worker *w, const struct snapshot *s, struct rte_mbuf **m, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        worker_transmit(w, s->underlay, m[i]);
}
