/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A topology and MACs for tests of the fast path's maps: nothing is attached.
 */
#ifndef TESTS_BPF_FASTPATH_FIXTURE_H
#define TESTS_BPF_FASTPATH_FIXTURE_H

#include "tests/bpf/fastpath_world.h"

static inline struct mac mac_number(unsigned n)
{
    return (struct mac){{2, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static const struct dp_dest at_port_1 = {.where = DP_WHERE_PORT, .target = 1};
static const struct dp_dest at_vtep_2 = {.where = DP_WHERE_VTEP, .target = 2};

/* What a program writes when it sees the source; ns 0: nothing. */
static inline void touch(struct fastpath *fp, dp_net_id net, struct mac mac, uint64_t seen_ns,
                         uint32_t bounced)
{
    uint64_t key = (uint64_t)net << 48;
    struct fp_fdb_entry *e;

    for (unsigned i = 0; i < 6; i++)
        key |= (uint64_t)mac.b[i] << 8 * i;
    e = fp_table_find(&fp->maps.macs, key);
    ck_assert_ptr_nonnull(e);
    e->seen = FP_SEEN(seen_ns);
    *fp_table_bounced(&fp->maps.macs, e) = bounced;
}

/* To three milliseconds. */
static inline void expect_seen(const struct fastpath *fp, dp_net_id net, struct mac mac, mono_t at)
{
    mono_t seen = {0};

    ck_assert(fastpath_fdb_seen(fp, net, mac, &seen));
    ck_assert_msg(seen.ns + 3000000 > at.ns && seen.ns < at.ns + 3000000, "%llu is not %llu",
                  (unsigned long long)seen.ns, (unsigned long long)at.ns);
}

static inline uint32_t used_macs(const struct fastpath *fp)
{
    uint32_t used, capacity;

    fastpath_fdb_usage(fp, &used, &capacity);
    ck_assert_uint_eq(capacity, world_config.max_macs);
    return used;
}

/* ---- a topology: ports 0 (underlay) and 1, network 7, VTEP 2
 * -------------------------------------------------- */

static const struct dp_member member = {.port = 1, .vlan = 100};
static const struct dp_net_vtep net_vtep = {.vtep = 2, .flood = true};
static struct dp_network network = {.id = 7,
                                    .vni = 10007,
                                    .dscp = DP_DSCP_INHERIT,
                                    .members = &member,
                                    .n_members = 1,
                                    .vteps = &net_vtep,
                                    .n_vteps = 1};
static const struct dp_vtep vtep = {.id = 2,
                                    .address = {4, {198, 18, 0, 2}},
                                    .resolved = true,
                                    .next_hop = {{2, 0, 0, 0, 1, 2}},
                                    .source = {{2, 0, 0, 0, 1, 1}},
                                    .mtu = 1600};
static const struct dp_topology topology = {.underlay = 0,
                                            .address = {4, {198, 18, 0, 1}},
                                            .underlay_mac = {{2, 0, 0, 0, 1, 1}},
                                            .vxlan_port = 4789,
                                            .ttl = 64,
                                            .networks = &network,
                                            .n_networks = 1,
                                            .vteps = &vtep,
                                            .n_vteps = 1};
/* The loopback interface takes part: nothing is sent. */
static struct fastpath_port ports[DP_MAX_PORTS] = {{.ifindex = 1, .target = true, .mtu = 1600},
                                                   {.ifindex = 1, .target = true, .mtu = 1500}};

static inline void publish(struct fastpath *fp)
{
    ck_assert_int_eq(fastpath_publish(fp, &topology, ports), 0);
}

#endif
