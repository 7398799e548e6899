// rseq_x86_64.h - the commits of acre/port.h as restartable sequences for x86-64.
//
// Each function's comment is the sequence as plain C; its last line is the committing store. The
// thread is on `slot` from the first instruction to that store, or none of it counts.
// `again` is where a sequence that was aborted starts over.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LINUX_RSEQ_X86_64_H
#define ACRE_LINUX_RSEQ_X86_64_H

#include "acre/port.h"

#define RSEQ_AVAILABLE 1

// Announces the sequence between labels 71 and 72, which continues at 74 if it is aborted.
#define RSEQ_BEGIN                                                                                 \
    ".pushsection __rseq_cs, \"aw\"\n"                                                             \
    ".balign 32\n"                                                                                 \
    "77: .long 0, 0\n"                                                                             \
    ".quad 71f, 72f - 71f, 74f\n"                                                                  \
    ".popsection\n"                                                                                \
    "leaq 77b(%%rip), %[cs]\n"                                                                     \
    "movq %[cs], %%fs:8(%[area])\n"                                                                \
    "71:\n"

// Ends it; `on_abort` is code that runs before the jump to `again`.
#define RSEQ_END(on_abort)                                                                         \
    "72:\n"                                                                                        \
    ".pushsection __rseq_failure, \"ax\"\n"                                                        \
    ".byte 0x0f, 0xb9, 0x3d\n" /* ud1 with the signature as its immediate */                       \
    ".long 0x53053053\n"                                                                           \
    "74: " on_abort "jmp %l[again]\n"                                                              \
    ".popsection\n"

#define RSEQ_SLOT "%%fs:24(%[area])"

static inline unsigned rseq_slot(ptrdiff_t area)
{
    unsigned slot;
    __asm__ volatile("movl %%fs:24(%[area]), %[slot]" : [slot] "=r"(slot) : [area] "r"(area));
    return slot;
}

// block = bins[slot]->bin[at]; if (!block) goto empty; *next = block->next;
// bins[slot]->bin[at] = *next;
static inline __attribute__((always_inline)) acre_block *rseq_pop(
    acre_bins *const *bins, size_t at, acre_block **next)
{
    ptrdiff_t area = acre_port_rseq_area;
    acre_block *block;
    acre_block *rest;
    uintptr_t own;
    uintptr_t cs;
again:
    __asm__ goto volatile(
        RSEQ_BEGIN "movl " RSEQ_SLOT ", %k[own]\n"
                   "movq (%[bins], %[own], 8), %[own]\n"
                   "movq (%[own], %[at], 8), %[block]\n"
                   "testq %[block], %[block]\n"
                   "jz %l[empty]\n"
                   "movq (%[block]), %[rest]\n"
                   "movq %[rest], (%[own], %[at], 8)\n" RSEQ_END("")
        : [cs] "=&r"(cs), [own] "=&r"(own), [block] "=&r"(block), [rest] "=&r"(rest)
        : [area] "r"(area), [bins] "r"(bins), [at] "r"(at)
        : "memory", "cc"
        : again, empty);
    RSEQ_KEEP_OUTPUTS();
    *next = rest;
    return block;
empty:
    return NULL;
}

// if (*owner != seen || (uint16_t)seen != (uint16_t)slot) goto foreign; head = hot->head;
// block->next = head; block->tag = head ^ mark; hot->due--; hot->head = block; and after it:
// if ((int16_t)due <= 0) goto due;
static inline __attribute__((always_inline)) acre_push rseq_push(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block *block, uintptr_t mark)
{
    ptrdiff_t area = acre_port_rseq_area;
    uintptr_t head;
    uintptr_t cs;
again:
    __asm__ goto volatile(
        RSEQ_BEGIN "cmpq %[seen], %[owner]\n"
                   "jne %l[foreign]\n"
                   "cmpw " RSEQ_SLOT ", %w[seen]\n"
                   "jne %l[foreign]\n"
                   "movq (%[hot]), %[head]\n"
                   "movq %[head], (%[block])\n"
                   "xorq %[mark], %[head]\n"
                   "movq %[head], 8(%[block])\n"
                   "decw 8(%[hot])\n" // its flags live on: stores change none
                   "movq %[block], (%[hot])\n" RSEQ_END("lock incl %[aborts]\n") "jle %l[due]\n"
        : [cs] "=&r"(cs), [head] "=&r"(head)
        : [area] "r"(area), [hot] "r"(hot), [owner] "m"(*owner), [seen] "r"(seen),
          [block] "r"(block), [mark] "rm"(mark), [aborts] "m"(acre_port_abort_count)
        : "memory", "cc"
        : again, foreign, due);
    return ACRE_PUSHED;
due:
    return ACRE_PUSHED_DUE;
foreign:
    return ACRE_FOREIGN;
}

// if (slot != current) goto moved; block = *bin; if (!block) goto empty; *bin = block->next;
static inline acre_pop rseq_pop_on(unsigned slot, acre_block **bin, acre_block **out)
{
    ptrdiff_t area = acre_port_rseq_area;
    acre_block *block;
    acre_block *rest;
    uintptr_t cs;
again:
    __asm__ goto volatile(RSEQ_BEGIN "cmpl " RSEQ_SLOT ", %[slot]\n"
                                     "jne %l[moved]\n"
                                     "movq (%[bin]), %[block]\n"
                                     "testq %[block], %[block]\n"
                                     "jz %l[empty]\n"
                                     "movq (%[block]), %[rest]\n"
                                     "movq %[rest], (%[bin])\n" RSEQ_END("")
                          : [cs] "=&r"(cs), [block] "=&r"(block), [rest] "=&r"(rest)
                          : [area] "r"(area), [slot] "r"(slot), [bin] "r"(bin)
                          : "memory", "cc"
                          : again, moved, empty);
    RSEQ_KEEP_OUTPUTS();
    *out = block;
    return ACRE_POPPED;
empty:
    *out = NULL;
    return ACRE_BIN_EMPTY;
moved:
    *out = NULL;
    return ACRE_MOVED;
}

// if (*owner != seen || (uint16_t)seen != (uint16_t)slot) goto moved; block = hot->head;
// if (!block) goto empty; hot->head = block->next;
static inline acre_pop rseq_pop_owned(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block **out)
{
    ptrdiff_t area = acre_port_rseq_area;
    acre_block *block;
    acre_block *rest;
    uintptr_t cs;
again:
    __asm__ goto volatile(RSEQ_BEGIN "cmpq %[seen], %[owner]\n"
                                     "jne %l[moved]\n"
                                     "cmpw " RSEQ_SLOT ", %w[seen]\n"
                                     "jne %l[moved]\n"
                                     "movq (%[hot]), %[block]\n"
                                     "testq %[block], %[block]\n"
                                     "jz %l[empty]\n"
                                     "movq (%[block]), %[rest]\n"
                                     "movq %[rest], (%[hot])\n" RSEQ_END("")
                          : [cs] "=&r"(cs), [block] "=&r"(block), [rest] "=&r"(rest)
                          : [area] "r"(area), [hot] "r"(hot), [owner] "m"(*owner), [seen] "r"(seen)
                          : "memory", "cc"
                          : again, moved, empty);
    RSEQ_KEEP_OUTPUTS();
    *out = block;
    return ACRE_POPPED;
empty:
    *out = NULL;
    return ACRE_BIN_EMPTY;
moved:
    *out = NULL;
    return ACRE_MOVED;
}

// if (slot != current) goto moved; *list = hot->head; hot->due = due; hot->head = NULL;
static inline bool rseq_take(unsigned slot, acre_hot *hot, uint16_t due, acre_block **list)
{
    ptrdiff_t area = acre_port_rseq_area;
    acre_block *head;
    uintptr_t cs;
again:
    __asm__ goto volatile(RSEQ_BEGIN "cmpl " RSEQ_SLOT ", %[slot]\n"
                                     "jne %l[moved]\n"
                                     "movq (%[hot]), %[head]\n"
                                     "movw %w[due], 8(%[hot])\n"
                                     "movq $0, (%[hot])\n" RSEQ_END("")
                          : [cs] "=&r"(cs), [head] "=&r"(head)
                          : [area] "r"(area), [slot] "r"(slot), [hot] "r"(hot), [due] "r"(due)
                          : "memory", "cc"
                          : again, moved);
    RSEQ_KEEP_OUTPUTS();
    *list = head;
    return true;
moved:
    return false;
}

// if (slot != current || *head) goto refused; *head = list;
static inline bool rseq_install(unsigned slot, acre_block **head, acre_block *list)
{
    ptrdiff_t area = acre_port_rseq_area;
    uintptr_t cs;
again:
    __asm__ goto volatile(RSEQ_BEGIN "cmpl " RSEQ_SLOT ", %[slot]\n"
                                     "jne %l[refused]\n"
                                     "cmpq $0, (%[head])\n"
                                     "jne %l[refused]\n"
                                     "movq %[list], (%[head])\n" RSEQ_END("")
                          : [cs] "=&r"(cs)
                          : [area] "r"(area), [slot] "r"(slot), [head] "r"(head), [list] "r"(list)
                          : "memory", "cc"
                          : again, refused);
    return true;
refused:
    return false;
}

// if (slot != current) goto moved; hot->due = due;
static inline bool rseq_due_set(unsigned slot, acre_hot *hot, uint16_t due)
{
    ptrdiff_t area = acre_port_rseq_area;
    uintptr_t cs;
again:
    __asm__ goto volatile(RSEQ_BEGIN "cmpl " RSEQ_SLOT ", %[slot]\n"
                                     "jne %l[moved]\n"
                                     "movw %w[due], 8(%[hot])\n" RSEQ_END("")
                          : [cs] "=&r"(cs)
                          : [area] "r"(area), [slot] "r"(slot), [hot] "r"(hot), [due] "r"(due)
                          : "memory", "cc"
                          : again, moved);
    return true;
moved:
    return false;
}

// if (slot != current) goto moved; hot->due += delta;
static inline bool rseq_due_add(unsigned slot, acre_hot *hot, uint16_t delta)
{
    ptrdiff_t area = acre_port_rseq_area;
    uintptr_t cs;
again:
    __asm__ goto volatile(RSEQ_BEGIN "cmpl " RSEQ_SLOT ", %[slot]\n"
                                     "jne %l[moved]\n"
                                     "addw %w[delta], 8(%[hot])\n" RSEQ_END("")
                          : [cs] "=&r"(cs)
                          : [area] "r"(area), [slot] "r"(slot), [hot] "r"(hot), [delta] "r"(delta)
                          : "memory", "cc"
                          : again, moved);
    return true;
moved:
    return false;
}

#endif
