/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See gateway_topology.h. Control thread only.
 */
#include "controlplane/gateway_topology.h"

#include <errno.h>
#include <stdlib.h>

static int addr_cmp(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ipaddr));
}

static int vtep_cmp(const void *a, const void *b)
{
    return addr_cmp(&((const struct gateway_vtep *)a)->address, &((const struct gateway_vtep *)b)->address);
}

static size_t count_peers(const struct conf *conf)
{
    size_t n = 0;

    for (size_t i = 0; i < conf->n_networks; i++)
        n += conf->networks[i].n_peers;
    return n;
}

int topology_collect_vteps(const struct conf *conf, struct gateway_vtep **out, unsigned *n)
{
    size_t peers = count_peers(conf), at = 0, kept = 0;
    struct ipaddr *all = calloc(peers + 1, sizeof(*all));
    struct gateway_vtep *vteps;

    if (!all)
        return -ENOMEM;
    for (size_t i = 0; i < conf->n_networks; i++)
        for (size_t j = 0; j < conf->networks[i].n_peers; j++)
            all[at++] = conf->networks[i].peers[j].address;
    qsort(all, peers, sizeof(*all), addr_cmp);
    for (size_t i = 0; i < peers; i++)
        if (kept == 0 || !ipaddr_eq(&all[kept - 1], &all[i]))
            all[kept++] = all[i];
    if (kept >= DP_MAX_VTEPS) {
        free(all);
        return -E2BIG;
    }
    vteps = calloc(kept + 1, sizeof(*vteps));
    for (size_t i = 0; vteps && i < kept; i++)
        vteps[i] = (struct gateway_vtep){.id = (dp_vtep_id)(i + 1), .address = all[i]};
    free(all);
    if (!vteps)
        return -ENOMEM;
    *out = vteps;
    *n = (unsigned)kept;
    return 0;
}

dp_vtep_id topology_find_vtep(const struct gateway_vtep *vteps, unsigned n, const struct ipaddr *address)
{
    const struct gateway_vtep key = {.address = *address}, *v;

    v = n ? bsearch(&key, vteps, n, sizeof(*vteps), vtep_cmp) : NULL;
    return v ? v->id : 0;
}

/* The access ports that carry the network. Returns how many. */
static size_t add_members(const struct gateway *g, const struct conf_network *net, struct dp_member *members)
{
    size_t n = 0;
    uint16_t vlan;

    for (unsigned i = 0; i < g->n_ports; i++)
        if (g->ports[i].access && conf_access_carries(g->ports[i].access, net, &vlan))
            members[n++] = (struct dp_member){.port = g->ports[i].id, .vlan = vlan};
    return n;
}

static void init_network(struct dp_network *n, const struct gateway_network *from)
{
    const struct conf_network *c = from->conf;

    *n = (struct dp_network){
        .id = from->id,
        .vni = c->vni,
        .flood_unknown = c->flood_unknown,
        .qinq = c->qinq,
        .dscp = c->dscp,
        .limit_broadcast = c->limit_broadcast,
        .limit_multicast = c->limit_multicast,
        .limit_unknown_unicast = c->limit_unknown_unicast,
    };
}

int topology_init(struct topology *t, const struct gateway *g, dp_port_id underlay_port)
{
    const struct conf_underlay *u = &g->conf->underlay;
    struct dp_net_vtep *nv;
    struct dp_member *m;

    memset(t, 0, sizeof(*t));
    t->networks = calloc(g->n_networks + 1u, sizeof(*t->networks));
    t->vteps = calloc(g->n_vteps + 1u, sizeof(*t->vteps));
    t->members = m = calloc((size_t)g->n_networks * g->n_ports + 1, sizeof(*t->members));
    t->net_vteps = nv = calloc(count_peers(g->conf) + 1, sizeof(*t->net_vteps));
    if (!t->networks || !t->vteps || !t->members || !t->net_vteps) {
        topology_free(t);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < g->n_networks; i++) {
        const struct conf_network *c = g->networks[i].conf;
        struct dp_network *n = &t->networks[i];

        init_network(n, &g->networks[i]);
        n->members = m;
        n->n_members = add_members(g, c, m);
        m += n->n_members;
        n->vteps = nv;
        n->n_vteps = c->n_peers;
        /* R8.1: every static peer is on the flood list; R1.10: who is learned from is configured peer by
         * peer. */
        for (size_t j = 0; j < c->n_peers; j++)
            *nv++ =
                (struct dp_net_vtep){.vtep = topology_find_vtep(g->vteps, g->n_vteps, &c->peers[j].address),
                                     .flood = true,
                                     .learning = c->peers[j].learning};
    }
    for (unsigned i = 0; i < g->n_vteps; i++)
        t->vteps[i] = (struct dp_vtep){.id = g->vteps[i].id, .address = g->vteps[i].address};
    t->dp = (struct dp_topology){
        .underlay = underlay_port,
        .address = u->address,
        .vxlan_port = u->vxlan_port,
        .ttl = u->ttl,
        .udp6_zero_csum_tx = u->udp6_zero_csum_tx,
        .udp6_zero_csum_rx = u->udp6_zero_csum_rx,
        .networks = t->networks,
        .n_networks = g->n_networks,
        .vteps = t->vteps,
        .n_vteps = g->n_vteps,
    };
    return 0;
}

void topology_update(struct topology *t, const struct conf *conf, const struct underlay_link *link,
                     const struct underlay_hop *const *hops)
{
    t->dp.underlay_mac = link->mac;
    for (size_t i = 0; i < t->dp.n_vteps; i++) {
        struct dp_vtep *v = &t->vteps[i];

        v->resolved = hops[i] && hops[i]->state == UNDERLAY_RESOLVED;
        v->next_hop = v->resolved ? hops[i]->mac : (struct mac){{0}};
        v->source = link->mac;
        v->mtu = hops[i] ? hops[i]->mtu : 0;
        if (conf->underlay.mtu && conf->underlay.mtu < v->mtu)
            v->mtu = conf->underlay.mtu;
    }
}

void topology_free(struct topology *t)
{
    free(t->networks);
    free(t->vteps);
    free(t->members);
    free(t->net_vteps);
    memset(t, 0, sizeof(*t));
}
