// mappings.c - the number of mappings of a process is limited (vm.max_map_count). When there may be no more in
// the middle of work, whatever of the system's calls would have to split a mapping fails: no crash, nothing
// broken, NULL with ENOMEM, and full service once mappings are to be had again. And of itself the heap needs
// few: 1 000, and one more for each 64 MiB.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <pthread.h>

#include "system.h"

#define CHILD_SECONDS 60
#define MIB           ((size_t)1 << 20)

/// Blocks whose contents are checked; NULL where none could be had.
enum { BLOCKS_MAX = 400000 };

struct held {
    unsigned char *at;
    size_t size;
};

static struct held held[BLOCKS_MAX];

static size_t size_of_any_kind(uint64_t *random)
{
    uint64_t kind = conform_random(random) % 4096;
    unsigned log2 = kind == 0 ? 23 : kind < 32 ? 20 : kind < 256 ? 14 : 10;
    return 16 + conform_random(random) % ((size_t)1 << log2);
}

static size_t marked_bytes(size_t size)
{
    return size < 128 ? size / 2 : 64;
}

/// Writes to every page, so that it holds memory, and marks both ends.
static void mark(const struct held *block)
{
    for (size_t at = 0; at < block->size; at += 4096) {
        block->at[at] = 1;
    }
    conform_fill(block->at, marked_bytes(block->size), block->size);
    conform_fill(
        block->at + block->size - marked_bytes(block->size), marked_bytes(block->size),
        block->size);
}

/// Allocates into a place. Returns whether there was memory; if not, that must be said rightly.
static bool take(struct held *block, size_t size)
{
    errno = 0;
    block->at = opaque(malloc(size));
    block->size = size;
    if (block->at == NULL) {
        (void)CHECK_AT(conform_errno() == ENOMEM, size);
        return false;
    }
    mark(block);
    return true;
}

static bool is_whole(const struct held *block, size_t bytes)
{
    size_t end = marked_bytes(block->size);
    return conform_filled(block->at, bytes < end ? bytes : end, block->size) &&
           (bytes < block->size || conform_filled(block->at + block->size - end, end, block->size));
}

static void drop(struct held *block)
{
    if (block->at != NULL) {
        (void)CHECK_AT(is_whole(block, block->size), block->size);
        errno = 77;
        free(block->at);
        (void)CHECK(conform_errno() == 77);
        block->at = NULL;
    }
}

static void resize(struct held *block, size_t size)
{
    errno = 0;
    unsigned char *moved = opaque(realloc(block->at, size));
    if (moved == NULL) {
        (void)CHECK_AT(conform_errno() == ENOMEM, size);
        (void)CHECK_AT(is_whole(block, block->size), block->size);
        return;
    }
    size_t kept = block->size < size ? block->size : size;
    block->at = moved;
    (void)CHECK_AT(conform_filled(moved, marked_bytes(kept), block->size), size);
    block->size = size;
    mark(block);
}

/// Steps of work on places from `first` on. Returns how often there was no memory.
static size_t churn(size_t first, size_t places, size_t steps, uint64_t *random)
{
    size_t refused = 0;
    for (size_t step = 0; step < steps; step++) {
        struct held *block = &held[first + conform_random(random) % places];
        size_t size = size_of_any_kind(random);
        if (block->at == NULL) {
            refused += take(block, size) ? 0 : 1;
        } else if (conform_random(random) % 4 == 0) {
            resize(block, size);
        } else {
            drop(block);
        }
    }
    return refused;
}

static void drop_all(size_t first, size_t places)
{
    for (size_t i = first; i < first + places; i++) {
        drop(&held[i]);
    }
}

/// Fills places, of which then every other one is dropped again: gaps everywhere.
static void fill_with_gaps(size_t places, uint64_t *random)
{
    for (size_t i = 0; i < places; i++) {
        (void)CHECK(take(&held[i], size_of_any_kind(random)));
    }
    for (size_t i = 0; i < places; i += 2) {
        drop(&held[i]);
    }
}

static void expect_full_service(uint64_t *random)
{
    (void)CHECK(churn(0, 4000, 20000, random) == 0);
    drop_all(0, 4000);
    for (size_t size = MIB; size <= 64 * MIB; size *= 2) {
        struct held huge;
        if (CHECK_AT(take(&huge, size), size)) {
            resize(&huge, size + size / 2);
            (void)CHECK_AT(huge.size == size + size / 2, size);
            drop(&huge);
        }
    }
}

static void work_at_the_limit(void *argument)
{
    uint64_t random = *(uint64_t *)argument;
    struct system_stripes stripes;
    fill_with_gaps(20000, &random);
    if (!CHECK(system_use_up_mappings(&stripes))) {
        return;
    }
    size_t refused = 0;
    for (unsigned round = 0; round < 6; round++) {
        refused += churn(0, 20000, 8000, &random);
        if (round == 2) {
            (void)malloc_trim(0);
        }
        if (round == 3) {
            drop_all(0, 20000);
        }
        if (round == 4) {
            system_free_mappings(&stripes, 6); // some steps succeed, then they fail again
        }
    }
    conform_say("# requests refused at the limit of mappings: %zu", refused);
    drop_all(0, 20000);
    system_end_stripes(&stripes);
    expect_full_service(&random);
}

static void no_more_mappings_in_the_middle_of_work(void)
{
    uint64_t seed = conform_seed();
    CHECK(process_exited(process_run(work_at_the_limit, &seed, CHILD_SECONDS), 0));
}

/// Huge blocks side by side are one mapping of the kernel's. To unmap one in the middle needs one more.
static void free_in_the_middle(void *unused)
{
    enum { HUGE = 40 };
    struct system_stripes stripes;
    (void)unused;
    for (size_t i = 0; i < HUGE; i++) {
        (void)CHECK(take(&held[i], 3 * MIB));
    }
    if (!CHECK(system_use_up_mappings(&stripes))) {
        return;
    }
    for (size_t i = 1; i < HUGE; i += 2) {
        drop(&held[i]);
    }
    for (size_t i = 0; i < HUGE; i += 2) {
        resize(&held[i], 2 * MIB); // each leaves a gap
    }
    // What could not be unmapped is there still, and serves.
    size_t served = 0;
    for (size_t i = 1; i < HUGE; i += 2) {
        served += take(&held[i], 3 * MIB) ? 1 : 0;
    }
    conform_say("# huge blocks served again at the limit: %zu of %d", served, HUGE / 2);
    (void)CHECK(served >= HUGE / 2 - 2 || !conform_on_acre());
    drop_all(0, HUGE);
    system_end_stripes(&stripes);
    uint64_t random = 5;
    expect_full_service(&random);
    (void)malloc_trim(0);
    (void)CHECK(process_resident_bytes() < 40 * MIB || !conform_on_acre());
}

static void huge_blocks_that_cannot_be_unmapped_serve_again(void)
{
    CHECK(process_exited(process_run(free_in_the_middle, NULL, CHILD_SECONDS), 0));
}

static void *churn_in_a_thread(void *argument)
{
    size_t number = (size_t)(uintptr_t)argument;
    uint64_t random = 77 + number;
    for (unsigned round = 0; round < 10; round++) {
        (void)churn(number * 3000, 3000, 3000, &random);
    }
    return NULL;
}

static void threads_at_the_limit(void *unused)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    struct system_stripes stripes;
    uint64_t random = 99;
    (void)unused;
    for (size_t i = 0; i < THREADS; i++) {
        (void)CHECK(
            pthread_create(&threads[i], NULL, churn_in_a_thread, (void *)(uintptr_t)i) == 0);
    }
    bool used_up = CHECK(system_use_up_mappings(&stripes));
    for (size_t i = 0; i < THREADS; i++) {
        (void)CHECK(pthread_join(threads[i], NULL) == 0);
    }
    (void)churn(0, 3000 * (size_t)THREADS, 5000, &random); // what one thread left another frees
    drop_all(0, 3000 * (size_t)THREADS);
    if (used_up) {
        system_end_stripes(&stripes);
    }
    expect_full_service(&random);
}

static void threads_meet_the_limit_together(void)
{
    CHECK(process_exited(process_run(threads_at_the_limit, NULL, CHILD_SECONDS), 0));
}

/// The promise for a heap of so many bytes.
static void expect_few_mappings(const char *when, size_t before, size_t heap_bytes)
{
    size_t now = system_mappings();
    size_t most = 1000 + heap_bytes / (64 * MIB);
    conform_say(
        "# %s: %zu mappings, %zu before; heap %zu MiB", when, now, before, heap_bytes / MIB);
    (void)CHECK(now - before <= most || !conform_on_acre());
}

static void churn_more_than_a_gibibyte(void *argument)
{
    uint64_t random = *(uint64_t *)argument;
    size_t before = system_mappings();
    size_t bytes = 0;
    size_t count = 0;
    while (bytes < 1100 * MIB && count < BLOCKS_MAX) {
        struct held *block = &held[count++];
        bytes += take(block, size_of_any_kind(&random)) ? block->size : 0;
    }
    (void)CHECK(bytes >= 1024 * MIB);
    expect_few_mappings("filled", before, bytes);
    for (size_t i = 0; i < count; i++) {
        if (i % 3 != 0) {
            bytes -= held[i].size;
            drop(&held[i]);
        }
    }
    (void)malloc_trim(0); // all that is free goes back: gaps in every mapping
    expect_few_mappings("two in three freed, trimmed", before, bytes);
    for (unsigned round = 0; round < 3; round++) {
        (void)CHECK(churn(0, count, count / 2, &random) == 0);
        (void)malloc_trim(0);
    }
    expect_few_mappings("after churn", before, bytes);
    drop_all(0, count);
    (void)malloc_trim(0);
    expect_few_mappings("all freed, trimmed", before, 0);
}

static void large_heap_needs_few_mappings(void)
{
    uint64_t seed = conform_seed();
    CHECK(process_exited(process_run(churn_more_than_a_gibibyte, &seed, CHILD_SECONDS), 0));
}

int main(int argument_count, char **arguments)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(no_more_mappings_in_the_middle_of_work),
        CONFORM_CASE(huge_blocks_that_cannot_be_unmapped_serve_again),
        CONFORM_CASE(threads_meet_the_limit_together),
        CONFORM_CASE(large_heap_needs_few_mappings),
    };
    // In a guest with little memory: without the last, which needs more than a gibibyte.
    bool small = argument_count == 2 && strcmp(arguments[1], "limit") == 0;
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]) - (small ? 1 : 0));
}
