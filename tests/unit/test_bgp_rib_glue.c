/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Two gateways' control planes, BGP sessions and RIBs joined by the glue, over the kernel's loopback: what
 * one announces the other has, until it withdraws it, is lost, or comes back from a restart. Needs root.
 */
#include "controlplane/bgp_rib_glue.h"
#include "tests/unit/bgp_world.h"

#define MACS 20000

struct side {
    struct evpn_rib *rib;
    struct bgp_rib_glue *glue;
    struct bgp *bgp;
    unsigned macs, gone, floods, warnings;
    struct evpn_rib_best best;
};

static void on_mac(void *arg, dp_net_id net, struct mac mac, const struct evpn_rib_best *best)
{
    struct side *s = arg;

    (void)mac;
    ck_assert_uint_eq(net, 1);
    if (best)
        s->best = *best;
    s->macs += best != NULL;
    s->gone += best == NULL;
}

static void on_binding(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *address, bool present)
{
    (void)arg;
    (void)net;
    (void)mac;
    (void)address;
    (void)present;
}

static void on_flood(void *arg, dp_net_id net, const struct ipaddr *vtep, bool on)
{
    struct side *s = arg;

    (void)net;
    (void)vtep;
    s->floods += on ? 1u : UINT32_MAX;
}

static void on_writable(void *arg, rib_peer_id peer)
{
    bgp_rib_glue_writable(((struct side *)arg)->glue, peer);
}

static void on_alert(void *arg, rib_peer_id peer, enum evpn_rib_alert alert)
{
    struct side *s = arg;

    s->warnings += alert == EVPN_RIB_WARNING;
    bgp_rib_glue_alert(s->glue, peer, alert);
}

static const struct evpn_rib_ops rib_ops = {
    .mac = on_mac, .binding = on_binding, .flood = on_flood, .writable = on_writable, .alert = on_alert};

static bool came_back; /* sides that are made from now on restarted, and kept their forwarding state */

static void side_make(struct side *s, uint32_t asn, const char *address)
{
    const struct ipaddr a = ip(address);
    const struct evpn_rib_config rib = {.asn = asn,
                                        .router_id = 0x0a000000u + a.b[3],
                                        .vtep = a,
                                        .max_peers = 4,
                                        .max_routes = 100000,
                                        .max_attr_bytes = 1 << 20};
    const struct bgp_config config = {
        .local = {.asn = asn, .router_id = rib.router_id, .restarting = came_back, .forwarding = came_back},
        .listen = &a,
        .n_listen = 1,
        .port = PORT};
    const struct evpn_rib_rt rt = {.rt = bgp_extcom_rt_vni(65000, 10100)};
    const struct evpn_rib_network network = {.id = 1,
                                             .vni = 10100,
                                             .rd = evpn_rd_make(0xc6120001, 1),
                                             .import_rts = &rt,
                                             .n_import = 1,
                                             .export_rts = &rt,
                                             .n_export = 1};
    char err[BGP_ERR_LEN];

    memset(s, 0, sizeof(*s));
    s->rib = evpn_rib_new(&rib, &rib_ops, s);
    s->glue = bgp_rib_glue_new(s->rib, rib.max_peers);
    ck_assert(s->rib && s->glue);
    s->bgp = bgp_new(base, &config, &bgp_rib_glue_ops, s->glue, err);
    ck_assert_msg(s->bgp != NULL, "%s", err);
    ck_assert_int_eq(evpn_rib_network_set(s->rib, &network), 0);
}

static void side_end(struct side *s)
{
    bgp_free(s->bgp);
    bgp_rib_glue_free(s->glue);
    evpn_rib_free(s->rib);
}

static struct bgp_session *side_peer(struct side *s, const struct bgp_peer_config *c)
{
    char err[BGP_ERR_LEN];
    struct bgp_session *peer = bgp_rib_glue_peer_add(s->glue, s->bgp, c, err);

    ck_assert_msg(peer != NULL, "%s", err);
    return peer;
}

static struct mac mac_of(unsigned i)
{
    return (struct mac){{2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}};
}

static void announce(struct side *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ck_assert_int_eq(evpn_rib_announce(s->rib, 1, mac_of(i), NULL, 0, false), 0);
}

static struct side a, b;
static struct bgp_session *ab, *ba;
static struct bgp_peer_config ca, cb;

static void both_up(uint32_t asn_b)
{
    side_make(&a, 65000, "198.18.0.1");
    side_make(&b, asn_b, "198.18.0.2");
    ca = peer_config(asn_b, "198.18.0.1", "198.18.0.2");
    cb = peer_config(65000, "198.18.0.2", "198.18.0.1");
    cb.passive = true;
    ab = side_peer(&a, &ca);
    ba = side_peer(&b, &cb);
    UNTIL(10, is_up(ab) && is_up(ba) && a.floods == 1 && b.floods == 1);
}

static void both_end(void)
{
    side_end(&a);
    side_end(&b);
}

START_TEST(test_announce_move_withdraw)
{
    both_up(_i ? 65001 : 65000); /* iBGP, eBGP */
    announce(&a, 1);
    UNTIL(5, b.macs == 1);
    ck_assert(ipaddr_eq(&b.best.vtep, &ca.source));
    ck_assert_uint_eq(b.best.vni, 10100);
    ck_assert_int_eq(evpn_rib_announce(a.rib, 1, mac_of(0), NULL, 7, false), 0);
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
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, world_make, world_end);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_announce_move_withdraw, 0, 2);
    tcase_add_test(tc, test_many_then_lost_at_once);
    tcase_add_test(tc, test_R2_7_restart);
    tcase_add_test(tc, test_R2_6_limit);
    tcase_add_test(tc, test_peers_come_and_go);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
