/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See inner.h. Pure.
 */
#include "dataplane/inner.h"

bool inner_ipv6(const uint8_t *ip, uint32_t len, struct inner_info *info)
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

struct inner_info inner_parse_any(const uint8_t *frame, uint32_t len)
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
