# SPDX-License-Identifier: BSD-3-Clause
"""A frame's time inside one gateway, from the ring of one port to the ring of the other; bench_latency.c says how. The loads are of
the maximum that the same run reached between the same rings. The worker polls always."""
import bench_host as host

LOADS = (0.1, 0.5)
DIRECTIONS = ("encap", "decap")
PAGES = 400


def variant(direction):
    return f"{direction},64,1000,uniform,tagged,ipv4"


def run(args, say):
    cpus = host.cores()
    about = host.machine(cpus)
    with host.Host(PAGES) as h:
        calm = host.Calm(cpus[-1], args.tries)
        say(f"{host.name(about)}, source on the other; 64 bytes, evenly spaced; median of {args.repeat} x {args.seconds} s")
        for d in DIRECTIONS:
            host.program("bench_dp", "make", variant(d), f"{h.dir}/{d}.pcap", cpu=cpus[-1])
        got, about["calm"] = calm.turns({d: lambda d=d: host.program("bench_latency", variant(d), f"{h.dir}/{d}.pcap",
                                                                     args.seconds, *LOADS, cpu=cpus[-1])
                                         for d in DIRECTIONS}, args.repeat)
    got = {(d, load): [runs[i] for runs in got[d]] for d in DIRECTIONS for i, load in enumerate(LOADS)}
    say(f"{about['calm']:.0%} of the turns that count were calm")
    say(f"{'':6} {'load':>5} {'Mpps':>6} {'of':>6} {'p50 us':>7} {'p99':>7} {'p99.9':>7} {'undisturbed':>12}")
    results = []
    for (d, load), runs in got.items():
        r = {"direction": d, "load": load, **{k: round(host.median(runs, k), 3) for k in
             ("mpps", "max_mpps", "p50_us", "p99_us", "p99.9_us")},
             "clean": round(sum(x["clean"] for x in runs) / sum(x["slices"] for x in runs), 3), "all": runs}
        results.append(r)
        say(f"{d:6} {load:5.0%} {r['mpps']:6.2f} {r['max_mpps']:6.2f} {r['p50_us']:7.2f} {r['p99_us']:7.2f} {r['p99.9_us']:7.2f} "
            f"{r['clean']:12.0%}")
    say("undisturbed: of the time, when both threads had their cores to themselves; only that counts")
    return {**about, "repeat": args.repeat, "seconds": args.seconds, "results": results}
