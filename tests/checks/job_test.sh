#!/bin/sh
# job_test.sh - the job of `make run` compiles what it says, and fails when a source does not compile.
# SPDX-License-Identifier: MIT
set -eu
# shellcheck source=tests/checks/checks.sh
. "$(dirname "$0")/checks.sh"

# An acre that runs the program once, on the system's malloc.
usual() {
    mkdir scripts
    cp "$top/scripts/run_job.sh" scripts/
    put build/acre <<'END'
#!/bin/sh
echo "acre $*" >asked
while [ "$1" != -- ]; do
    shift
done
shift
exec "$@"
END
    chmod +x build/acre
    for file in src/heap/a src/front/c ports/linux/b; do
        put $file.c <<'END'
// a file
int one(void);
int one(void)
{
    return 1;
}
END
    done
}

job() {
    sh scripts/run_job.sh build
}

compares() {
    job && grep -q '^acre run --compare --repeat 3 -- sh ' asked
}

fresh
accepts 'sources that compile' compares

fresh
echo 'int broken(' >>ports/linux/b.c
rejects 'a source that does not compile' 'b.c' job

fresh
rm build/acre
rejects 'a tree that was not built' 'no build/acre: type make first' job

finish
