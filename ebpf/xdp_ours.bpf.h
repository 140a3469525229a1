/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * Which packets of the underlay are the gateway's: UDP to our VTEP and port over IPv4 or IPv6, however badly
 * formed the rest is, so that it can be dropped by name (R1.9); the ports must be there, so a later fragment
 * is the kernel's. One file for both programs of an underlay port. config: the program's, with family, vtep
 * and vxlan_port.
 */
#ifndef EBPF_XDP_OURS_BPF_H
#define EBPF_XDP_OURS_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IPV4_OFFSET_MASK 0x1fff
#define IPV6_OFFSET_MASK 0xfff8

struct ipv6_fragment {
    __u8 nexthdr;
    __u8 reserved;
    __be16 offset;
    __be32 id;
};

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

#endif
