// idle block | scattered - 256 MiB are filled and nearly all freed; then the program waits.
//
// Stresses give-back by a process that never calls malloc again: what its memory falls to, and how
// soon. Blocks of 16 bytes to 2 KiB, and one of 50 up to 256 KiB. `block` frees the newest 95 %,
// `scattered` leaves one of a hundred, at random, so that hardly a page is wholly free but the most
// of each is. Real programs: desktop programs after a document is closed, servers at night, browser
// tabs in the background, a shell after a large command.
//
// The report's `memory_kib` is the resident memory at the end of the wait of 3 seconds, at least
// 2 in a short run; acre bench shows how it gets there.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { WAIT_MS = 3000, LEAST_WAIT_MS = 2000, KEPT_PERCENT_BLOCK = 5 };
#define PEAK_BYTES  ((size_t)256 << 20)
#define MOST_BLOCKS ((size_t)400000)

static char *blocks[MOST_BLOCKS];
static uint32_t sizes[MOST_BLOCKS];
static size_t block_count;

static size_t idle_size(pattern_random *random)
{
    return pattern_random_below(random, 50) == 0 ? pattern_random_size(random, 2048, 262144)
                                                 : pattern_random_size(random, 16, 2048);
}

static void fill(pattern_random *random)
{
    while (pattern_result.live_bytes < PEAK_BYTES && block_count < MOST_BLOCKS) {
        size_t bytes = idle_size(random);
        blocks[block_count] = pattern_alloc(bytes);
        memset(blocks[block_count], 1, bytes);
        sizes[block_count++] = (uint32_t)bytes;
        pattern_live_add(bytes);
    }
}

static void drop(pattern_random *random, int is_scattered)
{
    size_t first_dropped = block_count * KEPT_PERCENT_BLOCK / 100;
    for (size_t i = 0; i < block_count; i++) {
        int is_kept = is_scattered ? pattern_random_below(random, 100) == 0 : i < first_dropped;
        if (!is_kept) {
            pattern_live_subtract(sizes[i]);
            pattern_checksum_add(sizes[i]);
            free(blocks[i]);
        }
    }
}

static void wait_for_it(void)
{
    size_t wait_ms = pattern_work(WAIT_MS);
    wait_ms = wait_ms < LEAST_WAIT_MS ? LEAST_WAIT_MS : wait_ms;
    struct timespec wait = {(time_t)(wait_ms / 1000), (long)(wait_ms % 1000) * 1000000};
    nanosleep(&wait, NULL);
}

int main(int argument_count, char **arguments)
{
    int is_scattered = argument_count == 2 && strcmp(arguments[1], "scattered") == 0;
    if (argument_count != 2 || (!is_scattered && strcmp(arguments[1], "block") != 0)) {
        fprintf(stderr, "usage: idle block | scattered\n");
        return 2;
    }
    pattern_random random = pattern_random_seed(14);
    uint64_t start_ns = pattern_now_ns();
    fill(&random);
    drop(&random, is_scattered);
    uint64_t elapsed_ns = pattern_now_ns() - start_ns;
    wait_for_it();
    uint64_t idle_kib = pattern_rss_kib();
    pattern_report_start(is_scattered ? "idle_scattered" : "idle_block", block_count, elapsed_ns);
    printf(
        " memory_kib=%llu live_bytes=%llu\n", (unsigned long long)idle_kib,
        (unsigned long long)pattern_result.live_bytes);
    return 0;
}
