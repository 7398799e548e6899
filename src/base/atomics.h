// atomics.h - the only place that names memory orders.
//
// Every function works on a naturally aligned word or half word, so that no target needs a library
// for it. A port without threads or interrupts that allocate (ACRE_PORT_ATOMICS 0) gets plain
// accesses: Cortex-M0 has no compare-and-swap.
//
//   load_relaxed, store_relaxed    only that the value is whole
//   load_acquire, store_release    what was written before the store is seen after the load
//   swap_acquire                   exchange: takes what a release published
//   cas_release, cas_acquire       publish or take if nothing changed
//   cas32_both, *64_both           take and publish: words whose parts belong to several, 64 bits wide
//                                  only where that is a machine word
//
// The sim port runs a step of its scheduler before each of them (ACRE_PORT_STEP).
// SPDX-License-Identifier: MIT

// Before the guard: a port's header may use what is here, and includes this file after it has defined
// what this file needs.
#include "acre_port.h"

#ifndef ACRE_BASE_ATOMICS_H
#define ACRE_BASE_ATOMICS_H

#include <stdbool.h>
#include <stdint.h>

#ifndef ACRE_PORT_STEP
#define ACRE_PORT_STEP() ((void)0)
#endif
#ifndef ACRE_PORT_CAS_FAILS
#define ACRE_PORT_CAS_FAILS() false // the sim port's chosen compare-and-swap fails for no reason
#endif

#if ACRE_PORT_ATOMICS

#define ACRE_ATOMIC_LOAD(at, order)         __atomic_load_n(at, order)
#define ACRE_ATOMIC_STORE(at, value, order) __atomic_store_n(at, value, order)
#define ACRE_ATOMIC_SWAP(at, value, order)  __atomic_exchange_n(at, value, order)
#define ACRE_ATOMIC_ADD(at, value)          __atomic_add_fetch(at, value, __ATOMIC_RELAXED)
#define ACRE_ATOMIC_CAS(at, expected, value, order)                                                \
    __atomic_compare_exchange_n(at, expected, value, false, order, __ATOMIC_RELAXED)
#define ACRE_ATOMIC_SWAP_WORD(at, value, order)          ACRE_ATOMIC_SWAP(at, value, order)
#define ACRE_ATOMIC_CAS_WORD(at, expected, value, order) ACRE_ATOMIC_CAS(at, expected, value, order)

#else

static inline uint32_t plain_swap(uint32_t *at, uint32_t value)
{
    uint32_t old = *at;
    *at = value;
    return old;
}

static inline bool plain_cas(uint32_t *at, uint32_t *expected, uint32_t value)
{
    if (*at != *expected) {
        *expected = *at;
        return false;
    }
    *at = value;
    return true;
}

static inline uintptr_t plain_swap_word(uintptr_t *at, uintptr_t value)
{
    uintptr_t old = *at;
    *at = value;
    return old;
}

static inline bool plain_cas_word(uintptr_t *at, uintptr_t *expected, uintptr_t value)
{
    if (*at != *expected) {
        *expected = *at;
        return false;
    }
    *at = value;
    return true;
}

#define ACRE_ATOMIC_LOAD(at, order)                      (*(at))
#define ACRE_ATOMIC_STORE(at, value, order)              (*(at) = (value))
#define ACRE_ATOMIC_SWAP(at, value, order)               plain_swap(at, value)
#define ACRE_ATOMIC_ADD(at, value)                       (*(at) += (value))
#define ACRE_ATOMIC_CAS(at, expected, value, order)      plain_cas(at, expected, value)
#define ACRE_ATOMIC_SWAP_WORD(at, value, order)          plain_swap_word(at, value)
#define ACRE_ATOMIC_CAS_WORD(at, expected, value, order) plain_cas_word(at, expected, value)

#endif

// Loads and stores serve words, half words and pointers alike, so they are macros over the type.
#define load_relaxed(at)         (ACRE_PORT_STEP(), ACRE_ATOMIC_LOAD(at, __ATOMIC_RELAXED))
#define load_acquire(at)         (ACRE_PORT_STEP(), ACRE_ATOMIC_LOAD(at, __ATOMIC_ACQUIRE))
#define store_relaxed(at, value) (ACRE_PORT_STEP(), ACRE_ATOMIC_STORE(at, value, __ATOMIC_RELAXED))
#define store_release(at, value) (ACRE_PORT_STEP(), ACRE_ATOMIC_STORE(at, value, __ATOMIC_RELEASE))

static inline uint32_t swap_acquire(uint32_t *at, uint32_t value)
{
    ACRE_PORT_STEP();
    return ACRE_ATOMIC_SWAP(at, value, __ATOMIC_ACQUIRE);
}

/// Replaces *expected by `value` if it still stands at `at`; else reads what stands there into
/// *expected and returns false. May fail for no reason: for loops.
static inline bool cas_release(uint32_t *at, uint32_t *expected, uint32_t value)
{
    ACRE_PORT_STEP();
    return !ACRE_PORT_CAS_FAILS() && ACRE_ATOMIC_CAS(at, expected, value, __ATOMIC_RELEASE);
}

/// The same with acquire order, and it fails only if the value differs.
static inline bool cas_acquire(uint32_t *at, uint32_t *expected, uint32_t value)
{
    ACRE_PORT_STEP();
    return ACRE_ATOMIC_CAS(at, expected, value, __ATOMIC_ACQUIRE);
}

static inline uint32_t add_relaxed(uint32_t *at, uint32_t value)
{
    ACRE_PORT_STEP();
    return ACRE_ATOMIC_ADD(at, value);
}

/// The same for a machine word, with acquire and release order.
static inline uintptr_t swap_word_both(uintptr_t *at, uintptr_t value)
{
    ACRE_PORT_STEP();
    return ACRE_ATOMIC_SWAP_WORD(at, value, __ATOMIC_ACQ_REL);
}

/// As cas_release, for a machine word.
static inline bool cas_word_release(uintptr_t *at, uintptr_t *expected, uintptr_t value)
{
    ACRE_PORT_STEP();
    return !ACRE_PORT_CAS_FAILS() && ACRE_ATOMIC_CAS_WORD(at, expected, value, __ATOMIC_RELEASE);
}

/// As cas_acquire, with acquire and release order. The sim port can make it fail for no reason.
static inline bool cas32_both(uint32_t *at, uint32_t *expected, uint32_t value)
{
    ACRE_PORT_STEP();
    return !ACRE_PORT_CAS_FAILS() && ACRE_ATOMIC_CAS(at, expected, value, __ATOMIC_ACQ_REL);
}

#if __SIZEOF_POINTER__ > 4

#if ACRE_PORT_ATOMICS

#define ACRE_ATOMIC64_CAS(at, expected, value)                                                     \
    ACRE_ATOMIC_CAS(at, expected, value, __ATOMIC_ACQ_REL)
#define ACRE_ATOMIC64_SWAP(at, value) __atomic_exchange_n(at, value, __ATOMIC_ACQ_REL)
#define ACRE_ATOMIC64_ADD(at, value)  __atomic_fetch_add(at, value, __ATOMIC_ACQ_REL)
#define ACRE_ATOMIC64_OR(at, value)   __atomic_fetch_or(at, value, __ATOMIC_ACQ_REL)
#define ACRE_ATOMIC64_AND(at, value)  __atomic_fetch_and(at, value, __ATOMIC_ACQ_REL)

#else

static inline uint64_t plain64_set(uint64_t *at, uint64_t value)
{
    uint64_t old = *at;
    *at = value;
    return old;
}

static inline bool plain64_cas(uint64_t *at, uint64_t *expected, uint64_t value)
{
    if (*at != *expected) {
        *expected = *at;
        return false;
    }
    *at = value;
    return true;
}

#define ACRE_ATOMIC64_CAS(at, expected, value) plain64_cas(at, expected, value)
#define ACRE_ATOMIC64_SWAP(at, value)          plain64_set(at, value)
#define ACRE_ATOMIC64_ADD(at, value)           plain64_set(at, *(at) + (value))
#define ACRE_ATOMIC64_OR(at, value)            plain64_set(at, *(at) | (value))
#define ACRE_ATOMIC64_AND(at, value)           plain64_set(at, *(at) & (value))

#endif

static inline bool cas64_both(uint64_t *at, uint64_t *expected, uint64_t value)
{
    ACRE_PORT_STEP();
    return !ACRE_PORT_CAS_FAILS() && ACRE_ATOMIC64_CAS(at, expected, value);
}

// These return what stood there before.

static inline uint64_t swap64_both(uint64_t *at, uint64_t value)
{
    ACRE_PORT_STEP();
    return ACRE_ATOMIC64_SWAP(at, value);
}

static inline uint64_t add64_both(uint64_t *at, uint64_t value)
{
    ACRE_PORT_STEP();
    return ACRE_ATOMIC64_ADD(at, value);
}

static inline uint64_t or64_both(uint64_t *at, uint64_t value)
{
    ACRE_PORT_STEP();
    return ACRE_ATOMIC64_OR(at, value);
}

static inline uint64_t and64_both(uint64_t *at, uint64_t value)
{
    ACRE_PORT_STEP();
    return ACRE_ATOMIC64_AND(at, value);
}

#endif

#endif
