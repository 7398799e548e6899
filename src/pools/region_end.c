// region_end.c - how a region's blocks end: marks, deferred calls, children, reset, close. And what can
// be seen of a region. See acre/region.h.
//
// A mark is valid exactly if its event is still in the list: serials never repeat, and the list is in
// their order, so that the search for a stale one ends where its serial would stand.
// SPDX-License-Identifier: MIT
#include "base/check.h"
#include "pools/region.h"

struct region_event *region_event_add(acre_region *region, enum region_event_kind kind)
{
    struct region_event *event = acre_region_alloc(region, sizeof(*event));
    if (event != NULL) {
        region->serial += 1;
        event->prev = region->events;
        event->serial = region->serial;
        event->kind = kind;
        region->events = event;
    }
    return event;
}

static struct region_event *find_event(const acre_region *region, uint64_t serial)
{
    struct region_event *event = region->events;
    while (event != NULL && event->serial > serial) {
        event = event->prev;
    }
    return event != NULL && event->serial == serial ? event : NULL;
}

void region_undo(acre_region *region, const struct region_event *until)
{
    while (region->events != until) {
        struct region_event *event = region->events;
        region->events = event->prev; // first, so that what is called finds the region without it
        if (event->kind == REGION_CLEANUP) {
            event->cleanup.call(event->cleanup.argument);
        } else if (event->kind == REGION_CHILD) {
            event->child->parent = NULL;
            acre_region_close(event->child);
        }
    }
}

/// Gives a chunk back to the source, or as much of it as is not to be kept.
static void leave_chunk(acre_region *region, struct region_chunk *chunk, size_t keep_bytes)
{
    acre_pages *pages = region->pages;
    size_t keep = keep_bytes > region->spare_bytes ? keep_bytes - region->spare_bytes : 0;
    // Addresses reserved in advance are kept, with as much memory as may be: the header's page at least.
    size_t rest = keep & ~(pages->page_bytes - 1);
    if (rest != 0 && rest < chunk->committed_bytes && chunk->reserved_bytes > region->chunk_bytes) {
        size_t gone = chunk->committed_bytes - rest;
        if (pages->decommit(pages, (unsigned char *)chunk + rest, gone) == ACRE_OK) {
            chunk->committed_bytes = rest;
            region->held_bytes -= gone;
        }
    }
    size_t committed = chunk->committed_bytes;
    if (committed > keep && pages->release(pages, chunk, chunk->reserved_bytes) == ACRE_OK) {
        region->held_bytes -= committed;
        return;
    }
    chunk->prev = region->spare;
    region->spare = chunk;
    region->spare_bytes += committed;
}

void region_leave_chunks(acre_region *region, struct region_chunk *until, size_t keep_bytes)
{
    while (region->chunk != until) {
        struct region_chunk *chunk = region->chunk;
        region->chunk = chunk->prev;
        leave_chunk(region, chunk, keep_bytes);
    }
}

acre_status acre_region_mark(acre_region *region, acre_mark *mark)
{
    struct region_chunk *chunk = region->chunk;
    unsigned char *at = region->at;
    struct region_event *event = region_event_add(region, REGION_MARK);
    if (event == NULL) {
        return ACRE_NO_MEMORY;
    }
    event->mark.chunk = chunk;
    event->mark.at = at;
    *mark = (acre_mark){.region = region, .serial = event->serial};
    return ACRE_OK;
}

acre_status acre_region_rewind(acre_region *region, acre_mark mark)
{
    struct region_event *event = mark.region == region ? find_event(region, mark.serial) : NULL;
    if (event == NULL || event->kind != REGION_MARK) {
        return ACRE_BAD_ARGUMENT;
    }
    region_undo(region, event);
    struct region_chunk *chunk = event->mark.chunk;
    unsigned char *at = event->mark.at;
    region->events = event->prev;
    region_leave_chunks(region, chunk, region->keep_bytes); // the event may be gone from here on
    region->at = at;
    region->end = at == NULL ? NULL : region_end_of(region, chunk);
    if (ACRE_DEBUG && at != NULL) {
        __builtin_memset(at, 0xdd, (size_t)(region->end - at)); // what is read of it now is stale
    }
    return ACRE_OK;
}

acre_status acre_region_defer(
    acre_region *region, acre_region_cleanup *cleanup, void *argument, uint64_t *id)
{
    struct region_event *event = region_event_add(region, REGION_CLEANUP);
    if (event == NULL) {
        return ACRE_NO_MEMORY;
    }
    event->cleanup.call = cleanup;
    event->cleanup.argument = argument;
    if (id != NULL) {
        *id = event->serial;
    }
    return ACRE_OK;
}

acre_status acre_region_undefer(acre_region *region, uint64_t id)
{
    struct region_event *event = find_event(region, id);
    if (event == NULL || event->kind != REGION_CLEANUP) {
        return ACRE_BAD_ARGUMENT;
    }
    event->kind = REGION_CANCELLED;
    return ACRE_OK;
}

acre_status acre_region_open_child(
    acre_region *parent, acre_region *child, const acre_region_options *options)
{
    acre_region opened;
    acre_status status = acre_region_open(&opened, parent->pages, options);
    if (status != ACRE_OK) {
        return status;
    }
    struct region_event *event = region_event_add(parent, REGION_CHILD);
    if (event == NULL) {
        return ACRE_NO_MEMORY;
    }
    event->child = child;
    opened.parent = parent;
    *child = opened;
    return ACRE_OK;
}

/// The child is its parent's no longer.
static void forget_child(acre_region *child)
{
    if (child->parent == NULL) {
        return;
    }
    struct region_event *event = child->parent->events;
    while (event != NULL && (event->kind != REGION_CHILD || event->child != child)) {
        event = event->prev;
    }
    acre_check(event != NULL); // or the child was moved in memory
    event->kind = REGION_CANCELLED;
    child->parent = NULL;
}

acre_status acre_region_move(acre_region *child, acre_region *parent)
{
    if (child->parent == NULL) {
        return ACRE_BAD_ARGUMENT;
    }
    struct region_event *event = region_event_add(parent, REGION_CHILD);
    if (event == NULL) {
        return ACRE_NO_MEMORY;
    }
    event->child = NULL; // not to be found as the old one
    forget_child(child);
    event->child = child;
    child->parent = parent;
    return ACRE_OK;
}

void acre_region_reset(acre_region *region, size_t keep_bytes)
{
    region_undo(region, NULL);
    struct region_chunk *spare = region->spare;
    region->spare = NULL;
    region->spare_bytes = 0;
    region_leave_chunks(region, NULL, keep_bytes);
    while (spare != NULL) {
        struct region_chunk *next = spare->prev;
        leave_chunk(region, spare, keep_bytes);
        spare = next;
    }
    region->at = region->memory;
    region->end = region->memory == NULL ? NULL : region_end_of(region, NULL);
}

void acre_region_close(acre_region *region)
{
    forget_child(region);
    acre_region_reset(region, 0);
}

void acre_region_get_stats(const acre_region *region, acre_region_stats *out)
{
    *out = (acre_region_stats){
        .room_bytes = (size_t)(region->end - region->at),
        .spare_bytes = region->spare_bytes,
        .held_bytes = region->held_bytes + region->memory_bytes,
    };
    const unsigned char *at = region->at;
    for (struct region_chunk *chunk = region->chunk; chunk != NULL; chunk = chunk->prev) {
        out->used_bytes += (size_t)(at - region_chunk_start(chunk));
        out->chunks += 1;
        at = chunk->prev != NULL ? chunk->prev->full_at : at;
    }
    if (region->memory != NULL) {
        out->used_bytes = (size_t)(region->at - region->memory);
    }
    for (const struct region_event *event = region->events; event != NULL; event = event->prev) {
        out->events += 1;
    }
}

const char *acre_region_audit(const acre_region *region)
{
    size_t spare_bytes = 0;
    for (const struct region_chunk *chunk = region->spare; chunk != NULL; chunk = chunk->prev) {
        spare_bytes += chunk->committed_bytes;
    }
    size_t held_bytes = spare_bytes;
    for (const struct region_chunk *chunk = region->chunk; chunk != NULL; chunk = chunk->prev) {
        held_bytes += chunk->committed_bytes;
    }
    if (spare_bytes != region->spare_bytes || held_bytes != region->held_bytes) {
        return "the chunks do not add up to the memory held";
    }
    if (region->at > region->end || (size_t)(region->end - region->at) % ACRE_REGION_ALIGN != 0) {
        return "the room is not a whole number of units";
    }
    bool nowhere = region->chunk == NULL && region->memory == NULL;
    if (nowhere ? region->at != NULL || region->end != NULL
                : region->end != region_end_of(region, region->chunk)) {
        return "the end is not that of the newest chunk";
    }
    uint64_t serial = region->serial + 1;
    for (const struct region_event *event = region->events; event != NULL; event = event->prev) {
        if (event->serial >= serial) {
            return "the events are not in their order";
        }
        serial = event->serial;
        if (event->kind == REGION_CHILD && event->child->parent != region) {
            return "a child does not know its parent";
        }
    }
    return NULL;
}
