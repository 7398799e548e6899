// trace.h - a recorded run as the planner sees it: numbered blocks that change their size.
// SPDX-License-Identifier: MIT
#ifndef PARTITIONS_TRACE_H
#define PARTITIONS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A block changes its size. 0 as size: it is not live, before or after.
struct event {
    size_t block; // from 0
    size_t before;
    size_t after;
};

struct trace {
    struct event *events;
    size_t count;
    size_t blocks;      // numbers that are used
    size_t peak_bytes;  // the most that was live, as asked for
    size_t left_out;    // requests of more than the most that was to be looked at
    size_t larger_most; // the largest of those
    size_t unknown;     // frees of blocks that were never allocated, and blocks allocated twice
};

/// Reads a trace in the text form that acre-partitions(1) describes. Requests of more than `most` bytes
/// are left out. On failure it says why on standard error. The trace must be zero; free it with
/// trace_free in any case.
bool trace_read(struct trace *trace, const char *path, size_t most);

void trace_free(struct trace *trace);

#endif
