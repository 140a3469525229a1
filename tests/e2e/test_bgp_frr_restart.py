# SPDX-License-Identifier: BSD-3-Clause
"""FRR as the one that restarts gracefully (R2.7, RFC 4724): its bgpd is killed, alone or with zebra, while its kernel goes
on forwarding, and we are the helper. When bgpd dies alone, zebra takes our MACs out of the kernel, so only frames towards
it get through; and it forgets no MAC that goes meanwhile, so only with zebra too is there something to sweep."""
import contextlib
import time
from types import SimpleNamespace

import pytest
from scapy.all import Ether, Raw

from bgp import ASN, VLAN, VNI, BgpGateway, bgp_conf
from dump import Capture, faults
from frr import FrrVtep
from netns import wait_for
from wire import Wire

WEB = "web"
GHOST = "06:00:00:00:00:05"  # a MAC at FRR's site that will be gone when bgpd is back


@contextlib.contextmanager
def site_pair(lab, restart_s, keeps=True):
    """Paris and FRR with graceful restart on. keeps: it says that its forwarding state survives."""
    wan = lab.wan(delay=100)
    paris = lab.site("paris", wan, 1)
    lines = ["bgp graceful-restart", f"bgp graceful-restart restart-time {restart_s}"]
    lines += ["bgp graceful-restart preserve-fw-state"] if keeps else []
    frr = FrrVtep(lab, "frr", wan, 2, neighbors=[f"{paris.address} remote-as {ASN}"], lines=lines)
    wan.start()
    frr.network(VNI)
    s = SimpleNamespace(lab=lab, wan=wan, linux=frr, frr=frr.frr, at=paris.address, frr_at=frr.address,
                        a=paris.host("a", VLAN, "10.100.0.1/24"), b=frr.host("b", VNI, "10.100.0.2/24"))
    with Capture(wan, lab.file("bgp.pcap")) as s.pcap, BgpGateway(paris, bgp_conf(paris, [frr.address])) as s.gw:
        frr.start()
        s.gw.wait_session(frr.address)
        s.a.reaches(s.b, 10, wait=0.2)
        frr.add_macs(VNI, s.b.port, [GHOST])
        for mac in (s.b.mac, GHOST):
            s.gw.wait_mac(WEB, mac, frr.address)
        yield s


def stale(s):
    return {r["mac"] for r in s.gw.routes(2) if r["stale"]}


def crash(s, *daemons):
    s.frr.kill(*daemons)
    s.gw.wait_log("session down, its routes are kept for a while: connection lost")
    assert stale(s) >= {s.b.mac, GHOST}


def frames_arrive(a, b, count=50):
    """From one host to another: all of them, without anybody asking for anything."""
    tag = b"after the crash"
    with contextlib.closing(Wire(a.ns, "eth0")) as wire, contextlib.closing(Wire(b.ns, "eth0")) as there:
        for _ in range(count):
            wire.send(Ether(src=a.mac, dst=b.mac, type=0x88b6) / Raw(tag + bytes(50)))
        there.packets(lambda p: tag in bytes(p), count)


@pytest.mark.parametrize("daemons", [("bgpd",), ("zebra", "bgpd")], ids="-".join)
def test_R2_7_frr_crashes_and_comes_back(own_lab, daemons):
    with site_pair(own_lab, 30) as s:
        before, both = s.gw.mac(WEB, s.b.mac), len(daemons) > 1
        crash(s, *daemons)
        frames_arrive(s.a, s.b)
        if both:
            frames_arrive(s.b, s.a)
        assert s.gw.vtep(s.frr_at)["networks"] == 1  # flooded to, too
        if both:
            s.linux.delete_macs(s.b.port, [GHOST])
        assert s.gw.mac(WEB, GHOST)["vtep"] == s.frr_at
        s.frr.start(*daemons)
        s.gw.wait_session(s.frr_at)
        s.gw.wait_log("session established.*, after a restart")
        # What came again stayed in place; what did not is swept by the End-of-RIB.
        if both:
            s.gw.gone(WEB, GHOST)
            s.gw.wait_log(r"1 stale routes dropped")
        wait_for(lambda: not stale(s), 10, lambda: s.gw.routes(2))
        assert s.gw.peer(s.frr_at)["sessions"]["ends_of_rib"] == 2
        after = s.gw.mac(WEB, s.b.mac)
        assert after["moves"] == before["moves"] and after["since_s"] >= before["since_s"], (before, after)
        restart = s.gw.peer(s.frr_at)["negotiated"]["graceful_restart"]
        assert restart["peer_restarted"] and restart["peer_kept_forwarding"], restart
        assert not restart["we_restarted"] and restart["we_kept_forwarding"], restart
        s.b.reaches(s.a, wait=0.2)
        assert s.a.ping(s.b).complete
        wrong = faults(s.pcap, s.at)
        assert wrong == "", wrong


def test_R2_7_frr_crashes_and_stays_away(own_lab):
    """The time that it asked for, and no more."""
    with site_pair(own_lab, 3) as s:
        start = time.monotonic()
        crash(s, "bgpd")
        frames_arrive(s.a, s.b)
        s.gw.wait_log("the time for its stale routes is over", timeout=6)
        assert time.monotonic() - start >= 2.5
        for mac in (s.b.mac, GHOST):
            s.gw.gone(WEB, mac, 1)
        wait_for(lambda: not s.gw.routes(3)[1:], 2, lambda: s.gw.routes(3))  # ours alone
        # Later than that, it is a peer like any other.
        s.frr.start("bgpd")
        s.gw.wait_mac(WEB, s.b.mac, s.frr_at, timeout=15)
        assert not stale(s)


def test_R2_7_frr_comes_back_without_its_forwarding_state(own_lab):
    """RFC 4724 section 4.2: then nothing of old waits for the End-of-RIB."""
    with site_pair(own_lab, 30, keeps=False) as s:
        crash(s, "zebra", "bgpd")
        s.linux.delete_macs(s.b.port, [GHOST])
        s.frr.start()
        s.gw.wait_session(s.frr_at)
        s.gw.wait_log(r"[3-9] stale routes dropped")  # more than the one that did not come back
        s.gw.wait_mac(WEB, s.b.mac, s.frr_at)
        assert s.gw.mac(WEB, GHOST) is None and not stale(s)
