/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The part of a trace's answer that is about the fast path, which sees a frame before the worker does.
 * Control thread only.
 */
#ifndef CONTROLPLANE_CMD_TRACE_FAST_H
#define CONTROLPLANE_CMD_TRACE_FAST_H

#include "controlplane/cmd.h"
#include "dataplane/trace.h"

/* "fastpath": what it would do with the frame, step by step (ebpf/fastpath_trace.h), or why it would not see
 * it. */
void cmd_trace_fast(const struct gateway *g, const struct trace_frame *f, cJSON *result);

/* ---- cmd_trace.c: words that both parts have */

#define TRACE_NAME_LEN 96
#define TRACE_TEXT_LEN 256

/* "port lan0", "VTEP 198.18.0.2", ... */
const char *cmd_trace_place(const struct gateway *g, enum dp_where where, uint16_t target,
                            char buf[TRACE_NAME_LEN]);

#endif
