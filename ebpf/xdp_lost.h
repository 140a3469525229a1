/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How many frames were lost after XDP programs had redirected them, by port, whatever driver the port has:
 * the kernel tells it at tracepoints, to a program of ours (xdp_lost_trace.bpf.c) that ends with this
 * process. Needs tracefs, which need not be mounted, and the right to trace. Control thread only.
 */
#ifndef EBPF_XDP_LOST_H
#define EBPF_XDP_LOST_H

#include <stddef.h>
#include <stdint.h>

struct xdp_lost;

/* devmap_fd: the map that frames are redirected through, by port. 0 or -errno with a sentence in err. */
int xdp_lost_open(int devmap_fd, struct xdp_lost **out, char *err, size_t err_len);
/* NULL is fine. */
void xdp_lost_close(struct xdp_lost *l);

/* Which interface a port is; 0: none. l NULL is fine. */
void xdp_lost_port(struct xdp_lost *l, unsigned port, uint32_t ifindex);
/* Lost on their way out by the port, since xdp_lost_open(). l NULL: 0. */
uint64_t xdp_lost_frames(const struct xdp_lost *l, unsigned port);

#endif
