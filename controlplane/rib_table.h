/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The one container of the RIB and of the neighbour table: elements of one size in chunks that never move,
 * named by a 32-bit index (0: none), and found through a hash whose chain runs through the elements. A
 * million routes cost no malloc each, links take 4 bytes, and going through all of them is going through
 * memory in order.
 *
 * An element starts with `uint32_t next` (the hash chain, or the list of free slots), and is all zero when
 * allocated and after it was freed; so a field that is never 0 in use tells a walk which slots are taken.
 *
 * Control thread only; no globals.
 */
#ifndef CONTROLPLANE_RIB_TABLE_H
#define CONTROLPLANE_RIB_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define RIB_CHUNK_BITS 12
#define RIB_CHUNK_SIZE (1u << RIB_CHUNK_BITS)
#define RIB_NONE       0u

typedef uint32_t rib_hash_fn(const void *owner, const void *elem);

struct rib_table {
    char **chunks;
    uint32_t n_chunks;
    uint32_t elem_size;
    uint32_t high; /* slots from here on were never used; slot 0 is none */
    uint32_t free;
    uint32_t count;
    uint32_t mask; /* buckets - 1 */
    uint32_t *buckets;
    rib_hash_fn *hash;
    const void *owner;
};

/* 0 or -ENOMEM. owner is handed to hash. */
int rib_table_init(struct rib_table *t, size_t elem_size, rib_hash_fn *hash, const void *owner);
/* A table of all zeros is fine. */
void rib_table_fini(struct rib_table *t);

/* A slot of zeros that no hash chain holds yet; RIB_NONE without memory. */
uint32_t rib_table_alloc(struct rib_table *t);
/* Frees a slot that no hash chain holds. */
void rib_table_free(struct rib_table *t, uint32_t i);
/* Puts it in its hash chain; what its hash is made from must not change until rib_table_unlink(). */
void rib_table_link(struct rib_table *t, uint32_t i);
void rib_table_unlink(struct rib_table *t, uint32_t i);

size_t rib_table_bytes(const struct rib_table *t);

static inline void *rib_table_at(const struct rib_table *t, uint32_t i)
{
    return t->chunks[i >> RIB_CHUNK_BITS] + (size_t)(i & (RIB_CHUNK_SIZE - 1)) * t->elem_size;
}

/* The first of a hash chain; the others follow by `next`. */
static inline uint32_t rib_table_first(const struct rib_table *t, uint32_t hash)
{
    return t->buckets[hash & t->mask];
}

/* Two keyed multiplications, folded: who does not know the key cannot aim at one chain. */
static inline uint32_t rib_mix(const uint64_t key[2], uint64_t k)
{
    unsigned __int128 m = (unsigned __int128)(k ^ key[0]) * (key[1] | 1);

    k = (uint64_t)m ^ (uint64_t)(m >> 64);
    m = (unsigned __int128)(k ^ key[1]) * (key[0] | 1);
    return (uint32_t)((uint64_t)m ^ (uint64_t)(m >> 64));
}

uint32_t rib_hash_bytes(const uint64_t key[2], const void *data, size_t len);

#endif
