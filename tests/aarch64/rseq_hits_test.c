// rseq_hits_test.c - malloc's and free's hit paths in the rseq binding (src/front/hits*), interrupted
// at each instruction of and before their sequences, and at each pair of these: a block is handed out once and
// freed once, whatever happens.
//
// The heap is a real one; its port believes in an rseq area that the test owns (interrupt.h). While
// the thread is away nothing happens, or it moves to the other slot, or another thread on this slot
// takes the block, or frees one into the slab.
// SPDX-License-Identifier: MIT
#include "acre/port/linux.h"
#include "front/hits.h"
#include "heap/hit.h"
#include "heap/owner.h"
#include "heap/slot.h"
#include "interrupt.h"

enum { NOTHING, MOVED, OTHERS_TURN, EVENTS };
enum { SLOT = 0, OTHER_SLOT = 1, BYTES = 48 };

acre_heap *front_heap; // that of the hit paths; src/front/boot.c is not in this program
size_t hit_tiny_end = TINY_BYTES_MAX + 1;
size_t hit_tiny_end_thread;

void *hit_miss_malloc(size_t size)
{
    return miss_alloc(front_heap, size);
}

static int event;
static unsigned class;
static void *block;     // what malloc returned, or free is to free
static void *others[4]; // what others allocated while the thread was away
static unsigned others_count;
static void *spare; // what another may free

// Before the sequence was first entered, or after the last event.
static acre_block *head;
static acre_block *next;
static uint16_t due;
static uintptr_t foreign;
static uint32_t aborts_before;

static struct slab *slab_of(const void *addr)
{
    return map_find(front_heap, (uintptr_t)addr);
}

static acre_block **bin(void)
{
    return &slot_of(front_heap, SLOT)->bins.bin[class];
}

static void note_bin(void)
{
    head = *bin();
    next = head == NULL ? NULL : head->next;
}

static void note_slab(void)
{
    head = slab_of(block)->hot.head;
    due = slab_of(block)->hot.due;
    foreign = slab_of(block)->foreign;
}

static unsigned bin_count(void)
{
    unsigned count = 0;
    for (const acre_block *at = *bin(); at != NULL; at = at->next) {
        count += 1;
    }
    return count;
}

/// A scene in which malloc will hit: the bin holds several blocks.
static void prepare_malloc(void)
{
    interrupt_area.mm_cid = SLOT;
    hit_free_rseq(block);
    for (unsigned i = 0; i < others_count; i++) {
        hit_free_rseq(others[i]);
    }
    others_count = 0;
    while (bin_count() < 4) {
        (void)hit_malloc(BYTES); // kept: freed blocks would not go back to the bin
    }
    block = NULL;
    aborts_before = acre_port_aborts();
    note_bin();
}

static void act_malloc(void)
{
    block = hit_malloc(BYTES);
}

static void meanwhile_malloc(void)
{
    (void)CHECK(*bin() == head);
    (void)CHECK(head->next == next);
    if (event == MOVED) {
        interrupt_area.mm_cid = OTHER_SLOT;
    } else if (event == OTHERS_TURN) {
        acre_block *taken;
        (void)CHECK(acre_port_pop_on(SLOT, bin(), &taken) == ACRE_POPPED);
        (void)CHECK(block_revive(front_heap, taken, taken->next));
        others[others_count] = taken;
        others_count += 1;
    }
    note_bin();
}

static void leave(void)
{
}

static void verify_malloc(unsigned interrupts)
{
    bool moved = event == MOVED && interrupts != 0;
    acre_block *taken = block;
    if (!CHECK(taken != NULL)) {
        return;
    }
    (void)CHECK(moved == (taken != head));
    (void)CHECK(*bin() == (moved ? head : next));
    (void)CHECK(taken->tag == 0);
    (void)CHECK(acre_heap_usable_size(front_heap, taken) >= BYTES);
    for (unsigned i = 0; i < others_count; i++) {
        (void)CHECK(others[i] != block);
    }
    (void)CHECK(acre_port_aborts() == aborts_before); // only pushes are counted
}

/// A scene in which free will hit: a live block of the slot's own.
static void prepare_free(void)
{
    interrupt_area.mm_cid = SLOT;
    do {
        block = hit_malloc(BYTES);
    } while (owner_slot(slab_of(block)->owner) != SLOT);
    spare = event == OTHERS_TURN ? hit_malloc(BYTES) : NULL;
    aborts_before = acre_port_aborts();
    note_slab();
}

static void act_free(void)
{
    hit_free_rseq(block);
}

static void meanwhile_free(void)
{
    struct slab *slab = slab_of(block);
    (void)CHECK(slab->hot.head == head);
    (void)CHECK(slab->hot.due == due || slab->hot.due == (uint16_t)(due - 1));
    (void)CHECK(slab->foreign == foreign);
    if (event == MOVED) {
        interrupt_area.mm_cid = OTHER_SLOT;
    } else if (event == OTHERS_TURN && spare != NULL && slab_of(spare) == slab) {
        block_link(front_heap, spare, slab->hot.head);
        slab->hot.due = (uint16_t)(slab->hot.due - 1);
        slab->hot.head = spare;
        spare = NULL;
    }
    note_slab();
}

static void verify_free(unsigned interrupts)
{
    struct slab *slab = slab_of(block);
    const acre_block *freed = block;
    // A push that was given up may begin anew, or leave the block to the foreign list.
    bool is_foreign = slab->foreign >> 16 == (foreign >> 16) + 1; // by its count
    (void)CHECK(interrupts != 0 || !is_foreign);
    (void)CHECK(event != MOVED || interrupts == 0 || is_foreign);
    if (is_foreign) {
        (void)CHECK(slab->hot.head == head);
    } else if (due != 1) { // at an event the list may have gone elsewhere
        (void)CHECK(slab->foreign == foreign);
        (void)CHECK(slab->hot.head == freed);
        (void)CHECK(slab->hot.due == (uint16_t)(due - 1));
        (void)CHECK(freed->next == head);
    }
    (void)CHECK(block_looks_free(front_heap, freed));
    (void)CHECK(acre_port_aborts() != aborts_before || interrupt_aborts == 0);
    interrupt_area.mm_cid = SLOT;
    if (spare != NULL) {
        hit_free_rseq(spare);
    }
    spare = NULL;
}

static void check_heap(void)
{
    const char *broken = acre_heap_audit(front_heap);
    if (broken != NULL) {
        conform_say("# audit: %s", broken);
    }
    (void)CHECK(broken == NULL);
}

static void malloc_hands_a_block_out_once(void)
{
    const struct interrupt_trial trial = {prepare_malloc, act_malloc, meanwhile_malloc, leave};
    for (event = NOTHING; event < EVENTS; event++) {
        // At least: the slot, its bins, the head, its test, the successor, the store.
        (void)CHECK(interrupt_everywhere(&trial, verify_malloc) >= 6 + 36);
        check_heap();
    }
    interrupt_area.mm_cid = SLOT;
}

static void free_links_a_block_once(void)
{
    const struct interrupt_trial trial = {prepare_free, act_free, meanwhile_free, leave};
    for (event = NOTHING; event < EVENTS; event++) {
        (void)CHECK(interrupt_everywhere(&trial, verify_free) >= 8 + 64);
        check_heap();
    }
}

#if defined(__x86_64__)
// Written by hand, free is one sequence from its first look on, so that NULL gets into it, too.

static void prepare_null(void)
{
    prepare_free();
    hit_free_rseq(block);
    note_slab();
}

static void act_null(void)
{
    hit_free_rseq(NULL);
}

static void verify_null(unsigned interrupts)
{
    (void)interrupts;
    (void)CHECK(slab_of(block)->hot.head == head && slab_of(block)->foreign == foreign);
    interrupt_area.mm_cid = SLOT;
    if (spare != NULL) {
        hit_free_rseq(spare);
    }
    spare = NULL;
}

static void free_of_null_does_nothing(void)
{
    const struct interrupt_trial trial = {prepare_null, act_null, meanwhile_free, leave};
    for (event = NOTHING; event < EVENTS; event++) {
        (void)CHECK(interrupt_everywhere(&trial, verify_null) >= 5);
        check_heap();
    }
}
#endif

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(malloc_hands_a_block_out_once),
        CONFORM_CASE(free_links_a_block_once),
#if defined(__x86_64__)
        CONFORM_CASE(free_of_null_does_nothing),
#endif
    };
    interrupt_start();
    if (acre_heap_create(acre_pages_mmap(), NULL, &front_heap) != ACRE_OK) {
        return 1;
    }
    class = hit_class(front_heap, BYTES);
    (void)hit_malloc(BYTES); // the slot comes to be
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
