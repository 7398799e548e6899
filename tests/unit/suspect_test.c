// suspect_test.c - a live block that looks free, because its program copied such bytes, is no misuse;
// a free one is, wherever it waits.
// SPDX-License-Identifier: MIT
#include "heap/suspect.h"

#include "heap/foreign.h"
#include "heap/slab.h"
#include "unit/fixture.h"

enum { BYTES = 4096, PER_SLAB = 16 };

static void *blocks[2 * PER_SLAB];

/// Writes what a free block before `next` would hold.
static void make_look_free(void *block, acre_block *next)
{
    block_link(subject, block, next);
}

static bool is_free(void *block)
{
    return suspect_is_free(subject, slab_at(block), block);
}

static void live_block_is_not_free_whatever_it_holds(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, 10, BYTES) == 10);
    acre_heap_free(subject, blocks[1]);
    T_EXPECT(!is_free(blocks[0]));
    make_look_free(blocks[0], NULL);
    T_EXPECT(!is_free(blocks[0]));
    make_look_free(blocks[0], blocks[1]);
    T_EXPECT(!is_free(blocks[0]));
    make_look_free(blocks[0], (void *)&sim); // a link to nowhere is never followed
    T_EXPECT(!is_free(blocks[0]));
    make_look_free(blocks[0], (void *)((char *)blocks[1] + 1));
    T_EXPECT(!is_free(blocks[0]));
    block_fill(blocks[0], 16, 1);
    T_EXPECT_SOUND(heap_close());
}

static void live_block_that_looks_free_can_be_used_and_freed(void)
{
    heap_open();
    for (unsigned i = 0; i < 6; i++) {
        unsigned char *block = acre_heap_alloc(subject, BYTES);
        make_look_free(block, NULL);
        T_EXPECT(acre_heap_usable_size(subject, block) == BYTES);
        T_EXPECT(acre_heap_realloc(subject, block, BYTES - 1) == block);
        if (i % 2 == 0) {
            acre_heap_free(subject, block);
        } else {
            acre_heap_free_sized(subject, block, BYTES);
        }
        T_EXPECT_SOUND(acre_heap_audit(subject));
    }
    T_EXPECT_SOUND(heap_close());
}

static void free_block_is_found_in_every_list(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, PER_SLAB + 2, BYTES) == PER_SLAB + 2);
    acre_heap_free(subject, blocks[0]); // an awake slab's own
    acre_heap_free(subject, blocks[1]);
    free_on(1, blocks[2]); // its foreign list
    free_on(1, blocks[3]);
    acre_heap_free(subject, blocks[PER_SLAB]); // the active slab's own
    for (unsigned i = 0; i < 4; i++) {
        T_EXPECT(is_free(blocks[i]));
    }
    T_EXPECT(is_free(blocks[PER_SLAB]) && !is_free(blocks[4]));
    T_EXPECT_SOUND(acre_heap_audit(subject)); // and looking has changed nothing
    void *small = acre_heap_alloc(subject, 64);
    T_EXPECT(is_free((char *)small + 64) && is_free((char *)small + 63 * 64)); // the slot's bin
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT_SOUND(heap_close());
}

static void looking_keeps_the_count_to_the_next_event(void)
{
    enum { MANY = 4096, WAKE = 170 };
    static void *many[MANY + 1];
    heap_open();
    T_EXPECT(alloc_many(many, MANY + 1, 16) == MANY + 1);
    struct slab *slab = slab_at(many[0]);
    for (unsigned i = 0; i < MANY; i++) {
        T_EXPECT(i >= WAKE || slab->state == SLAB_ASLEEP);
        acre_heap_free(subject, many[i]);
        if (i % 16 == 0) {
            T_EXPECT(is_free(many[i]) && is_free(many[i / 2]));
            T_EXPECT_SOUND(acre_heap_audit(subject));
        }
    }
    T_EXPECT(slab->state == SLAB_EMPTY);
    T_EXPECT_SOUND(heap_close());
}

static void block_freed_twice_is_found_on_any_slot(void)
{
    for (unsigned first = 0; first < 3; first++) {
        for (unsigned second = 0; second < 3; second++) {
            heap_open();
            T_EXPECT(alloc_many(blocks, 5, BYTES) == 5);
            free_on(first, blocks[2]);
            free_on(first, blocks[3]);
            sim_move(second);
            struct sim_end end = sim_catch(free_in_heap, blocks[2]);
            T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'd' && end.addr == blocks[2]);
        }
    }
}

static unsigned move_at;
static unsigned move_to;

static void moving_step(void)
{
    if (move_at != 0 && --move_at == 0) {
        sim_move(move_to);
    }
}

/// Looks for a block in a slab that is asleep, awake or active while the thread is moved at `step`.
static const char *look_while_moved(unsigned which, unsigned step, bool *ended)
{
    heap_open();
    (void)alloc_on(1, 16);
    (void)alloc_many(blocks, PER_SLAB + 3, BYTES);
    acre_heap_free(subject, blocks[PER_SLAB + 1]); // in the active slab
    acre_heap_free(subject, blocks[1]);            // in an awake one
    acre_heap_free(subject, blocks[2]);
    free_on(1, blocks[3]);
    void *const looked_for[] = {blocks[PER_SLAB + 1], blocks[1], blocks[3]};
    move_at = step;
    move_to = 1;
    acre_sim_step = moving_step;
    bool free = is_free(looked_for[which]);
    acre_sim_step = NULL;
    *ended = move_at != 0;
    sim_move(0);
    return free ? heap_close() : "a free block is called live";
}

static void looking_while_moved_at_any_step_spoils_nothing(void)
{
    for (unsigned which = 0; which < 3; which++) {
        bool ended = false;
        for (unsigned step = 1; !ended; step++) {
            const char *broken = look_while_moved(which, step, &ended);
            if (broken != NULL) {
                t_say_number("block", which);
                t_say_number("step", step);
            }
            T_EXPECT_SOUND(broken);
        }
    }
}

static void looking_into_a_sleeping_slab_while_moved_loses_no_wake(void)
{
    enum { MANY = 4096, WAKE = 170 };
    static void *many[MANY + 1];
    for (unsigned step = 1; step < 30; step++) {
        heap_open();
        T_EXPECT(alloc_many(many, MANY + 1, 16) == MANY + 1);
        struct slab *slab = slab_at(many[0]);
        free_many(many, 20);
        T_EXPECT(slab->state == SLAB_ASLEEP);
        move_at = step;
        move_to = 1;
        acre_sim_step = moving_step;
        T_EXPECT(is_free(many[5]));
        acre_sim_step = NULL;
        sim_move(0);
        T_EXPECT_SOUND(acre_heap_audit(subject));
        free_many(&many[20], WAKE);
        T_EXPECT(slab->state == SLAB_AWAKE);
        T_EXPECT_SOUND(heap_close());
    }
}

T_MAIN(
    T_CASE(live_block_is_not_free_whatever_it_holds),
    T_CASE(live_block_that_looks_free_can_be_used_and_freed),
    T_CASE(free_block_is_found_in_every_list), T_CASE(looking_keeps_the_count_to_the_next_event),
    T_CASE(block_freed_twice_is_found_on_any_slot),
    T_CASE(looking_while_moved_at_any_step_spoils_nothing),
    T_CASE(looking_into_a_sleeping_slab_while_moved_loses_no_wake))
