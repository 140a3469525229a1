# SPDX-License-Identifier: BSD-3-Clause
"""README.md as an operator reads it: its configurations, its FRR neighbour, and its commands, as they are written there."""
import re
import shutil

import pytest
import yaml

from bgp import BgpGateway
from frr import Frr
from gateway import CAUSEWAYCTL, CAUSEWAYD
from lab import ROOT, Lab, LinuxVtep
from netns import run, wait_for
from prometheus import RULES

VNI, WEB = 10100, "web"
MAC = "02:00:00:00:00:01"


def blocks():
    """The indented blocks, each without its indentation."""
    with open(f"{ROOT}/README.md", encoding="utf-8") as f:
        text = f.read()
    return [re.sub("^    ", "", b, flags=re.M) for b in re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.M)]


def block(begin):
    """The one that begins so."""
    found = [b.lstrip("\n") for b in blocks() if b.lstrip("\n").startswith(begin)]
    assert len(found) == 1, (begin, found)
    return found[0]


def paris():
    return yaml.safe_load(block("site: paris"))


def checked(tmp_path, conf):
    file = tmp_path / "causeway.yaml"
    file.write_text(conf if isinstance(conf, str) else yaml.safe_dump(conf, sort_keys=False))
    done = run(CAUSEWAYD, "--check", file, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return file


# ---- configurations


def test_configuration_with_interfaces(tmp_path):
    checked(tmp_path, block("site: paris"))


def test_configuration_with_pci(tmp_path):
    """As far as it goes without such a NIC: it is taken, and what is missing is said when it starts."""
    file = checked(tmp_path, paris() | yaml.safe_load(block("underlay:\n")))
    with open(file, "a", encoding="utf-8") as f:
        f.write(f"api: {{ socket: {tmp_path}/api.sock }}\ndataplane: {{ hugepages: off }}\n")
    done = run(CAUSEWAYD, "-c", file, check=False)
    assert done.returncode == 1 and re.search(r"error causewayd: .*0000:3b:00\.[01]", done.stderr), done.stderr


def test_prometheus(tmp_path):
    shutil.copy(RULES, tmp_path)
    (tmp_path / "prometheus.yml").write_text(block("scrape_configs:"))
    run("promtool", "check", "config", tmp_path / "prometheus.yml")


# ---- the FRR neighbour


class WrittenFrr(Frr):
    """With what the README says, and nothing else."""

    def config(self):
        return block("router bgp")


def test_frr_neighbour():
    """Session, routes both ways and frames, with Paris as in the README on our side."""
    with Lab() as lab:
        wan = lab.wan()
        site, far = lab.site("paris", wan, 1), LinuxVtep(lab, "frr", wan, 2)
        wan.start()
        conf = paris()
        assert (site.address, far.address) == (conf["underlay"]["address"], conf["bgp"]["peers"][0]["address"])
        conf["fastpath"] = {"dir": lab.file("bpf")}
        conf["dataplane"] = {"hugepages": "off", "max_macs": 4096}
        conf["api"] = {"socket": lab.file("paris.sock")}
        for line in block("ip link add br10100").splitlines():
            far.ns.run("sh", "-ec", line)
        a = site.host("a", 100, "10.100.0.1/24")
        b = far.host("b", VNI, "10.100.0.2/24")
        frr = WrittenFrr(far.ns, 65000, far.address)
        gw = BgpGateway(site, conf)
        with gw:
            frr.start()
            gw.wait_session(far.address, timeout=30)
            frr.wait_established(site.address)
            a.reaches(b, 20, wait=0.2)
            b.reaches(a, 20, wait=0.2)
            gw.wait_mac(WEB, b.mac, far.address)
            wait_for(lambda: frr.routes(2) and frr.routes(3), 10, lambda: frr.vtysh("show bgp l2vpn evpn"))
            assert any(a.mac in prefix for prefix in frr.routes(2)), frr.routes(2)
            received = {(r["type"], r["next_hop"]) for r in gw.routes() if r.get("next_hop") == far.address}
            assert {kind for kind, _ in received} == {2, 3}, gw.routes()


# ---- commands


def commands():
    """Every causewayctl line, with something in the place of what it leaves to the reader."""
    lines = []
    for b in blocks():
        for line in b.splitlines():
            line = re.split(r" # | \| | && ", line.strip() + " # ")[0].strip()
            if line.startswith("causewayctl "):
                line = re.sub(r" M$| M ", f" {MAC} ", line).replace("0200...", "020000000002020000000001" + "0800" + "00" * 46)
                lines.append(line.strip())
    return lines


def test_there_are_commands():
    assert len(commands()) > 30


@pytest.mark.parametrize("line", commands())
def test_command_is_understood(line, tmp_path):
    """Nothing answers: then the status is 1; had the line been wrong it would be 2, before anybody was asked."""
    (tmp_path / "causeway.yaml").write_text(block("site: paris"))
    words = [f"{tmp_path}/{w.split('/')[-1]}" if w.endswith((".yaml", ".pcapng")) else w for w in line.split()[1:]]
    done = run(CAUSEWAYCTL, "-s", tmp_path / "none.sock", *words, check=False)
    if words[0] == "doctor":  # 2 is a verdict of its own
        assert "causewayctl:" not in done.stderr and "limits" in done.stdout, done
    elif "--gateway" in words:
        assert done.returncode in (0, 1), done
    else:
        assert done.returncode == 1 and "none.sock" in done.stderr, done
