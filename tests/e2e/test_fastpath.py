# SPDX-License-Identifier: BSD-3-Clause
"""The fast path on a running gateway: what it carries, what it leaves to the worker, and that it goes on while nobody is
there: killed, restarted, stopped and told to persist."""
import contextlib
import itertools
import json
import os
import socket
import struct
import time
from types import SimpleNamespace

import pytest
from scapy.all import ARP, Ether, Raw

from bgp import VLAN, VNI, BgpGateway, bgp_conf, peer
from gateway import CAUSEWAYCTL, Gateway, gateway_conf, network
from lab import BPFFS, Lab, open_all
from netns import run, wait_for
from stream import Stream
from wire import Wire

WEB = "web"
RESTARTS = 10


# ---- two sites

def build(lab, trunks=2, **bgp):
    wan = lab.wan()
    s = SimpleNamespace(lab=lab, wan=wan, paris=lab.site("paris", wan, 1, trunks=trunks), london=lab.site("london", wan, 2))
    wan.start()
    s.a = s.paris.host("a", VLAN, "10.100.0.1/24")
    s.b = s.london.host("b", VLAN, "10.100.0.2/24")
    for site, other in ((s.paris, s.london), (s.london, s.paris)):
        conf = bgp_conf(site, [peer(other.address)], **bgp)
        if site is s.paris:
            conf["access"].append({"name": "trunk1", "interface": "lan1"})
        conf["fastpath"]["mode"] = "on"  # whatever the other tests run with
        setattr(s, f"gw_{site.name}", BgpGateway(site, conf))
    s.gateways = (s.gw_paris, s.gw_london)
    return s


def sessions(s):
    s.gw_paris.wait_session(s.london.address)
    s.gw_london.wait_session(s.paris.address)


def settle(s):
    sessions(s)
    s.a.reaches(s.b, wait=0.2)
    s.b.reaches(s.a, wait=0.2)
    s.gw_paris.wait_mac(WEB, s.b.mac, s.london.address)
    s.gw_london.wait_mac(WEB, s.a.mac, s.paris.address)
    for a, b in ((s.a, s.b), (s.b, s.a)):
        a.ping(b, count=5, interval=0.01)


@contextlib.contextmanager
def two_sites():
    with Lab() as lab:
        s = build(lab)
        with open_all(*s.gateways):
            settle(s)
            yield s


@pytest.fixture(scope="module")
def shared():
    """For tests that leave it as it was."""
    with two_sites() as s:
        yield s


@pytest.fixture
def s():
    with two_sites() as s:
        yield s


def fast(gw):
    return gw.ask("show fastpath")


def ports(gw):
    return {p["port"]: p for p in fast(gw)["ports"]}


def punts(gw):
    return {p["reason"]: p["count"] for p in fast(gw)["punts"]}


def pinned(gw):
    """What is pinned of a gateway."""
    directory = os.path.join(gw.conf["fastpath"]["dir"], gw.conf["gateway"])
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def xdp_on(ns, dev):
    """Id of the XDP program on an interface; None: there is none."""
    return (ns.ip_json("link", "show", dev)[0].get("xdp") or {}).get("prog", {}).get("id")


def counted(gw):
    """What the fast path has counted over all its processes: words of the pinned maps that are not zero, by map and key."""
    result = {}
    for name in ("fp_port_count", "fp_net_count", "fp_drop_count"):
        path = os.path.join(gw.conf["fastpath"]["dir"], gw.conf["gateway"], name)
        for e in json.loads(run("/usr/sbin/bpftool", "-j", "map", "dump", "pinned", path).stdout):
            cpus = [bytes(int(x, 16) for x in v["value"]) for v in e["values"]]
            words = [sum(w) for w in zip(*(struct.unpack(f"<{len(c) // 8}Q", c) for c in cpus))]
            if any(words):
                result[name, int.from_bytes(bytes(int(x, 16) for x in e["key"]), "little")] = words
    return result


# ---- what it carries

def test_a_stream_is_carried(shared):
    s = shared
    before = {gw: (fast(gw), gw.counters()) for gw in s.gateways}
    with Stream(s.a, s.b) as there, Stream(s.b, s.a) as back:
        there.goes_on(1000)
        back.goes_on()
    assert not there.lost() and not back.lost() and there.twice == back.twice == 0
    for gw in s.gateways:
        now, (was, counters) = fast(gw), before[gw]
        carried, by_worker = (now[k] - was[k] for k in ("carried", "by_worker"))
        assert carried >= there.sent + back.sent, (carried, there.sent, back.sent)
        assert by_worker < 0.02 * carried, punts(gw)
        assert now["state"] == "on" and now["pinned"] and now["sees_lost"] and all(p["mode"] == "native" for p in now["ports"])
        assert {p["program"] for p in now["ports"]} == {"fp_access", "fp_wan"}
        # One truth: the same frames in the counters of network, VTEP and port, and they add up.
        net, vtep = gw.counters()["networks"][0], gw.counters()["vteps"][0]
        least = min(there.sent, back.sent)
        for name in ("access_in_unicast", "access_out_unicast", "wan_in_unicast", "wan_out_unicast"):
            assert net[name]["frames"] - counters["networks"][0][name]["frames"] >= least, name
        assert vtep["rx"]["frames"] - counters["vteps"][0]["rx"]["frames"] >= least
        assert vtep["tx"]["frames"] - counters["vteps"][0]["tx"]["frames"] >= least
        wait_for(lambda gw=gw: len(set(gw.balance())) == 1, 5, gw.balance)
        status = gw.ask("show status")["fastpath"]
        assert status["state"] == "on" and status["share_percent"] > 90
        assert "carried" in gw.ctl_run("show", "fastpath").stdout


def test_what_the_worker_keeps(shared):
    """ARP, broadcast, unknown and new ones: each to the worker, under its name."""
    s = shared
    was = punts(s.gw_paris)
    wire = Wire(s.a.ns, "eth0")
    new = "02:f0:00:00:00:01"
    wire.send(Ether(src=s.a.mac, dst=s.b.mac) / ARP(op=1, hwsrc=s.a.mac, psrc=s.a.ip, pdst=s.b.ip),
              Ether(src=s.a.mac, dst="ff:ff:ff:ff:ff:ff", type=0x88b6) / Raw(bytes(50)),
              Ether(src=s.a.mac, dst="02:f0:00:00:00:99", type=0x88b6) / Raw(bytes(50)),
              Ether(src=new, dst=s.b.mac, type=0x88b6) / Raw(bytes(50)))
    s.gw_london.wait_mac(WEB, new, s.paris.address)
    now = punts(s.gw_paris)
    for reason in ("neighbour", "group", "unknown", "source"):
        assert now.get(reason, 0) > was.get(reason, 0), (reason, now)
    wire.close()


def test_one_that_is_used_by_the_fast_path_alone_does_not_age(own_lab):
    s = build(own_lab)
    for gw in s.gateways:
        gw.conf["networks"][0]["ageing"] = 6
        gw.conf["networks"][0]["proxy"] = False
        gw.write()
    with open_all(*s.gateways):
        settle(s)
        for h, other in ((s.a, s.b), (s.b, s.a)):
            h.ns.ip(f"neigh replace {other.ip} lladdr {other.mac} nud permanent dev eth0")
        wire = Wire(s.a.ns, "eth0")
        idle = "02:f0:00:00:00:02"
        wire.send(Ether(src=idle, dst=s.b.mac, type=0x88b6) / Raw(bytes(50)))
        s.gw_paris.wait_mac(WEB, idle, "trunk0")
        with Stream(s.a, s.b, rate=50) as stream:
            # Who is silent goes after its time; by then the other has been silent for the worker as long.
            s.gw_paris.gone(WEB, idle, timeout=30)
            since = s.gw_paris.mac(WEB, s.a.mac)["since_s"]
            assert since > 5 and s.gw_paris.mac(WEB, s.a.mac)["age_s"] <= 1
        assert not stream.lost()
        wire.close()


def test_a_move_under_a_stream(shared):
    """A host moves to the other site while the fast path carries what is sent to it: no frame is the worker's for long."""
    s = shared
    vm = SimpleNamespace(name="vm", mac=s.lab.mac())
    here, there = s.paris.host("vp", VLAN, mac=vm.mac, trunk=1), s.london.host("vl", VLAN, mac=vm.mac)
    for h in (here, there):
        h.ns.quiet("eth0")  # where it is not it says nothing
    wires = {x: Wire(x.ns, "eth0") for x in (here, there, s.a)}
    talk = Ether(src=vm.mac, dst="ff:ff:ff:ff:ff:ff", type=0x88b6) / Raw(bytes(50))
    numbers = itertools.count()

    def send(n):
        first = next(numbers)
        frames = [Ether(src=s.a.mac, dst=vm.mac, type=0x88b6) / Raw(struct.pack("!I", i) + bytes(60))
                  for i in range(first, first + n)]
        for _ in range(n - 1):
            next(numbers)
        wires[s.a].send(*frames)
        return {f[Raw].load[:4] for f in frames}

    def arrive(at, wanted):
        got = set()
        for p in wires[at].packets(lambda p: p.dst == vm.mac and p[Raw].load[:4] in wanted, len(wanted)):
            got.add(p[Raw].load[:4])
        assert got == wanted

    for place, gw, wanted in 2 * ((here, s.gw_paris, "trunk1"), (there, s.gw_london, "trunk0")):
        wires[place].send(talk)
        gw.wait_mac(WEB, vm.mac, wanted)
        if gw is s.gw_london:
            s.gw_paris.wait_mac(WEB, vm.mac, s.london.address)
        arrive(place, send(5))  # the first one is the worker's: it is told when it left
        was = fast(s.gw_paris)["carried"]
        arrive(place, send(100))
        assert fast(s.gw_paris)["carried"] - was >= 100
    for w in wires.values():
        w.close()


# ---- it goes on

def test_killed_ten_times_under_a_stream(s, record_property):
    """kill -9 of both daemons, again and again: frames go on in both directions, while they are away, while they start, and
    while they find each other."""
    for h in (s.a, s.b):
        other = s.b if h is s.a else s.a
        h.ns.ip(f"neigh replace {other.ip} lladdr {other.mac} nud permanent dev eth0")
    with Stream(s.a, s.b) as there, Stream(s.b, s.a) as back:
        ends = []  # what had been sent when they were killed, and when they were started
        for _ in range(RESTARTS):
            ends.append((there.sent, back.sent))
            for gw in s.gateways:
                gw.kill()
            there.goes_on(100)
            back.goes_on()
            ends.append((there.sent, back.sent))
            for gw in s.gateways:
                gw.start()
            sessions(s)
            for gw in s.gateways:
                wait_for(lambda gw=gw: not fast(gw)["taken_over"]["waiting"], 15, lambda gw=gw: fast(gw))
                assert fast(gw)["taken_over"]["macs_here"] >= 1 and fast(gw)["taken_over"]["dropped"] == 0
        there.goes_on()
        back.goes_on()
    record_property("seen", f"both daemons killed {RESTARTS} times: of {there.sent} and {back.sent} frames {len(there.lost())} and "
                            f"{len(back.lost())} were lost")
    assert not there.lost() and not back.lost(), \
        (there.lost()[:50], back.lost()[:50], ends, s.wan.counters(), {gw.name: counted(gw) for gw in s.gateways})
    for gw, mac in ((s.gw_paris, s.a.mac), (s.gw_london, s.b.mac)):
        assert gw.mac(WEB, mac)["port"] == "trunk0" and gw.mac(WEB, mac)["advertised"]
        assert all(p["taken_over"] for p in ports(gw).values())
    for gw, other in ((s.gw_paris, s.london), (s.gw_london, s.paris)):
        assert gw.peer(other.address)["negotiated"]["graceful_restart"]["peer_kept_forwarding"]  # RFC 4724: F


def test_killed_and_known_hosts_open_connections(s):
    """While no daemon is there the fast path carries also what a worker wants to see: hosts keep each other's addresses, and
    open connections."""
    for gw in s.gateways:
        gw.kill()
    for h, other in ((s.a, s.b), (s.b, s.a)):
        h.ns.ip(f"neigh replace {other.ip} lladdr {other.mac} nud probe dev eth0")  # asks it, and no other
        wait_for(lambda h=h, other=other: "REACHABLE" in h.ns.ip_json("neigh", "show", other.ip)[0]["state"], 5,
                 lambda h=h: h.ns.ip_json("neigh"))
    with s.b.ns.entered():
        listener = socket.create_server((s.b.ip, 7700))
    with s.a.ns.entered():
        client = socket.create_connection((s.b.ip, 7700), timeout=5)
    server, _ = listener.accept()
    with contextlib.closing(listener), contextlib.closing(client), contextlib.closing(server):
        client.sendall(b"here")
        server.settimeout(5)
        assert server.recv(10) == b"here"


def test_after_a_restart_unknown_addresses_are_flooded(s):
    """Whose IP is whose is not kept: until the peers or the hosts say it again a question goes to all sites, as it would
    without a proxy, and the host itself answers."""
    s.gw_paris.kill()
    s.gw_paris.conf["bgp"]["peers"][0]["password"] = "another"  # so nothing comes from there
    s.gw_paris.write()
    s.gw_paris.start()
    assert fast(s.gw_paris)["taken_over"]["waiting"]
    assert not [n for n in s.gw_paris.ask("show neighbors")["neighbors"] if n["ip"] == s.b.ip]
    s.a.ns.ip("neigh flush dev eth0")
    s.a.reaches(s.b)
    assert s.gw_paris.ask("show bgp peers")["peers"][0]["state"] != "Established"


@pytest.mark.parametrize("ip6", [False, True], ids=["ipv4", "ipv6"])
def test_killed_with_static_peers(own_lab, ip6):
    """Without BGP what was learned from a static peer is learned still, and nothing has to be waited for."""
    wan = own_lab.wan()
    paris, london = own_lab.site("paris", wan, 1), own_lab.site("london", wan, 2)
    a, b = paris.host("a", VLAN, "10.100.0.1/24"), london.host("b", VLAN, "10.100.0.2/24")
    wan.start()
    at = {x: x.address6 if ip6 else x.address for x in (paris, london)}
    gateways = []
    for x, other in ((paris, london), (london, paris)):
        conf = gateway_conf(x, [network(WEB, VLAN, VNI, at[other])], ip6=ip6)
        conf["fastpath"]["mode"] = "on"
        gateways.append(Gateway(x, conf))
    with open_all(*gateways):
        for gw, other in zip(gateways, (london, paris)):
            gw.wait_vtep(at[other])
        a.reaches(b, wait=0.2)
        for h, other in ((a, b), (b, a)):
            h.ns.ip(f"neigh replace {other.ip} lladdr {other.mac} nud permanent dev eth0")
        with Stream(a, b) as there, Stream(b, a) as back:
            for gw in gateways:
                gw.kill()
            there.goes_on(100)
            for gw, here, remote, peer_at in ((gateways[0], a, b, at[london]), (gateways[1], b, a, at[paris])):
                gw.start()
                assert gw.mac(WEB, here.mac)["port"] == "trunk0"
                assert gw.mac(WEB, remote.mac)["vtep"] == peer_at and gw.mac(WEB, remote.mac)["origin"] == "remote"
                wait_for(lambda gw=gw: not fast(gw)["taken_over"]["waiting"], 5)
            there.goes_on()
            back.goes_on()
        assert not there.lost() and not back.lost()


def test_a_host_that_left_meanwhile(s):
    """What an earlier process knew and nobody confirms is gone when the peers have told all."""
    wire = Wire(s.b.ns, "eth0")
    lost = "02:f0:00:00:00:03"
    wire.send(Ether(src=lost, dst=s.a.mac, type=0x88b6) / Raw(bytes(50)))
    s.gw_paris.wait_mac(WEB, lost, s.london.address)
    s.gw_paris.kill()
    s.gw_london.ask("clear macs", mac=lost)
    s.gw_paris.start()
    sessions(s)
    wait_for(lambda: not fast(s.gw_paris)["taken_over"]["waiting"], 15)
    assert fast(s.gw_paris)["taken_over"]["dropped"] == 1
    assert s.gw_paris.mac(WEB, lost) is None
    assert s.gw_paris.mac(WEB, s.b.mac)["vtep"] == s.london.address
    wire.close()


def test_a_link_that_went_down_meanwhile(s):
    """Whom an earlier process knew behind it is not said to be there for longer than behind any port without link."""
    s.gw_london.wait_mac(WEB, s.a.mac, s.paris.address)
    s.gw_paris.kill()
    s.paris.switch.ip("link set lan0 down")
    try:
        s.gw_paris.start()
        sessions(s)
        s.gw_london.gone(WEB, s.a.mac)
        assert s.gw_paris.mac(WEB, s.a.mac) is None
    finally:
        s.paris.switch.ip("link set lan0 up")
    s.a.reaches(s.b)


def test_killed_after_a_reload(s):
    """The next start finds ports, networks and static peers in another order than they have in the file."""
    for h, other in ((s.a, s.b), (s.b, s.a)):
        h.ns.ip(f"neigh replace {other.ip} lladdr {other.mac} nud permanent dev eth0")
    s.gw_paris.conf["access"].reverse()
    s.gw_paris.conf["networks"].insert(0, network("other", 7, 10007, "198.18.0.77"))
    s.gw_paris.write()
    assert s.gw_paris.ask("reload")["applied"]
    with Stream(s.a, s.b) as there, Stream(s.b, s.a) as back:
        s.gw_paris.kill()
        there.goes_on(100)
        s.gw_paris.start()
        sessions(s)
        wait_for(lambda: not fast(s.gw_paris)["taken_over"]["waiting"], 15, lambda: fast(s.gw_paris))
        there.goes_on()
        back.goes_on()
    assert not there.lost() and not back.lost(), (there.lost()[:50], back.lost()[:50])
    assert fast(s.gw_paris)["taken_over"]["macs_here"] == 1 and "are forgotten" not in s.gw_paris.log
    assert s.gw_paris.mac(WEB, s.a.mac)["port"] == "trunk0"


def test_ids_that_mean_something_else(s):
    """A killed gateway comes back with another port: no frame leaves by a wrong one."""
    trunk1 = s.gw_paris.conf["access"].pop()
    s.gw_paris.write()
    assert s.gw_paris.ask("reload")["applied"]
    s.gw_paris.kill()
    s.gw_paris.conf["access"].insert(0, trunk1)
    s.gw_paris.write()
    s.gw_paris.start()
    assert "are forgotten: it was configured otherwise" in s.gw_paris.log
    sessions(s)
    s.a.reaches(s.b)
    assert fast(s.gw_paris)["carried"] > 0


def test_stop(s):
    """SIGTERM takes everything away."""
    assert pinned(s.gw_paris)
    s.gw_paris.stop()
    assert not pinned(s.gw_paris) and pinned(s.gw_london)
    assert xdp_on(s.paris.ns, "lan0") is None and xdp_on(s.paris.ns, "wan0") is None
    assert "PROMISC" not in s.paris.ns.ip_json("link", "show", "lan0")[0]["flags"]
    s.gw_london.gone(WEB, s.a.mac)


def test_stop_with_persist(own_lab):
    """A stop leaves traffic flowing as a kill does, and the peers are not told of it."""
    s = build(own_lab)
    for gw in s.gateways:
        gw.conf["fastpath"]["persist"] = True
        gw.write()
    with open_all(*s.gateways):
        settle(s)
        for h, other in ((s.a, s.b), (s.b, s.a)):
            h.ns.ip(f"neigh replace {other.ip} lladdr {other.mac} nud permanent dev eth0")
        with Stream(s.a, s.b) as there, Stream(s.b, s.a) as back:
            s.gw_paris.stop()
            s.gw_london.wait_no_session(s.paris.address)
            there.goes_on(200)
            back.goes_on(200)
            assert s.gw_london.mac(WEB, s.a.mac)["vtep"] == s.paris.address
            s.gw_paris.start()
            sessions(s)
            there.goes_on()
            back.goes_on()
        assert not there.lost() and not back.lost()
        # And with other words: off takes away what it finds.
        s.gw_paris.stop()
        assert pinned(s.gw_paris)
        s.gw_paris.conf["fastpath"]["mode"] = "off"
        s.gw_paris.write()
        s.gw_paris.start()
        assert not pinned(s.gw_paris) and fast(s.gw_paris)["state"] == "off"
        settle(s)


def test_ports_that_dpdk_drives_change_places(own_lab):
    """Killed, and started with them the other way round in the file: each has its own MACs, before anybody speaks."""
    s = build(own_lab, trunks=3)
    ports = [{"name": f"vm{n}", "dpdk": f"net_af_packet{n},iface=lan{n}"} for n in (1, 2)]
    hosts = {p["name"]: s.paris.host(f"h{n}", VLAN, f"10.100.0.1{n}/24", trunk=n) for n, p in enumerate(ports, 1)}
    for n in (1, 2):
        s.paris.detach_kernel(f"lan{n}")
    s.gw_paris.conf["access"][1:] = ports
    s.gw_paris.write()
    with open_all(*s.gateways):
        settle(s)
        for name, host in hosts.items():
            host.reaches(s.b, wait=0.2)
            s.gw_paris.wait_mac(WEB, host.mac, name)
            host.ns.ip("link set eth0 down")
        s.gw_paris.kill()
        s.gw_paris.conf["access"][1:] = ports[::-1]
        s.gw_paris.write()
        s.gw_paris.start()
        assert "are forgotten" not in s.gw_paris.log
        for name, host in hosts.items():
            assert s.gw_paris.mac(WEB, host.mac)["port"] == name


# ---- detached

def test_detach(s):
    """With a running gateway: no frame is lost by it."""
    with Stream(s.a, s.b) as there:
        was = s.gw_paris.counters()["ports"]
        assert s.gw_paris.ctl("fastpath", "detach")["state"] == "detached"
        there.goes_on(200)
        carried = fast(s.gw_paris)["carried"]
        there.goes_on(200)
        assert fast(s.gw_paris)["carried"] == carried and not pinned(s.gw_paris)
        assert all(x["rx"]["frames"] <= y["rx"]["frames"] for x, y in zip(was, s.gw_paris.counters()["ports"]))
    assert not there.lost()
    assert s.gw_paris.ctl_run("fastpath", "detach").returncode == 1
    s.gw_paris.restart()
    settle(s)
    assert fast(s.gw_paris)["state"] == "on"


def test_detach_before_the_peers_have_told_all(s):
    """What is kept for a peer stays until it has told all: the worker goes on with it, and drops what nobody confirms."""
    wire = Wire(s.b.ns, "eth0")
    lost = "02:f0:00:00:00:04"
    for h, other in ((s.a, s.b), (s.b, s.a)):
        h.ns.ip(f"neigh replace {other.ip} lladdr {other.mac} nud permanent dev eth0")
    wire.send(Ether(src=lost, dst=s.a.mac, type=0x88b6) / Raw(bytes(50)))
    s.gw_paris.wait_mac(WEB, lost, s.london.address)
    s.gw_paris.kill()
    s.gw_london.ask("clear macs", mac=lost)
    with Stream(s.a, s.b) as there, Stream(s.b, s.a) as back:
        there.goes_on()
        s.gw_london.kill()
        s.gw_paris.start()
        s.gw_paris.ctl("fastpath", "detach")
        assert fast(s.gw_paris)["taken_over"]["waiting"]
        there.goes_on(100)
        back.goes_on(100)
    assert not there.lost() and not back.lost()
    s.gw_london.start()
    sessions(s)
    wait_for(lambda: not fast(s.gw_paris)["taken_over"]["waiting"], 15)
    assert fast(s.gw_paris)["taken_over"]["dropped"] == 1
    wire.close()
    s.gw_paris.restart()
    settle(s)


def test_detach_of_a_dead_gateway(s):
    directory = s.lab.file(BPFFS)

    def detach(name):
        return s.paris.ns.run(CAUSEWAYCTL, "fastpath", "detach", "--gateway", name, "--dir", directory, check=False)

    assert detach("london-1").returncode == 1  # it runs
    s.gw_paris.kill()
    assert pinned(s.gw_paris) and xdp_on(s.paris.ns, "wan0")
    done = detach("paris-1")
    assert done.returncode == 0, done.stderr
    assert not pinned(s.gw_paris) and xdp_on(s.paris.ns, "lan0") is None and xdp_on(s.paris.ns, "wan0") is None
    assert detach("paris-1").returncode == 1  # nothing is left
    s.gw_paris.start()
    settle(s)


# ---- redirect that cannot work

def test_no_redirect_target(shared):
    """The switch's end of the trunk takes no redirected frames any more: they go by the worker, and nobody is cut off."""
    s = shared
    with Stream(s.b, s.a) as stream:  # what is lost until it is noticed has a number
        run("ip", "-n", s.paris.switch.full, "link", "set", "lan0", "xdp", "off")
        wait_for(lambda: not ports(s.gw_paris)["trunk0"]["target"], 5)
    assert stream.lost()
    wait_for(lambda: ports(s.gw_paris)["trunk0"]["lost"] == len(stream.lost()), 5,
             lambda: (ports(s.gw_paris)["trunk0"], len(stream.lost())))
    assert "redirected" in ports(s.gw_paris)["trunk0"]["no_target"]
    assert s.b.ping(s.a, count=20, interval=0.01).complete
    assert punts(s.gw_paris)["no_redirect"] >= 20
    assert ports(s.gw_paris)["underlay"]["target"]
    s.lab.take_redirected(s.paris.switch, "lan0")
    wait_for(lambda: ports(s.gw_paris)["trunk0"]["target"], 20)
    was = ports(s.gw_paris)["trunk0"]["carried_out"]["frames"]
    assert s.b.ping(s.a, count=20, interval=0.01).complete
    assert ports(s.gw_paris)["trunk0"]["carried_out"]["frames"] - was >= 20


def test_a_link_that_is_down(shared):
    s = shared
    s.paris.switch.ip("link set lan0 down")
    wait_for(lambda: ports(s.gw_paris)["trunk0"].get("no_target") == "link down", 5, lambda: ports(s.gw_paris))
    s.paris.switch.ip("link set lan0 up")
    wait_for(lambda: ports(s.gw_paris)["trunk0"]["target"], 5)
    s.b.reaches(s.a)


# ---- whether it can be had

def test_without_a_bpffs(own_lab):
    """It works, ends with the process, and says so."""
    site = own_lab.site("paris", own_lab.wan(), 1)
    conf = gateway_conf(site, [network(WEB, VLAN, VNI, "198.18.0.2")])
    conf["fastpath"] = {"mode": "on", "dir": own_lab.file("plain")}
    with Gateway(site, conf) as gw:
        shown = fast(gw)
        assert shown["state"] == "on" and not shown["pinned"] and shown["why_not_pinned"]
        gw.kill()
        wait_for(lambda: xdp_on(site.ns, "lan0") is None, 5)


def test_another_gateway_of_the_same_name(own_lab):
    """Two gateways on one machine do not meet; two of one name are told so."""
    wan = own_lab.wan()
    paris, rome = own_lab.site("paris", wan, 1), own_lab.site("rome", wan, 2)
    confs = [gateway_conf(x, [network(WEB, VLAN, VNI)]) for x in (paris, rome)]
    for c in confs:
        c["gateway"] = "edge"
        c["fastpath"]["mode"] = "on"
    with Gateway(paris, confs[0]):
        second = Gateway(rome, confs[1]).spawn()
        assert second.process.wait(20) == 1
        assert "fastpath is on, but cannot be had" in second.log


# ---- many

def test_100000_macs(own_lab, record_property):
    """They are in the maps, found by the programs, and taken over."""
    n = 100000
    wan = own_lab.wan()
    site = own_lab.site("paris", wan, 1, trunks=2)
    conf = gateway_conf(site, [network(WEB, VLAN, VNI, "198.18.0.2", mac_limit="unlimited", unknown_unicast="drop")], trunks=2)
    conf["dataplane"]["max_macs"] = 131072
    conf["fastpath"]["mode"] = "on"
    host, other = site.host("h", VLAN), site.host("o", VLAN, trunk=1)
    with Gateway(site, conf) as gw, contextlib.closing(Wire(host.ns, "eth0")) as wire, \
            contextlib.closing(Wire(other.ns, "eth0")) as far:
        def mac(i):
            return b"\x02\xf1\x00" + i.to_bytes(3, "big")

        def learn(numbers):
            with host.ns.entered():
                tx = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
                tx.bind(("eth0", 0))
            for k, i in enumerate(numbers):
                tx.send(b"\x02\xf2\x00\x00\x00\x01" + mac(i) + b"\x88\xb6" + bytes(46))
                if k % 500 == 499:
                    time.sleep(0.005)  # the worker's ring is shorter than that
            tx.close()

        def have():
            return fast(gw)["maps"]["macs"]

        learn(range(n))
        for _ in range(10):
            with contextlib.suppress(AssertionError):
                wait_for(lambda: have() >= n, 2)
            if have() >= n:
                break
            known = {m for m in gw.macs(WEB)}
            learn([i for i in range(n) if ":".join(f"{b:02x}" for b in mac(i)) not in known])
        assert have() >= n

        def carried():
            sample = range(0, n, 997)
            was = fast(gw)["carried"]
            source = gw.lab.mac()
            far.send(Ether(src=source, dst="ff:ff:ff:ff:ff:ff", type=0x88b6) / Raw(bytes(46)))
            gw.wait_mac(WEB, source, "trunk1")
            wire.drain()
            far.send(*[Ether(src=source, dst=mac(i), type=0x88b6) / Raw(b"carried" + bytes(40)) for i in sample])
            wire.packets(lambda p: b"carried" in bytes(p), len(sample))
            assert fast(gw)["carried"] - was >= len(sample)

        carried()
        gw.kill()
        begin = time.monotonic()
        gw.start()
        record_property("seen", f"{n} MACs taken over, and ready {time.monotonic() - begin:.1f} s after the start")
        assert fast(gw)["taken_over"]["macs_here"] >= n and fast(gw)["taken_over"]["dropped"] == 0
        carried()
