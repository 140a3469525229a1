/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests of the BGP state machine share: one machine, its peer's OPEN, a clock that the test moves,
 * and actions as words ("notify0:6/7 close0"). One program includes it once.
 */
#ifndef TESTS_UNIT_BGP_FSM_RIG_H
#define TESTS_UNIT_BGP_FSM_RIG_H

#include "controlplane/bgp_fsm.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NSEC     UINT64_C(1000000000)
#define OUR_AS   65000
#define PEER_AS  65001
#define OUR_ID   0x0a000002
#define HIGH_ID  0x0a000003
#define LOW_ID   0x0a000001
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct bgp_fsm_config cfg;
static struct bgp_fsm fsm;
static struct bgp_fsm_actions out;
static struct bgp_fsm_open peer; /* what the peer's OPEN will say */
static mono_t now;
static char words[1024];

static inline const char *why_name(enum bgp_why why)
{
    static const char *const names[] = {"none",     "stop",      "reset",    "failed",    "timeout",
                                        "refused",  "lost",      "no-open",  "hold",      "send-hold",
                                        "received", "msg-error", "fsm",      "as",        "id",
                                        "holdtime", "no-evpn",   "prefixes", "collision", "replaced"};

    ck_assert_uint_lt(why, COUNT(names));
    return names[why];
}

static inline void describe_one(const struct bgp_fsm_action *a, char *buf, size_t size)
{
    static const char *const names[] = {"connect", "adopt",  "reject", "close", "open",
                                        "ka",      "notify", "up",     "down",  "log"};

    switch (a->type) {
    case BGP_ACT_REJECT:
        snprintf(buf, size, "reject:%u/%u", a->code, a->subcode);
        break;
    case BGP_ACT_SEND_NOTIFICATION:
        snprintf(buf, size, "notify%u:%u/%u", a->conn, a->code, a->subcode);
        break;
    case BGP_ACT_DOWN:
        snprintf(buf, size, "down%u:%s%s", a->conn, why_name(a->fault.why), a->graceful ? "+stale" : "");
        break;
    case BGP_ACT_LOG:
        snprintf(buf, size, "log:%s", why_name(a->fault.why));
        break;
    default:
        snprintf(buf, size, "%s%u", names[a->type], a->conn);
    }
}

static inline const char *describe(void)
{
    words[0] = '\0';
    ck_assert_uint_lt(out.n, BGP_FSM_MAX_ACTIONS);
    for (unsigned i = 0; i < out.n; i++) {
        char one[64];

        describe_one(&out.a[i], one, sizeof(one));
        if (i)
            strcat(words, " ");
        strcat(words, one);
    }
    return words;
}

static inline const struct bgp_fsm_action *find(enum bgp_act type)
{
    for (unsigned i = 0; i < out.n; i++)
        if (out.a[i].type == type)
            return &out.a[i];
    ck_abort_msg("no such action in: %s", describe());
}

static inline const char *give(struct bgp_fsm_event ev)
{
    bgp_fsm_event(&fsm, &ev, now, &out);
    return describe();
}

static inline const char *ev(enum bgp_ev type, unsigned conn)
{
    return give((struct bgp_fsm_event){.type = type, .conn = conn, .open = &peer});
}

static inline const char *notification(unsigned conn, uint8_t code, uint8_t subcode)
{
    return give(
        (struct bgp_fsm_event){.type = BGP_EV_NOTIFICATION, .conn = conn, .code = code, .subcode = subcode});
}

#define expect(got, want)     ck_assert_str_eq(got, want)
#define expect_state(want)    ck_assert_str_eq(bgp_state_name(bgp_fsm_state(&fsm)), bgp_state_name(want))
#define seconds_from(t, want) ((double)((want).ns - (t).ns) / 1e9)

/* Lets time pass without calling the machine. */
static inline void pass(double secs)
{
    now.ns += (uint64_t)(secs * 1e9);
}

static inline double wait_s(void)
{
    mono_t at = bgp_fsm_next_deadline(&fsm);

    ck_assert_uint_ne(at.ns, BGP_FSM_NEVER);
    ck_assert_uint_ge(at.ns, now.ns);
    return seconds_from(now, at);
}

static inline const char *tick(void)
{
    bgp_fsm_timer(&fsm, now, &out);
    return describe();
}

/* Moves the clock to the next deadline, just before which nothing happens. */
static inline const char *next(void)
{
    mono_t at = bgp_fsm_next_deadline(&fsm);

    ck_assert_uint_ne(at.ns, BGP_FSM_NEVER);
    now.ns = at.ns - 1;
    expect(tick(), "");
    now = at;
    return tick();
}

static inline void setup(void)
{
    bgp_fsm_config_default(&cfg, OUR_AS, OUR_ID, PEER_AS);
    peer = (struct bgp_fsm_open){
        .asn = PEER_AS, .router_id = HIGH_ID, .hold_s = 90, .caps = {.evpn = true, .refresh = true}};
    now = (mono_t){1000 * NSEC};
    bgp_fsm_init(&fsm, &cfg, 42);
}

static inline void peer_restarts_gracefully(bool notifications)
{
    peer.caps.gr = peer.caps.gr_evpn = true;
    peer.caps.gr_notification = notifications;
    peer.caps.gr_time_s = 77;
}

static inline void init(void)
{
    bgp_fsm_init(&fsm, &cfg, 42);
}

enum place { STOPPED, PAUSED, CONNECT, ACTIVE, OPENSENT, OPENCONFIRM, ESTABLISHED, N_PLACES };

/* The only connection, if any, is 0 and dialled by us. */
static inline void bring_to(enum place place)
{
    init();
    if (place == STOPPED)
        return;
    expect(ev(BGP_EV_START, 0), "connect0");
    if (place == ACTIVE)
        ev(BGP_EV_CONNECT_FAILED, 0);
    if (place == PAUSED) {
        ev(BGP_EV_CONNECTED, 0);
        notification(0, 2, 2);
    }
    if (place < OPENSENT)
        return;
    expect(ev(BGP_EV_CONNECTED, 0), "open0");
    if (place >= OPENCONFIRM)
        expect(ev(BGP_EV_OPEN, 0), "ka0");
    if (place == ESTABLISHED)
        expect(ev(BGP_EV_KEEPALIVE, 0), "up0");
}

#endif
