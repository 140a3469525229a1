/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A capture on its way from the worker (dataplane/capture.h) and the fast path (ebpf/fastpath_capture.h) to
 * the API client that asked for it, one JSON line a frame, in the order of time. One at a time; it ends by
 * number, by time, or with its client. What that client does not take in time waits in the rings, and what
 * then has no room there is lost and counted. Control thread only.
 */
#ifndef CONTROLPLANE_GATEWAY_CAPTURE_H
#define CONTROLPLANE_GATEWAY_CAPTURE_H

#include "controlplane/gateway.h"
#include "dataplane/capture.h"

struct gateway_capture_config {
    struct capture_filter filter;
    uint32_t count;   /* frames; 0: no end */
    uint32_t seconds; /* 0: no end */
    uint64_t call;    /* of the client */
};

/* 0; -EBUSY: there is one; -ENOENT: no such client; -ENOMEM, -EINVAL. Without_fast: "", or why what the fast
 * path carries is not among the frames. */
int gateway_capture_start(struct gateway *g, const struct gateway_capture_config *config, char *without_fast,
                          size_t len);
/* Ends it, if there is one. */
void gateway_capture_stop(struct gateway *g);

#endif
