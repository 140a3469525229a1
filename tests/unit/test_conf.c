/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Configurations that load: what they mean, their defaults, and that conf_print() writes what loads to the
 * same. Runs in the top folder, whose conf/ has the examples. What does not load is test_conf_errors.c's,
 * what is about moves test_conf_moves.c's.
 */
#include "conf/conf.h"

#include <check.h>
#include <glob.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

/* The smallest configuration, in parts that tests replace. */
#define HEAD  "site: s\ngateway: g\n"
#define UNDER "underlay: { address: 198.18.0.1, port: { interface: wan0 } }\n"
#define ACC   "access: [ { name: t, interface: lan0 } ]\n"
#define NETS  "networks: [ { name: web, vlan: 100, vni: 10100 } ]\n"
#define BASE  HEAD UNDER ACC NETS

/* The example of the design page, as it stands there. */
static const char design_example[] =
    "site: paris\n"
    "gateway: paris-1\n"
    "underlay:\n"
    "  address: 198.18.0.1            # the VTEP; IPv4 or IPv6\n"
    "  port: { interface: wan0 }      # or pci: \"0000:03:00.0\", or dpdk: \"net_pcap0,...\"\n"
    "access:\n"
    "  - { name: trunk, interface: lan0 }\n"
    "networks:\n"
    "  - { name: web, vlan: 100, vni: 10100 }\n"
    "bgp:\n"
    "  asn: 65000\n"
    "  peers:\n"
    "    - { address: 198.18.0.2 }\n"
    "metrics: { listen: \"127.0.0.1:9469\" }\n"
    "log: { level: warning, format: json }\n";

/* Every key with a value that is not its default. */
static const char all_keys[] =
    "site: \"on\"\n"
    "gateway: \"1\"\n"
    "underlay:\n"
    "  address: fd00::1/64\n"
    "  port: { dpdk: \"net_pcap0,rx_pcap=a b'c.pcap,tx_pcap={x}: #y\" }\n"
    "  tap: \"0\"\n"
    "  mtu: 9070\n"
    "  vxlan_port: 8472\n"
    "  ttl: 255\n"
    "  udp6_zero_csum_tx: on\n"
    "  udp6_zero_csum_rx: yes\n"
    "  offloads: off\n"
    "  routes:\n"
    "    - { to: \"fd00:1::/32\", via: fd00::ff }\n"
    "    - { to: \"::/0\", via: \"fe80::1\" }\n"
    "access:\n"
    "  - { name: null-1, pci: 0000:0A:1f.7, mtu: 9000, offloads: off, mac_limit: 7, untagged: \"null\", "
    "networks: [ "
    "\"1e5\", \"y\" ] }\n"
    "  - { name: a.b_c-d, interface: \"eth0.100\", networks: [ \".inf\" ] }\n"
    "networks:\n"
    "  - name: \"null\"\n"
    "    vlan: 4094\n"
    "    vni: 16777215\n"
    "    mtu: 9000\n"
    "    dscp: 0\n"
    "    unknown_unicast: flood\n"
    "    flood_macs: [ 02:00:00:00:00:0A, 02-00-00-00-00-0b ]\n"
    "    limits: { broadcast: 0, multicast: unlimited, unknown_unicast: 1000000000 }\n"
    "    mac_limit: unlimited\n"
    "    ageing: 0\n"
    "    static_macs:\n"
    "      - { mac: 02:00:00:00:00:01, port: null-1 }\n"
    "      - { mac: 02:00:00:00:00:02, vtep: fd00::2 }\n"
    "    peers:\n"
    "      - { address: fd00::2, learning: on }\n"
    "      - { address: fd00::3 }\n"
    "  - { name: \"1e5\", vlan: 1, vni: 1 }\n"
    "  - { name: y, vlan: 2, vni: 2, qinq: true }\n"
    "  - { name: .inf, vlan: untagged, vni: 3 }\n"
    "dataplane: { max_macs: 1048576, workers: 16, spread: on, cpu: 1023, poll: busy, hugepages: \"off\" }\n"
    "fastpath: { mode: \"off\", persist: true, dir: /sys/fs/bpf/o'dd, punt_limit: unlimited }\n"
    "api: { socket: \"/run/with space/#x: 'y'.sock\" }\n"
    "bgp: { asn: 4294967294, router_id: 198.18.0.1, peers: [ { address: fd00::2 }, { address: 198.18.0.9, "
    "source: 198.18.0.1 } ] }\n"
    "metrics: { listen: \"[::]:65535\" }\n";

static struct conf *load_len(const char *yaml, size_t len)
{
    struct conf_errors errors;
    struct conf *c = conf_load_string("FILE", yaml, len, &errors);

    ck_assert_msg(c, "%s\n%s", errors.n ? errors.text[0] : "no message", yaml);
    ck_assert_uint_eq(errors.n, 0);
    conf_errors_free(&errors);
    return c;
}

static struct conf *load(const char *yaml)
{
    return load_len(yaml, strlen(yaml));
}

static struct ipaddr address(const char *text)
{
    struct ipaddr a;

    ck_assert(ipaddr_parse(text, &a));
    return a;
}

#define ck_address(a, text) ck_assert(ipaddr_eq(a, &(struct ipaddr[]){address(text)}[0]))

/* ---- defaults and meaning */

START_TEST(test_design_example)
{
    struct conf *c = load(design_example);

    ck_assert_str_eq(c->site, "paris");
    ck_assert_str_eq(c->gateway, "paris-1");
    ck_address(&c->underlay.address, "198.18.0.1");
    ck_assert_int_eq(c->underlay.port.kind, CONF_PORT_INTERFACE);
    ck_assert_str_eq(c->underlay.port.device, "wan0");
    ck_assert_uint_eq(c->n_access, 1);
    ck_assert_str_eq(c->access[0].name, "trunk");
    ck_assert_str_eq(c->access[0].port.device, "lan0");
    ck_assert_uint_eq(c->n_networks, 1);
    ck_assert_str_eq(c->networks[0].name, "web");
    ck_assert_uint_eq(c->networks[0].vlan, 100);
    ck_assert_uint_eq(c->networks[0].vni, 10100);
    ck_assert_uint_eq(c->bgp.asn, 65000);
    ck_assert_uint_eq(c->bgp.n_peers, 1);
    ck_address(&c->bgp.peers[0].address, "198.18.0.2");
    ck_address(&c->metrics_address, "127.0.0.1");
    ck_assert_uint_eq(c->metrics_port, 9469);
    ck_assert(c->log_level == LOG_LEVEL_WARNING && c->log_format == LOG_FORMAT_JSON);
    conf_free(c);
}
END_TEST

START_TEST(test_defaults)
{
    struct conf *c = load(BASE);
    const struct conf_network *n = &c->networks[0];

    ck_assert_uint_eq(c->underlay.prefix_len, 0xff);
    ck_assert_str_eq(c->underlay.tap, "");
    ck_assert_uint_eq(c->underlay.mtu, 0);
    ck_assert_uint_eq(c->underlay.vxlan_port, 4789); /* R1.1 */
    ck_assert_uint_eq(c->underlay.ttl, 64);
    ck_assert(!c->underlay.udp6_zero_csum_tx && !c->underlay.udp6_zero_csum_rx); /* R1.3 */
    ck_assert(c->underlay.offloads);
    ck_assert_uint_eq(c->underlay.n_routes, 0);
    ck_assert_uint_eq(c->access[0].mtu, 0);
    ck_assert_uint_eq(c->access[0].mac_limit, CONF_NO_LIMIT);
    ck_assert(c->access[0].offloads);
    ck_assert_str_eq(c->access[0].untagged, "");
    ck_assert_uint_eq(c->access[0].n_networks, 0);
    ck_assert_uint_eq(n->mtu, 0);
    ck_assert(!n->qinq);                           /* R1.6 */
    ck_assert_uint_eq(n->dscp, CONF_DSCP_INHERIT); /* R1.8 */
    ck_assert(!n->flood_unknown);                  /* R8.2 */
    ck_assert_uint_eq(n->limit_broadcast, 1000);   /* R8.3 */
    ck_assert_uint_eq(n->limit_multicast, 5000);
    ck_assert_uint_eq(n->limit_unknown_unicast, 1000);
    ck_assert_uint_eq(n->mac_limit, 16384); /* R8.4 */
    ck_assert_uint_eq(n->ageing, 300);
    ck_assert(n->n_flood_macs == 0 && n->n_static_macs == 0 && n->n_peers == 0);
    ck_assert_uint_eq(c->dataplane.max_macs, 131072);
    ck_assert(c->dataplane.workers == 1 && !c->dataplane.spread);
    ck_assert_int_eq(c->dataplane.cpu, -1);
    ck_assert(!c->dataplane.busy_poll);
    ck_assert_int_eq(c->dataplane.hugepages, CONF_HUGEPAGES_AUTO);
    ck_assert_int_eq(c->fastpath.mode, CONF_FASTPATH_AUTO);
    ck_assert(!c->fastpath.persist);
    ck_assert_str_eq(c->fastpath.dir, "/sys/fs/bpf/causeway");
    ck_assert_uint_eq(c->fastpath.punt_limit, 250000);
    ck_assert_str_eq(c->api_socket, "/run/causeway/api.sock");
    ck_assert(!c->bgp.on && c->bgp.asn == 0);
    ck_assert_uint_eq(c->metrics_address.family, 0);
    ck_assert(c->log_level == LOG_LEVEL_INFO && c->log_format == LOG_FORMAT_TEXT);
    conf_free(c);
}
END_TEST

START_TEST(test_all_keys_ports)
{
    struct conf *c = load(all_keys);
    const struct conf_underlay *u = &c->underlay;

    ck_assert_str_eq(c->site, "on");
    ck_assert_str_eq(c->gateway, "1");
    ck_address(&u->address, "fd00::1");
    ck_assert_uint_eq(u->prefix_len, 64);
    ck_assert_int_eq(u->port.kind, CONF_PORT_DPDK);
    ck_assert_str_eq(u->port.device, "net_pcap0,rx_pcap=a b'c.pcap,tx_pcap={x}: #y");
    ck_assert_str_eq(u->tap, "0");
    ck_assert_uint_eq(u->mtu, 9070);
    ck_assert_uint_eq(u->vxlan_port, 8472);
    ck_assert_uint_eq(u->ttl, 255);
    ck_assert(u->udp6_zero_csum_tx && u->udp6_zero_csum_rx && !u->offloads);
    ck_assert_uint_eq(u->n_routes, 2);
    ck_address(&u->routes[0].to.addr, "fd00:1::");
    ck_assert_uint_eq(u->routes[0].to.len, 32);
    ck_address(&u->routes[0].via, "fd00::ff");
    ck_assert_uint_eq(u->routes[1].to.len, 0);
    ck_assert_uint_eq(c->n_access, 2);
    ck_assert_int_eq(c->access[0].port.kind, CONF_PORT_PCI);
    ck_assert_str_eq(c->access[0].port.device, "0000:0a:1f.7");
    ck_assert_uint_eq(c->access[0].mtu, 9000);
    ck_assert_uint_eq(c->access[0].mac_limit, 7);
    ck_assert(!c->access[0].offloads && c->access[1].offloads);
    ck_assert_str_eq(c->access[0].untagged, "null");
    ck_assert_uint_eq(c->access[0].n_networks, 2);
    ck_assert_str_eq(c->access[0].networks[0], "1e5");
    ck_assert_str_eq(c->access[0].networks[1], "y");
    ck_assert_int_eq(c->access[1].port.kind, CONF_PORT_INTERFACE);
    conf_free(c);
}
END_TEST

START_TEST(test_all_keys_networks)
{
    struct conf *c = load(all_keys);
    const struct conf_network *n = &c->networks[0];

    ck_assert_uint_eq(c->n_networks, 4);
    ck_assert_uint_eq(n->vlan, 4094);
    ck_assert_uint_eq(n->vni, VNI_MAX);
    ck_assert_uint_eq(n->mtu, 9000);
    ck_assert(!n->qinq && n->flood_unknown && c->networks[2].qinq);
    ck_assert_uint_eq(n->dscp, 0);
    ck_assert_uint_eq(n->n_flood_macs, 2);
    ck_assert(n->flood_macs[0].b[5] == 0x0a && n->flood_macs[1].b[5] == 0x0b);
    ck_assert_uint_eq(n->limit_broadcast, 0);
    ck_assert_uint_eq(n->limit_multicast, CONF_NO_LIMIT);
    ck_assert_uint_eq(n->limit_unknown_unicast, 1000000000);
    ck_assert_uint_eq(n->mac_limit, CONF_NO_LIMIT);
    ck_assert_uint_eq(n->ageing, 0);
    ck_assert_uint_eq(n->n_static_macs, 2);
    ck_assert_str_eq(n->static_macs[0].port, "null-1");
    ck_assert_uint_eq(n->static_macs[0].vtep.family, 0);
    ck_assert_str_eq(n->static_macs[1].port, "");
    ck_address(&n->static_macs[1].vtep, "fd00::2");
    ck_assert_uint_eq(n->n_peers, 2);
    ck_assert(n->peers[0].learning && !n->peers[1].learning); /* R1.10 */
    ck_assert_uint_eq(c->networks[3].vlan, CONF_VLAN_NONE);
    conf_free(c);
}
END_TEST

START_TEST(test_all_keys_rest)
{
    struct conf *c = load(all_keys);

    ck_assert_uint_eq(c->dataplane.max_macs, 1048576);
    ck_assert(c->dataplane.workers == 16 && c->dataplane.spread);
    ck_assert_int_eq(c->dataplane.cpu, 1023);
    ck_assert(c->dataplane.busy_poll);
    ck_assert_int_eq(c->dataplane.hugepages, CONF_HUGEPAGES_OFF);
    ck_assert_int_eq(c->fastpath.mode, CONF_FASTPATH_OFF);
    ck_assert(c->fastpath.persist);
    ck_assert_str_eq(c->fastpath.dir, "/sys/fs/bpf/o'dd");
    ck_assert_uint_eq(c->fastpath.punt_limit, CONF_NO_LIMIT);
    ck_assert_str_eq(c->api_socket, "/run/with space/#x: 'y'.sock");
    ck_assert_uint_eq(c->bgp.asn, 4294967294);
    ck_assert_uint_eq(c->bgp.n_peers, 2);
    ck_address(&c->metrics_address, "::");
    ck_assert_uint_eq(c->metrics_port, 65535);
    conf_free(c);
}
END_TEST

START_TEST(test_booleans)
{
    static const char *const t[] = {"true", "on", "yes"}, *const f[] = {"false", "off", "no"};
    char yaml[512];

    for (size_t i = 0; i < COUNT(t); i++) {
        struct conf *c;

        snprintf(yaml, sizeof(yaml),
                 HEAD UNDER ACC
                 "networks: [ { name: a, vlan: 1, vni: 1, qinq: %s, peers: [ { address: 198.18.0.2, "
                 "learning: %s } ] } ]\n",
                 t[i], f[i]);
        c = load(yaml);
        ck_assert(c->networks[0].qinq && !c->networks[0].peers[0].learning);
        conf_free(c);
    }
}
END_TEST

START_TEST(test_tap_default)
{
    struct conf *c = load(HEAD "underlay: { address: 198.18.0.1/24, port: { pci: 03:00.1 } }\n" ACC NETS);

    ck_assert_str_eq(c->underlay.tap, "cw-wan");
    ck_assert_str_eq(c->underlay.port.device, "0000:03:00.1");
    ck_assert_uint_eq(c->underlay.prefix_len, 24);
    conf_free(c);
}
END_TEST

/* Names longest allowed; CRLF; a byte order mark; comments; a document start; block and flow style. */
START_TEST(test_forms_of_yaml)
{
    struct conf *c =
        load("\xef\xbb\xbf---\r\n# c\r\nsite: a234567890123456789012345678901\r\ngateway: 'g'\r\n"
             "underlay:\r\n  address: \"198.18.0.1\"\r\n  port:\r\n    interface: a23456789012345\r\n"
             "access:\r\n- name: t\r\n  interface: lan0\r\n"
             "\"networks\":\r\n- name: >-\r\n    web\r\n  vlan: 100\r\n  vni: 1\r\n...\r\n");

    ck_assert_uint_eq(strlen(c->site), CONF_NAME_LEN - 1);
    ck_assert_uint_eq(strlen(c->underlay.port.device), IFACE_NAMELEN - 1);
    ck_assert_str_eq(c->networks[0].name, "web");
    conf_free(c);
}
END_TEST

/* ---- what a port carries */

struct carries_case {
    const char *access; /* keys of the port */
    int a, b, u;        /* tag of networks a (VLAN 7), b (VLAN 8), u (untagged); -1: not carried */
};

static const struct carries_case carries_cases[] = {
    {"", 7, 8, 0},
    {", networks: [a]", 7, -1, -1},
    {", networks: [b, u]", -1, 8, 0},
    {", untagged: a", 0, -1, -1},
    {", untagged: u", -1, -1, 0},
    {", untagged: a, networks: [b]", 0, 8, -1},
    {", untagged: a, networks: [a, b]", 0, 8, -1},
};

static int tag_of(const struct conf *c, const char *name)
{
    const struct conf_network *n = conf_network_find(c, name);
    uint16_t vlan = 0xffff;

    ck_assert_ptr_nonnull(n);
    if (conf_access_carries(&c->access[0], n, &vlan))
        return vlan;
    ck_assert_uint_eq(vlan, 0xffff);
    return -1;
}

START_TEST(test_access_carries)
{
    const struct carries_case *t = &carries_cases[_i];
    struct conf *c;
    char yaml[512];

    snprintf(yaml, sizeof(yaml),
             HEAD UNDER "access: [ { name: t, interface: lan0%s } ]\n"
                        "networks: [ { name: a, vlan: 7, vni: 1 }, { name: b, vlan: 8, vni: 2 }, "
                        "{ name: u, vlan: untagged, vni: 3 } ]\n",
             t->access);
    c = load(yaml);
    ck_assert_int_eq(tag_of(c, "a"), t->a);
    ck_assert_int_eq(tag_of(c, "b"), t->b);
    ck_assert_int_eq(tag_of(c, "u"), t->u);
    conf_free(c);
}
END_TEST

START_TEST(test_network_find)
{
    struct conf *c = load(all_keys);

    ck_assert_ptr_eq(conf_network_find(c, "y"), &c->networks[2]);
    ck_assert_ptr_null(conf_network_find(c, "z"));
    ck_assert_ptr_null(conf_network_find(c, ""));
    conf_free(c);
    conf_free(NULL);
}
END_TEST

/* Two untagged networks are fine on different ports; the same addresses may be peers in several networks. */
START_TEST(test_allowed_together)
{
    conf_free(load(
        HEAD UNDER
        "access: [ { name: t, interface: a, networks: [x] }, { name: u, interface: b, networks: [y] } ]\n"
        "networks:\n  - { name: x, vlan: untagged, vni: 1, peers: [ { address: 198.18.0.2 } ] }\n"
        "  - { name: y, vlan: untagged, vni: 2, peers: [ { address: 198.18.0.2 } ] }\n"));
    /* the same MAC in two networks; a port and a network of one name */
    conf_free(
        load(HEAD UNDER ACC
             "networks:\n"
             "  - { name: t, vlan: 1, vni: 1, static_macs: [ { mac: 02:00:00:00:00:01, port: t } ] }\n"
             "  - { name: u, vlan: 2, vni: 2, static_macs: [ { mac: 02:00:00:00:00:01, port: t } ] }\n"));
    /* BGP may run over another family than VXLAN (R2.5) */
    conf_free(load(BASE "bgp: { asn: 1, peers: [ { address: fd00::2, source: fd00::1 } ] }\n"));
}
END_TEST

START_TEST(test_R1_7_overhead)
{
    struct conf *c = load(HEAD "underlay: { address: 198.18.0.1, port: { interface: wan0 }, mtu: 1550 }\n" ACC
                               "networks: [ { name: a, vlan: 7, vni: 1, mtu: 1500 } ]\n");

    ck_assert_uint_eq(conf_overhead(c), 50);
    conf_free(c);
    c = load(HEAD "underlay: { address: fd00::1, port: { interface: wan0 }, mtu: 1570 }\n" ACC
                  "networks: [ { name: a, vlan: 7, vni: 1, mtu: 1500 } ]\n");
    ck_assert_uint_eq(conf_overhead(c), 70);
    conf_free(c);
}
END_TEST

/* ---- printing */

static char *print(const struct conf *c)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(f);
    conf_print(c, f);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

static void same_port(const struct conf_port *a, const struct conf_port *b)
{
    ck_assert_int_eq(a->kind, b->kind);
    ck_assert_str_eq(a->device, b->device);
}

static void same_underlay(const struct conf_underlay *a, const struct conf_underlay *b)
{
    ck_assert(ipaddr_eq(&a->address, &b->address));
    ck_assert_uint_eq(a->prefix_len, b->prefix_len);
    same_port(&a->port, &b->port);
    ck_assert_str_eq(a->tap, b->tap);
    ck_assert_uint_eq(a->mtu, b->mtu);
    ck_assert_uint_eq(a->vxlan_port, b->vxlan_port);
    ck_assert_uint_eq(a->ttl, b->ttl);
    ck_assert(a->udp6_zero_csum_tx == b->udp6_zero_csum_tx && a->udp6_zero_csum_rx == b->udp6_zero_csum_rx);
    ck_assert(a->offloads == b->offloads);
    ck_assert_uint_eq(a->n_routes, b->n_routes);
    for (size_t i = 0; i < a->n_routes; i++) {
        ck_assert(ipaddr_eq(&a->routes[i].to.addr, &b->routes[i].to.addr));
        ck_assert_uint_eq(a->routes[i].to.len, b->routes[i].to.len);
        ck_assert(ipaddr_eq(&a->routes[i].via, &b->routes[i].via));
    }
}

static void same_access(const struct conf_access *a, const struct conf_access *b)
{
    ck_assert_str_eq(a->name, b->name);
    same_port(&a->port, &b->port);
    ck_assert_uint_eq(a->mtu, b->mtu);
    ck_assert(a->offloads == b->offloads);
    ck_assert_uint_eq(a->mac_limit, b->mac_limit);
    ck_assert_str_eq(a->untagged, b->untagged);
    ck_assert_uint_eq(a->n_networks, b->n_networks);
    for (size_t i = 0; i < a->n_networks; i++)
        ck_assert_str_eq(a->networks[i], b->networks[i]);
}

static void same_network(const struct conf_network *a, const struct conf_network *b)
{
    ck_assert_str_eq(a->name, b->name);
    ck_assert(a->vlan == b->vlan && a->vni == b->vni && a->mtu == b->mtu);
    ck_assert(a->qinq == b->qinq && a->dscp == b->dscp && a->flood_unknown == b->flood_unknown);
    ck_assert(a->limit_broadcast == b->limit_broadcast && a->limit_multicast == b->limit_multicast);
    ck_assert(a->limit_unknown_unicast == b->limit_unknown_unicast);
    ck_assert(a->mac_limit == b->mac_limit && a->ageing == b->ageing);
    ck_assert(a->n_flood_macs == b->n_flood_macs && a->n_static_macs == b->n_static_macs &&
              a->n_peers == b->n_peers);
    for (size_t i = 0; i < a->n_flood_macs; i++)
        ck_assert(mac_eq(a->flood_macs[i], b->flood_macs[i]));
    for (size_t i = 0; i < a->n_static_macs; i++) {
        ck_assert(mac_eq(a->static_macs[i].mac, b->static_macs[i].mac));
        ck_assert_str_eq(a->static_macs[i].port, b->static_macs[i].port);
        ck_assert(ipaddr_eq(&a->static_macs[i].vtep, &b->static_macs[i].vtep));
    }
    for (size_t i = 0; i < a->n_peers; i++) {
        ck_assert(ipaddr_eq(&a->peers[i].address, &b->peers[i].address));
        ck_assert(a->peers[i].learning == b->peers[i].learning);
    }
    ck_assert(a->proxy == b->proxy && a->n_routers == b->n_routers);
    for (size_t i = 0; i < a->n_routers; i++) {
        ck_assert(ipaddr_eq(&a->routers[i].address, &b->routers[i].address));
        ck_assert(mac_eq(a->routers[i].mac, b->routers[i].mac));
    }
    ck_assert(a->rd_auto == b->rd_auto);
    ck_assert_mem_eq(&a->rd, &b->rd, sizeof(a->rd));
    ck_assert(a->n_rt_import == b->n_rt_import && a->n_rt_export == b->n_rt_export);
    for (size_t i = 0; i < a->n_rt_import; i++)
        ck_assert_mem_eq(&a->rt_import[i], &b->rt_import[i], sizeof(a->rt_import[i]));
    for (size_t i = 0; i < a->n_rt_export; i++)
        ck_assert_mem_eq(&a->rt_export[i], &b->rt_export[i], sizeof(a->rt_export[i]));
}

static void same_bgp(const struct conf_bgp *a, const struct conf_bgp *b)
{
    ck_assert(a->on == b->on && a->asn == b->asn && a->router_id == b->router_id && a->port == b->port);
    ck_assert(ipaddr_eq(&a->source, &b->source));
    ck_assert(a->hold_time == b->hold_time && a->keepalive == b->keepalive);
    ck_assert(a->connect_retry == b->connect_retry && a->graceful_restart == b->graceful_restart);
    ck_assert_int_eq(a->rt_form, b->rt_form);
    ck_assert(a->duplicate_moves == b->duplicate_moves && a->duplicate_seconds == b->duplicate_seconds &&
              a->duplicate_hold_down == b->duplicate_hold_down);
    ck_assert_uint_eq(a->n_peers, b->n_peers);
    for (size_t i = 0; i < a->n_peers; i++) {
        const struct conf_bgp_peer *p = &a->peers[i], *q = &b->peers[i];

        ck_assert(ipaddr_eq(&p->address, &q->address) && ipaddr_eq(&p->source, &q->source));
        ck_assert_str_eq(p->name, q->name);
        ck_assert_str_eq(p->password, q->password);
        ck_assert(p->asn == q->asn && p->port == q->port && p->passive == q->passive);
        ck_assert(p->ttl_security == q->ttl_security && p->multihop == q->multihop);
        ck_assert(p->max_prefixes == q->max_prefixes && p->max_prefixes_warning == q->max_prefixes_warning);
        ck_assert(p->graceful_restart == q->graceful_restart && p->default_vxlan == q->default_vxlan);
    }
}

static void same_moves(const struct conf *a, const struct conf *b)
{
    const struct conf_moves *m = &a->moves, *n = &b->moves;

    ck_assert(m->repeats == n->repeats && m->interval_ms == n->interval_ms && m->limit == n->limit);
    ck_assert(m->bounce == n->bounce && m->journal_size == n->journal_size);
    ck_assert_str_eq(m->journal, n->journal);
    ck_assert_uint_eq(a->n_sites, b->n_sites);
    for (size_t i = 0; i < a->n_sites; i++) {
        ck_assert_str_eq(a->sites[i].name, b->sites[i].name);
        ck_assert_uint_eq(a->sites[i].n_vteps, b->sites[i].n_vteps);
        for (size_t v = 0; v < a->sites[i].n_vteps; v++)
            ck_assert(ipaddr_eq(&a->sites[i].vteps[v], &b->sites[i].vteps[v]));
    }
}

static void same_conf(const struct conf *a, const struct conf *b)
{
    ck_assert_str_eq(a->site, b->site);
    ck_assert_str_eq(a->gateway, b->gateway);
    same_underlay(&a->underlay, &b->underlay);
    ck_assert_uint_eq(a->n_access, b->n_access);
    for (size_t i = 0; i < a->n_access; i++)
        same_access(&a->access[i], &b->access[i]);
    ck_assert_uint_eq(a->n_networks, b->n_networks);
    for (size_t i = 0; i < a->n_networks; i++)
        same_network(&a->networks[i], &b->networks[i]);
    ck_assert(a->dataplane.max_macs == b->dataplane.max_macs && a->dataplane.cpu == b->dataplane.cpu);
    ck_assert(a->dataplane.workers == b->dataplane.workers && a->dataplane.spread == b->dataplane.spread);
    ck_assert(a->dataplane.busy_poll == b->dataplane.busy_poll &&
              a->dataplane.hugepages == b->dataplane.hugepages);
    ck_assert(a->fastpath.mode == b->fastpath.mode && a->fastpath.persist == b->fastpath.persist);
    ck_assert(a->fastpath.punt_limit == b->fastpath.punt_limit);
    ck_assert_str_eq(a->fastpath.dir, b->fastpath.dir);
    ck_assert_str_eq(a->api_socket, b->api_socket);
    same_bgp(&a->bgp, &b->bgp);
    same_moves(a, b);
    ck_assert(ipaddr_eq(&a->metrics_address, &b->metrics_address) && a->metrics_port == b->metrics_port);
    ck_assert(a->log_level == b->log_level && a->log_format == b->log_format);
}

/* The mode alone may stand for the section. */
START_TEST(test_fastpath_in_one_word)
{
    static const struct {
        const char *text;
        enum conf_fastpath_mode mode;
    } words[] = {{"auto", CONF_FASTPATH_AUTO}, {"on", CONF_FASTPATH_ON}, {"off", CONF_FASTPATH_OFF}};
    char yaml[1024];

    for (size_t i = 0; i < COUNT(words); i++) {
        struct conf *c;

        snprintf(yaml, sizeof(yaml), BASE "fastpath: %s\n", words[i].text);
        c = load(yaml);
        ck_assert_int_eq(c->fastpath.mode, words[i].mode);
        ck_assert_uint_eq(c->fastpath.punt_limit, 250000);
        conf_free(c);
    }
}
END_TEST

/* load -> print -> load -> print. Frees c. */
static void round_trip(struct conf *c)
{
    char *text = print(c), *again;
    struct conf *d = load(text);

    same_conf(c, d);
    again = print(d);
    ck_assert_str_eq(text, again);
    free(text);
    free(again);
    conf_free(c);
    conf_free(d);
}

START_TEST(test_print_round_trip)
{
    static const char *const texts[] = {BASE, design_example, all_keys};

    for (size_t i = 0; i < COUNT(texts); i++)
        round_trip(load(texts[i]));
    /* max_macs below the default mac_limit, which is then printed */
    round_trip(load(BASE "dataplane: { max_macs: 1024 }\n"));
}
END_TEST

/* For readers of YAML 1.1 too: a MAC is no sexagesimal number, "on" and "y" no boolean. */
START_TEST(test_print_quotes)
{
    static const char *const lines[] = {
        "site: \"on\"\n",
        "gateway: \"1\"\n",
        "  address: \"fd00::1/64\"\n",
        "    dpdk: \"net_pcap0,rx_pcap=a b'c.pcap,tx_pcap={x}: #y\"\n",
        "    pci: \"0000:0a:1f.7\"\n",
        "  - name: null-1\n",
        "  - name: a.b_c-d\n",
        "    untagged: \"null\"\n",
        "      - \"1e5\"\n",
        "      - \"y\"\n",
        "      - \".inf\"\n",
        "      - \"02:00:00:00:00:0a\"\n",
        "      - { mac: \"02:00:00:00:00:01\", port: null-1 }\n",
        "      - { mac: \"02:00:00:00:00:02\", vtep: \"fd00::2\" }\n",
        "      multicast: unlimited\n",
        "  listen: \"[::]:65535\"\n",
    };
    struct conf *c = load(all_keys);
    char *text = print(c);

    for (size_t i = 0; i < COUNT(lines); i++)
        ck_assert_msg(strstr(text, lines[i]), "no %sin\n%s", lines[i], text);
    free(text);
    conf_free(c);
}
END_TEST

START_TEST(test_print_says_the_defaults)
{
    static const char *const lines[] = {
        "  vxlan_port: 4789\n", "    mac_limit: 16384\n",  "    ageing: 300\n",
        "    dscp: inherit\n",  "      broadcast: 1000\n", "  max_macs: 131072\n",
        "  cpu: any\n",         "  poll: adaptive\n",      "  socket: \"/run/causeway/api.sock\"\n",
    };
    struct conf *c = load(BASE);
    char *text = print(c);

    for (size_t i = 0; i < COUNT(lines); i++)
        ck_assert_msg(strstr(text, lines[i]), "no %sin\n%s", lines[i], text);
    free(text);
    conf_free(c);
}
END_TEST

/* ---- the examples, and size */

START_TEST(test_example_files)
{
    glob_t g;

    ck_assert_msg(glob("conf/*.yaml", 0, NULL, &g) == 0, "no conf/*.yaml: run this in the top folder");
    ck_assert_uint_ge(g.gl_pathc, 6);
    for (size_t i = 0; i < g.gl_pathc; i++) {
        struct conf_errors errors;
        struct conf *c = conf_load(g.gl_pathv[i], &errors);

        ck_assert_msg(c, "%s", errors.n ? errors.text[0] : g.gl_pathv[i]);
        conf_errors_free(&errors);
        round_trip(c);
    }
    globfree(&g);
}
END_TEST

/* What the two sites must agree on, and what they must not share. */
START_TEST(test_example_sites_fit_together)
{
    struct conf_errors errors;
    struct conf *p = conf_load("conf/paris.yaml", &errors), *l = conf_load("conf/london.yaml", &errors);

    ck_assert(p && l);
    ck_assert(!ipaddr_eq(&p->underlay.address, &l->underlay.address));
    ck_assert_uint_eq(p->n_networks, l->n_networks);
    for (size_t i = 0; i < p->n_networks; i++) {
        const struct conf_network *n = &p->networks[i], *m = conf_network_find(l, n->name);

        ck_assert_ptr_nonnull(m);
        ck_assert_uint_eq(n->vni, m->vni);
        ck_assert(ipaddr_eq(&n->peers[0].address, &l->underlay.address) && n->peers[0].learning);
        ck_assert(ipaddr_eq(&m->peers[0].address, &p->underlay.address) && m->peers[0].learning);
    }
    conf_errors_free(&errors);
    conf_free(p);
    conf_free(l);
}
END_TEST

/* All VLANs, all named by every port: linear. */
START_TEST(test_largest)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(f);
    fputs(HEAD UNDER "access:\n", f);
    for (int a = 0; a < CONF_MAX_ACCESS; a++) {
        fprintf(f, "  - name: t%d\n    interface: lan%d\n    mtu: 1500\n    networks:\n", a, a);
        for (int i = 0; i < CONF_MAX_NETWORKS; i++)
            fprintf(f, "      - network-%d\n", i);
    }
    fputs("networks:\n", f);
    for (int i = 0; i < CONF_MAX_NETWORKS; i++) {
        fprintf(f, "  - name: network-%d\n    vlan: %d\n    vni: %d\n    mtu: 1500\n", i, i + 1, i + 1);
        fprintf(f, "    peers: [ { address: 198.19.%d.%d } ]\n", i % 1023 / 250, i % 1023 % 250 + 1);
        fprintf(f, "    static_macs: [ { mac: 02:00:00:00:00:01, port: t13 } ]\n");
    }
    fclose(f);
    round_trip(load_len(text, len));
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("conf");
    TCase *tc = tcase_create("conf"), *large = tcase_create("large");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, test_design_example);
    tcase_add_test(tc, test_defaults);
    tcase_add_test(tc, test_all_keys_ports);
    tcase_add_test(tc, test_all_keys_networks);
    tcase_add_test(tc, test_all_keys_rest);
    tcase_add_test(tc, test_booleans);
    tcase_add_test(tc, test_tap_default);
    tcase_add_test(tc, test_forms_of_yaml);
    tcase_add_loop_test(tc, test_access_carries, 0, (int)COUNT(carries_cases));
    tcase_add_test(tc, test_network_find);
    tcase_add_test(tc, test_allowed_together);
    tcase_add_test(tc, test_R1_7_overhead);
    tcase_add_test(tc, test_fastpath_in_one_word);
    tcase_add_test(tc, test_print_round_trip);
    tcase_add_test(tc, test_print_quotes);
    tcase_add_test(tc, test_print_says_the_defaults);
    tcase_add_test(tc, test_example_files);
    tcase_add_test(tc, test_example_sites_fit_together);
    suite_add_tcase(s, tc);
    tcase_set_timeout(large, 30); /* a busy machine with sanitizers */
    tcase_add_test(large, test_largest);
    suite_add_tcase(s, large);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
