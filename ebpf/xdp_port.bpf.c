/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * The XDP program of a kernel-owned port: hands the worker's frames to its AF_XDP sockets, passes all else to
 * the kernel. Access port: every frame. Underlay: UDP to our VTEP and port over IPv4 or IPv6, however badly
 * formed the rest is, so that the worker can drop it by name (R1.9); the ports must be there, so a later
 * fragment is the kernel's.
 *
 * Tricky: DPDK's AF_XDP driver opens its sockets through libxdp, which would attach a program of its own. It
 * does not when one named xsk_def_prog, with an xsk_prog_version that it knows and a map named xsks_map, is
 * already on the interface: then it puts the sockets into that map. So these three names are libxdp's, not
 * ours to choose.
 *
 * xdp.frags: without it drivers refuse the program on an interface with a large MTU. The headers are in the
 * first buffer in any case. A redirect that fails (no socket) falls back to the kernel.
 */
#include "ebpf/xdp_port.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IPV4_OFFSET_MASK 0x1fff
#define IPV6_OFFSET_MASK 0xfff8

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct xdp_port_config config = {};

struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __type(key, __u32);
    __type(value, __u32);
    __uint(max_entries, 1); /* xdp.c sets the number of receive queues */
} xsks_map SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, __u64);
    __uint(max_entries, XDP_PORT_COUNTERS);
} counters SEC(".maps");

/* Read by libxdp from the BTF. */
__uint(xsk_prog_version, 1) SEC("xdp_metadata");

struct ipv6_fragment {
    __u8 nexthdr;
    __u8 reserved;
    __be16 offset;
    __be32 id;
};

static __always_inline void count(__u32 key)
{
    __u64 *n = bpf_map_lookup_elem(&counters, &key);

    if (n)
        (*n)++;
}

/* Only the ports are asked for: an UDP header cut short goes to the worker. */
static __always_inline int is_our_port(void *udp, void *end)
{
    __be16 *ports = udp;

    return (void *)(ports + 2) <= end && ports[1] == config.vxlan_port;
}

static __always_inline int is_ours_ipv4(void *l3, void *end)
{
    struct iphdr *ip = l3;

    if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
        return 0;
    if (ip->protocol != IPPROTO_UDP || ip->daddr != config.vtep[0])
        return 0;
    if (ip->frag_off & bpf_htons(IPV4_OFFSET_MASK))
        return 0;
    return is_our_port(l3 + ip->ihl * 4, end);
}

static __always_inline int is_ours_ipv6(void *l3, void *end)
{
    struct ipv6hdr *ip = l3;
    struct ipv6_fragment *fragment;
    __be32 *to;

    if ((void *)(ip + 1) > end || ip->version != 6)
        return 0;
    to = ip->daddr.in6_u.u6_addr32;
    if (to[0] != config.vtep[0] || to[1] != config.vtep[1] || to[2] != config.vtep[2] ||
        to[3] != config.vtep[3])
        return 0;
    if (ip->nexthdr == IPPROTO_UDP)
        return is_our_port(ip + 1, end);
    if (ip->nexthdr != IPPROTO_FRAGMENT)
        return 0;
    fragment = (struct ipv6_fragment *)(ip + 1);
    if ((void *)(fragment + 1) > end || fragment->nexthdr != IPPROTO_UDP)
        return 0;
    return !(fragment->offset & bpf_htons(IPV6_OFFSET_MASK)) && is_our_port(fragment + 1, end);
}

static __always_inline int is_ours(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;

    if ((void *)(eth + 1) > end)
        return 0;
    if (config.family == 4 && eth->h_proto == bpf_htons(ETH_P_IP))
        return is_ours_ipv4(eth + 1, end);
    if (config.family == 6 && eth->h_proto == bpf_htons(ETH_P_IPV6))
        return is_ours_ipv6(eth + 1, end);
    return 0;
}

SEC("xdp.frags")
int xsk_def_prog(struct xdp_md *ctx)
{
    int action;

    if (!config.take_all && !is_ours(ctx)) {
        count(XDP_PORT_PASSED);
        return XDP_PASS;
    }
    action = bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
    count(action == XDP_REDIRECT ? XDP_PORT_TAKEN : XDP_PORT_UNSERVED);
    return action;
}

/* Never attached. Run by xdp.c to learn whether a receive queue has a socket: the map cannot be read from
 * outside. */
SEC("xdp")
int xdp_port_probe(struct xdp_md *ctx)
{
    return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
}
