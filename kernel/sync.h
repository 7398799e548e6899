// sync.h - words that processors share: a flag is set with release, and read with acquire.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_SYNC_H
#define ACRE_KERNEL_SYNC_H

#include <stdbool.h>
#include <stdint.h>

static inline uint32_t sync_load(const uint32_t *at)
{
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static inline void sync_store(uint32_t *at, uint32_t value)
{
    __atomic_store_n(at, value, __ATOMIC_RELEASE);
}

/// Adds, and returns the sum.
static inline uint32_t sync_add(uint32_t *at, uint32_t value)
{
    return __atomic_add_fetch(at, value, __ATOMIC_ACQ_REL);
}

/// Puts `value` there and returns what was there.
static inline uint32_t sync_swap(uint32_t *at, uint32_t value)
{
    return __atomic_exchange_n(at, value, __ATOMIC_ACQ_REL);
}

/// The same for a pointer.
static inline void *sync_swap_pointer(void **at, void *value)
{
    return __atomic_exchange_n(at, value, __ATOMIC_ACQ_REL);
}

#endif
