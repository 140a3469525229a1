/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The EVPN RIB, receiving: which networks a route goes into (R3.3).
 */
#include "tests/unit/evpn_rib_world.h"

START_TEST(test_R3_3_import_is_by_route_target_alone)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs none = attrs_for(vtep_n(2), 0), two = attrs_for(vtep_n(2), 2),
                     other = attrs_for(vtep_n(2), 77);
    struct evpn_nlri n = macip(1, mac_n(7), NULL);

    announce(p, &none, n);
    announce(p, &other, macip(1, mac_n(8), NULL));
    ck_assert_uint_eq(w.n_macs, 0);
    ck_assert_uint_eq(held(p), 2); /* kept: a network may want them tomorrow */
    ck_assert_uint_eq(evpn_rib_counts(w.rib, p)->imported, 0);
    announce(p, &two, n); /* RD number 1 says nothing */
    assert_at(2, mac_n(7), vtep_n(2));
    ck_assert_ptr_null(best_of(1, mac_n(7)));
    announce(p, &none, n);
    ck_assert_uint_eq(w.n_macs, 0);
    ck_assert_uint_eq(held(p), 2);
}
END_TEST

START_TEST(test_R3_3_one_route_in_several_networks)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs one = attrs_for(vtep_n(2), 1), both = attrs_for(vtep_n(2), 1),
                     two = attrs_for(vtep_n(3), 2);
    struct evpn_nlri n = macip(1, mac_n(7), "10.0.0.7");

    add_network_vni(2, 10001);
    n.label = 10001;
    bgp_attrs_add_extcom(&both, bgp_extcom_rt_vni(OUR_AS, 10002));
    announce(p, &both, n);
    assert_at(1, mac_n(7), vtep_n(2));
    assert_at(2, mac_n(7), vtep_n(2));
    ck_assert_uint_eq(held(p), 1); /* one route, whatever becomes of it */
    ck_assert_uint_eq(evpn_rib_counts(w.rib, p)->imported, 2);
    ck_assert_uint_eq(w.n_ips, 2);

    announce(p, &one, n);
    ck_assert_ptr_null(best_of(2, mac_n(7)));
    ck_assert_uint_eq(w.n_ips, 1);
    announce(p, &both, n);
    announce(p, &two, n);
    ck_assert_ptr_null(best_of(1, mac_n(7)));
    assert_at(2, mac_n(7), vtep_n(3));
    announce(p, &both, n);
    withdraw(p, n);
    ck_assert_uint_eq(w.n_macs + w.n_ips + held(p), 0);
    check_totals(0, 0, 0);
}
END_TEST

/* Exact targets want the whole value; "any AS" the form and the number. */
START_TEST(test_R3_3_exact_and_any_as_targets)
{
    struct evpn_rib_rt exact[2] = {{.rt = bgp_extcom_rt_vni(OUR_AS, 500)},
                                   {.rt = bgp_extcom_rt_ip(OUR_ID, 7)}};
    struct evpn_rib_rt any = {.rt = bgp_extcom_rt_rfc8365(OUR_AS, 10004), .any_as = true};
    struct evpn_rib_network n3 = {.id = 3, .vni = 500, .rd = world_rd(3), .import_rts = exact, .n_import = 2};
    struct evpn_rib_network n4 = {.id = 4, .vni = 501, .rd = world_rd(4), .import_rts = &any, .n_import = 1};
    const struct {
        struct bgp_extcom rt;
        dp_net_id net;
    } cases[] = {
        {bgp_extcom_rt_as2(OUR_AS, 500), 3},           {bgp_extcom_rt_as2(OUR_AS + 1, 500), 0},
        {bgp_extcom_rt_as4(OUR_AS, 500), 0},           {bgp_extcom_rt_ip(OUR_ID, 7), 3},
        {bgp_extcom_rt_ip(OUR_ID + 1, 7), 0},          {bgp_extcom_rt_rfc8365(1, 10004), 4},
        {bgp_extcom_rt_rfc8365(OUR_AS, 10004), 4},     {bgp_extcom_rt_rfc8365(OUR_AS, 10005), 0},
        {bgp_extcom_rt_vni(4200000001u, 10001), 1},    {bgp_extcom_rt_as4(4200000001u, 10001), 0},
        {bgp_extcom_rt_ip(0x0a010101, 10001), 0},      {bgp_extcom_encapsulation(10001), 0},
        {bgp_extcom_rt_vni(4200000001u, 0x2711ff), 0},
    };
    const uint32_t vnis[] = {10001, 10001, 10002, 500, 501};
    struct evpn_nlri n = macip(1, mac_n(7), NULL);
    rib_peer_id p = add_peer(2, false);

    ck_assert_int_eq(evpn_rib_network_set(w.rib, &n3), 0);
    ck_assert_int_eq(evpn_rib_network_set(w.rib, &n4), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bgp_attrs a = attrs_for(vtep_n(2), 0);

        bgp_attrs_add_extcom(&a, cases[i].rt);
        n.label = vnis[cases[i].net];
        announce(p, &a, n);
        ck_assert_msg(w.n_macs == (cases[i].net != 0), "case %zu: %u", i, w.n_macs);
        if (w.n_macs)
            ck_assert_msg(w.macs[0].net == cases[i].net, "case %zu: net %u", i, w.macs[0].net);
    }
}
END_TEST

START_TEST(test_R3_3_networks_that_come_and_go)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs three = attrs_for(vtep_n(2), 3), one = attrs_for(vtep_n(2), 1);
    struct evpn_rib_rt rt = {.rt = bgp_extcom_rt_vni(OUR_AS, 10003)};
    struct evpn_rib_network n = {.id = 1, .vni = 10003, .rd = world_rd(1), .import_rts = &rt, .n_import = 1};

    bgp_attrs_set_ingress_replication(&three, 10003, &(struct ipaddr){4, {198, 18, 0, 2}});
    announce(p, &three, macip(3, mac_n(7), "10.0.0.7"));
    announce(p, &three, imet(3, vtep_n(2)));
    announce(p, &one, macip(1, mac_n(8), NULL));
    ck_assert_uint_eq(w.n_macs, 1);
    add_network(3);
    ck_assert_uint_eq(w.n_macs, 1);
    evpn_rib_apply(w.rib);
    assert_at(3, mac_n(7), vtep_n(2));
    ck_assert_uint_eq(w.n_ips, 1);
    ck_assert_uint_eq(w.n_floods, 1);
    /* Only what network 1 imports changes. */
    ck_assert_int_eq(evpn_rib_network_set(w.rib, &n), 0);
    evpn_rib_apply(w.rib);
    ck_assert_ptr_null(best_of(1, mac_n(8)));
    assert_at(1, mac_n(7), vtep_n(2));
    ck_assert_uint_eq(w.n_floods, 2);
    evpn_rib_network_remove(w.rib, 3);
    evpn_rib_apply(w.rib);
    ck_assert_ptr_null(best_of(3, mac_n(7)));
    ck_assert_uint_eq(w.n_floods, 1);
    ck_assert_uint_eq(held(p), 3);
    evpn_rib_network_remove(w.rib, 1);
    evpn_rib_network_remove(w.rib, 1);
    evpn_rib_apply(w.rib);
    ck_assert_uint_eq(w.n_macs + w.n_ips + w.n_floods, 0);
    ck_assert_uint_eq(held(p), 3);
}
END_TEST

/* RFC 8365 section 5.1.3: the label is the VNI that frames must have, and a network has one. */
START_TEST(test_R3_1_label_must_be_the_networks_vni)
{
    rib_peer_id p = add_peer(2, false);
    struct evpn_nlri n = macip(1, mac_n(7), "10.0.0.7"), flood = imet(1, vtep_n(2));
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), none = attrs_for(vtep_n(2), 0);
    struct evpn_rib_filter all = {.peer = p};
    struct ipaddr end = vtep_n(2);
    struct evpn_rib_route r;
    uint64_t cursor = 0;

    announce(p, &a, n);
    ck_assert_uint_eq(w.n_macs, 1);
    n.label = 4242;
    announce(p, &a, n); /* replaces what was good */
    bgp_attrs_set_ingress_replication(&a, 999, &end);
    announce(p, &a, flood);
    ck_assert_uint_eq(w.n_macs + w.n_ips + w.n_floods, 0);
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_LABEL), 2);
    ck_assert_uint_eq(held(p), 2);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert(evpn_rib_next(w.rib, &all, &cursor, &r, NULL, NULL));
        ck_assert(r.wrong_label && r.net == 0 && !r.best);
    }
    /* The network gets that VNI: what is held goes into it. */
    add_network_vni(1, 4242);
    evpn_rib_apply(w.rib);
    assert_at(1, mac_n(7), vtep_n(2));
    ck_assert_uint_eq(w.n_ips, 1);
    ck_assert_uint_eq(w.n_floods, 0);
    add_network_vni(1, 999);
    evpn_rib_apply(w.rib);
    ck_assert_uint_eq(w.n_macs + w.n_ips, 0);
    ck_assert_uint_eq(w.n_floods, 1);
    /* Without a target of ours it is nobody's, whatever its label. */
    announce(p, &none, n);
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_LABEL), 2);
    withdraw(p, flood);
    cursor = 0;
    ck_assert(evpn_rib_next(w.rib, &all, &cursor, &r, NULL, NULL));
    ck_assert(!r.wrong_label && r.net == 0);
}
END_TEST

START_TEST(test_network_refused)
{
    struct evpn_rib_rt not_a_target = {.rt = bgp_extcom_encapsulation(8)};
    struct evpn_rib_network n = {
        .id = 5, .vni = 10, .rd = world_rd(5), .import_rts = &not_a_target, .n_import = 1};

    ck_assert_int_eq(evpn_rib_network_set(w.rib, &n), -EINVAL);
    n.n_import = 0;
    ck_assert_int_eq(evpn_rib_network_set(w.rib, &n), 0);
    n.vni = 0;
    ck_assert_int_eq(evpn_rib_network_set(w.rib, &n), -EINVAL);
    n.vni = VNI_MAX + 1;
    ck_assert_int_eq(evpn_rib_network_set(w.rib, &n), -EINVAL);
    n.vni = 10;
    n.id = 0;
    ck_assert_int_eq(evpn_rib_network_set(w.rib, &n), -EINVAL);
    n.id = DP_MAX_NETWORKS + 1;
    ck_assert_int_eq(evpn_rib_network_set(w.rib, &n), -EINVAL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_R3_3_import_is_by_route_target_alone, test_R3_3_one_route_in_several_networks,
        test_R3_3_exact_and_any_as_targets,        test_R3_3_networks_that_come_and_go,
        test_R3_1_label_must_be_the_networks_vni,  test_network_refused,
    };

    return world_run("evpn_rib_import", tests, sizeof(tests) / sizeof(tests[0]));
}
