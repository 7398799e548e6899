// bits.h - powers of two, lowest and highest set bits, overflow-checked sizes. Pure functions.
//
// No compiler builtin here may become a call into the compiler's runtime library, which a kernel or
// a microcontroller does not have: on machines without the instruction the portable halves serve.
// SPDX-License-Identifier: MIT
#ifndef ACRE_BASE_BITS_H
#define ACRE_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The machine word: what bitmaps are made of.
typedef uintptr_t word;

enum { WORD_BITS = (int)(sizeof(word) * __CHAR_BIT__) };

static inline bool is_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

/// Rounds `n` up to a multiple of `align`, a power of two, into *out. False if that overflows;
/// *out is then unchanged.
static inline bool align_up(size_t n, size_t align, size_t *out)
{
    if (n > SIZE_MAX - (align - 1)) {
        return false;
    }
    *out = (n + align - 1) & ~(align - 1);
    return true;
}

/// The same for values that are known not to overflow.
static inline size_t round_up(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

/// Adds into *out. False on overflow; *out is then unspecified.
static inline bool add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/// Multiplies into *out. False on overflow; *out is then unspecified.
/// Small factors, which is nearly all there are, cost no division and no wide multiplication.
static inline bool mul_size(size_t a, size_t b, size_t *out)
{
    const size_t half = (size_t)1 << (sizeof(size_t) * __CHAR_BIT__ / 2);
    *out = a * b;
    if ((a | b) < half || a == 0) {
        return true;
    }
    // a >= 1: the product overflowed exactly if it is less than b added up a times; walk a's bits.
    size_t rest = a;
    size_t part = b;
    size_t sum = 0;
    while (true) {
        if ((rest & 1) != 0 && !add_size(sum, part, &sum)) {
            return false;
        }
        rest >>= 1;
        if (rest == 0) {
            return true;
        }
        if (part > SIZE_MAX / 2) {
            return false;
        }
        part <<= 1;
    }
}

#if defined(__x86_64__) || defined(__aarch64__) || (defined(__riscv_zbb) && __riscv_xlen == 64)

/// Index of the lowest set bit of `n`, which is not 0.
static inline unsigned lowest_bit(word n)
{
    return (unsigned)__builtin_ctzll(n);
}

/// Index of the highest set bit of `n`, which is not 0.
static inline unsigned highest_bit(word n)
{
    return 63u - (unsigned)__builtin_clzll(n);
}

#else

static inline unsigned highest_bit(word n)
{
    unsigned at = 0;
    for (unsigned step = WORD_BITS / 2; step != 0; step /= 2) {
        if ((n >> step) != 0) {
            n >>= step;
            at += step;
        }
    }
    return at;
}

static inline unsigned lowest_bit32(uint32_t n);

static inline unsigned lowest_bit(word n)
{
    const uint32_t low = (uint32_t)n;
    return low != 0 ? lowest_bit32(low) : 32 + lowest_bit32((uint32_t)((uint64_t)n >> 32));
}

#endif

#if defined(__x86_64__) || defined(__aarch64__) || defined(__ARM_FEATURE_CLZ) ||                   \
    defined(__wasm__) || defined(__riscv_zbb)

/// Index of the lowest set bit of `n`, which is not 0: one or two instructions.
static inline unsigned lowest_bit32(uint32_t n)
{
    return (unsigned)__builtin_ctz(n);
}

/// Index of the highest set bit of `n`, which is not 0.
static inline unsigned highest_bit32(uint32_t n)
{
    return 31u - (unsigned)__builtin_clz(n);
}

#else

// A number with one bit set shifts the constant so that its top five bits tell which: each of the 32
// values stands in it once (de Bruijn). No branch, so the time is the same for every number.
static inline unsigned lowest_bit32(uint32_t n)
{
    static const uint8_t place[32] = {0,  1,  28, 2,  29, 14, 24, 3, 30, 22, 20, 15, 25, 17, 4,  8,
                                      31, 27, 13, 23, 21, 19, 16, 7, 26, 12, 18, 6,  11, 5,  10, 9};
    return place[(uint32_t)((n & (~n + 1)) * 0x077cb531u) >> 27];
}

static inline unsigned highest_bit32(uint32_t n)
{
    n |= n >> 1;
    n |= n >> 2;
    n |= n >> 4;
    n |= n >> 8;
    n |= n >> 16;
    return lowest_bit32(n - (n >> 1));
}

#endif

/// Number of set bits.
static inline unsigned count_bits(word n)
{
    unsigned count = 0;
    for (; n != 0; n &= n - 1) {
        count += 1;
    }
    return count;
}

#endif
