// rss COUNT LOW HIGH - memory needed for COUNT live blocks of LOW to HIGH - 1 bytes, under churn.
//
// Stresses what an allocator adds to the bytes its caller asked for: rounding to a class, slabs
// half used, metadata, memory kept after frees. Every byte is written. The resident memory is
// counted page by page at 32 points of the run, and its highest value above the value at the start
// of main is compared with the bytes that are live. Real programs: anything that keeps its data on
// the heap.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { SAMPLES = 32, REPLACEMENTS_PER_BLOCK = 10 };

typedef struct live_set {
    char **blocks;
    uint32_t *sizes;
    size_t block_count;
    size_t low_bytes;
    size_t high_bytes; // not included
} live_set;

// The pattern's own tables are static, so that they are part of the memory at the start.
static char *block_table[500000];
static uint32_t size_table[500000];

static void live_set_fill(live_set *set, size_t idx, pattern_random *random)
{
    size_t bytes = pattern_random_size(random, set->low_bytes, set->high_bytes);
    set->blocks[idx] = pattern_alloc(bytes);
    memset(set->blocks[idx], (int)(idx & 0x7f), bytes);
    set->sizes[idx] = (uint32_t)bytes;
    pattern_live_add(bytes);
    pattern_checksum_add(bytes * idx);
}

static void live_set_drop(live_set *set, size_t idx)
{
    const char *block = set->blocks[idx];
    char mark = (char)(idx & 0x7f);
    if (block[0] != mark || block[set->sizes[idx] - 1] != mark) {
        pattern_fail("a block's content changed while it was live");
    }
    pattern_live_subtract(set->sizes[idx]);
    free(set->blocks[idx]);
}

static uint64_t larger(uint64_t left, uint64_t right)
{
    return left > right ? left : right;
}

/// Replaces blocks at random; returns the highest resident memory seen, in KiB.
static uint64_t live_set_churn(live_set *set, pattern_random *random, uint64_t *elapsed_ns)
{
    uint64_t peak_kib = pattern_rss_kib();
    size_t per_sample = pattern_work(set->block_count * REPLACEMENTS_PER_BLOCK) / SAMPLES;
    for (int sample = 0; sample < SAMPLES; sample++) {
        uint64_t start_ns = pattern_now_ns();
        for (size_t i = 0; i < per_sample; i++) {
            size_t victim = pattern_random_below(random, set->block_count);
            live_set_drop(set, victim);
            live_set_fill(set, victim, random);
        }
        *elapsed_ns += pattern_now_ns() - start_ns;
        peak_kib = larger(peak_kib, pattern_rss_kib());
    }
    return peak_kib;
}

/// Touches the tables (and what the program itself needs) before the memory at the start is read.
static uint64_t start_rss_kib(size_t block_count)
{
    memset(block_table, 1, block_count * sizeof *block_table);
    memset(size_table, 1, block_count * sizeof *size_table);
    (void)pattern_rss_kib();
    return pattern_rss_kib();
}

int main(int argument_count, char **arguments)
{
    size_t block_count = pattern_argument(argument_count, arguments, 1, 5000, 1, 500000);
    live_set set = {.blocks = block_table, .sizes = size_table, .block_count = block_count};
    set.low_bytes = pattern_argument(argument_count, arguments, 2, 8, 8, UINT32_MAX / 2);
    set.high_bytes =
        pattern_argument(argument_count, arguments, 3, 1000, set.low_bytes + 1, UINT32_MAX / 2);
    pattern_random random = pattern_random_seed(2);
    uint64_t start_kib = start_rss_kib(block_count);
    for (size_t i = 0; i < block_count; i++) {
        live_set_fill(&set, i, &random);
    }
    uint64_t elapsed_ns = 0;
    uint64_t above_kib = live_set_churn(&set, &random, &elapsed_ns) - start_kib;
    char name[64];
    snprintf(name, sizeof name, "rss_%zu_%zu_%zu", block_count, set.low_bytes, set.high_bytes);
    pattern_report_start(name, pattern_work(block_count * REPLACEMENTS_PER_BLOCK), elapsed_ns);
    printf(
        " memory_kib=%llu start_kib=%llu above_start_kib=%llu live_kib=%llu above_per_live=%.3f\n",
        (unsigned long long)(start_kib + above_kib), (unsigned long long)start_kib,
        (unsigned long long)above_kib, (unsigned long long)(pattern_result.peak_live_bytes >> 10),
        (double)above_kib * 1024.0 / (double)pattern_result.peak_live_bytes);
    for (size_t i = 0; i < block_count; i++) {
        live_set_drop(&set, i);
    }
    return 0;
}
