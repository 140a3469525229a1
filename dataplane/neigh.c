/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See neigh.h.
 */
#include "dataplane/neigh.h"

#include <errno.h>
#include <sys/random.h>

/* Keys of IPv6 addresses have the top bit, those of IPv4 addresses never; bit 0 keeps them clear of
 * TABLE_TOMBSTONE. */
#define KEY_IPV6 (UINT64_C(1) << 63)

_Static_assert(sizeof(struct neigh_entry) < sizeof(uint64_t), "a value of the table");

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static void sip_rounds(uint64_t v[4], unsigned n)
{
    while (n-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32) + v[3];
        v[2] += v[1];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

uint64_t neigh_siphash(const uint64_t key[2], const uint64_t *words, unsigned n)
{
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                     key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};

    for (unsigned i = 0; i <= n; i++) {
        /* Behind the last word its padding: the length in bytes, in the highest byte. */
        uint64_t word = i < n ? words[i] : (uint64_t)n * 8 << 56;

        v[3] ^= word;
        sip_rounds(v, 2);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t neigh_key(const struct neigh *n, uint16_t net, const struct ipaddr *ip)
{
    uint64_t words[3] = {net};
    uint32_t v4;

    if (ip->family == 4) {
        memcpy(&v4, ip->b, 4);
        return (uint64_t)net << 32 | v4;
    }
    memcpy(words + 1, ip->b, 16);
    return (neigh_siphash(n->secret, words, 3) | KEY_IPV6) & ~UINT64_C(1);
}

int neigh_init(struct neigh *n, uint32_t capacity, struct rte_rcu_qsbr *qsbr)
{
    memset(n, 0, sizeof(*n));
    if (getrandom(n->secret, sizeof(n->secret), 0) != sizeof(n->secret))
        return -errno;
    return table_init(&n->t, capacity, qsbr);
}

void neigh_fini(struct neigh *n)
{
    table_fini(&n->t);
}

int neigh_set(struct neigh *n, uint16_t net, const struct ipaddr *ip, struct neigh_entry entry)
{
    uint64_t key = neigh_key(n, net, ip), value = 0, *v = table_find(&n->t, key);

    memcpy(&value, &entry, sizeof(entry));
    if (!v)
        return table_add(&n->t, key, value);
    __atomic_store_n(v, value, __ATOMIC_RELAXED);
    return 0;
}

int neigh_del(struct neigh *n, uint16_t net, const struct ipaddr *ip)
{
    return table_del(&n->t, neigh_key(n, net, ip));
}
