/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See cases.h; the table is in cases_table.c. Tricky: flow.c's builders want to know the underlay's family
 * from a struct flow; here are two that have nothing else.
 */
#include "tests/flow/cases.h"

#include "dataplane/inner.h"

#include <stdlib.h>

#define ETH_LEN 14

static struct flow family[2] = {{.ipv6 = false}, {.ipv6 = true}};

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

bool case_runs_over(const struct flow_case *c, bool ipv6)
{
    return ipv6 ? !c->only_ipv4 : !c->only_ipv6;
}

/* ---- the world ---- */

void case_world(struct case_world *w, const struct flow_case *c, bool ipv6)
{
    static const struct dp_member web[] = {{PORT_A, 100}, {PORT_B, 300}};

    memset(w, 0, sizeof(*w));
    flow_topology(&family[ipv6], w->nets, w->vteps, &w->topology);
    w->nets[0].members = web; /* translated between its ports */
    for (unsigned i = 0; i < 2; i++) {
        if (c->dscp)
            w->nets[i].dscp = (uint8_t)(c->dscp - 1);
        w->nets[i].qinq = c->qinq;
        w->nets[i].flood_unknown = c->flood_unknown;
        w->vteps[i].resolved = !c->unresolved;
        if (c->vtep_mtu)
            w->vteps[i].mtu = c->vtep_mtu;
    }
    w->topology.udp6_zero_csum_tx = c->zero_csum_tx;
    w->topology.udp6_zero_csum_rx = c->zero_csum_rx;
}

dp_net_id case_net(const struct flow_case *c)
{
    uint16_t vlan = c->vlan & 0xfff;

    if (c->port == PORT_WAN)
        return c->outer.vni == VNI_DB ? NET_DB : NET_WEB;
    if (c->port == PORT_A)
        return vlan == 200 ? NET_DB : NET_WEB;
    return vlan == 300 ? NET_WEB : NET_DB;
}

/* ---- inner frames ---- */

/* 20 bytes; words: 32-bit words of options behind. Returns the header's length. */
static size_t ipv4(uint8_t *ip, uint8_t proto, uint8_t tos, unsigned words, size_t payload)
{
    static const uint8_t addrs[8] = {10, 1, 2, 3, 10, 3, 2, 1};
    size_t len = 20 + 4 * words;

    memset(ip, 0, len);
    ip[0] = (uint8_t)(0x45 + words);
    ip[1] = tos;
    put16(ip + 2, (unsigned)(len + payload));
    ip[8] = 61;
    ip[9] = proto;
    memcpy(ip + 12, addrs, 8);
    memset(ip + 20, 1, 4 * words); /* no operation */
    put16(ip + 10, flow_checksum(ip, len, 0));
    return len;
}

static size_t ipv6(uint8_t *ip, uint8_t next, uint8_t tos, size_t payload)
{
    memset(ip, 0, 40);
    ip[0] = (uint8_t)(0x60 | tos >> 4);
    ip[1] = (uint8_t)(tos << 4);
    put16(ip + 4, (unsigned)payload);
    ip[6] = next;
    ip[7] = next == 58 ? 255 : 61;
    for (unsigned i = 8; i < 40; i++)
        ip[i] = (uint8_t)(0x20 + i);
    return 40;
}

/* 20 bytes, then n of payload. */
static size_t tcp(uint8_t *p, uint8_t flags, size_t n)
{
    memset(p, 0, 20 + n);
    put16(p, 40000);
    put16(p + 2, 443);
    p[12] = 0x50;
    p[13] = flags;
    return 20 + n;
}

static size_t udp(uint8_t *p, size_t n)
{
    memset(p, 0x5a, 8 + n);
    put16(p, 5000);
    put16(p + 2, 53);
    put16(p + 4, (unsigned)(8 + n));
    put16(p + 6, 0);
    return 8 + n;
}

static size_t ip_payload(const struct flow_case *c, uint8_t tos, uint8_t *p, uint16_t *type)
{
    size_t n = c->payload, len;

    *type = 0x0800;
    switch (c->kind) {
    case CASE_TCP4:
        len = ipv4(p, 6, tos, 0, 20 + n);
        return len + tcp(p + len, 0x10, n);
    case CASE_TCP4_SYN:
        len = ipv4(p, 6, tos, 2, 20 + n);
        return len + tcp(p + len, 0x02, n);
    case CASE_TCP4_SYNACK:
        len = ipv4(p, 6, tos, 0, 20 + n);
        return len + tcp(p + len, 0x12, n);
    case CASE_UDP4_FIRST_FRAGMENT:
    case CASE_UDP4_LATER_FRAGMENT:
        len = ipv4(p, 17, tos, 0, 8 + n);
        put16(p + 6, c->kind == CASE_UDP4_FIRST_FRAGMENT ? 0x2000 : 0x0007);
        put16(p + 10, 0);
        put16(p + 10, flow_checksum(p, 20, 0));
        return len + udp(p + len, n);
    case CASE_BAD_IP4:
        len = ipv4(p, 17, tos, 0, 8 + n);
        p[0] = 0x55;
        return len + udp(p + len, n);
    default:
        len = ipv4(p, 17, tos, 0, 8 + n);
        return len + udp(p + len, n);
    }
}

static size_t ip6_payload(const struct flow_case *c, uint8_t tos, uint8_t *p, uint16_t *type)
{
    size_t n = c->payload, len;

    *type = 0x86dd;
    switch (c->kind) {
    case CASE_TCP6:
    case CASE_TCP6_SYN:
        len = ipv6(p, 6, tos, 20 + n);
        return len + tcp(p + len, c->kind == CASE_TCP6 ? 0x10 : 0x02, n);
    case CASE_NS:
    case CASE_NA:
    case CASE_ECHO6:
        len = ipv6(p, 58, tos, 24 + n);
        memset(p + len, 0, 24 + n);
        p[len] = c->kind == CASE_NS ? 135 : c->kind == CASE_NA ? 136 : 128;
        return len + 24 + n;
    default:
        len = ipv6(p, 17, tos, 8 + n);
        return len + udp(p + len, n);
    }
}

/* What is behind the source MAC: EtherType and payload. */
static size_t payload(const struct flow_case *c, uint8_t tos, uint8_t *p, uint16_t *type)
{
    size_t len;

    switch (c->kind) {
    case CASE_UDP6:
    case CASE_TCP6:
    case CASE_TCP6_SYN:
    case CASE_NS:
    case CASE_NA:
    case CASE_ECHO6:
        return ip6_payload(c, tos, p, type);
    case CASE_TAGGED:
    case CASE_TAGGED_AD:
        put16(p, 7);
        len = ip_payload(c, tos, p + 4, type);
        put16(p + 2, *type);
        *type = c->kind == CASE_TAGGED ? 0x8100 : 0x88a8;
        return 4 + len;
    case CASE_ARP:
    case CASE_RARP:
    case CASE_OTHER:
    case CASE_OAM:
    case CASE_NOTHING:
        *type = c->kind == CASE_ARP    ? 0x0806
                : c->kind == CASE_RARP ? 0x8035
                : c->kind == CASE_OAM  ? DP_OAM_ETHERTYPE
                                       : 0x9999;
        memset(p, 0x77, c->payload);
        return c->kind == CASE_NOTHING ? 0 : c->payload;
    default:
        return ip_payload(c, tos, p, type);
    }
}

/* With the tag of an access port or without. */
static size_t inner(const struct flow_case *c, uint8_t tos, uint16_t vlan, uint8_t *buf)
{
    uint8_t p[CASE_FRAME];
    uint16_t type;
    size_t len = payload(c, tos, p, &type);

    return flow_eth(buf, c->dst, c->src, vlan, type, p, len);
}

size_t case_inner_len(const struct flow_case *c)
{
    uint8_t buf[CASE_FRAME];

    return inner(c, c->tos, FLOW_UNTAGGED, buf);
}

/* ---- frames ---- */

static void damage(const struct flow_case *c, bool v6, uint8_t *packet)
{
    unsigned udp_at = ETH_LEN + (v6 ? 40 : 20);
    unsigned base = c->damage.base == CASE_AT_ETH   ? 0
                    : c->damage.base == CASE_AT_IP  ? ETH_LEN
                    : c->damage.base == CASE_AT_UDP ? udp_at
                                                    : udp_at + 8;
    uint8_t sum[2];

    memcpy(sum, packet + udp_at + 6, 2);
    packet[base + c->damage.at] ^= c->damage.flip;
    if (c->damage.fix_ip || c->damage.fix_udp)
        flow_fix(&family[v6], packet, c->damage.fix_udp);
    if (!c->damage.fix_udp && !(c->damage.base == CASE_AT_UDP && c->damage.at >= 6))
        memcpy(packet + udp_at + 6, sum, 2);
}

size_t case_frame_in(const struct flow_case *c, bool v6, uint8_t *buf)
{
    uint8_t frame[CASE_FRAME];
    size_t len;

    if (c->port != PORT_WAN)
        return inner(c, c->tos, c->vlan, buf) - c->cut;
    len = inner(c, c->tos, FLOW_UNTAGGED, frame);
    len = flow_wrap(&family[v6], buf, c->outer, frame, len);
    if (c->outer_ttl) {
        buf[ETH_LEN + (v6 ? 7 : 8)] = c->outer_ttl;
        flow_fix(&family[v6], buf, c->outer.checksum);
    }
    if (c->damage.flip)
        damage(c, v6, buf);
    memset(buf + len, 0xee, c->tail);
    return len + c->tail - c->cut;
}

static size_t to_vtep(const struct flow_case *c, bool v6, uint8_t tos, uint8_t *buf)
{
    size_t outer = v6 ? 70 : 50, len = inner(c, tos, FLOW_UNTAGGED, buf + outer);
    struct inner_info info = inner_parse(buf + outer, (uint32_t)len);
    struct ipaddr from = flow_vtep_address(&family[v6], 0), to = flow_vtep_address(&family[v6], c->to);
    uint32_t vni = case_net(c) == NET_WEB ? VNI_WEB : VNI_DB;
    uint8_t *ip = buf + ETH_LEN, *u = ip + (v6 ? 40 : 20), ttl = c->ttl ? c->ttl : 64;

    memset(buf, 0, outer);
    memcpy(buf, flow_mac_hop.b, 6);
    memcpy(buf + 6, flow_mac_wan.b, 6);
    put16(buf + 12, v6 ? 0x86dd : 0x0800);
    if (v6) {
        ip[0] = (uint8_t)(0x60 | c->outer_tos >> 4);
        ip[1] = (uint8_t)(c->outer_tos << 4 | (info.hash >> 16 & 0xf)); /* RFC 6438 */
        put16(ip + 2, info.hash & 0xffff);
        put16(ip + 4, (unsigned)(16 + len));
        ip[6] = 17;
        ip[7] = ttl;
        memcpy(ip + 8, from.b, 16);
        memcpy(ip + 24, to.b, 16);
    } else {
        ip[0] = 0x45;
        ip[1] = c->outer_tos;
        put16(ip + 2, (unsigned)(36 + len));
        ip[6] = 0x40; /* R1.5 */
        ip[8] = ttl;
        ip[9] = 17;
        memcpy(ip + 12, from.b, 4);
        memcpy(ip + 16, to.b, 4);
    }
    put16(u, 49152 + (info.hash >> 18)); /* R1.2 */
    put16(u + 2, 4789);
    put16(u + 4, (unsigned)(16 + len));
    u[8] = 0x08;
    u[12] = (uint8_t)(vni >> 16);
    put16(u + 13, vni & 0xffff);
    flow_fix(&family[v6], buf, v6 && !c->zero_csum_tx); /* R1.3 */
    return outer + len;
}

size_t case_frame_out(const struct flow_case *c, bool v6, uint8_t *buf)
{
    uint8_t tos = c->inner_tos < 0 ? c->tos : (uint8_t)c->inner_tos;
    bool web = case_net(c) == NET_WEB;

    if (c->verdict == CASE_TO_KERNEL)
        return case_frame_in(c, v6, buf);
    if (c->verdict == CASE_TO_VTEP)
        return to_vtep(c, v6, tos, buf);
    return inner(c, tos, c->to == PORT_A ? (web ? 100 : 200) : (web ? 300 : FLOW_UNTAGGED), buf);
}
