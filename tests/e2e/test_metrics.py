# SPDX-License-Identifier: BSD-3-Clause
"""Metrics of two gateways, scraped by a real Prometheus that has our rules: what they say at rest and after faults, each
alert, each query of the dashboard; and clients of the exporter that mean harm."""
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time
from types import SimpleNamespace

import pytest
import yaml
from scapy.all import Ether, Raw

from bgp import BgpGateway, bgp_conf
from gateway import network
from lab import Lab
from netns import run, wait_for
from prometheus import (PORT, RULES, RULES_TEST, Prometheus, dashboard_queries, http_get, metric_names, quick_rules)

MOVING = "02:aa:00:00:00:99"
CONNECTIONS = 10000
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def conf(here, there, jumbo):
    nets = [network("web", 100, 10100, limits={"broadcast": 50})]
    if jumbo:
        nets.append(network("jumbo", 200, 10200, mtu=9000))
    c = bgp_conf(here, [there.address], nets, duplicate={"moves": 3}, graceful_restart="off")
    c["metrics"] = {"listen": f"{here.address}:{PORT}"}
    c["dataplane"]["max_macs"] = 1024
    c["fastpath"]["mode"] = "on"  # its metrics, too, whatever the other tests run with
    return c


class Drip(threading.Thread):
    """Says a byte now and then, and never a whole request; until it is closed."""

    def __init__(self, ns, address):
        super().__init__(daemon=True)
        with ns.entered():
            self.socket = socket.create_connection(address)
        self.socket.settimeout(0.5)
        self.closed_after = None

    def run(self):
        begin = time.monotonic()
        with self.socket as s:
            while True:
                try:
                    s.send(b"G")
                    if s.recv(1) == b"":
                        break
                except socket.timeout:
                    continue
                except OSError:
                    break
        self.closed_after = time.monotonic() - begin


@pytest.fixture(scope="module")
def d():
    with Lab() as lab:
        wan = lab.wan()
        paris, london = lab.site("paris", wan, 1), lab.site("london", wan, 2)
        monitor = lab.netns("monitor")
        wan.attach(monitor, "eth0", "monitor")
        monitor.ip("addr add 198.18.0.100/24 dev eth0")
        wan.start()
        d = SimpleNamespace(lab=lab, monitor=monitor, a=paris.host("a", 100, "10.0.0.1/24"),
                            b=london.host("b", 100, "10.0.0.2/24"), stranger=paris.host("stranger", 999))
        d.at = {s.name: f"{s.address}:{PORT}" for s in (paris, london)}
        rules = quick_rules(lab.file("rules.yaml"), [('le="5.0"', 'le="0.001"'), ("busy_seconds_total[4s]) > 0.9",
                                                                                 "busy_seconds_total[4s]) > 1e-9")])
        with BgpGateway(paris, conf(paris, london, False)) as d.paris, \
                BgpGateway(london, conf(london, paris, True)) as d.london, \
                Prometheus(monitor, d.at.values(), rules, "500ms") as d.prom:
            d.paris.wait_session(london.address)
            d.london.wait_session(paris.address)
            d.drip = Drip(monitor, (london.address, PORT))
            d.drip.start()
            yield d


def scrape(d, name, accept="text/plain"):
    status, kind, text = http_get(d.monitor, f"http://{d.at[name]}/metrics", Accept=accept)
    assert status == 200
    assert kind.startswith(accept.split(";")[0])
    return text


def number(d, name, series):
    return next(float(m[1]) for m in [re.search(rf"^{re.escape(series)} (\S+)$", scrape(d, name), re.M)] if m)


# ---- what there is


def test_format(d):
    """promtool has nothing to say against the text, and Prometheus takes OpenMetrics, which it asks for."""
    for name in d.at:
        done = subprocess.run([shutil.which("promtool"), "check", "metrics"], input=scrape(d, name), text=True,
                              capture_output=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
        text = scrape(d, name, OPENMETRICS)
        assert text.endswith("\n# EOF\n") and "\n# TYPE causeway_build info\n" in text
    wait_for(lambda: all(t["health"] == "up" and not t["lastError"] for t in d.prom.targets().values()), 10,
             lambda: d.prom.targets())


def test_values_are_those_of_causewayctl(d):
    d.a.reaches(d.b)
    for name, gw in (("paris", d.paris), ("london", d.london)):
        status, ports = gw.ask("show status"), gw.ports()
        assert number(d, name, "causeway_macs") == status["macs"] >= 2
        assert number(d, name, "causeway_macs_max") == 1024
        assert number(d, name, f'causeway_bgp_session_up{{peer="{gw.ask("show bgp peers")["peers"][0]["address"]}"}}') == 1
        assert number(d, name, 'causeway_port_up{port="trunk0"}') == ports["trunk0"]["up"] == 1
        assert number(d, name, 'causeway_port_frames_total{port="trunk0",direction="in"}') >= ports["trunk0"]["rx"]["frames"]
        assert 0 < number(d, name, 'causeway_worker_busy_seconds_total{worker="0"}') < 60
        assert number(d, name, 'causeway_worker_frames_total{worker="0"}') > 0
        assert abs(number(d, name, "causeway_start_time_seconds") - time.time()) < 120
        assert number(d, name, "causeway_ready") == 1
        assert number(d, name, 'causeway_drops_total{reason="vlan_unknown"}') == gw.drops()["vlan_unknown"]
        assert http_get(d.monitor, f"http://{d.at[name]}/healthz")[::2] == (200, "alive\n")
        assert http_get(d.monitor, f"http://{d.at[name]}/readyz")[::2] == (200, "ready\n")


def test_rules_and_dashboard_use_what_there_is(d):
    names = metric_names(scrape(d, "paris")) | {"up"}
    with open(RULES, encoding="utf-8") as f:
        rules = [r["expr"] for g in yaml.safe_load(f)["groups"] for r in g["rules"]]
    queries = rules + [q for _, q in dashboard_queries()]
    assert len(queries) > 50
    used = {n for q in queries for n in re.findall(r"\b(causeway_\w+|up)\b", re.sub(r'"[^"]*"', "", q))}
    assert len(used) > 30
    assert used <= names


def test_each_alert_has_its_cases():
    """One that fires and one that does not; promtool says that they come true."""
    with open(RULES, encoding="utf-8") as f:
        alerts = {r["alert"] for g in yaml.safe_load(f)["groups"] for r in g["rules"]}
    with open(RULES_TEST, encoding="utf-8") as f:
        cases = [c for t in yaml.safe_load(f)["tests"] for c in t["alert_rule_test"]]
    assert {c["alertname"] for c in cases if c.get("exp_alerts")} == alerts
    assert {c["alertname"] for c in cases if not c.get("exp_alerts")} == alerts
    run("promtool", "test", "rules", RULES_TEST, cwd=os.path.dirname(RULES_TEST))


def test_at_rest(d):
    """Nothing is said but what is so: the jumbo network does not fit, and is at one site alone."""
    expected = {("CausewayPathMtu", d.at["london"]), ("CausewayNetworkWithoutVtep", d.at["london"])}
    for alert, instance in expected:
        d.prom.wait_firing(alert, instance)
    busy = {("CausewayWorkerSaturated", i) for i in d.at.values()}  # here, any load counts for that
    assert d.prom.firing() - busy == expected


# ---- clients


def fds(gw):
    return len(os.listdir(f"/proc/{gw.pid}/fd"))


def test_ten_thousand_connections(d):
    """Silent ones, halves of requests, and garbage: no frame is lost, no session ends, descriptors are bounded, and who asks
    properly is answered."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (CONNECTIONS + 1000, max(hard, CONNECTIONS + 1000)))
    rng, sockets, most = random.Random(5), [], 0
    before, dropped = fds(d.paris), d.paris.ask("show bgp peers", peer="198.18.0.2")["peers"][0]["sessions"]["dropped"]
    try:
        ping = d.a.start_ping(d.b, count=200, interval=0.02)
        with d.monitor.entered():
            for i in range(CONNECTIONS):
                s = socket.socket()
                s.setblocking(False)
                sockets.append(s)
                s.connect_ex(("198.18.0.1", PORT))
                if i % 500 == 499:
                    most = max(most, fds(d.paris))
                if i >= 50:
                    try:
                        sockets[i - 50].send((b"GET /metrics HT", rng.randbytes(100), b"\r\n" * 9, b"")[i % 4])
                    except OSError:
                        pass  # it is not there yet, or no more
        assert "causeway_macs" in scrape(d, "paris")
        assert most - before <= 64 + 32 + 16
        assert ping.finish().complete and ping.sent == 200, ping.text
    finally:
        for s in sockets:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert d.paris.ask("show bgp peers", peer="198.18.0.2")["peers"][0]["sessions"]["dropped"] == dropped
    wait_for(lambda: fds(d.paris) <= before + 2, 15, lambda: (fds(d.paris), before))
    assert "causeway_macs" in scrape(d, "paris")


# ---- faults


def frame(src, dst, size=60):
    return bytes(Ether(src=src, dst=dst, type=0x88b5) / Raw(bytes(size)))


def test_storm_and_drops(d):
    storm, unknown = frame(d.a.mac, "ff:ff:ff:ff:ff:ff"), frame(d.stranger.mac, "ff:ff:ff:ff:ff:ff")
    paris = d.at["paris"]

    def both():
        for _ in range(100):
            a.send(storm)
            s.send(unknown)
        return {("CausewayStormLimit", paris), ("CausewayDropsRising", paris)} <= d.prom.firing()

    with d.a.ns.raw_socket("eth0", mib=1) as a, d.stranger.ns.raw_socket("eth0", mib=1) as s:
        wait_for(both, 20, lambda: d.prom.api("alerts"), interval=0.3)
    limited = f'causeway_drops_total{{instance="{paris}", reason="limit_broadcast"}}'
    wait_for(lambda: (d.prom.value(limited) or 0) > 0, 10)  # after a scrape that came late there is none
    assert ("CausewayStormLimit", d.at["london"]) not in d.prom.firing()


def test_frames_missed(d):
    """The worker does not come for a moment, and these frames are its own: who has that MAC is not known."""
    f = frame(d.a.mac, "02:ee:00:00:00:01")
    os.kill(d.paris.pid, signal.SIGSTOP)
    try:
        with d.a.ns.raw_socket("eth0", mib=1) as s:
            for _ in range(8000):
                s.send(f)
    finally:
        os.kill(d.paris.pid, signal.SIGCONT)
    d.prom.wait_firing("CausewayFramesMissed", d.at["paris"])


def test_moves_and_duplicate(d):
    """A MAC that is at one site, then at the other, with traffic for it: moves of known length, then a duplicate."""
    others = (d.a, d.b)
    with d.a.ns.raw_socket("eth0", mib=1) as a, d.b.ns.raw_socket("eth0", mib=1) as b:
        for at in (0, 1, 0, 1, 0):
            for _ in range(10):
                (a, b)[at].send(frame(MOVING, others[1 - at].mac))
                a.send(frame(d.a.mac, MOVING))
                b.send(frame(d.b.mac, MOVING))
                time.sleep(0.02)  # a stream of 50 frames a second
    # The gateway that counts the last of too many freezes it, and the other one follows that.
    wait_for(lambda: "CausewayDuplicate" in {a for a, _ in d.prom.firing()}, 15, lambda: d.prom.api("alerts"))
    assert sum(number(d, name, "causeway_macs_frozen") for name in d.at) >= 1
    d.prom.wait_firing("CausewayMoveDark", d.at["paris"])
    assert number(d, "paris", "causeway_mac_moves_total") >= 2
    assert number(d, "paris", 'causeway_move_stage_seconds_count{stage="fdb"}') >= 1
    assert number(d, "paris", "causeway_move_dark_seconds_count") >= 1
    assert sum(v for _, v in d.prom.query("causeway_announcements_total")) > 0
    # No series for a host.
    assert MOVING not in scrape(d, "paris")


def test_table_nearly_full(d):
    with d.a.ns.raw_socket("eth0", mib=4) as s:
        for i in range(1000):
            s.send(frame(f"02:bb:00:00:{i >> 8:02x}:{i & 255:02x}", d.b.mac))
            if i % 100 == 99:
                wait_for(lambda i=i: d.paris.ask("show status")["macs"] >= i, 10)
    d.prom.wait_firing("CausewayTableNearlyFull", d.at["paris"])
    d.prom.wait_firing("CausewayWorkerSaturated", d.at["paris"])


def test_slow_requests_end(d):
    """Whatever a client says, its time is bounded."""
    wait_for(lambda: d.drip.closed_after, 15, "the exporter closes a connection that drips")
    assert d.drip.closed_after > 5  # it was not for being idle


def test_dashboard(d):
    """Each query of each panel gives something."""
    for title, query in dashboard_queries():
        rows = d.prom.query(query.replace("$__rate_interval", "4s").replace("$instance", ".*"))
        assert rows or "> 0" in query, f"{title}: {query}"


def test_peer_killed(d):
    """The last one: london's gateway is gone."""
    d.london.kill()
    d.prom.wait_firing("CausewayGatewayDown", d.at["london"])
    for alert in ("CausewayPeerDown", "CausewayNetworkWithoutVtep", "CausewayNotReady"):
        d.prom.wait_firing(alert, d.at["paris"])
    status, _, text = http_get(d.monitor, f"http://{d.at['paris']}/readyz")
    assert status == 503 and "no BGP session is established (1 configured)\n" in text
    # Each alert that there is has fired by now.
    with open(RULES, encoding="utf-8") as f:
        alerts = {r["alert"] for g in yaml.safe_load(f)["groups"] for r in g["rules"]}
    assert {labels["alertname"] for labels, _ in d.prom.query('count by (alertname) (last_over_time(ALERTS{alertstate="firing"}[5m]))')} \
        == alerts
