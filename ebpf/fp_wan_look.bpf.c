/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * fp_wan.bpf.c with a way to look at what it does: see fp_look.bpf.h.
 */
#define FP_LOOKING
#include "ebpf/fp_wan.bpf.c"
