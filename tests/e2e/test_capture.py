# SPDX-License-Identifier: BSD-3-Clause
"""causewayctl capture: what comes in, goes out and is dropped, as a file that others can read."""
import contextlib
import json
import re
import signal
import subprocess
import threading
import time

import pytest
from scapy.all import Ether, PcapNgReader, Raw

from gateway import CAUSEWAYCTL, INTERFACE, network
from netns import run, wait_for
from probe import HOST_A, REMOTE, VTEP_MACS, running_probe

WEB, DB, VNI = "web", "db", 10100
OTHER = "02:aa:00:00:00:09"


@contextlib.contextmanager
def probe_with(mode):
    def conf(p):
        c = p.gateway_conf([network(WEB, 100, VNI, p.vtep(2)), network(DB, 200, 10200, p.vtep(2))])
        c["fastpath"]["mode"] = mode
        return c

    with running_probe(conf, kind=INTERFACE) as probe:
        probe.learn(100, HOST_A)
        probe.learn_remote(REMOTE)
        probe.fast = mode == "on"
        yield probe


@pytest.fixture(scope="module", params=["off", "on"])
def p(request):
    with probe_with(request.param) as probe:
        yield probe


@pytest.fixture
def own():
    with probe_with("on") as probe:
        yield probe


def frame(n, src=HOST_A, dst=REMOTE, size=46):
    return bytes(Ether(src=src, dst=dst, type=0x88b6) / Raw(f"capture {n:08} ".encode() + bytes(size)))


class Capture:
    """One that runs; the frames of its file once it is over."""

    def __init__(self, p, path, *args):
        self.p, self.path = p, str(path)
        self.process = p.ns.start(CAUSEWAYCTL, "-s", p.gw.socket, "capture", *args, "-w", self.path,
                                  stderr=subprocess.PIPE, text=True)
        wait_for(lambda: self.size() > 100, 10, "the file has begun")

    def size(self):
        try:
            with open(self.path, "rb") as f:
                return len(f.read())
        except FileNotFoundError:
            return 0

    def end(self, timeout=20):
        _, self.said = self.process.communicate(timeout=timeout)
        assert self.process.returncode == 0, self.said
        return read(self.path)

    def interrupt(self):
        """As Ctrl-C; what is there by then is whole."""
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=10)
        return read(self.path)


def read(path):
    with PcapNgReader(path) as r:
        return list(r)


def fields(c, *names):
    """A line for each frame, as Wireshark's own reader sees them; scapy's wants a newline in comments."""
    args = [a for n in names for a in ("-e", n)]
    return run("tshark", "-n", "-r", c.path, "-T", "fields", *args).stdout.splitlines()


def comments(c):
    return fields(c, "frame.comment")


def ours(frames):
    return [f for f in frames if b"capture 0" in bytes(f)]


def test_port_both_ways(p, tmp_path):
    c = Capture(p, tmp_path / "a.pcapng", "--port", "trunk0", "--count", 2)
    there, back = frame(1), frame(2, src=REMOTE, dst=HOST_A)
    p.lan0.send(p.tagged(there))
    p.wan.send(p.outer(back))
    frames = c.end()
    assert sorted(bytes(f) for f in frames) == sorted([p.tagged(there), p.tagged(back)])  # each with its tag
    assert sorted(comments(c)) == ["in, network web", "out, network web"]
    assert "2 frames" in c.said
    assert all(abs(float(f.time) - time.time()) < 60 for f in frames)


def test_underlay_with_its_outer_header(p, tmp_path):
    c = Capture(p, tmp_path / "a.pcapng", "--port", "underlay", "--count", 1)
    p.lan0.send(p.tagged(frame(3)))
    (f,) = c.end()
    assert f.dst == VTEP_MACS[2] and bytes(f).endswith(frame(3))
    assert comments(c) == ["out, network web"]


def test_network(p, tmp_path):
    c = Capture(p, tmp_path / "a.pcapng", "--network", WEB, "--count", 2)
    p.lan0.send(p.tagged(frame(4), 200), p.tagged(frame(5)))
    frames = c.end()
    assert len(frames) == 2 and all(b"capture 00000005" in bytes(f) for f in frames)  # in by the port, out by the WAN


def test_mac(p, tmp_path):
    c = Capture(p, tmp_path / "a.pcapng", "--mac", OTHER, "--count", 2)
    p.lan0.send(p.tagged(frame(6)), p.tagged(frame(7, src=OTHER)))
    frames = c.end()
    assert len(frames) == 2 and all(b"capture 00000007" in bytes(f) for f in frames)


def test_drops_by_reason(p, tmp_path):
    c = Capture(p, tmp_path / "a.pcapng", "--drops", "vlan_unknown", "--count", 2)
    p.lan0.send(p.tagged(frame(8, dst="01:80:c2:00:00:02")), p.tagged(frame(9), 999), p.tagged(frame(10), 998))
    frames = c.end()
    assert comments(c) == ["drop: vlan_unknown"] * 2
    assert all(re.search(rb"capture 000000(09|10)", bytes(f)) for f in frames)


def test_all_drops(p, tmp_path):
    c = Capture(p, tmp_path / "a.pcapng", "--drops", "--port", "trunk0", "--count", 2)
    p.lan0.send(p.tagged(frame(11, dst="01:80:c2:00:00:02")), p.tagged(frame(12), 999))
    c.end()
    assert sorted(comments(c)) == ["drop: link_local", "drop: vlan_unknown"]


def test_snap(p, tmp_path):
    c = Capture(p, tmp_path / "a.pcapng", "--port", "trunk0", "--snap", 40, "--count", 1)
    p.lan0.send(p.tagged(frame(13, size=500)))
    (f,) = c.end()
    assert bytes(f) == p.tagged(frame(13, size=500))[:40] and f.wirelen == len(p.tagged(frame(13, size=500)))


def test_seconds_and_interrupt(p, tmp_path):
    assert not Capture(p, tmp_path / "a.pcapng", "--mac", "02:00:00:00:00:99", "--seconds", 1).end()
    c = Capture(p, tmp_path / "b.pcapng", "--port", "trunk0")
    before = c.size()
    p.lan0.send(p.tagged(frame(14)))
    wait_for(lambda: c.size() > before, 10, "the frame is in the file")
    assert ours(c.interrupt())
    # The next one need not wait for anybody to notice for long.
    wait_for(lambda: start_and_end(p, tmp_path), 10, "the daemon has noticed")


def start_and_end(p, tmp_path):
    done = p.gw.ctl_run("capture", "--port", "trunk0", "--seconds", 1, "-w", tmp_path / "again.pcapng")
    return done.returncode == 0


def test_one_at_a_time(p, tmp_path):
    c = Capture(p, tmp_path / "a.pcapng", "--port", "trunk0")
    done = p.gw.ctl_run("capture", "--port", "trunk0", "-w", tmp_path / "b.pcapng")
    assert done.returncode == 1 and "one at a time" in done.stderr
    c.interrupt()
    wait_for(lambda: start_and_end(p, tmp_path), 10, "the daemon has noticed")


def test_refused_leaves_files_alone(p, tmp_path):
    """Neither one that is there is emptied, nor that of the capture under way spoilt."""
    kept, used = tmp_path / "kept.pcapng", tmp_path / "used.pcapng"
    kept.write_text("precious")
    assert p.gw.ctl_run("capture", "--port", "none", "-w", kept).returncode == 1
    c = Capture(p, used, "--port", "trunk0", "--count", 2)
    p.lan0.send(p.tagged(frame(16)))
    for file in (kept, used):
        assert p.gw.ctl_run("capture", "--port", "trunk0", "-w", file).returncode == 1
    p.lan0.send(p.tagged(frame(17)))
    assert len(c.end()) == 2
    assert kept.read_text() == "precious"


def test_another_one_at_once(p, tmp_path):
    """One that broke off is no reason to refuse the next."""
    for _ in range(5):
        done = p.gw.ctl_run("capture", "--port", "trunk0", "-w", "/dev/full")
        assert done.returncode == 1 and "No space left" in done.stderr
    p.lan0.send(p.tagged(frame(18)))
    assert p.gw.ctl_run("capture", "--port", "trunk0", "--seconds", 1, "-w", tmp_path / "a.pcapng").returncode == 0


def test_seconds_under_a_flood(p, tmp_path):
    """Frames that come faster than they are read do not prolong it."""
    many, stop = [p.tagged(frame(200 + i)) for i in range(250)], threading.Event()

    def flood():
        while not stop.is_set():
            p.lan0.send(*many)

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    try:
        c = Capture(p, tmp_path / "a.pcapng", "--network", WEB, "--seconds", 1)
        said = c.process.communicate(timeout=10)[1]  # not read: that takes long
        assert c.process.returncode == 0 and int(said.split()[0]) > 0, said
    finally:
        stop.set()
        thread.join()
        p.drain()


def test_too_fast_is_counted(p, tmp_path):
    """Nothing that the gateway carries is slowed down or lost for a capture that cannot follow."""
    c = Capture(p, tmp_path / "a.pcapng", "--port", "trunk0", "--count", 4000, "--snap", 2048)
    c.process.send_signal(signal.SIGSTOP)
    many = [p.tagged(frame(100 + i, size=1200)) for i in range(250)]

    def received():
        return sum(x["rx"]["frames"] for x in p.gw.counters()["ports"] if x["port"] == "trunk0")

    before = received()
    for n in range(1, 17):  # no more at a time than a receive queue has room for
        p.lan0.send(*many)
        p.drain()
        wait_for(lambda n=n: received() - before >= n * len(many), 20, lambda: f"{received() - before} of {n * len(many)} are in")
    assert p.gw.drops()["no_buffer"] == 0
    c.process.send_signal(signal.SIGCONT)

    def over():
        p.lan0.send(*many[:50])
        p.drain()
        return c.process.poll() is not None

    wait_for(over, 30, "as many as it asked for have come")
    said = c.process.communicate(timeout=10)[1]  # not read: that takes long
    seen, lost = map(int, re.match(r"(\d+) frames, (\d+) more lost", said).groups())
    assert c.process.returncode == 0 and seen == 4000 and lost > 0, said


def test_others_read_it(p, tmp_path):
    path = tmp_path / "a.pcapng"
    c = Capture(p, path, "--port", "trunk0", "--count", 3)
    p.lan0.send(*[p.tagged(frame(20 + i)) for i in range(3)])
    c.end()
    assert len(re.findall(r"^\d\d:", run("tcpdump", "-r", path, "-nn").stdout, re.M)) == 3
    assert re.search(r"Number of packets:\s+3", run("capinfos", "-M", path).stdout)
    assert fields(c, "frame.interface_name", "frame.comment") == ["trunk0\tin, network web"] * 3


@pytest.mark.parametrize("args, words", [
    ((), "which frames"), (("--drops", "--network", WEB), "not known by network"), (("--drops", "nonsense"), "drop reason"),
    (("--port", "trunk0", "no_target"), "--drops"), (("--port", "none"), "show ports"), (("--network", "none"), "network"),
    (("--port", "trunk0", "--snap", "0"), "snap"), (("--port", "trunk0", "--snap", "9000"), "snap")])
def test_wrong_questions(p, tmp_path, args, words):
    done = p.gw.ctl_run("capture", *args, "-w", tmp_path / "a.pcapng")
    assert done.returncode in (1, 2) and words in done.stderr, done


def test_where_to(p, tmp_path):
    assert p.gw.ctl_run("capture", "--port", "trunk0").returncode == 2
    done = p.gw.ctl_run("capture", "--port", "trunk0", "-w", tmp_path / "no" / "such")
    assert done.returncode == 1 and "such" in done.stderr
    done = p.ns.run("sh", "-c", f"{CAUSEWAYCTL} -s {p.gw.socket} capture --port trunk0 --seconds 1 -w - | wc -c")
    assert int(done.stdout) > 100


# ---- the fast path

def programs(p):
    """Name and id of what is on each port."""
    return {(x["program"], x["program_id"]) for x in p.gw.ctl("show", "fastpath")["ports"]}


def names(p):
    return {name for name, _ in programs(p)}


def bpf(*args):
    return json.loads(run("/usr/sbin/bpftool", "-j", *args).stdout)


def expect_no_trace_of_it(p):
    assert names(p) == {"fp_access", "fp_wan"}
    maps = {bpf("map", "show", "id", str(m))["name"] for _, n in programs(p) for m in bpf("prog", "show", "id", str(n))["map_ids"]}
    assert "fp_fdb" in maps and not [m for m in maps if "look" in m], maps


def carried(p):
    return sum(x["carried_in"]["frames"] for x in p.gw.ctl("show", "fastpath")["ports"])


def test_each_frame_once_whoever_carries_it(p, tmp_path):
    """Both ways through the network, some by the fast path and some by the worker, each in and out once."""
    numbers = range(1000, 1040)
    c = Capture(p, tmp_path / "a.pcapng", "--network", WEB, "--count", 4 * len(numbers))
    if p.fast:
        assert names(p) == {"fp_access_look", "fp_wan_look"}
        before = carried(p)
    for n in numbers:
        new = {"src": OTHER} if n % 8 == 0 else {}  # not known: for the worker
        p.lan0.send(p.tagged(frame(n, **new)))
        p.wan.send(p.outer(frame(n, src=REMOTE, dst=HOST_A)))
        if n % 8 == 0:
            wait_for(lambda: p.gw.mac(WEB, OTHER), 5, "it is learned")
            p.gw.ctl("clear", "macs", "--mac", OTHER)
    frames = c.end()
    if p.fast:
        assert carried(p) - before >= len(numbers)
    seen = [int(re.search(rb"capture (\d{8})", bytes(f))[1]) for f in frames]
    assert sorted(seen) == sorted(n for n in numbers for _ in range(4))
    assert sorted(comments(c)) == ["in, network web"] * 2 * len(numbers) + ["out, network web"] * 2 * len(numbers)
    times = [float(f.time) for f in frames]
    # What both data planes have is put in order; how far one is behind is a turn of the daemon's loop.
    assert all(b > a - 0.05 for a, b in zip(times, times[1:]))


def test_drops_of_the_fast_path(own, tmp_path):
    p = own
    c = Capture(p, tmp_path / "a.pcapng", "--drops", "--count", 3)
    before = carried(p)
    p.lan0.send(p.tagged(frame(50, dst="01:80:c2:00:00:02")), p.tagged(frame(51), 999))
    p.wan.send(p.outer(frame(52, src=REMOTE, dst=HOST_A), vni=999))
    frames = c.end()
    assert carried(p) - before >= 3, "the fast path dropped them"
    assert sorted(comments(c)) == ["drop: link_local", "drop: vlan_unknown", "drop: vni_unknown"]
    assert {bytes(f)[12:14] for f in frames} == {b"\x81\x00", b"\x08\x00"}, "as they came in"
    wait_for(lambda: names(p) == {"fp_access", "fp_wan"}, 10, "the programs are back")
    expect_no_trace_of_it(p)


def passes(p):
    p.from_lan0(p.tagged(frame(60)))


def test_nothing_is_left_of_a_client_that_dies(own, tmp_path):
    p = own
    c = Capture(p, tmp_path / "a.pcapng", "--network", WEB)
    assert names(p) == {"fp_access_look", "fp_wan_look"}
    c.process.kill()
    c.process.communicate(timeout=10)
    wait_for(lambda: names(p) == {"fp_access", "fp_wan"}, 10, "the programs are back")
    expect_no_trace_of_it(p)
    passes(p)


def test_nothing_is_left_after_a_kill(own, tmp_path):
    """The pinned programs go on copying for two seconds at most; the next daemon replaces them."""
    p = own
    c = Capture(p, tmp_path / "a.pcapng", "--network", WEB)
    p.gw.kill()
    c.process.communicate(timeout=10)
    out = p.lan0.send(p.tagged(frame(61)))
    assert [f for f in p.wan.frames(lambda f: b"capture 00000061" in f, 5) if b"capture 00000061" in f], out
    p.gw.start()
    p.gw.wait_vtep(p.vtep(2))
    assert all(x["taken_over"] for x in p.gw.ctl("show", "fastpath")["ports"])
    expect_no_trace_of_it(p)
    wait_for(p.alive, 10, "frames pass through the gateway")
    assert Capture(p, tmp_path / "b.pcapng", "--network", WEB, "--seconds", 1).end() is not None


def test_detach_during_one(own, tmp_path):
    """From then on the worker has all frames, and shows them."""
    p = own
    c = Capture(p, tmp_path / "a.pcapng", "--port", "trunk0", "--count", 2)
    p.lan0.send(p.tagged(frame(70)))
    wait_for(lambda: b"capture 00000070" in open(c.path, "rb").read(), 10, "the frame is in the file")
    p.gw.ctl("fastpath", "detach")
    p.lan0.send(p.tagged(frame(71)))
    frames = c.end()
    assert [re.search(rb"capture (\d{8})", bytes(f))[1] for f in frames] == [b"00000070", b"00000071"]
