/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * The fast path's maps as its programs see them, and the ways a frame ends that is not carried: dropped by
 * name, handed to the worker, left to the kernel. fastpath.c shares the maps among the programs and sets
 * their sizes; xsks_map is each program's own.
 *
 * Counters add up as dataplane/dp.h says: a frame that is carried or dropped is in its port's rx, one that
 * goes to the worker is not: the worker counts it.
 */
#ifndef EBPF_FP_MAPS_BPF_H
#define EBPF_FP_MAPS_BPF_H

#include "conf/drop.h"
#include "ebpf/fp.h"
#include "ebpf/xdp_sockets.bpf.h"

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "keys and MACs are read as little-endian numbers"
#endif

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct fp_program_config config = {};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct fp_fdb_bucket);
    __uint(max_entries, 1024);
} fp_fdb SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, __u64);
    __uint(max_entries, 1024 * FP_FDB_WAYS);
} fp_bounced SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct fp_topology);
    __uint(max_entries, FP_TOPOLOGIES);
} fp_topology SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct fp_control);
    __uint(max_entries, 1);
} fp_control SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __type(key, __u32);
    __type(value, __u32);
    __uint(max_entries, FP_PORTS);
} fp_tx SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, struct fp_port_counters);
    __uint(max_entries, FP_PORTS);
} fp_port_count SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, struct fp_net_counters);
    __uint(max_entries, FP_NETS);
} fp_net_count SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, struct fp_vtep_counters);
    __uint(max_entries, FP_VTEPS);
} fp_vtep_count SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, __u64);
    __uint(max_entries, DROP_N);
} fp_drop_count SEC(".maps");

/* A frame on its way. */
struct fp_way {
    struct xdp_md *ctx;
    const struct fp_topology *t;
    const struct fp_control *control;
    struct fp_port_counters *port; /* it came in by; this CPU's */
    const struct fp_net *net;
    __u32 net_id;
    __u32 vtep;     /* it came from; 0: from an access port */
    __u32 received; /* its length as it came in, all buffers */
    __u32 len;      /* of the inner frame without the tag of an access port */
    __u16 type;     /* the inner frame's EtherType, as it stands there */
    __u8 ttl;       /* of a frame that is bounced: the most its outer header may have */
#ifdef FP_LOOKING
    __u8 looked;   /* a capture has it as it came in */
    __u32 look_at; /* where the inner frame is now */
#endif
};

#include "ebpf/fp_look.bpf.h"

/* x below n, a power of two, in a way that the compiler cannot take out or move: the verifier has to see it.
 * For numbers that are below n anyway. */
#define FP_BOUNDED(x, n)                                                                                     \
    ({                                                                                                       \
        __u32 bounded_ = (x);                                                                                \
        asm volatile("" : "+r"(bounded_));                                                                   \
        bounded_ &(n - 1);                                                                                   \
    })

#define FP_PORT_SLOTS 32 /* the power of two above FP_PORTS */

static __always_inline void fp_count(struct fp_count *c, __u32 bytes)
{
    c->frames++;
    c->bytes += bytes;
}

/* Looks up what the control plane published last: w->t, or NULL. */
static __always_inline void fp_active(struct fp_way *w)
{
    __u32 key = 0;

    w->control = bpf_map_lookup_elem(&fp_control, &key);
    if (!w->control)
        return;
    key = *(const volatile __u32 *)&w->control->active;
    w->t = bpf_map_lookup_elem(&fp_topology, &key);
}

static __always_inline struct fp_port_counters *fp_port_counters(__u32 port)
{
    return bpf_map_lookup_elem(&fp_port_count, &port);
}

/* Once its destination is known: the port it came in by counts no drop then (conf/forwarding.h). */
static __always_inline int fp_drop(struct fp_way *w, enum drop_reason reason)
{
    __u32 key = reason;
    __u64 *n = bpf_map_lookup_elem(&fp_drop_count, &key);

    fp_look_dropped(w, reason);
    fp_count(&w->port->rx, w->received);
    if (n)
        (*n)++;
    return XDP_DROP;
}

static __always_inline int fp_drop_received(struct fp_way *w, enum drop_reason reason)
{
    w->port->drops++;
    return fp_drop(w, reason);
}

/* False: over the limit (GCRA). */
static __always_inline int fp_may_punt(struct fp_way *w)
{
    __u64 interval = w->t ? w->t->punt_interval_ns : 0, now, at;

    if (!interval)
        return 1;
    now = bpf_ktime_get_ns();
    at = w->port->punt_at;
    if (at < now)
        at = now;
    if (at - now > w->t->punt_burst_ns)
        return 0;
    w->port->punt_at = at + interval;
    return 1;
}

/* To the worker, as it came; to the kernel where there is no worker's socket. */
static __always_inline int fp_to_worker(struct fp_way *w, enum fp_punt why)
{
    int action = xdp_to_socket(w->ctx);

    fp_look_punted(w, why);
    if (action == XDP_REDIRECT)
        w->port->punts[why]++;
    else
        w->port->unserved++;
    return action;
}

/* For what the worker wants to see and the fast path could carry: while no process is there (it was killed),
 * it does. */
static __always_inline int fp_worker_is_there(const struct fp_way *w)
{
    /* A trace is asked for by who has the worker; the map is not the port's then. */
    return fp_look_only() || xdp_to_socket(w->ctx) == XDP_REDIRECT;
}

/* Known unicast that cannot be redirected is what the worker is there for: the limit is for what needs
 * thought, so that it leaves the worker time. */
static __always_inline int fp_punt(struct fp_way *w, enum fp_punt why)
{
    return why == FP_PUNT_no_redirect || fp_may_punt(w) ? fp_to_worker(w, why)
                                                        : fp_drop_received(w, DROP_punt_limit);
}

#endif
