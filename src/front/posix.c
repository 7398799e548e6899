// posix.c - aligned blocks, sizes and the rest of the C and POSIX names around malloc.
//
// The names differ in what they make of a strange alignment, because programs rely on each:
//
//   posix_memalign   a power of two and a multiple of sizeof(void *), else returns EINVAL
//   aligned_alloc    a power of two, else NULL and EINVAL: C23, and glibc since 2.38
//   memalign         anything, rounded up to a power of two, as glibc always did; EINVAL where the
//                    rounding overflows
//
// Sizes need not be multiples of the alignment. Every failure for want of memory is ENOMEM, an
// overflow included. posix_memalign returns its error and touches neither errno nor *out.
// Success changes errno nowhere, and no free does.
// SPDX-License-Identifier: MIT
#include <unistd.h>

#include "base/bits.h"
#include "front/boot.h"
#include "front/front.h"
#include "heap/hit.h"

static const size_t align_max = SIZE_MAX / 2 + 1;

static size_t machine_page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/// `align` is a power of two. NULL and ENOMEM if there is no such block.
static void *aligned_block(size_t align, size_t size)
{
    return front_or_no_memory(acre_heap_aligned(acre_default_heap(), align, size));
}

void *aligned_alloc(size_t align, size_t size)
{
    if (!is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    return aligned_block(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    if (!is_power_of_two(align) || align % sizeof(void *) != 0) {
        return EINVAL;
    }
    void *block = acre_heap_aligned(acre_default_heap(), align, size);
    if (block == NULL) {
        return ENOMEM;
    }
    *out = block;
    return 0;
}

void *memalign(size_t align, size_t size)
{
    if (align > align_max) {
        errno = EINVAL;
        return NULL;
    }
    if (align < 2) {
        return aligned_block(1, size);
    }
    return aligned_block((size_t)2 << highest_bit(align - 1), size);
}

void *valloc(size_t size)
{
    return aligned_block(machine_page_bytes(), size);
}

void *pvalloc(size_t size)
{
    size_t page_bytes = machine_page_bytes();
    size_t rounded_bytes;
    if (!align_up(size, page_bytes, &rounded_bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return aligned_block(page_bytes, rounded_bytes);
}

void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, bytes);
}

size_t malloc_usable_size(void *block)
{
    return acre_heap_usable_size(acre_default_heap(), block);
}

static __attribute__((noinline)) void free_sized_slowly(void *block, size_t size)
{
    if (block != NULL) {
        acre_heap_free_sized(acre_default_heap(), block, size);
    }
}

void free_sized(void *block, size_t size)
{
    acre_heap *heap = load_relaxed(&front_heap);
    if (likely(heap != NULL && hit_fits(heap, block, size))) {
        free(block); // on its hit path, which looks at all else
    } else {
        free_sized_slowly(block, size);
    }
}

void free_aligned_sized(void *block, size_t align, size_t size)
{
    if (block != NULL) {
        acre_heap_free_aligned_sized(acre_default_heap(), block, align, size);
    }
}

void cfree(void *block)
{
    free(block);
}
