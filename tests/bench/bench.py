#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""make bench: what Causeway does beside what others do on the same machine, in one run.

dp: the data plane beside dpdk-testpmd's macswap and Open vSwitch with DPDK, over the same replay; bench_dp.py says what and how.
flood: head-end replication to 1, 8 and 64 VTEPs.
learn: new MACs a second until they are in the FDB, moves a second, and what forwarding loses meanwhile.
latency: a frame's time inside one gateway at 10 % and 50 % of its maximum.
profile: where the cycles of a frame go; only by make profile.
fp: the fast path's programs, run by the kernel, and a whole gateway beside the kernel's bridge and vxlan device; bench_fp.c
and bench_fp.py say what and how.
bgp: the control plane beside FRR; bench_evpn.py says what and how.
moves: how long a machine that moves is dark, beside FRR; bench_moves.py says what and how.
"""
import argparse
import json
import os
import platform
import signal
import subprocess
import sys

import bench_dp
import bench_evpn
import bench_fp
import bench_latency
import bench_learn
import bench_moves
import bench_profile
from bench_host import cpu_model

HERE = os.path.dirname(os.path.abspath(__file__))
FP_ROUNDS = 10


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


GROUPS = {"dp": bench_dp.run, "flood": bench_dp.run_flood, "learn": bench_learn.run, "latency": bench_latency.run,
          "fp": run_fp, "bgp": run_bgp, "moves": run_moves}


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--group", choices=[*GROUPS, "profile", "all"], default="all")
    ap.add_argument("--repeat", type=int, default=5, help="5")
    ap.add_argument("--seconds", type=float, default=0.5, help="dp, flood, latency: of each measurement")
    ap.add_argument("--tries", type=int, default=3, help="3: times as many turns at most, where some are disturbed")
    ap.add_argument("--macs", default=",".join(map(str, bench_dp.MACS)), help="dp: FDB fills")
    ap.add_argument("--matrix", choices=["aims", "default", "full"], default="default",
                    help="dp: the default's 28 rows take half an hour to an hour; aims: the 8 that something is aimed at; "
                         "full: all 168 combinations, many hours")
    ap.add_argument("--peers", default="testpmd,ovs", help="dp: testpmd is always there")
    ap.add_argument("--new-macs", type=int, default=bench_evpn.NEW_MACS, help="bgp: in each repetition")
    ap.add_argument("--moves", type=int, default=bench_moves.MOVES, help="moves: each way, in each series")
    ap.add_argument("--scenarios", default=",".join([*bench_moves.SCENARIOS, "qemu"]), help="moves: which of them")
    ap.add_argument("--quick", action="store_true", help="one repetition; dp: 1,000 MACs only, a minute")
    ap.add_argument("--json", action="store_true", help="only the JSON, one line for each group")
    args = ap.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if os.geteuid() != 0:
        sys.exit("make bench: root is needed (hugepages, namespaces)")
    if args.quick:
        args.repeat, args.seconds, args.new_macs, args.moves = 1, 0.5, min(args.new_macs, 300), min(args.moves, 5)
    say = (lambda line: None) if args.json else (lambda line: print(line, flush=True))
    for name in GROUPS if args.group == "all" else [args.group]:
        print(json.dumps((GROUPS | {"profile": bench_profile.run})[name](args, say)), flush=True)


if __name__ == "__main__":
    main()
