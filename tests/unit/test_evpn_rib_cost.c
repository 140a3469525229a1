/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The EVPN RIB, receiving: what one UPDATE may cost. Its work grows with its length alone, and each MAC is
 * told once, however many routes of it there are. Time is measured against that of decoding the same message,
 * which is linear, so that a slow or busy machine changes nothing.
 */
#include "tests/unit/evpn_rib_world.h"

#include <time.h>

#define TRIES 5
#define MOST  60 /* times the decoding; that of 450 x 24,000 comparisons took thousands */

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* What the RIB takes for an UPDATE, in units of what decoding it takes: the least of several times, in each
 * of which all routes change. */
static double cost(rib_peer_id p, struct bgp_attrs a, const struct buf_out *gone, const struct buf_out *new)
{
    static uint8_t msg[BGP_MSG_EXT_MAX];
    static struct bgp_update u;
    static struct bgp_error err;
    struct bgp_rules rules = {.as4 = true};
    double least = 1e9;

    bgp_attrs_set(&a, BGP_MED);
    for (a.med = 0; a.med < TRIES; a.med++) {
        size_t len = update_make(msg, sizeof(msg), false, &a, gone, new);
        double t0, t1, t2;
        struct bgp_frame f;

        ck_assert_int_eq(bgp_frame_next(msg, len, BGP_MSG_EXT_MAX, &f, &err), (int)len);
        t0 = cpu_seconds();
        ck_assert_int_eq(bgp_update_decode(f.body, f.body_len, &rules, &u, &err), 0);
        t1 = cpu_seconds();
        evpn_rib_update(w.rib, p, &u);
        t2 = cpu_seconds();
        if ((t2 - t1) / (t1 - t0) < least)
            least = (t2 - t1) / (t1 - t0);
    }
    return least;
}

static struct buf_out list(unsigned which)
{
    static uint8_t bytes[2][BGP_MSG_EXT_MAX];
    struct buf_out out;

    buf_out_init(&out, bytes[which], sizeof(bytes[which]));
    return out;
}

START_TEST(test_many_withdrawn_beside_many_announced)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    struct buf_out gone = list(0), new = list(1);
    double took;

    for (unsigned i = 0; i < 450; i++) {
        struct evpn_nlri n = macip(1, mac_n(i), NULL);

        announce(p, &a, n); /* so that there is something to withdraw */
        evpn_encode(&n, &gone);
    }
    for (unsigned i = 0; i < 23000; i++)
        buf_put(&new, (uint8_t[]){200, 0}, 2);
    took = cost(p, a, &gone, &new);
    ck_assert_msg(took < MOST, "%.0f times the decoding", took);
    ck_assert_uint_eq(held(p), 0);
}
END_TEST

START_TEST(test_many_routes_of_one_mac)
{
    rib_peer_id p = add_peer(2, false);
    struct buf_out gone = list(0), new = list(1);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    double took;

    for (unsigned i = 0; i < 1500; i++) {
        struct evpn_nlri n = macip(i, mac_n(7), NULL);

        n.ip = (struct ipaddr){4, {10, 0, (uint8_t)(i >> 8), (uint8_t)i}};
        evpn_encode(&n, &new);
    }
    took = cost(p, a, &gone, &new);
    ck_assert_msg(took < MOST, "%.0f times the decoding", took);
}
END_TEST

/* R4.10: the last word of an UPDATE is what counts. */
START_TEST(test_one_update_tells_each_mac_once)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    struct evpn_nlri n[60];

    for (unsigned i = 0; i < 60; i++) {
        n[i] = macip(60 - i, mac_n(7), "10.0.0.7"); /* each one better than those before */
        n[i].esi.b[0] = (uint8_t)i;
    }
    announce_n(p, &a, n, 60);
    ck_assert_uint_eq(w.mac_calls, 1);
    ck_assert_uint_eq(w.ip_calls, 1);
    withdraw_n(p, n, 60);
    ck_assert_uint_eq(w.mac_calls, 2);
    ck_assert_uint_eq(w.ip_calls, 2);
    check_totals(0, 0, 0);
}
END_TEST

/* A binding is told by one of its routes, and that one goes. */
START_TEST(test_binding_outlives_the_route_that_told_it)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    struct evpn_nlri n[3];

    for (unsigned i = 0; i < 3; i++)
        n[i] = macip(1 + i, mac_n(7), "10.0.0.7");
    announce_n(p, &a, n, 2);
    exchange(p, &a, n, 1, n + 2, 1);
    exchange(p, &a, n + 1, 1, n, 1);
    withdraw(p, n[0]);
    ck_assert_uint_eq(w.ip_calls, 1);
    ck_assert_int_eq(evpn_rib_vtep_lost(w.rib, &(struct ipaddr){4, {198, 18, 0, 2}}), 0);
    evpn_rib_vteps_apply(w.rib);
    ck_assert_uint_eq(w.n_ips, 0);
    announce_n(p, &a, n, 2);
    ck_assert_uint_eq(w.n_ips, 0);
    evpn_rib_vtep_found(w.rib, &(struct ipaddr){4, {198, 18, 0, 2}});
    evpn_rib_vteps_apply(w.rib);
    ck_assert_uint_eq(w.n_ips, 1);
    withdraw_n(p, n, 3);
    ck_assert_uint_eq(w.n_ips + w.n_macs, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_many_withdrawn_beside_many_announced,
        test_many_routes_of_one_mac,
        test_one_update_tells_each_mac_once,
        test_binding_outlives_the_route_that_told_it,
    };

    return world_run("evpn_rib_cost", tests, sizeof(tests) / sizeof(tests[0]));
}
