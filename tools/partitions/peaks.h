// peaks.h - the sizes of recorded runs, and the triangle of peaks: for each range of sizes the most blocks
// that were live at a time.
// SPDX-License-Identifier: MIT
#ifndef PARTITIONS_PEAKS_H
#define PARTITIONS_PEAKS_H

#include "trace.h"

enum { CLASSES_MAX = 512 };

struct peaks {
    size_t count;             // of classes
    size_t size[CLASSES_MAX]; // of the largest request of each class, rounded up; ascending
    int32_t *live_most;       // count * count: peaks_of; 32 bits, four in a vector
};

/// The most blocks that were live at a time, of all sizes of the classes from `first` to `last`.
static inline size_t peaks_of(const struct peaks *peaks, size_t first, size_t last)
{
    return (size_t)peaks->live_most[first * peaks->count + last];
}

/// Finds the sizes of all traces, in multiples of `align`, and their peaks; of several traces the larger
/// peak each time. More sizes than CLASSES_MAX are put together with their neighbours. False: no memory.
/// Free with peaks_free in any case.
bool peaks_make(struct peaks *peaks, const struct trace *traces, size_t trace_count, size_t align);

void peaks_free(struct peaks *peaks);

#endif
