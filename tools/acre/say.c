// say.c - one-line messages on stderr.
// SPDX-License-Identifier: MIT
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 8192 // a path of PATH_MAX and words around it

int say(int status, const char *format, ...)
{
    char line[LINE_BYTES] = "acre: ";
    size_t prefix_bytes = strlen(line);
    va_list args;
    va_start(args, format);
    // One byte is kept back for the line end.
    int wanted = vsnprintf(line + prefix_bytes, sizeof line - prefix_bytes - 1, format, args);
    va_end(args);
    size_t used = wanted < 0 ? prefix_bytes : strlen(line);
    for (size_t i = 0; i < used; i++) {
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f) {
            line[i] = '?';
        }
    }
    line[used] = '\n';
    // Nothing can be done about a stderr that does not take it.
    ssize_t written = write(STDERR_FILENO, line, used + 1);
    (void)written;
    return status;
}
