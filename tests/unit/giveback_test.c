// giveback_test.c - what a helper gives back at a look, what it leaves, and when it is asked for.
// SPDX-License-Identifier: MIT
#include "heap/giveback.h"

#include "heap/slot.h"
#include "unit/fixture.h"

static const size_t mib = (size_t)1 << 20;

enum { COUNT = 40, STEPS_MAX = 10000 };

static void *blocks[COUNT];
static unsigned asked;
static bool helper_refuses;

static bool start_helper(acre_heap *heap)
{
    asked += heap == subject && acre_sim.self->locks_held == 0 ? 1 : 1000;
    return !helper_refuses;
}

static unsigned rests;
static void (*on_rest)(void);

static void rest_helper(void)
{
    rests += acre_sim.self->locks_held == 0 ? 1 : 1000;
    if (on_rest != NULL) {
        on_rest();
    }
}

static void open_with_helper(void)
{
    heap_open();
    asked = 0;
    helper_refuses = false;
    static const struct helper helper = {
        .start = start_helper, .rest = rest_helper, .empty_slabs_max = 8 * EMPTY_SLABS_MAX};
    rests = 0;
    on_rest = NULL;
    subject->helper = &helper;
}

/// One look, as the helper does it. Whether there is to be another.
static bool look(void)
{
    struct giveback giveback;
    giveback_begin(subject, &giveback);
    unsigned steps = 0;
    while (giveback_step(subject, &giveback) && steps < STEPS_MAX) {
        steps += 1;
    }
    return giveback_end(subject, &giveback);
}

static size_t free_bytes(void)
{
    return subject->free_dirty_pages * PAGE_BYTES + subject->huge_cached_bytes;
}

static void much_free_memory_asks_for_a_helper_once(void)
{
    open_with_helper();
    T_EXPECT(alloc_many(blocks, COUNT, mib) == COUNT);
    free_many(blocks, 7);
    T_EXPECT(asked == 0); // little is kept
    free_many(blocks + 7, COUNT - 7);
    T_EXPECT(asked == 1 && subject->is_helped);
    T_EXPECT_SOUND(heap_close());
}

static void kept_huge_block_asks_for_a_helper(void)
{
    open_with_helper();
    acre_heap_free(subject, acre_heap_alloc(subject, 20 * mib));
    T_EXPECT(asked == 1);
    T_EXPECT(look() && free_bytes() == 0); // it was there all the time
    T_EXPECT(!look());
    T_EXPECT_SOUND(heap_close());
}

static void helper_that_cannot_start_is_asked_again(void)
{
    open_with_helper();
    helper_refuses = true;
    T_EXPECT(alloc_many(blocks, COUNT, mib) == COUNT);
    free_many(blocks, COUNT);
    T_EXPECT(asked > 1 && !subject->is_helped);
    T_EXPECT_SOUND(heap_close());
}

/// A helper gives it back soon; where there is none, less is kept.
static void more_is_kept_while_there_is_a_helper(void)
{
    for (unsigned refuses = 0; refuses < 2; refuses++) {
        open_with_helper();
        helper_refuses = refuses != 0;
        unsigned char *block = acre_heap_alloc(subject, 100 * mib);
        acre_heap_free(subject, block);
        T_EXPECT(asked == 1 && subject->huge_cached_bytes == (refuses != 0 ? 0 : 100 * mib));
        T_EXPECT(subject->is_helped == (refuses == 0));
        T_EXPECT_SOUND(heap_close());
    }
}

/// Of a mapping that is partly used again and again, what is never used goes back, a little at each step.
static void what_nobody_uses_of_a_mapping_is_given_back(void)
{
    open_with_helper();
    unsigned char *block = acre_heap_alloc(subject, 100 * mib);
    block_fill(block, 100 * mib, 1);
    acre_heap_free(subject, block);
    struct giveback giveback;
    giveback_begin(subject, &giveback);
    giveback.kept_bytes = 0;
    (void)giveback_end(subject, &giveback);
    for (unsigned round = 0; round < 3; round++) {
        acre_heap_free(subject, acre_heap_alloc(subject, 30 * mib));
    }
    giveback_begin(subject, &giveback);
    T_EXPECT(giveback.kept_bytes == 70 * mib);
    pages_sim_heal(&sim);
    while (giveback_step(subject, &giveback)) {
        T_EXPECT(sim.calls[SIM_RELEASE] <= 1); // short steps: a fork may wait for one
        sim.calls[SIM_RELEASE] = 0;
    }
    (void)giveback_end(subject, &giveback);
    T_EXPECT(subject->huge_cached_bytes >= 30 * mib && subject->huge_cached_bytes < 31 * mib);
    T_EXPECT_SOUND(heap_close());
}

static void memory_that_rests_is_given_back_and_then_it_is_over(void)
{
    open_with_helper();
    void *stays = acre_heap_alloc(subject, 40);
    T_EXPECT(alloc_many(blocks, COUNT, mib) == COUNT);
    free_many(blocks, COUNT);
    (void)look(); // what is free by now is watched from now on
    T_EXPECT(free_bytes() != 0 && look() && free_bytes() == 0);
    T_EXPECT(!look() && !subject->is_helped);
    T_EXPECT(alloc_many(blocks, COUNT, mib) == COUNT);
    free_many(blocks, COUNT);
    T_EXPECT(asked == 2);
    acre_heap_free(subject, stays);
    T_EXPECT_SOUND(heap_close());
}

static void memory_that_is_used_again_and_again_is_left(void)
{
    open_with_helper();
    T_EXPECT(alloc_many(blocks, COUNT, mib) == COUNT);
    free_many(blocks, COUNT);
    (void)look();
    for (unsigned round = 0; round < 5; round++) {
        T_EXPECT(alloc_many(blocks, COUNT, mib) == COUNT);
        free_many(blocks, COUNT);
        size_t before = free_bytes();
        T_EXPECT(look() && free_bytes() >= COUNT * mib - mib); // but for what no round needs
        T_EXPECT(before - free_bytes() <= 4 * mib);
    }
    T_EXPECT_SOUND(heap_close());
}

static void half_that_is_not_used_is_given_back(void)
{
    open_with_helper();
    T_EXPECT(alloc_many(blocks, COUNT, mib) == COUNT);
    free_many(blocks, COUNT);
    (void)look();
    size_t before = free_bytes();
    T_EXPECT(alloc_many(blocks, 6, mib) == 6);
    free_many(blocks, 6);
    T_EXPECT(look());
    T_EXPECT(free_bytes() >= 6 * mib && free_bytes() <= before - before / 3);
    T_EXPECT_SOUND(heap_close());
}

static void idle_slots_give_up_what_they_keep(void)
{
    static void *small[2000];
    open_with_helper();
    sim_move(1);
    T_EXPECT(alloc_many(blocks, COUNT, mib) == COUNT);
    T_EXPECT(alloc_many(small, 2000, 1000) == 2000);
    free_many(small, 2000);
    acre_heap_free(subject, acre_heap_alloc(subject, 30000));
    acre_heap_free(subject, acre_heap_alloc(subject, 70000));
    struct slot *slot = slot_of(subject, acre_port_slot_enter());
    T_EXPECT(slot->empty_count != 0 && slot->run_count == 1 && slot->run_listed == 8);
    free_many(blocks, COUNT);
    sim_move(0);
    (void)look();
    T_EXPECT(slot->empty_count != 0); // it had been busy
    (void)look();
    T_EXPECT(slot->empty_count == 0 && slot->run_count == 0 && slot->run_listed == 0);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(alloc_many(small, 2000, 1000) == 2000);
    free_many(small, 2000);
    T_EXPECT_SOUND(heap_close());
}

static acre_claim claim_shared(unsigned slot)
{
    (void)slot;
    return ACRE_CLAIM_SHARED;
}

static void slot_that_may_be_in_use_keeps_what_it_has(void)
{
    static void *small[2000];
    open_with_helper();
    sim_move(1);
    acre_sim.claim = claim_shared;
    T_EXPECT(alloc_many(small, 2000, 1000) == 2000);
    free_many(small, 2000);
    struct slot *slot = slot_of(subject, acre_port_slot_enter());
    uint32_t empty = slot->empty_count;
    sim_move(0);
    acre_sim.barrier_fails = true;
    (void)look();
    (void)look();
    T_EXPECT(empty != 0 && slot->empty_count == empty);
    acre_sim.barrier_fails = false;
    (void)look();
    T_EXPECT(slot->empty_count == 0);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT_SOUND(heap_close());
}

static void source_that_refuses_is_not_asked_for_ever(void)
{
    open_with_helper();
    T_EXPECT(alloc_many(blocks, COUNT, 200000) == COUNT);
    void *stays = acre_heap_alloc(subject, 40);
    T_EXPECT(alloc_many(blocks, COUNT, mib) == COUNT);
    sim.failing[SIM_DECOMMIT] = true;
    free_many(blocks, COUNT);
    (void)look();
    T_EXPECT(!look() && !subject->is_helped);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    (void)stays;
    acre_heap_destroy(subject);
}

static void child_of_a_fork_has_no_helper(void)
{
    open_with_helper();
    T_EXPECT(alloc_many(blocks, COUNT, mib) == COUNT);
    free_many(blocks, 20);
    T_EXPECT(asked == 1);
    slot_reset_locks(subject);
    free_many(blocks + 20, 20);
    T_EXPECT(asked == 2);
    T_EXPECT_SOUND(heap_close());
}

static size_t limit_after_rest;

static void let_limit_be(void)
{
    subject->limit_bytes = limit_after_rest; // what the helper was giving back has been given back
}

static void request_waits_for_the_helper_before_it_is_refused(void)
{
    open_with_helper();
    void *block = acre_heap_alloc(subject, 2 * mib);
    T_EXPECT(block != NULL && rests == 0);
    limit_after_rest = 0;
    on_rest = let_limit_be;
    subject->limit_bytes = subject->held_bytes;
    T_EXPECT(
        acre_heap_alloc(subject, 4 * mib) == NULL &&
        rests == 0); // hopeless: above the limit itself
    subject->limit_bytes = subject->held_bytes + mib;
    T_EXPECT(acre_heap_alloc(subject, 2 * mib) != NULL && rests == 1);
    subject->limit_bytes = subject->held_bytes + mib;
    T_EXPECT(acre_heap_realloc(subject, block, 6 * mib) != NULL && rests == 2);
    T_EXPECT_SOUND(heap_close());
}

static void refusal_is_final_after_the_helper_rested(void)
{
    open_with_helper();
    void *block = acre_heap_alloc(subject, 2 * mib);
    limit_after_rest = subject->limit_bytes = subject->held_bytes + mib;
    on_rest = let_limit_be;
    T_EXPECT(block != NULL && acre_heap_alloc(subject, 2 * mib) == NULL && rests == 1);
    T_EXPECT(acre_heap_alloc(subject, 100000) != NULL || rests != 0);
    T_EXPECT_SOUND(heap_close());
}

enum { SMALL_BYTES = 512, PER_SLAB = 128, SMALL_SLABS = 5 * EMPTY_SLABS_MAX };

static void *small_blocks[SMALL_SLABS * PER_SLAB];

/// Slot 1 fills slabs and empties them, with a helper at work.
static struct slot *fill_and_empty(void)
{
    subject->is_helped = true;
    sim_move(1);
    free_many(small_blocks, alloc_many(small_blocks, SMALL_SLABS * PER_SLAB, SMALL_BYTES));
    return slot_of(subject, 1);
}

static void slot_keeps_more_empty_slabs_while_there_is_a_helper(void)
{
    open_with_helper();
    const struct slot *slot = fill_and_empty();
    T_EXPECT(slot->empty_count >= SMALL_SLABS - 1 && asked == 0);
    size_t used_pages = subject->used_pages;
    (void)fill_and_empty(); // from the same slabs, and nobody counts their blocks
    T_EXPECT(subject->used_pages == used_pages && slot->empty_count >= SMALL_SLABS - 1);
    subject->is_helped = false;
    acre_heap_free(subject, small_blocks[0] = acre_heap_alloc(subject, SMALL_BYTES));
    T_EXPECT(alloc_many(small_blocks, 2 * PER_SLAB, SMALL_BYTES) == 2 * PER_SLAB);
    free_many(small_blocks, 2 * PER_SLAB); // an event: one too many goes, and asks
    T_EXPECT(asked == 1 && subject->is_helped);
    T_EXPECT_SOUND(heap_close());
}

static void slot_in_use_gives_up_the_empty_slabs_that_it_does_not_need(void)
{
    open_with_helper();
    acre_sim.claim = claim_shared;
    const struct slot *slot = fill_and_empty();
    (void)look(); // it had none of them at some time since the look before
    T_EXPECT(slot->empty_count >= SMALL_SLABS - 1);
    void *first = acre_heap_alloc(subject, SMALL_BYTES); // it is in use, and needs one or two
    T_EXPECT(alloc_many(small_blocks, 2 * PER_SLAB, SMALL_BYTES) == 2 * PER_SLAB);
    free_many(small_blocks, 2 * PER_SLAB);
    (void)look();
    T_EXPECT(slot->empty_count <= 4 && first != NULL);
    T_EXPECT_SOUND(heap_close());
}

static void without_a_barrier_few_empty_slabs_stay_and_the_helper_ends(void)
{
    open_with_helper();
    acre_sim.claim = claim_shared;
    acre_sim.barrier_fails = true;
    const struct slot *slot = fill_and_empty();
    (void)look();
    (void)look();
    T_EXPECT(subject->barrier_refused && !look() && !subject->is_helped);
    (void)fill_and_empty();
    T_EXPECT(slot->empty_count <= EMPTY_SLABS_MAX);
    acre_sim.barrier_fails = false;
    T_EXPECT_SOUND(heap_close());
}

static void runs_use_empty_slabs_before_new_memory(void)
{
    enum { RUNS = 60 };
    static void *runs[RUNS];
    open_with_helper();
    const struct slot *slot = fill_and_empty();
    uint32_t segment_count = subject->segment_count;
    T_EXPECT(alloc_many(runs, RUNS, 60000) == RUNS);
    T_EXPECT(slot->empty_count < SMALL_SLABS - 16 && slot->empty_count >= EMPTY_SLABS_MAX);
    T_EXPECT(subject->segment_count == segment_count);
    T_EXPECT_SOUND(heap_close());
}

static void other_slots_use_empty_slabs_before_new_memory(void)
{
    static void *others[40 * PER_SLAB];
    open_with_helper();
    acre_sim.claim = claim_shared;
    const struct slot *slot = fill_and_empty();
    size_t held_bytes = subject->held_bytes;
    sim_move(0);
    T_EXPECT(alloc_many(others, (size_t)40 * PER_SLAB, SMALL_BYTES) == (size_t)40 * PER_SLAB);
    T_EXPECT(slot->empty_count < SMALL_SLABS - 32 && acre_sim.barriers <= 4);
    T_EXPECT(subject->held_bytes <= held_bytes + mib);
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(slot_keeps_more_empty_slabs_while_there_is_a_helper),
    T_CASE(slot_in_use_gives_up_the_empty_slabs_that_it_does_not_need),
    T_CASE(without_a_barrier_few_empty_slabs_stay_and_the_helper_ends),
    T_CASE(runs_use_empty_slabs_before_new_memory),
    T_CASE(other_slots_use_empty_slabs_before_new_memory),
    T_CASE(request_waits_for_the_helper_before_it_is_refused),
    T_CASE(refusal_is_final_after_the_helper_rested),
    T_CASE(much_free_memory_asks_for_a_helper_once), T_CASE(kept_huge_block_asks_for_a_helper),
    T_CASE(helper_that_cannot_start_is_asked_again), T_CASE(more_is_kept_while_there_is_a_helper),
    T_CASE(what_nobody_uses_of_a_mapping_is_given_back),
    T_CASE(memory_that_rests_is_given_back_and_then_it_is_over),
    T_CASE(memory_that_is_used_again_and_again_is_left),
    T_CASE(half_that_is_not_used_is_given_back), T_CASE(idle_slots_give_up_what_they_keep),
    T_CASE(slot_that_may_be_in_use_keeps_what_it_has),
    T_CASE(source_that_refuses_is_not_asked_for_ever), T_CASE(child_of_a_fork_has_no_helper))
