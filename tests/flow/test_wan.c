/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Packets that come in from the underlay, and malformed input on both sides (RULES section 1).
 */
#include "tests/flow/flow.h"
#include "tests/unit/suite.h"

#include "conf/ecn.h"

#include <check.h>
#include <stdlib.h>

static struct flow *f;
static uint8_t frame[9216], packet[9300], got[9216];

static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
static const struct flow_outer sound = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08};

static void setup(void)
{
    f = flow_open(false);
    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_PORT, PORT_A, false);
}

static void setup_ipv6(void)
{
    f = flow_open(true);
    f->topology.udp6_zero_csum_rx = true;
    flow_publish(f);
    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_PORT, PORT_A, false);
}

static void teardown(void)
{
    flow_close(f);
}

static unsigned ip_len(void)
{
    return f->ipv6 ? 40 : 20;
}

static uint8_t *udp_header(void)
{
    return packet + 14 + ip_len();
}

static void receive(size_t len)
{
    flow_put(f, PORT_WAN, packet, len);
    flow_poll(f);
}

/* Exactly this drop, nothing out anywhere; a sound frame passes afterwards. */
static void expect_drop(size_t len, enum drop_reason reason)
{
    uint64_t before = flow_drops(f, reason), all = flow_all_drops(f);

    receive(len);
    ck_assert_msg(flow_drops(f, reason) == before + 1, "not dropped as %s", drop_name(reason));
    ck_assert_uint_eq(flow_all_drops(f), all + 1);
    for (unsigned i = 0; i < N_PORTS; i++)
        ck_assert_msg(flow_waiting(f, i) == 0, "a frame came out of port %u", i);
}

static size_t build(struct flow_outer o, struct mac dst, struct mac src)
{
    size_t len = flow_ipv4(frame, dst, src, FLOW_UNTAGGED, 0, 1, 40);

    return flow_wrap(f, packet, o, frame, len);
}

static size_t build_sound(void)
{
    return build(sound, flow_mac(1), flow_mac(5));
}

static void expect_to_kernel(size_t len)
{
    uint64_t all = flow_all_drops(f);

    receive(len);
    ck_assert_int_eq(flow_take(f, PORT_TAP, got), (int)len);
    ck_assert_mem_eq(got, packet, len);
    ck_assert_uint_eq(flow_all_drops(f), all);
    ck_assert_uint_eq(flow_waiting(f, PORT_A) + flow_waiting(f, PORT_B), 0);
}

START_TEST(test_decapsulate)
{
    size_t len = build_sound(), inner = flow_ipv4(frame, flow_mac(1), flow_mac(5), 100, 0, 1, 40);

    receive(len);
    ck_assert_int_eq(flow_take(f, PORT_A, got), (int)inner);
    ck_assert_mem_eq(got, frame, inner); /* with VLAN 100 of this site */
    ck_assert_uint_eq(flow_all_drops(f), 0);
    ck_assert_uint_eq(f->w.counters.vteps[VTEP_1].rx.frames, 1);
    ck_assert_uint_eq(f->w.counters.nets[NET_WEB].wan_in[0].bytes, inner - 4);
}
END_TEST

START_TEST(test_trailing_padding_is_cut)
{
    size_t len = build_sound();

    memset(packet + len, 0xee, 20);
    receive(len + 20);
    ck_assert_int_eq(flow_take(f, PORT_A, got), (int)(len - 14 - ip_len() - 16 + 4));
}
END_TEST

START_TEST(test_R1_3_udp_checksum)
{
    struct flow_outer o = sound;
    size_t len;

    o.checksum = true;
    len = build(o, flow_mac(1), flow_mac(5));
    receive(len);
    ck_assert_int_gt(flow_take(f, PORT_A, got), 0);
    for (size_t i = 14 + ip_len(); i < len; i++) {
        if (i == 14 + ip_len() + 2 || i == 14 + ip_len() + 3 || i == 14 + ip_len() + 4 ||
            i == 14 + ip_len() + 5)
            continue; /* port and length are judged before the checksum */
        packet[i] ^= 0x40;
        expect_drop(len, DROP_outer_udp_checksum);
        packet[i] ^= 0x40;
    }
    memset(udp_header() + 6, 0, 2);
    if (!f->ipv6) {
        receive(len);
        ck_assert_int_gt(flow_take(f, PORT_A, got), 0);
    } else {
        receive(len); /* accepted by setting */
        ck_assert_int_gt(flow_take(f, PORT_A, got), 0);
        f->topology.udp6_zero_csum_rx = false;
        flow_publish(f);
        expect_drop(len, DROP_outer_udp_checksum);
    }
}
END_TEST

START_TEST(test_R1_4_flags_and_reserved)
{
    size_t len = build_sound();
    uint8_t *vxlan = udp_header() + 8;

    for (unsigned flags = 0; flags < 256; flags++) {
        vxlan[0] = (uint8_t)flags;
        vxlan[1] = vxlan[2] = vxlan[3] = vxlan[7] = 0xff; /* reserved: ignored */
        if (flags & 0x08) {
            receive(len);
            ck_assert_int_gt(flow_take(f, PORT_A, got), 0);
        } else {
            expect_drop(len, DROP_vxlan_no_vni);
        }
    }
}
END_TEST

START_TEST(test_R1_6_tagged_inner_frame)
{
    size_t len = flow_ipv4(frame, flow_mac(1), flow_mac(5), 7, 0, 1, 40);

    len = flow_wrap(f, packet, sound, frame, len);
    expect_drop(len, DROP_inner_tagged);
    f->nets[0].qinq = true;
    flow_publish(f);
    receive(len);
    ck_assert_int_gt(flow_take(f, PORT_A, got), 0);
    ck_assert_mem_eq(got + 12, "\x81\x00\x00\x64\x81\x00\x00\x07", 8);
}
END_TEST

/* A tag that came from the WAN may not choose a VLAN of the site. */
START_TEST(test_R1_6_no_vlan_hopping)
{
    struct flow_outer o = {.vtep = VTEP_1, .vni = VNI_DB, .flags = 0x08};
    size_t len = flow_ipv4(frame, flow_mac(7), flow_mac(5), 100, 0, 1, 40);

    f->nets[1].qinq = true; /* untagged on port B, where VLAN 100 is web */
    flow_publish(f);
    flow_fdb(f, NET_DB, flow_mac(7), DP_WHERE_PORT, PORT_B, false);
    len = flow_wrap(f, packet, o, frame, len);
    receive(len);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 0);
    ck_assert_uint_eq(flow_drops(f, DROP_inner_tagged), 1);
}
END_TEST

START_TEST(test_R1_8_ecn_rfc6040)
{
    /* RFC 6040 figure 4; rows: inner, columns: outer, both Not-ECT, ECT(1), ECT(0), CE as numbers 0..3; -1:
     * drop */
    static const int figure4[4][4] = {{0, 0, 0, -1}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};

    for (unsigned v6 = 0; v6 < 2; v6++) {
        for (unsigned inner = 0; inner < 4; inner++) {
            for (unsigned outer = 0; outer < 4; outer++) {
                struct flow_outer o = sound;
                uint8_t tos = (uint8_t)(0xb8 | inner);
                size_t len = v6 ? flow_ipv6(frame, flow_mac(1), flow_mac(5), FLOW_UNTAGGED, tos, 1, 40)
                                : flow_ipv4(frame, flow_mac(1), flow_mac(5), FLOW_UNTAGGED, tos, 1, 40);

                o.tos = (uint8_t)outer;
                len = flow_wrap(f, packet, o, frame, len);
                if (figure4[inner][outer] < 0) {
                    expect_drop(len, DROP_ecn_ce);
                    continue;
                }
                receive(len);
                ck_assert_int_gt(flow_take(f, PORT_A, got), 0);
                if (v6) {
                    ck_assert_uint_eq((got[18] << 4 | got[19] >> 4) & 0xff,
                                      0xb8u | (unsigned)figure4[inner][outer]);
                } else {
                    ck_assert_uint_eq(got[19], 0xb8u | (unsigned)figure4[inner][outer]);
                    ck_assert_uint_eq(flow_checksum(got + 18, 20, 0), 0);
                }
            }
        }
    }
    ck_assert_int_eq(ecn_decapsulate(ECN_ECT0, ECN_ECT1), ECN_ECT1);
}
END_TEST

START_TEST(test_R1_9_vni_and_source)
{
    struct flow_outer o = sound;

    o.vni = 4711;
    expect_drop(build(o, flow_mac(1), flow_mac(5)), DROP_vni_unknown);
    o = sound;
    o.vtep = VTEP_FOREIGN;
    expect_drop(build(o, flow_mac(1), flow_mac(5)), DROP_vtep_unknown);
    /* a VTEP of another network is foreign here */
    o = (struct flow_outer){.vtep = VTEP_2, .vni = VNI_DB, .flags = 0x08};
    expect_drop(build(o, flow_mac(1), flow_mac(5)), DROP_vtep_unknown);
    o.vtep = 0; /* our own address */
    expect_drop(build(o, flow_mac(1), flow_mac(5)), DROP_vtep_unknown);
}
END_TEST

START_TEST(test_R1_9_not_ours_goes_to_the_kernel)
{
    size_t len = build_sound();

    packet[14 + (f->ipv6 ? 39 : 19)] ^= 1; /* another address */
    flow_fix(f, packet, false);
    expect_to_kernel(len);
    len = build_sound();
    udp_header()[3] ^= 1; /* another port */
    expect_to_kernel(len);
    len = build_sound();
    packet[14 + (f->ipv6 ? 6 : 9)] = 6; /* TCP */
    expect_to_kernel(len);
    len = build_sound();
    packet[13] = 0x06; /* ARP */
    expect_to_kernel(len);
    /* and back, untouched */
    flow_put(f, PORT_TAP, packet, len);
    flow_poll(f);
    ck_assert_int_eq(flow_take(f, PORT_WAN, got), (int)len);
    /* without a TAP it is dropped by name */
    f->w.kernel_port = -1;
    expect_drop(len, DROP_outer_not_ours);
}
END_TEST

START_TEST(test_outer_mac_not_ours)
{
    size_t len = build_sound();

    packet[5] ^= 1;
    expect_drop(len, DROP_outer_mac);
    memset(packet, 0xff, 6);
    expect_drop(len, DROP_outer_mac);
}
END_TEST

START_TEST(test_R1_10_learning)
{
    struct flow_outer o = sound;
    struct dp_event e;

    receive(build(sound, flow_mac(1), flow_mac(5))); /* VTEP 1: learning off */
    ck_assert(!flow_event(f, &e));
    o.vtep = VTEP_2;
    receive(build(o, flow_mac(1), flow_mac(5)));
    ck_assert(flow_event(f, &e));
    ck_assert(e.net == NET_WEB && e.where == DP_WHERE_VTEP && e.target == VTEP_2 &&
              mac_eq(e.mac, flow_mac(5)));
    flow_fdb(f, NET_WEB, flow_mac(5), DP_WHERE_VTEP, VTEP_2, true);
    receive(build(o, flow_mac(1), flow_mac(5)));
    ck_assert(!flow_event(f, &e));
    flow_discard(f);
    expect_drop(build(sound, flow_mac(1), flow_mac(5)), DROP_src_static); /* static at VTEP 2 */
}
END_TEST

START_TEST(test_R1_11_split_horizon)
{
    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_2, false);
    expect_drop(build(sound, flow_mac(2), flow_mac(5)), DROP_split_horizon);
    f->nets[0].flood_unknown = true;
    flow_publish(f);
    receive(build(sound, broadcast, flow_mac(5)));
    receive(build(sound, flow_mac(77), flow_mac(5))); /* unknown: to our ports only */
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 0);
    ck_assert_uint_eq(flow_waiting(f, PORT_A), 2);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 2);
    flow_discard(f);
    flow_fdb(f, NET_WEB, flow_mac(77), DP_WHERE_FLOOD, 0, false);
    receive(build(sound, flow_mac(77), flow_mac(5)));
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 0);
    ck_assert_uint_eq(flow_waiting(f, PORT_A), 1);
}
END_TEST

START_TEST(test_R1_12_link_local_from_the_wan)
{
    struct mac dst = {{0x01, 0x80, 0xc2, 0, 0, 0}};

    for (unsigned i = 0; i < 16; i++) {
        dst.b[5] = (uint8_t)i;
        expect_drop(build(sound, dst, flow_mac(5)), DROP_link_local);
    }
    expect_drop(build(sound, flow_mac(1), broadcast), DROP_src_invalid);
    expect_drop(build(sound, flow_mac(1), (struct mac){{0}}), DROP_src_invalid);
}
END_TEST

START_TEST(test_R1_5_outer_fragments)
{
    size_t len = build_sound();

    if (!f->ipv6) {
        packet[14 + 6] = 0x20; /* more fragments */
        flow_fix(f, packet, false);
        expect_drop(len, DROP_outer_fragment);
        packet[14 + 6] = 0;
        packet[14 + 7] = 1; /* a later one has no ports: the kernel's */
        flow_fix(f, packet, false);
        expect_to_kernel(len);
        return;
    }
    memmove(packet + 54 + 8, packet + 54, len - 54);
    memset(packet + 54, 0, 8);
    packet[54] = 17;
    packet[57] = 1; /* offset 0, more */
    packet[20] = 44;
    expect_drop(len + 8, DROP_outer_fragment);
    packet[56] = 1;
    expect_to_kernel(len + 8);
}
END_TEST

START_TEST(test_outer_ipv4_header)
{
    size_t len = build_sound();

    packet[14 + 10] ^= 1;
    expect_drop(len, DROP_outer_ip_checksum);
    len = build_sound();
    packet[14 + 3] += 1; /* total length beyond the packet */
    flow_fix(f, packet, false);
    expect_drop(len, DROP_outer_truncated);
    /* four bytes of options */
    len = build_sound();
    memmove(packet + 38, packet + 34, len - 34);
    memset(packet + 34, 1, 4);
    packet[14] = 0x46;
    packet[17] += 4;
    flow_fix(f, packet, false);
    expect_drop(len + 4, DROP_outer_ip_options);
    packet[14] = 0x44; /* header shorter than a header */
    expect_drop(len + 4, DROP_outer_truncated);
}
END_TEST

START_TEST(test_outer_udp_length)
{
    size_t len = build_sound();
    unsigned sound_len = (unsigned)(udp_header()[4] << 8 | udp_header()[5]);

    for (unsigned bad = 0; bad < 8; bad++) {
        udp_header()[4] = 0;
        udp_header()[5] = (uint8_t)bad;
        expect_drop(len, DROP_outer_udp_length);
    }
    for (unsigned bad = 8; bad < 16; bad++) {
        udp_header()[5] = (uint8_t)bad;
        expect_drop(len, DROP_vxlan_truncated);
    }
    for (unsigned bad = 16; bad < 30; bad++) {
        udp_header()[5] = (uint8_t)bad;
        expect_drop(len, DROP_inner_truncated);
    }
    udp_header()[4] = (uint8_t)((sound_len + 1) >> 8);
    udp_header()[5] = (uint8_t)(sound_len + 1);
    expect_drop(len, DROP_outer_udp_length);
    udp_header()[4] = 0xff;
    expect_drop(len, DROP_outer_udp_length);
}
END_TEST

/* Whatever the length at which a packet is cut: one named drop, or the kernel when it can no longer be told
 * apart. */
START_TEST(test_every_truncation)
{
    size_t len = build_sound();

    for (size_t cut = 0; cut <= 128 && cut < len; cut++) {
        uint64_t drops = flow_all_drops(f);

        receive(cut);
        ck_assert_uint_eq(flow_all_drops(f), drops + 1);
        for (unsigned i = 0; i < N_PORTS; i++)
            ck_assert_uint_eq(flow_waiting(f, i), 0);
    }
    ck_assert_uint_eq(flow_drops(f, DROP_outer_truncated), flow_all_drops(f));
    receive(len);
    ck_assert_int_gt(flow_take(f, PORT_A, got), 0);
}
END_TEST

/* Every length of the inner frame, of which the outer headers speak truly. */
START_TEST(test_every_inner_length)
{
    for (size_t inner = 0; inner <= 128; inner++) {
        uint64_t drops = flow_drops(f, DROP_inner_truncated);
        size_t len;

        memset(frame, 0, sizeof(frame));
        flow_eth(frame, flow_mac(1), flow_mac(5), FLOW_UNTAGGED, 0x0800, NULL, 0);
        len = flow_wrap(f, packet, sound, frame, inner);
        receive(len);
        ck_assert_uint_eq(flow_drops(f, DROP_inner_truncated), drops + (inner < 14));
        ck_assert_int_eq(flow_take(f, PORT_A, got), inner < 14 ? -1 : (int)inner + 4);
    }
}
END_TEST

START_TEST(test_every_access_length)
{
    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_1, false);
    for (unsigned tagged = 0; tagged < 2; tagged++) {
        for (size_t len = 0; len <= 128; len++) {
            uint64_t truncated = flow_drops(f, DROP_truncated), all = flow_all_drops(f);
            size_t need = tagged ? 18 : 14;

            memset(frame, 0, sizeof(frame));
            flow_eth(frame, flow_mac(2), flow_mac(1), tagged ? 100 : FLOW_UNTAGGED, 0x0800, NULL, 0);
            flow_put(f, PORT_A, frame, len);
            flow_poll(f);
            ck_assert_uint_eq(flow_drops(f, DROP_truncated), truncated + (len < need));
            ck_assert_uint_eq(flow_all_drops(f), all + (len < need || !tagged));
            ck_assert_uint_eq(flow_waiting(f, PORT_WAN), len >= need && tagged);
            flow_discard(f);
        }
    }
}
END_TEST

/* Random damage to sound packets and frames: the worker survives, and every frame is accounted for (the sum
 * of what came in plus copies is the sum of what went out plus drops). */
START_TEST(test_counters_add_up_for_random_traffic)
{
    uint64_t seed = (uint64_t)time(NULL), in = 0, out = 0;
    const char *given = getenv("SEED");

    seed = given ? strtoull(given, NULL, 0) : seed;
    printf("SEED=%llu\n", (unsigned long long)seed);
    srandom((unsigned)seed);
    f->nets[0].limit_broadcast = 100;
    f->vteps[1].resolved = false;
    flow_publish(f);
    for (unsigned i = 0; i < 60000; i++) {
        unsigned port = (unsigned)random() % 3;
        struct flow_outer o = {
            .vtep = (unsigned)random() % 4, .vni = random() % 8 ? VNI_WEB : VNI_DB, .flags = 0x08};
        struct mac dst = random() % 4 ? flow_mac((unsigned)random() % 8) : broadcast;
        struct mac src = flow_mac((unsigned)random() % 8);
        uint8_t *p = frame;
        size_t len = flow_ipv4(frame, dst, src, random() % 2 ? 100 : 200, 0, (uint16_t)random(),
                               (size_t)random() % 1500);

        if (port == PORT_WAN) {
            len = flow_ipv4(frame, dst, src, FLOW_UNTAGGED, 0, (uint16_t)random(), (size_t)random() % 1500);
            len = flow_wrap(f, packet, o, frame, len);
            p = packet;
        }
        if (random() % 4 == 0)
            p[(size_t)random() % RTE_MIN(len, 80u)] ^= (uint8_t)(1 << random() % 8);
        if (random() % 8 == 0)
            len = (size_t)random() % (len + 1);
        flow_put(f, port, p, len);
        if (random() % 4 == 0)
            flow_fdb(f, random() % 2 ? NET_WEB : NET_DB, flow_mac((unsigned)random() % 8),
                     random() % 2 ? DP_WHERE_PORT : DP_WHERE_VTEP, (uint16_t)(random() % 2 + (random() % 2)),
                     random() % 16 == 0);
        if (random() % 16 == 0) {
            flow_poll(f);
            flow_discard(f);
        }
    }
    flow_poll(f);
    flow_discard(f);
    for (unsigned i = 0; i < N_PORTS; i++) {
        in += f->w.counters.ports[i].rx.frames;
        out += f->w.counters.ports[i].tx.frames;
    }
    ck_assert_uint_eq(in, 60000);
    ck_assert_uint_gt(out, 10000);
    flow_require_balance(f);
    for (unsigned i = 0; i < N_PORTS; i++) /* no buffer is lost either */
        ck_assert_uint_eq(rte_mempool_avail_count(f->ports[i].pool), f->ports[i].pool->size);
}
END_TEST

struct outcome {
    uint64_t out[N_PORTS], drops[DROP_N];
    struct dp_count rx;
};

static void add_outcome(struct outcome *o, int sign)
{
    for (unsigned i = 0; i < N_PORTS; i++)
        o->out[i] += (uint64_t)sign * f->w.counters.ports[i].tx.frames;
    for (unsigned i = 0; i < DROP_N; i++)
        o->drops[i] += (uint64_t)sign * f->w.counters.totals.drops[i];
    o->rx.frames += (uint64_t)sign * f->w.counters.vteps[VTEP_1].rx.frames;
    o->rx.bytes += (uint64_t)sign * f->w.counters.vteps[VTEP_1].rx.bytes;
}

/* A sound packet and then `packet`, in one burst or in two. */
static struct outcome behind_a_sound_one(size_t len, bool one_burst)
{
    static uint8_t first[256];
    struct outcome o = {0};

    add_outcome(&o, -1);
    flow_put(f, PORT_WAN, first, flow_wrap(f, first, sound, frame, 60));
    if (!one_burst)
        flow_poll(f);
    flow_put(f, PORT_WAN, packet, len);
    flow_poll(f);
    flow_discard(f);
    add_outcome(&o, 1);
    return o;
}

/* What the packet before it was like makes no difference. One bit, and two: ECN has them. */
START_TEST(test_R1_9_each_bit_behind_a_sound_packet)
{
    unsigned bits = (14 + ip_len() + 16) * 8;

    for (unsigned i = 0; i < bits * 4; i++) {
        size_t len = build_sound();
        struct outcome alone, behind;

        packet[i / 32] ^= (uint8_t)((i % 2 ? 3 : 1) << i / 4 % 8);
        if (i % 4 < 2)
            flow_fix(f, packet, false);
        alone = behind_a_sound_one(len, false);
        behind = behind_a_sound_one(len, true);
        ck_assert_msg(memcmp(&alone, &behind, sizeof(alone)) == 0, "byte %u, bit %u", i / 32, i / 4 % 8);
    }
}
END_TEST

/* As the first packet of a burst, and behind one from nobody: nothing before it that it could be like. */
START_TEST(test_a_packet_of_zeros)
{
    for (unsigned i = 0; i < 2; i++) {
        uint64_t out = f->w.counters.ports[PORT_A].tx.frames;
        struct flow_outer o = sound;
        size_t len;

        o.vni = 0xabcdef;
        len = build(o, flow_mac(1), flow_mac(5));
        if (i == 1)
            flow_put(f, PORT_WAN, packet, len);
        memset(packet, 0, len);
        packet[17] = (uint8_t)(len - 14); /* the lengths, and a header sum, are right */
        packet[39] = (uint8_t)(len - 34);
        packet[18] = 0xff;
        packet[19] = (uint8_t)~packet[17];
        receive(len);
        flow_discard(f);
        ck_assert_uint_eq(f->w.counters.ports[PORT_A].tx.frames, out);
    }
    flow_require_balance(f);
}
END_TEST

static void add_all(TCase *t)
{
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_decapsulate);
    tcase_add_test(t, test_trailing_padding_is_cut);
    tcase_add_test(t, test_R1_3_udp_checksum);
    tcase_add_test(t, test_R1_4_flags_and_reserved);
    tcase_add_test(t, test_R1_6_tagged_inner_frame);
    tcase_add_test(t, test_R1_6_no_vlan_hopping);
    tcase_add_test(t, test_R1_8_ecn_rfc6040);
    tcase_add_test(t, test_R1_9_vni_and_source);
    tcase_add_test(t, test_R1_9_not_ours_goes_to_the_kernel);
    tcase_add_test(t, test_outer_mac_not_ours);
    tcase_add_test(t, test_R1_10_learning);
    tcase_add_test(t, test_R1_11_split_horizon);
    tcase_add_test(t, test_R1_12_link_local_from_the_wan);
    tcase_add_test(t, test_R1_5_outer_fragments);
    tcase_add_test(t, test_outer_udp_length);
    tcase_add_test(t, test_every_truncation);
    tcase_add_test(t, test_every_inner_length);
    tcase_add_test(t, test_R1_9_each_bit_behind_a_sound_packet);
    tcase_add_test(t, test_a_packet_of_zeros);
    tcase_add_test(t, test_counters_add_up_for_random_traffic);
}

int main(void)
{
    Suite *s = suite_create("wan");
    TCase *v4 = tcase_create("ipv4"), *v6 = tcase_create("ipv6");

    flow_start_eal();
    tcase_add_checked_fixture(v4, setup, teardown);
    tcase_add_checked_fixture(v6, setup_ipv6, teardown);
    add_all(v4);
    add_all(v6);
    tcase_add_test(v4, test_outer_ipv4_header);
    tcase_add_test(v4, test_every_access_length);
    suite_add_tcase(s, v4);
    suite_add_tcase(s, v6);
    return run_suite(s);
}
