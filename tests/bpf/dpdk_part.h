/* SPDX-License-Identifier: BSD-3-Clause
 *
 * DPDK's part, played by libxdp's AF_XDP sockets: its driver opens them by the same calls.
 */
#ifndef TESTS_BPF_DPDK_PART_H
#define TESTS_BPF_DPDK_PART_H

#include "conf/types.h"

#include <xdp/xsk.h>

#define DPDK_FRAME_LEN 2048 /* the longest that can be received */

struct dpdk_part {
    struct xsk_ring_prod fill, tx;
    struct xsk_ring_cons done, rx;
    struct xsk_umem *umem;
    struct xsk_socket *socket;
    char *memory;
};

/* More than ten seconds since then. */
bool dpdk_is_over(mono_t start);

/* Opens a receive queue; the test fails when that cannot be done. */
void dpdk_open(struct dpdk_part *d, const char *ifname, unsigned queue);
/* 0 or -errno. */
int dpdk_try_open(struct dpdk_part *d, const char *ifname, unsigned queue);
void dpdk_close(struct dpdk_part *d);
/* Copies the next frame that the socket gets; false at the deadline. */
bool dpdk_receive(struct dpdk_part *d, uint8_t *frame, size_t *len);
bool dpdk_has_frame(struct dpdk_part *d);

#endif
