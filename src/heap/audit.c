// audit.c - every invariant of a heap that nobody else uses, checked from the structures themselves.
// Returns the first sentence that is not true of it. Never called by acre.
//
// What it proves about blocks: each carved block of a slab is live, or on exactly one list: its
// slab's, its slab's foreign list, or its owner's bin. A run that is marked as kept is kept by one slot.
// SPDX-License-Identifier: MIT
#include "base/bitmap.h"
#include "heap/foreign.h"
#include "heap/hit.h"
#include "heap/owner.h"
#include "heap/runlist.h"
#include "heap/segment.h"
#include "heap/slab.h"

/// Blocks of one list, or -1 if it is not sound.
SLOW static int count_list(acre_heap *heap, const struct slab *slab, const acre_block *list)
{
    int count = 0;
    for (; list != NULL; list = list->next) {
        if (!hit_is_block(slab, (uintptr_t)list) || !block_looks_free(heap, list) ||
            count == slab->carved) {
            return -1;
        }
        count += 1;
    }
    return count;
}

SLOW static int count_in_bins(acre_heap *heap, const struct slab *slab)
{
    int sum = 0;
    for (unsigned i = 0; i < heap->slots_high; i++) {
        struct slot *slot = slot_of(heap, i);
        acre_block *list = slot == NULL ? NULL : slot->bins.bin[slab->class];
        if (list == NULL || !hit_is_block(slab, (uintptr_t)list)) {
            continue; // a bin holds blocks of one slab at a time
        }
        int count = count_list(heap, slab, list);
        if (count < 0) {
            return -1;
        }
        sum += count;
    }
    return sum;
}

SLOW static int count_free_by_tag(acre_heap *heap, const struct slab *slab)
{
    int count = 0;
    for (unsigned i = 0; i < slab->carved; i++) {
        const acre_block *block = (const acre_block *)(slab->base + i * slab->block_bytes);
        count += block_looks_free(heap, block) ? 1 : 0;
    }
    return count;
}

SLOW static const char *audit_lists(acre_heap *heap, struct slab *slab)
{
    int hot = count_list(heap, slab, slab->hot.head);
    const acre_block *first =
        (const acre_block *)(slab->base + ((uintptr_t)(slab->foreign & 0xffff) << GRANULE_LOG2));
    int foreign = count_list(heap, slab, foreign_count(slab) == 0 ? NULL : first);
    int bins = count_in_bins(heap, slab);
    if (hot < 0 || foreign < 0 || bins < 0) {
        return "a list of free blocks is broken";
    }
    if (foreign != (int)foreign_count(slab)) {
        return "a foreign list's count is wrong";
    }
    if (hot + foreign + bins != count_free_by_tag(heap, slab)) {
        return "a free block is on no list, or on two";
    }
    return NULL;
}

/// A slab that sleeps must be sure to wake, and a counter that counts must count right.
SLOW static const char *audit_due(const struct slab *slab, int hot)
{
    bool exact = slab->aborts == acre_port_aborts();
    int counted = (int)slab_hot_count(slab);
    if (slab->state == SLAB_ASLEEP && slab->due_base != slab->wake) {
        return "a sleeping slab's counter does not lead to waking";
    }
    if (slab->state == SLAB_ASLEEP && (counted < hot || (exact && counted != hot))) {
        return "a sleeping slab has more free blocks than it counted";
    }
    if (slab->state == SLAB_ASLEEP && hot >= slab->wake) {
        return "a slab sleeps with enough free blocks to wake";
    }
    return NULL;
}

SLOW static const char *audit_slab(acre_heap *heap, struct slab *slab)
{
    const struct size_class *size = &size_classes[slab->class];
    if (slab->class >= SIZE_CLASSES || slab->block_bytes != size->bytes) {
        return "a slab's class and block size differ";
    }
    if (slab->carved > slab->capacity || slab->limit != slab->carved * size->excess) {
        return "a slab's limit is not that of its carved blocks";
    }
    const unsigned owner = owner_slot(slab->owner);
    if (owner != ACRE_SLOT_NONE && slot_of(heap, owner) == NULL) {
        return "a slab's owner has no slot";
    }
    if (slab->state == SLAB_TRANSIT || owner == ACRE_SLOT_NONE) {
        return "a slab is in transit while nothing happens";
    }
    const char *broken = audit_lists(heap, slab);
    return broken != NULL ? broken : audit_due(slab, count_list(heap, slab, slab->hot.head));
}

/// Runs neither overlap one another nor slabs, and their pages are taken and dirty.
SLOW static const char *audit_runs(struct segment *segment, unsigned *taken_pages)
{
    for (unsigned page = 0; page < SEGMENT_PAGES; page++) {
        unsigned pages = run_length(segment->run_pages[page]);
        for (unsigned i = page; i < page + pages; i++) {
            if (i >= SEGMENT_PAGES || bitmap_test(segment->free, i) ||
                !bitmap_test(segment->dirty, i) ||
                segment->slabs[i / SLICE_PAGES].kind != KIND_PAGES) {
                return "a run covers a page that is not its own";
            }
            if (i != page && segment->run_pages[i] != 0) {
                return "two runs overlap";
            }
        }
        *taken_pages += pages;
    }
    return NULL;
}

SLOW static const char *audit_segment(
    acre_heap *heap, struct segment *segment, unsigned *used_pages)
{
    unsigned taken_pages = 0;
    const char *broken = audit_runs(segment, &taken_pages);
    for (unsigned i = 0; i < segment_length(segment) / SLICE_PAGES && broken == NULL; i++) {
        struct slab *slab = &segment->slabs[i];
        if (!segment->stray && map_find(heap, slab->base) != slab) {
            return "the map leads elsewhere";
        }
        if (slab->kind == KIND_SLAB) {
            if (bitmap_count(segment->free, i * SLICE_PAGES, SLICE_PAGES) != 0) {
                return "a slab has a page that is free";
            }
            taken_pages += SLICE_PAGES;
            broken = audit_slab(heap, slab);
        } else if (slab->limit != 0 || owner_slot(slab->owner) != ACRE_SLOT_NONE) {
            return "a slice without blocks has a limit or an owner";
        }
    }
    if (broken != NULL) {
        return broken;
    }
    if (segment->free_pages != bitmap_count(segment->free, 0, SEGMENT_PAGES)) {
        return "a segment's count of free pages is wrong";
    }
    if (taken_pages + segment->free_pages != segment_length(segment) - HEADER_PAGES) {
        return "a segment has pages that are neither free nor in use";
    }
    *used_pages += taken_pages;
    return NULL;
}

SLOW static const char *audit_awake(struct slot *slot, unsigned class)
{
    struct slab *active = slot->active[class];
    if (active != NULL &&
        (active->state != SLAB_ACTIVE || owner_slot(active->owner) != slot->number)) {
        return "an active slab does not know that it is";
    }
    for (struct link *at = slot->awake[class].next; at != &slot->awake[class]; at = at->next) {
        struct slab *slab = container_of(at, struct slab, link);
        if (slab->state != SLAB_AWAKE || owner_slot(slab->owner) != slot->number ||
            slab->class != class) {
            return "an awake list holds a slab that does not belong there";
        }
    }
    return NULL;
}

/// Runs that a slot keeps, or -1 if some are not what they should be.
SLOW static int count_kept_runs(acre_heap *heap, struct slot *slot)
{
    int count = (int)slot->run_count;
    for (unsigned i = 0; i < slot->run_count; i++) {
        const uintptr_t addr = slot->runs[i].addr;
        struct segment *segment = segment_at(addr);
        if (segment->run_pages[page_of(segment, addr)] != (slot->runs[i].pages | RUN_KEPT)) {
            return -1;
        }
    }
    for (unsigned i = 0; ACRE_PORT_RUNS && i < RUN_LISTS; i++) {
        for (const acre_block *run = slot->run_lists[i].head; run != NULL; run = run->next) {
            struct segment *segment = segment_at((uintptr_t)run);
            const uint32_t length = segment->run_pages[page_of(segment, (uintptr_t)run)];
            if (!block_looks_free(heap, run) || length != ((RUN_LISTED_MIN + i) | RUN_KEPT) ||
                count == DUE_NEVER) {
                return -1;
            }
            count += 1;
        }
    }
    return count;
}

SLOW static const char *audit_kept_runs(acre_heap *heap)
{
    int kept = 0;
    int marked = 0;
    for (unsigned i = 0; i < heap->slots_high; i++) {
        struct slot *slot = slot_of(heap, i);
        const int count = slot == NULL ? 0 : count_kept_runs(heap, slot);
        if (count < 0) {
            return "a slot keeps a run that is not free";
        }
        kept += count;
    }
    for (struct link *at = heap->all_segments.next; at != &heap->all_segments; at = at->next) {
        const struct segment *segment = container_of(at, struct segment, all_link);
        for (unsigned page = 0; page < SEGMENT_PAGES; page++) {
            marked += (segment->run_pages[page] & RUN_KEPT) != 0 ? 1 : 0;
        }
    }
    return kept == marked ? NULL : "a run is marked as kept, and nobody keeps it, or two do";
}

SLOW static const char *audit_slot(struct slot *slot)
{
    unsigned empty = 0;
    uint16_t empty_of[SIZE_CLASSES] = {0};
    for (struct link *at = slot->empty.next; at != &slot->empty; at = at->next) {
        struct slab *slab = container_of(at, struct slab, link);
        if (slab->state != SLAB_EMPTY || owner_slot(slab->owner) != slot->number) {
            return "a list of empty slabs holds one that does not belong there";
        }
        empty += 1;
        empty_of[slab->class] += 1;
    }
    bool same = __builtin_memcmp(empty_of, slot->empty_of, sizeof(empty_of)) == 0;
    if (ACRE_PORT_HELPER && !same) {
        return "a slot's counts of empty slabs by class are wrong";
    }
    if (empty != slot->empty_count) {
        return "a slot's count of empty slabs is wrong";
    }
    const char *broken = NULL;
    for (unsigned class = 0; class < SIZE_CLASSES && broken == NULL; class ++) {
        broken = audit_awake(slot, class);
    }
    return broken;
}

/// Mappings of huge blocks: those of a block lie one behind the other, those that are kept are counted right.
SLOW static const char *audit_mappings(acre_heap *heap)
{
    uint32_t parts = 0;
    for (struct link *at = heap->huge.next; at != &heap->huge; at = at->next) {
        const struct slab *huge = container_of(at, struct slab, link);
        for (const struct slab *part = huge->behind; part != NULL; part = part->behind) {
            const uintptr_t end =
                part->behind == NULL ? huge->base + huge->block_bytes : part->behind->base;
            if (part->base <= huge->base || part->base + part->block_bytes != end) {
                return "a huge block's mappings are not one behind the other";
            }
            parts += 1;
        }
    }
    uint32_t kept = 0;
    size_t kept_bytes = 0;
    for (struct link *at = heap->huge_cached.next; at != &heap->huge_cached; at = at->next) {
        const struct slab *huge = container_of(at, struct slab, link);
        kept += 1;
        kept_bytes += huge->block_bytes;
        if (huge->behind != NULL) {
            return "a kept mapping is part of a block";
        }
    }
    if (parts != heap->huge_parts || kept != heap->huge_cached_count) {
        return "the count of mappings is wrong";
    }
    return kept_bytes != heap->huge_cached_bytes ? "the sum of kept mappings is wrong" : NULL;
}

SLOW static const char *audit_sums(acre_heap *heap, size_t used_pages, size_t dirty_pages)
{
    size_t huge = 0;
    for (struct link *at = heap->huge.next; at != &heap->huge; at = at->next) {
        huge += container_of(at, struct slab, link)->block_bytes;
    }
    if (huge != heap->huge_bytes) {
        return "the sum of huge blocks is wrong";
    }
    uint32_t empty = 0;
    for (unsigned i = 0; i < heap->slots_high; i++) {
        const struct slot *slot = slot_of(heap, i);
        empty += slot == NULL ? 0 : slot->empty_count;
    }
    if (ACRE_PORT_HELPER && empty != heap->empty_slabs) {
        return "the sum of empty slabs is wrong";
    }
    if (used_pages != heap->used_pages) {
        return "the sum of used pages is wrong";
    }
    size_t held = heap->metadata_bytes + heap->huge_bytes + heap->huge_cached_bytes +
                  dirty_pages * PAGE_BYTES;
    if (held != heap->held_bytes) {
        return "the sum of held memory is wrong";
    }
    if (heap->limit_bytes != 0 && heap->held_bytes > heap->limit_bytes) {
        return "the heap holds more than its limit";
    }
    return NULL;
}

SLOW const char *acre_heap_audit(acre_heap *heap)
{
    const char *broken = NULL;
    unsigned used_pages = 0;
    size_t dirty_pages = 0;
    size_t free_dirty_pages = 0;
    for (struct link *at = heap->all_segments.next; at != &heap->all_segments && broken == NULL;
         at = at->next) {
        struct segment *segment = container_of(at, struct segment, all_link);
        broken = audit_segment(heap, segment, &used_pages);
        dirty_pages += bitmap_count(segment->dirty, 0, SEGMENT_PAGES);
        for (unsigned i = 0; i < PAGE_WORDS; i++) {
            free_dirty_pages += count_bits(segment->free[i] & segment->dirty[i]);
        }
    }
    for (unsigned i = 0; i < heap->slots_high && broken == NULL; i++) {
        struct slot *slot = slot_of(heap, i);
        broken = slot == NULL ? NULL : audit_slot(slot);
    }
    broken = broken != NULL ? broken : audit_kept_runs(heap);
    if (broken == NULL && free_dirty_pages != heap->free_dirty_pages) {
        broken = "the sum of free dirty pages is wrong";
    }
    if (ACRE_PORT_MOVE && broken == NULL) {
        broken = audit_mappings(heap);
    }
    return broken != NULL ? broken : audit_sums(heap, used_pages, dirty_pages);
}
