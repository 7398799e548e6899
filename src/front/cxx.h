// cxx.h - the eight operators of C++ that the others rest on, shared by cxx.c and cxx_forms.c.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FRONT_CXX_H
#define ACRE_FRONT_CXX_H

#include "front/front.h"

// The `m` in the names is how C++ writes unsigned long.
_Static_assert(sizeof(size_t) == sizeof(unsigned long), "size_t is mangled as m");

ACRE_BEGIN

// operator new, new[], delete and delete[], without and with an alignment. By these names the
// program may have put functions of its own in their place.
void *_Znwm(size_t size);
void *_Znam(size_t size);
void *_ZnwmSt11align_val_t(size_t size, size_t align);
void *_ZnamSt11align_val_t(size_t size, size_t align);
void _ZdlPv(void *block);
void _ZdaPv(void *block);
void _ZdlPvSt11align_val_t(void *block, size_t align);
void _ZdaPvSt11align_val_t(void *block, size_t align);

ACRE_END

// The same eight, by names that always mean acre's: where the two differ, the program has its own.
#define FRONT_HIDDEN __attribute__((visibility("hidden")))
FRONT_HIDDEN void *front_new(size_t size);
FRONT_HIDDEN void *front_new_array(size_t size);
FRONT_HIDDEN void *front_new_aligned(size_t size, size_t align);
FRONT_HIDDEN void *front_new_array_aligned(size_t size, size_t align);
FRONT_HIDDEN void front_delete(void *block);
FRONT_HIDDEN void front_delete_array(void *block);
FRONT_HIDDEN void front_delete_aligned(void *block, size_t align);
FRONT_HIDDEN void front_delete_array_aligned(void *block, size_t align);

/// What malloc gives without being asked, and what plain new promises.
enum { ALIGN_DEFAULT = 16 };

/// One attempt to get a block. NULL also if `align` is not a power of two.
static inline void *front_new_block(size_t size, size_t align)
{
    if (align == ALIGN_DEFAULT) {
        return malloc(size);
    }
    return front_or_no_memory(acre_heap_aligned(acre_default_heap(), align, size));
}

/// A function of the C++ runtime. The union stands for the conversion that ISO C does not have.
typedef void front_new_handler(void);
union front_runtime_function {
    void *addr;
    front_new_handler *(*get_new_handler)(void);
    void (*throw_bad_alloc)(void);
    void *(*new_nothrow)(size_t size, size_t align, const void *nothrow);
};

/// Looks `name` up in the C++ runtime that the process has loaded. NULL inside if there is none.
/// The handle stays open, so that what was found stays loaded.
union front_runtime_function front_runtime_function(const char *name);

/// The handler that the program has set for new, or NULL.
front_new_handler *front_current_new_handler(void);

#endif
