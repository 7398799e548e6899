#!/bin/sh
# Runs clang-tidy (.clang-tidy has its checks) and cppcheck over the library, its ports and tools,
# and shellcheck over every shell script.
#
#   check_tidy.sh BUILD_DIR [clang-tidy|cppcheck|shellcheck] [--root DIR]
#
# BUILD_DIR holds compile_commands.json, which says how each file is compiled. Without a name: all.
# A tool that is missing is named; when no tool ran, the status is 77: ctest shows it as skipped.
# SPDX-License-Identifier: MIT
set -eu

usage() {
    echo 'check_tidy.sh: type: check_tidy.sh BUILD_DIR [clang-tidy|cppcheck|shellcheck] [--root DIR]' >&2
    exit 2
}

build=''
tools='clang-tidy cppcheck shellcheck'
root=.
while [ $# -gt 0 ]; do
    case $1 in
        --root)
            [ $# -ge 2 ] || usage
            root=$2
            shift
            ;;
        clang-tidy | cppcheck | shellcheck) tools=$1 ;;
        -*) usage ;;
        *) build=$(cd "$1" && pwd) ;;
    esac
    shift
done
[ -n "$build" ] || usage
root=$(cd "$root" && pwd)
commands=$build/compile_commands.json
if [ ! -f "$commands" ]; then
    echo "FAIL no $commands: configure with -DCMAKE_EXPORT_COMPILE_COMMANDS=ON"
    exit 1
fi
jobs=$(getconf _NPROCESSORS_ONLN)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 1' HUP INT TERM

# A file that is compiled twice is looked at once. Generated files are not ours to mend.
sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$commands" |
    grep -E "^$root/(src|ports|kernel|tools)/.*\.c$" | sort -u >"$out/c" || true
if [ ! -s "$out/c" ]; then
    echo "FAIL $commands compiles nothing in src, ports, kernel or tools below $root"
    exit 1
fi
find "$root" -path "$root/build" -prune -o -path '*/.git' -prune -o -type f \
    -exec awk 'FNR == 1 { if (/^#!.*[\/ ](ba)?sh$/) print FILENAME; nextfile }' {} + |
    sort >"$out/sh"

check_with() { # tool
    case $1 in
        clang-tidy) xargs -P "$jobs" -n 1 clang-tidy -p "$build" --quiet 2>"$out/log" ;;
        # Cppcheck reads each file for every way that its #if may go. What it cannot know is no
        # finding: headers of the system, functions that only other programs call.
        cppcheck) xargs cppcheck --quiet -j "$jobs" --error-exitcode=1 --inline-suppr --std=c11 \
            --enable=warning,performance,portability --suppress=missingIncludeSystem \
            --template='{file}:{line}: {severity}: {message} [{id}]' \
            -I "$root/include" -I "$root/src" -I "$root/ports/linux" ;;
        shellcheck) xargs -r shellcheck --external-sources --source-path="$root" ;;
    esac
}

ran=''
status=0
for tool in $tools; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "skip: $tool is not here"
        continue
    fi
    ran=yes
    files=$out/c
    [ "$tool" != shellcheck ] || files=$out/sh
    : >"$out/log"
    if check_with "$tool" <"$files"; then
        echo "ok   $tool: $(wc -l <"$files") files"
    else
        grep 'rror' "$out/log" || true
        echo "FAIL $tool"
        status=1
    fi
done
[ -n "$ran" ] || exit 77
exit $status
