// scene.h - the scene of one misuse: blocks that live, the ranges they hold, and a check that no
// two overlap.
//
// overlap.c sets a scene up in a child process, lets one case of misuse.h damage it, then allocates
// on and compares all ranges that the program believes to be its own.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HOSTED_SCENE_H
#define ACRE_HOSTED_SCENE_H

#include <malloc.h>

#include "../conform/conform.h"

#define SCENE_BLOCKS  64
#define SCENE_RANGES  8192
#define SCENE_FOREIGN 4096

struct scene_range {
    uintptr_t start;
    size_t bytes;
};

struct scene {
    size_t size;                // of every block, as requested
    char *blocks[SCENE_BLOCKS]; // NULL where a block was freed rightly
    char *foreign;              // memory of the program that never came from malloc
    struct scene_range ranges[SCENE_RANGES];
    size_t range_count;
};

/// Records memory that the program holds.
static inline void scene_hold(struct scene *scene, const void *start, size_t bytes)
{
    if (start != NULL && scene->range_count < SCENE_RANGES) {
        struct scene_range range = {(uintptr_t)start, bytes};
        scene->ranges[scene->range_count++] = range;
    }
}

/// Forgets memory that the program gave up.
static inline void scene_release(struct scene *scene, const void *start)
{
    for (size_t i = 0; i < scene->range_count; i++) {
        if (scene->ranges[i].start == (uintptr_t)start) {
            scene->ranges[i] = scene->ranges[--scene->range_count];
            return;
        }
    }
}

/// Allocates a block and writes both its ends, so that a wild pointer faults here.
static inline char *scene_take(struct scene *scene, size_t size)
{
    char *block = opaque(malloc(size));
    if (block != NULL && size > 0) {
        ((volatile char *)block)[0] = 1;
        ((volatile char *)block)[size - 1] = 1;
    }
    scene_hold(scene, block, size > 0 ? size : 1);
    return block;
}

static inline void scene_begin(struct scene *scene, size_t size, char *foreign)
{
    scene->size = size;
    scene->range_count = 0;
    scene->foreign = foreign;
    scene_hold(scene, foreign, SCENE_FOREIGN);
    for (size_t i = 0; i < SCENE_BLOCKS; i++) {
        scene->blocks[i] = scene_take(scene, size);
    }
}

/// Frees block `i` as a right program would, and returns its address for the misuse that follows.
static inline char *scene_free(struct scene *scene, size_t i)
{
    char *block = scene->blocks[i];
    scene_release(scene, block);
    free(opaque(block));
    scene->blocks[i] = NULL;
    return block;
}

/// Frees a block that lies directly behind a live one and returns the live one; any live block when
/// there is no such pair.
static inline char *scene_before_free(struct scene *scene)
{
    for (size_t i = 0; i < SCENE_BLOCKS; i++) {
        for (size_t k = 0; k < SCENE_BLOCKS; k++) {
            if (scene->blocks[k] == scene->blocks[i] + malloc_usable_size(scene->blocks[i])) {
                char *live = scene->blocks[i];
                (void)scene_free(scene, k);
                return live;
            }
        }
    }
    return scene->blocks[0];
}

/// The same for the block before a live one; returns the live one.
static inline char *scene_behind_free(struct scene *scene)
{
    for (size_t i = 0; i < SCENE_BLOCKS; i++) {
        for (size_t k = 0; k < SCENE_BLOCKS; k++) {
            if (scene->blocks[k] == scene->blocks[i] + malloc_usable_size(scene->blocks[i])) {
                char *live = scene->blocks[k];
                (void)scene_free(scene, i);
                return live;
            }
        }
    }
    return scene->blocks[0];
}

static inline int scene_compare(const void *left, const void *right)
{
    const struct scene_range *a = left;
    const struct scene_range *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

/// Whether two ranges that the program holds share a byte.
static inline bool scene_overlaps(struct scene *scene)
{
    qsort(scene->ranges, scene->range_count, sizeof(scene->ranges[0]), scene_compare);
    for (size_t i = 1; i < scene->range_count; i++) {
        if (scene->ranges[i].start - scene->ranges[i - 1].start < scene->ranges[i - 1].bytes) {
            return true;
        }
    }
    return false;
}

#endif
