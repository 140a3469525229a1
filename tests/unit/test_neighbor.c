/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The neighbour table, rule by rule (section 7). The probe's frame is tested here, too.
 */
#include "controlplane/neighbor_probe.h"
#include "tests/unit/neighbor_fixture.h"

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
    ck_assert_int_eq(seen(1, zero, &ip_a, 1), -EINVAL);
    ck_assert_int_eq(seen(1, group, &ip_a, 1), -EINVAL);
    ck_assert_int_eq(seen(9, m1, &ip_a, 1), -EINVAL);
    ck_assert_int_eq(seen(1, m3, &ip_a, 1), -ENOENT);
    ck_assert_uint_eq(neighbor_stats(table).bindings, 0);
    ck_assert_int_eq(seen(1, m1, &ip_a, 1), 0);
    ck_assert_int_eq(seen(1, m1, &ip_six, 1), 0);
    ck_assert(announced(1, m1, &ip_a) && announced(1, m1, &ip_six));
    expect_answer(1, &ip_a, m1);
    ck_assert(find(1, &ip_a).local && !find(1, &ip_a).remote && find(1, &ip_a).answered);
}
END_TEST

START_TEST(test_only_frames_of_access_ports)
{
    struct dp_event e = {.type = DP_EVENT_NEIGHBOUR, .net = 1, .mac = m1, .where = DP_WHERE_VTEP, .ip = ip_a};

    two_hosts(1);
    ck_assert_int_eq(neighbor_seen(table, &e, at(1)), -EINVAL);
    e.where = DP_WHERE_PORT;
    e.type = DP_EVENT_SOURCE;
    ck_assert_int_eq(neighbor_seen(table, &e, at(1)), -EINVAL);
}
END_TEST

/* R8.4: the port is at its limit, or the MAC is frozen at another one. */
START_TEST(test_R7_1_only_the_port_that_has_the_mac_shows_its_ips)
{
    struct dp_event e = {
        .type = DP_EVENT_NEIGHBOUR, .net = 1, .mac = m1, .where = DP_WHERE_PORT, .target = 5, .ip = ip_a};

    two_hosts(1);
    ck_assert_int_eq(neighbor_seen(table, &e, at(1)), -ENOENT);
    ck_assert_uint_eq(neighbor_stats(table).bindings, 0);
    e.target = 1;
    ck_assert_int_eq(neighbor_seen(table, &e, at(1)), 0);
    expect_answer(1, &ip_a, m1);
}
END_TEST

START_TEST(test_network_without_proxy_announces_and_does_not_answer)
{
    two_hosts(4);
    ck_assert_int_eq(seen(4, m1, &ip_a, 1), 0);
    ck_assert(announced(4, m1, &ip_a));
    expect_no_answer(4, &ip_a);
    ck_assert(!find(4, &ip_a).answered);
}
END_TEST

/* A former binding, a frozen one and all others; another network keeps its own. */
START_TEST(test_a_network_goes_with_all_it_has)
{
    const struct ipaddr left = ip4_no(1), here_ip = ip4_no(2), frozen = ip4_no(3), routed = ip4_no(4);

    move(1, mac_no(1), port_no(1), 0);
    move(1, mac_no(2), port_no(1), 0);
    move(1, mac_no(3), port_no(1), 0);
    move(2, mac_no(2), port_no(1), 0);
    ck_assert_int_eq(seen(1, mac_no(1), &left, 1), 0);
    move(1, mac_no(1), vtep_no(3), 2);
    ck_assert(find(1, &left).former);
    ck_assert_int_eq(seen(1, mac_no(2), &here_ip, 3), 0);
    ck_assert_int_eq(seen(2, mac_no(2), &here_ip, 3), 0);
    for (unsigned i = 0; i < 8; i++)
        (void)seen(1, mac_no(2 + i % 2), &frozen, 10 + i);
    ck_assert(find(1, &frozen).frozen);
    move(1, mac_no(4), vtep_no(3), 20);
    route(1, mac_no(4), &routed, true, 20);
    neighbor_remove_network(table, 1);
    expect_no_answer(1, &left);
    expect_no_answer(1, &here_ip);
    expect_no_answer(1, &frozen);
    expect_no_answer(1, &routed);
    expect_answer(2, &here_ip, mac_no(2));
    ck_assert_uint_eq(neighbor_stats(table).bindings, 1);
    ck_assert_uint_eq(neighbor_stats(table).frozen, 0);
}
END_TEST

START_TEST(test_proxy_can_be_switched)
{
    const struct ipaddr ip = ip4_no(1);

    move(1, mac_no(1), port_no(1), 0);
    ck_assert_int_eq(seen(1, mac_no(1), &ip, 1), 0);
    expect_answer(1, &ip, mac_no(1));
    neighbor_set_network(table, 1, 300, false);
    expect_no_answer(1, &ip);
    neighbor_set_network(table, 1, 300, true);
    expect_answer(1, &ip, mac_no(1));
}
END_TEST

START_TEST(test_networks_are_apart)
{
    two_hosts(1);
    move(2, m2, port_no(1), 0);
    seen(1, m1, &ip_a, 1);
    seen(2, m2, &ip_a, 1);
    expect_answer(1, &ip_a, m1);
    expect_answer(2, &ip_a, m2);
    ck_assert_uint_eq(neighbor_stats(table).changes, 0);
}
END_TEST

START_TEST(test_remote_and_both)
{
    move(1, m1, vtep_no(7), 0);
    route(1, m1, &ip_a, true, 1);
    expect_answer(1, &ip_a, m1);
    ck_assert(find(1, &ip_a).remote && !find(1, &ip_a).local);
    move(1, m1, port_no(1), 2);
    ck_assert(find(1, &ip_a).remote && find(1, &ip_a).local);
    route(1, m1, &ip_a, false, 3);
    ck_assert(!find(1, &ip_a).remote && find(1, &ip_a).local);
    expect_answer(1, &ip_a, m1);
    move(1, m1, port_no(2), 4);
    ck_assert(find(1, &ip_a).local);
    move(1, m1, (struct mac_place){0}, 5);
    expect_no_answer(1, &ip_a);
    ck_assert_uint_eq(neighbor_stats(table).bindings, 0);
    ck_assert_uint_eq(neighbor_stats(table).macs, 0);
}
END_TEST

/* ---- MACs that move */

START_TEST(test_R6_2_a_mac_that_leaves_keeps_its_ips_for_a_minute)
{
    two_hosts(1);
    seen(1, m1, &ip_a, 1);
    seen(1, m1, &ip_b, 1);
    move(1, m1, vtep_no(7), 2);
    expect_answer(1, &ip_a, m1);
    ck_assert(find(1, &ip_a).former && !find(1, &ip_a).local);
    route(1, m1, &ip_a, true, 3);
    ck_assert(find(1, &ip_a).remote && !find(1, &ip_a).former);
    age_from_to(3, 62);
    expect_answer(1, &ip_b, m1);
    age_from_to(62.1, 63);
    expect_no_answer(1, &ip_b);
    expect_answer(1, &ip_a, m1);
}
END_TEST

START_TEST(test_R6_2_a_mac_that_comes_brings_its_ips)
{
    move(1, m1, vtep_no(7), 0);
    route(1, m1, &ip_a, true, 1);
    route_as(1, m1, &ip_six, true, NEIGHBOR_ROUTER | NEIGHBOR_OVERRIDE, 1);
    move(1, m1, port_no(1), 5);
    ck_assert(find(1, &ip_a).local && announced(1, m1, &ip_a) && announced(1, m1, &ip_six));
    ck_assert_uint_eq(find(1, &ip_six).flags, NEIGHBOR_ROUTER | NEIGHBOR_OVERRIDE);
    ck_assert_uint_eq(find(1, &ip_a).confirmed.ns, at(5).ns);
    /* It comes back before its routes were heard. */
    route(1, m1, &ip_a, false, 6);
    move(1, m1, vtep_no(7), 7);
    move(1, m1, port_no(1), 8);
    ck_assert(find(1, &ip_a).local && announced(1, m1, &ip_a));
}
END_TEST

START_TEST(test_R6_2_it_does_not_bring_what_another_mac_has)
{
    move(1, m1, vtep_no(7), 0);
    move(1, m2, port_no(2), 0);
    route(1, m1, &ip_a, true, 1);
    route(1, m1, &ip_b, true, 1);
    seen(1, m2, &ip_a, 2);
    move(1, m1, port_no(1), 3); /* the MAC table takes both over */
    expect_answer(1, &ip_a, m2);
    ck_assert(announced(1, m2, &ip_a) && !announced(1, m1, &ip_a) && announced(1, m1, &ip_b));
    /* The same when the route comes after the MAC. */
    route(1, m1, &ip_a, false, 4);
    route(1, m1, &ip_a, true, 4);
    expect_answer(1, &ip_a, m2);
    ck_assert(!announced(1, m1, &ip_a));
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
    seen_as(1, m1, &ip_six, DP_EVIDENCE_NA, NEIGHBOR_ROUTER | NEIGHBOR_OVERRIDE, 1);
    ck_assert_uint_eq(answer_of(1, &ip_six)->flags, NEIGHBOR_ROUTER | NEIGHBOR_OVERRIDE);
    ck_assert_uint_eq(neighbor_flags(table, 1, m1, &ip_six), NEIGHBOR_ROUTER | NEIGHBOR_OVERRIDE);
    ck_assert_uint_eq(fake.again, 0);
    seen_as(1, m1, &ip_six, DP_EVIDENCE_NA, NEIGHBOR_OVERRIDE, 2);
    ck_assert_uint_eq(answer_of(1, &ip_six)->flags, NEIGHBOR_OVERRIDE);
    ck_assert_uint_eq(fake.again, 1); /* announced again */
    seen_as(1, m1, &ip_six, DP_EVIDENCE_NA, NEIGHBOR_OVERRIDE, 3);
    ck_assert_uint_eq(fake.again, 1);
    seen_as(1, m1, &ip_a, DP_EVIDENCE_ARP, NEIGHBOR_ROUTER, 3);
    ck_assert_uint_eq(neighbor_flags(table, 1, m1, &ip_a), 0);
    ck_assert_uint_eq(neighbor_flags(table, 1, m2, &ip_six), NEIGHBOR_OVERRIDE);
}
END_TEST

START_TEST(test_R7_4_flags_of_a_route)
{
    move(1, m1, vtep_no(7), 0);
    route_as(1, m1, &ip_six, true, NEIGHBOR_ROUTER, 1);
    ck_assert_uint_eq(answer_of(1, &ip_six)->flags, NEIGHBOR_ROUTER);
    route_as(1, m1, &ip_six, true, NEIGHBOR_OVERRIDE, 2);
    ck_assert_uint_eq(answer_of(1, &ip_six)->flags, NEIGHBOR_OVERRIDE);
    route_as(1, m1, &ip_a, true, 0xff, 2); /* R and O say nothing of IPv4 */
    ck_assert_uint_eq(answer_of(1, &ip_a)->flags, NEIGHBOR_IMMUTABLE);
}
END_TEST

/* Hosts answer a unicast NS, as our probes are, without their link-layer address and so without O. */
START_TEST(test_R7_4_an_na_that_does_not_say_override)
{
    two_hosts(1);
    ck_assert_int_eq(seen_as(1, m1, &ip_six, DP_EVIDENCE_NA, DP_NEIGH_UNSAID, 1), 0);
    ck_assert_uint_eq(neighbor_flags(table, 1, m1, &ip_six), NEIGHBOR_OVERRIDE);
    seen_as(1, m1, &ip_six, DP_EVIDENCE_NA, 0, 2);
    seen_as(1, m1, &ip_six, DP_EVIDENCE_NA, NEIGHBOR_ROUTER | DP_NEIGH_UNSAID, 3);
    ck_assert_uint_eq(neighbor_flags(table, 1, m1, &ip_six), NEIGHBOR_ROUTER);
    /* The answer of an old owner counts. */
    ck_assert_int_eq(seen_as(1, m2, &ip_six, DP_EVIDENCE_NA, NEIGHBOR_OVERRIDE, 4), 0);
    ck_assert_int_eq(seen_as(1, m1, &ip_six, DP_EVIDENCE_NA, DP_NEIGH_UNSAID, 5), 0);
    expect_answer(1, &ip_six, m1);
}
END_TEST

START_TEST(test_na_without_override_takes_nothing)
{
    two_hosts(1);
    ck_assert_int_eq(seen_as(1, m1, &ip_six, DP_EVIDENCE_NA, 0, 1), 0);
    ck_assert_int_eq(seen_as(1, m2, &ip_six, DP_EVIDENCE_NA, 0, 2), -EEXIST);
    expect_answer(1, &ip_six, m1);
    ck_assert_uint_eq(neighbor_stats(table).changes, 0);
    ck_assert_int_eq(seen_as(1, m2, &ip_six, DP_EVIDENCE_NA, NEIGHBOR_OVERRIDE, 3), 0);
    expect_answer(1, &ip_six, m2);
}
END_TEST

/* ---- ageing and probing */

START_TEST(test_R7_3_silent_host_is_probed_and_kept)
{
    two_hosts(1);
    seen(1, m1, &ip_a, 0);
    age_from_to(0.1, 99.9);
    ck_assert_uint_eq(fake.n_probes, 0);
    age_from_to(100, 100.5);
    ck_assert_uint_eq(fake.n_probes, 1);
    ck_assert(mac_eq(fake.probes[0].mac, m1) && ipaddr_eq(&fake.probes[0].ip, &ip_a));
    seen(1, m1, &ip_a, 100.6);
    age_from_to(100.7, 200);
    ck_assert_uint_eq(fake.n_probes, 1);
    /* No answer from now on: asked twice more, then gone. */
    age_from_to(200.1, 400.6);
    ck_assert_uint_eq(fake.n_probes, 4);
    expect_answer(1, &ip_a, m1);
    age_from_to(400.7, 401);
    expect_no_answer(1, &ip_a);
    ck_assert(!announced(1, m1, &ip_a));
    ck_assert_uint_eq(neighbor_stats(table).aged, 1);
}
END_TEST

START_TEST(test_R7_3_not_of_others_and_not_where_nothing_ages)
{
    move(1, m1, vtep_no(7), 0);
    move(3, m2, port_no(1), 0);
    route(1, m1, &ip_a, true, 0);
    seen(3, m2, &ip_b, 0);
    age_from_to(0, 1000);
    ck_assert_uint_eq(fake.n_probes, 0);
    expect_answer(1, &ip_a, m1);
    expect_answer(3, &ip_b, m2);
}
END_TEST

START_TEST(test_R7_3_aged_but_a_route_has_it)
{
    move(2, m1, port_no(1), 0);
    seen(2, m1, &ip_a, 0);
    route(2, m1, &ip_a, true, 1);
    age_from_to(2, 31);
    expect_answer(2, &ip_a, m1);
    ck_assert(!find(2, &ip_a).local && find(2, &ip_a).remote);
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

/* A MAC at the gateway itself is never probed: that must not use up what others need. */
START_TEST(test_R7_3_who_is_not_probed_costs_nothing)
{
    for (unsigned i = 0; i < 2000; i++) {
        struct ipaddr ip = ip4_no(100 + i);

        move(1, mac_no(100 + i), port_no(1), 0);
        seen(1, mac_no(100 + i), &ip, 0);
    }
    fake.probe_fails = true;
    neighbor_age(table, at(101), UINT32_MAX);
    ck_assert_uint_eq(neighbor_stats(table).probes_limited, 0);
    ck_assert_uint_eq(neighbor_stats(table).probes, 0);
    fake.probe_fails = false;
    neighbor_age(table, at(101), UINT32_MAX);
    ck_assert_uint_eq(fake.n_probes, NEIGHBOR_PROBES_S / 5);
}
END_TEST

START_TEST(test_a_probe_that_cannot_be_sent_is_sent_later)
{
    two_hosts(1);
    seen(1, m1, &ip_a, 0);
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
    ck_assert_int_eq(seen(1, mac_no(499), &ip_a, 3), -ENOSPC); /* 331 are still more than 300 */
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
    seen(1, m1, &ip_a, 1);
    expect_no_answer(1, &ip_a);
    ck_assert(announced(1, m1, &ip_a) && !find(1, &ip_a).answered);
    fake.answers_max = 1;
    age_from_to(2, 2);
    expect_answer(1, &ip_a, m1);
}
END_TEST

START_TEST(test_reading)
{
    struct neighbor_info info;
    uint32_t cursor = 0;
    unsigned n = 0;

    two_hosts(1);
    move(1, m3, vtep_no(7), 0);
    seen(1, m1, &ip_a, 1);
    seen(1, m1, &ip_b, 1);
    route(1, m3, &ip_a, true, 2);
    seen(1, m2, &ip_a, 3);
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
    while (neighbor_next_of_ip(table, 1, &ip_a, &cursor, &info)) {
        ck_assert(ipaddr_eq(&info.ip, &ip_a));
        ck_assert(info.used == mac_eq(info.mac, m2));
        n++;
    }
    ck_assert_uint_eq(n, 2);
    cursor = 0;
    ck_assert(!neighbor_next_of_mac(table, 2, m1, &cursor, &info));
    ck_assert(!neighbor_find(table, 2, &ip_a, &info));
}
END_TEST

/* ---- the probe's frame */

START_TEST(test_R7_3_probe_arp)
{
    static const uint8_t want[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0,  6, 4, 0,
                                   1, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1};
    uint8_t frame[NEIGHBOR_PROBE_MAX];

    ck_assert_uint_eq(neighbor_probe_frame(m2, m1, &ip_a, frame), sizeof(want));
    ck_assert_mem_eq(frame, want, sizeof(want));
    ip_a.family = 0;
    ck_assert_uint_eq(neighbor_probe_frame(m2, m1, &ip_a, frame), 0);
}
END_TEST

START_TEST(test_R7_3_probe_ns)
{
    static const uint8_t ll[] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 2};
    uint8_t frame[NEIGHBOR_PROBE_MAX], *ip = frame + 14, *ns = frame + 54;
    uint32_t sum = 58 + 32;

    ck_assert_uint_eq(neighbor_probe_frame(m2, m1, &ip_six, frame), NEIGHBOR_PROBE_MAX);
    ck_assert(frame[12] == 0x86 && frame[13] == 0xdd && ip[0] == 0x60 && ip[5] == 32 && ip[6] == 58 &&
              ip[7] == 255);
    ck_assert_mem_eq(frame, m1.b, 6);
    ck_assert_mem_eq(ip + 8, ll, 16);
    ck_assert_mem_eq(ip + 24, ip_six.b, 16);
    ck_assert(ns[0] == 135 && ns[1] == 0 && ns[24] == 1 && ns[25] == 1);
    ck_assert_mem_eq(ns + 8, ip_six.b, 16);
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
    tcase_add_test(c, test_R7_1_only_the_port_that_has_the_mac_shows_its_ips);
    tcase_add_test(c, test_network_without_proxy_announces_and_does_not_answer);
    tcase_add_test(c, test_a_network_goes_with_all_it_has);
    tcase_add_test(c, test_proxy_can_be_switched);
    tcase_add_test(c, test_networks_are_apart);
    tcase_add_test(c, test_remote_and_both);
    tcase_add_test(c, test_R6_2_a_mac_that_leaves_keeps_its_ips_for_a_minute);
    tcase_add_test(c, test_R6_2_a_mac_that_comes_brings_its_ips);
    tcase_add_test(c, test_R6_2_it_does_not_bring_what_another_mac_has);
    tcase_add_test(c, test_a_mac_that_goes_takes_its_ips_along);
    tcase_add_test(c, test_R7_4_flags_of_an_na);
    tcase_add_test(c, test_R7_4_flags_of_a_route);
    tcase_add_test(c, test_R7_4_an_na_that_does_not_say_override);
    tcase_add_test(c, test_na_without_override_takes_nothing);
    tcase_add_test(c, test_R7_3_silent_host_is_probed_and_kept);
    tcase_add_test(c, test_R7_3_not_of_others_and_not_where_nothing_ages);
    tcase_add_test(c, test_R7_3_aged_but_a_route_has_it);
    tcase_add_test(c, test_R7_3_probes_are_bounded);
    tcase_add_test(c, test_R7_3_who_is_not_probed_costs_nothing);
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
