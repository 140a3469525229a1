/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Three workers that run (dp.h): two access ports that read frames from files, an underlay that writes what
 * it gets to another. Meanwhile this thread, as the control thread does, learns, moves MACs, publishes and
 * sends. One data plane for all: DPDK starts once in a process.
 */
#include "tests/flow/arpnd.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LAN0, LAN1, WAN };
enum { WORKERS = 3, FLOWS = 50, PER_FLOW = 60, HOSTS = 10, SEQ_AT = 18 };

static struct dp *dp;
static char in[2][32] = {"/tmp/cw-in0-XXXXXX", "/tmp/cw-in1-XXXXXX"}, out[] = "/tmp/cw-out-XXXXXX";
static const struct mac far = {{0x02, 0xbb, 0, 0, 0, 1}};
static unsigned heard[2][HOSTS]; /* events for a host at a port */

static void die(const char *what)
{
    fprintf(stderr, "test_workers_dp: %s\n", what);
    exit(1);
}

static struct mac host(unsigned port, unsigned n)
{
    return (struct mac){{2, 0, 0, 0, (uint8_t)(1 + port), (uint8_t)n}};
}

/* Flows of ten hosts to `far`, one frame of each after the other. */
static void write_pcap(unsigned port)
{
    static const uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
    int fd = mkstemp(in[port]);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    uint8_t frame[200];

    if (!file)
        die("no temporary file");
    fwrite(header, sizeof(header), 1, file);
    for (unsigned seq = 0; seq < PER_FLOW; seq++)
        for (unsigned flow = 0; flow < FLOWS; flow++) {
            size_t len = flow_ipv4(frame, far, host(port, flow % HOSTS), 100, 0, (uint16_t)(1000 + flow), 40);
            uint32_t record[4] = {0, 0, (uint32_t)len, (uint32_t)len};

            frame[len - SEQ_AT] = (uint8_t)(port * FLOWS + flow);
            frame[len - SEQ_AT + 1] = (uint8_t)seq;
            fwrite(record, sizeof(record), 1, file);
            fwrite(frame, len, 1, file);
        }
    fclose(file);
}

static int publish(unsigned mtu)
{
    static const struct dp_member members[] = {{LAN0, 100}, {LAN1, 100}};
    static const struct dp_net_vtep vteps[] = {{1, true, false}, {2, true, false}};
    struct dp_network net = {.id = NET_WEB,
                             .vni = VNI_WEB,
                             .dscp = DP_DSCP_INHERIT,
                             .limit_broadcast = DP_NO_LIMIT,
                             .limit_multicast = DP_NO_LIMIT,
                             .limit_unknown_unicast = DP_NO_LIMIT,
                             .members = members,
                             .n_members = 2,
                             .vteps = vteps,
                             .n_vteps = 2};
    struct dp_vtep v[] = {
        {.id = 1, .address = {4, {198, 18, 0, 2}}, .resolved = true, .source = {{2}}, .mtu = (uint16_t)mtu},
        {.id = 2, .address = {4, {198, 18, 0, 3}}, .resolved = true, .source = {{2}}, .mtu = (uint16_t)mtu}};
    struct dp_topology t = {.underlay = WAN,
                            .address = {4, {198, 18, 0, 1}},
                            .vxlan_port = 4789,
                            .ttl = 64,
                            .networks = &net,
                            .n_networks = 1,
                            .vteps = v,
                            .n_vteps = 2};

    return dp_publish(dp, &t);
}

static void set(struct mac mac, enum dp_where where, uint16_t target)
{
    if (dp_fdb_set(dp, NET_WEB, mac, (struct dp_dest){.where = where, .target = target}) != 0)
        die("no room in the FDB");
}

static void start(void)
{
    struct dp_config config = {.max_macs = 1024,
                               .workers = WORKERS,
                               .spread = true,
                               .cpu = -1,
                               .hugepages = DP_HUGEPAGES_OFF,
                               .max_mtu = 1600,
                               .packet_buffers = 8191,
                               .n_ports = 3,
                               .n_queues = 3,
                               .n_networks = 4,
                               .n_vteps = 4};
    struct dp_port_spec ports[] = {
        {.name = "lan0", .role = DP_PORT_ACCESS, .owner = DP_OWNER_VDEV},
        {.name = "lan1", .role = DP_PORT_ACCESS, .owner = DP_OWNER_VDEV},
        {.name = "wan", .role = DP_PORT_UNDERLAY, .owner = DP_OWNER_VDEV},
    };
    char err[DP_ERR_LEN];
    int fd = mkstemp(out);

    if (fd < 0)
        die("no temporary file");
    close(fd);
    for (unsigned i = 0; i < 2; i++) {
        write_pcap(i);
        snprintf(ports[i].device, sizeof(ports[i].device), "net_pcap%u,rx_pcap=%s", i, in[i]);
    }
    snprintf(ports[WAN].device, sizeof(ports[WAN].device), "net_pcap2,tx_pcap=%s", out);
    if (dp_start(&config, &dp, err) < 0)
        die(err);
    if (dp_worker_number(dp) != WORKERS)
        die("not as many workers as asked for");
    for (unsigned i = 0; i < 3; i++)
        if (dp_port_add(dp, &ports[i], err) != (int)i)
            die(err);
    if (publish(1600) != 0)
        die("topology refused");
    set(far, DP_WHERE_VTEP, 1);
}

static void end(void)
{
    dp_stop(dp);
    for (unsigned i = 0; i < 2; i++)
        unlink(in[i]);
    unlink(out);
}

static uint64_t sum_all_drops(const struct dp_totals *t)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < DROP_N; i++)
        sum += t->drops[i];
    return sum;
}

/* In order of time as far as they were there: what one call gives never goes back. */
static void take_events(void)
{
    struct dp_event e[64];
    size_t n = dp_events_pop(dp, e, 64);

    for (size_t i = 0; i < n; i++) {
        unsigned port = e[i].mac.b[4] - 1u, no = e[i].mac.b[5];

        ck_assert(i == 0 || e[i].at.ns >= e[i - 1].at.ns);
        if (e[i].type != DP_EVENT_SOURCE)
            continue;
        ck_assert(port < 2 && no < HOSTS && e[i].where == DP_WHERE_PORT && e[i].target == port);
        heard[port][no]++;
        set(e[i].mac, e[i].where, e[i].target);
    }
}

/* Until all that came in is accounted for, and no frame waits. */
static void run_until_done(void)
{
    mono_t begin = mono_now();
    struct dp_totals t;
    struct dp_port_counters lan[2], wan;
    unsigned turn = 0;

    do {
        ck_assert_msg(mono_now().ns - begin.ns < 20000000000u, "the workers are not done");
        take_events();
        set(far, DP_WHERE_VTEP, (uint16_t)(1 + turn % 2)); /* it moves all the time */
        if (turn++ % 16 == 0)
            ck_assert_int_eq(publish(1600 + turn % 3), 0);
        dp_port_counters(dp, LAN0, &lan[0]);
        dp_port_counters(dp, LAN1, &lan[1]);
        dp_port_counters(dp, WAN, &wan);
        dp_totals(dp, &t);
    } while (lan[0].rx.frames + lan[1].rx.frames < 2 * FLOWS * PER_FLOW ||
             wan.tx.frames + sum_all_drops(&t) < 2 * FLOWS * PER_FLOW);
    take_events();
    ck_assert_uint_eq(wan.tx.frames + sum_all_drops(&t), 2 * FLOWS * PER_FLOW);
    /* Where more threads than CPUs take turns, one may not keep up; nothing else may be lost. */
    ck_assert_uint_eq(sum_all_drops(&t), t.drops[DROP_worker_full]);
    printf("sent %llu, worker_full %llu\n", (unsigned long long)wan.tx.frames,
           (unsigned long long)t.drops[DROP_worker_full]);
}

START_TEST(test_R1_2_flows_while_everything_changes)
{
    struct dp_totals sum = {0}, all, one;
    char err[DP_ERR_LEN];
    uint64_t forwarded = 0;

    ck_assert_int_eq(dp_run(dp, err), 0);
    run_until_done();
    dp_totals(dp, &all);
    for (unsigned i = 0; i < WORKERS; i++) {
        dp_worker_totals(dp, i, &one);
        ck_assert_uint_gt(one.polls, 0);
        ck_assert_uint_gt(one.frames, 0);
        sum.frames += one.frames;
        forwarded += one.frames;
    }
    ck_assert_uint_eq(sum.frames, all.frames);
    ck_assert_uint_ge(forwarded, 2 * FLOWS * PER_FLOW);
    for (unsigned i = 0; i < 2 * HOSTS; i++)
        ck_assert_uint_ge(heard[i / HOSTS][i % HOSTS], 1);
}
END_TEST

/* Frames of the gateway's own leave while three workers run, once each. */
START_TEST(test_own_frames_leave_once)
{
    uint8_t frame[100];
    size_t len = arpnd_garp(frame, far, 1, FLOW_UNTAGGED);
    struct dp_port_counters c;
    struct dp_totals before, after;
    mono_t begin = mono_now();
    uint64_t was;

    dp_totals(dp, &before);
    dp_port_counters(dp, WAN, &c);
    was = c.tx.frames;
    for (unsigned i = 0; i < 100; i++)
        ck_assert_int_eq(dp_send_vtep(dp, NET_WEB, 1, frame, len), 0);
    while (c.tx.frames < was + 100) {
        ck_assert_msg(mono_now().ns - begin.ns < 5000000000u, "they do not leave");
        dp_port_counters(dp, WAN, &c);
    }
    dp_totals(dp, &after);
    ck_assert_uint_eq(after.originated - before.originated, 100);
    ck_assert_uint_eq(c.tx.frames, was + 100);
}
END_TEST

/* A port that is added and removed while workers hand frames to each other. */
START_TEST(test_a_port_comes_and_goes)
{
    struct dp_port_spec spec = {.name = "lan2", .role = DP_PORT_ACCESS, .owner = DP_OWNER_VDEV};
    struct dp_totals t;
    char err[DP_ERR_LEN];

    for (unsigned round = 0; round < 3; round++) {
        uint64_t dropped;

        dp_totals(dp, &t);
        dropped = t.drops[DROP_vlan_unknown];
        snprintf(spec.device, sizeof(spec.device), "net_pcap%u,rx_pcap=%s", 3 + round, in[0]);
        ck_assert_int_eq(dp_port_add(dp, &spec, err), 3);
        while (t.drops[DROP_vlan_unknown] < dropped + 500) /* no topology names it */
            dp_totals(dp, &t);
        ck_assert_int_eq(dp_port_remove(dp, 3), 0);
        ck_assert_int_eq(dp_port_next(dp, 0), 3);
    }
}
END_TEST

/* After the end, when the file is whole. */
static int check_order(void)
{
    static unsigned next[2 * FLOWS];
    uint8_t record[16 + 9216];
    FILE *file = fopen(out, "r");
    unsigned n = 0;

    if (!file || fread(record, 24, 1, file) != 1)
        return 1;
    while (fread(record, 16, 1, file) == 1) {
        uint32_t len;
        const uint8_t *p;

        memcpy(&len, record + 8, 4);
        if (len > 9216 || fread(record + 16, len, 1, file) != 1)
            break;
        p = record + 16 + len - SEQ_AT;
        if (len < 100 || record[16 + 50 + 12] != 0x08 || record[16 + 50 + 13] != 0) /* a GARP */
            continue;
        if (p[0] >= 2 * FLOWS || p[1] < next[p[0]]) {
            fprintf(stderr, "test_workers_dp: flow %u: number %u after %u\n", p[0], p[1], next[p[0]]);
            return 1;
        }
        next[p[0]] = p[1] + 1u;
        n++;
    }
    fclose(file);
    printf("%u frames in order\n", n);
    return n > 0 ? 0 : 1;
}

int main(void)
{
    Suite *s = suite_create("workers_dp");
    TCase *t = tcase_create("workers_dp");
    int failed;

    start();
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_R1_2_flows_while_everything_changes);
    tcase_add_test(t, test_own_frames_leave_once);
    tcase_add_test(t, test_a_port_comes_and_goes);
    suite_add_tcase(s, t);
    failed = run_suite_in_process(s);
    dp_stop(dp);
    if (!failed)
        failed = check_order();
    dp = NULL;
    end();
    return failed;
}
