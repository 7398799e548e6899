// sim_cache.c - an object cache under every schedule up to a bound: threads with locals of their own and
// without, while another shrinks it. No object is had by two, none is raw or half constructed, none is
// lost; and no chunk is used that is being given back.
// SPDX-License-Identifier: MIT
#include "../t.h"
#include "acre/cache.h"
#include "pools/cache.h"
#include "sched_sim.h"

enum {
    CHUNKS = 2,
    CHUNK_BYTES = 1024,
    OBJECT_BYTES = 96,
    CHUNK_OBJECTS = 9,
    MAGIC = 0x6f626a,
    MEMORY_BYTES = 8192
};

// Everything that changes: the memory of the cache, who has what, and what broke.
static struct {
    _Alignas(64) unsigned char memory[MEMORY_BYTES];
    acre_cache *cache;
    acre_cache_local locals[SCHED_THREADS_MAX];
    uint32_t present[MEMORY_BYTES / 64]; // pages that are committed
    const char *broken;
    bool may_refuse; // a get may return NULL
} stage;

struct object {
    uint32_t magic;
    uint32_t holder; // thread + 1
};

static void *stage_reserve(acre_pages *self, size_t bytes, size_t align)
{
    (void)self;
    (void)align;
    return bytes <= MEMORY_BYTES ? stage.memory : NULL;
}

static void mark(const void *addr, size_t bytes, uint32_t present)
{
    size_t first = (size_t)((const unsigned char *)addr - stage.memory) / 64;
    for (size_t i = first; i < first + bytes / 64; i++) {
        stage.present[i] = present;
    }
}

static acre_status stage_commit(acre_pages *self, void *addr, size_t bytes)
{
    (void)self;
    sim_step();
    size_t first = (size_t)((unsigned char *)addr - stage.memory) / 64;
    for (size_t i = 0; i < bytes / 64; i++) {
        if (stage.present[first + i] == 0) {
            __builtin_memset((unsigned char *)addr + i * 64, 0, 64);
        }
    }
    mark(addr, bytes, 1);
    sim_step();
    return ACRE_OK;
}

static acre_status stage_decommit(acre_pages *self, void *addr, size_t bytes)
{
    (void)self;
    sim_step();
    __builtin_memset(addr, 0xdd, bytes);
    mark(addr, bytes, 0);
    sim_step();
    return ACRE_OK;
}

static acre_status stage_release(acre_pages *self, void *addr, size_t bytes)
{
    (void)self;
    mark(addr, bytes, 0);
    return ACRE_OK;
}

static acre_pages stage_pages = {
    .reserve = stage_reserve,
    .commit = stage_commit,
    .decommit = stage_decommit,
    .release = stage_release,
    .page_bytes = 64,
};

static bool construct(void *object, void *argument)
{
    (void)argument;
    struct object *made = object;
    if (made->magic == MAGIC) {
        stage.broken = "an object is constructed twice";
    }
    made->magic = MAGIC;
    made->holder = 0;
    return true;
}

static void destroy(void *object, void *argument)
{
    (void)argument;
    struct object *gone = object;
    if (gone->magic != MAGIC || gone->holder != 0) {
        stage.broken = "an object is destroyed that is in use";
    }
    gone->magic = 0;
}

static struct object *get(bool with_local)
{
    struct object *object =
        acre_cache_get(stage.cache, with_local ? &stage.locals[sched_self()] : NULL);
    if (object == NULL) {
        stage.broken = stage.may_refuse ? stage.broken : "no object though there is room";
        return NULL;
    }
    size_t page = (size_t)((unsigned char *)object - stage.memory) / 64;
    if (stage.present[page] == 0) {
        stage.broken = "an object has no memory";
    } else if (object->magic != MAGIC || object->holder != 0) {
        stage.broken = "an object is had by two, or is not constructed";
    }
    object->holder = sched_self() + 1;
    return object;
}

static void put(struct object *object, bool with_local)
{
    if (object == NULL || stage.broken != NULL) {
        return;
    }
    object->holder = 0;
    acre_cache_put(stage.cache, with_local ? &stage.locals[sched_self()] : NULL, object);
}

static void use_local(void)
{
    struct object *object = get(true);
    put(object, true);
    acre_cache_flush(stage.cache, &stage.locals[sched_self()]);
}

static void use_depot(void)
{
    struct object *object = get(false);
    put(object, false);
    object = get(false);
    put(object, false);
}

static void use_and_shrink(void)
{
    struct object *object = get(false);
    put(object, false);
    (void)acre_cache_shrink(stage.cache);
}

static void use_two(void)
{
    struct object *one = get(false);
    struct object *other = get(false);
    put(one, false);
    put(other, false);
}

static void shrink(void)
{
    (void)acre_cache_shrink(stage.cache);
}

static const char *check(void)
{
    if (stage.broken != NULL) {
        return stage.broken;
    }
    const char *broken = acre_cache_audit(stage.cache);
    if (broken != NULL) {
        return broken;
    }
    return acre_cache_close(stage.cache) == ACRE_OK ? NULL : "an object was lost";
}

/// A cache of `count` objects, all but `there` of them without memory.
static void play_with(
    size_t count, bool there, const char *name, const struct sched_scene *scene,
    unsigned deviations, uint64_t states_min)
{
    sim_reset();
    stage.broken = NULL;
    mark(stage.memory, MEMORY_BYTES, 0);
    for (unsigned i = 0; i < SCHED_THREADS_MAX; i++) {
        stage.locals[i].count = 0;
    }
    acre_cache_options options = {
        .object_bytes = OBJECT_BYTES, .count = count, .construct = construct, .destroy = destroy};
    T_EXPECT(acre_cache_open(&stage_pages, &options, &stage.cache) == ACRE_OK);
    if (there) {
        acre_cache_put(stage.cache, NULL, acre_cache_get(stage.cache, NULL)); // into the depot
    }
    sched_forget_regions();
    sched_region(&stage, sizeof(stage), 0, 1, true);
    struct sched_report report;
    sched_explore(scene, deviations, 200000, &report);
    t_say_number("schedules", report.schedules);
    t_say_number("states", report.states);
    if (report.broken != NULL) {
        t_say("RACE_REPLAY=");
        t_say(name);
        t_say(report.schedule);
    }
    T_EXPECT_SOUND(report.broken);
    T_EXPECT(report.complete && report.states >= states_min);
    sched_random(scene, 300, t_seed(20261120), &report);
    T_EXPECT_SOUND(report.broken);
}

static void play(
    const char *name, const struct sched_scene *scene, unsigned deviations, uint64_t states_min)
{
    play_with(CHUNKS * CHUNK_OBJECTS, true, name, scene, deviations, states_min);
}

static void objects_change_hands_through_the_depot(void)
{
    play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 2,
            .body = {use_local, use_depot},
            .start = {0, 1},
            .check = check},
        3, 500);
}

static void a_chunk_leaves_while_objects_are_wanted(void)
{
    play(
        __func__,
        &(struct sched_scene){
            .slots = 2,
            .threads = 2,
            .body = {use_local, use_and_shrink},
            .start = {0, 1},
            .check = check},
        3, 500);
}

static void two_shrink_while_one_gets(void)
{
    play(
        __func__,
        &(struct sched_scene){
            .slots = 3,
            .threads = 3,
            .body = {use_depot, shrink, shrink},
            .start = {0, 1, 2},
            .check = check},
        2, 500);
}

// The only chunk is being committed by one of them: the others need not wait, and must not be refused.
static void all_get_objects_of_a_chunk_that_is_coming(void)
{
    play_with(
        CHUNK_OBJECTS, false, __func__,
        &(struct sched_scene){
            .slots = 3,
            .threads = 3,
            .body = {use_two, use_two, use_depot},
            .start = {0, 1, 2},
            .check = check},
        2, 500);
}

static void a_chunk_does_not_leave_while_somebody_brings_it(void)
{
    stage.may_refuse = true; // while it leaves
    play_with(
        CHUNK_OBJECTS, false, __func__,
        &(struct sched_scene){
            .slots = 3,
            .threads = 3,
            .body = {use_depot, use_depot, use_and_shrink},
            .start = {0, 1, 2},
            .check = check},
        2, 500);
    stage.may_refuse = false;
}

T_MAIN(
    T_CASE(objects_change_hands_through_the_depot), T_CASE(a_chunk_leaves_while_objects_are_wanted),
    T_CASE(two_shrink_while_one_gets), T_CASE(all_get_objects_of_a_chunk_that_is_coming),
    T_CASE(a_chunk_does_not_leave_while_somebody_brings_it))
