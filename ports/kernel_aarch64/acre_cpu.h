// acre_cpu.h - the number of the processor as one instruction, for the hit paths of the heap: what
// ACRE_PORT_CPU_HEADER names when acre is compiled for this kernel. It is kept in a register that the
// architecture sets aside for kernels (processor.c).
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_ACRE_CPU_H
#define ACRE_KERNEL_ACRE_CPU_H

static inline unsigned acre_port_cpu(void)
{
    unsigned long number;
    __asm__ volatile("mrs %0, tpidr_el1" : "=r"(number));
    return (unsigned)number;
}

#endif
