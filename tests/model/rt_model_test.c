// rt_model_test.c - random calls to rt heaps of every engine and width, against a map of who owns which
// granule. T_SEED or the first argument repeats a run.
//
// The model knows what each call must do: which requests may fail, where first fit puts a block, whether
// there is room to resize, and what each block holds. Pointers that are no live block are tried all along.
// SPDX-License-Identifier: MIT
#include "unit/rt_pool.h"

enum { MODEL_GRANULES = 140000, MODEL_BLOCKS = 4000, FREE = 0 };

struct held {
    uint32_t place;
    uint32_t length;
    uint8_t fill;
};

static uint16_t owner[MODEL_GRANULES]; // FREE, or 1 + the number of the block
static struct held held[MODEL_BLOCKS];
static uint32_t held_count;
static uint64_t random_state;
static enum rt_kind kind;
static uint32_t granules;
static uint32_t granule;
static uint32_t largest; // request, in granules
static const char *wrong;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545f4914f6cdd1du >> 32) * bound >> 32);
}

static void expect(bool holds, const char *words)
{
    if (!holds && wrong == NULL) {
        wrong = words;
    }
}

static unsigned char *at_place(uint32_t place)
{
    return pool_range + (size_t)place * granule;
}

/// The lowest run of at least `length` free granules, or -1; the longest run into *longest.
static int64_t first_fit(uint32_t length, uint32_t *longest)
{
    int64_t found = -1;
    uint32_t run = 0;
    *longest = 0;
    for (uint32_t at = 0; at <= granules; at++) {
        if (at < granules && owner[at] == FREE) {
            run += 1;
            continue;
        }
        if (run >= length && found < 0) {
            found = (int64_t)at - run;
        }
        *longest = run > *longest ? run : *longest;
        run = 0;
    }
    return found;
}

static void mark(uint32_t place, uint32_t length, uint16_t as)
{
    for (uint32_t at = place; at < place + length; at++) {
        expect(at < granules && (owner[at] == FREE) == (as != FREE), "blocks overlap");
        owner[at] = as;
    }
}

static void fill(struct held *block)
{
    block->fill = (uint8_t)(1 + random_below(255));
    memset(at_place(block->place), block->fill, (size_t)block->length * granule);
}

static bool is_filled(const struct held *block, uint32_t length)
{
    const unsigned char *bytes = at_place(block->place);
    for (size_t i = 0; i < (size_t)length * granule; i += 1 + length / 64) {
        if (bytes[i] != block->fill) {
            return false;
        }
    }
    return true;
}

static void add(void *block, uint32_t length)
{
    struct held *here = &held[held_count];
    *here = (struct held){.place = pool_place(block), .length = length};
    held_count += 1;
    mark(here->place, length, (uint16_t)held_count);
    expect(acre_rt_size(pool, block) == (size_t)length * granule, "a block has another size");
    fill(here);
}

static void drop(uint32_t index)
{
    mark(held[index].place, held[index].length, FREE);
    held_count -= 1;
    if (index != held_count) {
        held[index] = held[held_count];
        for (uint32_t i = 0; i < held[index].length; i++) {
            owner[held[index].place + i] = (uint16_t)(index + 1);
        }
    }
}

static uint32_t random_length(void)
{
    return 1 + random_below(random_below(4) == 0 ? 4 : largest);
}

static void step_alloc(void)
{
    uint32_t length = random_length();
    uint32_t longest;
    int64_t fit = first_fit(length, &longest);
    void *block = acre_rt_alloc(pool, (size_t)length * granule - random_below(granule));
    if (block == NULL) {
        uint32_t needed = kind_has_tree(kind) ? length : length + length / 8 + 1;
        expect(longest < needed, "no room was found where there was some");
        return;
    }
    bool first = kind_has_tree(kind) && !kind_is_tight(kind);
    expect(!first || (int64_t)pool_place(block) == fit, "not the first fit");
    add(block, length);
}

static void step_aligned(void)
{
    uint32_t length = random_length();
    size_t align = (size_t)granule << random_below(6);
    uint32_t longest;
    (void)first_fit(1, &longest);
    void *block = acre_rt_aligned(pool, align, (size_t)length * granule);
    if (block == NULL) {
        uint32_t needed = length + (uint32_t)(align / granule) - 1;
        needed += kind_has_tree(kind) ? 0 : needed / 8 + 1;
        expect(longest < needed, "no aligned room was found where there was some");
        return;
    }
    expect(((uintptr_t)block & (align - 1)) == 0, "a block is not aligned");
    add(block, length);
}

static void step_alloc_at(void)
{
    uint32_t length = random_length();
    uint32_t place = random_below(granules);
    bool room = place + length <= granules;
    for (uint32_t at = place; room && at < place + length; at++) {
        room = owner[at] == FREE;
    }
    void *block = acre_rt_alloc_at(pool, at_place(place), (size_t)length * granule);
    expect((block != NULL) == room, "alloc_at is wrong about what is free");
    if (block != NULL) {
        add(block, length);
    }
}

static void step_free(uint32_t index)
{
    struct held block = held[index];
    expect(is_filled(&block, block.length), "a live block was written to");
    bool sized = random_below(2) == 0;
    void *addr = at_place(block.place);
    acre_status status = sized ? acre_rt_free_sized(pool, addr, (size_t)block.length * granule)
                               : acre_rt_free(pool, addr);
    expect(status == ACRE_OK, "a live block could not be freed");
    expect(acre_rt_free(pool, addr) == ACRE_BAD_ARGUMENT, "a block could be freed twice");
    drop(index);
}

static void step_resize(uint32_t index)
{
    struct held *block = &held[index];
    uint32_t length = random_length();
    bool room = block->place + length <= granules;
    for (uint32_t i = block->length; room && i < length; i++) {
        room = owner[block->place + i] == FREE;
    }
    acre_status status = acre_rt_resize(pool, at_place(block->place), (size_t)length * granule);
    expect((status == ACRE_OK) == room, "resize is wrong about the room");
    if (status == ACRE_OK) {
        mark(block->place, block->length, FREE);
        block->length = length;
        mark(block->place, length, (uint16_t)(index + 1));
        fill(block);
    }
}

static void step_realloc(uint32_t index)
{
    struct held block = held[index];
    uint32_t length = random_length();
    void *moved = acre_rt_realloc(pool, at_place(block.place), (size_t)length * granule);
    if (moved == NULL) {
        expect(acre_rt_owns(pool, at_place(block.place)), "a failed realloc lost the block");
        return;
    }
    drop(index);
    add(moved, length); // fills: look at what was kept first
}

static void step_misuse(uint32_t index)
{
    unsigned char *block = at_place(held[index].place);
    uint32_t inside = held[index].length > 1 ? 1 + random_below(held[index].length - 1) : 0;
    if (inside != 0) {
        expect(
            acre_rt_free(pool, block + (size_t)inside * granule) == ACRE_BAD_ARGUMENT, "interior");
        expect(acre_rt_block_of(pool, block + (size_t)inside * granule) == block, "block_of");
        expect(
            acre_rt_judge(pool, block + (size_t)inside * granule) == ACRE_RT_INTERIOR,
            "judge interior");
    }
    expect(acre_rt_free(pool, block + 1) == ACRE_BAD_ARGUMENT, "misaligned");
    expect(acre_rt_free(pool, pool_range - granule) == ACRE_BAD_ARGUMENT, "in front");
    expect(acre_rt_free(pool, at_place(granules)) == ACRE_BAD_ARGUMENT, "behind");
    expect(
        acre_rt_free(pool, (void *)(uintptr_t)(random_state & ~(uint64_t)7)) == ACRE_BAD_ARGUMENT,
        "anywhere");
    uint32_t place = random_below(granules);
    if (owner[place] == FREE) {
        expect(acre_rt_free(pool, at_place(place)) == ACRE_BAD_ARGUMENT, "free memory");
        expect(acre_rt_judge(pool, at_place(place)) == ACRE_RT_FREE, "judge free");
    }
}

static void step(void)
{
    uint32_t what = random_below(100);
    if (held_count == MODEL_BLOCKS || (held_count != 0 && what >= 52)) {
        uint32_t index = random_below(held_count);
        if (what < 84) {
            step_free(index);
        } else if (what < 92) {
            step_resize(index);
        } else if (what < 96) {
            step_realloc(index);
        } else {
            step_misuse(index);
        }
    } else if (what < 42) {
        step_alloc();
    } else if (what < 48) {
        step_aligned();
    } else {
        step_alloc_at();
    }
}

static bool run(enum rt_kind of, uint32_t of_granules, uint32_t of_largest, unsigned steps)
{
    kind = of;
    granules = of_granules;
    granule = (uint32_t)pool_granule(kind);
    largest = of_largest;
    wrong = NULL;
    held_count = 0;
    memset(owner, 0, sizeof(owner));
    expect(pool_open(kind, granules), "no pool");
    unsigned checks = granules < 1000 ? 1 : 50;
    for (unsigned i = 0; i < steps && wrong == NULL; i++) {
        step();
        if (wrong == NULL && i % checks == 0) {
            wrong = acre_rt_check(pool, ACRE_RT_CHECK_GUARD);
        }
    }
    while (held_count != 0 && wrong == NULL) {
        step_free(held_count - 1);
    }
    acre_rt_stats stats;
    if (wrong == NULL) {
        wrong = acre_rt_check(pool, ACRE_RT_CHECK_GUARD);
        acre_rt_get_stats(pool, &stats);
        expect(stats.live_bytes == 0 && stats.free_blocks == 1, "something is left of it");
        expect(
            acre_rt_alloc(pool, (size_t)granules * granule) == pool_range, "not one block again");
    }
    if (wrong != NULL) {
        t_say(pool_kind_names[kind]);
        t_say_number("granules", granules);
        t_say(wrong);
    }
    return wrong == NULL;
}

static bool run_all(enum rt_kind of)
{
    uint64_t seed = t_seed(20261120);
    t_say_number("seed", seed);
    random_state = seed * 0x9e3779b97f4a7c15u + (uint64_t)of + 1;
    for (uint32_t size = 1; size < 180; size += 5) {
        if (!run(of, size, 1 + size / 3, 1500)) {
            return false;
        }
    }
    return run(of, 500, 100, 6000) && run(of, 1023, 40, 6000) && run(of, 8192, 300, 6000);
}

static void exact_does_what_the_model_does(void)
{
    T_EXPECT(run_all(RT_EXACT) && run(RT_EXACT, 65502, 9000, 2000));
}

static void exact_wide_does_what_the_model_does(void)
{
    T_EXPECT(run_all(RT_EXACT_WIDE) && run(RT_EXACT_WIDE, 140000, 50000, 1500));
}

static void quick_does_what_the_model_does(void)
{
    T_EXPECT(run_all(RT_QUICK) && run(RT_QUICK, 65502, 9000, 2000));
}

static void quick_wide_does_what_the_model_does(void)
{
    T_EXPECT(run_all(RT_QUICK_WIDE) && run(RT_QUICK_WIDE, 140000, 50000, 1500));
}

static void tight_does_what_the_model_does(void)
{
    T_EXPECT(run_all(RT_TIGHT) && run(RT_TIGHT, 65502, 9000, 2000));
    T_EXPECT(run(RT_TIGHT_WIDE, 1023, 40, 6000) && run(RT_TIGHT_WIDE, 140000, 50000, 1500));
}

T_MAIN(
    T_CASE(exact_does_what_the_model_does), T_CASE(exact_wide_does_what_the_model_does),
    T_CASE(tight_does_what_the_model_does), T_CASE(quick_does_what_the_model_does),
    T_CASE(quick_wide_does_what_the_model_does))
