/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What frames do around a move: bounce, watch, bi-cast (RULES section 6, R5.2).
 */
#include "tests/flow/flow.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

static struct flow *f;
static uint8_t frame[9216], packet[9300], got[9300];

static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static void setup(void)
{
    f = flow_open(false);
}

static void setup_ipv6(void)
{
    f = flow_open(true);
}

static void teardown(void)
{
    flow_end(f);
}

static void fdb(struct mac mac, enum dp_where where, uint16_t target, uint32_t marks)
{
    ck_assert_int_eq(
        fdb_set(&f->fdb, fdb_key(NET_WEB, mac.b), FDB_WHERE(where, target, false) | marks, mono_now()), 0);
}

static uint32_t where_of(struct mac mac)
{
    return fdb_where(fdb_find(&f->fdb, fdb_key(NET_WEB, mac.b)));
}

static unsigned ttl_at(void)
{
    return f->ipv6 ? 14 + 7 : 14 + 8;
}

/* From a VTEP, with this outer TTL. */
static void from_wan(unsigned vtep, struct mac dst, uint8_t ttl)
{
    struct flow_outer o = {.vtep = vtep, .vni = VNI_WEB, .flags = 0x08, .checksum = true};
    size_t len = flow_ipv4(frame, dst, flow_mac(5), FLOW_UNTAGGED, 0, 1, 40);

    len = flow_wrap(f, packet, o, frame, len);
    packet[ttl_at()] = ttl;
    flow_fix(f, packet, true);
    flow_put(f, PORT_WAN, packet, len);
    flow_poll(f);
}

static void from_access(unsigned port, struct mac dst, struct mac src)
{
    flow_put(f, port, frame, flow_ipv4(frame, dst, src, 100, 0, 1, 40));
    flow_poll(f);
}

/* The next packet on the WAN: to this VTEP, sound, and with this TTL and the inner frame in `frame`. */
static void expect_on_wan(unsigned vtep, unsigned ttl)
{
    struct ipaddr to = flow_vtep_address(f, vtep);
    int len = flow_take(f, PORT_WAN, got);
    unsigned outer = f->ipv6 ? 70 : 50;
    uint8_t sound[9300];

    ck_assert_int_gt(len, (int)outer);
    ck_assert_mem_eq(got + (f->ipv6 ? 38 : 30), to.b, f->ipv6 ? 16 : 4);
    ck_assert_uint_eq(got[ttl_at()], ttl);
    memcpy(sound, got, (size_t)len);
    flow_fix(f, sound, f->ipv6);
    ck_assert_mem_eq(sound, got, (size_t)len); /* checksums */
    ck_assert_mem_eq(got + outer, frame, 12);
    ck_assert_uint_eq(flow_checksum(got + outer + 14, 20, 0), 0);
}

static void expect_nothing(void)
{
    for (unsigned i = 0; i < N_PORTS; i++)
        ck_assert_uint_eq(flow_waiting(f, i), 0);
}

static const struct dp_net_counters *web(void)
{
    return &f->w.counters.nets[NET_WEB];
}

/* What its own counter says. */
static uint32_t bounced(struct mac mac)
{
    return f->w.counters.bounced[fdb_hash(&f->fdb, fdb_key(NET_WEB, mac.b)) % DP_BOUNCE_COUNTERS];
}

/* ---- R6.5 ---- */

START_TEST(test_R6_5_bounce_goes_on_to_the_new_vtep)
{
    fdb(flow_mac(2), DP_WHERE_VTEP, VTEP_2, FDB_BOUNCE);
    from_wan(VTEP_1, flow_mac(2), 60);
    expect_on_wan(VTEP_2, 32);
    expect_nothing();
    ck_assert_uint_eq(web()->bounced, 1);
    ck_assert_uint_eq(f->w.counters.vteps[VTEP_2].tx.frames, 1);
    ck_assert_uint_eq(web()->wan_in[0].frames, 1);
    ck_assert_uint_eq(web()->wan_out[0].frames, 1);
    ck_assert_uint_eq(flow_all_drops(f), 0);
    /* the time is over */
    fdb(flow_mac(2), DP_WHERE_VTEP, VTEP_2, 0);
    from_wan(VTEP_1, flow_mac(2), 60);
    expect_nothing();
    ck_assert_uint_eq(flow_drops(f, DROP_split_horizon), 1);
    ck_assert_uint_eq(web()->bounced, 1);
}
END_TEST

/* Half of what gateways begin with says that it was sent on already: once it is, and no more. */
START_TEST(test_R6_5_bounce_once)
{
    static const uint8_t ours[] = {64, 20, 255, 2, 1}, bounced_with[] = {32, 10, 32, 1, 1};
    unsigned n = 0, dropped = 0;

    fdb(flow_mac(2), DP_WHERE_VTEP, VTEP_2, FDB_BOUNCE);
    for (unsigned i = 0; i < sizeof(ours); i++) {
        f->topology.ttl = ours[i];
        flow_publish(f);
        for (unsigned ttl = 0; ttl < 256; ttl++) {
            from_wan(VTEP_1, flow_mac(2), (uint8_t)ttl);
            if (ttl <= bounced_with[i]) {
                expect_nothing();
                ck_assert_uint_eq(flow_drops(f, DROP_bounce_ttl), ++dropped);
            } else {
                expect_on_wan(VTEP_2, bounced_with[i]);
                n++;
            }
        }
    }
    ck_assert_uint_eq(web()->bounced, n);
    ck_assert_uint_eq(bounced(flow_mac(2)), n);
    ck_assert_uint_eq(flow_all_drops(f), dropped);
}
END_TEST

START_TEST(test_R6_5_bounce_never_back_nor_for_groups)
{
    fdb(flow_mac(2), DP_WHERE_VTEP, VTEP_2, FDB_BOUNCE);
    from_wan(VTEP_2, flow_mac(2), 60);
    expect_nothing();
    ck_assert_uint_eq(flow_drops(f, DROP_split_horizon), 1);
    fdb(broadcast, DP_WHERE_VTEP, VTEP_2, FDB_BOUNCE); /* nobody sets that; it means nothing */
    from_wan(VTEP_1, broadcast, 60);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 0);
    /* a VTEP that is not of this network bounces nothing either (R1.9) */
    flow_discard(f);
    from_wan(VTEP_FOREIGN, flow_mac(2), 60);
    expect_nothing();
    ck_assert_uint_eq(flow_drops(f, DROP_vtep_unknown), 1);
    ck_assert_uint_eq(web()->bounced, 0);
}
END_TEST

START_TEST(test_R6_5_bounce_that_cannot_be_sent)
{
    fdb(flow_mac(2), DP_WHERE_VTEP, VTEP_2, FDB_BOUNCE | FDB_WATCH);
    f->vteps[1].resolved = false;
    flow_publish(f);
    from_wan(VTEP_1, flow_mac(2), 60);
    ck_assert_uint_eq(flow_drops(f, DROP_vtep_unresolved), 1);
    f->vteps[1].resolved = true;
    f->vteps[1].mtu = 80;
    flow_publish(f);
    from_wan(VTEP_1, flow_mac(2), 60);
    ck_assert_uint_eq(flow_drops(f, DROP_path_mtu), 1);
    expect_nothing();
    ck_assert_uint_eq(web()->bounced, 0);
    ck_assert(where_of(flow_mac(2)) & FDB_WATCH); /* it did not leave */
}
END_TEST

/* From an access port it is a MAC behind a VTEP like any other. */
START_TEST(test_R6_5_bounce_mark_and_access_ports)
{
    fdb(flow_mac(2), DP_WHERE_VTEP, VTEP_2, FDB_BOUNCE);
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    ck_assert_int_gt(flow_take(f, PORT_WAN, got), 0);
    ck_assert_uint_eq(got[ttl_at()], 64);
    ck_assert_uint_eq(web()->bounced, 0);
}
END_TEST

START_TEST(test_R6_5_bounce_keeps_ecn_and_dscp)
{
    struct flow_outer o = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .tos = 3, .checksum = true};
    size_t len = flow_ipv4(frame, flow_mac(2), flow_mac(5), FLOW_UNTAGGED, 0xb9, 1, 40);

    fdb(flow_mac(2), DP_WHERE_VTEP, VTEP_2, FDB_BOUNCE);
    flow_put(f, PORT_WAN, packet, flow_wrap(f, packet, o, frame, len));
    flow_poll(f);
    expect_on_wan(VTEP_2, 32);
    ck_assert_uint_eq(f->ipv6 ? (got[14] << 4 | got[15] >> 4) & 0xff : got[15], 0xbb);
}
END_TEST

/* ---- watch ---- */

static void expect_first(enum dp_where where, uint16_t target)
{
    struct dp_event e;

    ck_assert(flow_event(f, &e));
    while (e.type == DP_EVENT_SOURCE)
        ck_assert(flow_event(f, &e));
    ck_assert_int_eq(e.type, DP_EVENT_FIRST);
    ck_assert(e.net == NET_WEB && mac_eq(e.mac, flow_mac(2)) && e.where == where && e.target == target);
    ck_assert_uint_le(e.at.ns, mono_now().ns);
    ck_assert_uint_gt(e.at.ns + 1000000000, mono_now().ns);
    ck_assert_uint_eq(where_of(flow_mac(2)), FDB_WHERE(where, target, false));
    while (flow_event(f, &e))
        ck_assert_int_eq(e.type, DP_EVENT_SOURCE);
}

START_TEST(test_watch_is_told_once)
{
    struct dp_event e;

    fdb(flow_mac(2), DP_WHERE_PORT, PORT_B, FDB_WATCH);
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 2);
    expect_first(DP_WHERE_PORT, PORT_B);
    fdb(flow_mac(2), DP_WHERE_PORT, PORT_B, FDB_WATCH);
    from_wan(VTEP_1, flow_mac(2), 64);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 3);
    expect_first(DP_WHERE_PORT, PORT_B);
    fdb(flow_mac(2), DP_WHERE_VTEP, VTEP_2, FDB_WATCH);
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 1);
    expect_first(DP_WHERE_VTEP, VTEP_2);
    /* what does not leave is not the first */
    fdb(flow_mac(2), DP_WHERE_PORT, PORT_A, FDB_WATCH);
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    ck_assert_uint_eq(flow_drops(f, DROP_same_port), 1);
    fdb(flow_mac(2), DP_WHERE_VTEP, VTEP_2, FDB_WATCH);
    from_wan(VTEP_1, flow_mac(2), 64);
    ck_assert_uint_eq(flow_drops(f, DROP_split_horizon), 1);
    ck_assert(where_of(flow_mac(2)) & FDB_WATCH);
    while (flow_event(f, &e))
        ck_assert_int_eq(e.type, DP_EVENT_SOURCE);
    fdb(flow_mac(2), DP_WHERE_PORT, PORT_B, 0);
}
END_TEST

START_TEST(test_watch_together_with_bounce)
{
    fdb(flow_mac(2), DP_WHERE_VTEP, VTEP_2, FDB_WATCH | FDB_BOUNCE);
    from_wan(VTEP_1, flow_mac(2), 64);
    expect_on_wan(VTEP_2, 32);
    ck_assert_uint_eq(where_of(flow_mac(2)), FDB_WHERE(DP_WHERE_VTEP, VTEP_2, false) | FDB_BOUNCE);
    from_wan(VTEP_1, flow_mac(2), 64);
    expect_on_wan(VTEP_2, 32);
    fdb(flow_mac(2), DP_WHERE_VTEP, VTEP_2, 0);
    ck_assert_uint_eq(web()->bounced, 2);
}
END_TEST

/* A full ring leaves the mark: the next frame is told. */
START_TEST(test_watch_and_a_full_event_ring)
{
    struct dp_event e = {.type = DP_EVENT_SOURCE};
    unsigned n = 0;

    while (rte_ring_sp_enqueue_elem(f->w.report.events, &e, sizeof(e)) == 0) {
    }
    fdb(flow_mac(2), DP_WHERE_PORT, PORT_B, FDB_WATCH);
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 1);
    ck_assert(where_of(flow_mac(2)) & FDB_WATCH);
    while (flow_event(f, &e))
        n++;
    ck_assert_uint_eq(n, rte_ring_get_capacity(f->w.report.events));
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    expect_first(DP_WHERE_PORT, PORT_B);
}
END_TEST

/* The worker had read the entry when the control thread stored another: that one stays whole. */
START_TEST(test_watch_a_concurrent_store_wins)
{
    struct fdb_value *v;
    uint32_t read;

    fdb(flow_mac(2), DP_WHERE_PORT, PORT_B, FDB_WATCH);
    v = fdb_find(&f->fdb, fdb_key(NET_WEB, flow_mac(2).b));
    read = fdb_where(v);
    fdb(flow_mac(2), DP_WHERE_VTEP, VTEP_2, FDB_WATCH | FDB_BOUNCE);
    ck_assert(!fdb_unwatch(v, read));
    ck_assert_uint_eq(fdb_where(v), FDB_WHERE(DP_WHERE_VTEP, VTEP_2, false) | FDB_WATCH | FDB_BOUNCE);
    ck_assert(fdb_unwatch(v, fdb_where(v)));
    ck_assert_uint_eq(fdb_where(v), FDB_WHERE(DP_WHERE_VTEP, VTEP_2, false) | FDB_BOUNCE);
}
END_TEST

/* ---- bi-cast: host 2 is at this site (port B) and will be behind VTEP 2; or the other way round ---- */

static void also(enum dp_where where, uint16_t target)
{
    ck_assert_int_eq(
        bicast_set(&f->bicast, &f->fdb, fdb_key(NET_WEB, flow_mac(2).b), FDB_WHERE(where, target, false)), 0);
}

static uint64_t bicast_frames(void)
{
    uint64_t n = 0;

    ck_assert(bicast_count(&f->bicast, fdb_key(NET_WEB, flow_mac(2).b), &n));
    ck_assert_uint_eq(web()->bicast, n);
    return n;
}

START_TEST(test_R5_2_bicast_from_an_access_port)
{
    fdb(flow_mac(2), DP_WHERE_PORT, PORT_B, 0);
    also(DP_WHERE_VTEP, VTEP_2);
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    ck_assert_int_gt(flow_take(f, PORT_B, got), 0);
    ck_assert_mem_eq(got, frame, 18);
    expect_on_wan(VTEP_2, 64);
    expect_nothing();
    ck_assert_uint_eq(bicast_frames(), 1);
    ck_assert_uint_eq(f->w.counters.totals.replicas, 1);
    /* it has left its port, and a switch there does not know it any more: what it asks of us goes on */
    from_access(PORT_B, flow_mac(2), flow_mac(3));
    expect_on_wan(VTEP_2, 64);
    expect_nothing();
    ck_assert_uint_eq(bicast_frames(), 2);
    ck_assert_uint_eq(f->w.counters.totals.replicas, 1);
    /* others are others */
    fdb(flow_mac(3), DP_WHERE_PORT, PORT_B, 0);
    from_access(PORT_A, flow_mac(3), flow_mac(1));
    ck_assert_int_gt(flow_take(f, PORT_B, got), 0);
    expect_nothing();
    ck_assert_uint_eq(bicast_frames(), 2);
    ck_assert_uint_eq(flow_all_drops(f), 0);
}
END_TEST

/* From a third site, as the bounce would. */
START_TEST(test_R5_2_bicast_from_the_wan)
{
    fdb(flow_mac(2), DP_WHERE_PORT, PORT_B, 0);
    also(DP_WHERE_VTEP, VTEP_2);
    from_wan(VTEP_1, flow_mac(2), 40);
    ck_assert_int_gt(flow_take(f, PORT_B, got), 0);
    expect_on_wan(VTEP_2, 32);
    expect_nothing();
    ck_assert_uint_eq(bicast_frames(), 1);
    ck_assert_uint_eq(web()->bounced, 0);
    /* never back to where it came from, nor what was sent on already; the frame itself arrives */
    from_wan(VTEP_2, flow_mac(2), 40);
    from_wan(VTEP_1, flow_mac(2), 32);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 2);
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 0);
    ck_assert_uint_eq(bicast_frames(), 1);
    ck_assert_uint_eq(flow_all_drops(f), 0);
}
END_TEST

/* It has moved: one copy, whatever the order of things. */
START_TEST(test_R5_2_bicast_after_the_move)
{
    also(DP_WHERE_VTEP, VTEP_2);
    fdb(flow_mac(2), DP_WHERE_VTEP, VTEP_2, FDB_BICAST | FDB_BOUNCE | FDB_WATCH);
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    expect_on_wan(VTEP_2, 64);
    expect_nothing();
    ck_assert_uint_eq(where_of(flow_mac(2)),
                      FDB_WHERE(DP_WHERE_VTEP, VTEP_2, false) | FDB_BICAST | FDB_BOUNCE);
    from_wan(VTEP_1, flow_mac(2), 40);
    expect_on_wan(VTEP_2, 32);
    expect_nothing();
    ck_assert_uint_eq(bicast_frames(), 0);
    ck_assert_uint_eq(web()->bounced, 1);
    ck_assert_int_eq(bicast_del(&f->bicast, &f->fdb, fdb_key(NET_WEB, flow_mac(2).b)), 0);
    ck_assert_uint_eq(where_of(flow_mac(2)), FDB_WHERE(DP_WHERE_VTEP, VTEP_2, false) | FDB_BOUNCE);
    ck_assert_int_eq(bicast_del(&f->bicast, &f->fdb, fdb_key(NET_WEB, flow_mac(2).b)), -ENOENT);
}
END_TEST

/* At the site where it will be: what comes from the VTEP that has it goes out, from others it does not. */
START_TEST(test_R5_2_bicast_at_the_new_site)
{
    fdb(flow_mac(2), DP_WHERE_VTEP, VTEP_1, 0);
    from_wan(VTEP_1, flow_mac(2), 40);
    ck_assert_uint_eq(flow_drops(f, DROP_split_horizon), 1);
    also(DP_WHERE_FLOOD, 0);
    from_wan(VTEP_1, flow_mac(2), 40);
    ck_assert_int_gt(flow_take(f, PORT_A, got), 0);
    ck_assert_int_gt(flow_take(f, PORT_B, got), 0);
    expect_nothing();
    ck_assert_uint_eq(bicast_frames(), 1);
    from_wan(VTEP_2, flow_mac(2), 40);
    expect_nothing();
    ck_assert_uint_eq(flow_drops(f, DROP_split_horizon), 2);
    /* from here: to where it is, and to the other ports */
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    expect_on_wan(VTEP_1, 64);
    ck_assert_int_gt(flow_take(f, PORT_B, got), 0);
    ck_assert_mem_eq(got, frame, 18);
    expect_nothing();
    ck_assert_uint_eq(bicast_frames(), 2);
    /* it has come */
    fdb(flow_mac(2), DP_WHERE_PORT, PORT_B, FDB_BICAST);
    from_wan(VTEP_1, flow_mac(2), 40);
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 2);
    ck_assert_uint_eq(flow_waiting(f, PORT_A) + flow_waiting(f, PORT_WAN), 0);
    ck_assert_uint_eq(bicast_frames(), 2);
    ck_assert_uint_eq(flow_all_drops(f), 2);
}
END_TEST

/* Set before or after the FDB's entry, with or without one: as dp_fdb_set() does it. */
START_TEST(test_R5_2_bicast_mark)
{
    uint64_t key = fdb_key(NET_WEB, flow_mac(2).b);
    uint64_t n;

    ck_assert_uint_eq(bicast_mark(&f->bicast, key), 0);
    ck_assert(!bicast_count(&f->bicast, key, &n));
    also(DP_WHERE_VTEP, VTEP_2);
    ck_assert_uint_eq(bicast_mark(&f->bicast, key), FDB_BICAST);
    ck_assert_uint_eq(bicast_mark(&f->bicast, fdb_key(NET_DB, flow_mac(2).b)), 0);
    from_access(PORT_A, flow_mac(2), flow_mac(1)); /* no entry: unknown */
    flow_discard(f);
    fdb(flow_mac(2), DP_WHERE_PORT, PORT_B, FDB_WATCH | bicast_mark(&f->bicast, key));
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    ck_assert_uint_eq(bicast_frames(), 1);
    ck_assert_uint_eq(where_of(flow_mac(2)), FDB_WHERE(DP_WHERE_PORT, PORT_B, false) | FDB_BICAST);
    also(DP_WHERE_VTEP, VTEP_1); /* replaced, and goes on counting */
    flow_discard(f);
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    expect_on_wan(VTEP_1, 64);
    ck_assert_uint_eq(bicast_frames(), 2);
    ck_assert_int_eq(bicast_del(&f->bicast, &f->fdb, key), 0);
    flow_discard(f);
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 0);
    /* A mark without an entry adds nothing: the worker may see one before the other. */
    fdb(flow_mac(2), DP_WHERE_PORT, PORT_B, FDB_BICAST);
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), 0);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 2);
    for (unsigned i = 0; i < DP_MAX_BICASTS; i++)
        ck_assert_int_eq(bicast_set(&f->bicast, &f->fdb, fdb_key(NET_WEB, flow_mac(i).b),
                                    FDB_WHERE(DP_WHERE_FLOOD, 0, false)),
                         0);
    ck_assert_int_eq(
        bicast_set(&f->bicast, &f->fdb, fdb_key(NET_DB, flow_mac(1).b), FDB_WHERE(DP_WHERE_FLOOD, 0, false)),
        -ENOSPC);
}
END_TEST

/* The copy may be lost; the frame itself is not. */
START_TEST(test_R5_2_bicast_copy_that_cannot_be_sent)
{
    fdb(flow_mac(2), DP_WHERE_PORT, PORT_B, 0);
    also(DP_WHERE_VTEP, VTEP_2);
    f->vteps[1].resolved = false;
    flow_publish(f);
    from_access(PORT_A, flow_mac(2), flow_mac(1));
    from_wan(VTEP_1, flow_mac(2), 40);
    ck_assert_uint_eq(flow_waiting(f, PORT_B), 2);
    ck_assert_uint_eq(flow_drops(f, DROP_vtep_unresolved), 2);
    ck_assert_uint_eq(bicast_frames(), 0);
}
END_TEST

static void add_all(TCase *t)
{
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_R6_5_bounce_goes_on_to_the_new_vtep);
    tcase_add_test(t, test_R6_5_bounce_once);
    tcase_add_test(t, test_R6_5_bounce_never_back_nor_for_groups);
    tcase_add_test(t, test_R6_5_bounce_that_cannot_be_sent);
    tcase_add_test(t, test_R6_5_bounce_mark_and_access_ports);
    tcase_add_test(t, test_R6_5_bounce_keeps_ecn_and_dscp);
    tcase_add_test(t, test_watch_is_told_once);
    tcase_add_test(t, test_watch_together_with_bounce);
    tcase_add_test(t, test_R5_2_bicast_from_an_access_port);
    tcase_add_test(t, test_R5_2_bicast_from_the_wan);
    tcase_add_test(t, test_R5_2_bicast_after_the_move);
    tcase_add_test(t, test_R5_2_bicast_at_the_new_site);
    tcase_add_test(t, test_R5_2_bicast_mark);
    tcase_add_test(t, test_R5_2_bicast_copy_that_cannot_be_sent);
}

int main(void)
{
    Suite *s = suite_create("moves");
    TCase *v4 = tcase_create("ipv4"), *v6 = tcase_create("ipv6");

    flow_start_eal();
    tcase_add_checked_fixture(v4, setup, teardown);
    tcase_add_checked_fixture(v6, setup_ipv6, teardown);
    add_all(v4);
    add_all(v6);
    tcase_add_test(v4, test_watch_and_a_full_event_ring);
    tcase_add_test(v4, test_watch_a_concurrent_store_wins);
    suite_add_tcase(s, v4);
    suite_add_tcase(s, v6);
    return run_suite(s);
}
