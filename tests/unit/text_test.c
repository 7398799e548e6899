// text_test.c - what base/text.h promises, one case per promise.
// SPDX-License-Identifier: MIT
#include "t.h"
#include "base/text.h"

enum { BUFFER_BYTES = 200, GUARD = 0x5a };

static const size_t kib = 1024;
static const size_t mib = (size_t)1024 * 1024;

// One byte more than any text is told of, to see that it stays untouched.
static char buffer[BUFFER_BYTES + 1];
static struct text text;

static void start(size_t bytes)
{
    for (size_t i = 0; i < sizeof(buffer); i++) {
        buffer[i] = GUARD;
    }
    text_start(&text, buffer, bytes);
}

static bool equals(const char *a, const char *b)
{
    for (; *a != '\0' && *a == *b; a++) {
        b++;
    }
    return *a == *b;
}

/// Whether the text is exactly `expected`, by its NUL and by its length.
static bool reads(const char *expected)
{
    return equals(buffer, expected) && buffer[text_length(&text)] == '\0';
}

static bool decimal_reads(size_t value, const char *expected)
{
    start(BUFFER_BYTES);
    text_add_decimal(&text, value);
    return reads(expected) && !text.truncated;
}

static bool hex_reads(uintptr_t value, const char *expected)
{
    start(BUFFER_BYTES);
    text_add_hex(&text, value);
    return reads(expected) && !text.truncated;
}

static bool bytes_read(size_t value, const char *expected)
{
    start(BUFFER_BYTES);
    text_add_bytes(&text, value);
    return reads(expected) && !text.truncated;
}

static void text_start_is_empty_and_terminated(void)
{
    start(BUFFER_BYTES);
    T_EXPECT(reads("") && text_length(&text) == 0 && !text.truncated);
}

static void text_add_appends(void)
{
    start(BUFFER_BYTES);
    text_add(&text, "one");
    text_add(&text, "");
    text_add(&text, " two");
    T_EXPECT(reads("one two") && text_length(&text) == 7);
}

static void text_add_decimal_writes_every_value(void)
{
    T_EXPECT(decimal_reads(0, "0"));
    T_EXPECT(decimal_reads(7, "7"));
    T_EXPECT(decimal_reads(9, "9"));
    T_EXPECT(decimal_reads(10, "10"));
    T_EXPECT(decimal_reads(99, "99"));
    T_EXPECT(decimal_reads(100, "100"));
    T_EXPECT(decimal_reads(65535, "65535"));
    T_EXPECT(decimal_reads(1000000000, "1000000000"));
    T_EXPECT(decimal_reads(4294967295u, "4294967295"));
    T_EXPECT(decimal_reads(SIZE_MAX, sizeof(size_t) == 8 ? "18446744073709551615" : "4294967295"));
}

/// Whether `value` in decimal means `value` again and has no leading zero.
static bool decimal_reads_back(size_t value)
{
    size_t back = 0;
    start(BUFFER_BYTES);
    text_add_decimal(&text, value);
    for (const char *at = buffer; *at != '\0'; at++) {
        back = back * 10 + (size_t)(*at - '0');
    }
    return back == value && (value == 0 || buffer[0] != '0');
}

static void text_add_decimal_reads_back(void)
{
    for (size_t power = 1; power != 0; power *= 2) {
        T_EXPECT(decimal_reads_back(power - 1));
        T_EXPECT(decimal_reads_back(power));
        T_EXPECT(decimal_reads_back(power + 1));
    }
}

static void text_add_hex_writes_every_value(void)
{
    T_EXPECT(hex_reads(0, "0x0"));
    T_EXPECT(hex_reads(0xf, "0xf"));
    T_EXPECT(hex_reads(0x10, "0x10"));
    T_EXPECT(hex_reads(0xdeadbeef, "0xdeadbeef"));
    T_EXPECT(hex_reads(UINTPTR_MAX, sizeof(uintptr_t) == 8 ? "0xffffffffffffffff" : "0xffffffff"));
}

static void text_add_bytes_chooses_the_unit_and_rounds_down(void)
{
    T_EXPECT(bytes_read(0, "0 B"));
    T_EXPECT(bytes_read(1023, "1023 B"));
    T_EXPECT(bytes_read(kib, "1.0 KiB"));
    T_EXPECT(bytes_read(1536, "1.5 KiB"));
    T_EXPECT(bytes_read(mib - 1, "1023.9 KiB"));
    T_EXPECT(bytes_read(mib, "1.0 MiB"));
    T_EXPECT(bytes_read(12 * mib + 400 * kib, "12.3 MiB"));
    T_EXPECT(bytes_read(3 * kib * mib, "3.0 GiB"));
    T_EXPECT(bytes_read(SIZE_MAX, sizeof(size_t) == 8 ? "15.9 EiB" : "3.9 GiB"));
}

static void text_pad_to_counts_from_the_start_of_the_line(void)
{
    start(BUFFER_BYTES);
    text_add(&text, "ab");
    text_pad_to(&text, 4);
    text_add(&text, "c");
    text_end_line(&text);
    text_add(&text, "defgh");
    text_pad_to(&text, 4);
    text_add(&text, "i");
    T_EXPECT(reads("ab  c\ndefghi"));
}

static void text_align_right_moves_the_column(void)
{
    start(BUFFER_BYTES);
    text_add(&text, "first\nab");
    text_end_line(&text);
    text_add(&text, "ab");
    text_add_decimal(&text, 1234);
    text_align_right(&text, 2, 9);
    text_add(&text, "|");
    T_EXPECT(reads("first\nab\nab   1234|"));
}

static void text_align_right_leaves_what_is_too_wide(void)
{
    start(BUFFER_BYTES);
    text_add(&text, "ab1234");
    text_align_right(&text, 2, 6);
    text_align_right(&text, 2, 5);
    text_align_right(&text, 6, 9);
    T_EXPECT(reads("ab1234"));
}

static void text_that_just_fits_is_not_truncated(void)
{
    start(4);
    text_add(&text, "abc");
    T_EXPECT(reads("abc") && !text.truncated && buffer[4] == GUARD);
}

static void text_truncated_is_marked_and_stays_inside(void)
{
    start(8);
    text_add(&text, "a long sentence");
    T_EXPECT(reads("a lo...") && text.truncated && buffer[8] == GUARD);
    text_add(&text, "more");
    text_add_decimal(&text, 5);
    text_add_hex(&text, 5);
    text_add_bytes(&text, 5);
    text_pad_to(&text, 100);
    text_align_right(&text, 1, 100);
    T_EXPECT(reads("a lo...") && buffer[8] == GUARD);
}

static void text_padding_and_alignment_stay_inside(void)
{
    start(8);
    text_add(&text, "ab12");
    text_align_right(&text, 2, 100);
    T_EXPECT(text.truncated && text_length(&text) == 7 && buffer[8] == GUARD);
    start(8);
    text_pad_to(&text, SIZE_MAX);
    T_EXPECT(text.truncated && text_length(&text) == 7 && buffer[8] == GUARD);
}

static void text_end_line_ends_a_truncated_text(void)
{
    start(8);
    text_add(&text, "a long sentence");
    text_end_line(&text);
    T_EXPECT(reads("a lo..\n") && buffer[8] == GUARD);
    start(8);
    text_add(&text, "exactly");
    text_end_line(&text);
    T_EXPECT(reads("exac..\n") && text.truncated && buffer[8] == GUARD);
}

static void text_in_every_tiny_buffer_is_safe(void)
{
    for (size_t bytes = 1; bytes <= 5; bytes++) {
        start(bytes);
        text_add_hex(&text, UINTPTR_MAX);
        text_end_line(&text);
        T_EXPECT(text.truncated && text_length(&text) == bytes - 1);
        T_EXPECT(buffer[bytes - 1] == '\0' && buffer[bytes] == GUARD);
    }
}

T_MAIN(
    T_CASE(text_start_is_empty_and_terminated), T_CASE(text_add_appends),
    T_CASE(text_add_decimal_writes_every_value), T_CASE(text_add_decimal_reads_back),
    T_CASE(text_add_hex_writes_every_value),
    T_CASE(text_add_bytes_chooses_the_unit_and_rounds_down),
    T_CASE(text_pad_to_counts_from_the_start_of_the_line),
    T_CASE(text_align_right_moves_the_column), T_CASE(text_align_right_leaves_what_is_too_wide),
    T_CASE(text_that_just_fits_is_not_truncated), T_CASE(text_truncated_is_marked_and_stays_inside),
    T_CASE(text_padding_and_alignment_stay_inside), T_CASE(text_end_line_ends_a_truncated_text),
    T_CASE(text_in_every_tiny_buffer_is_safe))
