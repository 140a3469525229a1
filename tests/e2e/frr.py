# SPDX-License-Identifier: BSD-3-Clause
"""FRR (zebra and bgpd) in a namespace: with kernel VXLAN as a gateway, or as a route reflector.

Each pair has a directory of its own in the lab's for its configuration, sockets, pid files and logs, so any number of
them run beside each other and beside an FRR of the machine itself.
"""
import json
import os
import shutil
import time

from lab import LinuxVtep
from netns import Failed, Netns, end_process, run, wait_for

DAEMONS = "/usr/lib/frr"
FAST = "timers 3 9"


class Frr:
    """zebra and bgpd in ns. neighbors: what follows `neighbor `, as in "198.18.0.1 remote-as 65000"; the first word of
    each is activated for EVPN. evpn, lines: further lines of the address family and of `router bgp`."""

    def __init__(self, ns: Netns, asn, router_id, neighbors=(), evpn=(), lines=()):
        self.ns, self.asn, self.router_id = ns, asn, router_id
        self.neighbors, self.evpn, self.lines = list(neighbors), list(evpn), list(lines)
        self.dir = ns.lab.file(f"frr-{ns.name}")
        os.makedirs(self.dir, exist_ok=True)
        # The daemons are built to run as their package's user, and give root up at once.
        shutil.chown(self.dir, "frr", "frr")
        os.chmod(ns.lab.dir, 0o711)
        self.processes = {}
        self.prefix = ()  # a program that starts them (nice ...)

    # ---- life

    def config(self):
        """bgpd's configuration."""
        addresses = list(dict.fromkeys(n.split()[0] for n in self.neighbors))
        lines = ["log file " + os.path.join(self.dir, "bgpd.log") + " debugging", "debug bgp neighbor-events",
                 f"router bgp {self.asn}", f" bgp router-id {self.router_id}",
                 " no bgp default ipv4-unicast", " no bgp ebgp-requires-policy", " bgp bestpath as-path multipath-relax",
                 *[f" {line}" for line in self.lines]]
        lines += [f" neighbor {n}" for n in self.neighbors if "route-reflector-client" not in n and
                  "maximum-prefix" not in n]
        for a in addresses:
            lines += [f" neighbor {a} {FAST}", f" neighbor {a} timers connect 1", f" neighbor {a} advertisement-interval 0"]
        lines += [" address-family l2vpn evpn"]
        lines += [f"  neighbor {a} activate" for a in addresses]
        lines += [f"  neighbor {n}" for n in self.neighbors if "route-reflector-client" in n or "maximum-prefix" in n]
        lines += [f"  {e}" for e in self.evpn]
        return "\n".join([*lines, " exit-address-family", ""])

    def start(self, *daemons):
        """Both, or those named, with the configuration as it was given (not what vtysh changed since)."""
        for name in daemons or ("zebra", "bgpd"):
            self._start(name)
        return self

    def _start(self, name):
        text = self.config() if name == "bgpd" else f"log file {self.dir}/zebra.log\n"
        path = os.path.join(self.dir, f"{name}.conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        vty = os.path.join(self.dir, f"{name}.vty")
        if os.path.exists(vty):
            os.unlink(vty)
        with open(os.path.join(self.dir, f"{name}.out"), "ab") as out:
            self.processes[name] = self.ns.start(
                *self.prefix, f"{DAEMONS}/{name}", "-f", path, "-i", os.path.join(self.dir, f"{name}.pid"),
                "-z", os.path.join(self.dir, "zserv.api"), "--vty_socket", self.dir, "-P", 0, "-A", "127.0.0.1",
                # As Debian's /etc/frr/daemons: with its built-in netlink buffer zebra exits when 100,000 MACs come at once.
                *(("-s", 90000000) if name == "zebra" else ()), stdout=out, stderr=out)
        wait_for(lambda: self._answers(name), 10, lambda: f"{name} in {self.ns.name} answers: {self.log(name)}")

    def _answers(self, name):
        if self.processes[name].poll() is not None:
            raise Failed(f"{name} in {self.ns.name} ended: {self.log(name)}")
        return self._vtysh("-d", name, "-c", "show version").returncode == 0

    def kill(self, *daemons):
        """SIGKILL: the kernel closes their sockets, they say nothing, neither to each other nor to the kernel."""
        killed = [self.processes.pop(name) for name in daemons or ("bgpd", "zebra")]
        for p in killed:
            p.kill()
        for p in killed:
            p.wait()

    def stop(self, *daemons):
        for name in daemons or ("bgpd", "zebra"):
            end_process(self.processes.pop(name))

    def log(self, name):
        text = ""
        for suffix in ("out", "log"):
            path = os.path.join(self.dir, f"{name}.{suffix}")
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as f:
                    text += f.read()
        return text

    # ---- talking to it

    def _vtysh(self, *args):
        return run("vtysh", "--vty_socket", self.dir, *args, check=False, timeout=60)

    def vtysh(self, *commands):
        args = [a for c in commands for a in ("-c", c)]
        done = self._vtysh(*args)
        # The exit status of vtysh does not always tell; what it does not know starts with %.
        if done.returncode or done.stdout.startswith("% "):
            raise Failed(f"{self.ns.name}: vtysh {commands}: {done.stdout}{done.stderr}")
        return done.stdout

    def bgp(self, *lines):
        """Lines of `router bgp`, done at once."""
        return self.vtysh("configure terminal", f"router bgp {self.asn}", *lines)

    def json(self, command):
        return json.loads(self.vtysh(f"{command} json") or "{}")

    def neighbor(self, address):
        return self.json(f"show bgp neighbors {address}")[address]

    def established(self, address):
        return self.neighbor(address)["bgpState"] == "Established"

    def wait_established(self, *addresses, timeout=15):
        for a in addresses:
            wait_for(lambda a=a: self.established(a), timeout, lambda a=a: f"{self.ns.name}: session to {a}: "
                     f"{json.dumps(self.neighbor(a), indent=1)[:3000]}\n{self.log('bgpd')[-3000:]}", interval=0.1)
        return self

    def wait_down(self, address, timeout=15):
        wait_for(lambda: not self.established(address), timeout, f"{self.ns.name}: session to {address} ends",
                 interval=0.05)

    def routes(self, kind=None):
        """{prefix: first path} of what bgpd holds. kind: 2, 3, ...; the prefix is FRR's [2]:[0]:[48]:[mac]."""
        out = {}
        for rd, table in self.json("show bgp l2vpn evpn").items():
            if not isinstance(table, dict) or not table.get("rd", rd):
                continue
            for prefix, entry in table.items():
                if not prefix.startswith("[") or (kind and not prefix.startswith(f"[{kind}]")):
                    continue
                paths = entry["paths"][0]
                out[f"{rd} {prefix}"] = paths[0] if isinstance(paths, list) else paths
        return out


class FrrVtep(LinuxVtep):
    """A gateway of FRR and kernel VXLAN: hosts as at LinuxVtep."""

    def __init__(self, lab, name, wan, number, asn=65000, neighbors=(), evpn=(), lines=(), **kw):
        super().__init__(lab, name, wan, number, **kw)
        self.frr = Frr(self.ns, asn, self.address, neighbors, ["advertise-all-vni", *evpn], lines)

    def network(self, vni, remotes=(), ip6=False, port=4789, options="nolearning"):
        super().network(vni, remotes, ip6, port, options)
        self.ns.run("bridge", "link", "set", "dev", f"vx{vni}", "learning", "off")

    def start(self):
        self.frr.start()
        return self

    def fdb(self, vni):
        """{mac: VTEP or port} of what the kernel has learned or was told; flood entries are left out."""
        out = {}
        for e in json.loads(self.ns.run("bridge", "-j", "fdb", "show", "br", f"br{vni}").stdout):
            if e["mac"].startswith(("00:00:00:00:00:00", "33:33", "01:")) or e.get("state") == "permanent" and "dst" not in e:
                continue
            if "dst" in e:
                out[e["mac"]] = e["dst"]
            elif e["ifname"] != f"vx{vni}":
                out[e["mac"]] = e["ifname"]
        return out

    def flood_list(self, vni):
        rows = json.loads(self.ns.run("bridge", "-j", "fdb", "show", "dev", f"vx{vni}").stdout)
        return sorted(e["dst"] for e in rows if e["mac"] == "00:00:00:00:00:00" and "dst" in e)

    def mac(self, vni, mac):
        """What zebra holds of one MAC, or None."""
        done = self.frr._vtysh("-c", f"show evpn mac vni {vni} mac {mac} json")
        try:
            return json.loads(done.stdout).get(mac)
        except ValueError:
            return None

    def wait_mac(self, vni, mac, where, timeout=10):
        """Until the kernel has a MAC at a VTEP (address) or port (name)."""
        wait_for(lambda: self.fdb(vni).get(mac) == where, timeout,
                 lambda: f"{self.ns.name}: {mac} at {where}; it has {self.fdb(vni)}; zebra: {self.mac(vni, mac)}")

    def add_macs(self, vni, port, macs):
        """Many MACs on a port of the bridge, at once."""
        self._batch(f"fdb add {m} dev {port} master dynamic" for m in macs)

    def delete_macs(self, port, macs):
        self._batch(f"fdb del {m} dev {port} master" for m in macs)

    def _batch(self, lines):
        path = self.ns.lab.file(f"batch-{self.ns.name}-{time.monotonic_ns()}")
        with open(path, "w", encoding="ascii") as f:
            f.writelines(f"{line}\n" for line in lines)
        self.ns.run("bridge", "-force", "-batch", path, check=False, timeout=120)
        os.unlink(path)


class FrrReflector:
    """A route reflector, and no VTEP. clients: addresses."""

    def __init__(self, lab, name, wan, number, clients, asn=65000, password=None):
        self.address, self.address6 = f"198.18.0.{number}", f"2001:2::{number}"
        self.ns = lab.netns(name)
        wan.attach(self.ns, "wan0", name)
        self.ns.ip(f"addr add {self.address}/24 dev wan0", f"addr add {self.address6}/64 dev wan0 nodad")
        lines = [line for c in clients for line in (f"{c} remote-as {asn}", f"{c} route-reflector-client")]
        lines += [f"{c} password {password}" for c in clients if password]
        self.frr = Frr(self.ns, asn, self.address, lines)

    def start(self):
        self.frr.start()
        return self
