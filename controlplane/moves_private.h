/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of moves.h share and nobody else sees. Control thread only.
 */
#ifndef CONTROLPLANE_MOVES_PRIVATE_H
#define CONTROLPLANE_MOVES_PRIVATE_H

#include "controlplane/journal_file.h"
#include "controlplane/move_bounce.h"
#include "controlplane/move_gone.h"
#include "controlplane/moves.h"
#include "controlplane/quiet.h"

#include <sys/queue.h>

struct event;

#define MOVES_SAID 4096 /* routes under way to the peers whose time is taken at once; beyond: not known */

/* A route of ours that is under way, and the entry of the journal whose move it tells of. */
struct moves_said {
    dp_net_id net;
    struct mac mac;
    uint64_t id;
};

/* A request to another gateway that waits for its answer: one of each type for a prepared move. */
struct moves_question {
    LIST_ENTRY(moves_question) link;
    struct moves *m;
    uint64_t prepared;
    enum oam_type type;
    uint16_t seconds;
    bool refused; /* it could not be sent */
    /* OAM_PREPARE: what is to be said to the other end when it has answered, 0: nothing; and of whom. */
    enum oam_type then;
    struct prepared what;
};

/* A call of the API that waits for a prepared move to be answered by the other gateway. */
struct moves_call {
    LIST_ENTRY(moves_call) link;
    uint64_t prepared, call;
};

LIST_HEAD(moves_questions, moves_question);
LIST_HEAD(moves_calls, moves_call);

struct moves {
    struct gateway *g;
    struct journal *journal;
    struct journal_file *file; /* NULL: none is configured */
    struct move_bounces *bounces;
    bool bounce; /* new ones begin */
    struct move_gones *gones;
    struct move_prepare *prepared;
    struct moves_questions questions;
    struct moves_calls calls;
    struct event *timer;
    bool turn; /* the timer is due at once */
    unsigned n_said;
    struct moves_said said[MOVES_SAID];
    struct move_times times;
    struct quiet quiet_asked;
    unsigned asked_lines;  /* since then */
    uint64_t ended_bicast; /* of the prepared move that ended last */
    /* By counter of bounced frames: the last entry of the journal that began a bounce beside another one of
     * the same counter. Those up to that one cannot know theirs. */
    uint64_t shared[DP_BOUNCE_COUNTERS];
};

/* ---- moves.c */

/* Something may be due earlier than it was, maybe now. */
void moves_due(struct moves *m);

/* ---- moves_journal.c */

/* Both tables of the journal's life: 0 or -ENOMEM. */
int moves_journal_start(struct moves *m);
/* It goes to another file, or to none. */
void moves_journal_configure(struct moves *m);
void moves_journal_stop(struct moves *m);
/* prepared: the id of the prepared move that this is, or 0. */
void moves_journal_add(struct moves *m, const struct mac_moved *moved, bool bounces, uint64_t prepared,
                       mono_t now);
/* Tells those who watch: that it began, or is done (once). */
void moves_journal_tell(const struct moves *m, struct journal_entry *e, bool done);
/* A MAC's bounce is over: its count is final. */
void moves_journal_bounced(struct moves *m, dp_net_id net, struct mac mac);

/* ---- moves_prepared.c */

int moves_prepared_start(struct moves *m);
void moves_prepared_stop(struct moves *m);
/* What could not be asked. */
void moves_prepared_run(struct moves *m, mono_t now);

#endif
