// refill_test.c - where a small block comes from when its bin is empty: the order of heap/refill.c, and
// what happens when the thread is moved off its slot in the middle.
// SPDX-License-Identifier: MIT
#include "heap/refill.h"

#include "heap/foreign.h"
#include "unit/fixture.h"

enum { BYTES = 4096, PER_SLAB = 16 };

static void *blocks[40 * PER_SLAB];

// Each step of the order is prepared, then all others before it are not there.

static void first_the_active_slabs_own_frees(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, PER_SLAB + 5, BYTES) == PER_SLAB + 5);
    acre_heap_free(subject, blocks[3]);            // an awake slab
    free_on(1, blocks[PER_SLAB + 2]);              // the active slab's foreign list
    acre_heap_free(subject, blocks[PER_SLAB + 1]); // the active slab's own
    T_EXPECT(acre_heap_alloc(subject, BYTES) == blocks[PER_SLAB + 1]);
    T_EXPECT(acre_heap_alloc(subject, BYTES) == blocks[PER_SLAB + 2]); // then the foreign ones
    T_EXPECT(acre_heap_alloc(subject, BYTES) == blocks[3]);            // then the awake slab's
    T_EXPECT_SOUND(heap_close());
}

static void then_the_slab_awake_longest(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, 3 * PER_SLAB + 1, BYTES) == 3 * PER_SLAB + 1);
    acre_heap_free(subject, blocks[PER_SLAB + 3]);
    acre_heap_free(subject, blocks[3]);
    free_on(1, blocks[2 * PER_SLAB + 3]);
    T_EXPECT(acre_heap_alloc(subject, BYTES) == blocks[PER_SLAB + 3]);
    T_EXPECT(acre_heap_alloc(subject, BYTES) == blocks[3]);
    T_EXPECT(acre_heap_alloc(subject, BYTES) == blocks[2 * PER_SLAB + 3]);
    T_EXPECT_SOUND(heap_close());
}

static void then_carving_before_an_empty_slab(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, PER_SLAB + 3, BYTES) == PER_SLAB + 3);
    struct slab *active = slab_at(blocks[PER_SLAB]);
    free_many(blocks, PER_SLAB);
    struct slab *empty = slab_at(blocks[0]);
    T_EXPECT(empty->state == SLAB_EMPTY);
    for (unsigned i = 3; i < PER_SLAB; i++) {
        T_EXPECT(slab_at(acre_heap_alloc(subject, BYTES)) == active);
    }
    T_EXPECT(slab_at(acre_heap_alloc(subject, BYTES)) == empty);
    T_EXPECT_SOUND(heap_close());
}

static void then_a_slice(void)
{
    heap_open();
    T_EXPECT(alloc_many(blocks, PER_SLAB, BYTES) == PER_SLAB);
    size_t used_pages = subject->used_pages;
    T_EXPECT(slab_at(acre_heap_alloc(subject, BYTES)) != slab_at(blocks[0]));
    T_EXPECT(subject->used_pages == used_pages + SLICE_PAGES);
    T_EXPECT_SOUND(heap_close());
}

/// Few free blocks in many slabs wake none; but nobody is told that there is no memory while they are there.
static void blocks_of_sleeping_slabs_are_used_when_there_is_no_other_memory(void)
{
    enum { MOST = 60000, EVERY = 100 };
    static void *all[MOST];
    for (unsigned slot = 0; slot < 2; slot++) {
        heap_open_at(
            &(struct site){.page_bytes = 4096, .options = {.limit_bytes = (size_t)6 << 20}});
        unsigned count = 0;
        while (count < MOST && (all[count] = acre_heap_alloc(subject, 112)) != NULL) {
            count += 1;
        }
        T_EXPECT(count > 40000 && count < MOST);
        unsigned freed = 0;
        for (unsigned i = 0; i < count; i += EVERY) {
            free_on(slot, all[i]); // also from another slot
            freed += 1;
        }
        unsigned again = 0;
        while (acre_heap_alloc(subject, 112) != NULL) {
            again += 1;
        }
        T_EXPECT(again == freed);
        T_EXPECT_SOUND(acre_heap_audit(subject));
        acre_heap_destroy(subject);
    }
}

static void refill_fills_the_bin_with_what_it_found(void)
{
    heap_open();
    void *first = acre_heap_alloc(subject, 64);
    struct slot *slot = slot_of(subject, 0);
    uint32_t visits = slot->visits;
    for (unsigned i = 1; i < 64; i++) { // a page of blocks of 64 bytes
        T_EXPECT(acre_heap_alloc(subject, 64) == (char *)first + (size_t)i * 64);
    }
    T_EXPECT(slot->visits == visits);
    T_EXPECT(acre_heap_alloc(subject, 64) != NULL && slot->visits == visits + 1);
    T_EXPECT_SOUND(heap_close());
}

static void refill_says_truly_whether_a_block_is_zero(void)
{
    bool zero = false;
    heap_open();
    unsigned char *block = refill(subject, size_class_of(BYTES), &zero);
    T_EXPECT(block != NULL && zero && block_is_zero(block + 16, BYTES - 16));
    block_fill(block, BYTES, 1);
    acre_heap_free(subject, block);
    block = refill(subject, size_class_of(BYTES), &zero);
    T_EXPECT(block != NULL && !zero);
    T_EXPECT_SOUND(heap_close());
}

static void refill_without_memory_is_null_and_keeps_nothing(void)
{
    bool zero;
    heap_open();
    T_EXPECT(acre_heap_alloc(subject, 16) != NULL);
    size_t used_pages = subject->used_pages;
    sim.memory_bytes_max = sim.committed_bytes;
    T_EXPECT(refill(subject, size_class_of(BYTES), &zero) == NULL);
    T_EXPECT(subject->used_pages == used_pages);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    sim.memory_bytes_max = 0;
    T_EXPECT(refill(subject, size_class_of(BYTES), &zero) != NULL);
    T_EXPECT_SOUND(heap_close());
}

static void alloc_in_heap(void *unused)
{
    (void)unused;
    (void)!acre_heap_alloc(subject, BYTES);
}

static void corrupted_block_is_found_when_it_is_handed_out(void)
{
    heap_open();
    unsigned char *block = acre_heap_alloc(subject, BYTES);
    T_EXPECT(block != NULL);
    acre_heap_free(subject, block);
    block[3] ^= 1;
    struct sim_end end = sim_catch(alloc_in_heap, NULL);
    T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'c' && end.addr == block);
    T_EXPECT(end.block_bytes == BYTES);
}

// ---- moved in the middle -------------------------------------------------------------------------

static unsigned move_at;
static unsigned move_to;

static void moving_step(void)
{
    if (move_at != 0 && --move_at == 0) {
        sim_move(move_to);
    }
}

/// A scene with something at each step of the order, then one allocation that is moved at `step`.
static const char *alloc_moved(unsigned scene, unsigned step, unsigned to, bool *ended)
{
    heap_open();
    (void)alloc_on(1, 64);
    (void)alloc_many(blocks, 2 * PER_SLAB, BYTES);
    switch (scene) {
    case 0:
        free_many(&blocks[PER_SLAB], 6);
        break;
    case 1:
        free_many(blocks, 6);
        break;
    case 2:
        free_many(blocks, PER_SLAB);
        break;
    case 3:
        for (unsigned i = 0; i < 2 * PER_SLAB; i += 2) {
            free_on(1, blocks[i]);
        }
        break;
    default:
        break;
    }
    move_at = step;
    move_to = to;
    acre_sim_step = moving_step;
    unsigned char *block = acre_heap_calloc(subject, 1, BYTES);
    acre_sim_step = NULL;
    *ended = move_at != 0; // the allocation was over before
    if (block == NULL || !block_is_zero(block, BYTES)) {
        return "no block, or none that is zero";
    }
    block_fill(block, BYTES, 1);
    acre_heap_stats stats;
    acre_heap_get_stats(subject, &stats);
    const unsigned live[] = {2 * PER_SLAB - 6, 2 * PER_SLAB - 6, PER_SLAB, PER_SLAB, 2 * PER_SLAB};
    if (stats.live_blocks != live[scene] + 2) {
        return "a block was lost or won";
    }
    return heap_close();
}

static void thread_moved_at_any_step_of_a_refill_gets_its_block(void)
{
    for (unsigned scene = 0; scene < 5; scene++) {
        for (unsigned to = 0; to < 3; to++) { // slot 2 has no struct yet
            bool ended = false;
            unsigned step = 1;
            for (; !ended; step++) {
                const char *broken = alloc_moved(scene, step, to, &ended);
                if (broken != NULL) {
                    t_say_number("scene", scene);
                    t_say_number("to slot", to);
                    t_say_number("at step", step);
                }
                T_EXPECT_SOUND(broken);
            }
            T_EXPECT(step > 10);
        }
    }
}

T_MAIN(
    T_CASE(first_the_active_slabs_own_frees), T_CASE(then_the_slab_awake_longest),
    T_CASE(then_carving_before_an_empty_slab), T_CASE(then_a_slice),
    T_CASE(blocks_of_sleeping_slabs_are_used_when_there_is_no_other_memory),
    T_CASE(refill_fills_the_bin_with_what_it_found),
    T_CASE(refill_says_truly_whether_a_block_is_zero),
    T_CASE(refill_without_memory_is_null_and_keeps_nothing),
    T_CASE(corrupted_block_is_found_when_it_is_handed_out),
    T_CASE(thread_moved_at_any_step_of_a_refill_gets_its_block))
