// riscv.h - calls of the firmware, and what this port's files share.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_RISCV_H
#define ACRE_KERNEL_RISCV_H

#include <stdint.h>

/// Extensions of the SBI, by name: four letters at most.
enum {
    SBI_TIME = 0x54494d45,
    SBI_IPI = 0x735049,
    SBI_HSM = 0x48534d,
    SBI_RESET = 0x53525354,
};

/// Calls a function of an extension. 0 is success. Memory that was written before is seen by others.
static inline long sbi_call(
    long extension, long function, uint64_t first, uint64_t second, uint64_t third)
{
    register uint64_t a0 __asm__("a0") = first;
    register uint64_t a1 __asm__("a1") = second;
    register uint64_t a2 __asm__("a2") = third;
    register uint64_t a6 __asm__("a6") = (uint64_t)function;
    register uint64_t a7 __asm__("a7") = (uint64_t)extension;
    __asm__ volatile("fence\n\tecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
    return (long)a0;
}

#endif
