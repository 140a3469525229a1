# SPDX-License-Identifier: BSD-3-Clause
"""A real live migration: QEMU moves a machine from site to site while TCP connections to it, and one of its own, carry blocks
both ways. No connection may notice, and no byte may differ; how long the clients heard nothing is reported, not judged: an
emulated processor on a busy machine is late by itself.

CAUSEWAY_MIGRATIONS=5 (make e2e MIGRATIONS=5): so many times there and back."""
import contextlib
import json
import os
import subprocess
from types import SimpleNamespace

import pytest

from bgp import VLAN, BgpGateway, bgp_conf
from gateway import CAUSEWAYCTL
from lab import ROOT, Lab, open_all
from netns import end_process, wait_for
from vm import FAST, FULL, MIGRATION_S, OUTSIDE, VM_PORT, Machine, Peer, describe, end_all, flowing, outside, whole

WEB = "web"
TIMES = int(os.environ.get("CAUSEWAY_MIGRATIONS") or 1)
DELAY_US = 400


@pytest.fixture(scope="module")
def s():
    with Lab() as lab:
        wan = lab.wan(delay=DELAY_US)
        paris, london = lab.site("paris", wan, 1), lab.site("london", wan, 2)
        wan.start()
        vm = Machine(lab, "vm", VLAN, "10.100.0.9/24", "fd00:100::9/64", gateway="10.100.0.254",
                     args=f"-l {VM_PORT} -c {OUTSIDE},{VM_PORT},{FULL[0]},{FULL[1]}").start(paris)
        a = paris.host("a", VLAN, "10.100.0.1/24", "fd00:100::1/64")
        b = london.host("b", VLAN, "10.100.0.2/24", "fd00:100::2/64")
        router, out = outside(lab, paris, VLAN, "10.100.0.254/24")
        gw = {x.name: BgpGateway(x, bgp_conf(x, [y.address])) for x, y in ((paris, london), (london, paris))}
        with open_all(*gw.values()):
            gw["paris"].wait_session(london.address)
            vm.wait_ready()
            to_vm = [(vm.ip, VM_PORT, *FAST), (vm.ip6, VM_PORT, *FULL)]
            with open_all(Peer(a.ns, connect=to_vm), Peer(b.ns, connect=to_vm), Peer(out, listen=True)) as peers:
                yield SimpleNamespace(lab=lab, paris=paris, london=london, vm=vm, a=a, b=b, router=router, gw=gw,
                                      peers=dict(zip(("client at paris", "client at london", "server outside"), peers)))


@contextlib.contextmanager
def hook(s, qemu, to):
    """conf/hooks/causeway-move beside a QEMU, with a causewayctl that notes what it is asked and then does it."""
    calls, ctl = s.lab.file("hook.calls"), s.lab.file("causewayctl")
    with open(ctl, "w", encoding="ascii") as f:
        f.write(f'#!/bin/sh\necho "$*" >> {calls}\nexec {CAUSEWAYCTL} "$@"\n')
    os.chmod(ctl, 0o755)
    open(calls, "w", encoding="ascii").close()
    env = {**os.environ, "CAUSEWAY_HOOK_CONF": "/dev/null", "CAUSEWAY_HOOK_CAUSEWAYCTL": ctl, "CAUSEWAY_HOOK_SITE": to.name,
           "CAUSEWAY_HOOK_SOCKET": s.gw[to.name].socket}
    process = subprocess.Popen([f"{ROOT}/conf/hooks/causeway-move", "--qmp", qemu.second_monitor], env=env,
                               stderr=subprocess.PIPE, text=True)
    s.lab.processes.append(process)
    try:
        said = process.stderr.readline()
        assert f"waiting for the migration of {s.vm.mac} to {to.name}" in said, said
        yield SimpleNamespace(process=process, calls=lambda: open(calls, encoding="ascii").read().splitlines())
    finally:
        end_process(process)


def where_the_switch_has_it(site, mac):
    rows = json.loads(site.switch.run("bridge", "-j", "fdb", "show", "br", "br0").stdout)
    return next((r["ifname"] for r in rows if r["mac"] == mac), None)


def tables_follow(s, to, source):
    """Gateways and switches of both sites know where the machine is now."""
    row = s.gw[to.name].wait_mac(WEB, s.vm.mac, "trunk0")
    other = s.gw[source.name].wait_mac(WEB, s.vm.mac, to.address)
    assert row["sequence"] == other["sequence"], (row, other)
    wait_for(lambda: where_the_switch_has_it(to, s.vm.mac) == s.vm.qemu.tap, 5, lambda: f"{to.name}'s switch has it on its cable: "
             f"{where_the_switch_has_it(to, s.vm.mac)}")
    wait_for(lambda: where_the_switch_has_it(source, s.vm.mac) == "lan0", 5, lambda: f"{source.name}'s switch has it behind the "
             f"gateway: {where_the_switch_has_it(source, s.vm.mac)}")
    return int(row["sequence"])


def move(s, to, record_property, prepared=True):
    """Moves the machine, with causewayctl asked for by the hook, and heard by the gateway (prepared). All connections go on, and not
    a byte is wrong."""
    for p in s.peers.values():
        p.mark()
    with s.vm.arrival(to) as there, hook(s, there, to) as h:
        seen = s.vm.migrate_into(there, (s.a.mac, s.b.mac, s.router.mac))
        code, said = h.process.wait(20), h.process.stderr.read()
        assert code == 0 and (f"move prepare of {s.vm.mac} to {to.name}: done" in said) == prepared, said
        calls = h.calls()
    flowing(s.peers)
    rows = {name: p.report() for name, p in s.peers.items()}
    for text in describe(seen, rows, dict(zip(s.peers, (s.a.mac, s.b.mac, s.router.mac)))):
        record_property("seen", text)
    assert all(whole(r) for r in rows.values()), rows
    socket = s.gw[to.name].socket
    assert calls == [f"-s {socket} move prepare --mac {s.vm.mac} --to {to.name} --timeout 300",
                     f"-s {socket} move commit --mac {s.vm.mac}"]


def test_move_within_a_site(s, record_property):
    """For comparison: what a migration costs where no gateway has a part in it. Nor do the gateways take it for a move."""
    flowing(s.peers)
    before = s.gw["london"].wait_mac(WEB, s.vm.mac, s.paris.address)
    move(s, s.paris, record_property, prepared=False)
    after = s.gw["london"].wait_mac(WEB, s.vm.mac, s.paris.address)
    assert (before["sequence"], before["moves"]) == (after["sequence"], after["moves"])
    assert where_the_switch_has_it(s.paris, s.vm.mac) == s.vm.qemu.tap


def test_migration_that_fails(s):
    """Called off at the last moment: the machine goes on where it was, and nobody takes it for moved."""
    flowing(s.peers)
    before = s.gw["london"].wait_mac(WEB, s.vm.mac, s.paris.address)
    qmp, pause = s.vm.qemu.qmp, "pause-before-switchover"
    with s.vm.arrival(s.london) as there, hook(s, there, s.london) as h:
        qmp.ask("migrate-set-capabilities", capabilities=[{"capability": pause, "state": True}])
        qmp.ask("migrate", uri=there.uri)
        qmp.event("MIGRATION", MIGRATION_S, status="pre-switchover")
        qmp.ask("migrate_cancel")
        wait_for(lambda: qmp.ask("query-migrate")["status"] == "cancelled", 10, "the migration is over")
        wait_for(lambda: qmp.ask("query-status")["status"] == "running", 10, "the machine runs")
        assert h.process.wait(20) == 1, h.process.stderr.read()
        assert [c.split()[2:4] for c in h.calls()] == [["move", "prepare"], ["move", "cancel"]]
    qmp.events.clear()
    qmp.ask("migrate-set-capabilities", capabilities=[{"capability": pause, "state": False}])
    flowing(s.peers)
    assert all(whole(p.report()) for p in s.peers.values())
    after = s.gw["london"].wait_mac(WEB, s.vm.mac, s.paris.address)
    assert (before["sequence"], before["moves"]) == (after["sequence"], after["moves"])


def test_connections_outlive_moves_there_and_back(s, record_property):
    flowing(s.peers)
    last = None
    for n in range(2 * TIMES):
        source, to = (s.paris, s.london) if n % 2 == 0 else (s.london, s.paris)
        move(s, to, record_property)
        sequence = tables_follow(s, to, source)
        assert last is None or sequence == last + 1, "a move is one move, however often it is announced"
        last = sequence


def test_every_block_arrived(s):
    """After the moves: each end says how many blocks it sent, and the other had them all."""
    flowing(s.peers)
    for name, peer in s.peers.items():
        for r in end_all([peer]):
            assert r["state"] == "ended" and r["bad"] == r["peer_bad"] == 0 and r["peer_received"] == r["sent"] > 10, (name, r)
            assert r["received"] > 10, (name, r)
