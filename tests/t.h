// t.h - the test framework: cases that expect, numbered TAP lines, nothing else.
//
//     static void heap_of_nothing_is_null(void)
//     {
//         T_EXPECT(acre_heap_usable_size(heap, NULL) == 0);
//     }
//
//     T_MAIN(T_CASE(heap_of_nothing_is_null))
//
// A case ends at its first expectation that does not hold. Nothing here allocates, and t.c needs no
// C library, so that a test file can also be linked into a kernel: whoever runs it supplies t_write.
// SPDX-License-Identifier: MIT
#ifndef ACRE_T_H
#define ACRE_T_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct t_case {
    const char *name;
    void (*run)(void);
};

/// Supplied by the host or the kernel: writes text to where the harness listens.
void t_write(const char *text);

/// Writes `value` in decimal.
void t_write_number(uint64_t value);

/// Records that the running case did not get what it expected. Use T_EXPECT.
void t_fail(const char *expected, const char *file, int line);

/// A sentence that a case wants to add to its failure, such as what an audit said. NULL is ignored.
void t_say(const char *words);

/// A number that belongs to the case, such as its seed, under a name.
void t_say_number(const char *name, uint64_t value);

/// The number that the program was given to repeat a random test with; `otherwise` if it was not.
/// On a host: its first argument, or the environment variable T_SEED.
uint64_t t_seed(uint64_t otherwise);

/// Runs the cases, writes TAP and returns how many failed.
int t_run(const struct t_case *cases, size_t count);

/// Ends the case if `cond` does not hold.
#define T_EXPECT(cond)                                                                             \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            t_fail(#cond, __FILE__, __LINE__);                                                     \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/// Ends the case if `sentence` is not NULL: for audits.
#define T_EXPECT_SOUND(sentence)                                                                   \
    do {                                                                                           \
        const char *t_broken = (sentence);                                                         \
        if (t_broken != NULL) {                                                                    \
            t_fail(#sentence " to find nothing", __FILE__, __LINE__);                              \
            t_say(t_broken);                                                                       \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/// Defines the entry point that the host's and the kernel's runners call.
#define T_MAIN(...)                                                                                \
    int t_main(void);                                                                              \
    int t_main(void)                                                                               \
    {                                                                                              \
        static const struct t_case cases[] = {__VA_ARGS__};                                        \
        return t_run(cases, sizeof(cases) / sizeof(cases[0]));                                     \
    }

// clang-format off
#define T_CASE(name) {#name, name}
// clang-format on

#endif
