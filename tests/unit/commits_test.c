// commits_test.c - the commits of acre/port.h, plain ones and those of the sim port side by side: the
// same promises, and of the sim's that they start again when the thread is moved.
// SPDX-License-Identifier: MIT
#include "acre_port.h"
#include "base/plain.h"
#include "t.h"

enum { KEY = 0x5a5a5a };

static acre_bins bins_of[2];
static acre_bins *bins[2] = {&bins_of[0], &bins_of[1]};
static acre_block some[4];
static acre_hot hot;
static uintptr_t owner;

static void start(void)
{
    sim_reset();
    for (unsigned i = 0; i < 3; i++) {
        some[i] = (acre_block){.next = &some[i + 1]};
    }
    some[3] = (acre_block){.next = NULL};
    bins_of[0].bin[5] = &some[0];
    bins_of[1].bin[5] = NULL;
    hot = (acre_hot){.head = NULL, .due = 3};
    owner = 0;
}

static void pop_takes_the_first_of_the_slots_bin(void)
{
    acre_block *next = NULL;
    start();
    T_EXPECT(plain_pop(&bins_of[0].bin[5], &next) == &some[0] && next == &some[1]);
    T_EXPECT(acre_port_pop(bins, 5, &next) == &some[1] && next == &some[2]);
    T_EXPECT(bins_of[0].bin[5] == &some[2]);
    T_EXPECT(plain_pop(&bins_of[1].bin[5], &next) == NULL);
    sim_move(1);
    T_EXPECT(acre_port_pop(bins, 5, &next) == NULL && bins_of[0].bin[5] == &some[2]);
}

static void push_links_counts_and_tells_of_its_event(void)
{
    start();
    T_EXPECT(plain_push(&hot, &some[0], KEY) == ACRE_PUSHED);
    T_EXPECT(some[0].next == NULL && some[0].tag == KEY && hot.due == 2);
    T_EXPECT(acre_port_push(&hot, &owner, owner, &some[1], KEY) == ACRE_PUSHED);
    T_EXPECT(some[1].next == &some[0] && some[1].tag == ((uintptr_t)&some[0] ^ KEY));
    T_EXPECT(hot.head == &some[1] && hot.due == 1);
    T_EXPECT(acre_port_push(&hot, &owner, owner, &some[2], KEY) == ACRE_PUSHED_DUE && hot.due == 0);
    // An event that was missed comes again.
    T_EXPECT(acre_port_push(&hot, &owner, owner, &some[3], KEY) == ACRE_PUSHED_DUE);
    hot.due = 0;
    T_EXPECT(plain_push(&hot, &some[3], KEY) == ACRE_PUSHED_DUE);
}

static void push_onto_anothers_slab_does_nothing(void)
{
    start();
    owner = 1;
    T_EXPECT(acre_port_push(&hot, &owner, owner, &some[0], KEY) == ACRE_FOREIGN);
    owner = ACRE_SLOT_NONE;
    T_EXPECT(acre_port_push(&hot, &owner, owner, &some[0], KEY) == ACRE_FOREIGN);
    T_EXPECT(hot.head == NULL && hot.due == 3 && some[0].next == &some[1]);
}

static void push_onto_a_slab_that_is_another_now_does_nothing(void)
{
    const uintptr_t generation = 0x10000;
    start();
    owner = 7 * generation;
    T_EXPECT(acre_port_push(&hot, &owner, 6 * generation, &some[0], KEY) == ACRE_FOREIGN);
    T_EXPECT(acre_port_push(&hot, &owner, 0, &some[0], KEY) == ACRE_FOREIGN);
    T_EXPECT(hot.head == NULL && hot.due == 3 && some[0].next == &some[1]);
    T_EXPECT(acre_port_push(&hot, &owner, 7 * generation, &some[0], KEY) == ACRE_PUSHED);
    T_EXPECT(hot.head == &some[0] && hot.due == 2);
}

static void pop_on_a_slot_tells_empty_from_moved(void)
{
    acre_block *block;
    start();
    T_EXPECT(acre_port_pop_on(0, &bins_of[0].bin[5], &block) == ACRE_POPPED && block == &some[0]);
    T_EXPECT(acre_port_pop_on(0, &bins_of[1].bin[5], &block) == ACRE_BIN_EMPTY && block == NULL);
    T_EXPECT(acre_port_pop_on(1, &bins_of[0].bin[5], &block) == ACRE_MOVED && block == NULL);
    T_EXPECT(bins_of[0].bin[5] == &some[1]);
}

static void pop_owned_needs_the_owner_that_was_seen(void)
{
    const uintptr_t generation = 0x10000;
    acre_block *block;
    start();
    hot.head = &some[2];
    owner = 7 * generation;
    T_EXPECT(acre_port_pop_owned(&hot, &owner, 6 * generation, &block) == ACRE_MOVED);
    T_EXPECT(acre_port_pop_owned(&hot, &owner, owner + 1, &block) == ACRE_MOVED && block == NULL);
    T_EXPECT(acre_port_pop_owned(&hot, &owner, owner, &block) == ACRE_POPPED && block == &some[2]);
    T_EXPECT(acre_port_pop_owned(&hot, &owner, owner, &block) == ACRE_POPPED && block == &some[3]);
    T_EXPECT(acre_port_pop_owned(&hot, &owner, owner, &block) == ACRE_BIN_EMPTY && block == NULL);
    hot.head = &some[3];
    owner = 7 * generation + 1;
    T_EXPECT(acre_port_pop_owned(&hot, &owner, owner, &block) == ACRE_MOVED);
    owner = ACRE_SLOT_NONE;
    T_EXPECT(acre_port_pop_owned(&hot, &owner, owner, &block) == ACRE_MOVED);
    T_EXPECT(hot.head == &some[3] && hot.due == 3);
}

static void take_empties_the_list_and_sets_due(void)
{
    acre_block *list = NULL;
    start();
    hot.head = &some[0];
    T_EXPECT(acre_port_take(0, &hot, 77, &list) && list == &some[0]);
    T_EXPECT(hot.head == NULL && hot.due == 77);
    hot.head = &some[0];
    T_EXPECT(plain_take(&hot, 78) == &some[0] && hot.head == NULL && hot.due == 78);
    T_EXPECT(!acre_port_take(1, &hot, 79, &list) && hot.due == 78);
}

static void install_needs_an_empty_place(void)
{
    start();
    T_EXPECT(!acre_port_install(0, &bins_of[0].bin[5], &some[2]));
    T_EXPECT(!acre_port_install(1, &bins_of[1].bin[5], &some[2]));
    T_EXPECT(acre_port_install(0, &bins_of[1].bin[5], &some[2]));
    T_EXPECT(bins_of[1].bin[5] == &some[2] && !plain_install(&bins_of[1].bin[5], &some[0]));
    bins_of[1].bin[5] = NULL;
    T_EXPECT(plain_install(&bins_of[1].bin[5], &some[0]) && bins_of[1].bin[5] == &some[0]);
}

static void due_is_set_and_added_to_on_its_slot_only(void)
{
    start();
    T_EXPECT(acre_port_due_set(0, &hot, 10) && hot.due == 10);
    T_EXPECT(acre_port_due_add(0, &hot, 0xfffe) && hot.due == 8); // wraps: less 2
    T_EXPECT(!acre_port_due_set(1, &hot, 99) && !acre_port_due_add(1, &hot, 99) && hot.due == 8);
}

static unsigned move_at;
static unsigned move_to;

static void moving_step(void)
{
    if (move_at != 0 && --move_at == 0) {
        sim_move(move_to);
    }
}

static void arm(unsigned step, unsigned to)
{
    start();
    move_at = step;
    move_to = to;
    acre_sim_step = moving_step;
}

static void pop_moved_at_any_step_pops_where_it_ends(void)
{
    for (unsigned step = 1; step <= 8; step++) {
        acre_block *next;
        arm(step, 1);
        bins_of[1].bin[5] = &some[3];
        acre_block *block = acre_port_pop(bins, 5, &next);
        bool moved = move_at == 0;
        T_EXPECT(block == (moved ? &some[3] : &some[0]));
        T_EXPECT(bins_of[0].bin[5] == (moved ? &some[0] : &some[1]));
        T_EXPECT(bins_of[1].bin[5] == (moved ? NULL : &some[3]));
        T_EXPECT(step > 5 || moved);
    }
}

static void push_moved_at_any_step_takes_effect_once_or_not_at_all(void)
{
    for (unsigned step = 1; step <= 10; step++) {
        for (unsigned to = 0; to < 2; to++) {
            arm(step, to);
            acre_push pushed = acre_port_push(&hot, &owner, owner, &some[0], KEY);
            bool moved = move_at == 0;
            if (moved && to == 1) {
                T_EXPECT(pushed == ACRE_FOREIGN && hot.head == NULL);
            } else {
                T_EXPECT(pushed != ACRE_FOREIGN && hot.head == &some[0] && some[0].next == NULL);
            }
            // Only `due` may show that it began twice.
            unsigned frees = 3u - hot.due;
            T_EXPECT(frees <= 2 && acre_sim.aborts == (moved ? 1u : 0u));
        }
    }
}

static void commits_for_a_slot_moved_at_any_step_are_whole_or_refused(void)
{
    for (unsigned step = 1; step <= 6; step++) {
        acre_block *list = NULL;
        arm(step, 1);
        hot.head = &some[0];
        bool taken = acre_port_take(0, &hot, 50, &list);
        T_EXPECT(taken == (move_at != 0) && hot.head == (taken ? NULL : &some[0]));
        arm(step, 1);
        bool installed = acre_port_install(0, &bins_of[1].bin[5], &some[1]);
        T_EXPECT(installed == (move_at != 0) && (bins_of[1].bin[5] != NULL) == installed);
        arm(step, 1);
        bool set = acre_port_due_set(0, &hot, 9);
        T_EXPECT(set == (move_at != 0) && hot.due == (set ? 9 : 3));
        arm(step, 1);
        acre_pop pop = acre_port_pop_on(0, &bins_of[0].bin[5], &list);
        T_EXPECT((pop == ACRE_POPPED) == (move_at != 0));
        T_EXPECT(bins_of[0].bin[5] == (pop == ACRE_POPPED ? &some[1] : &some[0]));
        arm(step, 1);
        hot.head = &some[2];
        pop = acre_port_pop_owned(&hot, &owner, owner, &list);
        T_EXPECT((pop == ACRE_POPPED) == (move_at != 0));
        T_EXPECT(hot.head == (pop == ACRE_POPPED ? &some[3] : &some[2]));
        arm(step, 0); // preempted, and back on the same slot
        T_EXPECT(acre_port_pop_on(0, &bins_of[0].bin[5], &list) == ACRE_POPPED);
    }
}

T_MAIN(
    T_CASE(pop_takes_the_first_of_the_slots_bin), T_CASE(push_links_counts_and_tells_of_its_event),
    T_CASE(push_onto_anothers_slab_does_nothing),
    T_CASE(push_onto_a_slab_that_is_another_now_does_nothing),
    T_CASE(pop_on_a_slot_tells_empty_from_moved), T_CASE(pop_owned_needs_the_owner_that_was_seen),
    T_CASE(take_empties_the_list_and_sets_due), T_CASE(install_needs_an_empty_place),
    T_CASE(due_is_set_and_added_to_on_its_slot_only),
    T_CASE(pop_moved_at_any_step_pops_where_it_ends),
    T_CASE(push_moved_at_any_step_takes_effect_once_or_not_at_all),
    T_CASE(commits_for_a_slot_moved_at_any_step_are_whole_or_refused))
