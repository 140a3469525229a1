# SPDX-License-Identifier: BSD-3-Clause
"""Another configuration for a running gateway: what changes is there, what does not change loses not one frame."""
import copy
import os
import signal
import time
from types import SimpleNamespace

import pytest

from bgp import VLAN, BgpGateway, bgp_conf, peer
from gateway import CAUSEWAYCTL
from lab import Lab, open_all
from netns import wait_for
from stream import Stream

WEB, DB = "web", "db"
DB_VLAN, DB_VNI = 200, 10200
OFTEN_S = float(os.environ.get("RELOAD_SECONDS", "10"))


class Reloaded(BgpGateway):
    """A gateway whose configuration changes."""

    def put(self, change=None, conf=None):
        """Writes the file: the one of now (or conf), changed by change(conf)."""
        self.conf = copy.deepcopy(conf or self.conf)
        if change:
            change(self.conf)
        self.write()

    def reload(self, change=None, conf=None):
        """Applied, and nothing to complain about; the answer."""
        self.put(change, conf)
        answer = self.ask("reload")
        assert answer["applied"] and not answer["errors"] and not answer.get("warnings"), (answer, self.log[-3000:])
        return answer

    @property
    def generation(self):
        return self.ask("show status")["generation"]

    def network_names(self):
        return [n["name"] for n in self.ask("show networks")["networks"]]


def db(**more):
    return {"name": DB, "vlan": DB_VLAN, "vni": DB_VNI, **more}


def add_db(conf, **more):
    conf["networks"].append(db(**more))


def without_db(conf):
    conf["networks"] = [n for n in conf["networks"] if n["name"] != DB]


def change_db(**more):
    def change(conf):
        next(n for n in conf["networks"] if n["name"] == DB).update(more)
    return change


@pytest.fixture(scope="module")
def s():
    with Lab() as lab:
        wan = lab.wan(delay=100)
        paris, london = lab.site("paris", wan, 1), lab.site("london", wan, 2)
        wan.start()
        s = SimpleNamespace(
            lab=lab, at=[paris.address, london.address],
            a=paris.host("a", VLAN, "10.100.0.1/24"), b=london.host("b", VLAN, "10.100.0.2/24"),
            c=paris.host("c", DB_VLAN, "10.200.0.1/24"), d=london.host("d", DB_VLAN, "10.200.0.2/24"))
        s.paris, s.london = (Reloaded(site, bgp_conf(site, [peer(other.address)]))
                             for site, other in ((paris, london), (london, paris)))
        s.first = [copy.deepcopy(g.conf) for g in (s.paris, s.london)]
        with open_all(s.paris, s.london):
            s.paris.wait_session(s.at[1])
            s.london.wait_session(s.at[0])
            s.a.reaches(s.b, wait=0.2)
            yield s


@pytest.fixture(autouse=True)
def as_at_first(s):
    yield
    for g, conf in zip((s.paris, s.london), s.first):
        g.reload(conf=conf)
    wait_for(lambda: s.paris.established(s.at[1]), 15, "the session is there again")


def meet(a, b):
    """They ask for each other, and for no other one that a stream is on its way to: a network that is new knows no silent
    host."""
    a.forget_neighbours(b)
    b.forget_neighbours(a)
    a.reaches(b, wait=0.2, timeout=10)


def undisturbed_by(gateway, stream):
    """Ends it: not one frame is missing, and none came twice."""
    stream.end()
    assert stream.sent > 20 and len(stream.seen) == stream.sent and stream.twice == 0, \
        (stream.sent, stream.lost()[:20], stream.twice, gateway.drops(), gateway.log[-3000:])


def undisturbed(s, stream):
    undisturbed_by(s.paris, stream)


def test_networks_come_change_and_go(s):
    with Stream(s.a, s.b) as stream:
        for g in (s.paris, s.london):
            answer = g.reload(add_db)
            assert [(c["change"], c["path"]) for c in answer["changes"]] == [("added", f"networks[{DB}]")]
        meet(s.c, s.d)
        s.paris.wait_mac(DB, s.d.mac, s.at[1])
        for g in (s.paris, s.london):
            g.reload(change_db(ageing=77, unknown_unicast="flood", limits={"broadcast": 500}, mac_limit=9))
        assert s.c.ping(s.d, count=3).complete
        row = next(n for n in s.paris.ask("show networks")["networks"] if n["name"] == DB)
        assert row["ageing_s"] == 77 and row["unknown_unicast"] == "flood" and row["mac_limit"] == 9, row
        # Another VNI is another network: with both it works again.
        for g in (s.paris, s.london):
            g.reload(change_db(vni=DB_VNI + 1))
        meet(s.c, s.d)
        s.paris.reload(without_db)
        assert s.paris.network_names() == [WEB]
        assert not [r for r in s.paris.routes() if r.get("network") == DB]
        assert not [m for m in s.paris.macs() if m[0] == DB]
        s.london.gone(DB, s.c.mac)
        wait_for(lambda: not s.london.ask("show networks", network=DB)["networks"][0]["vteps"], 5,
                 lambda: f"paris is off london's flood list: {s.london.ask('show networks', network=DB)}")
        undisturbed(s, stream)


def test_a_network_that_comes_again_counts_from_zero(s):
    for _ in range(2):
        for g in (s.paris, s.london):
            g.reload(add_db)
        meet(s.c, s.d)
        for g in (s.paris, s.london):
            g.reload(without_db)
    s.paris.reload(add_db)
    row = next(n for n in s.paris.counters()["networks"] if n["network"] == DB)
    assert all(int(v["frames"]) < 50 for v in row.values() if isinstance(v, dict) and "frames" in v), row


def test_static_macs_follow(s):
    static = [{"mac": "02:00:00:00:00:77", "port": "trunk0"}, {"mac": "02:00:00:00:00:78", "port": "trunk0"}]

    def web(conf, macs):
        next(n for n in conf["networks"] if n["name"] == WEB)["static_macs"] = macs
    s.paris.reload(lambda c: web(c, static))
    for m in static:
        s.london.wait_mac(WEB, m["mac"], s.at[0])
    s.paris.reload(lambda c: web(c, static[1:]))
    s.london.gone(WEB, static[0]["mac"])
    assert s.paris.mac(WEB, static[1]["mac"])["port"] == "trunk0"


def test_many_static_macs_of_a_new_network(s):
    """More than one turn of the loop does. The answer comes when the last one is in, and the peers are told of all."""
    static = [{"mac": f"02:00:00:01:{n >> 8:02x}:{n & 255:02x}", "port": "trunk0"} for n in range(1200)]

    def there(gateway, macs):
        return {m["mac"] for m in macs} & set(gateway.macs(DB))  # hosts of this VLAN may speak, too
    s.london.reload(add_db)
    s.paris.reload(lambda c: (add_db(c), change_db(static_macs=static)(c)))
    assert len(there(s.paris, static)) == len(static)
    wait_for(lambda: len(there(s.london, static)) == len(static), 10, lambda: f"{len(there(s.london, static))} MACs at London")
    assert s.london.mac(DB, static[-1]["mac"])["vtep"] == s.at[0]
    s.paris.reload(change_db(static_macs=static[1100:]))
    assert len(there(s.paris, static)) == 100 and s.paris.ask("show status")["reload_macs_left"] == 0
    wait_for(lambda: len(there(s.london, static)) == 100, 10, lambda: f"{len(there(s.london, static))} MACs at London")
    assert "cannot be announced" not in s.paris.log


def test_peers_come_and_go(s):
    """A third one, that nobody answers for; and a setting that resets one session, not the other."""
    nobody = "198.18.0.77"
    with Stream(s.a, s.b) as stream:
        before = s.paris.peer(s.at[1])["up_s"]
        s.paris.reload(lambda c: c["bgp"]["peers"].append(peer(nobody, max_prefixes=7)))
        assert s.paris.state(nobody) != "Established"
        s.paris.reload(lambda c: c["bgp"]["peers"][1].update(max_prefixes=8, passive=True))
        s.paris.reload(lambda c: c["bgp"]["peers"].pop())
        assert [p["address"] for p in s.paris.ask("show bgp peers")["peers"]] == [s.at[1]]
        assert s.paris.established(s.at[1]) and s.paris.peer(s.at[1])["up_s"] >= before
        undisturbed(s, stream)


def test_port_settings(s):
    """A network that a port no longer carries, and again."""
    s.paris.reload(add_db)
    s.london.reload(add_db)
    meet(s.c, s.d)
    with Stream(s.a, s.b) as stream:
        s.paris.reload(lambda c: c["access"][0].update(networks=[WEB], mac_limit=100))
        s.london.gone(DB, s.c.mac)
        assert not s.c.ping(s.d, count=1, wait=0.3).complete
        s.paris.reload(lambda c: c["access"][0].pop("networks"))
        meet(s.c, s.d)
        undisturbed(s, stream)


@pytest.fixture(params=["auto", "off"], ids=["fastpath", "worker"])
def rome(request):
    """Hosts e and g at two ports that stay; f and h at lan1 and lan3, which come and go."""
    with Lab() as lab:
        wan = lab.wan()
        site, other = lab.site("rome", wan, 1, trunks=4), lab.site("milan", wan, 2)
        wan.start()
        conf = bgp_conf(site, [peer(other.address)])
        conf["access"].append({"name": "trunk2", "interface": "lan2"})
        conf["fastpath"]["mode"] = request.param
        far_conf = bgp_conf(other, [peer(site.address)])
        hosts = [site.host(name, VLAN, f"10.100.1.{i + 1}/24", trunk=i) for i, name in enumerate("efgh")]
        with Reloaded(site, conf) as gateway, Reloaded(other, far_conf) as far:
            gateway.wait_session(other.address)
            hosts[0].reaches(hosts[2], wait=0.2)
            yield SimpleNamespace(gateway=gateway, far=far, site=site, hosts=hosts, address=site.address)


def trunk1(interface):
    """trunk1 is this interface, or is not there."""
    def change(conf):
        conf["access"] = [a for a in conf["access"] if a["name"] != "trunk1"]
        if interface:
            conf["access"].append({"name": "trunk1", "interface": interface})
    return change


def reload_soon(gateway, change):
    """The kernel lets go of an AF_XDP socket some time after it was closed: until then its interface is refused, and
    nothing changed."""
    gateway.put(change)
    wait_for(lambda: gateway.ask("reload")["applied"], 10, lambda: f"it is applied: {gateway.log[-1000:]}")


def xdp_on(site, dev):
    return "xdp" in site.ns.ip_json("link", "show", "dev", dev)[0]


def received(gateway, name="trunk1"):
    return next(int(p["rx"]["frames"]) for p in gateway.counters()["ports"] if p["port"] == name)


def test_ports_come_and_go(rome):
    """And one that cannot be had changes nothing. The stream is between two other ports."""
    gateway, (e, f, g, h) = rome.gateway, rome.hosts
    with Stream(e, g) as stream:
        gateway.put(lambda c: c["access"].extend(({"name": "trunk1", "interface": "lan1"},
                                                  {"name": "trunk9", "interface": "nowhere"})))
        answer = gateway.ask("reload")
        assert not answer["applied"] and "nowhere" in answer["errors"][0], answer
        assert "trunk1" not in gateway.ports() and gateway.generation == 1
        gateway.reload(lambda c: c["access"].pop())
        assert gateway.ports()["trunk1"]["up"]
        for _ in range(2):
            meet(e, f)
            gateway.wait_mac(WEB, f.mac, "trunk1")
            rome.far.wait_mac(WEB, f.mac, rome.address)
            before = received(gateway)
            gateway.reload(trunk1(None))
            assert sorted(gateway.ports()) == ["trunk0", "trunk2", "underlay"] and not gateway.mac(WEB, f.mac)
            rome.far.gone(WEB, f.mac)
            wait_for(lambda: not xdp_on(rome.site, "lan1"), 5, "no XDP program is left on lan1")
            assert not e.ping(f, count=1, wait=0.3).complete
            reload_soon(gateway, trunk1("lan1"))
            assert received(gateway) < before, "another port of that name begins at 0"
        # The same name at another interface: in one step, and it goes on counting.
        meet(e, f)
        before = received(gateway)
        answer = gateway.reload(trunk1("lan3"))
        assert [(c["path"], c["from"], c["to"]) for c in answer["changes"]] == [("access[trunk1].interface", "lan1", "lan3")]
        meet(e, h)
        gateway.wait_mac(WEB, h.mac, "trunk1")
        assert received(gateway) > before and not gateway.mac(WEB, f.mac) and xdp_on(rome.site, "lan3")
        assert gateway.ctl_run("diff", gateway.file).returncode == 0
        undisturbed_by(gateway, stream)


def test_ports_that_dpdk_drives_come_and_go(rome):
    """A vdev, as a PCI device would; one that DPDK has under that name already; a PCI device that is not there."""
    gateway, (e, f, g, h) = rome.gateway, rome.hosts

    def at(*ports):
        def change(conf):
            conf["access"] = [a for a in conf["access"] if a["name"] in ("trunk0", "trunk2")] + list(ports)
        return change

    def refused(*ports):
        gateway.put(at(*ports))
        answer = gateway.ask("reload")
        assert not answer["applied"], answer
        return answer["errors"][0]
    for dev in ("lan1", "lan3"):
        rome.site.detach_kernel(dev)
    one, other = ({"name": "trunk1", "dpdk": f"net_af_packet{n},iface={dev}"} for n, dev in ((1, "lan1"), (2, "lan3")))
    with Stream(e, g) as stream:
        gateway.reload(at(one))
        for _ in range(2):
            meet(e, f)
            rome.far.wait_mac(WEB, f.mac, rome.address)
            assert "needs a restart" not in refused({**one, "dpdk": one["dpdk"].replace("lan1", "lan3")})
            assert "0000:ff:1f.6" in refused(one, {"name": "trunk5", "pci": "0000:ff:1f.6"})
            assert "trunk1" in gateway.ports() and len(gateway.ports()) == 4
            meet(e, f)
            gateway.reload(at(other))
            meet(e, h)
            rome.far.gone(WEB, f.mac)
            gateway.reload(at())
            assert "trunk1" not in gateway.ports()
            gateway.reload(at(one))
        undisturbed_by(gateway, stream)


def test_ports_are_renamed(rome):
    """A port is its interface: two that change their names, and one that gets another one, lose nothing."""
    gateway, (e, f, g, _) = rome.gateway, rome.hosts
    gateway.reload(trunk1("lan1"))
    meet(e, f)
    static = {"mac": "02:00:00:00:00:77", "port": "trunk0"}
    gateway.reload(lambda c: c["networks"][0].update(static_macs=[static]))

    def rename(conf):
        names = {"trunk0": "trunk2", "trunk2": "trunk0", "trunk1": "other"}
        for a in conf["access"]:
            a["name"] = names[a["name"]]
    counted = {name: received(gateway, name) for name in ("trunk0", "trunk2")}
    with Stream(e, g) as stream:
        gateway.reload(rename)
        for host, name in ((e, "trunk2"), (g, "trunk0"), (f, "other")):
            gateway.wait_mac(WEB, host.mac, name)
        assert gateway.mac(WEB, static["mac"])["port"] == "trunk0"
        assert all(received(gateway, name) >= n for name, n in counted.items())
        assert gateway.ctl_run("diff", gateway.file).returncode == 0
        undisturbed_by(gateway, stream)


def listening(gateway):
    return {int(line.split()[3].rsplit(":", 1)[1])
            for line in gateway.ns.run("ss", "-Hltn").stdout.splitlines()}


def test_bgp_listens_on_another_port(s):
    with Stream(s.a, s.b) as stream:
        before = s.paris.peer(s.at[1])["up_s"]
        for port in (1790, 179):
            s.paris.reload(lambda c, port=port: c["bgp"].update(port=port))
            assert listening(s.paris) & {179, 1790} == {port}
        assert s.paris.established(s.at[1]) and s.paris.peer(s.at[1])["up_s"] >= before
        undisturbed(s, stream)


def appears(host, mac):
    """A gratuitous ARP of some MAC."""
    mac = bytes.fromhex(mac.replace(":", ""))
    with host.ns.raw_socket("eth0", mib=1) as raw:
        raw.send(b"\xff" * 6 + mac + bytes.fromhex("08060001080006040001") + mac + b"\x0a\x64\0\x63" + bytes(6)
                 + b"\x0a\x64\0\x63" + bytes(18))


def test_the_journal_goes_to_another_file(s):
    """What is complete goes where the file says by then; nothing is read from there, nothing is lost of what is known."""
    files = [s.lab.file(f"moves{i}") for i in range(2)]
    mac = "02:00:00:00:66:01"
    for path in files:
        s.paris.reload(lambda c, path=path: c.update(moves={"journal": path, "bounce": 1}))
        for host, where in ((s.a, "trunk0"), (s.b, s.at[1])):
            appears(host, mac)
            s.paris.wait_mac(WEB, mac, where)

    def lines(path):
        with open(path, encoding="utf-8") as f:
            return [line for line in f if mac in line]
    wait_for(lambda: sum(len(lines(path)) for path in files) == 3, 20, lambda: f"all are complete: {s.paris.log[-500:]}")
    assert lines(files[1]) and len(s.paris.ask("show moves", mac=mac)["moves"]) == 3
    s.paris.reload(lambda c: c["moves"].pop("journal"))


def test_a_bad_file_changes_nothing(s):
    generation = s.paris.generation
    with Stream(s.a, s.b) as stream:
        for text, where in (("site: [\n", ":2:"), ("nonsense: 1\n", ":1:1:"), ("\tx: y\n", ":1:"), ("a: \xff\n", ":1:")):
            with open(s.paris.file, "w", encoding="latin-1") as f:
                f.write(text)
            done = s.paris.ctl_run("reload")
            assert done.returncode == 1 and s.paris.file + where in done.stdout + done.stderr, (text, done)
            assert s.paris.ctl_run("diff", s.paris.file).returncode == 1
        assert s.paris.generation == generation and s.paris.network_names() == [WEB]
        assert s.paris.file + ":1:" in s.paris.log
        undisturbed(s, stream)


def test_what_needs_a_restart_is_refused_as_a_whole(s):
    def change(conf):
        conf["gateway"] = "paris-9"
        add_db(conf)
    generation = s.paris.generation
    s.paris.put(change)
    done = s.paris.ctl_run("diff", s.paris.file)
    assert done.returncode == 3 and "gateway: paris-1 -> paris-9" in done.stdout and "needs a restart" in done.stdout
    assert f"+ networks[{DB}]" in done.stdout
    done = s.paris.ctl_run("reload")
    assert done.returncode == 3 and "refused" in done.stdout, done
    assert s.paris.generation == generation and s.paris.network_names() == [WEB]


def test_passwords_do_not_leak(s):
    def change(conf):
        conf["bgp"]["peers"].append(peer("198.18.0.78", password="very-secret"))
    s.paris.put(change)
    said = s.paris.ctl_run("diff", s.paris.file).stdout + s.paris.ctl_run("reload").stdout
    s.paris.put(lambda c: c["bgp"]["peers"][1].update(password="other-secret"))
    said += s.paris.ctl_run("diff", s.paris.file).stdout
    assert ".password" in said and "secret" not in said + s.paris.log


def test_sighup_and_what_is_shown(s):
    generation = s.paris.generation
    s.paris.put(add_db)
    s.paris.process.send_signal(signal.SIGHUP)
    wait_for(lambda: s.paris.generation == generation + 1, 5, "a generation later")
    assert DB in s.paris.network_names()
    s.paris.wait_log("event=reload")
    done = s.paris.ctl_run("reload")
    assert done.returncode == 0 and "no difference" in done.stdout
    assert s.paris.ctl_run("diff", s.paris.file).returncode == 0
    assert s.paris.generation == generation + 1


def resident(g):
    with open(f"/proc/{g.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def test_again_and_again_under_traffic(s):
    """One each 50 ms: networks come and go, limits and peers change."""
    confs = [copy.deepcopy(s.first[0]) for _ in range(4)]
    add_db(confs[1])
    add_db(confs[2], mac_limit=3, unknown_unicast="flood")
    confs[2]["bgp"]["peers"].append(peer("198.18.0.77"))
    confs[3]["networks"][0]["limits"] = {"broadcast": 1234}
    before, n, memory = s.paris.generation, 0, []
    end = time.monotonic() + OFTEN_S
    with Stream(s.a, s.b) as stream:
        while time.monotonic() < end:
            began = time.monotonic()
            s.paris.put(conf=confs[n % len(confs)])
            answer = s.paris.ask("reload")
            assert answer["applied"], answer
            n += 1
            if n % 20 == 0:
                memory.append(resident(s.paris))
            time.sleep(max(0.0, began + 0.05 - time.monotonic()))
        assert s.paris.generation >= before + n - 1
        undisturbed(s, stream)
    assert len(memory) < 4 or memory[-1] - memory[len(memory) // 3] < 4096, memory
    assert s.paris.established(s.at[1])


# ---- what somebody may try who knows nothing of how it is done


def agrees(gateway):
    """What runs is what the file says."""
    assert gateway.ctl_run("diff", gateway.file).returncode == 0
    conf = {n["name"]: (n["vlan"], n["vni"]) for n in gateway.conf["networks"]}
    assert {n["name"]: (n["vlan"], n["vni"]) for n in gateway.ask("show networks")["networks"]} == conf
    assert sorted(gateway.ports()) == sorted([a["name"] for a in gateway.conf["access"]] + ["underlay"])


def exchanged(conf, *keys):
    """The first two networks exchange these."""
    one, other = conf["networks"][:2]
    for key in keys:
        one[key], other[key] = other[key], one[key]


@pytest.mark.parametrize("keys", [("vlan",), ("vni",), ("name",), ("vlan", "vni"), ("name", "vni")], ids="-".join)
def test_two_networks_exchange(s, keys):
    """At both sites, and back; a third one goes on."""
    third = {"name": "third", "vlan": 300, "vni": 10300}
    for g in (s.paris, s.london):
        g.reload(lambda c: (add_db(c), c["networks"].append(dict(third))))
    meet(s.c, s.d)
    for _ in range(2):
        for g in (s.paris, s.london):
            g.reload(lambda c: exchanged(c, *keys))
            agrees(g)
        for pair in ((s.a, s.b), (s.c, s.d)):
            meet(*pair)
        nets = {n["vlan"]: n["name"] for n in s.paris.conf["networks"]}
        s.paris.wait_mac(nets[VLAN], s.b.mac, s.at[1])
        s.paris.wait_mac(nets[DB_VLAN], s.d.mac, s.at[1])
        assert not s.a.ping(s.d, count=1, wait=0.2).complete


def test_a_network_gets_another_name(s):
    """It is another one: what its MACs were is forgotten, and learned again. The other one loses nothing."""
    for g in (s.paris, s.london):
        g.reload(add_db)
    meet(s.c, s.d)
    with Stream(s.a, s.b) as stream:
        for g in (s.paris, s.london):
            g.reload(change_db(name="renamed"))
            agrees(g)
        meet(s.c, s.d)
        s.paris.wait_mac("renamed", s.d.mac, s.at[1])
        undisturbed(s, stream)


def test_all_at_once_and_twice_in_one_turn(s):
    """Two requests and a signal that the daemon finds in one turn of its loop."""
    generation = s.paris.generation
    with Stream(s.a, s.b) as stream:
        s.paris.put(add_db)
        os.kill(s.paris.pid, signal.SIGSTOP)
        try:
            s.paris.process.send_signal(signal.SIGHUP)
            asked = [s.paris.ns.start(CAUSEWAYCTL, "-s", s.paris.socket, "reload") for _ in range(2)]
        finally:
            os.kill(s.paris.pid, signal.SIGCONT)
        assert [p.wait(10) for p in asked] == [0, 0]
        wait_for(lambda: s.paris.generation == generation + 1, 5, "one generation later")
        agrees(s.paris)
        undisturbed(s, stream)


def test_a_file_that_vanishes(s):
    generation = s.paris.generation
    os.rename(s.paris.file, s.paris.file + ".away")
    try:
        answer = s.paris.ask("reload")
        assert not answer["applied"] and "cannot be opened" in answer["errors"][0], answer
        os.mkdir(s.paris.file)
        answer = s.paris.ask("reload")
        assert not answer["applied"] and "not a regular file" in answer["errors"][0], answer
        os.rmdir(s.paris.file)
    finally:
        os.rename(s.paris.file + ".away", s.paris.file)
    assert s.paris.generation == generation
    agrees(s.paris)


def test_an_access_port_as_underlay(s):
    """Refused as a whole: the WAN port is opened once."""
    def change(conf):
        conf["underlay"]["port"], conf["access"][0]["interface"] = {"interface": "lan0"}, "wan0"
    s.paris.put(change)
    answer = s.paris.ask("reload")
    assert not answer["applied"] and answer["restart"] >= 1, answer
    s.paris.put(conf=s.first[0])
    agrees(s.paris)


def prepared(gateway):
    return gateway.ask("show moves", prepared=True)["prepared"]


def test_during_a_prepared_move_and_a_rehearsal(s):
    """They go on where their network stays, and end where it goes."""
    for g in (s.paris, s.london):
        g.reload(add_db)
    meet(s.c, s.d)
    with Stream(s.a, s.b) as stream:
        assert s.paris.ask("move prepare", mac=s.c.mac, to=s.at[1], timeout=60)["state"] == "ready"
        s.paris.reload(change_db(mac_limit=77))
        assert prepared(s.paris) and prepared(s.london) and s.c.ping(s.d, count=2).complete
        s.paris.reload(without_db)
        assert not prepared(s.paris)
        s.paris.reload(add_db)
        s.paris.ask("move rehearse", network=DB, to=s.at[1])
        s.paris.reload(change_db(mac_limit=78))
        s.paris.reload(without_db)
        s.london.reload(without_db)
        assert not prepared(s.london)
        agrees(s.paris)
        undisturbed(s, stream)
    for g in (s.paris, s.london):
        g.reload(add_db)
    meet(s.c, s.d)


def test_during_the_take_over(s):
    """The gateway is killed, starts with another file, and gets the next one before its peers have told all."""
    for g in (s.paris, s.london):
        g.reload(add_db)
    meet(s.c, s.d)
    s.paris.kill()
    s.paris.put(lambda c: c["networks"].reverse())
    s.paris.start()
    s.paris.reload(without_db)
    s.paris.reload(add_db)
    s.paris.reload(lambda c: c["networks"].reverse())
    agrees(s.paris)
    s.paris.wait_session(s.at[1])
    meet(s.a, s.b)
    meet(s.c, s.d)
    wait_for(lambda: not s.paris.ask("show fastpath").get("taken_over", {}).get("waiting"), 15, "the peers have told all")
    s.paris.wait_mac(WEB, s.b.mac, s.at[1])
    agrees(s.paris)
