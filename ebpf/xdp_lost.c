/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See xdp_lost.h. Control thread only.
 *
 * Tricky: tracefs may be mounted elsewhere or nowhere ('ip netns exec' hides it). So one of our own is asked
 * for where it is not in its place: it needs no mount point, and is gone when its descriptor is.
 */
#include "ebpf/xdp_lost.h"

#include "ebpf/fail.h"
#include "ebpf/fp.h"
#include "ebpf/xdp_lost_trace.skel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define TRACEFS "/sys/kernel/tracing"

struct xdp_lost {
    struct xdp_lost_trace *bpf;
};

struct tracepoint {
    const char *name;
    const char *fields[8]; /* with their offsets, as the program has them */
};

static const struct tracepoint redirect_err = {
    .name = "xdp_redirect_err",
    .fields = {"map_id;\toffset:28;\tsize:4;", "map_index;\toffset:32;\tsize:4;"},
};
static const struct tracepoint devmap_xmit = {
    .name = "xdp_devmap_xmit",
    .fields = {"from_ifindex;\toffset:8;\tsize:4;", "to_ifindex;\toffset:16;\tsize:4;",
               "drops;\toffset:20;\tsize:4;"},
};

/* ---- tracefs ---- */

/* A file descriptor of its root, or -errno. */
static int open_tracefs(void)
{
    int root = open(TRACEFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fs, rc;

    if (root >= 0 && faccessat(root, "events/xdp", F_OK, 0) == 0)
        return root;
    if (root >= 0)
        close(root);
    fs = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
    if (fs < 0)
        return -errno;
    rc = (int)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (rc == 0)
        rc = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
    if (rc < 0)
        rc = -errno;
    close(fs);
    return rc;
}

/* Ends it with a zero. 0 or -errno. */
static int read_file(int tracefs, const char *tracepoint, const char *file, char *text, size_t size)
{
    char path[128];
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "events/xdp/%s/%s", tracepoint, file);
    fd = openat(tracefs, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    n = read(fd, text, size - 1);
    if (n < 0)
        n = -errno;
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n < 0 ? (int)n : 0;
}

/* ---- attaching ---- */

static int check_shape(int tracefs, const struct tracepoint *t, char *err, size_t err_len)
{
    char format[4096];
    int rc = read_file(tracefs, t->name, "format", format, sizeof(format));

    if (rc < 0)
        return fail(err, err_len, rc, "the kernel has no tracepoint %s: %s", t->name, strerror(-rc));
    for (unsigned i = 0; i < sizeof(t->fields) / sizeof(t->fields[0]) && t->fields[i]; i++)
        if (!strstr(format, t->fields[i]))
            return fail(err, err_len, -ENOTSUP, "the kernel's tracepoint %s is of another shape", t->name);
    return 0;
}

/* On every CPU, whichever is named here, and until the skeleton is destroyed. */
static int attach_at(const char *id, struct bpf_program *program, struct bpf_link **link)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_TRACEPOINT,
        .size = sizeof(attr),
        .config = strtoull(id, NULL, 10),
    };
    int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

    if (fd < 0)
        return -errno;
    *link = bpf_program__attach_perf_event(program, fd);
    if (*link)
        return 0;
    close(fd);
    return errno ? -errno : -EINVAL;
}

static int attach(int tracefs, const struct tracepoint *t, struct bpf_program *program,
                  struct bpf_link **link, char *err, size_t err_len)
{
    char id[32];
    int rc = check_shape(tracefs, t, err, err_len);

    if (rc < 0)
        return rc;
    rc = read_file(tracefs, t->name, "id", id, sizeof(id));
    if (rc == 0)
        rc = attach_at(id, program, link);
    return rc < 0 ? fail(err, err_len, rc, "tracepoint %s: %s", t->name, strerror(-rc)) : 0;
}

static int attach_all(struct xdp_lost_trace *b, char *err, size_t err_len)
{
    int tracefs = open_tracefs(), rc;

    if (tracefs < 0)
        return fail(err, err_len, tracefs, "tracefs is not to be had: %s", strerror(-tracefs));
    rc = attach(tracefs, &redirect_err, b->progs.on_redirect_err, &b->links.on_redirect_err, err, err_len);
    if (rc == 0)
        rc = attach(tracefs, &devmap_xmit, b->progs.on_devmap_xmit, &b->links.on_devmap_xmit, err, err_len);
    close(tracefs);
    return rc;
}

static int load(struct xdp_lost *l, int devmap_fd, char *err, size_t err_len)
{
    struct bpf_map_info info = {0};
    uint32_t len = sizeof(info);
    libbpf_print_fn_t print;
    int rc;

    if (bpf_obj_get_info_by_fd(devmap_fd, &info, &len))
        return fail(err, err_len, -errno, "the map of ports cannot be looked at: %s", strerror(errno));
    print = libbpf_set_print(NULL); /* err says it */
    l->bpf = xdp_lost_trace__open();
    rc = l->bpf ? 0 : -EINVAL;
    if (rc == 0) {
        *(uint32_t *)&l->bpf->rodata->devmap_id = info.id;
        rc = xdp_lost_trace__load(l->bpf);
    }
    libbpf_set_print(print);
    return rc < 0 ? fail(err, err_len, rc, "the kernel does not take the program that listens: %s",
                         strerror(-rc))
                  : 0;
}

int xdp_lost_open(int devmap_fd, struct xdp_lost **out, char *err, size_t err_len)
{
    struct xdp_lost *l = calloc(1, sizeof(*l));
    int rc;

    if (!l)
        return fail(err, err_len, -ENOMEM, "out of memory");
    rc = load(l, devmap_fd, err, err_len);
    if (rc == 0)
        rc = attach_all(l->bpf, err, err_len);
    if (rc < 0) {
        xdp_lost_close(l);
        return rc;
    }
    *out = l;
    return 0;
}

void xdp_lost_close(struct xdp_lost *l)
{
    if (!l)
        return;
    xdp_lost_trace__destroy(l->bpf);
    free(l);
}

void xdp_lost_port(struct xdp_lost *l, unsigned port, uint32_t ifindex)
{
    if (l && port < FP_PORTS)
        __atomic_store_n(&l->bpf->bss->ifindexes[port], ifindex, __ATOMIC_RELAXED);
}

uint64_t xdp_lost_frames(const struct xdp_lost *l, unsigned port)
{
    return l && port < FP_PORTS ? __atomic_load_n(&l->bpf->bss->lost[port], __ATOMIC_RELAXED) : 0;
}
