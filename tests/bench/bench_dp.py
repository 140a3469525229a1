# SPDX-License-Identifier: BSD-3-Clause
"""The data plane on one core: frames replayed from memory (net_pcap), sent to a sink (net_null); bench_dp.c and replay.h say
how. In each repetition, over the same frames:

  ours     the worker with all that production has
  ports    the same bursts on the same ports at the same pace, with nothing in between: what is left of ours without it is our
           own work
  testpmd  dpdk-testpmd's macswap: looks nothing up, so it is the limit, not a peer
  ovs      Open vSwitch with DPDK (bench_ovs.py), where it is installed

testpmd and Open vSwitch live for all repetitions of a row and are stopped (SIGSTOP) while others run.
"""
import os
import re
import signal
import statistics
import subprocess
import sys
import time

import bench_host as host
import bench_ovs

MIN_FRAMES, MORE_FRAMES = 4096, 16384  # as in replay.c
IMIX_BYTES = (7 * 64 + 4 * 594 + 1518) / 12
OVS_PAGES = 1400
SETTLE_S = 0.3
BASE = ("uniform", "tagged", "ipv4")
MACS = (1, 1000, 100000, 1000000)
AIM_OWN_GHZ = 2.3  # the aims for our own work are in cycles of a TSC of so many GHz
# MACs: least ratio to testpmd, most cycles of our own
AIMS_64 = {1000: (0.40, 60), 100000: (0.33, 90), 1000000: (0.25, None)}
AIM_IMIX, AIM_OVS = 0.5, 4
VTEPS = (1, 8, 64)
AIM_COPIES = 15  # Mpps, to 64 VTEPs


def frames_of(macs):
    return max(macs // 2, MIN_FRAMES) + MORE_FRAMES


def pages_for(macs):
    """Our two ports' packet buffers, testpmd's, Open vSwitch's."""
    return (frames_of(macs) * 3 * 2560 * 13 // 10 >> 21) + 400 + OVS_PAGES


def default_rows(macs):
    both = ("encap", "decap")
    rows = [(d, s, m, *BASE) for d in both for s in ("64", "imix") for m in macs]
    if 1000 in macs:
        rows += [(d, "64", 1000, "uniform", t, "ipv4") for d in both for t in ("translated", "untagged")]
        rows += [(d, s, 1000, "uniform", "tagged", "ipv6") for d in both for s in ("64", "imix")]
    rows += [(d, "64", m, "zipf", "tagged", "ipv4") for d in both for m in macs if m >= 100000]
    return rows


def all_rows(macs):
    return [(d, s, m, z, t, u) for d in ("encap", "decap") for s in ("64", "imix") for m in macs
            for z in ("uniform", "zipf")[:1 + (m > 1)] for t in ("tagged", "translated", "untagged") for u in ("ipv4", "ipv6")]


def aims_rows(macs):
    return [(d, s, m, *BASE) for d in ("encap", "decap") for s in ("64", "imix") for m in macs
            if (m in AIMS_64 if s == "64" else m == 1000)]


class Testpmd:
    """Forwards all the time, but when paused."""

    def __init__(self, macs, pcap, cpus):
        cmd = ["stdbuf", "-oL", "dpdk-testpmd", "-l", ",".join(map(str, cpus)), "--in-memory", "--no-pci", "--no-telemetry",
               f"--file-prefix=cwbench{os.getpid()}", "--vdev", f"net_pcap0,rx_pcap={pcap},infinite_rx=1",
               "--vdev", "net_null0,no-rx=1", "--", "--interactive", "--forward-mode=macswap", "--nb-cores=1", "--burst=32",
               f"--total-num-mbufs={frames_of(macs)}"]
        self.p = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  preexec_fn=host.die_with_parent)
        self.lines = []
        self.say("start")
        self.sent()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.kill()
        self.p.wait()

    def say(self, command):
        self.p.stdin.write(command + "\n")
        self.p.stdin.flush()

    def sent(self):
        """Frames that the sink has taken, and the time."""
        self.say("show port stats 1")
        for line in self.p.stdout:
            self.lines.append(line)
            if m := re.search(r"TX-packets:\s+(\d+)", line):
                return int(m[1]), time.monotonic()
        sys.exit("dpdk-testpmd ended:\n" + "".join(self.lines[-20:]))

    def rate(self, seconds):
        n0, t0 = self.sent()
        time.sleep(seconds)
        n1, t1 = self.sent()
        return (n1 - n0) / (t1 - t0) / 1e6

    def pause(self):
        self.p.send_signal(signal.SIGSTOP)

    def resume(self):
        self.p.send_signal(signal.SIGCONT)


def turn(peer, seconds):
    peer.resume()
    time.sleep(SETTLE_S)
    rate = peer.rate(seconds)
    peer.pause()
    return rate


def repeat(row, args, cpus, calm, pcap, ovs):
    """{who: rates or rows}, and how much of it was calm."""
    def ours():
        got = host.program("bench_dp", "run", variant, pcap, args.seconds, cpu=cpus[-1])
        pace.append(got["cycles"])
        return got

    def ports():
        return host.program("bench_dp", "ports", variant, pcap, args.seconds, pace[-1], cpu=cpus[-1])

    variant, pace = ",".join(map(str, row)), []
    with Testpmd(row[2], pcap, cpus) as testpmd:
        testpmd.pause()
        measures = {"ours": ours, "testpmd": lambda: turn(testpmd, args.seconds), "ports": ports}
        if ovs:
            measures["ovs"] = lambda: turn(ovs, args.seconds)
        got, share = calm.turns(measures, args.repeat)
    return {"ovs": []} | got, share


def measure(row, args, cpus, calm, directory):
    pcap = os.path.join(directory, "frames.pcap")
    host.program("bench_dp", "make", ",".join(map(str, row)), pcap, cpu=cpus[-1])
    if "ovs" in args.peers and row[2] <= bench_ovs.MAX_MACS:
        with bench_ovs.Ovs(row, pcap, cpus, directory) as ovs:
            ovs.settle(SETTLE_S)
            ovs.pause()
            got, share = repeat(row, args, cpus, calm, pcap, ovs)
    else:
        got, share = repeat(row, args, cpus, calm, pcap, None)
    return {**summary(row, got), "calm": share}


def summary(row, got):
    mpps = host.median(got["ours"], "mpps")
    ghz = host.median(got["ours"], "tsc_ghz")
    own = host.median(got["ours"], "quiet") - host.median(got["ports"], "quiet")
    limit = statistics.median(got["testpmd"])
    ovs = statistics.median(got["ovs"]) if got["ovs"] else None
    return {**dict(zip(("direction", "frames", "macs", "spread", "tags", "underlay"), row)), "mpps": round(mpps, 2),
            "gbps": round(mpps * 8 * (64 if row[1] == "64" else IMIX_BYTES) / 1000, 1),
            "cycles": round(host.median(got["ours"], "cycles"), 1), "quiet_cycles": round(host.median(got["ours"], "quiet"), 1),
            "ports_cycles": round(host.median(got["ports"], "quiet"), 1),
            "own_cycles": round(own, 1), "own_ns": round(own / ghz, 1), "tsc_ghz": ghz,
            "apart": host.spread([r["mpps"] for r in got["ours"]]), "testpmd_mpps": round(limit, 2),
            "testpmd_ratio": round(mpps / limit, 3), "ovs_mpps": ovs and round(ovs, 2), "ovs_ratio": ovs and round(mpps / ovs, 2),
            "hugepages": all(r["hugepages"] for r in got["ours"] + got["ports"]), "all": got}


def aims(results):
    out = []
    for r in results:
        what, macs = f"{r['direction']}, {r['frames']}, {r['macs']} MACs", r["macs"]
        if (r["spread"], r["tags"], r["underlay"]) != BASE:
            continue
        if r["frames"] == "imix" and macs == 1000:
            out.append(host.aim(f"{what}: of testpmd", r["testpmd_ratio"], AIM_IMIX, True))
        if r["frames"] == "64" and macs in AIMS_64:
            ratio, own = AIMS_64[macs]
            out.append(host.aim(f"{what}: of testpmd", r["testpmd_ratio"], ratio, True))
            if own:
                out.append(host.aim(f"{what}: own work, ns ({own} cycles of {AIM_OWN_GHZ} GHz)", r["own_ns"], own / AIM_OWN_GHZ,
                                    False))
            if r["ovs_ratio"]:
                out.append(host.aim(f"{what}: of Open vSwitch", r["ovs_ratio"], AIM_OVS, True))
    return out


def run(args, say):
    cpus = host.cores()
    macs = [int(m) for m in args.macs.split(",")]
    rows = {"aims": aims_rows, "default": default_rows, "full": all_rows}[args.matrix](macs)
    if args.quick:
        rows = [r for r in rows if r[2] == 1000 and r[3:] == BASE]
    results, about = [], {**host.machine(cpus), "testpmd": "dpdk-testpmd macswap", "ovs": bench_ovs.version()}
    if "ovs" in args.peers and not about["ovs"]:
        say("Open vSwitch with DPDK is not installed: no peer")
        args.peers = "testpmd"
    with host.Host(pages_for(max(r[2] for r in rows))) as h:
        calm = host.Calm(cpus[-1], args.tries)
        say(f"{host.name(about)}; one worker; median of {args.repeat} x {args.seconds} s, taking turns with testpmd macswap"
            f"{' and Open vSwitch ' + about['ovs'] if 'ovs' in args.peers else ''} over the same replay")
        say(f"{'':6} {'frames':6} {'MACs':>8} {'':7} {'':10} {'':4} {'Mpps':>6} {'apart':>5} {'calm':>5} {'Gbit/s':>6} {'cycles':>6} "
            f"{'quiet':>6} {'ports':>6} {'own':>6} {'testpmd':>7} {'ratio':>6} {'OVS':>6} {'ratio':>6}")
        for row in rows:
            r = measure(row, args, cpus, calm, h.dir)
            results.append(r)
            ovs = f"{r['ovs_mpps']:6.2f} {r['ovs_ratio']:6.2f}" if r["ovs_mpps"] else f"{'-':>6} {'-':>6}"
            say(f"{row[0]:6} {row[1]:6} {row[2]:8} {row[3]:7} {row[4]:10} {row[5]:4} {r['mpps']:6.2f} {r['apart']:5.0%} "
                f"{r['calm']:5.0%} {r['gbps']:6} {r['cycles']:6.1f} {r['quiet_cycles']:6.1f} {r['ports_cycles']:6.1f} "
                f"{r['own_cycles']:6.1f} {r['testpmd_mpps']:7.2f} {r['testpmd_ratio']:6.3f} {ovs}"
                f"{'' if r['hugepages'] else '  no hugepages!'}")
    say("calm: of the turns that count, when nobody else was seen on the core")
    say(f"cycles: of a TSC of {results[0]['tsc_ghz']} GHz, a frame; quiet: in the quickest tenth of 2 ms each; own: of that, without "
        "what the ports cost at the same pace")
    rows = aims(results)
    host.say_aims(rows, say)
    return {**about, "repeat": args.repeat, "seconds": args.seconds, "results": results, "aims": rows}


# ---- flood


def run_flood(args, say):
    """Head-end replication: broadcasts of 64 bytes from an access port, a copy to each VTEP. Repetitions go round the sizes."""
    cpus = host.cores()
    about = host.machine(cpus)
    with host.Host(pages_for(1)) as h:
        calm = host.Calm(cpus[-1], args.tries)
        say(f"{host.name(about)}; broadcasts to all VTEPs of a network; median of {args.repeat} x {args.seconds} s")
        for n in VTEPS:
            host.program("bench_dp", "make", flood(n), f"{h.dir}/{n}.pcap", cpu=cpus[-1])
        got, about["calm"] = calm.turns({n: lambda n=n: host.program("bench_dp", "run", flood(n), f"{h.dir}/{n}.pcap", args.seconds,
                                                                     cpu=cpus[-1]) for n in VTEPS}, args.repeat)
    say(f"{about['calm']:.0%} of the turns that count were calm")
    say(f"{'VTEPs':>6} {'Mpps of copies':>15} {'apart':>6} {'cycles a copy':>14}")
    results = []
    for n, runs in got.items():
        r = {"vteps": n, "mpps": round(host.median(runs, "mpps"), 2), "cycles": round(host.median(runs, "cycles"), 1),
             "apart": host.spread([x["mpps"] for x in runs]), "all": runs}
        results.append(r)
        say(f"{n:6} {r['mpps']:15.2f} {r['apart']:6.0%} {r['cycles']:14.1f}")
    rows = [host.aim(f"{n} VTEPs: Mpps of copies", r["mpps"], AIM_COPIES, True) for n, r in zip(VTEPS, results) if n == VTEPS[-1]]
    host.say_aims(rows, say)
    return {**about, "repeat": args.repeat, "seconds": args.seconds, "results": results, "aims": rows}


def flood(vteps):
    return f"flood,64,{vteps},uniform,tagged,ipv4"
