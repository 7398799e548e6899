// huge_grow_test.c - huge blocks that grow into kept memory, and kept mappings that become one again.
// SPDX-License-Identifier: MIT
#include "heap/huge.h"

#include "unit/fixture.h"

static const size_t mib = (size_t)1 << 20;

/// A mapping of its own, cut off no other, all of which is written.
static unsigned char *alloc_apart(size_t bytes, uint64_t seed)
{
    unsigned char *block = acre_heap_aligned(subject, 2 * mib, bytes);
    block_fill(block, bytes, seed);
    return block;
}

/// Keeps a mapping of which all is written.
static unsigned char *keep_dense(size_t bytes)
{
    unsigned char *block = alloc_apart(bytes, 99);
    acre_heap_free(subject, block);
    return block;
}

static size_t calls(void)
{
    return sim.calls_all - sim.calls[SIM_COMMIT]; // descriptors may be committed
}

static void block_grows_into_what_is_kept_behind_it(void)
{
    heap_open();
    unsigned char *start = keep_dense(10 * mib);
    unsigned char *block = acre_heap_alloc(subject, 2 * mib);
    block_fill(block, 2 * mib, 1);
    pages_sim_heal(&sim);
    T_EXPECT(block == start && acre_heap_realloc(subject, block, 5 * mib) == block);
    T_EXPECT(acre_heap_usable_size(subject, block) == 5 * mib);
    T_EXPECT(subject->huge_cached_count == 1 && subject->huge_cached_bytes == 5 * mib);
    T_EXPECT(block_holds(block, 2 * mib, 1));
    T_EXPECT_SOUND(acre_heap_audit(subject));
    // What would be left is too small to be of use.
    T_EXPECT(acre_heap_realloc(subject, block, 10 * mib - mib / 4) == block);
    T_EXPECT(acre_heap_usable_size(subject, block) == 10 * mib && subject->huge_cached_count == 0);
    T_EXPECT(calls() == 0 && block_holds(block, 2 * mib, 1));
    T_EXPECT_SOUND(heap_close());
}

static void what_is_behind_is_used_before_new_memory(void)
{
    heap_open();
    (void)keep_dense(6 * mib);
    unsigned char *block = acre_heap_alloc(subject, 2 * mib);
    block_fill(block, 2 * mib, 1);
    pages_sim_heal(&sim);
    block = acre_heap_realloc(subject, block, 9 * mib);
    T_EXPECT(block != NULL && sim.calls[SIM_REMAP] == 1 && subject->huge_cached_count == 0);
    T_EXPECT(acre_heap_usable_size(subject, block) == 9 * mib && block_holds(block, 2 * mib, 1));
    T_EXPECT_SOUND(heap_close());
}

static void parts_of_one_mapping_become_one_again(void)
{
    heap_open();
    unsigned char *start = keep_dense(12 * mib);
    void *blocks[4];
    T_EXPECT(alloc_many(blocks, 4, 3 * mib) == 4 && subject->huge_cached_count == 0);
    acre_heap_free(subject, blocks[0]);
    acre_heap_free(subject, blocks[2]);
    T_EXPECT(subject->huge_cached_count == 2);
    acre_heap_free(subject, blocks[1]); // both before and behind it
    T_EXPECT(subject->huge_cached_count == 1);
    acre_heap_free(subject, blocks[3]);
    T_EXPECT(subject->huge_cached_count == 1 && subject->huge_cached_bytes == 12 * mib);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    pages_sim_heal(&sim);
    T_EXPECT(acre_heap_alloc(subject, 12 * mib) == start && calls() == 0);
    T_EXPECT_SOUND(heap_close());
}

static void mappings_that_only_touch_stay_two(void)
{
    heap_open();
    void *blocks[3]; // behind the first, this source has a segment
    T_EXPECT(alloc_many(blocks, 3, 2 * mib) == 3);
    unsigned char *first = blocks[1];
    unsigned char *second = blocks[2];
    T_EXPECT(first + 2 * mib == second);
    block_fill(first, 2 * mib, 1);
    acre_heap_free(subject, second);
    pages_sim_heal(&sim);
    unsigned char *grown = acre_heap_realloc(subject, first, 3 * mib);
    T_EXPECT(grown != NULL && sim.calls[SIM_REMAP] == 1 && block_holds(grown, 2 * mib, 1));
    T_EXPECT_SOUND(acre_heap_audit(subject));
    acre_heap_free(subject, grown);
    T_EXPECT_SOUND(heap_close());
}

/// What a call to the source has resized is nobody else's part any more, although it stands where it stood.
static void resized_part_stays_by_itself(void)
{
    heap_open();
    unsigned char *start = keep_dense(8 * mib);
    unsigned char *head = acre_heap_alloc(subject, 4 * mib);
    unsigned char *tail = acre_heap_alloc(subject, 4 * mib);
    T_EXPECT(head == start && tail == start + 4 * mib);
    T_EXPECT(acre_heap_realloc(subject, tail, 3 * mib) == tail); // gives its end back
    acre_heap_free(subject, head);
    acre_heap_free(subject, tail);
    T_EXPECT(subject->huge_cached_count == 2);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(huge_drop_cache(subject) == 7 * mib);
    T_EXPECT_SOUND(heap_close());
}

static void block_changes_to_a_mapping_with_room(void)
{
    heap_open();
    unsigned char *block = alloc_apart(3 * mib, 1);
    unsigned char *start = keep_dense(20 * mib);
    pages_sim_heal(&sim);
    unsigned char *grown = acre_heap_realloc(subject, block, 6 * mib);
    T_EXPECT(grown == start && block_holds(grown, 3 * mib, 1) && calls() == 0);
    T_EXPECT(subject->huge_cached_count == 2 && subject->huge_cached_bytes == 17 * mib);
    T_EXPECT_SOUND(acre_heap_audit(subject));
    T_EXPECT(acre_heap_realloc(subject, grown, 15 * mib) == grown && calls() == 0);
    T_EXPECT(block_holds(grown, 3 * mib, 1));
    T_EXPECT(acre_heap_alloc(subject, 3 * mib) == block);
    T_EXPECT_SOUND(heap_close());
}

static void block_does_not_change_where_it_would_have_no_room(void)
{
    heap_open();
    unsigned char *block = alloc_apart(3 * mib, 1);
    (void)keep_dense(9 * mib - 4096);
    pages_sim_heal(&sim);
    unsigned char *grown = acre_heap_realloc(subject, block, 6 * mib);
    T_EXPECT(grown != NULL && sim.calls[SIM_REMAP] == 1 && block_holds(grown, 3 * mib, 1));
    T_EXPECT_SOUND(heap_close());
}

/// To copy into memory that is not there would cost a page fault a page.
static void block_does_not_change_to_a_sparse_mapping(void)
{
    heap_open();
    unsigned char *block = alloc_apart(3 * mib, 1);
    acre_heap_free(subject, acre_heap_aligned(subject, 2 * mib, 20 * mib));
    pages_sim_heal(&sim);
    unsigned char *grown = acre_heap_realloc(subject, block, 6 * mib);
    T_EXPECT(grown != NULL && sim.calls[SIM_REMAP] == 1 && block_holds(grown, 3 * mib, 1));
    T_EXPECT_SOUND(heap_close());
}

static void composed_block_changes_and_its_parts_are_kept(void)
{
    heap_open();
    void *pieces[3];
    T_EXPECT(alloc_many(pieces, 3, 2 * mib) == 3);
    for (unsigned i = 0; i < 3; i++) {
        block_fill(pieces[i], 2 * mib, i);
    }
    free_many(pieces, 3);
    unsigned char *block = acre_heap_alloc(subject, 6 * mib);
    block_fill(block, 6 * mib, 6);
    T_EXPECT(subject->huge_parts == 2);
    (void)keep_dense(30 * mib);
    unsigned char *grown = acre_heap_realloc(subject, block, 12 * mib);
    T_EXPECT(grown != NULL && subject->huge_parts == 0 && subject->huge_cached_count == 4);
    T_EXPECT(block_holds(grown, 6 * mib, 6));
    T_EXPECT_SOUND(heap_close());
}

/// Its last part was cut off a mapping of which the rest is kept, but it was moved: that is not behind it any more.
static void composed_block_absorbs_nothing_of_others(void)
{
    heap_open();
    unsigned char *longer = alloc_apart(3 * mib, 3);
    unsigned char *shorter = alloc_apart(2 * mib, 2);
    acre_heap_free(subject, longer);
    acre_heap_free(subject, shorter);
    unsigned char *block = acre_heap_alloc(subject, 4 * mib);
    block_fill(block, 4 * mib, 4);
    T_EXPECT(subject->huge_parts == 1 && subject->huge_cached_count == 1);
    unsigned char *grown = acre_heap_realloc(subject, block, 8 * mib);
    T_EXPECT(grown != NULL && block_holds(grown, 4 * mib, 4));
    T_EXPECT_SOUND(acre_heap_audit(subject));
    acre_heap_free(subject, grown);
    T_EXPECT_SOUND(heap_close());
}

static void growth_gives_back_as_much_of_what_is_kept(void)
{
    heap_open();
    (void)keep_dense(8 * mib);
    const size_t held_bytes = subject->held_bytes;
    unsigned char *block = alloc_apart(2 * mib, 1); // aligned: a mapping of its own
    T_EXPECT(subject->huge_cached_bytes == 6 * mib && subject->held_bytes <= held_bytes + 4096);
    block = acre_heap_realloc(subject, block, 5 * mib);
    T_EXPECT(block != NULL && subject->huge_cached_bytes == 3 * mib);
    T_EXPECT(subject->held_bytes <= held_bytes + 4096);
    // Little by little counts, too.
    for (size_t kib = 16; kib <= 1024; kib += 16) {
        block = acre_heap_realloc(subject, block, 5 * mib + kib * 1024);
    }
    T_EXPECT(block != NULL && subject->huge_cached_bytes <= 5 * mib / 2);
    T_EXPECT_SOUND(heap_close());
}

static void refused_release_of_an_end_changes_nothing(void)
{
    heap_open();
    unsigned char *start = keep_dense(8 * mib);
    sim.failing[SIM_RELEASE] = true;
    T_EXPECT(huge_drop_some(subject, 3 * mib, 3 * mib) == 0);
    T_EXPECT(subject->huge_cached_bytes == 8 * mib);
    pages_sim_heal(&sim);
    T_EXPECT(huge_drop_some(subject, 3 * mib, mib) == mib && subject->huge_cached_bytes == 7 * mib);
    T_EXPECT(huge_drop_some(subject, mib / 4, mib) == 0); // not worth a call
    T_EXPECT(huge_drop_some(subject, 7 * mib, SIZE_MAX) == 7 * mib);
    T_EXPECT(huge_drop_some(subject, mib, mib) == 0 && start != NULL);
    T_EXPECT_SOUND(heap_close());
}

/// Two threads, by mistake: one reallocs what the other has just freed.
static void stale_resize(void *context)
{
    struct slab *huge = slab_at(context);
    acre_heap_free(subject, context);
    (void)huge_resize(subject, huge, (uintptr_t)context, 9 * mib);
}

static void double_free_of_kept(void *context)
{
    acre_heap_free(subject, context);
    acre_heap_free(subject, context);
}

static void misuse_of_what_is_kept_is_named(void)
{
    heap_open();
    struct sim_end end = sim_catch(stale_resize, acre_heap_alloc(subject, 3 * mib));
    T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'r');
    heap_open();
    end = sim_catch(double_free_of_kept, acre_heap_alloc(subject, 3 * mib));
    T_EXPECT(end.how == SIM_FATAL && end.what[0] == 'd');
    acre_heap_destroy(subject);
}

T_MAIN(
    T_CASE(misuse_of_what_is_kept_is_named), T_CASE(block_grows_into_what_is_kept_behind_it),
    T_CASE(what_is_behind_is_used_before_new_memory), T_CASE(parts_of_one_mapping_become_one_again),
    T_CASE(mappings_that_only_touch_stay_two), T_CASE(resized_part_stays_by_itself),
    T_CASE(block_changes_to_a_mapping_with_room),
    T_CASE(block_does_not_change_where_it_would_have_no_room),
    T_CASE(block_does_not_change_to_a_sparse_mapping),
    T_CASE(composed_block_changes_and_its_parts_are_kept),
    T_CASE(composed_block_absorbs_nothing_of_others),
    T_CASE(growth_gives_back_as_much_of_what_is_kept),
    T_CASE(refused_release_of_an_end_changes_nothing))
