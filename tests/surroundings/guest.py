#!/usr/bin/env python3
"""guest.py - boots Linux in QEMU to change there what only root may, and runs guest.c on acre in it.

    guest.py BUILD_DIR

The kernel is one that is here or that can be downloaded (scripts/linux_guest.py). QEMU plays the processor itself,
so this needs no right to anything. Exits with 77, and says why, where something is missing.

SPDX-License-Identifier: MIT
"""
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import linux_guest  # noqa: E402

WORDS = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr cgroup_no_v1=all"
SECONDS = 150


def libraries(*programs):
    """What the dynamic loader would load for them, and itself."""
    found = set()
    for program in programs:
        said = linux_guest.capture("ldd", program).stdout
        found |= set(re.findall(r"(/\S+\.so[.\d]*) \(0x", said))
    return sorted(found)


def entries(build):
    tests = build / "tests/surroundings"
    files = {"init": tests / "guest", "mappings": tests / "mappings", "libacre.so": build / "libacre.so"}
    for library in libraries(*files.values()):
        files[library.lstrip("/")] = pathlib.Path(library)
    out = {}
    for name, path in files.items():
        for parent in reversed(pathlib.PurePath(name).parents):
            out.setdefault(str(parent), (0o40755, b""))
        out[name] = (0o100755, path.read_bytes())
    out.pop(".", None)
    return out


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: guest.py BUILD_DIR")
    build = pathlib.Path(sys.argv[1]).resolve()
    qemu = os.environ.get("ACRE_QEMU", "qemu-system-x86_64")
    if platform.machine() != "x86_64":
        linux_guest.skip("the guest is one for x86_64")
    for tool in (qemu, "ldd"):
        if shutil.which(tool) is None:
            linux_guest.skip(f"no {tool}")
    folder = build / "linux"
    kernel = linux_guest.kernel(folder)
    folder.mkdir(parents=True, exist_ok=True)
    initrd = folder / "surroundings.cpio"
    initrd.write_bytes(linux_guest.archive(entries(build)))
    try:
        done = linux_guest.capture(
            qemu, "-accel", "tcg", "-cpu", "max", "-M", "q35", "-m", "640M", "-smp", "1", "-display", "none", "-vga", "none",
            "-nodefaults", "-no-user-config", "-no-reboot", "-serial", "stdio", "-monitor", "none", "-kernel", kernel,
            "-initrd", initrd, "-append", WORDS, stdin=subprocess.DEVNULL, timeout=SECONDS)
        said = done.stdout
    except subprocess.TimeoutExpired as expired:
        said = (expired.stdout or b"").decode(errors="replace")
    print(said.replace("\r", ""))
    if "guest: passed" not in said:
        sys.exit("guest.py: the guest did not pass")


if __name__ == "__main__":
    main()
