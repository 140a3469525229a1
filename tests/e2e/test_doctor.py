# SPDX-License-Identifier: BSD-3-Clause
"""causewayctl doctor: faults are made at a host, at its gateway and on the way, and named."""
import contextlib
import json

import pytest

from bgp import ASN, VLAN, VNI, BgpGateway, bgp_conf, peer
from gateway import CAUSEWAYCTL, network
from lab import Lab, open_all
from netns import run, wait_for

WEB, ONLY_THERE, ONLY_HERE, REFUSED = "web", 10300, 10200, 10400
SILENT = "198.18.0.77"


def conf(site, other, **more):
    networks = [network(WEB, VLAN, VNI), *more.pop("networks", [])]
    return bgp_conf(site, [peer(other.address, asn=ASN), *more.pop("peers", [])], networks, **more)


@pytest.fixture(scope="module")
def s():
    with Lab() as lab:
        wan = lab.relay = lab.wan()
        lab.paris, lab.london = lab.site("paris", wan, 1), lab.site("london", wan, 2)
        wan.start()
        lab.a = lab.paris.host("a", VLAN, "10.100.0.1/24")
        lab.b = lab.london.host("b", VLAN, "10.100.0.2/24")
        here = [network("lonely", 200, ONLY_HERE), network("refused", 400, REFUSED)]
        there = [network("theirs", 300, ONLY_THERE),
                 network("refused", 400, REFUSED, route_targets={"import": ["1:1"], "export": ["1:1"]})]
        lab.gw_paris = BgpGateway(lab.paris, conf(lab.paris, lab.london, networks=here, peers=[peer(SILENT, asn=ASN)]))
        lab.gw_london = BgpGateway(lab.london, conf(lab.london, lab.paris, networks=there))
        with open_all(lab.gw_paris, lab.gw_london):
            lab.gw_paris.wait_session(lab.london.address)
            lab.a.reaches(lab.b)
            yield lab


def doctor(gw, *args):
    """Its findings, {check: [finding]}, and its status."""
    done = gw.ns.run(CAUSEWAYCTL, "-s", gw.socket, "-j", "doctor", *args, check=False)
    assert done.returncode in (0, 1, 2) and not done.stderr, done
    answer, found = json.loads(done.stdout), {}
    for f in answer["findings"]:
        found.setdefault(f["check"], []).append(f)
    assert done.returncode == (2 if answer["problems"] else 1 if answer["warnings"] else 0)
    return found, done.returncode


def verdicts(found, check):
    return {f["verdict"] for f in found[check]}


def named(found, check, *words, verdict="problem"):
    """One finding says all that, and what to do."""
    hits = [f for f in found[check] if f["verdict"] == verdict and all(str(w) in f["text"] for w in words)]
    assert len(hits) == 1, (words, found[check])
    assert hits[0]["todo"]
    return hits[0]


@pytest.fixture(scope="module")
def found(s):
    return doctor(s.gw_paris)[0]


def test_what_is_well(found):
    for check in ("gateway", "interfaces", "mtu", "rx-vlan", "duplicates", "vteps"):
        assert verdicts(found, check) == {"ok"}, found[check]
    for f in sum(found.values(), []):
        assert f["text"] and (f["verdict"] == "ok" or f["todo"]), f


def test_peer_that_is_down(s, found):
    named(found, "peers", SILENT)
    assert not [f for f in found["peers"] if s.london.address in f["text"]]


def test_vni_at_one_end_only(s, found):
    named(found, "vni", s.london.address, ONLY_THERE, "no network here", verdict="warning")
    named(found, "vni", s.london.address, ONLY_HERE, "lonely", verdict="warning")
    named(found, "networks", "lonely")


def test_route_targets_that_do_not_meet(s, found):
    named(found, "vni", s.london.address, REFUSED, "route target")


def test_path_is_measured(s, found):
    assert [f for f in found["path-mtu"] if f["verdict"] == "ok" and "1500" in f["text"] and s.london.address in f["text"]]


def test_rx_vlan_offload(s):
    with contextlib.ExitStack() as stack:
        stack.callback(s.paris.ns.run, "ethtool", "-K", "lan0", "rxvlan", "off")
        s.paris.ns.run("ethtool", "-K", "lan0", "rxvlan", "on")
        found, status = doctor(s.gw_paris)
        todo = named(found, "rx-vlan", "trunk0", "lan0")["todo"]
        assert status == 2
        s.paris.ns.run(*todo.split())  # what it says helps
        assert verdicts(doctor(s.gw_paris)[0], "rx-vlan") == {"ok"}


def test_strict_rp_filter(s):
    path = "net/ipv4/conf/wan0/rp_filter"
    before = s.paris.ns.sysctl(path)
    try:
        s.paris.ns.sysctl(path, 1)
        named(doctor(s.gw_paris)[0], "rp-filter", "wan0", verdict="warning")
    finally:
        s.paris.ns.sysctl(path, before.strip() if before else 0)


def test_wan_mtu_too_small(s):
    """Here: the interface. Nothing of it is asked of the other end."""
    try:
        s.paris.ns.ip("link set wan0 mtu 1520")
        wait_for(lambda: s.gw_paris.vtep(s.london.address)["mtu"] == 1520, 10, "the gateway knows")
        found, _ = doctor(s.gw_paris)
        named(found, "mtu", 1520, 1550)
        named(found, "path-mtu", s.london.address, 1550)
    finally:
        s.paris.ns.ip("link set wan0 mtu 1600")
        wait_for(lambda: s.gw_paris.vtep(s.london.address)["mtu"] == 1600, 10, "the gateway knows")


def test_path_mtu_too_small(s):
    """What no table of either host knows: only what the far gateway answers tells."""
    try:
        s.relay.start(mtu=1540)
        s.gw_paris.wait_session(s.london.address)
        found, _ = doctor(s.gw_paris)
        assert verdicts(found, "mtu") == {"ok"}
        named(found, "path-mtu", s.london.address, "MTU 1540 at most", 1550)
    finally:
        s.relay.start(mtu=0)
        s.gw_paris.wait_session(s.london.address)


def test_text(s):
    done = s.paris.ns.run(CAUSEWAYCTL, "-s", s.gw_paris.socket, "doctor", check=False)
    assert done.returncode == 2
    assert [x for x in done.stdout.splitlines() if x.startswith("problem") and SILENT in x]
    assert "do: causewayctl show bgp peers" in done.stdout


def test_host_alone(s, tmp_path):
    done = s.paris.ns.run(CAUSEWAYCTL, "-j", "doctor", "--config", s.gw_paris.file, check=False)
    checks = {f["check"] for f in json.loads(done.stdout)["findings"]}
    assert "interfaces" in checks and "peers" not in checks
    broken = tmp_path / "broken.yaml"
    broken.write_text("site: [\n")
    done = run(CAUSEWAYCTL, "doctor", "--config", broken, check=False)
    assert done.returncode == 2 and str(broken) in done.stderr


def test_no_gateway(s, tmp_path):
    done = run(CAUSEWAYCTL, "-s", tmp_path / "none.sock", "-j", "doctor", check=False)
    assert done.returncode == 2
    assert any(f["check"] == "gateway" and f["verdict"] == "problem" for f in json.loads(done.stdout)["findings"])


def test_two_at_a_time(s):
    """The second one may hear that the other gateways are being asked; neither waits for ever."""
    doctors = [s.paris.ns.start(CAUSEWAYCTL, "-s", s.gw_paris.socket, "-j", "doctor", stdout=-1) for _ in range(3)]
    for d in doctors:
        text, _ = d.communicate(timeout=30)
        assert json.loads(text)["findings"]
    assert s.gw_paris.alive()


# ---- the firewall of the host


@contextlib.contextmanager
def rules(ns, *commands, nft=None):
    """nft's text, or commands, in force in a namespace for as long as this lasts; where iptables is the older kind, what it
    made stays in the kernel, empty."""
    try:
        if nft:
            ns.run("nft", "-f", "-", input=nft)
        for c in commands:
            ns.run(*c.split())
        yield
    finally:
        ns.run("nft", "flush", "ruleset")


NFT = """
table inet filter {
    chain input {
        type filter hook input priority 0; policy %s;
        iifname "lo" accept
        ct state established,related accept
        %s
    }
}
"""


def firewall(s):
    """{what is stopped: finding}; the host alone: what the gateway says has nothing to do with it, and takes longer."""
    found, _ = doctor(s.gw_paris, "--config", s.gw_paris.file)
    return {f["text"].split(" is dropped")[0]: f for f in found["firewall"] if f["verdict"] != "ok"}


VXLAN, BGP_IN, BGP_OUT = "VXLAN (UDP 4789)", "BGP (TCP 179) to this host", "BGP (TCP 179) from this host"


def test_no_firewall(s):
    assert firewall(s) == {}


@pytest.mark.parametrize("policy, rule, blocked", [
    ("accept", "udp dport 4789 drop", {VXLAN: "warning"}),
    ("accept", 'tcp dport 179 log prefix "no: " reject', {BGP_IN: "problem"}),
    ("drop", "udp dport 4789 accept", {BGP_IN: "problem"}),
    ("drop", "", {VXLAN: "warning", BGP_IN: "problem"}),
    ("drop", "tcp dport { 22, 179 } accept; udp dport 4789 accept", {})])
def test_nft(s, policy, rule, blocked):
    """What nft lists is read right: rules as the kernel has them, not as a test makes them up."""
    with rules(s.paris.ns, nft=NFT % (policy, rule)):
        found = firewall(s)
        assert {k: f["verdict"] for k, f in found.items()} == blocked, found
        if rule.endswith(("drop", "reject")):
            assert all(rule.split(" log ")[0] in f["text"] and "nft list ruleset" in f["todo"] for f in found.values())


def test_nft_elsewhere_on_the_way(s):
    pre = "table ip raw { chain pre { type filter hook prerouting priority -300; tcp dport 179 drop; }\n}\n"
    post = "table ip x { chain post { type filter hook postrouting priority 0; tcp dport 179 drop; }\n}\n"
    forward = "table ip f { chain fw { type filter hook forward priority 0; policy drop; }\n}\n"
    for text, blocked in ((pre, {BGP_IN}), (post, {BGP_OUT}), (forward, set())):
        with rules(s.paris.ns, nft=text):
            assert set(firewall(s)) == blocked


def test_nft_that_it_does_not_follow(s):
    """Another site's address, a jump: neither believed nor ignored."""
    text = """table ip filter {
        chain mine { drop; }
        chain input { type filter hook input priority 0; ip saddr 198.18.0.99 udp dport 4789 drop; jump mine; }\n}\n"""
    with rules(s.paris.ns, nft=text):
        found, _ = doctor(s.gw_paris, "--config", s.gw_paris.file)
    assert [f["verdict"] for f in found["firewall"]] == ["cannot tell"] * 2, found["firewall"]


IPTABLES = ("-A INPUT -p udp -m comment --comment tunnel -m udp --dport 4789 -j DROP",
            "-A INPUT -p tcp -m multiport --dports 22,179 -m conntrack --ctstate NEW -j REJECT",
            "-A OUTPUT -p tcp --dport 179 -j DROP")


@pytest.mark.parametrize("program", ["iptables-nft", "iptables-legacy"])
def test_iptables(s, program):
    if s.paris.ns.run(program, "-S", check=False).returncode:
        pytest.skip(f"this kernel has nothing for {program}")
    try:
        with rules(s.paris.ns, *[f"{program} {r}" for r in IPTABLES]):
            found = firewall(s)
            assert {k: f["verdict"] for k, f in found.items()} == \
                {VXLAN: "warning", BGP_IN: "problem", BGP_OUT: "problem"}, found
    finally:
        s.paris.ns.run(program, "-F")
    assert firewall(s) == {}
