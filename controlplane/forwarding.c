/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See forwarding.h.
 *
 * Tricky: the fast path takes no frame from the worker that the worker has work with. A MAC that is watched,
 * or whose frames are doubled, is marked as slow there; so who changes either here programs the MAC again.
 *
 * Control thread only.
 */
#include "controlplane/forwarding.h"

#include "conf/log.h"
#include "controlplane/quiet.h"
#include "dataplane/dp.h"
#include "dataplane/trace.h"
#include "ebpf/fastpath.h"

#include <errno.h>
#include <stdlib.h>

#define REFUSED_QUIET_S 60

struct forwarding {
    struct dp *dp;
    struct fastpath *fp; /* NULL: none */
    bool left;           /* only its counters are read */
    struct fastpath_port ports[DP_MAX_PORTS];
    struct dp_port_counters port_before[DP_MAX_PORTS];   /* what earlier ports of this id had, modulo 2^64 */
    struct dp_port_counters fast_before[DP_MAX_PORTS];   /* the fast path's part of it */
    struct fastpath_port_work work_before[DP_MAX_PORTS]; /* likewise */
    struct dp_net_counters *before[DP_MAX_NETWORKS + 1]; /* what earlier networks of this id had; NULL: 0 */
    uint32_t *bounced; /* [DP_BOUNCE_COUNTERS] by MACs that the fast path has no more */
    uint64_t refused;
    struct quiet quiet;
};

struct forwarding *fwd_new(struct dp *dp)
{
    struct forwarding *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    f->dp = dp;
    f->bounced = calloc(DP_BOUNCE_COUNTERS, sizeof(*f->bounced));
    if (!f->bounced) {
        free(f);
        return NULL;
    }
    return f;
}

void fwd_free(struct forwarding *f)
{
    if (!f)
        return;
    for (unsigned i = 0; i <= DP_MAX_NETWORKS; i++)
        free(f->before[i]);
    free(f->bounced);
    free(f);
}

void fwd_set_fastpath(struct forwarding *f, struct fastpath *fp)
{
    f->fp = fp;
    f->left = false;
}

void fwd_leave_fastpath(struct forwarding *f)
{
    f->left = true;
}

struct fastpath *fwd_fastpath(const struct forwarding *f)
{
    return f && !f->left ? f->fp : NULL;
}

bool fwd_set_port(struct forwarding *f, dp_port_id port, const struct fastpath_port *state)
{
    struct fastpath_port *p = &f->ports[port];
    bool other = p->ifindex != state->ifindex || p->target != state->target ||
                 p->scattered != state->scattered || p->mtu != state->mtu || p->device != state->device;

    *p = *state;
    return other;
}

int fwd_publish(struct forwarding *f, const struct dp_topology *t)
{
    int rc = dp_publish(f->dp, t);

    if (rc == 0 && fwd_fastpath(f))
        rc = fastpath_publish(f->fp, t, f->ports);
    return rc;
}

/* ---- MACs */

static uint32_t counter_of(const struct forwarding *f, dp_net_id net, struct mac mac)
{
    uint32_t frames;

    return dp_bounce_counter(f->dp, net, mac, &frames);
}

static int fast_del(struct forwarding *f, dp_net_id net, struct mac mac)
{
    uint32_t bounced = fastpath_fdb_bounced(f->fp, net, mac);

    if (bounced)
        f->bounced[counter_of(f, net, mac)] += bounced;
    return fastpath_fdb_del(f->fp, net, mac);
}

static void refused(struct forwarding *f, int rc)
{
    char more[QUIET_TEXT];
    uint64_t held;

    f->refused++;
    if (quiet_over(&f->quiet, mono_now(), REFUSED_QUIET_S, &held))
        log_warning("fastpath", "a MAC is not taken, its frames are the worker's: %s%s", strerror(-rc),
                    quiet_more(held, more));
}

/* What the worker's FDB has. Where it was before must not stay. */
static void fast_set(struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    uint64_t frames;
    bool slow = dest.watch || dp_bicast_count(f->dp, net, mac, &frames);
    int rc = fastpath_fdb_set(f->fp, net, mac, dest, slow);

    if (rc < 0) {
        (void)fast_del(f, net, mac);
        refused(f, rc);
    }
}

static void fast_again(struct forwarding *f, dp_net_id net, struct mac mac)
{
    struct dp_dest dest;

    if (fwd_fastpath(f) && dp_fdb_get(f->dp, net, mac, &dest))
        fast_set(f, net, mac, dest);
}

int fwd_fdb_set(struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    int rc = dp_fdb_set(f->dp, net, mac, dest);

    if (rc == 0 && fwd_fastpath(f))
        fast_set(f, net, mac, dest);
    return rc;
}

int fwd_fdb_del(struct forwarding *f, dp_net_id net, struct mac mac)
{
    if (fwd_fastpath(f))
        (void)fast_del(f, net, mac);
    return dp_fdb_del(f->dp, net, mac);
}

bool fwd_fdb_get(const struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest *out)
{
    return dp_fdb_get(f->dp, net, mac, out);
}

bool fwd_fdb_seen(const struct forwarding *f, dp_net_id net, struct mac mac, mono_t *seen)
{
    mono_t fast;

    if (!dp_fdb_seen(f->dp, net, mac, seen))
        return false;
    if (fwd_fastpath(f) && fastpath_fdb_seen(f->fp, net, mac, &fast) && fast.ns > seen->ns)
        *seen = fast;
    return true;
}

/* The worker's FDB remembers the answer, so that the next one needs no system call. */
bool fwd_fdb_seen_lately(struct forwarding *f, dp_net_id net, struct mac mac, uint64_t fresh_ns, mono_t *seen)
{
    mono_t worker;

    if (!dp_fdb_seen(f->dp, net, mac, seen))
        return false;
    worker = *seen;
    if (!fwd_fastpath(f) || mono_now().ns - worker.ns < fresh_ns || !fwd_fdb_seen(f, net, mac, seen))
        return true;
    if (seen->ns > worker.ns)
        dp_fdb_set_seen(f->dp, net, mac, *seen);
    return true;
}

void fwd_fdb_set_seen(struct forwarding *f, dp_net_id net, struct mac mac, mono_t seen)
{
    dp_fdb_set_seen(f->dp, net, mac, seen);
}

void fwd_fdb_watched(struct forwarding *f, dp_net_id net, struct mac mac)
{
    fast_again(f, net, mac);
}

void fwd_fdb_usage(const struct forwarding *f, uint32_t *used, uint32_t *capacity)
{
    dp_fdb_usage(f->dp, used, capacity);
}

uint32_t fwd_bounce_counter(const struct forwarding *f, dp_net_id net, struct mac mac, uint32_t *frames)
{
    uint32_t counter = dp_bounce_counter(f->dp, net, mac, frames);

    *frames += f->bounced[counter];
    if (f->fp)
        *frames += fastpath_fdb_bounced(f->fp, net, mac);
    return counter;
}

int fwd_bicast_set(struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest also)
{
    int rc = dp_bicast_set(f->dp, net, mac, also);

    if (rc == 0)
        fast_again(f, net, mac);
    return rc;
}

int fwd_bicast_del(struct forwarding *f, dp_net_id net, struct mac mac)
{
    int rc = dp_bicast_del(f->dp, net, mac);

    if (rc == 0)
        fast_again(f, net, mac);
    return rc;
}

bool fwd_bicast_count(const struct forwarding *f, dp_net_id net, struct mac mac, uint64_t *frames)
{
    return dp_bicast_count(f->dp, net, mac, frames);
}

uint64_t fwd_refused(const struct forwarding *f)
{
    return f->refused;
}

/* ---- counters */

static void add(struct dp_count *sum, struct dp_count more)
{
    sum->frames += more.frames;
    sum->bytes += more.bytes;
}

static void take(struct dp_count *from, struct dp_count what)
{
    from->frames -= what.frames;
    from->bytes -= what.bytes;
}

static void take_port(struct dp_port_counters *from, const struct dp_port_counters *what)
{
    take(&from->rx, what->rx);
    take(&from->tx, what->tx);
    from->drops -= what->drops;
    from->missed -= what->missed;
}

static void port_counters(const struct forwarding *f, dp_port_id port, struct dp_port_counters *out)
{
    struct dp_port_counters fast;

    dp_port_counters(f->dp, port, out);
    if (!f->fp)
        return;
    fastpath_port_counters(f->fp, port, &fast);
    add(&out->rx, fast.rx);
    add(&out->tx, fast.tx);
    out->drops += fast.drops;
    out->missed += fast.missed;
}

void fwd_port_begin(struct forwarding *f, dp_port_id port, const struct dp_port_counters *so_far)
{
    port_counters(f, port, &f->port_before[port]);
    take_port(&f->port_before[port], so_far);
    if (!f->fp)
        return;
    fastpath_port_counters(f->fp, port, &f->fast_before[port]);
    fastpath_port_work(f->fp, port, &f->work_before[port]);
}

void fwd_port_counters(const struct forwarding *f, dp_port_id port, struct dp_port_counters *out)
{
    port_counters(f, port, out);
    take_port(out, &f->port_before[port]);
}

void fwd_port_fast(const struct forwarding *f, dp_port_id port, struct dp_port_counters *counters,
                   struct fastpath_port_work *work)
{
    const struct fastpath_port_work *before = &f->work_before[port];

    *counters = (struct dp_port_counters){0};
    *work = (struct fastpath_port_work){0};
    if (!f->fp)
        return;
    fastpath_port_counters(f->fp, port, counters);
    take_port(counters, &f->fast_before[port]);
    fastpath_port_work(f->fp, port, work);
    for (unsigned i = 0; i < FASTPATH_PUNTS; i++)
        work->punts[i] -= before->punts[i];
    work->passed -= before->passed;
    work->unserved -= before->unserved;
}

static void net_counters(const struct forwarding *f, dp_net_id net, struct dp_net_counters *out)
{
    struct dp_net_counters fast;

    dp_net_counters(f->dp, net, out);
    if (!f->fp)
        return;
    fastpath_net_counters(f->fp, net, &fast);
    for (int flooded = 0; flooded < 2; flooded++) {
        add(&out->access_in[flooded], fast.access_in[flooded]);
        add(&out->access_out[flooded], fast.access_out[flooded]);
        add(&out->wan_in[flooded], fast.wan_in[flooded]);
        add(&out->wan_out[flooded], fast.wan_out[flooded]);
    }
    out->bounced += fast.bounced;
}

void fwd_net_begin(struct forwarding *f, dp_net_id net)
{
    struct dp_net_counters *before = f->before[net] ? f->before[net] : malloc(sizeof(*before));

    if (before) /* else they go on from where they were */
        net_counters(f, net, before);
    f->before[net] = before;
}

void fwd_net_counters(const struct forwarding *f, dp_net_id net, struct dp_net_counters *out)
{
    const struct dp_net_counters *before = f->before[net];

    net_counters(f, net, out);
    if (!before)
        return;
    for (int flooded = 0; flooded < 2; flooded++) {
        take(&out->access_in[flooded], before->access_in[flooded]);
        take(&out->access_out[flooded], before->access_out[flooded]);
        take(&out->wan_in[flooded], before->wan_in[flooded]);
        take(&out->wan_out[flooded], before->wan_out[flooded]);
    }
    out->proxy_arp -= before->proxy_arp;
    out->proxy_nd -= before->proxy_nd;
    out->bounced -= before->bounced;
    out->bicast -= before->bicast;
}

void fwd_vtep_counters(const struct forwarding *f, dp_vtep_id vtep, struct dp_vtep_counters *out)
{
    struct dp_vtep_counters fast;

    dp_vtep_counters(f->dp, vtep, out);
    if (!f->fp)
        return;
    fastpath_vtep_counters(f->fp, vtep, &fast);
    add(&out->rx, fast.rx);
    add(&out->tx, fast.tx);
}

void fwd_totals(const struct forwarding *f, struct dp_totals *out)
{
    struct dp_totals fast;

    dp_totals(f->dp, out);
    if (!f->fp)
        return;
    fastpath_totals(f->fp, &fast);
    for (int i = 0; i < DROP_N; i++)
        out->drops[i] += fast.drops[i];
}

/* ---- looking into it */

int fwd_trace(const struct forwarding *f, const struct trace_frame *frame, struct trace *out)
{
    return dp_trace(f->dp, frame, out);
}
