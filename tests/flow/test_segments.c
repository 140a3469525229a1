/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Frames that a driver hands over in several buffers: dropped by name where they come in, whatever the port,
 * and nothing else of the burst is. And net_pcap, whose driver makes them without being asked.
 */
#include "dataplane/capture.h"
#include "tests/flow/flow.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LONG_FRAME 5000

static struct flow *f;
static uint8_t frame[9216], packet[9216], got[9216];

static void setup(void)
{
    f = flow_open(false);
    flow_hosts(f);
}

static void teardown(void)
{
    flow_close(f);
}

/* In n buffers, the first of which has `first` bytes. */
static void put_chain(unsigned port, const uint8_t *data, size_t len, unsigned n, size_t first)
{
    struct rte_mbuf *head = NULL;

    for (unsigned i = 0; i < n; i++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(f->ports[port].pool);
        size_t part = i == 0 ? first : i == n - 1 ? len : len / 2;

        flow_must(m && rte_pktmbuf_append(m, (uint16_t)part), "a packet buffer");
        memcpy(rte_pktmbuf_mtod(m, void *), data, part);
        data += part;
        len -= part;
        if (!head)
            head = m;
        else
            flow_must(rte_pktmbuf_chain(head, m) == 0, "a chain");
    }
    flow_must(rte_ring_enqueue(f->in[port], head) == 0, "a ring");
}

/* Sound but for the cut, wherever it is: from hosts, from VTEPs, from the kernel. */
START_TEST(test_dropped_where_they_come_in)
{
    struct flow_outer o = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 8};
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 400), inner;
    uint64_t dropped = 0;

    for (size_t first = 0; first < 100; first++, dropped += 3) {
        put_chain(PORT_A, frame, len, 2 + (unsigned)first % 2, first);
        inner = flow_ipv4(got, flow_mac(1), flow_mac(3), FLOW_UNTAGGED, 0, 1, 400);
        put_chain(PORT_WAN, packet, flow_wrap(f, packet, o, got, inner), 2, first);
        put_chain(PORT_TAP, packet, 400, 2, first);
        flow_poll(f);
        for (unsigned port = 0; port < N_PORTS; port++)
            ck_assert_uint_eq(flow_waiting(f, port), 0);
        ck_assert_uint_eq(flow_drops(f, DROP_too_long), dropped + 3);
    }
    ck_assert_uint_eq(flow_all_drops(f), dropped);
    ck_assert_uint_eq(f->w.counters.ports[PORT_A].drops, dropped / 3);
    ck_assert_uint_eq(f->w.counters.ports[PORT_A].rx.bytes, dropped / 3 * len);
    flow_require_balance(f);
}
END_TEST

/* _i: which frames of a burst are whole, as bits. */
START_TEST(test_others_of_the_burst_pass)
{
    unsigned whole = 0;
    size_t len;

    for (unsigned i = 0; i < 6; i++) {
        len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, (uint16_t)i, 100);
        if (_i >> i & 1)
            flow_put(f, PORT_A, frame, len);
        else
            put_chain(PORT_A, frame, len, 2, 60);
    }
    flow_poll(f);
    for (unsigned i = 0; i < 6; i++) {
        if (!(_i >> i & 1))
            continue;
        whole++;
        len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, (uint16_t)i, 100);
        ck_assert_int_eq(flow_take(f, PORT_B, got), (int)len);
        ck_assert_mem_eq(got, frame, len); /* in their order */
    }
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 0);
    ck_assert_uint_eq(flow_drops(f, DROP_too_long), 6 - whole);
    flow_require_balance(f);
}
END_TEST

START_TEST(test_captured_whole)
{
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 400);
    struct capture *c = capture_new();
    static struct capture_frame shown;

    flow_must(c != NULL, "memory");
    for (unsigned drops = 0; drops < 2; drops++) {
        capture_reset(
            c, &(struct capture_filter){.reason = DROP_N, .port = DP_NO_PORT, .snap = 300, .drops = drops});
        f->w.capture = c;
        put_chain(PORT_A, frame, len, 3, 40);
        flow_poll(f);
        ck_assert(capture_pop(c, &shown) && shown.len == len && shown.snapped == 300);
        ck_assert_mem_eq(shown.data, frame, 300);
    }
    f->w.capture = f->w.capturing = NULL;
    capture_free(c);
}
END_TEST

static void write_frame(FILE *file, size_t len)
{
    uint32_t header[4] = {0, 0, (uint32_t)len, (uint32_t)len};

    flow_must(fwrite(header, sizeof(header), 1, file) == 1 && fwrite(frame, len, 1, file) == 1,
              "a file in /tmp");
}

/* A frame of usual length, one that no buffer holds, and another. */
static void write_pcap(char *path)
{
    static const uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(1), 100, 0, 1, 400);

    flow_must(file && fwrite(header, sizeof(header), 1, file) == 1, path);
    write_frame(file, len);
    write_frame(file, LONG_FRAME);
    write_frame(file, len);
    flow_must(fclose(file) == 0, path);
}

START_TEST(test_from_net_pcap)
{
    static const struct dp_config config = {.max_mtu = 1500, .packet_buffers = 1023};
    struct dp_port_spec spec = {.name = "lan", .role = DP_PORT_ACCESS, .owner = DP_OWNER_VDEV};
    char path[] = "/tmp/cw-segments-XXXXXX", err[DP_ERR_LEN];
    struct worker_port ring = f->w.ports[PORT_A];
    mono_t begin = mono_now();
    struct port lan;

    write_pcap(path);
    snprintf(spec.device, sizeof(spec.device), "net_pcap0,rx_pcap=%s", path);
    flow_must(port_open(&lan, 64, &spec, &config, err) == 0, err);
    unlink(path);
    port_to_worker(&lan, 0, 1, &f->w.ports[PORT_A]);
    while (f->w.counters.ports[PORT_A].rx.frames < 3 && mono_now().ns - begin.ns < 5000000000u)
        (void)worker_poll(&f->w);
    ck_assert_uint_eq(f->w.counters.ports[PORT_A].rx.frames, 3);
    ck_assert_uint_eq(flow_drops(f, DROP_too_long), 1);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 2);
    flow_require_balance(f);
    flow_discard(f);
    f->w.ports[PORT_A] = ring;
    port_close(&lan);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("segments");
    TCase *t = tcase_create("segments");

    flow_start_eal();
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_dropped_where_they_come_in);
    tcase_add_loop_test(t, test_others_of_the_burst_pass, 0, 8);
    tcase_add_test(t, test_captured_whole);
    tcase_add_test(t, test_from_net_pcap);
    suite_add_tcase(s, t);
    return run_suite(s);
}
