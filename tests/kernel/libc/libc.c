// libc.c - as much of a C library as the unit tests and the sim port want, over the reference kernel.
// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"

enum { MAP_ENTRIES = 256, PAGE_BYTES = 4096, PROT_WRITE = 2, PAGES_MAX = 1 << 19 };

// The range that mmap gave, and which of its pages may hold something: those that have been writable.
static unsigned char *mapped;
static bool touched[PAGES_MAX];

int fprintf(void *file, const char *format, ...);
void perror(const char *text);
_Noreturn void abort(void);
_Noreturn void exit(int status);
int strcmp(const char *a, const char *b);
size_t strlen(const char *text);
void *mmap(void *addr, size_t bytes, int access, int flags, int file, long offset);
int mprotect(void *addr, size_t bytes, int access);
int madvise(void *addr, size_t bytes, int advice);

int fprintf(void *file, const char *format, ...)
{
    (void)file;
    say(format);
    return 0;
}

void perror(const char *text)
{
    say(text);
    say("\n");
}

_Noreturn void abort(void)
{
    kernel_fail("abort");
}

_Noreturn void exit(int status)
{
    (void)status;
    kernel_fail("exit");
}

int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a += 1;
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

/// The first call gets memory that nobody has written to since the machine started: it is zero. There is no
/// second one.
void *mmap(void *addr, size_t bytes, int access, int flags, int file, long offset)
{
    static acre_bootmap_entry entries[MAP_ENTRIES];
    acre_bootmap map;
    (void)addr, (void)access, (void)flags, (void)file, (void)offset;
    acre_bootmap_init(&map, entries, MAP_ENTRIES);
    if (mapped != NULL || bytes > (size_t)PAGES_MAX * PAGE_BYTES ||
        machine_memory(&map) != ACRE_OK || acre_bootmap_fix(&map) != ACRE_OK) {
        return (void *)-1;
    }
    for (uint32_t i = 0; i < map.count && mapped == NULL; i++) {
        if (entries[i].kind == ACRE_MAP_USABLE && entries[i].bytes >= bytes) {
            // Where it is mapped, too: the sim port says that the top byte of addresses is 0.
            mapped = (unsigned char *)(uintptr_t)entries[i].base;
        }
    }
    return mapped != NULL ? mapped : (void *)-1;
}

int mprotect(void *addr, size_t bytes, int access)
{
    const size_t first = (size_t)((unsigned char *)addr - mapped) / PAGE_BYTES;
    if ((access & PROT_WRITE) != 0) {
        __builtin_memset(touched + first, true, (bytes + PAGE_BYTES - 1) / PAGE_BYTES);
    }
    return 0;
}

int madvise(void *addr, size_t bytes, int advice)
{
    const size_t first = (size_t)((unsigned char *)addr - mapped) / PAGE_BYTES;
    const size_t end = first + bytes / PAGE_BYTES;
    (void)advice;
    for (size_t i = first; i < end; i++) {
        if (touched[i]) {
            __builtin_memset(mapped + i * PAGE_BYTES, 0, PAGE_BYTES);
            touched[i] = false;
        }
    }
    return 0;
}
