// acre/watermark.h - two ends of an array: what stays from the low end up, what is temporary from the high
// end down. The simplest allocator there is; for start-up code, and for machines with nothing but
// memory.
//
//     [ low blocks |->           free           <-| high blocks ]
//     start       low                             high         end
//
// A place is remembered as a number and gone back to. Blocks have no header, no alignment but the one
// asked for, and are never freed alone. Time of every function: constant. Threads: one at a time.
// SPDX-License-Identifier: MIT
#ifndef ACRE_WATERMARK_H
#define ACRE_WATERMARK_H

#include "acre/base.h"

ACRE_BEGIN

/// The two ends. The fields may be read: high - low bytes are free.
typedef struct acre_watermark {
    unsigned char *start;
    unsigned char *low;
    unsigned char *high;
    unsigned char *end;
} acre_watermark;

/// Makes all of `bytes` bytes of memory free.
void acre_watermark_init(acre_watermark *watermark, void *memory, size_t bytes);

/// Returns `size` bytes at a multiple of `align`, a power of two, from the low end, or NULL with nothing
/// changed. A size of 0 yields an address.
void *acre_watermark_low(acre_watermark *watermark, size_t align, size_t size) ACRE_ALLOC(3);

/// The same from the high end.
void *acre_watermark_high(acre_watermark *watermark, size_t align, size_t size) ACRE_ALLOC(3);

/// How many bytes are taken from the low end: to go back to.
size_t acre_watermark_low_taken(const acre_watermark *watermark) ACRE_MUST_USE;

/// How many bytes are taken from the high end.
size_t acre_watermark_high_taken(const acre_watermark *watermark) ACRE_MUST_USE;

/// Frees what was taken from the low end since `taken` bytes were. Errors: ACRE_BAD_ARGUMENT when fewer
/// are taken now: the place is stale; nothing is changed then.
acre_status acre_watermark_low_rewind(acre_watermark *watermark, size_t taken) ACRE_MUST_USE;

/// The same for the high end.
acre_status acre_watermark_high_rewind(acre_watermark *watermark, size_t taken) ACRE_MUST_USE;

ACRE_END

#endif
