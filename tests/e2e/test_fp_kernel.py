# SPDX-License-Identifier: BSD-3-Clause
"""The fast path's programs on Debian's own kernel, which may be older than the one that runs the tests, and whose verifier knows
less: the table of cases (tests/bpf/test_fp_cases.c, test_fp_look.c) in a virtual machine that has nothing else."""
import os
import shutil
import subprocess

from lab import BUILD
from vm import KERNEL

PROGRAMS = [f"{BUILD}/tests/bpf/{name}" for name in ("test_fp_cases", "test_fp_look")]
BOOT_AND_RUN_S = 300

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
ip link set lo up
uname -r
for program in /bin/test_*; do
    CK_INCLUDE_TAGS=table $program
    echo "ended with status $?"
done
poweroff -f
"""


def libraries(program):
    """What it is linked with, and the loader."""
    lines = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout.splitlines()
    return [word for line in lines for word in line.split() if word.startswith("/")]


def build_initrd(tmp_path):
    root = tmp_path / "root"
    for folder in ("bin", "proc", "sys", "dev", "tmp"):
        (root / folder).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin")
    for program in PROGRAMS:
        shutil.copy(program, root / "bin")
    for path in {path for program in PROGRAMS for path in libraries(program)}:
        to = root / path.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to)
    (root / "init").write_text(INIT)
    os.chmod(root / "init", 0o755)
    files = "\n".join(str(p.relative_to(root)) for p in sorted(root.rglob("*")))
    initrd = tmp_path / "initrd"
    with open(initrd, "wb") as f:
        subprocess.run(["cpio", "--quiet", "--create", "--format=newc", "--owner=0:0"], cwd=root, input=files.encode(), stdout=f,
                       check=True)
    return initrd


def test_cases_on_debians_kernel(tmp_path):
    p = subprocess.run(["qemu-system-x86_64", "-M", "pc,usb=off,graphics=off", "-accel", "tcg", "-cpu", "max", "-m", "768",
                        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", KERNEL,
                        "-initrd", str(build_initrd(tmp_path)), "-append", "console=ttyS0 quiet panic=-1"],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=BOOT_AND_RUN_S,
                       check=False)
    assert p.stdout.count("ended with status 0") == len(PROGRAMS), p.stdout[-8000:] + p.stderr
    assert p.stdout.count("100%: Checks:") == len(PROGRAMS)
