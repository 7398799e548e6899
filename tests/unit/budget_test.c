// budget_test.c - budgets and accounts: what acre/budget.h promises. What the budget holds is always compared
// with what the page source has given.
// SPDX-License-Identifier: MIT
#include "acre/budget.h"

#include <string.h>

#include "acre/pool.h"
#include "acre/region.h"
#include "acre/table.h"
#include "fixture.h"

enum { PAGE = 4096 };

static acre_budget *budget;

/// A part of a program: an account with a heap, what it can spare, and what it was told.
struct part {
    acre_account account;
    acre_heap *heap;
    void *spare[200];
    size_t spare_count;
    unsigned asked;
    unsigned ended;
    unsigned warned;
    unsigned order; // when it was asked last
};

static struct part parts[4];
static unsigned clock_ticks;

static void part_reclaim(acre_account *account, size_t bytes, void *argument)
{
    struct part *part = argument;
    (void)account;
    part->asked += 1;
    part->order = ++clock_ticks;
    for (size_t freed = 0; part->spare_count != 0 && freed < bytes; freed += 20000) {
        part->spare_count -= 1;
        acre_heap_free(part->heap, part->spare[part->spare_count]);
    }
    (void)acre_heap_trim(part->heap, 0);
}

static void part_end(acre_account *account, void *argument)
{
    struct part *part = argument;
    (void)account;
    part->ended += 1;
    part->order = ++clock_ticks;
    acre_heap_destroy(part->heap);
    part->heap = NULL;
    part->spare_count = 0;
}

static void part_soft(acre_account *account, void *argument)
{
    struct part *part = argument;
    part->warned += account == &part->account ? 1 : 1000;
}

static bool open_budget(size_t limit_bytes)
{
    sim_reset();
    pages_sim_init(&sim, PAGE, true);
    memset(parts, 0, sizeof(parts));
    clock_ticks = 0;
    return acre_budget_open(&sim.pages, limit_bytes, &budget) == ACRE_OK;
}

static bool open_part(struct part *part, acre_account_options options)
{
    options.argument = part;
    return acre_account_open(&part->account, budget, &options) == ACRE_OK &&
           acre_heap_create(&part->account.pages, NULL, &part->heap) == ACRE_OK;
}

static const char *sound(void)
{
    acre_budget_stats stats;
    acre_budget_get_stats(budget, &stats);
    if (stats.held_bytes != sim.committed_bytes) {
        return "the budget does not hold what the source has given";
    }
    return acre_budget_audit(budget);
}

static const char *close_all(void)
{
    const char *broken = sound();
    for (size_t i = 0; i < 4; i++) {
        if (parts[i].heap != NULL) {
            acre_heap_destroy(parts[i].heap);
        }
        if (parts[i].account.budget != NULL && acre_account_close(&parts[i].account) != ACRE_OK) {
            broken = "an account could not be closed";
        }
    }
    if (acre_budget_close(budget) != ACRE_OK) {
        broken = "the budget could not be closed";
    }
    return broken != NULL ? broken : sim.reserved_bytes != 0 ? "something was left" : NULL;
}

/// Allocates blocks of 20 000 bytes until there are `most` or no more. Returns how many.
static size_t take(struct part *part, size_t most)
{
    size_t count = 0;
    while (count < most && part->spare_count < 200) {
        void *block = acre_heap_alloc(part->heap, 20000);
        if (block == NULL) {
            break;
        }
        memset(block, 1, 20000);
        part->spare[part->spare_count] = block;
        part->spare_count += 1;
        count += 1;
    }
    return count;
}

static void a_page_is_charged_once(void)
{
    acre_account account;
    T_EXPECT(open_budget((size_t)1 << 20));
    T_EXPECT(acre_account_open(&account, budget, &(acre_account_options){.name = "x"}) == ACRE_OK);
    acre_pages *pages = &account.pages;
    unsigned char *range = pages->reserve(pages, 64 * PAGE, PAGE);
    T_EXPECT(range != NULL && account.held_bytes == PAGE);
    T_EXPECT(pages->commit(pages, range, 4 * PAGE) == ACRE_OK);
    T_EXPECT(pages->commit(pages, range + 2 * PAGE, 4 * PAGE) == ACRE_OK);
    T_EXPECT(account.held_bytes == 7 * PAGE);
    T_EXPECT_SOUND(sound());
    T_EXPECT(pages->decommit(pages, range + 5 * PAGE, 20 * PAGE) == ACRE_OK);
    T_EXPECT(pages->decommit(pages, range + 5 * PAGE, 20 * PAGE) == ACRE_OK);
    T_EXPECT(account.held_bytes == 6 * PAGE && account.peak_bytes == 7 * PAGE);
    T_EXPECT_SOUND(sound());
    T_EXPECT(acre_account_close(&account) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_budget_close(budget) == ACRE_BAD_ARGUMENT);
    T_EXPECT(pages->release(pages, range, 64 * PAGE) == ACRE_OK && account.held_bytes == 0);
    T_EXPECT(acre_account_close(&account) == ACRE_OK);
    T_EXPECT_SOUND(close_all());
}

static void an_account_keeps_its_limit_and_the_others_their_memory(void)
{
    T_EXPECT(open_budget((size_t)8 << 20));
    T_EXPECT(open_part(&parts[0], (acre_account_options){.limit_bytes = (size_t)1 << 20}));
    T_EXPECT(open_part(&parts[1], (acre_account_options){.name = "other"}));
    size_t got = take(&parts[0], 200);
    T_EXPECT(got > 30 && got < 53);
    acre_account_stats stats;
    acre_account_get_stats(&parts[0].account, &stats);
    T_EXPECT(stats.held_bytes <= (size_t)1 << 20 && stats.refused_count != 0);
    T_EXPECT(take(&parts[1], 100) == 100);
    T_EXPECT_SOUND(close_all());
}

static void the_soft_limit_is_told_once_each_time(void)
{
    T_EXPECT(open_budget((size_t)8 << 20));
    T_EXPECT(open_part(
        &parts[0], (acre_account_options){.soft_bytes = (size_t)1 << 20, .soft = part_soft}));
    T_EXPECT(take(&parts[0], 30) == 30 && parts[0].warned == 0);
    T_EXPECT(take(&parts[0], 60) == 60 && parts[0].warned == 1);
    part_reclaim(&parts[0].account, SIZE_MAX, &parts[0]);
    T_EXPECT(take(&parts[0], 90) == 90 && parts[0].warned == 2);
    T_EXPECT_SOUND(close_all());
}

static void a_runaway_program_cannot_take_the_system_with_it(void)
{
    T_EXPECT(open_budget((size_t)4 << 20));
    acre_account_options cache = {.priority = 5, .reclaim = part_reclaim};
    acre_account_options program = {.priority = 2, .end = part_end};
    acre_account_options system = {.is_system = true};
    T_EXPECT(open_part(&parts[0], system));
    T_EXPECT(open_part(&parts[1], cache));
    T_EXPECT(open_part(&parts[2], program));
    T_EXPECT(take(&parts[1], 50) == 50);
    // It gets what is free and what the cache can spare, though that is more important; then nothing.
    T_EXPECT(take(&parts[2], 200) > 100);
    T_EXPECT(parts[1].asked != 0 && parts[1].spare_count < 50 && parts[2].ended == 0);
    T_EXPECT(acre_heap_alloc(parts[2].heap, 100000) == NULL);
    T_EXPECT_SOUND(sound());
    // The system asks: the cache first, which has nothing left, then the program goes.
    T_EXPECT(take(&parts[0], 100) == 100);
    T_EXPECT(parts[2].ended == 1 && parts[1].ended == 0 && parts[1].order < parts[2].order);
    acre_account_stats stats;
    acre_account_get_stats(&parts[2].account, &stats);
    T_EXPECT(stats.is_ended && stats.held_bytes == 0);
    T_EXPECT(acre_heap_create(&parts[2].account.pages, NULL, &parts[2].heap) == ACRE_NO_MEMORY);
    parts[2].heap = NULL;
    T_EXPECT_SOUND(close_all());
}

static void the_least_important_are_asked_first_and_equals_are_not_ended(void)
{
    T_EXPECT(open_budget((size_t)4 << 20));
    for (uint32_t i = 0; i < 4; i++) {
        static const uint32_t priority[] = {3, 1, 2, 3};
        acre_account_options options = {
            .priority = priority[i], .reclaim = part_reclaim, .end = part_end};
        T_EXPECT(open_part(&parts[i], options));
        T_EXPECT(take(&parts[i], 30) == 30);
    }
    for (size_t i = 1; i < 4; i++) {
        parts[i].spare_count = 0; // nothing that they could spare
    }
    T_EXPECT(take(&parts[0], 170) > 100);
    T_EXPECT(parts[1].ended == 1 && parts[2].ended == 1 && parts[1].order < parts[2].order);
    T_EXPECT(parts[3].asked != 0 && parts[3].ended == 0 && parts[0].asked == 0);
    T_EXPECT(acre_heap_alloc(parts[0].heap, 400000) == NULL); // though the equal one holds more
    T_EXPECT(parts[3].ended == 0 && parts[0].ended == 0);
    T_EXPECT_SOUND(close_all());
}

static void reclaim_greedily(acre_account *account, size_t bytes, void *argument)
{
    // What it must not need: memory. It is refused, or has it from others; there is no end to it otherwise.
    struct part *part = argument;
    (void)account;
    (void)bytes;
    part->asked += 1;
    (void)take(part, 5);
}

static void a_callback_that_allocates_does_not_run_in_circles(void)
{
    T_EXPECT(open_budget((size_t)4 << 20));
    for (size_t i = 0; i < 3; i++) {
        T_EXPECT(open_part(&parts[i], (acre_account_options){.reclaim = reclaim_greedily}));
        T_EXPECT(take(&parts[i], 20) == 20);
    }
    T_EXPECT(take(&parts[0], 180) > 60);
    T_EXPECT(parts[1].asked != 0 && parts[2].asked != 0);
    T_EXPECT_SOUND(close_all());
}

static acre_status closed_while_asked;

static void close_itself(acre_account *account, size_t bytes, void *argument)
{
    (void)bytes;
    (void)argument;
    closed_while_asked = acre_account_close(account);
}

static void an_account_that_is_asked_cannot_be_closed(void)
{
    T_EXPECT(open_budget(64 * PAGE));
    acre_account a;
    acre_account b;
    T_EXPECT(acre_account_open(&a, budget, &(acre_account_options){.priority = 1}) == ACRE_OK);
    T_EXPECT(
        acre_account_open(&b, budget, &(acre_account_options){.reclaim = close_itself}) == ACRE_OK);
    acre_pool pool;
    acre_pool_options options = {.block_bytes = PAGE, .count = 100};
    acre_region region;
    T_EXPECT(acre_region_open(&region, &b.pages, NULL) == ACRE_OK);
    T_EXPECT(acre_region_alloc(&region, 1) != NULL);
    T_EXPECT(acre_pool_open(&pool, &a.pages, &options) == ACRE_OK);
    closed_while_asked = ACRE_OK;
    size_t got = 0;
    while (acre_pool_get(&pool) != NULL) {
        got += 1;
    }
    T_EXPECT(got == 64 - 1 - 17 - 2 && closed_while_asked == ACRE_BAD_ARGUMENT);
    T_EXPECT_SOUND(sound());
    acre_region_close(&region);
    T_EXPECT(acre_pool_get(&pool) != NULL && acre_pool_close(&pool) == ACRE_OK);
    T_EXPECT(acre_account_close(&a) == ACRE_OK && acre_account_close(&b) == ACRE_OK);
    T_EXPECT_SOUND(close_all());
}

static void what_makes_no_sense_is_refused(void)
{
    T_EXPECT(open_budget((size_t)1 << 20));
    acre_budget *other = NULL;
    T_EXPECT(acre_budget_open(NULL, PAGE, &other) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_budget_open(&sim.pages, PAGE - 1, &other) == ACRE_BAD_ARGUMENT && other == NULL);
    acre_account account;
    acre_account_options options = {.is_system = true, .end = part_end};
    T_EXPECT(acre_account_open(&account, budget, &options) == ACRE_BAD_ARGUMENT);
    options = (acre_account_options){.is_system = true, .reclaim = part_reclaim};
    T_EXPECT(acre_account_open(&account, budget, &options) == ACRE_BAD_ARGUMENT);
    T_EXPECT_SOUND(close_all());
}

static void tables_and_their_trims_are_charged_exactly(void)
{
    T_EXPECT(open_budget((size_t)1 << 20));
    acre_account account;
    T_EXPECT(acre_account_open(&account, budget, &(acre_account_options){.name = "t"}) == ACRE_OK);
    acre_table table;
    acre_table_options options = {.element_bytes = 3000, .count = 100};
    T_EXPECT(acre_table_open(&table, &account.pages, &options) == ACRE_OK);
    acre_id ids[100];
    for (size_t i = 0; i < 100; i++) {
        T_EXPECT(acre_table_add(&table, &ids[i]) != NULL);
        T_EXPECT_SOUND(sound());
    }
    for (size_t i = 0; i < 90; i++) {
        T_EXPECT(acre_table_remove(&table, ids[i]) == ACRE_OK);
    }
    T_EXPECT(acre_table_trim(&table) != 0);
    T_EXPECT_SOUND(sound());
    T_EXPECT(acre_table_close(&table) == ACRE_OK && acre_account_close(&account) == ACRE_OK);
    T_EXPECT_SOUND(close_all());
}

T_MAIN(
    T_CASE(a_page_is_charged_once), T_CASE(an_account_keeps_its_limit_and_the_others_their_memory),
    T_CASE(the_soft_limit_is_told_once_each_time),
    T_CASE(a_runaway_program_cannot_take_the_system_with_it),
    T_CASE(the_least_important_are_asked_first_and_equals_are_not_ended),
    T_CASE(a_callback_that_allocates_does_not_run_in_circles),
    T_CASE(an_account_that_is_asked_cannot_be_closed), T_CASE(what_makes_no_sense_is_refused),
    T_CASE(tables_and_their_trims_are_charged_exactly))
