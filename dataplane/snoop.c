/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See snoop.h. RFC 826 and RFC 4861 section 4.4. Worker threads.
 */
#include "dataplane/snoop.h"

#define ETH_LEN       14u
#define ARP_LEN       28u
#define IPV6_LEN      40u
#define NA_LEN        24u /* ICMPv6 header and target */
#define NA_OPT_TARGET 2

static bool arp_sender(const uint8_t *frame, uint32_t len, struct ipaddr *out)
{
    static const uint8_t header[6] = {0, 1, 8, 0, 6, 4}; /* Ethernet, IPv4, lengths */
    const uint8_t *arp = frame + ETH_LEN;

    if (len < ETH_LEN + ARP_LEN || memcmp(arp, header, 6) != 0 || arp[6] != 0 ||
        (arp[7] != 1 && arp[7] != 2) || memcmp(arp + 8, frame + 6, 6) != 0)
        return false;
    *out = (struct ipaddr){.family = 4};
    memcpy(out->b, arp + 14, 4);
    return ipaddr_is_vtep(out); /* what a VTEP can have, any host can */
}

/* RFC 4443 section 2.3. payload: ICMPv6 bytes that the IPv6 header speaks of. */
static bool icmp6_checksum_ok(const uint8_t *ip, uint32_t payload)
{
    uint32_t sum = 58 + payload;

    for (unsigned i = 8; i < IPV6_LEN; i += 2)
        sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
    for (uint32_t i = 0; i < payload; i++)
        sum += i & 1 ? ip[IPV6_LEN + i] : (uint32_t)ip[IPV6_LEN + i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

/* A target link-layer address option, if there is one, must be the frame's source. */
static bool na_options_ok(const uint8_t *opt, uint32_t len, const uint8_t *source)
{
    while (len >= 8) {
        uint32_t n = opt[1] * 8u;

        if (n == 0 || n > len)
            return false;
        if (opt[0] == NA_OPT_TARGET && memcmp(opt + 2, source, 6) != 0)
            return false;
        opt += n;
        len -= n;
    }
    return len == 0;
}

static bool na_sender(const uint8_t *frame, uint32_t len, struct ipaddr *out)
{
    const uint8_t *ip = frame + ETH_LEN, *na = ip + IPV6_LEN;
    uint32_t payload;

    if (len < ETH_LEN + IPV6_LEN + NA_LEN || ip[0] >> 4 != 6 || ip[6] != 58 || ip[7] != 255 || na[0] != 136 ||
        na[1] != 0)
        return false;
    payload = (uint32_t)(ip[4] << 8 | ip[5]);
    if (payload < NA_LEN || payload > len - ETH_LEN - IPV6_LEN || !icmp6_checksum_ok(ip, payload) ||
        !na_options_ok(na + NA_LEN, payload - NA_LEN, frame + 6))
        return false;
    *out = (struct ipaddr){.family = 6};
    memcpy(out->b, na + 8, 16);
    return ipaddr_is_vtep(out);
}

bool snoop_sender(const uint8_t *frame, uint32_t len, struct ipaddr *out)
{
    uint16_t type = inner_load16(frame + 12);

    if (type == RTE_BE16(0x0806))
        return arp_sender(frame, len, out);
    return type == ETHERTYPE_IPV6_BE && na_sender(frame, len, out);
}
