/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ports over AF_XDP: what becomes of their packet buffers. Each test has two veth pairs (x0-x1 and y0-y1) in
 * a network namespace that goes with the process; the worker has x0 and y0 as access ports of one network,
 * hosts 1 and 2 are at x1 and y1. Needs root.
 */
#include "dataplane/port_pool.h"
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

#include <bpf/libbpf.h>
#include <rte_ethdev.h>
#include <xdp/libxdp.h>

#define N_XDP 2 /* PORT_A and PORT_B of the worker, instead of their rings */
#define BURST 32
#define HELD  2048 /* by the fill ring, for good */

static struct flow *f;
static struct port ports[N_XDP];
static int host[N_XDP];
static uint8_t frame[9216], got[9216];

/* What the driver's UMEM has from libxdp, 80 bytes a port, is not given back when the port is closed. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:xsk_umem__create\n";
}

static void sh(const char *command)
{
    flow_must(system(command) == 0, command);
}

static int packet_socket(const char *ifname)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = RTE_BE16(0x0003)};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, RTE_BE16(0x0003)), size = 64 << 20, on = 1;

    at.sll_ifindex = (int)if_nametoindex(ifname);
    flow_must(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0, ifname);
    flow_must(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) == 0,
              "PACKET_IGNORE_OUTGOING");
    flow_must(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == 0, "SO_RCVBUFFORCE");
    return fd;
}

static void open_xdp(unsigned i, const char *ifname, uint16_t mtu, uint32_t buffers)
{
    struct dp_config config = {.max_mtu = 9000, .packet_buffers = buffers};
    struct dp_port_spec spec = {.role = DP_PORT_ACCESS, .owner = DP_OWNER_INTERFACE, .queues = 1, .mtu = mtu};
    char err[DP_ERR_LEN];
    int rc;

    snprintf(spec.name, sizeof(spec.name), "%s", ifname);
    snprintf(spec.device, sizeof(spec.device), "%s", ifname);
    rc = port_open(&ports[i], 50 + i, &spec, &config, err);
    ck_assert_msg(rc == 0, "%s", err);
    port_to_worker(&ports[i], 0, 1, &f->w.ports[i]);
}

static void open_both(uint16_t mtu, uint32_t buffers)
{
    open_xdp(PORT_A, "x0", mtu, buffers);
    open_xdp(PORT_B, "y0", mtu, buffers);
}

static void setup(void)
{
    (void)!system("ip link del x0 2>/dev/null; ip link del y0 2>/dev/null");
    sh("for i in x y; do ip link add ${i}0 type veth peer name ${i}1 && ip link set ${i}0 "
       "up && ip "
       "link set ${i}1 up || exit 1; done");
    f = flow_open(false);
    host[PORT_A] = packet_socket("x1");
    host[PORT_B] = packet_socket("y1");
    flow_hosts(f);
}

static void teardown(void)
{
    flow_discard(f);
    for (unsigned i = 0; i < N_XDP; i++) {
        port_close(&ports[i]);
        close(host[i]);
    }
    flow_close(f);
}

static unsigned spare(unsigned port)
{
    return rte_mempool_avail_count(ports[port].pool);
}

/* From the host at a port to another host: how many the kernel took. */
static unsigned say(unsigned port, unsigned to, unsigned n)
{
    size_t len = flow_ipv4(frame, flow_mac(to), flow_mac(port + 1), 100, 0, 1, 40);
    unsigned sent = 0;

    for (unsigned i = 0; i < n; i++)
        sent += send(host[port], frame, len, 0) == (ssize_t)len;
    return sent;
}

/* What the host at a port has got so far. */
static unsigned heard(unsigned port)
{
    unsigned n = 0;

    while (recv(host[port], got, sizeof(got), 0) > 0)
        n++;
    return n;
}

/* Until n more frames have come in by the port. */
static void serve(unsigned port, unsigned n)
{
    const struct dp_count *rx = &f->w.counters.ports[port].rx;
    uint64_t until = rx->frames + n;
    mono_t begin = mono_now();

    while (rx->frames < until) {
        worker_poll(&f->w);
        if (mono_now().ns - begin.ns > 10000000000u)
            ck_abort_msg("port %u: %llu of %u frames came in, %u buffers spare", port,
                         (unsigned long long)(rx->frames + n - until), n, spare(port));
    }
}

/* The kernel goes on dropping for a moment what is sent to an interface that has just come up. */
static void say_until_heard(unsigned port)
{
    uint64_t before = f->w.counters.ports[port].rx.frames;
    mono_t begin = mono_now();

    while (f->w.counters.ports[port].rx.frames < before + BURST) {
        ck_assert_uint_lt(mono_now().ns - begin.ns, 10000000000u);
        say(port, 1, 1);
        worker_poll(&f->w);
    }
    while (worker_poll(&f->w) > 0)
        ;
}

/* The host at the port still gets through to the one at the other port. */
static void expect_alive(unsigned port)
{
    unsigned other = port == PORT_A ? PORT_B : PORT_A;

    (void)heard(other);
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_uint_eq(say(port, other + 1, BURST), BURST);
        serve(port, BURST);
    }
    ck_assert_uint_eq(heard(other), 100 * BURST);
}

/* ---- A buffer that sticks out of what the kernel was told of is kept there for good ---- */

START_TEST(test_every_buffer_comes_back)
{
    static struct rte_mbuf *m[16384];
    unsigned n, sent = 0;

    open_both(1500, 0);
    ck_assert(port_pool_is_whole(ports[PORT_A].pool));
    n = spare(PORT_A);
    ck_assert_uint_eq(n, ports[PORT_A].pool->size - HELD);
    for (unsigned i = 0; i < n; i++) {
        m[i] = rte_pktmbuf_alloc(ports[PORT_A].pool);
        ck_assert(m[i] != NULL && rte_pktmbuf_append(m[i], 1514) != NULL);
        memset(rte_pktmbuf_mtod(m[i], void *), 0xff, 1514);
    }
    while (sent < n)
        sent += rte_eth_tx_burst(ports[PORT_A].ethdev, 0, m + sent, (uint16_t)RTE_MIN(n - sent, BURST * 1u));
    (void)rte_eth_tx_burst(ports[PORT_A].ethdev, 0, m, 0); /* takes back what has been sent */
    ck_assert_uint_eq(heard(PORT_A), n);
    ck_assert_uint_eq(spare(PORT_A), n);
}
END_TEST

/* ---- A port that is down keeps what it was given to send, and a busy machine lets rings run full and empty
 * ---- */

START_TEST(test_down_and_up_again)
{
    open_both(1500, 0);
    expect_alive(PORT_A);
    expect_alive(PORT_B);
    sh("ip link set y0 down");
    for (unsigned i = 0; i < 10000 / BURST; i++) { /* more than its rings hold */
        say(PORT_A, 2, BURST);
        serve(PORT_A, BURST);
    }
    ck_assert_uint_gt(flow_drops(f, DROP_tx_full), 0);
    ck_assert_uint_ge(spare(PORT_A), ports[PORT_A].pool->size - HELD - 2 * BURST);
    ck_assert_uint_ge(spare(PORT_B), BURST);
    sh("ip link set y0 up");
    /* What it says comes in, before anything is sent to it: that would be what moves its rings. */
    say_until_heard(PORT_B);
    say(PORT_A, 2, BURST); /* and this brings what waited for it */
    serve(PORT_A, BURST);
    expect_alive(PORT_B);
    expect_alive(PORT_A);
    ck_assert_uint_ge(spare(PORT_B), ports[PORT_B].pool->size - HELD - 2 * BURST);
}
END_TEST

START_TEST(test_a_worker_that_gets_no_cpu)
{
    open_both(1500, 0);
    for (unsigned round = 0; round < 5; round++) {
        uint64_t missed = port_missed(&ports[PORT_A]);

        say(PORT_A, 2, 6000); /* its fill ring runs empty */
        ck_assert_uint_gt(port_missed(&ports[PORT_A]), missed);
        say(PORT_B, 1, 6000);
        while (worker_poll(&f->w) > 0)
            ;
        expect_alive(PORT_A);
        expect_alive(PORT_B);
    }
    for (unsigned i = 0; i < N_XDP; i++)
        ck_assert_uint_ge(spare(i), ports[i].pool->size - HELD - 2 * BURST);
}
END_TEST

/* ---- What other ports keep ---- */

/* The WAN takes frames and sends none: it keeps what it has, and its ring holds more than port A can spare.
 */
START_TEST(test_a_stopped_port_does_not_starve_another)
{
    open_both(1500, HELD + 900);
    f->w.ports[PORT_WAN].keeps = true;
    for (unsigned i = 0; i < 3000 / BURST; i++) {
        say(PORT_A, 3, BURST);
        serve(PORT_A, BURST);
    }
    ck_assert_uint_gt(flow_drops(f, DROP_tx_full), 0);
    ck_assert_uint_gt(spare(PORT_A), 2 * BURST);
    expect_alive(PORT_A);
    flow_discard(f); /* what was copied is the same */
    say(PORT_A, 3, BURST);
    serve(PORT_A, BURST);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), BURST);
    ck_assert_int_eq(flow_take(f, PORT_WAN, got),
                     50 + (int)flow_ipv4(frame, flow_mac(3), flow_mac(1), FLOW_UNTAGGED, 0, 1, 40));
    ck_assert_mem_eq(got + 50, frame, 60);
}
END_TEST

/* ---- The driver copies other ports' frames into buffers of a page ---- */

START_TEST(test_longer_than_a_buffer)
{
    struct rte_mempool *long_pool = rte_pktmbuf_pool_create("long", 63, 0, 0, 9300, SOCKET_ID_ANY);
    struct rte_mbuf *m;
    size_t len;

    open_both(9000, 0);
    ck_assert(long_pool != NULL);
    m = rte_pktmbuf_alloc(long_pool);
    ck_assert(m != NULL && rte_pktmbuf_append(m, 9000) != NULL);
    len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 1000);
    memset(rte_pktmbuf_mtod(m, void *), 0, 9000);
    memcpy(rte_pktmbuf_mtod(m, void *), frame, len);
    worker_transmit(&f->w, PORT_B, m);
    worker_flush(&f->w, PORT_B);
    ck_assert_uint_eq(flow_drops(f, DROP_port_mtu), 1);
    ck_assert_uint_eq(rte_mempool_avail_count(long_pool), long_pool->size);
    ck_assert_uint_eq(heard(PORT_B), 0);
    expect_alive(PORT_A);
    rte_mempool_free(long_pool);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xdp");
    TCase *t = tcase_create("xdp");

    libbpf_set_print(NULL);
    libxdp_set_print(NULL);
    flow_must(unshare(CLONE_NEWNET) == 0, "a network namespace (root is needed)");
    sh("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
    flow_start_eal_mb(1024); /* the driver gives little of it back */
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_every_buffer_comes_back);
    tcase_add_test(t, test_down_and_up_again);
    tcase_add_test(t, test_a_worker_that_gets_no_cpu);
    tcase_add_test(t, test_a_stopped_port_does_not_starve_another);
    tcase_add_test(t, test_longer_than_a_buffer);
    suite_add_tcase(s, t);
    return run_suite(s);
}
