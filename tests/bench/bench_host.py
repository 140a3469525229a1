# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmarks of the data plane share of the machine: its name, its cores, its hugepages, programs of ours, and that
all is put back when this process is killed: a child waits for the end of a pipe that only this process holds."""
import ctypes
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.environ.get("BENCH_PROGRAMS", os.path.join(HERE, "../../build/tests/bench"))
HUGEPAGES = "/proc/sys/vm/nr_hugepages"
PR_SET_PDEATHSIG = 1


def cpu_model():
    with open("/proc/cpuinfo") as f:
        return next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), platform.machine())


def machine(cpus):
    return {"machine": cpu_model(), "cpus": os.cpu_count(), "kernel": platform.release(), "worker_cpu": cpus[-1],
            "other_cpu": cpus[0]}


def name(m):
    return f"{m['machine']}, {m['cpus']} CPUs, kernel {m['kernel']}, worker on CPU {m['worker_cpu']}"


def cores():
    """Two CPUs: for whoever is not measured, and for what is."""
    return sorted(os.sched_getaffinity(0))[:2]


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def priority(nice):
    """Of this process and its session: Linux weighs sessions against each other, not processes (sched_autogroup_enabled)."""
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    try:
        with open("/proc/self/autogroup", "w") as f:
            f.write(str(nice))
    except OSError:
        pass


class Host:
    """A directory and so many hugepages (2 MB); both are given back. What else runs on the machine yields to this process and
    its children meanwhile."""

    def __init__(self, pages):
        self.pages = pages

    def __enter__(self):
        priority(-20)
        with open(HUGEPAGES) as f:
            before = int(f.read())
        self.dir = tempfile.mkdtemp(prefix="cw-bench-")
        self.guard = subprocess.Popen(["sh", "-c", f'cat > /dev/null; rm -rf "$0"; echo {before} > {HUGEPAGES}', self.dir],
                                      stdin=subprocess.PIPE, start_new_session=True)
        if before < self.pages:
            with open(HUGEPAGES, "w") as f:
                f.write(str(self.pages))
        return self

    def __exit__(self, *_):
        self.guard.stdin.close()
        self.guard.wait()
        priority(0)


def program(prog, *args, cpu):
    """What it prints: a line of JSON, or a list of several; None: nothing."""
    p = subprocess.run([os.path.join(PROGRAMS, prog), *map(str, args)], env=dict(os.environ, BENCH_CPU=str(cpu)),
                       capture_output=True, text=True, preexec_fn=die_with_parent)
    if p.returncode != 0:
        sys.exit(f"{prog} {' '.join(map(str, args))}: {p.stderr}")
    rows = [json.loads(line) for line in p.stdout.splitlines()]
    return rows if len(rows) > 1 else rows[0] if rows else None


class Calm:
    """Which turns count: those before and after which a probe (calm.h) was disturbed least. On a virtual machine somebody else
    may have the other half of the worker's core, for milliseconds or for minutes, and then everything takes half as long again.
    A turn waits a moment for nobody to be there. Turns go on until there are enough in which nobody was seen, or `tries` times
    as many as are wanted."""

    LOOK_S, NEAR, WAIT_S = 2, 1.2, 1.5

    def __init__(self, cpu, tries):
        self.cpu, self.tries, self.best = cpu, tries, float("inf")
        until = time.monotonic() + self.LOOK_S
        while time.monotonic() < until:
            self.probe()

    def probe(self):
        return self.seen(program("bench_calm", cpu=self.cpu)["calm"])

    def seen(self, probes):
        self.best = min(self.best, min(probes))
        return max(probes)

    def calm(self, turn):
        return turn[0] <= self.best * self.NEAR

    def turn(self, measure):
        """How much it was disturbed, and the result; its own probes are nearer to what it measures, where it has some."""
        before, until = self.probe(), time.monotonic() + self.WAIT_S
        while before > self.best * self.NEAR and time.monotonic() < until:
            before = self.probe()
        result = measure()
        probes = result.get("calm") if isinstance(result, dict) else None
        return self.seen(probes or (before, self.probe())), result

    def turns(self, measures, repeat):
        """measures: {who: what to call}; they take turns. {who: `repeat` results}, and the share of them that was calm."""
        got = {who: [] for who in measures}
        for _ in range(repeat * self.tries):
            for who, measure in measures.items():
                if sum(map(self.calm, got[who])) < repeat:
                    got[who].append(self.turn(measure))
            if all(sum(map(self.calm, turns)) >= repeat for turns in got.values()):
                break
        got = {who: sorted(turns, key=lambda t: t[0])[:repeat] for who, turns in got.items()}
        share = sum(self.calm(t) for turns in got.values() for t in turns) / (repeat * len(measures))
        return {who: [result for _, result in turns] for who, turns in got.items()}, round(share, 2)


def median(rows, key):
    return statistics.median(r[key] for r in rows)


def spread(values):
    """How far apart the repetitions are, of their median."""
    return round((max(values) - min(values)) / statistics.median(values), 2)


def aim(text, value, limit, least):
    """A row of what is aimed at; least: the limit is the least that is wanted, else the most."""
    return {"aim": text, "is": round(value, 3), "limit": round(limit, 3), "at": "least" if least else "most",
            "met": value >= limit if least else value <= limit}


def say_aims(rows, say):
    for a in rows:
        say(f"aim: {a['aim']}: {a['is']:g}, at {a['at']} {a['limit']:g}{'' if a['met'] else '  missed'}")
