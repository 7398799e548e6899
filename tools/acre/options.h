// options.h - the command line of `acre run`.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_OPTIONS_H
#define ACRE_TOOL_OPTIONS_H

#include <stdbool.h>

#define OPTIONS_WITH_MAX 16 // allocators given with --with

/// What was asked for. Pointers are into argv.
struct options {
    bool wants_help;
    bool wants_stats;      // as text, on stderr
    bool wants_stats_json; // as JSON, on stderr
    bool compares;
    bool shows_output;
    unsigned repeat_count; // 0 = not given
    const char *json_path; // "-" is stdout; NULL = not given
    const char *slots;
    const char *input_path;
    const char *peers;                      // names separated by commas, "none", or NULL for all
    const char *with[OPTIONS_WITH_MAX + 1]; // NAME=FILE, NULL at the end
    unsigned with_count;
    char **program; // the program and its arguments, NULL at the end
};

/// Reads the words after `acre run`. Returns 0, or STATUS_USAGE after saying what is wrong.
int options_parse(char **words, struct options *out);

/// Whether the program is run for its numbers, perhaps several times, and not for its output.
bool options_is_measuring(const struct options *options);

#endif
