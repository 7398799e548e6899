// run.h - `acre run`: any program on acre.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_RUN_H
#define ACRE_TOOL_RUN_H

/// Does `acre run` with the words after it. Returns the exit status, if it returns.
int run_command(char **words);

#endif
