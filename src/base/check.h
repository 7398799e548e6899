// check.h - the two kinds of run-time assertion.
//
//   _Static_assert   facts about the design: sizes, powers of two, how constants relate
//   acre_check       always on: state that a caller's bug or an attacker can corrupt
//   acre_debug       on when ACRE_DEBUG: our own invariants, O(1) each
//
// Whole-object invariants live in an audit function (heap/audit.c). None of these judge arguments
// of a function that returns acre_status: that returns ACRE_BAD_ARGUMENT.
// SPDX-License-Identifier: MIT
#ifndef ACRE_BASE_CHECK_H
#define ACRE_BASE_CHECK_H

#include "acre/config.h"
#include "acre_port.h"

#define likely(cond)   __builtin_expect(!!(cond), 1)
#define unlikely(cond) __builtin_expect(!!(cond), 0)

/// A function that is called rarely: small rather than fast, and RARE out of the way of hit paths, too.
#define SLOW __attribute__((cold))
#define RARE __attribute__((cold, noinline))

#define acre_check(cond) ACRE_CHECK_TEXT(cond, #cond)

// Always compiled, so that it cannot rot; the optimiser removes it when ACRE_DEBUG is 0.
#define acre_debug(cond) ACRE_CHECK_TEXT(!ACRE_DEBUG || (cond), #cond)

#define ACRE_CHECK_TEXT(cond, text)                                                                \
    do {                                                                                           \
        if (unlikely(!(cond))) {                                                                   \
            acre_port_halt(text, __FILE__, __LINE__);                                              \
        }                                                                                          \
    } while (0)

_Static_assert(ACRE_DEBUG == 0 || ACRE_DEBUG == 1, "ACRE_DEBUG is 0 or 1");
_Static_assert(ACRE_CHECKED == 0 || ACRE_CHECKED == 1, "ACRE_CHECKED is 0 or 1");
_Static_assert(ACRE_SLICE_LOG2 >= 12 && ACRE_SLICE_LOG2 <= 16, "a slice has 4 to 64 KiB");
_Static_assert(
    ACRE_PAGE_LOG2 == ACRE_SLICE_LOG2 - 4, "a slice has 16 pages, one lane of a bitmap word");

#endif
