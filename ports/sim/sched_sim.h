// sched_sim.h - simulated threads on a few slots, and every order in which they can run.
//
// A thread is a coroutine. At each step of the port (acre_port.h) the scheduler may
//
//   let it go on                                           costs nothing
//   let another thread that is on a slot go on instead     both stay where they are: true concurrency
//   put a waiting thread on a slot                         whoever was there waits, and is aborted
//   move it to another slot, or abort it where it is       migration, a signal
//
// where "aborted" means that a commit under way starts again. Each of these but the first is a
// deviation. A thread that waits for a lock loses its slot; choosing who runs then costs nothing,
// unless somebody loses a slot by it.
//
// Exploring is depth first, from the same beginning each time, with a bound on deviations. A state
// that was met before with at least as many deviations left is not explored again. What belongs to
// the state must be named by sched_region; threads' stacks and registers are added here.
//
// A schedule is written as the bound and "step:choice" for each choice that is not the first, so that
// it can be repeated: the same program, the same schedule, the same run.
// SPDX-License-Identifier: MIT
#ifndef ACRE_SCHED_SIM_H
#define ACRE_SCHED_SIM_H

#include "acre_port.h"

enum { SCHED_THREADS_MAX = 4, SCHED_SLOTS_MAX = 3, SCHED_STEPS_MAX = 8000 };

/// Where a thread is that is on no slot.
#define SCHED_WAITS (-1)

/// What is played, again and again.
struct sched_scene {
    unsigned slots;
    unsigned threads;
    void (*body[SCHED_THREADS_MAX])(void);
    int start[SCHED_THREADS_MAX]; // slot, or SCHED_WAITS
    unsigned pinned;              // bit i: thread i is never put on another slot than its start
    void (*begin)(void);          // before the regions are set to what they were; or NULL
    const char *(*check)(void);   // when all have ended: NULL, or a sentence saying what is broken
    bool misuse;                  // a run may also end by acre_port_fatal
};

struct sched_report {
    uint64_t schedules;  // runs, those included that ended where an earlier one had been
    uint64_t states;     // different ones met where there was a choice
    unsigned steps_max;  // of the longest run
    bool complete;       // every schedule within the bound was seen
    const char *broken;  // NULL, or what went wrong
    char schedule[2048]; // how it went wrong
};

/// Begins the list of regions anew.
void sched_forget_regions(void);

/// Names memory that a run changes: `count` parts of `bytes` each, `stride` apart. It is set to what
/// it is at the next sched_explore, sched_random or sched_replay at the beginning of each run.
/// hashed: it tells states apart; what follows from other state need not be.
void sched_region(void *at, size_t bytes, size_t stride, size_t count, bool hashed);

/// Explores with at most `deviations` in a schedule. Ends early after `schedules_max` runs, or at the
/// first that breaks something.
void sched_explore(
    const struct sched_scene *scene, unsigned deviations, uint64_t schedules_max,
    struct sched_report *out);

/// Plays `count` schedules chosen at random.
void sched_random(
    const struct sched_scene *scene, uint64_t count, uint64_t seed, struct sched_report *out);

/// Plays one schedule and says on stderr what is chosen.
void sched_replay(const struct sched_scene *scene, const char *schedule, struct sched_report *out);

/// The schedule of the run so far: for the handler of a signal that ends the program.
const char *sched_now(void);

/// Index of the running thread.
unsigned sched_self(void);

/// Lets the running thread act alone in a copy of the world, as the child of a fork does: no steps,
/// and all regions are afterwards as they were.
void sched_in_copy(void (*act)(void));

/// A barrier for acre_sim.barrier: aborts what the other threads on slots are at.
bool sched_barrier(void);

#endif
