// measure.h - what several runs used, as medians and spreads.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_MEASURE_H
#define ACRE_TOOL_MEASURE_H

#include <stddef.h>

#include "launch.h"

/// What is measured of each run.
enum measure_kind {
    MEASURE_WALL_SECONDS,
    MEASURE_CPU_SECONDS,
    MEASURE_PEAK_BYTES,
    MEASURE_FAULTS,
    MEASURE_COUNT,
};

/// The runs of one program on one allocator.
struct measure {
    double *values[MEASURE_COUNT]; // each of run_max elements
    size_t run_count;
    size_t run_max;
    size_t failure_count; // runs that ended by a signal, or not as the first run of all
    int failure;          // wait status of the first of these
};

/// Summary of one kind.
struct measure_summary {
    double median;
    double least;
    double most;
};

void measure_init(struct measure *measure, size_t run_max);
void measure_free(struct measure *measure);

/// Adds one run. `expected` is the wait status that every run should have.
void measure_add(struct measure *measure, const struct launch_result *run, int expected);

/// Summarises one kind. At least one run must have been added.
struct measure_summary measure_summarise(const struct measure *measure, enum measure_kind kind);

#endif
