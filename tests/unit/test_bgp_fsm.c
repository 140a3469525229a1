/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The BGP state machine of one peer: every event in every state, dialling, pauses after errors, timers. What
 * is in an OPEN, collisions, graceful restart and words: test_bgp_fsm_rules.c. Two machines against each
 * other: test_bgp_fsm_sim.c.
 */
#include "tests/unit/bgp_fsm_rig.h"
#include "tests/unit/suite.h"

/* ---- every event in every state */

/* Actions, and the state after them: Idle, Connect, Active, open-Sent, Openconfirm, Established. */
#define I "Idle"
#define C "Connect"
#define A "Active"
#define S "OpenSent"
#define O "OpenConfirm"
#define E "Established"
/* columns: stopped, pausing, Connect, Active, OpenSent, OpenConfirm, Established */
/* clang-format off */
static const struct {
    const char *actions, *state;
} pairs[BGP_N_EVENTS][N_PLACES] = {
    [BGP_EV_START] = {{"connect0", C}, {"connect0", C}, {"", C}, {"", A}, {"", S}, {"", O}, {"", E}},
    [BGP_EV_STOP] = {{"", I}, {"", I}, {"close0 log:stop", I}, {"", I}, {"notify0:6/2 close0 log:stop", I},
        {"notify0:6/2 close0 log:stop", I}, {"notify0:6/2 close0 down0:stop", I}},
    [BGP_EV_RESET] = {{"", I}, {"", A}, {"close0 log:reset", A}, {"", A},
        {"notify0:6/4 close0 log:reset", A}, {"notify0:6/4 close0 log:reset", A},
        {"notify0:6/4 close0 down0:reset", A}},
    [BGP_EV_INCOMING] = {{"reject:6/5 log:refused", I}, {"reject:6/5 log:refused", I}, {"adopt1 open1", S},
        {"adopt0 open0", S}, {"adopt1 open1", S}, {"adopt1 open1", O}, {"adopt1 open1", E}},
    [BGP_EV_MAX_PREFIXES] = {{"", I}, {"", I}, {"", C}, {"", A}, {"", S}, {"", O},
        {"notify0:6/1 close0 down0:prefixes", I}},
    [BGP_EV_CONNECTED] = {{"", I}, {"", I}, {"open0", S}, {"", A}, {"", S}, {"", O}, {"", E}},
    [BGP_EV_CONNECT_FAILED] = {{"", I}, {"", I}, {"close0 log:failed", A}, {"", A}, {"", S}, {"", O},
        {"", E}},
    [BGP_EV_LOST] = {{"", I}, {"", I}, {"close0 log:failed", A}, {"", A}, {"close0 log:lost", A},
        {"close0 log:lost", A}, {"close0 down0:lost", A}},
    [BGP_EV_OPEN] = {{"", I}, {"", I}, {"", C}, {"", A}, {"ka0", O}, {"notify0:5/2 close0 log:fsm", I},
        {"notify0:5/3 close0 down0:fsm", I}},
    [BGP_EV_UPDATE] = {{"", I}, {"", I}, {"", C}, {"", A}, {"notify0:5/1 close0 log:fsm", I},
        {"notify0:5/2 close0 log:fsm", I}, {"", E}},
    [BGP_EV_NOTIFICATION] = {{"", I}, {"", I}, {"", C}, {"", A}, {"close0 log:received", I},
        {"close0 log:received", I}, {"close0 down0:received", I}},
    [BGP_EV_KEEPALIVE] = {{"", I}, {"", I}, {"", C}, {"", A}, {"notify0:5/1 close0 log:fsm", I}, {"up0", E},
        {"", E}},
    [BGP_EV_REFRESH] = {{"", I}, {"", I}, {"", C}, {"", A}, {"notify0:5/1 close0 log:fsm", I},
        {"notify0:5/2 close0 log:fsm", I}, {"", E}},
    [BGP_EV_MSG_ERROR] = {{"", I}, {"", I}, {"", C}, {"", A}, {"notify0:1/2 close0 log:msg-error", I},
        {"notify0:1/2 close0 log:msg-error", I}, {"notify0:1/2 close0 down0:msg-error", I}},
    [BGP_EV_SENT] = {{"", I}, {"", I}, {"", C}, {"", A}, {"", S}, {"", O}, {"", E}},
};
/* clang-format on */

START_TEST(test_rfc4271_8_2_2_every_event_in_every_state)
{
    enum bgp_ev type = _i / N_PLACES;
    enum place place = _i % N_PLACES;
    struct bgp_fsm_event e = {.type = type};

    bring_to(place);
    ck_assert_ptr_nonnull(pairs[type][place].actions);
    e.open = &peer;
    if (type == BGP_EV_NOTIFICATION)
        e.code = e.subcode = 2;
    if (type == BGP_EV_MSG_ERROR)
        e.code = 1, e.subcode = 2;
    expect(give(e), pairs[type][place].actions);
    expect(bgp_state_name(bgp_fsm_state(&fsm)), pairs[type][place].state);
    ck_assert_int_eq(bgp_fsm_session(&fsm) != NULL, bgp_fsm_state(&fsm) == BGP_ESTABLISHED);
    /* A machine that runs always has something to wait for. */
    if (fsm.mode == BGP_FSM_RUNNING)
        ck_assert_uint_ne(bgp_fsm_next_deadline(&fsm).ns, BGP_FSM_NEVER);
    if (fsm.mode == BGP_FSM_STOPPED)
        ck_assert_uint_eq(bgp_fsm_next_deadline(&fsm).ns, BGP_FSM_NEVER);
}
END_TEST

/* What cannot come from a right shell is ignored, not followed. */
START_TEST(test_bad_event_numbers_are_ignored)
{
    bring_to(ESTABLISHED);
    expect(ev(BGP_N_EVENTS, 0), "");
    expect(ev(BGP_EV_LOST, 2), "");
    expect(ev(BGP_EV_LOST, 255), "");
    expect_state(BGP_ESTABLISHED);
}
END_TEST

START_TEST(test_rfc6608_unexpected_message_subcode_and_type)
{
    static const struct {
        enum place place;
        enum bgp_ev ev;
        uint8_t subcode, type;
    } t[] = {{OPENSENT, BGP_EV_UPDATE, 1, 2},    {OPENSENT, BGP_EV_KEEPALIVE, 1, 4},
             {OPENSENT, BGP_EV_REFRESH, 1, 5},   {OPENCONFIRM, BGP_EV_OPEN, 2, 1},
             {OPENCONFIRM, BGP_EV_UPDATE, 2, 2}, {OPENCONFIRM, BGP_EV_REFRESH, 2, 5},
             {ESTABLISHED, BGP_EV_OPEN, 3, 1}};

    for (unsigned i = 0; i < COUNT(t); i++) {
        const struct bgp_fsm_action *a;

        bring_to(t[i].place);
        ev(t[i].ev, 0);
        a = find(BGP_ACT_SEND_NOTIFICATION);
        ck_assert_uint_eq(a->code, 5);
        ck_assert_uint_eq(a->subcode, t[i].subcode);
        ck_assert_uint_eq(a->len, 1);
        ck_assert_uint_eq(a->data[0], t[i].type);
    }
}
END_TEST

/* ---- dialling */

START_TEST(test_passive_never_dials_but_accepts)
{
    cfg.passive = true;
    init();
    expect(ev(BGP_EV_START, 0), "");
    expect_state(BGP_ACTIVE);
    ck_assert_uint_eq(bgp_fsm_next_deadline(&fsm).ns, BGP_FSM_NEVER);
    expect(ev(BGP_EV_INCOMING, 0), "adopt0 open0");
    expect(ev(BGP_EV_OPEN, 0), "ka0");
    expect(ev(BGP_EV_KEEPALIVE, 0), "up0");
    ck_assert(find(BGP_ACT_UP)->session->incoming);
    expect(ev(BGP_EV_LOST, 0), "close0 down0:lost");
    ck_assert_uint_eq(bgp_fsm_next_deadline(&fsm).ns, BGP_FSM_NEVER);
    /* After a pause too. */
    ev(BGP_EV_INCOMING, 0);
    notification(0, 2, 2);
    expect_state(BGP_IDLE);
    expect(next(), "");
    expect_state(BGP_ACTIVE);
}
END_TEST

START_TEST(test_rfc4271_8_connect_retry_drops_a_slow_dial_and_dials_again)
{
    bring_to(CONNECT);
    ck_assert_double_le(wait_s(), 5.0);
    ck_assert_double_ge(wait_s(), 3.75);
    expect(next(), "close0 log:timeout connect0");
    expect(next(), "close0 connect0"); /* the same again is not logged again */
    expect_state(BGP_CONNECT);
}
END_TEST

START_TEST(test_repeated_fault_is_logged_once_a_minute)
{
    unsigned logged = 0;
    mono_t end;

    bring_to(CONNECT);
    for (end = (mono_t){now.ns + 300 * NSEC}; now.ns < end.ns;) {
        logged += strstr(give((struct bgp_fsm_event){.type = BGP_EV_CONNECT_FAILED, .err = ECONNREFUSED}),
                         "log") != NULL;
        expect(next(), "connect0");
    }
    ck_assert_uint_ge(logged, 4);
    ck_assert_uint_le(logged, 6);
    /* Another error is. */
    expect(give((struct bgp_fsm_event){.type = BGP_EV_CONNECT_FAILED, .err = EHOSTUNREACH}),
           "close0 log:failed");
}
END_TEST

START_TEST(test_rfc4271_10_jitter_is_three_quarters_to_all_and_spread)
{
    double low = 1e9, high = 0;

    for (unsigned seed = 0; seed < 2000; seed++) {
        bgp_fsm_init(&fsm, &cfg, seed);
        ev(BGP_EV_START, 0);
        low = wait_s() < low ? wait_s() : low;
        high = wait_s() > high ? wait_s() : high;
    }
    ck_assert_double_ge(low, 3.75);
    ck_assert_double_le(low, 3.8);
    ck_assert_double_le(high, 5.0);
    ck_assert_double_ge(high, 4.95);
}
END_TEST

START_TEST(test_lost_session_is_redialled_soon_if_it_was_stable)
{
    bring_to(ESTABLISHED);
    ev(BGP_EV_LOST, 0);
    ck_assert_double_ge(wait_s(), 3.75); /* it was not */
    bring_to(ESTABLISHED);
    pass(61);
    ev(BGP_EV_LOST, 0);
    ck_assert_double_le(wait_s(), 1.0);
    expect(next(), "connect0");
}
END_TEST

/* A half-open connection of the peer must not keep us from dialling. */
START_TEST(test_half_open_incoming_does_not_stop_dialling)
{
    bring_to(ACTIVE);
    pass(3);
    expect(ev(BGP_EV_INCOMING, 0), "adopt0 open0");
    ck_assert_double_ge(wait_s(), 3.75); /* but it has the time of one dial */
    expect(next(), "connect1");
    expect(ev(BGP_EV_CONNECTED, 1), "open1");
    expect(ev(BGP_EV_OPEN, 1), "ka1"); /* nor is it waited for */
    expect(ev(BGP_EV_KEEPALIVE, 1), "up1");
}
END_TEST

START_TEST(test_no_dial_beside_a_confirmed_connection)
{
    cfg.local.hold_s = 90; /* the next keepalive is far enough away for a dial to come first */
    bring_to(ACTIVE);
    ev(BGP_EV_INCOMING, 0);
    expect(ev(BGP_EV_OPEN, 0), "ka0");
    ck_assert_double_ge(wait_s(), 22.5);
    expect(next(), "ka0");
    expect(ev(BGP_EV_LOST, 0), "close0 log:lost");
    expect(next(), "connect0");
}
END_TEST

START_TEST(test_peer_made_passive_dials_no_more)
{
    bring_to(ACTIVE);
    cfg.passive = true;
    bgp_fsm_set_config(&fsm, &cfg);
    now = bgp_fsm_next_deadline(&fsm);
    expect(tick(), "");
    ck_assert_uint_eq(bgp_fsm_next_deadline(&fsm).ns, BGP_FSM_NEVER);
    expect_state(BGP_ACTIVE);
}
END_TEST

START_TEST(test_peer_that_stops_in_the_middle_is_dropped)
{
    mono_t began;

    cfg.passive = true;
    init();
    ev(BGP_EV_START, 0);
    expect(ev(BGP_EV_INCOMING, 0), "adopt0 open0");
    ck_assert_double_eq_tol(wait_s(), 60, 1e-6);
    expect(next(), "notify0:4/0 close0 log:no-open"); /* never an OPEN */
    expect_state(BGP_ACTIVE);
    expect(ev(BGP_EV_INCOMING, 0), "adopt0 open0");
    expect(ev(BGP_EV_OPEN, 0), "ka0");
    for (began = now; bgp_fsm_state(&fsm) == BGP_OPENCONFIRM;)
        next(); /* an OPEN, never a KEEPALIVE */
    expect(words, "notify0:4/0 close0 log:hold");
    ck_assert_double_eq_tol(seconds_from(began, now), 9, 1e-6);
}
END_TEST

START_TEST(test_hold_time_zero_still_bounds_the_wait_for_keepalive)
{
    peer.hold_s = 0;
    bring_to(OPENCONFIRM);
    ck_assert_double_eq_tol(wait_s(), 60, 1e-6);
    expect(next(), "notify0:4/0 close0 log:hold");
    bring_to(ESTABLISHED);
    ck_assert_uint_eq(bgp_fsm_next_deadline(&fsm).ns, BGP_FSM_NEVER);
}
END_TEST

/* ---- pauses */

START_TEST(test_damp_peer_oscillations_doubles_to_a_bound)
{
    static const double want[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};

    bring_to(CONNECT);
    for (unsigned i = 0; i < COUNT(want); i++) {
        ev(BGP_EV_CONNECTED, 0);
        notification(0, 2, 2);
        expect_state(BGP_IDLE);
        ck_assert_double_le(wait_s(), want[i]);
        ck_assert_double_ge(wait_s(), want[i] * 0.75);
        ck_assert_int_eq(strncmp(ev(BGP_EV_INCOMING, 0), "reject:6/5", 10), 0); /* logged once a minute */
        expect(next(), "connect0");
    }
    /* The operator does not wait, and begins anew. */
    ev(BGP_EV_CONNECTED, 0);
    notification(0, 2, 2);
    expect(ev(BGP_EV_START, 0), "connect0");
    ev(BGP_EV_CONNECTED, 0);
    notification(0, 2, 2);
    ck_assert_double_le(wait_s(), 1.0);
}
END_TEST

START_TEST(test_damping_is_forgiven_by_a_stable_session_only)
{
    for (int stable = 0; stable < 2; stable++) {
        bring_to(CONNECT);
        for (unsigned i = 0; i < 4; i++) {
            ev(BGP_EV_CONNECTED, 0);
            notification(0, 2, 2);
            next();
        }
        ev(BGP_EV_CONNECTED, 0);
        ev(BGP_EV_OPEN, 0);
        ev(BGP_EV_KEEPALIVE, 0);
        pass(stable ? 60 : 59);
        notification(0, 3, 1);
        ck_assert_double_le(wait_s(), stable ? 1 : 16);
        ck_assert_double_ge(wait_s(), stable ? 0.75 : 12);
    }
}
END_TEST

START_TEST(test_what_pauses_and_what_does_not)
{
    static const struct {
        uint8_t code, subcode;
        enum bgp_state state;
    } t[] = {{1, 1, BGP_IDLE},   {2, 2, BGP_IDLE},   {3, 1, BGP_IDLE},   {5, 3, BGP_IDLE},
             {6, 1, BGP_IDLE},   {6, 3, BGP_IDLE},   {6, 8, BGP_IDLE},   {99, 99, BGP_IDLE},
             {4, 0, BGP_ACTIVE}, {8, 0, BGP_ACTIVE}, {6, 2, BGP_ACTIVE}, {6, 4, BGP_ACTIVE},
             {6, 5, BGP_ACTIVE}, {6, 6, BGP_ACTIVE}, {6, 7, BGP_ACTIVE}, {6, 10, BGP_ACTIVE}};

    for (unsigned i = 0; i < COUNT(t); i++) {
        bring_to(ESTABLISHED);
        expect(notification(0, t[i].code, t[i].subcode), "close0 down0:received");
        expect_state(t[i].state);
    }
}
END_TEST

START_TEST(test_rfc4486_maximum_prefixes_stays_down_until_cleared)
{
    static const uint8_t data[] = {0, 25, 70, 0, 0, 0, 100};

    bring_to(ESTABLISHED);
    give((struct bgp_fsm_event){.type = BGP_EV_MAX_PREFIXES, .data = data, .len = sizeof(data)});
    ck_assert_uint_eq(find(BGP_ACT_SEND_NOTIFICATION)->len, 7);
    ck_assert_mem_eq(find(BGP_ACT_SEND_NOTIFICATION)->data, data, 7);
    expect_state(BGP_IDLE);
    ck_assert_uint_eq(bgp_fsm_next_deadline(&fsm).ns, BGP_FSM_NEVER);
    expect(ev(BGP_EV_INCOMING, 0), "reject:6/5 log:refused");
    expect(ev(BGP_EV_RESET, 0), "");
    expect(next(), "connect0");
    /* Or comes back by itself. */
    cfg.max_prefix_restart_s = 300;
    bring_to(ESTABLISHED);
    ev(BGP_EV_MAX_PREFIXES, 0);
    ck_assert_double_eq_tol(wait_s(), 300, 1e-6);
    expect(next(), "connect0");
    /* With a candidate beside it, nothing is left. */
    bring_to(ESTABLISHED);
    ev(BGP_EV_INCOMING, 0);
    expect(ev(BGP_EV_MAX_PREFIXES, 0), "notify1:6/5 close1 log:refused notify0:6/1 close0 down0:prefixes");
    expect_state(BGP_IDLE);
}
END_TEST

/* ---- timers of a session */

START_TEST(test_rfc4271_hold_timer_is_restarted_by_what_is_heard)
{
    static const enum bgp_ev heard[] = {BGP_EV_KEEPALIVE, BGP_EV_UPDATE, BGP_EV_REFRESH};
    mono_t last;

    bring_to(ESTABLISHED);
    for (unsigned i = 0; i < COUNT(heard); i++) {
        pass(8.9);
        tick();
        ck_assert_ptr_nonnull(bgp_fsm_session(&fsm));
        ev(heard[i], 0);
    }
    for (last = now; bgp_fsm_session(&fsm);) {
        now = bgp_fsm_next_deadline(&fsm);
        tick();
    }
    expect(words, "notify0:4/0 close0 down0:hold");
    ck_assert_double_eq_tol(seconds_from(last, now), 9, 1e-6);
    expect_state(BGP_ACTIVE);
}
END_TEST

START_TEST(test_rfc4271_keepalives_are_jittered_and_pushed_back_by_updates)
{
    double low = 9, high = 0;

    bring_to(ESTABLISHED);
    for (unsigned i = 0; i < 1000; i++) {
        double w;

        ev(BGP_EV_KEEPALIVE, 0);
        w = wait_s();
        low = w < low ? w : low;
        high = w > high ? w : high;
        expect(next(), "ka0");
        ev(BGP_EV_SENT, 0);
    }
    ck_assert_double_ge(low, 2.25);
    ck_assert_double_le(high, 3.0);
    ck_assert_double_ge(high - low, 0.7);
    for (unsigned i = 0; i < 100; i++) {
        pass(2);
        ev(BGP_EV_KEEPALIVE, 0);
        give((struct bgp_fsm_event){.type = BGP_EV_SENT, .update = true});
        expect(tick(), "");
    }
    pass(2);
    give((struct bgp_fsm_event){.type = BGP_EV_SENT}); /* a KEEPALIVE or other message does not */
    pass(1);
    expect(tick(), "ka0");
}
END_TEST

START_TEST(test_rfc4271_4_4_never_more_than_one_keepalive_a_second)
{
    cfg.local.hold_s = 3;
    bring_to(ESTABLISHED);
    for (unsigned i = 0; i < 100; i++) {
        ev(BGP_EV_KEEPALIVE, 0);
        ck_assert_double_eq_tol(wait_s(), 1, 1e-6);
        expect(next(), "ka0");
    }
}
END_TEST

/* Keeps hearing the peer until the session ends. */
static double seconds_until_down(void)
{
    mono_t began = now;

    while (bgp_fsm_session(&fsm)) {
        ev(BGP_EV_KEEPALIVE, 0);
        now = bgp_fsm_next_deadline(&fsm);
        tick();
    }
    return seconds_from(began, now);
}

START_TEST(test_rfc9687_send_hold_timer)
{
    bring_to(ESTABLISHED);
    pass(4);
    ev(BGP_EV_SENT, 0);
    ck_assert_double_eq_tol(seconds_until_down(), 480, 1e-6); /* the larger of 8 minutes ... */
    expect(words, "notify0:8/0 close0 down0:send-hold");
    expect_state(BGP_ACTIVE);
    cfg.local.hold_s = peer.hold_s = 300;
    bring_to(ESTABLISHED);
    ck_assert_double_eq_tol(seconds_until_down(), 600, 1e-6); /* ... and twice the hold time */
    cfg.send_hold_s = 100;
    bring_to(ESTABLISHED);
    ck_assert_double_eq_tol(seconds_until_down(), 301, 1e-6); /* longer than the hold time */
    cfg.local.hold_s = 90;
    bring_to(ESTABLISHED);
    ck_assert_double_eq_tol(seconds_until_down(), 100, 1e-6);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("bgp_fsm");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, test_rfc4271_8_2_2_every_event_in_every_state, 0, BGP_N_EVENTS * N_PLACES);
    tcase_add_test(tc, test_bad_event_numbers_are_ignored);
    tcase_add_test(tc, test_rfc6608_unexpected_message_subcode_and_type);
    tcase_add_test(tc, test_passive_never_dials_but_accepts);
    tcase_add_test(tc, test_rfc4271_8_connect_retry_drops_a_slow_dial_and_dials_again);
    tcase_add_test(tc, test_repeated_fault_is_logged_once_a_minute);
    tcase_add_test(tc, test_rfc4271_10_jitter_is_three_quarters_to_all_and_spread);
    tcase_add_test(tc, test_lost_session_is_redialled_soon_if_it_was_stable);
    tcase_add_test(tc, test_half_open_incoming_does_not_stop_dialling);
    tcase_add_test(tc, test_no_dial_beside_a_confirmed_connection);
    tcase_add_test(tc, test_peer_made_passive_dials_no_more);
    tcase_add_test(tc, test_peer_that_stops_in_the_middle_is_dropped);
    tcase_add_test(tc, test_hold_time_zero_still_bounds_the_wait_for_keepalive);
    tcase_add_test(tc, test_damp_peer_oscillations_doubles_to_a_bound);
    tcase_add_test(tc, test_damping_is_forgiven_by_a_stable_session_only);
    tcase_add_test(tc, test_what_pauses_and_what_does_not);
    tcase_add_test(tc, test_rfc4486_maximum_prefixes_stays_down_until_cleared);
    tcase_add_test(tc, test_rfc4271_hold_timer_is_restarted_by_what_is_heard);
    tcase_add_test(tc, test_rfc4271_keepalives_are_jittered_and_pushed_back_by_updates);
    tcase_add_test(tc, test_rfc4271_4_4_never_more_than_one_keepalive_a_second);
    tcase_add_test(tc, test_rfc9687_send_hold_timer);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
