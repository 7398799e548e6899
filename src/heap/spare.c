// spare.c - room for the heap's own structures, out of the reach of callers' blocks: the spare part
// behind each segment's header. It is committed as it is used and never freed before the heap, so a
// segment that has any of it in use stays.
// SPDX-License-Identifier: MIT
#include "heap/reclaim.h"
#include "heap/segment.h"
#include "heap/space.h"

/// A claim on part of a segment's spare room.
struct spare {
    struct segment *segment;
    size_t from; // offset in the segment
    size_t bytes;
    size_t commit_from; // offset of the first page it touches, which may be committed already
    size_t commit_bytes;
    size_t charge_bytes; // pages that no claim before it touched
};

/// A segment with room: the oldest one, so that few segments are kept by it. Under heap->lock.
SLOW static struct segment *find_room(acre_heap *heap, size_t bytes)
{
    for (struct link *at = heap->all_segments.next; at != &heap->all_segments; at = at->next) {
        struct segment *segment = container_of(at, struct segment, all_link);
        if (segment->used_spare + bytes <= SPARE_BYTES) {
            return segment;
        }
    }
    return NULL;
}

/// Claims `bytes` where some segment has them. Under heap->lock.
SLOW static bool claim_spare(acre_heap *heap, size_t bytes, struct spare *out)
{
    struct segment *segment = find_room(heap, bytes);
    if (segment == NULL) {
        return false;
    }
    size_t unit = heap->pages->page_bytes;
    size_t from = HEADER_BYTES + segment->used_spare;
    size_t committed = round_up(from, unit);
    size_t header_bytes = segment_header_bytes(heap);
    committed = committed > header_bytes ? committed : header_bytes;
    size_t end = round_up(from + bytes, unit);
    *out = (struct spare){
        .segment = segment,
        .from = from,
        .bytes = bytes,
        .commit_from = from & ~(unit - 1),
        .commit_bytes = end - (from & ~(unit - 1)),
        .charge_bytes = end > committed ? end - committed : 0,
    };
    if (!space_charge_locked(heap, out->charge_bytes)) {
        return false;
    }
    segment->used_spare += (uint32_t)bytes;
    heap->metadata_bytes += out->charge_bytes;
    return true;
}

/// Undoes a claim whose commit failed. If somebody claimed behind it meanwhile, the room stays
/// unused; that costs addresses, no memory.
SLOW static void unclaim_spare(acre_heap *heap, const struct spare *spare)
{
    acre_port_lock_take(&heap->lock);
    if (HEADER_BYTES + spare->segment->used_spare == spare->from + spare->bytes) {
        spare->segment->used_spare -= (uint32_t)spare->bytes;
    }
    heap->held_bytes -= spare->charge_bytes;
    heap->metadata_bytes -= spare->charge_bytes;
    acre_port_lock_drop(&heap->lock);
}

/// One attempt, with a new segment if need be.
SLOW static void *try_spare(acre_heap *heap, size_t bytes)
{
    acre_pages *pages = heap->pages;
    struct spare spare;
    acre_port_lock_take(&heap->lock);
    bool claimed = claim_spare(heap, bytes, &spare);
    acre_port_lock_drop(&heap->lock);
    if (!claimed && segment_create(heap)) {
        acre_port_lock_take(&heap->lock);
        claimed = claim_spare(heap, bytes, &spare);
        acre_port_lock_drop(&heap->lock);
    }
    if (!claimed) {
        return NULL;
    }
    char *base = (char *)spare.segment;
    if (pages->commit(pages, base + spare.commit_from, spare.commit_bytes) != ACRE_OK) {
        unclaim_spare(heap, &spare);
        return NULL;
    }
    return base + spare.from;
}

SLOW void *space_take_spare(acre_heap *heap, size_t bytes)
{
    bytes = round_up(bytes, LINE_BYTES);
    void *spare = try_spare(heap, bytes);
    return spare == NULL && reclaim_for(heap) ? try_spare(heap, bytes) : spare;
}

SLOW void space_release_all(acre_heap *heap)
{
    acre_pages *pages = heap->pages;
    while (!list_is_empty(&heap->all_segments)) {
        struct segment *segment = container_of(heap->all_segments.next, struct segment, all_link);
        list_remove(&segment->all_link);
        (void)pages->release(
            pages, segment, segment_bytes(segment)); // a refusal cannot be helped here
    }
}
