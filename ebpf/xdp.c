/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Loads and attaches xdp_port.bpf.c; see xdp.h for the order of things. Control thread only.
 *
 * Tricky: what may be on the interface already. A program on a bpf_link has an owner that lives (or is
 * pinned). One that was attached through netlink stays when its process dies: that is how libxdp attaches its
 * default program for any DPDK or other AF_XDP process, so it may be in use or a left-over. The two are told
 * apart by looking for a process that still has the program open. Programs by any other name are never
 * touched.
 */
#include "ebpf/xdp.h"

#include "conf/log.h"
#include "ebpf/nic.h"
#include "ebpf/xdp_holder.h"
#include "ebpf/xdp_port.h"
#include "ebpf/xdp_port.skel.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#define SUBSYSTEM       "xdp"
#define DEFAULT_PROGRAM "xsk_def_prog" /* libxdp's, and so ours */

struct xdp {
    char ifname[IFACE_NAMELEN];
    int ifindex;
    unsigned queues;
    struct xdp_port *port; /* skeleton */
    int link_fd;           /* -1: not attached */
    int promiscuous_fd;    /* -1: not asked for */
    bool rxvlan_off;       /* we switched the offload off */
    bool attached;         /* xdp_verify() has been through */
    uint32_t mode;         /* XDP_FLAGS_DRV_MODE (native) or XDP_FLAGS_SKB_MODE (generic) */
};

/* Why the kernel refused, in its own words: libbpf has them in a warning, not in its return value. */
static char last_warning[160];

__attribute__((format(printf, 4, 5))) static int fail(char *err, size_t err_len, int rc, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err, err_len, fmt, ap);
    va_end(ap);
    return rc;
}

/* ---- libbpf's and libxdp's messages
 * -------------------------------------------------------------------------- */

static void keep_message(bool warning, const char *fmt, va_list ap)
{
    char text[512];
    size_t n;

    vsnprintf(text, sizeof(text), fmt, ap);
    for (n = strlen(text); n > 0 && strchr("\n. ", text[n - 1]); n--)
        text[n - 1] = '\0';
    if (n == 0)
        return;
    if (warning)
        snprintf(last_warning, sizeof(last_warning), "%.*s", (int)sizeof(last_warning) - 1, text);
    log_debug(SUBSYSTEM, "%s", text);
}

__attribute__((format(printf, 2, 0))) static int on_libbpf_message(enum libbpf_print_level level,
                                                                   const char *fmt, va_list ap)
{
    if (level != LIBBPF_DEBUG)
        keep_message(level == LIBBPF_WARN, fmt, ap);
    return 0;
}

__attribute__((format(printf, 2, 0))) static int on_libxdp_message(enum libxdp_print_level level,
                                                                   const char *fmt, va_list ap)
{
    if (level != LIBXDP_DEBUG)
        keep_message(level == LIBXDP_WARN, fmt, ap);
    return 0;
}

static const char *reason(int rc)
{
    return last_warning[0] ? last_warning : strerror(-rc);
}

/* ---- before anything is changed
 * ------------------------------------------------------------------------------ */

/* SYS_ADMIN and not BPF: programs and maps are looked up by id, by libxdp as well. */
static int check_rights(char *err, size_t err_len)
{
    static const struct {
        unsigned bit;
        const char *name;
    } needed[] = {
        {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
        {CAP_NET_RAW, "CAP_NET_RAW"},
        {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
    };
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

    if (syscall(SYS_capget, &header, data))
        return 0;
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!(data[needed[i].bit / 32].effective & (1u << needed[i].bit % 32)))
            return fail(err, err_len, -EPERM, "no right to use XDP: run as root, or with %s", needed[i].name);
    }
    return 0;
}

static int check_interface(const struct xdp_config *config, int *ifindex, char *err, size_t err_len)
{
    const char *ifname = config->ifname;
    int rc;

    if (strlen(ifname) >= IFACE_NAMELEN)
        return fail(err, err_len, -ENAMETOOLONG, "interface name '%s' is longer than %d characters", ifname,
                    IFACE_NAMELEN - 1);
    if (ifname[0] == '\0')
        return fail(err, err_len, -EINVAL, "the interface has no name");
    *ifindex = (int)if_nametoindex(ifname);
    if (*ifindex == 0)
        return fail(err, err_len, -ENODEV, "interface %s does not exist in this network namespace", ifname);
    rc = nic_is_ethernet(ifname);
    if (rc < 0)
        return fail(err, err_len, rc, "interface %s: %s", ifname, strerror(-rc));
    if (rc == 0)
        return fail(err, err_len, -EINVAL, "interface %s is not an Ethernet interface", ifname);
    if (config->take == XDP_TAKE_VXLAN && config->address.family != 4 && config->address.family != 6)
        return fail(err, err_len, -EINVAL, "interface %s: the VTEP address is missing", ifname);
    return 0;
}

static int check_queues(const char *ifname, unsigned *queues, char *err, size_t err_len)
{
    unsigned total;
    int rc = nic_queues(ifname, queues, &total);

    if (rc)
        return fail(err, err_len, rc, "interface %s: its receive queues cannot be counted: %s", ifname,
                    strerror(-rc));
    if (*queues == total)
        return 0;
    /* The other queues would carry frames past us. */
    if (*queues <= 1 && total > 1)
        return fail(err, err_len, -ENOTSUP,
                    "interface %s has %u receive queues that are not combined channels, DPDK serves %u: "
                    "'ethtool -L %s %s'",
                    ifname, total, *queues, ifname, *queues ? "rx 1" : "rx 0 tx 0 combined 1");
    return fail(err, err_len, -ENOTSUP,
                "interface %s has %u receive queues, %u of them combined channels: 'ethtool -L %s rx 0'",
                ifname, total, *queues, ifname);
}

/* ---- programs that are on the interface already
 * -------------------------------------------------------------- */

/* The program `id` on the interface in the mode of `flag`: detached if it is libxdp's default one and nobody
 * has it open, else refused. */
static int remove_left_over(const char *ifname, int ifindex, uint32_t id, uint32_t flag, char *err,
                            size_t err_len)
{
    LIBBPF_OPTS(bpf_xdp_attach_opts, opts);
    struct bpf_prog_info info = {0};
    uint32_t info_len = sizeof(info);
    struct xdp_holder holder;
    int fd = bpf_prog_get_fd_by_id(id);
    int rc;

    if (fd == -ENOENT) /* gone since we asked */
        return 0;
    if (fd < 0)
        return fail(err, err_len, fd, "interface %s: XDP program %u on it cannot be looked at: %s", ifname,
                    id, strerror(-fd));
    rc = bpf_obj_get_info_by_fd(fd, &info, &info_len);
    if (rc) {
        fail(err, err_len, rc, "interface %s: XDP program %u on it cannot be looked at: %s", ifname, id,
             strerror(-rc));
    } else if (xdp_holder_find(id, &holder)) {
        rc = fail(err, err_len, -EBUSY,
                  "interface %s: its XDP program %s (id %u) belongs to process %d (%s); is another causewayd "
                  "running "
                  "on it?",
                  ifname, info.name, id, holder.pid, holder.name);
    } else if (strcmp(info.name, DEFAULT_PROGRAM) != 0) {
        rc = fail(err, err_len, -EBUSY,
                  "interface %s: another XDP program, %s (id %u), is on it; 'ip link set dev %s xdp off' "
                  "takes it away",
                  ifname, info.name, id, ifname);
    } else {
        opts.old_prog_fd = fd;
        rc = bpf_xdp_detach(ifindex, flag, &opts);
        if (rc)
            fail(err, err_len, rc, "interface %s: XDP program %s (id %u) cannot be taken away: %s", ifname,
                 info.name, id,
                 rc == -EBUSY ? "it is attached through a link that is pinned or of another process"
                              : reason(rc));
        else
            log_info(SUBSYSTEM,
                     "interface %s: took away XDP program %s (id %u) that a dead process left behind", ifname,
                     info.name, id);
    }
    close(fd);
    return rc;
}

static int remove_left_overs(const char *ifname, int ifindex, char *err, size_t err_len)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    int rc = bpf_xdp_query(ifindex, 0, &query);

    if (rc)
        return fail(err, err_len, rc, "interface %s: its XDP programs cannot be listed: %s", ifname,
                    reason(rc));
    if (query.drv_prog_id)
        rc = remove_left_over(ifname, ifindex, query.drv_prog_id, XDP_FLAGS_DRV_MODE, err, err_len);
    if (!rc && query.skb_prog_id)
        rc = remove_left_over(ifname, ifindex, query.skb_prog_id, XDP_FLAGS_SKB_MODE, err, err_len);
    if (!rc && query.hw_prog_id)
        rc = remove_left_over(ifname, ifindex, query.hw_prog_id, XDP_FLAGS_HW_MODE, err, err_len);
    return rc;
}

/* ---- our program
 * --------------------------------------------------------------------------------------------- */

static int load_program(struct xdp *x, const struct xdp_config *config, char *err, size_t err_len)
{
    struct xdp_port_config *to;
    int rc;

    last_warning[0] = '\0';
    x->port = xdp_port__open();
    if (!x->port)
        return fail(err, err_len, -errno, "interface %s: our XDP program cannot be opened: %s", x->ifname,
                    reason(-errno));
    to = (struct xdp_port_config *)&x->port->rodata->config;
    to->take_all = config->take == XDP_TAKE_ALL;
    to->family = config->address.family;
    memcpy(to->vtep, config->address.b, sizeof(to->vtep));
    to->vxlan_port = htons(config->vxlan_port);
    rc = bpf_map__set_max_entries(x->port->maps.xsks_map, x->queues);
    if (!rc)
        rc = xdp_port__load(x->port);
    if (rc)
        return fail(err, err_len, rc, "interface %s: the kernel does not take our XDP program: %s", x->ifname,
                    reason(rc));
    return 0;
}

static int create_link(struct xdp *x, uint32_t mode)
{
    LIBBPF_OPTS(bpf_link_create_opts, opts);

    opts.flags = x->mode = mode;
    x->link_fd = bpf_link_create(bpf_program__fd(x->port->progs.xsk_def_prog), x->ifindex, BPF_XDP, &opts);
    return x->link_fd < 0 ? x->link_fd : 0;
}

static int attach_program(struct xdp *x, char *err, size_t err_len)
{
    int native, rc;

    last_warning[0] = '\0';
    native = rc = create_link(x, XDP_FLAGS_DRV_MODE);
    if (native)
        rc = create_link(x, XDP_FLAGS_SKB_MODE);
    if (rc)
        return fail(err, err_len, rc, "interface %s: our XDP program cannot be attached: %s", x->ifname,
                    reason(rc));
    if (native)
        log_warning(SUBSYSTEM,
                    "interface %s: its driver refuses native XDP (%s); generic mode is used, which is slower",
                    x->ifname, strerror(-native));
    return 0;
}

/* XDP sees a frame without the tag that the NIC has taken off: on a trunk every VLAN would look untagged, on
 * the underlay another VLAN's traffic could look like ours. */
static int set_up_interface(struct xdp *x, enum xdp_take take, char *err, size_t err_len)
{
    int rc = nic_set_rxvlan(x->ifname, false);

    if (rc < 0 && take == XDP_TAKE_ALL)
        return fail(err, err_len, rc,
                    "interface %s: receive VLAN offload cannot be switched off (%s), and with it VLAN tags "
                    "are not seen",
                    x->ifname, strerror(-rc));
    if (rc < 0)
        log_warning(SUBSYSTEM, "interface %s: receive VLAN offload stays on: %s", x->ifname, strerror(-rc));
    x->rxvlan_off = rc == 1;
    if (take != XDP_TAKE_ALL)
        return 0;
    x->promiscuous_fd = nic_promiscuous(x->ifindex);
    if (x->promiscuous_fd < 0)
        return fail(err, err_len, x->promiscuous_fd, "interface %s cannot be made promiscuous: %s", x->ifname,
                    strerror(-x->promiscuous_fd));
    return 0;
}

int xdp_queues(const char *ifname, unsigned *queues)
{
    unsigned total;

    return nic_queues(ifname, queues, &total);
}

int xdp_attach(const struct xdp_config *config, struct xdp **out, unsigned *queues, char *err, size_t err_len)
{
    struct xdp *x;
    int ifindex = 0, rc;

    libbpf_set_print(on_libbpf_message);
    libxdp_set_print(on_libxdp_message);
    last_warning[0] = '\0';
    /* Should libxdp not recognise our program it is to fail on it, not to build a dispatcher around it. */
    setenv("LIBXDP_SKIP_DISPATCHER", "1", 1);

    rc = check_interface(config, &ifindex, err, err_len);
    if (!rc)
        rc = check_rights(err, err_len);
    if (!rc)
        rc = check_queues(config->ifname, queues, err, err_len);
    if (!rc)
        rc = remove_left_overs(config->ifname, ifindex, err, err_len);
    if (rc)
        return rc;

    x = calloc(1, sizeof(*x));
    if (!x)
        return fail(err, err_len, -ENOMEM, "interface %s: out of memory", config->ifname);
    snprintf(x->ifname, sizeof(x->ifname), "%s", config->ifname);
    x->ifindex = ifindex;
    x->queues = *queues;
    x->link_fd = x->promiscuous_fd = -1;
    rc = set_up_interface(x, config->take, err, err_len);
    if (!rc)
        rc = load_program(x, config, err, err_len);
    if (!rc)
        rc = attach_program(x, err, err_len);
    if (rc) {
        xdp_close(x);
        return rc;
    }
    *out = x;
    return 0;
}

/* 1: the receive queue has a socket, 0: it has none, or -errno. */
static int has_socket(const struct xdp *x, unsigned queue)
{
    unsigned char frame[64] = {0};
    struct xdp_md md = {
        .data_end = sizeof(frame),
        .ingress_ifindex = (uint32_t)x->ifindex,
        .rx_queue_index = queue,
    };
    LIBBPF_OPTS(bpf_test_run_opts, opts);
    int rc;

    opts.data_in = frame;
    opts.data_size_in = sizeof(frame);
    opts.ctx_in = &md;
    opts.ctx_size_in = sizeof(md);
    rc = bpf_prog_test_run_opts(bpf_program__fd(x->port->progs.xdp_port_probe), &opts);
    return rc ? rc : opts.retval == XDP_REDIRECT;
}

int xdp_verify(struct xdp *x, char *err, size_t err_len)
{
    struct bpf_prog_info info = {0};
    uint32_t info_len = sizeof(info), id = 0;
    int rc;

    last_warning[0] = '\0';
    rc = bpf_obj_get_info_by_fd(bpf_program__fd(x->port->progs.xsk_def_prog), &info, &info_len);
    if (!rc)
        rc = bpf_xdp_query_id(x->ifindex, x->mode, &id);
    if (rc)
        return fail(err, err_len, rc, "interface %s: its XDP program cannot be looked at: %s", x->ifname,
                    reason(rc));
    if (id != info.id)
        return fail(err, err_len, -ENOENT, "interface %s: our XDP program is no longer on it", x->ifname);
    for (unsigned queue = 0; queue < x->queues; queue++) {
        rc = has_socket(x, queue);
        if (rc < 0)
            return fail(err, err_len, rc, "interface %s: receive queue %u cannot be probed: %s", x->ifname,
                        queue, reason(rc));
        if (rc == 0)
            return fail(err, err_len, -ENOTCONN,
                        "interface %s: DPDK has put no AF_XDP socket on receive queue %u", x->ifname, queue);
    }
    x->attached = true;
    return 0;
}

const char *xdp_mode(const struct xdp *x)
{
    if (!x->attached)
        return "";
    return x->mode == XDP_FLAGS_DRV_MODE ? "native" : "generic";
}

int xdp_counters(const struct xdp *x, struct xdp_counters *out)
{
    uint64_t sum[XDP_PORT_COUNTERS] = {0};
    int n = libbpf_num_possible_cpus();
    uint64_t *values;
    int rc = 0;

    if (n < 0)
        return n;
    values = calloc((size_t)n, sizeof(*values));
    if (!values)
        return -ENOMEM;
    for (uint32_t key = 0; key < XDP_PORT_COUNTERS && !rc; key++) {
        rc = bpf_map_lookup_elem(bpf_map__fd(x->port->maps.counters), &key, values);
        for (int cpu = 0; cpu < n && !rc; cpu++)
            sum[key] += values[cpu];
    }
    free(values);
    out->taken = sum[XDP_PORT_TAKEN];
    out->passed = sum[XDP_PORT_PASSED];
    out->unserved = sum[XDP_PORT_UNSERVED];
    return rc;
}

void xdp_close(struct xdp *x)
{
    char name[IF_NAMESIZE];

    if (!x)
        return;
    if (x->link_fd >= 0)
        close(x->link_fd);
    if (x->promiscuous_fd >= 0)
        close(x->promiscuous_fd);
    /* By index: the interface may have another name by now, or the name another interface. */
    if (x->rxvlan_off && if_indextoname((unsigned)x->ifindex, name)) {
        int rc = nic_set_rxvlan(name, true);

        if (rc < 0)
            log_warning(SUBSYSTEM, "interface %s: receive VLAN offload cannot be switched on again: %s", name,
                        strerror(-rc));
    }
    xdp_port__destroy(x->port);
    free(x);
}
