/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See fp_topology.h. Tricky: the tables by VNI and by address. The programs look at FP_PROBES slots and no
 * further, so entries are placed as Robin Hood hashing does, which keeps the longest search short: whoever is
 * farther from home gets the slot. Where it is still too long another seed is tried; half full, as the VNI
 * table may be, a few are enough. Control thread only.
 */
#include "ebpf/fp_topology.h"

#include "conf/vxlan_template.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define SEEDS       256
#define PUNT_BURST  1000000u /* ns that a burst may be ahead of the limit, besides 64 frames */
#define PUNT_FRAMES 64u

static_assert(FP_PORTS == DP_MAX_PORTS && FP_NETS == DP_MAX_NETWORKS + 1 && FP_VTEPS == DP_MAX_VTEPS, "");
static_assert(FP_WHERE_PORT == (int)DP_WHERE_PORT && FP_WHERE_VTEP == (int)DP_WHERE_VTEP &&
                  FP_WHERE_FLOOD == (int)DP_WHERE_FLOOD,
              "");
static_assert(FP_DSCP_INHERIT == DP_DSCP_INHERIT, "");
static_assert(FP_HEADER >= VXLAN_OUTER_IPV6, "");

/* ---- tables ---- */

/* One entry on its way to a slot: its id, and where its search begins. */
struct placed {
    uint16_t id;
    uint32_t home;
};

static uint32_t home_of(const struct fp_topology *t, bool by_vni, uint16_t id)
{
    uint32_t words[4];

    if (by_vni)
        return fp_vni_slot(t->vni_seed, t->nets[id].vni, 0);
    memcpy(words, t->vteps[id].address, sizeof(words));
    return fp_addr_slot(t->addr_seed, words, 0);
}

/* False: the entry, or one that has to move for it, would be too far from home. */
static bool place(const struct fp_topology *t, bool by_vni, uint16_t *table, uint32_t slots, uint16_t id)
{
    uint32_t slot = home_of(t, by_vni, id), far = 0;

    for (; far < FP_PROBES; slot = (slot + 1) & (slots - 1), far++) {
        uint16_t there = table[slot];
        uint32_t its;

        if (there == 0) {
            table[slot] = id;
            return true;
        }
        its = (slot - home_of(t, by_vni, there)) & (slots - 1);
        if (its < far) {
            table[slot] = id;
            id = there;
            far = its;
        }
    }
    return false;
}

static bool fill_vnis(struct fp_topology *t, unsigned nets)
{
    memset(t->vni_table, 0, sizeof(t->vni_table));
    for (unsigned id = 1; id < nets; id++) {
        if ((t->nets[id].flags & FP_NET_VALID) && !place(t, true, t->vni_table, FP_VNI_SLOTS, (uint16_t)id))
            return false;
    }
    return true;
}

static bool fill_addresses(struct fp_topology *t, unsigned vteps)
{
    memset(t->addr_table, 0, sizeof(t->addr_table));
    for (unsigned id = 1; id < vteps; id++) {
        if (t->vteps[id].family && !place(t, false, t->addr_table, FP_ADDR_SLOTS, (uint16_t)id))
            return false;
    }
    return true;
}

static int fill_tables(struct fp_topology *t, const struct fp_topology_used *used)
{
    unsigned tries = 0;

    /* any numbers that differ in all bits */
    while (!fill_vnis(t, used->nets)) {
        if (++tries == SEEDS)
            return -E2BIG;
        t->vni_seed = t->vni_seed * 1664525u + 1013904223u;
    }
    for (tries = 0; !fill_addresses(t, used->vteps);) {
        if (++tries == SEEDS)
            return -E2BIG;
        t->addr_seed = t->addr_seed * 1664525u + 1013904223u;
    }
    return 0;
}

/* Whether another entry of the same table has the same key: then its first slots hold it. */
static uint16_t find_vni(const struct fp_topology *t, uint32_t vni, uint16_t but)
{
    for (uint32_t i = 0; i < FP_PROBES; i++) {
        uint16_t id = t->vni_table[fp_vni_slot(t->vni_seed, vni, i)];

        if (id != 0 && id != but && t->nets[id].vni == vni)
            return id;
    }
    return 0;
}

static uint16_t find_address(const struct fp_topology *t, const uint8_t *address, uint16_t but)
{
    uint32_t words[4];

    memcpy(words, address, sizeof(words));
    for (uint32_t i = 0; i < FP_PROBES; i++) {
        uint16_t id = t->addr_table[fp_addr_slot(t->addr_seed, words, i)];

        if (id != 0 && id != but && memcmp(t->vteps[id].address, address, 16) == 0)
            return id;
    }
    return 0;
}

/* Two of one kind would both be in the table, near each other. */
static bool has_twins(const struct fp_topology *t, const struct fp_topology_used *used)
{
    for (unsigned id = 1; id < used->nets; id++) {
        if ((t->nets[id].flags & FP_NET_VALID) && find_vni(t, t->nets[id].vni, (uint16_t)id) != 0)
            return true;
    }
    for (unsigned id = 1; id < used->vteps; id++) {
        if (t->vteps[id].family && find_address(t, t->vteps[id].address, (uint16_t)id) != 0)
            return true;
    }
    return false;
}

/* ---- what goes into them ---- */

static int add_vtep(struct fp_topology *out, const struct dp_topology *t, const struct vxlan_local *local,
                    const struct dp_vtep *v, struct fp_topology_used *used)
{
    struct vxlan_template header;
    struct fp_vtep *to;

    if (v->id == 0 || v->id >= FP_VTEPS || v->address.family != t->address.family)
        return -EINVAL;
    to = &out->vteps[v->id];
    if (to->family != 0)
        return -EINVAL;
    vxlan_template_init(&header, local, v, t->ttl, t->udp6_zero_csum_tx);
    to->family = v->address.family;
    to->resolved = v->resolved;
    to->header_len = header.len;
    to->zero_csum = header.zero_csum;
    to->max_frame = vxlan_max_frame(v->mtu, v->address.family);
    to->ip_sum = header.sum;
    memcpy(to->address, v->address.b, sizeof(to->address));
    memcpy(to->header, header.bytes, sizeof(header.bytes));
    if (v->id >= used->vteps)
        used->vteps = v->id + 1u;
    return 0;
}

static int add_member(struct fp_topology *out, const struct dp_network *n, const struct dp_member *m)
{
    struct fp_net *net = &out->nets[n->id];

    if (m->port >= DP_OWN_PORT || m->port == out->underlay || m->vlan > VLAN_ID_MAX ||
        out->vlans[m->port][m->vlan] != 0 || net->vlan_of_port[m->port] != FP_NOT_A_MEMBER)
        return -EINVAL;
    out->vlans[m->port][m->vlan] = n->id;
    net->vlan_of_port[m->port] = m->vlan;
    return 0;
}

static int add_network(struct fp_topology *out, const struct dp_network *n, struct fp_topology_used *used)
{
    struct fp_net *net;
    int rc;

    if (n->id == 0 || n->id >= FP_NETS || n->vni == 0 || n->vni > VNI_MAX ||
        (n->dscp > 63 && n->dscp != DP_DSCP_INHERIT) || (out->nets[n->id].flags & FP_NET_VALID))
        return -EINVAL;
    net = &out->nets[n->id];
    net->vni = n->vni;
    net->flags = (uint16_t)(FP_NET_VALID | (n->qinq ? FP_NET_QINQ : 0));
    net->dscp = n->dscp;
    memset(net->vlan_of_port, 0xff, sizeof(net->vlan_of_port));
    for (size_t i = 0; i < n->n_members; i++) {
        rc = add_member(out, n, &n->members[i]);
        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; i < n->n_vteps; i++) {
        const struct dp_net_vtep *v = &n->vteps[i];
        uint64_t bit = UINT64_C(1) << (v->vtep % 64);

        if (v->vtep == 0 || v->vtep >= FP_VTEPS || out->vteps[v->vtep].family == 0 ||
            (net->known[v->vtep / 64] & bit))
            return -EINVAL;
        net->known[v->vtep / 64] |= bit;
        if (v->learning)
            net->learning[v->vtep / 64] |= bit;
    }
    if (n->id >= used->nets)
        used->nets = n->id + 1u;
    return 0;
}

static void add_ports(struct fp_topology *out, const struct fastpath_port *ports)
{
    for (unsigned i = 0; i < DP_OWN_PORT; i++) {
        unsigned max_frame = ports[i].mtu + 14u;

        out->device[i] = ports[i].device;
        if (ports[i].ifindex == 0)
            continue;
        out->ports[i].ifindex = ports[i].ifindex;
        out->ports[i].max_frame = (uint16_t)(max_frame < UINT16_MAX ? max_frame : UINT16_MAX);
        out->ports[i].flags = FP_PORT_PRESENT;
        if (ports[i].target)
            out->ports[i].flags |= FP_PORT_TARGET;
        if (ports[i].scattered)
            out->ports[i].flags |= FP_PORT_SCATTERED;
    }
}

int fp_topology_build(const struct dp_topology *t, const struct fastpath_port *ports, uint32_t punt_limit,
                      struct fp_topology *out, struct fp_topology_used *used)
{
    struct vxlan_local local = {.address = t->address, .mac = t->underlay_mac, .port = t->vxlan_port};
    int rc = 0;

    memset(out, 0, sizeof(*out));
    *used = (struct fp_topology_used){.nets = 1, .vteps = 1};
    out->underlay = t->underlay;
    out->vxlan_port = t->vxlan_port;
    out->family = t->address.family;
    out->bounced_ttl = vxlan_bounced_ttl(t->ttl);
    out->zero_csum_rx = t->udp6_zero_csum_rx;
    memcpy(out->mac, t->underlay_mac.b, sizeof(out->mac));
    memcpy(out->address, t->address.b, sizeof(out->address));
    if (punt_limit > 0) {
        out->punt_interval_ns = punt_limit < 1000000000u ? 1000000000u / punt_limit : 1;
        out->punt_burst_ns = PUNT_BURST + PUNT_FRAMES * out->punt_interval_ns;
    }
    add_ports(out, ports);
    for (size_t i = 0; rc == 0 && i < t->n_vteps; i++)
        rc = add_vtep(out, t, &local, &t->vteps[i], used);
    for (size_t i = 0; rc == 0 && i < t->n_networks; i++)
        rc = add_network(out, &t->networks[i], used);
    if (rc == 0)
        rc = fill_tables(out, used);
    if (rc == 0 && has_twins(out, used))
        rc = -EINVAL;
    return rc;
}

/* ---- of an earlier process ---- */

static int compare_vnis(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static int compare_addresses(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

bool fp_topology_is_sound(const struct fp_topology *t)
{
    uint32_t vnis[FP_NETS] = {0};
    uint8_t addresses[FP_VTEPS][16] = {{0}};
    size_t n_vnis = 0, n_addresses = 0;

    for (size_t i = 1; i < FP_NETS; i++)
        if (t->nets[i].flags & FP_NET_VALID)
            vnis[n_vnis++] = t->nets[i].vni;
    for (size_t i = 1; i < FP_VTEPS; i++)
        if (t->vteps[i].family)
            memcpy(addresses[n_addresses++], t->vteps[i].address, 16);
    qsort(vnis, n_vnis, sizeof(vnis[0]), compare_vnis);
    qsort(addresses, n_addresses, sizeof(addresses[0]), compare_addresses);
    for (size_t i = 1; i < n_vnis; i++)
        if (vnis[i] == vnis[i - 1])
            return false;
    for (size_t i = 1; i < n_addresses; i++)
        if (memcmp(addresses[i], addresses[i - 1], 16) == 0)
            return false;
    return t->underlay < FP_PORTS;
}
