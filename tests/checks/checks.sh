# checks.sh - the frame of the tests in this directory: each proves that one check of the tree can
# fail, by giving it a small tree of its own that is right, and then the same with one thing wrong.
#
# A test defines `usual`, which writes the right tree into the current directory, and then calls:
#
#   fresh                             begins a case, in a new directory, with the usual tree
#   accepts WHAT COMMAND...           the command must succeed
#   rejects WHAT TEXT COMMAND...      it must fail, and print TEXT
#   put FILE                          writes stdin to FILE, with its directories
#   finish                            prints the sum; the test's status
#
# Between `fresh` and the verdict it does the damage. Output is TAP.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh

# The real tree, whose checks are tried. A test may be started from anywhere.
# shellcheck disable=SC2034
top=$(cd "$(dirname "$0")/../.." && pwd)
checks_dir=$(mktemp -d)
trap 'rm -rf "$checks_dir"' EXIT
trap 'exit 1' HUP INT TERM
case_count=0
failure_count=0

put() {
    mkdir -p "$(dirname "$1")"
    cat >"$1"
}

# Makes the tree of the next case and goes there.
fresh() {
    case_count=$((case_count + 1))
    mkdir "$checks_dir/$case_count"
    cd "$checks_dir/$case_count" || exit 1
    usual
}

verdict() { # ok or not ok, what
    echo "$1 $case_count - $2"
    if [ "$1" != ok ]; then
        failure_count=$((failure_count + 1))
        sed 's/^/# /' "$checks_dir/output"
    fi
}

accepts() {
    what=$1
    shift
    if "$@" >"$checks_dir/output" 2>&1; then
        verdict ok "accepts $what"
    else
        verdict 'not ok' "accepts $what"
    fi
}

rejects() {
    what=$1 text=$2
    shift 2
    if "$@" >"$checks_dir/output" 2>&1; then
        echo 'it succeeded' >>"$checks_dir/output"
        verdict 'not ok' "rejects $what"
    elif ! grep -qF -e "$text" "$checks_dir/output"; then
        echo "it failed, but did not print: $text" >>"$checks_dir/output"
        verdict 'not ok' "rejects $what"
    else
        verdict ok "rejects $what"
    fi
}

finish() {
    echo "1..$case_count"
    [ $case_count -gt 0 ] && [ $failure_count -eq 0 ]
}
