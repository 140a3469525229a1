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

static void list_drop_unused(struct topology_list *l)
{
    for (size_t i = l->n; i > 0; i--) {
        struct gateway_peer *p = &l->peers[i - 1];

        if (!p->is_static && !p->bgp && !p->kept)
            *p = l->peers[--l->n];
    }
}

static int list_reserve(struct topology_list *l, size_t n)
{
    struct gateway_peer *p = n > l->size ? realloc(l->peers, n * sizeof(*p)) : l->peers;

    if (n > l->size) {
        if (!p)
            return -ENOMEM;
        l->peers = p;
        l->size = n;
    }
    return 0;
}

/* The static peers of one network, beside those that BGP told of. There is room. */
static void list_configure(struct topology_list *l, const struct gateway *g, const struct conf_network *c,
                           const struct gateway_vtep *sorted)
{
    for (size_t i = 0; i < l->n; i++)
        l->peers[i].is_static = l->peers[i].learning = false;
    for (size_t i = 0; i < c->n_peers; i++) {
        dp_vtep_id id = topology_find_vtep(sorted, g->n_vteps, &c->peers[i].address);
        struct gateway_peer *p = list_find(l, id);

        if (!p)
            p = list_add(l, id);
        p->is_static = true;
        p->learning = c->peers[i].learning;
    }
    list_drop_unused(l);
}

static int configure_lists(struct topology *t, const struct gateway *g)
{
    struct gateway_vtep *sorted = calloc(g->n_vteps + 1u, sizeof(*sorted));
    bool *used = calloc(t->n_lists + 1, sizeof(*used));
    int rc = sorted && used ? 0 : -ENOMEM;

    for (unsigned i = 0; i < g->n_networks && rc == 0; i++) {
        struct topology_list *l = &t->lists[g->networks[i].id - 1];

        used[g->networks[i].id] = true;
        rc = list_reserve(l, l->n + g->networks[i].conf->n_peers);
    }
    if (rc == 0 && g->n_vteps) {
        memcpy(sorted, g->vteps, g->n_vteps * sizeof(*sorted));
        qsort(sorted, g->n_vteps, sizeof(*sorted), vtep_cmp);
    }
    for (unsigned i = 0; i < g->n_networks && rc == 0; i++)
        list_configure(&t->lists[g->networks[i].id - 1], g, g->networks[i].conf, sorted);
    for (size_t id = 1; id <= t->n_lists && rc == 0; id++)
        if (!used[id])
            t->lists[id - 1].n = 0;
    free(sorted);
    free(used);
    return rc;
}

static void configure_underlay(struct topology *t, const struct conf_underlay *u)
{
    t->dp.address = u->address;
    t->dp.vxlan_port = u->vxlan_port;
    t->dp.ttl = u->ttl;
    t->dp.udp6_zero_csum_tx = u->udp6_zero_csum_tx;
    t->dp.udp6_zero_csum_rx = u->udp6_zero_csum_rx;
}

int topology_configure(struct topology *t, const struct gateway *g)
{
    struct dp_network *networks = calloc(g->n_networks + 1u, sizeof(*networks));
    struct dp_member *m = calloc((size_t)g->n_networks * g->n_ports + 1, sizeof(*m)), *members = m;

    if (!networks || !members || configure_lists(t, g) < 0) {
        free(networks);
        free(members);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < g->n_networks; i++) {
        struct dp_network *n = &networks[i];

        init_network(n, &g->networks[i]);
        n->members = m;
        n->n_members = add_members(g, g->networks[i].conf, m);
        m += n->n_members;
    }
    free(t->networks);
    free(t->members);
    t->networks = networks;
    t->members = members;
    t->dp.networks = networks;
    t->dp.n_networks = g->n_networks;
    configure_underlay(t, &g->conf->underlay);
    return 0;
}

int topology_init(struct topology *t, const struct gateway *g, dp_port_id underlay_port)
{
    memset(t, 0, sizeof(*t));
    t->n_lists = g->max_networks;
    t->lists = calloc(t->n_lists + 1, sizeof(*t->lists));
    t->vteps = calloc(g->max_vteps + 1u, sizeof(*t->vteps));
    if (!t->lists || !t->vteps || topology_configure(t, g) < 0) {
        topology_free(t);
        return -ENOMEM;
    }
    t->dp.underlay = underlay_port;
    t->dp.vteps = t->vteps;
    return 0;
}

int topology_flood(struct topology *t, dp_net_id net, dp_vtep_id vtep, bool on)
{
    struct topology_list *l;
    struct gateway_peer *p;

    if (net == 0 || net > t->n_lists)
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

    if (net == 0 || net > t->n_lists)
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
    for (size_t i = 0; t->lists && i < t->n_lists; i++) {
        struct topology_list *l = &t->lists[i];

        for (size_t j = 0; j < l->n; j++)
            l->peers[j].kept = false;
        list_drop_unused(l);
    }
}

/* Fills t->net_vteps from the lists. */
static int update_lists(struct topology *t)
{
    size_t total = 0;
    struct dp_net_vtep *nv;

    for (size_t i = 0; i < t->dp.n_networks; i++)
        total += t->lists[t->networks[i].id - 1].n;
    nv = realloc(t->net_vteps, (total + 1) * sizeof(*nv));
    if (!nv)
        return -ENOMEM;
    t->net_vteps = nv;
    for (size_t i = 0; i < t->dp.n_networks; i++) {
        const struct topology_list *l = &t->lists[t->networks[i].id - 1];

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
        if (v->resolved) {
            v->next_hop = hops[i]->mac;
        } else if (g->vteps[i].has_hop && hops[i] && hops[i]->state == UNDERLAY_NO_NEIGHBOUR) {
            v->resolved = true; /* frames went there until now, and it was not asked until now */
            v->next_hop = g->vteps[i].hop;
        }
        v->mtu = hops[i] ? hops[i]->mtu : 0;
        if (most && most < v->mtu)
            v->mtu = most;
    }
    return update_lists(t);
}

void topology_free(struct topology *t)
{
    for (size_t i = 0; t->lists && i < t->n_lists; i++)
        free(t->lists[i].peers);
    free(t->lists);
    free(t->networks);
    free(t->vteps);
    free(t->members);
    free(t->net_vteps);
    memset(t, 0, sizeof(*t));
}
