// cortex_m.h - what start-up, a program on a bare Cortex-M and its debugger say to each other. The debugger, or
// QEMU, is reached by semihosting: a break point that it answers. Replace semihosting.c where there is none.
// SPDX-License-Identifier: MIT
#ifndef ACRE_CORTEX_M_H
#define ACRE_CORTEX_M_H

#include <stdint.h>

enum {
    CORTEX_M_FATAL = 3,     // exit status after acre_port_fatal and acre_port_halt
    CORTEX_M_UNHANDLED = 4, // after an interrupt or fault that has no handler
};

/// Ends the program; QEMU then ends with `status`, 0 to 255.
_Noreturn void cortex_m_exit(int status);

/// Writes words to where the debugger listens.
void cortex_m_say(const char *words);

/// Writes a number in decimal.
void cortex_m_say_number(uint32_t value);

#endif
