# SPDX-License-Identifier: BSD-3-Clause
"""What access ports do to MACs: one MAC behind two of them (R5.1), and one that loses its link."""
import itertools
from types import SimpleNamespace

from scapy.all import ARP, Ether

from bgp import VLAN, VNI, BgpGateway, bgp_conf, peer
from gateway import network, port
from lab import open_all
from netns import wait_for
from wire import Wire

WEB = "web"
N = 5
CLONE = "02:5a:00:00:00:77"
PORTS = ("trunk0", "trunk1")


def garp(mac, ip):
    return Ether(src=mac, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=mac, psrc=ip, pdst=ip)


def two_sites(lab):
    """Paris with two trunks, a cable of a host on each; and London."""
    wan = lab.wan(delay=100)
    paris, london = lab.site("paris", wan, 1, trunks=2), lab.site("london", wan, 2)
    wan.start()
    gws = [BgpGateway(x, bgp_conf(x, [peer(y.address)], [network(WEB, VLAN, VNI)],
                                  duplicate={"moves": N, "seconds": 180})) for x, y in ((paris, london), (london, paris))]
    gws[0].conf["access"].append({"name": "trunk1", **port("interface", "lan1", 1)})
    gws[0].write()
    wires = [Wire(paris.host(f"p{i}", VLAN, trunk=i).ns, "eth0") for i in range(2)]
    return SimpleNamespace(paris=paris, london=london, gws=gws, wires=wires)


def test_clone_behind_two_ports_is_frozen_until_cleared(own_lab):
    s = two_sites(own_lab)
    with open_all(*s.gws) as (gw, other):
        gw.wait_session(s.london.address)

        def places():
            return gw.mac(WEB, CLONE) or {}, other.mac(WEB, CLONE) or {}

        def speak(i):
            """Until it is there, or frozen; a worker does not report at once again what it has just reported."""
            def done():
                s.wires[i].send(garp(CLONE, "10.100.0.77"))
                return places()[0].get("duplicate") or places()[0].get("port") == PORTS[i]
            wait_for(done, 5, lambda: f"{places()}\n{gw.log[-2000:]}", interval=0.05)
            return places()[0].get("duplicate")

        turns = 0
        for i in itertools.islice(itertools.cycle(range(2)), 3 * N):
            if speak(i):
                break
            turns += 1
        assert turns == N, turns  # learned, and moved N - 1 times
        here, there = places()
        line = gw.wait_log(rf"duplicate MAC {CLONE} in network {WEB}: {N} moves, held at port .*")[0]
        assert all(p in line for p in PORTS) and f"clear duplicate {CLONE}" in line, line
        assert CLONE in gw.ctl_run("show", "macs", "--duplicates").stdout
        assert len(here["recent_moves"]) == N, here
        assert there["vtep"] == s.paris.address and not there["duplicate"], there  # it is still reached
        # Both go on talking: nothing moves. Another one, learned later on each cable, says that they were heard.
        for n in range(10):
            s.wires[n % 2].send(garp(CLONE, "10.100.0.77"))
        for i, mac in enumerate(("02:5a:00:00:00:78", "02:5a:00:00:00:79")):
            s.wires[i].send(garp(mac, f"10.100.0.{78 + i}"))
            gw.wait_mac(WEB, mac, PORTS[i])
        now = places()
        assert now[0]["port"] == here["port"] and now[0]["moves"] == here["moves"], now
        assert now[1]["sequence"] == there["sequence"], now
        # One is shut down, and an operator says so.
        left = 1 - PORTS.index(here["port"])
        gw.ask("clear duplicate", mac=CLONE)
        assert not speak(left)
        other.wait_mac(WEB, CLONE, s.paris.address)


def test_macs_of_a_port_without_link_are_withdrawn(own_lab):
    """Whoever is behind a cable that is cut is not reached: peers are told so, and learn it again when it speaks. What is
    only moved from one socket to the next costs nothing."""
    s = two_sites(own_lab)
    macs = {p: f"02:5a:00:00:01:{i:02x}" for i, p in enumerate(PORTS)}
    with open_all(*s.gws) as (gw, other):
        gw.wait_session(s.london.address)

        def all_speak():
            for i, p in enumerate(PORTS):
                s.wires[i].send(garp(macs[p], f"10.100.0.{50 + i}"))
            return all((gw.mac(WEB, macs[p]) or {}).get("port") == p for p in PORTS)

        for far, dev in ((s.paris.switch, "lan1"), (s.paris.ns, "lan1")):  # no carrier; administratively down
            wait_for(all_speak, 10, lambda: f"both known: {gw.macs(WEB)}", interval=0.1)
            for mac in macs.values():
                other.wait_mac(WEB, mac, s.paris.address)
            far.ip(f"link set {dev} down")
            other.gone(WEB, macs["trunk1"])
            assert gw.mac(WEB, macs["trunk1"]) is None
            assert gw.mac(WEB, macs["trunk0"])["port"] == "trunk0"
            assert other.mac(WEB, macs["trunk0"])["vtep"] == s.paris.address
            gw.wait_log("trunk1: no link: its ")  # and what the kernel of the far end said
            far.ip(f"link set {dev} up")
        wait_for(all_speak, 10, lambda: f"both known again: {gw.macs(WEB)}", interval=0.1)
        other.wait_mac(WEB, macs["trunk1"], s.paris.address)
        entry = gw.mac(WEB, macs["trunk1"])
        assert not entry["duplicate"] and entry["recent_moves"] == [], entry
        # The interface vanishes, and one of its name is made anew, which is not the one that was opened.
        s.paris.ns.ip("link del lan1")
        other.gone(WEB, macs["trunk1"])
        assert gw.alive() and gw.mac(WEB, macs["trunk0"])["port"] == "trunk0"
