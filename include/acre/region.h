// acre/region.h - a region: blocks of any size, freed all at once or back to a mark.
//
//     chunk:  [ header | block | block | event | block |      free      ]
//                                                      at              end
//
// To allocate is to move a pointer. A block has no header and cannot be freed alone; the last one can
// be resized. A mark remembers a place to go back to. Marks, deferred calls and child regions are
// events: small records in the region itself, in one list, newest first. Rewinding undoes them in
// that order, so what was begun last ends first. A mark that is rewound to, or past, is stale, and using it
// is an error that changes nothing.
//
// A region lies in memory of the caller (acre_region_init), or takes chunks from a page source
// (acre_region_open); with acre/heap_pages.h a heap is a page source. For memory that has two ends and no
// system beneath it there is acre/watermark.h.
//
// Cost, counted by scripts/measure_pools.py: a hit takes 9 instructions on x86-64, its return
// included. Waste: less than ACRE_REGION_ALIGN a block, and what is left of a chunk when the next
// block does not fit into it.
//
// Threads: one at a time for each region, its children included.
// Idea: D. R. Hanson, "Fast allocation and deallocation of memory based on object lifetimes", Software:
// Practice and Experience 20(1), 1990.
// SPDX-License-Identifier: MIT
#ifndef ACRE_REGION_H
#define ACRE_REGION_H

#include "acre/pages.h"

ACRE_BEGIN

/// Every block is at a multiple of this.
#define ACRE_REGION_ALIGN (2 * sizeof(void *))

typedef struct acre_region acre_region;

/// A region. The fields are its own; it must not be moved while it has children.
struct acre_region {
    unsigned char *at;           // where the next block starts
    unsigned char *end;          // of the memory that can be used at once
    struct region_chunk *chunk;  // newest; NULL: none, or memory of the caller
    struct region_chunk *spare;  // kept for later
    struct region_event *events; // newest first
    unsigned char *memory;       // of the caller, or NULL
    size_t memory_bytes;
    acre_pages *pages; // or NULL
    acre_region *parent;
    size_t chunk_bytes;
    size_t reserve_bytes;
    size_t keep_bytes;
    size_t limit_bytes;
    size_t held_bytes;  // committed, in chunks and spare ones
    size_t spare_bytes; // of held_bytes
    uint64_t serial;    // of the newest event that ever was
};

/// What may be chosen when a region is opened. All zero means: every default.
typedef struct acre_region_options {
    size_t chunk_bytes; // taken at a time, rounded up to pages; 0 = 16 pages
    size_t
        reserve_bytes; // addresses reserved for one chunk, committed chunk_bytes at a time, so that
                       // a growing last block need not move; 0 = chunk_bytes
    size_t keep_bytes; // memory kept when a rewind frees chunks; 0 = chunk_bytes
    size_t limit_bytes; // the most memory held at once; 0 = no limit
} acre_region_options;

/// Makes a region in `bytes` of memory of the caller, from which it never grows. Errors:
/// ACRE_BAD_ARGUMENT when `memory` is NULL. Time: constant.
acre_status acre_region_init(acre_region *region, void *memory, size_t bytes) ACRE_MUST_USE;

/// Makes an empty region over a page source, which must outlive it. Takes no memory yet.
///
/// options  NULL means all defaults; not kept
/// Errors   ACRE_BAD_ARGUMENT (no source, sizes that overflow)
acre_status acre_region_open(
    acre_region *region, acre_pages *pages, const acre_region_options *options) ACRE_MUST_USE;

/// Opens a region that is closed when its parent is rewound to an earlier mark, reset or closed. It has
/// its own chunks from the parent's page source.
///
/// child    stays the caller's memory, and there until it is closed; a block of the parent will do
/// Errors   ACRE_BAD_ARGUMENT (as acre_region_open; the parent has memory of the caller),
///          ACRE_NO_MEMORY (the parent has no room for the event)
acre_status acre_region_open_child(
    acre_region *parent, acre_region *child, const acre_region_options *options) ACRE_MUST_USE;

/// Gives a child to another parent, which must not be a child of it. Errors: ACRE_BAD_ARGUMENT (no
/// child), ACRE_NO_MEMORY; nothing is changed then. Time: one step for each event of the old parent.
acre_status acre_region_move(acre_region *child, acre_region *parent) ACRE_MUST_USE;

/// Runs what was deferred, closes children, and gives all memory back. The region is then as after
/// acre_region_open, or acre_region_init, but belongs to no parent. Time: one step for each event and
/// chunk.
void acre_region_close(acre_region *region);

/// The slow half of acre_region_alloc: takes more memory. Not for callers.
void *acre_region_alloc_more(acre_region *region, size_t size) ACRE_ALLOC(2);

/// Returns `size` bytes at a multiple of `align`, a power of two; else as acre_region_alloc. NULL also
/// when `align` is not a power of two.
void *acre_region_aligned(acre_region *region, size_t align, size_t size) ACRE_ALLOC(3);

/// Returns `count` * `size` bytes that are zero, or NULL, also when the product overflows.
void *acre_region_zeroed(acre_region *region, size_t count, size_t size) ACRE_MUST_USE;

/// Returns a copy of `bytes` bytes, or NULL.
void *acre_region_copy(acre_region *region, const void *from, size_t bytes) ACRE_MUST_USE;

/// Returns a copy of a string, its NUL included, or NULL.
char *acre_region_text(acre_region *region, const char *from) ACRE_MUST_USE;

/// Resizes a block in place. Only the last one can grow, and only it gives memory back when it
/// shrinks; to shrink another is allowed and gains nothing.
///
/// old_bytes  the size the block has: that of its allocation or of its last resizing
/// Errors     ACRE_NO_MEMORY (no room behind it), ACRE_BAD_ARGUMENT (it would have to grow and is not the
///            last); nothing is changed then
acre_status acre_region_resize(acre_region *region, void *block, size_t old_bytes, size_t new_bytes)
    ACRE_MUST_USE;

/// Resizes a block in place, or copies it to a new one; the old one then stays until it is rewound.
/// Returns the block or NULL with nothing changed. NULL as `block` means acre_region_alloc.
void *acre_region_realloc(acre_region *region, void *block, size_t old_bytes, size_t new_bytes)
    ACRE_ALLOC(4);

/// A place in a region to go back to.
typedef struct acre_mark {
    const acre_region *region;
    uint64_t serial;
} acre_mark;

/// Marks where the region is. Errors: ACRE_NO_MEMORY; *mark is unchanged then. Time: an allocation of
/// 40 bytes.
acre_status acre_region_mark(acre_region *region, acre_mark *mark) ACRE_MUST_USE;

/// Goes back to a mark: frees all blocks since, runs what was deferred since, newest first, and closes
/// children that were opened since. The mark is used up by that, as are all later ones.
///
/// Errors  ACRE_BAD_ARGUMENT: the mark is stale or another region's; nothing is changed then
/// Time    one step for each event and chunk since the mark
acre_status acre_region_rewind(acre_region *region, acre_mark mark) ACRE_MUST_USE;

/// What is called for acre_region_defer. It may read the region's blocks; it must not use the region.
typedef void acre_region_cleanup(void *argument);

/// Has `cleanup` called with `argument` when the region is rewound past here, reset or closed. *id, unless
/// `id` is NULL, is set for acre_region_undefer. Errors: ACRE_NO_MEMORY; *id is unchanged then.
acre_status acre_region_defer(
    acre_region *region, acre_region_cleanup *cleanup, void *argument, uint64_t *id) ACRE_MUST_USE;

/// Takes a deferred call back. Errors: ACRE_BAD_ARGUMENT: there is none with this id. Time: one step
/// for each later event.
acre_status acre_region_undefer(acre_region *region, uint64_t id) ACRE_MUST_USE;

/// Frees all blocks as if rewound to the beginning, and keeps at most `keep_bytes` of the memory for
/// what comes next: 0 gives all back, the chunk_bytes that it was opened with keep one chunk, SIZE_MAX
/// keeps all. Every mark is stale then.
void acre_region_reset(acre_region *region, size_t keep_bytes);

/// Numbers of a region, in bytes but where said.
typedef struct acre_region_stats {
    size_t used_bytes; // from the start of each chunk to its last block: blocks, events and padding
    size_t room_bytes; // behind the last block, to be had without more memory
    size_t spare_bytes; // memory kept for later
    size_t held_bytes;  // all memory held: from the page source, or given by the caller
    size_t chunks;      // a number
    size_t events;      // a number: marks, deferred calls and children
} acre_region_stats;

/// Fills `out`. Time: one step for each chunk and event.
void acre_region_get_stats(const acre_region *region, acre_region_stats *out);

/// Checks every invariant. Returns NULL if all hold, else a sentence naming the broken one. For tests
/// and debuggers. Time: one step for each chunk and event.
const char *acre_region_audit(const acre_region *region) ACRE_MUST_USE;

/// A growing object: bytes that are appended piece by piece and lie in one block at the end. While it
/// grows, the region may be used as usual; the object moves then when it must.
typedef struct acre_grow {
    acre_region *region;
    unsigned char *start; // NULL while there is none
    size_t bytes;         // so far
    size_t capacity_bytes;
} acre_grow;

/// Begins an object of no bytes. Time: constant.
void acre_grow_begin(acre_grow *grow, acre_region *region);

/// Appends `bytes` bytes; NULL as `from` leaves them indeterminate. Errors: ACRE_NO_MEMORY; the object
/// is then as it was. Time: the bytes; when the object must move, its bytes, at most once for each
/// doubling.
acre_status acre_grow_append(acre_grow *grow, const void *from, size_t bytes) ACRE_MUST_USE;

/// Ends the object and returns its block, with no room left behind it if it is the region's last; NULL
/// if it has no bytes. The object is then as after acre_grow_begin.
void *acre_grow_finish(acre_grow *grow);

/// Two regions to work in, for one thread: a function that is given a region for its result takes the
/// other one for what it needs meanwhile.
typedef struct acre_scratch {
    acre_region region[2];
} acre_scratch;

/// Opens both. Errors: as acre_region_open.
acre_status acre_scratch_open(
    acre_scratch *scratch, acre_pages *pages, const acre_region_options *options) ACRE_MUST_USE;

/// The first of the two that is none of `count` regions in use; NULL if both are. Mark it before use
/// and rewind it after.
acre_region *acre_scratch_pick(
    acre_scratch *scratch, const acre_region *const *in_use, size_t count) ACRE_MUST_USE;

/// Closes both.
void acre_scratch_close(acre_scratch *scratch);

ACRE_END

/// Returns a block of `size` bytes at a multiple of ACRE_REGION_ALIGN, or NULL when the region has no
/// room and can take no memory; it is unchanged then. The contents are indeterminate. A size of 0 yields
/// a block of its own.
///
/// Time: 9 instructions on x86-64; else a chunk from the page source.
__attribute__((alloc_size(2), warn_unused_result)) static inline void *acre_region_alloc(
    acre_region *region, size_t size)
{
    unsigned char *block = region->at;
    // Room is a multiple of the alignment, so what fits also fits when it is rounded up; 0 wraps and
    // does not fit. Nothing is added to `size` before it is known to be small.
    if (__builtin_expect(size - 1 >= (size_t)(region->end - block), 0)) {
        return acre_region_alloc_more(region, size);
    }
    region->at = block + ((size + ACRE_REGION_ALIGN - 1) & ~(ACRE_REGION_ALIGN - 1));
    return block;
}

#endif
