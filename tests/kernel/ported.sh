#!/bin/sh
# docs/porting.md's way from nothing to a kernel heap, taken by the letter: its code, the two files of
# scripts/amalgamate, its flags. Then the same two files on every target with gcc and clang: no warning,
# and no undefined symbol but the hooks.
# usage: ported.sh BUILD_DIR
# SPDX-License-Identifier: MIT
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1/ported"
work=$(cd "$1/ported" && pwd)
cd "$work"
failed=0

"$root/scripts/amalgamate" --out "$work"
hooks='^(mem(cpy|move|set|cmp)|acre_port_(cpu|cpus_sync|fatal|halt))$'
usual='-std=gnu11 -O2 -ffreestanding -nostdinc -fno-stack-protector -Wall -Wextra -Wpedantic -Werror'
x86='-mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fno-pic'
pc='-fcf-protection=none -fno-asynchronous-unwind-tables'

compile() { # name, compiler and flags
    name=$1
    shift
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "ok - $name # SKIP no $1"
        return
    fi
    own=$("$1" -print-file-name=include)
    # shellcheck disable=SC2086 # a list of words
    "$@" $usual -isystem "$own" -c acre.c -o "acre_$name.o"
    needs=$("$nm" -u -P "acre_$name.o" | awk '{ print $1 }' | grep -Ev "$hooks" | tr '\n' ' ' || true)
    if [ -n "$needs" ]; then
        echo "not ok - $name: needs $needs"
        failed=1
    else
        echo "ok - $name: $("$size" "acre_$name.o" | awk 'NR == 2 { print $1 }') bytes of code"
    fi
}

if nm=$(command -v llvm-nm || command -v llvm-nm-14) &&
    size=$(command -v llvm-size || command -v llvm-size-14); then
    # shellcheck disable=SC2086 # lists of words
    {
        compile x86_64-gcc gcc $x86
        compile x86_64-clang clang $x86
        compile aarch64-gcc aarch64-linux-gnu-gcc -mgeneral-regs-only -mno-outline-atomics
        compile aarch64-clang clang --target=aarch64-none-elf -mgeneral-regs-only -mno-outline-atomics
        compile riscv64-gcc riscv64-linux-gnu-gcc -march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany
        compile riscv64-clang clang --target=riscv64-none-elf -march=rv64imac -mabi=lp64 -mcmodel=medany
    }
else
    echo 'ok - undefined symbols # SKIP no llvm-nm and llvm-size'
fi

if [ "$(uname -m)" = x86_64 ]; then
    awk '/^## 6/ { here = 1 } /^## 7/ { here = 0 }
         here && /^```c/ { code = 1; next } /^```/ { code = 0 } code' "$root/docs/porting.md" >memory.c
    lines=$(grep -cv '^ *\(//.*\)\{0,1\}$' memory.c)
    [ "$lines" -le 40 ] || {
        echo "not ok - the page promises 40 lines; there are $lines"
        failed=1
    }
    own=$(gcc -print-file-name=include)
    # shellcheck disable=SC2086 # lists of words
    gcc $usual -isystem "$own" $x86 -c acre.c memory.c
    machine=$root/ports/kernel_x86_64 common=$root/ports/kernel_common
    # shellcheck disable=SC2086
    gcc $usual -isystem "$own" $x86 $pc -I"$root" -I"$root/include" -I"$common" -I"$machine" -c \
        "$root/tests/kernel/ported.c" "$root/kernel/say.c" \
        "$machine/machine.c" "$machine/processor.c" "$machine/interrupts.c" "$common/cpus.c"
    # shellcheck disable=SC2086
    gcc $usual -isystem "$own" $x86 $pc -c "$machine/memory.c" -o strings.o
    gcc -c "$machine/boot.S"
    ld -nostdlib -static -z noexecstack -z max-page-size=4096 -T "$machine/link.ld" -o ported.elf \
        acre.o memory.o ported.o say.o machine.o processor.o cpus.o interrupts.o strings.o boot.o
    status=0
    sh "$root/scripts/run_kernel.sh" ported.elf -c 1 >out 2>&1 || status=$?
    case $status in
        0) echo "ok - the kernel of docs/porting.md boots: $lines lines of code" ;;
        77) cat out ;;
        *)
            cat out
            echo 'not ok - the kernel of docs/porting.md'
            failed=1
            ;;
    esac
    if [ $status -eq 0 ]; then
        sh "$root/scripts/run_kernel.sh" ported.elf -c 1 break=free >out 2>&1 || true
        if grep -q '^FAIL: double free' out; then
            echo 'ok - it finds a double free'
        else
            cat out
            echo 'not ok - it finds no double free'
            failed=1
        fi
    fi
fi
exit $failed
