/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * The fast path of the underlay: VXLAN for us that is plain and for a known MAC is unpacked and sent on to
 * its access port, or bounced (R6.5), from here; what is ours but not plain goes to the worker, as it came,
 * and is named there; what is not ours is the kernel's. The same verdicts as dataplane/wan.c.
 *
 * The names xsk_def_prog, xsks_map and xsk_prog_version, and xdp.frags: see xdp_port.bpf.c.
 */
#include "ebpf/fp_send.bpf.h"
#include "ebpf/xdp_ours.bpf.h"

#define VXLAN_FLAG_I 0x08

struct outer {
    __u32 source[4];
    __u32 vni;
    __u32 len; /* up to the inner frame */
    __u8 tos, ttl;
    __u8 checksum; /* there is an UDP checksum, or there should be one */
};

/* Lengths that fit exactly, and the I flag (R1.4). udp: 16 readable bytes. */
static __always_inline int plain_udp(const void *udp, __u32 udp_len, struct outer *o)
{
    const __u8 *vxlan = udp + 8;

    if (FP_LOAD16(udp + 2) != config.vxlan_port || bpf_ntohs(FP_LOAD16(udp + 4)) != udp_len ||
        !(vxlan[0] & VXLAN_FLAG_I))
        return 0;
    o->vni = bpf_ntohl(FP_LOAD32(vxlan + 4)) >> 8;
    return 1;
}

/* True: VXLAN for us that the fast path understands. False: somebody else's business. */
static __always_inline int plain_ipv4(const void *data, const void *end, __u32 received, struct outer *o)
{
    const __u8 *ip = data + FP_ETH_LEN;
    __u64 sum = 0;

    if (data + FP_OUTER_IPV4 + FP_ETH_LEN > end || FP_LOAD16(data + 12) != FP_TYPE_IPV4)
        return 0;
    if (ip[0] != 0x45 || ip[9] != IPPROTO_UDP || FP_LOAD32(ip + 16) != config.vtep[0] ||
        (FP_LOAD16(ip + 6) & bpf_htons(0x3fff)) || bpf_ntohs(FP_LOAD16(ip + 2)) != received - FP_ETH_LEN)
        return 0;
    for (int i = 0; i < 20; i += 4)
        sum += FP_LOAD32(ip + i);
    if (fp_fold(sum) != 0xffff ||
        FP_LOAD16(ip + 26) != 0) /* R1.3: a checksum that is there is the worker's */
        return 0;
    o->source[0] = FP_LOAD32(ip + 12);
    o->source[1] = o->source[2] = o->source[3] = 0;
    o->tos = ip[1];
    o->ttl = ip[8];
    o->len = FP_OUTER_IPV4;
    o->checksum = 0;
    return plain_udp(ip + 20, received - 34, o);
}

static __always_inline int plain_ipv6(const void *data, const void *end, __u32 received, struct outer *o)
{
    const __u8 *ip = data + FP_ETH_LEN;

    if (data + FP_OUTER_IPV6 + FP_ETH_LEN > end || FP_LOAD16(data + 12) != FP_TYPE_IPV6)
        return 0;
    if (ip[0] >> 4 != 6 || ip[6] != IPPROTO_UDP || bpf_ntohs(FP_LOAD16(ip + 4)) != received - 54)
        return 0;
    for (int i = 0; i < 4; i++) {
        if (FP_LOAD32(ip + 24 + 4 * i) != config.vtep[i])
            return 0;
        o->source[i] = FP_LOAD32(ip + 8 + 4 * i);
    }
    o->tos = (__u8)(ip[0] << 4 | ip[1] >> 4);
    o->ttl = ip[7];
    o->len = FP_OUTER_IPV6;
    o->checksum = FP_LOAD16(ip + 46) != 0;
    return plain_udp(ip + 40, received - 54, o);
}

/* The network of a VNI, or 0 (R1.9). */
static __always_inline __u32 net_by_vni(const struct fp_topology *t, __u32 vni)
{
    for (__u32 i = 0; i < FP_PROBES; i++) {
        __u32 id = FP_BOUNDED(t->vni_table[fp_vni_slot(t->vni_seed, vni, i)], FP_NETS);

        if (id == 0 || t->nets[id].vni == vni)
            return id;
    }
    return 0;
}

/* The VTEP of an outer source address, or 0 (R1.9). */
static __always_inline __u32 vtep_by_addr(const struct fp_topology *t, const __u32 *words)
{
    for (__u32 i = 0; i < FP_PROBES; i++) {
        __u32 id = FP_BOUNDED(t->addr_table[fp_addr_slot(t->addr_seed, words, i)], FP_VTEPS);
        const __u32 *a = (const __u32 *)t->vteps[id].address;

        if (id == 0 || (a[0] == words[0] && a[1] == words[1] && a[2] == words[2] && a[3] == words[3]))
            return id;
    }
    return 0;
}

static __always_inline int bit(const __u64 *words, __u32 n)
{
    return words[n / 64 & (FP_VTEP_WORDS - 1)] >> (n % 64) & 1;
}

/* R1.3, over IPv6: 1 it is right, 0 it is wrong, -1 cannot be said here. */
static __always_inline int checksum_ok(struct fp_way *w, const struct outer *o)
{
    void *data = (void *)(long)w->ctx->data, *end = (void *)(long)w->ctx->data_end;
    __u32 udp_len = w->received - 54;
    __u64 pseudo;
    int sum;

    if (!o->checksum)
        return w->t->zero_csum_rx != 0;
    if (udp_len > FP_SUM_MAX || data + 54 > end)
        return -1;
    pseudo = fp_sum_pseudo(data + 14, udp_len);
    sum = fp_sum(w->ctx, 54, udp_len);
    return sum < 0 ? -1 : fp_fold(pseudo + (__u32)sum) == 0xffff;
}

/* The inner frame's MACs, and the look-ups of both. */
struct inner_macs {
    struct fp_macs_of macs;
    struct fp_search src, dst;
};

/* R1.9: the VNI is ours and the sender is one of its VTEPs. DROP_N when all is well. The look-ups begin as
 * soon as the network is known: they take longest. */
static __always_inline enum drop_reason check_tunnel(struct fp_way *w, const struct outer *o,
                                                     struct inner_macs *m)
{
    void *inner = (void *)(long)w->ctx->data + o->len, *end = (void *)(long)w->ctx->data_end;

    w->net_id = net_by_vni(w->t, o->vni);
    if (!w->net_id)
        return DROP_vni_unknown;
    w->net = &w->t->nets[w->net_id];
    if (inner + FP_ETH_LEN <= end) {
        m->macs = fp_load_macs(inner);
        m->src = fp_search(w, m->macs.src);
        m->dst = fp_search(w, m->macs.dst);
    }
    w->vtep = vtep_by_addr(w->t, o->source);
    if (!w->vtep || !bit(w->net->known, w->vtep))
        return DROP_vtep_unknown;
    return DROP_N;
}

/* The outer header says what counts as received from a VTEP, whatever becomes of it. */
static __always_inline int drop_from_vtep(struct fp_way *w, enum drop_reason reason)
{
    __u32 vtep = w->vtep;
    struct fp_vtep_counters *v = bpf_map_lookup_elem(&fp_vtep_count, &vtep);

    if (v)
        fp_count(&v->rx, w->len);
    return fp_drop_received(w, reason);
}

/* R6.5: on to the VTEP where the MAC is now. */
static __always_inline int bounce(struct fp_way *w, const struct fp_macs_of *macs, const struct fp_inner *in,
                                  const struct fp_place *to, const struct outer *o, int ecn)
{
    __u32 target = FP_TARGET(to->where);

    if (target == w->vtep || !(to->where & FP_BOUNCE)) { /* R1.11; never back to where it came from */
        fp_came_in(w);
        return fp_drop_received(w, DROP_split_horizon);
    }
    if (o->ttl <= w->t->bounced_ttl) {
        fp_came_in(w);
        return fp_drop_received(w, DROP_bounce_ttl);
    }
    w->ttl = (__u8)w->t->bounced_ttl; /* less than o->ttl */
    return fp_to_vtep(w, in, macs, target, o->len + 12, ecn, to);
}

static __always_inline int by_destination(struct fp_way *w, const struct fp_macs_of *macs,
                                          const struct fp_search *dst, const struct fp_inner *in,
                                          const struct outer *o, int ecn)
{
    struct fp_place to = fp_find(dst);
    __u32 target = FP_TARGET(to.where);

    if (!to.entry)
        return fp_punt(w, FP_PUNT_unknown);
    if ((to.where & FP_SLOW) && fp_worker_is_there(w))
        return fp_punt(w, FP_PUNT_marked);
    if (FP_KIND(to.where) == FP_WHERE_VTEP)
        return bounce(w, macs, in, &to, o, ecn);
    if (FP_KIND(to.where) != FP_WHERE_PORT || target >= FP_PORTS - 1)
        return fp_punt(w, FP_PUNT_marked);
    return fp_to_port(w, macs, FP_BOUNDED(target, FP_PORT_SLOTS), o->len + 12, ecn);
}

static __always_inline int forward(struct fp_way *w, const struct outer *o, const struct inner_macs *m)
{
    void *data = (void *)(long)w->ctx->data, *end = (void *)(long)w->ctx->data_end, *inner = data + o->len;
    struct fp_place source;
    enum drop_reason reason;
    struct fp_inner in;
    int ecn = -1;

    if (inner + FP_ETH_LEN > end)
        return fp_punt(w, FP_PUNT_odd);
    w->len = w->received - o->len;
    w->type = FP_LOAD16(inner + 12);
    reason = fp_check_macs(&m->macs, w->type);
    if (reason == DROP_gateway_frame)
        return fp_punt(w, FP_PUNT_marked);
    if (reason == DROP_N && fp_is_tag(w->type) && !(w->net->flags & FP_NET_QINQ))
        reason = DROP_inner_tagged; /* R1.6 */
    if (reason != DROP_N)
        return fp_drop_received(w, reason);
    fp_parse(inner, w->type, inner + FP_ETH_LEN, end, &in);
    if ((o->tos & ECN_MASK) != ECN_NOT_ECT && in.is_ip) { /* R1.8 */
        ecn = ecn_decapsulate(in.tos & ECN_MASK, o->tos & ECN_MASK);
        if (ecn < 0)
            return fp_drop_received(w, DROP_ecn_ce);
        if ((__u32)ecn == (in.tos & ECN_MASK))
            ecn = -1;
        else
            in.tos = (__u8)((in.tos & ~ECN_MASK) | (__u32)ecn);
    }
    if (m->macs.dst & 1)
        return fp_punt(w, FP_PUNT_group);
    if (in.neighbour && fp_worker_is_there(w))
        return fp_punt(w, FP_PUNT_neighbour);
    if (in.syn && fp_worker_is_there(w))
        return fp_punt(w, FP_PUNT_syn);

    source = fp_find(&m->src);
    if (source.entry && (source.where & FP_PLACE_MASK) == FP_WHERE(FP_WHERE_VTEP, w->vtep))
        fp_touch(source.entry);
    else if (source.entry && (source.where & FP_STATIC))
        return drop_from_vtep(w, DROP_src_static);
    else if (bit(w->net->learning, w->vtep)) /* R1.10 */
        return fp_punt(w, FP_PUNT_source);
    return by_destination(w, &m->macs, &m->dst, &in, o, ecn);
}

static __always_inline int receive(struct fp_way *w)
{
    void *data = (void *)(long)w->ctx->data, *end = (void *)(long)w->ctx->data_end;
    enum drop_reason reason;
    struct inner_macs m = {};
    struct outer o = {};
    int ok;

    if (config.family == 4)
        ok = plain_ipv4(data, end, w->received, &o);
    else
        ok = plain_ipv6(data, end, w->received, &o);
    if (!ok) {
        if (is_ours(w->ctx))
            return fp_punt(w, FP_PUNT_odd);
        fp_look_passed(w);
        w->port->passed++;
        return XDP_PASS;
    }
    if (!w->t)
        return fp_punt(w, FP_PUNT_no_topology);
    if (FP_LOAD32(data) != FP_LOAD32(w->t->mac) || FP_LOAD16(data + 4) != FP_LOAD16(w->t->mac + 4))
        return fp_drop_received(w, DROP_outer_mac);
    if (config.family == 6) {
        ok = checksum_ok(w, &o);
        if (ok < 0)
            return fp_punt(w, FP_PUNT_odd);
        if (!ok)
            return fp_drop_received(w, DROP_outer_udp_checksum);
    }
    reason = check_tunnel(w, &o, &m);
    if (reason != DROP_N)
        return fp_drop_received(w, reason);
    return forward(w, &o, &m);
}

static __always_inline int on_frame(struct xdp_md *ctx)
{
    struct fp_way w = {.ctx = ctx, .port = fp_port_counters(config.port)};

    if (!w.port)
        return XDP_PASS;
    if (!config.fast) {
        if (is_ours(ctx))
            return fp_to_worker(&w, FP_PUNT_off);
        w.port->passed++;
        return XDP_PASS;
    }
    w.received = (__u32)bpf_xdp_get_buff_len(ctx);
    fp_look_at(&w, config.family == 4 ? FP_OUTER_IPV4 : FP_OUTER_IPV6);
    fp_active(&w);
    return receive(&w);
}

SEC("xdp.frags")
int xsk_def_prog(struct xdp_md *ctx)
{
    return on_frame(ctx);
}
