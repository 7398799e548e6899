// boot.c - see boot.h.
//
// Everything happens at the first allocation, which is usually the dynamic loader's, but for the key by
// which leases of slots end with their threads: libc must be ready for that, so it waits for the
// constructor. Nothing is ever torn down: other threads may allocate while the process exits.
// SPDX-License-Identifier: MIT
#include "front/boot.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "acre/malloc.h"
#include "acre/port/linux.h"
#include "base/atomics.h"
#include "front/front.h"
#include "front/options.h"
#include "heap/layout.h"

static struct options options;
static acre_port_lock boot_lock; // guards the boot itself

/// The map covers twice the machine's memory, or what the process may address or fill if that is less: such a
/// limit counts the map's addresses, touched or not.
static size_t span_bytes(void)
{
    static const int resources[] = {RLIMIT_AS, RLIMIT_DATA};
    struct sysinfo info;
    struct rlimit limit;
    size_t span = (size_t)1 << 36;
    if (sysinfo(&info) == 0) {
        span = (size_t)info.totalram * info.mem_unit * 2;
    }
    for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
        if (getrlimit(resources[i], &limit) == 0 && limit.rlim_cur < span) {
            span = (size_t)limit.rlim_cur;
        }
    }
    return span;
}

/// The thread binding's hit path expects an entry for every number that a thread has.
static void prepare_slot(unsigned slot)
{
    acre_heap *heap = load_acquire(&front_heap);
    if (heap == NULL) {
        return;
    }
    acre_port_lock_take(&heap->lock);
    if (heap->bins[slot] == NULL) {
        store_release(&heap->bins[slot], &heap->dead);
    }
    acre_port_lock_drop(&heap->lock);
}

static bool create_heap(void)
{
    const acre_heap_options heap_options = {
        .limit_bytes = options.limit_bytes,
        .name = "default",
        .span_bytes = span_bytes(),
        .flags =
            (options.keep ? ACRE_HEAP_KEEP : 0) | (options.hugepages ? ACRE_HEAP_HUGE_PAGES : 0),
    };
    acre_heap *heap;
    if (acre_heap_create(acre_pages_mmap(), &heap_options, &heap) != ACRE_OK) {
        return false;
    }
    if (options.giveback && !options.keep && !options.sandbox) {
        front_helper_for(heap);
    }
    store_release(&front_heap, heap);
    return true;
}

/// Keeps a way to the statistics' reader: programs may close their standard error before they end. The
/// number is one that no program expects to get.
static void keep_stats_fd(void)
{
    enum { FIRST_NUMBER = 500 };
    if (options.stats == STATS_NONE ||
        (options.stats_pid != 0 && options.stats_pid != (long)getpid())) {
        options.stats = STATS_NONE;
        return;
    }
    // Another number is the caller's own; and a process that inherits these options may not have it.
    if (options.stats_fd <= STDERR_FILENO) {
        int fd = fcntl(options.stats_fd, F_DUPFD_CLOEXEC, FIRST_NUMBER);
        options.stats_fd = fd >= 0 ? fd : options.stats_fd;
    }
}

bool front_boot(void)
{
    int saved_errno = errno;
    bool created = false;
    acre_port_lock_take(&boot_lock);
    if (front_heap == NULL) {
        static bool chosen;
        if (!chosen) {
            static const char note[] = "acre: ACRE_CONF: slots=rseq: this system has no "
                                       "restartable sequences with concurrency ids; using thread\n";
            options_read(&options);
            keep_stats_fd();
            if (!acre_port_slots_choose(options.slots)) {
                (void)front_write(STDERR_FILENO, note, sizeof(note) - 1);
            }
            if (options.sandbox) {
                acre_port_barrier_forbid();
            }
            acre_port_slots_on_lease(prepare_slot);
            chosen = true;
        }
        if (create_heap()) {
            front_use_binding();
            created = true;
        }
    }
    acre_port_lock_drop(&boot_lock);
    if (created) {
        front_watch_forks(); // may allocate, now that it can
    }
    errno = saved_errno;
    return front_heap != NULL;
}

const char *acre_slots_binding(void)
{
    (void)acre_default_heap();
    return acre_port_is_rseq() ? "rseq" : "thread";
}

// Priority 101 is the first that programs may use: threads that constructors start, and forks that
// they make, find us ready.
__attribute__((constructor(101))) static void front_start(void)
{
    if (front_boot()) {
        acre_port_slots_watch_threads();
    }
}

__attribute__((destructor(101))) static void front_end(void)
{
    if (options.stats != STATS_NONE) {
        front_stats_at_exit(options.stats_fd, options.stats == STATS_JSON, options.stats_pid);
    }
}
