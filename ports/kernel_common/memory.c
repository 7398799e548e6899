// memory.c - the four functions that compilers call on their own, in C: by words where both addresses
// allow it.
// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *at, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

/// A word that may lie over anything.
typedef uint64_t __attribute__((may_alias)) word;

/// In a loop: else a compiler finds out what the loop does, and has the function call itself.
static inline void as_written(void)
{
    __asm__ volatile("");
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    unsigned char *target = to;
    const unsigned char *source = from;
    if (((uintptr_t)target | (uintptr_t)source) % sizeof(word) == 0) {
        for (; bytes >= sizeof(word); bytes -= sizeof(word)) {
            *(word *)(void *)target = *(const word *)(const void *)source;
            as_written();
            target += sizeof(word);
            source += sizeof(word);
        }
    }
    for (size_t i = 0; i < bytes; i++) {
        target[i] = source[i];
        as_written();
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    const unsigned char *source = from;
    unsigned char *target = to;
    if (target <= source || target >= source + bytes) {
        for (size_t i = 0; i < bytes; i++) {
            target[i] = source[i];
            as_written();
        }
        return to;
    }
    while (bytes-- != 0) { // they overlap, and the target is higher: from the end
        target[bytes] = source[bytes];
        as_written();
    }
    return to;
}

void *memset(void *at, int value, size_t bytes)
{
    const uint64_t pattern = (unsigned char)value * 0x0101010101010101u;
    unsigned char *target = at;
    for (; bytes != 0 && (uintptr_t)target % sizeof(word) != 0; bytes--) {
        *target++ = (unsigned char)value;
        as_written();
    }
    for (; bytes >= sizeof(word); bytes -= sizeof(word)) {
        *(word *)(void *)target = pattern;
        as_written();
        target += sizeof(word);
    }
    for (size_t i = 0; i < bytes; i++) {
        target[i] = (unsigned char)value;
        as_written();
    }
    return at;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *left = a;
    const unsigned char *right = b;
    size_t i = 0;
    if (((uintptr_t)left | (uintptr_t)right) % sizeof(word) == 0) {
        while (bytes - i >= sizeof(word) && *(const word *)(const void *)(left + i) ==
                                                *(const word *)(const void *)(right + i)) {
            i += sizeof(word);
        }
    }
    for (; i < bytes; i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}
