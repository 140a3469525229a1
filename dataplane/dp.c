/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The data plane as the control plane sees it (dp.h): life, ports, publishing of snapshots, the FDB's writer
 * side, events and counters. Control thread only; what workers share is in worker.h.
 */
#include "dataplane/dp.h"

#include "dataplane/eal.h"
#include "dataplane/port.h"
#include "dataplane/trace.h"
#include "dataplane/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring_elem.h>

struct dp {
    struct dp_config config;
    bool hugepages;
    bool running;
    struct port ports[DP_MAX_PORTS];
    unsigned n_ports;
    struct fdb fdb;
    struct neigh neigh;
    struct bicast bicast;
    struct rte_rcu_qsbr *qsbr;
    struct worker worker;
    struct snapshot *current;
    struct capture *capture;    /* kept from the first one on */
    uint64_t capture_token;     /* of its end */
    struct dp_retired *retired; /* snapshots that wait for their grace period, oldest first */
};

struct dp_retired {
    struct snapshot *snapshot;
    uint64_t token;
    struct dp_retired *next;
};

/* ---- life ---- */

static int init_qsbr(struct dp *dp)
{
    size_t size = rte_rcu_qsbr_get_memsize(RTE_MAX_LCORE);

    dp->qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, size);
    return dp->qsbr && rte_rcu_qsbr_init(dp->qsbr, RTE_MAX_LCORE) == 0 ? 0 : -ENOMEM;
}

int dp_start(const struct dp_config *config, struct dp **out, char err[DP_ERR_LEN])
{
    struct dp *dp = aligned_alloc(64, (sizeof(*dp) + 63) & ~(size_t)63);
    int rc;

    if (!dp)
        return -ENOMEM;
    memset(dp, 0, sizeof(*dp));
    dp->config = *config;
    rc = eal_start(config, port_memory_mb(config), &dp->hugepages, err);
    if (rc < 0) {
        free(dp);
        return rc;
    }
    rc = init_qsbr(dp);
    if (rc == 0)
        rc = fdb_init(&dp->fdb, config->max_macs, dp->qsbr);
    if (rc == 0)
        rc = neigh_init(&dp->neigh, config->max_macs * 2, dp->qsbr);
    if (rc == 0)
        rc = bicast_init(&dp->bicast, dp->qsbr);
    if (rc == 0)
        rc = worker_init(&dp->worker, config->n_networks, config->n_vteps);
    if (rc == 0) {
        dp->worker.fdb = &dp->fdb;
        dp->worker.neigh = &dp->neigh;
        dp->worker.bicast = &dp->bicast;
        dp->worker.qsbr = dp->qsbr;
        dp->worker.busy_poll = config->busy_poll;
        dp->worker.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        rc = dp->worker.wake_fd < 0 ? -errno : 0;
    }
    if (rc < 0) {
        snprintf(err, DP_ERR_LEN, "data plane: no memory for %u MACs and %u networks: %s", config->max_macs,
                 config->n_networks, strerror(-rc));
        dp_stop(dp);
        return rc;
    }
    *out = dp;
    return 0;
}

static void free_retired(struct dp *dp, bool all)
{
    while (dp->retired && (all || rte_rcu_qsbr_check(dp->qsbr, dp->retired->token, false) == 1)) {
        struct dp_retired *r = dp->retired;

        dp->retired = r->next;
        snapshot_free(r->snapshot);
        free(r);
    }
}

void dp_stop(struct dp *dp)
{
    if (!dp)
        return;
    if (dp->running) {
        __atomic_store_n(&dp->worker.stop, true, __ATOMIC_RELAXED);
        rte_eal_wait_lcore(EAL_WORKER_LCORE);
    }
    if (dp->worker.wake_fd > 0)
        close(dp->worker.wake_fd);
    worker_fini(&dp->worker); /* its rings may hold buffers of the ports */
    while (dp->n_ports > 0)
        port_close(&dp->ports[--dp->n_ports]);
    free_retired(dp, true);
    snapshot_free(dp->current);
    capture_free(dp->capture);
    bicast_fini(&dp->bicast);
    neigh_fini(&dp->neigh);
    fdb_fini(&dp->fdb);
    free(dp->qsbr);
    free(dp);
    eal_stop();
}

int dp_run(struct dp *dp, char err[DP_ERR_LEN])
{
    int rc;

    if (!dp->current) {
        snprintf(err, DP_ERR_LEN, "data plane: no topology was published");
        return -EINVAL;
    }
    rc = rte_eal_remote_launch(worker_main, &dp->worker, EAL_WORKER_LCORE);
    if (rc < 0)
        snprintf(err, DP_ERR_LEN, "data plane: the worker does not start: %s", strerror(-rc));
    else
        dp->running = true;
    return rc;
}

bool dp_hugepages(const struct dp *dp)
{
    return dp->hugepages;
}

/* ---- ports ---- */

static void show_port_to_worker(struct dp *dp, dp_port_id id)
{
    const struct port *p = &dp->ports[id];
    struct worker_port *wp = &dp->worker.ports[id];

    port_to_worker(p, wp);
    if (p->spec.role == DP_PORT_KERNEL)
        dp->worker.kernel_port = id;
    __atomic_store_n(&dp->worker.n_ports, dp->n_ports, __ATOMIC_RELEASE); /* the port is whole by now */
}

int dp_port_add(struct dp *dp, const struct dp_port_spec *spec, char err[DP_ERR_LEN])
{
    unsigned id = dp->n_ports;
    int rc;

    if (id == DP_OWN_PORT || (dp->running && spec->role == DP_PORT_KERNEL)) {
        snprintf(err, DP_ERR_LEN, "port %s: %s", spec->name,
                 id == DP_OWN_PORT ? "too many ports" : "the data plane is running");
        return -ENOSPC;
    }
    rc = port_open(&dp->ports[id], id, spec, &dp->config, err);
    if (rc < 0)
        return rc;
    dp->n_ports++;
    show_port_to_worker(dp, (dp_port_id)id);
    return (int)id;
}

void dp_port_remove_newest(struct dp *dp)
{
    if (dp->n_ports == 0)
        return;
    __atomic_store_n(&dp->worker.n_ports, --dp->n_ports, __ATOMIC_RELEASE);
    rte_rcu_qsbr_synchronize(dp->qsbr, RTE_QSBR_THRID_INVALID);
    port_close(&dp->ports[dp->n_ports]);
}

unsigned dp_port_number(const struct dp *dp)
{
    return dp->n_ports;
}

void dp_port_set_link(struct dp *dp, dp_port_id port, bool up, uint16_t mtu)
{
    dp->ports[port].kernel_up = up;
    dp->ports[port].spec.mtu = mtu;
    __atomic_store_n(&dp->worker.ports[port].max_frame, (uint16_t)RTE_MIN(mtu + 14u, UINT16_MAX),
                     __ATOMIC_RELAXED);
}

void dp_port_status(struct dp *dp, dp_port_id port, struct dp_port_status *out)
{
    const struct port *p = &dp->ports[port];

    memset(out, 0, sizeof(*out));
    snprintf(out->name, sizeof(out->name), "%s", p->spec.name);
    snprintf(out->device, sizeof(out->device), "%s", p->spec.device);
    snprintf(out->driver, sizeof(out->driver), "%s", port_driver(p));
    out->role = p->spec.role;
    out->up = port_is_up(p);
    out->mtu = port_mtu(p);
    port_mac(p, &out->mac);
}

/* ---- topology ---- */

int dp_publish(struct dp *dp, const struct dp_topology *t)
{
    struct dp_retired *r = calloc(1, sizeof(*r)), **last = &dp->retired;
    struct snapshot *s;
    int rc;

    if (!r)
        return -ENOMEM;
    rc = snapshot_build(t, dp->n_ports, dp->worker.max_net, dp->worker.max_vtep, &s);
    if (rc < 0) {
        free(r);
        return rc;
    }
    __atomic_store_n(&dp->worker.snapshot, s, __ATOMIC_RELEASE);
    r->snapshot = dp->current; /* NULL the first time: freeing that is nothing */
    dp->current = s;
    r->token = rte_rcu_qsbr_start(dp->qsbr);
    while (*last)
        last = &(*last)->next;
    *last = r;
    free_retired(dp, false);
    return 0;
}

/* ---- FDB ---- */

static uint32_t where_of(struct dp_dest dest)
{
    return FDB_WHERE(dest.where, dest.target, dest.is_static) | (dest.bounce ? FDB_BOUNCE : 0) |
           (dest.watch ? FDB_WATCH : 0);
}

static struct dp_dest dest_of(uint32_t where)
{
    return (struct dp_dest){.where = (enum dp_where)fdb_kind(where),
                            .target = fdb_target(where),
                            .is_static = (where & FDB_STATIC) != 0,
                            .bounce = (where & FDB_BOUNCE) != 0,
                            .watch = (where & FDB_WATCH) != 0};
}

int dp_fdb_set(struct dp *dp, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    uint64_t key = fdb_key(net, mac.b);

    return fdb_set(&dp->fdb, key, where_of(dest) | bicast_mark(&dp->bicast, key), mono_now());
}

int dp_fdb_del(struct dp *dp, dp_net_id net, struct mac mac)
{
    return fdb_del(&dp->fdb, fdb_key(net, mac.b));
}

bool dp_fdb_get(const struct dp *dp, dp_net_id net, struct mac mac, struct dp_dest *out)
{
    const struct fdb_value *v = fdb_find(&dp->fdb, fdb_key(net, mac.b));

    if (v)
        *out = dest_of(fdb_where(v));
    return v != NULL;
}

bool dp_fdb_seen(const struct dp *dp, dp_net_id net, struct mac mac, mono_t *seen)
{
    const struct fdb_value *v = fdb_find(&dp->fdb, fdb_key(net, mac.b));

    if (v)
        *seen = fdb_seen(v, mono_now());
    return v != NULL;
}

void dp_fdb_set_seen(struct dp *dp, dp_net_id net, struct mac mac, mono_t seen)
{
    struct fdb_value *v = fdb_find(&dp->fdb, fdb_key(net, mac.b));

    if (v)
        fdb_touch(v, fdb_ms(seen));
}

void dp_fdb_usage(const struct dp *dp, uint32_t *used, uint32_t *capacity)
{
    *used = dp->fdb.t.used;
    *capacity = dp->fdb.t.capacity;
}

int dp_trace(const struct dp *dp, const struct trace_frame *f, struct trace *out)
{
    if (!dp->current || f->len > TRACE_FRAME_MAX || (f->from == DP_WHERE_PORT && f->source >= DP_MAX_PORTS))
        return -EINVAL;
    trace_frame(&dp->worker, dp->current, f, out);
    return 0;
}

/* ---- capture ---- */

int dp_capture_start(struct dp *dp, const struct capture_filter *filter)
{
    if (filter->snap == 0 || filter->snap > CAPTURE_SNAP_MAX)
        return -EINVAL;
    /* The worker may still be in a round that began with the last one. */
    if (dp->worker.capture || (dp->capture && rte_rcu_qsbr_check(dp->qsbr, dp->capture_token, false) != 1))
        return -EBUSY;
    if (!dp->capture)
        dp->capture = capture_new();
    if (!dp->capture)
        return -ENOMEM;
    capture_reset(dp->capture, filter);
    __atomic_store_n(&dp->worker.capture, dp->capture, __ATOMIC_RELEASE);
    return 0;
}

bool dp_capture_pop(struct dp *dp, struct capture_frame *out)
{
    return dp->capture && capture_pop(dp->capture, out);
}

uint64_t dp_capture_lost(const struct dp *dp)
{
    return dp->capture ? capture_lost(dp->capture) : 0;
}

void dp_capture_stop(struct dp *dp)
{
    if (!dp->worker.capture)
        return;
    __atomic_store_n(&dp->worker.capture, NULL, __ATOMIC_RELEASE);
    dp->capture_token = rte_rcu_qsbr_start(dp->qsbr);
}

/* ---- while a move is prepared ---- */

int dp_bicast_set(struct dp *dp, dp_net_id net, struct mac mac, struct dp_dest also)
{
    if (also.where != DP_WHERE_VTEP && also.where != DP_WHERE_FLOOD)
        return -EINVAL;
    return bicast_set(&dp->bicast, &dp->fdb, fdb_key(net, mac.b), FDB_WHERE(also.where, also.target, false));
}

int dp_bicast_del(struct dp *dp, dp_net_id net, struct mac mac)
{
    return bicast_del(&dp->bicast, &dp->fdb, fdb_key(net, mac.b));
}

bool dp_bicast_count(const struct dp *dp, dp_net_id net, struct mac mac, uint64_t *frames)
{
    return bicast_count(&dp->bicast, fdb_key(net, mac.b), frames);
}

/* ---- neighbours ---- */

int dp_neigh_set(struct dp *dp, dp_net_id net, const struct ipaddr *ip, struct mac mac, uint8_t flags)
{
    return neigh_set(&dp->neigh, net, ip, (struct neigh_entry){.mac = mac, .flags = flags});
}

int dp_neigh_del(struct dp *dp, dp_net_id net, const struct ipaddr *ip)
{
    return neigh_del(&dp->neigh, net, ip);
}

/* ---- frames of our own ---- */

/* The network, if there is one now. */
static const struct snap_net *net_now(const struct dp *dp, dp_net_id net)
{
    return dp->current && net < dp->current->n_nets && dp->current->nets[net].id != 0
               ? &dp->current->nets[net]
               : NULL;
}

static int send_own(struct dp *dp, struct own_order order, const void *frame, size_t len)
{
    return own_send(&dp->worker.own, dp->ports[dp->current->underlay].pool, order, frame, len);
}

int dp_send_access(struct dp *dp, dp_net_id net, dp_port_id port, dp_port_id except, const void *frame,
                   size_t len)
{
    const struct snap_net *n = net_now(dp, net);
    struct own_order order = {.kind = OWN_TO_PORT, .net = net, .target = port, .except = except};

    if (!n || (port != DP_ALL_PORTS && (port >= DP_OWN_PORT || n->vlan_of_port[port] == SNAP_NOT_A_MEMBER)))
        return -EINVAL;
    return send_own(dp, order, frame, len);
}

int dp_send_vtep(struct dp *dp, dp_net_id net, dp_vtep_id vtep, const void *frame, size_t len)
{
    struct own_order order = {.kind = OWN_TO_VTEP, .net = net, .target = vtep};

    if (!net_now(dp, net) || vtep >= dp->current->n_vteps || dp->current->vteps[vtep].address.family == 0)
        return -EINVAL;
    return send_own(dp, order, frame, len);
}

int dp_send_own(struct dp *dp, dp_net_id net, const void *frame, size_t len)
{
    return net_now(dp, net) ? send_own(dp, (struct own_order){.kind = OWN_FROM_OWN, .net = net}, frame, len)
                            : -EINVAL;
}

bool dp_own_pop(struct dp *dp, struct dp_own_frame *out)
{
    return own_pop(&dp->worker.own, out);
}

/* ---- events ---- */

int dp_events_fd(const struct dp *dp)
{
    return dp->worker.wake_fd;
}

size_t dp_events_pop(struct dp *dp, struct dp_event *events, size_t n)
{
    struct worker *w = &dp->worker;
    size_t got = rte_ring_sc_dequeue_burst_elem(w->events, events, sizeof(*events), (unsigned)n, NULL);
    uint64_t count;
    ssize_t ignored;

    if (got == n)
        return got;
    ignored = read(w->wake_fd, &count, sizeof(count));
    (void)ignored; /* EAGAIN when nobody woke us */
    __atomic_store_n(&w->control_asleep, true, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with wake_control() */
    /* What came between the first look and the flag found nobody asleep: take it now. A full batch makes the
     * caller come again. */
    return got + rte_ring_sc_dequeue_burst_elem(w->events, events + got, sizeof(*events), (unsigned)(n - got),
                                                NULL);
}

/* ---- the TAP ---- */

static struct port *kernel_port(const struct dp *dp)
{
    return dp->worker.kernel_port >= 0 ? (struct port *)&dp->ports[dp->worker.kernel_port] : NULL;
}

int dp_kernel_fd(const struct dp *dp)
{
    const struct port *p = kernel_port(dp);

    return p ? p->tap.fd : -1;
}

int dp_kernel_set_carrier(struct dp *dp, bool up)
{
    const struct port *p = kernel_port(dp);

    return p ? tap_set_carrier(&p->tap, up) : 0;
}

int dp_kernel_service(struct dp *dp)
{
    struct port *p = kernel_port(dp);

    return p ? tap_service(&p->tap, p->pool) : 0;
}

/* ---- counters: single words with one writer, read as they stand ---- */

void dp_port_counters(const struct dp *dp, dp_port_id port, struct dp_port_counters *out)
{
    *out = dp->worker.counters.ports[port];
    out->missed = port_missed(&dp->ports[port]);
    /* What the worker handed over, less what the kernel did not take: that is a drop. */
    out->tx.frames -= dp->ports[port].tap.lost;
    out->tx.bytes -= dp->ports[port].tap.lost_bytes;
}

uint32_t dp_bounce_counter(const struct dp *dp, dp_net_id net, struct mac mac, uint32_t *frames)
{
    uint32_t i = fdb_hash(&dp->fdb, fdb_key(net, mac.b)) % DP_BOUNCE_COUNTERS;

    *frames = dp->worker.counters.bounced[i];
    return i;
}

void dp_net_counters(const struct dp *dp, dp_net_id net, struct dp_net_counters *out)
{
    *out = dp->worker.counters.nets[net];
}

void dp_vtep_counters(const struct dp *dp, dp_vtep_id vtep, struct dp_vtep_counters *out)
{
    *out = dp->worker.counters.vteps[vtep];
}

void dp_totals(const struct dp *dp, struct dp_totals *out)
{
    const struct port *p = kernel_port(dp);

    *out = dp->worker.counters.totals;
    out->drops[DROP_tx_full] += p ? p->tap.lost : 0;
}

uint64_t dp_cycles_hz(const struct dp *dp)
{
    return dp->worker.hz;
}
