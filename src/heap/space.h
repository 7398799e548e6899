// space.h - a heap's segments and their pages: slices for slabs, runs for larger blocks, and spare
// room for the heap's own structures.
//
// Every function here takes heap->lock itself and none may be called under it or under a slot's
// lock: they call the page source.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_SPACE_H
#define ACRE_HEAP_SPACE_H

#include "heap/layout.h"

/// A slice whose pages are the caller's; kind stays KIND_PAGES and owner ACRE_SLOT_NONE. slab->fresh
/// says whether it reads as zero. NULL when neither the source nor the limit allows one.
struct slab *space_take_slice(acre_heap *heap);

/// Gives a slice back. Its slab must have limit 0 and no owner already.
void space_give_slice(acre_heap *heap, struct slab *slab);

/// A run of `pages` pages at a multiple of `align_pages` pages, or NULL. *zero says whether it reads
/// as zero.
void *space_take_run(acre_heap *heap, unsigned pages, unsigned align_pages, bool *zero);

/// Marks the live run at `addr` as kept by a slot. Returns its length in pages; 0 if none starts there.
/// Of several who do so at once, by mistake, one gets the length.
unsigned space_keep_run(struct slab *slab, uintptr_t addr);

/// Makes a kept run of `pages` pages live again, for whoever has taken it off its slot's list. False if it
/// is not that.
bool space_revive_run(struct slab *slab, uintptr_t addr, unsigned pages);

/// Frees a kept run. Returns its length in pages.
unsigned space_give_kept(acre_heap *heap, struct slab *slab, uintptr_t addr);

/// Frees kept runs that are linked like free blocks, all under one lock. Returns the sum of their pages.
unsigned space_give_list(acre_heap *heap, acre_block *list);

/// The length in pages of the live run that starts at `addr`; 0 if none does.
unsigned space_run_pages(struct slab *slab, uintptr_t addr);

/// How many pages of the live run at `addr` are more than was asked for.
unsigned space_run_spare(struct slab *slab, uintptr_t addr);

/// Makes the run at `addr` `pages` long without moving it. False if what follows it is not free or
/// memory is short; the run is then unchanged.
bool space_resize_run(acre_heap *heap, struct slab *slab, uintptr_t addr, unsigned pages);

/// Memory for the heap's own structures, zeroed, aligned to LINE_BYTES; never freed before the heap.
/// NULL as for space_take_slice.
void *space_take_spare(acre_heap *heap, size_t bytes);

/// Gives memory back to the source until at most `keep_bytes` of free pages are held, or about
/// `most_bytes` are given back. Returns the bytes given back.
size_t space_purge(acre_heap *heap, size_t keep_bytes, size_t most_bytes);

/// The same as far as a free should go, if the heap holds more free memory than it is allowed.
void space_purge_some(acre_heap *heap);

/// Gives back free memory that the heap need not hold, about as much as `bytes` that the caller is about to
/// map, where frees leave that to a helper.
void space_make_way(acre_heap *heap, size_t bytes);

/// The bytes of free memory that the heap may hold before it purges. Under heap->lock.
size_t space_allowance_locked(acre_heap *heap);

/// Whether `bytes` more may be held; accounts for them if so. Under heap->lock.
bool space_charge_locked(acre_heap *heap, size_t bytes);

/// Releases every segment. Nobody may use the heap any more.
void space_release_all(acre_heap *heap);

#endif
