/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See snoop.h. Worker threads.
 */
#include "dataplane/snoop.h"

#define ETH_LEN        14u
#define ARP_LEN        28u
#define IPV6_LEN       40u
#define ND_LEN         24u /* ICMPv6 header and target, of NS and NA alike */
#define NS             135
#define NA             136
#define OPT_SOURCE     1 /* link-layer addresses, RFC 4861 section 4.6.1 */
#define OPT_TARGET     2
#define NA_ROUTER      0x80
#define NA_SOLICITED   0x40
#define NA_OVERRIDE    0x20
#define ARP_REQUEST    1
#define ARP_REPLY      2
#define RARP_REQUEST   3
#define RARP_REPLY     4
#define ETHERTYPE_ARP  RTE_BE16(0x0806)
#define ETHERTYPE_RARP RTE_BE16(0x8035)

static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1}, unspecified[16];

/* ---- ARP and RARP ---- */

/* The operation, or 0 when it is no packet for Ethernet and IPv4 that the frame's own sender speaks of. */
static unsigned arp_operation(const uint8_t *frame, uint32_t len)
{
    static const uint8_t header[7] = {0, 1, 8, 0, 6, 4, 0};
    const uint8_t *arp = frame + ETH_LEN;

    if (len < ETH_LEN + ARP_LEN || memcmp(arp, header, 7) != 0 || memcmp(arp + 8, frame + 6, 6) != 0)
        return 0;
    return arp[7];
}

static struct ipaddr ipv4(const uint8_t *p)
{
    struct ipaddr a = {.family = 4};

    memcpy(a.b, p, 4);
    return a;
}

static struct ipaddr ipv6(const uint8_t *p)
{
    struct ipaddr a = {.family = 6};

    memcpy(a.b, p, 16);
    return a;
}

static void look_arp(const uint8_t *frame, uint32_t len, struct snoop *out)
{
    unsigned op = arp_operation(frame, len);
    struct ipaddr sender, target;

    if (op != ARP_REQUEST && op != ARP_REPLY)
        return;
    out->evidence = DP_EVIDENCE_ARP;
    sender = ipv4(frame + ETH_LEN + 14);
    target = ipv4(frame + ETH_LEN + 24);
    if (ipaddr_is_vtep(&sender)) /* what a VTEP can have, any host can */
        out->ip = sender;
    else if (memcmp(sender.b, unspecified, 4) != 0)
        return;
    if (ipaddr_eq(&sender, &target)) {
        if (out->ip.family != 0)
            out->evidence = DP_EVIDENCE_GARP;
    } else if (op == ARP_REQUEST && ipaddr_is_vtep(&target)) {
        out->asker = sender;
        out->target = target;
    }
}

static void look_rarp(const uint8_t *frame, uint32_t len, struct snoop *out)
{
    unsigned op = arp_operation(frame, len);

    if (op == RARP_REQUEST || op == RARP_REPLY)
        out->evidence = DP_EVIDENCE_RARP;
}

/* ---- neighbour discovery ---- */

/* RFC 4443 section 2.3: folded, not yet complemented. */
static uint16_t icmp6_sum(const uint8_t *ip, uint32_t payload)
{
    uint32_t sum = 58 + payload;

    for (unsigned i = 8; i < IPV6_LEN; i += 2)
        sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
    for (uint32_t i = 0; i < payload; i++)
        sum += i & 1 ? ip[IPV6_LEN + i] : (uint32_t)ip[IPV6_LEN + i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

uint16_t snoop_icmp6_checksum(const uint8_t *ip, uint32_t payload)
{
    uint32_t sum = icmp6_sum(ip, payload);
    uint16_t there = (uint16_t)(ip[IPV6_LEN + 2] << 8 | ip[IPV6_LEN + 3]);

    sum += (uint16_t)~there; /* less what stands there */
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Every link-layer address option of this type must be the frame's source. False, too, when options do not
 * add up. *found: there was one. */
static bool options_ok(const uint8_t *opt, uint32_t len, uint8_t type, const uint8_t *source, bool *found)
{
    *found = false;
    while (len >= 8) {
        uint32_t n = opt[1] * 8u;

        if (n == 0 || n > len)
            return false;
        if (opt[0] == type && memcmp(opt + 2, source, 6) != 0)
            return false;
        *found |= opt[0] == type;
        opt += n;
        len -= n;
    }
    return len == 0;
}

/* has_option: the target's link-layer address. An NA without it must not set O (RFC 4861 section 7.2.4), so a
 * clear O says something only with it. */
static void look_na(const uint8_t *frame, bool has_option, struct snoop *out)
{
    const uint8_t *ip = frame + ETH_LEN, *na = ip + IPV6_LEN;
    struct ipaddr target = ipv6(na + 8);

    if (!ipaddr_is_vtep(&target))
        return;
    out->ip = target;
    out->evidence = !(na[4] & NA_SOLICITED) && memcmp(ip + 24, all_nodes, 16) == 0
                        ? DP_EVIDENCE_UNSOLICITED_NA
                        : DP_EVIDENCE_NA;
    out->flags =
        (uint8_t)((na[4] & NA_ROUTER ? DP_NEIGH_ROUTER : 0) | (na[4] & NA_OVERRIDE ? DP_NEIGH_OVERRIDE : 0) |
                  (!has_option && !(na[4] & NA_OVERRIDE) ? DP_NEIGH_UNSAID : 0));
}

/* ff02::1:ffXX:XXXX, RFC 4291 section 2.7.1. */
static bool is_solicited_node(const uint8_t *dst, const uint8_t *target)
{
    static const uint8_t prefix[13] = {0xff, 2, [11] = 1, 0xff};

    return memcmp(dst, prefix, 13) == 0 && memcmp(dst + 13, target + 13, 3) == 0;
}

/* RFC 4861 section 7.1.1. has_option: the asker's link-layer address. */
static void look_ns(const uint8_t *frame, bool has_option, struct snoop *out)
{
    const uint8_t *ip = frame + ETH_LEN, *ns = ip + IPV6_LEN;
    struct ipaddr target = ipv6(ns + 8), asker = ipv6(ip + 8);
    bool group = is_solicited_node(ip + 24, ns + 8);

    if (!ipaddr_is_vtep(&target) || (!group && memcmp(ip + 24, ns + 8, 16) != 0))
        return;
    if (memcmp(asker.b, unspecified, 16) == 0 ? !group || has_option : !ipaddr_is_vtep(&asker))
        return;
    out->asker = asker;
    out->target = target;
}

static void look_ipv6(const uint8_t *frame, uint32_t len, struct snoop *out)
{
    const uint8_t *ip = frame + ETH_LEN, *nd = ip + IPV6_LEN;
    uint32_t payload;
    bool found;

    if (len < ETH_LEN + IPV6_LEN + ND_LEN || ip[0] >> 4 != 6 || ip[6] != 58 || ip[7] != 255 ||
        (nd[0] != NS && nd[0] != NA) || nd[1] != 0)
        return;
    payload = (uint32_t)(ip[4] << 8 | ip[5]);
    if (payload < ND_LEN || payload > len - ETH_LEN - IPV6_LEN || icmp6_sum(ip, payload) != 0xffff ||
        !options_ok(nd + ND_LEN, payload - ND_LEN, nd[0] == NS ? OPT_SOURCE : OPT_TARGET, frame + 6, &found))
        return;
    if (nd[0] == NA)
        look_na(frame, found, out);
    else
        look_ns(frame, found, out);
}

void snoop_look(const uint8_t *frame, uint32_t len, struct snoop *out)
{
    uint16_t type = inner_load16(frame + 12);

    *out = (struct snoop){.evidence = DP_EVIDENCE_DATA};
    if (type == ETHERTYPE_ARP)
        look_arp(frame, len, out);
    else if (type == ETHERTYPE_RARP)
        look_rarp(frame, len, out);
    else if (type == ETHERTYPE_IPV6_BE)
        look_ipv6(frame, len, out);
}
