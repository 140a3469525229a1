/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a port does for the worker comes out as if the worker had done it: the same frames over DPDK's driver
 * of TAPs, which computes checksums when it is asked to, and by the worker alone, bit for bit. In a network
 * namespace that goes with the process. Needs root.
 */
#include "tests/flow/flow.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

static struct flow *f;
static struct port nic;
static int far_end = -1;
static uint8_t frame[9216], expected[9216], got[9216];

static void open_nic(bool offloads)
{
    static const struct dp_config config = {.max_mtu = 1600};
    struct dp_port_spec spec = {.name = "wan",
                                .role = DP_PORT_UNDERLAY,
                                .owner = DP_OWNER_VDEV,
                                .device = "net_tap0,iface=cwnic",
                                .nic_csum = offloads};
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = RTE_BE16(0x0003)};
    char err[DP_ERR_LEN];

    if (port_open(&nic, 50, &spec, &config, err) != 0) {
        fprintf(stderr, "%s\n", err);
        exit(1);
    }
    far_end = socket(AF_PACKET, SOCK_RAW, RTE_BE16(0x0003));
    at.sll_ifindex = (int)if_nametoindex("cwnic");
    flow_must(far_end >= 0 && bind(far_end, (struct sockaddr *)&at, sizeof(at)) == 0, "cwnic");
}

static void close_nic(void)
{
    close(far_end);
    port_close(&nic);
}

/* The next packet for our VXLAN port that left by it; the kernel says things of its own there, too. */
static int take(void)
{
    for (;;) {
        struct pollfd p = {.fd = far_end, .events = POLLIN};
        ssize_t n;

        if (poll(&p, 1, 5000) != 1)
            return -1;
        n = recv(far_end, got, sizeof(got), 0);
        if (n > 58 && memcmp(got, flow_mac_hop.b, 6) == 0)
            return (int)n;
    }
}

static void setup(void)
{
    f = flow_open(true);
    flow_fdb(f, NET_WEB, flow_mac(9), DP_WHERE_VTEP, VTEP_1, false);
    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_PORT, PORT_A, false);
}

static void teardown(void)
{
    flow_close(f);
}

static void mark_templates(bool on)
{
    for (unsigned i = 0; i < f->snapshot->n_vteps; i++)
        f->snapshot->vteps[i].header.nic_csum = on;
}

/* Out by the ring, all by the worker; then out by the NIC. */
static void same_frame(size_t len)
{
    struct worker_port ring = f->w.ports[PORT_WAN];
    int by_worker, by_nic;

    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    by_worker = flow_take(f, PORT_WAN, expected);
    ck_assert_int_gt(by_worker, 0);
    port_to_worker(&nic, 0, 1, &f->w.ports[PORT_WAN]);
    f->w.ports[PORT_WAN].rx_queues = 0;
    f->w.ports[PORT_WAN].keeps = false;
    mark_templates(nic.nic_csum);
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    by_nic = take();
    f->w.ports[PORT_WAN] = ring;
    mark_templates(false);
    ck_assert_int_eq(by_nic, by_worker);
    ck_assert_mem_eq(got, expected, (size_t)by_nic);
}

static void frames_of_all_lengths(void)
{
    for (size_t payload = 0; payload < 1300; payload += payload < 20 ? 1 : 139)
        same_frame(
            flow_ipv4(frame, flow_mac(9), flow_mac(1), 100, 0x28, (uint16_t)(3000 + payload), payload));
    for (size_t payload = 0; payload < 1300; payload += 433)
        same_frame(flow_ipv6(frame, flow_mac(9), flow_mac(1), 100, 0x28, 7, payload));
}

START_TEST(test_R1_3_udp_checksum_by_the_nic)
{
    open_nic(true);
    ck_assert(nic.nic_csum);
    frames_of_all_lengths();
    close_nic();
}
END_TEST

/* One that comes to zero is sent as 0xffff, for zero would mean "none". */
START_TEST(test_R1_3_udp_checksum_that_comes_to_zero)
{
    size_t len = flow_ipv4(frame, flow_mac(9), flow_mac(1), 100, 0, 1, 40);

    /* What the checksum says is missing, put into two bytes of payload at an even place of the packet. */
    frame[len - 2] = frame[len - 1] = 0;
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    ck_assert_int_gt(flow_take(f, PORT_WAN, expected), 0);
    memcpy(frame + len - 2, expected + 60, 2);
    open_nic(true);
    same_frame(len);
    ck_assert_uint_eq(expected[60] << 8 | expected[61], 0xffff);
    close_nic();
}
END_TEST

START_TEST(test_not_where_it_is_switched_off)
{
    open_nic(false);
    ck_assert(!nic.nic_csum);
    frames_of_all_lengths();
    close_nic();
}
END_TEST

/* R6.5: the bounce, too, whose hop limit is lowered after the checksum was asked for. */
START_TEST(test_R6_5_bounced_packet)
{
    struct flow_outer outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 8, .checksum = true};
    struct rte_mbuf *m;
    size_t len = flow_ipv4(frame, flow_mac(77), flow_mac(8), FLOW_UNTAGGED, 0, 7, 200);
    int by_worker, by_nic;

    ck_assert_int_eq(fdb_set(&f->fdb, fdb_key(NET_WEB, flow_mac(77).b),
                             FDB_WHERE(DP_WHERE_VTEP, VTEP_2, false) | FDB_BOUNCE, mono_now()),
                     0);
    open_nic(true);
    len = flow_wrap(f, got, outer, frame, len);
    flow_put(f, PORT_WAN, got, len);
    flow_poll(f);
    by_worker = flow_take(f, PORT_WAN, expected);
    ck_assert_int_gt(by_worker, 0);
    flow_put(f, PORT_WAN, got, len);
    mark_templates(true);
    (void)worker_poll(&f->w);
    mark_templates(false);
    /* It came in by the ring, and leaves by the NIC. */
    ck_assert_int_eq(rte_ring_dequeue(f->out[PORT_WAN], (void **)&m), 0);
    ck_assert(m->ol_flags & RTE_MBUF_F_TX_UDP_CKSUM);
    ck_assert_uint_eq(rte_eth_tx_burst(nic.ethdev, 0, &m, 1), 1);
    by_nic = take();
    ck_assert_int_eq(by_nic, by_worker);
    ck_assert_mem_eq(got, expected, (size_t)by_nic);
    close_nic();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("offload");
    TCase *t = tcase_create("offload");

    flow_must(unshare(CLONE_NEWNET) == 0, "a network namespace (root?)");
    flow_start_eal();
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_R1_3_udp_checksum_by_the_nic);
    tcase_add_test(t, test_R1_3_udp_checksum_that_comes_to_zero);
    tcase_add_test(t, test_not_where_it_is_switched_off);
    tcase_add_test(t, test_R6_5_bounced_packet);
    suite_add_tcase(s, t);
    return run_suite(s);
}
