// virt.h - what QEMU's machines called virt have in common: a devicetree says what there is. The parts
// that a ports/kernel_<machine> supplies, and those that it takes from virt.c.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_VIRT_H
#define ACRE_KERNEL_VIRT_H

#include <stdint.h>

#include "tree.h"

/// Physical memory is readable and writable from here on, and so far. Supplied by the machine.
extern const uint64_t machine_direct_map;
extern const uint64_t machine_direct_map_bytes;

/// Notes what the tree at this physical address says: the words for the kernel, and which processors there are. `self` is
/// the firmware's name for the caller: its MPIDR, or the number of its hart.
void virt_read_tree(uint64_t physical, uint64_t self);

/// The firmware's name for processor `cpu`.
uint64_t virt_cpu_name(unsigned cpu);

/// The first property of this name and node in the tree; NULL if there is none.
const unsigned char *virt_property(const char *node, const char *name, uint32_t *bytes);

/// A register of a device.
static inline volatile uint32_t *virt_register(uint64_t physical)
{
    return (volatile uint32_t *)(uintptr_t)(machine_direct_map + physical);
}

#endif
