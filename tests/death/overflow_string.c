// overflow_string.c - strings one byte too long end in free blocks.
// Expect: "corrupted free block" "(block of 48 bytes)"
// SPDX-License-Identifier: MIT
#include "death.h"

int main(void)
{
    // One terminating zero may fall on a zero; it cannot in all of these.
    death_take_batch(48);
    static char *before[DEATH_BATCH];
    size_t count = 0;
    for (size_t i = 0; i < DEATH_BATCH; i += 2) {
        size_t next = death_neighbour(i, 48);
        if (next < DEATH_BATCH && next % 2 == 1) {
            before[count++] = death_batch[i];
            free(death_named(death_batch[next]));
            death_batch[next] = NULL;
        }
    }
    for (size_t i = 0; i < count; i++) {
        before[i][48] = '\0';
    }
    return count > 16 ? death_allocate_until_noticed(48) : DEATH_UNPREPARED;
}
