#!/bin/sh
# lua.sh - lua works on acre: tables that grow, strings, coroutines, garbage collection.
# usage: lua.sh LIBACRE_SO
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

lua=
for candidate in lua5.4 lua5.3 lua luajit; do
    if command -v "$candidate" >/dev/null; then
        lua=$candidate
        break
    fi
done
[ -n "$lua" ] || skip "lua is not installed"
cat >"$work/script.lua" <<'END'
local list, words = {}, {}
for i = 1, 300000 do list[i] = { i, tostring(i) } end
for i = 1, 300000, 3 do list[i] = nil end
local sum = 0
for _, pair in pairs(list) do sum = sum + pair[1] + #pair[2] end
print(sum)
for i = 1, 50000 do words[#words + 1] = string.rep(string.char(97 + i % 26), i % 40) end
local text = table.concat(words, " ")
print(#text, select(2, text:gsub("a+", "b")))
local routines = {}
for i = 1, 5000 do
    routines[i] = coroutine.wrap(function() for k = 1, 3 do coroutine.yield(i * k) end end)
end
local total = 0
for _ = 1, 3 do for i = 1, 5000 do total = total + routines[i]() end end
print(total)
local big = ""
for i = 1, 200 do big = big .. string.rep("x", 5000) end
print(#big)
list, words, routines = nil, nil, nil
collectgarbage()
print(collectgarbage("count") < 20000)
END
same 'a script' "$lua" "$work/script.lua"
finish
