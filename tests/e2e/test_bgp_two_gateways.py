# SPDX-License-Identifier: BSD-3-Clause
"""Two gateways that peer directly: what hosts see, what the tables hold, and what is left when a gateway, a connection or a
session goes away."""
import itertools
from types import SimpleNamespace

import pytest
from scapy.all import Ether, Raw

from bgp import ASN, VLAN, VNI, BgpGateway, Vm, bgp_conf, peer
from dump import Capture, faults, tshark
from gateway import network
from lab import Lab, open_all
from netns import wait_for
from wire import Wire, vxlan

WEB = "web"
GONE_S = 2  # by when a lost VTEP's MACs must be gone; most of it is the test's own slowness


def build(lab, ibgp=True, ip6=False, paris_peer=None, london_peer=None, **bgp):
    """Two sites and their gateways, not started. paris_peer, london_peer: further keys of the peer in that file."""
    wan = lab.wan(delay=100)
    paris, london = lab.site("paris", wan, 1), lab.site("london", wan, 2)
    wan.start()
    at = [s.address6 if ip6 else s.address for s in (paris, london)]
    asn = [ASN, ASN if ibgp else ASN + 1]
    mac = lab.mac()
    s = SimpleNamespace(
        lab=lab, wan=wan, paris=paris, london=london, at=at, ip6=ip6,
        a=paris.host("a", VLAN, "10.100.0.1/24", "fd00:100::1/64"),
        b=london.host("b", VLAN, "10.100.0.2/24", "fd00:100::2/64"))
    s.v = {"paris": paris.host("vp", VLAN, "10.100.0.9/24", mac=mac),
           "london": london.host("vl", VLAN, "10.100.0.9/24", mac=mac)}
    for site, k, more in ((paris, 0, paris_peer), (london, 1, london_peer)):
        conf = bgp_conf(site, [peer(at[1 - k], **{"asn": asn[1 - k], **(more or {})})], asn=asn[k], ip6=ip6, **bgp)
        setattr(s, f"gw_{site.name}", BgpGateway(site, conf))
    return s


def settle(s):
    s.gw_paris.wait_session(s.at[1])
    s.gw_london.wait_session(s.at[0])
    for a, b in ((s.a, s.b), (s.b, s.a)):
        a.reaches(b, wait=0.2)
        a.reaches(b.ip6, wait=0.2)
    s.gw_paris.wait_mac(WEB, s.b.mac, s.at[1])
    s.gw_london.wait_mac(WEB, s.a.mac, s.at[0])


# ---- all well

@pytest.fixture(scope="module", params=["ibgp-ipv4", "ebgp-ipv6"])
def s(request):
    """The second one with all that makes a session safer: a password and GTSM."""
    kind, family = request.param.split("-")
    more = {"password": "a long, long word", "ttl_security": 1} if kind == "ebgp" else {}
    with Lab() as lab:
        s = build(lab, kind == "ibgp", family == "ipv6", more, more)
        with Capture(s.wan, lab.file("bgp.pcap")) as s.pcap, open_all(s.gw_paris, s.gw_london):
            settle(s)
            s.vm = Vm(s.v, "paris")
            yield s


def test_hosts_reach_each_other(s):
    for a, b in ((s.a, s.b), (s.b, s.a)):
        for to in (b.ip, b.ip6):
            ping = a.ping(to, count=5)
            assert ping.complete, ping.text


def test_full_size(s):
    ping = s.a.ping(s.b, size=1472, fragment=False)
    assert ping.complete, ping.text


def test_macs_come_by_bgp(s):
    for gw, mac, at in ((s.gw_paris, s.b.mac, s.at[1]), (s.gw_london, s.a.mac, s.at[0])):
        row = gw.mac(WEB, mac)
        assert row["origin"] == "evpn" and row["vtep"] == at, row
    assert s.gw_paris.mac(WEB, s.a.mac)["origin"] == "local"


def test_nothing_is_learned_from_frames_of_the_wan(s):
    """R1.10: what a VTEP's frames claim is not believed, its BGP is. The frame itself is delivered."""
    false = "02:ff:00:00:00:01"
    macs = {x: x.ns.ip_json("link", "show", "wan0")[0]["address"] for x in (s.paris, s.london)}
    inner = Ether(src=false, dst=s.a.mac, type=0x88b6) / Raw(b"\x2a" * 60)
    wire, out = Wire(s.a.ns, "eth0"), Wire(s.london.ns, "wan0")
    out.send(vxlan(inner, s.at[1], s.at[0], VNI, macs[s.london], macs[s.paris], chksum=None if s.ip6 else 0))
    wire.packets(lambda p: b"\x2a" * 60 in bytes(p))
    assert s.gw_paris.mac(WEB, false) is None
    wire.close()
    out.close()


def test_new_mac_is_announced_at_once(s):
    wire = Wire(s.a.ns, "eth0")
    for n in range(5):
        mac = f"02:f0:00:00:00:{n:02x}"
        wire.send(Ether(src=mac, dst="02:00:00:00:00:99", type=0x88b6) / Raw(bytes(50)))
        s.gw_london.wait_mac(WEB, mac, s.at[0], timeout=0.5)
    wire.close()


def test_moves_to_and_fro(s):
    """R4.3, R4.7: each move is one more than the last, wherever it was seen."""
    others = {"paris": (s.gw_london, s.b), "london": (s.gw_paris, s.a)}
    last = None
    s.vm.announce()
    s.gw_london.wait_mac(WEB, s.vm.host.mac, s.at[0])
    for n in range(8):
        to = ("london", "paris")[n % 2]
        s.vm.move(to)
        gw, _ = others[to]
        gw.wait_mac(WEB, s.vm.host.mac, s.at[0 if to == "paris" else 1], timeout=1)
        for host in (s.a, s.b):
            host.reaches(s.vm.host, 1, wait=0.1)
        rows = [g.mac(WEB, s.vm.host.mac) for g in (s.gw_paris, s.gw_london)]
        assert rows[0]["sequence"] == rows[1]["sequence"], rows
        assert last is None or int(rows[0]["sequence"]) == last + 1, (rows, last)
        last = int(rows[0]["sequence"])


def test_table_cleared_by_the_operator(s):
    """What is forgotten here is withdrawn there, and comes back with the next frame."""
    s.gw_paris.ask("clear macs", network=WEB)
    s.gw_london.gone(WEB, s.a.mac)
    s.a.reaches(s.b, wait=0.2)
    s.gw_london.wait_mac(WEB, s.a.mac, s.at[0])


def test_capture_that_tshark_reads(s):
    """Everything that both said so far: no warning, nothing malformed, and all kinds of messages were there."""
    wrong = faults(s.pcap, *s.at)
    assert wrong == "", wrong
    rows = tshark(s.pcap, "-Y", "bgp", "-T", "fields", "-E", "separator=;", "-e", "bgp.type", "-e", "bgp.evpn.nlri.rt")
    types, kinds = ({x for row in rows.splitlines() for x in row.split(";")[i].split(",")} for i in (0, 1))
    assert {"1", "2", "4"} <= types and {"2", "3"} <= kinds, rows


# ---- what goes wrong

@pytest.fixture
def pair(own_lab, request):
    """Started and settled. request.param: arguments of build()."""
    s = build(own_lab, **getattr(request, "param", {}))
    with open_all(s.gw_paris, s.gw_london):
        settle(s)
        yield s


no_restart = pytest.mark.parametrize("pair", [{"graceful_restart": "off", "hold_time": 3}], indirect=True)
restart = pytest.mark.parametrize("pair", [{"graceful_restart": 60, "hold_time": 3}], indirect=True)


def alone(s):
    """London knows nobody any more."""
    s.gw_london.gone(WEB, s.a.mac, GONE_S)
    assert s.gw_london.mac(WEB, s.b.mac)["origin"] == "local"


@no_restart
def test_killed_stopped_frozen(pair):
    """Each time all of it is gone at once, and all of it comes back. The log says what it was."""
    s = pair
    s.gw_paris.kill()
    alone(s)
    s.gw_london.wait_log("session down: connection lost")
    s.gw_paris.start()
    settle(s)

    s.gw_paris.stop()
    alone(s)
    s.gw_london.wait_log("session down: .*Administrative Shutdown")
    s.gw_paris.start()
    settle(s)

    s.gw_paris.freeze()
    s.gw_london.wait_log("session down: hold timer expired", timeout=6)
    alone(s)
    s.gw_paris.thaw()
    settle(s)


@no_restart
def test_connection_reset(pair):
    """The session and all that came by it is gone; the session is back at once and the tables with it."""
    for gw, to in ((pair.gw_paris, pair.at[1]), (pair.gw_london, pair.at[0])):
        before = pair.gw_london.log.count("session established")
        gw.break_sessions(to)
        pair.gw_london.wait_log("session established", count=before + 1)
        pair.gw_london.wait_mac(WEB, pair.a.mac, pair.at[0])
        pair.gw_paris.wait_mac(WEB, pair.b.mac, pair.at[1])
        assert pair.a.ping(pair.b).complete


@restart
def test_connection_reset_costs_no_frame_under_graceful_restart(pair):
    before = pair.gw_london.log.count("session established")
    s = pair
    assert s.gw_london.peer(s.at[0])["negotiated"]["graceful_restart"]["we_restarted"]
    ping = s.a.start_ping(s.b, count=150, interval=0.01)
    for n in (1, 2):
        s.gw_london.break_sessions(s.at[0])
        s.gw_london.wait_log("session established", count=before + n)
    assert ping.finish().complete and ping.sent == 150, ping.text
    s.gw_london.wait_log("its routes are kept for a while")
    # R2.7: nobody restarted since that first session, and both went on forwarding.
    restart_of_london = s.gw_london.peer(s.at[0])["negotiated"]["graceful_restart"]
    assert not restart_of_london["we_restarted"] and restart_of_london["we_kept_forwarding"], restart_of_london
    assert restart_of_london["peer_kept_forwarding"] and not s.gw_london.ask("show bgp")["restarting"]
    for gw, mac in ((s.gw_london, s.a.mac), (s.gw_paris, s.b.mac)):
        assert gw.mac(WEB, mac)["since_s"] >= 1  # never taken out


@restart
def test_restart_of_a_gateway_under_graceful_restart(pair):
    """R2.7: killed, its routes stay; back, they are learned again and what did not come back is swept. (A fast path would have
    kept it: test_fastpath.py.)"""
    s = pair
    mode = s.gw_paris.conf["fastpath"]["mode"]
    wire = Wire(s.a.ns, "eth0")
    ghost = "02:f1:00:00:00:01"
    wire.send(Ether(src=ghost, dst="02:00:00:00:00:99", type=0x88b6) / Raw(bytes(50)))
    s.gw_london.wait_mac(WEB, ghost, s.at[0])
    s.gw_paris.kill()
    s.gw_london.wait_log("its routes are kept for a while")
    for mac in (s.a.mac, ghost):
        assert s.gw_london.mac(WEB, mac)["vtep"] == s.at[0]
    s.gw_paris.conf["fastpath"]["mode"] = "off"
    s.gw_paris.write()
    s.gw_paris.start()
    settle(s)
    s.gw_london.gone(WEB, ghost)
    wire.close()
    s.gw_paris.conf["fastpath"]["mode"] = mode
    s.gw_paris.write()


@restart
def test_stopped_is_not_restarted(pair):
    """Who is stopped on purpose is not waited for."""
    pair.gw_paris.stop()
    alone(pair)


def test_stale_routes_do_not_stay_for_ever(own_lab):
    s = build(own_lab, graceful_restart=3, hold_time=3)
    with open_all(s.gw_paris, s.gw_london):
        settle(s)
        s.gw_paris.kill()
        s.gw_london.wait_log("the time for its stale routes is over", timeout=8)
        alone(s)


# ---- who may speak

def correct(gw, **keys):
    """Another configuration of the one peer."""
    gw.conf["bgp"]["peers"][0].update(keys)
    gw.write()
    gw.restart()


@pytest.mark.parametrize("ip6", [False, True])
def test_wrong_password(own_lab, ip6):
    s = build(own_lab, ip6=ip6, paris_peer={"password": "right"}, london_peer={"password": "wrong"})
    with open_all(s.gw_paris, s.gw_london):
        s.gw_paris.wait_log("TCP MD5 drops packets .*is the password the same", timeout=15)
        assert not s.gw_paris.established(s.at[1])
        correct(s.gw_london, password="right")
        settle(s)


def test_password_at_one_end(own_lab):
    s = build(own_lab, paris_peer={"password": "right"})
    with open_all(s.gw_paris, s.gw_london):
        s.gw_paris.wait_log("TCP MD5 drops packets", timeout=15)
        correct(s.gw_london, password="right")
        settle(s)


def test_ttl_security_refuses_what_comes_from_afar(own_lab):
    """R2.6: London sends as anyone does, with a TTL that the Internet could have sent too."""
    s = build(own_lab, paris_peer={"ttl_security": 1, "passive": True})
    with open_all(s.gw_paris, s.gw_london):
        s.gw_paris.wait_log(r"connection refused: .*TTL", timeout=10)
        assert not s.gw_paris.established(s.at[1])
        correct(s.gw_london, ttl_security=1)
        settle(s)


def test_wrong_as(own_lab):
    s = build(own_lab, paris_peer={"asn": ASN + 7, "multihop": 2})
    with open_all(s.gw_paris, s.gw_london):
        s.gw_paris.wait_log(f"the peer says it is AS {ASN}, which is not the one configured", timeout=10)
        assert not s.gw_london.established(s.at[0])


def test_session_over_the_other_family(own_lab):
    """R2.5: the next hop is the VTEP, IPv4, whatever the session runs over."""
    s = build(own_lab)
    for gw, site, other in ((s.gw_paris, s.paris, s.london), (s.gw_london, s.london, s.paris)):
        gw.conf["bgp"]["peers"] = [peer(other.address6, source=site.address6)]
        gw.write()
    with open_all(s.gw_paris, s.gw_london):
        s.gw_paris.wait_session(s.london.address6)
        s.a.reaches(s.b, wait=0.2)
        s.gw_paris.wait_mac(WEB, s.b.mac, s.at[1])


# ---- rules of the MAC table, as seen from outside

def test_duplicate_is_frozen_until_cleared(own_lab):
    """R5.1: two machines with one MAC."""
    s = build(own_lab, duplicate={"moves": 5, "seconds": 180})
    with open_all(s.gw_paris, s.gw_london):
        settle(s)
        vm = Vm(s.v, "paris")
        where = itertools.cycle(("london", "paris"))

        def fight():
            vm.move(next(where))
            return [gw for gw in (s.gw_paris, s.gw_london) if f"duplicate MAC {vm.host.mac}" in gw.log]

        gw = wait_for(fight, 10, "a duplicate is seen", interval=0.15)[0]
        assert gw.mac(WEB, vm.host.mac)["duplicate"]
        assert s.a.ping(s.b).complete
        gw.ask("clear duplicate", mac=vm.host.mac)
        vm.announce()
        for host in (s.a, s.b):
            host.reaches(vm.host, wait=0.1)


def test_sticky_mac_does_not_move(own_lab):
    """R4.8: London sees a MAC that Paris says never moves."""
    s = build(own_lab)
    mac = s.v["paris"].mac
    s.gw_paris.conf["networks"][0]["static_macs"] = [{"mac": mac, "port": "trunk0"}]
    s.gw_paris.write()
    with open_all(s.gw_paris, s.gw_london):
        settle(s)
        s.gw_london.wait_mac(WEB, mac, s.at[0])
        vm = Vm(s.v, "london")
        vm.announce()
        s.gw_london.wait_log(f"{mac}", timeout=5)
        assert s.gw_london.mac(WEB, mac)["vtep"] == s.at[0]
        assert s.gw_paris.mac(WEB, mac)["port"] == "trunk0"


def test_many_networks_and_two_vlans(own_lab):
    """Fifty networks in one session: each only to its own."""
    wan = own_lab.wan(delay=100)
    paris, london = own_lab.site("paris", wan, 1), own_lab.site("london", wan, 2)
    wan.start()
    nets = [network(f"n{v}", v, 10000 + v) for v in range(1, 51)]
    a1, a2 = paris.host("a1", 7, "10.7.0.1/24"), paris.host("a2", 8, "10.7.0.2/24")
    b1, b2 = london.host("b1", 7, "10.7.0.3/24"), london.host("b2", 8, "10.7.0.4/24")
    gws = [BgpGateway(x, bgp_conf(x, [y.address], nets)) for x, y in ((paris, london), (london, paris))]
    with open_all(*gws):
        gws[0].wait_session(london.address)
        a1.reaches(b1, wait=0.2)
        a2.reaches(b2, wait=0.2)
        assert a1.ping(b2, count=1, wait=0.2).received == 0
        assert gws[0].wait_mac("n7", b1.mac, london.address)
        assert gws[0].mac("n8", b1.mac) is None
