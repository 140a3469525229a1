/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a worker tells the control thread of the frames that it sees: a source that is not where the FDB has
 * it, the IP of a host, the first frame for a watched MAC. The events go up by a ring of the worker's own;
 * dp_reports.c takes them out. What was told is remembered for a moment, so that it is not told again with
 * each frame until the control thread has decided.
 *
 * Who writes what: worker.h. Worker threads, but for the first two functions (control thread).
 */
#ifndef DATAPLANE_REPORT_H
#define DATAPLANE_REPORT_H

#include "dataplane/dp.h"
#include "dataplane/snoop.h"

#include <rte_common.h>

struct fdb_value;
struct frame;
struct rte_ring;
struct worker;

#define REPORT_RECENT  1024 /* power of two */
#define REPORT_RING    8192
#define REPORT_PENDING 32

/* A source that was reported. Not again for a moment: the control thread needs it. And until that thread has
 * decided, frames for it go to where it was seen: the answer to a host's first broadcast comes back sooner
 * than the decision. */
struct report_recent {
    uint64_t key;
    uint32_t place;     /* FDB_WHERE() */
    uint32_t was;       /* where the FDB had it then, or 0: once it says something else, that is decided */
    uint32_t deletions; /* fdb_deletions() at the report */
    uint64_t repeat;    /* cycles: reported again from here on */
    uint64_t decided;   /* cycles: by now the FDB says what is right; counted from the first report */
};

struct report {
    /* ctl */
    struct rte_ring *events; /* of struct dp_event, one producer, one consumer */
    int wake_fd;             /* eventfd */
    /* Set by the control thread when it has drained the ring, taken by the worker. Lines of their own: what
     * is around it is read in each round. */
    bool control_asleep __rte_cache_aligned;
    /* the worker's own */
    bool queued __rte_cache_aligned; /* there is something for the control thread */
    uint64_t next_wake;              /* cycles: not before, while there are frames */
    mono_t at;                       /* of the round's reports; 0: there was none yet */
    unsigned n_pending;
    unsigned room; /* of the ring, less these, as it was when it was looked at: or more by now */
    struct dp_event pending[REPORT_PENDING]; /* events that are not in the ring yet */
    struct report_recent recent[REPORT_RECENT];
    struct report_recent recent_ips[REPORT_RECENT]; /* place: a hash of the IP */
};

/* Without an eventfd: that is the caller's to fill in. 0 or -errno. */
int report_init(struct report *r);
void report_fini(struct report *r);

/* Tells the control plane that a source is where the FDB does not have it; repeats are held back for a
 * moment. Sets f->told when it did. v: what the FDB has of it, or NULL. */
void report_source(struct worker *w, struct frame *f, const struct fdb_value *v);
/* What that will look at. */
void report_prefetch(const struct worker *w, uint64_t hash);
/* Tells the control plane which IP the sender of a frame has (sn->ip); repeats are held back for a second,
 * but not from a source that has just shown up elsewhere, and hardly where the proxy names another MAC for
 * the IP, or none. */
void report_neighbour(struct worker *w, const struct frame *f, const struct snoop *sn);
/* A frame for a watched MAC left for `where`, which has the watch mark: tells it once and takes the mark
 * off. */
void report_first(struct worker *w, const struct frame *f, uint32_t where);
/* Where a MAC was seen a moment ago (FDB_WHERE()), if the control thread has not decided on it since, or 0.
 * where: what the FDB says of it; 0: nothing. */
uint32_t report_undecided(const struct worker *w, uint64_t key, uint64_t hash, uint32_t where);

/* A round begins. */
static inline void report_round(struct report *r)
{
    r->at.ns = 0;
}

/* Is it time to pass on what is queued? At the end of a round; busy: frames came in. */
static inline bool report_due(const struct report *r, uint64_t now, bool busy)
{
    return r->queued && (!busy || now >= r->next_wake);
}

/* Puts what is queued into the ring, and wakes the control thread if it sleeps. */
void report_wake(struct worker *w);

#endif
