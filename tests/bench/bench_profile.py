# SPDX-License-Identifier: BSD-3-Clause
"""Where the cycles of a frame go, stage by stage, in a build made for it (make profile). A mark costs about as much as a small
stage: how much is measured by a loop of its own and taken off each stage; README.md says what the stages are."""
import statistics

import bench_host as host
from bench_dp import pages_for

ROWS = [(d, "64", macs, "uniform", "tagged", "ipv4") for d in ("encap", "decap") for macs in (1000, 100000)]


def run(args, say):
    cpus = host.cores()
    about, results = host.machine(cpus), []
    with host.Host(pages_for(100000)) as h:
        calm = host.Calm(cpus[-1], args.tries)
        say(f"{host.name(about)}; cycles a frame; median of {args.repeat} x {args.seconds} s")
        for row in ROWS:
            variant, pcap = ",".join(map(str, row)), f"{h.dir}/frames.pcap"
            host.program("bench_dp", "make", variant, pcap, cpu=cpus[-1])
            got, _ = calm.turns({row: lambda: host.program("bench_dp", "run", variant, pcap, args.seconds, cpu=cpus[-1])},
                                args.repeat)
            runs = got[row]
            results.append(summary(row, runs))
    names = [n for n in results[0]["stages"]]
    say(f"{'':12}" + "".join(f"{r['direction'] + ' ' + str(r['macs']):>14}" for r in results))
    for n in [*names, "sum", "with marks"]:
        say(f"{n:12}" + "".join(f"{(r['stages'] | r)[n]:14.1f}" for r in results))
    return {**about, "repeat": args.repeat, "seconds": args.seconds, "results": results}


def summary(row, runs):
    if not all(isinstance(r, list) for r in runs):
        raise SystemExit("bench: this build has no marks: make profile")
    stages = {}
    for n in runs[0][0]:
        if n != "mark":
            stages[n] = round(statistics.median(max(0, r[0][n][0] - r[0][n][1] * r[0]["mark"]) for r in runs), 1)
    return {"direction": row[0], "frames": row[1], "macs": row[2], "stages": stages, "sum": round(sum(stages.values()), 1),
            "with marks": round(statistics.median(r[1]["cycles"] for r in runs), 1), "all": runs}
