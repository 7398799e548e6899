// fifty [COUNT] - allocates COUNT (50) small blocks and prints its anonymous memory in KiB.
//
// Stresses what an allocator costs before it is of any use: tables it writes at the start, pages it
// touches for the first block of each class. `fifty 0` is a program that does nothing, like true.
// Uses no stdio, so that the blocks are the program's own. Real programs: short commands of shell
// scripts, build steps, git hooks, CGI.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { MOST_BLOCKS = 1000 };

static size_t text_from_number(char *text, uint64_t number)
{
    char digits[20];
    size_t digit_count = 0;
    do {
        digits[digit_count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    for (size_t i = 0; i < digit_count; i++) {
        text[i] = digits[digit_count - 1 - i];
    }
    return digit_count;
}

int main(int argument_count, char **arguments)
{
    static void *blocks[MOST_BLOCKS];
    size_t block_count = pattern_argument(argument_count, arguments, 1, 50, 0, MOST_BLOCKS);
    pattern_random random = pattern_random_seed(3);
    for (size_t i = 0; i < block_count; i++) {
        size_t bytes = pattern_random_size(&random, 8, 400);
        blocks[i] = pattern_alloc(bytes);
        pattern_stamp(blocks[i], bytes);
    }
    char line[24];
    size_t length =
        text_from_number(line, pattern_proc_kib("/proc/self/smaps_rollup", "\nAnonymous:"));
    line[length++] = '\n';
    return write(STDOUT_FILENO, line, length) == (ssize_t)length ? 0 : 1;
}
