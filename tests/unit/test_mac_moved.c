/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One MAC table and its peers' routes: what op moved says of each change of place (R6.3), and what is said
 * and counted of frames that move nothing. That it agrees with FDB, table and order of things is checked by
 * the fixture in each test of the MAC table, and in the mobility worlds for all orders.
 */
#include "tests/unit/mac_routes_fixture.h"

static void frame(unsigned n, enum dp_evidence evidence, uint16_t port, uint64_t at_ns, uint32_t s)
{
    struct dp_event ev = {.type = DP_EVENT_SOURCE,
                          .net = 1,
                          .mac = mac_n(n),
                          .where = DP_WHERE_PORT,
                          .target = port,
                          .evidence = evidence,
                          .at = {at_ns}};

    mactable_source_seen(table, &ev, at(s));
}

#define expect_place(place, a_where, a_target)                                                               \
    do {                                                                                                     \
        ck_assert_uint_eq((place).where, a_where);                                                           \
        ck_assert_uint_eq((place).target, a_target);                                                         \
    } while (0)

START_TEST(test_R6_1_new_here_then_gone)
{
    const struct mac_moved *m = &fdb.moved;

    frame(1, DP_EVIDENCE_GARP, PORT, 12345, 100);
    expect_place(m->from, 0, 0);
    expect_place(m->to, DP_WHERE_PORT, PORT);
    ck_assert_int_eq(m->cause, MAC_BY_FRAME);
    ck_assert_int_eq(m->evidence, DP_EVIDENCE_GARP);
    ck_assert_uint_eq(m->at.ns, 12345);
    ck_assert_uint_eq(m->last_seen.ns, 0);
    ck_assert(m->cause != MAC_BY_ROUTE && !m->expected);
    mactable_clear(table, 0, NULL, at(150));
    expect_place(m->from, DP_WHERE_PORT, PORT);
    expect_place(m->to, 0, 0);
    ck_assert_int_eq(m->cause, MAC_BY_US);
    ck_assert_uint_eq(m->at.ns, at(150).ns);
    ck_assert_uint_eq(m->last_seen.ns, at(100).ns);
    ck_assert_uint_eq(fdb.moves, 0);
    check_consistent();
}
END_TEST

/* R6.1: the frame's own time and kind, and not those of the turn of the loop that acts upon it. */
START_TEST(test_R6_1_from_a_vtep_to_here)
{
    static const enum dp_evidence kinds[] = {DP_EVIDENCE_DATA, DP_EVIDENCE_RARP, DP_EVIDENCE_ARP,
                                             DP_EVIDENCE_GARP, DP_EVIDENCE_NA,   DP_EVIDENCE_UNSOLICITED_NA};
    const struct mac_moved *m = &fdb.moved;

    for (unsigned n = 1; n <= 6; n++) {
        route(n, 7, 3);
        ck_assert_int_eq(m->cause, MAC_BY_ROUTE);
        ck_assert_int_eq(m->cause, MAC_BY_ROUTE);
        ck_assert_uint_eq(m->seq, 3);
        frame(n, kinds[n - 1], PORT, at(120).ns - 500, 120);
        expect_place(m->from, DP_WHERE_VTEP, 7);
        expect_place(m->to, DP_WHERE_PORT, PORT);
        ck_assert_int_eq(m->before, MAC_EVPN);
        ck_assert_int_eq(m->after, MAC_LOCAL);
        ck_assert_int_eq(m->evidence, kinds[n - 1]);
        ck_assert_int_eq(m->cause, MAC_BY_FRAME);
        ck_assert_uint_eq(m->at.ns, at(120).ns - 500);
        ck_assert_uint_eq(m->seq, 4); /* R4.3: what is advertised then */
        ck_assert_int_ne(m->cause, MAC_BY_ROUTE);
    }
    ck_assert_uint_eq(fdb.moves, 6);
    check_consistent();
}
END_TEST

START_TEST(test_R6_1_a_frame_without_time_is_of_now)
{
    frame(1, DP_EVIDENCE_DATA, PORT, 0, 100);
    ck_assert_uint_eq(fdb.moved.at.ns, at(100).ns);
}
END_TEST

START_TEST(test_R6_3_away_by_a_route)
{
    const struct mac_moved *m = &fdb.moved;

    here(1);
    fdb_find(1, mac_n(1))->seen_s = 104;
    route_full(1, (struct mac_route){.vtep = 7, .seq = 1, .address = vtep_address(7)}, 110);
    expect_place(m->from, DP_WHERE_PORT, PORT);
    expect_place(m->to, DP_WHERE_VTEP, 7);
    ck_assert_int_eq(m->before, MAC_LOCAL);
    ck_assert_int_eq(m->after, MAC_EVPN);
    ck_assert_uint_eq(m->seq, 1);
    ck_assert_int_eq(m->cause, MAC_BY_ROUTE);
    ck_assert_uint_eq(m->at.ns, at(110).ns);
    /* Asked before the FDB had the new place, for then it starts anew. */
    ck_assert_uint_eq(m->last_seen.ns, at(104).ns);
}
END_TEST

START_TEST(test_R6_3_between_two_others)
{
    const struct mac_moved *m = &fdb.moved;
    struct fdb_entry *f;

    route_full(1, (struct mac_route){.vtep = 7, .seq = 1, .address = vtep_address(7)}, 100);
    route_full(1, (struct mac_route){.vtep = 8, .seq = 2, .address = vtep_address(8)}, 110);
    expect_place(m->from, DP_WHERE_VTEP, 7);
    expect_place(m->to, DP_WHERE_VTEP, 8);
    ck_assert_uint_eq(m->seq, 2);
    /* It never sent anything to us from there: when the entry was made is no answer. */
    ck_assert_uint_eq(m->last_seen.ns, 0);
    f = fdb_find(1, mac_n(1));
    f->seen_s = 115;
    route_full(1, (struct mac_route){.vtep = 7, .seq = 3, .address = vtep_address(7)}, 120);
    ck_assert_uint_eq(m->last_seen.ns, at(115).ns);
    ck_assert_uint_eq(fdb.moves, 2);
    /* The same place with another sequence is no move. */
    route_full(1, (struct mac_route){.vtep = 7, .seq = 9, .address = vtep_address(7)}, 121);
    ck_assert_uint_eq(fdb.moves, 2);
    no_route(1);
    expect_place(m->to, 0, 0);
    ck_assert_int_eq(m->cause, MAC_BY_ROUTE);
    ck_assert_uint_eq(m->seq, 0);
    check_consistent();
}
END_TEST

START_TEST(test_R6_3_between_two_ports)
{
    const struct mac_moved *m = &fdb.moved;

    here(1);
    frame(1, DP_EVIDENCE_RARP, PORT2, at(110).ns - 7, 110);
    expect_place(m->from, DP_WHERE_PORT, PORT);
    expect_place(m->to, DP_WHERE_PORT, PORT2);
    ck_assert_int_eq(m->evidence, DP_EVIDENCE_RARP);
    ck_assert_uint_eq(m->seq, 0);
    /* On to a sticky port: the sequence is gone (R4.8). */
    route(2, 7, 4);
    see(1, 2, DP_WHERE_PORT, PORT, 101);
    ck_assert_uint_eq(m->seq, 5);
    mactable_set_port_sticky(table, PORT2, true);
    see(1, 2, DP_WHERE_PORT, PORT2, 102);
    expect_place(m->to, DP_WHERE_PORT, PORT2);
    ck_assert_uint_eq(m->seq, 0);
    check_consistent();
}
END_TEST

/* Two workers tell of one MAC, and the one that saw it first tells last: it is where it was seen last. What a
 * frame says against a route is a matter of sequences, whatever was first. */
START_TEST(test_R6_1_an_earlier_frame_that_is_told_of_later)
{
    const uint64_t first = at(100).ns - 300, last = first + 100;

    frame(1, DP_EVIDENCE_DATA, PORT2, last, 100);
    frame(1, DP_EVIDENCE_DATA, PORT, first, 100);
    expect_place(fdb.moved.to, DP_WHERE_PORT, PORT2);
    ck_assert(find(1)->target == PORT2 && fdb.moves == 0);
    frame(1, DP_EVIDENCE_DATA, PORT, last + 1, 100);
    ck_assert(find(1)->target == PORT && fdb.moves == 1);
    frame(1, DP_EVIDENCE_DATA, PORT2, last, 101);
    ck_assert(find(1)->target == PORT && fdb.moves == 1);
    frame(1, DP_EVIDENCE_DATA, PORT2, last + 1, 101); /* of one time: as they are told */
    ck_assert(find(1)->target == PORT2 && fdb.moves == 2);
    route(1, 7, 3); /* at 100 s, of which the frame was before */
    ck_assert_int_eq(find(1)->origin, MAC_EVPN);
    frame(1, DP_EVIDENCE_DATA, PORT, last + 2, 101);
    ck_assert(find(1)->target == PORT && find(1)->origin == MAC_LOCAL);
    check_consistent();
}
END_TEST

START_TEST(test_R6_3_static_peers_and_configured)
{
    const struct dp_dest fixed = {.where = DP_WHERE_PORT, .target = PORT, .is_static = true};
    const struct mac_moved *m = &fdb.moved;

    see(1, 1, DP_WHERE_VTEP, 9, 100);
    ck_assert_int_eq(m->after, MAC_REMOTE);
    see(1, 1, DP_WHERE_PORT, PORT, 101);
    ck_assert_int_eq(m->before, MAC_REMOTE);
    ck_assert_int_eq(m->after, MAC_LOCAL);
    see(1, 1, DP_WHERE_VTEP, 9, 102);
    ck_assert_int_eq(m->after, MAC_REMOTE);
    ck_assert_uint_eq(m->seq, 0);
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(1), fixed, at(103)), 0);
    ck_assert_int_eq(m->before, MAC_REMOTE);
    ck_assert_int_eq(m->after, MAC_STATIC);
    ck_assert_int_eq(m->cause, MAC_BY_US);
    ck_assert_uint_eq(fdb.moves, 3);
    /* A new one is told once, although it is programmed and then made static. */
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(2), fixed, at(103)), 0);
    expect_place(m->from, 0, 0);
    ck_assert_int_eq(m->after, MAC_STATIC);
    check_consistent();
}
END_TEST

/* Its time was over here, and the route of another gateway was there all the while. */
START_TEST(test_R6_3_back_to_the_route_by_age)
{
    const struct mac_moved *m = &fdb.moved;

    route(1, 7, 3);
    here(1);
    mactable_age(table, at(1000), 64);
    expect_place(m->to, DP_WHERE_VTEP, 7);
    ck_assert_int_eq(m->cause, MAC_BY_US);
    ck_assert_int_ne(m->cause, MAC_BY_ROUTE);
    expect_routed(1, 7, 3);
}
END_TEST

START_TEST(test_R5_2_expected_is_said)
{
    const struct mac_moved *m = &fdb.moved;

    route(1, 7, 0);
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(1), 0, at(200)), 0);
    here(1);
    ck_assert(m->expected);
    ck_assert_uint_eq(mactable_moves(table, 1, mac_n(1), &(struct mac_move){.at = {0}}, 1), 0);
    /* One announcement, one move. */
    route(1, 7, 2);
    ck_assert(!m->expected);
    here(1);
    ck_assert(!m->expected);
    /* From a static peer, which is never counted, it is said, too. */
    see(1, 2, DP_WHERE_VTEP, 9, 100);
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(2), 0, at(200)), 0);
    here(2);
    ck_assert(m->expected);
}
END_TEST

START_TEST(test_R5_2_expected_no_longer)
{
    struct mac_move any[1];

    route(1, 7, 0);
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(1), 0, (mono_t){0}), 0);
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(1), 0, at(200)), 0);
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(1), 0, (mono_t){0}), 0);
    here(1);
    ck_assert(!fdb.moved.expected);
    ck_assert_uint_eq(mactable_moves(table, 1, mac_n(1), any, 1), 1);
}
END_TEST

/* While a move to 7 is expected, moves to another place, or back, count as ever, and the announcement waits
 * for its own. */
START_TEST(test_R5_2_other_directions_are_counted)
{
    struct mac_move any[8];

    here(1);
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(1), 7, at(200)), 0);
    route(1, 8, 1);
    ck_assert(!fdb.moved.expected);
    here(1);
    ck_assert(!fdb.moved.expected);
    ck_assert_uint_eq(mactable_moves(table, 1, mac_n(1), any, 8), 2);
    route(1, 7, 3);
    ck_assert(fdb.moved.expected);
    ck_assert_uint_eq(mactable_moves(table, 1, mac_n(1), any, 8), 2);
    here(1);
    ck_assert_uint_eq(mactable_moves(table, 1, mac_n(1), any, 8), 3);
    /* A clone that swings while a move is prepared freezes after as many moves as without. */
    ck_assert_int_eq(mactable_expect_move(table, 1, mac_n(1), 9, at(200)), 0);
    route(1, 7, 5);
    here(1);
    ck_assert(find(1)->duplicate);
    expect_routed(1, 7, 5);
}
END_TEST

/* A forged GARP for a static MAC, or for one that is sticky at another gateway, moves nothing, is told to
 * nobody, and is counted each time. */
START_TEST(test_R4_8_forged_frames_change_nothing)
{
    const struct dp_dest fixed = {.where = DP_WHERE_PORT, .target = PORT, .is_static = true};
    struct mac_offence o;
    struct fdb before;

    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(1), fixed, at(100)), 0);
    sticky_route(2, 7);
    before = fdb;
    for (unsigned i = 1; i <= 3; i++) {
        frame(1, DP_EVIDENCE_GARP, PORT2, 5, 101);
        frame(2, DP_EVIDENCE_GARP, PORT2, 5, 101);
        ck_assert_uint_eq(mactable_stats(table).sticky_moves, 2 * i);
    }
    see(1, 1, DP_WHERE_VTEP, 9, 101);
    ck_assert_uint_eq(mactable_stats(table).sticky_moves, 7);
    ck_assert(mactable_offence(table, 1, mac_n(1), &o));
    expect_place(o.seen, DP_WHERE_VTEP, 9);
    ck_assert_uint_eq(o.count, 4);
    ck_assert_uint_eq(o.at.ns, at(101).ns);
    ck_assert(!mactable_offence(table, 1, mac_n(3), &o));
    ck_assert_mem_eq(&fdb.moved, &before.moved, sizeof(fdb.moved));
    ck_assert_uint_eq(fdb.programs, before.programs);
    ck_assert_uint_eq(fdb.removes, before.removes);
    ck_assert_uint_eq(fdb.advertises, before.advertises);
    ck_assert_uint_eq(fdb.withdraws, before.withdraws);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_STICKY_MOVED], 3); /* MAC 1 at two places, MAC 2 at one */
    check_consistent();
}
END_TEST

START_TEST(test_R5_1_frozen_ones_move_no_more)
{
    unsigned moves;

    here(1);
    for (uint32_t i = 0; i < 3; i++) {
        route(1, 7, 2 * i + 1);
        if (i < 2)
            here(1);
    }
    ck_assert(find(1)->duplicate);
    moves = fdb.moves;
    ck_assert_uint_eq(moves, 5);
    here(1);
    route(1, 8, 99);
    see(1, 1, DP_WHERE_PORT, PORT2, 100);
    ck_assert_uint_eq(fdb.moves, moves);
    check_consistent();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_R6_1_new_here_then_gone,
        test_R6_1_from_a_vtep_to_here,
        test_R6_1_a_frame_without_time_is_of_now,
        test_R6_3_away_by_a_route,
        test_R6_3_between_two_others,
        test_R6_3_between_two_ports,
        test_R6_1_an_earlier_frame_that_is_told_of_later,
        test_R6_3_static_peers_and_configured,
        test_R6_3_back_to_the_route_by_age,
        test_R5_2_expected_is_said,
        test_R5_2_expected_no_longer,
        test_R5_2_other_directions_are_counted,
        test_R4_8_forged_frames_change_nothing,
        test_R5_1_frozen_ones_move_no_more,
    };
    Suite *s = suite_create("mac_moved");
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
