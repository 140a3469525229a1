/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Builds a snapshot from what the control plane wants. Everything that the frame path takes for granted (ids
 * in range, ports that exist, one network per port and VLAN) is checked here, once. Control thread only.
 */
#include "dataplane/snapshot.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t table_size(size_t entries)
{
    uint32_t n = 16;

    while (n < entries * 2 + 2)
        n <<= 1;
    return n;
}

static int count_ids(const struct dp_topology *t, unsigned max_net, unsigned max_vtep, struct snapshot *s,
                     size_t *members, size_t *flood)
{
    *members = *flood = 0;
    for (size_t i = 0; i < t->n_vteps; i++) {
        if (t->vteps[i].id == 0 || t->vteps[i].id > max_vtep ||
            t->vteps[i].address.family != t->address.family)
            return -EINVAL;
        if (t->vteps[i].id >= s->n_vteps)
            s->n_vteps = t->vteps[i].id + 1u;
    }
    for (size_t i = 0; i < t->n_networks; i++) {
        const struct dp_network *n = &t->networks[i];

        if (n->id == 0 || n->id > max_net || n->vni == 0 || n->vni > VNI_MAX)
            return -EINVAL;
        if (n->id >= s->n_nets)
            s->n_nets = n->id + 1u;
        *members += n->n_members;
        *flood += n->n_vteps;
    }
    return 0;
}

static int allocate(struct snapshot *s, const struct dp_topology *t, size_t members, size_t flood)
{
    uint32_t vni_size = table_size(t->n_networks), addr_size = table_size(t->n_vteps);

    s->nets = calloc(s->n_nets, sizeof(*s->nets));
    s->vteps = calloc(s->n_vteps, sizeof(*s->vteps));
    s->vni_table = calloc(vni_size, sizeof(*s->vni_table));
    s->addr_table = calloc(addr_size, sizeof(*s->addr_table));
    s->member_pool = calloc(members + 1, sizeof(*s->member_pool));
    s->flood_pool = calloc(flood + 1, sizeof(*s->flood_pool));
    s->vni_mask = vni_size - 1;
    s->addr_mask = addr_size - 1;
    return s->nets && s->vteps && s->vni_table && s->addr_table && s->member_pool && s->flood_pool ? 0
                                                                                                   : -ENOMEM;
}

static int add_vtep(struct snapshot *s, const struct dp_vtep *v, const struct dp_topology *t)
{
    struct snap_vtep *sv = &s->vteps[v->id];
    uint32_t i = snapshot_addr_hash(&v->address);

    if (sv->address.family != 0 || snapshot_vtep_by_addr(s, &v->address) != 0)
        return -EINVAL;
    sv->address = v->address;
    sv->resolved = v->resolved;
    sv->max_frame = vxlan_max_frame(v->mtu, v->address.family);
    vxlan_template_init(&sv->header, &s->local, v, t->ttl, t->udp6_zero_csum_tx);
    while (s->addr_table[i & s->addr_mask] != 0)
        i++;
    s->addr_table[i & s->addr_mask] = v->id;
    return 0;
}

static int add_member(struct snapshot *s, struct snap_net *sn, const struct dp_member *m, unsigned n_ports)
{
    struct snap_port_vlans **vlans;

    if (m->port >= n_ports || m->port == s->underlay || m->vlan > VLAN_ID_MAX)
        return -EINVAL;
    vlans = &s->vlans[m->port];
    if (!*vlans && !(*vlans = calloc(1, sizeof(**vlans))))
        return -ENOMEM;
    if ((*vlans)->net[m->vlan] != 0 || sn->vlan_of_port[m->port] != SNAP_NOT_A_MEMBER)
        return -EINVAL;
    (*vlans)->net[m->vlan] = sn->id;
    sn->vlan_of_port[m->port] = m->vlan;
    return 0;
}

static int add_network(struct snapshot *s, const struct dp_network *n, unsigned n_ports,
                       struct dp_member **members, dp_vtep_id **flood)
{
    struct snap_net *sn = &s->nets[n->id];
    uint32_t slot = snapshot_mix(n->vni);
    int rc;

    if (sn->id != 0 || snapshot_net_by_vni(s, n->vni) != NULL || (n->dscp > 63 && n->dscp != DP_DSCP_INHERIT))
        return -EINVAL;
    sn->id = n->id;
    sn->vni = n->vni;
    sn->flood_unknown = n->flood_unknown;
    sn->qinq = n->qinq;
    sn->proxy = n->proxy;
    sn->dscp = n->dscp;
    sn->limit[SNAP_BROADCAST] = n->limit_broadcast;
    sn->limit[SNAP_MULTICAST] = n->limit_multicast;
    sn->limit[SNAP_UNKNOWN_UNICAST] = n->limit_unknown_unicast;
    sn->members = *members;
    sn->flood = *flood;
    memset(sn->vlan_of_port, 0xff, sizeof(sn->vlan_of_port));
    for (size_t i = 0; i < n->n_members; i++) {
        rc = add_member(s, sn, &n->members[i], n_ports);
        if (rc < 0)
            return rc;
        *(*members)++ = n->members[i];
        sn->n_members++;
    }
    for (size_t i = 0; i < n->n_vteps; i++) {
        const struct dp_net_vtep *v = &n->vteps[i];

        if (v->vtep == 0 || v->vtep >= s->n_vteps || s->vteps[v->vtep].address.family == 0 ||
            snapshot_bit(sn->known, v->vtep))
            return -EINVAL;
        sn->known[v->vtep / 64] |= UINT64_C(1) << (v->vtep % 64);
        sn->learning[v->vtep / 64] |= (uint64_t)v->learning << (v->vtep % 64);
        if (v->flood) {
            *(*flood)++ = v->vtep;
            sn->n_flood++;
        }
    }
    while (s->vni_table[slot & s->vni_mask] != 0)
        slot++;
    s->vni_table[slot & s->vni_mask] = n->id;
    return 0;
}

int snapshot_build(const struct dp_topology *t, unsigned n_ports, unsigned max_net, unsigned max_vtep,
                   struct snapshot **out)
{
    struct snapshot *s = calloc(1, sizeof(*s));
    size_t members, flood;
    struct dp_member *next_member;
    dp_vtep_id *next_flood;
    int rc;

    if (!s)
        return -ENOMEM;
    s->n_nets = s->n_vteps = 1;
    s->underlay = t->underlay;
    s->bounced_ttl = vxlan_bounced_ttl(t->ttl);
    s->local = (struct vxlan_local){.address = t->address,
                                    .mac = t->underlay_mac,
                                    .port = t->vxlan_port,
                                    .udp6_zero_csum_rx = t->udp6_zero_csum_rx};
    rc = count_ids(t, max_net, max_vtep, s, &members, &flood);
    if (rc == 0)
        rc = allocate(s, t, members, flood);
    for (size_t i = 0; rc == 0 && i < t->n_vteps; i++)
        rc = add_vtep(s, &t->vteps[i], t);
    next_member = s->member_pool;
    next_flood = s->flood_pool;
    for (size_t i = 0; rc == 0 && i < t->n_networks; i++)
        rc = add_network(s, &t->networks[i], n_ports, &next_member, &next_flood);
    if (rc < 0) {
        snapshot_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

bool snapshot_names_port(const struct snapshot *s, dp_port_id port)
{
    return s->vlans[port] != NULL || s->underlay == port;
}

void snapshot_free(struct snapshot *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < DP_MAX_PORTS; i++)
        free(s->vlans[i]);
    free(s->nets);
    free(s->vteps);
    free(s->vni_table);
    free(s->addr_table);
    free(s->member_pool);
    free(s->flood_pool);
    free(s);
}
