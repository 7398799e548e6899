// fit_test.c - what acre/fit.h promises: each policy's choice, tags, misuse, reservations, the picture.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "acre/fit.h"
#include "pools/fit_block.h"
#include "t.h"

enum { MEMORY_BYTES = 4096 };

static _Alignas(16) unsigned char memory[MEMORY_BYTES + 64];
static acre_fit *fit;

static bool open_with(acre_fit_policy policy, unsigned flags)
{
    memset(memory, 0x33, sizeof(memory));
    return acre_fit_init(memory, MEMORY_BYTES, policy, flags | ACRE_FIT_REPORT, &fit) == ACRE_OK;
}

static bool is_at(const void *block, const void *place)
{
    return block == place && acre_fit_check(fit) == NULL;
}

// Holes of 200, 100, 400, 100 and 300 bytes by address, freed in another order, and the rest behind.
static void *holes[5];

static bool open_with_holes(acre_fit_policy policy)
{
    static const size_t sizes[5] = {200, 100, 400, 104, 300};
    static const unsigned order[5] = {2, 0, 4, 3, 1};
    if (!open_with(policy, 0)) {
        return false;
    }
    for (unsigned i = 0; i < 5; i++) {
        holes[i] = acre_fit_alloc(fit, sizes[i]);
        if (holes[i] == NULL || acre_fit_alloc(fit, 16) == NULL) {
            return false;
        }
    }
    size_t got;
    if (acre_fit_alloc_largest(fit, 1, SIZE_MAX, &got) == NULL) { // nothing behind the holes
        return false;
    }
    for (unsigned i = 0; i < 5; i++) {
        if (acre_fit_free(fit, holes[order[i]]) != ACRE_OK) {
            return false;
        }
    }
    return acre_fit_check(fit) == NULL;
}

static void first_takes_the_newest_that_fits(void)
{
    T_EXPECT(open_with_holes(ACRE_FIT_FIRST)); // list: 1 3 4 0 2
    T_EXPECT(is_at(acre_fit_alloc(fit, 90), holes[1]));
    T_EXPECT(is_at(acre_fit_alloc(fit, 250), holes[4]));
    T_EXPECT(is_at(acre_fit_alloc(fit, 350), holes[2]));
    T_EXPECT(acre_fit_alloc(fit, 350) == NULL);
}

static void next_goes_on_where_it_was(void)
{
    T_EXPECT(open_with_holes(ACRE_FIT_NEXT));
    acre_fit_stats stats;
    void *first = acre_fit_alloc(fit, 100);
    T_EXPECT(first != NULL);
    T_EXPECT_SOUND(acre_fit_check(fit));
    void *second = acre_fit_alloc(fit, 104);
    void *third = acre_fit_alloc(fit, 180);
    T_EXPECT(second != NULL && third != NULL && second != first);
    T_EXPECT_SOUND(acre_fit_check(fit));
    acre_fit_get_stats(fit, &stats);
    T_EXPECT(acre_fit_alloc(fit, 2000) == NULL); // once around, and no further
    size_t before = stats.looked_at;
    acre_fit_get_stats(fit, &stats);
    T_EXPECT(stats.looked_at == before + stats.free_blocks);
}

static void best_takes_the_smallest_that_fits(void)
{
    T_EXPECT(open_with_holes(ACRE_FIT_BEST));
    T_EXPECT(is_at(acre_fit_alloc(fit, 250), holes[4]));
    T_EXPECT(is_at(acre_fit_alloc(fit, 150), holes[0]));
    T_EXPECT(is_at(acre_fit_alloc(fit, 201), holes[2]));
}

static void worst_takes_the_largest(void)
{
    T_EXPECT(open_with_holes(ACRE_FIT_WORST));
    T_EXPECT(is_at(acre_fit_alloc(fit, 16), holes[2])); // of 400, leaves 368
    T_EXPECT(is_at(acre_fit_alloc(fit, 16), (char *)holes[2] + 16 + 2 * sizeof(size_t)));
}

static void address_takes_the_lowest_that_fits(void)
{
    T_EXPECT(open_with_holes(ACRE_FIT_ADDRESS));
    T_EXPECT(is_at(acre_fit_alloc(fit, 120), holes[0]));
    T_EXPECT(is_at(acre_fit_alloc(fit, 90), holes[1])); // less is left of the first
    T_EXPECT(is_at(acre_fit_alloc(fit, 210), holes[2]));
}

static void freed_neighbours_become_one_block(void)
{
    for (unsigned policy = 0; policy <= ACRE_FIT_ADDRESS; policy++) {
        // Each order in which three neighbours can be freed.
        static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                             {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
        for (unsigned i = 0; i < 6; i++) {
            T_EXPECT(open_with((acre_fit_policy)policy, i % 2 == 0 ? 0 : ACRE_FIT_DEBUG));
            acre_fit_stats before;
            acre_fit_stats after;
            acre_fit_get_stats(fit, &before);
            void *blocks[3];
            for (unsigned k = 0; k < 3; k++) {
                blocks[k] = acre_fit_alloc(fit, 100);
            }
            for (unsigned k = 0; k < 3; k++) {
                T_EXPECT(acre_fit_free(fit, blocks[orders[i][k]]) == ACRE_OK);
                T_EXPECT_SOUND(acre_fit_check(fit));
            }
            acre_fit_get_stats(fit, &after);
            T_EXPECT(after.free_blocks == 1 && after.free_bytes == before.free_bytes);
            T_EXPECT(after.live_bytes == 0 && after.peak_bytes != 0);
        }
    }
}

static void misuse_is_refused_and_changes_nothing(void)
{
    for (unsigned debug = 0; debug < 2; debug++) {
        T_EXPECT(open_with(ACRE_FIT_FIRST, debug));
        char *block = acre_fit_alloc(fit, 112);
        char *next = acre_fit_alloc(fit, 112);
        T_EXPECT(block != NULL && next != NULL);
        memset(block, 0, 112);
        T_EXPECT(acre_fit_free(fit, block + 16) == ACRE_BAD_ARGUMENT);
        T_EXPECT(acre_fit_free(fit, block + 1) == ACRE_BAD_ARGUMENT);
        T_EXPECT(acre_fit_free(fit, memory + MEMORY_BYTES + 32) == ACRE_BAD_ARGUMENT);
        T_EXPECT(acre_fit_free(fit, fit) == ACRE_BAD_ARGUMENT);
        T_EXPECT(acre_fit_realloc(fit, block + 16, 10) == NULL);
        T_EXPECT_SOUND(acre_fit_check(fit));
        unsigned char *end = memory + ((uintptr_t)block - (uintptr_t)memory) + 112;
        unsigned char was = *end;
        *end ^= 1;
        T_EXPECT(acre_fit_check(fit) != NULL && acre_fit_free(fit, block) == ACRE_BAD_ARGUMENT);
        *end = was;
        T_EXPECT(acre_fit_free(fit, block) == ACRE_OK && acre_fit_free(fit, NULL) == ACRE_OK);
        T_EXPECT(acre_fit_free(fit, block) == ACRE_BAD_ARGUMENT);
        T_EXPECT(
            acre_fit_free(fit, next) == ACRE_OK && acre_fit_free(fit, next) == ACRE_BAD_ARGUMENT);
        T_EXPECT_SOUND(acre_fit_check(fit));
    }
}

static void no_size_wraps_around(void)
{
    for (unsigned debug = 0; debug < 2; debug++) {
        T_EXPECT(open_with(ACRE_FIT_BEST, debug));
        void *block = acre_fit_alloc(fit, 100);
        for (unsigned i = 0; i < 200; i++) {
            volatile size_t huge = i < 100 ? SIZE_MAX - i : SIZE_MAX / 2 - i;
            size_t got = 1;
            T_EXPECT(acre_fit_alloc(fit, huge) == NULL && acre_fit_calloc(fit, huge, 2) == NULL);
            T_EXPECT(
                acre_fit_calloc(fit, 3, huge) == NULL &&
                acre_fit_realloc(fit, block, huge) == NULL);
            T_EXPECT(acre_fit_alloc_largest(fit, huge, SIZE_MAX, &got) == NULL && got == 0);
            T_EXPECT(acre_fit_reserve(fit, (char *)block + 200, huge) == ACRE_BAD_ARGUMENT);
        }
        T_EXPECT(acre_fit_alloc(fit, 0) == NULL && acre_fit_realloc(fit, block, 0) == NULL);
        T_EXPECT_SOUND(acre_fit_check(fit));
    }
}

// Every request that fails leaves all as it was, however full the heap is.
static void a_full_heap_refuses_and_serves_again(void)
{
    static void *blocks[300];
    for (unsigned policy = 0; policy <= ACRE_FIT_ADDRESS; policy++) {
        T_EXPECT(open_with((acre_fit_policy)policy, 0));
        unsigned count = 0;
        while ((blocks[count] = acre_fit_alloc(fit, 16)) != NULL) {
            count += 1;
            T_EXPECT(count < 300);
        }
        acre_fit_stats stats;
        acre_fit_get_stats(fit, &stats);
        T_EXPECT(stats.free_blocks == 0 && stats.live_blocks == count);
        T_EXPECT(
            acre_fit_realloc(fit, blocks[3], 64) == NULL && acre_fit_size(fit, blocks[3]) == 16);
        T_EXPECT(
            acre_fit_free(fit, blocks[7]) == ACRE_OK && is_at(acre_fit_alloc(fit, 16), blocks[7]));
        for (unsigned i = 0; i < count; i++) {
            T_EXPECT(acre_fit_free(fit, blocks[i]) == ACRE_OK);
        }
        acre_fit_get_stats(fit, &stats);
        T_EXPECT(stats.free_blocks == 1 && acre_fit_alloc(fit, stats.free_bytes) != NULL);
    }
}

static void largest_gives_what_there_is(void)
{
    for (unsigned debug = 0; debug < 2; debug++) {
        size_t got;
        acre_fit_stats stats;
        T_EXPECT(open_with(ACRE_FIT_FIRST, debug));
        acre_fit_get_stats(fit, &stats);
        char *some = acre_fit_alloc_largest(fit, 100, 1000, &got);
        T_EXPECT(some != NULL && got == 1000 && acre_fit_size(fit, some) >= 1000);
        char *rest = acre_fit_alloc_largest(fit, 100, 100000, &got);
        T_EXPECT(rest != NULL && got > 2500 && got < stats.largest_bytes - 1000);
        memset(rest, 1, got);
        T_EXPECT_SOUND(acre_fit_check(fit));
        T_EXPECT(acre_fit_alloc_largest(fit, 1, 100, &got) == NULL && got == 0);
        T_EXPECT(acre_fit_free(fit, some) == ACRE_OK);
        T_EXPECT(acre_fit_alloc_largest(fit, 1200, 5000, &got) == NULL && got == 0);
    }
}

static bool find_system(void *context, const acre_fit_block *block)
{
    if (block->state == ACRE_FIT_SYSTEM) {
        *(acre_fit_block *)context = *block;
    }
    return true;
}

static void reserved_bytes_are_never_touched_nor_handed_out(void)
{
    for (unsigned shift = 0; shift < 40; shift++) {
        acre_fit_block seen = {0};
        T_EXPECT(open_with(ACRE_FIT_FIRST, shift % 2));
        unsigned char *place = memory + 1500 + shift;
        T_EXPECT(acre_fit_reserve(fit, place, 500 + shift) == ACRE_OK);
        T_EXPECT_SOUND(acre_fit_check(fit));
        T_EXPECT(acre_fit_reserve(fit, place + 100, 10) == ACRE_NO_MEMORY);
        T_EXPECT(acre_fit_walk(fit, find_system, &seen) && seen.state == ACRE_FIT_SYSTEM);
        T_EXPECT(acre_fit_free(fit, seen.payload) == ACRE_BAD_ARGUMENT);
        void *block;
        while ((block = acre_fit_alloc(fit, 30)) != NULL) {
            memset(block, 1, 30);
        }
        for (unsigned i = 0; i < 500 + shift; i++) {
            T_EXPECT(place[i] == 0x33);
        }
        T_EXPECT_SOUND(acre_fit_check(fit));
    }
    T_EXPECT(open_with(ACRE_FIT_FIRST, 0));
    T_EXPECT(acre_fit_reserve(fit, memory, 10) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_fit_reserve(fit, memory + MEMORY_BYTES - 20, 100) == ACRE_BAD_ARGUMENT);
}

static void realloc_keeps_contents(void)
{
    for (unsigned debug = 0; debug < 2; debug++) {
        T_EXPECT(open_with(ACRE_FIT_FIRST, debug));
        char *block = acre_fit_realloc(fit, NULL, 20);
        T_EXPECT(block != NULL);
        strcpy(block, "fifteen letters");
        T_EXPECT(acre_fit_realloc(fit, block, 200) == block); // room behind it
        char *next = acre_fit_calloc(fit, 5, 5);
        T_EXPECT(next != NULL && next[0] == 0 && next[24] == 0);
        char *moved = acre_fit_realloc(fit, block, 400);
        T_EXPECT(moved != NULL && moved != block && strcmp(moved, "fifteen letters") == 0);
        T_EXPECT(acre_fit_realloc(fit, moved, 16) == moved && acre_fit_size(fit, moved) >= 16);
        T_EXPECT_SOUND(acre_fit_check(fit));
    }
}

static bool note_block(void *context, const acre_fit_block *block)
{
    acre_fit_block *last = context;
    if (block->state == ACRE_FIT_LIVE) {
        *last = *block;
    }
    return true;
}

static void the_debug_form_knows_who_asked(void)
{
    acre_fit_block seen = {0};
    T_EXPECT(open_with(ACRE_FIT_FIRST, ACRE_FIT_DEBUG));
    T_EXPECT(acre_fit_alloc(fit, 10) != NULL);
    unsigned char *block = acre_fit_alloc(fit, 77);
    T_EXPECT(block != NULL && acre_fit_walk(fit, note_block, &seen));
    T_EXPECT(seen.payload == block && seen.bytes == 77 && seen.serial == 1);
    uintptr_t distance = (uintptr_t)seen.caller - (uintptr_t)the_debug_form_knows_who_asked;
    T_EXPECT(distance < 4096);
    T_EXPECT(acre_fit_free(fit, block) == ACRE_OK && memory[block - memory + 40] == 0xdd);
}

// The check must be able to fail: each byte of the tags is changed.
static void check_finds_each_changed_tag(void)
{
    T_EXPECT(open_with(ACRE_FIT_FIRST, 0));
    void *blocks[6];
    for (unsigned i = 0; i < 6; i++) {
        blocks[i] = acre_fit_alloc(fit, 40 + 16 * i);
    }
    T_EXPECT(acre_fit_free(fit, blocks[1]) == ACRE_OK && acre_fit_free(fit, blocks[4]) == ACRE_OK);
    for (struct fit_block *block = fit->first; block != fit->end; block = block_next(block)) {
        unsigned char *tags[2] = {(unsigned char *)block, (unsigned char *)block_footer(block)};
        for (unsigned i = 0; i < 2 * sizeof(size_t); i++) {
            unsigned char *at = tags[i % 2] + i / 2;
            *at ^= 4;
            bool found = acre_fit_check(fit) != NULL;
            *at ^= 4;
            T_EXPECT(found);
        }
    }
    T_EXPECT_SOUND(acre_fit_check(fit));
    fit->live_bytes += 16;
    T_EXPECT(acre_fit_check(fit) != NULL);
}

static void the_picture_shows_every_state(void)
{
    char picture[2000];
    T_EXPECT(open_with(ACRE_FIT_FIRST, 0));
    T_EXPECT(acre_fit_alloc(fit, 1000) != NULL);
    T_EXPECT(acre_fit_reserve(fit, memory + 3000, 300) == ACRE_OK);
    size_t length = acre_fit_draw(fit, 32, 4, picture, sizeof(picture));
    T_EXPECT(length == strlen(picture) && length < sizeof(picture) - 1);
    T_EXPECT(strncmp(picture, "one character: 32 bytes;", 24) == 0);
    const char *map = strchr(picture, '\n') + 1;
    T_EXPECT(strstr(map, "#######") != NULL && strstr(map, "...") != NULL);
    T_EXPECT(strstr(map, "SSSS") != NULL && strchr(map, '+') != NULL);
    unsigned lines = 0;
    for (const char *at = picture; *at != '\0'; at++) {
        lines += *at == '\n' ? 1 : 0;
    }
    T_EXPECT(lines == 5);
    T_EXPECT(acre_fit_draw(fit, 32, 4, picture, 40) == 39 && picture[39] == '\0');
    T_EXPECT(acre_fit_draw(fit, 0, 4, picture, 40) == 0 && picture[0] == '\0');
}

static void init_wants_room_for_a_block(void)
{
    acre_fit *none = NULL;
    unsigned served = 0;
    for (size_t bytes = 0; bytes < 600; bytes++) {
        unsigned char *start = memory + bytes % 16;
        memset(memory, 0x33, sizeof(memory));
        if (acre_fit_init(start, bytes, ACRE_FIT_BEST, ACRE_FIT_DEBUG, &fit) == ACRE_OK) {
            served += 1;
            size_t got;
            unsigned char *block = acre_fit_alloc_largest(fit, 1, SIZE_MAX, &got);
            T_EXPECT(block != NULL && ((uintptr_t)block & (2 * sizeof(void *) - 1)) == 0);
            memset(block, 1, got);
            T_EXPECT_SOUND(acre_fit_check(fit));
            T_EXPECT(block >= start && block + got <= start + bytes && start[bytes] == 0x33);
        }
    }
    T_EXPECT(served > 250);
    T_EXPECT(acre_fit_init(memory, 4096, (acre_fit_policy)5, 0, &none) == ACRE_BAD_ARGUMENT);
    T_EXPECT(
        acre_fit_init(memory, 4096, ACRE_FIT_BEST, 8, &none) == ACRE_BAD_ARGUMENT && none == NULL);
}

T_MAIN(
    T_CASE(first_takes_the_newest_that_fits), T_CASE(next_goes_on_where_it_was),
    T_CASE(best_takes_the_smallest_that_fits), T_CASE(worst_takes_the_largest),
    T_CASE(address_takes_the_lowest_that_fits), T_CASE(freed_neighbours_become_one_block),
    T_CASE(misuse_is_refused_and_changes_nothing), T_CASE(no_size_wraps_around),
    T_CASE(a_full_heap_refuses_and_serves_again), T_CASE(largest_gives_what_there_is),
    T_CASE(reserved_bytes_are_never_touched_nor_handed_out), T_CASE(realloc_keeps_contents),
    T_CASE(the_debug_form_knows_who_asked), T_CASE(check_finds_each_changed_tag),
    T_CASE(the_picture_shows_every_state), T_CASE(init_wants_room_for_a_block))
