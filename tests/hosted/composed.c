// composed.c - large buffers that come and go: each is cut off, or composed of, mappings that were freed before.
//
// Every page of a buffer carries the buffer's seed and the page's number, and is looked at before the buffer goes: a
// page that two buffers had, or that was lost on the way, cannot hide. Other threads map and unmap meanwhile, so
// that an address that is free for a moment is soon somebody else's.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <sys/mman.h>

#include "../conform/process.h"
#include "acre/pages.h"

#define MIB        ((size_t)1 << 20)
#define PAGE       ((size_t)4096)
#define BUFFERS    6
#define STEPS      150
#define WORKERS    2
#define MIB_LEAST  1
#define MIB_SPREAD 15

struct buffer {
    char *bytes;
    size_t size;
    uint64_t seed;
};

struct worker {
    struct buffer buffers[BUFFERS];
    uint64_t random;
    size_t wrong; // pages, or buffers that were not to be had
    pthread_t thread;
};

static bool stop;

static void stamp(const struct buffer *buffer)
{
    for (size_t at = 0; at < buffer->size; at += PAGE) {
        uint64_t word = buffer->seed + at;
        memcpy(buffer->bytes + at, &word, sizeof(word));
    }
}

static size_t wrong_pages(const struct buffer *buffer, size_t bytes)
{
    size_t wrong = 0;
    for (size_t at = 0; at + sizeof(uint64_t) <= bytes; at += PAGE) {
        uint64_t word;
        memcpy(&word, buffer->bytes + at, sizeof(word));
        wrong += word != buffer->seed + at;
    }
    return wrong;
}

static bool reads_as_zero(const struct buffer *buffer)
{
    for (size_t at = 0; at + sizeof(uint64_t) <= buffer->size; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, buffer->bytes + at, sizeof(word));
        if (word != 0) {
            return false;
        }
    }
    return true;
}

static size_t random_size(uint64_t *random)
{
    return MIB_LEAST * MIB + (size_t)(conform_random(random) % (MIB_SPREAD * MIB)) / 8 * 8;
}

/// Another buffer in the place of one.
static void replace(struct worker *worker, struct buffer *buffer)
{
    worker->wrong += buffer->bytes == NULL ? 0 : wrong_pages(buffer, buffer->size);
    free(buffer->bytes);
    buffer->size = random_size(&worker->random);
    buffer->seed = conform_random(&worker->random);
    bool zero = conform_random(&worker->random) % 4 == 0;
    buffer->bytes = opaque(zero ? calloc(1, buffer->size) : malloc(buffer->size));
    if (buffer->bytes == NULL || (zero && !reads_as_zero(buffer))) {
        worker->wrong += 1;
        return;
    }
    stamp(buffer);
}

static void resize(struct worker *worker, struct buffer *buffer)
{
    size_t size = random_size(&worker->random);
    size_t kept = size < buffer->size ? size : buffer->size;
    char *moved = opaque(realloc(buffer->bytes, size));
    if (moved == NULL) {
        worker->wrong += 1;
        return;
    }
    buffer->bytes = moved;
    buffer->size = size;
    worker->wrong += wrong_pages(buffer, kept);
    stamp(buffer);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    for (unsigned step = 0; step < STEPS; step++) {
        struct buffer *buffer = &worker->buffers[conform_random(&worker->random) % BUFFERS];
        if (buffer->bytes == NULL || conform_random(&worker->random) % 5 != 0) {
            replace(worker, buffer);
        } else {
            resize(worker, buffer);
        }
    }
    for (unsigned i = 0; i < BUFFERS; i++) {
        struct buffer *buffer = &worker->buffers[i];
        worker->wrong += buffer->bytes == NULL ? 0 : wrong_pages(buffer, buffer->size);
        free(buffer->bytes);
        buffer->bytes = NULL;
    }
    return NULL;
}

/// Maps what is free at the moment, writes there, and looks at it again a little later.
static void *take_holes(void *argument)
{
    enum { HOLES = 16 };
    uint64_t *holes[HOLES] = {NULL};
    size_t *wrong = argument;
    for (uint64_t round = 1; !__atomic_load_n(&stop, __ATOMIC_RELAXED); round++) {
        uint64_t **hole = &holes[round % HOLES];
        if (*hole != NULL) {
            *wrong += **hole != round - HOLES;
            (void)munmap(*hole, MIB);
        }
        void *mapped = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *hole = mapped == MAP_FAILED ? NULL : mapped;
        if (*hole != NULL) {
            **hole = round;
        }
    }
    for (unsigned i = 0; i < HOLES; i++) {
        if (holes[i] != NULL) {
            (void)munmap(holes[i], MIB);
        }
    }
    return NULL;
}

static void buffers_are_whole_after_churn(void)
{
    static struct worker workers[WORKERS];
    pthread_t taker;
    size_t wrong = 0;
    (void)CHECK(pthread_create(&taker, NULL, take_holes, &wrong) == 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.random = conform_seed() + i};
        (void)CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        (void)CHECK(pthread_join(workers[i].thread, NULL) == 0);
        (void)CHECK(workers[i].wrong == 0);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    (void)CHECK(pthread_join(taker, NULL) == 0);
    (void)CHECK(wrong == 0);
}

/// A program may have made its block several mappings of the kernel's. Most kernels do not move such as one; they have
/// unmapped by then what was to be moved to.
static void buffers_that_the_program_has_split_are_whole_too(void)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct worker worker = {.random = conform_seed() + 7};
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned i = 0; i < BUFFERS; i++) {
            struct buffer *buffer = &worker.buffers[i];
            replace(&worker, buffer);
            uintptr_t middle = ((uintptr_t)buffer->bytes + buffer->size / 2) & ~(page - 1);
            (void)CHECK(madvise((void *)middle, page, MADV_DONTFORK) == 0);
        }
        replace(&worker, &worker.buffers[round % BUFFERS]);
        replace(&worker, &worker.buffers[(round + 1) % BUFFERS]);
    }
    for (unsigned i = 0; i < BUFFERS; i++) {
        worker.wrong += wrong_pages(&worker.buffers[i], worker.buffers[i].size);
        free(worker.buffers[i].bytes);
    }
    (void)CHECK(worker.wrong == 0);
}

/// The page source itself: it moves one mapping, and leaves several where they are, on every kernel.
static void source_moves_one_mapping_and_not_several(void)
{
    acre_pages *(*source)(void) = NULL;
    if (!conform_lookup("acre_pages_mmap", &source)) {
        (void)CHECK(!conform_on_acre());
        return;
    }
    acre_pages *pages = source();
    const size_t bytes = 8 * pages->page_bytes;
    char *from = pages->reserve(pages, bytes, pages->page_bytes);
    char *to = pages->reserve(pages, bytes, pages->page_bytes);
    (void)CHECK(pages->commit(pages, from, bytes) == ACRE_OK);
    (void)CHECK(pages->commit(pages, to, bytes) == ACRE_OK);
    memset(from, 1, bytes);
    (void)CHECK(madvise(from + 2 * pages->page_bytes, pages->page_bytes, MADV_DONTFORK) == 0);
    (void)CHECK(pages->move(pages, from, bytes, to) != ACRE_OK);
    for (size_t i = 0; i < bytes; i++) {
        (void)CHECK_AT(from[i] == 1, i);
    }
    (void)CHECK(madvise(from + 2 * pages->page_bytes, pages->page_bytes, MADV_DOFORK) == 0);
    // Anybody may have what is at `to` now; as nobody else runs, it is there still.
    (void)CHECK(pages->move(pages, from, bytes, to) == ACRE_OK);
    (void)CHECK(to[0] == 1 && to[bytes - 1] == 1);
    (void)CHECK(pages->release(pages, to, bytes) == ACRE_OK);
}

/// What is kept is used before memory is faulted in: a buffer for another costs few page faults.
static void kept_memory_is_used_again_whatever_the_sizes(void)
{
    static struct worker worker;
    struct rusage before;
    struct rusage after;
    worker.random = 11; // what is kept may not suffice, by chance: always the same sizes
    size_t bytes = 0;
    for (unsigned i = 0; i < 3 * BUFFERS; i++) {
        replace(&worker, &worker.buffers[i % BUFFERS]);
    }
    (void)getrusage(RUSAGE_SELF, &before);
    for (unsigned i = 0; i < 20 * BUFFERS; i++) {
        replace(&worker, &worker.buffers[i % BUFFERS]);
        bytes += worker.buffers[i % BUFFERS].size;
    }
    (void)getrusage(RUSAGE_SELF, &after);
    size_t faults = (size_t)(after.ru_minflt - before.ru_minflt);
    conform_say("# %zu pages in new buffers, %zu page faults", bytes / PAGE, faults);
    (void)CHECK(faults < bytes / PAGE / 4 || !conform_on_acre());
    for (unsigned i = 0; i < BUFFERS; i++) {
        free(worker.buffers[i].bytes);
    }
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(kept_memory_is_used_again_whatever_the_sizes),
        CONFORM_CASE(buffers_are_whole_after_churn),
        CONFORM_CASE(buffers_that_the_program_has_split_are_whole_too),
        CONFORM_CASE(source_moves_one_mapping_and_not_several),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
