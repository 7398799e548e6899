#!/usr/bin/env python3
"""check_docs.py - fails when the documents and the code do not say the same.

    check_docs.py [--root DIR]     DIR is a tree like this one; default: the current directory

* Each function that a header in include/acre declares has a comment of `///` lines directly above,
  and a sentence in it.
* scripts/symbols.txt (of libacre.so), scripts/symbols_pools.txt (of libacre_pools.a) and
  scripts/symbols_frames.txt (of what only kernels link) name the
  same acre_* functions as the headers.
* Every other exported name is told of in docs/ or README.md.
* Every link inside the documents leads to a file, and to a heading if it names one.
* Every source says on its first line what it is, by its own name, and names its licence.

SPDX-License-Identifier: MIT
"""
import argparse
import pathlib
import re
import sys

FUNCTION = re.compile(r"^(?!typedef\b)[A-Za-z_][\w \t*]*?\b(acre_\w+)\s*\(", re.M)
PUBLIC = re.compile(r"^ACRE_BEGIN$(.*?)^ACRE_END$", re.M | re.S)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*$", re.M)
FENCE = re.compile(r"^```.*?^```", re.M | re.S)

SOURCES = ("include", "src", "ports", "tools", "bench", "examples", "tests", "scripts", ".ci")
OTHER_SYMBOLS = ("scripts/symbols_frames.txt", "scripts/symbols_pools.txt")
SPDX = "SPDX-License-Identifier: MIT"


def without_bodies(text):
    """The text with what stands in braces blanked, so that only declarations of the file remain."""
    out, depth = [], 0
    for char in text:
        depth -= char == "}"
        out.append(char if depth == 0 or char == "\n" else " ")
        depth += char == "{"
    return "".join(out)


def declared_functions(text):
    """Name and line of each function that a header declares for its users."""
    for public in PUBLIC.finditer(text):
        for found in FUNCTION.finditer(without_bodies(public.group(1))):
            yield found.group(1), text.count("\n", 0, public.start(1) + found.start()) + 1


def comment_above(lines, number):
    """The comment that ends directly above a line (counted from 1), as one string."""
    comment = []
    at = number - 2
    while at >= 0 and lines[at].startswith("//"):
        comment.insert(0, lines[at])
        at -= 1
    return "\n".join(comment)


def anchor(heading):
    """What a link to a heading is called where the documents are shown."""
    plain = re.sub(r"[`*]", "", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


class Documents:
    """One tree, with all that is wrong with what it says."""

    def __init__(self, root):
        self.root = root
        self.errors = []
        self.functions = {}

    def files(self, *patterns):
        found = {path for pattern in patterns for path in self.root.glob(pattern) if path.is_file()}
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def read(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def check_headers(self):
        for path in self.files("include/acre/**/*.h"):
            text = self.read(path)
            lines = text.split("\n")
            for name, number in declared_functions(text):
                self.functions[name] = path
                comment = comment_above(lines, number)
                if not comment.startswith("///"):
                    self.errors.append(f"{path}:{number}: {name} has no comment of /// lines above it")
                elif not re.search(r"[\w`)\"'][.:](\s|$)", comment):
                    self.errors.append(f"{path}:{number}: no sentence in the comment of {name}")

    def check_exported(self):
        if not (self.root / "scripts/symbols.txt").is_file():
            self.errors.append("scripts/symbols.txt is missing")
            return
        text = self.read("scripts/symbols.txt")
        exported = {line for line in text.split("\n") if line and not line.startswith("#")}
        own = {name for name in exported if name.startswith("acre_")}
        for other in OTHER_SYMBOLS:
            if (self.root / other).is_file():
                lines = self.read(other).split("\n")
                own |= {line for line in lines if line and not line.startswith("#")}
        for name in sorted(own - self.functions.keys()):
            self.errors.append(f"scripts/symbols.txt: no header declares {name}")
        for name in sorted(self.functions.keys() - own):
            self.errors.append(f"{self.functions[name]}: {name} is not in scripts/symbols.txt "
                                   "or symbols_frames.txt or symbols_pools.txt")
        told = "\n".join(self.read(path) for path in self.files("README.md", "docs/**/*"))
        for name in sorted(exported - own):
            if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", told):
                self.errors.append(f"{name} is exported, and neither docs/ nor README.md tells of it")

    def check_links(self):
        for path in self.files("*.md", "docs/**/*.md"):
            here = pathlib.PurePosixPath(path).parent
            for target in LINK.findall(FENCE.sub("", self.read(path))):
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, heading = target.partition("#")
                goal = self.root / here / name if name else self.root / path
                if not goal.exists():
                    self.errors.append(f"{path}: the link to {target} leads nowhere")
                elif heading:
                    text = FENCE.sub("", goal.read_text(encoding="utf-8"))
                    if heading not in map(anchor, HEADING.findall(text)):
                        self.errors.append(f"{path}: {target} is no heading there")

    def check_openings(self):
        code = self.files(*(f"{tree}/**/*.{kind}" for tree in SOURCES for kind in ("c", "h", "S", "cc")))
        for path in code:
            first = self.read(path).split("\n", 1)[0]
            stem = re.escape(pathlib.PurePosixPath(path).stem)
            if not re.match(rf"(//|/\*|#) .*(?<!\w){stem}(?!\w)", first):
                self.errors.append(f"{path}: its first line does not say what it is, by its name")
        scripts = self.files(*(f"{tree}/**/*" for tree in SOURCES))
        rest = [path for path in scripts if self.read_start(path).startswith("#!")]
        builds = self.files("CMakeLists.txt", "Makefile", "**/*.cmake")
        for path in sorted({*code, *rest, *builds} - set(self.files("build/**/*"))):
            if SPDX not in self.read(path):
                self.errors.append(f'{path}: no line "{SPDX}"')

    def read_start(self, path):
        with (self.root / path).open("rb") as file:
            return file.read(2).decode("latin-1")

    def check(self):
        self.check_headers()
        self.check_exported()
        self.check_links()
        self.check_openings()
        return self.errors


def main():
    parser = argparse.ArgumentParser(description="Checks documents against code.")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("."))
    documents = Documents(parser.parse_args().root)
    errors = documents.check()
    for error in errors:
        print(error)
    if not errors:
        print(f"docs: {len(documents.functions)} public functions, nothing wrong")
    return 1 if errors else 0


sys.exit(main())
