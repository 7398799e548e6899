// side_by_side.c - three allocators of frames do the same work: a stack of free frames, a bitmap, and acre.
//
//     side_by_side      prints what each can do, and how long it takes
//
// The first two are short enough to be read in five minutes (page_stack.h, page_bitmap.h), and a kernel that
// starts with one of them can go on to the third when it meets what they cannot do.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "acre/frames.h"
#include "page_bitmap.h"
#include "page_stack.h"

enum { FRAMES = 16384, BLOCK_FRAMES = 512, BLOCK_ORDER = 9, ROUNDS = 200000 };

static struct page_stack stack;
static struct page_bitmap bitmap;
static acre_frames *pool;
static uint64_t pool_base;
static unsigned char taken[FRAMES]; // by whoever works at the moment

static uint64_t alloc_stack(void)
{
    return page_stack_alloc(&stack);
}

static bool free_stack(uint64_t frame)
{
    page_stack_free(&stack, frame);
    return true; // it cannot know
}

static uint64_t alloc_bitmap(void)
{
    return page_bitmap_alloc(&bitmap, 1);
}

static bool free_bitmap(uint64_t frame)
{
    return page_bitmap_free(&bitmap, frame, 1);
}

static uint64_t alloc_acre(void)
{
    acre_frame frame = acre_frames_alloc(pool, 0, 0);
    return acre_frame_is_none(frame) ? UINT64_MAX : frame.number - pool_base;
}

static bool free_acre(uint64_t frame)
{
    return acre_frames_free(pool, 0, (acre_frame){pool_base + frame}, 0) == ACRE_OK;
}

static uint64_t block_stack(void)
{
    return UINT64_MAX; // it cannot
}

static uint64_t block_bitmap(void)
{
    return page_bitmap_alloc(&bitmap, BLOCK_FRAMES);
}

static uint64_t block_acre(void)
{
    acre_frame frame = acre_frames_alloc(pool, 0, BLOCK_ORDER);
    return acre_frame_is_none(frame) ? UINT64_MAX : frame.number - pool_base;
}

struct candidate {
    const char *name;
    uint64_t (*alloc)(void);
    bool (*free)(uint64_t frame);
    uint64_t (*block)(void);
    bool notices_double_free;
    bool has_blocks;
};

static const struct candidate CANDIDATES[] = {
    {"stack", alloc_stack, free_stack, block_stack, false, false},
    {"bitmap", alloc_bitmap, free_bitmap, block_bitmap, true, true},
    {"acre", alloc_acre, free_acre, block_acre, true, true},
};

static void start(void)
{
    char *memory = mmap(
        NULL, (size_t)FRAMES * 4096, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    const uint64_t low = (uint64_t)4 << 30;
    acre_frames_options options = {
        .low = {low}, .high = {low + (uint64_t)FRAMES * 4096}, .slots = 1};
    void *meta = aligned_alloc(64, ((size_t)acre_frames_bytes(&options) + 63) & ~(size_t)63);
    bitmap.words = calloc(FRAMES / 64, sizeof(uint64_t));
    if (memory == MAP_FAILED || meta == NULL || bitmap.words == NULL) {
        exit(1);
    }
    page_stack_start(&stack, memory, FRAMES);
    bitmap.frames = FRAMES;
    pool = acre_frames_create(meta, &options);
    pool_base = low >> ACRE_FRAME_LOG2;
    if (acre_frames_give(pool, (acre_frame){pool_base}, FRAMES) != ACRE_OK) {
        exit(1);
    }
}

static double now_ns(void)
{
    struct timespec now;
    (void)timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void fail(const struct candidate *who, const char *what)
{
    (void)printf("%s: %s\n", who->name, what);
    exit(1);
}

static void take(const struct candidate *who, uint64_t frame)
{
    if (frame >= FRAMES || taken[frame] != 0) {
        fail(who, "a frame that is not there, or that was handed out before");
    }
    taken[frame] = 1;
}

/// Takes all there is, replaces at random, gives all back. Nanoseconds of one frame replaced.
static double work(const struct candidate *who)
{
    static uint64_t held[FRAMES];
    memset(taken, 0, sizeof(taken));
    for (unsigned i = 0; i < (unsigned)FRAMES; i++) {
        held[i] = who->alloc();
        take(who, held[i]);
    }
    if (who->alloc() != UINT64_MAX) {
        fail(who, "more frames than there are");
    }
    uint64_t noise = 0x2545f4914f6cdd1d;
    double begin = now_ns();
    for (unsigned i = 0; i < (unsigned)ROUNDS; i++) {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        uint64_t *victim = &held[noise % FRAMES];
        taken[*victim] = 0;
        if (!who->free(*victim)) {
            fail(who, "a frame could not be freed");
        }
        *victim = who->alloc();
        take(who, *victim);
    }
    double replaced_ns = (now_ns() - begin) / ROUNDS;
    for (unsigned i = 0; i < (unsigned)FRAMES; i++) {
        if (!who->free(held[i])) {
            fail(who, "a frame could not be freed");
        }
    }
    return replaced_ns;
}

int main(void)
{
    start();
    (void)printf("%-8s%16s%14s%20s\n", "", "replaced in ns", "2 MiB blocks", "double free noticed");
    for (unsigned i = 0; i < sizeof(CANDIDATES) / sizeof(CANDIDATES[0]); i++) {
        const struct candidate *who = &CANDIDATES[i];
        double ns = work(who);
        unsigned blocks = 0;
        while (who->block() != UINT64_MAX) {
            blocks += 1;
        }
        if (blocks != (who->has_blocks ? FRAMES / BLOCK_FRAMES : 0)) {
            fail(who, "not as many blocks as there should be");
        }
        uint64_t frame = who->has_blocks ? 0 : who->alloc();
        // After all blocks were taken: a frame of one of them is freed as if it were single, twice.
        bool noticed = !(who->free(frame) && who->free(frame));
        if (noticed != who->notices_double_free) {
            fail(who, "misuse is not noticed as it should be");
        }
        (void)printf("%-8s%16.0f%14u%20s\n", who->name, ns, blocks, noticed ? "yes" : "no");
    }
    return 0;
}
