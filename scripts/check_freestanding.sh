#!/bin/sh
# Proves that acre below src/front needs no C library and no compiler runtime: compiles it for every
# target at hand with the compiler's own headers only, and looks at what the objects leave undefined.
#
#   check_freestanding.sh [--root DIR] [--all] [TARGET...]
#
# DIR is a tree like this one (default: the current directory). With --all a target whose compiler
# is missing is a failure, else it is a line that says "skip". Without TARGET: all of them.
#
# The objects of one target are taken together, so that calls between them are satisfied. What is
# left may only be memcpy memmove memset memcmp (C compilers emit calls to them on their own) and
# the port's symbols, acre_port_*. On no target is a routine of the compiler's runtime allowed.
# SPDX-License-Identifier: MIT
set -eu

# name, port, compiler and its flags. -mno-outline-atomics: else gcc calls its runtime for atomics.
# -fno-jump-tables: on Thumb-1 a table is read by a routine of the runtime.
targets() {
    cat <<'END'
x86_64-gcc          bare  gcc -O2
x86_64-clang        bare  clang -O2
x86_64-linux-gcc    linux gcc -O2 -fPIC
x86_64-linux-clang  linux clang -O2 -fPIC
aarch64             bare  aarch64-linux-gnu-gcc -O2 -mno-outline-atomics
aarch64-linux       linux aarch64-linux-gnu-gcc -O2 -fPIC -mno-outline-atomics
riscv64             bare  riscv64-linux-gnu-gcc -O2 -march=rv64imac -mabi=lp64
cortex-m0           bare  arm-none-eabi-gcc -Os -mthumb -mcpu=cortex-m0 -fno-jump-tables
cortex-m4           bare  arm-none-eabi-gcc -Os -mthumb -mcpu=cortex-m4
cortex-m33          cortex_m arm-none-eabi-gcc -Os -mthumb -mcpu=cortex-m33
wasm32              bare  clang -Os --target=wasm32
kernel-x86_64-gcc   kernel gcc -O2 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic
kernel-x86_64-clang kernel clang -O2 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic
kernel-aarch64      kernel aarch64-linux-gnu-gcc -O2 -mgeneral-regs-only -mno-outline-atomics
kernel-riscv64      kernel riscv64-linux-gnu-gcc -O2 -march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany
END
}

warnings='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wcast-align -Wundef -Wvla -Werror'
allowed='^(mem(cpy|move|set|cmp)|acre_port_[a-z0-9_]+)$'
# What linkers define themselves: of position-independent ELF, and of WebAssembly.
linker_made='^(_GLOBAL_OFFSET_TABLE_|__stack_pointer|__linear_memory|__indirect_function_table)$'

find_tool() { # names, best first
    for tool in "$@"; do
        command -v "$tool" && return 0
    done
    return 1
}

# src/frames needs compare-and-swap on 64 bits: it is for machines of 64 bits only. Of the ports, the
# kernel's has sources that know no C library.
sources() { # target's name
    case $1 in
        kernel-*) find src ports/kernel -name '*.c' -not -path 'src/front/*' ;;
        x86_64* | aarch64* | riscv64* | '') find src -name '*.c' -not -path 'src/front/*' ;;
        *) find src -name '*.c' -not -path 'src/front/*' -not -path 'src/frames/*' ;;
    esac | sort
}

# Words that are undefined in one object and defined in none, of `nm` in its portable form.
undefined() { # nm, objects
    "$@" -P >"$out/symbols" || return 1
    awk 'NF >= 2 && $2 ~ /^[Uwv]$/ { wanted[$1] = 1 }
         NF >= 2 && $2 ~ /^[A-TV-Z]$/ { defined[$1] = 1 }
         END { for (name in wanted) if (!(name in defined)) print name }' "$out/symbols" | sort
}

# Bytes of code and of constants, as `size` counts them.
text_bytes() { # objects
    "$size" "$@" | awk 'NR > 1 { sum += $1 } END { print sum + 0 }'
}

check_target() { # name, port, compiler, flags
    name=$1 port=$2 compiler=$3
    shift 3
    if ! command -v "$compiler" >/dev/null 2>&1; then
        echo "skip $name: no $compiler"
        [ -z "$all" ] || return 1
        return 0
    fi
    own=$("$compiler" "$@" -print-file-name=include)
    objects=''
    for file in $(sources "$name"); do
        object=$out/$(echo "$file" | tr / _).o
        # The warnings are a list of words.
        # shellcheck disable=SC2086
        if ! "$compiler" "$@" -std=c11 $warnings -ffreestanding -fno-stack-protector \
            -fno-asynchronous-unwind-tables -nostdinc -isystem "$own" \
            -Iinclude -Isrc "-Iports/$port" -c "$file" -o "$object"; then
            echo "FAIL $name: $file does not compile without a C library"
            return 1
        fi
        objects="$objects $object"
    done
    # shellcheck disable=SC2086
    if ! undefined "$nm" $objects >"$out/undefined"; then
        echo "FAIL $name: $nm cannot read the objects"
        return 1
    fi
    needs=$(grep -Ev "$allowed|$linker_made" "$out/undefined" | tr '\n' ' ' || true)
    if [ -n "$needs" ]; then
        echo "FAIL $name: needs $needs"
        return 1
    fi
    # shellcheck disable=SC2086
    echo "ok   $name: $(text_bytes $objects) bytes of code"
}

root=.
all=''
chosen=''
while [ $# -gt 0 ]; do
    case $1 in
        --root) root=$2 && shift ;;
        --all) all=--all ;;
        -*) echo "check_freestanding.sh: unknown option '$1'" >&2 && exit 2 ;;
        *) chosen="$chosen $1" ;;
    esac
    shift
done
case $0 in
    /*) self=$0 ;;
    *) self=$PWD/$0 ;;
esac
cd "$root"

# GNU nm reads the objects of one machine only; LLVM's reads all, WebAssembly's too.
if ! nm=$(find_tool llvm-nm llvm-nm-14) || ! size=$(find_tool llvm-size llvm-size-14); then
    echo 'skip: no llvm-nm and llvm-size (package llvm)'
    [ -z "$all" ]
    exit
fi
if [ -z "$(sources '')" ]; then
    echo "FAIL: no sources below $root/src"
    exit 1
fi

# One target is checked here; several are shared out among the processors.
# shellcheck disable=SC2086
set -- $chosen
if [ $# -ne 1 ]; then
    [ $# -ne 0 ] || chosen=$(targets | awk '{ print $1 }')
    echo "$chosen" | tr -s ' ' '\n' |
        xargs -P "$(getconf _NPROCESSORS_ONLN)" -I '{}' sh "$self" $all '{}' && exit 0
    exit 1
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 1' HUP INT TERM
if ! line=$(targets | grep "^$1 "); then
    echo "check_freestanding.sh: no target '$1'; there are: $(targets | awk '{ print $1 }' | tr '\n' ' ')" >&2
    exit 2
fi
# shellcheck disable=SC2086
check_target $line
