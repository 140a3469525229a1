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
#include "dataplane/front.h"
#include "dataplane/inner.h"

#include <errno.h>

#include <rte_mbuf.h>

static inline void vxlan_store16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* A sum of 16-bit words to 16 bits, as checksums want it: both halves are added, and their carry. */
static inline uint16_t vxlan_fold(uint32_t sum)
{
    return (uint16_t)((sum + (sum >> 16 | sum << 16)) >> 16);
}

/* Fills in the UDP checksum of a packet over IPv6 that is complete but for that, or leaves it to the NIC that
 * it goes out by. False: impossible. */
bool vxlan_udp6_checksum(struct rte_mbuf *m, bool by_nic);

/* The same, of one that vxlan_encapsulate() makes by t; udp: its header, with source port and length. */
static __rte_always_inline bool vxlan_udp6_fill(struct rte_mbuf *m, const struct vxlan_template *t,
                                                uint8_t *udp, uint32_t source, uint32_t udp_len, uint32_t vni)
{
    uint32_t sum = t->sum + source + 2u * udp_len + (vni >> 8) + (uint16_t)(vni << 8);

    if (unlikely(t->nic_csum || m->nb_segs != 1))
        return vxlan_udp6_checksum(m, t->nic_csum);
    /* The headers' sum is known: reading them back so soon would cost a stall. */
    sum += rte_be_to_cpu_16((uint16_t)(checksum_add(udp + 16, udp_len - 16u) % 0xffff));
    vxlan_store16(udp + 6, (uint16_t) ~(sum % 0xffff)); /* never zero, which would mean "none" */
    return true;
}

/* Eight bytes of a header: those of the template at `first`, and in the first three of their 16-bit words
 * these values, which are at most 0xffff; there the template has zeros. One store is quicker than one for
 * each. */
static __rte_always_inline void vxlan_store_fields(uint8_t *p, const uint8_t *first, uint64_t a, uint64_t b,
                                                   uint64_t c)
{
    uint64_t word = inner_load64(first) | rte_cpu_to_be_64(a << 48 | b << 32 | c << 16);

    memcpy(p, &word, 8);
}

/* RFC 6040 section 4.1, normal mode: the ECN field is copied. dscp: 0..63 or DP_DSCP_INHERIT. */
static inline uint8_t vxlan_outer_tos(uint8_t dscp, const struct inner_info *info)
{
    return dscp == DP_DSCP_INHERIT ? info->tos : (uint8_t)(dscp << 2 | (info->tos & ECN_MASK));
}

/* R1.2 */
static inline uint32_t vxlan_source_port(const struct inner_info *info)
{
    return VXLAN_SOURCE_FIRST + (info->hash >> 18);
}

/* t->len is VXLAN_OUTER_IPV4. 0, or -ENOBUFS: nothing is changed. */
static __rte_always_inline int vxlan_encapsulate4(struct rte_mbuf *m, const struct vxlan_template *t,
                                                  uint32_t vni, uint8_t dscp, const struct inner_info *info)
{
    uint32_t vni_be = rte_cpu_to_be_32(vni << 8), tos = vxlan_outer_tos(dscp, info);
    uint32_t ip_len = rte_pktmbuf_pkt_len(m) + VXLAN_OUTER_IPV4 - 14; /* below 65536: the path's MTU */
    uint8_t *eth, *ip;

    if (unlikely(rte_pktmbuf_headroom(m) < VXLAN_OUTER_IPV4))
        return -ENOBUFS;
    eth = front_put(m, VXLAN_OUTER_IPV4);
    ip = eth + 14;
    memcpy(eth, t->bytes, VXLAN_OUTER_IPV4);
    vxlan_store_fields(ip, t->bytes + 14, tos, ip_len, 0);
    vxlan_store16(ip + 10, (uint16_t)~vxlan_fold(t->sum + tos + ip_len));
    vxlan_store_fields(ip + 20, t->bytes + 34, vxlan_source_port(info), 0, ip_len - 20);
    memcpy(ip + 32, &vni_be, 4);
    return 0;
}

/* t->len is VXLAN_OUTER_IPV6. 0, or -ENOBUFS: nothing is changed where that is for want of headroom; other
 * wants are those of vxlan_udp6_checksum(). */
static __rte_always_inline int vxlan_encapsulate6(struct rte_mbuf *m, const struct vxlan_template *t,
                                                  uint32_t vni, uint8_t dscp, const struct inner_info *info)
{
    uint32_t vni_be = rte_cpu_to_be_32(vni << 8), tos = vxlan_outer_tos(dscp, info);
    uint32_t udp_len = rte_pktmbuf_pkt_len(m) + VXLAN_OUTER_IPV6 - 54; /* below 65536, likewise */
    uint32_t source = vxlan_source_port(info);
    uint8_t *eth, *ip, *udp;

    if (unlikely(rte_pktmbuf_headroom(m) < VXLAN_OUTER_IPV6))
        return -ENOBUFS;
    eth = front_put(m, VXLAN_OUTER_IPV6);
    ip = eth + 14;
    udp = ip + 40;
    memcpy(eth, t->bytes, VXLAN_OUTER_IPV6);
    /* Flow label from the flow (RFC 6438). */
    vxlan_store_fields(ip, t->bytes + 14, tos << 4 | (info->hash >> 16 & 0xf), info->hash & 0xffff, udp_len);
    vxlan_store_fields(udp, t->bytes + 54, source, 0, udp_len);
    memcpy(udp + 12, &vni_be, 4);
    return t->zero_csum || vxlan_udp6_fill(m, t, udp, source, udp_len, vni) ? 0 : -ENOBUFS;
}

/* Puts the outer header in front. dscp: 0..63 or DP_DSCP_INHERIT. 0, or -ENOBUFS without headroom. */
static inline int vxlan_encapsulate(struct rte_mbuf *m, const struct vxlan_template *t, uint32_t vni,
                                    uint8_t dscp, const struct inner_info *info)
{
    return likely(t->len == VXLAN_OUTER_IPV4) ? vxlan_encapsulate4(m, t, vni, dscp, info)
                                              : vxlan_encapsulate6(m, t, vni, dscp, info);
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
