// fit_death.h - a fit heap for death tests.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FIT_DEATH_H
#define ACRE_FIT_DEATH_H

#include "acre/fit.h"
#include "death.h"

static acre_fit *fit_death_heap;

static inline void fit_death_open(unsigned flags)
{
    static char memory[8192];
    if (acre_fit_init(memory, sizeof(memory), ACRE_FIT_FIRST, flags, &fit_death_heap) != ACRE_OK) {
        _exit(DEATH_UNPREPARED);
    }
}

static inline char *fit_death_alloc(size_t bytes)
{
    char *block = death_hidden(acre_fit_alloc(fit_death_heap, bytes));
    if (block == NULL) {
        _exit(DEATH_UNPREPARED);
    }
    return block;
}

static inline acre_status fit_death_free(void *block)
{
    return acre_fit_free(fit_death_heap, block);
}

#endif
