/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Gateways in a full mesh, for tests of MAC mobility: each has a MAC table, an FDB, an Adj-RIB-In per peer
 * with the choice of the best route as a RIB makes it, and its own routes. They are joined by channels, one
 * per ordered pair, that delay as long as the test likes but never reorder or lose (as TCP does), unless a
 * gateway restarts: then what is under way from and to it is lost, its peers see that the session is down,
 * and send all of their own routes again.
 *
 * One world per program; a test makes events happen with world_frame(), world_deliver() and so on.
 */
#ifndef TESTS_UNIT_MOBILITY_WORLD_H
#define TESTS_UNIT_MOBILITY_WORLD_H

#include "controlplane/mactable.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define GATEWAYS    3
#define MAX_MACS    8
#define MAX_IPS     3 /* route 0 is that of the MAC alone */
#define CHANNEL_LEN 512

enum message_type { ADVERTISE = 1, WITHDRAW, DOWN };

struct message {
    uint8_t type, mac, ip;
    bool sticky;
    uint32_t seq;
};

struct channel {
    unsigned head, n;
    struct message q[CHANNEL_LEN];
};

struct route {
    bool valid, sticky;
    uint32_t seq;
};

struct fdb_slot {
    bool valid;
    struct dp_dest dest;
    unsigned removed_in_turn;
};

struct gateway_model {
    unsigned id;
    struct mactable *t;
    bool resetting, all_old;
    struct fdb_slot fdb[MAX_MACS];
    struct mac_place told[MAX_MACS]; /* by op moved */
    unsigned moves;
    struct route in[GATEWAYS][MAX_MACS][MAX_IPS];
    struct route out[MAX_MACS][MAX_IPS];
    unsigned adverts, alerts[MAC_ALERT_N];
    unsigned fresh; /* of the adverts: nobody else had it, as far as was known */
    struct mac_alert_info last_alert;
};

static struct world {
    struct gateway_model g[GATEWAYS];
    struct channel ch[GATEWAYS][GATEWAYS]; /* [from][to] */
    bool up[GATEWAYS][GATEWAYS];           /* the first may send to the second */
    unsigned macs, nets;
    unsigned turn;       /* of one call into a table */
    bool vteps_are_lost; /* a session that is down takes its VTEP with it in one step (R9.5) */
    mono_t now;
} w;

/* Check's own assertions write to a file each time they hold: too slow for millions. A test may set what
 * tells how it came to a failure. */
static void (*world_story)(void);

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            world_fail(__FILE__, __LINE__, #condition);                                                      \
    } while (0)

static void world_fail(const char *file, int line, const char *condition)
{
    if (world_story)
        world_story();
    ck_abort_msg("%s:%d: %s", file, line, condition);
}

static dp_net_id net_of(unsigned m)
{
    return (dp_net_id)(1 + m % w.nets);
}

static struct mac mac_of(unsigned m)
{
    return (struct mac){{0x02, 0, 0, 0, 0, (uint8_t)(1 + m / w.nets)}};
}

static unsigned index_of(dp_net_id net, struct mac mac)
{
    return (unsigned)(mac.b[5] - 1) * w.nets + net - 1u;
}

static struct ipaddr ip_of(unsigned m, unsigned i)
{
    return (struct ipaddr){4, {10, 0, (uint8_t)m, (uint8_t)i}};
}

static struct ipaddr vtep_address(unsigned g)
{
    return (struct ipaddr){4, {198, 18, 0, (uint8_t)(1 + g)}};
}

static dp_vtep_id vtep_of(unsigned g)
{
    return (dp_vtep_id)(g + 1);
}

static const struct mac_entry *entry_at(unsigned g, unsigned m)
{
    return mactable_find(w.g[g].t, net_of(m), mac_of(m));
}

/* ---- channels */

static void channel_push(unsigned from, unsigned to, struct message msg)
{
    struct channel *c = &w.ch[from][to];

    MUST(c->n < CHANNEL_LEN);
    c->q[(c->head + c->n++) % CHANNEL_LEN] = msg;
}

static void send_to_all(unsigned from, struct message msg)
{
    for (unsigned to = 0; to < GATEWAYS; to++)
        if (to != from && w.up[from][to])
            channel_push(from, to, msg);
}

static bool quiet(void)
{
    for (unsigned i = 0; i < GATEWAYS * GATEWAYS; i++)
        if (w.ch[i / GATEWAYS][i % GATEWAYS].n)
            return false;
    return true;
}

/* ---- ops of the tables */

static int op_program(void *arg, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    struct gateway_model *g = arg;
    struct fdb_slot *f = &g->fdb[index_of(net, mac)];

    /* R4.10 */
    MUST(f->removed_in_turn != w.turn || g->resetting);
    f->valid = true;
    f->dest = dest;
    return 0;
}

static void op_remove(void *arg, dp_net_id net, struct mac mac)
{
    struct gateway_model *g = arg;
    struct fdb_slot *f = &g->fdb[index_of(net, mac)];

    MUST(f->valid);
    f->valid = false;
    f->removed_in_turn = w.turn;
}

static bool op_seen(void *arg, dp_net_id net, struct mac mac, mono_t *seen)
{
    const struct gateway_model *g = arg;

    (void)net, (void)mac;
    seen->ns = g->all_old ? 1 : w.now.ns;
    return true;
}

/* R6.3: each change of the FDB is told once, after it, and goes on from the one before. */
static void op_moved(void *arg, const struct mac_moved *m)
{
    struct gateway_model *g = arg;
    unsigned i = index_of(m->net, m->mac);
    const struct fdb_slot *f = &g->fdb[i];

    MUST(m->from.where == g->told[i].where && m->from.target == g->told[i].target);
    MUST(m->to.where == (f->valid ? f->dest.where : 0));
    MUST(m->to.target == (f->valid ? f->dest.target : 0));
    MUST(m->from.where != m->to.where || m->from.target != m->to.target);
    g->told[i] = m->to;
    g->moves += m->from.where && m->to.where;
}

static void op_alert(void *arg, const struct mac_alert_info *info)
{
    struct gateway_model *g = arg;

    g->alerts[info->what]++;
    g->last_alert = *info;
}

static unsigned ip_index(unsigned m, const struct ipaddr *ip)
{
    if (!ip)
        return 0;
    MUST(ip->b[2] == m);
    return ip->b[3];
}

static void op_advertise(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, uint32_t seq,
                         bool sticky)
{
    struct gateway_model *g = arg;
    unsigned m = index_of(net, mac), i = ip_index(m, ip);

    /* The FDB is told first, and then the site (R6.3). */
    MUST(g->fdb[m].valid && g->fdb[m].dest.where == DP_WHERE_PORT);
    MUST(g->told[m].where == DP_WHERE_PORT);
    g->adverts++;
    g->fresh += seq == 0;
    g->out[m][i] = (struct route){true, sticky, seq};
    send_to_all(g->id, (struct message){ADVERTISE, (uint8_t)m, (uint8_t)i, sticky, seq});
}

static void op_withdraw(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    struct gateway_model *g = arg;
    unsigned m = index_of(net, mac), i = ip_index(m, ip);

    MUST(g->out[m][i].valid);
    g->out[m][i].valid = false;
    if (!g->resetting)
        send_to_all(g->id, (struct message){WITHDRAW, (uint8_t)m, (uint8_t)i, false, 0});
}

static const struct mactable_ops world_ops = {.program = op_program,
                                              .remove = op_remove,
                                              .seen = op_seen,
                                              .moved = op_moved,
                                              .alert = op_alert,
                                              .advertise = op_advertise,
                                              .withdraw = op_withdraw};

/* ---- life */

/* Empties a gateway, as a restart does. */
static void gateway_reset(struct gateway_model *g)
{
    struct mactable *t = g->t;
    unsigned id = g->id;

    g->resetting = true;
    w.turn++;
    for (unsigned m = 0; m < w.macs; m++) {
        mactable_remote(t, net_of(m), mac_of(m), NULL, w.now);
        mactable_remove_static(t, net_of(m), mac_of(m), w.now);
    }
    mactable_clear_duplicate(t, 0, NULL, w.now);
    mactable_clear(t, 0, NULL, w.now);
    MUST(mactable_count(t) == 0);
    for (unsigned m = 0; m < w.macs; m++)
        MUST(!g->fdb[m].valid && !g->out[m][0].valid);
    memset(g, 0, sizeof(*g));
    g->id = id;
    g->t = t;
}

static void world_open(unsigned macs, unsigned nets)
{
    memset(&w, 0, sizeof(w));
    w.macs = macs;
    w.nets = nets;
    w.now.ns = 100000ull * 1000000000;
    for (unsigned g = 0; g < GATEWAYS; g++) {
        struct ipaddr own = vtep_address(g);

        w.g[g].id = g;
        w.g[g].t = mactable_new(64, &world_ops, &w.g[g]);
        MUST(w.g[g].t != NULL);
        for (dp_net_id n = 1; n <= nets; n++)
            mactable_set_network(w.g[g].t, n, 300, UINT32_MAX);
        mactable_set_own_vtep(w.g[g].t, &own);
        for (unsigned to = 0; to < GATEWAYS; to++)
            w.up[g][to] = g != to;
    }
}

static void world_close(void)
{
    for (unsigned g = 0; g < GATEWAYS; g++)
        mactable_free(w.g[g].t);
}

/* Back to the start: nothing known, nothing under way. */
static inline void world_reset(void)
{
    for (unsigned g = 0; g < GATEWAYS; g++)
        gateway_reset(&w.g[g]);
    for (unsigned i = 0; i < GATEWAYS * GATEWAYS; i++) {
        w.ch[i / GATEWAYS][i % GATEWAYS].n = 0;
        w.ch[i / GATEWAYS][i % GATEWAYS].head = 0;
        w.up[i / GATEWAYS][i % GATEWAYS] = i / GATEWAYS != i % GATEWAYS;
    }
}

/* ---- a RIB in small */

static bool route_better(const struct route *a, unsigned from_a, const struct route *b, unsigned from_b)
{
    int c = mac_seq_cmp(a->seq, b->seq);

    if (a->sticky != b->sticky)
        return a->sticky;
    return c != 0 ? c > 0 : from_a < from_b;
}

/* Of all peers and all routes that name the MAC. */
static bool best_route(const struct gateway_model *g, unsigned m, struct mac_route *out)
{
    const struct route *best = NULL;
    unsigned from = 0;

    for (unsigned p = 0; p < GATEWAYS; p++)
        for (unsigned i = 0; i < MAX_IPS; i++) {
            const struct route *r = &g->in[p][m][i];

            if (r->valid && (!best || route_better(r, p, best, from))) {
                best = r;
                from = p;
            }
        }
    if (best)
        *out = (struct mac_route){vtep_of(from), 0, vtep_address(from), best->seq, best->sticky};
    return best != NULL;
}

static bool ip_known(const struct gateway_model *g, unsigned m, unsigned i)
{
    for (unsigned p = 0; p < GATEWAYS; p++)
        if (g->in[p][m][i].valid)
            return true;
    return false;
}

/* Tells the table what became of a MAC after its routes changed; knew: the IPs before. */
static void rib_changed(struct gateway_model *g, unsigned m, const bool knew[MAX_IPS])
{
    struct mac_route best;
    bool found = best_route(g, m, &best);

    w.turn++;
    mactable_remote(g->t, net_of(m), mac_of(m), found ? &best : NULL, w.now);
    for (unsigned i = 1; i < MAX_IPS; i++) {
        struct ipaddr ip = ip_of(m, i);
        bool known = ip_known(g, m, i);

        if (known != knew[i])
            mactable_remote_ip(g->t, net_of(m), mac_of(m), &ip, known);
    }
}

static void session_down(unsigned at, unsigned peer)
{
    struct gateway_model *g = &w.g[at];

    for (unsigned m = 0; m < w.macs; m++) {
        bool knew[MAX_IPS];

        for (unsigned i = 0; i < MAX_IPS; i++)
            knew[i] = ip_known(g, m, i);
        memset(g->in[peer][m], 0, sizeof(g->in[peer][m]));
        rib_changed(g, m, knew);
    }
    w.turn++;
    if (w.vteps_are_lost)
        mactable_clear_at(g->t, DP_WHERE_VTEP, vtep_of(peer), w.now);
    w.up[at][peer] = true;
    for (unsigned m = 0; m < w.macs; m++)
        for (unsigned i = 0; i < MAX_IPS; i++)
            if (g->out[m][i].valid)
                channel_push(at, peer,
                             (struct message){ADVERTISE, (uint8_t)m, (uint8_t)i, g->out[m][i].sticky,
                                              g->out[m][i].seq});
}

/* ---- events */

static void world_frame(unsigned g, unsigned m, unsigned port)
{
    struct dp_event ev = {.type = DP_EVENT_SOURCE,
                          .net = net_of(m),
                          .mac = mac_of(m),
                          .where = DP_WHERE_PORT,
                          .target = (uint16_t)port};
    const struct fdb_slot *f = &w.g[g].fdb[m];

    /* The data plane reports only what it does not know so. */
    if (f->valid && f->dest.where == DP_WHERE_PORT && f->dest.target == port)
        return;
    w.turn++;
    mactable_source_seen(w.g[g].t, &ev, w.now);
}

static void world_deliver(unsigned from, unsigned to)
{
    struct channel *c = &w.ch[from][to];
    struct gateway_model *g = &w.g[to];
    struct message msg;
    bool knew[MAX_IPS];

    MUST(c->n > 0);
    msg = c->q[c->head];
    c->head = (c->head + 1) % CHANNEL_LEN;
    c->n--;
    if (msg.type == DOWN) {
        session_down(to, from);
        return;
    }
    for (unsigned i = 0; i < MAX_IPS; i++)
        knew[i] = ip_known(g, msg.mac, i);
    g->in[from][msg.mac][msg.ip] = (struct route){msg.type == ADVERTISE, msg.sticky, msg.seq};
    rib_changed(g, msg.mac, knew);
}

static void world_age(unsigned g)
{
    w.turn++;
    w.g[g].all_old = true;
    mactable_age(w.g[g].t, w.now, 64);
    w.g[g].all_old = false;
}

static void world_restart(unsigned g)
{
    gateway_reset(&w.g[g]);
    for (unsigned p = 0; p < GATEWAYS; p++) {
        if (p == g)
            continue;
        w.ch[g][p].n = 0;
        w.ch[p][g].n = 0;
        channel_push(g, p, (struct message){.type = DOWN});
        w.up[g][p] = true;
        w.up[p][g] = false;
    }
}

/* Delivers all that is under way; returns how many messages that were. */
static inline unsigned world_drain(void)
{
    unsigned n = 0;

    while (!quiet())
        for (unsigned i = 0; i < GATEWAYS * GATEWAYS; i++)
            if (w.ch[i / GATEWAYS][i % GATEWAYS].n) {
                world_deliver(i / GATEWAYS, i % GATEWAYS);
                n++;
            }
    return n;
}

/* The MAC comes to gateway g, port 1, with this sequence, and all know that: somebody who is gone since had
 * it with the one before. */
static inline void world_arrive(unsigned m, unsigned g, uint32_t seq)
{
    struct mac_route old = {9, 0, {4, {198, 18, 0, 9}}, seq - 1, false};

    for (unsigned i = 0; i < GATEWAYS; i++) {
        w.turn++;
        mactable_remote(w.g[i].t, net_of(m), mac_of(m), &old, w.now);
    }
    world_frame(g, m, 1);
    world_drain();
    for (unsigned i = 0; i < GATEWAYS; i++) {
        struct mac_route best;
        bool found = best_route(&w.g[i], m, &best);

        w.turn++;
        mactable_remote(w.g[i].t, net_of(m), mac_of(m), found ? &best : NULL, w.now);
    }
}

/* ---- what must hold when nothing is under way */

static void check_gateway(unsigned g, unsigned m)
{
    const struct gateway_model *model = &w.g[g];
    const struct mac_entry *e = entry_at(g, m);
    const struct fdb_slot *f = &model->fdb[m];
    struct mac_ip_info ips[MAX_IPS];
    unsigned n = mactable_ips(model->t, net_of(m), mac_of(m), ips, MAX_IPS), n_local = 0, n_out = 0;

    MUST(f->valid == (e != NULL));
    if (e) {
        MUST(f->dest.where == e->where);
        MUST(f->dest.target == e->target);
    }
    MUST(model->told[m].where == (e ? e->where : 0) && model->told[m].target == (e ? e->target : 0));
    /* What is out is what the entry says, for the MAC and each IP (R4.9). */
    MUST(model->out[m][0].valid == (e && e->where == DP_WHERE_PORT));
    for (unsigned i = 0; i < MAX_IPS; i++) {
        if (!model->out[m][i].valid)
            continue;
        MUST(e != NULL);
        MUST(e->advertised);
        MUST(model->out[m][i].seq == e->seq);
        MUST(model->out[m][i].sticky == e->sticky);
        n_out += i > 0;
    }
    for (unsigned i = 0; i < n; i++)
        n_local += ips[i].local;
    MUST(n_local == n_out);
}

#define NOBODY GATEWAYS

/* At most one gateway has it, and all others that are not frozen point there, with its sequence; when nobody
 * has it, nobody knows it. Returns the owner, or NOBODY. */
static unsigned check_agreement(unsigned m)
{
    unsigned owner = NOBODY;

    for (unsigned g = 0; g < GATEWAYS; g++) {
        const struct mac_entry *e = entry_at(g, m);

        check_gateway(g, m);
        if (!e || e->where != DP_WHERE_PORT)
            continue;
        MUST(owner == NOBODY);
        owner = g;
    }
    for (unsigned g = 0; g < GATEWAYS; g++) {
        const struct mac_entry *e = entry_at(g, m);

        if (g == owner || (e && e->duplicate))
            continue;
        MUST((e != NULL) == (owner != NOBODY));
        if (!e)
            continue;
        MUST(e->origin == MAC_EVPN);
        MUST(e->target == vtep_of(owner));
        MUST(e->route_vtep == e->target);
        MUST(e->route_seq == entry_at(owner, m)->seq);
    }
    return owner;
}

#endif
