// fit_policies.c - five ways to choose a hole, on the same traffic: what they cost, what they leave behind.
//
//     cc fit_policies.c -lacre_pools -lacre && ./a.out
//
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "acre/fit.h"

enum { MEMORY_BYTES = 16384, BLOCKS = 100, STEPS = 20000 };

static _Alignas(16) unsigned char memory[MEMORY_BYTES];

static unsigned random_below(unsigned *state, unsigned bound)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 16) % bound;
}

/// Small blocks mostly, some large ones, freed in any order. Returns how many requests failed.
static unsigned traffic(acre_fit *fit)
{
    void *blocks[BLOCKS] = {NULL};
    unsigned state = 1;
    unsigned failed = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        void **at = &blocks[random_below(&state, BLOCKS)];
        if (*at == NULL) {
            *at = acre_fit_alloc(fit, 1 + random_below(&state, i % 8 == 0 ? 1000 : 200));
            failed += *at == NULL ? 1 : 0;
        } else {
            acre_fit_free(fit, *at);
            *at = NULL;
        }
    }
    return failed;
}

int main(void)
{
    static const char *const names[] = {"first", "next", "best", "worst", "address"};
    char picture[1024];
    puts("policy   failed  looked at, a request  free  in pieces  largest");
    for (acre_fit_policy policy = ACRE_FIT_FIRST; policy <= ACRE_FIT_ADDRESS; policy++) {
        acre_fit *fit;
        acre_fit_stats stats;
        if (acre_fit_init(memory, sizeof(memory), policy, 0, &fit) != ACRE_OK) {
            return 1;
        }
        unsigned failed = traffic(fit);
        acre_fit_get_stats(fit, &stats);
        printf(
            "%-8s %6u %21.1f %5zu %10zu %8zu\n", names[policy], failed,
            (double)stats.looked_at / (double)stats.searches, stats.free_bytes, stats.free_blocks,
            stats.largest_bytes);
        if (policy == ACRE_FIT_ADDRESS) {
            acre_fit_draw(fit, 64, 8, picture, sizeof(picture));
            printf("\nwhat `address` leaves:\n%s", picture);
        }
        if (acre_fit_check(fit) != NULL) {
            return 1;
        }
    }
    return 0;
}
