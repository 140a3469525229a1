# SPDX-License-Identifier: BSD-3-Clause
"""causewayd as a service: what it tells the service manager, the rights that it keeps, the unit's limits; and its log."""
import contextlib
import ctypes
import json
import os
import re
import socket

import pytest

from bgp import NOTIFICATION, BgpGateway, RawPeer
from confined import Unit, capability_numbers
from gateway import CAUSEWAYD, Gateway, gateway_conf, network
from lab import ROOT
from netns import run, wait_for

UNIT = f"{ROOT}/conf/systemd/causewayd.service"
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 17, 0x4206, 0x4207, 0x40000000
CONFINED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "confined.py")


@pytest.fixture
def paris(own_lab):
    """A site; nobody else is on its WAN, which carries nothing."""
    return own_lab.site("paris", own_lab.wan(), 1)


def conf_of(site, **more):
    return {**gateway_conf(site, [network("web", 100, 10100, "198.18.0.2")]), **more}


@contextlib.contextmanager
def started(gw, *prefix):
    gw.spawn(*prefix)
    try:
        wait_for(gw._answers, 20, lambda: f"it answers\n{gw.log}")
        yield gw
    except BaseException:
        print(f"---- log\n{gw.log}")
        raise
    finally:
        gw.end()


class Manager:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, lab):
        self.path = lab.file("notify.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.said = []

    def heard(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.said += self.socket.recv(4096).decode().split("\n")
        return self.said

    def wait(self, word, timeout=20):
        wait_for(lambda: word in self.heard(), timeout, lambda: f"{word!r} among {self.said}")


# ---- the service manager


def test_notify(paris):
    """READY=1 once it forwards, the watchdog is fed, STOPPING=1."""
    manager = Manager(paris.lab)
    gw = Gateway(paris, conf_of(paris))
    with started(gw, "env", f"NOTIFY_SOCKET={manager.path}", "WATCHDOG_USEC=400000"):
        manager.wait("READY=1")
        manager.wait("STATUS=Forwarding: 2 of 2 ports up, 1 network")
        assert manager.said.index("READY=1") == 0
        wait_for(lambda: manager.heard().count("WATCHDOG=1") >= 4, 20, lambda: f"fed again and again: {manager.said}")
        assert "STOPPING=1" not in manager.said
        paris.ns.ip("link set lan0 down")
        manager.wait("STATUS=Forwarding: 1 of 2 ports up, 1 network")
        gw.stop()
        manager.wait("STOPPING=1")
    assert manager.said.count("READY=1") == 1


@contextlib.contextmanager
def halted(tid):
    """One thread stands still, as a debugger would have it."""
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long] * 4
    assert ptrace(PTRACE_SEIZE, tid, 0, 0) == 0, os.strerror(ctypes.get_errno())
    try:
        assert ptrace(PTRACE_INTERRUPT, tid, 0, 0) == 0
        os.waitpid(tid, WALL)
        yield
    finally:
        ptrace(PTRACE_DETACH, tid, 0, 0)


def test_watchdog_sees_a_worker_that_hangs(paris):
    """The control thread goes on, and does not feed it; it does again when the worker polls again."""
    manager = Manager(paris.lab)
    gw = Gateway(paris, conf_of(paris))
    with started(gw, "env", f"NOTIFY_SOCKET={manager.path}", "WATCHDOG_USEC=400000"):
        manager.wait("WATCHDOG=1")
        worker, = [int(t) for t, s in status_of(gw.pid).items() if "worker" in s["Name"]]
        with halted(worker):
            wait_for(lambda: "the watchdog is not fed" in gw.log, 20, lambda: gw.log)
            fed = manager.heard().count("WATCHDOG=1")
            paris.ns.ip("link set lan0 down")  # proof that the other thread turns
            wait_for(lambda: "event=link-down" in gw.log, 20, lambda: gw.log)
            assert manager.heard().count("WATCHDOG=1") == fed
        wait_for(lambda: manager.heard().count("WATCHDOG=1") > fed, 20, lambda: f"fed again: {manager.said}")


def test_nothing_is_ready_that_does_not_start(paris):
    manager = Manager(paris.lab)
    gw = Gateway(paris, conf_of(paris, underlay={"address": "198.18.0.1", "port": {"interface": "nothere0"}}))
    gw.spawn("env", f"NOTIFY_SOCKET={manager.path}")
    assert gw.process.wait(20) == 1
    assert not [w for w in manager.heard() if w.startswith("READY")]


# ---- rights


def status_of(pid):
    """{thread: {name: value}} of /proc/PID/task/*/status."""
    def fields(task):
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as f:
            return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    return {task: fields(task) for task in os.listdir(f"/proc/{pid}/task")}


def daemon_pid(gw):
    """ip netns exec, env and setpriv replace themselves."""
    return gw.pid


def kept():
    with open(f"{ROOT}/controlplane/privilege.h", encoding="utf-8") as f:
        return set(re.findall(r"X\((CAP_\w+)", f.read()))


def test_rights_are_given_up(paris):
    """By root, too, and in every thread."""
    mask = sum(1 << n for n in capability_numbers(kept()))
    gw = Gateway(paris, conf_of(paris))
    with started(gw):
        threads = status_of(daemon_pid(gw))
        assert len(threads) > 1
        for task, s in threads.items():
            for name in ("CapEff", "CapPrm", "CapBnd"):
                assert int(s[name], 16) == mask, (task, name, s[name], f"{mask:x}")
            for name in ("CapInh", "CapAmb"):
                assert int(s[name], 16) == 0, (task, name, s[name])
            assert s["NoNewPrivs"] == "1", task


def test_right_that_only_some_ports_need(paris):
    """CAP_SYS_ADMIN is as good as root: without interfaces it goes, too, need not be there at all, and does not come back."""
    mask = sum(1 << n for n in capability_numbers(kept() - {"CAP_SYS_ADMIN"}))
    conf = gateway_conf(paris, [network("web", 100, 10100, "198.18.0.2")], underlay="af_packet", access="af_packet")
    gw = Gateway(paris, conf)
    for prefix in ((), ("setpriv", "--bounding-set", "-sys_admin")):
        with started(gw, *prefix):
            assert {int(s[name], 16) for s in status_of(daemon_pid(gw)).values() for name in ("CapEff", "CapPrm", "CapBnd")} == \
                {mask}
            assert all(p["up"] for p in gw.ports().values()), gw.ports()
            gw.conf["access"].append({"name": "late", "interface": "spare9"})
            gw.write()
            done = gw.ctl_run("reload")
            assert done.returncode == 3 and "given up" in done.stdout + done.stderr, done
            gw.conf["access"].pop()
            gw.write()
    gw = Gateway(paris, conf_of(paris))
    gw.spawn("setpriv", "--bounding-set", "-sys_admin")
    assert gw.process.wait(20) == 1 and "missing CAP_SYS_ADMIN" in gw.log, gw.log


def test_unit_has_the_same_rights():
    assert set(Unit(UNIT).words("CapabilityBoundingSet")) == kept()


@pytest.mark.parametrize("ports", ["interfaces", "any"])
def test_unit_limits_are_enough(paris, ports):
    """Capabilities, system calls, address families, read-only files: it starts, forwards, and takes commands within the limits of
    the unit. What is not granted is not there."""
    site = paris
    run_dir = site.lab.file("run")
    os.mkdir(run_dir)
    conf = conf_of(site, api={"socket": f"{run_dir}/api.sock"}, moves={"journal": f"{run_dir}/moves"},
                   bgp={"asn": 65000, "peers": [{"address": "198.18.0.2"}]})
    if ports == "any":
        conf["access"].append({"name": "tap", "dpdk": "net_af_packet0,iface=spare0"})
        site.ns.ip("link add spare0 type veth peer name spare1", "link set spare0 up", "link set spare1 up")
    else:
        conf["fastpath"]["mode"] = "on"
    limits = ["/usr/bin/python3", CONFINED, UNIT, "--write", run_dir, "--write", conf["fastpath"]["dir"], "--"]
    gw = Gateway(site, conf)
    gw.socket = f"{run_dir}/api.sock"
    with started(gw, *limits):
        assert gw.ask("show status")["gateway"] == "paris-1"
        assert all(p["up"] for p in gw.ports().values()), gw.ports()
        gw.stop()
    assert "Operation not permitted" not in gw.log and "Read-only" not in gw.log, gw.log
    # The limits are there: without the right to attach XDP it does not start.
    lesser = site.lab.file("lesser.service")
    with open(UNIT, encoding="utf-8") as f, open(lesser, "w", encoding="utf-8") as out:
        out.write(f.read().replace("RestrictAddressFamilies=AF_UNIX", "RestrictAddressFamilies=").replace(" AF_XDP", ""))
    limits[2] = lesser
    gw.spawn(*limits)
    assert gw.process.wait(20) == 1, gw.log


def test_unit_is_good(own_lab, record_property):
    """What systemd itself says of it."""
    unit = own_lab.file("causewayd.service")
    with open(UNIT, encoding="utf-8") as f, open(unit, "w", encoding="utf-8") as out:
        out.write(f.read().replace("/usr/sbin/causewayd", CAUSEWAYD))
    done = run("systemd-analyze", "verify", "--man=no", unit, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    done = run("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=38", unit, check=False)
    assert done.returncode == 0, done.stdout
    record_property("seen", done.stdout.strip().splitlines()[-1])
    run("systemd-sysusers", "--dry-run", f"{ROOT}/conf/systemd/causeway.sysusers")
    run("systemd-tmpfiles", "--create", "--dry-run", f"{ROOT}/conf/systemd/causeway.tmpfiles", check=False)


# ---- the log


def events(gw, name):
    """The JSON lines of the log with this event."""
    return [e for e in map(json.loads, (x for x in gw.log.splitlines() if x.startswith("{"))) if e.get("event") == name]


def test_log_is_json_and_its_level_changes(paris):
    gw = Gateway(paris, conf_of(paris, log={"level": "warning", "format": "json"}))
    with started(gw):
        assert gw.ask("log level") == {"level": "warning", "format": "json"}
        assert not [x for x in gw.log.splitlines() if '"level":"info"' in x], gw.log
        paris.ns.ip("link set lan0 down")
        wait_for(lambda: events(gw, "link-down"), 10, lambda: gw.log)
        assert events(gw, "link-down")[0]["port"] == "trunk0"
        assert gw.ctl("log", "level", "info")["level"] == "info"
        paris.ns.ip("link set lan0 up")
        wait_for(lambda: events(gw, "link-up"), 10, lambda: gw.log)
        assert gw.ctl_run("log", "level", "loud").returncode == 1
        for line in gw.log.splitlines():
            assert {"time", "level", "subsystem", "message"} <= set(json.loads(line)), line


def test_journal_priorities(paris):
    """Only where stderr is what JOURNAL_STREAM says; not where it was inherited."""
    gw = Gateway(paris, conf_of(paris))
    with open(gw.log_file, "a", encoding="utf-8") as f:
        st = os.fstat(f.fileno())
    with started(gw, "env", f"JOURNAL_STREAM={st.st_dev}:{st.st_ino}"):
        lines = [x for x in gw.log.splitlines() if x]
        assert lines and all(re.match(r"<[3467]>(error|warning|info|debug) [a-z]+: ", x) for x in lines), gw.log
        assert re.search("^<6>info causewayd: ready$", gw.log, re.M)
    os.truncate(gw.log_file, 0)
    with started(gw, "env", f"JOURNAL_STREAM={st.st_dev}:{st.st_ino + 1}"):
        assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info causewayd: ready$", gw.log, re.M), gw.log


def test_a_peer_cannot_forge_a_line(paris):
    """RFC 9003's text, with a line of a log in it."""
    there = paris.lab.netns("there")
    paris.lab.veth(paris.ns, "wan1", there, "wan0")
    paris.ns.ip("addr add 198.18.1.1/24 dev wan1")
    there.ip("addr add 198.18.1.2/24 dev wan0", "route add 198.18.0.1/32 via 198.18.1.1")
    gw = BgpGateway(paris, conf_of(paris, bgp={"asn": 65000, "peers": [{"address": "198.18.1.2", "passive": True}]}))
    text = "bye\n<3>error bgp: forged\x1b[2J event=session-up".encode()
    with started(gw):
        with RawPeer(there, "198.18.1.2", "198.18.0.1") as peer:
            peer.establish()
            gw.wait_session("198.18.1.2")
            peer.send(peer.message(NOTIFICATION, bytes([6, 2, len(text)]) + text))
            wait_for(lambda: "session down" in gw.log, 10, lambda: gw.log)
        lines = [x for x in gw.log.splitlines() if "forged" in x]
        assert len(lines) == 1 and re.match(r"\S+ warning bgp: 198\.18\.1\.2: session down: .*bye", lines[0]), gw.log
        assert lines[0].endswith(" event=session-down peer=198.18.1.2 notification=6/2 by=peer"), lines[0]
        assert "\x1b" not in gw.log


def test_storm_is_said_once(paris):
    """A line when it begins, with the port, and one when it is over."""
    conf = conf_of(paris, log={"format": "json"})
    conf["networks"][0]["limits"] = {"broadcast": 10, "multicast": "unlimited", "unknown_unicast": "unlimited"}
    gw = Gateway(paris, conf)
    with started(gw):
        frame = b"\xff" * 6 + bytes.fromhex("020000000001") + b"\x81\x00\x00\x64\x08\x06" + bytes(46)
        with paris.switch.raw_socket("lan0") as s:
            for _ in range(500):
                s.send(frame)
        wait_for(lambda: events(gw, "storm"), 10, lambda: gw.log)
        assert [(e["traffic"], e["port"]) for e in events(gw, "storm")] == [("broadcast", "trunk0")]
        wait_for(lambda: events(gw, "storm-end"), 30, lambda: gw.log)
        assert len(events(gw, "storm")) == 1
        assert int(events(gw, "storm-end")[0]["dropped"]) == gw.drops()["limit_broadcast"]
