# SPDX-License-Identifier: BSD-3-Clause
"""The fast path of a whole gateway beside the kernel's bridge and vxlan device: frames a second that cross it, from cable to
cable, on one processor.

Both get the same frames by veth from the same generator (bench_live.c: the kernel's own, so that making them costs little),
and the far end of the other cable counts and drops them. Everything, generator and sink included, runs on the processor
that the generator is bound to, as veth has no other; causewayd itself is asleep. Ours and the kernel take turns.
"""
import json
import os
import statistics
import sys
from types import SimpleNamespace

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))

from scapy.all import IP, UDP, Ether, Raw  # noqa: E402
from scapy.layers.vxlan import VXLAN  # noqa: E402

from gateway import Gateway, gateway_conf  # noqa: E402
from lab import BUILD, Lab  # noqa: E402
from netns import Failed, run, wait_for  # noqa: E402

VNI = 10100
OWN, OTHER, OTHER_MAC = "198.18.0.1", "198.18.0.2", "02:ee:00:00:00:02"
LIVE = f"{BUILD}/tests/bench/bench_live"
SHARE_LEAST = 0.98  # of what was sent: else it was not the gateway that was measured


def mac(side, n):
    return f"02:{side:02x}:00:00:{n >> 8:02x}:{n & 255:02x}"


HERE_SIDE, THERE_SIDE = 0xaa, 0xbb


def inner(direction, length):
    src, dst = (HERE_SIDE, THERE_SIDE) if direction == "encap" else (THERE_SIDE, HERE_SIDE)
    head = Ether(src=mac(src, 0), dst=mac(dst, 0)) / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=7, dport=9, chksum=0)
    return bytes(head / Raw(bytes(length - len(head))))


class Dut:
    """What is between the two cables: lan0 and wan0 in a namespace of its own."""

    def __init__(self, lab, name, left, right):
        self.lab, self.name, self.left, self.right = lab, name, left, right
        self.ns = lab.netns(name)
        for dev, far, mtu in (("lan0", left, 1500), ("wan0", right, 1600)):
            lab.veth(self.ns, dev, far, name, mtu)
            far.quiet(name)
            self.ns.quiet(dev)
            far.ip(f"link set {name} xdp obj {BUILD}/tests/tools/xdp_drop.bpf.o sec xdp.frags")
        self.ns.ip(f"addr add {OWN}/24 dev wan0", f"neigh replace {OTHER} lladdr {OTHER_MAC} nud permanent dev wan0")
        self.wan_mac = self.ns.ip_json("link", "show", "wan0")[0]["address"]

    def outer(self, frame):
        return bytes(Ether(src=OTHER_MAC, dst=self.wan_mac) / IP(src=OTHER, dst=OWN) /
                     UDP(sport=49152, dport=4789, chksum=0) / VXLAN(vni=VNI, flags=8) / Raw(frame))

    def arrived(self, ns):
        out = run("ip", "netns", "exec", ns.full, "ethtool", "-S", self.name).stdout
        return sum(int(line.split(":")[1]) for line in out.splitlines() if "rx_queue" in line and "xdp_drops" in line)

    def measure(self, direction, length, macs, seconds, cpu):
        """Frames that came out of it, a second."""
        frame, at = inner(direction, length), 0
        come, go = (self.left, self.right) if direction == "encap" else (self.right, self.left)
        if direction == "decap":
            frame, at = self.outer(frame), 50
        before = self.arrived(go)
        done = come.run("taskset", "-c", cpu, LIVE, self.name, seconds, len(frame), macs, at, frame[:128].hex(),
                        timeout=seconds + 30)
        said = json.loads(done.stdout)
        came = self.arrived(go) - before
        if came < SHARE_LEAST * said["sent"]:
            raise Failed(f"{self.name}, {direction}: {came} of {said['sent']} frames came out")
        return came / said["ns"] * 1e9


class Ours(Dut):
    def __init__(self, lab, left, right, macs):
        super().__init__(lab, "ours", left, right)
        site = SimpleNamespace(name="bench", lab=lab, ns=self.ns, address=OWN, wan_mtu=1600)
        fixed = [m for n in range(macs) for m in ({"mac": mac(HERE_SIDE, n), "port": "trunk0"},
                                                  {"mac": mac(THERE_SIDE, n), "vtep": OTHER})]
        conf = gateway_conf(site, [{"name": "web", "vlan": "untagged", "vni": VNI, "peers": [{"address": OTHER}],
                                    "static_macs": fixed}])
        conf["fastpath"]["mode"] = "on"
        self.gw = Gateway(site, conf).start()
        self.gw.wait_vtep(OTHER)
        wait_for(lambda: all(p["target"] for p in self.gw.ask("show fastpath")["ports"]), 10, "both ends take frames")


class Kernel(Dut):
    def __init__(self, lab, left, right, macs):
        super().__init__(lab, "kernel", left, right)
        self.ns.ip("link add br0 type bridge stp_state 0 mcast_snooping 0",
                   f"link add vx type vxlan id {VNI} local {OWN} dstport 4789 nolearning",
                   "link set vx master br0", "link set lan0 master br0", "link set vx up", "link set br0 up")
        for dev in ("lan0", "wan0"):  # a veth takes redirected frames, as the generator's are, if it polls
            run("ip", "netns", "exec", self.ns.full, "ethtool", "-K", dev, "gro", "on")
        lines = [f"fdb replace {m} dev {dev} {more}" for n in range(macs) for m, dev, more in (
            (mac(HERE_SIDE, n), "lan0", "master static"), (mac(THERE_SIDE, n), "vx", "master static"),
            (mac(THERE_SIDE, n), "vx", f"dst {OTHER} self permanent"))]
        run("bridge", "-n", self.ns.full, "-batch", "-", input="\n".join(lines) + "\n")


def measure(ours, kernel, row, seconds, repeat, cpu):
    direction, length, macs = row
    rates = {dut.name: [] for dut in (ours, kernel)}
    for _ in range(repeat):
        for dut in (ours, kernel):
            rates[dut.name].append(dut.measure(direction, length, macs, seconds, cpu) / 1e6)
    mine, theirs = (statistics.median(rates[d.name]) for d in (ours, kernel))
    return {"direction": direction, "bytes": length, "macs": macs, "mpps": round(mine, 3), "kernel_mpps": round(theirs, 3),
            "ratio": round(mine / theirs, 2), "ns": round(1e3 / mine), "kernel_ns": round(1e3 / theirs)}


def end_to_end(seconds, repeat, say, most_macs=1024):
    results = []
    cpu = sorted(os.sched_getaffinity(0))[-1]
    with Lab() as lab:
        left, right = lab.netns("left"), lab.netns("right")
        ours, kernel = Ours(lab, left, right, most_macs), Kernel(lab, left, right, most_macs)
        with ours.gw:
            for row in ((d, size, macs) for d in ("encap", "decap") for size in (64, 1400) for macs in (1, most_macs)):
                results.append(measure(ours, kernel, row, seconds, repeat, cpu))
                r = results[-1]
                say(f"{r['direction']:6} {r['bytes']:6} {r['macs']:6} {r['mpps']:7.2f} {r['ns']:6} {r['kernel_mpps']:8.2f} "
                    f"{r['kernel_ns']:6} {r['ratio']:6.2f}")
            carried = ours.gw.ask("show fastpath")["share_percent"]
            if carried < 99:
                raise Failed(f"the fast path carried {carried} % only")
    return results


def run_bench(seconds, repeat, say):
    say(f"{'':6} {'bytes':>6} {'MACs':>6} {'Mpps':>7} {'ns':>6} {'kernel':>8} {'ns':>6} {'ratio':>6}")
    return {"end_to_end": end_to_end(seconds, repeat, say)}


if __name__ == "__main__":
    run_bench(1, 3, lambda line: print(line, flush=True))
