/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the workers read besides the FDB: ports, networks, VTEPs, flood lists, in the shape that the frame
 * path wants. A snapshot is immutable: the control thread builds a new one from a struct dp_topology,
 * publishes its pointer, waits a grace period and frees the old one (dp.c).
 */
#ifndef DATAPLANE_SNAPSHOT_H
#define DATAPLANE_SNAPSHOT_H

#include "dataplane/dp.h"
#include "dataplane/vxlan.h"

#define SNAP_VLANS        4096
#define SNAP_NOT_A_MEMBER 0xffff /* snap_net.vlan_of_port: the port does not carry the network */
#define SNAP_VTEP_WORDS   (DP_MAX_VTEPS / 64)

enum snap_class { SNAP_BROADCAST, SNAP_MULTICAST, SNAP_UNKNOWN_UNICAST, SNAP_CLASSES };

struct snap_vtep {
    bool resolved;
    uint16_t max_frame; /* longest inner frame (no FCS) that fits the path MTU */
    struct vxlan_template header;
    struct ipaddr address;
};

struct snap_net {
    dp_net_id id; /* 0: this slot is not in use */
    bool flood_unknown, qinq, proxy;
    uint8_t dscp;
    uint32_t vni;
    uint16_t n_members, n_flood;
    const struct dp_member *members;
    const dp_vtep_id *flood;             /* R8.1 */
    uint32_t limit[SNAP_CLASSES];        /* R8.3, frames/s */
    uint16_t vlan_of_port[DP_MAX_PORTS]; /* 0: untagged */
    uint64_t known[SNAP_VTEP_WORDS];     /* R1.9: VTEPs that may send for this VNI */
    uint64_t learning[SNAP_VTEP_WORDS];  /* R1.10 */
};

/* Network by VLAN of an access port; [0] is the network of untagged and priority-tagged frames. 0: none. */
struct snap_port_vlans {
    dp_net_id net[SNAP_VLANS];
};

struct snapshot {
    dp_port_id underlay;
    struct vxlan_local local; /* our address, port, MAC */
    uint8_t bounced_ttl;     /* R6.5: what is sent on leaves with it at most, and what comes with it is not */
    struct snap_net *nets;   /* by id */
    unsigned n_nets;         /* highest id + 1 */
    struct snap_vtep *vteps; /* by id */
    unsigned n_vteps;
    struct snap_port_vlans *vlans[DP_MAX_PORTS];
    uint16_t *vni_table; /* open addressing: network ids by VNI */
    uint32_t vni_mask;
    uint16_t *addr_table; /* open addressing: VTEP ids by address */
    uint32_t addr_mask;
    struct dp_member *member_pool;
    dp_vtep_id *flood_pool;
};

/* Checks and copies. max_net, max_vtep: highest ids that counters exist for; n_ports: ports that exist. 0,
 * -EINVAL, -ENOMEM. */
int snapshot_build(const struct dp_topology *t, unsigned n_ports, unsigned max_net, unsigned max_vtep,
                   struct snapshot **out);
void snapshot_free(struct snapshot *s);
/* Whether a frame may leave by it, other than to the TAP. */
bool snapshot_names_port(const struct snapshot *s, dp_port_id port);

static inline uint32_t snapshot_mix(uint32_t x)
{
    x *= 0x9e3779b1u;
    return x ^ x >> 15;
}

/* Network of a VNI, or NULL (R1.9). */
static inline const struct snap_net *snapshot_net_by_vni(const struct snapshot *s, uint32_t vni)
{
    for (uint32_t i = snapshot_mix(vni);; i++) {
        dp_net_id id = s->vni_table[i & s->vni_mask];

        if (id == 0)
            return NULL;
        if (s->nets[id].vni == vni)
            return &s->nets[id];
    }
}

static inline uint32_t snapshot_addr_hash(const struct ipaddr *a)
{
    uint32_t w[4];

    memcpy(w, a->b, 16);
    return snapshot_mix(w[0] ^ snapshot_mix(w[1] ^ snapshot_mix(w[2] ^ snapshot_mix(w[3]))));
}

/* VTEP id of an outer source address, or 0 (R1.9). */
static inline dp_vtep_id snapshot_vtep_by_addr(const struct snapshot *s, const struct ipaddr *a)
{
    for (uint32_t i = snapshot_addr_hash(a);; i++) {
        dp_vtep_id id = s->addr_table[i & s->addr_mask];

        if (id == 0 || ipaddr_eq(&s->vteps[id].address, a))
            return id;
    }
}

static inline bool snapshot_bit(const uint64_t *words, unsigned n)
{
    return words[n / 64] >> (n % 64) & 1;
}

#endif
