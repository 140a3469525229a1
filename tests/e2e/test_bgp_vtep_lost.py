# SPDX-License-Identifier: BSD-3-Clause
"""R9.5: a VTEP that the underlay has no way to any more, while BGP goes on saying what is there. Its MACs go in one step, or
to another gateway that has them, and come back with the way."""
import contextlib
from types import SimpleNamespace

import pytest
from scapy.all import Ether, Raw

from bgp import VLAN, VNI, BgpGateway, Vm, bgp_conf, peer
from gateway import network
from lab import Lab, open_all
from netns import wait_for
from wire import Wire

WEB = "web"
GONE_S = 1
LOST = r"VTEP 198\.19\.0\.2 is lost"


@pytest.fixture(scope="module")
def s():
    """Three sites. The VTEPs of London and Rome are addresses behind a route, their BGP sessions are not."""
    with Lab() as lab:
        wan = lab.wan(delay=100)
        sites = [lab.site(n, wan, i) for i, n in enumerate(("paris", "london", "rome"), 1)]
        wan.start()
        mac, both = lab.mac(), lab.mac()
        s = SimpleNamespace(lab=lab, wan=wan, at=["198.18.0.1", "198.19.0.2", "198.19.0.3"], both=both)
        s.paris, s.london, s.rome = sites
        s.a, s.b, s.c = (x.host(n, VLAN, f"10.100.0.{i}/24", f"fd00:100::{i}/64")
                         for i, (x, n) in enumerate(zip(sites, "abc"), 1))
        s.v = {x.name: x.host(f"v{x.name[0]}", VLAN, "10.100.0.9/24", mac=mac) for x in (s.paris, s.london)}
        s.w = [x.host(f"w{x.name[0]}", VLAN, "10.100.0.8/24", mac=both) for x in (s.london, s.rome)]
        s.gws = []
        for i, x in enumerate(sites):
            if i:
                x.ns.ip(f"addr add {s.at[i]}/32 dev lo")
            x.ns.ip(*[f"route add {s.at[j]}/32 via 198.18.0.{j + 1}" for j in (1, 2) if j != i])
            conf = bgp_conf(x, [peer(y.address, source=x.address) for y in sites if y is not x],
                            [network(WEB, VLAN, VNI)], hold_time=30)
            conf["underlay"]["address"] = s.at[i]
            s.gws.append(BgpGateway(x, conf))
        s.gw = s.gws[0]
        # A machine that is at both of the far sites and moves between them for nobody.
        for g in s.gws[1:]:
            g.conf["networks"][0]["static_macs"] = [{"mac": both, "port": "trunk0"}]
            g.write()
        with open_all(*s.gws):
            settle(s)
            s.vm = Vm(s.v, "london")
            s.vm.announce()
            s.gw.wait_mac(WEB, mac, s.at[1])
            yield s


def settle(s):
    for g, x in zip(s.gws, (s.paris, s.london, s.rome)):
        g.wait_session(*[y.address for y in (s.paris, s.london, s.rome) if y is not x])
    for to in (s.b, s.c):
        s.a.reaches(to, wait=0.2)
        s.a.reaches(to.ip6, wait=0.2)
    s.gw.wait_mac(WEB, s.b.mac, s.at[1])
    s.gw.wait_mac(WEB, s.c.mac, s.at[2])
    wait_for(lambda: ips(s, s.b.mac) >= {s.b.ip, s.b.ip6}, 5, lambda: ips(s, s.b.mac))


def ips(s, mac):
    """What Paris knows."""
    return set(s.gw.mac(WEB, mac).get("ips", []))


def route(s, do):
    s.paris.ns.ip(f"route {do} {s.at[1]}/32 via 198.18.0.2")


def vtep(s):
    return s.gw.vtep(s.at[1])


def wait_resolved(s):
    wait_for(lambda: vtep(s)["resolved"] and not vtep(s)["lost"], 5, lambda: vtep(s))


@pytest.fixture(autouse=True)
def nothing_else_notices(s):
    """Sessions, and the way to Rome."""
    yield
    assert s.gw.mac(WEB, s.c.mac)["vtep"] == s.at[2]
    assert s.a.ping(s.c).complete
    for g in s.gws:
        assert g.log.count("session established") == 2, g.log


def test_R9_5_route_deleted_and_restored(s):
    before, lines = vtep(s), s.gw.log.count("is lost")
    route(s, "del")
    s.gw.gone(WEB, s.b.mac, GONE_S)
    s.gw.wait_log(LOST + r" \(no route\)")
    row = vtep(s)
    assert row["lost"] and row["state"] == "no route", row
    assert int(row["networks"]) == int(row["macs"]) == int(row["mac_routes"]) == 0, row
    assert row["known_by"] == "bgp", row
    assert "lost: no route" in s.gw.ctl_run("show", "vteps").stdout
    assert s.a.ping(s.b, count=1, wait=0.2).received == 0
    # It is remembered, however often those that nobody refers to are let go (once a second).
    start = float(s.gw.ask("show status")["uptime_s"])
    wait_for(lambda: float(s.gw.ask("show status")["uptime_s"]) >= start + 3, 6, "three seconds of the gateway")
    assert vtep(s)["lost"]
    # BGP says the same all the time, and may say it again.
    s.gws[1].ask("clear bgp", peer=s.paris.address, soft=True)
    assert s.gw.mac(WEB, s.b.mac) is None
    route(s, "add")
    s.gw.wait_mac(WEB, s.b.mac, s.at[1])
    assert ips(s, s.b.mac) >= {s.b.ip, s.b.ip6}, s.gw.mac(WEB, s.b.mac)
    wait_resolved(s)
    assert vtep(s)["networks"] == before["networks"]
    s.a.reaches(s.b, wait=0.2)
    assert s.gw.log.count("is lost") == lines + 1, s.gw.log
    s.gw.wait_log(r"VTEP 198\.19\.0\.2 is back")


def test_R9_5_another_gateway_takes_over(s):
    """A MAC that Rome announces too moves there in place, and comes back (London's address is the lower one)."""
    row = s.gw.wait_mac(WEB, s.both, s.at[1])
    s.a.reaches(s.w[0], wait=0.2)
    ping = s.a.start_ping(s.w[0], count=150, interval=0.01)
    route(s, "del")
    moved = s.gw.wait_mac(WEB, s.both, s.at[2], GONE_S)
    ping.finish()
    assert int(moved["moves"]) == int(row["moves"]) + 1  # one that had gone would begin with none
    assert ping.received >= ping.sent - 1, ping.text
    route(s, "add")
    back = s.gw.wait_mac(WEB, s.both, s.at[1])
    assert int(back["moves"]) == int(row["moves"]) + 2
    wait_resolved(s)


def test_R4_3_machine_that_moves_here_meanwhile_stays(s):
    """What is announced must beat what the others still follow."""
    for to in ("paris", "london"):  # so that there is a sequence
        s.vm.move(to)
        s.gw.wait_mac(WEB, s.vm.host.mac, "trunk0" if to == "paris" else s.at[1])
    last = int(s.gw.mac(WEB, s.vm.host.mac)["sequence"])
    assert last >= 2
    route(s, "del")
    s.gw.gone(WEB, s.vm.host.mac, GONE_S)
    s.vm.move("paris")
    assert int(s.gw.wait_mac(WEB, s.vm.host.mac, "trunk0")["sequence"]) == last + 1
    for g in s.gws[1:]:
        g.wait_mac(WEB, s.vm.host.mac, s.at[0])
    route(s, "add")
    wait_resolved(s)
    assert s.gw.mac(WEB, s.vm.host.mac)["port"] == "trunk0"
    s.b.reaches(s.vm.host, wait=0.2)
    s.vm.move("london")
    s.gw.wait_mac(WEB, s.vm.host.mac, s.at[1])


def test_withdrawn_while_it_is_lost(s):
    """What is not announced any more does not come back, and what is new does."""
    old, new = "02:f2:00:00:00:01", "02:f2:00:00:00:02"  # not of hosts, which may speak whenever they like

    def speak(mac):
        with contextlib.closing(Wire(s.b.ns, "eth0")) as wire:
            wire.send(Ether(src=mac, dst="02:00:00:00:00:99", type=0x88b6) / Raw(bytes(50)))

    speak(old)
    s.gw.wait_mac(WEB, old, s.at[1])
    route(s, "del")
    s.gw.gone(WEB, old, GONE_S)
    s.gws[1].ask("clear macs", network=WEB, mac=old)
    speak(new)
    wait_for(lambda: {r["mac"] for r in s.gw.routes(2)} & {old, new} == {new}, 5, "London says so")
    assert s.gw.mac(WEB, new) is None
    route(s, "add")
    s.gw.wait_mac(WEB, new, s.at[1])
    assert s.gw.mac(WEB, old) is None
    wait_resolved(s)


def test_neighbour_that_does_not_answer_is_not_lost(s):
    lines = s.gw.log.count("is lost")
    s.a.reaches(s.b, wait=0.2)
    s.gw.wait_mac(WEB, s.b.mac, s.at[1])
    s.london.ns.ip("link set wan0 arp off")
    try:
        s.paris.ns.ip("neigh del 198.18.0.2 dev wan0")
        wait_for(lambda: vtep(s)["state"] == "waiting for the neighbour", 5, lambda: vtep(s))
        assert not vtep(s)["lost"]
        assert s.gw.mac(WEB, s.b.mac)["vtep"] == s.at[1]
    finally:
        s.london.ns.ip("link set wan0 arp on")
    wait_resolved(s)
    assert s.gw.log.count("is lost") == lines


def test_lost_events_of_the_kernel_lose_no_vtep(s):
    """A storm of changes that the gateway reads none of: it asks for everything again, and nothing moves."""
    lines = s.gw.log.count("is lost")
    s.a.reaches(s.b, wait=0.2)
    since = s.gw.wait_mac(WEB, s.b.mac, s.at[1])
    s.gw.freeze()
    try:
        for do in ("add", "del"):
            s.paris.ns.ip(*[f"route {do} blackhole 10.{n >> 8}.{n & 255}.0/24" for n in range(20000)])
    finally:
        s.gw.thaw()
    s.gw.wait_log("events of the kernel were lost")
    wait_resolved(s)
    row = s.gw.mac(WEB, s.b.mac)
    assert int(row["since_s"]) >= int(since["since_s"]) and row["moves"] == since["moves"], (since, row)
    assert s.gw.log.count("is lost") == lines


def test_R9_5_underlay_goes_down(s):
    """All VTEPs at once, long before the hold timers; the sessions live through it."""
    s.paris.ns.ip("link set wan0 down")
    for mac in (s.b.mac, s.c.mac, s.both):
        s.gw.gone(WEB, mac, GONE_S)
    assert s.gw.mac(WEB, s.a.mac)["port"] == "trunk0"
    s.gw.wait_log(LOST + r" \(link down\)")
    s.paris.ns.ip("link set wan0 up", f"addr replace {s.paris.address6}/64 dev wan0 nodad",
                  *[f"route add {s.at[j]}/32 via 198.18.0.{j + 1}" for j in (1, 2)])
    for to, at in ((s.b, s.at[1]), (s.c, s.at[2])):
        s.a.reaches(to, wait=0.2)
        s.gw.wait_mac(WEB, to.mac, at)
    wait_resolved(s)
