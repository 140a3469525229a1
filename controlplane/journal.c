/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See journal.h. Entries are in a ring in the order of their ids. Open ones are also in a hash by (network,
 * MAC). They were opened in the order of time, so those whose time is over are found from the oldest on:
 * `oldest_open` may lag behind, but never passes an open one.
 */
#include "controlplane/journal.h"

#include "controlplane/mac_hash.h"

#include <stdlib.h>
#include <sys/random.h>

#define NO_SLOT UINT32_MAX

struct slot {
    struct journal_entry e;
    uint32_t next; /* hash chain of open entries */
};

struct journal {
    struct journal_ops ops;
    void *arg;
    uint64_t key[2];
    uint64_t added;       /* entries so far; the newest is in slot (added - 1) % size */
    uint64_t oldest_open; /* as a count of entries: all before it are closed */
    uint64_t last_id;
    uint64_t left_out;
    struct journal_limit mac_limit, all_limit;
    mono_t schedule; /* of all_limit: when the next would be, if all came at its rate */
    uint32_t size, bucket_mask;
    uint32_t *buckets;
    struct slot slots[];
};

static const char *const how_texts[JOURNAL_HOWS] = {
    [JOURNAL_DATA] = "data", [JOURNAL_RARP] = "rarp",   [JOURNAL_ARP] = "arp",
    [JOURNAL_GARP] = "garp", [JOURNAL_NA] = "na",       [JOURNAL_UNSOLICITED_NA] = "unsolicited-na",
    [JOURNAL_API] = "api",   [JOURNAL_ROUTE] = "route", [JOURNAL_BACK] = "back"};

const char *journal_how_text(enum journal_how how)
{
    return how_texts[how];
}

uint64_t journal_dark_ns(const struct journal_entry *e, bool *complete)
{
    const uint64_t stages[] = {e->silent_ns, e->fdb_ns, e->first_ns};
    uint64_t sum = 0;

    *complete = true;
    for (unsigned i = 0; i < 3; i++) {
        if (stages[i] == JOURNAL_UNKNOWN)
            *complete = false;
        else
            sum += stages[i];
    }
    return sum;
}

struct journal *journal_new(uint32_t size, const struct journal_ops *ops, void *arg)
{
    struct journal *j = calloc(1, sizeof(*j) + size * sizeof(j->slots[0]));
    uint32_t n = 16;

    if (!j)
        return NULL;
    while (n < size && n < 1u << 30)
        n *= 2;
    j->ops = *ops;
    j->arg = arg;
    j->size = size;
    j->bucket_mask = n - 1;
    j->buckets = malloc(n * sizeof(*j->buckets));
    if (!j->buckets || getrandom(j->key, sizeof(j->key), 0) != sizeof(j->key)) {
        journal_free(j);
        return NULL;
    }
    memset(j->buckets, 0xff, n * sizeof(*j->buckets));
    return j;
}

void journal_free(struct journal *j)
{
    if (!j)
        return;
    free(j->buckets);
    free(j);
}

/* ---- limits */

void journal_set_limits(struct journal *j, struct journal_limit mac, struct journal_limit all)
{
    j->mac_limit = mac;
    j->all_limit = all;
}

static bool fits(const struct journal_limit *l, mono_t schedule, mono_t now)
{
    return l->burst == 0 || schedule.ns <= now.ns + (l->burst - 1) * l->each_ns;
}

static mono_t charged(const struct journal_limit *l, mono_t schedule, mono_t now)
{
    return (mono_t){(schedule.ns > now.ns ? schedule.ns : now.ns) + l->each_ns};
}

/* ---- open entries */

static uint32_t *bucket_of(const struct journal *j, dp_net_id net, struct mac mac)
{
    return &j->buckets[mac_hash(j->key, net, mac) & j->bucket_mask];
}

static struct slot *slot_at(struct journal *j, uint64_t number)
{
    return &j->slots[number % j->size];
}

static struct journal_entry *find_open(struct journal *j, dp_net_id net, struct mac mac)
{
    uint32_t i = *bucket_of(j, net, mac);

    while (i != NO_SLOT && (j->slots[i].e.net != net || !mac_eq(j->slots[i].e.mac, mac)))
        i = j->slots[i].next;
    return i == NO_SLOT ? NULL : &j->slots[i].e;
}

struct journal_entry *journal_find(struct journal *j, dp_net_id net, struct mac mac)
{
    struct journal_entry *e = find_open(j, net, mac);

    return e && e->left_out == 0 ? e : NULL;
}

static void last_word(struct journal *j, struct journal_entry *e)
{
    if (e->left_out == 0 && j->ops.closing)
        j->ops.closing(j->arg, e);
}

static void close_entry(struct journal *j, struct journal_entry *e)
{
    struct slot *s = (struct slot *)((char *)e - offsetof(struct slot, e));
    uint32_t i = (uint32_t)(s - j->slots), *link = bucket_of(j, e->net, e->mac);

    if (!e->open)
        return;
    while (*link != i)
        link = &j->slots[*link].next;
    *link = s->next;
    last_word(j, e);
    e->open = false;
    if (j->ops.closed)
        j->ops.closed(j->arg, e);
}

/* The next slot of the ring, its entry of before closed. */
static struct slot *next_slot(struct journal *j)
{
    struct slot *s = slot_at(j, j->added);

    if (j->added >= j->size)
        close_entry(j, &s->e);
    return s;
}

struct journal_entry *journal_open(struct journal *j, const struct journal_entry *e)
{
    struct journal_entry *before = find_open(j, e->net, e->mac);
    mono_t schedule = before ? before->schedule : (mono_t){0};
    uint32_t *bucket = bucket_of(j, e->net, e->mac);
    struct slot *s;

    if (!fits(&j->mac_limit, schedule, e->at) || !fits(&j->all_limit, j->schedule, e->at)) {
        j->left_out++;
        if (before) {
            last_word(j, before);
            before->left_out++;
        }
        return NULL;
    }
    j->schedule = charged(&j->all_limit, j->schedule, e->at);
    if (before)
        close_entry(j, before);
    s = next_slot(j);
    *s = (struct slot){.e = *e, .next = *bucket};
    s->e.id = ++j->last_id;
    s->e.open = true;
    s->e.schedule = charged(&j->mac_limit, schedule, e->at);
    *bucket = (uint32_t)(s - j->slots);
    j->added++;
    return &s->e;
}

void journal_restore(struct journal *j, const struct journal_entry *e)
{
    struct slot *s;

    if (e->id == 0)
        return;
    s = next_slot(j);
    *s = (struct slot){.e = *e, .next = NO_SLOT};
    s->e.open = false;
    s->e.net = 0;
    if (e->id > j->last_id)
        j->last_id = e->id;
    j->added++;
}

static int by_id(const void *a, const void *b)
{
    const struct slot *x = a, *y = b;

    return x->e.id < y->e.id ? -1 : x->e.id > y->e.id;
}

void journal_restored(struct journal *j)
{
    uint32_t n = journal_count(j), kept = 0;

    qsort(j->slots, n, sizeof(j->slots[0]), by_id);
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || j->slots[i].e.id != j->slots[kept - 1].e.id)
            j->slots[kept++] = j->slots[i];
    j->added = kept;
}

/* The oldest open entry; NULL: none is open. */
static struct journal_entry *first_open(struct journal *j)
{
    if (j->added > j->size && j->oldest_open < j->added - j->size)
        j->oldest_open = j->added - j->size;
    while (j->oldest_open < j->added && !slot_at(j, j->oldest_open)->e.open)
        j->oldest_open++;
    return j->oldest_open < j->added ? &slot_at(j, j->oldest_open)->e : NULL;
}

void journal_run(struct journal *j, mono_t now)
{
    struct journal_entry *e;

    while ((e = first_open(j)) != NULL && now.ns >= e->at.ns + JOURNAL_OPEN_NS)
        close_entry(j, e);
}

bool journal_next(const struct journal *j, mono_t *at)
{
    const struct journal_entry *e = first_open((struct journal *)j); /* only forwards its mark */

    if (e)
        at->ns = e->at.ns + JOURNAL_OPEN_NS;
    return e != NULL;
}

void journal_close_all(struct journal *j)
{
    struct journal_entry *e;

    while ((e = first_open(j)) != NULL)
        close_entry(j, e);
}

/* ---- reading */

uint32_t journal_count(const struct journal *j)
{
    return j->added < j->size ? (uint32_t)j->added : j->size;
}

uint32_t journal_size(const struct journal *j)
{
    return j->size;
}

uint64_t journal_left_out(const struct journal *j)
{
    return j->left_out;
}

uint64_t journal_last_id(const struct journal *j)
{
    return j->last_id;
}

/* Ids grow along the ring, with gaps where a file had lost lines. */
const struct journal_entry *journal_walk(const struct journal *j, uint64_t *cursor)
{
    uint64_t low = j->added - journal_count(j), high = j->added; /* the entry is before high */

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (*cursor == 0 || j->slots[middle % j->size].e.id < *cursor)
            low = middle + 1;
        else
            high = middle;
    }
    if (high == j->added - journal_count(j))
        return NULL;
    *cursor = j->slots[(high - 1) % j->size].e.id;
    return &j->slots[(high - 1) % j->size].e;
}
