// init.c - the first program of a Linux guest: loads /module.ko and ends the machine. Without a C library.
// SPDX-License-Identifier: MIT
#include <sys/syscall.h>

enum { MAGIC_1 = (int)0xfee1dead, MAGIC_2 = 672274793, RESTART = 0x01234567 };

static long call(long number, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

void _start(void);

void _start(void)
{
    long file = call(SYS_open, (long)"/module.ko", 0, 0, 0);
    (void)call(SYS_finit_module, file, (long)"", 0, 0);
    (void)call(SYS_reboot, MAGIC_1, MAGIC_2, RESTART, 0);
    while (1) {
    }
}
