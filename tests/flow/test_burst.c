/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bursts: what comes out, in which order, and what is counted, is the same whether frames come one by one or
 * many at once, by whichever of the builds of burst.c, and whether packets from the underlay go the quick way
 * or the whole one, damaged ones too; and the quick look at an outer header says what the whole parser says.
 */
#include "dataplane/burst.h"
#include "dataplane/vxlan_usual.h"
#include "tests/flow/flow.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FRAMES 4000

static struct flow *f;
static uint8_t frame[9216], packet[9300], got[9216];
static unsigned seed;
static bool damages, zero_csum; /* of the outer headers; whether IPv6 may come without UDP checksum */
static enum flow_buffers buffers;
static bool jumbo;      /* frames of up to 8,900 bytes among them */
static unsigned pieces; /* frames are cut into up to so many, and more than that as buffers need; 0: not */
/* The kind of the frame last made, and how many follow that are like it. */
static struct {
    unsigned dst, src, port, more;
} kind;

static void start(bool ipv6)
{
    f = flow_open_with(ipv6, buffers);
    f->topology.udp6_zero_csum_rx = zero_csum;
    flow_publish(f);
}

static void setup(void)
{
    start(false);
}

static void setup_ipv6(void)
{
    start(true);
}

static void teardown(void)
{
    flow_close(f);
}

static unsigned pick(unsigned n)
{
    return (unsigned)random() % n;
}

/* Hosts 0-3 of both networks are at ports, 4-7 behind VTEPs; of some the place is static, marked or gone. */
static void fill_fdb(void)
{
    for (unsigned net = NET_WEB; net <= NET_DB; net++) {
        for (unsigned i = 0; i < 8; i++) {
            bool vtep = i >= 4;

            flow_fdb(f, (dp_net_id)net, flow_mac(i), vtep ? DP_WHERE_VTEP : DP_WHERE_PORT,
                     (uint16_t)(vtep    ? VTEP_1 + i % 2
                                : i % 2 ? PORT_B
                                        : PORT_A),
                     i == 3);
        }
    }
}

static unsigned outer_len(void)
{
    return f->ipv6 ? VXLAN_OUTER_IPV6 : VXLAN_OUTER_IPV4;
}

/* Bits of a packet from the underlay, mostly of its outer header; then its checksums hold, or not. */
static void damage(size_t len)
{
    const uint8_t *udp = packet + outer_len() - 16;
    bool readable;

    for (unsigned n = pick(3); n > 0; n--)
        packet[pick(pick(8) ? outer_len() : (unsigned)len)] ^= (uint8_t)(1 << pick(8));
    readable = (f->ipv6 || packet[14] == 0x45) && udp + (udp[4] << 8 | udp[5]) <= packet + len;
    if (pick(2))
        flow_fix(f, packet, readable && pick(4));
}

/* Its length when something was cut off, or follows. */
static size_t other_len(size_t len)
{
    switch (pick(8)) {
    case 0:
        return pick((unsigned)len);
    case 1:
        memset(packet + len, 0xee, 20);
        return len + pick(20);
    default:
        return len;
    }
}

/* A frame of most kinds, runs of one kind among them; returns the port to put it in by. */
static unsigned make(const uint8_t **out, size_t *len)
{
    static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    uint8_t tos = pick(8) ? 0 : (uint8_t)pick(256);
    struct flow_outer o = {.vni = pick(8) ? VNI_WEB : VNI_DB,
                           .flags = pick(32) ? 0x08 : 0,
                           .tos = tos,
                           .checksum = f->ipv6 == (pick(16) != 0)};
    size_t payload = 18 + pick(pick(16) ? 100 : jumbo ? 8900 : 1500);
    uint16_t vlan = pick(4) ? 100 : 200;

    if (kind.more == 0) {
        kind.port = damages ? PORT_WAN : pick(3);
        kind.src = kind.port == PORT_WAN ? 4 + pick(4)
                                         : kind.port + 2 * pick(2); /* most of them where the FDB has them */
        kind.dst = pick(8);
        kind.more = 1 + pick(12);
    }
    kind.more--;
    o.vtep = VTEP_1 + kind.src % 2;
    if (kind.port == PORT_B && vlan == 200)
        vlan = FLOW_UNTAGGED;
    *len = (pick(8) ? flow_ipv4 : flow_ipv6)(
        frame, pick(16) ? flow_mac(kind.dst) : broadcast, flow_mac(kind.src),
        kind.port == PORT_WAN && pick(16) ? FLOW_UNTAGGED : vlan, tos, (uint16_t)pick(100), payload);
    *out = frame;
    if (kind.port == PORT_WAN) {
        *len = flow_wrap(f, packet, o, frame, *len);
        if (damages && pick(2)) {
            damage(*len);
            *len = other_len(*len);
        }
        *out = packet;
    }
    return kind.port;
}

/* All that came out, in the order in which it left by each port, and all counters. */
struct outcome {
    uint64_t hash[N_PORTS];
    unsigned frames[N_PORTS];
    struct dp_net_counters nets[NET_DB + 1];
    struct dp_vtep_counters vteps[VTEP_2 + 1];
    struct dp_port_counters ports[N_PORTS];
    struct dp_totals totals;
};

static void take_all(struct outcome *o)
{
    for (unsigned port = 0; port < N_PORTS; port++) {
        for (int len; (len = flow_take(f, port, got)) >= 0; o->frames[port]++)
            for (int i = 0; i < len; i++)
                o->hash[port] = (o->hash[port] ^ got[i]) * UINT64_C(0x100000001b3) + (unsigned)len;
    }
}

/* Not pick(): frames are the same whether they are cut or not. */
static unsigned pick_piece(unsigned n)
{
    static uint64_t state = 1;

    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(state >> 33) % n;
}

static void put(unsigned port, const uint8_t *data, size_t len)
{
    unsigned n = pieces ? pick_piece(pieces) : 0;
    uint16_t part[32];

    for (unsigned i = 0; i < n; i++)
        part[i] = (uint16_t)pick_piece(pick_piece(4) ? (unsigned)len + 1 : 80);
    flow_put_parts(f, port, data, len, part, n);
}

/* at_once: frames in a round, all of them from one port. */
static void run(const struct burst *burst, unsigned at_once, struct outcome *o)
{
    unsigned last = N_PORTS, waiting = 0;

    memset(o, 0, sizeof(*o));
    srandom(seed);
    memset(&kind, 0, sizeof(kind));
    f->w.burst = burst;
    fill_fdb();
    for (unsigned i = 0; i < FRAMES; i++) {
        const uint8_t *data;
        size_t len;
        unsigned by = make(&data, &len);

        if (waiting == at_once || (waiting > 0 && by != last)) {
            flow_poll(f);
            take_all(o);
            waiting = 0;
        }
        put(by, data, len);
        last = by;
        waiting++;
    }
    flow_poll(f);
    take_all(o);
    flow_require_balance(f);
    memcpy(o->nets, f->w.counters.nets, sizeof(o->nets));
    memcpy(o->vteps, f->w.counters.vteps, sizeof(o->vteps));
    memcpy(o->ports, f->w.counters.ports, sizeof(o->ports));
    o->totals = f->w.counters.totals;
    o->totals.polls = o->totals.idle_polls = o->totals.busy_cycles = 0;
}

static void expect_outcome(const struct outcome *is, const struct outcome *one, const char *how,
                           unsigned bits)
{
    for (unsigned port = 0; port < N_PORTS; port++) {
        ck_assert_msg(is->frames[port] == one->frames[port], "%s, %u: %u frames out of port %u, not %u", how,
                      bits, is->frames[port], port, one->frames[port]);
        ck_assert_msg(is->hash[port] == one->hash[port], "%s, %u: other frames out of port %u", how, bits,
                      port);
    }
    ck_assert_mem_eq(is->nets, one->nets, sizeof(one->nets));
    ck_assert_mem_eq(is->vteps, one->vteps, sizeof(one->vteps));
    ck_assert_mem_eq(is->ports, one->ports, sizeof(one->ports));
    ck_assert_mem_eq(&is->totals, &one->totals, sizeof(one->totals));
}

/* nics: bits; 1: port A takes tags off, 2: and puts them in, 4 and 8: port B. */
static void expect_same(const struct burst *burst, unsigned nics, const struct outcome *one)
{
    bool ipv6 = f->ipv6;
    struct outcome many;

    flow_close(f);
    start(ipv6);
    flow_nic(f, PORT_A, nics & 1, nics & 2);
    flow_nic(f, PORT_B, nics & 4, nics & 8);
    run(burst, WORKER_BURST, &many);
    expect_outcome(&many, one, burst->isa, nics);
}

START_TEST(test_one_by_one_or_many_at_once)
{
    struct outcome one;

    run(burst_pick(0), 1, &one);
    for (unsigned port = 0; port <= PORT_WAN; port++)
        ck_assert_uint_gt(one.frames[port], FRAMES / 20);
    for (unsigned i = 0; burst_pick(i); i++)
        expect_same(burst_pick(i), 0, &one);
}
END_TEST

/* VLAN tags taken off and put in by the NICs, or some of it. */
START_TEST(test_with_nics_and_without)
{
    struct outcome one;

    run(burst_pick(0), WORKER_BURST, &one);
    for (unsigned i = 0; burst_pick(i); i++)
        for (unsigned nics = 1; nics < 16; nics += i ? 7 : 2)
            expect_same(burst_pick(i), nics, &one);
}
END_TEST

static void whole_wan(struct worker *w, const struct snapshot *s, dp_port_id port, struct rte_mbuf **m,
                      unsigned n)
{
    struct frame one;

    for (unsigned i = 0; i < n; i++)
        if (wan_unpack(w, s, port, m[i], &one))
            wan_forward(w, s, &one);
}

/* Of packets from the underlay, whatever is wrong with them. */
START_TEST(test_quick_way_and_whole_way)
{
    struct burst whole = {"the whole way", burst_pick(0)->access, whole_wan};
    bool ipv6 = f->ipv6;
    struct outcome one;

    damages = true;
    zero_csum = _i;
    flow_close(f);
    start(ipv6);
    run(&whole, 1, &one);
    ck_assert_uint_gt(one.vteps[VTEP_1].rx.frames, FRAMES / 20);
    ck_assert_uint_gt(one.ports[PORT_WAN].drops, FRAMES / 20);
    for (unsigned i = 0; burst_pick(i); i++)
        expect_same(burst_pick(i), 0, &one);
}
END_TEST

/* gathers: by which ports frames in several buffers may leave, as bits. */
static void expect_same_of(enum flow_buffers of, unsigned cut, unsigned gathers, const struct burst *burst,
                           const struct outcome *one)
{
    bool ipv6 = f->ipv6;
    struct outcome o;

    flow_close(f);
    buffers = of;
    start(ipv6);
    for (unsigned port = 0; buffers == FLOW_LARGE && port < N_PORTS; port++)
        f->w.ports[port].gathers = gathers >> port & 1;
    pieces = cut;
    run(burst, WORKER_BURST, &o);
    expect_outcome(&o, one, burst->isa, gathers);
}

/* Long frames among others: in large buffers, in as many ordinary ones as they need, and in any pieces. With
 * packets that something is wrong with, too. */
START_TEST(test_in_several_buffers)
{
    bool ipv6 = f->ipv6;
    struct outcome one;

    flow_close(f);
    jumbo = true;
    damages = _i;
    buffers = FLOW_LARGE;
    start(ipv6);
    run(burst_pick(0), WORKER_BURST, &one);
    ck_assert_uint_gt(one.ports[PORT_B].tx.bytes, one.ports[PORT_B].tx.frames * 200);
    for (unsigned i = 0; burst_pick(i); i++) {
        expect_same_of(FLOW_CHAINS, 0, 0, burst_pick(i), &one);
        expect_same_of(FLOW_CHAINS, 3, 0, burst_pick(i), &one);
        for (unsigned gathers = i; gathers < 1 << N_PORTS; gathers += 5)
            expect_same_of(FLOW_LARGE, 3 + gathers, gathers, burst_pick(i), &one);
    }
}
END_TEST

#ifdef __x86_64__
/* As the kernel says it. */
static bool cpu_has(const char *flag)
{
    FILE *in = fopen("/proc/cpuinfo", "r");
    char line[8192], word[32];
    bool found = false;

    ck_assert_ptr_nonnull(in);
    snprintf(word, sizeof(word), " %s ", flag);
    while (!found && fgets(line, sizeof(line), in)) {
        line[strcspn(line, "\n")] = ' ';
        found = strncmp(line, "flags", 5) == 0 && strstr(line, word);
    }
    fclose(in);
    return found;
}

START_TEST(test_the_best_that_this_processor_has)
{
    static const char *const v3[] = {"avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"};
    static const char *const v4[] = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"};
    unsigned n3 = 0, n4 = 0;

    for (unsigned i = 0; i < RTE_DIM(v3); i++)
        n3 += cpu_has(v3[i]);
    for (unsigned i = 0; i < RTE_DIM(v4); i++)
        n4 += cpu_has(v4[i]);
    ck_assert_str_eq(burst_pick(0)->isa, n3 < RTE_DIM(v3)   ? "base"
                                         : n4 < RTE_DIM(v4) ? "x86-64-v3"
                                                            : "x86-64-v4");
}
END_TEST
#endif

static bool both_parse(struct rte_mbuf *m)
{
    struct vxlan_expect expect = vxlan_expect(&f->snapshot->local);
    struct vxlan_usual quick;
    struct vxlan_packet whole;
    struct ipaddr source;

    if (!vxlan_parse_usual(m, &expect, f->ipv6, &quick))
        return false;
    ck_assert_int_eq(vxlan_parse(m, &f->snapshot->local, &whole), VXLAN_FOR_US);
    source = vxlan_tunnel_source(&quick.tunnel, f->ipv6);
    ck_assert(ipaddr_eq(&source, &whole.source));
    ck_assert_uint_eq(vxlan_tunnel_vni(&quick.tunnel), whole.vni);
    ck_assert_uint_eq(quick.inner_len, whole.inner_len);
    ck_assert_uint_eq(whole.inner_offset, outer_len());
    ck_assert_uint_eq(quick.tos, whole.tos);
    ck_assert_uint_eq(quick.ttl, whole.ttl);
    return true;
}

/* Any damage: either the quick look says nothing, or the same; and the checksums are mended now and then, so
 * that they are not all that it sees. */
START_TEST(test_quick_look_at_damaged_packets)
{
    struct rte_mbuf m = {.buf_addr = packet, .nb_segs = 1};
    unsigned taken = 0;

    srandom(seed);
    f->topology.udp6_zero_csum_rx = true;
    flow_publish(f);
    for (unsigned i = 0; i < SCALE * 80000; i++) {
        struct flow_outer o = {.vtep = VTEP_1,
                               .vni = pick(1 << 24),
                               .flags = 0x08,
                               .tos = (uint8_t)pick(256),
                               .checksum = f->ipv6};
        size_t inner = flow_ipv4(frame, flow_mac(1), flow_mac(2), FLOW_UNTAGGED, 0, 1, pick(200));
        size_t len = flow_wrap(f, packet, o, frame, inner);

        damage(len);
        m.pkt_len = m.data_len = (uint16_t)(pick(4) ? len : pick((unsigned)len + 20));
        taken += both_parse(&m);
    }
    ck_assert_uint_gt(taken, SCALE * 20000);
    ck_assert_uint_lt(taken, SCALE * 70000);
}
END_TEST

static bool sound_parses(bool checksum)
{
    struct rte_mbuf m = {.buf_addr = packet, .nb_segs = 1};
    struct flow_outer o = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .checksum = checksum};
    size_t inner = flow_ipv4(frame, flow_mac(1), flow_mac(2), FLOW_UNTAGGED, 0, 1, 18);

    m.pkt_len = m.data_len = (uint16_t)flow_wrap(f, packet, o, frame, inner);
    return both_parse(&m);
}

START_TEST(test_R1_3_quick_look_takes_sound_packets)
{
    ck_assert(sound_parses(f->ipv6));
    ck_assert(!sound_parses(!f->ipv6)); /* also with a checksum over IPv4, which is not usual */
    f->topology.udp6_zero_csum_rx = true;
    flow_publish(f);
    ck_assert(sound_parses(false));
}
END_TEST

START_TEST(test_quick_look_wants_one_buffer)
{
    struct rte_mbuf m = {.buf_addr = packet, .nb_segs = 1};
    struct flow_outer o = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .checksum = f->ipv6};
    size_t inner = flow_ipv4(frame, flow_mac(1), flow_mac(2), FLOW_UNTAGGED, 0, 1, 18);

    m.pkt_len = m.data_len = (uint16_t)flow_wrap(f, packet, o, frame, inner);
    ck_assert(both_parse(&m));
    m.nb_segs = 2;
    ck_assert(!both_parse(&m));
}
END_TEST

/* Hosts whose entries are not where a look-up begins: half of them at port A, half behind VTEP 2. */
#define FEW 2

static void crowd(struct mac local[FEW], struct mac remote[FEW])
{
    unsigned n_local = 0, n_remote = 0;

    for (unsigned i = 0; i < f->fdb.t.capacity; i++)
        flow_fdb(f, NET_WEB, flow_mac(i), i % 2 ? DP_WHERE_VTEP : DP_WHERE_PORT, i % 2 ? VTEP_2 : PORT_A,
                 false);
    for (unsigned i = 0; i < f->fdb.t.capacity; i++) {
        uint64_t key = fdb_key(NET_WEB, flow_mac(i).b);

        if (table_line_hits(table_home(&f->fdb.t, fdb_hash(&f->fdb, key)), key) != 0)
            continue;
        if (i % 2 && n_remote < FEW)
            remote[n_remote++] = flow_mac(i);
        else if (i % 2 == 0 && n_local < FEW)
            local[n_local++] = flow_mac(i);
    }
    ck_assert_uint_eq(n_local, FEW);
    ck_assert_uint_eq(n_remote, FEW);
}

START_TEST(test_macs_that_are_not_where_a_look_up_begins)
{
    bool ipv6 = f->ipv6;

    for (unsigned i = 0; burst_pick(i); i++) {
        struct flow_outer o = {.vtep = VTEP_2, .vni = VNI_WEB, .flags = 0x08, .checksum = ipv6};
        struct mac local[FEW], remote[FEW];
        struct dp_event e;

        flow_close(f);
        start(ipv6);
        f->w.burst = burst_pick(i);
        crowd(local, remote);
        for (unsigned k = 0; k < FEW; k++)
            flow_put(f, PORT_A, frame, flow_ipv4(frame, remote[k], local[k], 100, 0, 1, 18));
        flow_poll(f);
        ck_assert_uint_eq(flow_waiting(f, PORT_WAN), FEW);
        for (unsigned k = 0; k < FEW; k++) {
            size_t len = flow_ipv4(frame, local[k], remote[k], FLOW_UNTAGGED, 0, 1, 18);

            flow_put(f, PORT_WAN, packet, flow_wrap(f, packet, o, frame, len));
        }
        flow_poll(f);
        ck_assert_uint_eq(flow_waiting(f, PORT_A), FEW);
        ck_assert_uint_eq(flow_waiting(f, PORT_B), 0); /* not flooded */
        ck_assert_uint_eq(flow_all_drops(f), 0);
        ck_assert(!flow_event(f, &e)); /* and none is new */
        flow_discard(f);
    }
}
END_TEST

/* A frame from port A with so many bytes in front. */
static void put_at(uint16_t headroom, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(f->ports[PORT_A].pool);

    ck_assert_ptr_nonnull(m);
    m->data_off = headroom;
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
    ck_assert_int_eq(rte_ring_enqueue(f->in[PORT_A], m), 0);
}

START_TEST(test_no_room_for_an_outer_header)
{
    size_t len = flow_ipv4(frame, flow_mac(3), flow_mac(1), 100, 0, 1, 18);
    unsigned outer = f->ipv6 ? 70 : 50, sent = 0, dropped = 0;

    flow_hosts(f);
    for (uint16_t headroom = 0; headroom <= 80; headroom++) {
        unsigned room = headroom + 4u; /* where the tag was */

        put_at(headroom, len);
        flow_poll(f);
        sent += room >= outer;
        dropped += room < outer;
        ck_assert_uint_eq(flow_waiting(f, PORT_WAN), sent);
        ck_assert_uint_eq(flow_drops(f, DROP_no_buffer), dropped);
    }
    while (sent-- > 0)
        ck_assert_int_eq(flow_take(f, PORT_WAN, got), (int)(len - 4 + outer));
    flow_require_balance(f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("burst");
    TCase *v4 = tcase_create("ipv4"), *v6 = tcase_create("ipv6");
    const char *given = getenv("SEED");

    seed = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);
    printf("SEED=%u\n", seed);
    flow_start_eal();
    tcase_add_checked_fixture(v4, setup, teardown);
    tcase_add_checked_fixture(v6, setup_ipv6, teardown);
    tcase_set_timeout(v4, 120);
    tcase_set_timeout(v6, 120);
#ifdef __x86_64__
    tcase_add_test(v4, test_the_best_that_this_processor_has);
#endif
    tcase_add_test(v4, test_one_by_one_or_many_at_once);
    tcase_add_test(v6, test_one_by_one_or_many_at_once);
    tcase_add_test(v4, test_with_nics_and_without);
    tcase_add_loop_test(v4, test_in_several_buffers, 0, 2);
    tcase_add_loop_test(v6, test_in_several_buffers, 0, 2);
    tcase_add_test(v4, test_quick_look_at_damaged_packets);
    tcase_add_test(v6, test_quick_look_at_damaged_packets);
    tcase_add_test(v4, test_R1_3_quick_look_takes_sound_packets);
    tcase_add_test(v6, test_R1_3_quick_look_takes_sound_packets);
    tcase_add_test(v4, test_quick_look_wants_one_buffer);
    tcase_add_test(v6, test_quick_look_wants_one_buffer);
    tcase_add_test(v4, test_macs_that_are_not_where_a_look_up_begins);
    tcase_add_test(v6, test_macs_that_are_not_where_a_look_up_begins);
    tcase_add_test(v4, test_no_room_for_an_outer_header);
    tcase_add_test(v6, test_no_room_for_an_outer_header);
    tcase_add_loop_test(v4, test_quick_way_and_whole_way, 0, 2);
    tcase_add_loop_test(v6, test_quick_way_and_whole_way, 0, 2);
    suite_add_tcase(s, v4);
    suite_add_tcase(s, v6);
    return run_suite(s);
}
