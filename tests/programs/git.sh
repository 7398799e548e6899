#!/bin/sh
# git.sh - git makes, packs, checks and clones a repository on acre; every object has the same name
# as on the system's malloc.
# usage: git.sh LIBACRE_SO
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

need git
HOME=$work
GIT_CONFIG_NOSYSTEM=1
GIT_AUTHOR_NAME=author GIT_AUTHOR_EMAIL=author@example.invalid
GIT_COMMITTER_NAME=author GIT_COMMITTER_EMAIL=author@example.invalid
GIT_AUTHOR_DATE='2001-02-03T04:05:06Z' GIT_COMMITTER_DATE='2001-02-03T04:05:06Z'
export HOME GIT_CONFIG_NOSYSTEM GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME
export GIT_COMMITTER_EMAIL GIT_AUTHOR_DATE GIT_COMMITTER_DATE

cat >"$work/story.sh" <<'END'
set -e
mkdir "$1"
cd "$1"
git init -q -b main .
git config gc.auto 0
git config pack.threads 2
for commit in 1 2 3 4 5 6; do
    for file in $(seq 1 60); do
        seq "$commit" "$((commit * file))" >"file$file"
    done
    git add .
    git commit -q -m "commit $commit"
done
git checkout -q -b side HEAD~3
echo side >side
git add side
git commit -q -m side
git checkout -q main
git merge -q -m merge side
git log --stat --format='%H %s'
git diff --stat HEAD~4
git grep -c 7 | tail -n 5
git blame file60 | tail -n 3
git gc -q --aggressive
git fsck --full --strict
git clone -q . ../"$(basename "$1")-clone"
git -C ../"$(basename "$1")-clone" rev-parse HEAD
git count-objects
END
on_system sh "$work/story.sh" "$work/system" >"$work/system.out" 2>&1 ||
    skip "git fails on the system's malloc"
on_acre sh "$work/story.sh" "$work/acre" >"$work/acre.out" 2>&1 ||
    failed "exit status $? on acre"
if ! diff "$work/system.out" "$work/acre.out" >"$work/diff"; then
    failed "the output differs"
    head -n 10 "$work/diff"
fi
finish
