/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * Listens to what the kernel says of frames that were redirected and then lost: the program that redirected
 * them has ended by then, and most drivers do not count them. At two tracepoints: xdp_redirect_err, the frame
 * was refused (the interface is down, the frame longer than its MTU; in generic mode, too), and
 * xdp_devmap_xmit, the driver did not take some of a batch (no room, no queue, no receiver behind a veth).
 *
 * Records as the kernel's "format" files describe them; xdp_lost.c compares before it attaches. They are of
 * all network namespaces: the second one names interfaces by numbers only, so both must be ours.
 */
#include "ebpf/fp.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u32 devmap_id = 0;
__u32 ifindexes[FP_PORTS]; /* 0: none */
__u64 lost[FP_PORTS];

struct redirect_err {
    __u64 common;
    __s32 prog_id;
    __u32 act;
    __s32 ifindex, err, to_ifindex;
    __u32 map_id;
    __s32 map_index;
};

struct devmap_xmit {
    __u64 common;
    __s32 from_ifindex;
    __u32 act;
    __s32 to_ifindex, drops, sent, err;
};

SEC("tracepoint/xdp/xdp_redirect_err")
int on_redirect_err(struct redirect_err *r)
{
    __u32 port = (__u32)r->map_index;

    if (r->map_id == devmap_id && port < FP_PORTS)
        __sync_fetch_and_add(&lost[port], 1);
    return 0;
}

/* FP_PORTS: none of ours. A function that the verifier looks at once: inline, its loop took that a second at
 * each start. */
__noinline __u32 port_of(__u32 ifindex)
{
    for (__u32 i = 0; i < FP_PORTS; i++)
        if (ifindexes[i] == ifindex)
            return i;
    return FP_PORTS;
}

SEC("tracepoint/xdp/xdp_devmap_xmit")
int on_devmap_xmit(struct devmap_xmit *x)
{
    __u32 to;

    if (x->drops <= 0 || port_of((__u32)x->from_ifindex) >= FP_PORTS)
        return 0;
    to = port_of((__u32)x->to_ifindex);
    if (to < FP_PORTS)
        __sync_fetch_and_add(&lost[to], (__u64)x->drops);
    return 0;
}
