// acre/port.h - what a port must supply, and the words that it shares with the heap.
//
// A port is one header on the include path, acre_port.h, that defines what is listed here, and a
// page source (acre/pages.h). docs/porting.md walks through one.
//
// Slots. A heap's hot words belong to a slot: a small number on which at most one running thread is
// at any instant. They change only in commits. A commit is a short sequence that ends in exactly
// one committing store and takes effect only if the thread was on the slot from its first
// instruction to that store; otherwise nothing visible has happened. (One exception: `due` may have
// been decremented by a push that was aborted; acre_port_aborts counts those.)
//
// A port offers one binding of slots or several; research behind the choice is in
// docs/design/0001-slots.md.
//
//   binding   slot                                          commit
//   rseq      the kernel's concurrency id of the thread     restartable sequence
//   thread    a number leased to each thread                plain stores
//   cpu       the processor's number, in a kernel           plain stores, interrupts off
//   one       0                                             plain stores
//   sim       the test's scheduler                          steps between which the thread moves
//
// SPDX-License-Identifier: MIT
#ifndef ACRE_PORT_CONTRACT_H
#define ACRE_PORT_CONTRACT_H

#include "acre/base.h"

/// A block that is free: what its first two words hold.
typedef struct acre_block acre_block;
struct acre_block {
    acre_block *next; // the rest of the list; NULL at its end
    uintptr_t tag;    // next XOR the heap's key XOR the block's address, by which malloc sees that
                      // the link is whole, and free that the block is free; 0 once it is live
};

/// Heads of a slot's lists of blocks ready to be handed out, one for each size class.
enum { ACRE_BINS = 64 };

typedef struct acre_bins {
    acre_block *bin[ACRE_BINS];
} acre_bins;

/// The hot words of a slab: blocks that were freed on the slot that owns it.
typedef struct acre_hot {
    acre_block *head; // newest first
    uint16_t due; // frees until the slab's next event; as a signed number, so that an event that
                  // an interrupted push has run into is not missed by the next one
} acre_hot;

/// What became of a push.
typedef enum acre_push {
    ACRE_PUSHED,     // the block is on the list
    ACRE_PUSHED_DUE, // the same, and `due` is 0 or below, as a signed number
    ACRE_FOREIGN,    // the thread is not on the slab's slot, or that has changed; nothing happened
} acre_push;

/// What became of a pop from a bin of a given slot.
typedef enum acre_pop {
    ACRE_POPPED,
    ACRE_BIN_EMPTY,
    ACRE_MOVED, // the thread is not on that slot; nothing happened
} acre_pop;

/// Whether an idle slot's slabs may be taken over.
typedef enum acre_claim {
    ACRE_CLAIM_NO,        // the slot is in use, or the port cannot tell
    ACRE_CLAIM_EXCLUSIVE, // nobody is on the slot until it is unclaimed
    ACRE_CLAIM_SHARED,    // somebody may be on it: owners must be in transit over a barrier
} acre_claim;

/// A slot number that no thread is ever on. Slot numbers have 16 bits.
#define ACRE_SLOT_NONE 0xffffu

// What acre_port.h defines, all of it static inline or extern, in the words of C:
//
//   ACRE_PORT_ATOMICS       1, or 0 where nothing ever interrupts an allocation
//   ACRE_PORT_HELPER        1 if heaps may have a helper, or 0: then no code for it is there
//   ACRE_PORT_MOVE          1 if heaps may put mappings together by acre_pages.move, or 0: the same
//   ACRE_PORT_SHORT         1 if segments may be short where addresses are, or 0: the same
//   ACRE_PORT_RUNS          1 if slots keep short runs on lists that change in commits, or 0: the same
//   ACRE_PORT_SPAN_BYTES    default of acre_heap_options.span_bytes
//
//   ACRE_PORT_SLOTS_MAX     every slot number is less
//   ACRE_PORT_TOP_BYTE_0    1 if the top byte of every block's address is 0, else 0
//
//   unsigned acre_port_slots(void);
//       Slots that a new heap prepares for. A pop must treat a NULL entry of `bins`, which only
//       slots from this number on can meet, like an empty bin.
//   unsigned acre_port_slot_enter(void);
//       The slot the caller is on, for a slow path; leases one where the binding needs it. May be
//       out of date at once. Where no number is left, a slot that is only ever used under its lock.
//   acre_claim acre_port_slot_claim(unsigned slot);
//   void acre_port_slot_unclaim(unsigned slot);
//       Around taking slabs over from a slot; unclaim follows only ACRE_CLAIM_EXCLUSIVE.
//   bool acre_port_barrier(void);
//       After it returns true, no commit that began before the call is still under way in any
//       thread. False: the port cannot promise that.
//   uint32_t acre_port_ms(void);
//       Milliseconds since some moment, to the nearest ten or so; may wrap. Always 0 where there is no
//       clock: a heap then does not wait before it gives memory back.
//   uint32_t acre_port_aborts(void);
//       How many pushes have been aborted so far.
//
//   acre_block *acre_port_pop(acre_bins *const *bins, size_t at, acre_block **next);
//       Commit. Removes and returns the head of bins[current slot]->bin[at], or NULL if empty;
//       *next is the block's successor.
//   acre_push acre_port_push(acre_hot *, const uintptr_t *owner, uintptr_t seen, acre_block *,
//                            uintptr_t mark);
//       Commit. If *owner is still what the caller has seen there, and the thread is on the slot in
//       its lower 16 bits: links the block (its next is the old head, its tag that XOR `mark`),
//       counts due down, stores the new head.
//   acre_pop acre_port_pop_on(unsigned slot, acre_block **bin, acre_block **out);
//       Commit. The same as pop, for one bin of a given slot.
//   acre_pop acre_port_pop_owned(acre_hot *, const uintptr_t *owner, uintptr_t seen, acre_block **out);
//       Commit. The counterpart of push: if *owner is still what the caller has seen there, and the thread
//       is on the slot in its lower 16 bits, removes the head of the list. `due` stays. Called only
//       with ACRE_PORT_RUNS.
//   bool acre_port_take(unsigned slot, acre_hot *, uint16_t due, acre_block **list);
//       Commit. Empties the list and sets due. False: moved (due may have been set).
//   bool acre_port_install(unsigned slot, acre_block **head, acre_block *list);
//       Commit. Puts a list where none is. False: occupied or moved.
//   bool acre_port_due_set(unsigned slot, acre_hot *, uint16_t due);
//   bool acre_port_due_add(unsigned slot, acre_hot *, uint16_t delta);
//       Commits. False: moved.
//
//   acre_port_lock
//   void acre_port_lock_take(acre_port_lock *);  void acre_port_lock_drop(acre_port_lock *);
//       A lock that sleeps or spins as the platform needs. All zero bytes are an open lock.
//
//   uintptr_t acre_port_key(void);
//       A number that is hard to guess; its top byte is replaced by the heap.
//   _Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes);
//       A caller's misuse was found: says so in one line and ends the program. block_bytes is 0
//       when unknown. Must not allocate.
//   _Noreturn void acre_port_halt(const char *what, const char *file, int line);
//       A check failed: acre's own state is broken. Must not allocate.

#endif
