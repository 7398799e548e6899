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
static inline unsigned bitmap_next(const word *bits, bool set, unsigned from, unsigned end)
{
    word flip = set ? 0 : ~(word)0;
    while (from < end) {
        word rest = (bits[from / WORD_BITS] ^ flip) >> (from % WORD_BITS);
        if (rest != 0) {
            from += lowest_bit(rest);
            return from < end ? from : end;
        }
        from = (from / WORD_BITS + 1) * WORD_BITS;
    }
    return end;
}

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

static inline void bitmap_fill(word *bits, unsigned first, unsigned count, bool set)
{
    while (count > 0) {
        unsigned at = first % WORD_BITS;
        unsigned part = WORD_BITS - at < count ? WORD_BITS - at : count;
        word mask = bitmap_mask(at, part);
        word *here = &bits[first / WORD_BITS];
        *here = set ? *here | mask : *here & ~mask;
        first += part;
        count -= part;
    }
}

/// Number of set bits in a range.
static inline unsigned bitmap_count(const word *bits, unsigned first, unsigned count)
{
    unsigned sum = 0;
    while (count > 0) {
        unsigned at = first % WORD_BITS;
        unsigned part = WORD_BITS - at < count ? WORD_BITS - at : count;
        sum += count_bits(bits[first / WORD_BITS] & bitmap_mask(at, part));
        first += part;
        count -= part;
    }
    return sum;
}

#endif
