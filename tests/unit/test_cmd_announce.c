/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands about announcements, on a gateway made up in cmd_rig.h. What announcements do is
 * test_announce.c's; here they end in a count.
 */
#include "tests/unit/cmd_rig.h"

#include "controlplane/announce.h"

static const char two_networks[] = "site: paris\n"
                                   "gateway: paris-1\n"
                                   "underlay: { address: 198.18.0.1, port: { interface: wan0 } }\n"
                                   "access: [ { name: trunk, interface: lan0 } ]\n"
                                   "networks:\n"
                                   "  - { name: web, vlan: 100, vni: 10100, site_gateways: [ { address: "
                                   "10.0.0.1, mac: 00:00:5e:00:01:01 } ] }\n"
                                   "  - { name: db, vlan: 200, vni: 10200 }\n"
                                   "moves: { announce: { repeats: 1, interval: 2000, limit: 3 } }\n";

#define WEB 1
#define DB  2

static unsigned frames, woken;

static bool look(void *arg, dp_net_id net, struct mac mac, struct mac_place *place, struct ipaddr *ips,
                 unsigned n, unsigned *n_ips)
{
    const struct mac_entry *e = mactable_find(gw.macs, net, mac);

    (void)arg, (void)ips, (void)n;
    ck_assert_ptr_nonnull(e);
    *place = (struct mac_place){e->target, (uint8_t)e->where};
    *n_ips = 0;
    return true;
}

static int take(void *arg, dp_net_id net, dp_port_id port, dp_port_id except, const void *frame, size_t len)
{
    (void)arg, (void)net, (void)port, (void)except, (void)frame, (void)len;
    frames++;
    return 0;
}

static void wake(void *arg)
{
    (void)arg;
    woken++;
}

static const struct announce_ops announce_ops = {.look = look, .send = take, .wake = wake};

static void setup(void)
{
    start(two_networks);
    frames = woken = 0;
    gw.announce = announce_new(&gw.conf->moves, (struct mac){{2, 0, 0, 0, 0, 9}}, &announce_ops, NULL);
    ck_assert_ptr_nonnull(gw.announce);
    for (unsigned i = 0; i < gw.n_networks; i++)
        ck_assert_int_eq(announce_set_network(gw.announce, gw.networks[i].id, gw.networks[i].conf->routers,
                                              gw.networks[i].conf->n_routers),
                         0);
}

static void finish(void)
{
    announce_free(gw.announce);
    teardown();
}

static void refused(const char *request, const char *needle)
{
    char *text = raw(request);

    ck_assert_msg(strstr(text, "\"ok\":false") && strstr(text, needle), "%s", text);
    cJSON_free(text);
}

#define MAC1 "02:00:5e:00:00:01"

/* A MAC at a port of ours is told the site's gateway, too (R6.4). */
START_TEST(test_R6_4_announce_here)
{
    cJSON *r;

    learn(WEB, 1, DP_WHERE_PORT, 1);
    r = ask("{\"cmd\":\"announce\",\"mac\":\"" MAC1 "\"}");
    ck_at(r, "networks", "[{\"network\":\"web\",\"sent\":3}]");
    ck_at(r, "sent", "3");
    ck_assert(frames == 3 && woken == 1);
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"show announcements\",\"network\":\"web\"}");
    ck_at(r, "networks/0/sent", "{\"garp_request\":0,\"garp_reply\":0,\"na\":0,\"rarp\":1,\"gateway\":2}");
    ck_at(r, "networks/0/waiting", "1");
    cJSON_Delete(r);
}
END_TEST

/* In each network that has it, or in one. */
START_TEST(test_R6_3_announce_everywhere)
{
    struct ipaddr vtep = {4, {198, 18, 0, 2}};
    dp_vtep_id id = add_vtep(&vtep);
    cJSON *r;

    learn(WEB, 1, DP_WHERE_VTEP, id);
    learn(DB, 1, DP_WHERE_VTEP, id);
    r = ask("{\"cmd\":\"announce\",\"mac\":\"" MAC1 "\"}");
    ck_at(r, "networks", "[{\"network\":\"web\",\"sent\":1},{\"network\":\"db\",\"sent\":1}]");
    ck_at(r, "sent", "2");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"announce\",\"mac\":\"" MAC1 "\",\"network\":\"db\"}");
    ck_at(r, "networks", "[{\"network\":\"db\",\"sent\":1}]");
    cJSON_Delete(r);
    ck_assert_uint_eq(frames, 3);
}
END_TEST

START_TEST(test_announce_refused)
{
    learn(WEB, 1, DP_WHERE_PORT, 1);
    refused("{\"cmd\":\"announce\"}", "which MAC?");
    refused("{\"cmd\":\"announce\",\"mac\":\"02:00:00:00:00:01\"}", "that MAC is not known here");
    refused("{\"cmd\":\"announce\",\"mac\":\"" MAC1 "\",\"network\":\"db\"}",
            "that MAC is not known in that network");
    refused("{\"cmd\":\"announce\",\"mac\":\"" MAC1 "\",\"network\":\"x\"}", "no network of that name");
    ck_assert_uint_eq(frames, 0);
}
END_TEST

START_TEST(test_R6_3_show_announcements)
{
    cJSON *r;

    for (unsigned i = 1; i <= 5; i++) {
        char request[128];

        learn(DB, i, DP_WHERE_PORT, 1);
        snprintf(request, sizeof(request), "{\"cmd\":\"announce\",\"mac\":\"02:00:5e:00:00:%02x\"}", i);
        cJSON_Delete(ask(request));
    }
    ck_assert_uint_eq(frames, 3); /* the limit */
    r = ask("{\"cmd\":\"show announcements\"}");
    ck_at(r, "repeats", "1");
    ck_at(r, "interval_ms", "2000");
    ck_at(r, "limit", "3");
    ck_at(r, "networks/0/network", "\"web\"");
    ck_at(r, "networks/0/waiting", "0");
    ck_at(r, "networks/1",
          "{\"network\":\"db\",\"sent\":{\"garp_request\":0,\"garp_reply\":0,\"na\":0,\"rarp\":3,\"gateway\":"
          "0},"
          "\"waiting\":5,\"limited\":2,\"failed\":0}");
    ck_at(r, "networks/2", "missing");
    ck_at(r, "next", "missing");
    cJSON_Delete(r);
}
END_TEST

START_TEST(test_show_announcements_by_pages)
{
    char *yaml = NULL;
    int pages;
    size_t len;
    FILE *f = open_memstream(&yaml, &len);

    finish();
    fputs("site: s\ngateway: g\nunderlay: { address: 198.18.0.1, port: { interface: wan0 } }\n"
          "access: [ { name: t, interface: lan0 } ]\nmoves: { announce: { limit: unlimited } }\nnetworks:\n",
          f);
    for (int i = 1; i <= 2500; i++)
        fprintf(f, "  - { name: n%d, vlan: %d, vni: %d }\n", i, i, i);
    fclose(f);
    start(yaml);
    free(yaml);
    gw.announce = announce_new(&gw.conf->moves, (struct mac){{2, 0, 0, 0, 0, 9}}, &announce_ops, NULL);
    ck_assert_int_eq(count_pages("show announcements", "networks", "", &pages), 2500);
    ck_assert_int_eq(pages, 3);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cmd_announce");
    TCase *tc = tcase_create("cmd_announce");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, finish);
    tcase_add_test(tc, test_R6_4_announce_here);
    tcase_add_test(tc, test_R6_3_announce_everywhere);
    tcase_add_test(tc, test_announce_refused);
    tcase_add_test(tc, test_R6_3_show_announcements);
    tcase_add_test(tc, test_show_announcements_by_pages);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
