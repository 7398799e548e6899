// pair [PAIRS] - one block of 48 bytes is allocated, written and freed at once, again and again.
//
// Stresses the two hit paths and nothing else: the block is always the one freed last, and in the
// first-level cache. Real programs: boxed numbers and closures of interpreters (python, lua, perl),
// temporary strings, iterators. The number of pairs is an argument so that instructions per pair
// can be counted as a difference of two runs.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { BLOCK_BYTES = 48, STANDARD_PAIRS = 40000000 };

int main(int argument_count, char **arguments)
{
    size_t pairs =
        pattern_argument(argument_count, arguments, 1, pattern_work(STANDARD_PAIRS), 1, SIZE_MAX);
    uint64_t start_ns = pattern_now_ns();
    for (size_t i = 0; i < pairs; i++) {
        char *block = malloc(BLOCK_BYTES);
        *block = (char)i; // a NULL ends the program here, without a test in the loop
        pattern_keep(block);
        free(block);
    }
    uint64_t elapsed_ns = pattern_now_ns() - start_ns;
    pattern_checksum_add(pairs);
    pattern_result.peak_live_bytes = BLOCK_BYTES;
    return pattern_report("pair", pairs, elapsed_ns);
}
