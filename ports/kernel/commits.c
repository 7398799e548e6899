// commits.c - the locks and the commits that slow paths make. See acre_port.h.
// SPDX-License-Identifier: MIT
#include "acre_port.h"

// Also where acre is one file, and a compiler sees all of it (scripts/amalgamate).
#define NOT_INLINE __attribute__((noinline))

NOT_INLINE void acre_port_lock_take(acre_port_lock *lock)
{
    while (true) {
        uintptr_t state = acre_port_interrupts_off();
        uint32_t open = 0;
        if (cas_acquire(&lock->taken, &open, 1)) { // pairs with the drop before it
            lock->interrupts = state;
            return;
        }
        // Interrupts are as the caller had them while it waits.
        acre_port_interrupts_restore(state);
        while (load_relaxed(&lock->taken) != 0) {
            acre_port_relax();
        }
    }
}

NOT_INLINE void acre_port_lock_drop(acre_port_lock *lock)
{
    uintptr_t state = lock->interrupts;
    store_release(&lock->taken, 0); // pairs with the next take
    acre_port_interrupts_restore(state);
}

NOT_INLINE acre_pop acre_port_pop_on(unsigned slot, acre_block **bin, acre_block **out)
{
    acre_block *next;
    uintptr_t state = acre_port_interrupts_off();
    bool here = slot == acre_port_cpu();
    *out = here ? plain_pop(bin, &next) : NULL;
    acre_port_interrupts_restore(state);
    if (!here) {
        return ACRE_MOVED;
    }
    return *out == NULL ? ACRE_BIN_EMPTY : ACRE_POPPED;
}

NOT_INLINE acre_pop
acre_port_pop_owned(acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block **out)
{
    acre_block *next;
    uintptr_t state = acre_port_interrupts_off();
    bool here = load_relaxed(owner) == seen && (uint16_t)seen == (uint16_t)acre_port_cpu();
    *out = here ? plain_pop(&hot->head, &next) : NULL;
    acre_port_interrupts_restore(state);
    if (!here) {
        return ACRE_MOVED;
    }
    return *out == NULL ? ACRE_BIN_EMPTY : ACRE_POPPED;
}

NOT_INLINE bool acre_port_take(unsigned slot, acre_hot *hot, uint16_t due, acre_block **list)
{
    uintptr_t state = acre_port_interrupts_off();
    bool here = slot == acre_port_cpu();
    if (here) {
        *list = plain_take(hot, due);
    }
    acre_port_interrupts_restore(state);
    return here;
}

NOT_INLINE bool acre_port_install(unsigned slot, acre_block **head, acre_block *list)
{
    uintptr_t state = acre_port_interrupts_off();
    bool done = slot == acre_port_cpu() && plain_install(head, list);
    acre_port_interrupts_restore(state);
    return done;
}

NOT_INLINE bool acre_port_due_set(unsigned slot, acre_hot *hot, uint16_t due)
{
    uintptr_t state = acre_port_interrupts_off();
    bool here = slot == acre_port_cpu();
    if (here) {
        hot->due = due;
    }
    acre_port_interrupts_restore(state);
    return here;
}

NOT_INLINE bool acre_port_due_add(unsigned slot, acre_hot *hot, uint16_t delta)
{
    uintptr_t state = acre_port_interrupts_off();
    bool here = slot == acre_port_cpu();
    if (here) {
        hot->due = (uint16_t)(hot->due + delta);
    }
    acre_port_interrupts_restore(state);
    return here;
}
