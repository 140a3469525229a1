/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What encapsulation needs to know of an inner Ethernet frame: a hash of its flow (R1.2) and its traffic
 * class (R1.8). Reads at most the first bytes that are really there; a frame that is not sound IP is hashed
 * by its MAC pair. Pure.
 */
#ifndef DATAPLANE_INNER_H
#define DATAPLANE_INNER_H

#include "conf/flow_hash.h"

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
    uint32_t ihl = len >= 20 ? (ip[0] & 0xfu) * 4u : 0;
    uint64_t h;

    if (ihl < 20 || ip[0] >> 4 != 4)
        return false;
    h = flow_hash_mix(ip[9], inner_load64(ip + 12));
    if (flow_hash_has_ports(ip[9]) && (inner_load16(ip + 6) & RTE_BE16(0x3fff)) == 0 && len >= ihl + 4)
        h = flow_hash_mix(h, inner_load32(ip + ihl));
    info->hash = flow_hash_finish(h);
    info->tos = ip[1];
    info->is_ip = true;
    return true;
}

static inline bool inner_ipv6(const uint8_t *ip, uint32_t len, struct inner_info *info)
{
    uint64_t h;

    if (len < 40 || ip[0] >> 4 != 6)
        return false;
    h = flow_hash_mix(ip[6], inner_load64(ip + 8));
    h = flow_hash_mix(h, inner_load64(ip + 16));
    h = flow_hash_mix(h, inner_load64(ip + 24));
    h = flow_hash_mix(h, inner_load64(ip + 32));
    if (flow_hash_has_ports(ip[6]) && len >= 44)
        h = flow_hash_mix(h, inner_load32(ip + 40));
    info->hash = flow_hash_finish(h);
    info->tos = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
    info->is_ip = true;
    return true;
}

/* frame: at least 14 bytes, of which len are readable. */
static __rte_always_inline struct inner_info inner_parse(const uint8_t *frame, uint32_t len)
{
    uint16_t type = inner_load16(frame + 12);
    struct inner_info info = {0};
    uint64_t h;

    if (type == ETHERTYPE_IPV4_BE && inner_ipv4(frame + 14, len - 14, &info))
        return info;
    if (type == ETHERTYPE_IPV6_BE && inner_ipv6(frame + 14, len - 14, &info))
        return info;
    h = flow_hash_mix(inner_load64(frame), inner_load32(frame + 8));
    info.hash = flow_hash_finish(h);
    return info;
}

#endif
