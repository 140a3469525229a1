/* SPDX-License-Identifier: BSD-3-Clause
 *
 * VXLAN (RFC 7348) on the wire: the outer header put in front of an inner frame, and the checks of what
 * arrives.
 *
 * Outgoing: one template per VTEP holds the whole outer header; per frame only lengths, traffic class, source
 * port, VNI and the checksum are filled in. Incoming: vxlan_parse() decides whether a packet is VXLAN for us
 * and sound; it reads nothing beyond what is there, whatever the headers say. vxlan_usual.h is quicker, of
 * those that it knows.
 *
 * Pure functions over mbufs; worker threads, templates built by the control thread.
 */
#ifndef DATAPLANE_VXLAN_H
#define DATAPLANE_VXLAN_H

#include "conf/ecn.h"
#include "conf/vxlan_template.h"
#include "dataplane/checksum.h"
#include "dataplane/dp.h"
#include "dataplane/inner.h"

#include <errno.h>

#include <rte_mbuf.h>

static inline void vxlan_store16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* A sum of 16-bit words to 16 bits, as checksums want it. */
static inline uint16_t vxlan_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* Fills in the UDP checksum of a packet over IPv6 that is complete but for that, or leaves it to the NIC that
 * it goes out by. False: impossible. */
bool vxlan_udp6_checksum(struct rte_mbuf *m, bool by_nic);

/* The same, of one that vxlan_encapsulate() makes by t; udp: its header, with source port and length. */
static __rte_always_inline bool vxlan_udp6_fill(struct rte_mbuf *m, const struct vxlan_template *t,
                                                uint8_t *udp, uint16_t source, uint16_t udp_len, uint32_t vni)
{
    uint32_t sum = t->sum + source + 2u * udp_len + (vni >> 8) + (uint16_t)(vni << 8);

    if (unlikely(t->nic_csum || m->nb_segs != 1))
        return vxlan_udp6_checksum(m, t->nic_csum);
    /* The headers' sum is known: reading them back so soon would cost a stall. */
    sum += rte_be_to_cpu_16((uint16_t)(checksum_add(udp + 16, udp_len - 16u) % 0xffff));
    vxlan_store16(udp + 6, (uint16_t) ~(sum % 0xffff)); /* never zero, which would mean "none" */
    return true;
}

/* Puts the outer header in front. dscp: 0..63 or DP_DSCP_INHERIT. 0, or -ENOBUFS without headroom. */
static __rte_always_inline int vxlan_encapsulate(struct rte_mbuf *m, const struct vxlan_template *t,
                                                 uint32_t vni, uint8_t dscp, const struct inner_info *info)
{
    uint32_t inner_len = rte_pktmbuf_pkt_len(m), vni_be = rte_cpu_to_be_32(vni << 8);
    uint16_t udp_len = (uint16_t)(inner_len + VXLAN_OUTER_IPV4 - 34);
    uint8_t *eth = (uint8_t *)rte_pktmbuf_prepend(m, t->len);
    uint16_t source = (uint16_t)(VXLAN_SOURCE_FIRST + (info->hash >> 18));
    /* RFC 6040 section 4.1, normal mode: the ECN field is copied. */
    uint8_t tos = dscp == DP_DSCP_INHERIT ? info->tos : (uint8_t)(dscp << 2 | (info->tos & ECN_MASK));
    uint8_t *ip, *udp;

    if (unlikely(!eth))
        return -ENOBUFS;
    ip = eth + 14;
    if (likely(t->len == VXLAN_OUTER_IPV4)) {
        uint16_t ip_len = (uint16_t)(udp_len + 20);

        memcpy(eth, t->bytes, VXLAN_OUTER_IPV4);
        udp = ip + 20;
        ip[1] = tos;
        vxlan_store16(ip + 2, ip_len);
        vxlan_store16(ip + 10, (uint16_t)~vxlan_fold(t->sum + tos + ip_len));
    } else {
        memcpy(eth, t->bytes, VXLAN_OUTER_IPV6);
        udp = ip + 40;
        ip[0] = (uint8_t)(0x60 | tos >> 4);
        ip[1] = (uint8_t)(tos << 4 | (info->hash >> 16 & 0xf)); /* flow label from the flow (RFC 6438) */
        vxlan_store16(ip + 2, (uint16_t)info->hash);
        vxlan_store16(ip + 4, udp_len);
    }
    vxlan_store16(udp, source);
    vxlan_store16(udp + 4, udp_len);
    memcpy(udp + 12, &vni_be, 4);
    return likely(t->zero_csum) || vxlan_udp6_fill(m, t, udp, source, udp_len, vni) ? 0 : -ENOBUFS;
}

/* Lowers the TTL of a packet that vxlan_encapsulate() has just made; never raises it. */
void vxlan_lower_ttl(struct rte_mbuf *m, uint8_t ttl);

/* What vxlan_parse() says besides an enum drop_reason. */
#define VXLAN_FOR_US   (-1)
#define VXLAN_NOT_OURS (-2)

struct vxlan_packet {
    struct ipaddr source;
    uint32_t vni;
    uint8_t tos; /* outer traffic class */
    uint8_t ttl;
    uint16_t inner_offset, inner_len;
};

/* VXLAN_FOR_US (then *out is filled), VXLAN_NOT_OURS (the kernel's business), or the enum drop_reason. The
 * source and the VNI are not checked here. */
int vxlan_parse(const struct rte_mbuf *m, const struct vxlan_local *local, struct vxlan_packet *out);

/* Carries the outer congestion mark into the inner packet (RFC 6040, R1.8), mending the IPv4 checksum. frame:
 * the inner frame, len readable bytes, at least 14. False: the packet must be dropped. */
bool vxlan_ecn_restore(uint8_t *frame, uint32_t len, uint8_t outer_tos);

#endif
