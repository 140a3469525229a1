/* SPDX-License-Identifier: BSD-3-Clause
 *
 * dp.h's ports: added, shown to the workers, removed; what is known of them; and the TAP. Control thread
 * only.
 */
#include "dataplane/dp_private.h"

#include <errno.h>
#include <stdio.h>

#include <rte_rcu_qsbr.h>

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
    int id = dp_port_next(dp, spec->wish), rc;

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

int dp_port_next(const struct dp *dp, unsigned wish)
{
    return port_slots_next(&dp->slots, wish, mono_now());
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

/* ---- the TAP ---- */

int dp_kernel_fd(const struct dp *dp)
{
    const struct port *p = dp_kernel_port(dp);

    return p ? p->tap.fd : -1;
}

int dp_kernel_set_carrier(struct dp *dp, bool up)
{
    const struct port *p = dp_kernel_port(dp);

    return p ? tap_set_carrier(&p->tap, up) : 0;
}

int dp_kernel_service(struct dp *dp)
{
    struct port *p = dp_kernel_port(dp);

    return p ? tap_service(&p->tap, p->pool, p->longest) : 0;
}
