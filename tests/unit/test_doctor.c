/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The doctor on made-up facts: each check fires when it should, and only then.
 */
#include "controlplane/doctor.h"
#include "controlplane/doctor_gateway.h"

#include <check.h>
#include <stdlib.h>

#include "tests/unit/suite.h"

static const char yaml[] = "site: paris\n"
                           "gateway: paris-1\n"
                           "underlay: { address: 198.18.0.1, port: { interface: wan0 } }\n"
                           "access:\n"
                           "  - { name: trunk, interface: lan0 }\n"
                           "networks:\n"
                           "  - { name: web, vlan: 100, vni: 10100 }\n"
                           "  - { name: big, vlan: 101, vni: 10101, mtu: 1600 }\n"
                           "bgp: { asn: 65000, router_id: 198.18.0.1, peers: [ { address: 198.18.0.2 } ] }\n";

static struct conf *conf;
static struct doctor_facts f;
static struct doctor_port *lan, *wan;
static struct doctor_report r;

static struct doctor_firewall passes = {.pass = DOCTOR_PASS};

/* All is well. */
static void setup(void)
{
    struct conf_errors errors;

    conf = conf_load_string("test", yaml, sizeof(yaml) - 1, &errors);
    ck_assert_msg(conf != NULL, "%s", errors.n ? errors.text[0] : "?");
    conf_errors_free(&errors);
    f = (struct doctor_facts){0};
    ck_assert(doctor_facts_init(&f, conf));
    ck_assert_uint_eq(f.n_ports, 2);
    lan = &f.ports[0];
    wan = &f.ports[1];
    for (size_t i = 0; i < 2; i++) {
        f.ports[i].exists = true;
        f.ports[i].up = DOCTOR_YES;
        f.ports[i].mtu = i ? 1650 : 1600;
        strcpy(f.ports[i].driver, "ixgbe");
        strcpy(f.ports[i].mode, "native");
        f.ports[i].rx_vlan = f.ports[i].lro = f.ports[i].gro_hw = DOCTOR_NO;
        f.ports[i].rp_filter = 0;
    }
    f.hugepages_known = true;
    f.hugepages = f.hugepages_free = 512;
    f.clock_synchronised = DOCTOR_YES;
    f.limits_known = true;
    f.memlock = UINT64_MAX;
    f.nofile = 65536;
    f.vxlan_in = f.bgp_in = f.bgp_out = passes;
    f.gateway = DOCTOR_RUNS;
    f.gateway_hugepages = DOCTOR_YES;
    f.looked_s = 1;
}

static void teardown(void)
{
    doctor_report_free(&r);
    doctor_facts_free(&f);
    conf_free(conf);
}

static const struct doctor_finding *find(const char *check, enum doctor_verdict v, const char *words)
{
    for (size_t i = 0; i < r.n; i++)
        if (strcmp(r.findings[i].check, check) == 0 && r.findings[i].verdict == v &&
            strstr(r.findings[i].text, words))
            return &r.findings[i];
    return NULL;
}

static void run(void)
{
    doctor_report_free(&r);
    doctor_run(&f, &r);
    ck_assert(!r.no_memory);
}

/* This check alone says so, once, with what to do, and the status follows. */
static void fires(const char *check, enum doctor_verdict v, const char *words)
{
    const struct doctor_finding *found;

    run();
    found = find(check, v, words);
    ck_assert_msg(found != NULL, "%s: no %s with \"%s\"", check, doctor_verdict_text(v), words);
    ck_assert(found->todo[0]);
    ck_assert_uint_eq(r.count[DOCTOR_PROBLEM], v == DOCTOR_PROBLEM);
    ck_assert_uint_eq(r.count[DOCTOR_WARNING], v == DOCTOR_WARNING);
    ck_assert_uint_eq(r.count[DOCTOR_CANNOT_TELL], v == DOCTOR_CANNOT_TELL);
    ck_assert_int_eq(doctor_status(&r), v == DOCTOR_PROBLEM ? 2 : v == DOCTOR_WARNING ? 1 : 0);
}

static void quiet(void)
{
    run();
    ck_assert_uint_eq(r.count[DOCTOR_PROBLEM] + r.count[DOCTOR_WARNING] + r.count[DOCTOR_CANNOT_TELL], 0);
    ck_assert_int_eq(doctor_status(&r), 0);
}

START_TEST(test_all_is_well)
{
    quiet();
    ck_assert_uint_ge(r.n, 15);
    for (size_t i = 0; i < r.n; i++)
        ck_assert(r.findings[i].text[0]);
}
END_TEST

START_TEST(test_interfaces)
{
    lan->up = DOCTOR_NO;
    fires("interfaces", DOCTOR_PROBLEM, "lan0");
}
END_TEST

START_TEST(test_interface_that_is_not_there)
{
    wan->exists = false;
    run();
    ck_assert(find("interfaces", DOCTOR_PROBLEM, "wan0"));
    ck_assert(find("mtu", DOCTOR_CANNOT_TELL, "underlay"));
}
END_TEST

START_TEST(test_driver)
{
    strcpy(lan->mode, "generic");
    fires("driver", DOCTOR_WARNING, "lan0");
    lan->mode[0] = '\0';
    fires("driver", DOCTOR_CANNOT_TELL, "lan0");
}
END_TEST

START_TEST(test_R1_7_wan_mtu)
{
    wan->mtu = 1649;
    fires("mtu", DOCTOR_PROBLEM, "needs 1650");
    wan->mtu = 1650;
    quiet();
    conf->underlay.mtu = 1600; /* configured smaller than the interface's */
    fires("mtu", DOCTOR_PROBLEM, "has MTU 1600");
}
END_TEST

START_TEST(test_access_mtu)
{
    lan->mtu = 1500;
    fires("mtu", DOCTOR_PROBLEM, "network big needs 1600");
    lan->mtu = 9000; /* big says what it may be */
    quiet();
    lan->wanted = 1500;
    lan->wanted_is_default = true;
    lan->mtu = 9000;
    fires("mtu", DOCTOR_WARNING, "has MTU 9000");
}
END_TEST

START_TEST(test_rx_vlan)
{
    lan->rx_vlan = DOCTOR_YES;
    fires("rx-vlan", DOCTOR_PROBLEM, "lan0");
    lan->rx_vlan = DOCTOR_UNKNOWN;
    fires("rx-vlan", DOCTOR_CANNOT_TELL, "lan0");
    lan->rx_vlan = DOCTOR_NO;
    wan->rx_vlan = DOCTOR_YES; /* no tags there */
    quiet();
}
END_TEST

START_TEST(test_rx_vlan_before_the_start)
{
    f.gateway = DOCTOR_NOT_ASKED;
    lan->rx_vlan = DOCTOR_YES; /* the gateway turns it off */
    quiet();
}
END_TEST

START_TEST(test_merging)
{
    lan->lro = DOCTOR_YES;
    fires("lro-gro", DOCTOR_PROBLEM, "LRO");
    lan->lro = DOCTOR_NO;
    wan->gro_hw = DOCTOR_YES;
    fires("lro-gro", DOCTOR_PROBLEM, "wan0");
    wan->gro_hw = wan->lro = DOCTOR_UNKNOWN;
    fires("lro-gro", DOCTOR_CANNOT_TELL, "wan0");
}
END_TEST

START_TEST(test_checksum)
{
    strcpy(lan->driver, "veth");
    strcpy(lan->checksum_at, "veth7");
    lan->checksum = DOCTOR_NO;
    quiet();
    lan->checksum = DOCTOR_YES;
    fires("checksum", DOCTOR_WARNING, "veth7");
    lan->checksum_at[0] = '\0';
    lan->checksum = DOCTOR_UNKNOWN;
    fires("checksum", DOCTOR_CANNOT_TELL, "lan0");
    strcpy(lan->driver, "ixgbe");
    quiet();
}
END_TEST

START_TEST(test_hugepages)
{
    f.gateway_hugepages = DOCTOR_NO;
    fires("hugepages", DOCTOR_WARNING, "without hugepages");
    conf->dataplane.hugepages = CONF_HUGEPAGES_OFF;
    quiet();
    conf->dataplane.hugepages = CONF_HUGEPAGES_ON;
    f.gateway = DOCTOR_NOT_ASKED;
    f.hugepages_free = 0;
    fires("hugepages", DOCTOR_PROBLEM, "512 hugepages are in use");
    f.hugepages_known = false;
    fires("hugepages", DOCTOR_CANNOT_TELL, "cannot be read");
}
END_TEST

START_TEST(test_clock_and_limits)
{
    f.clock_synchronised = DOCTOR_NO;
    fires("clock", DOCTOR_WARNING, "not synchronised");
    f.clock_synchronised = DOCTOR_UNKNOWN;
    fires("clock", DOCTOR_CANNOT_TELL, "");
    f.clock_synchronised = DOCTOR_YES;
    f.memlock = 8 << 20;
    fires("limits", DOCTOR_WARNING, "8192 KiB");
    f.memlock = UINT64_MAX;
    f.nofile = 256;
    fires("limits", DOCTOR_WARNING, "256 files");
    f.limits_known = false;
    fires("limits", DOCTOR_CANNOT_TELL, "");
}
END_TEST

START_TEST(test_rp_filter)
{
    lan->rp_filter = 1;
    quiet();
    wan->rp_filter = 2;
    quiet();
    wan->rp_filter = 1;
    fires("rp-filter", DOCTOR_WARNING, "wan0");
    wan->rp_filter = -1;
    fires("rp-filter", DOCTOR_CANNOT_TELL, "wan0");
}
END_TEST

START_TEST(test_firewall_findings)
{
    f.bgp_in = (struct doctor_firewall){DOCTOR_BLOCKED, "tcp dport 179 drop"};
    f.n_peers = 0;
    fires("firewall", DOCTOR_PROBLEM, "tcp dport 179 drop");
    f.peers = calloc(2, sizeof(*f.peers));
    f.n_peers = 2;
    f.peers[0].established = true;
    run();
    ck_assert_ptr_nonnull(find("firewall", DOCTOR_PROBLEM, "tcp dport 179 drop"));
    f.peers[1].established = true; /* we could connect to both */
    fires("firewall", DOCTOR_WARNING, "tcp dport 179 drop");
    f.bgp_in = passes;
    f.vxlan_in.pass = DOCTOR_BLOCKED;
    fires("firewall", DOCTOR_WARNING, "UDP 4789");
    f.vxlan_in = (struct doctor_firewall){DOCTOR_PASS_UNKNOWN, "no nft"};
    fires("firewall", DOCTOR_CANNOT_TELL, "no nft");
}
END_TEST

START_TEST(test_gateway)
{
    f.gateway = DOCTOR_NO_GATEWAY;
    strcpy(f.gateway_error, "cannot reach it");
    fires("gateway", DOCTOR_PROBLEM, "cannot reach it");
    ck_assert(!find("peers", DOCTOR_OK, ""));
    f.gateway = DOCTOR_RUNS;
    fires("gateway", DOCTOR_CANNOT_TELL, "cannot reach it");
}
END_TEST

/* ---- what a gateway says */

static void tell_all(const char *const pages[][2])
{
    struct doctor_told *t = doctor_told_new(&f);

    for (size_t i = 0; pages[i][0]; i++) {
        cJSON *page = cJSON_Parse(pages[i][1]);

        ck_assert_msg(page != NULL, "%s", pages[i][1]);
        doctor_told_page(t, pages[i][0], page);
        cJSON_Delete(page);
    }
    doctor_told_end(t);
}

#define TELL(...) tell_all((const char *const[][2]){__VA_ARGS__, {NULL, NULL}})

START_TEST(test_peers)
{
    TELL({"show bgp peers",
          "{\"peers\":[{\"address\":\"198.18.0.2\",\"state\":\"Established\"},"
          "{\"address\":\"198.18.0.3\",\"state\":\"Active\",\"last_error\":\"hold timer\"}]}"});
    fires("peers", DOCTOR_PROBLEM, "198.18.0.3 is down (Active): hold timer");
}
END_TEST

#define NETWORKS                                                                                             \
    "{\"networks\":[{\"name\":\"big\",\"vni\":10101,\"vteps\":1},{\"name\":\"web\",\"vni\":10100,\"vteps\":" \
    "1}]}"
#define ROUTE(vni, vtep, network)                                                                            \
    "{\"type\":3,\"own\":false,\"vni\":" #vni ",\"next_hop\":\"" vtep "\",\"network\":" network "}"

START_TEST(test_same_vnis)
{
    TELL({"show networks", NETWORKS},
         {"show routes", "{\"routes\":[" ROUTE(10100, "198.18.0.2", "\"web\"") "]}"},
         {"show routes", "{\"routes\":[" ROUTE(10101, "198.18.0.2", "\"big\"") ","
          /* by another reflector */
          ROUTE(10101, "198.18.0.2", "\"big\"") ",{\"type\":3,\"own\":true,\"vni\":7}]}"});
    quiet();
}
END_TEST

START_TEST(test_vni_there_only)
{
    TELL({"show networks", NETWORKS},
         {"show routes", "{\"routes\":[" ROUTE(10101, "198.18.0.2", "\"big\"") "," ROUTE(
                             10100, "198.18.0.2", "\"web\"") "," ROUTE(10105, "198.18.0.2", "null") "]}"});
    fires("vni", DOCTOR_WARNING, "198.18.0.2 has VNI 10105");
}
END_TEST

START_TEST(test_vni_here_only)
{
    TELL({"show networks", NETWORKS},
         {"show routes", "{\"routes\":[" ROUTE(10100, "198.18.0.2", "\"web\"") "]}"});
    fires("vni", DOCTOR_WARNING, "does not have VNI 10101 (network big)");
}
END_TEST

START_TEST(test_vni_by_other_targets)
{
    TELL({"show networks", NETWORKS},
         {"show routes",
          "{\"routes\":[" ROUTE(10100, "198.18.0.2", "null") "," ROUTE(10101, "198.18.0.2", "\"big\"") "]}"});
    fires("vni", DOCTOR_PROBLEM, "no route target");
}
END_TEST

START_TEST(test_network_without_vtep)
{
    TELL({"show networks", "{\"networks\":[{\"name\":\"web\",\"vni\":10100,\"vteps\":0}]}"});
    fires("networks", DOCTOR_PROBLEM, "web (VNI 10100)");
}
END_TEST

#define VTEP(resolved, mtu)                                                                                  \
    "{\"vteps\":[{\"address\":\"198.18.0.2\",\"resolved\":" #resolved                                        \
    ",\"state\":\"no route\",\"mtu\":" #mtu ",\"networks\":2}]}"
#define PATH(answers, mtu)                                                                                   \
    "{\"paths\":[{\"vtep\":\"198.18.0.2\",\"network\":\"big\",\"answers\":" #answers                         \
    ",\"mtu_wanted\":1600,\"mtu\":" #mtu "}]}"

START_TEST(test_vtep_unresolved)
{
    TELL({"show vteps", VTEP(false, 0)});
    fires("vteps", DOCTOR_PROBLEM, "no route");
}
END_TEST

START_TEST(test_R11_1_path)
{
    TELL({"show vteps", VTEP(true, 1650)}, {"doctor", PATH(true, 1600)});
    quiet();
    f.vteps[0].reached = 1433;
    fires("path-mtu", DOCTOR_PROBLEM, "MTU 1483 at most, and must have 1650");
    f.vteps[0].mtu = 1600; /* said once */
    fires("path-mtu", DOCTOR_PROBLEM, "must have 1650");
    f.vteps[0].answers = false;
    fires("path-mtu", DOCTOR_PROBLEM, "as the kernel knows it");
    f.vteps[0].mtu = 1650;
    fires("path-mtu", DOCTOR_CANNOT_TELL, "198.18.0.2");
}
END_TEST

START_TEST(test_duplicates)
{
    TELL({"show status", "{\"hugepages\":true,\"duplicates_frozen\":3}"});
    fires("duplicates", DOCTOR_PROBLEM, "3 MACs");
}
END_TEST

#define DROPS(vlans, splits)                                                                                 \
    "{\"drops\":[{\"reason\":\"vlan_unknown\",\"count\":" #vlans ",\"text\":\"VLAN\"},"                      \
    "{\"reason\":\"split_horizon\",\"count\":" #splits ",\"text\":\"\"}]}"

START_TEST(test_drops)
{
    TELL({"show drops", DROPS(100, 7)}, {"show drops", DROPS(100, 70000)});
    quiet(); /* none came to it, and the other is how it must be */
    free(f.drops);
    f.drops = NULL;
    f.n_drops = 0;
    TELL({"show drops", DROPS(100, 7)}, {"show drops", DROPS(142, 7)});
    fires("drops", DOCTOR_WARNING, "42 frames");
}
END_TEST

START_TEST(test_ports_by_the_gateway)
{
    TELL({"show ports",
          "{\"ports\":[{\"name\":\"trunk\",\"role\":\"access\",\"xdp\":\"generic\",\"mtu\":1600},"
          "{\"name\":\"wan0\",\"role\":\"underlay\",\"mtu\":1640}]}"});
    run();
    ck_assert(find("driver", DOCTOR_WARNING, "trunk"));
    ck_assert(find("mtu", DOCTOR_PROBLEM, "1640"));
}
END_TEST

/* Nothing that is missing or of another type is believed, and nothing crashes. */
START_TEST(test_nonsense)
{
    static const char *const nonsense[] = {
        "{}",
        "[]",
        "7",
        "{\"%s\":7}",
        "{\"%s\":[7,null,{}]}",
        "{\"%s\":[{\"name\":7,\"vni\":-1,\"vteps\":1e300,\"count\":\"x\"}]}"};
    static const char *const lists[] = {"drops", "ports", "networks", "vteps", "peers", "routes", "paths"};

    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        for (size_t j = 0; j < sizeof(lists) / sizeof(lists[0]); j++) {
            char text[256];
            cJSON *page;
            struct doctor_told *t = doctor_told_new(&f);

            snprintf(text, sizeof(text), nonsense[i], lists[j]);
            page = cJSON_Parse(text);
            for (const struct doctor_question *q = doctor_questions; q->command; q++)
                doctor_told_page(t, q->command, page);
            cJSON_Delete(page);
            doctor_told_end(t);
            run();
        }
    }
}
END_TEST

START_TEST(test_many)
{
    f.networks = calloc(100, sizeof(*f.networks));
    f.n_networks = 100;
    run();
    ck_assert_uint_eq(r.count[DOCTOR_PROBLEM], 100);
    ck_assert(find("networks", DOCTOR_PROBLEM, "and 92 more"));
    ck_assert_uint_lt(r.n, 40);
}
END_TEST

/* ---- the firewall */

static const struct doctor_packet vxlan = {.port = 4789, .ifname = "wan0"};
static const struct doctor_packet bgp = {.port = 179, .ifname = "wan0", .tcp = true};
static const struct doctor_packet bgp_out = {.port = 179, .ifname = "wan0", .tcp = true, .out = true};

#define CHAIN(policy, rules)                                                                                 \
    "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy " policy       \
    ";\n" rules "\t}\n}\n"

static enum doctor_pass nft(const char *rules, const struct doctor_packet *p)
{
    return doctor_firewall_nft(rules, p).pass;
}

START_TEST(test_nft)
{
    static const struct {
        const char *rules;
        enum doctor_pass vxlan, bgp;
    } cases[] = {
        {"", DOCTOR_PASS, DOCTOR_PASS},
        {CHAIN("accept", ""), DOCTOR_PASS, DOCTOR_PASS},
        {CHAIN("drop", ""), DOCTOR_BLOCKED, DOCTOR_BLOCKED},
        {CHAIN("drop", "ct state established,related accept\niifname \"lo\" accept\n"), DOCTOR_BLOCKED,
         DOCTOR_BLOCKED},
        {CHAIN("drop", "ct state { established, related } accept\ntcp dport { 22, 179 } accept\n"),
         DOCTOR_BLOCKED, DOCTOR_PASS},
        {CHAIN("drop", "tcp dport bgp counter packets 3 bytes 7 accept\nudp dport 4000-5000 accept\n"),
         DOCTOR_PASS, DOCTOR_PASS},
        {CHAIN("accept", "udp dport 4789 drop\n"), DOCTOR_BLOCKED, DOCTOR_PASS},
        {CHAIN("accept", "tcp dport 179 reject with tcp reset\n"), DOCTOR_PASS, DOCTOR_BLOCKED},
        {CHAIN("accept", "meta l4proto udp drop\n"), DOCTOR_BLOCKED, DOCTOR_PASS},
        {CHAIN("accept", "iifname \"eth7\" drop\n"), DOCTOR_PASS, DOCTOR_PASS},
        {CHAIN("accept", "iifname \"wan*\" drop\n"), DOCTOR_BLOCKED, DOCTOR_BLOCKED},
        {CHAIN("drop", "meta nftrace set 1 jump other\n"), DOCTOR_PASS_UNKNOWN, DOCTOR_PASS_UNKNOWN},
        {CHAIN("accept", "ip saddr 198.18.0.2 udp dport 4789 drop\n"), DOCTOR_PASS_UNKNOWN, DOCTOR_PASS},
        {CHAIN("accept", "tcp dport != 22 drop\n"), DOCTOR_PASS, DOCTOR_BLOCKED},
        /* what is only said is no verdict */
        {CHAIN("accept", "tcp dport 179 ct state new log prefix \"no bgp: \" level info reject\n"),
         DOCTOR_PASS, DOCTOR_BLOCKED},
        {CHAIN("drop", "udp dport 4789 log prefix \"drop? \" accept comment \"not drop\"\n"), DOCTOR_PASS,
         DOCTOR_BLOCKED},
        {CHAIN("accept", "udp dport 4789 log prefix \"drop \"\n"), DOCTOR_PASS, DOCTOR_PASS},
        {CHAIN("accept", "ct state invalid,new drop\n"), DOCTOR_BLOCKED, DOCTOR_BLOCKED},
        {CHAIN("accept", "ct state != { established, related } drop\n"), DOCTOR_BLOCKED, DOCTOR_BLOCKED},
        {CHAIN("accept", "ct state != new,untracked drop\n"), DOCTOR_PASS, DOCTOR_PASS},
        {CHAIN("accept", "ct state established,related accept\nudp dport 4789 drop\n"), DOCTOR_BLOCKED,
         DOCTOR_PASS},
        {CHAIN("accept", "ct state vmap { established : accept, invalid : drop }\n"), DOCTOR_PASS,
         DOCTOR_PASS},
        {CHAIN("accept", "ct state vmap { established : accept, new : drop }\n"), DOCTOR_PASS_UNKNOWN,
         DOCTOR_PASS_UNKNOWN},
        {CHAIN("accept", "ct state vmap @states\n"), DOCTOR_PASS_UNKNOWN, DOCTOR_PASS_UNKNOWN},
        /* before it comes to the input */
        {"table inet r {\n chain pre {\n type filter hook prerouting priority raw; policy accept;\n tcp "
         "dport 179 "
         "drop\n }\n}\n",
         DOCTOR_PASS, DOCTOR_BLOCKED},
        /* not where it comes by */
        {"table bridge f {\n chain input {\n type filter hook input priority 0; policy drop;\n }\n}\n",
         DOCTOR_PASS, DOCTOR_PASS},
        {"table ip f {\n chain forward {\n type filter hook forward priority 0; policy drop;\n }\n}\n",
         DOCTOR_PASS, DOCTOR_PASS},
        {"table ip f {\n chain mine {\n drop\n }\n}\n", DOCTOR_PASS, DOCTOR_PASS},
        /* the second chain drops what the first let through */
        {CHAIN("accept", "udp dport 4789 accept\n") CHAIN("accept", "udp dport 4789 drop\n"), DOCTOR_BLOCKED,
         DOCTOR_PASS},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_msg(nft(cases[i].rules, &vxlan) == cases[i].vxlan, "vxlan: %s", cases[i].rules);
        ck_assert_msg(nft(cases[i].rules, &bgp) == cases[i].bgp, "bgp: %s", cases[i].rules);
        ck_assert_int_eq(nft(cases[i].rules, &bgp_out), DOCTOR_PASS);
    }
    ck_assert_int_eq(
        nft("table ip m {\n chain post {\n type filter hook postrouting priority 0; policy accept;\n "
            "tcp dport 179 drop\n }\n}\n",
            &bgp_out),
        DOCTOR_BLOCKED);
    ck_assert(strstr(doctor_firewall_nft(CHAIN("drop", ""), &bgp).rule, "policy drop"));
    ck_assert_str_eq(doctor_firewall_nft(CHAIN("accept", "udp dport 4789 drop\n"), &vxlan).rule,
                     "udp dport 4789 drop");
}
END_TEST

START_TEST(test_iptables)
{
    static const struct {
        const char *rules;
        enum doctor_pass vxlan, bgp;
    } cases[] = {
        {"-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n", DOCTOR_PASS, DOCTOR_PASS},
        {"-P INPUT DROP\n", DOCTOR_BLOCKED, DOCTOR_BLOCKED},
        {"-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 179 -j ACCEPT\n", DOCTOR_BLOCKED, DOCTOR_PASS},
        {"-P INPUT DROP\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
         "-A INPUT -p udp -m multiport --dports 53,4789 -j ACCEPT\n",
         DOCTOR_PASS, DOCTOR_BLOCKED},
        {"-P INPUT ACCEPT\n-A INPUT -i wan+ -p udp -j REJECT --reject-with icmp-port-unreachable\n",
         DOCTOR_BLOCKED, DOCTOR_PASS},
        {"-P INPUT DROP\n-A INPUT -p tcp -m comment --comment \"let -j DROP bgp\" -m tcp --dport 179 -j "
         "ACCEPT\n",
         DOCTOR_BLOCKED, DOCTOR_PASS},
        {"-P INPUT ACCEPT\n-A INPUT -p udp -j LOG --log-prefix \"-j DROP\"\n", DOCTOR_PASS, DOCTOR_PASS},
        {"-P INPUT ACCEPT\n-A INPUT -m conntrack --ctstate INVALID,NEW -j DROP\n", DOCTOR_BLOCKED,
         DOCTOR_BLOCKED},
        {"-P INPUT ACCEPT\n-A INPUT -j ufw-before-input\n", DOCTOR_PASS_UNKNOWN, DOCTOR_PASS_UNKNOWN},
        {"-P INPUT ACCEPT\n-A INPUT -s 198.18.0.0/15 -p udp -j DROP\n", DOCTOR_PASS_UNKNOWN, DOCTOR_PASS},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_msg(doctor_firewall_iptables(cases[i].rules, &vxlan).pass == cases[i].vxlan, "vxlan: %s",
                      cases[i].rules);
        ck_assert_msg(doctor_firewall_iptables(cases[i].rules, &bgp).pass == cases[i].bgp, "bgp: %s",
                      cases[i].rules);
        ck_assert_int_eq(doctor_firewall_iptables(cases[i].rules, &bgp_out).pass, DOCTOR_PASS);
    }
}
END_TEST

START_TEST(test_firewall_nonsense)
{
    char text[8192];
    unsigned seed = 7;

    for (unsigned n = 0; n < 200; n++) {
        static const char words[][12] = {"table ", "ip ",     "chain ", "{\n",       "}\n",
                                         "type ",  "filter ", "hook ",  "input ",    "drop\n",
                                         "udp ",   "dport ",  "ct ",    "state ",    "\n",
                                         "!= ",    "-A ",     "INPUT ", "--dports ", "policy "};
        size_t len = 0;

        while (len < sizeof(text) - 16)
            len +=
                (size_t)sprintf(text + len, "%s", words[rand_r(&seed) % (sizeof(words) / sizeof(words[0]))]);
        (void)doctor_firewall_nft(text, &vxlan);
        (void)doctor_firewall_iptables(text, &vxlan);
    }
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ck_assert_int_eq(nft(text, &vxlan), DOCTOR_PASS);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("doctor");
    TCase *t = tcase_create("checks");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_all_is_well);
    tcase_add_test(t, test_interfaces);
    tcase_add_test(t, test_interface_that_is_not_there);
    tcase_add_test(t, test_driver);
    tcase_add_test(t, test_R1_7_wan_mtu);
    tcase_add_test(t, test_access_mtu);
    tcase_add_test(t, test_rx_vlan);
    tcase_add_test(t, test_rx_vlan_before_the_start);
    tcase_add_test(t, test_merging);
    tcase_add_test(t, test_checksum);
    tcase_add_test(t, test_hugepages);
    tcase_add_test(t, test_clock_and_limits);
    tcase_add_test(t, test_rp_filter);
    tcase_add_test(t, test_firewall_findings);
    tcase_add_test(t, test_gateway);
    tcase_add_test(t, test_peers);
    tcase_add_test(t, test_same_vnis);
    tcase_add_test(t, test_vni_there_only);
    tcase_add_test(t, test_vni_here_only);
    tcase_add_test(t, test_vni_by_other_targets);
    tcase_add_test(t, test_network_without_vtep);
    tcase_add_test(t, test_vtep_unresolved);
    tcase_add_test(t, test_R11_1_path);
    tcase_add_test(t, test_duplicates);
    tcase_add_test(t, test_drops);
    tcase_add_test(t, test_ports_by_the_gateway);
    tcase_add_test(t, test_nonsense);
    tcase_add_test(t, test_many);
    tcase_add_test(t, test_nft);
    tcase_add_test(t, test_iptables);
    tcase_add_test(t, test_firewall_nonsense);
    suite_add_tcase(s, t);
    return run_suite(s);
}
