/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See announce_frame.h. Any thread.
 */
#include "controlplane/announce_frame.h"

#include "controlplane/buf.h"

#define ETHERTYPE_ARP_  0x0806
#define ETHERTYPE_RARP_ 0x8035
#define ETHERTYPE_IPV6_ 0x86dd

#define ARP_REQUEST  1
#define ARP_REPLY    2
#define RARP_REQUEST 3 /* RFC 903 */

#define IPV6_LEN         40
#define ICMP6            58
#define NA_LEN           32 /* with the option */
#define NA_TYPE          136
#define NA_ROUTER        0x80000000u /* RFC 4861 section 4.4 */
#define NA_OVERRIDE      0x20000000u
#define OPTION_TARGET_LL 2

static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
static const struct mac all_nodes_mac = {{0x33, 0x33, 0, 0, 0, 1}}; /* RFC 2464 section 7 */
static const struct mac no_mac;
static const uint8_t no_ip[4];
static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};

static void put_mac(struct buf_out *o, struct mac mac)
{
    buf_put(o, mac.b, 6);
}

static void put_ethernet(struct buf_out *o, struct mac to, struct mac from, uint16_t type)
{
    put_mac(o, to);
    put_mac(o, from);
    buf_put_u16(o, type);
}

/* RFC 826: Ethernet and IPv4. What is said is: ip is at sender. */
static void put_arp(struct buf_out *o, uint16_t op, struct mac sender, const uint8_t ip[4], struct mac target)
{
    buf_put_u16(o, 1);
    buf_put_u16(o, 0x0800);
    buf_put_u8(o, 6);
    buf_put_u8(o, 4);
    buf_put_u16(o, op);
    put_mac(o, sender);
    buf_put(o, ip, 4);
    put_mac(o, target);
    buf_put(o, ip, 4);
}

/* RFC 4443 section 2.3, RFC 8200 section 8.1. ip: the IPv6 header with its payload of NA_LEN bytes, whose
 * checksum is 0 so far. */
static uint16_t icmp6_checksum(const uint8_t *ip)
{
    uint32_t sum = ICMP6 + NA_LEN;

    for (unsigned i = 8; i < IPV6_LEN + NA_LEN; i += 2)
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put_na(struct buf_out *o, uint32_t flags, const struct ipaddr *ip, struct mac mac)
{
    size_t start = o->len, at;
    uint16_t sum;

    buf_put_u32(o, 6u << 28);
    buf_put_u16(o, NA_LEN);
    buf_put_u8(o, ICMP6);
    buf_put_u8(o, 255); /* anything less may have crossed a router, and is ignored */
    buf_put(o, ip->b, 16);
    buf_put(o, all_nodes, 16);
    buf_put_u8(o, NA_TYPE);
    buf_put_u8(o, 0);
    at = o->len;
    buf_put_u16(o, 0);
    buf_put_u32(o, flags);
    buf_put(o, ip->b, 16);
    buf_put_u8(o, OPTION_TARGET_LL);
    buf_put_u8(o, 1); /* times 8 bytes */
    put_mac(o, mac);
    sum = icmp6_checksum(o->start + start);
    o->start[at] = (uint8_t)(sum >> 8);
    o->start[at + 1] = (uint8_t)sum;
}

size_t announce_frame_garp(uint8_t out[ANNOUNCE_FRAME_MAX], struct mac mac, const struct ipaddr *ip,
                           bool reply)
{
    struct buf_out o;

    buf_out_init(&o, out, ANNOUNCE_FRAME_MAX);
    put_ethernet(&o, broadcast, mac, ETHERTYPE_ARP_);
    /* Linux takes a reply for gratuitous, and heeds it within its locktime, only when both MACs are one. */
    put_arp(&o, reply ? ARP_REPLY : ARP_REQUEST, mac, ip->b, reply ? mac : no_mac);
    return o.len;
}

size_t announce_frame_na(uint8_t out[ANNOUNCE_FRAME_MAX], struct mac mac, const struct ipaddr *ip,
                         bool router)
{
    struct buf_out o;

    buf_out_init(&o, out, ANNOUNCE_FRAME_MAX);
    put_ethernet(&o, all_nodes_mac, mac, ETHERTYPE_IPV6_);
    put_na(&o, NA_OVERRIDE | (router ? NA_ROUTER : 0), ip, mac);
    return o.len;
}

size_t announce_frame_rarp(uint8_t out[ANNOUNCE_FRAME_MAX], struct mac mac)
{
    struct buf_out o;

    buf_out_init(&o, out, ANNOUNCE_FRAME_MAX);
    put_ethernet(&o, broadcast, mac, ETHERTYPE_RARP_);
    put_arp(&o, RARP_REQUEST, mac, no_ip, mac);
    return o.len;
}

size_t announce_frame_gateway(uint8_t out[ANNOUNCE_FRAME_MAX], struct mac own, struct mac host,
                              const struct conf_router *router, bool reply)
{
    bool ipv6 = router->address.family == 6;
    struct buf_out o;

    buf_out_init(&o, out, ANNOUNCE_FRAME_MAX);
    put_ethernet(&o, host, own, ipv6 ? ETHERTYPE_IPV6_ : ETHERTYPE_ARP_);
    /* The host's own address may not be known, so an NA goes to all nodes, which the host is one of: RFC 6085
     * lets the Ethernet destination be one host's. */
    if (ipv6)
        put_na(&o, NA_ROUTER | NA_OVERRIDE, &router->address, router->mac);
    else
        put_arp(&o, reply ? ARP_REPLY : ARP_REQUEST, router->mac, router->address.b,
                reply ? router->mac : no_mac);
    return o.len;
}
