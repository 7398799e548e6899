// bitmap.h - runs of set bits in an array of words. Bit i is bit i % WORD_BITS of word i / WORD_BITS.
//
// Ranges are [first, first + count). No bounds are checked: the caller knows its size. No locks.
// SPDX-License-Identifier: MIT
#ifndef ACRE_BASE_BITMAP_H
#define ACRE_BASE_BITMAP_H

#include "base/bits.h"

/// A word with the `count` bits from `first` on set; both within one word, count at least 1.
static inline word bitmap_mask(unsigned first, unsigned count)
{
    return (~(word)0 >> ((unsigned)WORD_BITS - count)) << first;
}

static inline bool bitmap_test(const word *bits, unsigned at)
{
    return (bits[at / WORD_BITS] >> (at % WORD_BITS) & 1) != 0;
}

/// The first bit at or after `from` and before `end` whose value is that of `set`; else `end`.
unsigned bitmap_next(const word *bits, bool set, unsigned from, unsigned end);

/// One more than the last bit before `end` whose value is that of `set`; 0 if there is none.
static inline unsigned bitmap_last(const word *bits, bool set, unsigned end)
{
    word flip = set ? 0 : ~(word)0;
    while (end > 0) {
        unsigned in_word = (end - 1) % WORD_BITS + 1;
        word rest = (bits[(end - 1) / WORD_BITS] ^ flip) & bitmap_mask(0, in_word);
        if (rest != 0) {
            return (end - 1) / WORD_BITS * WORD_BITS + highest_bit(rest) + 1;
        }
        end -= in_word;
    }
    return 0;
}

/// Sets or clears a range.
void bitmap_fill(word *bits, unsigned first, unsigned count, bool set);

/// Number of set bits in a range.
unsigned bitmap_count(const word *bits, unsigned first, unsigned count);

#endif
