/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Our own rehearsal, stage by stage. See rehearse.h.
 *
 * Tricky: an answer of OAM may come when the stage that asked is over; each callback looks at the stage
 * first, and rehearse_start() takes a new session, so nothing of an old one is taken for the new one's.
 *
 * Control thread only.
 */
#include "controlplane/rehearse_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ECHO_TRIES  3
#define ECHO_MS     200
#define PATH_ECHOES 3                    /* for the round trip */
#define TAKE_MS     50                   /* asked again while the MAC is unknown there */
#define STAGE_NS    (8000 * REHEARSE_MS) /* no stage takes longer */
#define HOME_NS     (200 * REHEARSE_MS)  /* probes before the move */
#define STEADY      200                  /* answers in a row: it has arrived */
#define BACK_NS                                                                                              \
    (1000 * REHEARSE_MS) /* for the other side to see it, too; its probes are a millisecond apart */

struct rehearse *rehearse_new(struct oam *oam, const struct rehearse_ops *ops, void *arg)
{
    struct rehearse *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->oam = oam;
    r->ops = *ops;
    r->arg = arg;
    return r;
}

void rehearse_free(struct rehearse *r)
{
    free(r);
}

const char *rehearse_stage_name(enum rehearse_stage s)
{
    static const char *const names[REHEARSE_STAGES] = {
        [REHEARSE_IDLE] = "idle",   [REHEARSE_PATH] = "path",    [REHEARSE_TAKING] = "taking",
        [REHEARSE_THERE] = "there", [REHEARSE_BACK] = "back",    [REHEARSE_REPORTING] = "reporting",
        [REHEARSE_DONE] = "done",   [REHEARSE_FAILED] = "failed"};

    return s < REHEARSE_STAGES ? names[s] : "unknown";
}

struct mac rehearse_mac(uint32_t session, enum rehearse_mac which)
{
    return (struct mac){{0x02, (uint8_t)(0x43 + which), (uint8_t)(session >> 24), (uint8_t)(session >> 16),
                         (uint8_t)(session >> 8), (uint8_t)session}};
}

void rehearse_probe_send(struct rehearse *r, dp_net_id net, uint32_t session, enum rehearse_mac prober,
                         struct rehearse_train *train, mono_t now)
{
    struct rehearse_probe p = {.to = rehearse_mac(session, REHEARSE_MOVER),
                               .from = rehearse_mac(session, prober),
                               .session = session,
                               .sequence = rehearse_train_sent(train, now)};
    uint8_t frame[REHEARSE_PROBE_LEN];

    rehearse_probe_encode(&p, frame);
    (void)r->ops.send(r->arg, net, frame, sizeof(frame));
}

/* ---- stages */

static bool under_way(const struct rehearse *r)
{
    return r->result.stage > REHEARSE_IDLE && r->result.stage < REHEARSE_DONE;
}

static bool probing(const struct rehearse *r)
{
    return r->result.stage >= REHEARSE_TAKING && r->result.stage <= REHEARSE_BACK;
}

static void enter(struct rehearse *r, enum rehearse_stage stage)
{
    r->result.stage = stage;
    r->stage_since = r->now;
}

static struct oam_message request(const struct rehearse *r, enum oam_type type)
{
    struct oam_message m = {
        .type = (uint8_t)type, .mac = r->result.mac, .ip = r->result.ip, .seconds = REHEARSE_SECONDS};

    m.values[0] = r->session;
    return m;
}

/* Both MACs go here, and the other gateway is told so. */
static void clean(struct rehearse *r)
{
    struct oam_message leave = request(r, OAM_LEAVE);

    oam_forget(r->oam, r);
    (void)oam_send(r->oam, r->result.net, r->result.vtep, &leave, 5, ECHO_MS, r->now, NULL, NULL);
    r->ops.forget(r->arg, r->result.net, r->result.mac);
    r->ops.forget(r->arg, r->result.net, rehearse_mac(r->session, REHEARSE_HOME_PROBER));
}

__attribute__((format(printf, 2, 3))) static void give_up(struct rehearse *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(r->result.error, sizeof(r->result.error), fmt, ap);
    va_end(ap);
    clean(r);
    enter(r, REHEARSE_FAILED);
}

/* ---- the path */

static void echo(struct rehearse *r, uint16_t length);

static void begin_taking(struct rehearse *r)
{
    int rc;

    enter(r, REHEARSE_TAKING);
    r->next_probe = r->now;
    r->next_take.ns = r->now.ns + HOME_NS;
    rehearse_train_start(&r->train);
    rc = r->ops.take(r->arg, r->result.net, rehearse_mac(r->session, REHEARSE_HOME_PROBER), NULL);
    if (rc == 0)
        rc = r->ops.take(r->arg, r->result.net, r->result.mac, &r->result.ip);
    if (rc < 0)
        give_up(r, "this gateway does not learn the synthetic MAC: %s", strerror(-rc));
}

/* Binary search between what was answered and what was not. */
static void next_echo(struct rehearse *r)
{
    r->result.frame_max = r->echo_low;
    if (r->echo_high - r->echo_low <= 1 || r->echoes >= PATH_ECHOES + REHEARSE_MTU_STEPS)
        begin_taking(r);
    else
        echo(r, r->echoes == PATH_ECHOES ? r->result.frame_wanted
                                         : (uint16_t)((r->echo_low + r->echo_high) / 2));
}

static void on_echo(void *arg, const struct oam_message *answer, uint64_t rtt, mono_t now)
{
    struct rehearse *r = arg;

    r->now = now;
    if (r->result.stage != REHEARSE_PATH)
        return;
    r->echoes++;
    if (r->echoes <= PATH_ECHOES) {
        if (!answer) {
            give_up(r, "no answer: the gateway there does not take part, or the way to it is broken");
            return;
        }
        if (rtt < r->result.rtt)
            r->result.rtt = rtt;
        if (r->echoes < PATH_ECHOES)
            echo(r, OAM_FRAME_MIN);
        else
            next_echo(r);
        return;
    }
    if (answer && answer->length == r->echo)
        r->echo_low = r->echo;
    else
        r->echo_high = r->echo;
    next_echo(r);
}

static void echo(struct rehearse *r, uint16_t length)
{
    struct oam_message m = {.type = OAM_ECHO, .length = length};
    bool first = r->echoes < PATH_ECHOES;

    r->echo = length;
    if (oam_send(r->oam, r->result.net, r->result.vtep, &m, first ? ECHO_TRIES : 2, first ? ECHO_MS : 100,
                 r->now, on_echo, r) < 0)
        give_up(r, "too many requests wait for an answer");
}

int rehearse_start(struct rehearse *r, dp_net_id net, dp_vtep_id vtep, const struct ipaddr *ip,
                   uint16_t frame_wanted, uint32_t session, mono_t now)
{
    if (under_way(r))
        return -EBUSY;
    oam_forget(r->oam, r);
    r->now = now;
    r->session = session;
    r->result = (struct rehearse_result){.net = net,
                                         .vtep = vtep,
                                         .ip = *ip,
                                         .mac = rehearse_mac(session, REHEARSE_MOVER),
                                         .rtt = REHEARSE_NS_UNKNOWN,
                                         .frame_wanted = frame_wanted,
                                         .dark_there = REHEARSE_NS_UNKNOWN,
                                         .dark_there_away = REHEARSE_NS_UNKNOWN,
                                         .dark_back = REHEARSE_NS_UNKNOWN,
                                         .dark_back_away = REHEARSE_NS_UNKNOWN};
    r->echo_low = OAM_FRAME_MIN;
    r->echo_high = (uint16_t)(frame_wanted + 1);
    r->echoes = 0;
    rehearse_train_start(&r->train);
    enter(r, REHEARSE_PATH);
    echo(r, OAM_FRAME_MIN);
    return 0;
}

/* ---- there and back */

static void on_take(void *arg, const struct oam_message *answer, uint64_t rtt, mono_t now)
{
    struct rehearse *r = arg;

    (void)rtt;
    r->now = now;
    if (r->result.stage != REHEARSE_TAKING)
        return;
    if (answer && answer->status == OAM_OK) {
        enter(r, REHEARSE_THERE);
    } else if (answer && answer->status != OAM_UNKNOWN_MAC) {
        give_up(r, "the other gateway does not take the synthetic MAC: %s", oam_status_name(answer->status));
    } else {
        r->next_take.ns = r->now.ns + TAKE_MS * REHEARSE_MS;
    }
}

static void ask_to_take(struct rehearse *r)
{
    struct oam_message m = request(r, OAM_TAKE);

    r->next_take.ns = UINT64_MAX; /* until this one is answered */
    if (oam_send(r->oam, r->result.net, r->result.vtep, &m, ECHO_TRIES, ECHO_MS, r->now, on_take, r) < 0)
        give_up(r, "too many requests wait for an answer");
}

static uint64_t gap(mono_t from, mono_t to, uint64_t less)
{
    if (from.ns == 0 || to.ns == 0)
        return REHEARSE_NS_UNKNOWN;
    return to.ns > from.ns + less ? to.ns - from.ns - less : 0;
}

static void look_there(struct rehearse *r)
{
    const struct rehearse_train *t = &r->train;
    int rc;

    if (t->last_holder != REHEARSE_AWAY || t->in_a_row < STEADY)
        return;
    r->result.dark_there = gap(t->last[REHEARSE_HOME], t->first[REHEARSE_AWAY], REHEARSE_PROBE_NS);
    enter(r, REHEARSE_BACK);
    rehearse_train_mark(&r->train);
    r->taken_back = r->now;
    rc = r->ops.take(r->arg, r->result.net, r->result.mac, &r->result.ip);
    if (rc < 0)
        give_up(r, "the synthetic MAC does not come back: %s", strerror(-rc));
}

static uint64_t nanoseconds(uint32_t us)
{
    return us == UINT32_MAX ? REHEARSE_NS_UNKNOWN : us * UINT64_C(1000);
}

static void on_report(void *arg, const struct oam_message *answer, uint64_t rtt, mono_t now)
{
    struct rehearse *r = arg;

    (void)rtt;
    r->now = now;
    if (r->result.stage != REHEARSE_REPORTING)
        return;
    if (!answer || answer->status != OAM_OK) {
        give_up(r, "the other gateway does not report: %s",
                answer ? oam_status_name(answer->status) : "no answer");
        return;
    }
    r->result.dark_there_away = nanoseconds(answer->values[REHEARSE_DARK_THERE]);
    r->result.dark_back_away = nanoseconds(answer->values[REHEARSE_DARK_BACK]);
    r->result.probes_away = answer->values[REHEARSE_PROBES];
    r->result.lost_away = answer->values[REHEARSE_LOST];
    r->result.answered_away = answer->values[REHEARSE_ANSWERED];
    r->result.announced_away = answer->values[REHEARSE_ANNOUNCED];
    r->result.announced = r->ops.announced(r->arg, r->result.net, r->result.mac);
    clean(r);
    enter(r, REHEARSE_DONE);
}

static void look_back(struct rehearse *r)
{
    struct oam_message m = request(r, OAM_REPORT);

    if (r->now.ns - r->stage_since.ns < BACK_NS || r->train.in_a_row < STEADY ||
        r->train.last_holder != REHEARSE_HOME)
        return;
    r->result.dark_back = gap(r->taken_back, r->train.first[REHEARSE_HOME], 0);
    enter(r, REHEARSE_REPORTING);
    if (oam_send(r->oam, r->result.net, r->result.vtep, &m, 5, ECHO_MS, r->now, on_report, r) < 0)
        give_up(r, "too many requests wait for an answer");
}

static const char *why_late(enum rehearse_stage stage)
{
    switch (stage) {
    case REHEARSE_TAKING:
        return "the other gateway does not get to know the synthetic MAC: is there a BGP session?";
    case REHEARSE_THERE:
        return "the synthetic MAC moved, but probes are not answered from there";
    case REHEARSE_BACK:
        return "the synthetic MAC was taken back, but probes are not answered here";
    default:
        return "no answer in time";
    }
}

void rehearse_run(struct rehearse *r, mono_t now)
{
    r->now = now;
    rehearse_guests_run(r, now);
    if (!under_way(r))
        return;
    if (probing(r) && now.ns >= r->next_probe.ns) {
        rehearse_probe_send(r, r->result.net, r->session, REHEARSE_HOME_PROBER, &r->train, now);
        r->next_probe.ns = now.ns + REHEARSE_PROBE_NS;
    }
    if (r->result.stage == REHEARSE_TAKING && now.ns >= r->next_take.ns)
        ask_to_take(r);
    else if (r->result.stage == REHEARSE_THERE)
        look_there(r);
    else if (r->result.stage == REHEARSE_BACK)
        look_back(r);
    if (under_way(r) && now.ns - r->stage_since.ns > STAGE_NS)
        give_up(r, "%s", why_late(r->result.stage));
}

bool rehearse_next(const struct rehearse *r, mono_t *at)
{
    bool any = under_way(r);

    if (any)
        at->ns = probing(r) ? r->next_probe.ns : r->stage_since.ns + STAGE_NS + 1;
    for (unsigned i = 0; i < REHEARSE_GUESTS; i++) {
        const struct rehearse_guest *g = &r->guests[i];
        uint64_t next =
            g->reported ? g->began.ns + REHEARSE_SECONDS * 1000 * REHEARSE_MS + 1 : g->next_probe.ns;

        if (g->used && (!any || next < at->ns))
            at->ns = next;
        any |= g->used;
    }
    return any;
}

/* ---- frames */

static void home_receive(struct rehearse *r, const struct rehearse_probe *p, mono_t at)
{
    struct mac prober = rehearse_mac(r->session, REHEARSE_HOME_PROBER);
    struct rehearse_probe answer = *p;
    uint8_t frame[REHEARSE_PROBE_LEN];

    if (p->answer) {
        if (mac_eq(p->to, prober) && mac_eq(p->from, r->result.mac)) {
            rehearse_train_answer(&r->train, p->sequence, (enum rehearse_holder)p->holder,
                                  p->holder == REHEARSE_AWAY, at);
            r->result.probes = r->train.sent;
            r->result.answered = r->train.answered;
            r->result.lost = rehearse_train_lost(&r->train, at, REHEARSE_UNDER_WAY);
        }
        return;
    }
    if (!mac_eq(p->to, r->result.mac) ||
        (!mac_eq(p->from, prober) && !mac_eq(p->from, rehearse_mac(r->session, REHEARSE_AWAY_PROBER))))
        return;
    answer.to = p->from;
    answer.from = r->result.mac;
    answer.answer = true;
    answer.holder = REHEARSE_HOME;
    rehearse_probe_encode(&answer, frame);
    (void)r->ops.send(r->arg, r->result.net, frame, sizeof(frame));
}

bool rehearse_receive(struct rehearse *r, const struct dp_own_frame *f, mono_t now)
{
    struct rehearse_probe p;
    struct rehearse_guest *g;

    r->now = now;
    if (!rehearse_probe_decode(f->data, f->len < DP_OWN_SNAP ? f->len : DP_OWN_SNAP, &p))
        return false;
    if (under_way(r) && p.session == r->session && f->net == r->result.net) {
        home_receive(r, &p, f->at);
        return true;
    }
    g = rehearse_guest_find(r, f->net, p.session);
    if (g)
        rehearse_guest_receive(r, g, &p, f->at);
    return g != NULL;
}

/* ---- reading, ending */

void rehearse_result(const struct rehearse *r, struct rehearse_result *out)
{
    *out = r->result;
}

void rehearse_abort(struct rehearse *r, mono_t now)
{
    r->now = now;
    if (under_way(r))
        give_up(r, "ended by the operator");
    for (unsigned i = 0; i < REHEARSE_GUESTS; i++)
        if (r->guests[i].used)
            rehearse_guest_end(r, &r->guests[i]);
}

bool rehearse_is_ours(const struct rehearse *r, dp_net_id net, struct mac mac)
{
    bool found = under_way(r) && r->result.net == net &&
                 (mac_eq(mac, r->result.mac) || mac_eq(mac, rehearse_mac(r->session, REHEARSE_HOME_PROBER)));

    for (unsigned i = 0; i < REHEARSE_GUESTS && !found; i++) {
        const struct rehearse_guest *g = &r->guests[i];

        found = g->used && g->net == net &&
                (mac_eq(mac, rehearse_mac(g->session, REHEARSE_MOVER)) ||
                 mac_eq(mac, rehearse_mac(g->session, REHEARSE_AWAY_PROBER)));
    }
    return found;
}
