// guest.h - what tests in the reference kernel share: random numbers, and blocks that know what they hold.
// SPDX-License-Identifier: MIT
#ifndef ACRE_KERNEL_GUEST_H
#define ACRE_KERNEL_GUEST_H

#include "kernel/kernel.h"
#include "kernel/kmalloc.h"
#include "kernel/sync.h"
#include "t.h"

/// The same numbers everywhere. xorshift64*; the state must not be 0.
uint64_t guest_random(uint64_t *state);
size_t guest_below(uint64_t *state, size_t bound);

/// A size as programs ask for: mostly small, now and then a run of pages, rarely a huge block.
size_t guest_size(uint64_t *state);

/// A block of `bytes` bytes from `heap`, its whole content derived from its address, size and a stamp that
/// no other block has. NULL when memory is short.
void *guest_alloc(acre_heap *heap, size_t bytes);

/// Whether the block still holds what it was given.
bool guest_is_whole(const void *block);

/// Checks and frees. False if it was not whole. NULL is whole.
bool guest_free(acre_heap *heap, void *block);

enum { GUEST_BYTES_MIN = 24 };

/// The suites; each is linked in under its name (cmake/kernel.cmake).
int t_main_frames(void);
int t_main_range(void);
int t_main_mapped(void);
int t_main_heap(void);
int t_main_interrupts(void);
int t_main_stress(void);
int t_main_short(void);

#endif
