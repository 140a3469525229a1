# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces and the processes in them.

Everything that a test makes on this machine is made here and registered with its Lab, so that it can be removed
whatever happens. Entering a namespace concerns the calling thread only.
"""
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time

NETNS_DIR = "/run/netns"
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SO_RCVBUFFORCE = 33
SOL_PACKET = 263
PACKET_IGNORE_OUTGOING = 23
ETH_P_ALL = 3

_libc = ctypes.CDLL(None, use_errno=True)


class Failed(AssertionError):
    """Something expected was not seen; the message says what was."""


def wait_for(condition, timeout=10.0, what="", interval=0.02):
    """Polls until condition() is true and returns its value; Failed with `what` (text or function) otherwise."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"not seen within {timeout} s: {what() if callable(what) else what or condition}")
        time.sleep(interval)


def run(*cmd, check=True, timeout=30, **kw):
    """Runs a program; Failed with its output when it fails (unless check=False)."""
    kw.setdefault("stdout", subprocess.PIPE)
    kw.setdefault("stderr", subprocess.PIPE)
    done = subprocess.run([str(c) for c in cmd], text=True, timeout=timeout, check=False, **kw)
    if check and done.returncode:
        raise Failed(f"{' '.join(map(str, cmd))}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def processes_in(name):
    """Process ids in a namespace (its full name)."""
    done = run("ip", "netns", "pids", name, check=False)
    return [int(p) for p in done.stdout.split()] if done.returncode == 0 else []


def delete_netns(name):
    """Ends the processes in a namespace and removes it: everything in it goes too."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + 3
        pids = processes_in(name)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)
        while pids and time.monotonic() < end:
            time.sleep(0.02)
            pids = processes_in(name)
    run("ip", "netns", "del", name, check=False)


class Netns:
    """One namespace. `name` is the short name, `full` the one that `ip netns` shows."""

    def __init__(self, lab, name):
        self.lab, self.name, self.full = lab, name, lab.full_name(name)
        self.path = f"{NETNS_DIR}/{self.full}"
        lab.namespaces.append(self)
        run("ip", "netns", "add", self.full)
        self.ip("link set lo up")
        self.sysctl("net/ipv6/conf/default/accept_dad", 0)
        self.sysctl("net/ipv6/conf/default/router_solicitations", 0)
        self.sysctl("net/ipv4/ping_group_range", "0 2147483647")

    def delete(self):
        delete_netns(self.full)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in this namespace."""
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(there)
            yield
        finally:
            _setns(back)
            os.close(there)
            os.close(back)

    def sysctl(self, path, value=None):
        with self.entered(), open(f"/proc/sys/{path}", "w" if value is not None else "r", encoding="ascii") as f:
            return f.write(f"{value}\n") if value is not None else f.read().strip()

    def quiet(self, dev):
        """No IPv6 on this interface, so that it sends nothing by itself."""
        self.sysctl(f"net/ipv6/conf/{dev}/disable_ipv6", 1)

    def ip(self, *lines):
        """`ip` commands, one per line, in one go."""
        run("ip", "-n", self.full, "-batch", "-", input="\n".join(lines) + "\n")

    def ip_json(self, *args):
        import json
        return json.loads(run("ip", "-n", self.full, "-j", "-d", *args).stdout or "[]")

    def run(self, *cmd, **kw):
        """A short command; sees this namespace's network, but not its own /sys (see start())."""
        with self.entered():
            return run(*cmd, **kw)

    def start(self, *cmd, **kw):
        """A process that lives on, as `ip netns exec` starts it. It ends with this program, at the latest."""

        def prepare():
            # It would inherit that this is ignored, as it is in what a shell runs in the background.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            if not self.lab.keep:
                _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        kw.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen(["ip", "netns", "exec", self.full, *map(str, cmd)], preexec_fn=prepare,
                                   start_new_session=True, **kw)
        self.lab.processes.append(process)
        return process

    def offloads_off(self, dev):
        """Frames as they are on a wire: checksums done, tags in the frame, nothing merged."""
        run("ip", "netns", "exec", self.full, "ethtool", "-K", dev, "tx", "off", "tso", "off", "gso", "off", "gro",
            "off", "tx-vlan-offload", "off", "rx-vlan-offload", "off")

    def raw_socket(self, dev, mib=16):
        """A socket that sends and receives whole frames on an interface, without those it sent itself."""
        with self.entered():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, mib << 20)
            s.setsockopt(SOL_PACKET, 8, 1)  # PACKET_AUXDATA
            s.bind((dev, ETH_P_ALL))
        return s


def end_process(process, timeout=5.0):
    """SIGTERM, then SIGKILL. Returns the exit status."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout)
    for f in (process.stdout, process.stderr, process.stdin):
        if f:
            f.close()
    return process.returncode
