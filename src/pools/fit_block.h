// fit_block.h - a block of a fit heap: its tags, its neighbours, and what the debug form adds.
//
//     | tag | links, if free                     | ...                                 | tag |
//     | tag | [caller asked serial magic]        | payload ...   [guard, to the end]   | tag |
//       ^ block                                    ^ aligned to two words
//
// A tag is the block's size, a multiple of two words, and its state in the bits that are free there. Both
// tags of a block are equal. In front of the first block and behind the last one there is a tag of a
// system block without size, so that no neighbour ever has to be asked whether it exists.
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_FIT_BLOCK_H
#define ACRE_POOLS_FIT_BLOCK_H

#include "acre/fit.h"
#include "base/bits.h"
#include "base/list.h"

enum {
    FIT_WORD = (int)sizeof(size_t),
    FIT_ALIGN = 2 * FIT_WORD,
    FIT_STATE_MASK = FIT_ALIGN - 1,
    FIT_BLOCK_MIN = 4 * FIT_WORD, // two tags and two links
    FIT_GUARD_BYTE = 0xa5,
    FIT_FILL_BYTE = 0xdd,
};

struct fit_block {
    size_t tag;
    struct link link; // of a free block
};

/// In front of the payload in the debug form; a multiple of two words.
struct fit_debug {
    const void *caller;
    size_t asked_bytes;
    size_t serial;
    size_t magic;
};

struct acre_fit {
    struct link free;        // free blocks; their order is the policy's
    struct link *rover;      // policy `next`: where the search goes on; may be the list's head
    struct fit_block *first; // the first block
    struct fit_block *end;   // the tag behind the last one
    size_t debug_bytes;      // of struct fit_debug, or 0
    size_t live_bytes;       // of live blocks, tags included
    size_t peak_bytes;
    size_t serial;
    size_t searches;
    size_t looked_at;
    acre_fit_policy policy;
    unsigned flags;
};

// ---- tags ------------------------------------------------------------------------------------------

static inline size_t block_bytes(const struct fit_block *block)
{
    return block->tag & ~(size_t)FIT_STATE_MASK;
}

static inline acre_fit_state block_state(const struct fit_block *block)
{
    return (acre_fit_state)(block->tag & FIT_STATE_MASK);
}

static inline struct fit_block *block_at(const void *from, size_t offset)
{
    return (struct fit_block *)((uintptr_t)from + offset);
}

static inline struct fit_block *block_next(const struct fit_block *block)
{
    return block_at(block, block_bytes(block));
}

/// The tag at a block's end.
static inline size_t *block_footer(const struct fit_block *block)
{
    return (size_t *)(void *)block_next(block) - 1;
}

/// The block in front, which the word before this one tells the size of.
static inline struct fit_block *block_prev(const struct fit_block *block)
{
    size_t tag = ((const size_t *)(const void *)block)[-1];
    return block_at(block, 0 - (tag & ~(size_t)FIT_STATE_MASK));
}

static inline acre_fit_state block_prev_state(const struct fit_block *block)
{
    return (acre_fit_state)(((const size_t *)(const void *)block)[-1] & FIT_STATE_MASK);
}

static inline void block_set(struct fit_block *block, size_t bytes, acre_fit_state state)
{
    block->tag = bytes | (size_t)state;
    *block_footer(block) = block->tag;
}

// ---- payload ---------------------------------------------------------------------------------------

static inline void *block_payload(const acre_fit *fit, const struct fit_block *block)
{
    return block_at(block, FIT_WORD + fit->debug_bytes);
}

static inline struct fit_block *block_of_payload(const acre_fit *fit, const void *payload)
{
    return block_at(payload, 0 - ((size_t)FIT_WORD + fit->debug_bytes));
}

/// Bytes of payload in a block of a given size.
static inline size_t payload_bytes(const acre_fit *fit, size_t bytes)
{
    return bytes - 2 * (size_t)FIT_WORD - fit->debug_bytes;
}

static inline struct fit_debug *block_debug(const struct fit_block *block)
{
    return (struct fit_debug *)(void *)block_at(block, FIT_WORD);
}

/// A number that only this block has: a copy of it elsewhere is not one.
static inline size_t block_magic(const struct fit_block *block)
{
    return (size_t)0x5ac3e11fu ^ (size_t)(uintptr_t)block;
}

// ---- the list of free blocks (fit_list.c) ------------------------------------------------------------

/// Puts a free block where the policy wants it.
void fit_list_add(acre_fit *fit, struct fit_block *block);
void fit_list_remove(acre_fit *fit, struct fit_block *block);

/// The free block of at least `bytes` that the policy chooses, or NULL.
struct fit_block *fit_list_search(acre_fit *fit, size_t bytes);

/// The largest free block, or NULL.
struct fit_block *fit_list_largest(acre_fit *fit);

// ---- what is checked (fit_check.c) -------------------------------------------------------------------

/// What is wrong with a pointer that is to be a live block, in words for a message; NULL: nothing is.
const char *fit_misuse(const acre_fit *fit, const void *payload);

#endif
