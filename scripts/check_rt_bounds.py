#!/usr/bin/env python3
"""check_rt_bounds.py - the longest path through acre_rt_alloc and acre_rt_free, for each target at hand.

    check_rt_bounds.py               prints the table; status 1 if src/pools/rt_bounds.h says less,
                                     or if a bound is over what was promised for 64 KiB on Cortex-M4
    check_rt_bounds.py --witness     also runs tests/bounds on a Cortex-M4 in QEMU, where every
                                     instruction is counted: no call may take more than its bound
    check_rt_bounds.py --rows        prints the rows for src/pools/rt_bounds.h
    check_rt_bounds.py --self-test   proves that a loop, a call and a longer path are noticed

The sources are compiled at -O2 and disassembled. In code without loops the longest path from entry to
return is a bound that holds. QUICK must have no loop. EXACT's loops are the walks in its tree: one that
stores nothing descends, once around for each level; one that stores climbs from a leaf to the root. Any
other call or jump is refused, but for the way to special_*, which heaps with hooks take.

SPDX-License-Identifier: MIT
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

WARN = ["-ffreestanding", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-O2", "-std=c11",
        "-Iinclude", "-Isrc", "-Iports/bare"]
# name in rt_bounds.h: compiler, its flags, disassembler
TARGETS = {
    "cortex-m0": ("arm-none-eabi-gcc", ["-mthumb", "-mcpu=cortex-m0", "-fno-jump-tables"]),
    "cortex-m4": ("arm-none-eabi-gcc", ["-mthumb", "-mcpu=cortex-m4"]),
    "riscv64": ("riscv64-linux-gnu-gcc", ["-march=rv64imac", "-mabi=lp64", "-fno-pic"]),
    "aarch64": ("aarch64-linux-gnu-gcc", ["-mno-outline-atomics"]),
    "x86-64": ("gcc", ["-fcf-protection=none"]),
}
ENGINES = ("exact", "exact_wide", "quick", "quick_wide", "tight", "tight_wide")
OPERATIONS = ("alloc", "free")
# What was promised for a pool of 64 KiB in granules of 8 bytes: four levels.
PROMISED = {("exact", "alloc"): 570, ("exact", "free"): 510, ("quick", "alloc"): 190, ("quick", "free"): 230,
            ("tight", "alloc"): 570, ("tight", "free"): 510}
PROMISED_LEVELS = 4

LABEL = re.compile(r"^([0-9a-f]+) <(.+)>:$")
LINE = re.compile(r"^\s*([0-9a-f]+):[\t ]\s*(\S+)\s*(.*)$")
AIM = re.compile(r"\b([0-9a-f]+) <([^>+]+)(?:\+0x[0-9a-f]+)?>")

ARM_CONDITIONS = "eq|ne|cs|cc|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"
BRANCHES = {  # jump, conditional jump, call, return or jump to where a register says, stores
    "arm": (r"b", rf"b({ARM_CONDITIONS})|cbn?z", r"blx?", r"bx|pop|ldmia", r"str[bh]?|stm\w*"),
    "riscv64": (r"j", r"b(eq|ne|lt|ge|ltu|geu|eqz|nez|ltz|gez|lez|gtz|gt|le|gtu|leu)", r"jal|jalr|call",
                r"ret|jr", r"s[bhwd]"),
    "aarch64": (r"b", r"b\.\w+|cbn?z|tbn?z", r"blr?", r"ret|br", r"st\w+"),
    "x86-64": (r"jmp", r"j(?!mp)\w+", r"call", r"ret", r"mov\w*"),
}


class Refused(Exception):
    """The code has something of which no bound is known."""


class Instruction:
    def __init__(self, address, name, operands):
        self.address, self.name, self.operands = address, name, operands
        self.relocation = None


def disassemble(listing):
    """Functions of a listing of objdump -dr: name to instructions."""
    functions, current = {}, None
    for line in listing.splitlines():
        label = LABEL.match(line)
        if label and label.group(2).startswith(".L"):
            continue  # RISC-V keeps the labels of jumps
        if label:
            current = functions.setdefault(label.group(2), [])
            continue
        found = LINE.match(line)
        if not found or current is None:
            continue
        address, name, operands = found.groups()
        if name.startswith("R_"):
            if current:
                current[-1].relocation = re.split(r"[+-]0x", operands.strip())[0]
        else:
            current.append(Instruction(int(address, 16), name, operands))
    return functions


class Flow:
    """The instructions of one function and where each leads."""

    def __init__(self, target, name, code):
        self.name, self.code = name, code
        self.family = "arm" if target.startswith("cortex") else target
        self.index = {instruction.address: i for i, instruction in enumerate(code)}
        self.next = [self.successors(i) for i in range(len(code))]

    def is_a(self, kind, instruction):
        name = instruction.name.split(".n")[0].split(".w")[0] if self.family == "arm" else instruction.name
        return re.fullmatch(BRANCHES[self.family][kind], name) is not None

    def stores(self, i):
        instruction = self.code[i]
        if self.family == "x86-64":
            return self.is_a(4, instruction) and instruction.operands.rstrip().endswith(")")
        return self.is_a(4, instruction) and "[sp" not in instruction.operands

    def aim(self, i):
        """Index of where a jump leads; "special" for the excluded way, "out" for a tail call."""
        instruction = self.code[i]
        if instruction.relocation is not None:
            if instruction.relocation.startswith("special_"):
                return "special"
            if instruction.relocation != self.name and not instruction.relocation.startswith("."):
                raise Refused(f"{self.name}: jumps to {instruction.relocation}")
        found = AIM.search(instruction.operands)
        if not found or int(found.group(1), 16) not in self.index:
            raise Refused(f"{self.name}: a jump of which the goal is not known: {instruction.operands}")
        return self.index[int(found.group(1), 16)]

    def successors(self, i):
        instruction = self.code[i]
        following = [i + 1] if i + 1 < len(self.code) else []
        if self.is_a(0, instruction):
            if "*" in instruction.operands:
                return []  # x86: a tail call through a register
            return [self.aim(i)]
        if self.is_a(1, instruction):
            return [*following, self.aim(i)]
        if self.is_a(2, instruction):
            if instruction.relocation is not None and instruction.relocation.startswith("special_"):
                return ["special"]
            if self.family == "arm" and instruction.name.startswith("blx"):
                return following  # the wrapper calls its engine, which is counted apart
            if "*" in instruction.operands or instruction.name in ("jalr", "blr"):
                return following
            raise Refused(f"{self.name}: calls {instruction.relocation or instruction.operands}")
        if self.is_a(3, instruction):
            if self.family == "arm" and instruction.name.startswith(("pop", "ldm")):
                return [] if "pc" in instruction.operands else following
            return []
        if self.family == "arm" and re.match(rf"(bx|pop)({ARM_CONDITIONS})", instruction.name):
            return following
        if re.match(r"(tbb|tbh|\.word|\.short|udf)", instruction.name):
            return ["data"]  # refused if anything leads here
        return following

    def components(self):
        """Strongly connected components (Tarjan): those with more than one instruction are loops."""
        order, low, component, stack, count = {}, {}, {}, [], [0]

        def visit(i):
            order[i] = low[i] = count[0]
            count[0] += 1
            stack.append(i)
            for j in self.next[i]:
                if j == "special":
                    continue
                if j == "data":
                    raise Refused(f"{self.name}: runs into {self.code[i].name}")
                if j not in order:
                    visit(j)
                    low[i] = min(low[i], low[j])
                elif j not in component:
                    low[i] = min(low[i], order[j])
            if low[i] == order[i]:
                members = []
                while not members or members[-1] != i:
                    members.append(stack.pop())
                    component[members[-1]] = i

        visit(0)
        return component

    def longest(self, levels):
        """Instructions from entry to return at most; each loop taken as often as `levels` allows."""
        component = self.components()
        members = {}
        for i, root in component.items():
            members.setdefault(root, []).append(i)
        rounds, back = {}, set()
        for root, inside in members.items():
            if len(inside) == 1 and inside[0] not in self.next[inside[0]]:
                continue
            if levels == 0:
                raise Refused(f"{self.name}: has a loop")
            climbs = any(self.stores(i) for i in inside)
            rounds[root] = levels if climbs else levels - 1
            back |= self.back_edges(set(inside), component)
        known = {}

        def best(i, turn):
            if (i, turn) in known:
                return known[i, turn]
            known[i, turn] = None  # being looked at
            most = None if self.next[i] else 0
            for j in self.next[i]:
                if j == "special":
                    continue
                if component[j] != component[i]:
                    ahead = best(j, 0)
                elif (i, j) in back:
                    ahead = best(j, turn + 1) if turn < rounds[component[i]] else None
                else:
                    ahead = best(j, turn)
                if ahead is not None and (most is None or ahead > most):
                    most = ahead
            known[i, turn] = None if most is None else most + 1
            return known[i, turn]

        return best(0, 0), len(rounds)

    def back_edges(self, inside, component):
        """Edges of a loop that lead to where it is entered. There must be one such place."""
        entries = {j for i in component for j in self.next[i]
                   if j in inside and i not in inside}
        entries |= {0} & inside
        if len(entries) != 1:
            raise Refused(f"{self.name}: a loop with {len(entries)} entries")
        entry = entries.pop()
        rest = inside - {entry}
        seen, open_nodes = set(), set()

        def visit(i):  # a cycle that avoids the entry would be a loop in the loop
            if i in open_nodes:
                raise Refused(f"{self.name}: a loop inside a loop")
            if i in seen:
                return
            seen.add(i)
            open_nodes.add(i)
            for j in self.next[i]:
                if j in rest:
                    visit(j)
            open_nodes.discard(i)

        for i in rest:
            visit(i)
        return {(i, entry) for i in inside if entry in self.next[i]}


def objdump_of(compiler):
    return "objdump" if compiler == "gcc" else compiler.replace("gcc", "objdump")


def functions_of(target, folder):
    """All functions of the rt sources, compiled for a target; None if it has no compiler here."""
    compiler, flags = TARGETS[target]
    if shutil.which(compiler) is None:
        return None
    functions = {}
    for source in ["rt", *("rt_" + engine for engine in ENGINES if "tight" not in engine)]:
        made = pathlib.Path(folder) / f"{target}.{source}.o"
        subprocess.run([compiler, *flags, *WARN, "-c", f"src/pools/{source}.c", "-o", made], check=True)
        listing = subprocess.run([objdump_of(compiler), "-dr", "--no-show-raw-insn", made], check=True,
                                 capture_output=True, text=True)
        functions.update(disassemble(listing.stdout))
    return functions


def bounds_of(target, functions):
    """(engine, operation) to (instructions with one level, and for each further one)."""
    bounds = {}
    for operation in OPERATIONS:
        way, _ = Flow(target, f"acre_rt_{operation}", functions[f"acre_rt_{operation}"]).longest(0)
        for engine in ENGINES:
            # TIGHT allocates in its own way, and is EXACT in everything else.
            name = f"rt_{engine if operation == 'alloc' else engine.replace('tight', 'exact')}_{operation}"
            flow = Flow(target, name, functions[name])
            if engine.startswith("quick"):
                most, _ = flow.longest(0)
                bounds[engine, operation] = (way + most, 0)
                continue
            one, two, three = (flow.longest(levels)[0] for levels in (1, 2, 3))
            if three - two != two - one:
                raise Refused(f"{name}: not linear in its levels")
            bounds[engine, operation] = (way + one, two - one)
    return bounds


ROW = re.compile(r"\{(\d+), (\d+), (\d+), (\d+)\}")


def rows_said():
    """What src/pools/rt_bounds.h says: target to bounds."""
    text = pathlib.Path("src/pools/rt_bounds.h").read_text(encoding="utf-8")
    said = {}
    for target, rows in re.findall(r'#define RT_BOUND_TARGET\s+"([\w-]+)"(.*?)(?=#el|#endif)', text, re.S):
        said[target] = {}
        for engine, row in zip(ENGINES, ROW.findall(rows)):
            alloc, alloc_level, free, free_level = map(int, row)
            said[target][engine, "alloc"] = (alloc, alloc_level)
            said[target][engine, "free"] = (free, free_level)
    return said


def at(bound, levels):
    return bound[0] + (levels - 1) * bound[1]


def check(target, bounds, said):
    """What is wrong with a target's bounds."""
    wrong = []
    for key, bound in bounds.items():
        told = said.get(target, {}).get(key)
        if told is None or told[0] < bound[0] or told[1] < bound[1]:
            wrong.append(f"{target}: {' '.join(key)}: rt_bounds.h says {told}, the code takes {bound}")
        if target == "cortex-m4" and key in PROMISED and at(bound, PROMISED_LEVELS) > PROMISED[key]:
            wrong.append(f"{target}: {' '.join(key)}: {at(bound, PROMISED_LEVELS)} instructions, "
                         f"{PROMISED[key]} were promised")
    return wrong


def print_table(target, bounds):
    for engine in ENGINES:
        words = [f"{target:10s} {engine:11s}"]
        for operation in OPERATIONS:
            first, level = bounds[engine, operation]
            words.append(f"{operation} {first:4d} + {level:3d} a level" if level
                         else f"{operation} {first:4d}              ")
        if not engine.startswith("quick"):
            words.append("; 64 KiB of 8: " + " / ".join(
                str(at(bounds[engine, operation], PROMISED_LEVELS)) for operation in OPERATIONS))
        print("  ".join(words).rstrip())


def witness(bounds, folder):
    """Runs the calls on a Cortex-M4 in QEMU. Returns what is wrong, or None if it cannot run here."""
    if shutil.which("qemu-system-arm") is None:
        print("skip witness: no qemu-system-arm")
        return []
    compiler, flags = TARGETS["cortex-m4"]
    image = pathlib.Path(folder) / "witness.elf"
    sources = ["src/base/text.c", *sorted(map(str, pathlib.Path("src/pools").glob("rt*.c")))]
    subprocess.run([compiler, *flags, *WARN, "-nostdlib", "-T", "tests/bounds/cortex_m4.ld",
                    "tests/bounds/cortex_m4.S", "tests/bounds/rt_witness.c", *sources, "-o", image],
                   check=True)
    done = subprocess.run(["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial",
                           "none", "-semihosting-config", "enable=on,target=native", "-icount", "shift=10",
                           "-kernel", image], capture_output=True, text=True, timeout=240, check=False)
    wrong = []
    if done.returncode != 0:
        wrong.append(f"witness: status {done.returncode}: {done.stdout}{done.stderr}")
    seen = re.findall(r"^(\w+) (\w+) most (\d+) mean (\d+) calls (\d+)$", done.stdout + done.stderr, re.M)
    if len(seen) != 6:
        wrong.append(f"witness: {len(seen)} lines of 6")
    for engine, operation, most, mean, calls in seen:
        bound = at(bounds[engine, operation], PROMISED_LEVELS)
        print(f"witness    {engine:11s}  {operation}: most {most}, mean {mean}, bound {bound}; {calls} calls")
        if int(most) > bound:
            wrong.append(f"witness: {engine} {operation} took {most} instructions, the bound is {bound}")
        if int(calls) < 1000 or int(most) < bound // 2:
            wrong.append(f"witness: {engine} {operation} was not put to the test")
    return wrong


SELF_TEST = """
00000000 <straight>:
   0:\tcmp\tr0, #0
   2:\tbeq.n\t6 <straight+0x6>
   4:\tadds\tr0, #1
   6:\tbx\tlr

00000010 <looped>:
  10:\tldrh\tr1, [r0, #0]
  12:\tstrh\tr1, [r0, #2]
  14:\tbne.n\t10 <looped>
  16:\tbx\tlr

00000020 <calls>:
  20:\tbl\t0 <straight>
  24:\tbx\tlr

00000030 <special>:
  30:\tcmp\tr0, #0
  32:\tbne.n\t38 <special+0x8>
  34:\tbx\tr3
  38:\tb.w\t0 <special_alloc>
\t\t\t38: R_ARM_THM_JUMP24\tspecial_alloc
"""


def self_test():
    functions = disassemble(SELF_TEST)

    def flow(name):
        return Flow("cortex-m4", name, functions[name])

    assert flow("straight").longest(0)[0] == 4
    assert flow("looped").longest(3)[0] == 3 + 3 * 3 + 1  # stores: climbs, three times back
    assert flow("special").longest(0)[0] == 3
    for name in ("looped", "calls"):
        try:
            flow(name).longest(0)
        except Refused:
            continue
        raise AssertionError(name)
    bounds = {("quick", "alloc"): (191, 0)}
    assert len(check("cortex-m4", bounds, {"cortex-m4": {("quick", "alloc"): (190, 0)}})) == 2
    assert not check("cortex-m0", bounds, {"cortex-m0": {("quick", "alloc"): (191, 0)}})
    print("self-test: a loop, a call and a longer path are noticed")


def main():
    parser = argparse.ArgumentParser(description="Longest paths through acre_rt_alloc and acre_rt_free.")
    parser.add_argument("--witness", action="store_true")
    parser.add_argument("--rows", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        self_test()
        return 0
    said, wrong = rows_said(), []
    with tempfile.TemporaryDirectory() as folder:
        for target in TARGETS:
            functions = functions_of(target, folder)
            if functions is None:
                print(f"skip {target}: no compiler")
                continue
            bounds = bounds_of(target, functions)
            print_table(target, bounds)
            if options.rows:
                for engine in ENGINES:
                    print("    {%d, %d, %d, %d}," % (*bounds[engine, "alloc"], *bounds[engine, "free"]))
            wrong += check(target, bounds, said)
            if target == "cortex-m4" and options.witness:
                wrong += witness(bounds, folder)
    for line in wrong:
        print("FAIL", line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.setrecursionlimit(1000000)
    threading.stack_size(512 << 20)
    STATUS = []
    thread = threading.Thread(target=lambda: STATUS.append(main()))
    thread.start()
    thread.join()
    sys.exit(STATUS[0] if STATUS else 1)
