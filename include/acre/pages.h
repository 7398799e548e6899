// acre/pages.h - a page source: where heaps and pools get their memory.
//
// This is the seam between allocators and the world beneath them. On Linux a page source is mmap,
// in a kernel it is frames through the direct map or a range of an address space, on a
// microcontroller it is one static array, in tests it is a simulator that fails at its k-th call.
// Fill in four functions, and every allocator of acre runs on your platform.
//
//     reserve -> addresses, no memory
//                  commit -> memory that reads as zero        (the only one that costs memory)
//                  decommit -> addresses again, contents gone
//     release -> nothing
//
// SPDX-License-Identifier: MIT
#ifndef ACRE_PAGES_H
#define ACRE_PAGES_H

#include "acre/base.h"

ACRE_BEGIN

typedef struct acre_pages acre_pages;

/// How a range is best backed, where the hardware and the system leave a choice.
typedef enum acre_advice {
    ACRE_ADVICE_SMALL_PAGES, ///< parts of it will be given back, or it will stay mostly empty
    ACRE_ADVICE_HUGE_PAGES,  ///< it will be full: fewer, larger pages cost nothing and save faults
} acre_advice;

/// A page source. Embed it first in a struct of your own to carry state.
///
/// Addresses and sizes that acre passes are multiples of page_bytes and never zero.
/// Threads: a source shared between heaps or threads must be safe to call from all of them.
/// No function may call back into acre: they run while an allocation is under way. Acre holds no
/// lock of its own while it calls them.
struct acre_pages {
    /// Reserves `bytes` of addresses aligned to `align`, a power of two of at least page_bytes.
    /// Returns NULL when there are none; nothing is changed then.
    void *(*reserve)(acre_pages *self, size_t bytes, size_t align);

    /// Makes part of a reserved range readable and writable. What was not committed before, or was
    /// decommitted since, reads as zero. Committing what is committed already changes nothing, also when
    /// two threads commit the same page at once: what the first wrote after its call must stay.
    /// Returns ACRE_NO_MEMORY on failure; the range is then as it was.
    acre_status (*commit)(acre_pages *self, void *addr, size_t bytes);

    /// Gives memory back and keeps the addresses; parts of the range may not be committed. Returns
    /// ACRE_OK when the range will read as zero after the next commit; anything else says that nothing
    /// was changed (the source may refuse).
    acre_status (*decommit)(acre_pages *self, void *addr, size_t bytes);

    /// Gives memory and addresses back: one whole range as `reserve` or `remap` returned it, or with `move` a part.
    /// Returns ACRE_OK, or says that nothing was changed. A heap then keeps a range that holds memory and
    /// uses it again; addresses without memory it may forget.
    acre_status (*release)(acre_pages *self, void *addr, size_t bytes);

    /// Resizes one whole range, or with `move` a part, keeping its contents: in place, or to other addresses when `may_move`.
    /// One that grows is committed throughout; of one that shrinks parts may not be. What is new reads as zero and
    /// is committed.
    /// Returns the range's address, or NULL with nothing changed. May be NULL: cannot resize.
    void *(*remap)(acre_pages *self, void *addr, size_t old_bytes, size_t new_bytes, bool may_move);

    /// Says how a part of a reserved range is best backed. A hint: it may do nothing, and the contents do
    /// not change. May be NULL.
    void (*advise)(acre_pages *self, void *addr, size_t bytes, acre_advice advice);

    /// Granularity of every call in bytes: a power of two, at least 64. At most one slice of a heap
    /// (acre/config.h).
    size_t page_bytes;

    /// Moves committed memory with its contents from `from` to `to`, where there is other committed memory, which is
    /// given back. Each is a part of one range, or all of it; they do not overlap. What is at `to` then is a range of
    /// its own, what is left on either side of `from` and of `to` are ranges of their own, too, and at `from` there is
    /// nothing.
    ///
    /// Returns ACRE_OK; anything else says that what was at `to` is **lost**: it may be there still, or gone, or
    /// somebody else's by now. Nobody may touch it or name it in another call; what was left and right of it are
    /// ranges of their own. At `from` nothing was changed then.
    ///
    /// May be NULL: cannot move, or not all of this. A source that has it has `remap`, and takes a part of a range in
    /// every call for a range of its own: `release`, `remap` and `move` then leave what is on either side. It need not
    /// take two ranges for one, although one may begin where the other ends; but what no `remap` or `move` has named
    /// since it was one range is still one.
    acre_status (*move)(acre_pages *self, void *from, size_t bytes, void *to);
};

ACRE_END

#endif
