/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The frames for the gateway itself, and the parts that they are for: messages of other gateways (oam.h) and
 * rehearsals (rehearse.h), with the one timer that both need.
 *
 * Tricky: the synthetic MACs of a rehearsal are MACs like any other, at DP_OWN_PORT; only the journal tells
 * them apart.
 *
 * Control thread only.
 */
#include "controlplane/announce.h"
#include "controlplane/gateway_private.h"
#include "controlplane/moves.h"
#include "controlplane/oam.h"
#include "controlplane/rehearse.h"
#include "controlplane/survey.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <sys/random.h>

#define BATCH 256 /* frames in one turn of the loop */

/* ---- OAM's ops */

static int on_oam_send(void *arg, dp_net_id net, dp_vtep_id vtep, const void *frame, size_t len)
{
    return dp_send_vtep(((struct gateway *)arg)->dp, net, vtep, frame, len);
}

/* The data plane asked the same (R1.9) when the frame came; since then it may have been withdrawn. */
static bool on_oam_known(void *arg, dp_net_id net, dp_vtep_id vtep)
{
    return gateway_has_peer(arg, net, vtep);
}

static void on_oam_request(void *arg, dp_net_id net, dp_vtep_id from, const struct oam_message *m, mono_t at,
                           struct oam_message *answer)
{
    struct gateway *g = arg;

    (void)at;
    switch (m->type) {
    case OAM_TAKE:
    case OAM_LEAVE:
    case OAM_REPORT:
        rehearse_request(g->rehearse, net, from, m, mono_now(), answer);
        break;
    case OAM_PREPARE:
    case OAM_COMMIT:
    case OAM_CANCEL:
        moves_asked(g->moves, net, from, m, answer);
        break;
    default: /* answered as unsupported */
        break;
    }
}

/* ---- a rehearsal's ops */

static int on_take(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    struct gateway *g = arg;
    mono_t now = mono_now();
    struct dp_event e = {.type = DP_EVENT_SOURCE,
                         .net = net,
                         .mac = mac,
                         .where = DP_WHERE_PORT,
                         .target = DP_OWN_PORT,
                         .evidence = ip ? DP_EVIDENCE_ARP : DP_EVIDENCE_DATA,
                         .at = now};
    const struct mac_entry *entry;

    mactable_source_seen(g->macs, &e, now);
    entry = mactable_find(g->macs, net, mac);
    if (!entry || entry->where != DP_WHERE_PORT || entry->target != DP_OWN_PORT)
        return -ENOSPC;
    if (!ip)
        return 0;
    /* As an ARP packet of it would: the neighbour table tells the MAC table, and so the peers. */
    e.type = DP_EVENT_NEIGHBOUR;
    e.ip = *ip;
    neighbor_settle(g->neighbors);
    return neighbor_seen(g->neighbors, &e, now);
}

static bool on_known_away(void *arg, dp_net_id net, struct mac mac)
{
    const struct mac_entry *entry = mactable_find(((struct gateway *)arg)->macs, net, mac);

    return entry && entry->where == DP_WHERE_VTEP;
}

static void on_forget(void *arg, dp_net_id net, struct mac mac)
{
    (void)mactable_clear(((struct gateway *)arg)->macs, net, &mac, mono_now());
}

static int on_send(void *arg, dp_net_id net, const void *frame, size_t len)
{
    return dp_send_own(((struct gateway *)arg)->dp, net, frame, len);
}

static unsigned on_announced(void *arg, dp_net_id net, struct mac mac)
{
    const struct gateway *g = arg;

    return g->announce ? announce_sent_for(g->announce, net, mac) : 0;
}

/* ---- frames and time */

static void arm(struct gateway *g)
{
    mono_t now = mono_now(), at = {UINT64_MAX}, other;
    struct timeval tv;
    uint64_t us;

    if (oam_next(g->oam, &other) && other.ns < at.ns)
        at = other;
    if (rehearse_next(g->rehearse, &other) && other.ns < at.ns)
        at = other;
    if (at.ns == UINT64_MAX) {
        event_del(g->priv->oam_timer);
        return;
    }
    us = at.ns > now.ns ? (at.ns - now.ns + 999) / 1000 : 0;
    tv = (struct timeval){.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
    event_add(g->priv->oam_timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct gateway *g = arg;
    mono_t now = mono_now();

    (void)fd, (void)what;
    oam_run(g->oam, now);
    rehearse_run(g->rehearse, now);
    arm(g);
}

static bool is_oam(const struct dp_own_frame *f)
{
    static const struct mac to = DP_OAM_MAC;

    return f->len >= sizeof(to.b) && memcmp(f->data, to.b, sizeof(to.b)) == 0;
}

bool gateway_oam_serve(struct gateway *g)
{
    struct dp_own_frame f;
    unsigned n = 0;

    while (n < BATCH && dp_own_pop(g->dp, &f)) {
        n++;
        if (is_oam(&f))
            oam_receive(g->oam, &f, mono_now());
        else
            (void)rehearse_receive(g->rehearse, &f,
                                   mono_now()); /* what else comes to an own MAC concerns nobody */
    }
    if (n > 0)
        arm(g);
    return n == BATCH;
}

void gateway_oam_changed(struct gateway *g)
{
    arm(g);
}

/* ---- life */

int gateway_oam_start(struct gateway *g, char *err, size_t err_len)
{
    static const struct oam_ops oam_ops = {
        .send = on_oam_send, .known = on_oam_known, .request = on_oam_request};
    static const struct rehearse_ops ops = {.take = on_take,
                                            .known_away = on_known_away,
                                            .forget = on_forget,
                                            .send = on_send,
                                            .announced = on_announced};
    uint32_t seed = 0;

    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        seed = (uint32_t)mono_now().ns;
    g->oam = oam_new(gateway_own_mac(g), seed, &oam_ops, g);
    g->rehearse = g->oam ? rehearse_new(g->oam, &ops, g) : NULL;
    g->priv->oam_timer = evtimer_new(g->base, on_timer, g);
    if (!g->rehearse || !g->priv->oam_timer) {
        snprintf(err, err_len, "out of memory");
        return -ENOMEM;
    }
    return 0;
}

void gateway_oam_stop(struct gateway *g)
{
    if (g->rehearse)
        rehearse_abort(g->rehearse, mono_now());
    rehearse_free(g->rehearse);
    survey_free(g->survey);
    oam_free(g->oam);
    g->survey = NULL;
    g->rehearse = NULL;
    g->oam = NULL;
    if (g->priv->oam_timer)
        event_free(g->priv->oam_timer);
}
