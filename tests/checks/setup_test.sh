#!/bin/sh
# setup_test.sh - scripts/setup names what is missing, installs only what it may, and is quick.
#
# It runs in a directory that holds all the commands it can see, among them an apt-get that writes
# down what it is asked and pretends to install it.
# SPDX-License-Identifier: MIT
set -eu
# shellcheck source=tests/checks/checks.sh
. "$(dirname "$0")/checks.sh"

usual() {
    mkdir bin
    for tool in sh awk cat chmod date env grep head ln mktemp rm sed sort tail tee touch tr; do
        ln -s "$(command -v $tool)" bin/$tool
    done
    put bin/cmake <<'END'
#!/bin/sh
echo 'cmake version 3.25.1'
END
    put bin/cc <<'END'
#!/bin/sh
cat >/dev/null
END
    put bin/make </dev/null
    put bin/sudo <<'END'
#!/bin/sh
exit 1
END
    put bin/id <<'END'
#!/bin/sh
echo "${PRETEND_UID:-1000}"
END
    chmod +x bin/cmake bin/cc bin/make bin/id bin/sudo
}

# An apt-get that can install cmake.
with_apt() {
    put bin/apt-get <<'END'
#!/bin/sh
echo "apt-get $*" >>"$APT_LOG"
case " $* " in
    *' install '*' cmake '*)
        printf '#!/bin/sh\necho cmake version 3.25.1\n' >bin/cmake
        chmod +x bin/cmake
        ;;
esac
END
    chmod +x bin/apt-get
}

setup() {
    APT_LOG=$PWD/apt.log PATH=$PWD/bin sh "$top/scripts/setup" "$@"
}

silent() {
    [ -z "$(setup "$@" 2>&1)" ]
}

installs() { # what apt must have been asked for; options of setup
    asked=$1
    shift
    PRETEND_UID=0 setup "$@" && grep -q -- "install.* $asked\$" apt.log
}

fresh
accepts 'a machine with all that a build needs, silently' silent --build-only

fresh
accepts 'a machine with all that the main job needs, silently' silent --run-only

fresh
rm bin/cmake
rejects 'a machine without cmake' 'missing, and needed for this job: cmake' setup --build-only

fresh
rm bin/cmake
with_apt
rejects 'a machine where it may not install, with what to type' 'sudo apt-get install cmake' \
    setup --build-only

fresh
rm bin/cmake
with_apt
rejects 'installing when it was told only to name' 'needed for this job: cmake' \
    env ACRE_SETUP=name PRETEND_UID=0 PATH="$PWD/bin" sh "$top/scripts/setup" --build-only

fresh
rm bin/cmake
with_apt
accepts 'root, who gets what is missing' installs cmake --build-only

fresh
put bin/cmake <<'END'
#!/bin/sh
echo 'cmake version 3.9.6'
END
chmod +x bin/cmake
rejects 'a cmake that is too old' 'needed for this job: cmake' setup --run-only

fresh
printf '#!/bin/sh\nexit 1\n' >bin/cc
rejects 'a compiler without the headers of a C library' 'libc6-dev' setup --build-only

fresh
cp bin/make bin/c++
cp bin/make bin/python3
accepts 'a machine where tools that are only wanted are missing' setup

fresh
rejects 'a machine without what the tests need' 'needed for this job: g++ python3' setup

fresh
rejects 'a machine without what the bench needs' 'needed for this job: g++ python3' setup --bench

only_bench_asks() {
    setup --bench 2>&1 | grep -q ' z3' && ! setup 2>&1 | grep -q ' z3'
}

fresh
cp bin/make bin/c++
cp bin/make bin/python3
accepts 'a test job that asks for no program of the bench' only_bench_asks

fresh
rejects 'an option that it does not know' "unknown option '--all'" setup --all

finish
