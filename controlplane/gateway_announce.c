/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What announcements (announce.h) ask of the gateway: where a MAC is and which IPs it has, sending, and a
 * timer for what is due later. Control thread only.
 */
#include "controlplane/announce.h"
#include "controlplane/gateway_private.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>

/* A MAC may still be said to have an IP that another one has taken over: who announced that would take it
 * back. */
static bool is_its_own(const struct gateway *g, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    struct neighbor_info n;

    return !neighbor_find(g->neighbors, net, ip, &n) || mac_eq(n.mac, mac);
}

static bool op_look(void *arg, dp_net_id net, struct mac mac, struct mac_place *place, struct ipaddr *ips,
                    unsigned n, unsigned *n_ips)
{
    const struct gateway *g = arg;
    const struct mac_entry *e = mactable_find(g->macs, net, mac);
    struct mac_ip_info known[ANNOUNCE_MAX_IPS];
    unsigned n_known;

    if (!e)
        return false;
    *place = (struct mac_place){e->target, (uint8_t)e->where};
    n_known = mactable_ips(g->macs, net, mac, known, n < ANNOUNCE_MAX_IPS ? n : ANNOUNCE_MAX_IPS);
    *n_ips = 0;
    for (unsigned i = 0; i < n_known; i++) {
        if (is_its_own(g, net, mac, &known[i].ip))
            ips[(*n_ips)++] = known[i].ip;
    }
    return true;
}

static int op_send(void *arg, dp_net_id net, dp_port_id port, dp_port_id except, const void *frame,
                   size_t len)
{
    return dp_send_access(((struct gateway *)arg)->dp, net, port, except, frame, len);
}

static bool op_reaches(void *arg, dp_net_id net, dp_port_id except)
{
    const struct gateway *g = arg;
    const struct gateway_network *network = gateway_network(g, net);
    const struct dp_network *n;

    if (!network)
        return false;
    n = &g->priv->topology.networks[network - g->networks];
    return n->n_members > 1 || (n->n_members == 1 && n->members[0].port != except);
}

static bool op_is_router(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    const struct gateway *g = arg;
    struct neighbor_info n;

    return neighbor_find(g->neighbors, net, ip, &n) && mac_eq(n.mac, mac) && (n.flags & NEIGHBOR_ROUTER);
}

static void arm(struct gateway *g)
{
    uint64_t now = mono_now().ns, us;
    struct timeval tv;
    mono_t at;

    if (!announce_next(g->announce, &at))
        return;
    us = at.ns > now ? (at.ns - now + 999) / 1000 : 0;
    tv = (struct timeval){.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
    event_add(g->priv->announce_timer, &tv);
}

static void op_wake(void *arg)
{
    arm(arg);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct gateway *g = arg;

    (void)fd, (void)what;
    announce_run(g->announce, mono_now());
    arm(g);
}

static const struct announce_ops ops = {
    .look = op_look, .send = op_send, .reaches = op_reaches, .is_router = op_is_router, .wake = op_wake};

int gateway_announce_start(struct gateway *g, char *err, size_t err_len)
{
    g->announce = announce_new(&g->conf->moves, gateway_own_mac(g), &ops, g);
    g->priv->announce_timer = evtimer_new(g->base, on_timer, g);
    if (!g->announce || !g->priv->announce_timer) {
        snprintf(err, err_len, "out of memory");
        return -ENOMEM;
    }
    return 0;
}

void gateway_announce_stop(struct gateway *g)
{
    if (g->priv->announce_timer)
        event_free(g->priv->announce_timer);
    g->priv->announce_timer = NULL;
    announce_free(g->announce);
    g->announce = NULL;
}
