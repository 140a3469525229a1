/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What follows when a MAC moves (section 6): the marks in the FDB, announcements, the journal, prepared
 * moves. The MAC table tells of each move (op `moved`), in the turn of the loop in which it hears of it; all
 * of this happens there and then, and only what must wait (repeats, the end of a bounce, of a prepared move,
 * of an open entry of the journal) waits for a timer.
 *
 *   moves.c           the marks, op moved, first frames, time
 *   moves_journal.c   an entry of the journal: what it says, and when it is complete
 *   moves_prepared.c  prepared moves, and what gateways ask each other about them
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_MOVES_H
#define CONTROLPLANE_MOVES_H

#include "controlplane/gateway.h"
#include "controlplane/histogram.h"
#include "controlplane/journal.h"
#include "controlplane/move_prepare.h"
#include "controlplane/oam.h"

struct moves;

/* Sets g->moves; reads the journal. To be called when g->announce is there, before the MAC table has entries.
 * 0 or -errno with a sentence in err. */
int moves_start(struct gateway *g, char *err, size_t err_len);
/* g->conf says something else now: how long bounces last, from the next one on. */
void moves_configure(struct moves *m);
/* The network is about to be no more: what is prepared in it ends. */
void moves_network_gone(struct moves *m, dp_net_id net);
/* Some VTEPs may serve a network no more: what is prepared with them there ends. To be called before their
 * ids are given to others. */
void moves_peers_gone(struct moves *m);
/* Closes what is open in the journal. To be called while MAC table and data plane are there; prepared moves
 * end with the data plane. NULL is fine. */
void moves_stop(struct gateway *g);

/* ---- told by the gateway */

/* The MAC table is about to set this in the FDB: with the marks `bounce` (R6.5) and `watch`. In the same
 * store as the new place, so no frame finds the one without the other. */
struct dp_dest moves_mark(const struct moves *m, dp_net_id net, struct mac mac, struct dp_dest dest);
/* Op `moved` of the MAC table. */
void moves_moved(struct moves *m, const struct mac_moved *moved);
/* DP_EVENT_FIRST. */
void moves_first_frame(struct moves *m, const struct dp_event *e);
/* Our route for the MAC is on its way to the peers; one of them has got all that was. */
void moves_advertised(struct moves *m, dp_net_id net, struct mac mac);
void moves_sent(struct moves *m);
/* OAM_PREPARE, OAM_COMMIT, OAM_CANCEL of another gateway: status and token of the answer. */
void moves_asked(struct moves *m, dp_net_id net, dp_vtep_id from, const struct oam_message *msg,
                 struct oam_message *answer);

/* ---- for the API */

/* As move_prepare_begin(): to 0 is here. */
int moves_prepare(struct moves *m, dp_net_id net, struct mac mac, dp_vtep_id to, unsigned seconds,
                  const struct prepared **out);
/* This call of the API is answered (api_reply()) as soon as the prepared move is no longer asking. 0 or
 * -ENOMEM. */
int moves_wait(struct moves *m, uint64_t prepared, uint64_t call);
int moves_commit(struct moves *m, dp_net_id net, struct mac mac);
int moves_cancel(struct moves *m, dp_net_id net, struct mac mac);
const struct move_prepare *moves_prepared(const struct moves *m);
const struct journal *moves_journal(const struct moves *m);
/* The entry as it is now: an open one with what became known since. */
struct journal_entry moves_entry_now(const struct moves *m, const struct journal_entry *e);
/* What the moves of this run that are over took, as the journal has them (its stages, and their sum); those
 * that came back of themselves (JOURNAL_BACK) are not moves of a host and not counted. */
struct move_times {
    struct histogram dark; /* those of which every stage was seen here */
    uint64_t unknown;      /* the others */
    struct histogram silent, fdb, first, bgp;
};
const struct move_times *moves_times(const struct moves *m);
/* MACs whose frames are sent on now. */
unsigned moves_bouncing(const struct moves *m);

#endif
