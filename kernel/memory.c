// memory.c - from the firmware's memory map to a heap, and the hooks that the heap asks for.
//
//   acre_bootmap         ranges of all kinds, in any order, put in order
//      v
//   acre_frames          who owns which frame
//      v
//   acre_pages_frames    a page source over them, through the direct map
//      v
//   acre_heap            the kernel's heap; kmalloc.c gives it names
// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"
#include "kernel/sync.h"

enum { MAP_ENTRIES = 256 };

static acre_frames *frames;
static acre_pages_frames source;
static acre_heap *heap;
static uint32_t syncs;

static void start_frames(void)
{
    static acre_bootmap_entry entries[MAP_ENTRIES];
    acre_bootmap map;
    acre_bootmap_init(&map, entries, MAP_ENTRIES);
    if (machine_memory(&map) != ACRE_OK || acre_bootmap_fix(&map) != ACRE_OK) {
        kernel_fail(map.reason);
    }
    const acre_frames_options options = {
        .slots = MACHINE_CPUS_MAX,
        .mapped_limit = machine_address_limit(),
        .direct_map = machine_address(0),
    };
    if (acre_frames_boot(&map, &options, &frames) != ACRE_OK) {
        kernel_fail(map.reason);
    }
}

void memory_start(void)
{
    acre_frames_stats stats;
    start_frames();
    acre_frames_get_stats(frames, &stats);
    const acre_heap_options options = {
        .name = "kernel", .span_bytes = stats.span_frames * ACRE_FRAME_BYTES};
    if (acre_pages_frames_init(&source, frames, machine_address(0)) != ACRE_OK ||
        acre_heap_create(&source.pages, &options, &heap) != ACRE_OK) {
        kernel_fail("there is not enough memory for a heap");
    }
    say("memory: ");
    say_number(stats.free_frames >> (20 - ACRE_FRAME_LOG2));
    say(" MiB free, ");
    say_number(stats.meta_bytes >> 10);
    say(" KiB for the books of frames\n");
}

acre_frames *memory_frames(void)
{
    return frames;
}

acre_pages_frames *memory_source(void)
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
    (void)sync_add(&syncs, 1);
    return machine_cpus_sync();
}

uint32_t memory_syncs(void)
{
    return sync_load(&syncs);
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
