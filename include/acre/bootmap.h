// acre/bootmap.h - what memory a machine has, as firmware tells it, put in order.
//
// Firmware hands over lists of ranges in any order, that overlap, are not aligned, are empty or wrap
// around. This makes of them a sorted list of whole frames in which each frame is named at most once,
// in an array of the caller's: it needs no allocator, so it is what the first allocator is made from.
//
//     acre_bootmap_entry room[256];
//     acre_bootmap map;
//     acre_bootmap_init(&map, room, 256);
//     acre_bootmap_read_e820(&map, table, count, 20);                 one reader per firmware, or
//     acre_bootmap_append(&map, base, bytes, ACRE_MAP_USABLE);        one call per entry
//     acre_bootmap_append(&map, kernel, kernel_bytes, ACRE_MAP_TAKEN);
//     if (acre_bootmap_fix(&map) != ACRE_OK) { print(map.reason); }
//     acre_bootmap_cut(&map, bytes, align, limit, &addr);             early allocations
//     acre_frames_boot(&map, &options, &pool);                        acre/frames.h
//
// What the caller must append as taken, because firmware does not: the kernel's own image, the boot
// information and the map itself, modules and initrd, the place where other CPUs start below 1 MiB,
// and frame 0 where real-mode structures are still needed.
//
// Threads: none of these locks; a map has one user at a time. They need no atomics, but 64-bit
// arithmetic. Not in libacre.so: src/frames is for kernels and other bare programs.
// SPDX-License-Identifier: MIT
#ifndef ACRE_BOOTMAP_H
#define ACRE_BOOTMAP_H

#include "acre/base.h"

/// A physical address in bytes. A type of its own, so that nobody takes it for a frame number or a
/// pointer.
typedef struct acre_phys {
    uint64_t addr;
} acre_phys;

enum {
    ACRE_FRAME_LOG2 = 12, // a frame has 4 KiB
    ACRE_PHYS_BITS = 56,  // what lies above is cut off: no machine has more
};

#define ACRE_FRAME_BYTES ((uint64_t)1 << ACRE_FRAME_LOG2)

/// What a range is. Where entries overlap, the greater kind wins.
///
///   kind         E820, PVH, multiboot2   UEFI                                     devicetree
///   USABLE       1                       7; 1-4 if boot services have ended       /memory
///   RECLAIM      3                       9; 1, 2 by option                        -
///   UNACCEPTED   -                       15                                       -
///   PERSISTENT   7, 12                   14; 7 with "specific purpose"            -
///   TAKEN        -                       -                                        -
///   RESERVED     all others              all others; and those of "runtime"       memreserve, /reserved-memory
///   BAD          5                       8                                        -
typedef enum acre_map_kind {
    ACRE_MAP_NONE = 0, // an entry of no meaning; it is left out
    ACRE_MAP_USABLE,   // memory that is free
    ACRE_MAP_RECLAIM,  // memory that is free once its contents have been read: ACPI tables, loader
    ACRE_MAP_UNACCEPTED, // memory that must be accepted from the hypervisor first (TDX, SEV-SNP)
    ACRE_MAP_PERSISTENT, // memory that keeps its contents, or is set apart by its owner
    ACRE_MAP_TAKEN,      // memory in use: by the kernel's image, modules, early allocations
    ACRE_MAP_RESERVED,   // not for use: firmware's own, devices, holes
    ACRE_MAP_BAD,        // memory that is broken
} acre_map_kind;

/// A range as it comes or as it is after acre_bootmap_fix. `base` and `bytes` are plain numbers because
/// those of firmware need not be addresses at all.
typedef struct acre_bootmap_entry {
    uint64_t base;  // bytes; after fix a multiple of a frame
    uint64_t bytes; // after fix a multiple of a frame, not 0
    uint32_t kind;  // acre_map_kind; a number beyond ACRE_MAP_BAD counts as RESERVED
    uint32_t unused;
} acre_bootmap_entry;

/// A map. All fields may be read; only these functions write them.
typedef struct acre_bootmap {
    acre_bootmap_entry
        *entries;       // the caller's; after fix sorted, disjoint, neighbours of a kind merged
    uint32_t count;     // entries in use
    uint32_t capacity;  // entries there are
    uint32_t dropped;   // usable entries that were left out because they wrap or lie too high
    bool fixed;         // nothing was appended since acre_bootmap_fix
    const char *reason; // why the last call that failed did; NULL if none did
} acre_bootmap;

ACRE_BEGIN

/// Makes an empty map in `capacity` entries of the caller's, at least 2; they must outlive the map.
/// A map of n appended entries needs 2n to be put in order, and 2 more for each cut.
void acre_bootmap_init(acre_bootmap *map, acre_bootmap_entry *entries, uint32_t capacity);

/// Appends a range of any base and length; empty ones are left out. Also to a map that is fixed already;
/// fix it again then.
/// ACRE_NO_MEMORY: no entry is left; nothing was changed. Time: constant.
acre_status acre_bootmap_append(
    acre_bootmap *map, uint64_t base, uint64_t bytes, acre_map_kind kind);

/// Puts the map in order, in place: sorted, each frame named at most once, neighbours of one kind merged.
///
/// A byte that several entries name has the greatest of their kinds. A frame is USABLE if all of its
/// bytes are; else it has the greatest kind of any of its bytes other than USABLE; else it is not named.
/// An entry that wraps or reaches beyond ACRE_PHYS_BITS is cut off there, but left out if it is USABLE,
/// because then its length is nonsense (`dropped` counts them).
///
/// ACRE_NO_MEMORY: fewer than twice as many entries as are in use; nothing was changed.
/// ACRE_BAD_MAP: no usable frame; the map is in order nevertheless.
/// Time: quadratic in the entries, which are some hundreds at most. Memory: none beside the map.
acre_status acre_bootmap_fix(acre_bootmap *map);

/// Early allocation: takes `bytes`, rounded up to frames, from the USABLE memory of a fixed map, at
/// the highest place that is aligned to `align` (bytes, a power of two; less than a frame counts as a
/// frame) and ends at or below `limit` (0: no limit). The place becomes TAKEN. Give the highest
/// address that is mapped as the limit. The memory is as firmware left it.
///
/// ACRE_OK: *out is the address. ACRE_NO_MEMORY: no such place, or no entry left to note it in;
/// ACRE_BAD_ARGUMENT: 0 bytes, an alignment that is no power of two, or a map that is not fixed.
/// Nothing is changed then. Time: linear in the entries.
acre_status acre_bootmap_cut(
    acre_bootmap *map, uint64_t bytes, uint64_t align, acre_phys limit, acre_phys *out);

/// The kind of one frame of a fixed map; ACRE_MAP_NONE if no entry names it. Time: linear.
acre_map_kind acre_bootmap_kind_at(const acre_bootmap *map, acre_phys at);

/// From the lowest to behind the highest frame of a fixed map that is or may become free memory: of the
/// kinds USABLE to PERSISTENT. TAKEN counts, too, because kernels give their start-up code back.
/// False if there is none; the outputs are unchanged then.
bool acre_bootmap_span(const acre_bootmap *map, acre_phys *low, acre_phys *high);

/// Appends an E820 table: `count` entries `stride_bytes` apart, 20 or 24 (base 8, length 8, type 4,
/// attributes 4 of which a cleared bit 0 says "ignore"). Unaligned is fine.
/// ACRE_BAD_MAP: stride below 20. ACRE_NO_MEMORY: as acre_bootmap_append; those before are appended.
acre_status acre_bootmap_read_e820(
    acre_bootmap *map, const void *table, uint32_t count, uint32_t stride_bytes);

/// Appends the memory map of a PVH start info: `count` entries of 24 bytes (address 8, size 8, type 4,
/// reserved 4). Failures as acre_bootmap_read_e820.
acre_status acre_bootmap_read_pvh(acre_bootmap *map, const void *table, uint32_t count);

/// Appends what a multiboot2 memory map tag holds. `tag` points at the tag (type 6, size, entry size,
/// version, entries). ACRE_BAD_MAP: another type, a size or an entry size that cannot be.
acre_status acre_bootmap_read_multiboot2(acre_bootmap *map, const void *tag);

/// Appends what UEFI's GetMemoryMap delivered: `bytes` of descriptors `stride_bytes` apart, which is
/// DescriptorSize and not the size of any struct. Call after ExitBootServices: the firmware's boot
/// services are then memory like any other. With `keep_loader`, what the loader left (types 1 and 2)
/// is RECLAIM instead of USABLE.
/// ACRE_BAD_MAP: stride below 40. ACRE_NO_MEMORY: as acre_bootmap_append.
acre_status acre_bootmap_read_uefi(
    acre_bootmap *map, const void *descriptors, uint64_t bytes, uint32_t stride_bytes,
    bool keep_loader);

/// Appends what a flattened devicetree says: /memory nodes are USABLE; the memory reservation block,
/// the children of /reserved-memory that have a `reg`, and the tree itself, which is as long as it says
/// from `blob_addr` on, are RESERVED. `blob` is where it can be read, `bytes_max` what of it is mapped.
/// ACRE_BAD_MAP: not a devicetree, longer than bytes_max, or broken. ACRE_NO_MEMORY: as
/// acre_bootmap_append. What was appended before stays.
acre_status acre_bootmap_read_devicetree(
    acre_bootmap *map, const void *blob, uint64_t bytes_max, acre_phys blob_addr);

ACRE_END

#endif
