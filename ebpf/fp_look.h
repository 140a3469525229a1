/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * What the looking variants of the fast path's programs (fp_look.bpf.h) share with their loader. Plain
 * integers only: this is compiled for two machines.
 */
#ifndef EBPF_FP_LOOK_H
#define EBPF_FP_LOOK_H

#include <linux/types.h>

/* Read-only for a program once it is loaded. */
struct fp_look_config {
    __u32 trace; /* nothing of what others read is written: only fp_look_trace */
};

/* ---- trace: map fp_look_trace, array of one ---- */

enum fp_look_end {
    FP_LOOK_NOWHERE,
    FP_LOOK_LEFT,   /* by port `port` */
    FP_LOOK_DROP,   /* why: enum drop_reason */
    FP_LOOK_WORKER, /* why: enum fp_punt */
    FP_LOOK_KERNEL,
};

#define FP_LOOK_FINDS 2 /* the source, the destination */

struct fp_look_trace {
    __u32 end; /* enum fp_look_end */
    __u32 why;
    __u32 port;
    __u32 net;   /* 0: not known by then */
    __u32 vtep;  /* it came from; 0: from none, or not known by then */
    __u32 finds; /* look-ups in the FDB so far */
    __u32 found[FP_LOOK_FINDS];
    __u32 where[FP_LOOK_FINDS]; /* of what was found, as in struct fp_fdb_entry */
};

#endif
