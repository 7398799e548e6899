// bitmap_test.c - what base/bitmap.h promises, each function against one that looks bit by bit.
// SPDX-License-Identifier: MIT
#include "base/bitmap.h"

#include "t.h"

enum { BITS = 3 * WORD_BITS };

static word bits[3];

/// A few patterns: none, all, alternating, runs around the words' edges, and random ones.
static void paint(unsigned pattern)
{
    uint64_t noise = 0x9e3779b97f4a7c15u * (pattern + 1);
    for (unsigned i = 0; i < 3; i++) {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        const word runs = (word)0xff << (WORD_BITS - 8) | 0xf;
        const word choices[] = {0, ~(word)0, ~(word)0 / 3, runs, (word)noise & (word)(noise >> 9)};
        bits[i] = choices[pattern < 4 ? pattern : 4];
    }
}

static unsigned next_bit_by_bit(bool set, unsigned from, unsigned end)
{
    while (from < end && bitmap_test(bits, from) != set) {
        from++;
    }
    return from < end ? from : end;
}

static unsigned last_bit_by_bit(bool set, unsigned end)
{
    while (end > 0 && bitmap_test(bits, end - 1) != set) {
        end--;
    }
    return end;
}

static void bitmap_test_reads_each_bit(void)
{
    paint(0);
    for (unsigned i = 0; i < (unsigned)BITS; i++) {
        bits[i / WORD_BITS] = (word)1 << i % WORD_BITS;
        T_EXPECT(bitmap_test(bits, i));
        T_EXPECT(bitmap_next(bits, true, 0, BITS) == i && bitmap_last(bits, true, BITS) == i + 1);
        bits[i / WORD_BITS] = 0;
        T_EXPECT(!bitmap_test(bits, i));
    }
}

static void bitmap_next_finds_the_first_of_its_value(void)
{
    for (unsigned pattern = 0; pattern < 12; pattern++) {
        paint(pattern);
        for (unsigned from = 0; from <= (unsigned)BITS; from++) {
            for (unsigned end = from; end <= (unsigned)BITS; end += 1 + from % 3) {
                T_EXPECT(bitmap_next(bits, true, from, end) == next_bit_by_bit(true, from, end));
                T_EXPECT(bitmap_next(bits, false, from, end) == next_bit_by_bit(false, from, end));
            }
        }
    }
}

static void bitmap_last_finds_the_last_of_its_value(void)
{
    for (unsigned pattern = 0; pattern < 12; pattern++) {
        paint(pattern);
        for (unsigned end = 0; end <= (unsigned)BITS; end++) {
            T_EXPECT(bitmap_last(bits, true, end) == last_bit_by_bit(true, end));
            T_EXPECT(bitmap_last(bits, false, end) == last_bit_by_bit(false, end));
        }
    }
}

static void bitmap_fill_changes_its_range_only(void)
{
    for (unsigned first = 0; first < (unsigned)BITS; first += 3) {
        for (unsigned count = 0; first + count <= (unsigned)BITS; count += 5) {
            for (unsigned set = 0; set < 2; set++) {
                paint(set == 0 ? 1 : 0);
                bitmap_fill(bits, first, count, set != 0);
                for (unsigned i = 0; i < (unsigned)BITS; i++) {
                    bool inside = i >= first && i < first + count;
                    T_EXPECT(bitmap_test(bits, i) == (inside == (set != 0)));
                }
            }
        }
    }
}

static void bitmap_count_counts_its_range_only(void)
{
    for (unsigned pattern = 0; pattern < 12; pattern++) {
        paint(pattern);
        for (unsigned first = 0; first <= (unsigned)BITS; first += 7) {
            unsigned sum = 0;
            for (unsigned end = first; end <= (unsigned)BITS; end++) {
                T_EXPECT(bitmap_count(bits, first, end - first) == sum);
                sum += end < (unsigned)BITS && bitmap_test(bits, end) ? 1 : 0;
            }
        }
    }
}

T_MAIN(
    T_CASE(bitmap_test_reads_each_bit), T_CASE(bitmap_next_finds_the_first_of_its_value),
    T_CASE(bitmap_last_finds_the_last_of_its_value), T_CASE(bitmap_fill_changes_its_range_only),
    T_CASE(bitmap_count_counts_its_range_only))
