/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Frames in several packet buffers (segments.h): what the table of cases (test_cases.c) and the random bursts
 * (test_burst.c), which run with such frames as well, do not look at. What is cut as no NIC would cut it;
 * what there is no buffer for; floods, captures, neighbour discovery and own frames of several buffers; the
 * functions on one frame. Drivers are in test_segments_drivers.c.
 */
#include "dataplane/capture.h"
#include "dataplane/port_pool.h"
#include "dataplane/segments.h"
#include "tests/flow/arpnd.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <time.h>

static struct flow *f;
static uint8_t frame[9216], packet[9216], got[9216], want[9216];
static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static void open_with(enum flow_buffers buffers)
{
    f = flow_open_with(false, buffers);
    flow_hosts(f);
}

static void setup(void)
{
    open_with(FLOW_ORDINARY);
}

static void setup_long(void)
{
    open_with(FLOW_CHAINS);
}

static void teardown(void)
{
    flow_end(f);
}

/* In n buffers, all but the last of `each` bytes. */
static void put_pieces(unsigned port, const uint8_t *data, size_t len, unsigned n, uint16_t each)
{
    static uint16_t part[4096];

    for (unsigned i = 0; i + 1 < n; i++)
        part[i] = each;
    flow_put_parts(f, port, data, len, part, n - 1);
}

static void expect_frame(unsigned port, const uint8_t *data, size_t len)
{
    ck_assert_int_eq(flow_take(f, port, got), (int)len);
    ck_assert_mem_eq(got, data, len);
}

/* ---- what comes in */

/* Longer than any port may send: from hosts, from VTEPs, from the kernel. All others of the burst pass. */
START_TEST(test_too_long)
{
    static const unsigned ports[] = {PORT_A, PORT_WAN, PORT_TAP};
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 400), longest = f->ports[0].longest;

    for (unsigned i = 0; i < RTE_DIM(ports); i++) {
        memcpy(packet, frame, len);
        put_pieces(ports[i], packet, longest + 1, 3, 1000);
        flow_put(f, PORT_A, frame, len);
        flow_poll(f);
        expect_frame(PORT_B, frame, len);
        ck_assert_uint_eq(flow_drops(f, DROP_too_long), i + 1);
        ck_assert_uint_eq(f->w.counters.ports[ports[i]].drops, 1);
    }
    ck_assert_uint_eq(flow_all_drops(f), RTE_DIM(ports));
    ck_assert_uint_eq(f->w.counters.ports[PORT_WAN].rx.bytes, longest + 1);
    /* Not longer than that: as any other frame. */
    put_pieces(PORT_A, packet, longest, 3, 1000);
    flow_poll(f);
    ck_assert_uint_eq(flow_drops(f, DROP_port_mtu), 1);
}
END_TEST

/* One byte each, or nothing, or more buffers than a NIC takes: flow_take() says whether they are in order. */
START_TEST(test_as_no_nic_cuts)
{
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 1200);

    f->w.ports[PORT_B].gathers = _i & 1;
    for (unsigned n = 1; n < len + 100; n += n < 40 ? 1 : 97) {
        put_pieces(PORT_A, frame, len, n, 1);
        flow_poll(f);
        expect_frame(PORT_B, frame, len);
        put_pieces(PORT_A, frame, len, n, 0);
        flow_poll(f);
        expect_frame(PORT_B, frame, len);
        put_pieces(PORT_A, frame, len, n, 700);
        flow_poll(f);
        expect_frame(PORT_B, frame, len);
    }
    ck_assert_uint_eq(flow_all_drops(f), 0);
}
END_TEST

/* Buffers with nothing at all in them are a frame of no bytes, and no want of buffers. */
START_TEST(test_nothing_in_several_buffers)
{
    put_pieces(PORT_A, frame, 0, 3, 0);
    put_pieces(PORT_WAN, frame, 0, 2, 0);
    flow_poll(f);
    ck_assert_uint_eq(flow_drops(f, DROP_truncated), 1);
    ck_assert_uint_eq(flow_drops(f, DROP_outer_truncated), 1);
    ck_assert_uint_eq(flow_all_drops(f), 2);
}
END_TEST

/* _i: which frames of a burst are whole, as bits. */
START_TEST(test_in_their_order)
{
    size_t len;

    f->w.ports[PORT_B].gathers = _i & 1;
    for (unsigned i = 0; i < 6; i++) {
        len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, (uint16_t)i, 1000);
        put_pieces(PORT_A, frame, len, 1 + (_i >> i & 1), i % 2 ? 60 : 800);
    }
    flow_poll(f);
    for (unsigned i = 0; i < 6; i++) {
        len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, (uint16_t)i, 1000);
        expect_frame(PORT_B, frame, len);
    }
}
END_TEST

/* ---- buffers run out */

static struct rte_mbuf *taken[16384];

/* All buffers of a pool but some. */
static unsigned take_buffers(struct rte_mempool *pool, unsigned but)
{
    unsigned n = 0;

    while (n < RTE_DIM(taken) && (taken[n] = rte_pktmbuf_alloc(pool)))
        n++;
    for (; but > 0; but--)
        rte_pktmbuf_free(taken[--n]);
    return n;
}

/* Cut as no NIC does, and no buffer to mend that: dropped where it came in, the next one passes. */
START_TEST(test_no_buffer_to_mend)
{
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 1000);
    unsigned n = take_buffers(f->ports[PORT_A].pool, 4);

    f->w.ports[PORT_B].gathers = true;
    put_pieces(PORT_A, frame, len, 2, 60);
    put_pieces(PORT_A, frame, len, 2, 800);
    flow_poll(f);
    rte_pktmbuf_free_bulk(taken, n);
    expect_frame(PORT_B, frame, len);
    ck_assert_int_eq(flow_take(f, PORT_B, got), -1);
    ck_assert_uint_eq(flow_drops(f, DROP_no_buffer), 1);
    ck_assert_uint_eq(f->w.counters.ports[PORT_A].drops, 1);
}
END_TEST

/* The port that it leaves by takes no chains and has one buffer left. */
START_TEST(test_no_buffer_to_join)
{
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 1000);
    unsigned n = take_buffers(f->ports[PORT_B].pool, 1);

    put_pieces(PORT_A, frame, len, 2, 800);
    put_pieces(PORT_A, frame, len, 2, 700);
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    rte_pktmbuf_free_bulk(taken, n);
    expect_frame(PORT_B, frame, len);
    expect_frame(PORT_B, frame, len);
    ck_assert_int_eq(flow_take(f, PORT_B, got), -1);
    ck_assert_uint_eq(flow_drops(f, DROP_no_buffer), 1);
}
END_TEST

/* Its MTU says yes, but its buffers are shorter: what a wrong MTU of a device could come to. */
START_TEST(test_too_long_to_join)
{
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 5000);

    f->w.ports[PORT_B].gathers = false;
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    ck_assert_uint_eq(flow_drops(f, DROP_port_mtu), 1);
    ck_assert_int_eq(flow_take(f, PORT_B, got), -1);
}
END_TEST

/* By a port with large buffers, as all those have whose drivers take no chains. */
START_TEST(test_long_frames_joined)
{
    const struct dp_config config = {.max_mtu = 9000, .packet_buffers = 1023};
    struct dp_port_spec spec = {.name = "large", .owner = DP_OWNER_VDEV};
    struct rte_mempool *ordinary = f->w.ports[PORT_B].pool, *large;
    char err[DP_ERR_LEN];
    uint16_t longest;

    large = port_pool_create(&spec, 70, 1, &config, false, &longest, err);
    flow_must(large != NULL, err);
    f->w.ports[PORT_B].gathers = false;
    f->w.ports[PORT_B].pool = large;
    for (unsigned payload = 1000; payload < 8950; payload += 371) {
        size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, payload);

        flow_put(f, PORT_A, frame, len);
        flow_poll(f);
        expect_frame(PORT_B, frame, len);
    }
    f->w.ports[PORT_B].pool = ordinary;
    ck_assert(rte_mempool_full(large));
    rte_mempool_free(large);
}
END_TEST

/* ---- ways of a long frame */

/* To the other port and both VTEPs. */
START_TEST(test_flooded)
{
    size_t len = flow_ipv4(frame, broadcast, flow_mac(1), 100, 0, 1, 8900), inner;

    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    expect_frame(PORT_B, frame, len);
    inner = flow_ipv4(want, broadcast, flow_mac(1), FLOW_UNTAGGED, 0, 1, 8900);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(flow_take(f, PORT_WAN, got), (int)inner + VXLAN_OUTER_IPV4);
        ck_assert_mem_eq(got + VXLAN_OUTER_IPV4, want, inner);
    }
    ck_assert_uint_eq(f->w.counters.totals.replicas, 2);
}
END_TEST

/* A VTEP that the path to is too short for: its copy alone is dropped. */
START_TEST(test_flooded_where_it_fits)
{
    size_t len = flow_ipv4(frame, broadcast, flow_mac(1), 100, 0, 1, 8900);

    f->vteps[0].mtu = 8000;
    flow_publish(f);
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 1);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 1);
    ck_assert_uint_eq(flow_drops(f, DROP_path_mtu), 1);
}
END_TEST

/* Buffers for some of the copies. */
START_TEST(test_flooded_without_buffers)
{
    size_t len = flow_ipv4(frame, broadcast, flow_mac(1), 100, 0, 1, 8900);
    unsigned n = take_buffers(f->ports[PORT_A].pool, 12);

    flow_put(f, PORT_A, frame, len); /* five */
    flow_poll(f);
    rte_pktmbuf_free_bulk(taken, n);
    ck_assert_uint_eq(flow_waiting(f, PORT_B) + flow_waiting(f, PORT_WAN), 2);
    ck_assert_uint_eq(flow_drops(f, DROP_no_buffer), 1);
}
END_TEST

/* R8.2: it waits for its destination, and leaves. */
START_TEST(test_R8_2_parked)
{
    size_t len = flow_ipv4(frame, flow_mac(77), flow_mac(1), 100, 0, 1, 8900);

    f->nets[0].n_members = 1;
    flow_publish(f);
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    ck_assert_uint_eq(f->w.park.n, 1);
    flow_fdb(f, NET_WEB, flow_mac(77), DP_WHERE_VTEP, VTEP_1, false);
    f->w.park.look = true;
    flow_poll(f);
    len = flow_ipv4(want, flow_mac(77), flow_mac(1), FLOW_UNTAGGED, 0, 1, 8900);
    ck_assert_int_eq(flow_take(f, PORT_WAN, got), (int)len + VXLAN_OUTER_IPV4);
    ck_assert_mem_eq(got + VXLAN_OUTER_IPV4, want, len);
}
END_TEST

/* While a move is prepared: to where it is and to where it will be. */
START_TEST(test_bicast)
{
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 8900), inner;

    ck_assert_int_eq(bicast_set(&f->bicast, &f->fdb, fdb_key(NET_WEB, flow_mac(2).b),
                                FDB_WHERE(DP_WHERE_VTEP, VTEP_2, false)),
                     0);
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    expect_frame(PORT_B, frame, len);
    inner = flow_ipv4(want, flow_mac(2), flow_mac(1), FLOW_UNTAGGED, 0, 1, 8900);
    ck_assert_int_eq(flow_take(f, PORT_WAN, got), (int)inner + VXLAN_OUTER_IPV4);
    ck_assert_mem_eq(got + VXLAN_OUTER_IPV4, want, inner);
}
END_TEST

/* Bytes behind the outer packet, in buffers of their own and over the edge of one. */
START_TEST(test_tail_behind_the_outer_packet)
{
    struct flow_outer o = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 8};

    for (unsigned payload = 1700; payload < 2300; payload += 7) {
        size_t inner = flow_ipv4(frame, flow_mac(1), flow_mac(3), FLOW_UNTAGGED, 0, 1, payload);
        size_t len = flow_wrap(f, packet, o, frame, inner);

        memset(packet + len, 0xee, 4500);
        put_pieces(PORT_WAN, packet, len + (payload % 3 ? 4500 : 1), 2 + payload % 4, 900);
        flow_poll(f);
        inner = flow_ipv4(want, flow_mac(1), flow_mac(3), 100, 0, 1, payload);
        expect_frame(PORT_A, want, inner);
    }
}
END_TEST

/* An NA with options behind all that lies in the first buffer: what it shows is told. */
START_TEST(test_long_neighbour_discovery)
{
    static uint8_t options[1600];
    struct arpnd_nd na = {.dst = arpnd_all_nodes,
                          .src = flow_mac(1),
                          .vlan = 100,
                          .type = 136,
                          .flags = 0x20,
                          .src_ip = arpnd_ip6(1),
                          .target = arpnd_ip6(1),
                          .options = options,
                          .options_len = sizeof(options)};
    struct dp_event e;
    unsigned told = 0;
    size_t len;

    ck_assert(ipaddr_parse("ff02::1", &na.dst_ip));
    for (unsigned i = 0; i < sizeof(options); i += 200) { /* a nonce, RFC 3971 */
        options[i] = 14;
        options[i + 1] = 25;
    }
    if (_i == 1)
        options[1401] = 0; /* that does not add up, at the far end */
    len = arpnd_nd(frame, &na);
    put_pieces(PORT_A, frame, len, 2, 650);
    flow_poll(f);
    while (flow_event(f, &e))
        told += e.type == DP_EVENT_NEIGHBOUR && ipaddr_eq(&e.ip, &na.target);
    ck_assert_uint_eq(told, _i == 0);
}
END_TEST

/* R7.2: such a question becomes an answer of one buffer. */
START_TEST(test_R7_2_long_question)
{
    static uint8_t options[1600];
    struct ipaddr target = arpnd_ip6(9);
    struct arpnd_nd ns = {.src = flow_mac(1),
                          .vlan = 100,
                          .type = 135,
                          .src_ip = arpnd_ip6(1),
                          .dst_ip = arpnd_solicited(&target),
                          .target = target,
                          .options = options,
                          .options_len = sizeof(options)};
    size_t len;

    f->nets[0].proxy = true;
    flow_publish(f);
    flow_fdb(f, NET_WEB, flow_mac(9), DP_WHERE_VTEP, VTEP_1, false);
    ck_assert_int_eq(neigh_set(&f->neigh, NET_WEB, &target,
                               (struct neigh_entry){.mac = flow_mac(9), .flags = DP_NEIGH_OVERRIDE}),
                     0);
    ns.dst = arpnd_group(&ns.dst_ip);
    for (unsigned i = 0; i < sizeof(options); i += 200) {
        options[i] = 14;
        options[i + 1] = 25;
    }
    len = arpnd_nd(frame, &ns);
    put_pieces(PORT_A, frame, len, 3, 650);
    flow_poll(f);
    ck_assert_int_eq(flow_take(f, PORT_A, got), 90);
    ck_assert_mem_eq(got, flow_mac(1).b, 6);
    ck_assert_mem_eq(got + 6, flow_mac(9).b, 6);
    ck_assert_uint_eq(f->w.counters.nets[NET_WEB].proxy_nd, 1);
    ck_assert_uint_eq(flow_waiting(f, PORT_B) + flow_waiting(f, PORT_WAN), 0);
}
END_TEST

/* What the gateway itself sends, in as many buffers as it takes; a port that takes none like that, before any
 * came in. */
START_TEST(test_own_frames)
{
    struct own_order o = {.kind = OWN_TO_PORT, .net = NET_WEB, .target = PORT_B, .except = DP_NO_PORT};
    struct port *wan = &f->ports[PORT_WAN];

    for (unsigned payload = 60; payload < 8900; payload += 127) {
        size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(8), FLOW_UNTAGGED, 0, 1, payload);

        if (payload > 8000)
            f->w.ports[PORT_B].gathers = false;
        ck_assert_int_eq(own_send(&f->w.own, wan->pool, wan->longest, o, frame, len), 0);
        flow_poll(f);
        len = flow_ipv4(want, flow_mac(2), flow_mac(8), 100, 0, 1, payload);
        if (f->w.ports[PORT_B].gathers)
            expect_frame(PORT_B, want, len);
    }
    ck_assert_uint_eq(flow_all_drops(f), flow_drops(f, DROP_port_mtu));
    ck_assert_uint_gt(flow_drops(f, DROP_port_mtu), 0);
    ck_assert_int_eq(own_send(&f->w.own, wan->pool, wan->longest, o, frame, wan->longest + 1u), -EINVAL);
    /* None left in the middle of it. */
    unsigned n = take_buffers(wan->pool, 3);
    ck_assert_int_eq(own_send(&f->w.own, wan->pool, wan->longest, o, frame, 8000), -ENOBUFS);
    rte_pktmbuf_free_bulk(taken, n);
}
END_TEST

/* ---- captures */

/* Whole, however it is cut, and found by its MACs and its network: where it came in, where it left, where it
 * was dropped. */
static void capture(const uint8_t *data, size_t len, unsigned port, size_t cut, bool drops)
{
    struct capture *c = capture_new();
    static struct capture_frame shown;

    flow_must(c != NULL, "memory");
    capture_reset(c, &(struct capture_filter){.reason = DROP_N,
                                              .port = drops ? DP_NO_PORT : (dp_port_id)port,
                                              .net = drops ? 0 : NET_WEB,
                                              .by_mac = true,
                                              .mac = flow_mac(1),
                                              .snap = 300,
                                              .drops = drops});
    f->w.capture = c;
    put_pieces(port, data, len, 3, (uint16_t)cut);
    flow_poll(f);
    ck_assert(capture_pop(c, &shown));
    ck_assert_uint_eq(shown.len, len);
    ck_assert_uint_eq(shown.snapped, 300);
    ck_assert_mem_eq(shown.data, data, 300);
    f->w.capture = f->w.capturing = NULL;
    capture_free(c);
    flow_discard(f);
}

START_TEST(test_captured)
{
    struct flow_outer o = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 8};
    size_t len = flow_ipv4(frame, flow_mac(1), flow_mac(3), FLOW_UNTAGGED, 0, 1, 900), wrapped;

    wrapped = flow_wrap(f, packet, o, frame, len);
    len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 900);
    for (size_t cut = 0; cut < 200; cut += 3) {
        capture(frame, len, PORT_A, cut, false);
        capture(packet, wrapped, PORT_WAN, cut, false);
    }
    memcpy(packet, frame, len);
    for (size_t cut = 0; cut < 20; cut++)
        capture(packet, f->ports[PORT_A].longest + 1u, PORT_A, cut, true);
    ck_assert_uint_eq(flow_drops(f, DROP_too_long), 20);
}
END_TEST

/* ---- the functions on one frame */

static unsigned pick(unsigned n)
{
    return (unsigned)random() % n;
}

/* A chain of random pieces with random bytes, which are in `packet`, too. */
static struct rte_mbuf *random_chain(size_t *len)
{
    struct rte_mbuf *m = NULL;

    *len = 0;
    for (unsigned n = 1 + pick(8); n > 0; n--) {
        struct rte_mbuf *seg = rte_pktmbuf_alloc(f->ports[PORT_A].pool);
        unsigned bytes = pick(4) ? pick(1000) : pick(3);

        for (unsigned i = 0; i < bytes; i++)
            packet[*len + i] = (uint8_t)random();
        flow_must(seg && segments_append(seg, packet + *len, bytes), "a packet buffer");
        *len += bytes;
        if (!m)
            m = seg;
        else
            flow_must(rte_pktmbuf_chain(m, seg) == 0, "a chain");
    }
    return m;
}

START_TEST(test_sums_of_any_part)
{
    for (unsigned i = 0; i < SCALE * 400; i++) {
        size_t len;
        struct rte_mbuf *m = random_chain(&len);
        uint32_t from = pick((unsigned)len + 1), n = pick((unsigned)(len - from) + 1);
        uint16_t sum, right = (uint16_t)~flow_checksum(packet + from, n, 0);

        ck_assert(segments_sum(m, from, n, &sum));
        ck_assert_uint_eq(rte_be_to_cpu_16(sum), right);
        ck_assert(!segments_sum(m, from, (uint32_t)len - from + 1, &sum));
        rte_pktmbuf_free(m);
    }
}
END_TEST

START_TEST(test_cut_to_any_length)
{
    for (unsigned i = 0; i < SCALE * 400; i++) {
        size_t len;
        struct rte_mbuf *m = random_chain(&len), *seg;
        uint32_t n = len ? 1 + pick((unsigned)len) : 0, left = n, segs = 0;

        if (n > 0) {
            segments_trim(m, n);
            ck_assert_uint_eq(rte_pktmbuf_pkt_len(m), n);
            ck_assert(rte_pktmbuf_data_len(rte_pktmbuf_lastseg(m)) > 0);
            for (seg = m; seg; seg = seg->next, segs++)
                left -= rte_pktmbuf_data_len(seg);
            ck_assert_uint_eq(left, 0);
            ck_assert_uint_eq(segs, m->nb_segs);
            rte_pktmbuf_read(m, 0, n, got);
            ck_assert_mem_eq(rte_pktmbuf_read(m, 0, n, got), packet, n);
        }
        rte_pktmbuf_free(m);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("segments");
    TCase *t = tcase_create("ordinary"), *l = tcase_create("long");
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);

    printf("SEED=%u\n", seed);
    srandom(seed);
    flow_start_eal();
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_checked_fixture(l, setup_long, teardown);
    tcase_set_timeout(t, 60);
    tcase_set_timeout(l, 60);
    tcase_add_test(t, test_too_long);
    tcase_add_loop_test(t, test_as_no_nic_cuts, 0, 2);
    tcase_add_test(t, test_nothing_in_several_buffers);
    tcase_add_loop_test(t, test_in_their_order, 0, 16);
    tcase_add_test(t, test_no_buffer_to_mend);
    tcase_add_test(t, test_no_buffer_to_join);
    tcase_add_loop_test(t, test_long_neighbour_discovery, 0, 2);
    tcase_add_test(t, test_R7_2_long_question);
    tcase_add_test(t, test_captured);
    tcase_add_test(t, test_sums_of_any_part);
    tcase_add_test(t, test_cut_to_any_length);
    tcase_add_test(l, test_too_long_to_join);
    tcase_add_test(l, test_long_frames_joined);
    tcase_add_test(l, test_flooded);
    tcase_add_test(l, test_flooded_where_it_fits);
    tcase_add_test(l, test_flooded_without_buffers);
    tcase_add_test(l, test_R8_2_parked);
    tcase_add_test(l, test_bicast);
    tcase_add_test(l, test_tail_behind_the_outer_packet);
    tcase_add_test(l, test_own_frames);
    suite_add_tcase(s, t);
    suite_add_tcase(s, l);
    return run_suite(s);
}
