// heap.c - the kernel's heap on one processor: every size and alignment, contents, and memory that goes
// back to the page source.
// SPDX-License-Identifier: MIT
#include "guest.h"

enum { BLOCKS = 512 };

static const size_t sizes[] = {
    1, 8, 16, 17, 64, 100, 1000, 4096, 5000, 16384, 20000, 65536, 300000, (size_t)1 << 20, 3 << 20};

static bool is_zero(const unsigned char *at, size_t bytes)
{
    for (size_t i = 0; i<bytes; i += bytes> 4096 ? 509 : 1) {
        if (at[i] != 0) {
            return false;
        }
    }
    return true;
}

static void every_size_holds_its_bytes(void)
{
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned char *block = kmalloc(sizes[i]);
        T_EXPECT(block != NULL);
        T_EXPECT((uintptr_t)block % 16 == 0);
        T_EXPECT(ksize(block) >= sizes[i]);
        block[0] = 1;
        block[sizes[i] - 1] = 2;
        kfree(block);
    }
    T_EXPECT_SOUND(acre_heap_audit(memory_heap()));
}

static void zeroed_blocks_are_zero_after_use(void)
{
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned char *block = kmalloc(sizes[i]);
        T_EXPECT(block != NULL);
        __builtin_memset(block, 0xa5, sizes[i]);
        kfree(block);
        block = kzalloc(sizes[i]);
        T_EXPECT(block != NULL);
        T_EXPECT(is_zero(block, sizes[i]));
        kfree(block);
    }
}

static void alignments_hold_up_to_a_segment(void)
{
    for (size_t align = 1; align <= (size_t)4 << 20; align *= 2) {
        void *block = kmalloc_aligned(40, align);
        T_EXPECT(block != NULL);
        T_EXPECT((uintptr_t)block % align == 0);
        kfree(block);
    }
    T_EXPECT_SOUND(acre_heap_audit(memory_heap()));
}

static void realloc_keeps_contents(void)
{
    unsigned char *block = kmalloc(1);
    size_t last = 0;
    T_EXPECT(block != NULL);
    block[last] = 77;
    for (size_t bytes = 2; bytes <= (size_t)2 << 20; bytes *= 3) {
        block = krealloc(block, bytes);
        T_EXPECT(block != NULL);
        T_EXPECT(block[last] == 77);
        last = bytes - 1;
        block[last] = 77;
    }
    kfree(block);
}

static void blocks_lie_in_the_direct_map(void)
{
    void *block = kmalloc(64);
    T_EXPECT(block != NULL);
    T_EXPECT((uintptr_t)block >= (uintptr_t)machine_address(0));
    kfree(block);
}

/// A heap of its own on the kernel's page source: its end leaves nothing behind.
static void a_heap_ends_with_all_its_blocks(void)
{
    const size_t committed = acre_pages_frames_committed(memory_source());
    const size_t reserved = acre_pages_frames_reserved(memory_source());
    uint64_t random = t_seed(1);
    acre_heap *heap;
    t_say_number("seed", random);
    T_EXPECT(acre_heap_create(&memory_source()->pages, NULL, &heap) == ACRE_OK);
    for (unsigned i = 0; i < BLOCKS; i++) {
        T_EXPECT(guest_alloc(heap, guest_size(&random)) != NULL);
    }
    T_EXPECT_SOUND(acre_heap_audit(heap));
    acre_heap_destroy(heap);
    T_EXPECT(acre_pages_frames_committed(memory_source()) == committed);
    T_EXPECT(acre_pages_frames_reserved(memory_source()) == reserved);
}

static void trimmed_memory_goes_back_to_the_source(void)
{
    static void *blocks[BLOCKS];
    acre_heap *heap;
    T_EXPECT(acre_heap_create(&memory_source()->pages, NULL, &heap) == ACRE_OK);
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = acre_heap_alloc(heap, 20000);
        T_EXPECT(blocks[i] != NULL);
    }
    const size_t full = acre_pages_frames_committed(memory_source());
    for (unsigned i = 0; i < BLOCKS; i++) {
        acre_heap_free(heap, blocks[i]);
    }
    (void)acre_heap_trim(heap, 0);
    const size_t trimmed = acre_pages_frames_committed(memory_source());
    T_EXPECT(full - trimmed >= (size_t)BLOCKS * 20000);
    T_EXPECT_SOUND(acre_heap_audit(heap));
    acre_heap_destroy(heap);
}

static void a_limit_is_kept(void)
{
    const acre_heap_options options = {.limit_bytes = (size_t)8 << 20, .span_bytes = 1 << 23};
    acre_heap *heap;
    T_EXPECT(acre_heap_create(&memory_source()->pages, &options, &heap) == ACRE_OK);
    T_EXPECT(acre_heap_alloc(heap, (size_t)9 << 20) == NULL);
    void *block = acre_heap_alloc(heap, (size_t)4 << 20);
    T_EXPECT(block != NULL);
    T_EXPECT(acre_heap_alloc(heap, (size_t)5 << 20) == NULL);
    acre_heap_free(heap, block);
    T_EXPECT_SOUND(acre_heap_audit(heap));
    acre_heap_destroy(heap);
}

T_MAIN(
    T_CASE(every_size_holds_its_bytes), T_CASE(zeroed_blocks_are_zero_after_use),
    T_CASE(alignments_hold_up_to_a_segment), T_CASE(realloc_keeps_contents),
    T_CASE(blocks_lie_in_the_direct_map), T_CASE(a_heap_ends_with_all_its_blocks),
    T_CASE(trimmed_memory_goes_back_to_the_source), T_CASE(a_limit_is_kept))
