/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The EVPN RIB, receiving: its bounds, and that a peer which takes all it can get leaves enough for the
 * others.
 */
#include "tests/unit/evpn_rib_world.h"

#include "controlplane/share.h"

#define ROUTES 1000

/* Whatever they do, what is left of a bound is shared alike, and one that comes late gets its part. */
START_TEST(test_share)
{
    const uint64_t max = 100000;

    for (unsigned n = 1; n <= 64; n *= 2) {
        uint64_t have[64] = {0}, all = 0;
        bool any = true;

        while (any) {
            any = false;
            for (unsigned i = 0; i < n; i++)
                if (share_allows(have[i], all, max, 1)) {
                    have[i]++;
                    all++;
                    any = true;
                }
        }
        for (unsigned i = 0; i < n; i++)
            ck_assert_uint_ge(have[i], SHARE_TIMES * max / (SHARE_TIMES * n + 1) - 1);
        ck_assert(share_allows(0, all, max, 1));
        ck_assert(share_allows(max / (SHARE_TIMES * n + 1), all, max, 1));
    }
    ck_assert(!share_allows(0, max, max, 1));
    ck_assert(!share_allows(0, max + 5, max, 1));
    ck_assert(!share_allows(0, 0, max, UINT64_MAX));
}
END_TEST

static void small_world(uint32_t max_routes, size_t max_attr_bytes)
{
    struct evpn_rib_config c = default_config();

    c.max_routes = max_routes;
    c.max_attr_bytes = max_attr_bytes;
    world_start(&c);
    add_network(1);
}

/* A route with attributes of its own, of some 2 KB. */
static struct bgp_attrs big(unsigned n)
{
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);

    for (unsigned i = 0; i < 500; i++)
        bgp_as_path_prepend(&a.as_path, 70000 + i);
    a.med = n;
    bgp_attrs_set(&a, BGP_MED);
    return a;
}

START_TEST(test_peer_that_fills_the_routes_leaves_some_for_others)
{
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), b = attrs_for(vtep_n(3), 1);
    rib_peer_id p, q;

    small_world(ROUTES, 1 << 20);
    p = add_peer(2, false);
    q = add_peer(3, false);
    announce(q, &b, macip(1, mac_n(1), NULL));
    for (unsigned i = 0; i < 2 * ROUTES; i++)
        announce(p, &a, macip(2, mac_n(1000 + i), NULL));
    ck_assert_uint_le(held(p), ROUTES * 4 / 5);
    ck_assert_uint_ge(held(p), ROUTES * 4 / 5 - 5);
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_ROOM), 2 * ROUTES - held(p));
    ck_assert_uint_eq(w.alerts[EVPN_RIB_REFUSED], 1); /* one line, and it names the peer */
    ck_assert_uint_eq(w.alert_peer, p);
    /* The other one's MACs come and move as if it were alone. */
    for (unsigned i = 2; i <= 100; i++)
        announce(q, &b, macip(1, mac_n(i), NULL));
    mobility(&b, false, 6);
    announce(q, &b, macip(1, mac_n(1), NULL));
    ck_assert_uint_eq(held(q), 100);
    ck_assert_uint_eq(best_of(1, mac_n(1))->sequence, 6);
    ck_assert_uint_eq(ignored(q, EVPN_RIB_IGNORED_ROOM), 0);
    ck_assert(!evpn_rib_room_again(w.rib, q));
}
END_TEST

START_TEST(test_peer_that_fills_the_attributes_leaves_some_for_others)
{
    struct bgp_attrs b = attrs_for(vtep_n(3), 1);
    rib_peer_id p, q;

    small_world(100000, 1 << 20);
    p = add_peer(2, false);
    q = add_peer(3, false);
    announce(q, &b, macip(1, mac_n(1), NULL));
    for (unsigned i = 0; i < 1000; i++) {
        struct bgp_attrs a = big(i);

        announce(p, &a, macip(2, mac_n(1000 + i), NULL));
    }
    for (unsigned i = 0; i < 300; i++) { /* and whatever is left, in small pieces */
        struct bgp_attrs a = attrs_for(vtep_n(2), 1);

        mobility(&a, false, i + 1);
        announce(p, &a, macip(2, mac_n(5000 + i), NULL));
    }
    ck_assert_uint_gt(ignored(p, EVPN_RIB_IGNORED_ROOM), 500);
    ck_assert_uint_eq(w.alerts[EVPN_RIB_REFUSED], 1);
    for (unsigned i = 1; i < 300; i++) {
        struct bgp_attrs moved = b;

        mobility(&moved, false, i);
        announce(q, &moved, macip(1, mac_n(i), NULL));
        assert_at(1, mac_n(i), vtep_n(3));
    }
    ck_assert_uint_eq(ignored(q, EVPN_RIB_IGNORED_ROOM), 0);
}
END_TEST

/* Attribute sets that two peers have alike are each one's own: what one leaves is not charged to the other.
 */
START_TEST(test_what_a_peer_held_is_free_when_it_goes)
{
    struct evpn_rib_totals t;
    rib_peer_id p, q;

    small_world(100000, 1 << 20);
    p = add_peer(2, false);
    q = add_peer(3, false);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 1000; i++) {
            struct bgp_attrs a = big(i);

            announce(p, &a, macip(2, mac_n(i), NULL));
            announce(q, &a, macip(2, mac_n(i), NULL));
        }
        ck_assert_uint_gt(held(p), 100);
        ck_assert_uint_eq(held(p), held(q));
        peer_down(p, false);
        peer_down(q, false);
        check_totals(0, 0, 0);
        peer_up(p);
        peer_up(q);
    }
    evpn_rib_peer_remove(w.rib, p);
    evpn_rib_totals(w.rib, &t);
    ck_assert_uint_eq(t.attrs + t.vteps + t.rds, 0);
}
END_TEST

START_TEST(test_peer_is_asked_again_when_there_is_room)
{
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), b = attrs_for(vtep_n(3), 1);
    rib_peer_id p, q;

    small_world(ROUTES, 1 << 20);
    p = add_peer(2, false);
    q = add_peer(3, false);
    for (unsigned i = 0; i < ROUTES; i++) {
        announce(p, &a, macip(2, mac_n(1000 + i), NULL));
        announce(q, &b, macip(2, mac_n(5000 + i), NULL));
    }
    ck_assert_uint_eq(w.alerts[EVPN_RIB_REFUSED], 2);
    ck_assert(!evpn_rib_room_again(w.rib, p) && !evpn_rib_room_again(w.rib, q));
    /* Not for each route that goes. */
    withdraw(p, macip(2, mac_n(1000), NULL));
    ck_assert(!evpn_rib_room_again(w.rib, p));
    peer_down(p, false);
    ck_assert(!evpn_rib_room_again(w.rib, p));
    ck_assert(evpn_rib_room_again(w.rib, q));
    ck_assert(!evpn_rib_room_again(w.rib, q));
    for (unsigned i = 0; i < 700; i++)
        announce(q, &b, macip(2, mac_n(5000 + i), NULL));
    ck_assert_uint_eq(held(q), 700);
    ck_assert_uint_eq(w.alerts[EVPN_RIB_REFUSED], 2);
}
END_TEST

/* What it said before is no longer true, and what it says now cannot be kept. */
START_TEST(test_change_without_room_withdraws)
{
    rib_peer_id p;

    small_world(ROUTES, 1 << 14);
    p = add_peer(2, false);
    for (unsigned i = 0; i < 100; i++) {
        struct bgp_attrs a = attrs_for(vtep_n(2), 1);

        announce(p, &a, macip(1, mac_n(i), NULL));
    }
    ck_assert_uint_eq(held(p), 100);
    for (unsigned i = 0; i < 100; i++) {
        struct bgp_attrs a = attrs_for(vtep_n(2), 1);

        mobility(&a, false, i + 1);
        announce(p, &a, macip(1, mac_n(i), NULL));
    }
    ck_assert_uint_gt(ignored(p, EVPN_RIB_IGNORED_ROOM), 0);
    ck_assert_uint_eq(held(p), 100 - ignored(p, EVPN_RIB_IGNORED_ROOM));
    ck_assert_uint_eq(held(p), w.n_macs);
}
END_TEST

START_TEST(test_too_many_routes_of_one_mac)
{
    rib_peer_id p = add_peer(2, false), q = add_peer(3, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), b = attrs_for(vtep_n(3), 1);
    char host[IPADDR_STRLEN];

    for (unsigned i = 0; i < 600; i++) {
        snprintf(host, sizeof(host), "10.0.%u.%u", i >> 8, i & 255);
        announce(p, &a, macip(1, mac_n(7), host));
    }
    ck_assert_uint_ge(held(p), 200);
    ck_assert_uint_lt(held(p), 256);
    ck_assert_uint_eq(w.n_ips, held(p));
    ck_assert_uint_eq(ignored(p, EVPN_RIB_IGNORED_CROWD), 600 - held(p));
    ck_assert_uint_eq(w.alerts[EVPN_RIB_REFUSED], 0); /* a refresh would not help */
    /* Where it went to is not refused for that. */
    mobility(&b, false, 1);
    announce(q, &b, macip(1, mac_n(7), NULL));
    assert_at(1, mac_n(7), vtep_n(3));
    withdraw(q, macip(1, mac_n(7), NULL));
    peer_down(p, false);
    ck_assert_uint_eq(w.n_ips, 0);
    check_totals(0, 0, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_share,
        test_peer_that_fills_the_routes_leaves_some_for_others,
        test_peer_that_fills_the_attributes_leaves_some_for_others,
        test_what_a_peer_held_is_free_when_it_goes,
        test_peer_is_asked_again_when_there_is_room,
        test_change_without_room_withdraws,
        test_too_many_routes_of_one_mac,
    };

    return world_run("evpn_rib_share", tests, sizeof(tests) / sizeof(tests[0]));
}
