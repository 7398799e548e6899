// cxx.c - operator new and delete of C++, in C and without its runtime library.
//
// A process that never loads libstdc++ must not load it because of acre: that costs 0.7 ms and
// 1.5 MB. So the operators are C functions under the names that C++ compilers give them, and the
// few things that failure needs of a C++ runtime are found when failure happens: first through weak
// references, which the dynamic linker fills when the program itself is C++, then in a runtime that
// was loaded later, by a module of a C program.
//
// Here are the eight operators that the other 12 (cxx_forms.c) rest on. When no memory is left, new
// calls the program's new-handler until that gives up or memory turns up, then throws
// std::bad_alloc. Without any C++ runtime there is nobody who could catch, and the process ends
// with a message.
//
// new[] is new, and delete[] is delete, by the name which the program may have taken for its own:
// so C++ has it. The compiler must not bind the names here (-fsemantic-interposition), nor the
// linker in libacre.so (--dynamic-list-cpp-new).
//
// Only libacre.so has the operators. A program linked with libacre.a keeps those of its own C++
// runtime: they call malloc and free, which are acre's, and throw and catch without any detour.
//
// The file is compiled with -fexceptions, so that what a handler throws passes through.
// SPDX-License-Identifier: MIT
#ifndef _GNU_SOURCE
#define _GNU_SOURCE // for RTLD_NOLOAD everywhere
#endif
#include <dlfcn.h>
#include <unistd.h>

#include "base/bits.h"
#include "front/cxx.h"

ACRE_BEGIN
front_new_handler *_ZSt15get_new_handlerv(void) __attribute__((weak)); // std::get_new_handler()
void _ZSt17__throw_bad_allocv(void) __attribute__((weak));             // std::__throw_bad_alloc()
ACRE_END

// Before glibc 2.34 they are in a library of their own, which acre must not need.
#pragma weak dlopen
#pragma weak dlsym

union front_runtime_function front_runtime_function(const char *name)
{
    static const char libraries[][16] = {"libstdc++.so.6", "libc++.so.1"};
    union front_runtime_function found = {NULL};
    if (dlopen == NULL || dlsym == NULL) {
        return found;
    }
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
        if (library != NULL) {
            found.addr = dlsym(library, name);
            return found;
        }
    }
    return found;
}

front_new_handler *front_current_new_handler(void)
{
    if (_ZSt15get_new_handlerv != NULL) {
        return _ZSt15get_new_handlerv();
    }
    union front_runtime_function found = front_runtime_function("_ZSt15get_new_handlerv");
    return found.addr != NULL ? found.get_new_handler() : NULL;
}

static _Noreturn void throw_bad_alloc(void)
{
    static const char message[] =
        "acre: operator new: out of memory, and no C++ runtime to throw std::bad_alloc\n";
    if (_ZSt17__throw_bad_allocv != NULL) {
        _ZSt17__throw_bad_allocv();
    }
    union front_runtime_function found = front_runtime_function("_ZSt17__throw_bad_allocv");
    if (found.addr != NULL) {
        found.throw_bad_alloc();
    }
    (void)front_write(STDERR_FILENO, message, sizeof(message) - 1);
    __builtin_abort();
}

/// The first attempt has failed: tries again for as long as the program's handler returns.
static __attribute__((cold, noinline)) void *new_again(size_t size, size_t align)
{
    front_new_handler *handler = front_current_new_handler();
    // No handler can help against an alignment that does not exist.
    while (handler != NULL && is_power_of_two(align)) {
        handler();
        void *block = front_new_block(size, align);
        if (block != NULL) {
            return block;
        }
        handler = front_current_new_handler();
    }
    throw_bad_alloc();
}

void *front_new(size_t size)
{
    void *block = malloc(size);
    if (block == NULL) {
        return new_again(size, ALIGN_DEFAULT);
    }
    return block;
}

void *front_new_aligned(size_t size, size_t align)
{
    void *block = front_new_block(size, align);
    if (block == NULL) {
        return new_again(size, align);
    }
    return block;
}

void front_delete(void *block)
{
    free(block);
}

// A block knows its alignment.
void front_delete_aligned(void *block, size_t align)
{
    (void)align;
    free(block);
}

void *front_new_array(size_t size)
{
    return _Znwm(size);
}

void *front_new_array_aligned(size_t size, size_t align)
{
    return _ZnwmSt11align_val_t(size, align);
}

void front_delete_array(void *block)
{
    _ZdlPv(block);
}

void front_delete_array_aligned(void *block, size_t align)
{
    _ZdlPvSt11align_val_t(block, align);
}

#define SAME_AS(function) __attribute__((alias(#function)))
SAME_AS(front_new) void *_Znwm(size_t size);
SAME_AS(front_new_array) void *_Znam(size_t size);
SAME_AS(front_new_aligned) void *_ZnwmSt11align_val_t(size_t size, size_t align);
SAME_AS(front_new_array_aligned) void *_ZnamSt11align_val_t(size_t size, size_t align);
SAME_AS(front_delete) void _ZdlPv(void *block);
SAME_AS(front_delete_array) void _ZdaPv(void *block);
SAME_AS(front_delete_aligned) void _ZdlPvSt11align_val_t(void *block, size_t align);
SAME_AS(front_delete_array_aligned) void _ZdaPvSt11align_val_t(void *block, size_t align);
