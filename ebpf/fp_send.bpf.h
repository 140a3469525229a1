/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * The last steps of a frame that the fast path carries: out by an access port, or behind an outer header to a
 * VTEP. Each decides first, and changes the frame only when nothing can send it to the worker any more: the
 * worker must get it as it came.
 *
 * Bytes are as in dataplane/vxlan.c: whoever carries a frame, it looks the same.
 */
#ifndef EBPF_FP_SEND_BPF_H
#define EBPF_FP_SEND_BPF_H

#include "conf/ecn.h"
#include "ebpf/fp_inner.bpf.h"

#define FP_OUTER_IPV4  50
#define FP_OUTER_IPV6  70
#define FP_UDP_VXLAN   16
#define FP_SUM_MAX     2047 /* what fp_sum() adds up */
#define FP_FIRST_SPORT 49152

#define FP_STORE16(p, v) (*(__u16 *)(p) = (__u16)(v))
#define FP_STORE32(p, v) (*(__u32 *)(p) = (__u32)(v))
#define FP_STORE64(p, v) (*(__u64 *)(p) = (__u64)(v))

static __always_inline __u16 fp_fold(__u64 sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)sum;
}

#define FP_SUM_CHUNK(n)                                                                                      \
    do {                                                                                                     \
        if (len >= (n)) {                                                                                    \
            if (p + (n) > end)                                                                               \
                return -1;                                                                                   \
            sum = bpf_csum_diff(0, 0, p, (n), (__u32)sum);                                                   \
            p += (n);                                                                                        \
            len -= (n);                                                                                      \
        }                                                                                                    \
    } while (0)

/* The folded one's complement sum of len bytes (at most FP_SUM_MAX) from the offset at (at most 255) on, or
 * -1: they are not all in the first buffer. In the machine's byte order. A function of its own: the verifier
 * goes through its many ways once. */
__noinline int fp_sum(struct xdp_md *ctx, __u32 at, __u32 len)
{
    void *end = (void *)(long)ctx->data_end, *p = (void *)(long)ctx->data + (at & 0xff);
    __s64 sum = 0;
    __u32 last = 0;

    FP_SUM_CHUNK(512);
    FP_SUM_CHUNK(512);
    FP_SUM_CHUNK(512);
    FP_SUM_CHUNK(256);
    FP_SUM_CHUNK(128);
    FP_SUM_CHUNK(64);
    FP_SUM_CHUNK(32);
    FP_SUM_CHUNK(16);
    FP_SUM_CHUNK(8);
    FP_SUM_CHUNK(4);
    if (len & 2) {
        if (p + 2 > end)
            return -1;
        last = FP_LOAD16(p);
        p += 2;
    }
    if (len & 1) {
        if (p + 1 > end)
            return -1;
        last += *(__u8 *)p;
    }
    return fp_fold((__u32)sum + (__u64)last);
}

/* Of the pseudo header of an IPv6 packet with udp_len bytes of UDP; ip: 40 readable bytes. */
static __always_inline __u64 fp_sum_pseudo(const void *ip, __u32 udp_len)
{
    __u64 sum = bpf_htons((__u16)udp_len) + bpf_htons(17);

    for (int i = 8; i < 40; i += 4)
        sum += FP_LOAD32(ip + i);
    return sum;
}

/* What came in is counted when its way is decided: before that the worker may get it, and counts. */
static __always_inline void fp_came_in(struct fp_way *w)
{
    __u32 net = w->net_id, vtep = w->vtep;
    struct fp_net_counters *n = bpf_map_lookup_elem(&fp_net_count, &net);
    struct fp_vtep_counters *v;

    if (n)
        fp_count(vtep ? &n->wan_in : &n->access_in, w->len);
    if (!vtep)
        return;
    v = bpf_map_lookup_elem(&fp_vtep_count, &vtep);
    if (v)
        fp_count(&v->rx, w->len);
}

static __always_inline int fp_scattered(const struct fp_way *w)
{
    return (__u32)(w->ctx->data_end - w->ctx->data) != w->received;
}

/* Whether frames can be redirected to a port; else, and then *why says it, the worker has to send this one.
 */
static __always_inline int fp_can_leave(const struct fp_way *w, __u32 port, enum fp_punt *why)
{
    const struct fp_port *p = &w->t->ports[port];

    *why = FP_PUNT_no_redirect;
    if (!(p->flags & FP_PORT_TARGET))
        return 0;
    *why = FP_PUNT_odd;
    return (p->flags & FP_PORT_SCATTERED) || !fp_scattered(w);
}

static __always_inline int fp_leave(struct fp_way *w, __u32 port, __u32 bytes)
{
    struct fp_port_counters *out;

    if (bpf_redirect_map(&fp_tx, port, XDP_DROP) != XDP_REDIRECT)
        return fp_drop(w, DROP_tx_full);
    fp_look_left(w, port);
    fp_count(&w->port->rx, w->received);
    out = fp_port_counters(port);
    if (out)
        fp_count(&out->tx, bytes);
    return XDP_REDIRECT;
}

/* RFC 6040 on the inner packet at ip (20 bytes of IPv4, or 2 of IPv6, readable): the mark is set to ecn. */
static __always_inline void fp_set_ecn(__u8 *ip, __u16 type, __u32 ecn)
{
    __u32 old, new, sum;

    if (type == FP_TYPE_IPV4) {
        old = FP_LOAD16(ip);
        new = (old & ~(ECN_MASK << 8)) | ecn << 8;                   /* the second byte of the two */
        sum = (__u16)~FP_LOAD16(ip + 10) + (__u32)(__u16)~old + new; /* RFC 1624 */
        FP_STORE16(ip, new);
        FP_STORE16(ip + 10, ~fp_fold(sum));
    } else {
        ip[1] = (__u8)((ip[1] & 0xcf) | ecn << 4);
    }
}

/* ---- to an access port ---- */

/* macs: the frame's; at: where in the frame its EtherType (w->type) is. ecn: -1, or what the inner packet's
 * mark becomes. */
static __always_inline int fp_to_port(struct fp_way *w, const struct fp_macs_of *macs, __u32 port, __u32 at,
                                      int ecn)
{
    __u16 vlan = w->net->vlan_of_port[port];
    __u32 net = w->net_id, tag = vlan ? FP_TAG_LEN : 0;
    struct fp_net_counters *n;
    enum fp_punt why;
    void *data, *end;
    int cut = (int)at - 12 - (int)tag;

    if (vlan == FP_NOT_A_MEMBER) {
        fp_came_in(w);
        return fp_drop(w, DROP_no_target);
    }
    if (w->len > w->t->ports[port].max_frame)
        return fp_punt(w, FP_PUNT_too_big);
    if (!vlan && fp_is_tag(w->type)) { /* the site would take it for another VLAN */
        fp_came_in(w);
        return fp_drop(w, DROP_inner_tagged);
    }
    if (!fp_can_leave(w, port, &why))
        return fp_punt(w, why);

    fp_look_in(w);
    if (ecn >= 0) {
        data = (void *)(long)w->ctx->data + at + 2;
        end = (void *)(long)w->ctx->data_end;
        if (data + 20 <= end)
            fp_set_ecn(data, w->type, (__u32)ecn);
    }
    fp_came_in(w);
    if (cut != 0 && bpf_xdp_adjust_head(w->ctx, cut) != 0)
        return fp_drop(w, DROP_no_buffer);
    data = (void *)(long)w->ctx->data;
    end = (void *)(long)w->ctx->data_end;
    if (data + FP_ETH_LEN > end)
        return fp_drop(w, DROP_no_buffer);
    FP_STORE64(data, macs->dst | macs->src << 48);
    FP_STORE32(data + 8, macs->src >> 16);
    if (tag && data + FP_ETH_LEN + FP_TAG_LEN <= end)
        FP_STORE32(data + 12, FP_TYPE_TAG | (__u32)bpf_htons(vlan) << 16);
    fp_look_at(w, 0);
    n = bpf_map_lookup_elem(&fp_net_count, &net);
    if (n)
        fp_count(&n->access_out, w->len);
    return fp_leave(w, port, w->len + tag);
}

/* ---- to a VTEP ---- */

/* ttl: 0, or what the outer TTL is lowered to. p: 50 writable bytes. */
static __always_inline void fp_write_ipv4(__u8 *p, const struct fp_vtep *v, __u32 len, __u32 flow, __u8 tos,
                                          __u8 ttl)
{
    const __u8 *h = v->header;
    __u32 ip_len = len + 36, sum = v->ip_sum + tos + ip_len;

#pragma unroll
    for (int i = 0; i < 48; i += 8)
        FP_STORE64(p + i, FP_LOAD64(h + i));
    if (ttl && ttl < h[22]) {
        sum -= (__u32)(h[22] - ttl) << 8;
        p[22] = ttl;
    }
    p[15] = tos;
    FP_STORE16(p + 16, bpf_htons((__u16)ip_len));
    FP_STORE16(p + 24, bpf_htons((__u16)~fp_fold(sum)));
    FP_STORE16(p + 34, bpf_htons((__u16)(FP_FIRST_SPORT + (flow >> 18))));
    FP_STORE16(p + 38, bpf_htons((__u16)(len + FP_UDP_VXLAN)));
}

/* p: 70 writable bytes. The UDP checksum is still zero. */
static __always_inline void fp_write_ipv6(__u8 *p, const struct fp_vtep *v, __u32 len, __u32 flow, __u8 tos,
                                          __u8 ttl)
{
    const __u8 *h = v->header;

#pragma unroll
    for (int i = 0; i < 64; i += 8)
        FP_STORE64(p + i, FP_LOAD64(h + i));
    FP_STORE16(p + 64, FP_LOAD16(h + 64));
    if (ttl && ttl < h[21])
        p[21] = ttl;
    /* flow label from the flow (RFC 6438) */
    FP_STORE32(p + 14, bpf_htonl(0x60000000u | (__u32)tos << 20 | (flow & 0xfffff)));
    FP_STORE16(p + 18, bpf_htons((__u16)(len + FP_UDP_VXLAN)));
    FP_STORE16(p + 54, bpf_htons((__u16)(FP_FIRST_SPORT + (flow >> 18))));
    FP_STORE16(p + 58, bpf_htons((__u16)(len + FP_UDP_VXLAN)));
}

/* Over IPv6, R1.3. False: it cannot be done. */
static __always_inline int fp_fill_checksum(struct fp_way *w)
{
    int sum = fp_sum(w->ctx, 54, w->len + FP_UDP_VXLAN);
    void *data = (void *)(long)w->ctx->data, *end = (void *)(long)w->ctx->data_end;
    __u16 folded;

    if (sum < 0 || data + FP_OUTER_IPV6 > end)
        return 0;
    folded = (__u16)~fp_fold(fp_sum_pseudo(data + 14, w->len + FP_UDP_VXLAN) + (__u32)sum);
    FP_STORE16(data + 60, folded ? folded : 0xffff); /* zero would mean "none" */
    return 1;
}

/* grow: bytes to come in front of the frame; what is there already is overwritten. macs: to be written behind
 * the header, or NULL: they are there. ttl: as in fp_write_ipv4(). */
static __always_inline int fp_wrap(struct fp_way *w, const struct fp_vtep *v, const struct fp_inner *in,
                                   const struct fp_macs_of *macs, int grow, __u8 ttl)
{
    __u8 dscp = w->net->dscp;
    __u8 tos = dscp == FP_DSCP_INHERIT ? in->tos : (__u8)(dscp << 2 | (in->tos & ECN_MASK));
    __u32 vni = bpf_htonl(w->net->vni << 8);
    void *data, *end;

    if (grow != 0 && bpf_xdp_adjust_head(w->ctx, -grow) != 0)
        return 0;
    data = (void *)(long)w->ctx->data;
    end = (void *)(long)w->ctx->data_end;
    if (v->header_len == FP_OUTER_IPV4) {
        if (data + FP_OUTER_IPV4 + 12 > end)
            return 0;
        fp_write_ipv4(data, v, w->len, in->hash, tos, ttl);
        FP_STORE32(data + 46, vni);
        data += FP_OUTER_IPV4;
    } else {
        if (data + FP_OUTER_IPV6 + 12 > end)
            return 0;
        fp_write_ipv6(data, v, w->len, in->hash, tos, ttl);
        FP_STORE32(data + 66, vni);
        data += FP_OUTER_IPV6;
    }
    if (macs) {
        FP_STORE64(data, macs->dst | macs->src << 48);
        FP_STORE32(data + 8, macs->src >> 16);
    }
    return v->zero_csum || fp_fill_checksum(w);
}

static __always_inline void fp_count_bounced(__u32 slot)
{
    __u64 *n = bpf_map_lookup_elem(&fp_bounced, &slot);

    if (n)
        __sync_fetch_and_add(n, 1);
}

/* at: where in the frame its EtherType is. bounce: it came from a VTEP (R6.5). */
static __always_inline int fp_to_vtep(struct fp_way *w, const struct fp_inner *in,
                                      const struct fp_macs_of *macs, __u32 vtep, __u32 at, int ecn,
                                      const struct fp_place *bounce)
{
    __u32 underlay = FP_BOUNDED(w->t->underlay, FP_PORT_SLOTS), net = w->net_id;
    const struct fp_vtep *v = &w->t->vteps[FP_BOUNDED(vtep, FP_VTEPS)];
    struct fp_vtep_counters *vc;
    struct fp_net_counters *n;
    enum fp_punt why;

    if (vtep >= FP_VTEPS || !v->resolved) {
        fp_came_in(w);
        return fp_drop(w, DROP_vtep_unresolved);
    }
    if (w->len > v->max_frame)
        return fp_punt(w, FP_PUNT_too_big);
    if (underlay >= FP_PORTS)
        return fp_punt(w, FP_PUNT_no_redirect);
    if (!fp_can_leave(w, underlay, &why))
        return fp_punt(w, why);
    if (!v->zero_csum && (fp_scattered(w) || w->len + FP_UDP_VXLAN > FP_SUM_MAX))
        return fp_punt(w, FP_PUNT_odd);

    fp_look_in(w);
    if (ecn >= 0) {
        void *ip = (void *)(long)w->ctx->data + at + 2;

        if (ip + 20 <= (void *)(long)w->ctx->data_end)
            fp_set_ecn(ip, w->type, (__u32)ecn);
    }
    fp_came_in(w);
    if (!fp_wrap(w, v, in, bounce ? NULL : macs, (int)v->header_len + 12 - (int)at, bounce ? w->ttl : 0))
        return fp_drop(w, DROP_no_buffer);
    fp_look_at(w, v->header_len);
    n = bpf_map_lookup_elem(&fp_net_count, &net);
    if (n) {
        fp_count(&n->wan_out, w->len);
        n->bounced += bounce != NULL;
    }
    if (bounce)
        fp_count_bounced(bounce->slot);
    vc = bpf_map_lookup_elem(&fp_vtep_count, &vtep);
    if (vc)
        fp_count(&vc->tx, w->len);
    return fp_leave(w, underlay, w->len + v->header_len);
}

#endif
