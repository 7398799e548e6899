// rt_messages.c - firmware's view: message buffers of any size in a fixed array, in bounded time, freed by
// an interrupt, and a mistake that is found.
//
//     cc rt_messages.c -lacre_pools -lacre && ./a.out
//
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "acre/rt.h"

// 8 KiB for messages. What the heap knows is apart from them, so no message can overwrite it.
ACRE_RT_DEFINE(messages, 8192, 16, ACRE_RT_EXACT);

static void report(void *context, acre_rt *rt, const void *block, acre_rt_kind kind)
{
    static const char *const words[] = {"live",    "free already", "inside a block", "misaligned",
                                        "foreign", "overrun",      "broken"};
    (void)context;
    printf(
        "refused: offset %ld is %s\n", (long)((const unsigned char *)block - messages_memory),
        words[kind]);
    (void)rt;
}

/// What a driver's interrupt does when the hardware has sent a message.
static void interrupt_sent(acre_rt *rt, void *message)
{
    if (acre_rt_post_free(rt, message) != ACRE_OK) {
        puts("too many at once");
    }
}

int main(void)
{
    // Posts need a little more bookkeeping than ACRE_RT_DEFINE has: 16 places.
    static _Alignas(void *) unsigned char meta[sizeof(messages_meta) + 16 * sizeof(void *) + 16];
    const acre_rt_hooks hooks = {.on_fault = report};
    const acre_rt_options options = {.granule_bytes = 16, .post_count = 16, .hooks = &hooks};
    acre_rt *rt;
    if (acre_rt_init_split(
            meta, sizeof(meta), messages_memory, sizeof(messages_memory), &options, &rt) !=
        ACRE_OK) {
        return 1;
    }
    acre_rt_bound bound = acre_rt_wcet(rt);
    printf(
        "on %s at most %u instructions to allocate, %u to free\n",
        bound.target != NULL ? bound.target : "this machine nobody counted:",
        bound.alloc_instructions, bound.free_instructions);

    char *hello = acre_rt_alloc(rt, 100);
    char *world = acre_rt_alloc(rt, 3000);
    if (hello == NULL || world == NULL) {
        return 1;
    }
    strcpy(hello, "hello");
    printf("largest free: %zu bytes\n", acre_rt_largest(rt));
    interrupt_sent(rt, world);
    printf("a posted block is live until the next call: %d\n", acre_rt_owns(rt, world));
    char *next = acre_rt_alloc(rt, 5000); // frees it first
    printf("now: %d, and 5000 bytes are there: %d\n", acre_rt_owns(rt, world), next != NULL);

    acre_rt_free(rt, hello);
    acre_rt_free(rt, hello);     // a mistake
    acre_rt_free(rt, next + 16); // another one
    return acre_rt_check(rt, 3) == NULL ? 0 : 1;
}
