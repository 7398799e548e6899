// sizeclass.c - see sizeclass.h. The numbers of each class are constants of the compiler: the
// library divides nowhere, so that it needs no division from a runtime.
// SPDX-License-Identifier: MIT
#include "base/sizeclass.h"

#include "base/bits.h"

// A slab sleeps until this fraction of its blocks is free. At 1/24 random churn costs half of what
// waking on the first free does, and memory is smallest; at 1/4 memory grows by 18 to 35 %.
#define WAKE(capacity) ((capacity) / 24 != 0 ? (capacity) / 24 : 1)

// Small blocks are made a page at a time, so that a class that is used once touches one page.
#define CARVE(bytes) ((1 << ACRE_PAGE_LOG2) / (bytes) != 0 ? (1 << ACRE_PAGE_LOG2) / (bytes) : 1)

// floor(2^w / n) + 1: for a power of two n, 2^w / n is one more than (2^w - 1) / n.
#define INVERSE(n) (UINTPTR_MAX / (n) + 1 + (((n) & ((n)-1)) == 0))

// NOLINTBEGIN(bugprone-implicit-widening-of-multiplication-result): small constants
// clang-format off
#define CLASS(n) {(n), SLICE_BYTES / (n), WAKE(SLICE_BYTES / (n)), CARVE(n), INVERSE(n),           \
                  INVERSE(n) * (n)}
#define FOUR(n)  CLASS((n) * 5 / 4), CLASS((n) * 6 / 4), CLASS((n) * 7 / 4), CLASS((n) * 2)
#define EIGHT(n) CLASS((n) * 9 / 8), CLASS((n) * 10 / 8), CLASS((n) * 11 / 8), CLASS((n) * 12 / 8), \
                 CLASS((n) * 13 / 8), CLASS((n) * 14 / 8), CLASS((n) * 15 / 8), CLASS((n) * 2)
// clang-format on

const struct size_class size_classes[SIZE_CLASSES] = {
    CLASS(16),   CLASS(32),  CLASS(48), CLASS(64), CLASS(80), CLASS(96),
    CLASS(112),  CLASS(128), FOUR(128), FOUR(256), FOUR(512),
#if ACRE_SLICE_LOG2 >= 13
    EIGHT(1024),
#endif
#if ACRE_SLICE_LOG2 >= 14
    EIGHT(2048),
#endif
#if ACRE_SLICE_LOG2 >= 15
    EIGHT(4096),
#endif
#if ACRE_SLICE_LOG2 >= 16
    EIGHT(8192),
#endif
};
// NOLINTEND(bugprone-implicit-widening-of-multiplication-result)

unsigned size_class_of(size_t size)
{
    if (size <= 128) {
        return size == 0 ? 0 : (unsigned)((size - 1) / GRANULE_BYTES);
    }
    unsigned doubling = highest_bit(size - 1);
    unsigned steps_log2 = doubling < 10 ? 2 : 3;
    unsigned first = doubling < 10 ? 8 + 4 * (doubling - 7) : 20 + 8 * (doubling - 10);
    size_t step = (size - 1) >> (doubling - steps_log2);
    return first + (unsigned)(step - ((size_t)1 << steps_log2));
}

unsigned size_class_aligned(size_t size, size_t align)
{
    if (size > SMALL_BYTES_MAX || align > SMALL_BYTES_MAX) {
        return SIZE_CLASSES;
    }
    const size_t bytes = size_aligned(size, align);
    return bytes > SMALL_BYTES_MAX ? (unsigned)SIZE_CLASSES : size_class_of(bytes);
}
