#!/usr/bin/env python3
"""measure_rt_memory.py - memory that rt heaps need for real programs, over their peak of live bytes.

    measure_rt_memory.py [--check]

Records what six programs ask of malloc (bench/traces/record.c, preloaded), and finds for each engine by
halving the least memory, bookkeeping included, in which an rt heap serves all of it
(bench/traces/rt_need.c). Beside them, what no heap of blocks in whole granules of 16 bytes can be below, and what
best fit needs without any bookkeeping. With --check the status is 1 if TIGHT or QUICK needs more than 1.15 of
the peak and more than 1.06 of what best fit needs; programs that cannot be recorded here are named.

SPDX-License-Identifier: MIT
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

LIMIT = 1.15
OVER_BEST_FIT = 1.06

SQL = """create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i+1 from n where i<8000)
  insert into t select i, 'row number '||i, i*0.5 from n;
select count(*), sum(c) from t where b like '%7%';
"""
# Two sorts, each in an array that doubles up to half of the program's peak.
SORT = """create index tb on t(b);
select b, count(*) from t group by substr(b, 1, 13) order by 2 desc limit 5;
"""
LUA = """local t = {}
for i = 1, 3000 do t[i] = {name = "item" .. i, next = t[i - 1], list = {i, i * 2}} end
for i = 1, 3000, 3 do t[i] = nil end
collectgarbage()
local s = {}
for i = 1, 4000 do s[#s + 1] = string.rep("x", i % 90) .. i end
print(#table.concat(s))
"""
C = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct node { struct node *left, *right; int key; };
static struct node *insert(struct node *n, int key)
{ if (!n) { n = calloc(1, sizeof *n); n->key = key; return n; }
  if (key < n->key) n->left = insert(n->left, key); else n->right = insert(n->right, key); return n; }
int main(void) { struct node *n = 0; for (int i = 0; i < 1000; i++) n = insert(n, rand());
  printf("%d\\n", n->key); return 0; }
"""
PERL = ("my %h; for my $i (1 .. 3000) { $h{\"key $i\"} = [map { $_ * $i } 1 .. ($i % 9)]; }"
        "delete @h{grep { /7/ } keys %h}; my $n = 0; $n += @$_ for values %h; print \"$n\\n\";")


def programs(folder):
    """name: command, input."""
    (folder / "t.c").write_text(C, encoding="utf-8")
    (folder / "t.lua").write_text(LUA, encoding="utf-8")
    subprocess.run(["gcc", "-E", folder / "t.c", "-o", folder / "t.i"], check=True)
    cc1 = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True, check=False)
    return {
        "openssl": (["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=acre",
                     "-keyout", folder / "key", "-out", folder / "crt"], ""),
        "sqlite3": (["sqlite3", ":memory:"], SQL),
        "sorts": (["sqlite3", ":memory:"], SQL + SORT),
        "cc1": ([cc1.stdout.strip(), "-quiet", "-O2", folder / "t.i", "-o", folder / "t.s"], ""),
        "lua": (["lua5.4", folder / "t.lua"], ""),
        "perl": (["perl", "-e", PERL], ""),
    }


def build(folder):
    compiler = os.environ.get("CC", "cc")
    sources = sorted(map(str, pathlib.Path("src/pools").glob("rt*.c")))
    subprocess.run([compiler, "-O2", "-fPIC", "-shared", "bench/traces/record.c", "-o", folder / "record.so"],
                   check=True)
    subprocess.run([compiler, "-std=gnu11", "-O2", "-Iinclude", "-Isrc", "-Iports/bare",
                    "bench/traces/rt_need.c", *sources, "-o", folder / "rt_need"], check=True)


def measure(folder, name, command, given):
    """What rt_need prints; None if the program is not here."""
    if shutil.which(command[0]) is None:
        return None
    trace = folder / f"{name}.trace"
    environment = {**os.environ, "LD_PRELOAD": str(folder / "record.so"), "REC_FILE": str(trace)}
    done = subprocess.run(list(map(str, command)), input=given, text=True, capture_output=True,
                          env=environment, check=False)
    if done.returncode != 0 or not trace.exists():
        raise RuntimeError(f"{name}: status {done.returncode}: {done.stderr}")
    found = subprocess.run([folder / "rt_need", trace], capture_output=True, text=True, check=True)
    return tuple(map(int, found.stdout.split()))


def main():
    parser = argparse.ArgumentParser(description="Memory of rt heaps over the peak of live bytes.")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    over = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        build(folder)
        print(f"{'program':10s}{'events':>9s}{'peak bytes':>12s}{'granules':>10s}{'best fit':>10s}"
              f"{'EXACT':>8s}{'TIGHT':>8s}{'QUICK':>8s}")
        for program, (command, given) in programs(folder).items():
            found = measure(folder, program, command, given)
            if found is None:
                print(f"skip {program}: not here")
                continue
            events, peak, whole, best, *needed = found
            over += sum(bytes_needed > LIMIT * peak and bytes_needed > OVER_BEST_FIT * best
                        for bytes_needed in needed[1:])
            print(f"{program:10s}{events:9d}{peak:12d}{whole / peak:10.3f}{best / peak:10.3f}"
                  + "".join(f"{bytes_needed / peak:8.3f}" for bytes_needed in needed))
    if over:
        print(f"{over} of TIGHT and QUICK over {LIMIT} of the peak and {OVER_BEST_FIT} of best fit")
    return 1 if options.check and over else 0


if __name__ == "__main__":
    sys.exit(main())
