#!/usr/bin/env python3
"""usage.py - help, version, and the one line that each wrong command line gets.

SPDX-License-Identifier: MIT
"""
import os
import re
import sys

import cli

# Words, and the line. The status is 2.
WRONG = (
    ((), "no command; try 'acre --help'"),
    (("x",), "unknown command 'x'; try 'acre --help'"),
    (("",), "unknown command ''; try 'acre --help'"),
    (("rnu", "ls"), "unknown command 'rnu'; did you mean 'acre run'?"),
    (("runn",), "unknown command 'runn'; did you mean 'acre run'?"),
    (("hepl",), "unknown command 'hepl'; did you mean 'acre help'?"),
    (("--hlep",), "unknown option '--hlep'; did you mean 'acre --help'?"),
    (("--verison",), "unknown option '--verison'; did you mean 'acre --version'?"),
    (("-x",), "unknown option '-x'; try 'acre --help'"),
    (("--version", "now"), "unexpected argument 'now'; try 'acre --help'"),
    (("--help", "me"), "unexpected argument 'me'; try 'acre --help'"),
    (("help", "nosuch"), "unknown command 'nosuch'; try 'acre --help'"),
    (("help", "ru"), "unknown command 'ru'; did you mean 'acre help run'?"),
    (("help", "run", "fast"), "unexpected argument 'fast'; try 'acre --help'"),
    (("run",), "no program to run; try 'acre run --help'"),
    (("run", "--"), "no program to run; try 'acre run --help'"),
    (("run", "--stats"), "no program to run; try 'acre run --help'"),
    (("run", "--stat", "true"), "unknown option '--stat'; did you mean '--stats'?"),
    (("run", "--comapre", "true"), "unknown option '--comapre'; did you mean '--compare'?"),
    (("run", "--peer=none", "true"), "unknown option '--peer'; did you mean '--peers'?"),
    (("run", "--fast", "true"), "unknown option '--fast'; try 'acre run --help'"),
    (("run", "-s", "true"), "unknown option '-s'; try 'acre run --help'"),
    (("run", "-", "true"), "unknown option '-'; try 'acre run --help'"),
    (("run", "--compare=all", "true"), "--compare takes no value; try 'acre run --help'"),
    (("run", "--json"), "--json needs a value; try 'acre run --help'"),
    (("run", "--stats=xml", "true"),
     "'xml' is no form of --stats; use --stats or --stats=json"),
    (("run", "--repeat", "0", "true"),
     "'0' is no count for --repeat; use a number from 1 to 1000"),
    (("run", "--repeat=1001", "true"),
     "'1001' is no count for --repeat; use a number from 1 to 1000"),
    (("run", "--repeat", "-1", "true"),
     "'-1' is no count for --repeat; use a number from 1 to 1000"),
    (("run", "--repeat", " 5", "true"),
     "' 5' is no count for --repeat; use a number from 1 to 1000"),
    (("run", "--repeat", "2x", "true"),
     "'2x' is no count for --repeat; use a number from 1 to 1000"),
    (("run", "--repeat", "99999999999999999999999", "true"),
     "'99999999999999999999999' is no count for --repeat; use a number from 1 to 1000"),
    (("run", "--slots=cpu", "true"), "'cpu' is no value for --slots; use auto, rseq or thread"),
    (("run", "--with", "x", "--compare", "true"),
     "'x' is no value for --with; use --with NAME=FILE.so"),
    (("run", "--compare", "--with", "x=/etc/passwd", "true"),
     "'/etc/passwd' is no shared library that can be preloaded; use --with NAME=FILE.so"),
    (("run", "--compare", "--with", "acre=/etc/passwd", "true"),
     "the name 'acre' is taken; use another for --with"),
    (("run", "--compare", "--peers", "dlmalloc", "true"),
     "unknown allocator 'dlmalloc' for --peers; use mimalloc, jemalloc, tcmalloc, tbbmalloc or "
     "none, or --with NAME=FILE.so"),
    (("run", "--with", "x=y", "true"), "--with is for --compare; add --compare"),
    (("run", "--peers", "none", "true"), "--peers is for --compare; add --compare"),
    (("run", "--input", "f", "true"), "--input is for --compare and --repeat; add one of them"),
    (("run", "--show-output", "true"),
     "--show-output is for --compare and --repeat; add one of them"),
    (("run", "--stats", "--compare", "true"),
     "--stats is for a single run; leave it out, or --compare and --repeat"),
    (("run", "--stats=json", "--repeat", "2", "true"),
     "--stats is for a single run; leave it out, or --compare and --repeat"),
)


def case_each_wrong_command_line_gets_one_line_and_status_2(bench):
    for words, line in WRONG:
        cli.one_line(bench.run(*words), 2, "acre: " + line)


def case_a_line_stays_one_line_whatever_the_user_typed(bench):
    cli.one_line(bench.run("a\nb\x1b[2J"), 2, "acre: unknown command 'a?b?[2J'; try 'acre --help'")
    long_word = "x" * 20000
    done = bench.run(long_word)
    cli.equal(done.stderr.count(b"\n"), 1, "lines")
    cli.equal(done.returncode, 2, "exit status")


def case_help_goes_to_stdout_with_status_0(bench):
    general = bench.run("--help")
    cli.equal((general.returncode, general.stderr), (0, b""), "acre --help")
    cli.true(general.stdout.startswith(b"usage: acre COMMAND"), "acre --help shows the usage")
    for words in (("help",), ("-h",), ("help", "--help"), ("help", "help")):
        done = bench.run(*words)
        cli.equal((done.returncode, done.stdout, done.stderr), (0, general.stdout, b""), words)
    for name, option in (("run", "--stats"), ("bench", "--quick")):
        told = bench.run("help", name)
        cli.equal((told.returncode, told.stderr), (0, b""), f"acre help {name}")
        cli.true(told.stdout.startswith(f"usage: acre {name}".encode()), f"usage of {name}")
        for words in ((name, "--help"), (name, "-h"), (name, option, "--help")):
            done = bench.run(*words)
            cli.equal((done.returncode, done.stdout, done.stderr), (0, told.stdout, b""), words)


def case_help_fits_a_terminal(bench):
    for words in (("--help",), ("help", "run"), ("help", "bench")):
        for line in bench.run(*words).stdout.decode().split("\n"):
            cli.true(len(line) <= 100, f"too long: {line}")


def case_a_program_keeps_its_own_help_option(bench):
    done = bench.run("run", "echo", "--help-me")
    cli.equal((done.returncode, done.stdout), (0, b"--help-me\n"), "echo")


def case_version_names_the_version_and_the_library(bench):
    for word in ("--version", "-V"):
        done = bench.run(word)
        cli.equal((done.returncode, done.stderr), (0, b""), word)
        lines = done.stdout.decode().split("\n")
        cli.true(re.fullmatch(r"acre \d+\.\d+\.\d+", lines[0]), f"version: {lines[0]}")
        cli.equal(lines[1:], [f"library: {bench.library}", ""], "library")


def case_version_says_when_there_is_no_library(bench):
    done = bench.run("--version", env={"ACRE_LIBRARY": "/nonexistent.so"})
    cli.equal(done.returncode, 0, "exit status")
    cli.equal(done.stdout.decode().split("\n")[1],
              "library: none: cannot read '/nonexistent.so', which ACRE_LIBRARY names", "library")


def case_a_full_stdout_is_an_error(bench):
    if not os.path.exists("/dev/full"):
        raise cli.Skip("no /dev/full")
    with open("/dev/full", "wb") as full:
        for words in (("--help",), ("--version",), ("run", "--help")):
            done = bench.run(*words, stdout=full)
            cli.equal(done.stderr, b"acre: cannot write 'stdout': No space left on device\n", words)
            cli.equal(done.returncode, 125, "exit status")


cli.main(sys.modules[__name__])
