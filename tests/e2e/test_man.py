# SPDX-License-Identifier: BSD-3-Clause
"""Manual pages and shell completion beside what the programs say of themselves: neither has more, nor less."""
import os
import re
import subprocess

import pytest

from gateway import CAUSEWAYCTL, CAUSEWAYD, Gateway, gateway_conf, network
from lab import ROOT
from netns import run

MAN = f"{ROOT}/conf/man"
PAGES = ("causewayd.8", "causewayctl.8", "causeway.yaml.5")


def page(name):
    with open(f"{MAN}/{name}", encoding="utf-8") as f:
        return f.read()


def section(name, title):
    """The lines of a section of a page."""
    m = re.search(rf'^\.Sh "?{title}"?\n(.*?)(?=^\.Sh |\Z)', page(name), re.M | re.S)
    assert m, f"{name} has no {title}"
    return m[1]


def long_options(text):
    return set(re.findall(r"(?<![\w-])--([a-z][a-z-]*)", text))


def man_options(text):
    """Long options that a page has items of."""
    return set(re.findall(r"Fl -([a-z-]+)", "\n".join(re.findall(r"^\.It .*Fl.*$", text, re.M))))


def commands():
    text = run(CAUSEWAYCTL, "help").stdout.split("Commands:\n")[1].split("\n\n")[0]
    return [line.split("  ")[1] for line in text.splitlines()]


def usage(command):
    """{argument: its value} of a command as its help says it: {"--network": "NAME", "--all": "", "PEER": ""}."""
    first = run(CAUSEWAYCTL, *command.split(), "--help").stdout.splitlines()[0]
    return dict((m[1], m[2] or "") for m in re.finditer(r"\[([^\] ]+)(?: ([^\]]+))?\]", first))


def man_commands():
    """{command: its arguments, as usage() gives them} of the page."""
    found = {}
    for m in re.finditer(r"^\.It Cm (.*?)(?: Xo\n(.*?)^\.Xc)?$", section("causewayctl.8", "COMMANDS"), re.M | re.S):
        found[m[1]] = {("--" + a[2] if a[1] == "Fl -" else a[2]): a[3] or ""
                       for a in re.finditer(r"^\.Op (Fl -|Ar |Cm )(\S+)(?: Ar (\S+))?$", m[2] or "", re.M)}
    return found


@pytest.mark.parametrize("name", PAGES)
def test_page_is_well_formed(name):
    assert run("mandoc", "-Tlint", "-Wwarning", f"{MAN}/{name}", check=False).stdout == ""
    done = run("man", "--warnings", "-l", f"{MAN}/{name}", env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
    assert done.stderr == "" and len(done.stdout) > 1000


def test_daemon_options():
    assert man_options(section("causewayd.8", "DESCRIPTION")) == long_options(run(CAUSEWAYD, "--help").stdout)


def test_every_command_has_its_item():
    ours, theirs = man_commands(), {c: usage(c) for c in commands()}
    for c in theirs:
        assert ours.get(c) == theirs[c], f"causewayctl.8: the item of \"{c}\" is {ours.get(c)}, and --help says {theirs[c]}"
    assert list(ours) == list(theirs), "and in this order"


def test_every_option_has_its_item():
    used = {a[2:] for c in commands() for a in usage(c) if a.startswith("--")}
    assert man_options(section("causewayctl.8", "OPTIONS")) == used
    general = long_options(run(CAUSEWAYCTL, "help").stdout.split("anywhere on the line:")[1])
    assert man_options(section("causewayctl.8", "DESCRIPTION")) == general


@pytest.mark.parametrize("name", ["causewayd.8", "causewayctl.8"])
def test_exit_status(name):
    program = CAUSEWAYD if name == "causewayd.8" else CAUSEWAYCTL
    said = run(program, "--help").stdout.split("Exit status:\n")[1]
    assert re.findall(r"^\.It (\d)$", section(name, "EXIT STATUS"), re.M) == re.findall(r"^  (\d)  ", said, re.M)
    assert run(program, "--no-such-option", check=False).returncode == 2


def test_every_key_has_its_item():
    keys = [line.split()[0] for line in run(CAUSEWAYD, "--keys").stdout.splitlines()]
    lists = {k for k in keys if any(other.startswith(k + ".") for other in keys)}  # their items have keys of their own
    described = re.findall(r"^\.It Cm (\S+)$", page("causeway.yaml.5"), re.M)
    assert set(described) == set(keys) - lists
    assert len(described) == len(set(described))


def test_example_is_good(tmp_path):
    text = re.search(r"^\.Bd -literal\n(.*?)^\.Ed", section("causeway.yaml.5", "EXAMPLES"), re.M | re.S)[1]
    file = tmp_path / "example.yaml"
    file.write_text(text)
    run(CAUSEWAYD, "--check", file)


def test_versions():
    for program, libraries in ((CAUSEWAYD, ("DPDK", "libbpf", "libnl", "libevent", "libfyaml")), (CAUSEWAYCTL, ("cJSON",))):
        first, rest = run(program, "--version").stdout.split("\n", 1)
        assert re.fullmatch(rf"{os.path.basename(program)} \d+\.\d+\.\d+ \(build \S+\)", first)
        for name in libraries:
            assert re.search(rf"\b{name} \d+\.\d+", rest), rest


# ---- bash completion


def complete(*words, **env):
    """What bash offers for the last word."""
    script = f'''. {ROOT}/conf/completion/causewayctl
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _causewayctl; printf '%s\\n' "${{COMPREPLY[@]}}"'''
    done = subprocess.run(["bash", "-c", script, "bash", CAUSEWAYCTL, *words], capture_output=True, text=True, check=True,
                          env={**os.environ, **env}, timeout=30)
    assert done.stderr == ""
    return done.stdout.split()


def test_complete_commands():
    assert set(complete("")) == {c.split()[0] for c in commands()} | {"help"}
    assert set(complete("sh")) == {"show"}
    assert set(complete("show", "")) == {c.split()[1] for c in commands() if c.startswith("show ")}
    assert complete("-s", "/x", "show", "bg") == ["bgp"]
    assert complete("show", "bgp", "") == ["peers"]
    assert set(complete("log", "level", "")) == {"debug", "info", "warning", "error"}
    assert complete("no", "such", "") == []


def test_complete_options():
    for c in commands():
        offered = {w for w in complete(*c.split(), "-") if w.startswith("--")}
        assert offered == {a for a in usage(c) if a.startswith("--")} | {"--socket", "--json", "--help", "--version"}, c
    assert complete("show", "moves", "--la") == ["--last"]
    assert complete("show", "moves", "--last", "") == []  # a number
    assert set(complete("clear", "bgp", "")) >= {"all", "soft"}


def test_complete_names(own_lab):
    """Of the gateway that runs."""
    site = own_lab.site("paris", own_lab.wan(), 1)
    conf = gateway_conf(site, [network("web", 100, 10100, "198.18.0.2"), network("db", 101, 10101)])
    conf["sites"] = [{"name": "london", "vteps": ["198.18.0.2"]}]
    conf["bgp"] = {"asn": 65000, "peers": [{"address": "198.18.0.3"}]}
    with Gateway(site, conf) as gw:
        assert set(complete("-s", gw.socket, "show", "macs", "--network", "")) == {"web", "db"}
        assert complete("-s", gw.socket, "show", "macs", "--network", "we") == ["web"]
        assert complete("move", "prepare", "--to", "", CAUSEWAY_SOCKET=gw.socket) == ["london"]
        assert complete("-s", gw.socket, "show", "bgp", "peers", "198") == ["198.18.0.3"]
    assert complete("-s", gw.socket, "show", "macs", "--network", "") == []
