// layout.h - the structures of a heap and how they find each other.
//
//   block address p
//       |  heap->map[(p >> SLICE_LOG2) & mask]           one load; 0 leads to heap->none
//       v
//   struct slab -- in the header of its segment, or for a huge block by itself
//       |  owner                                         slot number, and a generation
//       v
//   heap->bins[owner] = struct slot                      bins, lock, lists of slabs
//
//   segment, 64 slices, aligned to its size:
//   [ header: bitmaps, 64 slabs, run lengths | spare: slots, huge slabs | slice 1 | slice 2 | ... ]
//
// A slice is cut into equal blocks (SLAB), or its pages serve runs and other slices (PAGES). Every
// slice has a struct slab, so that any address finds one; a slab whose `limit` is 0 has no blocks,
// and the address goes to the slow path.
//
// Who may write what:
//   hot words   a slot's bins; head and due of slabs it owns: only in a commit on that slot
//   foreign     a slab's foreign word: compare-and-swap, from anywhere
//   slot        everything else about a slot and its slabs: under slot->lock
//   space       segments, page bitmaps, runs, huge blocks, sums: under heap->lock
// Lock order: one slot's lock, then heap->lock. No call to the page source is made under a lock.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HEAP_LAYOUT_H
#define ACRE_HEAP_LAYOUT_H

#include "acre/heap.h"
#include "acre/port.h"
#include "acre_port.h"
#include "base/atomics.h"
#include "base/bits.h"
#include "base/check.h"
#include "base/list.h"
#include "base/sizeclass.h"

enum {
    PAGE_BYTES = 1 << ACRE_PAGE_LOG2,
    SEGMENT_SLICES = 64,
    SLICE_PAGES = SLICE_BYTES / PAGE_BYTES,
    SEGMENT_PAGES = SEGMENT_SLICES * SLICE_PAGES,
    SEGMENT_BYTES = SEGMENT_SLICES * SLICE_BYTES,
    RUN_BYTES_MAX = SEGMENT_BYTES / 4,
    PAGE_WORDS = SEGMENT_PAGES / WORD_BITS,
    LINE_BYTES = 64,
    DUE_NEVER = 0x7fff, // more frees than a slab has blocks: the counter never reaches 0
    RUNS_KEPT_MAX = ACRE_PORT_RUNS ? 8 : 16, // freed runs that a slot keeps under its lock
    RUN_KEPT_BYTES_MAX = SEGMENT_BYTES / 8,  // and at most so many bytes of them
    RUN_KEPT = 0x8000, // marks the length of a run that is kept: no block, and not free for others
    RUN_SPARE_LOG2 = 16, // above that, in the length of a live run: the pages that nobody asked for
    RUN_LISTED_MIN =
        SMALL_BYTES_MAX / PAGE_BYTES + 1, // pages of the shortest run on a list: see runlist.h
    RUN_LISTS = ACRE_PORT_RUNS ? 12 : 1,  // one for each length from that on
    EMPTY_SLABS_MAX = 32,                 // empty slabs that a slot keeps for itself
    TINY_BYTES_MAX = 1024,
};

/// What a slice serves as.
enum slab_kind {
    KIND_NONE,   // no slice of this heap
    KIND_HEADER, // its segment's header
    KIND_PAGES,  // free pages and runs
    KIND_SLAB,
    KIND_HUGE, // not a slice: a block with a mapping of its own
};

/// Where a slab stands with the slot that owns it.
enum slab_state {
    SLAB_TRANSIT, // no slot's; also what zeroed memory says
    SLAB_ACTIVE,  // the one of its class that refill takes from; its `due` never fires
    SLAB_ASLEEP,  // full, on no list; due = frees until it wakes
    SLAB_AWAKE,   // on its class's awake list; due = frees until all its blocks are free
    SLAB_EMPTY,   // all blocks free by the counters, on the slot's list of empty slabs
};

/// One slice's, or huge block's, descriptor.
struct slab {
    // Read by every free, from any slot: this line is written rarely.
    uintptr_t base;     // address of the first block
    uintptr_t inverse;  // see base/sizeclass.h
    uintptr_t limit;    // blocks carved * excess; 0 unless KIND_SLAB
    uintptr_t owner;    // slot number, or ACRE_SLOT_NONE, below the generation: see owner.h
    uint8_t kind;       // enum slab_kind
    uint8_t class;      // size class
    uint16_t wake;      // frees that wake a sleeping slab
    uint16_t carved;    // blocks made so far: only these can be live or free
    uint16_t capacity;  // blocks in all
    size_t block_bytes; // size of each block; of the whole block if huge
    bool fresh;         // memory beyond the carved blocks reads as zero; of a kept huge mapping all
    bool stray;         // not in the heap's map, because another slice has its place there
    size_t asked_bytes; // huge: whole bytes of the last request, at most block_bytes

    // Written by the owner's frees.
    _Alignas(LINE_BYTES) acre_hot hot;
    uint16_t due_base; // base - due = blocks in the hot list, but for aborted pushes
    uint8_t state;     // enum slab_state
    bool drained;      // perhaps all free by now, through frees from other slots
    uint32_t aborts;   // acre_port_aborts() when due was last set afresh
    uintptr_t foreign; // generation, count and first block of the foreign list: see foreign.h
    struct link link;  // awake, empty or huge list
    // Of huge blocks, with ACRE_PORT_MOVE: see huge_parts.h.
    struct slab *behind; // the mapping that the block goes on in; NULL: none
    uint32_t origin;     // mappings that have it in common were cut from one, as the source sees it
};

_Static_assert(
    sizeof(void *) == 4 || offsetof(struct slab, hot) == LINE_BYTES, "two lines: shared, owner's");
_Static_assert(sizeof(struct slab) == (size_t)2 * LINE_BYTES, "two lines");

/// One slot's part of a heap. Allocated when the slot first needs it; never freed before the heap.
struct slot {
    acre_bins bins; // first: heap->bins points here
    acre_port_lock lock;
    uint32_t number;
    bool locked_for_fork;
    uint32_t empty_count;
    uint32_t empty_low;        // the least that it was since giveback.c last looked
    uint32_t drained_count;    // slabs whose `drained` is set
    uint32_t visits;           // refills: a slot whose count stands still is idle
    uint32_t openings;         // slabs opened, or wanted
    uint32_t visits_seen;      // its value when another slot last looked for memory to take over,
    uint32_t seen_at;          // and heap->refusals when it had last changed by then
    uint32_t visits_looked_at; // and when giveback.c last looked
    struct slab *active[SIZE_CLASSES];
    struct link awake[SIZE_CLASSES]; // oldest first
    struct link empty;
    uint16_t empty_of[SIZE_CLASSES]; // empty slabs by class; only with ACRE_PORT_HELPER
    uint32_t run_count;
    size_t run_bytes;
    struct {
        uintptr_t addr;
        unsigned pages;
    } runs[RUNS_KEPT_MAX]; // see runcache.h

    // Only with ACRE_PORT_RUNS; see runlist.h.
    uintptr_t run_owner;           // the slot's number, or ACRE_SLOT_NONE, below a generation
    int32_t run_listed;            // pages on the lists, about
    acre_hot run_lists[RUN_LISTS]; // [pages - RUN_LISTED_MIN]; change in commits
};

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): the descriptors start a line
struct segment {
    struct link link;     // heap->segments or heap->fragmented
    struct link all_link; // heap->all_segments: in the order of `number`
    uint32_t number;      // of all that the heap has had
    uint32_t length;      // pages that it has addresses for: see segment_length
    acre_heap *heap;
    uint32_t free_pages;    // bits set in `free`
    uint32_t longest;       // no run of free pages is longer; it may be that none is as long
    uint32_t used_spare;    // bytes of the spare part in use; they pin the segment
    uint32_t pins;          // walks and purges that are at it: it must stay
    bool stray;             // not in the map
    bool is_fragmented;     // on heap->fragmented
    bool may_be_huge;       // its pages: see segment.c
    word free[PAGE_WORDS];  // 1 = nobody has the page
    word dirty[PAGE_WORDS]; // 1 = committed, may not read as zero
    struct slab slabs[SEGMENT_SLICES];
    uint32_t run_pages[SEGMENT_PAGES]; // at a run's first page its length: see run_length
};

enum {
    HEADER_BYTES = (int)((sizeof(struct segment) + LINE_BYTES - 1) & ~(size_t)(LINE_BYTES - 1)),
    SPARE_BYTES = SLICE_BYTES / 2, // for slots and huge slabs
    HEADER_SLICES = (HEADER_BYTES + SPARE_BYTES + SLICE_BYTES - 1) / SLICE_BYTES,
    HEADER_PAGES = HEADER_SLICES * SLICE_PAGES,
};

_Static_assert(SEGMENT_PAGES == 1024, "page numbers fit in 10 bits");
_Static_assert((int)SIZE_CLASSES <= (int)ACRE_BINS, "a bin for each class");
_Static_assert(sizeof(struct slot) <= SPARE_BYTES, "a slot fits in a fresh segment");
_Static_assert(SLICE_BYTES / GRANULE_BYTES <= 0x10000, "a block's place in its slab fits 16 bits");

/// Somebody who looks after the heap from time to time: see giveback.h.
struct helper {
    bool (*start)(acre_heap *heap); // false if it cannot
    void (*rest)(void);             // returns when no step of the helper is under way
    uint32_t empty_slabs_max;       // that a slot may keep meanwhile, if more than EMPTY_SLABS_MAX
};

struct acre_heap {
    // A descriptor of nothing: where the map's zeros lead. Its limit of 0 rejects every address.
    struct slab none;

    // Read by every call, written at creation.
    uintptr_t key;      // part of the tag of every free block: see block.h
    uintptr_t map_mask; // entries of `map` - 1
    acre_pages *pages;
    const char *name;
    size_t limit_bytes;
    size_t reserved_self_bytes; // the range that holds this struct
    unsigned flags;
    uint32_t slot_count;
    uint8_t class_of[SIZE_CLASS_TABLE];        // [(size + 15) / 16]
    uint8_t class_of_tiny[TINY_BYTES_MAX + 1]; // [size]: the same for most requests, in one step

    const struct helper *helper; // who gives memory back when nobody calls; NULL: nobody does.
                                 // Always NULL without ACRE_PORT_HELPER

    // Under `lock`.
    _Alignas(LINE_BYTES) acre_port_lock lock;
    uint32_t refusals;        // times that a slot had no slab to refill from
    uint32_t generations;     // that slabs have had, of all of them
    uint32_t raid_at;         // the slot that is looked at next for memory to take over
    uint32_t slots_made;      // slots that have a struct slot
    uint32_t slots_high;      // 1 + the highest slot number that has a struct slot
    struct link segments;     // struct segment: perhaps with a free slice; the full ones last
    struct link fragmented;   // struct segment: with free pages, but no whole slice of them
    struct link all_segments; // all of both, in the order they were made
    struct link huge;         // struct slab: live huge blocks
    struct link huge_cached;  // struct slab: mappings kept for reuse, newest first
    struct link bare;         // struct segment: given back but for their addresses
    struct link headers;      // struct segment: given back but for their headers
    struct link slab_pool;    // struct slab: descriptors ready for huge blocks
    uint32_t segment_count;
    uint32_t segments_added;   // so far: tells whether somebody else has just made one
    uint32_t headers_given_up; // headers of segments that the source got back: see segment.c
    uint32_t stray_count;      // segments and huge blocks that are not in the map
    uint32_t huge_count;       // live
    uint32_t huge_cached_count;
    uint32_t huge_parts;   // mappings of live huge blocks beyond one each
    uint32_t huge_origins; // that mappings have had
    size_t huge_bytes;     // live
    size_t huge_cached_bytes;
    size_t
        huge_grown_bytes; // the heap has grown by so much without making room: see huge_make_room
    size_t free_dirty_pages;  // free pages that hold memory
    size_t used_pages;        // pages in slabs and runs
    size_t used_pages_peak;   // their recent maximum; sinks with each purge
    size_t purge_above_bytes; // do not purge below: less could not be given back
    bool move_refused;        // once, by the source: see huge_parts.c
    bool purging;             // a free is purging
    bool was_large;           // it has used more than what purge.c is patient with
    bool is_helped;           // a helper gives back: see giveback.h
    bool barrier_refused;     // by the port, when slabs were last to change hands
    uint32_t empty_slabs;     // of all slots; changes atomically
    size_t huge_cached_low;   // the least that huge_cached_bytes was since the helper looked
    size_t free_dirty_low;    // likewise of free_dirty_pages
    uint32_t excess_since;    // acre_port_ms() when there was first more free memory than the heap
                              // may hold; 0 = there is not. See purge.c
    size_t metadata_bytes;    // committed for headers and the map
    size_t held_bytes;        // all committed memory: what the limit bounds
    size_t reserved_bytes;    // addresses

    // A slot that nobody is on: where slots without a struct of their own find empty bins.
    _Alignas(LINE_BYTES) acre_bins dead;

    // [slot]: its struct slot, which begins with its bins; &dead until it has one. Beyond
    // slot_count an entry may be NULL instead.
    acre_bins *bins[ACRE_PORT_SLOTS_MAX];

    // [slice address / slice & mask]: the descriptor's address minus the heap's; 0 = none.
    ptrdiff_t map[];
};

/// What one slot may keep for itself of what each may where there are few: with many, all of them together
/// keep no more than sixteen would.
static inline size_t slot_share(const acre_heap *heap, size_t most)
{
    const uint32_t slots = load_relaxed(&heap->slots_made);
    const size_t share = slots < 16 ? most : most >> (highest_bit32(slots) - 3);
    return share == 0 ? 1 : share;
}

/// Pages that a segment has addresses for: whole slices, fewer than others where a source has no more.
static inline unsigned segment_length(const struct segment *segment)
{
    return ACRE_PORT_SHORT ? segment->length : (unsigned)SEGMENT_PAGES;
}

/// The pages of a run, from what segment->run_pages has of it: with RUN_KEPT, or the pages to spare, or neither.
static inline unsigned run_length(uint32_t entry)
{
    return entry & (unsigned)(RUN_KEPT - 1);
}

/// The segment that a run lies in.
static inline struct segment *segment_at(uintptr_t addr)
{
    return (struct segment *)(addr & ~(uintptr_t)(SEGMENT_BYTES - 1));
}

/// The segment that a slab descriptor lies in. Not for huge ones.
static inline struct segment *segment_of(struct slab *slab)
{
    return (struct segment *)((uintptr_t)slab & ~(uintptr_t)(SEGMENT_BYTES - 1));
}

static inline struct slot *slot_of(acre_heap *heap, unsigned number)
{
    acre_bins *bins = load_acquire(&heap->bins[number]); // pairs with the release in slot_get
    return bins == NULL || bins == &heap->dead ? NULL : (struct slot *)(void *)bins;
}

#endif
