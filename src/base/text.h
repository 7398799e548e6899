// text.h - writes text into a fixed buffer: for messages and tables where there is no printf.
//
// A text is always terminated by a NUL and never written past its buffer. What does not fit is left
// out, and that is visible: `truncated` is set and the text ends in "...".
//
//     char buffer[80];
//     struct text line;
//     text_start(&line, buffer, sizeof(buffer));
//     text_add(&line, "freed ");
//     text_add_decimal(&line, count);
//     text_end_line(&line);               // the line end is there even if the rest did not fit
//
// Calls nothing, divides nothing and allocates nothing: safe in a signal handler and in a kernel.
// SPDX-License-Identifier: MIT
#ifndef ACRE_BASE_TEXT_H
#define ACRE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *start;    // the caller's buffer
    char *at;       // where the next character goes; *at is NUL
    char *end;      // the last character of the buffer, kept for the NUL
    char *line;     // where the current line starts
    bool truncated; // something did not fit; nothing is added any more
};

/// Makes `text` empty, in `buffer` of at least one byte, which stays the caller's.
void text_start(struct text *text, char *buffer, size_t buffer_bytes);

/// Characters in the text, the NUL not counted.
static inline size_t text_length(const struct text *text)
{
    return (size_t)(text->at - text->start);
}

void text_add(struct text *text, const char *words);

/// Adds `value` in decimal, without leading zeros.
void text_add_decimal(struct text *text, size_t value);

/// Adds `value` as 0x and hexadecimal digits, without leading zeros.
void text_add_hex(struct text *text, uintptr_t value);

/// Adds a number of bytes for people: "512 B", "12.3 MiB". Rounded down to a tenth of the unit.
void text_add_bytes(struct text *text, size_t bytes);

/// Adds spaces up to `column` of the current line, counted from 0. A column that the line has
/// reached already adds none.
void text_pad_to(struct text *text, size_t column);

/// Moves what the current line holds from `from_column` on to the right, so that it ends before
/// `end_column`: for columns of numbers. What is too wide for that stays where it is.
void text_align_right(struct text *text, size_t from_column, size_t end_column);

/// Ends the line. In a text that is full the line end takes the place of the last character, so
/// that whatever is written next to the same place starts on a line of its own.
void text_end_line(struct text *text);

#endif
