# SPDX-License-Identifier: BSD-3-Clause
"""The test bed itself, without any gateway: what the other tests rely on."""
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from scapy.all import Ether, Raw

from lab import PREFIX, Lab, LinuxVtep
from netns import NETNS_DIR, wait_for
from wire import Wire, between

BROADCAST = "ff:ff:ff:ff:ff:ff"


@pytest.fixture(scope="module")
def pair():
    """Two Linux VTEPs over the WAN relay, with jumbo frames."""
    with Lab() as lab:
        wan = lab.wan()
        paris, london = (LinuxVtep(lab, n, wan, i, mtu=9000, wan_mtu=9100) for n, i in (("paris", 1), ("london", 2)))
        paris.network(10100, [london.address])
        london.network(10100, [paris.address])
        a, b = paris.host("a", 10100, "10.0.0.1/24"), london.host("b", 10100, "10.0.0.2/24")
        wan.start()
        a.reaches(b)
        yield wan, a, b


def test_relay_delays(pair):
    wan, a, b = pair
    wan.start(delay=5000)
    a.reaches(b)
    ping = a.ping(b, count=20, interval=0.02)
    assert ping.complete and 10.0 <= ping.min and ping.avg < 15, ping
    wan.start(delay=0)


def test_ping_waits_for_its_last_reply(pair):
    """However many intervals that takes: on a busy machine what is late is not lost."""
    wan, a, b = pair
    a.reaches(b)
    ping = a.start_ping(b, count=1000, interval=0.05, wait=30)
    wait_for(lambda: ping.received, 5, lambda: ping.text)
    wan.process.send_signal(signal.SIGSTOP)
    try:
        enough = ping.sent + 2
        wait_for(lambda: ping.sent >= enough, 5, lambda: ping.text)
        ping.stop()
        wait_for(lambda: time.monotonic() > ping.last_sent + 0.3, 5, lambda: ping.text)
    finally:
        wan.process.send_signal(signal.SIGCONT)
    assert ping.finish().complete and ping.max > 250, ping.text
    lost = a.ping("10.0.0.77", count=2, wait=0.2)
    assert (lost.sent, lost.received, lost.complete) == (2, 0, False), lost.text


def test_relay_loses(pair):
    wan, a, b = pair
    wan.start(loss=200, seed=5)
    wait_for(lambda: a.ping(b, count=1, wait=0.2).received, 10, "a ping gets through")
    ping = a.ping(b, count=300, interval=0.002, wait=0.5)
    wan.start(loss=0)
    assert 300 * 0.64 - 60 < ping.received < 300 * 0.64 + 60, ping  # 0.8 each way


def test_relay_mtu(pair):
    wan, a, b = pair
    wan.start(mtu=1550)
    a.reaches(b)
    assert a.ping(b, size=1472, fragment=False).complete
    assert a.ping(b, size=1473, fragment=False, count=2, wait=0.2).received == 0
    assert wan.counters()["paris"]["too_big"] == 2
    wan.start(mtu=0)


def test_relay_carries_jumbo_frames(pair):
    _, a, b = pair
    a.reaches(b)
    assert a.ping(b, size=8972, fragment=False).complete


def test_relay_rate(pair):
    wan, a, b = pair
    wan.start(rate=20)
    a.reaches(b)
    assert a.iperf(b)["sum_received"]["bits_per_second"] < 22e6
    wan.start(rate=0)


def test_hosts_tag_their_frames(own_lab):
    """Hosts of one VLAN reach each other, others do not, and the trunk carries the tags."""
    site = own_lab.site("paris")
    hosts = {vlan: [site.host(f"h{vlan}{i}", vlan, f"10.0.0.{i}/24") for i in (1, 2)] for vlan in (0, 100, 200)}
    for a, b in hosts.values():
        a.reaches(b)
    wire, trunk = Wire(hosts[100][0].ns, "eth0"), Wire(site.ns, "lan0")
    for vlan, (a, _) in hosts.items():
        frame = Ether(src=a.mac, dst=BROADCAST, type=0x88b5) / Raw(b"\x33" * 40)
        out, = between(Wire(a.ns, "eth0"), [frame], frame, {trunk: True})
        assert [f[12:16] for f in out if b"\x33" * 40 in f] \
            == [b"\x81\x00" + vlan.to_bytes(2, "big") if vlan else b"\x88\xb5\x33\x33"]
    hosts[100][0].ns.ip("neigh flush dev eth0")
    hosts[200][1].ns.ip("addr add 10.0.0.9/24 dev eth0")
    assert hosts[100][0].ping("10.0.0.9", count=1, wait=0.3).received == 0
    wire.close()
    trunk.close()


def test_nothing_is_left(own_lab):
    names = []
    with Lab() as lab:
        wan = lab.wan()
        lab.site("paris", wan, 1).host("a", 100, "10.0.0.1/24")
        lab.site("london", wan, 2)
        wan.start()
        names = [n.full for n in lab.namespaces]
        directory = lab.dir
        assert all(os.path.exists(f"{NETNS_DIR}/{n}") for n in names)
    assert not any(os.path.exists(f"{NETNS_DIR}/{n}") for n in names)
    assert not os.path.exists(directory)
    del own_lab


def test_left_overs_of_a_killed_run_are_removed():
    code = "import os, signal\nfrom lab import Lab\nlab = Lab().__enter__()\nwan = lab.wan()\nlab.site('paris', wan, 1)\n" \
           "lab.site('london', wan, 2)\nwan.start()\nprint(os.getpid(), flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=os.path.dirname(os.path.abspath(__file__)), text=True,
                          stdout=subprocess.PIPE, check=False)
    pid = done.stdout.strip()
    assert done.returncode == -9 and re.fullmatch(r"\d+", pid)
    with Lab():
        assert not [n for n in os.listdir(NETNS_DIR) if n.startswith(f"{PREFIX}-{pid}-")]
