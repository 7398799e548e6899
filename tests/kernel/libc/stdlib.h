// stdlib.h - of the unit tests' C library in the guest: both end the machine as failed.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LIBC_STDLIB_H
#define ACRE_LIBC_STDLIB_H

_Noreturn void abort(void);
_Noreturn void exit(int status);

#endif
