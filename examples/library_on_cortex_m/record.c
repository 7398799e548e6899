// record.c - calloc and free that write down each call, for acre-partitions(1): the firmware is linked with this
// once, and run with what it will have to do. Behind them is a heap with room to spare.
// SPDX-License-Identifier: MIT
#include "acre/rt.h"
#include "board.h"

enum { HEAP_BYTES = 96 << 10 };

ACRE_RT_DEFINE(heap, HEAP_BYTES, 8, ACRE_RT_EXACT);
static acre_rt *heap;

void *__wrap_calloc(size_t count, size_t bytes);
void __wrap_free(void *block);

bool memory_start(void)
{
    const acre_rt_options options = {.granule_bytes = 8};
    return acre_rt_init_split(
               heap_meta, sizeof(heap_meta), heap_memory, sizeof(heap_memory), &options, &heap) ==
           ACRE_OK;
}

void memory_report(void)
{
    say("# end\n");
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    void *block = acre_rt_calloc(heap, count, bytes);
    if (block != NULL) {
        say("a ");
        say_number((uint32_t)(uintptr_t)block);
        say(" ");
        say_number((uint32_t)(count * bytes));
        say("\n");
    }
    return block;
}

void __wrap_free(void *block)
{
    if (block != NULL) {
        say("f ");
        say_number((uint32_t)(uintptr_t)block);
        say("\n");
        (void)acre_rt_free(heap, block);
    }
}
