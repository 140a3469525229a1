/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See conf_yaml.h. To add a key: one line here, its default in conf.c, its line in conf_print.c, and what it
 * must agree with in conf_check.c. Any thread.
 */
#include "conf/conf_yaml.h"

#include "conf/conf_default.h"
#include "conf/conf_value.h"

#define SIZE(type, member)           .size = sizeof(((struct type *)0)->member)
#define AT(type, member)             .offset = offsetof(struct type, member), SIZE(type, member)
#define FIELDS(table)                .fields = table, .n_fields = sizeof(table) / sizeof(table[0])
#define NUMBER(type, member, lo, hi) .read = conf_read_number, AT(type, member), .min = lo, .max = hi
#define WORDS(type, member, list)    NUMBER(type, member, 1, 0), .words = list
#define BOOLEAN(type, member)        WORDS(type, member, booleans)
#define LIST(type, member, lo, hi)                                                                           \
    .read = conf_read_list, AT(type, member), .count_offset = offsetof(struct type, n_##member), .min = lo,  \
    .max = hi
#define INTO(type, member)                .offset = offsetof(struct type, member)
#define MAPPING(schema)                   .read = conf_read_map, .map = &schema
#define TEXT(reader, type, member, right) .read = reader, AT(type, member), .expect = right
#define NEEDED                            .required = true

#define MTU_MIN     68 /* RFC 791 */
#define MTU_MAX     65535
#define MAX_MACS    1048576
#define MAX_RATE    1000000000
#define MAX_SECONDS 1000000

#define NAME_EXPECT      "1 to 31 letters, digits, dots, hyphens and underscores"
#define OWN_EXPECT       "an IPv4 or IPv6 address like 198.18.0.1 (with pci or dpdk like 198.18.0.1/24)"
#define PORT_EXPECT      "{ interface: NAME }, { pci: ADDRESS } or { dpdk: DEVICE }"
#define LISTEN_EXPECT    "ADDRESS:PORT like \"127.0.0.1:9469\" or \"[::1]:9469\""
#define VTEP_EXPECT      "an IPv4 or IPv6 address like 198.18.0.2"
#define MAC_EXPECT       "a host's MAC address like \"02:00:00:00:00:01\""
#define PATH_EXPECT      "an absolute path of at most 107 characters"
#define RD_EXPECT        "auto, or an RD like \"65000:100\" or \"198.18.0.1:100\""
#define RT_EXPECT        "a route target like \"65000:10100\" or \"198.18.0.1:100\""
#define SOURCE_EXPECT    "an IPv4 or IPv6 address of this gateway"
#define ROUTER_ID_EXPECT "a number in IPv4 form like 198.18.0.1, different for each gateway"
#define ROUTER_EXPECT    "the unicast address of the site's router, like 10.0.0.1 or fe80::1"
#define PASSWORD_EXPECT  "1 to 80 printable ASCII characters"
#define ON_OFF           .expect = "on or off"

static const struct conf_word booleans[] = {{"true", 1}, {"false", 0}, {"on", 1}, {"off", 0},
                                            {"yes", 1},  {"no", 0},    {NULL, 0}};
static const struct conf_word unlimited[] = {{"unlimited", CONF_NO_LIMIT}, {NULL, 0}};
static const struct conf_word untagged[] = {{"untagged", CONF_VLAN_NONE}, {NULL, 0}};
static const struct conf_word inherit[] = {{"inherit", CONF_DSCP_INHERIT}, {NULL, 0}};
static const struct conf_word any_cpu[] = {{"any", -1}, {NULL, 0}};
static const struct conf_word drop_flood[] = {{"drop", false}, {"flood", true}, {NULL, 0}};
static const struct conf_word zero[] = {{"0", 0}, {NULL, 0}}; /* beside a range that begins later */
static const struct conf_word off[] = {{"off", 0}, {NULL, 0}};
static const struct conf_word rt_forms[] = {{"auto", CONF_RT_AUTO}, {"rfc8365", CONF_RT_RFC8365}, {NULL, 0}};
static const struct conf_word encapsulations[] = {{"vxlan", true}, {"none", false}, {NULL, 0}};
static const struct conf_word poll_modes[] = {{"adaptive", false}, {"busy", true}, {NULL, 0}};
static const struct conf_word hugepage_modes[] = {
    {"auto", CONF_HUGEPAGES_AUTO}, {"on", CONF_HUGEPAGES_ON}, {"off", CONF_HUGEPAGES_OFF}, {NULL, 0}};

static const struct conf_word fastpath_modes[] = {
    {"auto", CONF_FASTPATH_AUTO}, {"on", CONF_FASTPATH_ON}, {"off", CONF_FASTPATH_OFF}, {NULL, 0}};
static const struct conf_word log_levels[] = {{"debug", LOG_LEVEL_DEBUG},
                                              {"info", LOG_LEVEL_INFO},
                                              {"warning", LOG_LEVEL_WARNING},
                                              {"error", LOG_LEVEL_ERROR},
                                              {NULL, 0}};
static const struct conf_word log_formats[] = {
    {"text", LOG_FORMAT_TEXT}, {"json", LOG_FORMAT_JSON}, {NULL, 0}};

/* ---- a port's device: underlay.port is this mapping; an access port has the same keys among its own */

static const char *const device_choice[] = {"interface", "pci", "dpdk", NULL};

#define INTERFACE                                                                                            \
    .key = "interface", .read = conf_read_interface, .expect = "an interface name of 1 to 15 characters"
#define PCI .key = "pci", .read = conf_read_pci, .expect = "a PCI address like \"0000:03:00.0\""
#define DPDK                                                                                                 \
    .key = "dpdk", .read = conf_read_vdev, .expect = "a DPDK device like \"net_pcap0,rx_pcap=in.pcap\""

static const struct conf_field device_fields[] = {
    {INTERFACE, .size = sizeof(struct conf_port)},
    {PCI, .size = sizeof(struct conf_port)},
    {DPDK, .size = sizeof(struct conf_port)},
};
static const struct conf_schema device = {
    .what = "the underlay's port", FIELDS(device_fields), .one_of = device_choice};

/* ---- underlay */

static const struct conf_field route_fields[] = {
    {.key = "to", TEXT(conf_read_prefix, conf_route, to, "a prefix like 198.18.4.0/24"), NEEDED},
    {.key = "via", TEXT(conf_read_via, conf_route, via, "a router's IP address"), NEEDED},
};
static const struct conf_schema route = {.what = "a route", FIELDS(route_fields)};
static const struct conf_field route_item = {
    .key = "routes", MAPPING(route), .size = sizeof(struct conf_route)};

static const struct conf_field underlay_fields[] = {
    {.key = "address", TEXT(conf_read_own, conf_underlay, address, OWN_EXPECT), NEEDED},
    {.key = "port", MAPPING(device), INTO(conf_underlay, port), NEEDED, .expect = PORT_EXPECT},
    {.key = "tap", TEXT(conf_read_tap, conf_underlay, tap, "an interface name of 1 to 15 characters")},
    {.key = "mtu", NUMBER(conf_underlay, mtu, MTU_MIN, MTU_MAX)},
    {.key = "vxlan_port", NUMBER(conf_underlay, vxlan_port, 1, 65535)},
    {.key = "ttl", NUMBER(conf_underlay, ttl, 1, 255)},
    {.key = "udp6_zero_csum_tx", BOOLEAN(conf_underlay, udp6_zero_csum_tx)},
    {.key = "udp6_zero_csum_rx", BOOLEAN(conf_underlay, udp6_zero_csum_rx)},
    {.key = "offloads", BOOLEAN(conf_underlay, offloads), ON_OFF},
    {.key = "routes", LIST(conf_underlay, routes, 0, 4096), .item = &route_item},
};
static const struct conf_schema underlay = {.what = "the underlay", FIELDS(underlay_fields)};

/* ---- access */

static const struct conf_field carried_item = {
    .key = "networks", .read = conf_read_reference, .size = CONF_NAME_LEN, .expect = "the name of a network"};

static const struct conf_field access_fields[] = {
    {.key = "name", TEXT(conf_read_name, conf_access, name, NAME_EXPECT), NEEDED},
    {INTERFACE, AT(conf_access, port)},
    {PCI, AT(conf_access, port)},
    {DPDK, AT(conf_access, port)},
    {.key = "mtu", NUMBER(conf_access, mtu, MTU_MIN, MTU_MAX)},
    {.key = "offloads", BOOLEAN(conf_access, offloads), ON_OFF},
    {.key = "mac_limit", NUMBER(conf_access, mac_limit, 1, MAX_MACS), .words = unlimited},
    {.key = "untagged", TEXT(conf_read_reference, conf_access, untagged, "the name of a network")},
    {.key = "networks", LIST(conf_access, networks, 1, CONF_MAX_NETWORKS), .item = &carried_item},
};
static const struct conf_schema access = {
    .what = "an access port", FIELDS(access_fields), .one_of = device_choice, .init = conf_default_access};
static const struct conf_field access_item = {
    .key = "access", MAPPING(access), .size = sizeof(struct conf_access)};

/* ---- networks */

static const struct conf_field limits_fields[] = {
    {.key = "broadcast", NUMBER(conf_network, limit_broadcast, 0, MAX_RATE), .words = unlimited},
    {.key = "multicast", NUMBER(conf_network, limit_multicast, 0, MAX_RATE), .words = unlimited},
    {.key = "unknown_unicast", NUMBER(conf_network, limit_unknown_unicast, 0, MAX_RATE), .words = unlimited},
};
static const struct conf_schema limits = {.what = "the limits of a network", FIELDS(limits_fields)};

static const char *const static_mac_choice[] = {"port", "vtep", NULL};
static const struct conf_field static_mac_fields[] = {
    {.key = "mac", TEXT(conf_read_mac, conf_static_mac, mac, MAC_EXPECT), NEEDED},
    {.key = "port", TEXT(conf_read_reference, conf_static_mac, port, "the name of an access port")},
    {.key = "vtep", TEXT(conf_read_vtep, conf_static_mac, vtep, VTEP_EXPECT)},
};
static const struct conf_schema static_mac = {
    .what = "a static MAC", FIELDS(static_mac_fields), .one_of = static_mac_choice};
static const struct conf_field static_mac_item = {
    .key = "static_macs", MAPPING(static_mac), .size = sizeof(struct conf_static_mac)};

static const struct conf_field peer_fields[] = {
    {.key = "address", TEXT(conf_read_vtep, conf_peer, address, VTEP_EXPECT), NEEDED},
    {.key = "learning", BOOLEAN(conf_peer, learning), ON_OFF},
};
static const struct conf_schema peer = {.what = "a peer", FIELDS(peer_fields)};
static const struct conf_field peer_item = {.key = "peers", MAPPING(peer), .size = sizeof(struct conf_peer)};

static const struct conf_field flood_mac_item = {
    .key = "flood_macs", .read = conf_read_mac, .size = sizeof(struct mac), .expect = MAC_EXPECT};

static const struct conf_field router_fields[] = {
    {.key = "address", TEXT(conf_read_via, conf_router, address, ROUTER_EXPECT), NEEDED},
    {.key = "mac", TEXT(conf_read_mac, conf_router, mac, MAC_EXPECT), NEEDED},
};
static const struct conf_schema router = {.what = "a site gateway", FIELDS(router_fields)};
static const struct conf_field router_item = {
    .key = "site_gateways", MAPPING(router), .size = sizeof(struct conf_router)};

static const struct conf_field import_item = {
    .key = "import", .read = conf_read_rt, .size = sizeof(struct conf_rt), .expect = RT_EXPECT};
static const struct conf_field export_item = {
    .key = "export", .read = conf_read_rt, .size = sizeof(struct conf_rt), .expect = RT_EXPECT};
static const struct conf_field targets_fields[] = {
    {.key = "import", LIST(conf_network, rt_import, 1, CONF_MAX_RTS), .item = &import_item, NEEDED},
    {.key = "export", LIST(conf_network, rt_export, 1, CONF_MAX_RTS), .item = &export_item, NEEDED},
};
static const struct conf_schema targets = {.what = "the route targets of a network", FIELDS(targets_fields)};

static const struct conf_field network_fields[] = {
    {.key = "name", TEXT(conf_read_name, conf_network, name, NAME_EXPECT), NEEDED},
    {.key = "vlan", NUMBER(conf_network, vlan, 1, VLAN_ID_MAX), .words = untagged, NEEDED},
    {.key = "vni", NUMBER(conf_network, vni, 1, VNI_MAX), NEEDED},
    {.key = "mtu", NUMBER(conf_network, mtu, MTU_MIN, MTU_MAX)},
    {.key = "qinq", BOOLEAN(conf_network, qinq)},
    {.key = "dscp", NUMBER(conf_network, dscp, 0, 63), .words = inherit},
    {.key = "unknown_unicast", WORDS(conf_network, flood_unknown, drop_flood)},
    {.key = "flood_macs", LIST(conf_network, flood_macs, 0, MAX_MACS), .item = &flood_mac_item},
    {.key = "limits", MAPPING(limits)},
    {.key = "mac_limit", NUMBER(conf_network, mac_limit, 1, MAX_MACS), .words = unlimited},
    {.key = "ageing", NUMBER(conf_network, ageing, 0, MAX_SECONDS)},
    {.key = "static_macs", LIST(conf_network, static_macs, 0, MAX_MACS), .item = &static_mac_item},
    {.key = "peers", LIST(conf_network, peers, 0, CONF_MAX_VTEPS), .item = &peer_item},
    {.key = "proxy", BOOLEAN(conf_network, proxy), ON_OFF},
    {.key = "site_gateways", LIST(conf_network, routers, 0, CONF_MAX_ROUTERS), .item = &router_item},
    {.key = "rd", TEXT(conf_read_rd, conf_network, rd, RD_EXPECT)},
    {.key = "route_targets",
     .read = conf_read_targets,
     .map = &targets,
     .expect = "auto, or { import: [...], export: [...] }"},
};
static const struct conf_schema network = {
    .what = "a network", FIELDS(network_fields), .init = conf_default_network};
static const struct conf_field network_item = {
    .key = "networks", MAPPING(network), .size = sizeof(struct conf_network)};

/* ---- bgp */

#define ASN(type)  NUMBER(type, asn, 1, 4294967294) /* RFC 7607 and 7300 reserve the first and the last */
#define PORT(type) NUMBER(type, port, 1, 65535)

static const struct conf_field bgp_peer_fields[] = {
    {.key = "address", TEXT(conf_read_vtep, conf_bgp_peer, address, VTEP_EXPECT), NEEDED},
    {.key = "asn", ASN(conf_bgp_peer)},
    {.key = "name", TEXT(conf_read_name, conf_bgp_peer, name, NAME_EXPECT)},
    {.key = "source", TEXT(conf_read_vtep, conf_bgp_peer, source, SOURCE_EXPECT)},
    {.key = "port", PORT(conf_bgp_peer)},
    {.key = "passive", BOOLEAN(conf_bgp_peer, passive), ON_OFF},
    {.key = "password", TEXT(conf_read_password, conf_bgp_peer, password, PASSWORD_EXPECT)},
    {.key = "ttl_security", NUMBER(conf_bgp_peer, ttl_security, 0, 254), .words = off},
    {.key = "multihop", NUMBER(conf_bgp_peer, multihop, 1, 255)},
    {.key = "max_prefixes", NUMBER(conf_bgp_peer, max_prefixes, 1, MAX_RATE), .words = unlimited},
    {.key = "max_prefixes_warning", NUMBER(conf_bgp_peer, max_prefixes_warning, 1, 100)},
    {.key = "graceful_restart", BOOLEAN(conf_bgp_peer, graceful_restart), ON_OFF},
    {.key = "default_encapsulation", WORDS(conf_bgp_peer, default_vxlan, encapsulations)},
};
static const struct conf_schema bgp_peer = {
    .what = "a BGP peer", FIELDS(bgp_peer_fields), .init = conf_default_bgp_peer};
static const struct conf_field bgp_peer_item = {
    .key = "peers", MAPPING(bgp_peer), .size = sizeof(struct conf_bgp_peer)};

static const struct conf_field duplicate_fields[] = {
    {.key = "moves", NUMBER(conf_bgp, duplicate_moves, 2, 32), .words = off},
    {.key = "seconds", NUMBER(conf_bgp, duplicate_seconds, 1, MAX_SECONDS)},
    {.key = "hold_down", NUMBER(conf_bgp, duplicate_hold_down, 0, MAX_SECONDS)},
};
static const struct conf_schema duplicate = {.what = "the duplicate section", FIELDS(duplicate_fields)};

static const struct conf_field bgp_fields[] = {
    {.key = "asn", ASN(conf_bgp), NEEDED},
    {.key = "router_id", TEXT(conf_read_router_id, conf_bgp, router_id, ROUTER_ID_EXPECT)},
    {.key = "source", TEXT(conf_read_vtep, conf_bgp, source, SOURCE_EXPECT)},
    {.key = "port", PORT(conf_bgp)},
    {.key = "hold_time", NUMBER(conf_bgp, hold_time, 3, 65535), .words = zero}, /* RFC 4271 section 4.2 */
    {.key = "keepalive", NUMBER(conf_bgp, keepalive, 1, 21845)},
    {.key = "connect_retry", NUMBER(conf_bgp, connect_retry, 1, 65535)},
    {.key = "graceful_restart", NUMBER(conf_bgp, graceful_restart, 0, 4095), .words = off}, /* 12 bits */
    {.key = "route_targets", WORDS(conf_bgp, rt_form, rt_forms)},
    {.key = "duplicate", MAPPING(duplicate)},
    {.key = "peers", LIST(conf_bgp, peers, 0, CONF_MAX_BGP_PEERS), .item = &bgp_peer_item},
};
static const struct conf_schema bgp = {.what = "the bgp section", FIELDS(bgp_fields)};

/* ---- sites and moves */

static const struct conf_field vtep_item = {
    .key = "vteps", .read = conf_read_vtep, .size = sizeof(struct ipaddr), .expect = VTEP_EXPECT};
static const struct conf_field site_fields[] = {
    {.key = "name", TEXT(conf_read_name, conf_site, name, NAME_EXPECT), NEEDED},
    {.key = "vteps", LIST(conf_site, vteps, 1, CONF_MAX_VTEPS), .item = &vtep_item, NEEDED},
};
static const struct conf_schema site = {.what = "a site", FIELDS(site_fields)};
static const struct conf_field site_item = {.key = "sites", MAPPING(site), .size = sizeof(struct conf_site)};

static const struct conf_field announce_fields[] = {
    {.key = "repeats", NUMBER(conf_moves, repeats, 0, 10)},
    {.key = "interval", NUMBER(conf_moves, interval_ms, 1000, 60000)},
    {.key = "limit", NUMBER(conf_moves, limit, 1, MAX_RATE), .words = unlimited},
};
static const struct conf_schema announce = {.what = "the announce section", FIELDS(announce_fields)};

static const struct conf_field moves_fields[] = {
    {.key = "announce", MAPPING(announce)},
    {.key = "bounce", NUMBER(conf_moves, bounce, 0, 60), .words = off},
    {.key = "journal", TEXT(conf_read_path, conf_moves, journal, PATH_EXPECT)},
    {.key = "journal_size", NUMBER(conf_moves, journal_size, 16, 1000000)},
};
static const struct conf_schema moves = {.what = "the moves section", FIELDS(moves_fields)};

/* ---- the rest */

static const struct conf_field dataplane_fields[] = {
    {.key = "max_macs", NUMBER(conf_dataplane, max_macs, 1024, MAX_MACS)},
    {.key = "workers", NUMBER(conf_dataplane, workers, 1, CONF_MAX_WORKERS)},
    {.key = "spread", BOOLEAN(conf_dataplane, spread), ON_OFF},
    {.key = "cpu", NUMBER(conf_dataplane, cpu, 0, 1023), .words = any_cpu},
    {.key = "poll", WORDS(conf_dataplane, busy_poll, poll_modes)},
    {.key = "hugepages", WORDS(conf_dataplane, hugepages, hugepage_modes)},
};
static const struct conf_schema dataplane = {.what = "the data plane", FIELDS(dataplane_fields)};

static const struct conf_field fastpath_fields[] = {
    {.key = "mode", WORDS(conf_fastpath, mode, fastpath_modes)},
    {.key = "persist", BOOLEAN(conf_fastpath, persist), ON_OFF},
    {.key = "dir", TEXT(conf_read_path, conf_fastpath, dir, PATH_EXPECT)},
    {.key = "punt_limit", NUMBER(conf_fastpath, punt_limit, 1, MAX_RATE), .words = unlimited},
};
static const struct conf_schema fastpath = {.what = "the fastpath section", FIELDS(fastpath_fields)};

static const struct conf_field api_fields[] = {
    {.key = "socket", TEXT(conf_read_path, conf, api_socket, PATH_EXPECT)},
};
static const struct conf_schema api = {.what = "the api section", FIELDS(api_fields)};

static const struct conf_field metrics_fields[] = {
    {.key = "listen", TEXT(conf_read_listen, conf, metrics_address, LISTEN_EXPECT), NEEDED},
};
static const struct conf_schema metrics = {.what = "the metrics section", FIELDS(metrics_fields)};

static const struct conf_field log_fields[] = {
    {.key = "level", WORDS(conf, log_level, log_levels)},
    {.key = "format", WORDS(conf, log_format, log_formats)},
};
static const struct conf_schema log_section = {.what = "the log section", FIELDS(log_fields)};

/* api, metrics, log, limits, route_targets, duplicate and announce are mappings in the file only: their
 * fields lie in the struct around them, hence no offset. */
static const struct conf_field root_fields[] = {
    {.key = "site", TEXT(conf_read_name, conf, site, NAME_EXPECT), NEEDED},
    {.key = "gateway", TEXT(conf_read_name, conf, gateway, NAME_EXPECT), NEEDED},
    {.key = "underlay", MAPPING(underlay), INTO(conf, underlay), NEEDED},
    {.key = "access", LIST(conf, access, 1, CONF_MAX_ACCESS), .item = &access_item, NEEDED},
    {.key = "networks", LIST(conf, networks, 1, CONF_MAX_NETWORKS), .item = &network_item, NEEDED},
    {.key = "dataplane", MAPPING(dataplane), INTO(conf, dataplane)},
    {.key = "fastpath",
     .read = conf_read_fastpath,
     INTO(conf, fastpath),
     .size = sizeof(enum conf_fastpath_mode),
     .words = fastpath_modes,
     .map = &fastpath,
     .expect = "auto, on, off, or { mode: auto, ... }"},
    {.key = "sites", LIST(conf, sites, 0, CONF_MAX_VTEPS), .item = &site_item},
    {.key = "moves", MAPPING(moves), INTO(conf, moves)},
    {.key = "api", MAPPING(api)},
    {.key = "bgp", MAPPING(bgp), INTO(conf, bgp), .there_offset = offsetof(struct conf, bgp.on)},
    {.key = "metrics", MAPPING(metrics)},
    {.key = "log", MAPPING(log_section)},
};
const struct conf_schema conf_yaml_root = {.what = "the configuration", FIELDS(root_fields)};

void conf_yaml_read(struct conf_reader *r, const struct conf_node *root, struct conf *c)
{
    static const struct conf_field whole = {.key = "the configuration", MAPPING(conf_yaml_root)};

    if (root->kind != CONF_NODE_BAD)
        conf_read_map(r, root, &whole, c);
}
