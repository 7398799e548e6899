// with_malloc.c - the patterns of bench/pools (work.h) on malloc, whichever is preloaded.
//
//     with_malloc one_type|constructed|request
//
// SPDX-License-Identifier: MIT
#include "work.h"

static uint64_t add(void)
{
    return (uintptr_t)malloc(WORK_OBJECT_BYTES);
}

static uint64_t add_built(void)
{
    void *object = malloc(WORK_BUILT_BYTES);
    if (object != NULL) {
        work_build(object);
    }
    return (uintptr_t)object;
}

static uint64_t *at(uint64_t name)
{
    return (uint64_t *)(uintptr_t)name;
}

static void drop(uint64_t name)
{
    free((void *)(uintptr_t)name);
}

static void *blocks[WORK_BLOCKS];
static uint32_t block_count;

static void *alloc(size_t size)
{
    void *block = malloc(size);
    blocks[block_count] = block;
    block_count += 1;
    return block;
}

static void end(void)
{
    while (block_count != 0) {
        block_count -= 1;
        free(blocks[block_count]);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "one_type") == 0) {
        work_one_type("malloc", WORK_OBJECTS, add, at, drop);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "constructed") == 0) {
        work_one_type("malloc", WORK_BUILT, add_built, at, drop);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "request") == 0) {
        work_request("malloc", alloc, end);
        return 0;
    }
    (void)fputs("usage: with_malloc one_type|constructed|request\n", stderr);
    return 2;
}
