// text.h - strings: format one, find the name that was probably meant.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_TEXT_H
#define ACRE_TOOL_TEXT_H

#include <stddef.h>

/// Returns a new string, to be freed. Ends the process with STATUS_FAILED when memory runs out:
/// a command that lives for one program has nothing better to do.
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// Returns zeroed memory for `count` elements, to be freed. Ends the process as text_format does.
void *text_memory(size_t count, size_t element_bytes);

/// Returns the one of `names` (ended by NULL) that differs from `word` by so little that it was
/// probably meant, or NULL.
const char *text_closest(const char *word, const char *const *names);

#endif
