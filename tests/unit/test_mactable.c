/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The MAC table without BGP: learning, configured MACs, limits (R8.4), ageing, clearing, walking. What BGP
 * adds is in test_mac_mobility.c, random operations against a model in test_mactable_model.c.
 */
#include "tests/unit/mactable_fixture.h"

static void see_port(dp_net_id net, unsigned n, uint16_t port)
{
    see(net, n, DP_WHERE_PORT, port, 100);
}

static struct dp_dest dest(enum dp_where where, uint16_t target)
{
    return (struct dp_dest){.where = where, .target = target};
}

START_TEST(test_learns_where_seen)
{
    const struct mac_entry *e;

    see(1, 1, DP_WHERE_PORT, 3, 50);
    see(1, 2, DP_WHERE_VTEP, 7, 51);
    e = mactable_find(table, 1, mac_n(1));
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(e->origin, MAC_LOCAL);
    ck_assert_uint_eq(e->target, 3);
    ck_assert_uint_eq(e->since.ns / 1000000000, 50);
    ck_assert_uint_eq(e->moves, 0);
    e = mactable_find(table, 1, mac_n(2));
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(e->origin, MAC_REMOTE);
    ck_assert_ptr_null(mactable_find(table, 2, mac_n(1)));
    check_consistent();
}
END_TEST

START_TEST(test_repeat_is_quiet)
{
    unsigned programs;

    see_port(1, 1, 3);
    programs = fdb.programs;
    for (int i = 0; i < 100; i++)
        see_port(1, 1, 3);
    ck_assert_uint_eq(fdb.programs, programs);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->moves, 0);
}
END_TEST

START_TEST(test_same_mac_in_two_networks)
{
    see_port(1, 1, 3);
    see_port(2, 1, 4);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->target, 3);
    ck_assert_uint_eq(mactable_find(table, 2, mac_n(1))->target, 4);
    ck_assert_uint_eq(mactable_count(table), 2);
    check_consistent();
}
END_TEST

START_TEST(test_R4_10_move_is_one_store)
{
    const struct mac_entry *e;

    see(1, 1, DP_WHERE_PORT, 3, 50);
    see(1, 1, DP_WHERE_VTEP, 9, 60);
    ck_assert_uint_eq(fdb.programs, 2);
    ck_assert_uint_eq(fdb.removes, 0);
    e = mactable_find(table, 1, mac_n(1));
    ck_assert_uint_eq(e->origin, MAC_REMOTE);
    ck_assert_uint_eq(e->target, 9);
    ck_assert_uint_eq(e->since.ns / 1000000000, 60);
    ck_assert_uint_eq(e->moves, 1);
    see(1, 1, DP_WHERE_PORT, 4, 61);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->origin, MAC_LOCAL);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->moves, 2);
    check_consistent();
}
END_TEST

START_TEST(test_hostile_events_are_ignored)
{
    struct dp_event ev = {
        .type = DP_EVENT_SOURCE, .net = 1, .mac = mac_n(1), .where = DP_WHERE_PORT, .target = DP_MAX_PORTS};

    mactable_source_seen(table, &ev, at(1));
    ev.target = 0;
    ev.where = DP_WHERE_VTEP;
    mactable_source_seen(table, &ev, at(1));
    ev.target = DP_MAX_VTEPS;
    mactable_source_seen(table, &ev, at(1));
    ev.where = DP_WHERE_FLOOD;
    mactable_source_seen(table, &ev, at(1));
    ev.where = DP_WHERE_PORT;
    ev.target = 1;
    ev.net = 0;
    mactable_source_seen(table, &ev, at(1));
    ev.net = 5; /* never set up */
    mactable_source_seen(table, &ev, at(1));
    ev.net = DP_MAX_NETWORKS + 1;
    mactable_source_seen(table, &ev, at(1));
    ev.net = 1;
    ev.mac = (struct mac){{0}};
    mactable_source_seen(table, &ev, at(1));
    ev.mac = (struct mac){{0x01, 0, 0x5e, 0, 0, 1}};
    mactable_source_seen(table, &ev, at(1));
    ck_assert_uint_eq(mactable_count(table), 0);
    ck_assert_uint_eq(fdb.programs, 0);
}
END_TEST

START_TEST(test_static_never_moves_or_ages)
{
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(1), dest(DP_WHERE_PORT, 2), at(1)), 0);
    ck_assert(fdb_find(1, mac_n(1))->dest.is_static);
    see_port(1, 1, 5);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->target, 2);
    ck_assert_uint_eq(mactable_age(table, at(1000000), 1024), 0);
    ck_assert_uint_eq(mactable_clear(table, 0, NULL, at(100)), 0);
    ck_assert_uint_eq(mactable_clear_at(table, DP_WHERE_PORT, 2, at(100)), 0);
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(1), dest(DP_WHERE_PORT, 3), at(1)), -EEXIST);
    ck_assert_int_eq(mactable_add_static(table, 9, mac_n(1), dest(DP_WHERE_PORT, 3), at(1)), -EINVAL);
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(2), dest(DP_WHERE_PORT, 99), at(1)), -EINVAL);
    check_consistent();
}
END_TEST

START_TEST(test_static_takes_over_a_learned_mac)
{
    see_port(1, 1, 5);
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(1), dest(DP_WHERE_VTEP, 2), at(1)), 0);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->origin, MAC_STATIC);
    ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_PORT, 5), 0);
    check_consistent();
}
END_TEST

START_TEST(test_R8_2_flood_mac_stays_flood)
{
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(1), dest(DP_WHERE_FLOOD, 0), at(1)), 0);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->origin, MAC_FLOOD);
    ck_assert(!fdb_find(1, mac_n(1))->dest.is_static);
    see_port(1, 1, 5);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->where, DP_WHERE_FLOOD);
    ck_assert_uint_eq(mactable_age(table, at(1000000), 1024), 0);
    check_consistent();
}
END_TEST

START_TEST(test_R8_4_network_limit)
{
    mactable_set_network(table, 1, 300, 3);
    /* What is configured does not use up the room. */
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(100), dest(DP_WHERE_PORT, 2), at(1)), 0);
    for (unsigned i = 1; i <= 5; i++)
        see_port(1, i, 1);
    ck_assert_uint_eq(mactable_count_network(table, 1), 4);
    ck_assert_ptr_null(mactable_find(table, 1, mac_n(4)));
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_NET_LIMIT], 1);
    ck_assert_uint_eq(fdb.last_alert.net, 1);
    /* Another network is not concerned; a VTEP's MACs count as well. */
    see_port(2, 4, 1);
    ck_assert_ptr_nonnull(mactable_find(table, 2, mac_n(4)));
    see(1, 4, DP_WHERE_VTEP, 1, 100);
    ck_assert_ptr_null(mactable_find(table, 1, mac_n(4)));
    /* The old ones go on working, and may move. */
    see_port(1, 1, 2);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->target, 2);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_NET_LIMIT], 1);
    /* Below again: learned again; refused again: one more alert. */
    ck_assert_uint_eq(mactable_clear(table, 1, &(struct mac){{0x02, 0, 0, 0, 0, 2}}, at(100)), 1);
    see_port(1, 4, 1);
    ck_assert_ptr_nonnull(mactable_find(table, 1, mac_n(4)));
    see_port(1, 5, 1);
    see_port(1, 6, 1);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_NET_LIMIT], 2);
    ck_assert_uint_eq(mactable_stats(table).refused, 5);
    ck_assert_uint_eq(mactable_stats(table).added[MAC_BY_FRAME], 5);
    ck_assert_uint_eq(mactable_stats(table).added[MAC_BY_US], 1);
    check_consistent();
}
END_TEST

START_TEST(test_R8_4_port_limit)
{
    mactable_set_port(table, 1, 2);
    for (unsigned i = 1; i <= 4; i++)
        see_port(1, i, 1);
    ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_PORT, 1), 2);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_PORT_LIMIT], 1);
    ck_assert_uint_eq(fdb.last_alert.port, 1);
    /* All networks of the port together. */
    see_port(2, 1, 1);
    ck_assert_ptr_null(mactable_find(table, 2, mac_n(1)));
    /* A move to the full port is refused: it stays where it works; a move away makes room. */
    see_port(1, 10, 2);
    see_port(1, 10, 1);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(10))->target, 2);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_PORT_LIMIT], 1);
    see_port(1, 1, 2);
    see_port(1, 10, 1);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(10))->target, 1);
    see_port(1, 1, 1);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->target, 2);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_PORT_LIMIT], 2);
    check_consistent();
}
END_TEST

START_TEST(test_R8_4_limit_zero)
{
    mactable_set_network(table, 1, 300, 0);
    see_port(1, 1, 1);
    see_port(1, 2, 1);
    ck_assert_uint_eq(mactable_count(table), 0);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_NET_LIMIT], 1);
}
END_TEST

START_TEST(test_fdb_full)
{
    fdb.capacity = 2;
    for (unsigned i = 1; i <= 5; i++)
        see_port(1, i, 1);
    ck_assert_uint_eq(mactable_count(table), 2);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_FDB_FULL], 1);
    see_port(1, 1, 2); /* a move needs no room */
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->target, 2);
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(9), dest(DP_WHERE_PORT, 1), at(1)), -ENOSPC);
    check_consistent();
    renew(2);
    for (unsigned i = 1; i <= 5; i++)
        see_port(1, i, 1);
    ck_assert_uint_eq(mactable_count(table), 2);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_FDB_FULL], 1);
    ck_assert_uint_eq(mactable_clear(table, 0, NULL, at(100)), 2);
    see_port(1, 3, 1);
    ck_assert_ptr_nonnull(mactable_find(table, 1, mac_n(3)));
    check_consistent();
}
END_TEST

START_TEST(test_ageing)
{
    mactable_set_network(table, 2, 0, UINT32_MAX);
    mactable_set_network(table, 3, 10, UINT32_MAX);
    see(1, 1, DP_WHERE_PORT, 1, 100);
    see(1, 2, DP_WHERE_VTEP, 1, 100);
    see(2, 1, DP_WHERE_PORT, 1, 100);
    see(3, 1, DP_WHERE_PORT, 1, 100);
    ck_assert_uint_eq(mactable_age(table, at(110), 1024), 0);
    ck_assert_uint_eq(mactable_age(table, at(111), 1024), 1);
    ck_assert_ptr_null(mactable_find(table, 3, mac_n(1)));
    fdb_find(1, mac_n(2))->seen_s = 200; /* the worker saw it */
    ck_assert_uint_eq(mactable_age(table, at(401), 1024), 1);
    ck_assert_ptr_null(mactable_find(table, 1, mac_n(1)));
    ck_assert_uint_eq(mactable_age(table, at(501), 1024), 1);
    ck_assert_uint_eq(mactable_age(table, at(4000000), 1024), 0);
    ck_assert_uint_eq(mactable_stats(table).aged, 3);
    ck_assert_ptr_nonnull(mactable_find(table, 2, mac_n(1)));
    check_consistent();
    /* Seen after `now` was read: not old. */
    see(1, 3, DP_WHERE_PORT, 1, 600);
    ck_assert_uint_eq(mactable_age(table, at(599), 1024), 0);
}
END_TEST

START_TEST(test_ageing_is_incremental)
{
    unsigned removed = 0, most = 0;

    for (unsigned i = 0; i < 1000; i++)
        see_port(1, i + 1, 1);
    for (unsigned i = 0; i < 20; i++) {
        unsigned n = mactable_age(table, at(1000), 50);

        most = n > most ? n : most;
        removed += n;
    }
    ck_assert_uint_eq(most, 50);
    ck_assert_uint_eq(removed, 1000);
    ck_assert_uint_eq(mactable_age(table, at(1000), 50), 0);
    check_consistent();
}
END_TEST

START_TEST(test_clear)
{
    struct mac one = mac_n(1);

    for (dp_net_id net = 1; net <= 3; net++)
        for (unsigned i = 1; i <= 10; i++)
            see(net, i, i % 2 ? DP_WHERE_PORT : DP_WHERE_VTEP, 4, 100);
    ck_assert_uint_eq(mactable_clear(table, 2, &one, at(100)), 1);
    ck_assert_uint_eq(mactable_clear(table, 2, &one, at(100)), 0);
    ck_assert_uint_eq(mactable_clear(table, 0, &one, at(100)), 2);
    ck_assert_uint_eq(mactable_clear_at(table, DP_WHERE_VTEP, 4, at(100)), 15);
    ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_VTEP, 4), 0);
    ck_assert_uint_eq(mactable_clear(table, 3, NULL, at(100)), 4);
    check_consistent();
    ck_assert_uint_eq(mactable_clear(table, 0, NULL, at(100)), 8);
    ck_assert_uint_eq(fdb.n, 0);
}
END_TEST

START_TEST(test_R4_10_static_gets_another_place_in_one_store)
{
    unsigned programs;

    ck_assert_int_eq(mactable_change_static(table, 1, mac_n(1), dest(DP_WHERE_PORT, 2), at(1)), -ENOENT);
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(1), dest(DP_WHERE_PORT, 2), at(1)), 0);
    programs = fdb.programs;
    ck_assert_int_eq(mactable_change_static(table, 1, mac_n(1), dest(DP_WHERE_VTEP, 5), at(2)), 0);
    ck_assert_uint_eq(fdb.programs, programs + 1);
    ck_assert_uint_eq(fdb_find(1, mac_n(1))->dest.target, 5);
    ck_assert_ptr_null(route_find(1, mac_n(1), NULL)); /* it is not ours any more */
    ck_assert_int_eq(mactable_change_static(table, 1, mac_n(1), dest(DP_WHERE_FLOOD, 0), at(3)), 0);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->origin, MAC_FLOOD);
    see_port(1, 2, 5);
    ck_assert_int_eq(mactable_change_static(table, 1, mac_n(2), dest(DP_WHERE_PORT, 2), at(4)), -ENOENT);
    check_consistent();
}
END_TEST

START_TEST(test_a_network_goes_with_all_it_has)
{
    for (dp_net_id net = 1; net <= 2; net++)
        for (unsigned i = 1; i <= 10; i++)
            see(net, i, i % 2 ? DP_WHERE_PORT : DP_WHERE_VTEP, 4, 100);
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(20), dest(DP_WHERE_PORT, 2), at(100)), 0);
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(21), dest(DP_WHERE_FLOOD, 0), at(100)), 0);
    for (uint32_t s = 101; !mactable_find(table, 1, mac_n(1))->duplicate; s++)
        see(1, 1, DP_WHERE_PORT, s % 2 ? 5 : 4, s);
    ck_assert_uint_eq(mactable_remove_network(table, 1, at(200)), 12);
    ck_assert_uint_eq(mactable_count_network(table, 1), 0);
    ck_assert_uint_eq(mactable_count(table), 10);
    ck_assert_uint_eq(mactable_stats(table).frozen, 0);
    see_port(1, 30, 5); /* nobody knows the network now */
    ck_assert_uint_eq(mactable_count(table), 10);
    ck_assert_uint_eq(mactable_remove_network(table, 1, at(200)), 0);
    ck_assert_uint_eq(mactable_remove_network(table, DP_MAX_NETWORKS + 1, at(200)), 0);
    check_consistent();
    mactable_set_network(table, 1, 300, UINT32_MAX);
    see_port(1, 30, 5);
    ck_assert_uint_eq(mactable_count_network(table, 1), 1);
}
END_TEST

START_TEST(test_replay)
{
    for (unsigned i = 1; i <= 10; i++)
        see_port(1, i, 1);
    mactable_add_static(table, 1, mac_n(20), dest(DP_WHERE_VTEP, 1), at(1));
    fdb.n = 0;
    mactable_replay(table);
    ck_assert_uint_eq(fdb.n, 11);
    check_consistent();
}
END_TEST

START_TEST(test_walk_survives_changes)
{
    const struct mac_entry *e;
    uint32_t cursor = 0;
    unsigned n = 0;

    for (unsigned i = 1; i <= 100; i++)
        see_port(1, i, 1);
    /* What is removed or added on the way may be seen or not; the others are seen once. */
    while ((e = mactable_next(table, &cursor))) {
        struct mac m = e->mac;

        if (m.b[5] <= 100 && m.b[4] == 0)
            n++;
        if (m.b[5] % 10 == 0)
            mactable_clear(table, 1, &m, at(100));
        if (m.b[5] == 50)
            see_port(1, 1000, 1);
    }
    ck_assert_uint_eq(n, 100);
    check_consistent();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mactable");
    TCase *rules = tcase_create("rules");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(rules, setup, teardown);
    tcase_add_test(rules, test_learns_where_seen);
    tcase_add_test(rules, test_repeat_is_quiet);
    tcase_add_test(rules, test_same_mac_in_two_networks);
    tcase_add_test(rules, test_R4_10_move_is_one_store);
    tcase_add_test(rules, test_hostile_events_are_ignored);
    tcase_add_test(rules, test_static_never_moves_or_ages);
    tcase_add_test(rules, test_static_takes_over_a_learned_mac);
    tcase_add_test(rules, test_R8_2_flood_mac_stays_flood);
    tcase_add_test(rules, test_R8_4_network_limit);
    tcase_add_test(rules, test_R8_4_port_limit);
    tcase_add_test(rules, test_R8_4_limit_zero);
    tcase_add_test(rules, test_fdb_full);
    tcase_add_test(rules, test_ageing);
    tcase_add_test(rules, test_ageing_is_incremental);
    tcase_add_test(rules, test_clear);
    tcase_add_test(rules, test_R4_10_static_gets_another_place_in_one_store);
    tcase_add_test(rules, test_a_network_goes_with_all_it_has);
    tcase_add_test(rules, test_replay);
    tcase_add_test(rules, test_walk_survives_changes);
    suite_add_tcase(s, rules);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
