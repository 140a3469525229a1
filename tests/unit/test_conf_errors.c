/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Configurations that do not load: what is said about them, and where. The marks (@) in them are explained in
 * conf_expect.h. What is about BGP is test_conf_bgp.c's.
 */
#include "conf/conf_error.h"
#include "tests/unit/conf_expect.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Around one part. */
#define UNDERLAY(text) HEAD "underlay:\n" text ACC NETS
#define ACCESS(text)   HEAD UNDER "access:\n" text NETS
#define ROUTE(text)                                                                                          \
    UNDERLAY("  address: 198.18.0.1/24\n  port: { dpdk: net_null0 }\n  routes: [ " text " ]\n")

/* ---- one mistake each */

static const struct mistake mistakes[] = {
    /* keys */
    {"unknown key", BASE "@colour: red\n",
     "unknown key \"colour\" in the configuration, known here: site, gateway,"},
    {"misspelt key", NETWORK("@ageign: 5"),
     "unknown key \"ageign\" in a network, did you mean \"ageing\"? known here:"},
    {"misspelt required key", "@sit: s\ngateway: g\n" UNDER ACC NETS, "did you mean \"site\"?"},
    {"misspelt choice", ACCESS("  - { name: t, @interfce: lan0 }\n"), "did you mean \"interface\"?"},
    {"unknown key in limits", NETWORK("limits: { @brodcast: 5 }"), "did you mean \"broadcast\"?"},
    {"key with control characters", BASE "@\"a\\e[2Jb\": 1\n", "unknown key \"a\\x1b[2Jb\""},
    {"key of another section", HEAD UNDER ACC NETS "@vlan: 5\n", "unknown key \"vlan\" in the configuration"},
    {"double key", BASE "@site: t\n", "site is given twice in the configuration (first on line 1), keep one"},
    {"double key deep", NETWORK("@vni: 5"), "vni is given twice in a network (first on line 6)"},
    {"key that is a list", BASE "? @[a]\n: b\n", "a list or mapping where a key should be"},
    {"no site", "@gateway: g\n" UNDER ACC NETS,
     "site is missing in the configuration, expected site: 1 to 31 letters"},
    {"no gateway", "@site: s\n" UNDER ACC NETS, "gateway is missing"},
    {"no underlay", "@" HEAD ACC NETS, "underlay is missing"},
    {"no access", "@" HEAD UNDER NETS, "access is missing"},
    {"no networks", "@" HEAD UNDER ACC, "networks is missing"},
    {"no vni", NETWORKS("  - @name: web\n    vlan: 100\n"),
     "vni is missing in a network, expected vni: a whole number"},
    {"no vlan", NETWORKS("  - @{ name: web, vni: 100 }\n"),
     "expected vlan: a whole number from 1 to 4094 or untagged"},
    {"no network name", NETWORKS("  - @{ vlan: 1, vni: 100 }\n"), "name is missing in a network"},
    {"no underlay address", UNDERLAY("  @port: { interface: wan0 }\n"), "address is missing in the underlay"},
    {"no underlay port", UNDERLAY("  @address: 198.18.0.1\n"),
     "port is missing in the underlay, expected port: { interf"},
    {"empty underlay port", UNDERLAY("  address: 198.18.0.1\n  port: @{}\n"),
     "interface, pci or dpdk is missing in the underlay's port, give exactly one"},
    {"no device", ACCESS("  - @name: t\n"), "interface, pci or dpdk is missing in an access port"},
    {"two devices", ACCESS("  - { name: t, interface: lan0, @pci: \"0000:03:00.0\" }\n"),
     "interface and pci are both given in an access port, keep one"},
    {"two devices in the underlay",
     UNDERLAY("  address: 198.18.0.1\n  port: { dpdk: net_null0, @interface: wan0 }\n"),
     "dpdk and interface are both given in the underlay's port"},
    {"no peer address", NETWORK("peers: [ @{ learning: on } ]"), "address is missing in a peer"},
    {"no static MAC", NETWORK("static_macs: [ @{ port: t } ]"), "mac is missing in a static MAC"},
    {"no place of a static MAC", NETWORK("static_macs: [ @{ mac: 02:00:00:00:00:01 } ]"),
     "port or vtep is missing in a static MAC, give exactly one"},
    {"two places of a static MAC",
     NETWORK("peers: [ { address: 198.18.0.2 } ], static_macs: [ { mac: 02:00:00:00:00:01, vtep: 198.18.0.2, "
             "@port: t } ]"),
     "vtep and port are both given"},
    {"no asn", BASE "bgp: @{ peers: [] }\n", "asn is missing in the bgp section"},
    {"no listen", BASE "metrics: @{}\n", "listen is missing in the metrics section"},

    /* types */
    {"list for a mapping", HEAD "underlay: @[1]\n" ACC NETS, "underlay: found a list, expected a mapping"},
    {"text for a mapping", BASE "dataplane: @fast\n", "dataplane: found \"fast\", expected a mapping"},
    {"nothing for a mapping", BASE "@bgp:\nmetrics: { listen: 127.0.0.1:1 }\n",
     "bgp: found nothing, expected a mapping"},
    {"mapping for a list", HEAD UNDER "access: @{ name: t }\n" NETS,
     "access: found a mapping, expected a list"},
    {"text for a list", NETWORK("flood_macs: @02:00:00:00:00:01"),
     "flood_macs: found \"02:00:00:00:00:01\", expected a list"},
    {"list for a number", NETWORK("mtu: @[1500]"),
     "mtu: found a list, expected a whole number from 68 to 65535"},
    {"text for a number", NETWORK("mtu: @big"), "mtu: found \"big\", expected a whole number"},
    {"number in quotes", NETWORK("mtu: @\"1500\""),
     "mtu: found \"1500\" in quotes, expected a whole number from 68 to 65535, "
     "without quotes"},
    {"fraction", NETWORK("mtu: @1500.5"), "mtu: found \"1500.5\", expected a whole number"},
    {"hexadecimal", NETWORK("mtu: @0x5dc"), "mtu: found \"0x5dc\", expected a whole number"},
    {"leading zero", NETWORK("mtu: @01500"), "without leading zeros"},
    {"null for a number", NETWORK("mtu: @~"), "mtu: found nothing"},
    {"null for a name", "site: @null\ngateway: g\n" UNDER ACC NETS,
     "site: found nothing, expected 1 to 31 letters"},
    {"mapping for a name", "site: @{ name: s }\ngateway: g\n" UNDER ACC NETS, "site: found a mapping"},
    {"qinq without a tag of its own", NETWORKS("  - { name: q, vlan: untagged, vni: 5, qinq: @true }\n"),
     "qinq: an untagged network cannot carry tags"},
    {"qinq untagged on a port",
     HEAD UNDER "access:\n  - { name: t, interface: lan0, untagged: @q }\n"
                "networks:\n  - { name: q, vlan: 7, vni: 5, qinq: true }\n",
     "untagged: network q has qinq: true (line"},
    {"text for a boolean", NETWORK("qinq: @maybe"),
     "qinq: found \"maybe\", expected true, false, on, off, yes or no"},
    {"text for learning", NETWORK("peers: [ { address: 198.18.0.2, learning: @auto } ]"),
     "learning: found \"auto\", expected on or off"},
    {"other word", NETWORK("unknown_unicast: @pass"),
     "unknown_unicast: found \"pass\", expected drop or flood"},
    {"other poll", BASE "dataplane: { poll: @fast }\n", "poll: found \"fast\", expected adaptive or busy"},
    {"other hugepages", BASE "dataplane: { hugepages: @2M }\n", "expected auto, on or off"},
    {"other fastpath", BASE "fastpath: @xdp\n",
     "fastpath: found \"xdp\", expected auto, on, off, or { mode: auto, ... }"},
    {"list for fastpath", BASE "fastpath: @[ on ]\n", "fastpath: found a list, expected auto, on, off, or {"},
    {"other mode", BASE "fastpath: { mode: @fast }\n", "mode: found \"fast\", expected auto, on or off"},
    {"no punts", BASE "fastpath: { punt_limit: @0 }\n",
     "punt_limit: 0 is out of range, expected a whole number from 1 to 1000000000 or unlimited"},
    {"fastpath without ports",
     HEAD UNDER "access:\n  - { name: t, dpdk: net_null0 }\n" NETS "fastpath: @on\n",
     "fastpath: on needs two ports with interface, expected auto or off"},
    {"fastpath mode without ports",
     HEAD UNDER "access:\n  - { name: t, dpdk: net_null0 }\n" NETS "fastpath: { mode: @on }\n",
     "fastpath: on needs two ports with interface, expected auto or off"},
    {"other limit", NETWORK("limits: { multicast: @none }"),
     "expected a whole number from 0 to 1000000000 or unlimited"},
    {"text for a peer", NETWORK("peers: [ @198.18.0.2 ]"), "peers: found \"198.18.0.2\", expected a mapping"},
    {"file that is a list", "@- a\n", "the configuration: found a list, expected a mapping"},
    {"file that is a word", "@hello\n", "the configuration: found \"hello\", expected a mapping"},

    /* ranges */
    {"vlan 0", NETWORKS("  - { name: web, vlan: @0, vni: 1 }\n"),
     "vlan: 0 is out of range, expected a whole number from 1 to "
     "4094 or untagged"},
    {"vlan 4095", NETWORKS("  - { name: web, vlan: @4095, vni: 1 }\n"), "vlan: 4095 is out of range"},
    {"vni 0", NETWORKS("  - { name: web, vlan: 1, vni: @0 }\n"),
     "vni: 0 is out of range, expected a whole number from 1 to 16777215"},
    {"vni 2^24", NETWORKS("  - { name: web, vlan: 1, vni: @16777216 }\n"), "vni: 16777216 is out of range"},
    {"vni beyond 64 bits", NETWORKS("  - { name: web, vlan: 1, vni: @18446744073709551617 }\n"),
     "out of range"},
    {"negative", NETWORK("mac_limit: @-1"), "mac_limit: -1 is out of range"},
    {"mtu of a network", NETWORK("mtu: @67"), "out of range, expected a whole number from 68 to 65535"},
    {"mtu of the underlay", UNDERLAY("  address: 198.18.0.1\n  port: { interface: wan0 }\n  mtu: @65536\n"),
     "out of range"},
    {"mtu of a port", ACCESS("  - { name: t, interface: lan0, mtu: @1 }\n"), "out of range"},
    {"dscp", NETWORK("dscp: @64"),
     "dscp: 64 is out of range, expected a whole number from 0 to 63 or inherit"},
    {"ttl", UNDERLAY("  address: 198.18.0.1\n  port: { interface: wan0 }\n  ttl: @0\n"),
     "ttl: 0 is out of range"},
    {"vxlan_port", UNDERLAY("  address: 198.18.0.1\n  port: { interface: wan0 }\n  vxlan_port: @65536\n"),
     "out of range"},
    {"max_macs small", BASE "dataplane: { max_macs: @1023 }\n",
     "expected a whole number from 1024 to 1048576"},
    {"max_macs large", BASE "dataplane: { max_macs: @1048577 }\n", "out of range"},
    {"no workers", BASE "dataplane: { workers: @0 }\n",
     "workers: 0 is out of range, expected a whole number from 1 to 16"},
    {"cpu", BASE "dataplane: { cpu: @-1 }\n",
     "cpu: -1 is out of range, expected a whole number from 0 to 1023 or any"},
    {"ageing", NETWORK("ageing: @1000001"), "out of range"},
    {"mac_limit 0", NETWORK("mac_limit: @0"), "expected a whole number from 1 to 1048576 or unlimited"},
    {"asn", BASE "bgp: { asn: @0 }\n", "out of range"},
    {"no access port", HEAD UNDER "access: @[]\n" NETS, "access: the list is empty, give at least one"},
    {"no network", HEAD UNDER ACC "networks: @[]\n", "networks: the list is empty, give at least one"},
    {"port that carries nothing", ACCESS("  - { name: t, interface: lan0, networks: @[] }\n"),
     "the list is empty, give at least one or leave the key out"},

    /* names, devices, paths */
    {"empty name", "site: @\"\"\ngateway: g\n" UNDER ACC NETS,
     "site: \"\" is empty, expected 1 to 31 letters"},
    {"long name", "site: @a2345678901234567890123456789012\ngateway: g\n" UNDER ACC NETS,
     "is too long, expected 1 to 31"},
    {"name with a space", "site: @new york\ngateway: g\n" UNDER ACC NETS,
     "has characters that a name cannot have"},
    {"name with an umlaut", "site: @k\xc3\xb6ln\ngateway: g\n" UNDER ACC NETS,
     "\"k\xc3\xb6ln\" has characters"},
    {"name with a NUL", "site: @\"a\\0b\"\ngateway: g\n" UNDER ACC NETS, "has a NUL character"},
    {"long interface", ACCESS("  - { name: t, interface: @a234567890123456 }\n"),
     "\"a234567890123456\" is too long for an interface name, expected an interface name of 1 to 15 "
     "characters"},
    {"interface with a slash", ACCESS("  - { name: t, interface: @lan/0 }\n"),
     "characters that an interface name cannot have"},
    {"empty interface", ACCESS("  - { name: t, interface: @'' }\n"), "interface: \"\" is empty"},
    {"interface of dots", ACCESS("  - { name: t, interface: @.. }\n"), "is no interface name"},
    {"PCI address", ACCESS("  - { name: t, pci: @0000:03:00 }\n"),
     "is no PCI address, expected a PCI address like \"0000:03:00.0\""},
    {"PCI function 8", ACCESS("  - { name: t, pci: @0000:03:00.8 }\n"), "is no PCI address"},
    {"PCI device 20", ACCESS("  - { name: t, pci: @0000:03:20.0 }\n"), "is no PCI address"},
    {"PCI with more", ACCESS("  - { name: t, pci: @\"0000:03:00.0,x=1\" }\n"), "is no PCI address"},
    {"PCI with letters", ACCESS("  - { name: t, pci: @0000:0g:00.0 }\n"), "is no PCI address"},
    {"vdev of no driver", ACCESS("  - { name: t, dpdk: @crypto_null }\n"),
     "does not start with a DPDK network driver"},
    {"vdev of a driver without a name", ACCESS("  - { name: t, dpdk: @net_ }\n"),
     "does not start with a DPDK network driver"},
    {"vdev with a newline", ACCESS("  - { name: t, dpdk: @\"net_null0\\n--\" }\n"),
     "characters other than printable ASCII"},
    {"tap", UNDERLAY("  address: 198.18.0.1/24\n  port: { dpdk: net_null0 }\n  tap: @cw%d\n"),
     "tap: \"cw%d\" has characters"},
    {"relative socket", BASE "api: { socket: @run/api.sock }\n", "is not the absolute path of a file"},
    {"long socket",
     BASE
     "api: { socket: "
     "@/12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
     "9012345678 }\n",
     "is too long, expected an absolute path of at most 107 characters"},
    {"listen without port", BASE "metrics: { listen: @127.0.0.1 }\n",
     "is no address and port, expected ADDRESS:PORT"},
    {"listen on port 0", BASE "metrics: { listen: @127.0.0.1:0 }\n", "is no address and port"},
    {"listen on port 65536", BASE "metrics: { listen: @127.0.0.1:65536 }\n", "is no address and port"},
    {"listen without brackets", BASE "metrics: { listen: @\"::1:9469\" }\n", "or \"[::1]:9469\""},
    {"listen without quotes", BASE "metrics: { listen: @[127.0.0.1, 9469] }\n",
     "found a list, expected ADDRESS:PORT"},
    {"listen on multicast", BASE "metrics: { listen: @224.0.0.1:9469 }\n", "is a multicast address"},

    /* addresses */
    {"no address", UNDERLAY("  address: @wan0\n  port: { interface: wan0 }\n"),
     "address: \"wan0\" is no IP address, expected"},
    {"prefix too long", UNDERLAY("  address: @198.18.0.1/33\n  port: { dpdk: net_null0 }\n"),
     "is no IP address"},
    {"prefix of 0", UNDERLAY("  address: @198.18.0.1/0\n  port: { dpdk: net_null0 }\n"),
     "has prefix length 0"},
    {"multicast VTEP", UNDERLAY("  address: @239.1.1.1\n  port: { interface: wan0 }\n"),
     "is not the unicast address of a host"},
    {"unspecified VTEP", UNDERLAY("  address: @\"::\"\n  port: { interface: wan0 }\n"),
     "is not the unicast address"},
    {"loopback peer", NETWORK("peers: [ { address: @127.0.0.1 } ]"), "is not the unicast address"},
    {"link-local peer", NETWORK("peers: [ { address: @fe80::1 } ]"),
     "is a link-local address, which no other site can reach"},
    {"mapped peer", NETWORK("peers: [ { address: @\"::ffff:1.2.3.4\" } ]"), "is no IP address"},
    {"no MAC", NETWORK("flood_macs: [ @02:00:00:00:00 ]"),
     "flood_macs: \"02:00:00:00:00\" is no MAC address, expected a host's"},
    {"group MAC", NETWORK("flood_macs: [ @01:00:5e:00:00:01 ]"), "is a group address"},
    {"zero MAC", NETWORK("flood_macs: [ @00:00:00:00:00:00 ]"), "is the zero address"},
    {"static group MAC", NETWORK("static_macs: [ { mac: @ff:ff:ff:ff:ff:ff, port: t } ]"),
     "mac: \"ff:ff:ff:ff:ff:ff\" is a group"},
    {"static zero MAC", NETWORK("static_macs: [ { mac: @00:00:00:00:00:00, port: t } ]"),
     "is the zero address"},

    /* what must fit together */
    {"VLAN twice", NETWORKS("  - { name: a, vlan: 7, vni: 1 }\n  - { name: b, vlan: @7, vni: 2 }\n"),
     "vlan: 7 is used twice (first on line 6), each network needs a VLAN of its own"},
    {"VNI twice", NETWORKS("  - { name: a, vlan: 7, vni: 1 }\n  - { name: b, vlan: 8, vni: @1 }\n"),
     "vni: 1 is used twice (first"},
    {"network twice", NETWORKS("  - { name: a, vlan: 7, vni: 1 }\n  - { name: @a, vlan: 8, vni: 2 }\n"),
     "name: network \"a\" is there twice (first on line 6)"},
    {"port twice", ACCESS("  - { name: t, interface: lan0 }\n  - { name: @t, interface: lan1 }\n"),
     "name: access port \"t\" is there twice (first on line 5)"},
    {"interface twice", ACCESS("  - { name: t, interface: lan0 }\n  - { name: u, interface: @lan0 }\n"),
     "device \"lan0\" is used twice (first on line 5), each port needs its own"},
    {"interface of the underlay", ACCESS("  - { name: t, interface: @wan0 }\n"),
     "device \"wan0\" is used twice (first on line 3)"},
    {"PCI twice", ACCESS("  - { name: t, pci: 0000:0A:00.0 }\n  - { name: u, pci: @0a:00.0 }\n"),
     "\"0000:0a:00.0\" is used twice"},
    {"vdev twice", ACCESS("  - { name: t, dpdk: \"net_pcap0,a=b\" }\n  - { name: u, dpdk: @net_pcap0 }\n"),
     "\"net_pcap0\" is used twice"},
    {"interface called as the TAP",
     HEAD "underlay: { address: 198.18.0.1/24, port: { dpdk: net_null0 }, tap: @lan0 }\n" ACC NETS,
     "lan0 is the name of the underlay's TAP and of a port's interface, give tap another name"},
    {"interface called as the default TAP",
     HEAD "underlay: { address: 198.18.0.1/24, port: { dpdk: net_null0 } }\naccess: [ { name: t, interface: "
          "@cw-wan } ]\n" NETS,
     "cw-wan is the name of the underlay's TAP"},
    {"static MAC twice",
     NETWORK("static_macs: [ { mac: 02:00:00:00:00:01, port: t }, { mac: @02-00-00-00-00-01, port: t } ]"),
     "mac: 02:00:00:00:00:01 is there twice in this network (first on line 6)"},
    {"flood MAC twice", NETWORK("flood_macs: [ 02:00:00:00:00:01, @02:00:00:00:00:01 ]"),
     "flood_macs: 02:00:00:00:00:01 is there"},
    {"peer twice", NETWORK("peers: [ { address: 198.18.0.2 }, { address: @198.18.0.2 } ]"),
     "peers: 198.18.0.2 is listed twice in this network (first on line 6)"},
    {"peer that is ourselves", NETWORK("peers: [ { address: @198.18.0.1 } ]"),
     "198.18.0.1 is this gateway's own address"},
    {"BGP peer that is ourselves", BASE "bgp: { asn: 1, peers: [ { address: @198.18.0.1 } ] }\n",
     "this gateway's own address"},
    {"BGP peer twice", BASE "bgp: { asn: 1, peers: [ { address: 198.18.0.2 }, { address: @198.18.0.2 } ] }\n",
     "is there twice"},
    {"vtep that is ourselves", NETWORK("static_macs: [ { mac: 02:00:00:00:00:01, vtep: @198.18.0.1 } ]"),
     "own address"},
    {"vtep that is no peer",
     NETWORK("peers: [ { address: 198.18.0.2 } ], static_macs: [ { mac: 02:00:00:00:00:01, vtep: @198.18.0.3 "
             "} ]"),
     "vtep: 198.18.0.3 is not a peer of this network, expected one of its peers"},
    {"vtep that is another network's peer",
     NETWORKS("  - { name: a, vlan: 7, vni: 1, peers: [ { address: 198.18.0.2 } ] }\n"
              "  - { name: b, vlan: 8, vni: 2, static_macs: [ { mac: 02:00:00:00:00:01, vtep: @198.18.0.2 } "
              "] }\n"),
     "is not a peer of this network"},
    {"IPv6 peer over IPv4", NETWORK("peers: [ { address: @fd00::2 } ]"),
     "address: fd00::2 is IPv6 but the underlay's address is IPv4, expected an IPv4 address"},
    {"IPv4 peer over IPv6",
     HEAD "underlay: { address: fd00::1, port: { interface: wan0 } }\n" ACC
          "networks: [ { name: a, vlan: 1, vni: 1, peers: [ { address: @198.18.0.2 } ] } ]\n",
     "198.18.0.2 is IPv4 but the underlay's address is IPv6"},
    {"IPv6 vtep over IPv4", NETWORK("static_macs: [ { mac: 02:00:00:00:00:01, vtep: @fd00::2 } ]"),
     "vtep: fd00::2 is IPv6"},
    {"unknown port", NETWORK("static_macs: [ { mac: 02:00:00:00:00:01, port: @u } ]"),
     "port: there is no access port \"u\", expected a name from the access section"},
    {"port that does not carry the network",
     HEAD UNDER
     "access: [ { name: t, interface: lan0, networks: [a] } ]\nnetworks:\n  - { name: a, vlan: 7, vni: 1 }\n"
     "  - { name: b, vlan: 8, vni: 2, static_macs: [ { mac: 02:00:00:00:00:01, port: @t } ] }\n",
     "port: access port t does not carry network b"},
    {"unknown network", ACCESS("  - { name: t, interface: lan0, networks: [ web, @db ] }\n"),
     "networks: there is no network \"db\", expected a name from the networks section"},
    {"unknown untagged network", ACCESS("  - { name: t, interface: lan0, untagged: @db }\n"),
     "untagged: there is no network \"db\""},
    {"network listed twice", ACCESS("  - { name: t, interface: lan0, networks: [ web, @web ] }\n"),
     "web is listed twice (first on"},
    {"two untagged networks on a port that carries all",
     HEAD UNDER
     "access: [ { name: @t, interface: lan0 } ]\nnetworks:\n  - { name: a, vlan: untagged, vni: 1 }\n"
     "  - { name: b, vlan: untagged, vni: 2 }\n",
     "access port t carries all networks, but a and b are both untagged"},
    {"two untagged networks on a port",
     HEAD UNDER "access: [ { name: t, interface: lan0, networks: [ a, @b ] } ]\nnetworks:\n  - { name: a, "
                "vlan: untagged, vni: 1 }\n"
                "  - { name: b, vlan: untagged, vni: 2 }\n",
     "networks: a and b are both untagged on this port"},
    {"untagged and an untagged network",
     HEAD UNDER "access: [ { name: t, interface: lan0, untagged: a, networks: [ @b ] } ]\nnetworks:\n  - { "
                "name: a, vlan: 7, vni: 1 }\n"
                "  - { name: b, vlan: untagged, vni: 2 }\n",
     "networks: a and b are both untagged on this port"},
    {"mtu above the port's",
     HEAD UNDER "access: [ { name: t, interface: lan0, mtu: 1500 } ]\nnetworks: [ { name: a, vlan: 7, vni: "
                "1, mtu: @1501 } ]\n",
     "mtu: 1501 is more than the 1500 of access port t (line 4), expected at most 1500"},
    {"IPv6 mtu", HEAD "underlay: { address: fd00::1, port: { interface: wan0 }, mtu: @1279 }\n" ACC NETS,
     "mtu: 1279 is too small for IPv6, expected at least 1280"},
    {"prefix length with an interface", UNDERLAY("  address: @198.18.0.1/24\n  port: { interface: wan0 }\n"),
     "address: /24 is given with an interface, expected 198.18.0.1 alone"},
    {"tap with an interface", UNDERLAY("  address: 198.18.0.1\n  port: { interface: wan0 }\n  tap: @cw0\n"),
     "tap: given with an interface, leave it out"},
    {"routes with an interface",
     UNDERLAY("  address: 198.18.0.1\n  port: { interface: wan0 }\n  routes:\n    @- { to: 198.19.0.0/16, "
              "via: 198.18.0.254 }\n"),
     "routes: given with an interface, leave them out"},
    {"PCI without prefix length", UNDERLAY("  address: @198.18.0.1\n  port: { pci: 0000:03:00.0 }\n"),
     "address: 198.18.0.1 has no prefix length, expected 198.18.0.1/LENGTH: with pci the TAP carries the "
     "address"},
    {"vdev without prefix length", UNDERLAY("  address: @fd00::1\n  port: { dpdk: net_null0 }\n"),
     "with dpdk the TAP carries"},

    /* routes */
    {"route without length", ROUTE("{ to: @198.19.0.0, via: 198.18.0.254 }"),
     "\"198.19.0.0\" has no prefix length"},
    {"route with host bits", ROUTE("{ to: @198.19.0.1/16, via: 198.18.0.254 }"),
     "\"198.19.0.1/16\" has bits set behind its prefix length, expected 198.19.0.0/16"},
    {"route to text", ROUTE("{ to: @default, via: 198.18.0.254 }"), "to: \"default\" is no IP prefix"},
    {"route via text", ROUTE("{ to: 198.19.0.0/16, via: @wan }"), "via: \"wan\" is no IP address"},
    {"route via broadcast", ROUTE("{ to: 198.19.0.0/16, via: @255.255.255.255 }"),
     "is not the unicast address"},
    {"route of IPv6", ROUTE("{ to: @fd00::/16, via: 198.18.0.254 }"),
     "to: the prefix is IPv6 but the underlay's address"},
    {"route via IPv6", ROUTE("{ to: 198.19.0.0/16, via: @fd00::1 }"),
     "via: fd00::1 is IPv6 but the underlay's address"},
    {"route via ourselves", ROUTE("{ to: 198.19.0.0/16, via: @198.18.0.1 }"), "this gateway's own address"},
    {"route via another link", ROUTE("{ to: 198.19.0.0/16, via: @198.18.1.254 }"),
     "via: 198.18.1.254 is not in the underlay's own prefix (/24), expected a router on that link"},
    {"route twice",
     ROUTE("{ to: 198.19.0.0/16, via: 198.18.0.254 }, { to: @198.19.0.0/16, via: 198.18.0.253 }"),
     "to: a second route to 198.19.0.0/16 (first on line 6), keep one"},
    {"route without via", ROUTE("@{ to: 198.19.0.0/16 }"), "via is missing in a route"},
};

START_TEST(test_one_mistake)
{
    const struct mistake *m = &mistakes[_i];

    expect(m->what, m->yaml, (const char *const[]){m->needle});
}
END_TEST

/* R1.7: 50 bytes over IPv4, 70 over IPv6; both numbers are said. */
START_TEST(test_R1_7_mtu_that_cannot_fit)
{
    expect("IPv4",
           HEAD "underlay: { address: 198.18.0.1, port: { interface: wan0 }, mtu: 1549 }\n" ACC
                "networks: [ { name: a, vlan: 7, vni: 1, mtu: @1500 } ]\n",
           (const char *const[]){
               "mtu: 1500 and 50 bytes of VXLAN over IPv4 make 1550, more than the underlay's mtu of 1549 "
               "(line 3), expected at most 1499 here or at least 1550 there"});
    expect("IPv6",
           HEAD "underlay: { address: fd00::1, port: { interface: wan0 }, mtu: 1569 }\n" ACC
                "networks: [ { name: a, vlan: 7, vni: 1, mtu: @1500 } ]\n",
           (const char *const[]){
               "mtu: 1500 and 70 bytes of VXLAN over IPv6 make 1570, more than the underlay's mtu of 1569"});
}
END_TEST

START_TEST(test_many_mistakes_in_order)
{
    static const char yaml[] = "@sit: s\n"
                               "gateway: @g g\n"
                               "underlay:\n"
                               "  address: @198.18.0\n"
                               "  port: { interface: wan0 }\n"
                               "  @mtuu: 1500\n"
                               "networks:\n"
                               "  - { name: a, vlan: 7, vni: 1, qinq: @perhaps, dscp: @99 }\n"
                               "  - { name: b, vlan: @7, vni: @x }\n"
                               "access:\n"
                               "  - { name: t, interface: lan0, networks: [a, @c, b] }\n"
                               "  - { name: u, interface: @lan0, untagged: @d }\n"
                               "api: { socket: @tmp }\n";

    expect("many", yaml,
           (const char *const[]){"unknown key \"sit\"", "gateway: \"g g\"", "address: \"198.18.0\"",
                                 "unknown key \"mtuu\"", "qinq: found", "dscp: 99", "vlan: 7 is used twice",
                                 "vni: found \"x\"", "no network \"c\"", "device \"lan0\"",
                                 "no network \"d\"", "socket: \"tmp\""});
}
END_TEST

/* What hangs on a wrong value is not judged: none of these has a second message. */
START_TEST(test_no_follow_up_mistakes)
{
    static const struct mistake t[] = {
        {"own address wrong",
         HEAD "underlay: { address: @x, port: { interface: wan0 } }\n" ACC
              "networks: [ { name: a, vlan: 7, vni: 1, peers: [ { address: fd00::1 } ] } ]\n",
         "no IP"},
        {"device wrong", UNDERLAY("  address: 198.18.0.1/24\n  port: { pci: @x }\n  tap: cw0\n"),
         "no PCI address"},
        {"VLAN wrong twice",
         NETWORKS("  - { name: a, vlan: 1, vni: 1 }\n  - { name: b, vlan: @4096, vni: 2 }\n"), "range"},
        {"network's name wrong",
         HEAD UNDER "access: [ { name: t, interface: lan0, networks: [\"a b\"] } ]\n"
                    "networks: [ { name: @a b, vlan: 7, vni: 1 } ]\n",
         "cannot have"},
        {"network without name",
         HEAD UNDER "access: [ { name: t, interface: lan0, networks: [a] } ]\n"
                    "networks: [ @{ vlan: 7, vni: 1 } ]\n",
         "name is missing"},
        {"networks no list",
         HEAD UNDER "access: [ { name: t, interface: lan0, networks: [a] } ]\nnetworks: @all\n", "a list"},
        {"port's name wrong",
         HEAD UNDER "access: [ { name: @a b, interface: lan0 } ]\n"
                    "networks: [ { name: a, vlan: 7, vni: 1, static_macs: [ { mac: 02:00:00:00:00:01, "
                    "port: a b } ] } ]\n",
         "cannot have"},
        {"port's network unknown",
         HEAD UNDER "access: [ { name: t, interface: lan0, networks: [ @b ] } ]\n"
                    "networks: [ { name: a, vlan: 7, vni: 1, static_macs: [ { mac: "
                    "02:00:00:00:00:01, port: t } ] } ]\n",
         "no network \"b\""},
        {"peer wrong",
         NETWORK("peers: [ { address: @198.18.0.300 } ], static_macs: [ { mac: 02:00:00:00:00:01, vtep: "
                 "198.18.0.3 } ]"),
         "no IP address"},
        {"underlay's MTU wrong",
         HEAD "underlay: { address: 198.18.0.1, port: { interface: wan0 }, mtu: @x }\n" ACC
              "networks: [ { name: a, vlan: 7, vni: 1, mtu: 9000 } ]\n",
         "mtu: found"},
        {"double key with another value", NETWORK("@name: \"\""), "name is given twice"},
    };

    for (size_t i = 0; i < COUNT(t); i++)
        expect(t[i].what, t[i].yaml, (const char *const[]){t[i].needle});
}
END_TEST

/* ---- YAML itself */

START_TEST(test_yaml_syntax)
{
    static const struct mistake t[] = {
        {"bracket not closed", HEAD "access: [ a\n@", "YAML syntax: "},
        {"wrong bracket", HEAD "access: [ a @}\n", "YAML syntax: "},
        {"quote not closed", "site: @\"paris\ngateway: g\n", "YAML syntax: "},
        {"indentation", HEAD "underlay:\n  address: 198.18.0.1\n port: {}\n", "YAML syntax: "},
        {"colon in a value", "site: a: b\n", "YAML syntax: "},
        {"tab", "site: s\nunderlay:\n\taddress: 198.18.0.1\n", "indent with spaces instead of tabs"},
    };

    for (size_t i = 0; i < COUNT(t); i++) {
        struct conf_errors errors;
        unsigned line, col;
        char *yaml;

        unmark(t[i].yaml, &yaml, &line, &col, 1);
        ck_assert(!conf_load_string("FILE", yaml, strlen(yaml), &errors));
        ck_assert_uint_eq(errors.n, 1);
        ck_assert_msg(strstr(errors.text[0], t[i].needle), "%s: %s", t[i].what, errors.text[0]);
        ck_assert_msg(sscanf(errors.text[0], "FILE:%u:%u: YAML syntax", &line, &col) == 2, "%s",
                      errors.text[0]);
        conf_errors_free(&errors);
        free(yaml);
    }
}
END_TEST

START_TEST(test_yaml_refused)
{
    expect("anchor", BASE "dataplane: @&a { poll: busy }\n",
           (const char *const[]){"YAML anchors (&name) are not supported"});
    expect("alias", BASE "dataplane: @*a\n", (const char *const[]){"YAML aliases (*name) are not supported"});
    expect("tag", BASE "dataplane: @!!map { poll: busy }\n",
           (const char *const[]){"YAML tags (!name) are not supported"});
    expect("two documents", BASE "@---\nsite: t\n", (const char *const[]){"a second YAML document"});
    expect("deep", BASE "dataplane: { poll: @[[[[[[[[[[[[[[@[[[]]]]]]]]]]]]]]]]] }\n",
           (const char *const[]){"poll: found a list", "nested more than 16 deep"});
    expect("directive", "%@FOO bar\n---\n" BASE, (const char *const[]){"YAML syntax: "});
    expect("escapes", "site: @'a''b''c''d'\ngateway: g\n" UNDER ACC NETS,
           (const char *const[]){"a text in quotes with more than 2 escapes"});
}
END_TEST

static long peak_kb(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

/* The library would take memory for each level: gigabytes for a file of this size. */
START_TEST(test_yaml_very_deep)
{
    static const char *const levels[] = {"[", "[a,", "{a: ", "- ", "? ", "[\n"};
    const size_t size = 4u << 20;
    char *yaml = malloc(size);

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        size_t step = strlen(levels[i]), len = 0;
        long before = peak_kb();
        struct conf_errors errors = {0};

        for (; len + step < size; len += step)
            memcpy(yaml + len, levels[i], step);
        ck_assert(!conf_load_string("FILE", yaml, len, &errors));
        ck_assert_uint_ge(errors.n, 1);
        conf_errors_free(&errors);
        ck_assert_msg(peak_kb() - before < 64 * 1024, "%s: %ld KB", levels[i], peak_kb() - before);
    }
    free(yaml);
}
END_TEST

/* Nine levels of ten aliases each would be 10^9 values. */
START_TEST(test_yaml_billion_laughs)
{
    char yaml[2048] = "a0: &a0 x\n";
    struct conf_errors errors;

    for (int i = 1; i < 10; i++) {
        char list[128] = "";

        for (int k = 0; k < 10; k++)
            snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s*a%d", k ? ", " : "", i - 1);
        snprintf(yaml + strlen(yaml), sizeof(yaml) - strlen(yaml), "a%d: &a%d [%s]\n", i, i, list);
    }
    ck_assert(!conf_load_string("FILE", yaml, strlen(yaml), &errors));
    /* 10 anchors, 90 aliases, 10 unknown keys, 5 missing ones */
    ck_assert_uint_eq(errors.n, 101);
    conf_errors_free(&errors);
}
END_TEST

START_TEST(test_text_refused)
{
    static const struct {
        const char *text;
        size_t len;
        const char *message;
    } t[] = {
        {"site: a\0b\n", 10, "FILE:1:8: control character 0x00"},
        {"site: s\n\x1b[2J\n", 13, "FILE:2:1: control character 0x1b"},
        {"a: 1\r\nb: \x7f\n", 11, "FILE:2:4: control character 0x7f"},
        {"\xc3\xa4: \xc2\x9b\n", 7, "FILE:1:4: control character 0x9b"},
        {"site: k\xf6ln\n", 11, "FILE:1:8: byte 0xf6 is not UTF-8"},
        {"\xff\xfes\0i\0", 6, "FILE:1:1: byte 0xff is not UTF-8"},
        {"a: \xc0\x80", 5, "FILE:1:4: byte 0xc0 is not UTF-8"},         /* overlong NUL */
        {"a: \xed\xa0\x80", 6, "FILE:1:4: byte 0xed is not UTF-8"},     /* surrogate */
        {"a: \xf4\x90\x80\x80", 7, "FILE:1:4: byte 0xf4 is not UTF-8"}, /* U+110000 */
        {"a: \xe2\x82", 5, "FILE:1:4: byte 0xe2 is not UTF-8"},         /* cut */
        {"", 0, "FILE:1:1: the file is empty, expected site, gateway"},
        {"# nothing\n\n", 11, "FILE:1:1: the file is empty"},
    };

    for (size_t i = 0; i < COUNT(t); i++) {
        struct conf_errors errors;

        ck_assert(!conf_load_string("FILE", t[i].text, t[i].len, &errors));
        ck_assert_msg(errors.n == 1 && strstr(errors.text[0], t[i].message) == errors.text[0], "%s: %s",
                      t[i].message, errors.n ? errors.text[0] : "nothing");
        conf_errors_free(&errors);
    }
}
END_TEST

/* ---- files */

static void expect_file(const char *path, const char *message)
{
    struct conf_errors errors;
    size_t n = strlen(path);

    ck_assert(!conf_load(path, &errors));
    ck_assert_uint_eq(errors.n, 1);
    ck_assert_msg(strncmp(errors.text[0], path, n) == 0 && strncmp(errors.text[0] + n, ":1:1: ", 6) == 0 &&
                      strstr(errors.text[0], message),
                  "%s", errors.text[0]);
    conf_errors_free(&errors);
}

static char dir[] = "/tmp/test_conf_XXXXXX", path[64];

static void files_setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/f", dir);
}

static void files_teardown(void)
{
    unlink(path);
    rmdir(dir);
}

START_TEST(test_files_refused)
{
    int fd;

    expect_file(dir, "is not a regular file");
    expect_file("/dev/zero", "is not a regular file");
    expect_file(path, "cannot be opened (No such file or directory)");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    expect_file(path, "is not a regular file");
    unlink(path);
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, (8 << 20) + 1), 0);
    close(fd);
    expect_file(path, "the file has more than 8 MiB");
}
END_TEST

/* ---- limits */

struct text {
    char *p;
    size_t len;
    FILE *f;
};

static void text_open(struct text *t)
{
    t->f = open_memstream(&t->p, &t->len);
    ck_assert_ptr_nonnull(t->f);
}

/* Closes t and loads it: one message, with needle in it, at that line. */
static void text_expect(struct text *t, unsigned line, const char *needle)
{
    struct conf_errors errors;
    unsigned l = 0;

    fclose(t->f);
    ck_assert(!conf_load_string("FILE", t->p, t->len, &errors));
    ck_assert_msg(errors.n == 1 && strstr(errors.text[0], needle), "%zu: %s", errors.n, errors.text[0]);
    ck_assert(sscanf(errors.text[0], "FILE:%u:", &l) == 1);
    ck_assert_uint_eq(l, line);
    conf_errors_free(&errors);
    free(t->p);
}

START_TEST(test_too_many_ports)
{
    struct text t;

    text_open(&t);
    fputs(HEAD UNDER NETS "access:\n", t.f);
    for (int i = 0; i < CONF_MAX_ACCESS + 3; i++)
        fprintf(t.f, "  - { name: t%d, interface: lan%d }\n", i, i);
    text_expect(&t, 6 + CONF_MAX_ACCESS, "access: more than 14, which is the most");
}
END_TEST

START_TEST(test_too_many_networks)
{
    struct text t;

    text_open(&t);
    fputs(HEAD UNDER ACC "networks:\n", t.f);
    for (int i = 0; i < CONF_MAX_NETWORKS; i++)
        fprintf(t.f, "  - { name: n%d, vlan: %d, vni: %d }\n", i, i + 1, i + 1);
    fputs("  - { name: more, vlan: untagged, vni: 9999 }\n", t.f);
    text_expect(&t, 6 + CONF_MAX_NETWORKS, "networks: more than 4094");
}
END_TEST

START_TEST(test_too_many_vteps)
{
    struct text t;

    text_open(&t);
    fputs(HEAD UNDER ACC "networks:\n", t.f);
    for (int n = 0; n < 2; n++) {
        fprintf(t.f, "  - name: n%d\n    vlan: %d\n    vni: %d\n    peers:\n", n, n + 1, n + 1);
        /* 600 each, 176 of them in both: 1,024 in all */
        for (int i = n * 424; i < n * 424 + 600; i++)
            fprintf(t.f, "      - { address: 198.19.%d.%d }\n", i / 250, i % 250 + 1);
    }
    text_expect(&t, 6 + 4 + 600 + 4 + 599, "one peer too many, all networks together have at most 1023");
}
END_TEST

START_TEST(test_too_many_static_macs)
{
    struct text t;

    text_open(&t);
    fputs(HEAD UNDER ACC "dataplane: { max_macs: 1024 }\nnetworks:\n  - name: n\n    vlan: 1\n    vni: 1\n"
                         "    static_macs:\n",
          t.f);
    for (int i = 0; i < 1030; i++)
        fprintf(t.f, "      - { mac: 02:00:00:00:%02x:%02x, port: t }\n", (unsigned)i >> 8, i & 255u);
    text_expect(&t, 11 + 1024, "more static MACs than the FDB holds, expected dataplane.max_macs above 1024");
}
END_TEST

/* Even the messages about a file full of mistakes are bounded, and the search for them. */
START_TEST(test_too_many_mistakes)
{
    struct conf_errors errors;
    struct text t;

    text_open(&t);
    fprintf(t.f, _i == 1 ? "networks:\n" : "");
    for (int i = 0; i < 500; i++)
        fprintf(t.f, _i == 0 ? "a%d: 1\n" : _i == 1 ? "  - { nam: n%d }\n" : "a%d: &b 1\n", i);
    fclose(t.f);
    ck_assert(!conf_load_string("FILE", t.p, t.len, &errors));
    ck_assert_uint_eq(errors.n, CONF_MAX_ERRORS + 1);
    ck_assert_ptr_nonnull(
        strstr(errors.text[CONF_MAX_ERRORS], ": more than 100 mistakes, correct the ones above first"));
    conf_errors_free(&errors);
    free(t.p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("conf_errors");
    TCase *tc = tcase_create("conf_errors"), *files = tcase_create("files");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, test_one_mistake, 0, (int)COUNT(mistakes));
    tcase_add_test(tc, test_R1_7_mtu_that_cannot_fit);
    tcase_add_test(tc, test_many_mistakes_in_order);
    tcase_add_test(tc, test_no_follow_up_mistakes);
    tcase_add_test(tc, test_yaml_syntax);
    tcase_add_test(tc, test_yaml_refused);
    tcase_add_test(tc, test_yaml_billion_laughs);
    tcase_add_test(tc, test_text_refused);
    tcase_add_test(tc, test_too_many_ports);
    tcase_add_test(tc, test_too_many_networks);
    tcase_add_test(tc, test_too_many_vteps);
    tcase_add_test(tc, test_too_many_static_macs);
    tcase_add_loop_test(tc, test_too_many_mistakes, 0, 3);
    tcase_add_test(tc, test_yaml_very_deep);
    suite_add_tcase(s, tc);
    tcase_add_unchecked_fixture(files, files_setup, files_teardown);
    tcase_add_test(files, test_files_refused);
    suite_add_tcase(s, files);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
