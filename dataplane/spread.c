/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See spread.h.
 */
#include "dataplane/spread.h"

#include "dataplane/worker.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include <rte_ring_elem.h>

#define ETH_LEN 14u
#define TAG_LEN 4u

struct handed {
    struct rte_mbuf *m;
    uint64_t port;
};

int spread_connect(struct worker *const *workers, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        workers[i]->spread.n = n;
        workers[i]->spread.self = i;
    }
    for (unsigned i = 0; i < n * n; i++) {
        struct worker *from = workers[i / n], *to = workers[i % n];
        char name[RTE_RING_NAMESIZE];
        struct rte_ring *ring;

        if (from == to)
            continue;
        snprintf(name, sizeof(name), "cw_s%u_%p", from->spread.self, (void *)to);
        ring = rte_ring_create_elem(name, sizeof(struct handed), SPREAD_RING, SOCKET_ID_ANY,
                                    RING_F_SP_ENQ | RING_F_SC_DEQ);
        if (!ring)
            return -ENOMEM;
        from->spread.to[to->spread.self] = to->spread.from[from->spread.self] = ring;
    }
    return 0;
}

void spread_wait(const struct spread *sp)
{
    for (unsigned i = 0; i < sp->n; i++) {
        const struct rte_ring *r = sp->from[i];
        uint32_t until = r ? __atomic_load_n(&r->prod.tail, __ATOMIC_ACQUIRE) : 0;

        /* Not "until it is empty": other frames come all the time. */
        while (r && (int32_t)(__atomic_load_n(&r->cons.tail, __ATOMIC_ACQUIRE) - until) < 0)
            sched_yield();
    }
}

void spread_fini(struct spread *sp)
{
    struct handed h;

    for (unsigned i = 0; i < sp->n; i++) {
        while (sp->from[i] && rte_ring_sc_dequeue_elem(sp->from[i], &h, sizeof(h)) == 0)
            rte_pktmbuf_free(h.m);
        rte_ring_free(sp->from[i]);
    }
    *sp = (struct spread){0};
}

/* ---- worker ---- */

static uint32_t flow_of(const struct rte_mbuf *m, bool access)
{
    const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *), *ip = frame + ETH_LEN;
    uint32_t len = rte_pktmbuf_data_len(m), readable;
    struct inner_info info;

    if (len < ETH_LEN)
        return 0;
    if (access && inner_load16(frame + 12) == RTE_BE16(0x8100) && len >= ETH_LEN + TAG_LEN)
        ip += TAG_LEN;
    readable = len - (uint32_t)(ip - frame);
    if (inner_load16(ip - 2) == ETHERTYPE_IPV4_BE && inner_ipv4(ip, readable, &info))
        return info.hash;
    if (inner_load16(ip - 2) == ETHERTYPE_IPV6_BE && inner_ipv6(ip, readable, &info))
        return info.hash;
    return flow_hash_finish(flow_hash_mix(inner_load64(frame), inner_load32(frame + 8)));
}

static void hand_over(struct worker *w, dp_port_id port, unsigned to, const struct handed *h, unsigned n)
{
    unsigned sent = rte_ring_sp_enqueue_burst_elem(w->spread.to[to], h, sizeof(*h), n, NULL);

    for (unsigned i = sent; i < n; i++)
        worker_drop_received(w, port, h[i].m, DROP_worker_full);
}

unsigned spread_burst(struct worker *w, dp_port_id port, struct rte_mbuf **m, unsigned n)
{
    const struct spread *sp = &w->spread;
    bool access = w->ports[port].role == DP_PORT_ACCESS;
    struct handed out[DP_MAX_WORKERS][WORKER_BURST];
    unsigned n_out[DP_MAX_WORKERS] = {0}, kept = 0;

    for (unsigned i = 0; i < n; i++) {
        unsigned to = (unsigned)((uint64_t)flow_of(m[i], access) * sp->n >> 32);

        if (to == sp->self)
            m[kept++] = m[i];
        else
            out[to][n_out[to]++] = (struct handed){m[i], port};
    }
    for (unsigned i = 0; i < sp->n; i++)
        if (n_out[i] > 0)
            hand_over(w, port, i, out[i], n_out[i]);
    return kept;
}

/* In runs that came in by the same port. */
static void receive(struct worker *w, const struct snapshot *s, const struct handed *h, unsigned n)
{
    struct rte_mbuf *m[WORKER_BURST];

    for (unsigned i = 0; i < n;) {
        dp_port_id port = (dp_port_id)h[i].port;
        unsigned run = 0;

        while (i < n && h[i].port == port)
            m[run++] = h[i++].m;
        worker_receive(w, s, port, m, run);
    }
}

unsigned spread_serve(struct worker *w, const struct snapshot *s)
{
    struct handed h[WORKER_BURST];
    unsigned total = 0;

    for (unsigned i = 0; i < w->spread.n; i++) {
        unsigned n = w->spread.from[i] ? rte_ring_sc_dequeue_burst_elem(w->spread.from[i], h, sizeof(h[0]),
                                                                        WORKER_BURST, NULL)
                                       : 0;

        for (unsigned k = 0; k < n; k++) /* all of it is in another core's cache */
            rte_prefetch0(h[k].m);
        for (unsigned k = 0; k < n; k++)
            rte_prefetch0(rte_pktmbuf_mtod(h[k].m, void *));
        if (n > 0)
            receive(w, s, h, n);
        total += n;
    }
    return total;
}
