// runlist_test.c - short runs that a slot keeps on lists.
// SPDX-License-Identifier: MIT
#include "heap/runlist.h"

#include "heap/runcache.h"
#include "heap/slot.h"

#include "unit/fixture.h"

enum { MANY = 64, RUN_BYTES = 20480, RUN_PAGES = RUN_BYTES / PAGE_BYTES };

static void *runs[MANY];

static struct slot *slot0(void)
{
    return slot_of(subject, 0);
}

static void open_with_slots(unsigned count)
{
    heap_open();
    for (unsigned slot = 0; slot < count; slot++) {
        (void)alloc_on(slot, 16);
    }
}

static unsigned count_on(const struct slot *slot, unsigned pages)
{
    unsigned count = 0;
    for (const acre_block *run = slot->run_lists[pages - RUN_LISTED_MIN].head; run != NULL;
         run = run->next) {
        count += 1;
    }
    return count;
}

/// A slot that keeps `count` runs.
static void keep(unsigned slot, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        runs[i] = alloc_on(slot, RUN_BYTES);
    }
    for (unsigned i = 0; i < count; i++) {
        free_on(slot, runs[i]);
    }
}

static void freed_run_is_the_next_of_its_length(void)
{
    open_with_slots(1);
    void *run = acre_heap_alloc(subject, 30000);
    void *other = acre_heap_alloc(subject, 60000);
    acre_heap_free(subject, run);
    acre_heap_free(subject, other);
    T_EXPECT(slot0()->run_count == 0 && slot0()->run_listed == 8 + 15);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(acre_heap_alloc(subject, 40000) != other);
    T_EXPECT(acre_heap_alloc(subject, 32768) == run);
    T_EXPECT(acre_heap_alloc(subject, 60000) == other && slot0()->run_listed == 0);
    T_EXPECT_SOUND(heap_close());
}

static void only_lengths_in_range_are_listed(void)
{
    T_EXPECT(
        !runlist_holds(0) && !runlist_holds(RUN_LISTED_MIN - 1) && runlist_holds(RUN_LISTED_MIN));
    T_EXPECT(
        runlist_holds(RUN_LISTED_MIN + RUN_LISTS - 1) &&
        !runlist_holds(RUN_LISTED_MIN + RUN_LISTS));
}

struct sized {
    void *block;
    size_t size;
};

static void free_as_sized(void *context)
{
    const struct sized *sized = context;
    acre_heap_free_sized(subject, sized->block, sized->size);
}

static void longer_run_serves_if_little_is_spare(void)
{
    open_with_slots(1);
    char *run = acre_heap_alloc(subject, 8 * PAGE_BYTES);
    acre_heap_free(subject, run);
    T_EXPECT(acre_heap_alloc(subject, 5 * PAGE_BYTES) != run);
    T_EXPECT(acre_heap_alloc(subject, 7 * PAGE_BYTES - 5) == run);
    T_EXPECT(acre_heap_usable_size(subject, run) == (size_t)8 * PAGE_BYTES);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    for (size_t pages = 6; pages <= 9; pages += 3) {
        struct sized wrong = {run, pages * PAGE_BYTES};
        struct sim_end end = sim_catch(free_as_sized, &wrong);
        T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'w');
    }
    acre_heap_free_sized(subject, run, 7 * PAGE_BYTES);
    T_EXPECT(acre_heap_alloc(subject, 8 * PAGE_BYTES) == run);
    acre_heap_free(subject, run);
    run = acre_heap_alloc(subject, 7 * PAGE_BYTES);
    acre_heap_free_sized(subject, run, acre_heap_usable_size(subject, run)); // as some programs do
    T_EXPECT_SOUND(heap_close());
}

static void run_with_spare_pages_is_resized(void)
{
    static const size_t pages[] = {7, 8, 6, 12};
    for (unsigned i = 0; i < 4; i++) {
        open_with_slots(1);
        unsigned char *run = acre_heap_alloc(subject, 8 * PAGE_BYTES);
        acre_heap_free(subject, run);
        T_EXPECT(acre_heap_alloc(subject, 7 * PAGE_BYTES) == run);
        block_fill(run, 6 * PAGE_BYTES, 1);
        unsigned char *again = acre_heap_realloc(subject, run, pages[i] * PAGE_BYTES);
        T_EXPECT(block_holds(again, 6 * PAGE_BYTES, 1) && (i == 3 || again == run));
        T_EXPECT_SOUND(acre_heap_audit(subject));
        acre_heap_free_sized(subject, again, pages[i] * PAGE_BYTES);
        T_EXPECT_SOUND(heap_close());
    }
}

static void listed_run_is_freed_once(void)
{
    open_with_slots(2);
    void *run = acre_heap_alloc(subject, RUN_BYTES);
    acre_heap_free(subject, run);
    struct sim_end end = sim_catch(free_in_heap, run);
    T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'd' && end.addr == run);
    sim_move(1);
    end = sim_catch(free_in_heap, run);
    T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'd');
}

static void alloc_run(void *unused)
{
    (void)unused;
    (void)!acre_heap_alloc(subject, RUN_BYTES);
}

static void run_written_to_while_free_is_found(void)
{
    for (unsigned i = 0; i < 2; i++) {
        open_with_slots(1);
        keep(0, 2);
        ((uintptr_t *)runs[1])[i] ^= 0x10;
        struct sim_end end = sim_catch(alloc_run, NULL);
        T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'c' && end.addr == runs[1]);
        T_EXPECT(end.block_bytes == RUN_BYTES);
    }
}

/// Somebody who waits for memory, or a helper, gives away what is whole.
static void broken_run_stays_for_its_owner_to_find(void)
{
    open_with_slots(2);
    keep(0, 3);
    ((acre_block *)runs[1])->tag ^= 1;
    T_EXPECT(runlist_flush(subject, slot0()) == RUN_BYTES);
    sim_move(1);
    T_EXPECT(runlist_flush(subject, slot0()) == 0);
    sim_move(0);
    struct sim_end end = sim_catch(alloc_run, NULL);
    T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'c' && end.addr == runs[1]);
}

static void lists_are_of_few_bytes(void)
{
    open_with_slots(1);
    void *longer[MANY / 4];
    T_EXPECT(alloc_many(runs, MANY, RUN_BYTES) == MANY);
    T_EXPECT(alloc_many(longer, MANY / 4, 40000) == MANY / 4);
    for (unsigned i = 0; i < MANY; i++) {
        acre_heap_free(subject, runs[i]);
        if (i % 4 == 0) {
            acre_heap_free(subject, longer[i / 4]);
        }
        T_EXPECT(slot0()->run_listed * PAGE_BYTES <= RUN_KEPT_BYTES_MAX);
        unsigned listed = count_on(slot0(), RUN_PAGES) * RUN_PAGES + count_on(slot0(), 10) * 10;
        T_EXPECT(slot0()->run_listed == (int32_t)listed);
    }
    // The newest are kept, and of neither length all.
    T_EXPECT(count_on(slot0(), RUN_PAGES) > 3 && count_on(slot0(), 10) > 3);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(acre_heap_alloc(subject, RUN_BYTES) == runs[MANY - 1]);
    T_EXPECT(acre_heap_alloc(subject, 40000) == longer[MANY / 4 - 1]);
    T_EXPECT_SOUND(heap_close());
}

static void wrong_guess_is_made_right(void)
{
    open_with_slots(1);
    keep(0, 6);
    slot0()->run_listed = 100000;
    acre_heap_free(subject, acre_heap_alloc(subject, 30000));
    T_EXPECT(slot0()->run_listed == 6 * RUN_PAGES + 8);
    slot0()->run_listed = -100000; // nobody looks, until the counter of frees says so
    for (unsigned i = 0; i < 300; i++) {
        acre_heap_free(subject, acre_heap_alloc(subject, RUN_BYTES));
    }
    T_EXPECT(slot0()->run_listed == 6 * RUN_PAGES + 8);
    T_EXPECT_SOUND(heap_close());
}

static void with_many_slots_no_lists_are_used(void)
{
    open_with_slots(1);
    void *run = acre_heap_alloc(subject, RUN_BYTES);
    const uint32_t made = subject->slots_made;
    subject->slots_made = 1000;
    acre_heap_free(subject, run);
    T_EXPECT(slot0()->run_listed == 0 && slot0()->run_count == 1);
    subject->slots_made = made;
    T_EXPECT(acre_heap_alloc(subject, RUN_BYTES) == run);
    T_EXPECT_SOUND(heap_close());
}

static void closed_lists_are_left_alone(void)
{
    open_with_slots(1);
    keep(0, 1);
    void *other = acre_heap_alloc(subject, 30000);
    const uintptr_t owner = slot0()->run_owner;
    slot0()->run_owner |= ACRE_SLOT_NONE;
    T_EXPECT(acre_heap_alloc(subject, RUN_BYTES) != runs[0]);
    acre_heap_free(subject, other);
    T_EXPECT(slot0()->run_count == 1 && slot0()->run_listed == RUN_PAGES);
    T_EXPECT(runlist_flush(subject, slot0()) == 0);
    slot0()->run_owner = owner;
    T_EXPECT(
        acre_heap_alloc(subject, 30000) == other && acre_heap_alloc(subject, RUN_BYTES) == runs[0]);
    T_EXPECT_SOUND(heap_close());
}

static void child_of_a_fork_opens_closed_lists(void)
{
    open_with_slots(1);
    keep(0, 1);
    slot0()->run_owner |= ACRE_SLOT_NONE;
    slot_reset_locks(subject);
    T_EXPECT(acre_heap_alloc(subject, RUN_BYTES) == runs[0]);
    T_EXPECT_SOUND(heap_close());
}

static void lists_of_other_slots_are_flushed_behind_a_barrier(void)
{
    static const acre_claim claims[] = {
        ACRE_CLAIM_SHARED, ACRE_CLAIM_EXCLUSIVE, ACRE_CLAIM_NO, ACRE_CLAIM_SHARED};
    for (unsigned i = 0; i < 4; i++) {
        open_with_slots(2);
        keep(1, 3);
        const bool flushed = i < 2;
        const uintptr_t owner = slot_of(subject, 1)->run_owner;
        acre_sim.claims[1] = claims[i];
        acre_sim.barrier_fails = i == 3;
        T_EXPECT(runcache_flush(subject) == (flushed ? (size_t)3 * RUN_BYTES : 0));
        T_EXPECT(acre_sim.barriers == (claims[i] == ACRE_CLAIM_SHARED ? 1u : 0u));
        T_EXPECT((slot_of(subject, 1)->run_owner == owner) == (claims[i] == ACRE_CLAIM_NO));
        T_EXPECT(
            !acre_sim.claimed[1] && subject->free_dirty_pages == (flushed ? 3u * RUN_PAGES : 0u));
        T_EXPECT_SOUND(acre_heap_audit(subject));
        T_EXPECT(flushed || alloc_on(1, RUN_BYTES) == runs[2]);
        free_on(1, alloc_on(1, RUN_BYTES));
        T_EXPECT(slot_of(subject, 1)->run_count == 0); // its lists are open again
        T_EXPECT_SOUND(heap_close());
    }
}

static void own_lists_are_flushed_without_a_barrier(void)
{
    open_with_slots(1);
    keep(0, 3);
    T_EXPECT(runcache_flush(subject) == (size_t)3 * RUN_BYTES && acre_sim.barriers == 0);
    T_EXPECT(slot0()->run_listed == 0 && subject->free_dirty_pages == 3u * RUN_PAGES);
    T_EXPECT_SOUND(heap_close());
}

static void kept_runs_are_had_under_a_limit(void)
{
    open_with_slots(2);
    keep(1, 12);
    subject->limit_bytes = subject->held_bytes;
    T_EXPECT(acre_heap_alloc(subject, 100000) != NULL); // of memory that slot 1 kept
    T_EXPECT(slot_of(subject, 1)->run_listed == 0);
    T_EXPECT_SOUND(heap_close());
}

static void calloc_clears_a_listed_run(void)
{
    open_with_slots(1);
    unsigned char *run = acre_heap_alloc(subject, RUN_BYTES);
    block_fill(run, RUN_BYTES, 1);
    acre_heap_free(subject, run);
    unsigned char *again = acre_heap_calloc(subject, 1, RUN_BYTES);
    T_EXPECT(again == run && block_is_zero(again, RUN_BYTES));
    T_EXPECT_SOUND(heap_close());
}

static unsigned move_at;

static void moving_step(void)
{
    if (move_at != 0 && --move_at == 0) {
        sim_move(1 - sim_slot());
    }
}

/// Wherever the thread is moved to the other slot, no run is lost and none is had twice.
static void thread_moves_at_any_step(void)
{
    for (unsigned step = 1; step <= 60; step++) {
        open_with_slots(2);
        keep(0, 2);
        void *run = acre_heap_alloc(subject, RUN_BYTES);
        acre_sim_step = moving_step;
        move_at = step;
        acre_heap_free(subject, run);
        void *again = acre_heap_alloc(subject, RUN_BYTES);
        acre_sim_step = NULL;
        T_EXPECT(again != NULL);
        T_EXPECT_SOUND(acre_heap_audit(subject));
        T_EXPECT_SOUND(heap_close());
    }
}

T_MAIN(
    T_CASE(freed_run_is_the_next_of_its_length), T_CASE(only_lengths_in_range_are_listed),
    T_CASE(longer_run_serves_if_little_is_spare), T_CASE(run_with_spare_pages_is_resized),
    T_CASE(listed_run_is_freed_once), T_CASE(run_written_to_while_free_is_found),
    T_CASE(broken_run_stays_for_its_owner_to_find), T_CASE(lists_are_of_few_bytes),
    T_CASE(wrong_guess_is_made_right), T_CASE(with_many_slots_no_lists_are_used),
    T_CASE(closed_lists_are_left_alone), T_CASE(child_of_a_fork_opens_closed_lists),
    T_CASE(lists_of_other_slots_are_flushed_behind_a_barrier),
    T_CASE(own_lists_are_flushed_without_a_barrier), T_CASE(kept_runs_are_had_under_a_limit),
    T_CASE(calloc_clears_a_listed_run), T_CASE(thread_moves_at_any_step))
