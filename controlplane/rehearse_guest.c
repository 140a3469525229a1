/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The other site's part of a rehearsal (rehearse.h): another gateway asks us to take its synthetic MAC.
 *
 * Tricky: whoever asks is a VTEP of the network, no more. So only the MACs that belong to the session, and an
 * IP of 169.254.0.0/16 (RFC 3927), are taken: no request can make us announce a real host.
 *
 * Control thread only.
 */
#include "controlplane/rehearse_private.h"

#define GUEST_NS (REHEARSE_SECONDS * UINT64_C(1000000000))

struct rehearse_guest *rehearse_guest_find(struct rehearse *r, dp_net_id net, uint32_t session)
{
    for (unsigned i = 0; i < REHEARSE_GUESTS; i++)
        if (r->guests[i].used && r->guests[i].net == net && r->guests[i].session == session)
            return &r->guests[i];
    return NULL;
}

void rehearse_guest_end(struct rehearse *r, struct rehearse_guest *g)
{
    r->ops.forget(r->arg, g->net, rehearse_mac(g->session, REHEARSE_MOVER));
    r->ops.forget(r->arg, g->net, rehearse_mac(g->session, REHEARSE_AWAY_PROBER));
    g->used = false;
}

static struct rehearse_guest *guest_add(struct rehearse *r, dp_net_id net, dp_vtep_id home, uint32_t session,
                                        mono_t now)
{
    for (unsigned i = 0; i < REHEARSE_GUESTS; i++) {
        struct rehearse_guest *g = &r->guests[i];

        if (g->used)
            continue;
        *g = (struct rehearse_guest){
            .used = true, .net = net, .home = home, .session = session, .began = now, .next_probe = now};
        rehearse_train_start(&g->train);
        return g;
    }
    return NULL;
}

static bool is_link_local(const struct ipaddr *ip)
{
    return ip->family == 4 && ip->b[0] == 169 && ip->b[1] == 254;
}

static enum oam_status take(struct rehearse *r, dp_net_id net, dp_vtep_id from, const struct oam_message *m,
                            mono_t now)
{
    uint32_t session = m->values[0];
    struct mac mover = rehearse_mac(session, REHEARSE_MOVER);
    struct rehearse_guest *g = rehearse_guest_find(r, net, session);

    if (!mac_eq(m->mac, mover) || !is_link_local(&m->ip) || (g && g->home != from))
        return OAM_REFUSED;
    if (g)
        return OAM_OK;
    if (!r->ops.known_away(r->arg, net, mover))
        return OAM_UNKNOWN_MAC;
    g = guest_add(r, net, from, session, now);
    if (!g)
        return OAM_BUSY;
    g->taken = now;
    if (r->ops.take(r->arg, net, rehearse_mac(session, REHEARSE_AWAY_PROBER), NULL) == 0 &&
        r->ops.take(r->arg, net, mover, &m->ip) == 0)
        return OAM_OK;
    rehearse_guest_end(r, g);
    return OAM_REFUSED;
}

static uint32_t microseconds(uint64_t ns)
{
    return ns == REHEARSE_NS_UNKNOWN ? UINT32_MAX : (uint32_t)(ns / 1000);
}

static uint64_t since(mono_t from, mono_t to, uint64_t less)
{
    if (from.ns == 0 || to.ns == 0)
        return REHEARSE_NS_UNKNOWN;
    return to.ns > from.ns + less ? to.ns - from.ns - less : 0;
}

static void report(struct rehearse *r, struct rehearse_guest *g, mono_t now, struct oam_message *answer)
{
    const struct rehearse_train *t = &g->train;

    g->reported = true;
    answer->values[REHEARSE_DARK_THERE] = microseconds(since(g->taken, g->first_probe, 0));
    answer->values[REHEARSE_DARK_BACK] =
        microseconds(since(t->last[REHEARSE_AWAY], t->first[REHEARSE_HOME], REHEARSE_PROBE_NS));
    answer->values[REHEARSE_PROBES] = t->sent;
    answer->values[REHEARSE_LOST] = rehearse_train_lost(t, now, REHEARSE_UNDER_WAY);
    answer->values[REHEARSE_ANSWERED] = t->answered;
    answer->values[REHEARSE_ANNOUNCED] =
        r->ops.announced(r->arg, g->net, rehearse_mac(g->session, REHEARSE_MOVER));
}

void rehearse_request(struct rehearse *r, dp_net_id net, dp_vtep_id from, const struct oam_message *m,
                      mono_t now, struct oam_message *answer)
{
    struct rehearse_guest *g = rehearse_guest_find(r, net, m->values[0]);

    if (m->type == OAM_TAKE) {
        answer->status = (uint8_t)take(r, net, from, m, now);
        return;
    }
    if (!g || g->home != from) {
        answer->status = OAM_UNKNOWN_MAC;
        return;
    }
    answer->status = OAM_OK;
    if (m->type == OAM_LEAVE)
        rehearse_guest_end(r, g);
    else if (m->type == OAM_REPORT)
        report(r, g, now, answer);
    else
        answer->status = OAM_UNSUPPORTED;
}

void rehearse_guest_receive(struct rehearse *r, struct rehearse_guest *g, const struct rehearse_probe *p,
                            mono_t at)
{
    struct mac mover = rehearse_mac(g->session, REHEARSE_MOVER),
               home = rehearse_mac(g->session, REHEARSE_HOME_PROBER),
               away = rehearse_mac(g->session, REHEARSE_AWAY_PROBER);
    struct rehearse_probe answer = *p;
    uint8_t frame[REHEARSE_PROBE_LEN];

    if (p->answer) {
        if (mac_eq(p->to, away) && mac_eq(p->from, mover))
            rehearse_train_answer(&g->train, p->sequence, (enum rehearse_holder)p->holder,
                                  p->holder == REHEARSE_HOME, at);
        return;
    }
    if (!mac_eq(p->to, mover) || (!mac_eq(p->from, home) && !mac_eq(p->from, away)))
        return;
    if (g->first_probe.ns == 0 && mac_eq(p->from, home))
        g->first_probe = at;
    answer.to = p->from;
    answer.from = mover;
    answer.answer = true;
    answer.holder = REHEARSE_AWAY;
    rehearse_probe_encode(&answer, frame);
    (void)r->ops.send(r->arg, g->net, frame, sizeof(frame)); /* not taken is lost, and counted as that */
}

void rehearse_guests_run(struct rehearse *r, mono_t now)
{
    for (unsigned i = 0; i < REHEARSE_GUESTS; i++) {
        struct rehearse_guest *g = &r->guests[i];

        if (!g->used)
            continue;
        if (now.ns - g->began.ns > GUEST_NS) {
            rehearse_guest_end(r, g);
        } else if (!g->reported && now.ns >= g->next_probe.ns) {
            rehearse_probe_send(r, g->net, g->session, REHEARSE_AWAY_PROBER, &g->train, now);
            g->next_probe.ns = now.ns + REHEARSE_PROBE_NS;
        }
    }
}
