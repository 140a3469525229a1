/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * The XDP program of a kernel-owned port: hands the worker's frames to its AF_XDP sockets, passes all else to
 * the kernel. Access port: every frame. Underlay: see xdp_ours.bpf.h. fp_*.bpf.c do the same and carry frames
 * themselves; this one is for a gateway without the fast path.
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

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct xdp_port_config config = {};

#include "ebpf/xdp_ours.bpf.h"
#include "ebpf/xdp_sockets.bpf.h"

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, __u64);
    __uint(max_entries, XDP_PORT_COUNTERS);
} counters SEC(".maps");

static __always_inline void count(__u32 key)
{
    __u64 *n = bpf_map_lookup_elem(&counters, &key);

    if (n)
        (*n)++;
}

SEC("xdp.frags")
int xsk_def_prog(struct xdp_md *ctx)
{
    int action;

    if (!config.take_all && !is_ours(ctx)) {
        count(XDP_PORT_PASSED);
        return XDP_PASS;
    }
    action = xdp_to_socket(ctx);
    count(action == XDP_REDIRECT ? XDP_PORT_TAKEN : XDP_PORT_UNSERVED);
    return action;
}
