# SPDX-License-Identifier: BSD-3-Clause
"""What the BGP tests share: configurations with a bgp section, questions to a gateway about its sessions, virtual machines
that move between sites, and a peer whose every byte is the test's own."""
import ipaddress
import re
import signal
import socket
import struct

from gateway import Gateway, gateway_conf, network
from netns import Failed, wait_for

ASN = 65000
PORT = 179
VNI, VLAN = 10100, 100
OPEN, UPDATE, NOTIFICATION, KEEPALIVE, REFRESH = 1, 2, 3, 4, 5
MARKER = b"\xff" * 16


def peer(address, **more):
    return {"address": address, **more}


def bgp_conf(site, peers, networks=None, asn=ASN, ip6=False, underlay=None, access=None, **bgp):
    """A gateway whose networks have no static peers. bgp: keys of the section. Sessions are set up without long waits."""
    kinds = {k: v for k, v in (("underlay", underlay), ("access", access)) if v}
    conf = gateway_conf(site, networks or [network("web", VLAN, VNI)], ip6=ip6, **kinds)
    for n in conf["networks"]:
        n.pop("peers", None)
    conf["bgp"] = {"asn": asn, "router_id": site.address, "connect_retry": 1,
                   "duplicate": {"moves": "off"}, **bgp, "peers": [p if isinstance(p, dict) else peer(p) for p in peers]}
    return conf


class BgpGateway(Gateway):
    """A Gateway that is asked about BGP."""

    def peer(self, address):
        """The row of `show bgp peers`."""
        return next(p for p in self.ask("show bgp peers", peer=address)["peers"] if p["address"] == address)

    def state(self, address):
        return self.peer(address)["state"]

    def established(self, address):
        return self.state(address) == "Established"

    def wait_session(self, *addresses, timeout=15):
        for a in addresses:
            wait_for(lambda a=a: self.established(a), timeout, lambda a=a: f"{self.name}: session with {a}: "
                     f"{self.peer(a)}\n{self.log[-3000:]}")
        return self

    def wait_no_session(self, address, timeout=15):
        wait_for(lambda: not self.established(address), timeout, f"{self.name}: session with {address} ends")

    def wait_log(self, pattern, timeout=10, count=1):
        """Until the log has at least `count` matches; returns the last one."""
        return wait_for(lambda: m[-1] if len(m := list(re.finditer(pattern, self.log))) >= count else None, timeout,
                        lambda: f"{self.name}: {pattern!r} in the log:\n{self.log[-3000:]}")

    def routes(self, kind=None):
        """Rows of `show routes`."""
        return self.ask("show routes", **({"type": kind} if kind else {}))["routes"]

    def gone(self, network_name, mac, timeout=10):
        """Waits until a MAC is in no table."""
        wait_for(lambda: self.mac(network_name, mac) is None, timeout,
                 lambda: f"{self.name}: {mac} goes; it is {self.mac(network_name, mac)}")

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def break_sessions(self, to):
        """The TCP connection with an address ends by a reset, which nobody asked for."""
        wait_for(lambda: "ESTAB" in self.ns.run("ss", "-K", "-tn", "dst", to).stdout, 5, f"a connection to {to} to break")


class Vm:
    """A machine that is one thing and has a cable at each of several places: where it is, it talks; elsewhere it is deaf
    and dumb, but its port is up and nothing is forgotten there, as after a migration that nobody announced."""

    def __init__(self, places, start):
        self.places = places
        for p in places.values():
            for way in ("egress", "ingress"):
                p.ns.run("tc", "filter", "add", "dev", "eth0", way, "pref", 1, "bpf", "da", "bytecode", "1,6 0 0 2")
        self.at = None
        self.move(start, announce=False)

    @property
    def host(self):
        return self.places[self.at]

    def move(self, to, announce=True):
        """announce: it says who it is, as hypervisors do for a machine that arrives."""
        if self.at:
            self._mute(self.host, True)
        self.at = to
        self._mute(self.host, False)
        self.host.forget_neighbours()
        if announce:
            self.announce()

    def announce(self):
        """A gratuitous ARP request."""
        mac, ip = bytes.fromhex(self.host.mac.replace(":", "")), socket.inet_aton(self.host.ip)
        with self.host.ns.raw_socket("eth0", mib=1) as s:
            s.send(b"\xff" * 6 + mac + bytes.fromhex("08060001080006040001") + mac + ip + bytes(6) + ip + bytes(18))

    @staticmethod
    def _mute(host, mute):
        verdict = 2 if mute else 4294967295  # drop, or the next filter
        for way in ("egress", "ingress"):
            host.ns.run("tc", "filter", "replace", "dev", "eth0", way, "pref", 1, "handle", 1, "bpf", "da", "bytecode",
                        f"1,6 0 0 {verdict}")


class RawPeer:
    """A BGP speaker made of bytes: opens its session as asked and then does only what it is told. It sends no KEEPALIVE by
    itself, so by default it asks for a session without a hold time."""

    def __init__(self, ns, source, to, asn=ASN, router_id=None, hold=0, port=PORT, timeout=5, accepted=None):
        """accepted: a connection that is there already, from a RawListener."""
        self.asn, self.hold, self.buffer = asn, hold, b""
        self.router_id = socket.inet_aton(router_id or (source if "." in source else "198.18.99.99"))
        self.socket = accepted
        if not accepted:
            with ns.entered():
                self.socket = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET)
            self.socket.bind((source, 0))
        self.socket.settimeout(timeout)
        if not accepted:
            self.socket.connect((to, port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    # ---- out

    @staticmethod
    def message(kind, body=b""):
        return MARKER + struct.pack("!HB", 19 + len(body), kind) + body

    def open_message(self):
        caps = b"\x01\x04\x00\x19\x00\x46" + b"\x02\x00" + b"\x41\x04" + struct.pack("!I", self.asn)
        params = bytes([2, len(caps)]) + caps
        return self.message(OPEN, struct.pack("!BHH4sB", 4, self.asn if self.asn < 65536 else 23456, self.hold,
                                              self.router_id, len(params)) + params)

    def send(self, data):
        self.socket.sendall(data)

    def establish(self):
        self.send(self.open_message())
        self.expect(OPEN)
        self.send(self.message(KEEPALIVE))
        self.expect(KEEPALIVE)
        return self

    # ---- in

    def receive(self):
        """One message as (kind, body); None at the end of the connection."""
        while len(self.buffer) < 19 or len(self.buffer) < struct.unpack_from("!H", self.buffer, 16)[0]:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.buffer += data
        size, kind = struct.unpack_from("!HB", self.buffer, 16)
        body, self.buffer = self.buffer[19:size], self.buffer[size:]
        return kind, body

    def expect(self, kind):
        """The body of the next message of this kind; those of other kinds before it are passed over."""
        seen = []
        while (m := self.receive()) is not None:
            if m[0] == kind:
                return m[1]
            seen.append((m[0], m[1][:2]))
        raise Failed(f"the connection ended before a message of type {kind}; came {seen}")

    def notification(self):
        """(code, subcode) with which the other end leaves."""
        return tuple(self.expect(NOTIFICATION)[:2])

    def closed(self):
        """True when the other end has closed, whatever it said before."""
        while self.receive() is not None:
            pass
        return True

    # ---- EVPN

    def type2(self, mac, vtep, vni=VNI, rd=None, sequence=None, rt=None, reach=True, label=None, esi=bytes(10),
              sticky=False):
        """An UPDATE that announces (reach) or withdraws one MAC."""
        rd = rd or b"\x00\x01" + self.router_id + b"\x00\x64"
        nlri = (rd + esi + bytes(4) + b"\x30" + bytes.fromhex(mac.replace(":", "")) + b"\x00" +
                (label if label is not None else vni).to_bytes(3, "big"))
        return self.evpn(2, nlri, vtep, rt or struct.pack("!BBHI", 0, 2, self.asn & 65535, vni), sequence, reach,
                         sticky=sticky)

    def type3(self, vtep, vni=VNI, rd=None, reach=True, label=None):
        address = ipaddress.ip_address(vtep).packed
        rd = rd or b"\x00\x01" + self.router_id + b"\x00\x64"
        nlri = rd + bytes(4) + bytes([8 * len(address)]) + address
        pmsi = attribute(0xc0, 22, b"\x00\x06" + (label if label is not None else vni).to_bytes(3, "big") + address)
        return self.evpn(3, nlri, vtep, struct.pack("!BBHI", 0, 2, self.asn & 65535, vni), None, reach, pmsi)

    def evpn(self, kind, nlri, vtep, rt, sequence=None, reach=True, more=b"", local_pref=True, sticky=False):
        nlri = bytes([kind, len(nlri)]) + nlri
        if not reach:
            return self.update(attribute(0x80, 15, b"\x00\x19\x46" + nlri))
        hop = ipaddress.ip_address(vtep).packed
        communities = rt + bytes.fromhex("030c000000000008")
        if sequence is not None or sticky:
            communities += struct.pack("!BBBBI", 6, 0, int(sticky), 0, sequence or 0)
        attributes = attribute(0x40, 1, b"\x00") + attribute(0x40, 2, b"")
        if local_pref:
            attributes += attribute(0x40, 5, struct.pack("!I", 100))
        attributes += attribute(0xc0, 16, communities) + more
        return self.update(attribute(0x80, 14, b"\x00\x19\x46" + bytes([len(hop)]) + hop + b"\x00" + nlri) + attributes)

    def update(self, attributes):
        return self.message(UPDATE, b"\x00\x00" + struct.pack("!H", len(attributes)) + attributes)


class RawListener:
    """Where a gateway can dial a RawPeer: each connection is one more."""

    def __init__(self, ns, address, port=PORT):
        self.address = address
        with ns.entered():
            self.socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.settimeout(10)
        self.socket.bind((address, port))
        self.socket.listen()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def accept(self, **kw):
        return RawPeer(None, self.address, None, accepted=self.socket.accept()[0], **kw)


def attribute(flags, kind, value):
    if len(value) > 255:
        return struct.pack("!BBH", flags | 0x10, kind, len(value)) + value
    return struct.pack("!BBB", flags, kind, len(value)) + value
