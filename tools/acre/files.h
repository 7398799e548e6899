// files.h - opening files and pipes without landing on descriptors 0, 1 and 2.
//
// A program may be started with one of them closed. Whatever acre opened then would take that
// number and be written to as if it were stderr, or be handed to the program as its stdin.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_FILES_H
#define ACRE_TOOL_FILES_H

#include <sys/types.h>

/// open(2) with O_CLOEXEC and mode 0666, at a descriptor above 2. Returns -1 and sets errno.
int files_open(const char *path, int flags);

/// pipe2(2) with O_CLOEXEC, both ends at `lowest` or above where the limit allows, above 2 in any
/// case. Returns 0, or -1 and sets errno.
int files_pipe(int ends[2], int lowest);

/// Reads until `bytes` are there, the file ends or would block. Returns the bytes read, or -1.
ssize_t files_read(int fd, char *buffer, size_t bytes);

#endif
