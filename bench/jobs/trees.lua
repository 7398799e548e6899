-- trees.lua FILE - tables, strings and closures of Lua: an index of a text, and binary trees.
--
-- A job of acre bench: Lua takes every object, however small, from realloc and gives it back to it,
-- when its collector has found it.
-- SPDX-License-Identifier: MIT
local DEPTH, TREES = 13, 24

local function tree(depth)
    if depth == 0 then
        return {}
    end
    return {tree(depth - 1), tree(depth - 1)}
end

local function count(node)
    if not node[1] then
        return 1
    end
    return 1 + count(node[1]) + count(node[2])
end

local lines_of, words, number = {}, 0, 0
for line in io.lines(arg[1]) do
    number = number + 1
    for word in line:gmatch("%l+") do
        local places = lines_of[word]
        if not places then
            places = {}
            lines_of[word] = places
            words = words + 1
        end
        places[#places + 1] = number .. ":" .. word
    end
end

local kept, nodes = {}, 0
for i = 1, TREES do
    kept[i % 4] = tree(DEPTH)
    nodes = nodes + count(kept[i % 4])
end

local pieces = {}
for word, places in pairs(lines_of) do
    pieces[#pieces + 1] = word .. #table.concat(places, ",")
end
table.sort(pieces)
print(number, words, nodes, #table.concat(pieces), pieces[1], pieces[#pieces])
