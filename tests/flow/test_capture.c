/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The capture at the worker: what each filter lets through, and that a full ring loses nothing else.
 */
#include "dataplane/capture.h"
#include "tests/flow/flow.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct flow *f;
static struct capture *c;

static void setup(void)
{
    f = flow_open(false);
    c = capture_new();
    flow_hosts(f);
}

static void teardown(void)
{
    f->w.capture = f->w.capturing = NULL;
    flow_close(f);
    capture_free(c);
}

static void begin(struct capture_filter filter)
{
    if (filter.snap == 0)
        filter.snap = CAPTURE_SNAP_MAX;
    capture_reset(c, &filter);
    f->w.capture = c;
}

#define ANY .reason = DROP_N, .port = DP_NO_PORT

static void send(unsigned port, unsigned from, unsigned to, uint16_t vlan)
{
    uint8_t frame[256];

    flow_put(f, port, frame, flow_ipv4(frame, flow_mac(to), flow_mac(from), vlan, 0, 1, 60));
    flow_poll(f);
}

static unsigned count(void)
{
    struct capture_frame frame;
    unsigned n = 0;

    while (capture_pop(c, &frame))
        n++;
    return n;
}

START_TEST(test_in_and_out)
{
    struct capture_frame in, out;
    uint8_t frame[256];
    size_t len = flow_ipv4(frame, flow_mac(3), flow_mac(1), 100, 0, 1, 60);

    begin((struct capture_filter){ANY});
    flow_put(f, PORT_A, frame, len);
    flow_poll(f);
    ck_assert(capture_pop(c, &in) && capture_pop(c, &out) && count() == 0);
    ck_assert(in.what == CAPTURE_IN && in.port == PORT_A && in.net == NET_WEB && in.len == len);
    ck_assert_mem_eq(in.data, frame, len); /* with its tag */
    ck_assert(out.what == CAPTURE_OUT && out.port == PORT_WAN && out.net == NET_WEB);
    ck_assert_uint_eq(out.len, len - 4 + 50);
    ck_assert_mem_eq(out.data + 50, frame, 12);
}
END_TEST

START_TEST(test_filters)
{
    begin((struct capture_filter){ANY, .net = NET_DB});
    send(PORT_A, 1, 3, 100);
    ck_assert_uint_eq(count(), 0);
    begin((struct capture_filter){ANY, .net = NET_WEB});
    send(PORT_A, 1, 3, 100);
    ck_assert_uint_eq(count(), 2);
    begin((struct capture_filter){.reason = DROP_N, .port = PORT_WAN});
    send(PORT_A, 1, 3, 100);
    ck_assert_uint_eq(count(), 1);
    begin((struct capture_filter){ANY, .by_mac = true, .mac = flow_mac(3)});
    send(PORT_A, 1, 2, 100);
    ck_assert_uint_eq(count(), 0);
    send(PORT_A, 1, 3, 100);
    ck_assert_uint_eq(count(), 2); /* the inner one on the WAN */
}
END_TEST

START_TEST(test_drops)
{
    struct capture_frame frame;

    begin((struct capture_filter){ANY, .drops = true});
    send(PORT_A, 1, 2, 100);
    ck_assert_uint_eq(count(), 0);
    send(PORT_A, 1, 2, 999);
    ck_assert(capture_pop(c, &frame));
    ck_assert(frame.what == CAPTURE_DROP && frame.reason == DROP_vlan_unknown);
    begin((struct capture_filter){.reason = DROP_same_port, .port = DP_NO_PORT, .drops = true});
    send(PORT_A, 1, 2, 999);
    ck_assert_uint_eq(count(), 0);
    send(PORT_A, 5, 1, 100);
    ck_assert_uint_eq(count(), 1);
}
END_TEST

START_TEST(test_full_ring_loses_copies_only)
{
    begin((struct capture_filter){.reason = DROP_N, .port = PORT_A, .snap = 14});
    for (unsigned i = 0; i < CAPTURE_SLOTS + 10; i++) {
        send(PORT_A, 1, 2, 100);
        ck_assert_uint_eq(flow_waiting(f, PORT_B), 1);
        flow_discard(f);
    }
    ck_assert_uint_eq(capture_lost(c), 10);
    ck_assert_uint_eq(count(), CAPTURE_SLOTS);
    send(PORT_A, 1, 2, 100);
    ck_assert_uint_eq(count(), 1);
    ck_assert_uint_eq(flow_all_drops(f), 0);
    flow_require_balance(f);
}
END_TEST

/* Cut headers of all kinds are not read beyond their end. */
START_TEST(test_cut_packets)
{
    uint8_t inner[128], packet[256];
    struct flow_outer o = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 8};
    size_t len = flow_ipv4(inner, flow_mac(1), flow_mac(3), FLOW_UNTAGGED, 0, 1, 20);

    len = flow_wrap(f, packet, o, inner, len);
    begin((struct capture_filter){ANY});
    for (size_t n = 1; n <= len; n++) {
        flow_put(f, PORT_WAN, packet, n);
        flow_poll(f);
        flow_discard(f);
        ck_assert_uint_ge(count(), 1);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("capture");
    TCase *t = tcase_create("capture");

    flow_start_eal();
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_in_and_out);
    tcase_add_test(t, test_filters);
    tcase_add_test(t, test_drops);
    tcase_add_test(t, test_full_ring_loses_copies_only);
    tcase_add_test(t, test_cut_packets);
    suite_add_tcase(s, t);
    return run_suite_in_process(s);
}
