// threads - 10 000 threads, one after another, allocate a little and end.
//
// Stresses what a thread costs an allocator: making its heap or cache at the first malloc, taking
// it apart at the end, and blocks that outlive the thread (the next thread frees them). Real
// programs: servers with a thread a request, std::async, build tools, desktop programs' helpers.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { THREADS = 10000, BLOCKS = 24, INHERITED = 8 };

static void *inherited[INHERITED];
static uint32_t inherited_sizes[INHERITED];

static void *work(void *seed)
{
    pattern_random random = pattern_random_seed((uintptr_t)seed);
    void *blocks[BLOCKS];
    uint32_t sizes[BLOCKS];
    uint64_t sum = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        sizes[i] = (uint32_t)pattern_random_size(&random, 16, i % 8 == 0 ? 8192 : 512);
        blocks[i] = pattern_alloc(sizes[i]);
        pattern_stamp(blocks[i], sizes[i]);
        sum += sizes[i] * (i + 1);
    }
    for (size_t i = 0; i < INHERITED; i++) {
        if (inherited[i] != NULL) {
            pattern_check(inherited[i], inherited_sizes[i]);
            free(inherited[i]);
        }
        inherited[i] = blocks[i];
        inherited_sizes[i] = sizes[i];
    }
    for (size_t i = INHERITED; i < BLOCKS; i++) {
        pattern_check(blocks[i], sizes[i]);
        free(blocks[i]);
    }
    pattern_checksum_add(sum);
    return NULL;
}

int main(void)
{
    size_t threads = pattern_work(THREADS);
    uint64_t start_ns = pattern_now_ns();
    for (size_t i = 0; i < threads; i++) {
        pthread_t thread;
        pattern_thread_start(&thread, work, (void *)(uintptr_t)(1000 + i));
        pthread_join(thread, NULL);
    }
    uint64_t elapsed_ns = pattern_now_ns() - start_ns;
    for (size_t i = 0; i < INHERITED; i++) {
        free(inherited[i]);
    }
    return pattern_report("threads", threads * BLOCKS, elapsed_ns);
}
