/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The worker's loop and its transmit queues. See worker.h for who writes what.
 *
 * Tricky: there are only two system calls in the loop, the sleep of an idle worker and report_wake()'s.
 */
#include "dataplane/worker.h"

#include "dataplane/profile.h"
#include "dataplane/segments.h"
#include "dataplane/vlan.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <rte_rcu_qsbr.h>

#define CLOCK_PERIOD_US  250
#define IDLE_SPIN_ROUNDS 64   /* adaptive polling: rounds without a frame before the first sleep */
#define IDLE_SLEEP_MIN   5000 /* ns */
#define IDLE_SLEEP_MAX   100000
#define TX_TRIES         3
#define TX_LOCK_SPINS    1024
#define SCARCE           512 /* packet buffers of a port, some bursts more than it needs to go on receiving */

static int init(struct worker *w, unsigned max_net, unsigned max_vtep)
{
    memset(w, 0, sizeof(*w));
    w->max_net = max_net;
    w->max_vtep = max_vtep;
    w->kernel_port = -1;
    w->hz = rte_get_tsc_hz();
    w->burst = burst_pick(0);
    w->chains = &w->had_chains;
    w->counters.nets = calloc(max_net + 1, sizeof(*w->counters.nets));
    w->counters.vteps = calloc(max_vtep + 1, sizeof(*w->counters.vteps));
    w->counters.bounced = calloc(DP_BOUNCE_COUNTERS, sizeof(*w->counters.bounced));
    return own_init(&w->own, w) == 0 && report_init(&w->report) == 0 && w->counters.nets &&
                   w->counters.vteps && w->counters.bounced
               ? 0
               : -ENOMEM;
}

int worker_init(struct worker *w, unsigned max_net, unsigned max_vtep)
{
    int rc = init(w, max_net, max_vtep);

    w->storms = calloc((size_t)DP_MAX_PORTS * (max_net + 1), sizeof(*w->storms));
    w->own_limits = calloc(DP_MAX_PORTS, sizeof(*w->own_limits));
    if (!w->storms || !w->own_limits)
        rc = -ENOMEM;
    if (rc < 0)
        worker_fini(w);
    return rc;
}

int worker_init_more(struct worker *w, unsigned index, const struct worker *first)
{
    int rc = init(w, first->max_net, first->max_vtep);

    w->index = index;
    w->fdb = first->fdb;
    w->neigh = first->neigh;
    w->bicast = first->bicast;
    w->qsbr = first->qsbr;
    w->report.wake_fd = first->report.wake_fd;
    w->busy_poll = first->busy_poll;
    w->shares = true;
    w->chains = first->chains;
    w->storms = first->storms;
    w->own_limits = first->own_limits;
    if (rc < 0)
        worker_fini(w);
    return rc;
}

void worker_fini(struct worker *w)
{
    park_fini(&w->park);
    report_fini(&w->report);
    own_fini(&w->own);
    spread_fini(&w->spread);
    if (!w->shares) {
        free(w->storms);
        free(w->own_limits);
    }
    free(w->counters.nets);
    free(w->counters.vteps);
    free(w->counters.bounced);
    memset(w, 0, sizeof(*w));
}

/* Has this pool of another port few left? port.c makes pools that keep what is free in a ring;
 * rte_mempool_avail_count() looks at 128 caches as well. */
static bool scarce(const struct rte_mempool *pool, const struct rte_mempool *own)
{
    return pool != own && rte_ring_count(pool->pool_data) < SCARCE;
}

static bool any_scarce(const struct worker *w, dp_port_id port)
{
    const struct rte_mempool *own = w->ports[port].pool, *last = own;
    const struct worker_tx *tx = &w->tx[port];

    for (uint16_t i = 0; i < tx->n; i++) {
        if (tx->m[i]->pool == last)
            continue;
        last = tx->m[i]->pool;
        if (scarce(last, own))
            return true;
    }
    return false;
}

/* Another port's buffers that this one's driver may keep for long (its link is down, and it has room for
 * thousands): once that port has few left they are copied, so that it goes on receiving whatever happens
 * here. */
static void give_back_scarce(struct worker *w, dp_port_id port)
{
    struct rte_mempool *own = w->ports[port].pool;
    struct worker_tx *tx = &w->tx[port];
    uint16_t kept = 0;

    for (uint16_t i = 0; i < tx->n; i++) {
        struct rte_mbuf *m = tx->m[i], *copy = m;

        if (scarce(m->pool, own)) {
            copy = rte_pktmbuf_copy(m, own, 0, UINT32_MAX);
            if (copy)
                rte_pktmbuf_free(m);
            else
                worker_drop(w, m, DROP_no_buffer);
        }
        if (copy)
            tx->m[kept++] = copy;
    }
    tx->n = kept;
}

/* The driver copies into buffers of its own: what does not fit them must not get there. */
static void drop_too_long(struct worker *w, dp_port_id port)
{
    struct worker_tx *tx = &w->tx[port];
    uint16_t kept = 0;

    for (uint16_t i = 0; i < tx->n; i++) {
        if (unlikely(rte_pktmbuf_pkt_len(tx->m[i]) > w->ports[port].copy_max))
            worker_drop(w, tx->m[i], DROP_port_mtu);
        else
            tx->m[kept++] = tx->m[i];
    }
    tx->n = kept;
}

/* Whoever has the lock sends a burst and lets go; but it may have lost its processor to this thread. */
static void lock_tx(rte_spinlock_t *lock)
{
    for (unsigned i = 1; !rte_spinlock_trylock(lock); i++) {
        if (i % TX_LOCK_SPINS == 0)
            sched_yield();
        else
            rte_pause();
    }
}

static uint16_t transmit(const struct worker_port *p, struct rte_mbuf **m, uint16_t n)
{
    uint16_t sent = 0;

    if (p->tx_lock)
        lock_tx(p->tx_lock);
    for (unsigned try = 0; try < TX_TRIES && sent < n; try++)
        sent += rte_eth_tx_burst(p->ethdev, p->tx_queue, m + sent, n - sent);
    if (p->tx_lock)
        rte_spinlock_unlock(p->tx_lock);
    return sent;
}

void worker_flush(struct worker *w, dp_port_id port)
{
    struct worker_tx *tx = &w->tx[port];
    struct dp_port_counters *count = &w->counters.ports[port];
    bool inserts = w->ports[port].inserts;
    uint64_t bytes = 0;
    uint16_t sent;

    if (w->ports[port].keeps && unlikely(any_scarce(w, port)))
        give_back_scarce(w, port);
    if (w->ports[port].copy_max != 0)
        drop_too_long(w, port);
    if (unlikely(__atomic_load_n(w->chains, __ATOMIC_RELAXED)) && !w->ports[port].gathers)
        segments_join(w, port);
    if (unlikely(w->capturing != NULL))
        capture_burst(w, w->capturing, CAPTURE_OUT, port, tx->m, tx->n);
    /* The driver may free a frame before it returns: all lengths are added first. */
    for (uint16_t i = 0; i < tx->n; i++)
        bytes += rte_pktmbuf_pkt_len(tx->m[i]);
    if (unlikely(inserts))
        bytes += vlan_bytes_beside(tx->m, tx->n);
    PROFILE(queue);
    sent = transmit(&w->ports[port], tx->m, tx->n);
    PROFILE(send);
    for (uint16_t i = sent; i < tx->n; i++) {
        bytes -= inserts ? vlan_wire_len(tx->m[i]) : rte_pktmbuf_pkt_len(tx->m[i]);
        worker_drop(w, tx->m[i], DROP_tx_full);
    }
    count->tx.frames += sent;
    count->tx.bytes += bytes;
    if (port == w->kernel_port)
        w->report.queued = true; /* the control thread carries them on */
    tx->n = 0;
}

static void update_clock(struct worker *w)
{
    w->now = rte_rdtsc() + w->clock_ahead;
    report_round(&w->report);
    if (w->now < w->next_clock)
        return;
    w->now_ms = fdb_ms(mono_now()); /* vDSO, no system call */
    w->next_clock = w->now + worker_cycles(w, CLOCK_PERIOD_US);
}

void worker_receive(struct worker *w, const struct snapshot *s, dp_port_id port, struct rte_mbuf **m,
                    unsigned n)
{
    enum dp_port_role role = w->ports[port].role;

    if (role == DP_PORT_ACCESS)
        w->burst->access(w, s, port, m, n);
    else if (role == DP_PORT_UNDERLAY)
        w->burst->wan(w, s, port, m, n);
    else
        kernel_receive(w, s, m, n);
}

static unsigned poll_port(struct worker *w, const struct snapshot *s, dp_port_id port)
{
    struct worker_port *p = &w->ports[port];
    struct dp_port_counters *count = &w->counters.ports[port];
    uint16_t rx_queues = __atomic_load_n(&p->rx_queues, __ATOMIC_ACQUIRE);
    struct rte_mbuf *m[WORKER_BURST];
    unsigned total = 0;

    for (uint16_t q = 0; q < rx_queues; q++) {
        uint16_t n = rte_eth_rx_burst(p->ethdev, p->rx_first + q, m, WORKER_BURST);
        uint16_t segments = 0; /* of one frame, or more */
        uint64_t bytes = 0;

        PROFILE(receive);
        if (n == 0)
            continue;
        total += n;
        for (uint16_t i = 0; i < n; i++) {
            rte_prefetch0(rte_pktmbuf_mtod(m[i], void *));
            bytes += rte_pktmbuf_pkt_len(m[i]);
            segments = (uint16_t)(segments | m[i]->nb_segs);
        }
        if (unlikely(p->strips))
            bytes += vlan_bytes_beside(m, n);
        count->rx.frames += n;
        count->rx.bytes += bytes;
        PROFILE(arrive);
        if (unlikely(w->capturing != NULL))
            capture_burst(w, w->capturing, CAPTURE_IN, port, m, n);
        if (unlikely(segments != 1))
            n = segments_receive(w, port, m, n);
        if (p->spread)
            n = (uint16_t)spread_burst(w, port, m, n);
        if (n > 0)
            worker_receive(w, s, port, m, n);
    }
    return total;
}

/* What the load costs: one look at the clock for a whole round of bursts, and none for an idle one. */
static void count_round(struct worker *w, unsigned frames)
{
    struct dp_totals *t = &w->counters.totals;

    t->polls++;
    if (frames == 0) {
        t->idle_polls++;
        return;
    }
    t->frames += frames;
    t->busy_cycles += rte_rdtsc() - w->now;
}

unsigned worker_poll(struct worker *w)
{
    const struct snapshot *s = __atomic_load_n(&w->snapshot, __ATOMIC_ACQUIRE);
    unsigned n_ports = __atomic_load_n(&w->n_ports, __ATOMIC_ACQUIRE), total = 0;

    w->capturing = __atomic_load_n(&w->capture, __ATOMIC_ACQUIRE);
    update_clock(w);
    if (unlikely(own_waiting(&w->own)))
        total += own_serve(w, s);
    if (unlikely(w->park.n > 0))
        park_serve(w, s);
    total += spread_serve(w, s);
    PROFILE(round);
    for (unsigned i = 0; i < n_ports; i++)
        total += poll_port(w, s, (dp_port_id)i);
    for (unsigned i = 0; i < n_ports; i++)
        if (w->tx[i].n > 0)
            worker_flush(w, (dp_port_id)i);
    if (report_due(&w->report, w->now, total > 0))
        report_wake(w);
    count_round(w, total);
    return total;
}

/* Progressive: a few empty rounds at full speed, then sleeps that double up to 100 us. */
static void idle(struct worker *w, bool had_frames)
{
    struct timespec ts = {0};

    if (had_frames || w->busy_poll) {
        w->idle_rounds = 0;
        return;
    }
    w->idle_rounds++;
    if (w->idle_rounds <= IDLE_SPIN_ROUNDS) {
        rte_pause();
        return;
    }
    ts.tv_nsec = IDLE_SLEEP_MIN;
    for (unsigned i = IDLE_SPIN_ROUNDS + 1; i < w->idle_rounds && ts.tv_nsec < IDLE_SLEEP_MAX; i++)
        ts.tv_nsec *= 2;
    if (ts.tv_nsec > IDLE_SLEEP_MAX)
        ts.tv_nsec = IDLE_SLEEP_MAX;
    rte_rcu_qsbr_thread_offline(w->qsbr, rte_lcore_id());
    nanosleep(&ts, NULL);
    rte_rcu_qsbr_thread_online(w->qsbr, rte_lcore_id());
}

int worker_main(void *arg)
{
    struct worker *w = arg;
    unsigned lcore = rte_lcore_id();
    char name[16] = "cw-worker"; /* what a thread's name has room for */

    if (w->index > 0)
        snprintf(name, sizeof(name), "cw-worker%u", w->index % DP_MAX_WORKERS);
    prctl(PR_SET_NAME, name);
    prctl(PR_SET_TIMERSLACK, 1UL);
    rte_rcu_qsbr_thread_register(w->qsbr, lcore);
    rte_rcu_qsbr_thread_online(w->qsbr, lcore);
    while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
        unsigned n = worker_poll(w);

        rte_rcu_qsbr_quiescent(w->qsbr, lcore);
        idle(w, n > 0);
    }
    rte_rcu_qsbr_thread_offline(w->qsbr, lcore);
    rte_rcu_qsbr_thread_unregister(w->qsbr, lcore);
    return 0;
}
