// churn small | million - a random live block is freed and one of another size takes its place.
//
// Stresses the steady state of a long-lived process: slabs that are neither full nor empty, and the
// decision when a full slab may be used again. `small` keeps 10 000 blocks of 8 to 1 007 bytes
// (fits the caches; list handling decides), `million` keeps 1 000 000 of 16 to 115 bytes (every
// operation misses the caches; locality decides). Real programs: key-value stores, databases,
// language runtimes, network servers with many connections.
// SPDX-License-Identifier: MIT
#include "pattern.h"

typedef struct churn_shape {
    const char *name;
    const char *report_name;
    size_t block_count;
    size_t low_bytes;
    size_t high_bytes; // not included
    size_t pairs;
} churn_shape;

static const churn_shape shapes[] = {
    {"small", "random_small", 10000, 8, 1008, 15000000},
    {"million", "random_million", 1000000, 16, 116, 4000000},
};

static char *blocks[1000000];

static char *churn_block_new(pattern_random *random, const churn_shape *shape, char mark)
{
    char *block = malloc(pattern_random_size(random, shape->low_bytes, shape->high_bytes));
    *block = mark;
    return block;
}

/// Runs the timed part and returns its nanoseconds. Blocks are checked at the end only: a read
/// before each free would wait for memory where free itself only writes, and nearly double
/// `million`.
static uint64_t churn_run(const churn_shape *shape)
{
    pattern_random random = pattern_random_seed(1);
    for (size_t i = 0; i < shape->block_count; i++) {
        blocks[i] = churn_block_new(&random, shape, (char)i);
    }
    size_t pairs = pattern_work(shape->pairs);
    uint64_t start_ns = pattern_now_ns();
    for (size_t pair = 0; pair < pairs; pair++) {
        size_t victim = pattern_random_below(&random, shape->block_count);
        free(blocks[victim]);
        blocks[victim] = churn_block_new(&random, shape, (char)victim);
    }
    uint64_t elapsed_ns = pattern_now_ns() - start_ns;
    for (size_t i = 0; i < shape->block_count; i++) {
        if (*blocks[i] != (char)i) {
            pattern_fail("a block's content changed while it was live");
        }
        free(blocks[i]);
    }
    pattern_checksum_add(pattern_random_next(&random));
    return elapsed_ns;
}

int main(int argument_count, char **arguments)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (argument_count == 2 && strcmp(arguments[1], shapes[i].name) == 0) {
            uint64_t elapsed_ns = churn_run(&shapes[i]);
            // What is live moves little around the mean.
            pattern_result.peak_live_bytes =
                shapes[i].block_count * (shapes[i].low_bytes + shapes[i].high_bytes - 1) / 2;
            return pattern_report(shapes[i].report_name, pattern_work(shapes[i].pairs), elapsed_ns);
        }
    }
    fprintf(stderr, "usage: churn small | million\n");
    return 2;
}
