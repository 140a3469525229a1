# SPDX-License-Identifier: BSD-3-Clause
"""Open vSwitch with DPDK (Debian's package) as a peer: one PMD core, the same replay, a vxlan port, MACs in its table.

It runs in a network namespace of its own with a directory of its own for its database and sockets; nothing outside is
touched, and both daemons die with this process, whatever kills it. It is made once for a row of the table and stopped by
SIGSTOP while others are measured: its PMD thread polls always.

encap: replay -> br-int (learns) -> vxlan port, access port of the VLAN -> br-phy, whose address is the tunnel's -> sink.
decap: replay -> br-phy -> vxlan port -> br-int -> sink, as a trunk. The MACs that no replayed frame comes from are put into
br-int's table by its own command, so that nothing is flooded.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from bench_host import die_with_parent

VSWITCHD = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
# With more, each frame of the replay has a pair of MACs of its own among tens of thousands, and Open vSwitch a flow for each
# pair: at 100,000 MACs it reached its limit of flows and stayed below 0.2 Mpps while watched, for seconds.
MAX_MACS = 8192
WAN_MAC, HOP_MAC = "02:aa:00:00:00:01", "02:aa:00:00:00:02"
ADDRESSES = {"ipv4": ("198.18.0.1", "198.18.0.2", 24), "ipv6": ("fd00:198:18::1", "fd00:198:18::2", 64)}
FIRST_VLAN, FIRST_VNI, NETWORKS = 100, 10100, 16
START_S = 30


class Failed(Exception):
    pass


def version():
    if not os.path.exists(VSWITCHD):
        return None
    return subprocess.run([VSWITCHD, "--version"], capture_output=True, text=True).stdout.splitlines()[0].split()[-1]


class Control:
    """A connection to a daemon's control socket: JSON-RPC 1.0, as ovs-appctl speaks it."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(START_S)
        self.s.connect(path)
        self.buf, self.decoder, self.n = "", json.JSONDecoder(), 0

    def call(self, *words):
        self.n += 1
        self.s.sendall(json.dumps({"id": self.n, "method": words[0], "params": [str(w) for w in words[1:]]}).encode())
        while True:
            try:
                answer, end = self.decoder.raw_decode(self.buf)
            except ValueError:
                part = self.s.recv(65536).decode()
                if not part:
                    raise Failed(f"ovs-vswitchd is gone at {' '.join(map(str, words))}")
                self.buf += part
                continue
            self.buf = self.buf[end:].lstrip()
            if answer["error"]:
                raise Failed(f"{' '.join(map(str, words))}: {answer['error']}")
            return answer["result"]

    def close(self):
        self.s.close()


class Ovs:
    def __init__(self, variant, pcap, cpus, directory):
        """variant: as replay_parse() takes it, split."""
        self.direction, _, macs, _, self.tags, self.underlay = variant
        self.half = max(int(macs) // 2, 1)
        self.pcap, self.cpus = pcap, cpus
        self.networks = min(NETWORKS, self.half) if self.tags == "translated" else 1
        self.daemons, self.control = [], None
        self.dir = tempfile.mkdtemp(prefix="ovs-", dir=directory)
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_LOGDIR=self.dir, OVS_DBDIR=self.dir, OVS_SYSCONFDIR=self.dir)
        self.db = f"unix:{self.dir}/db.sock"

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.control:
            self.control.close()
        for p in reversed(self.daemons):
            p.kill()
            p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def spawn(self, *cmd):
        with open(f"{self.dir}/out", "a") as out:
            self.daemons.append(subprocess.Popen(cmd, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                 preexec_fn=die_with_parent))
        return self.daemons[-1]

    def run(self, *cmd):
        p = subprocess.run(cmd, env=self.env, capture_output=True, text=True)
        if p.returncode != 0:
            raise Failed(f"{' '.join(cmd)}: {p.stderr.strip()}\n{self.log()}")
        return p.stdout

    def vsctl(self, *words):
        return self.run("ovs-vsctl", f"--db={self.db}", f"--timeout={START_S}", *words)

    def inside(self, *words):
        return self.run("nsenter", "-t", str(self.daemons[-1].pid), "-n", "ip", *words)

    def log(self):
        try:
            with open(f"{self.dir}/out") as f:
                return "".join(f.readlines()[-15:])
        except OSError:
            return ""

    def wait(self, ready, what):
        deadline = time.monotonic() + START_S
        while not ready():
            if time.monotonic() > deadline or any(p.poll() is not None for p in self.daemons):
                raise Failed(f"Open vSwitch: no {what}\n{self.log()}")
            time.sleep(0.02)

    def start(self):
        self.run("ovsdb-tool", "create", f"{self.dir}/conf.db", SCHEMA)
        self.spawn("ovsdb-server", f"{self.dir}/conf.db", f"--remote=p{self.db}", f"--unixctl={self.dir}/db.ctl",
                   "-vconsole:warn")
        self.wait(lambda: os.path.exists(f"{self.dir}/db.sock"), "database")
        masks = [hex(1 << c) for c in self.cpus]
        self.vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                   f"other_config:dpdk-lcore-mask={masks[0]}", f"other_config:pmd-cpu-mask={masks[-1]}",
                   "other_config:max-idle=3600000", "other_config:flow-limit=1000000",
                   f'other_config:dpdk-extra="--in-memory --no-pci --no-telemetry --file-prefix=cwovs{os.getpid()}"')
        self.spawn("unshare", "--net", VSWITCHD, self.db, f"--unixctl={self.dir}/vs.ctl", "-vconsole:warn")
        self.wait(lambda: os.path.exists(f"{self.dir}/vs.ctl"), "control socket")
        self.control = Control(f"{self.dir}/vs.ctl")
        self.bridges()
        self.tables()

    def dpdk_port(self, bridge, name, devargs):
        return ("--", "add-port", bridge, name, "--", "set", "Interface", name, "type=dpdk", "mtu_request=1600",
                f"options:dpdk-devargs={devargs}")

    def bridges(self):
        ours, theirs, bits = ADDRESSES[self.underlay]
        encap = self.direction == "encap"
        self.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev",
                   f'other-config:hwaddr="{WAN_MAC}"', "--", "add-br", "br-int", "--", "set", "bridge", "br-int",
                   "datapath_type=netdev", "other-config:mac-aging-time=3600", "other-config:mac-table-size=1000000")
        self.inside("link", "set", "br-phy", "up")
        self.inside("addr", "add", f"{ours}/{bits}", "dev", "br-phy", *(["nodad"] if ":" in ours else []))
        ports = ["set", "Open_vSwitch", ".", "other_config:bench=1"]
        for i in range(self.networks):
            tag = [] if self.tags == "untagged" else [f"tag={FIRST_VLAN + i}"]
            ports += ["--", "add-port", "br-int", f"vx{i}", *tag, "--", "set", "Interface", f"vx{i}", "type=vxlan",
                      f'options:remote_ip="{theirs}"', f'options:local_ip="{ours}"', f"options:key={FIRST_VNI + i}",
                      f"options:csum={'true' if ':' in ours else 'false'}"]
        self.vsctl(*ports, *self.dpdk_port("br-phy" if encap else "br-int", "sink", "net_null0,no-rx=1"))
        self.control.call("tnl/neigh/set", "br-phy", theirs, HOP_MAC)
        if encap:  # decap: what is for br-phy itself has no other port to go to
            self.fdb("br-phy", "sink", 0, HOP_MAC)

    def fdb(self, bridge, port, vlan, mac):
        self.control.call("fdb/add", bridge, port, vlan, mac)

    def tables(self):
        """The destinations, then the replay, whose sources are learned."""
        encap = self.direction == "encap"
        for i in range(self.half):
            k = i % self.networks
            mac = f"{'06' if encap else '02'}:00:00:{i >> 16:02x}:{i >> 8 & 255:02x}:{i & 255:02x}"
            self.fdb("br-int", f"vx{k}" if encap else "sink", 0 if self.tags == "untagged" else FIRST_VLAN + k, mac)
        self.vsctl(*self.dpdk_port("br-int" if encap else "br-phy", "replay", f"net_pcap0,rx_pcap={self.pcap},infinite_rx=1")[1:])

    def sent(self):
        """Frames that the sink has taken, and the time."""
        text = self.control.call("dpctl/show", "-s", "netdev@ovs-netdev")
        m = re.search(r"port \d+: sink .*?TX packets:(\d+)", text, re.S)
        if not m:
            raise Failed(f"no counters of the sink:\n{text}")
        return int(m[1]), time.monotonic()

    def rate(self, seconds):
        """Mpps over so many seconds."""
        n0, t0 = self.sent()
        time.sleep(seconds)
        n1, t1 = self.sent()
        return (n1 - n0) / (t1 - t0) / 1e6

    def settle(self, seconds):
        """Until one reading says what the one before said: it makes a flow for each pair of MACs at first."""
        last, deadline = 0, time.monotonic() + START_S
        while time.monotonic() < deadline:
            now = self.rate(seconds)
            if last > 0 and abs(now - last) < 0.1 * last:
                return
            last = now
        raise Failed("Open vSwitch does not settle")

    def pause(self):
        self.daemons[-1].send_signal(signal.SIGSTOP)

    def resume(self):
        self.daemons[-1].send_signal(signal.SIGCONT)
