/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Loads our XDP programs; see xdp_program.h. Their names inside (the function, the map of sockets) are
 * libxdp's, so they are the same in all of them. Control thread only.
 */
#include "ebpf/xdp_program.h"

#include "ebpf/fp_look.h" /* before the skeletons, which need it */

#include "ebpf/fail.h"
#include "ebpf/fastpath_capture.h"
#include "ebpf/fastpath_private.h"
#include "ebpf/fp_access.skel.h"
#include "ebpf/fp_access_look.skel.h"
#include "ebpf/fp_wan.skel.h"
#include "ebpf/fp_wan_look.skel.h"
#include "ebpf/xdp_message.h"
#include "ebpf/xdp_port.h"
#include "ebpf/xdp_port.skel.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

struct xdp_program {
    const char *name;
    struct xdp_port *port; /* one of these skeletons */
    struct fp_access *access;
    struct fp_wan *wan;
    struct fp_access_look *access_look;
    struct fp_wan_look *wan_look;
    struct bpf_object *object;
    struct bpf_program *main, *probe;
    struct bpf_map *sockets;
};

static void configure_port(struct xdp_port_config *to, const struct xdp_config *config)
{
    to->take_all = config->take == XDP_TAKE_ALL;
    to->family = config->address.family;
    memcpy(to->vtep, config->address.b, sizeof(to->vtep));
    to->vxlan_port = htons(config->vxlan_port);
}

static void configure_fast(struct fp_program_config *to, const struct xdp_program_spec *spec)
{
    const struct xdp_config *config = spec->config;

    to->port = config->port;
    to->fast = spec->fast;
    to->family = config->address.family;
    memcpy(to->vtep, config->address.b, sizeof(to->vtep));
    to->vxlan_port = htons(config->vxlan_port);
}

/* The skeletons differ in type only. */
#define OPEN(p, kind, member)                                                                                \
    do {                                                                                                     \
        (p)->name = #kind;                                                                                   \
        (p)->member = kind##__open();                                                                        \
        if ((p)->member) {                                                                                   \
            (p)->object = (p)->member->obj;                                                                  \
            (p)->main = (p)->member->progs.xsk_def_prog;                                                     \
            (p)->probe = (p)->member->progs.xdp_port_probe;                                                  \
            (p)->sockets = (p)->member->maps.xsks_map;                                                       \
        }                                                                                                    \
    } while (0)

#define CONFIGURE_FAST(p, member)                                                                            \
    do {                                                                                                     \
        if ((p)->member)                                                                                     \
            configure_fast((struct fp_program_config *)&(p)->member->rodata->config, spec);                  \
    } while (0)

#define CONFIGURE_LOOK(p, member)                                                                            \
    do {                                                                                                     \
        CONFIGURE_FAST(p, member);                                                                           \
        if ((p)->member)                                                                                     \
            *(struct fp_look_config *)&(p)->member->rodata->look =                                           \
                (struct fp_look_config){.trace = spec->trace, .capture = spec->capture != NULL};             \
    } while (0)

static void open_program(struct xdp_program *p, const struct xdp_program_spec *spec)
{
    bool wan = spec->config->take == XDP_TAKE_VXLAN, look = spec->trace || spec->capture;

    if (!spec->fp) {
        OPEN(p, xdp_port, port);
        if (p->port)
            configure_port((struct xdp_port_config *)&p->port->rodata->config, spec->config);
    } else if (look && wan) {
        OPEN(p, fp_wan_look, wan_look);
        CONFIGURE_LOOK(p, wan_look);
    } else if (look) {
        OPEN(p, fp_access_look, access_look);
        CONFIGURE_LOOK(p, access_look);
    } else if (wan) {
        OPEN(p, fp_wan, wan);
        CONFIGURE_FAST(p, wan);
    } else {
        OPEN(p, fp_access, access);
        CONFIGURE_FAST(p, access);
    }
}

/* For a trace, which is to leave no mark: the tables are those of the fast path, what it counts in is its
 * own, and no larger than it must be. */
static int use_tables(const struct xdp_program *p, const struct fastpath_maps *m)
{
    static const enum fastpath_map_id tables[] = {FASTPATH_FDB, FASTPATH_TOPOLOGY, FASTPATH_TX,
                                                  FASTPATH_CONTROL};
    static const enum fastpath_map_id counters[] = {FASTPATH_BOUNCED, FASTPATH_NET_COUNT,
                                                    FASTPATH_VTEP_COUNT};
    int rc = 0;

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && rc == 0; i++)
        rc = bpf_map__reuse_fd(bpf_object__find_map_by_name(p->object, fastpath_map_name(tables[i])),
                               m->fd[tables[i]]);
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]) && rc == 0; i++)
        rc = bpf_map__set_max_entries(bpf_object__find_map_by_name(p->object, fastpath_map_name(counters[i])),
                                      1);
    return rc;
}

static int load(struct xdp_program *p, const struct xdp_program_spec *spec)
{
    int rc = spec->sockets ? bpf_map__reuse_fd(p->sockets, bpf_map__fd(spec->sockets->sockets))
                           : bpf_map__set_max_entries(p->sockets, spec->queues);

    if (rc == 0 && spec->trace)
        rc = use_tables(p, &spec->fp->maps);
    else if (rc == 0 && spec->fp)
        rc = fastpath_maps_use(&spec->fp->maps, p->object);
    if (rc == 0 && spec->capture)
        rc = fastpath_capture_use(spec->capture, p->object);
    return rc ? rc : bpf_object__load(p->object);
}

int xdp_program_load(const struct xdp_program_spec *spec, struct xdp_program **out, char *err, size_t err_len)
{
    const char *ifname = spec->config->ifname;
    struct xdp_program *p = calloc(1, sizeof(*p));
    int rc;

    if (!p)
        return fail(err, err_len, -ENOMEM, "interface %s: out of memory", ifname);
    xdp_message_clear();
    errno = 0;
    open_program(p, spec);
    rc = p->object ? 0 : -(errno ? errno : EINVAL);
    if (rc)
        fail(err, err_len, rc, "interface %s: our XDP program cannot be opened: %s", ifname,
             xdp_message_reason(rc));
    if (rc == 0) {
        rc = load(p, spec);
        if (rc)
            fail(err, err_len, rc, "interface %s: the kernel does not take our XDP program %s: %s", ifname,
                 p->name, xdp_message_reason(rc));
    }
    if (rc) {
        xdp_program_free(p);
        return rc;
    }
    *out = p;
    return 0;
}

void xdp_program_free(struct xdp_program *p)
{
    if (!p)
        return;
    xdp_port__destroy(p->port);
    fp_access__destroy(p->access);
    fp_wan__destroy(p->wan);
    fp_access_look__destroy(p->access_look);
    fp_wan_look__destroy(p->wan_look);
    free(p);
}

const char *xdp_program_name(const struct xdp_program *p)
{
    return p->name;
}

int xdp_program_fd(const struct xdp_program *p)
{
    return bpf_program__fd(p->main);
}

int xdp_program_map(const struct xdp_program *p, const char *map)
{
    int fd = bpf_object__find_map_fd_by_name(p->object, map);

    return fd < 0 ? -ENOENT : fd;
}

int xdp_program_id(const struct xdp_program *p, uint32_t *id)
{
    struct bpf_prog_info info = {0};
    uint32_t len = sizeof(info);
    int rc = bpf_obj_get_info_by_fd(xdp_program_fd(p), &info, &len);

    *id = info.id;
    return rc;
}

int xdp_program_has_socket(const struct xdp_program *p, int ifindex, unsigned queue)
{
    unsigned char frame[64] = {0};
    struct xdp_md md = {
        .data_end = sizeof(frame),
        .ingress_ifindex = (uint32_t)ifindex,
        .rx_queue_index = queue,
    };
    LIBBPF_OPTS(bpf_test_run_opts, opts);
    int rc;

    opts.data_in = frame;
    opts.data_size_in = sizeof(frame);
    opts.ctx_in = &md;
    opts.ctx_size_in = sizeof(md);
    rc = bpf_prog_test_run_opts(bpf_program__fd(p->probe), &opts);
    return rc ? rc : opts.retval == XDP_REDIRECT;
}

int xdp_program_counters(const struct xdp_program *p, struct xdp_counters *out)
{
    uint64_t sum[XDP_PORT_COUNTERS] = {0};
    int n = libbpf_num_possible_cpus();
    uint64_t *values;
    int rc = 0;

    if (!p->port)
        return -ENOTSUP;
    if (n < 0)
        return n;
    values = calloc((size_t)n, sizeof(*values));
    if (!values)
        return -ENOMEM;
    for (uint32_t key = 0; key < XDP_PORT_COUNTERS && !rc; key++) {
        rc = bpf_map_lookup_elem(bpf_map__fd(p->port->maps.counters), &key, values);
        for (int cpu = 0; cpu < n && !rc; cpu++)
            sum[key] += values[cpu];
    }
    free(values);
    out->taken = sum[XDP_PORT_TAKEN];
    out->passed = sum[XDP_PORT_PASSED];
    out->unserved = sum[XDP_PORT_UNSERVED];
    return rc;
}
