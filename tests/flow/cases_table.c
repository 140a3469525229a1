/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The cases of cases.h, by the rules they are about. Each begins with a sound frame (FROM_A, FROM_B,
 * FROM_WAN) and says what is different. Formatted by hand: a field a line would hide the rows.
 */
#include "tests/flow/cases.h"

#pragma GCC diagnostic ignored "-Woverride-init"

#define H(n)                                                                                                 \
    {                                                                                                        \
        {                                                                                                    \
            0x02, 0, 0, 0, 0, n                                                                              \
        }                                                                                                    \
    }
#define BROADCAST                                                                                            \
    {                                                                                                        \
        {                                                                                                    \
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff                                                               \
        }                                                                                                    \
    }
#define MULTICAST                                                                                            \
    {                                                                                                        \
        {                                                                                                    \
            0x01, 0x00, 0x5e, 0, 0, 1                                                                        \
        }                                                                                                    \
    }
#define RESERVED(n)                                                                                          \
    {                                                                                                        \
        {                                                                                                    \
            0x01, 0x80, 0xc2, 0, 0, n                                                                        \
        }                                                                                                    \
    }
#define OAM                                                                                                  \
    {                                                                                                        \
        {                                                                                                    \
            0x03, 0x43, 0x57, 0x4f, 0x41, 0x4d                                                               \
        }                                                                                                    \
    }

#define AT_PORT(n, h, p)                                                                                     \
    {                                                                                                        \
        .net = n, .host = h, .where = DP_WHERE_PORT, .target = p                                             \
    }
#define AT_VTEP(n, h, v)                                                                                     \
    {                                                                                                        \
        .net = n, .host = h, .where = DP_WHERE_VTEP, .target = v                                             \
    }
/* Host 1 at port A, host 2 at VTEP 1, host 3 at port B. */
#define WEB                                                                                                  \
    {                                                                                                        \
        AT_PORT(NET_WEB, 1, PORT_A), AT_VTEP(NET_WEB, 2, VTEP_1), AT_PORT(NET_WEB, 3, PORT_B)                \
    }
#define DB                                                                                                   \
    {                                                                                                        \
        AT_PORT(NET_DB, 1, PORT_A), AT_VTEP(NET_DB, 2, VTEP_1), AT_PORT(NET_DB, 3, PORT_B)                   \
    }
#define WEB_2 AT_VTEP(NET_WEB, 2, VTEP_1)

#define FROM_A                                                                                               \
    .port = PORT_A, .vlan = 100, .dst = H(2), .src = H(1), .payload = 40, .inner_tos = -1, .macs = WEB,      \
    .fast = CASE_FAST_TOO
#define FROM_WAN                                                                                             \
    .port = PORT_WAN, .vlan = FLOW_UNTAGGED, .dst = H(1), .src = H(2), .payload = 40, .inner_tos = -1,       \
    .macs = WEB, .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .checksum = false},                \
    .zero_csum_rx = true, .fast = CASE_FAST_TOO

#define TO_VTEP(n) .verdict = CASE_TO_VTEP, .to = n, .counts = CASE_ACCESS_IN | CASE_WAN_OUT | CASE_VTEP_TX
#define TO_PORT(n) .verdict = CASE_TO_PORT, .to = n, .counts = CASE_ACCESS_IN | CASE_ACCESS_OUT
#define OUT_BY(n)  .verdict = CASE_TO_PORT, .to = n, .counts = CASE_WAN_IN | CASE_ACCESS_OUT | CASE_VTEP_RX
#define BOUNCED(n)                                                                                           \
    .verdict = CASE_TO_VTEP, .to = n,                                                                        \
    .counts = CASE_WAN_IN | CASE_WAN_OUT | CASE_VTEP_RX | CASE_VTEP_TX | CASE_BOUNCED
#define DROP(reason)        .verdict = CASE_DROP, .drop = DROP_##reason, .counts = CASE_PORT_DROP
#define DROP_IN(reason)     .verdict = CASE_DROP, .drop = DROP_##reason, .counts = CASE_ACCESS_IN
#define DROP_WAN(reason)    .verdict = CASE_DROP, .drop = DROP_##reason, .counts = CASE_WAN_IN | CASE_VTEP_RX
#define FLOOD(n)            .verdict = CASE_FLOODED, .copies = n
#define WORKER(reason)      .fast = FP_PUNT_##reason
#define DAMAGE(b, n, x)     .damage = {.base = CASE_AT_##b, .at = n, .flip = x, .fix_ip = true}
#define DAMAGE_RAW(b, n, x) .damage = {.base = CASE_AT_##b, .at = n, .flip = x}

/* Host 4 has left for VTEP 2. */
#define BOUNCE                                                                                               \
    .dst = H(4),                                                                                             \
    .macs = {{.net = NET_WEB, .host = 4, .where = DP_WHERE_VTEP, .target = VTEP_2, .bounce = true}, WEB_2}
/* R1.8, RFC 6040 figure 4. */
#define ECN(k, in, out, result)                                                                              \
    {                                                                                                        \
        .name = "R1.8 ECN " #k " inner " #in " outer " #out, FROM_WAN, .kind = CASE_##k, .tos = 0xb8 | in,   \
        .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .tos = out}, .inner_tos = 0xb8 | result,    \
        OUT_BY(PORT_A),                                                                                      \
    }
#define ECN_ALL(k)                                                                                           \
    ECN(k, 0, 0, 0), ECN(k, 0, 1, 0), ECN(k, 0, 2, 0), ECN(k, 1, 0, 1), ECN(k, 1, 1, 1), ECN(k, 1, 2, 1),    \
        ECN(k, 1, 3, 3), ECN(k, 2, 0, 2), ECN(k, 2, 1, 1), ECN(k, 2, 2, 2), ECN(k, 2, 3, 3),                 \
        ECN(k, 3, 0, 3), ECN(k, 3, 1, 3), ECN(k, 3, 2, 3), ECN(k, 3, 3, 3)

/* clang-format off */
const struct flow_case flow_cases[] = {
    /* ---- an access port to a VTEP ---- */
    {.name = "R1.4 known unicast to a VTEP", FROM_A, TO_VTEP(VTEP_1)},
    {.name = "R1.2 IPv6 flow", FROM_A, .kind = CASE_UDP6, TO_VTEP(VTEP_1)},
    {.name = "R1.2 TCP flow", FROM_A, .kind = CASE_TCP4, TO_VTEP(VTEP_1)},
    {.name = "R1.2 TCP over IPv6", FROM_A, .kind = CASE_TCP6, TO_VTEP(VTEP_1)},
    {.name = "R1.2 first fragment", FROM_A, .kind = CASE_UDP4_FIRST_FRAGMENT, TO_VTEP(VTEP_1)},
    {.name = "R1.2 later fragment", FROM_A, .kind = CASE_UDP4_LATER_FRAGMENT, TO_VTEP(VTEP_1)},
    {.name = "R1.2 not IP", FROM_A, .kind = CASE_OTHER, TO_VTEP(VTEP_1)},
    {.name = "R1.2 no IP inside of IP", FROM_A, .kind = CASE_BAD_IP4, .tos = 0xff, TO_VTEP(VTEP_1)},
    {.name = "R1.2 header alone", FROM_A, .kind = CASE_NOTHING, TO_VTEP(VTEP_1)},
    {.name = "R1.3 odd length", FROM_A, .payload = 41, TO_VTEP(VTEP_1)},
    {.name = "R1.3 odd word", FROM_A, .payload = 43, TO_VTEP(VTEP_1)},
    {.name = "R1.3 full frame", FROM_A, .payload = 1472, TO_VTEP(VTEP_1)},
    {.name = "R1.3 no checksum by setting", FROM_A, .only_ipv6 = true, .zero_csum_tx = true,
     TO_VTEP(VTEP_1)},
    {.name = "R1.8 DSCP and ECN copied", FROM_A, .tos = 0xb9, .outer_tos = 0xb9, TO_VTEP(VTEP_1)},
    {.name = "R1.8 DSCP and ECN copied, IPv6", FROM_A, .kind = CASE_UDP6, .tos = 0x2e, .outer_tos = 0x2e,
     TO_VTEP(VTEP_1)},
    {.name = "R1.8 DSCP of the network", FROM_A, .tos = 0x03, .dscp = 46 + 1, .outer_tos = 0xbb,
     TO_VTEP(VTEP_1)},
    {.name = "R1.8 DSCP 0 of the network", FROM_A, .tos = 0xb9, .dscp = 1, .outer_tos = 0x01,
     TO_VTEP(VTEP_1)},
    {.name = "VLAN priority is left behind", FROM_A, .vlan = 0xe064, TO_VTEP(VTEP_1)},
    {.name = "untagged network", FROM_A, .port = PORT_B, .vlan = FLOW_UNTAGGED, .src = H(3), .macs = DB,
     TO_VTEP(VTEP_1)},
    {.name = "priority tag", FROM_A, .port = PORT_B, .vlan = 0xa000, .src = H(3), .macs = DB,
     TO_VTEP(VTEP_1)},
    {.name = "R1.5 fits the path, IPv4", FROM_A, .only_ipv4 = true, .payload = 1472, .vtep_mtu = 1550,
     TO_VTEP(VTEP_1)},
    {.name = "R1.5 fits the path, IPv6", FROM_A, .only_ipv6 = true, .payload = 1472, .vtep_mtu = 1570,
     TO_VTEP(VTEP_1)},
    {.name = "R1.5 one byte too long, IPv4", FROM_A, .only_ipv4 = true, .payload = 1472, .vtep_mtu = 1549,
     DROP_IN(path_mtu), WORKER(too_big)},
    {.name = "R1.5 one byte too long, IPv6", FROM_A, .only_ipv6 = true, .payload = 1472, .vtep_mtu = 1569,
     DROP_IN(path_mtu), WORKER(too_big)},
    {.name = "next hop not resolved", FROM_A, .unresolved = true, DROP_IN(vtep_unresolved)},
    {.name = "VTEP gone", FROM_A, .macs = {AT_PORT(NET_WEB, 1, PORT_A), AT_VTEP(NET_WEB, 2, 77)},
     DROP_IN(vtep_unresolved)},
    {.name = "underlay cannot be redirected to", FROM_A, .not_redirectable = true, TO_VTEP(VTEP_1),
     WORKER(no_redirect)},
    {.name = "R6.5 the bounce mark is for the WAN", FROM_A, .macs = {AT_PORT(NET_WEB, 1, PORT_A),
     {.net = NET_WEB, .host = 2, .where = DP_WHERE_VTEP, .target = VTEP_1, .bounce = true}},
     TO_VTEP(VTEP_1)},
    {.name = "R1.6 tag inside", FROM_A, .kind = CASE_TAGGED, DROP(inner_tagged)},
    {.name = "R1.6 service tag inside", FROM_A, .kind = CASE_TAGGED_AD, DROP(inner_tagged)},
    {.name = "R1.6 service tag alone", FROM_A, .port = PORT_B, .vlan = FLOW_UNTAGGED,
     .kind = CASE_TAGGED_AD, .src = H(3), .macs = DB, DROP(inner_tagged)},
    {.name = "R1.6 qinq", FROM_A, .kind = CASE_TAGGED, .qinq = true, TO_VTEP(VTEP_1)},
    {.name = "R1.6 qinq, service tag", FROM_A, .kind = CASE_TAGGED_AD, .qinq = true, TO_VTEP(VTEP_1)},
    {.name = "R1.12 first reserved address", FROM_A, .dst = RESERVED(0), DROP(link_local)},
    {.name = "R1.12 last reserved address", FROM_A, .dst = RESERVED(0x0f), DROP(link_local)},
    {.name = "R1.12 behind the reserved addresses", FROM_A, .dst = RESERVED(0x10), FLOOD(3), WORKER(group)},
    {.name = "source is zero", FROM_A, .src = {{0}}, DROP(src_invalid)},
    {.name = "source is a group", FROM_A, .src = MULTICAST, DROP(src_invalid)},
    {.name = "frame between gateways", FROM_A, .kind = CASE_OAM, .dst = OAM, DROP(gateway_frame)},
    {.name = "another type to their address", FROM_A, .kind = CASE_OTHER, .dst = OAM, FLOOD(3),
     WORKER(group)},
    {.name = "unknown VLAN", FROM_A, .vlan = 101, DROP(vlan_unknown)},
    {.name = "unknown VLAN, high", FROM_A, .vlan = 2048 + 100, DROP(vlan_unknown)},
    {.name = "last VLAN", FROM_A, .vlan = 4095, DROP(vlan_unknown)},
    {.name = "no untagged network", FROM_A, .vlan = FLOW_UNTAGGED, DROP(vlan_unknown)},
    {.name = "tag cut off", FROM_A, .kind = CASE_NOTHING, .cut = 2, DROP(truncated)},
    {.name = "tag cut off before", FROM_A, .kind = CASE_NOTHING, .cut = 4, DROP(truncated)},

    /* ---- an access port to another ---- */
    {.name = "VLAN translated", FROM_A, .dst = H(3), TO_PORT(PORT_B)},
    {.name = "VLAN translated back", FROM_A, .port = PORT_B, .vlan = 300, .dst = H(1), .src = H(3),
     TO_PORT(PORT_A)},
    {.name = "VLAN priority is not taken along", FROM_A, .vlan = 0xf064, .dst = H(3), TO_PORT(PORT_B)},
    {.name = "VLAN popped", FROM_A, .vlan = 200, .dst = H(3), .macs = DB, TO_PORT(PORT_B)},
    {.name = "VLAN pushed", FROM_A, .port = PORT_B, .vlan = FLOW_UNTAGGED, .dst = H(1), .src = H(3),
     .macs = DB, TO_PORT(PORT_A)},
    {.name = "priority tag to VLAN", FROM_A, .port = PORT_B, .vlan = 0, .dst = H(1), .src = H(3),
     .macs = DB, TO_PORT(PORT_A)},
    {.name = "header alone to a port", FROM_A, .kind = CASE_NOTHING, .dst = H(3), TO_PORT(PORT_B)},
    {.name = "header alone, VLAN popped", FROM_A, .kind = CASE_NOTHING, .vlan = 200, .dst = H(3), .macs = DB,
     TO_PORT(PORT_B)},
    {.name = "DSCP and ECN are not touched", FROM_A, .dst = H(3), .tos = 0xff, TO_PORT(PORT_B)},
    {.name = "same port", FROM_A, .dst = H(4),
     .macs = {AT_PORT(NET_WEB, 1, PORT_A), AT_PORT(NET_WEB, 4, PORT_A)}, .verdict = CASE_DROP,
     .drop = DROP_same_port, .counts = CASE_ACCESS_IN | CASE_PORT_DROP},
    {.name = "fits the port", FROM_A, .dst = H(3), .payload = 1472, TO_PORT(PORT_B)},
    {.name = "one byte too long for the port", FROM_A, .dst = H(3), .payload = 1473, DROP_IN(port_mtu),
     WORKER(too_big)},
    {.name = "R1.6 qinq, to a tagged port", FROM_A, .dst = H(3), .kind = CASE_TAGGED, .qinq = true,
     TO_PORT(PORT_B)},
    {.name = "R1.6 no VLAN hopping", FROM_A, .vlan = 200, .dst = H(3), .kind = CASE_TAGGED, .qinq = true,
     .macs = DB, DROP_IN(inner_tagged)},
    {.name = "port does not carry the network", FROM_A, .dst = H(4),
     .macs = {AT_PORT(NET_WEB, 1, PORT_A), AT_PORT(NET_WEB, 4, 9)}, DROP_IN(no_target)},
    {.name = "port cannot be redirected to", FROM_A, .dst = H(3), .not_redirectable = true, TO_PORT(PORT_B),
     WORKER(no_redirect)},

    /* ---- what the worker wants to see ---- */
    {.name = "source not known", FROM_A, .src = H(9), TO_VTEP(VTEP_1), WORKER(source)},
    {.name = "source at another port", FROM_A, .src = H(3), TO_VTEP(VTEP_1), WORKER(source)},
    {.name = "source at a VTEP", FROM_A, .src = H(2), .dst = H(3), TO_PORT(PORT_B), WORKER(source)},
    {.name = "source of another network", FROM_A, .macs = {AT_PORT(NET_DB, 1, PORT_A), WEB_2},
     TO_VTEP(VTEP_1), WORKER(source)},
    {.name = "source static at another place", FROM_A, .macs = {{.net = NET_WEB, .host = 1,
     .where = DP_WHERE_VTEP, .target = VTEP_1, .is_static = true}, WEB_2}, DROP(src_static)},
    {.name = "source static here", FROM_A, .macs = {{.net = NET_WEB, .host = 1, .where = DP_WHERE_PORT,
     .target = PORT_A, .is_static = true}, WEB_2}, TO_VTEP(VTEP_1)},
    {.name = "R8.2 unknown unicast stays here", FROM_A, .dst = H(9), FLOOD(1), WORKER(unknown)},
    {.name = "R8.2 unknown unicast flooded", FROM_A, .dst = H(9), .flood_unknown = true, FLOOD(3),
     WORKER(unknown)},
    {.name = "R8.2 exception of a MAC", FROM_A,
     .macs = {AT_PORT(NET_WEB, 1, PORT_A), {.net = NET_WEB, .host = 2, .where = DP_WHERE_FLOOD}}, FLOOD(3),
     WORKER(marked)},
    {.name = "R8.1 broadcast", FROM_A, .dst = BROADCAST, FLOOD(3), WORKER(group)},
    {.name = "R8.1 multicast", FROM_A, .dst = MULTICAST, FLOOD(3), WORKER(group)},
    {.name = "for the gateway itself", FROM_A, .dst = H(4),
     .macs = {AT_PORT(NET_WEB, 1, PORT_A), AT_PORT(NET_WEB, 4, DP_OWN_PORT)}, .verdict = CASE_TAKEN,
     WORKER(marked)},
    {.name = "watched", FROM_A, .macs = {AT_PORT(NET_WEB, 1, PORT_A), {.net = NET_WEB, .host = 2,
     .where = DP_WHERE_VTEP, .target = VTEP_1, .watch = true}}, TO_VTEP(VTEP_1), WORKER(marked)},
    {.name = "R3.6 ARP", FROM_A, .kind = CASE_ARP, TO_VTEP(VTEP_1), WORKER(neighbour)},
    {.name = "R6.1 RARP", FROM_A, .kind = CASE_RARP, TO_VTEP(VTEP_1), WORKER(neighbour)},
    {.name = "R7.1 NS", FROM_A, .kind = CASE_NS, TO_VTEP(VTEP_1), WORKER(neighbour)},
    {.name = "R7.1 NA", FROM_A, .kind = CASE_NA, TO_VTEP(VTEP_1), WORKER(neighbour)},
    {.name = "ping is no neighbour discovery", FROM_A, .kind = CASE_ECHO6, TO_VTEP(VTEP_1)},
    {.name = "R11.3 SYN", FROM_A, .kind = CASE_TCP4_SYN, TO_VTEP(VTEP_1), WORKER(syn)},
    {.name = "R11.3 SYN over IPv6", FROM_A, .kind = CASE_TCP6_SYN, TO_VTEP(VTEP_1), WORKER(syn)},
    {.name = "SYN with ACK", FROM_A, .kind = CASE_TCP4_SYNACK, TO_VTEP(VTEP_1)},

    /* ---- from the WAN ---- */
    {.name = "R1.4 unpacked, tagged", FROM_WAN, OUT_BY(PORT_A)},
    {.name = "R1.4 unpacked, with another VLAN", FROM_WAN, .dst = H(3), OUT_BY(PORT_B)},
    {.name = "R1.4 unpacked, untagged", FROM_WAN, .dst = H(3), .macs = DB,
     .outer = {.vtep = VTEP_1, .vni = VNI_DB, .flags = 0x08}, OUT_BY(PORT_B)},
    {.name = "R1.4 IPv6 inside", FROM_WAN, .kind = CASE_UDP6, OUT_BY(PORT_A)},
    {.name = "R1.4 not IP inside", FROM_WAN, .kind = CASE_OTHER, OUT_BY(PORT_A)},
    {.name = "R1.4 header alone inside", FROM_WAN, .kind = CASE_NOTHING, OUT_BY(PORT_A)},
    {.name = "R1.4 other flags are ignored", FROM_WAN,
     .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0xff}, OUT_BY(PORT_A)},
    {.name = "R1.4 reserved bytes are ignored", FROM_WAN, DAMAGE(VXLAN, 2, 0xff), OUT_BY(PORT_A)},
    {.name = "R1.4 last reserved byte is ignored", FROM_WAN, DAMAGE(VXLAN, 7, 0xff), OUT_BY(PORT_A)},
    {.name = "R1.4 no I flag", FROM_WAN, .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0xf7},
     DROP(vxlan_no_vni), WORKER(odd)},
    {.name = "R1.3 checksum, IPv4", FROM_WAN, .only_ipv4 = true,
     .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .checksum = true}, OUT_BY(PORT_A),
     WORKER(odd)},
    {.name = "R1.3 checksum, IPv6", FROM_WAN, .only_ipv6 = true, .zero_csum_rx = false,
     .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .checksum = true}, OUT_BY(PORT_A)},
    {.name = "R1.3 checksum, odd length", FROM_WAN, .only_ipv6 = true, .payload = 43,
     .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .checksum = true}, OUT_BY(PORT_A)},
    {.name = "R1.3 checksum, full frame", FROM_WAN, .only_ipv6 = true, .payload = 1472,
     .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .checksum = true}, OUT_BY(PORT_A)},
    {.name = "R1.3 checksum wrong, IPv4", FROM_WAN, .only_ipv4 = true,
     .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .checksum = true}, DAMAGE_RAW(UDP, 7, 1),
     DROP(outer_udp_checksum), WORKER(odd)},
    {.name = "R1.3 checksum wrong, IPv6", FROM_WAN, .only_ipv6 = true,
     .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .checksum = true}, DAMAGE_RAW(UDP, 7, 1),
     DROP(outer_udp_checksum)},
    {.name = "R1.3 no checksum, IPv6", FROM_WAN, .only_ipv6 = true, .zero_csum_rx = false,
     DROP(outer_udp_checksum)},
    {.name = "R1.9 VNI", FROM_WAN, .outer = {.vtep = VTEP_1, .vni = 4711, .flags = 0x08},
     DROP(vni_unknown)},
    {.name = "R1.9 VNI 0", FROM_WAN, .outer = {.vtep = VTEP_1, .flags = 0x08}, DROP(vni_unknown)},
    {.name = "R1.9 foreign VTEP", FROM_WAN, .outer = {.vtep = VTEP_FOREIGN, .vni = VNI_WEB, .flags = 0x08},
     DROP(vtep_unknown)},
    {.name = "R1.9 VTEP of another network", FROM_WAN,
     .outer = {.vtep = VTEP_2, .vni = VNI_DB, .flags = 0x08}, DROP(vtep_unknown)},
    {.name = "R1.9 our own address", FROM_WAN, .outer = {.vtep = 0, .vni = VNI_WEB, .flags = 0x08},
     DROP(vtep_unknown)},
    {.name = "outer MAC", FROM_WAN, DAMAGE_RAW(ETH, 5, 0x80), DROP(outer_mac)},
    {.name = "outer MAC, first byte", FROM_WAN, DAMAGE_RAW(ETH, 0, 0x10), DROP(outer_mac)},
    {.name = "outer IPv4 checksum", FROM_WAN, .only_ipv4 = true, DAMAGE_RAW(IP, 10, 0x01),
     DROP(outer_ip_checksum), WORKER(odd)},
    {.name = "R1.5 first fragment", FROM_WAN, .only_ipv4 = true, DAMAGE(IP, 6, 0x20), DROP(outer_fragment),
     WORKER(odd)},
    {.name = "R1.5 later fragment", FROM_WAN, .only_ipv4 = true, DAMAGE(IP, 7, 0x10),
     .verdict = CASE_TO_KERNEL},
    {.name = "don't fragment", FROM_WAN, .only_ipv4 = true, DAMAGE(IP, 6, 0x40), OUT_BY(PORT_A)},
    {.name = "IP length too short", FROM_WAN, .only_ipv4 = true, DAMAGE(IP, 3, 0x02),
     DROP(outer_udp_length), WORKER(odd)},
    {.name = "IP length too long", FROM_WAN, .only_ipv4 = true, DAMAGE(IP, 2, 0x10), DROP(outer_truncated),
     WORKER(odd)},
    {.name = "IPv6 length too long", FROM_WAN, .only_ipv6 = true, DAMAGE_RAW(IP, 4, 0x10),
     DROP(outer_truncated), WORKER(odd)},
    {.name = "UDP length too long", FROM_WAN, DAMAGE_RAW(UDP, 4, 0x10), DROP(outer_udp_length),
     WORKER(odd)},
    {.name = "packet cut off", FROM_WAN, .cut = 1, DROP(outer_truncated), WORKER(odd)},
    {.name = "padding is cut", FROM_WAN, .tail = 7, OUT_BY(PORT_A), WORKER(odd)},
    {.name = "R1.9 another address, IPv4", FROM_WAN, .only_ipv4 = true, DAMAGE(IP, 19, 0x40),
     .verdict = CASE_TO_KERNEL},
    {.name = "R1.9 another address, IPv6", FROM_WAN, .only_ipv6 = true, DAMAGE_RAW(IP, 24, 0x01),
     .verdict = CASE_TO_KERNEL},
    {.name = "R1.1 another port", FROM_WAN, DAMAGE_RAW(UDP, 3, 0x01), .verdict = CASE_TO_KERNEL},
    {.name = "another protocol, IPv4", FROM_WAN, .only_ipv4 = true, DAMAGE(IP, 9, 17 ^ 6),
     .verdict = CASE_TO_KERNEL},
    {.name = "another protocol, IPv6", FROM_WAN, .only_ipv6 = true, DAMAGE_RAW(IP, 6, 17 ^ 6),
     .verdict = CASE_TO_KERNEL},
    {.name = "another EtherType", FROM_WAN, DAMAGE_RAW(ETH, 12, 0x80), .verdict = CASE_TO_KERNEL},
    {.name = "R1.6 tag inside from the WAN", FROM_WAN, .kind = CASE_TAGGED, DROP(inner_tagged)},
    {.name = "R1.6 qinq from the WAN", FROM_WAN, .kind = CASE_TAGGED, .qinq = true, OUT_BY(PORT_A)},
    {.name = "R1.6 no VLAN hopping from the WAN", FROM_WAN, .dst = H(3), .kind = CASE_TAGGED, .qinq = true,
     .macs = DB, .outer = {.vtep = VTEP_1, .vni = VNI_DB, .flags = 0x08}, DROP_WAN(inner_tagged)},
    {.name = "R1.12 from the WAN", FROM_WAN, .dst = RESERVED(2), DROP(link_local)},
    {.name = "source is zero, from the WAN", FROM_WAN, .src = {{0}}, DROP(src_invalid)},
    {.name = "source is a group, from the WAN", FROM_WAN, .src = BROADCAST, DROP(src_invalid)},
    {.name = "R1.8 congestion on a packet without ECN", FROM_WAN, .tos = 0xb8,
     .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .tos = 3}, DROP(ecn_ce)},
    {.name = "R1.8 congestion, IPv6 without ECN", FROM_WAN, .kind = CASE_UDP6,
     .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .tos = 3}, DROP(ecn_ce)},
    {.name = "R1.8 congestion on what is not IP", FROM_WAN, .kind = CASE_OTHER,
     .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .tos = 3}, OUT_BY(PORT_A)},
    ECN_ALL(UDP4),
    ECN_ALL(UDP6),
    {.name = "R1.8 outer DSCP is left behind", FROM_WAN,
     .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .tos = 0xb8}, OUT_BY(PORT_A)},
    {.name = "fits the port, from the WAN", FROM_WAN, .payload = 1472, OUT_BY(PORT_A)},
    {.name = "one byte too long for the port, from the WAN", FROM_WAN, .payload = 1473, DROP_WAN(port_mtu),
     WORKER(too_big)},
    {.name = "port does not carry the network, from the WAN", FROM_WAN,
     .macs = {AT_PORT(NET_WEB, 1, 9), WEB_2}, DROP_WAN(no_target)},
    {.name = "port cannot be redirected to, from the WAN", FROM_WAN, .not_redirectable = true,
     OUT_BY(PORT_A), WORKER(no_redirect)},

    {.name = "R1.10 EVPN peer: source at another VTEP", FROM_WAN,
     .macs = {AT_PORT(NET_WEB, 1, PORT_A), AT_VTEP(NET_WEB, 2, VTEP_2)}, OUT_BY(PORT_A)},
    {.name = "R1.10 EVPN peer: source not known", FROM_WAN, .src = H(9), OUT_BY(PORT_A)},
    {.name = "R1.10 EVPN peer: source is a host of ours", FROM_WAN, .src = H(3), OUT_BY(PORT_A)},
    {.name = "R1.10 static peer: source not known", FROM_WAN, .src = H(9),
     .outer = {.vtep = VTEP_2, .vni = VNI_WEB, .flags = 0x08}, OUT_BY(PORT_A), WORKER(source)},
    {.name = "R1.10 static peer: source at another VTEP", FROM_WAN,
     .outer = {.vtep = VTEP_2, .vni = VNI_WEB, .flags = 0x08}, OUT_BY(PORT_A), WORKER(source)},
    {.name = "R1.10 static peer: source known there", FROM_WAN,
     .macs = {AT_PORT(NET_WEB, 1, PORT_A), AT_VTEP(NET_WEB, 2, VTEP_2)},
     .outer = {.vtep = VTEP_2, .vni = VNI_WEB, .flags = 0x08}, OUT_BY(PORT_A)},
    {.name = "R4.8 source static at another place, from the WAN", FROM_WAN, .macs = {AT_PORT(NET_WEB, 1,
     PORT_A), {.net = NET_WEB, .host = 2, .where = DP_WHERE_PORT, .target = PORT_B, .is_static = true}},
     .verdict = CASE_DROP, .drop = DROP_src_static, .counts = CASE_VTEP_RX | CASE_PORT_DROP},
    {.name = "R1.11 split horizon", FROM_WAN, .dst = H(4), .macs = {AT_VTEP(NET_WEB, 4, VTEP_2), WEB_2},
     .verdict = CASE_DROP, .drop = DROP_split_horizon,
     .counts = CASE_WAN_IN | CASE_VTEP_RX | CASE_PORT_DROP},
    {.name = "unknown unicast from the WAN", FROM_WAN, .dst = H(9), FLOOD(2), WORKER(unknown)},
    {.name = "broadcast from the WAN", FROM_WAN, .dst = BROADCAST, FLOOD(2), WORKER(group)},
    {.name = "R8.2 exception of a MAC, from the WAN", FROM_WAN,
     .macs = {{.net = NET_WEB, .host = 1, .where = DP_WHERE_FLOOD}, WEB_2}, FLOOD(2), WORKER(marked)},
    {.name = "for the gateway itself, from the WAN", FROM_WAN,
     .macs = {AT_PORT(NET_WEB, 1, DP_OWN_PORT), WEB_2}, .verdict = CASE_TAKEN, WORKER(marked)},
    {.name = "frame between gateways, from the WAN", FROM_WAN, .kind = CASE_OAM, .dst = OAM,
     .verdict = CASE_TAKEN, WORKER(marked)},
    {.name = "watched, from the WAN", FROM_WAN, .macs = {{.net = NET_WEB, .host = 1, .where = DP_WHERE_PORT,
     .target = PORT_A, .watch = true}, WEB_2}, OUT_BY(PORT_A), WORKER(marked)},
    {.name = "ARP from the WAN", FROM_WAN, .kind = CASE_ARP, OUT_BY(PORT_A), WORKER(neighbour)},
    {.name = "NA from the WAN", FROM_WAN, .kind = CASE_NA, OUT_BY(PORT_A), WORKER(neighbour)},
    {.name = "R11.3 SYN from the WAN", FROM_WAN, .kind = CASE_TCP4_SYN, OUT_BY(PORT_A), WORKER(syn)},
    {.name = "SYN with ACK from the WAN", FROM_WAN, .kind = CASE_TCP4_SYNACK, OUT_BY(PORT_A)},

    /* ---- the bounce ---- */
    {.name = "R6.5 bounce", FROM_WAN, BOUNCE, .ttl = 32, BOUNCED(VTEP_2)},
    {.name = "R6.5 bounce, TTL is lowered", FROM_WAN, BOUNCE, .outer_ttl = 33, .ttl = 32, BOUNCED(VTEP_2)},
    {.name = "R6.5 bounce, TTL is never raised", FROM_WAN, BOUNCE, .outer_ttl = 255, .ttl = 32,
     BOUNCED(VTEP_2)},
    {.name = "R6.5 bounce, TTL used up", FROM_WAN, BOUNCE, .outer_ttl = 32, .verdict = CASE_DROP,
     .drop = DROP_bounce_ttl, .counts = CASE_WAN_IN | CASE_VTEP_RX | CASE_PORT_DROP},
    {.name = "R6.5 bounce, odd length", FROM_WAN, BOUNCE, .payload = 41, .ttl = 32, BOUNCED(VTEP_2)},
    {.name = "R6.5 bounce, congestion", FROM_WAN, BOUNCE, .tos = 0x02,
     .outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 0x08, .tos = 0x03}, .inner_tos = 0x03,
     .outer_tos = 0x03, .ttl = 32, BOUNCED(VTEP_2)},
    {.name = "R6.5 bounce, never back", FROM_WAN, .dst = H(4), .macs = {{.net = NET_WEB, .host = 4,
     .where = DP_WHERE_VTEP, .target = VTEP_1, .bounce = true}, WEB_2}, .verdict = CASE_DROP,
     .drop = DROP_split_horizon, .counts = CASE_WAN_IN | CASE_VTEP_RX | CASE_PORT_DROP},
    {.name = "R6.5 bounce, next hop not resolved", FROM_WAN, BOUNCE, .unresolved = true,
     DROP_WAN(vtep_unresolved)},
    {.name = "R6.5 bounce, too long for the path", FROM_WAN, BOUNCE, .vtep_mtu = 100, DROP_WAN(path_mtu),
     WORKER(too_big)},
    {.name = "R6.5 bounce, no redirect", FROM_WAN, BOUNCE, .ttl = 32, .not_redirectable = true,
     BOUNCED(VTEP_2), WORKER(no_redirect)},
};
/* clang-format on */

const size_t n_flow_cases = sizeof(flow_cases) / sizeof(flow_cases[0]);
