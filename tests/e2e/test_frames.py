# SPDX-License-Identifier: BSD-3-Clause
"""Frame by frame: the rules of VXLAN encapsulation and decapsulation (section 1), on every kind of port."""
import random

import pytest
from scapy.all import ARP, ICMP, IP, TCP, UDP, Dot1Q, Ether, IPv6, Raw

from gateway import AF_PACKET, INTERFACE, NO_LIMITS, network
from netns import wait_for
from probe import BROADCAST, HOST_A, HOST_B, REMOTE, VTEP_MACS, running_probe
from wire import VXLAN, udp4, vxlan_port_binding

VXLAN_PORT_OLD = 8472  # R1.1
vxlan_port_binding(VXLAN_PORT_OLD)


def conf4(p):
    conf = p.gateway_conf([
        network("web", 100, 10100, ageing=0, limits=NO_LIMITS,
                peers=[{"address": p.vtep(2), "learning": True}, {"address": p.vtep(3), "learning": False}]),
        network("qinq", 200, 10200, p.vtep(2), qinq=True, dscp=46, ageing=0),
    ])
    return conf


def conf_other(p):
    """The settings that are not the default."""
    return p.gateway_conf([network("web", 100, 10100, p.vtep(2))], vxlan_port=VXLAN_PORT_OLD, ttl=33)


@pytest.fixture(scope="module", params=[INTERFACE, AF_PACKET])
def p(request):
    """IPv4, defaults; HOST_A is at trunk0, REMOTE behind VTEP 2."""
    with running_probe(conf4, kind=request.param) as probe:
        prepare(probe)
        yield probe


@pytest.fixture(scope="module", params=[INTERFACE, AF_PACKET])
def p6(request):
    """IPv6, the old UDP port, another TTL."""
    with running_probe(conf_other, ip6=True, kind=request.param) as probe:
        prepare(probe)
        yield probe


def prepare(probe):
    probe.learn(100, HOST_A)
    probe.learn_remote(REMOTE)


def to_remote(packet, **eth):
    return Ether(src=HOST_A, dst=REMOTE, **eth) / packet


def to_host(packet, **eth):
    return Ether(src=REMOTE, dst=HOST_A, **eth) / packet


def ports_of(packets):
    return [x[UDP].sport for x in packets]


# ---- encapsulation


def test_R1_1_destination_port(p):
    out, = p.encapsulated(p.tagged(to_remote(udp4("10.0.0.1", "10.0.0.2"))))
    assert out[UDP].dport == 4789


def test_R1_1_destination_port_is_a_setting(p6):
    out, = p6.encapsulated(p6.tagged(to_remote(udp4("10.0.0.1", "10.0.0.2"))))
    assert out[UDP].dport == VXLAN_PORT_OLD
    inner = to_host(udp4("10.0.0.2", "10.0.0.1"))
    assert p6.from_wan(p6.outer(inner))[0] == [p6.tagged(inner)]
    assert p6.from_wan(p6.outer(inner, dport=4789)) == ([], [])  # the kernel's business


def test_R1_2_source_port_hash_range_and_spread(p):
    flows = [to_remote(udp4("10.0.0.1", "10.0.0.2", sport=i)) for i in range(1, 201)]
    ports = ports_of(p.encapsulated(*[p.tagged(f) for f in flows]))
    assert len(ports) == 200
    assert all(49152 <= x <= 65535 for x in ports)
    assert len(set(ports)) > 180
    assert max(ports) - min(ports) > 12000  # over the whole range


def test_R1_2_source_port_hash_is_stable_per_flow(p):
    rng = random.Random(1)
    flow = [to_remote(IP(src="10.0.0.1", dst="10.0.0.2", id=i, tos=4 * (i % 3), ttl=64 - i % 5)
                      / TCP(sport=40000, dport=80, seq=rng.getrandbits(32)) / Raw(bytes(rng.randrange(1000))))
            for i in range(50)]
    assert len(set(ports_of(p.encapsulated(*[p.tagged(f) for f in flow])))) == 1


@pytest.mark.parametrize("a,b", [
    (udp4("10.0.0.1", "10.0.0.2", 1, 2), udp4("10.0.0.1", "10.0.0.2", 1, 3)),
    (udp4("10.0.0.1", "10.0.0.2", 1, 2), udp4("10.0.0.1", "10.0.0.3", 1, 2)),
    (IPv6(src="fd00::1", dst="fd00::2") / TCP(sport=1, dport=2), IPv6(src="fd00::1", dst="fd00::2") / TCP(sport=3, dport=2)),
    (IPv6(src="fd00::1", dst="fd00::2") / ICMP(), IPv6(src="fd00::1", dst="fd00::3") / ICMP()),
])
def test_R1_2_source_port_hash_uses_addresses_and_ports(p, a, b):
    one, two = ports_of(p.encapsulated(p.tagged(to_remote(a)), p.tagged(to_remote(b))))
    assert one != two


@pytest.mark.only("interface")
def test_R1_2_fragments_of_one_packet_keep_together(p):
    """The later fragments have no ports: the first one must not be hashed by its own."""
    parts = IP(src="10.0.0.1", dst="10.0.0.2", id=7) / UDP(sport=5, dport=6) / Raw(bytes(3000))
    frames = [p.tagged(to_remote(f)) for f in parts.fragment(1000)]
    assert len(frames) > 2
    assert len(set(ports_of(p.encapsulated(*frames)))) == 1


def test_R1_2_what_is_not_ip_is_hashed_by_its_macs(p):
    same = [to_remote(Raw(bytes([i]) * 50), type=0x88b6) for i in range(5)]
    others = [Ether(src=f"02:aa:00:00:01:{i:02x}", dst=REMOTE, type=0x88b6) / Raw(bytes(50)) for i in range(20)]
    ports = ports_of(p.encapsulated(*[p.tagged(f) for f in same + others]))
    assert len(set(ports[:5])) == 1
    assert len(set(ports)) > 15


def test_R1_3_checksum_zero_over_ipv4(p):
    out, = p.encapsulated(p.tagged(to_remote(udp4("10.0.0.1", "10.0.0.2"))))
    assert out[UDP].chksum == 0
    sent = out[IP].chksum
    del out[IP].chksum
    assert IP(bytes(out[IP])).chksum == sent


def test_R1_3_checksum_zero_accepted_over_ipv4(p):
    inner = to_host(udp4("10.0.0.2", "10.0.0.1"))
    assert p.from_wan(p.outer(inner, chksum=0))[0] == [p.tagged(inner)]


@pytest.mark.parametrize("size", [0, 1, 2, 63, 1001])
def test_R1_3_right_checksum_accepted_over_ipv4(p, size):
    inner = to_host(udp4("10.0.0.2", "10.0.0.1", size=size))
    assert p.from_wan(p.outer(inner, chksum=None))[0] == [p.tagged(inner)]


def test_R1_3_wrong_checksum_dropped_over_ipv4(p):
    good = p.outer(to_host(udp4("10.0.0.2", "10.0.0.1")), chksum=None)
    right = Ether(bytes(good))[UDP].chksum
    frames = [p.outer(to_host(udp4("10.0.0.2", "10.0.0.1")), chksum=right ^ bit) for bit in (1, 0x80, 0x8000)]
    p.dropped_from_wan("outer_udp_checksum", *frames)


@pytest.mark.parametrize("size", [0, 1, 2, 63, 1001])
def test_R1_3_real_checksum_over_ipv6(p6, size):
    out, = p6.encapsulated(p6.tagged(to_remote(udp4("10.0.0.1", "10.0.0.2", size=size))))
    sent = out[UDP].chksum
    assert sent != 0
    del out[UDP].chksum
    assert Ether(bytes(out))[UDP].chksum == sent


def test_R1_3_zero_and_wrong_checksum_dropped_over_ipv6(p6):
    inner = to_host(udp4("10.0.0.2", "10.0.0.1"))
    right = Ether(bytes(p6.outer(inner)))[UDP].chksum
    p6.dropped_from_wan("outer_udp_checksum", p6.outer(inner, chksum=0),
                        p6.outer(inner, chksum=right ^ 0x100))


def test_R1_4_flags_and_reserved_fields_sent(p):
    out, = p.encapsulated(p.tagged(to_remote(udp4("10.0.0.1", "10.0.0.2"))))
    header = bytes(out[VXLAN])[:8]
    assert header == b"\x08\0\0\0" + (10100).to_bytes(3, "big") + b"\0"


def test_R1_4_reserved_fields_ignored(p):
    inner = to_host(udp4("10.0.0.2", "10.0.0.1"))
    frame = bytearray(bytes(p.outer(inner)))
    at = 14 + 20 + 8
    for offset, value in ((0, 0xff), (1, 0xff), (2, 0xff), (3, 0xff), (7, 0xff)):
        f = bytearray(frame)
        f[at + offset] = value
        assert p.from_wan(f)[0] == [p.tagged(inner)], f"byte {offset} of the VXLAN header"


def test_R1_4_no_I_flag(p):
    inner = to_host(udp4("10.0.0.2", "10.0.0.1"))
    p.dropped_from_wan("vxlan_no_vni", *[p.outer(inner, flags=flags) for flags in (0, 0xf7, 0x80)])


def test_R1_5_never_fragments(p):
    """What just fits goes out whole, the next byte is dropped by name."""
    biggest = 1600 - 50 - 28  # payload of a UDP packet that makes 1600 bytes with the outer header
    p.ns.ip("link set lan0 mtu 1600")
    p.far.ip("link set lan0 mtu 1600")
    try:
        out, = p.encapsulated(p.tagged(to_remote(udp4("10.0.0.1", "10.0.0.2", size=biggest))))
        assert out[IP].len == 1600 and out[IP].frag == 0 and "MF" not in out[IP].flags
        p.dropped_from_lan0("path_mtu", p.tagged(to_remote(udp4("10.0.0.1", "10.0.0.2", size=biggest + 1))))
    finally:
        p.far.ip("link set lan0 mtu 1500")
        p.ns.ip("link set lan0 mtu 1500")


def test_R1_6_tag_is_not_sent(p):
    frame = to_remote(udp4("10.0.0.1", "10.0.0.2"))
    out, = p.encapsulated(p.tagged(frame))
    assert bytes(out[VXLAN].payload) == bytes(frame)


def test_R1_6_priority_of_the_tag_does_not_matter(p):
    frame = to_remote(udp4("10.0.0.1", "10.0.0.2"))
    out, = p.encapsulated(p.tagged(frame, 100 | 5 << 13))
    assert bytes(out[VXLAN].payload) == bytes(frame)


@pytest.mark.parametrize("tpid", [0x8100, 0x88a8])
def test_R1_6_tagged_inner_frames_dropped(p, tpid):
    inner = bytes(to_host(udp4("10.0.0.2", "10.0.0.1")))
    double = inner[:12] + tpid.to_bytes(2, "big") + b"\x00\x64" + inner[12:]
    p.dropped_from_wan("inner_tagged", p.outer(Raw(double)))


@pytest.mark.parametrize("tpid", [0x8100, 0x88a8])
def test_R1_6_stacked_tags_dropped(p, tpid):
    frame = bytes(to_remote(udp4("10.0.0.1", "10.0.0.2")))
    double = frame[:12] + tpid.to_bytes(2, "big") + b"\x00\x07" + frame[12:]
    p.dropped_from_lan0("inner_tagged", p.tagged(double))


def test_R1_6_qinq_network_carries_the_inner_tag(p):
    frame = Ether(src="02:aa:00:00:02:01", dst=BROADCAST) / Dot1Q(vlan=7) / udp4("10.0.0.1", "10.0.0.2")
    out, = p.encapsulated(p.tagged(frame, 200))
    assert bytes(out[VXLAN].payload) == bytes(frame)
    back = Ether(src="02:bb:00:00:02:01", dst=BROADCAST) / Dot1Q(vlan=7) / udp4("10.0.0.2", "10.0.0.1")
    assert p.from_wan(p.outer(back, vni=10200)) == ([p.tagged(back, 200)], [p.tagged(back, 200)])


@pytest.mark.parametrize("size", [0, 100, 1472])
def test_R1_7_overhead_over_ipv4(p, size):
    packet = udp4("10.0.0.1", "10.0.0.2", size=size)
    out, = p.encapsulated(p.tagged(to_remote(packet)))
    assert out[IP].len == len(packet) + 50
    assert out[UDP].len == len(packet) + 14 + 16


@pytest.mark.parametrize("size", [0, 100, 1472])
def test_R1_7_overhead_over_ipv6(p6, size):
    packet = udp4("10.0.0.1", "10.0.0.2", size=size)
    out, = p6.encapsulated(p6.tagged(to_remote(packet)))
    assert out[IPv6].plen + 40 == len(packet) + 70


def test_R1_7_a_wan_of_just_that_mtu(p):
    p.ns.ip(f"link set {p.underlay} mtu 1550")
    try:
        p.gw.wait_vtep(p.vtep(2))
        out, = p.encapsulated(p.tagged(to_remote(udp4("10.0.0.1", "10.0.0.2", size=1472))))
        assert out[IP].len == 1550
        p.ns.ip(f"link set {p.underlay} mtu 1549")
        wait_for(lambda: p.gw.vtep(p.vtep(2))["mtu"] == 1549, what=lambda: p.gw.vtep(p.vtep(2)))
        p.dropped_from_lan0("path_mtu", p.tagged(to_remote(udp4("10.0.0.1", "10.0.0.2", size=1472))))
    finally:
        p.ns.ip(f"link set {p.underlay} mtu 1600")
        wait_for(lambda: p.gw.vtep(p.vtep(2))["mtu"] == 1600, what=lambda: p.gw.vtep(p.vtep(2)))


def test_R1_8_ttl(p, p6):
    out, = p.encapsulated(p.tagged(to_remote(udp4("10.0.0.1", "10.0.0.2", ttl=3))))
    assert out[IP].ttl == 64
    out, = p6.encapsulated(p6.tagged(to_remote(udp4("10.0.0.1", "10.0.0.2", ttl=3))))
    assert out[IPv6].hlim == 33


@pytest.mark.parametrize("dscp", [0, 10, 46, 63])
def test_R1_8_dscp_is_copied(p, p6, dscp):
    for inner in (udp4("10.0.0.1", "10.0.0.2", tos=dscp << 2),
                  IPv6(src="fd00::1", dst="fd00::2", tc=dscp << 2) / UDP(sport=1, dport=2)):
        out, = p.encapsulated(p.tagged(to_remote(inner)))
        assert out[IP].tos >> 2 == dscp
        out, = p6.encapsulated(p6.tagged(to_remote(inner)))
        assert out[IPv6].tc >> 2 == dscp


def test_R1_8_dscp_of_the_network(p):
    out, = p.encapsulated(p.tagged(Ether(src="02:aa:00:00:02:01", dst=BROADCAST)
                                   / udp4("10.0.0.1", "10.0.0.2", tos=10 << 2 | 2), 200))
    assert out[IP].tos == 46 << 2 | 2  # the congestion bits are still the inner ones


def test_R1_8_dscp_of_what_is_not_ip(p):
    out, = p.encapsulated(p.tagged(to_remote(Raw(b"\xff" * 60), type=0x88b6)))
    assert out[IP].tos == 0


@pytest.mark.parametrize("ecn", [0, 1, 2, 3])
def test_R1_8_ecn_on_encapsulation(p, ecn):
    out, = p.encapsulated(p.tagged(to_remote(udp4("10.0.0.1", "10.0.0.2", tos=ecn))))
    assert out[IP].tos & 3 == ecn


# RFC 6040 figure 4: (inner, outer) -> inner afterwards; None: dropped. 0 not ECT, 1 ECT(1), 2 ECT(0), 3 CE.
ECN = {(0, 0): 0, (0, 1): 0, (0, 2): 0, (0, 3): None, (1, 0): 1, (1, 1): 1, (1, 2): 1, (1, 3): 3,
       (2, 0): 2, (2, 1): 1, (2, 2): 2, (2, 3): 3, (3, 0): 3, (3, 1): 3, (3, 2): 3, (3, 3): 3}


@pytest.mark.parametrize("v6", [False, True])
@pytest.mark.parametrize("inner,outer", ECN)
def test_R1_8_ecn_on_decapsulation(p, inner, outer, v6):
    def packet(ecn):
        if v6:
            return to_host(IPv6(src="fd00::2", dst="fd00::1", tc=0x88 | ecn) / UDP(sport=1, dport=2))
        return to_host(udp4("10.0.0.2", "10.0.0.1", tos=0x88 | ecn))

    frame = p.outer(packet(inner), ip={"tos": 0xb8 | outer})
    after = ECN[inner, outer]
    if after is None:
        p.dropped_from_wan("ecn_ce", frame)
    else:
        assert p.from_wan(frame)[0] == [p.tagged(packet(after))]  # with the right IPv4 header checksum


# ---- R1.9: who may send


def test_R1_9_other_destination_address(p):
    """Not for us: the kernel's business, which has no use for it either."""
    inner = to_host(udp4("10.0.0.2", "10.0.0.1"))
    assert p.from_wan(p.outer(inner, dst="198.18.0.200"), p.outer(inner, dst="255.255.255.255")) == ([], [])


def test_R1_9_other_protocol(p):
    inner = to_host(udp4("10.0.0.2", "10.0.0.1"))
    tcp = Ether(src=VTEP_MACS[2], dst=p.mac) / IP(src=p.vtep(2), dst=p.address) / TCP(sport=50000, dport=4789) \
        / VXLAN(flags=8, vni=10100) / inner
    assert p.from_wan(tcp) == ([], [])


def test_R1_9_vni_not_configured(p):
    inner = to_host(udp4("10.0.0.2", "10.0.0.1"))
    p.dropped_from_wan("vni_unknown", *[p.outer(inner, vni=v) for v in (0, 1, 10099, 10101, 0xffffff)])


def test_R1_9_source_not_a_vtep(p):
    inner = to_host(udp4("10.0.0.2", "10.0.0.1"))
    p.dropped_from_wan("vtep_unknown", *[p.outer(inner, vtep=v) for v in (5, 77, 250)])


def test_R1_9_source_not_a_vtep_of_this_vni(p):
    """VTEP 3 is a peer of web, not of qinq."""
    frame = Ether(src=REMOTE, dst=BROADCAST) / udp4("10.0.0.2", "10.0.0.1")
    assert len(p.from_wan(p.outer(frame, vtep=3))[0]) == 1
    p.dropped_from_wan("vtep_unknown", p.outer(frame, vni=10200, vtep=3))


def test_R1_9_our_own_address_as_source(p):
    inner = to_host(udp4("10.0.0.2", "10.0.0.1"))
    p.dropped_from_wan("vtep_unknown", p.outer(inner, vtep=1))


def test_R1_9_other_destination_mac(p):
    """A flooded frame of the WAN's switch is not ours."""
    inner = to_host(udp4("10.0.0.2", "10.0.0.1"))
    p.dropped_from_wan("outer_mac", p.outer(inner, eth_dst="02:ee:00:00:00:77"))


def test_R1_10_no_learning_from_a_peer_that_must_not(p):
    mac = "02:bb:00:00:03:01"
    frame = Ether(src=mac, dst=BROADCAST) / udp4("10.0.0.2", "10.0.0.1")
    assert len(p.from_wan(*[p.outer(frame, vtep=3)] * 3)[0]) == 3  # forwarded all the same
    p.learn_remote("02:bb:00:00:03:02")  # learned later, so the first one would be there by now
    assert p.gw.mac("web", mac) is None


def test_R1_10_learning_from_a_peer_that_may(p):
    p.learn_remote("02:bb:00:00:03:03")
    assert p.gw.mac("web", "02:bb:00:00:03:03")["origin"] == "remote"


def test_R1_11_flooded_frames_never_go_back_to_the_wan(p):
    frames = [Ether(src=REMOTE, dst=d) / udp4("10.0.0.2", "10.0.0.1") for d in (BROADCAST, "01:00:5e:01:02:03")]
    lan0, lan1 = p.from_wan(*[p.outer(f) for f in frames])
    back = p.from_lan0(drain=False)[1]
    assert len(lan0) == 2 and len(lan1) == 2 and not back


def test_R1_11_unicast_never_goes_back_to_the_wan(p):
    """REMOTE is behind VTEP 2; a frame for it from VTEP 2 or 3 has no business here."""
    frame = Ether(src="02:bb:00:00:03:03", dst=REMOTE) / udp4("10.0.0.2", "10.0.0.1")
    p.dropped_from_wan("split_horizon", p.outer(frame, vtep=2), p.outer(frame, vtep=3))


@pytest.mark.parametrize("last", range(16))
def test_R1_12_link_local_groups_never_cross(p, last):
    frame = Ether(src=HOST_A, dst=f"01:80:c2:00:00:{last:02x}") / Raw(bytes(46))
    p.dropped_from_lan0("link_local", p.tagged(frame))
    p.dropped_from_wan("link_local", p.outer(Ether(src=REMOTE, dst=f"01:80:c2:00:00:{last:02x}") / Raw(bytes(46))))


def test_R1_12_the_next_group_does_cross(p):
    frame = Ether(src=HOST_A, dst="01:80:c2:00:00:10") / Raw(bytes(46))
    lan1, wan = p.from_lan0(p.tagged(frame))
    assert len(lan1) == 1 and len(wan) == 2


def test_arp_crosses_both_ways(p):
    ask = Ether(src=HOST_A, dst=BROADCAST) / ARP(op=1, hwsrc=HOST_A, psrc="10.0.0.1", pdst="10.0.0.2")
    lan1, wan = p.from_lan0(p.tagged(ask))
    assert lan1 == [p.tagged(ask)]
    assert {(Ether(f)[IP].dst, Ether(f).dst) for f in wan} == {(p.vtep(n), VTEP_MACS[n]) for n in (2, 3)}
    answer = to_host(ARP(op=2, hwsrc=REMOTE, psrc="10.0.0.2", hwdst=HOST_A, pdst="10.0.0.1"))
    assert p.from_wan(p.outer(answer)) == ([p.tagged(answer)], [])


def test_local_ports_are_bridged(p):
    p.learn(100, HOST_B, p.lan1, where="trunk1")
    frame = Ether(src=HOST_A, dst=HOST_B) / udp4("10.0.0.1", "10.0.0.2")
    assert p.from_lan0(p.tagged(frame)) == ([p.tagged(frame)], [])
