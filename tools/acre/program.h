// program.h - finding a program as the shell does, and becoming it.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_PROGRAM_H
#define ACRE_TOOL_PROGRAM_H

/// Finds `name` in PATH, or takes it as it is when it has a slash. Returns 0 with *out set to the
/// path, to be freed; else errno: ENOENT, EACCES or EISDIR.
int program_find(const char *name, char **out);

/// Says why `name` cannot be run, given errno of program_find or program_exec, and returns the
/// status that the shell would: 127 when it is not there, else 126.
int program_say(const char *name, int error);

/// Becomes the program at `path`; a file without a magic number is run by the shell, as execvp does
/// it. Returns errno when that failed.
int program_exec(const char *path, char *const *argv);

#endif
