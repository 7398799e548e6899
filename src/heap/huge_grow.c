// huge_grow.c - see huge_grow.h.
//
// A program that appends to an array has the array grow by half again and again. New memory for that costs a page fault a
// page. What is kept right behind the block, as a part of the same mapping, costs nothing. Where something else stands
// there, the block changes to a kept mapping that has room for it and for half as much again: its contents are
// copied, which takes no longer than the page faults of what it grows by, and from then on it has room to grow. What
// was its mapping is kept for others.
// SPDX-License-Identifier: MIT
#include "heap/huge_grow.h"

#include "heap/huge_kept.h"
#include "heap/huge_parts.h"

/// The kept mapping that goes on at `end` as a part of the same one as `last`. NULL if there is none. Under heap->lock.
SLOW static struct slab *find_behind_locked(acre_heap *heap, const struct slab *last, uintptr_t end)
{
    for (struct link *at = heap->huge_cached.next; at != &heap->huge_cached; at = at->next) {
        struct slab *kept = container_of(at, struct slab, link);
        if (kept->base == end && kept->origin == last->origin) {
            return kept;
        }
    }
    return NULL;
}

/// Takes `bytes` from the start of a kept mapping, or all of it where next to nothing would be left. Returns how many.
/// Under heap->lock.
SLOW static size_t take_start_locked(acre_heap *heap, struct slab *kept, size_t bytes)
{
    if (kept->block_bytes < bytes + huge_part_bytes_min) {
        bytes = kept->block_bytes;
        huge_unkeep_locked(heap, kept);
        huge_descriptor_give_locked(heap, kept);
        return bytes;
    }
    kept->base += bytes;
    kept->block_bytes -= bytes;
    heap->huge_cached_bytes -= bytes;
    return bytes;
}

SLOW static bool absorb(acre_heap *heap, struct slab *huge, size_t bytes)
{
    struct slab *last = huge;
    while (last->behind != NULL) {
        last = last->behind;
    }
    acre_port_lock_take(&heap->lock);
    struct slab *kept = find_behind_locked(heap, last, huge->base + huge->block_bytes);
    if (kept != NULL) {
        const size_t more = take_start_locked(heap, kept, bytes - huge->block_bytes);
        last->block_bytes += last == huge ? 0 : more;
        huge->block_bytes += more;
    }
    acre_port_lock_drop(&heap->lock);
    return huge->block_bytes >= bytes;
}

/// Takes the largest kept mapping if it has at least `bytes`. NULL if none has.
SLOW static struct slab *take_largest(acre_heap *heap, size_t bytes)
{
    struct slab *largest = NULL;
    acre_port_lock_take(&heap->lock);
    for (struct link *at = heap->huge_cached.next; at != &heap->huge_cached; at = at->next) {
        struct slab *kept = container_of(at, struct slab, link);
        largest = largest == NULL || kept->block_bytes > largest->block_bytes ? kept : largest;
    }
    if (largest != NULL && largest->block_bytes < bytes) {
        largest = NULL;
    }
    if (largest != NULL) {
        huge_unkeep_locked(heap, largest);
    }
    acre_port_lock_drop(&heap->lock);
    return largest;
}

/// Gives the block the mapping of `taken`, which is on no list, and keeps its own mappings.
SLOW static void exchange(acre_heap *heap, struct slab *huge, struct slab *taken)
{
    const struct slab old = *huge;
    acre_port_lock_take(&heap->lock);
    huge->base = taken->base;
    huge->block_bytes = taken->block_bytes;
    huge->origin = taken->origin;
    huge->behind = NULL;
    taken->base = old.base;
    taken->block_bytes = old.block_bytes;
    taken->origin = old.origin;
    taken->behind = old.behind;
    taken->fresh = false;
    for (struct slab *part = taken, *rest; part != NULL; part = rest) {
        rest = huge_detach_locked(heap, part);
        huge_keep_locked(heap, part);
    }
    acre_port_lock_drop(&heap->lock);
}

SLOW static bool change(acre_heap *heap, struct slab *huge, size_t bytes)
{
    struct slab *taken = take_largest(heap, bytes + bytes / 2);
    if (taken == NULL) {
        return false;
    }
    // To copy into memory that is not there would cost more faults than to grow.
    if (taken->fresh || !huge_is_dense(taken->base, taken->block_bytes) ||
        !huge_split(heap, taken, bytes)) {
        acre_port_lock_take(&heap->lock);
        huge_keep_locked(heap, taken);
        acre_port_lock_drop(&heap->lock);
        return false;
    }
    __builtin_memcpy((void *)taken->base, (const void *)huge->base, huge->block_bytes);
    exchange(heap, huge, taken);
    return true;
}

bool huge_grow(acre_heap *heap, struct slab *huge, size_t bytes)
{
    return absorb(heap, huge, bytes) || change(heap, huge, bytes);
}
