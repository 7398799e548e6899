// system.h - how the tests of surroundings change what the system does for a process.
// SPDX-License-Identifier: MIT
#ifndef ACRE_SURROUNDINGS_SYSTEM_H
#define ACRE_SURROUNDINGS_SYSTEM_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "../conform/process.h"

/// Installs a filter of system calls for all threads of the process, for good.
static inline bool system_filter(struct sock_filter *program, size_t length)
{
    struct sock_fprog all = {(unsigned short)length, program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &all) == 0;
}

/// From now on the system call `number` fails with `error`.
static inline bool system_deny(long number, int error)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return system_filter(program, sizeof(program) / sizeof(program[0]));
}

/// From now on only the calls in the list may be made, which ends with -1. Any other ends the process.
static inline bool system_allow_only(const long *numbers)
{
    enum { CALLS_MAX = 32 };
    struct sock_filter program[2 * CALLS_MAX + 2] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    size_t length = 1;
    for (size_t i = 0; i < CALLS_MAX && numbers[i] >= 0; i++) {
        const struct sock_filter pair[] = {
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i], 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        memcpy(&program[length], pair, sizeof(pair));
        length += 2;
    }
    const struct sock_filter last = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    program[length++] = last;
    return system_filter(program, length);
}

/// How many mappings the process has: lines of /proc/self/maps, read without malloc.
static inline size_t system_mappings(void)
{
    static char text[1 << 16];
    size_t lines = 0;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    for (ssize_t got; fd >= 0 && (got = read(fd, text, sizeof(text))) > 0;) {
        for (ssize_t i = 0; i < got; i++) {
            lines += text[i] == '\n';
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return lines;
}

/// A number that the system keeps in a file; 0 if it does not.
static inline size_t system_number(const char *path)
{
    char text[32] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return got > 0 ? strtoull(text, NULL, 10) : 0;
}

/// Pages of alternating protection, which the kernel cannot join: each is a mapping.
struct system_stripes {
    char *base;
    size_t bytes;
};

/// Makes mappings until there may be no more. False if that could not be reached.
static inline bool system_use_up_mappings(struct system_stripes *stripes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t most = system_number("/proc/sys/vm/max_map_count");
    if (most == 0 || most > 1000000) {
        return false;
    }
    stripes->bytes = (most + 100) * 2 * page;
    stripes->base =
        mmap(NULL, stripes->bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stripes->base == MAP_FAILED) {
        return false;
    }
    for (size_t made = 0; made < stripes->bytes; made += 2 * page) {
        if (mprotect(stripes->base + made, page, PROT_READ) != 0) {
            return true;
        }
    }
    return false;
}

/// Gives so many of them up again.
static inline void system_free_mappings(const struct system_stripes *stripes, size_t count)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < count / 2; i++) { // each joins its two neighbours
        (void)mprotect(stripes->base + 2 * i * page, page, PROT_NONE);
    }
}

static inline void system_end_stripes(const struct system_stripes *stripes)
{
    (void)CHECK(munmap(stripes->base, stripes->bytes) == 0);
}

#endif
