# SPDX-License-Identifier: BSD-3-Clause
"""A real virtual machine that migrates live between two sites, and the TCP connections that must not notice.

    vm = Machine(lab, "vm", vlan=100, ip="10.100.0.9/24", ip6="fd00:100::9/64").start(paris)
    vm.wait_ready()
    with Peer(host.ns, connect=[(vm.ip, VM_PORT, 10000, 256)]) as client:
        move = vm.migrate(london)

QEMU (TCG) boots Debian's cloud kernel with an initramfs that runs tests/tools/vm_peer.c and nothing else (tests/vm/). Its NIC is
a TAP in the site's switch, where it is tagged as every host's frames are. A migration goes from one QEMU to another over a
UNIX socket: its own traffic is no part of what is tested. Everything ends with the Lab, however the Lab ends.
"""
import contextlib
import itertools
import json
import os
import select
import socket
import struct
import subprocess
import time
from types import SimpleNamespace

from lab import BUILD, vlan_object
from netns import PACKET_IGNORE_OUTGOING, SOL_PACKET, Failed, end_process, wait_for

PEER = f"{BUILD}/tests/tools/vm_peer"
KERNEL, INITRD = f"{BUILD}/vm/vmlinuz", f"{BUILD}/vm/initrd.gz"
VM_PORT = 7000
OUTSIDE = "10.99.0.1"
FAST, FULL = (10000, 256), (50000, 4000)  # microseconds between two blocks, bytes of a block
MEMORY_MIB = 96
BOOT_S, MIGRATION_S = 90, 90
SO_TIMESTAMPNS = 35
NS = 1_000_000_000

_numbers = itertools.count(1)


class Qmp:
    """A QMP session: commands, and the events that come between."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.buffer, self.events = b"", []
        self._read()  # the greeting
        self.ask("qmp_capabilities")

    def close(self):
        self.socket.close()

    def _read(self):
        while b"\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise Failed("QEMU closed the monitor")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def ask(self, command, **arguments):
        line = json.dumps({"execute": command, "arguments": arguments} if arguments else {"execute": command})
        self.socket.sendall(line.encode() + b"\n")
        while True:
            answer = self._read()
            if "event" in answer:
                self.events.append(answer)
            elif "error" in answer:
                raise Failed(f"QMP {command}: {answer['error']['desc']}")
            else:
                return answer["return"]

    def event(self, name, timeout=20, **data):
        """Waits for an event whose data has these values; those before it are passed over."""
        end = time.monotonic() + timeout
        while True:
            while self.events:
                e = self.events.pop(0)
                if e["event"] == name and all(e.get("data", {}).get(k) == v for k, v in data.items()):
                    return e
                if e["event"] == "MIGRATION" and e["data"]["status"] in ("failed", "cancelled"):
                    raise Failed(f"the migration ended as {e['data']['status']}")
            left = end - time.monotonic()
            if left <= 0:
                raise Failed(f"QEMU's event {name} {data} did not come within {timeout} s")
            self.socket.settimeout(left)
            with contextlib.suppress(socket.timeout):
                self.events.append(self._read())
            self.socket.settimeout(20)


def when(event):
    """An event's wall clock time in seconds."""
    return event["timestamp"]["seconds"] + event["timestamp"]["microseconds"] / 1e6


class Qemu:
    """One QEMU process at a site. incoming: it waits for a migration."""

    def __init__(self, machine, site, incoming=None):
        self.machine, self.site, self.lab = machine, site, site.lab
        name = f"{machine.name}-{next(_numbers)}"
        self.tap = f"t-{name}"[:15]
        self.serial, self.log = self.lab.file(f"{name}.serial"), self.lab.file(f"{name}.log")
        # A monitor for us, and one for whoever else wants to know (conf/hooks).
        monitors = [self.lab.file(f"{name}.qmp"), self.lab.file(f"{name}.qmp2")]
        self.second_monitor = monitors[1]
        self._add_tap(site)
        self.process = self._start(site, monitors, incoming)
        wait_for(lambda: all(map(os.path.exists, monitors)) or not self.alive(), 20, lambda: f"QEMU starts: {self.text()}")
        if not self.alive():
            raise Failed(f"QEMU ended: {self.text()}")
        self.qmp = Qmp(monitors[0])
        self.qmp.ask("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])

    def _add_tap(self, site):
        sw = site.switch
        sw.ip(f"tuntap add dev {self.tap} mode tap")
        sw.quiet(self.tap)
        sw.ip(f"link set {self.tap} mtu {site.mtu} master br0 up")
        obj = vlan_object(self.lab, self.machine.vlan)
        sw.run("tc", "qdisc", "add", "dev", self.tap, "clsact")
        # What the machine sends comes in here and gets its tag, what it receives goes out and loses it.
        for way, program in (("ingress", "egress"), ("egress", "ingress")):
            sw.run("tc", "filter", "add", "dev", self.tap, way, "bpf", "da", "obj", obj, "sec", program)

    def _start(self, site, monitors, incoming):
        m = self.machine
        args = ["-M", "pc,usb=off,graphics=off", "-accel", "tcg,thread=single", "-m", MEMORY_MIB, "-smp", 1, "-nodefaults",
                "-no-user-config", "-display", "none", "-no-reboot", "-kernel", KERNEL, "-initrd", INITRD, "-append",
                m.command_line(), "-serial", f"file:{self.serial}",
                "-netdev", f"tap,id=n0,ifname={self.tap},script=no,downscript=no,vnet_hdr=off",
                "-device", f"virtio-net-pci,netdev=n0,id=nic0,mac={m.mac},romfile="]
        for path in monitors:
            args += ["-qmp", f"unix:{path},server=on,wait=off"]
        if incoming:
            args += ["-incoming", incoming]
        # An emulated processor that shares two real ones with everything else is late enough as it is.
        with open(self.log, "w", encoding="utf-8") as f:
            return site.switch.start("nice", "-n", -10, "qemu-system-x86_64", *args, stdout=f, stderr=f)

    def alive(self):
        return self.process.poll() is None

    def text(self):
        """All that it and the machine in it said."""
        parts = []
        for path in (self.log, self.serial):
            with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8", errors="replace") as f:
                parts.append(f.read())
        return "".join(parts)

    def end(self):
        """Whether it runs or not: gone, and its cable with it."""
        if hasattr(self, "qmp"):
            self.qmp.close()
        end_process(self.process)
        self.site.switch.ip(f"link del {self.tap}")


def outside(lab, site, vlan, address):
    """A network behind a router at a site: (the router, the namespace of the host OUTSIDE there). address: the router's."""
    router, ns = site.host("router", vlan, address), lab.netns("outside")
    lab.veth(router.ns, "eth1", ns, "eth0")
    router.ns.ip("addr add 10.99.0.254/24 dev eth1")
    router.ns.sysctl("net/ipv4/ip_forward", 1)
    ns.ip(f"addr add {OUTSIDE}/24 dev eth0", "route add default via 10.99.0.254")
    return router, ns


class Machine:
    """The virtual machine, wherever it is. args: of its vm_peer."""

    def __init__(self, lab, name, vlan, ip, ip6, args="", gateway=""):
        self.lab, self.name, self.vlan, self.mac = lab, name, vlan, lab.mac()
        self.address, self.address6 = ip, ip6
        self.ip, self.ip6 = ip.split("/")[0], ip6.split("/")[0]
        self.args, self.gateway = args, gateway
        self.qemu = None

    def command_line(self):
        return ("console=ttyS0 quiet nokaslr mitigations=off tsc=reliable no_timer_check random.trust_cpu=on panic=-1 "
                f"VM_IP={self.address} VM_IP6={self.address6} VM_GW={self.gateway} VM_ARGS={self.args.replace(' ', '+')}")

    @property
    def site(self):
        return self.qemu.site

    def start(self, site):
        """Boots; see wait_ready()."""
        self.qemu = Qemu(self, site)
        return self

    def wait_ready(self):
        def ready():
            if not self.qemu.alive():
                raise Failed(f"{self.name} ended: {self.qemu.text()}")
            return "vm: ready" in self.qemu.text()
        wait_for(ready, BOOT_S, lambda: f"{self.name} has booted: {self.qemu.text()}", interval=0.1)
        return self

    def text(self):
        return self.qemu.text()

    @contextlib.contextmanager
    def arrival(self, to):
        """A QEMU that waits at the other site, for as long as this lasts or until the machine is in it."""
        path = self.lab.file(f"{self.name}-{next(_numbers)}.migration")
        there = Qemu(self, to, f"unix:{path}")
        there.uri = f"unix:{path}"
        try:
            yield there
        finally:
            if self.qemu is not there:
                there.end()

    def migrate(self, to):
        with self.arrival(to) as there:
            return self.migrate_into(there)

    def migrate_into(self, there, expected=()):
        """Live, into what arrival() gave. expected: MACs of those who talk with it, there too. Returns what QEMU says about
        it (stop, resume: when the machine did; wall clock, seconds), and what was seen on its new cable (see Cable)."""
        here = self.qemu
        with Cable(there, self.mac) as cable:
            here.qmp.ask("migrate", uri=there.uri)
            stop = here.qmp.event("STOP", MIGRATION_S)
            here.qmp.event("MIGRATION", MIGRATION_S, status="completed")
            resume = there.qmp.event("RESUME", MIGRATION_S)
            said = here.qmp.ask("query-migrate")
            self.qemu = there
            here.end()
            rounds = there.qmp.ask("query-migrate-parameters")["announce-rounds"]
            cable.read_until(f"{rounds} RARPs", lambda: sum(k == "RARP" for _, k in cable.announced) >= rounds)
            cable.read_until(f"frames from and to {expected}",
                             lambda: set(expected) <= set(cable.first) and set(expected) <= set(cable.answered))
        return SimpleNamespace(
            source=here.site.name, to=there.site.name, downtime_ms=said["downtime"], total_ms=said["total-time"],
            transferred=said["ram"]["transferred"], stop=when(stop), resume=when(resume), announced=cable.announced,
            first=cable.first, answered=cable.answered)


class Cable:
    """Context manager: what is seen on a machine's new cable while it arrives; times are seconds on the wall clock.
    announced: [(time, kind)], what it says unasked. first: {MAC: time} of the first frame from each that came for it. answered:
    {MAC: time} of its own first frame to each."""

    def __init__(self, qemu, mac):
        self.mac = bytes.fromhex(mac.replace(":", ""))
        self.socket = qemu.site.switch.raw_socket(qemu.tap)
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 0)  # "outgoing" is towards the machine
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.announced, self.first, self.answered = [], {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @staticmethod
    def _unasked(f):
        if f[12:14] == b"\x80\x35":
            return "RARP"
        if f[12:14] == b"\x08\x06" and f[28:32] == f[38:42]:
            return "GARP"
        if f[12:14] == b"\x86\xdd" and f[20] == 58 and f[54] == 136 and f[38] == 0xff:
            return "NA"
        return None

    def _read(self, timeout):
        """Takes one frame, if one comes in time."""
        self.socket.settimeout(timeout)
        try:
            f, more, _, _ = self.socket.recvmsg(2048, 256)
        except (socket.timeout, BlockingIOError):
            return
        at, = (s + ns / NS for level, what, v in more if (level, what) == (socket.SOL_SOCKET, SO_TIMESTAMPNS)
               for s, ns in [struct.unpack("qq", v[:16])])
        if f[6:12] == self.mac and self._unasked(f):
            self.announced.append((at, self._unasked(f)))
        elif f[6:12] == self.mac and not f[0] & 1:
            self.answered.setdefault(f[:6].hex(":"), at)
        elif f[:6] == self.mac:
            self.first.setdefault(f[6:12].hex(":"), at)

    def read_until(self, what, condition, timeout=20):
        """Reads on until a condition holds."""
        end = time.monotonic() + timeout
        while not condition():
            self._read(0.1)
            if time.monotonic() > end:
                raise Failed(f"not seen on the new cable within {timeout} s: {what}; seen: {self.announced} {self.first} "
                             f"{self.answered}")


class Peer:
    """Context manager: a vm_peer in a namespace. listen: it accepts connections on VM_PORT. connect: (address, port, microseconds
    between two blocks, size of a block)..."""

    def __init__(self, ns, listen=False, connect=()):
        args = ["-l", VM_PORT] if listen else []
        for c in connect:
            args += ["-c", ",".join(map(str, c))]
        self.name = ns.name
        self.process = ns.start(PEER, *args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_process(self.process)

    def say(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def report(self):
        """Rows of all connections."""
        self.say("report")
        if not select.select([self.process.stdout], [], [], 10)[0]:
            raise Failed(f"vm_peer of {self.name} does not answer")
        return json.loads(self.process.stdout.readline())["connections"]

    def mark(self):
        self.say("mark")


def flowing(peers, blocks=10, timeout=30):
    """Waits until all connections of these peers ({name: Peer}) have each received and delivered some more blocks."""
    before = {name: {r["peer"]: r for r in p.report()} for name, p in peers.items()}
    rows = {}

    def all_flow():
        rows.update({name: p.report() for name, p in peers.items()})
        return all(rows[name] and all(
            r["state"] == "open" and min(r[k] - before[name].get(r["peer"], {}).get(k, 0) for k in ("received", "peer_received"))
            >= blocks for r in rows[name]) for name in peers)
    wait_for(all_flow, timeout, lambda: f"all connections carry blocks: {rows}", interval=0.05)


def whole(rows):
    """True when all connections are there and no byte was wrong at either end; the rows are from Peer.report()."""
    return bool(rows) and all(r["state"] in ("open", "ended") and r["bad"] == 0 and r["peer_bad"] == 0 for r in rows)


def worst(rows):
    """The longest silence in milliseconds."""
    return max(r["longest_ns"] for r in rows) / 1e6


def end_all(peers, timeout=20):
    """Ends all connections in order and returns their final rows; each must have ended by itself."""
    for p in peers:
        p.say("end")
    rows = []
    for p in peers:
        wait_for(lambda p=p: all(r["state"] in ("ended", "broken") for r in p.report()), timeout,
                 lambda p=p: f"{p.name}: connections end: {p.report()}", interval=0.05)
        rows += p.report()
    return rows


def describe(move, rows, macs):
    """Lines of text about a move. rows: {name: rows of its Peer}, all marked before the move; macs: {name: MAC that its frames
    come from}. Beyond: what it heard nothing for, less the time for which QEMU says that there was no machine."""
    after = lambda t: f"{(t - move.resume) * 1e3:+.1f}"  # noqa: E731
    yield (f"{move.source} -> {move.to}: QEMU's downtime {move.downtime_ms} ms, stopped to resumed "
           f"{(move.resume - move.stop) * 1e3:.1f} ms, whole migration {move.total_ms} ms, {move.transferred >> 20} MiB")
    for name, r in rows.items():
        yield (f"  {name}: silent for {worst(r):.1f} ms, {worst(r) - move.downtime_ms:.1f} beyond the downtime; "
               f"{sum(x['received'] for x in r)} blocks so far, {sum(x['retransmits'] for x in r)} segments sent again")
    yield "  from when the machine resumed, in ms:"
    for name, mac in macs.items():
        yield (f"    {name}: its first frame reached the machine's new cable {after(move.first[mac])}, the first answer left "
               f"{after(move.answered[mac])}")
    for kind, who in (("RARP", "by QEMU"), ("GARP", "by the machine"), ("NA", "by the machine")):
        yield f"    {kind} {who}: " + (" ".join(after(t) for t, k in move.announced if k == kind) or "none")
