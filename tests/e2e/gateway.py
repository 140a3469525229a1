# SPDX-License-Identifier: BSD-3-Clause
"""One causewayd under test, in its namespace: configuration, life, and what it says about itself."""
import copy
import json
import os
import signal
import socket
import subprocess

import yaml

from lab import BPFFS, BUILD
from netns import Failed, run, wait_for

CAUSEWAYD = f"{BUILD}/causewayd"
CAUSEWAYCTL = f"{BUILD}/causewayctl"

# on, off: all tests with it, or without; auto: where it can be had.
FASTPATH = os.environ.get("CAUSEWAY_FASTPATH", "auto")

# How a port is owned: on the interface that the test bed made, or by a DPDK driver on top of it.
INTERFACE = "interface"
AF_PACKET = "af_packet"
VARIANTS = (INTERFACE, AF_PACKET)
NO_LIMITS = {"broadcast": "unlimited", "multicast": "unlimited", "unknown_unicast": "unlimited"}


def port(kind, dev, n=0, args=""):
    if kind == INTERFACE:
        return {"interface": dev}
    return {"dpdk": f"net_af_packet{n},iface={dev}{args}"}


def network(name, vlan, vni, *peers, learning=True, **more):
    """A network with static peers."""
    return {"name": name, "vlan": vlan, "vni": vni,
            "peers": [{"address": p, "learning": learning} for p in peers], **more}


def gateway_conf(site, networks, ip6=False, trunks=1, underlay=INTERFACE, access=INTERFACE, **more):
    """The configuration of a site's gateway as a dictionary. more: keys of the underlay section."""
    address = site.address6 if ip6 else site.address
    if underlay != INTERFACE:
        address += "/64" if ip6 else "/24"
        more.setdefault("mtu", site.wan_mtu)
    fast = FASTPATH if FASTPATH != "on" or INTERFACE == underlay == access else "auto"
    return {
        "site": site.name,
        "gateway": f"{site.name}-1",
        "underlay": {"address": address, "port": port(underlay, "wan0", 9), **more},
        "access": [{"name": f"trunk{i}", **port(access, f"lan{i}", i)} for i in range(trunks)],
        "networks": networks,
        "dataplane": {"hugepages": "off", "max_macs": 4096, "poll": "adaptive"},
        "fastpath": {"mode": fast, "dir": site.lab.file(BPFFS)},
    }


class Gateway:
    """Context manager: a causewayd that runs conf in ns (default: the site's namespace)."""

    def __init__(self, site, conf, name=None):
        self.site, self.lab, self.ns = site, site.lab, site.ns
        self.name = name or site.name
        self.conf = copy.deepcopy(conf)
        self.socket = self.lab.file(f"{self.name}.sock")
        self.file, self.log_file = self.lab.file(f"{self.name}.yaml"), self.lab.file(f"{self.name}.log")
        self.conf.setdefault("api", {"socket": self.socket})
        self.process = None
        self.prefix = ()  # a program that starts it (nice ...), whenever it is started
        self.write()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *rest):
        if not (self.lab.keep and kind is None):
            self.end()
        if kind and kind is not KeyboardInterrupt:
            print(f"---- log of {self.name}\n{self.log}")

    # ---- life

    def write(self):
        with open(self.file, "w", encoding="utf-8") as f:
            # By way of JSON, so that nothing is shared: YAML would write anchors and aliases.
            yaml.safe_dump(json.loads(json.dumps(self.conf)), f, sort_keys=False)

    def spawn(self, *prefix):
        """Starts it without waiting; prefix: a program that starts it this once (setpriv ...)."""
        with open(self.log_file, "a", encoding="utf-8") as log:
            self.process = self.ns.start(*self.prefix, *prefix, CAUSEWAYD, "-c", self.file, stdout=log, stderr=log)
        return self

    def start(self, timeout=20):
        self.spawn()
        try:
            wait_for(self._answers, timeout, f"{self.name} answers on its API")
        except BaseException as e:
            self.end()
            raise Failed(f"{e}\n---- log of {self.name}\n{self.log}") from e
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise Failed(f"causewayd ended with status {self.process.returncode}")
        return os.path.exists(self.socket) and self.ctl_run("-j", "show", "status").returncode == 0

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, timeout=10):
        """SIGTERM; it must end by itself, with status 0."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.name} did not end on SIGTERM\n{self.log}") from None
        if status:
            raise Failed(f"{self.name} ended with status {status}\n{self.log}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """However it is: ended."""
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()

    def restart(self):
        self.end()
        return self.start()

    @property
    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as f:
            return f.read()

    # ---- what it says

    def ctl_run(self, *args):
        return run(CAUSEWAYCTL, "-s", self.socket, *args, check=False)

    def ctl(self, *args):
        """The JSON of a causewayctl command."""
        done = self.ctl_run("-j", *args)
        if done.returncode:
            raise Failed(f"causewayctl {' '.join(args)}: {done.stderr}{done.stdout}")
        return json.loads(done.stdout)

    def ask(self, cmd, **args):
        """The same without causewayctl, which would cost a process each time: one request on the API's socket, and
        further ones while there are more pages."""
        with socket.socket(socket.AF_UNIX) as s, s.makefile("rw", encoding="utf-8") as f:
            s.settimeout(10)
            s.connect(self.socket)
            result = {}
            while True:
                f.write(json.dumps({"cmd": cmd, **args}) + "\n")
                f.flush()
                answer = json.loads(f.readline() or '{"ok": false, "error": "the connection was closed"}')
                if not answer["ok"]:
                    raise Failed(f"{cmd} {args}: {answer['error']}")
                for key, value in answer["result"].items():
                    result[key] = result[key] + value if key in result and isinstance(value, list) else value
                if "next" not in answer["result"]:
                    return result
                after = answer["result"]["next"]
                args["cursor" if isinstance(after, str) else "after"] = after

    def drops(self):
        """Drop counters by name, the zero ones too."""
        return {d["reason"]: d["count"] for d in self.ask("show drops", all=True)["drops"]}

    def counters(self):
        return self.ask("show counters")

    def macs(self, network_name=None):
        """{mac: entry} of one network, or {(network, mac): entry}."""
        rows = self.ask("show macs", **({"network": network_name} if network_name else {}))["macs"]
        return {r["mac"] if network_name else (r["network"], r["mac"]): r for r in rows}

    def mac(self, network_name, mac):
        """One entry or None."""
        rows = self.ask("show macs", network=network_name, mac=mac)["macs"]
        return rows[0] if rows else None

    def vtep(self, address):
        return self.ask("show vteps", vtep=address)["vteps"][0]

    def ports(self):
        return {p["name"]: p for p in self.ask("show ports")["ports"]}

    def wait_vtep(self, *addresses, timeout=10):
        """Until the way to these VTEPs is known."""
        for a in addresses:
            wait_for(lambda a=a: self.vtep(a)["resolved"], timeout, lambda a=a: f"{self.name}: {self.vtep(a)}")
        return self

    def wait_mac(self, network_name, mac, where, timeout=5):
        """Until a MAC is at a port (by name) or VTEP (by address)."""
        def there():
            e = self.mac(network_name, mac)
            return e if e and where in (e.get("port"), e.get("vtep")) else None
        return wait_for(there, timeout, lambda: f"{self.name}: {mac} at {where}; it has {self.macs(network_name)}")

    def balance(self):
        """(frames in + replicas + originated, frames out + drops + taken): equal when the worker is idle."""
        c = self.counters()
        t = {k: int(v) for k, v in c["totals"].items()}
        frames = lambda way: sum(int(p[way]["frames"]) for p in c["ports"])  # noqa: E731
        return (frames("rx") + t["replicas"] + t["originated"],
                frames("tx") + t["taken"] + sum(int(v) for v in c["drops"].values()))
