/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What conf_diff() finds between two configurations, and what of it it leaves to a restart.
 */
#include "conf/conf_diff.h"

#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>

#define HEAD  "site: s\ngateway: g\n"
#define UNDER "underlay: { address: 198.18.0.1, port: { interface: wan0 } }\n"
#define ACC   "access: [ { name: t, interface: lan0 } ]\n"
#define WEB   "  - { name: web, vlan: 100, vni: 10100 }\n"
#define DB    "  - { name: db, vlan: 200, vni: 10200 }\n"
#define NETS  "networks:\n" WEB DB
#define BGP   "bgp:\n  asn: 65000\n  peers:\n    - { address: 198.18.0.2, name: london }\n"

static bool sys_admin = true; /* the process has the right */

static struct conf *load(const char *yaml)
{
    struct conf_errors errors = {0};
    struct conf *c = conf_load_string("test", yaml, strlen(yaml), &errors);

    for (size_t i = 0; i < errors.n; i++)
        printf("%s\n", errors.text[i]);
    ck_assert_ptr_nonnull(c);
    conf_errors_free(&errors);
    return c;
}

/* Each change as a line: "+path", "-path", "path: from -> to", with " !" behind it when it needs a restart.
 */
static void expect(const char *from, const char *to, const char *lines)
{
    struct conf *a = load(from), *b = load(to);
    struct conf_diff d;
    char text[4096] = "";
    size_t n = 0, restarts = 0;

    ck_assert_int_eq(conf_diff(a, b, sys_admin, &d), 0);
    for (size_t i = 0; i < d.n; i++) {
        const struct conf_change *c = &d.changes[i];

        if (c->kind == CONF_CHANGED)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s: %s -> %s", c->path, c->from, c->to);
        else
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%c%s%s%s", c->kind == CONF_ADDED ? '+' : '-',
                                  c->path, c->from || c->to ? ": " : "",
                                  c->from ? c->from
                                  : c->to ? c->to
                                          : "");
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n", c->restart ? " !" : "");
        restarts += c->restart != NULL;
    }
    ck_assert_str_eq(text, lines);
    ck_assert_uint_eq(d.n_restart, restarts);
    conf_diff_free(&d);
    conf_free(a);
    conf_free(b);
}

START_TEST(test_same)
{
    expect(HEAD UNDER ACC NETS, HEAD UNDER ACC NETS, "");
    /* Order and defaults that are written out say nothing. */
    expect(HEAD UNDER ACC NETS, UNDER HEAD ACC "networks:\n" DB WEB "dataplane: { poll: adaptive }\n", "");
}
END_TEST

START_TEST(test_networks)
{
    expect(HEAD UNDER ACC NETS, HEAD UNDER ACC "networks:\n" WEB, "-networks[db]\n");
    expect(HEAD UNDER ACC "networks:\n" DB, HEAD UNDER ACC NETS, "+networks[web]\n");
    expect(HEAD UNDER ACC "networks:\n" WEB,
           HEAD UNDER ACC "networks:\n  - { name: web, vlan: 101, vni: 10100, limits: { broadcast: 7 },\n"
                          "      flood_macs: [ \"02:00:00:00:00:01\" ],\n"
                          "      static_macs: [ { mac: \"02:00:00:00:00:02\", port: t } ] }\n",
           "networks[web].vlan: 100 -> 101\n"
           "networks[web].limits.broadcast: 1000 -> 7\n"
           "+networks[web].flood_macs[02:00:00:00:00:01]: 02:00:00:00:00:01\n"
           "+networks[web].static_macs[02:00:00:00:00:02]\n");
}
END_TEST

START_TEST(test_ports)
{
    expect(HEAD UNDER ACC NETS, HEAD UNDER "access: [ { name: t, interface: lan1, mac_limit: 9 } ]\n" NETS,
           "access[t].interface: lan0 -> lan1\naccess[t].mac_limit: unlimited -> 9\n");
    expect(HEAD UNDER ACC NETS, HEAD UNDER "access: [ { name: u, interface: lan0 } ]\n" NETS,
           "-access[t]\n+access[u]\n");
    /* Another driver, which may have another MTU. */
    expect(HEAD UNDER ACC NETS, HEAD UNDER "access: [ { name: t, dpdk: net_null0, mtu: 1600 } ]\n" NETS,
           "-access[t].interface: lan0\n+access[t].dpdk: net_null0\n+access[t].mtu: 1600\n");
}
END_TEST

START_TEST(test_ports_that_come)
{
    expect(HEAD UNDER ACC NETS,
           HEAD UNDER "access: [ { name: t, interface: lan0 }, { name: u, interface: lan1 },\n"
                      "  { name: v, pci: \"0000:01:00.0\" } ]\n" NETS,
           "+access[u]\n+access[v]\n");
}
END_TEST

/* What the kernel drives follows its MTU; DPDK is told once. */
/* What was given up at the start cannot be had back. */
START_TEST(test_interfaces_that_come_too_late)
{
    const char under[] = "underlay: { address: 198.18.0.1/24, port: { dpdk: net_tap0 } }\n";
    const char xdp[] = "underlay: { address: 198.18.0.1/24, port: { dpdk: \"net_af_xdp0,iface=wan0\" } }\n";
    const char tap[] = "access:\n  - { name: t, dpdk: net_tap1 }\n";
    const char more[] = "access:\n  - { name: t, dpdk: net_tap1 }\n  - { name: n, interface: lan1 }\n";
    const char another[] = "access:\n  - { name: t, dpdk: net_tap1 }\n  - { name: n, dpdk: net_tap2 }\n";
    char from[512], to[512];

    snprintf(from, sizeof(from), HEAD "%s%s" NETS, under, tap);
    snprintf(to, sizeof(to), HEAD "%s%s" NETS, under, more);
    expect(from, to, "+access[n]\n"); /* a reload took away the last one, and nobody the right */
    sys_admin = false;
    expect(from, to, "+access[n] !\n");
    snprintf(to, sizeof(to), HEAD "%s%s" NETS, under, another);
    expect(from, to, "+access[n]\n");
    sys_admin = true;
    snprintf(from, sizeof(from), HEAD "%s%s" NETS, xdp, tap);
    snprintf(to, sizeof(to), HEAD "%s%s" NETS, xdp, more);
    expect(from, to, "+access[n]\n");
}
END_TEST

START_TEST(test_mtu_of_ports)
{
    expect(HEAD UNDER ACC NETS, HEAD UNDER "access: [ { name: t, interface: lan0, mtu: 1600 } ]\n" NETS,
           "+access[t].mtu: 1600\n");
    expect(HEAD UNDER "access: [ { name: t, dpdk: net_null0 } ]\n" NETS,
           HEAD UNDER "access: [ { name: t, dpdk: net_null0, mtu: 1600 } ]\n" NETS,
           "+access[t].mtu: 1600 !\n");
}
END_TEST

START_TEST(test_offloads_of_ports)
{
    expect(HEAD UNDER ACC NETS, HEAD UNDER "access: [ { name: t, interface: lan0, offloads: off } ]\n" NETS,
           "access[t].offloads: on -> off\n");
    expect(HEAD UNDER "access: [ { name: t, dpdk: net_null0 } ]\n" NETS,
           HEAD UNDER "access: [ { name: t, dpdk: net_null0, offloads: off } ]\n" NETS,
           "access[t].offloads: on -> off !\n");
}
END_TEST

START_TEST(test_peers)
{
    expect(HEAD UNDER ACC NETS BGP,
           HEAD UNDER ACC NETS "bgp:\n  asn: 65000\n  peers:\n    - { address: 198.18.0.2, name: oxford }\n"
                               "    - { address: 198.18.0.3 }\n",
           "bgp.peers[198.18.0.2].name: london -> oxford\n+bgp.peers[198.18.0.3]\n");
    /* The first password and another one: what they are stays out of it. */
    expect(HEAD UNDER ACC NETS BGP,
           HEAD UNDER ACC NETS
           "bgp:\n  asn: 65000\n  peers:\n    - { address: 198.18.0.2, name: london, password: x }\n",
           "+bgp.peers[198.18.0.2].password: <hidden>\n");
    expect(HEAD UNDER ACC NETS "bgp:\n  asn: 65000\n  peers: [ { address: 198.18.0.2, password: y } ]\n",
           HEAD UNDER ACC NETS "bgp:\n  asn: 65000\n  peers: [ { address: 198.18.0.2, password: x } ]\n",
           "bgp.peers[198.18.0.2].password: <hidden> -> <hidden>\n");
}
END_TEST

START_TEST(test_restarts)
{
    expect(HEAD UNDER ACC NETS,
           "site: s\ngateway: h\n"
           "underlay: { address: 198.18.0.9, port: { interface: wan1 }, ttl: 9 }\n" ACC NETS
           "dataplane: { max_macs: 2048 }\n",
           "gateway: g -> h !\nunderlay.address: 198.18.0.1 -> 198.18.0.9 !\n"
           "underlay.port.interface: wan0 -> wan1 !\nunderlay.ttl: 64 -> 9\n"
           "dataplane.max_macs: 131072 -> 2048 !\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("conf diff");
    TCase *t = tcase_create("all");

    tcase_add_test(t, test_same);
    tcase_add_test(t, test_networks);
    tcase_add_test(t, test_ports);
    tcase_add_test(t, test_ports_that_come);
    tcase_add_test(t, test_interfaces_that_come_too_late);
    tcase_add_test(t, test_mtu_of_ports);
    tcase_add_test(t, test_offloads_of_ports);
    tcase_add_test(t, test_peers);
    tcase_add_test(t, test_restarts);
    suite_add_tcase(s, t);
    return run_suite(s);
}
