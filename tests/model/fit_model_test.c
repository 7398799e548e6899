// fit_model_test.c - random calls to fit heaps of each policy, plain and debug, against a map of bytes.
// T_SEED or the first argument repeats a run.
//
// The model knows which bytes belong to whom and what each block holds. It walks the heap before each
// request, so it knows which free blocks there are, and which of them the policy must choose.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "pools/fit_block.h"
#include "t.h"

enum { MEMORY_BYTES = 16384, BLOCKS = 120, STEPS = 6000 };

static _Alignas(16) unsigned char memory[MEMORY_BYTES];
static unsigned char owner[MEMORY_BYTES]; // 0, or 1 + the number of the block
static acre_fit *fit;
static uint64_t random_state;
static const char *wrong;

static struct {
    unsigned char *at;
    size_t bytes;
} held[BLOCKS];

static size_t random_below(size_t bound)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (size_t)((random_state * 0x2545f4914f6cdd1du >> 32) * bound >> 32);
}

static void expect(bool holds, const char *words)
{
    if (!holds && wrong == NULL) {
        wrong = words;
    }
}

enum { FREE_MAX = MEMORY_BYTES / FIT_BLOCK_MIN };

/// The free blocks as they are before a request.
struct free_seen {
    size_t needed;
    size_t count;
    const void *at[FREE_MAX];
    size_t bytes[FREE_MAX];
    const void *lowest; // that is large enough
    size_t smallest;    // that is large enough
    size_t largest;
};

static struct free_seen seen;

static bool see_free(void *context, const acre_fit_block *block)
{
    (void)context;
    if (block->state != ACRE_FIT_FREE) {
        return true;
    }
    seen.at[seen.count] = block->payload;
    seen.bytes[seen.count] = block->bytes;
    seen.count += 1;
    seen.largest = block->bytes > seen.largest ? block->bytes : seen.largest;
    if (block->bytes >= seen.needed) {
        seen.lowest = seen.lowest == NULL ? block->payload : seen.lowest;
        seen.smallest = block->bytes < seen.smallest ? block->bytes : seen.smallest;
    }
    return true;
}

static void look(size_t bytes)
{
    size_t guarded = bytes + (fit->debug_bytes != 0 ? sizeof(size_t) : 0);
    seen = (struct free_seen){.smallest = SIZE_MAX};
    seen.needed = ((guarded + FIT_ALIGN - 1) & ~(size_t)FIT_STATE_MASK);
    (void)acre_fit_walk(fit, see_free, NULL);
}

/// Whether the policy chooses the free block that was at `at`. What `first` and `next` choose hangs on
/// the list: unit/fit_test.c has them.
static bool is_chosen(const void *at)
{
    for (size_t i = 0; i < seen.count; i++) {
        if (seen.at[i] == at) {
            return seen.bytes[i] >= seen.needed &&
                   (fit->policy != ACRE_FIT_ADDRESS || at == seen.lowest) &&
                   (fit->policy != ACRE_FIT_BEST || seen.bytes[i] == seen.smallest) &&
                   (fit->policy != ACRE_FIT_WORST || seen.bytes[i] == seen.largest);
        }
    }
    return false;
}

static void own(size_t index, unsigned char *at, size_t bytes)
{
    held[index].at = at;
    held[index].bytes = bytes;
    expect(at >= memory && at + bytes <= memory + MEMORY_BYTES, "a block outside of the memory");
    expect(((uintptr_t)at & (FIT_ALIGN - 1)) == 0, "a block is not aligned");
    for (size_t i = 0; i < bytes && wrong == NULL; i++) {
        expect(owner[at - memory + (ptrdiff_t)i] == 0, "two live blocks overlap");
        owner[at - memory + (ptrdiff_t)i] = (unsigned char)(index + 1);
    }
    memset(at, (int)(index + 1), bytes);
}

static void disown(size_t index)
{
    for (size_t i = 0; i < held[index].bytes; i++) {
        expect(held[index].at[i] == index + 1, "a live block was written to");
    }
    memset(&owner[held[index].at - memory], 0, held[index].bytes);
    held[index].at = NULL;
}

static void step_alloc(size_t index)
{
    size_t bytes = 1 + random_below(random_below(3) == 0 ? 900 : 120);
    look(bytes);
    unsigned char *at;
    if (random_below(20) == 0) {
        size_t at_least = random_below(600);
        at = acre_fit_alloc_largest(fit, at_least, bytes, &bytes);
        expect(at == NULL || bytes >= at_least, "largest gave less than was wanted");
    } else {
        at = acre_fit_alloc(fit, bytes);
        expect((at != NULL) == (seen.lowest != NULL), "room was found that is none, or not found");
        expect(at == NULL || is_chosen(at), "not what the policy chooses");
    }
    if (at != NULL) {
        own(index, at, bytes);
    }
}

static void step_change(size_t index)
{
    if (random_below(4) != 0) {
        unsigned char *at = held[index].at;
        disown(index);
        expect(acre_fit_free(fit, at) == ACRE_OK, "a live block could not be freed");
        expect(acre_fit_free(fit, at) == ACRE_BAD_ARGUMENT, "a block could be freed twice");
        return;
    }
    size_t bytes = 1 + random_below(700);
    unsigned char *moved = acre_fit_realloc(fit, held[index].at, bytes);
    if (moved != NULL) {
        size_t kept = bytes < held[index].bytes ? bytes : held[index].bytes;
        for (size_t i = 0; i < kept; i++) {
            expect(moved[i] == index + 1, "realloc lost contents");
        }
        memset(&owner[held[index].at - memory], 0, held[index].bytes);
        own(index, moved, bytes);
    }
}

static bool run(acre_fit_policy policy, unsigned flags)
{
    wrong = NULL;
    memset(owner, 0, sizeof(owner));
    memset(held, 0, sizeof(held));
    if (acre_fit_init(memory, sizeof(memory), policy, flags | ACRE_FIT_REPORT, &fit) != ACRE_OK) {
        return false;
    }
    for (unsigned i = 0; i < STEPS && wrong == NULL; i++) {
        size_t index = random_below(BLOCKS);
        if (held[index].at == NULL) {
            step_alloc(index);
        } else {
            step_change(index);
        }
        if (wrong == NULL) {
            wrong = acre_fit_check(fit);
        }
    }
    for (size_t i = 0; i < BLOCKS && wrong == NULL; i++) {
        if (held[i].at != NULL) {
            unsigned char *at = held[i].at;
            disown(i);
            expect(acre_fit_free(fit, at) == ACRE_OK, "a live block could not be freed at the end");
        }
    }
    acre_fit_stats stats;
    acre_fit_get_stats(fit, &stats);
    expect(stats.live_blocks == 0 && stats.free_blocks == 1, "something is left of it");
    t_say(wrong);
    return wrong == NULL;
}

static bool run_both(acre_fit_policy policy)
{
    uint64_t seed = t_seed(20261120);
    t_say_number("seed", seed);
    random_state = seed * 0x9e3779b97f4a7c15u + 1 + (uint64_t)policy;
    return run(policy, 0) && run(policy, ACRE_FIT_DEBUG);
}

static void first_fit_does_what_the_model_does(void)
{
    T_EXPECT(run_both(ACRE_FIT_FIRST));
}

static void next_fit_does_what_the_model_does(void)
{
    T_EXPECT(run_both(ACRE_FIT_NEXT));
}

static void best_fit_does_what_the_model_does(void)
{
    T_EXPECT(run_both(ACRE_FIT_BEST));
}

static void worst_fit_does_what_the_model_does(void)
{
    T_EXPECT(run_both(ACRE_FIT_WORST));
}

static void address_fit_does_what_the_model_does(void)
{
    T_EXPECT(run_both(ACRE_FIT_ADDRESS));
}

T_MAIN(
    T_CASE(first_fit_does_what_the_model_does), T_CASE(next_fit_does_what_the_model_does),
    T_CASE(best_fit_does_what_the_model_does), T_CASE(worst_fit_does_what_the_model_does),
    T_CASE(address_fit_does_what_the_model_does))
