// acre/frames.h - physical frames: who owns which of them. For kernels; src/frames.
//
// A pool hands out blocks of 2^order frames, order 0 (4 KiB) to 18 (1 GiB), aligned to their size in
// physical address space, and runs of any length. It keeps its books out of line, 0.0034 % of the memory
// (34.3 KiB for each GiB), and never touches the frames themselves, which need not even be mapped.
//
//     acre_frames *pool;
//     acre_frames_boot(&map, &options, &pool);                        from a boot memory map
//     acre_frame frame = acre_frames_alloc(pool, slot, 0);            one frame
//     acre_frames_free(pool, slot, frame, 0);
//     frame = acre_frames_alloc(pool, slot, 9 | ACRE_FRAMES_MOVABLE); 2 MiB
//
// Slots. The caller says on which slot it is, a number below options.slots. Usually it is the CPU; two
// for each CPU, one for threads and one for interrupt handlers, keep the two out of each other's way.
// A wrong slot, or one that many share, costs time and nothing else. Each slot holds back at most 128
// frames, and other slots take those before they go without.
//
// Threads, interrupts. No function takes a lock, waits for another CPU or masks interrupts: all may be
// called at any time, from interrupt and NMI handlers and before other CPUs run. While another CPU is
// in the midst of giving back or moving frames, an allocation can miss those frames and fail.
//
// NUMA: one pool for each node, and acre_nodes to choose among them. Zones there are none, only limits:
// the lowest 16 MiB (ISA-DMA) are kept for requests that ask for them, and memory below 4 GiB
// is handed out last.
//
// Needs compare-and-swap on 64 bits, so machines of 64 bits: x86_64, aarch64, riscv64 are tested. On
// others src/frames does not compile, and says so. Not in libacre.so.
//
// After LLFree (L. Wrenger et al., "LLFree: Scalable and Optionally-Persistent Page-Frame Allocation",
// USENIX ATC 2023), with changes that docs/design/0006-frames.md gives reasons for.
// SPDX-License-Identifier: MIT
#ifndef ACRE_FRAMES_H
#define ACRE_FRAMES_H

#include "acre/base.h"
#include "acre/bootmap.h"

/// A frame by its number: its physical address divided by 4 KiB.
typedef struct acre_frame {
    uint64_t number;
} acre_frame;

enum {
    ACRE_FRAMES_ORDER_MAX = 18, // 1 GiB
    ACRE_FRAMES_SLOTS_MAX = 4096,
};

/// A request is an order, 0 to 18, and any of these. What is freed needs the same request.
enum {
    ACRE_FRAMES_MOVABLE =
        0x100,               // contents that can be moved or dropped: kept apart from what cannot
    ACRE_FRAMES_LOW = 0x200, // may take from the lowest 16 MiB when nothing else is left
};

/// A pool. Its memory is the caller's.
typedef struct acre_frames acre_frames;

/// What a pool is made for. All zero but `slots` is a good start.
typedef struct acre_frames_options {
    acre_phys low;  // the pool is for frames from here
    acre_phys high; // to before here; with both 0, acre_frames_boot takes the span of the map
    unsigned slots; // 1 to ACRE_FRAMES_SLOTS_MAX

    /// true: the lowest 16 MiB are memory like any other: for machines that have little more.
    bool use_isa_dma;

    /// true: the memory for the pool reads as zero, so that it need not be written: a pool for a large
    /// span then touches only the books of what is given to it.
    bool meta_is_zero;

    // For acre_frames_boot only.
    acre_phys mapped_limit; // the books are put below this physical address; 0: anywhere
    void *direct_map;       // where physical address 0 is mapped, or would be
} acre_frames_options;

/// What acre_frames_get_stats tells. Numbers of frames unless the name says otherwise.
typedef struct acre_frames_stats {
    uint64_t span_frames;    // from low to high, holes included
    uint64_t free_frames;    // can be allocated, those that slots hold back included
    uint64_t cached_frames;  // of these, held back by slots one by one
    uint64_t free_low;       // free below 16 MiB, cached ones not counted
    uint64_t free_dma32;     // free below 4 GiB, cached ones not counted
    uint64_t free_2m_blocks; // children that are wholly free: blocks of order 9
    uint64_t free_trees;     // 16 MiB wholly free: blocks of order 12
    uint64_t present_trees;  // 16 MiB of which any frame was ever given
    uint64_t held_trees;     // reserved by a slot
    uint64_t meta_bytes;     // the pool's books
    uint64_t
        late_double_frees; // frames that two slots got back: found when the second returned them
} acre_frames_stats;

/// A run: contiguous frames, of a number that need be no power of two.
typedef struct acre_frames_run_request {
    uint64_t frames; // at least 1
    uint64_t align;  // of the first byte, in bytes, a power of two; 0: a frame
    uint64_t
        boundary;    // no multiple of this, in bytes, lies inside the run; a power of two; 0: none
    acre_phys limit; // the run ends at or below; 0: no limit
    bool low;        // may reach into the lowest 16 MiB; a limit of 16 MiB or less implies it
} acre_frames_run_request;

ACRE_BEGIN

// ---- making a pool -------------------------------------------------------------------------------

/// Bytes of memory that a pool with these options needs, for acre_frames_create. 0 if the options make
/// no sense: no slots or too many, high not above low, or beyond ACRE_PHYS_BITS. Time: constant.
uint64_t acre_frames_bytes(const acre_frames_options *options);

/// Makes a pool in `meta`, acre_frames_bytes() of memory aligned to 64 bytes, which stays the caller's
/// and must outlive the pool. All frames are taken: acre_frames_give hands them over. The span may be
/// all that the machine can ever have; what is never given costs nothing (options.meta_is_zero).
/// NULL if the options make no sense or `meta` is not aligned. Time: constant, or that of a memset.
acre_frames *acre_frames_create(void *meta, const acre_frames_options *options);

/// Makes a pool from a boot map: cuts the memory for it out of the map, makes it there, and gives it all
/// that is USABLE between low and high. Other kinds can be handed over later: acre_frames_give_map.
///
/// ACRE_OK: *out is the pool, and `map` shows the books as TAKEN. ACRE_BAD_MAP: no usable memory in
/// the span; ACRE_NO_MEMORY: no room for the books below mapped_limit; ACRE_BAD_ARGUMENT: the map is
/// not fixed, or the options make no sense. map->reason has words. Nothing is changed then.
/// Time: one pass over the trees (16 MiB each) of the span, and clearing the books.
acre_status acre_frames_boot(
    acre_bootmap *map, const acre_frames_options *options, acre_frames **out);

/// Gives a pool all frames of one kind of a fixed map that lie in its span. For kinds other than USABLE
/// the caller must know that they are memory and no longer needed. Once only for each kind: frames that
/// are free already end it with ACRE_DOUBLE_FREE.
acre_status acre_frames_give_map(acre_frames *pool, const acre_bootmap *map, acre_map_kind kind);

// ---- blocks --------------------------------------------------------------------------------------

/// Allocates a block of 2^order frames, aligned to its size. `request` is the order and flags.
/// Returns its first frame; none (acre_frame_is_none) if there is no such block, or no such order.
/// The contents are as they were left. What others wrote to the block before they freed it is seen.
/// Time: 25 instructions while the slot has frames, 35 on average, 130 for order 9 (x86_64); when memory is
/// short, linear in the trees and slots.
acre_frame acre_frames_alloc(acre_frames *pool, unsigned slot, uint32_t request);

/// The same, of frames that end at or below `limit`, in bytes; 0: no limit. Goes past the slot's own frames, so it
/// costs a search of the trees below the limit, highest first. A limit of 16 MiB or less implies
/// ACRE_FRAMES_LOW.
acre_frame acre_frames_alloc_below(
    acre_frames *pool, unsigned slot, uint32_t request, acre_phys limit);

/// Frees a block as it was allocated: same frame, same order. The flags are advice: with the
/// MOVABLE of the allocation, frames of the two sorts stay apart.
///
/// ACRE_DOUBLE_FREE: some of the frames are free. ACRE_WRONG_ORDER: they belong to a block of another
/// order: found for orders of 9 and up always, below only against those. ACRE_BAD_ARGUMENT: not all in the
/// pool's span, or not aligned. Nothing is changed then.
/// Not found: a single frame that is freed twice on two slots while the first still holds it back
/// (with ACRE_DEBUG it is), parts of smaller blocks, and frames of the span that were never given, if
/// others of the same 16 MiB were: these become part of the pool, as if given. Time: about 40 instructions
/// for order 0, 80 for order 9 (x86_64).
acre_status acre_frames_free(acre_frames *pool, unsigned slot, acre_frame frame, uint32_t request);

/// Makes of an allocated block of order 9 or more as many frames of order 0, allocated one by one, so that
/// each can be freed for itself. For smaller blocks it does nothing: their frames can be freed
/// one by one anyway.
/// Errors as acre_frames_free; nothing is changed then. Nobody else may free or split the block meanwhile.
/// Time: 64 bytes written for each 2 MiB.
acre_status acre_frames_split(acre_frames *pool, acre_frame frame, unsigned order);

// ---- ranges --------------------------------------------------------------------------------------

/// Gives frames to the pool that are taken: at boot, memory that was plugged in, a balloon that is let go,
/// a range from acre_frames_take, a run. Any first frame, any number; parts of a run, too.
///
/// ACRE_DOUBLE_FREE: some of the frames are free; nothing is changed. (If two callers give the same frames
/// at the same time, one of them is told so, and part of its range may have been given.)
/// ACRE_BUSY: another CPU is giving the first frames of the same 16 MiB just now; nothing is changed,
/// try again. ACRE_BAD_ARGUMENT: not in the pool's span; nothing is changed. Time: linear in the rows
/// (64 frames) at the ends of the range, else in trees.
acre_status acre_frames_give(acre_frames *pool, acre_frame first, uint64_t count);

/// Takes exactly these frames, all or none: memory that is unplugged, a balloon, a device's fixed
/// buffer, a page that went bad. They stay taken until they are given.
/// ACRE_BUSY: some are in use, or not there; nothing is changed. ACRE_BAD_ARGUMENT: not in the
/// span. Drains all slots. Time: as acre_frames_give.
acre_status acre_frames_take(acre_frames *pool, acre_frame first, uint64_t count);

/// Allocates a run, as high as possible; see acre_frames_run_request. Give it back with acre_frames_give, in whole or
/// in parts. None if there is no such place or the request makes no sense. Time: linear in the rows of
/// the pool at worst.
acre_frame acre_frames_run(acre_frames *pool, const acre_frames_run_request *request);

// ---- slots ---------------------------------------------------------------------------------------

/// Gives back what one slot holds back, for a CPU that goes to sleep or away. The slot can go on.
void acre_frames_drain_slot(acre_frames *pool, unsigned slot);

/// The same for all slots.
void acre_frames_drain(acre_frames *pool);

// ---- looking -------------------------------------------------------------------------------------

/// Counts. While others allocate it is a moment of each counter, not of the pool. Time: linear in the
/// children (2 MiB).
void acre_frames_get_stats(const acre_frames *pool, acre_frames_stats *out);

/// Whether a frame is free, those that slots hold back included. For tests and for finding faults: by the
/// time of the answer it may be wrong. False for what is not in the span. Time: linear in the slots.
bool acre_frames_is_free(const acre_frames *pool, acre_frame frame);

/// Checks all books against each other while nobody uses the pool. NULL if they agree, else a sentence.
/// Time: linear in the rows and slots.
const char *acre_frames_audit(const acre_frames *pool);

/// The span of the pool: the options of acre_frames_create, rounded outwards to frames.
void acre_frames_get_span(const acre_frames *pool, acre_frame *first, uint64_t *count);

// ---- share counts --------------------------------------------------------------------------------

/// How many owners a frame has beside the first: for copy on write. Two bytes a frame (0.049 %), only
/// where they are wanted.
typedef struct acre_shares {
    uint64_t *words; // four counts each
    uint64_t first;  // frame number
    uint64_t frames;
} acre_shares;

enum { ACRE_SHARES_MAX = 0x3fff }; // a frame with so many stays shared for good

/// What became of a share that was dropped.
typedef enum acre_share {
    ACRE_SHARE_LAST,   // the caller was the only owner: it may free the frame, or write to it
    ACRE_SHARE_OTHERS, // others own the frame still
    ACRE_SHARE_STICKY, // so many that they are no longer counted: nobody ever frees the frame
} acre_share;

/// Bytes for the counts of so many frames.
uint64_t acre_shares_bytes(uint64_t frames);

/// Makes all counts 0 in `memory`, acre_shares_bytes() aligned to 8 bytes, the caller's.
void acre_shares_init(acre_shares *shares, void *memory, acre_frame first, uint64_t frames);

/// Owners of a frame beside the first. The frame must be in the range, here and below; otherwise: sticky.
unsigned acre_shares_get(const acre_shares *shares, acre_frame frame);

/// One owner more. False: the count is at its end, and the frame stays shared for good.
/// Lock-free.
bool acre_shares_add(acre_shares *shares, acre_frame frame);

/// One owner less. After ACRE_SHARE_LAST, what other owners wrote is seen. Lock-free.
acre_share acre_shares_drop(acre_shares *shares, acre_frame frame);

// ---- nodes ---------------------------------------------------------------------------------------

enum { ACRE_NODES_MAX = 32 };

/// Pools by node, and for each node the others by distance. The boundaries of nodes are multiples of
/// 16 MiB; their spans may interleave.
typedef struct acre_nodes {
    unsigned count;
    acre_frames *pools[ACRE_NODES_MAX];
    uint8_t near[ACRE_NODES_MAX][ACRE_NODES_MAX]; // near[node]: all nodes, the nearest first
} acre_nodes;

/// Makes it of `count` pools, one for each node, and their distances: distances[a * count + b] from a to
/// b, as ACPI's SLIT has them; NULL: all others are equally far. A node is nearest to itself. Equal
/// distances: the node that comes next in the circle of numbers, so that not all turn to the same one.
/// ACRE_BAD_ARGUMENT: no pools or more than ACRE_NODES_MAX; nothing is changed.
acre_status acre_nodes_init(
    acre_nodes *nodes, acre_frames *const *pools, unsigned count, const uint8_t *distances);

/// Allocates from the nearest node that has such a block: acre_frames_alloc_below on each in turn.
/// None if no node has it, or if there is no such node.
acre_frame acre_nodes_alloc(
    acre_nodes *nodes, unsigned node, unsigned slot, uint32_t request, acre_phys limit);

/// The node whose pool a frame belongs to; nodes->count if none. Time: linear in the nodes.
unsigned acre_nodes_find(const acre_nodes *nodes, acre_frame frame);

/// Frees to the pool that the frame came from: acre_frames_free. ACRE_BAD_ARGUMENT if it is of none.
acre_status acre_nodes_free(acre_nodes *nodes, unsigned slot, acre_frame frame, uint32_t request);

ACRE_END

/// No frame: what a failed allocation returns. Frame 0 is a frame like any other.
static inline acre_frame acre_frame_none(void)
{
    const acre_frame none = {UINT64_MAX};
    return none;
}

static inline bool acre_frame_is_none(acre_frame frame)
{
    return frame.number == UINT64_MAX;
}

/// The frame that an address lies in.
static inline acre_frame acre_frame_at(acre_phys at)
{
    const acre_frame frame = {at.addr >> ACRE_FRAME_LOG2};
    return frame;
}

/// The address of a frame's first byte.
static inline acre_phys acre_frame_phys(acre_frame frame)
{
    const acre_phys at = {frame.number << ACRE_FRAME_LOG2};
    return at;
}

#endif
