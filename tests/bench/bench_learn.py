# SPDX-License-Identifier: BSD-3-Clause
"""Learning: hosts that nobody knows beside a replay that is forwarded as fast as it goes; bench_learn.c says what is real in it.
new: MACs that show up for the first time; move: that show up on another access port. Each as many as go, and at the rate that is
aimed at, where it is asked what forwarding loses beside the same traffic of hosts that are known. Repetitions take turns."""
import bench_host as host

VARIANT = "encap,64,1000,uniform,tagged,ipv4"
COUNT = 500000
AIM_RATE, AIM_LOSS = 500000, 0.05
# A little more than is aimed at, for the last ones arrive when nothing more is offered.
RUNS = [(kind, rate) for kind in ("new", "move") for rate in (0, AIM_RATE * 104 // 100)]
PAGES = 800


def run(args, say):
    cpus = host.cores()
    about = host.machine(cpus)
    with host.Host(PAGES) as h:
        say(f"{host.name(about)}, control thread on the other; {COUNT} MACs beside a replay of 64 bytes; median of {args.repeat}")
        pcap, calm = f"{h.dir}/frames.pcap", host.Calm(cpus[-1], args.tries)
        host.program("bench_dp", "make", VARIANT, pcap, cpu=cpus[-1])
        got, about["calm"] = calm.turns({r: lambda r=r: host.program("bench_learn", r[0], VARIANT, pcap, COUNT, r[1],
                                                                     cpu=cpus[-1]) for r in RUNS}, args.repeat)
    say(f"{about['calm']:.0%} of the turns that count were calm")
    say(f"{'':5} {'offered/s':>10} {'learned/s':>10} {'apart':>6} {'Mpps known':>10} {'meanwhile':>10} {'lost':>6} {'machine':>7}")
    results = []
    for (kind, rate), runs in got.items():
        r = {"kind": kind, "offered_per_s": rate, "per_s": round(host.median(runs, "per_s")),
             "apart": host.spread([x["per_s"] for x in runs]), "known_mpps": host.median(runs, "known_mpps"),
             "mpps": host.median(runs, "mpps"), "loss": host.median(runs, "loss"),
             "machine_loss": host.median(runs, "machine_loss"), "all": runs}
        results.append(r)
        say(f"{kind:5} {rate or 'all':>10} {r['per_s']:10} {r['apart']:6.0%} {r['known_mpps']:10.2f} {r['mpps']:10.2f} "
            + (f"{r['loss']:6.1%} {r['machine_loss']:7.1%}" if rate else f"{'-':>6} {'-':>7}"))
    rows = []
    for r in results:
        what = f"{r['kind']}, {r['offered_per_s'] or 'as many as go'}/s offered"
        if not r["offered_per_s"]:
            rows.append(host.aim(f"{what}: learned/s", r["per_s"], AIM_RATE, True))
        else:
            rows.append(host.aim(f"{what}: lost of forwarding", r["loss"], AIM_LOSS, False))
    host.say_aims(rows, say)
    return {**about, "repeat": args.repeat, "macs": COUNT, "results": results, "aims": rows}
