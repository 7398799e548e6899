#!/bin/sh
# tidy_test.sh - scripts/check_tidy.sh fails when clang-tidy, cppcheck or shellcheck finds something.
# SPDX-License-Identifier: MIT
set -eu
# shellcheck source=tests/checks/checks.sh
. "$(dirname "$0")/checks.sh"

usual() {
    cp "$top/.clang-tidy" .
    put src/base/add.c <<'END'
// add.c - a sum.
int add(int a, int b);
int add(int a, int b)
{
    return a + b;
}
END
    put scripts/hello.sh <<'END'
#!/bin/sh
echo hello
END
    put build/compile_commands.json <<END
[
{
  "directory": "$PWD/build",
  "command": "cc -std=c11 -c $PWD/src/base/add.c",
  "file": "$PWD/src/base/add.c"
}
]
END
}

check() { # tool
    sh "$top/scripts/check_tidy.sh" build "$1" --root .
}

for tool in clang-tidy cppcheck shellcheck; do
    if ! command -v $tool >/dev/null 2>&1; then
        echo "1..0 # SKIP no $tool"
        exit 77
    fi
    fresh
    accepts "a tree that is right ($tool)" check $tool
done

fresh
cat >>src/base/add.c <<'END'
int first(const int *at);
int first(const int *at)
{
    if (at == 0) {
        return *at;
    }
    return 0;
}
END
rejects 'a load through a null pointer' 'clang-analyzer-core.NullDereference' check clang-tidy

fresh
{
    echo 'int lines(int a);'
    echo 'int lines(int a)'
    echo '{'
    yes '    a += 1;' | head -n 75
    echo '    return a;'
    echo '}'
} >>src/base/add.c
rejects 'a function that is too long' 'readability-function-size' check clang-tidy

fresh
sed -i 's/add(/addTwo(/' src/base/add.c
rejects 'a name in another style' 'readability-identifier-naming' check clang-tidy

fresh
cat >>src/base/add.c <<'END'
int ninth(void);
int ninth(void)
{
    int few[4] = {0};
    return few[9];
}
END
rejects 'a load beyond an array' 'arrayIndexOutOfBounds' check cppcheck

fresh
# What is wrong is that the variable is not quoted.
# shellcheck disable=SC2016
echo 'rm -r $1' >>scripts/hello.sh
rejects 'a variable that is not quoted' 'SC2086' check shellcheck

fresh
rm build/compile_commands.json
rejects 'a build that does not tell how it compiles' 'no ' check clang-tidy

fresh
echo '[]' >build/compile_commands.json
rejects 'a build that compiles nothing' 'compiles nothing' check cppcheck

finish
