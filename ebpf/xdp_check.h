/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whether a program of ours can go on an interface: rights, the interface itself, its queues, and what is on
 * it already. Control thread only.
 */
#ifndef EBPF_XDP_CHECK_H
#define EBPF_XDP_CHECK_H

#include "ebpf/xdp.h"

/* Changes nothing. *queues: receive queues to be served. 0 or -errno with a sentence in err. */
int xdp_check(const struct xdp_config *config, int *ifindex, unsigned *queues, char *err, size_t err_len);
/* Detaches libxdp's default program if the process that attached it is dead; refuses any other. 0 or -errno
 * with a sentence in err. */
int xdp_check_left_overs(const char *ifname, int ifindex, char *err, size_t err_len);

#endif
