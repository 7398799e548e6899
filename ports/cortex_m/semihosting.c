// semihosting.c - see cortex_m.h; and how misuse ends, in one line.
// SPDX-License-Identifier: MIT
#include "acre_port.h"
#include "base/text.h"
#include "cortex_m.h"

enum { SYS_WRITE0 = 4, SYS_EXIT_EXTENDED = 0x20, STOPPED_BY_PROGRAM = 0x20026, LINE_BYTES = 160 };

static uint32_t semihost(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

_Noreturn void cortex_m_exit(int status)
{
    const uint32_t block[2] = {STOPPED_BY_PROGRAM, (uint32_t)status};
    while (true) {
        (void)semihost(SYS_EXIT_EXTENDED, block);
    }
}

void cortex_m_say(const char *words)
{
    (void)semihost(SYS_WRITE0, words);
}

void cortex_m_say_number(uint32_t value)
{
    char digits[16];
    struct text line;
    text_start(&line, digits, sizeof(digits));
    text_add_decimal(&line, value);
    cortex_m_say(digits);
}

static _Noreturn void say_and_exit(struct text *line)
{
    text_end_line(line);
    cortex_m_say(line->start);
    cortex_m_exit(CORTEX_M_FATAL);
}

__attribute__((weak)) _Noreturn void acre_port_fatal(
    const char *what, const void *addr, size_t block_bytes)
{
    char words[LINE_BYTES];
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
    say_and_exit(&line);
}

__attribute__((weak)) _Noreturn void acre_port_halt(
    const char *what, const char *file, int line_number)
{
    char words[LINE_BYTES];
    struct text line;
    text_start(&line, words, sizeof(words));
    text_add(&line, "acre: ");
    text_add(&line, file);
    text_add(&line, ":");
    text_add_decimal(&line, (size_t)line_number);
    text_add(&line, ": check failed: ");
    text_add(&line, what);
    say_and_exit(&line);
}
