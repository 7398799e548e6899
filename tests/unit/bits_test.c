// bits_test.c - what base/bits.h promises.
// SPDX-License-Identifier: MIT
#include "base/bits.h"

#include "t.h"

static void is_power_of_two_knows_all_of_them(void)
{
    T_EXPECT(!is_power_of_two(0));
    for (size_t power = 1; power != 0; power *= 2) {
        T_EXPECT(is_power_of_two(power));
        T_EXPECT(power < 2 || is_power_of_two(power + 1) == (power == 1));
        T_EXPECT(power < 4 || !is_power_of_two(power - 1));
    }
}

static void align_up_rounds_up_or_refuses(void)
{
    size_t out = 99;
    T_EXPECT(align_up(0, 16, &out) && out == 0);
    T_EXPECT(align_up(1, 16, &out) && out == 16);
    T_EXPECT(align_up(16, 16, &out) && out == 16);
    T_EXPECT(align_up(17, 1, &out) && out == 17);
    T_EXPECT(align_up(SIZE_MAX - 15, 16, &out) && out == SIZE_MAX - 15);
    out = 99;
    T_EXPECT(!align_up(SIZE_MAX - 14, 16, &out) && out == 99);
    T_EXPECT(!align_up(SIZE_MAX, 4096, &out) && out == 99);
    T_EXPECT(round_up(4097, 4096) == 8192 && round_up(4096, 4096) == 4096);
}

static void add_size_finds_overflow(void)
{
    size_t out;
    T_EXPECT(add_size(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
    T_EXPECT(!add_size(SIZE_MAX, 1, &out));
    T_EXPECT(!add_size(SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1, &out));
}

/// The definition: a product overflows if dividing it does not give back the factor.
static bool product_fits(size_t a, size_t b)
{
    return a == 0 || b <= SIZE_MAX / a;
}

static void mul_size_agrees_with_division(void)
{
    const size_t half = (size_t)1 << (sizeof(size_t) * 4);
    const size_t edges[] = {
        0,
        1,
        2,
        3,
        7,
        10,
        half / 3,
        half - 1,
        half,
        half + 1,
        half * 3,
        SIZE_MAX / 10,
        SIZE_MAX / 3,
        SIZE_MAX / 2,
        SIZE_MAX / 2 + 1,
        SIZE_MAX - 1,
        SIZE_MAX};
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        for (size_t k = 0; k < sizeof(edges) / sizeof(edges[0]); k++) {
            size_t out;
            bool fits = mul_size(edges[i], edges[k], &out);
            T_EXPECT(fits == product_fits(edges[i], edges[k]));
            T_EXPECT(!fits || out == edges[i] * edges[k]);
        }
    }
}

static void mul_size_agrees_with_division_on_random_factors(void)
{
    size_t a = 88172645463325252u % SIZE_MAX;
    for (unsigned i = 0; i < 200000; i++) {
        a ^= a << 13;
        a ^= a >> 7;
        a ^= a << 17;
        size_t x = a >> i % (sizeof(size_t) * 8);
        size_t y = (a * 0x9e3779b9u) >> i / 64 % (sizeof(size_t) * 8);
        size_t out;
        bool fits = mul_size(x, y, &out);
        T_EXPECT(fits == product_fits(x, y) && (!fits || out == x * y));
    }
}

static void lowest_and_highest_bit_find_every_bit(void)
{
    for (unsigned i = 0; i < (unsigned)WORD_BITS; i++) {
        word bit = (word)1 << i;
        T_EXPECT(lowest_bit(bit) == i && highest_bit(bit) == i);
        T_EXPECT(lowest_bit(~(word)0 << i) == i);
        T_EXPECT(highest_bit(bit | (bit - 1)) == i);
        T_EXPECT(count_bits(bit - 1) == i);
    }
    T_EXPECT(count_bits(~(word)0) == (unsigned)WORD_BITS);
}

T_MAIN(
    T_CASE(is_power_of_two_knows_all_of_them), T_CASE(align_up_rounds_up_or_refuses),
    T_CASE(add_size_finds_overflow), T_CASE(mul_size_agrees_with_division),
    T_CASE(mul_size_agrees_with_division_on_random_factors),
    T_CASE(lowest_and_highest_bit_find_every_bit))
