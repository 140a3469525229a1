/* SPDX-License-Identifier: BSD-3-Clause
 *
 * show neighbors, and clear duplicate for IP addresses, on a gateway made up for it.
 */
#include "tests/unit/cmd_rig.h"

static const char conf_text[] =
    "site: paris\n"
    "gateway: paris-1\n"
    "underlay:\n"
    "  address: 198.18.0.1\n"
    "  port: { interface: wan0 }\n"
    "access:\n"
    "  - { name: trunk, interface: lan0 }\n"
    "networks:\n"
    "  - { name: web, vlan: 100, vni: 10100, peers: [ { address: 198.18.0.3 } ] }\n"
    "  - { name: db, vlan: 200, vni: 10200, proxy: off }\n";

static void setup(void)
{
    start(conf_text);
}

static void route_ip(unsigned n, const char *text, uint8_t flags)
{
    const struct mac mac = {{2, 0, 0x5e, 0, (uint8_t)(n >> 8), (uint8_t)n}};
    struct ipaddr ip;

    ck_assert(ipaddr_parse(text, &ip));
    neighbor_route(gw.neighbors, 1, mac, &ip, true, flags, mono_now());
}

START_TEST(test_rows)
{
    cJSON *r;

    learn(1, 1, DP_WHERE_PORT, 1);
    learn(2, 2, DP_WHERE_PORT, 1);
    learn(1, 3, DP_WHERE_VTEP, 1);
    ck_assert_int_eq(show_ip(1, 1, "10.0.0.1", 0, 20), 0);
    ck_assert_int_eq(show_ip(2, 2, "2001:db8::2", NEIGHBOR_ROUTER | NEIGHBOR_OVERRIDE, 5), 0);
    route_ip(3, "10.0.0.3", NEIGHBOR_IMMUTABLE);
    route_ip(1, "10.0.0.1", 0);
    r = ask("{\"cmd\":\"show neighbors\"}");
    ck_at(r, "total", "3");
    ck_at(r, "local", "2");
    ck_at(r, "frozen", "0");
    ck_at(r, "next", "missing");
    ck_at(r, "neighbors/0",
          "{\"network\":\"web\",\"ip\":\"10.0.0.1\",\"mac\":\"02:00:5e:00:00:01\",\"port\":\"trunk\","
          "\"origin\":\"both\","
          "\"used\":true,\"answered\":true,\"router\":false,\"override\":false,\"immutable\":false,"
          "\"frozen\":false,"
          "\"age_s\":20,\"since_s\":20}");
    ck_at(r, "neighbors/1/origin", "\"local\"");
    ck_at(r, "neighbors/1/ip", "\"2001:db8::2\"");
    ck_at(r, "neighbors/1/answered", "false"); /* proxy: off */
    ck_at(r, "neighbors/1/router", "true");
    ck_at(r, "neighbors/1/override", "true");
    ck_at(r, "neighbors/1/age_s", "5");
    ck_at(r, "neighbors/2/vtep", "\"198.18.0.3\"");
    ck_at(r, "neighbors/2/origin", "\"evpn\"");
    ck_at(r, "neighbors/2/immutable", "true");
    ck_at(r, "neighbors/2/age_s", "missing");
    ck_at(r, "neighbors/3", "missing");
    cJSON_Delete(r);
}
END_TEST

START_TEST(test_filters)
{
    cJSON *r;

    learn(1, 1, DP_WHERE_PORT, 1);
    learn(2, 1, DP_WHERE_PORT, 1);
    learn(1, 2, DP_WHERE_PORT, 1);
    show_ip(1, 1, "10.0.0.1", 0, 1);
    show_ip(2, 1, "10.0.0.1", 0, 1);
    show_ip(1, 1, "10.0.0.2", 0, 1);
    show_ip(1, 2, "10.0.0.3", 0, 1);
    r = ask("{\"cmd\":\"show neighbors\",\"network\":\"db\"}");
    ck_at(r, "neighbors/0/network", "\"db\"");
    ck_at(r, "neighbors/1", "missing");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"show neighbors\",\"mac\":\"02:00:5e:00:00:01\"}");
    ck_at(r, "neighbors/2/network", "\"db\"");
    ck_at(r, "neighbors/3", "missing");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"show neighbors\",\"ip\":\"10.0.0.1\"}");
    ck_at(r, "neighbors/0/network", "\"web\"");
    ck_at(r, "neighbors/1/network", "\"db\"");
    ck_at(r, "neighbors/2", "missing");
    cJSON_Delete(r);
    r = ask(
        "{\"cmd\":\"show neighbors\",\"ip\":\"10.0.0.1\",\"mac\":\"02:00:5e:00:00:01\",\"network\":\"web\"}");
    ck_at(r, "neighbors/0/ip", "\"10.0.0.1\"");
    ck_at(r, "neighbors/1", "missing");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"show neighbors\",\"ip\":\"10.0.0.9\"}");
    ck_at(r, "neighbors", "[]");
    ck_at(r, "next", "missing");
    cJSON_Delete(r);
    ck_refused("{\"cmd\":\"show neighbors\",\"network\":\"none\"}", "no network of that name");
    ck_refused("{\"cmd\":\"show neighbors\",\"ip\":\"10.0.0\"}", "ip");
}
END_TEST

START_TEST(test_pages)
{
    char ip[32];
    int pages;

    for (unsigned i = 0; i < 2500; i++) {
        learn(1, i, DP_WHERE_PORT, 1);
        snprintf(ip, sizeof(ip), "10.1.%u.%u", i >> 8, i & 0xff);
        ck_assert_int_eq(show_ip(1, i, ip, 0, 1), 0);
    }
    ck_assert_int_eq(count_pages("show neighbors", "neighbors", "", &pages), 2500);
    ck_assert_int_eq(pages, 3);
}
END_TEST

START_TEST(test_R7_5_clear_duplicate)
{
    cJSON *r;

    ck_assert_int_eq(neighbor_set_duplicates(gw.neighbors, 1, 180, 0), 0);
    learn(1, 1, DP_WHERE_PORT, 1);
    learn(1, 2, DP_WHERE_PORT, 1);
    for (unsigned i = 0; i < 3; i++) {
        char ip[16];

        snprintf(ip, sizeof(ip), "10.0.0.%u", i);
        ck_assert_int_eq(show_ip(1, 1, ip, 0, 1), 0);
        ck_assert_int_eq(show_ip(1, 2, ip, 0, 1), -EEXIST);
    }
    r = ask("{\"cmd\":\"show neighbors\",\"duplicates\":true}");
    ck_at(r, "frozen", "3");
    ck_at(r, "duplicates", "3");
    ck_at(r, "neighbors/2/frozen", "true");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"clear duplicate\",\"ip\":\"10.0.0.1\"}");
    ck_at(r, "cleared", "0");
    ck_at(r, "cleared_ips", "1");
    cJSON_Delete(r);
    ck_refused("{\"cmd\":\"clear duplicate\",\"ip\":\"10.0.0.1\"}", "that IP address is not frozen");
    ck_refused("{\"cmd\":\"clear duplicate\",\"ip\":\"10.0.0.2\",\"all\":true}", "not both");
    r = ask("{\"cmd\":\"clear duplicate\",\"all\":true,\"network\":\"db\"}");
    ck_at(r, "cleared_ips", "0");
    cJSON_Delete(r);
    /* A MAC stands for the IPs that it wanted, too. */
    r = ask("{\"cmd\":\"clear duplicate\",\"mac\":\"02:00:5e:00:00:02\"}");
    ck_at(r, "cleared_ips", "2");
    cJSON_Delete(r);
    ck_refused("{\"cmd\":\"clear duplicate\",\"mac\":\"02:00:5e:00:00:02\"}", "that MAC is not frozen");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cmd_neighbors");
    TCase *c = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, test_rows);
    tcase_add_test(c, test_filters);
    tcase_add_test(c, test_pages);
    tcase_add_test(c, test_R7_5_clear_duplicate);
    suite_add_tcase(suite, c);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
