# SPDX-License-Identifier: BSD-3-Clause
"""Peers that do not behave, beside a session that must not notice: garbage, half messages, strangers, too many routes.
Each one must be named in the log, with what was wrong."""
import itertools
import os
import struct
from types import SimpleNamespace

import pytest

from bgp import ASN, KEEPALIVE, OPEN, REFRESH, UPDATE, VLAN, VNI, BgpGateway, RawPeer, attribute, bgp_conf, peer
from dump import Capture, faults, tshark
from gateway import network
from lab import Lab, open_all
from netns import wait_for

WEB = "web"
FIRST, LAST = 11, 60  # last octets of the addresses that raw peers may have
LIMITED = 61          # the one with a limit of routes
STRANGER = 99
LIMIT = 10


@pytest.fixture(scope="module")
def s():
    """Paris, London, and a machine with many addresses, each of which is a peer of Paris."""
    with Lab() as lab:
        wan = lab.wan(delay=100)
        paris, london = lab.site("paris", wan, 1), lab.site("london", wan, 2)
        raw = lab.netns("raw")
        wan.attach(raw, "wan0", "raw")
        addresses = [f"198.18.0.{n}" for n in range(FIRST, LAST + 1)]
        raw.ip(*[f"addr add {x}/24 dev wan0" for x in (*addresses, f"198.18.0.{LIMITED}", f"198.18.0.{STRANGER}")])
        wan.start()
        peers = [peer(london.address)] + [peer(x, passive=True) for x in addresses]
        peers += [peer(f"198.18.0.{LIMITED}", passive=True, max_prefixes=LIMIT)]
        a, b = paris.host("a", VLAN, "10.100.0.1/24"), london.host("b", VLAN, "10.100.0.2/24")
        gw = BgpGateway(paris, bgp_conf(paris, peers, hold_time=3))
        other = BgpGateway(london, bgp_conf(london, [paris.address], hold_time=3))
        fresh = iter(addresses)
        with Capture(wan, lab.file("bgp.pcap")) as pcap, open_all(gw, other):
            gw.wait_session(london.address)
            a.reaches(b, wait=0.2)
            s = SimpleNamespace(lab=lab, wan=wan, pcap=pcap, gw=gw, other=other, a=a, b=b, at=paris.address, london=london.address)
            s.fresh = lambda: next(fresh)
            s.connect = lambda source=None, **kw: RawPeer(raw, source or next(fresh), paris.address, **kw)
            yield s


@pytest.fixture(autouse=True)
def the_others_do_not_notice(s):
    drops = {gw.name: gw.drops() for gw in (s.gw, s.other)}
    yield
    assert s.other.log.count("session established") == 1, s.other.log
    assert s.gw.established(s.london)
    assert s.gw.mac(WEB, s.b.mac)["origin"] == "evpn"
    ping = s.a.ping(s.b)
    assert ping.complete, (ping.text, {gw.name: {k: v - drops[gw.name][k] for k, v in gw.drops().items() if v != drops[gw.name][k]}
                                       for gw in (s.gw, s.other)}, s.wan.counters())


def name(p):
    return p.socket.getsockname()[0].replace(".", r"\.")


def test_good_raw_peer(s):
    """So that the bad ones below are known to fail for what is bad about them."""
    with s.connect() as p:
        p.establish()
        at = p.socket.getsockname()[0]
        p.send(p.type3(at) + p.type2("02:dd:00:00:00:01", at))
        s.gw.wait_mac(WEB, "02:dd:00:00:00:01", at)
        p.send(p.type2("02:dd:00:00:00:01", at, reach=False))
        s.gw.gone(WEB, "02:dd:00:00:00:01")


def test_stranger(s):
    try:
        with s.connect(f"198.18.0.{STRANGER}") as p:
            p.send(p.open_message())
            assert p.closed()
    except ConnectionResetError:  # even before connect() has returned, on a busy machine
        pass
    s.gw.wait_log(rf"connection from 198\.18\.0\.{STRANGER} refused: it is no peer's address")


def test_half_message_then_silence(s):
    """The hold timer ends it, and the log says that there was something on its way."""
    with s.connect(hold=3) as p:
        p.establish()
        p.send(p.message(UPDATE, bytes(200))[:100])
        assert p.notification() == (4, 0)
        s.gw.wait_log(rf"{name(p)}: .*hold timer expired.*unfinished message")


def test_half_message_then_end(s):
    with s.connect() as p:
        p.establish()
        p.send(p.message(UPDATE, bytes(200))[:100])
        p.close()
    s.gw.wait_log(r"connection lost.*unfinished message")


def test_half_open_message(s):
    with s.connect() as p:
        p.send(p.open_message()[:25])
        p.close()


@pytest.mark.parametrize("kind", ["zeros", "random", "ones"])
def test_garbage_instead_of_open(s, kind):
    data = {"zeros": bytes(4096), "random": os.urandom(4096), "ones": b"\xff" * 4096}[kind]
    with s.connect() as p:
        p.send(data)
        p.closed()
        s.gw.wait_log(rf"{name(p)}: .*(Message Header Error|OPEN Message Error)")


@pytest.mark.parametrize("kind", ["zeros", "random"])
def test_garbage_in_a_session(s, kind):
    with s.connect() as p:
        p.establish()
        p.send(bytes(4096) if kind == "zeros" else os.urandom(4096))
        assert p.notification() == (1, 1)
        s.gw.wait_log(rf"{name(p)}: .*Connection Not Synchronized")


@pytest.mark.parametrize("size", [0, 18, 4097, 65535])
def test_length_out_of_range(s, size):
    with s.connect() as p:
        p.establish()
        p.send(b"\xff" * 16 + struct.pack("!HB", size, KEEPALIVE) + bytes(64))
        assert p.notification() == (1, 2)


def test_unknown_message_type(s):
    with s.connect() as p:
        p.establish()
        p.send(p.message(77))
        assert p.notification() == (1, 3)


def test_wrong_as(s):
    with s.connect(asn=ASN + 5) as p:
        p.send(p.open_message())
        assert p.notification() == (2, 2)
        s.gw.wait_log(rf"{name(p)}: the peer says it is AS {ASN + 5}")


def test_our_own_router_id(s):
    with s.connect(router_id="198.18.0.1") as p:
        p.send(p.open_message())
        assert p.notification() == (2, 3)


def test_hold_time_of_one_second(s):
    with s.connect(hold=1) as p:
        p.send(p.open_message())
        assert p.notification() == (2, 6)


def test_update_before_the_session_is_up(s):
    with s.connect() as p:
        p.send(p.open_message())
        p.expect(OPEN)
        p.send(p.message(UPDATE, bytes(4)))
        assert p.notification()[0] == 5


def test_two_connections_at_once(s):
    """R2.3: the session that is up stays, and the second connection hears why it goes."""
    with s.connect() as first:
        first.establish()
        source = first.socket.getsockname()[0]
        with s.connect(source) as second:
            second.send(second.open_message())
            assert second.notification() == (6, 7)
        first.send(first.type2("02:dd:00:00:00:02", source))
        s.gw.wait_mac(WEB, "02:dd:00:00:00:02", source)
        assert s.gw.established(source)
    s.gw.gone(WEB, "02:dd:00:00:00:02")


def test_too_many_routes(s):
    """R2.6: a warning at 80 %, the end above the limit, and nothing of it stays."""
    with s.connect(f"198.18.0.{LIMITED}") as p:
        p.establish()
        at = p.socket.getsockname()[0]
        macs = [f"02:de:00:00:00:{n:02x}" for n in range(LIMIT + 1)]
        for m in macs[:LIMIT]:
            p.send(p.type2(m, at))
        s.gw.wait_mac(WEB, macs[LIMIT - 1], at)
        s.gw.wait_log(rf"{name(p)}: more than 80 % of its limit")
        p.send(p.type2(macs[LIMIT], at))
        assert p.notification() == (6, 1)
        s.gw.wait_log(rf"{name(p)}: .*more routes than its limit")
        for m in macs:
            s.gw.gone(WEB, m)


def good_after_bad(s, p, bad, mac="02:df:00:00:00:01"):
    """R2.2: after `bad` the session lives and takes what is good."""
    at = p.socket.getsockname()[0]
    p.send(bad + p.type2(mac, at))
    s.gw.wait_mac(WEB, mac, at)
    p.send(p.type2(mac, at, reach=False))
    s.gw.gone(WEB, mac)


def test_bad_attribute_withdraws_the_routes_only(s):
    """RFC 7606: ORIGIN 9 in an announcement of a route that was good before."""
    mac = "02:df:00:00:00:02"
    with s.connect() as p:
        p.establish()
        at = p.socket.getsockname()[0]
        p.send(p.type2(mac, at))
        s.gw.wait_mac(WEB, mac, at)
        p.send(p.type2(mac, at).replace(attribute(0x40, 1, b"\x00"), attribute(0x40, 1, b"\x09")))
        s.gw.gone(WEB, mac)
        s.gw.wait_log(rf"{name(p)}: UPDATE with errors")
        good_after_bad(s, p, b"")


def test_unknown_route_types_and_families_are_stepped_over(s):
    with s.connect() as p:
        p.establish()
        at = p.socket.getsockname()[0]
        rt = struct.pack("!BBHI", 0, 2, ASN, 10100)
        unknown = [p.evpn(kind, os.urandom(size), at, rt) for kind, size in ((1, 25), (4, 23), (5, 34), (1, 7), (4, 0), (5, 33),
                                                                             (6, 20), (11, 30), (200, 0), (255, 255))]
        other_family = p.update(attribute(0x80, 15, struct.pack("!HB", 1, 1) + b"\x18\x0a\x00\x00"))
        good_after_bad(s, p, b"".join(unknown) + other_family)


def test_bad_routes_harm_nobody(s):
    """MACs and VTEPs that cannot be: none of them gets into the table."""
    macs = itertools.count(1)
    with s.connect() as p:
        p.establish()
        at = p.socket.getsockname()[0]
        for mac, vtep in (("ff:ff:ff:ff:ff:ff", at), ("01:00:5e:00:00:01", at), ("00:00:00:00:00:00", at),
                          ("02:df:01:00:00:01", "0.0.0.0"), ("02:df:01:00:00:02", "255.255.255.255"),
                          ("02:df:01:00:00:03", "224.0.0.1"), ("02:df:01:00:00:04", "127.0.0.1"),
                          ("02:df:01:00:00:05", s.at)):
            good_after_bad(s, p, p.type2(mac, vtep), f"02:df:02:00:00:{next(macs):02x}")
            assert s.gw.mac(WEB, mac) is None, (mac, vtep)
        # Another network's target.
        good_after_bad(s, p, p.type2("02:df:01:00:00:09", at, rt=struct.pack("!BBHI", 0, 2, ASN, 777)))
        assert s.gw.mac(WEB, "02:df:01:00:00:09") is None


def ignored(s, p, reason):
    rows = s.gw.peer(p.socket.getsockname()[0])["received"]["ignored"]
    return next((r["count"] for r in rows if r["reason"] == reason), 0)


def test_R3_1_label_of_another_vni(s):
    """This network's target with another network's label, or none: frames with our VNI are not what that VTEP wants."""
    m = "02:df:01:00:00:0a"
    with s.connect() as p:
        p.establish()
        at = p.socket.getsockname()[0]
        for n, label in enumerate((4242, 0, VNI << 4), 1):
            p.send(p.type2(m, at))
            s.gw.wait_mac(WEB, m, at)
            good_after_bad(s, p, p.type2(m, at, label=label), "02:df:02:01:00:01")
            assert s.gw.mac(WEB, m) is None, label
            assert ignored(s, p, "label") == n
            row = s.gw.ask("show routes", mac=m)["routes"][0]
            assert (row["ignored"], row["vni"], row["network"], row["best"]) == ("label", label, None, False)
        good_after_bad(s, p, p.type3(at, label=999), "02:df:02:01:00:02")
        assert ignored(s, p, "label") == 4
        peers = s.gw.ask("show networks", network=WEB)["networks"][0]["peers"]
        assert [x["vtep"] for x in peers] == [s.london]
        p.send(p.type3(at))
        wait_for(lambda: len(s.gw.ask("show networks", network=WEB)["networks"][0]["peers"]) == 2, 5, "its VTEP is flooded to")


def test_routes_without_end_and_slow_reading(s):
    """A peer that sends and never reads: 2,000 changes of one MAC, while the others go on."""
    with s.connect() as p:
        p.establish()
        at = p.socket.getsockname()[0]
        for n in range(1000):
            p.send(p.type2("02:df:00:00:00:03", at) + p.type2("02:df:00:00:00:03", at, reach=False))
        p.send(p.type2("02:df:00:00:00:04", at))
        wait_for(lambda: s.gw.mac(WEB, "02:df:00:00:00:04"), 10, "the last of them is there")
        assert s.gw.mac(WEB, "02:df:00:00:00:03") is None


def test_higher_sequence_of_a_peer_takes_a_local_mac_and_gives_it_back(s):
    """R4.3, R4.5: told that the MAC is elsewhere, and then it speaks here."""
    with s.connect() as p:
        p.establish()
        at = p.socket.getsockname()[0]
        p.send(p.type2(s.a.mac, at, sequence=70))
        s.gw.wait_mac(WEB, s.a.mac, at)
        s.a.reaches(s.b, wait=0.2)
        s.gw.wait_mac(WEB, s.a.mac, "trunk0")
        assert int(s.gw.mac(WEB, s.a.mac)["sequence"]) == 71
        s.other.wait_mac(WEB, s.a.mac, s.at)
        p.send(p.type2(s.a.mac, at, reach=False))
        good_after_bad(s, p, b"")
        assert s.gw.mac(WEB, s.a.mac)["port"] == "trunk0"


def test_R4_4_two_gateways_of_one_segment(s):
    """Which of the two is used changes, and that is no move; without the segment it is one."""
    mac, esi = "02:df:00:00:00:05", bytes.fromhex("00112233445566778899")
    with s.connect() as p, s.connect() as q:
        at = [x.establish().socket.getsockname()[0] for x in (p, q)]
        for segment, moves in ((esi, 0), (bytes(10), 2)):
            q.send(q.type2(mac, at[1], esi=segment))
            s.gw.wait_mac(WEB, mac, at[1])
            p.send(p.type2(mac, at[0], esi=segment))  # the lower address
            s.gw.wait_mac(WEB, mac, at[0])
            p.send(p.type2(mac, at[0], reach=False, esi=segment))
            row = s.gw.wait_mac(WEB, mac, at[1])
            assert int(row["moves"]) == moves, row
            q.send(q.type2(mac, at[1], reach=False, esi=segment))
            s.gw.gone(WEB, mac)


def test_R4_8_sticky_route_takes_a_local_mac_and_the_log_says_so(s):
    m = s.a.mac
    with s.connect() as p:
        p.establish()
        at = p.socket.getsockname()[0]
        s.a.reaches(s.b, wait=0.2)
        s.gw.wait_mac(WEB, m, "trunk0")
        p.send(p.type2(m, at, sticky=True))
        s.gw.wait_mac(WEB, m, at)
        s.gw.wait_log(rf"sticky MAC {m} .* held at port trunk0 and shows up at VTEP {name(p)}: it goes there")
        s.a.ping(s.b, count=1)
        s.gw.wait_log(rf"sticky MAC {m} .* held at VTEP {name(p)} and shows up at port trunk0: it stays")
        assert s.gw.mac(WEB, m).get("vtep") == at
        p.send(p.type2(m, at, reach=False))
        good_after_bad(s, p, b"")
    s.a.reaches(s.b, wait=0.2)
    s.gw.wait_mac(WEB, m, "trunk0")


def test_capture_that_tshark_reads(s):
    """What we said to all of them, NOTIFICATIONs too."""
    wrong = faults(s.pcap, s.at)
    assert wrong == "", wrong
    codes = tshark(s.pcap, "-Y", f"ip.src == {s.at} && bgp.type == 3", "-T", "fields", "-e", "bgp.notify.major_error")
    assert {"1", "2", "4", "5", "6"} <= set(codes.split()), codes


def test_peer_that_takes_no_data(own_lab):
    """It keeps talking and reads nothing while it asks for 20,000 MACs again and again: that costs a buffer, and the other
    peer is told of what is new all the while. (What ends its session, the send hold timer of RFC 9687, takes minutes.)"""
    wan = own_lab.wan(delay=100)
    paris, london = own_lab.site("paris", wan, 1), own_lab.site("london", wan, 2)
    raw = own_lab.netns("raw")
    wan.attach(raw, "wan0", "raw")
    raw.ip("addr add 198.18.0.9/24 dev wan0")
    wan.start()
    nets = [network(WEB, VLAN, VNI, mac_limit="unlimited")]
    a, b = paris.host("a", VLAN, "10.100.0.1/24"), london.host("b", VLAN, "10.100.0.2/24")
    confs = [bgp_conf(paris, [london.address, peer("198.18.0.9", passive=True)], nets),
             bgp_conf(london, [paris.address], nets)]
    for c in confs:
        c["dataplane"]["max_macs"] = 65536
    gws = [BgpGateway(x, c) for x, c in zip((paris, london), confs)]
    macs = [f"06:00:00:{i >> 16:02x}:{i >> 8 & 255:02x}:{i & 255:02x}" for i in range(20000)]
    with open_all(*gws), RawPeer(raw, "198.18.0.9", paris.address) as p, a.ns.raw_socket("eth0") as wire:
        gws[0].wait_session(london.address)
        a.reaches(b, wait=0.2)
        p.establish()

        def learn(part):
            for m in part:
                wire.send(bytes.fromhex("020000000099" + m.replace(":", "") + "88b6") + bytes(46))

        for first in range(0, len(macs), 500):
            learn(macs[first:first + 500])
            gws[0].wait_mac(WEB, macs[first], "trunk0")
        # Frames may be lost on a busy machine: not all must have come, but most.
        wait_for(lambda: len(gws[1].macs(WEB)) > 0.9 * len(macs), 10, lambda: f"{len(gws[1].macs(WEB))} MACs at London")
        refresh = p.message(REFRESH, b"\x00\x19\x00\x46")
        before, most = memory(gws[0]), 0
        for _ in range(200):
            p.send(refresh + p.message(KEEPALIVE))
            most = max(most, memory(gws[0]))
            if gws[0].peer("198.18.0.9")["connection"]["queued_bytes"]:
                break
        wait_for(lambda: gws[0].peer("198.18.0.9")["connection"]["queued_bytes"], 5, "the peer's window is full")
        new = "06:ff:00:00:00:01"
        learn([new])
        gws[1].wait_mac(WEB, new, paris.address, timeout=1)
        assert most - before < 8 << 20, f"{before >> 10} KiB became {most >> 10} KiB"
        assert gws[0].established("198.18.0.9") and gws[0].established(london.address)
        assert a.ping(b).complete


def memory(gw):
    with open(f"/proc/{gw.pid}/smaps_rollup", encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Private_")) << 10
