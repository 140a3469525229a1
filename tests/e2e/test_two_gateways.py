# SPDX-License-Identifier: BSD-3-Clause
"""Two sites, two causewayd, hosts in several VLANs: as if they were on one switch."""
import socket
import struct
from types import SimpleNamespace

import pytest
from scapy.all import ARP, Ether, Raw

from gateway import AF_PACKET, INTERFACE, NO_LIMITS, Gateway, gateway_conf, network
from lab import Lab
from netns import Failed, wait_for
from stream import Stream
from wire import Wire, between, marker, udp4

# name: VLAN at paris, VLAN at london, VNI, settings
NETWORKS = {
    "web": (100, 100, 10100, {}),
    "db": (200, 300, 10200, {}),
    "mgmt": ("untagged", "untagged", 10001, {}),
    "brief": (400, 400, 10400, {"ageing": 2}),
    "flooded": (401, 401, 10401, {"unknown_unicast": "flood"}),
}
BROADCAST = "ff:ff:ff:ff:ff:ff"


def conf_of(site, other, ip6, kind, which, trunks):
    peer = other.address6 if ip6 else other.address
    networks = [network(name, n[which], n[2], peer, limits=NO_LIMITS, **n[3]) for name, n in NETWORKS.items()]
    return gateway_conf(site, networks, ip6=ip6, underlay=kind, access=kind, trunks=trunks)


@pytest.fixture(scope="module", params=["interface-ipv4", "interface-ipv6", "af_packet-ipv4"])
def sites(request):
    kind, family = request.param.split("-")
    ip6 = family == "ipv6"
    with Lab() as lab:
        wan = lab.wan(delay=200)
        paris = lab.site("paris", wan, 1, trunks=2, wan_kernel=kind == INTERFACE)
        london = lab.site("london", wan, 2, wan_kernel=kind == INTERFACE)
        wan.start()
        s = SimpleNamespace(
            lab=lab, paris=paris, london=london, kind=kind, ip6=ip6,
            web1=paris.host("web1", 100, "10.100.0.1/24", "fd00:100::1/64"),
            web2=london.host("web2", 100, "10.100.0.2/24", "fd00:100::2/64"),
            web3=paris.host("web3", 100, "10.100.0.3/24", trunk=1),
            db1=paris.host("db1", 200, "10.100.0.1/24", "fd00:100::1/64"),  # the addresses of web1, another VLAN
            db2=london.host("db2", 300, "10.100.0.2/24", "fd00:100::2/64"),
            mgmt1=paris.host("mgmt1", 0, "10.1.0.1/24"),
            mgmt2=london.host("mgmt2", 0, "10.1.0.2/24"),
            brief1=paris.host("brief1", 400), brief2=london.host("brief2", 400),
            flooded1=paris.host("flooded1", 401), flooded2=london.host("flooded2", 401),
            stray1=paris.host("stray1", 999, "10.100.0.9/24"),
            paris_at=paris.address6 if ip6 else paris.address, london_at=london.address6 if ip6 else london.address)
        if kind == AF_PACKET:
            for trunk in ("lan0", "lan1"):
                paris.detach_kernel(trunk)
            london.detach_kernel("lan0")
        with Gateway(paris, conf_of(paris, london, ip6, kind, 0, 2)) as s.gw1, \
                Gateway(london, conf_of(london, paris, ip6, kind, 1, 1)) as s.gw2:
            s.gw1.wait_vtep(s.london_at)
            s.gw2.wait_vtep(s.paris_at)
            for a, b in ((s.web1, s.web2), (s.web1, s.web3), (s.db1, s.db2), (s.mgmt1, s.mgmt2)):
                a.reaches(b)
            yield s


@pytest.fixture
def wires():
    """wires(host, ...): the cables of hosts."""
    opened = []

    def open_wires(*hosts):
        opened.extend(Wire(h.ns, "eth0") for h in hosts)
        return opened[-len(hosts):]

    yield open_wires
    for w in opened:
        w.close()


def broadcast_from(host):
    return Ether(src=host.mac, dst=BROADCAST, type=0x88b5)


def vlan_of(frame):
    """The VLAN of a frame on a wire, or None."""
    return struct.unpack("!H", frame[14:16])[0] & 0xfff if frame[12:14] == b"\x81\x00" else None


# ---- reaching each other


@pytest.mark.parametrize("a,b", [("web1", "web2"), ("web2", "web1"), ("db1", "db2"), ("mgmt1", "mgmt2"), ("web1", "web3"),
                                 ("web3", "web2")])
def test_ping(sites, a, b):
    ping = getattr(sites, a).ping(getattr(sites, b), count=5)
    assert ping.complete, ping.text


def test_ping_full_size(sites):
    """1500-byte packets of the VLAN fit a WAN MTU of 1600."""
    assert sites.web1.ping(sites.web2, size=1472, fragment=False).complete


def test_arp(sites):
    sites.web1.forget_neighbours()
    sites.web2.forget_neighbours()
    assert sites.web1.ping(sites.web2, count=1).received == 1
    entry = sites.web1.ns.ip_json("neigh", "show", sites.web2.ip)[0]
    assert entry["lladdr"] == sites.web2.mac


def test_first_contact_needs_no_retry(sites):
    """Where no gateway knows any MAC, the answer comes right behind the question that taught them where the asker is: it
    must find its way. (ARP asks again after a second.)"""
    late = []
    for _ in range(8):
        sites.gw1.ask("clear macs")
        sites.gw2.ask("clear macs")
        sites.web1.forget_neighbours()
        if not sites.web1.ping(sites.web2, count=1, wait=0.5).received:
            late.append((sites.gw1.drops()["unknown_unicast"], sites.gw2.drops()["unknown_unicast"]))
    for a, b in ((sites.web1, sites.web3), (sites.db1, sites.db2), (sites.mgmt1, sites.mgmt2)):
        a.forget_neighbours()
        a.reaches(b)
    assert not late, f"{len(late)} of 8 first answers lost; unknown_unicast at both gateways: {late}"


def test_ipv6_neighbour_discovery(sites):
    sites.web1.reaches(sites.web2.ip6)
    sites.web1.forget_neighbours()
    sites.web2.forget_neighbours()
    ping = sites.web1.ping(sites.web2.ip6, count=3)
    assert ping.complete, ping.text
    entry = sites.web1.ns.ip_json("-6", "neigh", "show", sites.web2.ip6)[0]
    assert entry["lladdr"] == sites.web2.mac


@pytest.mark.parametrize("reverse", [False, True])
def test_tcp(sites, reverse):
    end = sites.web1.iperf(sites.web2, reverse=reverse)
    assert end["sum_received"]["bits_per_second"] > 20e6


def test_udp(sites):
    sites.web1.reaches(sites.web2)
    with Stream(sites.web1, sites.web2, rate=1000, size=1200) as stream:
        stream.goes_on(500)
    assert len(stream.lost()) < stream.sent / 100 and not stream.twice, (len(stream.lost()), stream.sent, stream.twice)


def test_tcp_over_ipv6(sites):
    end = sites.web1.iperf(sites.web2, ip6=True)
    assert end["sum_received"]["bits_per_second"] > 20e6


@pytest.mark.parametrize("group", ["239.1.2.3", "ff15::1234"])
def test_multicast(sites, group):
    """A datagram to a group reaches a member at the other site and one on the other local port."""
    family = socket.AF_INET6 if ":" in group else socket.AF_INET
    members = []
    for host in (sites.web2, sites.web3):
        with host.ns.entered():
            s = socket.socket(family, socket.SOCK_DGRAM)
            index = socket.if_nametoindex("eth0")
            if family == socket.AF_INET:
                mreq = struct.pack("4s4si", socket.inet_aton(group), bytes(4), index)
                s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, mreq)
            else:
                mreq = socket.inet_pton(family, group) + struct.pack("@I", index)
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, mreq)
            s.bind((group, 5000) if family == socket.AF_INET else (group, 5000, 0, index))
            s.settimeout(5)
            members.append(s)
    with sites.web1.ns.entered(), socket.socket(family, socket.SOCK_DGRAM) as s:
        index = socket.if_nametoindex("eth0")
        if family == socket.AF_INET:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("4s4si", bytes(4), bytes(4), index))
        else:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        s.sendto(b"to all", (group, 5000))
    for s in members:
        assert s.recv(100) == b"to all"
        s.setblocking(False)
        with pytest.raises(BlockingIOError):
            s.recv(100)
        s.close()


# ---- staying apart


def test_vlans_are_apart(sites, wires):
    """A broadcast in one network comes out in that network alone, once, with the VLAN number of its site."""
    w_web2, w_db2, w_mgmt2, w_web3 = wires(sites.web2, sites.db2, sites.mgmt2, sites.web3)
    for host, remote, vlan in ((sites.web1, w_web2, 100), (sites.db1, w_db2, 300), (sites.mgmt1, w_mgmt2, None)):
        mark = marker()
        Wire(host.ns, "eth0").send(bytes(broadcast_from(host)) + mark)
        seen = [f for f in remote.frames(lambda f, mark=mark: mark in f) if mark in f]
        assert [vlan_of(f) for f in seen] == [vlan]
    # All of these hosts hang on one bridge per site: nothing came in another VLAN, nor twice.
    last = marker()
    Wire(sites.web1.ns, "eth0").send(bytes(broadcast_from(sites.web1)) + last)
    for w in (w_web2, w_web3):
        marks = [vlan_of(f) for f in w.frames(lambda f: last in f) if last in f]
        assert marks == [100]


def test_same_addresses_in_two_vlans(sites):
    """web1 and db1 have one IP address, web2 and db2 another: each finds the one of its own network."""
    for a, b in ((sites.web1, sites.web2), (sites.db1, sites.db2)):
        a.forget_neighbours()
        assert a.ping(b).complete
        assert a.ns.ip_json("neigh", "show", b.ip)[0]["lladdr"] == b.mac


def test_unconfigured_vlan_is_dropped_and_counted(sites):
    before = sites.gw1.drops()["vlan_unknown"]
    stray = Wire(sites.stray1.ns, "eth0")
    stray.send(*[bytes(broadcast_from(sites.stray1)) + marker() for _ in range(5)])
    stray.close()
    wait_for(lambda: sites.gw1.drops()["vlan_unknown"] >= before + 5, what=sites.gw1.drops)
    assert sites.stray1.ping(sites.web2, count=1, wait=0.3).received == 0


def test_other_networks_never_see_unicast(sites, wires):
    w_db2, w_web2 = wires(sites.db2, sites.web2)
    frame = Ether(src=sites.web1.mac, dst=sites.web2.mac) / udp4("10.100.0.1", "10.100.0.2")
    sent = Wire(sites.web1.ns, "eth0")
    at_web2, at_db2 = between(sent, [frame] * 10, broadcast_from(sites.web1), {w_web2: True, w_db2: True})
    assert len([f for f in at_web2 if bytes(frame)[14:] in f]) == 10
    # The bridge of the site knows where web2 is: another host's cable carries none of it.
    assert not [f for f in at_db2 if bytes(frame)[14:] in f]
    sent.close()


# ---- MAC tables


def test_mac_tables(sites):
    sites.web1.reaches(sites.web2)
    sites.web1.reaches(sites.web3)
    sites.gw1.wait_mac("web", sites.web1.mac, "trunk0")
    sites.gw1.wait_mac("web", sites.web3.mac, "trunk1")
    sites.gw1.wait_mac("web", sites.web2.mac, sites.london_at)
    sites.gw2.wait_mac("web", sites.web2.mac, "trunk0")
    sites.gw2.wait_mac("web", sites.web1.mac, sites.paris_at)
    sites.gw2.wait_mac("web", sites.web3.mac, sites.paris_at)
    assert sites.gw1.mac("web", sites.web1.mac)["origin"] == "local"
    assert sites.gw1.mac("web", sites.web2.mac)["origin"] == "remote"
    assert sites.gw1.mac("db", sites.web1.mac) is None
    assert set(sites.gw1.macs("web")) >= {sites.web1.mac, sites.web2.mac, sites.web3.mac}


def test_host_moves_between_local_ports(sites):
    sites.web1.reaches(sites.web2)
    sites.gw1.wait_mac("web", sites.web1.mac, "trunk0")
    moves = int(sites.gw1.mac("web", sites.web1.mac)["moves"])
    try:
        for bridge, port in (("br1", "trunk1"), ("br0", "trunk0")):
            sites.web1.move_to(bridge)
            sites.web1.reaches(sites.web2, wait=0.2, timeout=3)
            sites.gw1.wait_mac("web", sites.web1.mac, port)
            assert sites.web1.ping(sites.web2).complete
    finally:
        sites.web1.move_to("br0")
    assert int(sites.gw1.mac("web", sites.web1.mac)["moves"]) == moves + 2


def test_ageing(sites, wires):
    """With an ageing of 2 s a silent MAC goes, and one that is heard stays."""
    silent, = wires(sites.brief1)
    heard = Wire(sites.brief2.ns, "eth0")
    silent.send(bytes(broadcast_from(sites.brief1)) + marker())
    heard.send(bytes(broadcast_from(sites.brief2)) + marker())
    sites.gw1.wait_mac("brief", sites.brief1.mac, "trunk0")
    sites.gw2.wait_mac("brief", sites.brief1.mac, sites.paris_at)
    sites.gw2.wait_mac("brief", sites.brief2.mac, "trunk0")

    def gone():
        heard.send(bytes(broadcast_from(sites.brief2)) + marker())
        if not sites.gw2.mac("brief", sites.brief2.mac):
            raise Failed("a MAC that is heard aged out")
        return not sites.gw1.mac("brief", sites.brief1.mac) and not sites.gw2.mac("brief", sites.brief1.mac)

    wait_for(gone, 12, "the silent MAC ages out on both sides", interval=0.2)
    heard.close()


def test_clear_macs(sites):
    sites.web1.reaches(sites.web2)
    sites.db1.reaches(sites.db2)
    sites.gw1.wait_mac("web", sites.web2.mac, sites.london_at)
    assert int(sites.gw1.ctl("clear", "macs", "--network", "web", "--mac", sites.web2.mac)["cleared"]) == 1
    assert sites.gw1.mac("web", sites.web2.mac) is None
    assert sites.gw1.mac("web", sites.web1.mac)
    assert int(sites.gw1.ctl("clear", "macs", "--network", "web")["cleared"]) >= 1
    assert sites.gw1.mac("db", sites.db1.mac)
    assert int(sites.gw1.ctl("clear", "macs")["cleared"]) >= 1
    sites.gw2.ctl("clear", "macs")
    for a, b in ((sites.web1, sites.web2), (sites.db1, sites.db2), (sites.mgmt1, sites.mgmt2)):
        a.forget_neighbours()  # what a host still has in its ARP table is unknown unicast now (R8.2)
        a.reaches(b)


# ---- unknown unicast


def test_R8_2_unknown_unicast_does_not_cross_the_wan(sites, wires):
    """It reaches the other ports of its own site, as on any switch; where there is none it is dropped by name."""
    w1, w2, w3 = wires(sites.web1, sites.web2, sites.web3)
    before = sites.gw2.drops()["unknown_unicast"]
    frame = Ether(src=sites.web1.mac, dst="02:00:00:00:99:01") / Raw(b"nobody" * 10)
    at_web2, at_web3 = between(w1, [frame] * 7, broadcast_from(sites.web1), {w2: True, w3: True})
    assert not [f for f in at_web2 if b"nobody" in f]
    assert [vlan_of(f) for f in at_web3 if b"nobody" in f] == [100] * 7
    frame = Ether(src=sites.web2.mac, dst="02:00:00:00:99:01") / Raw(b"nobody" * 10)
    at_web1, = between(w2, [frame] * 7, broadcast_from(sites.web2), {w1: True})
    assert not [f for f in at_web1 if b"nobody" in f]
    wait_for(lambda: sites.gw2.drops()["unknown_unicast"] == before + 7, what=sites.gw2.drops)


def test_R8_2_unknown_unicast_is_flooded_where_told(sites, wires):
    w1, w2 = wires(sites.flooded1, sites.flooded2)
    frame = Ether(src=sites.flooded1.mac, dst="02:00:00:00:99:01") / Raw(b"nobody" * 10)
    at2, = between(w1, [frame] * 7, broadcast_from(sites.flooded1), {w2: True})
    assert [vlan_of(f) for f in at2 if b"nobody" in f] == [401] * 7


def test_gratuitous_arp_crosses(sites, wires):
    w1, w2 = wires(sites.web1, sites.web2)
    garp = Ether(src=sites.web1.mac, dst=BROADCAST) / ARP(op=1, hwsrc=sites.web1.mac, psrc=sites.web1.ip,
                                                          pdst=sites.web1.ip)
    at2, = between(w1, [garp], broadcast_from(sites.web1), {w2: True})
    assert len([f for f in at2 if bytes(garp)[14:] in f]) == 1


def test_statistics_add_up(sites):
    """What the networks and VTEPs counted on both sides fits together after all of the above."""
    def settled():
        before, after = sites.gw1.balance(), sites.gw1.balance()
        return before == after and before[0] == before[1]
    wait_for(settled, 5, sites.gw1.balance)

    def counts():
        there, here = sites.gw1.vtep(sites.london_at), sites.gw2.vtep(sites.paris_at)
        return [there["tx"]["frames"], here["rx"]["frames"], here["tx"]["frames"], there["rx"]["frames"]]

    before = counts()
    assert sites.web1.ping(sites.web2, count=50, interval=0.005).complete
    wait_for(lambda: [b - a for a, b in zip(before, counts())] == [50] * 4, 3,
             lambda: [b - a for a, b in zip(before, counts())])
