// ported.c - what docs/porting.md's memory.c needs around it to be a kernel: boot code's callbacks, and a
// job for the heap.
// SPDX-License-Identifier: MIT
#include "kernel/kernel.h"

enum { MAP_ENTRIES = 256, BLOCKS = 1000 };

_Noreturn void panic(const char *why);
void memory_start_at(acre_bootmap *map, void *direct_map, acre_phys mapped_limit) __asm__(
    "memory_start"); // kernel.h has a memory_start of its own
void *kmalloc(size_t bytes);
void kfree(void *block);

static void *blocks[BLOCKS];

_Noreturn void panic(const char *why)
{
    kernel_fail(why);
}

static void use_the_heap(unsigned turn)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        unsigned char *block = kmalloc(i * 40 + 1);
        if (block == NULL) {
            panic("no block");
        }
        block[i * 40] = (unsigned char)(i + turn);
        blocks[i] = block;
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        if (((unsigned char *)blocks[i])[i * 40] != (unsigned char)(i + turn)) {
            panic("a block was written to by another");
        }
        kfree(blocks[i]);
    }
}

_Noreturn void kernel_main(void)
{
    static acre_bootmap_entry entries[MAP_ENTRIES];
    acre_bootmap map;
    acre_bootmap_init(&map, entries, MAP_ENTRIES);
    if (machine_memory(&map) != ACRE_OK) {
        panic(map.reason);
    }
    memory_start_at(&map, machine_address(0), machine_address_limit());
    for (unsigned turn = 0; turn < 3; turn++) {
        use_the_heap(turn);
    }
    if (has_word(machine_arguments(), "break=free")) {
        kfree(blocks[0]);
    }
    if (kmalloc((size_t)1 << 40) != NULL) {
        panic("memory that is not there");
    }
    say("PASS\n");
    machine_end(true);
}
