// compare.h - the same command on several allocators, in turn.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_COMPARE_H
#define ACRE_TOOL_COMPARE_H

#include "launch.h"
#include "measure.h"
#include "options.h"
#include "peers.h"

/// A comparison: measures[i] belongs to peers.list[i].
struct comparison {
    char *const *argv; // the command
    struct peers peers;
    struct measure measures[PEERS_MAX];
    unsigned round_count;   // measured rounds
    unsigned warm_up_count; // rounds before them that do not count: 0 or 1
    int expected;           // wait status of the first run of all: what every run should have
};

/// Runs the command of `options` as often as they ask for and reports. `path` is the program's,
/// `acre_library` that of libacre.so. Returns the status to end with: that of the first run on acre
/// or on the system's malloc that failed, a signal as 128 and its number, else 0.
int compare_run(const struct options *options, const char *path, const char *acre_library);

#endif
