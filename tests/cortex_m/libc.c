// libc.c - as much of a C library as the unit tests and the sim port want, on a board with more RAM than the
// image takes. Memory can always be read and written; that nobody touches what is not committed is what the
// same tests show on a host.
// SPDX-License-Identifier: MIT
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cortex_m.h"

enum { ARENA_BYTES = BOARD_ARENA_BYTES };

static unsigned char *const arena = (unsigned char *)BOARD_ARENA_START;
static size_t arena_used;

int fprintf(FILE *file, const char *format, ...)
{
    (void)file;
    cortex_m_say(format);
    return 0;
}

void perror(const char *text)
{
    cortex_m_say(text);
}

_Noreturn void abort(void)
{
    cortex_m_say("abort\n");
    cortex_m_exit(2);
}

_Noreturn void exit(int status)
{
    cortex_m_exit(status);
}

int strcmp(const char *a, const char *b)
{
    for (; *a != '\0' && *a == *b; a++) {
        b += 1;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0') {
        length += 1;
    }
    return length;
}

int strncmp(const char *a, const char *b, size_t bytes)
{
    for (; bytes != 0 && *a != '\0' && *a == *b; bytes--) {
        a += 1;
        b += 1;
    }
    return bytes == 0 ? 0 : (unsigned char)*a - (unsigned char)*b;
}

char *strcpy(char *restrict to, const char *restrict from)
{
    return memcpy(to, from, strlen(from) + 1);
}

char *strchr(const char *text, int letter)
{
    for (; *text != (char)letter; text++) {
        if (*text == '\0') {
            return NULL;
        }
    }
    return (char *)(uintptr_t)text;
}

char *strstr(const char *text, const char *part)
{
    for (; *text != '\0'; text++) {
        if (strncmp(text, part, strlen(part)) == 0) {
            return (char *)(uintptr_t)text;
        }
    }
    return NULL;
}

/// Never given back.
void *mmap(void *addr, size_t bytes, int access, int flags, int file, long offset)
{
    (void)addr, (void)access, (void)flags, (void)file, (void)offset;
    if (bytes > ARENA_BYTES - arena_used) {
        return MAP_FAILED;
    }
    arena_used += bytes;
    return memset(arena + arena_used - bytes, 0, bytes);
}

int mprotect(void *addr, size_t bytes, int access)
{
    (void)addr, (void)bytes, (void)access;
    return 0;
}

int munmap(void *addr, size_t bytes)
{
    (void)addr, (void)bytes;
    return 0;
}

int madvise(void *addr, size_t bytes, int advice)
{
    (void)advice;
    memset(addr, 0, bytes);
    return 0;
}

int mincore(void *addr, size_t bytes, unsigned char *pages)
{
    enum { PAGE_BYTES = 4096 };
    for (size_t i = 0; i < (bytes + PAGE_BYTES - 1) / PAGE_BYTES; i++) {
        const unsigned char *page = (const unsigned char *)addr + i * PAGE_BYTES;
        pages[i] = 0;
        for (size_t k = 0; k < PAGE_BYTES && pages[i] == 0; k++) {
            pages[i] = page[k] != 0 ? 1 : 0;
        }
    }
    return 0;
}
