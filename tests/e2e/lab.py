# SPDX-License-Identifier: BSD-3-Clause
"""Two or more sites on this machine: hosts, site switches, gateways and a WAN between them.

    with Lab() as lab:
        wan = lab.wan(delay=400)
        paris, london = lab.site("paris", wan, 1), lab.site("london", wan, 2)
        a = paris.host("a", vlan=100, ip="10.100.0.1/24")
        b = london.host("b", vlan=100, ip="10.100.0.2/24")
        wan.start()
        ...

A site is: hosts -- site switch (a bridge per access port, in a namespace of its own) -- trunk (lan0, lan1, ...) --
gateway namespace -- wan0 -- WAN. Hosts tag their own frames (tests/tools/vlan_tag.bpf.c), because the kernel that runs
this may have no 802.1Q devices. Each thing lives in a namespace whose name starts with the Lab's prefix; leaving the
Lab ends what runs in them and removes them. What a killed run left over is removed by the next one.
"""
import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

from netns import NETNS_DIR, Failed, Netns, delete_netns, end_process, run, wait_for
from ping import Ping

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("CAUSEWAY_BUILD", os.path.join(ROOT, "build"))
PREFIX = "cwlab"
WAN_MTU = 1600
BPFFS = "bpf"  # a directory of each Lab: where its gateways pin their fast paths

_counter = itertools.count(1)


def _remove(pattern, condition=lambda m: True):
    """Removes namespaces, with what runs in them, and then directories whose whole names match."""
    for where, remove in ((NETNS_DIR, delete_netns), (tempfile.gettempdir(), None)):
        for name in os.listdir(where) if os.path.isdir(where) else []:
            m = re.fullmatch(pattern, name)
            if m and condition(m):
                if remove:
                    remove(name)
                else:
                    _unmount(os.path.join(where, name))
                    shutil.rmtree(os.path.join(where, name), ignore_errors=True)


def _unmount(directory):
    """The bpffs of a Lab, and what is pinned in it."""
    if os.path.ismount(os.path.join(directory, BPFFS)):
        run("umount", "-l", os.path.join(directory, BPFFS), check=False)


def clean_dead():
    """Removes what is left of Labs whose process is gone."""
    _remove(PREFIX + r"-(\d+)-\d+-.*", lambda m: not os.path.exists(f"/proc/{m[1]}"))


def clean_prefix(prefix):
    """Removes what is left of a Lab with a prefix of its own, running or not."""
    _remove(re.escape(prefix) + "-.*")


class Lab:
    """Context manager. prefix: a fixed name for the namespaces (the demo); None: a unique one. keep: all is left running
    when no exception leaves the Lab."""

    def __init__(self, prefix=None, keep=False):
        self.prefix = prefix or f"{PREFIX}-{os.getpid()}-{next(_counter)}"
        self.namespaces, self.processes = [], []
        self.keep = keep
        self.dir = None
        self._macs = itertools.count(1)

    def __enter__(self):
        if os.geteuid():
            raise Failed("the test bed needs root: it makes network namespaces")
        clean_dead()
        self.dir = tempfile.mkdtemp(prefix=f"{self.prefix}-")
        # /sys/fs/bpf is not seen by what `ip netns exec` starts.
        os.mkdir(self.file(BPFFS))
        run("mount", "-t", "bpf", "bpf", self.file(BPFFS))
        return self

    def __exit__(self, kind, *rest):
        if self.keep and kind is None:
            return
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it
        try:
            for p in self.processes:
                if p.poll() is None:
                    p.terminate()
            for p in reversed(self.processes):
                end_process(p)
            for ns in reversed(self.namespaces):
                ns.delete()
            _unmount(self.dir)
            shutil.rmtree(self.dir, ignore_errors=True)
        finally:
            signal.signal(signal.SIGINT, before)

    def full_name(self, name):
        return f"{self.prefix}-{name}"

    def file(self, name):
        return os.path.join(self.dir, name)

    def netns(self, name):
        return Netns(self, name)

    def mac(self):
        """A MAC of the lab, never used before in it."""
        n = next(self._macs)
        return f"02:ca:05:00:{n >> 8:02x}:{n & 255:02x}"

    def veth(self, ns1, dev1, ns2, dev2, mtu=1500):
        """A cable: both ends up, offloads off."""
        run("ip", "link", "add", dev1, "mtu", mtu, "address", self.mac(), "netns", ns1.full, "type", "veth", "peer",
            "name", dev2, "mtu", mtu, "address", self.mac(), "netns", ns2.full)
        for ns, dev in ((ns1, dev1), (ns2, dev2)):
            ns.offloads_off(dev)
            ns.ip(f"link set {dev} up")

    def take_redirected(self, ns, dev):
        """The other end of this veth takes frames that XDP redirects to it."""
        ns.ip(f"link set {dev} xdp obj {BUILD}/tests/tools/xdp_pass.bpf.o sec xdp.frags")
        ns.offloads_off(dev)  # the program brought GRO

    def wan(self, name="wan", **options):
        return Wan(self, name, **options)

    def site(self, name, wan=None, number=1, **options):
        return Site(self, name, wan, number, **options)


class Wan:
    """The relay (tests/tools/relay.c) between all that is attached. Options as its own: delay, loss, mtu, rate.
    prefix: a program that starts it (chrt ...)."""

    def __init__(self, lab, name="wan", prefix=(), **options):
        self.lab, self.prefix, self.options = lab, prefix, options
        self.ns = lab.netns(name)
        self.ports, self.process = [], None

    def attach(self, ns, dev, name, mtu=WAN_MTU):
        """Connects dev (made here) in ns to the WAN, whose end is called name."""
        self.lab.veth(ns, dev, self.ns, name, mtu)
        self.lab.take_redirected(self.ns, name)
        self.ns.quiet(name)
        self.ports.append(name)

    def start(self, **options):
        """Starts, or starts again with other options."""
        self.options.update(options)
        self.stop()
        args = [a for k, v in self.options.items() if v for a in (f"--{k}", str(v))]
        log = self.lab.file("relay.log")
        with open(log, "w", encoding="ascii") as f:
            self.process = self.ns.start(*self.prefix, f"{BUILD}/tests/tools/relay", *args, *self.ports,
                                         stdout=subprocess.PIPE, stderr=f, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise Failed(f"the WAN relay did not start: {open(log, encoding='ascii').read()}")

    def counters(self):
        self.process.send_signal(signal.SIGUSR1)
        return json.loads(self.process.stdout.readline())

    def stop(self):
        if self.process:
            end_process(self.process)
            self.process = None


def vlan_object(lab, vlan):
    """The file of the program that puts this VLAN's tag on (section egress) and takes it off (section ingress)."""
    obj = lab.file(f"vlan-{vlan}.o")
    if not os.path.exists(obj):
        with open(f"{BUILD}/tests/tools/vlan_tag.bpf.o", "rb") as f:
            code = f.read()
        at = code.index(b"CWVLANID") + 8
        with open(obj, "wb") as f:
            f.write(code[:at] + vlan.to_bytes(4, "little") + code[at + 4:])
    return obj


class Host:
    """A host with one interface eth0. vlan 0: it sends and takes untagged frames."""

    def __init__(self, lab, name, switch, bridge, vlan=0, ip=None, ip6=None, mac=None, mtu=1500):
        self.name, self.vlan, self.switch = name, vlan, switch
        self.mac = mac or lab.mac()
        self.ns = lab.netns(name)
        self.port = f"p-{name}"[:15]
        lab.veth(self.ns, "eth0", switch, self.port, mtu)
        switch.quiet(self.port)
        self.ns.ip(f"link set eth0 address {self.mac}")
        self.move_to(bridge)
        self._tag(lab, vlan)
        self.ip = self.ip6 = None
        self.add_addresses(ip, ip6)

    def add_addresses(self, ip=None, ip6=None):
        for a in filter(None, (ip, ip6)):
            self.ns.ip(f"addr add {a} dev eth0" + (" nodad" if ":" in a else ""))
        self.ip = ip.split("/")[0] if ip else self.ip
        self.ip6 = ip6.split("/")[0] if ip6 else self.ip6

    def move_to(self, bridge):
        """To another port of the same site: the cable is plugged into another bridge."""
        self.switch.ip(f"link set {self.port} master {bridge}")

    def _tag(self, lab, vlan):
        obj = vlan_object(lab, vlan)
        self.ns.ip("link show eth0")
        self.ns.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
        for way in ("egress", "ingress"):
            self.ns.run("tc", "filter", "add", "dev", "eth0", way, "bpf", "da", "obj", obj, "sec", way)

    def start_ping(self, to, **kw):
        """A Ping that runs; to is an address or a Host (then its IPv4 address)."""
        return Ping(self.ns, to.ip if isinstance(to, Host) else to, **kw)

    def ping(self, to, **kw):
        return self.start_ping(to, **kw).finish()

    def reaches(self, to, timeout=5, **kw):
        """Waits until one ping is answered: after a start, the first may be lost to learning."""
        return wait_for(lambda: self.ping(to, **{"count": 1, **kw}).received, timeout,
                        f"{self.name} reaches {getattr(to, 'name', to)}")

    def forget_neighbours(self, *others):
        """Of these hosts, or all; what is on its way to one of them may be lost in this host's kernel."""
        for to in [f" to {ip}" for h in others for ip in (h.ip, h.ip6) if ip] if others else [""]:
            self.ns.ip(f"neigh flush dev eth0{to}")

    def iperf(self, server, udp=False, seconds=1, ip6=False, bitrate=None, length=None, reverse=False, port=5201):
        """iperf3 from here to another host; the JSON of the client's end."""
        log = self.ns.lab.file(f"iperf-{server.name}-{port}.log")
        with open(log, "w", encoding="ascii") as f:
            process = server.ns.start("iperf3", "-s", "-1", "-p", port, "--forceflush", stdout=f, stderr=f)
        try:
            wait_for(lambda: "listening" in open(log, encoding="ascii").read(), 5, "iperf3 server")
            args = ["-c", server.ip6 if ip6 else server.ip, "-p", port, "-t", seconds, "-J"]
            args += ["-u", "-b", bitrate or "50M"] if udp else []
            args += ["-l", length] if length else []
            args += ["-R"] if reverse else []
            done = self.ns.run("iperf3", *args, check=False, timeout=seconds + 20)
            result = json.loads(done.stdout or "{}")
            if done.returncode or "end" not in result or "error" in result:
                raise Failed(f"iperf3 from {self.name} to {server.name}: {result.get('error', done.stderr)}")
            return result["end"]
        finally:
            end_process(process)


def trunk(lab, ns, switch, i, mtu=1500):
    """The i-th bridge of a site's switch, br<i>, and its cable to the gateway in ns: lan<i> at both ends."""
    switch.ip(f"link add br{i} mtu {mtu} address {lab.mac()} type bridge stp_state 0 mcast_snooping 0 "
              "ageing_time 30000 forward_delay 0")
    switch.quiet(f"br{i}")
    lab.veth(ns, f"lan{i}", switch, f"lan{i}", mtu)
    ns.quiet(f"lan{i}")
    switch.quiet(f"lan{i}")
    lab.take_redirected(switch, f"lan{i}")
    switch.ip(f"link set lan{i} master br{i}", f"link set br{i} up")


class Site:
    """Hosts, site switch and the gateway's namespace. number: the last part of its WAN addresses."""

    def __init__(self, lab, name, wan=None, number=1, trunks=1, mtu=1500, wan_mtu=WAN_MTU, wan_kernel=True):
        self.lab, self.name, self.number = lab, name, number
        self.mtu, self.wan_mtu = mtu, wan_mtu
        self.address, self.address6 = f"198.18.0.{number}", f"2001:2::{number}"
        self.ns = lab.netns(name)
        self.switch = lab.netns(f"{name}-sw")
        for i in range(trunks):
            trunk(lab, self.ns, self.switch, i, mtu)
        if wan:
            wan.attach(self.ns, "wan0", name, wan_mtu)
            if wan_kernel:
                self.ns.ip(f"addr add {self.address}/24 dev wan0", f"addr add {self.address6}/64 dev wan0 nodad")
            else:
                self.detach_kernel("wan0")

    def detach_kernel(self, dev):
        """The kernel takes nothing from dev, so that a DPDK driver on it (net_af_packet) is as good as a NIC of its
        own. Packet sockets see frames before this filter (action 2 is drop)."""
        self.ns.quiet(dev)
        self.ns.sysctl(f"net/ipv4/conf/{dev}/arp_ignore", 8)
        self.ns.run("tc", "qdisc", "add", "dev", dev, "clsact")
        self.ns.run("tc", "filter", "add", "dev", dev, "ingress", "bpf", "da", "bytecode", "1,6 0 0 2")

    def host(self, name, vlan=0, ip=None, ip6=None, trunk=0, **kw):
        kw.setdefault("mtu", self.mtu)
        return Host(self.lab, name, self.switch, f"br{trunk}", vlan, ip, ip6, **kw)


class LinuxVtep:
    """The other end without Causeway: a bridge and a kernel vxlan device per VNI, and hosts in the bridges."""

    def __init__(self, lab, name, wan, number, mtu=1500, wan_mtu=WAN_MTU):
        self.lab, self.mtu = lab, mtu
        self.address, self.address6 = f"198.18.0.{number}", f"2001:2::{number}"
        self.ns = self.switch = lab.netns(name)
        wan.attach(self.ns, "wan0", name, wan_mtu)
        self.ns.ip(f"addr add {self.address}/24 dev wan0", f"addr add {self.address6}/64 dev wan0 nodad")

    def network(self, vni, remotes, ip6=False, port=4789, options=""):
        """vx<vni> and br<vni>; remotes: VTEPs that get broadcast, multicast and unknown unicast."""
        local = self.address6 if ip6 else self.address
        self.ns.ip(f"link add vx{vni} mtu {self.mtu} type vxlan id {vni} local {local} dstport {port} {options}",
                   f"link add br{vni} mtu {self.mtu} address {self.lab.mac()} type bridge stp_state 0 "
                   "mcast_snooping 0 forward_delay 0")
        for dev in (f"vx{vni}", f"br{vni}"):
            self.ns.quiet(dev)
        self.ns.ip(f"link set vx{vni} master br{vni}", f"link set vx{vni} up", f"link set br{vni} up")
        for r in remotes:
            self.ns.run("bridge", "fdb", "append", "00:00:00:00:00:00", "dev", f"vx{vni}", "dst", r)

    def host(self, name, vni, ip=None, ip6=None, **kw):
        kw.setdefault("mtu", self.mtu)
        return Host(self.lab, name, self.ns, f"br{vni}", 0, ip, ip6, **kw)


@contextlib.contextmanager
def open_all(*managers):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(m) for m in managers]
