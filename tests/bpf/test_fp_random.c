/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The XDP programs against the DPDK worker: each frame goes to both, which know the same networks and MACs.
 * What the programs carry must come out of the worker to the byte, what they drop it must drop for the same
 * reason, what they leave to the kernel it must give to the TAP; the rest is the worker's anyway. Frames of
 * every length, the cases' frames with damage, and random bytes. Needs root; touches no interface.
 */
#include "tests/bpf/fp_rig.h"
#include "tests/flow/cases.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LONGEST   128
#define SHORTEST  14 /* the kernel runs nothing shorter than an Ethernet header */
#define MUTATIONS 30000

static struct flow *f;
static struct fp_rig *rig;
static uint8_t in[FP_RIG_BUFFER], fast[FP_RIG_BUFFER], slow[FP_RIG_BUFFER];
static uint64_t runs[FP_RIG_PORTS];

/* ---- one world for both ---- */

static const struct flow_case world_case = {.zero_csum_rx = true, .qinq = true};

static void know(dp_net_id net, unsigned host, enum dp_where where, uint16_t target, bool bounce,
                 bool is_static)
{
    struct mac mac = flow_mac(host);

    ck_assert_int_eq(fdb_set(&f->fdb, fdb_key(net, mac.b),
                             FDB_WHERE(where, target, is_static) | (bounce ? FDB_BOUNCE : 0), mono_now()),
                     0);
    ck_assert_int_eq(
        fp_table_set(&rig->fdb, fp_rig_key(net, mac),
                     FP_WHERE(where, target) | (bounce ? FP_BOUNCE : 0) | (is_static ? FP_STATIC : 0), 0),
        0);
}

static void open_world(bool ipv6)
{
    struct case_world w;

    case_world(&w, &world_case, ipv6);
    f = flow_open(ipv6);
    ck_assert_int_eq(own_init(&f->w.own, f), 0);
    f->topology = w.topology;
    flow_publish(f);
    rig = fp_rig_open(&w.topology.address, w.topology.vxlan_port, 1000);
    ck_assert_int_eq(fp_rig_publish(rig, &w.topology), 0);
    for (dp_net_id net = NET_WEB; net <= NET_DB; net++) {
        know(net, 1, DP_WHERE_PORT, PORT_A, false, false);
        know(net, 2, DP_WHERE_VTEP, VTEP_1, false, false);
        know(net, 3, DP_WHERE_PORT, PORT_B, false, false);
        know(net, 4, DP_WHERE_VTEP, VTEP_2, true, false);
        know(net, 5, DP_WHERE_PORT, PORT_B, false, true);
    }
    memset(runs, 0, sizeof(runs));
}

static void setup(void)
{
    open_world(false);
}

static void setup_ipv6(void)
{
    open_world(true);
}

static void teardown(void)
{
    fp_rig_close(rig);
    own_fini(&f->w.own);
    flow_close(f);
}

/* ---- the worker's answer ---- */

static void slow_run(unsigned port, size_t len, uint64_t drops[DROP_N])
{
    struct dp_own_frame up;
    struct dp_event e;

    memcpy(drops, f->w.counters.totals.drops, DROP_N * sizeof(drops[0]));
    flow_discard(f);
    while (flow_event(f, &e))
        ;
    while (own_pop(&f->w.own, &up))
        ;
    memset(f->w.report.recent, 0, sizeof(f->w.report.recent));
    flow_put(f, port, in, len);
    flow_poll(f);
    for (unsigned i = 0; i < DROP_N; i++)
        drops[i] = f->w.counters.totals.drops[i] - drops[i];
}

static void dump(const char *what, unsigned port, size_t len)
{
    fprintf(stderr, "%s: port %u, %zu bytes:", what, port, len);
    for (size_t i = 0; i < len; i++)
        fprintf(stderr, " %02x", in[i]);
    fprintf(stderr, "\n");
}

#define EXPECT(condition, what)                                                                              \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            dump(what, port, len);                                                                           \
            ck_abort_msg("%s", what);                                                                        \
        }                                                                                                    \
    } while (0)

static void expect_same_out(unsigned port, size_t len, size_t fast_len)
{
    int slow_len = -1;
    unsigned frames = 0;

    for (unsigned i = 0; i < N_PORTS; i++) {
        frames += flow_waiting(f, i);
        if (flow_waiting(f, i))
            slow_len = flow_take(f, i, slow);
    }
    EXPECT(frames == 1, "carried, but the worker sends another number of frames");
    EXPECT(slow_len == (int)fast_len, "carried, but the worker's frame has another length");
    EXPECT(memcmp(slow, fast, fast_len) == 0, "carried, but the worker's frame is another");
}

/* The reason that counts one frame more than before; DROP_N: none, or several. */
static unsigned dropped_as(const uint64_t before[DROP_N])
{
    unsigned reason = DROP_N, n = 0;

    for (unsigned i = 0; i < DROP_N; i++) {
        if (fp_rig_drops(rig, i) != before[i]) {
            reason = i;
            n += (unsigned)(fp_rig_drops(rig, i) - before[i]);
        }
    }
    return n == 1 ? reason : DROP_N;
}

static uint64_t punted(unsigned port, uint64_t *passed)
{
    struct fp_port_counters c;
    uint64_t sum = 0;

    fp_rig_port_counters(rig, port, &c);
    for (unsigned i = 0; i < FP_PUNT_N; i++)
        sum += c.punts[i];
    *passed = c.passed;
    return sum;
}

/* What became of the frame in `in`; false: the worker's. */
static bool compare(unsigned port, size_t len)
{
    uint64_t fast_drops[DROP_N], slow_drops[DROP_N], passed, passed_before,
        punts = punted(port, &passed_before);
    unsigned reason = DROP_N;
    size_t fast_len;
    uint32_t action;

    for (unsigned i = 0; i < DROP_N; i++)
        fast_drops[i] = fp_rig_drops(rig, i);
    action = fp_rig_run(rig, port, in, len, fast, &fast_len);
    runs[port]++;
    EXPECT(fast_len >= SHORTEST && fast_len <= len + FP_HEADER, "output out of bounds");
    if (punted(port, &passed) != punts) {
        EXPECT(action == XDP_REDIRECT && fast_len == len && memcmp(fast, in, len) == 0,
               "changed on its way to the worker");
        return false;
    }
    slow_run(port, len, slow_drops);
    switch (action) {
    case XDP_PASS:
        EXPECT(passed == passed_before + 1, "to the kernel, uncounted");
        /* Cut off before its ports it is the kernel's on a port that the kernel owns: xdp_ours.bpf.h. */
        EXPECT(port == PORT_WAN && (flow_waiting(f, PORT_TAP) == 1 || slow_drops[DROP_outer_truncated] == 1),
               "to the kernel, but the worker does not");
        break;
    case XDP_DROP:
        reason = dropped_as(fast_drops);
        EXPECT(reason < DROP_N, "dropped, but not counted once");
        EXPECT(slow_drops[reason] == 1, "the worker does not drop it so");
        break;
    case XDP_REDIRECT:
        expect_same_out(port, len, fast_len);
        break;
    default:
        EXPECT(false, "no such action");
    }
    return true;
}

/* dp.h: what came in went out or was dropped. */
static void require_balance(void)
{
    uint64_t in_frames = 0, out_frames = 0, passed;

    for (unsigned port = 0; port < FP_RIG_PORTS; port++) {
        struct fp_port_counters c;
        uint64_t punts = punted(port, &passed);

        fp_rig_port_counters(rig, port, &c);
        ck_assert_uint_eq(runs[port], c.rx.frames + punts + c.passed + c.unserved);
        in_frames += c.rx.frames;
        out_frames += c.tx.frames;
    }
    for (unsigned i = 0; i < DROP_N; i++)
        out_frames += fp_rig_drops(rig, i);
    ck_assert_uint_eq(in_frames, out_frames);
}

/* ---- tests ---- */

START_TEST(test_every_length)
{
    unsigned carried = 0;

    for (size_t i = 0; i < n_flow_cases; i++) {
        const struct flow_case *c = &flow_cases[i];
        size_t len;

        if (!case_runs_over(c, f->ipv6) || c->payload > 40)
            continue;
        memset(in, 0, sizeof(in));
        len = case_frame_in(c, f->ipv6, in);
        for (size_t n = SHORTEST; n <= LONGEST; n++)
            carried += compare(c->port, n);
        compare(c->port, len);
    }
    ck_assert_uint_gt(carried, 1000);
    require_balance();
}
END_TEST

/* Lengths in the outer headers that fit what is there, so that short inner frames get past them. */
START_TEST(test_every_inner_length)
{
    static const struct flow_outer outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .checksum = true};
    static const struct flow_outer plain = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .tos = 3};
    uint8_t frame[LONGEST];
    unsigned carried = 0;

    for (size_t i = 0; i < n_flow_cases; i++) {
        struct flow_case c = flow_cases[i];

        c.port = PORT_A;
        c.vlan = FLOW_UNTAGGED;
        c.cut = 0;
        if (c.payload > 40)
            continue;
        memset(frame, 0, sizeof(frame));
        case_frame_in(&c, f->ipv6, frame);
        for (size_t n = 0; n <= LONGEST; n++) {
            carried += compare(PORT_WAN, flow_wrap(f, in, outer, frame, n));
            carried += compare(PORT_WAN, flow_wrap(f, in, plain, frame, n));
        }
    }
    ck_assert_uint_gt(carried, 1000);
    require_balance();
}
END_TEST

/* The cases' frames with up to three bytes changed and the outer checksums mended, so that damage gets far. A
 * fixed seed: a failure can be repeated. */
START_TEST(test_damage)
{
    unsigned carried = 0;

    srandom(f->ipv6 ? 6 : 4);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        const struct flow_case *c = &flow_cases[(size_t)random() % n_flow_cases];
        size_t len;

        if (!case_runs_over(c, f->ipv6))
            continue;
        len = case_frame_in(c, f->ipv6, in);
        for (long m = random() % 4; m > 0; m--)
            in[(size_t)random() % (len < 130 ? len : 130)] =
                (uint8_t)(random() % 3 ? random() : random() % 8);
        if (c->port == PORT_WAN && random() % 4 != 0 && len > 80 && (f->ipv6 || (in[14] & 0xf) == 5) &&
            (size_t)(in[f->ipv6 ? 58 : 38] << 8 | in[f->ipv6 ? 59 : 39]) <= len - (f->ipv6 ? 54 : 34))
            flow_fix(f, in, f->ipv6 && random() % 4 != 0);
        carried += compare(c->port, random() % 8 ? len : SHORTEST + (size_t)random() % (len - SHORTEST + 1));
    }
    ck_assert_uint_gt(carried, MUTATIONS / 4);
    require_balance();
}
END_TEST

START_TEST(test_random_bytes)
{
    unsigned carried = 0;

    srandom(f->ipv6 ? 16 : 14);
    for (unsigned i = 0; i < MUTATIONS / 2; i++) {
        unsigned port = i % FP_RIG_PORTS;
        size_t len = SHORTEST + (size_t)random() % (LONGEST - SHORTEST + 1);

        for (size_t b = 0; b < len; b++)
            in[b] = (uint8_t)random();
        if (i % 2) { /* addresses that lead somewhere */
            memcpy(in, flow_mac(1 + (unsigned)random() % 6).b, 6);
            memcpy(in + 6, flow_mac(1 + (unsigned)random() % 6).b, 6);
        }
        if (i % 4 == 1 && len > 40) { /* and types that are looked into */
            static const uint8_t types[4][2] = {{0x08, 0x00}, {0x86, 0xdd}, {0x81, 0x00}, {0x08, 0x06}};
            size_t at = port == PORT_A ? 16 : 12;

            if (port == PORT_A)
                memcpy(in + 12, "\x81\0\0\x64", 4);
            memcpy(in + at, types[random() % 4], 2);
            in[at + 2] = random() % 2 ? 0x45 : 0x60;
        }
        carried += compare(port, len);
    }
    ck_assert_uint_gt(carried, MUTATIONS / 8);
    require_balance();
}
END_TEST

START_TEST(test_the_kernel_refuses_less_than_a_header)
{
    size_t len;

    for (size_t n = 0; n < SHORTEST; n++)
        ck_assert(!fp_rig_try(rig, PORT_A, in, n, fast, &len) &&
                  !fp_rig_try(rig, PORT_WAN, in, n, fast, &len));
}
END_TEST

static void add_all(TCase *t)
{
    tcase_set_timeout(t, 240);
    tcase_add_test(t, test_every_length);
    tcase_add_test(t, test_every_inner_length);
    tcase_add_test(t, test_damage);
    tcase_add_test(t, test_random_bytes);
    tcase_add_test(t, test_the_kernel_refuses_less_than_a_header);
}

int main(void)
{
    Suite *s = suite_create("fp_random");
    TCase *t4 = tcase_create("ipv4"), *t6 = tcase_create("ipv6");

    if (geteuid() != 0) {
        printf("skipped: BPF programs need root\n");
        return 0;
    }
    flow_start_eal();
    tcase_add_checked_fixture(t4, setup, teardown);
    tcase_add_checked_fixture(t6, setup_ipv6, teardown);
    add_all(t4);
    add_all(t6);
    suite_add_tcase(s, t4);
    suite_add_tcase(s, t6);
    return run_suite(s);
}
