// lock.h - a lock that sleeps: two words and the futex system call.
//
//   word    0 open | 1 taken
//   sleeps  1 if somebody may sleep until it is open
//
// To drop it is a plain store, for an exchange there would wait until all stores before it are done,
// which for memory that was just freed takes as long as all the rest of a slow path. The price is a
// window: `sleeps` may be read before that store is seen by a thread that has just set it, found the lock
// taken and goes to sleep. That thread is not woken, so nobody sleeps for longer than SLEEP_NS at once.
//
// It never spins for long: with more threads than processors the holder may not be running.
//
// The gate. A thread that forks needs every lock to be free in the child, and must still allocate: fork
// handlers of others may run after ours. So it takes all locks, closes the gate and opens the locks
// again. Until it opens the gate, any other thread that gets a lock gives it back and waits.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LINUX_LOCK_H
#define ACRE_LINUX_LOCK_H

#include "base/atomics.h"

typedef struct acre_port_lock {
    uint32_t word;
    uint32_t sleeps;
} acre_port_lock;

extern __attribute__((visibility("hidden"))) uint32_t acre_port_gate;

__attribute__((visibility("hidden"))) void acre_port_lock_wait(acre_port_lock *lock);
__attribute__((visibility("hidden"))) void acre_port_lock_wake(acre_port_lock *lock);

/// Called with the lock when the gate is closed: returns with it once the gate lets the caller pass.
__attribute__((visibility("hidden"))) void acre_port_lock_at_gate(acre_port_lock *lock);

/// The thread pointer of a thread that is about to end the process (fatal.c): no lock stops it any more, so
/// that a handler of SIGABRT may allocate, whatever was locked when the thread found what it reports.
extern __attribute__((visibility("hidden"))) const void *acre_port_dying;

/// Closes the gate for all but the caller, who holds every lock; opens it.
__attribute__((visibility("hidden"))) void acre_port_lock_gate_close(void);
__attribute__((visibility("hidden"))) void acre_port_lock_gate_open(void);

static inline void acre_port_lock_take(acre_port_lock *lock)
{
    uint32_t open = 0;
    // Acquire: pairs with the release of the drop before it.
    if (!cas_acquire(&lock->word, &open, 1)) {
        acre_port_lock_wait(lock);
    }
    // Relaxed: who closed the gate held this lock then, so we are behind that.
    if (__builtin_expect(load_relaxed(&acre_port_gate) != 0, 0)) {
        acre_port_lock_at_gate(lock);
    }
}

static inline void acre_port_lock_drop(acre_port_lock *lock)
{
    store_release(&lock->word, 0);     // pairs with the acquire of the next take
    __asm__ volatile("" ::: "memory"); // as near to the store as the processor can
    if (__builtin_expect(load_relaxed(&lock->sleeps) != 0, 0)) {
        acre_port_lock_wake(lock);
    }
}

#endif
