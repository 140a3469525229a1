/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Frames of the gateway itself: sent by order, and taken from the wire.
 */
#include "tests/flow/arpnd.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>

static struct flow *f;
static uint8_t frame[9216], packet[9300], got[9300];

static const struct mac own_mac = {{0x02, 0xcc, 0, 0, 0, 1}};

static void setup(void)
{
    f = flow_open(false);
}

static void teardown(void)
{
    struct dp_own_frame up;

    flow_discard(f);
    while (own_pop(&f->w.own, &up))
        ;
    flow_require_balance(f);
    flow_close(f);
}

static int order(struct own_order o, size_t len)
{
    return own_send(&f->w.own, f->ports[PORT_WAN].pool, f->ports[PORT_WAN].longest, o, frame, len);
}

static void send_now(struct own_order o, size_t len)
{
    ck_assert_int_eq(order(o, len), 0);
    flow_poll(f);
}

static struct own_order all_ports(dp_port_id except)
{
    return (struct own_order){.kind = OWN_TO_PORT, .net = NET_WEB, .target = DP_ALL_PORTS, .except = except};
}

static struct own_order as_host(void)
{
    return (struct own_order){.kind = OWN_FROM_OWN, .net = NET_WEB};
}

static void expect_at(unsigned port, uint16_t vlan, size_t len)
{
    int n = flow_take(f, port, got);

    ck_assert_int_eq(n, (int)(RTE_MAX(len, 60u) + (vlan ? 4 : 0)));
    ck_assert_mem_eq(got, frame, 12);
    if (vlan)
        ck_assert_uint_eq(got[14] << 8 | got[15], vlan);
    ck_assert_mem_eq(got + (vlan ? 16 : 12), frame + 12, len - 12);
    for (size_t i = len; i < 60; i++)
        ck_assert_uint_eq(got[i + (vlan ? 4 : 0)], 0);
}

static void expect_nothing(void)
{
    for (unsigned i = 0; i < N_PORTS; i++)
        ck_assert_uint_eq(flow_waiting(f, i), 0);
}

START_TEST(test_R6_3_out_by_access_ports)
{
    size_t len = arpnd_garp(frame, flow_mac(1), 1, FLOW_UNTAGGED);
    struct dp_event e;

    send_now(all_ports(DP_NO_PORT), len);
    expect_at(PORT_A, 100, len);
    expect_at(PORT_B, 100, len);
    expect_nothing(); /* not by the WAN */
    send_now(all_ports(PORT_A), len);
    expect_at(PORT_B, 100, len);
    expect_nothing();
    send_now((struct own_order){.kind = OWN_TO_PORT, .net = NET_DB, .target = PORT_B, .except = DP_NO_PORT},
             len);
    expect_at(PORT_B, 0, len); /* untagged there */
    send_now((struct own_order){.kind = OWN_TO_PORT, .net = NET_DB, .target = PORT_A, .except = DP_NO_PORT},
             len);
    expect_at(PORT_A, 200, len);
    expect_nothing();
    ck_assert(!flow_event(f, &e)); /* nothing is learned */
    ck_assert_uint_eq(f->w.counters.totals.originated, 4);
    ck_assert_uint_eq(f->w.counters.totals.replicas, 1);
    ck_assert_uint_eq(flow_all_drops(f), 0);
}
END_TEST

/* The order was given when the MAC was elsewhere: by the port where it is now no switch may relearn it. */
START_TEST(test_R6_3_never_by_the_port_the_mac_has_come_to)
{
    static const struct own_order to_b = {.kind = OWN_TO_PORT, .net = NET_WEB, .target = PORT_B};
    size_t len = arpnd_garp(frame, flow_mac(1), 1, FLOW_UNTAGGED);

    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_PORT, PORT_B, false);
    send_now(all_ports(DP_NO_PORT), len);
    expect_at(PORT_A, 100, len);
    send_now(all_ports(PORT_A), len); /* where it was: it must be told there now */
    expect_at(PORT_A, 100, len);
    send_now(to_b, len);
    expect_nothing();
    ck_assert_uint_eq(flow_drops(f, DROP_source_here), 1);
    f->nets[0].members++;
    f->nets[0].n_members = 1; /* nothing but port B */
    flow_publish(f);
    send_now(all_ports(DP_NO_PORT), len);
    ck_assert_uint_eq(flow_drops(f, DROP_source_here), 2);
    expect_nothing();
    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_VTEP, VTEP_1, false);
    send_now(to_b, len);
    expect_at(PORT_B, 100, len);
    /* from another MAC it goes there all the same (R6.4) */
    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_PORT, PORT_B, false);
    flow_fdb(f, NET_WEB, own_mac, DP_WHERE_PORT, DP_OWN_PORT, true);
    len = arpnd_garp(frame, own_mac, 1, FLOW_UNTAGGED);
    send_now(to_b, len);
    expect_at(PORT_B, 100, len);
    expect_nothing();
}
END_TEST

/* The worker has seen it come, and the control thread does not know it yet. */
START_TEST(test_R6_3_nor_to_which_it_has_come_just_now)
{
    size_t len;

    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_VTEP, VTEP_1, false);
    flow_put(f, PORT_B, frame, arpnd_rarp(frame, flow_mac(1), 100));
    flow_poll(f);
    flow_discard(f);
    len = arpnd_garp(frame, flow_mac(1), 1, FLOW_UNTAGGED);
    send_now(all_ports(DP_NO_PORT), len);
    expect_at(PORT_A, 100, len);
    expect_nothing();
    /* decided: it has gone on meanwhile */
    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_VTEP, VTEP_2, false);
    send_now(all_ports(DP_NO_PORT), len);
    expect_at(PORT_A, 100, len);
    expect_at(PORT_B, 100, len);
    expect_nothing();
}
END_TEST

START_TEST(test_lengths)
{
    static const struct own_order to_a = {.kind = OWN_TO_PORT, .net = NET_WEB, .target = PORT_A};

    memset(frame, 0x5a, sizeof(frame));
    memcpy(frame, arpnd_broadcast.b, 6);
    for (size_t len = 14; len <= 1514; len++) {
        send_now(to_a, len);
        expect_at(PORT_A, 100, len);
    }
    for (size_t len = 0; len < 14; len++)
        ck_assert_int_eq(order(to_a, len), -EINVAL);
    ck_assert_int_eq(order(to_a, 9000), -EINVAL); /* no buffer is that long */
    ck_assert_int_eq(order(to_a, 70000), -EINVAL);
    send_now(to_a, 1515);
    ck_assert_uint_eq(flow_drops(f, DROP_port_mtu), 1);
    expect_nothing();
}
END_TEST

START_TEST(test_to_one_vtep)
{
    size_t len = flow_eth(frame, DP_OAM_MAC, own_mac, FLOW_UNTAGGED, DP_OAM_ETHERTYPE, "ping", 4);

    send_now((struct own_order){.kind = OWN_TO_VTEP, .net = NET_DB, .target = VTEP_1}, len);
    ck_assert_int_eq(flow_take(f, PORT_WAN, got), 50 + 60);
    ck_assert_uint_eq(got[33], 2);                 /* VTEP 1 */
    ck_assert_mem_eq(got + 46, "\x00\x27\xd8", 3); /* VNI of db */
    ck_assert_mem_eq(got + 50, frame, len);
    expect_nothing();
    f->vteps[0].resolved = false;
    flow_publish(f);
    send_now((struct own_order){.kind = OWN_TO_VTEP, .net = NET_DB, .target = VTEP_1}, len);
    ck_assert_uint_eq(flow_drops(f, DROP_vtep_unresolved), 1);
    send_now((struct own_order){.kind = OWN_TO_VTEP, .net = NET_DB, .target = 900}, len);
    ck_assert_uint_eq(flow_drops(f, DROP_vtep_unresolved), 2);
}
END_TEST

/* The topology changed between the order and its turn. */
START_TEST(test_orders_for_what_is_gone)
{
    size_t len = arpnd_garp(frame, flow_mac(1), 1, FLOW_UNTAGGED);
    struct own_order o = all_ports(DP_NO_PORT);

    o.net = 9;
    send_now(o, len);
    o.net = 4000;
    send_now(o, len);
    f->nets[0].n_members = 1;
    flow_publish(f);
    send_now((struct own_order){.kind = OWN_TO_PORT, .net = NET_WEB, .target = PORT_B}, len);
    send_now(all_ports(PORT_A), len);
    ck_assert_uint_eq(flow_drops(f, DROP_no_target), 4);
    ck_assert_uint_eq(flow_all_drops(f), 4);
    expect_nothing();
}
END_TEST

START_TEST(test_orders_are_bounded)
{
    size_t len = arpnd_garp(frame, flow_mac(1), 1, FLOW_UNTAGGED);
    unsigned n = 0;

    while (order(all_ports(PORT_B), len) == 0)
        n++;
    ck_assert_int_eq(order(all_ports(PORT_B), len), -ENOBUFS);
    ck_assert_uint_eq(n, rte_ring_get_capacity(f->w.own.down));
    for (unsigned left = n; left > 0;) {
        unsigned served = worker_poll(&f->w);

        ck_assert_uint_le(served, WORKER_BURST);
        ck_assert_uint_gt(served, 0);
        flow_discard(f);
        left -= served;
    }
    ck_assert_uint_eq(f->w.counters.totals.originated, n);
    /* What nobody serves is given back at the end. */
    ck_assert_int_eq(order(all_ports(PORT_B), len), 0);
    own_fini(&f->w.own);
    ck_assert_int_eq(own_init(&f->w.own, f), 0);
    for (unsigned i = 0; i < N_PORTS; i++)
        ck_assert_uint_eq(rte_mempool_avail_count(f->ports[i].pool), f->ports[i].pool->size);
}
END_TEST

/* As a host of the network: the FDB decides, R8.2 and R8.3 hold. */
START_TEST(test_R8_2_R8_3_as_a_host_of_our_own)
{
    size_t len;
    struct dp_event e;

    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_PORT, PORT_A, false);
    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_2, false);
    len = flow_ipv4(frame, flow_mac(1), own_mac, FLOW_UNTAGGED, 0, 1, 40);
    send_now(as_host(), len);
    expect_at(PORT_A, 100, len);
    len = flow_ipv4(frame, flow_mac(2), own_mac, FLOW_UNTAGGED, 0, 1, 40);
    send_now(as_host(), len);
    ck_assert_int_eq(flow_take(f, PORT_WAN, got), 50 + (int)len);
    expect_nothing();
    /* a broadcast goes everywhere */
    len = arpnd_request(frame, own_mac, 1, 2, FLOW_UNTAGGED);
    send_now(as_host(), len);
    ck_assert(flow_waiting(f, PORT_A) == 1 && flow_waiting(f, PORT_B) == 1 && flow_waiting(f, PORT_WAN) == 2);
    flow_discard(f);
    /* unknown: not over the WAN */
    len = flow_ipv4(frame, flow_mac(9), own_mac, FLOW_UNTAGGED, 0, 1, 40);
    send_now(as_host(), len);
    ck_assert(flow_waiting(f, PORT_A) == 1 && flow_waiting(f, PORT_B) == 1 && flow_waiting(f, PORT_WAN) == 0);
    flow_discard(f);
    f->nets[0].limit_broadcast = 0;
    flow_publish(f);
    len = arpnd_request(frame, own_mac, 1, 2, FLOW_UNTAGGED);
    send_now(as_host(), len);
    ck_assert_uint_eq(flow_drops(f, DROP_limit_broadcast), 1);
    /* refused like anybody's */
    len = flow_ipv4(frame, flow_mac(1), arpnd_broadcast, FLOW_UNTAGGED, 0, 1, 40);
    send_now(as_host(), len);
    ck_assert_uint_eq(flow_drops(f, DROP_src_invalid), 1);
    len = flow_ipv4(frame, flow_mac(1), own_mac, 7, 0, 1, 40);
    send_now(as_host(), len);
    ck_assert_uint_eq(flow_drops(f, DROP_inner_tagged), 1);
    flow_fdb(f, NET_WEB, own_mac, DP_WHERE_PORT, PORT_B, true);
    len = flow_ipv4(frame, flow_mac(1), own_mac, FLOW_UNTAGGED, 0, 1, 40);
    send_now(as_host(), len);
    ck_assert_uint_eq(flow_drops(f, DROP_src_static), 1);
    expect_nothing();
    ck_assert(!flow_event(f, &e));
}
END_TEST

START_TEST(test_a_host_at_our_own_port)
{
    struct flow_outer o = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08};
    struct dp_own_frame up;
    mono_t before = mono_now();
    size_t len;

    flow_fdb(f, NET_WEB, own_mac, DP_WHERE_PORT, DP_OWN_PORT, false);
    len = flow_ipv4(frame, own_mac, flow_mac(1), 100, 0, 1, 40);
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    ck_assert(own_pop(&f->w.own, &up));
    ck_assert(up.net == NET_WEB && up.from == DP_WHERE_PORT && up.source == PORT_A && up.len == len - 4);
    ck_assert(up.at.ns >= before.ns && up.at.ns <= mono_now().ns);
    ck_assert_mem_eq(up.data, frame, 12);
    ck_assert_mem_eq(up.data + 12, frame + 16, len - 16);
    /* longer than what is kept */
    len = flow_ipv4(frame, own_mac, flow_mac(5), FLOW_UNTAGGED, 0, 1, 1400);
    flow_put(f, PORT_WAN, packet, flow_wrap(f, packet, o, frame, len));
    flow_poll(f);
    ck_assert(own_pop(&f->w.own, &up));
    ck_assert(up.from == DP_WHERE_VTEP && up.source == VTEP_1 && up.len == len);
    ck_assert_mem_eq(up.data, frame, DP_OWN_SNAP);
    ck_assert(!own_pop(&f->w.own, &up));
    ck_assert_uint_eq(f->w.counters.totals.taken, 2);
    expect_nothing();
    /* what it sends marks it as seen; what is flooded does not reach it */
    fdb_find(&f->fdb, fdb_key(NET_WEB, own_mac.b))->seen_ms = 0;
    send_now(as_host(), arpnd_garp(frame, own_mac, 1, FLOW_UNTAGGED));
    ck_assert_uint_ne(fdb_find(&f->fdb, fdb_key(NET_WEB, own_mac.b))->seen_ms, 0);
    flow_put(f, PORT_A, frame, arpnd_garp(frame, flow_mac(1), 1, 100));
    flow_poll(f);
    ck_assert(!own_pop(&f->w.own, &up));
    /* to itself: the beginning of a rehearsal */
    send_now(as_host(), flow_ipv4(frame, own_mac, own_mac, FLOW_UNTAGGED, 0, 1, 40));
    ck_assert(own_pop(&f->w.own, &up));
    ck_assert(up.from == DP_WHERE_PORT && up.source == DP_OWN_PORT);
    ck_assert_uint_eq(flow_drops(f, DROP_same_port), 0);
}
END_TEST

static void oam_from_wan(unsigned vtep, uint32_t vni)
{
    struct flow_outer o = {.vtep = vtep, .vni = vni, .flags = 0x08};
    size_t len = flow_eth(frame, DP_OAM_MAC, flow_mac(5), FLOW_UNTAGGED, DP_OAM_ETHERTYPE, "hello", 5);

    flow_put(f, PORT_WAN, packet, flow_wrap(f, packet, o, frame, len));
    flow_poll(f);
}

/* Frames of one host to us, until n of them were dropped by this name. */
static void crowd(enum drop_reason reason, unsigned n)
{
    size_t len = flow_ipv4(frame, own_mac, flow_mac(1), 100, 0, 1, 40);
    uint64_t before = flow_drops(f, reason);

    flow_fdb(f, NET_WEB, own_mac, DP_WHERE_PORT, DP_OWN_PORT, false);
    while (flow_drops(f, reason) < before + n) {
        flow_put(f, PORT_A, frame, len);
        flow_poll(f);
    }
}

START_TEST(test_frames_for_us_are_bounded)
{
    struct dp_own_frame up;
    unsigned n = 0;

    crowd(DROP_own_full, 10);
    ck_assert_uint_eq(f->w.counters.totals.taken, rte_ring_get_capacity(f->w.own.up));
    while (own_pop(&f->w.own, &up))
        n++;
    ck_assert_uint_eq(n, rte_ring_get_capacity(f->w.own.up));
    for (unsigned i = 0; i < rte_ring_get_capacity(f->w.own.oam) + 10; i++)
        oam_from_wan(VTEP_1, VNI_WEB);
    ck_assert_uint_eq(flow_drops(f, DROP_oam_full), 10);
}
END_TEST

/* However fast they come, and however fast we take them. */
START_TEST(test_frames_for_us_have_a_limit_by_port)
{
    struct dp_own_frame up;
    size_t len;
    mono_t begin = mono_now();
    double seconds;

    crowd(DROP_own_limit, 2000);
    while (own_pop(&f->w.own, &up))
        ;
    crowd(DROP_own_limit, 2000);
    seconds = (double)(mono_now().ns - begin.ns) / 1e9;
    ck_assert_double_le((double)f->w.counters.totals.taken, OWN_LIMIT * seconds + OWN_LIMIT / 10.0 + 1);
    /* another port has its own */
    while (own_pop(&f->w.own, &up))
        ;
    len = flow_ipv4(frame, own_mac, flow_mac(2), 100, 0, 1, 40);
    flow_put(f, PORT_B, frame, len);
    flow_poll(f);
    ck_assert(own_pop(&f->w.own, &up));
    ck_assert_uint_eq(up.source, PORT_B);
}
END_TEST

START_TEST(test_hosts_do_not_crowd_out_gateways)
{
    struct dp_own_frame up;

    crowd(DROP_own_limit, 1);
    crowd(DROP_own_full, 1);
    oam_from_wan(VTEP_1, VNI_WEB);
    oam_from_wan(VTEP_2, VNI_WEB);
    for (unsigned i = 0; i < 2; i++) { /* and they come first */
        ck_assert(own_pop(&f->w.own, &up));
        ck_assert(up.from == DP_WHERE_VTEP && up.source == VTEP_1 + i);
    }
    ck_assert(own_pop(&f->w.own, &up));
    ck_assert(up.from == DP_WHERE_PORT);
    ck_assert_uint_eq(flow_drops(f, DROP_oam_full), 0);
}
END_TEST

START_TEST(test_frames_between_gateways)
{
    struct dp_own_frame up;
    struct dp_event e;
    struct mac oam = DP_OAM_MAC;
    size_t len;

    oam_from_wan(VTEP_2, VNI_WEB); /* learning is on there */
    ck_assert(own_pop(&f->w.own, &up));
    ck_assert(up.net == NET_WEB && up.from == DP_WHERE_VTEP && up.source == VTEP_2 && up.len == 19);
    ck_assert_mem_eq(up.data, frame, 19);
    ck_assert(!flow_event(f, &e));
    flow_fdb(f, NET_WEB, oam, DP_WHERE_PORT, PORT_A, false); /* whatever the FDB says */
    oam_from_wan(VTEP_1, VNI_WEB);
    ck_assert(own_pop(&f->w.own, &up));
    ck_assert_uint_eq(f->w.counters.vteps[VTEP_1].rx.frames, 1);
    /* only from VTEPs of the network (R1.9) */
    oam_from_wan(VTEP_2, VNI_DB);
    oam_from_wan(VTEP_FOREIGN, VNI_WEB);
    ck_assert_uint_eq(flow_drops(f, DROP_vtep_unknown), 2);
    ck_assert(!own_pop(&f->w.own, &up));
    /* from a site it is nobody's */
    flow_put(f, PORT_A, frame, flow_eth(frame, oam, flow_mac(6), 100, DP_OAM_ETHERTYPE, "hello", 5));
    flow_poll(f);
    ck_assert_uint_eq(flow_drops(f, DROP_gateway_frame), 1);
    ck_assert(!flow_event(f, &e)); /* and teaches nothing */
    send_now(as_host(), flow_eth(frame, oam, own_mac, FLOW_UNTAGGED, DP_OAM_ETHERTYPE, "hello", 5));
    ck_assert_uint_eq(flow_drops(f, DROP_gateway_frame), 2);
    expect_nothing();
    /* the group alone, or the type alone, is a frame like others */
    len = flow_eth(frame, oam, flow_mac(6), 100, 0x88b5, "hello", 5);
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 1);
    flow_discard(f);
    flow_put(f, PORT_A, frame, flow_eth(frame, flow_mac(9), flow_mac(6), 100, DP_OAM_ETHERTYPE, "hello", 5));
    flow_poll(f);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 1);
    ck_assert(!own_pop(&f->w.own, &up));
    ck_assert_uint_eq(flow_all_drops(f), 4);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("own");
    TCase *t = tcase_create("own");

    flow_start_eal();
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_R6_3_out_by_access_ports);
    tcase_add_test(t, test_R6_3_never_by_the_port_the_mac_has_come_to);
    tcase_add_test(t, test_R6_3_nor_to_which_it_has_come_just_now);
    tcase_add_test(t, test_lengths);
    tcase_add_test(t, test_to_one_vtep);
    tcase_add_test(t, test_orders_for_what_is_gone);
    tcase_add_test(t, test_orders_are_bounded);
    tcase_add_test(t, test_R8_2_R8_3_as_a_host_of_our_own);
    tcase_add_test(t, test_a_host_at_our_own_port);
    tcase_add_test(t, test_frames_for_us_are_bounded);
    tcase_add_test(t, test_frames_for_us_have_a_limit_by_port);
    tcase_add_test(t, test_hosts_do_not_crowd_out_gateways);
    tcase_add_test(t, test_frames_between_gateways);
    suite_add_tcase(s, t);
    return run_suite(s);
}
