// shim.c - acre's heap behind liballoc's interface: a kernel that supplies liballoc's hooks links this, the
// sources of src/base and src/heap on ports/bare, and runs.
//
// The hooks have no alignment, so a page or more is wasted on it for each range:
//
//   first               addr, aligned
//   [ unused | record | the range ...                 | unused ]
//
// Compile with small slices, -DACRE_SLICE_LOG2=13 -DACRE_PAGE_LOG2=9: a segment then has 512 KiB, which
// takes 1 MiB from liballoc_alloc. Every call is made under liballoc_lock, as liballoc itself did; a kernel
// that wants its processors to allocate at the same time uses ports/kernel instead (docs/porting.md).
// SPDX-License-Identifier: MIT
#include "liballoc.h"

#include "acre/heap.h"

enum { LIBALLOC_PAGE_BYTES = 4096 };

static const size_t span_bytes = (size_t)64 << 20; // that the heap's map covers at full speed

/// What liballoc_free will want to know of a range.
struct record {
    void *first;
    size_t pages;
};

static acre_heap *heap;

// What the bare port asks for (ports/bare/acre_port.h): a kernel has better ways to end.
_Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes);
_Noreturn void acre_port_halt(const char *what, const char *file, int line);

_Noreturn void acre_port_fatal(const char *what, const void *addr, size_t block_bytes)
{
    (void)what;
    (void)addr;
    (void)block_bytes;
    __builtin_trap();
}

_Noreturn void acre_port_halt(const char *what, const char *file, int line)
{
    (void)what;
    (void)file;
    (void)line;
    __builtin_trap();
}

static void *shim_reserve(acre_pages *self, size_t bytes, size_t align)
{
    (void)self;
    if (bytes > SIZE_MAX - align) {
        return NULL;
    }
    const struct record record = {
        .pages = (bytes + align) / LIBALLOC_PAGE_BYTES,
        .first = liballoc_alloc((bytes + align) / LIBALLOC_PAGE_BYTES),
    };
    if (record.first == NULL) {
        return NULL;
    }
    const uintptr_t from = (uintptr_t)record.first + sizeof(record);
    const uintptr_t addr = (from + align - 1) & ~(uintptr_t)(align - 1);
    __builtin_memset((void *)addr, 0, bytes);
    ((struct record *)addr)[-1] = record;
    return (void *)addr;
}

static acre_status shim_commit(acre_pages *self, void *addr, size_t bytes)
{
    (void)self; // it is there, and zero: shim_reserve and shim_decommit see to that
    (void)addr;
    (void)bytes;
    return ACRE_OK;
}

static acre_status shim_decommit(acre_pages *self, void *addr, size_t bytes)
{
    (void)self;
    __builtin_memset(addr, 0, bytes);
    return ACRE_OK;
}

static acre_status shim_release(acre_pages *self, void *addr, size_t bytes)
{
    (void)self;
    (void)bytes;
    const struct record record = ((struct record *)addr)[-1];
    return liballoc_free(record.first, record.pages) == 0 ? ACRE_OK : ACRE_NO_MEMORY;
}

static acre_pages shim_pages = {
    .reserve = shim_reserve,
    .commit = shim_commit,
    .decommit = shim_decommit,
    .release = shim_release,
    .page_bytes = LIBALLOC_PAGE_BYTES,
};

/// The heap, under the lock; made at the first call. NULL, and no lock, if there is none.
static acre_heap *enter(void)
{
    const acre_heap_options options = {.name = "liballoc", .span_bytes = span_bytes};
    if (liballoc_lock() != 0) {
        return NULL;
    }
    if (heap == NULL && acre_heap_create(&shim_pages, &options, &heap) != ACRE_OK) {
        (void)liballoc_unlock();
        return NULL;
    }
    return heap;
}

void *PREFIX(malloc_aligned)(size_t align, size_t bytes)
{
    if (enter() == NULL) {
        return NULL;
    }
    void *block = acre_heap_aligned(heap, align, bytes);
    (void)liballoc_unlock();
    return block;
}

void *PREFIX(malloc)(size_t bytes)
{
    return PREFIX(malloc_aligned)(1, bytes);
}

void *PREFIX(calloc)(size_t count, size_t bytes)
{
    if (enter() == NULL) {
        return NULL;
    }
    void *block = acre_heap_calloc(heap, count, bytes);
    (void)liballoc_unlock();
    return block;
}

/// As liballoc has it: NULL is an allocation, and a size of 0 frees.
void *PREFIX(realloc)(void *block, size_t bytes)
{
    if (bytes == 0) {
        PREFIX(free)(block);
        return NULL;
    }
    if (enter() == NULL) {
        return NULL;
    }
    void *moved = acre_heap_realloc(heap, block, bytes);
    (void)liballoc_unlock();
    return moved;
}

void PREFIX(free)(void *block)
{
    if (block != NULL && enter() != NULL) {
        acre_heap_free(heap, block);
        (void)liballoc_unlock();
    }
}
