// helper.c - the helper of the process's heap: gives memory back when the program does not call.
//
// It is started by a free that leaves much unused, looks every 400 ms, and ends when there is nothing
// left to look after. So a process has it for about a second after it has freed much, and while it has
// much free memory that it needs again and again.
//
// A fork waits until the step that is under way is over, so that no page is between the heap and the
// system; so does a request before it is refused for want of memory. The child has no helper.
// SPDX-License-Identifier: MIT
#include "front/boot.h"
#include "heap/giveback.h"

enum { LOOK_EVERY_MS = 400, LOOKS_PRIVILEGED_MAX = 4, WAITING_MS = 1, AGAIN_AFTER_MS = 1000 };

enum { EMPTY_SLABS_HELPED_MAX = 1024 };

static acre_port_lock step_lock; // held during each step; before all others
static uint32_t waiting;         // threads that wait for it
static struct helper helper;
static uint32_t refused_at; // acre_port_ms() when a helper could not be started; 0 = never

static bool step(struct giveback *look)
{
    while (load_relaxed(&waiting) != 0) {
        acre_port_helper_sleep(WAITING_MS);
    }
    acre_port_lock_take(&step_lock);
    bool goes_on = giveback_step(front_heap, look);
    acre_port_lock_drop(&step_lock);
    return goes_on;
}

/// Whether there is more to look after.
static bool look_once(void)
{
    struct giveback look;
    acre_port_helper_sleep(LOOK_EVERY_MS);
    giveback_begin(front_heap, &look);
    while (step(&look)) {
    }
    return giveback_end(front_heap, &look);
}

/// A lock does not queue: without the count, who waits would wait for many steps.
static void stop_between_steps(void)
{
    add_relaxed(&waiting, 1);
    acre_port_lock_take(&step_lock);
    add_relaxed(&waiting, (uint32_t)-1);
}

static void help(void)
{
    const bool privileged = acre_port_helper_is_privileged();
    unsigned looks = 0;
    while (look_once()) {
        looks += 1;
        if (privileged && looks == LOOKS_PRIVILEGED_MAX) {
            // The next free that leaves much starts one with what rights there are then.
            stop_between_steps();
            giveback_forget(front_heap);
            acre_port_lock_drop(&step_lock);
            break;
        }
    }
}

static void rest(void)
{
    stop_between_steps();
    acre_port_lock_drop(&step_lock);
}

static bool start(acre_heap *heap)
{
    (void)heap;
    uint32_t now = acre_port_ms();
    uint32_t refused = load_relaxed(&refused_at);
    if (refused != 0 && now - refused < AGAIN_AFTER_MS) {
        return false;
    }
    // Without a barrier nobody can take them from a slot that may be in use, nor where threads keep theirs.
    const bool shared = acre_port_is_rseq() && acre_port_barrier();
    store_relaxed(&helper.empty_slabs_max, shared ? EMPTY_SLABS_HELPED_MAX : 0);
    bool started = acre_port_helper_start(help);
    store_relaxed(&refused_at, started ? 0 : now);
    return started;
}

void front_helper_for(acre_heap *heap)
{
    helper.start = start;
    helper.rest = rest;
    acre_port_helper_here();
    heap->helper = &helper;
}

void front_helper_fork_prepare(void)
{
    stop_between_steps();
}

void front_helper_fork_release(void)
{
    acre_port_lock_drop(&step_lock);
}

void front_helper_fork_child(void)
{
    step_lock = (acre_port_lock){0};
    waiting = 0;
    refused_at = 0;
    acre_port_helper_here();
}
