"""linux_guest.py - what runs Debian's Linux in QEMU needs: the kernel, and files for it to start from.

The kernel is the package that linux-image-cloud-amd64 leads to, unchanged. It is downloaded with apt-get and
unpacked, and not installed: no other kernel than the machine's own gets into its /boot.

SPDX-License-Identifier: MIT
"""
import os
import pathlib
import re
import subprocess
import sys

PACKAGE = "linux-image-cloud-amd64"


def skip(why):
    print(f"{pathlib.Path(sys.argv[0]).name}: skipped: {why}")
    sys.exit(77)


def capture(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def newest_release():
    """Such as 6.1.0-56-cloud-amd64."""
    found = re.search(r"Depends: linux-image-(\S+)", capture("apt-cache", "depends", PACKAGE).stdout)
    if not found:
        skip(f"apt knows no {PACKAGE}")
    return found.group(1)


def download(folder, wanted, packages):
    """Unpacks the packages into folder/root, unless the file or folder `wanted` is there."""
    if wanted.exists():
        return
    if os.environ.get("ACRE_SETUP") == "name":
        skip(f"there is no {wanted.name}, and ACRE_SETUP=name forbids to download it")
    folder.mkdir(parents=True, exist_ok=True)
    if capture("apt-get", "download", *packages, cwd=folder).returncode != 0:
        skip("apt-get cannot download the kernel's packages")
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, folder / "root"], check=True)
        package.unlink()


def kernel(folder):
    """A kernel's image: that of ACRE_LINUX, one that is here, or one that is downloaded to `folder`."""
    given = os.environ.get("ACRE_LINUX")
    here = [pathlib.Path(given)] if given else [*folder.glob("root/boot/vmlinuz-*"), *pathlib.Path("/boot").glob("vmlinuz-*")]
    for image in here:
        if os.access(image, os.R_OK):
            return image
    if given:
        skip(f"ACRE_LINUX: cannot read {given}")
    release = newest_release()
    image = folder / f"root/boot/vmlinuz-{release}"
    download(folder, image, [f"linux-image-{release}"])
    return image


def archive(entries):
    """The entries, name: (mode, contents), as a cpio archive of the kind that Linux starts from."""
    out = bytearray()
    for inode, (name, (mode, contents)) in enumerate([*entries.items(), ("TRAILER!!!", (0, b""))], 1):
        path = name.encode() + b"\0"
        fields = (inode, mode, 0, 0, 1, 0, len(contents), 0, 0, 5, 1, len(path), 0)
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + path
        out += b"\0" * (-len(out) % 4)
        out += contents
        out += b"\0" * (-len(out) % 4)
    return bytes(out)
