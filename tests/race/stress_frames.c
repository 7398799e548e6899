// stress_frames.c - threads that allocate and free frames of all orders at the same time, on fewer slots
// than threads, too, in a pool that is too small for them.
//
//     stress_frames [STEPS [SEED]]     for each thread
//
// Each frame has an owner, written with an exchange, so that a frame that two threads have is found; and a
// word that its owner writes plainly, so that ThreadSanitizer sees whether what the last owner did
// comes before what the next one does. At the end every frame must be there, and the books must agree.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames_pool.h"

enum {
    TREES = 4,
    FRAMES = TREES * 4096,
    THREADS = 4,
    HELD_MAX = 200,
    RUN = 0xffff,
};

static const uint64_t BASE = (uint64_t)4096 * 511;

static acre_frames *pool;
static unsigned char owners[FRAMES];
static unsigned plain[FRAMES];
static unsigned long steps = 100000;
static uint64_t seed = 0x2545f4914f6cdd1d;
static unsigned slots;
static unsigned long failures; // allocations that found nothing

struct held {
    uint64_t frame, frames;
    uint32_t request;
};

struct worker {
    pthread_t thread;
    unsigned id;
    uint64_t noise;
    struct held held[HELD_MAX];
    unsigned count;
    unsigned long failures;
};

static void fail(const char *what, uint64_t frame)
{
    (void)printf(
        "FAILED: %s, frame %llu, seed %llu\n", what, (unsigned long long)frame,
        (unsigned long long)seed);
    exit(1);
}

static uint64_t draw(struct worker *self, uint64_t below)
{
    self->noise ^= self->noise << 13;
    self->noise ^= self->noise >> 7;
    self->noise ^= self->noise << 17;
    return (self->noise >> 11) % below;
}

static void take_over(struct worker *self, acre_frame at, uint64_t frames, uint32_t request)
{
    if (acre_frame_is_none(at)) {
        self->failures += 1;
        return;
    }
    uint64_t frame = at.number - BASE;
    if (frame >= FRAMES || frames > FRAMES - frame) {
        fail("not in the pool", frame);
    }
    for (uint64_t i = frame; i < frame + frames; i++) {
        if (__atomic_exchange_n(&owners[i], (unsigned char)(self->id + 1), __ATOMIC_RELAXED) != 0) {
            fail("two have a frame", i);
        }
        plain[i] = self->id;
    }
    self->held[self->count] = (struct held){frame, frames, request};
    self->count += 1;
}

static void give_back(struct worker *self, unsigned at)
{
    struct held gone = self->held[at];
    self->count -= 1;
    self->held[at] = self->held[self->count];
    for (uint64_t i = gone.frame; i < gone.frame + gone.frames; i++) {
        if (plain[i] != self->id) {
            fail("somebody else wrote to a frame", i);
        }
        plain[i] = 99;
        __atomic_store_n(&owners[i], 0, __ATOMIC_RELAXED);
    }
    unsigned slot = (unsigned)draw(self, slots);
    acre_frame frame = {BASE + gone.frame};
    acre_status status = gone.request == RUN ? acre_frames_give(pool, frame, gone.frames)
                                             : acre_frames_free(pool, slot, frame, gone.request);
    if (status != ACRE_OK) {
        fail("what is owned could not be freed", gone.frame);
    }
}

static void allocate(struct worker *self)
{
    static const unsigned char orders[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,
                                           0, 1, 2, 3, 4, 5, 6, 7, 7, 8, 8, 9, 9, 10, 11, 12, 13};
    uint32_t order = orders[draw(self, sizeof(orders))];
    uint32_t request = order | (draw(self, 2) == 0 ? (uint32_t)ACRE_FRAMES_MOVABLE : 0);
    uint64_t frames = (uint64_t)1 << order;
    unsigned slot = self->id % slots;
    uint64_t what = draw(self, 40);
    if (what == 0) {
        acre_phys limit = {(BASE + draw(self, FRAMES) + 1) << ACRE_FRAME_LOG2};
        take_over(self, acre_frames_alloc_below(pool, slot, request, limit), frames, request);
    } else if (what == 1) {
        acre_frames_run_request run = {.frames = 1 + draw(self, 700)};
        take_over(self, acre_frames_run(pool, &run), run.frames, RUN);
    } else if (what == 2) {
        acre_frame at = {BASE + draw(self, FRAMES - 600)};
        frames = 1 + draw(self, 600);
        if (acre_frames_take(pool, at, frames) == ACRE_OK) {
            take_over(self, at, frames, RUN);
        }
    } else {
        take_over(self, acre_frames_alloc(pool, slot, request), frames, request);
    }
}

static void *work(void *context)
{
    struct worker *self = context;
    for (unsigned long i = 0; i < steps; i++) {
        if (self->count < HELD_MAX && draw(self, 100) < 55) {
            allocate(self);
        } else if (self->count > 0) {
            give_back(self, (unsigned)draw(self, self->count));
        }
        if (draw(self, 500) == 0) {
            acre_frames_drain_slot(pool, (unsigned)draw(self, slots));
        }
    }
    while (self->count > 0) {
        give_back(self, self->count - 1);
    }
    return NULL;
}

static void play(unsigned slot_count)
{
    static struct worker workers[THREADS];
    slots = slot_count;
    pool =
        pool_make_given(BASE << ACRE_FRAME_LOG2, (BASE + FRAMES) << ACRE_FRAME_LOG2, slots, false);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.id = i, .noise = seed * (2 * i + 1)};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            fail("no thread", i);
        }
    }
    failures = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        failures += workers[i].failures;
    }
    const char *wrong = acre_frames_audit(pool);
    acre_frames_stats stats;
    acre_frames_get_stats(pool, &stats);
    if (wrong != NULL || stats.free_frames != FRAMES || stats.late_double_frees != 0) {
        fail(wrong != NULL ? wrong : "frames are missing", stats.free_frames);
    }
    acre_frames_drain(pool);
    acre_frames_get_stats(pool, &stats);
    if (stats.free_trees != TREES || acre_frames_audit(pool) != NULL) {
        fail("the pool is not whole again", stats.free_trees);
    }
    if (failures == 0) {
        fail("memory never ran out", 0);
    }
    (void)printf(
        "ok: %u threads on %u slots, %lu steps each, %lu allocations found nothing\n",
        (unsigned)THREADS, slots, steps, failures);
    pool_end(pool);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        steps = strtoul(argv[1], NULL, 10);
    }
    if (argc > 2) {
        seed = strtoull(argv[2], NULL, 0);
    }
    (void)printf("seed %llu\n", (unsigned long long)seed);
    for (unsigned slot_count = 1; slot_count <= THREADS; slot_count *= 2) {
        play(slot_count);
    }
    return 0;
}
