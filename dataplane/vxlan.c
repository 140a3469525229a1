/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See vxlan.h. Offsets are written out as numbers beside the RFC's field names: the headers are fixed, and
 * reading through byte offsets keeps clear of alignment.
 */
#include "dataplane/vxlan.h"

#include "conf/ecn.h"
#include "dataplane/segments.h"

#include <errno.h>

#include <rte_ip.h>

#define ETH_LEN      14u
#define IPV4_LEN     20u
#define IPV6_LEN     40u
#define UDP_LEN      8u
#define VXLAN_LEN    8u
#define PROTO_UDP    17
#define PROTO_FRAG   44 /* IPv6 fragment header */
#define VXLAN_FLAG_I 0x08
#define IPV4_DF      0x4000u
#define IPV4_MF      0x2000u
#define IPV4_OFFSET  0x1fffu

#define store16 vxlan_store16
#define fold    vxlan_fold

static uint16_t load16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* Folded sum of the pseudo header and of udp_len bytes of m from offset udp on; ip: the outer IP header. 0 or
 * -1. */
static int udp_sum(const struct rte_mbuf *m, const uint8_t *ip, uint32_t udp, uint16_t udp_len, uint16_t *out)
{
    unsigned first = ip[0] >> 4 == 4 ? 12 : 8, end = ip[0] >> 4 == 4 ? IPV4_LEN : IPV6_LEN;
    uint32_t sum = PROTO_UDP + udp_len;
    uint16_t raw;

    _Static_assert(ETH_LEN + IPV4_LEN >= CHECKSUM_BEFORE, "what checksum_add() reads");
    for (unsigned i = first; i < end; i += 2)
        sum += load16(ip + i);
    if (likely(udp + udp_len <= rte_pktmbuf_data_len(m)))
        raw = (uint16_t)(checksum_add(rte_pktmbuf_mtod_offset(m, const uint8_t *, udp), udp_len) % 0xffff);
    else if (!segments_sum(m, udp, udp_len, &raw))
        return -1;
    *out = fold(sum + rte_be_to_cpu_16(raw));
    return 0;
}

/* Stores a word of an IPv4 header and mends its checksum (RFC 1624): HC' = ~(~HC + ~m + m'). */
static void store16_mend(uint8_t *ip, unsigned at, uint16_t v)
{
    uint16_t old = load16(ip + at);

    store16(ip + at, v);
    store16(ip + 10, (uint16_t)~fold((uint16_t)~load16(ip + 10) + (uint32_t)(uint16_t)~old + v));
}

/* ---- outgoing ---- */

/* The NIC fills it in. It wants the sum of the pseudo header there, and to know where the headers are. */
static void leave_udp_sum(struct rte_mbuf *m, const uint8_t *ip, uint8_t *udp)
{
    uint16_t sum;

    m->ol_flags |= RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_UDP_CKSUM;
    m->tx_offload = rte_mbuf_tx_offload(ETH_LEN, IPV6_LEN, 0, 0, 0, 0, 0);
    sum = rte_ipv6_phdr_cksum((const struct rte_ipv6_hdr *)ip, m->ol_flags);
    memcpy(udp + 6, &sum, sizeof(sum));
}

bool vxlan_udp6_checksum(struct rte_mbuf *m, bool by_nic)
{
    uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, ETH_LEN), *udp = ip + IPV6_LEN;
    uint16_t sum;

    if (by_nic) {
        leave_udp_sum(m, ip, udp);
        return true;
    }
    if (udp_sum(m, ip, ETH_LEN + IPV6_LEN, load16(udp + 4), &sum) != 0)
        return false;
    sum = (uint16_t)~sum;
    store16(udp + 6, sum ? sum : 0xffff); /* zero would mean "none" */
    return true;
}

void vxlan_lower_ttl(struct rte_mbuf *m, uint8_t ttl)
{
    uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, ETH_LEN);

    if (ip[0] >> 4 == 6)
        ip[7] = ttl < ip[7] ? ttl : ip[7];
    else if (ttl < ip[8])
        store16_mend(ip, 8, (uint16_t)(ttl << 8 | ip[9]));
}

/* ---- incoming ---- */

struct outer {
    const uint8_t *data;
    uint32_t readable;   /* bytes of the first segment */
    uint32_t available;  /* bytes of the packet behind the Ethernet header */
    uint32_t udp;        /* offset of the UDP header */
    uint32_t ip_payload; /* bytes from the UDP header to the end of the IP packet */
};

static bool mac_is_ours(const uint8_t *eth, const struct vxlan_local *local)
{
    return memcmp(eth, local->mac.b, 6) == 0;
}

/* The UDP header at o->udp: is its destination our port? */
static int udp_for_us(const struct outer *o, const struct vxlan_local *local)
{
    if (o->readable < o->udp + 4)
        return DROP_outer_truncated;
    if (load16(o->data + o->udp + 2) != local->port)
        return VXLAN_NOT_OURS;
    return mac_is_ours(o->data, local) ? VXLAN_FOR_US : DROP_outer_mac;
}

static int parse_ipv4(struct outer *o, const struct vxlan_local *local, struct vxlan_packet *out)
{
    const uint8_t *ip = o->data + ETH_LEN;
    uint32_t ihl, total;
    int verdict;

    if (o->readable < ETH_LEN + IPV4_LEN)
        return DROP_outer_truncated;
    if (ip[0] >> 4 != 4 || ip[9] != PROTO_UDP || memcmp(ip + 16, local->address.b, 4) != 0)
        return VXLAN_NOT_OURS;
    ihl = (ip[0] & 0xfu) * 4u;
    total = load16(ip + 2);
    if (ihl < IPV4_LEN || o->readable < ETH_LEN + ihl)
        return DROP_outer_truncated;
    /* A later fragment has no ports: the kernel's business, which drops it for want of the first one. */
    if (load16(ip + 6) & IPV4_OFFSET)
        return VXLAN_NOT_OURS;
    o->udp = ETH_LEN + ihl;
    verdict = udp_for_us(o, local);
    if (verdict != VXLAN_FOR_US)
        return verdict;
    if (total > o->available || total < ihl)
        return DROP_outer_truncated;
    if (rte_raw_cksum(ip, ihl) != 0xffff)
        return DROP_outer_ip_checksum;
    if (load16(ip + 6) & IPV4_MF)
        return DROP_outer_fragment;
    if (ihl != IPV4_LEN)
        return DROP_outer_ip_options;
    o->ip_payload = total - ihl;
    out->tos = ip[1];
    out->ttl = ip[8];
    out->source = (struct ipaddr){.family = 4};
    memcpy(out->source.b, ip + 12, 4);
    return VXLAN_FOR_US;
}

static int parse_ipv6(struct outer *o, const struct vxlan_local *local, struct vxlan_packet *out)
{
    const uint8_t *ip = o->data + ETH_LEN;
    int verdict;

    if (o->readable < ETH_LEN + IPV6_LEN)
        return DROP_outer_truncated;
    if (ip[0] >> 4 != 6 || memcmp(ip + 24, local->address.b, 16) != 0)
        return VXLAN_NOT_OURS;
    o->udp = ETH_LEN + IPV6_LEN;
    if (ip[6] == PROTO_FRAG) {
        /* A first fragment of VXLAN for us is named; every other one is the kernel's. */
        if (o->readable < o->udp + 8)
            return DROP_outer_truncated;
        if (ip[IPV6_LEN] != PROTO_UDP || (load16(ip + IPV6_LEN + 2) & 0xfff8) != 0)
            return VXLAN_NOT_OURS;
        o->udp += 8;
        verdict = udp_for_us(o, local);
        return verdict == VXLAN_FOR_US ? DROP_outer_fragment : verdict;
    }
    if (ip[6] != PROTO_UDP)
        return VXLAN_NOT_OURS;
    verdict = udp_for_us(o, local);
    if (verdict != VXLAN_FOR_US)
        return verdict;
    o->ip_payload = load16(ip + 4);
    if (o->ip_payload + IPV6_LEN > o->available)
        return DROP_outer_truncated;
    out->tos = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
    out->ttl = ip[7];
    out->source = (struct ipaddr){.family = 6};
    memcpy(out->source.b, ip + 8, 16);
    return VXLAN_FOR_US;
}

/* R1.3. udp_len bytes from the UDP header on belong to the datagram. */
static bool udp_checksum_ok(const struct rte_mbuf *m, const struct outer *o, const struct vxlan_local *local,
                            uint16_t udp_len)
{
    uint16_t sum;

    if (load16(o->data + o->udp + 6) == 0)
        return local->address.family == 4 || local->udp6_zero_csum_rx;
    return udp_sum(m, o->data + ETH_LEN, o->udp, udp_len, &sum) == 0 && sum == 0xffff;
}

int vxlan_parse(const struct rte_mbuf *m, const struct vxlan_local *local, struct vxlan_packet *out)
{
    struct outer o = {.data = rte_pktmbuf_mtod(m, const uint8_t *), .readable = rte_pktmbuf_data_len(m)};
    const uint8_t *vxlan;
    uint16_t type, udp_len;
    int verdict;

    if (o.readable < ETH_LEN)
        return DROP_outer_truncated;
    o.available = rte_pktmbuf_pkt_len(m) - ETH_LEN;
    type = inner_load16(o.data + 12);
    if (type == ETHERTYPE_IPV4_BE && local->address.family == 4)
        verdict = parse_ipv4(&o, local, out);
    else if (type == ETHERTYPE_IPV6_BE && local->address.family == 6)
        verdict = parse_ipv6(&o, local, out);
    else
        return VXLAN_NOT_OURS;
    if (verdict != VXLAN_FOR_US)
        return verdict;

    if (o.ip_payload < UDP_LEN || o.readable < o.udp + UDP_LEN)
        return DROP_outer_udp_length;
    udp_len = load16(o.data + o.udp + 4);
    if (udp_len < UDP_LEN || udp_len > o.ip_payload)
        return DROP_outer_udp_length;
    if (!udp_checksum_ok(m, &o, local, udp_len))
        return DROP_outer_udp_checksum;
    if (udp_len < UDP_LEN + VXLAN_LEN || o.readable < o.udp + UDP_LEN + VXLAN_LEN)
        return DROP_vxlan_truncated;
    vxlan = o.data + o.udp + UDP_LEN;
    if (!(vxlan[0] & VXLAN_FLAG_I))
        return DROP_vxlan_no_vni;
    out->vni = (uint32_t)vxlan[4] << 16 | (uint32_t)vxlan[5] << 8 | vxlan[6];
    out->inner_offset = (uint16_t)(o.udp + UDP_LEN + VXLAN_LEN);
    out->inner_len = (uint16_t)(udp_len - UDP_LEN - VXLAN_LEN);
    return VXLAN_FOR_US;
}

bool vxlan_ecn_restore(uint8_t *frame, uint32_t len, uint8_t outer_tos)
{
    struct inner_info info = inner_parse(frame, len);
    uint8_t *ip = frame + ETH_LEN;
    int ecn;

    if ((outer_tos & ECN_MASK) == ECN_NOT_ECT || !info.is_ip)
        return true;
    ecn = ecn_decapsulate(info.tos & ECN_MASK, outer_tos & ECN_MASK);
    if (ecn < 0)
        return false;
    if ((unsigned)ecn == (info.tos & ECN_MASK))
        return true;
    if (inner_load16(frame + 12) == ETHERTYPE_IPV4_BE) {
        store16_mend(ip, 0, (uint16_t)((load16(ip) & ~ECN_MASK) | (unsigned)ecn));
    } else {
        ip[1] = (uint8_t)((ip[1] & 0xcf) | (unsigned)ecn << 4);
    }
    return true;
}
