// mman.h - of the unit tests' C library in the guest: parts of physical memory. They can always be read
// and written; that nobody touches what is not committed is what the same tests show on a host.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LIBC_MMAN_H
#define ACRE_LIBC_MMAN_H

#include <stddef.h>

#define PROT_NONE     0
#define PROT_READ     1
#define PROT_WRITE    2
#define MAP_PRIVATE   2
#define MAP_ANONYMOUS 32
#define MAP_NORESERVE 16384
#define MAP_FAILED    ((void *)-1)
#define MADV_DONTNEED 4

void *mmap(void *addr, size_t bytes, int access, int flags, int file, long offset);
int mprotect(void *addr, size_t bytes, int access);
int munmap(void *addr, size_t bytes);
/// Clears the range.
int madvise(void *addr, size_t bytes, int advice);
/// Which pages hold anything but zeros.
int mincore(void *addr, size_t bytes, unsigned char *pages);

#endif
