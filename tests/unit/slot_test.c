// slot_test.c - what heap/slot.h promises: slots are made once, when they are needed, and all can be
// locked for a fork, whatever happens meanwhile.
// SPDX-License-Identifier: MIT
#include "heap/slot.h"

#include "unit/fixture.h"

static void slot_is_made_once_and_stays(void)
{
    heap_open();
    T_EXPECT(slot_of(subject, 2) == NULL && subject->slots_high == 0);
    struct slot *slot = slot_get(subject, 2);
    T_EXPECT(slot != NULL && slot->number == 2 && slot_of(subject, 2) == slot);
    T_EXPECT(slot_get(subject, 2) == slot && subject->slots_high == 3);
    T_EXPECT(slot_of(subject, 0) == NULL && slot_of(subject, 1) == NULL);
    T_EXPECT(block_is_zero(&slot->bins, sizeof(slot->bins)));
    T_EXPECT((uintptr_t)slot % LINE_BYTES == 0);
    T_EXPECT_SOUND(heap_close());
}

static void slot_of_every_number_can_be_made(void)
{
    heap_open();
    for (unsigned number = ACRE_PORT_SLOTS_MAX; number-- != 0;) {
        T_EXPECT(slot_get(subject, number) != NULL);
    }
    T_EXPECT(subject->slots_high == ACRE_PORT_SLOTS_MAX);
    for (unsigned number = 0; number < ACRE_PORT_SLOTS_MAX; number++) {
        T_EXPECT(slot_of(subject, number)->number == number);
    }
    T_EXPECT_SOUND(heap_close());
}

static void pop_on_a_slot_without_a_struct_finds_nothing(void)
{
    acre_block *next;
    heap_open();
    for (unsigned number = 0; number < ACRE_PORT_SLOTS_MAX; number++) {
        sim_move(number);
        T_EXPECT(acre_port_pop(subject->bins, 3, &next) == NULL);
    }
    T_EXPECT_SOUND(heap_close());
}

static struct sim_thread other_thread;
static unsigned other_slot;
static unsigned steps_to_other;

/// Lets another thread allocate in the middle of what the first is doing, once.
static void step_of_another(void)
{
    if (steps_to_other == 0 || --steps_to_other != 0) {
        return;
    }
    struct sim_thread *self = acre_sim.self;
    void (*step)(void) = acre_sim_step;
    other_thread = (struct sim_thread){.slot = other_slot};
    acre_sim_step = NULL;
    acre_sim.self = &other_thread;
    (void)slot_get(subject, other_slot);
    acre_sim.self = self;
    acre_sim_step = step;
}

static void get_slot_0(void *unused)
{
    (void)unused;
    (void)slot_get(subject, 0);
}

static void slot_made_by_two_at_once_is_one(void)
{
    unsigned races = 0;
    for (unsigned steps = 1; steps < 30; steps++) {
        heap_open();
        T_EXPECT(slot_get(subject, 3) != NULL);
        steps_to_other = steps;
        other_slot = 0;
        acre_sim_step = step_of_another;
        struct sim_end end = sim_catch(get_slot_0, NULL);
        acre_sim_step = NULL;
        if (end.how != SIM_RETURNED) {
            continue; // the other wanted heap->lock when it was taken: it would have waited
        }
        races += 1;
        struct slot *slot = slot_of(subject, 0);
        T_EXPECT(slot != NULL && slot_get(subject, 0) == slot);
        T_EXPECT(alloc_on(0, 100) != NULL && slot_of(subject, 0) == slot);
        T_EXPECT_SOUND(heap_close());
    }
    T_EXPECT(races > 5);
}

static void all_locks_are_taken_and_dropped(void)
{
    heap_open();
    (void)alloc_on(0, 1);
    (void)alloc_on(3, 1);
    (void)alloc_on(9, 1);
    slot_lock_all(subject);
    T_EXPECT(acre_sim.self->locks_held == 4 && subject->lock.owner == acre_sim.self);
    T_EXPECT(slot_of(subject, 9)->lock.owner == acre_sim.self);
    slot_unlock_all(subject);
    T_EXPECT(acre_sim.self->locks_held == 0 && subject->lock.owner == NULL);
    T_EXPECT_SOUND(heap_close());
}

static void locks_of_threads_that_are_gone_are_opened(void)
{
    heap_open();
    (void)alloc_on(0, 1);
    (void)alloc_on(3, 1);
    subject->lock.owner = &other_thread;
    slot_of(subject, 3)->lock.owner = &other_thread;
    slot_reset_locks(subject);
    T_EXPECT(alloc_on(3, 1000) != NULL && alloc_on(0, 50000) != NULL);
    T_EXPECT_SOUND(heap_close());
}

static void lock_all(void *unused)
{
    (void)unused;
    slot_lock_all(subject);
}

// The slot that another thread makes, at a place that was passed already, must be locked, too.
static void slot_made_while_locks_are_taken_is_locked_too(void)
{
    for (unsigned steps = 1; steps < 16; steps++) {
        heap_open();
        T_EXPECT(slot_get(subject, 2) != NULL && slot_get(subject, 5) != NULL);
        steps_to_other = steps;
        other_slot = 1;
        acre_sim_step = step_of_another;
        struct sim_end end = sim_catch(lock_all, NULL);
        acre_sim_step = NULL;
        if (end.how != SIM_RETURNED) {
            continue; // the other wanted heap->lock when it was taken: it would have waited
        }
        struct slot *made = slot_of(subject, 1);
        T_EXPECT(made == NULL || made->lock.owner == acre_sim.self);
        slot_unlock_all(subject);
        T_EXPECT(acre_sim.self->locks_held == 0 && (made == NULL || made->lock.owner == NULL));
        T_EXPECT_SOUND(heap_close());
    }
}

T_MAIN(
    T_CASE(slot_is_made_once_and_stays), T_CASE(slot_of_every_number_can_be_made),
    T_CASE(pop_on_a_slot_without_a_struct_finds_nothing), T_CASE(slot_made_by_two_at_once_is_one),
    T_CASE(all_locks_are_taken_and_dropped), T_CASE(locks_of_threads_that_are_gone_are_opened),
    T_CASE(slot_made_while_locks_are_taken_is_locked_too))
