// sizeclass_test.c - what base/sizeclass.h promises: classes that fit, and the test by which one
// multiplication tells whether an address is the start of a carved block.
// SPDX-License-Identifier: MIT
#include "base/sizeclass.h"

#include "base/bits.h"
#include "t.h"

static void classes_rise_by_multiples_of_the_granule(void)
{
    for (unsigned i = 0; i < SIZE_CLASSES; i++) {
        T_EXPECT(size_classes[i].bytes % GRANULE_BYTES == 0);
        T_EXPECT(i == 0 || size_classes[i].bytes > size_classes[i - 1].bytes);
    }
    T_EXPECT(size_classes[0].bytes == GRANULE_BYTES);
    T_EXPECT(size_classes[SIZE_CLASSES - 1].bytes == SMALL_BYTES_MAX);
}

static void class_of_every_size_is_the_smallest_that_fits(void)
{
    for (size_t size = 0; size <= SMALL_BYTES_MAX; size++) {
        unsigned class = size_class_of(size);
        T_EXPECT(class < SIZE_CLASSES && size_classes[class].bytes >= size);
        T_EXPECT(class == 0 || size_classes[class - 1].bytes < size);
    }
}

static void class_wastes_at_most_a_quarter(void)
{
    for (size_t size = 17; size <= SMALL_BYTES_MAX; size++) {
        size_t bytes = size_classes[size_class_of(size)].bytes;
        T_EXPECT(bytes - size < GRANULE_BYTES || (bytes - size) * 4 <= bytes);
    }
}

static void class_numbers_agree_with_its_size(void)
{
    for (unsigned i = 0; i < SIZE_CLASSES; i++) {
        const struct size_class *size = &size_classes[i];
        T_EXPECT(size->capacity == SLICE_BYTES / size->bytes && size->capacity >= 4);
        T_EXPECT(size->wake >= 1 && size->wake <= size->capacity);
        T_EXPECT(size->carve >= 1 && size->carve <= size->capacity);
        T_EXPECT(size->excess == size->inverse * size->bytes && size->excess >= 1);
        T_EXPECT(size->excess <= size->bytes);
        // The list of foreign blocks counts in 16 bits, and so does `due`.
        T_EXPECT(size->capacity < 0x7fff);
    }
}

static void aligned_class_fits_both(void)
{
    for (size_t align = 1; align <= SMALL_BYTES_MAX; align *= 2) {
        for (size_t size = 0; size <= SMALL_BYTES_MAX; size += 1 + size / 64) {
            unsigned class = size_class_aligned(size, align);
            T_EXPECT(class < SIZE_CLASSES);
            T_EXPECT(size_classes[class].bytes >= size && size_classes[class].bytes % align == 0);
            for (unsigned less = size_class_of(size); less < class; less++) {
                T_EXPECT(size_classes[less].bytes % align != 0);
            }
        }
    }
}

static void aligned_class_of_too_much_is_none(void)
{
    T_EXPECT(size_class_aligned((size_t)SMALL_BYTES_MAX + 1, 16) == SIZE_CLASSES);
    T_EXPECT(size_class_aligned(16, (size_t)SMALL_BYTES_MAX * 2) == SIZE_CLASSES);
    T_EXPECT(size_class_aligned(SIZE_MAX, SIZE_MAX / 2 + 1) == SIZE_CLASSES);
}

/// The test as hit.h has it, for words of any width.
static bool is_start(const struct size_class *size, uintptr_t offset, unsigned carved)
{
    if (WORD_BITS < 64 && offset >= (uintptr_t)SLICE_BYTES) {
        return false;
    }
    return offset * size->inverse < carved * size->excess;
}

static void start_of_a_block_is_told_from_every_offset_in_a_slice(void)
{
    for (unsigned i = 0; i < SIZE_CLASSES; i++) {
        const struct size_class *size = &size_classes[i];
        const unsigned some[] = {
            0, 1, size->carve, size->capacity / 2u, size->capacity - 1u, size->capacity};
        for (unsigned k = 0; k < sizeof(some) / sizeof(some[0]); k++) {
            for (uintptr_t offset = 0; offset < (uintptr_t)SLICE_BYTES; offset++) {
                bool expected = offset % size->bytes == 0 && offset / size->bytes < some[k];
                T_EXPECT(is_start(size, offset, some[k]) == expected);
            }
        }
    }
}

static void start_of_a_block_is_right_for_every_number_carved(void)
{
    for (unsigned i = 0; i < SIZE_CLASSES; i++) {
        const struct size_class *size = &size_classes[i];
        for (unsigned carved = 0; carved <= size->capacity; carved++) {
            // The two offsets between which the answer changes, and their neighbours.
            uintptr_t end = (uintptr_t)carved * size->bytes;
            T_EXPECT(!is_start(size, end, carved) && !is_start(size, end + 1, carved));
            T_EXPECT(carved == 0 || is_start(size, end - size->bytes, carved));
            T_EXPECT(carved == 0 || !is_start(size, end - 1, carved));
        }
    }
}

// User addresses have 47 bits: an offset is less than that, before the slab or behind it.
static void start_of_a_block_is_never_far_away(void)
{
    const uintptr_t reach = WORD_BITS < 64 ? ~(uintptr_t)0 : ((uintptr_t)1 << 16 << 16 << 15) - 1;
    uint64_t noise = 88172645463325252u;
    for (unsigned i = 0; i < SIZE_CLASSES; i++) {
        const struct size_class *size = &size_classes[i];
        for (unsigned k = 0; k < 20000; k++) {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            uintptr_t far = (uintptr_t)noise & reach;
            far = far < (uintptr_t)SLICE_BYTES ? far + SLICE_BYTES : far;
            uintptr_t multiple = far / size->bytes * size->bytes;
            T_EXPECT(!is_start(size, far, size->capacity));
            T_EXPECT(!is_start(size, 0 - far, size->capacity));
            T_EXPECT(
                multiple < (uintptr_t)SLICE_BYTES || !is_start(size, multiple, size->capacity));
            T_EXPECT(!is_start(size, 0 - multiple, size->capacity));
        }
        for (uintptr_t s = 1; s < size->bytes; s++) { // every remainder, as far away as can be
            T_EXPECT(!is_start(size, reach / size->bytes * size->bytes - s, size->capacity));
            T_EXPECT(!is_start(size, 0 - (reach / size->bytes * size->bytes - s), size->capacity));
        }
    }
}

T_MAIN(
    T_CASE(classes_rise_by_multiples_of_the_granule),
    T_CASE(class_of_every_size_is_the_smallest_that_fits), T_CASE(class_wastes_at_most_a_quarter),
    T_CASE(class_numbers_agree_with_its_size), T_CASE(aligned_class_fits_both),
    T_CASE(aligned_class_of_too_much_is_none),
    T_CASE(start_of_a_block_is_told_from_every_offset_in_a_slice),
    T_CASE(start_of_a_block_is_right_for_every_number_carved),
    T_CASE(start_of_a_block_is_never_far_away))
