/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One MAC table and its peers' routes: section 5 of the protocol rules, duplicates and announced moves, each
 * by its number. We are VTEP 198.18.0.5; VTEP n is 198.18.0.n.
 */
#include "tests/unit/mac_routes_fixture.h"

/* Moves to and fro: i from 0, at second s; returns the sequence that is best then. */
static uint32_t move(unsigned n, unsigned i, uint32_t s, uint32_t seq)
{
    if (i % 2) {
        seq = mac_entry_seq(find(n)) + 1;
        route_full(n, (struct mac_route){.vtep = 7, .seq = seq, .address = vtep_address(7)}, s);
    } else {
        see(1, n, DP_WHERE_PORT, PORT, s);
    }
    return seq;
}

static void moves(unsigned n, unsigned how_many, uint32_t first_s, uint32_t step_s)
{
    uint32_t seq = 0;

    route_full(n, (struct mac_route){.vtep = 7, .seq = 0, .address = vtep_address(7)}, first_s);
    for (unsigned i = 0; i < how_many; i++)
        seq = move(n, i, first_s + i * step_s, seq);
}

START_TEST(test_R5_1_fifth_move_freezes)
{
    const struct mac_alert_info *a = &fdb.last_alert;
    struct mac_move m[8];

    moves(1, 4, 100, 10);
    expect_routed(1, 7, 4);
    ck_assert(!find(1)->duplicate);
    /* The fifth: a frame here. It stays where it was. */
    see(1, 1, DP_WHERE_PORT, PORT, 140);
    expect_routed(1, 7, 4);
    ck_assert(find(1)->duplicate);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_DUPLICATE], 1);
    ck_assert_uint_eq(a->moves, 5);
    ck_assert(a->held.where == DP_WHERE_VTEP && a->held.target == 7);
    ck_assert(a->seen.where == DP_WHERE_PORT && a->seen.target == PORT);
    ck_assert_uint_eq(a->held_since.ns, at(130).ns);
    ck_assert_uint_eq(a->seen_at.ns, at(140).ns);
    ck_assert_uint_eq(mactable_moves(table, 1, mac_n(1), m, 8), 5);
    ck_assert_uint_eq(m[0].at.ns, at(140).ns);
    ck_assert_uint_eq(m[4].at.ns, at(100).ns);
    ck_assert_uint_eq(m[4].from.target, 7);
    /* No frame and no route moves it, nothing is said, nobody is alerted again. */
    see(1, 1, DP_WHERE_PORT, PORT, 141);
    see(1, 1, DP_WHERE_PORT, PORT2, 141);
    see(1, 1, DP_WHERE_VTEP, 9, 141);
    route(1, 8, 9);
    no_route(1);
    mactable_age(table, at(100000), 64);
    ck_assert_uint_eq(find(1)->target, 7);
    ck_assert_uint_eq(fdb.n_routes, 0);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_DUPLICATE], 1);
    ck_assert_uint_eq(mactable_stats(table).duplicates, 1);
    check_consistent();
}
END_TEST

START_TEST(test_R5_1_fifth_move_away_is_the_last_followed)
{
    /* It came here first, so the fifth is one away: ours must go, for it lost (R4.5). */
    here(1);
    for (unsigned i = 1; i <= 5; i++)
        move(1, i, 100 + i, 0);
    expect_routed(1, 7, 5);
    ck_assert(find(1)->duplicate);
    ck_assert_uint_eq(fdb.last_alert.held.where, DP_WHERE_PORT);
    ck_assert_uint_eq(fdb.last_alert.seen.target, 7);
    route(1, 8, 9);
    ck_assert_uint_eq(find(1)->target, 7);
}
END_TEST

START_TEST(test_R5_1_only_within_the_window)
{
    struct mac_move any[1];

    /* Five in 181 s are none; in 180 s they are. */
    moves(1, 4, 100, 1);
    see(1, 1, DP_WHERE_PORT, PORT, 281);
    ck_assert(!find(1)->duplicate);
    ck_assert_uint_eq(find(1)->origin, MAC_LOCAL);
    moves(2, 4, 100, 1);
    see(1, 2, DP_WHERE_PORT, PORT, 280);
    ck_assert(find(2)->duplicate);
    /* Slow ones go on for ever, and old history is dropped. */
    moves(3, 100, 1000, 46);
    ck_assert(!find(3)->duplicate);
    mactable_age(table, at(100000), 64);
    ck_assert_uint_eq(mactable_moves(table, 1, mac_n(3), any, 1), 0);
}
END_TEST

START_TEST(test_R5_1_settings)
{
    ck_assert_int_eq(mactable_set_duplicates(table, 33, 180, 0), -EINVAL);
    ck_assert_int_eq(mactable_set_duplicates(table, 5, 0, 0), -EINVAL);
    ck_assert_int_eq(mactable_set_duplicates(table, 2, 10, 0), 0);
    moves(1, 2, 100, 1);
    ck_assert(find(1)->duplicate);
    ck_assert_int_eq(mactable_set_duplicates(table, 0, 10, 0), 0);
    ck_assert(find(1)->duplicate);
    moves(2, 50, 100, 0);
    ck_assert(!find(2)->duplicate);
    check_consistent();
}
END_TEST

START_TEST(test_R5_1_not_counted)
{
    /* Among other gateways, between two links of one segment, where a port goes and comes. */
    mactable_set_port_es(table, PORT, 3);
    mactable_set_port_es(table, PORT2, 3);
    for (unsigned i = 0; i < 20; i++) {
        see(1, 1, DP_WHERE_PORT, i % 2 ? PORT : PORT2, 100);
        route(2, i % 2 ? 7 : 8, i);
        see(1, 3, DP_WHERE_PORT, 9 + i % 2, 100);
        mactable_clear_at(table, DP_WHERE_PORT, (uint16_t)(9 + i % 2), at(100));
    }
    for (unsigned n = 1; n <= 2; n++) {
        ck_assert(!find(n)->duplicate);
        ck_assert_uint_eq(find(n)->moves, 19);
    }
    ck_assert_uint_eq(mactable_stats(table).duplicates, 0);
    check_consistent();
}
END_TEST

/* One host behind each of two places, speaking in turn; the first at second `first`, five moves follow. */
static void two_places(unsigned n, struct mac_place a, struct mac_place b, uint32_t first)
{
    for (unsigned i = 0; i <= 5; i++)
        see(1, n, i % 2 ? b.where : a.where, i % 2 ? b.target : a.target, first + i);
}

START_TEST(test_R5_1_clone_behind_two_ports)
{
    const struct mac_alert_info *a = &fdb.last_alert;
    struct mac_place p = {PORT, DP_WHERE_PORT}, p2 = {PORT2, DP_WHERE_PORT};
    struct ipaddr ip = ip_n(1), late = ip_n(2);
    struct mac_move m[8];

    two_places(1, p, p2, 100);
    ck_assert(find(1)->duplicate);
    ck_assert_uint_eq(find(1)->target, p.target); /* the fifth move, at 105, was none any more */
    ck_assert_uint_eq(find(1)->moves, 4);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_DUPLICATE], 1);
    ck_assert_uint_eq(a->moves, 5);
    ck_assert(a->held.where == DP_WHERE_PORT && a->held.target == PORT);
    ck_assert(a->seen.where == DP_WHERE_PORT && a->seen.target == PORT2);
    ck_assert_uint_eq(a->held_since.ns, at(104).ns);
    ck_assert_uint_eq(a->seen_at.ns, at(105).ns);
    ck_assert_uint_eq(mactable_moves(table, 1, mac_n(1), m, 8), 5);
    ck_assert(m[1].from.target == PORT2 && m[1].to.target == PORT);
    /* It is advertised as it was, and nothing more is said of it; neither clone, age nor peer moves it. */
    expect_here(1, 0);
    ck_assert_int_eq(mactable_local_ip(table, 1, mac_n(1), &late), -ENOENT);
    ck_assert_int_eq(mactable_remote_ip(table, 1, mac_n(1), &ip, true), 0);
    ck_assert_ptr_null(ours(1, 1));
    see(1, 1, DP_WHERE_PORT, PORT2, 106);
    see(1, 1, DP_WHERE_VTEP, 9, 106);
    mactable_age(table, at(100000), 64);
    ck_assert_uint_eq(find(1)->target, PORT);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_DUPLICATE], 1);
    expect_here(1, 0);
    /* Cleared, it is where it speaks next. */
    ck_assert_uint_eq(mactable_clear_duplicate(table, 0, NULL, at(107)), 1);
    ck_assert_ptr_null(find(1));
    see(1, 1, DP_WHERE_PORT, PORT2, 108);
    expect_here(1, 0);
    ck_assert_uint_eq(find(1)->target, PORT2);
    ck_assert_uint_eq(mactable_stats(table).frozen, 0);
}
END_TEST

/* Its frames came while the control thread was at those before them: later than what it takes for now. */
START_TEST(test_R5_1_frames_of_a_batch_that_is_still_coming)
{
    for (unsigned i = 0; i < 6; i++) {
        struct dp_event e = {.type = DP_EVENT_SOURCE,
                             .net = 1,
                             .mac = mac_n(1),
                             .where = DP_WHERE_PORT,
                             .target = i % 2 ? PORT2 : PORT,
                             .at = at(101 + i)};

        mactable_source_seen(table, &e, at(100));
    }
    ck_assert(find(1)->duplicate);
    ck_assert_uint_le(fdb.last_alert.held_since.ns, fdb.last_alert.seen_at.ns);
}
END_TEST

START_TEST(test_R5_1_clone_behind_two_static_peers)
{
    struct mac_place v8 = {8, DP_WHERE_VTEP}, v9 = {9, DP_WHERE_VTEP}, port = {PORT, DP_WHERE_PORT};

    two_places(1, v8, v9, 100);
    two_places(2, port, v9, 100);
    two_places(3, v9, port, 100);
    for (unsigned n = 1; n <= 3; n++) {
        ck_assert(find(n)->duplicate);
        ck_assert_uint_eq(find(n)->moves, 4);
    }
    ck_assert_uint_eq(find(1)->target, 8);
    ck_assert(find(2)->where == DP_WHERE_PORT && find(3)->where == DP_WHERE_VTEP);
    ck_assert(ours(2, 0) && !ours(3, 0));
    see(1, 1, DP_WHERE_PORT, PORT, 106);
    see(1, 3, DP_WHERE_PORT, PORT, 106);
    ck_assert(find(1)->target == 8 && find(3)->where == DP_WHERE_VTEP);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_DUPLICATE], 3);
    check_consistent();
}
END_TEST

/* Or two gateways would advertise it; it stays frozen there. */
START_TEST(test_R5_1_third_clone_elsewhere_is_followed_once)
{
    struct mac_place p = {PORT, DP_WHERE_PORT}, p2 = {PORT2, DP_WHERE_PORT}, v9 = {9, DP_WHERE_VTEP};

    two_places(1, p, p2, 100);
    route(1, 7, 1);
    expect_routed(1, 7, 1);
    ck_assert(find(1)->duplicate);
    see(1, 1, DP_WHERE_PORT, PORT2, 106);
    route(1, 8, 9);
    ck_assert_uint_eq(find(1)->target, 7);
    two_places(2, p, v9, 100);
    route(2, 8, 0); /* loses to ours */
    two_places(3, v9, p, 100);
    route(3, 8, 0);
    ck_assert(find(2)->duplicate && find(3)->duplicate && find(2)->where == DP_WHERE_PORT);
    ck_assert_uint_eq(find(3)->target, 8);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_DUPLICATE], 3);
    ck_assert_uint_eq(mactable_clear_duplicate(table, 0, NULL, at(107)), 3);
    expect_routed(1, 8, 9);
    expect_routed(3, 8, 0);
}
END_TEST

START_TEST(test_R5_1_port_that_goes_ends_it)
{
    struct mac_place p = {PORT, DP_WHERE_PORT}, p2 = {PORT2, DP_WHERE_PORT};

    two_places(1, p, p2, 100);
    ck_assert_uint_eq(mactable_clear_at(table, DP_WHERE_PORT, PORT2, at(106)), 0);
    ck_assert(find(1)->duplicate);
    ck_assert_uint_eq(mactable_clear_at(table, DP_WHERE_PORT, PORT, at(106)), 1);
    ck_assert_ptr_null(find(1));
    see(1, 1, DP_WHERE_PORT, PORT2, 107);
    expect_here(1, 0);
    ck_assert(!find(1)->duplicate);
}
END_TEST

/* In parts; what is learned behind it meanwhile, or comes back, is found by the next walk. */
START_TEST(test_port_without_link_is_cleared_in_parts)
{
    uint32_t cursor = 0;
    unsigned parts = 0;

    for (unsigned n = 1; n <= 20; n++)
        see(1, n, DP_WHERE_PORT, n % 2 ? PORT : PORT2, 100);
    route(1, 7, 0);
    here(1);
    while (!mactable_clear_port(table, PORT, &cursor, 3, at(101)))
        parts++;
    ck_assert_uint_eq(parts, 6);
    ck_assert_uint_eq(mactable_learned_at_port(table, PORT), 0);
    ck_assert_uint_eq(mactable_learned_at_port(table, PORT2), 10);
    expect_routed(1, 7, 0);
    ck_assert(!find(3) && !ours(3, 0) && ours(2, 0));
    ck_assert_uint_eq(mactable_stats(table).duplicates, 0);
    here(3);
    ck_assert_uint_eq(mactable_learned_at_port(table, PORT), 1);
    cursor = 0;
    ck_assert(mactable_clear_port(table, PORT, &cursor, 100, at(102)));
    ck_assert_ptr_null(find(3));
    check_consistent();
}
END_TEST

/* R5.2: among static peers and ports as well. */
START_TEST(test_R5_2_announced_move_between_places_of_ours)
{
    struct mac_place p = {PORT, DP_WHERE_PORT}, v9 = {9, DP_WHERE_VTEP};

    for (unsigned i = 0; i <= 4; i++)
        see(1, 1, i % 2 ? v9.where : p.where, i % 2 ? v9.target : p.target, 100 + i);
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(1), 9, at(200)), 0);
    see(1, 1, DP_WHERE_VTEP, 9, 105);
    ck_assert(!find(1)->duplicate);
    ck_assert_uint_eq(find(1)->where, DP_WHERE_VTEP);
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(1), 0, at(200)), 0);
    see(1, 1, DP_WHERE_PORT, PORT2, 106);
    ck_assert(!find(1)->duplicate);
    ck_assert_uint_eq(find(1)->target, PORT2);
    see(1, 1, DP_WHERE_PORT, PORT, 107);
    ck_assert(find(1)->duplicate);
}
END_TEST

START_TEST(test_R5_1_until_an_operator_clears_it)
{
    struct mac one = mac_n(1);

    moves(1, 5, 100, 1);
    ck_assert(find(1)->duplicate);
    ck_assert_uint_eq(mactable_clear(table, 0, NULL, at(106)), 0);
    /* What became of the routes meanwhile counts. */
    route(1, 8, 9);
    ck_assert_uint_eq(mactable_clear_duplicate(table, 2, &one, at(107)), 0);
    ck_assert_uint_eq(mactable_clear_duplicate(table, 1, &one, at(107)), 1);
    expect_routed(1, 8, 9);
    ck_assert_uint_eq(mactable_stats(table).frozen, 0);
    /* Counted from the beginning. */
    here(1);
    expect_here(1, 10);
    /* Without a route it is forgotten, and learned anew. */
    moves(2, 5, 100, 1);
    no_route(2);
    ck_assert_uint_eq(mactable_clear_duplicate(table, 0, NULL, at(107)), 1);
    ck_assert_ptr_null(find(2));
    here(2);
    expect_here(2, 0);
}
END_TEST

START_TEST(test_R5_1_hold_down)
{
    ck_assert_int_eq(mactable_set_duplicates(table, 5, 180, 30), 0);
    moves(1, 5, 100, 1);
    mactable_age(table, at(134), 64);
    ck_assert(find(1)->duplicate);
    mactable_age(table, at(135), 64);
    ck_assert(!find(1)->duplicate);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_DUPLICATE_END], 1);
    expect_routed(1, 7, 4);
    here(1);
    expect_here(1, 5);
}
END_TEST

START_TEST(test_R5_1_the_place_is_gone)
{
    moves(1, 5, 100, 1);
    route(1, 8, 9);
    ck_assert_uint_eq(mactable_clear_at(table, DP_WHERE_VTEP, 7, at(110)), 1);
    ck_assert(!find(1)->duplicate);
    expect_routed(1, 8, 9);
    moves(2, 5, 100, 1);
    ck_assert_uint_eq(mactable_clear_at(table, DP_WHERE_VTEP, 7, at(110)), 1);
    ck_assert_ptr_null(find(2));
    check_consistent();
}
END_TEST

START_TEST(test_R5_1_static_ends_it)
{
    moves(1, 5, 100, 1);
    ck_assert_int_eq(mactable_add_static(
                         table, 1, mac_n(1),
                         (struct dp_dest){.where = DP_WHERE_PORT, .target = PORT, .is_static = true}, at(1)),
                     0);
    ck_assert(!find(1)->duplicate);
    ck_assert(ours(1, 0)->sticky);
    check_consistent();
}
END_TEST

START_TEST(test_R5_2_announced_move_is_not_counted)
{
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(1), 0, at(200)), -ENOENT);
    moves(1, 4, 100, 1);
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(1), 0, at(200)), 0);
    see(1, 1, DP_WHERE_PORT, PORT, 105);
    expect_here(1, 5);
    /* One announcement, one move; and only to the place that was announced, in time. */
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(1), 7, at(200)), 0);
    route_full(1, (struct mac_route){.vtep = 7, .seq = 6, .address = vtep_address(7)}, 106);
    expect_routed(1, 7, 6);
    ck_assert(!find(1)->duplicate);
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(1), 8, at(200)), 0);
    see(1, 1, DP_WHERE_PORT, PORT, 107);
    ck_assert(find(1)->duplicate);
    moves(2, 4, 100, 1);
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(2), 0, at(105)), 0);
    see(1, 2, DP_WHERE_PORT, PORT, 106);
    ck_assert(find(2)->duplicate);
    moves(3, 3, 100, 1);
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(3), 7, at(200)), 0);
    for (unsigned i = 1; i <= 3; i++) /* away, back, away */
        move(3, i, 103 + i, 0);
    ck_assert(find(3)->duplicate);
}
END_TEST

/* Who may announce moves may not swing the tables with them: forty in a window, then they count. */
START_TEST(test_R5_2_announced_without_end)
{
    uint32_t seq = 0;
    unsigned n = 0;

    route_full(1, (struct mac_route){.vtep = 7, .seq = 0, .address = vtep_address(7)}, 100);
    for (; !find(1)->duplicate && n < 100; n++) {
        ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(1), n % 2 ? 7 : 0, at(500)), 0);
        seq = move(1, n, 101 + n, seq);
        mactable_age(table, at(101 + n), 64);
    }
    ck_assert_uint_eq(n, 40 + 5);
    /* Slowly, for ever. */
    seq = 0;
    route_full(2, (struct mac_route){.vtep = 7, .seq = 0, .address = vtep_address(7)}, 1000);
    for (n = 0; n < 200; n++) {
        ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(2), n % 2 ? 7 : 0, at(2000 + n * 10)), 0);
        seq = move(2, n, 1001 + n * 10, seq);
        ck_assert(!find(2)->duplicate);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_R5_1_fifth_move_freezes,
        test_R5_1_fifth_move_away_is_the_last_followed,
        test_R5_1_only_within_the_window,
        test_R5_1_settings,
        test_R5_1_not_counted,
        test_R5_1_clone_behind_two_ports,
        test_R5_1_frames_of_a_batch_that_is_still_coming,
        test_R5_1_clone_behind_two_static_peers,
        test_R5_1_third_clone_elsewhere_is_followed_once,
        test_R5_1_port_that_goes_ends_it,
        test_port_without_link_is_cleared_in_parts,
        test_R5_1_until_an_operator_clears_it,
        test_R5_1_hold_down,
        test_R5_1_the_place_is_gone,
        test_R5_1_static_ends_it,
        test_R5_2_announced_move_is_not_counted,
        test_R5_2_announced_without_end,
        test_R5_2_announced_move_between_places_of_ours,
    };
    Suite *s = suite_create("mac_dup");
    TCase *c = tcase_create("rules");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, open_table, teardown);
    for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
