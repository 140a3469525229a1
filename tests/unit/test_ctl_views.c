/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a person sees of every command but those about moves (test_ctl_moves.c).
 */
#include "tests/unit/ctl_rig.h"
#include "tests/unit/suite.h"

#define LONG_NAME "a-network-name-of-31-characters"
#define LONG_IP6  "2001:db8:1111:2222:3333:4444:5555:6666"
#define BIG       "18446744073709551615"
#define COUNT     "{\"frames\":" BIG ",\"bytes\":" BIG "}"
#define BOTH      "{\"unicast\":" COUNT ",\"flooded\":" COUNT "}"

/* The longest of everything, in 80 columns: no line is longer, and what identifies a row is there. */
static const struct {
    const char *command, *page, *must;
} widest_pages[] = {
    {"show macs",
     "{\"total\":1,\"macs\":[{\"network\":\"" LONG_NAME
     "\",\"mac\":\"02:00:5e:10:00:01\",\"origin\":\"remote\","
     "\"vtep\":\"" LONG_IP6 "\",\"age_s\":299,\"since_s\":31536000,\"moves\":4294967295}]}",
     "02:00:5e:10:00:01"},
    {"show ports",
     "{\"ports\":[{\"name\":\"" LONG_NAME
     "\",\"role\":\"underlay\",\"up\":false,\"driver\":\"net_af_packet\","
     "\"device\":\"net_af_packet0,iface=verylonginterface,qpairs=1,blocksz=4096,framesz=2048,framecnt="
     "512\","
     "\"xdp\":\"generic\",\"mac\":\"02:00:5e:10:00:01\",\"mtu\":9216,\"rx\":" COUNT ",\"tx\":" COUNT
     ",\"drops\":" BIG ",\"macs\":1048576,\"mac_limit\":1048576}]}",
     "DOWN"},
    {"show networks",
     "{\"networks\":[{\"name\":\"" LONG_NAME
     "\",\"vlan\":4094,\"vni\":16777215,\"macs\":1048576,\"mac_limit\":1048576,"
     "\"vteps\":1023,\"unknown_unicast\":\"flood\",\"flood_macs\":12,\"limits\":{\"broadcast\":"
     "4294967294,"
     "\"multicast\":null,\"unknown_unicast\":5},\"ports\":[{\"port\":\"" LONG_NAME
     "\",\"vlan\":4094},{\"port\":\"b\","
     "\"vlan\":null}],\"counters\":{\"access_in\":" BOTH ",\"access_out\":" BOTH ",\"wan_in\":" BOTH
     ",\"wan_out\":" BOTH "},\"peers\":[{\"vtep\":\"" LONG_IP6
     "\",\"learning\":true,\"state\":\"the route leaves by another interface than ours\"}]}]}",
     "16777215"},
    {"show vteps",
     "{\"vteps\":[{\"address\":\"" LONG_IP6
     "\",\"lost\":true,\"state\":\"the route leaves by another interface than ours\","
     "\"next_hop\":\"" LONG_IP6 "\",\"next_hop_mac\":\"02:00:5e:10:00:01\",\"mtu\":9216,\"networks\":4094,"
     "\"macs\":1048576,\"rx\":" COUNT ",\"tx\":" COUNT "}]}",
     "9216"},
    {"show macs",
     "{\"total\":1,\"macs\":[{\"network\":\"" LONG_NAME
     "\",\"mac\":\"02:00:5e:10:00:01\",\"origin\":\"static\",\"vtep\":\"" LONG_IP6
     "\",\"sequence\":4294967295,\"sticky\":true,\"duplicate\":true,\"age_s\":299,\"since_s\":31536000,"
     "\"moves\":"
     "4294967295,\"ips\":[\"" LONG_IP6 "\",\"" LONG_IP6 "\"],\"route\":{\"vtep\":\"" LONG_IP6
     "\",\"sequence\":4294967295,\"sticky\":true},\"recent_moves\":[{\"ago_s\":99,\"from\":{\"vtep\":"
     "\"" LONG_IP6 "\"},\"to\":{\"vtep\":\"" LONG_IP6 "\"}}]}]}",
     "DUPLICATE"},
    {"show bgp peers",
     "{\"peers\":[{\"address\":\"" LONG_IP6 "\",\"name\":\"" LONG_NAME
     "\",\"asn\":4294967295,\"state\":\"Established\",\"up_s\":31536000,\"routes\":10000000,\"messages_"
     "in\":" BIG ",\"messages_out\":" BIG ",\"last_error\":\"" LONG_NAME " " LONG_NAME " " LONG_NAME "\"}]}",
     "Established"},
    {"show routes",
     "{\"routes\":[{\"type\":2,\"network\":\"" LONG_NAME
     "\",\"best\":true,\"stale\":true,\"peer\":\"" LONG_IP6
     "\",\"rd\":\"4294967295:65535\",\"mac\":\"02:00:5e:10:00:01\",\"ip\":\"" LONG_IP6
     "\",\"next_hop\":\"" LONG_IP6
     "\",\"as_path\":\"4294967295 4294967295 4294967295 4294967295 4294967295 4294967295 4294967295 "
     "4294967295 "
     "4294967295\",\"route_targets\":[\"4294967295:65535\",\"4294967295:65535\",\"4294967295:65535\","
     "\"4294967295:65535\",\"4294967295:65535\",\"4294967295:65535\"]}]}",
     "02:00:5e:10:00:01"},
    {"show drops",
     "{\"total\":" BIG ",\"drops\":[{\"reason\":\"limit_unknown_unicast\",\"count\":" BIG
     ",\"text\":\"outer congestion mark on an inner packet that is not ECN capable (R1.8)\"}]}",
     "limit_unknown_unicast"},
    {"show fastpath",
     "{\"configured\":\"auto\",\"state\":\"on\",\"pinned\":false,\"dir\":\"/sys/fs/bpf/causeway\","
     "\"why_not_pinned\":\"/sys/fs/bpf/causeway: no bpffs is mounted there, and nothing can be pinned "
     "without\",\"sees_lost\":false,\"why_blind\":\"the kernel has no tracepoint xdp_redirect_err: No "
     "such "
     "file or directory\","
     "\"carried\":" BIG ",\"by_worker\":" BIG ",\"share_percent\":99.9,\"maps\":{\"macs\":" BIG
     ",\"macs_max\":" BIG "},\"taken_over\":{\"macs_here\":" BIG ",\"waiting\":true},"
     "\"ports\":[{\"port\":\"" LONG_NAME "\",\"program\":\"fp_access\",\"mode\":\"generic\",\"pinned\":true,"
     "\"fast\":true,\"no_target\":\"its driver takes no redirected frames (a veth: its other end needs "
     "GRO or "
     "XDP)\",\"carried_in\":{\"frames\":" BIG "},\"carried_out\":{\"frames\":" BIG "},\"punted\":" BIG
     ",\"passed\":" BIG ",\"lost\":" BIG "}],\"punts\":[{\"reason\":\"no_topology\",\"count\":" BIG
     ",\"text\":\"the control plane has not said yet what to forward\"}]}",
     "no_topology"},
    {"show status",
     "{\"site\":\"" LONG_NAME "\",\"gateway\":\"" LONG_NAME "\",\"version\":\"0.1.0\",\"uptime_s\":99999999,"
     "\"underlay\":{\"address\":\"198.18.100.100\",\"vxlan_port\":65535,\"up\":true,\"mac\":\"02:00:5e:"
     "10:00:01\","
     "\"mtu\":9216},\"ports\":15,\"ports_up\":14,\"networks\":4094,\"vteps\":1023,\"vteps_resolved\":"
     "1000,"
     "\"macs\":1048576,\"macs_max\":1048576,\"hugepages\":true,\"fastpath\":{\"state\":\"on\",\"share_"
     "percent\":99.9},\"worker\":{\"poll\":\"adaptive\",\"workers\":16,"
     "\"polls\":100,"
     "\"idle_polls\":42},\"events_lost\":" BIG ",\"drops\":" BIG "}",
     "16, adaptive, 42.0 % of their polls"},
};

START_TEST(test_views_fit_80_columns)
{
    for (size_t i = 0; i < sizeof(widest_pages) / sizeof(widest_pages[0]); i++) {
        show_one(widest_pages[i].command, 80, widest_pages[i].page);
        ck_assert_msg(widest() <= 80, "%s: %zu columns\n%s", widest_pages[i].command, widest(), output);
        ck_assert_msg(strstr(output, widest_pages[i].must) != NULL, "%s", output);
    }
}
END_TEST

START_TEST(test_view_macs)
{
    static const char *const pages[] = {
        "{\"total\":4,\"macs\":[{\"network\":\"web\",\"mac\":\"02:00:5e:00:00:01\",\"origin\":\"local\","
        "\"port\":\"trunk\","
        "\"age_s\":4,\"since_s\":192,\"moves\":1}],\"next\":7}",
        "{\"total\":4,\"macs\":[{\"network\":\"web\",\"mac\":\"02:00:5e:00:00:02\",\"origin\":\"remote\","
        "\"vtep\":\"198.18.0.2\",\"age_s\":0,\"since_s\":9,\"moves\":0},{\"network\":\"web\","
        "\"mac\":\"02:00:5e:00:00:03\",\"origin\":\"flood\",\"since_s\":9,\"moves\":0}]}"};

    ck_assert_str_eq(show("show macs", 0, pages, 2),
                     "MAC                NETWORK  WHERE            OWNER  SEQ  SEEN  HERE FOR  MOVES  NOTES\n"
                     "02:00:5e:00:00:01  web      trunk            local    -    4s     3m12s      1  -\n"
                     "02:00:5e:00:00:02  web      198.18.0.2       remote    -    0s        9s      0  -\n"
                     "02:00:5e:00:00:03  web      everywhere       flood     -     -        9s      0  -\n"
                     "\n3 of 4 MAC addresses\n");
    ck_assert_str_eq(show("show macs", 80, pages, 2),
                     "MAC                NETWORK  WHERE            OWNER  SEQ  SEEN  MOVES  NOTES\n"
                     "02:00:5e:00:00:01  web      trunk            local    -    4s      1  -\n"
                     "02:00:5e:00:00:02  web      198.18.0.2       remote    -    0s      0  -\n"
                     "02:00:5e:00:00:03  web      everywhere       flood     -     -      0  -\n"
                     "\n3 of 4 MAC addresses\n");
    show_one("show macs", 80, "{\"total\":0,\"macs\":[]}");
    ck_assert_ptr_nonnull(strstr(output, "0 of 0 MAC addresses\n"));
}
END_TEST

/* Who owns a MAC by BGP: sequence, sticky, frozen, IPs; and what only a MAC that was asked for has. */
START_TEST(test_view_macs_of_bgp)
{
    ck_assert_str_eq(
        show_one(
            "show macs", 80,
            "{\"total\":1,\"macs\":[{\"network\":\"web\",\"mac\":\"02:00:5e:00:00:01\",\"origin\":\"evpn\","
            "\"vtep\":\"198.18.0.2\",\"sequence\":4,\"sticky\":true,\"duplicate\":true,\"age_s\":4,\"since_"
            "s\":9,"
            "\"moves\":5,\"ips\":[\"10.1.0.5\",\"10.1.0.6\"],\"route\":{\"vtep\":\"198.18.0.2\",\"sequence\":"
            "4,"
            "\"sticky\":true},\"recent_moves\":[{\"ago_s\":61,\"from\":{\"port\":\"trunk\"},"
            "\"to\":{\"vtep\":\"198.18.0.2\"}}]}]}"),
        "MAC                NETWORK  WHERE            OWNER  SEQ  SEEN  MOVES  NOTES\n"
        "02:00:5e:00:00:01  web      198.18.0.2       evpn     4    4s      5  DUPLICATE\n"
        "                                                                      sticky\n"
        "                                                                      10.1.0.5\n"
        "                                                                      10.1.0.6\n"
        "best route      198.18.0.2, sequence 4, sticky\n"
        "moved           1m01s ago from trunk to 198.18.0.2\n"
        "\n1 of 1 MAC addresses\n");
}
END_TEST

#define PEER                                                                                                 \
    "\"address\":\"198.18.0.2\",\"name\":\"london-1\",\"asn\":65000,\"ebgp\":false,\"routes\":1024,"         \
    "\"messages_in\":1234567,\"messages_out\":12"

START_TEST(test_view_bgp)
{
    ck_assert_str_eq(
        show_one(
            "show bgp", 80,
            "{\"asn\":65000,\"router_id\":\"198.18.0.1\",\"restarting\":false,\"port\":179,\"hold_s\":9,"
            "\"keepalive_s\":3,\"graceful_restart_s\":120,\"peers\":{\"total\":3,\"Idle\":0,\"Active\":1,"
            "\"Established\":2},\"routes\":{\"macs\":100000,\"vteps\":4,\"stale\":0,\"held\":100004,"
            "\"attribute_sets\":12,\"own\":31,\"memory_bytes\":12345678,\"ignored\":[{\"reason\":\"AS loop\","
            "\"count\":7}]},\"connections\":{\"accepted\":5,\"unknown\":1,\"accept_errors\":0},"
            "\"md5_drops\":{\"wrong\":1,\"missing\":2,\"unexpected\":3}}"),
        "AS              65000\n"
        "router id       198.18.0.1\n"
        "port            179\n"
        "timers          hold 9 s, keepalive 3 s, graceful restart 120 s\n"
        "peers           1 Active, 2 Established\n"
        "routes          100,000 of MACs, 4 of VTEPs, 0 stale\n"
        "own routes      31 announced\n"
        "tables          100,004 routes, 12 attribute sets, 12.3MB of memory\n"
        "ignored         7: AS loop\n"
        "connections     5 accepted; 1 from unknown addresses, 0 failed\n"
        "MD5 drops       1 wrong, 2 unsigned, 3 unexpected\n");
    show_one("show bgp", 80, "{\"peers\":{\"total\":0}}");
    ck_assert_ptr_nonnull(strstr(output, "peers           none\n"));
}
END_TEST

START_TEST(test_view_bgp_peers)
{
    ck_assert_str_eq(
        show_one(
            "show bgp peers", 80,
            "{\"peers\":[{" PEER ",\"state\":\"Established\",\"up_s\":192},{\"address\":\"198.18.0.5\","
            "\"asn\":65010,\"ebgp\":true,\"state\":\"Active\",\"down_s\":61,\"routes\":0,\"messages_in\":0,"
            "\"messages_out\":0,\"last_error\":\"NOTIFICATION received: Cease/Administrative Shutdown, "
            "\\\"maintenance\\\"\"}]}"),
        "PEER        NAME         AS  STATE          FOR  ROUTES  MSGS IN  OUT\n"
        "198.18.0.2  london-1  65000  Established  3m12s   1,024    1.23M   12\n"
        "198.18.0.5  -         65010  Active       1m01s       0        0    0\n"
        "\n"
        "PEER        LAST ERROR\n"
        "198.18.0.5  NOTIFICATION received: Cease/Administrative Shutdown, \"maintenance\"\n");
    ck_assert_str_eq(show_one("show bgp peers", 80, "{\"peers\":[]}"), "no peers are configured\n");
}
END_TEST

START_TEST(test_view_bgp_peer_in_detail)
{
    static const char page[] =
        "{\"peers\":[{" PEER
        ",\"state\":\"Established\",\"up_s\":192,\"last_error\":\"connection lost: closed by "
        "the peer\",\"all_told\":true,\"connection\":{\"local\":\"198.18.0.1\",\"local_port\":179,"
        "\"remote\":\"198.18.0.2\",\"remote_port\":40001,\"queued_bytes\":0},\"negotiated\":{\"router_id\":"
        "\"198.18.0.2\",\"incoming\":true,\"hold_s\":9,\"keepalive_s\":3,\"route_refresh\":true,"
        "\"four_octet_as\":true,\"extended_message\":false,\"graceful_restart\":{\"helper\":true,"
        "\"peer_time_s\":120}},\"capabilities\":\"multiprotocol 25/70, route refresh, 4-octet AS 65000, "
        "graceful restart 120 "
        "s\",\"settings\":{\"source\":null,\"port\":179,\"passive\":true,\"password\":true,"
        "\"ttl_security_hops\":4,\"hold_s\":9,\"keepalive_s\":0,\"max_prefixes\":1000,"
        "\"max_prefixes_warning_percent\":80},\"received\":{\"macs\":1000,\"vteps\":24,\"ignored\":"
        "[{\"reason\":\"AS loop\",\"count\":2}]},\"sent\":{\"updates\":3},\"messages\":{\"in\":{\"open\":1,"
        "\"bytes\":77},\"out\":{\"open\":2,\"bytes\":1077}},\"errors\":{\"ttl_refused\":3,\"md5_drops\":0},"
        "\"sessions\":{\"established\":2}}]}";
    static const char *const must[] = {
        "peer            198.18.0.2\n",
        "AS              65000, iBGP\n",
        "state           Established for 3m12s\n",
        "last error      connection lost: closed by the peer\n",
        "remote end      198.18.0.2 port 40001, 0 bytes queued\n",
        "router id       198.18.0.2, it connected\n",
        "restart         its routes are kept when it restarts",
        "capabilities    multiprotocol 25/70, route refresh, 4-octet AS 65000, graceful\n"
        "                restart 120 s\n",
        "security        password yes, GTSM on\n",
        "most routes     1,000, warning at 80 %\n",
        "ignored         2: AS loop\n",
        "bytes     77  1,077\n",
        "errors          ttl refused: 3\n"};

    show_one("show bgp peers", 80, page);
    for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++)
        ck_assert_msg(strstr(output, must[i]) != NULL, "%s\nis not in\n%s", must[i], output);
    ck_assert_ptr_null(strstr(output, "md5"));
    ck_assert_uint_le(widest(), 80);
}
END_TEST

#define ROUTE                                                                                                \
    "{\"type\":2,\"network\":\"web\",\"own\":false,\"best\":true,\"stale\":true,\"peer\":\"198.18.0.2\","    \
    "\"rd\":\"198.18.0.2:100\",\"mac\":\"02:00:5e:00:00:01\",\"ip\":\"10.1.0.5\",\"vni\":10100,"             \
    "\"next_hop\":\"198.18.0.2\",\"route_targets\":[\"65000:10100\",\"65000:7\"],\"encapsulation\":"         \
    "\"vxlan\","                                                                                             \
    "\"sequence\":3,\"sticky\":true,\"bgp_origin\":\"IGP\",\"as_path\":\"\",\"local_pref\":100,"             \
    "\"originator_id\":\"198.18.0.2\",\"cluster_list\":[\"1.1.1.1\"]}"

/* On a terminal in blocks; for grep a line each. */
START_TEST(test_view_routes)
{
    static const char *const pages[] = {
        "{\"routes\":[" ROUTE "],\"next\":\"0000000000000001\"}",
        "{\"routes\":[{\"type\":3,\"network\":null,\"own\":false,"
        "\"ignored\":\"label\",\"originator\":\"198.18.0.1\",\"rd\":\"198.18.0.1:1\","
        "\"vni\":1,\"encapsulation\":null,\"sequence\":null,\"pmsi\":{"
        "\"tunnel_type\":6,\"endpoint\":\"198.18.0.1\"}}]}"};

    ck_assert_str_eq(show("show routes", 80, pages, 2),
                     "type 2  02:00:5e:00:00:01  10.1.0.5  web  best  stale\n"
                     "    RD 198.18.0.2:100  VNI 10100  next hop 198.18.0.2  from 198.18.0.2\n"
                     "    RT 65000:10100 65000:7  encapsulation vxlan  sequence 3  sticky  origin IGP\n"
                     "    AS path empty  local pref 100  originator 198.18.0.2  clusters 1.1.1.1\n"
                     "type 3  198.18.0.1  in no network  ignored: label\n"
                     "    RD 198.18.0.1:1  VNI 1  encapsulation not given  PMSI type 6 to 198.18.0.1\n"
                     "    AS path empty\n"
                     "\n2 routes\n");
    ck_assert_str_eq(
        show("show routes", 0, pages, 1),
        "type 2  02:00:5e:00:00:01  10.1.0.5  web  best  stale  RD 198.18.0.2:100  VNI 10100  next hop "
        "198.18.0.2  from 198.18.0.2  RT 65000:10100 65000:7  encapsulation vxlan  sequence 3  sticky  "
        "origin IGP  AS path empty  local pref 100  originator 198.18.0.2  clusters 1.1.1.1\n"
        "\n1 route\n");
    ck_assert_str_eq(show_one("show routes", 80, "{\"routes\":[]}"), "0 routes\n");
}
END_TEST

START_TEST(test_view_clears)
{
    static const char *const cases[][3] = {
        {"clear bgp", "{\"soft\":false,\"cleared\":1}", "session with 1 peer reset\n"},
        {"clear bgp", "{\"soft\":true,\"cleared\":2,\"not_connected\":3,\"without_route_refresh\":1}",
         "all routes sent again to 2 peers, and theirs asked for\n1 cannot be asked: no route refresh there\n"
         "3 left alone: no session now\n"},
        {"clear duplicate", "{\"cleared\":1}", "1 MAC address unfrozen\n"},
        {"clear duplicate", "{\"cleared\":0,\"cleared_ips\":1}", "1 IP address unfrozen\n"},
        {"clear duplicate", "{\"cleared\":1,\"cleared_ips\":2}",
         "1 MAC address unfrozen\n2 IP addresses unfrozen\n"},
        {"clear duplicate", "{\"cleared\":2000}", "2,000 MAC addresses unfrozen\n"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_str_eq(show_one(cases[i][0], 80, cases[i][1]), cases[i][2]);
}
END_TEST

START_TEST(test_view_neighbors)
{
    show_one(
        "show neighbors", 0,
        "{\"total\":4,\"frozen\":1,\"neighbors\":["
        "{\"network\":\"web\",\"ip\":\"10.0.0.1\",\"mac\":\"02:00:5e:00:00:01\",\"port\":\"trunk\","
        "\"origin\":"
        "\"both\",\"used\":true,\"answered\":true,\"frozen\":false,\"age_s\":20,\"since_s\":3600},"
        "{\"network\":\"web\",\"ip\":\"2001:db8::2\",\"mac\":\"02:00:5e:00:00:02\",\"vtep\":\"198.18.0.2\","
        "\"origin\":\"evpn\",\"used\":true,\"answered\":false,\"router\":true,\"override\":true,\"since_s\":"
        "5},"
        "{\"network\":\"web\",\"ip\":\"10.0.0.3\",\"mac\":\"02:00:5e:00:00:03\",\"origin\":\"none\",\"used\":"
        "true,"
        "\"frozen\":true,\"immutable\":true},"
        "{\"network\":\"web\",\"ip\":\"10.0.0.1\",\"mac\":\"02:00:5e:00:00:04\",\"vtep\":\"198.18.0.2\","
        "\"origin\":\"evpn\",\"used\":false}]}");
    ck_assert_str_eq(
        output,
        "IP               MAC                NETWORK  WHERE            ORIGIN  FLAGS  AGE  HERE FOR  STATE\n"
        "10.0.0.1         02:00:5e:00:00:01  web      trunk            both    -      20s     1h00m  "
        "answered\n"
        "2001:db8::2      02:00:5e:00:00:02  web      198.18.0.2       evpn    RO       -        5s  known\n"
        "10.0.0.3         02:00:5e:00:00:03  web      -                none    I        -         -  FROZEN\n"
        "10.0.0.1         02:00:5e:00:00:04  web      198.18.0.2       evpn    -        -         -  not "
        "used\n"
        "\n"
        "4 of 4 IP addresses, 1 frozen\n");
}
END_TEST

START_TEST(test_view_networks)
{
    show_one("show networks", 0,
             "{\"networks\":[{\"name\":\"web\",\"vlan\":100,\"vni\":10100,\"macs\":12,\"mac_limit\":500,"
             "\"vteps\":2,"
             "\"unknown_unicast\":\"drop\",\"ports\":[{\"port\":\"trunk\",\"vlan\":100},{\"port\":\"lab\","
             "\"vlan\":null}],"
             "\"counters\":{\"wan_in\":{\"unicast\":{\"bytes\":1000},\"flooded\":{\"bytes\":500}}}},"
             "{\"name\":\"native\",\"vlan\":null,\"vni\":1,\"macs\":0,\"mac_limit\":null,\"vteps\":0,"
             "\"unknown_unicast\":\"flood\",\"ports\":[{\"port\":\"trunk\",\"vlan\":null}]}]}");
    ck_assert_str_eq(
        output, "NETWORK      VLAN    VNI    MACS  VTEPS  UNKNOWN  TO WAN  FROM WAN  PORTS\n"
                "web           100  10100  12/500      2  drop          0     1.50k  trunk lab:untagged\n"
                "native   untagged      1       0      0  flood         0         0  trunk\n");
}
END_TEST

/* R3.3, R8.1: what BGP adds to a network that was asked for. */
START_TEST(test_view_network_of_bgp)
{
    show_one("show networks", 80,
             "{\"networks\":[{\"name\":\"web\",\"rd\":\"198.18.0.1:100\",\"import_targets\":[\"*:10100\"],"
             "\"export_targets\":[\"65000:10100\",\"65000:7\"],\"peers\":[{\"vtep\":\"198.18.0.2\","
             "\"known_by\":\"static, bgp\",\"learning\":true,\"state\":\"resolved\"}],"
             "\"counters\":{\"proxy_arp\":17,\"proxy_nd\":4,\"bounced\":3,\"bicast\":2}}]}");
    ck_assert_ptr_nonnull(strstr(output, "RD              198.18.0.1:100\n"
                                         "import RT       *:10100\n"
                                         "export RT       65000:10100 65000:7\n"));
    ck_assert_ptr_nonnull(strstr(output, "proxy ARP       17 requests answered here\n"
                                         "proxy ND        4 requests answered here\n"
                                         "bounced         3 frames sent on after a move\n"
                                         "bi-cast         2 frames sent twice before a move\n"));
    ck_assert_ptr_nonnull(strstr(output, "VTEP        KNOWN BY     LEARNING  STATE\n"
                                         "198.18.0.2  static, bgp  on        resolved\n"));
}
END_TEST

START_TEST(test_view_of_an_unknown_command)
{
    ck_assert_str_eq(
        show_one(
            "show counters", 80,
            "{\"ports\":[{\"port\":\"tr\\u001bunk\",\"rx\":{\"frames\":1000000000000000,\"bytes\":2.5}}],"
            "\"list\":[1,\"two\",null],\"ok\":true,\"totals\":{\"polls\":7}}"),
        "ports.tr\\x1bunk.rx.frames 1000000000000000\n"
        "ports.tr\\x1bunk.rx.bytes 2.5\n"
        "list.0 1\nlist.1 two\nlist.2 none\nok true\ntotals.polls 7\n");
}
END_TEST

START_TEST(test_view_config_by_pages)
{
    static const char *const pages[] = {"{\"yaml\":\"site: a\\n\",\"next\":8}",
                                        "{\"yaml\":\"gateway: \\u001bb\\n\"}"};

    ck_assert_str_eq(show("show config", 80, pages, 2), "site: a\ngateway: \\x1bb\n");
}
END_TEST

START_TEST(test_view_collects_pages)
{
    static const char *const pages[] = {
        "{\"drops\":[{\"reason\":\"a\",\"count\":1,\"text\":\"x\"}],\"total\":3,\"next\":1}",
        "{\"drops\":[{\"reason\":\"b\",\"count\":2000,\"text\":\"y\"}],\"total\":3}"};

    ck_assert_str_eq(show("show drops", 80, pages, 2), "REASON  FRAMES  WHAT IT MEANS\n"
                                                       "a            1  x\n"
                                                       "b        2,000  y\n"
                                                       "\ntotal           3\n");
    ck_assert_str_eq(show_one("show drops", 80, "{\"drops\":[],\"total\":0}"), "nothing was dropped\n");
    ck_assert_str_eq(show_one("clear macs", 80, "{\"cleared\":1}"), "1 MAC address forgotten\n");
    ck_assert_str_eq(show_one("clear macs", 80, "{\"cleared\":1200}"), "1,200 MAC addresses forgotten\n");
}
END_TEST

START_TEST(test_view_announcements)
{
    static const char page[] =
        "{\"limit\":1000,\"repeats\":2,\"interval_ms\":1100,\"networks\":["
        "{\"network\":\"web\",\"sent\":{\"garp_request\":1200,\"garp_reply\":1200,\"na\":3,\"rarp\":4,"
        "\"gateway\":5},\"waiting\":6,\"limited\":7,\"failed\":8},"
        "{\"network\":\"db\",\"sent\":{},\"waiting\":0,\"limited\":0,\"failed\":0}]}";

    ck_assert_str_eq(show_one("show announcements", 80, page),
                     "NETWORK   GARP  NA  RARP  GATEWAY  WAITING  PUT OFF  FAILED\n"
                     "web      2,400   3     4        5        6        7       8\n"
                     "db           0   0     0        0        0        0       0\n"
                     "\n"
                     "announced       at once and 2 times more, every 1,100 ms\n"
                     "limit           1,000 frames/s per network\n");
    ck_assert_ptr_nonnull(strstr(show_one("show announcements", 80, "{\"limit\":null,\"repeats\":0}"),
                                 "announced       at once\nlimit           none\n"));
    ck_assert_str_eq(show_one("announce", 80, "{\"sent\":3,\"networks\":[{\"network\":\"web\",\"sent\":3}]}"),
                     "web: 3 frames sent\n");
    ck_assert_str_eq(show_one("announce", 80,
                              "{\"sent\":1,\"networks\":[{\"network\":\"web\",\"sent\":1},"
                              "{\"network\":\"db\",\"sent\":0}]}"),
                     "web: 1 frame sent\ndb: none now (the limit, or no port to send by)\n");
}
END_TEST

/* A daemon of another version, or no causewayd at all: members missing, of other types, or nested without
 * end. */
START_TEST(test_views_of_nonsense)
{
    static const char *const pages[] = {
        "{}",
        "{\"ports\":1,\"networks\":{\"a\":[]},\"macs\":\"x\",\"vteps\":[[[]]],\"drops\":[1,null,\"x\"],"
        "\"yaml\":[]}",
        "{\"ports\":[1,{\"name\":2,\"rx\":[],\"mac_limit\":\"x\"}],\"networks\":[{\"peers\":1,\"ports\":[1,2]"
        ",\"vlan\":{}}],"
        "\"vteps\":[{\"network_names\":[1,{}]}],\"macs\":[{}],\"drops\":[{}],\"total\":-1e308,\"cleared\":"
        "\"x\"}",
        "{\"peers\":[{\"settings\":1,\"negotiated\":[],\"messages\":{\"in\":[1,2],\"out\":7},\"errors\":[1],"
        "\"received\":"
        "{\"ignored\":[1,{}]},\"connection\":[]}],\"routes\":[1,{},{\"route_targets\":[1,{}],\"pmsi\":3,"
        "\"mac\":7}],"
        "\"md5_drops\":[],\"connections\":7}",
        "{\"peers\":{\"a\":1,\"b\":\"x\",\"c\":-1},\"routes\":{\"ignored\":{\"a\":1}},\"bgp\":[],\"soft\":7}",
        "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}}}}}",
        "{\"macs\":[{\"age_s\":1e308,\"moves\":-1e308,\"since_s\":-0.0}],\"uptime_s\":1e308,\"x\":-1e308}"};
    static const char *const names[] = {
        "show status", "show ports",     "show networks",   "show macs",      "show vteps",
        "show drops",  "show config",    "clear macs",      "show bgp",       "show bgp peers",
        "show routes", "clear bgp",      "clear duplicate", "show any",       "show announcements",
        "announce",    "show neighbors", "show fastpath",   "fastpath detach"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        for (size_t j = 0; j < sizeof(pages) / sizeof(pages[0]); j++)
            ck_assert_ptr_nonnull(show_one(names[i], 80, pages[j]));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ctl_views");
    TCase *c = tcase_create("rendering");

    tcase_add_test(c, test_views_fit_80_columns);
    tcase_add_test(c, test_view_macs);
    tcase_add_test(c, test_view_macs_of_bgp);
    tcase_add_test(c, test_view_bgp);
    tcase_add_test(c, test_view_bgp_peers);
    tcase_add_test(c, test_view_bgp_peer_in_detail);
    tcase_add_test(c, test_view_routes);
    tcase_add_test(c, test_view_clears);
    tcase_add_test(c, test_view_neighbors);
    tcase_add_test(c, test_view_networks);
    tcase_add_test(c, test_view_network_of_bgp);
    tcase_add_test(c, test_view_of_an_unknown_command);
    tcase_add_test(c, test_view_config_by_pages);
    tcase_add_test(c, test_view_collects_pages);
    tcase_add_test(c, test_view_announcements);
    tcase_add_test(c, test_views_of_nonsense);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
