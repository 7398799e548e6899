// conform.h - the frame of the conform and hosted tests: named cases, checks, opaque values.
//
// A test is a program without arguments: a table of cases and a main that calls conform_main. It
// runs on any malloc. Checks that only acre promises stand behind conform_on_acre(). The checks
// print without malloc, since the allocator is what is under test.
//
// run_preloaded.sh sets ACRE_TEST_BINDING to the binding of slots that it asked for; conform_main
// then fails unless the program really runs on acre with that binding, so that a broken preload
// cannot pass for a good one.
// SPDX-License-Identifier: MIT
#ifndef ACRE_CONFORM_H
#define ACRE_CONFORM_H

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

/// Exit status that says: this machine cannot run the test.
#define CONFORM_SKIPPED 77

/// More failed checks than this in one case are counted and not printed.
#define CONFORM_PRINTED_MAX 12

struct conform_case {
    const char *name;
    void (*run)(void);
};

// clang-format off
#define CONFORM_CASE(function) {#function, function}
// clang-format on

static unsigned conform_failures;

/// Prints one line to standard output by one write, so that lines of threads do not mix.
__attribute__((format(printf, 1, 2))) static inline void conform_say(const char *format, ...)
{
    char line[512];
    __builtin_va_list args;
    __builtin_va_start(args, format);
    int length = vsnprintf(line, sizeof(line) - 1, format, args);
    __builtin_va_end(args);
    if (length < 0) {
        return;
    }
    size_t bytes = (size_t)length < sizeof(line) - 1 ? (size_t)length : sizeof(line) - 2;
    line[bytes] = '\n';
    if (write(STDOUT_FILENO, line, bytes + 1) < 0) {
        __atomic_fetch_add(&conform_failures, 1, __ATOMIC_RELAXED);
    }
}

static inline bool conform_check(bool holds, const char *expected, const char *file, int line)
{
    if (!holds) {
        unsigned before = __atomic_fetch_add(&conform_failures, 1, __ATOMIC_RELAXED);
        const char *name = strrchr(file, '/');
        if (before < CONFORM_PRINTED_MAX) {
            conform_say("# %s:%d: expected %s", name != NULL ? name + 1 : file, line, expected);
        }
    }
    return holds;
}

/// Counts and prints a failure unless the condition holds; its value is the condition's.
#define CHECK(condition) conform_check((condition), #condition, __FILE__, __LINE__)

/// The same for a loop: also says which number the loop was at.
#define CHECK_AT(condition, number)                                                                \
    conform_check_at((condition), #condition, __FILE__, __LINE__, #number, (size_t)(number))

static inline bool conform_check_at(
    bool holds, const char *expected, const char *file, int line, const char *what, size_t number)
{
    if (!holds) {
        char text[256];
        (void)snprintf(text, sizeof(text), "%s (at %s = %zu)", expected, what, number);
        return conform_check(false, text, file, line);
    }
    return true;
}

/// Hides from the compiler where a pointer comes from, so that it neither removes a call whose
/// result it believes unused nor reasons about a misuse that the test intends.
static inline void *opaque(void *pointer)
{
    __asm__ volatile("" : "+r"(pointer) : : "memory");
    return pointer;
}

/// Hides a constant size from the compiler.
static inline size_t opaque_size(size_t size)
{
    __asm__ volatile("" : "+r"(size));
    return size;
}

/// errno as it is now: compilers know that free() does not write it, and would not look again.
static inline int conform_errno(void)
{
    __asm__ volatile("" : : : "memory");
    return errno;
}

/// Looks a function up that not every C library has. `function` is the address of a function
/// pointer; it becomes NULL when there is none. Returns whether there is one.
static inline bool conform_lookup(const char *name, void *function)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    memcpy(function, &found, sizeof(found));
    return found != NULL;
}

static inline bool conform_on_acre(void)
{
    return dlsym(RTLD_DEFAULT, "acre_version") != NULL;
}

/// A fast random generator; `state` must not be zero.
static inline uint64_t conform_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}

/// The seed of a random test, printed, and taken from ACRE_TEST_SEED to repeat a run.
static inline uint64_t conform_seed(void)
{
    struct timespec now;
    const char *given = getenv("ACRE_TEST_SEED");
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0)
                                  : (uint64_t)now.tv_nsec * 2654435761u + (uint64_t)now.tv_sec;
    seed = seed != 0 ? seed : 1;
    conform_say("# ACRE_TEST_SEED=%llu", (unsigned long long)seed);
    return seed;
}

/// Sizes at and beside every edge that matters: small, runs of pages (above 16 KiB), huge (above
/// 1 MiB).
static inline const size_t *conform_sizes(size_t *count)
{
    static const size_t sizes[] = {
        1,       2,       7,       8,       9,       15,      16,      17,      24,
        31,      32,      33,      48,      64,      80,      100,     112,     128,
        129,     160,     200,     256,     257,     500,     512,     1000,    1024,
        1025,    1536,    2000,    2048,    4000,    4095,    4096,    4097,    6000,
        8192,    10000,   12288,   16383,   16384,   16385,   20000,   32768,   65535,
        65536,   65537,   100000,  131072,  262144,  300000,  524288,  1000000, 1048575,
        1048576, 1048577, 2000000, 2097152, 4194303, 4194304, 4194305, 8388608, 33554433};
    *count = sizeof(sizes) / sizeof(sizes[0]);
    return sizes;
}

/// Fills a block with bytes that depend on `seed` and on their place.
static inline void conform_fill(void *block, size_t bytes, uint64_t seed)
{
    unsigned char *at = (unsigned char *)block;
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (unsigned char)(seed + i * 7 + (i >> 8));
    }
}

/// Whether conform_fill wrote these bytes and nobody else has since.
static inline bool conform_filled(const void *block, size_t bytes, uint64_t seed)
{
    const unsigned char *at = (const unsigned char *)block;
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] != (unsigned char)(seed + i * 7 + (i >> 8))) {
            return false;
        }
    }
    return true;
}

/// Whether every byte of the block is `value`.
static inline bool conform_all(const void *block, size_t bytes, unsigned char value)
{
    const unsigned char *at = (const unsigned char *)block;
    return bytes == 0 || (at[0] == value && memcmp(at, at + 1, bytes - 1) == 0);
}

/// Whether the pointer is a multiple of `align`, a power of two.
static inline bool conform_aligned(const void *pointer, size_t align)
{
    return ((uintptr_t)pointer & (align - 1)) == 0;
}

/// Checks that the program runs on the binding that run_preloaded.sh asked for. Returns false when
/// this machine does not have it.
static inline bool conform_check_binding(void)
{
    // AT_RSEQ_FEATURE_SIZE: the kernel fills the concurrency id when it is at least 28.
    const unsigned long rseq_feature_size = 27;
    const char *wanted = getenv("ACRE_TEST_BINDING");
    const char *(*binding)(void);
    if (wanted == NULL) {
        return true;
    }
    if (!CHECK(conform_lookup("acre_slots_binding", (void *)&binding))) {
        return true;
    }
    if (strcmp(wanted, "rseq") == 0 && getauxval(rseq_feature_size) < 28) {
        conform_say("# skipped: this kernel has no concurrency ids, so no rseq binding");
        return false;
    }
    (void)CHECK(strcmp(wanted, binding()) == 0);
    return true;
}

/// Runs every case and says how it ended. Returns the program's exit status.
static inline int conform_main(const struct conform_case *cases, size_t count)
{
    unsigned failures = 0;
    if (!conform_check_binding()) {
        return CONFORM_SKIPPED;
    }
    failures += conform_failures;
    for (size_t i = 0; i < count; i++) {
        conform_failures = 0;
        cases[i].run();
        conform_say("%s %s", conform_failures == 0 ? "ok    " : "FAILED", cases[i].name);
        failures += conform_failures;
    }
    conform_say("%zu cases, %u failed checks", count, failures);
    return failures == 0 ? 0 : 1;
}

#endif
