#!/bin/sh
# run.sh - what `cmake --install` leaves is complete and can be used: headers, both libraries, the
# pkg-config file, the CMake package, manual pages and the command. And what uses the sources instead.
# usage: run.sh BUILD_DIR
# SPDX-License-Identifier: MIT
set -u

if [ $# -ne 1 ]; then
    echo "usage: $0 BUILD_DIR" >&2
    exit 2
fi
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cc=${CC:-cc}
cxx=${CXX:-c++}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
prefix=$work/prefix
result=0

ok() {
    echo "ok     $1"
}
failed() { # what; a file to show
    echo "FAILED $1"
    [ $# -lt 2 ] || sed 's/^/    /' "$2" | tail -n 20
    result=1
}
quietly() { # what, command...
    what=$1
    shift
    if "$@" >log 2>&1; then
        ok "$what"
    else
        failed "$what" log
        return 1
    fi
}
# Succeeds for a program that needs libacre.so.0 and finds it in $2.
runs_shared() { # program, directory
    LC_ALL=C readelf -d "$1" | grep -q 'NEEDED.*\[libacre\.so\.0\]' &&
        LD_LIBRARY_PATH=$2 "$1" | grep -qx 'acre [0-9.]*'
}
runs_static() { # program
    if LC_ALL=C readelf -d "$1" | grep -q libacre; then
        return 1
    fi
    "$1" | grep -qx 'acre [0-9.]*'
}

quietly 'it installs' cmake --install "$build" --prefix "$prefix" || exit 1
so=$(find "$prefix" -name libacre.so)
libdir=$(dirname "$so")
soname=$(LC_ALL=C readelf -d "$libdir/libacre.so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
[ "$soname" = libacre.so.0 ] || failed "SONAME is $soname"
for library in "$soname" libacre.so libacre.a; do
    [ -e "$libdir/$library" ] || failed "there is no $library in $libdir"
done
for page in man1/acre.1 man1/acre-run.1 man1/acre-bench.1 man1/acre-partitions.1 man3/acre.3 man3/acre_heap.3 \
    man3/acre-pools.3 man5/acre_options.5; do
    [ -f "$prefix/share/man/$page" ] || failed "there is no $page"
done
if grep -rn --include='*.pc' --include='*.cmake' --include='*.h' -e "$root" -e "$build" "$prefix" >log; then
    failed 'installed files name directories of the build' log
fi

# Every header is there, and each can be the only one that is included.
(cd "$root/include" && find acre -name '*.h' | LC_ALL=C sort) >headers
(cd "$prefix/include" && find . -name '*.h' | sed 's,^\./,,' | LC_ALL=C sort) >installed
quietly 'all headers are installed' cmp headers installed
warnings='-pedantic-errors -Wall -Wextra -Wundef -Wshadow -Wconversion -Werror'
compile_header() { # header, compiler with options
    header=$1
    shift
    # A unit with no declaration of its own would not be C.
    printf '#include <%s>\nextern int unit;\n' "$header" | "$@" -I"$prefix/include" -fsyntax-only -
}
while read -r header; do
    # shellcheck disable=SC2086 # options are words
    compile_header "$header" $cc -x c -std=c11 $warnings >log 2>&1 || failed "$header in C11" log
    if command -v "$cxx" >/dev/null; then
        # shellcheck disable=SC2086
        compile_header "$header" $cxx -x c++ -std=c++11 $warnings >log 2>&1 ||
            failed "$header in C++11" log
    fi
done <headers

# The examples in the manual compile as they stand.
for page in acre acre_heap acre-pools; do
    sed -n '/^#include/,/^\.Ed/{s/\\e/\\/g;/^\.Ed/!p;}' "$prefix/share/man/man3/$page.3" >"$page.c"
    quietly "the example of $page(3) works" "$cc" -std=c11 -Wall -Wextra -Werror \
        -I"$prefix/include" -o example "$page.c" -L"$libdir" -lacre_pools -lacre &&
        { LD_LIBRARY_PATH=$libdir ./example >log 2>&1 || failed "the example of $page(3) fails" log; }
done

if command -v pkg-config >/dev/null; then
    PKG_CONFIG_PATH=$libdir/pkgconfig
    export PKG_CONFIG_PATH
    quietly 'pkg-config knows acre' pkg-config --exact-version=0.1.0 --print-errors acre
    flags=$(pkg-config --cflags --libs acre)
    # shellcheck disable=SC2086
    quietly 'pkg-config, shared' $cc -Wl,--as-needed -o shared "$here/consumer.c" $flags &&
        { runs_shared ./shared "$libdir" || failed 'pkg-config, shared: it does not run'; }
    quietly 'pkg-config knows acre-pools' pkg-config --exact-version=0.1.0 --print-errors acre-pools
    # It works without libacre.
    # shellcheck disable=SC2046,SC2086
    quietly 'pkg-config, acre-pools' $cc -o pooled "$root/examples/rt_messages.c" \
        $(pkg-config --cflags --libs acre-pools) && quietly 'acre-pools: the example runs' ./pooled
    flags=$(pkg-config --static --cflags --libs acre)
    # shellcheck disable=SC2086
    quietly 'pkg-config, static' $cc -static -o static "$here/consumer.c" $flags &&
        { runs_static ./static || failed 'pkg-config, static: it does not run'; }
    # shellcheck disable=SC2086
    ! command -v "$cxx" >/dev/null ||
        { quietly 'pkg-config, static C++' "$cxx" -static -o static "$here/consumer.cc" $flags &&
            { runs_static ./static || failed 'pkg-config, static C++: it does not run'; }; }
else
    echo '# skipped: there is no pkg-config'
fi

# shellcheck disable=SC2317 # called by quietly
use_cmake() { # directory, options
    directory=$1
    shift
    cmake -S "$here/$directory" -B "$directory" -DCMAKE_BUILD_TYPE=Debug "$@"
}
if quietly 'find_package finds it' use_cmake find_package "-DCMAKE_PREFIX_PATH=$prefix" &&
    quietly 'programs build with what it found' cmake --build find_package; then
    for program in find_package/*with_shared; do
        runs_shared "./$program" "$libdir" || failed "$program does not run"
    done
    for program in find_package/*with_static; do
        runs_static "./$program" || failed "$program does not run"
    done
fi
if quietly 'add_subdirectory takes its sources' use_cmake add_subdirectory "-DACRE_SOURCE=$root" &&
    quietly 'programs build with those' \
        cmake --build add_subdirectory --parallel 2 --target with_shared with_static; then
    runs_shared ./add_subdirectory/with_shared "$work/add_subdirectory/acre" ||
        failed 'add_subdirectory: with_shared does not run'
    runs_static ./add_subdirectory/with_static || failed 'add_subdirectory: with_static does not run'
    quietly 'it installs nothing of its own there' \
        cmake --install add_subdirectory --prefix "$work/theirs"
    [ "$(find theirs -type f)" = theirs/bin/with_static ] || failed 'but it did'
fi

# The command finds the library beside it, and a package may be staged.
quietly 'the installed command works' "$prefix/bin/acre" run -- true
"$prefix/bin/acre" --version >log 2>&1
grep -q "$libdir/libacre\.so" log || failed 'acre --version names the installed library' log
quietly 'it installs below DESTDIR' env "DESTDIR=$work/stage" cmake --install "$build" --prefix /opt/acre
grep -qx 'prefix=/opt/acre' stage/opt/acre/lib*/pkgconfig/acre.pc stage/opt/acre/lib/*/pkgconfig/acre.pc \
    2>/dev/null || failed 'acre.pc names the final prefix'
quietly 'the installed bench works' "$prefix/bin/acre" bench --only batch --quick --rounds 1 \
    --allocators acre
mv "$prefix" "$work/moved" && quietly 'a moved installation works' "$work/moved/bin/acre" run -- true
exit $result
