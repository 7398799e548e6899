// say.c - the console: numbers and failures.
// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"
#include "kernel/sync.h"

enum { DIGITS_MAX = 21, HEX_DIGITS = 16 };

void say(const char *text)
{
    machine_write(text);
}

void say_number(uint64_t value)
{
    char digits[DIGITS_MAX];
    char *at = &digits[sizeof(digits) - 1];
    *at = '\0';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    say(at);
}

void say_hex(uint64_t value)
{
    char digits[HEX_DIGITS + 1];
    for (unsigned i = 0; i < HEX_DIGITS; i++) {
        digits[i] = "0123456789abcdef"[value >> (4 * (HEX_DIGITS - 1 - i)) & 15];
    }
    digits[HEX_DIGITS] = '\0';
    say("0x");
    say(digits);
}

bool has_word(const char *words, const char *word)
{
    for (const char *at = words; *at != '\0';) {
        size_t i = 0;
        while (word[i] != '\0' && at[i] == word[i]) {
            i += 1;
        }
        if (word[i] == '\0' && (at[i] == ' ' || at[i] == '\0')) {
            return true;
        }
        while (*at != '\0' && *at != ' ') {
            at += 1;
        }
        at += *at == ' ' ? 1 : 0;
    }
    return false;
}

_Noreturn void kernel_fail(const char *why)
{
    static uint32_t failing;
    machine_interrupts_off();
    if (sync_swap(&failing, 1) != 0) { // somebody says so already, and will end the machine
        while (true) {
            machine_relax();
        }
    }
    say("FAIL: ");
    say(why);
    say("\n");
    machine_end(false);
}
