// libc.c - as much of a C library as the unit tests and the sim port want, over the reference kernel.
// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"

enum { MAP_ENTRIES = 256, PAGE_BYTES = 4096, PROT_WRITE = 2, PAGES_MAX = 1 << 19, RANGES_MAX = 16 };

// The largest range of memory that the machine has: mappings are parts of it, in the order of addresses.
// What is in none reads as zero, as nobody has written to it since the machine started.
static unsigned char *memory;
static size_t memory_bytes;
static struct {
    unsigned char *first;
    size_t bytes;
} ranges[RANGES_MAX];
static unsigned range_count;
static bool touched[PAGES_MAX]; // pages that have been writable, and may hold something

int fprintf(void *file, const char *format, ...);
void perror(const char *text);
_Noreturn void abort(void);
_Noreturn void exit(int status);
int strcmp(const char *a, const char *b);
size_t strlen(const char *text);
int strncmp(const char *a, const char *b, size_t bytes);
char *strcpy(char *restrict to, const char *restrict from);
char *strchr(const char *text, int letter);
char *strstr(const char *text, const char *part);
void *mmap(void *addr, size_t bytes, int access, int flags, int file, long offset);
int mprotect(void *addr, size_t bytes, int access);
int madvise(void *addr, size_t bytes, int advice);
int munmap(void *addr, size_t bytes);
int mincore(void *addr, size_t bytes, unsigned char *pages);

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

int strncmp(const char *a, const char *b, size_t bytes)
{
    while (bytes != 0 && *a != '\0' && *a == *b) {
        a += 1;
        b += 1;
        bytes -= 1;
    }
    return bytes == 0 ? 0 : (unsigned char)*a - (unsigned char)*b;
}

char *strcpy(char *restrict to, const char *restrict from)
{
    size_t i = 0;
    do {
        to[i] = from[i];
    } while (from[i++] != '\0');
    return to;
}

char *strchr(const char *text, int letter)
{
    while (*text != (char)letter) {
        if (*text++ == '\0') {
            return NULL;
        }
    }
    return (char *)(uintptr_t)text;
}

char *strstr(const char *text, const char *part)
{
    for (size_t bytes = strlen(part); *text != '\0'; text++) {
        if (strncmp(text, part, bytes) == 0) {
            return (char *)(uintptr_t)text;
        }
    }
    return NULL;
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0') {
        length += 1;
    }
    return length;
}

static void find_memory(void)
{
    static acre_bootmap_entry entries[MAP_ENTRIES];
    acre_bootmap map;
    acre_bootmap_init(&map, entries, MAP_ENTRIES);
    if (machine_memory(&map) != ACRE_OK || acre_bootmap_fix(&map) != ACRE_OK) {
        kernel_fail(map.reason);
    }
    for (uint32_t i = 0; i < map.count; i++) {
        if (entries[i].kind == ACRE_MAP_USABLE && entries[i].bytes > memory_bytes) {
            // Where it is mapped, too: the sim port says that the top byte of addresses is 0.
            memory = (unsigned char *)(uintptr_t)entries[i].base;
            memory_bytes = (size_t)entries[i].bytes;
        }
    }
    if (memory_bytes > (size_t)PAGES_MAX * PAGE_BYTES) {
        memory_bytes = (size_t)PAGES_MAX * PAGE_BYTES;
    }
}

static size_t page_of(const void *addr)
{
    return (size_t)((const unsigned char *)addr - memory) / PAGE_BYTES;
}

static size_t whole_pages(size_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
}

/// First fit.
void *mmap(void *addr, size_t bytes, int access, int flags, int file, long offset)
{
    (void)addr, (void)flags, (void)file, (void)offset;
    if (memory == NULL) {
        find_memory();
    }
    bytes = whole_pages(bytes) * PAGE_BYTES;
    unsigned char *at = memory;
    unsigned place = 0;
    while (place < range_count && (size_t)(ranges[place].first - at) < bytes) {
        at = ranges[place].first + ranges[place].bytes;
        place += 1;
    }
    if (range_count == RANGES_MAX || (size_t)(memory + memory_bytes - at) < bytes) {
        return (void *)-1;
    }
    for (unsigned i = range_count; i > place; i--) {
        ranges[i] = ranges[i - 1];
    }
    range_count += 1;
    ranges[place].first = at;
    ranges[place].bytes = bytes;
    (void)mprotect(at, bytes, access);
    return at;
}

int munmap(void *addr, size_t bytes)
{
    (void)madvise(addr, bytes, 0);
    unsigned place = 0;
    while (place < range_count && ranges[place].first != addr) {
        place += 1;
    }
    if (place == range_count || ranges[place].bytes != whole_pages(bytes) * PAGE_BYTES) {
        kernel_fail("munmap of what is no mapping");
    }
    range_count -= 1;
    for (; place < range_count; place++) {
        ranges[place] = ranges[place + 1];
    }
    return 0;
}

int mprotect(void *addr, size_t bytes, int access)
{
    if ((access & PROT_WRITE) != 0) {
        __builtin_memset(touched + page_of(addr), true, whole_pages(bytes));
    }
    return 0;
}

int madvise(void *addr, size_t bytes, int advice)
{
    const size_t first = page_of(addr);
    const size_t end = first + whole_pages(bytes);
    (void)advice;
    for (size_t i = first; i < end; i++) {
        if (touched[i]) {
            __builtin_memset(memory + i * PAGE_BYTES, 0, PAGE_BYTES);
            touched[i] = false;
        }
    }
    return 0;
}

int mincore(void *addr, size_t bytes, unsigned char *pages)
{
    const uint64_t *words = addr;
    const size_t words_of_page = PAGE_BYTES / sizeof(*words);
    for (size_t i = 0; i < whole_pages(bytes); i++) {
        pages[i] = 0;
        for (size_t k = 0; k < words_of_page && pages[i] == 0; k++) {
            pages[i] = words[i * words_of_page + k] != 0 ? 1 : 0;
        }
    }
    return 0;
}
