// slots.c - see slots.h.
//
// rseq binding: a slot is the concurrency id that the kernel keeps in the area glibc registered for
// each thread. It is used when the kernel fills it (AT_RSEQ_FEATURE_SIZE says so) and the calling
// thread is registered. Nothing here is then called but the barrier.
//
// thread binding: numbers from SLOT_FIRST_LEASED up. The last one given back is the next one leased,
// so that a program that starts and ends threads in turn uses one slot.
//
// The end of a thread: its lease ends in the destructor of a thread-specific key. Destructors of
// others, and glibc itself, may allocate after that. The thread then leases again, and the key is
// armed again; but glibc runs destructors in four rounds at most, so after a second time the thread
// works on the limbo slot. Freeing needs no slot at all.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "slots.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "acre_port.h"
#include "base/atomics.h"

enum {
    THREAD_SLOTS_READY = 64, // entries that a new heap prepares in the thread binding
    LEASES_MAX = 2,          // for one thread, before it works in limbo
    AUX_RSEQ_FEATURE_SIZE = 27,
    RSEQ_SIZE_WITH_MM_CID = 28, // mm_cid is the word at 24
    CPU_MASK_BYTES = 1024,
    // The kernel's interface: its headers are not wherever a C library is (musl-gcc).
    MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ = 1 << 7,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ = 1 << 8,
};

// glibc 2.35 and later define these; elsewhere they are absent.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): glibc's names
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned __rseq_size __attribute__((weak));
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

ptrdiff_t acre_port_rseq_area;
uint32_t acre_port_abort_count;
__thread struct acre_port_thread acre_port_thread __attribute__((tls_model("initial-exec")));

static struct {
    acre_port_lock lock; // guards all of it
    unsigned next;       // the lowest number never leased, less SLOT_FIRST_LEASED
    unsigned parked_count;
    uint16_t parked[ACRE_PORT_SLOTS_MAX]; // given back, newest last
    bool has_key;
    pthread_key_t key;
    void (*prepare)(unsigned slot);
} leases;

static unsigned slots_possible = THREAD_SLOTS_READY;

_Static_assert(ACRE_PORT_SLOTS_MAX <= UINT16_MAX, "slot numbers fit in `parked`");

/// The kernel's size of a processor mask bounds the ids it gives out. 0 if it does not say.
static unsigned possible_cpus(void)
{
    unsigned char mask[CPU_MASK_BYTES];
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
    return bytes <= 0 ? 0 : (unsigned)bytes * 8;
}

static bool try_rseq(void)
{
#if RSEQ_AVAILABLE
    if (&__rseq_offset == NULL || &__rseq_size == NULL || __rseq_size == 0 ||
        getauxval(AUX_RSEQ_FEATURE_SIZE) < RSEQ_SIZE_WITH_MM_CID) {
        return false;
    }
    const char *area = (const char *)__builtin_thread_pointer() + __rseq_offset;
    int32_t cpu_id = *(const volatile int32_t *)(const void *)(area + 4);
    unsigned cpus = possible_cpus();
    if (cpu_id < 0 || cpus == 0 || cpus > ACRE_PORT_SLOTS_MAX) {
        return false;
    }
    slots_possible = cpus;
    acre_port_rseq_area = __rseq_offset;
    return true;
#else
    return false;
#endif
}

bool acre_port_slots_choose(enum slots_wanted wanted)
{
    int saved_errno = errno;
    bool is_rseq = wanted != SLOTS_THREAD && try_rseq();
    errno = saved_errno;
    return is_rseq || wanted != SLOTS_RSEQ;
}

void acre_port_slots_on_lease(void (*prepare)(unsigned slot))
{
    leases.prepare = prepare;
}

unsigned acre_port_slots(void)
{
    return slots_possible;
}

/// A number for the caller; SLOT_LIMBO if all are taken.
static unsigned take_number(void)
{
    unsigned slot = SLOT_LIMBO;
    acre_port_lock_take(&leases.lock);
    if (leases.parked_count != 0) {
        leases.parked_count -= 1;
        slot = leases.parked[leases.parked_count];
    } else if (leases.next < ACRE_PORT_SLOTS_MAX - SLOT_FIRST_LEASED) {
        slot = SLOT_FIRST_LEASED + leases.next;
        leases.next += 1;
    }
    acre_port_lock_drop(&leases.lock);
    return slot;
}

unsigned acre_port_slot_lease(void)
{
    if (acre_port_thread.leases == LEASES_MAX) {
        return SLOT_LIMBO;
    }
    unsigned slot = take_number();
    if (slot == SLOT_LIMBO) {
        return slot;
    }
    if (leases.prepare != NULL) {
        leases.prepare(slot);
    }
    // From here on calls that setspecific makes to us find a slot.
    acre_port_thread.slot = slot;
    acre_port_thread.leases += 1;
    if (load_acquire(&leases.has_key)) { // pairs with acre_port_slots_watch_threads
        int saved_errno = errno;
        // Refused for want of memory, the slot stays leased until the process ends.
        (void)pthread_setspecific(leases.key, &acre_port_thread);
        errno = saved_errno;
    }
    return slot;
}

static void park(unsigned slot)
{
    acre_port_lock_take(&leases.lock);
    leases.parked[leases.parked_count] = (uint16_t)slot;
    leases.parked_count += 1;
    acre_port_lock_drop(&leases.lock);
}

static void end_lease(void *unused)
{
    (void)unused;
    unsigned slot = acre_port_thread.slot;
    acre_port_thread.slot = SLOT_UNLEASED;
    if (slot >= SLOT_FIRST_LEASED) {
        park(slot); // its lock orders what we did on the slot before what the next thread does
    }
}

void acre_port_slots_watch_threads(void)
{
    if (acre_port_is_rseq() || leases.has_key || pthread_key_create(&leases.key, end_lease) != 0) {
        return;
    }
    store_release(&leases.has_key, true);
    if (acre_port_thread.slot >= SLOT_FIRST_LEASED) {
        (void)pthread_setspecific(leases.key, &acre_port_thread);
    }
}

acre_claim acre_port_slot_claim(unsigned slot)
{
    if (acre_port_is_rseq()) {
        return ACRE_CLAIM_SHARED;
    }
    acre_claim claim = ACRE_CLAIM_NO;
    acre_port_lock_take(&leases.lock);
    for (unsigned i = 0; i < leases.parked_count; i++) {
        if (leases.parked[i] == slot) {
            leases.parked_count -= 1;
            for (unsigned k = i; k < leases.parked_count; k++) {
                leases.parked[k] = leases.parked[k + 1];
            }
            claim = ACRE_CLAIM_EXCLUSIVE;
            break;
        }
    }
    acre_port_lock_drop(&leases.lock);
    return claim;
}

void acre_port_slot_unclaim(unsigned slot)
{
    park(slot);
}

// For barriers: 0 not asked yet, 1 yes, 2 the kernel refuses, or we may not ask.
static uint32_t registered;

void acre_port_barrier_forbid(void)
{
    store_relaxed(&registered, 2U);
}

bool acre_port_barrier(void)
{
    int saved_errno = errno;
    if (load_relaxed(&registered) == 0) {
        long refused =
            syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0);
        store_relaxed(&registered, refused == 0 ? 1U : 2U);
    }
    bool passed = load_relaxed(&registered) == 1 &&
                  syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0) == 0;
    errno = saved_errno;
    return passed;
}

void acre_port_slots_fork_prepare(void)
{
    acre_port_lock_take(&leases.lock);
}

void acre_port_slots_fork_release(void)
{
    acre_port_lock_drop(&leases.lock);
}

void acre_port_slots_fork_child(void)
{
    leases.lock = (acre_port_lock){0};
    leases.parked_count = 0;
    for (unsigned i = leases.next; i-- != 0;) {
        if (SLOT_FIRST_LEASED + i != acre_port_thread.slot) {
            leases.parked[leases.parked_count] = (uint16_t)(SLOT_FIRST_LEASED + i);
            leases.parked_count += 1;
        }
    }
    // A push may have been cut in two, with `due` counted down and the block not linked.
    add_relaxed(&acre_port_abort_count, 1);
}

uint32_t acre_port_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now); // without a system call
    return (uint32_t)now.tv_sec * 1000U + (uint32_t)now.tv_nsec / 1000000U;
}

uintptr_t acre_port_key(void)
{
    uintptr_t key = (uintptr_t)&leases;
    const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
    for (size_t i = 0; random != NULL && i < sizeof(key); i++) {
        // The first bytes are glibc's own secrets; do not show them in our blocks.
        key ^= (uintptr_t)random[sizeof(key) + i] << (8 * i);
    }
    return key * (uintptr_t)0x9e3779b97f4a7c15;
}
