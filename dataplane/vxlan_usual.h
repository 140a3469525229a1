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

/* What vxlan_parse() says of these: over IPv4 without options and UDP checksum, or over IPv6 without
 * extension headers and with a UDP checksum that holds, or none where that is allowed (R1.3); whole, in one
 * buffer, with an inner Ethernet header. */
struct vxlan_usual {
    struct vxlan_tunnel {
        uint64_t id;        /* VNI, over IPv4 also the source, as they stand in the packet */
        uint64_t source[2]; /* over IPv6, likewise */
    } tunnel;
    uint16_t inner_len;
    uint8_t tos, ttl;
};

static __rte_always_inline bool vxlan_tunnel_same(const struct vxlan_tunnel *a, const struct vxlan_tunnel *b,
                                                  bool ipv6)
{
    return a->id == b->id && (!ipv6 || ((a->source[0] ^ b->source[0]) | (a->source[1] ^ b->source[1])) == 0);
}

static inline struct ipaddr vxlan_tunnel_source(const struct vxlan_tunnel *t, bool ipv6)
{
    struct ipaddr a = {.family = ipv6 ? 6 : 4};

    if (ipv6)
        memcpy(a.b, t->source, 16);
    else
        memcpy(a.b, &t->id, 4);
    return a;
}

static inline uint32_t vxlan_tunnel_vni(const struct vxlan_tunnel *t)
{
    return rte_be_to_cpu_32((uint32_t)(t->id >> 32)) >> 8;
}

/* The fields that must be what they are for us, as they lie in the packet: made once for a burst. */
struct vxlan_expect {
    uint64_t mac;         /* bytes 0-5 */
    uint64_t address;     /* IPv4: bytes 30-33, as bits 16-47 of a word */
    uint64_t address6[2]; /* IPv6: bytes 38-53 */
    uint64_t udp;         /* the UDP header from byte 2 on: our port, (length), no checksum, flag I */
    bool ipv6;
    bool no_csum; /* IPv6: a packet may come without UDP checksum */
};

static inline struct vxlan_expect vxlan_expect(const struct vxlan_local *local)
{
    struct vxlan_expect e = {.ipv6 = local->address.family == 6, .no_csum = local->udp6_zero_csum_rx};
    uint32_t address;

    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words of headers, and their masks");
    memcpy(&e.mac, local->mac.b, 6);
    memcpy(&address, local->address.b, 4);
    memcpy(e.address6, local->address.b, 16);
    e.address = (uint64_t)address << 16;
    e.udp = UINT64_C(0x08) << 48 | rte_cpu_to_be_16(local->port);
    return e;
}

/* ---- each packet for itself. Each 8 bytes of a header are read once, but for checksums. */

static __rte_always_inline bool vxlan_parse_usual4(const struct rte_mbuf *m, const struct vxlan_expect *e,
                                                   struct vxlan_usual *out)
{
    const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
    uint32_t len = rte_pktmbuf_pkt_len(m), total, udp_len;
    uint64_t w12, w20, w28, w36, odd, sum;

    if (unlikely(m->nb_segs != 1 || len < VXLAN_OUTER_IPV4 + 14))
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
    out->tunnel.id = (uint64_t)(inner_load32(p + 46) & 0xffffff) << 32 | inner_load32(p + 26);
    out->inner_len = (uint16_t)(udp_len - 16);
    out->tos = p[15];
    out->ttl = p[22];
    return true;
}

/* R1.3. p: a packet over IPv6 that has all of the datagram; udp_len_be: as it stands there. */
static __rte_always_inline bool vxlan_udp6_ok(const uint8_t *p, uint16_t udp_len_be, bool no_csum)
{
    /* Pseudo header and datagram: from the addresses on they lie side by side. */
    uint64_t sum = RTE_BE16(17) + (uint64_t)udp_len_be;

    if (unlikely(inner_load16(p + 60) == 0))
        return no_csum;
    sum += checksum_add(p + 22, 32u + rte_be_to_cpu_16(udp_len_be));
    return sum % 0xffff == 0;
}

static __rte_always_inline bool vxlan_parse_usual6(const struct rte_mbuf *m, const struct vxlan_expect *e,
                                                   struct vxlan_usual *out)
{
    const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
    uint32_t len = rte_pktmbuf_pkt_len(m), udp_len;
    uint64_t w12, w56, odd;

    if (unlikely(m->nb_segs != 1 || len < VXLAN_OUTER_IPV6 + 14))
        return false;
    w12 = inner_load64(p + 12); /* EtherType, version, class and flow label, payload length */
    w56 = inner_load64(p + 56); /* destination port, UDP length, UDP checksum, VXLAN flags */
    odd = (inner_load64(p) & UINT64_C(0xffffffffffff)) ^ e->mac;
    odd |= (w12 & 0xf0ffff) ^ 0x60dd86;
    odd |= p[20] ^ 17u;
    odd |= (inner_load64(p + 38) ^ e->address6[0]) | (inner_load64(p + 46) ^ e->address6[1]);
    odd |= (w56 & UINT64_C(0x000800000000ffff)) ^ e->udp; /* R1.4 */
    odd |= (w12 >> 48) ^ (uint16_t)(w56 >> 16);
    udp_len = rte_be_to_cpu_16((uint16_t)(w56 >> 16));
    if (unlikely(odd != 0 || udp_len > len - 54 || udp_len < 8 + 8 + 14 ||
                 !vxlan_udp6_ok(p, (uint16_t)(w56 >> 16), e->no_csum)))
        return false;
    out->tunnel.id = (uint64_t)(inner_load32(p + 66) & 0xffffff) << 32;
    out->tunnel.source[0] = inner_load64(p + 22);
    out->tunnel.source[1] = inner_load64(p + 30);
    out->inner_len = (uint16_t)(udp_len - 16);
    out->tos = (uint8_t)(p[14] << 4 | p[15] >> 4);
    out->ttl = p[21];
    return true;
}

/* False: it is none of these, and vxlan_parse() says what it is. ipv6: e->ipv6. */
static __rte_always_inline bool vxlan_parse_usual(const struct rte_mbuf *m, const struct vxlan_expect *e,
                                                  bool ipv6, struct vxlan_usual *out)
{
    return ipv6 ? vxlan_parse_usual6(m, e, out) : vxlan_parse_usual4(m, e, out);
}

#ifdef __AVX2__
/* ---- packets like one that vxlan_parse_usual() took */

/* The outer header of such a packet, without a congestion mark, as the next ones of its tunnel have it where
 * vxlan_alike_mask says. */
struct vxlan_like {
    uint8_t bytes[VXLAN_OUTER_IPV6];
    uint64_t sum; /* IPv4: of both addresses */
    bool no_csum; /* vxlan_expect.no_csum */
};

/* All that vxlan_parse_usual() compares, the source, the VNI and ECN. */
static const uint8_t vxlan_alike_mask[VXLAN_OUTER_IPV4] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0,    0,    0xff, 0xff, 0xff, 0x03, 0,
    0,    0,    0,    0x3f, 0xff, 0,    0xff, 0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0,    0,    0xff, 0xff, 0,    0,    0xff, 0xff, 0x08, 0,    0,    0,    0xff, 0xff, 0xff, 0,
};
static const uint8_t vxlan_alike_mask6[VXLAN_OUTER_IPV6] = {
    [0 ... 5] = 0xff,   [12 ... 13] = 0xff, [14] = 0xf0, [15] = 0x30,        [20] = 0xff,
    [22 ... 53] = 0xff, [56 ... 57] = 0xff, [62] = 0x08, [66 ... 68] = 0xff,
};

static inline void vxlan_like_set(struct vxlan_like *l, const struct rte_mbuf *m,
                                  const struct vxlan_expect *e)
{
    const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

    memcpy(l->bytes, p, e->ipv6 ? VXLAN_OUTER_IPV6 : VXLAN_OUTER_IPV4);
    l->sum = (uint64_t)inner_load32(p + 26) + inner_load32(p + 30);
    l->no_csum = e->no_csum;
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

static __rte_always_inline bool vxlan_same_header6(const uint8_t *p, const uint8_t *like)
{
    enum { THIRD = VXLAN_OUTER_IPV6 - 32 };
    const uint8_t *mask = vxlan_alike_mask6;
    __m256i odd =
        _mm256_or_si256(vxlan_difference(p, like, mask), vxlan_difference(p + 32, like + 32, mask + 32));

    odd = _mm256_or_si256(odd, vxlan_difference(p + THIRD, like + THIRD, mask + THIRD));
    return _mm256_testz_si256(odd, odd);
}

static __rte_always_inline bool vxlan_alike4(const struct rte_mbuf *m, const struct vxlan_like *l,
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

static __rte_always_inline bool vxlan_alike6(const struct rte_mbuf *m, const struct vxlan_like *l,
                                             struct vxlan_usual *out)
{
    const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
    uint32_t len = rte_pktmbuf_pkt_len(m), udp_len;
    uint16_t udp_len_be;

    if (unlikely(m->nb_segs != 1 || len < VXLAN_OUTER_IPV6 + 14 || !vxlan_same_header6(p, l->bytes)))
        return false;
    udp_len_be = inner_load16(p + 58);
    udp_len = rte_be_to_cpu_16(udp_len_be);
    if (unlikely(inner_load16(p + 18) != udp_len_be || udp_len > len - 54 || udp_len < 8 + 8 + 14 ||
                 !vxlan_udp6_ok(p, udp_len_be, l->no_csum)))
        return false;
    out->inner_len = (uint16_t)(udp_len - 16);
    out->tos = (uint8_t)(p[14] << 4 | p[15] >> 4);
    out->ttl = p[21];
    return true;
}

/* False: it is not, or not sound, and vxlan_parse_usual() is to be asked. Fills in all but the tunnel. */
static __rte_always_inline bool vxlan_alike(const struct rte_mbuf *m, const struct vxlan_like *l, bool ipv6,
                                            struct vxlan_usual *out)
{
    return ipv6 ? vxlan_alike6(m, l, out) : vxlan_alike4(m, l, out);
}
#endif

#endif
