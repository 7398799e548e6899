// smoke.c - see fuzz.h: runs made-up inputs, or files.
//
//     fuzz_NAME             3000 inputs of up to 600 bytes, the same each time
//     fuzz_NAME -N SEED     N inputs from a seed
//     fuzz_NAME FILE...     what a fuzzer found
//
// SPDX-License-Identifier: MIT
#include "fuzz.h"

enum { INPUT_BYTES = 600, INPUTS = 3000 };

static uint64_t state = 0x9e3779b97f4a7c15;

static uint32_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)(state * 0x2545f4914f6cdd1d >> 32);
}

static void run_made_up(unsigned long inputs)
{
    uint8_t data[INPUT_BYTES];
    for (unsigned long i = 0; i < inputs; i++) {
        size_t bytes = next() % INPUT_BYTES;
        // Some prefer few operations, so that they meet many of a kind.
        uint8_t mask = i % 3 == 0 ? 0x33 : 0xff;
        for (size_t k = 0; k < bytes; k++) {
            data[k] = (uint8_t)next() & mask;
        }
        (void)LLVMFuzzerTestOneInput(data, bytes);
    }
}

static bool run_file(const char *name)
{
    static uint8_t data[1 << 20];
    FILE *file = fopen(name, "rb");
    if (file == NULL) {
        perror(name);
        return false;
    }
    size_t bytes = fread(data, 1, sizeof(data), file);
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(data, bytes);
    return true;
}

int main(int argc, char **argv)
{
    if (argc == 1) {
        run_made_up(INPUTS);
    } else if (argv[1][0] == '-') {
        state += argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
        run_made_up(strtoul(argv[1] + 1, NULL, 10));
    } else {
        for (int i = 1; i < argc; i++) {
            if (!run_file(argv[i])) {
                return 2;
            }
        }
    }
    return 0;
}
