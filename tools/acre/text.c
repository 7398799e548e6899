// text.c - strings: format one, find the name that was probably meant.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

#define WORD_MAX 32 // longer words are nobody's typing mistake

char *text_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int bytes = vasprintf(&text, format, args);
    va_end(args);
    if (bytes < 0) {
        exit(say(STATUS_FAILED, "out of memory"));
    }
    return text;
}

void *text_memory(size_t count, size_t element_bytes)
{
    void *memory = calloc(count, element_bytes);
    if (memory == NULL) {
        exit(say(STATUS_FAILED, "out of memory"));
    }
    return memory;
}

static unsigned text_least(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

// How many letters must be put in, left out, changed or swapped with their neighbour to make one
// word of the other. rows[i][j] is that number for the first i and the first j letters.
static unsigned text_distance(const char *a, const char *b)
{
    unsigned rows[WORD_MAX + 1][WORD_MAX + 1];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    if (a_len > WORD_MAX || b_len > WORD_MAX) {
        return WORD_MAX;
    }
    for (unsigned i = 0; i <= a_len; i++) {
        rows[i][0] = i;
    }
    for (unsigned j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        for (size_t j = 1; j <= b_len; j++) {
            unsigned differ = a[i - 1] != b[j - 1];
            rows[i][j] =
                text_least(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + differ);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                rows[i][j] = text_least(rows[i][j], rows[i - 2][j - 2] + 1, WORD_MAX);
            }
        }
    }
    return rows[a_len][b_len];
}

const char *text_closest(const char *word, const char *const *names)
{
    const char *closest = NULL;
    unsigned closest_distance = WORD_MAX;
    for (; *names != NULL; names++) {
        unsigned distance = text_distance(word, *names);
        // A third of the letters wrong is another word.
        if (distance < closest_distance && distance <= strlen(*names) / 3) {
            closest = *names;
            closest_distance = distance;
        }
    }
    return closest;
}
