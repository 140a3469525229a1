/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The one interface to both data planes, which are made up here: what one is told the other is told as well,
 * and their answers are put together.
 */
#include "controlplane/forwarding.h"
#include "dataplane/trace.h"

#include "dataplane/dp.h"
#include "dataplane/trace.h"
#include "ebpf/fastpath.h"
#include "tests/unit/suite.h"

#include <errno.h>

#define NET 7
#define MS  1000000ull

/* ---- two data planes that hold one MAC each */

static struct {
    bool there, bicast;
    struct dp_dest dest;
    mono_t seen;
    uint32_t bounced;
    int set_rc, publish_rc;
    unsigned published;
} worker;

static struct {
    bool there, slow;
    struct dp_dest dest;
    mono_t seen; /* 0: never */
    uint32_t bounced;
    int set_rc, publish_rc;
    unsigned published, sets, asked;
    struct fastpath_port port1;
} fast;

int dp_publish(struct dp *dp, const struct dp_topology *t)
{
    (void)dp, (void)t;
    worker.published += worker.publish_rc == 0;
    return worker.publish_rc;
}

int dp_fdb_set(struct dp *dp, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    (void)dp, (void)net, (void)mac;
    if (worker.set_rc < 0)
        return worker.set_rc;
    worker.there = true;
    worker.dest = dest;
    return 0;
}

int dp_fdb_del(struct dp *dp, dp_net_id net, struct mac mac)
{
    bool was = worker.there;

    (void)dp, (void)net, (void)mac;
    worker.there = false;
    return was ? 0 : -ENOENT;
}

int dp_trace(const struct dp *dp, const struct trace_frame *frame, struct trace *out)
{
    (void)dp, (void)frame, (void)out;
    return 0;
}

bool dp_fdb_get(const struct dp *dp, dp_net_id net, struct mac mac, struct dp_dest *out)
{
    (void)dp, (void)net, (void)mac;
    *out = worker.dest;
    return worker.there;
}

bool dp_fdb_seen(const struct dp *dp, dp_net_id net, struct mac mac, mono_t *seen)
{
    (void)dp, (void)net, (void)mac;
    *seen = worker.seen;
    return worker.there;
}

void dp_fdb_set_seen(struct dp *dp, dp_net_id net, struct mac mac, mono_t seen)
{
    (void)dp, (void)net, (void)mac;
    worker.seen = seen;
}

void dp_fdb_usage(const struct dp *dp, uint32_t *used, uint32_t *capacity)
{
    (void)dp;
    *used = worker.there;
    *capacity = 100;
}

uint32_t dp_bounce_counter(const struct dp *dp, dp_net_id net, struct mac mac, uint32_t *frames)
{
    (void)dp, (void)net;
    *frames = worker.bounced;
    return mac.b[5];
}

int dp_bicast_set(struct dp *dp, dp_net_id net, struct mac mac, struct dp_dest also)
{
    (void)dp, (void)net, (void)mac, (void)also;
    worker.bicast = true;
    return 0;
}

int dp_bicast_del(struct dp *dp, dp_net_id net, struct mac mac)
{
    (void)dp, (void)net, (void)mac;
    worker.bicast = false;
    return 0;
}

bool dp_bicast_count(const struct dp *dp, dp_net_id net, struct mac mac, uint64_t *frames)
{
    (void)dp, (void)net, (void)mac;
    *frames = 3;
    return worker.bicast;
}

void dp_port_counters(const struct dp *dp, dp_port_id port, struct dp_port_counters *out)
{
    (void)dp, (void)port;
    *out = (struct dp_port_counters){{1, 10}, {2, 20}, 3, 4};
}

void dp_net_counters(const struct dp *dp, dp_net_id net, struct dp_net_counters *out)
{
    (void)dp, (void)net;
    *out = (struct dp_net_counters){.access_in = {{1, 2}, {3, 4}},
                                    .access_out = {{5, 6}, {7, 8}},
                                    .wan_in = {{9, 10}, {11, 12}},
                                    .wan_out = {{13, 14}, {15, 16}},
                                    .proxy_arp = 17,
                                    .bounced = 18,
                                    .bicast = 19};
}

void dp_vtep_counters(const struct dp *dp, dp_vtep_id vtep, struct dp_vtep_counters *out)
{
    (void)dp, (void)vtep;
    *out = (struct dp_vtep_counters){{1, 2}, {3, 4}};
}

void dp_totals(const struct dp *dp, struct dp_totals *out)
{
    (void)dp;
    *out = (struct dp_totals){.drops = {[DROP_vni_unknown] = 5}, .replicas = 6};
}

int fastpath_publish(struct fastpath *fp, const struct dp_topology *t, const struct fastpath_port *ports)
{
    (void)fp, (void)t;
    fast.port1 = ports[1];
    fast.published += fast.publish_rc == 0;
    return fast.publish_rc;
}

int fastpath_fdb_set(struct fastpath *fp, dp_net_id net, struct mac mac, struct dp_dest dest, bool slow)
{
    (void)fp, (void)net, (void)mac;
    fast.sets++;
    if (fast.set_rc < 0)
        return fast.set_rc;
    fast.there = true;
    fast.dest = dest;
    fast.slow = slow;
    return 0;
}

int fastpath_fdb_del(struct fastpath *fp, dp_net_id net, struct mac mac)
{
    bool was = fast.there;

    (void)fp, (void)net, (void)mac;
    fast.there = false;
    fast.bounced = 0;
    return was ? 0 : -ENOENT;
}

bool fastpath_fdb_seen(const struct fastpath *fp, dp_net_id net, struct mac mac, mono_t *seen)
{
    (void)fp, (void)net, (void)mac;
    fast.asked++;
    *seen = fast.seen;
    return fast.there && fast.seen.ns;
}

uint32_t fastpath_fdb_bounced(const struct fastpath *fp, dp_net_id net, struct mac mac)
{
    (void)fp, (void)net, (void)mac;
    return fast.bounced;
}

void fastpath_port_counters(const struct fastpath *fp, dp_port_id port, struct dp_port_counters *out)
{
    (void)fp, (void)port;
    *out = (struct dp_port_counters){{100, 1000}, {200, 2000}, 300, 0};
}

void fastpath_port_work(const struct fastpath *fp, dp_port_id port, struct fastpath_port_work *out)
{
    (void)fp, (void)port;
    *out = (struct fastpath_port_work){.punts = {7, 8}, .passed = 9, .unserved = 10};
}

void fastpath_net_counters(const struct fastpath *fp, dp_net_id net, struct dp_net_counters *out)
{
    (void)fp, (void)net;
    *out = (struct dp_net_counters){.access_in = {{100, 200}},
                                    .access_out = {{500, 600}},
                                    .wan_in = {{900, 1000}},
                                    .wan_out = {{1300, 1400}},
                                    .bounced = 1800};
}

void fastpath_vtep_counters(const struct fastpath *fp, dp_vtep_id vtep, struct dp_vtep_counters *out)
{
    (void)fp, (void)vtep;
    *out = (struct dp_vtep_counters){{100, 200}, {300, 400}};
}

void fastpath_totals(const struct fastpath *fp, struct dp_totals *out)
{
    (void)fp;
    *out = (struct dp_totals){.drops = {[DROP_vni_unknown] = 500, [DROP_vtep_unknown] = 2}};
}

/* ---- tests */

static struct forwarding *f;
static const struct mac mac = {{2, 0, 0, 0, 0, 9}};
static const struct dp_dest at_port = {.where = DP_WHERE_PORT, .target = 1};
static const struct dp_dest at_vtep = {.where = DP_WHERE_VTEP, .target = 3};
static const struct dp_topology topology = {.underlay = 0};

static void setup(void)
{
    memset(&worker, 0, sizeof(worker));
    memset(&fast, 0, sizeof(fast));
    f = fwd_new((struct dp *)&worker);
    ck_assert_ptr_nonnull(f);
    fwd_set_fastpath(f, (struct fastpath *)&fast);
}

static void teardown(void)
{
    fwd_free(f);
}

#define ck_fast(d, is_slow)                                                                                  \
    ck_assert(fast.there &&fast.dest.where == (d).where && fast.dest.target == (d).target &&                 \
              fast.slow == (is_slow))

START_TEST(test_without_fastpath)
{
    struct dp_port_counters c;

    fwd_set_fastpath(f, NULL);
    ck_assert_ptr_null(fwd_fastpath(f));
    ck_assert_int_eq(fwd_fdb_set(f, NET, mac, at_port), 0);
    ck_assert_int_eq(fwd_publish(f, &topology), 0);
    ck_assert(!fast.there && fast.published == 0);
    fwd_port_counters(f, 1, &c);
    ck_assert_uint_eq(c.rx.frames, 1);
}
END_TEST

START_TEST(test_macs_are_in_both)
{
    struct dp_dest got;

    ck_assert_int_eq(fwd_fdb_set(f, NET, mac, at_port), 0);
    ck_assert(worker.there);
    ck_fast(at_port, false);
    ck_assert(fwd_fdb_get(f, NET, mac, &got) && got.target == 1);
    ck_assert_int_eq(fwd_fdb_set(f, NET, mac, at_vtep), 0);
    ck_fast(at_vtep, false);
    ck_assert_int_eq(fwd_fdb_del(f, NET, mac), 0);
    ck_assert(!worker.there && !fast.there);
    ck_assert_int_eq(fwd_fdb_del(f, NET, mac), -ENOENT);
}
END_TEST

START_TEST(test_no_room)
{
    /* The worker's word counts. */
    worker.set_rc = -ENOSPC;
    ck_assert_int_eq(fwd_fdb_set(f, NET, mac, at_port), -ENOSPC);
    ck_assert(!fast.there);
    worker.set_rc = 0;
    ck_assert_int_eq(fwd_fdb_set(f, NET, mac, at_port), 0);
    /* What the fast path does not take must not stay where it was. */
    fast.set_rc = -ENOSPC;
    ck_assert_int_eq(fwd_fdb_set(f, NET, mac, at_vtep), 0);
    ck_assert(worker.dest.where == DP_WHERE_VTEP && !fast.there);
    ck_assert_uint_eq(fwd_refused(f), 1);
}
END_TEST

START_TEST(test_watched_macs_are_the_workers)
{
    struct dp_dest watched = at_vtep;

    watched.watch = true;
    ck_assert_int_eq(fwd_fdb_set(f, NET, mac, watched), 0);
    ck_fast(at_vtep, true);
    worker.dest.watch = false; /* the worker takes it off with the first frame */
    fwd_fdb_watched(f, NET, mac);
    ck_fast(at_vtep, false);
    /* It moved on before that was told: it is watched again. */
    worker.dest.watch = true;
    fwd_fdb_watched(f, NET, mac);
    ck_fast(at_vtep, true);
    worker.there = fast.there = false;
    fwd_fdb_watched(f, NET, mac);
    ck_assert(!fast.there);
}
END_TEST

START_TEST(test_doubled_macs_are_the_workers)
{
    uint64_t frames;

    ck_assert_int_eq(fwd_bicast_set(f, NET, mac, at_vtep), 0); /* before the FDB has it */
    ck_assert(!fast.there);
    ck_assert_int_eq(fwd_fdb_set(f, NET, mac, at_port), 0);
    ck_fast(at_port, true);
    ck_assert(fwd_bicast_count(f, NET, mac, &frames) && frames == 3);
    ck_assert_int_eq(fwd_bicast_del(f, NET, mac), 0);
    ck_fast(at_port, false);
    ck_assert_int_eq(fwd_bicast_set(f, NET, mac, at_vtep), 0); /* after */
    ck_fast(at_port, true);
}
END_TEST

START_TEST(test_seen_by_the_later_of_both)
{
    mono_t seen, now = mono_now();

    ck_assert(!fwd_fdb_seen(f, NET, mac, &seen));
    fwd_fdb_set(f, NET, mac, at_port);
    worker.seen.ns = now.ns - 500 * MS;
    ck_assert(fwd_fdb_seen(f, NET, mac, &seen) && seen.ns == worker.seen.ns);
    fast.seen.ns = now.ns - 900 * MS;
    ck_assert(fwd_fdb_seen(f, NET, mac, &seen) && seen.ns == worker.seen.ns);
    fast.seen.ns = now.ns - 100 * MS;
    ck_assert(fwd_fdb_seen(f, NET, mac, &seen) && seen.ns == fast.seen.ns);
}
END_TEST

START_TEST(test_who_asks_for_all_asks_seldom)
{
    mono_t seen, now = mono_now();

    fwd_fdb_set(f, NET, mac, at_port);
    fast.seen.ns = now.ns - 10 * MS;
    worker.seen.ns = now.ns - 1000 * MS;
    ck_assert(fwd_fdb_seen_lately(f, NET, mac, 3600000 * MS, &seen) && seen.ns == now.ns - 1000 * MS);
    ck_assert_uint_eq(fast.asked, 0);
    ck_assert(fwd_fdb_seen_lately(f, NET, mac, 500 * MS, &seen) && seen.ns == fast.seen.ns);
    ck_assert_uint_eq(fast.asked, 1);
    ck_assert_uint_eq(worker.seen.ns, fast.seen.ns); /* remembered */
    worker.seen.ns = now.ns - 1000 * MS;
    fast.seen.ns = now.ns - 2000 * MS;
    ck_assert(fwd_fdb_seen_lately(f, NET, mac, 500 * MS, &seen) && seen.ns == worker.seen.ns);
    worker.there = false;
    ck_assert(!fwd_fdb_seen_lately(f, NET, mac, 500 * MS, &seen));
}
END_TEST

START_TEST(test_R6_5_bounces_of_both_never_run_back)
{
    uint32_t frames;

    fwd_fdb_set(f, NET, mac, at_vtep);
    worker.bounced = 4;
    fast.bounced = 30;
    ck_assert_uint_eq(fwd_bounce_counter(f, NET, mac, &frames), 9);
    ck_assert_uint_eq(frames, 34);
    fwd_fdb_del(f, NET, mac);
    (void)fwd_bounce_counter(f, NET, mac, &frames);
    ck_assert_uint_eq(frames, 34);
    fwd_fdb_set(f, NET, mac, at_vtep);
    fast.bounced = 1;
    (void)fwd_bounce_counter(f, NET, mac, &frames);
    ck_assert_uint_eq(frames, 35);
}
END_TEST

START_TEST(test_topology)
{
    struct fastpath_port port = {.ifindex = 5, .target = true, .mtu = 1500};

    ck_assert(fwd_set_port(f, 1, &port));
    ck_assert(!fwd_set_port(f, 1, &port));
    ck_assert_int_eq(fwd_publish(f, &topology), 0);
    ck_assert(worker.published == 1 && fast.published == 1);
    ck_assert(fast.port1.ifindex == 5 && fast.port1.target && fast.port1.mtu == 1500);
    port.target = false;
    ck_assert(fwd_set_port(f, 1, &port));
    worker.publish_rc = -EINVAL;
    ck_assert_int_eq(fwd_publish(f, &topology), -EINVAL);
    ck_assert_uint_eq(fast.published, 1);
    worker.publish_rc = 0;
    fast.publish_rc = -ENOMEM;
    ck_assert_int_eq(fwd_publish(f, &topology), -ENOMEM);
    ck_assert_uint_eq(worker.published, 2);
}
END_TEST

START_TEST(test_counters_are_sums)
{
    struct fastpath_port_work work;
    struct dp_port_counters port;
    struct dp_net_counters net;
    struct dp_vtep_counters vtep;
    struct dp_totals totals;

    fwd_port_counters(f, 1, &port);
    ck_assert(port.rx.frames == 101 && port.rx.bytes == 1010 && port.tx.frames == 202 &&
              port.tx.bytes == 2020);
    ck_assert(port.drops == 303 && port.missed == 4);
    fwd_port_fast(f, 1, &port, &work);
    ck_assert(port.rx.frames == 100 && port.drops == 300 && work.punts[1] == 8 && work.passed == 9);
    /* A port that has counted 7 so far gets the id. */
    fwd_port_begin(f, 1, &(struct dp_port_counters){.rx.frames = 7});
    fwd_port_counters(f, 1, &port);
    ck_assert(port.rx.frames == 7 && port.tx.frames == 0 && port.drops == 0);
    fwd_port_fast(f, 1, &port, &work);
    ck_assert(port.rx.frames == 0 && port.drops == 0);
    ck_assert(work.punts[0] == 0 && work.punts[1] == 0 && work.passed == 0 && work.unserved == 0);
    fwd_net_counters(f, NET, &net);
    ck_assert(net.access_in[0].frames == 101 && net.access_in[0].bytes == 202 &&
              net.access_in[1].frames == 3);
    ck_assert(net.access_out[0].frames == 505 && net.access_out[1].bytes == 8);
    ck_assert(net.wan_in[0].frames == 909 && net.wan_in[0].bytes == 1010 && net.wan_in[1].frames == 11);
    ck_assert(net.wan_out[0].frames == 1313 && net.wan_out[1].bytes == 16);
    ck_assert(net.proxy_arp == 17 && net.bounced == 1818 && net.bicast == 19);
    fwd_vtep_counters(f, 1, &vtep);
    ck_assert(vtep.rx.frames == 101 && vtep.rx.bytes == 202 && vtep.tx.frames == 303 && vtep.tx.bytes == 404);
    fwd_totals(f, &totals);
    ck_assert(totals.drops[DROP_vni_unknown] == 505 && totals.drops[DROP_vtep_unknown] == 2);
    ck_assert_uint_eq(totals.replicas, 6);
    /* Another network has the id. */
    fwd_net_begin(f, NET);
    fwd_net_counters(f, NET, &net);
    ck_assert_mem_eq(&net, &(struct dp_net_counters){.proxy_arp = 0}, sizeof(net));
    fwd_net_begin(f, NET);
    fwd_net_counters(f, NET + 1, &net);
    ck_assert_uint_eq(net.access_in[0].frames, 101);
}
END_TEST

START_TEST(test_left)
{
    struct dp_totals totals;

    fwd_fdb_set(f, NET, mac, at_port);
    fwd_leave_fastpath(f);
    ck_assert_ptr_null(fwd_fastpath(f));
    fast.sets = 0;
    ck_assert_int_eq(fwd_fdb_set(f, NET, mac, at_vtep), 0);
    ck_assert_int_eq(fwd_bicast_set(f, NET, mac, at_port), 0);
    ck_assert_int_eq(fwd_publish(f, &topology), 0);
    ck_assert(fast.sets == 0 && fast.published == 0);
    /* What it counted still counts. */
    fwd_totals(f, &totals);
    ck_assert_uint_eq(totals.drops[DROP_vni_unknown], 505);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forwarding");
    TCase *c = tcase_create("both data planes");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_without_fastpath);
    tcase_add_test(c, test_macs_are_in_both);
    tcase_add_test(c, test_no_room);
    tcase_add_test(c, test_watched_macs_are_the_workers);
    tcase_add_test(c, test_doubled_macs_are_the_workers);
    tcase_add_test(c, test_seen_by_the_later_of_both);
    tcase_add_test(c, test_who_asks_for_all_asks_seldom);
    tcase_add_test(c, test_R6_5_bounces_of_both_never_run_back);
    tcase_add_test(c, test_topology);
    tcase_add_test(c, test_counters_are_sums);
    tcase_add_test(c, test_left);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
