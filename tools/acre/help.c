// help.c - what `acre --help` and its like print. The man pages say the same at more length.
// SPDX-License-Identifier: MIT
#include "help.h"

#include <stdio.h>

#include "report.h"

// Without the extension for long strings: each stays below the 4095 bytes that C11 promises.
const char help_acre_text[] =
    "usage: acre COMMAND [ARGUMENTS]\n"
    "\n"
    "acre is a memory allocator; this command runs programs on it.\n"
    "\n"
    "  acre run -- PROGRAM ARGS            run a program on acre\n"
    "  acre run --stats -- PROGRAM ARGS    ... and say what it used\n"
    "  acre run --compare -- PROGRAM ARGS  compare acre with the system's malloc and others\n"
    "  acre bench --quick                  compare them in every way of using memory\n"
    "\n"
    "  acre help [COMMAND]                 this text, or that of a command\n"
    "  acre --version                      version, and where libacre.so is\n"
    "\n"
    "Manual pages: acre(1), acre-run(1), acre-bench(1), acre_options(5).\n";

const char help_run_text[] =
    "usage: acre run [OPTIONS] [--] PROGRAM [ARGS]\n"
    "\n"
    "Runs PROGRAM with acre in place of the system's malloc. Nothing else changes: exit status,\n"
    "signals, stdin, stdout and stderr are the program's own.\n"
    "\n"
    "  --stats           at the end, a summary of time, memory and heap on stderr\n"
    "  --stats=json      the same as one line of JSON on stderr\n"
    "  --json FILE       the same as JSON in FILE, '-' is stdout; with --compare, the comparison\n"
    "  --slots=BINDING   auto, rseq or thread: how acre finds its slot (acre_options(5))\n"
    "  --help            this text\n"
    "\n"
    "Measuring: PROGRAM is run several times, its output is thrown away.\n"
    "\n"
    "  --compare         a table: the system's malloc, acre and every allocator found installed\n"
    "  --repeat N        N measured rounds, after one that does not count when N is above 1;\n"
    "                    5 with --compare unless given, and without it acre alone\n"
    "  --peers NAMES     only these of mimalloc, jemalloc, tcmalloc, tbbmalloc; or 'none'\n"
    "  --with NAME=FILE  also the allocator in the shared library FILE\n"
    "  --input FILE      what PROGRAM reads as stdin in each run, instead of nothing\n"
    "  --show-output     let PROGRAM's output through\n"
    "\n"
    "Exit status: PROGRAM's. 2: bad usage. 125: acre itself failed. 126: PROGRAM cannot be run, "
    "or\n"
    "not on acre (static, setuid, another machine's). 127: there is no such program.\n";

const char help_bench_text[] =
    "usage: acre bench [OPTIONS]\n"
    "\n"
    "Runs pattern programs, one for each way of using memory, and real programs on the system's\n"
    "malloc, on acre and on every allocator found installed; prints tables of time and memory.\n"
    "Runs are interleaved in shuffled order; the first round does not count.\n"
    "\n"
    "  --list              what there is to run, and what is skipped here, and why\n"
    "  --only NAMES        only these tests or groups: single, rows, memory, whole, idle, "
    "patterns,\n"
    "                      jobs; separated by commas; may be given several times\n"
    "  --quick             about a tenth of the work, and 3 rounds\n"
    "  --rounds N          N rounds that count (5)\n"
    "  --allocators NAMES  only these, and what --with and --conf name\n"
    "  --with NAME=FILE    also the allocator in the shared library FILE\n"
    "  --conf NAME=OPTIONS also acre with these options, as ACRE_CONF has them\n"
    "  --clock CLOCK       wall or cpu: what time means in charts and judgements (wall)\n"
    "  --seed N            other random numbers in the tests, and a fixed order of the runs\n"
    "  --json FILE         all numbers; written while it runs\n"
    "  --html FILE         one page with charts\n"
    "  --resume FILE       goes on with what --json FILE left unfinished\n"
    "  --help              this text\n"
    "\n"
    "Exit status: 0: all was measured. 1: a run failed. 2: bad usage. 125: acre itself failed.\n"
    "130: interrupted; a line says how to go on.\n";

int help_print(const char *text)
{
    fputs(text, stdout);
    return report_close(stdout, "-");
}
