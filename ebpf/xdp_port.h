/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * What xdp_port.bpf.c and its loader xdp.c share. Plain integers only: this is compiled for two machines.
 */
#ifndef EBPF_XDP_PORT_H
#define EBPF_XDP_PORT_H

#include <linux/types.h>

/* Read-only for the program once it is loaded, so the branches that a port does not need are not even in it.
 */
struct xdp_port_config {
    __u32 take_all; /* every frame; the rest is not looked at */
    __u32 family;   /* 4 or 6 */
    __be32 vtep[4]; /* IPv4: vtep[0] */
    __be16 vxlan_port;
    __u16 pad;
};

/* Keys of the per-CPU map "counters". */
enum xdp_port_counter {
    XDP_PORT_TAKEN,    /* went to the worker */
    XDP_PORT_PASSED,   /* not for the worker: the kernel's */
    XDP_PORT_UNSERVED, /* for the worker, but its receive queue has no socket: the kernel got it */
    XDP_PORT_COUNTERS
};

#endif
