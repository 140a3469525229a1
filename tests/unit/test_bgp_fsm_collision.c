/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Both ends of a BGP session dial at once (RFC 4271 section 6.8): every order in which what they send can
 * arrive, each way of each connection being a queue of its own that delays as it likes. The states are walked
 * depth first; one that was there before is not walked again. In the end there must be one session, on the
 * same connection at both ends, without a second dial.
 *
 * The other end is ours, or a model of what other speakers do: the letter of section 6.8, FRR (compares as
 * soon as one OPEN is there, closes the rest when a session is up), or GoBGP (knows no collisions: takes what
 * comes first and closes the rest). The models have no clocks, and against them ours moves only when nothing
 * is on its way: there a wait that ends early may meet the opposite decision. Between two of ours it may move
 * at any moment.
 */
#include "controlplane/bgp_fsm.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define QUEUE   10
#define VISITED (1u << 20)
#define NEVER   BGP_FSM_NEVER

enum message { CONNECTED = 1, ACCEPTED, OPEN, KEEPALIVE, UPDATE, NOTIFICATION, FIN };
enum kind { OURS, LETTER, FRR, GOBGP };
static const char *const kind_name[] = {"ours", "the letter", "FRR", "GoBGP"};

/* A connection is the link of its number: link 0 is dialled by side 0. */
struct world {
    struct bgp_fsm fsm[2]; /* OURS */
    mono_t now[2];
    uint8_t conn[2][2];         /* OURS: number of the link in the machine */
    uint8_t model[2];           /* others: of each link enum bgp_state */
    bool open[2][2];            /* side, link: its socket is there */
    uint8_t queue[2][2][QUEUE]; /* to that side on that link */
    uint8_t len[2][2];
    uint8_t ups[2], downs[2], dials[2];
};

static enum kind other;
static uint32_t id[2];
static uint64_t states, ends, flaps;
static struct {
    uint64_t a, b;
} visited[VISITED];
static char path[4096];

static void deliver(struct world *w, int side, int link);

#define must(w, condition)                                                                                   \
    ck_assert_msg(condition, "%s against %s, ids %u and %u: %s\n%s", #condition, kind_name[other], id[0],    \
                  id[1], outcome(w), path)

static enum kind kind_of(int side)
{
    return side == 0 ? OURS : other;
}

static enum bgp_state state_of(const struct world *w, int side, int link)
{
    if (!w->open[side][link])
        return BGP_IDLE;
    return kind_of(side) == OURS ? w->fsm[side].conn[w->conn[side][link]].state
                                 : (enum bgp_state)w->model[link];
}

static const char *outcome(const struct world *w)
{
    static char text[200];

    snprintf(text, sizeof(text), "side 0: %s and %s, side 1: %s and %s", bgp_state_name(state_of(w, 0, 0)),
             bgp_state_name(state_of(w, 0, 1)), bgp_state_name(state_of(w, 1, 0)),
             bgp_state_name(state_of(w, 1, 1)));
    return text;
}

/* ---- the network */

static void put(struct world *w, int from, int link, enum message m)
{
    int to = !from;

    must(w, w->len[to][link] < QUEUE);
    w->queue[to][link][w->len[to][link]++] = (uint8_t)m;
}

/* The kernels shake hands by themselves: either end may hear of it first. */
static void dial(struct world *w, int side)
{
    must(w, ++w->dials[side] == 1);
    w->open[side][side] = true;
    put(w, !side, side, CONNECTED);
    put(w, side, side, ACCEPTED);
}

static void hang_up(struct world *w, int side, int link)
{
    must(w, w->open[side][link]);
    w->open[side][link] = false;
    w->len[side][link] = 0;
    put(w, side, link, FIN);
}

static void up(struct world *w, int side, int link)
{
    w->ups[side]++;
    put(w, side, link, UPDATE);
}

/* ---- ours */

static void act(struct world *w, int side, const struct bgp_fsm_action *a)
{
    int link = w->open[side][0] && w->conn[side][0] == a->conn ? 0 : 1;

    switch (a->type) {
    case BGP_ACT_CONNECT:
        w->conn[side][side] = a->conn;
        dial(w, side);
        break;
    case BGP_ACT_ADOPT:
        w->conn[side][!side] = a->conn;
        w->open[side][!side] = true;
        break;
    case BGP_ACT_CLOSE:
        hang_up(w, side, link);
        break;
    case BGP_ACT_SEND_OPEN:
        put(w, side, link, OPEN);
        break;
    case BGP_ACT_SEND_KEEPALIVE:
        put(w, side, link, KEEPALIVE);
        break;
    case BGP_ACT_SEND_NOTIFICATION:
        must(w, a->code == 6 && a->subcode == 7);
        put(w, side, link, NOTIFICATION);
        break;
    case BGP_ACT_UP:
        up(w, side, link);
        break;
    case BGP_ACT_DOWN:
        w->downs[side]++;
        break;
    default:
        must(w, a->type == BGP_ACT_LOG);
    }
}

static void act_all(struct world *w, int side, const struct bgp_fsm_actions *out)
{
    for (unsigned i = 0; i < out->n; i++)
        act(w, side, &out->a[i]);
}

static void ours(struct world *w, int side, int link, enum message m)
{
    static const enum bgp_ev events[] = {[CONNECTED] = BGP_EV_CONNECTED,
                                         [ACCEPTED] = BGP_EV_INCOMING,
                                         [OPEN] = BGP_EV_OPEN,
                                         [KEEPALIVE] = BGP_EV_KEEPALIVE,
                                         [UPDATE] = BGP_EV_UPDATE,
                                         [NOTIFICATION] = BGP_EV_NOTIFICATION,
                                         [FIN] = BGP_EV_LOST};
    struct bgp_fsm_open open = {
        .asn = 65000, .router_id = id[!side], .hold_s = 9, .caps = {.evpn = true, .gr = true}};
    struct bgp_fsm_event ev = {.type = events[m], .code = 6, .subcode = 7, .open = &open};
    struct bgp_fsm_actions out;

    ev.conn = w->conn[side][link];
    bgp_fsm_event(&w->fsm[side], &ev, w->now[side], &out);
    act_all(w, side, &out);
}

static bool waits(const struct world *w, int side)
{
    return kind_of(side) == OURS &&
           (w->fsm[side].conn[0].wait_until.ns != NEVER || w->fsm[side].conn[1].wait_until.ns != NEVER);
}

static void wait_over(struct world *w, int side)
{
    struct bgp_fsm_actions out;

    w->now[side] = bgp_fsm_next_deadline(&w->fsm[side]);
    bgp_fsm_timer(&w->fsm[side], w->now[side], &out);
    act_all(w, side, &out);
    must(w, !waits(w, side));
}

/* ---- the others: side 1 */

static void model_close(struct world *w, int link)
{
    if (w->model[link] == BGP_ESTABLISHED)
        w->downs[1]++;
    if (w->model[link] >= BGP_OPENSENT)
        put(w, 1, link, NOTIFICATION);
    hang_up(w, 1, link);
    w->model[link] = BGP_IDLE;
}

/* True when the link that just got its OPEN goes on. */
static bool model_collides(struct world *w, int link)
{
    enum bgp_state old = w->model[!link];
    int loser = id[1] > id[0] ? 0 : 1; /* the link of the lower identifier */

    if (other == GOBGP || old < BGP_OPENSENT || (other == LETTER && old == BGP_OPENSENT))
        return true;
    if (old == BGP_ESTABLISHED)
        loser = link;
    model_close(w, loser);
    return loser != link;
}

static void model_accepts(struct world *w)
{
    w->open[1][0] = true;
    w->model[0] = BGP_OPENSENT;
    if (other == GOBGP && w->model[1] >= BGP_OPENSENT) {
        w->model[0] = BGP_IDLE;
        hang_up(w, 1, 0);
        return;
    }
    if (other == GOBGP && w->open[1][1])
        model_close(w, 1);
    put(w, 1, 0, OPEN);
}

static void model(struct world *w, int link, enum message m)
{
    switch (m) {
    case CONNECTED:
        w->model[1] = BGP_OPENSENT;
        put(w, 1, 1, OPEN);
        break;
    case ACCEPTED:
        model_accepts(w);
        break;
    case OPEN:
        must(w, w->model[link] == BGP_OPENSENT);
        if (!model_collides(w, link))
            return;
        w->model[link] = BGP_OPENCONFIRM;
        put(w, 1, link, KEEPALIVE);
        break;
    case KEEPALIVE:
        must(w, w->model[link] == BGP_OPENCONFIRM);
        w->model[link] = BGP_ESTABLISHED;
        if (other == FRR && w->open[1][!link])
            model_close(w, !link);
        up(w, 1, link);
        break;
    case UPDATE:
        must(w, w->model[link] == BGP_ESTABLISHED);
        break;
    default: /* NOTIFICATION, FIN */
        if (w->model[link] == BGP_ESTABLISHED)
            w->downs[1]++;
        w->model[link] = BGP_IDLE;
        hang_up(w, 1, link);
    }
}

/* ---- the walk */

static void deliver(struct world *w, int side, int link)
{
    enum message m = w->queue[side][link][0];

    w->len[side][link]--;
    memmove(w->queue[side][link], w->queue[side][link] + 1, w->len[side][link]);
    if (m != ACCEPTED && !w->open[side][link])
        return;
    if (kind_of(side) == OURS)
        ours(w, side, link, m);
    else
        model(w, link, m);
}

static void mix(uint64_t key[2], uint64_t v)
{
    key[0] = (key[0] ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    key[0] ^= key[0] >> 29;
    key[1] = (key[1] + v) * UINT64_C(0xbf58476d1ce4e5b9);
    key[1] ^= key[1] >> 31;
}

/* All that what comes depends on; the clocks do not count. */
static bool is_new(const struct world *w)
{
    uint64_t key[2] = {1, 2};

    for (int side = 0; side < 2; side++) {
        mix(key, w->ups[side] | w->downs[side] << 8);
        mix(key, w->now[side].ns);
        for (int link = 0; link < 2; link++) {
            const struct bgp_fsm_conn *c = &w->fsm[side].conn[w->conn[side][link]];

            mix(key, state_of(w, side, link) | w->open[side][link] << 8);
            if (kind_of(side) == OURS && w->open[side][link])
                mix(key, 1 | c->confirmed << 1 | c->heard << 2 | (c->wait_until.ns != NEVER) << 3 |
                             (c->began.ns != w->now[side].ns) << 4);
            for (unsigned i = 0; i < w->len[side][link]; i++)
                mix(key, w->queue[side][link][i]);
            mix(key, 99);
        }
    }
    for (uint64_t at = key[0] % VISITED;; at = (at + 1) % VISITED) {
        if (visited[at].a == key[0] && visited[at].b == key[1])
            return false;
        if (visited[at].a == 0 && visited[at].b == 0) {
            visited[at].a = key[0];
            visited[at].b = key[1];
            ck_assert_uint_lt(++states, VISITED / 2);
            return true;
        }
    }
}

static void check_end(const struct world *w)
{
    unsigned sessions = 0;

    for (int link = 0; link < 2; link++) {
        sessions += state_of(w, 0, link) == BGP_ESTABLISHED && state_of(w, 1, link) == BGP_ESTABLISHED;
        must(w, w->open[0][link] == w->open[1][link]);
        must(w, w->open[0][link] == (state_of(w, 0, link) == BGP_ESTABLISHED));
    }
    must(w, sessions == 1);
    flaps += w->downs[0] > 0;
    must(w, other != OURS || (w->ups[0] == 1 && w->ups[1] == 1));
    ends++;
}

static void walk(const struct world *w, size_t depth)
{
    bool moved = false;

    if (!is_new(w))
        return;
    for (int way = 0; way < 6; way++) {
        int side = way & 1, link = way >> 1;
        struct world next = *w;

        if (link < 2 ? w->len[side][link] == 0 : !waits(w, side) || (other != OURS && moved))
            continue;
        moved = true;
        ck_assert_uint_lt(depth + 24, sizeof(path));
        if (link < 2) {
            static const char *const names[] = {"",          "connected", "accepted",     "open",
                                                "keepalive", "update",    "notification", "fin"};

            snprintf(path + depth, sizeof(path) - depth, " %d.%d:%s", side, link,
                     names[w->queue[side][link][0]]);
            deliver(&next, side, link);
        } else {
            snprintf(path + depth, sizeof(path) - depth, " %d:wait-over", side);
            wait_over(&next, side);
        }
        walk(&next, depth + strlen(path + depth));
        path[depth] = '\0';
    }
    if (!moved)
        check_end(w);
}

static void begin(struct world *w, int side)
{
    struct bgp_fsm_config cfg;
    struct bgp_fsm_actions out;

    w->now[side].ns = 1000;
    if (kind_of(side) != OURS) {
        w->model[1] = BGP_CONNECT;
        dial(w, side);
        return;
    }
    bgp_fsm_config_default(&cfg, 65000, id[side], 65000);
    bgp_fsm_init(&w->fsm[side], &cfg, 1);
    bgp_fsm_event(&w->fsm[side], &(struct bgp_fsm_event){.type = BGP_EV_START}, w->now[side], &out);
    act_all(w, side, &out);
}

/* _i: the kind of the other end, and whether its identifier is the higher. */
START_TEST(test_rfc4271_6_8_one_session_whatever_the_order)
{
    struct world w = {0};

    other = (enum kind)(_i / 2);
    id[0] = _i & 1 ? 1 : 3;
    id[1] = 2;
    begin(&w, 0);
    begin(&w, 1);
    walk(&w, 0);
    printf("%s, ids %u and %u: %llu states, %llu ends, %llu after a session was lost\n", kind_name[other],
           id[0], id[1], (unsigned long long)states, (unsigned long long)ends, (unsigned long long)flaps);
    ck_assert_uint_gt(states, 100);
    ck_assert_uint_gt(ends, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("bgp_fsm_collision");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_rfc4271_6_8_one_session_whatever_the_order, 0, 8);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
