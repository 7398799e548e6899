// aliases.c - the C library's second names for the same functions.
//
// Programs, and parts of glibc, use the two kinds of name side by side: what __libc_malloc returned
// goes to free. Each is one jump to the real function; they are too rare to deserve more.
// SPDX-License-Identifier: MIT
#include "front/front.h"

ACRE_BEGIN
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);
void *__libc_memalign(size_t align, size_t size);
void *__libc_valloc(size_t size);
void *__libc_pvalloc(size_t size);
int __posix_memalign(void **out, size_t align, size_t size);
ACRE_END

void *__libc_malloc(size_t size)
{
    return malloc(size);
}

void *__libc_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

void *__libc_realloc(void *block, size_t size)
{
    return realloc(block, size);
}

void __libc_free(void *block)
{
    free(block);
}

void *__libc_memalign(size_t align, size_t size)
{
    return memalign(align, size);
}

void *__libc_valloc(size_t size)
{
    return valloc(size);
}

void *__libc_pvalloc(size_t size)
{
    return pvalloc(size);
}

int __posix_memalign(void **out, size_t align, size_t size)
{
    return posix_memalign(out, align, size);
}
