/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A network enters the tables of a running gateway, is changed, or leaves them: MACs, neighbours,
 * announcements, routes. What the worker needs of it is gateway_topology.c's, its configured MACs are
 * gateway_statics.c's. The start goes the same way as a reload.
 *
 * Tricky: a network leaves in the order in which its parts hang on each other. First the RIB, which takes its
 * routes out of the MAC table and off the flood list; then its MACs, which take their bindings along.
 *
 * Control thread only.
 */
#include "controlplane/announce.h"
#include "controlplane/gateway_private.h"
#include "controlplane/moves.h"
#include "controlplane/network_ids.h"
#include "controlplane/overlay.h"
#include "controlplane/rehearse.h"

#include "conf/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- in and out */

int gateway_network_set(struct gateway *g, const struct gateway_network *net, bool is_new, char *err,
                        size_t err_len)
{
    const struct conf_network *c = net->conf;
    int rc;

    neighbor_set_network(g->neighbors, net->id, c->ageing, c->proxy);
    mactable_set_network(g->macs, net->id, c->ageing, c->mac_limit);
    if (is_new) {
        if (g->priv->running) /* the fast path goes on counting over a restart */
            fwd_net_begin(g->fwd, net->id);
        gateway_neighbors_take_answers(g, net);
    }
    rc = announce_set_network(g->announce, net->id, c->routers, c->n_routers);
    if (rc < 0)
        snprintf(err, err_len, "network %s: site_gateways: %s", c->name, strerror(-rc));
    return rc;
}

void gateway_network_leave(struct gateway *g, const struct gateway_network *net)
{
    struct rehearse_result rehearsal;

    rehearse_result(g->rehearse, &rehearsal);
    if (rehearsal.net == net->id && rehearsal.stage > REHEARSE_IDLE && rehearsal.stage < REHEARSE_DONE)
        rehearse_abort(g->rehearse, mono_now());
    moves_network_gone(g->moves, net->id);
    if (g->overlay)
        overlay_network_remove(g->overlay, net->id);
}

void gateway_network_forget(struct gateway *g, const struct gateway_network *net)
{
    (void)mactable_remove_network(g->macs, net->id, mono_now());
    neighbor_settle(g->neighbors);
    neighbor_remove_network(g->neighbors, net->id);
    announce_remove_network(g->announce, net->id);
    (void)fwd_fdb_del(g->fwd, net->id, gateway_own_mac(g));
}

/* ---- MACs at places that their network has no more */

bool gateway_network_has_place(const struct gateway *g, dp_net_id net, enum dp_where where, uint16_t target)
{
    const struct gateway_network *n = gateway_network(g, net);
    const struct gateway_peer *peers;
    const struct gateway_port *p;
    uint16_t vlan;
    size_t n_peers;

    if (!n || (where == DP_WHERE_PORT && target == DP_OWN_PORT))
        return n;
    if (where == DP_WHERE_PORT) {
        p = gateway_port(g, target);
        return p && p->access && conf_access_carries(p->access, n->conf, &vlan);
    }
    peers = gateway_peers(g, net, &n_peers);
    for (size_t i = 0; i < n_peers; i++)
        if (peers[i].vtep == target)
            return peers[i].is_static && peers[i].learning;
    return false;
}

static bool has_place(const struct gateway *g, const struct mac_entry *e)
{
    return (e->where != DP_WHERE_PORT && e->origin != MAC_REMOTE && gateway_network(g, e->net)) ||
           gateway_network_has_place(g, e->net, e->where, e->target);
}

void gateway_networks_clear(struct gateway *g)
{
    const struct mac_entry *e;
    uint32_t cursor = 0;

    while ((e = mactable_next(g->macs, &cursor)) != NULL) {
        const struct mac mac = e->mac;
        dp_net_id net = e->net;

        if ((e->origin != MAC_LOCAL && e->origin != MAC_REMOTE) || has_place(g, e))
            continue;
        if (e->duplicate)
            (void)mactable_clear_duplicate(g->macs, net, &mac, mono_now());
        (void)mactable_clear(g->macs, net, &mac, mono_now());
        neighbor_settle(g->neighbors);
    }
}

/* ---- for all */

const struct gateway_network *gateway_network(const struct gateway *g, dp_net_id id)
{
    int i = g->priv && g->priv->ids ? network_ids_index(g->priv->ids, id) : -1;

    return i >= 0 ? &g->networks[i] : NULL;
}
