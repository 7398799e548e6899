// memory.c - from the firmware's memory map to a heap, and the hooks that the heap asks for.
//
//   the map     usable and reserved ranges, in any order, overlapping
//      v        the largest range of whole pages that is usable and nothing else
//   acre_pages_range    a page source over it, through the direct map
//      v
//   acre_heap           the kernel's heap; kmalloc.c gives it names
// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"

static acre_pages_range source;
static acre_heap *heap;

/// Cuts what some reserved range overlaps from the end or the start of [*first, *end), whichever
/// leaves more.
static void cut(const struct machine_range *reserved, uint64_t *first, uint64_t *end)
{
    uint64_t from = reserved->first;
    uint64_t to = from + reserved->bytes < from ? UINT64_MAX : from + reserved->bytes;
    if (to <= *first || from >= *end || from == to) {
        return;
    }
    uint64_t before = from > *first ? from - *first : 0;
    uint64_t after = to < *end ? *end - to : 0;
    if (before > after) {
        *end = from;
    } else {
        *first = to < *end ? to : *end;
    }
}

/// The largest piece of usable memory.
static void find_memory(uint64_t *best_first, uint64_t *best_bytes)
{
    const struct machine_range *ranges;
    const size_t count = machine_memory(&ranges);
    *best_first = 0;
    *best_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = ranges[i].first;
        uint64_t end = first + ranges[i].bytes;
        for (size_t k = 0; k < count && ranges[i].is_usable && end > first; k++) {
            if (!ranges[k].is_usable) {
                cut(&ranges[k], &first, &end);
            }
        }
        if (ranges[i].is_usable && end > first && end - first > *best_bytes) {
            *best_first = first;
            *best_bytes = end - first;
        }
    }
}

void memory_start(void)
{
    uint64_t first;
    uint64_t bytes;
    find_memory(&first, &bytes);
    if (acre_pages_range_init(&source, machine_address(first), bytes) != ACRE_OK) {
        kernel_fail("there is no usable memory");
    }
    const acre_heap_options options = {.name = "kernel", .span_bytes = bytes};
    if (acre_heap_create(&source.pages, &options, &heap) != ACRE_OK) {
        kernel_fail("there is not enough memory for a heap");
    }
    say("memory: ");
    say_number(bytes >> 20);
    say(" MiB at ");
    say_hex(first);
    say("\n");
}

acre_pages_range *memory_source(void)
{
    return &source;
}

acre_heap *memory_heap(void)
{
    return heap;
}

// ---- the hooks; acre_port_cpu is an instruction, in the machine's acre_cpu.h -------------------------

bool acre_port_cpus_sync(void)
{
    return machine_cpus_sync();
}

_Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes)
{
    say("acre: ");
    say(what);
    say(": ");
    say_hex((uintptr_t)addr);
    say(", block of ");
    say_number(block_bytes);
    say(" bytes\n");
    kernel_fail("misuse of the heap");
}

_Noreturn void acre_port_halt(const char *what, const char *file, int line)
{
    say("acre: ");
    say(file);
    say(":");
    say_number((uint64_t)line);
    say(": ");
    say(what);
    say("\n");
    kernel_fail("a check of acre's own state");
}
