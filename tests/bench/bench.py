#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""make bench: what Causeway does beside what others do on the same machine, in one run.

dp: the data plane beside dpdk-testpmd's macswap over the same replay. Each row is one direction, frame size and FDB
fill. Ours and testpmd take turns; the medians are shown, and their ratio, which is the figure that means something on
another machine. testpmd looks nothing up: it is the limit, not a peer.
fp: the fast path's programs, run by the kernel, and a whole gateway beside the kernel's bridge and vxlan device; bench_fp.c
and bench_fp.py say what and how.
bgp: the control plane beside FRR; bench_evpn.py says what and how.
moves: how long a machine that moves is dark, beside FRR; bench_moves.py says what and how.
"""
import argparse
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import bench_evpn
import bench_fp
import bench_moves

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.join(HERE, "../../build/tests/bench/bench_dp")
MIN_FRAMES = 4096
FP_ROUNDS = 10
HUGEPAGES = "/proc/sys/vm/nr_hugepages"
IMIX_BYTES = (7 * 64 + 4 * 594 + 1518) / 12


def ours(direction, macs, pcap, seconds, cpu):
    env = dict(os.environ, BENCH_CPU=str(cpu))
    p = subprocess.run([BENCH, "run", direction, str(macs), pcap, str(seconds)], env=env, capture_output=True, text=True)
    if p.returncode != 0:
        sys.exit(f"bench_dp {direction} {macs}: {p.stderr}")
    return json.loads(p.stdout.splitlines()[-1])


def testpmd(macs, pcap, seconds, cpus):
    mbufs = max(macs // 2, MIN_FRAMES) + 16384
    cmd = ["dpdk-testpmd", "-l", ",".join(map(str, cpus)), "--in-memory", "--no-pci", "--no-telemetry",
           f"--file-prefix=cwbench{os.getpid()}", "--vdev", f"net_pcap0,rx_pcap={pcap},infinite_rx=1",
           "--vdev", "net_null0,no-rx=1", "--", "--forward-mode=macswap", "--nb-cores=1", "--burst=32",
           f"--total-num-mbufs={mbufs}", "--stats-period=1"]
    p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    rates = []
    # The first period holds the start; then as many as asked for.
    deadline = time.monotonic() + seconds + 30
    port = None
    lines = []
    for line in p.stdout:
        lines.append(line)
        if m := re.search(r"NIC statistics for port (\d+)", line):
            port = int(m[1])
        elif (m := re.search(r"Tx-pps:\s+(\d+)", line)) and port == 1:
            rates.append(int(m[1]))
            if len(rates) >= seconds + 2:
                break
        if time.monotonic() > deadline:
            break
    p.send_signal(signal.SIGINT)
    p.stdout.read()
    p.wait()
    rates = rates[2:]
    if not rates or max(rates) == 0:
        sys.exit("dpdk-testpmd gave no figures:\n" + "".join(lines[-20:]))
    return statistics.median(rates) / 1e6


def hugepages_for(macs):
    """2 MB pages for two ports' packet buffers, and some."""
    frames = max(macs // 2, MIN_FRAMES) + 16384
    return frames * 2 * 2304 * 13 // 10 // (2 << 20) + 200


class Hugepages:
    """The kernel's setting is put back at the end."""

    def __init__(self, pages):
        self.pages = pages

    def __enter__(self):
        with open(HUGEPAGES) as f:
            self.before = int(f.read())
        if self.before < self.pages:
            with open(HUGEPAGES, "w") as f:
                f.write(str(self.pages))

    def __exit__(self, *_):
        with open(HUGEPAGES, "w") as f:
            f.write(str(self.before))


def cpu_model():
    with open("/proc/cpuinfo") as f:
        return next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), platform.machine())


def measure(args, cpus, tmp, row):
    direction, size, macs = row
    pcap = os.path.join(tmp, "frames.pcap")
    subprocess.run([BENCH, "make", direction, size, str(macs), pcap], check=True)
    mine, limit = [], []
    for _ in range(args.repeat):
        mine.append(ours(direction, macs, pcap, args.seconds, cpus[-1]))
        limit.append(testpmd(macs, pcap, args.seconds, cpus))
    mpps = statistics.median(r["mpps"] for r in mine)
    return {"direction": direction, "frames": size, "macs": macs, "mpps": round(mpps, 2),
            "cycles_per_frame": round(statistics.median(r["cycles"] for r in mine)),
            "spread": round((max(r["mpps"] for r in mine) - min(r["mpps"] for r in mine)) / mpps, 2),
            "testpmd_mpps": round(statistics.median(limit), 2),
            "ratio": round(mpps / statistics.median(limit), 3),
            "gbps": round(mpps * 8 * (64 if size == "64" else IMIX_BYTES) / 1000, 1),
            "hugepages": mine[0]["hugepages"]}


def run_dp(args, say):
    cpus = sorted(os.sched_getaffinity(0))[:2]
    macs = [int(m) for m in args.macs.split(",")]
    rows = [(d, s, m) for d in ("encap", "decap") for s in ("64", "imix") for m in macs]
    results = []
    with Hugepages(hugepages_for(max(macs))), tempfile.TemporaryDirectory(prefix="cw-bench-") as tmp:
        say(f"{cpu_model()}, {os.cpu_count()} CPUs, kernel {platform.release()}; one worker; median of "
            f"{args.repeat} x {args.seconds} s, taking turns with testpmd macswap over the same replay")
        say(f"{'':6} {'frames':6} {'MACs':>8} {'Mpps':>7} {'cycles':>7} {'Gbit/s':>7} {'spread':>7} "
            f"{'testpmd':>8} {'ratio':>6}")
        for row in rows:
            r = measure(args, cpus, tmp, row)
            results.append(r)
            say(f"{r['direction']:6} {r['frames']:6} {r['macs']:8} {r['mpps']:7.2f} {r['cycles_per_frame']:7} "
                f"{r['gbps']:7} {r['spread']:7.0%} {r['testpmd_mpps']:8.2f} {r['ratio']:6.3f}")
    return {"machine": cpu_model(), "kernel": platform.release(), "repeat": args.repeat, "seconds": args.seconds,
            "results": results}


def run_fp(args, say):
    say(f"{cpu_model()}, {os.cpu_count()} CPUs, kernel {platform.release()}; the fast path's programs; best of "
        f"{FP_ROUNDS * args.repeat} x 100,000 frames")
    p = subprocess.run([os.path.join(HERE, "../../build/tests/bench/bench_fp"), str(FP_ROUNDS * args.repeat)],
                       capture_output=True, text=True)
    if p.returncode != 0:
        sys.exit(f"bench_fp: {p.stderr}")
    programs = [json.loads(line) for line in p.stdout.splitlines()]
    say(f"{'':6} {'underlay':8} {'bytes':>6} {'MACs':>8} {'ns':>6}")
    for r in programs:
        say(f"{r['direction']:6} IPv{r['underlay']:<5} {r['size']:6} {r['macs']:8} {r['ns']:6}")
    say(f"A gateway and the kernel's bridge and vxlan device, cable to cable on one CPU; median of {args.repeat} x "
        f"{args.seconds} s, taking turns")
    return {"machine": cpu_model(), "kernel": platform.release(), "programs": programs,
            **bench_fp.run_bench(args.seconds, args.repeat, say)}


def run_bgp(args, say):
    say(f"{cpu_model()}, {os.cpu_count()} CPUs, kernel {platform.release()}; {bench_evpn.MACS} MACs from one peer, "
        f"{args.new_macs} new MACs; median of {args.repeat}, taking turns with {bench_evpn.frr_version()}")
    return {"machine": cpu_model(), "kernel": platform.release(), **bench_evpn.run(args.repeat, args.new_macs, say)}


def run_moves(args, say):
    say(f"{cpu_model()}, {os.cpu_count()} CPUs, kernel {platform.release()}; 1,000 frames/s to a machine that moves "
        f"{args.moves} times each way, WAN {bench_moves.DELAY_US} us each way, taking turns with {bench_evpn.frr_version()}")
    return {"machine": cpu_model(), "kernel": platform.release(), **bench_moves.run(args.moves, args.scenarios.split(","), say)}


GROUPS = {"dp": run_dp, "fp": run_fp, "bgp": run_bgp, "moves": run_moves}


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--group", choices=[*GROUPS, "all"], default="all")
    ap.add_argument("--repeat", type=int, default=3)
    ap.add_argument("--seconds", type=int, default=2, help="dp: of each measurement")
    ap.add_argument("--macs", default="1,1000,100000,1000000", help="dp: FDB fills")
    ap.add_argument("--new-macs", type=int, default=bench_evpn.NEW_MACS, help="bgp: in each repetition")
    ap.add_argument("--moves", type=int, default=bench_moves.MOVES, help="moves: each way, in each series")
    ap.add_argument("--scenarios", default=",".join([*bench_moves.SCENARIOS, "qemu"]), help="moves: which of them")
    ap.add_argument("--quick", action="store_true", help="one repetition")
    ap.add_argument("--json", action="store_true", help="only the JSON, one line for each group")
    args = ap.parse_args()
    if os.geteuid() != 0:
        sys.exit("make bench: root is needed (hugepages, namespaces)")
    if args.quick:
        args.repeat, args.seconds, args.new_macs, args.moves = 1, 1, min(args.new_macs, 300), min(args.moves, 5)
    say = (lambda line: None) if args.json else (lambda line: print(line, flush=True))
    for name in GROUPS if args.group == "all" else [args.group]:
        print(json.dumps(GROUPS[name](args, say)), flush=True)


if __name__ == "__main__":
    main()
