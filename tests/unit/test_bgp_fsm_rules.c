/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The BGP state machine of one peer: OPEN checks and negotiation, collisions, graceful restart, shutdown
 * communication, words.
 */
#include "tests/unit/bgp_fsm_rig.h"
#include "tests/unit/suite.h"

/* ---- OPEN */

START_TEST(test_rfc4271_6_2_open_errors)
{
    static const struct {
        uint32_t asn, id;
        uint16_t hold;
        bool evpn;
        const char *actions;
    } t[] = {
        {PEER_AS, HIGH_ID, 90, true, "ka0"},
        {PEER_AS, HIGH_ID, 0, true, "ka0"},
        {PEER_AS, HIGH_ID, 3, true, "ka0"},
        {PEER_AS, HIGH_ID, 65535, true, "ka0"},
        {PEER_AS, 1, 9, true, "ka0"},
        {PEER_AS, UINT32_MAX, 9, true, "ka0"}, /* RFC 6286: any number but 0 */
        {PEER_AS, OUR_ID, 9, true, "ka0"},     /* RFC 6286: unique in its AS only */
        {PEER_AS + 1, HIGH_ID, 9, true, "notify0:2/2 close0 log:as"},
        {23456, HIGH_ID, 9, true, "notify0:2/2 close0 log:as"},
        {0, HIGH_ID, 9, true, "notify0:2/2 close0 log:as"}, /* RFC 7607 */
        {PEER_AS, 0, 9, true, "notify0:2/3 close0 log:id"},
        {PEER_AS, HIGH_ID, 1, true, "notify0:2/6 close0 log:holdtime"},
        {PEER_AS, HIGH_ID, 2, true, "notify0:2/6 close0 log:holdtime"},
        {PEER_AS, HIGH_ID, 9, false, "notify0:2/7 close0 log:no-evpn"},
    };

    for (unsigned i = 0; i < COUNT(t); i++) {
        peer = (struct bgp_fsm_open){
            .asn = t[i].asn, .router_id = t[i].id, .hold_s = t[i].hold, .caps.evpn = t[i].evpn};
        bring_to(OPENSENT);
        expect(ev(BGP_EV_OPEN, 0), t[i].actions);
    }
}
END_TEST

START_TEST(test_rfc6286_2_2_own_identifier_within_the_as)
{
    cfg.peer_asn = OUR_AS;
    peer.asn = OUR_AS;
    peer.router_id = OUR_ID;
    bring_to(OPENSENT);
    expect(ev(BGP_EV_OPEN, 0), "notify0:2/3 close0 log:id");
}
END_TEST

START_TEST(test_rfc5492_3_missing_capability_is_in_the_data)
{
    static const uint8_t want[] = {1, 4, 0, 25, 0, 70};

    peer.caps.evpn = false;
    bring_to(OPENSENT);
    ev(BGP_EV_OPEN, 0);
    ck_assert_uint_eq(find(BGP_ACT_SEND_NOTIFICATION)->len, sizeof(want));
    ck_assert_mem_eq(find(BGP_ACT_SEND_NOTIFICATION)->data, want, sizeof(want));
}
END_TEST

START_TEST(test_message_error_data_goes_out_as_it_came)
{
    static const uint8_t data[300] = {1, 2, 3};

    bring_to(ESTABLISHED);
    expect(give((struct bgp_fsm_event){
               .type = BGP_EV_MSG_ERROR, .code = 3, .subcode = 5, .data = data, .len = sizeof(data)}),
           "notify0:3/5 close0 down0:msg-error");
    ck_assert_uint_eq(find(BGP_ACT_SEND_NOTIFICATION)->len, 300);
    ck_assert_ptr_eq(find(BGP_ACT_SEND_NOTIFICATION)->data, data);
}
END_TEST

START_TEST(test_rfc4271_4_2_hold_time_negotiation)
{
    static const struct {
        uint16_t ours, theirs, keepalive, hold, want_keepalive;
    } t[] = {{9, 90, 0, 9, 3},  {90, 9, 0, 9, 3},  {90, 90, 10, 90, 10}, {90, 9, 10, 9, 3}, {0, 90, 0, 0, 0},
             {90, 0, 10, 0, 0}, {3, 180, 0, 3, 1}, {9, 9, 60, 9, 3},     {2, 90, 0, 3, 1}};

    for (unsigned i = 0; i < COUNT(t); i++) {
        const struct bgp_fsm_session *s;

        cfg.local.hold_s = t[i].ours;
        cfg.keepalive_s = t[i].keepalive;
        peer.hold_s = t[i].theirs;
        bring_to(ESTABLISHED);
        s = find(BGP_ACT_UP)->session;
        ck_assert_uint_eq(s->hold_s, t[i].hold);
        ck_assert_uint_eq(s->keepalive_s, t[i].want_keepalive);
        ck_assert_ptr_eq(s, bgp_fsm_session(&fsm));
    }
}
END_TEST

START_TEST(test_config_change_holds_for_later_connections)
{
    bring_to(OPENSENT);
    cfg.local.hold_s = 30;
    bgp_fsm_set_config(&fsm, &cfg);
    ck_assert_uint_eq(bgp_fsm_local_open(&fsm, 0)->hold_s, 9);
    ev(BGP_EV_OPEN, 0);
    ev(BGP_EV_KEEPALIVE, 0);
    ck_assert_uint_eq(bgp_fsm_session(&fsm)->hold_s, 9); /* what the OPEN sent on it said */
    expect(give((struct bgp_fsm_event){.type = BGP_EV_RESET, .subcode = 6}),
           "notify0:6/6 close0 down0:reset");
    next();
    ev(BGP_EV_CONNECTED, 0);
    ev(BGP_EV_OPEN, 0);
    ev(BGP_EV_KEEPALIVE, 0);
    ck_assert_uint_eq(bgp_fsm_session(&fsm)->hold_s, 30);
}
END_TEST

START_TEST(test_R2_1_capabilities_are_shared_only_if_both_have_them)
{
    for (unsigned bits = 0; bits < 256; bits++) {
        const struct bgp_fsm_session *s;

        cfg.local.caps = (struct bgp_fsm_caps){.evpn = true,
                                               .refresh = bits & 1,
                                               .as4 = bits & 2,
                                               .extended_message = bits & 4,
                                               .gr = bits & 8,
                                               .gr_notification = bits & 8};
        peer.caps = (struct bgp_fsm_caps){.evpn = true,
                                          .refresh = bits & 16,
                                          .as4 = bits & 32,
                                          .extended_message = bits & 64,
                                          .gr = bits & 128,
                                          .gr_evpn = bits & 128,
                                          .gr_notification = bits & 128};
        bring_to(ESTABLISHED);
        s = bgp_fsm_session(&fsm);
        ck_assert_int_eq(s->refresh, (bits & 17) == 17);
        ck_assert_int_eq(s->as4, (bits & 34) == 34);
        ck_assert_int_eq(s->extended_message, (bits & 68) == 68);
        ck_assert_int_eq(s->helper, (bits & 136) == 136);
        ck_assert_int_eq(s->graceful_notification, (bits & 136) == 136);
    }
}
END_TEST

/* ---- collisions: 0 is ours, 1 is the peer's */

static const char *both_open(uint32_t peer_id, unsigned first)
{
    peer.router_id = peer_id;
    bring_to(OPENSENT);
    expect(ev(BGP_EV_INCOMING, 0), "adopt1 open1");
    return ev(BGP_EV_OPEN, first);
}

/* Ours is the higher identifier, and it is for us to decide: the peer hears KEEPALIVE on one alone. */
START_TEST(test_rfc4271_6_8_the_higher_identifier_decides)
{
    expect(both_open(LOW_ID, 0), "ka0");
    expect(ev(BGP_EV_OPEN, 1), "notify1:6/7 close1 log:collision");
    expect(both_open(LOW_ID, 1), "");
    expect(ev(BGP_EV_OPEN, 0), "notify1:6/7 close1 log:collision ka0");
    expect_state(BGP_OPENCONFIRM);
    ck_assert_uint_eq(fsm.counters.collisions, 1);
    expect(ev(BGP_EV_KEEPALIVE, 0), "up0");
}
END_TEST

/* It is for the peer, whose KEEPALIVE on its own connection says what it decided. */
START_TEST(test_rfc4271_6_8_the_lower_identifier_closes_nothing_before_it_is_told)
{
    expect(both_open(HIGH_ID, 0), "");
    expect(ev(BGP_EV_OPEN, 1), "ka1");
    expect(ev(BGP_EV_KEEPALIVE, 1), "notify0:6/7 close0 log:collision up1");
    expect(both_open(HIGH_ID, 1), "ka1");
    expect(ev(BGP_EV_OPEN, 0), "");
    expect(notification(1, 6, 7), "close1 log:received ka0");
    expect(ev(BGP_EV_KEEPALIVE, 0), "up0");
    /* KEEPALIVE first on ours: the peer's stays beside it until it goes, or takes over. */
    bring_to(OPENCONFIRM);
    ev(BGP_EV_INCOMING, 0);
    expect(ev(BGP_EV_KEEPALIVE, 0), "up0");
    expect(ev(BGP_EV_OPEN, 1), "ka1");
    expect(notification(1, 6, 7), "close1 log:received");
    expect_state(BGP_ESTABLISHED);
    ev(BGP_EV_INCOMING, 0);
    expect(ev(BGP_EV_OPEN, 1), "ka1");
    expect(notification(0, 6, 7), "close0 down0:received");
    expect(ev(BGP_EV_KEEPALIVE, 1), "up1");
}
END_TEST

/* A connection that would stay but does not come to anything holds the other one up for a second. */
START_TEST(test_rfc4271_6_8_nobody_waits_long_for_the_other_connection)
{
    expect(both_open(LOW_ID, 1), "");
    expect(ev(BGP_EV_KEEPALIVE, 1), "");
    ck_assert_double_eq(wait_s(), BGP_FSM_YIELD_S);
    expect(next(), "notify0:6/7 close0 log:collision ka1 up1");
    expect(both_open(HIGH_ID, 0), "");
    expect(next(), "ka0"); /* the peer's connection is not ours to close */
    expect(ev(BGP_EV_OPEN, 1), "ka1");
    expect(ev(BGP_EV_KEEPALIVE, 0), "up0");
    /* Nor when it fails, or is lost before it is there. */
    both_open(LOW_ID, 1);
    expect(ev(BGP_EV_LOST, 0), "close0 log:lost ka1");
    peer.router_id = LOW_ID;
    bring_to(CONNECT);
    ev(BGP_EV_INCOMING, 0);
    expect(ev(BGP_EV_OPEN, 1), "");
    expect(ev(BGP_EV_CONNECT_FAILED, 0), "close0 log:failed ka1");
    bring_to(CONNECT);
    ev(BGP_EV_INCOMING, 0);
    expect(ev(BGP_EV_OPEN, 1), "");
    expect(next(), "close0 ka1");
    /* One that is old already is not waited for. */
    bring_to(OPENSENT);
    pass(2);
    ev(BGP_EV_INCOMING, 0);
    expect(ev(BGP_EV_OPEN, 1), "notify0:6/7 close0 log:collision ka1");
}
END_TEST

START_TEST(test_rfc6286_2_3_equal_identifiers_the_larger_as_stays)
{
    expect(both_open(OUR_ID, 0), ""); /* the peer's AS is the larger */
    expect(ev(BGP_EV_OPEN, 1), "ka1");
    cfg.peer_asn = peer.asn = OUR_AS - 1;
    expect(both_open(OUR_ID, 0), "ka0");
    expect(ev(BGP_EV_OPEN, 1), "notify1:6/7 close1 log:collision");
}
END_TEST

START_TEST(test_rfc4271_6_8_identifiers_compare_as_unsigned_numbers)
{
    expect(both_open(0xc0a80001, 0), "");
    expect(ev(BGP_EV_OPEN, 1), "ka1");
}
END_TEST

START_TEST(test_established_ends_whatever_else_is_under_way)
{
    bring_to(CONNECT);
    ev(BGP_EV_INCOMING, 0);
    expect(ev(BGP_EV_OPEN, 1), "close0 ka1"); /* a dial under way has nobody to notify */
    expect(ev(BGP_EV_KEEPALIVE, 1), "up1");
    both_open(LOW_ID, 0);
    expect(ev(BGP_EV_KEEPALIVE, 0), "notify1:6/7 close1 log:collision up0");
}
END_TEST

START_TEST(test_second_incoming_replaces_the_first)
{
    bring_to(ACTIVE);
    expect(ev(BGP_EV_INCOMING, 0), "adopt0 open0");
    expect(ev(BGP_EV_INCOMING, 0), "notify0:6/7 close0 log:collision adopt0 open0");
    ev(BGP_EV_OPEN, 0);
    expect(ev(BGP_EV_INCOMING, 0), "notify0:6/7 close0 adopt0 open0");
    /* Also where it sits beside a free place. */
    bring_to(CONNECT);
    expect(ev(BGP_EV_INCOMING, 0), "adopt1 open1");
    ev(BGP_EV_CONNECT_FAILED, 0);
    expect(ev(BGP_EV_INCOMING, 0), "notify1:6/7 close1 log:collision adopt1 open1");
    /* And beside a session. */
    bring_to(ESTABLISHED);
    expect(ev(BGP_EV_INCOMING, 0), "adopt1 open1");
    expect(ev(BGP_EV_INCOMING, 0), "notify1:6/7 close1 log:collision adopt1 open1");
    ck_assert_ptr_nonnull(bgp_fsm_session(&fsm));
}
END_TEST

START_TEST(test_rfc4271_6_8_established_is_never_lost_to_a_collision)
{
    const uint32_t ids[] = {LOW_ID, HIGH_ID};

    for (unsigned i = 0; i < 2; i++) {
        peer.router_id = ids[i];
        bring_to(ESTABLISHED);
        pass(8);
        expect(ev(BGP_EV_INCOMING, 0), "adopt1 open1");
        expect(ev(BGP_EV_OPEN, 1), "notify1:6/7 close1 log:collision");
        expect_state(BGP_ESTABLISHED);
        ck_assert_uint_eq(bgp_fsm_session(&fsm)->conn, 0);
    }
    /* Unless configured, CollisionDetectEstablishedState. */
    cfg.collision_established = true;
    peer.router_id = LOW_ID;
    bring_to(ESTABLISHED);
    ev(BGP_EV_INCOMING, 0);
    expect(ev(BGP_EV_OPEN, 1), "notify1:6/7 close1 log:collision");
    peer.router_id = HIGH_ID;
    bring_to(ESTABLISHED);
    ev(BGP_EV_INCOMING, 0);
    pass(BGP_FSM_COLLISION_S);
    expect(ev(BGP_EV_OPEN, 1), "notify0:6/7 close0 down0:collision ka1");
    expect(ev(BGP_EV_KEEPALIVE, 1), "up1");
    /* Both dialled by the peer: the new one stays if its identifier is the higher, by the letter. */
    ev(BGP_EV_INCOMING, 0);
    expect(ev(BGP_EV_OPEN, 0), "notify1:6/7 close1 down1:collision ka0");
    ev(BGP_EV_KEEPALIVE, 0);
    peer.router_id = LOW_ID;
    ev(BGP_EV_INCOMING, 0);
    expect(ev(BGP_EV_OPEN, 1),
           "notify1:6/7 close1 log:collision"); /* news, as it was up since the last one */
    ck_assert_uint_eq(bgp_fsm_session(&fsm)->conn, 0);
}
END_TEST

START_TEST(test_faulty_candidate_does_not_touch_the_session)
{
    bring_to(ESTABLISHED);
    ev(BGP_EV_INCOMING, 0);
    peer.asn++;
    expect(ev(BGP_EV_OPEN, 1), "notify1:2/2 close1 log:as");
    expect_state(BGP_ESTABLISHED);
    ev(BGP_EV_INCOMING, 0);
    expect(ev(BGP_EV_LOST, 1), "close1 log:lost");
    expect_state(BGP_ESTABLISHED);
    expect(ev(BGP_EV_INCOMING, 0), "adopt1 open1");
    for (mono_t began = now; now.ns < began.ns + 61 * NSEC;) {
        ev(BGP_EV_KEEPALIVE, 0);
        now = bgp_fsm_next_deadline(&fsm);
        tick();
        ck_assert_ptr_nonnull(bgp_fsm_session(&fsm));
    }
    ck_assert_int_eq(fsm.conn[1].state, BGP_IDLE); /* it never brought an OPEN */
}
END_TEST

START_TEST(test_session_lost_with_a_candidate_goes_on_with_it)
{
    bring_to(ESTABLISHED);
    ev(BGP_EV_INCOMING, 0);
    expect(ev(BGP_EV_LOST, 0), "close0 down0:lost");
    expect_state(BGP_OPENSENT);
    expect(ev(BGP_EV_OPEN, 1), "ka1");
    expect(ev(BGP_EV_KEEPALIVE, 1), "up1");
}
END_TEST

/* ---- graceful restart */

/* R and F of the OPEN that was just sent on a connection. */
static void expect_flags(unsigned conn, bool restarted, bool forwarding)
{
    const struct bgp_fsm_caps *c = &bgp_fsm_local_open(&fsm, conn)->caps;

    ck_assert_uint_eq(c->gr_restarting, restarted);
    ck_assert_uint_eq(c->gr_forwarding, forwarding);
}

START_TEST(test_R2_7_only_the_first_session_after_our_restart_says_so)
{
    cfg.local.caps.gr_restarting = true;
    peer_restarts_gracefully(true);
    init();
    expect(ev(BGP_EV_START, 0), "connect0");
    pass(2);
    ev(BGP_EV_CONNECTED, 0);
    expect_flags(0, true, false);
    ck_assert(bgp_fsm_restarting(&fsm, now));
    /* It came to nothing, so the peer may not have understood. */
    ev(BGP_EV_LOST, 0);
    pass(10);
    expect(ev(BGP_EV_INCOMING, 0), "adopt0 open0");
    expect_flags(0, true, false);
    ev(BGP_EV_OPEN, 0);
    expect(ev(BGP_EV_KEEPALIVE, 0), "up0");
    ck_assert(bgp_fsm_session(&fsm)->local.caps.gr_restarting);
    ck_assert(!bgp_fsm_restarting(&fsm, now));
    pass(1);
    ev(BGP_EV_LOST, 0);
    pass(10);
    ev(BGP_EV_INCOMING, 0);
    expect_flags(0, false, true);
    /* Not even after the operator had it stopped. */
    ev(BGP_EV_STOP, 0);
    ev(BGP_EV_START, 0);
    ev(BGP_EV_CONNECTED, 0);
    expect_flags(0, false, true);
}
END_TEST

START_TEST(test_R2_7_restart_is_forgotten_after_the_restart_time)
{
    cfg.local.caps.gr_restarting = true;
    cfg.local.caps.gr_time_s = 30;
    init();
    expect(ev(BGP_EV_START, 0), "connect0");
    pass(29.9);
    ev(BGP_EV_CONNECTED, 0);
    expect_flags(0, true, false);
    ev(BGP_EV_LOST, 0);
    pass(0.2);
    ev(BGP_EV_INCOMING, 0);
    expect_flags(0, false, false); /* nothing was kept, asked or not */
    /* One that kept its forwarding says so both times. */
    cfg.local.caps.gr_forwarding = true;
    init();
    ev(BGP_EV_START, 0);
    ev(BGP_EV_CONNECTED, 0);
    expect_flags(0, true, true);
    /* Without graceful restart there is nothing to say. */
    cfg.local.caps.gr = false;
    init();
    ev(BGP_EV_START, 0);
    ev(BGP_EV_CONNECTED, 0);
    ck_assert(!bgp_fsm_local_open(&fsm, 0)->caps.gr_restarting);
}
END_TEST

START_TEST(test_rfc4724_4_2_new_connection_replaces_the_old_without_notification)
{
    peer_restarts_gracefully(false);
    bring_to(ESTABLISHED);
    pass(8);
    expect(ev(BGP_EV_INCOMING, 0), "adopt1 open1");
    expect_state(BGP_ESTABLISHED); /* the OPEN decides, not the connection */
    expect(ev(BGP_EV_OPEN, 1), "close0 down0:replaced+stale ka1");
    ck_assert_uint_eq(find(BGP_ACT_DOWN)->stale_s, 77);
    expect(ev(BGP_EV_KEEPALIVE, 1), "up1");
    /* Again, with the session on the incoming one. */
    pass(8);
    expect(ev(BGP_EV_INCOMING, 0), "adopt0 open0");
    expect(ev(BGP_EV_OPEN, 0), "close1 down1:replaced+stale ka0");
    /* A bad OPEN replaces nothing. */
    ev(BGP_EV_KEEPALIVE, 0);
    pass(8);
    ev(BGP_EV_INCOMING, 0);
    peer.asn++;
    expect(ev(BGP_EV_OPEN, 1), "notify1:2/2 close1 log:as");
    expect_state(BGP_ESTABLISHED);
}
END_TEST

/* It is no restart; whose identifier is the higher may still close either. */
START_TEST(test_young_session_does_not_give_way_to_the_late_half_of_a_collision)
{
    const uint32_t ids[] = {LOW_ID, HIGH_ID};

    peer_restarts_gracefully(true);
    for (unsigned i = 0; i < 2; i++) {
        peer.router_id = ids[i];
        bring_to(ESTABLISHED);
        pass(BGP_FSM_COLLISION_S - 0.1);
        ev(BGP_EV_INCOMING, 0);
        expect(ev(BGP_EV_OPEN, 1), i ? "ka1" : "notify1:6/7 close1 log:collision");
        expect_state(BGP_ESTABLISHED);
    }
    expect(ev(BGP_EV_KEEPALIVE, 1), "notify0:6/7 close0 down0:collision+stale up1");
}
END_TEST

START_TEST(test_rfc4724_4_2_what_leaves_stale_routes)
{
    /* peer: no graceful restart, RFC 4724, RFC 8538 too */
    static const struct {
        struct bgp_fsm_event ev;
        bool helper, notification;
    } t[] = {
        {{.type = BGP_EV_LOST}, true, true},
        {{.type = BGP_EV_NOTIFICATION, .code = 6, .subcode = 4}, false, true},
        {{.type = BGP_EV_NOTIFICATION, .code = 6, .subcode = 2}, false, true},
        {{.type = BGP_EV_NOTIFICATION, .code = 6, .subcode = 9}, false, false},
        {{.type = BGP_EV_NOTIFICATION, .code = 4}, false, true},
        {{.type = BGP_EV_NOTIFICATION, .code = 3, .subcode = 1}, false, true},
        {{.type = BGP_EV_MSG_ERROR, .code = 3, .subcode = 1}, false, true},
        {{.type = BGP_EV_OPEN, .open = &peer}, false, true},
        {{.type = BGP_EV_RESET}, false, true},
        {{.type = BGP_EV_RESET, .hard = true}, false, false},
        {{.type = BGP_EV_RESET, .silent = true}, false, false},
        {{.type = BGP_EV_STOP}, false, false},
        {{.type = BGP_EV_STOP, .subcode = 6}, false, false},
        {{.type = BGP_EV_MAX_PREFIXES}, false, false},
    };

    for (unsigned i = 0; i < COUNT(t) * 3; i++) {
        unsigned knows = i % 3;

        peer.caps = (struct bgp_fsm_caps){.evpn = true};
        if (knows)
            peer_restarts_gracefully(knows == 2);
        bring_to(ESTABLISHED);
        give(t[i / 3].ev);
        ck_assert_int_eq(find(BGP_ACT_DOWN)->graceful,
                         knows == 2 ? t[i / 3].notification : knows && t[i / 3].helper);
        ck_assert_uint_eq(find(BGP_ACT_DOWN)->stale_s, find(BGP_ACT_DOWN)->graceful ? 77 : 0);
    }
}
END_TEST

START_TEST(test_rfc8538_hold_timer_leaves_stale_routes_only_with_the_n_bit)
{
    for (int n = 0; n < 2; n++) {
        peer_restarts_gracefully(n);
        bring_to(ESTABLISHED);
        pass(9);
        expect(tick(), n ? "notify0:4/0 close0 down0:hold+stale" : "notify0:4/0 close0 down0:hold");
    }
}
END_TEST

START_TEST(test_rfc4724_family_not_listed_means_no_helper)
{
    peer_restarts_gracefully(true);
    peer.caps.gr_evpn = false;
    bring_to(ESTABLISHED);
    ck_assert(!bgp_fsm_session(&fsm)->helper);
    expect(ev(BGP_EV_LOST, 0), "close0 down0:lost");
}
END_TEST

START_TEST(test_rfc8538_hard_reset_wraps_the_cease)
{
    static const struct {
        struct bgp_fsm_event ev;
        const char *actions;
        uint8_t data[8];
        uint16_t len;
    } t[] = {
        {{.type = BGP_EV_STOP}, "notify0:6/9 close0 down0:stop", {6, 2}, 2},
        {{.type = BGP_EV_STOP, .subcode = 3}, "notify0:6/9 close0 down0:stop", {6, 3}, 2},
        {{.type = BGP_EV_STOP, .data = (const uint8_t *)"bye", .len = 3},
         "notify0:6/9 close0 down0:stop",
         {6, 2, 3, 'b', 'y', 'e'},
         6},
        {{.type = BGP_EV_MAX_PREFIXES, .data = (const uint8_t *)"\0\31\106", .len = 3},
         "notify0:6/9 close0 down0:prefixes",
         {6, 1, 0, 25, 70},
         5},
        {{.type = BGP_EV_RESET, .hard = true}, "notify0:6/9 close0 down0:reset", {6, 4}, 2},
        {{.type = BGP_EV_RESET}, "notify0:6/4 close0 down0:reset+stale", {0}, 0},
        {{.type = BGP_EV_RESET, .subcode = 6}, "notify0:6/6 close0 down0:reset+stale", {0}, 0},
        {{.type = BGP_EV_STOP, .silent = true}, "close0 down0:stop", {0}, 0},
    };

    peer_restarts_gracefully(true);
    for (unsigned i = 0; i < COUNT(t); i++) {
        bring_to(ESTABLISHED);
        expect(give(t[i].ev), t[i].actions);
        if (t[i].ev.silent)
            continue;
        ck_assert_uint_eq(find(BGP_ACT_SEND_NOTIFICATION)->len, t[i].len);
        if (t[i].len)
            ck_assert_mem_eq(find(BGP_ACT_SEND_NOTIFICATION)->data, t[i].data, t[i].len);
    }
    /* Not to one that may not know it: before its OPEN, or without the N bit. */
    bring_to(OPENCONFIRM);
    expect(ev(BGP_EV_STOP, 0), "notify0:6/2 close0 log:stop");
    peer_restarts_gracefully(false);
    bring_to(ESTABLISHED);
    expect(ev(BGP_EV_STOP, 0), "notify0:6/2 close0 down0:stop");
}
END_TEST

/* ---- shutdown communication */

START_TEST(test_rfc9003_text_goes_out_on_every_connection)
{
    const struct bgp_fsm_action *a;
    unsigned seen = 0;

    peer_restarts_gracefully(true);
    bring_to(ESTABLISHED);
    ev(BGP_EV_INCOMING, 0);
    expect(
        give((struct bgp_fsm_event){.type = BGP_EV_STOP, .data = (const uint8_t *)"maintenance", .len = 11}),
        "notify0:6/9 close0 down0:stop notify1:6/2 close1");
    for (a = out.a; a < out.a + out.n; a++) {
        if (a->type != BGP_ACT_SEND_NOTIFICATION)
            continue;
        seen++;
        ck_assert_uint_eq(a->len, a->conn ? 12 : 14);
        ck_assert_mem_eq(a->data + (a->conn ? 0 : 2), "\013maintenance", 12);
    }
    ck_assert_uint_eq(seen, 2);
}
END_TEST

START_TEST(test_rfc9003_long_text_is_cut_between_characters)
{
    uint8_t text[400];

    memset(text, 'x', sizeof(text));
    memcpy(text + 254, "\xc3\xa9", 2); /* would be split at 255 */
    bring_to(ESTABLISHED);
    give((struct bgp_fsm_event){.type = BGP_EV_RESET, .data = text, .len = sizeof(text)});
    ck_assert_uint_eq(find(BGP_ACT_SEND_NOTIFICATION)->len, 255);
    ck_assert_uint_eq(find(BGP_ACT_SEND_NOTIFICATION)->data[0], 254);
    /* The longest, inside a Hard Reset too. */
    text[254] = 'x';
    peer_restarts_gracefully(true);
    bring_to(ESTABLISHED);
    give((struct bgp_fsm_event){.type = BGP_EV_STOP, .data = text, .len = sizeof(text)});
    ck_assert_uint_eq(find(BGP_ACT_SEND_NOTIFICATION)->len, 2 + 256);
    ck_assert_uint_eq(find(BGP_ACT_SEND_NOTIFICATION)->data[2], 255);
    bring_to(ESTABLISHED);
    give((struct bgp_fsm_event){.type = BGP_EV_STOP, .data = text, .len = 0});
    ck_assert_uint_eq(find(BGP_ACT_SEND_NOTIFICATION)->len, 2);
    /* Only shutdown and reset carry one. */
    bring_to(ESTABLISHED);
    give((struct bgp_fsm_event){.type = BGP_EV_STOP, .subcode = 3, .data = text, .len = 3});
    ck_assert_uint_eq(find(BGP_ACT_SEND_NOTIFICATION)->len, 2);
}
END_TEST

static const char *words_after(uint8_t code, uint8_t subcode, const char *data, uint16_t len)
{
    static char buf[BGP_FSM_WORDS_LEN];
    const struct bgp_fsm_action *a;

    bring_to(ESTABLISHED);
    give((struct bgp_fsm_event){.type = BGP_EV_NOTIFICATION,
                                .code = code,
                                .subcode = subcode,
                                .data = (const uint8_t *)data,
                                .len = len});
    a = find(BGP_ACT_DOWN);
    ck_assert_str_eq(bgp_fsm_words(&a->fault, a->text, buf, sizeof(buf)),
                     bgp_fsm_words(&fsm.last, fsm.text, buf, sizeof(buf)));
    return buf;
}

START_TEST(test_rfc9003_text_received)
{
    static char big[257];

    expect(words_after(6, 2, "\5hello", 6),
           "NOTIFICATION received: Cease/Administrative Shutdown, \"hello\"");
    expect(words_after(6, 4, "\5hello", 6), "NOTIFICATION received: Cease/Administrative Reset, \"hello\"");
    expect(words_after(6, 9, "\6\2\5hello", 8),
           "NOTIFICATION received (hard reset): Cease/Administrative Shutdown, \"hello\"");
    expect(words_after(6, 9, "\6", 1), "NOTIFICATION received (hard reset): Cease/Hard Reset");
    expect(words_after(6, 2, "\3a\xc3\xa9xxx", 7),
           "NOTIFICATION received: Cease/Administrative Shutdown, \"aé\"");
    /* Ill-formed or hostile: no text, or none that moves a terminal. */
    expect(words_after(6, 2, "\6hello", 6), "NOTIFICATION received: Cease/Administrative Shutdown");
    expect(words_after(6, 2, "\0", 1), "NOTIFICATION received: Cease/Administrative Shutdown");
    expect(words_after(6, 2, NULL, 9), "NOTIFICATION received: Cease/Administrative Shutdown");
    expect(words_after(6, 3, "\5hello", 6), "NOTIFICATION received: Cease/Peer De-configured");
    expect(words_after(6, 2, "\7a\33[2J\n\xff", 8),
           "NOTIFICATION received: Cease/Administrative Shutdown, \"a?[2J??\"");
    expect(words_after(6, 2, "\4\xc0\xaf\xed\xa0", 5),
           "NOTIFICATION received: Cease/Administrative Shutdown, \"????\"");
    /* Surrogate, overlong forms, beyond U+10FFFF. */
    expect(words_after(6, 2, "\15\xed\xa0\x80\xe0\x80\xaf\xf0\x80\x80\xaf\xf4\x90\x80", 14),
           "NOTIFICATION received: Cease/Administrative Shutdown, \"?????????????\"");
    expect(words_after(6, 2, "\2a\xf0", 3), "NOTIFICATION received: Cease/Administrative Shutdown, \"a?\"");
    expect(words_after(6, 2, "\2\xc2\x9b", 3), "NOTIFICATION received: Cease/Administrative Shutdown, \"?\"");
    expect(words_after(6, 2, "\3\xe2\x80\xa8", 4),
           "NOTIFICATION received: Cease/Administrative Shutdown, \"?\"");
    expect(words_after(6, 2, "\4\xf0\x9f\x98\x80", 5),
           "NOTIFICATION received: Cease/Administrative Shutdown, \"😀\"");
    memset(big, 'y', sizeof(big));
    big[0] = (char)255;
    ck_assert_uint_eq(strlen(words_after(6, 2, big, 256)),
                      strlen("NOTIFICATION received: Cease/Administrative Shutdown, \"\"") + 255);
}
END_TEST

START_TEST(test_last_error_in_words)
{
    char buf[BGP_FSM_WORDS_LEN], small[8];

    bring_to(CONNECT);
    give((struct bgp_fsm_event){.type = BGP_EV_CONNECT_FAILED, .err = ECONNREFUSED});
    expect(bgp_fsm_words(&fsm.last, fsm.text, buf, sizeof(buf)), "connection failed: Connection refused");
    bring_to(OPENSENT);
    peer.asn = 4200000000;
    ev(BGP_EV_OPEN, 0);
    expect(
        bgp_fsm_words(&fsm.last, fsm.text, buf, sizeof(buf)),
        "the peer says it is AS 4200000000, which is not the one configured; NOTIFICATION sent: OPEN Message "
        "Error/Bad Peer AS");
    expect(bgp_fsm_words(&fsm.last, fsm.text, small, sizeof(small)), "the pee");
    for (int why = 0; why <= BGP_WHY_REPLACED; why++) /* each has words, unless its NOTIFICATION says it */
        ck_assert_int_eq(!*bgp_fsm_words(&(struct bgp_fsm_fault){.why = why}, NULL, buf, sizeof(buf)),
                         why == BGP_WHY_NONE || why == BGP_WHY_NOTIFICATION || why == BGP_WHY_MSG_ERROR ||
                             why == BGP_WHY_UNEXPECTED);
}
END_TEST

/* What the operator sees is the error, not the collision that came after it. */
START_TEST(test_last_error_outlives_collisions)
{
    char buf[BGP_FSM_WORDS_LEN];

    bring_to(ESTABLISHED);
    give((struct bgp_fsm_event){
        .type = BGP_EV_NOTIFICATION, .code = 6, .subcode = 2, .data = (const uint8_t *)"\2hi", .len = 3});
    ev(BGP_EV_INCOMING, 0);
    expect(notification(0, 6, 7), "close0 log:received");
    expect(bgp_fsm_words(&fsm.last, fsm.text, buf, sizeof(buf)),
           "NOTIFICATION received: Cease/Administrative Shutdown, \"hi\"");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("bgp_fsm_rules");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, test_rfc4271_6_2_open_errors);
    tcase_add_test(tc, test_rfc6286_2_2_own_identifier_within_the_as);
    tcase_add_test(tc, test_rfc5492_3_missing_capability_is_in_the_data);
    tcase_add_test(tc, test_message_error_data_goes_out_as_it_came);
    tcase_add_test(tc, test_rfc4271_4_2_hold_time_negotiation);
    tcase_add_test(tc, test_config_change_holds_for_later_connections);
    tcase_add_test(tc, test_R2_1_capabilities_are_shared_only_if_both_have_them);
    tcase_add_test(tc, test_rfc4271_6_8_the_higher_identifier_decides);
    tcase_add_test(tc, test_rfc4271_6_8_the_lower_identifier_closes_nothing_before_it_is_told);
    tcase_add_test(tc, test_rfc4271_6_8_nobody_waits_long_for_the_other_connection);
    tcase_add_test(tc, test_rfc6286_2_3_equal_identifiers_the_larger_as_stays);
    tcase_add_test(tc, test_rfc4271_6_8_identifiers_compare_as_unsigned_numbers);
    tcase_add_test(tc, test_established_ends_whatever_else_is_under_way);
    tcase_add_test(tc, test_second_incoming_replaces_the_first);
    tcase_add_test(tc, test_rfc4271_6_8_established_is_never_lost_to_a_collision);
    tcase_add_test(tc, test_faulty_candidate_does_not_touch_the_session);
    tcase_add_test(tc, test_session_lost_with_a_candidate_goes_on_with_it);
    tcase_add_test(tc, test_R2_7_only_the_first_session_after_our_restart_says_so);
    tcase_add_test(tc, test_R2_7_restart_is_forgotten_after_the_restart_time);
    tcase_add_test(tc, test_rfc4724_4_2_new_connection_replaces_the_old_without_notification);
    tcase_add_test(tc, test_young_session_does_not_give_way_to_the_late_half_of_a_collision);
    tcase_add_test(tc, test_rfc4724_4_2_what_leaves_stale_routes);
    tcase_add_test(tc, test_rfc8538_hold_timer_leaves_stale_routes_only_with_the_n_bit);
    tcase_add_test(tc, test_rfc4724_family_not_listed_means_no_helper);
    tcase_add_test(tc, test_rfc8538_hard_reset_wraps_the_cease);
    tcase_add_test(tc, test_rfc9003_text_goes_out_on_every_connection);
    tcase_add_test(tc, test_rfc9003_long_text_is_cut_between_characters);
    tcase_add_test(tc, test_rfc9003_text_received);
    tcase_add_test(tc, test_last_error_in_words);
    tcase_add_test(tc, test_last_error_outlives_collisions);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
