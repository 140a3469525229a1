/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Prepared moves (R5.2): somebody said that a MAC is about to move between this gateway's site and another
 * one's. Until it does, frames for it go to both places, and the move is not counted as one of a duplicate.
 * The first sign of life at the new place commits it. Whatever happens, it ends by itself, at both ends, and
 * leaves nothing behind: no second copies, no expectation.
 *
 * Both gateways have an entry, made by whoever was told first: that one asks the other (OAM_PREPARE). When no
 * answer comes, for the other end may be no Causeway gateway, it goes on alone, and says so.
 *
 *   old end   bi-cast to the new end's VTEP; committed when the MAC table points there. OAM_COMMIT alone does
 *             not end it: until the route is here, the second copies are all that gets through.
 *   new end   bi-cast to all access ports; committed when the MAC is at one of them. Tells the other end.
 *
 * What the network lets through as the other gateway's may be another one's with a forged source. So each end
 * makes up a token and gives it to the other, in OAM_PREPARE or its answer, and takes its OAM_COMMIT and
 * OAM_CANCEL with that token only: who does not see our frames cannot make us take a MAC here, or end what is
 * prepared.
 *
 * A gateway of the network that means no good can still ask for what a good one may: second copies to itself
 * of what a host of ours gets, or to our access ports of what one of its own gets; a quarter of the places at
 * most, for the time it says, and no longer than it serves the network. It could as well announce the MAC.
 * And it cannot excuse a MAC that swings without end (mac_dup.c).
 *
 * Pure: takes what happens and `now`, acts through its ops. Control thread only.
 */
#ifndef CONTROLPLANE_MOVE_PREPARE_H
#define CONTROLPLANE_MOVE_PREPARE_H

#include "controlplane/mactable.h"
#include "controlplane/oam_msg.h"

#define MOVE_PREPARE_MAX      DP_MAX_BICASTS
#define MOVE_PREPARE_SHARE    (MOVE_PREPARE_MAX / 4) /* of them, those that one other gateway asked for */
#define MOVE_PREPARE_SECONDS  60                     /* default time to wait for the move */
#define MOVE_PREPARE_LONGEST  3600                   /* seconds */
#define MOVE_PREPARE_GRACE_NS 5000000000ull          /* for the route, after OAM_COMMIT */

struct move_prepare;

enum prepared_role { PREPARED_OLD, PREPARED_NEW };

enum prepared_state {
    PREPARED_ASKING,     /* the other end has not answered yet */
    PREPARED_READY,      /* it does its part */
    PREPARED_ALONE,      /* it does not: `status` says why, or it never answered */
    PREPARED_COMMITTING, /* it is there, so we were told: the route must come now */
    PREPARED_ENDED,
};

/* How it ended. */
enum prepared_end {
    PREPARED_COMMITTED,
    PREPARED_CANCELLED,
    PREPARED_TIMED_OUT,
    PREPARED_ELSEWHERE, /* it moved to a third place */
    PREPARED_REFUSED,   /* by the other end */
};

struct prepared {
    uint64_t id;
    dp_net_id net;
    dp_vtep_id peer; /* the other end */
    struct mac mac;
    enum prepared_role role; /* of this gateway */
    enum prepared_state state;
    enum prepared_end end; /* with PREPARED_ENDED */
    bool by_us;            /* told here, too; else by the other end alone */
    bool answered;         /* with `status` */
    enum oam_status status;
    uint64_t own_token;  /* what the other end's requests must carry */
    uint64_t peer_token; /* what ours carry; 0: not known yet */
    mono_t since, until;
    uint64_t bicast; /* second copies sent; set when it ends */
};

struct move_prepare_ops {
    /* fwd_bicast_set(), fwd_bicast_del() with the count of fwd_bicast_count(). */
    int (*bicast)(void *arg, dp_net_id net, struct mac mac, struct dp_dest also);
    uint64_t (*bicast_end)(void *arg, dp_net_id net, struct mac mac);
    /* mactable_expect_move(). Never called from move_prepare_moved(). */
    int (*expect)(void *arg, dp_net_id net, struct mac mac, dp_vtep_id vtep, mono_t until);
    /* A request to the other end: OAM_PREPARE with p->own_token, others with p->peer_token. With p->id the
     * answer comes by move_prepare_answered(); with 0 nobody waits for it. When p->peer_token is not known,
     * for OAM_PREPARE is not answered yet, it is to be sent with the answer's token as soon as that has come.
     */
    void (*ask)(void *arg, const struct prepared *p, enum oam_type type, uint64_t id, uint16_t seconds);
    /* A random number, not 0; 0: there is none. */
    uint64_t (*token)(void *arg);
    /* R6.1, the API's word: the MAC is at our only access port of the network. 0; -ENOTUNIQ: there are
     * several; -EACCES: the table does not take it there. Leads to move_prepare_moved(). */
    int (*arrive)(void *arg, dp_net_id net, struct mac mac);
    /* Its state changed (or it is new: PREPARED_ASKING). */
    void (*changed)(void *arg, const struct prepared *p);
};

/* NULL without memory. */
struct move_prepare *move_prepare_new(const struct move_prepare_ops *ops, void *arg);
/* Ends nothing. NULL is fine. */
void move_prepare_free(struct move_prepare *t);

/* Whether a MAC that is as e says (NULL: unknown) can be prepared to move to that VTEP (0: to here). On
 * success *role and *peer. -ENOENT: unknown; -EALREADY: it is there; -EPERM: configured, or sticky; -EBUSY:
 * frozen as a duplicate; -EXDEV: it is behind a third gateway, which must be told instead. */
int move_prepare_check(const struct mac_entry *e, dp_vtep_id to, enum prepared_role *role, dp_vtep_id *peer);
/* Told here. The same again begins its time anew. 0 and *out, valid until the next call; as above; -EEXIST:
 * prepared with another gateway; -ENOSPC; -ENOMEM. seconds: 1..MOVE_PREPARE_LONGEST. */
int move_prepare_begin(struct move_prepare *t, const struct mac_entry *e, dp_vtep_id to, unsigned seconds,
                       mono_t now, const struct prepared **out);
/* It is at the new place, told here. At the new end: see arrive(). At the old end: the other one is asked to
 * take it. 0; -ENOENT: nothing is prepared; as arrive(). */
int move_prepare_commit(struct move_prepare *t, dp_net_id net, struct mac mac, mono_t now);
/* 0; -ENOENT. */
int move_prepare_cancel(struct move_prepare *t, dp_net_id net, struct mac mac, mono_t now);

/* The other end's OAM_PREPARE, OAM_COMMIT, OAM_CANCEL for the MAC that e is (NULL: unknown). *token is for
 * the answer. */
enum oam_status move_prepare_asked(struct move_prepare *t, dp_net_id net, dp_vtep_id from,
                                   const struct oam_message *m, const struct mac_entry *e, mono_t now,
                                   uint64_t *token);
/* The answer to what was asked with that id; NULL: none came. */
void move_prepare_answered(struct move_prepare *t, uint64_t id, enum oam_type type,
                           const struct oam_message *answer, mono_t now);
/* The MAC table's op `moved`: may be called from within it. The id of the prepared move that this is; 0: of
 * none. */
uint64_t move_prepare_moved(struct move_prepare *t, const struct mac_moved *m, mono_t now);

/* Ends those whose time is over, and tidies up after those that ended. */
void move_prepare_run(struct move_prepare *t, mono_t now);
/* When move_prepare_run() is due. */
bool move_prepare_next(const struct move_prepare *t, mono_t *at);

const struct prepared *move_prepare_find(const struct move_prepare *t, dp_net_id net, struct mac mac);
/* All of them: *cursor starts at 0. */
const struct prepared *move_prepare_walk(const struct move_prepare *t, unsigned *cursor);
unsigned move_prepare_count(const struct move_prepare *t);

const char *prepared_state_text(const struct prepared *p);

#endif
