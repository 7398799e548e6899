// preload.h - whether a library can be preloaded into a program.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_PRELOAD_H
#define ACRE_TOOL_PRELOAD_H

/// Returns 0 when LD_PRELOAD will count for the program at `path`; else says why not, calling the
/// program `name`, and returns STATUS_CANNOT_RUN. Looks at the interpreters of scripts too. What
/// cannot be read is taken to be fine.
int preload_check(const char *name, const char *path);

/// Returns the value of LD_PRELOAD that has `library` first and then what the environment has
/// there, without `acre_library`: the two allocators must not be loaded at once. To be freed; NULL
/// when the list is empty. `library` may be NULL.
char *preload_list(const char *library, const char *acre_library);

#endif
