/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Announcements after a move: what goes out by which ports, when, and within which limits.
 */
#include "tests/unit/announce_world.h"

#define NET 7

/* What was sent from the i-th frame on, as text: kind, last byte of the IP, port, except. */
static const char *told(size_t from)
{
    static const char *const kinds[] = {"request", "reply", "na", "rarp", "gateway"};
    static char text[4096];
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = from; i < w.n_sent; i++) {
        const struct sent *s = &w.sent[i];

        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i > from ? " " : "", kinds[s->kind]);
        if (s->last)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " .%u", s->last);
        if (s->port != DP_ALL_PORTS)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " by %u", s->port);
        if (s->except != DP_NO_PORT)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " not %u", s->except);
        n += (size_t)snprintf(text + n, sizeof(text) - n, ";");
    }
    return text;
}

static const struct conf_router routers[] = {
    {{4, {10, 0, 0, 1}}, {{0, 0, 0x5e, 0, 1, 1}}},
    {{6, {0xfe, 0x80, [15] = 1}}, {{0, 0, 0x5e, 0, 2, 1}}},
};

/* ---- what goes out, and where */

START_TEST(test_R6_3_rarp_when_no_ip_is_known)
{
    world_start(2, 1100, 1000);
    w.hosts[1].place = VTEPS(3);
    ck_assert_uint_eq(announce_mac(w.a, NET, vm(1), false, now()), 1);
    ck_assert_str_eq(told(0), "rarp;");
    ck_assert(w.sent[0].net == NET && mac_eq(w.sent[0].mac, vm(1)) && w.sent[0].at == w.now);
    world_stop();
}
END_TEST

/* At a third site, when the old route was withdrawn before the new one came: the MAC's route, and then those
 * of its IPs. */
START_TEST(test_R6_3_no_rarp_before_the_ips_that_come_with_the_route)
{
    mono_t at;

    world_start(2, 1100, 1000);
    w.hosts[1].place = VTEPS(3);
    announce_routed(w.a, NET, vm(1), now());
    ck_assert(announce_next(w.a, &at) && at.ns <= w.now && w.wakes == 1);
    host_add_ip4(1, 5);
    announce_ip(w.a, NET, vm(1), &w.hosts[1].ips[0], now());
    ck_assert_str_eq(told(0), "");
    world_pass(0);
    ck_assert_str_eq(told(0), "request .5; reply .5;");
    ck_assert_uint_eq(w.sent[0].at, w.now);
    /* Of a MAC whose IPs are known, at once; of one that has none, a RARP all the same. */
    announce_routed(w.a, NET, vm(1), now());
    ck_assert_str_eq(told(2), "request .5; reply .5;");
    w.hosts[2].place = VTEPS(3);
    announce_routed(w.a, NET, vm(2), now());
    world_pass(0);
    ck_assert_str_eq(told(4), "rarp;");
    world_stop();
}
END_TEST

START_TEST(test_R6_3_each_ip)
{
    world_start(2, 1100, 1000);
    w.hosts[1].place = VTEPS(3);
    host_add_ip4(1, 5);
    host_add_ip6(1, 6);
    host_add_ip4(1, 7);
    ck_assert_uint_eq(announce_mac(w.a, NET, vm(1), false, now()), 5);
    ck_assert_str_eq(told(0), "request .5; reply .5; na .6; request .7; reply .7;");
    world_stop();
}
END_TEST

/* Out of the port where it is, a frame with its MAC would turn the switch there. */
START_TEST(test_R6_3_not_where_the_mac_is)
{
    world_start(2, 1100, 1000);
    w.hosts[1].place = PORTS(4);
    host_add_ip4(1, 5);
    announce_mac(w.a, NET, vm(1), false, now());
    ck_assert_str_eq(told(0), "request .5 not 4; reply .5 not 4;");
    world_stop();
}
END_TEST

START_TEST(test_R6_3_only_port)
{
    world_start(2, 1100, 1);
    w.alone = true;
    w.hosts[1].place = PORTS(4);
    w.hosts[2].place = VTEPS(2);
    ck_assert_uint_eq(announce_mac(w.a, NET, vm(1), false, now()), 0);
    /* It took nothing of the limit. */
    ck_assert_uint_eq(announce_mac(w.a, NET, vm(2), false, now()), 1);
    ck_assert_str_eq(told(0), "rarp;");
    world_pass(10 * S);
    ck_assert_uint_eq(w.n_sent, 3);
    world_stop();
}
END_TEST

START_TEST(test_R7_4_router_says_so)
{
    world_start(0, 1100, 1000);
    w.hosts[1].place = VTEPS(3);
    host_add_ip6(1, 0xfe); /* in this world a router */
    ck_assert_uint_eq(announce_mac(w.a, NET, vm(1), false, now()), 1);
    ck_assert_str_eq(told(0), "na .254;");
    world_stop();
}
END_TEST

/* The moved VM hears the routers of its new site out of its own port; nobody else does. */
START_TEST(test_R6_4_arrived)
{
    world_start(1, 1100, 1000);
    ck_assert_int_eq(announce_set_network(w.a, NET, routers, 2), 0);
    w.hosts[1].place = PORTS(4);
    ck_assert_uint_eq(announce_mac(w.a, NET, vm(1), true, now()), 4);
    ck_assert_str_eq(told(0), "rarp not 4; gateway .1 by 4; gateway .1 by 4; gateway .1 by 4;");
    for (size_t i = 1; i < 4; i++)
        ck_assert(mac_eq(w.sent[i].mac, vm(1)));
    world_pass(2 * S);
    ck_assert_uint_eq(w.n_sent, 8);
    world_stop();
}
END_TEST

/* With a single access port there is nobody else to tell, but the VM itself. */
START_TEST(test_R6_4_only_port)
{
    world_start(0, 1100, 1000);
    w.alone = true;
    announce_set_network(w.a, NET, routers, 1);
    w.hosts[1].place = PORTS(4);
    ck_assert_uint_eq(announce_mac(w.a, NET, vm(1), true, now()), 2);
    ck_assert_str_eq(told(0), "gateway .1 by 4; gateway .1 by 4;");
    world_stop();
}
END_TEST

START_TEST(test_R6_4_not_to_who_did_not_arrive)
{
    world_start(0, 1100, 1000);
    announce_set_network(w.a, NET, routers, 2);
    w.hosts[1].place = PORTS(4);
    announce_mac(w.a, NET, vm(1), false, now()); /* between two ports of ours */
    w.hosts[2].place = VTEPS(4);
    announce_mac(w.a, NET, vm(2), true, now()); /* gone again before it was told */
    w.hosts[3].place = PORTS(4);
    announce_mac(w.a, NET + 1, vm(3), true, now()); /* a network without routers */
    w.hosts[4].place = PORTS(DP_OWN_PORT);
    announce_mac(w.a, NET, vm(4), true, now()); /* the gateway itself */
    ck_assert_str_eq(told(0), "rarp not 4; rarp; rarp not 4; rarp not 16;");
    announce_set_network(w.a, NET, NULL, 0); /* they are taken away */
    announce_mac(w.a, NET, vm(1), true, now());
    ck_assert_str_eq(told(4), "rarp not 4;");
    world_stop();
}
END_TEST

START_TEST(test_bad_arguments)
{
    world_start(0, 1100, 1000);
    ck_assert_int_eq(announce_set_network(w.a, 0, routers, 1), -EINVAL);
    ck_assert_int_eq(announce_set_network(w.a, DP_MAX_NETWORKS + 1, routers, 1), -EINVAL);
    ck_assert_int_eq(announce_set_network(w.a, 1, routers, CONF_MAX_ROUTERS + 1), -EINVAL);
    ck_assert_uint_eq(announce_mac(w.a, 0, vm(1), true, now()), 0);
    ck_assert_uint_eq(announce_mac(w.a, DP_MAX_NETWORKS + 1, vm(1), true, now()), 0);
    ck_assert_uint_eq(announce_sent_for(w.a, NET, vm(1)), 0);
    announce_free(NULL);
    world_stop();
}
END_TEST

/* ---- when */

START_TEST(test_R6_3_repeats)
{
    uint64_t start;
    mono_t at;

    world_start(2, 1100, 1000);
    start = w.now;
    w.hosts[1].place = VTEPS(3);
    ck_assert(!announce_next(w.a, &at));
    announce_mac(w.a, NET, vm(1), false, now());
    ck_assert_uint_eq(w.wakes, 1);
    ck_assert(announce_next(w.a, &at) && at.ns == start + 1100 * MS);
    w.now += 1099 * MS;
    announce_run(w.a, now()); /* too early */
    ck_assert_uint_eq(w.n_sent, 1);
    world_pass(60 * S);
    ck_assert_uint_eq(w.n_sent, 3);
    ck_assert(w.sent[1].at == start + 1100 * MS && w.sent[2].at == start + 2200 * MS);
    ck_assert(!announce_next(w.a, &at));
    ck_assert_uint_eq(announce_sent_for(w.a, NET, vm(1)), 3);
    world_stop();
}
END_TEST

START_TEST(test_R6_3_no_repeats)
{
    mono_t at;

    world_start(0, 1100, 1000);
    w.hosts[1].place = VTEPS(3);
    announce_mac(w.a, NET, vm(1), false, now());
    ck_assert(!announce_next(w.a, &at));
    world_pass(60 * S);
    ck_assert_uint_eq(w.n_sent, 1);
    world_stop();
}
END_TEST

/* The MAC's route may come some milliseconds before those with its IPs. */
START_TEST(test_R6_3_ip_that_comes_after_the_mac)
{
    const struct ipaddr ip = {4, {10, 0, 0, 5}}, ip6 = {6, {0xfd, [15] = 6}}, other = {4, {10, 0, 0, 7}};
    unsigned repeats = (unsigned)_i;

    world_start(repeats, 1100, 1000);
    w.hosts[1].place = VTEPS(3);
    announce_ip(w.a, NET, vm(1), &ip, now()); /* it did not move */
    ck_assert(!announce_is_fresh(w.a, NET, vm(1), now()));
    announce_mac(w.a, NET, vm(1), false, now());
    w.now += 5 * MS;
    ck_assert(announce_is_fresh(w.a, NET, vm(1), now()));
    announce_ip(w.a, NET, vm(1), &ip, now()); /* it is another one's */
    host_add_ip4(1, 5);
    announce_ip(w.a, NET, vm(1), &ip, now());
    host_add_ip6(1, 6);
    announce_ip(w.a, NET, vm(1), &ip6, now());
    ck_assert_str_eq(told(0), "rarp; request .5; reply .5; na .6;");
    ck_assert_uint_eq(announce_sent_for(w.a, NET, vm(1)), 4);
    world_pass(1100 * MS);
    ck_assert_str_eq(told(4), repeats ? "request .5; reply .5; na .6;" : "");
    world_pass(1000 * MS); /* the last burst is 1 s ago, or 2.1 s */
    host_add_ip4(1, 7);
    ck_assert_int_eq(announce_is_fresh(w.a, NET, vm(1), now()), repeats);
    announce_ip(w.a, NET, vm(1), &other, now());
    ck_assert_str_eq(told(repeats ? 7 : 4), repeats ? "request .7; reply .7;" : "");
    world_pass(60 * S);
    ck_assert_uint_eq(w.n_sent, repeats ? 9 : 4);
    world_stop();
}
END_TEST

/* No room for it now: the MAC is announced once more as soon as there is. */
START_TEST(test_R6_3_ip_that_must_wait)
{
    const struct ipaddr ip = {4, {10, 0, 0, 5}};

    world_start(0, 1100, 1000);
    w.hosts[1].place = w.hosts[2].place = VTEPS(3);
    announce_mac(w.a, NET, vm(1), false, now());
    w.accept = 1;
    host_add_ip4(1, 5);
    announce_ip(w.a, NET, vm(1), &ip, now());
    announce_ip(w.a, NET, vm(1), &ip, now());
    ck_assert_str_eq(told(1), "request .5;");
    w.accept = 100;
    world_pass(20 * MS);
    ck_assert_str_eq(told(2), "request .5; reply .5;");
    world_pass(60 * S);
    ck_assert_uint_eq(w.n_sent, 4);
    world_stop();
    /* The same by the limit. */
    world_start(0, 1100, 3);
    w.hosts[1].place = VTEPS(3);
    for (unsigned i = 0; i < 2; i++)
        announce_mac(w.a, NET, vm(1), false, now());
    host_add_ip4(1, 5);
    announce_ip(w.a, NET, vm(1), &ip, now());
    ck_assert_str_eq(told(2), "request .5;");
    world_pass(S);
    ck_assert_str_eq(told(3), "request .5; reply .5;");
    ck_assert_uint_eq(announce_counts(w.a, NET).limited, 1);
    world_stop();
}
END_TEST

/* Each burst looks again: where it is, which IPs it has, whether it is there at all. */
START_TEST(test_R6_3_each_burst_looks_again)
{
    world_start(4, 1100, 1000);
    w.hosts[1].place = PORTS(2);
    announce_mac(w.a, NET, vm(1), false, now());
    ck_assert_str_eq(told(0), "rarp not 2;");
    host_add_ip4(1, 9); /* now its IP is known */
    world_pass(1100 * MS);
    ck_assert_str_eq(told(1), "request .9 not 2; reply .9 not 2;");
    w.hosts[1].place = VTEPS(5);
    world_pass(1100 * MS);
    ck_assert_str_eq(told(3), "request .9; reply .9;");
    w.hosts[1].place.where = 0;
    world_pass(1100 * MS);
    ck_assert_uint_eq(w.n_sent, 5);
    w.hosts[1].place = (struct mac_place){0, DP_WHERE_FLOOD};
    world_pass(1100 * MS);
    ck_assert_uint_eq(w.n_sent, 5);
    ck_assert_uint_eq(announce_counts(w.a, NET).waiting, 0);
    world_stop();
}
END_TEST

/* It moves on while it is being announced: from the start, and no more than that. */
START_TEST(test_R6_3_moved_again)
{
    world_start(2, 1100, 1000);
    w.hosts[1].place = VTEPS(3);
    announce_mac(w.a, NET, vm(1), false, now());
    world_pass(1200 * MS);
    ck_assert_uint_eq(w.n_sent, 2);
    w.hosts[1].place = PORTS(3);
    ck_assert_uint_eq(announce_mac(w.a, NET, vm(1), true, now()), 1);
    ck_assert_uint_eq(announce_sent_for(w.a, NET, vm(1)), 1); /* since that move */
    world_pass(60 * S);
    ck_assert_uint_eq(w.n_sent, 5);
    ck_assert_str_eq(told(2), "rarp not 3; rarp not 3; rarp not 3;");
    ck_assert_uint_eq(announce_sent_for(w.a, NET, vm(1)), 3);
    world_stop();
}
END_TEST

/* The clock is CLOCK_MONOTONIC; but a caller that is a little behind must not upset the order. */
START_TEST(test_time_runs_backwards)
{
    world_start(1, 1100, 1000);
    w.hosts[1].place = w.hosts[2].place = VTEPS(3);
    announce_mac(w.a, NET, vm(1), false, now());
    w.now -= 500 * MS;
    announce_mac(w.a, NET, vm(2), false, now());
    world_pass(1600 * MS);
    ck_assert_uint_eq(w.n_sent, 4);
    world_stop();
}
END_TEST

START_TEST(test_forgotten_after_some_minutes)
{
    world_start(0, 1100, 1000);
    w.hosts[1].place = VTEPS(3);
    announce_mac(w.a, NET, vm(1), false, now());
    w.now += (ANNOUNCE_REMEMBER_S - 1) * S;
    announce_run(w.a, now());
    ck_assert_uint_eq(announce_sent_for(w.a, NET, vm(1)), 1);
    w.now += 2 * S;
    announce_run(w.a, now());
    ck_assert_uint_eq(announce_sent_for(w.a, NET, vm(1)), 0);
    world_stop();
}
END_TEST

/* ---- counting */

START_TEST(test_R6_3_counts)
{
    struct announce_counts c;

    world_start(1, 1100, 1000);
    announce_set_network(w.a, NET, routers, 2);
    w.hosts[1].place = PORTS(3);
    host_add_ip4(1, 1);
    host_add_ip6(1, 2);
    w.hosts[2].place = VTEPS(1);
    announce_mac(w.a, NET, vm(1), true, now());
    announce_mac(w.a, NET + 1, vm(2), false, now());
    c = announce_counts(w.a, NET);
    ck_assert(c.sent[ANNOUNCE_GARP_REQUEST] == 1 && c.sent[ANNOUNCE_GARP_REPLY] == 1);
    ck_assert(c.sent[ANNOUNCE_NA] == 1 && c.sent[ANNOUNCE_RARP] == 0 && c.sent[ANNOUNCE_GATEWAY] == 3);
    ck_assert(c.waiting == 1 && c.limited == 0 && c.failed == 0);
    world_pass(5 * S);
    c = announce_counts(w.a, 0);
    ck_assert(c.sent[ANNOUNCE_GARP_REQUEST] == 2 && c.sent[ANNOUNCE_RARP] == 2 && c.waiting == 0);
    ck_assert_uint_eq(announce_counts(w.a, NET + 2).sent[ANNOUNCE_RARP], 0);
    ck_assert_uint_eq(announce_sent_for(w.a, NET, vm(1)), 12);
    ck_assert_uint_eq(announce_sent_for(w.a, NET + 1, vm(1)), 0);
    world_stop();
}
END_TEST

/* The data plane's queue is full: nothing is lost, nothing is sent twice. */
START_TEST(test_data_plane_full)
{
    mono_t at;

    world_start(0, 1100, 1000);
    w.hosts[1].place = w.hosts[2].place = VTEPS(3);
    for (uint8_t i = 1; i <= 3; i++)
        host_add_ip4(1, i);
    w.accept = 2;
    ck_assert_uint_eq(announce_mac(w.a, NET, vm(1), false, now()), 2);
    ck_assert_uint_eq(announce_mac(w.a, NET + 1, vm(2), false, now()), 0); /* does not even try */
    ck_assert_uint_eq(announce_counts(w.a, 0).failed, 1);
    ck_assert(announce_next(w.a, &at) && at.ns > w.now && at.ns <= w.now + 10 * MS);
    w.accept = 3;
    world_pass(5 * MS);
    ck_assert_uint_eq(w.n_sent, 5);
    w.accept = 100;
    world_pass(20 * MS);
    ck_assert_str_eq(told(0), "request .1; reply .1; request .2; reply .2; request .3; rarp; reply .3;");
    ck_assert_uint_eq(announce_counts(w.a, 0).limited, 0);
    world_stop();
}
END_TEST

/* While a burst waits half done, another IP takes the place of one: the burst is for what is now. */
START_TEST(test_R6_3_other_ips_while_a_burst_waits)
{
    world_start(0, 1100, 1000);
    w.hosts[1].place = VTEPS(3);
    host_add_ip4(1, 1);
    host_add_ip4(1, 2);
    w.accept = 3;
    ck_assert_uint_eq(announce_mac(w.a, NET, vm(1), false, now()), 3);
    w.hosts[1].ips[0].b[3] = 9;
    w.accept = 100;
    world_pass(20 * MS);
    ck_assert_str_eq(told(3), "request .9; reply .9; request .2; reply .2;");
    world_stop();
}
END_TEST

/* It refuses frames for good: they are counted and given up. */
START_TEST(test_data_plane_refuses)
{
    struct announce_counts c;
    mono_t at;

    world_start(1, 1100, 1000);
    w.hosts[1].place = VTEPS(3);
    host_add_ip4(1, 1);
    w.refuse = -EINVAL;
    ck_assert_uint_eq(announce_mac(w.a, NET, vm(1), false, now()), 0);
    world_pass(5 * S);
    c = announce_counts(w.a, NET);
    ck_assert(c.failed == 4 && c.waiting == 0 && c.sent[ANNOUNCE_GARP_REPLY] == 0);
    ck_assert(!announce_next(w.a, &at));
    world_stop();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("announce");
    TCase *tc = tcase_create("announce");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, test_R6_3_rarp_when_no_ip_is_known);
    tcase_add_test(tc, test_R6_3_no_rarp_before_the_ips_that_come_with_the_route);
    tcase_add_test(tc, test_R6_3_each_ip);
    tcase_add_test(tc, test_R6_3_not_where_the_mac_is);
    tcase_add_test(tc, test_R6_3_only_port);
    tcase_add_test(tc, test_R7_4_router_says_so);
    tcase_add_test(tc, test_R6_4_arrived);
    tcase_add_test(tc, test_R6_4_only_port);
    tcase_add_test(tc, test_R6_4_not_to_who_did_not_arrive);
    tcase_add_test(tc, test_bad_arguments);
    tcase_add_test(tc, test_R6_3_repeats);
    tcase_add_test(tc, test_R6_3_no_repeats);
    tcase_add_loop_test(tc, test_R6_3_ip_that_comes_after_the_mac, 0, 2);
    tcase_add_test(tc, test_R6_3_ip_that_must_wait);
    tcase_add_test(tc, test_R6_3_each_burst_looks_again);
    tcase_add_test(tc, test_R6_3_moved_again);
    tcase_add_test(tc, test_time_runs_backwards);
    tcase_add_test(tc, test_forgotten_after_some_minutes);
    tcase_add_test(tc, test_R6_3_counts);
    tcase_add_test(tc, test_data_plane_full);
    tcase_add_test(tc, test_R6_3_other_ips_while_a_burst_waits);
    tcase_add_test(tc, test_data_plane_refuses);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
