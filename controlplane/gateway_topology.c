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
        vteps[i] = (struct gateway_vtep){.id = (dp_vtep_id)(i + 1), .address = all[i], .is_static = true};
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
        .proxy = c->proxy,
        .dscp = c->dscp,
        .limit_broadcast = c->limit_broadcast,
        .limit_multicast = c->limit_multicast,
        .limit_unknown_unicast = c->limit_unknown_unicast,
    };
}

static struct gateway_peer *list_find(struct topology_list *l, dp_vtep_id vtep)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->peers[i].vtep == vtep)
            return &l->peers[i];
    return NULL;
}

static struct gateway_peer *list_add(struct topology_list *l, dp_vtep_id vtep)
{
    if (l->n == l->size) {
        size_t size = l->size ? l->size * 2 : 4;
        struct gateway_peer *p = realloc(l->peers, size * sizeof(*p));

        if (!p)
            return NULL;
        l->peers = p;
        l->size = size;
    }
    l->peers[l->n] = (struct gateway_peer){.vtep = vtep};
    return &l->peers[l->n++];
}

static int init_lists(struct topology *t, const struct gateway *g)
{
    for (unsigned i = 0; i < g->n_networks; i++) {
        const struct conf_network *c = g->networks[i].conf;

        for (size_t j = 0; j < c->n_peers; j++) {
            struct gateway_peer *p =
                list_add(&t->lists[i], topology_find_vtep(g->vteps, g->n_static, &c->peers[j].address));

            if (!p)
                return -ENOMEM;
            p->is_static = true;
            p->learning = c->peers[j].learning;
        }
    }
    return 0;
}

int topology_init(struct topology *t, const struct gateway *g, dp_port_id underlay_port)
{
    const struct conf_underlay *u = &g->conf->underlay;
    struct dp_member *m;

    memset(t, 0, sizeof(*t));
    t->networks = calloc(g->n_networks + 1u, sizeof(*t->networks));
    t->lists = calloc(g->n_networks + 1u, sizeof(*t->lists));
    t->vteps = calloc(g->max_vteps + 1u, sizeof(*t->vteps));
    t->members = m = calloc((size_t)g->n_networks * g->n_ports + 1, sizeof(*t->members));
    t->dp.n_networks = g->n_networks; /* for topology_free() */
    if (!t->networks || !t->lists || !t->vteps || !t->members || init_lists(t, g) < 0) {
        topology_free(t);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < g->n_networks; i++) {
        struct dp_network *n = &t->networks[i];

        init_network(n, &g->networks[i]);
        n->members = m;
        n->n_members = add_members(g, g->networks[i].conf, m);
        m += n->n_members;
    }
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
    };
    return 0;
}

int topology_flood(struct topology *t, dp_net_id net, dp_vtep_id vtep, bool on)
{
    struct topology_list *l;
    struct gateway_peer *p;

    if (net == 0 || net > t->dp.n_networks)
        return -EINVAL;
    l = &t->lists[net - 1];
    p = list_find(l, vtep);
    if (!p && on)
        p = list_add(l, vtep);
    if (!p)
        return on ? -ENOMEM : 0;
    if (p->bgp == on)
        return 0;
    p->bgp = on;
    if (!on && !p->is_static && !p->kept)
        *p = l->peers[--l->n];
    return 1;
}

int topology_keep(struct topology *t, dp_net_id net, dp_vtep_id vtep)
{
    struct gateway_peer *p;

    if (net == 0 || net > t->dp.n_networks)
        return -EINVAL;
    p = list_find(&t->lists[net - 1], vtep);
    if (!p)
        p = list_add(&t->lists[net - 1], vtep);
    if (!p)
        return -ENOMEM;
    p->kept = true;
    return 0;
}

void topology_keep_none(struct topology *t)
{
    for (size_t i = 0; t->lists && i < t->dp.n_networks; i++) {
        struct topology_list *l = &t->lists[i];

        for (size_t j = l->n; j > 0; j--) {
            struct gateway_peer *p = &l->peers[j - 1];

            p->kept = false;
            if (!p->is_static && !p->bgp)
                *p = l->peers[--l->n];
        }
    }
}

/* Fills t->net_vteps from the lists. */
static int update_lists(struct topology *t)
{
    size_t total = 0;
    struct dp_net_vtep *nv;

    for (size_t i = 0; i < t->dp.n_networks; i++)
        total += t->lists[i].n;
    nv = realloc(t->net_vteps, (total + 1) * sizeof(*nv));
    if (!nv)
        return -ENOMEM;
    t->net_vteps = nv;
    for (size_t i = 0; i < t->dp.n_networks; i++) {
        const struct topology_list *l = &t->lists[i];

        t->networks[i].vteps = nv;
        t->networks[i].n_vteps = l->n;
        /* R1.10: a VTEP that speaks EVPN is not learned from, whatever is configured. */
        for (size_t j = 0; j < l->n; j++)
            *nv++ = (struct dp_net_vtep){.vtep = l->peers[j].vtep,
                                         .flood = true,
                                         .learning = l->peers[j].learning && !l->peers[j].bgp};
    }
    return 0;
}

int topology_update(struct topology *t, const struct gateway *g, const struct underlay_link *link,
                    const struct underlay_hop *const *hops)
{
    uint16_t most = g->conf->underlay.mtu;

    t->dp.underlay_mac = link->mac;
    t->dp.n_vteps = 0;
    for (size_t i = 0; i < g->n_vteps; i++) {
        struct dp_vtep *v = &t->vteps[t->dp.n_vteps];

        if (g->vteps[i].address.family == 0)
            continue;
        t->dp.n_vteps++;
        *v = (struct dp_vtep){.id = g->vteps[i].id, .address = g->vteps[i].address, .source = link->mac};
        v->resolved = hops[i] && hops[i]->state == UNDERLAY_RESOLVED;
        if (v->resolved)
            v->next_hop = hops[i]->mac;
        v->mtu = hops[i] ? hops[i]->mtu : 0;
        if (most && most < v->mtu)
            v->mtu = most;
    }
    return update_lists(t);
}

void topology_free(struct topology *t)
{
    for (size_t i = 0; t->lists && i < t->dp.n_networks; i++)
        free(t->lists[i].peers);
    free(t->lists);
    free(t->networks);
    free(t->vteps);
    free(t->members);
    free(t->net_vteps);
    memset(t, 0, sizeof(*t));
}
