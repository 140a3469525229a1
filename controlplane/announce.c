/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See announce.h. Each MAC that is announced is in one queue at a time:
 *
 *   first    of its network: its first burst is due
 *   repeat   of its network: a later one is due
 *   wait     of all networks: its next burst is due later
 *   done     of all networks: all bursts are out; remembered for announce_sent_for()
 *
 * All of them are lists at whose end things are put. wait and done are in the order of time all the same, as
 * the interval between two bursts is one for all: no search anywhere, whatever the number of MACs. The same
 * holds for the networks: those with something due stand in one of two rings (first bursts, repeats) and take
 * turns; a network whose limit is used up stands aside for a time that is one for all.
 *
 * Control thread only.
 */
#include "controlplane/announce_private.h"
#include "controlplane/mac_hash.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define MS           UINT64_C(1000000)
#define S            (1000 * MS)
#define RUN_FRAMES   256      /* most frames of one announce_run(), about: the loop has other things to do */
#define STALL        (1 * MS) /* the data plane's queue was full */
#define ASIDE        (10 * MS)
#define FRESH        (2 * S) /* after the last burst */
#define EXPIRE_BATCH 4096

/* ---- entries */

static uint32_t entry_hash(const void *owner, const void *elem)
{
    const struct announce_entry *e = elem;

    return mac_hash(((const struct announce *)owner)->key, e->net, e->mac);
}

static struct announce_entry *entry_at(const struct announce *a, uint32_t i)
{
    return i == RIB_NONE ? NULL : rib_table_at(&a->table, i);
}

static struct announce_entry *entry_find(const struct announce *a, dp_net_id net, struct mac mac)
{
    struct announce_entry *e = entry_at(a, rib_table_first(&a->table, mac_hash(a->key, net, mac)));

    while (e && (e->net != net || !mac_eq(e->mac, mac)))
        e = entry_at(a, e->next);
    return e;
}

static struct announce_entries *queue_of(struct announce *a, const struct announce_entry *e)
{
    struct announce_network *n = a->networks[e->net];

    switch ((enum queue)e->queue) {
    case QUEUE_FIRST:
        return &n->first;
    case QUEUE_REPEAT:
        return &n->repeat;
    case QUEUE_WAIT:
        return &a->wait;
    case QUEUE_DONE:
        return &a->done;
    case QUEUE_NONE:
        break;
    }
    return NULL;
}

static bool is_due(const struct announce_entry *e)
{
    return e->queue == QUEUE_FIRST || e->queue == QUEUE_REPEAT;
}

static void entry_move(struct announce *a, struct announce_entry *e, enum queue to)
{
    struct announce_network *n = a->networks[e->net];

    if (e->queue != QUEUE_NONE)
        TAILQ_REMOVE(queue_of(a, e), e, link);
    n->n_due -= is_due(e);
    n->counts.waiting -= is_due(e) || e->queue == QUEUE_WAIT;
    e->queue = (uint8_t)to;
    n->n_due += is_due(e);
    n->counts.waiting += is_due(e) || e->queue == QUEUE_WAIT;
    if (to != QUEUE_NONE)
        TAILQ_INSERT_TAIL(queue_of(a, e), e, link);
}

static void entry_free(struct announce *a, struct announce_entry *e)
{
    entry_move(a, e, QUEUE_NONE);
    rib_table_unlink(&a->table, e->self);
    rib_table_free(&a->table, e->self);
}

/* This burst cannot go now. */
static void entry_hold(struct announce_network *n, struct announce_entry *e)
{
    n->counts.limited += !e->held;
    e->held = true;
}

/* ---- networks */

static void network_to(struct announce *a, struct announce_network *n, enum ring ring)
{
    if (n->ring != RING_NONE)
        TAILQ_REMOVE(&a->rings[n->ring], n, link);
    n->ring = ring;
    if (ring != RING_NONE)
        TAILQ_INSERT_TAIL(&a->rings[ring], n, link);
}

/* To the ring where it belongs by what is due; a network that stands aside stays there until its time. */
static void network_settle(struct announce *a, struct announce_network *n)
{
    enum ring ring = !TAILQ_EMPTY(&n->first)    ? RING_FIRST
                     : !TAILQ_EMPTY(&n->repeat) ? RING_REPEAT
                                                : RING_NONE;

    if (n->ring != RING_ASIDE && n->ring != ring)
        network_to(a, n, ring);
}

static void network_aside(struct announce *a, struct announce_network *n)
{
    if (n->ring == RING_ASIDE)
        return;
    n->back = a->now + a->aside;
    network_to(a, n, RING_ASIDE);
}

/* NULL without memory. */
static struct announce_network *network_get(struct announce *a, dp_net_id net)
{
    struct announce_network *n = a->networks[net];

    if (n)
        return n;
    n = calloc(1, sizeof(*n));
    if (!n)
        return NULL;
    n->id = net;
    TAILQ_INIT(&n->first);
    TAILQ_INIT(&n->repeat);
    a->networks[net] = n;
    return n;
}

static void burst_done(struct announce *a, struct announce_entry *e)
{
    bool last = e->bursts >= a->repeats;

    e->bursts++;
    e->out = 0;
    e->held = false;
    e->due = a->now + (last ? ANNOUNCE_REMEMBER_S * S : a->interval);
    entry_move(a, e, last ? QUEUE_DONE : QUEUE_WAIT);
}

/* The next burst of a network that has one due. */
static void network_serve(struct announce *a, struct announce_network *n)
{
    struct announce_entry *e = TAILQ_FIRST(TAILQ_EMPTY(&n->first) ? &n->repeat : &n->first);
    int rc = announce_burst(a, n, e);

    if (rc == 0) {
        burst_done(a, e);
        network_settle(a, n);
    } else if (rc == -EAGAIN) {
        entry_hold(n, e);
        network_aside(a, n);
    } else {
        a->stalled = a->now + STALL;
        network_settle(a, n);
    }
}

/* ---- life */

void announce_configure(struct announce *a, const struct conf_moves *settings)
{
    bool limited = settings->limit != CONF_NO_LIMIT && settings->limit != 0;

    a->repeats = settings->repeats;
    a->interval = settings->interval_ms * MS;
    a->cost = limited ? (S + settings->limit - 1) / settings->limit : 0;
    a->depth = a->cost * settings->limit;
    a->reserve = a->cost * (settings->limit / 2);
    a->aside = a->cost > ASIDE ? a->cost : ASIDE;
}

struct announce *announce_new(const struct conf_moves *settings, struct mac own,
                              const struct announce_ops *ops, void *arg)
{
    struct announce *a = calloc(1, sizeof(*a));

    if (!a)
        return NULL;
    a->ops = *ops;
    a->arg = arg;
    a->own = own;
    announce_configure(a, settings);
    TAILQ_INIT(&a->wait);
    TAILQ_INIT(&a->done);
    for (unsigned i = 0; i < RINGS; i++)
        TAILQ_INIT(&a->rings[i]);
    if (getrandom(a->key, sizeof(a->key), 0) != sizeof(a->key) ||
        rib_table_init(&a->table, sizeof(struct announce_entry), entry_hash, a) != 0) {
        free(a);
        return NULL;
    }
    return a;
}

void announce_free(struct announce *a)
{
    if (!a)
        return;
    for (unsigned i = 0; i <= DP_MAX_NETWORKS; i++)
        free(a->networks[i]);
    rib_table_fini(&a->table);
    free(a);
}

int announce_set_network(struct announce *a, dp_net_id net, const struct conf_router *routers, size_t n)
{
    struct announce_network *to;

    if (net == 0 || net > DP_MAX_NETWORKS || n > CONF_MAX_ROUTERS)
        return -EINVAL;
    to = network_get(a, net);
    if (!to)
        return -ENOMEM;
    if (n > 0)
        memcpy(to->routers, routers, n * sizeof(*routers));
    to->n_routers = n;
    return 0;
}

void announce_remove_network(struct announce *a, dp_net_id net)
{
    struct announce_network *n = net <= DP_MAX_NETWORKS ? a->networks[net] : NULL;

    if (!n)
        return;
    n->n_routers = 0;
    n->counts = (struct announce_counts){.waiting = n->counts.waiting};
}

/* ---- events */

static void set_now(struct announce *a, mono_t now)
{
    if (now.ns > a->now)
        a->now = now.ns;
}

static bool give_up(struct announce *a, struct announce_entry *e)
{
    struct announce_network *n;

    if (!e)
        return false;
    n = a->networks[e->net];
    if (e->queue != QUEUE_DONE)
        entry_hold(n, e);
    entry_free(a, e);
    network_settle(a, n);
    return true;
}

/* Who is forgotten when there is no room: who was announced in full, or else in part. Never who was not at
 * all. */
static bool make_room(struct announce *a, struct announce_network *n)
{
    return give_up(a, TAILQ_FIRST(&a->done)) || give_up(a, TAILQ_FIRST(&n->repeat)) ||
           give_up(a, TAILQ_FIRST(&a->wait));
}

/* NULL without room. */
static struct announce_entry *entry_new(struct announce *a, struct announce_network *n, struct mac mac)
{
    struct announce_entry *e;
    uint32_t i;

    if (n->n_due >= ANNOUNCE_MAX_DUE && !give_up(a, TAILQ_FIRST(&n->repeat)))
        return NULL;
    if (a->table.count >= ANNOUNCE_MAX_MACS && !make_room(a, n))
        return NULL;
    i = rib_table_alloc(&a->table);
    if (i == RIB_NONE && make_room(a, n))
        i = rib_table_alloc(&a->table);
    if (i == RIB_NONE)
        return NULL;
    e = entry_at(a, i);
    e->self = i;
    e->net = n->id;
    e->mac = mac;
    rib_table_link(&a->table, i);
    return e;
}

/* Its bursts begin: at once, unless others came before it or it is to wait for the next announce_run(). */
static void begin(struct announce *a, struct announce_network *n, struct announce_entry *e, bool wait)
{
    e->bursts = e->out = 0;
    if (e->queue != QUEUE_FIRST) { /* else it keeps its place: who swings is not put last for ever */
        e->held = false;
        entry_move(a, e, QUEUE_FIRST);
    }
    if (!wait && TAILQ_FIRST(&n->first) == e && a->stalled <= a->now)
        network_serve(a, n);
    else if (n->ring == RING_ASIDE)
        entry_hold(n, e);
    network_settle(a, n);
}

static bool has_ips(const struct announce *a, const struct announce_entry *e)
{
    struct ipaddr ips[ANNOUNCE_MAX_IPS];
    struct mac_place place;
    unsigned n = 0;

    return a->ops.look(a->arg, e->net, e->mac, &place, ips, ANNOUNCE_MAX_IPS, &n) && n > 0;
}

static unsigned start(struct announce *a, dp_net_id net, struct mac mac, bool arrived, bool routed,
                      mono_t now)
{
    struct announce_network *n = net != 0 && net <= DP_MAX_NETWORKS ? network_get(a, net) : NULL;
    struct announce_entry *e;
    unsigned sent;

    if (!n)
        return 0;
    set_now(a, now);
    e = entry_find(a, net, mac);
    if (!e)
        e = entry_new(a, n, mac);
    if (!e) {
        n->counts.limited++;
        return 0;
    }
    e->arrived = arrived;
    e->sent = 0;
    begin(a, n, e, routed && !has_ips(a, e));
    sent = e->sent;
    if (a->ops.wake)
        a->ops.wake(a->arg);
    return sent;
}

unsigned announce_mac(struct announce *a, dp_net_id net, struct mac mac, bool arrived, mono_t now)
{
    return start(a, net, mac, arrived, false, now);
}

void announce_routed(struct announce *a, dp_net_id net, struct mac mac, mono_t now)
{
    (void)start(a, net, mac, false, true, now);
}

/* One whose first burst is out, and the last one not long ago; that which still waits for its first burst has
 * no need of more. NULL: there is none. */
static struct announce_entry *find_fresh(const struct announce *a, dp_net_id net, struct mac mac,
                                         uint64_t now)
{
    struct announce_entry *e = entry_find(a, net, mac);

    if (!e || e->queue == QUEUE_FIRST ||
        (e->queue == QUEUE_DONE && now >= e->due - ANNOUNCE_REMEMBER_S * S + FRESH))
        return NULL;
    return e;
}

bool announce_is_fresh(const struct announce *a, dp_net_id net, struct mac mac, mono_t now)
{
    return find_fresh(a, net, mac, now.ns) != NULL;
}

void announce_ip(struct announce *a, dp_net_id net, struct mac mac, const struct ipaddr *ip, mono_t now)
{
    struct announce_network *n;
    struct announce_entry *e;

    set_now(a, now);
    e = find_fresh(a, net, mac, a->now);
    if (!e)
        return;
    n = a->networks[e->net];
    if (TAILQ_EMPTY(&n->first) && n->ring != RING_ASIDE && a->stalled <= a->now &&
        announce_burst_ip(a, n, e, ip) == 0)
        return;
    begin(a, n, e, false);
    if (a->ops.wake)
        a->ops.wake(a->arg);
}

/* Puts where it can be served what has become due. */
static void collect(struct announce *a)
{
    unsigned batch = EXPIRE_BATCH;
    struct announce_network *n;
    struct announce_entry *e;

    while ((n = TAILQ_FIRST(&a->rings[RING_ASIDE])) && n->back <= a->now) {
        network_to(a, n, RING_NONE);
        network_settle(a, n);
    }
    while ((e = TAILQ_FIRST(&a->wait)) && e->due <= a->now) {
        n = a->networks[e->net];
        entry_move(a, e, QUEUE_REPEAT);
        if (n->ring == RING_ASIDE)
            entry_hold(n, e);
        network_settle(a, n);
    }
    while ((e = TAILQ_FIRST(&a->done)) && e->due <= a->now && batch-- > 0)
        entry_free(a, e);
}

static uint64_t frames_sent(const struct announce_network *n)
{
    uint64_t frames = 0;

    for (unsigned i = 0; i < ANNOUNCE_KINDS; i++)
        frames += n->counts.sent[i];
    return frames;
}

void announce_run(struct announce *a, mono_t now)
{
    uint64_t done = 0;

    set_now(a, now);
    collect(a);
    while (done < RUN_FRAMES && a->stalled <= a->now) {
        struct announce_network *n = TAILQ_FIRST(&a->rings[RING_FIRST]);
        uint64_t before;

        if (!n)
            n = TAILQ_FIRST(&a->rings[RING_REPEAT]);
        if (!n)
            return;
        before = frames_sent(n);
        network_serve(a, n);
        done += frames_sent(n) - before + 1; /* looking costs, too */
        if (n->ring == RING_FIRST || n->ring == RING_REPEAT)
            network_to(a, n, n->ring); /* the next one's turn */
    }
}

bool announce_next(const struct announce *a, mono_t *at)
{
    const struct announce_network *aside = TAILQ_FIRST(&a->rings[RING_ASIDE]);
    const struct announce_entry *wait = TAILQ_FIRST(&a->wait);
    uint64_t next = UINT64_MAX;

    if (!TAILQ_EMPTY(&a->rings[RING_FIRST]) || !TAILQ_EMPTY(&a->rings[RING_REPEAT]))
        next = a->stalled > a->now ? a->stalled : a->now;
    if (aside && aside->back < next)
        next = aside->back;
    if (wait && wait->due < next)
        next = wait->due;
    at->ns = next;
    return next != UINT64_MAX;
}

/* ---- reading */

static void counts_add(struct announce_counts *to, const struct announce_counts *c)
{
    for (unsigned i = 0; i < ANNOUNCE_KINDS; i++)
        to->sent[i] += c->sent[i];
    to->limited += c->limited;
    to->failed += c->failed;
    to->waiting += c->waiting;
}

struct announce_counts announce_counts(const struct announce *a, dp_net_id net)
{
    unsigned first = net ? net : 1, last = net ? net : DP_MAX_NETWORKS;
    struct announce_counts all = {0};

    for (unsigned i = first; i <= last && i <= DP_MAX_NETWORKS; i++) {
        if (a->networks[i])
            counts_add(&all, &a->networks[i]->counts);
    }
    return all;
}

unsigned announce_sent_for(const struct announce *a, dp_net_id net, struct mac mac)
{
    const struct announce_entry *e = entry_find(a, net, mac);

    return e ? e->sent : 0;
}
