// block.h - a free block: a link, and the link again in disguise.
//
//   [ next | next ^ key ^ address | ... ]        free
//   [ data | data                 | ... ]        live; the second word is 0 when malloc returns it
//
// The second word, the tag, serves two tests. malloc, having popped a block, computes what it should be: a
// free block that somebody wrote to, through an overflow of its neighbour or a stale pointer, is found
// before its link is followed any further. free asks whether the block looks free already; the top
// byte of the key answers no for nearly every live block, and the rest of the test for all of them. The
// block's address is part of it so that the two words, copied elsewhere, say nothing there.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_BLOCK_H
#define ACRE_HEAP_BLOCK_H

#include "heap/layout.h"

// The top byte of every key. Addresses have 0 (or, in a kernel, 0xff) there, text has less than 0x80,
// small numbers 0 or 0xff, doubles of usual size 0x3f, 0x40, 0xbf and 0xc0.
enum { KEY_TOP_BYTE = 0xa5 };

/// What XORed with its link is the tag of `block`.
static inline uintptr_t block_mark(const acre_heap *heap, const acre_block *block)
{
    return heap->key ^ (uintptr_t)block;
}

/// Whether a block's two words say that it is free.
static inline bool block_looks_free(const acre_heap *heap, const acre_block *block)
{
    return block->tag == ((uintptr_t)block->next ^ block_mark(heap, block));
}

/// One comparison, to ask before that: it nearly always says no where the top byte tells.
static inline bool block_may_be_free(const acre_block *block)
{
    const unsigned top_byte_at = WORD_BITS - __CHAR_BIT__;
    return !ACRE_PORT_TOP_BYTE_0 || unlikely(block->tag >> top_byte_at == KEY_TOP_BYTE);
}

/// Links `block` before `next`.
static inline void block_link(const acre_heap *heap, acre_block *block, acre_block *next)
{
    block->next = next;
    block->tag = (uintptr_t)next ^ block_mark(heap, block);
}

/// Turns a popped block, whose successor was `next`, into a live one. False if somebody wrote to it.
static inline bool block_revive(const acre_heap *heap, acre_block *block, const acre_block *next)
{
    block->tag ^= (uintptr_t)next ^ block_mark(heap, block);
    return block->tag == 0;
}

/// Ends the process: the block at `addr`, found on a list or popped, was written to while it was free,
/// or it was freed twice and stood there a second time.
_Noreturn void block_report_corrupted(acre_heap *heap, const void *addr);

/// Number of blocks in a list, with its last one; ends the process at a link that is not whole or
/// after more blocks than a slab can have.
unsigned block_count(acre_heap *heap, acre_block *list, acre_block **last);

#endif
