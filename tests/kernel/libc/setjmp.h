// setjmp.h - of the unit tests' C library in the guest: what compilers have built in. longjmp's value is 1.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LIBC_SETJMP_H
#define ACRE_LIBC_SETJMP_H

typedef void *jmp_buf[5];

#define setjmp(buf)         __builtin_setjmp(buf)
#define longjmp(buf, value) __builtin_longjmp(buf, 1)

#endif
