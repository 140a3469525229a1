/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See gateway_fastpath.h.
 *
 * Tricky: an interface may take no redirected frames (its driver cannot, its link is down), or take some and
 * lose others (its queue is full). The program that redirected them does not hear of it. Three may: the
 * kernel's tracepoints, its driver's own counters, and the interface's (these count the worker's frames as
 * well, so they are only asked where the others may be blind). Where one of them grows, the port is no target
 * for a while: its frames go by the worker, which can wait for a queue.
 *
 * Control thread only.
 */
#include "controlplane/gateway_fastpath.h"

#include "controlplane/gateway_private.h"

#include "conf/log.h"
#include "ebpf/fastpath.h"
#include "ebpf/nic.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#define SUBSYSTEM "fastpath"
#define SHUN_NS   10000000000ull

struct gateway_fast {
    struct fastpath *fp; /* NULL: none */
    char why_not[FASTPATH_ERR_LEN];
    unsigned part;                                /* of the ports, to be looked at next */
    const struct fastpath_capture *capture;       /* NULL: none is under way */
    struct gateway_fast_port ports[DP_MAX_PORTS]; /* by port id */
};

/* ---- life */

static unsigned count_interfaces(const struct conf *conf)
{
    unsigned n = conf->underlay.port.kind == CONF_PORT_INTERFACE;

    for (size_t i = 0; i < conf->n_access; i++)
        n += conf->access[i].port.kind == CONF_PORT_INTERFACE;
    return n;
}

/* What an earlier process has left would stay on the interfaces. */
static void remove_pins(const struct gateway *g)
{
    char err[FASTPATH_ERR_LEN] = "";
    int rc = fastpath_remove(g->conf->fastpath.dir, g->conf->gateway, err, sizeof(err));

    if (rc == 0)
        log_info(SUBSYSTEM, "what was pinned in %s/%s is gone", g->conf->fastpath.dir, g->conf->gateway);
    else if (rc == -EBUSY)
        log_warning(SUBSYSTEM, "%s", err);
    else if (rc != -ENOENT)
        log_debug(SUBSYSTEM, "%s", err);
}

static void say_pinned(const struct gateway *g, const struct fastpath *fp)
{
    const char *why_not = "";

    if (fastpath_pinned(fp, &why_not))
        return;
    log_write(g->conf->fastpath.persist ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, SUBSYSTEM,
              "nothing is pinned, so the fast path ends with this process: %s", why_not);
}

static int open_maps(struct gateway *g, struct gateway_fast *fast)
{
    const struct conf *conf = g->conf;
    struct fastpath_config config = {
        .gateway = conf->gateway,
        .dir = conf->fastpath.dir,
        .max_macs = conf->dataplane.max_macs + g->max_networks,
        .punt_limit = conf->fastpath.punt_limit == CONF_NO_LIMIT ? 0 : conf->fastpath.punt_limit,
    };
    int rc = fastpath_open(&config, &fast->fp, fast->why_not, sizeof(fast->why_not));

    if (rc < 0 && !fast->why_not[0])
        snprintf(fast->why_not, sizeof(fast->why_not), "%s", strerror(-rc));
    return rc;
}

int gateway_fastpath_open(struct gateway *g, char *err, size_t err_len)
{
    const struct conf_fastpath *c = &g->conf->fastpath;
    struct gateway_fast *fast = g->priv->fast = calloc(1, sizeof(*fast));
    int rc;

    if (!fast) {
        snprintf(err, err_len, "out of memory");
        return -ENOMEM;
    }
    if (c->mode == CONF_FASTPATH_OFF || count_interfaces(g->conf) < 2) {
        snprintf(fast->why_not, sizeof(fast->why_not), "%s",
                 c->mode == CONF_FASTPATH_OFF
                     ? "fastpath is off in the configuration"
                     : "frames go between ports with interface, and there are not two of them");
        remove_pins(g);
        return 0;
    }
    rc = open_maps(g, fast);
    if (rc == 0) {
        fwd_set_fastpath(g->fwd, fast->fp);
        say_pinned(g, fast->fp);
        return 0;
    }
    if (c->mode == CONF_FASTPATH_ON) {
        snprintf(err, err_len, "fastpath is on, but cannot be had: %s", fast->why_not);
        return rc;
    }
    log_warning(SUBSYSTEM, "all frames go by the worker: %s", fast->why_not);
    return 0;
}

int gateway_fastpath_attach(struct gateway *g, const struct xdp_config *config, struct gateway_port *p,
                            unsigned *queues, char *err, size_t err_len)
{
    struct gateway_fast *fast = g->priv->fast;
    int rc = -ENODEV;

    if (fwd_fastpath(g->fwd)) {
        rc = xdp_attach(config, fast->fp, &p->xdp, queues, err, err_len);
        fast->ports[p->id].served = rc == 0;
        if (rc == 0 && fast->capture && xdp_capture(p->xdp, fast->capture, err, err_len) < 0)
            log_warning(SUBSYSTEM, "%s is not among what is captured: %s", p->name, err);
        if (rc == 0 || g->conf->fastpath.mode == CONF_FASTPATH_ON)
            return rc;
        log_warning(SUBSYSTEM, "%s is left out, its frames go by the worker: %s", p->name, err);
    }
    return xdp_attach(config, NULL, &p->xdp, queues, err, err_len);
}

void gateway_fastpath_forget(struct gateway *g, dp_port_id id)
{
    memset(&g->priv->fast->ports[id], 0, sizeof(g->priv->fast->ports[id]));
    (void)fwd_set_port(g->fwd, id, &(struct fastpath_port){.ifindex = 0});
}

bool gateway_fastpath_stays(const struct gateway *g)
{
    if (!fwd_fastpath(g->fwd) || !fastpath_pinned(g->priv->fast->fp, NULL) ||
        !fastpath_forwards(g->priv->fast->fp)) /* a program without a topology only stands in the way */
        return false;
    /* A start that fails leaves what it found. */
    return g->priv->running ? g->conf->fastpath.persist : fastpath_taken_over(g->priv->fast->fp);
}

void gateway_fastpath_close(struct gateway *g)
{
    struct gateway_fast *fast = g->priv->fast;
    char err[FASTPATH_ERR_LEN] = "";

    if (!fast)
        return;
    if (fast->fp && !gateway_fastpath_stays(g) && fastpath_unpin(fast->fp, err, sizeof(err)) < 0)
        log_warning(SUBSYSTEM, "%s", err);
    fwd_set_fastpath(g->fwd, NULL);
    fastpath_close(fast->fp);
    free(fast);
    g->priv->fast = NULL;
}

int gateway_fastpath_detach(struct gateway *g, char *err, size_t err_len)
{
    struct gateway_fast *fast = g->priv->fast;
    int rc = 0;

    if (!fwd_fastpath(g->fwd)) {
        snprintf(err, err_len, "there is no fast path: %s", fast->why_not);
        return -ENOENT;
    }
    for (unsigned i = 0; i < g->n_ports && rc == 0; i++) {
        struct gateway_fast_port *f = &fast->ports[g->ports[i].id];

        if (!f->served)
            continue;
        rc = xdp_fast_off(g->ports[i].xdp, err, err_len);
        f->served = rc < 0;
    }
    if (rc < 0)
        return rc;
    if (fastpath_unpin(fast->fp, err, err_len) < 0)
        log_warning(SUBSYSTEM, "%s", err);
    fwd_leave_fastpath(g->fwd);
    snprintf(fast->why_not, sizeof(fast->why_not), "until the next restart");
    log_info(SUBSYSTEM, "detached: all frames go by the worker");
    return 0;
}

/* ---- looking at frames */

static bool served(const struct gateway *g, const struct gateway_port *p)
{
    return g->priv->fast->ports[p->id].served;
}

int gateway_fastpath_capture(struct gateway *g, const struct fastpath_capture *c, char *err, size_t err_len)
{
    struct gateway_fast *fast = g->priv->fast;
    char more[FASTPATH_ERR_LEN];
    int rc = 0;

    for (unsigned i = 0; i < g->n_ports && rc == 0; i++)
        if (served(g, &g->ports[i]))
            rc = xdp_capture(g->ports[i].xdp, c, err, err_len);
    for (unsigned i = 0; i < g->n_ports && rc < 0; i++)
        if (served(g, &g->ports[i]) && xdp_capture(g->ports[i].xdp, NULL, more, sizeof(more)) < 0)
            log_warning(SUBSYSTEM, "%s", more);
    fast->capture = rc == 0 ? c : NULL;
    return rc;
}

/* ---- where frames can be redirected to */

/* *scattered: frames in several buffers, too. */
static const char *driver_refuses(const struct gateway_port *p, const char *ifname, bool *scattered)
{
    int rc = nic_redirect_target(ifname, scattered);

    /* Who cannot say so takes plain ones as a rule, if it has native XDP itself. */
    *scattered &= rc > 0;
    if (rc == -ENOTSUP)
        return strcmp(xdp_mode(p->xdp), "generic") == 0 ? "no native XDP" : NULL;
    if (rc < 0)
        return "the interface is gone";
    return rc == 0 ? "its driver takes no redirected frames (a veth: its other end needs GRO or XDP)" : NULL;
}

static bool any_generic(const struct gateway *g)
{
    for (unsigned i = 0; i < g->n_ports; i++)
        if (served(g, &g->ports[i]) && strcmp(xdp_mode(g->ports[i].xdp), "generic") == 0)
            return true;
    return false;
}

/* Since *was; a counter may begin anew. */
static uint64_t grown(uint64_t *was, uint64_t is)
{
    uint64_t more = is > *was ? is - *was : 0;

    *was = is;
    return more;
}

static uint64_t max_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Frames lost since the last look. The witnesses see the same frames, and none can have seen more than were
 * redirected: the rest is somebody else's. */
static uint64_t lost_lately(const struct gateway *g, struct gateway_fast_port *f,
                            const struct gateway_port *p, const char *ifname)
{
    const struct fastpath *fp = g->priv->fast->fp;
    bool blind = any_generic(g) || !fastpath_sees_lost(fp, NULL);
    uint64_t more = grown(&f->traced, fastpath_lost(fp, p->id)), dropped, redirected;
    struct dp_port_counters c;

    more = max_of(more, grown(&f->driver, nic_xdp_trouble(ifname)));
    dropped = grown(&f->dropped, nic_tx_dropped(ifname));
    more = max_of(more, blind ? dropped : 0);
    fastpath_port_counters(fp, p->id, &c);
    redirected = c.tx.frames - f->redirected[1];
    f->redirected[1] = f->redirected[0];
    f->redirected[0] = c.tx.frames;
    if (!f->looked) /* of before: nobody knows when */
        more = 0;
    f->looked = true;
    return more < redirected ? more : redirected;
}

/* Notices lost frames; true: for now it is no target. */
static bool shunned(const struct gateway *g, struct gateway_fast_port *f, const struct gateway_port *p,
                    const char *ifname, mono_t now)
{
    uint64_t more = lost_lately(g, f, p, ifname);

    f->lost += more;
    if (more && now.ns >= f->until.ns) {
        if (f->shunned++ == 0)
            log_warning(SUBSYSTEM,
                        "%s: %" PRIu64
                        " frames that were redirected to it are lost; each time that happens its frames "
                        "go by the worker for %llu s",
                        p->name, more, SHUN_NS / 1000000000);
        f->until.ns = now.ns + SHUN_NS;
    }
    return now.ns < f->until.ns;
}

static const char *look_at(const struct gateway *g, struct gateway_fast_port *f, const struct gateway_port *p,
                           const struct dp_port_status *status, bool *scattered, mono_t now)
{
    bool shun = shunned(g, f, p, status->device, now);

    *scattered = false;
    if (!status->up)
        return "link down";
    return shun ? "it lost redirected frames" : driver_refuses(p, status->device, scattered);
}

static void say_target(const struct gateway_port *p, const char *was, const char *is, bool first)
{
    if (was == is || strcmp(is ? is : "", "link down") == 0 || strcmp(was ? was : "", "link down") == 0)
        return; /* the link has its own lines */
    if (is)
        log_write(first ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, SUBSYSTEM,
                  "%s: the worker sends what leaves by it: %s", p->name, is);
    else
        log_info(SUBSYSTEM, "%s: frames are redirected to it again", p->name);
}

/* Every so manieth port of g->ports, from the first one on. */
static bool look_at_ports(struct gateway *g, unsigned first, unsigned step)
{
    struct gateway_fast *fast = g->priv->fast;
    mono_t now = mono_now();
    bool changed = false;

    for (unsigned i = first; fwd_fastpath(g->fwd) && i < g->n_ports; i += step) {
        const struct gateway_port *p = &g->ports[i];
        struct gateway_fast_port *f = &fast->ports[p->id];
        struct dp_port_status status;
        const char *refuse;
        bool scattered;

        if (!f->served)
            continue;
        dp_port_status(g->dp, p->id, &status);
        if (!f->ifindex)
            f->ifindex = if_nametoindex(status.device);
        else if (if_nametoindex(status.device) != f->ifindex)
            status.up = false; /* gone, or another one by this name */
        refuse = look_at(g, f, p, &status, &scattered, now);
        say_target(p, f->refuse, refuse, !f->looked);
        f->refuse = refuse;
        changed |= fwd_set_port(
            g->fwd, p->id,
            &(struct fastpath_port){
                .ifindex = f->ifindex, .target = !refuse, .scattered = scattered, .mtu = status.mtu});
    }
    return changed;
}

bool gateway_fastpath_look(struct gateway *g)
{
    return look_at_ports(g, 0, 1);
}

void gateway_fastpath_poll(struct gateway *g)
{
    struct gateway_fast *fast = g->priv->fast;

    if (look_at_ports(g, fast->part, FASTPATH_PARTS))
        gateway_topology_changed(g);
    fast->part = (fast->part + 1) % FASTPATH_PARTS;
}

/* ---- reading */

const char *gateway_fastpath_why_not(const struct gateway *g)
{
    return fwd_fastpath(g->fwd) ? NULL : g->priv->fast->why_not;
}

const struct fastpath *gateway_fastpath(const struct gateway *g)
{
    return g->priv->fast->fp;
}

const struct gateway_fast_port *gateway_fastpath_port(const struct gateway *g, dp_port_id id)
{
    return &g->priv->fast->ports[id];
}
