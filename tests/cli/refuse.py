#!/usr/bin/env python3
"""refuse.py - programs that cannot be run, or not on acre: one line, and the status of a shell.

Where acre refuses because the kernel would drop LD_PRELOAD, the case shows that the kernel does;
and where it does not refuse, that the program really is on acre.

SPDX-License-Identifier: MIT
"""
import os
import shutil
import subprocess
import sys

import cli

NOBODY = 65534

# Prints 1 if the kernel asked for secure execution, and whether acre is there.
SECURE = r"""
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
int main(void)
{
    char line[4096];
    int on_acre = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        on_acre |= strstr(line, "libacre.so") != NULL;
    }
    printf("secure %lu, acre %d\n", getauxval(AT_SECURE), on_acre);
    return 0;
}
"""


def case_a_program_that_is_not_there_is_127(bench):
    for name in ("no-such-program", "./no-such-program", "/etc/passwd/x", ""):
        cli.one_line(bench.run("run", "--", name), 127, f"acre: cannot run '{name}': not found")
        cli.one_line(bench.run("run", *cli.WATCH, "--", name), 127,
                     f"acre: cannot run '{name}': not found")


def case_a_file_that_is_no_program_is_126(bench):
    plain = bench.write("plain", "echo hello\n", 0o644)
    cli.one_line(bench.run("run", plain), 126, f"acre: cannot run '{plain}': Permission denied")
    cli.one_line(bench.run("run", "plain", env={"PATH": str(bench.dir)}), 126,
                 "acre: cannot run 'plain': Permission denied")
    cli.one_line(bench.run("run", "/etc"), 126, "acre: cannot run '/etc': Is a directory")
    binary = bench.write("binary", b"\x01\x02\x00\x03" * 100, 0o755)
    cli.one_line(bench.run("run", binary), 126, f"acre: cannot run '{binary}': it is not a program")


def case_a_program_later_in_the_path_wins_over_a_plain_file(bench):
    bench.write("first/tool", "", 0o644)
    bench.write("second/tool", "#!/bin/sh\necho second\n", 0o755)
    (bench.dir / "zeroth/tool").mkdir(parents=True)
    path = ":".join(str(bench.dir / name) for name in ("zeroth", "first", "second"))
    cli.equal(bench.run("run", "tool", env={"PATH": path}).stdout, b"second\n", "output")


def case_static_programs_are_refused(bench):
    source = "int main(void) { return 0; }"
    tried = 0
    for name, flags in (("static", ["-static"]), ("static-pie", ["-static-pie"])):
        try:
            path = bench.compile(name, source, *flags)
        except cli.Skip:
            continue
        tried += 1
        for way in cli.WAYS:
            cli.one_line(bench.run("run", *way, path), 126,
                         f"acre: cannot run '{path}' on acre: it is statically linked, so that "
                         "nothing can be preloaded")
    if tried == 0:
        raise cli.Skip("the compiler makes no static programs")


def case_the_loader_as_a_program_is_not_taken_for_static(bench):
    interpreter = subprocess.run(["readelf", "-lW", bench.acre], capture_output=True, text=True,
                                 check=False).stdout if shutil.which("readelf") else ""
    if "program interpreter: " not in interpreter:
        raise cli.Skip("no readelf, or acre is static itself")
    loader = interpreter.split("program interpreter: ")[1].split("]")[0]
    done = bench.run("run", loader, shutil.which("cat"), "/proc/self/maps")
    cli.true(os.fsencode(bench.library) in done.stdout, "the program is on acre")


def changed(bench, name, changes):
    """A copy of acre with some bytes changed."""
    with open(bench.acre, "rb") as file:
        data = bytearray(file.read())
    for offset, value in changes.items():
        data[offset] = value
    return bench.write(name, bytes(data), 0o755)


def case_programs_of_other_machines_are_refused(bench):
    with open(bench.acre, "rb") as file:
        own = file.read(20)
    if own[4:6] != b"\2\1":
        raise cli.Skip("written for machines of 64 bits, the lower byte first")
    mips = changed(bench, "mips", {18: 8, 19: 0})
    done = bench.run("run", mips)
    cli.equal(done.returncode, 126, "exit status")
    cli.true(done.stderr.startswith(
        f"acre: cannot run '{mips}' on acre: it is built for mips, and acre for ".encode()),
        done.stderr)
    small = changed(bench, "small", {4: 1, 18: 3, 19: 0})
    done = bench.run("run", small)
    cli.equal(done.returncode, 126, "exit status")
    cli.true(done.stderr.startswith(
        f"acre: cannot run '{small}' on acre: it is a 32-bit program for i386, and acre is 64-bit "
        "for ".encode()), done.stderr)
    cli.equal(done.stderr.count(b"\n"), 1, "lines")


def case_a_program_of_another_c_library_is_refused(bench):
    path = bench.compile("other-libc", "int main(void) { return 0; }",
                         "-Wl,--dynamic-linker=/lib/ld-other.so.1")
    done = bench.run("run", path)
    cli.equal(done.returncode, 126, "exit status")
    cli.true(done.stderr.startswith(
        f"acre: cannot run '{path}' on acre: it uses the C library of '/lib/ld-other.so.1', and "
        "acre that of '".encode()), done.stderr)


def as_user(bench, user, words, program):
    """Runs `words` with `program` behind them as this user, from a place open to it."""
    def change():
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    return subprocess.run([*words, program], env=bench.env, capture_output=True, check=False,
                          stdin=subprocess.DEVNULL, preexec_fn=change if user else None,
                          timeout=cli.TIMEOUT_S)


def privileged(bench):
    """A program for these cases, and an acre that every user can run; or skips."""
    if os.geteuid() != 0:
        raise cli.Skip("only root can make programs setuid to others")
    if os.statvfs(bench.dir).f_flag & os.ST_NOSUID:
        raise cli.Skip(f"{bench.dir} is on a file system without setuid")
    with open("/proc/self/status", encoding="ascii") as status:
        if "NoNewPrivs:\t1" in status.read():
            raise cli.Skip("this process may gain no privileges")
    return bench.copy_command("open", "open"), bench.compile("secure", SECURE)


def check_privilege(bench, acre, program, user, why):
    """Checks that acre refuses with `why`, or runs the program on acre when it is None; and that
    the kernel sees it in the same way."""
    plain = as_user(bench, user, [], program)
    run = as_user(bench, user, [acre, "run"], program)
    if why is None:
        cli.equal(plain.stdout, b"secure 0, acre 0\n", f"the kernel's view as {user}")
        cli.equal((run.stdout, run.stderr, run.returncode), (b"secure 0, acre 1\n", b"", 0),
                  f"as user {user}")
    else:
        cli.equal(plain.stdout, b"secure 1, acre 0\n", f"the kernel's view as {user}")
        cli.one_line(run, 126, f"acre: cannot run '{program}' on acre: it {why}, so that "
                     "LD_PRELOAD is ignored")


def case_setuid_and_setgid_programs_are_refused_where_the_kernel_is_strict(bench):
    acre, program = privileged(bench)
    for owner, group, mode, user, why in (
            (0, 0, 0o755, NOBODY, None),
            (0, 0, 0o4755, NOBODY, "is setuid"),
            (0, 0, 0o4755, 0, None),           # setuid root is nothing special for root
            (NOBODY, 0, 0o4755, 0, "is setuid"),
            (NOBODY, 0, 0o4755, NOBODY, None), # nor setuid to oneself
            (0, 0, 0o2755, NOBODY, "is setgid"),
            (0, NOBODY, 0o2755, NOBODY, None),
            (0, NOBODY, 0o2755, 0, "is setgid"),
            (0, 0, 0o2705, NOBODY, None)):     # mandatory locking, not setgid
        os.chown(program, owner, group)
        os.chmod(program, mode)
        check_privilege(bench, acre, program, user, why)


def case_file_capabilities_are_refused_but_for_root(bench):
    acre, program = privileged(bench)
    setcap = shutil.which("setcap", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
    if setcap is None:
        raise cli.Skip("no setcap")
    for capabilities, why in (("cap_net_raw+ep", "has file capabilities"),
                              ("cap_net_raw+p", "has file capabilities"),
                              ("cap_net_raw+i", None)):
        if subprocess.run([setcap, capabilities, program], capture_output=True,
                          check=False).returncode != 0:
            raise cli.Skip("setcap does not work here")
        check_privilege(bench, acre, program, NOBODY, why)
        check_privilege(bench, acre, program, 0, None)


def case_a_directory_in_the_path_that_may_not_be_searched_is_passed_over(bench):
    acre, _ = privileged(bench)
    closed = bench.dir / "closed"
    closed.mkdir(mode=0o700)
    for name, words, status in (("no-such-program", b"acre: cannot run 'no-such-program': not "
                                 b"found\n", 127), ("true", b"", 0)):
        done = as_user(bench, NOBODY, ["env", f"PATH={closed}:/usr/bin:/bin", acre, "run"], name)
        cli.equal((done.stderr, done.returncode), (words, status), name)


def case_setuid_counts_for_nothing_without_new_privileges(bench):
    acre, program = privileged(bench)
    if shutil.which("setpriv") is None:
        raise cli.Skip("no setpriv")
    os.chmod(program, 0o4755)
    done = as_user(bench, NOBODY, ["setpriv", "--no-new-privs", acre, "run"], program)
    cli.equal((done.stdout, done.stderr), (b"secure 0, acre 1\n", b""), "output")


def case_a_program_that_cannot_be_read_is_left_to_the_kernel(bench):
    acre, program = privileged(bench)
    os.chmod(program, 0o711)
    check_privilege(bench, acre, program, NOBODY, None)


def case_scripts_run_and_their_interpreters_are_looked_at(bench):
    for name, first in (("plain", "#!/bin/sh"), ("spaced", "#! /bin/sh -e"),
                        ("by-env", "#!/usr/bin/env sh"), ("split", "#!/usr/bin/env -S X=1 sh -e"),
                        ("bare", "# no interpreter")):
        script = bench.write(name, f"{first}\ngrep -c libacre /proc/self/maps\n", 0o755)
        for way in cli.WAYS:
            done = bench.run("run", *way, script)
            cli.equal((done.returncode, done.stderr), (0, b""), name)
            cli.true(int(done.stdout) > 0, f"grep of {name} is on acre")
    static = bench.compile("static-shell", "int main(void) { return 0; }", "-static")
    line = "on acre: it is statically linked, so that nothing can be preloaded"
    direct = bench.write("direct", f"#!{static} -x\n", 0o755)
    cli.one_line(bench.run("run", direct), 126, f"acre: cannot run '{static}' {line}")
    indirect = bench.write("indirect", f"#!{direct}\n", 0o755)
    cli.one_line(bench.run("run", indirect), 126, f"acre: cannot run '{static}' {line}")
    by_env = bench.write("by-env", "#!/usr/bin/env -S X=1 static-shell -x\n", 0o755)
    cli.one_line(bench.run("run", by_env, env={"PATH": f"{bench.dir}:{bench.env['PATH']}"}), 126,
                 f"acre: cannot run 'static-shell' {line}")


def case_a_script_without_its_interpreter_is_127(bench):
    script = bench.write("orphan", "#!/nonexistent/shell\n", 0o755)
    for way in cli.WAYS:
        cli.one_line(bench.run("run", *way, script), 127, f"acre: cannot run '{script}': not found")


def case_a_script_that_is_its_own_interpreter_ends(bench):
    script = bench.dir / "loop"
    bench.write("loop", f"#!{script}\n", 0o755)
    done = bench.run("run", str(script))
    cli.equal(done.stderr.count(b"\n"), 1, "lines")
    cli.equal(done.returncode, 126, "exit status")


def case_a_missing_library_is_125(bench):
    alone = bench.copy_command("alone", None)
    done = subprocess.run([alone, "run", "true"], env=bench.env, capture_output=True, check=False)
    cli.one_line(done, 125, f"acre: libacre.so is not in '{bench.dir}/alone' nor in "
                 f"'{bench.dir}/alone/../lib'; set ACRE_LIBRARY to its path")
    cli.one_line(bench.run("run", "true", env={"ACRE_LIBRARY": "/nonexistent.so"}), 125,
                 "acre: cannot read '/nonexistent.so', which ACRE_LIBRARY names")


def case_the_library_is_found_where_it_may_be(bench):
    for number, (command, library) in enumerate((
            ("bin", "lib"), ("bin", "lib/x86_64-linux-gnu"), ("bin", "lib64"), ("bin", "bin"))):
        acre = bench.copy_command(f"tree{number}/{command}", f"tree{number}/{library}")
        done = subprocess.run([acre, "run", "cat", "/proc/self/maps"], env=bench.env,
                              capture_output=True, check=False)
        path = f"{bench.dir}/tree{number}/{library}/libacre.so"
        cli.true(os.fsencode(path) in done.stdout, f"{path} is there: {done.stderr}")
    link = bench.dir / "link"
    link.symlink_to(bench.acre)
    done = subprocess.run([link, "run", "cat", "/proc/self/maps"], env=bench.env,
                          capture_output=True, check=False)
    cli.true(os.fsencode(bench.library) in done.stdout, "through a link to acre")


def case_acre_library_is_made_absolute(bench):
    bench.copy_command("elsewhere", "elsewhere")
    done = bench.run("run", "sh", "-c", "cd /; cat /proc/self/maps", cwd=bench.dir / "elsewhere",
                     env={"ACRE_LIBRARY": "libacre.so"})
    cli.true(os.fsencode(f"{bench.dir}/elsewhere/libacre.so") in done.stdout, "library")


def case_a_path_that_ld_preload_cannot_hold_is_refused(bench):
    for name in ("with space", "with:colon"):
        acre = bench.copy_command(name, name)
        done = subprocess.run([acre, "run", "true"], env=bench.env, capture_output=True,
                              check=False)
        cli.one_line(done, 125, f"acre: cannot preload '{bench.dir}/{name}/libacre.so': its path "
                     "has a space or a colon in it")


cli.main(sys.modules[__name__])
