// cxx_forms.c - the 12 forms of operator new and delete that rest on the eight of cxx.c: the nothrow
// forms and those that are told a size.
//
// A program may replace some operators and not others, and C++ says what the rest then do: nothrow
// new is new with a catch around it, delete of a size is delete. Programs depend on it: one that was
// written for C++11, with a new and delete of its own, and is compiled for C++17, calls the delete
// that is told a size for blocks that came from its own new. So each form first looks whether the
// operators that it stands for are still acre's, and only then takes the short way.
//
// Nothrow new owes the new-handler a call, and a handler may throw; C has no way to catch that. The
// C++ runtime's own nothrow operator does just this: it calls the throwing operator and catches. It
// is asked to. Where it cannot be reached (a runtime linked statically into a module), the handler
// is not called: a caller of nothrow new expects NULL at any time, but an exception never. What the
// program's own new throws, though, passes through.
// SPDX-License-Identifier: MIT
#include "base/bits.h"
#include "front/cxx.h"

ACRE_BEGIN
void *_ZnwmRKSt9nothrow_t(size_t size, const void *nothrow);
void *_ZnamRKSt9nothrow_t(size_t size, const void *nothrow);
void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t size, size_t align, const void *nothrow);
void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t size, size_t align, const void *nothrow);
void _ZdlPvm(void *block, size_t size);
void _ZdaPvm(void *block, size_t size);
void _ZdlPvmSt11align_val_t(void *block, size_t size, size_t align);
void _ZdaPvmSt11align_val_t(void *block, size_t size, size_t align);
void _ZdlPvRKSt9nothrow_t(void *block, const void *nothrow);
void _ZdaPvRKSt9nothrow_t(void *block, const void *nothrow);
void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *block, size_t align, const void *nothrow);
void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *block, size_t align, const void *nothrow);
ACRE_END

typedef void any_function(void);

/// Whether the operator `found` is acre's own, `own`. The compiler takes two functions of two names for
/// two functions, so it must not see which ones these are.
static inline bool is_own(any_function *found, any_function *own)
{
    __asm__("" : "+r"(found));
    return found == own;
}

#define IS_OWN(found, own) is_own((any_function *)(found), (any_function *)(own))

/// The first attempt has failed: a block, or NULL, by way of the C++ runtime. Its aligned form does
/// for both kinds, because it comes back to acre's own, which knows how to serve malloc's alignment.
static __attribute__((cold, noinline)) void *new_again_nothrow(
    size_t size, size_t align, const void *nothrow)
{
    if (front_current_new_handler() == NULL || !is_power_of_two(align)) {
        return NULL;
    }
    union front_runtime_function found =
        front_runtime_function("_ZnwmSt11align_val_tRKSt9nothrow_t");
    return found.addr != NULL ? found.new_nothrow(size, align, nothrow) : NULL;
}

static inline void *new_or_null(size_t size, size_t align, const void *nothrow)
{
    void *block = front_new_block(size, align);
    if (block == NULL) {
        return new_again_nothrow(size, align, nothrow);
    }
    return block;
}

void *_ZnwmRKSt9nothrow_t(size_t size, const void *nothrow)
{
    if (!IS_OWN(_Znwm, front_new)) {
        return _Znwm(size);
    }
    return new_or_null(size, ALIGN_DEFAULT, nothrow);
}

void *_ZnamRKSt9nothrow_t(size_t size, const void *nothrow)
{
    if (!IS_OWN(_Znam, front_new_array) || !IS_OWN(_Znwm, front_new)) {
        return _Znam(size);
    }
    return new_or_null(size, ALIGN_DEFAULT, nothrow);
}

void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t size, size_t align, const void *nothrow)
{
    if (!IS_OWN(_ZnwmSt11align_val_t, front_new_aligned)) {
        return _ZnwmSt11align_val_t(size, align);
    }
    return new_or_null(size, align, nothrow);
}

void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t size, size_t align, const void *nothrow)
{
    if (!IS_OWN(_ZnamSt11align_val_t, front_new_array_aligned) ||
        !IS_OWN(_ZnwmSt11align_val_t, front_new_aligned)) {
        return _ZnamSt11align_val_t(size, align);
    }
    return new_or_null(size, align, nothrow);
}

// A size is checked only if the block came from acre's new: another may have asked malloc for more.

void _ZdlPvm(void *block, size_t size)
{
    if (!IS_OWN(_ZdlPv, front_delete) || !IS_OWN(_Znwm, front_new)) {
        _ZdlPv(block);
        return;
    }
    free_sized(block, size);
}

void _ZdaPvm(void *block, size_t size)
{
    if (!IS_OWN(_ZdaPv, front_delete_array) || !IS_OWN(_Znam, front_new_array)) {
        _ZdaPv(block);
        return;
    }
    _ZdlPvm(block, size);
}

void _ZdlPvmSt11align_val_t(void *block, size_t size, size_t align)
{
    if (!IS_OWN(_ZdlPvSt11align_val_t, front_delete_aligned) ||
        !IS_OWN(_ZnwmSt11align_val_t, front_new_aligned)) {
        _ZdlPvSt11align_val_t(block, align);
        return;
    }
    free_aligned_sized(block, align, size);
}

void _ZdaPvmSt11align_val_t(void *block, size_t size, size_t align)
{
    if (!IS_OWN(_ZdaPvSt11align_val_t, front_delete_array_aligned) ||
        !IS_OWN(_ZnamSt11align_val_t, front_new_array_aligned)) {
        _ZdaPvSt11align_val_t(block, align);
        return;
    }
    _ZdlPvmSt11align_val_t(block, size, align);
}

// The nothrow forms of delete run when a constructor has thrown.

void _ZdlPvRKSt9nothrow_t(void *block, const void *nothrow)
{
    (void)nothrow;
    _ZdlPv(block);
}

void _ZdaPvRKSt9nothrow_t(void *block, const void *nothrow)
{
    (void)nothrow;
    _ZdaPv(block);
}

void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *block, size_t align, const void *nothrow)
{
    (void)nothrow;
    _ZdlPvSt11align_val_t(block, align);
}

void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *block, size_t align, const void *nothrow)
{
    (void)nothrow;
    _ZdaPvSt11align_val_t(block, align);
}
