// memory.c - the four functions that compilers call on their own, as string instructions.
// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *at, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

/// A word that may lie over anything, anywhere.
typedef uint64_t __attribute__((may_alias, aligned(1))) word;

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    void *at = to;
    size_t words = bytes / 8;
    bytes %= 8;
    __asm__ volatile("rep movsq" : "+D"(at), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(bytes) : : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    const unsigned char *source = from;
    unsigned char *target = to;
    if (target <= source || target >= source + bytes) {
        return memcpy(to, from, bytes);
    }
    while (bytes-- != 0) { // they overlap, and the target is higher: from the end
        target[bytes] = source[bytes];
    }
    return to;
}

void *memset(void *at, int value, size_t bytes)
{
    void *to = at;
    size_t words = bytes / 8;
    bytes %= 8;
    __asm__ volatile("rep stosq"
                     : "+D"(to), "+c"(words)
                     : "a"((unsigned char)value * 0x0101010101010101u)
                     : "memory");
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
    return at;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *left = a;
    const unsigned char *right = b;
    size_t i = 0;
    while (bytes - i >= sizeof(word) &&
           *(const word *)(const void *)(left + i) == *(const word *)(const void *)(right + i)) {
        i += sizeof(word);
    }
    for (; i < bytes; i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}
