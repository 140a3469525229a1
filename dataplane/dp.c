/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The data plane as the control plane sees it (dp.h): life, ports, publishing of snapshots, the FDB's writer
 * side, events and counters. Control thread only; what workers share is in worker.h.
 *
 * Tricky: each worker has rings of its own for what it reports. They are emptied by turns, and events in the
 * order in which frames were seen, so that of a MAC that moved from one worker's port to another's the last
 * place is told last.
 */
#include "dataplane/dp.h"

#include "dataplane/eal.h"
#include "dataplane/old_pools.h"
#include "dataplane/port.h"
#include "dataplane/port_slots.h"
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

#define TAKEN 32

/* Events of one worker that are on their way to the caller. */
struct dp_taken {
    struct dp_event event[TAKEN];
    unsigned n, next;
};

struct dp {
    struct dp_config config;
    bool hugepages;
    unsigned running;                /* workers */
    struct port ports[DP_MAX_PORTS]; /* by id */
    struct port_slots slots;
    unsigned opened; /* how many ever were, for names that are their own */
    struct old_pools old_pools;
    struct fdb fdb;
    struct neigh neigh;
    struct bicast bicast;
    struct rte_rcu_qsbr *qsbr;
    struct worker *workers[DP_MAX_WORKERS];
    unsigned n_workers;
    unsigned turn;   /* whose frames are taken first, next time */
    unsigned queues; /* receive queues that were dealt out, one by one */
    struct dp_taken taken[DP_MAX_WORKERS];
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

static struct worker *new_worker(struct dp *dp)
{
    struct worker *w = aligned_alloc(64, (sizeof(*w) + 63) & ~(size_t)63);
    int rc;

    if (!w)
        return NULL;
    if (dp->n_workers > 0)
        rc = worker_init_more(w, dp->n_workers, dp->workers[0]);
    else
        rc = worker_init(w, dp->config.n_networks, dp->config.n_vteps);
    if (rc == 0)
        return dp->workers[dp->n_workers++] = w;
    free(w);
    return NULL;
}

/* The first has what all have alike; then the others. */
static int init_workers(struct dp *dp)
{
    struct worker *first = new_worker(dp);

    if (!first)
        return -ENOMEM;
    first->fdb = &dp->fdb;
    first->neigh = &dp->neigh;
    first->bicast = &dp->bicast;
    first->qsbr = dp->qsbr;
    first->busy_poll = dp->config.busy_poll;
    first->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (first->wake_fd < 0)
        return -errno;
    while (dp->n_workers < dp->config.workers)
        if (!new_worker(dp))
            return -ENOMEM;
    old_pools_init(&dp->old_pools, dp->workers, dp->n_workers);
    return dp->config.spread && dp->n_workers > 1 ? spread_connect(dp->workers, dp->n_workers) : 0;
}

/* Rings may hold buffers of the ports; the first one's limits are the others', too. */
static void free_workers(struct dp *dp)
{
    if (dp->n_workers > 0 && dp->workers[0]->wake_fd > 0)
        close(dp->workers[0]->wake_fd);
    while (dp->n_workers > 0) {
        struct worker *w = dp->workers[--dp->n_workers];

        worker_fini(w);
        free(w);
    }
}

int dp_start(const struct dp_config *config, struct dp **out, char err[DP_ERR_LEN])
{
    struct dp *dp = aligned_alloc(64, (sizeof(*dp) + 63) & ~(size_t)63);
    int rc;

    if (!dp)
        return -ENOMEM;
    memset(dp, 0, sizeof(*dp));
    dp->config = *config;
    dp->config.workers = RTE_MAX(config->workers, 1u);
    rc = eal_start(&dp->config, port_memory_mb(&dp->config), &dp->hugepages, err);
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
        rc = init_workers(dp);
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

static void stop_workers(struct dp *dp)
{
    for (unsigned i = 0; i < dp->n_workers; i++)
        __atomic_store_n(&dp->workers[i]->stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < dp->running; i++)
        rte_eal_wait_lcore(EAL_WORKER_LCORE + i);
    dp->running = 0;
}

void dp_stop(struct dp *dp)
{
    if (!dp)
        return;
    stop_workers(dp);
    free_workers(dp);
    for (unsigned id = dp->slots.n; id > 0; id--)
        if (port_slots_used(&dp->slots, (dp_port_id)(id - 1)))
            port_close(&dp->ports[id - 1]);
    old_pools_fini(&dp->old_pools);
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
    int rc = 0;

    if (!dp->current) {
        snprintf(err, DP_ERR_LEN, "data plane: no topology was published");
        return -EINVAL;
    }
    for (unsigned i = 0; rc == 0 && i < dp->n_workers; i++) {
        rc = rte_eal_remote_launch(worker_main, dp->workers[i], EAL_WORKER_LCORE + i);
        dp->running += rc == 0;
    }
    if (rc < 0)
        snprintf(err, DP_ERR_LEN, "data plane: a worker does not start: %s", strerror(-rc));
    return rc;
}

bool dp_hugepages(const struct dp *dp)
{
    return dp->hugepages;
}

/* ---- ports ---- */

/* Which of n receive queues are a worker's: *count from *first on. Where there are fewer than workers, the
 * next queue is the next worker's, whatever port it belongs to. */
static void deal_queues(const struct dp *dp, unsigned n, unsigned worker, uint16_t *first, uint16_t *count)
{
    if (n >= dp->n_workers) {
        *first = (uint16_t)(n * worker / dp->n_workers);
        *count = (uint16_t)(n * (worker + 1) / dp->n_workers - *first);
    } else {
        *first = (uint16_t)((worker + dp->n_workers - dp->queues % dp->n_workers) % dp->n_workers);
        *count = *first < n;
    }
}

static void show_port_to_worker(struct dp *dp, dp_port_id id, struct worker *w)
{
    struct port *p = &dp->ports[id];
    struct worker_port *wp = &w->ports[id], next;
    uint16_t rx_queues;

    port_to_worker(p, w->index, dp->n_workers, &next);
    if (p->spec.role == DP_PORT_KERNEL) { /* little comes by it, and its ring has one consumer */
        w->kernel_port = id;
        next.rx_queues = w->index == 0;
    } else {
        deal_queues(dp, p->queues, w->index, &next.rx_first, &next.rx_queues);
        next.spread = dp->config.spread && p->queues < dp->n_workers;
    }
    rx_queues = next.rx_queues;
    next.rx_queues = 0;
    *wp = next;
    __atomic_store_n(&wp->rx_queues, rx_queues, __ATOMIC_RELEASE); /* the port is whole by now */
    __atomic_store_n(&w->n_ports, dp->slots.n, __ATOMIC_RELEASE);
}

static void show_port_to_workers(struct dp *dp, dp_port_id id)
{
    for (unsigned i = 0; i < dp->n_workers; i++)
        show_port_to_worker(dp, id, dp->workers[i]);
    if (dp->ports[id].spec.role != DP_PORT_KERNEL)
        dp->queues += dp->ports[id].queues;
}

/* Waits until no worker has a frame of before in mind: what one had received for another goes on its way
 * first. */
static void let_go(struct dp *dp)
{
    rte_rcu_qsbr_synchronize(dp->qsbr, RTE_QSBR_THRID_INVALID);
    if (dp->running < 2)
        return;
    for (unsigned i = 0; i < dp->n_workers; i++)
        spread_wait(&dp->workers[i]->spread);
    rte_rcu_qsbr_synchronize(dp->qsbr, RTE_QSBR_THRID_INVALID);
}

static void hide_port_from_workers(struct dp *dp, dp_port_id id)
{
    for (unsigned i = 0; i < dp->n_workers; i++)
        __atomic_store_n(&dp->workers[i]->ports[id].rx_queues, 0, __ATOMIC_RELEASE);
    let_go(dp);
    for (unsigned i = 0; i < dp->n_workers; i++)
        __atomic_store_n(&dp->workers[i]->ports[id].pool, NULL, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 2; i++) /* a whole round of each worker: what waits of the port is given up */
        rte_rcu_qsbr_synchronize(dp->qsbr, RTE_QSBR_THRID_INVALID);
}

int dp_port_add(struct dp *dp, const struct dp_port_spec *spec, char err[DP_ERR_LEN])
{
    int id = dp_port_next(dp), rc;

    if (id < 0 || (dp->running && spec->role == DP_PORT_KERNEL)) {
        snprintf(err, DP_ERR_LEN, "port %s: %s", spec->name,
                 id < 0 ? "too many ports, or those that went a moment ago still count: try again in some "
                          "seconds"
                        : "the data plane is running");
        return -ENOSPC;
    }
    old_pools_sweep(&dp->old_pools, mono_now()); /* the new one may need their memory */
    rc = port_open(&dp->ports[id], dp->opened++, spec, &dp->config, err);
    if (rc < 0)
        return rc;
    port_slots_take(&dp->slots, (dp_port_id)id);
    show_port_to_workers(dp, (dp_port_id)id);
    return id;
}

int dp_port_next(const struct dp *dp)
{
    return port_slots_next(&dp->slots, mono_now());
}

bool dp_port_choose(struct dp *dp, dp_port_id id)
{
    return port_slots_choose(&dp->slots, id);
}

int dp_port_remove(struct dp *dp, dp_port_id id)
{
    struct port *p = &dp->ports[id];
    struct rte_mempool *pool = p->pool;
    mono_t now = mono_now();

    if (!port_slots_used(&dp->slots, id) || p->spec.role == DP_PORT_KERNEL)
        return -EINVAL;
    old_pools_sweep(&dp->old_pools, now);
    if ((dp->current && snapshot_names_port(dp->current, id)) || !old_pools_room(&dp->old_pools))
        return -EBUSY;
    hide_port_from_workers(dp, id);
    p->pool = NULL; /* port_close() would free it */
    port_close(p);
    old_pools_port_closed(&dp->old_pools, id);
    old_pools_add(&dp->old_pools, pool, now);
    old_pools_sweep(&dp->old_pools, now);
    port_slots_give_back(&dp->slots, id, now);
    return 0;
}

void dp_port_set_link(struct dp *dp, dp_port_id port, bool up, uint16_t mtu)
{
    dp->ports[port].kernel_up = up;
    dp->ports[port].spec.mtu = mtu;
    for (unsigned i = 0; i < dp->n_workers; i++)
        __atomic_store_n(&dp->workers[i]->ports[port].max_frame, (uint16_t)RTE_MIN(mtu + 14u, UINT16_MAX),
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
    rc = snapshot_build(t, dp->slots.n, dp->config.n_networks, dp->config.n_vteps, &s);
    if (rc < 0) {
        free(r);
        return rc;
    }
    for (unsigned id = 0; id < dp->slots.n; id++)
        if (snapshot_names_port(s, (dp_port_id)id))
            port_slots_name(&dp->slots, (dp_port_id)id);
    for (unsigned i = 0; i < s->n_vteps; i++)
        s->vteps[i].header.nic_csum = dp->ports[s->underlay].nic_csum;
    for (unsigned i = 0; i < dp->n_workers; i++)
        __atomic_store_n(&dp->workers[i]->snapshot, s, __ATOMIC_RELEASE);
    r->snapshot = dp->current; /* NULL the first time: freeing that is nothing */
    dp->current = s;
    r->token = rte_rcu_qsbr_start(dp->qsbr);
    while (*last)
        last = &(*last)->next;
    *last = r;
    free_retired(dp, false);
    old_pools_sweep(&dp->old_pools, mono_now());
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
    trace_frame(dp->workers[0], dp->current, f, out);
    return 0;
}

/* ---- capture ---- */

static void set_capture(struct dp *dp, struct capture *c)
{
    for (unsigned i = 0; i < dp->n_workers; i++)
        __atomic_store_n(&dp->workers[i]->capture, c, __ATOMIC_RELEASE);
}

int dp_capture_start(struct dp *dp, const struct capture_filter *filter)
{
    if (filter->snap == 0 || filter->snap > CAPTURE_SNAP_MAX)
        return -EINVAL;
    /* The worker may still be in a round that began with the last one. */
    if (dp->workers[0]->capture ||
        (dp->capture && rte_rcu_qsbr_check(dp->qsbr, dp->capture_token, false) != 1))
        return -EBUSY;
    if (!dp->capture)
        dp->capture = capture_new();
    if (!dp->capture)
        return -ENOMEM;
    capture_reset(dp->capture, filter);
    set_capture(dp, dp->capture);
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
    if (!dp->workers[0]->capture)
        return;
    set_capture(dp, NULL);
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
    return own_send(&dp->workers[0]->own, dp->ports[dp->current->underlay].pool, order, frame, len);
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
    unsigned n = dp->n_workers, turn = dp->turn++;

    for (unsigned i = 0; i < n; i++)
        if (own_pop_oam(&dp->workers[(turn + i) % n]->own, out))
            return true;
    for (unsigned i = 0; i < n; i++)
        if (own_pop(&dp->workers[(turn + i) % n]->own, out))
            return true;
    return false;
}

/* ---- events ---- */

int dp_events_fd(const struct dp *dp)
{
    return dp->workers[0]->wake_fd;
}

static size_t take_from(const struct dp *dp, unsigned worker, struct dp_event *events, size_t n)
{
    return rte_ring_sc_dequeue_burst_elem(dp->workers[worker]->events, events, sizeof(*events), (unsigned)n,
                                          NULL);
}

/* The worker whose next event is the earliest; NULL: nobody has one. */
static struct dp_taken *earliest(struct dp *dp)
{
    struct dp_taken *found = NULL;

    for (unsigned i = 0; i < dp->n_workers; i++) {
        struct dp_taken *t = &dp->taken[i];

        if (t->next == t->n) {
            t->n = (unsigned)take_from(dp, i, t->event, TAKEN);
            t->next = 0;
        }
        if (t->next < t->n && (!found || t->event[t->next].at.ns < found->event[found->next].at.ns))
            found = t;
    }
    return found;
}

static size_t take_events(struct dp *dp, struct dp_event *events, size_t n)
{
    struct dp_taken *t;
    size_t got = 0;

    if (dp->n_workers == 1)
        return take_from(dp, 0, events, n);
    while (got < n && (t = earliest(dp)) != NULL)
        events[got++] = t->event[t->next++];
    return got;
}

size_t dp_events_pop(struct dp *dp, struct dp_event *events, size_t n)
{
    size_t got = take_events(dp, events, n);
    uint64_t count;
    ssize_t ignored;

    if (got == n)
        return got;
    ignored = read(dp_events_fd(dp), &count, sizeof(count));
    (void)ignored; /* EAGAIN when nobody woke us */
    for (unsigned i = 0; i < dp->n_workers; i++)
        if (!__atomic_load_n(&dp->workers[i]->control_asleep, __ATOMIC_RELAXED))
            __atomic_store_n(&dp->workers[i]->control_asleep, true, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with wake_control() */
    /* What came between the first look and the flag found nobody asleep: take it now. A full batch makes the
     * caller come again. */
    return got + take_events(dp, events + got, n - got);
}

/* ---- the TAP ---- */

static struct port *kernel_port(const struct dp *dp)
{
    int id = dp->workers[0]->kernel_port;

    return id >= 0 ? (struct port *)&dp->ports[id] : NULL;
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

/* All counters are structs of such words. */
static void add_words(void *to, const void *from, size_t size)
{
    const uint64_t *f = from;
    uint64_t *t = to;

    for (size_t i = 0; i < size / sizeof(*t); i++)
        t[i] += f[i];
}

void dp_port_counters(const struct dp *dp, dp_port_id port, struct dp_port_counters *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < dp->n_workers; i++)
        add_words(out, &dp->workers[i]->counters.ports[port], sizeof(*out));
    out->missed = port_missed(&dp->ports[port]);
    /* What the worker handed over, less what the kernel did not take: that is a drop. */
    out->tx.frames -= dp->ports[port].tap.lost;
    out->tx.bytes -= dp->ports[port].tap.lost_bytes;
}

uint32_t dp_bounce_counter(const struct dp *dp, dp_net_id net, struct mac mac, uint32_t *frames)
{
    uint32_t i = fdb_hash(&dp->fdb, fdb_key(net, mac.b)) % DP_BOUNCE_COUNTERS;

    *frames = 0;
    for (unsigned k = 0; k < dp->n_workers; k++)
        *frames += dp->workers[k]->counters.bounced[i];
    return i;
}

void dp_net_counters(const struct dp *dp, dp_net_id net, struct dp_net_counters *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < dp->n_workers; i++)
        add_words(out, &dp->workers[i]->counters.nets[net], sizeof(*out));
}

void dp_vtep_counters(const struct dp *dp, dp_vtep_id vtep, struct dp_vtep_counters *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < dp->n_workers; i++)
        add_words(out, &dp->workers[i]->counters.vteps[vtep], sizeof(*out));
}

void dp_totals(const struct dp *dp, struct dp_totals *out)
{
    const struct port *p = kernel_port(dp);

    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < dp->n_workers; i++)
        add_words(out, &dp->workers[i]->counters.totals, sizeof(*out));
    out->drops[DROP_tx_full] += p ? p->tap.lost : 0;
}

unsigned dp_worker_number(const struct dp *dp)
{
    return dp->n_workers;
}

void dp_worker_totals(const struct dp *dp, unsigned worker, struct dp_totals *out)
{
    *out = dp->workers[worker]->counters.totals;
}

uint64_t dp_cycles_hz(const struct dp *dp)
{
    return dp->workers[0]->hz;
}
