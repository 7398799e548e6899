// stdio.h - of the unit tests' C library in the guest: all goes to the console.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LIBC_STDIO_H
#define ACRE_LIBC_STDIO_H

typedef struct guest_file FILE; // NOLINT(readability-identifier-naming): C's name

#define stderr ((FILE *)0)

/// The format alone, without what it asks for.
int fprintf(FILE *file, const char *format, ...);
void perror(const char *text);

#endif
