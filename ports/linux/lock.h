// lock.h - a lock that sleeps: one word and the futex system call.
//
//   0 open | 1 taken, nobody waits | 2 taken, somebody may sleep
//
// It never spins for long: with more threads than processors the holder may not be running.
// Source: U. Drepper, "Futexes are tricky", 2011, the third mutex.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LINUX_LOCK_H
#define ACRE_LINUX_LOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct acre_port_lock {
    uint32_t word;
} acre_port_lock;

__attribute__((visibility("hidden"))) void acre_port_lock_wait(acre_port_lock *lock);
__attribute__((visibility("hidden"))) void acre_port_lock_wake(acre_port_lock *lock);

static inline void acre_port_lock_take(acre_port_lock *lock)
{
    uint32_t open = 0;
    // Acquire: pairs with the release of the drop before it.
    if (!__atomic_compare_exchange_n(
            &lock->word, &open, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        acre_port_lock_wait(lock);
    }
}

static inline void acre_port_lock_drop(acre_port_lock *lock)
{
    // Release: pairs with the acquire of the next take.
    if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2) {
        acre_port_lock_wake(lock);
    }
}

#endif
