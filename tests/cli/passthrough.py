#!/usr/bin/env python3
"""passthrough.py - `acre run` is invisible: status, streams, arguments, environment, descriptors.

SPDX-License-Identifier: MIT
"""
import os
import sys

import cli


def case_exit_status_is_the_programs(bench):
    for way in cli.WAYS:
        for status in (0, 1, 2, 42, 125, 126, 127, 128, 255):
            done = bench.run("run", *way, "--", "sh", "-c", f"exit {status}")
            cli.equal(done.returncode, status, f"exit status with {way}")
            cli.equal((done.stdout, done.stderr), (b"", b""), "output")


def case_streams_pass_bytes_unchanged(bench):
    data = os.urandom(3 << 20)
    for way in cli.WAYS:
        done = bench.run("run", *way, "cat", input=data)
        cli.true(done.stdout == data, f"stdout is stdin with {way}")
        cli.equal((done.returncode, done.stderr), (0, b""), "status and stderr")
        done = bench.run("run", *way, "sh", "-c", "cat >&2", input=data)
        cli.true(done.stderr == data, f"stderr is stdin with {way}")
        cli.equal(done.stdout, b"", "stdout")


def case_a_reader_that_stops_ends_the_program_by_sigpipe(bench):
    for way in cli.WAYS:
        process = bench.start("run", *way, "yes")
        process.stdout.read(10)
        process.stdout.close()
        cli.equal(process.wait(cli.TIMEOUT_S), -13, f"status with {way}")
        process.stderr.close()


def case_arguments_pass_unchanged(bench):
    words = ["", "two words", "-x", "--stats", "--", "a\nb", "'\"\\$`*", b"\xff\xfe".decode(
        errors="surrogateescape")]
    expected = b"".join(os.fsencode(word) + b"\0" for word in words)
    for way in cli.WAYS:
        for dashes in ((), ("--",)):
            done = bench.run("run", *way, *dashes, "printf", "%s\\0", *words)
            cli.equal(done.stdout, expected, f"arguments with {way} {dashes}")


def case_argument_0_is_what_was_typed(bench):
    for way in cli.WAYS:
        done = bench.run("run", *way, "cat", "/proc/self/cmdline")
        cli.equal(done.stdout, b"cat\0/proc/self/cmdline\0", "command line")


def environment(done):
    return dict(item.split(b"=", 1) for item in done.stdout.split(b"\0") if item)


def case_environment_gains_ld_preload_and_nothing_else(bench):
    expected = {os.fsencode(name): os.fsencode(value) for name, value in bench.env.items()}
    expected[b"LD_PRELOAD"] = os.fsencode(bench.library)
    cli.equal(environment(bench.run("run", "env", "-0")), expected, "environment")


def case_ld_preload_of_the_user_stays_behind_acres(bench):
    other = bench.compile("libother.so", "int acre_test_other;", "-shared", "-fPIC")
    third = bench.compile("libthird.so", "int acre_test_third;", "-shared", "-fPIC")
    for way in cli.WAYS:
        for old in (f"{other}:{third}", f"{other} {third}", f"{other}:{bench.library}:{third}"):
            done = bench.run("run", *way, "env", "-0", env={"LD_PRELOAD": old})
            cli.equal(environment(done)[b"LD_PRELOAD"].decode(),
                      f"{bench.library}:{other}:{third}", f"LD_PRELOAD with {way}")


def case_acre_conf_of_the_user_stays_before_acres(bench):
    def conf(*words, value="limit=1G"):
        done = bench.run("run", *words, "env", "-0", env={"ACRE_CONF": value})
        return environment(done).get(b"ACRE_CONF", b"").decode()
    cli.equal(conf(), "limit=1G", "without options")
    cli.equal(conf("--slots=thread"), "limit=1G,slots=thread", "with --slots")
    cli.equal(conf("--slots", "auto", value=""), "slots=auto", "with --slots alone")
    watched = conf(*cli.WATCH)
    cli.true(watched.startswith("limit=1G,stats=json,stats_fd="), watched)


def case_the_program_is_on_acre(bench):
    for way in cli.WAYS:
        done = bench.run("run", *way, "cat", "/proc/self/maps")
        cli.true(os.fsencode(bench.library) in done.stdout, f"library is mapped with {way}")


def case_acre_becomes_the_program_when_nothing_is_to_be_told(bench):
    process = bench.start("run", "sh", "-c", "echo $$")
    out, _ = process.communicate(timeout=cli.TIMEOUT_S)
    cli.equal(int(out), process.pid, "process number")


def case_process_group_and_session_stay(bench):
    source = "import os; print(os.getpgrp(), os.getsid(0), os.getcwd(), oct(os.umask(0)))"
    mask = os.umask(0o22)
    os.umask(mask)
    expected = f"{os.getpgrp()} {os.getsid(0)} {bench.dir} {oct(mask)}\n"
    for way in cli.WAYS:
        done = bench.run("run", *way, sys.executable, "-c", source, cwd=bench.dir)
        cli.equal(done.stdout.decode(), expected, f"with {way}")


def descriptors(done):
    # ls has one of its own for the directory.
    return sorted(int(name) for name in done.stdout.split())


def case_descriptors_are_inherited_and_none_is_added_in_sight(bench):
    reader, writer = os.pipe()
    listing = ("sh", "-c", "ls /proc/$$/fd; :")
    # A number in the teens, where a script would expect its own.
    os.dup2(writer, 17)
    os.set_inheritable(17, True)
    done = bench.run("run", *listing, close_fds=False)
    found = [fd for fd in descriptors(done) if fd > 2]
    cli.true(17 in found, "descriptor 17 is there")
    done = bench.run("run", *cli.WATCH, *listing, close_fds=False)
    added = sorted(set(descriptors(done)) - {0, 1, 2} - set(found))
    cli.equal(len(added), 1, "descriptors added")
    cli.true(added[0] >= 900, f"the added descriptor is out of the way: {added}")
    for fd in (reader, writer, 17):
        os.close(fd)


def case_closed_streams_stay_closed(bench):
    for fd in (0, 1, 2):
        for way in cli.WAYS:
            report = bench.dir / "report"
            # The program looks at its own descriptor; the report goes to a file.
            program = f"import os\ntry: os.fstat({fd}); state = 'open'\nexcept OSError: " \
                f"state = 'closed'\nopen({str(report)!r}, 'w').write(state)"
            done = bench.run("run", *way, sys.executable, "-c", program,
                             preexec_fn=lambda fd=fd: os.close(fd))
            cli.equal(done.returncode, 0, "exit status")
            cli.equal(report.read_text(), "closed", f"descriptor {fd} with {way}")
            cli.equal((done.stdout, done.stderr), (b"", b""), "output")


def case_a_program_in_the_path_and_with_a_slash(bench):
    bench.write("bin/hello", "#!/bin/sh\necho hello $1\n", 0o755)
    for way in cli.WAYS:
        done = bench.run("run", *way, "hello", "you", env={
            "PATH": f"/nonexistent:{bench.dir}/bin:{bench.env['PATH']}"})
        cli.equal(done.stdout, b"hello you\n", "found in PATH")
        done = bench.run("run", *way, "./hello", "you", cwd=bench.dir / "bin")
        cli.equal(done.stdout, b"hello you\n", "with a slash")
        done = bench.run("run", *way, "hello", "you", cwd=bench.dir / "bin",
                         env={"PATH": f":{bench.env['PATH']}"})
        cli.equal(done.stdout, b"hello you\n", "an empty element of PATH is the current directory")


cli.main(sys.modules[__name__])
