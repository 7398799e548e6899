// region.h - what the files of the region share: chunks and events.
//
//     region -> chunk -> older chunk -> ...        spare -> spare -> ...
//            -> newest event -> older event -> ... (records between the blocks)
//
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_REGION_H
#define ACRE_POOLS_REGION_H

#include "acre/region.h"
#include "base/bits.h"

/// The header of a chunk, at its start.
struct region_chunk {
    struct region_chunk *prev; // the next older one, or the next spare one
    size_t reserved_bytes;
    size_t committed_bytes; // from the start of the header
    unsigned char *full_at; // where the region was when it left the chunk for a newer one
};

enum { REGION_HEADER_BYTES = (sizeof(struct region_chunk) + 15) / 16 * 16 };

enum region_event_kind {
    REGION_MARK,
    REGION_CLEANUP,
    REGION_CHILD,
    REGION_CANCELLED, // was one of the others
};

struct region_event {
    struct region_event *prev; // the next older one
    uint64_t serial;           // grows with each event of a region
    enum region_event_kind kind;
    union {
        struct {
            struct region_chunk *chunk;
            unsigned char *at;
        } mark;
        struct {
            acre_region_cleanup *call;
            void *argument;
        } cleanup;
        acre_region *child;
    };
};

static inline unsigned char *region_chunk_start(struct region_chunk *chunk)
{
    return (unsigned char *)chunk + REGION_HEADER_BYTES;
}

/// Where the region's memory ends in a chunk; in no chunk: that of the caller.
static inline unsigned char *region_end_of(const acre_region *region, struct region_chunk *chunk)
{
    return chunk != NULL ? (unsigned char *)chunk + chunk->committed_bytes
                         : region->memory + region->memory_bytes;
}

/// Commits more of the newest chunk, so that there is room for `need` bytes where the region is. False:
/// it has no such addresses, or there is no memory; nothing changed.
bool region_commit_room(acre_region *region, size_t need);

/// Adds an event. NULL: no memory, nothing changed.
struct region_event *region_event_add(acre_region *region, enum region_event_kind kind);

/// Undoes all events that are newer than `until`, newest first. NULL: all.
void region_undo(acre_region *region, const struct region_event *until);

/// Leaves chunks newer than `until`. Keeps at most `keep_bytes` of memory in spare ones.
void region_leave_chunks(acre_region *region, struct region_chunk *until, size_t keep_bytes);

#endif
