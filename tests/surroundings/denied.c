// denied.c - the kernel refuses: each memory call of the system in turn, with each error that it knows for
// that call and with one that only a filter has. No crash, no hang, errors as promised, and what is free
// still serves.
// SPDX-License-Identifier: MIT
#include "../hosted/traffic.h"
#include "system.h"

#define CHILD_SECONDS 30
#define BLOCKS        4000

static void *blocks[BLOCKS];

/// Allocates up to BLOCKS blocks; returns how many there are. NULL must come with ENOMEM.
static size_t take(size_t size)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        errno = 0;
        blocks[i] = opaque(malloc(size));
        if (blocks[i] == NULL) {
            CHECK_AT(conform_errno() == ENOMEM, size);
            return i;
        }
        memset(blocks[i], 0xa5, size < 4096 ? size : 4096);
    }
    return BLOCKS;
}

static void give_back(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        errno = 77;
        free(blocks[i]);
        CHECK(conform_errno() == 77);
    }
}

/// Works through every kind of block. `unlimited` says that memory can still be had.
static void use_all_kinds(bool unlimited)
{
    static const size_t sizes[] = {48, 1000, 16000, 40000, 300000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t wanted = sizes[i] > 20000 ? 40 : BLOCKS;
        size_t count = 0;
        while (count < wanted) {
            errno = 0;
            blocks[count] = opaque(calloc(1, sizes[i]));
            if (blocks[count] == NULL) {
                CHECK_AT(conform_errno() == ENOMEM, sizes[i]);
                break;
            }
            CHECK_AT(conform_all(blocks[count], sizes[i], 0), sizes[i]);
            memset(blocks[count], 0xee, sizes[i]);
            count++;
        }
        CHECK_AT(count == wanted || !unlimited, sizes[i]);
        give_back(count);
    }
    for (size_t size = 2000000; size <= 32000000; size *= 2) {
        unsigned char *block = opaque(calloc(1, size));
        CHECK_AT(block != NULL || !unlimited, size);
        if (block != NULL) {
            CHECK_AT(conform_all(block, size, 0), size);
            memset(block, 0xee, size);
            unsigned char *grown = opaque(realloc(opaque(block), size + size / 2));
            CHECK_AT(grown != NULL || !unlimited, size);
            block = grown != NULL ? grown : block;
            CHECK_AT(conform_all(block, size, 0xee), size);
            grown = opaque(realloc(opaque(block), size / 3));
            block = grown != NULL ? grown : block;
            CHECK_AT(conform_all(block, size / 3, 0xee), size);
            free(block);
        }
    }
    (void)malloc_trim(0);
    void *small = opaque(malloc(48));
    CHECK(small != NULL || !unlimited);
    free(small);
}

static void without_new_memory(void *argument)
{
    struct rlimit nothing = {0, 0};
    (void)argument;
    // Every other block is free, so that there is something to serve from. The limit on data stops
    // brk, which must not be made to fail with an error code.
    static void *kept[BLOCKS / 2];
    CHECK(take(1000) == BLOCKS);
    for (size_t i = 0; i < BLOCKS / 2; i++) {
        kept[i] = blocks[2 * i];
        free(blocks[2 * i + 1]);
    }
    CHECK(setrlimit(RLIMIT_DATA, &nothing) == 0);
    CHECK(system_deny(SYS_mmap, ENOMEM) && system_deny(SYS_mremap, ENOMEM));
    size_t refused = 0;
    while (refused < 100) {
        void *block = opaque(malloc(20000000));
        refused += block == NULL;
        if (!CHECK(block == NULL && conform_errno() == ENOMEM)) {
            break;
        }
    }
    use_all_kinds(false);
    size_t count = take(1000);
    CHECK(count > BLOCKS / 2 - BLOCKS / 20);
    give_back(count);
    memcpy(blocks, kept, sizeof(kept));
    give_back(BLOCKS / 2);
    CHECK(take(1000) > BLOCKS - BLOCKS / 10);
}

/// A call that is to fail, and how.
struct refusal {
    long number;
    int error;
    bool unlimited; // memory can be had nevertheless
};

static void use_refused(void *argument)
{
    const struct refusal *refusal = argument;
    use_all_kinds(true);
    CHECK(system_deny(refusal->number, refusal->error));
    use_all_kinds(refusal->unlimited);
    use_all_kinds(refusal->unlimited);
}

static void new_mappings_are_refused(void)
{
    CHECK(process_exited(process_run(without_new_memory, NULL, CHILD_SECONDS), 0));
}

static void survives_without(long number, const int *errors, bool unlimited)
{
    for (size_t i = 0; errors[i] != 0; i++) {
        struct refusal refusal = {number, errors[i], unlimited};
        CHECK_AT(process_exited(process_run(use_refused, &refusal, CHILD_SECONDS), 0), errors[i]);
    }
}

static void munmap_is_refused(void)
{
    static const int errors[] = {ENOMEM, EINVAL, EPERM, 0};
    survives_without(SYS_munmap, errors, true);
}

static void madvise_is_refused(void)
{
    static const int errors[] = {EINVAL, EAGAIN, ENOMEM, EPERM, 0};
    survives_without(SYS_madvise, errors, true);
}

static void mremap_is_refused(void)
{
    static const int errors[] = {ENOMEM, EAGAIN, EINVAL, EPERM, 0};
    survives_without(SYS_mremap, errors, true);
}

static void mprotect_is_refused(void)
{
    static const int errors[] = {ENOMEM, EACCES, EPERM, 0};
    survives_without(SYS_mprotect, errors, false);
}

static void mmap_is_refused(void)
{
    static const int errors[] = {ENOMEM, EAGAIN, EPERM, 0};
    survives_without(SYS_mmap, errors, false);
}

static void nothing_can_be_given_back(void *argument)
{
    (void)argument;
    use_all_kinds(true);
    CHECK(system_deny(SYS_munmap, EPERM) && system_deny(SYS_madvise, EPERM));
    CHECK(system_deny(SYS_mremap, EPERM) && system_deny(SYS_mprotect, EPERM));
    for (unsigned round = 0; round < 4; round++) {
        use_all_kinds(true);
    }
    // What cannot be given back is used again: the fourth round needs no more than the third.
    size_t before = process_address_bytes();
    use_all_kinds(true);
    CHECK(process_address_bytes() <= before);
}

static void all_but_new_mappings_are_refused(void)
{
    CHECK(process_exited(process_run(nothing_can_be_given_back, NULL, CHILD_SECONDS), 0));
}

static void threads_without_membarrier(void *argument)
{
    static struct traffic traffic;
    pthread_t threads[4];
    (void)argument;
    CHECK(system_deny(SYS_membarrier, EPERM));
    for (unsigned round = 0; round < 6; round++) {
        // More and fewer threads by turns, so that slots fall idle and are taken over.
        size_t count = round % 2 == 0 ? 4 : 1;
        memset(&traffic, 0, sizeof(traffic));
        traffic.size_log2_max = 20;
        traffic.seed = round + 1;
        traffic.steps = 20000;
        traffic_start(&traffic, threads, count);
        traffic_end(&traffic, threads, count);
        traffic_clear(&traffic);
    }
}

static void membarrier_is_refused(void)
{
    CHECK(process_exited(process_run(threads_without_membarrier, NULL, CHILD_SECONDS), 0));
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(new_mappings_are_refused),
        CONFORM_CASE(munmap_is_refused),
        CONFORM_CASE(madvise_is_refused),
        CONFORM_CASE(mremap_is_refused),
        CONFORM_CASE(mprotect_is_refused),
        CONFORM_CASE(mmap_is_refused),
        CONFORM_CASE(all_but_new_mappings_are_refused),
        CONFORM_CASE(membarrier_is_refused),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
