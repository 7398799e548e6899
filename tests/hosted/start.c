// start.c - the heap serves before any constructor has run and after the last destructor.
// SPDX-License-Identifier: MIT
#include <malloc.h>

#include "../conform/process.h"

#define BLOCKS 60

/// Blocks that were made in one phase of the start and are checked and freed in another.
struct phase {
    unsigned char *blocks[BLOCKS];
    bool whole;
};

static struct phase before_all;
static struct phase first_constructor;
static struct phase last_constructor;

static size_t block_size(size_t i)
{
    return i == 10 ? 40000 : i == 20 ? 300000 : i == 30 ? 5000000 : i * i + 1;
}

static void make(struct phase *phase)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        unsigned char *block =
            i % 3 == 0 ? opaque(calloc(1, block_size(i))) : opaque(malloc(block_size(i)));
        if (block == NULL) {
            abort();
        }
        block = i % 5 == 0 ? opaque(realloc(block, block_size(i) + 100)) : block;
        conform_fill(block, block_size(i) < 4000 ? block_size(i) : 4000, i);
        phase->blocks[i] = block;
    }
    free(opaque(memalign(4096, 10)));
    free(opaque(NULL));
}

static bool unmake(struct phase *phase)
{
    bool whole = true;
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t bytes = block_size(i) < 4000 ? block_size(i) : 4000;
        whole &= conform_filled(phase->blocks[i], bytes, i);
        free(phase->blocks[i]);
        phase->blocks[i] = NULL;
    }
    return whole;
}

static void make_before_all(int count, char **values, char **environment)
{
    (void)count;
    (void)values;
    (void)environment;
    make(&before_all);
}

__attribute__((section(".preinit_array"), used)) static void (*const before_constructors)(
    int, char **, char **) = make_before_all;

__attribute__((constructor(101))) static void construct_first(void)
{
    make(&first_constructor);
}

__attribute__((constructor)) static void construct_last(void)
{
    make(&last_constructor);
    first_constructor.whole = unmake(&first_constructor);
    make(&first_constructor);
}

/// Runs after every other destructor of the program; a failure here can only change the status.
__attribute__((destructor(101))) static void destroy_last(void)
{
    make(&before_all);
    if (!unmake(&before_all) || !unmake(&first_constructor)) {
        _exit(1);
    }
    make(&before_all);
}

static void blocks_from_before_the_constructors_are_whole(void)
{
    CHECK(unmake(&before_all));
}

static void blocks_from_constructors_are_whole(void)
{
    CHECK(first_constructor.whole);
    CHECK(unmake(&last_constructor));
}

static void the_program_runs_a_second_time_by_exec(void)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (getenv("START_AGAIN") != NULL || !CHECK(length > 0)) {
        return;
    }
    self[length] = '\0';
    pid_t child = fork();
    if (child == 0) {
        (void)setenv("START_AGAIN", "1", 1);
        (void)execl(self, self, (char *)NULL);
        _exit(1);
    }
    CHECK(process_exited(process_wait(child, 20), 0));
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(blocks_from_before_the_constructors_are_whole),
        CONFORM_CASE(blocks_from_constructors_are_whole),
        CONFORM_CASE(the_program_runs_a_second_time_by_exec),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
