// acre_cpu.h - the number of the processor as one instruction, for the hit paths of the heap: what
// ACRE_PORT_CPU_HEADER names when acre is compiled for this kernel. gs leads to it (processor.c).
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_ACRE_CPU_H
#define ACRE_KERNEL_ACRE_CPU_H

static inline unsigned acre_port_cpu(void)
{
    unsigned number;
    __asm__ volatile("movl %%gs:0, %0" : "=r"(number));
    return number;
}

#endif
