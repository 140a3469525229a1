/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Prepared moves (move_prepare.h) on a running gateway: their ops on the data plane, the MAC table and the
 * other gateway, and what the API asks.
 *
 * Control thread only.
 */
#include "conf/log.h"
#include "controlplane/api.h"
#include "controlplane/gateway_private.h"
#include "controlplane/moves_private.h"
#include "controlplane/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define ASK_TRIES       5 /* then the other end has not answered */
#define ASK_INTERVAL_MS 200
#define TELL_TRIES      10  /* it ends by itself, but sooner is better */
#define ASKED_LINES     300 /* about what other gateways ask for, in: */
#define ASKED_WINDOW_S  10

/* ---- ops */

static int on_bicast(void *arg, dp_net_id net, struct mac mac, struct dp_dest also)
{
    return fwd_bicast_set(((struct moves *)arg)->g->fwd, net, mac, also);
}

static uint64_t on_bicast_end(void *arg, dp_net_id net, struct mac mac)
{
    const struct moves *m = arg;
    uint64_t frames = 0;

    (void)fwd_bicast_count(m->g->fwd, net, mac, &frames);
    (void)fwd_bicast_del(m->g->fwd, net, mac);
    return frames;
}

static int on_expect(void *arg, dp_net_id net, struct mac mac, dp_vtep_id vtep, mono_t until)
{
    return mactable_expect_move(((struct moves *)arg)->g->macs, net, mac, vtep, until);
}

/* q NULL: nobody waits for the answer. */
static int say(const struct moves *m, const struct prepared *p, enum oam_type type, uint16_t seconds,
               struct moves_question *q);

static void on_answer(void *arg, const struct oam_message *answer, uint64_t rtt_ns, mono_t now)
{
    struct moves_question *q = arg;
    struct moves *m = q->m;

    (void)rtt_ns;
    LIST_REMOVE(q, link);
    move_prepare_answered(m->prepared, q->prepared, q->type, answer, now);
    /* Unless it is prepared anew, for that is the same at the other end. */
    if (q->then && answer && answer->status == OAM_OK &&
        !move_prepare_find(m->prepared, q->what.net, q->what.mac)) {
        q->what.peer_token = answer->token;
        say(m, &q->what, q->then, 0, NULL);
    }
    free(q);
    moves_due(m);
}

static int say(const struct moves *m, const struct prepared *p, enum oam_type type, uint16_t seconds,
               struct moves_question *q)
{
    struct oam_message msg = {.type = (uint8_t)type,
                              .mac = p->mac,
                              .seconds = seconds,
                              .values = {p->role == PREPARED_OLD ? OAM_TO_RECEIVER : OAM_TO_SENDER},
                              .token = type == OAM_PREPARE ? p->own_token : p->peer_token};
    int rc = oam_send(m->g->oam, p->net, p->peer, &msg, q ? ASK_TRIES : TELL_TRIES, ASK_INTERVAL_MS,
                      mono_now(), q ? on_answer : NULL, q);

    gateway_oam_changed(m->g);
    return rc;
}

static struct moves_question *find_question(const struct moves *m, uint64_t prepared, enum oam_type type)
{
    struct moves_question *q = LIST_FIRST(&m->questions);

    while (q && (q->prepared != prepared || q->type != type))
        q = LIST_NEXT(q, link);
    return q;
}

/* NULL: this very question is open (*open), and oam.h repeats it; or there is no memory. One that asked for
 * another time is dropped. */
static struct moves_question *new_question(struct moves *m, uint64_t prepared, enum oam_type type,
                                           uint16_t seconds, bool *open)
{
    struct moves_question *q = find_question(m, prepared, type);

    *open = q && q->seconds == seconds;
    if (*open)
        return NULL;
    if (q) {
        oam_forget(m->g->oam, q);
        LIST_REMOVE(q, link);
        free(q);
    }
    q = calloc(1, sizeof(*q));
    if (q) {
        *q = (struct moves_question){.m = m, .prepared = prepared, .type = type, .seconds = seconds};
        LIST_INSERT_HEAD(&m->questions, q, link);
    }
    return q;
}

static void on_ask(void *arg, const struct prepared *p, enum oam_type type, uint64_t id, uint16_t seconds)
{
    struct moves *m = arg;
    bool open = false;
    struct moves_question *q = p->peer_token || id ? NULL : find_question(m, p->id, OAM_PREPARE);

    if (q) {
        q->then = type;
        q->what = *p;
        return;
    }
    q = id ? new_question(m, id, type, seconds, &open) : NULL;
    /* What cannot be sent is as good as not answered, but not from within. */
    if (!open && say(m, p, type, seconds, q) < 0 && q)
        q->refused = true;
}

/* The only access port that carries the network; NULL: none, or several. */
static const struct gateway_port *only_port(const struct gateway *g, dp_net_id net)
{
    const struct gateway_network *n = gateway_network(g, net);
    const struct gateway_port *found = NULL;
    uint16_t vlan;

    for (unsigned i = 0; n && i < g->n_ports; i++) {
        if (!g->ports[i].access || !conf_access_carries(g->ports[i].access, n->conf, &vlan))
            continue;
        if (found)
            return NULL;
        found = &g->ports[i];
    }
    return found;
}

static uint64_t on_token(void *arg)
{
    uint64_t token = 0;

    (void)arg;
    return getrandom(&token, sizeof(token), 0) == sizeof(token) ? token : 0;
}

static int on_arrive(void *arg, dp_net_id net, struct mac mac)
{
    const struct moves *m = arg;
    const struct gateway_port *port = only_port(m->g, net);
    const struct mac_entry *entry;
    mono_t now = mono_now();

    if (!port)
        return -ENOTUNIQ;
    mactable_source_seen(m->g->macs,
                         &(struct dp_event){.type = DP_EVENT_SOURCE,
                                            .net = net,
                                            .mac = mac,
                                            .where = DP_WHERE_PORT,
                                            .target = port->id,
                                            .evidence = DP_EVIDENCE_API,
                                            .at = now},
                         now);
    neighbor_settle(m->g->neighbors);
    entry = mactable_find(m->g->macs, net, mac);
    return entry && entry->where == DP_WHERE_PORT ? 0 : -EACCES;
}

/* ---- what becomes of it */

static void answer_call(const struct moves *m, const struct prepared *p, uint64_t call)
{
    cJSON *result;

    if (p->state == PREPARED_ENDED && p->end == PREPARED_REFUSED) {
        api_reply(m->g->api, call, NULL,
                  p->status == OAM_NOT_HERE
                      ? "the other gateway has this MAC at another place"
                      : "the other gateway refused: there it is configured, or frozen as a "
                        "duplicate");
        return;
    }
    result = cJSON_CreateObject();
    watch_prepared_json(m->g, p, result);
    api_reply(m->g->api, call, result, NULL);
}

static void answer_calls(struct moves *m, const struct prepared *p)
{
    struct moves_call *c = LIST_FIRST(&m->calls), *next;

    for (; c && p->state != PREPARED_ASKING; c = next) {
        next = LIST_NEXT(c, link);
        if (c->prepared != p->id)
            continue;
        answer_call(m, p, c->call);
        LIST_REMOVE(c, link);
        free(c);
    }
}

int moves_wait(struct moves *m, uint64_t prepared, uint64_t call)
{
    struct moves_call *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    *c = (struct moves_call){.prepared = prepared, .call = call};
    LIST_INSERT_HEAD(&m->calls, c, link);
    return 0;
}

/* What is asked for here is always said; what others ask for, as far as it is not too much. */
static bool may_log(struct moves *m, const struct prepared *p, mono_t now)
{
    uint64_t held = 0;

    if (p->by_us)
        return true;
    if (quiet_over(&m->quiet_asked, now, ASKED_WINDOW_S, &held))
        m->asked_lines = 0;
    if (held >= ASKED_LINES)
        log_warning("moves", "%llu more lines about moves that other gateways prepared were not written",
                    (unsigned long long)(held - ASKED_LINES + 1));
    return m->asked_lines++ < ASKED_LINES;
}

static void log_change(const struct gateway *g, const struct prepared *p)
{
    const struct gateway_network *n = gateway_network(g, p->net);
    const struct gateway_vtep *peer = gateway_vtep(g, p->peer);
    const char *warning = watch_prepared_warning(p);
    char mac[MAC_STRLEN], vtep[IPADDR_STRLEN] = "?";

    if (peer)
        ipaddr_format(&peer->address, vtep);
    log_write(warning ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "moves",
              "MAC %s in network %s, prepared to %s VTEP %s: %s%s%s", mac_format(p->mac, mac),
              n ? n->conf->name : "?", p->role == PREPARED_OLD ? "move to" : "come from", vtep,
              prepared_state_text(p), warning ? "; " : "", warning ? warning : "");
}

static void on_changed(void *arg, const struct prepared *p)
{
    struct moves *m = arg;

    if (p->state == PREPARED_ENDED)
        m->ended_bicast = p->bicast;
    if (may_log(m, p, mono_now()))
        log_change(m->g, p);
    watch_prepared(m->g, p);
    answer_calls(m, p);
}

/* ---- life */

int moves_prepared_start(struct moves *m)
{
    static const struct move_prepare_ops ops = {.bicast = on_bicast,
                                                .bicast_end = on_bicast_end,
                                                .expect = on_expect,
                                                .ask = on_ask,
                                                .token = on_token,
                                                .arrive = on_arrive,
                                                .changed = on_changed};

    m->prepared = move_prepare_new(&ops, m);
    return m->prepared ? 0 : -ENOMEM;
}

void moves_prepared_stop(struct moves *m)
{
    struct moves_question *q;
    struct moves_call *c;

    while ((q = LIST_FIRST(&m->questions)) != NULL) {
        if (m->g->oam)
            oam_forget(m->g->oam, q);
        LIST_REMOVE(q, link);
        free(q);
    }
    while ((c = LIST_FIRST(&m->calls)) != NULL) {
        LIST_REMOVE(c, link);
        free(c);
    }
    move_prepare_free(m->prepared);
}

void moves_prepared_run(struct moves *m, mono_t now)
{
    struct moves_question *q = LIST_FIRST(&m->questions), *next;

    for (; q; q = next) {
        next = LIST_NEXT(q, link);
        if (q->refused)
            on_answer(q, NULL, 0, now);
    }
    move_prepare_run(m->prepared, now);
}

/* ---- asked */

void moves_asked(struct moves *m, dp_net_id net, dp_vtep_id from, const struct oam_message *msg,
                 struct oam_message *answer)
{
    const struct mac_entry *e = mactable_find(m->g->macs, net, msg->mac);

    answer->status = (uint8_t)move_prepare_asked(m->prepared, net, from, msg, e, mono_now(), &answer->token);
    moves_due(m);
}

int moves_prepare(struct moves *m, dp_net_id net, struct mac mac, dp_vtep_id to, unsigned seconds,
                  const struct prepared **out)
{
    const struct mac_entry *e = mactable_find(m->g->macs, net, mac);

    moves_due(m);
    return move_prepare_begin(m->prepared, e, to, seconds, mono_now(), out);
}

int moves_commit(struct moves *m, dp_net_id net, struct mac mac)
{
    moves_due(m);
    return move_prepare_commit(m->prepared, net, mac, mono_now());
}

int moves_cancel(struct moves *m, dp_net_id net, struct mac mac)
{
    moves_due(m);
    return move_prepare_cancel(m->prepared, net, mac, mono_now());
}

const struct move_prepare *moves_prepared(const struct moves *m)
{
    return m->prepared;
}

static bool peer_is_gone(const struct moves *m, const struct prepared *p)
{
    return !gateway_has_peer(m->g, p->net, p->peer);
}

/* Those in the network `net`, or with 0 those whose other end is gone. */
static void cancel_all(struct moves *m, dp_net_id net)
{
    const struct prepared *p;
    unsigned cursor = 0;

    while ((p = move_prepare_walk(m->prepared, &cursor)) != NULL) {
        if (net ? p->net != net : !peer_is_gone(m, p))
            continue;
        (void)move_prepare_cancel(m->prepared, p->net, p->mac, mono_now());
        cursor = 0;
        moves_due(m);
    }
}

/* The other end is told while the network is still there. */
void moves_network_gone(struct moves *m, dp_net_id net)
{
    cancel_all(m, net);
}

void moves_peers_gone(struct moves *m)
{
    cancel_all(m, 0);
}
