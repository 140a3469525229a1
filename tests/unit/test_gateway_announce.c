/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What announcements ask of the gateway (gateway_announce.c), with the real MAC and neighbour tables and the
 * real timer; only the data plane is made up: it notes what it is given.
 */
#include "controlplane/announce.h"
#include "controlplane/gateway_private.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#define NET 1

static struct gateway g;
static struct gateway_private priv;
static struct conf conf;
static struct dp_member members[2] = {{.port = 1}, {.port = 2}};
static struct dp_network network = {.id = NET, .members = members, .n_members = 2};
static struct gateway_network nets[1];
static struct conf_network net_conf = {.name = "web"};

static struct {
    uint8_t frame[128];
    dp_port_id except;
} out[64];
static unsigned n_out;

int dp_send_access(struct dp *dp, dp_net_id net, dp_port_id port, dp_port_id except, const void *frame,
                   size_t len)
{
    (void)dp;
    ck_assert(net == NET && port == DP_ALL_PORTS && n_out < 64 && len <= sizeof(out[0].frame));
    memcpy(out[n_out].frame, frame, len);
    out[n_out++].except = except;
    return 0;
}

struct mac gateway_own_mac(const struct gateway *gw)
{
    (void)gw;
    return (struct mac){{2, 0, 0, 0, 0, 0xff}};
}

const struct gateway_network *gateway_network(const struct gateway *gw, dp_net_id id)
{
    return id == NET ? &gw->networks[0] : NULL;
}

/* ---- tables that nobody listens to */

static int mac_program(void *arg, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    (void)arg, (void)net, (void)mac, (void)dest;
    return 0;
}

static void mac_remove(void *arg, dp_net_id net, struct mac mac)
{
    (void)arg, (void)net, (void)mac;
}

static bool mac_seen(void *arg, dp_net_id net, struct mac mac, mono_t *seen)
{
    (void)arg, (void)net, (void)mac, (void)seen;
    return false;
}

static void mac_alert(void *arg, const struct mac_alert_info *info)
{
    (void)arg, (void)info;
}

static const struct mactable_ops mac_ops = {
    .program = mac_program, .remove = mac_remove, .seen = mac_seen, .alert = mac_alert};

static int ip_program(void *arg, dp_net_id net, const struct ipaddr *ip, struct mac mac, uint8_t flags)
{
    (void)arg, (void)net, (void)ip, (void)mac, (void)flags;
    return 0;
}

static void ip_remove(void *arg, dp_net_id net, const struct ipaddr *ip)
{
    (void)arg, (void)net, (void)ip;
}

static bool ip_here(void *arg, dp_net_id net, struct mac mac, const dp_port_id *port)
{
    const struct mac_entry *e = mactable_find(g.macs, net, mac);

    (void)arg;
    return e && e->where == DP_WHERE_PORT && (!port || e->target == *port);
}

static unsigned ip_ips(void *arg, dp_net_id net, struct mac mac, struct mac_ip_info *info, unsigned n)
{
    (void)arg;
    return mactable_ips(g.macs, net, mac, info, n);
}

static int ip_learned(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, bool again)
{
    (void)arg, (void)again;
    return mactable_local_ip(g.macs, net, mac, ip);
}

static void ip_gone(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    (void)arg;
    (void)mactable_local_ip_gone(g.macs, net, mac, ip);
}

static bool ip_probe(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    (void)arg, (void)net, (void)mac, (void)ip;
    return true;
}

static void ip_alert(void *arg, const struct neighbor_alert_info *info)
{
    (void)arg, (void)info;
}

static const struct neighbor_ops ip_ops = {ip_program, ip_remove, ip_here,  ip_ips,
                                           ip_learned, ip_gone,   ip_probe, ip_alert};

static void setup(void)
{
    char err[128];

    n_out = 0;
    conf.moves = (struct conf_moves){.repeats = 1, .interval_ms = 1000, .limit = 1000};
    nets[0] = (struct gateway_network){.id = NET, .conf = &net_conf};
    priv.topology.networks = &network;
    network.n_members = 2;
    g = (struct gateway){.conf = &conf, .priv = &priv, .networks = nets, .n_networks = 1};
    g.base = event_base_new();
    g.macs = mactable_new(1024, &mac_ops, NULL);
    g.neighbors = neighbor_new(2048, &ip_ops, NULL);
    ck_assert(g.base && g.macs && g.neighbors);
    mactable_set_network(g.macs, NET, 300, UINT32_MAX);
    neighbor_set_network(g.neighbors, NET, 300, true);
    ck_assert_msg(gateway_announce_start(&g, err, sizeof(err)) == 0, "%s", err);
}

static void teardown(void)
{
    gateway_announce_stop(&g);
    gateway_announce_stop(&g); /* once more, as after a start that failed */
    neighbor_free(g.neighbors);
    mactable_free(g.macs);
    event_base_free(g.base);
}

/* ---- MACs and IPs that peers tell of */

static struct mac mac_no(uint8_t i)
{
    return (struct mac){{2, 0, 0, 0, 1, i}};
}

static void routed(uint8_t i, dp_vtep_id vtep, const struct ipaddr *ip, uint8_t flags)
{
    const struct mac_route route = {.vtep = vtep, .address = {4, {198, 18, 0, (uint8_t)vtep}}};

    mactable_remote(g.macs, NET, mac_no(i), &route, mono_now());
    if (!ip)
        return;
    ck_assert_int_eq(mactable_remote_ip(g.macs, NET, mac_no(i), ip, true), 0);
    neighbor_route(g.neighbors, NET, mac_no(i), ip, true, flags, mono_now());
}

static unsigned announce(uint8_t i)
{
    n_out = 0;
    return announce_mac(g.announce, NET, mac_no(i), false, mono_now());
}

static const struct ipaddr ip4 = {4, {10, 0, 0, 1}}, ip4_too = {4, {10, 0, 0, 2}},
                           ip6 = {6, {0xfd, [15] = 1}};

START_TEST(test_R6_3_where_it_is)
{
    struct dp_event e = {
        .type = DP_EVENT_SOURCE, .net = NET, .mac = mac_no(1), .where = DP_WHERE_PORT, .target = 1};

    ck_assert_uint_eq(announce(1), 0); /* unknown */
    routed(1, 3, NULL, 0);
    ck_assert_uint_eq(announce(1), 1);
    ck_assert(out[0].frame[12] == 0x80 && out[0].frame[13] == 0x35 && out[0].except == DP_NO_PORT);
    mactable_source_seen(g.macs, &e, mono_now());
    ck_assert_uint_eq(announce(1), 1);
    ck_assert_uint_eq(out[0].except, 1);
    /* The network's only port. */
    network.n_members = 1;
    ck_assert_uint_eq(announce(1), 0);
    members[0].port = 5;
    ck_assert_uint_eq(announce(1), 1);
    members[0].port = 1;
}
END_TEST

/* Two peers say that a host of theirs has the IP, as in a failover of a cluster, and neither takes it back.
 * The newest is used; the other one must not be announced with it. */
START_TEST(test_R6_3_only_ips_that_are_its_own)
{
    routed(1, 3, &ip4, 0);
    routed(1, 3, &ip4_too, 0);
    ck_assert_uint_eq(announce(1), 4);
    routed(2, 4, &ip4, 0);
    ck_assert_uint_eq(announce(1), 2);
    ck_assert_mem_eq(out[0].frame + 28, ip4_too.b, 4);
    ck_assert_uint_eq(announce(2), 2);
    ck_assert_mem_eq(out[0].frame + 28, ip4.b, 4);
}
END_TEST

START_TEST(test_R7_4_router)
{
    routed(1, 3, &ip6, NEIGHBOR_OVERRIDE);
    ck_assert_uint_eq(announce(1), 1);
    ck_assert_uint_eq(out[0].frame[58], 0x20);
    routed(1, 3, &ip6, NEIGHBOR_ROUTER | NEIGHBOR_OVERRIDE);
    ck_assert_uint_eq(announce(1), 1);
    ck_assert_uint_eq(out[0].frame[58], 0xa0);
}
END_TEST

/* The repeat comes by itself. */
START_TEST(test_R6_3_timer)
{
    mono_t start = mono_now();

    routed(1, 3, NULL, 0);
    ck_assert_uint_eq(announce(1), 1);
    event_base_loop(g.base, 0); /* until nothing is due any more */
    ck_assert_uint_eq(n_out, 2);
    ck_assert_uint_ge(mono_now().ns - start.ns, UINT64_C(1000000000));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway_announce");
    TCase *tc = tcase_create("gateway_announce");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, test_R6_3_where_it_is);
    tcase_add_test(tc, test_R6_3_only_ips_that_are_its_own);
    tcase_add_test(tc, test_R7_4_router);
    tcase_add_test(tc, test_R6_3_timer);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
