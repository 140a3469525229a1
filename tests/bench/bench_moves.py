# SPDX-License-Identifier: BSD-3-Clause
"""Moves beside FRR (bgpd, zebra and kernel VXLAN) in the same run, taking turns: how long a machine that has moved cannot be
reached, and which frames are lost. tests/tools/move_probe.c is the machine and the sender, in one process.

All run as they do in service: causewayd and FRR with the priority that their systemd units give them; the WAN, which is no
program in service, is a real-time process as the machine and the sender are.

A site is, for both: machine and sender "near" -- switch (a Linux bridge) -- trunk -- gateway -- trunk -- switch -- sender
"far". The WAN between the gateways takes 400 us each way. 1,000 frames a second go to the machine, which is at the new place
at once, sends what QEMU sends for a machine that has arrived (RARPs at 0, 50, 200 and 450 ms), and nothing else. Seen from

old switch   the sender is near, at the site that the machine leaves: the site's switch has to relearn as well, and until it
             has, no gateway has a part in what happens to a frame
old site     the sender is far, at the site that the machine leaves
new site     the sender is far, at the site where it arrives (near it, no gateway would have a part in it)

dark      from its first RARP to the first frame that reaches it there. Up to 1 ms of that is the sender's, which may have
          sent just before the way was open, and from the old site 0.4 ms is the WAN's
gap       from the last frame at the old place to that one
lost      frames that reached it nowhere

idle      nothing else goes on
prepared  the gateways have been told (`causewayctl move prepare`). From the new site, what is under way to the old one when the
          machine leaves cannot be saved: its copy went to the new site's switch, which still had the machine elsewhere
taps      the same, and the machine's cable is an access port of the gateway, as on a hypervisor that runs causewayd
many      a peer has told both gateways of 100,000 other MACs
others    1,000 other machines a second move between the two sites, each with a RARP
qemu      a real machine, migrated live by QEMU: bench_qemu.py says what is measured then
"""
import os
import random
import re
import statistics
import sys
import time

import bench_qemu
from bench_evpn import ASN, VNI, Asker, BgpGateway, Failed, FrrVtep, Lab, Tool, bgp_conf, network, peer, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))

from lab import trunk  # noqa: E402

DELAY_US = 400
MOVES = 30        # each way
MACS = 100000
OTHERS = 1000     # a second, and as many machines
DWELL_MS = 500   # at each place; QEMU's last RARP, after 800, is left out
JITTER_S = 0.02   # so that no timer is met at the same moment each time
VM = "02:be:01:00:00:01"
SITES = ("paris", "london")
CABLES = [f"{s}-{c}" for s in SITES for c in ("vm", "near", "far")]
VIEWS = ("old switch", "old site", "new site")
AIM_DARK_MS = 2 * DELAY_US / 1000 + 2
AIM_LOAD = 1.5    # times idle
AIM_QEMU_MS = 2 * DELAY_US / 1000 + 5
CAUSEWAYD_UNIT = os.path.join(HERE, "../../conf/systemd/causewayd.service")
FRR_UNIT = "/lib/systemd/system/frr.service"
NO_LIMIT = {k: "unlimited" for k in ("broadcast", "multicast", "unknown_unicast")}


def as_unit(path):
    """What starts a program with the priority that its systemd unit gives it."""
    with open(path, encoding="utf-8") as f:
        nice = re.search(r"^Nice=(-?\d+)$", f.read(), re.M)
    return ("nice", "-n", nice[1]) if nice else ()


# ---- the two sites: Ours and Frr have the same methods


class World:
    """Context manager. feeds: addresses of peers that tell of many MACs, one for each gateway."""

    def __init__(self, lab, scenario):
        self.lab, self.scenario = lab, scenario
        self.wan = lab.wan(delay=DELAY_US, prefix=("chrt", "--fifo", "2"))
        self.probe_ns = lab.netns("probe")
        self.feeds = ["198.18.0.11", "198.18.0.12"] if scenario == "many" else []
        self.here = 0
        self.make()
        if self.feeds:
            ns = lab.netns("feed")
            self.wan.attach(ns, "wan0", "feed")
            ns.ip(*(f"addr add {a}/24 dev wan0" for a in self.feeds))
            self.feed_ns = ns
        self.wan.start()
        self.tools = []

    def plug(self, name, switch, gateway=None):
        """The three cables of a site. gateway: where the machine's ends, if not in the switch."""
        for kind, bridge in (("vm", "br0"), ("near", "br0"), ("far", "br1")):
            dev, end = f"{name}-{kind}", gateway if kind == "vm" and gateway else switch
            self.lab.veth(self.probe_ns, dev, end, kind)
            self.probe_ns.quiet(dev)
            end.quiet(kind)
            if end is switch:
                switch.ip(f"link set {kind} master {bridge}")

    def __enter__(self):
        self.start()
        self.probe = Tool(self.probe_ns, "move_probe", VM, *CABLES)
        self.tools.append(self.probe)
        for k, address in enumerate(self.feeds):
            feed = Tool(self.feed_ns, "bgp_feed", f"198.18.0.{k + 1}", address, ASN, VNI, MACS)
            self.tools.append(feed)
            feed.expect("established", 30)
            feed.say("send")
            feed.expect("sent", 60)
        if self.feeds:
            self.wait_macs(MACS)
        self.probe.say(f"at {cable(0, 'vm')}")
        if self.scenario == "others":
            self.probe.say(f"others {OTHERS} {OTHERS} {cable(0, 'vm')} {cable(1, 'vm')}")
        return self

    def __exit__(self, *_):
        for tool in self.tools:
            tool.end()
        self.end()


class Ours(World):
    def make(self):
        self.sites, self.gws, self.askers = [], [], []
        for k, name in enumerate(SITES):
            site = self.lab.site(name, self.wan, k + 1, trunks=2)
            taps = self.scenario == "taps"
            self.plug(name, site.switch, site.ns if taps else None)
            net = network("web", "untagged", VNI, mac_limit="unlimited", limits=NO_LIMIT)
            conf = bgp_conf(site, [f"198.18.0.{2 - k}", *(peer(a, passive=True) for a in self.feeds[k:k + 1])], [net])
            conf["access"] = [{"name": f"trunk{i}", "interface": f"lan{i}"} for i in range(2)]
            if taps:
                conf["access"].append({"name": "vm", "interface": "vm"})
            conf["dataplane"]["max_macs"] = 262144 if self.feeds else 4096
            self.sites.append(site)
            self.gws.append(BgpGateway(site, conf))

    def start(self):
        for gw in self.gws:
            gw.prefix = as_unit(CAUSEWAYD_UNIT)
            gw.start()
        for k, gw in enumerate(self.gws):
            gw.wait_session(f"198.18.0.{2 - k}").wait_vtep(f"198.18.0.{2 - k}")
            self.askers.append(Asker(gw))

    def wait_macs(self, n):
        wait_for(lambda: all(a.ask("show status")["macs_at_vteps"] >= n for a in self.askers), 60, f"{n} MACs at both")

    def prepare(self, there, mac=VM):
        """Asked where the machine is."""
        self.askers[1 - there].ask("move prepare", mac=mac, to=f"198.18.0.{there + 1}")

    def end(self):
        for x in self.askers:
            x.__exit__()
        for gw in self.gws:
            gw.end()


class Frr(World):
    def make(self):
        self.sites = []
        for k, name in enumerate(SITES):
            others = [f"198.18.0.{2 - k}", *self.feeds[k:k + 1]]
            v = FrrVtep(self.lab, name, self.wan, k + 1, evpn=["no dup-addr-detection"],
                        neighbors=[f"{a} remote-as {ASN}" for a in others] + [f"{a} passive" for a in others[1:]])
            v.network(VNI)
            switch = self.lab.netns(f"{name}-sw")
            for i in range(2):
                trunk(self.lab, v.ns, switch, i)
                v.ns.ip(f"link set lan{i} master br{VNI}")
            self.plug(name, switch)
            v.frr.prefix = as_unit(FRR_UNIT)
            v.name, v.switch = name, switch
            self.sites.append(v)

    def start(self):
        for v in self.sites:
            v.start()
        self.sites[0].frr.wait_established("198.18.0.2")
        wait_for(lambda: all(v.flood_list(VNI) for v in self.sites), 15, "type 3 routes both ways")

    def wait_macs(self, n):
        def there():
            return all(v.ns.run("bridge", "fdb", "show", "dev", f"vx{VNI}").stdout.count(" dst ") >= n for v in self.sites)
        wait_for(there, 120, f"{n} MACs in both kernels", interval=0.5)

    def end(self):
        for v in self.sites:
            v.frr.stop()


# ---- moves


def cable(site, kind):
    return CABLES.index(f"{SITES[site]}-{kind}")


def move(world, view):
    """One move to the other site: a row of what the probe says."""
    here, there = world.here, 1 - world.here
    sender = cable(there, "far") if view == "new site" else cable(here, "near" if view == "old switch" else "far")
    world.probe.say(f"send {sender}")
    world.probe.expect("flowing", 10)
    if world.scenario in ("prepared", "taps"):
        world.prepare(there)
    time.sleep(0.05 + random.random() * JITTER_S)
    world.probe.say(f"move {cable(there, 'vm')} {DWELL_MS}")
    row = dict(zip(("dark", "gap", "sent", "lost", "stale", "early", "twice"), world.probe.expect("moved", 10)))
    world.here = there
    if row["dark"] < 0:
        raise Failed(f"{type(world).__name__}, {world.scenario}, seen from the {view}: after a move to {SITES[there]} nothing "
                     f"reached the machine in 5 s")
    return row


def measure(kind, scenario, moves):
    """{view: rows}."""
    with Lab() as lab, kind(lab, scenario) as world:
        move(world, VIEWS[0])  # for all tables to have what they have from the second move on
        move(world, VIEWS[0])
        return {view: [move(world, view) for _ in range(2 * moves)] for view in VIEWS}


def summary(rows):
    out = {"moves": len(rows), "lost_all": sum(r["lost"] for r in rows), "sent": sum(r["sent"] for r in rows)}
    for name, scale in (("dark", 1e6), ("gap", 1e6), ("lost", 1), ("twice", 1)):
        values = sorted(r[name] / scale for r in rows)
        out[name] = {"p50": statistics.median(values), "p99": values[len(values) * 99 // 100], "max": values[-1]}
    return out


SCENARIOS = {"idle": (Ours, Frr), "prepared": (Ours,), "taps": (Ours,), "many": (Ours, Frr), "others": (Ours, Frr)}


QEMU = {"ours": (Ours, False), "prepared": (Ours, True), "frr": (Frr, False)}
QEMU_MOVES = 5


def line(scenario, view, who, s):
    d, g, lost = s["dark"], s["gap"], s["lost"]
    return (f"{scenario:9} {view:10} {who:5} {d['p50']:8.2f} {d['p99']:8.2f} {d['max']:8.2f} {g['p50']:8.2f} {g['p99']:8.2f} "
            f"{lost['p50']:6.1f} {lost['p99']:5.0f} {lost['max']:5.0f} {s['lost_all']:6} of {s['sent']}")


def aims(results):
    """Rows of what is aimed at: dark time in ms, frames."""
    out = []

    def aim(text, value, limit):
        out.append({"aim": text, "is": round(value, 2), "limit": round(limit, 2), "met": value <= limit})

    for view in VIEWS:
        ours = {s: r[view]["ours"] for s, r in results.items() if "ours" in r.get(view, {})}
        if "idle" in ours:
            aim(f"idle, {view}: dark p99, ms", ours["idle"]["dark"]["p99"], AIM_DARK_MS)
        if "prepared" in ours and view == "old site":
            aim(f"prepared, {view}: frames lost", ours["prepared"]["lost_all"], 0)
        if "taps" in ours:
            aim(f"taps, {view}: frames lost", ours["taps"]["lost_all"], 0)
        for s in ("many", "others"):
            if s in ours and "idle" in ours:
                aim(f"{s}, {view}: dark p99, ms", ours[s]["dark"]["p99"], AIM_LOAD * ours["idle"]["dark"]["p99"])
    return out


def run_qemu(moves, say):
    """What the JSON shows: {who: {view: summary, "rows": all}}."""
    results = {}
    say(f"{'':9} {'':10} {'':8} {'beyond QEMU downtime, ms':>26}")
    for who, (kind, prepare) in QEMU.items():
        rows = bench_qemu.measure(kind, prepare, moves)
        results[who] = {"rows": rows, **{view: bench_qemu.summary(rows, view) for view in VIEWS}}
        for view in VIEWS:
            s = results[who][view]
            say(f"{'qemu':9} {view:10} {who:8} {s['p50']:8.2f} {s['max']:17.2f} in {s['moves']} moves; QEMU's downtime "
                f"{min(r['downtime'] for r in rows)} to {max(r['downtime'] for r in rows)} ms")
    return results


def run(moves, scenarios, say):
    """Measures; say() gets the lines of the table. Returns what the JSON shows."""
    results, failed, turns = {}, [], {}
    say(f"{'':9} {'seen from':10} {'':5} {'dark ms':>26} {'gap ms':>17} {'frames lost':>18}")
    say(f"{'':9} {'':10} {'':5} {'p50':>8} {'p99':>8} {'max':>8} {'p50':>8} {'p99':>8} {'p50':>6} {'p99':>5} {'max':>5} {'all':>6}")
    for scenario in (s for s in scenarios if s in SCENARIOS):
        results[scenario] = {view: {} for view in VIEWS}
        for kind in SCENARIOS[scenario]:
            who = kind.__name__.lower()
            try:
                turns[f"{scenario} {who}"] = rows = measure(kind, scenario, moves)
            except Failed as e:
                if kind is Ours:
                    raise
                failed.append(str(e))
                say(f"FRR failed: {str(e).splitlines()[0]}")
                continue
            for view in VIEWS:
                results[scenario][view][who] = summary(rows[view])
                say(line(scenario, view, who, results[scenario][view][who]))
    for scenario, views in results.items():
        for view, r in views.items():
            if "frr" in r:
                r["ratio"] = {k: round(r["ours"]["dark"][k] / r["frr"]["dark"][k], 3) for k in ("p50", "p99")}
                say(f"{scenario}, {view}: dark {r['ratio']['p50']:.3f} of FRR's at p50, {r['ratio']['p99']:.3f} at p99")
    qemu = run_qemu(min(moves, QEMU_MOVES), say) if "qemu" in scenarios else None
    rows = aims(results)
    for view in VIEWS if qemu else ():
        value = qemu["ours"][view]["max"]
        rows.append({"aim": f"qemu, {view}: first frame after the machine ran, max, ms", "is": round(value, 2),
                     "limit": AIM_QEMU_MS, "met": value <= AIM_QEMU_MS})
    for a in rows:
        say(f"aim: {a['aim']} {a['is']:g}, at most {a['limit']:g}{'' if a['met'] else '  missed'}")
    return {"moves_each_way": moves, "wan_us": 2 * DELAY_US, "results": results, "qemu": qemu, "aims": rows, "turns": turns,
            "frr_failed": failed}

