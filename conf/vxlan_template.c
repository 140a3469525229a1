/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See vxlan_template.h. Offsets are written out as numbers beside the RFC's field names: the headers are
 * fixed. Control thread.
 */
#include "conf/vxlan_template.h"

#define ETH_LEN      14u
#define IPV4_LEN     20u
#define IPV6_LEN     40u
#define UDP_LEN      8u
#define VXLAN_LEN    8u
#define PROTO_UDP    17
#define VXLAN_FLAG_I 0x08
#define IPV4_DF      0x4000u

static void store16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint16_t load16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t sum16(const uint8_t *p, unsigned len)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < len; i += 2)
        sum += load16(p + i);
    return sum;
}

/* R6.5: a frame is sent on once, also where gateways that are a moment behind each other would send it round
 * in a ring. VXLAN has nothing to mark it with (R1.4), so the TTL tells: what has been sent on leaves with
 * half of what gateways begin with, and what comes with so little is not sent on. The other half is for the
 * hops of the WAN, so that neither leg may have more than 31 of them at the usual 64. A gateway with a higher
 * TTL counts as one with 64, for the sake of peers that have 64. */
uint8_t vxlan_bounced_ttl(uint8_t ttl)
{
    uint8_t half = (uint8_t)((ttl < 64 ? ttl : 64) / 2);

    return half > 0 ? half : 1;
}

void vxlan_template_init(struct vxlan_template *t, const struct vxlan_local *local,
                         const struct dp_vtep *vtep, uint8_t ttl, bool udp6_zero_csum)
{
    bool v4 = local->address.family == 4;
    uint8_t *ip = t->bytes + ETH_LEN, *udp = ip + (v4 ? IPV4_LEN : IPV6_LEN);

    memset(t, 0, sizeof(*t));
    t->len = v4 ? VXLAN_OUTER_IPV4 : VXLAN_OUTER_IPV6;
    t->zero_csum = v4 || udp6_zero_csum;
    memcpy(t->bytes, vtep->next_hop.b, 6);
    memcpy(t->bytes + 6, vtep->source.b, 6);
    if (v4) {
        store16(t->bytes + 12, 0x0800);
        ip[0] = 0x45;
        /* R1.5: never a fragment. With DF set the identification means nothing (RFC 6864). */
        store16(ip + 6, IPV4_DF);
        ip[8] = ttl;
        ip[9] = PROTO_UDP;
        memcpy(ip + 12, local->address.b, 4);
        memcpy(ip + 16, vtep->address.b, 4);
        t->sum = sum16(ip, IPV4_LEN);
    } else {
        store16(t->bytes + 12, 0x86dd);
        ip[0] = 0x60;
        ip[6] = PROTO_UDP;
        ip[7] = ttl;
        memcpy(ip + 8, local->address.b, 16);
        memcpy(ip + 24, vtep->address.b, 16);
    }
    store16(udp + 2, local->port);
    udp[UDP_LEN] = VXLAN_FLAG_I; /* R1.4: all else zero */
    if (!v4)
        t->sum = sum16(ip + 8, 32) + PROTO_UDP + sum16(udp, UDP_LEN + VXLAN_LEN);
}
