/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every way to lose a frame, by name. This one list feeds the enum, the counters, causewayctl, metrics and
 * the XDP programs. Append; the name is what an operator reads.
 */
#ifndef CONF_DROP_H
#define CONF_DROP_H

#define DROP_REASONS(X)                                                                                      \
    /* access side, and inner frames */                                                                      \
    X(truncated, "frame shorter than its Ethernet or VLAN header")                                           \
    X(vlan_unknown, "VLAN not configured on this access port")                                               \
    X(inner_tagged, "tagged inner frame where the network is untagged or has no qinq (R1.6)")                \
    X(link_local, "destination 01-80-C2-00-00-00 to -0F never crosses (R1.12)")                              \
    X(src_invalid, "source MAC is zero or a group address")                                                  \
    X(src_static, "source MAC is static at another place")                                                   \
    X(limit_broadcast, "over the broadcast limit (R8.3)")                                                    \
    X(limit_multicast, "over the multicast limit (R8.3)")                                                    \
    X(limit_unknown_unicast, "over the unknown unicast limit (R8.3)")                                        \
    X(unknown_unicast, "destination unknown and not flooded (R8.2)")                                         \
    X(same_port, "destination is on the port the frame came from")                                           \
    X(split_horizon, "came from the WAN and would go back to it (R1.11)")                                    \
    X(no_target, "flooded, but no other port or VTEP is in the network")                                     \
    X(port_mtu, "longer than the MTU of the port it leaves by")                                              \
    /* towards the WAN */                                                                                    \
    X(path_mtu, "does not fit the path MTU to the VTEP (R1.5)")                                              \
    X(vtep_unresolved, "next hop to the VTEP is not resolved")                                               \
    /* from the WAN */                                                                                       \
    X(outer_truncated, "outer packet shorter than its headers say")                                          \
    X(outer_mac, "outer destination MAC is not ours")                                                        \
    X(outer_ip_checksum, "outer IPv4 header checksum is wrong")                                              \
    X(outer_ip_options, "outer IPv4 header has options")                                                     \
    X(outer_fragment, "outer packet is a fragment (R1.5)")                                                   \
    X(outer_udp_length, "outer UDP length does not fit the packet")                                          \
    X(outer_udp_checksum, "outer UDP checksum is wrong, or zero over IPv6 (R1.3)")                           \
    X(outer_not_ours, "not VXLAN for us, and this port has no way to the kernel")                            \
    X(vxlan_truncated, "UDP payload shorter than the VXLAN header")                                          \
    X(vxlan_no_vni, "VXLAN header without the I flag (R1.4)")                                                \
    X(vni_unknown, "VNI not configured (R1.9)")                                                              \
    X(vtep_unknown, "outer source is not a VTEP of this VNI (R1.9)")                                         \
    X(inner_truncated, "inner frame shorter than an Ethernet header")                                        \
    X(ecn_ce, "outer congestion mark on an inner packet that is not ECN capable (R1.8)")                     \
    X(bounce_ttl, "would be sent on a second time after a move, as its outer TTL says (R6.5)")               \
    /* this machine */                                                                                       \
    X(gateway_frame, "frame between gateways on an access port")                                             \
    X(own_full, "from a host to the gateway itself, faster than it takes them")                              \
    X(punt_limit, "for the worker, but over what the fast path may hand to it")                              \
    X(no_buffer, "no packet buffer for a copy")                                                              \
    X(tx_full, "transmit queue full, or the port is down")                                                   \
    X(own_limit, "for the gateway itself, over the limit of the port it came by")                            \
    X(source_here, "announcement that would leave by the port its MAC has come to (R6.3)")                   \
    X(oam_full, "from another gateway, faster than this one takes them")                                     \
    X(worker_full, "for another worker of this gateway, which does not keep up")                             \
    X(too_long, "received frame longer than the largest mtu of any port: does the port's mtu say how long?")

enum drop_reason {
#define X(name, text) DROP_##name,
    DROP_REASONS(X)
#undef X
        DROP_N
};

/* Name ("vni_unknown") and sentence; reason < DROP_N. */
const char *drop_name(enum drop_reason reason);
const char *drop_text(enum drop_reason reason);

#endif
