// process.h - what tests need of processes: children with a deadline, memory in use, clocks.
// SPDX-License-Identifier: MIT
#ifndef ACRE_CONFORM_PROCESS_H
#define ACRE_CONFORM_PROCESS_H

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "conform.h"

/// What process_wait returns for a child that did not end in time. No wait status is negative.
#define PROCESS_HUNG (-1)

static inline uint64_t process_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void process_sleep_us(long us)
{
    struct timespec pause = {us / 1000000, us % 1000000 * 1000};
    (void)nanosleep(&pause, NULL);
}

/// Waits for a child and returns its wait status, or kills it and returns PROCESS_HUNG when it has
/// not ended after `seconds`.
static inline int process_wait(pid_t child, unsigned seconds)
{
    uint64_t deadline = process_now_ns() + seconds * 1000000000ull;
    long pause_us = 50;
    int status = 0;
    for (;;) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child) {
            return status;
        }
        if (process_now_ns() > deadline) {
            (void)kill(child, SIGKILL);
            (void)waitpid(child, &status, 0);
            return PROCESS_HUNG;
        }
        process_sleep_us(pause_us);
        pause_us = pause_us < 5000 ? pause_us * 2 : pause_us;
    }
}

/// Whether a wait status means that the process ended by itself with exit status `code`.
static inline bool process_exited(int status, int code)
{
    return status != PROCESS_HUNG && WIFEXITED(status) && WEXITSTATUS(status) == code;
}

/// Runs `body(argument)` in a child. Returns its wait status: exit status 0 when no check in it
/// failed, or PROCESS_HUNG.
static inline int process_run(void (*body)(void *), void *argument, unsigned seconds)
{
    pid_t child = fork();
    if (child == 0) {
        conform_failures = 0;
        body(argument);
        _exit(conform_failures == 0 ? 0 : 1);
    }
    if (!CHECK(child > 0)) {
        return PROCESS_HUNG;
    }
    return process_wait(child, seconds);
}

/// Reads field `index` of /proc/self/statm, in bytes: 0 is address space, 1 is resident memory.
static inline size_t process_memory(int index)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (got <= 0) {
        return 0;
    }
    text[got] = '\0';
    char *at = text;
    size_t pages = 0;
    for (int i = 0; i <= index; i++) {
        pages = strtoull(at, &at, 10);
    }
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static inline size_t process_resident_bytes(void)
{
    return process_memory(1);
}

static inline size_t process_address_bytes(void)
{
    return process_memory(0);
}

/// Limits the address space of this process to `bytes`. Returns whether that worked.
static inline bool process_limit_address_space(size_t bytes)
{
    struct rlimit limit = {bytes, bytes};
    return setrlimit(RLIMIT_AS, &limit) == 0;
}

/// Bytes that the program holds from malloc, as mallinfo2 reports them.
static inline size_t process_live_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

#endif
