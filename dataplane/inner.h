/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What encapsulation needs to know of an inner Ethernet frame: a hash of its flow (R1.2) and its traffic
 * class (R1.8). Reads at most the first bytes that are really there; a frame that is not sound IP is hashed
 * by its MAC pair. Pure.
 */
#ifndef DATAPLANE_INNER_H
#define DATAPLANE_INNER_H

#include "conf/flow_hash.h"

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_common.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ETHERTYPE_IPV4_BE RTE_BE16(0x0800)
#define ETHERTYPE_IPV6_BE RTE_BE16(0x86dd)

struct inner_info {
    uint32_t hash;
    uint8_t tos; /* traffic class; 0 when not IP */
    bool is_ip;
};

static inline uint64_t inner_load64(const uint8_t *p)
{
    uint64_t x;

    memcpy(&x, p, 8);
    return x;
}

static inline uint16_t inner_load16(const uint8_t *p)
{
    uint16_t x;

    memcpy(&x, p, 2);
    return x;
}

static inline uint32_t inner_load32(const uint8_t *p)
{
    uint32_t x;

    memcpy(&x, p, 4);
    return x;
}

/* ip: len bytes of an IPv4 packet. Every fragment of a packet hashes alike: by addresses alone. */
static inline bool inner_ipv4(const uint8_t *ip, uint32_t len, struct inner_info *info)
{
    uint32_t ihl;
    uint64_t h;

    if (len < 20 || ip[0] < 0x45 || ip[0] > 0x4f)
        return false;
    ihl = (ip[0] & 0xfu) * 4;
    h = flow_hash_mix(ip[9], inner_load64(ip + 12));
    if (flow_hash_has_ports(ip[9]) && (inner_load16(ip + 6) & RTE_BE16(0x3fff)) == 0 && len >= ihl + 4)
        h = flow_hash_mix(h, inner_load32(ip + ihl));
    info->hash = flow_hash_finish(h);
    info->tos = ip[1];
    info->is_ip = true;
    return true;
}

/* The same, IPv6. */
bool inner_ipv6(const uint8_t *ip, uint32_t len, struct inner_info *info);

/* frame: at least 14 bytes, of which len are readable. Whatever is in it. */
struct inner_info inner_parse_any(const uint8_t *frame, uint32_t len);

/* The same; most are IPv4 without options, and long enough to have ports. */
static __rte_always_inline struct inner_info inner_parse(const uint8_t *frame, uint32_t len)
{
    struct inner_info info = {0};

    if (likely(inner_load16(frame + 12) == ETHERTYPE_IPV4_BE && len >= 38 && frame[14] == 0x45)) {
        (void)inner_ipv4(frame + 14, 24, &info);
        return info;
    }
    return inner_parse_any(frame, len);
}

#endif
