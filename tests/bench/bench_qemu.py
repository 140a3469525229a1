# SPDX-License-Identifier: BSD-3-Clause
"""A real machine beside what bench_moves.py does with a synthetic one: QEMU migrates it live between the two sites (tests/e2e/vm.py)
while 1,000 frames a second go to it from each of three places. QEMU says when the machine runs again; what is measured is when
after that the first frame from each place reached the machine's new cable: what a client hears nothing for beyond QEMU's own
downtime, but for the answer's way back. Frames that reached it before it ran wait in its TAP: 0."""
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))

from bench_evpn import Lab, Tool  # noqa: E402
from vm import VM_PORT, Machine  # noqa: E402


class Senders:
    """{view: where it is seen from}, for a move from one site to the other."""

    def __init__(self, world, mac):
        self.tools, self.macs = {}, {}
        for site in ("paris", "london"):
            for kind in ("near", "far"):
                dev = f"{site}-{kind}"
                index = next(i["ifindex"] for i in world.probe_ns.ip_json("link", "show", "dev", dev))
                self.macs[dev] = f"02:be:00:00:{index >> 8:02x}:{index & 255:02x}"
                self.tools[dev] = Tool(world.probe_ns, "move_probe", mac, dev)

    def start(self, here, there):
        """Returns {view: MAC}."""
        views = {"old switch": f"{here}-near", "old site": f"{here}-far", "new site": f"{there}-far"}
        for dev in views.values():
            self.tools[dev].say("send 0")
        return {view: self.macs[dev] for view, dev in views.items()}

    def stop(self):
        for tool in self.tools.values():
            tool.say("stop")

    def end(self):
        for tool in self.tools.values():
            tool.end()


def measure(kind, prepare, moves):
    """Rows: QEMU's downtime, and for each view ms after the machine ran again."""
    rows = []
    with Lab() as lab:
        world = kind(lab, "qemu")
        world.start()
        vm = Machine(lab, "vm", 0, "10.100.0.9/24", "fd00:100::9/64", args=f"-l {VM_PORT}").start(world.sites[0])
        vm.wait_ready()
        senders = Senders(world, vm.mac)
        try:
            for n in range(2 * moves):
                here, there = world.sites[n % 2], world.sites[1 - n % 2]
                macs = senders.start(here.name, there.name)
                with vm.arrival(there) as qemu:
                    if prepare:
                        world.prepare(1 - n % 2, vm.mac)
                    seen = vm.migrate_into(qemu)
                senders.stop()
                rows.append({"downtime": seen.downtime_ms,
                             **{v: max(0.0, (seen.first[m] - seen.resume) * 1e3) for v, m in macs.items() if m in seen.first}})
        finally:
            senders.end()
            world.end()
    return rows


def summary(rows, view):
    values = sorted(r[view] for r in rows if view in r)
    return {"p50": statistics.median(values), "max": values[-1], "moves": len(values), "none": len(rows) - len(values)}
