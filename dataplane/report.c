/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See report.h. Worker threads.
 *
 * Tricky: the only system call is one write to the eventfd, made only when the control thread has said that
 * it went to sleep with an empty ring, and by a busy worker not again for a moment; so the first of many
 * learn events is told at once, and the others cost a call together.
 */
#include "dataplane/report.h"

#include "dataplane/segments.h"
#include "dataplane/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_ring_elem.h>

#define REPEAT_US    1000 /* a report is not repeated within that time */
#define REPEAT_IP_US 1000000
#define DECIDED_US   20000 /* the control thread decides within that time, or says no */
#define RECENT_WAYS  4
#define WAKE_US      50

int report_init(struct report *r)
{
    char ring[RTE_RING_NAMESIZE];

    memset(r, 0, sizeof(*r));
    r->wake_fd = -1;
    snprintf(ring, sizeof(ring), "cw_ev_%p", (void *)r); /* its name must be its own */
    r->events = rte_ring_create_elem(ring, sizeof(struct dp_event), REPORT_RING, SOCKET_ID_ANY,
                                     RING_F_SP_ENQ | RING_F_SC_DEQ);
    return r->events ? 0 : -ENOMEM;
}

void report_fini(struct report *r)
{
    rte_ring_free(r->events);
}

/* Sets of four, so that two hosts that speak to each other for the first time do not push each other out. */
static unsigned recent_index(uint64_t hash)
{
    return (hash >> 20) & (REPORT_RECENT - 1) & ~(unsigned)(RECENT_WAYS - 1);
}

/* The entry of this key, or the one of its set that was decided first. */
static struct report_recent *recent_slot(struct worker *w, uint64_t key, uint64_t hash)
{
    struct report_recent *set = &w->report.recent[recent_index(hash)], *oldest = set;

    for (unsigned i = 0; i < RECENT_WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].decided < oldest->decided)
            oldest = &set[i];
    }
    return oldest;
}

static void flush(struct report *r)
{
    if (r->n_pending > 0) /* there is room */
        (void)rte_ring_sp_enqueue_bulk_elem(r->events, r->pending, sizeof(r->pending[0]), r->n_pending,
                                            &r->room);
    r->n_pending = 0;
}

/* False: the ring is full; the next frame of the kind repeats it, so nothing is lost for good. yields: of a
 * kind that a host can make as many of as it likes, with addresses that nobody knows; half the ring is kept
 * free of these, so that a MAC which moves is heard of beside them (R6.1).
 *
 * They wait to be put into the ring together, as the control thread waits to be woken: where that thread is
 * in the ring is on a line that it writes all the time, and each look at it costs as much as a frame. */
static bool queue_event(struct worker *w, const struct dp_event *event, bool yields)
{
    unsigned keep = yields ? REPORT_RING / 2 - 1 : 0;
    struct report *r = &w->report;

    if (r->room <= keep)
        r->room = rte_ring_free_count(r->events) - r->n_pending;
    if (r->room <= keep) {
        w->counters.totals.events_lost++;
        return false;
    }
    r->pending[r->n_pending++] = *event;
    r->room--;
    if (r->n_pending == RTE_DIM(r->pending))
        flush(r);
    r->queued = true;
    return true;
}

/* When the frames of this round came: the time is asked for only when there is something to report. */
static mono_t round_time(struct report *r)
{
    if (r->at.ns == 0)
        r->at = mono_now();
    return r->at;
}

static struct dp_event event_of(struct worker *w, const struct frame *f, enum dp_event_type type,
                                const struct snoop *sn)
{
    return (struct dp_event){.type = type,
                             .net = f->net->id,
                             .mac = fdb_key_mac(f->src_key),
                             .where = (enum dp_where)f->from,
                             .target = f->place,
                             .ip = sn->ip,
                             .evidence = sn->evidence,
                             .flags = sn->flags,
                             .at = round_time(&w->report)};
}

void report_prefetch(const struct worker *w, uint64_t hash)
{
    const struct report_recent *set = &w->report.recent[recent_index(hash)];

    for (unsigned i = 0; i < RECENT_WAYS; i++)
        rte_prefetch0(&set[i]);
}

void report_source(struct worker *w, struct frame *f, const struct fdb_value *v)
{
    struct report_recent *r = recent_slot(w, f->src_key, f->src_hash);
    uint32_t place = FDB_WHERE(f->from, f->place, 0);
    uint32_t deletions = fdb_deletions(w->fdb);
    /* Said no to and still speaking? Unless something was deleted since, yes. */
    bool again = r->key == f->src_key && r->place == place && r->deletions == deletions;
    struct dp_event event;
    struct snoop sn;

    if (again && w->now < r->repeat)
        return;
    segments_snoop(f->m, &sn);
    event = event_of(w, f, DP_EVENT_SOURCE, &sn);
    if (!queue_event(w, &event, v == NULL))
        return;
    f->told = true;
    w->park.look = true;
    *r = (struct report_recent){.key = f->src_key,
                                .place = place,
                                .was = v ? fdb_where(v) & FDB_PLACE_MASK : 0,
                                .deletions = deletions,
                                .repeat = w->now + worker_cycles(w, REPEAT_US),
                                .decided = again ? r->decided : w->now + worker_cycles(w, DECIDED_US)};
}

/* R7.4: an NA that says other flags than those that the proxy answers with. */
static bool other_flags(const struct snoop *sn, uint8_t known)
{
    uint8_t compare = DP_NEIGH_ROUTER | (sn->flags & DP_NEIGH_UNSAID ? 0 : DP_NEIGH_OVERRIDE);

    return (sn->evidence == DP_EVIDENCE_NA || sn->evidence == DP_EVIDENCE_UNSOLICITED_NA) &&
           ((sn->flags ^ known) & compare);
}

/* Does the proxy give this MAC for the IP, with these flags? If not, two claim it, it has changed, or nobody
 * has it since two gateways gave way to each other: that must not wait. */
static bool answered(const struct worker *w, const struct frame *f, const struct snoop *sn)
{
    struct neigh_entry entry;

    return neigh_find(w->neigh, f->net->id, &sn->ip, &entry) &&
           fdb_key(f->net->id, entry.mac.b) == f->src_key && !other_flags(sn, entry.flags);
}

void report_neighbour(struct worker *w, const struct frame *f, const struct snoop *sn)
{
    uint32_t deletions = fdb_deletions(w->fdb), place = snapshot_addr_hash(&sn->ip) | 1;
    struct report_recent *r =
        &w->report.recent_ips[(recent_index(f->src_hash) ^ place) & (REPORT_RECENT - 1)];
    struct dp_event event;

    if (!f->told && r->key == f->src_key && r->place == place && r->deletions == deletions &&
        w->now < (answered(w, f, sn) ? r->repeat : r->decided))
        return;
    event = event_of(w, f, DP_EVENT_NEIGHBOUR, sn);
    if (!queue_event(w, &event, !f->told))
        return;
    *r = (struct report_recent){.key = f->src_key,
                                .place = place,
                                .deletions = deletions,
                                .decided = w->now + worker_cycles(w, DECIDED_US),
                                .repeat = w->now + worker_cycles(w, REPEAT_IP_US)};
}

void report_first(struct worker *w, const struct frame *f, uint32_t where)
{
    struct fdb_value *v = fdb_find_hashed(w->fdb, f->dst_key, f->dst_hash);
    struct dp_event event = {.type = DP_EVENT_FIRST,
                             .net = f->net->id,
                             .mac = fdb_key_mac(f->dst_key),
                             .where = (enum dp_where)fdb_kind(where),
                             .target = fdb_target(where),
                             .at = round_time(&w->report)};

    /* The mark goes after the event is in: a full ring leaves it for the next frame. If the control thread
     * has stored something else meanwhile, a mark of its own stays. */
    if (v && queue_event(w, &event, false))
        (void)fdb_unwatch(v, where);
}

uint32_t report_undecided(const struct worker *w, uint64_t key, uint64_t hash, uint32_t where)
{
    const struct report_recent *set = &w->report.recent[recent_index(hash)];

    for (unsigned i = 0; i < RECENT_WAYS; i++) {
        if (set[i].key != key)
            continue;
        if (w->now >= set[i].decided || (where != 0 && set[i].was != (where & FDB_PLACE_MASK)))
            return 0;
        return set[i].place;
    }
    return 0;
}

void report_wake(struct worker *w)
{
    struct report *r = &w->report;
    uint64_t one = 1;

    flush(r);
    r->queued = false;
    r->next_wake = w->now + worker_cycles(w, WAKE_US);
    /* Pairs with dp_events_pop(): it sets the flag, then looks into the ring once more. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&r->control_asleep, __ATOMIC_RELAXED) &&
        __atomic_exchange_n(&r->control_asleep, false, __ATOMIC_ACQ_REL)) {
        ssize_t n = write(r->wake_fd, &one, sizeof(one));

        (void)n; /* an eventfd of ours takes it; a full one is readable anyway */
    }
}
