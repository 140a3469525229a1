/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The hash of (network, MAC) that tables of the control plane share. Keyed with a secret that each table
 * makes at random, so that hosts cannot aim at one chain. Any thread.
 */
#ifndef CONTROLPLANE_MAC_HASH_H
#define CONTROLPLANE_MAC_HASH_H

#include "conf/types.h"
#include "dataplane/dp.h"

static inline uint32_t mac_hash(const uint64_t key[2], dp_net_id net, struct mac mac)
{
    uint64_t k = (uint64_t)net << 48;
    unsigned __int128 m;

    for (unsigned i = 0; i < 6; i++)
        k |= (uint64_t)mac.b[i] << (8 * i);
    /* Two keyed multiplications folded: the secret decides which keys share a bucket. */
    m = (unsigned __int128)(k ^ key[0]) * (key[1] | 1);
    k = (uint64_t)m ^ (uint64_t)(m >> 64);
    m = (unsigned __int128)(k ^ key[1]) * (key[0] | 1);
    return (uint32_t)((uint64_t)m ^ (uint64_t)(m >> 64));
}

#endif
