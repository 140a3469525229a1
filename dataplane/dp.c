/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The data plane as the control plane sees it (dp.h): life, publishing of snapshots, a look at the way of a
 * frame, capture. The rest of it: dp_ports.c, dp_tables.c, dp_reports.c, dp_counters.c. Control thread only.
 */
#include "dataplane/dp_private.h"
#include "dataplane/eal.h"
#include "dataplane/port_pool.h"
#include "dataplane/trace.h"

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
    first->report.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (first->report.wake_fd < 0)
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
    if (dp->n_workers > 0 && dp->workers[0]->report.wake_fd > 0)
        close(dp->workers[0]->report.wake_fd);
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
    rc = eal_start(&dp->config, port_pool_memory_mb(&dp->config), &dp->hugepages, err);
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

/* ---- the way of a frame ---- */

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
