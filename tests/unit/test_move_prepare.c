/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Prepared moves (R5.2) between two ends: each way it can go, and that nothing is left behind.
 */
#include "tests/unit/move_prepare_world.h"

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
    tcase_add_loop_test(c, test_R5_2_nothing_is_left_behind, 0, 4);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
