/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A network enters the tables of a running gateway, is changed, or leaves them: MACs, neighbours,
 * announcements, routes. What the worker needs of it is gateway_topology.c's. The start goes the same way as
 * a reload.
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

/* ---- configured MACs */

static const struct gateway_port *find_access(const struct gateway *g, const char *name)
{
    for (unsigned i = 0; i < g->n_ports; i++)
        if (g->ports[i].access && strcmp(g->ports[i].access->name, name) == 0)
            return &g->ports[i];
    return NULL;
}

static bool static_dest(const struct gateway *g, const struct conf_static_mac *s, struct dp_dest *dest)
{
    const struct gateway_port *p;

    if (s->port[0]) {
        p = find_access(g, s->port);
        *dest = (struct dp_dest){.where = DP_WHERE_PORT, .target = p ? p->id : 0, .is_static = true};
        return p != NULL;
    }
    *dest =
        (struct dp_dest){.where = DP_WHERE_VTEP, .target = gateway_vtep_find(g, &s->vtep), .is_static = true};
    return dest->target != 0;
}

static int set_static(struct gateway *g, const struct gateway_network *net, struct mac mac,
                      const struct dp_dest *dest, char *err, size_t err_len)
{
    const struct mac_entry *e = mactable_find(g->macs, net->id, mac);
    bool known = e && (e->origin == MAC_STATIC || e->origin == MAC_FLOOD);
    char text[MAC_STRLEN];
    int rc;

    if (!dest)
        rc = -ENOENT;
    else if (!known)
        rc = mactable_add_static(g->macs, net->id, mac, *dest, mono_now());
    else if (e->where != dest->where || (dest->where != DP_WHERE_FLOOD && e->target != dest->target))
        rc = mactable_change_static(g->macs, net->id, mac, *dest, mono_now());
    else
        rc = 0;
    if (rc < 0)
        snprintf(err, err_len, "network %s: configured MAC %s: %s", net->conf->name, mac_format(mac, text),
                 rc == -ENOSPC   ? "the MAC table is full, raise dataplane.max_macs"
                 : rc == -ENOENT ? "its port or VTEP is not one of this gateway"
                                 : strerror(-rc));
    return rc;
}

static int by_mac(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct mac));
}

/* All configured MACs of a network, sorted: there may be ten thousands. NULL: no memory. */
static struct mac *sort_macs(const struct conf_network *c, size_t *n)
{
    struct mac *macs = calloc(c->n_static_macs + c->n_flood_macs + 1, sizeof(*macs));

    *n = 0;
    for (size_t i = 0; macs && i < c->n_static_macs; i++)
        macs[(*n)++] = c->static_macs[i].mac;
    for (size_t i = 0; macs && i < c->n_flood_macs; i++)
        macs[(*n)++] = c->flood_macs[i];
    if (macs)
        qsort(macs, *n, sizeof(*macs), by_mac);
    return macs;
}

/* Those that the network had and has no more. */
static int remove_statics(struct gateway *g, const struct gateway_network *net,
                          const struct conf_network *old)
{
    size_t n_was, n_is;
    struct mac *was = sort_macs(old, &n_was), *is = sort_macs(net->conf, &n_is);
    bool ok = was && is;

    for (size_t i = 0, k = 0; ok && i < n_was; i++) {
        while (k < n_is && by_mac(&is[k], &was[i]) < 0)
            k++;
        if (k == n_is || !mac_eq(is[k], was[i]))
            (void)mactable_remove_static(g->macs, net->id, was[i], mono_now());
    }
    free(was);
    free(is);
    return ok ? 0 : -ENOMEM;
}

/* All that can be set is set; the first failure is told. */
static int set_statics(struct gateway *g, const struct gateway_network *net, char *err, size_t err_len)
{
    static const struct dp_dest flood = {.where = DP_WHERE_FLOOD};
    const struct conf_network *c = net->conf;
    char later[GATEWAY_ERR_LEN] = "";
    int first = 0;

    for (size_t i = 0; i < c->n_static_macs + c->n_flood_macs; i++) {
        bool flooded = i >= c->n_static_macs;
        struct mac mac = flooded ? c->flood_macs[i - c->n_static_macs] : c->static_macs[i].mac;
        struct dp_dest dest = flood;
        bool known = flooded || static_dest(g, &c->static_macs[i], &dest);
        int rc = set_static(g, net, mac, known ? &dest : NULL, first ? later : err,
                            first ? sizeof(later) : err_len);

        first = first ? first : rc;
    }
    return first;
}

/* ---- in and out */

int gateway_network_set(struct gateway *g, const struct gateway_network *net, const struct conf_network *old,
                        char *err, size_t err_len)
{
    const struct conf_network *c = net->conf;
    int rc, removed = 0;

    neighbor_set_network(g->neighbors, net->id, c->ageing, c->proxy);
    mactable_set_network(g->macs, net->id, c->ageing, c->mac_limit);
    if (!old) {
        if (g->priv->running) /* the fast path goes on counting over a restart */
            fwd_net_begin(g->fwd, net->id);
        gateway_neighbors_take_answers(g, net);
    } else {
        removed = remove_statics(g, net, old);
    }
    rc = announce_set_network(g->announce, net->id, c->routers, c->n_routers);
    if (rc < 0) {
        snprintf(err, err_len, "network %s: site_gateways: %s", c->name, strerror(-rc));
        return rc;
    }
    rc = set_statics(g, net, err, err_len);
    if (rc == 0 && removed < 0)
        snprintf(err, err_len, "network %s: no memory to take out MACs that are configured no more", c->name);
    return rc < 0 ? rc : removed;
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
