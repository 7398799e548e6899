// takeover_test.c - memory that sleeps in idle slots is used before new memory is asked for.
// SPDX-License-Identifier: MIT
#include "heap/takeover.h"

#include "heap/owner.h"
#include "unit/fixture.h"

enum { BLOCK_BYTES = 512, PER_SLAB = 128, SLABS = 16, IDLE = 64 };

static void *blocks[SLABS * PER_SLAB];
static void *others[200 * PER_SLAB];

/// Slot 1 has SLABS slabs, all of their blocks free, and rests; slot 0 is to be the busy one.
static void open_with_idle_slot(void)
{
    heap_open();
    sim_move(1);
    (void)alloc_many(blocks, SLABS * PER_SLAB, BLOCK_BYTES);
    free_many(blocks, SLABS * PER_SLAB);
    sim_move(0);
}

static size_t refuse(size_t times)
{
    return alloc_many(others, times * PER_SLAB, BLOCK_BYTES);
}

static void slot_that_was_busy_lately_is_left_alone(void)
{
    open_with_idle_slot();
    unsigned empty_count = slot_of(subject, 1)->empty_count;
    T_EXPECT(empty_count >= SLABS - 1);
    for (unsigned i = 0; i < 4; i++) {
        T_EXPECT(refuse(IDLE / 2) == IDLE / 2 * PER_SLAB);
        free_on(1, alloc_on(1, 30000)); // a run is no refill
        sim_move(1);
        T_EXPECT(acre_heap_alloc(subject, 64 + i * 64) != NULL); // a refill is
        sim_move(0);
    }
    T_EXPECT(acre_sim.barriers == 0);
    T_EXPECT_SOUND(heap_close());
}

static void idle_slots_slabs_are_used_before_new_memory(void)
{
    open_with_idle_slot();
    T_EXPECT(refuse(IDLE) == IDLE * PER_SLAB);
    size_t used_pages = subject->used_pages;
    for (unsigned i = 0; i < 8 * PER_SLAB && acre_sim.barriers == 0; i++) {
        used_pages = subject->used_pages;
        T_EXPECT(acre_heap_alloc(subject, BLOCK_BYTES) != NULL);
    }
    T_EXPECT(acre_sim.barriers == 1 && subject->used_pages == used_pages);
    T_EXPECT(slot_of(subject, 1)->empty_count == 0);
    T_EXPECT(slot_of(subject, 0)->empty_count >= SLABS - 2);
    T_EXPECT_SOUND(heap_close());
}

static void idle_slots_awake_slabs_are_taken_with_their_free_blocks(void)
{
    heap_open();
    sim_move(1);
    T_EXPECT(alloc_many(blocks, SLABS * PER_SLAB, BLOCK_BYTES) == SLABS * PER_SLAB);
    for (unsigned i = 0; i < SLABS * PER_SLAB; i += 2) {
        acre_heap_free(subject, blocks[i]);
    }
    sim_move(0);
    size_t count = refuse(IDLE + 8);
    T_EXPECT(count == (IDLE + 8) * PER_SLAB && acre_sim.barriers != 0);
    bool met = false;
    for (size_t i = 0; i < count; i++) {
        met = met || others[i] == blocks[0] || others[i] == blocks[2];
    }
    T_EXPECT(met && owner_slot(slab_at(blocks[1])->owner) == 0);
    for (unsigned i = 1; i < SLABS * PER_SLAB; i += 2) {
        acre_heap_free(subject, blocks[i]); // the rest is freed to whoever has them now
    }
    T_EXPECT_SOUND(heap_close());
}

static acre_claim claim_nothing(unsigned slot)
{
    (void)slot;
    return ACRE_CLAIM_NO;
}

/// The thread of slot 1 sleeps for ever; all that it allocated is freed by others.
static void slabs_that_others_emptied_are_taken_from_a_slot_in_use(void)
{
    heap_open();
    acre_sim.claim = claim_nothing;
    sim_move(1);
    T_EXPECT(alloc_many(blocks, SLABS * PER_SLAB, BLOCK_BYTES) == SLABS * PER_SLAB);
    acre_heap_free(subject, blocks[0]); // by the thread itself: its slab stays
    sim_move(0);
    free_many(blocks + 1, SLABS * PER_SLAB - 1);
    size_t used_pages = subject->used_pages;
    T_EXPECT(takeover_retire(subject, 1, true, 0) >= (size_t)(SLABS - 3) * SLICE_BYTES);
    T_EXPECT(used_pages - subject->used_pages >= (size_t)(SLABS - 3) * SLICE_PAGES);
    T_EXPECT(owner_slot(slab_at(blocks[0])->owner) == 1 && acre_sim.barriers == 0);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(takeover_retire(subject, 1, true, 0) == 0);
    T_EXPECT_SOUND(heap_close());
}

static void trim_takes_what_others_emptied_from_a_slot_in_use(void)
{
    heap_open();
    acre_sim.claim = claim_nothing;
    sim_move(1);
    T_EXPECT(alloc_many(blocks, SLABS * PER_SLAB, BLOCK_BYTES) == SLABS * PER_SLAB);
    sim_move(0);
    T_EXPECT(acre_heap_alloc(subject, 64) != NULL);
    free_many(blocks, SLABS * PER_SLAB);
    T_EXPECT(acre_heap_trim(subject, 0) >= (size_t)(SLABS - 2) * SLICE_BYTES);
    T_EXPECT_SOUND(heap_close());
}

/// A thread has left slot 1, where it has just been, and empties there what it filled.
static void slabs_that_others_emptied_are_used_before_new_memory(void)
{
    static void *many[24 * PER_SLAB];
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, 640) != NULL); // slot 0 has a slab of the class to come
    sim_move(1);
    T_EXPECT(alloc_many(many, 24 * PER_SLAB, BLOCK_BYTES) == 24 * PER_SLAB);
    sim_move(0);
    free_many(many, 20 * PER_SLAB);
    struct slot *left = slot_of(subject, 1);
    T_EXPECT(left->drained_count >= 16);
    size_t used_pages = subject->used_pages;
    T_EXPECT(alloc_many(others, 8 * PER_SLAB, 640) == 8 * PER_SLAB);
    T_EXPECT(subject->used_pages == used_pages && acre_sim.barriers == 1);
    T_EXPECT(left->drained_count < 16 && owner_slot(slab_at(many[23 * PER_SLAB])->owner) == 1);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT_SOUND(heap_close());
}

static void slot_in_use_is_never_raided(void)
{
    open_with_idle_slot();
    acre_sim.claims[1] = ACRE_CLAIM_NO;
    T_EXPECT(refuse(3 * IDLE) == 3 * IDLE * PER_SLAB);
    T_EXPECT(acre_sim.barriers == 0 && slot_of(subject, 1)->empty_count != 0);
    T_EXPECT_SOUND(heap_close());
}

static void slot_claimed_alone_needs_no_barrier(void)
{
    open_with_idle_slot();
    acre_sim.claims[1] = ACRE_CLAIM_EXCLUSIVE;
    T_EXPECT(refuse(IDLE + 8) == (IDLE + 8) * PER_SLAB);
    T_EXPECT(acre_sim.barriers == 0 && !acre_sim.claimed[1]);
    T_EXPECT(slot_of(subject, 1)->empty_count == 0);
    T_EXPECT_SOUND(heap_close());
}

static struct slab *watched;
static bool was_in_transit;

static bool watching_barrier(void)
{
    was_in_transit = owner_slot(watched->owner) == ACRE_SLOT_NONE;
    return true;
}

static void slabs_are_nobodys_while_the_barrier_is_awaited(void)
{
    open_with_idle_slot();
    watched = slab_at(blocks[0]);
    was_in_transit = false;
    acre_sim.barrier = watching_barrier;
    T_EXPECT(refuse(IDLE + 8) == (IDLE + 8) * PER_SLAB);
    T_EXPECT(was_in_transit && owner_slot(watched->owner) == 0);
    T_EXPECT_SOUND(heap_close());
}

static void slot_raided_is_served_afresh(void)
{
    open_with_idle_slot();
    T_EXPECT(refuse(IDLE + 8) == (IDLE + 8) * PER_SLAB);
    sim_move(1);
    T_EXPECT(alloc_many(blocks, SLABS * PER_SLAB, BLOCK_BYTES) == SLABS * PER_SLAB);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    free_many(blocks, SLABS * PER_SLAB);
    sim_move(0);
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(slot_that_was_busy_lately_is_left_alone),
    T_CASE(idle_slots_slabs_are_used_before_new_memory),
    T_CASE(idle_slots_awake_slabs_are_taken_with_their_free_blocks),
    T_CASE(slabs_that_others_emptied_are_taken_from_a_slot_in_use),
    T_CASE(trim_takes_what_others_emptied_from_a_slot_in_use),
    T_CASE(slabs_that_others_emptied_are_used_before_new_memory),
    T_CASE(slot_in_use_is_never_raided), T_CASE(slot_claimed_alone_needs_no_barrier),
    T_CASE(slabs_are_nobodys_while_the_barrier_is_awaited), T_CASE(slot_raided_is_served_afresh))
