"""The allocators that take part: those that the acre command found, and those that were given.

SPDX-License-Identifier: MIT
"""
import dataclasses
import hashlib
import os
import pathlib
import subprocess

import say
import tests

SYSTEM = "system"


@dataclasses.dataclass(frozen=True)
class Allocator:
    """A name, the library to preload ("" is the system's malloc), options for acre."""
    name: str
    library: str = ""
    conf: str = ""
    is_acre: bool = False

    def digest(self):
        """Tells one build of the library from another."""
        if not self.library:
            return ""
        return hashlib.sha256(pathlib.Path(self.library).read_bytes()).hexdigest()[:16]


def system_name():
    """What the system's malloc is, as far as one can know."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or "the system's"
    except (ValueError, OSError):
        return "the system's"


def split_pair(option, word):
    name, equals, value = word.partition("=")
    if not name or not equals or not value:
        form = "NAME=FILE.so" if option == "--with" else "NAME=OPTIONS"
        say.wrong(f"'{word}' is no value for {option}; use {option} {form}")
    return name, value


def given(word):
    """An allocator of --with."""
    name, file = split_pair("--with", word)
    path = pathlib.Path(file)
    library = os.path.realpath(file)
    is_library = path.is_file() and path.read_bytes()[:4] == b"\x7fELF"
    if not is_library or any(c in library for c in " \t:") or not is_loadable(library):
        say.wrong(f"'{file}' is no shared library that can be preloaded; use --with NAME=FILE.so")
    return Allocator(name, library)


def complaint(library, conf=""):
    """What a program that does nothing says on it."""
    env = {**os.environ, "LD_PRELOAD": library, "ACRE_CONF": conf}
    if not (tests.HERE / "fifty").exists():
        return ""  # main.py says so
    done = subprocess.run([str(tests.HERE / "fifty"), "0"], check=False, capture_output=True,
                          env=env, text=True, errors="replace")
    return done.stderr


def is_loadable(library):
    """The loader reports what it cannot preload on stderr, and goes on without."""
    return "cannot be preloaded" not in complaint(library)


def check_conf(word, library, conf):
    """acre reports an option that it does not understand, and goes on without."""
    marker = "acre: ACRE_CONF: "
    for line in complaint(library, conf).splitlines():
        if line.startswith(marker):
            say.wrong(f"'{word}' for --conf: {line.removeprefix(marker)}; acre_options(5) has them all")


def collect(peers, options):
    """All of them: the system's first, then acre's, then the others."""
    found = {}
    for word in peers:
        name, _, library = word.partition("=")
        found[name] = Allocator(name, library, is_acre=name == "acre")
    if SYSTEM not in found:
        found = {SYSTEM: Allocator(SYSTEM), **found}
    for word in options.conf:
        name, conf = split_pair("--conf", word)
        if "acre" not in found:
            say.wrong("--conf is for acre, and there is no acre here")
        check_conf(word, found["acre"].library, conf)
        take(found, "--conf", Allocator(name, found["acre"].library, conf, True))
    for word in options.extra:
        take(found, "--with", given(word))
    ordered = sorted(found.values(), key=lambda a: (a.name != SYSTEM, not a.is_acre))
    asked = {word.partition("=")[0] for word in options.conf + options.extra}
    return chosen(ordered, options.allocators, asked)


def take(found, option, allocator):
    if allocator.name in (SYSTEM, "acre") or (option == "--conf" and allocator.name in found):
        say.wrong(f"the name '{allocator.name}' is taken; use another for {option}")
    found[allocator.name] = allocator


def chosen(ordered, names, asked):
    """Those of --allocators, those that were given, and the system's: all else is a ratio to it."""
    if not names:
        return ordered
    known = [a.name for a in ordered]
    for name in names:
        if name not in known:
            say.wrong(f"unknown allocator '{name}' for --allocators; there are {', '.join(known)}")
    return [a for a in ordered if a.name in names or a.name in asked or a.name == SYSTEM]


def environment(allocator, percent, seed):
    """What a test sees: nothing that would change one allocator only, but its own options."""
    dropped = ("LD_PRELOAD", "ACRE_CONF", "GLIBC_TUNABLES", "RUN_ONCE_PRELOAD")
    env = {key: value for key, value in os.environ.items()
           if key not in dropped and not key.startswith(("MALLOC_", "MIMALLOC_", "TCMALLOC_",
                                                         "TBB_MALLOC_", "GIT_", "PYTHON"))}
    env.update(LC_ALL="C", TZ="UTC", PYTHONHASHSEED="0", GIT_CONFIG_NOSYSTEM="1",
               GIT_CONFIG_GLOBAL="/dev/null", ACRE_BENCH_PERCENT=str(percent),
               ACRE_BENCH_SEED=str(seed), BENCH_DIR=str(tests.HERE))
    if allocator.conf:
        env["ACRE_CONF"] = allocator.conf
    return env
