// table_test.c - tables: what acre/table.h promises.
// SPDX-License-Identifier: MIT
#include "acre/table.h"

#include <string.h>

#include "acre/heap_pages.h"
#include "fixture.h"

static _Alignas(64) unsigned char memory[8192];
static acre_table table;
static acre_id ids[3000];

static bool make(const acre_table_options *options)
{
    memset(memory, 0xa5, sizeof(memory));
    return acre_table_init(&table, memory, sizeof(memory) - 64, options) == ACRE_OK;
}

static void a_table_in_an_array_uses_all_of_it(void)
{
    for (size_t bytes = 1; bytes < 100; bytes += 3) {
        for (size_t align = 1; align <= 32; align *= 4) {
            T_EXPECT(make(&(acre_table_options){.element_bytes = bytes, .align = align}));
            size_t stride = (bytes + align - 1) / align * align;
            T_EXPECT(ACRE_TABLE_BYTES(table.count, bytes, align) <= sizeof(memory) - 64);
            T_EXPECT((table.count + 2) * (stride + 8) > sizeof(memory) - 64);
            acre_id id;
            for (uint32_t i = 0; i < table.count; i++) {
                unsigned char *element = acre_table_add(&table, &id);
                T_EXPECT(element == memory + i * stride && block_is_zero(element, bytes));
                memset(element, 0xff, bytes);
                T_EXPECT(acre_table_at(&table, id) == element);
                T_EXPECT(acre_table_id(&table, element) == id);
                T_EXPECT(bytes < 2 || acre_table_id(&table, element + 1) == 0);
            }
            T_EXPECT(acre_table_add(&table, &id) == NULL);
            T_EXPECT(memory[sizeof(memory) - 64] == 0xa5);
            T_EXPECT_SOUND(acre_table_audit(&table));
        }
    }
}

static void what_makes_no_sense_is_refused(void)
{
    pages_sim_init(&sim, 4096, true);
    acre_table before = table;
    T_EXPECT(!make(&(acre_table_options){.element_bytes = 0}));
    T_EXPECT(!make(&(acre_table_options){.element_bytes = 8, .align = 3}));
    T_EXPECT(!make(&(acre_table_options){.element_bytes = 8, .count = (size_t)INT32_MAX + 1}));
    T_EXPECT(!make(&(acre_table_options){.element_bytes = 8, .count = 600}));
    T_EXPECT(!make(&(acre_table_options){.element_bytes = 9000}));
    for (size_t k = 0; k < 30; k++) {
        T_EXPECT(!make(&(acre_table_options){.element_bytes = SIZE_MAX - k}));
        acre_table_options options = {.element_bytes = PTRDIFF_MAX / 4 - k, .count = 5 + k};
        T_EXPECT(acre_table_open(&table, &sim.pages, &options) == ACRE_BAD_ARGUMENT);
        T_EXPECT(
            acre_table_init(&table, memory, k, &(acre_table_options){.element_bytes = 32}) ==
            ACRE_NO_MEMORY);
    }
    acre_table_options options = {.element_bytes = 8};
    T_EXPECT(acre_table_open(&table, &sim.pages, &options) == ACRE_BAD_ARGUMENT); // no limit
    T_EXPECT(acre_table_open(&table, NULL, &options) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_table_init(&table, NULL, 100, &options) == ACRE_BAD_ARGUMENT);
    T_EXPECT(memcmp(&before, &table, sizeof(table)) == 0 && sim.reserved_bytes == 0);
}

static void an_id_is_valid_until_it_is_removed_and_never_again(void)
{
    T_EXPECT(make(&(acre_table_options){.element_bytes = 24, .count = 10}));
    T_EXPECT(acre_table_at(&table, 0) == NULL); // when nothing was ever added
    acre_id old[100];
    for (size_t round = 0; round < 100; round++) {
        T_EXPECT(acre_table_add(&table, &old[round]) == memory);
        T_EXPECT(acre_table_at(&table, old[round]) == memory && old[round] != 0);
        for (size_t i = 0; i < round; i++) {
            T_EXPECT(old[i] != old[round] && acre_table_at(&table, old[i]) == NULL);
            T_EXPECT(acre_table_remove(&table, old[i]) == ACRE_BAD_ARGUMENT);
        }
        T_EXPECT(acre_table_remove(&table, old[round]) == ACRE_OK);
        T_EXPECT(acre_table_remove(&table, old[round]) == ACRE_BAD_ARGUMENT);
        T_EXPECT(acre_table_id(&table, memory) == 0);
    }
    T_EXPECT_SOUND(acre_table_audit(&table));
}

static void no_number_is_the_id_of_what_is_not_live(void)
{
    T_EXPECT(make(&(acre_table_options){.element_bytes = 8, .count = 6, .generations = 3}));
    for (size_t i = 0; i < 5; i++) {
        T_EXPECT(acre_table_add(&table, &ids[i]) != NULL);
    }
    T_EXPECT(acre_table_remove(&table, ids[0]) == ACRE_OK);
    T_EXPECT(acre_table_remove(&table, ids[3]) == ACRE_OK);
    for (uint64_t generation = 0; generation < 6; generation++) {
        for (uint64_t index = 0; index < 9; index++) {
            acre_id id = generation << 32 | index;
            bool live = generation == 1 && (index == 1 || index == 2 || index == 4);
            T_EXPECT((acre_table_at(&table, id) != NULL) == live);
        }
    }
    for (size_t i = 0; i < table.made; i++) { // not even what the words themselves hold
        T_EXPECT((acre_table_at(&table, table.words[i]) != NULL) == (i == 1 || i == 2 || i == 4));
    }
    T_EXPECT(acre_table_at(&table, UINT64_MAX) == NULL);
}

static void an_element_whose_generations_are_used_up_retires(void)
{
    T_EXPECT(make(&(acre_table_options){.element_bytes = 8, .count = 2, .generations = 3}));
    acre_id id;
    unsigned lives = 0;
    while (acre_table_add(&table, &id) != NULL) {
        T_EXPECT(id >> 32 <= 3);
        T_EXPECT(acre_table_remove(&table, id) == ACRE_OK);
        (void)acre_table_trim(&table); // does not bring it back
        lives += 1;
        T_EXPECT_SOUND(acre_table_audit(&table));
    }
    T_EXPECT(lives == 6 && table.retired_count == 2);
    T_EXPECT(acre_table_at(&table, table.words[0]) == NULL);
}

static void elements_are_met_in_address_order(void)
{
    T_EXPECT(make(&(acre_table_options){.element_bytes = 16, .count = 100}));
    for (size_t i = 0; i < 100; i++) {
        T_EXPECT(acre_table_add(&table, &ids[i]) != NULL);
    }
    for (size_t i = 0; i < 100; i += 3) {
        T_EXPECT(acre_table_remove(&table, ids[i]) == ACRE_OK);
    }
    size_t met = 0;
    unsigned char *last = NULL;
    for (acre_id id = 0; (id = acre_table_next(&table, id)) != 0; met++) {
        unsigned char *element = acre_table_at(&table, id);
        T_EXPECT(element > last);
        last = element;
        if (met % 2 == 0) {
            T_EXPECT(acre_table_remove(&table, id) == ACRE_OK); // and go on from it
        }
    }
    T_EXPECT(met == 66 && table.live_count == 33);
    // Numbers that no call returned end it as well, and do not begin anew.
    T_EXPECT(acre_table_next(&table, UINT32_MAX) == 0 && acre_table_next(&table, UINT64_MAX) == 0);
    T_EXPECT(acre_table_next(&table, 100) == 0);
}

static void memory_comes_on_demand_and_goes_on_request(void)
{
    pages_sim_init(&sim, 4096, true);
    acre_table_options options = {.element_bytes = 100, .align = 4, .count = 3000};
    T_EXPECT(acre_table_open(&table, &sim.pages, &options) == ACRE_OK);
    T_EXPECT(sim.committed_bytes == 4096);
    static unsigned char *elements[3000]; // kernels have small stacks
    acre_table_stats stats;
    for (size_t i = 0; i < 3000; i++) {
        elements[i] = acre_table_add(&table, &ids[i]);
        T_EXPECT(elements[i] != NULL);
        memset(elements[i], 0x55, 100);
        acre_table_get_stats(&table, &stats);
        T_EXPECT(stats.committed_bytes == sim.committed_bytes);
    }
    T_EXPECT(sim.committed_bytes == 4096 + 6 * 4096 + 74 * 4096);
    // Two elements stay: one within a page, one across two.
    size_t within = 50; // bytes 5000 to 5100
    size_t across = 81; // bytes 8100 to 8200
    for (size_t i = 0; i < 3000; i++) {
        T_EXPECT(i == within || i == across || acre_table_remove(&table, ids[i]) == ACRE_OK);
    }
    T_EXPECT(acre_table_trim(&table) == 72 * 4096 && acre_table_trim(&table) == 0);
    acre_table_get_stats(&table, &stats);
    T_EXPECT(stats.committed_bytes == sim.committed_bytes && stats.live_count == 2);
    T_EXPECT(pages_sim_is_committed(&sim, elements[across] + 99));
    T_EXPECT(elements[across][0] == 0x55 && elements[within][99] == 0x55);
    T_EXPECT_SOUND(acre_table_audit(&table));
    acre_id id;
    T_EXPECT(acre_table_add(&table, &id) == elements[0]); // the lowest free one, on memory again
    T_EXPECT(block_is_zero(elements[0], 100) && acre_table_at(&table, ids[0]) == NULL);
    T_EXPECT(acre_table_add(&table, &id) == elements[1]);
    T_EXPECT_SOUND(acre_table_audit(&table));
    T_EXPECT(acre_table_close(&table) == ACRE_OK && sim.reserved_bytes == 0);
    T_EXPECT(acre_table_at(&table, ids[within]) == NULL);
}

static void a_table_can_live_in_a_heap(void)
{
    heap_open();
    acre_heap_pages source;
    acre_heap_pages_init(&source, subject);
    acre_table_options options = {.element_bytes = 40, .count = 50};
    T_EXPECT(acre_table_open(&table, &source.pages, &options) == ACRE_OK);
    for (size_t i = 0; i < 50; i++) {
        T_EXPECT(acre_table_add(&table, &ids[i]) != NULL);
    }
    T_EXPECT(acre_table_trim(&table) == 0);
    T_EXPECT(acre_table_close(&table) == ACRE_OK);
    T_EXPECT_SOUND(heap_close());
}

struct player {
    uint64_t points;
    char name[12];
};
ACRE_TABLE_DEFINE(player, struct player)

static void a_typed_table_has_ids_of_its_own(void)
{
    pages_sim_init(&sim, 4096, true);
    player_table players;
    player_id id = {0};
    T_EXPECT(player_open(&players, &sim.pages, 1000) == ACRE_OK);
    struct player *player = player_add(&players, &id);
    T_EXPECT(player != NULL && player->points == 0 && player_at(&players, id) == player);
    T_EXPECT(player_remove(&players, id) == ACRE_OK && player_at(&players, id) == NULL);
    T_EXPECT(acre_table_close(&players.table) == ACRE_OK);
}

T_MAIN(
    T_CASE(a_table_in_an_array_uses_all_of_it), T_CASE(what_makes_no_sense_is_refused),
    T_CASE(an_id_is_valid_until_it_is_removed_and_never_again),
    T_CASE(no_number_is_the_id_of_what_is_not_live),
    T_CASE(an_element_whose_generations_are_used_up_retires),
    T_CASE(elements_are_met_in_address_order), T_CASE(memory_comes_on_demand_and_goes_on_request),
    T_CASE(a_table_can_live_in_a_heap), T_CASE(a_typed_table_has_ids_of_its_own))
