// acre/heap_pages.h - a page source whose memory comes from a heap, so that everything that lives on
// a page source can live in a heap: under its limit, in its statistics, gone with it.
//
// Each reserve is one block of the heap, cleared at once. Memory cannot be given back but by release, so
// decommit refuses. A structure that reserves much and commits little (a large pool, a table) takes all
// of it here; regions and caches with small chunks fit best.
//
// Threads: as safe as the heap. The heap itself must not be opened over this source.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_PAGES_H
#define ACRE_HEAP_PAGES_H

#include "acre/heap.h"
#include "acre/pages.h"

ACRE_BEGIN

/// A page source over a heap. The fields are its own.
typedef struct acre_heap_pages {
    acre_pages pages; // first: what is passed on
    acre_heap *heap;
} acre_heap_pages;

/// Makes `source` serve from `heap`, in pages of 64 bytes. Both must outlive whatever is opened over
/// &source->pages. Time: constant.
void acre_heap_pages_init(acre_heap_pages *source, acre_heap *heap);

ACRE_END

#endif
