// fatal.c - the end of a process: one line on stderr by write(2), nothing allocated, then SIGABRT.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include <stdlib.h>
#include <unistd.h>

#include "acre_port.h"
#include "base/text.h"

enum { LINE_BYTES_MAX = 256 };

const void *acre_port_dying;

static _Noreturn void say_and_abort(struct text *line, const char *words)
{
    store_relaxed(&acre_port_dying, (const void *)__builtin_thread_pointer());
    text_end_line(line);
    ssize_t written = write(STDERR_FILENO, words, text_length(line));
    (void)written; // nobody is left to tell
    abort();
}

_Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes)
{
    char words[LINE_BYTES_MAX];
    struct text line;
    text_start(&line, words, sizeof(words));
    text_add(&line, "acre: ");
    text_add(&line, what);
    text_add(&line, ": ");
    text_add_hex(&line, (uintptr_t)addr);
    if (block_bytes != 0) {
        text_add(&line, " (block of ");
        text_add_decimal(&line, block_bytes);
        text_add(&line, " bytes)");
    }
    say_and_abort(&line, words);
}

_Noreturn void acre_port_halt(const char *what, const char *file, int line_number)
{
    char words[LINE_BYTES_MAX];
    struct text line;
    text_start(&line, words, sizeof(words));
    text_add(&line, "acre: ");
    text_add(&line, file);
    text_add(&line, ":");
    text_add_decimal(&line, (uintmax_t)line_number);
    text_add(&line, ": check failed: ");
    text_add(&line, what);
    say_and_abort(&line, words);
}
