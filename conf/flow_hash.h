/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * The hash of an inner frame's flow (R1.2), from words that the caller has read out of it. Both data planes
 * must get the same number, or a flow would change its path when its frames change between them. Pure; plain
 * integers only, for it is compiled for the XDP programs as well.
 */
#ifndef CONF_FLOW_HASH_H
#define CONF_FLOW_HASH_H

#include <linux/types.h>

static inline __u64 flow_hash_mix(__u64 h, __u64 x)
{
    h = (h ^ x) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 32;
}

/* Every bit of the state reaches the upper half of a product; the low half would not hear of the last byte
 * loaded. */
static inline __u32 flow_hash_finish(__u64 h)
{
    return (__u32)((h * 0xd6e8feb86659fd93ull) >> 32);
}

/* Protocols whose first four bytes are the two ports. */
static inline int flow_hash_has_ports(__u8 proto)
{
    return proto == 6 || proto == 17 || proto == 132 || proto == 136;
}

#endif
