/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the fast path's control side (fastpath*.c), and xdp*.c, know of it. Control thread only.
 */
#ifndef EBPF_FASTPATH_PRIVATE_H
#define EBPF_FASTPATH_PRIVATE_H

#include "ebpf/fastpath.h"
#include "ebpf/fastpath_dir.h"
#include "ebpf/fastpath_maps.h"
#include "ebpf/xdp_lost.h"

#define FASTPATH_SUBSYSTEM "fastpath"

struct fastpath {
    struct fastpath_maps maps;
    struct fastpath_dir dir; /* fd -1: not pinned */
    char why_not[256];       /* it is not pinned */
    bool taken_over;
    uint32_t punt_limit;
    uint32_t max_macs;

    struct fp_topology *draft;     /* what is to be published next */
    mono_t retired[FP_TOPOLOGIES]; /* when each was the current one last */
    mono_t grace;                  /* programs that ran then have ended */
    uint32_t tx[FP_PORTS];         /* ifindex in fp_tx; 0: none */
    struct xdp_lost *lost;         /* NULL: the kernel does not tell */
    char why_blind[256];
    unsigned n_links;         /* claimed by ports */
    uint32_t links[FP_PORTS]; /* their ids */
    bool swept;               /* links of ports that are no more have been taken away */

    size_t n_cpus;
    uint64_t *percpu;              /* room for one element of any of the counter maps */
    uint64_t *base[FASTPATH_MAPS]; /* what counters said when they were taken over; NULL: nothing */
};

/* The topology that the programs use; NULL: none. */
const struct fp_topology *fastpath_topology(const struct fastpath *fp);
/* Everything goes to the worker until the next fastpath_publish(). */
void fastpath_suspend(struct fastpath *fp);

/* fastpath_count.c. 0 or -errno. */
int fastpath_count_init(struct fastpath *fp);
void fastpath_count_fini(struct fastpath *fp);

#endif
