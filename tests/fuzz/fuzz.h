// fuzz.h - allocators driven by bytes. A file here reads its input as a list of operations, keeps a model of what
// must hold, and aborts where it does not. Any input is a valid one; the same input is the same run.
//
//     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
//
// is what libFuzzer calls, and smoke.c: without a fuzzer it makes up a few thousand inputs, in make check, or runs the
// files that it is given. scripts/fuzz.sh NAME SECONDS builds one with clang's fuzzer and runs it.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FUZZ_H
#define ACRE_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes); // NOLINT: libFuzzer's name

struct input {
    const uint8_t *at;
    const uint8_t *end;
};

/// The next byte; 0 behind the end.
static inline uint8_t take8(struct input *input)
{
    return input->at == input->end ? 0 : *input->at++;
}

static inline uint32_t take16(struct input *input)
{
    uint32_t low = take8(input);
    return low | (uint32_t)take8(input) << 8;
}

#define FUZZ_EXPECT(cond)                                                                          \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            (void)fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #cond);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/// For audits: NULL, or a sentence.
#define FUZZ_SOUND(sentence)                                                                       \
    do {                                                                                           \
        const char *broken = (sentence);                                                           \
        if (broken != NULL) {                                                                      \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, broken);                      \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/// A block that the model knows: what was written to all of it is there until it goes.
struct held {
    unsigned char *block;
    size_t bytes;
    uint8_t fill;
};

enum { HELD_MAX = 64 };

static inline void held_set(struct held *held, void *block, size_t bytes)
{
    static uint8_t fill;
    fill = (uint8_t)(fill + 37);
    *held = (struct held){.block = block, .bytes = bytes, .fill = fill};
    memset(block, fill, bytes);
}

/// Aborts unless the first `bytes` of a block are as they were written.
static inline void held_check(const struct held *held, const void *block, size_t bytes)
{
    const unsigned char *at = block;
    for (size_t i = 0; i < bytes; i++) {
        FUZZ_EXPECT(at[i] == held->fill);
    }
}

#endif
