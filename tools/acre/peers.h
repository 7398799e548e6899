// peers.h - the allocators that can be compared: the system's, acre, and those found installed.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_PEERS_H
#define ACRE_TOOL_PEERS_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"

#define PEERS_MAX (OPTIONS_WITH_MAX + 6) // system, acre, four known ones, and --with

struct peer {
    char *name;
    char *library; // absolute path of what is preloaded; NULL for the system's malloc
    bool is_acre;
    bool is_loadable; // the loader takes the library; false only after peers_find
};

/// The allocators to be compared: the system's first, acre second.
struct peers {
    struct peer list[PEERS_MAX];
    size_t count;
};

/// Collects the allocators that `options` asks for. Returns 0, or a status after saying what is
/// wrong. With a program to measure alone (`--repeat` without `--compare`) that is acre only.
int peers_find(const struct options *options, const char *acre_library, struct peers *out);

void peers_free(struct peers *peers);

#endif
