// bsd.c - the names that programs from the BSDs and macOS ask for.
//
// A file of its own, so that a static program which has functions of these names keeps them.
// SPDX-License-Identifier: MIT
#include "acre/port/linux.h"
#include "front/front.h"
#include "heap/layout.h"

ACRE_BEGIN
size_t malloc_size(const void *block);
size_t malloc_good_size(size_t size);
void *reallocf(void *block, size_t size);
ACRE_END

size_t malloc_size(const void *block)
{
    return acre_heap_usable_size(acre_default_heap(), block);
}

size_t malloc_good_size(size_t size)
{
    size_t good = acre_heap_good_size(size);
    size_t whole;
    // A huge block is whole pages of the machine, which may be larger than the heap's.
    bool huge =
        size > (size_t)RUN_BYTES_MAX && align_up(good, acre_pages_mmap()->page_bytes, &whole);
    return huge ? whole : good;
}

/// realloc that frees the block when it cannot be resized.
void *reallocf(void *block, size_t size)
{
    void *resized = realloc(block, size);
    // With a size of 0 realloc has freed the block itself.
    if (resized == NULL && size != 0) {
        free(block);
    }
    return resized;
}
