// acre/heap.h - heaps: blocks of any size, freed in any order, from any thread.
//
// A heap takes memory from a page source (acre/pages.h) and divides it among its callers. A
// process has one heap behind malloc; create more to give a part of a program its own limit, its
// own statistics and an end at which all its blocks are freed at once.
//
// How it works, in one paragraph: memory comes in segments of 64 slices. A slice is cut into equal
// blocks (a slab), or serves runs of whole pages; blocks above 1 MiB have a mapping of their own.
// Blocks that are free wait in lists that belong to a slot, and at most one running thread is on a
// slot at a time, so that the common calls take no lock. docs/architecture.md has the rest.
//
// For every function here: sizes are in bytes. Threads: safe from any thread, except destroy.
// Blocks are aligned to 16 bytes. Nothing here sets errno; the malloc names do (acre/malloc.h).
//
// Misuse: where a call receives a pointer that is not a live block of the heap, the process ends
// with one line that says what was wrong (port.h, acre_port_fatal). In no case do two live blocks
// overlap.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_H
#define ACRE_HEAP_H

#include "acre/pages.h"

ACRE_BEGIN

typedef struct acre_heap acre_heap;

/// What may be chosen when a heap is created. All zero means: every default.
typedef struct acre_heap_options {
    /// The most bytes of memory that the heap may hold at once, its own bookkeeping included.
    /// Counted in whole pages of committed memory. 0 = no limit.
    size_t limit_bytes;

    /// Names the heap for debuggers. Not copied: it must outlive the heap. May be NULL.
    const char *name;

    /// Bytes of memory that the heap's address map covers at full speed: a hint, rounded up. Blocks
    /// beyond it work and are freed more slowly. Costs 1/8192 of it in addresses, and memory only
    /// as it is used. 0 = a default of the port.
    size_t span_bytes;

    /// ACRE_HEAP_* flags, or 0.
    unsigned flags;
} acre_heap_options;

/// Keep free memory instead of giving it back to the page source before destroy or trim.
#define ACRE_HEAP_KEEP 1u

/// Ask the page source for huge pages once the heap is large (32 MiB for each slot). Fewer page faults, where the
/// machine has huge pages at hand; without it the system decides.
#define ACRE_HEAP_HUGE_PAGES 2u

/// Creates an empty heap that takes its memory from `pages`.
///
/// pages    stays the caller's; must outlive the heap
/// options  NULL means all defaults; not kept
/// out      set only on ACRE_OK; end it with acre_heap_destroy
/// Errors   ACRE_BAD_ARGUMENT (no source, a page size out of range, an unknown flag),
///          ACRE_NO_MEMORY (the source is exhausted, or the limit is too small for the heap itself);
///          nothing stays reserved after an error
/// Time     one reserve and one commit
acre_status acre_heap_create(acre_pages *pages, const acre_heap_options *options, acre_heap **out)
    ACRE_MUST_USE;

/// Frees the heap with every block in it. NULL is ignored.
///
/// Threads  no other thread may use the heap during the call or after it
/// Time     one release for each segment and huge block
void acre_heap_destroy(acre_heap *heap);

/// Returns a block of at least `size` bytes, or NULL. The contents are indeterminate.
///
/// size     0 yields a block of its own that must not be read through
/// Errors   NULL when `size` exceeds PTRDIFF_MAX, the limit is reached or the source is exhausted;
///          the heap is unchanged and serves again once memory is freed
/// Time     a pop from a list; else bounded by the work to refill it, plus calls to the source
void *acre_heap_alloc(acre_heap *heap, size_t size) ACRE_ALLOC(2);

/// Returns a block of `count` * `size` bytes that are zero, or NULL as for acre_heap_alloc, and also
/// when the product overflows. Memory known to be zero is not cleared again.
void *acre_heap_calloc(acre_heap *heap, size_t count, size_t size) ACRE_MUST_USE;

/// Returns a block of at least `size` bytes at a multiple of `align`, or NULL.
///
/// align    bytes, any power of two
/// Errors   as for acre_heap_alloc; NULL also when `align` is not a power of two
void *acre_heap_aligned(acre_heap *heap, size_t align, size_t size) ACRE_ALLOC(3);

/// Changes the size of `block`, keeping the contents up to the smaller of the two sizes.
/// Returns the block, moved or not, or NULL with `block` unchanged and still live.
///
/// block    a live block of this heap; NULL means acre_heap_alloc
/// size     0 yields a block of its own, as in acre_heap_alloc
void *acre_heap_realloc(acre_heap *heap, void *block, size_t size) ACRE_ALLOC(3);

/// Frees `block`. NULL is ignored. Time: a push onto a list, or one compare-and-swap.
void acre_heap_free(acre_heap *heap, void *block);

/// Frees `block`, of which the caller says that `size` was its last requested size. A size that
/// does not fit the block is reported as misuse.
void acre_heap_free_sized(acre_heap *heap, void *block, size_t size);

/// The same for a block that came from acre_heap_aligned with this alignment and size.
void acre_heap_free_aligned_sized(acre_heap *heap, void *block, size_t align, size_t size);

/// Bytes that may be used in `block`, at least its requested size. NULL has 0.
size_t acre_heap_usable_size(acre_heap *heap, const void *block) ACRE_MUST_USE;

/// The size that a request of `size` bytes really gets. 0 when it exceeds PTRDIFF_MAX.
size_t acre_heap_good_size(size_t size) ACRE_MUST_USE;

/// Gives free memory back to the page source now, but for `keep_bytes`.
/// Returns the number of bytes given back.
size_t acre_heap_trim(acre_heap *heap, size_t keep_bytes);

/// Sums over a heap, counted by walking it. All but the counters are bytes.
typedef struct acre_heap_stats {
    size_t live_bytes;        // usable bytes of live blocks
    size_t live_blocks;       // live blocks
    size_t small_bytes;       // of live_bytes: in slabs
    size_t run_bytes;         // of live_bytes: runs of pages
    size_t huge_bytes;        // of live_bytes: blocks with a mapping of their own
    size_t huge_blocks;       // of live_blocks
    size_t free_small_bytes;  // carved blocks that are free, in slabs
    size_t virgin_bytes;      // in slabs, not carved into blocks yet
    size_t dirty_free_bytes;  // free pages that still hold memory
    size_t cached_huge_bytes; // huge mappings kept for reuse
    size_t metadata_bytes;    // the heap's own bookkeeping
    size_t committed_bytes;   // all memory the heap holds from its source: what the limit counts
    size_t reserved_bytes;    // addresses the heap holds from its source
    size_t limit_bytes;       // as set at creation; 0 = none
    size_t slots;             // slots that have used the heap
    size_t segments;          // segments held
    size_t aborted_pushes;    // frees that the kernel interrupted and that started again, all heaps
} acre_heap_stats;

/// Fills `out`. Exact while no other thread uses the heap, else approximate; never stops anyone.
/// Time: O(blocks).
void acre_heap_get_stats(acre_heap *heap, acre_heap_stats *out);

/// Called for each live block by acre_heap_walk. Return false to end the walk.
/// It must not allocate from or free to the heap it walks.
typedef bool acre_heap_visitor(void *context, void *block, size_t usable_bytes);

/// Calls `visit` for every live block in address order within each segment. Returns true when every
/// block was visited, false when `visit` ended the walk.
/// Threads: exact while no other thread uses the heap; else blocks may be missed or seen dying.
bool acre_heap_walk(acre_heap *heap, acre_heap_visitor *visit, void *context);

/// Checks every invariant of a heap that no other thread uses. Returns NULL if all hold, else a
/// sentence naming the broken one. For tests and debuggers; acre never calls it. Time: O(blocks).
const char *acre_heap_audit(acre_heap *heap) ACRE_MUST_USE;

ACRE_END

#endif
