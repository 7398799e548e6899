// launch.h - runs a program to its end and tells what it used.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_LAUNCH_H
#define ACRE_TOOL_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#define LAUNCH_HEAP_BYTES 8192 // the most that the library's line of statistics may have

/// What is to be run.
struct launch {
    const char *path;    // of the program
    char *const *argv;   // its arguments, NULL at the end
    const char *preload; // LD_PRELOAD for it, or NULL for none
    const char *slots;   // key slots of ACRE_CONF, or NULL
    bool wants_heap;     // ask the library for statistics of the heap
    int fds[3];          // what becomes its stdin, stdout and stderr; -1 = what acre has
};

/// What it used.
struct launch_result {
    int start_error; // errno when it could not be started; nothing else is set then
    int wait_status; // as wait4(2) tells it
    int interrupt;   // signal by which the user asked for an end meanwhile, or 0
    double wall_seconds;
    double user_seconds;     // the program and the children that it waited for
    double system_seconds;   // likewise
    uint64_t peak_rss_bytes; // of the largest single one of these processes
    uint64_t minor_faults;
    uint64_t major_faults;
    char heap[LAUNCH_HEAP_BYTES]; // the library's statistics as JSON without the line end, or ""
};

/// Runs the program and waits for its end; signals in between as relay.h says. Returns 0, or the
/// status to end with after saying what went wrong on acre's side.
int launch_run(const struct launch *job, struct launch_result *out);

#endif
