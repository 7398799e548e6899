// rseq_commits_test.c - every commit of ports/linux/rseq_*.h, interrupted at each of its
// instructions and just before it, and at each pair of these, has happened as a whole or not at all.
//
// The scene is a world of two slots, a slab and a few blocks. Each trial runs the commit, aborted
// where interrupt.h is told to, then sets the same scene again and does in plain C what should have
// happened; the two worlds and the two results must be equal. While the thread is away, nothing
// happens, or it is moved to the other slot, or another thread has its turn on this one.
//
// What an abort may leave behind is exactly what acre/port.h says: `due` of a slab that is too low by
// one for a push that acre_port_aborts counts, `due` already set by a take, and the two words of the
// block that is pushed.
//
// It runs natively, and under qemu-user for machines that are not there: see run.sh.
// SPDX-License-Identifier: MIT
#include "interrupt.h"

enum { NOTHING, MOVED, OTHERS_TURN, RENEWED };
enum { SLOT = 0, OTHER_SLOT = 1, BIN = 5, BLOCKS = 6, GENERATION = 0x10000 };

static const uintptr_t key = (uintptr_t)0xa512345678abcdefu;

struct world {
    acre_bins of_slot;
    acre_bins of_other;
    acre_hot hot;
    uintptr_t owner;
    acre_block block[BLOCKS];
};

/// What a commit returns, all kinds in one.
struct outcome {
    int answer;
    acre_block *block;
    acre_block *rest;
};

static struct world world;
static struct outcome outcome;
static acre_bins *const bins[] = {&world.of_slot, &world.of_other};

// What a case varies.
static uint16_t first_due;
static uintptr_t first_owner;
static unsigned first_head; // number of the block that heads every list; 0 none
static int event;           // while the thread is away

static uint16_t due_given;
static enum { NO_TRACE, DUE_COUNTED, DUE_SET } trace; // what an aborted commit may leave behind

static struct world before_abort; // the world just before the thread was interrupted
static unsigned due_lost;
static uint32_t aborts_before; // the port's count
static unsigned committed;
static struct world at_end;

static void set_scene(void)
{
    memset(&world, 0, sizeof(world));
    memset(&outcome, 0, sizeof(outcome));
    // A list is 2 -> 1, or 1, and empty for 0.
    world.block[2].next = &world.block[1];
    acre_block *head = first_head == 0 ? NULL : &world.block[first_head];
    world.of_slot.bin[BIN] = head;
    world.of_other.bin[BIN] = &world.block[3];
    world.hot.head = head; // field by field: worlds are compared with what lies between
    world.hot.due = first_due;
    world.owner = first_owner;
    // The block that is pushed or installed: its words are the caller's until then.
    world.block[4] = (acre_block){.next = &world.block[5], .tag = 7};
    interrupt_area.mm_cid = SLOT;
    before_abort = world;
    due_lost = 0;
    aborts_before = acre_port_aborts();
    committed = 0;
}

/// What happens between an abort and the next start: the same to the real world and to the model.
static void play_event(void)
{
    if (event == MOVED) {
        interrupt_area.mm_cid = OTHER_SLOT;
    } else if (event == OTHERS_TURN) {
        acre_block *next = world.hot.head == &world.block[5] ? NULL : &world.block[5];
        world.hot.head = next;
        world.hot.due = (uint16_t)(world.hot.due + 3);
        world.of_slot.bin[BIN] = next;
    } else if (event == RENEWED) {
        world.owner += GENERATION;
    }
}

/// At an interrupt: nothing may have happened, but for what an aborted commit may leave.
static void meanwhile(void)
{
    if (trace == DUE_COUNTED && world.hot.due == (uint16_t)(before_abort.hot.due - 1)) {
        due_lost += 1;
    } else if (trace != DUE_SET || world.hot.due != due_given) {
        (void)CHECK(world.hot.due == before_abort.hot.due);
    }
    before_abort.hot.due = world.hot.due;
    if (trace == DUE_COUNTED) {
        before_abort.block[4] = world.block[4];
    }
    (void)CHECK(memcmp(&before_abort, &world, sizeof(world)) == 0);
    play_event();
    before_abort = world;
}

static void leave(void)
{
    committed += 1;
    at_end = world;
}

// The commits under test, each in a function of its own so that there is one sequence of each, and
// after each of them the same in plain C.

static __attribute__((noinline)) void pop(void)
{
    outcome.block = rseq_pop(bins, BIN, &outcome.rest);
    outcome.rest = outcome.block == NULL ? NULL : outcome.rest;
}

static void plain_pop_here(void)
{
    outcome.block = plain_pop(&bins[interrupt_area.mm_cid]->bin[BIN], &outcome.rest);
}

static __attribute__((noinline)) void push(void)
{
    outcome.answer = (int)rseq_push(&world.hot, &world.owner, first_owner, &world.block[4], key);
}

static void plain_push_here(void)
{
    bool foreign = world.owner != first_owner || world.owner % GENERATION != interrupt_area.mm_cid;
    outcome.answer = (int)(foreign ? ACRE_FOREIGN : plain_push(&world.hot, &world.block[4], key));
}

static __attribute__((noinline)) void pop_on(void)
{
    outcome.answer = (int)rseq_pop_on(SLOT, &world.of_slot.bin[BIN], &outcome.block);
}

static void plain_pop_on_here(void)
{
    acre_block *rest;
    outcome.answer = (int)ACRE_MOVED;
    if (interrupt_area.mm_cid == SLOT) {
        outcome.block = plain_pop(&world.of_slot.bin[BIN], &rest);
        outcome.answer = (int)(outcome.block == NULL ? ACRE_BIN_EMPTY : ACRE_POPPED);
    }
}

static __attribute__((noinline)) void pop_owned(void)
{
    outcome.answer = (int)rseq_pop_owned(&world.hot, &world.owner, first_owner, &outcome.block);
}

static void plain_pop_owned_here(void)
{
    acre_block *rest;
    bool foreign = world.owner != first_owner || world.owner % GENERATION != interrupt_area.mm_cid;
    outcome.answer = (int)ACRE_MOVED;
    if (!foreign) {
        outcome.block = plain_pop(&world.hot.head, &rest);
        outcome.answer = (int)(outcome.block == NULL ? ACRE_BIN_EMPTY : ACRE_POPPED);
    }
}

static __attribute__((noinline)) void take(void)
{
    outcome.answer = rseq_take(SLOT, &world.hot, due_given, &outcome.block);
}

static void plain_take_here(void)
{
    outcome.answer = interrupt_area.mm_cid == SLOT;
    if (outcome.answer) {
        outcome.block = plain_take(&world.hot, due_given);
    }
}

static __attribute__((noinline)) void install(void)
{
    outcome.answer = rseq_install(SLOT, &world.of_slot.bin[BIN], &world.block[4]);
}

static void plain_install_here(void)
{
    outcome.answer =
        interrupt_area.mm_cid == SLOT && plain_install(&world.of_slot.bin[BIN], &world.block[4]);
}

static __attribute__((noinline)) void due_set(void)
{
    outcome.answer = rseq_due_set(SLOT, &world.hot, due_given);
}

static void plain_due_set_here(void)
{
    outcome.answer = interrupt_area.mm_cid == SLOT;
    if (outcome.answer) {
        world.hot.due = due_given;
    }
}

static __attribute__((noinline)) void due_add(void)
{
    outcome.answer = rseq_due_add(SLOT, &world.hot, due_given);
}

static void plain_due_add_here(void)
{
    outcome.answer = interrupt_area.mm_cid == SLOT;
    if (outcome.answer) {
        world.hot.due = (uint16_t)(world.hot.due + due_given);
    }
}

static void (*plain)(void);
static unsigned abort_total;

/// Compares with what should have happened. The model plays the events one after the other and then
/// runs undisturbed, which is how it looks to everybody else.
static void verify(unsigned interrupts)
{
    struct world reached = world;
    struct outcome reached_outcome = outcome;
    struct world reached_end = at_end;
    bool left_at_end = committed != 0;
    unsigned lost = due_lost;
    uint32_t counted = acre_port_aborts() - aborts_before;

    set_scene();
    for (unsigned i = 0; i < interrupts; i++) {
        play_event();
    }
    world.hot.due = (uint16_t)(world.hot.due - lost);
    plain();
    if (trace == DUE_SET && event == MOVED && interrupts != 0 && reached.hot.due == due_given) {
        world.hot.due = due_given;
    }
    if (trace == DUE_COUNTED && outcome.answer == (int)ACRE_FOREIGN && interrupts != 0) {
        world.block[4] = reached.block[4];
    }
    (void)CHECK(memcmp(&reached, &world, sizeof(world)) == 0);
    (void)CHECK(memcmp(&reached_outcome, &outcome, sizeof(outcome)) == 0);
    // Whoever leaves at the end has committed there, not later: the kernel would not abort it any more.
    (void)CHECK(!left_at_end || memcmp(&reached_end, &reached, sizeof(reached)) == 0);
    (void)CHECK(counted == (trace == DUE_COUNTED ? interrupt_aborts : 0));
    abort_total += interrupt_aborts;
}

/// Tries a commit in one scene, with each of the events.
static void try(void (*act)(void), void (*plain_act)(void))
{
    const struct interrupt_trial trial = {
        .prepare = set_scene, .act = act, .meanwhile = meanwhile, .committed = leave};
    plain = plain_act;
    for (event = NOTHING; event <= RENEWED; event++) {
        unsigned before = abort_total;
        unsigned runs = interrupt_everywhere(&trial, verify);
        // Every sequence has at least three instructions: the slot, its test, the committing store.
        (void)CHECK(runs >= 3 && abort_total > before);
    }
}

/// Sets what a case varies.
static void set(unsigned head, uint16_t due, uint32_t owner, uint16_t given)
{
    first_head = head;
    first_due = due;
    first_owner = owner;
    due_given = given;
    trace = NO_TRACE;
}

static void pop_is_whole_or_nothing(void)
{
    for (unsigned head = 0; head <= 2; head++) {
        set(head, 10, SLOT, 0);
        try(pop, plain_pop_here);
    }
}

static void push_is_whole_or_nothing(void)
{
    static const uint16_t dues[] = {0, 1, 2, 0x100, 0x7fff, 0x8010, 0xffff};
    for (size_t i = 0; i < sizeof(dues) / sizeof(dues[0]); i++) {
        for (uint32_t owner = SLOT; owner <= OTHER_SLOT; owner++) {
            set((unsigned)i % 3, dues[i], owner, 0);
            trace = DUE_COUNTED;
            try(push, plain_push_here);
        }
    }
}

static void pop_on_is_whole_or_nothing(void)
{
    for (unsigned head = 0; head <= 2; head++) {
        set(head, 10, SLOT, 0);
        try(pop_on, plain_pop_on_here);
    }
}

static void pop_owned_is_whole_or_nothing(void)
{
    for (unsigned head = 0; head <= 2; head++) {
        for (uint32_t owner = SLOT; owner <= OTHER_SLOT; owner++) {
            set(head, 10, owner, 0);
            try(pop_owned, plain_pop_owned_here);
        }
    }
}

static void take_is_whole_or_nothing(void)
{
    for (unsigned head = 0; head <= 2; head++) {
        set(head, 10, SLOT, 0xfedc);
        trace = DUE_SET;
        try(take, plain_take_here);
    }
}

static void install_is_whole_or_nothing(void)
{
    for (unsigned head = 0; head <= 2; head++) {
        set(head, 10, SLOT, 0);
        try(install, plain_install_here);
    }
}

static void due_is_set_whole_or_not(void)
{
    set(1, 10, SLOT, 0xfedc);
    try(due_set, plain_due_set_here);
    set(1, 10, SLOT, 300);
    try(due_add, plain_due_add_here);
    set(1, 0xff00, SLOT, 0x1ff);
    try(due_add, plain_due_add_here);
}

static void slot_is_the_concurrency_id(void)
{
    interrupt_area.mm_cid = 77;
    (void)CHECK(rseq_slot(acre_port_rseq_area) == 77);
    (void)CHECK(acre_port_slot_enter() == 77);
}

static void aborts_really_happened(void)
{
    conform_say("# %u aborts", abort_total);
    (void)CHECK(abort_total > 1000);
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(slot_is_the_concurrency_id),    CONFORM_CASE(pop_is_whole_or_nothing),
        CONFORM_CASE(push_is_whole_or_nothing),      CONFORM_CASE(pop_on_is_whole_or_nothing),
        CONFORM_CASE(pop_owned_is_whole_or_nothing), CONFORM_CASE(take_is_whole_or_nothing),
        CONFORM_CASE(install_is_whole_or_nothing),   CONFORM_CASE(due_is_set_whole_or_not),
        CONFORM_CASE(aborts_really_happened),
    };
    interrupt_start();
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
