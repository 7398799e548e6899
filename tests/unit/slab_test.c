// slab_test.c - a slab's life as slab.h draws it, seen on slabs of 16 blocks of 4 KiB: they are carved
// one by one and wake after one free; and of 4096 blocks of 16 bytes, which wake after 170.
// SPDX-License-Identifier: MIT
#include "heap/slab.h"

#include "unit/fixture.h"

enum { FEW_BYTES = 4096, FEW = 16, MANY_BYTES = 16, MANY = 4096, MANY_WAKE = 170 };

static void *blocks[4 * MANY];

static struct slot *slot0(void)
{
    return slot_of(subject, 0);
}

static unsigned awake_count(unsigned class)
{
    unsigned count = 0;
    struct link *awake = &slot0()->awake[class];
    for (struct link *at = awake->next; at != awake; at = at->next) {
        count += 1;
    }
    return count;
}

static void slab_is_active_from_its_first_block_to_its_last(void)
{
    heap_open();
    for (unsigned i = 0; i < FEW; i++) {
        blocks[i] = acre_heap_alloc(subject, FEW_BYTES);
        struct slab *slab = slab_at(blocks[i]);
        T_EXPECT(
            slab == slab_at(blocks[0]) && slab->state == SLAB_ACTIVE &&
            owner_slot(slab->owner) == 0);
        T_EXPECT(slab->carved == i + 1);
        T_EXPECT_SOUND(acre_heap_audit(subject));
    }
    T_EXPECT_SOUND(heap_close());
}

static void slab_that_is_full_sleeps_when_another_is_opened(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, FEW + 1, FEW_BYTES) == FEW + 1);
    T_EXPECT(slab_at(blocks[0])->state == SLAB_ASLEEP);
    T_EXPECT(slab_at(blocks[FEW])->state == SLAB_ACTIVE);
    T_EXPECT_SOUND(heap_close());
}

static void slab_of_few_blocks_wakes_after_one_free(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, FEW + 1, FEW_BYTES) == FEW + 1);
    acre_heap_free(subject, blocks[3]);
    T_EXPECT(slab_at(blocks[0])->state == SLAB_AWAKE);
    T_EXPECT(awake_count(size_class_of(FEW_BYTES)) == 1);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(acre_heap_alloc(subject, FEW_BYTES) == blocks[3]); // before anything is carved
    T_EXPECT(slab_at(blocks[0])->state == SLAB_ACTIVE);
    T_EXPECT_SOUND(heap_close());
}

static void slab_of_many_blocks_wakes_after_a_fraction_of_them(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, MANY + 1, MANY_BYTES) == MANY + 1);
    struct slab *slab = slab_at(blocks[0]);
    T_EXPECT(slab->state == SLAB_ASLEEP && slab->wake == MANY_WAKE);
    for (unsigned i = 0; i < MANY_WAKE; i++) {
        T_EXPECT(slab->state == SLAB_ASLEEP && slab_hot_count(slab) == i);
        acre_heap_free(subject, blocks[i]);
        T_EXPECT_SOUND(acre_heap_audit(subject));
    }
    T_EXPECT(slab->state == SLAB_AWAKE);
    T_EXPECT_SOUND(heap_close());
}

static void slab_is_empty_after_its_last_free(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, MANY + 1, MANY_BYTES) == MANY + 1);
    struct slab *slab = slab_at(blocks[0]);
    for (unsigned i = 0; i < MANY; i++) {
        T_EXPECT(slab->state != SLAB_EMPTY);
        acre_heap_free(subject, blocks[(i * 7) % MANY]);
    }
    T_EXPECT(slab->state == SLAB_EMPTY && slot0()->empty_count == 1);
    T_EXPECT_SOUND(heap_close());
}

static void slab_that_is_empty_is_used_again_by_its_class(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, 2 * FEW, FEW_BYTES) == 2 * FEW);
    struct slab *slab = slab_at(blocks[0]);
    free_many(blocks, FEW);
    T_EXPECT(slab->state == SLAB_EMPTY);
    pages_sim_heal(&sim);
    for (unsigned i = 0; i < FEW; i++) {
        T_EXPECT(slab_at(acre_heap_alloc(subject, FEW_BYTES)) == slab);
    }
    T_EXPECT(slab->state == SLAB_ACTIVE && slot0()->empty_count == 0 && sim.calls_all == 0);
    T_EXPECT_SOUND(heap_close());
}

static void slab_that_is_empty_serves_another_class(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, 2 * FEW, FEW_BYTES) == 2 * FEW);
    struct slab *slab = slab_at(blocks[0]);
    for (unsigned i = 0; i < FEW; i++) {
        block_fill(blocks[i], FEW_BYTES, i);
    }
    free_many(blocks, FEW);
    unsigned char *other = acre_heap_calloc(subject, 1, 1000);
    T_EXPECT(slab_at(other) == slab && slab->block_bytes == 1024);
    T_EXPECT(block_is_zero(other, 1000)); // the memory was used before
    T_EXPECT_SOUND(heap_close());
}

static void slabs_beyond_those_a_slot_keeps_go_back_to_the_space(void)
{
    enum { SLABS = EMPTY_SLABS_MAX + 10 };
    heap_open();
    T_EXPECT(alloc_many(blocks, SLABS * FEW + 1, FEW_BYTES) == SLABS * FEW + 1);
    size_t used_pages = subject->used_pages;
    free_many(blocks, (size_t)SLABS * FEW);
    unsigned kept = slot0()->empty_count;
    T_EXPECT(kept >= 1 && kept <= EMPTY_SLABS_MAX);
    T_EXPECT(subject->used_pages == used_pages - (size_t)(SLABS - kept) * SLICE_PAGES);
    T_EXPECT_SOUND(heap_close());
}

static void trim_gives_back_the_empty_slabs_of_the_slot(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, 20 * FEW + 1, FEW_BYTES) == 20 * FEW + 1);
    free_many(blocks, 20 * FEW);
    (void)acre_heap_trim(subject, 0);
    T_EXPECT(subject->used_pages == SLICE_PAGES); // the active slab
    T_EXPECT_SOUND(heap_close());
}

static void slab_left_before_it_is_carved_stays_awake(void)
{
    heap_open();
    // Two slabs; the second is carved in part. Frees in the first make refill leave the second.
    T_EXPECT(alloc_many(blocks, MANY + 300, MANY_BYTES) == MANY + 300);
    struct slab *first = slab_at(blocks[0]);
    struct slab *second = slab_at(blocks[MANY + 1]);
    free_many(blocks, MANY_WAKE + 10);
    size_t left = 0;
    while (second->state == SLAB_ACTIVE) {
        T_EXPECT(left < 2000);
        blocks[left++] = acre_heap_alloc(subject, MANY_BYTES);
    }
    T_EXPECT(first->state == SLAB_ACTIVE && second->state == SLAB_AWAKE);
    T_EXPECT(!slab_is_carved(second));
    T_EXPECT_SOUND(heap_close());
}

static void slab_is_empty_though_not_carved(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, MANY + 300, MANY_BYTES) == MANY + 300);
    struct slab *second = slab_at(blocks[MANY + 299]);
    free_many(blocks, 3000);
    for (unsigned i = 0; i < 3000; i++) { // the first slab is the active one again
        blocks[i] = acre_heap_alloc(subject, MANY_BYTES);
    }
    T_EXPECT(second->state == SLAB_AWAKE && !slab_is_carved(second));
    for (unsigned i = 0; i < MANY + 300; i++) {
        if (slab_at(blocks[i]) == second) {
            acre_heap_free(subject, blocks[i]);
        }
    }
    // What its slot's bin holds is free, too, but not in the slab.
    T_EXPECT(second->state == SLAB_AWAKE || second->state == SLAB_EMPTY);
    T_EXPECT_SOUND(heap_close());
}

static void slab_forgets_its_limit_when_it_is_retired(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, FEW + 1, FEW_BYTES) == FEW + 1);
    struct slab *slab = slab_at(blocks[0]);
    free_many(blocks, FEW);
    T_EXPECT(slab->state == SLAB_EMPTY && slab->limit != 0);
    T_EXPECT(slab_retire_empty(subject, slot0()) == slab && slot0()->empty_count == 0);
    T_EXPECT(slab->limit == 0 && owner_slot(slab->owner) == ACRE_SLOT_NONE);
    T_EXPECT(slab->state == SLAB_TRANSIT);
    T_EXPECT(slab_retire_empty(subject, slot0()) == NULL);
    slab->kind = KIND_PAGES;
    acre_heap_destroy(subject);
    T_EXPECT_SOUND(source_left_over());
}

static void random_frees_lose_no_block(void)
{
    uint64_t state = t_seed(1);
    for (size_t bytes = 16; bytes <= 16384; bytes *= 4) {
        heap_open();
        size_t count = 600;
        T_EXPECT(alloc_many(blocks, count, bytes) == count);
        for (unsigned i = 0; i < 20000; i++) {
            size_t at = random_below(&state, count);
            acre_heap_free(subject, blocks[at]);
            blocks[at] = acre_heap_alloc(subject, bytes);
            T_EXPECT(blocks[at] != NULL);
        }
        T_EXPECT_SOUND(acre_heap_audit(subject));
        free_many(blocks, count);
        acre_heap_stats stats;
        acre_heap_get_stats(subject, &stats);
        T_EXPECT(stats.live_blocks == 0);
        T_EXPECT_SOUND(heap_close());
    }
}

static void slab_woken_in_vain_sleeps_again(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, 2 * FEW, FEW_BYTES) == 2 * FEW);
    struct slab *slab = slab_at(blocks[0]);
    T_EXPECT(slab->state == SLAB_ASLEEP);
    slab_wake(slot0(), slab);
    T_EXPECT(slab_at(acre_heap_alloc(subject, FEW_BYTES)) != slab && slab->state == SLAB_ASLEEP);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    acre_heap_free(subject, blocks[5]);
    T_EXPECT(slab->state == SLAB_AWAKE);
    T_EXPECT_SOUND(heap_close());
}

// ---- frees that are interrupted ------------------------------------------------------------------

static unsigned interrupt_at; // counts steps down; the push starts again at 0

static void interrupting_step(void)
{
    if (interrupt_at != 0) {
        interrupt_at -= 1;
        if (interrupt_at == 0) {
            sim_move(sim_slot());
        }
    }
}

/// Frees all blocks of a slab, one of the frees being interrupted at one of its steps.
static const char *free_interrupted(unsigned which, unsigned step)
{
    heap_open();
    if (alloc_many(blocks, FEW + 1, FEW_BYTES) != FEW + 1) {
        return "no memory";
    }
    struct slab *slab = slab_at(blocks[0]);
    for (unsigned i = 0; i < FEW; i++) {
        interrupt_at = i == which ? step : 0;
        acre_sim_step = interrupting_step;
        acre_heap_free(subject, blocks[i]);
        acre_sim_step = NULL;
        const char *broken = acre_heap_audit(subject);
        if (broken != NULL) {
            return broken;
        }
    }
    if (slab->state != SLAB_EMPTY) {
        // It need not be noticed by the last free, if the count is in doubt; but nothing is lost.
        size_t refilled = 0;
        for (unsigned i = 0; i < 3 * FEW; i++) {
            blocks[i] = acre_heap_alloc(subject, FEW_BYTES);
            refilled += slab_at(blocks[i]) == slab ? 1 : 0;
        }
        if (refilled != FEW) {
            return "blocks of an interrupted free are lost";
        }
    }
    return heap_close();
}

static void free_interrupted_at_any_step_loses_nothing(void)
{
    for (unsigned which = 0; which < FEW; which++) {
        for (unsigned step = 1; step <= 40; step++) {
            const char *broken = free_interrupted(which, step);
            if (broken != NULL) {
                t_say_number("free", which);
                t_say_number("step", step);
            }
            T_EXPECT_SOUND(broken);
        }
    }
    T_EXPECT(acre_sim.aborts != 0 || sim.calls_all != 0);
}

static void slab_with_an_interrupted_free_is_still_found_empty(void)
{
    unsigned empty = 0;
    for (unsigned step = 1; step <= 12; step++) {
        heap_open();
        T_EXPECT(alloc_many(blocks, FEW + 1, FEW_BYTES) == FEW + 1);
        struct slab *slab = slab_at(blocks[0]);
        interrupt_at = step;
        acre_sim_step = interrupting_step;
        acre_heap_free(subject, blocks[0]);
        acre_sim_step = NULL;
        for (unsigned i = 1; i < FEW; i++) {
            T_EXPECT(slab->state != SLAB_EMPTY || i == FEW - 1);
            acre_heap_free(subject, blocks[i]);
        }
        empty += slab->state == SLAB_EMPTY ? 1 : 0;
        T_EXPECT_SOUND(heap_close());
    }
    T_EXPECT(empty == 12);
}

// A free that was interrupted by another thread on its slot, and has not begun again, is counted
// although its block is live: the slab seems empty one free too early.
static void slab_that_only_seems_empty_is_used_for_nothing_else(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, FEW + 1, FEW_BYTES) == FEW + 1);
    struct slab *slab = slab_at(blocks[0]);
    block_fill(blocks[0], FEW_BYTES, 1);
    acre_heap_free(subject, blocks[1]);
    slab->hot.due = (uint16_t)(slab->hot.due - 1);
    for (unsigned i = 2; i < FEW; i++) {
        acre_heap_free(subject, blocks[i]);
    }
    T_EXPECT(slab->state == SLAB_EMPTY);
    T_EXPECT(slab_at(acre_heap_alloc(subject, 2000)) != slab && slab->block_bytes == FEW_BYTES);
    T_EXPECT(slab->state == SLAB_AWAKE && block_holds(blocks[0], FEW_BYTES, 1));
    acre_heap_free(subject, blocks[0]); // the free that had been interrupted
    T_EXPECT(slab->state == SLAB_EMPTY);
    T_EXPECT(slab_at(acre_heap_alloc(subject, 1000)) == slab);
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(slab_is_active_from_its_first_block_to_its_last),
    T_CASE(slab_that_is_full_sleeps_when_another_is_opened),
    T_CASE(slab_of_few_blocks_wakes_after_one_free),
    T_CASE(slab_of_many_blocks_wakes_after_a_fraction_of_them),
    T_CASE(slab_is_empty_after_its_last_free),
    T_CASE(slab_that_is_empty_is_used_again_by_its_class),
    T_CASE(slab_that_is_empty_serves_another_class),
    T_CASE(slabs_beyond_those_a_slot_keeps_go_back_to_the_space),
    T_CASE(trim_gives_back_the_empty_slabs_of_the_slot),
    T_CASE(slab_left_before_it_is_carved_stays_awake), T_CASE(slab_is_empty_though_not_carved),
    T_CASE(slab_forgets_its_limit_when_it_is_retired), T_CASE(random_frees_lose_no_block),
    T_CASE(free_interrupted_at_any_step_loses_nothing),
    T_CASE(slab_with_an_interrupted_free_is_still_found_empty),
    T_CASE(slab_woken_in_vain_sleeps_again),
    T_CASE(slab_that_only_seems_empty_is_used_for_nothing_else))
