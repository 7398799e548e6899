#!/usr/bin/env python3
"""check_layers.py - fails when a file includes what its layer may not, and for the like.

The table below is the architecture: which layer may include which, and which of them know a C
library. It changes by a decision that is written down in docs/design, not in passing.

    check_layers.py [--root DIR]     DIR is a tree like this one; default: the current directory

Beside the table: no include may be missing or form a cycle; memory orders are named in
src/base/atomics.h alone; no file is over 600 lines.

SPDX-License-Identifier: MIT
"""
import argparse
import pathlib
import re
import sys

# gcc's own limits.h asks for the C library's, so it is not among them: stdint.h has the limits.
FREESTANDING = {"stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h"}

API = {"include/acre"}
PUBLIC = {"include/acre", "include/acre/port"}
MACHINES = {"ports/kernel_x86_64", "ports/kernel_aarch64", "ports/kernel_riscv64"}  # one of them, by the build
HOSTED, BARE = True, False

# layer: (layers it may include beside itself, whether it may use a C library)
LAYERS = {
    "include/acre": (set(), BARE),
    "include/acre/port": (API, BARE),
    "src/base": (API, BARE),
    "src/heap": (API | {"src/base"}, BARE),
    "src/frames": (API | {"src/base"}, BARE),
    "src/pools": (API | {"src/base"}, BARE),
    "src/front": (PUBLIC | {"src/base", "src/heap"}, HOSTED),
    "ports/bare": (PUBLIC | {"src/base"}, BARE),
    "ports/cortex_m": (PUBLIC | {"src/base"}, BARE),
    "ports/kernel": (PUBLIC | {"src/base"}, BARE),
    "ports/kernel_common": (PUBLIC | {"kernel"} | MACHINES, BARE),
    "ports/kernel_x86_64": (PUBLIC | {"kernel", "ports/kernel_common"}, BARE),
    "ports/kernel_aarch64": (PUBLIC | {"kernel", "ports/kernel_common"}, BARE),
    "ports/kernel_riscv64": (PUBLIC | {"kernel", "ports/kernel_common"}, BARE),
    "ports/linux": (PUBLIC | {"src/base"}, HOSTED),
    "ports/sim": (PUBLIC | {"src/base"}, HOSTED),
    "kernel": (PUBLIC, BARE),
    "tools": (PUBLIC, HOSTED),
    "bench": (PUBLIC, HOSTED),
    "examples": (PUBLIC, HOSTED),
    "tests": (PUBLIC | {"src/base", "src/heap", "src/pools", "src/frames", "src/front", "ports/sim",
               "ports/linux"}, HOSTED),
    "examples/cortex_m": (PUBLIC | {"ports/cortex_m"}, BARE),
    "tests/cortex_m": (PUBLIC | {"ports/cortex_m", "tests"}, HOSTED),
    "tests/kernel": (PUBLIC | {"kernel", "tests"}, BARE),
}
TREES = ("include", "src", "ports", "kernel", "tools", "bench", "examples", "tests")
SUFFIXES = {".c", ".h", ".S", ".cc", ".cpp"}
LINES_MAX = 600

# The one header that is chosen by the build. Each port has its own; a layer may name it if it
# stands on the seam.
PORT_HEADER = "acre_port.h"
USES_PORT_HEADER = ("src/", "ports/", "tests")

ATOMICS_FILE = "src/base/atomics.h"
MEMORY_ORDER = re.compile(r"\b(__ATOMIC_[A-Z_]+|memory_order_\w+)\b")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>\n]+)>|"([^"\n]+)")', re.M)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)


def layer_of(path):
    """The longest layer that the path lies in, or None."""
    inside = [layer for layer in LAYERS if path.startswith(layer + "/")]
    return max(inside, key=len, default=None)


class Tree:
    """The sources below one root, with all that is wrong with them."""

    def __init__(self, root):
        self.root = root
        self.errors = []
        self.edges = {}
        self.files = sorted(
            path.relative_to(root).as_posix()
            for tree in TREES
            for path in (root / tree).rglob("*")
            if path.suffix in SUFFIXES and path.is_file()
        )

    def resolve(self, path, name):
        """The files that an include may mean: several only for the port's header."""
        here = pathlib.PurePosixPath(path).parent
        if name == PORT_HEADER:
            if path.startswith("ports/"):
                places = ["/".join(path.split("/")[:2])]
            else:
                places = [f"ports/{port.name}" for port in sorted((self.root / "ports").iterdir())]
            found = [f"{place}/{name}" for place in places]
            return [file for file in found if (self.root / file).is_file()]
        places = [here.as_posix(), ".", "include", "src", "tests", "tools"]
        places += [p.relative_to(self.root).as_posix() for p in (self.root / "ports").glob("*")]
        for place in places:
            if (self.root / place / name).is_file():
                parts = []
                for part in f"{place}/{name}".split("/"):
                    if part == "..":
                        parts.pop()
                    elif part != ".":
                        parts.append(part)
                return ["/".join(parts)]
        return []

    def check_include(self, path, layer, name):
        allowed, _ = LAYERS[layer]
        found = self.resolve(path, name)
        if not found:
            self.errors.append(f'{path}: "{name}" is not a file of this tree')
            return
        if name == PORT_HEADER and path == ATOMICS_FILE:
            return  # the one cycle that is meant: atomics.h says how it works
        self.edges[path] += found
        if name == PORT_HEADER:
            if not path.startswith(USES_PORT_HEADER):
                self.errors.append(f"{path}: {layer} may not include {PORT_HEADER}")
            return
        for target in found:
            other = layer_of(target)
            if other != layer and other not in allowed:
                self.errors.append(f"{path}: {layer} may not include {target}")

    def check_file(self, path):
        self.edges[path] = []
        layer = layer_of(path)
        if layer is None:
            self.errors.append(f"{path}: in no layer; scripts/check_layers.py has the table")
            return
        text = (self.root / path).read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > LINES_MAX:
            self.errors.append(f"{path}: {lines} lines, {LINES_MAX} at most: one file is one decision")
        code = COMMENT.sub("", text)
        if path.startswith(("src/", "ports/")) and path != ATOMICS_FILE:
            for order in sorted(set(MEMORY_ORDER.findall(code))):
                self.errors.append(f"{path}: {order} belongs into {ATOMICS_FILE}")
        for system, own in INCLUDE.findall(code):
            if own or system.startswith("acre/"):
                self.check_include(path, layer, own or system)
            elif not LAYERS[layer][1] and system not in FREESTANDING:
                self.errors.append(f"{path}: <{system}> needs a C library, which {layer} must not")

    def check_cycles(self):
        """Depth first; a file met again while it is open closes a cycle."""
        done, open_files = set(), []

        def visit(path):
            if path in open_files:
                cycle = open_files[open_files.index(path):] + [path]
                self.errors.append("include cycle: " + " -> ".join(cycle))
            elif path not in done:
                done.add(path)
                open_files.append(path)
                for target in self.edges.get(path, []):
                    visit(target)
                open_files.pop()

        for path in self.files:
            visit(path)

    def check(self):
        for path in self.files:
            self.check_file(path)
        self.check_cycles()
        return self.errors


def main():
    parser = argparse.ArgumentParser(description="Checks what each layer includes.")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("."))
    tree = Tree(parser.parse_args().root)
    errors = tree.check()
    if not tree.files:
        errors.append("no sources found: is this the root of the tree?")
    for error in errors:
        print(error)
    if not errors:
        print(f"layers: {len(tree.files)} files, nothing wrong")
    return 1 if errors else 0


sys.exit(main())
