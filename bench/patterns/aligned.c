// aligned - buffers at multiples of 32 bytes to 64 KiB, in sizes of 32 bytes to 288 KiB.
//
// Stresses posix_memalign and aligned_alloc: what an allocator wastes to reach an alignment, and
// how it finds a block's start when it is freed. 400 are live, a random one is replaced. Real
// programs: vector code (AVX-512), databases and virtual machines with O_DIRECT, GPU and network
// drivers, JIT compilers, allocators on top of allocators.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { LIVE = 400, PAIRS = 1500000, LOW_ALIGN_LOG2 = 5, HIGH_ALIGN_LOG2 = 17 };

typedef struct buffer {
    void *bytes;
    size_t byte_count;
} buffer;

static buffer buffers[LIVE];

/// Small alignments are the frequent ones: each doubling is half as likely.
static size_t random_align(pattern_random *random)
{
    int order_log2 = LOW_ALIGN_LOG2;
    uint64_t coins = pattern_random_next(random);
    while ((coins & 1) != 0 && order_log2 + 1 < HIGH_ALIGN_LOG2) {
        coins >>= 1;
        order_log2++;
    }
    return (size_t)1 << order_log2;
}

/// Half the alignment times 1, 3, 5, 7 or 9. Not 2 or 4: for sizes of 256, 512 and 1 024 bytes that are
/// multiples of the alignment, mimalloc 2.0.9 returns memory that is not aligned, and could not take
/// part.
static size_t random_bytes(pattern_random *random, size_t align)
{
    size_t half = (align < 64 ? 64 : align) / 2;
    return half * (2 * pattern_random_below(random, 5) + 1);
}

static void buffer_new(buffer *made, pattern_random *random)
{
    size_t align = random_align(random);
    made->byte_count = random_bytes(random, align);
    if (posix_memalign(&made->bytes, align, made->byte_count) != 0) {
        pattern_fail("posix_memalign found no memory");
    }
    pattern_keep(made->bytes);
    if (((uintptr_t)made->bytes & (align - 1)) != 0) {
        pattern_fail("a buffer is not aligned");
    }
    pattern_stamp(made->bytes, made->byte_count);
    pattern_live_add(made->byte_count);
}

static void buffer_free(const buffer *dropped)
{
    pattern_check(dropped->bytes, dropped->byte_count);
    pattern_live_subtract(dropped->byte_count);
    pattern_checksum_add(dropped->byte_count);
    free(dropped->bytes);
}

int main(void)
{
    pattern_random random = pattern_random_seed(12);
    size_t pairs = pattern_work(PAIRS);
    uint64_t start_ns = pattern_now_ns();
    for (size_t i = 0; i < LIVE; i++) {
        buffer_new(&buffers[i], &random);
    }
    for (size_t i = 0; i < pairs; i++) {
        buffer *victim = &buffers[pattern_random_below(&random, LIVE)];
        buffer_free(victim);
        buffer_new(victim, &random);
    }
    for (size_t i = 0; i < LIVE; i++) {
        buffer_free(&buffers[i]);
    }
    return pattern_report("aligned", LIVE + pairs, pattern_now_ns() - start_ns);
}
