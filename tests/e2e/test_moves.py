# SPDX-License-Identifier: BSD-3-Clause
"""Moves between two sites, as the journal of each gateway has them: how they were detected, what became of frames under way,
moves that were prepared, MACs that are at two places. Hosts are made of frames, each test with MACs of its own."""
import itertools
import json
import subprocess
import time
from types import SimpleNamespace

import pytest
from scapy.all import ARP, Ether, ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6, Raw

from bgp import VLAN, VNI, BgpGateway, bgp_conf, peer
from gateway import network
from lab import BUILD, Lab, open_all
from netns import Failed, end_process, wait_for
from wire import Wire, vxlan

WEB = "web"
ALL = "ff:ff:ff:ff:ff:ff"
STATIC = "02:5a:00:00:00:01"
BERLIN = "198.18.0.3"  # a VTEP that is nobody's gateway: frames of the test's own
BOUNCE = 2             # seconds
N_DUPLICATE = 5
_numbers = itertools.count(1)


def conf(lab, site, other):
    n = network(WEB, VLAN, VNI)
    if site.name == "paris":
        n["static_macs"] = [{"mac": STATIC, "port": "trunk0"}]
    c = bgp_conf(site, [peer(other.address)], [n], duplicate={"moves": N_DUPLICATE, "seconds": 180})
    c["networks"][0]["peers"] = [{"address": BERLIN}]
    c["sites"] = [{"name": other.name, "vteps": [other.address]}, {"name": "berlin", "vteps": [BERLIN]}]
    c["moves"] = {"bounce": BOUNCE, "journal": lab.file(f"{site.name}.moves")}
    return c


class Place:
    """A site with its gateway, and a cable of its site switch where hosts may be."""

    def __init__(self, lab, wan, name, number):
        self.name, self.site = name, lab.site(name, wan, number)
        self.address = self.site.address
        self.host = self.site.host(f"h-{name}", VLAN)
        self.peer = self.site.host(f"p-{name}", VLAN)  # somebody else of that site
        self.gw = self.wire = self.from_peer = self.trunk = None

    def open(self):
        """Where its host is, where somebody else is, and the gateway's cable at the site's switch."""
        self.wire, self.from_peer = Wire(self.host.ns, "eth0"), Wire(self.peer.ns, "eth0")
        self.trunk = Wire(self.site.switch, "lan0")

    def moves(self, mac):
        """The journal's entries for a MAC, the oldest first."""
        return self.gw.ask("show moves", mac=mac, all=True)["moves"][::-1]

    def move(self, mac, count=1, **known):
        """Waits for the count-th entry, and until what is to be known of it is; returns it. known: stage=True."""
        def there():
            m = self.moves(mac)
            return m[count - 1] if len(m) >= count and all(m[count - 1]["stages"][k] is not None for k in known) else None
        return wait_for(there, 5, lambda: f"{self.name}: {count} moves of {mac}, {known}: {self.moves(mac)}")

    def prepared(self, mac):
        rows = self.gw.ask("show moves", prepared=True, mac=mac)["prepared"]
        return rows[0] if rows else None


@pytest.fixture(scope="module")
def s():
    with Lab() as lab:
        wan = lab.wan(delay=200)
        p, l = Place(lab, wan, "paris", 1), Place(lab, wan, "london", 2)
        berlin = lab.netns("berlin")
        wan.attach(berlin, "wan0", "berlin")
        berlin.ip(f"addr add {BERLIN}/24 dev wan0")
        wan.start()
        for x, other in ((p, l), (l, p)):
            x.gw = BgpGateway(x.site, conf(lab, x.site, other.site))
        with open_all(p.gw, l.gw):
            settle(p, l)
            yield SimpleNamespace(lab=lab, paris=p, london=l, both=(p, l), wire=Wire(berlin, "wan0"), wan_macs=[
                ns.ip_json("link", "show", "wan0")[0]["address"] for ns in (berlin, p.site.ns)])


def settle(p, l):
    p.gw.wait_session(l.address)
    l.gw.wait_session(p.address)
    for x in (p, l):
        x.gw.wait_vtep(BERLIN, *[y.address for y in (p, l) if y is not x])
        x.open()
    # Each knows the other's peer, and frames get through.
    for x, other in ((p, l), (l, p)):
        x.from_peer.send(data(x.peer.mac, ALL))
        other.gw.wait_mac(WEB, x.peer.mac, x.address)


# ---- frames

def new_host():
    n = next(_numbers)
    return SimpleNamespace(mac=f"02:ab:00:00:{n >> 8:02x}:{n & 255:02x}", ip=f"10.100.{n >> 8}.{n & 255}",
                           ip6=f"fd00:100::{n:x}")


def data(src, dst, text=b"data"):
    return Ether(src=src, dst=dst, type=0x9000) / Raw(text.ljust(46, b"\0"))


def frame(h, kind):
    if kind == "rarp":
        m = bytes.fromhex(h.mac.replace(":", ""))
        return Ether(src=h.mac, dst=ALL, type=0x8035) / Raw(bytes.fromhex("0001080006040003") + m + bytes(4) + m + bytes(4))
    if kind == "garp":
        return Ether(src=h.mac, dst=ALL) / ARP(op=1, hwsrc=h.mac, psrc=h.ip, pdst=h.ip)
    if kind == "arp":
        return Ether(src=h.mac, dst=ALL) / ARP(op=1, hwsrc=h.mac, psrc=h.ip, pdst="10.100.255.254")
    if kind == "unsolicited-na":
        return (Ether(src=h.mac, dst="33:33:00:00:00:01") / IPv6(src=h.ip6, dst="ff02::1", hlim=255) /
                ICMPv6ND_NA(tgt=h.ip6, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=h.mac))
    return data(h.mac, ALL)


def live_at(s, h, place, other):
    """A new host, known everywhere, that has just sent a frame to somebody at the other site."""
    del s
    place.wire.send(frame(h, "garp"))
    place.gw.wait_mac(WEB, h.mac, "trunk0")
    other.gw.wait_mac(WEB, h.mac, place.address)
    other.from_peer.drain()
    known = time.monotonic()
    # Until it is heard some milliseconds after the route (the fast path's clock has ticks of four): told from its own arrival.
    while (late := time.monotonic() - known) < 0.05:
        text = b"hello%d" % (late * 1e6)
        place.wire.send(data(h.mac, other.peer.mac, text))
        other.from_peer.packets(lambda p, text=text: p.src == h.mac and text in bytes(p))


def frames_for(wire, h, text):
    return lambda p: p.dst == h.mac and text in bytes(p)


def from_berlin(s, h, text):
    """To paris, in a tunnel packet of the third site, which hears of no move."""
    s.wire.send(vxlan(data("02:be:00:00:00:01", h.mac, text), BERLIN, s.paris.address, VNI, *s.wan_macs))


def counters(place):
    return place.gw.ask("show networks", network=WEB)["networks"][0]["counters"]


def wait_at(place, other, h):
    place.gw.wait_mac(WEB, h.mac, "trunk0")
    other.gw.wait_mac(WEB, h.mac, place.address)


# ---- the journal

@pytest.mark.parametrize("kind", ["rarp", "garp", "arp", "unsolicited-na", "data"])
def test_detected_and_told(s, kind):
    """R6.1: whatever frame is the first. Each gateway has one entry, from its own view."""
    h = new_host()
    live_at(s, h, s.paris, s.london)
    before = time.time()
    s.london.wire.send(frame(h, kind))
    new, old = s.london.move(h.mac), s.paris.move(h.mac)
    assert new["detected"] == kind and old["detected"] == "route", (new, old)
    assert new["from"] == {"site": "paris", "vtep": s.paris.address}, new
    assert new["to"] == {"site": "london", "port": "trunk0"}, new
    assert old["from"] == {"site": "paris", "port": "trunk0"}, old
    assert old["to"] == {"site": "london", "vtep": s.london.address}, old
    # R6.2: the IP that it had moves with it, whether the frame shows it or not.
    ips = {h.ip, h.ip6} if kind == "unsolicited-na" else {h.ip}
    s.london.wire.send(data(h.mac, ALL))
    wait_for(lambda: set(s.london.move(h.mac)["ips"]) == ips, 2, lambda: str(s.london.move(h.mac)))
    assert h.ip in old["ips"], old
    for m in (new, old):
        assert m["network"] == WEB and m["sequence"] == 1 and not m["expected"] and m["prepared"] is None, m
        stamp = time.mktime(time.strptime(m["time"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        assert before - 2 < stamp < time.time() + 1, m
        # It was heard by both, and both programmed the new place at once.
        assert 0 <= m["stages"]["silent_ns"] < 5e9 and m["stages"]["fdb_ns"] < 1e8, m
    assert old["announcements"] > 0, old
    assert s.london.move(h.mac, bgp_ns=True)["stages"]["bgp_ns"] < 1e8
    assert old["stages"]["bgp_ns"] is None, old


def test_first_return_frame(s):
    """DP_EVENT_FIRST: the dark time ends with the first frame for the MAC, from either side, and is then complete."""
    h = new_host()
    live_at(s, h, s.paris, s.london)
    s.london.wire.send(frame(h, "rarp"))
    wait_at(s.london, s.paris, h)
    for x in s.both:
        assert x.move(h.mac)["stages"]["first_ns"] is None
    s.london.wire.drain()
    s.paris.from_peer.send(data(s.paris.peer.mac, h.mac, b"return"))
    s.london.wire.packets(frames_for(s.london.wire, h, b"return"))
    for x in s.both:
        m = x.move(h.mac, first_ns=True)
        assert m["dark_complete"] and m["dark_ns"] == sum(m["stages"][k] for k in ("silent_ns", "fdb_ns", "first_ns")), m


def test_bounce(s):
    """R6.5: a third site goes on sending to the old one; for a while that passes it on, and knows how much."""
    h = new_host()
    live_at(s, h, s.paris, s.london)
    s.paris.wire.drain()
    from_berlin(s, h, b"before")
    s.paris.wire.packets(frames_for(s.paris.wire, h, b"before"))
    s.london.wire.send(frame(h, "rarp"))
    wait_at(s.london, s.paris, h)
    s.london.wire.drain()
    for i in range(10):
        from_berlin(s, h, b"bounced %d" % i)
    s.london.wire.packets(frames_for(s.london.wire, h, b"bounced"), count=10)
    assert s.paris.move(h.mac)["bounced"] == 10
    assert s.london.move(h.mac)["bounced"] is None, "it did not leave london"

    def dropped():
        """Whether the next one is dropped: R1.11 holds again."""
        before, bounced = s.paris.gw.drops(), counters(s.paris)
        from_berlin(s, h, b"late")
        wait_for(lambda: s.paris.gw.drops() != before or counters(s.paris) != bounced, 2, "its end")
        return s.paris.gw.drops() != before

    wait_for(dropped, BOUNCE + 3, "the end of the bounce", 0.1)
    assert s.paris.move(h.mac)["bounced"] >= 10


def test_thirty_moves_leave_thirty_entries(s):
    """R4.7, R5.2: to and fro, each prepared, so none is counted; the tables are as after one."""
    h = new_host()
    live_at(s, h, s.paris, s.london)
    places = {x: len(x.gw.macs()) for x in s.both}
    for i in range(30):
        to, old = (s.london, s.paris) if i % 2 == 0 else (s.paris, s.london)
        assert old.gw.ask("move prepare", mac=h.mac, to=to.name)["state"] == "ready"
        to.wire.send(frame(h, "rarp"))
        wait_at(to, old, h)
        for x in s.both:
            assert x.move(h.mac, i + 1)["sequence"] == i + 1
        wait_for(lambda: not any(x.prepared(h.mac) for x in s.both), 3, "nothing is prepared any more")
    for x in s.both:
        moves = x.moves(h.mac)
        assert [m["sequence"] for m in moves] == list(range(1, 31))
        assert all(m["expected"] and m["prepared"] for m in moves), moves
        assert len(x.gw.macs()) == places[x]
        row = x.gw.mac(WEB, h.mac)
        assert not row["duplicate"] and row["recent_moves"] == [], row
    ids = [m["id"] for m in s.paris.moves(h.mac)]
    assert ids == sorted(set(ids))


# ---- prepared moves

def test_prepared_frames_go_to_both(s):
    h = new_host()
    live_at(s, h, s.paris, s.london)
    answer = s.paris.gw.ask("move prepare", mac=h.mac, to="london", timeout=60)
    assert answer["state"] == "ready" and answer["direction"] == "away" and answer["site"] == "london", answer
    assert 58 <= answer["seconds_left"] <= 60 and "warning" not in answer
    assert s.london.prepared(h.mac)["state"] == "ready" and s.london.prepared(h.mac)["direction"] == "here"
    # Seen at the cable of london's gateway: london's switch believes that the host is behind it, until it speaks there.
    s.paris.wire.drain()
    s.london.trunk.drain()
    for i in range(5):
        from_berlin(s, h, b"both %d" % i)
    s.paris.wire.packets(frames_for(s.paris.wire, h, b"both"), count=5)
    s.london.trunk.packets(frames_for(s.london.trunk, h, b"both"), count=5)
    # It shows itself there: that ends it, at both.
    s.london.wire.send(frame(h, "rarp"))
    wait_at(s.london, s.paris, h)
    wait_for(lambda: not any(x.prepared(h.mac) for x in s.both), 3, "both ended it")
    m = s.paris.move(h.mac)
    assert m["expected"] and m["bicast"] == 5, m
    assert s.london.move(h.mac)["expected"] and s.london.move(h.mac)["prepared"]
    s.london.wire.drain()
    s.paris.from_peer.send(data(s.paris.peer.mac, h.mac, b"once"))
    s.paris.from_peer.send(data(s.paris.peer.mac, h.mac, b"marker"))
    came = s.london.wire.packets(lambda p: p.dst == h.mac, count=2)
    assert [bytes(p)[18:22] for p in came] == [b"once", b"mark"], "a second copy"


def left_nothing(s, h):
    """No bi-cast: of two frames, one copy each comes, and none at the other site. No expectation: the next move counts."""
    assert not any(x.prepared(h.mac) for x in s.both)
    for x in s.both:
        x.wire.drain()
    before = counters(s.paris)["bicast"]
    from_berlin(s, h, b"after")
    s.paris.wire.packets(frames_for(s.paris.wire, h, b"after"))
    assert counters(s.paris)["bicast"] == before
    s.london.wire.send(frame(h, "rarp"))
    wait_at(s.london, s.paris, h)
    for x in s.both:
        assert not x.move(h.mac)["expected"]
        assert len(x.gw.mac(WEB, h.mac)["recent_moves"]) == 1, x.gw.mac(WEB, h.mac)


@pytest.mark.parametrize("where,cancel", [("paris", "paris"), ("paris", "london"), ("london", "paris")])
def test_prepared_and_cancelled(s, where, cancel):
    h = new_host()
    live_at(s, h, s.paris, s.london)
    at, by = getattr(s, where), getattr(s, cancel)
    assert at.gw.ask("move prepare", mac=h.mac, to="london", network=WEB)["state"] == "ready"
    assert by.gw.ask("move cancel", mac=h.mac)["state"] == "cancelled"
    said = by.gw.ask("show counters")["messages"]
    assert int(said["sent"]) > 0 and int(said["strangers"]) == int(said["malformed"]) == 0, said
    wait_for(lambda: not any(x.prepared(h.mac) for x in s.both), 3, "both heard of it")
    left_nothing(s, h)
    with pytest.raises(Failed, match="no move of that MAC is prepared"):
        by.gw.ask("move cancel", mac=h.mac)


def test_prepared_and_never_happens(s):
    h = new_host()
    live_at(s, h, s.paris, s.london)
    s.paris.gw.ask("move prepare", mac=h.mac, to="london", timeout=1)
    assert all(x.prepared(h.mac) for x in s.both)
    wait_for(lambda: not any(x.prepared(h.mac) for x in s.both), 5, "it ends by itself")
    left_nothing(s, h)


@pytest.mark.parametrize("at", ["paris", "london"])
def test_commit_by_word(s, at):
    """R6.1: somebody says that it is there; with one access port, that is enough."""
    h = new_host()
    live_at(s, h, s.paris, s.london)
    s.paris.gw.ask("move prepare", mac=h.mac, to="london")
    getattr(s, at).gw.ask("move commit", mac=h.mac)
    wait_at(s.london, s.paris, h)
    wait_for(lambda: not any(x.prepared(h.mac) for x in s.both), 3, "it is over")
    assert s.london.move(h.mac)["detected"] == "api"
    assert s.paris.move(h.mac)["detected"] == "route" and s.paris.move(h.mac)["expected"]


def test_the_other_end_is_no_gateway_of_ours(s):
    h = new_host()
    live_at(s, h, s.paris, s.london)
    answer = s.paris.gw.ask("move prepare", mac=h.mac, to="berlin", timeout=30)
    assert answer["state"] == "alone" and "did not answer" in answer["warning"], answer
    said = s.paris.gw.ctl_run("show", "moves", "--prepared").stdout
    assert "alone" in said and "did not answer" in said, said
    s.paris.gw.ask("move cancel", mac=h.mac)
    left_nothing(s, h)


def test_refused(s):
    h = new_host()
    live_at(s, h, s.paris, s.london)
    for words, why in (({"to": "rome"}, "no site"), ({"to": "paris"}, "there already"),
                       ({"to": "london", "timeout": 9999}, "1 to 3600"), ({}, "to which site"),
                       ({"to": "london", "network": "db"}, "no network of that name")):
        with pytest.raises(Failed, match=why):
            s.paris.gw.ask("move prepare", mac=h.mac, **words)
    with pytest.raises(Failed, match="not known"):
        s.paris.gw.ask("move prepare", mac="02:ab:ff:ff:ff:ff", to="london")
    with pytest.raises(Failed, match="configured"):
        s.paris.gw.ask("move prepare", mac=STATIC, to="london")
    with pytest.raises(Failed, match="is at VTEP"):
        s.london.gw.ask("move prepare", mac=h.mac, to="berlin")


# ---- two of them

def test_clone_is_frozen_with_evidence(s):
    """R5.1: after N moves one gateway stands back, says so with both places, and nothing swings any more."""
    h = new_host()
    with watching(s, s.paris) as at_paris, watching(s, s.london) as at_london:
        live_at(s, h, s.paris, s.london)

        def frozen():
            return [x for x in s.both if (x.gw.mac(WEB, h.mac) or {}).get("duplicate")]

        for i in range(2 * N_DUPLICATE):
            at, other = (s.london, s.paris) if i % 2 == 0 else (s.paris, s.london)
            at.wire.send(frame(h, "garp"))
            wait_for(lambda at=at, other=other: frozen() or (at.gw.mac(WEB, h.mac).get("port") and
                                                            other.gw.mac(WEB, h.mac).get("vtep")), 3, "the move, or its end")
            if frozen():
                break
        assert frozen(), "never frozen"
        stood_back, = frozen()
        watch = at_paris if stood_back is s.paris else at_london
        alert = watch.event(lambda e: e["event"] == "alert" and e.get("mac") == h.mac)
        assert alert["alert"] == "duplicate" and alert["moves"] == N_DUPLICATE, alert
        assert {**alert["held"], **alert["seen"]} == {
            "port": "trunk0", "vtep": (s.london if stood_back is s.paris else s.paris).address}, alert
        assert h.mac in alert["text"] and "clear duplicate" in alert["text"]
    entries = {x: len(x.moves(h.mac)) for x in s.both}
    assert all(n <= N_DUPLICATE for n in entries.values()), entries
    # Both go on talking: nothing moves, at either.
    places = {x: {k: x.gw.mac(WEB, h.mac).get(k) for k in ("port", "vtep", "sequence")} for x in s.both}
    for i in range(20):
        (s.london, s.paris)[i % 2].wire.send(frame(h, "garp"))
    other = new_host()
    for x, y in ((s.paris, s.london), (s.london, s.paris)):  # a marker behind them, at each
        live_at(s, other, x, y)
    assert {x: {k: x.gw.mac(WEB, h.mac).get(k) for k in ("port", "vtep", "sequence")} for x in s.both} == places
    assert {x: len(x.moves(h.mac)) for x in s.both} == entries
    with pytest.raises(Failed, match="frozen as a duplicate"):
        stood_back.gw.ask("move prepare", mac=h.mac, to="paris" if stood_back is s.paris else "london")
    for x in s.both:
        x.gw.ask("clear duplicate", all=True)


def test_forged_frame_for_a_static_mac(s):
    """R4.8: it is where it is configured, whoever claims to have it; each claim is counted and shown."""
    wait_for(lambda: (s.london.gw.mac(WEB, STATIC) or {}).get("sticky"), 3, "london has the sticky route")
    before = s.london.gw.ask("show status")["sticky_moves"]
    for n, kind in enumerate(("garp", "rarp", "data"), 1):
        def counted(n=n, kind=kind):  # again and again: a worker does not repeat at once what it has reported
            s.london.wire.send(frame(SimpleNamespace(mac=STATIC, ip="10.100.0.77"), kind))
            return s.london.gw.ask("show status")["sticky_moves"] >= before + n
        wait_for(counted, 5, lambda: str(s.london.gw.ask("show status")["sticky_moves"]))
    row = s.london.gw.mac(WEB, STATIC)
    assert row["vtep"] == s.paris.address and row["moves"] == 0, row
    assert row["seen_elsewhere"]["port"] == "trunk0" and row["seen_elsewhere"]["count"] >= 3, row
    assert s.paris.gw.mac(WEB, STATIC)["port"] == "trunk0"
    assert s.paris.moves(STATIC) == s.london.moves(STATIC) == []
    assert "ignored" in s.london.gw.ctl_run("show", "macs", "--mac", STATIC).stdout
    assert "ignored" in s.london.gw.ctl_run("show", "status").stdout


# ---- watch

class watching:
    """`causewayctl -j watch` at a gateway, as a context manager."""

    def __init__(self, s, place, *options):
        self.place, self.seen = place, []
        del s
        self.process = place.gw.ns.start(f"{BUILD}/causewayctl", "-s", place.gw.socket, *(options or ["-j"]), "watch",
                                         stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        # Its own line says that it is there; with -j, the first event does: make one it is waiting for.
        wait_for(lambda: self._watched(), 5, "it watches")
        return self

    def __exit__(self, *_):
        end_process(self.process)
        self.process.stdout.close()

    def _watched(self):
        return self.place.gw.ask("show status")["watchers"] > 0

    def event(self, match, timeout=5):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            e = json.loads(self.process.stdout.readline())
            self.seen.append(e)
            if match(e):
                return e
        raise Failed(f"no such event: {self.seen}")


def test_watch(s):
    h = new_host()
    live_at(s, h, s.paris, s.london)
    with watching(s, s.london) as w:
        s.paris.gw.ask("move prepare", mac=h.mac, to="london")
        e = w.event(lambda e: e["event"] == "prepared")
        assert e["prepared"]["mac"] == h.mac and e["prepared"]["state"] == "ready", e
        s.london.wire.send(frame(h, "rarp"))
        e = w.event(lambda e: e["event"] == "prepared")
        assert e["prepared"]["state"] == "committed", e
        e = w.event(lambda e: e["event"] == "move")
        assert e["move"]["mac"] == h.mac and e["move"]["detected"] == "rarp", e
        wait_at(s.london, s.paris, h)
        s.paris.from_peer.send(data(s.paris.peer.mac, h.mac, b"return"))
        e = w.event(lambda e: e["event"] == "move-done")
        assert e["move"]["mac"] == h.mac and e["move"]["dark_complete"], e
        s.london.gw.ask("clear bgp", peer=s.paris.address)
        assert w.event(lambda e: e["event"] == "peer") == {**w.seen[-1], "peer": s.paris.address, "state": "down"}
        assert w.event(lambda e: e["event"] == "peer", 15)["state"] == "up"
    settle(s.paris, s.london)


# ---- life

def test_the_other_end_dies_and_the_journal_does_not(s):
    h = new_host()
    live_at(s, h, s.paris, s.london)
    s.london.wire.send(frame(h, "rarp"))
    wait_at(s.london, s.paris, h)
    other = new_host()
    live_at(s, other, s.paris, s.london)
    s.paris.gw.ask("move prepare", mac=other.mac, to="london", timeout=3)
    before = s.london.moves(h.mac)
    s.london.gw.stop()
    wait_for(lambda: not s.paris.prepared(other.mac), 8, "paris ends it alone")
    s.london.gw.start()
    settle(s.paris, s.london)
    after = s.london.moves(h.mac)
    assert len(after) == 1 and not after[0]["open"]
    assert {k: after[0][k] for k in ("id", "time", "detected", "from", "to")} == \
           {k: before[0][k] for k in ("id", "time", "detected", "from", "to")}
    assert not s.london.prepared(other.mac)
    # What comes next has the next number, also after it was killed.
    last = s.london.gw.ask("show moves", last=1)["moves"][0]["id"]
    s.london.gw.kill()
    s.london.gw.start()
    settle(s.paris, s.london)
    assert s.london.gw.ask("show moves", last=1)["moves"][0]["id"] == last
    h = new_host()
    live_at(s, h, s.paris, s.london)
    s.london.wire.send(frame(h, "rarp"))
    assert s.london.move(h.mac)["id"] == last + 1
