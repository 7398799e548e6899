// pages_sim.h - a page source for tests: a range of addresses with exact page states, failures on
// demand, and a halt for every call that breaks the contract of acre/pages.h.
//
// Memory that is not committed cannot be touched: an access ends the test by SIGSEGV. (Only where
// page_bytes is less than the machine's page it is filled with junk instead.) There is one range for
// the whole program, so one pages_sim can be in use at a time; any number of heaps may share it.
// SPDX-License-Identifier: MIT
#ifndef ACRE_PAGES_SIM_H
#define ACRE_PAGES_SIM_H

#include "acre/pages.h"

enum sim_call {
    SIM_RESERVE,
    SIM_COMMIT,
    SIM_DECOMMIT,
    SIM_RELEASE,
    SIM_REMAP,
    SIM_MOVE,
    SIM_CALLS
};

struct pages_sim {
    acre_pages pages; // first, so that a pages_sim is an acre_pages

    // Failures on demand. Calls are counted from 1; 0 means never.
    size_t calls[SIM_CALLS];   // made so far, of each kind
    size_t calls_all;          // of all kinds
    size_t fail_at[SIM_CALLS]; // which call of the kind fails
    size_t fail_all_at;        // which call fails, whatever its kind
    bool fail_on;              // after a failure, so do all later calls of that kind
    size_t failed;             // calls that failed on demand
    bool failing[SIM_CALLS];   // kinds of which every call fails

    // What the source has to give.
    size_t memory_bytes_max; // commits beyond it fail; 0 = no bound
    size_t addr_bytes_max;   // reserves beyond it fail; 0 = no bound
    bool remap_moves;        // a remap that may move does, whether it must or not
    bool
        move_leaves_hole; // a move that fails has unmapped its target: anybody may get the addresses

    size_t advices[ACRE_ADVICE_HUGE_PAGES + 1]; // given, of each kind

    // What it has given.
    size_t ranges_live; // reserved and not yet released
    size_t reserved_bytes;
    size_t committed_bytes;
    size_t committed_bytes_peak;
};

/// Makes the source as new, with nothing reserved: whoever had memory of it loses it.
///
/// page_bytes  a power of two from 64 to 65536
/// can_remap   whether pages.remap is there, and pages.move
void pages_sim_init(struct pages_sim *sim, size_t page_bytes, bool can_remap);

/// Forgets every failure that is still to come; the counts start anew.
void pages_sim_heal(struct pages_sim *sim);

/// Whether `addr` lies in committed memory.
bool pages_sim_is_committed(const struct pages_sim *sim, const void *addr);

/// The first address of the range, a multiple of a segment: for tests that need to know beforehand.
uintptr_t pages_sim_base(void);

#endif
