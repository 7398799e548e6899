// acre/port/kernel.h - what a kernel supplies to run acre (four functions), and the page source that
// comes with the kernel port.
//
// Beside these a kernel links memcpy, memmove, memset and memcmp. docs/porting.md goes from nothing to
// a heap in a kernel.
// SPDX-License-Identifier: MIT
#ifndef ACRE_PORT_KERNEL_H
#define ACRE_PORT_KERNEL_H

#include "acre/pages.h"

ACRE_BEGIN

// ---- supplied by the kernel -----------------------------------------------------------------------

/// The number of the processor that runs the caller: less than ACRE_PORT_CPUS_MAX (256), another for
/// each processor. 0 will do until others are started. Called with interrupts off; on every allocation
/// and free, so a load from per-processor data is right, and reading the interrupt controller is not.
///
/// A call in the middle of so short a path costs as much as the rest of it saves: where the number is
/// one instruction away, name a header of yours that defines this function `static inline`, with
/// -DACRE_PORT_CPU_HEADER='"my_cpu.h"', when acre is compiled.
#ifdef ACRE_PORT_CPU_HEADER
// cppcheck-suppress preprocessorErrorDirective ; a name that the build gives
#include ACRE_PORT_CPU_HEADER
#else
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
_Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes);

/// A check of acre's own state failed: say so and stop. Must not allocate. Interrupts may be off.
_Noreturn void acre_port_halt(const char *what, const char *file, int line);

// ---- supplied by acre -----------------------------------------------------------------------------

enum { ACRE_PAGES_RANGE_UNIT = 4096 };

/// A page source over one range of memory that is addressable and used by nobody else, such as a piece
/// of RAM seen through a direct map. Fields are acre's.
typedef struct acre_pages_range {
    acre_pages pages; // first: what heaps are given
    uintptr_t first;  // address of the first unit
    size_t units;
    uintptr_t *taken;     // a bit a unit: reserved
    uintptr_t *committed; // a bit a unit: cleared since, and in use
    size_t taken_units;
    size_t committed_units;
    size_t committed_units_peak;
    uintptr_t lock[2]; // an acre_port_lock
} acre_pages_range;

/// Makes a page source of `bytes` bytes at `addr`. Its bookkeeping, a sixteenth of a percent, lies at
/// the range's start; what is left over at its ends of less than a unit is not used. The memory need not
/// be clear: a unit is cleared when it is committed.
///
/// Errors   ACRE_BAD_ARGUMENT: NULL, a range that wraps, or one too small to serve a single unit
/// Threads  the source may be called from any processor and from interrupt handlers
/// Time     O(bytes / 32768)
acre_status acre_pages_range_init(acre_pages_range *range, void *addr, size_t bytes) ACRE_MUST_USE;

/// Bytes of memory that heaps hold of the range: committed, and at most at any time so far.
size_t acre_pages_range_committed(acre_pages_range *range);
size_t acre_pages_range_committed_peak(acre_pages_range *range);

/// Bytes of addresses that heaps hold of the range.
size_t acre_pages_range_reserved(acre_pages_range *range);

ACRE_END

#endif
