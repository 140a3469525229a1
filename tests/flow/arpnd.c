/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See arpnd.h.
 */
#include "tests/flow/arpnd.h"

const struct mac arpnd_broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
                 arpnd_all_nodes = {{0x33, 0x33, 0, 0, 0, 1}};

struct ipaddr arpnd_ip4(uint8_t n)
{
    return n ? (struct ipaddr){4, {10, 0, 0, n}} : (struct ipaddr){.family = 4};
}

struct ipaddr arpnd_ip6(uint8_t n)
{
    return n ? (struct ipaddr){6, {0xfd, 0, 0, 0x10, [15] = n}} : (struct ipaddr){.family = 6};
}

struct ipaddr arpnd_solicited(const struct ipaddr *target)
{
    struct ipaddr a = {6, {0xff, 2, [11] = 1, 0xff}};

    memcpy(a.b + 13, target->b + 13, 3);
    return a;
}

struct mac arpnd_group(const struct ipaddr *dst)
{
    struct mac m = {{0x33, 0x33}};

    memcpy(m.b + 2, dst->b + 12, 4);
    return m;
}

size_t arpnd_arp(uint8_t *buf, const struct arpnd_arp *a)
{
    uint8_t p[28] = {0, 1, 8, 0, 6, 4, 0, a->op};

    memcpy(p + 8, a->sender.b, 6);
    memcpy(p + 14, a->sender_ip.b, 4);
    memcpy(p + 18, a->target.b, 6);
    memcpy(p + 24, a->target_ip.b, 4);
    return flow_eth(buf, a->dst, a->src, a->vlan, a->type ? a->type : 0x0806, p, 28);
}

static uint32_t pseudo_sum(const uint8_t *ip, size_t payload)
{
    return 58 + (uint32_t)payload + (uint16_t)~flow_checksum(ip + 8, 32, 0);
}

size_t arpnd_nd(uint8_t *buf, const struct arpnd_nd *n)
{
    uint8_t p[2048] = {0x60, [6] = 58, 255};
    size_t payload = 24 + n->options_len;
    uint16_t sum;

    p[4] = (uint8_t)(payload >> 8);
    p[5] = (uint8_t)payload;
    memcpy(p + 8, n->src_ip.b, 16);
    memcpy(p + 24, n->dst_ip.b, 16);
    p[40] = n->type;
    p[44] = n->flags;
    memcpy(p + 48, n->target.b, 16);
    if (n->options_len)
        memcpy(p + 64, n->options, n->options_len);
    sum = flow_checksum(p + 40, payload, pseudo_sum(p, payload));
    p[42] = (uint8_t)(sum >> 8);
    p[43] = (uint8_t)sum;
    return flow_eth(buf, n->dst, n->src, n->vlan, 0x86dd, p, 40 + payload);
}

size_t arpnd_rarp(uint8_t *buf, struct mac mac, uint16_t vlan)
{
    struct arpnd_arp a = {.dst = arpnd_broadcast,
                          .src = mac,
                          .sender = mac,
                          .target = mac,
                          .vlan = vlan,
                          .type = 0x8035,
                          .op = 3};

    return arpnd_arp(buf, &a);
}

size_t arpnd_garp(uint8_t *buf, struct mac mac, uint8_t ip, uint16_t vlan)
{
    return arpnd_request(buf, mac, ip, ip, vlan);
}

size_t arpnd_request(uint8_t *buf, struct mac mac, uint8_t ip, uint8_t target, uint16_t vlan)
{
    struct arpnd_arp a = {.dst = arpnd_broadcast,
                          .src = mac,
                          .sender = mac,
                          .vlan = vlan,
                          .op = 1,
                          .sender_ip = arpnd_ip4(ip),
                          .target_ip = arpnd_ip4(target)};

    return arpnd_arp(buf, &a);
}

size_t arpnd_ns(uint8_t *buf, struct mac mac, uint8_t ip, uint8_t target, uint16_t vlan)
{
    uint8_t option[8] = {1, 1};
    struct arpnd_nd n = {.src = mac,
                         .vlan = vlan,
                         .type = 135,
                         .src_ip = arpnd_ip6(ip),
                         .target = arpnd_ip6(target),
                         .options = option,
                         .options_len = ip ? 8 : 0};

    memcpy(option + 2, mac.b, 6);
    n.dst_ip = arpnd_solicited(&n.target);
    n.dst = arpnd_group(&n.dst_ip);
    return arpnd_nd(buf, &n);
}

size_t arpnd_unsolicited_na(uint8_t *buf, struct mac mac, uint8_t ip, uint16_t vlan)
{
    uint8_t option[8] = {2, 1};
    struct arpnd_nd n = {.dst = arpnd_all_nodes,
                         .src = mac,
                         .vlan = vlan,
                         .type = 136,
                         .flags = 0x20,
                         .src_ip = arpnd_ip6(ip),
                         .dst_ip = {6, {0xff, 2, [15] = 1}},
                         .target = arpnd_ip6(ip),
                         .options = option,
                         .options_len = 8};

    memcpy(option + 2, mac.b, 6);
    return arpnd_nd(buf, &n);
}

bool arpnd_checksum_ok(const uint8_t *frame)
{
    const uint8_t *ip = frame + 14;
    size_t payload = (size_t)(ip[4] << 8 | ip[5]);

    return flow_checksum(ip + 40, payload, pseudo_sum(ip, payload)) == 0;
}
