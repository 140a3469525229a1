# SPDX-License-Identifier: BSD-3-Clause
"""conf/hooks/causeway-move: as libvirt calls it (libvirt's documentation of hooks, "QEMU guest migration" included) and beside
real QEMUs. A causewayctl of the test's own notes what it is asked. The QEMUs have no guest: they only migrate."""
import contextlib
import itertools
import json
import os
import subprocess
import time
from types import SimpleNamespace

import pytest

from lab import ROOT
from netns import end_process, wait_for
from vm import Qmp

HOOK = f"{ROOT}/conf/hooks/causeway-move"
M1, M2, M3 = "52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:0c"
_numbers = itertools.count(1)


def nic(mac, kind="bridge", source="<source bridge='br0'/>"):
    return f"<interface type='{kind}'>{mac and f'''<mac address='{mac}'/>'''}{source}<model type='virtio'/></interface>"


def domain(*nics, name="web1", more=""):
    return (f"<domain type='kvm' id='7'><name>{name}</name><uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>"
            "<memory unit='KiB'>1048576</memory><vcpu placement='static'>1</vcpu><os><type arch='x86_64'>hvm</type></os>"
            f"<devices><disk type='file' device='disk'><target dev='vda'/></disk>{''.join(nics)}{more}</devices></domain>")


class Bench:
    """A hypervisor: settings, a causewayctl that notes, and the hook."""

    def __init__(self, path):
        self.path, self.calls_file = path, path / "calls"
        self.calls_file.touch()
        self.program("causewayctl", f'echo "$*" >> {self.calls_file}')
        self.env = {"PATH": f"{path}:/usr/bin:/bin", "CAUSEWAY_HOOK_CONF": str(path / "hook.conf")}
        self.configure(site="london")

    def configure(self, **keys):
        keys = {"state": self.path / "state", "wait": 20, **keys}
        (self.path / "hook.conf").write_text("".join(f"{k} = {v}\n" for k, v in keys.items()))

    def program(self, name, script):
        (self.path / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.path / name).chmod(0o755)

    def hook(self, operation, sub="begin", extra="-", xml=b"", guest="web1", timeout=60):
        """As libvirt calls it; whatever happens it must succeed and print nothing. What it asked causewayctl for, and stderr."""
        xml = xml.encode() if isinstance(xml, str) else xml
        before = len(self.calls())
        done = subprocess.run([HOOK, guest, operation, sub, extra], input=xml, capture_output=True, timeout=timeout, check=False,
                              env=self.env)
        assert (done.returncode, done.stdout) == (0, b""), done
        return self.calls()[before:], done.stderr.decode()

    def calls(self):
        return self.calls_file.read_text().splitlines()

    def start(self, *words, **env):
        return subprocess.Popen([HOOK, *words], env={**self.env, **env}, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def prepares(*macs, site="london", timeout=300):
    return [f"move prepare --mac {m} --to {site} --timeout {timeout}" for m in macs]


def cancels(*macs, site="london"):
    return [f"move cancel --mac {m} --to {site}" for m in macs]


# ---- libvirt

THREE = domain(nic(M1), nic(M2, "network", "<source network='web'/>"), nic(M3.upper()))


def test_destination_of_a_migration(bench):
    """In libvirt's order. Nothing is said when QEMU starts there: the VM is not in it yet."""
    assert bench.hook("migrate", xml=THREE)[0] == prepares(M1, M2, M3)
    for operation in ("prepare", "start", "started"):
        assert bench.hook(operation, xml=THREE)[0] == []


def test_incoming_migration_fails(bench):
    """The QEMU that waited is stopped and released, once; whatever it is released for. libvirt before 10.5 says no reason."""
    for reason in ("failed", "-", "destroyed", "unknown"):
        bench.hook("migrate", xml=THREE)
        assert bench.hook("stopped", "end", xml=THREE)[0] == []
        assert bench.hook("release", "end", reason, THREE)[0] == cancels(M1, M2, M3)
        assert bench.hook("release", "end", reason, THREE)[0] == []


def test_source_of_a_migration(bench):
    bench.hook("stopped", "end", "-", THREE)
    calls, _ = bench.hook("release", "end", "migrated", THREE)
    assert calls == [f"move commit --mac {m}" for m in (M1, M2, M3)]


def test_machine_that_came_here_and_stops_much_later(bench):
    """Its stop is no failed migration; neither is that of one that was always here."""
    bench.hook("migrate", xml=THREE)
    note, = (bench.path / "state").iterdir()
    content = json.loads(note.read_text())
    assert 290 < content["until"] - time.clock_gettime(time.CLOCK_BOOTTIME) <= 300
    content["until"] -= 301
    note.write_text(json.dumps(content))
    assert bench.hook("release", "end", "shutdown", THREE)[0] == []
    assert bench.hook("release", "end", "shutdown", THREE, guest="another")[0] == []
    assert not list((bench.path / "state").iterdir())


def test_leaves_again_soon_after_it_came(bench):
    """Its own departure is not taken for the failure of its arrival."""
    bench.hook("migrate", xml=THREE)
    assert bench.hook("release", "end", "migrated", THREE)[0][0] == f"move commit --mac {M1}"
    assert bench.hook("release", "end", "failed", THREE)[0] == []


def test_leaves_again_by_an_old_libvirt(bench):
    """libvirt before 10.5 does not say that it was migrated away, so it looks like the failure of its arrival: only what is prepared
    towards this site is cancelled, not its way back."""
    bench.hook("migrate", xml=THREE)
    calls, _ = bench.hook("release", "end", "-", THREE)
    assert calls == cancels(M1, M2, M3, site="london")


def test_settings_change_meanwhile(bench):
    """What was prepared towards one site is cancelled there."""
    bench.hook("migrate", xml=THREE)
    bench.configure(site="rome")
    assert bench.hook("release", "end", "failed", THREE)[0] == cancels(M1, M2, M3, site="london")


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"macs": 7, "site": "london", "until": 1e30}', '{"macs": [], "site": 7, "until": "x"}',
                                  '{"macs": ["x"], "site": "london"}'])
def test_note_that_is_none(bench, note):
    """It keeps nothing from being done, and does not stay."""
    bench.hook("migrate", xml=THREE)
    path, = (bench.path / "state").iterdir()
    path.write_text(note)
    calls, said = bench.hook("release", "end", "migrated", THREE)
    assert calls == [f"move commit --mac {m}" for m in (M1, M2, M3)] and "Traceback" not in said
    assert not list((bench.path / "state").iterdir())


def test_nowhere_to_note_it(bench):
    """Then a failed arrival ends by its time alone; it is prepared all the same."""
    bench.configure(site="london", state="/dev/null/state")
    calls, said = bench.hook("migrate", xml=THREE)
    assert calls == prepares(M1, M2, M3) and "/dev/null/state" in said
    assert bench.hook("release", "end", "migrated", THREE)[0] == [f"move commit --mac {m}" for m in (M1, M2, M3)]


def test_operations_that_are_not_ours(bench):
    bench.configure(site="")
    for operation, sub in (("prepare", "begin"), ("start", "begin"), ("started", "begin"), ("stopped", "end"), ("restore", "begin"),
                           ("reconnect", "begin"), ("attach", "begin"), ("something-new", "-")):
        assert bench.hook(operation, sub, xml=b"\xff\x00 no XML") == ([], "")


@pytest.mark.parametrize("guest", ["../../../etc/passwd", "--qmp", "a b;touch x", "é" * 100, "-"])
def test_names_of_guests(bench, guest):
    bench.hook("migrate", xml=THREE, guest=guest)
    note, = (bench.path / "state").iterdir()
    assert note.parent == bench.path / "state"
    assert bench.hook("release", "end", "failed", guest=guest)[0] == cancels(M1, M2, M3)


@pytest.mark.parametrize("nics,expected", [
    ((nic(M1), nic(M1)), [M1]),
    ((nic(""), nic(M2)), [M2]),
    ((nic("01:00:5e:00:00:01"), nic("00:00:00:00:00:00"), nic("ff:ff:ff:ff:ff:ff"), nic(M1)), [M1]),
    ((nic("52:54:00:00:00:0"), nic("52-54-00-00-00-01"), nic(M1 + ":00"), nic("$(touch x)"), nic("; touch x"), nic("٥٢:54:00:00:00:01")),
     []),
    ((), []),
    (tuple(nic(f"52:54:00:00:01:{i:02x}") for i in range(100)), [f"52:54:00:00:01:{i:02x}" for i in range(64)])])
def test_nics(bench, nics, expected):
    """Those of the domain that have a MAC of one machine; each once; nothing else that looks like one."""
    xml = domain(*nics, more=f"<hostdev><mac address='{M3}'/></hostdev><filterref><parameter name='MAC' value='{M3}'/></filterref>")
    calls, _ = bench.hook("migrate", xml="<?xml version='1.0' encoding='UTF-8'?>\n" + xml)
    assert calls == prepares(*expected)


BOMB = ("<!DOCTYPE domain [<!ENTITY a '" + "x" * 1000 + "'>" + "".join(
    f"<!ENTITY {chr(98 + i)} '{f'&{chr(97 + i)};' * 10}'>" for i in range(8)) + "]><domain><name>&i;</name></domain>")


@pytest.mark.parametrize("xml,said", [
    (b"", "cannot be read"),
    (b"\0" * 1000, "cannot be read"),
    (os.urandom(5000) + b"<", "cannot be read"),
    (THREE[:-20], "cannot be read"),
    (THREE + THREE, "cannot be read"),
    ("<a>" * 200000, "cannot be read"),
    (BOMB, "document type"),
    ("<!DOCTYPE domain SYSTEM 'file:///etc/passwd'>" + THREE, "document type"),
    (domain(nic(M1), more="<!--" + "x" * (2 << 20) + "-->"), "longer than"),
    ("<network><devices><interface><mac address='52:54:00:00:00:01'/></interface></devices></network>", "")],
    ids=["none", "zeros", "random", "cut", "two", "deep", "bomb", "external", "huge", "other"])
def test_odd_input(bench, xml, said):
    calls, text = bench.hook("migrate", xml=xml, timeout=20)
    assert calls == [] and said in text and "Traceback" not in text


def test_stdin_closed(bench):
    done = subprocess.run(f"exec {HOOK} web1 migrate begin - <&-", shell=True, env=bench.env, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"") and bench.calls() == []


# ---- gateways and settings

def test_gateways_of_both_sites(bench):
    """Each is told, one here and the others by ssh; what one says does not keep the others from it."""
    bench.program("ssh", f'echo "ssh $*" >> {bench.path}/ssh.log; shift 5; exec sh -c "$*"')
    bench.configure(site="london", gateways="local root@london-1 root@paris-1", network="web", socket="/run/x y.sock", timeout=90)
    calls, _ = bench.hook("migrate", xml=domain(nic(M1)))
    assert calls == [f"-s /run/x y.sock move prepare --mac {M1} --to london --network web --timeout 90"] * 3
    ssh = (bench.path / "ssh.log").read_text()
    assert "-o BatchMode=yes" in ssh and "root@london-1 s=0" in ssh and "root@paris-1 s=0" in ssh


def test_gateway_that_cannot_be_called(bench):
    """Without ssh the gateways beyond it are not told; the one here is, whatever the order."""
    bench.env["PATH"] = str(bench.path)
    for gateways in ("local root@london-1", "root@london-1 local"):
        (bench.path / "sh").unlink(missing_ok=True)
        (bench.path / "sh").symlink_to("/bin/sh")
        bench.configure(site="london", gateways=gateways)
        calls, said = bench.hook("migrate", xml=domain(nic(M1)))
        assert calls == prepares(M1) and "root@london-1" in said and "ssh" in said, (calls, said)
        assert "done" not in said


def test_gateway_that_refuses(bench):
    bench.program("causewayctl", f'echo "$*" >> {bench.calls_file}; echo "no such MAC: $4" >&2; exit 1')
    calls, said = bench.hook("migrate", xml=domain(nic(M1), nic(M2)))
    assert calls == prepares(M1, M2) and f"no such MAC: {M1}" in said and f"no such MAC: {M2}" in said


def test_gateway_that_does_not_answer(bench):
    """The migration goes on after `wait` seconds, and nothing stays behind."""
    pids = bench.path / "pids"
    bench.program("causewayctl", f"echo $$ >> {pids}; exec sleep 1000")
    bench.configure(site="london", wait=1)
    begin = time.monotonic()
    _, said = bench.hook("migrate", xml=domain(nic(M1)))
    assert "no answer within 1 s" in said and 1 <= time.monotonic() - begin < 15
    wait_for(lambda: not any(os.path.exists(f"/proc/{p}") for p in pids.read_text().split()), 5, "it is ended")


def test_no_gateway_program(bench):
    bench.configure(site="london", causewayctl="/nonexistent/causewayctl")
    assert "not found" in bench.hook("migrate", xml=THREE)[1]


def test_nothing_configured(bench):
    (bench.path / "hook.conf").unlink()
    calls, said = bench.hook("migrate", xml=THREE)
    assert calls == [] and "no `site` is set" in said


def test_settings(bench):
    """Mistakes are named; the environment is stronger than the file."""
    bench.env["CAUSEWAY_HOOK_SITE"] = "rome"
    (bench.path / "hook.conf").write_text(f"# x\nsite = london # not rome\nstate={bench.path}/state\nsiet = x\n\nwhat\ntimeout = 7\n")
    calls, said = bench.hook("migrate", xml=domain(nic(M1)))
    assert calls == prepares(M1, site="rome", timeout=7)
    assert "hook.conf:4: not a setting: siet = x" in said and "hook.conf:6: not a setting: what" in said
    for wrong in ("0", "soon", "-1", "1e3", "99999999", "٣"):
        bench.configure(site="london", timeout=wrong)
        calls, said = bench.hook("migrate", xml=THREE)
        assert calls == [] and "timeout must be" in said


def test_example_file_is_right(bench):
    """Each line of conf/hooks/hook.conf, the commented ones too, is a setting with its default."""
    with open(f"{ROOT}/conf/hooks/hook.conf", encoding="utf-8") as f:
        lines = [line.lstrip("#") for line in f if not line.startswith("# ")]
    assert sum("=" in line for line in lines) == 8
    (bench.path / "hook.conf").write_text("".join(lines) + f"state = {bench.path}/state\nsocket =\n")
    assert bench.hook("migrate", xml=domain(nic(M1)))[0] == prepares(M1)


# ---- plain QEMU

class Pair:
    """Two QEMUs with the same machine, nothing in it, on their way from one to the other."""

    def __init__(self, path):
        self.uri = f"unix:{path}/m"
        self.processes, self.qmp, self.monitors = [], [], []
        for end in ("source", "destination"):
            monitors = [str(path / f"{end}{i}") for i in (1, 2)]
            args = ["qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-m", "16", "-nodefaults", "-no-user-config", "-display", "none",
                    "-S", "-device", f"virtio-net-pci,mac={M1},romfile=", "-device", f"e1000,id=second,mac={M2},romfile="]
            args += [x for m in monitors for x in ("-qmp", f"unix:{m},server=on,wait=off")]
            args += ["-incoming", "defer"] if end == "destination" else []
            self.processes.append(subprocess.Popen(args, stderr=subprocess.DEVNULL))
            wait_for(lambda m=monitors: all(map(os.path.exists, m)), 20, "QEMU starts")
            self.qmp.append(Qmp(monitors[0]))
            self.monitors.append(monitors[1])

    def listen(self):
        self.qmp[1].ask("migrate-incoming", uri=self.uri)

    def migrate(self):
        self.qmp[0].ask("migrate", uri=self.uri)

    def half(self):
        """A migration that stops before the switch-over and waits there."""
        self.qmp[0].ask("migrate-set-capabilities", capabilities=[{"capability": "pause-before-switchover", "state": True}])
        self.migrate()

    def close(self):
        for q in self.qmp:
            q.close()
        for p in self.processes:
            end_process(p)


@pytest.fixture
def pair(tmp_path):
    p = Pair(tmp_path)
    yield p
    p.close()


@contextlib.contextmanager
def watching(bench, monitor, *words):
    process = bench.start("--qmp", monitor, *words)
    try:
        said = process.stderr.readline()
        assert "waiting for the migration" in said, said
        yield SimpleNamespace(process=process, wait=lambda: process.wait(30))
    finally:
        end_process(process)


def prepared(bench, expected):
    wait_for(lambda: bench.calls() == expected, 10, lambda: f"{expected}; calls: {bench.calls()}")


def test_qemu_at_the_destination(bench, pair):
    with watching(bench, pair.monitors[1]) as hook:
        pair.listen()
        pair.migrate()
        assert hook.wait() == 0
    assert sorted(bench.calls()[:2]) == prepares(M1, M2)
    assert sorted(bench.calls()[2:]) == [f"move commit --mac {m}" for m in (M1, M2)]


def test_qemu_at_the_source(bench, pair):
    with watching(bench, pair.monitors[0], "--to", "rome", "--mac", M3.upper()) as hook:
        pair.listen()
        pair.migrate()
        assert hook.wait() == 0
    assert bench.calls() == prepares(M3, site="rome") + [f"move commit --mac {M3}"]


@pytest.mark.parametrize("end", [0, 1])
def test_qemu_migration_cancelled(bench, pair, end):
    """At the destination QEMU ends itself when the stream is cut off."""
    with watching(bench, pair.monitors[end], "--mac", M1) as hook:
        pair.listen()
        pair.half()
        prepared(bench, prepares(M1))
        pair.qmp[0].ask("migrate_cancel")
        assert hook.wait() == 1
    assert bench.calls() == prepares(M1) + cancels(M1)


@pytest.mark.parametrize("end", [0, 1])
def test_qemu_killed(bench, pair, end):
    with watching(bench, pair.monitors[end], "--mac", M1) as hook:
        pair.listen()
        pair.half()
        prepared(bench, prepares(M1))
        pair.processes[end].kill()
        assert hook.wait() == 1
    assert bench.calls() == prepares(M1) + cancels(M1)


def test_qemu_migration_that_takes_long(bench, pair):
    """What is prepared is prepared again before it runs out."""
    bench.configure(site="london", timeout=2)
    with watching(bench, pair.monitors[1], "--mac", M1) as hook:
        pair.listen()
        pair.half()
        prepared(bench, prepares(M1, timeout=2) * 3)
        pair.qmp[0].ask("migrate_cancel")
        assert hook.wait() == 1


def test_qemu_migration_that_began_before(bench, pair):
    pair.listen()
    pair.half()
    with watching(bench, pair.monitors[0], "--mac", M1):
        prepared(bench, prepares(M1))


def test_qemu_ends_before_any_migration(bench, pair):
    with watching(bench, pair.monitors[1]) as hook:
        pair.qmp[1].ask("quit")
        assert hook.wait() == 1
    assert bench.calls() == []


@pytest.mark.parametrize("words,said", [
    ((), "usage"), (("--qmp",), "usage"), (("--qmp", "/nonexistent"), "No such file"), (("--qmp", "a", "--qmp", "b"), "usage"),
    (("--what", "x"), "usage"), (("a", "b", "c"), "usage")])
def test_qemu_usage(bench, words, said):
    process = bench.start(*words)
    text = process.communicate(timeout=20)[1]
    assert process.returncode == 2 and said in text and "Traceback" not in text


def test_qemu_monitor_that_talks_nonsense(bench):
    import socket
    path = str(bench.path / "qmp")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        for nonsense in (b"hello\n", b"x" * (3 << 20), b'{"QMP": {}}\n[]\n', b'7\n{}\n', b""):
            process = bench.start("--qmp", path)
            client = server.accept()[0]
            with contextlib.suppress(OSError):
                client.sendall(nonsense)
            client.close()
            text = process.communicate(timeout=20)[1]
            assert process.returncode == 2 and "Traceback" not in text, text
