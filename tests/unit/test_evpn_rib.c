/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The EVPN RIB, receiving: every rule by its number. What it announces is test_evpn_rib_out.c's, random
 * operations against a model are test_evpn_rib_random.c's.
 */
#include "tests/unit/evpn_rib_world.h"

static void setup(void)
{
    struct evpn_rib_config c = default_config();

    world_start(&c);
    add_network(1);
    add_network(2);
}

static uint64_t ignored(rib_peer_id p, enum evpn_rib_ignored why)
{
    return evpn_rib_counts(w.rib, p)->ignored[why];
}

static uint32_t held(rib_peer_id p)
{
    return evpn_rib_counts(w.rib, p)->macs + evpn_rib_counts(w.rib, p)->vteps;
}

static void check_totals(uint32_t routes, uint32_t dests, uint32_t attrs)
{
    struct evpn_rib_totals t;

    evpn_rib_totals(w.rib, &t);
    ck_assert_uint_eq(t.routes, routes);
    ck_assert_uint_eq(t.dests, dests);
    ck_assert_uint_eq(t.attrs, attrs);
}

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
    n.label = 4711;
    n.esi.b[9] = 1;
    announce(p, &a, n);
    ck_assert_uint_eq(held(p), 1);
    ck_assert_uint_eq(best_of(1, mac_n(7))->vni, 4711);
    ck_assert_uint_eq(best_of(1, mac_n(7))->esi.b[9], 1); /* R4.4 needs it */
    n.label = 0;
    memset(&n.esi, 0, sizeof(n.esi));
    withdraw(p, n);
    ck_assert_uint_eq(held(p), 0);
}
END_TEST

START_TEST(test_withdrawn_and_announced_in_one_update)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    struct bgp_rules rules = {.ebgp = false, .as4 = true};
    struct evpn_nlri n = macip(1, mac_n(7), NULL), other = macip(2, mac_n(7), NULL);
    struct evpn_nlri gone[2] = {n, macip(3, mac_n(7), NULL)};
    uint8_t reach[4096], attrs[4096], msg[4096];
    struct buf_out out, part;
    struct bgp_update u;
    struct bgp_error err;
    struct bgp_frame f;
    size_t hole, mp;

    announce(p, &a, gone[1]);
    /* MP_UNREACH with both, MP_REACH with the first: RFC 4271 section 3.1 says it is not withdrawn. */
    buf_out_init(&part, reach, sizeof(reach));
    evpn_encode(&n, &part);
    evpn_encode(&other, &part);
    buf_out_init(&out, attrs, sizeof(attrs));
    bgp_attrs_encode(&a, &rules, &out);
    {
        struct buf_out m;

        bgp_msg_begin(&m, msg, sizeof(msg), BGP_UPDATE);
        buf_put_u16(&m, 0);
        hole = buf_hole_u16(&m);
        buf_put(&m, (uint8_t[]){0x90, BGP_MP_UNREACH}, 2);
        mp = buf_hole_u16(&m);
        buf_put(&m, (uint8_t[]){0, 25, 70}, 3);
        evpn_encode(&gone[0], &m);
        evpn_encode(&gone[1], &m);
        buf_fill_u16(&m, mp);
        buf_put(&m, (uint8_t[]){0x90, BGP_MP_REACH}, 2);
        mp = buf_hole_u16(&m);
        buf_put(&m, (uint8_t[]){0, 25, 70, 4, 198, 18, 0, 2, 0}, 9);
        buf_put(&m, reach, part.len);
        buf_fill_u16(&m, mp);
        buf_put(&m, attrs, out.len);
        buf_fill_u16(&m, hole);
        ck_assert_int_gt(bgp_msg_end(&m), 0);
        ck_assert_int_gt(bgp_frame_next(msg, m.len, BGP_MSG_MAX, &f, &err), 0);
    }
    ck_assert_int_eq(bgp_update_decode(f.body, f.body_len, &rules, &u, &err), 0);
    evpn_rib_update(w.rib, p, &u);
    ck_assert_uint_eq(held(p), 2);
    assert_at(1, mac_n(7), vtep_n(2));
    ck_assert_uint_eq(w.mac_calls, 1); /* from one route to another without a gap */
}
END_TEST

/* ---- R3.3 import */

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
    announce(p, &two, n); /* label 10001 and RD number 1 say nothing */
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

/* Exact targets want the whole value; "any AS" the number only, in all three forms that a target has. */
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
        {bgp_extcom_rt_vni(4200000001u, 10001), 1},    {bgp_extcom_rt_as4(4200000001u, 10001), 1},
        {bgp_extcom_rt_ip(0x0a000001, 10002), 2},      {bgp_extcom_encapsulation(10001), 0},
        {bgp_extcom_rt_vni(4200000001u, 0x2711ff), 0},
    };
    rib_peer_id p = add_peer(2, false);

    ck_assert_int_eq(evpn_rib_network_set(w.rib, &n3), 0);
    ck_assert_int_eq(evpn_rib_network_set(w.rib, &n4), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bgp_attrs a = attrs_for(vtep_n(2), 0);

        bgp_attrs_add_extcom(&a, cases[i].rt);
        announce(p, &a, macip(1, mac_n(7), NULL));
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
    struct evpn_rib_network n = {.id = 1, .vni = 10001, .rd = world_rd(1), .import_rts = &rt, .n_import = 1};

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

/* ---- R2.7 graceful restart */

START_TEST(test_R2_7_stale_routes_stay_in_use_and_are_relearned_in_place)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    unsigned calls;

    announce(p, &a, macip(1, mac_n(1), "10.0.0.1"));
    announce(p, &a, macip(1, mac_n(2), NULL));
    announce(p, &a, macip(1, mac_n(3), NULL));
    calls = w.mac_calls + w.ip_calls;
    peer_down(p, true);
    ck_assert_uint_eq(evpn_rib_counts(w.rib, p)->stale, 3);
    assert_at(1, mac_n(1), vtep_n(2));
    peer_up(p);
    announce(p, &a, macip(1, mac_n(1), "10.0.0.1"));
    mobility(&a, false, 4);
    announce(p, &a, macip(1, mac_n(2), NULL)); /* it moved meanwhile */
    ck_assert_uint_eq(evpn_rib_counts(w.rib, p)->stale, 1);
    ck_assert_uint_eq(w.mac_calls + w.ip_calls, calls + 1);
    ck_assert_uint_eq(evpn_rib_sweep(w.rib, p), 1); /* End-of-RIB */
    ck_assert_uint_eq(w.n_macs, 2);
    ck_assert_ptr_null(best_of(1, mac_n(3)));
    ck_assert_uint_eq(evpn_rib_counts(w.rib, p)->stale, 0);
    ck_assert_uint_eq(evpn_rib_sweep(w.rib, p), 0);
}
END_TEST

START_TEST(test_R2_7_lost_twice)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);

    announce(p, &a, macip(1, mac_n(1), NULL));
    announce(p, &a, macip(1, mac_n(2), NULL));
    peer_down(p, true);
    peer_up(p);
    announce(p, &a, macip(1, mac_n(2), NULL));
    peer_down(p, true);
    /* RFC 4724 section 4.2: stale from the first time goes, the others are stale now. */
    ck_assert_ptr_null(best_of(1, mac_n(1)));
    assert_at(1, mac_n(2), vtep_n(2));
    ck_assert_uint_eq(evpn_rib_counts(w.rib, p)->stale, 1);
    evpn_rib_sweep(w.rib, p); /* the restart time is over, still down */
    ck_assert_uint_eq(w.n_macs + held(p), 0);
    check_totals(0, 0, 0);
}
END_TEST

START_TEST(test_R2_7_stale_and_withdrawn)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);

    announce(p, &a, macip(1, mac_n(1), NULL));
    peer_down(p, true);
    peer_up(p);
    withdraw(p, macip(1, mac_n(1), NULL));
    ck_assert_uint_eq(evpn_rib_counts(w.rib, p)->stale + held(p) + w.n_macs, 0);
}
END_TEST

/* ---- R9.5 */

START_TEST(test_R9_5_a_lost_peer_takes_all_in_one_step)
{
    rib_peer_id p = add_peer(2, false), q = add_peer(3, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), b = attrs_for(vtep_n(3), 1);

    for (unsigned i = 1; i <= 100; i++) {
        announce(p, &a, macip(1, mac_n(i), NULL));
        announce(p, &a, macip(1, mac_n(i), "10.0.0.1"));
        announce(p, &a, macip(2, mac_n(i), NULL));
        if (i <= 40)
            announce(q, &b, macip(3, mac_n(i), NULL)); /* no choice: a higher VTEP */
    }
    ck_assert_uint_eq(w.mac_calls, 100);
    peer_down(p, false);
    ck_assert_uint_eq(w.mac_calls, 200); /* once for each MAC */
    ck_assert_uint_eq(w.n_macs, 40);
    assert_at(1, mac_n(40), vtep_n(3));
    ck_assert_uint_eq(held(p), 0);
    ck_assert_uint_eq(w.n_ips, 0);
    check_totals(40, 40, 1);
}
END_TEST

START_TEST(test_R9_5_R10_1_a_lost_vtep)
{
    rib_peer_id p = add_peer(2, false), q = add_peer(3, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), b = attrs_for(vtep_n(3), 1);
    struct ipaddr lost = vtep_n(2), never = vtep_n(99);

    bgp_attrs_set_ingress_replication(&a, 10001, &lost);
    announce(p, &a, imet(1, lost));
    for (unsigned i = 1; i <= 20; i++) {
        announce(p, &a, macip(1, mac_n(i), NULL));
        announce(q, &a, macip(1, mac_n(i), NULL)); /* the same by a reflector */
    }
    announce(q, &b, macip(2, mac_n(1), NULL));
    ck_assert_uint_eq(w.mac_calls, 20);
    ck_assert_int_eq(evpn_rib_vtep_lost(w.rib, &lost), 0);
    ck_assert_int_eq(evpn_rib_vtep_lost(w.rib, &lost), 0);
    ck_assert_uint_eq(w.mac_calls, 40);
    ck_assert_uint_eq(w.n_macs, 1);
    ck_assert_uint_eq(w.n_floods, 0);
    assert_at(1, mac_n(1), vtep_n(3));
    announce(p, &a, macip(1, mac_n(50), NULL)); /* what peers say does not help */
    ck_assert_ptr_null(best_of(1, mac_n(50)));
    evpn_rib_vtep_found(w.rib, &lost);
    evpn_rib_vtep_found(w.rib, &lost);
    ck_assert_uint_eq(w.n_macs, 21);
    ck_assert_uint_eq(w.n_floods, 1);
    assert_at(1, mac_n(1), vtep_n(2));
    /* One that nobody has announced yet. */
    ck_assert_int_eq(evpn_rib_vtep_lost(w.rib, &never), 0);
    a = attrs_for(never, 1);
    announce(p, &a, macip(1, mac_n(60), NULL));
    ck_assert_ptr_null(best_of(1, mac_n(60)));
    evpn_rib_vtep_found(w.rib, &never);
    assert_at(1, mac_n(60), never);
}
END_TEST

/* ---- R2.6 and other limits */

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

START_TEST(test_room_for_routes_and_attributes_is_bounded)
{
    struct evpn_rib_config c = default_config();
    rib_peer_id p;

    c.max_routes = 5;
    c.max_attr_bytes = 200;
    world_start(&c);
    add_network(1);
    p = add_peer(2, false);
    for (unsigned i = 1; i <= 8; i++) {
        struct bgp_attrs a = attrs_for(vtep_n(2), 1);

        announce(p, &a, macip(1, mac_n(i), NULL));
    }
    ck_assert_uint_eq(held(p), 5);
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_ROOM), 3);
    for (unsigned i = 1; i <= 5; i++) {
        struct bgp_attrs a = attrs_for(vtep_n(2), 1);

        a.med = i;
        bgp_attrs_set(&a, BGP_MED);
        announce(p, &a, macip(1, mac_n(i), NULL));
    }
    /* What it said before is no longer true, and what it says now cannot be kept. */
    ck_assert_uint_gt(ignored(p, EVPN_RIB_IGNORED_ROOM), 3);
    ck_assert_uint_lt(held(p), 5);
    ck_assert_uint_eq(held(p), w.n_macs);
}
END_TEST

START_TEST(test_too_many_routes_of_one_mac)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    char host[IPADDR_STRLEN];

    for (unsigned i = 0; i < 1100; i++) {
        snprintf(host, sizeof(host), "10.0.%u.%u", i >> 8, i & 255);
        announce(p, &a, macip(1, mac_n(7), host));
    }
    ck_assert_uint_eq(held(p), 1024);
    ck_assert_uint_eq(w.n_ips, 1024);
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_ROOM), 1100 - 1024);
    peer_down(p, false);
    ck_assert_uint_eq(w.n_ips, 0);
    check_totals(0, 0, 0);
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
    n.n_labels = 2;
    n.etag = 12;
    announce(p, &a, n);
    announce(p, &a, macip(1, mac_n(8), NULL));
    ck_assert_int_eq(evpn_rib_announce(w.rib, 1, mac_n(7), NULL, 2, false), 0);

    ck_assert(evpn_rib_next(w.rib, &mac, &cursor, &r, &got));
    ck_assert(r.own && r.net == 1 && r.peer == 0);
    ck_assert_uint_eq(bgp_extcom_sequence(bgp_attrs_extcom(&got, BGP_EXTCOM_MOBILITY)), 2);
    ck_assert(evpn_rib_next(w.rib, &mac, &cursor, &r, &got));
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
    ck_assert(!evpn_rib_next(w.rib, &mac, &cursor, &r, &got));
    ck_assert(!evpn_rib_next(w.rib, &mac, &cursor, &r, &got));

    for (cursor = 0; evpn_rib_next(w.rib, &type3, &cursor, &r, NULL); total++)
        ck_assert(r.own);
    ck_assert_uint_eq(total, 2);
    for (cursor = 0, total = 0; evpn_rib_next(w.rib, &all, &cursor, &r, NULL); total++)
        ;
    ck_assert_uint_eq(total, 5);
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
    Suite *s = suite_create("evpn_rib");
    TCase *tc = tcase_create("receiving");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(tc, setup, world_stop);
    tcase_add_test(tc, test_R3_6_mac_only_and_mac_ip);
    tcase_add_test(tc, test_binding_is_told_once_for_all_its_routes);
    tcase_add_test(tc, test_implicit_withdraw_replaces_in_place);
    tcase_add_test(tc, test_label_is_no_part_of_the_key);
    tcase_add_test(tc, test_withdrawn_and_announced_in_one_update);
    tcase_add_test(tc, test_R3_3_import_is_by_route_target_alone);
    tcase_add_test(tc, test_R3_3_one_route_in_several_networks);
    tcase_add_test(tc, test_R3_3_exact_and_any_as_targets);
    tcase_add_test(tc, test_R3_3_networks_that_come_and_go);
    tcase_add_test(tc, test_network_refused);
    tcase_add_test(tc, test_R2_4_as_loop);
    tcase_add_test(tc, test_R2_4_originator_is_us);
    tcase_add_test(tc, test_R2_5_next_hop_must_be_a_foreign_vtep_of_our_family);
    tcase_add_test(tc, test_R2_5_ipv6_vteps);
    tcase_add_test(tc, test_R3_4_encapsulation);
    tcase_add_test(tc, test_R3_7_other_types_do_no_harm);
    tcase_add_test(tc, test_group_and_zero_macs_are_ignored);
    tcase_add_test(tc, test_R2_2_treated_as_withdrawn);
    tcase_add_test(tc, test_update_of_a_peer_that_is_down_is_nothing);
    tcase_add_test(tc, test_R3_5_R8_1_flood_list);
    tcase_add_test(tc, test_R3_5_other_tunnels_are_counted);
    tcase_add_test(tc, test_R2_7_stale_routes_stay_in_use_and_are_relearned_in_place);
    tcase_add_test(tc, test_R2_7_lost_twice);
    tcase_add_test(tc, test_R2_7_stale_and_withdrawn);
    tcase_add_test(tc, test_R9_5_a_lost_peer_takes_all_in_one_step);
    tcase_add_test(tc, test_R9_5_R10_1_a_lost_vtep);
    tcase_add_test(tc, test_R2_6_maximum_and_warning_level);
    tcase_add_test(tc, test_room_for_routes_and_attributes_is_bounded);
    tcase_add_test(tc, test_too_many_routes_of_one_mac);
    tcase_add_test(tc, test_routes_are_shown_with_all_attributes);
    tcase_add_test(tc, test_peers_come_and_go);
    tcase_add_test(tc, test_every_reason_has_a_name);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
