/* SPDX-License-Identifier: BSD-3-Clause
 *
 * While a move is prepared, frames for a MAC go to two places: where the FDB says, and where it will be (or
 * is, seen from there). A table.h of few entries, whose rules between threads hold; a worker looks into it
 * only when the FDB's entry has the mark, so no other frame pays for it.
 *
 * Where the MAC is (`also`: a VTEP): what comes for it from an access port, or from another VTEP, is copied
 * to that VTEP; the latter as a bounce is (R6.5), and never back to where it came from. Where it
 * will be (`also`: DP_WHERE_FLOOD): what comes for it from the VTEP that has it goes out by all access ports,
 * and what comes from an access port goes out by the others as well. Once the FDB says what `also` says, it
 * adds nothing.
 */
#ifndef DATAPLANE_BICAST_H
#define DATAPLANE_BICAST_H

#include "dataplane/dp.h"
#include "dataplane/fdb.h"

struct frame;
struct snapshot;
struct worker;

struct bicast_value {
    uint32_t also;   /* FDB_WHERE(); written by the control thread */
    uint32_t frames; /* counted by workers; stays at its highest */
};

struct bicast {
    struct table t;
};

/* ---- control thread ---- */

/* qsbr: as in table_init(). 0, -ENOMEM. */
int bicast_init(struct bicast *b, struct rte_rcu_qsbr *qsbr);
void bicast_fini(struct bicast *b);
/* Adds or replaces, and marks the FDB's entry if there is one. key: fdb_key(). 0, -ENOSPC. */
int bicast_set(struct bicast *b, struct fdb *fdb, uint64_t key, uint32_t also);
/* 0 or -ENOENT. */
int bicast_del(struct bicast *b, struct fdb *fdb, uint64_t key);
/* What an entry of the FDB for this key must carry: FDB_BICAST or 0. */
uint32_t bicast_mark(const struct bicast *b, uint64_t key);
/* Where frames for it go as well (FDB_WHERE()); 0: there is none. */
uint32_t bicast_also(const struct bicast *b, uint64_t key);
/* False: there is none. */
bool bicast_count(const struct bicast *b, uint64_t key, uint64_t *frames);

/* ---- worker: `where` has FDB_BICAST. True: the frame itself is gone, nothing is left to do with it. ---- */

bool bicast_from_access(struct worker *w, const struct snapshot *s, const struct frame *f, uint32_t where);
bool bicast_from_wan(struct worker *w, const struct snapshot *s, const struct frame *f, uint32_t where);

#endif
