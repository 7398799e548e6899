// handles_of_pictures.c - a store of pictures in one fixed block, as a game console or a viewer has it: they
// come and go in all sizes, and what is free can always be had, although it is never in one piece.
//
//     cc handles_of_pictures.c -lacre_pools -lacre && ./a.out
//
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "acre/acre.h"

enum { PICTURES = 64, LOADS = 5000 };

static _Alignas(16) unsigned char memory[256 * 1024];
static acre_handles *store;
static acre_handle pictures[PICTURES];

static uint32_t random_number(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

/// Draws a picture: its address is good as long as it is pinned.
static unsigned draw(acre_handle picture)
{
    const unsigned char *pixels = acre_handles_pin(store, picture);
    if (pixels == NULL) {
        return 0;
    }
    unsigned sum = 0;
    for (size_t i = 0; i < acre_handles_size(store, picture); i++) {
        sum += pixels[i];
    }
    (void)acre_handles_unpin(store, picture);
    return sum;
}

int main(void)
{
    acre_handles_options options = {.count = PICTURES};
    if (acre_handles_init(memory, sizeof(memory), &options, &store) != ACRE_OK) {
        return 1;
    }
    unsigned loaded = 0;
    unsigned refused = 0; // in pieces, and not even compaction would help
    unsigned in_pieces = 0;
    unsigned drawn = 0;
    for (unsigned i = 0; i < LOADS; i++) {
        acre_handle *picture = &pictures[random_number() % PICTURES];
        size_t bytes = 500 + random_number() % 8000;
        (void)acre_handles_kill(store, *picture); // whatever was there
        *picture = acre_handles_new(store, bytes, 0);
        if (*picture == 0) {
            // Enough is free or not; if it is, move what is in the way.
            acre_handles_stats stats;
            acre_handles_get_stats(store, &stats);
            in_pieces += stats.free_bytes >= bytes ? 1 : 0;
            if (acre_handles_make_room(store, bytes, SIZE_MAX) == ACRE_OK) {
                *picture = acre_handles_new(store, bytes, 0);
            }
        }
        if (*picture == 0) {
            refused += 1;
            continue;
        }
        loaded += 1;
        if (acre_handles_fill(store, *picture, 0, 1, bytes) != ACRE_OK || draw(*picture) != bytes) {
            return 1;
        }
        drawn += 1;
        (void)acre_handles_compact(store, 2000); // a slice in each idle moment
    }
    acre_handles_stats stats;
    acre_handles_get_stats(store, &stats);
    printf(
        "%u loaded, %u refused for want of memory; %u times it was free only in pieces\n", loaded,
        refused, in_pieces);
    printf("%zu KiB moved\n", stats.moved_bytes / 1024);
    return drawn == loaded && loaded + refused == LOADS && acre_handles_audit(store) == NULL ? 0
                                                                                             : 1;
}
