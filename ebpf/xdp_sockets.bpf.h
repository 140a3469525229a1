/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * The worker's AF_XDP sockets, as each of our programs has them. The names are libxdp's: see xdp_port.bpf.c.
 */
#ifndef EBPF_XDP_SOCKETS_BPF_H
#define EBPF_XDP_SOCKETS_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __type(key, __u32);
    __type(value, __u32);
    __uint(max_entries, 1); /* the loader sets the number of receive queues */
} xsks_map SEC(".maps");

/* Read by libxdp from the BTF. */
__uint(xsk_prog_version, 1) SEC("xdp_metadata");

/* To the worker; XDP_PASS, and so to the kernel, where the queue has no socket. */
static __always_inline int xdp_to_socket(const struct xdp_md *ctx)
{
    return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
}

/* Never attached. Run by the loader to learn whether a receive queue has a socket: the map cannot be read
 * from outside. */
SEC("xdp")
int xdp_port_probe(struct xdp_md *ctx)
{
    return xdp_to_socket(ctx);
}

#endif
