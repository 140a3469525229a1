/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the fast path would do with a frame now: the program of the port is loaded once more, as its looking
 * variant (fp_look.bpf.h), and run by the kernel on the frame, on the tables that the ports' programs go by.
 * Nothing is sent; what it counts and would write down goes into maps of its own, so no counter, no last-seen
 * time and no punt limit is touched. So the limit on punts is not foreseen.
 *
 * Control thread only; loading takes some ten milliseconds of it.
 */
#ifndef EBPF_FASTPATH_TRACE_H
#define EBPF_FASTPATH_TRACE_H

#include "ebpf/fastpath.h"

#define FASTPATH_TRACE_IN    2118 /* longest frame: 2048 bytes behind an outer header */
#define FASTPATH_TRACE_OUTER 70
#define FASTPATH_TRACE_OUT   (FASTPATH_TRACE_IN + FASTPATH_TRACE_OUTER + 4)

enum fastpath_end {
    FASTPATH_TO_PORT,
    FASTPATH_TO_VTEP,
    FASTPATH_DROPPED,
    FASTPATH_TO_WORKER,
    FASTPATH_TO_KERNEL, /* not for the gateway */
};

struct fastpath_found {
    bool looked; /* was it looked for? */
    bool found;
    bool slow; /* the worker's, whatever dest says */
    struct dp_dest dest;
};

struct fastpath_trace {
    enum fastpath_end end;
    enum drop_reason reason; /* FASTPATH_DROPPED */
    unsigned punt;           /* FASTPATH_TO_WORKER: why; fastpath_punt_name() */
    dp_net_id net;           /* 0: not known by then */
    dp_vtep_id vtep;         /* it came from; 0: from none, or not known by then */
    struct fastpath_found source, destination;
    dp_port_id port; /* it leaves by */
    uint16_t len;    /* of the frame as it is then */
    uint8_t frame[FASTPATH_TRACE_OUT];
};

struct fastpath_tracer;

/* port: that frames come in by. 0; -ENODATA: nothing is published yet; -ENOENT: it is not a port of the fast
 * path; or another -errno; always with a sentence in err. */
int fastpath_tracer_open(const struct fastpath *fp, dp_port_id port, struct fastpath_tracer **out, char *err,
                         size_t err_len);
/* The frame as the port gets it. 0; -EMSGSIZE: too long; -EINVAL: the kernel runs no frame that short. */
int fastpath_tracer_run(const struct fastpath_tracer *tracer, const void *frame, size_t len,
                        struct fastpath_trace *out);
void fastpath_tracer_close(struct fastpath_tracer *tracer);

/* The frame as it comes from a VTEP, behind an outer header that the gateway takes. The underlay's port in
 * *port. out: len + FASTPATH_TRACE_OUTER bytes. Returns its length; 0: no such network or VTEP. */
size_t fastpath_trace_from_vtep(const struct fastpath *fp, dp_net_id net, dp_vtep_id vtep, const void *frame,
                                size_t len, uint8_t *out, dp_port_id *port);

#endif
