/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Two BGP state machines against each other over a simulated TCP: connections take three trips to open, each
 * direction delays and never reorders, and disturbances cut connections (seen by both, by one, by none), hold
 * the network up, refuse dials, restart a process, reset, stop and err. When they stop, both sides must come
 * to one and the same Established connection and keep it; no forbidden message is ever sent; nothing stands
 * still.
 *
 * Everything follows from a seed, which is printed when it fails: BGP_FSM_SEED=N repeats that run (with a
 * trace), BGP_FSM_RUNS=N does more of them.
 */
#include "controlplane/bgp_fsm.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NSEC     UINT64_C(1000000000)
#define MSEC     UINT64_C(1000000)
#define RUNS     1500
#define DIALS    20000
#define LINKS    64
#define PACKETS  1024
#define QUIET_S  400 /* to settle; the longest pauses are 60 s each */
#define STEADY_S 60  /* and then nothing may change */
#define NO_LINK  (-1)

enum kind { SYN_ACK, REFUSED, ACCEPT, MSG_OPEN, MSG_UPDATE, MSG_NOTIFICATION, MSG_KEEPALIVE, FIN };

struct packet {
    uint64_t at, order;
    enum kind kind;
    int link, to;
    uint8_t code, subcode;
    uint8_t data[2];
    uint16_t len;
    struct bgp_fsm_open open;
};

/* One TCP connection. Of each side: is its socket open, the connection number of its machine, what it sent
 * and got. */
struct link {
    bool used, dead; /* dead: nothing arrives any more, and nobody is told */
    int dialer;
    unsigned packets;
    struct end {
        bool bound, crashed, open_sent, open_got, keepalive_got, said_bye;
        uint8_t conn;
        uint64_t last; /* when the last packet that it sent arrives */
    } end[2];
};

static struct sim {
    uint64_t seed, random, now, order, steps;
    uint64_t delay, spread; /* one way */
    uint64_t held_until;    /* the network holds everything up */
    bool can_lose;          /* silent losses are found: there is a hold time */
    struct bgp_fsm fsm[2];
    struct bgp_fsm_config cfg[2];
    int link_of[2][BGP_FSM_CONNS];
    int pending[2]; /* link of the connection that waits for ADOPT or REJECT */
    bool up[2];
    uint64_t ups[2], downs[2];
    struct link link[LINKS];
    struct packet packet[PACKETS];
    unsigned n_packets;
} sim;

static uint64_t all_steps, all_ups, all_collisions, all_stale, slowest;
static unsigned most_actions;
static bool tracing;

#define must(condition, ...)                                                                                 \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fflush(stdout);                                                                                  \
            fprintf(stderr, "BGP_FSM_SEED=%" PRIu64 " at %.6f s: ", sim.seed, (double)sim.now / 1e9);        \
            fprintf(stderr, __VA_ARGS__);                                                                    \
            fprintf(stderr, "\n");                                                                           \
            ck_abort_msg("seed %" PRIu64 ": %s", sim.seed, #condition);                                      \
        }                                                                                                    \
    } while (0)
#define trace(...)                                                                                           \
    do {                                                                                                     \
        if (tracing) {                                                                                       \
            printf("%10.4f ", (double)sim.now / 1e9);                                                        \
            printf(__VA_ARGS__);                                                                             \
            printf("\n");                                                                                    \
        }                                                                                                    \
    } while (0)

static uint64_t rnd(uint64_t below)
{
    sim.random ^= sim.random << 13;
    sim.random ^= sim.random >> 7;
    sim.random ^= sim.random << 17;
    return below ? sim.random % below : 0;
}

static bool chance(unsigned percent)
{
    return rnd(100) < percent;
}

/* ---- the network */

static void post(int link, int from, struct packet p)
{
    struct link *l = &sim.link[link];
    uint64_t at = (sim.now > sim.held_until ? sim.now : sim.held_until) + sim.delay + rnd(sim.spread + 1);

    if (l->dead)
        return;
    must(sim.n_packets < PACKETS, "too many packets");
    p.at = at > l->end[from].last ? at : l->end[from].last;
    l->end[from].last = p.at;
    p.order = sim.order++;
    p.link = link;
    p.to = !from;
    l->packets++;
    sim.packet[sim.n_packets++] = p;
}

static void unpost(unsigned i)
{
    sim.link[sim.packet[i].link].packets--;
    sim.packet[i] = sim.packet[--sim.n_packets];
}

/* Whatever is on its way on the link, from one side or (from < 0) both. */
static void lose_packets(int link, int from)
{
    for (unsigned i = sim.n_packets; i-- > 0;)
        if (sim.packet[i].link == link && (from < 0 || sim.packet[i].to != from))
            unpost(i);
}

static int new_link(int dialer)
{
    for (int i = 0; i < LINKS; i++) {
        struct link *l = &sim.link[i];

        if (l->used &&
            (l->packets || l->end[0].bound || l->end[1].bound || sim.pending[0] == i || sim.pending[1] == i))
            continue;
        *l = (struct link){.used = true, .dialer = dialer};
        return i;
    }
    must(false, "too many links");
    return NO_LINK;
}

static int next_packet(void)
{
    int best = -1;

    for (unsigned i = 0; i < sim.n_packets; i++)
        if (best < 0 || sim.packet[i].at < sim.packet[best].at ||
            (sim.packet[i].at == sim.packet[best].at && sim.packet[i].order < sim.packet[best].order))
            best = (int)i;
    return best;
}

/* ---- the shell: does the actions, and checks that each is allowed */

static void run(int side, const struct bgp_fsm_event *ev);

static void dialled(int side, uint8_t conn)
{
    int link = new_link(side);

    must(sim.link_of[side][conn] == NO_LINK, "side %d: CONNECT on a connection in use", side);
    sim.link_of[side][conn] = link;
    sim.link[link].end[side].bound = true;
    sim.link[link].end[side].conn = conn;
    if (sim.held_until > sim.now && chance(50))
        return; /* the SYN is lost */
    if (sim.held_until > sim.now && chance(50))
        post(link, !side, (struct packet){.kind = REFUSED});
    else { /* there and back */
        sim.link[link].end[!side].last = sim.now + 2 * sim.delay + rnd(sim.spread + 1);
        post(link, !side, (struct packet){.kind = SYN_ACK});
    }
}

static void closed(int side, uint8_t conn)
{
    int link = sim.link_of[side][conn];
    struct link *l;

    must(link != NO_LINK, "side %d: CLOSE of no connection", side);
    l = &sim.link[link];
    sim.link_of[side][conn] = NO_LINK;
    l->end[side].bound = false;
    if (chance(10)) /* data was left unread: a reset, which destroys what the other side has not read */
        lose_packets(link, side);
    post(link, side, (struct packet){.kind = FIN});
}

static void say(int side, uint8_t conn, struct packet p)
{
    int link = sim.link_of[side][conn];
    struct end *e;

    must(link != NO_LINK, "side %d: message on no connection", side);
    e = &sim.link[link].end[side];
    must(!e->said_bye, "side %d: message after NOTIFICATION", side);
    switch (p.kind) {
    case MSG_OPEN:
        must(!e->open_sent, "side %d: OPEN twice", side);
        e->open_sent = true;
        break;
    case MSG_KEEPALIVE:
        must(e->open_sent && e->open_got, "side %d: KEEPALIVE before OPEN", side);
        break;
    case MSG_UPDATE:
        must(e->keepalive_got, "side %d: UPDATE before KEEPALIVE", side);
        break;
    default:
        must(p.kind == MSG_NOTIFICATION, "not a message");
        must(p.code != 5 && p.code != 2, "side %d: found fault (%u/%u) with a right peer", side, p.code,
             p.subcode);
        must(e->open_sent, "side %d: NOTIFICATION before OPEN", side);
        e->said_bye = true;
    }
    post(link, side, p);
}

static void incoming_answered(int side, const struct bgp_fsm_action *a)
{
    int link = sim.pending[side];

    must(link != NO_LINK, "side %d: ADOPT or REJECT of nothing", side);
    sim.pending[side] = NO_LINK;
    if (a->type == BGP_ACT_REJECT) {
        post(link, side, (struct packet){.kind = MSG_NOTIFICATION, .code = a->code, .subcode = a->subcode});
        post(link, side, (struct packet){.kind = FIN});
        return;
    }
    must(sim.link_of[side][a->conn] == NO_LINK, "side %d: ADOPT on a connection in use", side);
    sim.link_of[side][a->conn] = link;
    sim.link[link].end[side].bound = true;
    sim.link[link].end[side].conn = a->conn;
}

static void went(int side, const struct bgp_fsm_action *a)
{
    bool up = a->type == BGP_ACT_UP;

    must(sim.up[side] != up, "side %d: %s twice", side, up ? "UP" : "DOWN");
    must(!up || sim.link_of[side][a->conn] != NO_LINK, "side %d: UP without a connection", side);
    sim.up[side] = up;
    sim.ups[side] += up;
    sim.downs[side] += !up;
    all_stale += !up && a->graceful;
}

static void act(int side, const struct bgp_fsm_action *a)
{
    struct packet p = {.kind = MSG_NOTIFICATION, .code = a->code, .subcode = a->subcode};
    char buf[BGP_FSM_WORDS_LEN];

    switch (a->type) {
    case BGP_ACT_CONNECT:
        trace("%d: connect %u", side, a->conn);
        dialled(side, a->conn);
        break;
    case BGP_ACT_ADOPT:
    case BGP_ACT_REJECT:
        trace("%d: %s %u", side, a->type == BGP_ACT_ADOPT ? "adopt" : "reject", a->conn);
        incoming_answered(side, a);
        break;
    case BGP_ACT_CLOSE:
        trace("%d: close %u", side, a->conn);
        closed(side, a->conn);
        break;
    case BGP_ACT_SEND_OPEN:
        say(side, a->conn,
            (struct packet){.kind = MSG_OPEN, .open = *bgp_fsm_local_open(&sim.fsm[side], a->conn)});
        break;
    case BGP_ACT_SEND_KEEPALIVE:
        say(side, a->conn, (struct packet){.kind = MSG_KEEPALIVE});
        break;
    case BGP_ACT_SEND_NOTIFICATION:
        trace("%d: notification on %u: %s", side, a->conn, bgp_notification_name(a->code, a->subcode, buf));
        p.len = a->len < 2 ? a->len : 2;
        if (p.len)
            memcpy(p.data, a->data, p.len);
        say(side, a->conn, p);
        break;
    case BGP_ACT_UP:
    case BGP_ACT_DOWN:
        trace("%d: %s on %u", side, a->type == BGP_ACT_UP ? "UP" : "DOWN", a->conn);
        went(side, a);
        break;
    default:
        must(a->type == BGP_ACT_LOG, "no such action");
    }
    if (a->type == BGP_ACT_LOG || a->type == BGP_ACT_DOWN)
        trace("%d: %s", side, bgp_fsm_words(&a->fault, a->text, buf, sizeof(buf)));
}

static void check_machine(int side)
{
    const struct bgp_fsm *f = &sim.fsm[side];
    const struct bgp_fsm_conn *c = f->conn;
    bool waits = bgp_fsm_next_deadline(f).ns != BGP_FSM_NEVER;
    bool idle = c[0].state == BGP_IDLE && c[1].state == BGP_IDLE;

    must(c[0].state != BGP_ESTABLISHED || c[1].state != BGP_ESTABLISHED, "side %d: two sessions", side);
    must(sim.up[side] == (bgp_fsm_session(f) != NULL), "side %d: UP/DOWN do not tell the state", side);
    must(idle || f->mode == BGP_FSM_RUNNING, "side %d: connection while stopped or pausing", side);
    for (int i = 0; i < BGP_FSM_CONNS; i++)
        must((c[i].state == BGP_IDLE) == (sim.link_of[side][i] == NO_LINK), "side %d: connection %d leaks",
             side, i);
    must(sim.pending[side] == NO_LINK, "side %d: incoming connection not answered", side);
    /* Nothing to wait for: only when stopped, passive and alone, or up without a hold time. */
    must(waits || f->mode == BGP_FSM_STOPPED || (f->cfg.passive && idle) ||
             (bgp_fsm_session(f) && !bgp_fsm_session(f)->hold_s),
         "side %d: stands still", side);
}

/* ev NULL: the timer. What was sent is told afterwards, as a shell that writes at once would. */
static void run(int side, const struct bgp_fsm_event *ev)
{
    struct bgp_fsm_actions out;
    mono_t now = {sim.now};

    sim.steps++;
    if (ev)
        bgp_fsm_event(&sim.fsm[side], ev, now, &out);
    else
        bgp_fsm_timer(&sim.fsm[side], now, &out);
    if (out.n > most_actions)
        most_actions = out.n;
    for (unsigned i = 0; i < out.n; i++)
        act(side, &out.a[i]);
    check_machine(side);
    for (unsigned i = 0; i < out.n; i++)
        if (out.a[i].type == BGP_ACT_SEND_KEEPALIVE && sim.link_of[side][out.a[i].conn] != NO_LINK)
            run(side, &(struct bgp_fsm_event){.type = BGP_EV_SENT, .conn = out.a[i].conn});
}

static void tell(int side, enum bgp_ev type, uint8_t conn)
{
    run(side, &(struct bgp_fsm_event){.type = type, .conn = conn, .err = ECONNRESET});
}

/* ---- arrivals */

static void arrive_message(const struct packet *p, struct end *e)
{
    struct bgp_fsm_event ev = {.conn = e->conn,
                               .open = &p->open,
                               .code = p->code,
                               .subcode = p->subcode,
                               .data = p->data,
                               .len = p->len};

    switch (p->kind) {
    case MSG_OPEN:
        e->open_got = true;
        ev.type = BGP_EV_OPEN;
        break;
    case MSG_UPDATE:
        ev.type = BGP_EV_UPDATE;
        break;
    case MSG_KEEPALIVE:
        e->keepalive_got = true;
        ev.type = BGP_EV_KEEPALIVE;
        break;
    default:
        ev.type = BGP_EV_NOTIFICATION;
    }
    run(p->to, &ev);
}

static void arrive(struct packet p)
{
    struct link *l = &sim.link[p.link];
    struct end *e = &l->end[p.to];

    if (l->dead)
        return;
    switch (p.kind) {
    case SYN_ACK:
        if (!e->bound)
            return;
        post(p.link, p.to, (struct packet){.kind = ACCEPT});
        tell(p.to, BGP_EV_CONNECTED, e->conn);
        return;
    case REFUSED:
        if (e->bound)
            tell(p.to, BGP_EV_CONNECT_FAILED, e->conn);
        return;
    case ACCEPT:
        sim.pending[p.to] = p.link;
        tell(p.to, BGP_EV_INCOMING, 0);
        return;
    case FIN:
        if (e->bound)
            tell(p.to, BGP_EV_LOST, e->conn);
        return;
    default:
        if (e->bound)
            arrive_message(&p, e);
        else if (e->crashed) /* its kernel knows no such connection: reset */
            post(p.link, p.to, (struct packet){.kind = FIN});
    }
}

/* ---- disturbances */

static int any_link(int side)
{
    int c = (int)rnd(BGP_FSM_CONNS);

    return sim.link_of[side][c] != NO_LINK ? sim.link_of[side][c] : sim.link_of[side][!c];
}

/* A connection breaks, and both, one or none of the sides are told. */
static void cut(int side)
{
    int link = any_link(side);
    unsigned how = (unsigned)rnd(sim.can_lose ? 4 : 1);

    if (link == NO_LINK)
        return;
    trace("-- cut, told: %s", (const char *const[]){"both", "0", "1", "none"}[how]);
    lose_packets(link, -1);
    sim.link[link].dead = true;
    for (int s = 0; s < 2; s++)
        if (sim.link[link].end[s].bound && (how == 0 || how == (unsigned)s + 1))
            tell(s, BGP_EV_LOST, sim.link[link].end[s].conn);
}

static void begin_machine(int side)
{
    bgp_fsm_init(&sim.fsm[side], &sim.cfg[side], rnd(UINT64_MAX));
    sim.up[side] = false;
    tell(side, BGP_EV_START, 0);
}

/* The process dies and comes back; its kernel closes the connections, or the whole machine went. */
static void crash(int side)
{
    bool machine = sim.can_lose && chance(50);

    trace("-- %d: %s restarts", side, machine ? "machine" : "process");
    for (int c = 0; c < BGP_FSM_CONNS; c++) {
        int link = sim.link_of[side][c];

        if (link == NO_LINK)
            continue;
        sim.link_of[side][c] = NO_LINK;
        sim.link[link].end[side].bound = false;
        if (machine)
            sim.link[link].end[side].crashed = true;
        else
            post(link, side, (struct packet){.kind = FIN});
    }
    all_collisions += sim.fsm[side].counters.collisions;
    begin_machine(side);
}

static void operate(int side, enum bgp_ev type)
{
    static const char *const names[] = {
        [BGP_EV_START] = "start", [BGP_EV_STOP] = "stop", [BGP_EV_RESET] = "reset"};

    trace("-- %d: %s", side, names[type]);
    run(side,
        &(struct bgp_fsm_event){
            .type = type, .hard = chance(20), .silent = chance(20), .data = (const uint8_t *)"x", .len = 1});
}

static void misread(int side)
{
    int link = any_link(side);

    if (link == NO_LINK || !sim.link[link].end[side].open_sent)
        return;
    trace("-- %d: cannot read a message", side);
    run(side, &(struct bgp_fsm_event){
                  .type = BGP_EV_MSG_ERROR, .conn = sim.link[link].end[side].conn, .code = 3, .subcode = 1});
}

static void update(int side)
{
    const struct bgp_fsm_session *s = bgp_fsm_session(&sim.fsm[side]);

    if (!s)
        return;
    say(side, s->conn, (struct packet){.kind = MSG_UPDATE});
    run(side, &(struct bgp_fsm_event){.type = BGP_EV_SENT, .conn = s->conn, .update = true});
}

static void disturb(void)
{
    int side = (int)rnd(2);
    uint64_t what = rnd(100);

    if (what < 40)
        update(side);
    else if (what < 65)
        cut(side);
    else if (what < 70)
        sim.held_until = sim.now + rnd(15 * NSEC);
    else if (what < 78)
        crash(side);
    else if (what < 86)
        operate(side, BGP_EV_RESET);
    else if (what < 91)
        operate(side, BGP_EV_STOP);
    else if (what < 96)
        operate(side, BGP_EV_START);
    else if (what < 99)
        misread(side);
    else
        run(side, &(struct bgp_fsm_event){.type = BGP_EV_MAX_PREFIXES});
}

/* ---- one run */

/* The next thing that happens, not later than `until`: an arrival first, as a shell reads before it ticks. */
static bool step(uint64_t until)
{
    static uint64_t stuck_at, stuck;
    int p = next_packet();
    uint64_t at = p >= 0 ? sim.packet[p].at : UINT64_MAX;
    int side = -1;

    for (int s = 0; s < 2; s++) {
        uint64_t deadline = bgp_fsm_next_deadline(&sim.fsm[s]).ns;

        if (deadline < at) {
            at = deadline;
            side = s;
        }
    }
    if (at > until)
        return false;
    must(at >= sim.now, "side %d waits for the past", side);
    sim.now = at;
    stuck = at == stuck_at ? stuck + 1 : 0;
    stuck_at = at;
    must(stuck < 1000, "time stands still");
    if (side >= 0) {
        run(side, NULL);
    } else {
        struct packet packet = sim.packet[p];

        unpost((unsigned)p);
        arrive(packet);
    }
    return true;
}

static void run_until(uint64_t until)
{
    while (step(until))
        ;
    sim.now = until;
}

static bool agreed(void)
{
    const struct bgp_fsm_session *a = bgp_fsm_session(&sim.fsm[0]), *b = bgp_fsm_session(&sim.fsm[1]);

    return a && b && sim.link_of[0][a->conn] == sim.link_of[1][b->conn];
}

/* The seed chooses the peers' configurations as well. */
static void configure(void)
{
    static const uint16_t holds[] = {9, 9, 3, 30, 0};
    static const uint64_t delays[] = {50000, MSEC, 20 * MSEC, 150 * MSEC, 400 * MSEC};
    bool ibgp = chance(50), same_id = !ibgp && chance(30);
    int passive = (int)rnd(8);

    for (int s = 0; s < 2; s++) {
        struct bgp_fsm_config *c = &sim.cfg[s];

        bgp_fsm_config_default(c, ibgp ? 65000 : 65000 + (uint32_t)s, same_id ? 7 : 7 + (uint32_t)s,
                               ibgp ? 65000 : 65001 - (uint32_t)s);
        c->local.hold_s = holds[rnd(5)];
        c->local.caps.gr = chance(60);
        c->local.caps.gr_notification = chance(50);
        c->passive = passive == s;
        c->collision_established = chance(20);
        c->keepalive_s = (uint16_t)rnd(4);
        c->max_prefix_restart_s = 20;
        sim.link_of[s][0] = sim.link_of[s][1] = sim.pending[s] = NO_LINK;
        bgp_fsm_init(&sim.fsm[s], c, 0);
    }
    sim.can_lose = sim.cfg[0].local.hold_s && sim.cfg[1].local.hold_s;
    sim.delay = delays[rnd(5)];
    sim.spread = rnd(2) ? rnd(sim.delay * 3) : 0;
}

static void check_end(uint64_t *ups)
{
    const struct bgp_fsm_session *a = bgp_fsm_session(&sim.fsm[0]), *b = bgp_fsm_session(&sim.fsm[1]);
    unsigned links = 0;

    must(agreed(), "not one session in the end: %s and %s", bgp_state_name(bgp_fsm_state(&sim.fsm[0])),
         bgp_state_name(bgp_fsm_state(&sim.fsm[1])));
    must(ups[0] == sim.ups[0] && ups[1] == sim.ups[1], "the session did not last");
    must(a->hold_s == b->hold_s, "hold times differ");
    must(a->helper == (sim.cfg[0].local.caps.gr && sim.cfg[1].local.caps.gr) && a->helper == b->helper,
         "helper");
    must(a->incoming != b->incoming, "who dialled?");
    for (int i = 0; i < LINKS; i++)
        links += sim.link[i].used && (sim.link[i].end[0].bound || sim.link[i].end[1].bound);
    must(links == 1, "%u connections in the end", links);
}

static void begin_run(uint64_t seed)
{
    memset(&sim, 0, sizeof(sim));
    sim.seed = seed;
    sim.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (int i = 0; i < 10; i++)
        rnd(1);
    sim.now = NSEC + rnd(NSEC);
    configure();
}

/* How many there were: all, or the one that the environment names, with a trace. */
static uint64_t run_seeds(uint64_t n, void (*one)(uint64_t seed))
{
    const char *seed = getenv("BGP_FSM_SEED"), *runs = getenv("BGP_FSM_RUNS");

    if (seed) {
        tracing = true;
        one(strtoull(seed, NULL, 10));
        return 1;
    }
    n = runs ? strtoull(runs, NULL, 10) : n;
    for (uint64_t i = 1; i <= n; i++)
        one(i);
    return n;
}

static void simulate(uint64_t seed)
{
    uint64_t ups[2], end, quiet;
    unsigned disturbances;

    begin_run(seed);
    disturbances = (unsigned)rnd(200);
    begin_machine(0);
    run_until(sim.now + rnd(chance(50) ? 2 * sim.delay : 10 * NSEC));
    begin_machine(1);
    for (unsigned i = 0; i < disturbances; i++) {
        run_until(sim.now + rnd(chance(50) ? 4 * sim.delay + sim.spread : 8 * NSEC));
        disturb();
    }
    trace("-- quiet");
    if (sim.held_until > sim.now)
        run_until(sim.held_until);
    tell(0, BGP_EV_START, 0);
    tell(1, BGP_EV_START, 0);
    quiet = sim.now;
    end = quiet + QUIET_S * NSEC;
    while (!agreed() && step(end))
        ;
    if (agreed() && sim.now - quiet > slowest)
        slowest = sim.now - quiet;
    run_until(end);
    memcpy(ups, sim.ups, sizeof(ups));
    run_until(end + STEADY_S * NSEC);
    check_end(ups);
    all_steps += sim.steps;
    all_ups += sim.ups[0] + sim.ups[1];
    all_collisions += sim.fsm[0].counters.collisions + sim.fsm[1].counters.collisions;
}

START_TEST(test_R2_3_two_speakers_always_end_with_one_session)
{
    uint64_t n = run_seeds(RUNS, simulate);

    if (tracing)
        return;
    printf("%" PRIu64 " runs, %" PRIu64 " steps, %" PRIu64 " sessions, %" PRIu64 " collisions, %" PRIu64
           " left stale routes, at most %u actions, %.0f s to settle\n",
           n, all_steps, all_ups, all_collisions, all_stale, most_actions, (double)slowest / 1e9);
    /* What the simulation is for must have happened in it. */
    ck_assert_uint_gt(all_steps, n * 500);
    ck_assert_uint_gt(all_collisions, n);
    ck_assert_uint_gt(all_stale, n);
    ck_assert_uint_lt(most_actions, BGP_FSM_MAX_ACTIONS);
    ck_assert_uint_lt(slowest, 200 * NSEC);
}
END_TEST

/* Undisturbed, with both dialling at any distance in time over ways that differ: one session at the first
 * attempt, and never one that is lost again. */
static void dial_both(uint64_t seed)
{
    begin_run(seed);
    for (int s = 0; s < 2; s++) {
        sim.cfg[s].passive = sim.cfg[s].collision_established = false;
        if (sim.cfg[s].local.hold_s == 3) /* less than there and back */
            sim.cfg[s].local.hold_s = 90;
        bgp_fsm_init(&sim.fsm[s], &sim.cfg[s], 0);
    }
    begin_machine(0);
    run_until(sim.now + rnd(chance(50) ? sim.delay / 10 : 3 * sim.delay));
    begin_machine(1);
    run_until(sim.now + 30 * NSEC);
    must(agreed(), "no session");
    must(sim.ups[0] == 1 && sim.ups[1] == 1, "a session was lost");
    must(sim.fsm[0].counters.dials <= 1 && sim.fsm[1].counters.dials <= 1, "it took more than one attempt");
    all_collisions += sim.fsm[0].counters.collisions + sim.fsm[1].counters.collisions;
}

START_TEST(test_rfc4271_6_8_both_dial_at_once_and_no_session_is_lost)
{
    all_collisions = 0;
    run_seeds(DIALS, dial_both);
    ck_assert(getenv("BGP_FSM_SEED") || all_collisions > DIALS / 3);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("bgp_fsm_sim");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 600);
    tcase_add_test(tc, test_rfc4271_6_8_both_dial_at_once_and_no_session_is_lost);
    tcase_add_test(tc, test_R2_3_two_speakers_always_end_with_one_session);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
