// front.h - what the files behind malloc's names share.
//
// Every name that this library exports in the C library's place is declared here or in the file
// that defines it. <stdlib.h> and <malloc.h> are left out on purpose: what they declare, and under
// which conditions, differs from one C library to the next, while what is exported must not.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FRONT_H
#define ACRE_FRONT_H

#include <errno.h>

#include "acre/malloc.h"

ACRE_BEGIN

// C
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
void *aligned_alloc(size_t align, size_t size);

// C23
void free_sized(void *block, size_t size);
void free_aligned_sized(void *block, size_t align, size_t size);

// POSIX
int posix_memalign(void **out, size_t align, size_t size);
void *reallocarray(void *block, size_t count, size_t size);

// GNU, and older
void *memalign(size_t align, size_t size);
void *valloc(size_t size);
void *pvalloc(size_t size);
void cfree(void *block);
size_t malloc_usable_size(void *block);

ACRE_END

/// Passes on what the heap returned, and sets errno as every name in malloc's family must when that
/// is NULL. Success leaves errno alone.
static inline void *front_or_no_memory(void *block)
{
    if (block == NULL) {
        errno = ENOMEM;
    }
    return block;
}

/// Writes all of `words` to `fd`, however many calls it takes. Returns false when that failed.
bool front_write(int fd, const char *words, size_t bytes);

/// Writes the statistics if this is the process that was asked for them, `pid`; 0 means any.
/// For the very end of the process: neither a closed pipe nor a full disk changes how it ends.
void front_stats_at_exit(int fd, bool json, long pid);

#endif
