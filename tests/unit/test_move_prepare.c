/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Prepared moves (R5.2) between two ends, A where the MAC is and B where it will be, joined by a channel that
 * delays, repeats or loses as the test likes: each way it can go, and that nothing is left behind.
 */
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

static void moved(unsigned at, enum dp_where where, uint16_t target);

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

static void setup(void)
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

static void teardown(void)
{
    for (unsigned i = 0; i < 2; i++)
        move_prepare_free(ends[i].t);
}

/* The MAC table of an end has it elsewhere now (where 0: gone). */
static void moved(unsigned at, enum dp_where where, uint16_t target)
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
static void seen_at_b(void)
{
    moved(B, DP_WHERE_PORT, 2);
}

static void route_at_a(void)
{
    moved(A, DP_WHERE_VTEP, vtep_of[B]);
}

static void run(unsigned at)
{
    move_prepare_run(ends[at].t, now());
}

/* Delivers one message; its answer comes at once when `answered`. */
static void deliver(unsigned i, bool keep, bool answered)
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

static void deliver_all(void)
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

static int prepare_at(unsigned at, unsigned seconds)
{
    const struct prepared *p;

    return move_prepare_begin(ends[at].t, entry(&ends[at]), at == A ? vtep_of[B] : 0, seconds, now(), &p);
}

static void expect_nothing_left(void)
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

static void expect_prepared(void)
{
    ck_assert(ends[A].bicast && ends[A].also.where == DP_WHERE_VTEP && ends[A].also.target == vtep_of[B]);
    ck_assert(ends[B].bicast && ends[B].also.where == DP_WHERE_FLOOD);
    ck_assert(ends[A].expected && ends[A].expect == vtep_of[B]);
    ck_assert(ends[B].expected && ends[B].expect == 0);
    ck_assert_str_eq(prepared_state_text(move_prepare_find(ends[A].t, NET, mac)), "ready");
    ck_assert_str_eq(prepared_state_text(move_prepare_find(ends[B].t, NET, mac)), "ready");
}

/* ---- each way it can go; told at either end */

START_TEST(test_R5_2_prepared_and_committed)
{
    ck_assert_int_eq(prepare_at((unsigned)_i, 60), 0);
    ck_assert_str_eq(prepared_state_text(&ends[_i].last), "asking");
    deliver_all();
    expect_prepared();
    ends[A].frames = 7;
    seen_at_b();
    expect_ended(B, "committed");
    ck_assert(!ends[B].bicast);
    /* The word of it is faster than the route, and must not end the second copies. */
    deliver_all();
    ck_assert(ends[A].bicast);
    ck_assert_str_eq(prepared_state_text(&ends[A].last), "committing");
    now_s += 1;
    deliver_all();
    ck_assert(ends[A].bicast);
    route_at_a();
    expect_ended(A, "committed");
    ck_assert_uint_eq(ends[A].last.bicast, 7);
    deliver_all();
    expect_nothing_left();
}
END_TEST

START_TEST(test_R5_2_the_route_is_faster)
{
    ck_assert_int_eq(prepare_at((unsigned)_i, 60), 0);
    deliver_all();
    seen_at_b();
    route_at_a();
    expect_ended(A, "committed");
    deliver_all(); /* OAM_COMMIT comes after all is over */
    expect_nothing_left();
}
END_TEST

/* The VM was there before the other end heard that it would be. */
START_TEST(test_R5_2_moved_before_it_was_asked)
{
    ck_assert_int_eq(prepare_at(A, 60), 0);
    seen_at_b();
    deliver_all();
    expect_ended(A, "refused"); /* "not behind you, that is": nothing to prepare */
    expect_nothing_left();
}
END_TEST

START_TEST(test_R5_2_cancelled)
{
    unsigned told = (unsigned)_i & 1, cancelled = (unsigned)_i >> 1;

    ck_assert_int_eq(prepare_at(told, 60), 0);
    deliver_all();
    ck_assert_int_eq(move_prepare_cancel(ends[cancelled].t, NET, mac, now()), 0);
    expect_ended(cancelled, "cancelled");
    deliver_all();
    expect_ended(1 - cancelled, "cancelled");
    expect_nothing_left();
    ck_assert(!ends[A].expected && !ends[B].expected);
    ck_assert_int_eq(move_prepare_cancel(ends[cancelled].t, NET, mac, now()), -ENOENT);
    ck_assert_int_eq(move_prepare_commit(ends[cancelled].t, NET, mac, now()), -ENOENT);
}
END_TEST

/* Each end by its own clock, whatever became of the other. */
START_TEST(test_R5_2_never_happens)
{
    mono_t at;

    ck_assert_int_eq(prepare_at((unsigned)_i, 60), 0);
    deliver_all();
    now_s += 59;
    run(A);
    run(B);
    expect_prepared();
    ck_assert(move_prepare_next(ends[A].t, &at));
    ck_assert_uint_eq(at.ns, 1060 * S);
    now_s += 1;
    run(A);
    expect_ended(A, "timed-out");
    n_queued = 0;
    ck_assert(ends[B].bicast);
    run(B);
    expect_ended(B, "timed-out");
    ck_assert(!ends[A].expected && !ends[B].expected);
    n_queued = 0;
    expect_nothing_left();
}
END_TEST

START_TEST(test_R5_2_nobody_answers)
{
    ck_assert_int_eq(prepare_at(A, 60), 0);
    move_prepare_answered(ends[A].t, ends[A].last.id, OAM_PREPARE, NULL, now());
    ck_assert_str_eq(prepared_state_text(&ends[A].last), "alone");
    ck_assert(!ends[A].last.answered);
    ck_assert(ends[A].bicast && ends[A].expected);
    n_queued = 0;
    route_at_a();
    expect_ended(A, "committed");
    run(A);
    expect_nothing_left();
}
END_TEST

START_TEST(test_R5_2_the_other_end_says_no)
{
    static const struct {
        enum oam_status status;
        const char *state;
    } answers[] = {{OAM_REFUSED, "refused"},
                   {OAM_NOT_HERE, "refused"},
                   {OAM_UNKNOWN_MAC, "alone"},
                   {OAM_BUSY, "alone"},
                   {OAM_UNSUPPORTED, "alone"}};

    ck_assert_int_eq(prepare_at(A, 60), 0);
    move_prepare_answered(ends[A].t, ends[A].last.id, OAM_PREPARE,
                          &(struct oam_message){.status = (uint8_t)answers[_i].status}, now());
    ck_assert_str_eq(prepared_state_text(&ends[A].last), answers[_i].state);
    ck_assert(ends[A].last.answered && ends[A].last.status == answers[_i].status);
    ck_assert_int_eq(ends[A].bicast, _i > 1);
    n_queued = 0;
    now_s += 60;
    deliver_all();
    expect_nothing_left();
}
END_TEST

START_TEST(test_R5_2_elsewhere)
{
    ck_assert_int_eq(prepare_at((unsigned)_i, 60), 0);
    deliver_all();
    moved(A, DP_WHERE_VTEP, 99);
    expect_ended(A, "elsewhere");
    ck_assert(!ends[A].bicast);
    deliver_all();
    expect_ended(B, "cancelled");
    expect_nothing_left();
    ck_assert(!ends[A].expected && !ends[B].expected);
}
END_TEST

START_TEST(test_R5_2_elsewhere_seen_from_the_new_end)
{
    ck_assert_int_eq(prepare_at(B, 60), 0);
    deliver_all();
    moved(B, DP_WHERE_VTEP, 99);
    expect_ended(B, "elsewhere");
    deliver_all();
    expect_ended(A, "cancelled");
    expect_nothing_left();
}
END_TEST

/* It is silent for so long that it is forgotten: what is prepared stays. */
START_TEST(test_R5_2_gone_and_there_at_last)
{
    ck_assert_int_eq(prepare_at(A, 60), 0);
    deliver_all();
    moved(A, 0, 0);
    moved(B, 0, 0);
    moved(A, DP_WHERE_PORT, 4); /* another port of the old site */
    ck_assert(ends[A].bicast && ends[B].bicast);
    seen_at_b();
    expect_ended(B, "committed");
    route_at_a();
    expect_ended(A, "committed");
    deliver_all();
    expect_nothing_left();
}
END_TEST

START_TEST(test_R5_2_R6_1_commit_by_word)
{
    ck_assert_int_eq(prepare_at(A, 60), 0);
    deliver_all();
    if (_i == B) {
        ck_assert_int_eq(move_prepare_commit(ends[B].t, NET, mac, now()), 0);
        expect_ended(B, "committed");
    } else {
        ck_assert_int_eq(move_prepare_commit(ends[A].t, NET, mac, now()), 0);
        deliver_all();
    }
    ck_assert_uint_eq(ends[B].arrived, 1);
    deliver_all();
    ck_assert_str_eq(prepared_state_text(&ends[A].last), "committing");
    ck_assert(ends[A].bicast);
    route_at_a();
    deliver_all();
    expect_ended(A, "committed");
    expect_nothing_left();
}
END_TEST

/* The new end has several ports: the word alone does not say at which one it is. */
START_TEST(test_R6_1_commit_by_word_is_not_enough)
{
    ends[B].arrive_rc = -ENOTUNIQ;
    ck_assert_int_eq(prepare_at(A, 60), 0);
    deliver_all();
    ck_assert_int_eq(move_prepare_commit(ends[B].t, NET, mac, now()), -ENOTUNIQ);
    ck_assert_int_eq(move_prepare_commit(ends[A].t, NET, mac, now()), 0);
    deliver_all();
    ck_assert(ends[A].last.answered && ends[A].last.status == OAM_REFUSED);
    ck_assert(ends[A].bicast && ends[B].bicast);
    seen_at_b();
    route_at_a();
    deliver_all();
    expect_nothing_left();
}
END_TEST

/* The route never came, or the new end lied. */
START_TEST(test_R5_2_committed_but_no_route)
{
    ck_assert_int_eq(prepare_at(A, 60), 0);
    deliver_all();
    seen_at_b();
    deliver_all();
    now_s += 5;
    deliver_all();
    expect_ended(A, "timed-out");
    expect_nothing_left();
}
END_TEST

START_TEST(test_R5_2_again_is_once_with_a_new_time)
{
    ck_assert_int_eq(prepare_at(A, 60), 0);
    deliver_all();
    now_s += 50;
    ck_assert_int_eq(prepare_at((unsigned)_i, 60), 0);
    deliver_all();
    expect_prepared();
    ck_assert_uint_eq(move_prepare_count(ends[A].t), 1);
    ck_assert_uint_eq(move_prepare_count(ends[B].t), 1);
    now_s += 59;
    run(A);
    run(B);
    expect_prepared();
    now_s += 1;
    deliver_all();
    expect_nothing_left();
}
END_TEST

/* ---- what is refused */

START_TEST(test_check)
{
    struct mac_entry e = ends[A].e;
    enum prepared_role role;
    dp_vtep_id peer;
    const struct prepared *p;

    ck_assert_int_eq(move_prepare_check(NULL, 5, &role, &peer), -ENOENT);
    ck_assert_int_eq(move_prepare_check(&e, 0, &role, &peer), -EALREADY);
    ck_assert_int_eq(move_prepare_check(&e, 5, &role, &peer), 0);
    ck_assert(role == PREPARED_OLD && peer == 5);
    e.duplicate = true;
    ck_assert_int_eq(move_prepare_check(&e, 5, &role, &peer), -EBUSY);
    e.sticky = true;
    ck_assert_int_eq(move_prepare_check(&e, 5, &role, &peer), -EPERM);
    e = ends[B].e;
    ck_assert_int_eq(move_prepare_check(&e, vtep_of[A], &role, &peer), -EALREADY);
    ck_assert_int_eq(move_prepare_check(&e, 5, &role, &peer), -EXDEV);
    ck_assert_int_eq(move_prepare_check(&e, 0, &role, &peer), 0);
    ck_assert(role == PREPARED_NEW && peer == vtep_of[A]);
    e.route_sticky = true;
    ck_assert_int_eq(move_prepare_check(&e, 0, &role, &peer), -EPERM);
    e.origin = MAC_FLOOD;
    ck_assert_int_eq(move_prepare_check(&e, 0, &role, &peer), -EPERM);
    /* Nor does it take what the data plane or the table refuses. */
    ends[A].bicast_rc = -ENOSPC;
    ck_assert_int_eq(prepare_at(A, 60), -ENOSPC);
    ck_assert(!ends[A].expected);
    ends[A].bicast_rc = 0;
    ends[A].expect_rc = -ENOMEM;
    ck_assert_int_eq(prepare_at(A, 60), -ENOMEM);
    ends[A].expect_rc = 0;
    ck_assert_uint_eq(ends[A].changes, 0);
    expect_nothing_left();
    /* To one place at a time. */
    ck_assert_int_eq(prepare_at(A, 60), 0);
    ck_assert_int_eq(move_prepare_begin(ends[A].t, &ends[A].e, 99, 60, now(), &p), -EEXIST);
}
END_TEST

static int any_bicast(void *arg, dp_net_id net, struct mac m, struct dp_dest also)
{
    (void)arg, (void)net, (void)m, (void)also;
    return 0;
}

static uint64_t any_bicast_end(void *arg, dp_net_id net, struct mac m)
{
    (void)arg, (void)net, (void)m;
    return 0;
}

static int any_expect(void *arg, dp_net_id net, struct mac m, dp_vtep_id vtep, mono_t until)
{
    (void)arg, (void)net, (void)m, (void)vtep, (void)until;
    return 0;
}

START_TEST(test_full_table)
{
    const struct move_prepare_ops any = {any_bicast, any_bicast_end, any_expect, op_ask,
                                         op_token,   op_arrive,      op_changed};
    struct move_prepare *t = move_prepare_new(&any, &ends[A]);
    struct mac_entry e = ends[A].e;
    const struct prepared *p;
    unsigned cursor = 0, n = 0;

    ck_assert_ptr_nonnull(t);
    for (unsigned i = 1; i <= MOVE_PREPARE_MAX; i++) {
        e.net = (dp_net_id)i;
        ck_assert_int_eq(move_prepare_begin(t, &e, 99, 60, now(), &p), 0);
    }
    e.net = 4000;
    ck_assert_int_eq(move_prepare_begin(t, &e, 99, 60, now(), &p), -ENOSPC);
    ck_assert_int_eq(move_prepare_cancel(t, 500, mac, now()), 0);
    ck_assert_int_eq(move_prepare_begin(t, &e, 99, 60, now(), &p), 0);
    while (move_prepare_walk(t, &cursor))
        n++;
    ck_assert_uint_eq(n, MOVE_PREPARE_MAX);
    now_s += 60;
    move_prepare_run(t, now());
    ck_assert_uint_eq(move_prepare_count(t), 0);
    move_prepare_free(t);
}
END_TEST

/* ---- what another gateway may ask for */

static uint64_t ask_token, given_token;

static enum oam_status ask_b(uint8_t type, uint16_t seconds, uint32_t direction, dp_vtep_id from)
{
    struct oam_message m = {
        .type = type, .mac = mac, .seconds = seconds, .values = {direction}, .token = ask_token};

    return move_prepare_asked(ends[B].t, NET, from, &m, entry(&ends[B]), now(), &given_token);
}

START_TEST(test_R5_2_requests_are_checked)
{
    const dp_vtep_id a = vtep_of[A];

    ck_assert_int_eq(ask_b(OAM_PREPARE, 0, OAM_TO_RECEIVER, a), OAM_REFUSED);
    ck_assert_int_eq(ask_b(OAM_PREPARE, 3601, OAM_TO_RECEIVER, a), OAM_REFUSED);
    ck_assert_int_eq(ask_b(OAM_PREPARE, 60, 2, a), OAM_REFUSED);
    ck_assert_int_eq(ask_b(OAM_PREPARE, 60, OAM_TO_RECEIVER, 99), OAM_NOT_HERE);
    ck_assert_int_eq(ask_b(OAM_PREPARE, 60, OAM_TO_SENDER, a), OAM_NOT_HERE);
    ck_assert_int_eq(ask_b(OAM_PREPARE, 60, OAM_TO_SENDER, 99), OAM_NOT_HERE);
    ck_assert_int_eq(ask_b(OAM_TAKE, 60, 0, a), OAM_UNSUPPORTED);
    ck_assert_int_eq(ask_b(OAM_COMMIT, 0, 0, a), OAM_OK); /* it is there as far as we know */
    ck_assert_int_eq(ask_b(OAM_COMMIT, 0, 0, 99), OAM_UNKNOWN_MAC);
    ck_assert_int_eq(ask_b(OAM_CANCEL, 0, 0, a), OAM_OK);
    ends[B].e.duplicate = true;
    ck_assert_int_eq(ask_b(OAM_PREPARE, 60, OAM_TO_RECEIVER, a), OAM_REFUSED);
    ends[B].e.duplicate = false;
    ends[B].bicast_rc = -ENOSPC;
    ck_assert_int_eq(ask_b(OAM_PREPARE, 60, OAM_TO_RECEIVER, a), OAM_BUSY);
    ends[B].bicast_rc = 0;
    expect_nothing_left();
    ck_assert_int_eq(ask_b(OAM_PREPARE, 60, OAM_TO_RECEIVER, a), OAM_OK);
    ask_token = given_token;
    /* A third one has no say in it. */
    ck_assert_int_eq(ask_b(OAM_COMMIT, 0, 0, 99), OAM_NOT_HERE);
    ck_assert_int_eq(ask_b(OAM_CANCEL, 0, 0, 99), OAM_NOT_HERE);
    ck_assert_int_eq(ask_b(OAM_PREPARE, 60, OAM_TO_RECEIVER, 99), OAM_NOT_HERE);
    ck_assert(ends[B].bicast);
    ends[B].e.net = 0;
    ck_assert_int_eq(ask_b(OAM_PREPARE, 60, OAM_TO_RECEIVER, a), OAM_UNKNOWN_MAC);
    ck_assert_int_eq(ask_b(OAM_CANCEL, 0, 0, a), OAM_OK);
    expect_nothing_left();
}
END_TEST

/* Who only pretends to be the other end does not know what we answered it. */
START_TEST(test_R5_2_only_who_was_answered_commits)
{
    const dp_vtep_id a = vtep_of[A];
    uint64_t token;

    ask_token = 77; /* what it wants to hear from us */
    ck_assert_int_eq(ask_b(OAM_PREPARE, 60, OAM_TO_RECEIVER, a), OAM_OK);
    token = given_token;
    ck_assert_uint_ne(token, 0);
    for (unsigned i = 0; i < 3; i++) {
        const uint64_t wrong[] = {0, 77, token + 1};

        ask_token = wrong[i];
        ck_assert_int_eq(ask_b(OAM_COMMIT, 0, 0, a), OAM_REFUSED);
        ck_assert_int_eq(ask_b(OAM_CANCEL, 0, 0, a), OAM_REFUSED);
        ck_assert_uint_eq(given_token, 0);
    }
    ck_assert(ends[B].bicast && ends[B].arrived == 0);
    /* Asked once more it is the same one; and what we say to the other end is not turned by that. */
    ask_token = 78;
    ck_assert_int_eq(ask_b(OAM_PREPARE, 90, OAM_TO_RECEIVER, a), OAM_OK);
    ck_assert_uint_eq(given_token, token);
    ck_assert_uint_eq(move_prepare_find(ends[B].t, NET, mac)->peer_token, 77);
    ask_token = token;
    ck_assert_int_eq(ask_b(OAM_COMMIT, 0, 0, a), OAM_OK);
    ck_assert_uint_eq(ends[B].arrived, 1);
    run(B);
    expect_nothing_left();
}
END_TEST

/* A peer that asks for everything gets a quarter; others, and the operator here, still have room. */
START_TEST(test_R5_2_one_peer_has_a_share)
{
    const struct move_prepare_ops any = {any_bicast, any_bicast_end, any_expect, op_ask,
                                         op_token,   op_arrive,      op_changed};
    struct move_prepare *t = move_prepare_new(&any, &ends[B]);
    struct oam_message m = {.type = OAM_PREPARE, .mac = mac, .seconds = 60, .values = {OAM_TO_RECEIVER}};
    struct mac_entry e = ends[B].e;
    const struct prepared *p;
    unsigned got = 0;
    uint64_t token;

    ck_assert_ptr_nonnull(t);
    /* What is prepared here is not theirs, also when they ask for it, too; and the other way round. */
    for (unsigned i = 1; i <= 10; i++) {
        e.net = (dp_net_id)i;
        ck_assert_int_eq(move_prepare_begin(t, &e, 0, 60, now(), &p), 0);
        ck_assert_int_eq(move_prepare_asked(t, e.net, e.target, &m, &e, now(), &token), OAM_OK);
    }
    for (unsigned i = 11; i <= MOVE_PREPARE_MAX - 10; i++) {
        e.net = (dp_net_id)i;
        got += move_prepare_asked(t, e.net, e.target, &m, &e, now(), &token) == OAM_OK;
    }
    ck_assert_uint_eq(got, MOVE_PREPARE_MAX / 4);
    e.net = 11;
    ck_assert_int_eq(move_prepare_asked(t, e.net, e.target, &m, &e, now(), &token), OAM_OK); /* again */
    ck_assert_int_eq(move_prepare_begin(t, &e, 0, 60, now(), &p), 0);
    e.net = 2000;
    ck_assert_int_eq(move_prepare_asked(t, e.net, e.target, &m, &e, now(), &token), OAM_OK);
    e.net = 2001;
    ck_assert_int_eq(move_prepare_asked(t, e.net, e.target, &m, &e, now(), &token), OAM_BUSY);
    e.target = 99;
    ck_assert_int_eq(move_prepare_asked(t, e.net, e.target, &m, &e, now(), &token), OAM_OK);
    move_prepare_free(t);
}
END_TEST

/* Whatever happens in whatever order, with messages that are lost, late or twice: both ends agree with their
 * own table while it lasts, and an hour later nothing is left. */
START_TEST(test_R5_2_nothing_is_left_behind)
{
    srand((unsigned)_i + 1);
    for (unsigned round = 0; round < 300; round++) {
        teardown();
        setup();
        for (unsigned step = 0; step < 60; step++) {
            unsigned at = (unsigned)rand() % 2;

            switch (rand() % 12) {
            case 0:
            case 1:
                (void)prepare_at(at, 1 + (unsigned)rand() % 30);
                break;
            case 2:
                (void)move_prepare_cancel(ends[at].t, NET, mac, now());
                break;
            case 3:
                (void)move_prepare_commit(ends[at].t, NET, mac, now());
                break;
            case 4:
                moved(at, DP_WHERE_PORT, (uint16_t)(1 + rand() % 2));
                break;
            case 5:
                moved(at, DP_WHERE_VTEP, rand() % 4 ? vtep_of[1 - at] : 99);
                break;
            case 6:
                moved(at, 0, 0);
                break;
            case 7:
                now_s += (uint64_t)rand() % 8;
                break;
            case 8:
                run(at);
                break;
            case 9:
                if (n_queued)
                    n_queued--;
                break;
            default:
                if (n_queued)
                    deliver((unsigned)rand() % n_queued, rand() % 4 == 0 && n_queued < 50, rand() % 4);
            }
            /* It is in both tables, or in none. */
            for (unsigned i = 0; i < 2; i++)
                ck_assert_int_eq(ends[i].bicast, move_prepare_find(ends[i].t, NET, mac) != NULL);
        }
        now_s += 3600;
        run(A);
        run(B);
        expect_nothing_left();
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("move_prepare");
    TCase *c = tcase_create("two ends");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, test_R5_2_prepared_and_committed, 0, 2);
    tcase_add_loop_test(c, test_R5_2_the_route_is_faster, 0, 2);
    tcase_add_test(c, test_R5_2_moved_before_it_was_asked);
    tcase_add_loop_test(c, test_R5_2_cancelled, 0, 4);
    tcase_add_loop_test(c, test_R5_2_never_happens, 0, 2);
    tcase_add_test(c, test_R5_2_nobody_answers);
    tcase_add_loop_test(c, test_R5_2_the_other_end_says_no, 0, 5);
    tcase_add_loop_test(c, test_R5_2_elsewhere, 0, 2);
    tcase_add_test(c, test_R5_2_elsewhere_seen_from_the_new_end);
    tcase_add_test(c, test_R5_2_gone_and_there_at_last);
    tcase_add_loop_test(c, test_R5_2_R6_1_commit_by_word, 0, 2);
    tcase_add_test(c, test_R6_1_commit_by_word_is_not_enough);
    tcase_add_test(c, test_R5_2_committed_but_no_route);
    tcase_add_loop_test(c, test_R5_2_again_is_once_with_a_new_time, 0, 2);
    tcase_add_test(c, test_check);
    tcase_add_test(c, test_full_table);
    tcase_add_test(c, test_R5_2_requests_are_checked);
    tcase_add_test(c, test_R5_2_only_who_was_answered_commits);
    tcase_add_test(c, test_R5_2_one_peer_has_a_share);
    tcase_add_loop_test(c, test_R5_2_nothing_is_left_behind, 0, 4);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
