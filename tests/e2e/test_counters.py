# SPDX-License-Identifier: BSD-3-Clause
"""Counters add up: frames in + replicas + originated = frames out + drops + taken, for random traffic of every kind at
once."""
import os
import random
import signal

import pytest
from scapy.all import Ether, Raw

from gateway import AF_PACKET, INTERFACE, network
from netns import wait_for
from probe import BROADCAST, running_probe
from wire import udp4

OAM_MAC = "03:43:57:4f:41:4d"  # frames between gateways, with EtherType 0x88b6
VLANS = {100: 10100, 101: 10101, 102: 10102, 103: 10103}
COUNT = 2000


def conf(p):
    c = p.gateway_conf([
        network("web", 100, 10100, p.vtep(2), p.vtep(3), mac_limit=20),
        network("flooded", 101, 10101, p.vtep(2), unknown_unicast="flood"),
        network("limited", 102, 10102, p.vtep(2), limits={"broadcast": 0, "multicast": 0, "unknown_unicast": 0},
                unknown_unicast="flood"),
        network("lost", 103, 10103, p.vtep(2), p.vtep(77)),
        network("native", "untagged", 10001, p.vtep(3)),
    ])
    c["access"][1]["networks"] = ["web", "flooded"]
    return c


@pytest.fixture(params=[INTERFACE, AF_PACKET])
def p(request):
    with running_probe(conf, kind=request.param) as probe:
        yield probe


def random_frame(rng):
    macs = [f"02:aa:00:00:00:{i:02x}" for i in range(24)]
    dst = rng.choice([rng.choice(macs), BROADCAST, "01:00:5e:00:00:01", "01:80:c2:00:00:02", OAM_MAC,
                      "02:00:00:00:99:01"])
    src = rng.choice([*macs, *macs, "00:00:00:00:00:00"])
    if rng.random() < 0.5:
        return bytes(Ether(src=src, dst=dst) / udp4("10.0.0.1", "10.0.0.2", size=rng.randrange(1440)))
    return bytes(Ether(src=src, dst=dst, type=0x88b6) / Raw(rng.randbytes(rng.randrange(4, 100))))


def send_random(p, rng, n):
    """Some of everything, from all three cables, in amounts that no ring overflows."""
    for _ in range(n // 50):
        for _ in range(50):
            f = random_frame(rng)
            vlan = rng.choice([*VLANS, *VLANS, None, 999])
            where = rng.randrange(3)
            if where < 2:
                (p.lan0, p.lan1)[where].send(p.tagged(f, vlan))
            else:
                p.wan.send(p.outer(Raw(f), vni=VLANS.get(vlan, 10001 if vlan is None else 77),
                                   vtep=rng.choice([2, 2, 3, 5]), flags=rng.choice([8, 8, 8, 0])))
        p.from_lan0()


def counted(ports, way):
    return {p["port"]: p[way]["frames"] for p in ports}


def test_counters_add_up(p):
    rng = random.Random(7)
    before = p.gw.counters()
    send_random(p, rng, COUNT)
    wait_for(lambda: len({p.gw.balance() for _ in range(3)}) == 1, 5, p.gw.balance)
    frames_in, frames_out = p.gw.balance()
    assert frames_in == frames_out
    after = p.gw.counters()
    # What was sent is what was received: none was lost on the cables. (A TAP brings the kernel's own ARP as well.)
    received = sum(counted(after["ports"], "rx").values()) - sum(counted(before["ports"], "rx").values())
    sent = COUNT + COUNT // 50
    assert received == sent if p.kind == INTERFACE else received >= sent
    drops = {k: v - before["drops"][k] for k, v in after["drops"].items()}
    for reason in ("vlan_unknown", "link_local", "src_invalid", "limit_broadcast", "limit_multicast", "unknown_unicast",
                   "gateway_frame", "vtep_unresolved", "vni_unknown", "vtep_unknown", "vxlan_no_vni"):
        assert drops[reason] > 0, f"{reason}: {drops}"
    assert after["totals"]["drops"] == sum(after["drops"].values())
    assert after["totals"]["taken"] > 0
    assert p.gw.ask("show drops")["total"] == after["totals"]["drops"]


@pytest.mark.only("interface")  # net_af_packet's driver does not say what the kernel dropped
def test_what_the_worker_never_saw_is_counted(p):
    """A worker that does not come is a full receive queue: the frames beyond it are `missed`, at the port and in all."""
    def missed():
        return next(x for x in p.gw.ask("show ports")["ports"] if x["name"] == p.gw.conf["access"][0]["name"])["missed"]

    before, n = missed(), 6000
    rx = counted(p.gw.counters()["ports"], "rx")
    frame = p.tagged(bytes(Ether(src="02:aa:00:00:00:01", dst="02:aa:00:00:00:02") / Raw(bytes(46))))
    os.kill(p.gw.pid, signal.SIGSTOP)
    try:
        p.lan0.send(*[frame] * n)
    finally:
        os.kill(p.gw.pid, signal.SIGCONT)
    wait_for(lambda: missed() > before, 5)
    wait_for(lambda: sum(counted(p.gw.counters()["ports"], "rx").values()) - sum(rx.values()) + missed() - before >= n, 5,
             lambda: (missed() - before, counted(p.gw.counters()["ports"], "rx")))
    assert p.gw.ask("show drops")["missed"] >= missed() - before


def test_bytes_and_networks_and_vteps(p):
    """One known unicast frame and one broadcast, each way: counted where they passed, with their length."""
    p.learn(100, "02:aa:00:00:00:01")
    p.learn_remote("02:bb:00:00:00:01")
    unicast = bytes(Ether(src="02:aa:00:00:00:01", dst="02:bb:00:00:00:01") / Raw(bytes(86)))
    back = bytes(Ether(src="02:bb:00:00:00:01", dst="02:aa:00:00:00:01") / Raw(bytes(186)))

    def network_counters():
        return next(n for n in p.gw.counters()["networks"] if n["network"] == "web")

    def vtep_counters():
        return next(v for v in p.gw.counters()["vteps"] if v["vtep"] == p.vtep(2))

    net, vtep = network_counters(), vtep_counters()
    p.lan0.send(*[p.tagged(unicast)] * 5)
    p.wan.packets(lambda f: bytes(f).endswith(unicast), 5)
    p.wan.send(*[p.outer(Raw(back))] * 7)
    p.lan0.packets(lambda f: bytes(f) == p.tagged(back), 7)
    wait_for(lambda: network_counters()["access_out_unicast"]["frames"] - net["access_out_unicast"]["frames"] == 7, 5)
    now, vtep_now = network_counters(), vtep_counters()

    def grown(name):
        return now[name]["frames"] - net[name]["frames"]

    assert [grown(n) for n in ("access_in_unicast", "wan_out_unicast", "wan_in_unicast", "access_out_unicast")] \
        == [5, 5, 7, 7]
    assert all(grown(n) == 0 for n in now if n.endswith("flooded"))
    assert vtep_now["tx"]["frames"] - vtep["tx"]["frames"] == 5
    assert vtep_now["rx"]["frames"] - vtep["rx"]["frames"] == 7
    assert now["wan_in_unicast"]["bytes"] - net["wan_in_unicast"]["bytes"] == 7 * len(back)
    assert now["access_in_unicast"]["bytes"] - net["access_in_unicast"]["bytes"] == 5 * len(unicast)
