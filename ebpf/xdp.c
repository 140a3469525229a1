/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Puts our XDP programs on interfaces; see xdp.h for the order of things. Control thread only.
 */
#include "ebpf/xdp.h"

#include "conf/log.h"
#include "ebpf/fail.h"
#include "ebpf/fastpath_private.h"
#include "ebpf/nic.h"
#include "ebpf/xdp_check.h"
#include "ebpf/xdp_link.h"
#include "ebpf/xdp_message.h"
#include "ebpf/xdp_program.h"

#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define SUBSYSTEM "xdp"

struct xdp {
    struct xdp_config config;
    char ifname[IFACE_NAMELEN];
    int ifindex;
    unsigned queues;
    struct fastpath *fp; /* NULL: none */
    struct xdp_program *program;
    struct xdp_program *looking; /* on the interface in its place while there is a capture; NULL */
    int link_fd;                 /* -1: not attached */
    bool fast;                   /* the program forwards */
    bool pinned;                 /* the link is */
    bool taken_over;             /* the link was there already */
    int promiscuous_fd;          /* -1: not asked for */
    unsigned undo;               /* XDP_UNDO_*: what we changed on the interface */
    bool attached;               /* xdp_verify() has been through */
    uint32_t mode;               /* XDP_FLAGS_DRV_MODE (native) or XDP_FLAGS_SKB_MODE (generic) */
};

/* ---- the interface
 * ------------------------------------------------------------------------------------------- */

static bool is_pinnable(const struct xdp *x)
{
    return x->fp && x->fp->dir.fd >= 0;
}

/* Before it is done: a process that is killed then leaves a note too many, not one too few. */
static int note_undo(struct xdp *x, unsigned undo)
{
    int rc = is_pinnable(x) ? xdp_link_set_undo(&x->fp->dir, (unsigned)x->ifindex, x->undo | undo) : 0;

    if (rc == 0)
        x->undo |= undo;
    return rc;
}

/* XDP sees a frame without the tag that the NIC has taken off: on a trunk every VLAN would look untagged, on
 * the underlay another VLAN's traffic could look like ours. */
static int switch_rxvlan_off(struct xdp *x, char *err, size_t err_len)
{
    int rc = nic_rxvlan(x->ifname);

    if (rc == 0)
        return 0;
    if (rc > 0)
        rc = note_undo(x, XDP_UNDO_RXVLAN);
    if (rc == 0)
        rc = nic_set_rxvlan(x->ifname, false);
    if (rc < 0 && x->config.take == XDP_TAKE_ALL)
        return fail(err, err_len, rc,
                    "interface %s: receive VLAN offload cannot be switched off (%s), and with it VLAN tags "
                    "are not seen",
                    x->ifname, strerror(-rc));
    if (rc < 0)
        log_warning(SUBSYSTEM, "interface %s: receive VLAN offload stays on: %s", x->ifname, strerror(-rc));
    return 0;
}

static int set_up_interface(struct xdp *x, char *err, size_t err_len)
{
    int rc = switch_rxvlan_off(x, err, err_len);

    if (rc < 0 || x->config.take != XDP_TAKE_ALL)
        return rc;
    x->promiscuous_fd = nic_promiscuous(x->ifindex);
    if (x->promiscuous_fd < 0)
        return fail(err, err_len, x->promiscuous_fd, "interface %s cannot be made promiscuous: %s", x->ifname,
                    strerror(-x->promiscuous_fd));
    return 0;
}

/* The membership ends with this process, and the program is to go on. */
static void stay_promiscuous(struct xdp *x)
{
    int rc;

    if (x->config.take != XDP_TAKE_ALL)
        return;
    rc = nic_is_promiscuous(x->ifname);
    if (rc == 1)
        return;
    if (rc == 0)
        rc = note_undo(x, XDP_UNDO_PROMISC);
    if (rc == 0)
        rc = nic_set_promiscuous(x->ifname, true);
    if (rc < 0)
        log_warning(SUBSYSTEM,
                    "interface %s does not stay promiscuous when this process ends: %s; frames that its NIC "
                    "filters are lost then",
                    x->ifname, strerror(-rc));
}

/* ---- our program
 * --------------------------------------------------------------------------------------------- */

static int load_program(struct xdp *x, bool fast, const struct fastpath_capture *capture,
                        struct xdp_program **out, char *err, size_t err_len)
{
    const struct xdp_program_spec spec = {
        .config = &x->config,
        .fp = x->fp,
        .fast = fast,
        .queues = x->queues,
        .sockets = x->program,
        .capture = capture,
    };

    return xdp_program_load(&spec, out, err, err_len);
}

static int create_link(struct xdp *x, uint32_t mode)
{
    LIBBPF_OPTS(bpf_link_create_opts, opts);

    opts.flags = x->mode = mode;
    x->link_fd = bpf_link_create(xdp_program_fd(x->program), x->ifindex, BPF_XDP, &opts);
    return x->link_fd < 0 ? x->link_fd : 0;
}

static int attach_program(struct xdp *x, char *err, size_t err_len)
{
    int native, rc;

    xdp_message_clear();
    native = rc = create_link(x, XDP_FLAGS_DRV_MODE);
    if (native)
        rc = create_link(x, XDP_FLAGS_SKB_MODE);
    if (rc)
        return fail(err, err_len, rc, "interface %s: our XDP program cannot be attached: %s", x->ifname,
                    xdp_message_reason(rc));
    if (native)
        log_warning(SUBSYSTEM,
                    "interface %s: its driver refuses native XDP (%s); generic mode is used, which is slower",
                    x->ifname, strerror(-native));
    return 0;
}

static const struct xdp_program *current(const struct xdp *x)
{
    return x->looking ? x->looking : x->program;
}

/* The link gets this one in place of the one that was on it. */
static int put_program(const struct xdp *x, const struct xdp_program *p, char *err, size_t err_len)
{
    int rc;

    xdp_message_clear();
    rc = bpf_link_update(x->link_fd, xdp_program_fd(p), NULL);
    return rc ? fail(err, err_len, rc, "interface %s: the XDP program on it cannot be replaced: %s",
                     x->ifname, xdp_message_reason(rc))
              : 0;
}

static int take_over_link(struct xdp *x, char *err, size_t err_len)
{
    int rc = put_program(x, x->program, err, err_len);

    if (rc)
        return rc;
    log_info(SUBSYSTEM, "interface %s: took over the pinned link, the program on it is replaced", x->ifname);
    return 0;
}

static void pin(struct xdp *x)
{
    int rc = x->taken_over ? 0 : xdp_link_pin(&x->fp->dir, (unsigned)x->ifindex, x->link_fd);

    x->pinned = rc == 0;
    if (rc < 0)
        log_warning(SUBSYSTEM, "interface %s: its XDP program is not pinned and ends with this process: %s",
                    x->ifname, strerror(-rc));
}

/* What was taken over may be of another configuration: a port's id, or our address, may be another one. Once
 * we have published one ourselves, a port that it does not name is a new one. */
static void check_topology(struct xdp *x)
{
    const struct fp_topology *t = fastpath_topology(x->fp);
    bool wan = x->config.take == XDP_TAKE_VXLAN;

    if (!t || x->fp->swept)
        return;
    if (t->ports[x->config.port].ifindex == (uint32_t)x->ifindex && (t->underlay == x->config.port) == wan &&
        (!wan || (t->family == x->config.address.family && t->vxlan_port == x->config.vxlan_port &&
                  memcmp(t->address, x->config.address.b, sizeof(t->address)) == 0)))
        return;
    log_info(SUBSYSTEM, "interface %s: it is configured otherwise than before, the fast path waits",
             x->ifname);
    fastpath_suspend(x->fp);
}

static int attach_fast(struct xdp *x, char *err, size_t err_len)
{
    int rc;

    check_topology(x);
    rc = x->taken_over ? take_over_link(x, err, err_len) : attach_program(x, err, err_len);
    if (rc)
        return rc;
    x->fast = true;
    if (!is_pinnable(x))
        return 0;
    pin(x);
    if (x->pinned)
        stay_promiscuous(x);
    xdp_link_claim(x->fp, x->link_fd);
    return 0;
}

/* ---- the way of a port
 * --------------------------------------------------------------------------------------- */

int xdp_queues(const char *ifname, unsigned *queues)
{
    unsigned total;

    return nic_queues(ifname, queues, &total);
}

static struct xdp *new_xdp(const struct xdp_config *config, struct fastpath *fp, int ifindex, unsigned queues)
{
    struct xdp *x = calloc(1, sizeof(*x));

    if (!x)
        return NULL;
    x->config = *config;
    snprintf(x->ifname, sizeof(x->ifname), "%s", config->ifname);
    x->config.ifname = x->ifname;
    x->fp = fp;
    x->ifindex = ifindex;
    x->queues = queues;
    x->link_fd = x->promiscuous_fd = -1;
    if (is_pinnable(x)) {
        x->link_fd = xdp_link_find(&fp->dir, (unsigned)ifindex, &x->mode);
        x->taken_over = x->link_fd >= 0;
        x->undo = x->taken_over ? xdp_link_undo(&fp->dir, (unsigned)ifindex) : 0;
    }
    return x;
}

int xdp_attach(const struct xdp_config *config, struct fastpath *fp, struct xdp **out, unsigned *queues,
               char *err, size_t err_len)
{
    struct xdp *x = NULL;
    int ifindex = 0, rc;

    xdp_message_clear();
    /* Should libxdp not recognise our program it is to fail on it, not to build a dispatcher around it. */
    setenv("LIBXDP_SKIP_DISPATCHER", "1", 1);

    rc = xdp_check(config, &ifindex, queues, err, err_len);
    if (!rc && fp && config->port >= FP_PORTS - 1)
        rc = fail(err, err_len, -EINVAL, "interface %s: port %u is one too many for the fast path",
                  config->ifname, config->port);
    if (rc)
        return rc;
    x = new_xdp(config, fp, ifindex, *queues);
    if (!x)
        return fail(err, err_len, -ENOMEM, "interface %s: out of memory", config->ifname);
    if (!x->taken_over)
        rc = xdp_check_left_overs(config->ifname, ifindex, err, err_len);
    if (!rc)
        rc = set_up_interface(x, err, err_len);
    if (!rc)
        rc = load_program(x, fp != NULL, NULL, &x->program, err, err_len);
    if (!rc)
        rc = fp ? attach_fast(x, err, err_len) : attach_program(x, err, err_len);
    if (rc) {
        xdp_close(x, x->taken_over);
        return rc;
    }
    *out = x;
    return 0;
}

int xdp_verify(struct xdp *x, char *err, size_t err_len)
{
    uint32_t ours = 0, id = 0;
    int rc;

    xdp_message_clear();
    rc = xdp_program_id(current(x), &ours);
    if (!rc)
        rc = bpf_xdp_query_id(x->ifindex, (int)x->mode, &id);
    if (rc)
        return fail(err, err_len, rc, "interface %s: its XDP program cannot be looked at: %s", x->ifname,
                    xdp_message_reason(rc));
    if (id != ours)
        return fail(err, err_len, -ENOENT, "interface %s: our XDP program is no longer on it", x->ifname);
    for (unsigned queue = 0; queue < x->queues; queue++) {
        rc = xdp_program_has_socket(x->program, x->ifindex, queue);
        if (rc < 0)
            return fail(err, err_len, rc, "interface %s: receive queue %u cannot be probed: %s", x->ifname,
                        queue, xdp_message_reason(rc));
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

void xdp_status(const struct xdp *x, struct xdp_status *out)
{
    *out = (struct xdp_status){
        .program = xdp_program_name(current(x)),
        .mode = xdp_mode(x),
        .fast = x->fast,
        .pinned = x->pinned,
        .taken_over = x->taken_over,
    };
    (void)xdp_program_id(current(x), &out->program_id);
}

int xdp_counters(const struct xdp *x, struct xdp_counters *out)
{
    struct fastpath_port_work work;

    if (!x->fp)
        return xdp_program_counters(x->program, out);
    fastpath_port_work(x->fp, x->config.port, &work);
    *out = (struct xdp_counters){.passed = work.passed, .unserved = work.unserved};
    for (unsigned i = 0; i < FASTPATH_PUNTS; i++)
        out->taken += work.punts[i];
    return 0;
}

/* ---- taking it away
 * ------------------------------------------------------------------------------------------ */

/* The membership, if there is one, holds as long as this process. */
static void unpin(struct xdp *x)
{
    if (!x->pinned)
        return;
    xdp_link_unpin(&x->fp->dir, (unsigned)x->ifindex);
    xdp_link_settings_back((unsigned)x->ifindex, x->undo & XDP_UNDO_PROMISC);
    x->undo &= ~(unsigned)XDP_UNDO_PROMISC;
    x->pinned = false;
}

/* What is left to undo is this process's own business. */
static void forget_note(const struct xdp *x)
{
    if (is_pinnable(x))
        (void)xdp_link_set_undo(&x->fp->dir, (unsigned)x->ifindex, 0);
}

int xdp_fast_off(struct xdp *x, char *err, size_t err_len)
{
    struct xdp_program *slow = NULL;
    int rc;

    if (!x->fp || !x->fast)
        return 0;
    rc = load_program(x, false, NULL, &slow, err, err_len);
    if (rc)
        return rc;
    rc = put_program(x, slow, err, err_len);
    if (rc) {
        xdp_program_free(slow);
        return rc;
    }
    xdp_program_free(x->program);
    xdp_program_free(x->looking);
    x->program = slow;
    x->looking = NULL;
    x->fast = false;
    unpin(x);
    forget_note(x);
    return 0;
}

int xdp_capture(struct xdp *x, const struct fastpath_capture *c, char *err, size_t err_len)
{
    struct xdp_program *looking = NULL;
    int rc = 0;

    if (!x->fast || (!c && !x->looking))
        return 0;
    if (c)
        rc = load_program(x, true, c, &looking, err, err_len);
    if (rc == 0)
        rc = put_program(x, looking ? looking : x->program, err, err_len);
    if (rc) {
        xdp_program_free(looking);
        return rc;
    }
    xdp_program_free(x->looking);
    x->looking = looking;
    return 0;
}

void xdp_close(struct xdp *x, bool keep)
{
    if (!x)
        return;
    keep = keep && (x->pinned || x->taken_over);
    if (!keep && x->link_fd >= 0) {
        (void)bpf_link_detach(x->link_fd); /* now, and not when the kernel drops the last reference */
        unpin(x);
    }
    if (x->link_fd >= 0)
        close(x->link_fd);
    if (x->promiscuous_fd >= 0)
        close(x->promiscuous_fd);
    if (!keep) {
        xdp_link_settings_back((unsigned)x->ifindex, x->undo);
        forget_note(x);
    }
    xdp_program_free(x->program);
    xdp_program_free(x->looking);
    free(x);
}
