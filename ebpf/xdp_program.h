/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One of our XDP programs in the kernel: xdp_port (no fast path), fp_access or fp_wan, or one of these two
 * with a way to look at what it does (fp_look.bpf.h). Control thread only.
 */
#ifndef EBPF_XDP_PROGRAM_H
#define EBPF_XDP_PROGRAM_H

#include "ebpf/xdp.h"

struct fastpath_capture;
struct xdp_program;

struct xdp_program_spec {
    const struct xdp_config *config;
    const struct fastpath *fp;         /* NULL: none */
    bool fast;                         /* false: everything goes to the worker although there is one */
    unsigned queues;                   /* receive queues */
    const struct xdp_program *sockets; /* the worker's sockets are in this one's map, and are to stay; NULL */
    const struct fastpath_capture *capture; /* copies frames into it; NULL: does not */
    bool trace; /* never attached, run by hand: it counts and notes into maps of its own */
};

/* 0 or -errno with a sentence in err. */
int xdp_program_load(const struct xdp_program_spec *spec, struct xdp_program **out, char *err,
                     size_t err_len);
void xdp_program_free(struct xdp_program *p);

const char *xdp_program_name(const struct xdp_program *p); /* "fp_access" */
int xdp_program_fd(const struct xdp_program *p);
/* A file descriptor of its own, or -ENOENT. */
int xdp_program_map(const struct xdp_program *p, const char *map);
/* Its id; 0 or -errno. */
int xdp_program_id(const struct xdp_program *p, uint32_t *id);
/* 1: the receive queue has a socket, 0: it has none, or -errno. */
int xdp_program_has_socket(const struct xdp_program *p, int ifindex, unsigned queue);
/* xdp_port's own counters: 0 or -errno; -ENOTSUP: the fast path has them. */
int xdp_program_counters(const struct xdp_program *p, struct xdp_counters *out);

#endif
