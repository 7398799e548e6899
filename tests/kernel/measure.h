// measure.h - counts what the heap's calls cost in the kernel.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_MEASURE_H
#define ACRE_KERNEL_MEASURE_H

/// Prints lines "measure NAME NUMBER": instructions, if machine_count counts those. Returns 0, or 1 when
/// memory is short.
int measure(void);

#endif
