// large - buffers of 5 to 25 MiB, 20 of them live, the oldest replaced by a new one.
//
// Stresses what a huge block costs: the system calls, and the page faults of memory that was given
// back a moment ago. A word of each page is written. Real programs: video and image processing,
// numerical codes with temporary arrays (numpy), databases' sort buffers, loaders of big files.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { LIVE = 20, REPLACEMENTS = 60, LOW_MIB = 5, HIGH_MIB = 25, MIB = 1 << 20 };

static void *buffers[LIVE];
static size_t sizes[LIVE];

static void buffer_new(size_t idx, pattern_random *random)
{
    sizes[idx] = pattern_random_size(random, (size_t)LOW_MIB * MIB, (size_t)HIGH_MIB * MIB);
    buffers[idx] = pattern_alloc(sizes[idx]);
    pattern_stamp(buffers[idx], sizes[idx]);
    pattern_live_add(sizes[idx]);
    pattern_checksum_add(sizes[idx]);
}

static void buffer_free(size_t idx)
{
    pattern_check(buffers[idx], sizes[idx]);
    pattern_live_subtract(sizes[idx]);
    free(buffers[idx]);
}

int main(void)
{
    pattern_random random = pattern_random_seed(8);
    size_t replacements = pattern_work(REPLACEMENTS);
    uint64_t start_ns = pattern_now_ns();
    for (size_t i = 0; i < LIVE; i++) {
        buffer_new(i, &random);
    }
    for (size_t i = 0; i < replacements; i++) {
        buffer_free(i % LIVE);
        buffer_new(i % LIVE, &random);
    }
    for (size_t i = 0; i < LIVE; i++) {
        buffer_free(i);
    }
    uint64_t elapsed_ns = pattern_now_ns() - start_ns;
    return pattern_report("large", LIVE + replacements, elapsed_ns);
}
