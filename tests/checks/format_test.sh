#!/bin/sh
# format_test.sh - scripts/check_format.sh finds code that is not laid out, and lays it out.
# SPDX-License-Identifier: MIT
set -eu
# shellcheck source=tests/checks/checks.sh
. "$(dirname "$0")/checks.sh"

usual() {
    cp "$top/.clang-format" .
    put src/base/add.c <<'END'
// add.c - a sum.
int add(int a, int b)
{
    return a + b;
}
END
    put tests/unit/add_test.c <<'END'
// add_test.c - what a sum promises.
int add(int a, int b);
END
}

check() {
    sh "$top/scripts/check_format.sh" --root . "$@"
}

write_then_check() {
    check --write && check
}

status=0
(usual_dir=$checks_dir/probe && mkdir "$usual_dir" && cd "$usual_dir" && usual && check) \
    >/dev/null 2>&1 || status=$?
if [ $status -eq 77 ]; then
    echo '1..0 # SKIP no clang-format 14'
    exit 77
fi

fresh
accepts 'a tree that is right' check

fresh
sed -i 's/a + b/a+b/' src/base/add.c
rejects 'a missing space' 'return a+b;' check

fresh
echo 'int  gone ( void ) ;' >>tests/unit/add_test.c
rejects 'a test that is not laid out' 'tests/unit/add_test.c' check

fresh
sed -i 's/a + b/a+b/' src/base/add.c
accepts 'what it has laid out' write_then_check

finish
