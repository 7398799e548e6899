// acre_cpu.h - the number of the processor as one instruction, for the hit paths of the heap: what
// ACRE_PORT_CPU_HEADER names when acre is compiled for this kernel. It is kept in tp (processor.c), which
// compilers leave alone in a program without thread-local variables.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_ACRE_CPU_H
#define ACRE_KERNEL_ACRE_CPU_H

static inline unsigned acre_port_cpu(void)
{
    unsigned long number;
    __asm__ volatile("mv %0, tp" : "=r"(number));
    return (unsigned)number;
}

#endif
