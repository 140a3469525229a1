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
    __u32 trace;   /* nothing of what others read is written: only fp_look_trace */
    __u32 capture; /* copies of frames into fp_look_ring */
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

/* ---- capture: map fp_look_filter, array of one; fp_look_ring, ring buffer of struct fp_look_frame ---- */

#define FP_LOOK_SNAP 2048
#define FP_LOOK_ANY  0xffff /* port */

enum fp_look_what { FP_LOOK_IN, FP_LOOK_OUT, FP_LOOK_DROPPED }; /* enum capture_what */

/* As struct capture_filter. Written by the control thread, lost by the programs. */
struct fp_look_filter {
    __u64 until; /* CLOCK_MONOTONIC, ns: nothing is copied from then on, unless whoever reads puts it off */
    __u64 lost;  /* frames that found the ring full */
    __u64 mac;   /* as fp_fdb's keys have it */
    __u32 by_mac;
    __u32 drops;
    __u32 reason; /* DROP_N: any */
    __u32 port;   /* FP_LOOK_ANY */
    __u32 net;    /* 0: any */
    __u32 snap;   /* 1..FP_LOOK_SNAP */
};

struct fp_look_frame {
    __u64 ns; /* CLOCK_MONOTONIC */
    __u32 len;
    __u16 snapped;
    __u16 what; /* enum fp_look_what */
    __u16 reason;
    __u16 port;
    __u16 net;
    __u16 pad;
    __u8 data[FP_LOOK_SNAP]; /* the first `snapped` bytes: the rest is not in the ring */
};

#endif
