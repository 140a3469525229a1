/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the XDP programs read, as the control plane's side builds it: the topology with its tables by VNI and
 * by address, looked up here as the programs do.
 */
#include "tests/unit/suite.h"

#include "conf/vxlan_template.h"
#include "dataplane/dp.h"
#include "dataplane/fdb.h"
#include "ebpf/fp_topology.h"

#include <errno.h>

#define MAX_NETS  DP_MAX_NETWORKS
#define MAX_VTEPS (DP_MAX_VTEPS - 1)
#define WAN       2

static struct fp_topology *out;
static struct fp_topology_used used;
static struct dp_network nets[MAX_NETS];
static struct dp_vtep vteps[MAX_VTEPS];
static struct fastpath_port ports[DP_MAX_PORTS];
static struct dp_topology t;

static const struct mac our_mac = {{2, 0xaa, 0, 0, 0, 1}}, hop_mac = {{2, 0xaa, 0, 0, 0, 2}};

static struct ipaddr address(const char *text)
{
    struct ipaddr a;

    ck_assert(ipaddr_parse(text, &a));
    return a;
}

static void setup(void)
{
    static const struct dp_member members[] = {{0, 100}, {1, 0}};
    static const struct dp_net_vtep known[] = {{.vtep = 1}, {.vtep = 2, .learning = true}};

    out = malloc(sizeof(*out));
    ck_assert_ptr_nonnull(out);
    memset(nets, 0, sizeof(nets));
    memset(vteps, 0, sizeof(vteps));
    memset(ports, 0, sizeof(ports));
    for (unsigned i = 0; i <= WAN; i++)
        ports[i] = (struct fastpath_port){.ifindex = 10 + i, .target = true, .mtu = 1500};
    nets[0] = (struct dp_network){.id = 5,
                                  .vni = 10100,
                                  .dscp = DP_DSCP_INHERIT,
                                  .members = members,
                                  .n_members = 2,
                                  .vteps = known,
                                  .n_vteps = 2};
    vteps[0] = (struct dp_vtep){.id = 1,
                                .address = address("198.18.0.2"),
                                .resolved = true,
                                .next_hop = hop_mac,
                                .source = our_mac,
                                .mtu = 1600};
    vteps[1] = vteps[0];
    vteps[1].id = 2;
    vteps[1].address = address("198.18.0.3");
    t = (struct dp_topology){.underlay = WAN,
                             .address = address("198.18.0.1"),
                             .underlay_mac = our_mac,
                             .vxlan_port = 4789,
                             .ttl = 64,
                             .networks = nets,
                             .n_networks = 1,
                             .vteps = vteps,
                             .n_vteps = 2};
}

static void teardown(void)
{
    free(out);
}

static int build(void)
{
    memset(out, 0xee, sizeof(*out));
    return fp_topology_build(&t, ports, 0, out, &used);
}

static unsigned net_by_vni(uint32_t vni)
{
    for (uint32_t i = 0; i < FP_PROBES; i++) {
        unsigned id = out->vni_table[fp_vni_slot(out->vni_seed, vni, i)];

        if (id == 0 || out->nets[id].vni == vni)
            return id;
    }
    return 0;
}

static unsigned vtep_by_address(const struct ipaddr *a)
{
    uint32_t words[4];

    memcpy(words, a->b, sizeof(words));
    for (uint32_t i = 0; i < FP_PROBES; i++) {
        unsigned id = out->addr_table[fp_addr_slot(out->addr_seed, words, i)];

        if (id == 0 || memcmp(out->vteps[id].address, a->b, 16) == 0)
            return id;
    }
    return 0;
}

/* ---- what is in it ---- */

START_TEST(test_what_was_given)
{
    const struct fp_net *n = &out->nets[5];
    const struct fp_vtep *v = &out->vteps[2];

    nets[0].qinq = true;
    ports[0].target = false;
    ports[1].scattered = true;
    ck_assert_int_eq(build(), 0);
    ck_assert_uint_eq(used.nets, 6);
    ck_assert_uint_eq(used.vteps, 3);
    ck_assert_uint_eq(out->underlay, WAN);
    ck_assert_mem_eq(out->mac, our_mac.b, 6);
    ck_assert_uint_eq(out->family, 4);
    ck_assert_uint_eq(out->bounced_ttl, 32);
    ck_assert_uint_eq(out->vlans[0][100], 5);
    ck_assert_uint_eq(out->vlans[1][0], 5);
    ck_assert_uint_eq(out->vlans[0][0], 0);
    ck_assert_uint_eq(n->vni, 10100);
    ck_assert_uint_eq(n->flags, FP_NET_VALID | FP_NET_QINQ);
    ck_assert_uint_eq(n->vlan_of_port[0], 100);
    ck_assert_uint_eq(n->vlan_of_port[1], 0);
    ck_assert_uint_eq(n->vlan_of_port[2], FP_NOT_A_MEMBER);
    ck_assert_uint_eq(n->known[0], 6);
    ck_assert_uint_eq(n->learning[0], 4);
    ck_assert_uint_eq(v->max_frame, 1564);
    ck_assert_uint_eq(v->header_len, 50);
    ck_assert_mem_eq(v->header, hop_mac.b, 6);
    ck_assert_uint_eq(out->ports[0].flags, FP_PORT_PRESENT);
    ck_assert_uint_eq(out->ports[1].flags, FP_PORT_PRESENT | FP_PORT_TARGET | FP_PORT_SCATTERED);
    ck_assert_uint_eq(out->ports[1].max_frame, 1514);
    ck_assert_uint_eq(out->ports[3].flags, 0);
    ck_assert_uint_eq(net_by_vni(10100), 5);
    ck_assert_uint_eq(net_by_vni(10101), 0);
    ck_assert_uint_eq(vtep_by_address(&vteps[1].address), 2);
    ck_assert_uint_eq(vtep_by_address(&t.address), 0);
}
END_TEST

START_TEST(test_punt_limit)
{
    ck_assert_int_eq(fp_topology_build(&t, ports, 0, out, &used), 0);
    ck_assert_uint_eq(out->punt_interval_ns, 0);
    ck_assert_int_eq(fp_topology_build(&t, ports, 250000, out, &used), 0);
    ck_assert_uint_eq(out->punt_interval_ns, 4000);
    ck_assert_uint_ge(out->punt_burst_ns, 64 * 4000);
    ck_assert_int_eq(fp_topology_build(&t, ports, UINT32_MAX, out, &used), 0);
    ck_assert_uint_gt(out->punt_interval_ns, 0);
}
END_TEST

START_TEST(test_the_same_words_on_both_sides)
{
    const struct mac oam = DP_OAM_MAC;

    ck_assert_uint_eq(fdb_key(0, oam.b), FP_OAM_MAC);
    ck_assert_uint_eq(DP_OAM_ETHERTYPE, FP_OAM_ETHERTYPE);
    ck_assert_uint_eq(FDB_WHERE(DP_WHERE_VTEP, 1023, false), FP_WHERE(FP_WHERE_VTEP, 1023));
    ck_assert_uint_eq(FDB_PLACE_MASK, FP_PLACE_MASK);
    ck_assert_uint_eq(FDB_STATIC, FP_STATIC);
    ck_assert_uint_eq(FDB_BOUNCE, FP_BOUNCE);
}
END_TEST

/* ---- what is refused, as snapshot_build() does ---- */

static void expect_refused(void)
{
    ck_assert_int_eq(build(), -EINVAL);
    teardown();
    setup();
    ck_assert_int_eq(build(), 0);
}

START_TEST(test_contradictions)
{
    static const struct dp_member twice[] = {{0, 100}, {0, 101}}, underlay[] = {{WAN, 1}},
                                  own[] = {{DP_OWN_PORT, 1}}, vlan[] = {{0, 4095}};
    static const struct dp_net_vtep none[] = {{.vtep = 0}}, foreign[] = {{.vtep = 3}},
                                    again[] = {{.vtep = 1}, {.vtep = 1}}, far[] = {{.vtep = DP_MAX_VTEPS}};
    const struct dp_member *members[] = {twice, underlay, own, vlan};
    const struct dp_net_vtep *known[] = {none, foreign, far, again};

    for (unsigned i = 0; i < 4; i++) {
        nets[0].members = members[i];
        nets[0].n_members = i == 0 ? 2 : 1;
        expect_refused();
    }
    for (unsigned i = 0; i < 4; i++) {
        nets[0].vteps = known[i];
        nets[0].n_vteps = i == 3 ? 2 : 1;
        expect_refused();
    }
    nets[0].id = 0;
    expect_refused();
    nets[0].id = DP_MAX_NETWORKS + 1;
    expect_refused();
    nets[0].vni = 0;
    expect_refused();
    nets[0].vni = VNI_MAX + 1;
    expect_refused();
    nets[0].dscp = 64;
    expect_refused();
    vteps[0].id = 0;
    expect_refused();
    vteps[0].id = DP_MAX_VTEPS;
    expect_refused();
    vteps[0].id = 2;
    expect_refused();
    vteps[0].address = address("fd00::2");
    expect_refused();
    vteps[0].address = vteps[1].address;
    expect_refused();
}
END_TEST

START_TEST(test_two_networks_of_one_kind)
{
    for (unsigned same = 0; same < 3; same++) {
        nets[1] = (struct dp_network){.id = same == 0 ? 5 : 6, .vni = same == 1 ? 10100 : 10200};
        if (same == 2) { /* VLAN */
            nets[1].members = nets[0].members;
            nets[1].n_members = 1;
        }
        t.n_networks = 2;
        expect_refused();
    }
    nets[1] = (struct dp_network){.id = 6, .vni = 10200};
    t.n_networks = 2;
    ck_assert_int_eq(build(), 0);
}
END_TEST

/* ---- tables that are full ---- */

static uint32_t vni_of(unsigned pattern, unsigned i)
{
    static const uint32_t strides[] = {1, 2, 10, 100, 256, 1000, 4096};
    uint32_t x = i;

    if (pattern < 7)
        return (1 + i * strides[pattern]) % VNI_MAX + (pattern == 6 ? i / 4095 : 0);
    for (unsigned round = 0; round < 3; round++) /* a bijection of 24 bits */
        x = ((x * 0x5bd1e5u) & VNI_MAX) ^ ((x * 0x5bd1e5u) & VNI_MAX) >> 11;
    return x + 1 > VNI_MAX ? 1 : x + 1;
}

START_TEST(test_all_networks)
{
    for (unsigned i = 0; i < MAX_NETS; i++)
        nets[i] = (struct dp_network){.id = (dp_net_id)(i + 1), .vni = vni_of((unsigned)_i, i)};
    t.n_networks = MAX_NETS;
    ck_assert_int_eq(build(), 0);
    for (unsigned i = 0; i < MAX_NETS; i++)
        ck_assert_uint_eq(net_by_vni(nets[i].vni), i + 1);
}
END_TEST

START_TEST(test_all_vteps)
{
    bool v6 = _i % 2;

    t.address = address(v6 ? "fd00::1" : "198.18.0.1");
    t.n_networks = 0;
    for (unsigned i = 0; i < MAX_VTEPS; i++) {
        struct ipaddr a = address(v6 ? "fd00:1:2:3::1:2" : "198.19.0.1");
        unsigned at = v6 ? (_i < 2 ? 14 : 6) : (_i < 2 ? 2 : 1);

        a.b[at] = (uint8_t)(i >> 8 | 0x20);
        a.b[at + 1] = (uint8_t)i;
        vteps[i] = vteps[0];
        vteps[i].id = (dp_vtep_id)(i + 1);
        vteps[i].address = a;
    }
    t.n_vteps = MAX_VTEPS;
    ck_assert_int_eq(build(), 0);
    for (unsigned i = 0; i < MAX_VTEPS; i++)
        ck_assert_uint_eq(vtep_by_address(&vteps[i].address), i + 1);
}
END_TEST

START_TEST(test_R6_5_bounced_ttl)
{
    ck_assert_uint_eq(vxlan_bounced_ttl(255), 32);
    ck_assert_uint_eq(vxlan_bounced_ttl(64), 32);
    ck_assert_uint_eq(vxlan_bounced_ttl(20), 10);
    ck_assert_uint_eq(vxlan_bounced_ttl(1), 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fp_topology");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_what_was_given);
    tcase_add_test(tc, test_punt_limit);
    tcase_add_test(tc, test_the_same_words_on_both_sides);
    tcase_add_test(tc, test_contradictions);
    tcase_add_test(tc, test_two_networks_of_one_kind);
    tcase_add_loop_test(tc, test_all_networks, 0, 8);
    tcase_add_loop_test(tc, test_all_vteps, 0, 4);
    tcase_add_test(tc, test_R6_5_bounced_ttl);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
