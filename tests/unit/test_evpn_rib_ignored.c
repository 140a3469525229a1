/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The EVPN RIB, receiving: what is not stored and why, and the limit of a peer.
 */
#include "tests/unit/evpn_rib_world.h"

/* ---- what is ignored */

START_TEST(test_R2_4_as_loop)
{
    rib_peer_id ebgp = add_peer(2, true), ibgp = add_peer(3, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), loop = a;

    bgp_as_path_prepend(&a.as_path, 65001);
    bgp_as_path_prepend(&loop.as_path, OUR_AS);
    bgp_as_path_prepend(&loop.as_path, 65001);
    announce(ebgp, &a, macip(1, mac_n(7), NULL));
    assert_at(1, mac_n(7), vtep_n(2));
    announce(ebgp, &loop, macip(1, mac_n(7), NULL)); /* replaces what was usable */
    ck_assert_uint_eq(w.n_macs + held(ebgp), 0);
    ck_assert_uint_eq(ignored(ebgp, EVPN_RIB_IGNORED_AS_LOOP), 1);
    announce(ibgp, &loop, macip(1, mac_n(7), NULL));
    ck_assert_uint_eq(ignored(ibgp, EVPN_RIB_IGNORED_AS_LOOP), 1);
    ck_assert_uint_eq(w.n_macs, 0);
}
END_TEST

START_TEST(test_R2_4_originator_is_us)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);

    a.originator_id = OUR_ID;
    bgp_attrs_set(&a, BGP_ORIGINATOR_ID);
    announce(p, &a, macip(1, mac_n(7), NULL));
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_ORIGINATOR), 1);
    ck_assert_uint_eq(w.n_macs + held(p), 0);
    a.originator_id = OUR_ID + 1;
    announce(p, &a, macip(1, mac_n(7), NULL));
    assert_at(1, mac_n(7), vtep_n(2));
}
END_TEST

START_TEST(test_R2_5_next_hop_must_be_a_foreign_vtep_of_our_family)
{
    static const char *const bad[] = {"198.18.0.1", "224.0.0.1", "127.0.0.1", "0.0.0.0", "fd00::2"};
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        announce(p, &a, macip(1, mac_n(7), NULL));
        a.next_hop = ip(bad[i]);
        announce(p, &a, macip(1, mac_n(7), NULL));
        ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_NEXT_HOP), i + 1);
        ck_assert_uint_eq(w.n_macs, 0);
        a.next_hop = vtep_n(2);
    }
}
END_TEST

START_TEST(test_R2_5_ipv6_vteps)
{
    struct evpn_rib_config c = default_config();
    struct bgp_attrs a = attrs_for(ip("fd00::2"), 1), v4 = attrs_for(vtep_n(2), 1);
    rib_peer_id p;

    c.vtep = ip("fd00::1");
    world_start(&c);
    add_network(1);
    p = add_peer(2, false); /* over IPv4 */
    bgp_attrs_set_ingress_replication(&a, 10001, &(struct ipaddr){6, {0xfd, [15] = 2}});
    announce(p, &a, macip(1, mac_n(7), NULL));
    announce(p, &a, imet(1, ip("fd00::2")));
    assert_at(1, mac_n(7), ip("fd00::2"));
    ck_assert_uint_eq(w.n_floods, 1);
    announce(p, &v4, macip(1, mac_n(8), NULL));
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_NEXT_HOP), 1);
    pull_all(p);
    ck_assert_int_eq(w.ears[p].attrs.next_hop.family, 6);
    ck_assert_uint_eq(w.ears[p].n, 1);
}
END_TEST

/* RFC 7432 section 6.1: VLAN-based service. A tag is that of a VLAN-aware bundle (6.3), which this is not. */
START_TEST(test_R3_2_ethernet_tag_must_be_zero)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    struct evpn_nlri n = macip(1, mac_n(7), "10.0.0.7"), flood = imet(1, vtep_n(2));
    struct ipaddr end = vtep_n(2);

    bgp_attrs_set_ingress_replication(&a, 10001, &end);
    announce(p, &a, n);
    announce(p, &a, flood);
    ck_assert_uint_eq(w.n_macs + w.n_ips + w.n_floods, 3);
    n.etag = 100;
    flood.etag = 0xffffffff;
    announce(p, &a, n);
    announce(p, &a, flood);
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_TAG), 2);
    ck_assert_uint_eq(held(p), 2); /* other keys: those without a tag stay */
    withdraw(p, n);
    withdraw(p, flood);
    ck_assert_uint_eq(held(p), 2);
    n.etag = flood.etag = 0;
    withdraw(p, n);
    withdraw(p, flood);
    ck_assert_uint_eq(held(p) + w.n_macs + w.n_floods, 0);
}
END_TEST

START_TEST(test_R3_4_encapsulation)
{
    rib_peer_id p = add_peer(2, false);
    rib_peer_id strict = add_peer_with((struct evpn_rib_peer){.address = vtep_n(300), .require_encap = true});
    struct bgp_attrs none = attrs_for(vtep_n(2), 1), mpls, both;

    peer_up(strict);
    none.n_extcoms--;
    mpls = both = none;
    bgp_attrs_add_extcom(&mpls, bgp_extcom_encapsulation(10));
    both = mpls;
    bgp_attrs_add_extcom(&both, bgp_extcom_encapsulation(BGP_TUNNEL_VXLAN));
    announce(p, &none, macip(1, mac_n(1), NULL));
    announce(strict, &none, macip(1, mac_n(2), NULL));
    announce(p, &mpls, macip(1, mac_n(3), NULL));
    announce(strict, &both, macip(1, mac_n(4), NULL));
    ck_assert_ptr_nonnull(best_of(1, mac_n(1)));
    ck_assert_ptr_null(best_of(1, mac_n(2)));
    ck_assert_ptr_null(best_of(1, mac_n(3)));
    ck_assert_ptr_nonnull(best_of(1, mac_n(4)));
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_ENCAP), 1);
    ck_assert_uint_eq(ignored(strict, EVPN_RIB_IGNORED_ENCAP), 1);
}
END_TEST

START_TEST(test_R3_7_other_types_do_no_harm)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    struct evpn_nlri n[4] = {
        {.type = EVPN_AD, .etag = 0xffffffff, .label = 10001},
        macip(1, mac_n(7), NULL),
        {.type = EVPN_ES, .ip = vtep_n(2)},
        {.type = EVPN_PREFIX,
         .ip = ip("10.0.0.0"),
         .prefix_len = 8,
         .gateway = {.family = 4},
         .label = 10001},
    };

    announce_n(p, &a, n, 4);
    assert_at(1, mac_n(7), vtep_n(2));
    ck_assert_uint_eq(held(p), 1);
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_TYPE), 3);
    ck_assert_uint_eq(evpn_rib_counts(w.rib, p)->announced[EVPN_AD], 1);
    ck_assert_uint_eq(evpn_rib_counts(w.rib, p)->announced[EVPN_ES], 1);
    ck_assert_uint_eq(evpn_rib_counts(w.rib, p)->announced[EVPN_PREFIX], 1);
    withdraw_n(p, n, 4);
    ck_assert_uint_eq(held(p), 0);
    ck_assert_uint_eq(evpn_rib_counts(w.rib, p)->withdrawn, 4);
}
END_TEST

START_TEST(test_group_and_zero_macs_are_ignored)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);

    announce(p, &a, macip(1, (struct mac){{0}}, NULL));
    announce(p, &a, macip(1, (struct mac){{0x01, 0, 0x5e}}, NULL));
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_MAC), 2);
    ck_assert_uint_eq(held(p), 0);
}
END_TEST

START_TEST(test_R2_2_treated_as_withdrawn)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), bad = a;

    announce(p, &a, macip(1, mac_n(7), NULL));
    bad.present &= ~(1ull << BGP_ORIGIN); /* RFC 7606 section 3 d */
    announce(p, &bad, macip(1, mac_n(7), NULL));
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_MALFORMED), 1);
    ck_assert_uint_eq(w.n_macs + held(p), 0);
}
END_TEST

START_TEST(test_update_of_a_peer_that_is_down_is_nothing)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);

    peer_down(p, false);
    announce(p, &a, macip(1, mac_n(7), NULL));
    ck_assert_uint_eq(w.n_macs + held(p), 0);
}
END_TEST

/* ---- R2.6 */

START_TEST(test_R2_6_maximum_and_warning_level)
{
    struct evpn_rib_peer config = {.address = vtep_n(300), .max_routes = 10, .warning_percent = 80};
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    rib_peer_id p = add_peer_with(config);

    peer_up(p);
    for (unsigned i = 1; i <= 7; i++)
        announce(p, &a, macip(1, mac_n(i), NULL));
    ck_assert_uint_eq(w.alerts[EVPN_RIB_WARNING], 0);
    announce(p, &a, macip(1, mac_n(7), NULL)); /* not a new one */
    ck_assert_uint_eq(w.alerts[EVPN_RIB_WARNING], 0);
    for (unsigned i = 8; i <= 10; i++)
        announce(p, &a, macip(1, mac_n(i), NULL));
    ck_assert_uint_eq(w.alerts[EVPN_RIB_WARNING], 1);
    ck_assert_uint_eq(w.alerts[EVPN_RIB_EXCEEDED], 0);
    announce(p, &a, macip(1, mac_n(11), NULL));
    announce(p, &a, macip(1, mac_n(12), NULL));
    ck_assert_uint_eq(w.alerts[EVPN_RIB_EXCEEDED], 1);
    ck_assert_uint_eq(w.alert_peer, p);
    ck_assert_uint_eq(held(p), 10);
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_LIMIT), 2);
    mobility(&a, false, 1);
    announce(p, &a, macip(1, mac_n(1), NULL)); /* those it has may change */
    ck_assert_uint_eq(best_of(1, mac_n(1))->sequence, 1);
    for (unsigned i = 1; i <= 3; i++)
        withdraw(p, macip(1, mac_n(i), NULL));
    announce(p, &a, macip(1, mac_n(1), NULL));
    ck_assert_uint_eq(w.alerts[EVPN_RIB_WARNING], 2);
    ck_assert_uint_eq(w.alerts[EVPN_RIB_EXCEEDED], 1);
}
END_TEST

/* A peer that restarted comes back with other routes while its old ones are kept. */
START_TEST(test_R2_6_R2_7_stale_routes_do_not_count)
{
    struct evpn_rib_peer config = {.address = vtep_n(300), .max_routes = 10, .warning_percent = 80};
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    rib_peer_id p = add_peer_with(config);

    peer_up(p);
    for (unsigned i = 0; i < 9; i++)
        announce(p, &a, macip(1, mac_n(i + 1), NULL));
    ck_assert_uint_eq(w.alerts[EVPN_RIB_WARNING], 1);
    peer_down(p, true);
    peer_up(p);
    for (unsigned i = 0; i < 7; i++)
        announce(p, &a, macip(1, mac_n(i + 100), NULL));
    ck_assert_uint_eq(w.alerts[EVPN_RIB_WARNING], 1);
    for (unsigned i = 0; i < 3; i++) /* fresh again, so they count */
        announce(p, &a, macip(1, mac_n(i + 1), NULL));
    ck_assert_uint_eq(w.alerts[EVPN_RIB_WARNING], 2);
    ck_assert_uint_eq(w.alerts[EVPN_RIB_EXCEEDED], 0);
    ck_assert_uint_eq(held(p), 16);
    announce(p, &a, macip(1, mac_n(4), NULL));
    ck_assert_uint_eq(w.alerts[EVPN_RIB_EXCEEDED], 1);
    ck_assert_uint_eq(evpn_rib_sweep(w.rib, p), 5);
    ck_assert_uint_eq(held(p), 10);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_R2_4_as_loop,
        test_R2_4_originator_is_us,
        test_R2_5_next_hop_must_be_a_foreign_vtep_of_our_family,
        test_R2_5_ipv6_vteps,
        test_R3_2_ethernet_tag_must_be_zero,
        test_R3_4_encapsulation,
        test_R3_7_other_types_do_no_harm,
        test_group_and_zero_macs_are_ignored,
        test_R2_2_treated_as_withdrawn,
        test_update_of_a_peer_that_is_down_is_nothing,
        test_R2_6_maximum_and_warning_level,
        test_R2_6_R2_7_stale_routes_do_not_count,
    };

    return world_run("evpn_rib_ignored", tests, sizeof(tests) / sizeof(tests[0]));
}
