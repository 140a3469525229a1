# SPDX-License-Identifier: BSD-3-Clause
"""The Linux kernel's own vxlan device as the other VTEP, over IPv4 and IPv6, and tshark as the judge of our frames."""
import json
import os
import signal
from types import SimpleNamespace

import pytest
from scapy.all import Ether, Raw

from gateway import AF_PACKET, INTERFACE, Gateway, gateway_conf, network
from lab import Lab, LinuxVtep
from netns import wait_for, run
from stream import Stream
from wire import Wire, between, udp4

BROADCAST = "ff:ff:ff:ff:ff:ff"
JUMBO = 9000
JUMBO_WAN = 9100
# net_af_packet takes one frame per ring slot, and a block is whole slots and whole pages.
JUMBO_ARGS = ",framesz=9216,blocksz=36864,framecnt=512"


def settle(s):
    for a, b in ((s.a, s.b), (s.b, s.a)):
        a.reaches(b)
        a.reaches(b.ip6)


@pytest.fixture(scope="module", params=["interface-ipv4", "interface-ipv6", "af_packet-ipv4", "af_packet-ipv6"])
def s(request):
    kind, family = request.param.split("-")
    ip6 = family == "ipv6"
    with Lab() as lab:
        wan = lab.wan(delay=100)
        paris = lab.site("paris", wan, 1, wan_kernel=kind == INTERFACE)
        linux = LinuxVtep(lab, "linux", wan, 2)
        wan.start()
        at, linux_at = (paris.address6, linux.address6) if ip6 else (paris.address, linux.address)
        linux.network(10100, [at], ip6=ip6)
        linux.network(10200, [at], ip6=ip6)
        if kind == AF_PACKET:
            paris.detach_kernel("lan0")
        s = SimpleNamespace(
            lab=lab, paris=paris, linux=linux, ip6=ip6, at=at, linux_at=linux_at, wan=wan,
            a=paris.host("a", 100, "10.100.0.1/24", "fd00:100::1/64"),
            b=linux.host("b", 10100, "10.100.0.2/24", "fd00:100::2/64"),
            c=linux.host("c", 10200, "10.100.0.3/24"))
        conf = gateway_conf(paris, [network("web", 100, 10100, linux_at), network("db", 200, 10200, linux_at)], ip6=ip6,
                            underlay=kind, access=kind)
        with Gateway(paris, conf) as s.gw:
            s.gw.wait_vtep(linux_at)
            settle(s)
            yield s


@pytest.mark.parametrize("size", [0, 56, 1472])
def test_ping(s, size):
    for a, b in ((s.a, s.b), (s.b, s.a)):
        ping = a.ping(b, count=5, size=size, fragment=False)
        assert ping.complete, ping.text


def test_arp(s):
    for a, b in ((s.a, s.b), (s.b, s.a)):
        s.a.forget_neighbours()
        s.b.forget_neighbours()
        assert a.ping(b, count=1).received == 1
        assert a.ns.ip_json("neigh", "show", b.ip)[0]["lladdr"] == b.mac


def test_neighbour_discovery(s):
    for a, b in ((s.a, s.b), (s.b, s.a)):
        s.a.forget_neighbours()
        s.b.forget_neighbours()
        assert a.ping(b.ip6, count=3).complete
        assert a.ns.ip_json("-6", "neigh", "show", b.ip6)[0]["lladdr"] == b.mac


@pytest.mark.parametrize("reverse", [False, True])
def test_tcp(s, reverse):
    end = s.a.iperf(s.b, reverse=reverse)
    assert end["sum_received"]["bits_per_second"] > 20e6


@pytest.mark.parametrize("reverse", [False, True])
def test_udp(s, reverse):
    s.a.reaches(s.b)
    with Stream(*((s.b, s.a) if reverse else (s.a, s.b)), rate=1000, size=1200) as stream:
        stream.goes_on(500)
    assert len(stream.lost()) < stream.sent / 100 and not stream.twice, (len(stream.lost()), stream.sent, stream.twice)


@pytest.mark.parametrize("dst", [BROADCAST, "01:00:5e:01:02:03", "33:33:00:00:00:42"])
def test_groups_both_ways(s, dst):
    wire_a, wire_b = Wire(s.a.ns, "eth0"), Wire(s.b.ns, "eth0")
    for here, there, host in ((wire_a, wire_b, s.a), (wire_b, wire_a, s.b)):
        frame = Ether(src=host.mac, dst=dst, type=0x88b6) / Raw(b"\x22" * 60)
        out, = between(here, [frame] * 3, Ether(src=host.mac, dst=BROADCAST, type=0x88b5), {there: True})
        assert len([f for f in out if b"\x22" * 60 in f]) == 3
    wire_a.close()
    wire_b.close()


def test_other_vni_stays_apart(s):
    assert s.a.ping(s.c, count=1, wait=0.3).received == 0


def test_mac_tables_agree(s):
    s.a.reaches(s.b)
    s.gw.wait_mac("web", s.b.mac, s.linux_at)
    fdb = json.loads(s.linux.ns.run("bridge", "-j", "fdb", "show", "dev", "vx10100").stdout)
    assert any(e["mac"] == s.a.mac and e.get("dst") == s.at for e in fdb), fdb


def test_kernel_traffic_beside_vxlan(s):
    """The VTEP's address answers the other machine as if nothing had been taken from the port."""
    s.linux.ns.run("ping", "-n", "-c", 3, "-i", 0.05, "-W", 1, s.at)


def test_capture_that_tshark_reads(s):
    """ARP, ND, ICMP, TCP and UDP inside of our packets: nothing malformed, no warning, checksums right."""
    path = s.lab.file("wan.pcap")
    dump = s.wan.ns.start("tcpdump", "-i", "paris", "-U", "-w", path, "--immediate-mode", "-Q", "in", "udp", "port", "4789")
    wait_for(lambda: os.path.exists(path) and os.path.getsize(path) >= 24, 20, "tcpdump writes")
    s.a.forget_neighbours()
    s.a.ping(s.b, count=3)
    s.a.ping(s.b.ip6, count=3)
    s.a.iperf(s.b, udp=True, bitrate="1M", length=1000, seconds=1)
    dump.send_signal(signal.SIGINT)
    dump.wait(20)
    read = ["tshark", "-n", "-r", path, "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-o",
            "tcp.check_checksum:TRUE"]
    # Expert group "sequence" (0x02000000) is how the inner TCP fares, not how our frames are made.
    bad = run(*read, "-Y", "_ws.malformed || (_ws.expert.severity >= 0x600000 && !(_ws.expert.group == 0x02000000))",
              timeout=60).stdout
    assert bad == "", bad
    inner = run(*read, "-T", "fields", "-e", "frame.protocols", timeout=60).stdout
    for name in ("vxlan:eth:ethertype:arp", "vxlan:eth:ethertype:ip:icmp", "vxlan:eth:ethertype:ipv6:icmpv6",
                 "vxlan:eth:ethertype:ip:tcp", "vxlan:eth:ethertype:ip:udp"):
        assert name in inner, name
    vni = set(run(*read, "-T", "fields", "-e", "vxlan.vni", timeout=60).stdout.split())
    assert vni == {"10100"}


@pytest.mark.parametrize("ip6", [False, True])
def test_jumbo_frames(own_lab, ip6):
    """9000-byte packets of the VLAN. One AF_XDP buffer cannot hold them; net_af_packet can."""
    wan = own_lab.wan()
    paris = own_lab.site("paris", wan, 1, mtu=JUMBO, wan_mtu=JUMBO_WAN, wan_kernel=False)
    linux = LinuxVtep(own_lab, "linux", wan, 2, mtu=JUMBO, wan_mtu=JUMBO_WAN)
    wan.start()
    at, linux_at = (paris.address6, linux.address6) if ip6 else (paris.address, linux.address)
    linux.network(10100, [at], ip6=ip6)
    paris.detach_kernel("lan0")
    a = paris.host("a", 100, "10.100.0.1/24", "fd00:100::1/64")
    b = linux.host("b", 10100, "10.100.0.2/24", "fd00:100::2/64")
    conf = gateway_conf(paris, [network("web", 100, 10100, linux_at)], ip6=ip6, underlay=AF_PACKET, access=AF_PACKET,
                        mtu=JUMBO_WAN)
    conf["underlay"]["port"]["dpdk"] += JUMBO_ARGS
    conf["access"][0]["dpdk"] += JUMBO_ARGS
    conf["access"][0]["mtu"] = JUMBO
    with Gateway(paris, conf) as gw:
        gw.wait_vtep(linux_at)
        a.reaches(b)
        for host, other in ((a, b), (b, a)):
            assert host.ping(other, size=JUMBO - 28, fragment=False).complete
            host.reaches(other.ip6)
            assert host.ping(other.ip6, size=JUMBO - 48, fragment=False).complete
        assert a.iperf(b)["sum_received"]["bits_per_second"] > 20e6
        big = Ether(src=a.mac, dst=b.mac) / udp4("10.100.0.1", "10.100.0.2", size=JUMBO - 28)
        wire_a, wire_b = Wire(a.ns, "eth0"), Wire(b.ns, "eth0")
        out, = between(wire_a, [big], Ether(src=a.mac, dst=BROADCAST, type=0x88b5), {wire_b: True})
        assert bytes(big) in out
        wire_a.close()
        wire_b.close()
