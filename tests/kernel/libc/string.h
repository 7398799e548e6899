// string.h - of the unit tests' C library in the guest.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LIBC_STRING_H
#define ACRE_LIBC_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *at, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
// A kernel's compiler takes no function for the one that it knows, unless told so: copies of a word are
// instructions then.
#define memcpy(to, from, bytes)  __builtin_memcpy((to), (from), (bytes))
#define memset(at, value, bytes) __builtin_memset((at), (value), (bytes))

int strcmp(const char *a, const char *b);
size_t strlen(const char *text);
int strncmp(const char *a, const char *b, size_t bytes);
char *strcpy(char *restrict to, const char *restrict from);
char *strchr(const char *text, int letter);
char *strstr(const char *text, const char *part);

#endif
