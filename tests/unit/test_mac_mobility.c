/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One MAC table and its peers' routes: sections 4 and 5 of the protocol rules, and R3.6, R6.2, R8.4, R9.5
 * where they touch it, each by its number. We are VTEP 198.18.0.5; VTEP n is 198.18.0.n.
 */
#include "tests/unit/mac_routes_fixture.h"

/* ---- section 3 and the beginning of 4 */

START_TEST(test_R4_2_first_advertisement_has_no_sequence)
{
    here(1);
    expect_here(1, 0);
    ck_assert(!ours(1, 0)->sticky);
    ck_assert_uint_eq(fdb.advertises, 1);
}
END_TEST

START_TEST(test_R3_6_mac_at_once_ip_when_known)
{
    struct ipaddr ip = ip_n(1), none = {0};

    ck_assert_int_eq(mactable_local_ip(table, 1, mac_n(1), &ip), -ENOENT);
    here(1);
    ck_assert_uint_eq(fdb.n_routes, 1);
    ck_assert_int_eq(mactable_local_ip(table, 1, mac_n(1), &ip), 0);
    ck_assert_int_eq(mactable_local_ip(table, 1, mac_n(1), &ip), 0);
    ck_assert_uint_eq(fdb.advertises, 2);
    ck_assert_ptr_nonnull(ours(1, 1));
    ck_assert_int_eq(mactable_local_ip(table, 1, mac_n(1), &none), -EINVAL);
    check_consistent();
    ck_assert_int_eq(mactable_local_ip_gone(table, 1, mac_n(1), &ip), 0);
    ck_assert_int_eq(mactable_local_ip_gone(table, 1, mac_n(1), &ip), -ENOENT);
    ck_assert_ptr_null(ours(1, 1));
    ck_assert_ptr_nonnull(ours(1, 0));
    check_consistent();
}
END_TEST

START_TEST(test_R1_10_static_peers_macs_are_not_advertised)
{
    see(1, 1, DP_WHERE_VTEP, 9, 100);
    ck_assert_uint_eq(fdb.advertises, 0);
    /* A route is better than a static peer's frame, before and after. */
    route(1, 7, 0);
    expect_routed(1, 7, 0);
    see(1, 1, DP_WHERE_VTEP, 9, 101);
    expect_routed(1, 7, 0);
    no_route(1);
    ck_assert_ptr_null(find(1));
    see(1, 1, DP_WHERE_VTEP, 9, 102);
    ck_assert_uint_eq(find(1)->origin, MAC_REMOTE);
    check_consistent();
}
END_TEST

START_TEST(test_R1_10_local_mac_seen_at_static_peer_is_withdrawn)
{
    here(1);
    see(1, 1, DP_WHERE_VTEP, 9, 101);
    ck_assert_uint_eq(find(1)->origin, MAC_REMOTE);
    ck_assert_uint_eq(fdb.n_routes, 0);
    here(1);
    expect_here(1, 0);
    /* With a route beside it, the route is followed. */
    route(2, 7, 3);
    here(2);
    route(2, 7, 3);
    see(1, 2, DP_WHERE_VTEP, 9, 101);
    expect_routed(2, 7, 3);
}
END_TEST

START_TEST(test_R4_3_local_after_remote_is_plus_one)
{
    route(1, 7, 0);
    expect_routed(1, 7, 0);
    here(1);
    expect_here(1, 1);
    route(2, 7, 41);
    here(2);
    expect_here(2, 42);
    ck_assert_uint_eq(find(2)->last.target, 7);
    ck_assert_uint_eq(find(2)->moves, 1);
}
END_TEST

/* The VTEP that had it is lost to us, but not to others: they must take ours all the same. */
START_TEST(test_R4_3_local_while_the_vtep_is_lost_is_plus_one)
{
    route(1, 7, 41);
    no_route(1);
    fdb.lost_seq = 41;
    here(1);
    expect_here(1, 42);
    /* It is back, and what it said is old. */
    fdb.lost_seq = 0;
    route(1, 7, 41);
    expect_here(1, 42);
    /* Another gateway had it before, and is not lost. */
    route(2, 8, 5);
    fdb.lost_seq = 41;
    here(2);
    expect_here(2, 42);
    route(3, 8, 50);
    here(3);
    expect_here(3, 51);
}
END_TEST

START_TEST(test_R4_4_same_segment_repeats_the_sequence)
{
    struct mac_route r = {.vtep = 7, .es = 3, .seq = 6, .address = vtep_address(7)};

    mactable_set_port_es(table, PORT, 3);
    route_full(1, r, 100);
    here(1);
    expect_here(1, 6);
    /* The other one's frame counts as much as ours: the highest is repeated, nobody moves. */
    r.seq = 9;
    route_full(1, r, 100);
    expect_here(1, 9);
    r.seq = 8;
    route_full(1, r, 100);
    expect_here(1, 9);
    ck_assert_uint_eq(find(1)->moves, 1);
    /* Another segment, or none, is a move. */
    r.es = 4;
    r.seq = 9;
    r.vtep = 4;
    r.address = vtep_address(4);
    route_full(1, r, 100);
    expect_routed(1, 4, 9);
    here(1);
    expect_here(1, 10);
}
END_TEST

/* Other gateways share a segment: whichever of them is best, the MAC is where it was. */
START_TEST(test_R4_4_remote_gateways_of_one_segment_are_no_move)
{
    struct mac_route r = {.vtep = 7, .es = 3, .seq = 6, .address = vtep_address(7)}, other = r;
    mono_t since;

    other.vtep = 8;
    other.address = vtep_address(8);
    route_full(1, r, 100);
    since = find(1)->since;
    route_full(1, other, 110);
    expect_routed(1, 8, 6);
    ck_assert_uint_eq(find(1)->moves, 0);
    ck_assert_uint_eq(find(1)->since.ns, since.ns);
    ck_assert_uint_eq(mactable_stats(table).moves, 0);
    ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_VTEP, 7), 0);
    ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_VTEP, 8), 1);
    /* Another segment, or none, is a move. */
    other.vtep = 9;
    other.address = vtep_address(9);
    other.es = 4;
    route_full(1, other, 120);
    expect_routed(1, 9, 6);
    ck_assert_uint_eq(find(1)->moves, 1);
    route(1, 7, 6);
    ck_assert_uint_eq(find(1)->moves, 2);
    route(1, 8, 6); /* both without */
    ck_assert_uint_eq(find(1)->moves, 3);
}
END_TEST

START_TEST(test_R4_4_leaving_the_segment_is_a_move)
{
    struct mac_route r = {.vtep = 7, .es = 3, .seq = 6, .address = vtep_address(7)};

    mactable_set_port_es(table, PORT, 3);
    route_full(1, r, 100);
    here(1);
    see(1, 1, DP_WHERE_PORT, PORT2, 101);
    expect_here(1, 7);
}
END_TEST

START_TEST(test_R4_5_higher_sequence_withdraws_ours)
{
    here(1);
    route(1, 7, 1);
    expect_routed(1, 7, 1);
    ck_assert_uint_eq(fdb.withdraws, 1);
    /* A lower one does not. */
    route(2, 7, 4);
    here(2);
    route(2, 7, 3);
    expect_here(2, 5);
}
END_TEST

START_TEST(test_R4_5_equal_sequence_lowest_address_wins)
{
    here(1);
    route(1, 7, 0);
    expect_here(1, 0);
    route(1, 3, 0);
    expect_routed(1, 3, 0);
    /* The loser's host is here all the same: its next frame. */
    here(1);
    expect_here(1, 1);
}
END_TEST

START_TEST(test_R4_5_address_of_the_routes_family)
{
    struct ipaddr low6 = {6, {0x20, 1, [15] = 1}}, own6 = {6, {0x20, 1, [15] = 2}};
    struct mac_route r = {.vtep = 9, .address = low6};

    /* Without an IPv6 address of ours, IPv4 is lower. */
    here(1);
    route_full(1, r, 100);
    expect_here(1, 0);
    mactable_set_own_vtep(table, &own6);
    here(2);
    route_full(2, r, 100);
    expect_routed(2, 9, 0);
    here(3);
    r.address.b[15] = 3;
    route_full(3, r, 100);
    expect_here(3, 0);
}
END_TEST

START_TEST(test_R4_6_wrap_around)
{
    ck_assert_int_eq(mac_seq_cmp(0, 0xffffffff), 1);
    ck_assert_int_eq(mac_seq_cmp(0xffffffff, 0), -1);
    ck_assert_int_eq(mac_seq_cmp(5, 5), 0);
    /* Half a round: somebody must win, and both must see it so. */
    ck_assert_int_eq(mac_seq_cmp(0, 0x80000000), -1);
    ck_assert_int_eq(mac_seq_cmp(0x80000000, 0), 1);
    route(1, 7, 0xffffffff);
    here(1);
    expect_here(1, 0);
    route(1, 7, 0xfffffffe);
    expect_here(1, 0);
    route(1, 7, 1);
    expect_routed(1, 7, 1);
}
END_TEST

/* ---- R4.7 */

START_TEST(test_R4_7_late_withdraw_takes_nothing)
{
    route(1, 7, 0);
    here(1);
    no_route(1);
    expect_here(1, 1);
    /* Nor a newer route: the RIB has it as the best one by then. */
    route(2, 7, 0);
    route(2, 8, 1);
    route(2, 8, 1);
    expect_routed(2, 8, 1);
    ck_assert_uint_eq(fdb.removes, 0);
}
END_TEST

START_TEST(test_R4_7_lower_sequence_after_restart)
{
    route(1, 7, 9);
    /* The old path is gone, and there is a lower one, from the same gateway or another. */
    route(1, 7, 0);
    expect_routed(1, 7, 0);
    route(1, 8, 9);
    no_route(1);
    ck_assert_ptr_null(find(1));
    route(1, 8, 2);
    expect_routed(1, 8, 2);
    /* Ours is higher, but it ages: the lower one is taken at once. */
    route(2, 7, 9);
    here(2);
    route(2, 7, 0);
    expect_here(2, 10);
    ck_assert_uint_eq(mactable_age(table, at(1000), 64), 1);
    expect_routed(2, 7, 0);
}
END_TEST

/* All but the numbers that count the moves. */
static struct mac_entry without_counts(unsigned n)
{
    struct mac_entry e = *find(n);

    e.since = (mono_t){0};
    e.moves = e.seq = e.route_seq = 0;
    return e;
}

START_TEST(test_R4_7_thirty_moves_are_as_one)
{
    struct mac_entry once;
    unsigned routes;
    uint32_t seq = 1;

    ck_assert_int_eq(mactable_set_duplicates(table, 0, 180, 0), 0);
    here(1);
    route(1, 7, seq);
    no_route(2);
    once = without_counts(1);
    routes = fdb.n_routes;
    for (unsigned i = 0; i < 30; i++) {
        struct mac_entry now;

        here(1);
        seq++;
        expect_here(1, seq);
        seq++;
        route(1, 7, seq);
        expect_routed(1, 7, seq);
        now = without_counts(1);
        ck_assert_mem_eq(&now, &once, sizeof(now));
    }
    ck_assert_uint_eq(fdb.n_routes, routes);
    ck_assert_uint_eq(mactable_count(table), 1);
    ck_assert_uint_eq(fdb.removes, 0);
}
END_TEST

START_TEST(test_R4_7_ageing_falls_back_to_the_route)
{
    unsigned programs, removes;

    route(1, 7, 4);
    here(1);
    route(1, 7, 4);
    programs = fdb.programs;
    removes = fdb.removes;
    ck_assert_uint_eq(mactable_age(table, at(401), 64), 1);
    expect_routed(1, 7, 4);
    ck_assert_uint_eq(fdb.programs, programs + 1);
    ck_assert_uint_eq(fdb.removes, removes);
    /* Routes do not age. */
    ck_assert_uint_eq(mactable_age(table, at(100000), 64), 0);
    expect_routed(1, 7, 4);
    here(2);
    ck_assert_uint_eq(mactable_age(table, at(100000), 64), 1);
    ck_assert_ptr_null(find(2));
    check_consistent();
}
END_TEST

START_TEST(test_clear_leaves_routes)
{
    struct mac one = mac_n(1);

    route(1, 7, 4);
    ck_assert_uint_eq(mactable_clear(table, 1, &one, at(100)), 0);
    here(1);
    ck_assert_uint_eq(mactable_clear(table, 1, &one, at(100)), 1);
    expect_routed(1, 7, 4);
}
END_TEST

START_TEST(test_R4_10_every_move_is_one_store)
{
    unsigned programs;

    here(1);
    programs = fdb.programs;
    route(1, 7, 1); /* away */
    route(1, 8, 2); /* among others */
    route(1, 8, 3); /* no move at all */
    here(1);        /* back */
    see(1, 1, DP_WHERE_PORT, PORT2, 100);
    mactable_clear_at(table, DP_WHERE_PORT, PORT2, at(100)); /* to the route */
    ck_assert_uint_eq(fdb.programs, programs + 5);
    ck_assert_uint_eq(fdb.removes, 0);
    expect_routed(1, 8, 3);
}
END_TEST

/* ---- sticky */

START_TEST(test_R4_8_sticky_is_advertised_so)
{
    mactable_set_port_sticky(table, PORT2, true);
    see(1, 1, DP_WHERE_PORT, PORT2, 100);
    expect_here(1, 0);
    ck_assert(ours(1, 0)->sticky);
    ck_assert_int_eq(mactable_add_static(
                         table, 1, mac_n(2),
                         (struct dp_dest){.where = DP_WHERE_PORT, .target = PORT, .is_static = true}, at(1)),
                     0);
    ck_assert(ours(2, 0)->sticky);
    ck_assert_uint_eq(ours(2, 0)->seq, 0);
    /* One that is behind a static peer, or flooded, is not ours to advertise. */
    ck_assert_int_eq(
        mactable_add_static(table, 1, mac_n(3),
                            (struct dp_dest){.where = DP_WHERE_VTEP, .target = 9, .is_static = true}, at(1)),
        0);
    ck_assert_int_eq(mactable_add_static(
                         table, 1, mac_n(4),
                         (struct dp_dest){.where = DP_WHERE_FLOOD, .target = 0, .is_static = false}, at(1)),
                     0);
    ck_assert_ptr_null(ours(3, 0));
    ck_assert_ptr_null(ours(4, 0));
    check_consistent();
}
END_TEST

START_TEST(test_R4_8_sticky_never_moves)
{
    const struct mac_alert_info *a = &fdb.last_alert;

    mactable_set_port_sticky(table, PORT2, true);
    see(1, 1, DP_WHERE_PORT, PORT2, 90);
    see(1, 1, DP_WHERE_PORT, PORT, 100);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_STICKY_MOVED], 1);
    ck_assert(mac_eq(a->mac, mac_n(1)) && a->net == 1);
    ck_assert(a->held.where == DP_WHERE_PORT && a->held.target == PORT2);
    ck_assert(a->seen.where == DP_WHERE_PORT && a->seen.target == PORT);
    ck_assert_uint_eq(a->held_since.ns, at(90).ns);
    ck_assert_uint_eq(a->seen_at.ns, at(100).ns);
    /* Counted each time, said once a minute for one place. */
    for (unsigned s = 101; s < 160; s++)
        see(1, 1, DP_WHERE_PORT, PORT, s);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_STICKY_MOVED], 1);
    ck_assert_uint_eq(mactable_stats(table).sticky_moves, 60);
    see(1, 1, DP_WHERE_PORT, PORT, 162);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_STICKY_MOVED], 2);
    route(1, 7, 12);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_STICKY_MOVED], 3);
    ck_assert_uint_eq(find(1)->target, PORT2);
    expect_here(1, 0);
    /* It ages like another learned one, and the route is there. */
    ck_assert_uint_eq(mactable_age(table, at(1000), 64), 1);
    expect_routed(1, 7, 12);
}
END_TEST

/* The FDB has it by the gateway's own hand: neither a route nor its end may touch that. */
START_TEST(test_R4_8_own_mac_is_nobody_elses)
{
    const struct mac_alert_info *a = &fdb.last_alert;

    mactable_set_own_mac(table, mac_n(1));
    route(1, 7, 12);
    mactable_remote(table, 1, mac_n(1), NULL, at(101));
    ck_assert_ptr_null(find(1));
    ck_assert_ptr_null(fdb_find(1, mac_n(1)));
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_STICKY_MOVED], 1);
    ck_assert(mac_eq(a->mac, mac_n(1)) && a->net == 1 && !a->goes);
    ck_assert(a->held.where == DP_WHERE_PORT && a->held.target == DP_OWN_PORT);
    ck_assert(a->seen.where == DP_WHERE_VTEP && a->seen.target == 7);
    ck_assert_uint_eq(mactable_stats(table).sticky_moves, 1);
    /* As a source it is no other, and our own frames are no offence. */
    see(1, 1, DP_WHERE_PORT, PORT, 110);
    see(1, 1, DP_WHERE_VTEP, 7, 111);
    see(1, 1, DP_WHERE_PORT, DP_OWN_PORT, 112);
    ck_assert_ptr_null(find(1));
    ck_assert_uint_eq(mactable_stats(table).sticky_moves, 3);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_STICKY_MOVED], 1);
    see(1, 1, DP_WHERE_PORT, PORT, 300);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_STICKY_MOVED], 2);
    route(2, 7, 12);
    expect_routed(2, 7, 12);
}
END_TEST

START_TEST(test_R4_8_remote_sticky_is_not_learned_here)
{
    sticky_route(1, 7);
    here(1);
    expect_routed(1, 7, 0);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_STICKY_MOVED], 1);
    ck_assert_uint_eq(fdb.last_alert.held.target, 7);
    ck_assert(!fdb.last_alert.goes);
    /* One that is here, by whatever sequence, yields to it. */
    route(2, 8, 10);
    here(2);
    sticky_route(2, 7);
    expect_routed(2, 7, 0);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_STICKY_MOVED], 2);
    ck_assert(fdb.last_alert.goes);
    ck_assert(!fdb_find(1, mac_n(2))->dest.is_static);
}
END_TEST

START_TEST(test_R4_8_two_sticky_ones)
{
    mactable_set_port_sticky(table, PORT, true);
    here(1);
    sticky_route(1, 7);
    expect_here(1, 0);
    ck_assert(!fdb.last_alert.goes);
    sticky_route(1, 3); /* lower than ours */
    expect_routed(1, 3, 0);
    ck_assert(fdb.last_alert.goes);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_STICKY_MOVED], 2);
    /* What is configured stays, whoever else says what. */
    ck_assert_int_eq(mactable_add_static(
                         table, 1, mac_n(2),
                         (struct dp_dest){.where = DP_WHERE_PORT, .target = PORT, .is_static = true}, at(1)),
                     0);
    sticky_route(2, 3);
    ck_assert_uint_eq(find(2)->origin, MAC_STATIC);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_STICKY_MOVED], 3);
    check_consistent();
}
END_TEST

START_TEST(test_R4_8_static_comes_and_goes)
{
    struct dp_dest port = {.where = DP_WHERE_PORT, .target = PORT, .is_static = true};
    struct ipaddr ip = ip_n(1);

    route(1, 7, 4);
    mactable_remote_ip(table, 1, mac_n(1), &ip, true);
    ck_assert_int_eq(mactable_remove_static(table, 1, mac_n(1), at(1)), -ENOENT);
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(1), port, at(1)), 0);
    ck_assert(ours(1, 0)->sticky && ours(1, 1)->sticky);
    ck_assert_int_eq(mactable_remove_static(table, 1, mac_n(1), at(1)), 0);
    expect_routed(1, 7, 4);
    ck_assert(!fdb_find(1, mac_n(1))->dest.is_static);
    /* Over one that is local: its routes are replaced, not withdrawn first. */
    here(2);
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(2), port, at(1)), 0);
    ck_assert_uint_eq(fdb.withdraws, 2);
    ck_assert(ours(2, 0)->sticky);
    ck_assert_int_eq(mactable_remove_static(table, 1, mac_n(2), at(1)), 0);
    ck_assert_ptr_null(find(2));
    check_consistent();
}
END_TEST

/* ---- IPs */

START_TEST(test_R4_9_ips_inherit_the_sequence)
{
    struct ipaddr ip1 = ip_n(1), ip2 = {6, {0x20, 1, [15] = 9}};

    route(1, 7, 4);
    here(1);
    ck_assert_int_eq(mactable_local_ip(table, 1, mac_n(1), &ip1), 0);
    ck_assert_int_eq(mactable_local_ip(table, 1, mac_n(1), &ip2), 0);
    ck_assert_uint_eq(ours(1, 1)->seq, 5);
    ck_assert_uint_eq(route_find(1, mac_n(1), &ip2)->seq, 5);
    route(1, 8, 6);
    ck_assert_uint_eq(fdb.n_routes, 0);
    here(1);
    ck_assert_uint_eq(fdb.n_routes, 3);
    ck_assert_uint_eq(ours(1, 1)->seq, 7);
    check_consistent();
}
END_TEST

START_TEST(test_R6_2_ips_move_with_the_mac)
{
    struct ipaddr ip1 = ip_n(1), ip2 = ip_n(2), ip3 = ip_n(3);

    ck_assert_int_eq(mactable_set_duplicates(table, 0, 180, 0), 0);
    ck_assert_int_eq(mactable_remote_ip(table, 1, mac_n(1), &ip1, true), -ENOENT);
    route(1, 7, 4);
    ck_assert_int_eq(mactable_remote_ip(table, 1, mac_n(1), &ip1, true), 0);
    here(1); /* a RARP, say: it shows no IP */
    ck_assert_uint_eq(ours(1, 1)->seq, 5);
    /* What was on its way comes too; what the old place takes back stays. */
    ck_assert_int_eq(mactable_remote_ip(table, 1, mac_n(1), &ip2, true), 0);
    ck_assert_uint_eq(ours(1, 2)->seq, 5);
    ck_assert_int_eq(mactable_remote_ip(table, 1, mac_n(1), &ip1, false), 0);
    ck_assert_int_eq(mactable_remote_ip(table, 1, mac_n(1), &ip2, false), 0);
    ck_assert_ptr_nonnull(ours(1, 1));
    ck_assert_ptr_nonnull(ours(1, 2));
    check_consistent();
    /* It leaves, and is back before the other side said any IP. */
    route(1, 8, 6);
    here(1);
    ck_assert_uint_eq(ours(1, 2)->seq, 7);
    /* It leaves for long; what is back then has the IPs of the other side only. */
    route_full(1, (struct mac_route){.vtep = 8, .seq = 8, .address = vtep_address(8)}, 200);
    ck_assert_int_eq(mactable_remote_ip(table, 1, mac_n(1), &ip2, true), 0);
    ck_assert_int_eq(mactable_remote_ip(table, 1, mac_n(1), &ip3, true), 0);
    mactable_age(table, at(259), 64);
    mactable_age(table, at(261), 64);
    here(1);
    ck_assert_ptr_null(ours(1, 1));
    ck_assert_ptr_nonnull(ours(1, 2));
    ck_assert_ptr_nonnull(ours(1, 3));
    check_consistent();
}
END_TEST

START_TEST(test_ips_have_a_limit)
{
    here(1);
    for (unsigned i = 1; i <= MAC_MAX_IPS + 8; i++) {
        struct ipaddr ip = ip_n(i);

        ck_assert_int_eq(mactable_local_ip(table, 1, mac_n(1), &ip), i <= MAC_MAX_IPS ? 0 : -ENOSPC);
        ck_assert_int_eq(mactable_remote_ip(table, 1, mac_n(1), &ip, true), i <= MAC_MAX_IPS ? 0 : -ENOSPC);
    }
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_IP_LIMIT], 1);
    ck_assert_uint_eq(fdb.n_routes, MAC_MAX_IPS + 1);
    check_consistent();
}
END_TEST

/* ---- limits and room */

START_TEST(test_R8_4_limits_and_routes)
{
    struct mac_move any[1];

    mactable_set_network(table, 1, 300, 2);
    mactable_set_port(table, PORT2, 1);
    route(1, 7, 0);
    route(2, 7, 0);
    route(3, 7, 0); /* routes are not refused, but they count */
    ck_assert_uint_eq(mactable_count(table), 3);
    here(4);
    ck_assert_ptr_null(find(4));
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_NET_LIMIT], 1);
    here(1); /* a move: the network does not grow */
    expect_here(1, 1);
    see(1, 2, DP_WHERE_PORT, PORT2, 100);
    see(1, 3, DP_WHERE_PORT, PORT2, 100);
    expect_here(2, 1);
    expect_routed(3, 7, 0); /* the port is full; a refused move is not counted */
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_PORT_LIMIT], 1);
    ck_assert_uint_eq(mactable_moves(table, 1, mac_n(3), any, 1), 0);
}
END_TEST

START_TEST(test_missed_routes_are_asked_for)
{
    fdb.capacity = 2;
    here(1);
    route(2, 7, 0);
    route(3, 7, 0);
    ck_assert_ptr_null(find(3));
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_FDB_FULL], 1);
    ck_assert_uint_eq(mactable_stats(table).routes_missed, 1);
    ck_assert(!mactable_missed_routes(table));
    no_route(2);
    ck_assert(mactable_missed_routes(table));
    ck_assert(!mactable_missed_routes(table));
    route(3, 7, 0);
    expect_routed(3, 7, 0);
}
END_TEST

START_TEST(test_R9_5_lost_vtep_in_one_step)
{
    for (unsigned n = 1; n <= 20; n++)
        route(n, 7, n);
    for (unsigned n = 1; n <= 5; n++)
        here(n);
    route(6, 8, 50); /* the RIB was quicker */
    ck_assert_uint_eq(mactable_clear_at(table, DP_WHERE_VTEP, 7, at(100)), 14);
    ck_assert_uint_eq(mactable_count(table), 6);
    ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_VTEP, 7), 0);
    expect_here(1, 2);
    ck_assert_uint_eq(find(1)->route_vtep, 0);
    expect_routed(6, 8, 50);
}
END_TEST

START_TEST(test_lost_port_in_one_step)
{
    route(1, 7, 3);
    here(1);
    here(2);
    see(1, 3, DP_WHERE_PORT, PORT2, 100);
    ck_assert_uint_eq(mactable_clear_at(table, DP_WHERE_PORT, PORT, at(100)), 2);
    expect_routed(1, 7, 3);
    ck_assert_ptr_null(find(2));
    expect_here(3, 0);
}
END_TEST

START_TEST(test_replay_of_routes)
{
    struct ipaddr ip = ip_n(1);

    here(1);
    mactable_local_ip(table, 1, mac_n(1), &ip);
    route(2, 7, 3);
    mactable_add_static(table, 1, mac_n(3),
                        (struct dp_dest){.where = DP_WHERE_PORT, .target = PORT, .is_static = true}, at(1));
    fdb.n_routes = 0;
    mactable_replay_routes(table);
    ck_assert_uint_eq(fdb.n_routes, 3);
    check_consistent();
}
END_TEST

START_TEST(test_hostile_routes_are_ignored)
{
    struct mac_route r = {.vtep = 7, .address = vtep_address(7)};

    mactable_remote(table, 0, mac_n(1), &r, at(1));
    mactable_remote(table, 9, mac_n(1), &r, at(1));
    mactable_remote(table, DP_MAX_NETWORKS + 1, mac_n(1), &r, at(1));
    mactable_remote(table, 1, (struct mac){{1, 0, 0x5e, 0, 0, 1}}, &r, at(1));
    mactable_remote(table, 1, (struct mac){{0}}, &r, at(1));
    r.vtep = 0;
    mactable_remote(table, 1, mac_n(1), &r, at(1));
    r.vtep = DP_MAX_VTEPS;
    mactable_remote(table, 1, mac_n(1), &r, at(1));
    mactable_remote(table, 1, mac_n(1), NULL, at(1));
    ck_assert_uint_eq(mactable_count(table), 0);
    ck_assert_uint_eq(fdb.programs, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_R4_2_first_advertisement_has_no_sequence,
        test_R3_6_mac_at_once_ip_when_known,
        test_R1_10_static_peers_macs_are_not_advertised,
        test_R1_10_local_mac_seen_at_static_peer_is_withdrawn,
        test_R4_3_local_after_remote_is_plus_one,
        test_R4_3_local_while_the_vtep_is_lost_is_plus_one,
        test_R4_4_same_segment_repeats_the_sequence,
        test_R4_4_remote_gateways_of_one_segment_are_no_move,
        test_R4_4_leaving_the_segment_is_a_move,
        test_R4_5_higher_sequence_withdraws_ours,
        test_R4_5_equal_sequence_lowest_address_wins,
        test_R4_5_address_of_the_routes_family,
        test_R4_6_wrap_around,
        test_R4_7_late_withdraw_takes_nothing,
        test_R4_7_lower_sequence_after_restart,
        test_R4_7_thirty_moves_are_as_one,
        test_R4_7_ageing_falls_back_to_the_route,
        test_clear_leaves_routes,
        test_R4_10_every_move_is_one_store,
        test_R4_8_own_mac_is_nobody_elses,
        test_R4_8_sticky_is_advertised_so,
        test_R4_8_sticky_never_moves,
        test_R4_8_remote_sticky_is_not_learned_here,
        test_R4_8_two_sticky_ones,
        test_R4_8_static_comes_and_goes,
        test_R4_9_ips_inherit_the_sequence,
        test_R6_2_ips_move_with_the_mac,
        test_ips_have_a_limit,
        test_R8_4_limits_and_routes,
        test_missed_routes_are_asked_for,
        test_R9_5_lost_vtep_in_one_step,
        test_lost_port_in_one_step,
        test_replay_of_routes,
        test_hostile_routes_are_ignored,
    };
    Suite *s = suite_create("mac_mobility");
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
