# SPDX-License-Identifier: BSD-3-Clause
"""Two sites whose gateways have two workers each: ports with one receive queue, with and without spreading by software,
and ports with two."""
import os
import re
import socket
import struct
import urllib.request
from types import SimpleNamespace

import pytest

from gateway import AF_PACKET, INTERFACE, NO_LIMITS, Gateway, gateway_conf, network
from lab import Lab
from netns import wait_for

CPUS = sorted(os.sched_getaffinity(0))
FLOWS, FRAMES = 16, 60
# Who owns the ports, arguments of the driver, spread
KINDS = {"interface": (INTERFACE, "", False), "interface_spread": (INTERFACE, "", True),
         "af_packet_spread": (AF_PACKET, "", True), "af_packet_2": (AF_PACKET, ",qpairs=2", False)}


def conf_of(site, other, kind, args, spread):
    conf = gateway_conf(site, [network("web", 100, 10100, other.address, limits=NO_LIMITS)], underlay=kind, access=kind)
    conf["dataplane"] |= {"workers": 2, "spread": spread}
    conf["fastpath"] = "off"
    conf["metrics"] = {"listen": "127.0.0.1:9469"}
    for port in (conf["underlay"]["port"], *conf["access"]):
        if "dpdk" in port:
            port["dpdk"] += args
    return conf


def pin(*pids):
    """Each thread stays on a CPU. The kernel has a queue on each for the frames that veth devices are given: what is sent before
    a change of the CPU may come out behind what is sent after it, and nobody in between has turned it round."""
    for pid in pids:
        for i, tid in enumerate(sorted(map(int, os.listdir(f"/proc/{pid}/task")))):
            os.sched_setaffinity(tid, {CPUS[i % len(CPUS)]})


@pytest.fixture(scope="module", params=KINDS)
def sites(request):
    kind, args, spread = KINDS[request.param]
    with Lab() as lab:
        wan = lab.wan(delay=200)
        paris = lab.site("paris", wan, 1, wan_kernel=kind == INTERFACE)
        london = lab.site("london", wan, 2, wan_kernel=kind == INTERFACE)
        wan.start()
        s = SimpleNamespace(a=paris.host("a", 100, "10.100.0.1/24"), b=london.host("b", 100, "10.100.0.2/24"),
                            c=paris.host("c", 100, "10.100.0.3/24"), paris=paris, london=london)
        if kind == AF_PACKET:
            paris.detach_kernel("lan0")
            london.detach_kernel("lan0")
        with Gateway(paris, conf_of(paris, london, kind, args, spread)) as s.gw1, \
                Gateway(london, conf_of(london, paris, kind, args, spread)) as s.gw2:
            s.gw1.wait_vtep(london.address)
            s.gw2.wait_vtep(paris.address)
            pin(wan.process.pid, s.gw1.pid, s.gw2.pid)
            s.a.reaches(s.b)
            s.c.reaches(s.b)
            yield s


def send_flows(frm, to, port):
    """Numbered datagrams of FLOWS flows, in turn: the numbers that came of each, in the order in which they came."""
    came = {n: [] for n in range(FLOWS)}
    with to.ns.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rx:
        rx.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        rx.bind((to.ip, port))
        rx.settimeout(2)
        with frm.ns.entered():
            tx = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(FLOWS)]
        os.sched_setaffinity(0, CPUS[:1])  # as in pin()
        try:
            for i in range(FRAMES):
                for n, s in enumerate(tx):
                    s.sendto(struct.pack("!HH", n, i) + bytes(60), (to.ip, port))
        finally:
            os.sched_setaffinity(0, CPUS)
        try:
            while sum(map(len, came.values())) < FLOWS * FRAMES:
                n, i = struct.unpack("!HH", rx.recv(100)[:4])
                came[n].append(i)
        except TimeoutError:
            pass
        for s in tx:
            s.close()
    return came


@pytest.mark.parametrize("there", [True, False])
def test_R1_2_flows_keep_their_order(sites, there):
    frm, to = (sites.a, sites.b) if there else (sites.b, sites.a)
    for attempt in range(5):  # a machine that is busy otherwise may lose some, but turn round none
        came = send_flows(frm, to, 7000 + attempt)
        for numbers in came.values():
            assert numbers == sorted(set(numbers))
        if sum(map(len, came.values())) == FLOWS * FRAMES:
            return
    raise AssertionError(f"each time some were lost: {came}")


def worker_frames(gw):
    with gw.ns.entered(), urllib.request.urlopen("http://127.0.0.1:9469/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return [int(n) for n in re.findall(r'^causeway_worker_frames_total\{worker="\d+"\} (\d+)$', text, re.M)]


def test_both_workers_work(sites):
    for gw in (sites.gw1, sites.gw2):
        assert gw.ask("show status")["worker"]["workers"] == 2
        assert "2, adaptive" in gw.ctl_run("show", "status").stdout
        before = worker_frames(gw)
        assert len(before) == 2
        for i in range(5):
            send_flows(sites.a, sites.b, 7100 + i)
            send_flows(sites.b, sites.a, 7100 + i)
        assert all(b > a for a, b in zip(before, worker_frames(gw))), (before, worker_frames(gw))


def test_counters_add_up(sites):
    for gw in (sites.gw1, sites.gw2):
        def equal(gw=gw):
            came, went = gw.balance()
            return came == went
        wait_for(equal, 5, lambda gw=gw: f"{gw.name}: {gw.balance()}")


def test_R6_1_a_host_moves_and_comes_back(sites):
    """Its frames come by either worker, and the gateways follow."""
    mac = sites.c.mac
    frame = bytes.fromhex("ffffffffffff" + mac.replace(":", "") + "0800") + bytes(50)
    for gw, host in ((sites.gw2, sites.b), (sites.gw1, sites.a)):
        with host.ns.raw_socket("eth0") as s:
            wait_for(lambda s=s, gw=gw: s.send(frame) and (gw.mac("web", mac) or {}).get("port") == "trunk0", 10,
                     lambda gw=gw: f"{gw.name}: {gw.macs('web')}")
    sites.c.reaches(sites.b)


def test_ends_cleanly(sites):
    for gw in (sites.gw1, sites.gw2):
        gw.stop()
