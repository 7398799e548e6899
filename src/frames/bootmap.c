// bootmap.c - putting a boot memory map in order, in the caller's array, and taking from it.
//
// acre_bootmap_fix moves the raw entries to the end of the array and inserts them one by one into what
// grows at its beginning, sorted, disjoint and exact to the byte:
//
//     [ in order ......... | gap | raw entries still to come ]
//
// n ranges have at most 2n ends, so they make at most 2n - 1 pieces: with room for 2n entries the gap never
// closes, because k inserted ones need 2k - 1 and those still to come n - k. Then bytes are rounded to
// frames, which never makes the map longer.
// SPDX-License-Identifier: MIT
#include "acre/bootmap.h"

enum { INSERT_EXTRA = 2 }; // entries by which one insertion can make a map longer

static const uint64_t PHYS_END = (uint64_t)1 << ACRE_PHYS_BITS;

static uint64_t end_of(const acre_bootmap_entry *entry)
{
    return entry->base + entry->bytes;
}

static acre_status fail(acre_bootmap *map, acre_status status, const char *reason)
{
    map->reason = reason;
    return status;
}

void acre_bootmap_init(acre_bootmap *map, acre_bootmap_entry *entries, uint32_t capacity)
{
    *map = (acre_bootmap){.entries = entries, .capacity = capacity};
}

acre_status acre_bootmap_append(
    acre_bootmap *map, uint64_t base, uint64_t bytes, acre_map_kind kind)
{
    if (bytes == 0 || kind == ACRE_MAP_NONE) {
        return ACRE_OK;
    }
    if (map->count >= map->capacity) {
        return fail(map, ACRE_NO_MEMORY, "the map has no entry left");
    }
    map->entries[map->count] = (acre_bootmap_entry){base, bytes, (uint32_t)kind, 0};
    map->count += 1;
    map->fixed = false;
    return ACRE_OK;
}

// ---- one entry into a sorted map -----------------------------------------------------------------

static void open_gap(acre_bootmap *map, uint32_t at)
{
    for (uint32_t i = map->count; i > at; i--) {
        map->entries[i] = map->entries[i - 1];
    }
    map->count += 1;
}

static void close_gap(acre_bootmap *map, uint32_t at)
{
    map->count -= 1;
    for (uint32_t i = at; i < map->count; i++) {
        map->entries[i] = map->entries[i + 1];
    }
}

/// Cuts the entry that has `at` inside in two there. Entries that begin or end there stay.
static void split_at(acre_bootmap *map, uint64_t at)
{
    for (uint32_t i = 0; i < map->count; i++) {
        acre_bootmap_entry *entry = &map->entries[i];
        if (entry->base < at && at < end_of(entry)) {
            open_gap(map, i + 1);
            map->entries[i + 1] = (acre_bootmap_entry){at, end_of(entry) - at, entry->kind, 0};
            entry->bytes = at - entry->base;
            return;
        }
    }
}

/// Joins an entry with the one after it if they touch and are of one kind.
static bool join(acre_bootmap *map, uint32_t at)
{
    if (at + 1 >= map->count) {
        return false;
    }
    acre_bootmap_entry *entry = &map->entries[at];
    if (entry->kind != entry[1].kind || end_of(entry) != entry[1].base) {
        return false;
    }
    entry->bytes += entry[1].bytes;
    close_gap(map, at + 1);
    return true;
}

/// Lays a range over a sorted map: what is there becomes the greater kind, what is not is added. There is
/// room for INSERT_EXTRA entries and one for each hole that the range fills, which the proof above
/// bounds.
static void lay_over(acre_bootmap *map, uint64_t base, uint64_t end, uint32_t kind)
{
    split_at(map, base);
    split_at(map, end);
    uint32_t i = 0;
    while (i < map->count && map->entries[i].base < base) {
        i += 1;
    }
    // From here on, entries lie in the range as a whole until one starts behind it.
    while (base < end) {
        acre_bootmap_entry *entry = &map->entries[i];
        if (i < map->count && entry->base == base) {
            entry->kind = entry->kind > kind ? entry->kind : kind;
        } else {
            uint64_t stop = i < map->count && entry->base < end ? entry->base : end;
            open_gap(map, i);
            map->entries[i] = (acre_bootmap_entry){base, stop - base, kind, 0};
        }
        base = end_of(&map->entries[i]);
        // Joined at once, so that the map is never longer than its ends demand.
        i += i > 0 && join(map, i - 1) ? 0 : 1;
    }
    if (i > 0) {
        (void)join(map, i - 1);
    }
}

// ---- order ---------------------------------------------------------------------------------------

/// What of a raw entry counts. False: nothing.
static bool clean(acre_bootmap *map, acre_bootmap_entry *entry)
{
    if (entry->kind > ACRE_MAP_BAD) {
        entry->kind = ACRE_MAP_RESERVED;
    }
    if (entry->kind == ACRE_MAP_NONE || entry->bytes == 0) {
        return false;
    }
    if (entry->base >= PHYS_END || entry->bytes > PHYS_END - entry->base) {
        if (entry->kind == ACRE_MAP_USABLE) {
            map->dropped += 1;
            return false;
        }
        if (entry->base >= PHYS_END) {
            return false;
        }
        entry->bytes = PHYS_END - entry->base;
    }
    return true;
}

/// Bytes to frames: usable memory inwards, all else outwards; where two kinds meet in a frame, the greater
/// has it. Entries are replaced from the first on, never by more than there were.
static void round_to_frames(acre_bootmap *map)
{
    const uint64_t mask = ACRE_FRAME_BYTES - 1;
    uint32_t out = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        acre_bootmap_entry entry = map->entries[i];
        bool inwards = entry.kind == ACRE_MAP_USABLE;
        uint64_t base = (inwards ? entry.base + mask : entry.base) & ~mask;
        uint64_t end = (inwards ? end_of(&entry) : end_of(&entry) + mask) & ~mask;
        while (out > 0 && base < end_of(&map->entries[out - 1])) {
            acre_bootmap_entry *prev = &map->entries[out - 1];
            if (prev->kind >= entry.kind) {
                base = end_of(prev);
                break;
            }
            prev->bytes = base > prev->base ? base - prev->base : 0;
            out -= prev->bytes == 0 ? 1 : 0;
        }
        if (base >= end) {
            continue;
        }
        map->entries[out] = (acre_bootmap_entry){base, end - base, entry.kind, 0};
        out += 1;
    }
    map->count = out;
    for (uint32_t i = 0; i < map->count;) {
        i += join(map, i) ? 0 : 1;
    }
}

acre_status acre_bootmap_fix(acre_bootmap *map)
{
    uint32_t raw = map->count;
    if (raw > map->capacity / 2) {
        return fail(map, ACRE_NO_MEMORY, "putting the map in order needs twice its entries");
    }
    for (uint32_t i = raw; i-- > 0;) {
        map->entries[map->capacity - raw + i] = map->entries[i];
    }
    map->count = 0;
    for (uint32_t i = map->capacity - raw; i < map->capacity; i++) {
        acre_bootmap_entry entry = map->entries[i];
        if (clean(map, &entry)) {
            lay_over(map, entry.base, end_of(&entry), entry.kind);
        }
    }
    round_to_frames(map);
    map->fixed = true;
    for (uint32_t i = 0; i < map->count; i++) {
        if (map->entries[i].kind == ACRE_MAP_USABLE) {
            return ACRE_OK;
        }
    }
    return fail(map, ACRE_BAD_MAP, "the map has no usable frame");
}

// ---- taking --------------------------------------------------------------------------------------

/// The highest place in an entry. False: none.
static bool place_in(
    const acre_bootmap_entry *entry, uint64_t bytes, uint64_t align, uint64_t limit, uint64_t *out)
{
    uint64_t end = end_of(entry);
    if (limit != 0 && limit < end) {
        end = limit;
    }
    if (entry->kind != ACRE_MAP_USABLE || end < entry->base || end - entry->base < bytes) {
        return false;
    }
    *out = (end - bytes) & ~(align - 1);
    return *out >= entry->base;
}

acre_status acre_bootmap_cut(
    acre_bootmap *map, uint64_t bytes, uint64_t align, acre_phys limit, acre_phys *out)
{
    const uint64_t mask = ACRE_FRAME_BYTES - 1;
    if (!map->fixed || bytes == 0 || bytes > PHYS_END || align == 0 || (align & (align - 1)) != 0) {
        return fail(map, ACRE_BAD_ARGUMENT, "no size, no alignment, or a map that is not fixed");
    }
    bytes = (bytes + mask) & ~mask;
    align = align > mask ? align : ACRE_FRAME_BYTES;
    uint64_t at = 0;
    uint32_t i = map->count;
    while (i > 0 && !place_in(&map->entries[i - 1], bytes, align, limit.addr, &at)) {
        i -= 1;
    }
    if (i == 0) {
        return fail(map, ACRE_NO_MEMORY, "no usable place of that size, alignment and limit");
    }
    if (map->capacity - map->count < INSERT_EXTRA) {
        return fail(map, ACRE_NO_MEMORY, "the map has no entry left");
    }
    lay_over(map, at, at + bytes, ACRE_MAP_TAKEN);
    out->addr = at;
    return ACRE_OK;
}

// ---- looking -------------------------------------------------------------------------------------

acre_map_kind acre_bootmap_kind_at(const acre_bootmap *map, acre_phys at)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const acre_bootmap_entry *entry = &map->entries[i];
        if (at.addr >= entry->base && at.addr - entry->base < entry->bytes) {
            return (acre_map_kind)entry->kind;
        }
    }
    return ACRE_MAP_NONE;
}

bool acre_bootmap_span(const acre_bootmap *map, acre_phys *low, acre_phys *high)
{
    bool found = false;
    for (uint32_t i = 0; map->fixed && i < map->count; i++) {
        const acre_bootmap_entry *entry = &map->entries[i];
        if (entry->kind >= ACRE_MAP_USABLE && entry->kind <= ACRE_MAP_TAKEN) {
            low->addr = found ? low->addr : entry->base;
            high->addr = end_of(entry);
            found = true;
        }
    }
    return found;
}
