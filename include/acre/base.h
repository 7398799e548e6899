// acre/base.h - what every acre header needs: attributes and results.
// SPDX-License-Identifier: MIT
#ifndef ACRE_BASE_H
#define ACRE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acre/config.h"

#define ACRE_VERSION_TEXT "0.1.0"

#define ACRE_MUST_USE        __attribute__((warn_unused_result))
#define ACRE_NO_RETURN       __attribute__((noreturn))
#define ACRE_ALLOC(size_arg) __attribute__((warn_unused_result, alloc_size(size_arg)))

// clang-format off
// Every public header puts its declarations between these two, so that the declarations themselves
// carry no linkage or export noise.
#ifdef __cplusplus
# define ACRE_BEGIN _Pragma("GCC visibility push(default)") extern "C" {
# define ACRE_END   } _Pragma("GCC visibility pop")
#else
# define ACRE_BEGIN _Pragma("GCC visibility push(default)")
# define ACRE_END   _Pragma("GCC visibility pop")
#endif
// clang-format on

/// Result of an operation that can fail for more than one reason. Zero is success.
/// A function with one possible failure returns a pointer instead, and NULL on failure.
typedef enum acre_status {
    ACRE_OK = 0,
    ACRE_NO_MEMORY,    // the page source or the set limit is exhausted
    ACRE_BAD_ARGUMENT, // the call breaks a documented precondition; nothing was changed
    ACRE_BUSY,         // part of what was asked for is in use; nothing was changed
    ACRE_DOUBLE_FREE,  // what is given back is free already
    ACRE_WRONG_ORDER,  // what is given back was allocated with another order
    ACRE_BAD_MAP,      // a memory map that cannot be used; it says why itself
} acre_status;

#endif
