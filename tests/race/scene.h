// scene.h - what the simulated races share: a heap whose whole state the scheduler knows, blocks that
// know whether they are live, and what must be true when everybody has ended.
//
//     scene_make();                         a heap, with two slots
//     void *x = scene_alloc(SIZE);          set the stage: runs alone, on the slot of scene_on
//     scene_play("name", &(struct sched_scene){...}, 3);
//
// Memory is a few slices, so that a state is small. The sizes that are used have few blocks in a
// slab: 16 KiB (4 blocks, a sleeping slab wakes at the first free) or 1280 bytes (51, wakes at 2).
// SPDX-License-Identifier: MIT
#ifndef ACRE_RACE_SCENE_H
#define ACRE_RACE_SCENE_H

#include "../t.h"
#include "acre/heap.h"
#include "heap/layout.h"
#include "sched_sim.h"

enum {
    SCENE_SLICES = 8, // that hold blocks
    SCENE_CELL = 256, // bytes; every block is a number of cells
    SCENE_SHARED = 16,
    LARGE = 16384,
    SMALL = 1280,
    RUN = 20480, // five pages
};

struct scene {
    acre_heap *heap;
    uint64_t live_cells[SCENE_SLICES * SLICE_BYTES / SCENE_CELL / 64]; // 1 = in a live block
    uint64_t live_count;
    void *shared[SCENE_SHARED]; // blocks that threads hold, for the scene to use as it likes
    uint64_t flags[4];
};

extern struct scene scene;

/// A new heap with nothing in it. `slots` of them exist already.
void scene_make(unsigned slots);

/// The same where there are runs, too: the segment is short, so that they lie in the slices that hold blocks.
void scene_make_for_runs(unsigned slots);

/// Puts who sets the stage on a slot.
void scene_on(unsigned slot);

/// Lets the heap take `slices` more slices than it has; after that there is no memory.
void scene_limit(unsigned slices);

/// Makes `slot` look as if it had been idle for long.
void scene_make_idle(unsigned slot);

/// Allocates a block, fills it and holds against it that nobody else has it. NULL if the heap has
/// none.
void *scene_alloc(size_t size);

/// The same where there must be one.
void *scene_alloc_sure(size_t size);

/// Checks that a live block is as it was filled, and frees it.
void scene_free(void *block, size_t size);

/// Checks a live block as scene_free does; the caller frees it now, in a way of its own.
void scene_unmark(void *block, size_t size);

/// What must be true when nobody uses the heap: it is sound, no slab sleeps that should be awake, and
/// every free block can be had. Ends the heap. For struct sched_scene.
const char *scene_check(void);

/// The part of scene_check that changes nothing.
const char *scene_check_still(void);

/// After misuse: what can be had is handed out, each block held against all others. For struct
/// sched_scene.
const char *scene_check_overlap(void);

/// Explores with a bound on deviations, then plays random schedules, and reports.
///   RACE_DEPTH=N        N more deviations
///   RACE_RANDOM=N       N random schedules
///   RACE_CASE=NAME      only this one
///   RACE_REPLAY=NAME=SCHEDULE  plays this schedule only
void scene_play(const char *name, const struct sched_scene *plan, unsigned deviations);

#endif
