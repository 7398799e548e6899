// board.c - from reset to main on a Cortex-M, and a console, by semihosting, which QEMU and debuggers answer.
// Also what compilers and acre want from a system that has no C library.
// SPDX-License-Identifier: MIT
#include "board.h"

#include <stddef.h>

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20, STOPPED_BY_PROGRAM = 0x20026 };

static uint32_t semihost(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void say(const char *words)
{
    (void)semihost(SYS_WRITE0, words);
}

void say_number(uint32_t value)
{
    char digits[11];
    char *at = &digits[10];
    *at = '\0';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    say(at);
}

static _Noreturn void finish(uint32_t status)
{
    const uint32_t block[2] = {STOPPED_BY_PROGRAM, status};
    (void)semihost(SYS_EXIT_EXTENDED, block);
    while (true) {
    }
}

// ---- for acre, ports/bare --------------------------------------------------------------------------

_Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes);
_Noreturn void acre_port_halt(const char *what, const char *file, int line);

_Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes)
{
    (void)addr;
    (void)block_bytes;
    say(what);
    say("\n");
    finish(5);
}

_Noreturn void acre_port_halt(const char *what, const char *file, int line)
{
    (void)line;
    say(file);
    say(": ");
    acre_port_fatal(what, NULL, 0);
}

// ---- for compilers ---------------------------------------------------------------------------------

void *memset(void *to, int value, size_t bytes);
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
int strcmp(const char *a, const char *b);

void *memset(void *to, int value, size_t bytes)
{
    for (unsigned char *at = to; bytes > 0; bytes--) {
        *at++ = (unsigned char)value;
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    const unsigned char *source = from;
    for (unsigned char *at = to; bytes > 0; bytes--) {
        *at++ = *source++;
    }
    return to;
}

int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a += 1;
        b += 1;
    }
    return *a - *b;
}

// ---- reset -----------------------------------------------------------------------------------------

int main(void);

// From board.ld.
extern uint32_t stack_top[];
extern uint32_t data_in_flash[];
extern uint32_t data_start[];
extern uint32_t data_end[];
extern uint32_t bss_start[];
extern uint32_t bss_end[];

static _Noreturn void reset(void)
{
    for (size_t i = 0; &data_start[i] < data_end; i++) {
        data_start[i] = data_in_flash[i];
    }
    for (size_t i = 0; &bss_start[i] < bss_end; i++) {
        bss_start[i] = 0;
    }
    finish((uint32_t)main());
}

static _Noreturn void fault(void)
{
    say("fault\n");
    finish(6);
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top,
    (const void *)(uintptr_t)reset,
    (const void *)(uintptr_t)fault,
    (const void *)(uintptr_t)fault,
    (const void *)(uintptr_t)fault,
    (const void *)(uintptr_t)fault,
    (const void *)(uintptr_t)fault,
};
