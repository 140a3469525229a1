/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See segments.h.
 */
#include "dataplane/segments.h"

#include "dataplane/worker.h"

#include <rte_ip.h>

_Static_assert(SEGMENTS_FIRST >= VXLAN_OUTER_IPV6 + DP_OWN_SNAP, "what is handed to the control thread");

/* ---- a burst */

static bool in_order(const struct rte_mbuf *m)
{
    if (m->nb_segs > SEGMENTS_MAX ||
        rte_pktmbuf_data_len(m) < RTE_MIN(rte_pktmbuf_pkt_len(m), (uint32_t)SEGMENTS_FIRST))
        return false;
    for (const struct rte_mbuf *seg = m->next; seg; seg = seg->next)
        if (rte_pktmbuf_data_len(seg) == 0)
            return false;
    return true;
}

/* NULL: it was dropped. */
static struct rte_mbuf *put_in_order(struct worker *w, dp_port_id port, struct rte_mbuf *m)
{
    struct rte_mbuf *copy;

    if (rte_pktmbuf_pkt_len(m) > w->ports[port].longest) {
        worker_drop_received(w, port, m, DROP_too_long);
        return NULL;
    }
    if (likely(in_order(m)))
        return m;
    if (rte_pktmbuf_pkt_len(m) == 0) { /* nothing that could be copied: truncated, like any such frame */
        segments_trim(m, 0);
        return m;
    }
    copy =
        rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX); /* as few buffers as it takes, all full but the last */
    if (likely(copy != NULL))
        rte_pktmbuf_free(m);
    else
        worker_drop_received(w, port, m, DROP_no_buffer);
    return copy;
}

void segments_expect(struct worker *w)
{
    if (!__atomic_load_n(w->chains, __ATOMIC_RELAXED))
        __atomic_store_n(w->chains, true, __ATOMIC_RELAXED);
}

uint16_t segments_receive(struct worker *w, dp_port_id port, struct rte_mbuf **m, uint16_t n)
{
    uint16_t kept = 0;

    segments_expect(w);
    for (uint16_t i = 0; i < n; i++) {
        struct rte_mbuf *frame = m[i]->nb_segs > 1 ? put_in_order(w, port, m[i]) : m[i];

        if (frame)
            m[kept++] = frame;
    }
    return kept;
}

/* NULL: it was dropped. */
static struct rte_mbuf *joined(struct worker *w, struct rte_mempool *pool, struct rte_mbuf *m)
{
    struct rte_mbuf *copy;

    if (rte_pktmbuf_pkt_len(m) + RTE_PKTMBUF_HEADROOM > rte_pktmbuf_data_room_size(pool)) {
        worker_drop(w, m, DROP_port_mtu);
        return NULL;
    }
    copy = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);
    if (likely(copy != NULL))
        rte_pktmbuf_free(m);
    else
        worker_drop(w, m, DROP_no_buffer);
    return copy;
}

void segments_join(struct worker *w, dp_port_id port)
{
    struct worker_tx *tx = &w->tx[port];
    uint16_t kept = 0;

    for (uint16_t i = 0; i < tx->n; i++) {
        struct rte_mbuf *m = tx->m[i]->nb_segs > 1 ? joined(w, w->ports[port].pool, tx->m[i]) : tx->m[i];

        if (m)
            tx->m[kept++] = m;
    }
    tx->n = kept;
}

/* Of all that snoop_look() knows only neighbour discovery goes on behind the first bytes. */
static __rte_noinline void snoop_whole(const struct rte_mbuf *m, struct snoop *out)
{
    uint8_t whole[UINT16_MAX];
    uint32_t len = RTE_MIN(rte_pktmbuf_pkt_len(m), (uint32_t)sizeof(whole));
    const uint8_t *frame = rte_pktmbuf_read(m, 0, len, whole);

    if (likely(frame != NULL))
        snoop_look(frame, len, out);
    else
        snoop_look(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), out);
}

void segments_snoop(const struct rte_mbuf *m, struct snoop *out)
{
    const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
    uint32_t len = rte_pktmbuf_data_len(m);

    if (unlikely(m->nb_segs > 1) && snoop_maybe(frame, len))
        snoop_whole(m, out);
    else
        snoop_look(frame, len, out);
}

/* ---- one frame */

/* rte_raw_cksum_mbuf() loses carries behind a buffer of odd length (DPDK 22.11). */
bool segments_sum(const struct rte_mbuf *m, uint32_t from, uint32_t len, uint16_t *sum)
{
    uint32_t all = 0, done = 0;

    for (; m && done < len; m = m->next) {
        uint32_t there = rte_pktmbuf_data_len(m), n;
        uint16_t part;

        if (from >= there) {
            from -= there;
            continue;
        }
        n = RTE_MIN(there - from, len - done);
        part = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, const void *, from), n);
        all += done & 1 ? rte_bswap16(part) : part;
        done += n;
        from = 0;
    }
    *sum = vxlan_fold(all);
    return done == len;
}

void segments_trim(struct rte_mbuf *m, uint32_t len)
{
    struct rte_mbuf *last = m, *seg, *next;
    uint16_t kept = 1;

    m->pkt_len = len;
    for (; len > rte_pktmbuf_data_len(last); last = last->next, kept++)
        len -= rte_pktmbuf_data_len(last);
    seg = last->next;
    last->data_len = (uint16_t)len;
    last->next = NULL;
    m->nb_segs = kept;
    for (; seg; seg = next) {
        next = seg->next;
        rte_pktmbuf_free_seg(seg);
    }
}

bool segments_append(struct rte_mbuf *m, const void *data, uint32_t len)
{
    struct rte_mbuf *last = rte_pktmbuf_lastseg(m);
    const uint8_t *from = data;

    while (len > 0) {
        uint16_t part = (uint16_t)RTE_MIN(len, (uint32_t)rte_pktmbuf_tailroom(last));

        if (part == 0) {
            last->next = rte_pktmbuf_alloc(m->pool);
            if (!last->next)
                return false;
            last = last->next;
            m->nb_segs++;
            continue;
        }
        memcpy(rte_pktmbuf_mtod_offset(last, uint8_t *, rte_pktmbuf_data_len(last)), from, part);
        last->data_len = (uint16_t)(last->data_len + part);
        m->pkt_len += part;
        from += part;
        len -= part;
    }
    return true;
}
