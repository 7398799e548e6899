// t.c - see t.h.
// SPDX-License-Identifier: MIT
#include "t.h"

static bool case_failed;

void t_write_number(uint64_t value)
{
    char digits[21]; // of the largest number, with its NUL
    char *at = &digits[sizeof(digits) - 1];
    *at = '\0';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    t_write(at);
}

void t_fail(const char *expected, const char *file, int line)
{
    case_failed = true;
    t_write("# ");
    t_write(file);
    t_write(":");
    t_write_number((uint64_t)line);
    t_write(": expected ");
    t_write(expected);
    t_write("\n");
}

void t_say(const char *words)
{
    if (words != NULL) {
        t_write("# ");
        t_write(words);
        t_write("\n");
    }
}

void t_say_number(const char *name, uint64_t value)
{
    t_write("# ");
    t_write(name);
    t_write(" ");
    t_write_number(value);
    t_write("\n");
}

int t_run(const struct t_case *cases, size_t count)
{
    int failures = 0;
    t_write("1..");
    t_write_number(count);
    t_write("\n");
    for (size_t i = 0; i < count; i++) {
        case_failed = false;
        cases[i].run();
        failures += case_failed ? 1 : 0;
        t_write(case_failed ? "not ok " : "ok ");
        t_write_number(i + 1);
        t_write(" - ");
        t_write(cases[i].name);
        t_write("\n");
    }
    return failures;
}
