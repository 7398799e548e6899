// string.h - of the unit tests' C library in the guest.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LIBC_STRING_H
#define ACRE_LIBC_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *at, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
int strcmp(const char *a, const char *b);
size_t strlen(const char *text);
int strncmp(const char *a, const char *b, size_t bytes);
char *strcpy(char *restrict to, const char *restrict from);
char *strchr(const char *text, int letter);
char *strstr(const char *text, const char *part);

#endif
