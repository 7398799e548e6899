#!/usr/bin/env python3
"""Counts the instructions of malloc's and free's hit paths in a built libacre.so (x86-64).

malloc is one function for both bindings. free jumps through a pointer to the function of the binding
in use. Path counted: from the entry to `ret`, or to that jump and from the start of the function it
leads to. It is the shortest path that calls nothing, stays inside the function, uses no atomic instruction
and performs the stores that make it a hit, so that an early way out is not mistaken for one. In the rseq
binding one of them announces a sequence to the kernel, in the thread binding none does. Both are found in
the disassembly: nothing is run.

SPDX-License-Identifier: MIT
"""
import argparse
import collections
import dataclasses
import pathlib
import re
import subprocess
import sys
import tempfile

import measure_common as common

# (operation, binding): most instructions that the project allows itself.
LIMITS = {("malloc", "rseq"): 20, ("free", "rseq"): 28,
          ("malloc", "thread"): 19, ("free", "thread"): 26}
# malloc stores the list's new head; free links the block, counts the slab down, stores the head.
NEEDED_STORES = {"malloc": 1, "free": 3}
MOST_STATES = 200000

PREFIXES = {"lock", "bnd", "notrack", "rep", "repz", "repnz", "data16", "cs", "ds", "es", "rex.W"}
NEVER_STORES = re.compile(r"(cmp|test|bt|nop|push|i?mul|i?div)[bwlq]?|"
                          r"(prefetch|jmp|call|ud[012])\w*|endbr64")
ENDS = re.compile(r"(call\w*|ud[012]\w*|hlt|int3?|syscall)")


@dataclasses.dataclass(frozen=True)
class Instruction:
    addr: int
    text: str
    name: str
    operands: str
    prefixes: frozenset
    next_addr: int | None

    @property
    def is_return(self):
        return self.name in ("ret", "retq")

    @property
    def is_conditional(self):
        return self.name.startswith("j") and not self.name.startswith("jmp")

    @property
    def is_indirect_jump(self):
        return self.name.startswith("jmp") and self.operands.startswith("*")

    @property
    def target(self):
        """Where a direct jump goes, or None."""
        found = re.match(r"([0-9a-f]+)\b", self.operands) if self.name.startswith("j") else None
        return int(found.group(1), 16) if found else None

    @property
    def stores(self):
        """Whether it writes memory that is neither the stack nor relative to the thread pointer."""
        last = re.split(r",(?![^(]*\))", self.operands)[-1].strip()
        return ("(" in last and "%fs:" not in last and "%rsp" not in last
                and not NEVER_STORES.fullmatch(self.name))

    @property
    def announces(self):
        """Whether it writes to the thread's own area: only the announcement of a sequence does."""
        return "%fs:" in re.split(r",(?![^(]*\))", self.operands)[-1] and self.name.startswith("mov")

    @property
    def is_atomic(self):
        return "lock" in self.prefixes or (self.name.startswith("xchg") and "(" in self.operands)

    @property
    def ends_path(self):
        return bool(ENDS.fullmatch(self.name)) or self.is_atomic or self.is_indirect_jump


def read_symbols(library):
    """Functions of .symtab and .dynsym: name to (start, end)."""
    readelf = common.need_tool("readelf", "binutils")
    listing = subprocess.run([readelf, "-sW", library], text=True, capture_output=True, check=True)
    symbols = {}
    for line in listing.stdout.splitlines():
        parts = line.split()
        if len(parts) >= 8 and parts[3] in ("FUNC", "IFUNC") and parts[6] != "UND":
            start = int(parts[1], 16)
            size = int(parts[2], 0)
            symbols[parts[7].split("@")[0]] = (start, start + size)
    return symbols


def parse_line(line):
    """(address, text, name, operands, prefixes) of a line of objdump, or None."""
    found = re.match(r"\s*([0-9a-f]+):\t(.*)", line)
    if not found:
        return None
    text = re.sub(r"\s+", " ", found.group(2).split("#")[0]).strip()
    words = text.split(" ")
    prefixes = []
    while len(words) > 1 and words[0] in PREFIXES:
        prefixes.append(words.pop(0))
    return int(found.group(1), 16), text, words[0], " ".join(words[1:]), frozenset(prefixes)


def disassemble(library):
    objdump = common.need_tool("objdump", "binutils")
    listing = subprocess.run([objdump, "-d", "-w", "--no-show-raw-insn", library],
                             capture_output=True, text=True, check=False)
    if listing.returncode != 0 or "x86-64" not in listing.stdout[:300]:
        common.fail(f"{library} is no x86-64 library: {listing.stderr.strip()}")
    parsed = [p for p in map(parse_line, listing.stdout.splitlines()) if p]
    nexts = [p[0] for p in parsed[1:]] + [None]
    return {p[0]: Instruction(*p, next_addr) for p, next_addr in zip(parsed, nexts)}


def find_function(symbols, name):
    """A local function; the compiler may have made a variant of it with a dotted name."""
    if name in symbols:
        return symbols[name]
    variant = re.compile(re.escape(name) + r"(\.(constprop|isra|part)\.\d+)+")
    variants = [symbol for symbol in symbols if variant.fullmatch(symbol)]
    if len(variants) != 1:
        raise LookupError(f"no function {name} in the symbol table (stripped, or renamed?)")
    return symbols[variants[0]]


def followers(instruction, start, end):
    """Addresses inside the function where execution can go on; the way straight on comes first."""
    if instruction.is_return or instruction.ends_path:
        return []
    if instruction.name.startswith("jmp"):
        places = [instruction.target]
    elif instruction.is_conditional:
        places = [instruction.next_addr, instruction.target]
    else:
        places = [instruction.next_addr]
    return [p for p in places if p is not None and start <= p < end]


def shortest_path(code, bounds, is_goal, needed_stores, announced=None):
    """Instructions from a function's start to the nearest goal with enough different stores, and with a
    sequence announced, or none, where that is said."""
    start, end = bounds
    first = (start, frozenset(), False)
    came_from = {first: None}
    waiting = collections.deque([first])
    while waiting and len(came_from) < MOST_STATES:
        state = waiting.popleft()
        addr, stored, announces = state
        instruction = code.get(addr)
        if instruction is None:
            continue
        if instruction.stores:
            stored = stored | {addr}
        announces = announces or instruction.announces
        if (is_goal(instruction) and len(stored) >= needed_stores
                and announced in (None, announces)):
            return path_to(came_from, state, code)
        for follower in followers(instruction, start, end):
            following = (follower, stored, announces)
            if following not in came_from:
                came_from[following] = state
                waiting.append(following)
    return None


def path_to(came_from, state, code):
    path = []
    while state is not None:
        path.append(code[state[0]])
        state = came_from[state]
    return path[::-1]


def entry_path(code, symbols, operation):
    """The way to the function of the binding; empty if there is none but the entry."""
    path = shortest_path(code, find_function(symbols, operation), lambda i: i.is_indirect_jump, 0)
    return [] if path is None else path


def hit_path(code, symbols, operation, binding, entry):
    name = f"hit_{operation}_{binding}" if entry else operation
    needed = NEEDED_STORES[operation]
    path = shortest_path(code, find_function(symbols, name), lambda i: i.is_return, needed,
                         binding == "rseq")
    if path is None:
        raise LookupError(f"{name} has no path to ret with {needed} stores and without a call")
    return path


def measure(library):
    """{(operation, binding): (entry path, hit path)}, or the reason why there is none."""
    symbols = read_symbols(library)
    code = disassemble(library)
    found = {}
    for operation, binding in LIMITS:
        try:
            entry = entry_path(code, symbols, operation)
            found[operation, binding] = (entry, hit_path(code, symbols, operation, binding, entry))
        except LookupError as error:
            found[operation, binding] = str(error)
    return found


def print_listing(title, path):
    print(f"\n{title}")
    for number, instruction in enumerate(path, 1):
        mark = "store" if instruction.stores else "branch" if instruction.is_conditional else ""
        print(f"{number:4d}  {instruction.addr:8x}  {instruction.text:60s} {mark}".rstrip())


def count(found):
    return sum(map(len, found))


def report(results, verbose):
    rows = []
    for (operation, binding), found in results.items():
        if isinstance(found, str):
            continue
        path = found[0] + found[1]
        rows.append([f"{operation}, {binding}", count(found), LIMITS[operation, binding],
                     len(found[0]), sum(i.is_conditional for i in path),
                     sum(i.stores for i in path)])
        if verbose:
            print_listing(f"{operation}, {binding} binding", path)
    print()
    common.print_table(rows, ["hit path", "instructions", "allowed", "of them entry", "branches",
                              "stores"])


def judge(results):
    verdicts = common.Verdicts()
    print()
    for (operation, binding), found in results.items():
        what = f"instructions of {operation}'s hit path, {binding} binding"
        if isinstance(found, str):
            verdicts.true(what, False, found)
        else:
            verdicts.at_most(what, count(found), LIMITS[operation, binding])
    return verdicts


def build_sample(folder, defines):
    compiler = common.need_tool("cc", "gcc")
    library = pathlib.Path(folder) / "sample.so"
    source = common.ROOT / "bench" / "fixtures" / "hits_sample.S"
    subprocess.run([compiler, "-shared", "-nostdlib", "-o", library, *defines, source], check=True)
    return library


def self_test():
    """Proves that the search finds known paths, and fails where it must."""
    expected = {("malloc", "rseq"): 11, ("free", "rseq"): 16,
                ("malloc", "thread"): 10, ("free", "thread"): 13}
    broken = {"ONLY_BAILS_OUT": ("free", "thread"), "CALLS": ("malloc", "thread"),
              "ATOMIC": ("free", "rseq"), "DIRECT": ("free", "rseq"), "SILENT": ("free", "rseq")}
    verdicts = common.Verdicts()
    with tempfile.TemporaryDirectory() as folder:
        sound = measure(build_sample(folder, []))
        for key, number in expected.items():
            found = sound[key] if isinstance(sound[key], str) else count(sound[key])
            verdicts.true(f"sample: {' '.join(key)} has {number}", found == number, found)
        number = count(measure(build_sample(folder, ["-DTOO_LONG"]))["malloc", "rseq"])
        verdicts.true("sample TOO_LONG: refused", number > LIMITS["malloc", "rseq"], number)
        for define, key in broken.items():
            found = measure(build_sample(folder, [f"-D{define}"]))[key]
            verdicts.true(f"sample {define}: no path", isinstance(found, str), found)
    return verdicts.status(True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", nargs="?", help="libacre.so, not stripped")
    parser.add_argument("--verbose", action="store_true", help="list each path")
    parser.add_argument("--check", action="store_true", help="exit status 1 if too long")
    parser.add_argument("--self-test", action="store_true", help="prove that this can fail")
    args = parser.parse_args()
    if not args.library and not args.self_test:
        parser.error("which libacre.so?")
    return args


def main():
    args = parse_arguments()
    if args.self_test:
        return self_test()
    results = measure(common.need_file(args.library, "build it first with `make`"))
    report(results, args.verbose)
    return judge(results).status(args.check)


if __name__ == "__main__":
    sys.exit(main())
