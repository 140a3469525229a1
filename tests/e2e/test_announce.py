# SPDX-License-Identifier: BSD-3-Clause
"""Announcements after a move (R6.3, R6.4), at three sites whose gateways have two access ports each: what comes out of which
port, with which tag, and whether switches and hosts heed it. The VM arrives with a RARP, as QEMU sends it, which says
nothing but a MAC: every ARP and every NA that follows is the gateways' own."""
import contextlib
import json
import socket
import struct
import time
from collections import Counter
from types import SimpleNamespace

import pytest
from scapy.all import ARP, Dot1Q, Ether, ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6

from bgp import VLAN, VNI, BgpGateway, RawPeer, Vm, bgp_conf, peer
from gateway import network
from lab import Lab, open_all
from netns import run, wait_for
from wire import Wire

WEB = "web"
VLANS = {"paris": 100, "london": 200, "berlin": 0}  # the same network; 0: untagged
ROUTERS = {"paris": ("10.100.0.254", "fe80::1", "02:5e:00:00:00:01"),
           "london": ("10.100.0.254", "fe80::1", "02:5e:00:00:00:02")}
REPEATS, INTERVAL = 1, 1.0
ALL = "ff:ff:ff:ff:ff:ff"
STALE = "02:de:ad:00:00:01"
RTMGRP_NEIGH = 4


def conf(site, others):
    n = network(WEB, VLANS[site.name] or "untagged", VNI)
    n["site_gateways"] = [{"address": a, "mac": ROUTERS[site.name][2]} for a in ROUTERS.get(site.name, ())[:2]]
    c = bgp_conf(site, [peer(o.address) for o in others], [n])
    c["access"].append({"name": "trunk1", "interface": "lan1"})
    c["moves"] = {"announce": {"repeats": REPEATS, "interval": int(INTERVAL * 1000)}}
    return c


class Site:
    """One site with its gateway, a host behind each of its two switches, and a place where the VM may be, at the first."""

    def __init__(self, lab, wan, name, number, vm_mac):
        self.lab = lab
        self.site = lab.site(name, wan, number, trunks=2)
        self.name, vlan = name, VLANS[name]
        self.hosts = [self.site.host(f"{name[0]}{i}", vlan, f"10.100.0.{10 * number + i}/24",
                                     f"fd00:100::{10 * number + i}/64", trunk=i) for i in range(2)]
        self.place = self.site.host(f"v{name[0]}", vlan, "10.100.0.99/24", "fd00:100::99/64", mac=vm_mac)
        self.place.ns.sysctl("net/ipv6/conf/eth0/accept_ra", 0)
        self.gw = None

    def wires(self):
        return [Wire(self.site.switch, f"lan{i}") for i in range(2)]

    def announcements(self):
        return self.gw.ask("show announcements", network=WEB)["networks"][0]

    def switch_port(self, mac, switch=0):
        """Where the site's switch has a MAC."""
        rows = self.site.switch.run("bridge", "-j", "fdb", "show", "br", f"br{switch}").stdout
        return next((r["ifname"] for r in json.loads(rows)
                     if r["mac"] == mac and r.get("state") != "permanent"), None)


@pytest.fixture(scope="module")
def s():
    with Lab() as lab:
        wan = lab.wan(delay=100)
        mac = lab.mac()
        sites = {n: Site(lab, wan, n, i + 1, mac) for i, n in enumerate(VLANS)}
        wan.start()
        for x in sites.values():
            x.gw = BgpGateway(x.site, conf(x.site, [o.site for o in sites.values() if o is not x]))
        with open_all(*[x.gw for x in sites.values()]):
            for x in sites.values():
                x.gw.wait_session(*[o.site.address for o in sites.values() if o is not x])
            s = SimpleNamespace(lab=lab, mac=mac, vm=Vm({n: x.place for n, x in sites.items()}, "paris"), **sites,
                                sites=list(sites.values()))
            settle(s)
            yield s


def settle(s):
    """All know the VM with all its addresses, each gateway its own hosts, and nothing is being announced."""
    for x in s.sites:
        x.hosts[1].reaches(x.hosts[0], 10)
    vm, far = s.vm.host, s.london.hosts[0]
    for ip in (vm.ip, vm.ip6):  # by its answers its addresses become known
        far.reaches(ip, 10)
    s.ips = {vm.ip, vm.ip6}
    for x in s.sites:
        wait_for(lambda x=x: s.ips <= set((x.gw.mac(WEB, s.mac) or {}).get("ips", ())), 10,
                 lambda x=x: f"{x.name} knows {s.ips}: {x.gw.mac(WEB, s.mac)}")
    quiet(s)


@contextlib.contextmanager
def fdb_events(ns):
    """Gives a function that waits until the kernel says that a bridge has a MAC at another port, and returns when that was."""
    with ns.entered():
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    with netlink:
        netlink.bind((0, RTMGRP_NEIGH))
        netlink.settimeout(5)

        def wait(mac):
            while bytes.fromhex(mac.replace(":", "")) not in netlink.recv(65536):
                pass
            return time.monotonic()

        yield wait


def quiet(s):
    for x in s.sites:
        wait_for(lambda x=x: x.announcements()["waiting"] == 0, 20, lambda x=x: f"{x.name}: {x.announcements()}")


def rarp(mac):
    """What QEMU sends when a machine has arrived."""
    mac = bytes.fromhex(mac.replace(":", ""))
    return b"\xff" * 6 + mac + bytes.fromhex("80350001080006040003") + (mac + bytes(4)) * 2 + bytes(18)


def move(s, to):
    """The VM is there now; only a RARP says so. Gives the frames with its MAC, or about its router, that came to each site's
    two switches from the gateway, until all announcements were over."""
    s.vm.move(to, announce=False)
    prepare = getattr(s, "prepare", None)
    if prepare:
        prepare()
    wires = {x.name: x.wires() for x in s.sites}
    before = {x.name: x.announcements() for x in s.sites}
    with s.vm.host.ns.raw_socket("eth0", mib=1) as raw:
        raw.send(rarp(s.mac))
    there = s.vm.places[to]
    for x in s.sites:
        x.gw.wait_mac(WEB, s.mac, "trunk0" if x.place is there else getattr(s, to).site.address)
    quiet(s)
    s.sent = {x.name: {k: int(n) - int(before[x.name]["sent"][k]) for k, n in x.announcements()["sent"].items()}
              for x in s.sites}
    frames = {}
    for x in s.sites:
        for i, w in enumerate(wires[x.name]):
            frames[x.name, i] = received(w)
            w.close()
    return frames


def received(wire):
    seen = []
    while (f := wire._receive(0)) is not None:
        seen.append(Ether(f))
    return seen


def announcements(frames, mac, vlan):
    """The kinds of the frames with this source, counted; all of them have the tag that they must have."""
    kinds = Counter()
    for p in frames:
        if p.src != mac:
            continue
        assert (p[Dot1Q].vlan if Dot1Q in p else 0) == vlan, p.summary()
        if ARP in p:
            a = p[ARP]
            assert p.dst == ALL and a.hwsrc == mac and a.psrc == a.pdst, p.show(dump=True)
            kinds["rarp" if a.op == 3 else "request" if a.op == 1 else "reply", a.psrc] += 1
        elif ICMPv6ND_NA in p:
            na = p[ICMPv6ND_NA]
            assert p.dst == "33:33:00:00:00:01" and p[IPv6].dst == "ff02::1" and p[IPv6].hlim == 255
            assert (na.S, na.O) == (0, 1) and p[ICMPv6NDOptDstLLAddr].lladdr == mac
            kinds["router" if na.R else "na", na.tgt] += 1
        elif b"\x80\x35" in bytes(p)[12:18]:
            kinds["rarp", "0.0.0.0"] += 1
    return kinds


def wanted(ips, bursts=REPEATS + 1):
    kinds = Counter()
    for ip in ips:
        for kind in ("na",) if ":" in ip else ("request", "reply"):
            kinds[kind, ip] = bursts
    return kinds


def told(x, mac):
    return set(x.gw.mac(WEB, mac)["ips"])


@pytest.mark.parametrize("to", ["london", "berlin", "paris"])
def test_R6_3_every_port_but_its_own(s, to):
    """At all sites, at all ports, tagged as the site has it; never out of the port where the VM is: not even its own RARP
    comes back there. A site that only watches may hear that the MAC has gone before it hears where it is, and then its IPs last."""
    old = s.vm.at
    frames = move(s, to)
    for x in s.sites:
        ips = told(x, s.mac)
        assert s.ips <= ips
        for i in range(2):
            kinds = announcements(frames[x.name, i], s.mac, VLANS[x.name])
            if (x.name, i) == (to, 0):
                assert not kinds, f"back to where it is: {kinds}"
                continue
            rarps = kinds.pop(("rarp", "0.0.0.0"), 0)  # the VM's own, flooded
            assert rarps == 1 or (rarps == 2 and x.name not in (old, to)), f"{x.name} lan{i}: {rarps} RARPs"
            assert kinds == wanted(ips), f"{x.name} lan{i}"


def test_R6_3_counted(s):
    """One frame is one, however many ports it goes out by."""
    old, to = s.vm.at, "london" if s.vm.at != "london" else "paris"
    move(s, to)
    for x in s.sites:
        ips = told(x, s.mac)
        v4, v6 = (sum((":" in ip) == v for ip in ips) for v in (False, True))
        assert (s.sent[x.name]["garp_request"], s.sent[x.name]["garp_reply"], s.sent[x.name]["na"]) \
            == (v4 * (REPEATS + 1), v4 * (REPEATS + 1), v6 * (REPEATS + 1)), (x.name, s.sent)
        assert s.sent[x.name]["rarp"] <= (x.name not in (old, to)), (x.name, s.sent)
        assert x.announcements()["failed"] == 0 and x.announcements()["limited"] == 0


@pytest.mark.parametrize("to", ["paris", "london"])
def test_R6_3_switches_turn(s, to, record_property):
    """The site's switches are kernel bridges with an ageing time of minutes: only a frame from the VM's MAC turns them. The
    VM says nothing to all; its first frame is for a neighbour of its new site, so no other site hears it itself."""
    here = {"paris": "vp", "london": "vl"}
    other = "london" if to == "paris" else "paris"
    if s.vm.at != other:
        move(s, other)
    old, new = getattr(s, other), getattr(s, to)
    assert old.switch_port(s.mac) == f"p-{here[other]}"
    new.gw.wait_mac(WEB, new.hosts[1].mac, "trunk1")
    s.vm.move(to, announce=False)
    with fdb_events(old.site.switch) as events, s.vm.host.ns.raw_socket("eth0", mib=1) as raw:
        start = time.monotonic()
        raw.send(bytes(Ether(src=s.mac, dst=new.hosts[1].mac, type=0x88b6)) + bytes(46))
        ms = (events(s.mac) - start) * 1000
    record_property("seen", f"{other}'s switch turned {ms:.1f} ms after the first frame at {to}")
    wait_for(lambda: old.switch_port(s.mac) == "lan0", 2, lambda: f"{other}: {old.switch_port(s.mac)}")
    for x in s.sites:
        wait_for(lambda x=x: x.switch_port(s.mac, 1) == "lan1", 2, f"{x.name}'s other switch")
    quiet(s)
    assert new.switch_port(s.mac) == f"p-{here[to]}", "it was turned away from the VM"
    assert s.berlin.switch_port(s.mac) == "lan0"


def test_R6_3_hosts_follow(s):
    """Linux hosts with default settings that have another MAC for the VM's addresses, at every site, have the right one
    afterwards, and did not ask. All but those at the VM's own port: what is said there the VM says."""
    to = "berlin" if s.vm.at != "berlin" else "paris"
    hosts = [h for x in s.sites for i, h in enumerate(x.hosts) if (x.name, i) != (to, 0)]

    def spoil():
        for h in hosts:
            for ip in sorted(s.ips):
                h.ns.ip(f"neigh replace {ip} lladdr {STALE} nud stale dev eth0")

    s.prepare = spoil
    try:
        frames = move(s, to)
    finally:
        del s.prepare
    for h in hosts:
        for ip in s.ips:
            entry = h.ns.ip_json("neigh", "show", ip, "dev", "eth0")[0]
            assert entry["lladdr"] == s.mac, f"{h.name}: {entry}"
    for key, seen in frames.items():
        asked = [p for p in seen if ARP in p and p[ARP].op == 1 and p[ARP].pdst == s.vm.host.ip and p[ARP].psrc != p[ARP].pdst]
        assert not asked, (key, asked)


@pytest.mark.parametrize("to", ["london", "paris"])
def test_R6_4_vm_learns_its_new_router(s, to):
    """The VM brings its neighbours with it: the router of the site that it left. It is told the one of its new site, nobody
    else is, and no switch believes that the router is here."""
    other = "london" if to == "paris" else "paris"
    if s.vm.at != other:
        move(s, other)
    v4, v6, mac = ROUTERS[to]
    vm = s.vm.places[to]

    def bring():
        for ip in (v4, v6):
            vm.ns.ip(f"neigh replace {ip} lladdr {ROUTERS[other][2]} nud reachable dev eth0")

    s.prepare = bring
    try:
        frames = move(s, to)
    finally:
        del s.prepare
    for ip in (v4, v6):
        entry = vm.ns.ip_json("neigh", "show", ip, "dev", "eth0")[0]
        assert entry["lladdr"] == mac, entry
    for (name, i), seen in frames.items():
        about = [p for p in seen if ARP in p and p[ARP].psrc == v4 or ICMPv6ND_NA in p and p[ICMPv6ND_NA].tgt == v6]
        if (name, i) == (to, 0):
            assert len(about) == 3 * (REPEATS + 1)
            assert all(p.dst == s.mac and p.src not in (mac, s.mac) for p in about), [p.summary() for p in about]
        else:
            assert not about, (name, i, [p.summary() for p in about])
    assert s.sent[to]["gateway"] == 3 * (REPEATS + 1) and s.sent[other]["gateway"] == 0
    assert getattr(s, to).switch_port(mac) is None


def test_announced_by_hand(s):
    """causewayctl announce: at this gateway only, whoever has the MAC."""
    if s.vm.at != "paris":
        move(s, "paris")
    wires = {x.name: x.wires() for x in s.sites}
    done = s.london.gw.ctl_run("announce", s.mac)
    assert done.returncode == 0 and done.stdout.startswith("web: "), done
    quiet(s)
    ips = told(s.london, s.mac)
    for x in s.sites:
        for w in wires[x.name]:
            kinds = announcements(received(w), s.mac, VLANS[x.name])
            assert kinds == (wanted(ips) if x is s.london else Counter()), (x.name, w.dev)
            w.close()
    done = s.london.gw.ctl_run("announce", "02:00:00:00:00:99")
    assert done.returncode != 0 and "not known" in done.stderr, done


def test_new_mac_is_not_announced(s):
    """One that is merely new, and one that goes, is no move."""
    wires = s.london.wires()
    before = s.london.announcements()["sent"]
    mac = "02:f0:00:00:00:01"
    with s.paris.hosts[0].ns.raw_socket("eth0", mib=1) as raw:
        raw.send(bytes(Ether(src=mac, dst="02:00:00:00:00:98", type=0x88b6)) + bytes(46))
    s.london.gw.wait_mac(WEB, mac, s.paris.site.address)
    s.paris.gw.ask("clear macs", network=WEB, mac=mac)
    s.london.gw.gone(WEB, mac)
    assert s.london.announcements()["sent"] == before
    for w in wires:
        assert not [p for p in received(w) if p.src == mac]
        w.close()


def known(gw, ip, mac):
    wait_for(lambda: any(n["mac"] == mac and n["used"] for n in gw.ask("show neighbors", ip=ip)["neighbors"]), 5,
             lambda: f"{gw.name}: {ip} at {mac}: {gw.ask('show neighbors', ip=ip)}")


def test_R7_4_router_stays_one(s):
    """A VM that routes IPv6: an NA without its flag would take it off its neighbours' list of routers (RFC 4861 7.2.5)."""
    ip, to = "fd00:100::77", "london" if s.vm.at != "london" else "paris"
    with s.vm.host.ns.raw_socket("eth0", mib=1) as raw:
        raw.send(bytes(Ether(src=s.mac, dst="33:33:00:00:00:01") / IPv6(src=ip, dst="ff02::1", hlim=255) /
                       ICMPv6ND_NA(tgt=ip, R=1, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=s.mac)))
    for x in s.sites:
        known(x.gw, ip, s.mac)
    frames = move(s, to)
    for (name, i), seen in frames.items():
        kinds = announcements(seen, s.mac, VLANS[name])
        assert kinds["router", ip] == (0 if (name, i) == (to, 0) else REPEATS + 1) and not kinds["na", ip], (name, i, kinds)


def test_R6_3_not_an_address_that_another_host_took(s):
    """An address that went over to another host (a cluster's) is not taken back because the MAC that had it moves."""
    ip, heir, to = "10.100.0.77", s.berlin.hosts[1], "paris" if s.vm.at != "paris" else "london"
    for host in (s.vm.host, heir):
        with host.ns.raw_socket("eth0", mib=1) as raw:
            raw.send(bytes(Ether(src=host.mac, dst=ALL) / ARP(op=1, hwsrc=host.mac, psrc=ip, pdst=ip)))
        for x in s.sites:
            known(x.gw, ip, host.mac)
    frames = move(s, to)
    for (name, i), seen in frames.items():
        kinds = announcements(seen, s.mac, VLANS[name])
        assert not [k for k in kinds if k[1] == ip], (name, i, kinds)
        assert (name, i) == (to, 0) or kinds["request", s.vm.host.ip] == REPEATS + 1, (name, i, kinds)


def test_output(s):
    text = run(*s.london.gw.ctl_run("show", "announcements").args, check=True).stdout
    assert "NETWORK" in text and "web" in text and "at once and 1 time more, every 1,000 ms" in text, text


def test_R6_3_route_by_route(own_lab):
    """A site that only watches hears that the MAC has gone, then where it is, then what its IP is; each is acted upon when it comes,
    with no repeat to make up for it."""
    wan = own_lab.wan(delay=100)
    paris, raw, mac, ip = own_lab.site("paris", wan, 1), own_lab.netns("raw"), own_lab.mac(), "10.100.0.77"
    old, new = "198.18.0.8", "198.18.0.9"
    wan.attach(raw, "wan0", "raw")
    raw.ip(*[f"addr add {x}/24 dev wan0" for x in (old, new)])
    wan.start()
    a = paris.host("a", VLAN, "10.100.0.1/24")
    c = bgp_conf(paris, [peer(old, passive=True)], [network(WEB, VLAN, VNI)])
    c["moves"] = {"announce": {"repeats": 0}}
    gw = BgpGateway(paris, c)
    with open_all(gw), RawPeer(raw, old, paris.address) as p:
        p.establish()
        rds = [b"\x00\x01" + socket.inet_aton(x) + b"\x00\x64" for x in (old, new)]
        p.send(p.type2(mac, old, rd=rds[0]))
        gw.wait_mac(WEB, mac, old)
        wire = Wire(a.ns, "eth0")
        p.send(p.type2(mac, old, rd=rds[0], reach=False) + p.type2(mac, new, rd=rds[1], sequence=1))
        wire.packets(lambda f: announcements([f], mac, VLAN)["rarp", "0.0.0.0"])
        nlri = (rds[1] + bytes(14) + b"\x30" + bytes.fromhex(mac.replace(":", "")) + b"\x20" + socket.inet_aton(ip) +
                VNI.to_bytes(3, "big"))
        p.send(p.evpn(2, nlri, new, struct.pack("!BBHI", 0, 2, p.asn, VNI), 1))
        wire.packets(lambda f: announcements([f], mac, VLAN)["request", ip])
        wire.packets(lambda f: announcements([f], mac, VLAN)["reply", ip])
        wire.close()
        moved, = gw.ask("show moves", mac=mac)["moves"]
        assert (moved["from"]["vtep"], moved["to"]["vtep"], moved["ips"]) == (old, new, [ip]), moved
        sent = gw.ask("show announcements", network=WEB)["networks"][0]["sent"]
        assert {k: int(n) for k, n in sent.items() if int(n)} == {"rarp": 1, "garp_request": 1, "garp_reply": 1}, sent
