/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One frame from an access port, whatever it is: learning, filters, and on to a port, a VTEP or the flood
 * list. The usual ones do not come here: burst.c. Worker threads.
 */
#include "dataplane/forward.h"
#include "dataplane/proxy.h"
#include "dataplane/segments.h"

static bool storm_ok(struct worker *w, const struct frame *f, enum snap_class class)
{
    struct storm *storm = &w->storms[f->port * (w->max_net + 1) + f->net->id][class];

    return storm_pass(storm, f->net->limit[class], w->now, w->hz);
}

/* R8.3: one limit each for broadcast, multicast and unknown unicast. */
static void flood_limited(struct worker *w, const struct snapshot *s, struct frame *f, enum snap_class class,
                          bool to_wan)
{
    static const enum drop_reason over[SNAP_CLASSES] = {
        [SNAP_BROADCAST] = DROP_limit_broadcast,
        [SNAP_MULTICAST] = DROP_limit_multicast,
        [SNAP_UNKNOWN_UNICAST] = DROP_limit_unknown_unicast,
    };

    if (unlikely(forward_flood_targets(f, to_wan) == 0))
        worker_drop_received(w, f->port, f->m,
                             class == SNAP_UNKNOWN_UNICAST ? DROP_unknown_unicast : DROP_no_target);
    else if (unlikely(!storm_ok(w, f, class)))
        worker_drop_received(w, f->port, f->m, over[class]);
    else
        forward_flood(w, s, f, to_wan);
}

static bool is_broadcast(const uint8_t *frame)
{
    return inner_load32(frame) == UINT32_MAX && inner_load16(frame + 4) == UINT16_MAX;
}

static __rte_always_inline bool to_vtep(struct worker *w, const struct snapshot *s, const struct frame *f,
                                        uint32_t where)
{
    struct inner_info info = inner_parse(rte_pktmbuf_mtod(f->m, const uint8_t *), rte_pktmbuf_data_len(f->m));

    return forward_to_vtep(w, s, f->net, fdb_target(where), f->m, &info, FORWARD_KNOWN);
}

static __rte_always_inline bool to_port(struct worker *w, const struct frame *f, uint32_t where)
{
    /* What the gateway sends to itself comes back to it: a rehearsal begins like that. */
    if (likely(fdb_target(where) != f->place) || f->place == DP_OWN_PORT)
        return forward_to_port(w, f, fdb_target(where), f->m, FORWARD_KNOWN);
    worker_drop_received(w, f->port, f->m, DROP_same_port);
    return false;
}

__rte_noinline void access_forward_known(struct worker *w, const struct snapshot *s, struct frame *f,
                                         uint32_t where)
{
    bool left = false;

    if ((where & FDB_BICAST) && bicast_from_access(w, s, f, where))
        return;
    switch (fdb_kind(where)) {
    case DP_WHERE_VTEP:
        left = to_vtep(w, s, f, where);
        break;
    case DP_WHERE_PORT:
        left = to_port(w, f, where);
        break;
    default: /* R8.2: an exception, flooded to the WAN as well */
        flood_limited(w, s, f, SNAP_UNKNOWN_UNICAST, true);
    }
    if (left && (where & FDB_WATCH))
        report_first(w, f, where);
}

/* True: it was a question, and the proxy has answered it. */
static __rte_noinline bool look(struct worker *w, struct frame *f)
{
    struct snoop sn;

    segments_snoop(f->m, &sn);
    if (sn.ip.family != 0)
        report_neighbour(w, f, &sn);
    return sn.target.family != 0 && f->net->proxy && proxy_answer(w, f, &sn);
}

/* R8.2 */
static __rte_noinline void unknown_unicast(struct worker *w, const struct snapshot *s, struct frame *f,
                                           const uint8_t *frame)
{
    bool others = f->net->flood_unknown || forward_flood_targets(f, false) > 0;

    if (!others && park_frame(w, f, false))
        return;
    /* Of what goes to the other ports here, only answers to first questions are worth a copy. */
    if (others && !f->net->flood_unknown && snoop_maybe(frame, rte_pktmbuf_data_len(f->m)))
        (void)park_frame(w, f, true);
    flood_limited(w, s, f, SNAP_UNKNOWN_UNICAST, f->net->flood_unknown);
}

static __rte_always_inline void by_destination(struct worker *w, const struct snapshot *s, struct frame *f,
                                               const uint8_t *frame)
{
    uint32_t where = forward_look_up(w, f, frame);

    worker_count(&w->counters.nets[f->net->id].access_in[where == 0], rte_pktmbuf_pkt_len(f->m));
    if (unlikely(where == 0)) {
        if (is_broadcast(frame))
            flood_limited(w, s, f, SNAP_BROADCAST, true);
        else if (frame[0] & 1)
            flood_limited(w, s, f, SNAP_MULTICAST, true);
        else
            unknown_unicast(w, s, f, frame);
        return;
    }
    switch (fdb_kind_unmarked(where)) {
    case DP_WHERE_VTEP:
        to_vtep(w, s, f, where);
        break;
    case DP_WHERE_PORT:
        to_port(w, f, where);
        break;
    default:
        access_forward_known(w, s, f, where); /* a mark, or flooded */
    }
}

void access_forward(struct worker *w, const struct snapshot *s, struct frame *f)
{
    const uint8_t *frame = rte_pktmbuf_mtod(f->m, const uint8_t *);

    if (unlikely(!forward_check_source(w, f, true))) {
        worker_drop_received(w, f->port, f->m, DROP_src_static);
        return;
    }
    /* after the source: the MAC table knows it then */
    if (unlikely(snoop_maybe(frame, rte_pktmbuf_data_len(f->m))) && look(w, f))
        return;
    by_destination(w, s, f, frame);
}

void access_forward_own(struct worker *w, const struct snapshot *s, struct frame *f)
{
    const uint8_t *frame = rte_pktmbuf_mtod(f->m, const uint8_t *);
    enum drop_reason reason = forward_check_macs(frame, inner_load16(frame + 12));

    if (reason == DROP_N && forward_is_tag(inner_load16(frame + 12)) && !f->net->qinq)
        reason = DROP_inner_tagged; /* R1.6 */
    forward_prepare(w, f, frame);
    if (reason == DROP_N && !forward_check_source(w, f, false))
        reason = DROP_src_static;
    if (reason != DROP_N)
        worker_drop(w, f->m, reason);
    else
        by_destination(w, s, f, frame);
}
