/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bytes put in front of a frame and taken off it. What rte_pktmbuf_prepend() and rte_pktmbuf_adj() do, but
 * both lengths are changed by one store, and the caller has looked whether there is room. Worker threads.
 */
#ifndef DATAPLANE_FRONT_H
#define DATAPLANE_FRONT_H

#include <rte_mbuf.h>

#include <stddef.h>
#include <string.h>

/* Both lengths grow by n, which may be negative; neither becomes less than nothing or more than it holds. */
static __rte_always_inline void front_lengthen(struct rte_mbuf *m, int32_t n)
{
    char *at = (char *)m + offsetof(struct rte_mbuf, pkt_len);
    uint64_t both; /* and the VLAN behind them, which stays */

    _Static_assert(offsetof(struct rte_mbuf, data_len) == offsetof(struct rte_mbuf, pkt_len) + 4 &&
                       __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
                   "they lie side by side");
    memcpy(&both, at, sizeof(both));
    both += (uint64_t)(int64_t)n + ((uint64_t)(int64_t)n << 32);
    memcpy(at, &both, sizeof(both));
}

/* Returns where the frame begins now. There is headroom for n bytes. */
static __rte_always_inline uint8_t *front_put(struct rte_mbuf *m, uint16_t n)
{
    m->data_off = (uint16_t)(m->data_off - n);
    front_lengthen(m, n);
    return rte_pktmbuf_mtod(m, uint8_t *);
}

/* The first buffer has n bytes. */
static __rte_always_inline uint8_t *front_take(struct rte_mbuf *m, uint16_t n)
{
    m->data_off = (uint16_t)(m->data_off + n);
    front_lengthen(m, -(int32_t)n);
    return rte_pktmbuf_mtod(m, uint8_t *);
}

#endif
