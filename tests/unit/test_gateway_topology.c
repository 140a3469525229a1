/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From a configuration and what the underlay says to the data plane's topology.
 */
#include "controlplane/gateway_topology.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char yaml[] = "site: paris\n"
                           "gateway: paris-1\n"
                           "underlay:\n"
                           "  address: 198.18.0.1\n"
                           "  port: { interface: wan0 }\n"
                           "  mtu: 1580\n"
                           "access:\n"
                           "  - { name: trunk, interface: lan0, networks: [web, db] }\n"
                           "  - { name: vm, interface: lan1, untagged: db }\n"
                           "networks:\n"
                           "  - name: web\n"
                           "    vlan: 100\n"
                           "    vni: 10100\n"
                           "    unknown_unicast: flood\n"
                           "    peers:\n"
                           "      - { address: 198.18.0.9, learning: on }\n"
                           "      - { address: 198.18.0.3 }\n"
                           "  - name: db\n"
                           "    vlan: 200\n"
                           "    vni: 10200\n"
                           "    peers:\n"
                           "      - { address: 198.18.0.3, learning: off }\n"
                           "      - { address: 198.18.0.7 }\n";

static struct conf *conf;
static struct gateway g;
static struct gateway_network networks[2];
static struct topology t;

static struct ipaddr ip(const char *text)
{
    struct ipaddr a;

    ck_assert(ipaddr_parse(text, &a));
    return a;
}

/* Fills the lists; the underlay knows nothing yet. */
static void publish_nothing(void)
{
    static const struct underlay_link link;
    const struct underlay_hop *none[3] = {NULL};

    ck_assert_int_eq(topology_update(&t, &g, &link, none), 0);
}

static void setup(void)
{
    struct conf_errors errors = {0};

    conf = conf_load_string("test", yaml, strlen(yaml), &errors);
    for (size_t i = 0; i < errors.n; i++)
        fprintf(stderr, "%s\n", errors.text[i]);
    ck_assert_ptr_nonnull(conf);
    g = (struct gateway){
        .conf = conf, .networks = networks, .n_networks = 2, .max_networks = 2, .n_ports = 3};
    for (unsigned i = 0; i < 2; i++)
        networks[i] = (struct gateway_network){.id = (dp_net_id)(i + 1), .conf = &conf->networks[i]};
    g.ports[0].id = 4; /* the underlay */
    g.ports[1] = (struct gateway_port){.id = 5, .access = &conf->access[0]};
    g.ports[2] = (struct gateway_port){.id = 6, .access = &conf->access[1]};
    ck_assert_int_eq(topology_collect_vteps(conf, &g.vteps, &g.n_vteps), 0);
    g.max_vteps = g.n_vteps;
    ck_assert_int_eq(topology_init(&t, &g, 4), 0);
    publish_nothing();
}

static void teardown(void)
{
    topology_free(&t);
    free(g.vteps);
    conf_free(conf);
}

START_TEST(test_vteps_are_distinct)
{
    struct ipaddr a = ip("198.18.0.3"), other = ip("198.18.0.4");

    ck_assert_uint_eq(g.n_vteps, 3);
    for (unsigned i = 0; i < g.n_vteps; i++) {
        ck_assert_uint_eq(g.vteps[i].id, i + 1);
        ck_assert_uint_eq(topology_find_vtep(g.vteps, g.n_vteps, &g.vteps[i].address), i + 1);
        ck_assert_uint_eq(t.dp.vteps[i].id, i + 1);
        ck_assert(ipaddr_eq(&t.dp.vteps[i].address, &g.vteps[i].address));
    }
    ck_assert_uint_ne(topology_find_vtep(g.vteps, g.n_vteps, &a), 0);
    ck_assert_uint_eq(topology_find_vtep(g.vteps, g.n_vteps, &other), 0);
    ck_assert_uint_eq(topology_find_vtep(NULL, 0, &a), 0);
}
END_TEST

START_TEST(test_members_carry_the_network)
{
    const struct dp_network *web = &t.dp.networks[0], *db = &t.dp.networks[1];

    ck_assert_uint_eq(t.dp.n_networks, 2);
    ck_assert_uint_eq(t.dp.underlay, 4);
    ck_assert_uint_eq(web->vni, 10100);
    ck_assert(web->flood_unknown);
    ck_assert(!db->flood_unknown);
    ck_assert_uint_eq(web->n_members, 1);
    ck_assert_uint_eq(web->members[0].port, 5);
    ck_assert_uint_eq(web->members[0].vlan, 100);
    ck_assert_uint_eq(db->n_members, 2);
    ck_assert_uint_eq(db->members[0].port, 5);
    ck_assert_uint_eq(db->members[0].vlan, 200);
    ck_assert_uint_eq(db->members[1].port, 6);
    ck_assert_uint_eq(db->members[1].vlan, 0);
}
END_TEST

START_TEST(test_R8_1_static_peers_are_the_flood_list)
{
    const struct dp_network *web = &t.dp.networks[0];
    struct ipaddr learning = ip("198.18.0.9");

    ck_assert_uint_eq(web->n_vteps, 2);
    for (unsigned i = 0; i < 2; i++) {
        bool is_learning = web->vteps[i].vtep == topology_find_vtep(g.vteps, g.n_vteps, &learning);

        ck_assert(web->vteps[i].flood);
        ck_assert_int_eq(web->vteps[i].learning,
                         is_learning || conf->networks[0].peers[i].learning); /* R1.10 */
        ck_assert(ipaddr_eq(&g.vteps[web->vteps[i].vtep - 1].address, &conf->networks[0].peers[i].address));
    }
    ck_assert_uint_eq(t.dp.networks[1].n_vteps, 2);
    ck_assert(!t.dp.networks[1].vteps[0].learning);
}
END_TEST

/* BGP puts VTEPs on flood lists beside the configured peers; who speaks EVPN is not learned from. */
START_TEST(test_R8_1_R1_10_bgp_joins_static_peers)
{
    struct ipaddr static_and_bgp = ip("198.18.0.9");
    dp_vtep_id both = topology_find_vtep(g.vteps, g.n_vteps, &static_and_bgp), new = 3;
    const struct dp_network *web = &t.dp.networks[0], *db = &t.dp.networks[1];

    ck_assert_int_eq(topology_flood(&t, 1, both, true), 1);
    ck_assert_int_eq(topology_flood(&t, 2, both, true), 1);
    ck_assert_int_eq(topology_flood(&t, 2, both, true), 0); /* nothing changes, so nobody counts it twice */
    publish_nothing();
    ck_assert_uint_eq(web->n_vteps, 2);
    ck_assert_uint_eq(db->n_vteps, 3);
    for (size_t i = 0; i < 2; i++)
        ck_assert(web->vteps[i].flood && !web->vteps[i].learning);
    ck_assert_uint_eq(db->vteps[2].vtep, both);
    ck_assert_int_eq(topology_flood(&t, 1, both, false), 1);
    ck_assert_int_eq(topology_flood(&t, 2, both, false), 1);
    ck_assert_int_eq(topology_flood(&t, 2, both, false), 0); /* it was not on the list */
    ck_assert_int_eq(topology_flood(&t, 3, new, true), -EINVAL);
    publish_nothing();
    ck_assert_uint_eq(web->n_vteps, 2); /* the configured peer stays, and is learned from again */
    ck_assert_uint_eq(db->n_vteps, 2);
    ck_assert(web->vteps[0].learning || web->vteps[1].learning);
}
END_TEST

/* Who was on a list before a restart stays on it until the peers have told all; who is then there by another
 * right stays for good. */
START_TEST(test_kept_until_all_is_told)
{
    struct ipaddr first = ip("198.18.0.9");
    dp_vtep_id fixed = topology_find_vtep(g.vteps, g.n_vteps, &first), told = 3, gone = fixed == 1 ? 2 : 1;
    const struct dp_network *web = &t.dp.networks[0], *db = &t.dp.networks[1];
    size_t before = db->n_vteps;

    ck_assert_int_eq(topology_keep(&t, 2, fixed), 0);
    publish_nothing();
    ck_assert_uint_eq(db->n_vteps, before + 1);
    ck_assert(db->vteps[before].flood && !db->vteps[before].learning);
    ck_assert_int_eq(topology_flood(&t, 2, fixed, true), 1);
    ck_assert_int_eq(topology_flood(&t, 2, fixed, false), 1); /* still kept */
    ck_assert_int_eq(topology_keep(&t, 1, fixed), 0);         /* and a static peer there */
    ck_assert_int_eq(topology_keep(&t, 1, told), 0);
    ck_assert_int_eq(topology_keep(&t, 1, gone), 0);
    ck_assert_int_eq(topology_flood(&t, 1, told, true), 1);
    ck_assert_int_eq(topology_keep(&t, 3, told), -EINVAL);
    ck_assert_int_eq(topology_keep(&t, 0, told), -EINVAL);
    topology_keep_none(&t);
    publish_nothing();
    ck_assert_uint_eq(db->n_vteps, before);
    for (size_t i = 0; i < web->n_vteps; i++) {
        const struct topology_list *l = &t.lists[0];

        ck_assert(l->peers[i].is_static || (l->peers[i].bgp && l->peers[i].vtep == told));
    }
}
END_TEST

START_TEST(test_update_follows_the_underlay)
{
    struct underlay_link link = {.mac = {{2, 0, 0, 0, 0, 1}}, .mtu = 1600, .up = true};
    struct underlay_hop hops[3] = {
        {.state = UNDERLAY_RESOLVED, .mac = {{2, 0, 0, 0, 0, 2}}, .mtu = 1560},
        {.state = UNDERLAY_RESOLVED, .mac = {{2, 0, 0, 0, 0, 3}}, .mtu = 1600},
        {.state = UNDERLAY_NO_NEIGHBOUR, .mac = {{2, 0, 0, 0, 0, 4}}, .mtu = 1600},
    };
    const struct underlay_hop *all[3] = {&hops[0], &hops[1], &hops[2]};

    for (unsigned i = 0; i < 3; i++)
        ck_assert(!t.dp.vteps[i].resolved);
    ck_assert_int_eq(topology_update(&t, &g, &link, all), 0);
    ck_assert(mac_eq(t.dp.underlay_mac, link.mac));
    ck_assert(t.dp.vteps[0].resolved);
    ck_assert(mac_eq(t.dp.vteps[0].next_hop, hops[0].mac));
    ck_assert(mac_eq(t.dp.vteps[0].source, link.mac));
    ck_assert_uint_eq(t.dp.vteps[0].mtu, 1560);
    ck_assert_uint_eq(t.dp.vteps[1].mtu, 1580); /* configured less than the path has */
    ck_assert(!t.dp.vteps[2].resolved);
    ck_assert(mac_is_zero(t.dp.vteps[2].next_hop));
    hops[0].state = UNDERLAY_LINK_DOWN;
    all[1] = NULL;
    ck_assert_int_eq(topology_update(&t, &g, &link, all), 0);
    ck_assert(!t.dp.vteps[0].resolved);
    ck_assert(!t.dp.vteps[1].resolved);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway_topology");
    TCase *c = tcase_create("build");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_vteps_are_distinct);
    tcase_add_test(c, test_members_carry_the_network);
    tcase_add_test(c, test_R8_1_static_peers_are_the_flood_list);
    tcase_add_test(c, test_R8_1_R1_10_bgp_joins_static_peers);
    tcase_add_test(c, test_kept_until_all_is_told);
    tcase_add_test(c, test_update_follows_the_underlay);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
