// huge_grow.h - how a huge block grows into kept memory.
//
//   absorb   [ block ][ kept          ]               change   [ block ]      [ kept                 ]
//            [ block          ][ kept ]                        [ kept  ]      [ block         ][ kept ]
//            no call to the source                             its contents are copied
//
// Only with ACRE_PORT_MOVE, over sources that have acre_pages.move. No lock may be held.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_HUGE_GROW_H
#define ACRE_HEAP_HUGE_GROW_H

#include "heap/layout.h"

/// Makes a block that is on no list and not in the map at least `bytes` long with memory that is kept. False: that
/// is not enough; it may have grown nevertheless.
bool huge_grow(acre_heap *heap, struct slab *huge, size_t bytes);

#endif
