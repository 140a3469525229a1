/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a frame shows of its sender, and whether it asks for a neighbour: ARP (RFC 826, 5227), RARP (RFC 903)
 * and neighbour discovery (RFC 4861), read only as far as the frame's own source MAC says the same. Pure;
 * reads nothing beyond what is there.
 */
#ifndef DATAPLANE_SNOOP_H
#define DATAPLANE_SNOOP_H

#include "dataplane/dp.h"
#include "dataplane/inner.h"

struct snoop {
    uint8_t evidence; /* enum dp_evidence (R6.1) */
    uint8_t flags;    /* of an NA: DP_NEIGH_*, DP_NEIGH_UNSAID among them */
    /* The address that the sender has (R3.6, R7.1): the sender of an ARP packet, the target of an NA. Never
     * from a solicitation, never an address that no host can have. family 0: none. */
    struct ipaddr ip;
    /* The address that is asked for by a sound ARP request or NS which the proxy may answer (R7.2): no
     * announcement. family 0: none. */
    struct ipaddr target;
    /* Who wants to know; 0.0.0.0 or "::" where it looks for a duplicate: an ARP probe (RFC 5227), a DAD NS.
     */
    struct ipaddr asker;
};

/* A first glance for the frame path: may it show an IP or ask for one? frame: at least 14 readable bytes. */
static inline bool snoop_maybe(const uint8_t *frame, uint32_t len)
{
    uint16_t type = inner_load16(frame + 12);

    if (likely(type == ETHERTYPE_IPV4_BE))
        return false;
    return type == RTE_BE16(0x0806) ||
           (type == ETHERTYPE_IPV6_BE && len > 54 && frame[20] == 58 && frame[54] - 135u < 2);
}

/* frame: len readable bytes, at least 14, without VLAN tag. */
void snoop_look(const uint8_t *frame, uint32_t len, struct snoop *out);

/* The ICMPv6 checksum field that belongs to this packet, taking what stands there as zero. payload: ICMPv6
 * bytes behind the IPv6 header, at least 4. */
uint16_t snoop_icmp6_checksum(const uint8_t *ip, uint32_t payload);

#endif
