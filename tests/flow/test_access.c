/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Frames that come in by an access port: VLANs, learning, encapsulation (RULES sections 1 and 8).
 */
#include "tests/flow/arpnd.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>

#define OUTER4 50
#define OUTER6 70

static struct flow *f;
static uint8_t frame[9216], got[9216];

static void setup(void)
{
    f = flow_open(false);
}

static void teardown(void)
{
    flow_close(f);
}

static void publish_limits(uint32_t broadcast, uint32_t multicast, uint32_t unknown)
{
    f->nets[0].limit_broadcast = broadcast;
    f->nets[0].limit_multicast = multicast;
    f->nets[0].limit_unknown_unicast = unknown;
    flow_publish(f);
}

static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
                        multicast = {{0x01, 0, 0x5e, 0, 0, 1}};

static void send_udp(unsigned port, struct mac dst, struct mac src, uint16_t vlan)
{
    flow_put(f, port, frame, flow_ipv4(frame, dst, src, vlan, 0, 1000, 46));
    flow_poll(f);
}

/* What the load costs is counted in rounds that had some. */
START_TEST(test_busy_cycles)
{
    const struct dp_totals *t = &f->w.counters.totals;
    uint64_t cycles;

    flow_poll(f);
    ck_assert_uint_gt(t->polls, 0);
    ck_assert_uint_eq(t->idle_polls, t->polls);
    ck_assert_uint_eq(t->frames, 0);
    ck_assert_uint_eq(t->busy_cycles, 0);
    for (unsigned i = 0; i < 2; i++)
        flow_put(f, PORT_A, frame, flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1000, 46));
    flow_poll(f);
    ck_assert_uint_eq(t->frames, 2);
    ck_assert_uint_gt(t->busy_cycles, 0);
    cycles = t->busy_cycles;
    flow_poll(f);
    ck_assert_uint_eq(t->polls - t->idle_polls, 1);
    ck_assert_uint_eq(t->frames, 2);
    ck_assert_uint_eq(t->busy_cycles, cycles);
    flow_discard(f);
}
END_TEST

/* A frame to a remote MAC leaves as VXLAN: every field of the outer header. */
START_TEST(test_R1_1_R1_4_outer_header_ipv4)
{
    size_t len;

    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_1, false);
    len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1000, 46);
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    ck_assert_int_eq(flow_take(f, PORT_WAN, got), (int)(len - 4 + OUTER4));
    ck_assert_mem_eq(got, flow_mac_hop.b, 6);
    ck_assert_mem_eq(got + 6, flow_mac_wan.b, 6);
    ck_assert_mem_eq(got + 12, "\x08\x00\x45\x00", 4);
    ck_assert_uint_eq(got[16] << 8 | got[17], len - 4 + 36);
    ck_assert_mem_eq(got + 20, "\x40\x00\x40\x11", 4); /* DF (R1.5), TTL 64, UDP */
    ck_assert_uint_eq(flow_checksum(got + 14, 20, 0), 0);
    ck_assert_mem_eq(got + 26, "\xc6\x12\x00\x01\xc6\x12\x00\x02", 8);
    ck_assert_mem_eq(got + 36, "\x12\xb5", 2); /* 4789, R1.1 */
    ck_assert_uint_eq(got[38] << 8 | got[39], len - 4 + 16);
    ck_assert_mem_eq(got + 40, "\0\0", 2);                       /* R1.3 */
    ck_assert_mem_eq(got + 42, "\x08\0\0\0\x00\x27\x74\x00", 8); /* R1.4, VNI 10100 */
    ck_assert_mem_eq(got + 50, frame, 12);                       /* R1.6: the tag is gone */
    ck_assert_mem_eq(got + 62, frame + 16, len - 16);
}
END_TEST

static void expect_udp6_checksum(size_t payload)
{
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1000, payload);
    uint32_t pseudo = 17 + (uint32_t)(len - 4 + 16);

    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    ck_assert_int_eq(flow_take(f, PORT_WAN, got), (int)(len - 4 + OUTER6));
    ck_assert_uint_eq(got[18] << 8 | got[19], len - 4 + 16);
    ck_assert(got[60] || got[61]);
    pseudo += (uint16_t)~flow_checksum(got + 22, 32, 0);
    ck_assert_uint_eq(flow_checksum(got + 54, len - 4 + 16, pseudo), 0);
}

START_TEST(test_R1_3_udp_checksum_over_ipv6)
{
    const struct burst *burst;
    size_t len;

    flow_close(f);
    f = flow_open(true);
    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_1, false);
    for (unsigned i = 0; (burst = burst_pick(i)) != NULL; i++) {
        f->w.burst = burst;
        for (size_t payload = 1; payload < 1400; payload += payload < 100 ? 1 : 97)
            expect_udp6_checksum(payload);
    }
    f->topology.udp6_zero_csum_tx = true;
    flow_publish(f);
    len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1000, 40);
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    ck_assert_int_gt(flow_take(f, PORT_WAN, got), 0);
    ck_assert_mem_eq(got + 60, "\0\0", 2);
}
END_TEST

static unsigned source_port(uint16_t inner_port, bool v6, bool fragment)
{
    size_t len = v6 ? flow_ipv6(frame, flow_mac(2), flow_mac(1), 100, 0, inner_port, 20)
                    : flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, inner_port, 20);

    if (fragment)
        frame[18 + 6] = 0x20;
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    ck_assert_int_gt(flow_take(f, PORT_WAN, got), 0);
    return (unsigned)(got[34] << 8 | got[35]);
}

START_TEST(test_R1_2_source_port)
{
    for (unsigned v6 = 0; v6 < 2; v6++) {
        bool seen[65536] = {false};
        unsigned distinct = 0;

        flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_1, false);
        for (uint16_t p = 1; p <= 1000; p++) {
            unsigned sport = source_port(p, v6, false);

            ck_assert_uint_ge(sport, 49152);
            ck_assert_uint_eq(sport, source_port(p, v6, false)); /* stable */
            distinct += !seen[sport];
            seen[sport] = true;
        }
        /* 1,000 flows into 16,384 ports: 970 distinct ones on average */
        ck_assert_uint_gt(distinct, 930);
    }
    /* Addresses count down to their last bit, also where there are no ports. */
    for (unsigned v6 = 0; v6 < 2; v6++) {
        bool seen[65536] = {false};
        unsigned distinct = 0;

        for (unsigned host = 0; host < 200; host++) {
            size_t len = v6 ? flow_ipv6(frame, flow_mac(2), flow_mac(1), 100, 0, 7, 20)
                            : flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 7, 20);

            frame[v6 ? 18 + 6 : 18 + 9] = 58; /* a protocol without ports */
            frame[v6 ? 18 + 39 : 18 + 19] = (uint8_t)host;
            flow_put(f, PORT_A, frame, len);
            flow_poll(f);
            ck_assert_int_gt(flow_take(f, PORT_WAN, got), 0);
            distinct += !seen[got[34] << 8 | got[35]];
            seen[got[34] << 8 | got[35]] = true;
        }
        ck_assert_uint_gt(distinct, 190);
    }
    /* All fragments of a packet go the same way, whatever stands where the ports would. */
    ck_assert_uint_eq(source_port(1, false, true), source_port(2, false, true));
}
END_TEST

START_TEST(test_R1_2_source_port_not_ip)
{
    unsigned first;

    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_1, false);
    flow_put(f, PORT_A, frame, flow_eth(frame, flow_mac(2), flow_mac(1), 100, 0x88b5, "abcdefgh", 8));
    flow_put(f, PORT_A, frame, flow_eth(frame, flow_mac(2), flow_mac(1), 100, 0x88b5, "xyz", 3));
    flow_put(f, PORT_A, frame, flow_eth(frame, flow_mac(2), flow_mac(3), 100, 0x88b5, "xyz", 3));
    flow_poll(f);
    ck_assert_int_gt(flow_take(f, PORT_WAN, got), 0);
    first = (unsigned)(got[34] << 8 | got[35]);
    ck_assert_int_gt(flow_take(f, PORT_WAN, got), 0);
    ck_assert_uint_eq(first, (unsigned)(got[34] << 8 | got[35]));
    ck_assert_int_gt(flow_take(f, PORT_WAN, got), 0);
    ck_assert_uint_ne(first, (unsigned)(got[34] << 8 | got[35]));
}
END_TEST

START_TEST(test_R1_5_R1_7_path_mtu)
{
    size_t fits = 1500 - 28; /* a full packet on a 1500-byte VLAN */

    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_1, false);
    f->vteps[0].mtu = 1550;
    flow_publish(f);
    flow_put(f, PORT_A, frame, flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, fits));
    flow_poll(f);
    ck_assert_int_eq(flow_take(f, PORT_WAN, got), 1564);
    f->vteps[0].mtu = 1549;
    flow_publish(f);
    flow_put(f, PORT_A, frame, flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, fits));
    flow_poll(f);
    ck_assert_int_eq(flow_take(f, PORT_WAN, got), -1);
    ck_assert_uint_eq(flow_drops(f, DROP_path_mtu), 1);
}
END_TEST

START_TEST(test_R1_6_stacked_tags)
{
    uint8_t inner[64] = {0, 5, 8, 0};
    uint16_t types[] = {0x8100, 0x88a8, 0x9100};

    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_1, false);
    for (unsigned i = 0; i < 3; i++) {
        flow_put(f, PORT_A, frame, flow_eth(frame, flow_mac(2), flow_mac(1), 100, types[i], inner, 60));
        flow_poll(f);
        ck_assert_uint_eq(flow_drops(f, DROP_inner_tagged), i + 1);
    }
    f->nets[0].qinq = true;
    flow_publish(f);
    flow_put(f, PORT_A, frame, flow_eth(frame, flow_mac(2), flow_mac(1), 100, 0x8100, inner, 60));
    flow_poll(f);
    ck_assert_int_eq(flow_take(f, PORT_WAN, got), OUTER4 + 14 + 60);
    ck_assert_mem_eq(got + OUTER4 + 12, "\x81\x00\x00\x05", 4);
}
END_TEST

START_TEST(test_R1_8_dscp_ecn_ttl)
{
    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_1, false);
    f->topology.ttl = 17;
    flow_publish(f);
    for (unsigned tos = 0; tos < 256; tos++) {
        flow_put(f, PORT_A, frame, flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, (uint8_t)tos, 1, 20));
        flow_put(f, PORT_A, frame, flow_ipv6(frame, flow_mac(2), flow_mac(1), 100, (uint8_t)tos, 1, 20));
        flow_poll(f);
        for (unsigned i = 0; i < 2; i++) {
            ck_assert_int_gt(flow_take(f, PORT_WAN, got), 0);
            ck_assert_uint_eq(got[15], tos);
            ck_assert_uint_eq(got[22], 17);
            ck_assert_uint_eq(flow_checksum(got + 14, 20, 0), 0);
        }
    }
    f->nets[0].dscp = 46;
    flow_publish(f);
    flow_put(f, PORT_A, frame, flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0x03, 1, 20));
    flow_poll(f);
    ck_assert_int_gt(flow_take(f, PORT_WAN, got), 0);
    ck_assert_uint_eq(got[15], 46 << 2 | 3);
}
END_TEST

START_TEST(test_R1_12_link_local)
{
    for (unsigned i = 0; i < 32; i++) {
        struct mac dst = {{0x01, 0x80, 0xc2, 0, 0, (uint8_t)i}};

        send_udp(PORT_A, dst, flow_mac(1), 100);
        ck_assert_uint_eq(flow_drops(f, DROP_link_local), i < 16 ? i + 1 : 16);
        ck_assert_int_eq(flow_waiting(f, PORT_WAN) > 0, i >= 16);
        flow_discard(f);
    }
}
END_TEST

START_TEST(test_vlan_unknown_and_priority_tag)
{
    send_udp(PORT_A, broadcast, flow_mac(1), 101);
    ck_assert_uint_eq(flow_drops(f, DROP_vlan_unknown), 1);
    send_udp(PORT_A, broadcast, flow_mac(1), FLOW_UNTAGGED); /* port A has no untagged network */
    ck_assert_uint_eq(flow_drops(f, DROP_vlan_unknown), 2);
    send_udp(PORT_B, broadcast, flow_mac(1), 200); /* port B carries db untagged */
    ck_assert_uint_eq(flow_drops(f, DROP_vlan_unknown), 3);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 0);
    send_udp(PORT_B, broadcast, flow_mac(1), 0); /* priority tag: untagged */
    ck_assert_int_gt(flow_take(f, PORT_WAN, got), 0);
    ck_assert_mem_eq(got + 46, "\x00\x27\xd8", 3); /* VNI 10200 */
    ck_assert_int_gt(flow_take(f, PORT_A, got), 0);
    ck_assert_mem_eq(got + 12, "\x81\x00\x00\xc8", 4); /* VLAN 200 on A */
}
END_TEST

START_TEST(test_source_invalid)
{
    send_udp(PORT_A, broadcast, (struct mac){{0}}, 100);
    send_udp(PORT_A, broadcast, multicast, 100);
    ck_assert_uint_eq(flow_drops(f, DROP_src_invalid), 2);
    ck_assert_uint_eq(flow_all_drops(f), 2);
}
END_TEST

START_TEST(test_learning_events)
{
    struct dp_event e;

    send_udp(PORT_A, flow_mac(2), flow_mac(1), 100);
    ck_assert(flow_event(f, &e));
    ck_assert_int_eq(e.type, DP_EVENT_SOURCE);
    ck_assert_uint_eq(e.net, NET_WEB);
    ck_assert(mac_eq(e.mac, flow_mac(1)));
    ck_assert(e.where == DP_WHERE_PORT && e.target == PORT_A);
    /* once the FDB has it: no more, and the time is noted */
    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_PORT, PORT_A, false);
    send_udp(PORT_A, flow_mac(2), flow_mac(1), 100);
    ck_assert(!flow_event(f, &e));
    ck_assert_uint_eq(fdb_find(&f->fdb, fdb_key(NET_WEB, flow_mac(1).b))->seen_ms, f->w.now_ms);
    /* seen at another port: reported at once */
    send_udp(PORT_B, flow_mac(2), flow_mac(1), 100);
    ck_assert(flow_event(f, &e));
    ck_assert(e.where == DP_WHERE_PORT && e.target == PORT_B);
    /* the same MAC in another network is another MAC */
    send_udp(PORT_A, flow_mac(2), flow_mac(1), 200);
    ck_assert(flow_event(f, &e));
    ck_assert_uint_eq(e.net, NET_DB);
}
END_TEST

static size_t arp(uint8_t *buf, unsigned op, struct mac sender, const uint8_t ip[4])
{
    uint8_t p[28] = {0, 1, 8, 0, 6, 4, 0, (uint8_t)op};

    memcpy(p + 8, sender.b, 6);
    memcpy(p + 14, ip, 4);
    return flow_eth(buf, broadcast, flow_mac(1), 100, 0x0806, p, 28);
}

/* The next event that shows an IP; false: none. */
static bool neighbour_event(struct dp_event *e)
{
    while (flow_event(f, e))
        if (e->type == DP_EVENT_NEIGHBOUR)
            return true;
    return false;
}

START_TEST(test_R3_6_R7_1_arp_shows_an_ip)
{
    static const uint8_t ip[4] = {10, 0, 0, 1},
                         bad[][4] = {{0, 0, 0, 0}, {224, 0, 0, 1}, {255, 255, 255, 255}, {127, 0, 0, 1}};
    struct dp_event e;
    size_t len;

    for (unsigned op = 1; op <= 2; op++) {
        flow_fdb(f, NET_WEB, flow_mac(9), DP_WHERE_PORT, PORT_B, false);
        fdb_del(&f->fdb, fdb_key(NET_WEB, flow_mac(9).b)); /* something was deleted: reported anew */
        flow_put(f, PORT_A, frame, arp(frame, op, flow_mac(1), ip));
        flow_put(f, PORT_A, frame, arp(frame, op, flow_mac(1), ip)); /* not told again so soon */
        flow_poll(f);
        ck_assert(neighbour_event(&e));
        ck_assert(e.net == NET_WEB && mac_eq(e.mac, flow_mac(1)) && e.ip.family == 4 &&
                  memcmp(e.ip.b, ip, 4) == 0);
        ck_assert(!neighbour_event(&e));
    }
    for (unsigned i = 0; i < 4; i++) {
        flow_put(f, PORT_A, frame, arp(frame, 1, flow_mac(1), bad[i]));
        flow_poll(f);
        ck_assert(!neighbour_event(&e));
    }
    flow_put(f, PORT_A, frame, arp(frame, 1, flow_mac(2), ip)); /* speaks for another MAC */
    flow_put(f, PORT_A, frame, arp(frame, 3, flow_mac(1), ip)); /* RARP */
    len = arp(frame, 1, flow_mac(1), (const uint8_t[]){10, 0, 0, 2});
    for (size_t cut = 18; cut < len; cut++)
        flow_put(f, PORT_A, frame, cut);
    flow_poll(f);
    ck_assert(!neighbour_event(&e));
}
END_TEST

START_TEST(test_R3_6_R7_1_na_shows_an_ip)
{
    uint8_t ip6[72] = {0x60,        0,           0,        0,           0,        32,       58,
                       255,         [8] = 0xfd,  [23] = 1, [24] = 0xff, [25] = 2, [39] = 1, [40] = 136,
                       [44] = 0x20, [48] = 0xfd, [63] = 1, [64] = 2,    [65] = 1};
    struct mac all_nodes = {{0x33, 0x33, 0, 0, 0, 1}};
    struct dp_event e;
    uint32_t sum;

    memcpy(ip6 + 66, flow_mac(1).b, 6);
    sum = 58 + 32 + (uint16_t)~flow_checksum(ip6 + 8, 32, 0);
    sum = flow_checksum(ip6 + 40, 32, sum);
    ip6[42] = (uint8_t)(sum >> 8);
    ip6[43] = (uint8_t)sum;
    for (unsigned bit = 0; bit <= 72 * 8; bit++) {
        bool sound = bit == 72 * 8 || bit / 8 < 4; /* version, class and flow label are not in the checksum */

        if (bit < 4)
            continue; /* another version is no IPv6 at all */
        if (bit < 72 * 8)
            ip6[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        flow_fdb(f, NET_WEB, flow_mac(9), DP_WHERE_PORT, PORT_B, false);
        fdb_del(&f->fdb, fdb_key(NET_WEB, flow_mac(9).b));
        flow_put(f, PORT_A, frame, flow_eth(frame, all_nodes, flow_mac(1), 100, 0x86dd, ip6, 72));
        flow_poll(f);
        flow_discard(f);
        ck_assert_int_eq(neighbour_event(&e), sound);
        if (bit < 72 * 8)
            ip6[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
    }
    ck_assert(e.ip.family == 6 && memcmp(e.ip.b, ip6 + 48, 16) == 0);
    ip6[40] = 135; /* a solicitation shows nothing */
    flow_put(f, PORT_A, frame, flow_eth(frame, all_nodes, flow_mac(1), 100, 0x86dd, ip6, 72));
    flow_poll(f);
    ck_assert(!neighbour_event(&e));
}
END_TEST

/* The answer to a host's first broadcast is there before the control thread has made it known. */
START_TEST(test_learning_is_not_waited_for)
{
    mono_t begin = mono_now();
    struct dp_event e;

    f->nets[0].n_members = 1; /* only port A: what is unknown is dropped */
    flow_publish(f);
    send_udp(PORT_A, broadcast, flow_mac(1), 100);
    flow_discard(f);
    flow_put(f, PORT_WAN, got,
             flow_wrap(f, got, (struct flow_outer){VTEP_1, VNI_WEB, 0x08, 0, false}, frame,
                       flow_ipv4(frame, flow_mac(1), flow_mac(2), FLOW_UNTAGGED, 0, 1, 20)));
    flow_poll(f);
    ck_assert_int_gt(flow_take(f, PORT_A, got), 0);
    ck_assert_uint_eq(f->w.counters.nets[NET_WEB].wan_in[0].frames, 1); /* known, not flooded */
    /* A MAC that is never made known (a limit, R8.4) is not served for ever, however often it speaks. */
    ck_assert(flow_event(f, &e));
    while (report_undecided(&f->w, fdb_key(NET_WEB, flow_mac(1).b),
                            fdb_hash(&f->fdb, fdb_key(NET_WEB, flow_mac(1).b)), 0)) {
        send_udp(PORT_A, broadcast, flow_mac(1), 100);
        flow_discard(f);
        ck_assert_uint_lt(mono_now().ns - begin.ns, 2000000000u);
    }
    send_udp(PORT_A, broadcast, flow_mac(1), 100);
    ck_assert_uint_eq(report_undecided(&f->w, fdb_key(NET_WEB, flow_mac(1).b),
                                       fdb_hash(&f->fdb, fdb_key(NET_WEB, flow_mac(1).b)), 0),
                      0);
}
END_TEST

START_TEST(test_event_ring_full_is_counted_and_repeated)
{
    struct dp_event e;
    unsigned events = 0;

    for (unsigned i = 1; i <= REPORT_RING + 100; i++) {
        send_udp(PORT_A, flow_mac(0xffff), flow_mac(i), 100);
        flow_discard(f);
    }
    ck_assert_uint_ge(f->w.counters.totals.events_lost, 100);
    while (flow_event(f, &e))
        events++;
    ck_assert_uint_eq(events + f->w.counters.totals.events_lost, REPORT_RING + 100);
    send_udp(PORT_A, flow_mac(0xffff), flow_mac(REPORT_RING + 100), 100);
    ck_assert(flow_event(f, &e));
}
END_TEST

/* A host that makes up sources and addresses does not keep the control thread from hearing of a move. */
START_TEST(test_R6_1_a_move_is_heard_beside_a_flood_of_new_macs)
{
    unsigned lost, moved = 0;
    struct dp_event e;

    flow_fdb(f, NET_WEB, flow_mac(7), DP_WHERE_VTEP, VTEP_1, false);
    for (unsigned i = 0; i < 2 * REPORT_RING; i++) {
        flow_put(f, PORT_A, frame, arpnd_garp(frame, flow_mac(1000 + i), (uint8_t)i, 100));
        flow_poll(f);
        flow_discard(f);
    }
    lost = f->w.counters.totals.events_lost;
    ck_assert_uint_ge(lost, REPORT_RING);
    ck_assert_uint_le(rte_ring_count(f->w.report.events), REPORT_RING / 2 + 1);
    flow_put(f, PORT_B, frame, arpnd_garp(frame, flow_mac(7), 7, 100));
    flow_poll(f);
    ck_assert_uint_eq(f->w.counters.totals.events_lost, lost);
    while (flow_event(f, &e))
        moved += mac_eq(e.mac, flow_mac(7)) && e.where == DP_WHERE_PORT && e.target == PORT_B;
    ck_assert_uint_eq(moved, 2); /* its place, and its IP */
}
END_TEST

START_TEST(test_local_bridging)
{
    size_t len;

    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_PORT, PORT_B, false);
    flow_fdb(f, NET_DB, flow_mac(2), DP_WHERE_PORT, PORT_B, false);
    len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 20);
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    ck_assert_int_eq(flow_take(f, PORT_B, got), (int)len);
    ck_assert_mem_eq(got, frame, len);
    len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 200, 0, 1, 20);
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    ck_assert_int_eq(flow_take(f, PORT_B, got), (int)len - 4); /* untagged there */
    ck_assert_uint_eq(flow_all_drops(f), 0);
    /* to a MAC on the port it came from */
    send_udp(PORT_B, flow_mac(2), flow_mac(3), 100);
    ck_assert_uint_eq(flow_drops(f, DROP_same_port), 1);
}
END_TEST

START_TEST(test_static_source_elsewhere)
{
    struct dp_event e;

    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_PORT, PORT_B, true);
    send_udp(PORT_A, broadcast, flow_mac(1), 100);
    ck_assert_uint_eq(flow_drops(f, DROP_src_static), 1);
    ck_assert(!flow_event(f, &e));
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 0);
    send_udp(PORT_B, broadcast, flow_mac(1), 100);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 2);
}
END_TEST

START_TEST(test_R8_1_flood_list)
{
    send_udp(PORT_A, broadcast, flow_mac(1), 100);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 2);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 1);
    ck_assert_uint_eq(flow_waiting(f, PORT_A), 0);
    flow_take(f, PORT_WAN, got);
    ck_assert_uint_eq(got[33], 2);
    flow_take(f, PORT_WAN, got);
    ck_assert_uint_eq(got[33], 3);
    ck_assert_uint_eq(f->w.counters.totals.replicas, 2);
    send_udp(PORT_A, multicast, flow_mac(1), 200);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 1);
}
END_TEST

START_TEST(test_R8_2_unknown_unicast)
{
    send_udp(PORT_A, flow_mac(9), flow_mac(1), 100);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 0); /* drop is the default */
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 1);   /* a switch floods its own ports */
    ck_assert_uint_eq(flow_all_drops(f), 0);
    flow_discard(f);
    f->nets[0].n_members = 1; /* only port A */
    flow_publish(f);
    send_udp(PORT_A, flow_mac(9), flow_mac(1), 100);
    flow_wait(f, PARK_US + 1);
    ck_assert_uint_eq(flow_drops(f, DROP_unknown_unicast), 1);
    flow_fdb(f, NET_WEB, flow_mac(9), DP_WHERE_FLOOD, 0, false); /* the per-MAC exception */
    send_udp(PORT_A, flow_mac(9), flow_mac(1), 100);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 2);
    flow_discard(f);
    f->nets[0].flood_unknown = true;
    flow_publish(f);
    send_udp(PORT_A, flow_mac(8), flow_mac(1), 100);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 2);
}
END_TEST

static void send_many(unsigned port, struct mac dst, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        send_udp(port, dst, flow_mac(1), 100);
        flow_discard(f);
    }
}

START_TEST(test_R8_3_limits_are_separate)
{
    f->nets[0].flood_unknown = true;
    publish_limits(1, 1, 1); /* one a second, ten at once */
    send_many(PORT_A, broadcast, 30);
    ck_assert_uint_eq(flow_drops(f, DROP_limit_broadcast), 20);
    send_many(PORT_A, multicast, 15);
    ck_assert_uint_eq(flow_drops(f, DROP_limit_multicast), 5);
    send_many(PORT_A, flow_mac(9), 14);
    ck_assert_uint_eq(flow_drops(f, DROP_limit_unknown_unicast), 4);
    /* another port, another network: limits of their own */
    send_many(PORT_B, broadcast, 10);
    ck_assert_uint_eq(flow_drops(f, DROP_limit_broadcast), 20);
    send_udp(PORT_A, broadcast, flow_mac(1), 200);
    ck_assert_uint_eq(flow_drops(f, DROP_limit_broadcast), 20);
    /* known unicast is not limited */
    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_1, false);
    send_many(PORT_A, flow_mac(2), 100);
    ck_assert_uint_eq(flow_all_drops(f), 29);
}
END_TEST

START_TEST(test_vtep_unresolved)
{
    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_1, false);
    f->vteps[0].resolved = false;
    flow_publish(f);
    send_udp(PORT_A, flow_mac(2), flow_mac(1), 100);
    ck_assert_uint_eq(flow_drops(f, DROP_vtep_unresolved), 1);
    send_udp(PORT_A, broadcast, flow_mac(1), 100); /* one copy of three */
    ck_assert_uint_eq(flow_drops(f, DROP_vtep_unresolved), 2);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 1);
}
END_TEST

START_TEST(test_port_mtu)
{
    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_PORT, PORT_B, false);
    flow_put(f, PORT_A, frame, flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 1472));
    flow_put(f, PORT_A, frame, flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 1473));
    flow_poll(f);
    ck_assert_int_eq(flow_take(f, PORT_B, got), 1518);
    ck_assert_int_eq(flow_take(f, PORT_B, got), -1);
    ck_assert_uint_eq(flow_drops(f, DROP_port_mtu), 1);
}
END_TEST

/* A move is one store: the very next frame goes to the new place. */
START_TEST(test_R4_10_move)
{
    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_1, false);
    send_udp(PORT_A, flow_mac(2), flow_mac(1), 100);
    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_2, false);
    send_udp(PORT_A, flow_mac(2), flow_mac(1), 100);
    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_PORT, PORT_B, false);
    send_udp(PORT_A, flow_mac(2), flow_mac(1), 100);
    flow_take(f, PORT_WAN, got);
    ck_assert_uint_eq(got[33], 2);
    flow_take(f, PORT_WAN, got);
    ck_assert_uint_eq(got[33], 3);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("access");
    TCase *t = tcase_create("access");

    flow_start_eal();
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_busy_cycles);
    tcase_add_test(t, test_R1_1_R1_4_outer_header_ipv4);
    tcase_add_test(t, test_R1_3_udp_checksum_over_ipv6);
    tcase_add_test(t, test_R1_2_source_port);
    tcase_add_test(t, test_R1_2_source_port_not_ip);
    tcase_add_test(t, test_R1_5_R1_7_path_mtu);
    tcase_add_test(t, test_R1_6_stacked_tags);
    tcase_add_test(t, test_R1_8_dscp_ecn_ttl);
    tcase_add_test(t, test_R1_12_link_local);
    tcase_add_test(t, test_vlan_unknown_and_priority_tag);
    tcase_add_test(t, test_source_invalid);
    tcase_add_test(t, test_learning_events);
    tcase_add_test(t, test_R3_6_R7_1_arp_shows_an_ip);
    tcase_add_test(t, test_R3_6_R7_1_na_shows_an_ip);
    tcase_add_test(t, test_learning_is_not_waited_for);
    tcase_add_test(t, test_event_ring_full_is_counted_and_repeated);
    tcase_add_test(t, test_R6_1_a_move_is_heard_beside_a_flood_of_new_macs);
    tcase_add_test(t, test_local_bridging);
    tcase_add_test(t, test_static_source_elsewhere);
    tcase_add_test(t, test_R8_1_flood_list);
    tcase_add_test(t, test_R8_2_unknown_unicast);
    tcase_add_test(t, test_R8_3_limits_are_separate);
    tcase_add_test(t, test_vtep_unresolved);
    tcase_add_test(t, test_port_mtu);
    tcase_add_test(t, test_R4_10_move);
    suite_add_tcase(s, t);
    return run_suite(s);
}
