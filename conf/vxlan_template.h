/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The outer header that is put in front of every frame for a VTEP, made once by the control thread for both
 * data planes. Per frame only lengths, traffic class, flow, VNI and checksums are filled in. Pure.
 */
#ifndef CONF_VXLAN_TEMPLATE_H
#define CONF_VXLAN_TEMPLATE_H

#include "conf/forwarding.h"

#define VXLAN_OUTER_IPV4   50u /* Ethernet 14, IPv4 20, UDP 8, VXLAN 8 */
#define VXLAN_OUTER_IPV6   70u
#define VXLAN_SOURCE_FIRST 49152u /* R1.2 */

/* Our end of the tunnels. */
struct vxlan_local {
    struct ipaddr address;
    struct mac mac;
    uint16_t port;
    bool udp6_zero_csum_rx; /* R1.3 */
};

struct vxlan_template {
    uint8_t len;    /* VXLAN_OUTER_IPV4 or _IPV6 */
    bool zero_csum; /* no UDP checksum: always over IPv4, over IPv6 when so configured (R1.3) */
    bool nic_csum;  /* else: the NIC that it leaves by fills it in */
    /* Sum of the IPv4 header without traffic class and length; over IPv6 what goes into the UDP checksum of
     * the pseudo header and the headers, without lengths, source port and VNI. */
    uint32_t sum;
    uint8_t bytes[VXLAN_OUTER_IPV6];
};

/* R6.5: what is sent on after a move leaves with it at most, and what comes with it is not sent on. ttl: of
 * the outer header of all else. */
uint8_t vxlan_bounced_ttl(uint8_t ttl);

void vxlan_template_init(struct vxlan_template *t, const struct vxlan_local *local,
                         const struct dp_vtep *vtep, uint8_t ttl, bool udp6_zero_csum);

/* Longest inner frame without FCS that fits an IP MTU (R1.5, R1.7). */
static inline uint16_t vxlan_max_frame(uint16_t mtu, uint8_t family)
{
    unsigned outer = (family == 4 ? VXLAN_OUTER_IPV4 : VXLAN_OUTER_IPV6) - 14;

    return mtu > outer ? (uint16_t)(mtu - outer) : 0;
}

#endif
