# SPDX-License-Identifier: BSD-3-Clause
"""Section 7: proxy ARP and ND at the edge, silent hosts, IPs that move to another MAC, two hosts with one IP; between two
gateways, and with FRR as the other site. Stations are hosts made of frames: they say what a test says, and nothing else."""
import ipaddress
import re
from types import SimpleNamespace

import pytest
from scapy.all import (ARP, Ether, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6)

from bgp import VLAN, VNI, BgpGateway, bgp_conf, peer
from dump import Capture, faults, tshark
from frr import FrrVtep
from gateway import network, port
from lab import Lab, open_all
from netns import wait_for
from wire import Wire, between

WEB, SHORT = "web", "short"
SHORT_VLAN, SHORT_VNI = 200, 10200
AGEING = 6  # of network short, in seconds
BROADCAST = "ff:ff:ff:ff:ff:ff"
MARKER_TYPE = 0x88b5


def solicited_node(ip):
    low = ipaddress.ip_address(ip).packed[-3:]
    return str(ipaddress.ip_address(b"\xff\x02" + bytes(9) + b"\x01\xff" + low)), "33:33:ff:" + low.hex(":")


class Station:
    """One MAC with an IPv4 and an IPv6 address at the cable of a host."""

    def __init__(self, host, wire, mac, ip, ip6):
        self.host, self.wire, self.mac, self.ip, self.ip6 = host, wire, mac, ip, ip6

    def arp(self, op, dst=BROADCAST, **fields):
        return Ether(src=self.mac, dst=dst) / ARP(op=op, hwsrc=self.mac, **fields)

    def garp(self, ip=None):
        ip = ip or self.ip
        return self.arp(1, psrc=ip, pdst=ip)

    def who_has(self, ip):
        return self.arp(1, psrc=self.ip, pdst=ip)

    def arp_probe(self, ip):
        """RFC 5227: is anybody there who has it?"""
        return self.arp(1, psrc="0.0.0.0", pdst=ip)

    def na(self, ip=None, router=0, override=1):
        """Unsolicited."""
        ip = ip or self.ip6
        return (Ether(src=self.mac, dst="33:33:00:00:00:01") / IPv6(src=ip, dst="ff02::1", hlim=255) /
                ICMPv6ND_NA(R=router, S=0, O=override, tgt=ip) / ICMPv6NDOptDstLLAddr(lladdr=self.mac))

    def ns(self, ip, dad=False):
        group, mac = solicited_node(ip)
        f = (Ether(src=self.mac, dst=mac) / IPv6(src="::" if dad else self.ip6, dst=group, hlim=255) /
             ICMPv6ND_NS(tgt=ip))
        return f if dad else f / ICMPv6NDOptSrcLLAddr(lladdr=self.mac)

    def marker(self):
        return Ether(src=self.mac, dst=BROADCAST, type=MARKER_TYPE)

    def says(self, *frames):
        self.wire.send(*frames)

    def answer(self, question, timeout=2):
        """The ARP reply or NA that comes back for a question."""
        self.wire.drain()
        self.says(question)
        target = question[ARP].pdst if ARP in question else question[ICMPv6ND_NS].tgt

        def match(p):
            if ARP in question:
                return ARP in p and p[ARP].op == 2 and p[ARP].psrc == target
            return ICMPv6ND_NA in p and p[ICMPv6ND_NA].tgt == target
        return self.wire.packets(match, timeout=timeout)[0]

    def heard(self, frames, *others):
        """What comes out of this station's cable (answers) and of others' when it says frames, as scapy packets."""
        outs = {o.wire: True for o in others}
        outs[self.wire] = False
        found = between(self.wire, [bytes(f) for f in frames], self.marker(), outs)
        return [[Ether(f) for f in found[-1]], *([Ether(f) for f in x] for x in found[:-1])]


def questions(packets, ip):
    """Of these, the questions for an IP."""
    return [p for p in packets if ARP in p and p[ARP].op == 1 and p[ARP].pdst == ip or
            ICMPv6ND_NS in p and p[ICMPv6ND_NS].tgt == ip]


def answers(packets, ip):
    return [p for p in packets if ARP in p and p[ARP].op == 2 and p[ARP].psrc == ip or
            ICMPv6ND_NA in p and p[ICMPv6ND_NA].tgt == ip]


def neighbors(gw, **filters):
    return gw.ask("show neighbors", **filters)["neighbors"]


def used(gw, ip, network_name=WEB):
    """The row that is used for an IP, or None."""
    rows = [r for r in neighbors(gw, ip=ip, network=network_name) if r["used"]]
    return rows[0] if rows else None


def wait_used(gw, ip, mac, timeout=5, network_name=WEB, **more):
    def there():
        r = used(gw, ip, network_name)
        return r if r and r["mac"] == mac and all(r.get(k) == v for k, v in more.items()) else None
    return wait_for(there, timeout, lambda: f"{gw.name}: {ip} at {mac} {more}; it has {neighbors(gw)}\n{gw.log[-2000:]}")


def mac_ip_routes(gw, ip):
    """The MACs whose routes carry an IP; received ones."""
    return sorted({r["mac"] for r in gw.routes(2) if not r["own"] and r["ip"] == ip})


def build(lab, **bgp):
    """Paris with two trunks and London with one. On each trunk a host without addresses, whose cable stations use."""
    wan = lab.wan(delay=100)
    paris, london = lab.site("paris", wan, 1, trunks=2), lab.site("london", wan, 2)
    wan.start()
    s = SimpleNamespace(lab=lab, wan=wan, paris=paris, london=london, at=[paris.address, london.address])
    nets = [network(WEB, VLAN, VNI), network(SHORT, SHORT_VLAN, SHORT_VNI, ageing=AGEING)]
    s.hosts = {"p0": paris.host("p0", VLAN), "p1": paris.host("p1", VLAN, trunk=1), "l0": london.host("l0", VLAN)}
    s.q = {"paris": paris.host("q", SHORT_VLAN, "10.200.0.1/24", "fd00:200::1/64"),
           "london": london.host("r", SHORT_VLAN, "10.200.0.2/24", "fd00:200::2/64")}
    for site, other in ((paris, london), (london, paris)):
        conf = bgp_conf(site, [peer(other.address)], nets, **bgp)
        if site is paris:
            conf["access"].append({"name": "trunk1", **port("interface", "lan1", 1)})
        setattr(s, f"gw_{site.name}", BgpGateway(site, conf))
    for h in s.hosts.values():
        h.ns.quiet("eth0")
    s.wires = {name: Wire(h.ns, "eth0") for name, h in s.hosts.items()}
    s.numbers = iter(range(10, 250))

    def station(where):
        n = next(s.numbers)
        return Station(s.hosts[where], s.wires[where], f"02:5a:00:00:00:{n:02x}", f"10.100.0.{n}", f"fd00:100::{n:x}")
    s.station = station
    return s


def settle(s):
    s.gw_paris.wait_session(s.at[1])
    s.gw_london.wait_session(s.at[0])
    # Frames pass in all directions before anything is counted.
    stations = [s.station(w) for w in s.wires]
    for x in stations:
        for y in stations:
            if x is not y:
                wait_for(lambda x=x, y=y: len(x.heard([x.garp()], y)[1]), 10, f"{x.host.name} to {y.host.name}")


@pytest.fixture(scope="module")
def s():
    with Lab() as lab:
        s = build(lab, duplicate={"moves": 5, "seconds": 180, "hold_down": 0})
        with Capture(s.wan, lab.file("bgp.pcap")) as s.pcap, open_all(s.gw_paris, s.gw_london):
            settle(s)
            yield s


def say_who_they_are(s, *stations):
    """Until both gateways know their IPs."""
    for x in stations:
        x.says(x.garp(), x.na())
        for gw in (s.gw_paris, s.gw_london):
            for ip in (x.ip, x.ip6):
                wait_used(gw, ip, x.mac, answered=True)


def proxied(gw):
    """{counter: questions answered in web}"""
    c = next(n for n in gw.ask("show networks", network=WEB)["networks"] if n["name"] == WEB)["counters"]
    return {k: int(c[k]) for k in ("proxy_arp", "proxy_nd")}


# ---- R7.2

@pytest.mark.parametrize("version", [4, 6])
def test_known_ip_is_answered_at_the_edge(s, version):
    """A host at the other site, and one behind another port of ours; nobody else hears the question."""
    x, y, z = s.station("p0"), s.station("p1"), s.station("l0")
    say_who_they_are(s, x, y, z)
    before = proxied(s.gw_paris)
    for target in (z, y):
        ip = target.ip if version == 4 else target.ip6
        question = x.who_has(ip) if version == 4 else x.ns(ip)
        back, at_y, at_z = x.heard([question], y, z)
        reply = answers(back, ip)
        assert len(reply) == 1 and not questions(at_y, ip) and not questions(at_z, ip), (back, at_y, at_z)
        r = reply[0]
        assert r.dst == x.mac and r.src == target.mac
        if version == 4:
            assert (r[ARP].hwsrc, r[ARP].hwdst, r[ARP].pdst) == (target.mac, x.mac, x.ip)
        else:
            na = r[ICMPv6ND_NA]
            assert (na.R, na.S, na.O) == (0, 1, 1) and na[ICMPv6NDOptDstLLAddr].lladdr == target.mac
    after = proxied(s.gw_paris)
    key = "proxy_arp" if version == 4 else "proxy_nd"
    assert after[key] - before[key] == 2, (before, after)


@pytest.mark.parametrize("version", [4, 6])
def test_unknown_ip_is_flooded(s, version):
    x, y, z = s.station("p0"), s.station("p1"), s.station("l0")
    ip = "10.100.0.251" if version == 4 else "fd00:100::fffb"
    back, at_y, at_z = x.heard([x.who_has(ip) if version == 4 else x.ns(ip)], y, z)
    assert not answers(back, ip) and len(questions(at_y, ip)) == 1 and len(questions(at_z, ip)) == 1


def test_gratuitous_arp_and_unsolicited_na_always_pass(s):
    x, y, z = s.station("p0"), s.station("p1"), s.station("l0")
    say_who_they_are(s, x)
    for frame, ip in ((x.garp(), x.ip), (x.arp(2, hwdst=BROADCAST, psrc=x.ip, pdst=x.ip), x.ip), (x.na(), x.ip6)):
        back, *others = x.heard([frame], y, z)
        assert not answers(back, ip)
        for at in others:
            assert [p for p in at if p.src == x.mac], (frame.summary(), at)


@pytest.mark.parametrize("version", [4, 6])
def test_probe_for_duplicates(s, version):
    """The owner's own is not answered and reaches everybody. Another host's is answered, an ARP probe as well as an NS (RFC
    9161 section 3.3 c)."""
    x, y, z = s.station("p0"), s.station("p1"), s.station("l0")
    say_who_they_are(s, x)
    ip = x.ip if version == 4 else x.ip6
    ask = (lambda who: who.arp_probe(ip)) if version == 4 else (lambda who: who.ns(ip, dad=True))
    back, at_y, at_z = x.heard([ask(x)], y, z)
    assert not answers(back, ip) and questions(at_y, ip) and questions(at_z, ip)
    for asker in (y, z):
        back, at_x = asker.heard([ask(asker)], x)
        reply = answers(back, ip)
        assert len(reply) == 1 and not questions(at_x, ip), (back, at_x)
        if version == 6:  # RFC 4861 section 7.2.4: to all nodes, and not as solicited
            assert reply[0][IPv6].dst == "ff02::1" and reply[0][ICMPv6ND_NA].S == 0
    assert used(s.gw_paris, ip)["mac"] == x.mac


@pytest.mark.parametrize("version", [4, 6])
def test_host_on_the_same_port_answers_for_itself(s, version):
    x, neighbour, z = s.station("p0"), s.station("p0"), s.station("l0")
    say_who_they_are(s, x, neighbour)
    ip = neighbour.ip if version == 4 else neighbour.ip6
    back, at_z = x.heard([x.who_has(ip) if version == 4 else x.ns(ip)], z)
    assert not answers(back, ip) and questions(at_z, ip)


def test_unicast_question_goes_to_its_host(s):
    """Whether that host is still there only it can say."""
    x, z = s.station("p0"), s.station("l0")
    say_who_they_are(s, x, z)
    question = x.arp(1, dst=z.mac, psrc=x.ip, pdst=z.ip)
    back, at_z = x.heard([question], z)
    assert not answers(back, z.ip) and questions(at_z, z.ip)


# ---- R7.4

def test_router_and_anycast_flags_come_across(s):
    x, z = s.station("p0"), s.station("l0")
    say_who_they_are(s, x)
    for router, override in ((1, 1), (0, 0), (0, 1)):
        def heard(flags={"router": bool(router), "override": bool(override)}):
            z.says(z.na(**{k: int(v) for k, v in flags.items()}))  # what follows at once may be taken for a repetition
            r = used(s.gw_paris, z.ip6)
            return r and flags.items() <= r.items()
        wait_for(heard, 3, lambda: used(s.gw_paris, z.ip6), interval=0.05)
        na = x.answer(x.ns(z.ip6))[ICMPv6ND_NA]
        assert (na.R, na.O) == (router, override)
    rows = [r for r in s.gw_paris.routes(2) if r["ip"] == z.ip6]
    assert [r["ext_communities"] for r in rows] == [["ND:O"]], rows
    x.says(x.garp())
    rows = [r for r in s.gw_london.routes(2) if r["ip"] == x.ip]
    assert rows and "ext_communities" not in rows[0], rows


# ---- an IP moves to another MAC

@pytest.mark.parametrize("version", [4, 6])
def test_ip_that_moves_to_another_mac_leaves_nothing_behind(s, version):
    """As a service address does that fails over: at one port, to another port, to the other site, and back."""
    first, places = s.station("p0"), ("p0", "p1", "l0", "p0")
    ip = first.ip if version == 4 else first.ip6
    first.says(first.garp(ip) if version == 4 else first.na(ip))
    for where in places:
        x = s.station(where)
        x.says(x.garp(ip) if version == 4 else x.na(ip))
        for gw in (s.gw_paris, s.gw_london):
            wait_used(gw, ip, x.mac)
        far = s.gw_paris if where == "l0" else s.gw_london
        wait_for(lambda: mac_ip_routes(far, ip) == [x.mac], 3, lambda: f"routes of {ip}: {mac_ip_routes(far, ip)}, wanted {x.mac}")
        assert [r["mac"] for r in neighbors(far, ip=ip)] == [x.mac]
        asker = s.station("l0" if where != "l0" else "p1")
        reply = asker.answer(asker.who_has(ip) if version == 4 else asker.ns(ip))
        assert reply.src == x.mac
    assert not used(s.gw_paris, ip)["frozen"]  # four changes are none too many


def test_R6_2_ips_follow_their_mac(s):
    """A RARP shows no IP; those of the MAC move with it, and the old site keeps them meanwhile."""
    x, z = s.station("p0"), s.station("l0")
    say_who_they_are(s, x)
    rarp = Ether(src=x.mac, dst=BROADCAST, type=0x8035) / ARP(ptype=0x800, op=3, hwsrc=x.mac, hwdst=x.mac)
    z.says(rarp)
    for ip in (x.ip, x.ip6):
        wait_used(s.gw_london, ip, x.mac, port="trunk0")
        wait_used(s.gw_paris, ip, x.mac, vtep=s.at[1], origin="evpn")
    asker = s.station("p1")
    assert asker.answer(asker.who_has(x.ip)).src == x.mac
    assert int(s.gw_paris.ask("show neighbors", ip=x.ip)["neighbors"][0]["since_s"]) >= 0
    s.gw_london.ask("clear macs", mac=x.mac)
    for gw in (s.gw_paris, s.gw_london):
        wait_for(lambda gw=gw: not neighbors(gw, mac=x.mac), 3, lambda gw=gw: neighbors(gw, mac=x.mac))


def test_R7_1_addresses_that_are_not_learned(s):
    """What may not be: addresses of the network itself, of groups, of nobody."""
    x = s.station("p0")
    say_who_they_are(s, x)
    n = s.gw_paris.ask("show neighbors")["total"]
    x.says(x.garp("0.0.0.0"), x.garp("224.0.0.5"), x.garp("255.255.255.255"), x.garp("127.0.0.1"), x.na("ff02::5"),
           # another MAC in the ARP packet than in the frame
           Ether(src=x.mac, dst=BROADCAST) / ARP(op=1, hwsrc="02:5b:00:00:00:01", psrc="10.100.0.252", pdst="10.100.0.252"),
           # an NS is no evidence
           x.ns("fd00:100::fffc"))
    y = s.station("p0")
    say_who_they_are(s, y)
    assert s.gw_paris.ask("show neighbors")["total"] == n + 2


# ---- R7.3

def probes(gw):
    return int(gw.ask("show neighbors")["probes"])


def test_silent_hosts_stay_known(s):
    """Linux hosts that have nothing to say, for several ageing times; then one that is gone."""
    q, r = s.q["paris"], s.q["london"]
    for x, y in ((q, r), (r, q)):
        x.forget_neighbours()  # asking makes the other one speak; an NS shows nothing (R7.1)
        x.reaches(y, wait=0.2)
        x.reaches(y.ip6, wait=0.2)
    for ip in (q.ip, q.ip6):
        wait_used(s.gw_london, ip, q.mac, network_name=SHORT)
    before = probes(s.gw_paris)
    wait_for(lambda: probes(s.gw_paris) - before >= 12, 4 * AGEING, lambda: f"{probes(s.gw_paris) - before} probes")
    for gw, where in ((s.gw_paris, {"port": "trunk0"}), (s.gw_london, {"vtep": s.at[0]})):
        for ip in (q.ip, q.ip6):
            row = used(gw, ip, SHORT)
            assert row and row["mac"] == q.mac and where.items() <= row.items(), neighbors(gw, network=SHORT)
        assert gw.mac(SHORT, q.mac)
    assert int(used(s.gw_paris, q.ip, SHORT)["age_s"]) <= AGEING // 2 + 2
    q.ns.ip("link set eth0 down")
    for gw in (s.gw_paris, s.gw_london):
        wait_for(lambda gw=gw: not neighbors(gw, mac=q.mac), 2 * AGEING + 6, lambda gw=gw: neighbors(gw, mac=q.mac))
        assert gw.mac(SHORT, q.mac) is None


def test_probes_go_to_their_host_alone(s):
    """Unicast, at the port that owns it, and what asks is the gateway's own MAC, which no table of MACs has."""
    r = s.q["london"]
    wire = Wire(r.ns, "eth0")
    r.ns.run("ping", "-c", 1, "-W", 1, "10.200.0.99", check=False)  # it says who it is
    arp = wire.packets(lambda p: ARP in p and p[ARP].op == 1 and p[ARP].psrc == "0.0.0.0", timeout=2 * AGEING)[0]
    assert arp.dst == r.mac and arp[ARP].pdst == r.ip
    ns = wire.packets(lambda p: ICMPv6ND_NS in p and p[ICMPv6ND_NS].tgt == r.ip6 and p.src == arp.src, timeout=2 * AGEING)[0]
    assert ns.dst == r.mac and ns[IPv6].src.startswith("fe80::") and ns[ICMPv6NDOptSrcLLAddr].lladdr == arp.src
    wire.close()
    for gw in (s.gw_paris, s.gw_london):
        assert gw.mac(SHORT, arp.src) is None
        assert not neighbors(gw, mac=arp.src)


# ---- R7.5

def test_two_hosts_with_one_ip(s):
    """Linux hosts at two sites that both answer: found by the checks of the old owner, within seconds, frozen, named."""
    ip = "10.100.0.77"
    hosts = [s.paris.host("dup1", VLAN, f"{ip}/24"), s.london.host("dup2", VLAN, f"{ip}/24")]
    gws = (s.gw_paris, s.gw_london)
    wires = [Wire(h.ns, "eth0") for h in hosts]
    for h, w in zip(hosts, wires):
        w.send(Station(h, w, h.mac, ip, None).garp())

    def frozen():
        return [gw for gw in gws if (r := used(gw, ip)) and r["frozen"]]
    wait_for(frozen, 20, lambda: [neighbors(gw, ip=ip) for gw in gws])
    gw = frozen()[0]
    line = gw.wait_log(rf"duplicate IP {re.escape(ip)} in network web: 5 changes of MAC.*")[0]
    assert hosts[0].mac in line and hosts[1].mac in line and "VTEP" in line and "port trunk0" in line, line
    held = used(gw, ip)["mac"]
    assert held in [h.mac for h in hosts]
    for _ in range(3):
        for h, w in zip(hosts, wires):
            w.send(Station(h, w, h.mac, ip, None).garp())
        asker = s.station("p1")
        asker.heard([], s.station("l0"))
        assert used(gw, ip)["mac"] == held
    shown = gw.ctl_run("show", "neighbors", "--duplicates").stdout
    assert ip in shown and "FROZEN" in shown, shown
    hosts[0 if held == hosts[1].mac else 1].ns.ip(f"addr del {ip}/24 dev eth0")  # somebody sees to it
    for x in gws:
        x.ctl_run("clear", "duplicate", "--ip", ip)
    for x in gws:
        wait_for(lambda x=x: (r := used(x, ip)) is None or not r["frozen"], 3)
    h = next(h for h in hosts if h.mac == held)
    wires[hosts.index(h)].send(Station(h, wires[hosts.index(h)], h.mac, ip, None).garp())
    for x in gws:
        wait_used(x, ip, held, frozen=False)
    for w in wires:
        w.close()


# ---- commands

def test_show_neighbors(s):
    x = s.station("p0")
    say_who_they_are(s, x)
    text = s.gw_paris.ctl_run("show", "neighbors", "--ip", x.ip).stdout
    assert re.search(rf"^{re.escape(x.ip)} +{x.mac} +web +trunk0 +local +- +\S+ +\S+ +answered$", text, re.M), text
    text = s.gw_london.ctl_run("show", "neighbors", "--mac", x.mac).stdout
    assert re.search(rf"^{re.escape(x.ip6)} +{x.mac} +web +{re.escape(s.at[0])} +evpn +O +- +\S+ +answered$", text, re.M), text
    rows = s.gw_london.ctl("show", "neighbors", "--network", WEB)["neighbors"]
    assert {r["network"] for r in rows} == {WEB} and x.ip in {r["ip"] for r in rows}


def test_counters_balance(s):
    wait_for(lambda: (b := s.gw_paris.balance())[0] == b[1], 5, s.gw_paris.balance)


def test_capture_that_tshark_reads(s):
    """R7.4: what we say of it, as others read it."""
    wrong = faults(s.pcap, *s.at)
    assert wrong == "", wrong
    assert "ARP/ND" in tshark(s.pcap, "-Y", "bgp.type == 2", "-V", "-O", "bgp") or \
        tshark(s.pcap, "-Y", "bgp.ext_com.stype_tr_evpn == 8"), "no community 06 08 in the capture"


# ---- off

def test_network_without_proxy(own_lab):
    """Nothing is answered; the bindings are kept and announced all the same."""
    s = build(own_lab)
    for gw in (s.gw_paris, s.gw_london):
        for n in gw.conf["networks"]:
            n["proxy"] = False
        gw.write()
    with open_all(s.gw_paris, s.gw_london):
        settle(s)
        x, z = s.station("p0"), s.station("l0")
        z.says(z.garp())
        wait_used(s.gw_paris, z.ip, z.mac, answered=False)
        back, at_z = x.heard([x.who_has(z.ip)], z)
        assert not answers(back, z.ip) and questions(at_z, z.ip)


# ---- FRR

def test_frr_as_the_other_site(own_lab):
    """FRR's MAC+IP routes are answered here; and it lists ours, with the flags it knows."""
    lab = own_lab
    wan = lab.wan(delay=100)
    paris = lab.site("paris", wan, 1)
    frr = FrrVtep(lab, "frr", wan, 2, neighbors=[f"{paris.address} remote-as 65000"])
    wan.start()
    frr.network(VNI)
    a = paris.host("a", VLAN)
    a.ns.quiet("eth0")
    b = frr.host("b", VNI, "10.100.0.2/24", "fd00:100::2/64")
    gw = BgpGateway(paris, bgp_conf(paris, [peer(frr.address)]))
    wire = Wire(a.ns, "eth0")
    with Capture(wan, lab.file("frr.pcap")) as pcap, gw:
        frr.start()
        gw.wait_session(frr.address)
        frr.frr.wait_established(paris.address)
        x = Station(a, wire, "02:5a:00:00:00:01", "10.100.0.1", "fd00:100::1")
        # zebra takes the IPs of hosts from the kernel's neighbour table of the bridge.
        frr.ns.sysctl(f"net/ipv6/conf/br{VNI}/disable_ipv6", 0)
        b.ns.run("ping", "-c", 1, "-W", 1, "10.100.0.99", check=False)
        for ip in (b.ip, b.ip6):
            frr.ns.ip(f"neigh replace {ip} lladdr {b.mac} nud reachable dev br{VNI}")
        for ip in (b.ip, b.ip6):
            wait_used(gw, ip, b.mac, timeout=15, vtep=frr.address, origin="evpn", answered=True)
        before = gw.ask("show networks", network=WEB)["networks"][0]["counters"]
        wire.drain()
        assert x.answer(x.who_has(b.ip))[ARP].hwsrc == b.mac
        na = x.answer(x.ns(b.ip6))[ICMPv6ND_NA]
        assert na[ICMPv6NDOptDstLLAddr].lladdr == b.mac and na.O == 1
        after = gw.ask("show networks", network=WEB)["networks"][0]["counters"]
        assert [int(after[k]) - int(before[k]) for k in ("proxy_arp", "proxy_nd")] == [1, 1]
        # And what FRR makes of ours.
        x.says(x.garp(), x.na(router=1))
        for ip, bits in ((x.ip, 32), (x.ip6, 128)):
            wait_for(lambda ip=ip, bits=bits: f"[2]:[0]:[48]:[{x.mac}]:[{bits}]:[{ip}]" in
                     frr.frr.vtysh("show bgp l2vpn evpn route"), 5, lambda: frr.frr.vtysh("show bgp l2vpn evpn route"))
        text = frr.frr.vtysh("show bgp l2vpn evpn route")
        six = next(p for p in text.split(" Route [") if f"[{x.mac}]:[128]:[{x.ip6}]" in p)
        assert "ND:Router Flag" in six, six
    wrong = faults(pcap, paris.address)
    assert wrong == "", wrong
    wire.close()
