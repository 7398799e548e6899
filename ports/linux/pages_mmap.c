// pages_mmap.c - the page source of a Linux process.
//
// Ranges are mapped readable and writable at once, without reserving swap: the kernel gives memory
// at the first touch, so commit has nothing to do, and neighbouring ranges become one mapping of the
// kernel's. decommit is MADV_DONTNEED, which frees at once and reads as zero after.
//
// An aligned range is asked for just below the last one, where it usually fits; only when the kernel
// puts it elsewhere is a larger range mapped and trimmed.
//
// Every call that the kernel refuses leaves things as they were and says so. munmap can be refused,
// too: in the middle of a mapping it needs one more, and there is a limit (vm.max_map_count).
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "acre/port/linux.h"
#include "base/atomics.h"
#include "base/bits.h"

static uintptr_t next_aligned; // where the next aligned range may fit; a hint, 0 = none yet

static void *map_at(uintptr_t hint, size_t bytes)
{
    void *addr = mmap(
        (void *)hint, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
        -1, 0);
    return addr == MAP_FAILED ? NULL : addr;
}

/// Unmaps what lies outside [from, from + bytes). A refusal leaves addresses mapped that nobody will
/// ever touch: they cost no memory.
static void trim(char *base, size_t base_bytes, char *from, size_t bytes)
{
    size_t head = (size_t)(from - base);
    size_t tail = base_bytes - head - bytes;
    if (head != 0) {
        (void)munmap(base, head);
    }
    if (tail != 0) {
        (void)munmap(from + bytes, tail);
    }
}

static void *map_aligned(size_t bytes, size_t align)
{
    uintptr_t hint = load_relaxed(&next_aligned);
    size_t padded;
    if (hint > bytes && (hint & (align - 1)) == 0) {
        char *addr = map_at((hint - bytes) & ~(uintptr_t)(align - 1), bytes);
        if (addr == NULL || ((uintptr_t)addr & (align - 1)) == 0) {
            return addr;
        }
        (void)munmap(addr, bytes);
    }
    if (!add_size(bytes, align, &padded)) {
        return NULL;
    }
    char *base = map_at(0, padded);
    if (base == NULL) {
        return NULL;
    }
    // The upper end: the next range then fits below it, where the kernel maps next anyway.
    char *addr = (char *)(((uintptr_t)base + padded - bytes) & ~(uintptr_t)(align - 1));
    trim(base, padded, addr, bytes);
    return addr;
}

static void *linux_reserve(acre_pages *self, size_t bytes, size_t align)
{
    int saved_errno = errno;
    void *addr;
    if (align <= self->page_bytes) {
        addr = map_at(0, bytes);
    } else {
        addr = map_aligned(bytes, align);
        if (addr != NULL) {
            store_relaxed(&next_aligned, (uintptr_t)addr);
        }
    }
    errno = saved_errno;
    return addr;
}

static acre_status linux_commit(acre_pages *self, void *addr, size_t bytes)
{
    (void)self;
    (void)addr;
    (void)bytes;
    return ACRE_OK;
}

static acre_status linux_decommit(acre_pages *self, void *addr, size_t bytes)
{
    (void)self;
    int saved_errno = errno;
    int refused = madvise(addr, bytes, MADV_DONTNEED);
    errno = saved_errno;
    return refused == 0 ? ACRE_OK : ACRE_NO_MEMORY;
}

static acre_status linux_release(acre_pages *self, void *addr, size_t bytes)
{
    (void)self;
    int saved_errno = errno;
    int refused = munmap(addr, bytes);
    errno = saved_errno;
    return refused == 0 ? ACRE_OK : ACRE_NO_MEMORY;
}

static void *linux_remap(
    acre_pages *self, void *addr, size_t old_bytes, size_t new_bytes, bool may_move)
{
    (void)self;
    int saved_errno = errno;
    void *moved = mremap(addr, old_bytes, new_bytes, may_move ? MREMAP_MAYMOVE : 0);
    errno = saved_errno;
    return moved == MAP_FAILED ? NULL : moved;
}

/// Whether the kernel has one mapping there, not several: a program may have made several of its block, by mlock, mprotect
/// or madvise. To grow several in place is refused with EFAULT; one may have no room, or grow by a page and
/// shrink again.
static bool is_one_mapping(const acre_pages *self, void *addr, size_t bytes)
{
    if (mremap(addr, bytes, bytes + self->page_bytes, 0) == addr) {
        return mremap(addr, bytes + self->page_bytes, bytes, 0) == addr;
    }
    return errno == ENOMEM || errno == EAGAIN;
}

/// The kernel unmaps what is at `to` before it looks whether it can move. Of several mappings older kernels refuse to
/// move any; newer ones move one after the other, and may stop between two, when nobody could say what is left
/// at `from`. So only one is moved: that happens or does not.
static acre_status linux_move(acre_pages *self, void *from, size_t bytes, void *to)
{
    int saved_errno = errno;
    bool moved = is_one_mapping(self, from, bytes) &&
                 mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
    errno = saved_errno;
    return moved ? ACRE_OK : ACRE_NO_MEMORY;
}

static void linux_advise(acre_pages *self, void *addr, size_t bytes, acre_advice advice)
{
    (void)self;
    int saved_errno = errno;
    // Refused by kernels without transparent huge pages: nothing is lost.
    (void)madvise(addr, bytes, advice == ACRE_ADVICE_HUGE_PAGES ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    errno = saved_errno;
}

acre_pages *acre_pages_mmap(void)
{
    static acre_pages pages = {
        .reserve = linux_reserve,
        .commit = linux_commit,
        .decommit = linux_decommit,
        .release = linux_release,
        .remap = linux_remap,
        .advise = linux_advise,
        .move = linux_move,
    };
    if (load_relaxed(&pages.page_bytes) == 0) {
        store_relaxed(&pages.page_bytes, (size_t)getauxval(AT_PAGESZ));
    }
    return &pages;
}
