// report_json.h - a comparison and a single run as JSON.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_REPORT_JSON_H
#define ACRE_TOOL_REPORT_JSON_H

#include <stdio.h>

#include "compare.h"
#include "launch.h"

/// Writes a comparison as one object and a line end.
void report_json_write(const struct comparison *comparison, FILE *file);

/// Writes one run of the command `argv` as one object and a line end.
void report_json_write_run(
    char *const *argv, const char *library, const struct launch_result *run, FILE *file);

#endif
