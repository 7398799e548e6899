// lock.c - the sleeping half of lock.h.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "acre_port.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// The kernel's interface: its headers are not wherever a C library is (musl-gcc).
enum { SPINS_MAX = 64, FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };

enum { SLEEP_NS = 1000000 }; // see lock.h

static void lock_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

uint32_t acre_port_gate;       // 1 = closed
static const void *gate_owner; // the thread that closed it, by its thread pointer

static void futex(uint32_t *word, int operation, uint32_t value, const struct timespec *longest)
{
    int saved_errno = errno; // free must leave errno alone
    syscall(SYS_futex, word, operation, value, longest, NULL, 0);
    errno = saved_errno;
}

void acre_port_lock_wait(acre_port_lock *lock)
{
    if (load_relaxed(&acre_port_dying) == __builtin_thread_pointer()) {
        return;
    }
    for (int i = 0; i < SPINS_MAX; i++) {
        uint32_t open = 0;
        if (load_relaxed(&lock->word) == 0 && cas_acquire(&lock->word, &open, 1)) {
            return;
        }
        lock_pause();
    }
    const struct timespec longest = {.tv_nsec = SLEEP_NS};
    uint32_t open = 0;
    // Who gets the lock here leaves `sleeps` set: there may be others.
    while (swap_acquire(&lock->sleeps, 1), !cas_acquire(&lock->word, &open, 1)) {
        // Returns at once if the lock has been opened in between.
        futex(&lock->word, FUTEX_WAIT_PRIVATE, 1, &longest);
        open = 0;
    }
}

void acre_port_lock_wake(acre_port_lock *lock)
{
    store_relaxed(&lock->sleeps, 0); // who is woken sets it again
    futex(&lock->word, FUTEX_WAKE_PRIVATE, 1, NULL);
}

void acre_port_lock_at_gate(acre_port_lock *lock)
{
    while (load_acquire(&acre_port_gate) != 0 &&
           load_relaxed(&gate_owner) != __builtin_thread_pointer()) {
        acre_port_lock_drop(lock);
        futex(&acre_port_gate, FUTEX_WAIT_PRIVATE, 1, NULL);
        uint32_t open = 0;
        if (!cas_acquire(&lock->word, &open, 1)) {
            acre_port_lock_wait(lock);
        }
    }
}

void acre_port_lock_gate_close(void)
{
    store_relaxed(&gate_owner, (const void *)__builtin_thread_pointer());
    store_release(&acre_port_gate, 1);
}

void acre_port_lock_gate_open(void)
{
    store_release(&acre_port_gate, 0);
    futex(&acre_port_gate, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
}
