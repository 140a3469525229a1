/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See fastpath_capture.h. Control thread only.
 */
#include "ebpf/fastpath_capture.h"

#include "ebpf/fail.h"
#include "ebpf/fp_look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define RING_LEN (2u << 20) /* 1,000 frames of CAPTURE_SNAP_MAX; a power of two, and whole pages */
#define LEASE_NS 2000000000ull

_Static_assert(FP_LOOK_SNAP == CAPTURE_SNAP_MAX && FP_LOOK_ANY == DP_NO_PORT, "fp_look.h");
_Static_assert(FP_LOOK_IN == (int)CAPTURE_IN && FP_LOOK_OUT == (int)CAPTURE_OUT &&
                   FP_LOOK_DROPPED == (int)CAPTURE_DROP,
               "fp_look.h");
_Static_assert(sizeof(struct fp_look_filter) == 48, "the programs are compiled for another machine");
_Static_assert(offsetof(struct fp_look_frame, data) == 24, "the programs are compiled for another machine");

struct fastpath_capture {
    int filter_fd, ring_fd;
    struct fp_look_filter *filter; /* mapped */
    struct ring_buffer *ring;
    struct capture_frame *to; /* where take() puts a frame */
    bool taken;
};

/* ---- life */

static size_t filter_memory(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Tells the reader of the ring to stop: that was the one. */
static int take(void *ctx, void *data, size_t len)
{
    struct fastpath_capture *c = ctx;
    const struct fp_look_frame *f = data;
    const size_t head = offsetof(struct fp_look_frame, data);
    struct timespec real;

    if (len < head || f->snapped > CAPTURE_SNAP_MAX || len < head + f->snapped)
        return 0;
    clock_gettime(CLOCK_REALTIME, &real);
    *c->to = (struct capture_frame){
        .unix_ns = (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec - (mono_now().ns - f->ns),
        .what = (enum capture_what)f->what,
        .reason = (enum drop_reason)f->reason,
        .port = f->port,
        .net = f->net,
        .len = f->len,
        .snapped = f->snapped,
    };
    memcpy(c->to->data, f->data, f->snapped);
    c->taken = true;
    return -ECANCELED;
}

static void fill(struct fp_look_filter *to, const struct capture_filter *f)
{
    to->by_mac = f->by_mac;
    for (unsigned i = 0; i < 6; i++)
        to->mac |= (uint64_t)f->mac.b[i] << 8 * i;
    to->drops = f->drops;
    to->reason = f->reason;
    to->port = f->port;
    to->net = f->net;
    to->snap = f->snap;
}

/* 0 or -errno. */
static int make_maps(struct fastpath_capture *c)
{
    LIBBPF_OPTS(bpf_map_create_opts, opts);
    void *p;

    opts.map_flags = BPF_F_MMAPABLE;
    c->filter_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fp_look_filter", sizeof(uint32_t),
                                  sizeof(struct fp_look_filter), 1, &opts);
    if (c->filter_fd < 0)
        return c->filter_fd;
    c->ring_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "fp_look_ring", 0, 0, RING_LEN, NULL);
    if (c->ring_fd < 0)
        return c->ring_fd;
    p = mmap(NULL, filter_memory(), PROT_READ | PROT_WRITE, MAP_SHARED, c->filter_fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    c->filter = p;
    c->ring = ring_buffer__new(c->ring_fd, take, c, NULL);
    return c->ring ? 0 : -errno;
}

int fastpath_capture_open(const struct capture_filter *filter, struct fastpath_capture **out, char *err,
                          size_t err_len)
{
    struct fastpath_capture *c = calloc(1, sizeof(*c));
    int rc = -ENOMEM;

    if (c) {
        c->filter_fd = c->ring_fd = -1;
        rc = make_maps(c);
    }
    if (rc < 0) {
        fastpath_capture_close(c);
        return fail(err, err_len, rc, "the fast path's ring of frames cannot be had: %s", strerror(-rc));
    }
    fill(c->filter, filter);
    fastpath_capture_go_on(c);
    *out = c;
    return 0;
}

void fastpath_capture_close(struct fastpath_capture *c)
{
    if (!c)
        return;
    ring_buffer__free(c->ring);
    if (c->filter)
        munmap(c->filter, filter_memory());
    if (c->ring_fd >= 0)
        close(c->ring_fd);
    if (c->filter_fd >= 0)
        close(c->filter_fd);
    free(c);
}

int fastpath_capture_use(const struct fastpath_capture *c, struct bpf_object *obj)
{
    int rc = bpf_map__reuse_fd(bpf_object__find_map_by_name(obj, "fp_look_filter"), c->filter_fd);

    return rc ? rc : bpf_map__reuse_fd(bpf_object__find_map_by_name(obj, "fp_look_ring"), c->ring_fd);
}

/* ---- while it is under way */

void fastpath_capture_go_on(struct fastpath_capture *c)
{
    __atomic_store_n(&c->filter->until, mono_now().ns + LEASE_NS, __ATOMIC_RELEASE);
}

bool fastpath_capture_pop(struct fastpath_capture *c, struct capture_frame *out)
{
    c->to = out;
    c->taken = false;
    (void)ring_buffer__consume(c->ring);
    return c->taken;
}

uint64_t fastpath_capture_lost(const struct fastpath_capture *c)
{
    return __atomic_load_n(&c->filter->lost, __ATOMIC_RELAXED);
}
