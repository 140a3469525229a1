/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands of the API on a gateway made up in cmd_rig.h, without BGP. Those about BGP are in
 * test_cmd_bgp.c.
 */
#include "conf/version.h"
#include "tests/unit/cmd_rig.h"
#include "tests/unit/suite.h"

#define MANY_NETWORKS 1200
#define MANY_VTEPS    600

static const char small_conf[] =
    "site: paris\n"
    "gateway: paris-1\n"
    "underlay:\n"
    "  address: 198.18.0.1\n"
    "  port: { interface: wan0 }\n"
    "access:\n"
    "  - { name: trunk, interface: lan0, mac_limit: 50 }\n"
    "  - { name: lab, interface: lan1, untagged: web }\n"
    "networks:\n"
    "  - name: web\n"
    "    vlan: 100\n"
    "    vni: 10100\n"
    "    mac_limit: 2000\n"
    "    peers: [ { address: 198.18.0.3, learning: on }, { address: 198.18.0.4 } ]\n"
    "  - { name: db, vlan: 200, vni: 10200, unknown_unicast: flood, mac_limit: 7,\n"
    "      peers: [ { address: 198.18.0.3 } ] }\n";

static void setup(void)
{
    start(small_conf);
}

/* ---- tests */

START_TEST(test_status)
{
    fake_totals.drops[DROP_vni_unknown] = 3;
    fake_totals.drops[DROP_tx_full] = 4;
    fake_totals.events_lost = 9;
    learn(1, 1, DP_WHERE_PORT, 1);
    ck_ask("{\"cmd\":\"show status\"}", {"site", "\"paris\""}, {"generation", "1"}, {"reload_macs_left", "0"},
           {"gateway", "\"paris-1\""}, {"version", "\"" CAUSEWAY_VERSION "\""}, {"uptime_s", "90"},
           {"underlay/address", "\"198.18.0.1\""}, {"underlay/up", "true"}, {"ports", "3"}, {"ports_up", "2"},
           {"networks", "2"}, {"vteps", "2"}, {"vteps_resolved", "1"}, {"macs", "1"}, {"fdb_used", "5"},
           {"events_lost", "9"}, {"drops", "7"}, {"macs_at_ports", "1"}, {"macs_at_vteps", "0"},
           {"duplicates_frozen", "0"}, {"bgp", "missing"});
}
END_TEST

START_TEST(test_fastpath)
{
    ck_ask("{\"cmd\":\"show fastpath\"}", {"configured", "\"auto\""}, {"state", "\"off\""},
           {"why_not", "\"off\""}, {"ports", "missing"}, {"pinned", "missing"});
    ck_ask("{\"cmd\":\"show status\"}", {"fastpath/state", "\"off\""}, {"fastpath/carried", "0"},
           {"fastpath/by_worker", "33"});
    ck_refused("{\"cmd\":\"fastpath detach\"}", "there is no fast path");
    fake_fastpath = true;
    fake_why_not = NULL;
    ck_ask("{\"cmd\":\"show fastpath\"}", {"state", "\"on\""}, {"pinned", "false"},
           {"why_not_pinned", "\"no bpffs\""}, {"sees_lost", "false"}, {"why_blind", "\"no tracepoints\""},
           {"dir", "\"/sys/fs/bpf/causeway\""}, {"punt_limit", "250000"}, {"carried", "18"},
           {"by_worker", "15"}, {"share_percent", "54.5"}, {"maps/macs", "7"}, {"maps/macs_max", "8192"},
           {"maps/macs_refused", "12"}, {"taken_over/macs_there", "3"}, {"ports/0/port", "\"underlay\""},
           {"ports/0/program", "\"fp_wan\""}, {"ports/0/target", "false"},
           {"ports/0/no_target", "\"link down\""}, {"ports/0/carried_in/frames", "5"},
           {"ports/0/punts/source", "9"}, {"ports/0/punts/no_topology", "0"}, {"ports/0/punted", "9"},
           {"ports/0/lost", "6"}, {"ports/1", "missing"}, {"punts/0/reason", "\"source\""},
           {"punts/0/count", "27"}, {"punts/1", "missing"});
    ck_refused("{\"cmd\":\"fastpath detach\",\"gateway\":\"rome-1\"}", "this is gateway paris-1");
    ck_ask("{\"cmd\":\"fastpath detach\",\"gateway\":\"paris-1\"}", {"state", "\"detached\""});
}
END_TEST

START_TEST(test_ports)
{
    cJSON *r = ask("{\"cmd\":\"show ports\"}");
    char *text = raw("{\"cmd\":\"show ports\"}");

    ck_at(r, "ports/0/name", "\"underlay\"");
    ck_at(r, "ports/0/role", "\"underlay\"");
    ck_at(r, "ports/0/xdp", "\"native\"");
    ck_at(r, "ports/0/macs", "missing");
    ck_at(r, "ports/1/name", "\"trunk\"");
    ck_at(r, "ports/1/role", "\"access\"");
    ck_at(r, "ports/1/xdp", "missing");
    ck_at(r, "ports/1/mac_limit", "50");
    ck_at(r, "ports/1/rx/frames", "11");
    ck_at(r, "ports/1/drops", "3");
    ck_at(r, "ports/2/up", "false");
    ck_at(r, "ports/2/mac_limit", "null");
    /* All 64 bits of a counter reach the client. */
    ck_assert_ptr_nonnull(strstr(text, "\"bytes\":18446744073709551615"));
    cJSON_free(text);
    cJSON_Delete(r);
}
END_TEST

START_TEST(test_networks)
{
    ck_ask("{\"cmd\":\"show networks\"}", {"networks/0/name", "\"web\""}, {"networks/0/vlan", "100"},
           {"networks/0/ports", "[{\"port\":\"trunk\",\"vlan\":100},{\"port\":\"lab\",\"vlan\":null}]"},
           {"networks/0/unknown_unicast", "\"drop\""}, {"networks/0/mac_limit", "2000"},
           {"networks/0/vteps", "2"}, {"networks/0/peers", "missing"},
           {"networks/0/counters/wan_out/flooded", "{\"frames\":6,\"bytes\":7}"},
           {"networks/1/unknown_unicast", "\"flood\""}, {"networks/1/mac_limit", "7"},
           {"networks/1/ports", "[{\"port\":\"trunk\",\"vlan\":200}]"},
           {"networks/1/counters/access_in/unicast/frames", "2"});
    ck_ask("{\"cmd\":\"show networks\",\"network\":\"web\"}", {"networks/1", "missing"},
           {"networks/0/peers/0",
            "{\"vtep\":\"198.18.0.3\",\"known_by\":\"static\",\"learning\":true,\"state\":\"resolved\"}"},
           {"networks/0/peers/1/learning", "false"}, {"networks/0/peers/1/state", "\"no route\""});
}
END_TEST

/* Without a bgp section the commands about BGP say so, and nothing else hints at it. */
START_TEST(test_without_bgp)
{
    static const char *const requests[] = {"{\"cmd\":\"show bgp\"}", "{\"cmd\":\"show bgp peers\"}",
                                           "{\"cmd\":\"show bgp peers\",\"peer\":\"198.18.0.3\"}",
                                           "{\"cmd\":\"show routes\"}",
                                           "{\"cmd\":\"clear bgp\",\"all\":true}"};

    ck_ask("{\"cmd\":\"show networks\"}", {"networks/0/rd", "missing"});
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        ck_refused(requests[i], "no BGP on this gateway");
}
END_TEST

START_TEST(test_unknown_names)
{
    static const char *const requests[] = {
        "{\"cmd\":\"show networks\",\"network\":\"none\"}", "{\"cmd\":\"show macs\",\"network\":\"none\"}",
        "{\"cmd\":\"clear macs\",\"network\":\"none\"}", "{\"cmd\":\"show vteps\",\"vtep\":\"198.18.0.77\"}"};

    learn(1, 1, DP_WHERE_PORT, 1);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        ck_refused(requests[i], "\"no ");
    ck_assert_uint_eq(mactable_count(gw.macs), 1);
}
END_TEST

START_TEST(test_macs)
{
    struct mac flooded = {{2, 0, 0, 0, 0, 0xf0}}, fixed = {{2, 0, 0, 0, 0, 0xf1}};
    cJSON *r;

    learn(1, 1, DP_WHERE_PORT, 1);
    learn(2, 1, DP_WHERE_VTEP, 1);
    mactable_add_static(gw.macs, 1, flooded,
                        (struct dp_dest){.where = DP_WHERE_FLOOD, .target = 0, .is_static = true},
                        mono_now());
    mactable_add_static(gw.macs, 1, fixed,
                        (struct dp_dest){.where = DP_WHERE_VTEP, .target = 2, .is_static = true}, mono_now());
    ck_ask("{\"cmd\":\"show macs\",\"network\":\"web\",\"mac\":\"02:00:5e:00:00:01\"}", {"macs/1", "missing"},
           {"macs/0/network", "\"web\""}, {"macs/0/mac", "\"02:00:5e:00:00:01\""},
           {"macs/0/origin", "\"local\""}, {"macs/0/port", "\"trunk\""}, {"macs/0/vtep", "missing"},
           {"macs/0/age_s", "7"}, {"macs/0/since_s", "30"}, {"macs/0/moves", "0"});
    ck_ask("{\"cmd\":\"show macs\",\"mac\":\"02:00:5e:00:00:01\"}", {"macs/1/network", "\"db\""},
           {"macs/1/origin", "\"remote\""}, {"macs/1/vtep", "\"198.18.0.3\""});
    ck_ask("{\"cmd\":\"show macs\",\"mac\":\"02:00:00:00:00:f0\"}", {"macs/0/origin", "\"flood\""},
           {"macs/0/port", "missing"}, {"macs/0/age_s", "missing"});
    ck_ask("{\"cmd\":\"show macs\",\"mac\":\"02:00:00:00:00:f1\"}", {"macs/0/origin", "\"static\""},
           {"macs/0/vtep", "\"198.18.0.4\""});
    ck_ask("{\"cmd\":\"show macs\",\"mac\":\"02:00:00:00:00:99\"}", {"macs", "[]"});
    r = ask("{\"cmd\":\"show macs\",\"network\":\"db\"}");
    ck_at(r, "total", "1");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(r, "macs")), 1);
    cJSON_Delete(r);
}
END_TEST

/* A cursor from anywhere, as a client may make one up. */
START_TEST(test_macs_cursor_of_ones_own)
{
    learn(1, 1, DP_WHERE_PORT, 1);
    cJSON_Delete(ask("{\"cmd\":\"show macs\",\"after\":4294967295}"));
    cJSON_Delete(ask("{\"cmd\":\"show macs\",\"after\":77}"));
    cJSON_Delete(ask("{\"cmd\":\"show macs\",\"mac\":\"02:00:5e:00:00:01\",\"after\":4294967295}"));
    cJSON_Delete(ask("{\"cmd\":\"show networks\",\"after\":4294967295}"));
    cJSON_Delete(ask("{\"cmd\":\"show vteps\",\"after\":4294967295}"));
    cJSON_Delete(ask("{\"cmd\":\"show counters\",\"after\":4294967295}"));
    cJSON_Delete(ask("{\"cmd\":\"show config\",\"after\":4294967295}"));
}
END_TEST

START_TEST(test_macs_pages)
{
    int pages;

    for (unsigned i = 0; i < 3500; i++)
        learn((dp_net_id)(1 + i % 2), i, DP_WHERE_PORT, 1);
    ck_assert_int_eq(count_pages("show macs", "macs", "", &pages), 3500);
    ck_assert_int_ge(pages, 4);
    ck_assert_int_eq(count_pages("show macs", "macs", ",\"network\":\"db\"", &pages), 1750);
}
END_TEST

START_TEST(test_clear_macs)
{
    for (unsigned i = 0; i < 10; i++)
        learn((dp_net_id)(1 + i % 2), i / 2, DP_WHERE_PORT, 1);
    ck_ask("{\"cmd\":\"clear macs\",\"mac\":\"02:00:5e:00:00:01\",\"network\":\"web\"}", {"cleared", "1"});
    ck_ask("{\"cmd\":\"clear macs\",\"mac\":\"02:00:5e:00:00:02\"}", {"cleared", "2"});
    ck_ask("{\"cmd\":\"clear macs\",\"network\":\"db\"}", {"cleared", "4"});
    ck_ask("{\"cmd\":\"clear macs\"}", {"cleared", "3"});
    ck_assert_uint_eq(mactable_count(gw.macs), 0);
}
END_TEST

START_TEST(test_vteps)
{
    cJSON *r = ask("{\"cmd\":\"show vteps\"}");

    learn(1, 1, DP_WHERE_VTEP, 1);
    ck_at(r, "vteps/0/address", "\"198.18.0.3\"");
    ck_at(r, "vteps/0/resolved", "true");
    ck_at(r, "vteps/0/next_hop", "\"198.18.0.254\"");
    ck_at(r, "vteps/0/next_hop_mac", "\"02:00:00:00:00:05\"");
    ck_at(r, "vteps/0/mtu", "1600");
    ck_at(r, "vteps/0/networks", "2");
    ck_at(r, "vteps/0/known_by", "\"static\"");
    ck_at(r, "vteps/0/lost", "false");
    ck_at(r, "vteps/0/network_names", "missing");
    ck_at(r, "vteps/1/networks", "1");
    ck_at(r, "vteps/1/resolved", "false");
    ck_at(r, "vteps/1/state", "\"no route\"");
    ck_at(r, "vteps/1/next_hop", "null");
    ck_at(r, "vteps/1/next_hop_mac", "missing");
    cJSON_Delete(r);
    ck_ask("{\"cmd\":\"show vteps\",\"vtep\":\"198.18.0.3\"}", {"vteps/1", "missing"},
           {"vteps/0/networks", "2"}, {"vteps/0/network_names", "[\"web\",\"db\"]"}, {"vteps/0/macs", "1"},
           {"vteps/0/tx/frames", "2"});
}
END_TEST

START_TEST(test_drops)
{
    cJSON *r;

    ck_ask("{\"cmd\":\"show drops\"}", {"total", "0"}, {"drops", "[]"});
    fake_totals.drops[DROP_vni_unknown] = 3;
    ck_ask("{\"cmd\":\"show drops\"}", {"total", "3"},
           {"drops", "[{\"reason\":\"vni_unknown\",\"count\":3,\"text\":\"VNI not configured (R1.9)\"}]"});
    r = ask("{\"cmd\":\"show drops\",\"all\":true}");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(r, "drops")), DROP_N);
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"show drops\",\"all\":false}");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(r, "drops")), 1);
    cJSON_Delete(r);
}
END_TEST

START_TEST(test_counters)
{
    fake_totals.replicas = 12;
    fake_totals.originated = 13;
    fake_totals.taken = 14;
    fake_totals.drops[DROP_path_mtu] = 2;
    ck_ask("{\"cmd\":\"show counters\"}", {"totals/replicas", "12"}, {"totals/drops", "2"},
           {"drops/path_mtu", "2"}, {"drops/tx_full", "0"}, {"ports/2/port", "\"lab\""},
           {"ports/2/tx/frames", "22"}, {"networks/1/network", "\"db\""},
           {"networks/1/access_in_unicast/frames", "2"}, {"vteps/1/vtep", "\"198.18.0.4\""},
           {"vteps/1/rx/frames", "2"}, {"next", "missing"});
}
END_TEST

START_TEST(test_config_parses_to_the_same)
{
    cJSON *r = ask("{\"cmd\":\"show config\"}");
    const char *yaml = cJSON_GetObjectItem(r, "yaml")->valuestring;
    struct conf_errors errors = {0};
    struct conf *again = conf_load_string("again", yaml, strlen(yaml), &errors);

    ck_assert_msg(again != NULL, "%s", errors.n ? errors.text[0] : "?");
    ck_assert_str_eq(again->networks[0].name, "web");
    ck_assert_uint_eq(again->networks[0].n_peers, 2);
    conf_errors_free(&errors);
    conf_free(again);
    cJSON_Delete(r);
}
END_TEST

/* 1,200 networks, 600 VTEPs: all that is paged, and the text of the configuration in whole lines. */
START_TEST(test_many)
{
    char *yaml = malloc(1 << 20), *text = calloc(1, 4 << 20);
    struct conf_errors errors = {0};
    struct conf *again;
    int n, pages;
    unsigned after = 0;

    n = sprintf(yaml, "site: a\ngateway: b\nunderlay: { address: 198.18.0.1, port: { interface: wan0 } }\n"
                      "access: [ { name: t, interface: lan0 } ]\nnetworks:\n");
    for (unsigned i = 0; i < MANY_NETWORKS; i++) {
        unsigned v = i % MANY_VTEPS;

        n += sprintf(yaml + n, "  - { name: n%u, vlan: %u, vni: %u, peers: [ { address: 198.18.%u.%u } ] }\n",
                     i, i + 1, i + 1, 1 + v / 200, 1 + v % 200);
    }
    teardown();
    start(yaml);
    ck_assert_int_eq(count_pages("show networks", "networks", "", &pages), MANY_NETWORKS);
    ck_assert_int_eq(pages, 3);
    ck_assert_int_eq(count_pages("show vteps", "vteps", "", &pages), MANY_VTEPS);
    ck_assert_int_eq(pages, 3);
    ck_assert_int_eq(count_pages("show counters", "networks", "", &pages), MANY_NETWORKS);
    ck_assert_int_eq(count_pages("show counters", "vteps", "", &pages), MANY_VTEPS);
    ck_assert_int_eq(pages, 2);
    for (pages = 0;; pages++) {
        char request[64];
        const cJSON *next;
        cJSON *r;

        snprintf(request, sizeof(request), "{\"cmd\":\"show config\",\"after\":%u}", after);
        r = ask(request);
        strcat(text, cJSON_GetObjectItem(r, "yaml")->valuestring);
        next = cJSON_GetObjectItem(r, "next");
        after = next ? (unsigned)next->valuedouble : 0;
        ck_assert_int_eq(text[strlen(text) - 1], '\n');
        cJSON_Delete(r);
        if (!after)
            break;
    }
    ck_assert_int_ge(pages, 1);
    again = conf_load_string("again", text, strlen(text), &errors);
    ck_assert_msg(again != NULL, "%s", errors.n ? errors.text[0] : "?");
    ck_assert_uint_eq(again->n_networks, MANY_NETWORKS);
    conf_errors_free(&errors);
    conf_free(again);
    free(yaml);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cmd");
    TCase *c = tcase_create("commands");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 30);
    tcase_add_test(c, test_status);
    tcase_add_test(c, test_ports);
    tcase_add_test(c, test_networks);
    tcase_add_test(c, test_without_bgp);
    tcase_add_test(c, test_unknown_names);
    tcase_add_test(c, test_macs);
    tcase_add_test(c, test_macs_cursor_of_ones_own);
    tcase_add_test(c, test_macs_pages);
    tcase_add_test(c, test_clear_macs);
    tcase_add_test(c, test_fastpath);
    tcase_add_test(c, test_vteps);
    tcase_add_test(c, test_drops);
    tcase_add_test(c, test_counters);
    tcase_add_test(c, test_config_parses_to_the_same);
    tcase_add_test(c, test_many);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
