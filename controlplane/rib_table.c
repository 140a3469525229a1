/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rib_table.h. The bucket array doubles when there are as many elements as buckets; without memory for
 * that, chains only grow longer.
 *
 * Control thread only.
 */
#include "controlplane/rib_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 64

struct head {
    uint32_t next;
};

static struct head *head_at(const struct rib_table *t, uint32_t i)
{
    return rib_table_at(t, i);
}

int rib_table_init(struct rib_table *t, size_t elem_size, rib_hash_fn *hash, const void *owner)
{
    *t = (struct rib_table){.elem_size = (uint32_t)elem_size, .high = 1, .hash = hash, .owner = owner};
    t->buckets = calloc(FIRST_BUCKETS, sizeof(*t->buckets));
    if (!t->buckets)
        return -ENOMEM;
    t->mask = FIRST_BUCKETS - 1;
    return 0;
}

void rib_table_fini(struct rib_table *t)
{
    for (uint32_t c = 0; c < t->n_chunks; c++)
        free(t->chunks[c]);
    free(t->chunks);
    free(t->buckets);
    *t = (struct rib_table){0};
}

static int chunk_add(struct rib_table *t)
{
    char **chunks;
    char *chunk;

    if (t->n_chunks >= UINT32_MAX >> RIB_CHUNK_BITS)
        return -ENOMEM;
    /* The array of chunks is small and grows by 64. */
    if (t->n_chunks % 64 == 0) {
        chunks = realloc(t->chunks, (t->n_chunks + 64) * sizeof(*chunks));
        if (!chunks)
            return -ENOMEM;
        t->chunks = chunks;
    }
    chunk = calloc(RIB_CHUNK_SIZE, t->elem_size);
    if (!chunk)
        return -ENOMEM;
    t->chunks[t->n_chunks++] = chunk;
    return 0;
}

uint32_t rib_table_alloc(struct rib_table *t)
{
    uint32_t i = t->free;

    if (i != RIB_NONE) {
        t->free = head_at(t, i)->next;
        head_at(t, i)->next = RIB_NONE;
    } else {
        if (t->high >> RIB_CHUNK_BITS >= t->n_chunks && chunk_add(t) < 0)
            return RIB_NONE;
        i = t->high++;
    }
    t->count++;
    return i;
}

void rib_table_free(struct rib_table *t, uint32_t i)
{
    struct head *h = head_at(t, i);

    memset(h, 0, t->elem_size);
    h->next = t->free;
    t->free = i;
    t->count--;
}

static void grow(struct rib_table *t)
{
    uint32_t n = t->mask + 1;
    uint32_t *buckets;

    if (n >= 1u << 30)
        return;
    buckets = calloc((size_t)n * 2, sizeof(*buckets));
    if (!buckets)
        return;
    for (uint32_t b = 0; b < n; b++) {
        for (uint32_t i = t->buckets[b], next; i != RIB_NONE; i = next) {
            uint32_t *to = &buckets[t->hash(t->owner, head_at(t, i)) & (n * 2 - 1)];

            next = head_at(t, i)->next;
            head_at(t, i)->next = *to;
            *to = i;
        }
    }
    free(t->buckets);
    t->buckets = buckets;
    t->mask = n * 2 - 1;
}

void rib_table_link(struct rib_table *t, uint32_t i)
{
    uint32_t *bucket;

    if (t->count > t->mask + 1)
        grow(t);
    bucket = &t->buckets[t->hash(t->owner, head_at(t, i)) & t->mask];
    head_at(t, i)->next = *bucket;
    *bucket = i;
}

void rib_table_unlink(struct rib_table *t, uint32_t i)
{
    uint32_t *link = &t->buckets[t->hash(t->owner, head_at(t, i)) & t->mask];

    while (*link != i)
        link = &head_at(t, *link)->next;
    *link = head_at(t, i)->next;
    head_at(t, i)->next = RIB_NONE;
}

size_t rib_table_bytes(const struct rib_table *t)
{
    return ((size_t)t->n_chunks << RIB_CHUNK_BITS) * t->elem_size +
           ((size_t)t->mask + 1) * sizeof(*t->buckets);
}

uint32_t rib_hash_bytes(const uint64_t key[2], const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t h = len;

    for (; len >= 8; p += 8, len -= 8) {
        uint64_t w;

        memcpy(&w, p, 8);
        h = rib_mix(key, h ^ w) | (uint64_t)rib_mix(key, h + w + 1) << 32;
    }
    if (len > 0) {
        uint64_t w = 0;

        memcpy(&w, p, len);
        h ^= w;
    }
    return rib_mix(key, h);
}
