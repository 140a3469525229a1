# SPDX-License-Identifier: BSD-3-Clause
"""causewayd --check and --print, and every command of causewayctl, as text and as JSON."""
import glob
import json
import os
import re
import shutil
import socket
import stat

import pytest
import yaml

from gateway import CAUSEWAYCTL, CAUSEWAYD, INTERFACE, network
from lab import ROOT
from netns import run
from probe import HOST_A, REMOTE, running_probe

COMMANDS = ("show status", "show ports", "show networks", "show macs", "show vteps", "show drops", "show counters",
            "show config", "clear macs")
BROKEN = """\
site: paris
gateway: paris-1
underlay:
  address: 198.18.0.1
  port: { interface: wan0 }
  colour: blue
access:
  - { name: trunk, interface: lan0 }
networks:
  - { name: web, vlan: 100, vni: 10100, peers: [ { address: 198.18.0.1 } ] }
  - { name: db, vlan: 100, vni: 10200 }
  - { name: dup, vlan: 102, vni: 10100 }
  - { name: six, vlan: 103, vni: 10103, peers: [ { address: "2001:2::9" } ] }
  - { name: odd, vlan: many, vni: 10104 }
"""
MINIMAL = """\
site: paris
gateway: paris-1
underlay:
  address: 198.18.0.1
  port: { interface: wan0 }
access:
  - { name: trunk, interface: lan0 }
networks:
  - { name: web, vlan: 100, vni: 10100, peers: [ { address: 198.18.0.2 } ] }
"""


def conf(p):
    return p.gateway_conf([network("web", 100, 10100, p.vtep(2)),
                           network("native", "untagged", 10001, p.vtep(3), unknown_unicast="flood")])


@pytest.fixture(scope="module")
def p():
    with running_probe(conf, kind=INTERFACE) as probe:
        probe.learn(100, HOST_A)
        probe.learn_remote(REMOTE)
        probe.lan0.send(probe.tagged(b"\xff" * 6 + bytes.fromhex("02aa00000001") + b"\x88\xb6" + bytes(50), 999))
        yield probe


# ---- causewayd


def test_check_reports_every_mistake_at_its_place(tmp_path):
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    done = run(CAUSEWAYD, "--check", file, check=False)
    assert done.returncode == 1
    lines = (done.stdout + done.stderr).strip().splitlines()
    at = [int(m[1]) for x in lines if (m := re.match(re.escape(str(file)) + r":(\d+):\d+: \S", x))]
    assert len(at) == len(lines), lines
    assert {6, 10, 11, 12, 13, 14} <= set(at), lines
    assert at == sorted(at)


def test_check_of_what_is_right(tmp_path):
    file = tmp_path / "good.yaml"
    file.write_text(MINIMAL)
    done = run(CAUSEWAYD, "--check", file)
    assert done.stderr == ""


def test_check_of_a_file_that_is_not_there(tmp_path):
    done = run(CAUSEWAYD, "--check", tmp_path / "none.yaml", check=False)
    assert done.returncode == 1 and "none.yaml" in done.stdout + done.stderr


def test_daemon_refuses_what_check_refuses(tmp_path):
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    check = run(CAUSEWAYD, "--check", file, check=False)
    daemon = run(CAUSEWAYD, "-c", file, check=False)
    assert daemon.returncode == 1
    for line in (check.stdout + check.stderr).strip().splitlines():
        assert line in daemon.stdout + daemon.stderr


EXAMPLES = sorted(glob.glob(f"{ROOT}/conf/*.yaml"))


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("text", ["minimal", *[os.path.basename(e) for e in EXAMPLES]])
def test_print_parses_to_the_same(tmp_path, text):
    first = tmp_path / "first.yaml"
    if text == "minimal":
        first.write_text(MINIMAL)
    else:
        with open(f"{ROOT}/conf/{text}", encoding="utf-8") as f:
            first.write_text(f.read())
    printed = run(CAUSEWAYD, "--print", first).stdout
    second = tmp_path / "second.yaml"
    second.write_text(printed)
    run(CAUSEWAYD, "--check", second)
    assert run(CAUSEWAYD, "--print", second).stdout == printed
    assert yaml.safe_load(printed)["underlay"]["vxlan_port"]  # the defaults are in it


def test_help_and_wrong_use():
    assert "--check" in run(CAUSEWAYD, "--help").stdout
    done = run(CAUSEWAYD, "--no-such-option", check=False)
    assert done.returncode not in (0, None) and done.stderr
    done = run(CAUSEWAYD, check=False)
    assert done.returncode not in (0, None) and done.stderr


# ---- causewayctl


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_as_json(p, command):
    assert isinstance(p.gw.ctl(*command.split()), dict)
    if command == "clear macs":
        p.learn(100, HOST_A)
        p.learn_remote(REMOTE)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_as_text(p, command):
    done = p.gw.ctl_run(*command.split())
    assert done.returncode == 0 and done.stdout.strip() and not done.stderr
    assert not done.stdout.lstrip().startswith("{")
    if command != "show config" and command != "show counters":
        assert max(map(len, done.stdout.splitlines())) <= 120, "fits a terminal"
    if command == "clear macs":
        p.learn(100, HOST_A)
        p.learn_remote(REMOTE)


def test_what_is_shown(p):
    status = p.gw.ctl("show", "status")
    assert status["site"] == "probe" and status["underlay"]["address"] == p.address
    assert status["underlay"]["mac"] == p.mac and status["underlay"]["up"] is True
    assert set(p.gw.ports()) >= {"trunk0", "trunk1"}
    networks = {n["name"]: n for n in p.gw.ctl("show", "networks")["networks"]}
    assert networks["web"]["vlan"] == 100 and networks["web"]["vni"] == 10100
    assert networks["native"]["vlan"] is None and networks["native"]["unknown_unicast"] == "flood"
    assert {v["address"] for v in p.gw.ctl("show", "vteps")["vteps"]} == {p.vtep(2), p.vtep(3)}
    drops = p.gw.ctl("show", "drops")
    assert {d["reason"]: d["count"] for d in drops["drops"]}["vlan_unknown"] == 1
    text = p.gw.ctl_run("show", "macs").stdout
    assert HOST_A in text and REMOTE in text and "trunk0" in text and p.vtep(2) in text


def test_filters(p):
    assert set(p.gw.macs("web")) >= {HOST_A, REMOTE}
    assert HOST_A not in p.gw.macs("native")
    rows = p.gw.ctl("show", "macs", "--mac", HOST_A)["macs"]
    assert [r["mac"] for r in rows] == [HOST_A] and rows[0]["port"] == "trunk0"
    assert p.gw.ctl("show", "macs", "--mac", "02:00:00:00:00:99")["macs"] == []


def test_config_shown_is_the_one_printed(p, tmp_path):
    shown = p.gw.ctl_run("show", "config").stdout
    assert shown.strip() == run(CAUSEWAYD, "--print", p.gw.file).stdout.strip()
    file = tmp_path / "shown.yaml"
    file.write_text(shown)
    run(CAUSEWAYD, "--check", file)


@pytest.mark.parametrize("args", [("show", "macs", "--network", "nosuch"), ("show", "macs", "--mac", "xyz"),
                                  ("show", "nosuch"), ("nosuch",), ("show", "macs", "--nosuch"), ()])
def test_wrong_commands(p, args):
    done = p.gw.ctl_run(*args)
    assert done.returncode != 0 and (done.stderr or done.stdout).strip()
    assert p.gw.alive()


def test_help(p):
    text = run(CAUSEWAYCTL, "--help").stdout
    for command in COMMANDS:
        assert all(word in text for word in command.split()), command
    del p


def test_daemon_not_there(tmp_path):
    done = run(CAUSEWAYCTL, "-s", tmp_path / "none.sock", "show", "status", check=False)
    assert done.returncode != 0
    assert str(tmp_path / "none.sock") in done.stderr and "causewayd" in done.stderr


def test_socket_of_a_dead_daemon(tmp_path):
    path = str(tmp_path / "dead.sock")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
    done = run(CAUSEWAYCTL, "-s", path, "show", "status", check=False)
    assert done.returncode != 0 and path in done.stderr


def test_no_right_to_use_the_socket(p):
    """It says who has it, not that the daemon may be down."""
    directory = os.path.dirname(p.gw.socket)
    program = shutil.copy(CAUSEWAYCTL, directory)
    os.chmod(directory, 0o711)
    done = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "-s", p.gw.socket, "show", "status",
               check=False)
    assert done.returncode == 1 and "group" in done.stderr and "running" not in done.stderr, done


@pytest.mark.parametrize("args", [("help",), ("--version",), ("show", "macs", "--help"), ("show", "status")])
def test_answer_that_cannot_be_written(p, args):
    done = p.ns.run("sh", "-c", f"{CAUSEWAYCTL} -s {p.gw.socket} {' '.join(args)} > /dev/full", check=False)
    assert done.returncode == 1 and "cannot write" in done.stderr, done


def test_socket_mode(p):
    assert stat.S_IMODE(os.stat(p.gw.socket).st_mode) == 0o660


@pytest.mark.parametrize("request_line", [b"\n", b"nonsense\n", b"{}\n", b"[" * 100000 + b"\n", b'{"cmd": 7}\n',
                                          b'{"cmd": "show macs", "mac": 1}\n', b"\0\xff\xfe\n", b"x" * (5 << 20)],
                         ids=["empty", "text", "object", "nested", "number", "argument", "bytes", "long"])
def test_socket_takes_nonsense(p, request_line):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(p.gw.socket)
        try:
            s.sendall(request_line)
            answer = s.recv(65536)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
    assert answer == b"" or json.loads(answer.split(b"\n")[0])["ok"] is False
    assert p.gw.ask("show status")["site"] == "probe"
