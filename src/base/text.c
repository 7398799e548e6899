// text.c - see text.h.
// SPDX-License-Identifier: MIT
#include "base/text.h"

enum {
    VALUE_BITS = (int)(sizeof(size_t) * __CHAR_BIT__),
    // A decimal digit holds more than three bits.
    DECIMAL_DIGITS_MAX = VALUE_BITS / 3 + 1,
};

void text_start(struct text *text, char *buffer, size_t buffer_bytes)
{
    *text = (struct text){
        .start = buffer, .at = buffer, .end = buffer + buffer_bytes - 1, .line = buffer};
    *text->at = '\0';
}

/// The text is full: its last characters, as many as it has up to three, become the mark.
static void mark_truncated(struct text *text)
{
    text->truncated = true;
    for (char *at = text->at; at != text->start && text->at - at < 3;) {
        at -= 1;
        *at = '.';
    }
}

static void add_char(struct text *text, char c)
{
    if (text->truncated) {
        return;
    }
    if (text->at == text->end) {
        mark_truncated(text);
        return;
    }
    *text->at = c;
    text->at += 1;
    *text->at = '\0';
}

void text_add(struct text *text, const char *words)
{
    for (; *words != '\0'; words++) {
        add_char(text, *words);
    }
}

void text_add_decimal(struct text *text, size_t value)
{
    // Doubles a decimal number once for each bit of the value, from the top. A division would be
    // shorter, but small machines have none and would call the compiler's runtime library for it.
    char digits[DECIMAL_DIGITS_MAX] = {0}; // lowest first
    unsigned count = 1;
    for (unsigned bit = VALUE_BITS; bit-- > 0;) {
        unsigned carry = (unsigned)(value >> bit) & 1u;
        for (unsigned i = 0; i < count; i++) {
            unsigned digit = 2u * (unsigned)digits[i] + carry;
            carry = digit > 9 ? 1 : 0;
            digits[i] = (char)(carry != 0 ? digit - 10 : digit);
        }
        if (carry != 0) {
            digits[count] = 1;
            count += 1;
        }
    }
    while (count-- > 0) {
        add_char(text, (char)('0' + digits[count]));
    }
}

void text_add_hex(struct text *text, uintptr_t value)
{
    unsigned shift = (unsigned)(sizeof(value) * __CHAR_BIT__) - 4;
    while (shift != 0 && (value >> shift) == 0) {
        shift -= 4;
    }
    text_add(text, "0x");
    for (;; shift -= 4) {
        add_char(text, "0123456789abcdef"[(value >> shift) & 15]);
        if (shift == 0) {
            return;
        }
    }
}

void text_add_bytes(struct text *text, size_t bytes)
{
    static const char units[] = "BKMGTPE";
    unsigned unit = 0;
    size_t rest = 0; // 1024ths of the unit
    while (bytes >= 1024) {
        rest = bytes & 1023;
        bytes >>= 10;
        unit += 1;
    }
    text_add_decimal(text, bytes);
    if (unit == 0) {
        text_add(text, " B");
        return;
    }
    add_char(text, '.');
    add_char(text, (char)('0' + ((rest * 10) >> 10)));
    add_char(text, ' ');
    add_char(text, units[unit]);
    text_add(text, "iB");
}

void text_pad_to(struct text *text, size_t column)
{
    while (!text->truncated && (size_t)(text->at - text->line) < column) {
        add_char(text, ' ');
    }
}

void text_align_right(struct text *text, size_t from_column, size_t end_column)
{
    size_t line_length = (size_t)(text->at - text->line);
    if (text->truncated || from_column >= line_length || line_length >= end_column) {
        return;
    }
    text_pad_to(text, end_column);
    if (text->truncated) {
        return;
    }
    // The padding is at the end now; move it in front, from the right so that nothing is lost.
    size_t to = end_column;
    for (size_t from = line_length; from > from_column; from--) {
        to -= 1;
        text->line[to] = text->line[from - 1];
    }
    while (to > from_column) {
        to -= 1;
        text->line[to] = ' ';
    }
}

void text_end_line(struct text *text)
{
    add_char(text, '\n');
    if (text->truncated && text->at != text->start) {
        text->at[-1] = '\n';
    }
    text->line = text->at;
}
