/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See neighbor_probe.h. RFC 826, RFC 4861 section 4.3.
 */
#include "controlplane/neighbor_probe.h"

#define ETH_LEN  14u
#define ARP_LEN  28u
#define IPV6_LEN 40u
#define NS_LEN   32u /* ICMPv6 header, target, one option of 8 bytes */
#define ICMPV6   58

static size_t arp_request(const struct ipaddr *ip, struct mac own, uint8_t *arp)
{
    static const uint8_t head[8] = {0, 1, 8, 0, 6, 4, 0, 1}; /* Ethernet, IPv4, lengths, request */

    memset(arp, 0, ARP_LEN);
    memcpy(arp, head, sizeof(head));
    memcpy(arp + 8, own.b, 6);
    memcpy(arp + 24, ip->b, 4);
    return ARP_LEN;
}

/* RFC 4291 appendix A: fe80:: and the MAC with ff:fe in the middle and the universal bit turned over. */
static void link_local(struct mac mac, uint8_t out[16])
{
    memset(out, 0, 16);
    out[0] = 0xfe;
    out[1] = 0x80;
    memcpy(out + 8, mac.b, 3);
    out[8] ^= 2;
    out[11] = 0xff;
    out[12] = 0xfe;
    memcpy(out + 13, mac.b + 3, 3);
}

/* RFC 4443 section 2.3: over source, destination, length, next header, and the message. */
static uint16_t icmp6_checksum(const uint8_t *ip, uint32_t len)
{
    uint32_t sum = len + ICMPV6;

    for (uint32_t i = 8; i < IPV6_LEN + len; i += 2)
        sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static size_t solicitation(const struct ipaddr *ip, struct mac own, uint8_t *out)
{
    uint8_t *ns = out + IPV6_LEN;
    uint16_t sum;

    memset(out, 0, IPV6_LEN + NS_LEN);
    out[0] = 6 << 4;
    out[5] = NS_LEN;
    out[6] = ICMPV6;
    out[7] = 255;
    link_local(own, out + 8);
    memcpy(out + 24, ip->b, 16);
    ns[0] = 135;
    memcpy(ns + 8, ip->b, 16);
    ns[24] = 1; /* source link-layer address, of 8 bytes */
    ns[25] = 1;
    memcpy(ns + 26, own.b, 6);
    sum = icmp6_checksum(out, NS_LEN);
    ns[2] = (uint8_t)(sum >> 8);
    ns[3] = (uint8_t)sum;
    return IPV6_LEN + NS_LEN;
}

size_t neighbor_probe_frame(struct mac own, struct mac owner, const struct ipaddr *ip,
                            uint8_t frame[NEIGHBOR_PROBE_MAX])
{
    static const uint8_t types[2][2] = {{0x08, 0x06}, {0x86, 0xdd}};

    if (ip->family != 4 && ip->family != 6)
        return 0;
    memcpy(frame, owner.b, 6);
    memcpy(frame + 6, own.b, 6);
    memcpy(frame + 12, types[ip->family == 6], 2);
    return ETH_LEN +
           (ip->family == 6 ? solicitation(ip, own, frame + ETH_LEN) : arp_request(ip, own, frame + ETH_LEN));
}
