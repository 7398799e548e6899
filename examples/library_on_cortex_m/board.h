// board.h - what the parts of the firmware say to each other.
// SPDX-License-Identifier: MIT
#ifndef EXAMPLE_BOARD_H
#define EXAMPLE_BOARD_H

#include <stdbool.h>
#include <stdint.h>

/// Writes to the debugger's console.
void say(const char *words);
void say_number(uint32_t value);

/// Supplied by what is behind calloc: before its first use, and at the end.
bool memory_start(void);
void memory_report(void);

#endif
