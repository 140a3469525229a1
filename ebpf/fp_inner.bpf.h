/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * What the fast path reads of an inner frame: its MACs, the flow's hash, traffic class, and whether it is one
 * that the worker wants to see. The same verdicts as dataplane/forward.h, inner.h, snoop.h and ecn.h.
 *
 * Loads are wider than their alignment: only machines that the kernel lets do so are served (the verifier
 * refuses the program on others).
 */
#ifndef EBPF_FP_INNER_BPF_H
#define EBPF_FP_INNER_BPF_H

#include "conf/flow_hash.h"
#include "ebpf/fp_maps.bpf.h"

#define FP_ETH_LEN  14
#define FP_TAG_LEN  4
#define FP_MAC_MASK 0xffffffffffffull

#define FP_TYPE_IPV4 bpf_htons(0x0800)
#define FP_TYPE_IPV6 bpf_htons(0x86dd)
#define FP_TYPE_ARP  bpf_htons(0x0806)
#define FP_TYPE_RARP bpf_htons(0x8035)
#define FP_TYPE_TAG  bpf_htons(0x8100)

#define FP_LOAD16(p) (*(const __u16 *)(p))
#define FP_LOAD32(p) (*(const __u32 *)(p))
#define FP_LOAD64(p) (*(const __u64 *)(p))

/* Both MACs of a frame, as fp_fdb's keys have them. */
struct fp_macs_of {
    __u64 dst, src;
};

struct fp_inner {
    __u32 hash;
    __u8 tos; /* traffic class; 0 when not IP */
    __u8 is_ip;
    __u8 neighbour; /* ARP, RARP, ND */
    __u8 syn;       /* TCP connection being opened */
};

static __always_inline int fp_is_tag(__u16 type)
{
    return type == bpf_htons(0x8100) || type == bpf_htons(0x88a8) || type == bpf_htons(0x9100);
}

/* eth: 14 readable bytes. */
static __always_inline struct fp_macs_of fp_load_macs(const void *eth)
{
    return (struct fp_macs_of){.dst = FP_LOAD64(eth) & FP_MAC_MASK, .src = FP_LOAD64(eth + 6) & FP_MAC_MASK};
}

/* Which MACs are refused on both sides: the drop reason, or DROP_N. From the WAN gateway_frame is no drop. */
static __always_inline enum drop_reason fp_check_macs(const struct fp_macs_of *m, __u16 type)
{
    if (m->dst & 1) {
        if ((m->dst & 0xf0ffffffffffull) == 0x0000c28001ull) /* R1.12: 01-80-C2-00-00-00 to -0F */
            return DROP_link_local;
        if (m->dst == FP_OAM_MAC && type == bpf_htons(FP_OAM_ETHERTYPE))
            return DROP_gateway_frame;
    }
    if ((m->src & 1) || m->src == 0)
        return DROP_src_invalid;
    return DROP_N;
}

static __always_inline void fp_parse_ipv4(const __u8 *ip, const void *end, struct fp_inner *in)
{
    __u32 header = (ip[0] & 0xf) * 4;
    __u16 fragment = FP_LOAD16(ip + 6);
    const __u8 *l4 = ip + header;
    __u64 h;

    if (ip[0] >> 4 != 4 || header < 20)
        return;
    h = flow_hash_mix(ip[9], FP_LOAD64(ip + 12));
    /* Every fragment of a packet hashes alike: by addresses alone. */
    if (flow_hash_has_ports(ip[9]) && !(fragment & bpf_htons(0x3fff)) && (const void *)(l4 + 4) <= end)
        h = flow_hash_mix(h, FP_LOAD32(l4));
    if (ip[9] == 6 && !(fragment & bpf_htons(0x1fff)) && (const void *)(l4 + 14) <= end)
        in->syn = (l4[13] & 0x12) == 0x02;
    in->hash = flow_hash_finish(h);
    in->tos = ip[1];
    in->is_ip = 1;
}

static __always_inline void fp_parse_ipv6(const __u8 *ip, const void *end, struct fp_inner *in)
{
    __u64 h;

    if (ip[0] >> 4 != 6)
        return;
    h = flow_hash_mix(ip[6], FP_LOAD64(ip + 8));
    h = flow_hash_mix(h, FP_LOAD64(ip + 16));
    h = flow_hash_mix(h, FP_LOAD64(ip + 24));
    h = flow_hash_mix(h, FP_LOAD64(ip + 32));
    if (flow_hash_has_ports(ip[6]) && (const void *)(ip + 44) <= end)
        h = flow_hash_mix(h, FP_LOAD32(ip + 40));
    if (ip[6] == 6 && (const void *)(ip + 54) <= end)
        in->syn = (ip[53] & 0x12) == 0x02;
    if (ip[6] == 58 && (const void *)(ip + 41) <= end)
        in->neighbour = ip[40] == 135 || ip[40] == 136;
    in->hash = flow_hash_finish(h);
    in->tos = (__u8)(ip[0] << 4 | ip[1] >> 4);
    in->is_ip = 1;
}

/* eth: the MACs, 12 readable bytes; l3: what is behind the EtherType, up to end. */
static __always_inline void fp_parse(const void *eth, __u16 type, const void *l3, const void *end,
                                     struct fp_inner *in)
{
    __builtin_memset(in, 0, sizeof(*in));
    in->neighbour = type == FP_TYPE_ARP || type == FP_TYPE_RARP;
    if (type == FP_TYPE_IPV4 && l3 + 20 <= end)
        fp_parse_ipv4(l3, end, in);
    else if (type == FP_TYPE_IPV6 && l3 + 40 <= end)
        fp_parse_ipv6(l3, end, in);
    if (!in->is_ip)
        in->hash = flow_hash_finish(flow_hash_mix(FP_LOAD64(eth), FP_LOAD32(eth + 8)));
}

/* What the FDB says of a MAC. */
struct fp_place {
    struct fp_fdb_entry *entry; /* NULL: not there */
    __u32 slot;                 /* of fp_bounced */
    __u32 where;
};

/* A look-up to come: its first bucket is on its way from memory. */
struct fp_search {
    __u64 key;
    struct fp_fdb_home home;
};

static __always_inline struct fp_search fp_search(const struct fp_way *w, __u64 mac)
{
    struct fp_search s = {.key = (__u64)w->net_id << 48 | mac};
    struct fp_fdb_bucket *b;
    __u32 at;

    s.home = fp_fdb_home(w->control->fdb_seed, w->control->fdb_mask, s.key);
    at = s.home.bucket;
    b = bpf_map_lookup_elem(&fp_fdb, &at);
    if (b) {
        __u64 unused = *(volatile __u64 *)&b->entry[0].key;

        asm volatile("" : : "r"(unused));
    }
    return s;
}

static __always_inline int fp_find_in(__u32 at, __u64 key, struct fp_place *found)
{
    struct fp_fdb_bucket *b = bpf_map_lookup_elem(&fp_fdb, &at);
    __u32 way;

    if (!b)
        return 0;
    if (b->entry[0].key == key)
        way = 0;
    else if (b->entry[1].key == key)
        way = 1;
    else if (b->entry[2].key == key)
        way = 2;
    else if (b->entry[3].key == key)
        way = 3;
    else
        return 0;
    found->entry = &b->entry[way];
    found->slot = at * FP_FDB_WAYS + way;
    found->where = *(volatile __u32 *)&found->entry->where;
    /* Has the slot another owner by now? It is without one in between. */
    if (*(volatile __u64 *)&found->entry->key != key)
        found->entry = NULL;
    return 1;
}

static __always_inline struct fp_place fp_find(const struct fp_search *s)
{
    struct fp_place found = {};

    if (!fp_find_in(s->home.bucket, s->key, &found))
        fp_find_in(s->home.bucket ^ s->home.other, s->key, &found);
    fp_look_found(found.entry != NULL, found.where);
    return found;
}

/* The line is written once a unit of time, not for each frame: what the journal says of a move's silence is
 * no better than this. */
static __always_inline void fp_touch(struct fp_fdb_entry *e)
{
    __u32 now = FP_SEEN(bpf_ktime_get_coarse_ns());

    if (!fp_look_only() && (__s32)(now - e->seen) > 0)
        e->seen = now;
}

#endif
