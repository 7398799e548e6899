// misuse.h - every misuse that overlap.c tries: one function each, on a scene of live blocks.
//
// A case that returns has "worked": the program goes on. Ranges that the program holds afterwards
// are kept right by each case, as the program would believe them to be.
// SPDX-License-Identifier: MIT
#ifndef ACRE_HOSTED_MISUSE_H
#define ACRE_HOSTED_MISUSE_H

#include <pthread.h>
#include <sys/mman.h>

#include "scene.h"

#define MISUSE_RACES 64

static char misuse_global[SCENE_FOREIGN] __attribute__((aligned(16)));

static inline void misuse_double_free(struct scene *scene)
{
    free(opaque(scene_free(scene, 7)));
}

static inline void misuse_double_free_between(struct scene *scene)
{
    char *block = scene_free(scene, 7);
    (void)scene_free(scene, 8);
    free(opaque(block));
}

static inline void misuse_double_free_late(struct scene *scene)
{
    static char *others[200];
    size_t count = scene->size > 100000 ? 50 : 200;
    for (size_t i = 0; i < count; i++) {
        others[i] = opaque(malloc(scene->size));
    }
    char *block = scene_free(scene, 7);
    for (size_t i = 0; i < count; i++) {
        free(others[i]);
    }
    free(opaque(block));
}

static inline void *misuse_free_in_thread(void *block)
{
    free(block);
    return NULL;
}

static inline void misuse_in_thread(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument) == 0) {
        (void)pthread_join(thread, NULL);
    }
}

static inline void misuse_double_free_thread(struct scene *scene)
{
    misuse_in_thread(misuse_free_in_thread, scene_free(scene, 7));
}

static inline void *misuse_free_twice(void *block)
{
    free(opaque(block));
    free(opaque(block));
    return NULL;
}

static inline void misuse_double_free_foreign(struct scene *scene)
{
    scene_release(scene, scene->blocks[7]);
    misuse_in_thread(misuse_free_twice, scene->blocks[7]);
}

/// What two racing threads share.
struct misuse_race {
    char *block;
    int ready; // counts both threads at the start line
    bool resize;
};

static inline void misuse_start_line(struct misuse_race *race)
{
    (void)__atomic_add_fetch(&race->ready, 1, __ATOMIC_ACQ_REL);
    for (unsigned spins = 0; __atomic_load_n(&race->ready, __ATOMIC_ACQUIRE) < 2; spins++) {
        if (spins > 1000) {
            (void)sched_yield();
        }
    }
}

static inline void *misuse_racing_free(void *argument)
{
    struct misuse_race *race = argument;
    misuse_start_line(race);
    free(opaque(race->block));
    return NULL;
}

static inline void misuse_race_once(struct scene *scene, bool resize)
{
    struct misuse_race race = {opaque(malloc(scene->size)), 0, resize};
    pthread_t thread;
    if (pthread_create(&thread, NULL, misuse_racing_free, &race) != 0) {
        return;
    }
    misuse_start_line(&race);
    if (resize) {
        scene_hold(scene, opaque(realloc(opaque(race.block), scene->size * 3)), scene->size * 3);
    } else {
        free(opaque(race.block));
    }
    (void)pthread_join(thread, NULL);
}

static inline void misuse_double_free_race(struct scene *scene)
{
    for (unsigned i = 0; i < MISUSE_RACES; i++) {
        misuse_race_once(scene, false);
    }
}

static inline void misuse_free_realloc_race(struct scene *scene)
{
    // When the free wins unnoticed, the block that realloc kept in place is nobody's fault but the
    // program's, so realloc grows by so much that it must move.
    for (unsigned i = 0; i < MISUSE_RACES; i++) {
        misuse_race_once(scene, true);
    }
}

static inline void misuse_free_inside_16(struct scene *scene)
{
    free(opaque(scene->blocks[7] + 16));
}

static inline void misuse_free_inside_8(struct scene *scene)
{
    free(opaque(scene->blocks[7] + 8));
}

static inline void misuse_free_inside_1(struct scene *scene)
{
    free(opaque(scene->blocks[7] + 1));
}

static inline void misuse_free_page_inside(struct scene *scene)
{
    free(opaque(scene->blocks[7] + 4096));
}

static inline void misuse_free_stack(struct scene *scene)
{
    free(opaque(scene->foreign + 64));
}

static inline void misuse_free_global(struct scene *scene)
{
    scene_hold(scene, misuse_global, sizeof(misuse_global));
    memset(misuse_global, 0, sizeof(misuse_global));
    free(opaque(misuse_global + 64));
}

static inline char *misuse_mapping(void)
{
    void *mapping = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mapping == MAP_FAILED ? NULL : mapping;
}

static inline void misuse_free_mapping(struct scene *scene)
{
    char *mapping = misuse_mapping();
    scene_hold(scene, mapping, 1 << 20);
    free(opaque(mapping + 4096 + 16));
}

static inline void misuse_free_unmapped(struct scene *scene)
{
    char *mapping = misuse_mapping();
    (void)scene;
    (void)munmap(mapping, 1 << 20);
    free(opaque(mapping + 4096 + 16));
}

static inline void misuse_free_tiny(struct scene *scene)
{
    (void)scene;
    free(opaque((void *)(uintptr_t)0x10));
}

static inline void misuse_free_ahead(struct scene *scene)
{
    // Where a block would be that nobody has asked for yet: well ahead of the highest block.
    char *highest = scene->blocks[0];
    for (size_t i = 0; i < SCENE_BLOCKS; i++) {
        highest = scene->blocks[i] > highest ? scene->blocks[i] : highest;
    }
    free(opaque(highest + 100 * malloc_usable_size(highest)));
}

static inline void misuse_free_slice_end(struct scene *scene)
{
    free(opaque((void *)(((uintptr_t)scene->blocks[7] | 0xffff) - 15)));
}

static inline void misuse_overflow_request(struct scene *scene)
{
    // The byte behind the request, which the block's rounding may well hold.
    char *block = scene_take(scene, scene->size - 3);
    block[scene->size - 3] ^= (char)0xff;
    scene_release(scene, block);
    free(opaque(block));
}

static inline void misuse_overflow_1(struct scene *scene)
{
    char *block = scene_before_free(scene);
    block[malloc_usable_size(block)] ^= (char)0xff;
}

static inline void misuse_overflow_16(struct scene *scene)
{
    char *block = scene_before_free(scene);
    memset(block + malloc_usable_size(block), 0x41, 16);
}

static inline void misuse_overflow_zero(struct scene *scene)
{
    char *block = scene_before_free(scene);
    memset(block + malloc_usable_size(block), 0, 16);
}

static inline void misuse_overflow_then_free_all(struct scene *scene)
{
    char *block = scene->blocks[32];
    memset(block + malloc_usable_size(block), 0x41, 16);
    for (size_t i = 0; i < SCENE_BLOCKS; i++) {
        (void)scene_free(scene, i);
    }
}

static inline void misuse_underflow_1(struct scene *scene)
{
    char *block = scene_behind_free(scene);
    block[-1] ^= (char)0xff;
    scene_release(scene, block);
    free(opaque(block));
}

static inline void misuse_underflow_16(struct scene *scene)
{
    char *block = scene_behind_free(scene);
    memset(block - 16, 0x41, 16);
    scene_release(scene, block);
    free(opaque(block));
}

static inline void misuse_write_after_free(struct scene *scene)
{
    char *block = scene_free(scene, 7);
    memset(opaque(block), 0x41, scene->size);
}

static inline void misuse_clear_after_free(struct scene *scene)
{
    char *block = scene_free(scene, 7);
    memset(opaque(block), 0, scene->size);
}

static inline void misuse_write_after_foreign_free(struct scene *scene)
{
    scene_release(scene, scene->blocks[7]);
    misuse_in_thread(misuse_free_in_thread, scene->blocks[7]);
    memset(opaque(scene->blocks[7]), 0x41, scene->size);
}

static inline void misuse_forge_link(struct scene *scene)
{
    // The first word of a free block points at a live one.
    char *target = scene->blocks[9];
    memcpy(opaque(scene_free(scene, 7)), &target, sizeof(target));
}

static inline void misuse_forge_both_words(struct scene *scene)
{
    char *target = scene->blocks[9];
    char *block = opaque(scene_free(scene, 7));
    memcpy(block, &target, sizeof(target));
    memcpy(block + sizeof(target), &target, sizeof(target));
}

static inline void misuse_forge_foreign(struct scene *scene)
{
    char *target = scene->foreign + 64;
    char *block = opaque(scene_free(scene, 7));
    memcpy(block, &target, sizeof(target));
}

static inline void misuse_swap_free_blocks(struct scene *scene)
{
    char kept[16];
    char *one = opaque(scene_free(scene, 7));
    char *other = opaque(scene_free(scene, 20));
    memcpy(kept, one, 16);
    memcpy(one, other, 16);
    memcpy(other, kept, 16);
}

static inline void misuse_copy_free_block(struct scene *scene)
{
    char *one = opaque(scene_free(scene, 7));
    char *other = opaque(scene_free(scene, 20));
    memcpy(one, other, 16);
}

static inline void misuse_sized_delete(struct scene *scene)
{
    void (*delete_sized)(void *, size_t);
    if (conform_lookup("_ZdlPvm", (void *)&delete_sized)) {
        scene_release(scene, scene->blocks[7]);
        delete_sized(scene->blocks[7], scene->size * 10);
    }
}

static inline void misuse_free_sized(struct scene *scene)
{
    void (*free_with_size)(void *, size_t);
    if (conform_lookup("free_sized", (void *)&free_with_size)) {
        scene_release(scene, scene->blocks[7]);
        free_with_size(scene->blocks[7], scene->size / 10);
    }
}

static inline void misuse_realloc_freed(struct scene *scene)
{
    char *block = scene_free(scene, 7);
    scene_hold(scene, opaque(realloc(opaque(block), scene->size * 2)), scene->size * 2);
}

static inline void misuse_realloc_freed_in_place(struct scene *scene)
{
    char *block = scene_free(scene, 7);
    scene_hold(scene, opaque(realloc(opaque(block), scene->size)), scene->size);
}

static inline void misuse_realloc_inside(struct scene *scene)
{
    void *moved = opaque(realloc(opaque(scene->blocks[7] + 16), scene->size * 2));
    scene_hold(scene, moved, scene->size * 2);
}

static inline void misuse_usable_size_freed(struct scene *scene)
{
    volatile size_t bytes = malloc_usable_size(opaque(scene_free(scene, 7)));
    (void)bytes;
}

static inline void misuse_write_into_nothing(struct scene *scene)
{
    char *block = opaque(malloc(opaque_size(0)));
    scene_hold(scene, block, 1);
    memset(block, 0x41, 24);
}

#endif
