/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The data plane from above (dp.h), with its worker running: an access port that reads frames from a file, a
 * second one and the underlay that swallow what they get. The order of calls, waking, and how soon the
 * worker takes what it is given. One data plane for all tests: DPDK starts once in a process.
 */
#include "tests/flow/arpnd.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LAN0, LAN1, WAN };

static struct dp *dp;
static const struct mac own_mac = {{0x02, 0xcc, 0, 0, 0, 1}}, host = {{2, 0, 0, 0, 0, 1}};

static void die(const char *what)
{
    fprintf(stderr, "test_dp: %s\n", what);
    exit(1);
}

static void write_frame(FILE *file, const uint8_t *frame, size_t len)
{
    uint32_t header[4] = {0, 0, (uint32_t)len, (uint32_t)len};

    fwrite(header, sizeof(header), 1, file);
    fwrite(frame, len, 1, file);
}

/* What comes in by the first port, once: a GARP of `host`, and a frame from it for own_mac. */
static void write_pcap(const char *path)
{
    static const uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
    uint8_t frame[200];
    FILE *file = fopen(path, "w");

    if (!file)
        die("cannot write a file in /tmp");
    fwrite(header, sizeof(header), 1, file);
    write_frame(file, frame, arpnd_garp(frame, host, 1, 100));
    write_frame(file, frame, flow_eth(frame, own_mac, host, 100, 0x88b5, "hello", 5));
    fclose(file);
}

/* also: another access port; DP_NO_PORT: none. */
static int publish(dp_port_id also)
{
    const struct dp_member members[] = {{LAN0, 100}, {LAN1, 100}, {also, 100}};
    static const struct dp_net_vtep vteps[] = {{1, true, false}};
    struct dp_network net = {.id = NET_WEB,
                             .vni = VNI_WEB,
                             .dscp = DP_DSCP_INHERIT,
                             .proxy = true,
                             .limit_broadcast = DP_NO_LIMIT,
                             .limit_multicast = DP_NO_LIMIT,
                             .limit_unknown_unicast = DP_NO_LIMIT,
                             .members = members,
                             .n_members = also == DP_NO_PORT ? 2 : 3,
                             .vteps = vteps,
                             .n_vteps = 1};
    struct dp_vtep vtep = {
        .id = 1, .address = {4, {198, 18, 0, 2}}, .resolved = true, .source = {{2}}, .mtu = 1600};
    struct dp_topology t = {.underlay = WAN,
                            .address = {4, {198, 18, 0, 1}},
                            .vxlan_port = 4789,
                            .ttl = 64,
                            .networks = &net,
                            .n_networks = 1,
                            .vteps = &vtep,
                            .n_vteps = 1};

    return dp_publish(dp, &t);
}

static void start(void)
{
    struct dp_config config = {.max_macs = 1024,
                               .cpu = -1,
                               .hugepages = DP_HUGEPAGES_OFF,
                               .max_mtu = 1600,
                               .packet_buffers = 4095,
                               .n_ports = 3,
                               .n_queues = 3,
                               .n_networks = 4,
                               .n_vteps = 4};
    char path[] = "/tmp/cw-dp-XXXXXX", err[DP_ERR_LEN];
    struct dp_port_spec ports[] = {
        {.name = "lan0", .role = DP_PORT_ACCESS, .owner = DP_OWNER_VDEV},
        {.name = "lan1", .role = DP_PORT_ACCESS, .owner = DP_OWNER_VDEV, .device = "net_null0,no-rx=1"},
        {.name = "wan", .role = DP_PORT_UNDERLAY, .owner = DP_OWNER_VDEV, .device = "net_null1,no-rx=1"},
    };
    int fd = mkstemp(path);

    if (fd < 0)
        die("no temporary file");
    close(fd);
    write_pcap(path);
    snprintf(ports[0].device, sizeof(ports[0].device), "net_pcap0,rx_pcap=%s", path);
    if (dp_start(&config, &dp, err) < 0)
        die(err);
    for (unsigned i = 0; i < 3; i++)
        if (dp_port_add(dp, &ports[i], err) != (int)i)
            die(err);
    unlink(path);
    if (publish(DP_NO_PORT) != 0)
        die("topology refused");
    if (dp_fdb_set(dp, NET_WEB, own_mac, (struct dp_dest){.where = DP_WHERE_PORT, .target = DP_OWN_PORT}) < 0)
        die("no room in the FDB");
}

static bool readable(int timeout_ms)
{
    struct pollfd p = {.fd = dp_events_fd(dp), .events = POLLIN};

    return poll(&p, 1, timeout_ms) == 1;
}

static uint64_t sent(dp_port_id port)
{
    struct dp_port_counters c;

    dp_port_counters(dp, port, &c);
    return c.tx.frames;
}

/* Waits until the port has sent that many; returns how long it took, in ns. */
static uint64_t wait_sent(dp_port_id port, uint64_t n)
{
    mono_t begin = mono_now();

    while (sent(port) < n)
        if (mono_now().ns - begin.ns > 5000000000u)
            ck_abort_msg("port %u has sent %llu of %llu", port, (unsigned long long)sent(port),
                         (unsigned long long)n);
    return mono_now().ns - begin.ns;
}

START_TEST(test_events_and_own_frames_wake)
{
    struct dp_event e[8];
    struct dp_own_frame up;
    char err[DP_ERR_LEN];
    bool got = false;
    size_t n = 0;

    ck_assert_uint_eq(dp_events_pop(dp, e, 8), 0); /* arms the wake-up */
    ck_assert(!readable(0));
    ck_assert_int_eq(dp_run(dp, err), 0);
    while (n < 2 || !got) {
        ck_assert_msg(readable(5000), "%zu events, own frame: %d", n, got);
        n += dp_events_pop(dp, e + n, 8 - n);
        got |= dp_own_pop(dp, &up);
    }
    ck_assert(e[0].type == DP_EVENT_SOURCE && e[0].evidence == DP_EVIDENCE_GARP && mac_eq(e[0].mac, host));
    ck_assert(e[1].type == DP_EVENT_NEIGHBOUR && e[1].evidence == DP_EVIDENCE_GARP);
    ck_assert(e[0].at.ns <= mono_now().ns && mono_now().ns - e[0].at.ns < 5000000000u);
    ck_assert(up.net == NET_WEB && up.from == DP_WHERE_PORT && up.source == LAN0 && up.len == 19);
    ck_assert(!dp_own_pop(dp, &up));
}
END_TEST

/* The worker sleeps when idle: what it is given waits for less than a millisecond, as a rule. */
START_TEST(test_sending_is_prompt)
{
    uint8_t frame[100];
    size_t len = arpnd_garp(frame, own_mac, 1, FLOW_UNTAGGED);
    uint64_t best = UINT64_MAX;

    for (unsigned i = 0; i < 50; i++) {
        uint64_t before = sent(LAN1), took;

        usleep(2000); /* so that it sleeps */
        ck_assert_int_eq(dp_send_access(dp, NET_WEB, LAN1, DP_NO_PORT, frame, len), 0);
        took = wait_sent(LAN1, before + 1);
        best = took < best ? took : best;
    }
    printf("sent within %llu us at best\n", (unsigned long long)best / 1000);
    ck_assert_uint_lt(best, 1000000); /* on a machine that is busy otherwise, the others may be later */
}
END_TEST

START_TEST(test_what_may_be_sent)
{
    uint64_t lan = sent(LAN1), wan = sent(WAN);
    uint8_t frame[2000];
    size_t len = arpnd_garp(frame, own_mac, 1, FLOW_UNTAGGED);
    struct dp_totals before, after;

    dp_totals(dp, &before);
    ck_assert_int_eq(dp_send_access(dp, 2, LAN1, DP_NO_PORT, frame, len), -EINVAL);
    ck_assert_int_eq(dp_send_access(dp, 4000, LAN1, DP_NO_PORT, frame, len), -EINVAL);
    ck_assert_int_eq(dp_send_access(dp, NET_WEB, WAN, DP_NO_PORT, frame, len), -EINVAL);
    ck_assert_int_eq(dp_send_access(dp, NET_WEB, DP_OWN_PORT, DP_NO_PORT, frame, len), -EINVAL);
    ck_assert_int_eq(dp_send_access(dp, NET_WEB, LAN1, DP_NO_PORT, frame, 13), -EINVAL);
    ck_assert_int_eq(dp_send_vtep(dp, NET_WEB, 2, frame, len), -EINVAL);
    ck_assert_int_eq(dp_send_vtep(dp, NET_WEB, 2000, frame, len), -EINVAL);
    ck_assert_int_eq(dp_send_vtep(dp, 2, 1, frame, len), -EINVAL);
    ck_assert_int_eq(dp_send_own(dp, 2, frame, len), -EINVAL);
    ck_assert_int_eq(dp_send_access(dp, NET_WEB, DP_ALL_PORTS, LAN0, frame, len), 0);
    ck_assert_int_eq(dp_send_vtep(dp, NET_WEB, 1, frame, len), 0);
    ck_assert_int_eq(dp_send_own(dp, NET_WEB, frame, len), 0); /* a broadcast */
    wait_sent(LAN1, lan + 2);
    wait_sent(WAN, wan + 2);
    dp_totals(dp, &after);
    ck_assert_uint_eq(after.originated - before.originated, 3);
}
END_TEST

START_TEST(test_R4_10_fdb_get_and_seen)
{
    struct dp_dest dest = {.where = DP_WHERE_VTEP, .target = 1, .bounce = true, .watch = true}, got;
    struct mac mac = {{2, 0, 0, 0, 9, 9}};
    mono_t before = mono_now(), seen, again;

    ck_assert(!dp_fdb_get(dp, NET_WEB, mac, &got) && !dp_fdb_seen(dp, NET_WEB, mac, &seen));
    ck_assert_int_eq(dp_fdb_set(dp, NET_WEB, mac, dest), 0);
    ck_assert(dp_fdb_get(dp, NET_WEB, mac, &got));
    ck_assert(got.where == DP_WHERE_VTEP && got.target == 1 && got.bounce && got.watch && !got.is_static);
    ck_assert(dp_fdb_seen(dp, NET_WEB, mac, &seen));
    ck_assert(seen.ns + 1000000 > before.ns && seen.ns <= mono_now().ns);
    while (mono_now().ns < seen.ns + 5000000)
        ;
    dest.bounce = dest.watch = false;
    dest.is_static = true;
    ck_assert_int_eq(dp_fdb_set(dp, NET_WEB, mac, dest), 0); /* the same place: not seen now */
    ck_assert(dp_fdb_get(dp, NET_WEB, mac, &got) && got.is_static && !got.bounce && !got.watch);
    ck_assert(dp_fdb_seen(dp, NET_WEB, mac, &again) && again.ns == seen.ns);
    dest.where = DP_WHERE_PORT;
    ck_assert_int_eq(dp_fdb_set(dp, NET_WEB, mac, dest), 0);
    ck_assert(dp_fdb_seen(dp, NET_WEB, mac, &again) && again.ns >= seen.ns + 4000000);
    ck_assert_int_eq(dp_fdb_del(dp, NET_WEB, mac), 0);
    ck_assert(!dp_fdb_get(dp, NET_WEB, mac, &got));
}
END_TEST

/* dp_fdb_set() and dp_bicast_set() in either order. */
START_TEST(test_R5_2_bicast_in_any_order)
{
    struct dp_dest there = {.where = DP_WHERE_VTEP, .target = 1},
                   here = {.where = DP_WHERE_PORT, .target = LAN1};
    struct mac mac = {{2, 0, 0, 0, 8, 8}};
    uint8_t frame[100];
    size_t len = flow_eth(frame, mac, own_mac, FLOW_UNTAGGED, 0x88b5, "x", 1);
    uint64_t n;

    ck_assert_int_eq(dp_bicast_set(dp, NET_WEB, mac, here), -EINVAL);
    for (unsigned order = 0; order < 3; order++) {
        uint64_t lan = sent(LAN1), wan = sent(WAN);

        if (order == 0)
            ck_assert_int_eq(dp_fdb_set(dp, NET_WEB, mac, here), 0);
        ck_assert_int_eq(dp_bicast_set(dp, NET_WEB, mac, there), 0);
        if (order > 0)
            ck_assert_int_eq(dp_fdb_set(dp, NET_WEB, mac, here), 0);
        ck_assert(dp_bicast_count(dp, NET_WEB, mac, &n) && n == 0);
        ck_assert_int_eq(dp_send_own(dp, NET_WEB, frame, len), 0);
        wait_sent(LAN1, lan + 1);
        wait_sent(WAN, wan + 1);
        ck_assert(dp_bicast_count(dp, NET_WEB, mac, &n) && n == 1);
        ck_assert_int_eq(dp_bicast_del(dp, NET_WEB, mac), 0);
        ck_assert_int_eq(dp_bicast_del(dp, NET_WEB, mac), -ENOENT);
        ck_assert(!dp_bicast_count(dp, NET_WEB, mac, &n));
        ck_assert_int_eq(dp_send_own(dp, NET_WEB, frame, len), 0);
        wait_sent(LAN1, lan + 2);
        ck_assert_uint_eq(sent(WAN), wan + 1);
        if (order != 1) /* and where it is known already */
            ck_assert_int_eq(dp_fdb_del(dp, NET_WEB, mac), 0);
    }
}
END_TEST

START_TEST(test_neighbours)
{
    struct ipaddr ip = arpnd_ip6(1);

    ck_assert_int_eq(dp_neigh_del(dp, NET_WEB, &ip), -ENOENT);
    ck_assert_int_eq(dp_neigh_set(dp, NET_WEB, &ip, host, DP_NEIGH_ROUTER), 0);
    ck_assert_int_eq(dp_neigh_set(dp, NET_WEB, &ip, own_mac, 0), 0);
    ck_assert_int_eq(dp_neigh_del(dp, NET_WEB, &ip), 0);
    for (unsigned i = 0; i < 2048; i++) { /* twice max_macs */
        ip.b[1] = (uint8_t)(i >> 8);
        ip.b[2] = (uint8_t)i;
        ck_assert_int_eq(dp_neigh_set(dp, NET_WEB, &ip, host, 0), 0);
    }
    ip.b[3] = 1;
    ck_assert_int_eq(dp_neigh_set(dp, NET_WEB, &ip, host, 0), -ENOSPC);
}
END_TEST

/* The buffers of those that went are free again after a moment: there is memory for a few ports only. */
static int add_port(unsigned n)
{
    struct dp_port_spec spec = {.name = "more", .role = DP_PORT_ACCESS, .owner = DP_OWNER_VDEV};
    mono_t begin = mono_now();
    char err[DP_ERR_LEN];
    int rc;

    snprintf(spec.device, sizeof(spec.device), "net_null%u,no-rx=1", 10 + n);
    while ((rc = dp_port_add(dp, &spec, err)) < 0)
        ck_assert_msg(mono_now().ns - begin.ns < 10000000000u, "%s", err);
    return rc;
}

START_TEST(test_ports_come_and_go)
{
    struct mac mac = {{2, 0, 0, 0, 7, 7}};
    uint8_t frame[100];
    size_t len = flow_eth(frame, mac, own_mac, FLOW_UNTAGGED, 0x88b5, "x", 1);
    bool used[DP_OWN_PORT] = {[LAN0] = true, [LAN1] = true, [WAN] = true};

    for (unsigned i = 0; i < 20; i++) {
        int id = dp_port_next(dp, 0);
        struct dp_totals before, after;
        mono_t begin = mono_now();
        uint64_t n;

        if (id < 0) { /* those that were named rest */
            while ((id = dp_port_next(dp, 0)) < 0)
                ck_assert(mono_now().ns - begin.ns < 10000000000u);
            ck_assert(used[id]);
        }
        ck_assert_int_eq(add_port(i), id);
        ck_assert(id > WAN && id < DP_OWN_PORT);
        used[id] = true;
        ck_assert_int_eq(publish((dp_port_id)id), 0);
        ck_assert_int_eq(dp_port_remove(dp, (dp_port_id)id), -EBUSY);
        ck_assert_int_eq(
            dp_fdb_set(dp, NET_WEB, mac, (struct dp_dest){.where = DP_WHERE_PORT, .target = (uint16_t)id}),
            0);
        n = sent((dp_port_id)id);
        ck_assert_int_eq(dp_send_own(dp, NET_WEB, frame, len), 0);
        wait_sent((dp_port_id)id, n + 1);
        ck_assert_int_eq(publish(DP_NO_PORT), 0);
        ck_assert_int_eq(dp_port_remove(dp, (dp_port_id)id), 0);
        ck_assert_int_eq(dp_port_remove(dp, (dp_port_id)id), -EINVAL);
        /* A frame for a MAC that is still said to be there finds no target. */
        dp_totals(dp, &before);
        ck_assert_int_eq(dp_send_own(dp, NET_WEB, frame, len), 0);
        begin = mono_now();
        do
            dp_totals(dp, &after);
        while (after.drops[DROP_no_target] == before.drops[DROP_no_target] &&
               mono_now().ns - begin.ns < 5000000000u);
        ck_assert_uint_eq(after.drops[DROP_no_target], before.drops[DROP_no_target] + 1);
    }
    ck_assert_int_eq(dp_fdb_del(dp, NET_WEB, mac), 0);
    ck_assert_int_eq(dp_port_remove(dp, WAN), -EBUSY);
}
END_TEST

/* All threads live in this process: no forks, and the worker runs from the first test on. */
int main(void)
{
    Suite *s = suite_create("dp");
    TCase *t = tcase_create("dp");
    int failed;

    start();
    tcase_add_test(t, test_events_and_own_frames_wake);
    tcase_add_test(t, test_sending_is_prompt);
    tcase_add_test(t, test_what_may_be_sent);
    tcase_add_test(t, test_R4_10_fdb_get_and_seen);
    tcase_add_test(t, test_R5_2_bicast_in_any_order);
    tcase_add_test(t, test_neighbours);
    tcase_add_test(t, test_ports_come_and_go);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    failed = run_suite_in_process(s);
    dp_stop(dp);
    return failed;
}
