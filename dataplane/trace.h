/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What would happen to a frame now, step by step, without sending, learning or counting anything. It goes by
 * the tables that the worker goes by (the FDB, the neighbours, the snapshot) and by its own predicates
 * (forward.h, proxy.h, snoop.h); what depends on the next moment is left out: storm limits, full queues, and
 * the worker's short memory of sources that it has just reported.
 *
 * Control thread only.
 */
#ifndef DATAPLANE_TRACE_H
#define DATAPLANE_TRACE_H

#include "conf/forwarding.h"

#define TRACE_STEPS     48
#define TRACE_FRAME_MAX 2048

struct dp;

enum trace_kind {
    TRACE_NETWORK,       /* at a port: vlan (0: untagged) is network `net` */
    TRACE_TUNNEL,        /* from a VTEP: target may send for the network's VNI (R1.9) */
    TRACE_SOURCE_KNOWN,  /* where it came from is where the table has it */
    TRACE_SOURCE_LEARN,  /* not in the table: it is learned */
    TRACE_SOURCE_MOVES,  /* the table has it at where, target: it moves here */
    TRACE_SOURCE_IGNORE, /* not learned from there (R1.10) */
    TRACE_SHOWS_IP,      /* ip: that the sender has it */
    TRACE_ASKS,          /* for ip, and the proxy does not answer */
    TRACE_PROXY,         /* for ip, and the proxy answers with mac (R7.2) */
    TRACE_GROUP,         /* a broadcast or multicast destination */
    TRACE_UNKNOWN,       /* the table does not have the destination; flooded to the WAN: `yes` */
    TRACE_FOUND,         /* the destination is at where, target; marks below */
    TRACE_BICAST,        /* a second copy while a move is prepared */
    TRACE_BOUNCE,        /* it has left: sent on over the WAN, once (R6.5) */
    TRACE_OUT_PORT,      /* leaves by port target, with tag vlan (0: none) */
    TRACE_OUT_VTEP,      /* leaves to VTEP target */
    TRACE_OUT_OWN,       /* to the gateway itself */
    TRACE_DROP,          /* reason; where, target: of one copy, else (where 0) all of it */
    TRACE_KINDS
};

struct trace_step {
    enum trace_kind kind;
    enum dp_where where;
    uint16_t target;
    uint16_t vlan;
    bool yes;
    struct dp_dest dest; /* TRACE_FOUND */
    dp_net_id net;
    enum drop_reason reason;
    struct mac mac;
    struct ipaddr ip;
};

struct trace {
    struct trace_step step[TRACE_STEPS];
    unsigned n, more; /* more: steps that had no room */
    unsigned left;    /* copies that leave */
    unsigned dropped; /* copies that do not */
    dp_net_id net;    /* 0: none was found */
};

struct trace_frame {
    enum dp_where from; /* DP_WHERE_PORT or DP_WHERE_VTEP */
    uint16_t source;
    dp_net_id net;        /* from a VTEP: its network; from a port: the tag says it */
    const uint8_t *frame; /* as the port gets it; from a VTEP: the inner frame */
    uint16_t len;         /* TRACE_FRAME_MAX at most */
};

/* -EINVAL: too long, or before the first dp_publish(). */
int dp_trace(const struct dp *dp, const struct trace_frame *f, struct trace *out);

struct worker;
struct snapshot;
/* The same, for tests: a worker's tables. */
void trace_frame(const struct worker *w, const struct snapshot *s, const struct trace_frame *f,
                 struct trace *out);

#endif
