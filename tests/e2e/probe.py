# SPDX-License-Identifier: BSD-3-Clause
"""One gateway with a test on all of its cables: access ports trunk0 and trunk1, and the underlay.

The far ends are silent, so whatever comes out of the gateway was caused by the test, and counters can be compared
exactly. VTEPs exist only as permanent neighbour entries.
"""
import contextlib
from types import SimpleNamespace

from scapy.all import Ether

from gateway import INTERFACE, Gateway, gateway_conf
from lab import Lab
from netns import Failed, wait_for
from wire import Wire, marker, vxlan

BROADCAST = "ff:ff:ff:ff:ff:ff"
HOST_A, HOST_B, REMOTE = "02:aa:00:00:00:01", "02:aa:00:00:00:02", "02:bb:00:00:00:01"
MARKER_A, MARKER_REMOTE = "02:aa:00:00:00:fe", "02:bb:00:00:00:fe"
VTEP_MACS = {2: "02:ee:00:00:00:02", 3: "02:ee:00:00:00:03", 4: "02:ee:00:00:00:04"}
MARKER_TYPE = 0x88b5


class Probe:
    """Network web (VLAN 100, VNI 10100) must exist with VTEP number 2 learning: the markers run in it."""

    def __init__(self, lab, conf, ip6=False, kind=INTERFACE, mtu=1500, wan_mtu=1600):
        self.ip6, self.kind = ip6, kind
        self.far = lab.netns("far")
        self.ns = lab.netns("gw")
        for dev, m in (("lan0", mtu), ("lan1", mtu), ("wan0", wan_mtu)):
            lab.veth(self.ns, dev, self.far, dev, m)
            if kind == INTERFACE:
                lab.take_redirected(self.far, dev)
            self.far.quiet(dev)
            if dev != "wan0":
                self.ns.quiet(dev)
        self.site = SimpleNamespace(name="probe", lab=lab, ns=self.ns, address="198.18.0.1", address6="2001:2::1",
                                    wan_mtu=wan_mtu)
        self.address = self.vtep(1)
        self.underlay = "wan0"
        if kind == INTERFACE:
            self.ns.ip("addr add 198.18.0.1/24 dev wan0", "addr add 2001:2::1/64 dev wan0 nodad")
        else:
            self.underlay = "cw-wan"
            self.detach_kernel()
        self.conf = conf(self)
        self.gw = Gateway(self.site, self.conf)
        self.lan0, self.lan1, self.wan = (Wire(self.far, d) for d in ("lan0", "lan1", "wan0"))
        self.mac = None

    def detach_kernel(self):
        for dev in ("lan0", "lan1", "wan0"):
            self.ns.quiet(dev)
            self.ns.sysctl(f"net/ipv4/conf/{dev}/arp_ignore", 8)
            self.ns.run("tc", "qdisc", "add", "dev", dev, "clsact")
            self.ns.run("tc", "filter", "add", "dev", dev, "ingress", "bpf", "da", "bytecode", "1,6 0 0 2")

    def vtep(self, n):
        return f"2001:2::{n}" if self.ip6 else f"198.18.0.{n}"

    def gateway_conf(self, networks, **more):
        return gateway_conf(self.site, networks, ip6=self.ip6, trunks=2, underlay=self.kind, access=self.kind, **more)

    def start(self):
        self.gw.start()
        self.mac = self.ns.ip_json("link", "show", self.underlay)[0]["address"]
        for n, mac in VTEP_MACS.items():
            self.ns.ip(f"neigh replace {self.vtep(n)} lladdr {mac} nud permanent dev {self.underlay}")
        known = {v["address"] for v in self.gw.ctl("show", "vteps")["vteps"]}
        self.gw.wait_vtep(*[self.vtep(n) for n in VTEP_MACS if self.vtep(n) in known])
        # The interfaces work in both directions before the first test counts anything.
        wait_for(self.alive, 10, "frames pass through the gateway")
        return self

    def alive(self):
        with contextlib.suppress(Failed):
            self.from_lan0(timeout=0.5)
            self.from_wan(timeout=0.5)
            return True
        return False

    def close(self):
        self.gw.end()
        for w in (self.lan0, self.lan1, self.wan):
            w.close()

    # ---- frames

    def tagged(self, frame, vlan=100):
        """The frame with a VLAN tag, as bytes. vlan None: as it is."""
        f = bytes(frame)
        return f if vlan is None else f[:12] + b"\x81\x00" + vlan.to_bytes(2, "big") + f[12:]

    def outer(self, inner, vni=10100, vtep=2, **kw):
        """An inner frame in VXLAN from a VTEP, for this gateway. kw: see wire.vxlan()."""
        kw = {"chksum": None if self.ip6 else 0, "dst": self.address, "eth_dst": self.mac,
              "dport": self.conf["underlay"].get("vxlan_port", 4789),
              "eth_src": VTEP_MACS.get(vtep, "02:ee:00:00:00:99")} | kw
        return vxlan(inner, self.vtep(vtep), vni=vni, **kw)

    def from_lan0(self, *frames, timeout=5, drain=True):
        """Sends frames into trunk0; gives what came out of trunk1 and of the underlay. drain=False: what was there
        before as well."""
        if drain:
            self.drain()
        return self._through(self.lan0, frames, self.tagged(Ether(src=MARKER_A, dst=BROADCAST, type=MARKER_TYPE)),
                             (self.lan1, self.wan), timeout)

    def from_wan(self, *frames, timeout=5):
        """Sends frames into the underlay; gives what came out of trunk0 and trunk1."""
        self.drain()
        return self._through(self.wan, frames, None, (self.lan0, self.lan1), timeout)

    def drain(self):
        for w in (self.lan0, self.lan1, self.wan):
            w.drain()

    def _through(self, wire, frames, mark_frame, outs, timeout):
        mark = marker()
        wire.send(*frames)
        if mark_frame is None:
            mark_frame = self.outer(bytes(Ether(src=MARKER_REMOTE, dst=BROADCAST, type=MARKER_TYPE)) + mark)
        else:
            mark_frame += mark
        wire.send(mark_frame)
        return tuple([f for f in w.frames(lambda f: mark in f, timeout)
                      if b"causeway-marker" not in f and not is_announcement(f)
                      and (w is not self.wan or not from_kernel(f))] for w in outs)

    def encapsulated(self, *frames):
        """Sends frames into trunk0; what came out of the underlay, as scapy packets."""
        return [Ether(f) for f in self.from_lan0(*frames)[1]]

    def learn(self, vlan, mac, wire=None, network="web", where="trunk0"):
        """The gateway knows this MAC at one of its access ports."""
        (wire or self.lan0).send(self.tagged(Ether(src=mac, dst=BROADCAST, type=MARKER_TYPE) / marker(), vlan))
        self.gw.wait_mac(network, mac, where)

    def learn_remote(self, mac, vni=10100, vtep=2, network="web"):
        self.wan.send(self.outer(bytes(Ether(src=mac, dst=BROADCAST, type=MARKER_TYPE)) + marker(), vni, vtep))
        self.gw.wait_mac(network, mac, self.vtep(vtep))

    # ---- drops

    @contextlib.contextmanager
    def drops(self, **expected):
        """Exactly these drop counters grow, by exactly that much, by what is sent inside."""
        before = self.gw.drops()
        expected = {k: v for k, v in expected.items() if v}
        yield
        def grown():
            return {k: v - before[k] for k, v in self.gw.drops().items() if v != before[k]}
        try:
            wait_for(lambda: grown() == expected, 2)
        except Failed:
            raise Failed(f"drops: expected {expected}, seen {grown()}") from None

    def dropped_from_lan0(self, reason, *frames):
        """Each of the frames is dropped by this name and nothing comes out for it."""
        with self.drops(**{reason: len(frames)}):
            out = self.from_lan0(*frames)
        assert out == ([], []), f"{reason}: came out: {[Ether(f).summary() for w in out for f in w]}"

    def dropped_from_wan(self, reason, *frames):
        with self.drops(**{reason: len(frames)}):
            out = self.from_wan(*frames)
            # What should wrongly go back to the WAN has been sent before this marker gets there.
            back = self.from_lan0(drain=False)[1]
        assert out == ([], []) and not back, \
            f"{reason}: came out: {[Ether(f).summary() for w in (*out, back) for f in w]}"


def is_announcement(f):
    """R6.3: what the gateway itself says of a MAC that moved, once more a second later."""
    return (f[16:18] if f[12:14] == b"\x81\x00" else f[12:14]) == b"\x80\x35"


def from_kernel(frame):
    """The kernel's own traffic on the underlay: ARP, ND, MLD, ICMP errors, TCP resets."""
    kind = frame[12:14]
    return (kind == b"\x08\x06" or kind == b"\x86\xdd" and frame[20] in (0, 6, 58)
            or kind == b"\x08\x00" and frame[23] in (1, 6))


@contextlib.contextmanager
def running_probe(conf, **kw):
    """conf: a function that gets the Probe and gives its gateway's configuration."""
    with Lab() as lab:
        probe = Probe(lab, conf, **kw)
        try:
            yield probe.start()
        except BaseException:
            print(f"---- log of the gateway\n{probe.gw.log}")
            raise
        finally:
            probe.close()
