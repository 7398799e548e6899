// audit_test.c - an audit that never finds anything proves nothing: here every sentence of it is
// provoked by spoiling what it is about.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "base/bitmap.h"
#include "heap/block.h"
#include "heap/foreign.h"
#include "heap/owner.h"
#include "heap/segment.h"
#include "unit/fixture.h"

enum { FEW_BYTES = 4096, FEW = 16, MANY_BYTES = 16, MANY = 4096 };

static const size_t mib = (size_t)1 << 20;

static void *blocks[MANY + FEW];
static void *later[257];
static struct slab *active; // of 16 blocks of 4 KiB, three of them carved
static struct slab *asleep; // of 4096 blocks of 16 bytes, ten of them free
static struct slab *awake;  // of 16 blocks of 4 KiB, four of them free, two of these foreign
static struct slab *empty;  // of 256 bytes
static struct slot *slot;
static struct segment *segment;
static unsigned char *run;

/// A heap with something of everything, in which nothing is wrong.
static const char *open_with_everything(void)
{
    heap_open();
    (void)alloc_many(later, 257, 256);
    empty = slab_at(later[0]);
    (void)alloc_many(blocks, MANY + 1, MANY_BYTES);
    asleep = slab_at(blocks[0]);
    free_many(blocks, 10);
    (void)alloc_many(blocks, FEW + 3, FEW_BYTES);
    awake = slab_at(blocks[0]);
    active = slab_at(blocks[FEW]);
    acre_heap_free(subject, blocks[0]);
    acre_heap_free(subject, blocks[1]);
    free_on(1, blocks[2]);
    free_on(1, blocks[3]);
    (void)alloc_on(1, 100);
    slot = slot_of(subject, 0);
    run = acre_heap_alloc(subject, 50000);
    acre_heap_free(subject, acre_heap_alloc(subject, 300000));
    (void)!acre_heap_alloc(subject, 2 * mib);
    acre_heap_free(subject, acre_heap_alloc(subject, 3 * mib));
    segment = container_of(subject->segments.next, struct segment, link);
    free_many(later, 256); // last, or another class would take the slab
    bool set = active->state == SLAB_ACTIVE && asleep->state == SLAB_ASLEEP &&
               awake->state == SLAB_AWAKE && empty->state == SLAB_EMPTY && run != NULL;
    return set ? acre_heap_audit(subject) : "the scene is not set";
}

static bool audit_says(const char *sentence)
{
    const char *broken = acre_heap_audit(subject);
    if (broken == NULL || strcmp(broken, sentence) != 0) {
        t_say(broken == NULL ? "the audit found nothing" : broken);
        return false;
    }
    return true;
}

/// Spoils the scene by a statement and expects a sentence.
#define EXPECT_FOUND(spoil, sentence)                                                              \
    do {                                                                                           \
        T_EXPECT_SOUND(open_with_everything());                                                    \
        spoil;                                                                                     \
        T_EXPECT(audit_says(sentence));                                                            \
    } while (0)

static void audit_of_a_whole_heap_finds_nothing(void)
{
    T_EXPECT_SOUND(open_with_everything());
    T_EXPECT_SOUND(heap_close());
}

static acre_block *hot_first(void)
{
    return awake->hot.head;
}

static void lists_of_free_blocks(void)
{
    const char *sentence = "a list of free blocks is broken";
    EXPECT_FOUND(hot_first()->next = (void *)((char *)blocks[4] + 8), sentence);
    EXPECT_FOUND(hot_first()->tag ^= 1, sentence);
    EXPECT_FOUND(((acre_block *)blocks[3])->tag = 0, sentence);
    EXPECT_FOUND(awake->hot.head = (void *)((char *)blocks[4] + 16), sentence);
    EXPECT_FOUND(slot->bins.bin[size_class_of(256)]->tag ^= 2, sentence);
    // A list that goes round in a circle.
    EXPECT_FOUND(block_link(subject, hot_first(), hot_first()), sentence);
}

static void counts_of_free_blocks(void)
{
    EXPECT_FOUND(awake->foreign += 1u << 16, "a foreign list's count is wrong");
    EXPECT_FOUND(awake->foreign -= 1u << 16, "a foreign list's count is wrong");
    EXPECT_FOUND(awake->hot.head = NULL, "a free block is on no list, or on two");
    EXPECT_FOUND(awake->foreign = 0, "a free block is on no list, or on two");
    EXPECT_FOUND(block_link(subject, blocks[5], NULL), "a free block is on no list, or on two");
}

static void counters_of_sleeping_slabs(void)
{
    EXPECT_FOUND(asleep->due_base += 1, "a sleeping slab's counter does not lead to waking");
    EXPECT_FOUND(asleep->hot.due += 1, "a sleeping slab has more free blocks than it counted");
    EXPECT_FOUND(asleep->hot.due -= 1, "a sleeping slab has more free blocks than it counted");
    EXPECT_FOUND(
        (asleep->wake = 10, asleep->due_base = 10, asleep->hot.due = 0),
        "a slab sleeps with enough free blocks to wake");
}

static void numbers_of_slabs(void)
{
    EXPECT_FOUND(active->class += 1, "a slab's class and block size differ");
    EXPECT_FOUND(active->block_bytes += 16, "a slab's class and block size differ");
    EXPECT_FOUND(active->carved = FEW + 1, "a slab's limit is not that of its carved blocks");
    EXPECT_FOUND(active->limit += 1, "a slab's limit is not that of its carved blocks");
    EXPECT_FOUND(active->owner = 3, "a slab's owner has no slot");
    EXPECT_FOUND(awake->state = SLAB_TRANSIT, "a slab is in transit while nothing happens");
    EXPECT_FOUND(owner_set(awake, ACRE_SLOT_NONE), "a slab is in transit while nothing happens");
}

static unsigned page_of_run(void)
{
    return page_of(segment, (uintptr_t)run);
}

static void pages_of_runs(void)
{
    const char *covers = "a run covers a page that is not its own";
    EXPECT_FOUND(bitmap_fill(segment->free, page_of_run() + 2, 1, true), covers);
    EXPECT_FOUND(bitmap_fill(segment->dirty, page_of_run() + 2, 1, false), covers);
    EXPECT_FOUND(segment->run_pages[page_of_run()] += 1, covers); // beyond the segment's end
    EXPECT_FOUND(segment->run_pages[page_of(segment, active->base)] = 1, covers);
    EXPECT_FOUND(segment->run_pages[page_of_run() + 1] = 1, "two runs overlap");
}

static void slices_and_segments(void)
{
    EXPECT_FOUND(
        subject->map[active->base >> ACRE_SLICE_LOG2 & subject->map_mask] = 0,
        "the map leads elsewhere");
    EXPECT_FOUND(
        bitmap_fill(segment->free, page_of(segment, active->base), 1, true),
        "a slab has a page that is free");
    EXPECT_FOUND(
        segment->slabs[HEADER_SLICES - 1].limit = 1,
        "a slice without blocks has a limit or an owner");
    EXPECT_FOUND(
        segment->slabs[HEADER_SLICES - 1].owner = 0,
        "a slice without blocks has a limit or an owner");
    EXPECT_FOUND(segment->free_pages += 1, "a segment's count of free pages is wrong");
    EXPECT_FOUND(
        segment->run_pages[page_of_run()] -= 1,
        "a segment has pages that are neither free nor in use");
}

static void lists_of_slabs(void)
{
    EXPECT_FOUND(active->state = SLAB_ASLEEP; active->due_base = active->wake;
                 active->hot.due = active->wake, "an active slab does not know that it is");
    const char *belongs = "an awake list holds a slab that does not belong there";
    EXPECT_FOUND(awake->state = SLAB_EMPTY, belongs);
    EXPECT_FOUND(awake->owner = 1, belongs);
    EXPECT_FOUND(
        empty->state = SLAB_AWAKE, "a list of empty slabs holds one that does not belong there");
    EXPECT_FOUND(empty->owner = 1, "a list of empty slabs holds one that does not belong there");
    EXPECT_FOUND(slot->empty_count += 1, "a slot's count of empty slabs is wrong");
    EXPECT_FOUND(
        slot->empty_of[empty->class] += 1, "a slot's counts of empty slabs by class are wrong");
    EXPECT_FOUND(subject->empty_slabs += 1, "the sum of empty slabs is wrong");
}

static void sums_of_the_heap(void)
{
    EXPECT_FOUND(subject->huge_bytes += 4096, "the sum of huge blocks is wrong");
    EXPECT_FOUND(subject->used_pages += 1, "the sum of used pages is wrong");
    EXPECT_FOUND(subject->held_bytes -= 4096, "the sum of held memory is wrong");
    EXPECT_FOUND(subject->metadata_bytes += 64, "the sum of held memory is wrong");
    EXPECT_FOUND(subject->huge_cached_bytes -= 4096, "the sum of kept mappings is wrong");
    EXPECT_FOUND(subject->huge_cached_count += 1, "the count of mappings is wrong");
    EXPECT_FOUND(subject->huge_parts += 1, "the count of mappings is wrong");
    EXPECT_FOUND(
        subject->limit_bytes = subject->held_bytes - 1, "the heap holds more than its limit");
    EXPECT_FOUND(subject->free_dirty_pages += 1, "the sum of free dirty pages is wrong");
}

T_MAIN(
    T_CASE(audit_of_a_whole_heap_finds_nothing), T_CASE(lists_of_free_blocks),
    T_CASE(counts_of_free_blocks), T_CASE(counters_of_sleeping_slabs), T_CASE(numbers_of_slabs),
    T_CASE(pages_of_runs), T_CASE(slices_and_segments), T_CASE(lists_of_slabs),
    T_CASE(sums_of_the_heap))
