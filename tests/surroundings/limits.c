// limits.c - under a limit of address space or of data: most of it can be had, then NULL with ENOMEM, and
// full service after frees, in blocks of the same kind and of others.
// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "../conform/process.h"

#define LIMIT_BYTES   ((size_t)512 << 20)
#define CHILD_SECONDS 60

/// What acre promises of what is left of the limit when main begins, in percent; what must be had again
/// after all was freed; and of the whole limit after blocks of other sizes.
#define SHARE_MIN       90
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

/// What a program started under a limit is to do: fill what is left of it with blocks of one size.
struct order {
    int resource;
    size_t limit_bytes;
    size_t size;
    size_t left_bytes; // of the limit when the program begins
};

/// What of the limit is used now. The kernel counts stacks as data where it shows them, not where it
/// limits them.
static size_t counted_bytes(int resource)
{
    return resource == RLIMIT_AS ? process_address_bytes() : process_memory(5);
}

static void exhaust_and_recover(const struct order *order)
{
    const size_t size = order->size;
    struct chain chain = {NULL, 0};

    exhaust(&chain, size);
    size_t first = chain.count;
    size_t asked = first * size / (order->left_bytes / 1000);
    size_t usable =
        first == 0 ? 0 : first * malloc_usable_size(chain.head) / (order->left_bytes / 1000);
    conform_say(
        "# %s %3zu MiB, blocks of %7zu bytes: %zu.%zu percent of what was left, %zu.%zu with what "
        "they are larger",
        order->resource == RLIMIT_AS ? "RLIMIT_AS  " : "RLIMIT_DATA", order->limit_bytes >> 20,
        size, asked / 10, asked % 10, usable / 10, usable % 10);
    CHECK_AT(usable >= SHARE_MIN * 10 || !conform_on_acre(), size);

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

static void exhaust_in_a_new_program(void *argument)
{
    const struct order *order = argument;
    const struct rlimit limit = {order->limit_bytes, order->limit_bytes};
    char words[3][32];
    (void)snprintf(words[0], sizeof(words[0]), "%d", order->resource);
    (void)snprintf(words[1], sizeof(words[1]), "%zu", order->limit_bytes);
    (void)snprintf(words[2], sizeof(words[2]), "%zu", order->size);
    char *const arguments[] = {"limits", words[0], words[1], words[2], NULL};
    CHECK(setrlimit((__rlimit_resource_t)order->resource, &limit) == 0);
    (void)execv("/proc/self/exe", arguments);
    CHECK(false);
}

static void most_of_each_limit_can_be_had(int resource)
{
    static const size_t limits_mib[] = {32, 48, 64, 128, 512};
    const size_t count = resource == RLIMIT_AS ? 5 : 4; // the last takes most of the time
    static const size_t sizes[] = {48, 600, 5000, 40960, 307200, 2097152};
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            struct order order = {resource, limits_mib[i] << 20, sizes[k], 0};
            int status = process_run(exhaust_in_a_new_program, &order, CHILD_SECONDS);
            CHECK_AT(process_exited(status, 0), limits_mib[i] * 10000000 + sizes[k]);
        }
    }
}

static void most_of_the_address_space_can_be_had_again_and_again(void)
{
    most_of_each_limit_can_be_had(RLIMIT_AS);
}

static void most_of_the_data_can_be_had_again_and_again(void)
{
    most_of_each_limit_can_be_had(RLIMIT_DATA);
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
    const struct order last = {RLIMIT_AS, LIMIT_BYTES, 250000, LIMIT_BYTES};
    exhaust_and_recover(&last);
}

static void threads_meet_the_limit_together(void)
{
    CHECK(process_exited(process_run(exhaust_in_many_threads, NULL, CHILD_SECONDS), 0));
}

int main(int argument_count, char **arguments)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(most_of_the_address_space_can_be_had_again_and_again),
        CONFORM_CASE(most_of_the_data_can_be_had_again_and_again),
        CONFORM_CASE(memory_of_one_kind_serves_every_other),
        CONFORM_CASE(every_function_fails_rightly_at_the_limit),
        CONFORM_CASE(threads_meet_the_limit_together),
    };
    if (argument_count == 4) {
        struct order order = {
            (int)strtol(arguments[1], NULL, 10), strtoull(arguments[2], NULL, 10),
            strtoull(arguments[3], NULL, 10), 0};
        order.left_bytes = order.limit_bytes - counted_bytes(order.resource);
        exhaust_and_recover(&order);
        return conform_failures == 0 ? 0 : 1;
    }
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
