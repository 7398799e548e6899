// fit_death.h - a fit heap for death tests, which find the library only when they run.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FIT_DEATH_H
#define ACRE_FIT_DEATH_H

#include "acre/fit.h"
#include "death.h"

static acre_fit *fit_death_heap;

static inline void fit_death_open(unsigned flags)
{
    static char memory[8192];
    acre_status (*init)(void *, size_t, acre_fit_policy, unsigned, acre_fit **);
    death_lookup("acre_fit_init", &init);
    if (init(memory, sizeof(memory), ACRE_FIT_FIRST, flags, &fit_death_heap) != ACRE_OK) {
        _exit(DEATH_UNPREPARED);
    }
}

static inline char *fit_death_alloc(size_t bytes)
{
    void *(*alloc)(acre_fit *, size_t);
    death_lookup("acre_fit_alloc", &alloc);
    char *block = death_hidden(alloc(fit_death_heap, bytes));
    if (block == NULL) {
        _exit(DEATH_UNPREPARED);
    }
    return block;
}

static inline acre_status fit_death_free(void *block)
{
    acre_status (*release)(acre_fit *, void *);
    death_lookup("acre_fit_free", &release);
    return release(fit_death_heap, block);
}

#endif
