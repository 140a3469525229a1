/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * Looking at what the fast path's programs do. Their source is compiled twice: as it is, for ports; and with
 * FP_LOOKING (fp_*_look.bpf.c), so that what a look costs is not in the programs that carry frames, not even
 * as a branch that is never taken. Where something is decided they call what is here, and without FP_LOOKING
 * that is nothing.
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

static __always_inline void fp_look_dropped(const struct fp_way *w, __u32 reason)
{
    fp_look_ended(w, FP_LOOK_DROP, reason);
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
}

#else

#define fp_look_only()              0
#define fp_look_found(found, where) ((void)0)
#define fp_look_dropped(w, reason)  ((void)0)
#define fp_look_punted(w, why)      ((void)0)
#define fp_look_passed(w)           ((void)0)
#define fp_look_left(w, port)       ((void)0)

#endif

#endif
