/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is refused of prepared moves (R5.2), here and when another gateway asks, or somebody in its name.
 */
#include "tests/unit/move_prepare_world.h"

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

/* The other end has forgotten all, and is told to prepare it anew: its token is another one. */
START_TEST(test_R5_2_token_of_a_restarted_peer)
{
    ck_assert_int_eq(prepare_at(A, 60), 0);
    deliver_all();
    expect_prepared();
    move_prepare_free(ends[A].t);
    ends[A].t = move_prepare_new(&ops, &ends[A]);
    ck_assert_ptr_nonnull(ends[A].t);
    ends[A].bicast = ends[A].expected = false;
    ck_assert_int_eq(prepare_at(A, 60), 0);
    deliver_all();
    expect_prepared();
    ck_assert_uint_eq(move_prepare_find(ends[B].t, NET, mac)->peer_token,
                      move_prepare_find(ends[A].t, NET, mac)->own_token);
    ck_assert_int_eq(move_prepare_cancel(ends[B].t, NET, mac, now()), 0);
    deliver_all();
    expect_ended(A, "cancelled");
    expect_nothing_left();
}
END_TEST

/* Who only says so in its name changes nothing: the other end itself is asked. */
START_TEST(test_R5_2_token_in_its_name)
{
    uint64_t token;

    ck_assert_int_eq(prepare_at(A, 60), 0);
    deliver_all();
    token = move_prepare_find(ends[B].t, NET, mac)->peer_token;
    for (ask_token = 1; ask_token < 4; ask_token++) {
        ck_assert_int_eq(ask_b(OAM_PREPARE, 30, OAM_TO_RECEIVER, vtep_of[A]), OAM_OK);
        ck_assert_uint_eq(move_prepare_find(ends[B].t, NET, mac)->peer_token, token);
        ck_assert_uint_eq(n_queued, 1);
        deliver_all();
        ck_assert_uint_eq(move_prepare_find(ends[B].t, NET, mac)->peer_token, token);
    }
    expect_prepared();
    ck_assert_int_eq(move_prepare_cancel(ends[B].t, NET, mac, now()), 0);
    deliver_all();
    expect_ended(A, "cancelled");
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

int main(void)
{
    Suite *s = suite_create("move_prepare_asked");
    TCase *c = tcase_create("asked");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_check);
    tcase_add_test(c, test_full_table);
    tcase_add_test(c, test_R5_2_requests_are_checked);
    tcase_add_test(c, test_R5_2_only_who_was_answered_commits);
    tcase_add_test(c, test_R5_2_token_of_a_restarted_peer);
    tcase_add_test(c, test_R5_2_token_in_its_name);
    tcase_add_test(c, test_R5_2_one_peer_has_a_share);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
