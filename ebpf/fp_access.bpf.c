/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * The fast path of an access port: known unicast goes on to its port or VTEP from here; everything else goes
 * to the worker, as it came. The same verdicts as dataplane/access.c.
 *
 * The names xsk_def_prog, xsks_map and xsk_prog_version, and xdp.frags: see xdp_port.bpf.c.
 */
#include "ebpf/fp_send.bpf.h"

/* Finds the network and the EtherType; *at: where that is. DROP_N, or why the frame is dropped. */
static __always_inline enum drop_reason classify(struct fp_way *w, void *data, void *end, __u32 *at)
{
    __u32 vlan = 0;

    *at = 12;
    w->type = FP_LOAD16(data + 12);
    if (w->type == FP_TYPE_TAG) {
        if (data + FP_ETH_LEN + FP_TAG_LEN > end)
            return DROP_truncated;
        /* VLAN 0 is a priority tag (802.1Q): the frame belongs where untagged ones do. */
        vlan = FP_BOUNDED(bpf_ntohs(FP_LOAD16(data + 14)), FP_VLANS);
        w->type = FP_LOAD16(data + 16);
        *at = 12 + FP_TAG_LEN;
    }
    w->net_id = FP_BOUNDED(w->t->vlans[config.port & 15][vlan], FP_NETS);
    if (w->net_id == 0)
        return DROP_vlan_unknown;
    w->net = &w->t->nets[w->net_id];
    w->len = w->received + 12 - *at;
    return DROP_N;
}

static __always_inline int by_destination(struct fp_way *w, const struct fp_macs_of *macs,
                                          const struct fp_search *dst, const struct fp_inner *in, __u32 at)
{
    struct fp_place to = fp_find(dst);
    __u32 target = FP_TARGET(to.where);

    if (!to.entry)
        return fp_punt(w, FP_PUNT_unknown);
    if ((to.where & FP_SLOW) && fp_worker_is_there(w))
        return fp_punt(w, FP_PUNT_marked);
    if (FP_KIND(to.where) == FP_WHERE_VTEP)
        return fp_to_vtep(w, in, macs, target, at, -1, NULL);
    if (FP_KIND(to.where) != FP_WHERE_PORT || target >= FP_PORTS - 1)
        return fp_punt(w, FP_PUNT_marked);
    if (target == config.port) {
        fp_came_in(w);
        return fp_drop_received(w, DROP_same_port);
    }
    return fp_to_port(w, macs, FP_BOUNDED(target, FP_PORT_SLOTS), at, -1);
}

static __always_inline int forward(struct fp_way *w)
{
    void *data = (void *)(long)w->ctx->data, *end = (void *)(long)w->ctx->data_end;
    struct fp_search src, dst;
    struct fp_place source;
    enum drop_reason reason;
    struct fp_macs_of macs;
    struct fp_inner in;
    __u32 at;

    if (data + FP_ETH_LEN > end)
        return fp_drop_received(w, DROP_truncated);
    reason = classify(w, data, end, &at);
    if (reason != DROP_N)
        return fp_drop_received(w, reason);
    macs = fp_load_macs(data);
    reason = fp_check_macs(&macs, w->type);
    if (reason == DROP_N && fp_is_tag(w->type) && !(w->net->flags & FP_NET_QINQ))
        reason = DROP_inner_tagged; /* R1.6 */
    if (reason != DROP_N)
        return fp_drop_received(w, reason);
    if (macs.dst & 1)
        return fp_punt(w, FP_PUNT_group);
    src = fp_search(w, macs.src);
    dst = fp_search(w, macs.dst);
    fp_parse(data, w->type, data + at + 2, end, &in);
    if (in.neighbour && fp_worker_is_there(w))
        return fp_punt(w, FP_PUNT_neighbour);
    if (in.syn && fp_worker_is_there(w))
        return fp_punt(w, FP_PUNT_syn);

    source = fp_find(&src);
    if (!source.entry)
        return fp_punt(w, FP_PUNT_source);
    if ((source.where & FP_PLACE_MASK) == FP_WHERE(FP_WHERE_PORT, config.port))
        fp_touch(source.entry);
    else if (source.where & FP_STATIC)
        return fp_drop_received(w, DROP_src_static);
    else
        return fp_punt(w, FP_PUNT_source);
    return by_destination(w, &macs, &dst, &in, at);
}

static __always_inline int on_frame(struct xdp_md *ctx)
{
    struct fp_way w = {.ctx = ctx, .port = fp_port_counters(config.port)};

    if (!w.port)
        return XDP_PASS;
    if (!config.fast)
        return fp_to_worker(&w, FP_PUNT_off);
    w.received = (__u32)bpf_xdp_get_buff_len(ctx);
    fp_active(&w);
    if (!w.t)
        return fp_punt(&w, FP_PUNT_no_topology);
    return forward(&w);
}

SEC("xdp.frags")
int xsk_def_prog(struct xdp_md *ctx)
{
    return on_frame(ctx);
}
