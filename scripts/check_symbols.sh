#!/bin/sh
# Looks at the built shared library as the dynamic loader will: what it exports, what it needs, and
# whether it can be the malloc of any process.
#
#   check_symbols.sh LIBACRE_SO [LIST]     LIST: the names to be exported (default: symbols.txt)
#
# Prints each thing that is wrong, then the numbers; status 1 if anything is.
# SPDX-License-Identifier: MIT
set -eu

tls_bytes_max=64
text_bytes_max=98304 # 96 KiB

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    echo 'check_symbols.sh: type: check_symbols.sh LIBACRE_SO [LIST]' >&2
    exit 2
fi
library=$1
list=${2:-$(dirname "$0")/symbols.txt}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 1' HUP INT TERM
wrong() {
    echo "FAIL $*" >>"$out/wrong"
}

wrong_each() { # what to say; names on stdin
    while read -r name; do
        wrong "$1: $name"
    done
}

# One symbol a line: type, binding, section or UND, name with its version.
LC_ALL=C readelf -W --dyn-syms "$library" |
    awk '$1 ~ /^[0-9]+:$/ && NF >= 8 { print $4, $5, $7, $8 }' >"$out/symbols"
LC_ALL=C readelf -W -d "$library" >"$out/dynamic"
LC_ALL=C readelf -W -l "$library" >"$out/segments"
LC_ALL=C readelf -W -r "$library" >"$out/relocations"
: >"$out/wrong"

# Names. They carry no version: a program looks for malloc at libc's version, whichever that is.
grep -Ev '^(#|$)' "$list" | LC_ALL=C sort >"$out/wanted"
awk '$3 != "UND" { print $4 }' "$out/symbols" | LC_ALL=C sort >"$out/exported"
LC_ALL=C comm -23 "$out/wanted" "$out/exported" | wrong_each 'not exported'
LC_ALL=C comm -13 "$out/wanted" "$out/exported" |
    wrong_each "exported, but not in $(basename "$list")"

# Needs. A strong name that is undefined must be the C library's, which its version tells.
sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$out/dynamic" |
    grep -Ev '^(libc\.so\.6|ld-linux.*\.so\.[0-9]+)$' | wrong_each 'needs another library'
awk '$2 == "GLOBAL" && $3 == "UND" { print $4 }' "$out/symbols" | grep -v '@GLIBC_' |
    wrong_each "undefined, and not the C library's"

# Resolvers of indirect functions would run before the library is relocated, and malloc with them.
awk '$1 == "IFUNC" { print $4 }' "$out/symbols" | wrong_each 'indirect function'
if grep -q '_IRELATIV' "$out/relocations"; then
    wrong 'has relocations of indirect functions (IRELATIVE)'
fi

# Thread-local storage that is found by a call: on its way the loader may call calloc.
if grep -Eq 'DTPMOD|TLSDESC' "$out/relocations"; then
    wrong 'thread-local storage is not initial-exec'
fi

# Flags. Bound before the first call, since binding may allocate; never unloaded, since its blocks
# are everywhere.
flags() {
    grep -E '\((FLAGS|FLAGS_1|BIND_NOW|TEXTREL)\)' "$out/dynamic"
}
flags | grep -q 'NOW' || wrong 'is not linked with -z now'
flags | grep -q 'NODELETE' || wrong 'is not linked with -z nodelete'
if flags | grep -q 'TEXTREL'; then
    wrong 'has relocations in its code (TEXTREL)'
fi
grep -q 'GNU_RELRO' "$out/segments" || wrong 'is not linked with -z relro'
if grep 'GNU_STACK' "$out/segments" | grep -q 'RWE'; then
    wrong 'asks for a stack that can be executed'
fi
if grep -Eq '\((RPATH|RUNPATH)\)' "$out/dynamic"; then
    wrong 'has a search path of its own (RPATH or RUNPATH)'
fi
soname=$(sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p' "$out/dynamic")
[ "$soname" = libacre.so.0 ] || wrong "SONAME is '$soname', not libacre.so.0"

# Sizes. What dlopen may add to a thread's static storage is little, so ours must be less.
tls_bytes=$(awk '$1 == "TLS" { print $6 }' "$out/segments" | head -n 1)
tls_bytes=$((${tls_bytes:-0}))
[ "$tls_bytes" -le $tls_bytes_max ] ||
    wrong "$tls_bytes bytes of thread-local storage; $tls_bytes_max are allowed"
text_bytes=$(size "$library" | awk 'NR == 2 { print $1 }')
[ "$text_bytes" -le $text_bytes_max ] ||
    wrong "$text_bytes bytes of text; $text_bytes_max are allowed"

cat "$out/wrong"
echo "symbols: $(wc -l <"$out/exported") exported;" \
    "text $text_bytes bytes, thread-local $tls_bytes bytes"
[ ! -s "$out/wrong" ]
