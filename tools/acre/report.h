// report.h - a comparison as a table for people and as JSON for programs.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_REPORT_H
#define ACRE_TOOL_REPORT_H

#include <stdio.h>

#include "compare.h"

/// Prints the table to stdout, and writes JSON to `json_path` unless it is NULL; when that is "-",
/// JSON takes the table's place. Returns 0, or a status after saying what went wrong.
int report_comparison(const struct comparison *comparison, const char *json_path);

/// Opens `json_path` for writing, "-" being stdout. Returns NULL after saying why not.
FILE *report_open(const char *json_path);

/// Closes what report_open returned. Returns 0, or a status after saying that a write failed.
int report_close(FILE *file, const char *json_path);

/// Returns how a program ended, such as "exit status 1" or "signal 9 (Killed)", to be freed.
char *report_ending(int wait_status);

#endif
