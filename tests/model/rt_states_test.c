// rt_states_test.c - every state that a small rt heap can reach, each with its invariants, and after each
// step what the step must have done.
//
// From the empty pool on, each allocation of each size and each free is tried in each state that was not
// seen before. How many maps of a pool there are is known without the program: a granule starts a live
// block, goes on with one, or is free, and two free blocks do not touch: Fibonacci(2 G + 1) for G granules.
// So the search proves of itself that it is complete.
//
// For QUICK the order of its lists belongs to the state.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>

#include "unit/rt_pool.h"

enum { GRANULES_MAX = 72, SEEN_LOG2 = 21 };

struct blocks {
    uint8_t count;
    uint8_t place[GRANULES_MAX];
    uint8_t length[GRANULES_MAX];
};

struct search {
    enum rt_kind kind;
    uint32_t granules;
    const uint8_t *sizes; // that are tried; NULL: all
    unsigned size_count;
    size_t meta_bytes;
    size_t index_bytes;
    size_t range_bytes; // EXACT never touches it
    size_t memory_bytes;
    unsigned long steps;
    unsigned long states;
    unsigned long maps;
    const char *wrong;
};

static struct search search;
static uint64_t *seen_states;
static uint64_t *seen_maps;

static uint64_t mixed(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

/// Whether a key is new to a set.
static bool is_new(uint64_t *set, uint64_t key)
{
    key |= 1;
    uint64_t at = key >> (64 - SEEN_LOG2);
    while (set[at] != 0 && set[at] != key) {
        at = (at + 1) & (((uint64_t)1 << SEEN_LOG2) - 1);
    }
    bool fresh = set[at] == 0;
    set[at] = key;
    return fresh;
}

static uint64_t map_key(const struct blocks *blocks)
{
    uint64_t key = 1;
    for (unsigned i = 0; i < blocks->count; i++) {
        // Blocks are in no order here: sum what each contributes.
        key += mixed(mixed(7, blocks->place[i]), blocks->length[i]);
    }
    return mixed(key, search.granules);
}

static uint64_t state_key(const struct blocks *blocks)
{
    uint64_t key = map_key(blocks);
    if (!kind_has_tree(search.kind)) {
        const bool wide = kind_is_wide(search.kind);
        for (uint32_t class = 0; class < 80; class ++) {
            uint32_t at = list_head(pool, class, wide);
            for (unsigned count = 0; at != 0 && count < GRANULES_MAX; count++) {
                key = mixed(key, at);
                at = links_get(pool, at, wide).next;
            }
        }
    }
    return key;
}

/// The lowest run of free granules of at least `length`; the longest run into *longest.
static int first_fit(const struct blocks *blocks, unsigned length, unsigned *longest)
{
    bool used[GRANULES_MAX + 1] = {false};
    int found = -1;
    unsigned run = 0;
    *longest = 0;
    for (unsigned i = 0; i < blocks->count; i++) {
        memset(&used[blocks->place[i]], 1, blocks->length[i]);
    }
    for (unsigned at = 0; at <= search.granules; at++) {
        if (at < search.granules && !used[at]) {
            run += 1;
            continue;
        }
        if (run >= length && found < 0) {
            found = (int)(at - run);
        }
        *longest = run > *longest ? run : *longest;
        run = 0;
    }
    return found;
}

static bool overlaps(const struct blocks *blocks, unsigned place, unsigned length)
{
    for (unsigned i = 0; i < blocks->count; i++) {
        if (place < blocks->place[i] + (unsigned)blocks->length[i] &&
            blocks->place[i] < place + length) {
            return true;
        }
    }
    return place + length > search.granules;
}

/// What is wrong with what an allocation returned.
static const char *judge_alloc(const struct blocks *blocks, unsigned length, const void *block)
{
    unsigned longest;
    int fit = first_fit(blocks, length, &longest);
    if (block == NULL) {
        // QUICK promises what is an eighth larger, and what is as large if it was freed last.
        unsigned needed = kind_has_tree(search.kind) ? length : length + length / 8 + 1;
        return longest >= needed ? "an allocation failed although there was room" : NULL;
    }
    unsigned place = pool_place(block);
    if (overlaps(blocks, place, length)) {
        return "two live blocks overlap";
    }
    if (kind_has_tree(search.kind) && !kind_is_tight(search.kind) && (int)place != fit) {
        return "the block is not the first that fits";
    }
    return acre_rt_size(pool, block) == length * pool_granule(search.kind) ? NULL : "wrong size";
}

/// A state that is still to be looked at: its blocks, and behind that all memory of the pool.
struct state {
    struct state *next;
    struct blocks blocks;
    unsigned char memory[];
};

static struct state *waiting;

static void save(const struct blocks *blocks)
{
    struct state *state = malloc(sizeof(*state) + search.memory_bytes);
    if (state == NULL) {
        search.wrong = "no memory for the search";
        return;
    }
    unsigned char *at = state->memory;
    memcpy(at, pool_meta, search.meta_bytes);
    memcpy(at + search.meta_bytes, pool_index, search.index_bytes);
    at += search.meta_bytes + search.index_bytes;
    memcpy(at, pool_range, search.range_bytes);
    state->blocks = *blocks;
    state->next = waiting;
    waiting = state;
}

static void restore(const struct state *state)
{
    const unsigned char *at = state->memory;
    memcpy(pool_meta, at, search.meta_bytes);
    memcpy(pool_index, at + search.meta_bytes, search.index_bytes);
    at += search.meta_bytes + search.index_bytes;
    memcpy(pool_range, at, search.range_bytes);
}

/// The pool is in a state: keeps it for later if it was not seen before.
static void reached(const struct blocks *blocks)
{
    if (is_new(seen_states, state_key(blocks))) {
        search.states += 1;
        search.maps += is_new(seen_maps, map_key(blocks)) ? 1 : 0;
        save(blocks);
    }
}

static void try_alloc(const struct blocks *blocks, unsigned length)
{
    void *block = acre_rt_alloc(pool, length * pool_granule(search.kind));
    const char *wrong = judge_alloc(blocks, length, block);
    search.steps += 1;
    if (wrong != NULL) {
        search.wrong = wrong;
    } else if (block != NULL) {
        struct blocks after = *blocks;
        after.place[after.count] = (uint8_t)pool_place(block);
        after.length[after.count] = (uint8_t)length;
        after.count += 1;
        reached(&after);
    }
}

static void try_free(const struct blocks *blocks, unsigned index)
{
    void *block = pool_range + blocks->place[index] * pool_granule(search.kind);
    search.steps += 1;
    if (acre_rt_free(pool, block) != ACRE_OK) {
        search.wrong = "a live block could not be freed";
    } else if (acre_rt_free(pool, block) != ACRE_BAD_ARGUMENT) {
        search.wrong = "a block could be freed twice";
    } else {
        struct blocks after = *blocks;
        after.count -= 1;
        after.place[index] = after.place[after.count];
        after.length[index] = after.length[after.count];
        reached(&after);
    }
}

/// Each granule that no live block starts at must be refused.
static const char *judge_frees(const struct blocks *blocks)
{
    bool live[GRANULES_MAX] = {false};
    for (unsigned i = 0; i < blocks->count; i++) {
        live[blocks->place[i]] = true;
    }
    for (uint32_t at = 0; at < search.granules; at++) {
        if (acre_rt_owns(pool, pool_range + at * pool_granule(search.kind)) != live[at]) {
            return "what is a live block and what is not are mixed up";
        }
    }
    return NULL;
}

static void explore(const struct state *state)
{
    const struct blocks *blocks = &state->blocks;
    restore(state);
    search.wrong = acre_rt_check(pool, ACRE_RT_CHECK_GUARD);
    if (search.wrong == NULL) {
        search.wrong = judge_frees(blocks);
    }
    unsigned tries = search.sizes != NULL ? search.size_count : search.granules;
    for (unsigned i = 0; i < tries && search.wrong == NULL; i++) {
        try_alloc(blocks, search.sizes != NULL ? search.sizes[i] : i + 1);
        restore(state);
    }
    for (unsigned i = 0; i < blocks->count && search.wrong == NULL; i++) {
        try_free(blocks, i);
        restore(state);
    }
}

static bool run(enum rt_kind kind, uint32_t granules, const uint8_t *sizes, unsigned size_count)
{
    struct blocks none = {0};
    search = (struct search){
        .kind = kind, .granules = granules, .sizes = sizes, .size_count = size_count};
    seen_states = calloc((size_t)1 << SEEN_LOG2, sizeof(uint64_t));
    seen_maps = calloc((size_t)1 << SEEN_LOG2, sizeof(uint64_t));
    if (seen_states == NULL || seen_maps == NULL || !pool_open(kind, granules)) {
        search.wrong = "no pool";
    } else {
        search.meta_bytes =
            (size_t)((unsigned char *)pool->edges - pool_meta) + (granules / 32 + 3) * 4;
        search.index_bytes = pool->index == pool_index ? 1024 : 0;
        search.range_bytes = kind_has_tree(kind) ? 0 : granules * pool_granule(kind);
        search.memory_bytes = search.meta_bytes + search.index_bytes + search.range_bytes;
        reached(&none);
    }
    while (waiting != NULL) {
        struct state *state = waiting;
        waiting = state->next;
        if (search.wrong == NULL) {
            explore(state);
        }
        free(state);
    }
    free(seen_states);
    free(seen_maps);
    t_say(pool_kind_names[kind]);
    t_say_number("granules", granules);
    t_say_number("states", search.states);
    t_say_number("maps", search.maps);
    t_say_number("steps", search.steps);
    t_say(search.wrong);
    return search.wrong == NULL;
}

static unsigned long fibonacci(unsigned n)
{
    unsigned long a = 0;
    unsigned long b = 1;
    while (n-- > 0) {
        unsigned long sum = a + b;
        a = b;
        b = sum;
    }
    return a;
}

// rt_defects.py, which runs the search once for each defect, is content with less, and so are sanitizers.
#ifndef RT_STATES_LESS
#ifdef __SANITIZE_ADDRESS__
#define RT_STATES_LESS 3
#else
#define RT_STATES_LESS 0
#endif
#endif

static unsigned most_granules(enum rt_kind kind)
{
    return (kind_has_tree(kind) ? 12u : 10u) - RT_STATES_LESS;
}

static bool all_states(enum rt_kind kind)
{
    for (unsigned granules = 1; granules <= most_granules(kind); granules++) {
        if (!run(kind, granules, NULL, 0)) {
            return false;
        }
        if (search.maps != fibonacci(2 * granules + 1)) {
            t_say("not as many maps as there are");
            return false;
        }
    }
    return true;
}

// Where a block's length moves from one bitmap to the other, and where words end.
static bool edge_states(enum rt_kind kind)
{
    static const uint8_t sizes[] = {7, 14, 31, 32, 33, 49};
    for (uint32_t granules = 64; granules <= 67 - RT_STATES_LESS; granules += 3) {
        if (!run(kind, granules, sizes, sizeof(sizes))) {
            return false;
        }
    }
    return true;
}

static void exact_is_sound_in_every_state(void)
{
    T_EXPECT(all_states(RT_EXACT));
}

static void exact_wide_is_sound_in_every_state(void)
{
    T_EXPECT(all_states(RT_EXACT_WIDE));
}

// What differs from EXACT is which hole is taken: the edges of words and small pools show that.
static void tight_is_sound_at_the_edges_of_words(void)
{
    T_EXPECT(run(RT_TIGHT, 8, NULL, 0) && run(RT_TIGHT_WIDE, 8, NULL, 0));
    T_EXPECT(edge_states(RT_TIGHT));
}

static void quick_is_sound_in_every_state(void)
{
    T_EXPECT(all_states(RT_QUICK));
}

static void quick_wide_is_sound_in_every_state(void)
{
    T_EXPECT(all_states(RT_QUICK_WIDE));
}

static void exact_is_sound_at_the_edges_of_words(void)
{
    T_EXPECT(edge_states(RT_EXACT) && edge_states(RT_EXACT_WIDE));
}

static void quick_is_sound_at_the_edges_of_words(void)
{
    T_EXPECT(edge_states(RT_QUICK) && edge_states(RT_QUICK_WIDE));
}

T_MAIN(
    T_CASE(exact_is_sound_in_every_state), T_CASE(exact_wide_is_sound_in_every_state),
    T_CASE(quick_is_sound_in_every_state), T_CASE(quick_wide_is_sound_in_every_state),
    T_CASE(exact_is_sound_at_the_edges_of_words), T_CASE(tight_is_sound_at_the_edges_of_words),
    T_CASE(quick_is_sound_at_the_edges_of_words))
