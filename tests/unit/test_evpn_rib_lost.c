/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The EVPN RIB, receiving: peers and VTEPs that are lost, and come back.
 */
#include "tests/unit/evpn_rib_world.h"

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
    evpn_rib_vteps_apply(w.rib);
    ck_assert_uint_eq(w.mac_calls, 40);
    ck_assert_uint_eq(w.n_macs, 1);
    ck_assert_uint_eq(w.n_floods, 0);
    assert_at(1, mac_n(1), vtep_n(3));
    announce(p, &a, macip(1, mac_n(50), NULL)); /* what peers say does not help */
    ck_assert_ptr_null(best_of(1, mac_n(50)));
    evpn_rib_vtep_found(w.rib, &lost);
    evpn_rib_vtep_found(w.rib, &lost);
    evpn_rib_vteps_apply(w.rib);
    ck_assert_uint_eq(w.n_macs, 21);
    ck_assert_uint_eq(w.n_floods, 1);
    assert_at(1, mac_n(1), vtep_n(2));
    /* One that nobody has announced yet. */
    ck_assert_int_eq(evpn_rib_vtep_lost(w.rib, &never), 0);
    evpn_rib_vteps_apply(w.rib);
    ck_assert(!evpn_rib_vtep_used(w.rib, &never));
    a = attrs_for(never, 1);
    announce(p, &a, macip(1, mac_n(60), NULL));
    ck_assert_ptr_null(best_of(1, mac_n(60)));
    ck_assert(evpn_rib_vtep_used(w.rib, &never));
    evpn_rib_vtep_found(w.rib, &never);
    evpn_rib_vteps_apply(w.rib);
    ck_assert(evpn_rib_vtep_used(w.rib, &never));
    assert_at(1, mac_n(60), never);
}
END_TEST

static void lose(unsigned vtep)
{
    struct ipaddr a = vtep_n(vtep);

    ck_assert_int_eq(evpn_rib_vtep_lost(w.rib, &a), 0);
}

static void find(unsigned vtep)
{
    struct ipaddr a = vtep_n(vtep);

    evpn_rib_vtep_found(w.rib, &a);
}

/* What was told of a MAC goes with it, IPs too, and comes back with it, changed as it was meanwhile. */
START_TEST(test_R9_5_ips_go_and_come_with_the_vtep)
{
    rib_peer_id p = add_peer(2, false), q = add_peer(3, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), b = attrs_for(vtep_n(3), 1);
    struct ipaddr host = ip("10.0.0.8"), other = ip("10.0.0.9");

    announce(p, &a, macip(1, mac_n(1), "10.0.0.7"));
    announce(q, &a, macip(1, mac_n(1), "10.0.0.7"));
    announce(p, &a, macip(1, mac_n(1), "10.0.0.8"));
    ck_assert_uint_eq(w.ip_calls, 2);
    lose(2);
    evpn_rib_vteps_apply(w.rib);
    ck_assert_uint_eq(w.n_macs + w.n_ips, 0);
    ck_assert_uint_eq(w.ip_calls, 4);
    /* What comes and goes while it is lost is nobody's business. */
    announce(p, &a, macip(1, mac_n(1), "10.0.0.9"));
    withdraw(p, macip(1, mac_n(1), "10.0.0.7"));
    withdraw(q, macip(1, mac_n(1), "10.0.0.7"));
    announce(p, &a, macip(1, mac_n(2), "10.0.0.9"));
    ck_assert_uint_eq(w.ip_calls, 4);
    find(2);
    evpn_rib_vteps_apply(w.rib);
    ck_assert_uint_eq(w.n_macs, 2);
    ck_assert_uint_eq(w.n_ips, 3);
    ck_assert_ptr_nonnull(told_in(w.ips, w.n_ips, 1, mac_n(1), &host));
    ck_assert_ptr_nonnull(told_in(w.ips, w.n_ips, 1, mac_n(1), &other));
    ck_assert_ptr_nonnull(told_in(w.ips, w.n_ips, 1, mac_n(2), &other));
    /* With another place to be, a MAC keeps them. */
    announce(q, &b, macip(2, mac_n(2), NULL));
    lose(2);
    evpn_rib_vteps_apply(w.rib);
    assert_at(1, mac_n(2), vtep_n(3));
    ck_assert_uint_eq(w.n_ips, 1);
    withdraw(q, macip(2, mac_n(2), NULL));
    ck_assert_uint_eq(w.n_macs + w.n_ips, 0);
    peer_down(p, false);
    find(2);
    evpn_rib_vteps_apply(w.rib);
    check_totals(0, 0, 0);
}
END_TEST

START_TEST(test_R9_5_many_vteps_go_in_one_pass)
{
    rib_peer_id p = add_peer(2, false), q = add_peer(3, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), b = attrs_for(vtep_n(3), 1), c = attrs_for(vtep_n(4), 1);

    announce(p, &a, macip(1, mac_n(1), NULL));
    announce(q, &b, macip(2, mac_n(1), NULL));
    announce(q, &c, macip(3, mac_n(1), NULL));
    announce(q, &b, macip(2, mac_n(2), NULL));
    ck_assert_uint_eq(w.mac_calls, 2);
    lose(2);
    lose(3);
    ck_assert_uint_eq(w.mac_calls, 2);
    evpn_rib_vteps_apply(w.rib);
    ck_assert_uint_eq(w.mac_calls, 4); /* never at VTEP 3 in between */
    assert_at(1, mac_n(1), vtep_n(4));
    ck_assert_ptr_null(best_of(1, mac_n(2)));
    evpn_rib_vteps_apply(w.rib);
    find(3);
    lose(3);
    evpn_rib_vteps_apply(w.rib);
    ck_assert_uint_eq(w.mac_calls, 4);
}
END_TEST

START_TEST(test_R4_3_newest_sequence_at_lost_vteps)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), b = attrs_for(vtep_n(3), 1), c = attrs_for(vtep_n(4), 1);
    uint32_t seq;

    mobility(&a, false, 0xffffffff);
    mobility(&b, false, 2); /* newer: it went round (R4.6) */
    mobility(&c, false, 9);
    announce(p, &a, macip(1, mac_n(1), NULL));
    announce(p, &b, macip(2, mac_n(1), NULL));
    announce(p, &c, macip(3, mac_n(1), NULL));
    ck_assert(!evpn_rib_lost_sequence(w.rib, 1, mac_n(1), &seq));
    lose(2);
    lose(3);
    evpn_rib_vteps_apply(w.rib);
    ck_assert(evpn_rib_lost_sequence(w.rib, 1, mac_n(1), &seq));
    ck_assert_uint_eq(seq, 2);
    ck_assert(!evpn_rib_lost_sequence(w.rib, 2, mac_n(1), &seq));
    ck_assert(!evpn_rib_lost_sequence(w.rib, 1, mac_n(2), &seq));
    find(3);
    evpn_rib_vteps_apply(w.rib);
    ck_assert(evpn_rib_lost_sequence(w.rib, 1, mac_n(1), &seq));
    ck_assert_uint_eq(seq, 0xffffffff);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_R2_7_stale_routes_stay_in_use_and_are_relearned_in_place,
        test_R2_7_lost_twice,
        test_R2_7_stale_and_withdrawn,
        test_R9_5_a_lost_peer_takes_all_in_one_step,
        test_R9_5_R10_1_a_lost_vtep,
        test_R9_5_ips_go_and_come_with_the_vtep,
        test_R9_5_many_vteps_go_in_one_pass,
        test_R4_3_newest_sequence_at_lost_vteps,
    };

    return world_run("evpn_rib_lost", tests, sizeof(tests) / sizeof(tests[0]));
}
