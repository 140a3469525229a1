/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes after OPEN and KEEPALIVE into an Established session, without a socket. The first byte chooses
 * what the two ends agreed on, the second how the rest is cut into pieces. The same bytes go whole into one
 * session and in pieces into another: both must end alike, and the ops must be called in an order that makes
 * sense.
 */
#include "conf/log.h"
#include "controlplane/bgp_session_private.h"

#include <event2/event.h>
#include <stdlib.h>

#define AS       65000
#define PULLS    3
#define MSG_TEST 23

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What one session did. */
struct seen {
    bool up, stale;
    unsigned ups, downs, updates, ends, refreshes, pulls;
    uint64_t routes;
};

static void require(bool ok)
{
    if (!ok)
        abort();
}

static int on_up(void *arg, struct bgp_session *s, const struct bgp_fsm_session *session)
{
    struct seen *seen = *(struct seen **)arg;

    require(!seen->up && session == bgp_fsm_session(&s->fsm));
    seen->up = true;
    seen->ups++;
    return 0;
}

static void on_down(void *arg, struct bgp_session *s, bool graceful)
{
    struct seen *seen = *(struct seen **)arg;

    require(seen->up && !bgp_fsm_session(&s->fsm));
    seen->up = false;
    seen->stale = graceful;
    seen->downs++;
}

static void on_stale_end(void *arg, struct bgp_session *s)
{
    struct seen *seen = *(struct seen **)arg;

    (void)s;
    require(seen->stale);
    seen->stale = false;
}

static void on_update(void *arg, struct bgp_session *s, const struct bgp_update *u)
{
    struct seen *seen = *(struct seen **)arg;
    struct buf_in reach = u->reach, unreach = u->unreach;
    struct evpn_nlri route;
    uint32_t n = 0;

    require(seen->up && u->verdict != BGP_SESSION_RESET && !u->end_of_rib);
    while (bgp_update_next(&reach, &route))
        n++;
    require(n == u->n_reach);
    while (bgp_update_next(&unreach, &route))
        n++;
    require(n == u->n_reach + u->n_unreach);
    seen->updates++;
    seen->routes += n;
    if (s->cfg.max_prefixes && seen->routes > s->cfg.max_prefixes)
        bgp_session_exceeded(s);
}

static void on_end_of_rib(void *arg, struct bgp_session *s)
{
    struct seen *seen = *(struct seen **)arg;

    (void)s;
    require(seen->up);
    seen->ends++;
}

static void on_refresh(void *arg, struct bgp_session *s)
{
    struct seen *seen = *(struct seen **)arg;

    (void)s;
    require(seen->up);
    seen->refreshes++;
}

/* A few empty UPDATEs. */
static size_t on_pull(void *arg, struct bgp_session *s, uint8_t *msg, size_t size)
{
    struct seen *seen = *(struct seen **)arg;
    struct buf_out out;

    (void)s;
    require(seen->up && size >= BGP_MSG_MAX);
    if (seen->pulls++ % PULLS == PULLS - 1)
        return 0;
    bgp_msg_begin(&out, msg, size, BGP_UPDATE);
    buf_put_u32(&out, 0);
    require(bgp_msg_end(&out) == MSG_TEST);
    return MSG_TEST;
}

static const struct bgp_ops ops = {on_up,         on_down,    on_stale_end, on_update,
                                   on_end_of_rib, on_refresh, on_pull};

static struct seen *current;
static struct bgp_env env;

static struct bgp_session *establish(uint8_t choice)
{
    struct bgp_peer_config c;
    struct bgp_fsm_config theirs;
    uint8_t msg[BGP_MSG_MAX];
    struct bgp_session *s;
    struct bgp_open open;
    int n;

    bgp_peer_config_default(&c);
    c.passive = true;
    c.asn = choice & 1 ? AS + 1 : AS;
    c.max_prefixes = choice & 2 ? 10 : 0;
    c.address = (struct ipaddr){.family = 4, .b = {198, 18, 0, 2}};
    s = bgp_session_new(&env, &c);
    require(s);
    bgp_session_start(s);
    bgp_fsm_config_default(&theirs, c.asn, 2, AS);
    theirs.local.caps.as4 = !(choice & 4);
    theirs.local.caps.extended_message = !(choice & 8);
    theirs.local.caps.gr = theirs.local.caps.gr_evpn = !(choice & 16);
    bgp_session_incoming(s, -1);
    bgp_peer_open_encode(&theirs.local, &open);
    n = bgp_open_encode(&open, msg, sizeof(msg));
    require(n > 0);
    bgp_session_feed(s, 0, msg, (size_t)n);
    n = bgp_keepalive_encode(msg, sizeof(msg));
    bgp_session_feed(s, 0, msg, (size_t)n);
    require(current->up);
    return s;
}

/* step 0: all at once. */
static void run(uint8_t choice, const uint8_t *data, size_t size, size_t step, struct seen *seen,
                struct bgp_session_counters *counters, enum bgp_state *state)
{
    struct bgp_session *s;

    *seen = (struct seen){0};
    current = seen;
    s = establish(choice);
    while (size > 0) {
        size_t n = step && step < size ? step : size;

        bgp_session_feed(s, 0, data, n);
        data += n;
        size -= n;
    }
    *counters = s->counters;
    *state = bgp_fsm_state(&s->fsm);
    require((*state == BGP_ESTABLISHED) == seen->up && seen->ups == seen->downs + seen->up);
    bgp_session_admin(s, BGP_EV_STOP, 0, NULL, false);
    require(!seen->up && !seen->stale && !s->slots[0].conn.in && !s->slots[1].conn.in);
    bgp_session_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bgp_session_counters whole, pieces;
    enum bgp_state whole_state, pieces_state;
    struct seen a, b;

    if (size < 2)
        return 0;
    if (!env.base) {
        log_set_level(LOG_LEVEL_ERROR);
        env = (struct bgp_env){
            .base = event_base_new(), .ops = &ops, .arg = &current, .local = {AS, 1, false, false}};
        require(env.base);
    }
    run(data[0], data + 2, size - 2, 0, &a, &whole, &whole_state);
    run(data[0], data + 2, size - 2, (size_t)data[1] + 1, &b, &pieces, &pieces_state);
    require(whole_state == pieces_state && a.updates == b.updates && a.routes == b.routes &&
            a.ends == b.ends);
    require(a.refreshes == b.refreshes && a.downs == b.downs);
    require(memcmp(&whole.in, &pieces.in, sizeof(whole.in)) == 0 && whole.msg_errors == pieces.msg_errors);
    return 0;
}
