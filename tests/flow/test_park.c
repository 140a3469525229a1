/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Frames that wait for their destination (R8.2). Port A alone carries the network, unless a test says
 * otherwise; the test moves the clock.
 */
#include "tests/flow/arpnd.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>

static struct flow *f;
static uint8_t frame[9216], got[9216];

static void setup(void)
{
    f = flow_open(false);
    f->nets[0].n_members = 1;
    flow_publish(f);
}

static void teardown(void)
{
    flow_end(f);
}

/* An answer of host src to host dst, at port A. */
static void answer(unsigned src, unsigned dst)
{
    struct arpnd_arp a = {.dst = flow_mac(dst),
                          .src = flow_mac(src),
                          .sender = flow_mac(src),
                          .target = flow_mac(dst),
                          .vlan = 100,
                          .op = 2,
                          .sender_ip = arpnd_ip4((uint8_t)src),
                          .target_ip = arpnd_ip4((uint8_t)dst)};

    flow_put(f, PORT_A, frame, arpnd_arp(frame, &a));
    flow_poll(f);
}

static void expect_waiting(unsigned n, unsigned dropped)
{
    ck_assert_uint_eq(f->w.park.n, n);
    ck_assert_uint_eq(flow_drops(f, DROP_unknown_unicast), dropped);
    ck_assert_uint_eq(flow_all_drops(f), dropped);
    flow_require_balance(f);
}

/* The next packet on the WAN is for this host. */
static void expect_on_wan(unsigned dst)
{
    int len = flow_take(f, PORT_WAN, got);

    ck_assert_int_gt(len, 50);
    ck_assert_mem_eq(got + 50, flow_mac(dst).b, 6);
}

static void expect_nothing(void)
{
    for (unsigned i = 0; i < N_PORTS; i++)
        ck_assert_uint_eq(flow_waiting(f, i), 0);
}

START_TEST(test_R8_2_answer_waits_for_the_route)
{
    answer(1, 9);
    flow_wait(f, PARK_US / 2);
    expect_waiting(1, 0);
    expect_nothing();
    flow_fdb(f, NET_WEB, flow_mac(8), DP_WHERE_VTEP, VTEP_1, false); /* another one's */
    flow_poll(f);
    expect_waiting(1, 0);
    flow_fdb(f, NET_WEB, flow_mac(9), DP_WHERE_VTEP, VTEP_1, false);
    flow_poll(f);
    expect_waiting(0, 0);
    expect_on_wan(9);
    expect_nothing();
    ck_assert_uint_eq(f->w.counters.totals.replicas, 0);
    ck_assert_uint_eq(f->w.counters.nets[NET_WEB].access_in[1].frames, 1);
    ck_assert_uint_eq(f->w.counters.nets[NET_WEB].wan_out[0].frames, 1);
}
END_TEST

START_TEST(test_R8_2_not_for_long)
{
    answer(1, 9);
    flow_wait(f, PARK_US - 1000);
    answer(2, 9);
    expect_waiting(2, 0);
    flow_wait(f, 2000);
    expect_waiting(1, 1);
    flow_wait(f, PARK_US);
    expect_waiting(0, 2);
    ck_assert_uint_eq(f->w.counters.ports[PORT_A].drops, 2);
    flow_fdb(f, NET_WEB, flow_mac(9), DP_WHERE_VTEP, VTEP_1, false);
    flow_poll(f);
    expect_nothing();
}
END_TEST

START_TEST(test_R8_2_in_order_and_with_others_in_between)
{
    answer(1, 9);
    answer(1, 8);
    answer(2, 9);
    flow_fdb(f, NET_WEB, flow_mac(9), DP_WHERE_VTEP, VTEP_2, false);
    flow_poll(f);
    expect_waiting(1, 0);
    expect_on_wan(9);
    ck_assert_mem_eq(got + 56, flow_mac(1).b, 6);
    expect_on_wan(9);
    ck_assert_mem_eq(got + 56, flow_mac(2).b, 6);
    flow_fdb(f, NET_WEB, flow_mac(8), DP_WHERE_VTEP, VTEP_1, false);
    flow_poll(f);
    expect_on_wan(8);
    expect_waiting(0, 0);
}
END_TEST

/* One that asks for many has a few places, all together what there is. */
START_TEST(test_R8_2_bounded)
{
    unsigned sources = PARK_MAX / PARK_PER_SOURCE;

    for (unsigned i = 0; i < 100; i++)
        answer(1, 100 + i);
    expect_waiting(PARK_PER_SOURCE, 100 - PARK_PER_SOURCE);
    answer(2, 99);
    expect_waiting(PARK_PER_SOURCE + 1, 100 - PARK_PER_SOURCE);
    flow_wait(f, PARK_US + 1);
    expect_waiting(0, 101);
    for (unsigned i = 0; i < PARK_MAX + 20; i++)
        answer(1 + i % (sources * 2), 99);
    expect_waiting(PARK_MAX, 121);
    flow_fdb(f, NET_WEB, flow_mac(99), DP_WHERE_VTEP, VTEP_1, false);
    flow_poll(f);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), PARK_MAX);
    expect_waiting(0, 121);
}
END_TEST

/* Other ports get it at once, and an answer (no other frame) waits for the WAN as well. */
START_TEST(test_R8_2_with_other_ports)
{
    f->nets[0].n_members = 2;
    flow_publish(f);
    flow_put(f, PORT_A, frame, flow_ipv4(frame, flow_mac(9), flow_mac(1), 100, 0, 1, 40));
    flow_poll(f);
    expect_waiting(0, 0);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 1);
    flow_discard(f);
    answer(1, 9);
    answer(1, 8);
    answer(1, 7);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 3);
    ck_assert_uint_eq(f->w.counters.totals.replicas, 0);
    flow_discard(f);
    flow_fdb(f, NET_WEB, flow_mac(9), DP_WHERE_VTEP, VTEP_1, false);
    flow_fdb(f, NET_WEB, flow_mac(8), DP_WHERE_PORT, PORT_B, false); /* it has had it */
    flow_poll(f);
    expect_on_wan(9);
    expect_nothing();
    ck_assert_uint_eq(f->w.counters.totals.replicas, 1);
    expect_waiting(1, 0);
    flow_wait(f, PARK_US + 1);
    expect_waiting(0, 0); /* host 7: no loss, it was flooded */
    expect_nothing();
}
END_TEST

/* The destination speaks at another port here: it is not in the FDB yet, and found all the same. */
START_TEST(test_R8_2_seen_but_not_decided)
{
    f->nets[0].members++; /* port B alone: nobody else to flood to */
    flow_publish(f);
    flow_put(f, PORT_B, frame, flow_ipv4(frame, flow_mac(9), flow_mac(1), 100, 0, 1, 40));
    flow_poll(f);
    expect_waiting(1, 0);
    f->nets[0].members--;
    f->nets[0].n_members = 2;
    flow_publish(f);
    flow_put(f, PORT_A, frame, arpnd_garp(frame, flow_mac(9), 9, 100));
    flow_poll(f);
    expect_waiting(0, 0);
    ck_assert_int_gt(flow_take(f, PORT_A, got), 0);
    ck_assert_mem_eq(got, flow_mac(9).b, 6);
}
END_TEST

START_TEST(test_R8_2_the_network_or_its_port_goes)
{
    answer(1, 9);
    f->topology.n_networks = 0;
    flow_publish(f);
    flow_fdb(f, NET_WEB, flow_mac(9), DP_WHERE_VTEP, VTEP_1, false);
    flow_poll(f);
    expect_waiting(1, 0);
    f->topology.n_networks = 2;
    f->nets[0].members++; /* port B instead */
    flow_publish(f);
    flow_fdb(f, NET_WEB, flow_mac(8), DP_WHERE_VTEP, VTEP_1, false);
    flow_poll(f);
    expect_waiting(1, 0);
    expect_nothing();
    flow_wait(f, PARK_US + 1);
    expect_waiting(0, 1);
}
END_TEST

/* Its buffer goes soon after, whatever the clock of a worker that does not run says. */
START_TEST(test_a_port_that_is_removed)
{
    struct rte_mempool *pool = f->w.ports[PORT_A].pool;

    answer(1, 9);
    answer(2, 8);
    expect_waiting(2, 0);
    flow_fdb(f, NET_WEB, flow_mac(9), DP_WHERE_VTEP, VTEP_1, false);
    f->w.ports[PORT_A].pool = NULL;
    flow_poll(f);
    expect_waiting(0, 2);
    ck_assert_uint_eq(f->w.counters.ports[PORT_A].drops, 2);
    expect_nothing();
    f->w.ports[PORT_A].pool = pool;
}
END_TEST

START_TEST(test_what_waits_at_the_end_is_given_back)
{
    answer(1, 9);
    ck_assert_uint_lt(rte_mempool_avail_count(f->ports[PORT_A].pool), f->ports[PORT_A].pool->size);
    park_fini(&f->w.park);
    ck_assert_uint_eq(rte_mempool_avail_count(f->ports[PORT_A].pool), f->ports[PORT_A].pool->size);
    f->w.counters.totals.drops[DROP_unknown_unicast]++; /* as far as the balance goes */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("park");
    TCase *t = tcase_create("park");

    flow_start_eal();
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_R8_2_answer_waits_for_the_route);
    tcase_add_test(t, test_R8_2_not_for_long);
    tcase_add_test(t, test_R8_2_in_order_and_with_others_in_between);
    tcase_add_test(t, test_R8_2_bounded);
    tcase_add_test(t, test_R8_2_with_other_ports);
    tcase_add_test(t, test_R8_2_seen_but_not_decided);
    tcase_add_test(t, test_R8_2_the_network_or_its_port_goes);
    tcase_add_test(t, test_a_port_that_is_removed);
    tcase_add_test(t, test_what_waits_at_the_end_is_given_back);
    suite_add_tcase(s, t);
    return run_suite(s);
}
