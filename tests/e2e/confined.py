#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""confined.py UNIT [--write DIR]... -- COMMAND...: runs a command within the limits of a systemd unit, for want of a systemd that
runs: capabilities, system calls, address families, no new privileges, everything but the named directories read-only."""
import contextlib
import ctypes
import errno
import os
import re
import resource
import socket
import subprocess
import sys

PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 23, 24, 38
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 1 << 18
SYS_mount_setattr, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1
SCMP_ACT_ALLOW, SCMP_CMP_EQ = 0x7fff0000, 4
AF_XDP = 44

libc = ctypes.CDLL(None, use_errno=True)


def must(rc, what):
    if rc < 0:
        raise OSError(ctypes.get_errno() or -rc, what)


class Unit:
    """The settings of a unit's [Service] section; what is given several times is joined, as systemd does it."""

    def __init__(self, path):
        self.items = []
        section = ""
        for line in open(path, encoding="utf-8"):
            line = line.strip()
            if line.startswith("["):
                section = line
            elif section == "[Service]" and "=" in line and not line.startswith("#"):
                self.items.append(tuple(x.strip() for x in line.split("=", 1)))

    def all(self, name):
        return [v for k, v in self.items if k == name]

    def words(self, name):
        return [w for v in self.all(name) for w in v.split()]

    def system_calls(self):
        """The names that SystemCallFilter= leaves."""
        allowed = set()
        for value in self.all("SystemCallFilter"):
            names = {n for w in value.lstrip("~").split() for n in expand(w)}
            allowed = allowed - names if value.startswith("~") else allowed | names
        return allowed


def expand(word):
    if not word.startswith("@"):
        return {word}
    out = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True).stdout
    lines = [x.strip() for x in out.splitlines()[1:]]
    return {n for x in lines if x and not x.startswith("#") for n in expand(x)}


def capability_numbers(names):
    with open("/usr/include/linux/capability.h", encoding="utf-8") as f:
        numbers = dict(re.findall(r"^#define\s+(CAP_\w+)\s+(\d+)$", f.read(), re.M))
    return {int(numbers[n]) for n in names}


def drop_capabilities(unit):
    keep = capability_numbers(unit.words("CapabilityBoundingSet"))
    for cap in range(64):
        if libc.prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0:
            break
        if cap not in keep:
            must(libc.prctl(PR_CAPBSET_DROP, cap, 0, 0, 0), "PR_CAPBSET_DROP")


class MountAttr(ctypes.Structure):
    _fields_ = [("set", ctypes.c_uint64), ("clr", ctypes.c_uint64), ("propagation", ctypes.c_uint64),
                ("userns_fd", ctypes.c_uint64)]


def set_read_only(path, on, recursive):
    attr = MountAttr(MOUNT_ATTR_RDONLY if on else 0, 0 if on else MOUNT_ATTR_RDONLY, 0, 0)
    must(libc.syscall(SYS_mount_setattr, AT_FDCWD, path.encode(), AT_RECURSIVE if recursive else 0, ctypes.byref(attr),
                      ctypes.sizeof(attr)), f"mount_setattr {path}")


def protect_files(writable):
    """ProtectSystem=strict: all but /dev, /proc and /sys, which other settings protect."""
    must(libc.unshare(CLONE_NEWNS), "unshare")
    must(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "private")
    for path in writable:
        must(libc.mount(path.encode(), path.encode(), None, MS_BIND, None), f"bind {path}")
    set_read_only("/", True, True)
    for path in writable:
        set_read_only(path, False, False)
    for path in ("/dev", "/proc"):
        set_read_only(path, False, True)


def filter_system_calls(unit):
    lib = ctypes.CDLL("libseccomp.so.2")
    lib.seccomp_init.restype = ctypes.c_void_p
    ctx = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(0x00050000 | errno.EPERM)))

    class Compare(ctypes.Structure):
        _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]

    for name in sorted(unit.system_calls() | {"execve"}):
        number = lib.seccomp_syscall_resolve_name(name.encode())
        if number < 0:  # not of this architecture
            continue
        if name != "socket":
            must(lib.seccomp_rule_add_array(ctx, ctypes.c_uint32(SCMP_ACT_ALLOW), number, 0, None), name)
            continue
        for family in unit.words("RestrictAddressFamilies"):
            compare = Compare(0, SCMP_CMP_EQ, getattr(socket, family, AF_XDP if family == "AF_XDP" else None), 0)
            must(lib.seccomp_rule_add_array(ctx, ctypes.c_uint32(SCMP_ACT_ALLOW), number, 1, ctypes.byref(compare)), family)
    must(lib.seccomp_load(ctx), "seccomp_load")


def main():
    args, command = sys.argv[1:sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1:]
    unit = Unit(args[0])
    assert unit.all("ProtectSystem") == ["strict"] and unit.all("NoNewPrivileges") == ["yes"]
    protect_files([args[i + 1] for i in range(1, len(args), 2)])
    with contextlib.suppress(ValueError):  # who has no CAP_SYS_RESOURCE keeps its limit
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    os.umask(int(unit.all("UMask")[0], 8))
    os.nice(int(unit.all("Nice")[0]))
    drop_capabilities(unit)
    must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    filter_system_calls(unit)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
