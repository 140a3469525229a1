/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The VLAN tag of a frame at an access port. It lies in the frame; or beside it, in the mbuf, where the
 * port's NIC has taken it off, and where the one that the frame leaves by is to put it in. Lengths that are
 * counted or shown are those on the wire, with the tag. Worker threads.
 */
#ifndef DATAPLANE_VLAN_H
#define DATAPLANE_VLAN_H

#include "dataplane/front.h"
#include "dataplane/inner.h"

#include <rte_mbuf.h>

#define VLAN_TAG_LEN 4u
#define VLAN_TPID_BE RTE_BE16(0x8100)
#define VLAN_ID      0xfffu

static inline bool vlan_was_taken_off(const struct rte_mbuf *m)
{
    return (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0;
}

/* The VLAN of a frame whose tag was taken off; from here on it is a frame without one. */
static inline uint16_t vlan_take(struct rte_mbuf *m)
{
    m->ol_flags &= ~(uint64_t)RTE_MBUF_F_RX_VLAN_STRIPPED;
    return m->vlan_tci & VLAN_ID;
}

/* The NIC that it leaves by puts the tag in. */
static inline void vlan_leave_to_nic(struct rte_mbuf *m, uint16_t vlan)
{
    m->ol_flags |= RTE_MBUF_F_TX_VLAN;
    m->vlan_tci = vlan;
}

/* A tag as it lies in a frame. */
static inline uint32_t vlan_tag(uint16_t vlan)
{
    return rte_cpu_to_be_32(0x81000000u | vlan);
}

/* Puts a tag between the MACs and the EtherType. False: no headroom. */
static __rte_always_inline bool vlan_insert(struct rte_mbuf *m, uint32_t tag)
{
    const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
    uint64_t first = inner_load64(frame), rest = inner_load32(frame + 8) | (uint64_t)tag << 32;
    uint8_t *to;

    if (unlikely(rte_pktmbuf_headroom(m) < VLAN_TAG_LEN))
        return false;
    to = front_put(m, VLAN_TAG_LEN);
    memcpy(to, &first, 8);
    memcpy(to + 8, &rest, 8);
    return true;
}

static inline bool vlan_is_beside(const struct rte_mbuf *m)
{
    return (m->ol_flags & (RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_TX_VLAN)) != 0;
}

static inline uint32_t vlan_wire_len(const struct rte_mbuf *m)
{
    return rte_pktmbuf_pkt_len(m) + (vlan_is_beside(m) ? VLAN_TAG_LEN : 0);
}

/* Bytes of the tags that lie beside these frames. */
static inline uint32_t vlan_bytes_beside(struct rte_mbuf *const *m, unsigned n)
{
    uint32_t bytes = 0;

    for (unsigned i = 0; i < n; i++)
        bytes += vlan_is_beside(m[i]) ? VLAN_TAG_LEN : 0;
    return bytes;
}

#endif
