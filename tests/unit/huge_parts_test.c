// huge_parts_test.c - huge blocks cut off kept mappings, and composed of them.
// SPDX-License-Identifier: MIT
#include "heap/huge_parts.h"

#include "heap/huge.h"
#include "unit/fixture.h"

static const size_t mib = (size_t)1 << 20;

enum { PIECES = 4 };

/// Keeps mappings of 2 MiB, one behind the other in the source, all of them written.
static void keep_pieces(unsigned count)
{
    void *blocks[8];
    T_EXPECT(alloc_many(blocks, count, 2 * mib) == count);
    for (unsigned i = 0; i < count; i++) {
        block_fill(blocks[i], 2 * mib, i + 100);
    }
    free_many(blocks, count);
    T_EXPECT(subject->huge_cached_count == count);
    pages_sim_heal(&sim);
}

static void open_with_pieces(unsigned count)
{
    heap_open();
    keep_pieces(count);
}

/// Calls since the source was healed but for those that give the descriptors their memory.
static size_t calls_for_blocks(void)
{
    return sim.calls_all - sim.calls[SIM_COMMIT];
}

/// A block of 7 MiB, of which the largest piece was made longer, and three moved into it.
static unsigned char *compose(void)
{
    unsigned char *block = acre_heap_alloc(subject, 7 * mib);
    block_fill(block, 7 * mib, 7);
    return block;
}

/// A kept mapping, all of which was written.
static unsigned char *keep_dense(size_t bytes)
{
    unsigned char *block = acre_heap_alloc(subject, bytes);
    block_fill(block, bytes, 99);
    acre_heap_free(subject, block);
    pages_sim_heal(&sim);
    return block;
}

static void kept_mapping_too_large_is_cut_without_a_call(void)
{
    heap_open();
    unsigned char *block = keep_dense(8 * mib);
    size_t held_bytes = subject->held_bytes;
    pages_sim_heal(&sim);
    unsigned char *first = acre_heap_alloc(subject, 2 * mib);
    unsigned char *second = acre_heap_alloc(subject, 3 * mib);
    T_EXPECT(first == block && second == block + 2 * mib && calls_for_blocks() == 0);
    T_EXPECT(subject->huge_cached_count == 1 && subject->huge_cached_bytes == 3 * mib);
    T_EXPECT(subject->held_bytes <= held_bytes + 4096); // perhaps for descriptors
    T_EXPECT(acre_heap_usable_size(subject, second) == 3 * mib);
    block_fill(first, 2 * mib, 1);
    block_fill(second, 3 * mib, 2);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(block_holds(first, 2 * mib, 1));
    acre_heap_free_sized(subject, first, 2 * mib);
    T_EXPECT(block_holds(second, 3 * mib, 2));
    T_EXPECT(huge_drop_cache(subject) == 5 * mib);
    T_EXPECT(block_holds(second, 3 * mib, 2));
    unsigned char *grown = acre_heap_realloc(subject, second, 6 * mib);
    T_EXPECT(grown != NULL && block_holds(grown, 3 * mib, 2));
    T_EXPECT_SOUND(heap_close());
}

static void large_enough_is_preferred_to_nearest(void)
{
    heap_open();
    void *small = acre_heap_alloc(subject, 2 * mib);
    unsigned char *large = keep_dense(8 * mib);
    acre_heap_free(subject, small);
    T_EXPECT(acre_heap_alloc(subject, 3 * mib) == large && calls_for_blocks() == 0);
    T_EXPECT(subject->huge_cached_count == 2 && subject->huge_cached_bytes == 7 * mib);
    T_EXPECT_SOUND(heap_close());
}

static void rest_that_is_too_small_goes_back(void)
{
    heap_open();
    (void)keep_dense(2 * mib - 65536);
    T_EXPECT(acre_heap_alloc(subject, 3 * mib / 2) != NULL);
    T_EXPECT(sim.calls[SIM_REMAP] == 1 && subject->huge_cached_count == 0);
    T_EXPECT_SOUND(heap_close());
}

static void block_is_composed_of_kept_mappings(void)
{
    open_with_pieces(PIECES);
    size_t held_bytes = subject->held_bytes;
    size_t reserved_bytes = subject->reserved_bytes;
    unsigned char *block = compose();
    T_EXPECT(sim.calls[SIM_REMAP] == 1 && sim.calls[SIM_MOVE] == 3 && calls_for_blocks() == 4);
    T_EXPECT(subject->huge_parts == 3 && subject->huge_bytes == 7 * mib);
    T_EXPECT(subject->huge_cached_count == 1 && subject->huge_cached_bytes == mib);
    T_EXPECT(subject->held_bytes <= held_bytes + 4096); // perhaps for descriptors
    T_EXPECT(subject->reserved_bytes == reserved_bytes);
    T_EXPECT(acre_heap_usable_size(subject, block) == 7 * mib);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(block_holds(block, 7 * mib, 7));
    acre_heap_free_sized(subject, block, 7 * mib);
    T_EXPECT(subject->huge_parts == 0 && subject->huge_bytes == 0);
    T_EXPECT(subject->huge_cached_count == 5 && subject->huge_cached_bytes == 8 * mib);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT_SOUND(heap_close());
}

static void what_no_piece_is_found_for_is_new(void)
{
    open_with_pieces(PIECES);
    unsigned char *block = acre_heap_alloc(subject, 12 * mib);
    T_EXPECT(sim.calls[SIM_MOVE] == 3 && subject->huge_cached_count == 0);
    block_fill(block, 12 * mib, 1);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    acre_heap_free(subject, block); // the mapping that was made longer has 6 MiB
    T_EXPECT(subject->huge_cached_count == 4 && subject->huge_cached_bytes == 12 * mib);
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_alloc(subject, 6 * mib) == block && sim.calls_all == 0);
    T_EXPECT_SOUND(heap_close());
}

static void what_was_used_in_part_is_resized_as_a_whole(void)
{
    heap_open();
    unsigned char *block = acre_heap_alloc(subject, 8 * mib);
    block_fill(block, 2 * mib, 1);
    acre_heap_free(subject, block);
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_alloc(subject, 3 * mib) == block); // what was used is used again
    T_EXPECT(sim.calls[SIM_REMAP] == 1 && subject->huge_cached_count == 0);
    T_EXPECT_SOUND(heap_close());
}

static void sparse_pieces_make_room_for_a_composed_block(void)
{
    for (unsigned refused = 0; refused < 2; refused++) {
        heap_open();
        void *blocks[3];
        T_EXPECT(alloc_many(blocks, 3, 2 * mib) == 3);
        unsigned char *largest = acre_heap_alloc(subject, 3 * mib);
        block_fill(blocks[2], 2 * mib, 1);
        block_fill(largest, 3 * mib, 2);
        free_many(blocks, 3);
        acre_heap_free(subject, largest);
        pages_sim_heal(&sim);
        sim.fail_at[SIM_RELEASE] = refused;
        T_EXPECT(acre_heap_alloc(subject, 8 * mib) != NULL);
        T_EXPECT(refused != 0 || (subject->huge_parts == 1 && subject->huge_cached_count == 0));
        T_EXPECT(refused != 0 || sim.calls[SIM_RELEASE] == 2);
        T_EXPECT_SOUND(acre_heap_audit(subject));
        T_EXPECT_SOUND(heap_close());
    }
}

static void heap_ends_with_composed_blocks_in_it(void)
{
    open_with_pieces(PIECES);
    (void)compose();
    T_EXPECT_SOUND(heap_close());
}

static void composed_block_that_is_not_kept_goes_part_by_part(void)
{
    for (unsigned refused = 0; refused <= 4; refused++) { // which release is, if any
        open_with_pieces(PIECES);
        unsigned char *block = compose();
        void *others[24];
        size_t count = alloc_many(others, 24, 5 * mib / 4);
        free_many(others, count); // fills up what may be kept
        T_EXPECT(subject->huge_cached_bytes > 29 * mib);
        pages_sim_heal(&sim);
        sim.fail_at[SIM_RELEASE] = refused;
        acre_heap_free(subject, block);
        T_EXPECT(sim.calls[SIM_RELEASE] >= 3 && subject->huge_parts == 0);
        T_EXPECT_SOUND(acre_heap_audit(subject));
        pages_sim_heal(&sim);
        T_EXPECT_SOUND(heap_close());
    }
}

static void calloc_of_a_composed_block_reads_as_zero(void)
{
    open_with_pieces(PIECES);
    unsigned char *block = acre_heap_calloc(subject, 7, mib);
    T_EXPECT(block != NULL && block_is_zero(block, 7 * mib));
    T_EXPECT(subject->huge_parts == 3);
    T_EXPECT_SOUND(heap_close());
}

static void parts_of_an_emptied_mapping_read_as_zero_without_a_call(void)
{
    heap_open();
    unsigned char *block = acre_heap_calloc(subject, 16, mib);
    block_fill(block + 3 * (size_t)PAGE_BYTES, PAGE_BYTES, 1);
    block_fill(block + 9 * mib, PAGE_BYTES, 1);
    acre_heap_free(subject, block);
    pages_sim_heal(&sim);
    unsigned char *first = acre_heap_calloc(subject, 4, mib);
    T_EXPECT(first == block && block_is_zero(first, 4 * mib));
    T_EXPECT(sim.calls[SIM_DECOMMIT] == 1 && calls_for_blocks() == 1);
    block_fill(first, 4 * mib, 1);
    unsigned char *second = acre_heap_calloc(subject, 8, mib);
    T_EXPECT(second == block + 4 * mib && block_is_zero(second, 8 * mib));
    T_EXPECT(calls_for_blocks() == 1);
    block_fill(second, 8 * mib, 2);
    acre_heap_free(subject, second);
    T_EXPECT(!slab_at(first)->fresh);
    second = acre_heap_calloc(subject, 8, mib); // it was written since
    T_EXPECT(second != NULL && block_is_zero(second, 8 * mib));
    T_EXPECT_SOUND(heap_close());
}

static void rest_of_a_dense_mapping_is_cleared_for_calloc(void)
{
    heap_open();
    unsigned char *block = keep_dense(8 * mib);
    T_EXPECT(acre_heap_alloc(subject, 2 * mib) == block);
    unsigned char *rest = acre_heap_calloc(subject, 6, mib);
    T_EXPECT(rest == block + 2 * mib && block_is_zero(rest, 6 * mib));
    T_EXPECT_SOUND(heap_close());
}

static void sparse_mapping_grows_without_others_memory(void)
{
    heap_open();
    unsigned char *block = acre_heap_calloc(subject, 3, mib);
    keep_pieces(2);
    block_fill(block, PAGE_BYTES, 1);
    acre_heap_free(subject, block);
    unsigned char *table = acre_heap_calloc(subject, 9, mib);
    T_EXPECT(table != NULL && block_is_zero(table, 9 * mib));
    T_EXPECT(sim.calls[SIM_MOVE] == 0 && sim.calls[SIM_DECOMMIT] == 1);
    T_EXPECT_SOUND(heap_close());
}

static void emptied_mapping_that_is_composed_is_cleared(void)
{
    heap_open();
    unsigned char *piece = acre_heap_aligned(subject, 2 * mib, 3 * mib);
    block_fill(piece, 3 * mib, 1);
    unsigned char *empty = acre_heap_calloc(subject, 8, mib);
    acre_heap_free(subject, empty);
    empty = acre_heap_calloc(subject, 2, mib); // leaves 6 MiB that read as zero
    acre_heap_free(subject, piece);
    pages_sim_heal(&sim);
    unsigned char *block = acre_heap_alloc(subject, 9 * mib);
    T_EXPECT(block != NULL && subject->huge_parts == 1 && sim.calls[SIM_MOVE] == 1);
    acre_heap_free(subject, block);
    block = acre_heap_calloc(subject, 9, mib);
    T_EXPECT(block != NULL && block_is_zero(block, 9 * mib) && block_is_zero(empty, 2 * mib));
    T_EXPECT_SOUND(heap_close());
}

/// Whatever is lost, nothing else is, and nobody gets the same memory twice.
static void refused_move_loses_its_target_alone(void)
{
    for (unsigned k = 1; k <= 3; k++) {
        for (unsigned hole = 0; hole < 2; hole++) {
            open_with_pieces(PIECES);
            size_t cached_bytes = subject->huge_cached_bytes;
            sim.fail_at[SIM_MOVE] = k;
            sim.move_leaves_hole = hole != 0;
            unsigned char *block = compose();
            T_EXPECT(sim.failed == 1 && sim.calls[SIM_MOVE] == k && subject->huge_parts == 0);
            T_EXPECT(subject->huge_cached_bytes <= cached_bytes);
            T_EXPECT_SOUND(acre_heap_audit(subject));
            pages_sim_heal(&sim);
            void *blocks[PIECES]; // one of them in the hole, if there is one
            T_EXPECT(alloc_many(blocks, PIECES, 2 * mib) == PIECES);
            for (unsigned i = 0; i < PIECES; i++) {
                block_fill(blocks[i], 2 * mib, i);
            }
            T_EXPECT(block_holds(block, 7 * mib, 7));
            acre_heap_free(subject, block);
            T_EXPECT(sim.calls[SIM_MOVE] == 0);
            for (unsigned i = 0; i < PIECES; i++) {
                T_EXPECT(block_holds(blocks[i], 2 * mib, i));
            }
            free_many(blocks, PIECES);
            T_EXPECT_SOUND(acre_heap_audit(subject));
            T_EXPECT(acre_heap_alloc(subject, 20 * mib) != NULL && sim.calls[SIM_MOVE] == 0);
            T_EXPECT_SOUND(heap_close());
        }
    }
}

// What another thread does while the source is asked to move: it maps a huge block.
static acre_status (*move)(acre_pages *self, void *from, size_t bytes, void *to);
static unsigned char *others;

static acre_status move_while_others_allocate(acre_pages *self, void *from, size_t bytes, void *to)
{
    self->move = move;
    acre_status status = move(self, from, bytes, to);
    others = acre_heap_alloc(subject, bytes);
    block_fill(others, bytes, 55);
    return status;
}

static void hole_may_be_somebody_elses_at_once(void)
{
    for (unsigned refused = 0; refused < 2; refused++) {
        heap_open();
        unsigned char *first = acre_heap_alloc(subject, 2 * mib);
        unsigned char *second = acre_heap_alloc(subject, 2 * mib);
        block_fill(first, 2 * mib, 1);
        block_fill(second, 2 * mib, 2);
        acre_heap_free(subject, first);
        acre_heap_free(subject, second);
        pages_sim_heal(&sim);
        move = sim.pages.move;
        sim.pages.move = move_while_others_allocate;
        sim.fail_at[SIM_MOVE] = refused;
        sim.move_leaves_hole = true;
        unsigned char *block = acre_heap_alloc(subject, 4 * mib);
        block_fill(block, 4 * mib, 66);
        T_EXPECT(others != NULL && block_holds(others, 2 * mib, 55));
        T_EXPECT(subject->move_refused == (refused != 0));
        T_EXPECT_SOUND(acre_heap_audit(subject));
        acre_heap_free(subject, others);
        (void)acre_heap_trim(subject, 0);
        T_EXPECT(block_holds(block, 4 * mib, 66));
        T_EXPECT_SOUND(heap_close());
    }
}

static void limit_that_forbids_to_charge_twice_forbids_nothing(void)
{
    heap_open_at(&(struct site){.page_bytes = 4096, .options = {.limit_bytes = 14 * mib}});
    keep_pieces(PIECES);
    unsigned char *block = acre_heap_alloc(subject, 9 * mib);
    T_EXPECT(block != NULL && subject->huge_parts == 0); // the others made room
    T_EXPECT(subject->held_bytes <= 14 * mib);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT_SOUND(heap_close());
}

static void composed_block_is_copied_to_grow(void)
{
    open_with_pieces(PIECES);
    unsigned char *block = compose();
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_realloc(subject, block, 7 * mib - mib / 8) == block); // close enough
    T_EXPECT(sim.calls_all == 0);
    unsigned char *grown = acre_heap_realloc(subject, block, 10 * mib);
    T_EXPECT(grown != NULL && grown != block && block_holds(grown, 7 * mib - mib / 8, 7));
    T_EXPECT(sim.calls[SIM_RELEASE] == 0 && sim.calls[SIM_DECOMMIT] == 0); // nothing is reclaimed
    T_EXPECT(slab_at(block) == NULL && subject->huge_parts == 0);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT_SOUND(heap_close());
}

static void composed_block_that_cannot_grow_is_unchanged(void)
{
    heap_open_at(&(struct site){.page_bytes = 4096, .options = {.limit_bytes = 16 * mib}});
    keep_pieces(3);
    unsigned char *block = acre_heap_alloc(subject, 6 * mib);
    T_EXPECT(subject->huge_parts == 2);
    block_fill(block, 6 * mib, 7);
    T_EXPECT(acre_heap_realloc(subject, block, 12 * mib) == NULL);
    T_EXPECT(block_holds(block, 6 * mib, 7) && subject->huge_parts == 2);
    T_EXPECT_SOUND(heap_close());
}

static void composed_block_shrinks_in_place(void)
{
    // Where the block then ends: in its first mapping, between two, in one behind, in the last.
    static const size_t sizes_kib[] = {1500, 2048, 3072, 4096, 5000, 5120, 6000};
    for (unsigned i = 0; i < sizeof(sizes_kib) / sizeof(sizes_kib[0]); i++) {
        for (unsigned failing = 0; failing < 3; failing++) { // nothing, remap, release
            open_with_pieces(PIECES);
            unsigned char *block = compose();
            size_t bytes = sizes_kib[i] << 10;
            pages_sim_heal(&sim);
            sim.failing[SIM_REMAP] = failing == 1;
            sim.failing[SIM_RELEASE] = failing == 2;
            T_EXPECT(acre_heap_realloc(subject, block, bytes) == block);
            T_EXPECT(block_holds(block, bytes, 7));
            size_t usable_bytes = acre_heap_usable_size(subject, block);
            T_EXPECT(usable_bytes == bytes || (failing == 1 && usable_bytes > bytes));
            T_EXPECT_SOUND(acre_heap_audit(subject));
            block_fill(block, usable_bytes, 8);
            void *others_after[3];
            pages_sim_heal(&sim);
            T_EXPECT(alloc_many(others_after, 3, 2 * mib) == 3);
            block_fill(others_after[0], 2 * mib, 9);
            T_EXPECT(block_holds(block, usable_bytes, 8));
            unsigned char *grown = acre_heap_realloc(subject, block, 9 * mib);
            T_EXPECT(grown != NULL && block_holds(grown, bytes, 8));
            acre_heap_free_sized(subject, grown, 9 * mib);
            T_EXPECT(block_holds(others_after[0], 2 * mib, 9));
            T_EXPECT_SOUND(acre_heap_audit(subject));
            T_EXPECT_SOUND(heap_close());
        }
    }
}

static void parts_are_bounded(void)
{
    heap_open();
    void *blocks[20];
    T_EXPECT(alloc_many(blocks, 20, 5 * mib / 4) == 20);
    for (unsigned i = 0; i < 20; i++) {
        block_fill(blocks[i], 5 * mib / 4, i);
    }
    free_many(blocks, 20);
    T_EXPECT(subject->huge_cached_count == 20);
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_alloc(subject, 20 * mib) != NULL);
    T_EXPECT(subject->huge_parts == 7 && sim.calls[SIM_MOVE] == 7);
    subject->huge_parts += 256;
    T_EXPECT(acre_heap_alloc(subject, 5 * mib) != NULL && sim.calls[SIM_MOVE] == 7);
    subject->huge_parts -= 256;
    T_EXPECT_SOUND(heap_close());
}

static void no_part_is_small(void)
{
    heap_open();
    void *first = acre_heap_alloc(subject, 2 * mib);
    void *second = acre_heap_alloc(subject, 2 * mib);
    acre_heap_free(subject, first);
    acre_heap_free(subject, second);
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_alloc(subject, 2 * mib + mib / 2 - 4096) != NULL);
    T_EXPECT(sim.calls[SIM_MOVE] == 0 && subject->huge_parts == 0);
    T_EXPECT_SOUND(heap_close());
    open_with_pieces(2);
    T_EXPECT(acre_heap_alloc(subject, 4 * mib - 65536) != NULL); // a rest of 64 KiB would be left
    T_EXPECT(sim.calls[SIM_MOVE] == 1 && subject->huge_cached_bytes == mib / 2);
    T_EXPECT_SOUND(heap_close());
}

T_MAIN(
    T_CASE(kept_mapping_too_large_is_cut_without_a_call),
    T_CASE(large_enough_is_preferred_to_nearest), T_CASE(rest_that_is_too_small_goes_back),
    T_CASE(block_is_composed_of_kept_mappings), T_CASE(what_no_piece_is_found_for_is_new),
    T_CASE(what_was_used_in_part_is_resized_as_a_whole),
    T_CASE(sparse_pieces_make_room_for_a_composed_block),
    T_CASE(heap_ends_with_composed_blocks_in_it),
    T_CASE(composed_block_that_is_not_kept_goes_part_by_part),
    T_CASE(calloc_of_a_composed_block_reads_as_zero),
    T_CASE(parts_of_an_emptied_mapping_read_as_zero_without_a_call),
    T_CASE(rest_of_a_dense_mapping_is_cleared_for_calloc),
    T_CASE(sparse_mapping_grows_without_others_memory),
    T_CASE(emptied_mapping_that_is_composed_is_cleared),
    T_CASE(refused_move_loses_its_target_alone), T_CASE(hole_may_be_somebody_elses_at_once),
    T_CASE(limit_that_forbids_to_charge_twice_forbids_nothing),
    T_CASE(composed_block_is_copied_to_grow), T_CASE(composed_block_that_cannot_grow_is_unchanged),
    T_CASE(composed_block_shrinks_in_place), T_CASE(parts_are_bounded), T_CASE(no_part_is_small))
