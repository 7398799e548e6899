// limits.c - under a limit of address space: most of it can be had, then NULL with ENOMEM, and full
// service after frees, in blocks of the same kind and of others.
// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "../conform/process.h"

#define LIMIT_BYTES   ((size_t)512 << 20)
#define CHILD_SECONDS 60

/// What acre promises of the limit, in percent, and what must be had again after all was freed.
#define SHARE_MIN       85
#define AGAIN_MIN       90
#define OTHER_SHARE_MIN 75

/// Blocks are chained through their first words, so that counting them needs no memory.
struct chained {
    struct chained *next;
    size_t index;
};

struct chain {
    struct chained *head;
    size_t count;
};

/// Allocates blocks until there are no more, and checks how that ends.
static void exhaust(struct chain *chain, size_t size)
{
    for (;;) {
        errno = 0;
        struct chained *block = opaque(malloc(size));
        if (block == NULL) {
            CHECK_AT(conform_errno() == ENOMEM, size);
            return;
        }
        block->next = chain->head;
        block->index = chain->count;
        ((volatile char *)block)[size - 1] = 1;
        chain->head = block;
        chain->count++;
    }
}

/// Frees all blocks, or every other one. Checks that each is still whole.
static void free_chain(struct chain *chain, bool every_other)
{
    struct chain kept = {NULL, 0};
    size_t index = chain->count;
    for (struct chained *block = chain->head; block != NULL;) {
        struct chained *next = block->next;
        if (!CHECK(block->index == --index)) {
            return;
        }
        if (every_other && index % 2 == 1) {
            block->next = kept.head;
            block->index = kept.count++;
            kept.head = block;
        } else {
            free(block);
        }
        block = next;
    }
    *chain = kept;
}

/// The chain of blocks that every other one was freed of counts the other way round.
static void free_reversed(struct chain *chain)
{
    for (struct chained *block = chain->head; block != NULL;) {
        struct chained *next = block->next;
        free(block);
        block = next;
    }
    chain->head = NULL;
    chain->count = 0;
}

static void exhaust_and_recover(void *argument)
{
    const size_t size = *(const size_t *)argument;
    struct chain chain = {NULL, 0};
    CHECK(process_limit_address_space(LIMIT_BYTES));

    exhaust(&chain, size);
    size_t first = chain.count;
    size_t percent = first * size / (LIMIT_BYTES / 100);
    conform_say("# %8zu-byte blocks: %zu percent of the limit", size, percent);
    CHECK_AT(percent >= SHARE_MIN || !conform_on_acre(), size);

    free_chain(&chain, true);
    size_t kept = chain.count;
    struct chain refill = {NULL, 0};
    exhaust(&refill, size);
    CHECK_AT((kept + refill.count) * 100 >= first * AGAIN_MIN || !conform_on_acre(), size);
    free_chain(&refill, false);
    free_reversed(&chain);

    exhaust(&chain, size);
    CHECK_AT(chain.count * 100 >= first * AGAIN_MIN || !conform_on_acre(), size);
    free_chain(&chain, false);
}

static void most_of_the_limit_can_be_had_again_and_again(void)
{
    static const size_t sizes[] = {64, 1024, 16384, 65536, 250000, 4000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t size = sizes[i];
        CHECK_AT(process_exited(process_run(exhaust_and_recover, &size, CHILD_SECONDS), 0), size);
    }
}

static void exhaust_with_many_kinds(void *argument)
{
    static const size_t sizes[] = {64, 4000000, 1024, 250000, 100, 1500000, 64};
    struct chain chain = {NULL, 0};
    (void)argument;
    CHECK(process_limit_address_space(LIMIT_BYTES));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        exhaust(&chain, sizes[i]);
        size_t percent = chain.count * sizes[i] / (LIMIT_BYTES / 100);
        conform_say("# then %8zu-byte blocks: %zu percent of the limit", sizes[i], percent);
        CHECK_AT(percent >= OTHER_SHARE_MIN || !conform_on_acre(), sizes[i]);
        free_chain(&chain, false);
    }
}

static void memory_of_one_kind_serves_every_other(void)
{
    CHECK(process_exited(process_run(exhaust_with_many_kinds, NULL, CHILD_SECONDS), 0));
}

static void fail_in_every_function(void *argument)
{
    struct chain chain = {NULL, 0};
    (void)argument;
    unsigned char *block = opaque(malloc(3000000));
    conform_fill(block, 3000000, 1);
    CHECK(process_limit_address_space(LIMIT_BYTES / 4));
    exhaust(&chain, 900000);
    exhaust(&chain, 100000);
    const size_t much = LIMIT_BYTES / 8;
    errno = 0;
    CHECK(opaque(calloc(1, much)) == NULL && conform_errno() == ENOMEM);
    errno = 0;
    CHECK(opaque(realloc(opaque(block), much)) == NULL && conform_errno() == ENOMEM);
    CHECK(conform_filled(block, 3000000, 1));
    errno = 0;
    CHECK(opaque(memalign(4096, much)) == NULL && conform_errno() == ENOMEM);
    errno = 0;
    CHECK(opaque(aligned_alloc(64, much)) == NULL && conform_errno() == ENOMEM);
    errno = 0;
    CHECK(opaque(valloc(much)) == NULL && conform_errno() == ENOMEM);
    errno = 0;
    CHECK(opaque(pvalloc(much)) == NULL && conform_errno() == ENOMEM);
    void *out = &out;
    CHECK(posix_memalign(&out, 4096, much) == ENOMEM && out == &out);
    free(block);
    free_reversed(&chain);
    block = opaque(malloc(3000000));
    CHECK(block != NULL);
    free(block);
}

static void every_function_fails_rightly_at_the_limit(void)
{
    CHECK(process_exited(process_run(fail_in_every_function, NULL, CHILD_SECONDS), 0));
}

static void *exhaust_in_a_thread(void *argument)
{
    struct chain chain = {NULL, 0};
    const size_t *size = argument;
    for (unsigned round = 0; round < 3; round++) {
        exhaust(&chain, *size);
        free_chain(&chain, false);
    }
    return NULL;
}

static void exhaust_in_many_threads(void *argument)
{
    static const size_t sizes[] = {200, 3000, 50000, 2000000};
    pthread_t threads[4];
    pthread_attr_t small_stack;
    (void)argument;
    CHECK(process_limit_address_space(LIMIT_BYTES));
    CHECK(pthread_attr_init(&small_stack) == 0);
    CHECK(pthread_attr_setstacksize(&small_stack, 128 * 1024) == 0);
    for (size_t i = 0; i < 4; i++) {
        void *size = opaque((void *)(uintptr_t)&sizes[i]);
        CHECK(pthread_create(&threads[i], &small_stack, exhaust_in_a_thread, size) == 0);
    }
    for (size_t i = 0; i < 4; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    size_t last = 250000;
    exhaust_and_recover(&last);
}

static void threads_meet_the_limit_together(void)
{
    CHECK(process_exited(process_run(exhaust_in_many_threads, NULL, CHILD_SECONDS), 0));
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(most_of_the_limit_can_be_had_again_and_again),
        CONFORM_CASE(memory_of_one_kind_serves_every_other),
        CONFORM_CASE(every_function_fails_rightly_at_the_limit),
        CONFORM_CASE(threads_meet_the_limit_together),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
