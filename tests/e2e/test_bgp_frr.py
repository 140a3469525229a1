# SPDX-License-Identifier: BSD-3-Clause
"""FRR with kernel VXLAN as the other gateway."""
import json
import re
import signal
import time
from types import SimpleNamespace

import pytest

from bgp import ASN, VLAN, VNI, BgpGateway, Vm, bgp_conf, peer
from dump import Capture, faults, tshark
from frr import FrrVtep
from gateway import network
from lab import Lab
from netns import wait_for

WEB = "web"
MOVES = 30


def frr_neighbor(paris, **more):
    return [f"{paris.address} remote-as {ASN}", *(f"{paris.address} {k} {v}" for k, v in more.items())]


@pytest.fixture(scope="module")
def s():
    with Lab() as lab:
        wan = lab.wan(delay=100)
        paris = lab.site("paris", wan, 1)
        # Its own duplicate detection would freeze the machine that moves thirty times.
        frr = FrrVtep(lab, "frr", wan, 2, neighbors=frr_neighbor(paris), evpn=["no dup-addr-detection"])
        wan.start()
        frr.network(VNI)
        frr.network(VNI + 1)
        mac = lab.mac()
        s = SimpleNamespace(
            lab=lab, wan=wan, paris=paris, linux=frr, frr=frr.frr, at=paris.address, frr_at=frr.address,
            a=paris.host("a", VLAN, "10.100.0.1/24", "fd00:100::1/64"),
            b=frr.host("b", VNI, "10.100.0.2/24", "fd00:100::2/64"),
            c=frr.host("c", VNI + 1, "10.100.0.3/24"))
        s.v = {"paris": paris.host("vp", VLAN, "10.100.0.9/24", mac=mac),
               "frr": frr.host("vf", VNI, "10.100.0.9/24", mac=mac)}
        nets = [network("web", VLAN, VNI), network("db", VLAN + 1, VNI + 1)]
        s.gw = BgpGateway(paris, bgp_conf(paris, [peer(frr.address, name="frr")], nets, hold_time=9))
        with Capture(wan, lab.file("bgp.pcap")) as s.pcap, s.gw:
            frr.start()
            settle(s)
            s.vm = Vm(s.v, "frr")
            yield s


def settle(s):
    s.gw.wait_session(s.frr_at)
    s.frr.wait_established(s.at)
    for a, b in ((s.a, s.b), (s.b, s.a)):
        a.reaches(b, 10, wait=0.2)
        a.reaches(b.ip6, 10, wait=0.2)
    s.gw.wait_mac(WEB, s.b.mac, s.frr_at)
    s.linux.wait_mac(VNI, s.a.mac, s.at)


def test_ping(s):
    for a, b in ((s.a, s.b), (s.b, s.a)):
        for to in (b.ip, b.ip6):
            ping = a.ping(to, count=5)
            assert ping.complete, ping.text


def test_arp_and_neighbour_discovery(s):
    for a, b in ((s.a, s.b), (s.b, s.a)):
        s.a.forget_neighbours()
        s.b.forget_neighbours()
        assert a.ping(b, count=1).received == 1
        assert a.ping(b.ip6, count=3).complete
        assert a.ns.ip_json("neigh", "show", b.ip)[0]["lladdr"] == b.mac
        assert a.ns.ip_json("-6", "neigh", "show", b.ip6)[0]["lladdr"] == b.mac


@pytest.mark.parametrize("reverse", [False, True])
def test_tcp(s, reverse):
    assert s.a.iperf(s.b, reverse=reverse)["sum_received"]["bits_per_second"] > 20e6


def test_tables(s):
    row = s.gw.mac(WEB, s.b.mac)
    assert row["origin"] == "evpn" and row["vtep"] == s.frr_at
    assert s.linux.fdb(VNI)[s.a.mac] == s.at
    assert s.linux.flood_list(VNI) == [s.at] and s.linux.flood_list(VNI + 1) == [s.at]
    assert s.linux.mac(VNI, s.a.mac)["remoteVtep"] == s.at
    assert s.a.ping(s.c, count=1, wait=0.2).received == 0


def test_routes_as_frr_reads_them(s):
    """R3.1 to R3.5: what FRR made of our attributes, in its words."""
    text = s.frr.vtysh(f"show bgp l2vpn evpn route rd {s.at}:{VLAN}")
    mac = next(part for part in text.split(" Route [") if part.startswith(f"2]:[0]:[48]:[{s.a.mac}] "))
    assert f"VNI {VNI}" in mac and f"RT:{ASN}:{VNI}" in mac and "ET:8" in mac and "MM:" not in mac, text
    flood = next(part for part in text.split(" Route [") if part.startswith("3]"))
    assert f"PMSI Tunnel Type: Ingress Replication, label: {VNI}" in flood and f"RT:{ASN}:{VNI}" in flood, text


def test_ips_of_our_hosts_are_there(s):
    """R3.6: MAC+IP of a host that spoke ARP and ND."""
    for ip, bits in ((s.a.ip, 32), (s.a.ip6, 128)):
        s.b.forget_neighbours()
        s.b.reaches(ip)  # asking makes it speak
        wait_for(lambda: f"[2]:[0]:[48]:[{s.a.mac}]:[{bits}]:[{ip}]" in s.frr.vtysh("show bgp l2vpn evpn"), 5,
                 lambda: s.frr.vtysh("show bgp l2vpn evpn"))


def test_thirty_moves(s):
    """R4.7. To and fro without a word to either: no frame is stuck, and at the end both tables say the same."""
    s.vm.announce()
    s.gw.wait_mac(WEB, s.vm.host.mac, s.frr_at)
    start = int(s.gw.mac(WEB, s.vm.host.mac)["sequence"])
    waits = []
    for n in range(MOVES):
        to = ("paris", "frr")[n % 2]
        s.vm.move(to)
        t = time.monotonic()
        for host in (s.a, s.b):
            host.reaches(s.vm.host, 3, wait=0.1, interval=0.01)
        waits.append(round(1000 * (time.monotonic() - t)))
        if to == "frr":
            s.gw.wait_mac(WEB, s.vm.host.mac, s.frr_at, timeout=2)
        else:
            s.linux.wait_mac(VNI, s.vm.host.mac, s.at, timeout=2)
        assert s.vm.host.ping(s.a, count=2).complete and s.vm.host.ping(s.b, count=2).complete
    print("ms until both reach it:", waits)
    ours, theirs = s.gw.mac(WEB, s.vm.host.mac), s.linux.mac(VNI, s.vm.host.mac)
    assert ours["origin"] == "evpn" and ours["vtep"] == s.frr_at, ours
    assert theirs["type"] == "local", theirs
    assert theirs["localSequence"] == int(ours["sequence"]) == start + MOVES, (start, ours, theirs)


def test_two_moves_at_once_end_somewhere(s):
    """Both sites see the machine within a millisecond, ten times: one of them has it, and both know which."""
    wires = {}
    frame = bytes.fromhex("ffffffffffff" + s.vm.host.mac.replace(":", "") + "88b6") + bytes(60)
    for name, h in s.v.items():
        s.vm._mute(h, False)
        wires[name] = h.ns.raw_socket("eth0", mib=1)
    for n in range(10):
        for name in ("paris", "frr") if n % 2 else ("frr", "paris"):
            wires[name].send(frame)

    def agreed():
        ours, theirs = s.gw.mac(WEB, s.vm.host.mac), s.linux.fdb(VNI).get(s.vm.host.mac)
        return (ours.get("vtep"), theirs) == (s.frr_at, s.v["frr"].port) or ("port" in ours and theirs == s.at)

    wait_for(agreed, 5, lambda: f"agreement: {s.gw.mac(WEB, s.vm.host.mac)}, {s.linux.fdb(VNI)}, "
             f"{s.linux.mac(VNI, s.vm.host.mac)}")
    for name, h in s.v.items():
        s.vm._mute(h, name != s.vm.at)
        wires[name].close()
    s.vm.announce()
    for host in (s.a, s.b):
        host.reaches(s.vm.host, 3, wait=0.1)


def test_port_of_the_machine_goes_down_at_frr(s):
    """FRR withdraws what was behind it; then it speaks at our site."""
    if s.vm.at != "frr":
        s.vm.move("frr")
        s.gw.wait_mac(WEB, s.vm.host.mac, s.frr_at)
    s.linux.ns.ip(f"link set {s.v['frr'].port} down")
    s.gw.gone(WEB, s.vm.host.mac)
    s.vm.move("paris")
    for host in (s.a, s.b):
        host.reaches(s.vm.host, 3, wait=0.1)
    s.linux.ns.ip(f"link set {s.v['frr'].port} up")


def updates(s):
    return s.frr.neighbor(s.at)["messageStats"]


def test_route_refresh(s):
    """Both ways: who is asked sends everything again, and nothing changes."""
    before = s.linux.fdb(VNI), updates(s)
    s.frr.vtysh(f"clear bgp l2vpn evpn {s.at} soft in")
    wait_for(lambda: updates(s)["updatesRecv"] >= before[1]["updatesRecv"] + 2, 5,
             lambda: f"UPDATEs: {before[1]}, {updates(s)}")
    refreshes = updates(s)["routeRefreshRecv"]
    s.gw.ask("clear bgp", peer=s.frr_at, soft=True)
    wait_for(lambda: updates(s)["routeRefreshRecv"] > refreshes, 5, "a ROUTE-REFRESH of ours")
    s.frr.vtysh("clear bgp l2vpn evpn * soft out")
    assert s.frr.established(s.at) and s.linux.fdb(VNI).get(s.a.mac) == s.at
    assert s.gw.mac(WEB, s.b.mac)["vtep"] == s.frr_at
    assert s.gw.log.count("session established") == 1, s.gw.log


def lengths(s, source):
    """Of the UPDATE messages of one end."""
    text = tshark(s.pcap, "-Y", f"ip.src == {source} && bgp.type == 2", "-T", "fields", "-e", "bgp.length")
    return text.replace(",", " ").split()


def test_capture_that_tshark_reads(s):
    wrong = faults(s.pcap, s.at)
    assert wrong == "", wrong
    kinds = tshark(s.pcap, "-Y", f"ip.src == {s.at} && bgp.type == 2", "-T", "fields", "-e", "bgp.evpn.nlri.rt")
    assert {"2", "3"} <= set(re.split(r"[,\s]+", kinds)), kinds
    text = tshark(s.pcap, "-Y", f"ip.src == {s.at} && bgp.type == 2", "-V", "-O", "bgp")
    for words in (f"VNI: {VNI}", "VXLAN Encapsulation", "MAC Mobility", "Ingress Replication"):
        assert words in text, f"{words} in {text[:6000]}"
    # End-of-RIB: an empty MP_UNREACH_NLRI and nothing else.
    assert "30" in lengths(s, s.at), lengths(s, s.at)


# ---- what goes wrong. FRR keeps nothing of ours and does not ask to keep its own, so all is gone at once.

def alone(s, timeout=3):
    s.gw.gone(WEB, s.b.mac, timeout)


def test_session_shut_at_frr(s):
    s.frr.bgp(f"neighbor {s.at} shutdown message maintenance at two")
    s.gw.wait_log('session down: .*Administrative Shutdown, "maintenance at two"')
    alone(s)
    s.frr.bgp(f"no neighbor {s.at} shutdown")
    settle(s)


def test_session_reset_at_frr(s):
    n = s.gw.log.count("session established")
    s.frr.vtysh("clear bgp l2vpn evpn *")
    s.gw.wait_log("session established", count=n + 1)
    settle(s)


def test_session_reset_here(s):
    n = s.gw.log.count("session established")
    s.gw.ask("clear bgp", peer="frr")
    s.gw.wait_log("session established", count=n + 1)
    settle(s)


def test_frr_killed_and_started(s):
    s.frr.kill("bgpd")
    s.gw.wait_log("session down.*connection lost")
    alone(s)
    s.frr.start("bgpd")
    settle(s)


def test_frr_stopped_and_started(s):
    s.frr.stop()
    alone(s)
    s.frr.start()
    settle(s)


def test_frr_frozen(s):
    """The hold time is the smaller one: 9 s."""
    bgpd = s.frr.processes["bgpd"]
    bgpd.send_signal(signal.SIGSTOP)
    try:
        s.gw.wait_log("session down: hold timer expired", timeout=12)
        alone(s)
    finally:
        bgpd.send_signal(signal.SIGCONT)
    settle(s)


def test_our_gateway_killed_stopped_and_started(s):
    s.gw.kill()
    wait_for(lambda: s.at not in s.linux.fdb(VNI).values() and not s.linux.flood_list(VNI), 5, "FRR forgets us")
    s.gw.start()
    settle(s)
    s.gw.stop()
    wait_for(lambda: s.at not in s.linux.fdb(VNI).values() and not s.linux.flood_list(VNI), 5, "FRR forgets us")
    s.gw.start()
    settle(s)


def test_md5(s):
    """Set at one end, at both, another one, and none."""
    s.frr.bgp(f"neighbor {s.at} password blue")
    s.gw.wait_no_session(s.frr_at)
    s.gw.wait_log("TCP MD5 drops packets", timeout=15)
    s.gw.conf["bgp"]["peers"][0]["password"] = "blue"
    s.gw.write()
    s.gw.restart()
    settle(s)
    s.frr.bgp(f"neighbor {s.at} password green")
    s.gw.wait_no_session(s.frr_at)
    s.gw.wait_log("is the password the same at both ends", timeout=15)
    s.frr.bgp(f"no neighbor {s.at} password")
    del s.gw.conf["bgp"]["peers"][0]["password"]
    s.gw.write()
    s.gw.restart()
    settle(s)


def test_capture_of_all_that_that_tshark_reads(s):
    wrong = faults(s.pcap, s.at)
    assert wrong == "", wrong


# ---- other forms

@pytest.mark.parametrize("kind", ["ebgp", "gtsm", "rfc8365"])
def test_other_forms(own_lab, kind):
    wan = own_lab.wan(delay=100)
    paris = own_lab.site("paris", wan, 1)
    asn = ASN + 1 if kind == "ebgp" else ASN
    lines = [f"{paris.address} remote-as {ASN}"]
    mine = peer("198.18.0.2", asn=asn)
    more, evpn = {}, []
    if kind == "gtsm":
        lines += [f"{paris.address} ttl-security hops 1"]
        mine["ttl_security"] = 1
    if kind == "rfc8365":
        evpn, more = ["autort rfc8365-compatible"], {"route_targets": "rfc8365"}
    frr = FrrVtep(own_lab, "frr", wan, 2, asn=asn, neighbors=lines, evpn=evpn)
    wan.start()
    frr.network(VNI)
    s = SimpleNamespace(a=paris.host("a", VLAN, "10.100.0.1/24", "fd00:100::1/64"), at=paris.address, frr_at=frr.address,
                        b=frr.host("b", VNI, "10.100.0.2/24", "fd00:100::2/64"), linux=frr, frr=frr.frr)
    with BgpGateway(paris, bgp_conf(paris, [mine], **more)) as s.gw:
        frr.start()
        settle(s)
        assert s.a.ping(s.b).complete


# ---- many

MANY = 100000
FEW = 5000


def total(gw):
    return int(gw.ask("show macs", network=WEB, mac="02:00:00:00:00:00")["total"])


def test_hundred_thousand(own_lab):
    """A bridge full of MACs: they come, some go, the session flaps, and the peer dies."""
    wan = own_lab.wan(delay=100)
    paris = own_lab.site("paris", wan, 1)
    frr = FrrVtep(own_lab, "frr", wan, 2, neighbors=frr_neighbor(paris), evpn=["no dup-addr-detection"])
    wan.start()
    frr.network(VNI)
    a, b = paris.host("a", VLAN, "10.100.0.1/24"), frr.host("b", VNI, "10.100.0.2/24")
    net = network("web", VLAN, VNI, mac_limit="unlimited")
    conf = bgp_conf(paris, [frr.address], [net], hold_time=30)
    conf["dataplane"]["max_macs"] = 262144
    macs = [f"06:{i >> 24 & 255:02x}:{i >> 16 & 255:02x}:{i >> 8 & 255:02x}:{i & 255:02x}:05" for i in range(MANY)]
    times = {}

    def until(what, condition, timeout):
        t = time.monotonic()
        wait_for(condition, timeout, lambda: f"{what}: {total(gw)} MACs; {gw.peer(frr.address)}", interval=0.05)
        times[what] = round(time.monotonic() - t, 2)

    with BgpGateway(paris, conf) as gw:
        frr.start()
        gw.wait_session(frr.address)
        a.reaches(b, wait=0.2)
        small = total(gw)
        frr.add_macs(VNI, b.port, macs)
        until("come", lambda: total(gw) >= MANY + small, 60)
        assert gw.mac(WEB, macs[MANY // 2])["vtep"] == frr.address
        assert a.ping(b).complete

        frr.delete_macs(b.port, macs[:FEW])
        until("few go", lambda: total(gw) <= MANY - FEW + small, 60)
        assert gw.mac(WEB, macs[0]) is None and gw.mac(WEB, macs[FEW])["vtep"] == frr.address

        for n in range(2):
            frr.frr.bgp(f"neighbor {paris.address} shutdown")
            until(f"shut {n}", lambda: total(gw) < FEW, 3)
            frr.frr.bgp(f"no neighbor {paris.address} shutdown")
            until(f"back {n}", lambda: total(gw) >= MANY - FEW + small, 60)
        assert a.ping(b).complete

        frr.frr.kill()
        until("killed", lambda: total(gw) < FEW, 3)
        assert gw.mac(WEB, a.mac)["port"] == "trunk0"
    print(json.dumps(times))
