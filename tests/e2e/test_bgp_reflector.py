# SPDX-License-Identifier: BSD-3-Clause
"""Three gateways that know only two route reflectors (FRR), and GoBGP as a fourth client, which has no data plane: what it
announces is compared with what arrives, attribute for attribute."""
import itertools
import json
from types import SimpleNamespace

import pytest
from scapy.all import Ether, Raw

from bgp import ASN, VLAN, VNI, BgpGateway, Vm, bgp_conf
from dump import Capture, faults
from frr import FrrReflector
from gateway import network
from gobgp import GobgpPeer
from lab import Lab, open_all
from netns import wait_for
from wire import Wire

WEB = "web"
NAMES = ("paris", "london", "madrid")
PASSWORD = "RR-to-gateways"
MANY = 120


@pytest.fixture(scope="module")
def s():
    with Lab() as lab:
        wan = lab.wan(delay=100)
        sites = [lab.site(n, wan, i + 1) for i, n in enumerate(NAMES)]
        clients = [x.address for x in sites]
        rrs = [FrrReflector(lab, f"rr{n}", wan, 100 + n, [*clients, "198.18.0.4"], password=PASSWORD) for n in (1, 2)]
        go = GobgpPeer(lab, "go", wan, 4, [r.address for r in rrs], password=PASSWORD)
        wan.start()
        hosts = [x.host(f"h{i}", VLAN, f"10.100.0.{i + 1}/24", f"fd00:100::{i + 1}/64") for i, x in enumerate(sites)]
        mac = lab.mac()
        v = {x.name: x.host(f"v{i}", VLAN, "10.100.0.9/24", mac=mac) for i, x in enumerate(sites)}
        peers = [{"address": r.address, "name": r.ns.name, "password": PASSWORD} for r in rrs]
        nets = [network("web", VLAN, VNI), network("db", VLAN + 1, VNI + 1)]
        gws = [BgpGateway(x, bgp_conf(x, peers, nets)) for x in sites]
        s = SimpleNamespace(lab=lab, wan=wan, sites=sites, rrs=rrs, go=go, hosts=hosts, gws=gws)
        with Capture(wan, lab.file("bgp.pcap")) as s.pcap, open_all(*gws):
            for r in rrs:
                r.start()
            go.start()
            settle(s)
            go.wait_established(*[r.address for r in rrs])
            s.vm = Vm(v, "paris")
            yield s


def settle(s):
    for gw in s.gws:
        gw.wait_session(*[r.address for r in s.rrs])
    for host in s.hosts:
        host.forget_neighbours()  # they speak: unknown unicast is not flooded, and what is silent is not known
    for a, b in itertools.permutations(s.hosts, 2):
        a.reaches(b, wait=0.2)
    for i, gw in enumerate(s.gws):
        for k, host in enumerate(s.hosts):
            if i != k:
                gw.wait_mac(WEB, host.mac, s.sites[k].address)


def test_all_reach_all(s):
    for a, b in itertools.permutations(s.hosts, 2):
        assert a.ping(b).complete
        a.reaches(b.ip6, wait=0.2)
        assert a.ping(b.ip6).complete


def test_next_hop_is_the_originator(s):
    """R2.4: the reflectors are in nobody's table; what was ours comes back to nobody."""
    reflectors = {r.address for r in s.rrs}
    for i, gw in enumerate(s.gws):
        rows = gw.macs(WEB)
        assert not reflectors & {r.get("vtep") for r in rows.values()}
        assert rows[s.hosts[i].mac]["origin"] == "local"
        for k, host in enumerate(s.hosts):
            if i != k:
                assert rows[host.mac]["origin"] == "evpn" and rows[host.mac]["vtep"] == s.sites[k].address
        for r in gw.routes():
            assert r.get("originator_id") != s.sites[i].address, r


def test_each_broadcast_arrives_once(s):
    """Two reflectors say the same: a VTEP is on the flood list once."""
    wires = [Wire(h.ns, "eth0") for h in s.hosts]
    frame = Ether(src=s.hosts[0].mac, dst="ff:ff:ff:ff:ff:ff", type=0x88b6) / Raw(b"\x37" * 60)
    last = Ether(src=s.hosts[0].mac, dst="ff:ff:ff:ff:ff:ff", type=0x88b5) / Raw(b"\x38" * 60)
    for w in wires:
        w.drain()
    wires[0].send(frame, last)
    for w in wires[1:]:
        seen = w.frames(lambda f: b"\x38" * 60 in f)
        assert len([f for f in seen if b"\x37" * 60 in f]) == 1
    for w in wires:
        w.close()


def test_moves_among_three(s):
    s.vm.announce()
    for gw in s.gws[1:]:
        gw.wait_mac(WEB, s.vm.host.mac, s.sites[0].address)
    for to in ("london", "madrid", "paris", "madrid", "london", "paris") * 2:
        s.vm.move(to)
        at = next(x.address for x in s.sites if x.name == to)
        for gw, x in zip(s.gws, s.sites):
            gw.wait_mac(WEB, s.vm.host.mac, "trunk0" if x.name == to else at, timeout=3)
        for host in s.hosts:
            host.reaches(s.vm.host, 3, wait=0.1)
    assert len({gw.mac(WEB, s.vm.host.mac)["sequence"] for gw in s.gws}) == 1


def test_gobgp_reads_our_routes(s):
    """What GoBGP's decoder makes of what we sent."""
    rib = s.go.rib()
    for host, site in zip(s.hosts, s.sites):
        path = next(p for k, p in rib.items() if k.startswith("[type:macadv]") and f"[mac:{host.mac}][ip:<nil>]" in k)
        a = {x["type"]: x for x in path["attrs"]}
        assert a[14]["nexthop"] == site.address
        assert path["nlri"]["value"]["labels"] == [VNI] and path["nlri"]["value"]["etag"] == 0
        assert path["nlri"]["value"]["esi"] == "single-homed"
        assert path["nlri"]["value"]["rd"] == {"type": 1, "admin": site.address, "assigned": VLAN}
        assert {(c["type"], c["subtype"], str(c.get("value", c.get("tunnel_type")))) for c in a[16]["value"]} == {
            (0, 2, f"{ASN}:{VNI}"), (3, 12, "8")}, a[16]
        for vlan, vni in ((VLAN, VNI), (VLAN + 1, VNI + 1)):
            flood = rib[f"[type:multicast][rd:{site.address}:{vlan}][etag:0][ip:{site.address}]"]
            pmsi = next(x for x in flood["attrs"] if x["type"] == 22)
            assert (pmsi["tunnel-type"], pmsi["label"], pmsi["tunnel-id"]) == (6, vni, site.address)


def test_gobgp_brings_many(s):
    macs = [f"02:60:00:00:{i >> 8:02x}:{i & 255:02x}" for i in range(MANY)]
    s.go.many_type2(macs, VNI)
    for gw in s.gws:
        wait_for(lambda gw=gw: set(macs) <= set(gw.macs(WEB)), 10, f"{gw.name} has them all")
        assert all(gw.macs(WEB)[m]["vtep"] == s.go.address for m in macs)
    s.go.many_type2(macs[:40], VNI, withdraw=True)
    for gw in s.gws:
        gw.gone(WEB, macs[39])
        wait_for(lambda gw=gw: set(gw.macs(WEB)) & set(macs) == set(macs[40:]), 10, f"{gw.name} has the rest")


def test_gobgp_is_on_the_flood_list_by_its_type_3(s):
    """A broadcast is sent to it when it says that it takes part, and not a moment longer."""
    wan, local = Wire(s.go.ns, "wan0"), Wire(s.hosts[0].ns, "eth0")
    frame = Ether(src=s.hosts[0].mac, dst="ff:ff:ff:ff:ff:ff", type=0x88b6) / Raw(b"\x47" * 60)

    def flooded():
        wan.drain()
        local.send(frame)
        return any(b"\x47" * 60 in f for f in iter(lambda: wan._receive(0.1), None))

    assert not flooded()
    s.go.type3(VNI)
    wait_for(flooded, 5, "broadcasts reach GoBGP's VTEP")
    s.go.type3(VNI, withdraw=True)
    wait_for(lambda: not flooded(), 5, "broadcasts stop")
    wan.close()
    local.close()


def test_mac_with_ip_and_mac_without(s):
    """Withdrawing the MAC+IP route leaves the MAC, and the other way round."""
    mac, ip = "02:61:00:00:00:01", "10.100.0.61"
    gw = s.gws[0]
    s.go.type2(mac, VNI, ip=ip)
    gw.wait_mac(WEB, mac, s.go.address)
    assert gw.mac(WEB, mac)["ips"] == [ip]
    s.go.type2(mac, VNI)
    wait_for(lambda: len(gw.ask("show routes", mac=mac)["routes"]) >= 2, 5, lambda: gw.ask("show routes", mac=mac))
    s.go.type2(mac, VNI, ip=ip, withdraw=True)
    wait_for(lambda: not gw.mac(WEB, mac).get("ips"), 5, lambda: gw.mac(WEB, mac))
    assert gw.mac(WEB, mac)["vtep"] == s.go.address
    s.go.type2(mac, VNI, withdraw=True)
    gw.gone(WEB, mac)


def test_one_reflector_dies_and_nobody_notices(s):
    """The other one has said the same. No frame is lost, neither when it goes nor when it comes back."""
    a, b = s.hosts[0], s.hosts[2]
    ping = a.start_ping(b, count=200, interval=0.02)
    s.rrs[0].frr.kill("bgpd")
    for gw in s.gws:
        gw.wait_no_session(s.rrs[0].address)
    s.rrs[0].frr.start("bgpd")
    for gw in s.gws:
        gw.wait_session(s.rrs[0].address)
    assert ping.finish().complete and ping.sent == 200, ping.text
    for gw in (s.gws[0], s.gws[1]):
        assert gw.mac(WEB, b.mac)["since_s"] >= 3  # never taken out


def test_a_gateway_dies_and_comes_back(s):
    gone = s.gws[2]
    gone.stop()
    for gw in s.gws[:2]:
        gw.gone(WEB, s.hosts[2].mac)
    assert s.hosts[0].ping(s.hosts[1]).complete
    gone.start()
    settle(s)


def test_gobgp_dies(s):
    """Killed: what it brought goes, from both reflectors."""
    s.go.kill()
    for gw in s.gws:
        wait_for(lambda gw=gw: s.go.address not in {r.get("vtep") for r in gw.macs(WEB).values()}, 10,
                 lambda gw=gw: json.dumps(gw.routes(2))[:2000])


def test_both_reflectors_restart(s):
    """Whatever is lost is back when they are."""
    for r in s.rrs:
        r.frr.kill()
    for r in s.rrs:
        r.frr.start()
    settle(s)
    assert s.hosts[0].ping(s.hosts[2]).complete


def test_capture_that_tshark_reads(s):
    wrong = faults(s.pcap, *(site.address for site in s.sites))
    assert wrong == "", wrong
