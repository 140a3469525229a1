/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Proxy ARP and ND (R7.2). Host n has MAC flow_mac(n), 10.0.0.n and fd00:10::n. Host 1 asks, at port A; hosts
 * 2 and 4 are behind VTEP 1, 3 is at port B, 5 at port A, 6 is flooded, 7 is known to the proxy alone, and of
 * host 8 nothing is known.
 */
#include "tests/flow/arpnd.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>

static struct flow *f;
static uint8_t frame[9216], packet[9300], got[9216];

static void bind(uint8_t ip, unsigned mac, uint8_t flags)
{
    struct ipaddr ip4 = arpnd_ip4(ip), ip6 = arpnd_ip6(ip);
    struct neigh_entry e = {flow_mac(mac), flags};

    ck_assert_int_eq(neigh_set(&f->neigh, NET_WEB, &ip4, e), 0);
    ck_assert_int_eq(neigh_set(&f->neigh, NET_WEB, &ip6, e), 0);
}

static void unbind(uint8_t ip)
{
    struct ipaddr ip4 = arpnd_ip4(ip);

    ck_assert_int_eq(neigh_del(&f->neigh, NET_WEB, &ip4), 0);
}

static void setup(void)
{
    static const enum dp_where where[] = {DP_WHERE_PORT, DP_WHERE_VTEP, DP_WHERE_PORT,
                                          DP_WHERE_VTEP, DP_WHERE_PORT, DP_WHERE_FLOOD};
    static const uint16_t target[] = {PORT_A, VTEP_1, PORT_B, VTEP_1, PORT_A, 0};

    f = flow_open(false);
    f->nets[0].proxy = true;
    flow_publish(f);
    for (uint8_t i = 1; i <= 7; i++) {
        if (i <= 6)
            flow_fdb(f, NET_WEB, flow_mac(i), where[i - 1], target[i - 1], false);
        bind(i, i, DP_NEIGH_OVERRIDE);
    }
}

static void teardown(void)
{
    flow_end(f);
}

static void put(unsigned port, size_t len)
{
    flow_put(f, port, frame, len);
    flow_poll(f);
}

static const struct dp_net_counters *web(void)
{
    return &f->w.counters.nets[NET_WEB];
}

static uint64_t answered(void)
{
    return web()->proxy_arp + web()->proxy_nd;
}

static void expect_nothing(void)
{
    for (unsigned i = 0; i < N_PORTS; i++)
        ck_assert_uint_eq(flow_waiting(f, i), 0);
}

/* It was answered: one frame, by the port it came from. */
static int expect_answer(size_t len)
{
    uint64_t before = answered();
    int n;

    put(PORT_A, len);
    ck_assert_uint_eq(answered(), before + 1);
    n = flow_take(f, PORT_A, got);
    ck_assert_int_gt(n, 0);
    expect_nothing();
    return n;
}

/* It passed as if there were no proxy: flooded, or to one MAC. */
static void expect_passes(size_t len)
{
    uint64_t before = answered();
    unsigned out = 0;

    put(PORT_A, len);
    ck_assert_uint_eq(answered(), before);
    ck_assert_uint_eq(flow_waiting(f, PORT_A), 0);
    for (unsigned i = 0; i < N_PORTS; i++)
        out += flow_waiting(f, i);
    ck_assert_uint_gt(out, 0);
    flow_discard(f);
}

START_TEST(test_R7_2_arp_answer)
{
    size_t len = arpnd_request(frame, flow_mac(1), 1, 2, 100);
    static const uint8_t zero[18];

    ck_assert_int_eq(expect_answer(len), 64);
    ck_assert_mem_eq(got, flow_mac(1).b, 6);
    ck_assert_mem_eq(got + 6, flow_mac(2).b, 6);
    ck_assert_mem_eq(got + 12, "\x81\x00\x00\x64\x08\x06\x00\x01\x08\x00\x06\x04\x00\x02", 14);
    ck_assert_mem_eq(got + 26, flow_mac(2).b, 6);
    ck_assert_mem_eq(got + 32, "\x0a\x00\x00\x02", 4);
    ck_assert_mem_eq(got + 36, flow_mac(1).b, 6);
    ck_assert_mem_eq(got + 42, "\x0a\x00\x00\x01", 4);
    ck_assert_mem_eq(got + 46, zero, 18);
    ck_assert_uint_eq(web()->proxy_arp, 1);
    ck_assert_uint_eq(web()->access_in[1].frames, 1);
    ck_assert_uint_eq(web()->access_in[1].bytes, len - 4);
    ck_assert_uint_eq(web()->access_out[0].frames, 1);
    ck_assert_uint_eq(f->w.counters.totals.taken, 1);
    ck_assert_uint_eq(f->w.counters.totals.originated, 1);
    ck_assert_uint_eq(flow_all_drops(f), 0);
    /* behind another port of ours; whatever follows the request in its frame is not sent back */
    for (size_t extra = 0; extra < 1400; extra += 7) {
        len = arpnd_request(frame, flow_mac(1), 1, 3, 100);
        memset(frame + len, 0xee, extra);
        ck_assert_int_eq(expect_answer(len + extra), 64);
        ck_assert_mem_eq(got + 6, flow_mac(3).b, 6);
        ck_assert_mem_eq(got + 46, zero, 18);
    }
}
END_TEST

/* RFC 9161 section 3.3 c: one that is about to take another host's address is told so. */
START_TEST(test_R7_2_arp_probe)
{
    static const uint8_t nobody[4];
    struct dp_event e;

    expect_answer(arpnd_request(frame, flow_mac(9), 0, 2, 100));
    ck_assert_mem_eq(got, flow_mac(9).b, 6);
    ck_assert_mem_eq(got + 26, flow_mac(2).b, 6);
    ck_assert_mem_eq(got + 32, "\x0a\x00\x00\x02", 4);
    ck_assert_mem_eq(got + 36, flow_mac(9).b, 6);
    ck_assert_mem_eq(got + 42, nobody, 4); /* RFC 826: as it asked */
    while (flow_event(f, &e))              /* R7.1: nobody has 0.0.0.0 */
        ck_assert_int_eq(e.type, DP_EVENT_SOURCE);
    expect_passes(arpnd_request(frame, flow_mac(2), 0, 2, 100)); /* the owner's own, come to this site */
    expect_passes(arpnd_request(frame, flow_mac(9), 0, 5, 100)); /* its host is on the same port */
    expect_passes(arpnd_request(frame, flow_mac(9), 0, 8, 100)); /* not known */
    expect_passes(arpnd_request(frame, flow_mac(9), 0, 0, 100)); /* for nothing */
}
END_TEST

START_TEST(test_R7_2_untagged_and_another_network)
{
    struct ipaddr ip = arpnd_ip4(2);

    put(PORT_B, arpnd_request(frame, flow_mac(9), 9, 2, FLOW_UNTAGGED)); /* db has no proxy */
    ck_assert_uint_eq(flow_waiting(f, PORT_A), 1);
    flow_discard(f);
    f->nets[1].proxy = true;
    flow_publish(f);
    put(PORT_B, arpnd_request(frame, flow_mac(9), 9, 2, FLOW_UNTAGGED)); /* and knows no such IP */
    ck_assert_uint_eq(flow_waiting(f, PORT_A), 1);
    flow_discard(f);
    flow_fdb(f, NET_DB, flow_mac(2), DP_WHERE_VTEP, VTEP_1, false);
    ck_assert_int_eq(neigh_set(&f->neigh, NET_DB, &ip, (struct neigh_entry){flow_mac(2), 0}), 0);
    put(PORT_B, arpnd_request(frame, flow_mac(9), 9, 2, FLOW_UNTAGGED));
    ck_assert_int_eq(flow_take(f, PORT_B, got), 60);
    ck_assert_mem_eq(got + 12, "\x08\x06", 2);
    expect_nothing();
}
END_TEST

START_TEST(test_R7_2_arp_that_passes)
{
    struct arpnd_arp a = {.dst = arpnd_broadcast,
                          .src = flow_mac(1),
                          .sender = flow_mac(1),
                          .vlan = 100,
                          .op = 1,
                          .sender_ip = arpnd_ip4(1),
                          .target_ip = arpnd_ip4(2)};
    size_t len = arpnd_arp(frame, &a);

    expect_answer(len);
    expect_passes(arpnd_garp(frame, flow_mac(1), 2, 100));       /* announcements always */
    expect_passes(arpnd_request(frame, flow_mac(1), 1, 5, 100)); /* on the asker's own port */
    expect_passes(arpnd_request(frame, flow_mac(1), 9, 1, 100)); /* the owner itself */
    expect_passes(arpnd_request(frame, flow_mac(1), 1, 6, 100)); /* its place is not known */
    expect_passes(arpnd_request(frame, flow_mac(1), 1, 7, 100)); /* nor this one's */
    expect_passes(arpnd_request(frame, flow_mac(1), 1, 8, 100)); /* not known at all */
    expect_passes(arpnd_request(frame, flow_mac(1), 1, 0, 100));
    a.op = 2;
    expect_passes(arpnd_arp(frame, &a)); /* an answer */
    a.op = 1;
    a.dst = flow_mac(2); /* is that host still there? Only it can say. */
    expect_passes(arpnd_arp(frame, &a));
    a.dst = arpnd_broadcast;
    a.sender = flow_mac(9); /* speaks for another */
    expect_passes(arpnd_arp(frame, &a));
    a.sender = flow_mac(1);
    for (unsigned i = 14; i < 20; i++) { /* of another kind */
        arpnd_arp(frame, &a);
        frame[i + 4] ^= 0x10;
        expect_passes(len);
    }
    arpnd_arp(frame, &a);
    expect_passes(len - 1);
    expect_answer(arpnd_arp(frame, &a));
    f->nets[0].proxy = false;
    flow_publish(f);
    expect_passes(arpnd_arp(frame, &a));
}
END_TEST

START_TEST(test_R7_2_unknown_within_the_broadcast_limit)
{
    f->nets[0].limit_broadcast = 1;
    flow_publish(f);
    for (unsigned i = 0; i < 30; i++) {
        put(PORT_A, arpnd_request(frame, flow_mac(1), 1, 8, 100));
        flow_discard(f);
    }
    ck_assert_uint_eq(flow_drops(f, DROP_limit_broadcast), 20);
    for (unsigned i = 0; i < 30; i++) /* answers take nothing of it */
        expect_answer(arpnd_request(frame, flow_mac(1), 1, 2, 100));
}
END_TEST

START_TEST(test_R7_2_never_from_the_wan)
{
    struct flow_outer o = {.vtep = VTEP_2, .vni = VNI_WEB, .flags = 0x08};
    size_t len = arpnd_request(frame, flow_mac(9), 9, 3, FLOW_UNTAGGED);

    flow_put(f, PORT_WAN, packet, flow_wrap(f, packet, o, frame, len));
    flow_poll(f);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 0);
    ck_assert_uint_eq(flow_waiting(f, PORT_A), 1);
    ck_assert_uint_eq(answered(), 0);
}
END_TEST

/* R7.1: the asker is learned from all the same. */
START_TEST(test_R7_1_the_asker_is_reported)
{
    struct ipaddr ip = arpnd_ip4(1);
    struct dp_event e;

    expect_answer(arpnd_request(frame, flow_mac(1), 1, 2, 100));
    ck_assert(flow_event(f, &e) && e.type == DP_EVENT_NEIGHBOUR && ipaddr_eq(&e.ip, &ip));
    ck_assert(!flow_event(f, &e));
    expect_answer(arpnd_ns(frame, flow_mac(1), 1, 2, 100)); /* but never from an NS */
    ck_assert(!flow_event(f, &e));
}
END_TEST

/* R7.5: where the proxy still names another MAC, or none any more, a claim is told again soon. */
START_TEST(test_R7_5_a_disputed_ip_is_told_soon)
{
    mono_t begin = mono_now();
    struct dp_event e;
    unsigned told = 0;

    if (_i)
        unbind(2);
    put(PORT_A, arpnd_garp(frame, flow_mac(1), 2, 100)); /* host 2 has it, says the proxy */
    ck_assert(flow_event(f, &e));
    do {
        put(PORT_A, arpnd_garp(frame, flow_mac(1), 2, 100));
        flow_discard(f);
        told = flow_event(f, &e);
    } while (!told && mono_now().ns - begin.ns < 5000000000u);
    ck_assert_uint_lt(mono_now().ns - begin.ns, 500000000u);
    bind(2, 1, 0);
    put(PORT_A, arpnd_garp(frame, flow_mac(1), 2, 100));
    ck_assert(!flow_event(f, &e));
}
END_TEST

static void expect_na(int len, struct mac dst, const struct ipaddr *dst_ip, uint8_t host, uint8_t flags)
{
    struct ipaddr target = arpnd_ip6(host);

    ck_assert_int_eq(len, 90);
    ck_assert_mem_eq(got, dst.b, 6);
    ck_assert_mem_eq(got + 6, flow_mac(host).b, 6);
    ck_assert_mem_eq(got + 12, "\x81\x00\x00\x64\x86\xdd\x60\x00\x00\x00\x00\x20\x3a\xff", 14);
    ck_assert_mem_eq(got + 26, target.b, 16);
    ck_assert_mem_eq(got + 42, dst_ip->b, 16);
    ck_assert_mem_eq(got + 58, "\x88\x00", 2);
    ck_assert_uint_eq(got[62], flags);
    ck_assert_mem_eq(got + 63, "\0\0\0", 3);
    ck_assert_mem_eq(got + 66, target.b, 16);
    ck_assert_mem_eq(got + 82, "\x02\x01", 2);
    ck_assert_mem_eq(got + 84, flow_mac(host).b, 6);
    ck_assert(arpnd_checksum_ok(got + 4));
}

START_TEST(test_R7_2_nd_answer)
{
    struct ipaddr asker = arpnd_ip6(1), all_nodes = {6, {0xff, 2, [15] = 1}};

    expect_na(expect_answer(arpnd_ns(frame, flow_mac(1), 1, 2, 100)), flow_mac(1), &asker, 2, 0x60);
    bind(4, 4, DP_NEIGH_ROUTER);
    expect_na(expect_answer(arpnd_ns(frame, flow_mac(1), 1, 4, 100)), flow_mac(1), &asker, 4, 0xc0);
    bind(4, 4, 0);
    expect_na(expect_answer(arpnd_ns(frame, flow_mac(1), 1, 4, 100)), flow_mac(1), &asker, 4, 0x40);
    /* one that looks for a duplicate (RFC 4861 section 7.2.4) */
    expect_na(expect_answer(arpnd_ns(frame, flow_mac(1), 0, 2, 100)), arpnd_all_nodes, &all_nodes, 2, 0x20);
    ck_assert_uint_eq(web()->proxy_nd, 4);
    ck_assert_uint_eq(f->w.counters.totals.taken, 4);
}
END_TEST

START_TEST(test_R7_2_nd_that_passes)
{
    uint8_t option[8] = {1, 1, 2, 0, 0, 0, 0, 1};
    struct arpnd_nd n = {.src = flow_mac(1),
                         .vlan = 100,
                         .type = 135,
                         .src_ip = arpnd_ip6(1),
                         .target = arpnd_ip6(2),
                         .options = option,
                         .options_len = 8};
    struct arpnd_nd bad;

    n.dst_ip = arpnd_solicited(&n.target);
    n.dst = arpnd_group(&n.dst_ip);
    expect_answer(arpnd_nd(frame, &n));
    n.dst_ip = n.target; /* asks everybody for a unicast address: odd, but sound */
    expect_answer(arpnd_nd(frame, &n));
    bad = n;
    bad.dst = flow_mac(2); /* is that host still there? */
    expect_passes(arpnd_nd(frame, &bad));
    bad = n;
    bad.dst_ip = arpnd_ip6(3); /* asks another */
    expect_passes(arpnd_nd(frame, &bad));
    bad.dst_ip = (struct ipaddr){6, {0xff, 2, [15] = 1}};
    expect_passes(arpnd_nd(frame, &bad));
    bad = n;
    bad.src_ip = (struct ipaddr){6, {0xff, 2, [15] = 1}}; /* nobody's address */
    expect_passes(arpnd_nd(frame, &bad));
    bad = n;
    bad.target = (struct ipaddr){6, {0xff, 2, [15] = 2}};
    expect_passes(arpnd_nd(frame, &bad));
    bad = n;
    bad.src_ip = arpnd_ip6(0); /* looks for a duplicate, but to a unicast address, or with an option */
    expect_passes(arpnd_nd(frame, &bad));
    bad.dst_ip = arpnd_solicited(&n.target);
    expect_passes(arpnd_nd(frame, &bad));
    expect_passes(arpnd_ns(frame, flow_mac(1), 1, 5, 100)); /* on the asker's own port */
    expect_passes(arpnd_ns(frame, flow_mac(1), 9, 1, 100)); /* the owner itself, */
    expect_passes(arpnd_ns(frame, flow_mac(1), 0, 1, 100)); /* its own DAD, too */
    expect_passes(arpnd_ns(frame, flow_mac(1), 1, 7, 100));
    expect_passes(arpnd_ns(frame, flow_mac(1), 1, 8, 100));
    expect_passes(arpnd_unsolicited_na(frame, flow_mac(1), 2, 100));
    option[7] = 9; /* link-layer address of another */
    expect_passes(arpnd_nd(frame, &n));
    option[7] = 1;
    option[1] = 0;
    expect_passes(arpnd_nd(frame, &n));
    option[1] = 2;
    expect_passes(arpnd_nd(frame, &n));
    option[1] = 1;
    n.options_len = 7;
    expect_passes(arpnd_nd(frame, &n));
    n.options_len = 0; /* none: the frame says who asks */
    ck_assert_int_eq(expect_answer(arpnd_nd(frame, &n)), 90);
    option[0] = 14; /* a nonce (RFC 7527), of no interest */
    n.options_len = 8;
    expect_answer(arpnd_nd(frame, &n));
}
END_TEST

/* Any single bit changed: not answered, but for the few that mean nothing here. */
START_TEST(test_R7_2_nd_damaged)
{
    size_t len = arpnd_ns(frame, flow_mac(1), 1, 2, 100);

    for (size_t bit = 18 * 8; bit < len * 8; bit++) {
        uint64_t before = answered();
        bool ignored = bit >= 18 * 8 + 4 && bit < 22 * 8; /* traffic class, flow label */

        frame[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        put(PORT_A, len);
        flow_discard(f);
        ck_assert_msg(answered() == before + ignored, "bit %zu of byte %zu", bit % 8, bit / 8);
        frame[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
    }
    for (size_t cut = 18; cut < len; cut++) {
        uint64_t before = answered();

        put(PORT_A, cut);
        flow_discard(f);
        ck_assert_uint_eq(answered(), before);
    }
}
END_TEST

/* A move of the IP: the very next answer names the new MAC. */
START_TEST(test_R7_5_replaced_in_one_store)
{
    expect_answer(arpnd_request(frame, flow_mac(1), 1, 2, 100));
    bind(2, 4, 0);
    expect_answer(arpnd_request(frame, flow_mac(1), 1, 2, 100));
    ck_assert_mem_eq(got + 26, flow_mac(4).b, 6);
    neigh_del(&f->neigh, NET_WEB, &(struct ipaddr){4, {10, 0, 0, 2}});
    expect_passes(arpnd_request(frame, flow_mac(1), 1, 2, 100));
}
END_TEST

/* A host of our own is answered for, and is not answered itself: its questions are there to be seen. */
START_TEST(test_R7_2_own_port)
{
    size_t len;

    flow_fdb(f, NET_WEB, flow_mac(7), DP_WHERE_PORT, DP_OWN_PORT, false);
    expect_answer(arpnd_request(frame, flow_mac(1), 1, 7, 100));
    ck_assert_mem_eq(got + 26, flow_mac(7).b, 6);
    len = arpnd_request(frame, flow_mac(7), 7, 2, FLOW_UNTAGGED);
    ck_assert_int_eq(own_send(&f->w.own, f->ports[PORT_WAN].pool, f->ports[PORT_WAN].longest,
                              (struct own_order){.kind = OWN_FROM_OWN, .net = NET_WEB}, frame, len),
                     0);
    flow_poll(f);
    ck_assert_uint_eq(answered(), 1);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("proxy");
    TCase *t = tcase_create("proxy");

    flow_start_eal();
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_R7_2_arp_answer);
    tcase_add_test(t, test_R7_2_untagged_and_another_network);
    tcase_add_test(t, test_R7_2_arp_that_passes);
    tcase_add_test(t, test_R7_2_arp_probe);
    tcase_add_test(t, test_R7_2_unknown_within_the_broadcast_limit);
    tcase_add_test(t, test_R7_2_never_from_the_wan);
    tcase_add_test(t, test_R7_1_the_asker_is_reported);
    tcase_add_loop_test(t, test_R7_5_a_disputed_ip_is_told_soon, 0, 2);
    tcase_add_test(t, test_R7_2_nd_answer);
    tcase_add_test(t, test_R7_2_nd_that_passes);
    tcase_add_test(t, test_R7_2_nd_damaged);
    tcase_add_test(t, test_R7_5_replaced_in_one_store);
    tcase_add_test(t, test_R7_2_own_port);
    suite_add_tcase(s, t);
    return run_suite(s);
}
