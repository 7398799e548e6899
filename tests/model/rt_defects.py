#!/usr/bin/env python3
"""rt_defects.py - breaks rt heaps on purpose and demands that the search through all states notices.

    rt_defects.py [--root DIR]

Each defect is one line of src/pools, changed in a copy. The search (rt_states_test.c, with fewer granules)
must fail with each, and pass without any. CC is the compiler (default: cc).

SPDX-License-Identifier: MIT
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

# file, text, what it becomes
DEFECTS = [
    ("rt_exact.h", "        return child + 1;", "        return child + 2;"),  # skips a sibling
    ("rt_exact.h", "return larger(length + 1, last_length);", "return length + 1;"),
    ("rt_exact.h", "length_put(rt, back, back - 1, count, wide);", ""),  # a long block without its end
    ("rt_ops.h", "if (merged && end >> 5 != at >> 5) {", "if (false) {"),  # a leaf is not worked out anew
    ("rt_ops.h", "start_clear(rt, end);\n        count += length;", "count += length;"),
    ("rt_layout.h", "&& !edge_test(rt, at) ? at : 0", "? at : 0"),  # a double free
    ("rt_quick.h", "links_set_next(rt, links.prev, links.next, wide);", ""),
    ("rt_quick.h", "if (own != 0 && quick_free_length(rt, own, wide) >= count) {", "if (own != 0) {"),
]


def build_and_run(root, folder):
    """Compiles the search with the sources below `folder`; whether it passes."""
    program = folder / "states"
    sources = sorted((folder / "pools").glob("*.c"))
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-O0", "-w", "-DRT_STATES_LESS=3",
                    f"-I{root}/include", f"-I{folder}", f"-I{root}/src", f"-I{root}/ports/bare",
                    f"-I{root}/tests", f"{root}/tests/model/rt_states_test.c", f"{root}/tests/t.c",
                    f"{root}/tests/t_host.c", *sources, "-o", program], check=True)
    try:
        done = subprocess.run([program], capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main():
    root = pathlib.Path(sys.argv[2] if sys.argv[1:2] == ["--root"] else ".").resolve()
    missed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "pools").mkdir()
        for source in (root / "src/pools").glob("rt*"):
            shutil.copy(source, folder / "pools")
        if not build_and_run(root, folder):
            print("FAIL without a defect")
            return 1
        for file, text, instead in DEFECTS:
            path = folder / "pools" / file
            sound = path.read_text(encoding="utf-8")
            if sound.count(text) != 1:
                print(f"FAIL {file} has {sound.count(text)} times: {text}")
                return 1
            path.write_text(sound.replace(text, instead), encoding="utf-8")
            found = not build_and_run(root, folder)
            path.write_text(sound, encoding="utf-8")
            print("found " if found else "MISSED", file, " ".join(text.split()))
            missed += not found
    print(f"{len(DEFECTS)} defects, {missed} missed")
    return 1 if missed else 0


sys.exit(main())
