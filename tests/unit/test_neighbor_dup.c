/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The neighbour table: IPs that go to another MAC, owners that are asked, two hosts with one IP (R7.5).
 */
#include "tests/unit/neighbor_fixture.h"

/* ---- an IP moves to another MAC */

START_TEST(test_R7_5_new_place_at_once_and_no_old_route)
{
    two_hosts(1);
    seen(1, m1, &ip_a, 1);
    seen(1, m1, &ip_b, 1);
    ck_assert_int_eq(seen(1, m2, &ip_a, 2), 0);
    expect_answer(1, &ip_a, m2);
    expect_answer(1, &ip_b, m1);
    ck_assert(announced(1, m2, &ip_a) && !announced(1, m1, &ip_a) && announced(1, m1, &ip_b));
    ck_assert_uint_eq(fake.removes, 0);
    ck_assert_uint_eq(neighbor_stats(table).bindings, 2);
    ck_assert_uint_eq(neighbor_stats(table).changes, 1);
}
END_TEST

START_TEST(test_R7_5_old_owner_is_probed)
{
    two_hosts(1);
    seen(1, m1, &ip_a, 1);
    seen(1, m2, &ip_a, 2);
    ck_assert_uint_eq(fake.n_probes, 1);
    ck_assert(mac_eq(fake.probes[0].mac, m1) && ipaddr_eq(&fake.probes[0].ip, &ip_a));
    age_from_to(2, 20);
    ck_assert_uint_eq(fake.n_probes, 1);
    expect_answer(1, &ip_a, m2);
    /* One that was heard just now is asked when its answer would be heard again. */
    seen(1, m3, &ip_b, 20);
    move(1, m3, port_no(1), 20);
    seen(1, m3, &ip_b, 20);
    seen(1, m1, &ip_b, 20);
    neighbor_age(table, at(20.1), UINT32_MAX);
    ck_assert_uint_eq(fake.n_probes, 1);
    neighbor_age(table, at(20.2), UINT32_MAX);
    ck_assert_uint_eq(fake.n_probes, 2);
}
END_TEST

START_TEST(test_R7_5_a_route_takes_it_and_our_owner_is_probed)
{
    move(1, m1, port_no(1), 0);
    move(1, m2, vtep_no(7), 0);
    seen(1, m1, &ip_a, 1);
    route(1, m2, &ip_a, true, 2);
    expect_answer(1, &ip_a, m2);
    ck_assert(!announced(1, m1, &ip_a));
    ck_assert_uint_eq(fake.n_probes, 1);
    ck_assert(mac_eq(fake.probes[0].mac, m1));
}
END_TEST

START_TEST(test_a_frame_takes_it_from_a_route)
{
    move(1, m1, vtep_no(7), 0);
    move(1, m2, port_no(1), 0);
    route(1, m1, &ip_a, true, 1);
    seen(1, m2, &ip_a, 2);
    expect_answer(1, &ip_a, m2);
    ck_assert(announced(1, m2, &ip_a));
    ck_assert_uint_eq(fake.n_probes, 0); /* its own gateway asks it */
    /* The route is still there: when ours goes, it counts again. */
    ck_assert_uint_eq(neighbor_stats(table).bindings, 2);
    move(1, m2, (struct mac_place){0}, 3);
    expect_answer(1, &ip_a, m1);
    route(1, m1, &ip_a, false, 4);
    expect_no_answer(1, &ip_a);
    ck_assert_uint_eq(neighbor_stats(table).bindings, 0);
}
END_TEST

START_TEST(test_unused_route_told_again_takes_nothing)
{
    move(1, m1, vtep_no(7), 0);
    move(1, m2, port_no(1), 0);
    route(1, m1, &ip_a, true, 1);
    seen(1, m2, &ip_a, 2);
    route_as(1, m1, &ip_a, true, NEIGHBOR_ROUTER, 3);
    expect_answer(1, &ip_a, m2);
}
END_TEST

START_TEST(test_newest_route_is_used_and_the_next_newest_after_it)
{
    for (unsigned i = 1; i <= 3; i++) {
        struct mac m = mac_no(i);

        move(1, m, vtep_no((uint16_t)i), 0);
        route(1, m, &ip_a, true, i);
        expect_answer(1, &ip_a, m);
    }
    route(1, m3, &ip_a, false, 10);
    expect_answer(1, &ip_a, m2);
    route(1, m1, &ip_a, false, 11);
    expect_answer(1, &ip_a, m2);
    route(1, m2, &ip_a, false, 12);
    expect_no_answer(1, &ip_a);
}
END_TEST

/* ---- duplicates */

START_TEST(test_R7_5_five_changes_freeze)
{
    struct mac hosts[2] = {m1, m2};

    two_hosts(1);
    seen(1, m1, &ip_a, 1);
    for (unsigned i = 1; i <= 4; i++)
        ck_assert_int_eq(seen(1, hosts[i & 1], &ip_a, 1 + i), 0);
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_DUPLICATE], 0);
    ck_assert_int_eq(seen(1, m2, &ip_a, 7), -EEXIST); /* the fifth */
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_DUPLICATE], 1);
    ck_assert(mac_eq(fake.alert.held, m1) && mac_eq(fake.alert.seen, m2) && fake.alert.changes == 5);
    ck_assert(fake.alert.held_since.ns == at(5).ns && fake.alert.seen_at.ns == at(7).ns &&
              !fake.alert.routed);
    for (unsigned i = 0; i < 20; i++)
        seen(1, m2, &ip_a, 8 + i);
    expect_answer(1, &ip_a, m1);
    ck_assert(announced(1, m1, &ip_a) && !announced(1, m2, &ip_a));
    ck_assert(find(1, &ip_a).frozen);
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_DUPLICATE], 1);
    ck_assert_uint_eq(neighbor_stats(table).frozen, 1);
    ck_assert_int_eq(seen(1, m1, &ip_a, 40), 0); /* who keeps it may confirm it */
}
END_TEST

START_TEST(test_R7_5_changes_in_more_than_the_window)
{
    struct mac hosts[2] = {m1, m2};

    two_hosts(1);
    for (unsigned i = 0; i < 30; i++) {
        double now = 1 + i * 46.0; /* five span 184 s */

        move(1, m1, port_no(1), now);
        ck_assert_int_eq(seen(1, hosts[i & 1], &ip_a, now), 0);
    }
    ck_assert_uint_eq(neighbor_stats(table).duplicates, 0);
}
END_TEST

START_TEST(test_R7_5_a_route_that_is_the_fifth_is_followed)
{
    move(1, m1, port_no(1), 0);
    move(1, m2, vtep_no(7), 0);
    neighbor_set_duplicates(table, 3, 180, 0);
    seen(1, m1, &ip_a, 1);
    route(1, m2, &ip_a, true, 2);
    seen(1, m1, &ip_a, 3);
    route(1, m2, &ip_a, false, 4);
    route(1, m2, &ip_a, true, 5);
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_DUPLICATE], 1);
    ck_assert(fake.alert.routed && mac_eq(fake.alert.held, m2) && mac_eq(fake.alert.seen, m1));
    expect_answer(1, &ip_a, m2);
    ck_assert(!announced(1, m1, &ip_a));
    ck_assert_int_eq(seen(1, m1, &ip_a, 6), -EEXIST);
    expect_answer(1, &ip_a, m2);
}
END_TEST

/* Both gateways of a pair, each with its own table in turn, would be left with one answer: who has it last by
 * a route keeps it. What is frozen and goes is not answered for, nor replaced. */
START_TEST(test_R7_5_frozen_and_gone)
{
    neighbor_set_duplicates(table, 1, 180, 0);
    two_hosts(1);
    seen(1, m1, &ip_a, 1);
    seen(1, m2, &ip_a, 2);
    ck_assert(find(1, &ip_a).frozen);
    move(1, m1, (struct mac_place){0}, 3);
    expect_no_answer(1, &ip_a);
    ck_assert(find(1, &ip_a).frozen && mac_eq(find(1, &ip_a).mac, m1));
    ck_assert_int_eq(seen(1, m2, &ip_a, 4), -EEXIST);
    expect_no_answer(1, &ip_a);
    move(1, m1, port_no(1), 5);
    ck_assert_int_eq(seen(1, m1, &ip_a, 5), 0);
    expect_answer(1, &ip_a, m1);
}
END_TEST

START_TEST(test_R7_5_clear)
{
    neighbor_set_duplicates(table, 1, 180, 0);
    two_hosts(1);
    for (unsigned i = 0; i < 4; i++) {
        struct ipaddr ip = ip4_no(10 + i);

        seen(1, m1, &ip, 1);
        seen(1, m2, &ip, 2);
    }
    ck_assert_uint_eq(neighbor_stats(table).frozen, 4);
    ip_a = ip4_no(10);
    ck_assert_uint_eq(neighbor_clear_duplicate(table, 2, NULL, NULL), 0);
    ck_assert_uint_eq(neighbor_clear_duplicate(table, 0, &m3, NULL), 0);
    ck_assert_uint_eq(neighbor_clear_duplicate(table, 0, NULL, &ip_a), 1);
    ck_assert_int_eq(seen(1, m2, &ip_a, 3), -EEXIST); /* counted anew, so frozen again */
    ck_assert_uint_eq(neighbor_clear_duplicate(table, 1, &m2, NULL), 4);
    ck_assert_uint_eq(neighbor_stats(table).frozen, 0);
    neighbor_set_duplicates(table, 5, 180, 0);
    ck_assert_int_eq(seen(1, m2, &ip_a, 5), 0);
    expect_answer(1, &ip_a, m2);
}
END_TEST

START_TEST(test_R7_5_clear_forgets_what_nobody_speaks_for)
{
    neighbor_set_duplicates(table, 1, 180, 0);
    move(1, m1, port_no(1), 0);
    move(1, m2, vtep_no(1), 0);
    seen(1, m1, &ip_a, 1);
    move(1, m3, port_no(2), 1);
    seen(1, m3, &ip_a, 2);
    route(1, m2, &ip_a, true, 3); /* known, and not used */
    expect_answer(1, &ip_a, m1);
    move(1, m1, (struct mac_place){0}, 4);
    expect_no_answer(1, &ip_a);
    ck_assert_uint_eq(neighbor_clear_duplicate(table, 0, &m1, NULL), 1);
    expect_answer(1, &ip_a, m2);
    ck_assert_uint_eq(neighbor_stats(table).bindings, 1);
}
END_TEST

START_TEST(test_R7_5_hold_down)
{
    neighbor_set_duplicates(table, 1, 180, 60);
    two_hosts(1);
    seen(1, m1, &ip_a, 1);
    seen(1, m2, &ip_a, 2);
    age_from_to(2, 62);
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_DUPLICATE_END], 0);
    age_from_to(62.1, 63);
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_DUPLICATE_END], 1);
    ck_assert(!find(1, &ip_a).frozen);
    neighbor_set_duplicates(table, 0, 180, 60);
    ck_assert_int_eq(seen(1, m2, &ip_a, 64), 0);
}
END_TEST

/* Two gateways hear of each other's at the same time, and each gives way: the owner is asked until it has it
 * again. */
START_TEST(test_R7_5_both_gave_way)
{
    move(1, m1, port_no(1), 0);
    move(1, m2, vtep_no(7), 0);
    seen(1, m1, &ip_a, 1);
    route(1, m2, &ip_a, true, 1);
    route(1, m2, &ip_a, false, 1);
    expect_no_answer(1, &ip_a);
    age_from_to(1, 3); /* its first answer is lost */
    ck_assert_uint_eq(fake.n_probes, 2);
    ck_assert(mac_eq(fake.probes[1].mac, m1));
    seen(1, m1, &ip_a, 3);
    ck_assert(announced(1, m1, &ip_a));
    age_from_to(3, 20);
    ck_assert_uint_eq(fake.n_probes, 2);
    /* One that is not there any more is not asked for ever. */
    seen(1, m1, &ip_a, 20);
    route(1, m2, &ip_a, true, 20);
    route(1, m2, &ip_a, false, 20);
    age_from_to(20, 60);
    ck_assert(fake.n_probes > 5 && fake.n_probes < 15);
}
END_TEST

/* Two hosts that both answer their checks: found within seconds, although neither says anything by itself. */
START_TEST(test_R7_5_two_that_answer_are_found)
{
    unsigned asked = 0;
    double now;

    two_hosts(1);
    seen(1, m1, &ip_a, 1);
    seen(1, m2, &ip_a, 1);
    for (now = 1; now < 20 && !fake.alerts[NEIGHBOR_ALERT_DUPLICATE]; now += 0.1) {
        neighbor_age(table, at(now), UINT32_MAX);
        while (asked < fake.n_probes) {
            struct mac who = fake.probes[asked++ % 64].mac;

            seen(1, who, &ip_a, now);
        }
    }
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_DUPLICATE], 1);
    ck_assert(now > 3.9 && now < 6); /* a check a second: a short overlap is no duplicate */
}
END_TEST

START_TEST(test_R7_5_off)
{
    struct mac hosts[2] = {m1, m2};

    ck_assert_int_eq(neighbor_set_duplicates(table, MAC_DUP_MAX_MOVES + 1, 180, 0), -EINVAL);
    ck_assert_int_eq(neighbor_set_duplicates(table, 5, 0, 0), -EINVAL);
    ck_assert_int_eq(neighbor_set_duplicates(table, 0, 180, 0), 0);
    two_hosts(1);
    for (unsigned i = 0; i < 100; i++)
        ck_assert_int_eq(seen(1, hosts[i & 1], &ip_a, 1 + i * 0.3), 0);
    ck_assert(fake.n_probes > 20 && fake.n_probes < 31); /* still checked, a second apart */
}
END_TEST

START_TEST(test_memory_of_changes_is_bounded_and_forgotten)
{
    struct ipaddr ip;

    two_hosts(1);
    for (unsigned i = 0; i < 3 * NEIGHBOR_MAX_DUPS; i++) {
        ip = ip4_no(100 + i);
        ck_assert_int_eq(seen(1, m1, &ip, 1), 0);
        ck_assert_int_eq(seen(1, m2, &ip, 1), 0);
        ck_assert_uint_le(neighbor_stats(table).changing, NEIGHBOR_MAX_DUPS);
        move(1, m1, (struct mac_place){0}, 1);
        move(1, m2, (struct mac_place){0}, 1);
        two_hosts(1);
    }
    ck_assert_uint_eq(neighbor_stats(table).changing, NEIGHBOR_MAX_DUPS);
    age_from_to(182, 183);
    ck_assert_uint_eq(neighbor_stats(table).changing, 0);
}
END_TEST

START_TEST(test_full_of_frozen_ones_changes_go_uncounted)
{
    struct mac other[2] = {m1, m2};

    fixture_new(4 * NEIGHBOR_MAX_DUPS);
    neighbor_set_duplicates(table, 1, 180, 0);
    for (unsigned i = 0; i < NEIGHBOR_MAX_DUPS; i++) {
        struct ipaddr ip = ip4_no(100 + i);
        struct mac x = mac_no(1000 + i / MAC_MAX_IPS), y = mac_no(3000 + i / MAC_MAX_IPS);

        move(1, x, port_no(1), 1);
        move(1, y, port_no(1), 1);
        seen(1, x, &ip, 1);
        seen(1, y, &ip, 1);
    }
    two_hosts(1);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(seen(1, other[i & 1], &ip_a, 2 + i), 0);
}
END_TEST

START_TEST(test_immutable)
{
    move(1, m1, vtep_no(7), 0);
    move(1, m2, port_no(2), 0);
    move(1, m3, vtep_no(8), 0);
    route_as(1, m1, &ip_a, true, NEIGHBOR_IMMUTABLE, 1);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(seen(1, m2, &ip_a, 2 + i), -EEXIST);
    route(1, m3, &ip_a, true, 3);
    expect_answer(1, &ip_a, m1);
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_IMMUTABLE], 2); /* one for each that tries */
    ck_assert_uint_eq(neighbor_stats(table).immutable, 11);
    route_as(1, m3, &ip_a, false, 0, 4);
    route_as(1, m3, &ip_a, true, NEIGHBOR_IMMUTABLE, 5); /* its place was configured anew */
    expect_answer(1, &ip_a, m3);
    seen(1, m2, &ip_a, 80);
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_IMMUTABLE], 3);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("neighbor_dup");
    TCase *c = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, fixture_free);
    tcase_add_test(c, test_R7_5_new_place_at_once_and_no_old_route);
    tcase_add_test(c, test_R7_5_old_owner_is_probed);
    tcase_add_test(c, test_R7_5_a_route_takes_it_and_our_owner_is_probed);
    tcase_add_test(c, test_a_frame_takes_it_from_a_route);
    tcase_add_test(c, test_unused_route_told_again_takes_nothing);
    tcase_add_test(c, test_newest_route_is_used_and_the_next_newest_after_it);
    tcase_add_test(c, test_R7_5_five_changes_freeze);
    tcase_add_test(c, test_R7_5_changes_in_more_than_the_window);
    tcase_add_test(c, test_R7_5_a_route_that_is_the_fifth_is_followed);
    tcase_add_test(c, test_R7_5_frozen_and_gone);
    tcase_add_test(c, test_R7_5_clear);
    tcase_add_test(c, test_R7_5_clear_forgets_what_nobody_speaks_for);
    tcase_add_test(c, test_R7_5_hold_down);
    tcase_add_test(c, test_R7_5_both_gave_way);
    tcase_add_test(c, test_R7_5_two_that_answer_are_found);
    tcase_add_test(c, test_R7_5_off);
    tcase_add_test(c, test_memory_of_changes_is_bounded_and_forgotten);
    tcase_add_test(c, test_full_of_frozen_ones_changes_go_uncounted);
    tcase_add_test(c, test_immutable);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
