// bitmap.c - the loops of bitmap.h, a word at a time. Functions, because each is called from several places of
// slow paths: inlined they were a twentieth of the heap's code.
// SPDX-License-Identifier: MIT
#include "base/bitmap.h"

unsigned bitmap_next(const word *bits, bool set, unsigned from, unsigned end)
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

void bitmap_fill(word *bits, unsigned first, unsigned count, bool set)
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

unsigned bitmap_count(const word *bits, unsigned first, unsigned count)
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
