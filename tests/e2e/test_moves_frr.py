# SPDX-License-Identifier: BSD-3-Clause
"""A machine moves between a site of ours and one of FRR with kernel VXLAN, and shows itself by a RARP, by a GARP or by no more
than its next frame. Whoever talked with it goes on, what Linux hosts with default settings and the site's switches believe
follows, and our journal tells the story."""
import json
import time
from types import SimpleNamespace

import pytest

from bgp import ASN, VLAN, VNI, BgpGateway, Vm, bgp_conf, peer
from frr import FrrVtep
from gateway import network
from lab import Lab
from netns import wait_for

WEB = "web"
FIRST_BURST_S = 0.7  # announcements are repeated after 1.1 s: what is seen by then came of the first
ROUTER = "10.100.0.254"
ROUTER_HERE, ROUTER_THERE = "02:00:5e:00:01:01", "02:00:5e:00:01:02"
WRONG = "02:ba:d0:00:00:01"


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


class Quiet(Vm):
    """Says no more than it is told to, and has no word with anyone before it shows itself."""

    def show(self, how, to):
        """how: rarp, garp, or data: one frame to another host, which does not answer it. What the switch beside the machine
        would not pass on to us shows us nothing: at paris that is a host at the other trunk."""
        mac = mac_bytes(self.host.mac)
        if how == "garp":
            self.announce()
            return
        frame = b"\xff" * 6 + mac + bytes.fromhex("80350001080006040003") + (mac + bytes(4)) * 2 + bytes(18)
        if how == "data":
            frame = mac_bytes(to.mac) + mac + b"\x88\xb5" + bytes(46)
        with self.host.ns.raw_socket("eth0", mib=1) as s:
            s.send(frame)


@pytest.fixture(scope="module")
def s():
    with Lab() as lab:
        wan = lab.wan(delay=400)
        paris = lab.site("paris", wan, 1, trunks=2)
        frr = FrrVtep(lab, "frr", wan, 2, neighbors=[f"{paris.address} remote-as {ASN}"], evpn=["no dup-addr-detection"])
        wan.start()
        frr.network(VNI)
        mac = lab.mac()
        s = SimpleNamespace(lab=lab, paris=paris, linux=frr, frr=frr.frr, at=paris.address, frr_at=frr.address,
                            a=paris.host("a", VLAN, "10.100.0.1/24"), a2=paris.host("a2", VLAN, "10.100.0.3/24", trunk=1),
                            b=frr.host("b", VNI, "10.100.0.2/24"))
        s.hosts = (s.a, s.a2, s.b)
        places = {"paris": paris.host("vp", VLAN, "10.100.0.9/24", mac=mac),
                  "frr": frr.host("vf", VNI, "10.100.0.9/24", mac=mac)}
        for h in (*s.hosts, *places.values()):
            h.ns.quiet("eth0")
        net = network(WEB, VLAN, VNI, site_gateways=[{"address": ROUTER, "mac": ROUTER_HERE}])
        conf = bgp_conf(paris, [peer(frr.address, name="frr")], [net])
        conf["access"] = [{"name": f"trunk{i}", "interface": f"lan{i}"} for i in range(2)]
        conf["sites"] = [{"name": "london", "vteps": [frr.address]}]
        s.gw = BgpGateway(paris, conf)
        with s.gw:
            frr.start()
            s.gw.wait_session(s.frr_at)
            s.frr.wait_established(s.at)
            s.vm = Quiet(places, "paris")
            s.vm.announce()
            for h in s.hosts:
                h.reaches(s.vm.host, 10, wait=0.2)
            s.linux.wait_mac(VNI, mac, s.at)
            yield s


# ---- who believes what


def switch(s, bridge):
    """Port of a switch of paris where it has the machine."""
    rows = json.loads(s.paris.switch.run("bridge", "-j", "fdb", "show", "br", bridge).stdout)
    return next((r["ifname"] for r in rows if r["mac"] == s.vm.host.mac), None)


def neighbour(host, ip):
    """What a host's ARP cache says."""
    return next((r.get("lladdr") for r in host.ns.ip_json("neigh", "show", ip, "dev", "eth0")), None)


def believe(host, ip, mac):
    """It heard that long enough ago to believe something else now."""
    host.ns.ip(f"neigh replace {ip} lladdr {mac} dev eth0 nud stale")


def all_reach(s):
    for h in s.hosts:
        h.reaches(s.vm.host, 1, wait=0.1)
    for h in s.hosts:
        assert h.ping(s.vm.host, count=5, interval=0.01).complete, h.name
        assert s.vm.host.ping(h, count=5, interval=0.01).complete, h.name


def journal(s):
    return s.gw.ask("show moves", mac=s.vm.host.mac)["moves"]


def entries_after(s, last):
    return [m for m in journal(s) if m["id"] > last]


def bring(s, to, how="rarp"):
    """The machine is there, and everyone has it there."""
    if s.vm.at != to:
        s.vm.move(to, announce=False)
    s.vm.show(how, s.b if to == "frr" else s.a2)
    s.gw.wait_mac(WEB, s.vm.host.mac, {"paris": "trunk0", "frr": s.frr_at}[to])
    s.linux.wait_mac(VNI, s.vm.host.mac, {"paris": s.at, "frr": s.vm.host.port}[to])


# ---- moves


@pytest.mark.parametrize("how", ["rarp", "garp", "data"])
@pytest.mark.parametrize("to", ["frr", "paris"])
def test_everyone_follows(s, to, how):
    """R6.1 to R6.3. The switch beside which the machine was turns, although all that it hears comes from us when the machine
    sent a frame to a host of its own site only."""
    source = {"frr": "paris", "paris": "frr"}[to]
    bring(s, source)
    all_reach(s)
    before = s.gw.mac(WEB, s.vm.host.mac)
    last = max((m["id"] for m in journal(s)), default=0)
    s.vm.move(to, announce=False)
    start = time.monotonic()
    s.vm.show(how, s.b if to == "frr" else s.a2)
    near = {"frr": "lan0", "paris": s.vm.host.port}[to]
    wait_for(lambda: switch(s, "br0") == near and switch(s, "br1") == "lan1", FIRST_BURST_S,
             lambda: f"switches: {switch(s, 'br0')}, {switch(s, 'br1')}\n{s.gw.log[-2000:]}", interval=0)
    turned = time.monotonic() - start
    all_reach(s)
    row = s.gw.wait_mac(WEB, s.vm.host.mac, {"paris": "trunk0", "frr": s.frr_at}[to])
    assert int(row["sequence"]) == int(before["sequence"]) + 1, (before, row)
    here, there = {"site": "paris", "port": "trunk0"}, {"site": "london", "vtep": s.frr_at}
    entry, = entries_after(s, last)
    assert (entry["from"], entry["to"]) == ((here, there) if to == "frr" else (there, here)), entry
    assert entry["detected"] == ("route" if to == "frr" else how), entry
    assert int(entry["sequence"]) == int(row["sequence"]) and not entry["expected"], entry
    assert int(entry["announcements"]) >= 1, entry
    print(f"switches have turned after {1000 * turned:.0f} ms at most; {entry['stages']}")


@pytest.mark.parametrize("to", ["frr", "paris"])
def test_neighbours_are_told_its_addresses_after_a_rarp(s, to):
    """R6.2, R6.3: the RARP has no address, we know it, and say it so that Linux believes it: a GARP of ours puts right what a
    neighbour believes wrongly. At paris those hear it who are at another port than the machine."""
    source = {"frr": "paris", "paris": "frr"}[to]
    bring(s, source, "garp")
    all_reach(s)
    told = (s.a, s.a2) if to == "frr" else (s.a2,)
    s.vm.move(to, announce=False)
    for h in told:
        believe(h, s.vm.host.ip, WRONG)
    s.vm.show("rarp", None)
    for h in told:
        wait_for(lambda h=h: neighbour(h, s.vm.host.ip) == s.vm.host.mac, FIRST_BURST_S,
                 lambda h=h: f"{h.name} has {h.ns.run('ip', 'neigh').stdout}", interval=0.005)
    all_reach(s)


def test_machine_is_told_the_router_of_its_new_site(s):
    """R6.4: it arrives with the other site's router in its ARP cache."""
    bring(s, "frr", "garp")
    s.vm.move("paris", announce=False)
    believe(s.vm.host, ROUTER, ROUTER_THERE)
    believe(s.a, ROUTER, ROUTER_THERE)
    s.vm.show("rarp", None)
    wait_for(lambda: neighbour(s.vm.host, ROUTER) == ROUTER_HERE, FIRST_BURST_S,
             lambda: f"{s.vm.host.ns.run('ip', 'neigh').stdout}\n{s.gw.log[-2000:]}", interval=0.005)
    assert switch(s, "br0") == s.vm.host.port


@pytest.mark.parametrize("how", ["rarp", "garp"])
def test_moves_without_rest(s, how):
    """Each as soon as both gateways know of the last: the journal has every one, and no frame is stuck at the end."""
    bring(s, "paris", how)
    last = max((m["id"] for m in journal(s)), default=0)
    start = int(s.gw.mac(WEB, s.vm.host.mac)["sequence"])
    for n in range(10):
        bring(s, ("frr", "paris")[n % 2], how)
    all_reach(s)
    entries = sorted(entries_after(s, last), key=lambda m: m["id"])
    assert [int(m["sequence"]) for m in entries] == list(range(start + 1, start + 11)), entries
    assert [m["detected"] for m in entries] == ["route", how] * 5, entries
