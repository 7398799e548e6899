// plan.h - from peaks to the partitions that need the least memory, and the proof that they are enough.
// SPDX-License-Identifier: MIT
#ifndef PARTITIONS_PLAN_H
#define PARTITIONS_PLAN_H

#include "acre/partitions.h"
#include "peaks.h"

struct plan {
    size_t count;
    size_t bytes; // of the whole set
    acre_partition partition[ACRE_PARTITIONS_MAX];
    size_t least[ACRE_PARTITIONS_MAX]; // the smallest request of each that was recorded, rounded up
};

/// Fills plans[k - 1] with the best plan of at most k partitions, for each k. Blocks are aligned to
/// `align`; each count is `margin_percent` higher than the peak, rounded up. There is at least one class.
/// False: no memory, or more of it than any machine has.
bool plan_make(
    struct plan plans[ACRE_PARTITIONS_MAX], const struct peaks *peaks, size_t align,
    unsigned margin_percent);

/// Runs a trace on a real set made by the plan, in exactly the bytes that the plan names. NULL if every
/// request was served, else what went wrong.
const char *plan_try(const struct plan *plan, const struct trace *trace, size_t align);

#endif
