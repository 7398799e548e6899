// say.h - one-line messages on stderr, and the exit statuses that are acre's own.
//
// A function that can fail says so itself, in one line, and returns the status with which acre is
// to end; 0 is success. So every failure is one `return say(...)`.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_SAY_H
#define ACRE_TOOL_SAY_H

/// Statuses that acre itself ends with. Those from 125 on are what env(1), timeout(1) and the shell
/// use, so that a script can tell them from most programs' own.
enum {
    STATUS_USAGE = 2,        // the command line is wrong
    STATUS_FAILED = 125,     // acre could not do its part: no library, no memory, a full disk
    STATUS_CANNOT_RUN = 126, // the program is there and cannot be run, or not on acre
    STATUS_NOT_FOUND = 127,  // there is no such program
};

/// Writes "acre: ", the message and a line end to stderr in one piece, and returns `status`.
/// Characters that would break the line are shown as '?'.
int say(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
