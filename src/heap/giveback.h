// giveback.h - memory that nobody has needed for a while goes back to the page source, although nobody
// calls: for a helper that looks after a heap from time to time.
//
// A free that leaves much memory unused asks for a helper (heap->helper, src/front/helper.c). From then
// on it is the helper that gives back:
//
//     do {
//         sleep
//         giveback_begin(heap, &look);
//         while (giveback_step(heap, &look)) {
//         }
//     } while (giveback_end(heap, &look));
//
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_GIVEBACK_H
#define ACRE_HEAP_GIVEBACK_H

#include "heap/layout.h"

/// One look at a heap.
struct giveback {
    size_t keep_bytes;  // of free pages: as many as were needed since the last look
    size_t kept_bytes;  // of kept huge mappings, which nobody took since
    unsigned slot;      // looked at
    bool begun;         // with it
    bool idle;          // it has been
    unsigned empties;   // of its empty slabs may go
    size_t given_bytes; // so far
    bool refused;       // the source takes nothing back
};

/// Whether the caller is to call giveback_ask once the lock is dropped. Under heap->lock.
bool giveback_is_due_locked(acre_heap *heap);

static inline bool giveback_is_wanted_locked(acre_heap *heap)
{
    return ACRE_PORT_HELPER && giveback_is_due_locked(heap);
}

/// Asks for a helper. No lock may be held.
void giveback_ask(acre_heap *heap);

/// Begins a look. It is over when giveback_step returns false; each step is short, and no lock is held
/// between them. May be called on a thread that has no slot, like the others here.
void giveback_begin(acre_heap *heap, struct giveback *look);
bool giveback_step(acre_heap *heap, struct giveback *look);

/// Ends it. False if there is nothing more to look after: then a free may ask for a helper again.
bool giveback_end(acre_heap *heap, const struct giveback *look);

/// There is no helper any more, or in the child of a fork: less is kept from now on. No lock may be held.
void giveback_forget(acre_heap *heap);

#endif
