/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See gateway_fastpath.h: a gateway that finds maps of an earlier process, which have carried traffic since,
 * goes on where that ended.
 *
 * The maps know places by ids. Ports get the ids that they had, by their interface, networks by their VNI,
 * VTEPs by their address; what is new gets ids that nobody had. Where that cannot be, so that an id means
 * something else now, all MACs are forgotten, and learned again. A port that the fast path does not serve is
 * known by a hash of what it opens.
 *
 * A MAC at a port is as good as seen there: the MAC table gets it as a source of when it was last seen, and
 * advertises it. So is one at a static peer that is learned from. A MAC at any other VTEP is a route's
 * business: both FDBs keep it, the MAC table does not have it, and its route confirms it, or a frame or a
 * route moves it. When all peers have told all they have (R2.7), or after a while, what nobody confirmed is
 * taken out.
 *
 * Control thread only.
 */
#include "controlplane/gateway_fastpath.h"
#include "controlplane/gateway_private.h"
#include "controlplane/network_ids.h"
#include "controlplane/overlay.h"

#include "conf/log.h"
#include "ebpf/fastpath.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#define SUBSYSTEM    "fastpath"
#define WAIT_NS      120000000000ull
#define NS_PER_S     UINT64_C(1000000000)
#define MACS_AT_ONCE FASTPATH_FDB_BATCH

struct gateway_takeover {
    struct fastpath_kept *kept; /* NULL: nothing, or all is said */
    struct gateway_takeover_info info;
};

/* ---- ids */

/* What has another meaning now; NULL: nothing. */
static const char *other_meaning(const struct gateway *g, const struct fastpath_kept *kept)
{
    if (kept->n_ports == 0)
        return "it was configured otherwise";
    for (unsigned i = 0; i < g->n_ports; i++) {
        const struct gateway_port *p = &g->ports[i];
        struct dp_port_status status;

        if (kept->ifindex[p->id] == 0 && kept->device[p->id] == 0)
            continue;
        dp_port_status(g->dp, p->id, &status);
        if (kept->ifindex[p->id] ? !p->xdp || if_nametoindex(status.device) != kept->ifindex[p->id]
                                 : gateway_takeover_device(status.device) != kept->device[p->id])
            return "the ports are others";
    }
    for (unsigned i = 0; i < g->n_networks; i++) {
        const struct gateway_network *n = &g->networks[i];

        if (kept->vni[n->id] != 0 && kept->vni[n->id] != n->conf->vni)
            return "the networks are others";
    }
    for (unsigned i = 1; i < kept->n_vteps; i++) {
        dp_vtep_id now = kept->vtep[i].family ? gateway_vtep_find(g, &kept->vtep[i]) : 0;
        const struct gateway_vtep *v = gateway_vtep(g, (dp_vtep_id)i);

        if (kept->vtep[i].family && ((now && now != i) || (v && now != i)))
            return "the static peers are others";
    }
    return NULL;
}

/* One that BGP told of, and may tell of again. */
static int keep_vtep(struct gateway *g, dp_vtep_id id, const struct ipaddr *address)
{
    int rc;

    if (!g->conf->bgp.asn || id > g->max_vteps || address->family != g->conf->underlay.address.family)
        return 0;
    rc = underlay_track(g->underlay, address);
    if (rc < 0)
        return rc;
    g->vteps[id - 1] = (struct gateway_vtep){.id = id, .address = *address, .kept = true};
    if (id > g->n_vteps)
        g->n_vteps = id;
    return 1;
}

/* The kernel may have forgotten the neighbour while nobody asked; the fast path has sent frames there all the
 * time, and is to go on until it is asked again. */
static void keep_hops(struct gateway *g, const struct fastpath_kept *kept)
{
    for (unsigned i = 1; i < kept->n_vteps && i <= g->n_vteps; i++) {
        struct gateway_vtep *v = &g->vteps[i - 1];

        v->has_hop = v->address.family != 0 && kept->vtep[i].family != 0 && !mac_is_zero(kept->next_hop[i]);
        v->hop = kept->next_hop[i];
    }
}

void gateway_takeover_hops(struct gateway *g, const struct underlay_hop *const *hops)
{
    for (unsigned i = 0; i < g->n_vteps; i++)
        g->vteps[i].has_hop &= hops[i] && hops[i]->state == UNDERLAY_NO_NEIGHBOUR;
}

/* NULL: ids are of no earlier process. */
static const struct fastpath_kept *kept_of(const struct gateway *g)
{
    return g->priv->takeover && !g->priv->running ? g->priv->takeover->kept : NULL;
}

uint32_t gateway_takeover_device(const char *device)
{
    uint32_t h = hash_fnv1a(HASH_FNV1A, device, strlen(device));

    return h ? h : 1;
}

int gateway_takeover_port(const struct gateway *g, unsigned ifindex, const char *device)
{
    const struct fastpath_kept *kept = kept_of(g);
    uint32_t hash = gateway_takeover_device(device);

    for (unsigned id = 0; kept && id < DP_OWN_PORT; id++)
        if (kept->ifindex[id] ? kept->ifindex[id] == ifindex : kept->device[id] == hash)
            return (int)id;
    for (unsigned id = 0; kept && !ifindex && id < DP_OWN_PORT; id++)
        if (kept->ifindex[id] == 0 && kept->device[id] == 0 && !gateway_port(g, (dp_port_id)id))
            return (int)id;
    return -ENOENT;
}

void gateway_takeover_networks(const struct gateway *g, struct network_ids *ids)
{
    const struct fastpath_kept *kept = kept_of(g);

    if (kept)
        network_ids_had(ids, kept->vni, kept->n_nets);
}

dp_vtep_id gateway_takeover_vtep(const struct gateway *g, const struct ipaddr *address)
{
    const struct fastpath_kept *kept = kept_of(g);
    unsigned id = kept ? kept->n_vteps : 0;

    for (unsigned i = 1; kept && i < kept->n_vteps; i++)
        if (kept->vtep[i].family && ipaddr_eq(&kept->vtep[i], address))
            return i <= g->max_vteps ? (dp_vtep_id)i : 0;
    if (id <= g->n_vteps) /* then the usual ones do */
        return 0;
    return id <= g->max_vteps ? (dp_vtep_id)id : 0;
}

int gateway_takeover_look(struct gateway *g, char *err, size_t err_len)
{
    struct fastpath *fp = fwd_fastpath(g->fwd);
    struct gateway_takeover *t;

    g->priv->takeover = t = calloc(1, sizeof(*t));
    if (t && fp && fastpath_taken_over(fp))
        t->kept = malloc(sizeof(*t->kept));
    if (!t || (fp && fastpath_taken_over(fp) && !t->kept)) {
        snprintf(err, err_len, "out of memory");
        return -ENOMEM;
    }
    if (t->kept)
        fastpath_kept(fp, t->kept);
    return 0;
}

int gateway_takeover_begin(struct gateway *g, char *err, size_t err_len)
{
    struct fastpath *fp = fwd_fastpath(g->fwd);
    struct gateway_takeover *t = g->priv->takeover;
    const char *other;
    int rc = 0;

    if (!t->kept)
        return 0;
    fastpath_kept(fp, t->kept); /* again: a port that does not fit has ended it */
    other = other_meaning(g, t->kept);
    if (other) {
        log_warning(SUBSYSTEM, "the MACs of before are forgotten: %s", other);
        fastpath_flush(fp);
        gateway_takeover_end(g);
        return 0;
    }
    for (unsigned i = 1; i < t->kept->n_vteps && rc >= 0; i++) {
        if (t->kept->vtep[i].family == 0 || gateway_vtep(g, (dp_vtep_id)i))
            continue;
        rc = keep_vtep(g, (dp_vtep_id)i, &t->kept->vtep[i]);
        t->info.vteps += rc > 0;
    }
    if (rc < 0) {
        snprintf(err, err_len, "fastpath: %s", strerror(-rc));
        return rc;
    }
    keep_hops(g, t->kept);
    t->info.happened = t->info.waiting = true;
    return 0;
}

int gateway_takeover_lists(struct gateway *g)
{
    const struct fastpath *fp = fwd_fastpath(g->fwd);

    if (!g->priv->takeover->kept)
        return 0;
    for (unsigned n = 0; n < g->n_networks; n++) {
        dp_net_id net = g->networks[n].id;

        for (unsigned i = 0; i < g->n_vteps; i++) {
            int rc = g->vteps[i].kept && fastpath_kept_member(fp, net, g->vteps[i].id)
                         ? topology_keep(&g->priv->topology, net, g->vteps[i].id)
                         : 0;

            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* ---- MACs */

static bool carries(const struct gateway *g, dp_port_id port, const struct gateway_network *n)
{
    const struct gateway_port *p = gateway_port(g, port);
    uint16_t vlan;

    return p && p->access && conf_access_carries(p->access, n->conf, &vlan);
}

static bool learns_from(const struct gateway *g, const struct gateway_network *n, dp_vtep_id vtep)
{
    size_t n_peers;
    const struct gateway_peer *peers = gateway_peers(g, n->id, &n_peers);

    for (size_t i = 0; i < n_peers; i++)
        if (peers[i].vtep == vtep)
            return peers[i].is_static && peers[i].learning;
    return false;
}

static bool too_old(const struct gateway_network *n, mono_t seen, mono_t now)
{
    return n->conf->ageing && seen.ns && now.ns > seen.ns && now.ns - seen.ns > n->conf->ageing * NS_PER_S;
}

/* As if a frame of then had just come. False: the MAC table does not take it. */
static bool seen_again(struct gateway *g, const struct fastpath_mac *m, mono_t now)
{
    const struct dp_event event = {.type = DP_EVENT_SOURCE,
                                   .net = m->net,
                                   .mac = m->mac,
                                   .where = m->dest.where,
                                   .target = m->dest.target,
                                   .evidence = DP_EVIDENCE_DATA,
                                   .at = m->seen.ns ? m->seen : now};
    const struct mac_entry *e;

    mactable_source_seen(g->macs, &event, now);
    e = mactable_find(g->macs, m->net, m->mac);
    if (!e || e->where != m->dest.where || e->target != m->dest.target)
        return false;
    if (m->seen.ns)
        fwd_fdb_set_seen(g->fwd, m->net, m->mac, m->seen);
    return true;
}

/* That it is the same port is certain then (other_meaning()). */
static bool was_there(const struct fastpath_kept *kept, dp_port_id port)
{
    return kept->ifindex[port] || kept->device[port];
}

/* True: it stays where it is. */
static bool take_mac(struct gateway *g, struct gateway_takeover *t, const struct fastpath_mac *m, mono_t now)
{
    struct gateway_takeover_info *info = &t->info;
    const struct gateway_network *n = gateway_network(g, m->net);
    struct dp_dest dest = {.where = m->dest.where, .target = m->dest.target};

    if (!n || m->dest.is_static || too_old(n, m->seen, now))
        return false;
    if (dest.where == DP_WHERE_PORT) {
        if (!carries(g, dest.target, n) || !was_there(t->kept, dest.target) || !seen_again(g, m, now))
            return false;
        info->macs_here++;
        return true;
    }
    if (dest.where != DP_WHERE_VTEP || !gateway_vtep(g, dest.target))
        return false;
    if (learns_from(g, n, dest.target) ? !seen_again(g, m, now)
                                       : !g->conf->bgp.asn || fwd_fdb_set(g->fwd, m->net, m->mac, dest) < 0)
        return false;
    info->macs_there++;
    return true;
}

/* Configured ones, and our own, are in the FDB as they are to be. */
static bool is_settled(const struct gateway *g, const struct fastpath_mac *m)
{
    return mactable_find(g->macs, m->net, m->mac) ||
           (gateway_network(g, m->net) && mac_eq(m->mac, gateway_own_mac(g)));
}

void gateway_takeover_macs(struct gateway *g)
{
    struct gateway_takeover *t = g->priv->takeover;
    struct fastpath_mac macs[MACS_AT_ONCE];
    struct fastpath_cursor cursor = {0};
    mono_t now = mono_now();
    size_t n;

    if (!t->kept)
        return;
    while ((n = fastpath_fdb_next(fwd_fastpath(g->fwd), &cursor, macs, MACS_AT_ONCE)) > 0) {
        for (size_t i = 0; i < n; i++) {
            if (is_settled(g, &macs[i]) || take_mac(g, t, &macs[i], now))
                continue;
            (void)fwd_fdb_del(g->fwd, macs[i].net, macs[i].mac);
            t->info.dropped++;
        }
    }
    neighbor_settle(g->neighbors);
    log_info(SUBSYSTEM, "traffic went on: %u MACs here and %u at other sites are kept, %u VTEPs",
             t->info.macs_here, t->info.macs_there, t->info.vteps);
}

/* ---- reconciliation */

/* The worker has them, too, so also those of a fast path that is detached by now. */
static unsigned drop_unconfirmed(struct gateway *g)
{
    struct fastpath_mac macs[MACS_AT_ONCE];
    struct fastpath_cursor cursor = {0};
    unsigned dropped = 0;
    size_t n;

    while ((n = fastpath_fdb_next(gateway_fastpath(g), &cursor, macs, MACS_AT_ONCE)) > 0) {
        for (size_t i = 0; i < n; i++) {
            if (is_settled(g, &macs[i]))
                continue;
            (void)fwd_fdb_del(g->fwd, macs[i].net, macs[i].mac);
            dropped++;
        }
    }
    return dropped;
}

void gateway_takeover_poll(struct gateway *g)
{
    struct gateway_takeover *t = g->priv->takeover;
    uint64_t waited = mono_now().ns - g->started.ns;
    bool said = !g->overlay || overlay_all_told(g->overlay);
    unsigned dropped;

    if (!t->kept || (!said && waited < WAIT_NS))
        return;
    dropped = drop_unconfirmed(g);
    t->info.dropped += dropped;
    log_info(SUBSYSTEM, "%s after %llu s: %u MACs that nobody confirmed are dropped",
             said ? "the peers have told all" : "not all peers have told all",
             (unsigned long long)(waited / NS_PER_S), dropped);
    gateway_takeover_end(g);
}

/* What holds a VTEP now is BGP alone. */
void gateway_takeover_end(struct gateway *g)
{
    struct gateway_takeover *t = g->priv->takeover;

    if (!t || !t->kept)
        return;
    free(t->kept);
    t->kept = NULL;
    t->info.waiting = false;
    for (unsigned i = 0; i < g->n_vteps; i++)
        g->vteps[i].kept = g->vteps[i].has_hop = false;
    topology_keep_none(&g->priv->topology);
    gateway_topology_changed(g);
}

struct gateway_takeover_info gateway_takeover_info(const struct gateway *g)
{
    return g->priv->takeover ? g->priv->takeover->info : (struct gateway_takeover_info){0};
}
