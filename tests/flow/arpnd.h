/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ARP, RARP and neighbour discovery frames for tests; each builder returns the length.
 */
#ifndef TESTS_FLOW_ARPND_H
#define TESTS_FLOW_ARPND_H

#include "tests/flow/flow.h"

extern const struct mac arpnd_broadcast, arpnd_all_nodes;

/* 10.0.0.n and fd00:10::n; n 0: the unspecified address. */
struct ipaddr arpnd_ip4(uint8_t n);
struct ipaddr arpnd_ip6(uint8_t n);
/* ff02::1:ffXX:XXXX of an address, and its Ethernet group. */
struct ipaddr arpnd_solicited(const struct ipaddr *target);
struct mac arpnd_group(const struct ipaddr *dst);

struct arpnd_arp {
    struct mac dst, src, sender, target;
    uint16_t vlan, type; /* type 0: ARP */
    uint8_t op;
    struct ipaddr sender_ip, target_ip;
};
size_t arpnd_arp(uint8_t *buf, const struct arpnd_arp *a);

struct arpnd_nd {
    struct mac dst, src;
    uint16_t vlan;
    uint8_t type; /* 135 or 136 */
    uint8_t flags;
    struct ipaddr src_ip, dst_ip, target;
    const uint8_t *options;
    size_t options_len;
};
size_t arpnd_nd(uint8_t *buf, const struct arpnd_nd *n);

/* RARP of a VM that has just arrived, as QEMU sends it; GARP in request form; a plain request. */
size_t arpnd_rarp(uint8_t *buf, struct mac mac, uint16_t vlan);
size_t arpnd_garp(uint8_t *buf, struct mac mac, uint8_t ip, uint16_t vlan);
size_t arpnd_request(uint8_t *buf, struct mac mac, uint8_t ip, uint8_t target, uint16_t vlan);
/* NS to the solicited-node group with a source option; ip 0: DAD, without one. */
size_t arpnd_ns(uint8_t *buf, struct mac mac, uint8_t ip, uint8_t target, uint16_t vlan);
size_t arpnd_unsolicited_na(uint8_t *buf, struct mac mac, uint8_t ip, uint16_t vlan);

/* Whether the ICMPv6 checksum of a frame without tag is right. */
bool arpnd_checksum_ok(const uint8_t *frame);

#endif
