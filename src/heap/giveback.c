// giveback.c - see giveback.h.
//
// What is given back at a look is what was free at each moment since the look before: the low-water mark of
// free pages, of kept mappings, and what lies in slots on which nobody has refilled meanwhile. A program
// that frees much and fills it again, round by round, has no such memory, however much it frees.
// SPDX-License-Identifier: MIT
#include "heap/giveback.h"

#include "heap/huge.h"
#include "heap/runcache.h"
#include "heap/space.h"
#include "heap/takeover.h"

// A look that gave back less is followed by no other: a program that does a little now and then frees a
// little each time.
static const size_t worth_bytes = (size_t)SEGMENT_BYTES / 16;

enum { NOTICE_BYTES = 2 * SEGMENT_BYTES, STEP_BYTES = SEGMENT_BYTES };

static size_t unused_bytes(const acre_heap *heap)
{
    return heap->free_dirty_pages * PAGE_BYTES + heap->huge_cached_bytes +
           (load_relaxed(&heap->barrier_refused)
                ? 0
                : (size_t)load_relaxed(&heap->empty_slabs) * SLICE_BYTES);
}

static void start_marks(acre_heap *heap)
{
    heap->free_dirty_low = heap->free_dirty_pages;
    heap->huge_cached_low = heap->huge_cached_bytes;
}

bool giveback_is_due_locked(acre_heap *heap)
{
    size_t bytes = unused_bytes(heap);
    if (heap->helper == NULL || heap->is_helped || bytes <= (size_t)NOTICE_BYTES) {
        return false;
    }
    // What the source does not take back are pages; mappings it does.
    if (bytes <= heap->purge_above_bytes && heap->huge_cached_bytes <= (size_t)NOTICE_BYTES) {
        return false;
    }
    store_relaxed(&heap->is_helped, true);
    start_marks(heap);
    return true;
}

SLOW void giveback_ask(acre_heap *heap)
{
    if (!heap->helper->start(heap)) {
        giveback_forget(heap);
    }
}

SLOW void giveback_forget(acre_heap *heap)
{
    acre_port_lock_take(&heap->lock);
    store_relaxed(&heap->is_helped, false);
    acre_port_lock_drop(&heap->lock);
    huge_keep_what_is_allowed(heap);
}

SLOW void giveback_begin(acre_heap *heap, struct giveback *look)
{
    acre_port_lock_take(&heap->lock);
    *look = (struct giveback){
        .keep_bytes = (heap->free_dirty_pages - heap->free_dirty_low) * PAGE_BYTES,
        .kept_bytes = heap->huge_cached_low,
    };
    acre_port_lock_drop(&heap->lock);
}

/// Free memory that one slot keeps becomes free pages if the slot has been idle since the last look. Of others,
/// what only other slots have freed, and as many empty slabs as the slot had more than it needed.
SLOW static void begin_slot(acre_heap *heap, struct giveback *look, struct slot *slot)
{
    uint32_t visits = load_relaxed(&slot->visits);
    look->idle = visits == slot->visits_looked_at;
    slot->visits_looked_at = visits;
    look->empties = takeover_rested(slot);
    look->given_bytes += look->idle ? runcache_flush_slot(heap, slot) : 0;
    look->begun = true;
}

/// One step of it. False when the slot is done.
SLOW static bool look_at_slot(acre_heap *heap, struct giveback *look)
{
    struct slot *slot = slot_of(heap, look->slot);
    if (slot == NULL) {
        return false;
    }
    if (!look->begun) {
        begin_slot(heap, look, slot);
    }
    const size_t bytes = takeover_retire(heap, look->slot, look->idle, look->empties);
    const unsigned slabs = (unsigned)(bytes / SLICE_BYTES);
    look->empties -= slabs < look->empties ? slabs : look->empties;
    look->given_bytes += bytes;
    look->begun = bytes != 0;
    return look->begun;
}

SLOW bool giveback_step(acre_heap *heap, struct giveback *look)
{
    if (look->kept_bytes != 0) {
        const size_t most = look->kept_bytes;
        const size_t bytes = huge_drop_some(heap, most, STEP_BYTES);
        look->kept_bytes = bytes == 0 ? 0 : most - bytes;
        look->given_bytes += bytes;
        return true;
    }
    if (look->slot < load_relaxed(&heap->slots_high)) {
        look->slot += look_at_slot(heap, look) ? 0 : 1;
        return true;
    }
    acre_port_lock_take(&heap->lock);
    bool too_much = heap->free_dirty_pages * PAGE_BYTES > look->keep_bytes;
    acre_port_lock_drop(&heap->lock);
    if (!too_much) {
        return false;
    }
    size_t bytes = space_purge(heap, look->keep_bytes, STEP_BYTES);
    look->given_bytes += bytes;
    look->refused = bytes == 0;
    return bytes != 0;
}

SLOW bool giveback_end(acre_heap *heap, const struct giveback *look)
{
    acre_port_lock_take(&heap->lock);
    start_marks(heap);
    bool goes_on = look->given_bytes >= worth_bytes ||
                   (unused_bytes(heap) > (size_t)NOTICE_BYTES && !look->refused);
    store_relaxed(&heap->is_helped, goes_on);
    acre_port_lock_drop(&heap->lock);
    return goes_on;
}
