/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Two ends of prepared moves (R5.2): A where the MAC is and B where it will be, joined by a channel that
 * delays, repeats or loses as the test likes. One program includes it once.
 */
#ifndef TESTS_UNIT_MOVE_PREPARE_WORLD_H
#define TESTS_UNIT_MOVE_PREPARE_WORLD_H

#include "controlplane/move_prepare.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define S     1000000000ull
#define NET   3
#define A     0
#define B     1
#define QUEUE 4096

static const struct mac mac = {{2, 0, 0x5e, 0, 0, 1}};
static const dp_vtep_id vtep_of[2] = {11, 12}; /* as the other one knows it */

struct end {
    struct move_prepare *t;
    struct mac_entry e; /* what the MAC table says; net 0: unknown */
    bool bicast, expected;
    struct dp_dest also;
    dp_vtep_id expect;
    mono_t until;
    uint64_t frames;
    int bicast_rc, expect_rc, arrive_rc;
    unsigned changes, arrived;
    struct prepared last; /* as of the last change */
    uint64_t then_id;     /* the other end is to be told this when it has answered that */
    enum oam_type then;
    bool in_op;
};

static struct end ends[2];
static uint64_t now_s;

/* ---- the channel */

struct message {
    unsigned to;
    uint64_t id; /* of the prepared move, at the sender; 0: nobody waits */
    struct oam_message m;
};
static struct message queue[QUEUE];
static unsigned n_queued;

static mono_t now(void)
{
    return (mono_t){now_s * S};
}

static const struct mac_entry *entry(struct end *x)
{
    return x->e.net ? &x->e : NULL;
}

/* ---- ops */

static int op_bicast(void *arg, dp_net_id net, struct mac m, struct dp_dest also)
{
    struct end *x = arg;

    ck_assert(net == NET && mac_eq(m, mac));
    if (x->bicast_rc == 0) {
        x->bicast = true;
        x->also = also;
    }
    return x->bicast_rc;
}

static uint64_t op_bicast_end(void *arg, dp_net_id net, struct mac m)
{
    struct end *x = arg;

    ck_assert(net == NET && mac_eq(m, mac));
    ck_assert(x->bicast);
    x->bicast = false;
    return x->frames;
}

static int op_expect(void *arg, dp_net_id net, struct mac m, dp_vtep_id vtep, mono_t until)
{
    struct end *x = arg;

    ck_assert(net == NET && mac_eq(m, mac));
    ck_assert(!x->in_op);
    if (x->expect_rc == 0) {
        x->expected = until.ns != 0;
        x->expect = vtep;
        x->until = until;
    }
    return x->expect_rc;
}

/* Its OAM_PREPARE is still under way. */
static bool asking(unsigned from, uint64_t id)
{
    for (unsigned i = 0; i < n_queued; i++)
        if (queue[i].to == 1 - from && queue[i].id == id && queue[i].m.type == OAM_PREPARE)
            return true;
    return false;
}

static uint64_t op_token(void *arg)
{
    static uint64_t last = 1000;

    (void)arg;
    return ++last;
}

static void op_ask(void *arg, const struct prepared *p, enum oam_type type, uint64_t id, uint16_t seconds)
{
    struct end *x = arg;
    unsigned me = (unsigned)(x - ends);

    ck_assert_uint_lt(n_queued, QUEUE);
    if (p->peer != vtep_of[1 - me])
        return; /* to somebody who is not here */
    if (!id && !p->peer_token && asking(me, p->id)) {
        x->then_id = p->id;
        x->then = type;
        return;
    }
    queue[n_queued++] =
        (struct message){.to = 1 - me,
                         .id = id,
                         .m = {.type = (uint8_t)type,
                               .mac = p->mac,
                               .seconds = seconds,
                               .values = {p->role == PREPARED_OLD ? OAM_TO_RECEIVER : OAM_TO_SENDER},
                               .token = type == OAM_PREPARE ? p->own_token : p->peer_token}};
}

static inline void moved(unsigned at, enum dp_where where, uint16_t target);

static int op_arrive(void *arg, dp_net_id net, struct mac m)
{
    struct end *x = arg;

    ck_assert(net == NET && mac_eq(m, mac));
    if (x->arrive_rc == 0) {
        x->arrived++;
        moved((unsigned)(x - ends), DP_WHERE_PORT, 2);
    }
    return x->arrive_rc;
}

static void op_changed(void *arg, const struct prepared *p)
{
    struct end *x = arg;

    x->changes++;
    x->last = *p;
}

static const struct move_prepare_ops ops = {op_bicast, op_bicast_end, op_expect, op_ask,
                                            op_token,  op_arrive,     op_changed};

/* ---- the world */

static inline void setup(void)
{
    memset(ends, 0, sizeof(ends));
    n_queued = 0;
    now_s = 1000;
    for (unsigned i = 0; i < 2; i++) {
        ends[i].t = move_prepare_new(&ops, &ends[i]);
        ck_assert_ptr_nonnull(ends[i].t);
        ends[i].e = (struct mac_entry){.net = NET, .mac = mac};
    }
    ends[A].e.origin = MAC_LOCAL;
    ends[A].e.where = DP_WHERE_PORT;
    ends[A].e.target = 1;
    ends[B].e.origin = MAC_EVPN;
    ends[B].e.where = DP_WHERE_VTEP;
    ends[B].e.target = vtep_of[A];
}

static inline void teardown(void)
{
    for (unsigned i = 0; i < 2; i++)
        move_prepare_free(ends[i].t);
}

/* The MAC table of an end has it elsewhere now (where 0: gone). */
static inline void moved(unsigned at, enum dp_where where, uint16_t target)
{
    struct end *x = &ends[at];
    struct mac_moved m = {.net = NET,
                          .mac = mac,
                          .from = {x->e.target, x->e.net ? (uint8_t)x->e.where : 0},
                          .to = {target, (uint8_t)where},
                          .at = now()};

    if (x->e.net && x->e.where == where && x->e.target == target)
        return;
    m.expected = x->expected && where && x->expect == (where == DP_WHERE_VTEP ? target : 0);
    if (m.expected || !where)
        x->expected = false;
    x->e.net = where ? NET : 0;
    x->e.mac = mac;
    x->e.where = where;
    x->e.target = target;
    x->e.origin = where == DP_WHERE_PORT ? MAC_LOCAL : MAC_EVPN;
    x->in_op = true;
    move_prepare_moved(x->t, &m, now());
    x->in_op = false;
}

/* The host is seen at B, and BGP says so at A. */
static inline void seen_at_b(void)
{
    moved(B, DP_WHERE_PORT, 2);
}

static inline void route_at_a(void)
{
    moved(A, DP_WHERE_VTEP, vtep_of[B]);
}

static inline void run(unsigned at)
{
    move_prepare_run(ends[at].t, now());
}

/* Delivers one message; its answer comes at once when `answered`. */
static inline void deliver(unsigned i, bool keep, bool answered)
{
    struct message msg = queue[i];
    struct end *to = &ends[msg.to], *from = &ends[1 - msg.to];
    struct oam_message answer = {.type = msg.m.type | OAM_ANSWER};

    if (!keep)
        queue[i] = queue[--n_queued];
    answer.status =
        (uint8_t)move_prepare_asked(to->t, NET, vtep_of[1 - msg.to], &msg.m, entry(to), now(), &answer.token);
    if (!msg.id || !answered)
        return;
    move_prepare_answered(from->t, msg.id, (enum oam_type)msg.m.type, &answer, now());
    if (msg.m.type != OAM_PREPARE || from->then_id != msg.id || answer.status != OAM_OK)
        return;
    from->then_id = 0;
    queue[n_queued++] =
        (struct message){.to = msg.to, .m = {.type = (uint8_t)from->then, .mac = mac, .token = answer.token}};
}

static inline void deliver_all(void)
{
    while (n_queued) {
        struct message msg = queue[0];

        memmove(queue, queue + 1, --n_queued * sizeof(queue[0]));
        queue[n_queued++] = msg;
        deliver(n_queued - 1, false, true);
    }
    run(A);
    run(B);
}

static inline int prepare_at(unsigned at, unsigned seconds)
{
    const struct prepared *p;

    return move_prepare_begin(ends[at].t, entry(&ends[at]), at == A ? vtep_of[B] : 0, seconds, now(), &p);
}

static inline void expect_nothing_left(void)
{
    mono_t at;

    for (unsigned i = 0; i < 2; i++) {
        unsigned cursor = 0;

        ck_assert(!ends[i].bicast);
        ck_assert(!ends[i].expected);
        ck_assert_uint_eq(move_prepare_count(ends[i].t), 0);
        ck_assert_ptr_null(move_prepare_walk(ends[i].t, &cursor));
        ck_assert(!move_prepare_next(ends[i].t, &at));
    }
}

#define expect_ended(at, how)                                                                                \
    do {                                                                                                     \
        ck_assert_int_eq(ends[at].last.state, PREPARED_ENDED);                                               \
        ck_assert_str_eq(prepared_state_text(&ends[at].last), how);                                          \
    } while (0)

static inline void expect_prepared(void)
{
    ck_assert(ends[A].bicast && ends[A].also.where == DP_WHERE_VTEP && ends[A].also.target == vtep_of[B]);
    ck_assert(ends[B].bicast && ends[B].also.where == DP_WHERE_FLOOD);
    ck_assert(ends[A].expected && ends[A].expect == vtep_of[B]);
    ck_assert(ends[B].expected && ends[B].expect == 0);
    ck_assert_str_eq(prepared_state_text(move_prepare_find(ends[A].t, NET, mac)), "ready");
    ck_assert_str_eq(prepared_state_text(move_prepare_find(ends[B].t, NET, mac)), "ready");
}

#endif
