/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * Looking at what the fast path's programs do. Their source is compiled twice: as it is, for ports; and with
 * FP_LOOKING (fp_*_look.bpf.c), so that what a look costs is not in the programs that carry frames, not even
 * as a branch that is never taken. Where something is decided they call what is here, and without FP_LOOKING
 * that is nothing.
 *
 * A trace notes what is decided. A capture copies frames: as they came in, once it is decided that the worker
 * does not get them (it would show them, too) and before they are changed; as they leave; or as they are when
 * they are dropped.
 *
 * Included by fp_maps.bpf.h.
 */
#ifndef EBPF_FP_LOOK_BPF_H
#define EBPF_FP_LOOK_BPF_H

#ifdef FP_LOOKING

#include "ebpf/fp_look.h"

const volatile struct fp_look_config look = {};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __type(key, __u32);
    __type(value, struct fp_look_trace);
    __uint(max_entries, 1);
} fp_look_trace SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct fp_look_filter);
    __uint(max_entries, 1);
} fp_look_filter SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 16); /* a capture has another one */
} fp_look_ring SEC(".maps");

/* Where a frame is put together: a ring takes no more than it is given, but as one piece. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, struct fp_look_frame);
    __uint(max_entries, 1);
} fp_look_room SEC(".maps");

/* at: where the frame's own MACs are. */
static __always_inline int fp_look_has_mac(struct xdp_md *ctx, __u32 at, __u64 mac)
{
    __u64 macs[2] = {0, 0};

    if (bpf_xdp_load_bytes(ctx, at, macs, 12))
        return 0;
    return (macs[0] & 0xffffffffffffull) == mac || (macs[0] >> 48 | macs[1] << 16) == mac;
}

/* what_why: enum fp_look_what, and the drop reason << 16. port_net: port, and network << 16. A function of
 * its own: the verifier goes through it once. */
__noinline int fp_look_copy(struct xdp_md *ctx, __u32 what_why, __u32 port_net, __u32 at)
{
    __u32 zero = 0, what = what_why & 0xffff, reason = what_why >> 16, port = port_net & 0xffff,
          net = port_net >> 16, len, n;
    struct fp_look_filter *f = bpf_map_lookup_elem(&fp_look_filter, &zero);
    struct fp_look_frame *frame = bpf_map_lookup_elem(&fp_look_room, &zero);
    __u64 now = bpf_ktime_get_ns();

    if (!f || !frame || now >= f->until || (what == FP_LOOK_DROPPED) != (f->drops != 0) ||
        (f->port != FP_LOOK_ANY && f->port != port))
        return 0;
    if (what == FP_LOOK_DROPPED ? f->reason != DROP_N && f->reason != reason : f->net != 0 && f->net != net)
        return 0;
    if (f->by_mac && !fp_look_has_mac(ctx, at, f->mac))
        return 0;
    len = (__u32)bpf_xdp_get_buff_len(ctx);
    n = len < f->snap ? len : f->snap;
    /* 1..FP_LOOK_SNAP it is already; this way a verifier that forgets what was compared (6.1) knows it, too.
     */
    n = ((n - 1) & (FP_LOOK_SNAP - 1)) + 1;
    if (bpf_xdp_load_bytes(ctx, 0, frame->data, n))
        return 0;
    frame->ns = now;
    frame->len = len;
    frame->snapped = (__u16)n;
    frame->what = (__u16)what;
    frame->reason = (__u16)reason;
    frame->port = (__u16)port;
    frame->net = (__u16)net;
    frame->pad = 0;
    if (bpf_ringbuf_output(&fp_look_ring, frame, __builtin_offsetof(struct fp_look_frame, data) + n,
                           BPF_RB_NO_WAKEUP))
        __sync_fetch_and_add(&f->lost, 1);
    return 0;
}

/* at: as the frame is, where the inner one's MACs are. */
static __always_inline void fp_look_at(struct fp_way *w, __u32 at)
{
    w->look_at = at;
}

static __always_inline void fp_look_in(struct fp_way *w)
{
    if (!look.capture || w->looked)
        return;
    w->looked = 1;
    fp_look_copy(w->ctx, FP_LOOK_IN, config.port | w->net_id << 16, w->look_at);
}

/* NULL: this is no trace. */
static __always_inline struct fp_look_trace *fp_look_notes(void)
{
    __u32 zero = 0;

    return look.trace ? bpf_map_lookup_elem(&fp_look_trace, &zero) : NULL;
}

/* Whether the tables are to stay as they are. */
static __always_inline int fp_look_only(void)
{
    return look.trace != 0;
}

static __always_inline void fp_look_found(int found, __u32 where)
{
    struct fp_look_trace *t = fp_look_notes();

    if (!t || t->finds >= FP_LOOK_FINDS)
        return;
    t->found[t->finds] = (__u32)found;
    t->where[t->finds] = where;
    t->finds++;
}

static __always_inline void fp_look_ended(const struct fp_way *w, __u32 end, __u32 why)
{
    struct fp_look_trace *t = fp_look_notes();

    if (!t)
        return;
    t->end = end;
    t->why = why;
    t->net = w->net_id;
    t->vtep = w->vtep;
}

static __always_inline void fp_look_dropped(struct fp_way *w, __u32 reason)
{
    fp_look_ended(w, FP_LOOK_DROP, reason);
    fp_look_in(w);
    if (look.capture) /* its network is not known of every drop, and so not said of any, as the worker does */
        fp_look_copy(w->ctx, FP_LOOK_DROPPED | reason << 16, config.port, w->look_at);
}

static __always_inline void fp_look_punted(const struct fp_way *w, __u32 why)
{
    fp_look_ended(w, FP_LOOK_WORKER, why);
}

static __always_inline void fp_look_passed(const struct fp_way *w)
{
    fp_look_ended(w, FP_LOOK_KERNEL, 0);
}

static __always_inline void fp_look_left(const struct fp_way *w, __u32 port)
{
    struct fp_look_trace *t = fp_look_notes();

    fp_look_ended(w, FP_LOOK_LEFT, 0);
    if (t)
        t->port = port;
    if (look.capture)
        fp_look_copy(w->ctx, FP_LOOK_OUT, port | w->net_id << 16, w->look_at);
}

#else

#define fp_look_at(w, at)           ((void)0)
#define fp_look_in(w)               ((void)0)
#define fp_look_only()              0
#define fp_look_found(found, where) ((void)0)
#define fp_look_dropped(w, reason)  ((void)0)
#define fp_look_punted(w, why)      ((void)0)
#define fp_look_passed(w)           ((void)0)
#define fp_look_left(w, port)       ((void)0)

#endif

#endif
