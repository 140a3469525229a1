#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""make demo: two sites with a WAN between them, two gateways that speak BGP EVPN, hosts in two stretched VLANs, a virtual machine
that migrates live from one site to the other while TCP connections are open, and a report of what was seen.

All figures are measured in this run. The exit status is 1 when something expected was not seen.
    demo.py          builds it, shows it, removes it
    demo.py --keep   leaves it running
    demo.py --end    removes what --keep left running
"""
import argparse
import os
import signal
import sys
import time
from types import SimpleNamespace

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scapy.all import Ether, Raw  # noqa: E402

from bgp import BgpGateway, bgp_conf  # noqa: E402
from gateway import CAUSEWAYCTL, network  # noqa: E402
from lab import Lab, clean_prefix, open_all  # noqa: E402
from netns import Failed, wait_for  # noqa: E402
from prometheus import PORT as METRICS, Prometheus  # noqa: E402
from vm import FAST, FULL, OUTSIDE, VM_PORT, Machine, Peer, describe, end_all, flowing, outside, whole  # noqa: E402
from wire import Wire, between  # noqa: E402

PREFIX = "cwdemo"
DELAY_US = 400
MONITOR = "198.18.0.100"
BROADCASTS = 20
IPERF_SECONDS = 3


class Report:
    """What was expected and seen, line by line."""

    def __init__(self):
        self.lines, self.ok = [], True

    def expect(self, seen, text):
        self.ok &= bool(seen)
        self.lines.append(f"  {'ok  ' if seen else 'FAIL'}  {text}")

    def show(self):
        print("\n=== What was seen\n\n" + "\n".join(self.lines) + "\n")
        print("Everything as expected." if self.ok else "NOT everything as expected.")


def say(text):
    print(text, flush=True)


def build(lab):
    say(f"Building two sites and a WAN of {DELAY_US} us each way (80 km of fibre) ...")
    wan = lab.wan(delay=DELAY_US)
    paris, london = lab.site("paris", wan, 1), lab.site("london", wan, 2)
    monitor = lab.netns("monitor")
    wan.attach(monitor, "eth0", "monitor")
    monitor.ip(f"addr add {MONITOR}/24 dev eth0")
    wan.start()
    return SimpleNamespace(
        lab=lab, wan=wan, paris=paris, london=london, monitor=monitor,
        web1=paris.host("web1", 100, "10.0.0.1/24", "fd00::1/64"), web2=london.host("web2", 100, "10.0.0.2/24", "fd00::2/64"),
        db1=paris.host("db1", 200, "10.0.0.1/24", "fd00::1/64"), db2=london.host("db2", 200, "10.0.0.3/24", "fd00::3/64"))


def gateway(here, there):
    conf = bgp_conf(here, [there.address], [network("web", 100, 10100), network("db", 200, 10200)])
    conf["metrics"] = {"listen": f"{here.address}:{METRICS}"}
    return BgpGateway(here, conf)


def start(d):
    say("Starting causewayd at both sites ...")
    begin = time.monotonic()
    d.gw1.start()
    d.gw2.start()
    d.gw1.wait_vtep(d.london.address)
    d.gw2.wait_vtep(d.paris.address)
    d.gw1.wait_session(d.london.address)
    d.gw2.wait_session(d.paris.address)
    d.report.expect(True, f"both gateways up, their BGP session established and the way between them resolved after "
                          f"{time.monotonic() - begin:.1f} s")


def watch(d):
    """A Prometheus elsewhere on the WAN."""
    say("Starting a Prometheus that scrapes both and has the alert rules ...")
    targets = {f"{s.address}:{METRICS}" for s in (d.paris, d.london)}
    d.prometheus = Prometheus(d.monitor, sorted(targets), interval="1s", address=f"{MONITOR}:9090").start()
    wait_for(lambda: {i for i, t in d.prometheus.targets().items() if t["health"] == "up"} == targets, 20,
             lambda: d.prometheus.targets())
    d.report.expect(True, "Prometheus scrapes both gateways")


def alerts(d):
    """Of all that happened nothing was a fault. A QEMU without hardware help may well be slow to move a machine."""
    firing = {a for a, _ in d.prometheus.firing()}
    d.report.expect(firing <= {"CausewayMoveDark"}, f"alerts of Prometheus: {', '.join(sorted(firing)) or 'none'}")


def reach(d):
    """Hosts of one VLAN, one at each site."""
    for a, b, vlan in ((d.web1, d.web2, 100), (d.db1, d.db2, 200)):
        say(f"VLAN {vlan}: {a.name} in paris pings {b.name} in london ...")
        first = a.ping(b, count=5)  # the first frame after ARP may be there before BGP has said where its MAC is
        d.report.expect(first.received >= 4, f"VLAN {vlan}: first pings {first.received} of {first.sent} answered, the slowest "
                                             f"after {first.max or 0:.1f} ms, ARP and learning included")
        ping = a.ping(b, count=40, interval=0.05)
        if ping.received:
            d.report.expect(ping.complete and ping.min >= 2 * DELAY_US / 1000,
                            f"VLAN {vlan}: ping {a.name} -> {b.name} {ping.received} of {ping.sent}, round trip min {ping.min:.2f}"
                            f" avg {ping.avg:.2f} max {ping.max:.2f} ms, of which the WAN is {2 * DELAY_US / 1000:.2f}")
        else:
            d.report.expect(False, f"VLAN {vlan}: ping {a.name} -> {b.name} unanswered")
    d.web1.reaches(d.web2.ip6, timeout=10)
    ping = d.web1.ping(d.web2.ip6, count=5)
    d.report.expect(ping.complete, f"VLAN 100: IPv6 ping {ping.received} of {ping.sent}, neighbour discovery included")


def throughput(d):
    for a, b, vlan in ((d.web1, d.web2, 100), (d.db1, d.db2, 200)):
        say(f"VLAN {vlan}: TCP from {a.name} to {b.name} for {IPERF_SECONDS} s ...")
        end = a.iperf(b, seconds=IPERF_SECONDS)
        rate = end["sum_received"]["bits_per_second"] / 1e6
        d.report.expect(rate > 10, f"VLAN {vlan}: TCP {a.name} -> {b.name} {rate:.0f} Mbit/s, "
                                   f"{end['sum_sent']['retransmits']} retransmits")


def apart(d):
    """Both VLANs run over the same trunks, WAN and gateways, and use the same addresses."""
    say("VLANs kept apart: the same IP addresses in both, and broadcasts counted on london's trunk ...")
    ping = d.web1.ping(d.db2.ip, count=3, interval=0.2, wait=1)
    d.report.expect(ping.received == 0, f"VLAN 100 cannot reach {d.db2.ip}, which is in VLAN 200: {ping.received} of {ping.sent}"
                                        " pings answered")
    trunk = Wire(d.london.switch, "lan0")
    for host, vlan in ((d.web1, 100), (d.db1, 200)):
        wire = Wire(host.ns, "eth0")
        frame = Ether(src=host.mac, dst="ff:ff:ff:ff:ff:ff", type=0x88b5) / Raw(b"causeway-demo" + bytes(40))
        seen, = between(wire, [frame] * BROADCASTS, Ether(src=host.mac, dst="ff:ff:ff:ff:ff:ff", type=0x88b5), {trunk: True})
        tags = [int.from_bytes(f[14:16], "big") & 0xfff for f in seen if b"causeway-demo" in f]
        d.report.expect(tags == [vlan] * BROADCASTS,
                        f"{BROADCASTS} broadcasts of VLAN {vlan} arrived in london as {len(tags)} frames, "
                        f"{sum(t != vlan for t in tags)} of them in another VLAN")
        wire.close()
    trunk.close()


def tables(d):
    d.gw1.wait_mac("web", d.web2.mac, d.london.address)
    for gw, here, there in ((d.gw1, (d.web1, d.db1), (d.web2, d.db2)), (d.gw2, (d.web2, d.db2), (d.web1, d.db1))):
        say(f"\n--- {gw.name}: causewayctl show macs")
        say(gw.ctl_run("show", "macs").stdout.rstrip())
        macs = gw.macs()
        local = [macs.get((h_net(h), h.mac), {}).get("port") == "trunk0" for h in here]
        remote = [bool(macs.get((h_net(h), h.mac), {}).get("vtep")) for h in there]
        d.report.expect(all(local + remote), f"{gw.name} knows {len(macs)} MACs: its own hosts behind its trunk, "
                                             "the others behind the other VTEP")
    for gw in (d.gw1, d.gw2):
        say(f"\n--- {gw.name}: causewayctl show vteps, show drops")
        say(gw.ctl_run("show", "vteps").stdout.rstrip())
        say(gw.ctl_run("show", "drops").stdout.rstrip())


def migration(d):
    """A real one: QEMU moves a machine from paris to london while clients at both sites and a server outside talk with it."""
    say("\nBooting a virtual machine in paris (QEMU without hardware help: it is slow) ...")
    vm = Machine(d.lab, "vm", 100, "10.0.0.9/24", "fd00::9/64", f"-l {VM_PORT} -c {OUTSIDE},{VM_PORT},{FULL[0]},{FULL[1]}",
                 "10.0.0.254").start(d.paris)
    router, out = outside(d.lab, d.paris, 100, "10.0.0.254/24")
    vm.wait_ready()
    to_vm = [(vm.ip, VM_PORT, *FAST), (vm.ip6, VM_PORT, *FULL)]
    with open_all(Peer(d.web1.ns, connect=to_vm), Peer(d.web2.ns, connect=to_vm), Peer(out, listen=True)) as opened:
        peers = dict(zip(("web1 in paris", "web2 in london", "server outside"), opened))
        flowing(peers)
        for p in opened:
            p.mark()
        say(f"Migrating it live to london: 5 TCP connections carry numbered blocks both ways, {DELAY_US} us away ...")
        macs = {"web1 in paris": d.web1.mac, "web2 in london": d.web2.mac, "server outside": router.mac}
        with vm.arrival(d.london) as there:
            move = vm.migrate_into(there, macs.values())
        flowing(peers)
        rows = {name: p.report() for name, p in peers.items()}
        say("\n" + "\n".join(describe(move, rows, macs)))
        final = end_all(opened)
    d.report.expect(whole(final) and len(final) == 5, f"live migration paris -> london: {len(final)} TCP connections survived")
    bytes_in = sum(r["block"] * (r["received"] + r["sent"]) for r in final)
    d.report.expect(all(r["sent"] == r["peer_received"] for r in final),
                    f"live migration: {bytes_in} bytes both ways, none lost and none wrong")
    d.report.expect(d.gw2.wait_mac("web", vm.mac, "trunk0") and d.gw1.wait_mac("web", vm.mac, d.london.address),
                    f"live migration: both gateways have it in london; QEMU's downtime was {move.downtime_ms} ms")
    journal(d)


def journal(d):
    """What the gateways say about the move themselves."""
    for gw in (d.gw1, d.gw2):
        done = gw.ctl_run("show", "moves")
        if done.returncode == 0:
            say(f"\n--- {gw.name}: causewayctl show moves")
            say(done.stdout.rstrip())


def h_net(host):
    return {100: "web", 200: "db"}[host.vlan]


def hints(d):
    full = d.lab.full_name
    say(f"""
It goes on running. To look around:

  ip netns exec {full('web1')} ping {d.web2.ip}            from paris to london in VLAN 100
  ip netns exec {full('db1')} ping {d.db2.ip}             the same in VLAN 200
  ip netns exec {full('web1')} ping 10.0.0.9            to the virtual machine, which is in london now
  ip netns exec {full('wan')} tcpdump -ni paris udp port 4789
  {CAUSEWAYCTL} -s {d.gw1.socket} show status
  {CAUSEWAYCTL} -s {d.gw2.socket} show macs
  {CAUSEWAYCTL} --help
  ip netns exec {full('monitor')} curl http://{d.paris.address}:{METRICS}/metrics    the exporters
  ip netns exec {full('monitor')} curl http://{d.london.address}:{METRICS}/metrics
  ip netns exec {full('monitor')} promtool query instant http://{MONITOR}:9090 causeway_macs    the Prometheus
  configuration and log: {d.gw1.file} {d.gw1.log_file}

To end it: make demo (which starts with a clean machine), or
  {sys.executable} {os.path.abspath(__file__)} --end""")


def run_demo(keep):
    with Lab(PREFIX, keep) as lab:
        d = build(lab)
        d.report = Report()
        d.gw1, d.gw2 = gateway(d.paris, d.london), gateway(d.london, d.paris)
        try:
            for step in (start, watch, reach, throughput, apart, tables, migration, alerts):
                try:
                    step(d)
                except Failed as e:
                    d.report.expect(False, f"{step.__name__}: {e}")
                    if step in (start, watch):
                        break
        finally:
            if not d.report.ok:
                for gw in (d.gw1, d.gw2):
                    say(f"\n--- log of {gw.name}\n{gw.log}")
        d.report.show()
        if keep:
            hints(d)
        return d.report.ok


def main():
    parser = argparse.ArgumentParser(description="two sites, stretched VLANs, real traffic")
    parser.add_argument("--keep", action="store_true", help="leave it running")
    parser.add_argument("--end", action="store_true", help="remove what --keep left running")
    args = parser.parse_args()

    def interrupted(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)  # even where a shell has it ignored
    if os.geteuid():
        sys.exit("make demo needs root: it makes network namespaces")
    clean_prefix(PREFIX)
    if args.end:
        return 0
    try:
        return 0 if run_demo(args.keep) else 1
    except KeyboardInterrupt:
        say("\ninterrupted; everything is removed")
        return 130


if __name__ == "__main__":
    sys.exit(main())
