/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Two gateways' control planes, BGP sessions and RIBs joined by the glue, over the kernel's loopback: what
 * one announces the other has, until it withdraws it, is lost, or comes back from a restart. Needs root.
 */
#include "tests/unit/bgp_side.h"
#include "tests/unit/suite.h"

#define MACS 20000

START_TEST(test_announce_move_withdraw)
{
    both_up(_i ? 65001 : 65000); /* iBGP, eBGP */
    announce(&a, 1);
    UNTIL(5, b.macs == 1);
    ck_assert(ipaddr_eq(&b.best.vtep, &ca.source));
    ck_assert_uint_eq(b.best.vni, 10100);
    ck_assert_int_eq(evpn_rib_announce(a.rib, 1, mac_of(0), NULL, 7, false, 0), 0);
    UNTIL(5, b.best.sequence == 7);
    ck_assert_int_eq(evpn_rib_withdraw(a.rib, 1, mac_of(0), NULL), 0);
    UNTIL(5, b.gone == 1);
    both_end();
}
END_TEST

START_TEST(test_many_then_lost_at_once)
{
    both_up(65000);
    announce(&a, MACS);
    UNTIL(20, b.macs == MACS);
    ck_assert_uint_lt(ab->counters.out.messages[BGP_UPDATE], MACS / 50);
    /* Soft: all of them again, and nothing changes. */
    ck_assert_int_eq(bgp_rib_glue_soft_clear(b.glue, ba), 0);
    UNTIL(20, evpn_rib_counts(b.rib, bgp_rib_glue_id(ba))->announced[EVPN_MACIP] == 2 * MACS);
    ck_assert_uint_eq(b.macs, MACS);
    ck_assert_uint_eq(b.gone, 0);
    bgp_session_stop(ab, "out");
    UNTIL(5, b.gone == MACS && b.floods == 0);
    both_end();
}
END_TEST

START_TEST(test_R2_7_restart)
{
    both_up(65000);
    announce(&a, 100);
    UNTIL(5, b.macs == 100);
    UNTIL(5, evpn_rib_counts(a.rib, bgp_rib_glue_id(ab))->macs == 0 && ab->counters.ends_of_rib == 1);
    side_end(&a);
    UNTIL(5, ba->stale);
    ck_assert_uint_eq(evpn_rib_counts(b.rib, bgp_rib_glue_id(ba))->stale, 101);
    ck_assert_uint_eq(b.gone, 0);
    /* It comes back knowing half of them. */
    came_back = true;
    side_make(&a, 65000, "198.18.0.1");
    announce(&a, 50);
    ab = side_peer(&a, &ca);
    UNTIL(10, b.gone == 50);
    ck_assert_uint_eq(b.macs, 100); /* of the others nobody noticed anything */
    ck_assert_uint_eq(b.floods, 1);
    ck_assert_uint_eq(lines_with("198.18.0.1", "50 stale routes dropped"), 1);
    both_end();
}
END_TEST

START_TEST(test_R2_6_limit)
{
    char err[BGP_ERR_LEN];

    both_up(65000);
    cb.max_prefixes = 50;
    cb.warning_percent = 50;
    ck_assert_int_eq(bgp_rib_glue_peer_change(b.glue, b.bgp, ba, &cb, err), 0);
    ck_assert(is_up(ba));
    announce(&a, 100);
    UNTIL(5, !is_up(ba) && !is_up(ab));
    ck_assert_uint_eq(b.warnings, 1);
    ck_assert_uint_eq(lines_with("198.18.0.1", "50 % of its limit of 50 routes"), 1);
    ck_assert(last_error_has(ab, "Maximum Number of Prefixes Reached"));
    ck_assert_uint_eq(b.macs, b.gone);
    /* It stays so until somebody resets it. */
    cb.max_prefixes = 0;
    ck_assert_int_eq(bgp_rib_glue_peer_change(b.glue, b.bgp, ba, &cb, err), 0);
    bgp_session_reset(ba, NULL);
    bgp_session_reset(ab, NULL);
    b.macs = 0;
    UNTIL(10, b.macs == 100);
    both_end();
}
END_TEST

START_TEST(test_peers_come_and_go)
{
    char err[BGP_ERR_LEN];

    both_up(65000);
    announce(&a, 10);
    UNTIL(5, b.macs == 10);
    cb.asn = 65001; /* now external, and wrong */
    ck_assert_int_eq(bgp_rib_glue_peer_change(b.glue, b.bgp, ba, &cb, err), 0);
    ck_assert_uint_eq(b.gone, 10);
    cb.asn = 65000;
    ck_assert_int_eq(bgp_rib_glue_peer_change(b.glue, b.bgp, ba, &cb, err), 0);
    bgp_session_reset(ab, NULL);
    UNTIL(20, b.macs == 20);
    ck_assert_ptr_eq(bgp_rib_glue_session(b.glue, bgp_rib_glue_id(ba)), ba);
    bgp_rib_glue_peer_remove(b.glue, b.bgp, ba);
    ck_assert_uint_eq(b.gone, 20);
    for (unsigned i = 0; i < 4; i++) {
        cb.address.b[3] = (uint8_t)(10 + i);
        side_peer(&b, &cb);
    }
    cb.address.b[3] = 20;
    ck_assert_ptr_null(bgp_rib_glue_peer_add(b.glue, b.bgp, &cb, err));
    ck_assert_str_eq(err, "BGP: 198.18.0.20: there are 4 peers already");
    ck_assert_ptr_null(bgp_peer_find(b.bgp, &cb.address));
    both_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bgp_rib_glue");
    TCase *tc = tcase_create("two gateways");

    tcase_add_checked_fixture(tc, world_make, world_end);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_announce_move_withdraw, 0, 2);
    tcase_add_test(tc, test_many_then_lost_at_once);
    tcase_add_test(tc, test_R2_7_restart);
    tcase_add_test(tc, test_R2_6_limit);
    tcase_add_test(tc, test_peers_come_and_go);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
