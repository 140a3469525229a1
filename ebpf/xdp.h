/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Our XDP program on a kernel-owned interface (`interface:` ports). It gives DPDK's AF_XDP port what is meant
 * for the gateway and leaves the rest to the kernel:
 *
 *   XDP_TAKE_ALL    every frame (an access port)
 *   XDP_TAKE_VXLAN  VXLAN for our VTEP; all else stays with the kernel (the underlay)
 *
 * Order: xdp_attach() puts it on the interface, DPDK opens the port and finds it there (libxdp then adds its
 * sockets to the program's map and attaches nothing of its own), xdp_verify() proves that this is what
 * happened.
 *
 * The program hangs on a bpf_link that this process holds, so it is gone when the process is, however it
 * ends; so is promiscuity. With a fast path that is pinned the link is pinned, too: the program goes on
 * alone, promiscuous if need be, and the next xdp_attach() takes the link over and replaces the program on it
 * without a gap. A port without sockets passes everything else to the kernel. Control thread only.
 */
#ifndef EBPF_XDP_H
#define EBPF_XDP_H

#include "conf/types.h"

struct fastpath;
struct fastpath_capture;
struct xdp;

enum xdp_take { XDP_TAKE_ALL, XDP_TAKE_VXLAN };

struct xdp_config {
    const char *ifname;
    enum xdp_take take;
    struct ipaddr address; /* XDP_TAKE_VXLAN: our VTEP */
    uint16_t vxlan_port;
    uint16_t port; /* with a fast path: the id that the port will have */
};

/* Receive queues of an interface that must be served, without touching it. 0 or -errno. */
int xdp_queues(const char *ifname, unsigned *queues);

/* Before DPDK opens the interface: it exists, no foreign XDP program is on it (DPDK's own, left by a process
 * that is dead, is detached), receive VLAN offload is off (XDP would not see the tag), frames for other MACs
 * are received (promiscuous; XDP_TAKE_ALL only), our program is on it. *queues: receive queues that DPDK must
 * open, from 0. 0 or -errno with a sentence in err.
 *
 * fp: the fast path, which must outlive it; NULL: without, and then no pinned program may be there
 * (fastpath_remove()). Where the topology that was taken over says something else of this port, nothing is
 * forwarded by it until the first fastpath_publish(). */
int xdp_attach(const struct xdp_config *config, struct fastpath *fp, struct xdp **out, unsigned *queues,
               char *err, size_t err_len);
/* After DPDK opened it: our program is on, and every receive queue has DPDK's socket. 0 or -errno with a
 * sentence in err. */
int xdp_verify(struct xdp *x, char *err, size_t err_len);
/* "native" or "generic"; "" before xdp_verify(). */
const char *xdp_mode(const struct xdp *x);

struct xdp_status {
    const char *program; /* "xdp_port", "fp_access", "fp_wan" */
    uint32_t program_id;
    const char *mode; /* "native" or "generic" */
    bool fast;        /* known unicast goes by the fast path */
    bool pinned;
    bool taken_over; /* the link was there already */
};
void xdp_status(const struct xdp *x, struct xdp_status *out);

/* From now on everything goes to the worker, and the program ends with the process. DPDK's sockets stay. 0 or
 * -errno with a sentence in err: then it is as it was. */
int xdp_fast_off(struct xdp *x, char *err, size_t err_len);

/* From now on it copies what it carries and drops into c, where the fast path has it at all; NULL: no more.
 * Without a gap for the traffic. c outlives that, and xdp_close(). 0 or -errno with a sentence in err: then
 * it is as it was. */
int xdp_capture(struct xdp *x, const struct fastpath_capture *c, char *err, size_t err_len);

struct xdp_counters {
    uint64_t taken;    /* frames given to the worker's sockets */
    uint64_t passed;   /* not for the worker: left to the kernel */
    uint64_t unserved; /* for the worker, but their queue has no socket: left to the kernel */
};
/* Since xdp_attach(), or with a fast path since fastpath_open(). 0 or -errno. */
int xdp_counters(const struct xdp *x, struct xdp_counters *out);

/* Detaches, and puts back what xdp_attach() changed; keep: leaves a pinned one as it is. Before or after DPDK
 * closed the port; before is quieter, as its driver tries to detach the program too, and logs that it may
 * not. NULL is fine. */
void xdp_close(struct xdp *x, bool keep);

#endif
