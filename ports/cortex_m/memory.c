// memory.c - the four functions that compilers call on their own, for images without a C library. Small, not
// fast: a library's are better where there is one.
// SPDX-License-Identifier: MIT
#include <stddef.h>

// Else a compiler sees a loop that clears memory and makes it a call to memset.
#pragma GCC optimize("no-tree-loop-distribute-patterns")

void *memset(void *at, int value, size_t bytes);
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

void *memset(void *at, int value, size_t bytes)
{
    for (unsigned char *to = at; bytes != 0; bytes--) {
        *to++ = (unsigned char)value;
    }
    return at;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    const unsigned char *source = from;
    for (unsigned char *target = to; bytes != 0; bytes--) {
        *target++ = *source++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *target = to;
    const unsigned char *source = from;
    if (target <= source) {
        return memcpy(to, from, bytes); // forwards, byte by byte
    }
    while (bytes != 0) {
        bytes -= 1;
        target[bytes] = source[bytes];
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *left = a;
    const unsigned char *right = b;
    for (; bytes != 0 && *left == *right; bytes--) {
        left += 1;
        right += 1;
    }
    return bytes == 0 ? 0 : *left - *right;
}
