/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path's maps from the control plane's side: topologies, MACs, counters. No program is attached.
 */
#include "conf/log.h"
#include "tests/bpf/fastpath_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define MANY 100000u

static uint32_t target_of(const struct fastpath *fp, uint32_t port)
{
    uint32_t ifindex = 0;

    (void)bpf_map_lookup_elem(fp->maps.fd[FASTPATH_TX], &port, &ifindex);
    return ifindex;
}

/* ---- topologies
 * ---------------------------------------------------------------------------------------------- */

START_TEST(test_publish)
{
    struct fastpath *fp = world_open();
    uint32_t before = fp->maps.control->active;

    ck_assert_uint_eq(before, FP_TOPOLOGIES);
    for (unsigned i = 1; i <= 20; i++) {
        network.vni = 10000 + i;
        publish(fp);
        ck_assert_uint_lt(fp->maps.control->active, FP_TOPOLOGIES);
        ck_assert_uint_ne(fp->maps.control->active, before);
        before = fp->maps.control->active;
        ck_assert_uint_eq(fastpath_topology(fp)->nets[7].vni, 10000 + i);
        ck_assert_uint_eq(fastpath_topology(fp)->generation, i);
    }
    ck_assert_uint_eq(target_of(fp, 0), 1);
    ck_assert_uint_eq(target_of(fp, 1), 1);
    ck_assert(fastpath_topology(fp)->ports[1].flags & FP_PORT_TARGET);

    /* Nothing new. */
    publish(fp);
    ck_assert_uint_eq(fp->maps.control->active, before);
    ck_assert_uint_eq(fastpath_topology(fp)->generation, 20);
    /* Refused: the worker may have it by now, so nobody goes on with the old one. */
    network.vni = 0;
    ck_assert_int_eq(fastpath_publish(fp, &topology, ports), -EINVAL);
    ck_assert(!fastpath_forwards(fp));
    network.vni = 10007;
    publish(fp);
    ck_assert(fastpath_forwards(fp));

    fastpath_suspend(fp);
    ck_assert_uint_eq(fp->maps.control->active, FP_TOPOLOGIES);
    publish(fp);
    ck_assert_uint_eq(fastpath_topology(fp)->nets[7].vni, 10007);
    fastpath_close(fp);
}
END_TEST

/* As many as there may be, in a row, and eight apart. */
START_TEST(test_many_vteps)
{
    static struct dp_vtep vteps[DP_MAX_VTEPS - 1];
    struct fastpath *fp = world_open();
    struct dp_topology t = topology;

    for (unsigned step = 1; step <= 256; step *= 2) {
        for (unsigned i = 0; i < DP_MAX_VTEPS - 1; i++) {
            unsigned n = i * step;

            vteps[i] = vtep;
            vteps[i].id = (dp_vtep_id)(i + 1);
            vteps[i].address.b[1] = (uint8_t)(n >> 16);
            vteps[i].address.b[2] = (uint8_t)(n >> 8);
            vteps[i].address.b[3] = (uint8_t)n;
        }
        t.vteps = vteps;
        t.n_vteps = DP_MAX_VTEPS - 1;
        ck_assert_int_eq(fastpath_publish(fp, &t, ports), 0);
    }
    fastpath_close(fp);
}
END_TEST

START_TEST(test_targets_come_and_go)
{
    struct fastpath *fp = world_open();

    publish(fp);
    ports[1].ifindex = 0;
    network.n_members = 0;
    publish(fp);
    ck_assert_uint_eq(target_of(fp, 1), 0);
    /* An interface that has just gone. */
    network.n_members = 1;
    ports[1].ifindex = 4711;
    log_set_level(LOG_LEVEL_ERROR);
    publish(fp);
    ck_assert_uint_eq(target_of(fp, 1), 0);
    ck_assert(!(fastpath_topology(fp)->ports[1].flags & FP_PORT_TARGET));
    ports[1].ifindex = 1;
    publish(fp);
    ck_assert_uint_eq(target_of(fp, 1), 1);
    fastpath_close(fp);
    /* The next process knows what is in the map. */
    fp = world_open();
    ports[1].ifindex = 0;
    network.n_members = 0;
    publish(fp);
    ck_assert_uint_eq(target_of(fp, 1), 0);
    fastpath_close(fp);
}
END_TEST

/* ---- MACs
 * ---------------------------------------------------------------------------------------------------- */

START_TEST(test_macs)
{
    struct fastpath *fp = world_open();
    struct mac a = mac_number(1);
    mono_t seen, at = mono_now();

    ck_assert_int_eq(fastpath_fdb_del(fp, 7, a), -ENOENT);
    ck_assert(!fastpath_fdb_seen(fp, 7, a, &seen));
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, a, at_port_1, false), 0);
    ck_assert(!fastpath_fdb_seen(fp, 7, a, &seen));
    touch(fp, 7, a, at.ns, 5);
    expect_seen(fp, 7, a, at);
    ck_assert_uint_eq(fastpath_fdb_bounced(fp, 7, a), 5);
    /* A program's clock may be ahead. */
    touch(fp, 7, a, mono_now().ns + 100000000, 5);
    ck_assert(fastpath_fdb_seen(fp, 7, a, &seen));
    ck_assert_uint_le(seen.ns, mono_now().ns);

    /* The same place with another mark: the time stays. */
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, a, at_port_1, true), 0);
    ck_assert(fastpath_fdb_seen(fp, 7, a, &seen));
    /* Another place: not seen there yet; what was bounced goes on. */
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, a, at_vtep_2, false), 0);
    ck_assert(!fastpath_fdb_seen(fp, 7, a, &seen));
    ck_assert_uint_eq(fastpath_fdb_bounced(fp, 7, a), 5);
    /* Another network is another MAC. */
    ck_assert_int_eq(fastpath_fdb_del(fp, 8, a), -ENOENT);
    ck_assert_uint_eq(used_macs(fp), 1);
    ck_assert_int_eq(fastpath_fdb_del(fp, 7, a), 0);
    ck_assert_uint_eq(fastpath_fdb_bounced(fp, 7, a), 0);
    ck_assert_uint_eq(used_macs(fp), 0);
    fastpath_close(fp);
}
END_TEST

static const struct {
    struct dp_dest dest;
    bool slow;
    uint32_t where;
} marks[] = {
    {{.where = DP_WHERE_PORT, .target = 3}, false, 0x00010003},
    {{.where = DP_WHERE_VTEP, .target = 1023}, false, 0x000203ff},
    {{.where = DP_WHERE_VTEP, .target = 2}, true, 0x00020002 | FP_SLOW},
    {{.where = DP_WHERE_VTEP, .target = 2, .watch = true}, false, 0x00020002 | FP_SLOW},
    {{.where = DP_WHERE_VTEP, .target = 2, .bounce = true}, false, 0x00020002 | FP_BOUNCE},
    {{.where = DP_WHERE_PORT, .target = 2, .is_static = true}, false, 0x00010002 | FP_STATIC},
    {{.where = DP_WHERE_PORT, .target = DP_OWN_PORT}, false, 0x00010010 | FP_SLOW},
    {{.where = DP_WHERE_FLOOD, .is_static = true}, false, 0x00030000 | FP_SLOW | FP_STATIC},
};

START_TEST(test_marks)
{
    struct fastpath *fp = world_open();
    uint64_t key = UINT64_C(0x0fff665544332211);
    struct mac mac = {{0x11, 0x22, 0x33, 0x44, 0x55, 0x66}};
    struct fastpath_cursor cursor = {0};
    struct fastpath_mac out[2];
    const struct fp_fdb_entry *e;

    ck_assert_int_eq(fastpath_fdb_set(fp, 4095, mac, marks[_i].dest, marks[_i].slow), 0);
    e = fp_table_find(&fp->maps.macs, key);
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(e->where, marks[_i].where);

    ck_assert_uint_eq(fastpath_fdb_next(fp, &cursor, out, 2), 1);
    ck_assert_uint_eq(fastpath_fdb_next(fp, &cursor, out + 1, 1), 0);
    ck_assert_uint_eq(out[0].net, 4095);
    ck_assert(mac_eq(out[0].mac, mac));
    ck_assert_uint_eq(out[0].dest.where, marks[_i].dest.where);
    ck_assert_uint_eq(out[0].dest.target, marks[_i].dest.target);
    ck_assert(out[0].dest.is_static == marks[_i].dest.is_static);
    ck_assert(out[0].dest.bounce == marks[_i].dest.bounce);
    ck_assert(out[0].slow == !!(marks[_i].where & FP_SLOW));
    fastpath_close(fp);
}
END_TEST

START_TEST(test_full)
{
    struct fastpath *fp = world_open();
    unsigned n = 0;

    while (n < 100000 && fastpath_fdb_set(fp, 7, mac_number(n), at_vtep_2, false) == 0)
        n++;
    ck_assert_uint_ge(n, 1024);
    ck_assert_uint_lt(n, 100000);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(n), at_vtep_2, false), -ENOSPC);
    /* Those that are there can move (R4.10). */
    for (unsigned i = 0; i < n; i++)
        ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(i), at_port_1, false), 0);
    ck_assert_uint_eq(used_macs(fp), n);
    for (unsigned i = 0; i < n; i++)
        ck_assert_int_eq(fastpath_fdb_del(fp, 7, mac_number(i)), 0);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(n), at_vtep_2, false), 0);
    fastpath_close(fp);
}
END_TEST

/* Every one is told once, also when those that were told are deleted or moved at once. */
START_TEST(test_walk_of_100000)
{
    static struct fastpath_mac out[FASTPATH_FDB_BATCH];
    struct fastpath_cursor cursor = {0};
    static uint8_t told[MANY];
    struct fastpath *fp;
    size_t n, all = 0;

    world_config.max_macs = MANY;
    fp = world_open();
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_int_eq(fastpath_fdb_set(fp, (dp_net_id)(1 + i % 50), mac_number(i), at_vtep_2, false), 0);
    while ((n = fastpath_fdb_next(fp, &cursor, out, FASTPATH_FDB_BATCH)) > 0) {
        for (size_t i = 0; i < n; i++) {
            unsigned number =
                (unsigned)out[i].mac.b[3] << 16 | (unsigned)out[i].mac.b[4] << 8 | out[i].mac.b[5];

            ck_assert_uint_lt(number, MANY);
            ck_assert_uint_eq(out[i].net, 1 + number % 50);
            ck_assert_uint_eq(told[number]++, 0);
            if (number % 2)
                ck_assert_int_eq(fastpath_fdb_del(fp, out[i].net, out[i].mac), 0);
        }
        all += n;
    }
    ck_assert_uint_eq(all, MANY);
    ck_assert_uint_eq(used_macs(fp), MANY / 2);
    publish(fp);
    fastpath_close(fp);
    fp = world_open();
    ck_assert_uint_eq(used_macs(fp), MANY / 2);
    fastpath_flush(fp);
    ck_assert_uint_eq(used_macs(fp), 0);
    fastpath_close(fp);
}
END_TEST

/* ---- counters
 * ------------------------------------------------------------------------------------------------ */

/* CPU i has seen base + i. */
static void count(const struct fastpath *fp, enum fastpath_map_id map, uint32_t key, unsigned words,
                  unsigned at, uint64_t base)
{
    int cpus = libbpf_num_possible_cpus();
    uint64_t *values = calloc((size_t)cpus * words, sizeof(*values));

    ck_assert_int_eq(bpf_map_lookup_elem(fp->maps.fd[map], &key, values), 0);
    for (unsigned i = 0; i < (unsigned)cpus; i++)
        values[i * words + at] = base + i;
    ck_assert_int_eq(bpf_map_update_elem(fp->maps.fd[map], &key, values, BPF_ANY), 0);
    free(values);
}

#define WORD(type, field) (offsetof(type, field) / 8)

static void count_all(const struct fastpath *fp, uint64_t base)
{
    const unsigned net = sizeof(struct fp_net_counters) / 8, port = sizeof(struct fp_port_counters) / 8;

    count(fp, FASTPATH_NET_COUNT, 4095, net, WORD(struct fp_net_counters, access_in.frames), base);
    count(fp, FASTPATH_NET_COUNT, 4095, net, WORD(struct fp_net_counters, wan_out.bytes), base * 2);
    count(fp, FASTPATH_NET_COUNT, 4095, net, WORD(struct fp_net_counters, bounced), base * 3);
    count(fp, FASTPATH_VTEP_COUNT, 1023, 4, WORD(struct fp_vtep_counters, tx.frames), base * 4);
    count(fp, FASTPATH_PORT_COUNT, 15, port, WORD(struct fp_port_counters, rx.bytes), base * 5);
    count(fp, FASTPATH_PORT_COUNT, 15, port, WORD(struct fp_port_counters, drops), base * 6);
    count(fp, FASTPATH_PORT_COUNT, 15, port, WORD(struct fp_port_counters, punts[FP_PUNT_syn]), base * 7);
    count(fp, FASTPATH_PORT_COUNT, 15, port, WORD(struct fp_port_counters, unserved), base * 8);
    count(fp, FASTPATH_DROP_COUNT, DROP_tx_full, 1, 0, base * 9);
    count(fp, FASTPATH_DROP_COUNT, 0, 1, 0, base * 10);
}

/* step: what each CPU has counted more, in units of count_all(). */
static void check_all(const struct fastpath *fp, uint64_t step, uint64_t rest)
{
    uint64_t cpus = (uint64_t)libbpf_num_possible_cpus();
    struct dp_net_counters net;
    struct dp_vtep_counters v;
    struct dp_port_counters port;
    struct fastpath_port_work work;
    struct dp_totals totals;

    fastpath_net_counters(fp, 4095, &net);
    ck_assert_uint_eq(net.access_in[0].frames, cpus * step + rest);
    ck_assert_uint_eq(net.access_in[1].frames, 0);
    ck_assert_uint_eq(net.access_in[0].bytes, 0);
    ck_assert_uint_eq(net.wan_out[0].bytes, cpus * step * 2 + rest);
    ck_assert_uint_eq(net.bounced, cpus * step * 3 + rest);
    fastpath_vtep_counters(fp, 1023, &v);
    ck_assert_uint_eq(v.tx.frames, cpus * step * 4 + rest);
    ck_assert_uint_eq(v.rx.frames, 0);
    fastpath_port_counters(fp, 15, &port);
    ck_assert_uint_eq(port.rx.bytes, cpus * step * 5 + rest);
    ck_assert_uint_eq(port.drops, cpus * step * 6 + rest);
    ck_assert_uint_eq(port.missed, 0);
    fastpath_port_work(fp, 15, &work);
    ck_assert_uint_eq(work.punts[FP_PUNT_syn], cpus * step * 7 + rest);
    ck_assert_uint_eq(work.punts[FP_PUNT_source], 0);
    ck_assert_uint_eq(work.unserved, cpus * step * 8 + rest);
    fastpath_totals(fp, &totals);
    ck_assert_uint_eq(totals.drops[DROP_tx_full], cpus * step * 9 + rest);
    ck_assert_uint_eq(totals.drops[0], cpus * step * 10 + rest);
    ck_assert_uint_eq(totals.drops[1], 0);
}

START_TEST(test_counters)
{
    uint64_t cpus = (uint64_t)libbpf_num_possible_cpus(), rest = cpus * (cpus - 1) / 2;
    struct fastpath *fp = world_open();
    struct dp_net_counters net;
    struct dp_port_counters port;

    check_all(fp, 0, 0);
    count_all(fp, 1000);
    check_all(fp, 1000, rest);
    fastpath_net_counters(fp, 4094, &net);
    ck_assert_uint_eq(net.access_in[0].frames, 0);
    fastpath_port_counters(fp, 60000, &port);
    ck_assert_uint_eq(port.rx.frames, 0);
    publish(fp);
    fastpath_close(fp);

    /* A process counts from zero. */
    fp = world_open();
    check_all(fp, 0, 0);
    count_all(fp, 1500);
    check_all(fp, 500, 0);
    fastpath_close(fp);
}
END_TEST

START_TEST(test_punt_names)
{
    ck_assert_uint_le(fastpath_punt_reasons(), FASTPATH_PUNTS);
    ck_assert_str_eq(fastpath_punt_name(FP_PUNT_source), "source");
    ck_assert_ptr_nonnull(strstr(fastpath_punt_text(FP_PUNT_unknown), "not known"));
    ck_assert_str_eq(fastpath_punt_name(FASTPATH_PUNTS), "?");
    ck_assert_str_eq(fastpath_punt_text(1000), "?");
}
END_TEST

int main(void)
{
    const int n_marks = sizeof(marks) / sizeof(marks[0]);
    Suite *s = suite_create("fastpath tables");
    TCase *t = tcase_create("maps");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, world_setup, NULL);
    tcase_add_test(t, test_publish);
    tcase_add_test(t, test_many_vteps);
    tcase_add_test(t, test_targets_come_and_go);
    tcase_add_test(t, test_macs);
    tcase_add_loop_test(t, test_marks, 0, n_marks);
    tcase_add_test(t, test_full);
    tcase_add_test(t, test_walk_of_100000);
    tcase_add_test(t, test_counters);
    tcase_add_test(t, test_punt_names);
    suite_add_tcase(s, t);
    return world_run(s);
}
