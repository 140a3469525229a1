/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Long frames in several packet buffers, with drivers that make and take them: which ports are asked for it;
 * net_tap, which is asked; net_memif and net_pcap, which do so without. All in this process, since memif has
 * a thread of DPDK's; in a network namespace that goes with it. Needs root.
 */
#define ALLOW_EXPERIMENTAL_API /* rte_eth_dev_conf_get() */

#include "dataplane/segments.h"
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

#define WITH_DRIVER 5000 /* index of the ports that are no rings, for names */
#define ORDINARY    2048
#define LONG        8900 /* payload */

static struct flow *f;
static unsigned opened;
static uint8_t frame[9216], got[9216];
static const struct dp_config config = {.max_mtu = 9000, .packet_buffers = 4095};

static void open_flow(enum flow_buffers buffers)
{
    f = flow_open_with(false, buffers);
    flow_hosts(f);
}

static void setup(void)
{
    open_flow(FLOW_CHAINS);
}

static void setup_ordinary(void)
{
    open_flow(FLOW_ORDINARY);
}

static void teardown(void)
{
    flow_end(f);
}

/* Instead of the ring. */
static void open_port(struct port *p, const char *device, const struct dp_config *c, unsigned instead)
{
    struct dp_port_spec spec = {
        .name = "lan", .role = DP_PORT_ACCESS, .owner = DP_OWNER_VDEV, .nic_segments = true};
    char err[DP_ERR_LEN];

    snprintf(spec.device, sizeof(spec.device), "%s", device);
    if (port_open(p, WITH_DRIVER + opened++, &spec, c, err) != 0) {
        fprintf(stderr, "%s\n", err);
        exit(1);
    }
    port_to_worker(p, 0, 1, &f->w.ports[instead]);
    f->w.ports[instead].max_frame = 9014; /* vdevs say 1500 */
}

static void close_port(struct port *p, unsigned instead)
{
    f->w.ports[instead].rx_queues = 0;
    flow_discard(f);
    ck_assert(rte_mempool_full(p->pool) || instead == PORT_A); /* net_tap and net_pcap keep some to receive */
    port_close(p);
}

static void expect_ordinary(const struct port *p, unsigned instead)
{
    ck_assert(p->segments && f->w.ports[instead].gathers);
    ck_assert_uint_eq(rte_pktmbuf_data_room_size(p->pool), ORDINARY + RTE_PKTMBUF_HEADROOM);
}

static bool in_time(mono_t begin)
{
    return mono_now().ns - begin.ns < 10000000000u;
}

/* The next frame out of a ring, or -1 after a while. */
static int forwarded(unsigned port)
{
    mono_t begin = mono_now();
    int n = -1;

    while (n < 0 && in_time(begin)) {
        (void)worker_poll(&f->w);
        n = flow_take(f, port, got);
    }
    return n;
}

/* ---- which ports are asked */

START_TEST(test_who_is_asked)
{
    static const struct {
        const char *name;
        enum dp_port_owner owner;
        enum dp_port_role role;
        uint16_t mtu, max_mtu;
        bool nic_segments, asked;
    } cases[] = {
        {"net_ring", DP_OWNER_PCI, DP_PORT_ACCESS, 9000, 9000, true, true},
        {"net_ring", DP_OWNER_VDEV, DP_PORT_UNDERLAY, 9000, 9000, true, true},
        {"net_ring", DP_OWNER_PCI, DP_PORT_ACCESS, 0, 9000, true, true},
        {"net_ring", DP_OWNER_PCI, DP_PORT_ACCESS, 9000, 9000, false, false}, /* offloads: off */
        {"net_ring", DP_OWNER_PCI, DP_PORT_ACCESS, 1500, 9000, true, false},
        {"net_ring", DP_OWNER_PCI, DP_PORT_ACCESS, 1500, 1600, true, false},
        {"net_ring", DP_OWNER_PCI, DP_PORT_ACCESS, 0, 1600, true, false},
        {"net_ring", DP_OWNER_PCI, DP_PORT_ACCESS, 30000, 30000, true, false}, /* more than a NIC takes */
        {"net_ring", DP_OWNER_PCI, DP_PORT_ACCESS, 9000, 30000, true, false},
        {"net_null", DP_OWNER_PCI, DP_PORT_ACCESS, 9000, 9000, true, false},
    };

    for (unsigned i = 0; i < RTE_DIM(cases); i++) {
        const struct dp_config c = {.max_mtu = cases[i].max_mtu, .packet_buffers = 2047};
        struct port p = {.tap.fd = -1};
        struct rte_eth_conf conf;
        struct worker_port wp;
        char err[DP_ERR_LEN], name[32];
        unsigned room;

        snprintf(name, sizeof(name), "%s%u", cases[i].name, i); /* net_ring leaves its rings behind */
        flow_must(rte_vdev_init(name, "") == 0 && rte_eth_dev_get_port_by_name(name, &p.ethdev) == 0, name);
        p.spec = (struct dp_port_spec){.name = "x",
                                       .device = "y",
                                       .owner = cases[i].owner,
                                       .role = cases[i].role,
                                       .mtu = cases[i].mtu,
                                       .nic_segments = cases[i].nic_segments};
        ck_assert_msg(port_start(&p, WITH_DRIVER + opened++, &c, err) == 0, "%u: %s", i, err);
        ck_assert_int_eq(rte_eth_dev_conf_get(p.ethdev, &conf), 0);
        ck_assert_int_eq((conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER) != 0, cases[i].asked);
        ck_assert_int_eq((conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0, cases[i].asked);
        room = rte_pktmbuf_data_room_size(p.pool) - RTE_PKTMBUF_HEADROOM;
        ck_assert(cases[i].asked ? room == ORDINARY : room >= cases[i].max_mtu + 18u);
        port_to_worker(&p, 0, 1, &wp);
        ck_assert(wp.gathers == cases[i].asked && wp.longest >= cases[i].max_mtu + 18u);
        rte_eth_dev_stop(p.ethdev);
        flow_must(rte_vdev_uninit(name) == 0, name);
        rte_mempool_free(p.pool);
    }
}
END_TEST

/* ---- net_tap: asked, gives chains of ordinary buffers */

static int open_far_end(const char *ifname)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = RTE_BE16(0x0003)};
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    char command[256];

    snprintf(command, sizeof(command),
             "sysctl -qw net.ipv6.conf.%s.disable_ipv6=1; ip link set %s arp off mtu 9000 up", ifname,
             ifname);
    flow_must(system(command) == 0, ifname);
    at.sll_ifindex = (int)if_nametoindex(ifname);
    flow_must(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0, ifname);
    return fd;
}

START_TEST(test_net_tap)
{
    static const uint16_t parts[] = {650, 1, 100};
    int far_end, n;
    mono_t begin = mono_now();
    struct port lan;
    size_t len;

    open_port(&lan, "net_tap0,iface=cwseg0", &config, PORT_A);
    expect_ordinary(&lan, PORT_A);
    far_end = open_far_end("cwseg0");
    for (unsigned payload = 100; payload <= LONG; payload += 400) {
        len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, payload);
        flow_must(send(far_end, frame, len, 0) == (ssize_t)len, "send");
        ck_assert_int_eq(forwarded(PORT_B), (int)len);
        ck_assert_mem_eq(got, frame, len);
    }
    /* The other way frames are no longer than the driver's own MTU, but may be cut. */
    len = flow_ipv4(frame, flow_mac(1), flow_mac(2), 100, 0, 1, 1400);
    flow_put_parts(f, PORT_B, frame, len, parts, 3);
    do {
        (void)worker_poll(&f->w);
        n = (int)recv(far_end, got, sizeof(got), MSG_DONTWAIT);
    } while ((n < 12 || memcmp(got, frame, 12) != 0) && in_time(begin));
    ck_assert_int_eq(n, (int)len - 4); /* the kernel takes the tag off for this socket */
    ck_assert_mem_eq(got + 12, frame + 16, len - 16);
    close(far_end);
    close_port(&lan, PORT_A);
}
END_TEST

/* ---- net_memif and net_vhost: not asked */

static uint16_t peer;
static struct rte_mempool *peer_pool;

static bool is_up(uint16_t ethdev)
{
    struct rte_eth_link link = {0};

    return rte_eth_link_get_nowait(ethdev, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

static void open_peer(const char *name, const char *args)
{
    struct rte_eth_conf conf = {0};

    peer_pool = rte_pktmbuf_pool_create("peer", 1023, 0, 0, 9600, SOCKET_ID_ANY);
    flow_must(peer_pool && rte_vdev_init(name, args) == 0 && rte_eth_dev_get_port_by_name(name, &peer) == 0 &&
                  rte_eth_dev_configure(peer, 1, 1, &conf) == 0 &&
                  rte_eth_rx_queue_setup(peer, 0, 256, SOCKET_ID_ANY, NULL, peer_pool) == 0 &&
                  rte_eth_tx_queue_setup(peer, 0, 256, SOCKET_ID_ANY, NULL) == 0 &&
                  rte_eth_dev_start(peer) == 0,
              name);
}

/* The next frame that the peer gets; its length. */
static int peer_takes(void)
{
    mono_t begin = mono_now();
    struct rte_mbuf *m;
    int len;

    while (rte_eth_rx_burst(peer, 0, &m, 1) == 0) {
        if (!in_time(begin))
            return -1;
        (void)worker_poll(&f->w);
    }
    len = (int)rte_pktmbuf_pkt_len(m);
    ck_assert_int_le(len, (int)sizeof(got));
    for (uint32_t at = 0; at < (uint32_t)len; at += 64) {
        uint32_t n = RTE_MIN(64u, (uint32_t)len - at);
        const void *data = rte_pktmbuf_read(m, at, n, got + at);

        if (data != got + at)
            memcpy(got + at, data, n);
    }
    rte_pktmbuf_free(m);
    return len;
}

static void peer_sends(const uint8_t *data, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(peer_pool);

    flow_must(m && segments_append(m, data, (uint32_t)len) && rte_eth_tx_burst(peer, 0, &m, 1) == 1,
              "to the port");
}

/* Long frames both ways; what comes in is in several buffers. */
static void both_ways(const char *device, const char *peer_name, const char *peer_args)
{
    mono_t begin = mono_now();
    struct port lan;

    open_port(&lan, device, &config, PORT_A);
    expect_ordinary(&lan, PORT_A);
    open_peer(peer_name, peer_args);
    while (!(is_up(lan.ethdev) && is_up(peer)) && in_time(begin))
        usleep(1000);
    ck_assert(is_up(lan.ethdev) && is_up(peer));
    for (unsigned payload = 100; payload <= LONG; payload += 400) {
        size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, payload);

        peer_sends(frame, len);
        ck_assert_int_eq(forwarded(PORT_B), (int)len);
        ck_assert_mem_eq(got, frame, len);
    }
    ck_assert(*f->w.chains);
    for (unsigned payload = 100; payload <= LONG; payload += 400) {
        size_t len = flow_ipv4(frame, flow_mac(1), flow_mac(2), 100, 0, 1, payload);

        flow_put(f, PORT_B, frame, len);
        ck_assert_int_eq(peer_takes(), (int)len);
        ck_assert_mem_eq(got, frame, len);
    }
    ck_assert_uint_eq(flow_all_drops(f), 0);
    rte_eth_dev_stop(peer);
    rte_vdev_uninit(peer_name);
    close_port(&lan, PORT_A);
    rte_mempool_free(peer_pool);
}

START_TEST(test_net_memif)
{
    char dir[] = "/tmp/cw-memif-XXXXXX", device[128], args[128];

    flow_must(mkdtemp(dir) != NULL, dir);
    snprintf(device, sizeof(device), "net_memif0,role=server,socket-abstract=no,socket=%s/m", dir);
    snprintf(args, sizeof(args), "role=client,socket-abstract=no,zero-copy=no,socket=%s/m", dir);
    both_ways(device, "net_memif1", args);
    rmdir(dir);
}
END_TEST

/* A guest's network card at the other end. */
START_TEST(test_net_vhost)
{
    char dir[] = "/tmp/cw-vhost-XXXXXX", device[128], args[128];

    flow_must(mkdtemp(dir) != NULL, dir);
    snprintf(device, sizeof(device), "net_vhost0,iface=%s/v", dir);
    snprintf(args, sizeof(args), "path=%s/v,mrg_rxbuf=1", dir);
    both_ways(device, "net_virtio_user0", args);
    rmdir(dir);
}
END_TEST

/* ---- the TAP beside an underlay port */

START_TEST(test_tap)
{
    struct dp_port_spec spec = {
        .name = "tap", .role = DP_PORT_KERNEL, .owner = DP_OWNER_VDEV, .nic_segments = _i};
    char err[DP_ERR_LEN];
    struct port tap;
    int far_end, n;

    snprintf(spec.device, sizeof(spec.device), "cwkern%d", _i);
    flow_must(port_open(&tap, WITH_DRIVER + opened++, &spec, &config, err) == 0, err);
    port_to_worker(&tap, 0, 1, &f->w.ports[PORT_TAP]);
    ck_assert(f->w.ports[PORT_TAP].gathers == _i);
    far_end = open_far_end(spec.device);
    for (unsigned payload = 100; payload <= LONG; payload += 97) {
        size_t len = flow_ipv4(frame, flow_mac(8), flow_mac(9), FLOW_UNTAGGED, 0, 1, payload);
        mono_t begin = mono_now();

        flow_must(send(far_end, frame, len, 0) == (ssize_t)len, "send");
        for (n = -1; n < 0 && in_time(begin); n = flow_take(f, PORT_WAN, got)) {
            ck_assert_int_ge(tap_service(&tap.tap, tap.pool, tap.longest), 0);
            (void)worker_poll(&f->w);
        }
        ck_assert_int_eq(n, (int)len);
        ck_assert_mem_eq(got, frame, len);
        flow_ipv4(frame, flow_mac(9), flow_mac(8), FLOW_UNTAGGED, 0, 1, payload);
        flow_put(f, PORT_WAN, frame, len); /* not ours */
        do {
            (void)worker_poll(&f->w);
            ck_assert_int_ge(tap_service(&tap.tap, tap.pool, tap.longest), 0);
            n = (int)recv(far_end, got, sizeof(got), MSG_DONTWAIT);
        } while ((n < 12 || memcmp(got, frame, 12) != 0) && in_time(begin));
        ck_assert_int_eq(n, (int)len);
        ck_assert_mem_eq(got, frame, len);
    }
    ck_assert_uint_eq(tap.tap.lost, 0);
    close(far_end);
    close_port(&tap, PORT_TAP);
}
END_TEST

/* ---- net_pcap: files */

static void write_frame(FILE *file, size_t len)
{
    uint32_t header[4] = {0, 0, (uint32_t)len, (uint32_t)len};

    flow_must(fwrite(header, sizeof(header), 1, file) == 1 && fwrite(frame, len, 1, file) == 1,
              "a file in /tmp");
}

/* A frame of usual length, one that no ordinary buffer holds, and another. */
static size_t write_pcap(char *path)
{
    static const uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 400);

    flow_must(file && fwrite(header, sizeof(header), 1, file) == 1, path);
    write_frame(file, len);
    len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, LONG);
    write_frame(file, len);
    write_frame(file, flow_ipv4(got, flow_mac(2), flow_mac(1), 100, 0, 1, 400));
    flow_must(fclose(file) == 0, path);
    return len;
}

static void receive_pcap(struct port *lan, const struct dp_config *c, size_t *len)
{
    char path[] = "/tmp/cw-segments-XXXXXX", device[64];
    mono_t begin = mono_now();

    *len = write_pcap(path);
    snprintf(device, sizeof(device), "net_pcap0,rx_pcap=%s", path);
    open_port(lan, device, c, PORT_A);
    unlink(path);
    while (f->w.counters.ports[PORT_A].rx.frames < 3 && in_time(begin))
        (void)worker_poll(&f->w);
    ck_assert_uint_eq(f->w.counters.ports[PORT_A].rx.frames, 3);
}

START_TEST(test_longer_than_the_mtu_from_net_pcap)
{
    static const struct dp_config ordinary = {.max_mtu = 1500, .packet_buffers = 1023};
    struct port lan;
    size_t len;

    receive_pcap(&lan, &ordinary, &len);
    ck_assert_uint_eq(flow_drops(f, DROP_too_long), 1);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 2);
    close_port(&lan, PORT_A);
}
END_TEST

START_TEST(test_long_from_net_pcap)
{
    struct port lan;
    size_t len;

    receive_pcap(&lan, &config, &len);
    ck_assert_int_gt(flow_take(f, PORT_B, got), 400);
    ck_assert_int_eq(flow_take(f, PORT_B, got), (int)len);
    ck_assert_mem_eq(got, frame, len);
    ck_assert_int_gt(flow_take(f, PORT_B, got), 400);
    close_port(&lan, PORT_A);
}
END_TEST

START_TEST(test_long_to_net_pcap)
{
    char path[] = "/tmp/cw-segments-XXXXXX", device[64];
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, LONG);
    int fd = mkstemp(path);
    struct port lan;

    flow_must(fd >= 0, path);
    snprintf(device, sizeof(device), "net_pcap0,tx_pcap=%s", path);
    open_port(&lan, device, &config, PORT_B);
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    close_port(&lan, PORT_B);
    flow_must(lseek(fd, 24 + 16, SEEK_SET) == 40, path);
    ck_assert_int_eq((int)read(fd, got, sizeof(got)), (int)len);
    ck_assert_mem_eq(got, frame, len);
    close(fd);
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("segments with drivers");
    TCase *o = tcase_create("ordinary"), *t = tcase_create("long");

    flow_must(unshare(CLONE_NEWNET) == 0, "a network namespace (root?)");
    flow_start_eal();
    tcase_add_checked_fixture(o, setup_ordinary, teardown);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(o, 60);
    tcase_set_timeout(t, 60);
    tcase_add_test(o, test_who_is_asked);
    tcase_add_test(o, test_longer_than_the_mtu_from_net_pcap);
    tcase_add_test(t, test_long_from_net_pcap);
    tcase_add_test(t, test_long_to_net_pcap);
    tcase_add_test(t, test_net_tap);
    tcase_add_test(t, test_net_memif);
    tcase_add_test(t, test_net_vhost);
    tcase_add_loop_test(t, test_tap, 0, 2);
    suite_add_tcase(s, o);
    suite_add_tcase(s, t);
    return run_suite_in_process(s);
}
