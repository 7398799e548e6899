// sizeclass.h - which sizes slabs are cut into.
//
// Steps of 16 bytes up to 128, then four steps for each doubling up to 1 KiB, then eight up to the
// largest small size, a quarter of a slice. Average waste inside a block is 8.6 % for sizes uniform
// in 1 to 1000 and 4.7 % above; eight steps below 1 KiB save 2.5 % at 50 MB of heap but cost 6 % at
// 2.5 MB, because more classes mean more half-used pages.
//
// An offset in a slab is the start of block i < carved exactly if, in machine words that wrap,
//
//     offset * inverse < carved * excess      where inverse = floor(2^w / bytes) + 1
//                                             and   excess  = inverse * bytes - 2^w, in [1, bytes]
//
// Proof: with offset = q*bytes + s, 0 <= s < bytes, the product is q*excess + s*inverse - q'*2^w. For
// s = 0 it is q*excess, which is below the bound exactly if q < carved. For s > 0, s*inverse is at
// least inverse and at most 2^w + excess - inverse, so with q*excess < inverse nothing wraps and the
// product is at least inverse, far above the bound. One multiplication thus answers three questions:
// is it inside, is it a block's start, was that block ever handed out. The idea of a divisibility
// test by one multiplication is from D. Lemire, O. Kaser and N. Kurz, "Faster remainder by direct
// computation", Software: Practice and Experience 49(6), 2019.
// SPDX-License-Identifier: MIT
#ifndef ACRE_BASE_SIZECLASS_H
#define ACRE_BASE_SIZECLASS_H

#include <stddef.h>
#include <stdint.h>

#include "acre/config.h"

enum {
    GRANULE_LOG2 = 4,
    GRANULE_BYTES = 1 << GRANULE_LOG2,
    SLICE_BYTES = 1 << ACRE_SLICE_LOG2,
    SMALL_BYTES_MAX = SLICE_BYTES / 4,
    SIZE_CLASSES = 20 + 8 * (ACRE_SLICE_LOG2 - 12), // 52 with slices of 64 KiB
    SIZE_CLASS_TABLE = SMALL_BYTES_MAX / GRANULE_BYTES + 1,
};

struct size_class {
    uint32_t bytes;    // of one block
    uint16_t capacity; // blocks in a slab
    uint16_t wake;     // frees after which a full slab is used again
    uint16_t carve;    // blocks to make at a time
    uintptr_t inverse; // see above
    uintptr_t excess;
};

extern const struct size_class size_classes[SIZE_CLASSES];

/// The class of a request of `size` bytes, at most SMALL_BYTES_MAX, by arithmetic. The heap keeps it
/// as a table; this is the definition that the table is made from.
unsigned size_class_of(size_t size);

/// `size`, rounded up to a multiple of `align`, a power of two; both are at most SMALL_BYTES_MAX. The class
/// of that is the first whose blocks are large enough and all aligned: the first block starts at a slice,
/// so all are aligned as their size is; and classes stand at equal steps between two powers of two. With
/// a step of `align` or more every class is a multiple of it; with a shorter one every multiple is a class.
static inline size_t size_aligned(size_t size, size_t align)
{
    return ((size == 0 ? 1 : size) + (align - 1)) & ~(align - 1);
}

/// The first class whose blocks have at least `size` bytes and all start at multiples of `align`, a
/// power of two. SIZE_CLASSES if there is none.
unsigned size_class_aligned(size_t size, size_t align);

#endif
