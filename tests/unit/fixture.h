// fixture.h - what tests of the heap share: one page source, one heap, and blocks with contents.
//
//     heap_open();                      a fresh heap on a fresh source; also forgets the last case's
//     ... T_EXPECT_SOUND(acre_heap_audit(subject)); ...
//     T_EXPECT_SOUND(heap_close());     audit, destroy, and nothing may be left of it
//
// SPDX-License-Identifier: MIT
#ifndef ACRE_UNIT_FIXTURE_H
#define ACRE_UNIT_FIXTURE_H

#include "acre/heap.h"
#include "acre_port.h"
#include "heap/layout.h"
#include "pages_sim.h"
#include "t.h"

extern struct pages_sim sim;
extern acre_heap *subject; // the heap under test

/// Where a heap is to live. All zero but page_bytes means the defaults.
struct site {
    size_t page_bytes;
    bool no_remap;
    bool no_move;
    acre_heap_options options;
};

/// A heap on pages of 4 KiB that can be remapped and moved, without options.
void heap_open(void);

/// A heap at a given site; NULL in `subject` if it cannot be created.
void heap_open_at(const struct site *site);

/// Audits and destroys the heap. NULL, or what is wrong.
const char *heap_close(void);

/// What is wrong with the source after everything was destroyed; NULL if nothing.
const char *source_left_over(void);

/// Contents that belong to one block: every word tells its seed and its place.
void block_fill(void *block, size_t bytes, uint64_t seed);
bool block_holds(const void *block, size_t bytes, uint64_t seed);
bool block_is_zero(const void *block, size_t bytes);

/// The slab of a small block, the slice of a run or the descriptor of a huge block.
struct slab *slab_at(const void *block);

/// Allocates `count` blocks of `size` bytes into `blocks`. Returns how many there were before memory
/// ran out.
size_t alloc_many(void **blocks, size_t count, size_t size);
void free_many(void **blocks, size_t count);

/// Runs on another slot for one call: what the scheduler does between operations.
void *alloc_on(unsigned slot, size_t size);
void free_on(unsigned slot, void *block);

/// A small generator: the same numbers everywhere. xorshift64*.
uint64_t random_next(uint64_t *state);
/// A number below `bound`.
size_t random_below(uint64_t *state, size_t bound);

/// acre_heap_free of a context, for sim_catch.
void free_in_heap(void *block);

#endif
