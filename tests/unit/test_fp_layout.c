/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The layout of the fast path's pinned maps, as one number: a later process takes them over by FP_VERSION
 * alone, so that must be another one whenever anything of this is.
 */
#include "tests/unit/suite.h"

#include "conf/drop.h"
#include "ebpf/fp.h"

#include <stddef.h>
#include <stdint.h>

/* When this test fails: raise FP_VERSION in ebpf/fp.h, and write both numbers here. */
#define VERSION 3
#define LAYOUT  0xc8fb8930u

static uint32_t hash;

static void add(uint64_t n)
{
    for (unsigned i = 0; i < 8; i++)
        hash = (hash ^ (uint8_t)(n >> 8 * i)) * 0x01000193u; /* FNV-1a */
}

#define MEMBER(type, member)                                                                                 \
    do {                                                                                                     \
        add(offsetof(struct type, member));                                                                  \
        add(sizeof(((struct type *)0)->member));                                                             \
    } while (0)

static void add_entries(void)
{
    MEMBER(fp_fdb_entry, key);
    MEMBER(fp_fdb_entry, where);
    MEMBER(fp_fdb_entry, seen);
    MEMBER(fp_fdb_bucket, entry);
    add(FP_SEEN(1000000000000000));
    add(FP_FDB_WAYS);
    add(FP_PLACE_MASK);
    add(FP_BOUNCE);
    add(FP_SLOW);
    add(FP_STATIC);
    add(FP_WHERE(FP_WHERE_VTEP, 1023));
    add(FP_WHERE(FP_WHERE_PORT, 15));
    add(FP_WHERE(FP_WHERE_FLOOD, 0));
    add(fp_fdb_home(0x0123456789abcdef, 0xffff, 0x0007060504030201).bucket);
    add(fp_fdb_home(0x0123456789abcdef, 0xffff, 0x0007060504030201).other);
}

static void add_nets_and_vteps(void)
{
    MEMBER(fp_port, ifindex);
    MEMBER(fp_port, max_frame);
    MEMBER(fp_port, flags);
    add(FP_PORT_PRESENT << 16 | FP_PORT_TARGET << 8 | FP_PORT_SCATTERED);
    MEMBER(fp_net, vni);
    MEMBER(fp_net, flags);
    MEMBER(fp_net, dscp);
    MEMBER(fp_net, vlan_of_port);
    MEMBER(fp_net, known);
    MEMBER(fp_net, learning);
    add(FP_NET_VALID << 8 | FP_NET_QINQ);
    add(FP_NOT_A_MEMBER);
    MEMBER(fp_vtep, family);
    MEMBER(fp_vtep, resolved);
    MEMBER(fp_vtep, header_len);
    MEMBER(fp_vtep, zero_csum);
    MEMBER(fp_vtep, max_frame);
    MEMBER(fp_vtep, ip_sum);
    MEMBER(fp_vtep, address);
    MEMBER(fp_vtep, header);
}

static void add_topology(void)
{
    static const __u32 words[4] = {1, 2, 3, 4};

    MEMBER(fp_topology, generation);
    MEMBER(fp_topology, underlay);
    MEMBER(fp_topology, vxlan_port);
    MEMBER(fp_topology, family);
    MEMBER(fp_topology, zero_csum_rx);
    MEMBER(fp_topology, mac);
    MEMBER(fp_topology, address);
    MEMBER(fp_topology, vni_seed);
    MEMBER(fp_topology, addr_seed);
    MEMBER(fp_topology, bounced_ttl);
    MEMBER(fp_topology, punt_interval_ns);
    MEMBER(fp_topology, punt_burst_ns);
    MEMBER(fp_topology, ports);
    MEMBER(fp_topology, vlans);
    MEMBER(fp_topology, nets);
    MEMBER(fp_topology, vteps);
    MEMBER(fp_topology, vni_table);
    MEMBER(fp_topology, addr_table);
    MEMBER(fp_topology, device);
    add(sizeof(struct fp_topology));
    add(FP_TOPOLOGIES);
    add(FP_PROBES);
    add(fp_vni_slot(77, 10100, 1));
    add(fp_addr_slot(77, words, 1));
}

static void add_control_and_counters(void)
{
    MEMBER(fp_control, version);
    MEMBER(fp_control, active);
    MEMBER(fp_control, fdb_seed);
    MEMBER(fp_control, fdb_mask);
    MEMBER(fp_control, struct_sizes);
    MEMBER(fp_net_counters, access_in);
    MEMBER(fp_net_counters, access_out);
    MEMBER(fp_net_counters, wan_in);
    MEMBER(fp_net_counters, wan_out);
    MEMBER(fp_net_counters, bounced);
    MEMBER(fp_vtep_counters, rx);
    MEMBER(fp_vtep_counters, tx);
    MEMBER(fp_port_counters, rx);
    MEMBER(fp_port_counters, tx);
    MEMBER(fp_port_counters, drops);
    MEMBER(fp_port_counters, punts);
    MEMBER(fp_port_counters, passed);
    MEMBER(fp_port_counters, unserved);
    MEMBER(fp_port_counters, punt_at);
}

START_TEST(test_another_layout_is_another_version)
{
    hash = 0x811c9dc5u;
    add_entries();
    add_nets_and_vteps();
    add_topology();
    add_control_and_counters();
    ck_assert_msg(hash == LAYOUT && FP_VERSION == VERSION,
                  "the layout is %#x, that of version %u was %#x; FP_VERSION is %u", hash, VERSION, LAYOUT,
                  FP_VERSION);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fp_layout");
    TCase *c = tcase_create("layout");

    tcase_add_test(c, test_another_layout_is_another_version);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
