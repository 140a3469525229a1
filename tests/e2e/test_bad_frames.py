# SPDX-License-Identifier: BSD-3-Clause
"""Truncated, malformed and foreign frames: each gets its name among the drops, none comes out, and the gateway goes on.

The kernel sends no frame shorter than an Ethernet header; lengths 0 to 13 of the whole frame are for the flow tests,
which hand buffers to the worker directly.
"""
import random
import struct

import pytest
from scapy.all import IP, UDP, Ether, IPv6, Raw
from scapy.layers.inet6 import IPv6ExtHdrFragment

from gateway import INTERFACE, NO_LIMITS, network
from netns import wait_for
from probe import BROADCAST, HOST_A, REMOTE, VTEP_MACS, running_probe
from wire import udp4

LENGTHS = range(129)
ETH, IPV4, IPV6, UDP_LEN, VXLAN_LEN = 14, 20, 40, 8, 8


def conf(p):
    return p.gateway_conf([network("web", 100, 10100, p.vtep(2), ageing=0, limits=NO_LIMITS),
                           network("native", "untagged", 10001, p.vtep(2), ageing=0, limits=NO_LIMITS)])


@pytest.fixture(scope="module", params=["interface-ipv4", "af_packet-ipv4", "interface-ipv6", "af_packet-ipv6"])
def p(request):
    kind, family = request.param.split("-")
    with running_probe(conf, kind=kind, ip6=family == "ipv6") as probe:
        probe.learn(100, HOST_A)
        probe.learn_remote(REMOTE)
        yield probe


@pytest.fixture(autouse=True)
def still_forwards(p):
    """After each test frames pass both ways, and the gateway's process is the one it was."""
    pid = p.gw.pid
    yield
    assert p.gw.alive() and p.gw.pid == pid
    f = Ether(src=HOST_A, dst=REMOTE) / udp4("10.0.0.1", "10.0.0.2")
    assert len(p.from_lan0(p.tagged(f))[1]) == 1
    f = Ether(src=REMOTE, dst=HOST_A) / udp4("10.0.0.2", "10.0.0.1")
    assert p.from_wan(p.outer(f)) == ([p.tagged(f)], [])


def inner(size=64):
    return bytes(Ether(src=REMOTE, dst=HOST_A) / udp4("10.0.0.2", "10.0.0.1", size=size))


def good(p, payload=None, **kw):
    """A sound VXLAN packet, to be spoilt."""
    return bytearray(bytes(p.outer(Raw(payload if payload is not None else inner()), **kw)))


def ip_len(p):
    return IPV6 if p.ip6 else IPV4


def fix_lengths(p, frame, udp=True):
    """Lengths as the frame is, and the checksums that go with them."""
    e = Ether(bytes(frame))
    e = e.copy()
    ip = e[IPv6] if p.ip6 else e[IP]
    if p.ip6:
        ip.plen = len(frame) - ETH - IPV6
    else:
        ip.len = len(frame) - ETH
        del ip.chksum
    if udp and UDP in e:
        e[UDP].len = len(frame) - ETH - ip_len(p)
        if p.ip6:
            del e[UDP].chksum
    return bytes(e)[:len(frame)]


# ---- access side


@pytest.mark.only("interface")
def test_truncated_vlan_header(p):
    """The EtherType says 802.1Q and the tag is not there, wholly or in part."""
    frame = p.tagged(Ether(src=HOST_A, dst=BROADCAST) / Raw(bytes(50)))
    p.dropped_from_lan0("truncated", *[frame[:n] for n in range(14, 18)])


# The kernel at the far end of the cable drops what has a tag and less than two bytes behind it, before any socket
# sees it: 18 and 19 bytes of a tagged frame can be sent, but not observed.
OBSERVED = 20


def test_every_length_of_a_tagged_frame(p):
    """From a whole tag on, a frame is forwarded whatever it holds: the worker reads nothing beyond its end."""
    frame = p.tagged(Ether(src=HOST_A, dst=BROADCAST) / udp4("10.0.0.1", "10.0.0.2", size=128))
    with p.drops():
        lan1, wan = p.from_lan0(*[frame[:n] for n in range(18, max(LENGTHS) + 1)])
    assert lan1 == [frame[:n] for n in range(OBSERVED, max(LENGTHS) + 1)]
    at = ETH + ip_len(p) + UDP_LEN + VXLAN_LEN
    shortest = 18 if p.kind == INTERFACE else OBSERVED
    assert [f[at:] for f in wan] == [frame[:12] + frame[16:n] for n in range(shortest, max(LENGTHS) + 1)]


@pytest.mark.parametrize("kind", ["ipv4", "ipv6", "arp", "options", "nonsense"])
def test_every_length_of_an_untagged_frame(p, kind):
    start = bytes.fromhex("ffffffffffff") + bytes.fromhex(HOST_A.replace(":", ""))
    body = {"ipv4": b"\x08\x00\x45", "ipv6": b"\x86\xdd\x60", "arp": b"\x08\x06\x00", "options": b"\x08\x00\x4f",
            "nonsense": b"\x08\x00\xff"}[kind]
    frame = start + body + bytes([0x11] * 120)
    lan1, wan = p.from_lan0(*[frame[:n] for n in range(14, 129)])
    assert [len(f) for f in lan1] == list(range(14, 129)) and len(wan) == 115


def test_stacked_tags(p):
    frame = bytes(Ether(src=HOST_A, dst=BROADCAST) / udp4("10.0.0.1", "10.0.0.2"))
    for tags in (b"\x81\x00\x00\x64\x81\x00\x00\x64", b"\x81\x00\x00\x64\x88\xa8\x00\x64",
                 b"\x81\x00\x00\x64\x81\x00\x00\x64\x81\x00\x00\x64"):
        p.dropped_from_lan0("inner_tagged", frame[:12] + tags + frame[12:])


@pytest.mark.only("interface")
def test_stacked_tags_cut_short(p):
    frame = bytes(Ether(src=HOST_A, dst=BROADCAST))[:12] + b"\x81\x00\x00\x64\x81\x00\x00\x64\x08\x00"
    for n in range(18, len(frame)):
        p.dropped_from_lan0("inner_tagged", frame[:n])


@pytest.mark.only("interface")
def test_service_tag_is_no_vlan_of_ours(p):
    """802.1ad outside: an access port carries 802.1Q."""
    frame = bytes(Ether(src=HOST_A, dst=BROADCAST) / Raw(bytes(50)))
    before = sum(p.gw.drops().values())
    assert p.from_lan0(*[(frame[:12] + b"\x88\xa8\x00\x64" + frame[12:])[:n] for n in (14, 16, 18, 64)]) == ([], [])
    wait_for(lambda: sum(p.gw.drops().values()) == before + 4, 2, p.gw.drops)


@pytest.mark.parametrize("vlan", [1, 99, 101, 4094, 4095])
def test_unknown_vlans(p, vlan):
    p.dropped_from_lan0("vlan_unknown", p.tagged(Ether(src=HOST_A, dst=BROADCAST) / Raw(bytes(50)), vlan))


# ---- underlay side: cut short, headers still saying how long it was


def test_every_length_headers_unchanged(p):
    """A packet for us that ends before its IP header says is named so, from the first byte where it can be known to be
    ours; before that it is the kernel's or is named as well, and never comes out."""
    frame = good(p, inner(100))
    ours_from = ETH + ip_len(p) + 4
    for n in range(ETH, ours_from):
        assert p.from_wan(frame[:n]) == ([], []), f"{n} bytes"
    p.dropped_from_wan("outer_truncated", *[frame[:n] for n in range(ours_from, max(LENGTHS) + 1)])


def test_every_length_of_the_udp_payload(p):
    """All lengths right: 0 to 7 bytes are no VXLAN header, then 0 to 13 bytes are no Ethernet frame, the rest is one."""
    cut, short = [], []
    for n in range(VXLAN_LEN):
        cut.append(fix_lengths(p, good(p)[:ETH + ip_len(p) + UDP_LEN + n]))
    p.dropped_from_wan("vxlan_truncated", *cut)
    for n in range(ETH):
        short.append(good(p, inner()[:n]))
    p.dropped_from_wan("inner_truncated", *short)
    whole = [good(p, inner(100)[:n]) for n in range(ETH, max(LENGTHS) + 1)]
    with p.drops():
        lan0, lan1 = p.from_wan(*whole)
    assert lan0 == [p.tagged(inner(100)[:n]) for n in range(OBSERVED - 4, max(LENGTHS) + 1)] and not lan1


def test_every_length_of_udp(p):
    """The UDP length field: less than its header, less or more than what is there."""
    named, sound = {}, []
    for n in range(max(LENGTHS) + 1):
        frame = good(p, inner(80))
        there = len(frame) - ETH - ip_len(p)
        struct.pack_into("!H", frame, ETH + ip_len(p) + 4, n)
        if n < UDP_LEN or n > there:
            named.setdefault("outer_udp_length", []).append(frame)
        elif p.ip6 and n != there:
            named.setdefault("outer_udp_checksum", []).append(frame)
        elif n < UDP_LEN + VXLAN_LEN:
            named.setdefault("vxlan_truncated", []).append(frame)
        elif n < UDP_LEN + VXLAN_LEN + ETH:
            named.setdefault("inner_truncated", []).append(frame)
        else:
            sound.append((frame, p.tagged(inner(80)[:n - UDP_LEN - VXLAN_LEN])))
    for reason, frames in named.items():
        p.dropped_from_wan(reason, *frames)
    with p.drops():
        out = p.from_wan(*[f for f, _ in sound])[0]
    assert out == [f for _, f in sound if len(f) >= OBSERVED]


@pytest.mark.parametrize("value", [0x8000, 0xffff])
def test_udp_length_far_too_long(p, value):
    frame = good(p)
    struct.pack_into("!H", frame, ETH + ip_len(p) + 4, value)
    p.dropped_from_wan("outer_udp_length", frame)


def test_every_ip_length(p):
    """The IP length field, 0 to 128, in a frame that is longer: what is behind it is padding."""
    frame = good(p, inner(200))
    at = ETH + 4 if p.ip6 else ETH + 2
    header = 0 if p.ip6 else IPV4
    named = {"outer_truncated": [], "outer_udp_length": []}
    for n in range(max(LENGTHS) + 1):
        f = bytearray(frame)
        struct.pack_into("!H", f, at, n)
        if not p.ip6:
            struct.pack_into("!H", f, ETH + 10, 0)
            struct.pack_into("!H", f, ETH + 10, ip_checksum(f[ETH:ETH + IPV4]))
        named["outer_truncated" if n < header else "outer_udp_length"].append(f)  # UDP still says the old length
    for reason, frames in named.items():
        p.dropped_from_wan(reason, *frames)


@pytest.mark.parametrize("extra", [1, 18, 100])
def test_padding_behind_the_ip_packet_is_ignored(p, extra):
    assert p.from_wan(bytes(good(p)) + b"\xaa" * extra)[0] == [p.tagged(inner())]


def test_ip_length_far_too_long(p):
    frame = good(p)
    struct.pack_into("!H", frame, ETH + 4 if p.ip6 else ETH + 2, 0xffff)
    p.dropped_from_wan("outer_truncated", frame)


# ---- IPv4 and IPv6 of their own


def ip_checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", bytes(header)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


@pytest.mark.only("ipv4")
def test_ipv4_header_checksum(p):
    frames = []
    for bit in (1, 0x100, 0x8000):
        f = good(p)
        old, = struct.unpack_from("!H", f, ETH + 10)
        struct.pack_into("!H", f, ETH + 10, old ^ bit)
        frames.append(f)
    p.dropped_from_wan("outer_ip_checksum", *frames)


@pytest.mark.only("ipv4")
def test_ipv4_options(p):
    frames = []
    for n in range(1, 11):
        f = good(p)
        f[ETH] = 0x45 + n
        f[ETH + IPV4:ETH + IPV4] = b"\x01" * (4 * n)
        struct.pack_into("!H", f, ETH + 2, len(f) - ETH)
        struct.pack_into("!H", f, ETH + 10, 0)
        struct.pack_into("!H", f, ETH + 10, ip_checksum(f[ETH:ETH + IPV4 + 4 * n]))
        frames.append(f)
    p.dropped_from_wan("outer_ip_options", *frames)


@pytest.mark.parametrize("ihl", range(5))
@pytest.mark.only("ipv4")
def test_ipv4_header_length_too_small(p, ihl):
    f = good(p)
    f[ETH] = 0x40 | ihl
    assert p.from_wan(f) == ([], [])


@pytest.mark.parametrize("version", [0, 5, 6, 15])
@pytest.mark.only("ipv4")
def test_ipv4_other_version(p, version):
    f = good(p)
    f[ETH] = version << 4 | 5
    assert p.from_wan(f) == ([], [])


@pytest.mark.only("interface")
@pytest.mark.only("ipv4")
def test_ipv4_fragments(p):
    """The first one is known to be ours and named. Later ones have no ports: the kernel's, which never completes them."""
    first = Ether(bytes(p.outer(Raw(inner(500)))))
    first[IP].flags = "MF"
    del first[IP].chksum
    p.dropped_from_wan("outer_fragment", bytes(first))
    for offset in (1, 60, 8191):
        later = first.copy()
        later[IP].frag = offset
        del later[IP].chksum
        assert p.from_wan(bytes(later)) == ([], [])


@pytest.mark.only("ipv6")
def test_ipv6_fragments(p):
    whole = Ether(bytes(p.outer(Raw(inner(500)))))
    udp = bytes(whole[UDP])
    for offset, more, named in ((0, 1, True), (0, 0, True), (60, 1, False), (60, 0, False)):
        f = Ether(src=VTEP_MACS[2], dst=p.mac) / IPv6(src=p.vtep(2), dst=p.address) \
            / IPv6ExtHdrFragment(nh=17, offset=offset, m=more, id=1) / Raw(udp)
        if named:
            p.dropped_from_wan("outer_fragment", f)
        else:
            assert p.from_wan(f) == ([], [])


@pytest.mark.parametrize("header", [0, 43, 60, 51, 59])
@pytest.mark.only("ipv6")
def test_ipv6_extension_headers(p, header):
    """Nothing but UDP right behind IPv6 is VXLAN for us; the kernel has no use for it either."""
    udp = bytes(Ether(bytes(p.outer(Raw(inner()))))[UDP])
    f = Ether(src=VTEP_MACS[2], dst=p.mac) / IPv6(src=p.vtep(2), dst=p.address, nh=header) \
        / Raw(b"\x11\x00" + bytes(6) + udp)
    assert p.from_wan(f) == ([], [])


# ---- inner frames


def test_inner_tags(p):
    whole = inner()
    for tag in (b"\x81\x00\x00\x64", b"\x81\x00\x00\x00", b"\x88\xa8\x00\x64"):
        for n in (14, 15, 16, 18, 40):
            p.dropped_from_wan("inner_tagged", good(p, (whole[:12] + tag + whole[12:])[:n]))


def test_inner_bigger_than_the_port(p):
    """1500 is the access port's MTU: with a tag or not, 1501 is too much."""
    fits = inner(1500 - 28)
    assert p.from_wan(good(p, fits))[0] == [p.tagged(fits)]
    p.dropped_from_wan("port_mtu", good(p, inner(1501 - 28)))


# ---- anything at all


def all_accounted_for(p):
    """Every frame that came in went out or was dropped by a name."""
    def even():
        first, second = p.gw.balance(), p.gw.balance()
        return first == second and first[0] == first[1]
    wait_for(even, 5, p.gw.balance)


def test_random_bytes(p):
    """Sound up to some layer, noise behind it. What happens to be sound may come out; nothing breaks."""
    rng = random.Random(42)
    starts = [0, 12, ETH, ETH + ip_len(p), ETH + ip_len(p) + UDP_LEN, ETH + ip_len(p) + 16, ETH + ip_len(p) + 30]
    for start in starts:
        base = bytes(good(p))[:start]
        p.from_wan(*[base + rng.randbytes(max(14 - start, rng.randrange(1, 200))) for _ in range(200)])
    base = bytes(p.tagged(Ether(src=HOST_A, dst=BROADCAST)))
    for start in (0, 6, 12, 14, 16, 18):
        p.from_lan0(*[base[:start] + rng.randbytes(max(14 - start, rng.randrange(1, 200))) for _ in range(200)])
    all_accounted_for(p)
    restore(p)


def test_flipped_bits(p):
    """Each bit of a sound packet in turn: it comes out once at most, and only with the tag of its network."""
    frame = bytes(good(p))
    frames = []
    for bit in range(len(frame) * 8):
        f = bytearray(frame)
        f[bit // 8] ^= 1 << bit % 8
        frames.append(f)
    for start in range(0, len(frames), 400):
        lan0, lan1 = p.from_wan(*frames[start:start + 400])
        assert len(lan0) <= 400 and len(lan1) <= 400
        assert {f[12:16] for f in lan0 + lan1} <= {b"\x81\x00\x00\x64"}
    all_accounted_for(p)
    restore(p)


def restore(p):
    """What noise may have taught the gateway is forgotten."""
    p.gw.ctl("clear", "macs")
    p.learn(100, HOST_A)
    p.learn_remote(REMOTE)
