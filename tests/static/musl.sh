#!/bin/sh
# musl.sh - acre built with musl, as libacre.so and as libacre.a: preloaded, linked dynamically, and
# linked statically. musl gives threads no restartable sequences, so the thread binding is used.
# usage: musl.sh BUILD_DIR
#
# It builds below BUILD_DIR/musl. Exits with 77 where there is no musl-gcc.
# SPDX-License-Identifier: MIT
set -u

if [ $# -ne 1 ]; then
    echo "usage: $0 BUILD_DIR" >&2
    exit 2
fi
tests=$(cd "$(dirname "$0")/.." && pwd)
root=$(cd "$tests/.." && pwd)
for tool in musl-gcc cmake; do
    command -v $tool >/dev/null || {
        echo "# skipped: there is no $tool"
        exit 77
    }
done
mkdir -p "$1/musl" && cd "$1/musl" || exit 1

build() {
    cmake -S "$root" -B . -DCMAKE_C_COMPILER=musl-gcc &&
        cmake --build . --parallel 2 --target acre_shared acre_static
}
if ! build >build.log 2>&1; then
    tail -n 30 build.log
    exit 1
fi
result=0
failed() { # what; a file to show
    echo "FAILED $1"
    [ $# -lt 2 ] || sed 's/^/    /' "$2" | head -n 20
    result=1
}

needed=$(LC_ALL=C readelf -d libacre.so | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
[ "$needed" = libc.so ] || failed "libacre.so needs more than musl's libc.so: $needed"

# Runs a program with an environment; the programs of this system, timeout for one, keep theirs.
run() { # what, NAME=VALUE..., program
    what=$1
    shift
    if timeout 60 env "$@" >out 2>err && [ ! -s err ]; then
        echo "ok     $what"
    else
        cat out >>err
        failed "$what" err
    fi
}
compile() { # options and sources
    musl-gcc -std=gnu11 -D_GNU_SOURCE -O1 -fno-builtin -w -I"$root/include" "$@" >log 2>&1 || {
        failed "does not compile: $*" log
        return 1
    }
}
takeover=$tests/static/takeover.c

compile -static -o static_program "$takeover" libacre.a && run 'a static program' ./static_program
compile -static -o whole "$takeover" -Wl,--whole-archive libacre.a -Wl,--no-whole-archive &&
    run 'a static program with the whole archive' ./whole
compile -o archive "$takeover" libacre.a && run 'a dynamic program with the archive in it' ./archive
compile -o linked "$takeover" -L. -lacre && run 'a program linked with libacre.so' \
    "LD_LIBRARY_PATH=$PWD" ./linked
grep -q '^acre .*, binding thread$' out || failed 'a program says its binding is thread' out

# Of each name of the family one static program: malloc of libc.a must stay out.
for name in malloc calloc realloc free aligned_alloc posix_memalign memalign malloc_usable_size \
    reallocarray __libc_malloc __libc_calloc __libc_realloc __libc_free valloc; do
    echo "void $name(void); int main(void) { $name(); return 0; }" >one.c
    compile -static -Wl,-t,-t -o one one.c libacre.a || continue
    grep -q 'libacre\.a.*[()]acre\.o' log || failed "$name is not taken from libacre.a"
    if grep 'libc\.a' log | grep -Eq '[()](lite_malloc|malloc|free|realloc|calloc|memalign)\.l?o'; then
        failed "$name pulls in musl's malloc" log
    fi
done

# Tests that use nothing of glibc's.
for name in errno_kept sized_free sizes; do
    compile -o "$name" "$tests/conform/$name.c" && run "$name, preloaded" \
        ACRE_TEST_BINDING=thread "LD_PRELOAD=$PWD/libacre.so" "./$name"
done

ACRE_CONF=slots=rseq ./static_program >out 2>err || failed 'slots=rseq' err
grep -q 'slots=rseq: this system has no restartable sequences' err ||
    failed 'slots=rseq is refused in one line' err
exit $result
