// bench.h - `acre bench`: every way of using memory, on every allocator.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_BENCH_H
#define ACRE_TOOL_BENCH_H

/// Does `acre bench` with the words after it. Returns the exit status, if it returns.
int bench_command(char **words);

#endif
