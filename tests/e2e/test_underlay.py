# SPDX-License-Identifier: BSD-3-Clause
"""The way to a VTEP is the kernel's, and what changes there is in the next outer header."""
import pytest
from scapy.all import IP, Ether, IPv6

from gateway import network
from netns import wait_for
from probe import BROADCAST, HOST_A, VTEP_MACS, running_probe
from wire import udp4

NEW_MAC = "02:ee:00:00:00:99"


def conf(p):
    far = "2001:2:0:9::5" if p.ip6 else "198.19.0.5"
    return p.gateway_conf([network("web", 100, 10100, p.vtep(2)), network("routed", 101, 10101, far),
                           network("lost", 102, 10102, p.vtep(77))])


@pytest.fixture(scope="module", params=["interface-ipv4", "interface-ipv6", "af_packet-ipv4", "af_packet-ipv6"])
def p(request):
    kind, family = request.param.split("-")
    with running_probe(conf, kind=kind, ip6=family == "ipv6") as probe:
        probe.far_vtep = "2001:2:0:9::5" if probe.ip6 else "198.19.0.5"
        probe.far_prefix = "2001:2:0:9::/64" if probe.ip6 else "198.19.0.0/24"
        yield probe


def flooded(p, vlan=100):
    """What a broadcast in a VLAN becomes on the underlay."""
    return [Ether(f) for f in p.from_lan0(p.tagged(Ether(src=HOST_A, dst=BROADCAST) / udp4("10.0.0.1", "10.0.0.2"),
                                                   vlan))[1]]


def unresolved(p, vlan):
    """A broadcast reaches the other access port, and its copy for the WAN is dropped by name."""
    frame = p.tagged(Ether(src=HOST_A, dst=BROADCAST) / udp4("10.0.0.1", "10.0.0.2"), vlan)
    with p.drops(vtep_unresolved=3):
        assert p.from_lan0(*[frame] * 3) == ([frame] * 3, [])


def wait_next_hop(p, vtep, mac):
    wait_for(lambda: p.gw.vtep(vtep).get("next_hop_mac") == mac, 5, lambda: p.gw.vtep(vtep))


def neighbour(p, n, mac):
    p.ns.ip(f"neigh replace {p.vtep(n)} lladdr {mac} nud permanent dev {p.underlay}")


def test_outer_macs(p):
    out, = flooded(p)
    assert out.dst == VTEP_MACS[2]
    assert out.src == p.ns.ip_json("link", "show", p.underlay)[0]["address"]
    assert p.gw.vtep(p.vtep(2))["interface"] == p.underlay


def test_neighbour_gets_another_mac(p):
    neighbour(p, 2, NEW_MAC)
    try:
        wait_next_hop(p, p.vtep(2), NEW_MAC)
        assert [f.dst for f in flooded(p)] == [NEW_MAC]
    finally:
        neighbour(p, 2, VTEP_MACS[2])
    wait_next_hop(p, p.vtep(2), VTEP_MACS[2])
    assert [f.dst for f in flooded(p)] == [VTEP_MACS[2]]


def test_neighbour_lost_and_found(p):
    p.ns.ip(f"neigh del {p.vtep(2)} dev {p.underlay}")
    try:
        wait_for(lambda: not p.gw.vtep(p.vtep(2))["resolved"], 10, lambda: p.gw.vtep(p.vtep(2)))
        # It is asked for, without any traffic.
        target = p.vtep(2)
        asked = p.wan.packets(lambda f: f.haslayer("ARP") and f["ARP"].pdst == target
                              or f.haslayer("ICMPv6ND_NS") and f["ICMPv6ND_NS"].tgt == target, timeout=5)
        assert asked
    finally:
        neighbour(p, 2, VTEP_MACS[2])
    p.gw.wait_vtep(p.vtep(2))
    assert len(flooded(p)) == 1


def test_routes_reach_the_outer_header(p):
    """No route, a route by one router, by another, and gone again."""
    assert not p.gw.vtep(p.far_vtep)["resolved"]
    unresolved(p, 101)
    try:
        for n in (3, 4):
            p.ns.ip(f"route replace {p.far_prefix} via {p.vtep(n)}")
            wait_next_hop(p, p.far_vtep, VTEP_MACS[n])
            assert p.gw.vtep(p.far_vtep)["next_hop"] == p.vtep(n)
            out, = flooded(p, 101)
            assert out.dst == VTEP_MACS[n]
            assert out[IPv6 if p.ip6 else IP].dst == p.far_vtep
    finally:
        p.ns.ip(f"route del {p.far_prefix}")
    wait_for(lambda: not p.gw.vtep(p.far_vtep)["resolved"], 5, lambda: p.gw.vtep(p.far_vtep))
    unresolved(p, 101)


def test_route_mtu_is_the_path_mtu(p):
    try:
        p.ns.ip(f"route replace {p.far_prefix} via {p.vtep(3)} mtu 1400")
        wait_for(lambda: p.gw.vtep(p.far_vtep)["resolved"] and p.gw.vtep(p.far_vtep)["mtu"] == 1400, 5,
                 lambda: p.gw.vtep(p.far_vtep))
        overhead = 70 if p.ip6 else 50
        fits = 1400 - overhead - 28
        frame = Ether(src=HOST_A, dst=BROADCAST) / udp4("10.0.0.1", "10.0.0.2", size=fits)
        assert len(p.from_lan0(p.tagged(frame, 101))[1]) == 1
        frame = Ether(src=HOST_A, dst=BROADCAST) / udp4("10.0.0.1", "10.0.0.2", size=fits + 1)
        with p.drops(path_mtu=1):
            assert p.from_lan0(p.tagged(frame, 101))[1] == []
    finally:
        p.ns.ip(f"route del {p.far_prefix}")


def test_route_by_another_interface(p):
    """A VTEP that the kernel reaches elsewhere cannot be served by this port: shown, not guessed."""
    p.ns.ip("link add elsewhere type veth peer name elsewhere2", "link set elsewhere up", "link set elsewhere2 up")
    try:
        p.ns.ip(f"route replace {p.far_prefix} dev elsewhere")
        wait_for(lambda: p.gw.vtep(p.far_vtep).get("interface") == "elsewhere", 5, lambda: p.gw.vtep(p.far_vtep))
        assert not p.gw.vtep(p.far_vtep)["resolved"]
        unresolved(p, 101)
    finally:
        p.ns.ip("link del elsewhere")


def test_unresolved_is_shown_and_counted(p):
    vtep = p.gw.vtep(p.vtep(77))
    assert vtep["resolved"] is False and vtep["state"] and vtep["next_hop"] == p.vtep(77)
    assert "next_hop_mac" not in vtep
    unresolved(p, 102)


@pytest.mark.only("interface")
def test_our_own_mac_changes(p):
    before = p.ns.ip_json("link", "show", "wan0")[0]["address"]
    try:
        p.ns.ip("link set wan0 address 02:ee:00:00:01:01")
        neighbour(p, 2, VTEP_MACS[2])  # the kernel has forgotten all of them
        wait_for(lambda: p.gw.ask("show status")["underlay"]["mac"] == "02:ee:00:00:01:01", 5)
        p.gw.wait_vtep(p.vtep(2))
        assert flooded(p)[0].src == "02:ee:00:00:01:01"
    finally:
        p.ns.ip(f"link set wan0 address {before}")
        neighbour(p, 2, VTEP_MACS[2])
    p.gw.wait_vtep(p.vtep(2))
    assert flooded(p)[0].src == before


@pytest.mark.only("interface")  # net_af_packet's driver says "up" whatever the cable does
def test_link_flap(p):
    """Down: nothing is sent and the way is not resolved. Up: all as before."""
    address = f"{p.address}/{64 if p.ip6 else 24}"
    for _ in range(2):
        p.far.ip("link set wan0 down")
        wait_for(lambda: not p.gw.vtep(p.vtep(2))["resolved"], 5, lambda: p.gw.vtep(p.vtep(2)))
        wait_for(lambda: not p.gw.ask("show status")["underlay"]["up"], 5)
        p.far.ip("link set wan0 up")
        p.ns.ip(f"addr replace {address} dev wan0" + (" nodad" if p.ip6 else ""))
        neighbour(p, 2, VTEP_MACS[2])
        p.gw.wait_vtep(p.vtep(2))
        wait_for(p.alive, 10, "frames pass again")
        assert len(flooded(p)) == 1


