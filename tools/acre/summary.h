// summary.h - what one run used, in three lines for people.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_SUMMARY_H
#define ACRE_TOOL_SUMMARY_H

#include "launch.h"

/// Prints the summary to stderr.
void summary_print(const struct launch_result *run);

#endif
