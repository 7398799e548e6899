// virt.c - see virt.h, and kernel/machine.h for what it answers.
// SPDX-License-Identifier: MIT
#include "virt.h"

#include "kernel/kernel.h"
#include "processor.h"

enum { ARGUMENTS_BYTES = 256, TREE_BYTES_MAX = 2 << 20 };

extern const unsigned char image_start[];
extern const unsigned char image_end[];

static uint64_t tree_at; // physical address
static char arguments[ARGUMENTS_BYTES];
static uint64_t names[MACHINE_CPUS_MAX];
static unsigned present;

static struct tree_walk walk_tree(void)
{
    return tree_walk(machine_address(tree_at));
}

const unsigned char *virt_property(const char *node, const char *name, uint32_t *bytes)
{
    struct tree_walk walk = walk_tree();
    return tree_next(&walk, node, name, bytes);
}

/// Copies the words, which lie in memory that is going to be used for other things.
static void read_arguments(void)
{
    uint32_t bytes = 0;
    const unsigned char *value = virt_property("chosen", "bootargs", &bytes);
    for (uint32_t i = 0; i < bytes && i + 1 < sizeof(arguments); i++) {
        arguments[i] = (char)value[i];
    }
}

/// The caller is number 0; the others follow in the order of the tree.
static void read_cpus(uint64_t self)
{
    struct tree_walk walk = walk_tree();
    const unsigned char *value;
    uint32_t bytes;
    names[0] = self;
    present = 1;
    while (present < MACHINE_CPUS_MAX && (value = tree_next(&walk, "cpu", "reg", &bytes)) != NULL) {
        const uint64_t name = tree_number(value, bytes);
        if (name != self) {
            names[present] = name;
            present += 1;
        }
    }
}

void virt_read_tree(uint64_t physical, uint64_t self)
{
    tree_at = physical;
    read_arguments();
    read_cpus(self);
}

uint64_t virt_cpu_name(unsigned cpu)
{
    return names[cpu];
}

unsigned processors_present(void)
{
    return present;
}

const char *machine_arguments(void)
{
    return arguments;
}

void *machine_address(uint64_t physical)
{
    return (void *)(uintptr_t)(machine_direct_map + physical);
}

acre_phys machine_address_limit(void)
{
    return (acre_phys){machine_direct_map_bytes};
}

acre_status machine_memory(acre_bootmap *map)
{
    const uint64_t image_bytes = (uintptr_t)image_end - (uintptr_t)image_start;
    const acre_status status = acre_bootmap_read_devicetree(
        map, machine_address(tree_at), TREE_BYTES_MAX, (acre_phys){tree_at});
    return status != ACRE_OK
               ? status
               : acre_bootmap_append(map, (uintptr_t)image_start, image_bytes, ACRE_MAP_TAKEN);
}
