/* SPDX-License-Identifier: BSD-3-Clause
 *
 * VLAN tags that a port's NIC takes off and puts in: what the table of cases (test_cases.c) and the random
 * bursts (test_burst.c), which run with such NICs as well, do not look at. Which ports are asked for it;
 * copies of a flooded frame; captures; what a NIC did not take. And net_af_packet, a driver that gives frames
 * without their tags: over a veth, in a network namespace that goes with the process. Needs root.
 */
#include "dataplane/capture.h"
#include "tests/flow/flow.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <rte_bus_vdev.h>
#include <rte_ethdev.h>

#define WITH_DRIVER 64 /* index of the ports that are no rings, for names */

static struct flow *f;
static uint8_t frame[2048], got[9216], other[9216];
static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
static const struct dp_config config = {.max_mtu = 1600, .packet_buffers = 1023};

static void setup(void)
{
    f = flow_open(false);
    flow_hosts(f);
}

static void teardown(void)
{
    flow_close(f);
}

/* ---- with NICs instead of rings */

/* From the WAN to both access ports, of which one puts the tag in by itself; and the other way round. */
START_TEST(test_copies_of_a_flooded_frame)
{
    struct flow_outer o = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 8};
    size_t inner = flow_ipv4(frame, broadcast, flow_mac(3), FLOW_UNTAGGED, 0, 1, 100);
    size_t len = flow_wrap(f, other, o, frame, inner);

    flow_nic(f, PORT_A, _i & 1, _i & 1);
    flow_nic(f, PORT_B, _i & 2, _i & 2);
    flow_put(f, PORT_WAN, other, len);
    flow_poll(f);
    len = flow_ipv4(frame, broadcast, flow_mac(3), 100, 0, 1, 100);
    for (unsigned port = PORT_A; port <= PORT_B; port++) {
        ck_assert_int_eq(flow_take(f, port, got), (int)len);
        ck_assert_mem_eq(got, frame, len);
        ck_assert_uint_eq(f->w.counters.ports[port].tx.bytes, len);
    }
    flow_require_balance(f);
}
END_TEST

/* From an access port to the other one and to both VTEPs, which get it without the tag. */
START_TEST(test_copies_of_a_frame_without_its_tag)
{
    size_t len = flow_ipv4(frame, broadcast, flow_mac(1), 100, 0, 1, 100);

    flow_nic(f, PORT_A, true, false);
    flow_nic(f, PORT_B, true, true);
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    ck_assert_int_eq(flow_take(f, PORT_B, got), (int)len);
    ck_assert_mem_eq(got, frame, len);
    flow_ipv4(frame, broadcast, flow_mac(1), FLOW_UNTAGGED, 0, 1, 100);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(flow_take(f, PORT_WAN, got), (int)len - 4 + VXLAN_OUTER_IPV4);
        ck_assert_mem_eq(got + VXLAN_OUTER_IPV4, frame, len - 4);
    }
    ck_assert_uint_eq(f->w.counters.ports[PORT_A].rx.bytes, len);
    flow_require_balance(f);
}
END_TEST

/* As long as the ring of the port has room; bytes are those of the frames that left. */
START_TEST(test_frames_that_a_nic_does_not_take)
{
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 100);
    const struct dp_port_counters *b = &f->w.counters.ports[PORT_B];

    f->w.ports[PORT_B].inserts = true; /* the tag stays beside it */
    for (unsigned i = 0; i < 1100; i++) {
        flow_put(f, PORT_A, frame, len);
        if (i % 32 == 0)
            flow_poll(f);
    }
    flow_poll(f);
    ck_assert_uint_gt(flow_drops(f, DROP_tx_full), 0);
    ck_assert_uint_eq(b->tx.frames, flow_waiting(f, PORT_B));
    ck_assert_uint_eq(b->tx.bytes, b->tx.frames * len);
    flow_require_balance(f);
    f->w.ports[PORT_B].inserts = false;
}
END_TEST

/* ---- captures */

static struct capture *begin_capture(struct capture_filter filter)
{
    struct capture *c = capture_new();

    filter.port = DP_NO_PORT;
    capture_reset(c, &filter);
    return f->w.capture = c;
}

static void end_capture(struct capture *c)
{
    f->w.capture = f->w.capturing = NULL;
    capture_free(c);
}

/* Frames as they are on the wire, of any length to which they are cut. */
START_TEST(test_captured_with_the_tag)
{
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 0xe064, 0, 1, 60);
    static struct capture_frame c[2];

    flow_nic(f, PORT_A, true, false);
    flow_nic(f, PORT_B, true, true);
    for (uint16_t snap = 1; snap < len + 8; snap++) {
        struct capture *capture = begin_capture((struct capture_filter){.reason = DROP_N, .snap = snap});
        size_t shown = RTE_MIN((size_t)snap, len);

        flow_put(f, PORT_A, frame, len);
        flow_poll(f);
        ck_assert_int_eq(flow_take(f, PORT_B, got), (int)len);
        ck_assert(capture_pop(capture, &c[0]) && capture_pop(capture, &c[1]));
        for (unsigned i = 0; i < 2; i++) {
            ck_assert(c[i].port == (i ? PORT_B : PORT_A) && c[i].net == NET_WEB);
            ck_assert_uint_eq(c[i].len, len);
            ck_assert_uint_eq(c[i].snapped, shown);
            ck_assert_mem_eq(c[i].data, i ? got : frame, shown);
        }
        end_capture(capture);
    }
}
END_TEST

/* The networks of frames that came in without and with a NIC are the same; what is dropped is shown as it
 * was. */
START_TEST(test_captured_by_network_and_dropped)
{
    struct capture *capture;
    static struct capture_frame c;

    flow_nic(f, PORT_A, true, true);
    capture = begin_capture((struct capture_filter){.reason = DROP_N, .snap = 64, .net = NET_DB});
    flow_put(f, PORT_A, frame, flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 60));
    flow_poll(f);
    ck_assert(!capture_pop(capture, &c));
    end_capture(capture);
    capture = begin_capture((struct capture_filter){.reason = DROP_N, .snap = 64, .drops = true});
    flow_put(f, PORT_A, frame, flow_ipv4(frame, flow_mac(2), flow_mac(1), 999, 0, 1, 60));
    flow_poll(f);
    ck_assert(capture_pop(capture, &c) && c.reason == DROP_vlan_unknown);
    ck_assert_uint_eq(c.data[12] << 8 | c.data[13], 0x0800); /* it was off by then, as without a NIC */
    end_capture(capture);
}
END_TEST

/* ---- which ports are asked */

static void probe(const char *name, const char *args, struct port *p)
{
    flow_must(rte_vdev_init(name, args) == 0 && rte_eth_dev_get_port_by_name(name, &p->ethdev) == 0, name);
}

/* Configures it as if it were a NIC. */
static void start(struct port *p, enum dp_port_owner owner, enum dp_port_role role, bool nic_vlan)
{
    char err[DP_ERR_LEN];

    p->spec =
        (struct dp_port_spec){.name = "x", .device = "y", .owner = owner, .role = role, .nic_vlan = nic_vlan};
    flow_must(port_start(p, WITH_DRIVER, &config, err) == 0, err);
}

static void expect_asked(struct port *p, bool asked)
{
    bool strips = rte_eth_dev_get_vlan_offload(p->ethdev) & RTE_ETH_VLAN_STRIP_OFFLOAD;
    struct worker_port wp;

    ck_assert_int_eq(strips, asked);
    port_to_worker(p, 0, 1, &wp);
    ck_assert(wp.strips == asked && wp.inserts == asked);
}

/* net_vhost's driver says that it can both; it stands for a NIC. net_null can neither. */
START_TEST(test_who_is_asked)
{
    static const struct {
        const char *name;
        enum dp_port_owner owner;
        enum dp_port_role role;
        bool nic_vlan, asked;
    } cases[] = {
        {"net_vhost0", DP_OWNER_PCI, DP_PORT_ACCESS, true, true},
        {"net_vhost0", DP_OWNER_PCI, DP_PORT_ACCESS, false, false}, /* offloads: off */
        {"net_vhost0", DP_OWNER_PCI, DP_PORT_UNDERLAY, true, false},
        {"net_vhost0", DP_OWNER_VDEV, DP_PORT_ACCESS, true, false}, /* in software */
        {"net_null0", DP_OWNER_PCI, DP_PORT_ACCESS, true, false},
    };
    char path[] = "/tmp/cw-vhost-XXXXXX", args[64];
    int fd = mkstemp(path);

    flow_must(fd >= 0 && close(fd) == 0 && unlink(path) == 0, path);
    snprintf(args, sizeof(args), "iface=%s", path);
    for (unsigned i = 0; i < RTE_DIM(cases); i++) {
        struct port p = {.tap.fd = -1};

        probe(cases[i].name, strcmp(cases[i].name, "net_vhost0") == 0 ? args : "", &p);
        start(&p, cases[i].owner, cases[i].role, cases[i].nic_vlan);
        expect_asked(&p, cases[i].asked);
        rte_eth_dev_stop(p.ethdev);
        flow_must(rte_vdev_uninit(cases[i].name) == 0, cases[i].name);
        rte_mempool_free(p.pool);
    }
    unlink(path);
}
END_TEST

/* ---- net_af_packet */

static struct port lan;
static int far_end;

static void open_lan(bool nic_vlan)
{
    struct dp_port_spec spec = {.name = "lan",
                                .role = DP_PORT_ACCESS,
                                .owner = DP_OWNER_VDEV,
                                .device = "net_af_packet0,iface=cwlan0,framesz=2048,blocksz=4096",
                                .nic_vlan = nic_vlan};
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = RTE_BE16(0x0003)};
    char err[DP_ERR_LEN];

    flow_must(system("ip link add cwlan0 type veth peer name cwlan1 && ip link set cwlan0 arp off up && "
                     "ip link set cwlan1 arp off up") == 0,
              "a veth pair");
    if (port_open(&lan, WITH_DRIVER, &spec, &config, err) != 0) {
        fprintf(stderr, "%s\n", err);
        exit(1);
    }
    far_end = socket(AF_PACKET, SOCK_RAW, 0);
    at.sll_ifindex = (int)if_nametoindex("cwlan1");
    flow_must(far_end >= 0 && bind(far_end, (struct sockaddr *)&at, sizeof(at)) == 0, "cwlan1");
    port_to_worker(&lan, 0, 1, &f->w.ports[PORT_A]);
}

static void close_lan(void)
{
    close(far_end);
    port_close(&lan);
    flow_must(system("ip link del cwlan0") == 0, "the veth pair");
}

/* Sends it from the far end; what comes out of a port of the worker, or -1: it was dropped for that reason.
 */
static int forwarded(size_t len, unsigned out, enum drop_reason reason)
{
    mono_t begin = mono_now();
    uint64_t dropped = flow_drops(f, reason);
    int n = -1;

    flow_must(send(far_end, frame, len, 0) == (ssize_t)len, "send");
    while (n < 0 && flow_drops(f, reason) == dropped) {
        if (mono_now().ns - begin.ns > 5000000000u)
            ck_abort_msg("%zu bytes: neither forwarded nor dropped", len);
        (void)worker_poll(&f->w);
        n = flow_take(f, out, got);
    }
    return n;
}

static void as_from_a_ring(bool strips)
{
    struct dp_port_counters *a = &f->w.counters.ports[PORT_A];
    uint64_t bytes = 0;
    size_t len;

    flow_fdb(f, NET_DB, flow_mac(1), DP_WHERE_PORT, PORT_A, false);
    open_lan(strips);
    ck_assert(lan.strips == strips && !lan.inserts);
    for (unsigned payload = 60; payload < 1400; payload += 400) {
        bytes += len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 0xe064, 0, 1, payload);
        ck_assert_int_eq(forwarded(len, PORT_B, DROP_vlan_unknown), (int)len);
        flow_ipv4(other, flow_mac(2), flow_mac(1), 100, 0, 1, payload);
        ck_assert_mem_eq(got, other, len);
    }
    /* Of an unknown VLAN, and untagged and priority-tagged, where there is no network for these. */
    bytes += len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 999, 0, 1, 60);
    ck_assert_int_eq(forwarded(len, PORT_B, DROP_vlan_unknown), -1);
    bytes += len = flow_ipv4(frame, flow_mac(2), flow_mac(1), FLOW_UNTAGGED, 0, 1, 60);
    ck_assert_int_eq(forwarded(len, PORT_B, DROP_vlan_unknown), -1);
    bytes += len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 0xe000, 0, 1, 60);
    ck_assert_int_eq(forwarded(len, PORT_B, DROP_vlan_unknown), -1);
    /* R1.6: two tags. */
    flow_ipv4(other, flow_mac(2), flow_mac(1), 7, 0, 1, 60);
    bytes += len = flow_eth(frame, flow_mac(2), flow_mac(1), 100, 0x8100, other + 14, 100);
    ck_assert_int_eq(forwarded(len, PORT_B, DROP_inner_tagged), -1);
    ck_assert_uint_eq(a->rx.bytes, bytes);
    flow_require_balance(f);
    f->w.ports[PORT_A].rx_queues = 0;
    close_lan();
}

START_TEST(test_af_packet_without_tags)
{
    as_from_a_ring(true);
}
END_TEST

START_TEST(test_af_packet_with_tags)
{
    as_from_a_ring(false);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("VLAN offload");
    TCase *t = tcase_create("VLAN offload");

    flow_must(unshare(CLONE_NEWNET) == 0, "a network namespace (root?)");
    flow_start_eal();
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_copies_of_a_flooded_frame, 0, 4);
    tcase_add_test(t, test_copies_of_a_frame_without_its_tag);
    tcase_add_test(t, test_frames_that_a_nic_does_not_take);
    tcase_add_test(t, test_captured_with_the_tag);
    tcase_add_test(t, test_captured_by_network_and_dropped);
    tcase_add_test(t, test_who_is_asked);
    tcase_add_test(t, test_af_packet_without_tags);
    tcase_add_test(t, test_af_packet_with_tags);
    suite_add_tcase(s, t);
    return run_suite(s);
}
