// arm.h - calls of the firmware, and what this port's files share.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_ARM_H
#define ACRE_KERNEL_ARM_H

#include <stdint.h>

/// Functions of PSCI.
enum {
    PSCI_CPU_ON = (int)0xc4000003,
    PSCI_SYSTEM_OFF = (int)0x84000008,
    PSCI_SYSTEM_RESET = (int)0x84000009,
};

/// Calls the firmware. 0 is success.
long psci_call(uint32_t function, uint64_t first, uint64_t second, uint64_t third);

#endif
