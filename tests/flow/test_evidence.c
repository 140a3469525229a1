/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the worker tells of frames: evidence, time, addresses (RULES sections 6 and 7).
 */
#include "tests/flow/arpnd.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>

static struct flow *f;
static uint8_t frame[9216];

static void setup(void)
{
    f = flow_open(false);
}

static void teardown(void)
{
    flow_close(f);
}

/* The FDB forgets, so that the next frame of any source is reported. */
static void forget(struct mac mac)
{
    flow_fdb(f, NET_WEB, mac, DP_WHERE_PORT, PORT_B, false);
    fdb_del(&f->fdb, fdb_key(NET_WEB, mac.b));
}

static struct dp_event first_event(size_t len)
{
    struct dp_event e = {0};

    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    flow_discard(f);
    ck_assert(flow_event(f, &e));
    return e;
}

/* The SOURCE event of this frame, and the NEIGHBOUR event behind it if there is one (type 0: none). */
static struct dp_event source_event(size_t len, struct dp_event *neighbour)
{
    mono_t before = mono_now();
    struct dp_event e = first_event(len);

    ck_assert_int_eq(e.type, DP_EVENT_SOURCE);
    ck_assert(e.net == NET_WEB && e.where == DP_WHERE_PORT && e.target == PORT_A);
    ck_assert(e.at.ns >= before.ns && e.at.ns <= mono_now().ns);
    memset(neighbour, 0, sizeof(*neighbour));
    if (flow_event(f, neighbour)) {
        ck_assert_int_eq(neighbour->type, DP_EVENT_NEIGHBOUR);
        ck_assert_uint_eq(neighbour->evidence, e.evidence);
        ck_assert(neighbour->at.ns >= e.at.ns);
    }
    forget(flow_mac(1));
    return e;
}

static void expect(size_t len, enum dp_evidence evidence, const struct ipaddr *ip, uint8_t flags)
{
    struct dp_event n, e = source_event(len, &n);

    ck_assert(mac_eq(e.mac, flow_mac(1)));
    ck_assert_uint_eq(e.evidence, evidence);
    ck_assert_int_eq(n.type, ip ? DP_EVENT_NEIGHBOUR : 0);
    if (ip) {
        ck_assert(ipaddr_eq(&n.ip, ip) && mac_eq(n.mac, flow_mac(1)));
        ck_assert_uint_eq(n.flags, flags);
    }
}

START_TEST(test_R6_1_evidence)
{
    struct ipaddr ip4 = arpnd_ip4(1), ip6 = arpnd_ip6(1);
    struct arpnd_arp a = {.dst = arpnd_broadcast,
                          .src = flow_mac(1),
                          .sender = flow_mac(1),
                          .vlan = 100,
                          .sender_ip = ip4,
                          .target_ip = arpnd_ip4(2)};
    struct arpnd_nd n = {.dst = flow_mac(2),
                         .src = flow_mac(1),
                         .vlan = 100,
                         .type = 136,
                         .src_ip = ip6,
                         .dst_ip = arpnd_ip6(2),
                         .target = ip6};

    expect(flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 20), DP_EVIDENCE_DATA, NULL, 0);
    expect(flow_eth(frame, flow_mac(2), flow_mac(1), 100, 0x88b5, "x", 1), DP_EVIDENCE_DATA, NULL, 0);
    expect(arpnd_rarp(frame, flow_mac(1), 100), DP_EVIDENCE_RARP, NULL, 0);
    a.op = 1;
    expect(arpnd_arp(frame, &a), DP_EVIDENCE_ARP, &ip4, 0);
    a.op = 2;
    expect(arpnd_arp(frame, &a), DP_EVIDENCE_ARP, &ip4, 0);
    a.target_ip = ip4; /* GARP in reply form */
    expect(arpnd_arp(frame, &a), DP_EVIDENCE_GARP, &ip4, 0);
    a.op = 1; /* in request form: also the announcement of RFC 5227 */
    expect(arpnd_arp(frame, &a), DP_EVIDENCE_GARP, &ip4, 0);
    n.flags = 0x60;
    expect(arpnd_nd(frame, &n), DP_EVIDENCE_NA, &ip6, DP_NEIGH_OVERRIDE);
    n.flags = 0xc0; /* no O, but no link-layer address either */
    expect(arpnd_nd(frame, &n), DP_EVIDENCE_NA, &ip6, DP_NEIGH_ROUTER | DP_NEIGH_UNSAID);
    expect(arpnd_unsolicited_na(frame, flow_mac(1), 1, 100), DP_EVIDENCE_UNSOLICITED_NA, &ip6,
           DP_NEIGH_OVERRIDE);
}
END_TEST

/* R6.2: a RARP carries no IP, whatever stands there; and it speaks for its own sender only. */
START_TEST(test_R6_2_rarp)
{
    struct arpnd_arp a = {.dst = arpnd_broadcast,
                          .src = flow_mac(1),
                          .sender = flow_mac(1),
                          .target = flow_mac(1),
                          .vlan = 100,
                          .type = 0x8035,
                          .sender_ip = arpnd_ip4(1),
                          .target_ip = arpnd_ip4(1)};
    size_t len;

    for (unsigned op = 0; op < 6; op++) {
        a.op = (uint8_t)op;
        expect(arpnd_arp(frame, &a), op == 3 || op == 4 ? DP_EVIDENCE_RARP : DP_EVIDENCE_DATA, NULL, 0);
    }
    a.op = 3;
    a.sender = flow_mac(2);
    expect(arpnd_arp(frame, &a), DP_EVIDENCE_DATA, NULL, 0);
    a.sender = flow_mac(1);
    len = arpnd_arp(frame, &a);
    for (size_t cut = 18; cut < len; cut++)
        expect(cut, DP_EVIDENCE_DATA, NULL, 0);
}
END_TEST

START_TEST(test_R7_1_what_teaches_no_ip)
{
    static const struct ipaddr bad[] = {{4, {0}},
                                        {4, {224, 0, 0, 1}},
                                        {4, {255, 255, 255, 255}},
                                        {4, {127, 0, 0, 1}},
                                        {6, {0xff, 2, [15] = 1}},
                                        {.family = 6}};
    struct arpnd_arp a = {
        .dst = arpnd_broadcast, .src = flow_mac(1), .sender = flow_mac(1), .vlan = 100, .op = 1};

    for (unsigned i = 0; i < 4; i++) {
        a.sender_ip = bad[i];
        a.target_ip = arpnd_ip4(2); /* 0.0.0.0 asks: a probe */
        expect(arpnd_arp(frame, &a), DP_EVIDENCE_ARP, NULL, 0);
        a.target_ip = bad[i];
        expect(arpnd_arp(frame, &a), DP_EVIDENCE_ARP, NULL, 0);
    }
    for (unsigned i = 4; i < 6; i++) {
        struct arpnd_nd n = {.dst = arpnd_all_nodes,
                             .src = flow_mac(1),
                             .vlan = 100,
                             .type = 136,
                             .src_ip = arpnd_ip6(1),
                             .dst_ip = {6, {0xff, 2, [15] = 1}},
                             .target = bad[i]};

        expect(arpnd_nd(frame, &n), DP_EVIDENCE_DATA, NULL, 0);
    }
    /* never from a solicitation */
    expect(arpnd_ns(frame, flow_mac(1), 1, 2, 100), DP_EVIDENCE_DATA, NULL, 0);
    /* MACs that nobody has: no event at all */
    for (unsigned i = 0; i < 2; i++) {
        struct mac nobody = {{i ? 0x03 : 0}};
        struct dp_event e;

        flow_put(f, PORT_A, frame, arpnd_garp(frame, nobody, 1, 100));
        flow_poll(f);
        ck_assert(!flow_event(f, &e));
    }
}
END_TEST

/* It went and came back within a second: its IPs are told again. */
START_TEST(test_R6_1_neighbour_again_after_a_move)
{
    struct dp_event e;

    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_PORT, PORT_A, false);
    for (unsigned round = 0; round < 2; round++) {
        flow_put(f, PORT_A, frame, arpnd_garp(frame, flow_mac(1), 1, 100));
        flow_poll(f);
        ck_assert_int_eq(flow_event(f, &e), round == 0);
    }
    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_VTEP, VTEP_1, false);
    flow_put(f, PORT_A, frame, arpnd_garp(frame, flow_mac(1), 1, 100));
    flow_poll(f);
    ck_assert(flow_event(f, &e) && e.type == DP_EVENT_SOURCE && e.evidence == DP_EVIDENCE_GARP);
    ck_assert(flow_event(f, &e) && e.type == DP_EVENT_NEIGHBOUR);
    ck_assert(!flow_event(f, &e));
}
END_TEST

/* Options of an NA: bounded, and a link-layer address must be the sender's. */
START_TEST(test_R7_1_na_options)
{
    static const struct {
        uint8_t bytes[16];
        size_t len;
        bool sound;
        bool unsaid;
    } cases[] = {
        {{2, 1, 2, 0, 0, 0, 0, 1}, 8, true, false},
        {{2, 1, 2, 0, 0, 0, 0, 2}, 8, false, false},           /* of another */
        {{14, 1, 9, 9, 9, 9, 9, 9}, 8, true, true},            /* of no interest */
        {{2, 0, 2, 0, 0, 0, 0, 1}, 8, false, false},           /* no length */
        {{2, 2, 2, 0, 0, 0, 0, 1}, 8, false, false},           /* beyond the end */
        {{2, 1, 2, 0, 0, 0, 0, 1, 2, 1, 2}, 16, false, false}, /* two that differ */
        {{2, 1, 2, 0}, 4, false, false},                       /* not whole */
    };
    struct ipaddr ip6 = arpnd_ip6(1);
    struct arpnd_nd n = {.dst = flow_mac(2),
                         .src = flow_mac(1),
                         .vlan = 100,
                         .type = 136,
                         .flags = 0x40,
                         .src_ip = ip6,
                         .dst_ip = arpnd_ip6(2),
                         .target = ip6};

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        n.options = cases[i].bytes;
        n.options_len = cases[i].len;
        expect(arpnd_nd(frame, &n), cases[i].sound ? DP_EVIDENCE_NA : DP_EVIDENCE_DATA,
               cases[i].sound ? &ip6 : NULL, cases[i].unsaid ? DP_NEIGH_UNSAID : 0);
    }
}
END_TEST

START_TEST(test_seen_to_the_millisecond)
{
    const uint64_t key = fdb_key(NET_WEB, flow_mac(1).b);
    mono_t set = mono_now(), now;
    const struct fdb_value *v;

    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_PORT, PORT_A, false);
    v = fdb_find(&f->fdb, key);
    do {
        flow_put(f, PORT_A, frame, flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 20));
        flow_poll(f);
        flow_discard(f);
        now = mono_now();
        ck_assert_uint_lt(now.ns - set.ns, UINT64_C(5000000000));
        ck_assert_uint_le(fdb_seen(v, now).ns, now.ns);
    } while (fdb_seen(v, now).ns < set.ns + 20000000);
    /* From elsewhere: not seen there. */
    now = fdb_seen(v, mono_now());
    while (mono_now().ns < now.ns + 5000000)
        ;
    flow_put(f, PORT_B, frame, flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 20));
    flow_poll(f);
    ck_assert_uint_eq(fdb_seen(v, mono_now()).ns, now.ns);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("evidence");
    TCase *t = tcase_create("evidence");

    flow_start_eal();
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_R6_1_evidence);
    tcase_add_test(t, test_R6_2_rarp);
    tcase_add_test(t, test_R7_1_what_teaches_no_ip);
    tcase_add_test(t, test_R6_1_neighbour_again_after_a_move);
    tcase_add_test(t, test_R7_1_na_options);
    tcase_add_test(t, test_seen_to_the_millisecond);
    suite_add_tcase(s, t);
    return run_suite(s);
}
