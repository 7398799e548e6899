// sched_state.h - the memory that a simulated run changes: copied, hashed, and remembered.
//
// Inside the scheduler only; tests name regions with sched_region (sched_sim.h).
//
// States are remembered as 58 bits of a hash, with the deviations that were left, in an open table.
// With a million states the chance that two share their bits is one in half a million.
// SPDX-License-Identifier: MIT
#ifndef ACRE_SCHED_STATE_H
#define ACRE_SCHED_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STATE_LEFT_BITS = 6, STATE_LEFT_MAX = (1 << STATE_LEFT_BITS) - 1 };

void state_forget_regions(void);

/// Bytes of all regions together.
size_t state_bytes(void);

/// Copies all regions to an image of so many bytes, or back.
void state_copy(char *image, bool save);

/// Adds a word, or whole words of memory (`bytes` is a multiple of 8), to a hash.
uint64_t state_mix(uint64_t hash, uint64_t value);
uint64_t state_mix_memory(uint64_t hash, const char *at, size_t bytes);

/// Adds all hashed regions.
uint64_t state_mix_regions(uint64_t hash);

/// Remembers a state; the lowest STATE_LEFT_BITS of its hash are 0, but not all of it. True if it was
/// met before with at least `left` deviations.
bool state_seen_before(uint64_t hash, unsigned left);

/// How many different states were met since all were forgotten.
uint64_t state_seen_count(void);
void state_forget_seen(void);

#endif
