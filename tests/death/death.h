// death.h - what the death tests share: pointers to misuse, and how a test that survives ends.
//
// A death program commits one misuse. Its line "// Expect:" quotes phrases of the one line that
// must appear on standard error before SIGABRT; a bar separates phrases of which one suffices.
// tests/run_death.sh compares. The program itself writes to standard output the addresses that the
// message may name, one a line. Getting past the misuse ends with DEATH_SURVIVED, which is a
// failure, and so is any other way to end.
// SPDX-License-Identifier: MIT
#ifndef ACRE_DEATH_H
#define ACRE_DEATH_H

#include <dlfcn.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/// Exit status of a program that the allocator did not stop.
#define DEATH_SURVIVED 99

/// Exit status of a program that could not set its misuse up.
#define DEATH_UNPREPARED 98

#define DEATH_SLICE_BYTES ((uintptr_t)65536)

/// Hides from the compiler what it knows about a pointer.
static inline void *death_hidden(void *pointer)
{
    __asm__ volatile("" : "+r"(pointer) : : "memory");
    return pointer;
}

/// Says that the message may name this address, and returns it hidden from the compiler.
static inline void *death_named(void *pointer)
{
    char line[32];
    int length = snprintf(line, sizeof(line), "0x%llx\n", (unsigned long long)(uintptr_t)pointer);
    if (length <= 0 || write(STDOUT_FILENO, line, (size_t)length) != length) {
        _exit(DEATH_UNPREPARED);
    }
    return death_hidden(pointer);
}

/// A block whose pointer the compiler knows nothing about.
static inline char *death_block(size_t size)
{
    char *block = death_hidden(malloc(size));
    if (block == NULL) {
        _exit(DEATH_UNPREPARED);
    }
    memset(block, 1, size);
    return block;
}

/// A block that was freed.
static inline char *death_freed(size_t size)
{
    char *block = death_block(size);
    void *freed = death_hidden(block);
    free(freed);
    return block;
}

/// An address in a mapping of the program's own, aligned as a block would be.
static inline char *death_own_mapping(void)
{
    char *mapping = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) {
        _exit(DEATH_UNPREPARED);
    }
    return mapping + 4096 + 64;
}

/// An address where nothing is mapped any more.
static inline char *death_unmapped(void)
{
    char *inside = death_own_mapping();
    (void)munmap(inside - 4096 - 64, 1 << 20);
    return inside;
}

/// Block `index` of the slab that holds `block`, counted from the start of its slice. The slab must
/// be one of blocks of `size` bytes.
static inline char *death_slab_block(char *block, size_t size, size_t index)
{
    char *slice = block - ((uintptr_t)block & (DEATH_SLICE_BYTES - 1));
    if ((size_t)(block - slice) % size != 0) {
        _exit(DEATH_UNPREPARED);
    }
    return slice + index * size;
}

/// The place of a block of 48 bytes that nobody has asked for yet, in a slab that is in use.
static inline char *death_virgin(void)
{
    return death_slab_block(death_block(48), 48, 1300);
}

/// The end of a slice of blocks of 48 bytes, too short for another block: 65536 = 1365 * 48 + 16.
static inline char *death_tail_waste(void)
{
    return death_slab_block(death_block(48), 48, 1365);
}

/// Blocks of a size, of which some lie directly behind one another. Odd ones may be freed by
/// death_free_neighbours.
#define DEATH_BATCH 256
static char *death_batch[DEATH_BATCH];

static inline void death_take_batch(size_t size)
{
    for (size_t i = 0; i < DEATH_BATCH; i++) {
        death_batch[i] = death_block(size);
        if (malloc_usable_size(death_batch[i]) != size) {
            _exit(DEATH_UNPREPARED);
        }
    }
}

/// Returns the block of the batch that starts where block `index` ends, or DEATH_BATCH.
static inline size_t death_neighbour(size_t index, size_t size)
{
    for (size_t k = 0; k < DEATH_BATCH; k++) {
        if (death_batch[k] != NULL && death_batch[k] == death_batch[index] + size) {
            return k;
        }
    }
    return DEATH_BATCH;
}

/// Frees one block that lies directly behind a live one, names its address, and returns the live
/// one, so that writing past its end hits the free one.
static inline char *death_before_a_free_block(size_t size)
{
    for (size_t i = DEATH_BATCH / 2; i < DEATH_BATCH; i++) {
        size_t next = death_neighbour(i, size);
        if (next < DEATH_BATCH) {
            free(death_named(death_batch[next]));
            return death_batch[i];
        }
    }
    _exit(DEATH_UNPREPARED);
}

/// Allocates until the allocator notices its damaged free block. Returns what main shall return.
static inline int death_allocate_until_noticed(size_t size)
{
    for (unsigned i = 0; i < 10000; i++) {
        if (death_hidden(malloc(size)) == NULL) {
            return DEATH_UNPREPARED;
        }
    }
    return DEATH_SURVIVED;
}

/// Looks up a function that this C library may not declare. Ends the program when there is none.
static inline void death_lookup(const char *name, void *function)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    if (found == NULL) {
        _exit(DEATH_UNPREPARED);
    }
    memcpy(function, &found, sizeof(found));
}

#endif
