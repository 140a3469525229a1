# SPDX-License-Identifier: BSD-3-Clause
"""GoBGP in a namespace: a BGP speaker without a data plane, whose routes are put in and read with its command line."""
import json
import re

from netns import Failed, end_process, wait_for


class GobgpPeer:
    """neighbors: addresses. It announces only what it is told to."""

    def __init__(self, lab, name, wan, number, neighbors, asn=65000, peer_asn=None, password=None):
        self.lab, self.name, self.asn = lab, name, asn
        self.address = f"198.18.0.{number}"
        self.ns = lab.netns(name)
        wan.attach(self.ns, "wan0", name)
        self.ns.ip(f"addr add {self.address}/24 dev wan0")
        self.neighbors, self.peer_asn, self.password = neighbors, peer_asn or asn, password
        self.process = None
        self.log_file = lab.file(f"gobgp-{name}.log")

    def config(self):
        c = {"global": {"config": {"as": self.asn, "router-id": self.address, "port": 179}}, "neighbors": []}
        for a in self.neighbors:
            n = {"config": {"neighbor-address": a, "peer-as": self.peer_asn},
                 "timers": {"config": {"connect-retry": 1, "hold-time": 9, "keepalive-interval": 3,
                                       "idle-hold-time-after-reset": 1}},
                 "transport": {"config": {"local-address": self.address}},
                 "afi-safis": [{"config": {"afi-safi-name": "l2vpn-evpn"}}]}
            if self.password:
                n["config"]["auth-password"] = self.password
            c["neighbors"].append(n)
        return c

    def start(self):
        path = self.lab.file(f"gobgp-{self.name}.json")
        with open(path, "w", encoding="ascii") as f:
            json.dump(self.config(), f)
        with open(self.log_file, "a", encoding="utf-8") as log:
            self.process = self.ns.start("gobgpd", "-t", "json", "-f", path, stdout=log, stderr=log)
        wait_for(lambda: self._run("global").returncode == 0, 10, lambda: f"gobgpd answers: {self.log}")
        return self

    def stop(self):
        end_process(self.process)

    def kill(self):
        self.process.kill()
        self.process.wait()

    @property
    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as f:
            return f.read()

    def _run(self, *args):
        return self.ns.run("gobgp", *args, check=False)

    def ctl(self, *args):
        done = self._run(*args)
        if done.returncode or done.stdout.startswith("error"):
            raise Failed(f"gobgp {args}: {done.stdout}{done.stderr}")
        return done.stdout

    def established(self, address):
        rows = json.loads(self.ctl("-j", "neighbor"))
        return any(n["state"].get("neighbor_address", n["conf"]["neighbor_address"]) == address and
                   n["state"].get("session_state") == 6 for n in rows)

    def wait_established(self, *addresses, timeout=15):
        for a in addresses:
            wait_for(lambda a=a: self.established(a), timeout, lambda a=a: f"gobgp: session with {a}\n{self.log}", 0.1)
        return self

    def _rd(self, rd):
        return rd or f"{self.address}:100"

    def type2(self, mac, vni, ip=None, rd=None, nexthop=None, withdraw=False):
        args = ["macadv", mac, ip or "0.0.0.0", "etag", 0, "label", vni, "rd", self._rd(rd)]
        args += [] if withdraw else ["rt", f"{self.asn}:{vni}", "encap", "vxlan", "nexthop", nexthop or self.address]
        self.ctl("global", "rib", "del" if withdraw else "add", "-a", "evpn", *args)

    def type3(self, vni, rd=None, withdraw=False):
        args = ["multicast", self.address, "etag", 0, "rd", self._rd(rd)]
        args += [] if withdraw else ["rt", f"{self.asn}:{vni}", "encap", "vxlan", "pmsi", "ingress-repl", vni, self.address]
        self.ctl("global", "rib", "del" if withdraw else "add", "-a", "evpn", *args)

    def many_type2(self, macs, vni, withdraw=False):
        """One process of gobgp each, in one shell."""
        what = f"label {vni} rd {self._rd(None)}"
        what += "" if withdraw else f" rt {self.asn}:{vni} encap vxlan nexthop {self.address}"
        lines = "\n".join(f"gobgp global rib {'del' if withdraw else 'add'} -a evpn macadv {m} 0.0.0.0 etag 0 {what}"
                          for m in macs)
        done = self.ns.run("sh", "-e", input=lines, timeout=120)
        if "error" in done.stdout:
            raise Failed(f"gobgp: {done.stdout[:300]}")

    def rib(self):
        """{NLRI in its own words: first path}."""
        text = self.ctl("-j", "global", "rib", "-a", "evpn")
        return {k: v[0] for k, v in json.loads(text or "{}").items()}

    def macs(self):
        """{mac: VTEP} of all type 2 routes in its RIB, its own too."""
        out = {}
        for nlri, path in self.rib().items():
            m = re.match(r"\[type:macadv\].*\[mac:([0-9a-f:]+)\]", nlri)
            if m:
                out[m[1]] = next(a["nexthop"] for a in path["attrs"] if a["type"] == 14)
        return out
