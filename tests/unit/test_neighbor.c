/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The neighbour table, rule by rule (section 7). The probe's frame is tested here, too.
 */
#include "controlplane/neighbor_probe.h"
#include "tests/unit/neighbor_fixture.h"

static struct mac m1, m2, m3;
static struct ipaddr a, b, six;

static void setup(void)
{
    fixture_new(4096);
    m1 = mac_no(1);
    m2 = mac_no(2);
    m3 = mac_no(3);
    a = ip4_no(1);
    b = ip4_no(2);
    six = ip6_no(1);
}

static struct neighbor_info find(dp_net_id net, const struct ipaddr *ip)
{
    struct neighbor_info info;

    ck_assert(neighbor_find(table, net, ip, &info));
    return info;
}

/* m1 and m2 behind ports 1 and 2. */
static void two_hosts(dp_net_id net)
{
    move(net, m1, port_no(1), 0);
    move(net, m2, port_no(2), 0);
}

/* ---- learning */

START_TEST(test_R7_1_what_is_learned)
{
    struct ipaddr bad[] = {{4, {0}},
                           {4, {224, 0, 0, 1}},
                           {4, {255, 255, 255, 255}},
                           {4, {127, 0, 0, 1}},
                           {6, {0}},
                           {6, {0xff, 2}},
                           {0, {0}}};
    struct mac zero = {{0}}, group = {{1, 0, 0x5e, 0, 0, 1}};

    two_hosts(1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(seen(1, m1, &bad[i], 1), -EINVAL);
    ck_assert_int_eq(seen(1, zero, &a, 1), -EINVAL);
    ck_assert_int_eq(seen(1, group, &a, 1), -EINVAL);
    ck_assert_int_eq(seen(9, m1, &a, 1), -EINVAL);
    ck_assert_int_eq(seen(1, m3, &a, 1), -ENOENT);
    ck_assert_uint_eq(neighbor_stats(table).bindings, 0);
    ck_assert_int_eq(seen(1, m1, &a, 1), 0);
    ck_assert_int_eq(seen(1, m1, &six, 1), 0);
    ck_assert(announced(1, m1, &a) && announced(1, m1, &six));
    expect_answer(1, &a, m1);
    ck_assert(find(1, &a).local && !find(1, &a).remote && find(1, &a).answered);
}
END_TEST

START_TEST(test_only_frames_of_access_ports)
{
    struct dp_event e = {.type = DP_EVENT_NEIGHBOUR, .net = 1, .mac = m1, .where = DP_WHERE_VTEP, .ip = a};

    two_hosts(1);
    ck_assert_int_eq(neighbor_seen(table, &e, at(1)), -EINVAL);
    e.where = DP_WHERE_PORT;
    e.type = DP_EVENT_SOURCE;
    ck_assert_int_eq(neighbor_seen(table, &e, at(1)), -EINVAL);
}
END_TEST

START_TEST(test_network_without_proxy_announces_and_does_not_answer)
{
    two_hosts(4);
    ck_assert_int_eq(seen(4, m1, &a, 1), 0);
    ck_assert(announced(4, m1, &a));
    expect_no_answer(4, &a);
    ck_assert(!find(4, &a).answered);
}
END_TEST

START_TEST(test_networks_are_apart)
{
    two_hosts(1);
    move(2, m2, port_no(1), 0);
    seen(1, m1, &a, 1);
    seen(2, m2, &a, 1);
    expect_answer(1, &a, m1);
    expect_answer(2, &a, m2);
    ck_assert_uint_eq(neighbor_stats(table).changes, 0);
}
END_TEST

START_TEST(test_remote_and_both)
{
    move(1, m1, vtep_no(7), 0);
    route(1, m1, &a, true, 1);
    expect_answer(1, &a, m1);
    ck_assert(find(1, &a).remote && !find(1, &a).local);
    move(1, m1, port_no(1), 2);
    ck_assert(find(1, &a).remote && find(1, &a).local);
    route(1, m1, &a, false, 3);
    ck_assert(!find(1, &a).remote && find(1, &a).local);
    expect_answer(1, &a, m1);
    move(1, m1, port_no(2), 4);
    ck_assert(find(1, &a).local);
    move(1, m1, (struct mac_place){0}, 5);
    expect_no_answer(1, &a);
    ck_assert_uint_eq(neighbor_stats(table).bindings, 0);
    ck_assert_uint_eq(neighbor_stats(table).macs, 0);
}
END_TEST

/* ---- an IP moves to another MAC */

START_TEST(test_R7_5_new_place_at_once_and_no_old_route)
{
    two_hosts(1);
    seen(1, m1, &a, 1);
    seen(1, m1, &b, 1);
    ck_assert_int_eq(seen(1, m2, &a, 2), 0);
    expect_answer(1, &a, m2);
    expect_answer(1, &b, m1);
    ck_assert(announced(1, m2, &a) && !announced(1, m1, &a) && announced(1, m1, &b));
    ck_assert_uint_eq(fake.removes, 0);
    ck_assert_uint_eq(neighbor_stats(table).bindings, 2);
    ck_assert_uint_eq(neighbor_stats(table).changes, 1);
}
END_TEST

START_TEST(test_R7_5_old_owner_is_probed)
{
    two_hosts(1);
    seen(1, m1, &a, 1);
    seen(1, m2, &a, 2);
    ck_assert_uint_eq(fake.n_probes, 1);
    ck_assert(mac_eq(fake.probes[0].mac, m1) && ipaddr_eq(&fake.probes[0].ip, &a));
    age_from_to(2, 20);
    ck_assert_uint_eq(fake.n_probes, 1);
    expect_answer(1, &a, m2);
    /* One that was heard just now is asked when its answer would be heard again. */
    seen(1, m3, &b, 20);
    move(1, m3, port_no(1), 20);
    seen(1, m3, &b, 20);
    seen(1, m1, &b, 20);
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
    seen(1, m1, &a, 1);
    route(1, m2, &a, true, 2);
    expect_answer(1, &a, m2);
    ck_assert(!announced(1, m1, &a));
    ck_assert_uint_eq(fake.n_probes, 1);
    ck_assert(mac_eq(fake.probes[0].mac, m1));
}
END_TEST

START_TEST(test_a_frame_takes_it_from_a_route)
{
    move(1, m1, vtep_no(7), 0);
    move(1, m2, port_no(1), 0);
    route(1, m1, &a, true, 1);
    seen(1, m2, &a, 2);
    expect_answer(1, &a, m2);
    ck_assert(announced(1, m2, &a));
    ck_assert_uint_eq(fake.n_probes, 0); /* its own gateway asks it */
    /* The route is still there: when ours goes, it counts again. */
    ck_assert_uint_eq(neighbor_stats(table).bindings, 2);
    move(1, m2, (struct mac_place){0}, 3);
    expect_answer(1, &a, m1);
    route(1, m1, &a, false, 4);
    expect_no_answer(1, &a);
    ck_assert_uint_eq(neighbor_stats(table).bindings, 0);
}
END_TEST

START_TEST(test_unused_route_told_again_takes_nothing)
{
    move(1, m1, vtep_no(7), 0);
    move(1, m2, port_no(1), 0);
    route(1, m1, &a, true, 1);
    seen(1, m2, &a, 2);
    route_as(1, m1, &a, true, NEIGHBOR_ROUTER, 3);
    expect_answer(1, &a, m2);
}
END_TEST

START_TEST(test_newest_route_is_used_and_the_next_newest_after_it)
{
    for (unsigned i = 1; i <= 3; i++) {
        struct mac m = mac_no(i);

        move(1, m, vtep_no((uint16_t)i), 0);
        route(1, m, &a, true, i);
        expect_answer(1, &a, m);
    }
    route(1, m3, &a, false, 10);
    expect_answer(1, &a, m2);
    route(1, m1, &a, false, 11);
    expect_answer(1, &a, m2);
    route(1, m2, &a, false, 12);
    expect_no_answer(1, &a);
}
END_TEST

/* ---- duplicates */

START_TEST(test_R7_5_five_changes_freeze)
{
    struct mac hosts[2] = {m1, m2};

    two_hosts(1);
    seen(1, m1, &a, 1);
    for (unsigned i = 1; i <= 4; i++)
        ck_assert_int_eq(seen(1, hosts[i & 1], &a, 1 + i), 0);
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_DUPLICATE], 0);
    ck_assert_int_eq(seen(1, m2, &a, 7), -EEXIST); /* the fifth */
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_DUPLICATE], 1);
    ck_assert(mac_eq(fake.alert.held, m1) && mac_eq(fake.alert.seen, m2) && fake.alert.changes == 5);
    ck_assert(fake.alert.held_since.ns == at(5).ns && fake.alert.seen_at.ns == at(7).ns &&
              !fake.alert.routed);
    for (unsigned i = 0; i < 20; i++)
        seen(1, m2, &a, 8 + i);
    expect_answer(1, &a, m1);
    ck_assert(announced(1, m1, &a) && !announced(1, m2, &a));
    ck_assert(find(1, &a).frozen);
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_DUPLICATE], 1);
    ck_assert_uint_eq(neighbor_stats(table).frozen, 1);
    ck_assert_int_eq(seen(1, m1, &a, 40), 0); /* who keeps it may confirm it */
}
END_TEST

START_TEST(test_R7_5_changes_in_more_than_the_window)
{
    struct mac hosts[2] = {m1, m2};

    two_hosts(1);
    for (unsigned i = 0; i < 30; i++) {
        double now = 1 + i * 46.0; /* five span 184 s */

        move(1, m1, port_no(1), now);
        ck_assert_int_eq(seen(1, hosts[i & 1], &a, now), 0);
    }
    ck_assert_uint_eq(neighbor_stats(table).duplicates, 0);
}
END_TEST

START_TEST(test_R7_5_a_route_that_is_the_fifth_is_followed)
{
    move(1, m1, port_no(1), 0);
    move(1, m2, vtep_no(7), 0);
    neighbor_set_duplicates(table, 3, 180, 0);
    seen(1, m1, &a, 1);
    route(1, m2, &a, true, 2);
    seen(1, m1, &a, 3);
    route(1, m2, &a, false, 4);
    route(1, m2, &a, true, 5);
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_DUPLICATE], 1);
    ck_assert(fake.alert.routed && mac_eq(fake.alert.held, m2) && mac_eq(fake.alert.seen, m1));
    expect_answer(1, &a, m2);
    ck_assert(!announced(1, m1, &a));
    ck_assert_int_eq(seen(1, m1, &a, 6), -EEXIST);
    expect_answer(1, &a, m2);
}
END_TEST

/* Both gateways of a pair, each with its own table in turn, would be left with one answer: who has it last by
 * a route keeps it. What is frozen and goes is not answered for, nor replaced. */
START_TEST(test_R7_5_frozen_and_gone)
{
    neighbor_set_duplicates(table, 1, 180, 0);
    two_hosts(1);
    seen(1, m1, &a, 1);
    seen(1, m2, &a, 2);
    ck_assert(find(1, &a).frozen);
    move(1, m1, (struct mac_place){0}, 3);
    expect_no_answer(1, &a);
    ck_assert(find(1, &a).frozen && mac_eq(find(1, &a).mac, m1));
    ck_assert_int_eq(seen(1, m2, &a, 4), -EEXIST);
    expect_no_answer(1, &a);
    move(1, m1, port_no(1), 5);
    ck_assert_int_eq(seen(1, m1, &a, 5), 0);
    expect_answer(1, &a, m1);
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
    a = ip4_no(10);
    ck_assert_uint_eq(neighbor_clear_duplicate(table, 2, NULL, NULL), 0);
    ck_assert_uint_eq(neighbor_clear_duplicate(table, 0, &m3, NULL), 0);
    ck_assert_uint_eq(neighbor_clear_duplicate(table, 0, NULL, &a), 1);
    ck_assert_int_eq(seen(1, m2, &a, 3), -EEXIST); /* counted anew, so frozen again */
    ck_assert_uint_eq(neighbor_clear_duplicate(table, 1, &m2, NULL), 4);
    ck_assert_uint_eq(neighbor_stats(table).frozen, 0);
    neighbor_set_duplicates(table, 5, 180, 0);
    ck_assert_int_eq(seen(1, m2, &a, 5), 0);
    expect_answer(1, &a, m2);
}
END_TEST

START_TEST(test_R7_5_clear_forgets_what_nobody_speaks_for)
{
    neighbor_set_duplicates(table, 1, 180, 0);
    move(1, m1, port_no(1), 0);
    move(1, m2, vtep_no(1), 0);
    seen(1, m1, &a, 1);
    move(1, m3, port_no(2), 1);
    seen(1, m3, &a, 2);
    route(1, m2, &a, true, 3); /* known, and not used */
    expect_answer(1, &a, m1);
    move(1, m1, (struct mac_place){0}, 4);
    expect_no_answer(1, &a);
    ck_assert_uint_eq(neighbor_clear_duplicate(table, 0, &m1, NULL), 1);
    expect_answer(1, &a, m2);
    ck_assert_uint_eq(neighbor_stats(table).bindings, 1);
}
END_TEST

START_TEST(test_R7_5_hold_down)
{
    neighbor_set_duplicates(table, 1, 180, 60);
    two_hosts(1);
    seen(1, m1, &a, 1);
    seen(1, m2, &a, 2);
    age_from_to(2, 62);
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_DUPLICATE_END], 0);
    age_from_to(62.1, 63);
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_DUPLICATE_END], 1);
    ck_assert(!find(1, &a).frozen);
    neighbor_set_duplicates(table, 0, 180, 60);
    ck_assert_int_eq(seen(1, m2, &a, 64), 0);
}
END_TEST

/* Two hosts that both answer their checks: found within seconds, although neither says anything by itself. */
START_TEST(test_R7_5_two_that_answer_are_found)
{
    unsigned asked = 0;
    double now;

    two_hosts(1);
    seen(1, m1, &a, 1);
    seen(1, m2, &a, 1);
    for (now = 1; now < 20 && !fake.alerts[NEIGHBOR_ALERT_DUPLICATE]; now += 0.1) {
        neighbor_age(table, at(now), UINT32_MAX);
        while (asked < fake.n_probes) {
            struct mac who = fake.probes[asked++ % 64].mac;

            seen(1, who, &a, now);
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
        ck_assert_int_eq(seen(1, hosts[i & 1], &a, 1 + i * 0.3), 0);
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
        ck_assert_int_eq(seen(1, other[i & 1], &a, 2 + i), 0);
}
END_TEST

/* ---- MACs that move */

START_TEST(test_R6_2_a_mac_that_leaves_keeps_its_ips_for_a_minute)
{
    two_hosts(1);
    seen(1, m1, &a, 1);
    seen(1, m1, &b, 1);
    move(1, m1, vtep_no(7), 2);
    expect_answer(1, &a, m1);
    ck_assert(find(1, &a).former && !find(1, &a).local);
    route(1, m1, &a, true, 3);
    ck_assert(find(1, &a).remote && !find(1, &a).former);
    age_from_to(3, 62);
    expect_answer(1, &b, m1);
    age_from_to(62.1, 63);
    expect_no_answer(1, &b);
    expect_answer(1, &a, m1);
}
END_TEST

START_TEST(test_R6_2_a_mac_that_comes_brings_its_ips)
{
    move(1, m1, vtep_no(7), 0);
    route(1, m1, &a, true, 1);
    route_as(1, m1, &six, true, NEIGHBOR_ROUTER | NEIGHBOR_OVERRIDE, 1);
    move(1, m1, port_no(1), 5);
    ck_assert(find(1, &a).local && announced(1, m1, &a) && announced(1, m1, &six));
    ck_assert_uint_eq(find(1, &six).flags, NEIGHBOR_ROUTER | NEIGHBOR_OVERRIDE);
    ck_assert_uint_eq(find(1, &a).confirmed.ns, at(5).ns);
    /* It comes back before its routes were heard. */
    route(1, m1, &a, false, 6);
    move(1, m1, vtep_no(7), 7);
    move(1, m1, port_no(1), 8);
    ck_assert(find(1, &a).local && announced(1, m1, &a));
}
END_TEST

START_TEST(test_R6_2_it_does_not_bring_what_another_mac_has)
{
    move(1, m1, vtep_no(7), 0);
    move(1, m2, port_no(2), 0);
    route(1, m1, &a, true, 1);
    route(1, m1, &b, true, 1);
    seen(1, m2, &a, 2);
    move(1, m1, port_no(1), 3); /* the MAC table takes both over */
    expect_answer(1, &a, m2);
    ck_assert(announced(1, m2, &a) && !announced(1, m1, &a) && announced(1, m1, &b));
    /* The same when the route comes after the MAC. */
    route(1, m1, &a, false, 4);
    route(1, m1, &a, true, 4);
    expect_answer(1, &a, m2);
    ck_assert(!announced(1, m1, &a));
    ck_assert_uint_eq(neighbor_stats(table).changes, 1);
}
END_TEST

START_TEST(test_a_mac_that_goes_takes_its_ips_along)
{
    two_hosts(1);
    for (unsigned i = 0; i < 10; i++) {
        struct ipaddr ip = ip4_no(50 + i);

        seen(1, i & 1 ? m1 : m2, &ip, 1);
    }
    move(1, m1, (struct mac_place){0}, 2);
    ck_assert_uint_eq(neighbor_stats(table).bindings, 5);
    ck_assert_uint_eq(neighbor_stats(table).local, 5);
    ck_assert_uint_eq(fake.n_answers, 5);
    move(1, m2, (struct mac_place){0}, 2);
    ck_assert_uint_eq(neighbor_stats(table).bindings, 0);
    ck_assert_uint_eq(neighbor_stats(table).macs, 0);
}
END_TEST

/* ---- flags */

START_TEST(test_R7_4_flags_of_an_na)
{
    two_hosts(1);
    seen_as(1, m1, &six, DP_EVIDENCE_NA, NEIGHBOR_ROUTER | NEIGHBOR_OVERRIDE, 1);
    ck_assert_uint_eq(answer_of(1, &six)->flags, NEIGHBOR_ROUTER | NEIGHBOR_OVERRIDE);
    ck_assert_uint_eq(neighbor_flags(table, 1, m1, &six), NEIGHBOR_ROUTER | NEIGHBOR_OVERRIDE);
    ck_assert_uint_eq(fake.again, 0);
    seen_as(1, m1, &six, DP_EVIDENCE_NA, NEIGHBOR_OVERRIDE, 2);
    ck_assert_uint_eq(answer_of(1, &six)->flags, NEIGHBOR_OVERRIDE);
    ck_assert_uint_eq(fake.again, 1); /* announced again */
    seen_as(1, m1, &six, DP_EVIDENCE_NA, NEIGHBOR_OVERRIDE, 3);
    ck_assert_uint_eq(fake.again, 1);
    seen_as(1, m1, &a, DP_EVIDENCE_ARP, NEIGHBOR_ROUTER, 3);
    ck_assert_uint_eq(neighbor_flags(table, 1, m1, &a), 0);
    ck_assert_uint_eq(neighbor_flags(table, 1, m2, &six), NEIGHBOR_OVERRIDE);
}
END_TEST

START_TEST(test_R7_4_flags_of_a_route)
{
    move(1, m1, vtep_no(7), 0);
    route_as(1, m1, &six, true, NEIGHBOR_ROUTER, 1);
    ck_assert_uint_eq(answer_of(1, &six)->flags, NEIGHBOR_ROUTER);
    route_as(1, m1, &six, true, NEIGHBOR_OVERRIDE, 2);
    ck_assert_uint_eq(answer_of(1, &six)->flags, NEIGHBOR_OVERRIDE);
    route_as(1, m1, &a, true, 0xff, 2); /* R and O say nothing of IPv4 */
    ck_assert_uint_eq(answer_of(1, &a)->flags, NEIGHBOR_IMMUTABLE);
}
END_TEST

/* Hosts answer a unicast NS, as our probes are, without their link-layer address and so without O. */
START_TEST(test_R7_4_an_na_that_does_not_say_override)
{
    two_hosts(1);
    ck_assert_int_eq(seen_as(1, m1, &six, DP_EVIDENCE_NA, DP_NEIGH_UNSAID, 1), 0);
    ck_assert_uint_eq(neighbor_flags(table, 1, m1, &six), NEIGHBOR_OVERRIDE);
    seen_as(1, m1, &six, DP_EVIDENCE_NA, 0, 2);
    seen_as(1, m1, &six, DP_EVIDENCE_NA, NEIGHBOR_ROUTER | DP_NEIGH_UNSAID, 3);
    ck_assert_uint_eq(neighbor_flags(table, 1, m1, &six), NEIGHBOR_ROUTER);
    /* The answer of an old owner counts. */
    ck_assert_int_eq(seen_as(1, m2, &six, DP_EVIDENCE_NA, NEIGHBOR_OVERRIDE, 4), 0);
    ck_assert_int_eq(seen_as(1, m1, &six, DP_EVIDENCE_NA, DP_NEIGH_UNSAID, 5), 0);
    expect_answer(1, &six, m1);
}
END_TEST

START_TEST(test_na_without_override_takes_nothing)
{
    two_hosts(1);
    ck_assert_int_eq(seen_as(1, m1, &six, DP_EVIDENCE_NA, 0, 1), 0);
    ck_assert_int_eq(seen_as(1, m2, &six, DP_EVIDENCE_NA, 0, 2), -EEXIST);
    expect_answer(1, &six, m1);
    ck_assert_uint_eq(neighbor_stats(table).changes, 0);
    ck_assert_int_eq(seen_as(1, m2, &six, DP_EVIDENCE_NA, NEIGHBOR_OVERRIDE, 3), 0);
    expect_answer(1, &six, m2);
}
END_TEST

START_TEST(test_immutable)
{
    move(1, m1, vtep_no(7), 0);
    move(1, m2, port_no(2), 0);
    move(1, m3, vtep_no(8), 0);
    route_as(1, m1, &a, true, NEIGHBOR_IMMUTABLE, 1);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(seen(1, m2, &a, 2 + i), -EEXIST);
    route(1, m3, &a, true, 3);
    expect_answer(1, &a, m1);
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_IMMUTABLE], 2); /* one for each that tries */
    ck_assert_uint_eq(neighbor_stats(table).immutable, 11);
    route_as(1, m3, &a, false, 0, 4);
    route_as(1, m3, &a, true, NEIGHBOR_IMMUTABLE, 5); /* its place was configured anew */
    expect_answer(1, &a, m3);
    seen(1, m2, &a, 80);
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_IMMUTABLE], 3);
}
END_TEST

/* ---- ageing and probing */

START_TEST(test_R7_3_silent_host_is_probed_and_kept)
{
    two_hosts(1);
    seen(1, m1, &a, 0);
    age_from_to(0.1, 99.9);
    ck_assert_uint_eq(fake.n_probes, 0);
    age_from_to(100, 100.5);
    ck_assert_uint_eq(fake.n_probes, 1);
    ck_assert(mac_eq(fake.probes[0].mac, m1) && ipaddr_eq(&fake.probes[0].ip, &a));
    seen(1, m1, &a, 100.6);
    age_from_to(100.7, 200);
    ck_assert_uint_eq(fake.n_probes, 1);
    /* No answer from now on: asked twice more, then gone. */
    age_from_to(200.1, 400.6);
    ck_assert_uint_eq(fake.n_probes, 4);
    expect_answer(1, &a, m1);
    age_from_to(400.7, 401);
    expect_no_answer(1, &a);
    ck_assert(!announced(1, m1, &a));
    ck_assert_uint_eq(neighbor_stats(table).aged, 1);
}
END_TEST

START_TEST(test_R7_3_not_of_others_and_not_where_nothing_ages)
{
    move(1, m1, vtep_no(7), 0);
    move(3, m2, port_no(1), 0);
    route(1, m1, &a, true, 0);
    seen(3, m2, &b, 0);
    age_from_to(0, 1000);
    ck_assert_uint_eq(fake.n_probes, 0);
    expect_answer(1, &a, m1);
    expect_answer(3, &b, m2);
}
END_TEST

START_TEST(test_R7_3_aged_but_a_route_has_it)
{
    move(2, m1, port_no(1), 0);
    seen(2, m1, &a, 0);
    route(2, m1, &a, true, 1);
    age_from_to(2, 31);
    expect_answer(2, &a, m1);
    ck_assert(!find(2, &a).local && find(2, &a).remote);
}
END_TEST

START_TEST(test_R7_3_probes_are_bounded)
{
    for (unsigned i = 0; i < 2000; i++) {
        struct ipaddr ip = ip4_no(100 + i);

        move(1, mac_no(100 + i), port_no(1), 0);
        seen(1, mac_no(100 + i), &ip, 0);
    }
    neighbor_age(table, at(99), UINT32_MAX);
    neighbor_age(table, at(101), UINT32_MAX);
    ck_assert_uint_le(fake.n_probes, NEIGHBOR_PROBES_S / 5);
    age_from_to(101.1, 102);
    ck_assert_uint_le(fake.n_probes, NEIGHBOR_PROBES_S / 5 + NEIGHBOR_PROBES_S);
    ck_assert_uint_ge(fake.n_probes, NEIGHBOR_PROBES_S);
    ck_assert_uint_gt(neighbor_stats(table).probes_limited, 0);
    age_from_to(102.1, 104);
    ck_assert_uint_eq(fake.n_probes, 2000); /* each once */
}
END_TEST

START_TEST(test_a_probe_that_cannot_be_sent_is_sent_later)
{
    two_hosts(1);
    seen(1, m1, &a, 0);
    fake.probe_fails = true;
    age_from_to(100, 110);
    ck_assert_uint_eq(fake.n_probes, 0);
    fake.probe_fails = false;
    age_from_to(110.1, 110.2);
    ck_assert_uint_eq(fake.n_probes, 1);
}
END_TEST

/* ---- bounds */

START_TEST(test_room_is_bounded_and_a_quarter_is_for_routes)
{
    fixture_new(400);
    for (unsigned i = 0; i < 500; i++) {
        struct ipaddr ip = ip4_no(100 + i);

        move(1, mac_no(100 + i), port_no(1), 0);
        ck_assert_int_eq(seen(1, mac_no(100 + i), &ip, 1), i < 300 ? 0 : -ENOSPC);
    }
    ck_assert_uint_eq(fake.alerts[NEIGHBOR_ALERT_FULL], 1);
    ck_assert_uint_eq(neighbor_stats(table).refused_full, 200);
    move(1, m1, vtep_no(7), 0);
    for (unsigned i = 0; i < MAC_MAX_IPS; i++) {
        struct ipaddr ip = ip6_no(i);

        route(1, m1, &ip, true, 2);
        expect_answer(1, &ip, m1);
    }
    ck_assert_uint_eq(neighbor_stats(table).bindings, 332);
    move(1, mac_no(100), (struct mac_place){0}, 3);
    ck_assert_int_eq(seen(1, mac_no(499), &a, 3), -ENOSPC); /* 331 are still more than 300 */
}
END_TEST

START_TEST(test_one_mac_has_only_so_many)
{
    struct ipaddr ip;

    two_hosts(1);
    for (unsigned i = 0; i < 1000; i++) {
        ip = ip6_no(i);
        ck_assert_int_eq(seen(1, m1, &ip, 1), i < MAC_MAX_IPS ? 0 : -ENOSPC);
    }
    ck_assert_uint_eq(neighbor_stats(table).bindings, MAC_MAX_IPS);
    ip = ip6_no(0);
    ck_assert_int_eq(seen(1, m1, &ip, 2), 0);
}
END_TEST

START_TEST(test_data_plane_without_room_is_asked_again)
{
    two_hosts(1);
    fake.answers_max = 0;
    seen(1, m1, &a, 1);
    expect_no_answer(1, &a);
    ck_assert(announced(1, m1, &a) && !find(1, &a).answered);
    fake.answers_max = 1;
    age_from_to(2, 2);
    expect_answer(1, &a, m1);
}
END_TEST

START_TEST(test_reading)
{
    struct neighbor_info info;
    uint32_t cursor = 0;
    unsigned n = 0;

    two_hosts(1);
    move(1, m3, vtep_no(7), 0);
    seen(1, m1, &a, 1);
    seen(1, m1, &b, 1);
    route(1, m3, &a, true, 2);
    seen(1, m2, &a, 3);
    while (neighbor_next(table, &cursor, &info))
        n++;
    ck_assert_uint_eq(n, 3);
    cursor = n = 0;
    while (neighbor_next_of_mac(table, 1, m1, &cursor, &info)) {
        ck_assert(mac_eq(info.mac, m1));
        n++;
    }
    ck_assert_uint_eq(n, 1);
    cursor = n = 0;
    while (neighbor_next_of_ip(table, 1, &a, &cursor, &info)) {
        ck_assert(ipaddr_eq(&info.ip, &a));
        ck_assert(info.used == mac_eq(info.mac, m2));
        n++;
    }
    ck_assert_uint_eq(n, 2);
    cursor = 0;
    ck_assert(!neighbor_next_of_mac(table, 2, m1, &cursor, &info));
    ck_assert(!neighbor_find(table, 2, &a, &info));
}
END_TEST

/* ---- the probe's frame */

START_TEST(test_R7_3_probe_arp)
{
    static const uint8_t want[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0,  6, 4, 0,
                                   1, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1};
    uint8_t frame[NEIGHBOR_PROBE_MAX];

    ck_assert_uint_eq(neighbor_probe_frame(m2, m1, &a, frame), sizeof(want));
    ck_assert_mem_eq(frame, want, sizeof(want));
    a.family = 0;
    ck_assert_uint_eq(neighbor_probe_frame(m2, m1, &a, frame), 0);
}
END_TEST

START_TEST(test_R7_3_probe_ns)
{
    static const uint8_t ll[] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 2};
    uint8_t frame[NEIGHBOR_PROBE_MAX], *ip = frame + 14, *ns = frame + 54;
    uint32_t sum = 58 + 32;

    ck_assert_uint_eq(neighbor_probe_frame(m2, m1, &six, frame), NEIGHBOR_PROBE_MAX);
    ck_assert(frame[12] == 0x86 && frame[13] == 0xdd && ip[0] == 0x60 && ip[5] == 32 && ip[6] == 58 &&
              ip[7] == 255);
    ck_assert_mem_eq(frame, m1.b, 6);
    ck_assert_mem_eq(ip + 8, ll, 16);
    ck_assert_mem_eq(ip + 24, six.b, 16);
    ck_assert(ns[0] == 135 && ns[1] == 0 && ns[24] == 1 && ns[25] == 1);
    ck_assert_mem_eq(ns + 8, six.b, 16);
    ck_assert_mem_eq(ns + 26, m2.b, 6);
    for (unsigned i = 8; i < 72; i += 2)
        sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    ck_assert_uint_eq(sum, 0xffff);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("neighbor");
    TCase *c = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, fixture_free);
    tcase_add_test(c, test_R7_1_what_is_learned);
    tcase_add_test(c, test_only_frames_of_access_ports);
    tcase_add_test(c, test_network_without_proxy_announces_and_does_not_answer);
    tcase_add_test(c, test_networks_are_apart);
    tcase_add_test(c, test_remote_and_both);
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
    tcase_add_test(c, test_R7_5_two_that_answer_are_found);
    tcase_add_test(c, test_R7_5_off);
    tcase_add_test(c, test_memory_of_changes_is_bounded_and_forgotten);
    tcase_add_test(c, test_full_of_frozen_ones_changes_go_uncounted);
    tcase_add_test(c, test_R6_2_a_mac_that_leaves_keeps_its_ips_for_a_minute);
    tcase_add_test(c, test_R6_2_a_mac_that_comes_brings_its_ips);
    tcase_add_test(c, test_R6_2_it_does_not_bring_what_another_mac_has);
    tcase_add_test(c, test_a_mac_that_goes_takes_its_ips_along);
    tcase_add_test(c, test_R7_4_flags_of_an_na);
    tcase_add_test(c, test_R7_4_flags_of_a_route);
    tcase_add_test(c, test_R7_4_an_na_that_does_not_say_override);
    tcase_add_test(c, test_na_without_override_takes_nothing);
    tcase_add_test(c, test_immutable);
    tcase_add_test(c, test_R7_3_silent_host_is_probed_and_kept);
    tcase_add_test(c, test_R7_3_not_of_others_and_not_where_nothing_ages);
    tcase_add_test(c, test_R7_3_aged_but_a_route_has_it);
    tcase_add_test(c, test_R7_3_probes_are_bounded);
    tcase_add_test(c, test_a_probe_that_cannot_be_sent_is_sent_later);
    tcase_add_test(c, test_room_is_bounded_and_a_quarter_is_for_routes);
    tcase_add_test(c, test_one_mac_has_only_so_many);
    tcase_add_test(c, test_data_plane_without_room_is_asked_again);
    tcase_add_test(c, test_reading);
    tcase_add_test(c, test_R7_3_probe_arp);
    tcase_add_test(c, test_R7_3_probe_ns);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
