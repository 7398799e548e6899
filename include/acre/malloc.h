// acre/malloc.h - the heap of the process: what stands behind malloc. Hosted systems only.
//
// A program linked with acre, or started with `acre run`, needs no header for malloc, free and
// their family: they are the C library's own names (docs/architecture.md lists all of them). This
// header is what acre adds to them.
// SPDX-License-Identifier: MIT
#ifndef ACRE_MALLOC_H
#define ACRE_MALLOC_H

#include "acre/heap.h"

ACRE_BEGIN

/// The heap behind malloc. Never NULL; never to be destroyed.
acre_heap *acre_default_heap(void);

/// The version of the library that is running, such as "0.1.0". A program can look this name up
/// with dlsym to learn whether it runs on acre.
const char *acre_version(void);

/// Which binding of slots the process runs on: "rseq" or "thread".
const char *acre_slots_binding(void);

/// Writes the statistics of the default heap as one JSON object and a line end to `fd`, or as a
/// table when `json` is false. Allocates nothing. Returns false when a write failed.
bool acre_write_stats(int fd, bool json);

ACRE_END

#endif
