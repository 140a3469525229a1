/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See conf_seen.h: open addressing with linear probing, never more than half full. Any thread.
 */
#include "conf/conf_seen.h"

#include <stdlib.h>
#include <string.h>

struct conf_seen_slot {
    const void *item; /* NULL: free */
    const void *bytes;
    size_t scope;
    uint32_t len;
    uint32_t kind;
};

bool conf_seen_init(struct conf_seen *s, size_t n)
{
    *s = (struct conf_seen){.n_slots = 64};
    while (s->n_slots < n * 2)
        s->n_slots *= 2;
    s->slots = calloc(s->n_slots, sizeof(*s->slots));
    return s->slots != NULL;
}

void conf_seen_free(struct conf_seen *s)
{
    free(s->slots);
    *s = (struct conf_seen){0};
}

/* The slot that holds the key, or the free one where it belongs. */
static struct conf_seen_slot *slot_of(const struct conf_seen *s, enum conf_seen_kind kind, size_t scope,
                                      const void *bytes, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u ^ ((uint64_t)scope << 8 | kind); /* FNV-1a */
    size_t i;

    h *= 0x100000001b3u;
    for (size_t k = 0; k < len; k++)
        h = (h ^ ((const unsigned char *)bytes)[k]) * 0x100000001b3u;
    for (i = (h ^ h >> 32) & (s->n_slots - 1); s->slots[i].item; i = (i + 1) & (s->n_slots - 1)) {
        const struct conf_seen_slot *t = &s->slots[i];

        if (t->kind == kind && t->scope == scope && t->len == len && memcmp(t->bytes, bytes, len) == 0)
            break;
    }
    return &s->slots[i];
}

const void *conf_seen_add(struct conf_seen *s, enum conf_seen_kind kind, size_t scope, const void *bytes,
                          size_t len, const void *item)
{
    struct conf_seen_slot *t = slot_of(s, kind, scope, bytes, len);

    if (t->item)
        return t->item;
    *t = (struct conf_seen_slot){
        .item = item, .bytes = bytes, .scope = scope, .len = (uint32_t)len, .kind = kind};
    return NULL;
}

const void *conf_seen_find(const struct conf_seen *s, enum conf_seen_kind kind, size_t scope,
                           const void *bytes, size_t len)
{
    return slot_of(s, kind, scope, bytes, len)->item;
}
