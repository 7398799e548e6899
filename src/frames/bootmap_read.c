// bootmap_read.c - boot maps from the tables of firmware: E820, PVH, multiboot2, UEFI.
//
// Tables are read byte by byte as little-endian numbers: they need not be aligned, and those that have
// them are little-endian machines or say so.
//
// Sources: ACPI 6.5 section 15 (E820 types), the PVH boot ABI of Xen (hvm_start_info), the Multiboot2
// specification 2.0 section 3.6.8, UEFI 2.10 section 7.2 (EFI_MEMORY_DESCRIPTOR).
// SPDX-License-Identifier: MIT
#include "acre/bootmap.h"

static uint64_t read_le(const unsigned char *at, unsigned bytes)
{
    uint64_t value = 0;
    while (bytes-- > 0) {
        value = value << 8 | at[bytes];
    }
    return value;
}

static acre_status bad(acre_bootmap *map, const char *reason)
{
    map->reason = reason;
    return ACRE_BAD_MAP;
}

/// The types that E820 counts, and PVH and multiboot2 after it.
static acre_map_kind kind_of_e820(uint64_t type)
{
    switch (type) {
    case 0:
        return ACRE_MAP_NONE; // QEMU ends the table of microvm with an entry of zeros
    case 1:
        return ACRE_MAP_USABLE;
    case 3:
        return ACRE_MAP_RECLAIM;
    case 5:
        return ACRE_MAP_BAD;
    case 7:
    case 12:
        return ACRE_MAP_PERSISTENT;
    default:
        return ACRE_MAP_RESERVED;
    }
}

/// Entries of base, length and type, with E820's attributes behind them if `has_attributes`.
static acre_status read_entries(
    acre_bootmap *map, const unsigned char *at, uint64_t count, uint32_t stride,
    bool has_attributes)
{
    enum { IGNORE_UNLESS = 1 };
    for (; count > 0; count--, at += stride) {
        if (has_attributes && (at[20] & IGNORE_UNLESS) == 0) {
            continue;
        }
        acre_status status = acre_bootmap_append(
            map, read_le(at, 8), read_le(at + 8, 8), kind_of_e820(read_le(at + 16, 4)));
        if (status != ACRE_OK) {
            return status;
        }
    }
    return ACRE_OK;
}

acre_status acre_bootmap_read_e820(
    acre_bootmap *map, const void *table, uint32_t count, uint32_t stride_bytes)
{
    if (stride_bytes < 20) {
        return bad(map, "entries of E820 have at least 20 bytes");
    }
    return read_entries(map, table, count, stride_bytes, stride_bytes >= 24);
}

acre_status acre_bootmap_read_pvh(acre_bootmap *map, const void *table, uint32_t count)
{
    return read_entries(map, table, count, 24, false);
}

acre_status acre_bootmap_read_multiboot2(acre_bootmap *map, const void *tag)
{
    enum { TAG_MEMORY_MAP = 6, TAG_BYTES = 16, ENTRY_BYTES_MIN = 20 };
    const unsigned char *at = tag;
    uint64_t bytes = read_le(at + 4, 4);
    uint32_t stride = (uint32_t)read_le(at + 8, 4);
    if (read_le(at, 4) != TAG_MEMORY_MAP || bytes < TAG_BYTES) {
        return bad(map, "not a memory map tag of multiboot2");
    }
    if (stride < ENTRY_BYTES_MIN) {
        return bad(map, "entries of multiboot2 have at least 20 bytes");
    }
    // No division: whole entries that fit.
    for (uint64_t used = TAG_BYTES; bytes - used >= stride; used += stride) {
        acre_status status = read_entries(map, at + used, 1, stride, false);
        if (status != ACRE_OK) {
            return status;
        }
    }
    return ACRE_OK;
}

static acre_map_kind kind_of_uefi(uint64_t type, uint64_t attributes, bool keep_loader)
{
    const uint64_t runtime = (uint64_t)1 << 63;
    const uint64_t specific_purpose = 0x40000;
    if ((attributes & runtime) != 0) {
        return ACRE_MAP_RESERVED;
    }
    switch (type) {
    case 1: // loader code and data
    case 2:
        return keep_loader ? ACRE_MAP_RECLAIM : ACRE_MAP_USABLE;
    case 3: // boot services' code and data, which have ended
    case 4:
        return ACRE_MAP_USABLE;
    case 7:
        return (attributes & specific_purpose) != 0 ? ACRE_MAP_PERSISTENT : ACRE_MAP_USABLE;
    case 8:
        return ACRE_MAP_BAD;
    case 9:
        return ACRE_MAP_RECLAIM;
    case 14:
        return ACRE_MAP_PERSISTENT;
    case 15:
        return ACRE_MAP_UNACCEPTED;
    default:
        return ACRE_MAP_RESERVED;
    }
}

acre_status acre_bootmap_read_uefi(
    acre_bootmap *map, const void *descriptors, uint64_t bytes, uint32_t stride_bytes,
    bool keep_loader)
{
    enum { DESCRIPTOR_BYTES_MIN = 40, PAGE_LOG2 = 12 };
    if (stride_bytes < DESCRIPTOR_BYTES_MIN) {
        return bad(map, "descriptors of UEFI have at least 40 bytes");
    }
    const unsigned char *at = descriptors;
    for (; bytes >= stride_bytes; bytes -= stride_bytes, at += stride_bytes) {
        uint64_t pages = read_le(at + 24, 8);
        // What does not fit as bytes wraps for sure; any length that does will do.
        uint64_t length = pages >> (64 - PAGE_LOG2) != 0 ? UINT64_MAX : pages << PAGE_LOG2;
        acre_status status = acre_bootmap_append(
            map, read_le(at + 8, 8), length,
            kind_of_uefi(read_le(at, 4), read_le(at + 32, 8), keep_loader));
        if (status != ACRE_OK) {
            return status;
        }
    }
    return ACRE_OK;
}
