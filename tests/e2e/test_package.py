# SPDX-License-Identifier: BSD-3-Clause
"""The Debian package in a fresh root of Debian 12: built, installed, started, upgraded, removed, purged.

And under a systemd of its own, booted in a container (systemd-nspawn): what the unit's sandbox leaves of the daemon.

The root (debootstrap) is kept below the build directory, and what a test does to it goes to an overlay. Where packages come from,
and by which proxy, is what this machine's own apt uses, looked up when the test runs.
"""
import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile

import pytest
import yaml

from gateway import Gateway, gateway_conf, network
from lab import BUILD, ROOT, Lab
from netns import NETNS_DIR, Failed, end_process, run, wait_for

CACHE = f"{BUILD}/deb"
BASE = f"{CACHE}/root"
SUITE = "bookworm"
MINUTES = 60  # seconds
# Mounts of its own, gone with it; the root is $1, what is run in it follows.
ENTER = """set -e; root=$1; shift
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \\
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} "$@"
"""


def long_run(*cmd, **kw):
    return run(*cmd, timeout=10 * MINUTES, **kw)


def mirror():
    """Where this machine has the suite from."""
    for line in run("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Identifier: Packages").stdout.splitlines():
        uri, codename = line.split()
        if codename == SUITE:
            return uri
    raise Failed(f"apt has no source of {SUITE}: see /etc/apt/sources.list.d")


def copy_apt_settings(root):
    """Sources, keys, proxies and name servers of this machine."""
    os.unlink(f"{root}/etc/apt/sources.list")
    for name in ("sources.list", "sources.list.d", "apt.conf.d", "trusted.gpg.d", "keyrings", "auth.conf.d"):
        source = f"/etc/apt/{name}"
        if os.path.isdir(source):
            shutil.copytree(source, f"{root}{source}", dirs_exist_ok=True, symlinks=True)
        elif os.path.exists(source):
            shutil.copy(source, f"{root}{source}")
    for source in ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"):
        if os.path.exists(source):
            os.makedirs(os.path.dirname(f"{root}{source}"), exist_ok=True)
            shutil.copy(source, f"{root}{source}")
    with open(f"{root}/usr/sbin/policy-rc.d", "w", encoding="ascii") as f:
        f.write("#!/bin/sh\nexit 101\n")  # nothing is started by what is installed
    os.chmod(f"{root}/usr/sbin/policy-rc.d", 0o755)


def base_root():
    if os.path.exists(f"{BASE}/etc/causeway-test-base"):
        return BASE
    shutil.rmtree(BASE, ignore_errors=True)
    os.makedirs(f"{BASE}/etc/dpkg/dpkg.cfg.d")
    with open(f"{BASE}/etc/dpkg/dpkg.cfg.d/quick", "w", encoding="ascii") as f:
        f.write("force-unsafe-io\n")  # it need not survive a power cut
    long_run("debootstrap", "--variant=minbase", SUITE, BASE, mirror())
    copy_apt_settings(BASE)
    with open(f"{BASE}/etc/causeway-test-base", "w", encoding="ascii"):
        pass
    return BASE


def inside(root, *cmd, check=True):
    return long_run("unshare", "-m", "sh", "-c", ENTER, "sh", root, *cmd, check=check)


def package(version=None):
    args = [f"DEB_VERSION={version}"] if version else []
    long_run("make", "-C", ROOT, f"B={BUILD}", "deb", f"DEB_OBJECTS={BUILD}", *args,
             env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")} | {"DEB_BUILD_OPTIONS": "noautodbgsym"})
    names = [n for n in os.listdir(CACHE) if re.fullmatch(rf"causeway_{re.escape(version or '')}.*\.deb", n)]
    assert len(names) == 1, names
    return f"{CACHE}/{names[0]}"


def next_version(deb, directory):
    """The same package, one version on."""
    run("dpkg-deb", "-R", deb, f"{directory}/next")
    control = f"{directory}/next/DEBIAN/control"
    with open(control, encoding="utf-8") as f:
        text = f.read()
    with open(control, "w", encoding="utf-8") as f:
        f.write(re.sub(r"^(Version: .*)$", r"\1+next", text, flags=re.M))
    run("dpkg-deb", "-b", f"{directory}/next", f"{directory}/causeway-next.deb")
    return f"{directory}/causeway-next.deb"


class Root:
    """A fresh root: the base, and an overlay for what is changed."""

    def __init__(self, lab):
        self.top = tempfile.mkdtemp(prefix="overlay-", dir=lab.file(""))
        self.path = f"{self.top}/root"
        for d in ("upper", "work", "root"):
            os.makedirs(f"{self.top}/{d}")

    def __enter__(self):
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={base_root()},upperdir={self.top}/upper,workdir={self.top}/work",
            self.path)
        return self

    def __exit__(self, *_):
        run("umount", "-l", self.path, check=False)

    def run(self, *cmd, **kw):
        return inside(self.path, *cmd, **kw)

    def put(self, source, path):
        shutil.copy(source, self.path + path)

    def files(self):
        """All paths but what packages and apt keep for themselves."""
        found = set()
        for where, dirs, names in os.walk(self.path):
            at = where[len(self.path):]
            dirs[:] = [d for d in dirs if f"{at}/{d}" not in ("/proc", "/sys", "/dev", "/tmp", "/var/cache", "/var/log",
                                                               "/var/lib/apt", "/var/lib/dpkg", "/run")]
            found |= {f"{at}/{n}" for n in (*dirs, *names)}
        return found


class Installed(Gateway):
    """causewayd of the root, in a site's namespace."""

    def __init__(self, root, site):
        super().__init__(site, gateway_conf(site, [network("web", 100, 10100, "198.18.0.2")]))
        self.root = root
        self.socket = f"{root.path}/run/causeway/api.sock"
        self.conf["api"] = {"socket": "/run/causeway/api.sock"}
        self.write()
        root.put(self.file, "/etc/causeway/causeway.yaml")

    def spawn(self, *prefix):
        with open(self.log_file, "a", encoding="utf-8") as log:
            self.process = self.ns.start("unshare", "-m", "sh", "-c", ENTER, "sh", self.root.path, "/usr/sbin/causewayd", "-c",
                                         "/etc/causeway/causeway.yaml", stdout=log, stderr=log)
        return self


@pytest.fixture(scope="module")
def lab():
    with Lab() as the_lab:
        yield the_lab


@pytest.fixture(scope="module")
def deb():
    return package()


def test_lintian(deb):
    done = long_run("lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags", "bad-distribution-in-changes-file",
                    deb, check=False)
    assert done.returncode == 0, done.stdout


def test_life_of_the_package(lab, deb):
    site = lab.site("paris", lab.wan(), 1)
    with Root(lab) as root:
        def install(file):
            root.put(file, "/tmp/causeway.deb")
            root.run("apt-get", "install", "-y", "-q", "--no-install-recommends", "/tmp/causeway.deb")

        root.run("apt-get", "update", "-q")
        # First what it needs, so that what it leaves behind is its own.
        needs = run("dpkg-deb", "-f", deb, "Depends").stdout
        root.run("apt-get", "install", "-y", "-q", "--no-install-recommends",
                 *[re.sub(r"[ (|].*", "", n.strip()) for n in needs.split(",")])
        before = root.files()
        install(deb)
        assert root.run("getent", "group", "causeway").stdout.startswith("causeway:")
        assert root.run("stat", "-c", "%a %U %G", "/etc/causeway", "/var/lib/causeway").stdout.split("\n")[:2] == \
            ["750 root root", "750 root causeway"]
        assert root.run("test", "-e", "/etc/systemd/system/multi-user.target.wants/causewayd.service").returncode == 0
        assert root.run("systemd-analyze", "verify", "--man=no", "causewayd.service").stderr == ""
        assert root.run("causewayd", "--version").stdout.startswith("causewayd ")

        gw = Installed(root, site)
        assert root.run("causewayd", "--check", "/etc/causeway/causeway.yaml").stdout.endswith(": OK\n")
        with gw:
            assert root.run("causewayctl", "-j", "show", "status").stdout.count('"paris-1"') == 1
            gw.stop()

        config = root.run("md5sum", "/etc/causeway/causeway.yaml").stdout
        install(next_version(deb, lab.dir))
        assert root.run("dpkg-query", "-W", "-f", "${Version}", "causeway").stdout.endswith("+next")
        assert root.run("md5sum", "/etc/causeway/causeway.yaml").stdout == config
        with gw:
            gw.stop()

        root.run("apt-get", "remove", "-y", "-q", "causeway")
        assert not os.path.exists(f"{root.path}/usr/sbin/causewayd")
        assert root.run("md5sum", "/etc/causeway/causeway.yaml").stdout == config, "removed is not purged"
        root.run("rm", "/etc/causeway/causeway.yaml")
        root.run("apt-get", "purge", "-y", "-q", "causeway")
        assert root.files() - before == set()
        assert root.run("getent", "group", "causeway", check=False).returncode != 0


# ---- under systemd


def has_cgroups():
    with open("/proc/self/mounts", encoding="utf-8") as f:
        mounts = [line.split()[2:4] for line in f]
    return any("rw" in options.split(",") and (kind == "cgroup2" or "name=systemd" in options) for kind, options in mounts)


class Container:
    """A root whose systemd runs, in the network of a namespace."""

    def __init__(self, root, ns):
        self.root, self.ns, self.process = root, ns, None
        self.log_file = ns.lab.file("nspawn.log")

    def __enter__(self):
        libc = ctypes.CDLL(None)
        with open(self.log_file, "w", encoding="utf-8") as log:
            # What it runs ends with it. Its filter knows nothing of bpf(2) by default.
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--link-journal=no", "--boot", "--capability=all",
                 "--system-call-filter=bpf perf_event_open", "--bind=/dev/net/tun", "--machine=causeway-test",
                 f"--network-namespace-path={NETNS_DIR}/{self.ns.full}", "-D", self.root.path],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=lambda: libc.prctl(1, signal.SIGKILL))
        try:
            wait_for(self._runs, 60, lambda: f"systemd runs:\n{self.log()}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        end_process(self.process)

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as f:
            return f.read()[-3000:]

    def _runs(self):
        if self.process.poll() is not None:
            raise Failed(f"systemd-nspawn ended: {self.log()}")
        return self.leader() and self.run("systemctl", "is-active", "multi-user.target", check=False).stdout == "active\n"

    def leader(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
            return f.read().split()[:1]

    def run(self, *cmd, **kw):
        kw.setdefault("timeout", 2 * MINUTES)
        return run("nsenter", "-t", *self.leader(), "-m", "-p", "-u", "-i", "-n", "-r", "-w", "env", "PAGER=cat",
                   "DEBIAN_FRONTEND=noninteractive", *cmd, **kw)

    def show(self, name):
        return self.run("systemctl", "show", "-P", name, "causewayd").stdout.strip()

    def wait_restarts(self, n):
        """Until it runs after so many."""
        wait_for(lambda: (self.show("NRestarts"), self.show("SubState")) == (str(n), "running"), 60,
                 lambda: f"started {n} times anew: {self.journal()}")

    def journal(self, *args):
        return self.run("journalctl", "-u", "causewayd", "--no-pager", "-o", "cat", *args).stdout

    def ctl(self, *args):
        return self.run("causewayctl", *args).stdout


@pytest.mark.skipif(not has_cgroups(), reason="no cgroups that a systemd could have here")
def test_under_systemd(lab, deb):
    """The unit starts it, keeps it alive, and leaves it what it needs, the pins of the fast path included; an upgrade restarts
    it, and what is removed leaves nothing behind."""
    site = lab.site("berlin", lab.wan("wan-berlin"), 3)
    with Root(lab) as root:
        root.put(deb, "/tmp/causeway.deb")
        root.run("apt-get", "update", "-q")
        root.run("apt-get", "install", "-y", "-q", "--no-install-recommends", "systemd-sysv", "/tmp/causeway.deb")
        os.unlink(f"{root.path}/usr/sbin/policy-rc.d")
        root.put(next_version(deb, root.top), "/root/next.deb")
        conf = gateway_conf(site, [network("web", 100, 10100, "198.18.0.2")])
        conf["fastpath"] = {"mode": "on"}
        conf["moves"] = {"journal": "/var/lib/causeway/moves"}
        config, broken = f"{root.path}/etc/causeway/causeway.yaml", "site: [\n"
        good = yaml.safe_dump(conf)
        quick = f"{root.path}/etc/systemd/system/causewayd.service.d/quick.conf"
        os.makedirs(os.path.dirname(quick))
        for path, text in ((config, good), (quick, "[Service]\nWatchdogSec=5\n")):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        with Container(root, site.ns) as c:
            assert (c.show("ActiveState"), c.show("NRestarts")) == ("active", "0"), c.journal()
            assert "2 of 2 ports up" in c.show("StatusText")
            assert c.run("stat", "-c", "%a %U %G", "/run/causeway/api.sock").stdout == "660 root causeway\n"
            # On a machine of its own systemd has mounted it.
            c.run("mount", "-t", "bpf", "bpf", "/sys/fs/bpf")
            c.run("systemctl", "restart", "causewayd")
            pins = "/sys/fs/bpf/causeway/berlin-1"
            assert c.ctl("show", "fastpath").count("in /sys/fs/bpf/causeway") == 1, c.ctl("show", "fastpath")
            assert c.run("ls", pins).stdout
            c.run("systemctl", "kill", "-s", "KILL", "causewayd")
            c.run("test", "-d", pins)
            c.wait_restarts(1)
            assert "took over what is pinned" in c.journal()
            c.run("systemctl", "kill", "-s", "STOP", "causewayd")
            c.wait_restarts(2)
            assert "Watchdog timeout" in c.journal()

            pid = c.show("MainPID")
            for text, said in ((good.replace("name: web", "name: renamed"), "renamed"), (broken, "nothing is changed")):
                with open(config, "w", encoding="utf-8") as f:
                    f.write(text)
                c.run("systemctl", "reload", "causewayd")
                wait_for(lambda said=said: said in c.journal() + c.ctl("show", "networks"), 10, c.journal)
            assert c.show("MainPID") == pid
            with open(config, "w", encoding="utf-8") as f:
                f.write(good)

            c.run("dpkg", "-i", "/root/next.deb")
            assert c.show("ActiveState") == "active" and c.show("MainPID") != pid, c.journal()
            for word in ("Operation not permitted", "Permission denied", "Read-only"):
                assert word not in c.journal(), c.journal()
            c.run("dpkg", "-r", "causeway")
            for path in ("/run/causeway", "/sys/fs/bpf/causeway", "/usr/sbin/causewayd"):
                assert c.run("test", "-e", path, check=False).returncode, path
