// huge_parts.c - see huge_parts.h.
//
//   split     [ mapping                ]             compose   [ mapping ]......    [ kept ]   [ kept    ]
//             [ block     ][ kept      ]                       [ mapping |  new        ]     remap
//             no call to the source                            [ mapping | kept | kept ]  [ kept ]   move, twice
//
// A block is composed of the largest kept mapping, which is made longer, and of others, whose memory is moved into
// what is new; of the last as much as is wanted. So kept memory is used before any is faulted in, whatever the
// sizes. A system may refuse to resize several mappings as one: a composed block grows into what is kept
// (huge_grow.c), or is copied. When it is freed its mappings are kept one by one.
// Only memory that was used is worth that: a mapping that reads as zero, mostly, is resized as a whole.
//
// Where a move is refused the addresses that it was to go to are lost (acre/pages.h): the mapping is then what it was
// before, and what had been moved is kept again. That heap composes no more blocks.
//
// Mappings cost the system something each: none is smaller than huge_part_bytes_min, a block has at most PARTS_MAX, and
// all blocks together have at most HUGE_PARTS_MAX more than one each.
// SPDX-License-Identifier: MIT
#include "heap/huge_parts.h"

#include "heap/huge.h"
#include "heap/huge_kept.h"

enum { PARTS_MAX = 8, HUGE_PARTS_MAX = 256 };

SLOW bool huge_split(acre_heap *heap, struct slab *huge, size_t bytes)
{
    const size_t rest_bytes = huge->block_bytes - bytes;
    struct slab *rest = rest_bytes < huge_part_bytes_min ? NULL : huge_descriptor_take(heap);
    if (rest == NULL) {
        return false;
    }
    rest->base = huge->base + bytes;
    rest->block_bytes = rest_bytes;
    rest->fresh = huge->fresh;
    rest->origin = huge->origin;
    acre_port_lock_take(&heap->lock);
    huge->block_bytes = bytes;
    huge_keep_locked(heap, rest);
    acre_port_lock_drop(&heap->lock);
    return true;
}

/// What is used of a kept mapping for a part of at most `bytes`, so that its rest is not too small; less than
/// huge_part_bytes_min: it is of no use.
SLOW static size_t use_of(size_t have_bytes, size_t bytes)
{
    if (have_bytes <= bytes) {
        return have_bytes;
    }
    return have_bytes - bytes >= huge_part_bytes_min ? bytes : have_bytes - huge_part_bytes_min;
}

/// Takes a kept mapping of at most `bytes`, or cuts one to that. NULL if there is none of use.
SLOW static struct slab *take_kept_piece(acre_heap *heap, size_t bytes)
{
    struct slab *piece = huge_kept_take_dense(heap, bytes);
    if (piece == NULL) {
        return NULL;
    }
    const size_t use_bytes = use_of(piece->block_bytes, bytes);
    if (use_bytes >= huge_part_bytes_min &&
        (use_bytes == piece->block_bytes || huge_split(heap, piece, use_bytes))) {
        return piece;
    }
    acre_port_lock_take(&heap->lock);
    huge_keep_locked(heap, piece);
    acre_port_lock_drop(&heap->lock);
    return NULL;
}

/// Moves a piece, which is on no list, to the end of what a mapping was made longer by; what was there is gone.
SLOW static bool move_piece(acre_heap *heap, struct slab *huge, struct slab *piece, uintptr_t end)
{
    acre_pages *pages = heap->pages;
    const size_t bytes = piece->block_bytes;
    const uintptr_t addr = end - bytes;
    if (pages->move(pages, (void *)piece->base, bytes, (void *)addr) != ACRE_OK) {
        return false;
    }
    acre_port_lock_take(&heap->lock);
    heap->held_bytes -= bytes;
    heap->reserved_bytes -= bytes;
    heap->huge_parts += 1;
    huge_new_origin_locked(heap, piece);
    acre_port_lock_drop(&heap->lock);
    piece->base = addr;
    piece->fresh = false;
    huge->fresh = false;
    piece->behind = huge->behind;
    huge->behind = piece;
    return true;
}

/// After the move of a piece was refused: the mapping ends before the addresses that are lost, all that was moved
/// before is kept.
SLOW static void take_apart(acre_heap *heap, struct slab *huge, struct slab *piece, uintptr_t end)
{
    acre_port_lock_take(&heap->lock);
    heap->move_refused = true;
    heap->held_bytes -= piece->block_bytes;
    heap->reserved_bytes -= piece->block_bytes;
    struct slab *part = huge_detach_locked(heap, huge);
    huge->block_bytes = end - piece->block_bytes - huge->base;
    while (part != NULL) {
        struct slab *rest = huge_detach_locked(heap, part);
        huge_keep_locked(heap, part);
        part = rest;
    }
    huge_keep_locked(heap, piece);
    acre_port_lock_drop(&heap->lock);
}

/// Whether one more block may be composed, and there is something to compose it of.
SLOW static bool may_compose(acre_heap *heap)
{
    acre_port_lock_take(&heap->lock);
    const bool may = !heap->move_refused && heap->huge_parts < HUGE_PARTS_MAX &&
                     !list_is_empty(&heap->huge_cached);
    acre_port_lock_drop(&heap->lock);
    return may;
}

SLOW bool huge_compose(acre_heap *heap, struct slab *huge, size_t bytes)
{
    const size_t old_bytes = huge->block_bytes;
    // Until they have been moved, pieces are charged twice. Where the limit forbids that, they make room instead.
    if (!may_compose(heap) || !huge_remap(heap, huge, bytes, HUGE_REMAP_TO_COMPOSE)) {
        return false;
    }
    // From the end: what no piece is found for stays a part of the mapping that was made longer.
    const uintptr_t start = huge->base + old_bytes;
    uintptr_t end = huge->base + bytes;
    for (unsigned parts = 1; parts < PARTS_MAX && end - start >= huge_part_bytes_min; parts++) {
        struct slab *piece = take_kept_piece(heap, end - start);
        if (piece == NULL) {
            break;
        }
        if (!move_piece(heap, huge, piece, end)) {
            take_apart(heap, huge, piece, end);
            return false;
        }
        end -= piece->block_bytes;
    }
    huge_make_room(heap, end - start);
    return true;
}

/// Releases the mappings of a block from `part` on.
SLOW static void release_chain(acre_heap *heap, struct slab *part)
{
    while (part != NULL) {
        acre_port_lock_take(&heap->lock);
        struct slab *rest = huge_detach_locked(heap, part);
        acre_port_lock_drop(&heap->lock);
        (void)huge_release(heap, part);
        part = rest;
    }
}

SLOW void huge_cut(acre_heap *heap, struct slab *huge, size_t bytes)
{
    const uintptr_t end = huge->base + bytes;
    struct slab *last = huge;
    while (last->behind != NULL && last->behind->base < end) {
        last = last->behind;
    }
    acre_port_lock_take(&heap->lock);
    struct slab *rest = huge_detach_locked(heap, last);
    acre_port_lock_drop(&heap->lock);
    release_chain(heap, rest);
    const size_t last_bytes = end - last->base;
    if (last_bytes < last->block_bytes) {
        (void)huge_remap(heap, last, last_bytes, HUGE_REMAP_IN_PLACE); // refused: it stays longer
    }
    huge->block_bytes = last->base + last->block_bytes - huge->base;
}
