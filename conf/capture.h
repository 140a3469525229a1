/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What both data planes are asked to copy for who looks at frames, and what they give: dataplane/capture.h
 * and ebpf/fastpath_capture.h. Types only.
 */
#ifndef CONF_CAPTURE_H
#define CONF_CAPTURE_H

#include "conf/forwarding.h"

#define CAPTURE_SNAP     256 /* bytes, if nobody says */
#define CAPTURE_SNAP_MAX 2048

enum capture_what { CAPTURE_IN, CAPTURE_OUT, CAPTURE_DROP };

/* All that is set must be met. */
struct capture_filter {
    bool drops;              /* what is dropped, else what comes in and goes out */
    enum drop_reason reason; /* DROP_N: any */
    dp_port_id port;         /* DP_NO_PORT: any */
    dp_net_id net;           /* 0: any. Not of what is dropped: that has lost its tag */
    bool by_mac;             /* as source or destination; of VXLAN the inner one */
    struct mac mac;
    uint16_t snap; /* 1..CAPTURE_SNAP_MAX */
};

struct capture_frame {
    uint64_t unix_ns;
    enum capture_what what;
    enum drop_reason reason; /* CAPTURE_DROP */
    dp_port_id port;         /* a drop: that it came in by; DP_NO_PORT: none of ours */
    dp_net_id net;           /* 0: not known */
    uint32_t len;            /* of the frame */
    uint16_t snapped;        /* bytes in data */
    uint8_t data[CAPTURE_SNAP_MAX];
};

#endif
