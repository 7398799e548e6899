// scene.c - see scene.h.
// SPDX-License-Identifier: MIT
#include "scene.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "heap/foreign.h"
#include "heap/slab.h"
#include "heap/slot.h"

enum {
    HEAP_BYTES_MAX = 1 << 16,
    HASHED_SLABS = SCENE_SLICES,
    SEGMENT_HASHED_BYTES = offsetof(struct segment, slabs),
    HEAD_BYTES = 32, // of each block are kept from run to run
    SLOTS_MADE_MAX = 6,
    SMALL_SLICES = 2, // that may be full of small blocks; others get
    SMALL_FEW = 6,    // so many in a run
    RANDOM_RUNS = 2000,
    ALARM_SECONDS = 600,
};

struct scene scene;

static struct {
    char *heap;
    char *segment;
    bool has_heap;
    bool has_segment;
    bool has_runs;
} arena;

// ---- the page source -----------------------------------------------------------------------------

static void no_lock_is_held(void)
{
    sim_step();
    if (acre_sim.self->locks_held != 0) {
        acre_port_halt("the page source is called under a lock", __FILE__, __LINE__);
    }
}

static void *arena_reserve(acre_pages *self, size_t bytes, size_t align)
{
    (void)self;
    (void)align;
    no_lock_is_held();
    if (bytes == SEGMENT_BYTES) {
        void *segment = arena.has_segment ? NULL : arena.segment;
        arena.has_segment = true;
        return segment;
    }
    if (arena.has_heap || bytes > HEAP_BYTES_MAX + SLICE_BYTES) {
        return NULL;
    }
    arena.has_heap = true;
    return arena.heap;
}

static acre_status arena_commit(acre_pages *self, void *addr, size_t bytes)
{
    (void)self;
    (void)addr;
    (void)bytes;
    no_lock_is_held();
    return ACRE_OK;
}

static acre_status arena_release(acre_pages *self, void *addr, size_t bytes)
{
    (void)self;
    (void)bytes;
    no_lock_is_held();
    bool *had = addr == arena.heap ? &arena.has_heap : &arena.has_segment;
    if (!*had) {
        acre_port_halt("a range is released twice", __FILE__, __LINE__);
    }
    *had = false;
    return ACRE_OK;
}

static acre_status arena_decommit(acre_pages *self, void *addr, size_t bytes)
{
    (void)self;
    (void)addr;
    (void)bytes;
    no_lock_is_held();
    return ACRE_NO_MEMORY;
}

static acre_pages arena_pages = {
    .reserve = arena_reserve,
    .commit = arena_commit,
    .decommit = arena_decommit,
    .release = arena_release,
    .page_bytes = 4096,
};

static void map_arena(void)
{
    size_t bytes = 3 * (size_t)SEGMENT_BYTES;
    char *raw = mmap(
        NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) {
        perror("scene: mmap");
        exit(1);
    }
    arena.segment = raw + (SEGMENT_BYTES - (uintptr_t)raw % SEGMENT_BYTES) % SEGMENT_BYTES;
    arena.heap = arena.segment + SEGMENT_BYTES;
}

// ---- setting the stage ---------------------------------------------------------------------------

static struct sim_thread *stage_hand(void)
{
    static struct sim_thread hand;
    return &hand;
}

static acre_claim claim_shared(unsigned slot)
{
    (void)slot;
    return ACRE_CLAIM_SHARED;
}

void scene_make(unsigned slots)
{
    if (arena.segment == NULL) {
        map_arena();
    }
    // What an earlier scene left; blocks need not be zero, the rest must be.
    memset(arena.heap, 0, HEAP_BYTES_MAX); // nobody writes to the slice behind it
    memset(arena.segment, 0, SLICE_BYTES);
    arena.has_heap = false;
    arena.has_segment = false;
    arena.has_runs = false;
    memset(&scene, 0, sizeof(scene));
    sim_reset();
    acre_sim.slots = 2;
    acre_sim.claim = claim_shared; // as with restartable sequences
    acre_sim.barrier = sched_barrier;
    acre_sim.self = stage_hand();
    scene_on(0);
    const acre_heap_options options = {.span_bytes = SEGMENT_BYTES, .flags = ACRE_HEAP_KEEP};
    if (acre_heap_create(&arena_pages, &options, &scene.heap) != ACRE_OK) {
        acre_port_halt("no heap", __FILE__, __LINE__);
    }
    for (unsigned i = 0; i < slots; i++) {
        (void)slot_get(scene.heap, i);
    }
}

void scene_make_for_runs(unsigned slots)
{
    scene_make(slots);
    struct segment *segment = (struct segment *)(void *)arena.segment;
    const unsigned length = HEADER_PAGES + SCENE_SLICES * SLICE_PAGES;
    bitmap_fill(segment->free, length, SEGMENT_PAGES - length, false);
    segment->free_pages -= segment->length - length;
    segment->length = length;
    arena.has_runs = true;
}

void scene_on(unsigned slot)
{
    stage_hand()->slot = slot;
}

void scene_limit(unsigned slices)
{
    scene.heap->limit_bytes = scene.heap->held_bytes + (size_t)slices * SLICE_BYTES;
}

void scene_make_idle(unsigned slot)
{
    struct slot *idle = slot_of(scene.heap, slot);
    idle->visits_seen = idle->visits;
    idle->seen_at = scene.heap->refusals;
    scene.heap->refusals += 1000;
}

// ---- blocks --------------------------------------------------------------------------------------

static uint64_t pattern(const uint64_t *at)
{
    return (uintptr_t)at * UINT64_C(0x9e3779b97f4a7c15) >> 8;
}

static size_t cell_of(const void *block)
{
    return (size_t)((const char *)block - arena.segment - HEADER_SLICES * SLICE_BYTES) / SCENE_CELL;
}

/// Marks a block's cells as live or not; they must be the other before.
static void mark_cells(const void *block, size_t size, bool live)
{
    for (size_t at = cell_of(block); at < cell_of(block) + size / SCENE_CELL; at++) {
        uint64_t bit = (uint64_t)1 << at % 64;
        if (at >= sizeof(scene.live_cells) * 8 ||
            ((scene.live_cells[at / 64] & bit) != 0) == live) {
            acre_port_halt(
                live ? "two live blocks overlap" : "a block is freed that is not live", __FILE__,
                __LINE__);
        }
        scene.live_cells[at / 64] ^= bit;
    }
    scene.live_count += live ? 1 : (uint64_t)-1;
}

void *scene_alloc(size_t size)
{
    uint64_t *block = acre_heap_alloc(scene.heap, size);
    if (block != NULL) {
        mark_cells(block, size, true);
        for (size_t i = 0; i < HEAD_BYTES / sizeof(*block); i++) {
            block[i] = pattern(&block[i]);
        }
    }
    return block;
}

void *scene_alloc_sure(size_t size)
{
    void *block = scene_alloc(size);
    if (block == NULL) {
        acre_port_halt("there is no memory although there must be", __FILE__, __LINE__);
    }
    return block;
}

void scene_unmark(void *block, size_t size)
{
    const uint64_t *words = block;
    for (size_t i = 0; i < HEAD_BYTES / sizeof(*words); i++) {
        if (words[i] != pattern(&words[i])) {
            acre_port_halt("a live block was written to", __FILE__, __LINE__);
        }
    }
    mark_cells(block, size, false);
}

void scene_free(void *block, size_t size)
{
    scene_unmark(block, size);
    acre_heap_free(scene.heap, block);
}

// ---- what must be true at the end ----------------------------------------------------------------

static struct slab *slab_at(unsigned i)
{
    struct slab *slab = &((struct segment *)(void *)arena.segment)->slabs[HEADER_SLICES + i];
    return slab->kind == KIND_SLAB ? slab : NULL;
}

static unsigned count_hot(const struct slab *slab)
{
    unsigned count = 0;
    for (const acre_block *block = slab->hot.head; block != NULL; block = block->next) {
        count += 1;
    }
    return count;
}

static bool is_live_visitor(void *context, void *block, size_t usable_bytes)
{
    uint64_t *count = context;
    size_t cell = cell_of(block);
    (void)usable_bytes;
    *count += (scene.live_cells[cell / 64] >> cell % 64 & 1) != 0 ? 1 : 1000;
    return true;
}

const char *scene_check_still(void)
{
    const char *broken = acre_heap_audit(scene.heap);
    if (broken != NULL) {
        return broken;
    }
    uint64_t count = 0;
    (void)acre_heap_walk(scene.heap, is_live_visitor, &count);
    if (count != scene.live_count) {
        return "the heap's live blocks are not those that are held";
    }
    for (unsigned i = 0; i < SCENE_SLICES; i++) {
        const struct slab *slab = slab_at(i);
        if (slab != NULL && slab->state == SLAB_ASLEEP &&
            (count_hot(slab) >= slab->wake || foreign_count(slab) >= slab->wake)) {
            return "a slab sleeps with enough free blocks to wake";
        }
    }
    return NULL;
}

/// Allocates on each slot until there is nothing left. A call that finds no memory may have found
/// free blocks for the next one: what is asked is that they can be had, not that they are at once.
static void take_all(void)
{
    static const size_t sizes[] = {LARGE, SMALL};
    scene.heap->limit_bytes = scene.heap->held_bytes;
    for (unsigned vain = 0; vain < 2; vain++) {
        uint64_t before = scene.live_count;
        for (unsigned slot = 0; slot < acre_sim.slots; slot++) {
            acre_sim.self->slot = slot;
            for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                while (scene_alloc(sizes[i]) != NULL) {
                }
            }
        }
        vain = scene.live_count == before ? vain : 0;
    }
}

/// Whether blocks are left that nobody could have. Those of a slab that sleeps rightly may be.
static const char *find_lost(void)
{
    for (unsigned i = 0; i < SCENE_SLICES; i++) {
        struct slab *slab = slab_at(i);
        if (slab == NULL) {
            continue;
        }
        unsigned live = 0;
        for (unsigned k = 0; k < slab->capacity; k++) {
            size_t cell = cell_of((void *)(slab->base + k * slab->block_bytes));
            live += (unsigned)(scene.live_cells[cell / 64] >> cell % 64 & 1);
        }
        unsigned may_sleep = slab->state == SLAB_ASLEEP ? count_hot(slab) + foreign_count(slab) : 0;
        if (live + may_sleep != slab->capacity) {
            return "free blocks cannot be had";
        }
    }
    if (scene.heap->free_dirty_pages >= SLICE_PAGES) {
        return "a slice cannot be had";
    }
    return NULL;
}

const char *scene_check(void)
{
    const char *broken = scene_check_still();
    if (broken == NULL) {
        take_all();
        broken = scene_check_still();
    }
    if (broken == NULL) {
        broken = find_lost();
    }
    if (broken == NULL) {
        acre_heap_destroy(scene.heap);
        broken = arena.has_heap || arena.has_segment ? "destroy kept memory" : NULL;
    }
    return broken;
}

const char *scene_check_overlap(void)
{
    take_all();
    return NULL;
}

// ---- playing -------------------------------------------------------------------------------------

static const char *playing;

static void died(int number)
{
    static char text[4096];
    int length = snprintf(
        text, sizeof(text), "# signal %d in %s, RACE_REPLAY='%s=%s'\n", number, playing, playing,
        sched_now());
    ssize_t written = write(STDOUT_FILENO, text, (size_t)length);
    _exit(written < 0 ? 3 : 2);
}

static void handle_signals(void)
{
    static char stack[1 << 14];
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
    (void)sigaltstack(&alternate, NULL);
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGALRM};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction action = {.sa_handler = died, .sa_flags = SA_ONSTACK};
        (void)sigaction(numbers[i], &action, NULL);
    }
    (void)alarm(ALARM_SECONDS);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

/// All that a run can change. What is not hashed never changes but by making a segment. The links in
/// free blocks do count: without them a state in which a block was lost looks like one in which it
/// was not.
static void name_regions(void)
{
    acre_heap *heap = scene.heap;
    struct segment *segment = (struct segment *)(void *)arena.segment;
    sched_forget_regions();
    sched_region(&scene, sizeof(scene), 0, 1, true);
    sched_region(&arena.has_heap, 2 * sizeof(bool), 0, 1, false);
    sched_region(heap, offsetof(acre_heap, lock), 0, 1, false);
    sched_region(&heap->lock, offsetof(acre_heap, dead) - offsetof(acre_heap, lock), 0, 1, true);
    sched_region(&heap->dead, sizeof(heap->dead), 0, 1, false);
    sched_region(heap->bins, 2 * sizeof(heap->bins[0]), 0, 1, true);
    sched_region(heap->map, SEGMENT_SLICES * sizeof(heap->map[0]), 0, 1, false);
    sched_region(segment, SEGMENT_HASHED_BYTES, 0, 1, true);
    sched_region(
        &segment->slabs[HEADER_SLICES], sizeof(struct slab), sizeof(struct slab), HASHED_SLABS,
        true);
    // Where slots are made: each thread may make both, of which two stay unused.
    size_t slots =
        heap->bins[1] != &heap->dead && heap->bins[0] != &heap->dead ? 2 : SLOTS_MADE_MAX;
    sched_region(
        (char *)segment + HEADER_BYTES, round_up(sizeof(struct slot), LINE_BYTES),
        round_up(sizeof(struct slot), LINE_BYTES), slots, true);
    char *blocks = (char *)segment + HEADER_SLICES * SLICE_BYTES;
    for (unsigned i = 0; i < SCENE_SLICES; i++) {
        size_t count = i < SMALL_SLICES ? SLICE_BYTES / SMALL : SMALL_FEW;
        sched_region(blocks + i * SLICE_BYTES, HEAD_BYTES, SMALL, count, true);
    }
    if (arena.has_runs) {
        const size_t pages = SCENE_SLICES * (size_t)SLICE_PAGES;
        sched_region(
            &segment->run_pages[HEADER_PAGES], pages * sizeof(segment->run_pages[0]), 0, 1, true);
        sched_region(blocks, HEAD_BYTES, PAGE_BYTES, pages, true);
    }
    sched_region(blocks, HEAD_BYTES, LARGE, SCENE_SLICES * SLICE_BYTES / LARGE, true);
}

static void report(const char *name, const char *how, const struct sched_report *report)
{
    printf(
        "# %s: %s: %llu schedules, %llu states, up to %u steps%s\n", name, how,
        (unsigned long long)report->schedules, (unsigned long long)report->states,
        report->steps_max, report->complete ? ", all" : "");
    if (report->broken != NULL) {
        printf("# %s\n# RACE_REPLAY='%s=%s'\n", report->broken, name, report->schedule);
        t_fail("every schedule to end well", name, 0);
    }
    (void)fflush(stdout);
}

void scene_play(const char *name, const struct sched_scene *plan, unsigned deviations)
{
    static struct sched_report result;
    const char *replay = getenv("RACE_REPLAY");
    const char *only = getenv("RACE_CASE");
    if (only != NULL && strcmp(only, name) != 0) {
        return;
    }
    playing = name;
    handle_signals();
    name_regions();
    deviations += (unsigned)setting("RACE_DEPTH", 0);
    if (replay != NULL) {
        size_t length = strlen(name);
        if (strncmp(replay, name, length) == 0 && replay[length] == '=') {
            sched_replay(plan, replay + length + 1, &result);
            report(name, "replay", &result);
        }
        return;
    }
    sched_explore(plan, deviations, setting("RACE_SCHEDULES", UINT64_MAX), &result);
    report(name, "explored", &result);
    if (result.broken == NULL) {
        uint64_t seed = t_seed((uint64_t)getpid());
        sched_random(plan, setting("RACE_RANDOM", RANDOM_RUNS), seed, &result);
        t_say_number("seed", seed);
        report(name, "at random", &result);
    }
}
