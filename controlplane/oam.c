/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See oam.h. Control thread only.
 *
 * Tricky: a callback may send the next request, so its own is out of the table before it is called. An answer
 * must come from the VTEP and the network that were asked, and name the request's id and type: ids start at
 * random and only VTEPs of the network get here at all (R1.9).
 */
#include "controlplane/oam.h"

#include <errno.h>
#include <stdlib.h>

#define ANSWERED    64 /* answers that are remembered, so that a repeated request is not carried out again */
#define ANSWERED_NS (10 * UINT64_C(1000000000))
#define MS          UINT64_C(1000000)

struct waiting {
    bool used;
    dp_net_id net;
    dp_vtep_id vtep;
    struct oam_message message;
    unsigned tries_left;
    uint64_t interval;
    mono_t sent, next;
    oam_done_fn done;
    void *arg;
};

struct answered {
    dp_net_id net;
    dp_vtep_id vtep;
    mono_t at; /* 0: free */
    struct oam_message answer;
};

struct oam {
    struct oam_ops ops;
    void *arg;
    struct mac own;
    uint32_t next_id;
    struct oam_counts counts;
    struct waiting waiting[OAM_MAX_WAITING];
    struct answered answered[ANSWERED];
    unsigned next_answered;
    struct {
        uint64_t second;
        unsigned n;
    } rate[DP_MAX_VTEPS];
};

struct oam *oam_new(struct mac own, uint32_t seed, const struct oam_ops *ops, void *arg)
{
    struct oam *o = calloc(1, sizeof(*o));

    if (!o)
        return NULL;
    o->ops = *ops;
    o->arg = arg;
    o->own = own;
    o->next_id = seed;
    return o;
}

void oam_free(struct oam *o)
{
    free(o);
}

static void transmit(struct oam *o, dp_net_id net, dp_vtep_id vtep, const struct oam_message *m)
{
    uint8_t frame[UINT16_MAX];
    size_t len = oam_encode(m, o->own, frame, sizeof(frame));

    if (len == 0)
        return;
    o->counts.sent++;
    (void)o->ops.send(o->arg, net, vtep, frame, len); /* refused is as good as lost: it is repeated */
}

/* ---- our requests */

static void try_again(struct oam *o, struct waiting *w, mono_t now)
{
    w->tries_left--;
    w->sent = now;
    w->next.ns = now.ns + w->interval;
    transmit(o, w->net, w->vtep, &w->message);
}

int oam_send(struct oam *o, dp_net_id net, dp_vtep_id vtep, struct oam_message *m, unsigned tries,
             unsigned interval_ms, mono_t now, oam_done_fn done, void *arg)
{
    struct waiting *w = o->waiting;

    while (w < o->waiting + OAM_MAX_WAITING && w->used)
        w++;
    if (w == o->waiting + OAM_MAX_WAITING)
        return -ENOSPC;
    m->id = o->next_id++;
    *w = (struct waiting){.used = true,
                          .net = net,
                          .vtep = vtep,
                          .message = *m,
                          .tries_left = tries ? tries : 1,
                          .interval = (interval_ms ? interval_ms : 1) * MS,
                          .done = done,
                          .arg = arg};
    try_again(o, w, now);
    return 0;
}

void oam_forget(struct oam *o, const void *arg)
{
    for (unsigned i = 0; i < OAM_MAX_WAITING; i++)
        if (o->waiting[i].arg == arg)
            o->waiting[i].used = false;
}

static void finish(struct waiting *w, const struct oam_message *answer, uint64_t rtt, mono_t now)
{
    struct waiting copy = *w;

    w->used = false;
    if (copy.done)
        copy.done(copy.arg, answer, rtt, now);
}

void oam_run(struct oam *o, mono_t now)
{
    for (unsigned i = 0; i < OAM_MAX_WAITING; i++) {
        struct waiting *w = &o->waiting[i];

        if (!w->used || now.ns < w->next.ns)
            continue;
        if (w->tries_left > 0) {
            try_again(o, w, now);
        } else {
            o->counts.timeouts++;
            finish(w, NULL, 0, now);
        }
    }
}

bool oam_next(const struct oam *o, mono_t *at)
{
    bool any = false;

    for (unsigned i = 0; i < OAM_MAX_WAITING; i++) {
        const struct waiting *w = &o->waiting[i];

        if (w->used && (!any || w->next.ns < at->ns)) {
            *at = w->next;
            any = true;
        }
    }
    return any;
}

/* ---- what comes in */

static void on_answer(struct oam *o, const struct dp_own_frame *f, const struct oam_message *m, mono_t now)
{
    for (unsigned i = 0; i < OAM_MAX_WAITING; i++) {
        struct waiting *w = &o->waiting[i];

        if (!w->used || w->message.id != m->id || w->net != f->net || w->vtep != f->source ||
            (w->message.type | OAM_ANSWER) != m->type)
            continue;
        o->counts.answers++;
        finish(w, m, f->at.ns > w->sent.ns ? f->at.ns - w->sent.ns : 0, now);
        return;
    }
    o->counts.stray++;
}

static bool within_rate(struct oam *o, dp_vtep_id vtep, mono_t now)
{
    uint64_t second = now.ns / UINT64_C(1000000000);

    if (o->rate[vtep].second != second) {
        o->rate[vtep].second = second;
        o->rate[vtep].n = 0;
    }
    return o->rate[vtep].n++ < OAM_RATE;
}

/* The answer to a request that came before, or NULL. */
static const struct oam_message *answered_before(const struct oam *o, const struct dp_own_frame *f,
                                                 const struct oam_message *m, mono_t now)
{
    for (unsigned i = 0; i < ANSWERED; i++) {
        const struct answered *a = &o->answered[i];

        if (a->at.ns && now.ns - a->at.ns < ANSWERED_NS && a->net == f->net && a->vtep == f->source &&
            a->answer.id == m->id && a->answer.type == (m->type | OAM_ANSWER))
            return &a->answer;
    }
    return NULL;
}

static void on_request(struct oam *o, const struct dp_own_frame *f, const struct oam_message *m, mono_t now)
{
    const struct oam_message *before = answered_before(o, f, m, now);
    struct oam_message answer = {.type = m->type | OAM_ANSWER, .id = m->id};

    o->counts.requests++;
    if (!within_rate(o, f->source, now)) {
        o->counts.limited++;
        return;
    }
    if (before) {
        answer = *before;
    } else if (m->type == OAM_ECHO) {
        answer.length = f->len;
    } else {
        answer.status = OAM_UNSUPPORTED;
        o->ops.request(o->arg, f->net, f->source, m, f->at, &answer);
        o->answered[o->next_answered++ % ANSWERED] = (struct answered){f->net, f->source, now, answer};
    }
    transmit(o, f->net, f->source, &answer);
}

void oam_receive(struct oam *o, const struct dp_own_frame *f, mono_t now)
{
    struct oam_message m;
    size_t have = f->len < DP_OWN_SNAP ? f->len : DP_OWN_SNAP;

    if (f->from != DP_WHERE_VTEP || f->source == 0 || f->source >= DP_MAX_VTEPS ||
        !oam_decode(f->data, have, f->len, &m)) {
        o->counts.malformed++;
        return;
    }
    if (o->ops.known && !o->ops.known(o->arg, f->net, f->source)) {
        o->counts.strangers++;
        return;
    }
    if (m.type & OAM_ANSWER)
        on_answer(o, f, &m, now);
    else
        on_request(o, f, &m, now);
}

struct oam_counts oam_counts(const struct oam *o)
{
    return o->counts;
}
