/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The trace against the worker: what it says of a frame is what the worker does with it, for random frames
 * and tables; and it changes nothing.
 */
#include "dataplane/trace.h"
#include "tests/flow/flow.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES 6000
#define HOSTS  24

static struct flow *f;
static unsigned seed = 4242;

static unsigned rnd(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

static void setup(void)
{
    f = flow_open(false);
}

static void teardown(void)
{
    flow_close(f);
}

static void trace_of(enum dp_where from, uint16_t source, dp_net_id net, const uint8_t *frame, size_t len,
                     struct trace *t)
{
    trace_frame(&f->w, f->snapshot,
                &(struct trace_frame){
                    .from = from, .source = source, .net = net, .frame = frame, .len = (uint16_t)len},
                t);
}

static unsigned steps(const struct trace *t, enum trace_kind kind)
{
    unsigned n = 0;

    for (unsigned i = 0; i < t->n; i++)
        n += t->step[i].kind == kind;
    return n;
}

static unsigned out_by(const struct trace *t, unsigned port)
{
    unsigned n = 0;

    for (unsigned i = 0; i < t->n; i++)
        n += t->step[i].kind == TRACE_OUT_PORT && t->step[i].target == port;
    return n;
}

/* Hosts of both networks at random places, with random marks. Sources are others, so that what the worker
 * learns of them does not show in the next frame's way. */
static void random_tables(void)
{
    for (unsigned i = 0; i < HOSTS; i++) {
        dp_net_id net = (dp_net_id)(1 + rnd(2));
        uint64_t key = fdb_key(net, flow_mac(i).b);
        uint32_t where = FDB_WHERE(DP_WHERE_PORT, rnd(2), false);

        if (rnd(3) == 0)
            where = FDB_WHERE(DP_WHERE_VTEP, 1 + rnd(2), false) | (rnd(2) ? FDB_BOUNCE : 0);
        else if (rnd(8) == 0)
            where = FDB_WHERE(DP_WHERE_FLOOD, 0, false);
        if (rnd(6) == 0)
            (void)fdb_del(&f->fdb, key);
        else
            ck_assert_int_eq(fdb_set(&f->fdb, key, where, mono_now()), 0);
    }
    f->vteps[1].resolved = rnd(4) != 0;
    f->vteps[0].mtu = rnd(4) ? 1600 : 1200;
    f->nets[0].flood_unknown = rnd(2);
    f->nets[0].qinq = rnd(2);
    flow_publish(f);
}

static size_t random_frame(uint8_t *buf, dp_net_id net, bool tagged)
{
    static const uint8_t groups[][6] = {
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x01, 0x00, 0x5e, 0, 0, 1}, {0x01, 0x80, 0xc2, 0, 0, 2}};
    uint16_t vlan = !tagged ? FLOW_UNTAGGED : rnd(12) == 0 ? 999 : net == NET_WEB ? 100 : 200;
    uint16_t type = rnd(10) == 0 ? 0x8100 : 0x0800;
    struct mac dst = flow_mac(rnd(HOSTS)), src = flow_mac(1000 + rnd(4000));
    uint8_t payload[1400] = {0};

    if (rnd(5) == 0)
        memcpy(dst.b, groups[rnd(3)], 6);
    if (rnd(30) == 0)
        memset(src.b, rnd(2) ? 0xff : 0, 6);
    return flow_eth(buf, dst, src, vlan, type, payload, rnd(4) ? 46 : 1300);
}

static void compare(const struct trace *t, uint64_t drops_before, unsigned i)
{
    unsigned wan = steps(t, TRACE_OUT_VTEP);

    for (unsigned ms = 0; ms < 3; ms++)
        flow_wait(f, 10000); /* for those that the worker holds for a moment */
    flow_poll(f);
    ck_assert_msg(flow_waiting(f, PORT_A) == out_by(t, PORT_A), "frame %u: port A", i);
    ck_assert_msg(flow_waiting(f, PORT_B) == out_by(t, PORT_B), "frame %u: port B", i);
    ck_assert_msg(flow_waiting(f, PORT_WAN) == wan, "frame %u: WAN %u, not %u", i, flow_waiting(f, PORT_WAN),
                  wan);
    ck_assert_msg(flow_all_drops(f) - drops_before == t->dropped, "frame %u: drops", i);
    flow_discard(f);
}

START_TEST(test_says_what_the_worker_does)
{
    unsigned kinds[TRACE_KINDS] = {0};

    for (unsigned i = 0; i < FRAMES; i++) {
        uint64_t reason_before = 0, before = flow_all_drops(f);
        uint8_t frame[2048], packet[2048];
        enum drop_reason reason = DROP_N;
        bool from_port = rnd(2);
        dp_net_id net = (dp_net_id)(1 + rnd(2));
        unsigned source = from_port ? rnd(2) : net == NET_WEB ? 1 + rnd(2) : 1;
        size_t len = random_frame(frame, net, from_port && !(net == NET_DB && source == PORT_B));
        struct trace t;

        if (i % 40 == 0)
            random_tables();
        trace_of(from_port ? DP_WHERE_PORT : DP_WHERE_VTEP, (uint16_t)source, net, frame, len, &t);
        for (unsigned j = 0; j < t.n; j++) {
            kinds[t.step[j].kind]++;
            if (t.step[j].kind == TRACE_DROP)
                reason = t.step[j].reason;
        }
        if (reason != DROP_N)
            reason_before = flow_drops(f, reason);
        if (from_port) {
            flow_put(f, source, frame, len);
        } else {
            struct flow_outer o = {.vtep = source, .vni = net == NET_WEB ? VNI_WEB : VNI_DB, .flags = 8};

            flow_put(f, PORT_WAN, packet, flow_wrap(f, packet, o, frame, len));
        }
        flow_poll(f);
        compare(&t, before, i);
        if (reason != DROP_N)
            ck_assert_msg(flow_drops(f, reason) > reason_before, "frame %u: %s", i, drop_name(reason));
    }
    /* All of it was tried. */
    ck_assert(kinds[TRACE_NETWORK] && kinds[TRACE_TUNNEL] && kinds[TRACE_SOURCE_LEARN] &&
              kinds[TRACE_SOURCE_IGNORE] && kinds[TRACE_GROUP] && kinds[TRACE_UNKNOWN] &&
              kinds[TRACE_FOUND] && kinds[TRACE_BOUNCE] && kinds[TRACE_OUT_PORT] && kinds[TRACE_OUT_VTEP] &&
              kinds[TRACE_DROP]);
    flow_require_balance(f);
}
END_TEST

static const uint8_t payload[46];

START_TEST(test_changes_nothing)
{
    uint8_t frame[2048];
    size_t len = flow_eth(frame, flow_mac(1), flow_mac(2), 100, 0x0800, payload, sizeof(payload));
    struct dp_totals before = f->w.counters.totals;
    struct dp_event e;
    struct trace t;

    trace_of(DP_WHERE_PORT, PORT_A, 0, frame, len, &t);
    ck_assert_uint_eq(steps(&t, TRACE_SOURCE_LEARN), 1);
    ck_assert(!flow_event(f, &e));
    ck_assert_mem_eq(&before, &f->w.counters.totals, sizeof(before));
    ck_assert_uint_eq(flow_waiting(f, PORT_B) + flow_waiting(f, PORT_WAN), 0);
}
END_TEST

START_TEST(test_sources)
{
    uint8_t frame[2048];
    struct trace t;
    size_t len = flow_eth(frame, flow_mac(1), flow_mac(2), 100, 0x0800, payload, sizeof(payload));

    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_PORT, PORT_A, false);
    trace_of(DP_WHERE_PORT, PORT_A, 0, frame, len, &t);
    ck_assert_uint_eq(steps(&t, TRACE_SOURCE_KNOWN), 1);
    trace_of(DP_WHERE_PORT, PORT_B, 0, frame, len, &t);
    ck_assert_uint_eq(steps(&t, TRACE_SOURCE_MOVES), 1);
    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_PORT, PORT_A, true);
    trace_of(DP_WHERE_PORT, PORT_B, 0, frame, len, &t);
    ck_assert_uint_eq(t.step[t.n - 1].reason, DROP_src_static);
    trace_of(DP_WHERE_VTEP, VTEP_FOREIGN, NET_WEB, frame, len, &t);
    ck_assert_uint_eq(t.step[0].reason, DROP_vtep_unknown); /* R1.9 */
    trace_of(DP_WHERE_VTEP, VTEP_1, 77, frame, len, &t);
    ck_assert_uint_eq(t.step[0].reason, DROP_vni_unknown);
    for (size_t cut = 0; cut < 18; cut++) {
        trace_of(DP_WHERE_PORT, PORT_A, 0, frame, cut, &t);
        ck_assert_uint_eq(t.step[0].reason, DROP_truncated);
    }
}
END_TEST

START_TEST(test_R7_2_proxy)
{
    static const uint8_t arp[28] = {0, 1, 8, 0,  6, 4, 0, 1,         2, 0, 0,
                                    0, 0, 2, 10, 0, 0, 2, [24] = 10, 0, 0, 1};
    struct ipaddr ip = {.family = 4, .b = {10, 0, 0, 1}};
    struct mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    struct neigh_entry entry = {.mac = flow_mac(1)};
    uint8_t frame[2048], request[28];
    struct trace t;
    size_t len;

    memcpy(request, arp, sizeof(arp));
    memcpy(request + 8, flow_mac(2).b, 6);
    len = flow_eth(frame, everybody, flow_mac(2), 100, 0x0806, request, sizeof(request));
    f->nets[0].proxy = true;
    flow_publish(f);
    trace_of(DP_WHERE_PORT, PORT_A, 0, frame, len, &t);
    ck_assert_uint_eq(steps(&t, TRACE_SHOWS_IP), 1);
    ck_assert_uint_eq(steps(&t, TRACE_ASKS), 1);
    ck_assert_uint_eq(steps(&t, TRACE_GROUP), 1);
    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_VTEP, VTEP_1, false);
    ck_assert_int_eq(neigh_set(&f->neigh, NET_WEB, &ip, entry), 0);
    trace_of(DP_WHERE_PORT, PORT_A, 0, frame, len, &t);
    ck_assert_uint_eq(steps(&t, TRACE_PROXY), 1);
    ck_assert_uint_eq(out_by(&t, PORT_A), 1);
    ck_assert_uint_eq(t.left, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("trace");
    TCase *t = tcase_create("trace");

    flow_start_eal();
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_says_what_the_worker_does);
    tcase_add_test(t, test_changes_nothing);
    tcase_add_test(t, test_sources);
    tcase_add_test(t, test_R7_2_proxy);
    suite_add_tcase(s, t);
    return run_suite_in_process(s);
}
