/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which MAC has an IP address in a network, for the proxy (section 7): a table.h, whose rules between threads
 * hold. The value is MAC and flags, replaced in one store.
 *
 * The key of an IPv4 address is network and address themselves. An IPv6 address does not fit: its key is a
 * keyed hash of 62 bits with a secret key, the address itself is not kept. A wrong answer would need an
 * address that hashes like one of the table's: with two million entries one question in 10^12, and who does
 * not know the key cannot look for one. That saves a second cache line per look-up, and a second kind of
 * table.
 */
#ifndef DATAPLANE_NEIGH_H
#define DATAPLANE_NEIGH_H

#include "conf/types.h"
#include "dataplane/table.h"

struct neigh {
    struct table t;
    uint64_t secret[2];
};

struct neigh_entry {
    struct mac mac;
    uint8_t flags; /* DP_NEIGH_* */
};

uint64_t neigh_key(const struct neigh *n, uint16_t net, const struct ipaddr *ip);

/* Lock-free. False: not known. */
static inline bool neigh_find(const struct neigh *n, uint16_t net, const struct ipaddr *ip,
                              struct neigh_entry *out)
{
    const uint64_t *v = table_find(&n->t, neigh_key(n, net, ip));
    uint64_t value;

    if (!v)
        return false;
    value = __atomic_load_n(v, __ATOMIC_RELAXED);
    memcpy(out, &value, sizeof(*out));
    return true;
}

/* SipHash-2-4 (Aumasson, Bernstein) of n 64-bit words. */
uint64_t neigh_siphash(const uint64_t key[2], const uint64_t *words, unsigned n);

/* ---- control thread only ---- */

/* Room for `capacity` addresses. qsbr: as in table_init(). 0, -EINVAL, -ENOMEM. */
int neigh_init(struct neigh *n, uint32_t capacity, struct rte_rcu_qsbr *qsbr);
void neigh_fini(struct neigh *n);
/* Adds or replaces. 0, -ENOSPC. */
int neigh_set(struct neigh *n, uint16_t net, const struct ipaddr *ip, struct neigh_entry entry);
/* 0 or -ENOENT. */
int neigh_del(struct neigh *n, uint16_t net, const struct ipaddr *ip);

#endif
