// lock.c - the sleeping half of lock.h.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "lock.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

// The kernel's interface: its headers are not wherever a C library is (musl-gcc).
enum { SPINS_MAX = 64, FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };

static void lock_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void acre_port_lock_wait(acre_port_lock *lock)
{
    int saved_errno = errno; // free must leave errno alone
    for (int i = 0; i < SPINS_MAX; i++) {
        uint32_t open = 0;
        if (__atomic_load_n(&lock->word, __ATOMIC_RELAXED) == 0 &&
            __atomic_compare_exchange_n(
                &lock->word, &open, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            return;
        }
        lock_pause();
    }
    while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE) != 0) {
        // Returns at once if the word is no longer 2: the holder dropped it in between.
        syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
    }
    errno = saved_errno;
}

void acre_port_lock_wake(acre_port_lock *lock)
{
    int saved_errno = errno;
    syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved_errno;
}
