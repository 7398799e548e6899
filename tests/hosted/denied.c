// denied.c - the kernel refuses: each memory call of the system in turn, and new mappings when
// there are too many. No crash, no hang, errors as promised, and what is free still serves.
// SPDX-License-Identifier: MIT
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "../conform/process.h"
#include "traffic.h"

#define CHILD_SECONDS 30
#define BLOCKS        4000

static void *blocks[BLOCKS];

/// From now on the system call `number` fails with `error`, for this process and for good.
static bool deny(long number, int error)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog all = {sizeof(program) / sizeof(program[0]), program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) == 0;
}

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
    CHECK(deny(SYS_mmap, ENOMEM) && deny(SYS_mremap, ENOMEM));
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

static void use_unlimited(void *argument)
{
    long number = *(const long *)argument;
    use_all_kinds(true);
    CHECK(deny(number, number == SYS_munmap || number == SYS_madvise ? EINVAL : ENOMEM));
    use_all_kinds(true);
    use_all_kinds(true);
}

static void new_mappings_are_refused(void)
{
    CHECK(process_exited(process_run(without_new_memory, NULL, CHILD_SECONDS), 0));
}

static void survives_without(long number)
{
    CHECK_AT(process_exited(process_run(use_unlimited, &number, CHILD_SECONDS), 0), number);
}

static void munmap_is_refused(void)
{
    survives_without(SYS_munmap);
}

static void madvise_is_refused(void)
{
    survives_without(SYS_madvise);
}

static void mremap_is_refused(void)
{
    survives_without(SYS_mremap);
}

static void mprotect_refused_makes_no_crash(void *argument)
{
    (void)argument;
    use_all_kinds(true);
    CHECK(deny(SYS_mprotect, ENOMEM));
    use_all_kinds(false);
    use_all_kinds(false);
}

static void mprotect_is_refused(void)
{
    CHECK(process_exited(process_run(mprotect_refused_makes_no_crash, NULL, CHILD_SECONDS), 0));
}

static void threads_without_membarrier(void *argument)
{
    static struct traffic traffic;
    pthread_t threads[4];
    (void)argument;
    CHECK(deny(SYS_membarrier, EPERM));
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

static void fill_the_map(void *argument)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    (void)argument;
    use_all_kinds(true);
    // Pages of alternating protection cannot merge: each is a mapping, until there may be no more.
    size_t bytes = 140000 * page;
    char *all = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!CHECK(all != MAP_FAILED)) {
        return;
    }
    size_t made = 0;
    while (made < bytes && mprotect(all + made, page, PROT_READ) == 0) {
        made += 2 * page;
    }
    use_all_kinds(false);
    use_all_kinds(false);
    CHECK(munmap(all, bytes) == 0);
    use_all_kinds(true);
}

static void the_number_of_mappings_is_exhausted(void)
{
    CHECK(process_exited(process_run(fill_the_map, NULL, CHILD_SECONDS), 0));
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(new_mappings_are_refused),
        CONFORM_CASE(munmap_is_refused),
        CONFORM_CASE(madvise_is_refused),
        CONFORM_CASE(mremap_is_refused),
        CONFORM_CASE(mprotect_is_refused),
        CONFORM_CASE(membarrier_is_refused),
        CONFORM_CASE(the_number_of_mappings_is_exhausted),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
