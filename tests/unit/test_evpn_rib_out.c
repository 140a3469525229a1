/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The EVPN RIB, announcing: what a peer hears when it pulls is what we announce, packed, in whatever state it
 * was and however slow it is. Every message is decoded again.
 */
#include "tests/unit/evpn_rib_world.h"

static void setup(void)
{
    struct evpn_rib_config c = default_config();

    world_start(&c);
    add_network(1);
    add_network(2);
}

static void own(dp_net_id net, unsigned n, const char *host, uint32_t sequence, bool sticky)
{
    struct ipaddr a;

    if (host)
        a = ip(host);
    ck_assert_int_eq(evpn_rib_announce(w.rib, net, mac_n(n), host ? &a : NULL, sequence, sticky, 0), 0);
}

static void gone(dp_net_id net, unsigned n, const char *host)
{
    struct ipaddr a;

    if (host)
        a = ip(host);
    ck_assert_int_eq(evpn_rib_withdraw(w.rib, net, mac_n(n), host ? &a : NULL), 0);
}

static struct evpn_rib_totals totals(void)
{
    struct evpn_rib_totals t;

    evpn_rib_totals(w.rib, &t);
    return t;
}

static struct heard *heard_imet(rib_peer_id p, dp_net_id net)
{
    struct evpn_nlri n = {.type = EVPN_IMET, .rd = evpn_rd_make(OUR_ID, net), .ip = vtep_n(1)};

    return heard(&w.ears[p], &n);
}

START_TEST(test_R3_1_R3_2_R3_3_what_a_route_looks_like)
{
    rib_peer_id p = add_peer(2, false);
    struct heard *h;

    own(1, 7, NULL, 0, false);
    pull_all(p);
    ck_assert_uint_eq(w.ears[p].n, 3);
    h = heard_own(p, 1, mac_n(7), NULL);
    ck_assert_ptr_nonnull(h);
    ck_assert_uint_eq(h->nlri.etag, 0);
    ck_assert_uint_eq(h->nlri.label, 10001);
    ck_assert_uint_eq(h->nlri.n_labels, 1);
    ck_assert_uint_eq(h->nlri.rd.b[1], 1); /* type 1 */
    ck_assert(evpn_esi_is_zero(&h->nlri.esi));
}
END_TEST

START_TEST(test_R2_4_R2_5_R3_4_attributes_to_ibgp)
{
    rib_peer_id p = add_peer(2, false);
    struct bgp_extcom rt = bgp_extcom_rt_vni(OUR_AS, 10001);
    const struct bgp_attrs *a = &w.ears[p].attrs;
    uint8_t msg[4096];
    struct bgp_update u;
    struct bgp_error err;
    struct bgp_rules rules = {.ebgp = false, .as4 = true};
    int len;

    pull_all(p);
    own(1, 7, NULL, 0, false);
    len = evpn_rib_pull(w.rib, p, msg, sizeof(msg));
    ck_assert_int_gt(len, 0);
    ck_assert_int_eq(bgp_update_decode(msg + BGP_HEADER_LEN, (size_t)len - BGP_HEADER_LEN, &rules, &u, &err),
                     0);
    a = &u.attrs;
    ck_assert(bgp_attrs_has(a, BGP_LOCAL_PREF));
    ck_assert_uint_eq(a->local_pref, 100);
    ck_assert_uint_eq(a->as_path.n_numbers, 0);
    ck_assert(bgp_attrs_has(a, BGP_AS_PATH));
    ck_assert_uint_eq(a->origin, BGP_ORIGIN_IGP);
    ck_assert(ipaddr_eq(&a->next_hop, &(struct ipaddr){4, {198, 18, 0, 1}}));
    ck_assert_int_eq(bgp_attrs_is_vxlan(a), 1);
    ck_assert(bgp_attrs_has_extcom(a, &rt));
    ck_assert_uint_eq(a->n_extcoms, 2); /* R4.2: no mobility */
    ck_assert(!bgp_attrs_has(a, BGP_PMSI_TUNNEL));
}
END_TEST

/* RFC 9047 section 3.1: always with IPv6, with IPv4 only what means something there, never with the MAC
 * alone. */
START_TEST(test_R7_4_flags_of_what_we_announce)
{
    rib_peer_id p = add_peer(2, false);
    struct ipaddr four = ip("10.0.0.7"), six = ip("fd00::7");
    const uint8_t all = BGP_ND_ROUTER | BGP_ND_OVERRIDE | BGP_ND_IMMUTABLE;

    ck_assert_int_eq(evpn_rib_announce(w.rib, 1, mac_n(7), NULL, 0, false, all), 0);
    ck_assert_int_eq(evpn_rib_announce(w.rib, 1, mac_n(7), &four, 0, false, BGP_ND_ROUTER | BGP_ND_OVERRIDE),
                     0);
    ck_assert_int_eq(evpn_rib_announce(w.rib, 1, mac_n(7), &six, 0, false, 0xff), 0);
    pull_all(p);
    ck_assert_int_eq(heard_own(p, 1, mac_n(7), NULL)->nd, -1);
    ck_assert_int_eq(heard_own(p, 1, mac_n(7), "10.0.0.7")->nd, -1);
    ck_assert_int_eq(heard_own(p, 1, mac_n(7), "fd00::7")->nd, all);
    /* Other flags alone are a reason to say it again. */
    ck_assert_int_eq(evpn_rib_announce(w.rib, 1, mac_n(7), &four, 0, false, BGP_ND_IMMUTABLE), 0);
    ck_assert_int_eq(evpn_rib_announce(w.rib, 1, mac_n(7), &six, 0, false, 0), 0);
    pull_all(p);
    ck_assert_int_eq(heard_own(p, 1, mac_n(7), "10.0.0.7")->nd, BGP_ND_IMMUTABLE);
    ck_assert_int_eq(heard_own(p, 1, mac_n(7), "fd00::7")->nd, 0);
    ck_assert_uint_eq(w.ears[p].n, 5);
}
END_TEST

START_TEST(test_R2_4_R2_5_attributes_to_ebgp)
{
    rib_peer_id p = add_peer(2, true);
    uint8_t msg[4096];
    struct bgp_update u;
    struct bgp_error err;
    /* Read as if by iBGP, so that nothing is left out on reading. */
    struct bgp_rules rules = {.ebgp = false, .as4 = true};
    int len;

    own(1, 7, NULL, 0, false);
    while ((len = evpn_rib_pull(w.rib, p, msg, sizeof(msg))) > 0) {
        ck_assert_int_eq(
            bgp_update_decode(msg + BGP_HEADER_LEN, (size_t)len - BGP_HEADER_LEN, &rules, &u, &err), 0);
        if (u.end_of_rib)
            continue;
        ck_assert(!bgp_attrs_has(&u.attrs, BGP_LOCAL_PREF));
        ck_assert_uint_eq(u.attrs.as_path.n_numbers, 1);
        ck_assert_uint_eq(u.attrs.as_path.numbers[0], OUR_AS);
        ck_assert(ipaddr_eq(&u.attrs.next_hop, &(struct ipaddr){4, {198, 18, 0, 1}}));
    }
    ck_assert_int_eq(len, 0);
}
END_TEST

/* RFC 6793: a peer without 4-octet AS sees 23456 and AS4_PATH. */
START_TEST(test_four_octet_as_to_an_old_peer)
{
    struct evpn_rib_config c = default_config();
    struct evpn_rib_session s = {.router_id = OUR_ID + 1, .as4 = false};
    struct bgp_rules rules = {.ebgp = true, .as4 = false, .check_first_as = true, .peer_as = 4200000001u};
    struct bgp_update u;
    struct bgp_error err;
    uint8_t msg[4096];
    rib_peer_id p;
    int len;

    c.asn = 4200000001u;
    world_start(&c);
    add_network(1);
    p = add_peer_with((struct evpn_rib_peer){.address = vtep_n(300), .ebgp = true});
    ck_assert_int_eq(evpn_rib_peer_up(w.rib, p, &s), 0);
    len = evpn_rib_pull(w.rib, p, msg, sizeof(msg));
    ck_assert_int_gt(len, 0);
    ck_assert_int_eq(bgp_update_decode(msg + BGP_HEADER_LEN, (size_t)len - BGP_HEADER_LEN, &rules, &u, &err),
                     0);
    ck_assert_int_eq(u.verdict, BGP_FINE);
    ck_assert_uint_eq(u.attrs.as_path.numbers[0], 4200000001u); /* put together again */
}
END_TEST

START_TEST(test_R3_5_type_3_for_each_network)
{
    rib_peer_id p = add_peer(2, false);
    struct ipaddr end;

    pull_all(p);
    ck_assert_uint_eq(w.ears[p].n, 2);
    ck_assert_ptr_nonnull(heard_imet(p, 1));
    ck_assert_ptr_nonnull(heard_imet(p, 2));
    end = bgp_pmsi_endpoint(&w.ears[p].attrs.pmsi);
    ck_assert(ipaddr_eq(&end, &(struct ipaddr){4, {198, 18, 0, 1}}));
    ck_assert_uint_eq(w.ears[p].attrs.pmsi.label, 10002);
    evpn_rib_network_remove(w.rib, 2);
    pull_all(p);
    ck_assert_ptr_null(heard_imet(p, 2));
    ck_assert_uint_eq(w.ears[p].n, 1);
}
END_TEST

START_TEST(test_R4_1_R4_2_R4_8_mobility_community)
{
    rib_peer_id p = add_peer(2, false);
    struct heard *h;

    own(1, 1, NULL, 0, false);
    own(1, 2, "10.0.0.2", 5, false);
    own(1, 3, NULL, 0, true);
    pull_all(p);
    ck_assert(!heard_own(p, 1, mac_n(1), NULL)->mobility);
    h = heard_own(p, 1, mac_n(2), "10.0.0.2");
    ck_assert(h->mobility && h->sequence == 5 && !h->sticky);
    h = heard_own(p, 1, mac_n(3), NULL);
    ck_assert(h->mobility && h->sequence == 0 && h->sticky);
    own(1, 1, NULL, 6, false);
    own(1, 2, "10.0.0.2", 0, false);
    pull_all(p);
    ck_assert_uint_eq(heard_own(p, 1, mac_n(1), NULL)->sequence, 6);
    ck_assert(!heard_own(p, 1, mac_n(2), "10.0.0.2")->mobility);
}
END_TEST

START_TEST(test_announce_refused)
{
    struct ipaddr odd = {.family = 9};

    ck_assert_int_eq(evpn_rib_announce(w.rib, 9, mac_n(1), NULL, 0, false, 0), -ENOENT);
    ck_assert_int_eq(evpn_rib_announce(w.rib, DP_MAX_NETWORKS + 1, mac_n(1), NULL, 0, false, 0), -ENOENT);
    ck_assert_int_eq(evpn_rib_announce(w.rib, 1, (struct mac){{0}}, NULL, 0, false, 0), -EINVAL);
    ck_assert_int_eq(evpn_rib_announce(w.rib, 1, (struct mac){{1}}, NULL, 0, false, 0), -EINVAL);
    ck_assert_int_eq(evpn_rib_announce(w.rib, 1, mac_n(1), &odd, 0, false, 0), -EINVAL);
    ck_assert_int_eq(evpn_rib_withdraw(w.rib, 1, mac_n(1), NULL), -ENOENT);
    ck_assert_int_eq(evpn_rib_withdraw(w.rib, 9, mac_n(1), NULL), -ENOENT);
    own(1, 1, NULL, 0, false);
    gone(1, 1, NULL);
    ck_assert_int_eq(evpn_rib_withdraw(w.rib, 1, mac_n(1), NULL), -ENOENT);
}
END_TEST

/* ---- R2.7 End-of-RIB */

START_TEST(test_R2_7_end_of_rib_once_and_after_all)
{
    rib_peer_id p = add_peer(2, false);
    unsigned before;

    own(1, 1, NULL, 0, false);
    while (w.ears[p].end_of_ribs == 0)
        ck_assert(pull(p, BGP_MSG_MAX));
    ck_assert_uint_eq(w.ears[p].n, 3);
    ck_assert(!pull(p, BGP_MSG_MAX));
    before = w.ears[p].messages;
    own(1, 2, NULL, 0, false);
    evpn_rib_refresh(w.rib, p);
    pull_all(p);
    ck_assert_uint_gt(w.ears[p].messages, before);
    ck_assert_uint_eq(w.ears[p].end_of_ribs, 1);
    peer_down(p, false);
    ck_assert(!pull(p, BGP_MSG_MAX));
    peer_up(p);
    pull_all(p);
    ck_assert_uint_eq(w.ears[p].end_of_ribs, 2);
    ck_assert_uint_eq(w.ears[p].n, 4);
}
END_TEST

START_TEST(test_end_of_rib_with_nothing_to_announce)
{
    struct evpn_rib_config c = default_config();
    rib_peer_id p;

    world_start(&c);
    p = add_peer(2, false);
    ck_assert_uint_eq(w.writable[p], 1);
    pull_all(p);
    ck_assert_uint_eq(w.ears[p].end_of_ribs, 1);
    ck_assert_uint_eq(w.ears[p].messages, 1);
}
END_TEST

/* ---- packing */

START_TEST(test_equal_attributes_fill_updates)
{
    rib_peer_id p = add_peer(2, false), q = add_peer(3, false);
    unsigned per_message = (BGP_MSG_MAX - 120) / 35; /* a MAC-only route takes 35 bytes */

    /* Alternating networks and sequences: each group still comes in one piece. */
    for (unsigned i = 1; i <= 4000; i++)
        own(1 + i % 2, i, NULL, i % 4 < 2 ? 0 : 3, false);
    pull_all(p);
    ck_assert_uint_eq(w.ears[p].n, 4002);
    ck_assert_uint_le(w.ears[p].largest, BGP_MSG_MAX);
    ck_assert_uint_gt(w.ears[p].largest, BGP_MSG_MAX - 40);
    ck_assert_uint_le(w.ears[p].messages, 4 * (1000 / per_message + 1) + 2 + 1);
    /* RFC 8654: bigger messages. */
    while (pull(q, BGP_MSG_EXT_MAX))
        ;
    ck_assert_uint_eq(w.ears[q].n, 4002);
    ck_assert_uint_eq(w.ears[q].messages, 4 + 2 + 1);
    ck_assert_uint_eq(evpn_rib_counts(w.rib, q)->sent_routes, 4002);
    ck_assert_uint_eq(evpn_rib_counts(w.rib, q)->sent_updates, 7);
    /* Withdrawals need no attributes: all networks go together. */
    w.ears[q].messages = 0;
    for (unsigned i = 1; i <= 1000; i++)
        gone(1 + i % 2, i, NULL);
    while (pull(q, BGP_MSG_EXT_MAX))
        ;
    ck_assert_uint_eq(w.ears[q].messages, 1);
    ck_assert_uint_eq(w.ears[q].n, 3002);
    ck_assert_uint_eq(evpn_rib_counts(w.rib, q)->sent_withdrawn, 1000);
}
END_TEST

START_TEST(test_buffer_too_small)
{
    rib_peer_id p = add_peer(2, false);
    uint8_t msg[BGP_MSG_MAX];

    ck_assert_int_eq(evpn_rib_pull(w.rib, p, msg, 60), -ENOSPC);
    pull_all(p); /* nothing was lost */
    ck_assert_uint_eq(w.ears[p].n, 2);
}
END_TEST

/* ---- told at once, and once */

START_TEST(test_writable_is_said_once_until_all_was_pulled)
{
    rib_peer_id p = add_peer(2, false), down = add_peer(3, false);

    peer_down(down, false);
    w.writable[down] = 0;
    ck_assert_uint_eq(w.writable[p], 1);
    own(1, 1, NULL, 0, false);
    ck_assert_uint_eq(w.writable[p], 1);
    pull_all(p);
    own(1, 1, NULL, 0, false); /* nothing new */
    ck_assert_uint_eq(w.writable[p], 1);
    own(1, 1, NULL, 1, false);
    own(1, 2, NULL, 0, false);
    ck_assert_uint_eq(w.writable[p], 2);
    ck_assert(pull(p, BGP_MSG_MAX));
    own(1, 3, NULL, 0, false); /* it pulls on anyway */
    ck_assert_uint_eq(w.writable[p], 2);
    pull_all(p);
    gone(1, 1, NULL);
    ck_assert_uint_eq(w.writable[p], 3);
    pull_all(p);
    evpn_rib_refresh(w.rib, p);
    ck_assert_uint_eq(w.writable[p], 4);
    ck_assert_uint_eq(w.writable[down], 0);
    ck_assert_uint_eq(w.ears[p].n, 4);
}
END_TEST

START_TEST(test_received_routes_are_not_announced_again)
{
    rib_peer_id p = add_peer(2, false), q = add_peer(3, true);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);

    announce(p, &a, macip(1, mac_n(7), NULL));
    pull_all(p);
    pull_all(q);
    ck_assert_uint_eq(w.ears[p].n, 2); /* our type 3 of two networks */
    ck_assert_uint_eq(w.ears[q].n, 2);
}
END_TEST

/* ---- withdrawn routes, slow peers */

START_TEST(test_withdrawn_routes_stay_until_all_have_passed)
{
    rib_peer_id fast = add_peer(2, false), slow = add_peer(3, false);

    for (unsigned i = 1; i <= 10; i++)
        own(1, i, NULL, 0, false);
    pull_all(fast);
    pull_all(slow);
    for (unsigned i = 1; i <= 10; i++)
        gone(1, i, NULL);
    ck_assert_uint_eq(totals().withdrawn, 10);
    pull_all(fast);
    ck_assert_uint_eq(totals().withdrawn, 10);
    own(1, 3, NULL, 0, false); /* it comes back: no longer withdrawn for anybody */
    ck_assert_uint_eq(totals().withdrawn, 9);
    pull_all(slow);
    ck_assert_uint_eq(totals().withdrawn, 0);
    pull_all(fast);
    ck_assert_uint_eq(w.ears[fast].n, 3);
    ck_assert_uint_eq(w.ears[slow].n, 3);
    ck_assert_uint_eq(totals().own, 3);
}
END_TEST

START_TEST(test_a_peer_that_goes_down_holds_nothing_up)
{
    rib_peer_id fast = add_peer(2, false), slow = add_peer(3, false);

    own(1, 1, NULL, 0, false);
    pull_all(fast);
    gone(1, 1, NULL);
    pull_all(fast);
    ck_assert_uint_eq(totals().withdrawn, 1);
    peer_down(slow, true);
    ck_assert_uint_eq(totals().withdrawn, 0);
    peer_down(fast, false);
    own(1, 2, NULL, 0, false);
    gone(1, 2, NULL); /* nobody is there to hear of it */
    ck_assert_uint_eq(totals().withdrawn, 0);
    peer_up(fast);
    pull_all(fast);
    ck_assert_uint_eq(w.ears[fast].withdrawn, 1);
    ck_assert_uint_eq(w.ears[fast].n, 2);
}
END_TEST

/* A peer that takes one small message now and then ends with the same as everybody; what flaps costs it one
 * line. */
START_TEST(test_slow_peer)
{
    rib_peer_id fast = add_peer(2, false), slow = add_peer(3, false);
    size_t bytes;

    for (unsigned i = 1; i <= 500; i++)
        own(1, i, NULL, 0, false);
    pull_all(fast);
    bytes = totals().bytes;
    for (unsigned round = 1; round <= 50; round++) {
        for (unsigned i = 1; i <= 500; i++) {
            if ((i + round) % 3 == 0)
                evpn_rib_withdraw(w.rib, 1, mac_n(i), NULL);
            else
                own(1, i, NULL, round % 7, false);
        }
        pull_all(fast);
        if (round % 5 == 0)
            ck_assert(pull(slow, 300));
        ck_assert_uint_le(totals().withdrawn, 500);
    }
    ck_assert_uint_le(totals().bytes, bytes);
    pull_all(slow);
    ck_assert_uint_eq(w.ears[slow].n, w.ears[fast].n);
    for (unsigned i = 0; i < w.ears[fast].n; i++) {
        struct heard *f = &w.ears[fast].list[i], *s = heard(&w.ears[slow], &f->nlri);

        ck_assert_ptr_nonnull(s);
        ck_assert_uint_eq(s->sequence, f->sequence);
    }
    /* Before it was 500 x 50 changes; this is what reached the slow one. */
    ck_assert_uint_lt(evpn_rib_counts(w.rib, slow)->sent_routes, 2500);
}
END_TEST

START_TEST(test_a_peer_that_is_too_slow_is_reported_once)
{
    struct evpn_rib_config c = default_config();
    rib_peer_id fast, slow;

    c.max_withdrawn = 10;
    world_start(&c);
    add_network(1);
    fast = add_peer(2, false);
    slow = add_peer(3, false);
    for (unsigned i = 1; i <= 30; i++) {
        own(1, i, NULL, 0, false);
        pull_all(fast);
        gone(1, i, NULL);
        pull_all(fast);
        ck_assert_uint_eq(w.alerts[EVPN_RIB_SLOW], i > 10);
    }
    ck_assert_uint_eq(w.alert_peer, slow);
    peer_down(slow, false);
    ck_assert_uint_eq(totals().withdrawn, 0);
}
END_TEST

/* What a cursor stands at changes, and what comes after it must not be lost. */
START_TEST(test_the_next_route_changes_before_it_was_pulled)
{
    rib_peer_id p = add_peer(2, false);

    pull_all(p);
    own(1, 1, NULL, 0, false);
    own(1, 2, NULL, 0, false);
    own(1, 3, NULL, 0, false);
    own(1, 1, NULL, 9, false); /* it goes to another group */
    gone(1, 2, NULL);
    pull_all(p);
    ck_assert_uint_eq(w.ears[p].n, 4);
    ck_assert_uint_eq(heard_own(p, 1, mac_n(1), NULL)->sequence, 9);
    ck_assert_ptr_null(heard_own(p, 1, mac_n(2), NULL));
    ck_assert_ptr_nonnull(heard_own(p, 1, mac_n(3), NULL));
}
END_TEST

/* ---- refresh */

START_TEST(test_refresh_starts_over)
{
    rib_peer_id p = add_peer(2, false), q = add_peer(3, false);

    for (unsigned i = 1; i <= 300; i++)
        own(1, i, NULL, i % 2, false);
    pull_all(p);
    pull_all(q);
    gone(1, 5, NULL); /* not pulled yet */
    w.ears[q].messages = 0;
    evpn_rib_refresh(w.rib, p);
    pull(p, BGP_MSG_MAX);
    evpn_rib_refresh(w.rib, p); /* and again in the middle */
    pull_all(p);
    ck_assert_uint_eq(w.ears[p].n, 301);
    ck_assert_ptr_null(heard_own(p, 1, mac_n(5), NULL));
    pull_all(q);
    ck_assert_uint_eq(w.ears[q].messages, 1); /* the withdrawal only */
    /* A peer that forgot all hears all. */
    w.ears[p].n = 0;
    evpn_rib_refresh(w.rib, p);
    pull_all(p);
    ck_assert_uint_eq(w.ears[p].n, 301);
    peer_down(p, false);
    evpn_rib_refresh(w.rib, p);
    ck_assert(!pull(p, BGP_MSG_MAX));
}
END_TEST

/* ---- networks */

START_TEST(test_network_changes_what_its_routes_look_like)
{
    rib_peer_id p = add_peer(2, false);
    struct evpn_rib_rt rts[2] = {{.rt = bgp_extcom_rt_vni(OUR_AS, 10001)}, {.rt = bgp_extcom_rt_as2(1, 2)}};
    struct evpn_rib_network n = {.id = 1, .vni = 777, .rd = world_rd(1), .export_rts = rts, .n_export = 2};

    own(1, 7, "10.0.0.7", 3, false);
    own(2, 8, NULL, 0, false);
    pull_all(p);
    /* Same RD: the withdrawal of the old must not kill the new. */
    ck_assert_int_eq(evpn_rib_network_set(w.rib, &n), 0);
    pull_all(p);
    ck_assert_uint_eq(w.ears[p].n, 4);
    ck_assert_uint_eq(heard_own(p, 1, mac_n(7), "10.0.0.7")->nlri.label, 777);
    ck_assert_uint_eq(heard_own(p, 1, mac_n(7), "10.0.0.7")->sequence, 3);
    ck_assert(bgp_attrs_has_extcom(&w.ears[p].attrs, &rts[1].rt));
    n.rd = world_rd(100);
    ck_assert_int_eq(evpn_rib_network_set(w.rib, &n), 0);
    pull_all(p);
    ck_assert_uint_eq(w.ears[p].n, 4);
    ck_assert_ptr_null(heard_own(p, 1, mac_n(7), "10.0.0.7"));
    ck_assert_ptr_nonnull(heard_own(p, 100, mac_n(7), "10.0.0.7"));
    gone(1, 7, "10.0.0.7");
    pull_all(p);
    ck_assert_uint_eq(w.ears[p].n, 3);
    ck_assert_uint_eq(totals().withdrawn, 0);
}
END_TEST

START_TEST(test_network_removed_and_back_before_anybody_pulled)
{
    rib_peer_id p = add_peer(2, false);

    own(1, 7, NULL, 0, false);
    pull_all(p);
    evpn_rib_network_remove(w.rib, 1);
    ck_assert_int_eq(evpn_rib_announce(w.rib, 1, mac_n(7), NULL, 0, false, 0), -ENOENT);
    add_network(1);
    own(1, 9, NULL, 0, false);
    evpn_rib_network_remove(w.rib, 1);
    add_network(1);
    own(1, 7, NULL, 4, false);
    pull_all(p);
    ck_assert_uint_eq(w.ears[p].n, 3);
    ck_assert_uint_eq(heard_own(p, 1, mac_n(7), NULL)->sequence, 4);
    ck_assert_uint_eq(totals().withdrawn, 0);
    ck_assert_uint_eq(totals().own, 3);
}
END_TEST

/* What the MAC table does from inside of ops.mac. */
static void op_mac_answers(void *arg, dp_net_id net, struct mac mac, const struct evpn_rib_best *best)
{
    (void)arg;
    if (best)
        evpn_rib_withdraw(w.rib, net, mac, NULL);
    else
        evpn_rib_announce(w.rib, net, mac, NULL, 1, false, 0);
}

START_TEST(test_ops_may_announce_and_withdraw)
{
    static const struct evpn_rib_ops ops = {op_mac_answers, op_binding, op_flood, op_writable, op_alert};
    struct evpn_rib_config c = default_config();
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    rib_peer_id p, q;

    world_stop();
    memset(&w, 0, sizeof(w));
    w.rib = evpn_rib_new(&c, &ops, &w);
    add_network(1);
    p = add_peer(2, false);
    q = add_peer(3, false);
    own(1, 7, NULL, 0, false);
    pull_all(q);
    announce(p, &a, macip(1, mac_n(7), NULL));
    pull_all(q);
    ck_assert_ptr_null(heard_own(q, 1, mac_n(7), NULL));
    for (unsigned i = 1; i <= 50; i++)
        announce(p, &a, macip(1, mac_n(i), NULL));
    peer_down(p, false);
    pull_all(q);
    ck_assert_uint_eq(w.ears[q].n, 51);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("evpn_rib_out");
    TCase *tc = tcase_create("announcing");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(tc, setup, world_stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_R3_1_R3_2_R3_3_what_a_route_looks_like);
    tcase_add_test(tc, test_R2_4_R2_5_R3_4_attributes_to_ibgp);
    tcase_add_test(tc, test_R7_4_flags_of_what_we_announce);
    tcase_add_test(tc, test_R2_4_R2_5_attributes_to_ebgp);
    tcase_add_test(tc, test_four_octet_as_to_an_old_peer);
    tcase_add_test(tc, test_R3_5_type_3_for_each_network);
    tcase_add_test(tc, test_R4_1_R4_2_R4_8_mobility_community);
    tcase_add_test(tc, test_announce_refused);
    tcase_add_test(tc, test_R2_7_end_of_rib_once_and_after_all);
    tcase_add_test(tc, test_end_of_rib_with_nothing_to_announce);
    tcase_add_test(tc, test_equal_attributes_fill_updates);
    tcase_add_test(tc, test_buffer_too_small);
    tcase_add_test(tc, test_writable_is_said_once_until_all_was_pulled);
    tcase_add_test(tc, test_received_routes_are_not_announced_again);
    tcase_add_test(tc, test_withdrawn_routes_stay_until_all_have_passed);
    tcase_add_test(tc, test_a_peer_that_goes_down_holds_nothing_up);
    tcase_add_test(tc, test_the_next_route_changes_before_it_was_pulled);
    tcase_add_test(tc, test_slow_peer);
    tcase_add_test(tc, test_a_peer_that_is_too_slow_is_reported_once);
    tcase_add_test(tc, test_refresh_starts_over);
    tcase_add_test(tc, test_network_changes_what_its_routes_look_like);
    tcase_add_test(tc, test_network_removed_and_back_before_anybody_pulled);
    tcase_add_test(tc, test_ops_may_announce_and_withdraw);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
