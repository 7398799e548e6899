// bootmap_test.c - what the readers of firmware's tables promise, and how bad maps are refused.
// SPDX-License-Identifier: MIT
#include "acre/bootmap.h"

#include <string.h>

#include "t.h"

enum { ROOM = 64 };

static acre_bootmap_entry room[ROOM];
static acre_bootmap map;

static void put_le(unsigned char *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        at[i] = (unsigned char)(value >> (8 * i));
    }
}

static bool entry_is(uint32_t at, uint64_t base, uint64_t bytes, acre_map_kind kind)
{
    return at < map.count && map.entries[at].base == base && map.entries[at].bytes == bytes &&
           map.entries[at].kind == (uint32_t)kind;
}

static void fresh(void)
{
    acre_bootmap_init(&map, room, ROOM);
}

// ---- E820, PVH -----------------------------------------------------------------------------------

static const uint64_t PC[][3] = {
    {0, 0x9fc00, 1},
    {0x9fc00, 0x400, 2},
    {0xf0000, 0x10000, 2},
    {0x100000, 0x7ee0000, 1},
    {0x7fe0000, 0x10000, 3},
    {0x7ff0000, 0x10000, 4},
    {0xfd00000000, 0x300000000, 2},
    {0x100000000, 0x40000000, 1},
    {0, 0, 0}, // microvm ends with this
};

enum { PC_COUNT = sizeof(PC) / sizeof(PC[0]) };

static bool pc_is_right(void)
{
    return acre_bootmap_fix(&map) == ACRE_OK && map.count == 8 &&
           entry_is(0, 0, 0x9f000, ACRE_MAP_USABLE) &&
           entry_is(1, 0x9f000, 0x1000, ACRE_MAP_RESERVED) &&
           entry_is(2, 0xf0000, 0x10000, ACRE_MAP_RESERVED) &&
           entry_is(3, 0x100000, 0x7ee0000, ACRE_MAP_USABLE) &&
           entry_is(4, 0x7fe0000, 0x10000, ACRE_MAP_RECLAIM) &&
           entry_is(5, 0x7ff0000, 0x10000, ACRE_MAP_RESERVED) &&
           entry_is(6, 0x100000000, 0x40000000, ACRE_MAP_USABLE) &&
           entry_is(7, 0xfd00000000, 0x300000000, ACRE_MAP_RESERVED);
}

/// The table of a PC, at an odd address, so that reading it needs no alignment.
static const void *pc_table(uint32_t stride)
{
    static unsigned char table[PC_COUNT * 24 + 1];
    memset(table, 0, sizeof(table));
    for (unsigned i = 0; i < (unsigned)PC_COUNT; i++) {
        unsigned char *at = table + 1 + i * stride;
        put_le(at, PC[i][0], 8);
        put_le(at + 8, PC[i][1], 8);
        put_le(at + 16, PC[i][2], 4);
        if (stride >= 24) {
            at[20] = 1;
        }
    }
    return table + 1;
}

static void e820_of_20_and_of_24_bytes_is_read(void)
{
    for (uint32_t stride = 20; stride <= 24; stride += 4) {
        fresh();
        T_EXPECT(acre_bootmap_read_e820(&map, pc_table(stride), PC_COUNT, stride) == ACRE_OK);
        T_EXPECT(pc_is_right());
    }
}

static void e820_entries_marked_ignore_are_ignored(void)
{
    fresh();
    unsigned char entry[24] = {0};
    put_le(entry + 8, 0x100000, 8);
    entry[16] = 1;
    T_EXPECT(acre_bootmap_read_e820(&map, entry, 1, 24) == ACRE_OK && map.count == 0);
    T_EXPECT(acre_bootmap_read_e820(&map, entry, 1, 20) == ACRE_OK && map.count == 1);
    T_EXPECT(acre_bootmap_read_e820(&map, entry, 1, 16) == ACRE_BAD_MAP && map.reason != NULL);
}

static void pvh_is_read(void)
{
    fresh();
    unsigned char table[PC_COUNT * 24];
    memset(table, 0xee, sizeof(table)); // reserved fields may hold anything
    for (unsigned i = 0; i < (unsigned)PC_COUNT; i++) {
        memcpy(table + i * (size_t)24, (const char *)pc_table(20) + i * (size_t)20, 20);
    }
    T_EXPECT(acre_bootmap_read_pvh(&map, table, PC_COUNT) == ACRE_OK);
    T_EXPECT(pc_is_right());
}

// ---- multiboot2, UEFI ----------------------------------------------------------------------------

static void multiboot2_is_read_by_its_own_stride(void)
{
    enum { STRIDE = 32 };
    unsigned char tag[16 + PC_COUNT * STRIDE];
    memset(tag, 0, sizeof(tag));
    put_le(tag, 6, 4);
    put_le(tag + 4, sizeof(tag), 4);
    put_le(tag + 8, STRIDE, 4);
    for (unsigned i = 0; i < (unsigned)PC_COUNT; i++) {
        memcpy(tag + 16 + i * (size_t)STRIDE, (const char *)pc_table(20) + i * (size_t)20, 20);
    }
    fresh();
    T_EXPECT(acre_bootmap_read_multiboot2(&map, tag) == ACRE_OK);
    T_EXPECT(pc_is_right());
    put_le(tag + 8, 8, 4);
    T_EXPECT(acre_bootmap_read_multiboot2(&map, tag) == ACRE_BAD_MAP);
    put_le(tag, 5, 4);
    T_EXPECT(acre_bootmap_read_multiboot2(&map, tag) == ACRE_BAD_MAP);
}

static void uefi_is_read_by_its_own_stride(void)
{
    enum { STRIDE = 48 };
    static const uint64_t list[][4] = {
        // type, base, pages, attributes
        {7, 0x100000, 0x100, 0xf},
        {3, 0x200000, 0x100, 0xf},               // boot services: free by now
        {2, 0x300000, 0x100, 0xf},               // loader
        {5, 0x400000, 0x10, 0x800000000000000f}, // runtime services
        {9, 0x410000, 0x10, 0xf},                // ACPI
        {7, 0x500000, 0x100, 0x40000},           // specific purpose
        {15, 0x600000, 0x100, 0xf},              // not accepted
        {7, 0x700000, (uint64_t)1 << 60, 0xf},   // longer than all memory
    };
    enum { COUNT = sizeof(list) / sizeof(list[0]) };
    unsigned char table[COUNT * STRIDE];
    memset(table, 0xee, sizeof(table));
    for (unsigned i = 0; i < (unsigned)COUNT; i++) {
        unsigned char *at = table + i * (size_t)STRIDE;
        put_le(at, list[i][0], 4);
        put_le(at + 8, list[i][1], 8);
        put_le(at + 24, list[i][2], 8);
        put_le(at + 32, list[i][3], 8);
    }
    fresh();
    T_EXPECT(acre_bootmap_read_uefi(&map, table, sizeof(table), STRIDE, false) == ACRE_OK);
    T_EXPECT(acre_bootmap_fix(&map) == ACRE_OK && map.count == 5 && map.dropped == 1);
    T_EXPECT(entry_is(0, 0x100000, 0x300000, ACRE_MAP_USABLE));
    T_EXPECT(entry_is(1, 0x400000, 0x10000, ACRE_MAP_RESERVED));
    T_EXPECT(entry_is(2, 0x410000, 0x10000, ACRE_MAP_RECLAIM));
    T_EXPECT(entry_is(3, 0x500000, 0x100000, ACRE_MAP_PERSISTENT));
    T_EXPECT(entry_is(4, 0x600000, 0x100000, ACRE_MAP_UNACCEPTED));
    fresh();
    T_EXPECT(acre_bootmap_read_uefi(&map, table, sizeof(table), STRIDE, true) == ACRE_OK);
    T_EXPECT(acre_bootmap_fix(&map) == ACRE_OK && map.count == 6);
    T_EXPECT(entry_is(1, 0x300000, 0x100000, ACRE_MAP_RECLAIM));
    T_EXPECT(acre_bootmap_read_uefi(&map, table, sizeof(table), 32, false) == ACRE_BAD_MAP);
}

// ---- devicetree ----------------------------------------------------------------------------------

static unsigned char blob[640];
static unsigned blob_end;

static void put_be(unsigned at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        blob[at + i] = (unsigned char)(value >> (8 * (bytes - 1 - i)));
    }
}

static void emit(uint32_t token)
{
    put_be(blob_end, token, 4);
    blob_end += 4;
}

static void emit_node(const char *name)
{
    emit(1);
    size_t bytes = strlen(name) + 1;
    memcpy(blob + blob_end, name, bytes);
    blob_end += (unsigned)(bytes + 3) & ~3u;
}

enum { NAME_ADDRESS_CELLS = 0, NAME_SIZE_CELLS = 15, NAME_REG = 27 };
static const char NAMES[] = "#address-cells\0#size-cells\0reg";

static void emit_cells(unsigned name, unsigned count, const uint32_t *cells)
{
    emit(3);
    emit(4 * count);
    emit(name);
    for (unsigned i = 0; i < count; i++) {
        emit(cells[i]);
    }
}

static void make_devicetree(void)
{
    enum { RESERVATIONS = 40, STRUCTURE = 72 };
    memset(blob, 0, sizeof(blob));
    put_be(0, 0xd00dfeed, 4);
    put_be(8, STRUCTURE, 4);
    put_be(16, RESERVATIONS, 4);
    put_be(RESERVATIONS, 0x80000000, 8);
    put_be(RESERVATIONS + 8, 0x20000, 8);
    blob_end = STRUCTURE;
    emit_node("");
    emit_cells(NAME_ADDRESS_CELLS, 1, (const uint32_t[]){2});
    emit_cells(NAME_SIZE_CELLS, 1, (const uint32_t[]){2});
    emit_node("memory@80000000");
    emit_cells(NAME_REG, 8, (const uint32_t[]){0, 0x80000000, 0, 0x8000000, 2, 0, 0, 0x1000000});
    emit(2);
    emit_node("memory-controller@1000"); // no memory
    emit_cells(NAME_REG, 4, (const uint32_t[]){0, 0x1000, 0, 0x1000});
    emit(2);
    emit_node("reserved-memory");
    emit_cells(NAME_ADDRESS_CELLS, 1, (const uint32_t[]){1});
    emit_cells(NAME_SIZE_CELLS, 1, (const uint32_t[]){1});
    emit_node("firmware@80100000");
    emit_cells(NAME_REG, 2, (const uint32_t[]){0x80100000, 0x1800});
    emit(2);
    emit(2);
    emit_node("pcie@30000000"); // the bus has addresses of its own, of three cells
    emit_cells(NAME_ADDRESS_CELLS, 1, (const uint32_t[]){3});
    emit_cells(NAME_SIZE_CELLS, 1, (const uint32_t[]){2});
    emit_cells(NAME_REG, 4, (const uint32_t[]){0, 0x30000000, 0, 0x10000000});
    emit_node("device@0");
    emit_cells(NAME_REG, 5, (const uint32_t[]){0x800, 0, 0, 0, 0});
    emit(2);
    emit(2);
    emit(2);
    emit(9);
    put_be(36, blob_end - STRUCTURE, 4);
    put_be(12, blob_end, 4);
    memcpy(blob + blob_end, NAMES, sizeof(NAMES));
    blob_end += (unsigned)sizeof(NAMES);
    put_be(4, blob_end, 4);
}

static void devicetree_is_read(void)
{
    make_devicetree();
    fresh();
    acre_phys at = {0x87ff0000};
    T_EXPECT(acre_bootmap_read_devicetree(&map, blob, sizeof(blob), at) == ACRE_OK);
    T_EXPECT(acre_bootmap_fix(&map) == ACRE_OK && map.count == 7);
    T_EXPECT(entry_is(0, 0x80000000, 0x20000, ACRE_MAP_RESERVED));
    T_EXPECT(entry_is(1, 0x80020000, 0xe0000, ACRE_MAP_USABLE));
    T_EXPECT(entry_is(2, 0x80100000, 0x2000, ACRE_MAP_RESERVED));
    T_EXPECT(entry_is(3, 0x80102000, 0x87ff0000 - 0x80102000, ACRE_MAP_USABLE));
    T_EXPECT(entry_is(4, 0x87ff0000, 0x1000, ACRE_MAP_RESERVED));
    T_EXPECT(entry_is(6, 0x200000000, 0x1000000, ACRE_MAP_USABLE));
}

static void memory_at_addresses_of_three_cells_is_refused(void)
{
    enum { ROOT_CELLS = 72 + 8 + 12 }; // the value of the first property
    make_devicetree();
    put_be(ROOT_CELLS, 3, 4);
    fresh();
    T_EXPECT(
        acre_bootmap_read_devicetree(&map, blob, sizeof(blob), (acre_phys){0}) == ACRE_BAD_MAP);
    T_EXPECT(map.reason != NULL);
}

/// A copy that ends where the memory ends, for the sanitizers, with random damage.
static void a_broken_devicetree_is_refused_or_read_but_never_trusted(void)
{
    uint64_t noise = t_seed(0x2545f4914f6cdd1d) | 1;
    unsigned refused = 0;
    for (unsigned i = 0; i < 20000; i++) {
        make_devicetree();
        unsigned bytes = blob_end;
        for (unsigned damage = 0; damage < 1 + i % 4; damage++) {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            unsigned char *victim = &blob[(noise >> 20) % bytes];
            *victim = (noise & 1) != 0 ? (unsigned char)(noise >> 8) : (unsigned char)(*victim + 1);
        }
        fresh();
        unsigned char copy[sizeof(blob)];
        memcpy(copy + sizeof(copy) - bytes, blob, bytes);
        acre_status status =
            acre_bootmap_read_devicetree(&map, copy + sizeof(copy) - bytes, bytes, (acre_phys){0});
        T_EXPECT(status == ACRE_OK || status == ACRE_BAD_MAP || status == ACRE_NO_MEMORY);
        T_EXPECT(status == ACRE_OK || map.reason != NULL);
        refused += status != ACRE_OK ? 1 : 0;
        (void)acre_bootmap_fix(&map);
    }
    T_EXPECT(refused > 1000);
    make_devicetree();
    T_EXPECT(
        acre_bootmap_read_devicetree(&map, blob, blob_end - 1, (acre_phys){0}) == ACRE_BAD_MAP);
    T_EXPECT(acre_bootmap_read_devicetree(&map, blob, 39, (acre_phys){0}) == ACRE_BAD_MAP);
}

// ---- refusals ------------------------------------------------------------------------------------

static void a_map_without_room_is_left_as_it_is(void)
{
    acre_bootmap_entry three[3];
    acre_bootmap_init(&map, three, 3);
    T_EXPECT(acre_bootmap_append(&map, 0x1000, 0x3000, ACRE_MAP_USABLE) == ACRE_OK);
    T_EXPECT(acre_bootmap_append(&map, 0x2000, 0x1000, ACRE_MAP_BAD) == ACRE_OK);
    T_EXPECT(acre_bootmap_fix(&map) == ACRE_NO_MEMORY && map.count == 2 && !map.fixed);
    T_EXPECT(entry_is(0, 0x1000, 0x3000, ACRE_MAP_USABLE) && map.reason != NULL);
    T_EXPECT(acre_bootmap_append(&map, 0, 1, ACRE_MAP_BAD) == ACRE_OK);
    T_EXPECT(acre_bootmap_append(&map, 0, 1, ACRE_MAP_BAD) == ACRE_NO_MEMORY && map.count == 3);
}

static void a_cut_that_makes_no_sense_is_refused(void)
{
    acre_phys out = {7};
    fresh();
    T_EXPECT(acre_bootmap_append(&map, 0x100000, 0x100000, ACRE_MAP_USABLE) == ACRE_OK);
    T_EXPECT(acre_bootmap_cut(&map, 1, 1, (acre_phys){0}, &out) == ACRE_BAD_ARGUMENT); // not fixed
    T_EXPECT(acre_bootmap_fix(&map) == ACRE_OK);
    T_EXPECT(acre_bootmap_cut(&map, 0, 1, (acre_phys){0}, &out) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_bootmap_cut(&map, 1, 3, (acre_phys){0}, &out) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_bootmap_cut(&map, UINT64_MAX, 1, (acre_phys){0}, &out) == ACRE_BAD_ARGUMENT);
    T_EXPECT(acre_bootmap_cut(&map, 0x100001, 1, (acre_phys){0}, &out) == ACRE_NO_MEMORY);
    T_EXPECT(out.addr == 7);
    T_EXPECT(acre_bootmap_cut(&map, 5, 1, (acre_phys){0x180fff}, &out) == ACRE_OK);
    T_EXPECT(out.addr == 0x17f000);
    acre_phys low;
    acre_phys high;
    T_EXPECT(acre_bootmap_span(&map, &low, &high));
    T_EXPECT(low.addr == 0x100000 && high.addr == 0x200000);
}

T_MAIN(
    T_CASE(e820_of_20_and_of_24_bytes_is_read), T_CASE(e820_entries_marked_ignore_are_ignored),
    T_CASE(pvh_is_read), T_CASE(multiboot2_is_read_by_its_own_stride),
    T_CASE(uefi_is_read_by_its_own_stride), T_CASE(devicetree_is_read),
    T_CASE(memory_at_addresses_of_three_cells_is_refused),
    T_CASE(a_broken_devicetree_is_refused_or_read_but_never_trusted),
    T_CASE(a_map_without_room_is_left_as_it_is), T_CASE(a_cut_that_makes_no_sense_is_refused))
