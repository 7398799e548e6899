// help.h - what `acre --help` and its like print.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_HELP_H
#define ACRE_TOOL_HELP_H

extern const char help_acre_text[];
extern const char help_run_text[];
extern const char help_bench_text[];

/// Prints a help text to stdout. Returns 0, or a status after saying that it could not.
int help_print(const char *text);

#endif
