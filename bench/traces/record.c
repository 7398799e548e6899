// record.c - writes down what a program asks of malloc: a library to preload, for measure_rt_memory.py.
//
// The file named by REC_FILE gets a header word, the number of events, and three words for each: kind and
// size, the block, and for realloc the old block. It is mapped, so nothing need be written at the end. It
// is made anew: a process that finds it there already, such as a child, records nothing.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { EVENTS_MAX = 1 << 22 };
enum { ALLOC = 1, FREE, REALLOC };

struct event {
    uint64_t kind_size; // kind in the top byte
    uint64_t block;
    uint64_t old; // of realloc; of an aligned block: the alignment
};

struct file {
    uint64_t count;
    struct event event[EVENTS_MAX];
};

// The C library's own names for what is replaced here.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *block);

static struct file *file;
static int opened;

static void stop_in_child(void)
{
    file = NULL;
}

static void open_file(void)
{
    opened = 1;
    const char *name = getenv("REC_FILE");
    int fd = name == NULL ? -1 : open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) {
        return;
    }
    void *mapped = MAP_FAILED;
    if (ftruncate(fd, sizeof(struct file)) == 0) {
        mapped = mmap(NULL, sizeof(struct file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    (void)close(fd);
    if (mapped != MAP_FAILED) {
        file = mapped;
        (void)pthread_atfork(NULL, NULL, stop_in_child);
    }
}

static void note(unsigned kind, size_t size, const void *block, uint64_t old)
{
    if (!opened) {
        open_file();
    }
    if (file == NULL) {
        return;
    }
    uint64_t at = __atomic_fetch_add(&file->count, 1, __ATOMIC_RELAXED);
    if (at < EVENTS_MAX) {
        file->event[at] =
            (struct event){(uint64_t)kind << 56 | size, (uint64_t)(uintptr_t)block, old};
    }
}

void *malloc(size_t size)
{
    void *block = __libc_malloc(size);
    note(ALLOC, size, block, 0);
    return block;
}

void *calloc(size_t count, size_t size)
{
    void *block = __libc_calloc(count, size);
    note(ALLOC, count * size, block, 0);
    return block;
}

void *realloc(void *old, size_t size)
{
    uint64_t was = (uint64_t)(uintptr_t)old;
    void *block = __libc_realloc(old, size);
    if (block != NULL || size == 0) {
        note(REALLOC, size, block, was);
    }
    return block;
}

void *aligned_alloc(size_t align, size_t size)
{
    void *block = __libc_memalign(align, size);
    note(ALLOC, size, block, align);
    return block;
}

void *memalign(size_t align, size_t size)
{
    return aligned_alloc(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    void *block = aligned_alloc(align, size);
    if (block == NULL) {
        return 12; // ENOMEM
    }
    *out = block;
    return 0;
}

void free(void *block)
{
    if (block != NULL) {
        note(FREE, 0, block, 0);
    }
    __libc_free(block);
}
