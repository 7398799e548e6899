// bootmap_model_test.c - random memory maps of firmware, put in order, next to an array that says for each
// byte in a small world, and by that for each frame, what it is.
//
//   T_SEED=N or an argument repeats a run.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "acre/bootmap.h"
#include "t.h"

enum {
    UNIT = 512, // bytes: where ranges begin and end
    FRAMES = 64,
    UNITS_OF_FRAME = 4096 / UNIT,
    UNITS = FRAMES * UNITS_OF_FRAME,
    ENTRIES_MAX = 24,
    ROUNDS = 20000,
};

static unsigned char units[UNITS];
static unsigned char frames[FRAMES];
static acre_bootmap_entry room[2 * ENTRIES_MAX];
static acre_bootmap map;
static uint64_t origin; // where the world lies
static uint64_t noise;

static uint64_t draw(uint64_t below)
{
    noise ^= noise << 13;
    noise ^= noise >> 7;
    noise ^= noise << 17;
    return (noise >> 11) % below;
}

static void paint(uint64_t first, uint64_t end, unsigned kind)
{
    for (uint64_t i = first; i < end && i < UNITS; i++) {
        units[i] = units[i] > kind ? units[i] : (unsigned char)kind;
    }
}

/// One range of a random map: in the world, empty, or wrapping around the end of all addresses.
static bool add_one(void)
{
    static const acre_map_kind kinds[] = {
        ACRE_MAP_USABLE,     ACRE_MAP_USABLE,     ACRE_MAP_USABLE, ACRE_MAP_RECLAIM,
        ACRE_MAP_UNACCEPTED, ACRE_MAP_PERSISTENT, ACRE_MAP_TAKEN,  ACRE_MAP_RESERVED,
        ACRE_MAP_BAD,        ACRE_MAP_NONE};
    acre_map_kind kind = kinds[draw(sizeof(kinds) / sizeof(kinds[0]))];
    uint64_t first = draw(UNITS);
    uint64_t count = draw(draw(2) == 0 ? UNITS / 2 : 20);
    count = count < UNITS - first ? count : UNITS - first;
    uint64_t base = origin + first * UNIT;
    uint64_t what = draw(20);
    if (what == 0) {
        return acre_bootmap_append(&map, base, 0, kind) == ACRE_OK;
    }
    if (what == 1) { // wraps, or ends at the very end: usable memory is not that long
        uint64_t bytes = draw(2) == 0 || base == 0 ? UINT64_MAX - draw(100) : 0 - base;
        paint(first, UNITS, kind == ACRE_MAP_USABLE ? 0 : kind);
        return acre_bootmap_append(&map, base, bytes, kind) == ACRE_OK;
    }
    if (what == 2) { // beyond all memory
        return acre_bootmap_append(&map, UINT64_MAX - draw(1 << 20), draw(1 << 21), kind) ==
               ACRE_OK;
    }
    paint(first, first + count, kind);
    return acre_bootmap_append(&map, base, count * UNIT, kind) == ACRE_OK;
}

/// The rule of acre_bootmap_fix, frame by frame.
static void judge_frames(void)
{
    for (unsigned i = 0; i < (unsigned)FRAMES; i++) {
        unsigned greatest = 0;
        bool all_usable = true;
        for (unsigned j = 0; j < (unsigned)UNITS_OF_FRAME; j++) {
            unsigned kind = units[i * UNITS_OF_FRAME + j];
            greatest = kind > greatest ? kind : greatest;
            all_usable = all_usable && kind == ACRE_MAP_USABLE;
        }
        frames[i] = (unsigned char)(greatest == ACRE_MAP_USABLE && !all_usable ? 0 : greatest);
    }
}

static const char *compare(void)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < map.count; i++) {
        const acre_bootmap_entry *entry = &map.entries[i];
        if (entry->bytes == 0 || (entry->base | entry->bytes) % 4096 != 0) {
            return "an entry is empty or not made of frames";
        }
        if (i > 0 && entry->base < last) {
            return "entries overlap or are not sorted";
        }
        if (i > 0 && entry->base == last && entry->kind == entry[-1].kind) {
            return "neighbours of one kind are not merged";
        }
        last = entry->base + entry->bytes;
    }
    for (unsigned i = 0; i < (unsigned)FRAMES; i++) {
        acre_phys at = {origin + i * (uint64_t)4096};
        if (acre_bootmap_kind_at(&map, at) != (acre_map_kind)frames[i]) {
            t_say_number("frame", i);
            return "a frame has the wrong kind";
        }
    }
    return NULL;
}

/// The highest place for a cut, as the frames say. UINT64_MAX: none.
static uint64_t best_place(uint64_t count, uint64_t align, uint64_t end)
{
    for (uint64_t start = end; start-- > 0;) {
        bool fits = start + count <= end && (origin / 4096 + start) % align == 0;
        for (uint64_t i = start; fits && i < start + count; i++) {
            fits = frames[i] == ACRE_MAP_USABLE;
        }
        if (fits) {
            return start;
        }
    }
    return UINT64_MAX;
}

static const char *cut_some(void)
{
    for (unsigned i = 0; i < 6; i++) {
        uint64_t count = 1 + draw(8);
        uint64_t align = (uint64_t)1 << draw(5);
        uint64_t end = draw(3) == 0 ? 1 + draw(FRAMES) : FRAMES;
        acre_phys limit = {origin + end * 4096};
        acre_phys out = {1};
        uint64_t place = best_place(count, align, end);
        acre_status status = acre_bootmap_cut(
            &map, count * 4096 - draw(4096), align * 4096 >> draw(2) * (align == 1), limit, &out);
        if (status != ACRE_OK && map.capacity - map.count < 2) {
            return NULL; // no entry left
        }
        if (place == UINT64_MAX) {
            if (status != ACRE_NO_MEMORY || out.addr != 1) {
                return "a cut that cannot be succeeded";
            }
            continue;
        }
        if (status != ACRE_OK || out.addr != origin + place * 4096) {
            return "a cut is not at the highest place";
        }
        memset(&frames[place], ACRE_MAP_TAKEN, (size_t)count);
        const char *wrong = compare();
        if (wrong != NULL) {
            return wrong;
        }
    }
    return NULL;
}

static const char *one_round(void)
{
    memset(units, 0, sizeof(units));
    unsigned count = 1 + (unsigned)draw(ENTRIES_MAX - 1);
    acre_bootmap_init(&map, room, draw(2) == 0 ? 2 * count : 2 * ENTRIES_MAX);
    while (count-- > 0) {
        if (!add_one()) {
            return "an entry could not be appended";
        }
    }
    judge_frames();
    acre_status status = acre_bootmap_fix(&map);
    bool any = memchr(frames, ACRE_MAP_USABLE, sizeof(frames)) != NULL;
    if (status != (any ? ACRE_OK : ACRE_BAD_MAP) || (!any && map.reason == NULL)) {
        return "the status is wrong";
    }
    const char *wrong = compare();
    if (wrong == NULL) {
        (void)acre_bootmap_fix(&map); // what is in order stays so
        wrong = map.fixed ? compare() : NULL;
    }
    return wrong != NULL ? wrong : cut_some();
}

static void play(uint64_t where, uint64_t seed)
{
    origin = where;
    noise = seed != 0 ? seed : 1;
    for (unsigned i = 0; i < (unsigned)ROUNDS; i++) {
        const char *wrong = one_round();
        if (wrong != NULL) {
            t_say_number("seed", seed);
            t_say_number("round", i);
        }
        T_EXPECT_SOUND(wrong);
    }
}

static void random_maps_from_address_0(void)
{
    play(0, t_seed(0x2545f4914f6cdd1d));
}

static void random_maps_above_4_gib(void)
{
    play(((uint64_t)5 << 30) + ((uint64_t)7 << 40), t_seed(0x9e3779b97f4a7c15));
}

static void random_maps_at_the_end_of_all_memory(void)
{
    play(((uint64_t)1 << ACRE_PHYS_BITS) - FRAMES * (uint64_t)4096, t_seed(0xd1342543de82ef95));
}

T_MAIN(
    T_CASE(random_maps_from_address_0), T_CASE(random_maps_above_4_gib),
    T_CASE(random_maps_at_the_end_of_all_memory))
