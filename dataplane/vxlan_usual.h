/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A quick look at the outer header of the packets that nearly all are: VXLAN for us, sound, with nothing odd
 * about them. What it does not take is vxlan_parse()'s to judge, what it takes is what that would say.
 *
 * Pure functions over mbufs; worker threads.
 */
#ifndef DATAPLANE_VXLAN_USUAL_H
#define DATAPLANE_VXLAN_USUAL_H

#include "dataplane/vxlan.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

/* What vxlan_parse() says of the packets that nearly all are: over IPv4 without options, whole, in one
 * buffer, without UDP checksum, with an inner Ethernet header. The outer header is VXLAN_OUTER_IPV4 long. */
struct vxlan_usual {
    uint64_t tunnel; /* vxlan_usual_source() and vxlan_usual_vni() as they stand in the packet */
    uint16_t inner_len;
    uint8_t tos, ttl;
};

static inline struct ipaddr vxlan_usual_source(uint64_t tunnel)
{
    struct ipaddr a = {.family = 4};

    memcpy(a.b, &tunnel, 4);
    return a;
}

static inline uint32_t vxlan_usual_vni(uint64_t tunnel)
{
    return rte_be_to_cpu_32((uint32_t)(tunnel >> 32)) >> 8;
}

/* The fields that must be what they are for us, as they lie in the packet: made once for a burst. */
struct vxlan_expect {
    uint64_t mac;     /* bytes 0-5 */
    uint64_t address; /* bytes 30-33, as bits 16-47 of a word */
    uint64_t udp;     /* bytes 36-43: our port, (length), no checksum, flag I */
    bool ipv4;        /* false: no packet is a usual one */
};

static inline struct vxlan_expect vxlan_expect(const struct vxlan_local *local)
{
    struct vxlan_expect e = {.ipv4 = local->address.family == 4};
    uint32_t address;

    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words of headers, and their masks");
    memcpy(&e.mac, local->mac.b, 6);
    memcpy(&address, local->address.b, 4);
    e.address = (uint64_t)address << 16;
    e.udp = UINT64_C(0x08) << 48 | rte_cpu_to_be_16(local->port);
    return e;
}

/* False: it is none of these, and vxlan_parse() says what it is. Reads each 8 bytes of the header once. */
static __rte_always_inline bool vxlan_parse_usual(const struct rte_mbuf *m, const struct vxlan_expect *e,
                                                  struct vxlan_usual *out)
{
    const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
    uint32_t len = rte_pktmbuf_pkt_len(m), total, udp_len;
    uint64_t w12, w20, w28, w36, odd, sum;

    if (unlikely(!e->ipv4 || m->nb_segs != 1 || len < VXLAN_OUTER_IPV4 + 14))
        return false;
    w12 = inner_load64(p + 12); /* EtherType, version and length, TOS, total length, id */
    w20 = inner_load64(p + 20); /* fragment, TTL, protocol, checksum, first half of the source */
    w28 = inner_load64(p + 28); /* second half, destination, source port */
    w36 = inner_load64(p + 36); /* destination port, UDP length, UDP checksum, VXLAN flags */
    odd = (inner_load64(p) & UINT64_C(0xffffffffffff)) ^ e->mac;
    odd |= (w12 & 0xffffff) ^ 0x450008;
    odd |= (w20 & 0xff00ff3f) ^ 0x11000000;
    odd |= (w28 & UINT64_C(0xffffffff0000)) ^ e->address;
    odd |= (w36 & UINT64_C(0x0008ffff0000ffff)) ^ e->udp; /* R1.3, R1.4 */
    total = rte_be_to_cpu_16((uint16_t)(w12 >> 32));
    udp_len = rte_be_to_cpu_16((uint16_t)(w36 >> 16));
    odd |= total ^ (udp_len + 20);
    /* The sum of the header's 16-bit words, checksum included, is a multiple of 0xffff when that is right. */
    sum = (w12 >> 16) + (uint32_t)w20 + (w20 >> 32) + (w28 & UINT64_C(0xffffffffffff));
    if (unlikely(odd != 0 || total > len - 14 || udp_len < 8 + 8 + 14 || sum % 0xffff != 0))
        return false;
    out->tunnel = (uint64_t)(inner_load32(p + 46) & 0xffffff) << 32 | inner_load32(p + 26);
    out->inner_len = (uint16_t)(udp_len - 16);
    out->tos = p[15];
    out->ttl = p[22];
    return true;
}

#ifdef __AVX2__
/* ---- packets like one that vxlan_parse_usual() took */

/* The outer header of such a packet, without a congestion mark, as the next ones of its tunnel have it where
 * vxlan_alike_mask says. */
struct vxlan_like {
    uint8_t bytes[VXLAN_OUTER_IPV4];
    uint64_t sum; /* of both addresses */
};

/* All that vxlan_parse_usual() compares, the source, the VNI and ECN. */
static const uint8_t vxlan_alike_mask[VXLAN_OUTER_IPV4] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0,    0,    0xff, 0xff, 0xff, 0x03, 0,
    0,    0,    0,    0x3f, 0xff, 0,    0xff, 0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0,    0,    0xff, 0xff, 0,    0,    0xff, 0xff, 0x08, 0,    0,    0,    0xff, 0xff, 0xff, 0,
};

static inline void vxlan_like_set(struct vxlan_like *l, const struct rte_mbuf *m)
{
    const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

    memcpy(l->bytes, p, VXLAN_OUTER_IPV4);
    l->sum = (uint64_t)inner_load32(p + 26) + inner_load32(p + 30);
}

static __rte_always_inline __m256i vxlan_difference(const uint8_t *a, const uint8_t *b, const uint8_t *mask)
{
    __m256i odd = _mm256_xor_si256(_mm256_loadu_si256((const void *)a), _mm256_loadu_si256((const void *)b));

    return _mm256_and_si256(odd, _mm256_loadu_si256((const void *)mask));
}

static __rte_always_inline bool vxlan_same_header(const uint8_t *p, const uint8_t *like)
{
    enum { SECOND = VXLAN_OUTER_IPV4 - 32 };
    const uint8_t *mask = vxlan_alike_mask;
    __m256i odd = _mm256_or_si256(vxlan_difference(p, like, mask),
                                  vxlan_difference(p + SECOND, like + SECOND, mask + SECOND));

    return _mm256_testz_si256(odd, odd);
}

/* False: it is not, or not sound, and vxlan_parse_usual() is to be asked. Fills in all but the tunnel. */
static __rte_always_inline bool vxlan_alike(const struct rte_mbuf *m, const struct vxlan_like *l,
                                            struct vxlan_usual *out)
{
    const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
    uint32_t len = rte_pktmbuf_pkt_len(m), total, udp_len;
    uint64_t w14, sum;

    if (unlikely(m->nb_segs != 1 || len < VXLAN_OUTER_IPV4 + 14 || !vxlan_same_header(p, l->bytes)))
        return false;
    w14 = inner_load64(p + 14); /* version and length, TOS, total length, id, fragment */
    total = rte_be_to_cpu_16((uint16_t)(w14 >> 16));
    udp_len = rte_be_to_cpu_16(inner_load16(p + 38));
    sum = (uint32_t)w14 + (w14 >> 32) + inner_load32(p + 22) + l->sum;
    if (unlikely(total != udp_len + 20 || total > len - 14 || udp_len < 8 + 8 + 14 || sum % 0xffff != 0))
        return false;
    out->inner_len = (uint16_t)(udp_len - 16);
    out->tos = p[15];
    out->ttl = p[22];
    return true;
}
#endif

#endif
