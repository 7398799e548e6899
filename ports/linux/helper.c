// helper.c - see helper.h.
//
// pthread_create would take locks of libc under which libc itself calls free, and would make a program
// with one thread one with two in libc's eyes, for good. So the thread is made by clone, with memory of
// its own to stand on:
//
//   [ nobody's page | stack | thread-local storage: errno and whatever else our code has there ]
//                                     thread pointer ^
//
// The mapping is made once and kept: the kernel's note of the thread's number, which it clears at the very
// end, says when the next helper may have it.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "helper.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "acre_port.h"
#include "base/atomics.h"

enum {
    GUARD_BYTES = 1 << 16, // the largest page that there is
    STACK_BYTES = 1 << 16,
    TLS_MARGIN_BYTES = 1024, // what surrounds the thread pointer: a canary, the pointer itself
    TLS_ALIGN_BYTES = 64,
    KERNEL_SIGNALS_BYTES = 8,
    ENDING_MS = 20,
    FUTEX_WAIT = 0,
};

static struct {
    pid_t process;     // in which helpers may start
    uint32_t thread;   // its number; 0 = there is none
    char *stack_end;   // NULL until the first start
    char *tls_pointer; // what the thread pointer is to be
} helper;

/// Sleeps until `word` is no longer `value`, or `ms` have passed.
static void wait_while(uint32_t *word, uint32_t value, uint32_t ms)
{
    const struct timespec limit = {
        .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    // Not a private wait: the kernel wakes who waits for a thread's end by the address alone.
    (void)syscall(SYS_futex, word, FUTEX_WAIT, value, &limit, NULL, 0);
}

void acre_port_helper_sleep(uint32_t ms)
{
    static uint32_t never_changes;
    wait_while(&never_changes, 0, ms);
}

void acre_port_helper_here(void)
{
    helper.process = getpid();
    store_relaxed(&helper.thread, 0);
}

/// Makes stack and thread-local storage, long enough on both sides of the thread pointer for what our code
/// reaches from there.
static bool make_room(void)
{
    const char *own = (const char *)__builtin_thread_pointer();
    const ptrdiff_t reached[] = {(const char *)&errno - own, (const char *)&acre_port_thread - own};
    ptrdiff_t low = 0;
    ptrdiff_t high = 0;
    for (size_t i = 0; i < sizeof(reached) / sizeof(reached[0]); i++) {
        low = reached[i] < low ? reached[i] : low;
        high = reached[i] > high ? reached[i] : high;
    }
    size_t low_bytes = ((size_t)-low + TLS_MARGIN_BYTES) & ~(size_t)(TLS_ALIGN_BYTES - 1);
    size_t high_bytes = (size_t)high + TLS_MARGIN_BYTES;
    size_t bytes = GUARD_BYTES + STACK_BYTES + low_bytes + high_bytes;
    char *room = mmap(
        NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) {
        return false;
    }
    (void)mprotect(room, GUARD_BYTES, PROT_NONE); // refused: one net less
    char *stack_end = room + GUARD_BYTES + STACK_BYTES;
    helper.tls_pointer = stack_end + low_bytes;
#if defined(__x86_64__)
    void **pointer = (void **)(void *)helper.tls_pointer;
    pointer[0] = pointer; // by which the compiler finds it
    pointer[2] = pointer; // by which libc does
#endif
    store_release(&helper.stack_end, stack_end); // last: another thread may fork now
    return true;
}

static int run(void *body)
{
    (*(void (**)(void))body)();
    return 0;
}

/// Signals are blocked around it, for the new thread inherits the mask: all of them, libc's own too.
static bool spawn(void (*body)(void))
{
    static void (*kept_body)(void);
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                      CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    unsigned char all[KERNEL_SIGNALS_BYTES];
    unsigned char before[KERNEL_SIGNALS_BYTES];
    __builtin_memset(all, 0xff, sizeof(all));
    kept_body = body;
    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, all, before, sizeof(all)) != 0) {
        return false;
    }
    int thread = clone(
        run, helper.stack_end, flags, &kept_body, (pid_t *)&helper.thread, helper.tls_pointer,
        (pid_t *)&helper.thread);
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, before, NULL, sizeof(before));
    return thread > 0;
}

bool acre_port_helper_is_privileged(void)
{
    return geteuid() == 0 || geteuid() != getuid();
}

bool acre_port_helper_start(void (*body)(void))
{
    int saved_errno = errno;
    uint32_t ending = load_acquire(&helper.thread);
    if (ending != 0) {
        wait_while(&helper.thread, ending, ENDING_MS);
    }
    bool started = helper.process == getpid() && load_acquire(&helper.thread) == 0 &&
                   (helper.stack_end != NULL || make_room()) && spawn(body);
    errno = saved_errno;
    return started;
}
