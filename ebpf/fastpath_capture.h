/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Copies of the frames that the fast path carries and drops, for who wants to look at them; the worker's are
 * dataplane/capture.h's. While one is under way the ports have the looking variants of their programs
 * (xdp_capture(), fp_look.bpf.h), which put what the filter lets through into a ring buffer, cut to its first
 * bytes; what finds it full is counted and forgotten. Without one there is nothing of it in the programs.
 *
 * Nothing is pinned. Should this process be killed, the programs stop copying a moment later, as nobody puts
 * that off any more, and the ring goes with them when the next process replaces them.
 *
 * Control thread only.
 */
#ifndef EBPF_FASTPATH_CAPTURE_H
#define EBPF_FASTPATH_CAPTURE_H

#include "conf/capture.h"

#include <stddef.h>

struct bpf_object;
struct fastpath_capture;

/* 0 or -errno with a sentence in err. */
int fastpath_capture_open(const struct capture_filter *filter, struct fastpath_capture **out, char *err,
                          size_t err_len);
/* Two more seconds of it; to be called until it is closed. */
void fastpath_capture_go_on(struct fastpath_capture *c);
/* False: nothing waits. */
bool fastpath_capture_pop(struct fastpath_capture *c, struct capture_frame *out);
/* Frames that found the ring full. */
uint64_t fastpath_capture_lost(const struct fastpath_capture *c);
/* NULL is fine. */
void fastpath_capture_close(struct fastpath_capture *c);

/* Before obj is loaded: its maps of this kind are these. 0 or -errno. */
int fastpath_capture_use(const struct fastpath_capture *c, struct bpf_object *obj);

#endif
