/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ids of VTEPs that are let go and given to others. The MAC table is real; the underlay, BGP and both data
 * planes are made up here.
 */
#include "controlplane/gateway_fastpath.h"
#include "controlplane/gateway_private.h"
#include "controlplane/overlay.h"
#include "tests/unit/suite.h"

static struct gateway g;
static struct gateway_private priv;
static struct conf conf;
static struct ipaddr published[3]; /* of id 1, 2, 3; family 0: free */
static unsigned publications, changes;
static dp_vtep_id had; /* by an earlier process; 0: any will do */

/* ---- below and beside */

int gateway_publish(struct gateway *gw)
{
    memset(published, 0, sizeof(published));
    for (unsigned i = 0; i < gw->n_vteps; i++)
        if (gw->vteps[i].address.family)
            published[i] = gw->vteps[i].address;
    publications++;
    return 0;
}

void gateway_topology_changed(struct gateway *gw)
{
    (void)gw;
    changes++;
}

int underlay_track(struct underlay *u, const struct ipaddr *vtep)
{
    (void)u, (void)vtep;
    return 0;
}

void underlay_untrack(struct underlay *u, const struct ipaddr *vtep)
{
    (void)u, (void)vtep;
}

const struct underlay_hop *underlay_hop(const struct underlay *u, const struct ipaddr *vtep)
{
    (void)u, (void)vtep;
    return NULL;
}

bool underlay_is_lost(enum underlay_state state, bool was)
{
    (void)state;
    return was;
}

const char *underlay_state_text(enum underlay_state state)
{
    (void)state;
    return "?";
}

struct evpn_rib *overlay_rib(const struct overlay *o)
{
    (void)o;
    return NULL;
}

struct bgp_session *overlay_session(const struct overlay *o, rib_peer_id peer)
{
    (void)o, (void)peer;
    return NULL;
}

dp_vtep_id gateway_takeover_vtep(const struct gateway *gw, const struct ipaddr *address)
{
    (void)gw, (void)address;
    return had;
}

/* ---- tests */

static struct ipaddr ip(const char *text)
{
    struct ipaddr a;

    ck_assert(ipaddr_parse(text, &a));
    return a;
}

/* Each by another peer, so that none has more than its share. */
static dp_vtep_id get(const char *address)
{
    const struct ipaddr a = ip(address);

    return gateway_vtep_get(&g, &a, a.b[3]);
}

static void setup(void)
{
    static const struct mactable_ops ops = {0};

    memset(&g, 0, sizeof(g));
    memset(&priv, 0, sizeof(priv));
    memset(&conf, 0, sizeof(conf));
    publications = changes = 0;
    had = 0;
    conf.underlay.address = ip("198.18.0.1");
    g.conf = &conf;
    g.priv = &priv;
    g.max_vteps = 3;
    g.vteps = calloc(g.max_vteps, sizeof(*g.vteps));
    priv.hop_seen = calloc(g.max_vteps, sizeof(*priv.hop_seen));
    g.macs = mactable_new(16, &ops, NULL);
}

static void teardown(void)
{
    mactable_free(g.macs);
    free(priv.hop_seen);
    free(g.vteps);
}

/* A route that comes in the same turn has its MACs at the id before the next topology is published. */
START_TEST(test_an_id_is_free_for_the_data_planes_too)
{
    ck_assert_uint_eq(get("198.18.0.2"), 1);
    ck_assert_uint_eq(get("198.18.0.3"), 2);
    ck_assert_uint_eq(changes, 2);
    gateway_publish(&g);
    gateway_vtep_count_mac(&g, 1, 1);
    gateway_vtep_count_mac(&g, 2, 1);
    gateway_vteps_sweep(&g);
    ck_assert_uint_eq(publications, 1);
    gateway_vtep_count_mac(&g, 1, -1);
    gateway_vteps_sweep(&g);
    ck_assert_uint_eq(get("198.18.0.4"), 3); /* new ones first */
    gateway_vtep_count_mac(&g, 3, 1);
    gateway_vtep_count_mac(&g, 2, -1);
    gateway_publish(&g);
    gateway_vteps_sweep(&g);
    ck_assert_uint_eq(get("198.18.0.5"), 1);
    gateway_vtep_count_mac(&g, 1, 1);
    ck_assert_uint_eq(get("198.18.0.6"), 0); /* one is always left */
    ck_assert_uint_eq(published[0].family, 0);
    ck_assert_uint_eq(published[1].family, 0);
    ck_assert_uint_eq(published[2].family, 4);
    ck_assert_uint_eq(publications, 4);
}
END_TEST

/* An id that is pinned in the maps. */
START_TEST(test_a_static_peer_has_the_id_that_it_had)
{
    struct conf_peer peer = {.address = ip("198.18.0.8")};
    struct conf_network net = {.peers = &peer, .n_peers = 1};

    conf.networks = &net;
    conf.n_networks = 1;
    had = 2;
    ck_assert_int_eq(gateway_vteps_configure(&g, &conf), 0);
    ck_assert_uint_eq(gateway_vtep_find(&g, &peer.address), 2);
    ck_assert(g.n_vteps == 2 && g.vteps[0].address.family == 0 && g.vteps[1].is_static);
    had = 0;
    peer.address = ip("198.18.0.9");
    ck_assert_int_eq(gateway_vteps_configure(&g, &conf), 0);
    ck_assert_uint_eq(gateway_vtep_find(&g, &peer.address), 3);
}
END_TEST

/* Another one has it by now, as when the ids of before ran out. */
START_TEST(test_an_id_of_before_is_given_once)
{
    struct conf_peer peers[] = {{.address = ip("198.18.0.8")}, {.address = ip("198.18.0.9")}};
    struct conf_network net = {.peers = peers, .n_peers = 2};

    conf.networks = &net;
    conf.n_networks = 1;
    had = 1;
    ck_assert_int_eq(gateway_vteps_configure(&g, &conf), 0);
    ck_assert_uint_eq(gateway_vtep_find(&g, &peers[0].address), 1);
    ck_assert_uint_eq(gateway_vtep_find(&g, &peers[1].address), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gateway_vteps");
    TCase *c = tcase_create("ids");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_an_id_is_free_for_the_data_planes_too);
    tcase_add_test(c, test_a_static_peer_has_the_id_that_it_had);
    tcase_add_test(c, test_an_id_of_before_is_given_once);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
