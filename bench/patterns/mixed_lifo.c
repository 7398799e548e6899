// mixed_lifo - 50 000 blocks of 16 to 512 bytes are allocated, then freed last first.
//
// Stresses many size classes at once with a working set beyond the second-level cache (13 MB), and
// slabs that fill and empty completely each round. Real programs: recursive descent (compilers,
// solvers, backtracking search), C++ objects that destruct in reverse order.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { BLOCK_COUNT = 50000, ROUNDS = 150 };

static char *blocks[BLOCK_COUNT];

static size_t block_bytes(int idx)
{
    return 16 + (size_t)(idx & 31) * 16;
}

static void blocks_fill(void)
{
    for (int i = 0; i < BLOCK_COUNT; i++) {
        blocks[i] = malloc(block_bytes(i));
        *blocks[i] = (char)i;
    }
}

int main(void)
{
    size_t rounds = pattern_work(ROUNDS);
    uint64_t start_ns = pattern_now_ns();
    for (size_t round = 0; round < rounds; round++) {
        blocks_fill();
        for (int i = BLOCK_COUNT; i-- > 0;) {
            free(blocks[i]);
        }
    }
    uint64_t elapsed_ns = pattern_now_ns() - start_ns;
    blocks_fill();
    for (int i = BLOCK_COUNT; i-- > 0;) { // not timed: reading before free is not the pattern
        if (*blocks[i] != (char)i) {
            pattern_fail("a block's content changed while it was live");
        }
        pattern_checksum_add((uint64_t)(unsigned char)*blocks[i] * (uint64_t)i);
        pattern_live_add(block_bytes(i));
        free(blocks[i]);
    }
    return pattern_report("mixed_lifo", rounds * BLOCK_COUNT, elapsed_ns);
}
