/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See move_bounce.h. Items are in a list by age, the oldest first, and in a hash by (network, MAC).
 */
#include "controlplane/move_bounce.h"

#include "controlplane/mac_hash.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <sys/random.h>

#define BUCKETS 4096

struct item {
    TAILQ_ENTRY(item) by_age;
    LIST_ENTRY(item) by_mac;
    struct move_bounce what;
    uint32_t counter;
    mono_t until;
};

LIST_HEAD(bucket, item);
TAILQ_HEAD(queue, item);

struct move_bounces {
    uint64_t lasts_ns, key[2];
    unsigned n;
    struct queue by_age;
    struct bucket buckets[BUCKETS];
    uint32_t with[DP_BOUNCE_COUNTERS];
};

struct move_bounces *move_bounces_new(uint64_t lasts_ns)
{
    struct move_bounces *b = calloc(1, sizeof(*b));

    if (!b || getrandom(b->key, sizeof(b->key), 0) != sizeof(b->key)) {
        free(b);
        return NULL;
    }
    b->lasts_ns = lasts_ns;
    TAILQ_INIT(&b->by_age);
    return b;
}

void move_bounces_set_time(struct move_bounces *b, uint64_t lasts_ns)
{
    b->lasts_ns = lasts_ns;
}

static struct bucket *bucket_of(struct move_bounces *b, dp_net_id net, struct mac mac)
{
    return &b->buckets[mac_hash(b->key, net, mac) % BUCKETS];
}

static struct item *find(struct move_bounces *b, dp_net_id net, struct mac mac)
{
    for (struct item *i = LIST_FIRST(bucket_of(b, net, mac)); i; i = LIST_NEXT(i, by_mac))
        if (i->what.net == net && mac_eq(i->what.mac, mac))
            return i;
    return NULL;
}

static void item_free(struct move_bounces *b, struct item *i)
{
    TAILQ_REMOVE(&b->by_age, i, by_age);
    LIST_REMOVE(i, by_mac);
    b->with[i->counter]--;
    b->n--;
    free(i);
}

void move_bounces_free(struct move_bounces *b)
{
    if (!b)
        return;
    while (!TAILQ_EMPTY(&b->by_age))
        item_free(b, TAILQ_FIRST(&b->by_age));
    free(b);
}

bool move_bounces_begin(struct move_bounces *b, dp_net_id net, struct mac mac, uint32_t counter, mono_t now,
                        struct move_bounce *ended)
{
    struct item *i, *oldest;
    bool full;

    move_bounces_drop(b, net, mac);
    full = b->n >= MOVE_BOUNCES;
    i = calloc(1, sizeof(*i));
    if (!i) {
        *ended = (struct move_bounce){net, mac}; /* nobody would end it later */
        return true;
    }
    oldest = TAILQ_FIRST(&b->by_age);
    if (full) {
        *ended = oldest->what;
        item_free(b, oldest);
    }
    i->what = (struct move_bounce){net, mac};
    i->counter = counter % DP_BOUNCE_COUNTERS;
    i->until.ns = now.ns + b->lasts_ns;
    TAILQ_INSERT_TAIL(&b->by_age, i, by_age);
    LIST_INSERT_HEAD(bucket_of(b, net, mac), i, by_mac);
    b->with[i->counter]++;
    b->n++;
    return full;
}

void move_bounces_drop(struct move_bounces *b, dp_net_id net, struct mac mac)
{
    struct item *i = find(b, net, mac);

    if (i)
        item_free(b, i);
}

bool move_bounces_over(struct move_bounces *b, mono_t now, struct move_bounce *out)
{
    struct item *i = TAILQ_FIRST(&b->by_age);

    if (!i || i->until.ns > now.ns)
        return false;
    *out = i->what;
    item_free(b, i);
    return true;
}

bool move_bounces_next(const struct move_bounces *b, mono_t *at)
{
    const struct item *i = TAILQ_FIRST(&b->by_age);

    if (i)
        *at = i->until;
    return i != NULL;
}

unsigned move_bounces_with(const struct move_bounces *b, uint32_t counter)
{
    return b->with[counter % DP_BOUNCE_COUNTERS];
}

unsigned move_bounces_count(const struct move_bounces *b)
{
    return b->n;
}
