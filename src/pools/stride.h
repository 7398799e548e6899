// stride.h - from an address in an array of equal blocks to the block's index, and whether it is a
// block's start at all, by one multiplication and one rotation.
//
// Let bytes = odd * 2^twos. Modulo 2^w an odd number has an inverse, so for a multiple of `bytes`
//
//     index = rotate_right(offset * inverse(odd), twos)
//
// is the exact quotient. For every other offset the result is greater than (2^w - 1) / bytes, hence
// not below the number of blocks of any array that fits in the address space: multiplying by an odd
// number and rotating are one-to-one, and the multiples already take all results up to that bound.
// An address before the array wraps and is refused in the same way. So one compare with the count
// answers three questions: inside, aligned to a block, which block. The test for divisibility is from
// T. Granlund and P. L. Montgomery, "Division by invariant integers using multiplication", PLDI 1994,
// section 9. Nothing here divides, so nothing calls a compiler's runtime.
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_STRIDE_H
#define ACRE_POOLS_STRIDE_H

#include "base/bits.h"

/// The inverse of the odd part of `bytes`, which is not 0, modulo 2^w; *twos is set to the power of
/// two that was taken out.
static inline word stride_inverse(word bytes, unsigned *twos)
{
    *twos = lowest_bit(bytes);
    word odd = bytes >> *twos;
    // Newton: right in the lowest 3 bits to begin with, and each round doubles them: 5 rounds make 96.
    word inverse = odd;
    for (unsigned round = 0; round < 5; round++) {
        inverse *= 2 - odd * inverse;
    }
    return inverse;
}

/// The index of the block at `offset` bytes from the first; at least the number of blocks if no
/// block starts there.
static inline word stride_index(word offset, word inverse, unsigned twos)
{
    word product = offset * inverse;
    return product >> twos | product << ((WORD_BITS - twos) & (WORD_BITS - 1));
}

/// `n` / `d` without a division; d is not 0. For setting up: a step for each bit.
static inline word stride_quotient(word n, word d)
{
    word quotient = 0;
    for (unsigned bit = WORD_BITS; bit-- > 0;) {
        if (n >> bit >= d) {
            n -= d << bit;
            quotient |= (word)1 << bit;
        }
    }
    return quotient;
}

#endif
