/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A worker: one thread that polls its receive queues of every port in turn, takes each burst through burst.c
 * to the end, and flushes what it queued for transmission. This header is what those stages share;
 * nobody above dp_*.c sees it.
 *
 * There may be several. Each has its receive queues, its transmit queue (or a share in one), its reports to
 * the control thread, what it remembers of them, what waits, and its counters. They share the tables and the
 * snapshot, which they only read, and the limits. A receive queue is one worker's, so the frames of a flow
 * stay in order; where a port has fewer queues than there are workers, its worker deals frames out by flow
 * if it is told to (spread.h).
 *
 * Who writes what: `ctl` fields by the control thread before the worker runs; the snapshot pointer by the
 * control thread, with release; limits by all workers, atomically; everything else by the worker alone.
 * Counters are 64-bit words with one writer that the control thread reads at any time.
 */
#ifndef DATAPLANE_WORKER_H
#define DATAPLANE_WORKER_H

#include "dataplane/bicast.h"
#include "dataplane/burst.h"
#include "dataplane/capture.h"
#include "dataplane/dp.h"
#include "dataplane/fdb.h"
#include "dataplane/neigh.h"
#include "dataplane/own.h"
#include "dataplane/park.h"
#include "dataplane/report.h"
#include "dataplane/snapshot.h"
#include "dataplane/snoop.h"
#include "dataplane/spread.h"
#include "dataplane/storm.h"

#include <rte_mbuf.h>
#include <rte_ring.h>
#include <rte_spinlock.h>

#define WORKER_BURST      32
#define WORKER_TX_QUEUE   64
#define WORKER_MAX_QUEUES 16u /* receive queues of one port */

/* What the worker needs to know of a port. Fixed while it is there, but for max_frame. */
struct worker_port {
    uint16_t ethdev;
    /* This worker's receive queues; none (release, and a grace period): it is not there any more, or others
     * poll it. */
    uint16_t rx_first, rx_queues;
    uint16_t tx_queue;
    rte_spinlock_t *tx_lock; /* others send by that queue as well; NULL: they do not */
    bool spread;             /* what comes in by it is dealt out to all workers */
    bool strips, inserts;    /* DP_PORT_ACCESS: its NIC takes VLAN tags off, puts them in (vlan.h) */
    enum dp_port_role role;
    uint16_t max_frame; /* longest frame without VLAN tag and FCS that may leave by it (atomic) */
    /* What its driver's buffers hold where it copies what comes from another port's; 0: it does not. */
    uint16_t copy_max;
    uint16_t longest;         /* what comes in by it may have so many bytes */
    bool gathers;             /* its driver sends frames that are in several buffers (segments.h) */
    bool keeps;               /* it may keep what it is given to send, for as long as it sends nothing else */
    struct rte_mempool *pool; /* NULL: there is no port */
};

struct worker_tx {
    uint16_t n;
    struct rte_mbuf *m[WORKER_TX_QUEUE];
};

struct worker_counters {
    struct dp_totals totals;
    struct dp_port_counters ports[DP_MAX_PORTS];
    struct dp_net_counters *nets;   /* by id */
    struct dp_vtep_counters *vteps; /* by id */
    uint32_t *bounced;              /* DP_BOUNCE_COUNTERS, by the low bits of the destination's hash */
};

struct worker {
    /* ctl */
    unsigned index;
    struct worker_port ports[DP_MAX_PORTS];
    unsigned n_ports; /* highest id + 1; grows while the worker runs (release) */
    int kernel_port;  /* the TAP's index, or -1 */
    struct fdb *fdb;
    struct neigh *neigh;
    struct bicast *bicast;
    struct rte_rcu_qsbr *qsbr;
    const struct burst *burst;
    struct own own;
    struct spread spread;
    uint64_t clock_ahead; /* cycles; tests move it */
    bool busy_poll;
    bool had_chains;
    bool *chains; /* some worker had a frame in several buffers (atomic): the first one's had_chains */
    unsigned max_net, max_vtep;
    uint64_t hz;
    /* shared */
    const struct snapshot *snapshot; /* control thread stores with release */
    struct capture *capture;         /* likewise; NULL: there is none */
    bool stop;                       /* control thread stores */
    /* the worker's own */
    struct capture *capturing __rte_cache_aligned; /* `capture` as it was when the round began */
    uint64_t now;                                  /* cycles, once a round */
    uint32_t now_ms;                               /* fdb_ms() */
    uint64_t next_clock;
    unsigned idle_rounds;
    struct worker_tx tx[DP_MAX_PORTS];
    struct report report;
    struct park park;
    struct worker_counters counters;
    /* all workers' */
    struct storm (*storms)[SNAP_CLASSES]; /* [port * (max_net + 1) + net] */
    struct storm *own_limits;             /* by port */
    bool shares;                          /* these are the first worker's */
};

/* A frame on its way: the inner frame without VLAN tag is in m. */
struct frame {
    struct rte_mbuf *m;
    const struct snap_net *net;
    uint64_t src_key, src_hash, dst_key, dst_hash;
    struct table_line *src_home, *dst_home; /* where the look-ups begin; filled in by forward_prefetch() */
    uint16_t place;                         /* where it came from: access port id or VTEP id */
    uint16_t port;                          /* the port that received it */
    uint8_t from;                           /* enum dp_where: DP_WHERE_PORT or DP_WHERE_VTEP */
    bool told;                              /* its source was reported: where it is was not known */
    bool checked;                           /* forward_check_source() has nothing to do */
    uint8_t ttl;                            /* from a VTEP: the outer header's, as received */
};

/* ---- worker.c: life ---- */

/* Clears w and allocates its arrays for networks up to max_net and VTEPs up to max_vtep; the other `ctl`
 * fields are the caller's to fill in. 0 or -errno. */
int worker_init(struct worker *w, unsigned max_net, unsigned max_vtep);
/* Another one beside `first`, whose `ctl` fields are filled in: it gets those that are the same for all, but
 * for the ports. Frees nothing of the first. 0 or -errno. */
int worker_init_more(struct worker *w, unsigned index, const struct worker *first);
void worker_fini(struct worker *w);
/* One round over all ports; returns how many frames came in. Tests call it, worker_main() repeats it. */
unsigned worker_poll(struct worker *w);
/* For rte_eal_remote_launch(): polls until w->stop. arg: struct worker. */
int worker_main(void *arg);

/* ---- the way of a frame ---- */

/* A burst that came in by a port, whoever received it. */
void worker_receive(struct worker *w, const struct snapshot *s, dp_port_id port, struct rte_mbuf **m,
                    unsigned n);
/* A frame from an access port, ready for its look-ups. */
void access_forward(struct worker *w, const struct snapshot *s, struct frame *f);
/* A frame of our own (f->port and f->place: DP_OWN_PORT), as from a host there. */
void access_forward_own(struct worker *w, const struct snapshot *s, struct frame *f);
/* A frame from an access port whose destination is at `where`, whatever marks that has. */
void access_forward_known(struct worker *w, const struct snapshot *s, struct frame *f, uint32_t where);
/* A packet from the underlay. True: f is the inner frame, ready for its look-ups. False: dropped, or gone to
 * the kernel or to the control thread. */
bool wan_unpack(struct worker *w, const struct snapshot *s, dp_port_id port, struct rte_mbuf *m,
                struct frame *f);
void wan_forward(struct worker *w, const struct snapshot *s, struct frame *f);
/* From the TAP to the underlay, as it is. */
void kernel_receive(struct worker *w, const struct snapshot *s, struct rte_mbuf **m, unsigned n);

/* Sends what is queued on a port; what the port does not take is dropped (tx_full). */
void worker_flush(struct worker *w, dp_port_id port);

static inline uint64_t worker_cycles(const struct worker *w, uint64_t us)
{
    return w->hz / 1000000 * us;
}

static inline void worker_drop(struct worker *w, struct rte_mbuf *m, enum drop_reason reason)
{
    w->counters.totals.drops[reason]++;
    if (unlikely(w->capturing != NULL))
        capture_dropped(w, w->capturing, m, reason);
    rte_pktmbuf_free(m);
}

/* Drops a frame that never left: also counted at the port it came in by. */
static inline void worker_drop_received(struct worker *w, dp_port_id port, struct rte_mbuf *m,
                                        enum drop_reason reason)
{
    w->counters.ports[port].drops++;
    worker_drop(w, m, reason);
}

/* tx: the queue of that port. */
static inline void worker_enqueue(struct worker *w, struct worker_tx *tx, dp_port_id port, struct rte_mbuf *m)
{
    tx->m[tx->n++] = m;
    if (unlikely(tx->n == WORKER_TX_QUEUE))
        worker_flush(w, port);
}

static inline void worker_transmit(struct worker *w, dp_port_id port, struct rte_mbuf *m)
{
    worker_enqueue(w, &w->tx[port], port, m);
}

static inline void worker_count(struct dp_count *c, uint32_t bytes)
{
    c->frames++;
    c->bytes += bytes;
}

#endif
