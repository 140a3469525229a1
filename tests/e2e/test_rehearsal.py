# SPDX-License-Identifier: BSD-3-Clause
"""A move is rehearsed between two gateways; what is at a site is shown."""
import pytest
from scapy.all import ARP, ICMP, Ether

from bgp import ASN, VLAN, BgpGateway, bgp_conf, peer
from lab import Lab, open_all
from netns import wait_for
from wire import Wire

WEB = "web"
DELAY_US = 400


def conf(site, other):
    c = bgp_conf(site, [peer(other.address, asn=ASN)])
    c["sites"] = [{"name": other.name, "vteps": [other.address]}]
    return c


@pytest.fixture(scope="module")
def s():
    with Lab() as lab:
        wan = lab.wan(delay=DELAY_US)
        lab.paris, lab.london = lab.site("paris", wan, 1), lab.site("london", wan, 2)
        wan.start()
        lab.a = lab.paris.host("a", VLAN, "10.100.0.1/24")
        lab.b = lab.london.host("b", VLAN, "10.100.0.2/24")
        lab.gw_paris = BgpGateway(lab.paris, conf(lab.paris, lab.london))
        lab.gw_london = BgpGateway(lab.london, conf(lab.london, lab.paris))
        with open_all(lab.gw_paris, lab.gw_london):
            lab.gw_paris.wait_session(lab.london.address)
            lab.a.reaches(lab.b)
            yield lab


def rehearse(gw, to, timeout=40):
    gw.ask("move rehearse", network=WEB, to=to)
    return wait_for(lambda: (r := gw.ask("show rehearsal"))["finished"] and r, timeout, "the rehearsal ends")


def macs(gw):
    return {r["mac"] for r in gw.ask("show macs")["macs"]}


def test_there_and_back(s, record_property):
    before = macs(s.gw_paris), macs(s.gw_london)
    r = rehearse(s.gw_paris, "london")
    assert r["stage"] == "done", r
    assert r["site"] == "london" and r["vtep"] == s.london.address
    assert r["path"]["round_trip_ns"] >= 2 * DELAY_US * 1000
    assert r["path"]["mtu"] == r["path"]["mtu_wanted"] == 1500
    for view in ("here", "there"):
        assert r[view]["probes"] > 300 and {"dark_there_ns", "dark_back_ns"} <= set(r[view]), r
        assert r[view]["announcements_sent"] > 0, r
        assert 300 < r[view]["answered"] <= r[view]["probes"] - r[view]["lost"], r
        # Whatever is lost is lost while the MAC is on its way: its dark time, and a round trip of probes under way.
        dark_ms = (r[view]["dark_there_ns"] + r[view]["dark_back_ns"]) / 1e6
        assert r[view]["lost"] <= dark_ms + 20, r
    wait_for(lambda: (macs(s.gw_paris), macs(s.gw_london)) == before, 5, "nothing is left of it")
    record_property("seen", f"rehearsal: dark {r['here']['dark_there_ns'] / 1e6:.1f} ms there, {r['here']['dark_back_ns'] / 1e6:.1f} ms back")


def test_its_address_is_a_neighbor(s):
    """As any host's: the synthetic IP is in the neighbour tables of both sites while it lasts, and goes with it."""
    ip, used = s.gw_paris.ask("move rehearse", network=WEB, to="london")["ip"], {}

    def bindings(gw):
        return [n for n in gw.ask("show neighbors", ip=ip)["neighbors"] if n["used"]]

    def over():
        for gw in (s.gw_paris, s.gw_london):
            for n in bindings(gw):
                used.setdefault(gw.name, set()).add(n["origin"])
        return s.gw_paris.ask("show rehearsal")["finished"]

    wait_for(over, 40, "the rehearsal ends")
    assert all(used.get(gw.name, set()) & {"local", "both"} for gw in (s.gw_paris, s.gw_london)), used
    wait_for(lambda: not bindings(s.gw_paris) and not bindings(s.gw_london), 5, "nothing is left of it")


def test_nothing_real_is_disturbed(s):
    """R1.12 aside, a site sees announcements of the synthetic MAC and nothing else of it."""
    wire = Wire(s.b.ns, "eth0")
    before = {gw.name: {m["mac"]: (m.get("sequence"), m["moves"]) for m in gw.ask("show macs")["macs"]}
              for gw in (s.gw_paris, s.gw_london)}
    r = rehearse(s.gw_paris, s.london.address)
    assert r["stage"] == "done", r
    for gw in (s.gw_paris, s.gw_london):
        now = {m["mac"]: (m.get("sequence"), m["moves"]) for m in gw.ask("show macs")["macs"]}
        assert {m: now.get(m) for m in before[gw.name]} == before[gw.name]
    ping = s.a.ping(s.b, count=3)
    assert ping.complete, ping.text
    seen = [Ether(f) for f in wire.frames(lambda f: ICMP in Ether(f) and Ether(f).src == s.a.mac)]
    wire.close()
    # 02:43:46 is the gateway's own, which asks for its neighbours.
    seen = [f for f in seen if f.src.startswith("02:43:") and not f.src.startswith("02:43:46:")]
    assert seen, "no announcement came"
    assert {(f.src, f.dst) for f in seen} == {(r["mac"], "ff:ff:ff:ff:ff:ff")} and all(ARP in f for f in seen), seen


def test_path_mtu_is_told(s):
    """R11.1: a WAN that takes less than the VLAN needs is found before a VM is."""
    dev = "wan0"
    s.london.ns.run("ip", "link", "set", dev, "mtu", "1450")
    try:
        wait_for(lambda: s.gw_london.ask("show status")["underlay"]["mtu"] == 1450, 10, "the smaller MTU is seen")
        r = rehearse(s.gw_london, "paris")
        assert r["stage"] == "done", r
        assert r["path"]["mtu_wanted"] == 1500 and r["path"]["mtu"] == 1400, r
    finally:
        s.london.ns.run("ip", "link", "set", dev, "mtu", "1600")
        wait_for(lambda: s.gw_london.ask("show status")["underlay"]["mtu"] == 1600, 10, "the MTU is back")


def test_command_line(s):
    done = s.gw_paris.ctl_run("move", "rehearse", "--network", WEB, "--to", "london")
    assert "dark" in done.stdout and "path MTU" in done.stdout, done


@pytest.mark.parametrize("args, says", [
    (("--network", WEB), "--to"),
    (("--to", "london"), "--network"),
    (("--network", WEB, "--to", "rome"), 'no site "rome": there are paris (this one), london'),
    (("--network", WEB, "--to", "paris"), "own site"),
    (("--network", WEB, "--to", "198.18.0.77"), "serves network web now"),
    (("--network", "nix", "--to", "london"), "no network of that name"),
])
def test_wrong_words(s, args, says):
    done = s.gw_paris.ctl_run("move", "rehearse", *args)
    assert done.returncode != 0 and says in done.stderr, done


def test_show_site(s):
    own, other = s.gw_paris.ask("show site"), s.gw_paris.ask("show site", site="london")
    assert own["own"] and not other["own"]
    assert [m["mac"] for m in own["macs"]] == [s.a.mac] and [m["mac"] for m in other["macs"]] == [s.b.mac]
    assert own["macs"][0]["ips"] == ["10.100.0.1"] and own["macs"][0]["seen_s"] < 60
    assert own["ports"][0]["macs"] == 1 and other["vteps"][0]["from_site"]["frames"] > 0
    assert s.b.mac in s.gw_paris.ctl_run("show", "site", "london").stdout
