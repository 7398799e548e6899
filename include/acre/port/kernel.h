// acre/port/kernel.h - what a kernel supplies to run acre (four functions), and the three page sources that
// come with the kernel port: over frames, over a range of memory, and over a range of addresses to which
// frames are mapped.
//
// Beside these a kernel links memcpy, memmove, memset and memcmp. docs/porting.md goes from nothing to
// a heap in a kernel.
// SPDX-License-Identifier: MIT
#ifndef ACRE_PORT_KERNEL_H
#define ACRE_PORT_KERNEL_H

#include "acre/frames.h"
#include "acre/pages.h"

ACRE_BEGIN

// ---- supplied by the kernel -----------------------------------------------------------------------

// A call in the middle of so short a path costs as much as the rest of it saves: where the number of the
// processor is one instruction away, name a header of yours that defines acre_port_cpu `static inline`,
// with -DACRE_PORT_CPU_HEADER='"my_cpu.h"', when acre is compiled.
#ifdef ACRE_PORT_CPU_HEADER
// cppcheck-suppress preprocessorErrorDirective ; a name that the build gives
#include ACRE_PORT_CPU_HEADER
#else
/// The number of the processor that runs the caller: less than ACRE_PORT_CPUS_MAX (256), another for
/// each processor. 0 will do until others are started. Called with interrupts off; on every allocation
/// and free, so a load from per-processor data is right, and reading the interrupt controller is not.
unsigned acre_port_cpu(void);
#endif

/// Interrupts every other running processor and returns true once each has taken the interrupt: memory
/// that an idle processor keeps can then be used by others. Return false where there is no such
/// thing; acre is then correct and leaves that memory where it is.
/// Called with interrupts on and without any of acre's locks. It may be called on several processors
/// at once. The kernel must not allocate where it holds, with interrupts on, a lock that other
/// processors wait for with interrupts off.
bool acre_port_cpus_sync(void);

/// A caller's misuse of a heap was found, such as a double free: say so in one line and stop.
/// what is a few words, block_bytes is 0 when unknown. Must not allocate. Interrupts may be off.
ACRE_NO_RETURN void acre_port_fatal(const char *what, const void *addr, size_t block_bytes);

/// A check of acre's own state failed: say so and stop. Must not allocate. Interrupts may be off.
ACRE_NO_RETURN void acre_port_halt(const char *what, const char *file, int line);

// ---- supplied by acre -----------------------------------------------------------------------------

enum { ACRE_PAGES_UNIT = 4096 }; // bytes in which these page sources deal

/// Which units of a source are committed. Fields are acre's.
typedef struct acre_committed {
    uintptr_t first;   // address of the first unit
    uintptr_t *bits;   // one a unit
    size_t units;      // committed now,
    size_t units_peak; // and at most so far
    uintptr_t lock[2]; // an acre_port_lock
} acre_committed;

/// A page source over one range of memory that is addressable and used by nobody else, such as a piece
/// of RAM seen through a direct map. Fields are acre's.
typedef struct acre_pages_range {
    acre_pages pages; // first: what heaps are given
    acre_committed committed;
    uintptr_t *taken; // a bit a unit: reserved
    size_t units;
    size_t taken_units;
} acre_pages_range;

/// Makes a page source of `bytes` bytes at `addr`. Its bookkeeping, a sixteenth of a percent, lies at
/// the range's start; what is left over at its ends of less than a unit is not used. The memory need not
/// be clear: a unit is cleared when it is committed.
///
/// Errors   ACRE_BAD_ARGUMENT: NULL, a range that wraps, or one too small to serve a single unit
/// Threads  the source may be called from any processor and from interrupt handlers
/// Time     O(bytes / 32768)
acre_status acre_pages_range_init(acre_pages_range *range, void *addr, size_t bytes) ACRE_MUST_USE;

/// Bytes of memory that heaps hold of the range: committed.
size_t acre_pages_range_committed(const acre_pages_range *range);

/// Bytes of addresses that heaps hold of the range.
size_t acre_pages_range_reserved(const acre_pages_range *range);

/// A page source over frames (acre/frames.h), through a direct map of all of them. A range that is
/// reserved holds its frames; they go back to the pool when it is released. Fields are acre's.
typedef struct acre_pages_frames {
    acre_pages pages; // first: what heaps are given
    acre_committed committed;
    acre_frames *pool;
    unsigned char *direct_map;
    size_t reserved_frames;
} acre_pages_frames;

/// Makes a page source over `pool`, whose physical address p is addressable at `direct_map` + p for every
/// frame that it may hand out. Takes a bit for each frame of the pool's span, 32 KiB for each GiB, from
/// the pool.
///
/// Errors   ACRE_BAD_ARGUMENT: NULL; ACRE_NO_MEMORY: no run of frames for the bookkeeping
/// Threads  as acre_pages_range_init
acre_status acre_pages_frames_init(acre_pages_frames *source, acre_frames *pool, void *direct_map)
    ACRE_MUST_USE;

/// Bytes of memory that heaps hold of the pool: committed.
size_t acre_pages_frames_committed(const acre_pages_frames *source);

/// Bytes of frames that heaps hold of the pool.
size_t acre_pages_frames_reserved(const acre_pages_frames *source);

/// How a processor maps 512 GiB of addresses: tables of 512 entries of 8 bytes, for 1 GiB, 2 MiB and pages of
/// 4 KiB. So it is on x86-64, on aarch64 with that granule, and on riscv64 (Sv39 has all of it).
///
/// An entry is a physical address shifted right by `shift`, and bits. Bit 0 says that it leads somewhere:
/// without it the processor ignores the rest.
typedef struct acre_mapping {
    uint64_t *table; // entries of 1 GiB, zero, and in use already: by all processors, for all time
    uint64_t table_bits; // of an entry that leads to a table
    uint64_t
        page_bits;  // of one that leads to a page to read and write; those that the processor would
                    // set itself (accessed, dirty) are set
    unsigned shift; // 0; riscv64: 2

    /// Returns true once no processor, the caller's neither, uses what it remembers of any table from before
    /// the call (x86-64: the TLB). False if that cannot be had. Called with interrupts on and without any lock.
    bool (*forget)(void);

    /// Called after pages were mapped where there was none, and before they are used. NULL if no processor
    /// remembers that there was none: x86-64.
    void (*mapped)(void);
} acre_mapping;

/// A page source over a range of addresses, to which it maps frames page by page. What is decommitted goes
/// back to the pool, also a single page; addresses without memory cost nothing. Fields are acre's.
typedef struct acre_pages_mapped {
    acre_pages pages; // first: what heaps are given
    acre_frames *pool;
    unsigned char *direct_map;
    acre_mapping mapping;
    uintptr_t first;    // address of the first unit
    uintptr_t *taken;   // a bit a unit: reserved
    size_t units;       // of 64 KiB
    size_t taken_units; // now
    uint64_t mapped;    // pages, now
    uint64_t tables;    // frames for tables, now
    uintptr_t lock[2];  // an acre_port_lock: for what is reserved
} acre_pages_mapped;

/// Makes a page source of the addresses from `addr` on, of frames of `pool`, whose physical address p is
/// addressable at `direct_map` + p. `addr` is a multiple of 2 MiB, and `bytes`, too; all of it lies where
/// mapping->table leads. Takes a bit for each 64 KiB from the pool, 2 KiB for each GiB.
///
/// Tables are frames of the pool. Those for 2 MiB that a range has to itself go back with it; others, and
/// those for 1 GiB, stay.
///
/// While interrupts are off, other processors cannot be made to forget: decommit and release then refuse, and
/// heaps keep the memory until later. So a heap on this source must be destroyed with interrupts on.
///
/// Errors   ACRE_BAD_ARGUMENT: NULL, or a range that is not as said; ACRE_NO_MEMORY: no frames for the
///          bookkeeping
/// Threads  the source may be called from any processor and from interrupt handlers
acre_status acre_pages_mapped_init(
    acre_pages_mapped *source, acre_frames *pool, void *direct_map, const acre_mapping *mapping,
    void *addr, size_t bytes) ACRE_MUST_USE;

/// Bytes of frames that heaps hold of the pool.
size_t acre_pages_mapped_committed(const acre_pages_mapped *source);

/// Bytes of frames that tables are.
size_t acre_pages_mapped_tables(const acre_pages_mapped *source);

/// Bytes of addresses that heaps hold of the range, rounded up to units.
size_t acre_pages_mapped_reserved(const acre_pages_mapped *source);

ACRE_END

#endif
