#!/bin/sh
# sqlite.sh - sqlite3 inserts, indexes, joins, updates and checks a database on acre.
# usage: sqlite.sh LIBACRE_SO
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

need sqlite3
cat >"$work/story.sql" <<'END'
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price REAL, body BLOB);
CREATE TABLE sale (id INTEGER PRIMARY KEY, item INTEGER, count INTEGER);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
    INSERT INTO item SELECT i, 'item ' || (i * 7919 % 60000), i * 0.25, zeroblob(i % 300) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
    INSERT INTO sale SELECT i, i * 31 % 60000 + 1, i % 7 FROM n;
COMMIT;
CREATE INDEX by_name ON item(name);
CREATE INDEX by_item ON sale(item);
SELECT count(*), sum(length(body)), min(name), max(name) FROM item;
SELECT item.name, sum(sale.count) AS sold FROM sale JOIN item ON item.id = sale.item
    GROUP BY item.id ORDER BY sold DESC, item.name LIMIT 10;
UPDATE item SET body = zeroblob(length(body) * 20) WHERE id % 10 = 0;
DELETE FROM sale WHERE count = 3;
SELECT group_concat(name, ',') FROM (SELECT name FROM item ORDER BY name DESC LIMIT 500);
SELECT printf('%.3f', avg(price)), count(DISTINCT substr(name, 1, 7)) FROM item;
VACUUM;
PRAGMA integrity_check;
END
same 'a database in memory' sqlite3 -init /dev/null -batch :memory: ".read $work/story.sql"
on_acre sqlite3 -init /dev/null -batch "$work/acre.db" ".read $work/story.sql" \
    >"$work/acre.out" 2>&1 ||
    failed "a database in a file: exit status $?"
# What acre's run wrote must be sound to a process that is not on acre.
[ "$(sqlite3 -init /dev/null -batch "$work/acre.db" 'PRAGMA integrity_check;' 2>&1)" = ok ] ||
    failed "the database that was written on acre is not sound"
finish
