#!/bin/sh
# freestanding_test.sh - scripts/check_freestanding.sh finds what would need a C library or a
# compiler runtime, on each of its targets.
# SPDX-License-Identifier: MIT
set -eu
# shellcheck source=tests/checks/checks.sh
. "$(dirname "$0")/checks.sh"

usual() {
    for port in bare linux kernel cortex_m; do
        put ports/$port/acre_port.h <<'END'
_Noreturn void acre_port_halt(const char *what);
END
    done
    put src/base/fill.h <<'END'
#include <stddef.h>
void fill(unsigned char *at, size_t bytes);
size_t fill_twice(unsigned char *at, size_t bytes);
END
    put src/base/fill.c <<'END'
#include "base/fill.h"
#include "acre_port.h"
void fill(unsigned char *at, size_t bytes)
{
    if (bytes == 0) {
        acre_port_halt("nothing to fill");
    }
    for (size_t i = 0; i < bytes; i++) {
        at[i] = 7;
    }
}
END
    put src/heap/twice.c <<'END'
#include "base/fill.h"
size_t fill_twice(unsigned char *at, size_t bytes)
{
    fill(at, bytes);
    fill(at, bytes);
    return bytes;
}
END
    put src/front/front.c <<'END'
#include <stdio.h>
END
}

check() {
    sh "$top/scripts/check_freestanding.sh" --root . "$@"
}

# Each target must see the damage by itself: one that looks at nothing would pass for the others.
rejects_on() { # target, what, text
    compiler=$4
    if command -v "$compiler" >/dev/null 2>&1; then
        rejects "$2 ($1)" "$3" check "$1"
    else
        echo "ok $case_count - rejects $2 ($1) # SKIP no $compiler"
    fi
}

on_each_target() { # what, text; the damage is done by `damage`
    for target in x86_64-gcc:gcc x86_64-clang:clang x86_64-linux-gcc:gcc x86_64-linux-clang:clang \
        aarch64:aarch64-linux-gnu-gcc aarch64-linux:aarch64-linux-gnu-gcc \
        riscv64:riscv64-linux-gnu-gcc cortex-m0:arm-none-eabi-gcc cortex-m4:arm-none-eabi-gcc \
        wasm32:clang; do
        fresh
        damage
        rejects_on "${target%%:*}" "$1" "$2" "${target##*:}"
    done
}

if ! command -v llvm-nm >/dev/null 2>&1 && ! command -v llvm-nm-14 >/dev/null 2>&1; then
    echo '1..0 # SKIP no llvm-nm'
    exit 77
fi

fresh
accepts 'a tree that is right' check

damage() {
    put src/base/hex.c <<'END'
extern int puts(const char *);
void hex(void);
void hex(void)
{
    puts("hex");
}
END
}
on_each_target 'a call to the C library' 'needs puts'

damage() {
    put src/base/hex.c <<'END'
#include <stdlib.h>
END
}
on_each_target 'a header of the C library' 'does not compile without a C library'

# What no instruction does on these becomes a call that nobody sees in the source.
fresh
put src/base/count.c <<'END'
unsigned long long divide(unsigned long long a, unsigned long long b);
unsigned long long divide(unsigned long long a, unsigned long long b)
{
    return a / b;
}
END
rejects_on cortex-m4 'a division that is a call' 'needs __aeabi_uldivmod' arm-none-eabi-gcc

fresh
put src/base/count.c <<'END'
int count(unsigned long word);
int count(unsigned long word)
{
    return __builtin_popcountl(word);
}
END
rejects_on x86_64-gcc 'a count of bits that is a call' 'needs __popcountdi2' gcc

fresh
put src/base/count.c <<'END'
int count(void);
int count(void)
{
    int unused;
    return 0;
}
END
rejects_on x86_64-gcc 'a warning' 'does not compile' gcc

fresh
rejects 'a target that it does not know' "no target 'pdp11'" check pdp11

fresh
rm -r src
rejects 'a tree without sources' 'no sources' check

without_compilers() {
    mkdir few
    for tool in sh awk grep sort find tr xargs getconf mktemp rm cat dirname llvm-nm llvm-size; do
        ln -s "$(command -v $tool)" few/$tool
    done
    PATH=$PWD/few check "$@"
}

fresh
rejects 'missing compilers when all are asked for' 'skip cortex-m0: no arm-none-eabi-gcc' \
    without_compilers --all

fresh
accepts 'missing compilers else' without_compilers

finish
