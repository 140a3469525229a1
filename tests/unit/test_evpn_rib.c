/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The EVPN RIB, receiving: the plain life of a route, flood lists, peers that come and go, and reading. By
 * subject beside it: test_evpn_rib_import.c, _ignored.c, _share.c, _cost.c, _lost.c, _best.c, _out.c; random
 * operations against a model: test_evpn_rib_random.c.
 */
#include "tests/unit/evpn_rib_world.h"

/* ---- R3.6, plain life of a route */

START_TEST(test_R3_6_mac_only_and_mac_ip)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    struct ipaddr host = ip("10.0.0.7"), host6 = ip("fd00::7");

    announce(p, &a, macip(1, mac_n(7), NULL));
    assert_at(1, mac_n(7), vtep_n(2));
    ck_assert_uint_eq(best_of(1, mac_n(7))->sequence, 0);
    ck_assert_uint_eq(best_of(1, mac_n(7))->vni, 10001);
    ck_assert_uint_eq(best_of(1, mac_n(7))->peer, p);
    ck_assert_uint_eq(w.n_ips, 0);

    announce(p, &a, macip(1, mac_n(7), "10.0.0.7"));
    announce(p, &a, macip(1, mac_n(7), "fd00::7"));
    ck_assert_uint_eq(w.mac_calls, 1);
    ck_assert_uint_eq(w.n_ips, 2);
    ck_assert_ptr_nonnull(told_in(w.ips, w.n_ips, 1, mac_n(7), &host));
    ck_assert_ptr_nonnull(told_in(w.ips, w.n_ips, 1, mac_n(7), &host6));
    check_totals(3, 1, 1);

    /* The MAC-only route goes: the others still say where it is. */
    withdraw(p, macip(1, mac_n(7), NULL));
    assert_at(1, mac_n(7), vtep_n(2));
    withdraw(p, macip(1, mac_n(7), "10.0.0.7"));
    ck_assert_uint_eq(w.n_ips, 1);
    withdraw(p, macip(1, mac_n(7), "fd00::7"));
    ck_assert_ptr_null(best_of(1, mac_n(7)));
    ck_assert_uint_eq(w.n_ips + w.n_macs + held(p), 0);
    check_totals(0, 0, 0);
}
END_TEST

START_TEST(test_binding_is_told_once_for_all_its_routes)
{
    rib_peer_id p = add_peer(2, false), q = add_peer(3, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);

    announce(p, &a, macip(1, mac_n(7), "10.0.0.7"));
    announce(q, &a, macip(1, mac_n(7), "10.0.0.7"));
    announce(q, &a, macip(2, mac_n(7), "10.0.0.7"));
    ck_assert_uint_eq(w.ip_calls, 1);
    withdraw(p, macip(1, mac_n(7), "10.0.0.7"));
    withdraw(q, macip(2, mac_n(7), "10.0.0.7"));
    ck_assert_uint_eq(w.ip_calls, 1);
    peer_down(q, false);
    ck_assert_uint_eq(w.ip_calls, 2);
    ck_assert_uint_eq(w.n_ips, 0);
}
END_TEST

static struct bgp_attrs attrs_nd(unsigned vtep, uint8_t flags)
{
    struct bgp_attrs a = attrs_for(vtep_n(vtep), 1);

    bgp_attrs_add_extcom(&a, bgp_extcom_arp_nd(flags));
    return a;
}

START_TEST(test_R7_4_flags_of_a_binding)
{
    rib_peer_id p = add_peer(2, false), q = add_peer(3, false);
    struct bgp_attrs plain = attrs_for(vtep_n(2), 1), router = attrs_nd(2, BGP_ND_ROUTER | BGP_ND_OVERRIDE),
                     anycast = attrs_nd(2, 0), fixed = attrs_nd(2, BGP_ND_IMMUTABLE | 0xf0);
    struct evpn_nlri n = macip(1, mac_n(7), "fd00::7"), four = macip(1, mac_n(7), "10.0.0.7");

    announce(p, &plain, n);
    ck_assert_uint_eq(w.ips[0].nd, BGP_ND_OVERRIDE); /* without the community */
    announce(p, &router, n);
    ck_assert_uint_eq(w.ips[0].nd, BGP_ND_ROUTER | BGP_ND_OVERRIDE);
    announce(q, &anycast, n); /* the first one speaks for both while it is there */
    ck_assert_uint_eq(w.ips[0].nd, BGP_ND_ROUTER | BGP_ND_OVERRIDE);
    ck_assert_uint_eq(w.ip_calls, 2);
    withdraw(p, n);
    ck_assert_uint_eq(w.ips[0].nd, 0);
    withdraw(q, n);
    ck_assert_uint_eq(w.n_ips, 0);
    /* R and O say nothing of IPv4. */
    announce(p, &router, four);
    ck_assert_uint_eq(w.ips[0].nd, 0);
    w.ip_calls = 0;
    announce(p, &plain, four);
    ck_assert_uint_eq(w.ip_calls, 0);
    announce(p, &fixed, four);
    ck_assert_uint_eq(w.ips[0].nd, BGP_ND_IMMUTABLE);
    /* Of two communities the first counts (RFC 9047 section 3.2). */
    bgp_attrs_add_extcom(&fixed, bgp_extcom_arp_nd(0));
    announce(p, &fixed, n);
    ck_assert_uint_eq(w.ips[1].nd, BGP_ND_IMMUTABLE);
}
END_TEST

START_TEST(test_implicit_withdraw_replaces_in_place)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), b = attrs_for(vtep_n(3), 1);

    announce(p, &a, macip(1, mac_n(7), "10.0.0.7"));
    announce(p, &a, macip(1, mac_n(7), "10.0.0.7")); /* the very same: nothing happens */
    ck_assert_uint_eq(w.mac_calls, 1);
    announce(p, &b, macip(1, mac_n(7), "10.0.0.7"));
    assert_at(1, mac_n(7), vtep_n(3));
    ck_assert_uint_eq(w.mac_calls, 2); /* never gone in between (R4.10) */
    ck_assert_uint_eq(w.ip_calls, 1);
    ck_assert_uint_eq(held(p), 1);
    check_totals(1, 1, 1);
}
END_TEST

START_TEST(test_label_is_no_part_of_the_key)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    struct evpn_nlri n = macip(1, mac_n(7), NULL);

    announce(p, &a, n);
    n.label2 = 4711;
    n.n_labels = 2;
    n.esi.b[9] = 1;
    announce(p, &a, n);
    ck_assert_uint_eq(held(p), 1);
    ck_assert_uint_eq(best_of(1, mac_n(7))->esi.b[9], 1); /* R4.4 needs it */
    n.label = 77;
    memset(&n.esi, 0, sizeof(n.esi));
    withdraw(p, n);
    ck_assert_uint_eq(held(p), 0);
}
END_TEST

/* R4.4: equal ESIs have one number, whoever says them, for as long as anybody does. */
START_TEST(test_R4_4_segments_have_numbers)
{
    rib_peer_id p = add_peer(2, false), q = add_peer(3, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), b = attrs_for(vtep_n(3), 1);
    struct evpn_nlri n = macip(1, mac_n(1), NULL), o = macip(2, mac_n(2), NULL), x = macip(3, mac_n(3), NULL);
    struct evpn_rib_totals t;
    uint16_t es;

    n.esi.b[1] = o.esi.b[1] = 7;
    x.esi.b[1] = 8;
    announce(p, &a, n);
    announce(q, &b, o);
    announce(q, &b, x);
    es = best_of(1, mac_n(1))->es;
    ck_assert_uint_ne(es, 0);
    ck_assert_uint_eq(best_of(1, mac_n(2))->es, es);
    ck_assert_uint_ne(best_of(1, mac_n(3))->es, es);
    ck_assert_uint_eq(told_mac(1, mac_n(2))->best.es, es);
    withdraw(p, n);
    ck_assert_uint_eq(best_of(1, mac_n(2))->es, es);
    /* No segment: without an ESI, and with the reserved one. */
    memset(&x.esi, 255, sizeof(x.esi));
    announce(q, &b, x);
    ck_assert_uint_eq(best_of(1, mac_n(3))->es, 0);
    announce(p, &a, macip(1, mac_n(1), NULL));
    ck_assert_uint_eq(best_of(1, mac_n(1))->es, 0);
    evpn_rib_totals(w.rib, &t);
    ck_assert_uint_eq(t.segments, 1);
    peer_down(q, false);
    evpn_rib_totals(w.rib, &t);
    ck_assert_uint_eq(t.segments, 0);
}
END_TEST

START_TEST(test_R4_4_segments_are_bounded)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    struct evpn_rib_totals t;
    unsigned numbered = 0;

    for (unsigned i = 1; i <= EVPN_RIB_MAX_ES + 100; i++) {
        struct evpn_nlri n = macip(1, mac_n(i), NULL);

        n.esi.b[1] = (uint8_t)(i >> 8);
        n.esi.b[2] = (uint8_t)i;
        announce(p, &a, n);
        ck_assert_uint_le(best_of(1, mac_n(i))->es, EVPN_RIB_MAX_ES);
        numbered += best_of(1, mac_n(i))->es != 0;
    }
    ck_assert_uint_eq(numbered, EVPN_RIB_MAX_ES);
    evpn_rib_totals(w.rib, &t);
    ck_assert_uint_eq(t.segments, EVPN_RIB_MAX_ES);
    ck_assert_uint_eq(held(p), EVPN_RIB_MAX_ES + 100); /* the others are routes like any */
    peer_down(p, false);
    check_totals(0, 0, 0);
}
END_TEST

START_TEST(test_withdrawn_and_announced_in_one_update)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    struct evpn_nlri n = macip(1, mac_n(7), "10.0.0.7");
    struct evpn_nlri new[2] = {n, macip(2, mac_n(7), NULL)}, gone[2] = {n, macip(3, mac_n(7), NULL)};

    announce_n(p, &a, gone, 2);
    /* RFC 4271 section 3.1: what is announced is not withdrawn. */
    exchange(p, &a, gone, 2, new, 2);
    ck_assert_uint_eq(held(p), 2);
    assert_at(1, mac_n(7), vtep_n(2));
    ck_assert_uint_eq(w.mac_calls, 1); /* from one route to another without a gap */
    ck_assert_uint_eq(w.ip_calls, 1);
    /* What is announced cannot be used: gone all the same. */
    a.next_hop = ip("224.0.0.1");
    exchange(p, &a, gone, 1, new, 1);
    ck_assert_uint_eq(held(p), 1);
    ck_assert_uint_eq(w.n_ips, 0);
    exchange(p, &a, new, 2, gone, 1);
    ck_assert_uint_eq(w.n_macs + held(p), 0);
    check_totals(0, 0, 0);
}
END_TEST

/* ---- R3.5, R8.1, R1.9 */

START_TEST(test_R3_5_R8_1_flood_list)
{
    rib_peer_id p = add_peer(2, false), q = add_peer(3, false);
    struct bgp_attrs a = attrs_for(vtep_n(9), 1);
    struct ipaddr end = vtep_n(2), end3 = vtep_n(3);

    bgp_attrs_set_ingress_replication(&a, 10001, &end);
    announce(p, &a, imet(1, vtep_n(7))); /* neither next hop nor originator: the tunnel's end counts */
    ck_assert_uint_eq(w.n_floods, 1);
    ck_assert_ptr_nonnull(told_in(w.floods, 1, 1, (struct mac){{0}}, &end));
    announce(q, &a, imet(1, vtep_n(7)));
    announce(q, &a, imet(2, vtep_n(7)));
    ck_assert_uint_eq(w.flood_calls, 1);
    withdraw(p, imet(1, vtep_n(7)));
    withdraw(q, imet(2, vtep_n(7)));
    ck_assert_uint_eq(w.flood_calls, 1);
    bgp_attrs_set_ingress_replication(&a, 10001, &end3);
    announce(q, &a, imet(1, vtep_n(7)));
    ck_assert_uint_eq(w.n_floods, 1);
    ck_assert_ptr_nonnull(told_in(w.floods, 1, 1, (struct mac){{0}}, &end3));
    withdraw(q, imet(1, vtep_n(7)));
    ck_assert_uint_eq(w.n_floods, 0);
    check_totals(0, 0, 0);
}
END_TEST

START_TEST(test_R3_5_other_tunnels_are_counted)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);

    announce(p, &a, imet(1, vtep_n(2))); /* no PMSI at all */
    a.pmsi = (struct bgp_pmsi){.type = 3, .label = 10001, .id_len = 8};
    bgp_attrs_set(&a, BGP_PMSI_TUNNEL);
    announce(p, &a, imet(1, vtep_n(2))); /* PIM-SSM */
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_TUNNEL), 2);
    bgp_attrs_set_ingress_replication(&a, 10001, &(struct ipaddr){4, {198, 18, 0, 1}});
    announce(p, &a, imet(1, vtep_n(2))); /* to ourselves */
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_NEXT_HOP), 1);
    ck_assert_uint_eq(w.n_floods + held(p), 0);
}
END_TEST

/* ---- reading */

START_TEST(test_routes_are_shown_with_all_attributes)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), got;
    struct evpn_rib_filter all = {0}, mac = {.by_mac = true, .mac = mac_n(7)}, type3 = {.type = EVPN_IMET};
    struct evpn_nlri n = macip(1, mac_n(7), "10.0.0.7");
    struct evpn_rib_route r;
    uint64_t cursor = 0;
    unsigned total = 0;

    mobility(&a, false, 3);
    a.med = 9;
    bgp_attrs_set(&a, BGP_MED);
    a.clusters[0] = 7;
    a.n_clusters = 1;
    bgp_attrs_set(&a, BGP_CLUSTER_LIST);
    bgp_as_path_prepend(&a.as_path, 4200000001u);
    n.esi.b[0] = 5;
    n.label2 = 50;
    n.label = 10001;
    n.n_labels = 2;
    announce(p, &a, n);
    announce(p, &a, macip(1, mac_n(8), NULL));
    ck_assert_int_eq(evpn_rib_announce(w.rib, 1, mac_n(7), NULL, 2, false, 0), 0);

    ck_assert(evpn_rib_next(w.rib, &mac, &cursor, &r, &got, NULL));
    ck_assert(r.own && r.net == 1 && r.peer == 0);
    ck_assert_uint_eq(bgp_extcom_sequence(bgp_attrs_extcom(&got, BGP_EXTCOM_MOBILITY)), 2);
    ck_assert(evpn_rib_next(w.rib, &mac, &cursor, &r, &got, NULL));
    ck_assert(!r.own && r.best && !r.stale);
    ck_assert_uint_eq(r.peer, p);
    ck_assert_int_eq(evpn_key_cmp(&r.nlri, &n), 0);
    ck_assert_mem_eq(&r.nlri.esi, &n.esi, sizeof(n.esi));
    ck_assert_uint_eq(r.nlri.label, n.label);
    ck_assert_uint_eq(r.nlri.label2, 50);
    ck_assert_uint_eq(r.nlri.n_labels, 2);
    ck_assert(ipaddr_eq(&r.vtep, &a.next_hop));
    ck_assert(ipaddr_eq(&got.next_hop, &a.next_hop));
    ck_assert_uint_eq(got.present, a.present);
    ck_assert_uint_eq(got.med, 9);
    ck_assert_uint_eq(got.local_pref, 100);
    ck_assert_uint_eq(got.n_extcoms, a.n_extcoms);
    ck_assert_mem_eq(got.extcoms, a.extcoms, a.n_extcoms * sizeof(a.extcoms[0]));
    ck_assert_uint_eq(got.n_clusters, 1);
    ck_assert(bgp_as_path_eq(&got.as_path, &a.as_path));
    ck_assert(!evpn_rib_next(w.rib, &mac, &cursor, &r, &got, NULL));
    ck_assert(!evpn_rib_next(w.rib, &mac, &cursor, &r, &got, NULL));

    for (cursor = 0; evpn_rib_next(w.rib, &type3, &cursor, &r, NULL, NULL); total++)
        ck_assert(r.own);
    ck_assert_uint_eq(total, 2);
    for (cursor = 0, total = 0; evpn_rib_next(w.rib, &all, &cursor, &r, NULL, NULL); total++)
        ;
    ck_assert_uint_eq(total, 5);
}
END_TEST

START_TEST(test_reading_has_a_budget)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    struct evpn_rib_filter one = {.by_mac = true, .mac = mac_n(30)}, all = {0};
    unsigned budget = 0, calls = 0, seen = 0;
    struct evpn_rib_route r;
    uint64_t cursor = 0, before;

    for (unsigned i = 1; i <= 10; i++)
        ck_assert_int_eq(evpn_rib_announce(w.rib, 1, mac_n(i), NULL, 0, false, 0), 0);
    for (unsigned i = 11; i <= 30; i++)
        announce(p, &a, macip(1, mac_n(i), NULL));
    ck_assert(!evpn_rib_next(w.rib, &one, &cursor, &r, NULL, &budget));
    ck_assert_uint_eq(cursor, 0);
    /* 12 own (two of type 3), 20 received; the one wanted is the last. */
    do {
        budget = 5;
        before = cursor;
        seen += evpn_rib_next(w.rib, &one, &cursor, &r, NULL, &budget);
        ck_assert_uint_gt(cursor, before);
        calls++;
    } while (!seen);
    ck_assert_uint_eq(calls, 7);
    ck_assert_uint_eq(budget, 3);
    ck_assert(!evpn_rib_next(w.rib, &one, &cursor, &r, NULL, &budget));
    ck_assert_uint_eq(budget, 3); /* the end */
    for (cursor = 0, seen = 0, budget = 1; evpn_rib_next(w.rib, &all, &cursor, &r, NULL, &budget); budget = 1)
        seen++;
    ck_assert_uint_eq(seen, 32);
    ck_assert_uint_eq(budget, 1);
}
END_TEST

START_TEST(test_peers_come_and_go)
{
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    rib_peer_id p = add_peer(2, false);

    announce(p, &a, macip(1, mac_n(7), NULL));
    evpn_rib_peer_remove(w.rib, p);
    ck_assert_uint_eq(w.n_macs, 0);
    ck_assert_uint_eq(add_peer(3, false), p);
    ck_assert_uint_eq(held(p), 0);
    for (unsigned i = 1; i < MAX_PEERS; i++)
        add_peer(10 + i, false);
    ck_assert_int_eq(evpn_rib_peer_add(w.rib, &(struct evpn_rib_peer){.address = vtep_n(999)}), -ENOSPC);
}
END_TEST

START_TEST(test_every_reason_has_a_name)
{
    for (int i = 0; i < EVPN_RIB_IGNORED_N; i++)
        ck_assert_ptr_nonnull(evpn_rib_ignored_name((enum evpn_rib_ignored)i));
    ck_assert_str_eq(evpn_rib_ignored_name(EVPN_RIB_IGNORED_N), "unknown");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_R3_6_mac_only_and_mac_ip,
        test_binding_is_told_once_for_all_its_routes,
        test_R7_4_flags_of_a_binding,
        test_implicit_withdraw_replaces_in_place,
        test_label_is_no_part_of_the_key,
        test_R4_4_segments_have_numbers,
        test_R4_4_segments_are_bounded,
        test_withdrawn_and_announced_in_one_update,
        test_R3_5_R8_1_flood_list,
        test_R3_5_other_tunnels_are_counted,
        test_routes_are_shown_with_all_attributes,
        test_reading_has_a_budget,
        test_peers_come_and_go,
        test_every_reason_has_a_name,
    };

    return world_run("evpn_rib", tests, sizeof(tests) / sizeof(tests[0]));
}
